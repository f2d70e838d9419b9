"""deconvolve: minor cycles alone, on residual and point spread function images that exist."""

from __future__ import annotations

import os
from contextlib import closing
from dataclasses import dataclass
from typing import Any

import numpy as np

from casatools._base.errors import DataError, ParameterError
from casatools._base.paths import require_present
from casatools.imaging.auto_mask import AutoMask, AutoMaskOptions
from casatools.imaging.beam_fit import fit_beam, sidelobe_level
from casatools.imaging.clean_page import PageImage, require_person, steering
from casatools.imaging.cycle_control import FORCE_STOP, STOP_DESCRIPTIONS, CycleControl, CycleOptions
from casatools.imaging.minor_cycle import MinorCycle, MinorOptions
from casatools.imaging.multi_term import MultiTermCycle, hessian_peak, principal_solution, spectral_images
from casatools.imaging.plane_deconvolver import PlaneDeconvolver, Planes, TermDeconvolver, clean_once, restore_planes
from casatools.imaging.products import ImageWriter, beam_set, mask_values, read_planes, staged_images
from casatools.imaging.request import jansky, parse_restoring_beam
from casatools.imaging.start_model import start_model
from casatools.io.image import CasaImage
from casatools.io.image.coordinates.system import Coordinates

__all__ = ["DeconvolveRequest", "OpenImages", "open_images", "read_mask", "run_deconvolve", "write_restored"]


@dataclass(frozen=True)
class DeconvolveRequest:
    """All parameters of deconvolve, by their own names; see the task for their meaning."""

    imagename: Any
    startmodel: Any
    deconvolver: str
    scales: Any
    nterms: int
    smallscalebias: float
    fusedthreshold: float
    largestscale: int
    restoration: bool
    restoringbeam: Any
    niter: int
    gain: float
    threshold: Any
    nsigma: float
    interactive: Any
    fullsummary: bool
    fastnoise: bool
    usemask: str
    mask: Any
    pbmask: float
    sidelobethreshold: float
    noisethreshold: float
    lownoisethreshold: float
    negativethreshold: float
    smoothfactor: float
    minbeamfrac: float
    cutthreshold: float
    growiterations: int
    dogrowprune: bool
    verbose: bool

    def __post_init__(self) -> None:
        if not isinstance(self.imagename, str) or not self.imagename:
            raise ParameterError(
                "deconvolve: parameter 'imagename' must be given; it is the beginning of the names of all images"
            )
        if self.niter < 0:
            raise ParameterError(f"deconvolve: parameter 'niter' must not be negative; got {self.niter}")
        if self.nterms < 1:
            raise ParameterError(f"deconvolve: parameter 'nterms' must be at least 1; got {self.nterms}")
        # Made once here so that a bad value is refused before any image is read.
        _ = (
            self.minor_options,
            self.cycle_options,
            self.auto_mask_options,
            parse_restoring_beam(self.restoringbeam, "deconvolve"),
        )

    @property
    def minor_options(self) -> MinorOptions:
        """The deconvolver."""
        scales = tuple(
            float(s) for s in (self.scales if isinstance(self.scales, (list, tuple)) else [self.scales]) if str(s) != ""
        )
        return MinorOptions(
            self.deconvolver, self.gain, scales, self.smallscalebias, self.fusedthreshold, float(self.largestscale)
        )

    @property
    def auto_mask_options(self) -> AutoMaskOptions | None:
        """How masks are made from the residuals; None where they are given."""
        return AutoMaskOptions.of(self) if self.usemask == "auto-multithresh" else None

    @property
    def terms(self) -> int:
        """Taylor terms; 0 when the deconvolver does not make them."""
        return self.nterms if self.deconvolver == "mtmfs" else 0

    def suffixes(self, name: str, count: int) -> list[str]:
        """Endings of the names of a kind of image: one, or one a Taylor term."""
        return [f"{name}.tt{k}" for k in range(count)] if self.terms else [name]

    @property
    def beam_power_name(self) -> str:
        """The primary beam."""
        return f"{self.imagename}.{self.suffixes('pb', 1)[0]}"

    @property
    def cycle_options(self) -> CycleOptions:
        """Limits: one minor cycle that goes down to the threshold."""
        return CycleOptions(
            self.niter, -1, jansky(self.threshold), self.nsigma, 0.0, 0.0, 0.0, 0, self.gain, self.fullsummary
        )  # fmt: skip


