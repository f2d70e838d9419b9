"""The images of a tclean run: coordinates, masks, what they start from, and how they are written."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from casatools._base import log
from casatools._base.errors import DataError, ParameterError
from casatools._base.threads import in_order
from casatools.frames.directions import Direction, convert_direction
from casatools.frames.engine import position_record
from casatools.imaging.auto_mask import AutoMask
from casatools.imaging.beam_groups import BeamGroups
from casatools.imaging.image_fields import ImageField, TermField
from casatools.imaging.imager import Imager, ImagingData
from casatools.imaging.mosaic import MosaicField
from casatools.imaging.mosaic_terms import MosaicTermField
from casatools.imaging.multi_term import principal_solution, spectral_images
from casatools.imaging.plane_deconvolver import restore_planes
from casatools.imaging.plane_store import PlaneStore
from casatools.imaging.pointed_beams import iter_beams
from casatools.imaging.products import ImageWriter, LazyPlanes, beam_set, mask_values, read_into, read_planes
from casatools.imaging.request import TcleanRequest
from casatools.imaging.start_model import start_model
from casatools.imaging.tclean_data import phase_centre
from casatools.imaging.weighting import counted_hands
from casatools.io.image.coordinates.make import make_image_coordinates
from casatools.io.image.coordinates.observation import ObservationInfo
from casatools.io.image.coordinates.system import Coordinates

__all__ = [
    "FieldImages",
    "begin_images",
    "image_coordinates",
    "make_field",
    "mosaic_beams",
    "next_name",
    "plan_images",
    "write_images",
]


# Frames under other names in images: there is none of a moving source, whose frequencies are those at rest.
_FRAME_NAMES = {"": "Undefined", "SOURCE": "REST"}


@dataclass
class FieldImages:
    """One image field and what its images are made with.

    Attributes
    ----------
    request : TcleanRequest
    base : str
        Beginning of the names.
    image : ImageField
    coordinates : Coordinates
    beam_power : ndarray (chan, pol, y, x) float32
    seen : ndarray (chan, pol, y, x) bool
        Where the primary beam is above its limit.
    cube : FieldImages, optional
        The cube that Taylor terms are made of, with specmode='mvc'.
    make_beams : callable, optional
        What still has to make `beam_power`, `seen` and the clean mask.
    has_residual : bool
        The residual was computed or read; without it there is none to write, and nothing to restore.
    """

    request: TcleanRequest
    base: str
    image: ImageField
    coordinates: Coordinates
    beam_power: np.ndarray
    seen: np.ndarray
    cube: FieldImages | None = None
    make_beams: Callable[[], None] | None = None
    has_residual: bool = True

    @property
    def limited(self) -> np.ndarray | None:
        """Mask of the residual and restored images; None when pblimit asks for none. With a limit of 0 the blank part of the beam is masked."""
        return self.seen if self.request.pblimit >= 0 else None

    def suffixes(self, name: str, count: int | None = None) -> list[str]:
        """Endings of the names of a kind of image: one, or one a Taylor term."""
        terms = self.request.terms if count is None else count
        return [f"{name}.tt{k}" for k in range(terms)] if self.request.terms else [name]


def plan_images(
    request: TcleanRequest,
    data: ImagingData,
    centre: Direction,
    number: int,
    store: PlaneStore | None = None,
    is_late: bool = False,
) -> FieldImages:
    """An image field with its coordinates, primary beam and clean mask; nothing is computed from visibilities yet.

    Large cubes are kept as `store` says. With `is_late` the primary beam and the mask are made by `begin_images`, after the gridding: nothing is cleaned, and they
    take no memory meanwhile; what is given for them is read at once all the same.
    """
    store = store or PlaneStore()
    coordinates = image_coordinates(request, data, centre)
    # The visibilities are held at the phase centre of the main image.
    here = convert_direction(centre, data.centre.frame, float(data.sources[0].times_s[0]), data.sources[0].position_m)
    image = make_field(request, data, here, coordinates, number, store)
    shape = (data.axis.nchan, len(data.labels), *image.options.shape[::-1])
    base = request.imagename if request.restart else next_name(request.imagename)
    # The beam of a mosaic is known when the weights of all pointings are.
    if is_late and not (request.is_mosaic or request.mask or request.usemask != "user" or request.vptable):
        found = FieldImages(request, base, image, coordinates, store.zeros(shape), store.zeros(shape, bool))
        found.make_beams = partial(_make_beams, found, data, store)
        return found
    found = FieldImages(request, base, image, coordinates, store.full(shape, np.float32, 1), store.full(shape, bool, True))
    if not request.is_mosaic:
        _primary_beams(request, data, coordinates, found.beam_power, store)
    _set_masks(found)
    if not request.is_mosaic:
        _require_kept_mask(found)
    return found


def make_field(
    request: TcleanRequest,
    data: ImagingData,
    here: Direction,
    coordinates: Coordinates,
    number: int,
    store: PlaneStore | None = None,
) -> ImageField:
    """The planes of an image about a phase centre, in the frame of the main image's, and how they are gridded."""
    options, axis, npol = request.grid_options, data.axis, len(data.labels)
    image: ImageField
    if request.is_mosaic:
        direction = coordinates.direction
        assert direction is not None
        groups = BeamGroups(data.sources, direction.frame, request.beam_options)
        for source in data.sources:
            source.groups = groups
        use = request.beam_use(float(np.median(axis.frequencies_hz)), _psf_centre(request, data, direction.frame))
        shared: dict[str, Any] = {
            "options": options, "centre": here, "main_centre": data.centre, "minor": request.minor_options, "groups": groups, "direction": direction,
            "use": use, "planes": data.plane_mixing, "number": number, "store": store,
        }  # fmt: skip
        if request.terms:
            image = MosaicTermField(request.terms, _terms_hz(data), npol, **shared)
        else:
            image = MosaicField(shape=(axis.nchan, npol), mixing=data.mixing(), **shared)
    elif request.terms:
        image = TermField(options, here, data.centre, npol, request.minor_options, request.terms, _terms_hz(data), number)
    else:
        image = ImageField(options, here, data.centre, (axis.nchan, npol), request.minor_options, number, data.mixing(), store)
    image.labels = tuple(data.labels)
    return image


