"""Imaging as the older imager tool does it: one MeasurementSet, one image, each step on request.

`ClassicImager` holds what was asked for and runs the parts that tclean is made of; images that it makes are those of tclean.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np

from casatools._base.errors import DataError, NotOpenError, ParameterError, UnsupportedError
from casatools._base.paths import remove_output, require_absent, require_present, staged_output
from casatools.imaging.beam_fit import GaussianBeam, fit_beam
from casatools.imaging.pointed_beams import beam_planes
from casatools.imaging.restoration import restore
from casatools.imaging.stepwise import SynthesisRun, tclean_request
from casatools.imaging.tclean_run import run_tclean
from casatools.io.image import Beam, BeamSet, CasaImage

__all__ = ["ClassicImager", "fit_psf_image", "restore_image"]

# Names of the older tool for the deconvolvers that tclean has; "mf" and "cs" ones alternate minor and major cycles, as all of ours do.
_ALGORITHMS = {
    "clark": "clark", "mfclark": "clark", "csclean": "clark", "wfclark": "clark", "hogbom": "hogbom", "mfhogbom": "hogbom", "wfhogbom": "hogbom",
    "cs": "clark", "multiscale": "multiscale", "mfmultiscale": "multiscale", "msmfs": "mtmfs", "clarkstokes": "clarkstokes",
    "mfclarkstokes": "clarkstokes", "mem": "mem", "asp": "asp",
}  # fmt: skip


class ClassicImager:
    """A MeasurementSet, what is selected of it, and the image that is made of that.

    Parameters
    ----------
    path : str
        The MeasurementSet.
    scratch : bool
        Models are written into MODEL_DATA; they are kept as recipes otherwise.
    """

    def __init__(self, path: str, scratch: bool = False) -> None:
        self.path, self.scratch = path, scratch
        self.selection: dict[str, Any] = {"msname": path}
        self.image: dict[str, Any] = {}
        self.weighting: dict[str, Any] = {"weighting": "natural"}
        self.gridding: dict[str, Any] = {"gridder": "standard"}
        self.scales: list[float] = []
        self.bias = 0.6
        self.terms = 2
        self.reference = ""
        self.beam: GaussianBeam | None = None
        self.vptable = ""
        self.uses_beam = False
        self.cycles: dict[str, Any] = {}
        self.given_density: np.ndarray | None = None

    def run(self) -> SynthesisRun:
        """The parts that make images; to be closed by the caller.

        Raises
        ------
        NotOpenError
            No image is defined.
        """
        if not self.image:
            raise NotOpenError("no image is defined; call defineimage first")
        made = SynthesisRun()
        made.selections = [{"datacolumn": "corrected", **self.selection}]
        made.images = [self._image_record()]
        made.weighting = dict(self.weighting)
        made.given_density = self.given_density
        return made

    def _image_record(self) -> dict[str, Any]:
        return {
            "imagename": "image",
            "pblimit": -0.1,
            "reffreq": self.reference,
            **self.image,
            **self.gridding,
            "vptable": self.vptable,
        }

    def field_selection(self) -> dict[str, str]:
        """What `Selection` takes of the selection."""
        names = {"field": "field", "spw": "spw", "antenna": "antenna", "timestr": "timerange", "scan": "scan", "uvdist": "uvrange", "state": "intent",
                 "obs": "observation"}  # fmt: skip
        return {target: str(self.selection[name]) for name, target in names.items() if self.selection.get(name)}

    def make_image(self, kind: str, path: str) -> None:
        """Write an image of the data; see `SynthesisRun.make_image`, or the primary beam for the kind "pb".

        Raises
        ------
        ParameterError, OutputExistsError, CasaError
            There is no such kind, the image is there, or the data do not allow it.
        """
        if not path:
            raise ParameterError("imager.makeimage: parameter 'image' must be given; it names the new image")
        require_absent(path, what="image")
        run = self.run()
        try:
            if kind.strip().lower() == "pb":
                plan = run.plans[0]
                self.write_like(path, plan.coordinates, plan.beam_power)
            else:
                run.make_image(kind, path)
        finally:
            run.close()

    def write_like(
        self, path: str, coordinates: Any, pixels: np.ndarray, unit: str = "", beam: GaussianBeam | None = None
    ) -> None:
        """Write an image (chan, pol, y, x) with coordinates of this image."""
        with staged_output(path) as staged, CasaImage.create(staged, pixels.shape, coordinates, np.float32, unit=unit) as image:
            image.write(pixels)
            if beam is not None:
                image.beams = BeamSet.single(Beam.from_rad(beam.major_rad, beam.minor_rad, beam.angle_rad))

    def centre(self) -> Any:
        """Phase centre of the image."""
        run = self.run()
        try:
            return run.data.centre
        finally:
            run.close()

    def blank(self) -> tuple[Any, tuple[int, ...]]:
        """Coordinates and shape of the image."""
        run = self.run()
        try:
            plan = run.plans[0]
            return plan.coordinates, plan.beam_power.shape
        finally:
            run.close()

    @contextmanager
    def cleaned(self, changes: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
        """Images of a tclean run of this image with further parameters, in a folder that is removed afterwards.

        Yields
        ------
        str, dict
            Beginning of the images' names, and the record of the iterations.
        """
        if self.given_density is not None:
            raise UnsupportedError(
                "imager: weights that setweightgrid gave are used by makeimage and sensitivities, not to clean; call weight, or loop with synthesisimager"
            )
        folder = tempfile.mkdtemp(prefix=".imager-", dir=os.getcwd())
        base = os.path.join(folder, "image")
        try:
            run = self.run()
            record = run.images[0] | {"imagename": base, **changes}
            request = tclean_request(run.selections, record, run.weighting)
            yield base, run_tclean(request, ["taskname=imager"])
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def clean(
        self,
        algorithm: str,
        niter: int,
        gain: float,
        threshold: Any,
        names: Mapping[str, str],
        mask: str = "",
        per_cycle: int = -1,
        interactive: bool = False,
    ) -> dict[str, Any]:
        """Clean the image.

        Parameters
        ----------
        algorithm : str
        niter, gain, threshold
            As in tclean.
        names : mapping of str
            Where model, image, residual and psf are to be; empty ones are not kept. A model that is there is started from.
        mask : str
            Image or region.
        per_cycle : int
            Iterations of a minor cycle; -1 for no limit.
        interactive : bool
            A person draws the mask and steers.

        Returns
        -------
        dict
            iterations, maxresidual [Jy/beam] and whether it converged.

        Raises
        ------
        ParameterError
            There is no such algorithm.
        """
        name = _ALGORITHMS.get(algorithm.lower())
        if name is None:
            raise ParameterError(
                f"imager.clean: parameter 'algorithm' must be one of {', '.join(_ALGORITHMS)}; got {algorithm!r}"
            )
        changes: dict[str, Any] = {
            "deconvolver": name, "niter": niter, "gain": gain, "threshold": threshold, "mask": mask, "cycleniter": per_cycle,
            "scales": self.scales, "smallscalebias": self.bias, "nterms": self.terms, "interactive": interactive,
        }  # fmt: skip
        changes |= self.cycles
        model = names.get("model", "")
        suffix = ".tt0" if name == "mtmfs" else ""
        if model and os.path.isdir(model):
            changes["startmodel"] = model
        with self.cleaned(changes) as (base, record):
            with CasaImage.open(f"{base}.residual{suffix}") as image:
                peak = float(np.abs(image.read()).max())
            for kind, target in names.items():
                if target:
                    remove_output(target)
                    os.rename(f"{base}.{kind}{suffix}", target)
        return {"converged": record["stopcode"] in (2, 8), "iterations": int(record["iterdone"]), "maxresidual": peak}

    def residual(self, model: str, outputs: list[str]) -> None:
        """Write the residual image of the data less a model image to all of the names given."""
        require_present(model, "model image")
        for name in outputs:
            require_absent(name, what="image")
        with self.cleaned({"startmodel": model, "niter": 0}) as (base, _):
            for name in outputs:
                with staged_output(name) as staged:
                    shutil.copytree(base + ".residual", staged)

    def advise(self, amplitude_loss: float, field_of_view_rad: float) -> tuple[int, float, int, str]:
        """Pixels, cell [rad], facets and phase centre for the data selected.

        Notes
        -----
        Cells are half of the inverse of the greatest u or v in wavelengths. Facets are as many as keep the phase of what a plane through all (u, v, w)
        leaves of w below what loses so much amplitude at a facet's edge.
        """
        run = SynthesisRun()
        run.selections = [{"datacolumn": "data", **self.selection}]
        run.images = [{"imagename": "image", "imsize": [64], "cell": ["1arcsec"], "pblimit": -0.1}]
        try:
            data = run.data
            uvw = np.concatenate([block.uvw_m * (block.freq_hz.max() / 299792458.0) for block in data.blocks()])
            centre = data.centre
        finally:
            run.close()
        longest = float(np.abs(uvw[:, :2]).max())
        if longest <= 0:
            raise DataError("imager.advise: the data selected have no baselines")
        cell = 0.5 / longest
        pixels = max(64, _composite(field_of_view_rad / cell))
        solved = np.linalg.lstsq(uvw[:, :2], uvw[:, 2], rcond=None)[0]
        left = float(np.sqrt(np.mean(np.square(uvw[:, 2] - uvw[:, :2] @ solved))))
        reach = np.sqrt(np.arccos(1.0 - min(amplitude_loss, 1.0)) / (np.pi * left)) if left > 0 else np.inf
        facets = max(1, int(np.ceil(0.5 * pixels * cell / reach)))
        return pixels, cell, facets, f"{centre.frame} {_hms(centre.lon_rad)} {_dms(centre.lat_rad)}"

    def beam_image(self, source: str, output: str) -> None:
        """Write the primary beam of the field selected on the grid of an image."""
        self._with_beam(source, output, lambda pixels, beam: np.broadcast_to(beam, pixels.shape))

    def apply_beam(self, source: str, output: str, divide: bool) -> None:
        """Multiply an image by the primary beam of the field selected, or divide it by that."""
        if divide:
            self._with_beam(source, output, lambda p, b: np.divide(p, b, out=np.zeros_like(p), where=b > 1e-3))
        else:
            self._with_beam(source, output, lambda pixels, beam: pixels * beam)

    def _with_beam(self, source: str, output: str, made: Callable[[np.ndarray, np.ndarray], np.ndarray]) -> None:
        """Write what is made of the pixels of an image and the primary beam (chan, 1, y, x)."""
        require_absent(output, what="image")
        run = self.run()
        try:
            with CasaImage.open(source) as image:
                spectral = image.coordinates.spectral
                if image.coordinates.direction is None or spectral is None or image.ndim != 4:
                    raise DataError(f"imager.pb: image {source!r} must have a sky plane, polarization and frequency")
                hz = np.ravel(spectral.to_world(np.arange(image.shape[0], dtype=np.float64)[None])) * spectral.hz
                beams = beam_planes(run.data.sources[0], image.coordinates, (image.shape[2], image.shape[3]), hz, self.vptable)
                pixels = np.asarray(image.read())
                with staged_output(output) as staged, CasaImage.create(staged, image.shape, image.coordinates, np.float32) as out:
                    out.copy_metadata_from(image)
                    out.write(made(pixels, beams[:, None]))
        finally:
            run.close()


def _composite(least: float) -> int:
    """The next even number of factors 2, 3 and 5."""
    size = int(np.ceil(least))
    size += size % 2
    while True:
        left = size
        for factor in (2, 3, 5):
            while left > 1 and left % factor == 0:
                left //= factor
        if left <= 1:
            return size
        size += 2


def _hms(angle_rad: float) -> str:
    hundredths = round((np.rad2deg(angle_rad) % 360.0) / 15.0 * 360000.0) % (24 * 360000)
    seconds, part = divmod(hundredths, 100)
    return f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}.{part:02d}"


def _dms(angle_rad: float) -> str:
    thousandths = round(abs(np.rad2deg(angle_rad)) * 3600000.0)
    seconds, part = divmod(thousandths, 1000)
    return f"{'-' if angle_rad < 0 else '+'}{seconds // 3600:03d}.{seconds // 60 % 60:02d}.{seconds % 60:02d}.{part:03d}"


def fit_psf_image(path: str) -> GaussianBeam:
    """The Gaussian fitted to the first plane of a point spread function.

    Raises
    ------
    PathMissingError, DataError
        The image is not there, or has no sky plane or no main lobe.
    """
    with CasaImage.open(path) as image:
        direction = image.coordinates.direction
        if direction is None or image.ndim != 4:
            raise DataError(f"image {path!r} must have a sky plane, polarization and frequency")
        plane = np.asarray(image.read((slice(0, 1), slice(0, 1))))[0, 0]
        cell = (abs(float(direction.increment_rad[0])), abs(float(direction.increment_rad[1])))
    if not plane.any():
        raise DataError(f"the point spread function {path!r} is blank")
    return fit_beam((plane / plane.max()).astype(np.float32), cell)


def restore_image(model: str, residual: str, output: str, beam: GaussianBeam) -> None:
    """Write a model [Jy/pixel] convolved with a beam, and a residual added where one is named.

    Raises
    ------
    PathMissingError, OutputExistsError, DataError
        An image is missing or the output is there, or the images do not fit.
    """
    require_absent(output, what="image")
    with CasaImage.open(model) as image:
        direction = image.coordinates.direction
        if direction is None or image.ndim != 4:
            raise DataError(f"image {model!r} must have a sky plane, polarization and frequency")
        cell = (abs(float(direction.increment_rad[0])), abs(float(direction.increment_rad[1])))
        sky = np.asarray(image.read(), dtype=np.float32)
        left = np.zeros_like(sky)
        if residual:
            with CasaImage.open(residual) as other:
                if other.shape != image.shape:
                    raise DataError(
                        f"residual {residual!r} of shape {other.shape[::-1]} does not fit model {model!r} of shape {image.shape[::-1]}"
                    )
                left = np.asarray(other.read(), dtype=np.float32)
        with (
            staged_output(output) as staged,
            CasaImage.create(staged, sky.shape, image.coordinates, np.float32, unit="Jy/beam") as made,
        ):
            for chan in range(sky.shape[0]):
                planes = [restore(sky[chan, p], left[chan, p], beam, beam, cell) for p in range(sky.shape[1])]
                made.write(np.stack(planes), (slice(chan, chan + 1),))
            made.beams = BeamSet.single(Beam.from_rad(beam.major_rad, beam.minor_rad, beam.angle_rad))
