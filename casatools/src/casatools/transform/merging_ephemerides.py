"""Fields with ephemerides when MeasurementSets are joined: which are the same, and their tables copied or united.

Notes
-----
Two such fields are the same where their objects are within the tolerance at all times the second was observed, and the first ephemeris covers these.
A field that the caller names is joined also where the first does not: the rows that it lacks are then taken from the second.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np

from casatools.frames.directions import angular_separation
from casatools.frames.ephemeris import ephemeris_directions
from casatools.io.ms import MeasurementSet
from casatools.io.ms.ephemerides import add_ephemeris_column, copy_ephemeris, extend_ephemeris, field_ephemeris, set_ephemeris_ids
from casatools.io.ms.metadata import Field, MsMetadata

__all__ = ["MovingFields", "append_ephemerides"]


class MovingFields:
    """Compares fields of a source with those of a target, where either moves."""

    def __init__(self, target: MsMetadata, source: MeasurementSet, tolerance_rad: float, forced: Collection[str] = ()) -> None:
        self.target = target
        self.source = source
        self.tolerance_rad = tolerance_rad
        self.forced = frozenset(str(f).strip() for f in forced)
        self._times: dict[int, np.ndarray] = {}

    def times_s(self, field: int) -> np.ndarray:
        """First and last time a field of the source was observed; none where it was not."""
        if not self._times:
            everything = np.arange(self.source.nrow)
            ids, times = (np.asarray(self.source.read(c, everything)) for c in ("FIELD_ID", "TIME"))
            for number in range(len(self.source.metadata.fields)):
                own = times[ids == number]
                self._times[number] = np.array([own.min(), own.max()]) if own.size else np.zeros(0)
        return self._times[field]

    def is_forced(self, field: Field) -> bool:
        """Whether the caller named a field, by name or number."""
        return field.name in self.forced or str(field.id) in self.forced

    def same(self, own: Field, other: Field) -> bool:
        """Whether a field of the source (`own`) and one of the target are the same moving object."""
        if (own.ephemeris_id < 0) != (other.ephemeris_id < 0):
            return False
        if not np.allclose(own.phase_dir[0], other.phase_dir[0], rtol=0, atol=self.tolerance_rad):
            return False
        mine, there = field_ephemeris(self.source.path, own.ephemeris_id), field_ephemeris(self.target.path, other.ephemeris_id)
        times = self.times_s(own.id)
        first, last = there.mjd[0] * 86400.0, there.mjd[-1] * 86400.0
        outside = times.size > 0 and (times[0] < first or times[1] > last)
        if outside and not (self.is_forced(own) and own.name == other.name):
            return False
        low, high = max(first, mine.mjd[0] * 86400.0), min(last, mine.mjd[-1] * 86400.0)
        times = times[(times >= low) & (times <= high)] if times.size else np.array([low, high])
        if low > high or not times.size:
            return self.is_forced(own)  # they never overlap: the name decides
        a, b = ephemeris_directions(mine, times), ephemeris_directions(there, times)
        return bool(np.all(angular_separation(a[0], a[1], b[0], b[1]) <= self.tolerance_rad))


def append_ephemerides(
    staged: str, source: MeasurementSet, mapping: np.ndarray, new: Sequence[int], first_new: int, forced: Collection[str]
) -> None:
    """Bring the ephemerides of the fields of a source to the joined MeasurementSet, whose new fields have been appended.

    Parameters
    ----------
    staged : str
    source : MeasurementSet
    mapping : ndarray of int32
        New field by old one.
    new : sequence of int
        Fields that were appended, in this order.
    first_new : int
        Row of the first of them.
    forced : collection of str
        Fields whose ephemerides are united.
    """
    fields = source.metadata.fields
    moving = [f for f in fields if f.ephemeris_id >= 0]
    if moving:
        add_ephemeris_column(staged)
    with MeasurementSet(staged) as so_far:
        there = so_far.metadata.fields
    copied: dict[int, int] = {}
    ids: dict[int, int] = {}
    for offset, number in enumerate(new):
        own = fields[number].ephemeris_id
        if own >= 0 and own not in copied:
            copied[own] = copy_ephemeris(source.path, own, staged)
        ids[first_new + offset] = copied[own] if own >= 0 else -1
    if moving or any(f.ephemeris_id >= 0 for f in there):
        set_ephemeris_ids(staged, ids)
    compare = MovingFields(so_far.metadata, source, 0.0, forced)
    for own_field in moving:
        if own_field.id not in new and compare.is_forced(own_field):
            extend_ephemeris(staged, there[int(mapping[own_field.id])].ephemeris_id, source.path, own_field.ephemeris_id)
