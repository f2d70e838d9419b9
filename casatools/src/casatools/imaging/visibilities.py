"""Visibilities as the imager uses them: Stokes or correlation planes with weights, read from MeasurementSets in a stream.

Conventions: ``V = sum I exp(+2 pi i (u l + v m + w (n - 1)))`` with uvw as the MeasurementSet stores them. Flagged samples have weight zero.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Protocol

import numpy as np

from casatools._base.constants import SPEED_OF_LIGHT_M_S
from casatools._base.errors import DataError, ParameterError, SelectionError
from casatools._base.memory import chunk_bytes
from casatools._base.threads import over_rows
from casatools.frames.directions import Direction, convert_direction, frame_turn
from casatools.frames.epochs import utc_seconds
from casatools.frames.frequencies import doppler_factor
from casatools.frames.observatories import Position, observatory_position
from casatools.frames.parallactic import feed_angles
from casatools.imaging.antenna_responses import SkyPlace
from casatools.imaging.frequency_grid import SpectralAxis
from casatools.imaging.tracking import Track, source_frame_factor
from casatools.io.ms import MeasurementSet, ResolvedSelection, Selection, VisChunk, iter_chunks
from casatools.io.ms.metadata import Field
from casatools.kernels.spectral_regrid import interpolate_channels, nearest_channels
from casatools.kernels.stokes_planes import mix_correlations
from casatools.transform.field_directions import phase_centres
from casatools.transform.moving_sources import moving_factor
from casatools.transform.near_field import near_field_path

if TYPE_CHECKING:
    from casatools.calibration.predict_sky import SkyModel
    from casatools.calibration.virtual_models import VirtualColumn

__all__ = ["DataSource", "RowGroups", "VisibilityBlock", "onto_axis", "open_sources", "rotate_phase_centre", "stokes_planes"]

# Chunks are small: what is made of them is kept, and they would count towards the greatest memory.
_CHUNK_BYTES = 16 * 1024 * 1024
# Another thread is worth its start, for which it waits until the reading one leaves the interpreter, from so many samples on.
_FEW_SAMPLES = 500_000
# Antennas nearer to the array's place than this see the zenith where the array does, to half a degree.
_NEAR_M = 5e4
# Order of the polynomial of each interpolation between channels.
_ORDERS = {"nearest": 0, "linear": 1, "cubic": 3}
# Correlation codes of the MeasurementSet (Kemball & Wieringa, AIPS++ Note 229).
_CIRCULAR = {"RR": 5, "RL": 6, "LR": 7, "LL": 8}
_LINEAR = {"XX": 9, "XY": 10, "YX": 11, "YY": 12}
# Each Stokes parameter as correlations times factors (Hamaker & Bregman 1996, A&AS 117, 161).
_FROM_CIRCULAR: dict[str, dict[str, complex]] = {
    "I": {"RR": 0.5, "LL": 0.5}, "Q": {"RL": 0.5, "LR": 0.5}, "U": {"RL": -0.5j, "LR": 0.5j}, "V": {"RR": 0.5, "LL": -0.5},
}  # fmt: skip
_FROM_LINEAR: dict[str, dict[str, complex]] = {
    "I": {"XX": 0.5, "YY": 0.5}, "Q": {"XX": 0.5, "YY": -0.5}, "U": {"XY": 0.5, "YX": 0.5}, "V": {"XY": -0.5j, "YX": 0.5j},
}  # fmt: skip
_ALLOWED = ("I", "Q", "U", "V", "IV", "QU", "IQ", "UV", "IQUV", "RR", "LL", "XX", "YY", "RRLL", "XXYY", "pseudoI")


@dataclass
class VisibilityBlock:
    """Visibilities of some rows, ready for gridding.

    Attributes
    ----------
    uvw_m : ndarray (row, 3) float64 [m]
    freq_hz : ndarray (chan,) float64 [Hz]
        Frequencies that uvw are scaled by.
    vis : ndarray (pol, row, chan) complex64 [Jy]
    weight : ndarray (row, chan) float32
    source : int
        Number of the data source.
    rows : ndarray (row,) int64
        Rows of the MeasurementSet.
    ddid : int
    cross : ndarray (row,) bool, optional
        False for autocorrelations: CASA counts them in the density of uv samples but does not grid them, and so do we.
    group : ndarray (row,) int32, optional
        Which primary beam each row is seen through: a number of the run's `beam_groups.BeamGroups`.
    fields : ndarray (row,) int32, optional
        FIELD_ID of each row, where there are groups.
    first : int
        Channel of the image that the first channel goes into, for cubes.
    """

    uvw_m: np.ndarray
    freq_hz: np.ndarray
    vis: np.ndarray
    weight: np.ndarray
    source: int = 0
    rows: np.ndarray = field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    ddid: int = 0
    cross: np.ndarray | None = None
    group: np.ndarray | None = None
    fields: np.ndarray | None = None
    first: int = 0
    _parts: list[tuple[int, slice | np.ndarray]] | None = field(default=None, init=False, repr=False, compare=False)

    def group_rows(self) -> list[tuple[int, slice | np.ndarray]]:
        """The groups of the block and their rows, as a range where they follow each other."""
        if self._parts is None:
            self._parts = [] if self.group is None else [(int(k), _run(self.group == k)) for k in np.unique(self.group)]
        return self._parts

    @property
    def nbytes(self) -> int:
        """Memory taken."""
        return self.vis.nbytes + self.weight.nbytes + self.uvw_m.nbytes


def _run(chosen: np.ndarray) -> slice | np.ndarray:
    """Numbers of the rows that are chosen; a range when they follow each other."""
    rows = np.flatnonzero(chosen)
    return slice(int(rows[0]), int(rows[-1]) + 1) if rows[-1] - rows[0] + 1 == len(rows) else rows


def stokes_planes(stokes: str, codes: Sequence[int]) -> list[tuple[str, dict[int, complex]]]:
    """The image planes of a Stokes request as sums over correlations.

    Parameters
    ----------
    stokes : str
        Such as ``I``, ``IQUV``, ``RRLL``.
    codes : sequence of int
        Correlation types of the data.

    Returns
    -------
    list of (str, {correlation index: factor})

    Raises
    ------
    ParameterError
        The request is unknown, or the data lack the correlations it needs.
    """
    if stokes not in _ALLOWED:
        raise ParameterError(f"tclean: parameter 'stokes' must be one of {', '.join(_ALLOWED)}; got {stokes!r}")
    circular = any(c in _CIRCULAR.values() for c in codes)
    names: dict[str, int] = _CIRCULAR if circular else _LINEAR
    parts: dict[str, dict[str, complex]] = _FROM_CIRCULAR if circular else _FROM_LINEAR
    labels = (
        ["I"]
        if stokes == "pseudoI"
        else [stokes[k : k + 2] for k in range(0, len(stokes), 2)]
        if stokes[0] in "RLXY"
        else list(stokes)
    )
    planes = []
    for label in labels:
        wanted: dict[str, complex] = parts.get(label, {label: 1.0})
        if any(n not in names for n in wanted):
            raise ParameterError(
                f"stokes={stokes!r} asks for {label}, which data with {'circular' if circular else 'linear'} feeds do not have"
            )
        missing = [n for n in wanted if names[n] not in codes]
        if missing and label == "I" and len(missing) == 1:
            # One parallel hand alone stands for Stokes I of an unpolarized source.
            wanted = {n: 1.0 for n in wanted if n not in missing}
            missing = []
        if missing:
            raise ParameterError(f"stokes={stokes!r} needs the correlations {', '.join(missing)}, which the data do not have")
        planes.append((label, {list(codes).index(names[n]): complex(f) for n, f in wanted.items()}))
    return planes


def rotate_phase_centre(uvw_m: np.ndarray, source: Direction, target: Direction) -> tuple[np.ndarray, np.ndarray]:
    """uvw for another phase centre, and the path difference between the two.

    Parameters
    ----------
    uvw_m : ndarray (row, 3) float64 [m]
    source, target : Direction
        Both in one frame.

    Returns
    -------
    uvw_m : ndarray (row, 3)
    shift_m : ndarray (row,)
        New w less old w: data are to be multiplied by ``exp(-2 pi i f / c * shift)``.
    """

    def axes(d: Direction) -> np.ndarray:
        sl, cl, sb, cb = np.sin(d.lon_rad), np.cos(d.lon_rad), np.sin(d.lat_rad), np.cos(d.lat_rad)
        return np.array([[-sl, cl, 0.0], [-sb * cl, -sb * sl, cb], [cb * cl, cb * sl, sb]])

    new = uvw_m @ (axes(source) @ axes(target).T)
    return np.ascontiguousarray(new), new[:, 2] - uvw_m[:, 2]


Room = Callable[[int, int, int, int], tuple[np.ndarray, np.ndarray, int]]
"""Given a data description and the numbers of planes, rows and channels: visibilities and weights to fill from a row on."""


class RowGroups(Protocol):
    """Tells which primary beam rows are seen through."""

    def rows(
        self, source: int, field_id: np.ndarray, antenna1: np.ndarray, antenna2: np.ndarray, time_s: np.ndarray, hand: str = ""
    ) -> np.ndarray:
        """Numbers (row,) int32 for the rows of a data source; of one hand's samples where it is named."""
        ...


