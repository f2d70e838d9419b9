"""Which rows of the sub-tables of two MeasurementSets are the same, and what the identifiers of one become in the other.

Notes
-----
Fields are the same where their phase centres are within a tolerance (and, when asked for, their names equal), spectral windows where all channels
are, antennas where name and station are equal and they stand within a metre, and the others where what describes them is equal. Of equal rows the first
is taken, of polarization setups the last, as in CASA. Scans of an observation that is new are numbered on where their numbers are taken.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from casatools._base.row_arrays import row_blocks
from casatools.frames.directions import angular_separation
from casatools.io.ms import MeasurementSet
from casatools.io.ms.metadata import Antenna, Field, MsMetadata, Observation, SpectralWindow
from casatools.transform.merging_ephemerides import MovingFields

__all__ = ["MergeOptions", "MergedIds", "merge_ids", "observed_scans"]

_ANTENNA_TOLERANCE_M = 1.0


@dataclass(frozen=True)
class MergeOptions:
    """When rows of sub-tables are taken as the same.

    Attributes
    ----------
    frequency_hz : float
        Tolerance of channels.
    direction_rad : float
        Tolerance of phase centres.
    respect_name : bool
        Fields of other names are other fields.
    single_ephemeris_fields : tuple of str
        Names or numbers of fields with ephemerides that are joined, and their ephemerides with them, although the first does not cover the second.
    """

    frequency_hz: float = 1.0
    direction_rad: float = float(np.deg2rad(0.001 / 3600.0))
    respect_name: bool = False
    single_ephemeris_fields: tuple[str, ...] = ()


@dataclass
class MergedIds:
    """Identifiers of a MeasurementSet in the one it is appended to: arrays of new ones by old ones, and the rows that are new.

    Attributes
    ----------
    maps : dict of str to ndarray of int32
        By sub-table: ANTENNA, FIELD, SPECTRAL_WINDOW, POLARIZATION, DATA_DESCRIPTION, STATE, OBSERVATION, PROCESSOR, SOURCE.
    new : dict of str to list of int
        Rows to be appended.
    scan_offset : ndarray of int32
        By (old) observation: what is added to scan numbers.
    """

    maps: dict[str, np.ndarray] = field(default_factory=dict)
    new: dict[str, list[int]] = field(default_factory=dict)
    scan_offset: np.ndarray = field(default_factory=lambda: np.zeros(0, np.int32))

    def match(
        self,
        name: str,
        old: list[Any],
        there: list[Any],
        same: Callable[[Any, Any], bool],
        last: bool = False,
        better: Callable[[Any, Any], bool] | None = None,
    ) -> None:
        """Find each of `old` among `there`, by a function of both; of several the one that is also `better` is taken. What is not found is new."""
        mapping, new, pool = [], [], list(there)
        for number, item in enumerate(old):
            found = [k for k, other in enumerate(pool) if same(item, other)]
            if better is not None and len(found) > 1:
                found = [k for k in found if better(item, pool[k])] or found
            if found:
                mapping.append(found[-1 if last else 0])
            else:
                mapping.append(len(pool))
                pool.append(item)
                new.append(number)
        self.maps[name] = np.array(mapping, dtype=np.int32)
        self.new[name] = new


def _same_antenna(a: Antenna, b: Antenna) -> bool:
    return (a.name, a.station) == (b.name, b.station) and float(
        np.linalg.norm(a.position_m - b.position_m)
    ) < _ANTENNA_TOLERANCE_M


def merge_ids(target: MsMetadata, source: MeasurementSet, scans: np.ndarray, options: MergeOptions) -> MergedIds:
    """Match the sub-tables of a MeasurementSet with those of the one it is to be appended to.

    Parameters
    ----------
    target : MsMetadata
        Of the MeasurementSet as it has become so far.
    source : MeasurementSet
    scans : ndarray (2, n) of int
        Observation and scan of the rows that the target has.
    options : MergeOptions

    Raises
    ------
    DataError
        The table of an ephemeris is missing.
    """
    own = source.metadata
    ids = MergedIds()
    ids.match("ANTENNA", list(own.antennas), list(target.antennas), _same_antenna)
    ids.match(
        "STATE", list(own.states), list(target.states),
        lambda a, b: (a.obs_mode, a.sub_scan, a.sig, a.ref, a.cal_k, a.load_k) == (b.obs_mode, b.sub_scan, b.sig, b.ref, b.cal_k, b.load_k),
    )  # fmt: skip
    ids.match("OBSERVATION", list(own.observations), list(target.observations), _same_observation)
    ids.match(
        "POLARIZATION", list(own.polarizations), list(target.polarizations),
        lambda a, b: np.array_equal(a.corr_type, b.corr_type), last=True,
    )  # fmt: skip

    def same_window(a: SpectralWindow, b: SpectralWindow) -> bool:
        return (
            a.nchan == b.nchan and a.frame_code == b.frame_code
            and bool(np.all(np.abs(a.chan_freq_hz - b.chan_freq_hz) <= options.frequency_hz))
            and bool(np.all(np.abs(a.chan_width_hz - b.chan_width_hz) <= options.frequency_hz))
        )  # fmt: skip

    ids.match("SPECTRAL_WINDOW", list(own.spectral_windows), list(target.spectral_windows), same_window)
    descriptions = [
        (int(ids.maps["SPECTRAL_WINDOW"][d.spw]), int(ids.maps["POLARIZATION"][d.pol])) for d in own.data_descriptions
    ]
    ids.match("DATA_DESCRIPTION", list(descriptions), [(d.spw, d.pol) for d in target.data_descriptions], lambda a, b: a == b)

    moving = MovingFields(target, source, options.direction_rad, options.single_ephemeris_fields)

    def same_field(a: Field, b: Field) -> bool:
        if a.ephemeris_id >= 0 or b.ephemeris_id >= 0:
            return (not options.respect_name or a.name == b.name) and moving.same(a, b)
        if a.phase_frame != b.phase_frame or (options.respect_name and a.name != b.name):
            return False
        (lon_a, lat_a), (lon_b, lat_b) = (np.ravel(f.phase_dir[0])[:2] for f in (a, b))
        return float(angular_separation(lon_a, lat_a, lon_b, lat_b)) <= options.direction_rad

    # Of several fields at one position that of the same name is meant.
    ids.match("FIELD", list(own.fields), list(target.fields), same_field, better=lambda a, b: a.name == b.name)
    _sources(ids, target, own)
    ids.scan_offset = _scan_offsets(ids, source, scans)
    return ids


def _same_observation(a: Observation, b: Observation) -> bool:
    def described(o: Observation) -> tuple[object, ...]:
        return (o.telescope_name, o.observer, o.project, tuple(o.time_range_s), o.schedule_type, o.release_date_s)

    return described(a) == described(b)


def _sources(ids: MergedIds, target: MsMetadata, own: MsMetadata) -> None:
    """Sources follow their fields: those of fields that are there already are theirs, others are numbered on."""
    numbers: dict[int, int] = {}
    for old in own.fields:
        at = int(ids.maps["FIELD"][old.id])
        if at < len(target.fields) and old.source_id >= 0 and target.fields[at].source_id >= 0:
            numbers.setdefault(old.source_id, target.fields[at].source_id)
    following = max([s.source_id for s in target.sources] + [f.source_id for f in target.fields] + [-1]) + 1
    there = {(s.source_id, s.spw_id) for s in target.sources}
    ids.new["SOURCE"] = []
    wanted = [s.source_id for s in own.sources] + [f.source_id for f in own.fields]
    for old_id in sorted({w for w in wanted if w >= 0}):
        if old_id not in numbers:
            numbers[old_id] = following
            following += 1
    for row in own.sources:
        spw = int(ids.maps["SPECTRAL_WINDOW"][row.spw_id]) if row.spw_id >= 0 else -1
        if (numbers[row.source_id], spw) not in there and (numbers[row.source_id], -1) not in there:
            ids.new["SOURCE"].append(row.row)
    size = max(numbers, default=-1) + 1
    ids.maps["SOURCE"] = np.array([numbers.get(k, -1) for k in range(size)], dtype=np.int32)


def observed_scans(ms: MeasurementSet) -> np.ndarray:
    """Pairs of observation and scan that the rows hold: ndarray (2, pair)."""
    found = np.zeros((2, 0), int)
    for block in row_blocks(ms.nrow):
        rows = np.arange(block.start, block.stop)
        pairs = np.stack([np.asarray(ms.read(c, rows)) for c in ("OBSERVATION_ID", "SCAN_NUMBER")])
        change = np.append(True, np.any(np.diff(pairs, axis=1) != 0, axis=0))
        found = np.unique(np.concatenate([found, pairs[:, change]], axis=1), axis=1)
    return found


def _scan_offsets(ids: MergedIds, source: MeasurementSet, scans: np.ndarray) -> np.ndarray:
    """By observation of the source: 0, or what makes the scans of a new observation follow those that are there."""
    mapping = ids.maps["OBSERVATION"]
    offsets = np.zeros(max(1, len(mapping)), dtype=np.int32)
    if source.nrow == 0 or not scans.size:
        return offsets
    observation, scan = observed_scans(source)
    for old in ids.new["OBSERVATION"]:
        mine = scan[observation == old]
        if mine.size and mine.min() <= scans[1].max():
            offsets[old] = int(scans[1].max()) - int(mine.min()) + 1
    return offsets
