"""Images put onto the pixels of other coordinates.

References
----------
Bilinear and cubic convolution interpolation on the sky (Keys 1981, IEEE Trans. ASSP-29, 1153), natural cubic splines along other axes. Intensities in
Jy/pixel are scaled by the ratio of pixel areas; others are brightnesses and stay.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from casatools._base.buffers import empty_array
from casatools._base.errors import DataError, ParameterError
from casatools._base.memory import chunk_bytes, require_memory
from casatools._base.paths import staged_output
from casatools._base.progress import Progress
from casatools._base.threads import over_rows
from casatools.analysis.plane_slabs import SlabReader, SlabWriter
from casatools.analysis.regrid_places import SkyPlaces, axis_places, axis_weights, sky_places
from casatools.analysis.selected_pixels import SelectedPixels
from casatools.analysis.sub_images import PixelChoice, beams_of_box
from casatools.io.image import Beam, BeamSet, CasaImage
from casatools.io.image.coordinates import Coordinates, DirectionCoordinate, LinearCoordinate
from casatools.kernels.plane_interpolation import bilinear_plane, cubic_plane, nearest_plane

__all__ = ["RegridOptions", "interpolate_plane", "regrid_image", "turned_coordinates"]

_KERNELS = {"nearest": nearest_plane, "linear": bilinear_plane, "cubic": cubic_plane}
# Interpolated planes that are kept for the next ones.
_KEPT = 40
# They take no more than so many chunks, as long as two are kept.
_KEPT_CHUNKS = 4


@dataclass(frozen=True)
class RegridOptions:
    """How an image is regridded.

    Attributes
    ----------
    axes : tuple of int
        Pixel axes (CASA order) that are regridded; () for all that can be.
    method : {"nearest", "linear", "cubic"}
    as_velocity : bool
        A spectral axis is matched by velocity (each with its own rest frequency) instead of frequency.
    decimate : int
        Decides with CASA about pixels on the very edge of the image (`regrid_places`); other pixels do not depend on it.
    replicate : bool
        Pixels are matched by their number, spread evenly over the image, and not by coordinates.
    convert : bool
        Reference frames that differ are converted; else their numbers are taken as they are.
    """

    axes: tuple[int, ...] = ()
    method: str = "linear"
    as_velocity: bool = False
    decimate: int = 10
    replicate: bool = False
    convert: bool = True

    def __post_init__(self) -> None:
        if self.method not in _KERNELS:
            raise ParameterError(f"parameter 'interpolation' must be one of {', '.join(_KERNELS)}; got {self.method!r}")


Weights = list[dict[int, float] | None]


def regrid_image(
    image: CasaImage,
    outfile: str,
    target: Coordinates,
    shape: Sequence[int],
    options: RegridOptions,
    choice: PixelChoice,
    overwrite: bool = False,
) -> None:
    """Write an image on other coordinates.

    Parameters
    ----------
    image : CasaImage
    outfile : str
    target : Coordinates
        Those wanted, with the same kinds of axes in the same order.
    shape : sequence of int
        Pixels wanted along each axis (CASA order).
    options : RegridOptions
    choice : PixelChoice
        Part of the image that is taken.
    overwrite : bool

    Raises
    ------
    ParameterError
        Axes cannot be regridded or matched.
    DataError
        The images do not overlap.
    """
    chosen = choice.of(image)
    chosen.require_good()
    ndim = image.ndim
    box = chosen.pixels.box_shape
    own = image.coordinates.sliced([float(v) for v in chosen.pixels.first[::-1]], [1.0] * ndim, box[::-1])
    axes = _axes(own, target, options, ndim)
    final = [int(shape[a]) if a in axes else box[::-1][a] for a in range(ndim)]
    coordinates = own.copy()
    for index, member in enumerate(own.members):
        if set(own.pixel_axes[index]) & set(axes):
            coordinates.replace(index, target.members[_matching(target, member)])
    plane_axes = [ndim - 1 - a for a in own.direction_axes] if set(own.direction_axes) & set(axes) else []
    places = None
    _require_planes(image, box, final, plane_axes)
    if plane_axes:
        old = box[plane_axes[0]], box[plane_axes[1]]
        if options.replicate:
            places = _even_places(old, [final[a] for a in own.direction_axes])
        else:
            places = sky_places(own, coordinates, final, old, options.method, options.decimate, options.convert)
        if not places.inside.any():
            raise DataError(f"image {image.path!r} does not overlap with the coordinates wanted")
    weights: dict[int, Weights] = {}
    for axis in axes:
        if axis not in own.direction_axes:
            at = ndim - 1 - axis
            if options.replicate:
                where = _even_line(box[at], final[axis])
            else:
                where = axis_places(own, coordinates, axis, final[axis], options.as_velocity, options.convert)
            weights[at] = [axis_weights(float(v), box[at], options.method) for v in where]
            if all(w is None for w in weights[at]):
                raise DataError(f"axis {axis} of image {image.path!r} does not overlap with the coordinates wanted")
    beams = beams_of_box(image, chosen.pixels)
    if beams.is_per_plane and own.spectral_axis is not None and own.spectral_axis in axes:
        beams = _beams_of_channels(image, beams, weights[ndim - 1 - own.spectral_axis])
    with (
        staged_output(outfile, overwrite) as staged,
        CasaImage.create(staged, final[::-1], coordinates, image.dtype, mask="mask0") as output,
    ):
        output.copy_metadata_from(image, beams=False)
        output.beams = beams
        scale = _pixel_ratio(own, coordinates) if places is not None and image.unit.endswith("/pixel") else 1.0
        if _Regridder(chosen, output, plane_axes, places, weights, options.method, scale).write():
            output.remove_mask("mask0")


def _beams_of_channels(image: CasaImage, beams: BeamSet, weights: Weights) -> BeamSet:
    """The beams of new channels that are each made of channels of one beam; channels without any take the last such beam.

    Raises
    ------
    DataError
        A new channel lies between channels of different beams.
    """
    made: list[list[Beam]] = []
    for channel, parts in enumerate(weights):
        used = [k for k, w in (parts or {}).items() if abs(w) > 1e-6]
        own = (
            [[beams.at(k, p) for p in range(beams.nstokes)] for k in used]
            or made[-1:]
            or [[beams.at(0, p) for p in range(beams.nstokes)]]
        )
        if any(row != own[0] for row in own):
            raise DataError(
                f"image {image.path!r} has beams of its own in each channel, and channel {channel} wanted lies between channels of different beams; "
                "smooth to a common beam first (imsmooth with kernel='commonbeam'), or use interpolation='nearest'"
            )
        made.append(own[0])
    return BeamSet.per_plane(made)


def _require_planes(image: CasaImage, box: Sequence[int], final: Sequence[int], plane_axes: Sequence[int]) -> None:
    """Raise ParameterError where the planes that are in work at once, and the places of their pixels, need more memory than there is."""
    ndim = len(box)
    along = list(plane_axes) or list(range(max(0, ndim - 2), ndim))
    old, new = (math.prod(shape[k] for k in along) for shape in (box, final[::-1]))
    item = image.dtype.itemsize + 1  # a pixel and its mask
    what = f"regridding of planes of {old} pixels to {new} (regrid a part, chosen by 'region' or a smaller template)"
    # The plane as it is read and turned, the new one twice, and two places of 8 bytes with what says that they are inside.
    require_memory(2.0 * item * old + (2.0 * item + (17 if plane_axes else 0)) * new, what)


def turned_coordinates(image: CasaImage, angle_rad: float) -> tuple[Coordinates, tuple[int, ...]]:
    """Coordinates of an image with its sky axes (or the first two linear ones) turned about the reference pixel, and these axes.

    Raises
    ------
    DataError
        The image has neither sky axes nor two linear ones.
    """
    made = image.coordinates.copy()
    sine, cosine = np.sin(angle_rad), np.cos(angle_rad)
    for index, member in enumerate(made.members):
        if isinstance(member, (DirectionCoordinate, LinearCoordinate)) and member.naxes == 2:
            turned = np.array([[cosine, sine], [-sine, cosine]]) @ member.matrix
            made.replace(index, replace(member, matrix=turned))
            return made, tuple(made.pixel_axes[index])
    raise DataError(f"image {image.path!r} has no two axes of one coordinate that could be turned")


def _axes(own: Coordinates, target: Coordinates, options: RegridOptions, ndim: int) -> list[int]:
    """Axes to regrid: those named, else all with other coordinates but polarization."""
    wanted = [a for a in options.axes if a >= 0]
    if any(a >= ndim for a in wanted):
        raise ParameterError(f"axes {wanted} are not all in the image, which has {ndim}")
    found = []
    for index, member in enumerate(own.members):
        axes = [a for a in own.pixel_axes[index] if a >= 0]
        if wanted and not set(axes) & set(wanted):
            continue
        if member.kind in ("Stokes", "Quality"):
            if wanted:
                raise ParameterError(f"axis {axes[0]} ({member.kind}) cannot be regridded; its pixels are names, not places")
            continue
        if not wanted and target.find(member.kind) is None:
            continue
        other = target.members[_matching(target, member)]
        if other.naxes != member.naxes:
            raise ParameterError(
                f"the coordinates wanted have {other.naxes} {member.kind.lower()} axes, the image has {member.naxes}"
            )
        found += axes if isinstance(member, DirectionCoordinate) else [a for a in axes if not wanted or a in wanted]
    return found


def _matching(target: Coordinates, member: object) -> int:
    kind = str(getattr(member, "kind", ""))
    index = target.find(kind)
    if index is None:
        raise ParameterError(f"the coordinates wanted have no {kind.lower()} axis")
    return index


def _even_line(old: int, new: int) -> np.ndarray:
    """Places of `new` pixels that are spread evenly over `old` ones."""
    return np.clip((np.arange(new) + 0.5) * old / new - 0.5, 0, old - 1)


def _even_places(old: Sequence[int], new: Sequence[int]) -> SkyPlaces:
    """Places of pixels that are spread evenly over the old plane."""
    x, y = np.meshgrid(*(_even_line(m, n) for m, n in zip(old, new, strict=True)))
    return SkyPlaces(x, y, np.ones(x.shape, dtype=bool))


def _pixel_ratio(own: Coordinates, wanted: Coordinates) -> float:
    assert own.direction is not None and wanted.direction is not None
    return abs(float(np.prod(wanted.direction.increment_rad) / np.prod(own.direction.increment_rad)))


class _Regridder:
    """Makes the planes of the new image from old ones, each interpolated once and kept while it may be needed again.

    A plane is what lies along the sky axes, or along the last two axes where the sky is not regridded; another axis that is regridded
    is either followed plane by plane or, where it lies in the plane, interpolated in it.
    """

    def __init__(
        self,
        chosen: SelectedPixels,
        output: CasaImage,
        plane_axes: Sequence[int],
        places: SkyPlaces | None,
        weights: Mapping[int, Weights],
        method: str,
        scale: float,
    ) -> None:
        self.source, self.output, self.places, self.weights = SlabReader(chosen), output, places, weights
        self.method, self.scale, self.box = method, scale, chosen.pixels.box_shape
        ndim = output.ndim
        spectral = output.coordinates.spectral_axis
        kept_out = None if spectral is None or ndim == 1 else ndim - 1 - spectral
        last = [k for k in range(max(0, ndim - 2), ndim) if k != kept_out]
        self.plane_axes = list(plane_axes) or last[::-1]
        self.others = [k for k in range(ndim) if k not in self.plane_axes]
        self.kept: dict[tuple[int, ...], tuple[np.ndarray, np.ndarray]] = {}

    def write(self) -> bool:
        """Write all planes; True when no pixel of the result is masked."""
        shape, clean = self.output.shape, True
        count = int(np.prod([shape[k] for k in self.others]))
        with Progress(count, "regridding") as progress, SlabWriter(self.output, True) as writer:
            for place in np.ndindex(*(shape[k] for k in self.others)):
                at = dict(zip(self.others, place, strict=True))
                where = tuple(slice(at[k], at[k] + 1) if k in at else slice(0, n) for k, n in enumerate(shape))
                extent = tuple(s.stop - s.start for s in where)
                made = self._new_plane(at)
                if made is None:
                    values, good = np.zeros(extent, dtype=self.output.dtype), np.zeros(extent, dtype=bool)
                else:
                    values, good = (self._turned_back(part, extent) for part in made)
                    if self.scale != 1.0:
                        values = values * self.scale
                clean &= bool(good.all())
                writer.write(values, good, where)
                progress.advance()
        return clean

    def _new_plane(self, at: Mapping[int, int]) -> tuple[np.ndarray, np.ndarray] | None:
        """The plane at a place of the other axes, blended from old ones; None where there is nothing."""
        followed = [k for k in self.others if k in self.weights]
        shares = [self.weights[k][at[k]] for k in followed]
        if any(s is None for s in shares):
            return None
        parts = [list(s.items()) for s in shares if s is not None]
        if all(len(p) == 1 for p in parts):
            return self._old_plane({**at, **{k: p[0][0] for k, p in zip(followed, parts, strict=True)}})
        total, usable = None, None
        for pick in np.ndindex(*(len(p) for p in parts)):
            weight = float(np.prod([p[i][1] for p, i in zip(parts, pick, strict=True)]))
            values, good = self._old_plane({**at, **{k: p[i][0] for k, p, i in zip(followed, parts, pick, strict=True)}})
            total = values * weight if total is None else total + values * weight
            if max(pick) < 2:  # the pixels beside the place
                usable = good if usable is None else usable & good
        assert total is not None and usable is not None
        return np.where(usable, total, 0).astype(self.output.dtype), usable

    def _old_plane(self, at: Mapping[int, int]) -> tuple[np.ndarray, np.ndarray]:
        key = tuple(at[k] for k in self.others)
        if key in self.kept:
            return self.kept[key]
        followed = any(k in self.weights for k in self.others)
        each = 5 * int(np.prod([self.output.shape[k] for k in self.plane_axes]))
        while len(self.kept) >= (max(2, min(_KEPT, _KEPT_CHUNKS * chunk_bytes() // max(1, each))) if followed else 1):
            self.kept.pop(next(iter(self.kept)))
        block = tuple(slice(at[k], at[k] + 1) if k in at else slice(0, n) for k, n in enumerate(self.box))
        values, good = self.source.read(block)
        usable = np.ones(values.shape, bool) if good is None else good
        size = tuple(self.box[k] for k in reversed(self.plane_axes))
        flat, flat_good = (self._turned(v, size) for v in (values, usable))
        if self.places is not None:
            flat, flat_good = interpolate_plane(flat, flat_good, self.places, self.method)
        else:
            for axis, k in enumerate(reversed(self.plane_axes)):
                if k in self.weights:
                    flat, flat_good = _along(flat, flat_good, axis, self.weights[k])
        self.kept[key] = flat, flat_good
        return flat, flat_good

    def _turned(self, values: np.ndarray, size: tuple[int, ...]) -> np.ndarray:
        """A block as a plane (y, x)."""
        axes = self.plane_axes[::-1]
        return np.moveaxis(values, axes, range(len(axes))).reshape(size)

    def _turned_back(self, plane: np.ndarray, extent: tuple[int, ...]) -> np.ndarray:
        axes = self.plane_axes[::-1]
        return (plane.T if axes != sorted(axes) else plane).reshape(extent)


def _along(values: np.ndarray, good: np.ndarray, axis: int, weights: Weights) -> tuple[np.ndarray, np.ndarray]:
    """An axis of a plane interpolated."""
    values, good = np.moveaxis(values, axis, 0), np.moveaxis(good, axis, 0)
    filled = np.where(good, values, 0)
    made = np.zeros((len(weights), *values.shape[1:]), dtype=values.dtype)
    usable = np.zeros(made.shape, dtype=bool)
    for k, shares in enumerate(weights):
        if shares is None:
            continue
        made[k] = sum(filled[i] * w for i, w in shares.items())
        usable[k] = np.logical_and.reduce([good[i] for i in list(shares)[:2]])
    made[~usable] = 0
    return np.moveaxis(made, 0, axis), np.moveaxis(usable, 0, axis)


def interpolate_plane(plane: np.ndarray, good: np.ndarray, places: SkyPlaces, method: str) -> tuple[np.ndarray, np.ndarray]:
    """Values of a plane (y, x) at places, and where all pixels that they stand on are good."""
    out = empty_array(places.x.shape, plane.dtype)
    out_good = empty_array(places.x.shape, bool)
    plane, good, interpolate = np.ascontiguousarray(plane), np.ascontiguousarray(good), _KERNELS[method]

    def rows(a: int, b: int) -> None:
        interpolate(plane, good, places.x[a:b], places.y[a:b], places.inside[a:b], out[a:b], out_good[a:b])

    over_rows(rows, len(out), 1 + 100_000 // max(1, out.shape[1]))
    return out, out_good