def _terms_hz(data: ImagingData) -> float:
    """The image's reference frequency in the frame of the data, whose own frequencies the Taylor terms are of."""
    first = data.sources[0]
    factor = first.factors(int(first.ddids[0]), data.axis.frame, first.times_s[:1])
    return float(data.axis.frequencies_hz[0] / factor[0])


def _make_beams(images: FieldImages, data: ImagingData, store: PlaneStore) -> None:
    """The primary beam and what follows from it."""
    images.make_beams = None
    images.seen[...] = True
    _primary_beams(images.request, data, images.coordinates, images.beam_power, store)
    _set_masks(images)


def _psf_centre(request: TcleanRequest, data: ImagingData, frame: str) -> Direction | None:
    """Where the point spread function of a mosaic is asked to be for."""
    if request.centre_text("psfphasecenter") is None:
        return None
    found = phase_centre(request, data.sources, "psfphasecenter")
    return convert_direction(found, frame, float(data.sources[0].times_s[0]), data.sources[0].position_m)


def _set_masks(images: FieldImages) -> None:
    """What the primary beam leaves of the image, and where it is cleaned."""
    limit, store, mask = abs(images.request.pblimit), images.image.store, images.image.planes.mask
    np.greater(images.beam_power, limit, out=images.seen)
    _clean_mask(images, mask)
    if images.request.pblimit >= 0:
        mask &= images.seen[: len(mask)]
    limited = images.limited
    images.image.seen, images.image.fast_noise = limited if limited is None else limited[: len(mask)], images.request.fastnoise
    options = images.request.auto_mask_options
    if options is not None:
        # Taylor terms have one mask.
        allowed = store.zeros(mask.shape, bool)
        np.greater(images.beam_power[: len(mask)], images.request.pbmask, out=allowed)
        automatic = AutoMask(options, images.request.grid_options.cell_rad, images.seen[: len(mask)], allowed)
        automatic.begin(mask, store.copy(mask))
        images.image.auto_mask = automatic


def mosaic_beams(plans: list[FieldImages]) -> None:
    """Take the primary beams of mosaics and virtual cubes, which the point spread functions were made with."""
    for images in [*plans, *(images.cube for images in plans if images.cube is not None)]:
        found = False
        for chan in range(len(images.beam_power)):
            own = images.image.beam_power(chan)
            if own is not None:
                images.beam_power[chan], found = own, True
        if found:
            _set_masks(images)
            _require_kept_mask(images)


