"""Sums of gridded visibilities on disk, divided by the sums of their weights: what the synthesisnormalizer tool does.

Images are those that `stepwise.SynthesisRun` writes. A run that is shared out leaves parts of the same images, which are added up first. An image that is
divided says so (`NORMALIZED` among its miscellaneous values), and is not divided again. Images of mosaics, which have a ``.weight``, are divided as
`beam_weights` says.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from casatools._base.errors import DataError, ParameterError
from casatools._base.paths import require_present, staged_output
from casatools.imaging.beam_fit import fit_beam
from casatools.imaging.beam_weights import model_divisor, mosaic_beam, residual_divisor
from casatools.imaging.products import beam_set
from casatools.io.image import CasaImage

__all__ = ["NORMALIZED", "Normalization"]

# Miscellaneous value of images that are divided: by whom.
NORMALIZED = "normalized"


def _like(image: CasaImage, path: str, masked: bool = False) -> CasaImage:
    """A new image with the shape and coordinates of another."""
    return CasaImage.create(path, image.shape, image.coordinates, np.float32, unit=image.unit, mask="mask0" if masked else "")


@dataclass
class Normalization:
    """The images of one field.

    Attributes
    ----------
    base : str
        Beginning of the names.
    nterms : int
        Taylor terms; 0 when the images are not of terms.
    psf_cutoff : float
        For the fit of the beam.
    parts : sequence of str
        Beginnings of the names of images to add up.
    normtype : str
        flatnoise, flatsky or pbsquare, for mosaics.
    pblimit : float
        Primary beam below which images are blank; negative to blank none.
    """

    base: str
    nterms: int = 0
    psf_cutoff: float = 0.35
    parts: Sequence[str] = field(default_factory=tuple)
    normtype: str = "flatnoise"
    pblimit: float = 0.2

    def __post_init__(self) -> None:
        if self.normtype not in ("flatnoise", "flatsky", "pbsquare"):
            raise ParameterError(f"parameter 'normtype' must be flatnoise, flatsky or pbsquare; got {self.normtype!r}")

    def _names(self, kind: str, count: int) -> list[str]:
        return [f"{kind}.tt{k}" for k in range(count)] if self.nterms else [kind]

    @property
    def _psf_names(self) -> list[str]:
        return self._names("psf", 2 * self.nterms - 1)

    @property
    def _residual_names(self) -> list[str]:
        return self._names("residual", self.nterms)

    def _require(self, names: Sequence[str], base: str | None = None) -> None:
        for name in names:
            require_present(f"{self.base if base is None else base}.{name}", "image")

    def _sums(self, base: str | None = None) -> np.ndarray:
        """Sums of weights (chan, pol, 1, 1); of the first term."""
        name = f"{self.base if base is None else base}.{self._names('sumwt', 1)[0]}"
        require_present(name, "image")
        with CasaImage.open(name) as image:
            return np.asarray(image.read(), np.float32)

    def sums_of_weights(self) -> np.ndarray:
        """Sums of weights (chan or term,) of the first polarization.

        Raises
        ------
        PathMissingError
            They are not there.
        """
        if not self.nterms:
            return self._sums()[:, 0, 0, 0]
        names = self._names("sumwt", 2 * self.nterms - 1)
        self._require(names)
        found = []
        for name in names:
            with CasaImage.open(f"{self.base}.{name}") as image:
                found.append(float(np.ravel(image.read())[0]))
        return np.array(found)

    @property
    def _weight_names(self) -> list[str]:
        return self._names("weight", 2 * self.nterms - 1)

    @property
    def is_mosaic(self) -> bool:
        """True where there is a weight image."""
        return os.path.isdir(f"{self.base}.{self._weight_names[0]}")

    def _is_divided(self, name: str) -> bool:
        with CasaImage.open(f"{self.base}.{name}") as image:
            return NORMALIZED in image.misc_info

    def weight(self, place: int) -> np.ndarray:
        """The weight image (pol, y, x) of a channel or Taylor term, divided by the sum of weights whether that is done on disk or not.

        Raises
        ------
        PathMissingError
            It is not there.
        """
        name = self._weight_names[place if self.nterms else 0]
        self._require([name])
        chan = 0 if self.nterms else place
        with CasaImage.open(f"{self.base}.{name}") as image:
            found = np.asarray(image.read((slice(chan, chan + 1),)), np.float32)[0]
            divided = NORMALIZED in image.misc_info
        total = 1.0 if divided else float(self._sums()[chan, 0, 0, 0])
        return found / np.float32(total if total > 0 else 1.0)

    def _change(
        self, names: Sequence[str], change: Callable[[np.ndarray, int], np.ndarray], divided: bool = False, blank: bool = False
    ) -> None:
        """Replace images, all or none: each is made beside the one that is there.

        With `divided` those that are divided already are left, and the others say so afterwards; with `blank` they get the mask of the
        primary beam, where there is one.
        """
        for name in names:
            path = f"{self.base}.{name}"
            if divided and self._is_divided(name):
                continue
            with CasaImage.open(path) as old, staged_output(path, overwrite=True) as staged:
                mask = self._seen(old.shape) if blank else None
                with _like(old, staged, mask is not None) as new:
                    for chan in range(old.shape[0]):
                        where = (slice(chan, chan + 1),)
                        new.write(change(np.asarray(old.read(where), np.float32), chan), where)
                    new.copy_metadata_from(old)
                    if mask is not None:
                        new.write_mask(mask)
                    if divided:
                        new.misc_info = {**new.misc_info, NORMALIZED: "synthesisnormalizer"}

    def _seen(self, shape: tuple[int, ...]) -> np.ndarray | None:
        """Where the primary beam is above its limit; None where there is none that fits, or none is to be blank."""
        path = f"{self.base}.{self._names('pb', 1)[0]}"
        if self.pblimit <= 0 or not os.path.isdir(path):
            return None
        with CasaImage.open(path) as image:
            return image.read_mask() if image.shape == shape else None

    def gather(self, names: Sequence[str]) -> None:
        """Add up the parts' images; nothing is done when there are no parts.

        Raises
        ------
        PathMissingError, DataError
            A part lacks an image, or its shape is another.
        """
        if not self.parts:
            self._require(names)
            return
        for part in self.parts:
            self._require(names, part)
        for name in names:
            with (
                CasaImage.open(f"{self.parts[0]}.{name}") as first,
                staged_output(f"{self.base}.{name}", overwrite=True) as staged,
                _like(first, staged) as total,
            ):
                for chan in range(first.shape[0]):
                    where = (slice(chan, chan + 1),)
                    total.write(self._added(name, first.shape, where), where)
                total.copy_metadata_from(first)

    def _added(self, name: str, shape: tuple[int, ...], where: tuple[slice, ...]) -> np.ndarray:
        found: np.ndarray = np.zeros((), np.float32)
        for part in self.parts:
            with CasaImage.open(f"{part}.{name}") as image:
                if image.shape != shape:
                    raise DataError(
                        f"image {part}.{name} has the shape {image.shape[::-1]}, that of the first part is {shape[::-1]}"
                    )
                found = found + np.asarray(image.read(where), np.float32)
        return found

    def gather_psf(self) -> None:
        """Add up point spread functions and sums of weights of the parts."""
        names = [*self._names("sumwt", 2 * self.nterms - 1), *self._psf_names]
        first = self.parts[0] if self.parts else self.base
        if os.path.isdir(f"{first}.{self._weight_names[0]}"):
            names += self._weight_names
        self.gather(names)

    def gather_residual(self) -> None:
        """Add up residuals of the parts."""
        self.gather(self._residual_names)

    def scatter_model(self) -> None:
        """Give the parts copies of the model; nothing is done when there are no parts or no model."""
        self.scatter(self._names("model", self.nterms))

    def scatter(self, names: Sequence[str]) -> None:
        """Give the parts copies of images, of those that are there."""
        for name in names:
            path = f"{self.base}.{name}"
            if not os.path.isdir(path):
                continue
            for part in self.parts:
                with (
                    CasaImage.open(path) as old,
                    staged_output(f"{part}.{name}", overwrite=True) as staged,
                    _like(old, staged) as new,
                ):
                    new.write(old.read())
                    new.copy_metadata_from(old)

    def divide_psf(self) -> None:
        """Divide point spread functions by the sums of weights: 1 in the middle."""
        self._require(self._psf_names)
        sums = self._safe_sums()
        self._change(self._psf_names, lambda pixels, chan: pixels / sums[min(chan, len(sums) - 1)], divided=True)

    def divide_weight(self) -> None:
        """Divide the weight images of mosaics by the sums of weights; nothing is done where there are none."""
        if self.is_mosaic:
            sums = self._safe_sums()
            self._change(self._weight_names, lambda pixels, chan: pixels / sums[min(chan, len(sums) - 1)], divided=True)

    def divide_residual(self) -> None:
        """Divide residuals by the sums of weights, and those of mosaics by what their normalization asks for: Jy/beam."""
        self._require(self._residual_names)
        sums = self._safe_sums()

        def change(pixels: np.ndarray, chan: int) -> np.ndarray:
            found = pixels / sums[min(chan, len(sums) - 1)]
            if mosaic:
                found[0] /= [residual_divisor(plane, self.normtype, abs(self.pblimit)) for plane in self.weight(chan)]
            return found

        mosaic = self.is_mosaic
        self._change(self._residual_names, change, divided=True, blank=True)

    def divide_single_dish(self) -> None:
        """Divide sums of a single dish's spectra by sums of their weights, pixel by pixel; pixels without weight are masked.

        Raises
        ------
        PathMissingError, DataError
            The residual, the weight image or the sums of weights are not there, or the two images differ in shape.
        """
        self._require([*self._residual_names, self._weight_names[0]])
        with CasaImage.open(f"{self.base}.{self._weight_names[0]}") as image:
            shape = image.shape
        sums = self._safe_sums()
        for name in self._residual_names:
            path = f"{self.base}.{name}"
            if self._is_divided(name):
                continue
            with CasaImage.open(path) as old, staged_output(path, overwrite=True) as staged, _like(old, staged, True) as new:
                if old.shape != shape:
                    raise DataError(f"image {path!r} of shape {old.shape[::-1]} does not fit the weights of shape {shape[::-1]}")
                for chan in range(old.shape[0]):
                    where = (slice(chan, chan + 1),)
                    weight = self.weight(0 if self.nterms else chan)[None] * sums[min(chan, len(sums) - 1)]
                    seen, pixels = weight > 0, np.asarray(old.read(where), np.float32)
                    new.write(np.divide(pixels, weight, out=np.zeros_like(pixels), where=seen), where)
                    new.write_mask(seen, where)
                new.copy_metadata_from(old)
                new.misc_info = {**new.misc_info, NORMALIZED: "synthesisnormalizer"}

    def _safe_sums(self) -> np.ndarray:
        sums = self._sums()
        return np.where(sums > 0, sums, np.float32(1.0))

    def make_beam(self) -> None:
        """Write the primary beam of a mosaic, the root of its weight image; nothing is done for other images."""
        if not self.is_mosaic:
            return
        weight, name = self._weight_names[0], f"{self.base}.{self._names('pb', 1)[0]}"
        with (
            CasaImage.open(f"{self.base}.{weight}") as old,
            staged_output(name, overwrite=True) as staged,
            _like(old, staged, True) as new,
        ):
            for chan in range(old.shape[0]):
                where = (slice(chan, chan + 1),)
                beam = mosaic_beam(self.weight(chan))
                seen = beam > abs(self.pblimit) if self.pblimit else np.ones(beam.shape, bool)
                new.write(np.where(seen, beam, np.float32(0.0))[None], where)
                new.write_mask(seen[None], where)
            new.copy_metadata_from(old)

    def sky_model(self) -> None:
        """Make flux densities on the sky of a mosaic's model, for the next major cycle; nothing is done for other images, or without a model."""
        self._turn_model(lambda plane, part: plane / part)

    def image_model(self) -> None:
        """Undo `sky_model`, after the major cycle."""
        self._turn_model(lambda plane, part: plane * np.where(np.isfinite(part), part, np.float32(0.0)))

    def _turn_model(self, turn: Callable[[np.ndarray, np.ndarray], np.ndarray]) -> None:
        names = self._names("model", self.nterms)
        if not self.is_mosaic or not all(os.path.isdir(f"{self.base}.{name}") for name in names):
            return
        with CasaImage.open(f"{self.base}.{self._weight_names[0]}") as image:
            if image.misc_info.get(NORMALIZED) == "synthesisimager":
                # The model of a cube is turned where it is used.
                return

        def change(pixels: np.ndarray, chan: int) -> np.ndarray:
            parts = [model_divisor(plane, self.normtype) for plane in self.weight(chan)]
            return np.asarray(np.stack([turn(p, q) for p, q in zip(pixels[0], parts, strict=True)])[None], np.float32)

        self._change(names, change)

    def fit_beams(self) -> None:
        """Fit the beams of the point spread functions, which are kept with the image.

        Raises
        ------
        DataError
            The image is blank or has no direction coordinate.
        """
        name = f"{self.base}.{self._psf_names[0]}"
        require_present(name, "image")
        with CasaImage.open(name, writable=True) as image:
            direction = image.coordinates.direction
            pixels = np.asarray(image.read(), np.float32)
            if direction is None or not pixels.any():
                raise DataError(f"image {name!r} is blank or has no direction coordinate: no beam can be fitted")
            cell = (abs(float(direction.increment_rad[0])), abs(float(direction.increment_rad[1])))
            beams = [fit_beam(plane[0], cell, self.psf_cutoff) if plane.any() else None for plane in pixels]
            found = beam_set(beams, pixels.shape[1])
            if found is not None:
                image.beams = found
