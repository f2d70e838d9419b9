"""Which primary beam each row of the data is seen through: groups of rows that share pointings, kinds of antennas and parallactic angles."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from casatools._base.buffers import empty_array
from casatools._base.constants import SPEED_OF_LIGHT_M_S
from casatools._base.threads import over_rows
from casatools.frames.directions import Direction, convert_direction, convert_directions
from casatools.imaging.antenna_beams import AntennaBeams, antenna_beams, responses_table
from casatools.imaging.antenna_pointings import bundle_pointings, read_pointings
from casatools.imaging.antenna_responses import SkyPlace, open_responses
from casatools.imaging.visibilities import DataSource

__all__ = ["BeamGroup", "BeamGroups", "BeamOptions"]

# Pointings that differ by less than this part of the half-power width share a beam, unless other steps are asked for.
_POINTING_STEP = 0.01
_HALF_POWER = 1.02
_TURN_RAD = float(np.deg2rad(5.0))


@dataclass(frozen=True)
class BeamOptions:
    """How beams are told apart.

    Attributes
    ----------
    patterns : str
        Table of voltage patterns to take beams from.
    use_pointing : bool
        Take directions from the POINTING table rather than from the fields.
    pointing_step_rad : float
        Directions in cells of this size are taken as one; 0 for a hundredth of the beam's width.
    aperture : bool
        Take the beams that the A-projection gridders have: measured ones, with the squint between right and left hands.
    angle_step_rad : float
        Parallactic angles in steps of this size are taken as one.
    """

    patterns: str = ""
    use_pointing: bool = False
    pointing_step_rad: float = 0.0
    aperture: bool = False
    angle_step_rad: float = 2.0 * np.pi


@dataclass(frozen=True)
class BeamGroup:
    """Rows that are seen through one primary beam.

    Attributes
    ----------
    pointings : (Direction, Direction)
        Of the two antennas of a baseline.
    beams : AntennaBeams
    diameters_m : (float, float)
        Of the two antennas.
    kinds : (str, str)
        Their types, where patterns tell them apart.
    angles_rad : (float, float)
        Parallactic angles of the two antennas, for beams that turn with them.
    hand : str
        The receptor, R or L, that all rows are of; of rows of both it is told by plane.
    """

    pointings: tuple[Direction, Direction]
    beams: AntennaBeams
    diameters_m: tuple[float, float]
    kinds: tuple[str, str] = ("", "")
    angles_rad: tuple[float, float] = (0.0, 0.0)
    hand: str = ""

    def reach_rad(self, freq_hz: float) -> float:
        """Distance from its pointings beyond which the beam is zero."""
        squint = float(np.hypot(*self.beams.squint_rad("R", freq_hz, 0.0)))
        return self.beams.reach_rad(self.diameters_m, freq_hz, self.kinds) + squint

    def values(
        self,
        east: Sequence[np.ndarray],
        north: Sequence[np.ndarray],
        freq_hz: float,
        hands: tuple[str, str] = ("", ""),
        cut_hz: float = 0.0,
    ) -> np.ndarray:
        """The product of the voltage patterns of the two antennas.

        Parameters
        ----------
        east, north : sequence of ndarray (x,) and (y,) [rad]
            Offsets of the pixels from the pointings of the two antennas.
        freq_hz : float
        hands : (str, str)
            Receptors of the two antennas, R or L; only circular ones are told apart.
        cut_hz : float
            Frequency whose beam tells where it ends; `freq_hz` by default.

        Returns
        -------
        ndarray (y, x) float64
        """
        if self.beams.images:
            parts = [self._one(k, east[k], north[k], freq_hz, cut_hz) for k in range(2)]
            return np.sqrt(parts[0] * parts[1])
        seen = (self.hand,) * 2 if self.hand else hands
        squints = [self.beams.squint_rad(hand, freq_hz, angle) for hand, angle in zip(seen, self.angles_rad, strict=True)]
        radii = [
            _distances(east[k] - squints[k][0], north[k] - squints[k][1])
            for k in range(1 if self.pointings[0] == self.pointings[1] and squints[0] == squints[1] else 2)
        ]
        if len(radii) == 1:
            return self.beams.power(self.diameters_m, radii[0], freq_hz, self.kinds, cut_hz)
        parts = [self.beams.power((self.diameters_m[k],) * 2, radii[k], freq_hz, (self.kinds[k],) * 2, cut_hz) for k in (0, 1)]
        return np.sqrt(parts[0] * parts[1])

    def _one(self, k: int, east: np.ndarray, north: np.ndarray, freq_hz: float, cut_hz: float) -> np.ndarray:
        """The power pattern (y, x) of one of the two antennas, where patterns are images."""
        image = self.beams.image(self.kinds[k])
        if image is not None:
            return image.values(east, north, freq_hz, self.angles_rad[k])
        return self.beams.power((self.diameters_m[k],) * 2, _distances(east, north), freq_hz, (self.kinds[k],) * 2, cut_hz)


def _distances(east: np.ndarray, north: np.ndarray) -> np.ndarray:
    """Distances (y, x) of the pixels from a place."""
    out = empty_array((len(north), len(east)), np.float64)

    def rows(a: int, b: int) -> None:
        np.add((north[a:b] ** 2)[:, None], (east**2)[None, :], out=out[a:b])
        np.sqrt(out[a:b], out=out[a:b])

    over_rows(rows, len(out), 1 + 100_000 // len(east))
    return out


class BeamGroups:
    """The groups of all data sources of a run.

    Parameters
    ----------
    sources : sequence of DataSource
    frame : str
        Direction frame of the image, which pointings are converted to.
    options : BeamOptions
    """

    def __init__(self, sources: Sequence[DataSource], frame: str, options: BeamOptions | None = None) -> None:
        self.groups: list[BeamGroup] = []
        self._numbers: dict[tuple[object, ...], int] = {}
        self._sources: dict[int, _SourceBeams] = {}
        for source in sources:
            self._sources[source.number] = _SourceBeams(source, frame, options or BeamOptions())

    @property
    def is_squinted(self) -> bool:
        """Whether the two hands of circular feeds have beams of their own."""
        return any(own.beams.is_squinted and own.circular for own in self._sources.values())

    def rows(
        self, source: int, field_id: np.ndarray, antenna1: np.ndarray, antenna2: np.ndarray, time_s: np.ndarray, hand: str = ""
    ) -> np.ndarray:
        """The group (row,) int32 of each row of a data source; of one hand's samples where it is named."""
        own = self._sources[source]
        keys = own.keys(field_id, antenna1, antenna2, time_s)
        # As one number each, which sorts much faster than rows do.
        size = tuple(keys.max(axis=1) + 1)
        found, inverse = np.unique(np.ravel_multi_index(tuple(keys), size), return_inverse=True)
        distinct = np.stack(np.unravel_index(found, size), axis=1)
        numbers = np.array([self._number(own.group(tuple(key), hand)) for key in distinct.tolist()], dtype=np.int32)
        return numbers[inverse.reshape(-1)]

    def _number(self, group: BeamGroup) -> int:
        places = tuple((round(p.lon_rad, 10), round(p.lat_rad, 10)) for p in group.pointings)
        angles = tuple(round(angle, 9) for angle in group.angles_rad)
        return self.register(
            (places, group.beams.telescope, group.beams.tag, group.diameters_m, group.kinds, angles, group.hand), group
        )

    def register(self, name: tuple[object, ...], group: BeamGroup) -> int:
        """The number of a group, a new one where its name is new."""
        if name not in self._numbers:
            self._numbers[name] = len(self.groups)
            self.groups.append(group)
        return self._numbers[name]

    def named(self) -> dict[int, tuple[tuple[object, ...], BeamGroup]]:
        """Names, which are those of the other ranks of an MPI job too, and groups by their numbers."""
        return {number: (name, self.groups[number]) for name, number in self._numbers.items()}