def run_deconvolve(request: DeconvolveRequest) -> dict[str, Any]:
    """Deconvolve ``imagename.residual`` by ``imagename.psf``; the residual is replaced, model, mask and image are made.

    With deconvolver="mtmfs" these are images of Taylor terms, ``.residual.tt0`` and so on.

    Returns
    -------
    dict
        The record of the iterations.

    Raises
    ------
    PathMissingError, DataError, ParameterError
        An image is not there or does not fit; none is changed then.
    """
    if request.interactive:
        require_person("deconvolve")
    images = open_images(request)
    images.deconvolver.planes.mask[...] = read_mask(request, images)
    control = CycleControl(request.cycle_options)
    control.sidelobe = images.deconvolver.sidelobe
    control.interactive = bool(request.interactive)
    _iterate(request, images, control)
    with staged_images(request.imagename) as folder:
        writer = ImageWriter(
            folder,
            request.imagename,
            images.coordinates,
            images.telescope,
            images.object_name,
            ["taskname=deconvolve"],
            "deconvolve",
        )
        _write(request, images, writer)
    return _record(control)


@dataclass
class OpenImages:
    """Images to deconvolve.

    Attributes
    ----------
    deconvolver : PlaneDeconvolver
        With the planes, and the beams fitted.
    coordinates : Coordinates
    telescope, object_name, unit : str
    good : ndarray of bool (chan, pol, y, x), optional
        Mask of the residual.
    cell_rad : (float, float)
    """

    deconvolver: PlaneDeconvolver
    coordinates: Coordinates
    telescope: str
    object_name: str
    unit: str
    good: np.ndarray | None
    cell_rad: tuple[float, float]


def open_images(request: DeconvolveRequest, masked: bool = False) -> OpenImages:
    """Read the images of a run, and ``.mask`` if that is asked for.

    Raises
    ------
    PathMissingError, DataError, ParameterError
        An image is not there or does not fit.
    """
    base = request.imagename
    for suffix in (*request.suffixes("psf", 2 * request.terms - 1), *request.suffixes("residual", request.terms)):
        require_present(f"{base}.{suffix}", "image")
    if request.nsigma > 0 or request.usemask == "pb":
        require_present(request.beam_power_name, "image (the primary beam, for nsigma or usemask='pb')")
    with CasaImage.open(f"{base}.{request.suffixes('residual', 1)[0]}") as image:
        if image.ndim != 4:
            raise DataError(
                f"{image.path!r} has {image.ndim} axes; deconvolve needs right ascension, declination, Stokes and frequency"
            )
        coordinates, shape = image.coordinates, image.shape
        name, unit = image.object_name, image.unit
        good = image.read_mask() if image.has_mask else None
        telescope = str(image.misc_info.get("INSTRUME", coordinates.observation.telescope))
    if coordinates.direction is None:
        raise DataError(f"{base}.residual has no direction coordinate")
    planes = _read(request, shape, coordinates)
    increments = coordinates.direction.increment_rad
    cell = (abs(float(increments[0])), abs(float(increments[1])))
    deconvolver = TermDeconvolver() if request.terms else PlaneDeconvolver()
    deconvolver.cycle = (
        MultiTermCycle(request.minor_options, request.terms) if request.terms else MinorCycle(request.minor_options)
    )
    deconvolver.planes = planes
    deconvolver.labels = tuple(coordinates.stokes.labels) if coordinates.stokes is not None else ()
    for chan in range(len(planes.beams)):
        if planes.sumwt[chan] > 0:
            beam = fit_beam(planes.psf[chan], cell)
            planes.beams[chan] = beam
            deconvolver.sidelobe = max(deconvolver.sidelobe, sidelobe_level(planes.psf[chan], beam, cell))
    if masked:
        planes.mask[...] = read_planes(base + ".mask", shape) != 0
    deconvolver.seen, deconvolver.fast_noise = good, request.fastnoise
    if good is not None:
        planes.mask &= good
    return OpenImages(deconvolver, coordinates, telescope, name, unit, good, cell)


def _write(request: DeconvolveRequest, images: OpenImages, writer: ImageWriter) -> None:
    planes = images.deconvolver.planes
    for part, residual, model in zip(
        _parts(request), request.suffixes("residual", request.terms), request.suffixes("model", request.terms), strict=True
    ):
        writer.write(residual, planes.residual[part], images.unit, mask=images.good)
        writer.write(model, planes.model[part], "Jy/pixel")
    writer.write("mask", planes.mask.astype(np.float32))
    if request.restoration:
        write_restored(request, images, writer)


