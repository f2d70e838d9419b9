"""A set of coordinates and the map of their axes onto pixel and world axes."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from casatools._base.buffers import empty_array
from casatools._base.errors import DataError, ParameterError
from casatools._base.threads import over_rows
from casatools.io.image.coordinates.direction import DirectionCoordinate
from casatools.io.image.coordinates.linear import LinearCoordinate
from casatools.io.image.coordinates.many_points import MANY
from casatools.io.image.coordinates.observation import ObservationInfo
from casatools.io.image.coordinates.spectral import SpectralCoordinate
from casatools.io.image.coordinates.stokes import QualityCoordinate, StokesCoordinate
from casatools.io.image.coordinates.tabular import TabularCoordinate

__all__ = ["Coordinate", "Coordinates"]

Coordinate = (
    DirectionCoordinate | SpectralCoordinate | StokesCoordinate | LinearCoordinate | TabularCoordinate | QualityCoordinate
)
_CLASSES: dict[str, Any] = {
    c.record_name: c
    for c in (DirectionCoordinate, SpectralCoordinate, StokesCoordinate, LinearCoordinate, TabularCoordinate, QualityCoordinate)
}
_MEMBER = re.compile(r"^(direction|spectral|stokes|linear|tabular|quality)(\d+)$")


class Coordinates:
    """Coordinates of an image: its members, the axes they stand on, and the observation.

    Pixel and world axes are numbered as CASA numbers them: axis 0 is x, the fastest; array axis ``k`` of an image of ``n``
    dimensions is pixel axis ``n - 1 - k``. Pixels are 0-based.

    Parameters
    ----------
    members : sequence of coordinates
    world_axes, pixel_axes : sequence of sequences of int, optional
        World and pixel axis of each axis of each member, -1 where it was removed; in order when not given.
    world_replacement, pixel_replacement : sequence of arrays, optional
        Values of removed axes, in the members' own units.
    observation : ObservationInfo, optional
    extra : dict, optional
        Further fields of the record, kept as they are.
    """

    def __init__(
        self,
        members: Sequence[Coordinate] = (),
        world_axes: Sequence[Sequence[int]] | None = None,
        pixel_axes: Sequence[Sequence[int]] | None = None,
        world_replacement: Sequence[Any] | None = None,
        pixel_replacement: Sequence[Any] | None = None,
        observation: ObservationInfo | None = None,
        extra: dict[str, Any] | None = None,
    ) -> None:
        self.members: list[Coordinate] = list(members)
        self.world_axes = [list(a) for a in world_axes] if world_axes is not None else _in_order(self.members)
        self.pixel_axes = [list(a) for a in pixel_axes] if pixel_axes is not None else _in_order(self.members)
        self.world_replacement = _filled(world_replacement, [m.reference_value for m in self.members])
        self.pixel_replacement = _filled(pixel_replacement, [np.zeros(m.naxes) for m in self.members])
        self.observation = observation if observation is not None else ObservationInfo()
        self.extra = dict(extra or {})
        self._points: _Plan | None = None

    # ---- structure

    def copy(self) -> Coordinates:
        """An independent copy (members are immutable and shared)."""
        return Coordinates(
            self.members,
            self.world_axes,
            self.pixel_axes,
            self.world_replacement,
            self.pixel_replacement,
            self.observation,
            self.extra,
        )

    def __len__(self) -> int:
        return len(self.members)

    def __iter__(self) -> Iterator[Coordinate]:
        return iter(self.members)

    @property
    def n_world_axes(self) -> int:
        return sum([axis >= 0 for axes in self.world_axes for axis in axes])

    @property
    def n_pixel_axes(self) -> int:
        return sum([axis >= 0 for axes in self.pixel_axes for axis in axes])

    def find(self, kind: str, occurrence: int = 0) -> int | None:
        """Index of the member of a kind ("Direction", "Spectral", "Stokes", "Linear", "Tabular", "Quality"); None when absent."""
        found = [i for i, m in enumerate(self.members) if m.kind.lower() == kind.lower()]
        return found[occurrence] if occurrence < len(found) else None

    def _member(self, kind: str) -> Any:
        index = self.find(kind)
        return None if index is None else self.members[index]

    @property
    def direction(self) -> DirectionCoordinate | None:
        return self._member("Direction")  # type: ignore[no-any-return]

    @property
    def spectral(self) -> SpectralCoordinate | None:
        return self._member("Spectral")  # type: ignore[no-any-return]

    @property
    def stokes(self) -> StokesCoordinate | None:
        return self._member("Stokes")  # type: ignore[no-any-return]

    def pixel_axes_of(self, kind: str) -> tuple[int, ...]:
        """Pixel axes of the first member of a kind, removed ones left out; () when there is none."""
        index = self.find(kind)
        return () if index is None else tuple(a for a in self.pixel_axes[index] if a >= 0)

    @property
    def direction_axes(self) -> tuple[int, ...]:
        """Pixel axes of the direction; () when there is none."""
        return self.pixel_axes_of("Direction")

    @property
    def spectral_axis(self) -> int | None:
        """Pixel axis of the spectral coordinate; None when there is none."""
        axes = self.pixel_axes_of("Spectral")
        return axes[0] if axes else None

    @property
    def stokes_axis(self) -> int | None:
        """Pixel axis of the Stokes coordinate; None when there is none."""
        axes = self.pixel_axes_of("Stokes")
        return axes[0] if axes else None

    def array_axis(self, pixel_axis: int) -> int:
        """The numpy axis, in internal order, of a pixel axis."""
        return self.n_pixel_axes - 1 - pixel_axis

    def member_of_world_axis(self, axis: int) -> tuple[int, int]:
        """Member index, and axis within it, of a world axis; raises ParameterError when there is no such axis."""
        return _locate(self.world_axes, axis, "world")

    def member_of_pixel_axis(self, axis: int) -> tuple[int, int]:
        """Member index, and axis within it, of a pixel axis; raises ParameterError when there is no such axis."""
        return _locate(self.pixel_axes, axis, "pixel")

    def world_to_pixel_axis(self, world: int) -> int:
        """Pixel axis that belongs to a world axis; -1 when it was removed."""
        index, axis = self.member_of_world_axis(world)
        return self.pixel_axes[index][axis]

    def pixel_to_world_axis(self, pixel: int) -> int:
        """World axis that belongs to a pixel axis; -1 when it was removed."""
        index, axis = self.member_of_pixel_axis(pixel)
        return self.world_axes[index][axis]

    # ---- values of all axes

    def _world_ordered(self, values: Sequence[Any]) -> list[Any]:
        out: list[Any] = [None] * self.n_world_axes
        for axes, member_values in zip(self.world_axes, values, strict=True):
            for axis, value in zip(axes, member_values, strict=True):
                if axis >= 0:
                    out[axis] = value
        return out

    @property
    def names(self) -> list[str]:
        """Axis names in world order."""
        return self._world_ordered([m.names for m in self.members])

    @property
    def units(self) -> list[str]:
        """Axis units in world order."""
        return self._world_ordered([m.units for m in self.members])

    @property
    def kinds(self) -> list[str]:
        """Kind of the member behind each world axis."""
        return self._world_ordered([[m.kind] * m.naxes for m in self.members])

    @property
    def reference_value(self) -> np.ndarray:
        """Reference values (world axis,) in the axes' units."""
        return np.array(self._world_ordered([m.reference_value for m in self.members]), dtype=np.float64)

    @property
    def increment(self) -> np.ndarray:
        """Increments (world axis,) in the axes' units."""
        return np.array(self._world_ordered([m.increment for m in self.members]), dtype=np.float64)

    @property
    def reference_pixel(self) -> np.ndarray:
        """0-based reference pixels (pixel axis,)."""
        out = np.zeros(self.n_pixel_axes)
        for axes, member in zip(self.pixel_axes, self.members, strict=True):
            for axis, value in zip(axes, member.reference_pixel, strict=True):
                if axis >= 0:
                    out[axis] = value
        return out

    def replace(self, index: int, member: Coordinate) -> None:
        """Put another member with as many axes in the place of one."""
        if member.naxes != self.members[index].naxes:
            raise ParameterError(
                f"a {member.kind} coordinate has not as many axes as the {self.members[index].kind} one it replaces"
            )
        self.members[index] = member

    def append(self, member: Coordinate) -> None:
        """Add a member on new axes at the end."""
        world, pixel = self.n_world_axes, self.n_pixel_axes
        self.members.append(member)
        self.world_axes.append(list(range(world, world + member.naxes)))
        self.pixel_axes.append(list(range(pixel, pixel + member.naxes)))
        self.world_replacement.append(np.array(member.reference_value, dtype=np.float64))
        self.pixel_replacement.append(np.zeros(member.naxes))

    # ---- conversion

    def to_world(self, pixels: Any) -> np.ndarray:
        """World values in the axes' units and native frames.

        Parameters
        ----------
        pixels : array-like (pixel axis,) or (pixel axis, point)
            0-based.

        Returns
        -------
        ndarray float64 (world axis,) or (world axis, point)
            NaN where a pixel has no world value.
        """
        given = np.asarray(pixels, dtype=np.float64)
        if given.ndim == 1:
            return np.array(self.world_of(given.tolist()))
        flat = self._columns(given, self.n_pixel_axes, "pixel")
        out = empty_array((self.n_world_axes, flat.shape[1]), np.float64)

        def block(begin: int, end: int) -> None:
            for index, member in enumerate(self.members):
                axes = self.world_axes[index]
                if any(axis >= 0 for axis in axes) and not self._by_loops(index, flat, out, begin, end, backwards=False):
                    pixel = _gather(flat[:, begin:end], self.pixel_axes[index], self.pixel_replacement[index])
                    if isinstance(member, (SpectralCoordinate, TabularCoordinate)):
                        member.to_world(pixel, out[axes[0] : axes[0] + 1, begin:end])
                        continue
                    for axis, values in zip(axes, member.to_world(pixel), strict=True):
                        if axis >= 0:
                            out[axis, begin:end] = values

        self.in_blocks(block, flat.shape[1])
        return out

    def world_of(self, pixel: Sequence[float]) -> list[float]:
        """What `to_world` gives for one point, in plain numbers."""
        return self.points().world(pixel)

    def pixel_of(self, world: Sequence[float]) -> list[float]:
        """What `to_pixel` gives for one point, in plain numbers."""
        return self.points().pixel(world)

    def points(self) -> _Plan:
        """How single points are converted; made again where members or axes are others than before."""
        plan = self._points
        if (
            plan is None
            or plan.world_axes != self.world_axes
            or plan.pixel_axes != self.pixel_axes
            or plan.ids != [*map(id, self.members)]
        ):
            plan = self._points = _Plan(self)
        return plan

    def to_pixel(self, world: Any) -> np.ndarray:
        """0-based pixels of world values in the axes' units and native frames; the inverse of `to_world`."""
        given = np.asarray(world, dtype=np.float64)
        if given.ndim == 1:
            return np.array(self.pixel_of(given.tolist()))
        flat = self._columns(given, self.n_world_axes, "world")
        out = empty_array((self.n_pixel_axes, flat.shape[1]), np.float64)

        def block(begin: int, end: int) -> None:
            for index, member in enumerate(self.members):
                axes = self.pixel_axes[index]
                if any(axis >= 0 for axis in axes) and not self._by_loops(index, flat, out, begin, end, backwards=True):
                    values = _gather(flat[:, begin:end], self.world_axes[index], self.world_replacement[index])
                    if isinstance(member, (SpectralCoordinate, TabularCoordinate)):
                        member.to_pixel(values, out[axes[0] : axes[0] + 1, begin:end])
                        continue
                    for axis, pixel in zip(axes, member.to_pixel(values), strict=True):
                        if axis >= 0:
                            out[axis, begin:end] = pixel

        self.in_blocks(block, flat.shape[1])
        return out

    def _by_loops(self, index: int, given: np.ndarray, out: np.ndarray, begin: int, end: int, backwards: bool) -> bool:
        """Convert a range of many points of a direction that has both of its axes, if there are loops for it."""
        member, pixel, world = self.members[index], self.pixel_axes[index], self.world_axes[index]
        if not isinstance(member, DirectionCoordinate) or end - begin < MANY or min(*pixel, *world) < 0:
            return False
        (a, b), (c, d) = (world, pixel) if backwards else (pixel, world)
        here = slice(begin, end)
        return member.convert_many((given[a, here], given[b, here]), (out[c, here], out[d, here]), backwards)

    def in_blocks(self, function: Callable[[int, int], None], npoint: int) -> None:
        """Call a function on ranges of points that fit into a processor's cache, in threads."""
        if npoint <= _BLOCK:
            function(0, npoint)
            return

        def blocks(begin: int, end: int) -> None:
            count = -((begin - end) // _BLOCK)  # of one size: a small one at the end is few points, which take longer
            for k in range(count):
                function(begin + (end - begin) * k // count, begin + (end - begin) * (k + 1) // count)

        over_rows(blocks, npoint, _BLOCK)

    @staticmethod
    def _columns(values: np.ndarray, naxes: int, what: str) -> np.ndarray:
        if values.ndim != 2 or values.shape[0] != naxes:
            raise ParameterError(f"the coordinates have {naxes} {what} axes; got values of shape {values.shape}")
        return values

    # ---- other views of the same sky

    def transposed(self, order: Sequence[int]) -> Coordinates:
        """Coordinates whose pixel and world axis ``k`` are this one's ``order[k]``.

        Raises
        ------
        ParameterError
            `order` is no permutation of the axes.
        """
        n = self.n_pixel_axes
        if sorted(order) != list(range(n)) or self.n_world_axes != n:
            raise ParameterError(f"the order must be a permutation of the {n} axes; got {list(order)}")
        place = {old: new for new, old in enumerate(order)}
        place[-1] = -1
        # world axis k follows pixel axis k: both lists are renumbered alike
        out = self.copy()
        out.pixel_axes = [[place[a] for a in axes] for axes in self.pixel_axes]
        out.world_axes = [[place[a] for a in axes] for axes in self.world_axes]
        return out

    def reordered(self, order: Sequence[int]) -> Coordinates:
        """The members in another order, with all their axes in the order of the members."""
        out = Coordinates([self.members[k] for k in order], observation=self.observation, extra=self.extra)
        out.world_replacement = [self.world_replacement[k] for k in order]
        out.pixel_replacement = [self.pixel_replacement[k] for k in order]
        return out

    def of_pixel_axes(self, axes: Sequence[int]) -> Coordinates:
        """Coordinates of some pixel axes; members come in the order in which their axes are named, the axes of each in their own."""
        place = {a: (index, row) for index, pixel in enumerate(self.pixel_axes) for row, a in enumerate(pixel) if a >= 0}
        if list(axes) == sorted(axes):
            return self.without_pixel_axes([a for a in place if a not in axes])
        order = list(dict.fromkeys(place[a][0] for a in axes))
        order += [k for k in range(len(self)) if k not in order]
        out = self.reordered(order)
        kept = {out.pixel_axes[order.index(place[a][0])][place[a][1]] for a in axes}
        return out.without_pixel_axes([a for a in range(out.n_pixel_axes) if a not in kept])

    def sliced(
        self, starts: Sequence[float], steps: Sequence[float] | None = None, counts: Sequence[int] | None = None
    ) -> Coordinates:
        """Coordinates of the pixels ``starts + steps * k``, ``k`` below `counts`, for each pixel axis in CASA's order."""
        n = self.n_pixel_axes
        step = [1.0] * n if steps is None else list(steps)
        count: list[int | None] = [None] * n if counts is None else list(counts)
        out = self.copy()
        for index, member in enumerate(self.members):
            axes = self.pixel_axes[index]
            chosen = [(starts[a], step[a], count[a]) if a >= 0 else (0.0, 1.0, None) for a in axes]
            first, stride, number = zip(*chosen, strict=True)
            out.members[index] = member.sliced(first, stride, number)
        return out

    def moved_to(self, axes: Sequence[int], world: Sequence[float] | np.ndarray) -> Coordinates:
        """Coordinates whose first pixel on some axes (CASA order) lies at given world values (world axis,); other axes stay.

        An axis of one pixel that stands for many, such as of a collapsed image, is told so where it is.
        """
        out = self.copy()
        for index, member in enumerate(self.members):
            rows = [k for k, axis in enumerate(self.pixel_axes[index]) if axis in axes]
            if not rows or member.kind in ("Stokes", "Quality"):
                continue
            value, pixel = member.reference_value.copy(), member.reference_pixel.copy()
            for row in rows:
                value[row], pixel[row] = float(world[self.world_axes[index][row]]), 0.0
            out.members[index] = member.with_reference(value=value, pixel=pixel)
        return out

    def without_pixel_axes(self, axes: Sequence[int], keep_world: bool = False, at: Any = None) -> Coordinates:
        """Coordinates with pixel axes (and their world axes) removed; members with no axis left go away.

        Parameters
        ----------
        axes : sequence of int
        keep_world : bool
            Remove the pixel axes only.
        at : array-like (pixel axis,), optional
            Pixel that the removed axes stay at; 0 when not given.
        """
        pixel = np.zeros(self.n_pixel_axes) if at is None else np.asarray(at, dtype=np.float64)
        world = self.to_world(pixel)
        gone = set(axes)
        gone_world = set() if keep_world else {self.pixel_to_world_axis(a) for a in axes}
        pixel_place = _places(self.n_pixel_axes, gone)
        world_place = _places(self.n_world_axes, gone_world)
        keep: list[int] = []
        out = self.copy()
        for index in range(len(self.members)):
            for row, (p, w) in enumerate(zip(self.pixel_axes[index], self.world_axes[index], strict=True)):
                if p >= 0:
                    out.pixel_replacement[index][row] = pixel[p]
                if w >= 0:
                    out.world_replacement[index][row] = world[w]
            out.pixel_axes[index] = [pixel_place[a] if a >= 0 else -1 for a in self.pixel_axes[index]]
            out.world_axes[index] = [world_place[a] if a >= 0 else -1 for a in self.world_axes[index]]
            if any(a >= 0 for a in (*out.pixel_axes[index], *out.world_axes[index])):
                keep.append(index)
        for name in ("members", "pixel_axes", "world_axes", "pixel_replacement", "world_replacement"):
            setattr(out, name, [getattr(out, name)[k] for k in keep])
        return out

    # ---- records

    def to_record(self) -> dict[str, Any]:
        """CASA's coordinate record, as stored in an image and as ``coordsys.torecord`` gives it."""
        record: dict[str, Any] = self.observation.to_record()
        for index, member in enumerate(self.members):
            record[f"{member.record_name}{index}"] = member.to_record()
            record[f"worldmap{index}"] = np.array(self.world_axes[index], dtype=np.int32)
            record[f"worldreplace{index}"] = np.array(self.world_replacement[index], dtype=np.float64)
            record[f"pixelmap{index}"] = np.array(self.pixel_axes[index], dtype=np.int32)
            record[f"pixelreplace{index}"] = np.array(self.pixel_replacement[index], dtype=np.float64)
        return record | self.extra

    @classmethod
    def from_record(cls, record: dict[str, Any]) -> Coordinates:
        """Read CASA's coordinate record.

        Raises
        ------
        DataError
            A field of a coordinate is missing or unreadable.
        """
        found = sorted((int(m[2]), m[1], key) for key in record if (m := _MEMBER.match(key)))
        try:
            members = [_CLASSES[name].from_record(record[key]) for _, name, key in found]
        except (KeyError, TypeError, ValueError, IndexError) as error:
            raise DataError(f"the coordinate record cannot be read: {type(error).__name__} {error}") from error
        indices = [index for index, _, _ in found]

        def ints(name: str) -> list[list[int]] | None:
            if any(f"{name}{i}" not in record for i in indices):
                return None
            return [[int(a) for a in np.ravel(record[f"{name}{i}"])] for i in indices]

        def floats(name: str) -> list[Any] | None:
            if any(f"{name}{i}" not in record for i in indices):
                return None
            return [np.array(record[f"{name}{i}"], dtype=np.float64).ravel() for i in indices]

        return cls(
            members, ints("worldmap"), ints("pixelmap"), floats("worldreplace"), floats("pixelreplace"),
            ObservationInfo.from_record(record),
        )  # fmt: skip


_BLOCK = 65536  # points; of smaller ones threads wait longer for the interpreter's lock than they compute
# A function of a member, the axes that its arguments stand on, values of those that were removed, and the axes of its results; axes that follow each
# other are a slice, which saves most of the time.
_Step = tuple[Callable[..., Sequence[float]], Any, list[float], Any]


class _Plan:
    """What converts single points: looked up once, for that takes longer than the conversion.

    Attributes
    ----------
    layered : bool
        World values are to be given in other frames than the members' own.
    """

    def __init__(self, coordinates: Coordinates) -> None:
        self.members = list(coordinates.members)
        self.ids = [*map(id, self.members)]  # of what is held, so that none is given to another member
        self.layered = any(_is_layered(member) for member in self.members)
        self.world_axes = [list(a) for a in coordinates.world_axes]
        self.pixel_axes = [list(a) for a in coordinates.pixel_axes]
        self.n_world, self.n_pixel = coordinates.n_world_axes, coordinates.n_pixel_axes
        self.to_world: list[_Step] = []
        self.to_pixel: list[_Step] = []
        for index, member in enumerate(self.members):
            world, pixel = self.world_axes[index], self.pixel_axes[index]
            if max(world) >= 0:
                removed = coordinates.pixel_replacement[index].tolist()
                self.to_world.append((member.one_point[0], _run(pixel), removed, _run(world)))
            if max(pixel) >= 0:
                removed = coordinates.world_replacement[index].tolist()
                self.to_pixel.append((member.one_point[1], _run(world), removed, _run(pixel)))

    def world(self, pixel: Sequence[float]) -> list[float]:
        """World values of one pixel, in the members' own frames."""
        if len(pixel) != self.n_pixel:
            raise ParameterError(f"the coordinates have {self.n_pixel} pixel axes; got {len(pixel)} values")
        return _followed(self.to_world, pixel, self.n_world)

    def pixel(self, world: Sequence[float]) -> list[float]:
        """The pixel of world values in the members' own frames."""
        if len(world) != self.n_world:
            raise ParameterError(f"the coordinates have {self.n_world} world axes; got {len(world)} values")
        return _followed(self.to_pixel, world, self.n_pixel)


def _is_layered(member: Coordinate) -> bool:
    if not isinstance(member, (DirectionCoordinate, SpectralCoordinate)):
        return False
    target = member.conversion_frame
    return target != member.frame and (bool(target) or isinstance(member, SpectralCoordinate))


def _run(axes: list[int]) -> Any:
    """Axes as a slice where they follow each other and none was removed."""
    return slice(axes[0], axes[-1] + 1) if axes[0] >= 0 and axes == list(range(axes[0], axes[0] + len(axes))) else axes


def _followed(steps: list[_Step], given: Sequence[float], count: int) -> list[float]:
    """The results of a plan's steps."""
    out = [0.0] * count
    for function, axes, instead, targets in steps:
        if axes.__class__ is slice:
            values = function(*given[axes])
        else:
            values = function(*[given[a] if a >= 0 else v for a, v in zip(axes, instead, strict=True)])
        if targets.__class__ is slice:
            out[targets] = values
            continue
        for axis, value in zip(targets, values, strict=True):
            if axis >= 0:
                out[axis] = value
    return out


def _in_order(members: Sequence[Coordinate]) -> list[list[int]]:
    out, at = [], 0
    for member in members:
        out.append(list(range(at, at + member.naxes)))
        at += member.naxes
    return out


def _filled(given: Sequence[Any] | None, default: Sequence[Any]) -> list[np.ndarray]:
    return [np.array(v, dtype=np.float64) for v in (given if given is not None else default)]


def _locate(maps: list[list[int]], axis: int, what: str) -> tuple[int, int]:
    for index, axes in enumerate(maps):
        if axis >= 0 and axis in axes:
            return index, axes.index(axis)
    raise ParameterError(f"there is no {what} axis {axis}; the axes are {sorted(a for axes in maps for a in axes if a >= 0)}")


def _places(n: int, gone: set[int]) -> list[int]:
    out, at = [], 0
    for axis in range(n):
        out.append(-1 if axis in gone else at)
        at += axis not in gone
    return out


def _gather(flat: np.ndarray, axes: list[int], replacement: np.ndarray) -> np.ndarray:
    if axes and all(a >= 0 for a in axes) and axes == list(range(axes[0], axes[0] + len(axes))):
        return flat[axes[0] : axes[0] + len(axes)]
    return np.stack([flat[a] if a >= 0 else np.full(flat.shape[1], replacement[row]) for row, a in enumerate(axes)])