def image_coordinates(request: TcleanRequest, data: ImagingData, centre: Direction) -> Coordinates:
    """Coordinates of an image about a phase centre."""
    first = data.sources[0]
    observation = first.ms.metadata.observations[0]
    axis = data.axis
    options = request.grid_options
    where = (centre.lon_rad % (2.0 * np.pi), centre.lat_rad)
    projection, parameters = request.projection_about(centre.lat_rad)
    return make_image_coordinates(
        options.shape, options.cell_rad, where, axis.frequencies_hz, direction_frame=centre.frame,
        projection=projection, projection_parameters=parameters, stokes=data.labels, spectral_frame=_FRAME_NAMES.get(axis.frame, axis.frame), channel_width_hz=axis.width_hz,
        rest_frequency_hz=axis.rest_hz,
        observation=ObservationInfo.make(
            first.telescope, observation.observer, float(first.times_s[0]) / 86400.0, first.ms.time_frame, where,
            position_record(first.position_m),
        ),
    )  # fmt: skip


def next_name(base: str, kinds: Sequence[str] = ("residual", "residual.tt0", "psf", "psf.tt0")) -> str:
    """The first name ``base_2``, ``base_3``, ... of which there are no images, or `base` itself when it is free."""

    def exists(name: str) -> bool:
        return any(os.path.exists(f"{name}.{kind}") for kind in kinds)

    if not exists(base):
        return base
    number = 2
    while exists(f"{base}_{number}"):
        number += 1
    return f"{base}_{number}"


def _primary_beams(
    request: TcleanRequest, data: ImagingData, coordinates: Coordinates, planes: np.ndarray, store: PlaneStore
) -> None:
    """Fill in the primary beam about the directions that the fields were pointed at."""
    beams = iter_beams(data.sources, coordinates, (planes.shape[2], planes.shape[3]), data.axis.frequencies_hz, request.vptable)
    for chan, beam in store.each(enumerate(beams)):
        planes[chan] = beam


def _clean_mask(images: FieldImages, mask: np.ndarray) -> None:
    """Fill in where it is cleaned."""
    request = images.request
    if request.usemask == "pb":
        np.greater(images.beam_power[: len(mask)], request.pbmask, out=mask)
        return
    given, existing = request.mask, images.base + ".mask"
    blank = given is None or (isinstance(given, (str, list, tuple)) and len(given) == 0)
    automatic = request.usemask == "auto-multithresh"
    if (automatic or blank) and os.path.isdir(existing) and request.restart:
        read_into(existing, mask, images.coordinates)
    elif automatic or blank:
        # Where a person draws the mask, it begins blank.
        mask[...] = not (automatic or request.interactive)
    else:
        mask[...] = False
        mask_values(given, images.coordinates, mask.shape, mask)


def _require_kept_mask(images: FieldImages) -> None:
    """Refuse to replace the mask of an earlier run, which a person may have drawn, by another."""
    request, mask, existing = images.request, images.image.planes.mask, images.base + ".mask"
    if request.usemask != "user" or not request.mask or request.niter == 0 or not (request.restart and os.path.isdir(existing)):
        return
    kept = images.image.store.zeros(mask.shape, bool)
    read_into(existing, kept, images.coordinates)
    if request.pblimit >= 0:
        kept &= images.seen[: len(mask)]
    if not np.array_equal(kept, mask):
        raise ParameterError(
            f"tclean: {existing} of an earlier run is not the mask that is given; leave out parameter 'mask' to go on with it, or remove it"
        )


def _start_terms(images: FieldImages, paths: list[str], target: np.ndarray) -> None:
    """Fill planes from the model that was given, on whatever grid: one image, or one for each of the first Taylor terms."""
    most = images.request.terms or 1
    if len(paths) > most:
        raise ParameterError(f"tclean: parameter 'startmodel' must hold at most one image for each of {most} terms; got {paths}")
    if not images.request.terms:
        target[...] = start_model(paths[0], images.coordinates, target.shape)
        return
    for term, path in enumerate(paths):
        target[term] = start_model(path, images.coordinates, (1, *target.shape[1:]))[0]


def _read_terms(images: FieldImages, paths: list[str], target: np.ndarray) -> None:
    """Fill planes from an image, or from one image a Taylor term."""
    if not images.request.terms:
        read_into(paths[0], target, images.coordinates)
        return
    for term, path in enumerate(paths):
        target[term] = read_planes(path, (1, *target.shape[1:]), images.coordinates)[0]


