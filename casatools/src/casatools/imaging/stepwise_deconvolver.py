"""Minor cycles step by step on the images of a run: what the synthesisdeconvolver tool drives."""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import closing
from dataclasses import replace
from typing import Any

import numpy as np

from casatools._base.errors import ParameterError
from casatools._base.paths import require_present
from casatools.imaging.clean_page import PageImage, require_person, steering
from casatools.imaging.cycle_control import CycleControl, CycleOptions
from casatools.imaging.deconvolve_run import DeconvolveRequest, OpenImages, open_images, read_mask, write_restored
from casatools.imaging.products import ImageWriter, staged_images
from casatools.imaging.request import jansky
from casatools.io.image import CasaImage

__all__ = ["StepwiseDeconvolver", "deconvolve_request"]

_DEFAULTS: dict[str, Any] = {
    "imagename": "", "startmodel": "", "deconvolver": "hogbom", "scales": [], "nterms": 1, "smallscalebias": 0.0, "fusedthreshold": 0.0,
    "largestscale": -1, "restoration": True, "restoringbeam": [], "niter": 0, "gain": 0.1, "threshold": 0.0, "nsigma": 0.0, "interactive": False,
    "fullsummary": False, "fastnoise": True, "usemask": "user", "mask": "", "pbmask": 0.0, "sidelobethreshold": 3.0, "noisethreshold": 5.0,
    "lownoisethreshold": 1.5, "negativethreshold": 0.0, "smoothfactor": 1.0, "minbeamfrac": 0.3, "cutthreshold": 0.01, "growiterations": 75,
    "dogrowprune": True, "verbose": False,
}  # fmt: skip
# What a full summary says of a plane, after its channel and polarization.
_FULL = ("cycleStartIters", "startIterDone", "startPeakRes", "startModelFlux", "startPeakResNM", "peakResNM", "masksum")
_MASK_NAMES = {"usemask": "usemask", "masktype": "usemask", "maskstring": "mask"}
# What the reference's parts give each other and that says nothing to ours.
_NOT_HERE = frozenset(("id", "noRequireSumwt", "specmode", "minpercentchange", "deconvolverid", "cyclefactor", "restart"))


def deconvolve_request(given: Mapping[str, Any]) -> DeconvolveRequest:
    """The request that a record of deconvolution parameters makes.

    Raises
    ------
    ParameterError, UnsupportedError
        A value is wrong, or not there yet.
    """
    found = dict(_DEFAULTS)
    for name, value in given.items():
        target = _MASK_NAMES.get(name, name)
        if target in _DEFAULTS:
            found[target] = value
        elif name not in _NOT_HERE:
            raise ParameterError(f"there is no deconvolution parameter {name!r}; there are {', '.join(sorted(_DEFAULTS))}")
    return DeconvolveRequest(**found)