class DataSource:
    """One MeasurementSet and what is selected of it for imaging.

    Parameters
    ----------
    path : str
    selection : Selection
    datacolumn : str
        ``data``, ``corrected`` or ``model``; corrected falls back to data where it is missing, a model may be recipes.
    ms : MeasurementSet, optional
        Open already; it is closed by who opened it, also where this raises.
    """

    def __init__(
        self,
        path: str,
        selection: Selection,
        datacolumn: str,
        number: int = 0,
        writable: bool = False,
        ms: MeasurementSet | None = None,
    ) -> None:
        self.ms = ms or MeasurementSet(path, writable=writable)
        self.number = number
        self.fell_back = False
        try:
            self.recipes: VirtualColumn | None = None
            self.column = self._column(datacolumn)
            self.resolved: ResolvedSelection = selection.resolve(self.ms)
            rows = self.resolved.rows
            self._require_rows(rows)
            self.times_s = np.unique(self.ms.read("TIME", self.resolved.rows))
            self.ddids = np.unique(self.ms.read("DATA_DESC_ID", self.resolved.rows))
            self.field_ids = np.unique(self.ms.read("FIELD_ID", self.resolved.rows))
        except BaseException:
            if ms is None:
                self.ms.close()
            raise
        metadata = self.ms.metadata
        self.telescope = metadata.observations[0].telescope_name if metadata.observations else ""
        self._position: np.ndarray | None = None
        # Whose primary beams are taken, and how far the source is: another telescope's and near where somebody says so.
        self.beam_telescope = self.telescope
        # Diameter of all antennas, where they are not those of the data; 0 for their own.
        self.beam_dish_m = 0.0
        self.distance_m = 0.0
        self.groups: RowGroups | None = None
        # Receptors whose samples are rows of their own, each Stokes I seen through its own beam; none where they are put together.
        self.hands: tuple[str, ...] = ()
        self.track: Track | None = None
        # Where frequencies are converted towards: the image's centre once it is known, else the first field.
        self.toward: Direction | None = None
        # Components that are taken away from the data as they are read.
        self.less: SkyModel | None = None
        # What the data are multiplied with, or are where they stand for a point of 1 Jy in the middle of the image.
        self.factor = 1.0 + 0.0j
        self.is_unit = False

    def _require_rows(self, rows: np.ndarray) -> None:
        if not np.any(self.ms.read("ANTENNA1", rows) != self.ms.read("ANTENNA2", rows)):
            raise SelectionError(f"the selection on {self.ms.path!r} holds no cross-correlations")

    def _column(self, wanted: str) -> str:
        names = {"data": "DATA", "corrected": "CORRECTED_DATA", "model": "MODEL_DATA"}
        # Scripts leave it empty for the default, which CASA takes too.
        column = names.get(wanted.strip().lower() or "corrected", "")
        if not column:
            raise ParameterError(f"tclean: parameter 'datacolumn' must be one of {', '.join(names)}; got {wanted!r}")
        if column == "CORRECTED_DATA" and not self.ms.has(column):
            self.fell_back = True
            column = "DATA"
        if column == "MODEL_DATA":
            from casatools.calibration.virtual_models import VirtualColumn

            self.recipes = VirtualColumn(self.ms) or None
            if self.recipes is not None:
                return column
        self.ms.require(column)
        return column

    @property
    def position_m(self) -> np.ndarray:
        """ITRF position of the observatory, of the first antenna when its name is unknown."""
        if self._position is None:
            try:
                self._position = observatory_position(self.telescope).itrf_m
            except ParameterError:
                self._position = np.asarray(self.ms.metadata.antennas[0].position_m)
        return self._position

    @position_m.setter
    def position_m(self, value: np.ndarray) -> None:
        self._position = value

    def utc_s(self, times_s: float | np.ndarray) -> np.ndarray:
        """Times [s] of the data's scale in UTC."""
        return utc_seconds(times_s, self.ms.time_frame)

    def field_direction(self, field_id: int) -> Direction:
        """Phase direction of a field; of one with an ephemeris at the first time that is selected."""
        return self._direction_at(self.ms.metadata.fields[field_id], float(self.times_s[0]))

    def _direction_at(self, found: Field, time_s: float) -> Direction:
        """Phase direction of a field at a time."""
        if found.ephemeris_id >= 0:
            lons, lats, frame = phase_centres(self.ms, found, np.array([time_s]))
            return Direction(float(lons[0]), float(lats[0]), frame)
        lon, lat = (float(v) for v in np.ravel(found.phase_dir[0])[:2])
        return Direction(lon, lat, found.phase_frame)

    def correlation_codes(self, ddid: int) -> list[int]:
        """Correlation types of a data description."""
        description = self.ms.metadata.data_descriptions[ddid]
        return [int(c) for c in self.ms.metadata.polarizations[description.pol].corr_type]

    def all_channels(self, ddid: int) -> tuple[np.ndarray, np.ndarray]:
        """Centres and widths [Hz] of all channels of a data description, selected or not."""
        window = self.ms.metadata.spectral_windows[self.ms.metadata.data_descriptions[ddid].spw]
        return np.asarray(window.chan_freq_hz), np.abs(np.asarray(window.chan_width_hz))

    def channels(self, ddid: int) -> tuple[np.ndarray, np.ndarray, str]:
        """Centres [Hz], widths [Hz] and frame of the selected channels of a data description."""
        spw = self.ms.metadata.data_descriptions[ddid].spw
        window = self.ms.metadata.spectral_windows[spw]
        chosen = self.resolved.channels.get(spw)
        pick = slice(None) if chosen is None else chosen
        return np.asarray(window.chan_freq_hz)[pick], np.abs(np.asarray(window.chan_width_hz)[pick]), str(window.frame)

    def field_times(self) -> dict[int, tuple[float, float]]:
        """The first and the last time at which each selected field is observed."""
        rows = self.resolved.rows
        numbers, times = self.ms.read("FIELD_ID", rows), self.ms.read("TIME", rows)
        return {int(n): (float(times[numbers == n].min()), float(times[numbers == n].max())) for n in self.field_ids}

    def row_factors(self, ddid: int, frame: str, times_s: np.ndarray, field_id: np.ndarray) -> np.ndarray:
        """Doppler factors of rows, each towards the field that it is of."""
        out = np.empty(len(times_s))
        for number in np.unique(field_id).tolist():
            rows = np.flatnonzero(field_id == number)
            out[rows] = self.factors(ddid, frame, times_s[rows], int(number))
        return out

    def factors(self, ddid: int, frame: str, times_s: np.ndarray, field_id: int | None = None) -> np.ndarray:
        """Doppler factors from the frame of the data to that of the image at some times.

        They are towards the image's centre, or towards a field; frame SOURCE is that of a moving source.
        """
        source = self.channels(ddid)[2]
        if not frame or source == frame or source in ("REST", "Undefined", ""):
            return np.ones(len(times_s))
        distinct, inverse = np.unique(times_s, return_inverse=True)
        first = self.ms.metadata.fields[int(self.field_ids[0])]
        if frame == "SOURCE":
            position = Position(*(float(v) for v in self.position_m))
            found = source_frame_factor(self.ms, source, int(self.field_ids[0]), self.track, position)
            return np.asarray(found(distinct))[inverse.reshape(-1)]
        if first.ephemeris_id >= 0:
            position = Position(*(float(v) for v in self.position_m))
            return np.asarray(moving_factor(self.ms, source, frame, first, position)(distinct))[inverse.reshape(-1)]
        if field_id is not None:
            direction = self.field_direction(field_id)
        else:
            direction = self.toward or self.field_direction(int(self.field_ids[0]))
        return doppler_factor(source, frame, self.utc_s(distinct), direction, self.position_m)[inverse.reshape(-1)]

    def narrowed(self, axis: SpectralAxis) -> DataSource | None:
        """The same data with just the channels that some channels of a cube are made of; None when there are none."""
        low, high = float(axis.frequencies_hz.min()), float(axis.frequencies_hz.max())
        channels, ddids = dict(self.resolved.channels), []
        for ddid in self.ddids.tolist():
            hz, width, _ = self.channels(ddid)
            factor = self.factors(ddid, axis.frame, self.times_s)
            # Half a channel of the image, and the neighbours that an interpolation looks at.
            reach = 0.5 * abs(axis.width_hz) + 3.0 * float(width.max()) * float(factor.max())
            kept = np.flatnonzero((hz * factor.max() >= low - reach) & (hz * factor.min() <= high + reach))
            if len(kept):
                spw = self.ms.metadata.data_descriptions[ddid].spw
                chosen = self.resolved.channels.get(spw)
                channels[spw] = kept if chosen is None else np.asarray(chosen)[kept]
                ddids.append(ddid)
        if not ddids:
            return None
        rows = self.resolved.rows
        if len(ddids) < len(self.ddids):
            rows = rows[np.isin(self.ms.read("DATA_DESC_ID", rows), ddids)]
        part = copy.copy(self)
        part.ddids = np.array(ddids)
        part.resolved = replace(self.resolved, rows=rows, channels=channels)
        return part

    def rows_part(self, number: int, count: int) -> DataSource:
        """The same data with one of so many parts of the rows."""
        part = copy.copy(self)
        part.resolved = replace(self.resolved, rows=np.array_split(self.resolved.rows, count)[number])
        return part

    def rows_of(self) -> dict[int, int]:
        """How many rows are selected of each data description; as many for each of `hands`."""
        each = max(1, len(self.hands))
        if len(self.ddids) == 1:
            return {int(self.ddids[0]): each * len(self.resolved.rows)}
        numbers, counts = np.unique(self.ms.read("DATA_DESC_ID", self.resolved.rows), return_counts=True)
        return dict(zip(numbers.tolist(), (each * counts).tolist(), strict=True))

    def iter_blocks(
        self,
        planes: Sequence[tuple[str, dict[int, complex]]],
        centre: Direction,
        axis: SpectralAxis | None,
        interpolation: str,
        pseudo: bool = False,
        room: Room | None = None,
    ) -> Iterator[VisibilityBlock]:
        """Stream the selected data.

        Parameters
        ----------
        planes
            From `stokes_planes`.
        centre : Direction
            Phase centre of the image.
        axis : SpectralAxis, optional
            Channels of a cube to put the data on; native channels when not given.
        interpolation : str
            nearest or linear.
        pseudo : bool
            Stokes I from whichever parallel hand is good.
        room : callable, optional
            Gives arrays that planes on native channels are made in.

        Yields
        ------
        VisibilityBlock
        """
        weights = "WEIGHT_SPECTRUM" if self.ms.has("WEIGHT_SPECTRUM") else "WEIGHT"
        columns = [self.column, "FLAG", "FLAG_ROW", weights, "UVW", "TIME", "FIELD_ID", "ANTENNA1", "ANTENNA2"]
        made: list[str] = []
        if self.recipes is not None:
            made = [] if self.ms.has(self.column) else [columns.pop(0)]
            columns += [name for name in self.recipes.columns if name not in columns]
        size, straight = min(_CHUNK_BYTES, chunk_bytes()), not self.ms.writable
        for chunk in iter_chunks(self.ms, self.resolved, columns, chunk_bytes=size, made=made, straight=straight):
            if self.recipes is not None:
                self.recipes.add_model(chunk)
            if self.less is not None:
                from casatools.calibration.predict_sky import chunk_model

                chunk.columns[self.column] = chunk[self.column] - chunk_model(self.ms, chunk, self.less)
            for hand in self.hands or ("",):
                yield self._block(chunk, weights, planes, centre, axis, interpolation, pseudo, room, hand)

    def _block(
        self,
        chunk: VisChunk,
        weights: str,
        planes: Sequence[tuple[str, dict[int, complex]]],
        centre: Direction,
        axis: SpectralAxis | None,
        interpolation: str,
        pseudo: bool,
        room: Room | None,
        hand: str,
    ) -> VisibilityBlock:
        """The block of a chunk, of one hand's samples where it is named."""
        there = room(chunk.ddid, len(planes), *chunk[self.column].shape[:2]) if room is not None and axis is None else None
        codes = self.correlation_codes(chunk.ddid)
        number = self.hands.index(hand) if hand else None
        vis, weight = _planes_of(chunk, self.column, weights, planes, pseudo, codes, there, number)
        uvw = np.asarray(chunk["UVW"], dtype=np.float64)
        if hand:
            # They are moved in place, for each hand once.
            uvw = uvw.copy()
        lost = np.logical_not(np.isfinite(uvw).all(axis=1))
        if lost.any():
            uvw = np.where(lost.reshape(-1, 1), 0.0, uvw)
            weight[lost] = 0.0
        freq = self.channels(chunk.ddid)[0]
        if self.distance_m:
            self._refocus(vis, chunk, freq, centre)
        uvw = self._recentre(uvw, vis, chunk["FIELD_ID"], chunk["TIME"], freq, centre)
        if self.is_unit:
            vis[...] = self.factor
        elif self.factor != 1.0:
            vis *= np.complex64(self.factor)
        if axis is not None:
            # The axis of the image is made towards its centre, rows are put on it towards their own field, as in CASA.
            factor = self.row_factors(chunk.ddid, axis.frame, chunk["TIME"], chunk["FIELD_ID"])
            vis, weight = onto_axis(vis, weight, freq, self.channels(chunk.ddid)[1], factor, axis, interpolation)
            freq = axis.frequencies_hz  # uvw are scaled by frequencies in the frame of the image, as in the reference
        cross = chunk["ANTENNA1"] != chunk["ANTENNA2"]
        group, fields = None, None
        if self.groups is not None:
            fields = chunk["FIELD_ID"]
            group = self.groups.rows(self.number, fields, chunk["ANTENNA1"], chunk["ANTENNA2"], chunk["TIME"], hand)
        return VisibilityBlock(
            np.ascontiguousarray(uvw),
            freq,
            vis,
            weight,
            self.number,
            chunk.rows,
            chunk.ddid,
            None if cross.all() else cross,
            group,
            fields,
        )

    def _refocus(self, vis: np.ndarray, chunk: VisChunk, freq: np.ndarray, centre: Direction) -> None:
        """Take the curvature of the waves of a near source in the image's centre out of the data; `vis` is changed in place."""
        there = convert_direction(centre, "J2000", float(self.utc_s(chunk["TIME"][0])), self.position_m)
        extra = near_field_path(self.ms, chunk["ANTENNA1"], chunk["ANTENNA2"], chunk["TIME"], [there], self.distance_m)
        vis *= np.exp((-2j * np.pi / SPEED_OF_LIGHT_M_S) * np.multiply.outer(extra, freq)).astype(np.complex64)

    def _recentre(
        self, uvw: np.ndarray, vis: np.ndarray, field_id: np.ndarray, times_s: np.ndarray, freq: np.ndarray, centre: Direction
    ) -> np.ndarray:
        """Move the data to the phase centre of the image, from where a moving field is at each time; `vis` is changed in place."""
        for rows, own, target, turn in self.phase_rows(field_id, times_s, centre):
            if turn is not None:
                uvw[rows] = uvw[rows] @ turn.T
            if np.hypot((own.lon_rad - target.lon_rad) * np.cos(target.lat_rad), own.lat_rad - target.lat_rad) < 1e-10:
                continue
            moved, shift = rotate_phase_centre(uvw[rows], own, target)
            uvw[rows] = moved
            phasor = np.exp(-2j * np.pi * shift[:, None] * (freq / SPEED_OF_LIGHT_M_S)[None, :]).astype(np.complex64)
            vis[:, rows] *= phasor[None]
        return uvw

    def phase_rows(
        self, field_id: np.ndarray, times_s: np.ndarray, centre: Direction
    ) -> Iterator[tuple[np.ndarray, Direction, Direction, np.ndarray | None]]:
        """Rows that have one phase direction, it, where the image's centre is then, and the turn of their uvw to the north of the image's frame.

        They are those of a field, or of a time where either direction moves; the turn is None where frames are the same.

        Parameters
        ----------
        field_id, times_s : ndarray (row,)
        centre : Direction
            Of the image at the first time; both directions come in its frame.
        """
        first = float(self.times_s[0])
        for number in np.unique(field_id):
            found = self.ms.metadata.fields[int(number)]
            rows = np.flatnonzero(field_id == number)
            if found.ephemeris_id < 0 and self.track is None:
                own, turn = self._turned(self.field_direction(int(number)), centre.frame, first)
                yield rows, own, centre, turn
                continue
            order = rows[np.argsort(times_s[rows], kind="stable")]
            for part in np.split(order, np.flatnonzero(np.diff(times_s[order])) + 1):
                time = float(times_s[part[0]])
                own, turn = self._turned(self._direction_at(found, time), centre.frame, first)
                yield part, own, self.centre_at(time, centre), turn

    def mounts(self) -> list[tuple[str, tuple[float, float, float]]]:
        """Mount and place [m] of each antenna, as far as beams turn by them: one place stands for all antennas near the array's."""
        here = np.asarray(self.position_m, dtype=np.float64)
        found = []
        for antenna in self.ms.metadata.antennas:
            own = np.asarray(antenna.position_m, dtype=np.float64)
            # Antennas that are not there have no place.
            is_far = np.linalg.norm(own - here) > _NEAR_M and np.linalg.norm(own) > _NEAR_M
            x, y, z = (float(v) for v in (own if is_far else here))
            found.append((str(antenna.mount), (x, y, z)))
        return found

    def beam_angle(
        self, direction: Direction, frame: str, times_s: np.ndarray, mount: tuple[str, tuple[float, float, float]]
    ) -> np.ndarray:
        """Angles [rad] (time,) that one of `mounts` turns beams by from the north of a frame: those of the zenith where it is alt-azimuth."""
        turn = self._turned(direction, frame, float(self.times_s[0]))[1]
        twist = 0.0 if turn is None else float(np.arctan2(turn[0, 1], turn[0, 0]))
        return feed_angles(self.utc_s(times_s), direction, np.reshape(mount[1], (1, 3)), [mount[0]])[:, 0] + twist

    def sky_place(self, direction: Direction, time_s: float) -> SkyPlace:
        """When and where antennas look that see a direction."""
        there = convert_direction(direction, "AZEL", float(self.utc_s(time_s)), self.position_m)
        return SkyPlace(time_s, there.lon_rad, there.lat_rad)

    def _turned(self, own: Direction, frame: str, epoch_s: float) -> tuple[Direction, np.ndarray | None]:
        """A direction in the frame of the image, and the turn of uvw that goes with it."""
        if own.frame == frame:
            return own, None
        return frame_turn(own, frame, epoch_s, self.position_m)

    def centre_at(self, time_s: float, centre: Direction) -> Direction:
        """Where the image's centre is at a time: that of the first time unless something is followed."""
        return centre if self.track is None else self.track.direction(self.ms, time_s, self.position_m, centre.frame)

    def close(self) -> None:
        """Close the MeasurementSet."""
        self.ms.close()


