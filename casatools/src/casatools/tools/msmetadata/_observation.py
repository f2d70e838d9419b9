"""Observations: observers, telescopes, time ranges, pointings, counts and the summary record."""

from __future__ import annotations

from typing import Annotated, Any

import numpy as np

from casatools._base import kinds
from casatools._base.declare import method
from casatools._base.errors import DataError
from casatools.frames.engine import make_engine
from casatools.information.observation_index import ObservationIndex
from casatools.information.pointing import pointing_of_row
from casatools.tools.msmetadata._base import MsMetadataBase, integers, quantity
from casatools.tools.msmetadata._fields import direction

_Obs = Annotated[int, kinds.Int(), "Observation ID"]
_DAY_S = 86400.0


class ObservationMethods(MsMetadataBase):
    """Observations."""

    @method
    def nobservations(self) -> int:
        """Number of observations."""
        return len(self._meta.observations)

    @method
    def narrays(self) -> int:
        """Number of (sub)arrays in the data."""
        return self._index.narray

    @method
    def nrows(
        self,
        autoc: Annotated[bool, kinds.Bool(), "Count auto-correlations too"] = True,
        flagged: Annotated[bool, kinds.Bool(), "Count flagged rows too"] = True,
    ) -> float:
        """Number of rows; without flagged ones the sum of the unflagged fractions."""
        if flagged and autoc:
            return float(self._index.nrow)
        if flagged:
            return float(self._index.nrow - self._index.autocorrelation_rows)
        weight = self._index.unflagged
        if not autoc:
            one, two = self._index.columns("ANTENNA1", "ANTENNA2")
            weight = weight[one != two]
        return float(weight.sum())

    @method
    def observers(self) -> list[str]:
        """Names of the observers."""
        return [o.observer for o in self._meta.observations]

    @method
    def projects(self) -> list[str]:
        """Project codes."""
        return [o.project for o in self._meta.observations]

    @method
    def observatorynames(self) -> list[str]:
        """Names of the telescopes."""
        return [o.telescope_name for o in self._meta.observations]

    @method
    def schedule(self, obsid: _Obs = -1) -> list[str]:
        """Schedule of an observation."""
        found = self._meta.observations[self._observation(obsid)].schedule
        if not found:
            raise DataError(f"msmetadata.schedule: observation {obsid} has no schedule")
        return list(found)

    @method
    def observatoryposition(self, which: _Obs = 0) -> dict[str, Any]:
        """Position of the telescope of an observation."""
        name = self._meta.observations[self._observation(which)].telescope_name
        return position_measure(name)

    @method
    def timerangeforobs(self, obsid: _Obs = -1) -> dict[str, Any]:
        """Begin and end of an observation as epochs."""
        times = self._meta.observations[self._observation(obsid)].time_range_s
        frame = self._index.time_frame
        return {n: {"type": "epoch", "refer": frame, "m0": quantity(t / _DAY_S, "d")} for n, t in zip(("begin", "end"), times)}

    @method
    def pointingdirection(
        self,
        rownum: Annotated[int, kinds.Int(), "Row of the main table"] = 0,
        interpolate: Annotated[bool, kinds.Bool(), "Interpolate in time"] = False,
        initialrow: Annotated[int, kinds.Int(), "Accepted for compatibility: the search is direct"] = 0,
    ) -> dict[str, Any]:
        """Pointings of the two antennas at the time of a row."""
        self._in_range("row", rownum, self._index.nrow)
        found = pointing_of_row(self._index.path, rownum, interpolate)
        ends = {
            f"antenna{n + 1}": {"id": antenna, "pointingdirection": direction(angles, found.frame)}
            for n, (antenna, angles) in enumerate(zip(found.antennas, found.directions))
        }
        return {**ends, "time": found.time_s}

    @method
    def summary(self) -> dict[str, Any]:
        """Nested record: observation, array, scan, field, time."""
        index, meta = self._index, self._meta
        times = index.time_s
        out: dict[str, Any] = {
            "begin time": float(times.min()), "end time": float(times.max()), "nrows": index.nrow,
            "fields": np.array([f.name for f in meta.fields]),
            "polarizations": {"n correlations": integers(p.ncorr for p in meta.polarizations)},
            "spectral windows": {"names": np.array([w.name for w in meta.spectral_windows])},
            "data descriptions": {
                "spectral windows": integers(d.spw for d in meta.data_descriptions),
                "polarization ids": integers(d.pol for d in meta.data_descriptions),
            },
        }  # fmt: skip
        for o in index.ids("observation", index.select()):
            in_obs = index.select(observation=o)
            for a in index.ids("array", in_obs):
                node = out.setdefault(f"observationID={o}", {}).setdefault(f"arrayID={a}", {})
                for s in index.ids("scan", in_obs & index.select(array=a)):
                    node[f"scan={s}"] = self._scan_record(index.select(scan=s, observation=o, array=a))
        return out

    def _scan_record(self, mask: np.ndarray) -> dict[str, Any]:
        index = self._index
        out: dict[str, Any] = {"antennas": integers(index.antennas(mask)), "nrows": int(index.times_and_rows(mask)[2].sum())}
        for f in index.ids("field", mask):
            out[f"fieldID={f}"] = _field_record(index, mask & index.select(field=f))
        return out


def _field_record(index: ObservationIndex, mask: np.ndarray) -> dict[str, Any]:
    combo, times, count = index.times_and_rows(mask)
    ddid = index.combos[combo, 4]
    out: dict[str, Any] = {
        "antennas": integers(index.antennas(mask)), "begin time": float(times.min()), "end time": float(times.max()), "nrows": int(count.sum()),
        "data description IDs": np.unique(ddid), "state IDs": integers(index.ids("state", mask)),
    }  # fmt: skip
    for k, t in enumerate(np.unique(times)):
        here = times == t
        out[str(k)] = {"data description IDs": np.unique(ddid[here]), "nrows": int(count[here].sum()), "time": float(t)}
    return out


def position_measure(telescope: str) -> dict[str, Any]:
    """Position of a telescope as CASA's record, in the frame that the observatory table gives it in; DataError when it is unknown."""
    try:
        found = make_engine().observatory(telescope)
    except RuntimeError as error:
        raise DataError(f"msmetadata: the position of the telescope {telescope!r} is unknown") from error
    return {
        "type": "position", "refer": found["refer"],
        **{k: quantity(found[k]["value"], found[k]["unit"]) for k in ("m0", "m1", "m2")},
    }  # fmt: skip