def _parts(request: DeconvolveRequest) -> list[slice]:
    """Which planes go into which image."""
    return [slice(k, k + 1) for k in range(request.terms)] or [slice(None)]


def write_restored(request: DeconvolveRequest, images: OpenImages, writer: ImageWriter) -> None:
    """Write the restored images, and spectral indices of Taylor terms."""
    planes, good = images.deconvolver.planes, images.good
    wanted = parse_restoring_beam(request.restoringbeam, "deconvolve")
    solved = principal_solution(planes.residual, planes.psf) if request.terms else planes.residual
    restored, targets = restore_planes(planes, wanted, images.cell_rad, solved)
    beams = beam_set(targets[:1] if wanted else targets, 1 if wanted else planes.residual.shape[1])
    for part, name in zip(_parts(request), request.suffixes("image", request.terms), strict=True):
        writer.write(name, restored[part], "Jy/beam", beams, good)
    if request.terms > 1:
        found = spectral_images(restored, solved)
        valid = (found.valid & (good[0] if good is not None else True))[None]
        writer.write("alpha", found.alpha[None], beams=beams, mask=valid)
        writer.write("alpha.error", found.error[None], beams=beams, mask=valid)
        if found.beta is not None:
            writer.write("beta", found.beta[None], beams=beams, mask=valid)


def _read(request: DeconvolveRequest, shape: tuple[int, ...], coordinates: Coordinates) -> Planes:
    """The planes of images that are there."""
    base = request.imagename
    if request.terms:
        nbeams, nplanes = 2 * request.terms - 1, request.terms
        psf = np.concatenate([read_planes(f"{base}.{s}", shape)[:, 0] for s in request.suffixes("psf", nbeams)])
        residual = np.concatenate([read_planes(f"{base}.{s}", shape) for s in request.suffixes("residual", nplanes)])
        planes = Planes(psf, residual, np.zeros_like(residual), np.ones(shape, bool), np.ones(nbeams), [None])
    else:
        nchan = shape[0]
        planes = Planes(
            read_planes(base + ".psf", shape)[:, 0].copy(), read_planes(base + ".residual", shape), np.zeros(shape, np.float32),
            np.ones(shape, bool), np.zeros(nchan), [None] * nchan,
        )  # fmt: skip
        planes.sumwt[:] = planes.psf.max(axis=(1, 2)) > 0
    if not planes.psf.any():
        raise DataError(f"{base}.{request.suffixes('psf', 1)[0]} is blank")
    if request.terms:
        hessian_peak(planes.psf, request.terms)  # refuses terms that the beams do not tell apart
    names = request.startmodel if isinstance(request.startmodel, (list, tuple)) else [request.startmodel]
    names = [str(n) for n in names if str(n)]
    earlier = [f"{base}.{s}" for s in request.suffixes("model", request.terms)]
    if all(os.path.isdir(n) for n in earlier):
        if names:
            raise ParameterError(f"startmodel was given but {earlier[0]} exists already: remove it or give another imagename")
        names = earlier
    if not names:
        return planes
    if len(names) > len(earlier):
        raise ParameterError(f"deconvolve: parameter 'startmodel' must hold at most {len(earlier)} images; got {names}")
    if request.terms:
        planes.model[: len(names)] = np.concatenate([_model(n, names is earlier, shape, coordinates) for n in names])
    else:
        planes.model[...] = _model(names[0], names is earlier, shape, coordinates)
    return planes


def _model(path: str, is_own: bool, shape: tuple[int, ...], coordinates: Coordinates) -> np.ndarray:
    """Planes of an earlier run's model, or of one that was given on whatever grid."""
    return read_planes(path, shape) if is_own else start_model(path, coordinates, shape)


def read_mask(request: DeconvolveRequest, images: OpenImages) -> np.ndarray:
    """Where planes are deconvolved (chan, pol, y, x): as asked for, within what is good.

    Raises
    ------
    CasaError
        A mask cannot be read or does not fit.
    """
    shape = images.deconvolver.planes.residual.shape
    if request.terms:
        shape = (1, *shape[1:])
    found = _wanted_mask(request, images, shape)
    return found if images.good is None else found & images.good