class _SourceBeams:
    """Pointings, antennas and parallactic angles of one data source, numbered."""

    def __init__(self, source: DataSource, frame: str, options: BeamOptions) -> None:
        self.options = options
        self.beams = antenna_beams(source.beam_telescope, options.patterns, options.aperture)
        self.circular = any(c in (5, 6, 7, 8) for c in source.correlation_codes(int(source.ddids[0])))
        antennas = source.ms.metadata.antennas
        usual = float(np.median([a.diameter_m for a in antennas if a.diameter_m > 0] or [25.0]))
        own = [source.beam_dish_m or (round(a.diameter_m, 2) if a.diameter_m > 0 else usual) for a in antennas]
        described = [(size, self.beams.kind(a.name)) for size, a in zip(own, antennas, strict=True)]
        self._kinds = sorted(set(described))
        self._kind = np.array([self._kinds.index(d) for d in described], dtype=np.int64)
        self._times = source.times_s
        self._fields(source, frame)
        self._pointed: np.ndarray | None = None
        if options.use_pointing:
            self._pointings(source, frame, options)
        self._angles(source, frame, options.angle_step_rad)
        self._views(source)

    def _fields(self, source: DataSource, frame: str) -> None:
        """Directions of the fields, for rows whose antennas have no other."""
        self.directions: list[Direction] = []
        self._place = np.full(len(source.ms.metadata.fields), -1, dtype=np.int64)
        for number in source.field_ids.tolist():
            there = convert_direction(source.field_direction(number), frame, float(self._times[0]), source.position_m)
            if there not in self.directions:
                self.directions.append(there)
            self._place[number] = self.directions.index(there)

    def _pointings(self, source: DataSource, frame: str, options: BeamOptions) -> None:
        lon, lat = read_pointings(source, frame)
        step = options.pointing_step_rad
        if not step:
            highest = max(float(source.channels(int(d))[0].max()) for d in source.ddids)
            step = _POINTING_STEP * _HALF_POWER * SPEED_OF_LIGHT_M_S / highest / max(size for size, _ in self._kinds)
        numbers, directions = bundle_pointings(lon, lat, self.directions[0], step)
        self._pointed = np.where(numbers >= 0, numbers + len(self.directions), -1)
        self.directions += directions

    def _angles(self, source: DataSource, frame: str, step_rad: float) -> None:
        """Angles of beams from the north of the image's frame in steps about their mean; the angle of a step is the mean of its own.

        Antennas of other mounts, and far ones, have angles of their own.
        """
        turns = (self.beams.is_squinted and self.circular) or self.beams.turns
        owners = source.mounts() if turns else [("", (0.0, 0.0, 0.0))] * len(source.ms.metadata.antennas)
        mounts = sorted(set(owners))
        self._mount = np.array([mounts.index(owner) for owner in owners], dtype=np.int64)
        self._turn = np.zeros((len(mounts), len(self._place), len(self._times)), dtype=np.int64)
        self.angles = [] if turns else [0.0]
        # Images of patterns are turned in steps of their own where none were asked for.
        step_rad = min(step_rad, _TURN_RAD) if self.beams.turns else step_rad
        fields = source.field_ids.tolist()
        for number, mount in enumerate(mounts if turns else ()):
            angle = np.array([source.beam_angle(source.field_direction(f), frame, self._times, mount) for f in fields])
            middle = np.angle(np.exp(1j * angle).sum())
            away = np.angle(np.exp(1j * (angle - middle)))
            steps = np.rint(away / step_rad).astype(np.int64) if step_rad < 2.0 * np.pi else np.zeros(away.shape, np.int64)
            values, inverse = np.unique(steps, return_inverse=True)
            inverse = inverse.reshape(steps.shape)
            self._turn[number, fields] = inverse + len(self.angles)
            self.angles += [float(middle + away[inverse == k].mean()) for k in range(len(values))]

    def _views(self, source: DataSource) -> None:
        """Beams and angle of each step; antenna responses that hold at some places on the sky only make steps of their own."""
        self.views = [(self.beams, angle) for angle in self.angles]
        table = responses_table(source.beam_telescope, self.options.patterns)
        if not table:
            return
        fields = source.field_ids.tolist()
        places = [
            convert_directions(d.lon_rad, d.lat_rad, d.frame, "AZEL", source.utc_s(self._times), source.position_m)
            for d in map(source.field_direction, fields)
        ]
        shape = (len(self._turn), len(fields), len(self._times))
        az, el = (np.broadcast_to([p[k] for p in places], shape) for k in (0, 1))
        times = np.broadcast_to(self._times, shape)
        flags = open_responses(table, source.beam_telescope).flags(times, az, el)
        steps = np.concatenate([flags.reshape(len(flags), -1), self._turn[:, fields].reshape(1, -1)])
        distinct, first, inverse = np.unique(steps, axis=1, return_index=True, return_inverse=True)
        self.views = [
            (
                antenna_beams(source.beam_telescope, self.options.patterns, self.options.aperture, SkyPlace(*(float(v.ravel()[at]) for v in (times, az, el)))),
                self.angles[int(step)],
            )
            for step, at in zip(distinct[-1], first, strict=True)
        ]  # fmt: skip
        self._turn[:, fields] = inverse.reshape(shape)

    def keys(self, field_id: np.ndarray, antenna1: np.ndarray, antenna2: np.ndarray, time_s: np.ndarray) -> np.ndarray:
        """Pointing, kind and step of the angle of both antennas: ndarray (6, row) int64."""
        field, at = np.asarray(field_id), np.searchsorted(self._times, time_s)
        keys = np.empty((2, 3, len(field)), dtype=np.int64)
        for key, antenna in zip(keys, (np.asarray(antenna1), np.asarray(antenna2)), strict=True):
            key[0] = self._place[field]
            if self._pointed is not None:
                own = self._pointed[antenna, at]
                key[0] = np.where(own >= 0, own, key[0])
            key[1] = self._kind[antenna]
            key[2] = self._turn[self._mount[antenna], field, at]
        if not (self.beams.is_squinted and self.circular):
            # The beam of a pair is the same in either order.
            (place1, kind1, turn1), (place2, kind2, turn2) = keys
            later = (kind1 > kind2) | ((kind1 == kind2) & (turn1 > turn2))
            swap = (place1 > place2) | ((place1 == place2) & later)
            keys[:, :, swap] = keys[::-1, :, swap]
        return keys.reshape(6, -1)

    def group(self, key: tuple[int, ...], hand: str = "") -> BeamGroup:
        """What a row of `keys` stands for."""
        first, second = self._kinds[key[1]], self._kinds[key[4]]
        beams, angle = self.views[key[2]]
        return BeamGroup(
            (self.directions[key[0]], self.directions[key[3]]), beams, (first[0], second[0]), (first[1], second[1]),
            (angle, self.views[key[5]][1]), hand,
        )  # fmt: skip
