"""Sums of gridded visibilities on disk, divided by the sums of their weights: what the synthesisnormalizer tool does.

Images are those that `stepwise.SynthesisRun` writes. A run that is shared out leaves parts of the same images, which are added up first.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from casatools._base.errors import DataError
from casatools._base.paths import require_present, staged_output
from casatools.imaging.beam_fit import fit_beam
from casatools.imaging.products import beam_set
from casatools.io.image import CasaImage

__all__ = ["Normalization"]


def _like(image: CasaImage, path: str) -> CasaImage:
    """A new image with the shape and coordinates of another."""
    return CasaImage.create(path, image.shape, image.coordinates, np.float32, unit=image.unit)


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
    """

    base: str
    nterms: int = 0
    psf_cutoff: float = 0.35
    parts: Sequence[str] = field(default_factory=tuple)

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

    def _change(self, names: Sequence[str], change: Callable[[np.ndarray, int], np.ndarray]) -> None:
        """Replace images, all or none: each is made beside the one that is there."""
        for name in names:
            path = f"{self.base}.{name}"
            with CasaImage.open(path) as old, staged_output(path, overwrite=True) as staged, _like(old, staged) as new:
                for chan in range(old.shape[0]):
                    where = (slice(chan, chan + 1),)
                    new.write(change(np.asarray(old.read(where), np.float32), chan), where)
                new.copy_metadata_from(old)

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
        self.gather([*self._names("sumwt", 2 * self.nterms - 1), *self._psf_names])

    def gather_residual(self) -> None:
        """Add up residuals of the parts."""
        self.gather(self._residual_names)

    def scatter_model(self) -> None:
        """Give the parts copies of the model; nothing is done when there are no parts or no model."""
        for name in self._names("model", self.nterms):
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
        self._divide(self._psf_names)

    def divide_residual(self) -> None:
        """Divide residuals by the sums of weights: Jy/beam."""
        self._divide(self._residual_names)

    def _divide(self, names: Sequence[str]) -> None:
        self._require(names)
        sums = self._sums()
        safe = np.where(sums > 0, sums, np.float32(1.0))
        self._change(names, lambda pixels, chan: pixels / safe[min(chan, len(safe) - 1)])

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
