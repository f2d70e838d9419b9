"""Images computed from images: expressions, polarized intensity and angle, spectral index.

References
----------
Polarized intensity is corrected for noise as ``P^2 = Q^2 + U^2 (+ V^2) - sigma^2`` (Wardle & Kronberg 1974, ApJ 194, 249, as CASA applies
it); the position angle is ``0.5 atan2(U, Q)`` from north through east (IAU 1974).
"""

from __future__ import annotations

import functools
import threading
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np

from casatools._base import log
from casatools._base.errors import DataError, ParameterError
from casatools._base.memory import IMAGE_BLOCK_BYTES, memory_budget_bytes
from casatools._base.paths import staged_output
from casatools._base.threads import in_order, thread_count
from casatools.analysis.expressions import Expression
from casatools.analysis.selected_pixels import SelectedPixels
from casatools.analysis.sub_images import PixelChoice, beams_of_box, tiles_of_box
from casatools.frames.quantities import parse_quantity
from casatools.io.image import BeamSet, CasaImage
from casatools.io.image.coordinates.stokes import StokesCoordinate
from casatools.io.image.tile_file import TileFile

__all__ = [
    "MathOutput",
    "compute_expression",
    "image_variables",
    "pixel_type",
    "polarization_image",
    "scale_by_image",
    "spectral_index_image",
    "with_template",
    "write_expression",
]


# Pixels of the result that are computed at once: expressions hold several arrays of that size.
_EXPRESSION_BYTES = IMAGE_BLOCK_BYTES // 4
# The same, as far as memory allows, where tiles of the result are others than those of the images: of larger blocks fewer tiles are read twice.
_RETILED_BYTES = 2 * IMAGE_BLOCK_BYTES
# Tiles that were looked at in the files are let go in runs of so many steps, for each time the processors are told of it.
_RELEASED_STEPS = 8


@dataclass(frozen=True)
class MathOutput:
    """Where a computed image goes.

    Attributes
    ----------
    path : str
    overwrite : bool
    metadata : str
        Image whose unit, beams and coordinates are taken; "" is the first of the expression.
    double : bool
        Pixels in double precision.
    """

    path: str
    overwrite: bool = False
    metadata: str = ""
    double: bool = False


def image_variables(images: Sequence[str], names: Sequence[str]) -> dict[str, str]:
    """What the variables of an expression stand for: ``IM0``, ``IM1``, ... or names given for the first images.

    Raises
    ------
    ParameterError
        There are more names than images.
    """
    if len(names) > len(images):
        raise ParameterError(f"parameter 'varnames' must hold a name for each of the {len(images)} images; got {list(names)}")
    known = [*names, *(f"IM{k}" for k in range(len(names), len(images)))]
    return dict(zip(known, images, strict=True))


def compute_expression(text: str, variables: Mapping[str, str], choice: PixelChoice, output: MathOutput) -> None:
    """Write the image that a lattice expression gives.

    Parameters
    ----------
    text : str
    variables : mapping
        Paths of images by the names that the expression uses.
    choice : PixelChoice
        Part of the images that is computed.
    output : MathOutput

    Raises
    ------
    ParameterError
        The expression cannot be read, holds no image, or gives truth values.
    CasaError
        An image is missing, does not fit or lies elsewhere on the sky, nothing is selected, or the output exists.
    """
    with with_template(text, variables, choice.stretch, output.metadata) as (expression, template):
        write_expression(expression, template, choice, output)


@contextmanager
def with_template(
    text: str, variables: Mapping[str, str], stretch: bool, metadata: str
) -> Iterator[tuple[Expression, CasaImage]]:
    """An expression that is open and the image that gives the header of its result, which fits it; arguments as of `compute_expression`."""
    with ExitStack() as stack:
        expression = Expression(text, stretch=stretch, names=variables)
        stack.callback(expression.close)
        if expression.template is None:
            raise ParameterError(f"the expression {text!r} holds no image whose shape and coordinates could be taken")
        template = stack.enter_context(CasaImage.open(metadata)) if metadata else expression.template
        if template.shape != expression.shape:
            raise DataError(
                f"the metadata of {template.path!r} of shape {template.shape[::-1]} do not fit the shape {expression.shape[::-1]}"
            )
        _check_skies(expression, template, by_number=bool(metadata))
        yield expression, template