def _wanted_mask(request: DeconvolveRequest, images: OpenImages, shape: tuple[int, ...]) -> np.ndarray:
    if request.usemask == "pb":
        return np.asarray(read_planes(request.beam_power_name, shape) > request.pbmask)
    if request.auto_mask_options is not None:
        return _automatic_mask(request, images, request.auto_mask_options, shape)
    given = request.mask
    if given is None or (isinstance(given, (str, list, tuple)) and len(given) == 0):
        existing = request.imagename + ".mask"
        return (
            np.asarray(read_planes(existing, shape) != 0) if os.path.isdir(existing) else np.full(shape, not request.interactive)
        )
    return mask_values(given, images.coordinates, shape)


def _automatic_mask(
    request: DeconvolveRequest, images: OpenImages, options: AutoMaskOptions, shape: tuple[int, ...]
) -> np.ndarray:
    """The mask that the residuals suggest, beside the one that is there."""
    deconvolver, earlier = images.deconvolver, request.imagename + ".mask"
    mask = np.asarray(read_planes(earlier, shape) != 0) if os.path.isdir(earlier) else np.zeros(shape, bool)
    seen = np.ones(shape, bool) if images.good is None else images.good[: shape[0]]
    allowed = seen
    if os.path.isdir(request.beam_power_name):
        allowed = np.asarray(read_planes(request.beam_power_name, shape) > request.pbmask)
    automatic = AutoMask(options, images.cell_rad, seen, allowed)
    automatic.begin(mask)
    planes = deconvolver.planes
    automatic.update(planes.residual[: shape[0]], mask, planes.beams, deconvolver.sidelobe)
    return mask


def _iterate(request: DeconvolveRequest, images: OpenImages, control: CycleControl) -> None:
    deconvolver = images.deconvolver
    if control.interactive and request.niter:
        planes = deconvolver.planes
        stokes = images.coordinates.stokes
        labels = stokes.labels if stokes is not None else ("I",)
        good = np.ones(planes.mask.shape, bool) if images.good is None else images.good[: len(planes.mask)]
        shown = PageImage(os.path.basename(request.imagename), deconvolver, images.coordinates, labels, good)
        with closing(steering([shown])) as page:
            while page.steer(control, STOP_DESCRIPTIONS[control.stop_code] if control.stop_code else ""):
                _clean_down(request, deconvolver, control)
        control.stop_code = control.stop_code or FORCE_STOP
    elif request.niter == 0 or _is_done(deconvolver, control):
        # The reference does not say here that the mask was blank.
        control.stop_code = FORCE_STOP
        deconvolver.record_unclean(control)
    else:
        _clean_down(request, deconvolver, control)


def _is_done(deconvolver: PlaneDeconvolver, control: CycleControl) -> bool:
    """Whether there is nothing to deconvolve: no mask, or all planes are below their thresholds."""
    nsigma = control.options.nsigma
    noise = deconvolver.noise_thresholds(nsigma) if nsigma > 0 else np.zeros(deconvolver.planes.residual.shape[:2])
    return not deconvolver.planes.mask.any() or deconvolver.is_below(np.maximum(noise, control.options.threshold_jy))


def _clean_down(request: DeconvolveRequest, deconvolver: PlaneDeconvolver, control: CycleControl) -> None:
    """One minor cycle down to the threshold."""
    clean_once([deconvolver], control)
    if deconvolver.peak() <= control.options.threshold_jy:
        control.stop_code = 2
    else:
        control.stop_code = 1 if control.done >= control.options.niter else 0


def _record(control: CycleControl) -> dict[str, Any]:
    """The record, without what only major cycles have."""
    record = control.record()
    single = float(np.float32(0.1)), float(np.float32(0.8))
    record |= {
        "cyclefactor": 1.0,
        "minpsffraction": single[0],
        "maxpsffraction": single[1],
        "interactiveiterdone": 0,
        "stopcode": control.stop_code,
    }
    if control.stop_code == FORCE_STOP and not control.interactive:
        record |= {
            "stopDescription": "Zero iterations performed", "cyclethreshold": float(np.float32(control.options.threshold_jy)) if control.options.niter else 0.0, "interactivethreshold": 0.0,
            "loopgain": float(np.float32(control.options.gain)), "maxpsfsidelobe": float(np.float32(control.sidelobe)),
        }  # fmt: skip
    else:
        record.pop("stopDescription")
    return record