def begin_images(plans: list[FieldImages], imager: Imager, resume: Callable[[], bool] | None = None) -> bool:
    """Fill psf, model and residual of all fields: computed, or taken from an earlier run where that was asked for.

    Parameters
    ----------
    plans : list of FieldImages
    imager : Imager
    resume : callable, optional
        Puts models and masks of a killed run in place; gives False where there was none.

    Returns
    -------
    bool
        A killed run is gone on from.
    """
    resumed = _fill_images(plans, imager, resume)
    for images in plans:
        if images.make_beams is not None:
            images.make_beams()
    return resumed


def _fill_images(plans: list[FieldImages], imager: Imager, resume: Callable[[], bool] | None) -> bool:
    for images in plans:
        _earlier_model(images)
    request = plans[0].request
    if request.calcpsf:
        imager.make_psf(and_residual=request.calcres)
    else:
        _earlier_psf(plans, imager)
    mosaic_beams(plans)
    if resume is not None and resume():
        imager.major_cycle()
        return True
    there = [os.path.isdir(f"{images.base}.{images.suffixes('residual')[0]}") for images in plans]
    if request.calcres or (request.niter > 0 and not all(there)):
        imager.major_cycle()
        return False
    for images, exists in zip(plans, there, strict=True):
        if exists:
            names = [f"{images.base}.{suffix}" for suffix in images.suffixes("residual")]
            _read_terms(images, names, images.image.planes.residual)
        else:
            for made in (images, images.cube):
                if made is not None:
                    made.has_residual = False
            log.post(
                f"tclean: calcres=False, and there is no {images.base}.{images.suffixes('residual')[0]}: no residual and no restored image is written",
                "WARN",
            )
    return False


def _earlier_model(images: FieldImages) -> None:
    names = [f"{images.base}.{suffix}" for suffix in images.suffixes("model")]
    exists = images.request.restart and all(os.path.isdir(n) for n in names)
    given = images.request.model_names()
    if given and exists:
        raise ParameterError(f"startmodel was given but {names[0]} exists already: remove it or give another imagename")
    if exists:
        _read_terms(images, names, images.image.planes.model)
    elif given:
        _start_terms(images, given, images.image.planes.model)
    if exists:
        log.post(f"tclean goes on from {names[0]}")


def _earlier_psf(plans: list[FieldImages], imager: Imager) -> None:
    request = plans[0].request
    stored = []
    for images in plans:
        planes = images.image.planes
        names = [f"{images.base}.{s}" for s in images.suffixes("psf", len(planes.psf))]
        missing = [n for n in names if not os.path.isdir(n)]
        if missing:
            raise DataError(f"calcpsf=False needs {missing[0]} of an earlier run, which is not there")
        npol = planes.residual.shape[1]
        read = np.zeros((len(planes.psf), npol, *planes.psf.shape[1:]), np.float32)
        _read_terms(images, names, read)
        stored.append(read[:, 0])
    # Later major cycles need the weights and their sums, a mosaic its weight image.
    apart = any(isinstance(images.image, MosaicField) or images.cube is not None for images in plans)
    if request.calcres or request.niter > 0 or apart:
        imager.make_psf()
    for images, psf in zip(plans, stored, strict=True):
        image = images.image
        image.planes.psf[...] = psf
        if not image.planes.sumwt.any():
            _earlier_sums(images)
        image.fit_beams(request.psfcutoff)


def _earlier_sums(images: FieldImages) -> None:
    planes = images.image.planes
    npol = planes.residual.shape[1]
    names = [f"{images.base}.{s}" for s in images.suffixes("sumwt", len(planes.sumwt))]
    if all(os.path.isdir(n) for n in names):
        read = np.zeros((len(planes.sumwt), npol, 1, 1), np.float32)
        _read_terms(images, names, read)
        planes.sumwt[...] = read[:, 0, 0, 0] / counted_hands(images.image.labels)


def write_images(images: FieldImages, writer: ImageWriter, labels: list[str]) -> None:
    """Write all images of a field."""
    _write_planes(images, writer, labels)
    if images.request.restoration and images.has_residual:
        _write_restored(images, writer)