def pixel_type(expression: Expression, probe: Sequence[slice], double: bool) -> np.dtype:
    """The type of the pixels of an expression, as a block of them tells; truth values are refused."""
    found = np.asarray(expression.read(probe).value)
    if found.dtype == bool:
        raise ParameterError(
            f"the expression {expression.text!r} gives truth values; use iif(condition, a, b) to make numbers of them"
        )
    complex_values = np.iscomplexobj(found)
    return np.dtype(("c16" if complex_values else "f8") if double else ("c8" if complex_values else "f4"))


def write_expression(expression: Expression, template: CasaImage, choice: PixelChoice, output: MathOutput) -> None:
    """Write the image of an expression that is open, with the header of a template of its shape; raises as `compute_expression`."""
    chosen = choice.of(template)
    pixels = chosen.pixels
    dtype = pixel_type(expression, [slice(a, a + 1) for a in pixels.first], output.double)
    masked = expression.may_mask or chosen.has_mask_beside_image
    coordinates = template.coordinates.sliced(
        [float(v) for v in pixels.first[::-1]], [1.0] * template.ndim, pixels.box_shape[::-1]
    )
    with (
        staged_output(output.path, output.overwrite) as staged,
        CasaImage.create(
            staged,
            pixels.box_shape,
            coordinates,
            dtype,
            tile_shape=tiles_of_box(template, pixels),
        ) as made,
    ):
        if masked:
            made.add_mask("mask0", None)  # all of it is written below
            made.default_mask = "mask0"
        made.copy_metadata_from(template, beams=False)
        made.beams = beams_of_box(template, pixels)
        if expression.unit is not None:
            made.unit = expression.unit

        def compute(block: tuple[slice, ...]) -> bool:
            slices = tuple(slice(a + s.start, a + s.stop) for a, s in zip(pixels.first, block, strict=True))
            shape = tuple(s.stop - s.start for s in block)
            part = expression.read(slices)
            made.write(np.broadcast_to(np.asarray(part.value), shape), block)
            if masked:
                good = chosen.chosen(slices)
                if part.good is not None:
                    good = part.good if good is None else good & part.good
                made.write_mask(True if good is None else np.broadcast_to(good, shape), block, "mask0")
            return numbers.is_set() or bool(np.isfinite(part.value).any())

        numbers = threading.Event()
        whole = pixels.box_shape == template.shape and pixels.is_box
        masks = made.mask_tiles("mask0") if masked else None
        given = [expression] if chosen.condition is None else [expression, chosen.condition]
        by_tiles = whole and all(e.tiled_as(made.tile_shape) for e in given)
        if by_tiles and (not masked or (masks and masks.tile == made.tile_shape)):
            if _write_tiles(expression, made, masks, chosen.condition) or any(
                np.isfinite(made.read(block)).any() for block in made.iter_slices()
            ):
                numbers.set()
        else:
            # Each thread holds several arrays of a block.
            room = memory_budget_bytes() // (32 * thread_count())
            for found in in_order(compute, made.iter_slices(max(_EXPRESSION_BYTES, min(_RETILED_BYTES, room)))):
                if found:
                    numbers.set()
        if not numbers.is_set():
            raise DataError(f"the expression {expression.text!r} gives no pixel that is a finite number")