def _planes_of(
    chunk: VisChunk,
    column: str,
    weights: str,
    planes: Sequence[tuple[str, dict[int, complex]]],
    pseudo: bool,
    codes: Sequence[int],
    there: tuple[np.ndarray, np.ndarray, int] | None = None,
    hand: int | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Planes (pol, row, chan) and weights (row, chan) of a chunk, made in larger arrays from a row on where these are given; pseudo of one hand alone where it is numbered."""
    data = chunk[column]
    if data.dtype != np.complex64:
        data = data.astype(np.complex64)
    used = sorted({k for _, parts in planes for k in parts})
    parallel = [k for k, c in enumerate(codes) if c in (5, 8, 9, 12)] or list(range(len(codes)))
    weight = chunk[weights]
    weight = weight[:, None, :] if weight.ndim == 2 else weight
    if pseudo:
        return _whichever_is_good(chunk, data, weight[..., parallel].mean(axis=2, dtype=np.float32), used, hand)
    factors = np.array([[parts.get(k, 0.0) for k in used] for _, parts in planes], dtype=np.complex64)
    hands, corr, given = (
        np.array(parallel, dtype=np.int64),
        np.array(used, dtype=np.int64),
        np.ascontiguousarray(weight, dtype=np.float32),
    )
    if there is None:
        there = np.empty((len(planes), *data.shape[:2]), dtype=np.complex64), np.empty(data.shape[:2], dtype=np.float32), 0
    whole, whole_weight, at = there
    fixed = (data, chunk["FLAG"], chunk["FLAG_ROW"], given, hands, corr, factors)
    over_rows(lambda a, b: mix_correlations(*fixed, a, b, at, whole, whole_weight), len(data), _FEW_SAMPLES // data.shape[1])
    return whole[:, at : at + len(data)], whole_weight[at : at + len(data)]


def _whichever_is_good(
    chunk: VisChunk, data: np.ndarray, weight: np.ndarray, used: Sequence[int], hand: int | None
) -> tuple[np.ndarray, np.ndarray]:
    """Stokes I (1, row, chan) from those hands that are good, with weights (row, chan); of one hand alone it is that hand with its share of the weight."""
    lost = ~np.isfinite(weight)
    good = ~(chunk["FLAG"] | chunk["FLAG_ROW"][:, None, None])[..., used] & ~lost[..., None]
    weight, number = np.where(lost, 0.0, weight), good.sum(axis=2)
    if hand is None:
        vis, share = np.where(good, data[..., used], 0).sum(axis=2) / np.maximum(number, 1), number > 0
    else:
        vis, share = np.where(good[..., hand], data[..., used[hand]], 0), good[..., hand] / np.maximum(number, 1)
    return vis[None].astype(np.complex64), np.ascontiguousarray(weight * share, dtype=np.float32)


def onto_axis(
    vis: np.ndarray,
    weight: np.ndarray,
    freq: np.ndarray,
    width: np.ndarray,
    factor: np.ndarray,
    axis: SpectralAxis,
    interpolation: str,
) -> tuple[np.ndarray, np.ndarray]:
    """Data on the channels of a cube.

    Parameters
    ----------
    vis : ndarray (plane, row, chan) complex64 or float32
    weight : ndarray (row, chan) float32
    freq, width : ndarray (chan,) [Hz]
        Of the data, in their own frame.
    factor : ndarray (row,)
        Frequencies in the frame of the axis over those of the data.
    axis : SpectralAxis
    interpolation : str

    Returns
    -------
    ndarray (plane, row, chan), ndarray (row, chan)
        Data and weights; zero where there are none.
    """
    if len(freq) > 1 and freq[1] < freq[0]:
        vis, weight, freq, width = vis[:, :, ::-1], weight[:, ::-1], freq[::-1], width[::-1]
    out = np.empty((vis.shape[0], vis.shape[1], axis.nchan), dtype=vis.dtype)
    out_weight = np.empty((vis.shape[1], axis.nchan), dtype=np.float32)
    vis, weight, freq, factor = (np.ascontiguousarray(a) for a in (vis, weight, freq, factor))
    # Channels of the data as wide as they are in the frame of the image, in which a channel of two is twice as wide to rounding and drifts.
    ratio = abs(axis.width_hz) / (float(np.median(width)) * float(np.median(factor))) + 1e-3
    if interpolation == "nearest" and ratio >= 1.0:
        nearest_channels(vis, weight, freq, factor, float(axis.frequencies_hz[0]), float(axis.width_hz), out, out_weight)
        return out, out_weight
    # Wide channels of the image take several samples across, so that all of the data in them count.
    interpolate_channels(
        vis, weight, freq, factor, np.ascontiguousarray(axis.frequencies_hz), float(axis.width_hz), max(1, int(ratio)),
        _ORDERS[interpolation], out, out_weight,
    )  # fmt: skip
    return out, out_weight


def open_sources(
    paths: Sequence[str], selections: Sequence[Selection], datacolumn: str, writable: bool = False
) -> list[DataSource]:
    """Open all MeasurementSets; closes those already open when one fails.

    Raises
    ------
    CasaError
        One cannot be opened, or its selection matches nothing in any of them.
    """
    found: list[DataSource] = []
    try:
        for number, (path, selection) in enumerate(zip(paths, selections, strict=True)):
            found.append(DataSource(path, selection, datacolumn, number, writable))
    except BaseException:
        for source in found:
            source.close()
        raise
    if not found:
        raise DataError("no MeasurementSet was named")
    return found