class StepwiseDeconvolver:
    """One image field.

    Parameters
    ----------
    request : DeconvolveRequest
    """

    def __init__(self, request: DeconvolveRequest) -> None:
        self.request = request
        self._masked = False

    @property
    def _rows(self) -> int:
        """Of summaries: one column a plane."""
        return 17 if self.request.fullsummary else 6

    def _open(self) -> OpenImages:
        return open_images(self.request, self._masked)

    def _save(self, images: OpenImages, kinds: tuple[str, ...]) -> None:
        request, planes = self.request, images.deconvolver.planes
        with staged_images(request.imagename) as folder:
            writer = ImageWriter(
                folder, request.imagename, images.coordinates, images.telescope, images.object_name, ["taskname=synthesisdeconvolver"],
                "synthesisdeconvolver",
            )  # fmt: skip
            parts = [slice(k, k + 1) for k in range(request.terms)] or [slice(None)]
            for kind, pixels, unit in (("residual", planes.residual, images.unit), ("model", planes.model, "Jy/pixel")):
                if kind in kinds:
                    for part, name in zip(parts, request.suffixes(kind, request.terms), strict=True):
                        writer.write(name, pixels[part], unit, mask=images.good if kind == "residual" else None)
            if "mask" in kinds:
                writer.write("mask", planes.mask.astype(np.float32))
            if "image" in kinds:
                write_restored(request, images, writer)

    def set_up_mask(self) -> None:
        """Write ``.mask``."""
        images = self._open()
        images.deconvolver.planes.mask[...] = read_mask(self.request, images)
        self._save(images, ("mask",))
        self._masked = True

    def begin(self) -> dict[str, Any]:
        """Read point spread function and residual; write a blank ``.model`` where there is none.

        Returns
        -------
        dict
            peakresidual, maxpsfsidelobe and more, for `iteration_bot.IterationBot.merge_init`.
        """
        images = self._open()
        names = [f"{self.request.imagename}.{s}" for s in self.request.suffixes("model", self.request.terms)]
        if not all(os.path.isdir(name) for name in names):
            self._save(images, ("model",))
        deconvolver, nsigma = images.deconvolver, self.request.nsigma
        planes = deconvolver.planes
        limit = float(deconvolver.noise_thresholds(nsigma).max()) if nsigma > 0 else 0.0
        return {
            "fullsummary": self.request.fullsummary, "madrms": limit / nsigma if nsigma > 0 else 0.0, "masksum": float(planes.mask.sum()) if self._masked else -1.0,
            "maxpsfsidelobe": float(np.float32(deconvolver.sidelobe)), "nsigma": float(nsigma), "nsigmathreshold": limit,
            "peakresidual": deconvolver.peak(), "peakresidualnomask": float(np.abs(planes.residual).max()), "summaryminor": np.zeros((self._rows, 0)),
        }  # fmt: skip

    def run(self, controls: Mapping[str, Any]) -> dict[str, Any]:
        """One minor cycle over all planes; ``.model`` and ``.residual`` are replaced.

        Parameters
        ----------
        controls : mapping
            cycleniter, cyclethreshold [Jy], loopgain.

        Returns
        -------
        dict
            iterdone, maxcycleiterdone, peakresidual, updatedmodelflag and summaryminor: for each plane a column of iterations, peak, model
            flux density, threshold, image number and plane number; with fullsummary channel and polarization apart and eleven numbers more.

        Raises
        ------
        ParameterError
            A control is missing.
        """
        try:
            niter, threshold, gain = int(controls["cycleniter"]), float(controls["cyclethreshold"]), float(controls["loopgain"])
        except KeyError as error:
            raise ParameterError(
                f"the controls of a minor cycle have no field {error.args[0]!r}: give what getminorcyclecontrols returned"
            ) from error
        images = open_images(replace(self.request, gain=gain), self._masked)
        deconvolver = images.deconvolver
        planes = deconvolver.planes
        no_mask = float(np.abs(planes.residual).max())
        full = self.request.fullsummary
        control = CycleControl(CycleOptions(niter, niter, threshold, self.request.nsigma, gain=gain, full_summary=full))
        done = deconvolver.minor_cycle(control, threshold)
        self._save(images, ("residual", "model"))
        columns = []
        most = 0
        nchan = planes.residual.shape[0]
        for chan, pols in control.minor.get(deconvolver.number, {}).items():
            for pol, entry in pols.items():
                column = [entry[name][-1] for name in ("iterDone", "peakRes", "modelFlux")] + [threshold, 0.0]
                if full:
                    column += [float(chan), float(pol)] + [entry[name][-1] for name in _FULL] + [0.0, 0.0, entry["stopCode"][-1]]
                else:
                    column.append(float(chan + nchan * pol))
                columns.append(column)
                most = max(most, int(entry["iterDone"][-1]))
        return {
            "iterdone": done, "maxcycleiterdone": most, "peakresidual": deconvolver.peak(), "peakresidualnomask": no_mask, "updatedmodelflag": done > 0,
            "summaryminor": np.array(columns, np.float64).T if columns else np.zeros((self._rows, 0)),
        }  # fmt: skip

    def interact(self, limits: Mapping[str, Any]) -> dict[str, Any]:
        """Let a person draw the mask in the browser, and say how to go on; ``.mask`` is written.

        Parameters
        ----------
        limits : mapping
            niter, cycleniter, threshold [Jy], nsigma, cyclefactor, nmajor to begin with, and iterdone.

        Returns
        -------
        dict
            actioncode: 1 for a minor cycle, 2 for going on to the end without asking, 3 to stop; and the limits as the person left them.

        Raises
        ------
        UnsupportedError
            Nobody looks.
        CasaError
            Images are not there or do not fit.
        """
        require_person("synthesisdeconvolver.interactivegui")
        images = self._open()
        deconvolver, mask = images.deconvolver, images.deconvolver.planes.mask
        mask[...] = read_mask(self.request, images)
        good = np.ones(mask.shape, bool) if images.good is None else images.good[: len(mask)]
        stokes = images.coordinates.stokes
        labels = stokes.labels if stokes is not None else ("I",)
        options = CycleOptions(
            int(limits.get("niter", 0)), int(limits.get("cycleniter", -1)), jansky(limits.get("threshold", 0.0)),
            float(limits.get("nsigma", 0.0)), float(limits.get("cyclefactor", 1.0)), nmajor=int(limits.get("nmajor", -1)),
        )  # fmt: skip
        control = CycleControl(options, deconvolver.sidelobe, done=int(limits.get("iterdone", 0)), interactive=True)
        control.note_depth(deconvolver.peak())
        shown = PageImage(os.path.basename(self.request.imagename), deconvolver, images.coordinates, labels, good)
        with closing(steering([shown])) as page:
            page.steer(control, "")
            action = page.action
        self._save(images, ("mask",))
        self._masked = True
        left = control.options
        return {
            "actioncode": {"cycle": 1, "finish": 2, "stop": 3}[action], "niter": left.niter, "cycleniter": left.cycleniter, "threshold": left.threshold_jy,
            "nsigma": left.nsigma, "cyclefactor": left.cyclefactor, "nmajor": left.nmajor,
        }  # fmt: skip

    def restore(self) -> None:
        """Write ``.image``: the model convolved with the beam, and the residual."""
        self._save(self._open(), ("image",))

    def correct_beam(self) -> None:
        """Write ``.image.pbcor``: the restored image over the primary beam.

        Raises
        ------
        PathMissingError
            There is no restored image or no primary beam.
        """
        request = self.request
        require_present(request.beam_power_name, "image (the primary beam)")
        names = request.suffixes("image", request.terms)
        for name in names:
            require_present(f"{request.imagename}.{name}", "image")
        with CasaImage.open(request.beam_power_name) as beam:
            power, seen = beam.read(), beam.read_mask()
        with staged_images(request.imagename) as folder:
            for name in names:
                with CasaImage.open(f"{request.imagename}.{name}") as image:
                    writer = ImageWriter(
                        folder, request.imagename, image.coordinates, str(image.misc_info.get("INSTRUME", "")), image.object_name,
                        ["taskname=synthesisdeconvolver"], "synthesisdeconvolver",
                    )  # fmt: skip
                    pixels = np.where(seen, image.read() / np.where(seen, power, 1.0), 0.0).astype(np.float32)
                    writer.write(f"{name}.pbcor", pixels, image.unit, image.beams, seen)