def _write_planes(images: FieldImages, writer: ImageWriter, labels: list[str]) -> None:
    """Point spread functions, residuals, primary beam, sums of weights, models and mask."""
    planes, request = images.image.planes, images.request
    npol = planes.residual.shape[1]
    terms = bool(request.terms)
    hands = counted_hands(labels)
    psf = _for_pols(planes.psf, npol)
    sums = np.repeat((planes.sumwt * hands).astype(np.float32)[:, None, None, None], npol, axis=1)
    jobs: list[Callable[[], None]] = []

    def write(*given: Any, **named: Any) -> None:
        jobs.append(partial(writer.write, *given, **named))

    for k, (name, sum_name) in enumerate(
        zip(images.suffixes("psf", len(planes.psf)), images.suffixes("sumwt", len(sums)), strict=True)
    ):
        part = slice(k, k + 1) if terms else slice(None)
        write(name, psf if not terms else psf[k][None], beams=beam_set(planes.beams, npol) if k == 0 else None)
        write(sum_name, sums[part])
    kept = images.suffixes("residual") if images.has_residual else []
    for k, (name, model_name) in enumerate(zip(kept, images.suffixes("model"), strict=False)):
        part = slice(k, k + 1) if terms else slice(None)
        write(name, planes.residual[part], mask=images.limited)
        write(model_name, planes.model[part], "Jy/pixel")
    power = LazyPlanes(images.seen.shape, lambda chan: np.where(images.seen[chan], images.beam_power[chan], 0.0))
    write("pb.tt0" if terms else "pb", power, mask=images.seen)
    if isinstance(images.image, MosaicTermField):
        for k, name in enumerate(images.suffixes("weight", len(images.image.term_weights))):
            write(name, _for_pols(images.image.term_weights[k][None], npol))
    elif isinstance(images.image, MosaicField):
        write("weight", _for_pols(images.image.weight_image, npol))
    if request.niter > 0:
        write("mask", _whole_mask(images))
    # Pixels of one image are put in their tiles while those of another go to the file. Planes in files are let go plane by plane, one loop at a time.
    for _ in map(_call, jobs) if images.image.store.is_mapped else in_order(_call, jobs):
        pass


def _whole_mask(images: FieldImages) -> LazyPlanes:
    """The clean mask with what was given of it outside of the primary beam's limit, where nothing is cleaned: another run may see farther."""
    mask = images.image.planes.mask
    outside: np.ndarray | None = None
    if images.request.usemask == "user" and images.request.pblimit >= 0:
        outside = images.image.store.zeros(mask.shape, bool)
        _clean_mask(images, outside)

    def make(chan: int) -> np.ndarray:
        plane = mask[chan] if outside is None else mask[chan] | (outside[chan] & ~images.seen[chan])
        return plane.astype(np.float32)

    return LazyPlanes(mask.shape, make)


def _call(job: Callable[[], None]) -> None:
    job()


def _for_pols(planes: np.ndarray, npol: int) -> LazyPlanes:
    """Planes (chan, y, x) or (chan, pol or 1, y, x) for all polarizations."""
    shape = (len(planes), npol, *planes.shape[-2:])
    return LazyPlanes(shape, lambda chan: np.broadcast_to(planes[chan], shape[1:]))


def _write_restored(images: FieldImages, writer: ImageWriter) -> None:
    """Restored images, those divided by the primary beam, and spectral indices."""
    request, image = images.request, images.image
    npol = image.planes.residual.shape[1]
    solved = principal_solution(image.planes.residual, image.planes.psf) if request.terms else image.planes.residual
    blank = image.store.zeros(image.planes.residual.shape)
    cell = request.grid_options.cell_rad
    restored, targets = restore_planes(image.planes, request.beam_given(), cell, solved, blank, image.store)
    # An image restored with one beam for all channels carries just that one.
    single = request.beam_given() != []
    beams = beam_set(targets[:1] if single else targets, 1 if single else npol)
    for k, name in enumerate(images.suffixes("image")):
        part = slice(k, k + 1) if request.terms else slice(None)
        writer.write(name, restored[part], "Jy/beam", beams, images.limited)
        if request.pbcor:
            writer.write(f"{name}.pbcor", _corrected(images, restored[part]), "Jy/beam", beams, images.seen)
    if request.terms > 1:
        found = spectral_images(restored, solved)
        valid = found.valid & (images.limited[0] if images.limited is not None else True)
        writer.write("alpha", found.alpha[None], beams=beams, mask=valid[None])
        writer.write("alpha.error", found.error[None], beams=beams, mask=valid[None])
        if found.beta is not None:
            writer.write("beta", found.beta[None], beams=beams, mask=valid[None])


def _corrected(images: FieldImages, restored: np.ndarray) -> LazyPlanes:
    """Restored planes divided by the primary beam."""

    def make(chan: int) -> np.ndarray:
        seen = images.seen[chan]
        return np.where(seen, restored[chan] / np.where(seen, images.beam_power[chan], 1.0), 0.0)

    return LazyPlanes(restored.shape, make)