def _write_tiles(expression: Expression, made: CasaImage, masks: TileFile | None, condition: Expression | None) -> bool:
    """Write the values of an expression, and its mask where a condition is met, tile by tile as they lie in the files; True where it is sure that some pixel is finite."""
    tiles = made.tiles()
    assert tiles is not None  # of an image just made
    step = max(1, _EXPRESSION_BYTES // tiles.tile_bytes)
    count = tiles.count

    found = threading.Event()
    exact = not any(n % t for n, t in zip(tiles.shape, tiles.tile, strict=True))  # what lies beyond edges proves nothing

    def compute(first: int) -> None:
        stop = min(first + step, count)
        values = np.broadcast_to(expression.read_tiles(first, stop), (stop - first, *tiles.tile))
        tiles.write_tiles(first, values)
        if masks is not None:
            good = [expression.read_mask_tiles(first, stop)] if expression.may_mask else []
            if condition is not None:
                good.append(condition.read_condition_tiles(first, stop, tiles.tile))
            masks.write_stored(first, functools.reduce(np.bitwise_and, good))
        if exact and not found.is_set() and np.isfinite(values).any():
            found.set()
        if first // step % _RELEASED_STEPS == _RELEASED_STEPS - 1:
            for looked_at in (expression, *(() if condition is None else (condition,))):
                looked_at.release_tiles(first - (_RELEASED_STEPS - 1) * step, stop)

    deque(in_order(compute, range(0, count, step)), maxlen=0)
    return found.is_set()


def _sigma(text: Any, unit: str, name: str) -> float:
    """A noise level or threshold in the unit of the image."""
    if not str(text).strip():
        return 0.0
    value, given = parse_quantity(text)
    if given == "" or given == unit:
        return float(value)
    from casatools.frames.quantities import to_unit

    try:
        return float(to_unit({"value": value, "unit": given.replace("/beam", "")}, unit.replace("/beam", "")))
    except ParameterError:
        raise ParameterError(f"parameter {name!r} must be in the image's unit {unit!r}; got {text!r}") from None


class _StokesPlanes:
    """The Stokes parameters of one image with a polarization axis, or of several images of one Stokes parameter each."""

    def __init__(self, images: Sequence[CasaImage], choice: PixelChoice) -> None:
        self.parts: dict[str, tuple[SelectedPixels, int | None, int]] = {}
        self.axis = images[0].coordinates.stokes_axis
        if self.axis is None:
            raise ParameterError(f"image {images[0].path!r} has no polarization axis")
        for image in images:
            stokes, axis = image.coordinates.stokes, image.coordinates.stokes_axis
            if stokes is None or axis is None:
                raise ParameterError(f"image {image.path!r} has no polarization axis")
            chosen = choice.of(image)
            array_axis = image.ndim - 1 - axis
            for k, label in enumerate(stokes.labels):
                if chosen.pixels.first[array_axis] <= k <= chosen.pixels.last[array_axis]:
                    self.parts[str(label)] = (chosen, array_axis, k - chosen.pixels.first[array_axis])
        self.image = images[0]
        self.chosen = choice.of(images[0])
        box = list(self.chosen.pixels.box_shape)
        self.array_axis = images[0].ndim - 1 - self.axis
        box[self.array_axis] = 1
        self.shape = tuple(box)

    def require(self, names: Sequence[str]) -> None:
        for chosen in {id(self.parts[n][0]): self.parts[n][0] for n in names if n in self.parts}.values():
            chosen.require_good()
        missing = [n for n in names if n not in self.parts]
        if missing:
            raise ParameterError(f"Stokes {', '.join(missing)} is needed; the images have {', '.join(self.parts)}")

    def read(self, name: str, block: Sequence[slice]) -> tuple[np.ndarray, np.ndarray | None]:
        chosen, axis, plane = self.parts[name]
        where = tuple(slice(plane, plane + 1) if k == axis else s for k, s in enumerate(block))
        values, good = chosen.read(where)
        return values.astype(np.float64), good


def polarization_image(
    paths: Sequence[str], mode: str, sigma: Any, threshold: Any, choice: PixelChoice, output: MathOutput
) -> None:
    """Write an image of polarized intensity or position angle.

    Parameters
    ----------
    paths : sequence of str
        One image with Stokes Q, U (and V), or an image of each.
    mode : {"poli", "lpoli", "tpoli", "pola"}
        Total where there is a V and linear where not; linear; total polarized intensity; position angle [deg].
    sigma : str
        Noise that intensities are corrected for.
    threshold : str
        For pola: angles of pixels of less linear polarization are masked; "" masks none.
    choice : PixelChoice
    output : MathOutput

    Raises
    ------
    ParameterError
        A Stokes parameter that is needed is not there.
    CasaError
        An image cannot be read, nothing is selected, or the output exists.
    """
    with ExitStack() as stack:
        planes_of = [stack.enter_context(CasaImage.open(path)) for path in paths]
        planes = _StokesPlanes(planes_of, choice)
        planes.require(["Q", "U"])
        total = mode == "tpoli" or (mode == "poli" and "V" in planes.parts)
        if total:
            planes.require(["V"])
        names = ["Q", "U", "V"] if total else ["Q", "U"]
        unit = planes.image.unit
        noise = 0.0 if mode == "pola" else _sigma(sigma, unit, "sigma")
        limit = _sigma(threshold, unit, "polithresh") if mode == "pola" else 0.0
        label = "Pangle" if mode == "pola" else "Ptotal" if total else "Plinear"
        masked = noise > 0 or limit > 0 or any(p.has_mask for p, _, _ in (planes.parts[n] for n in names))
        with _polarized(planes, label, "deg" if mode == "pola" else unit, masked, output) as made:
            everything = True
            for block in made.iter_slices():
                read = [planes.read(n, block) for n in names]
                power = np.sum([np.square(v) for v, _ in read], axis=0)
                good = np.ones(power.shape, bool)
                for _, one in read:
                    good &= True if one is None else one
                if mode == "pola":
                    value = np.rad2deg(0.5 * np.arctan2(read[1][0], read[0][0]))
                    good &= np.sqrt(power) >= limit
                else:
                    good &= power >= noise**2
                    value = np.where(good, np.sqrt(np.maximum(power - noise**2, 0.0)), 0.0)
                made.write(value, block)
                everything &= bool(good.all())
                if masked:
                    made.write_mask(good, block)
            if masked and everything:
                made.remove_mask("mask0")


class _polarized:
    """A new image with one polarization plane, as a context."""

    def __init__(self, planes: _StokesPlanes, label: str, unit: str, masked: bool, output: MathOutput) -> None:
        self.planes, self.label, self.unit, self.masked, self.output = planes, label, unit, masked, output

    def __enter__(self) -> CasaImage:
        image, pixels = self.planes.image, self.planes.chosen.pixels
        counts = list(self.planes.shape[::-1])
        coordinates = image.coordinates.sliced([float(v) for v in pixels.first[::-1]], [1.0] * image.ndim, counts)
        member = coordinates.find("Stokes")
        assert member is not None
        coordinates.replace(member, StokesCoordinate.make([self.label]))
        self._staged = staged_output(self.output.path, self.output.overwrite)
        path = self._staged.__enter__()
        try:
            made = CasaImage.create(
                path,
                self.planes.shape,
                coordinates,
                np.float64 if self.output.double else np.float32,
                mask="mask0" if self.masked else "",
            )
            made.copy_metadata_from(image, beams=False)
            made.unit = self.unit
            beams = beams_of_box(image, pixels)
            made.beams = BeamSet.per_plane([[beams.at(c, 0)] for c in range(beams.nchan)]) if beams.is_per_plane else beams
        except BaseException as error:
            self._staged.__exit__(type(error), error, error.__traceback__)
            raise
        self._made = made
        return made

    def __exit__(self, *error: Any) -> None:
        self._made.close()
        self._staged.__exit__(*error)


def spectral_index_image(paths: Sequence[str], choice: PixelChoice, output: MathOutput) -> None:
    """Write the spectral index ``log(S0 / S1) / log(f0 / f1)`` of two images, channel by channel; pixels that are not positive are masked.

    Raises
    ------
    ParameterError
        There are not two images at different frequencies.
    """
    if len(paths) != 2:
        raise ParameterError(f"a spectral index needs two images; got {len(paths)}")
    with CasaImage.open(paths[0]) as first, CasaImage.open(paths[1]) as second:
        if first.shape != second.shape:
            raise DataError(f"images of shapes {first.shape[::-1]} and {second.shape[::-1]} do not fit each other")
        frequencies = []
        for image in (first, second):
            axis, spectral = image.coordinates.spectral_axis, image.coordinates.spectral
            if axis is None or spectral is None:
                raise ParameterError(f"image {image.path!r} has no spectral axis")
            k = image.ndim - 1 - axis
            at_channel = np.repeat(image.coordinates.reference_pixel[:, None], image.shape[k], axis=1)
            at_channel[axis] = np.arange(image.shape[k])
            frequencies.append(image.coordinates.to_world(at_channel)[image.coordinates.pixel_to_world_axis(axis)])
        ratio = np.log(frequencies[0] / frequencies[1])
        if np.any(ratio == 0):
            raise ParameterError("a spectral index needs images of different frequencies; both have the same")
        along = first.ndim - 1 - int(first.coordinates.spectral_axis or 0)
        parts = [choice.of(first), choice.of(second)]
        for part in parts:
            part.require_good()
        pixels = parts[0].pixels
        coordinates = first.coordinates.sliced([float(v) for v in pixels.first[::-1]], [1.0] * first.ndim, pixels.box_shape[::-1])
        with (
            staged_output(output.path, output.overwrite) as staged,
            CasaImage.create(staged, pixels.box_shape, coordinates, np.float32) as made,
        ):
            made.copy_metadata_from(first, beams=False)
            made.unit = ""
            made.beams = beams_of_box(first, pixels)
            for block in made.iter_slices():
                (one, good), (two, other) = (p.read(block) for p in parts)
                usable = (one > 0) & (two > 0)
                for mask in (good, other):
                    usable &= True if mask is None else mask
                with np.errstate(divide="ignore", invalid="ignore"):
                    at = slice(block[along].start + pixels.first[along], block[along].stop + pixels.first[along])
                    own = ratio[at].reshape([-1 if k == along else 1 for k in range(first.ndim)])
                    index = np.log(one.astype(np.float64) / two) / own
                made.write(np.where(usable, index, 0.0), block)
                if not usable.all():
                    made.write_mask(usable, block)


def scale_by_image(
    path: str, other: str | np.ndarray, divide: bool, cutoff: float, choice: PixelChoice, output: MathOutput
) -> None:
    """Write an image divided (or multiplied) by a primary beam.

    Parameters
    ----------
    path : str
        Image.
    other : str or ndarray
        Primary beam: an image or an array (array order) of the same shape, of one plane for all channels and Stokes parameters, or of the two axes of
        the sky alone.
    divide : bool
        Divide, else multiply.
    cutoff : float
        Pixels where the primary beam is below (divide) or above (multiply) are masked; negative for none.
    choice : PixelChoice
    output : MathOutput

    Raises
    ------
    DataError
        The primary beam does not fit the image, or is one of another part of the sky.
    """
    with CasaImage.open(path) as image:
        beam = CasaImage.open(other) if isinstance(other, str) else None
        try:
            values = beam if beam is not None else np.asarray(other)
            if len(values.shape) == 2 < image.ndim:
                values = _over_axes(values, image)
            shape = values.shape
            fits = len(shape) == image.ndim and all(n in (m, 1) for n, m in zip(shape, image.shape, strict=True))
            if not fits:
                raise DataError(
                    f"the primary beam of shape {tuple(shape)[::-1]} does not fit the image of shape {image.shape[::-1]}"
                )
            if beam is not None:
                _require_same_sky(image, beam)
            _scale(image, values, tuple(shape), divide, cutoff, choice, output)
        finally:
            if beam is not None:
                beam.close()


def _require_same_sky(image: CasaImage, other: CasaImage) -> None:
    """Refuse another image whose pixels lie elsewhere on the sky, by more than a hundredth of a pixel."""
    own, theirs = image.coordinates.direction, other.coordinates.direction
    if own is not None and theirs is not None and (own.frame != theirs.frame or _lies_elsewhere(image, other, 0.01)):
        raise DataError(f"the image {other.path!r} shows another part of the sky than {image.path!r}; regrid it first (imregrid)")


def _lies_elsewhere(image: CasaImage, other: CasaImage, pixels: float) -> bool:
    """True when another image lies farther from pixels of the same number than some pixels."""
    own, theirs = image.coordinates.direction, other.coordinates.direction
    shape = [other.shape[other.ndim - 1 - a] for a in other.coordinates.direction_axes]
    return own is not None and theirs is not None and len(shape) == 2 and own.pixels_apart(theirs, shape) > pixels


def _check_skies(expression: Expression, template: CasaImage, by_number: bool) -> None:
    """Refuse images that lie elsewhere on the sky; where the metadata of the result are chosen, pixels are combined by number and a warning says so."""
    own = template.coordinates.direction
    for image in expression.images.values():
        theirs = image.coordinates.direction
        if own is None or theirs is None or image.shape[-2:] != template.shape[-2:]:
            continue  # a plane of one pixel stands for all of the sky
        other_frame = own.frame != theirs.frame and {own.frame, theirs.frame} != {"J2000", "ICRS"}  # milliarcseconds
        if not (other_frame or _lies_elsewhere(template, image, 0.5)):
            continue
        where = f"image {image.path!r} shows another part of the sky than {template.path!r}"
        if not by_number:
            raise DataError(
                f"{where}; regrid it first (imregrid), or name the image whose coordinates the result takes (imagemd) to combine pixels by number"
            )
        log.post(f"{where}: their pixels are combined by number", "WARN")


def _over_axes(plane: CasaImage | np.ndarray, image: CasaImage) -> np.ndarray:
    """A plane of the sky as an array with the axes of an image; NaN, which leaves no good pixel, where the plane is masked."""
    values = plane
    if isinstance(plane, CasaImage):
        values = np.where(plane.read_mask(), plane.read(), np.nan)
    sky = sorted(image.ndim - 1 - a for a in image.coordinates.direction_axes)
    if len(sky) != 2:
        raise DataError(f"a primary beam of two axes needs an image of the sky; the axes of this one are {image.shape[::-1]}")
    return np.asarray(values).reshape([values.shape[sky.index(a)] if a in sky else 1 for a in range(image.ndim)])


def _scale(
    image: CasaImage, beam: Any, shape: tuple[int, ...], divide: bool, cutoff: float, choice: PixelChoice, output: MathOutput
) -> None:
    chosen = choice.of(image)
    chosen.require_good()
    pixels = chosen.pixels
    beam_masked = isinstance(beam, CasaImage) and beam.has_mask
    masked = chosen.has_mask or beam_masked or cutoff >= 0
    coordinates = image.coordinates.sliced([float(v) for v in pixels.first[::-1]], [1.0] * image.ndim, pixels.box_shape[::-1])
    with (
        staged_output(output.path, output.overwrite) as staged,
        CasaImage.create(staged, pixels.box_shape, coordinates, image.dtype, mask="mask0" if masked else "") as made,
    ):
        made.copy_metadata_from(image, beams=False)
        made.beams = beams_of_box(image, pixels)
        for block in made.iter_slices():
            values, good = chosen.read(block)
            where = tuple(
                slice(0, 1) if n == 1 else slice(a + s.start, a + s.stop)
                for n, a, s in zip(shape, pixels.first, block, strict=True)
            )
            power = beam.read(where) if isinstance(beam, CasaImage) else beam[where]
            usable = np.ones(values.shape, bool) if good is None else good.copy()
            if beam_masked:
                usable &= beam.read_mask(where)
            if cutoff >= 0:
                usable &= power >= cutoff if divide else power <= cutoff
            with np.errstate(divide="ignore", invalid="ignore"):
                result = values / power if divide else values * power
            made.write(np.where(np.isfinite(result), result, 0.0) if masked else result, block)
            if masked:
                made.write_mask(usable & np.isfinite(result), block)
