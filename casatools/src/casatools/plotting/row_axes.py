"""Axes of plots that have one value a row, and which rows are averaged together."""

from __future__ import annotations

from functools import cached_property

import numpy as np

from casatools._base.constants import AU_M
from casatools._base.errors import DataError
from casatools.calibration.sky_geometry import SkyGeometry
from casatools.frames.directions import Direction
from casatools.frames.epochs import utc_seconds
from casatools.frames.frequencies import doppler_factor
from casatools.io.ms import MeasurementSet, VisChunk
from casatools.io.ms.ephemerides import field_ephemeris
from casatools.plotting.plot_axes import EPHEMERIS_AXES, SKY_AXES, PlotOptions
from casatools.transform.field_directions import array_position, phase_centres

__all__ = ["RowAxes"]

_DAY_S, _AU_D_KM_S = 86400.0, AU_M / 86400e3
_PER_ROW = {
    "scan": "SCAN_NUMBER", "field": "FIELD_ID", "antenna1": "ANTENNA1", "antenna2": "ANTENNA2", "time": "TIME", "interval": "INTERVAL",
    "observation": "OBSERVATION_ID", "intent": "STATE_ID", "feed1": "FEED1", "feed2": "FEED2", "flagrow": "FLAG_ROW",
}  # fmt: skip
_ALWAYS = ("SCAN_NUMBER", "FIELD_ID", "ANTENNA1", "ANTENNA2", "TIME", "INTERVAL", "DATA_DESC_ID")
_OF_UVW = ("u", "v", "w", "uvdist")


class RowAxes:
    """Values of the selected rows of a MeasurementSet.

    Attributes
    ----------
    group : ndarray (row,) int64
        Number of the group that each row is averaged in.
    second : ndarray (row,) int64 or None
        Averages over antennas: the group of the second antenna; `group` is that of the first.
    chunk_groups : ndarray (row,) int64 or None
        Rows that must come in one chunk; None where any may be apart.
    """

    def __init__(self, ms: MeasurementSet, rows: np.ndarray, options: PlotOptions) -> None:
        self._ms, self._rows, self._options = ms, rows, options
        self._columns = {c: np.asarray(ms.read(c, rows)) for c in _ALWAYS}
        self.second: np.ndarray | None = None
        self.chunk_groups: np.ndarray | None = None
        o = options
        if not (o.time_s > 0 or o.over_baseline or o.over_antenna or o.over_spw):
            self.group = np.arange(len(rows))
            return
        c = self._columns
        start = c["TIME"].min() - 0.5 * c["INTERVAL"].min()
        slot = np.floor((c["TIME"] - start) / o.time_s).astype(np.int64) if o.time_s > 0 else _numbers(c["TIME"])
        keys = [slot]
        keys += [] if o.over_spw else [c["DATA_DESC_ID"]]
        keys += [] if o.over_scan else [c["SCAN_NUMBER"]]
        keys += [] if o.over_field else [c["FIELD_ID"]]
        together = _numbers(np.stack(keys, axis=1))
        if o.over_antenna:
            many = int(max(c["ANTENNA1"].max(), c["ANTENNA2"].max())) + 1
            self.group, self.second = together * many + c["ANTENNA1"], together * many + c["ANTENNA2"]
        elif o.over_baseline:
            self.group = together
        else:
            self.group = _numbers(np.stack([together, c["ANTENNA1"], c["ANTENNA2"]], axis=1))
        self.chunk_groups = None if o.over_spw else together if o.over_antenna else self.group

    def members(self, index: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Rows of a chunk as members of groups.

        Parameters
        ----------
        index : ndarray (row,)
            Places of the chunk's rows in the selection.

        Returns
        -------
        take, group : ndarray (member,) int64
            The row of the chunk, and its group. A row is a member of the groups of both of its antennas where antennas are averaged.
        turned : ndarray (member,) bool
            Seen from the second antenna: the data are conjugated.
        """
        own = np.arange(len(index))
        if self.second is None:
            return own, self.group[index], np.zeros(len(index), dtype=bool)
        cross = np.flatnonzero(self._columns["ANTENNA1"][index] != self._columns["ANTENNA2"][index])
        group = np.concatenate([self.group[index], self.second[index[cross]]])
        return np.concatenate([own, cross]), group, np.arange(len(group)) >= len(own)

    def has(self, axis: str) -> bool:
        """Whether an axis has one value a row."""
        return (
            axis in _PER_ROW
            or axis in SKY_AXES
            or axis in EPHEMERIS_AXES
            or axis in _OF_UVW
            or axis in ("baseline", "spw", "row")
        )

    def values(self, axis: str, chunk: VisChunk, take: np.ndarray) -> np.ndarray:
        """Values (member,) float64 of an axis for members of groups, as `members` gives them."""
        index = chunk.index[take]
        if axis == "spw":
            return np.full(len(index), float(chunk.spw))
        if axis == "row":
            return np.asarray(chunk.rows[take], dtype=np.float64)
        if axis in _OF_UVW:
            u, v, w = self._uvw(chunk)[take].T
            return {"u": u, "v": v, "w": w, "uvdist": np.hypot(u, v)}[axis]
        if axis == "baseline":
            return np.asarray(self._column("antenna1")[index] * 1000.0 + self._column("antenna2")[index])
        if axis == "antenna1" and self.second is not None:
            other = np.arange(len(take)) >= len(chunk.index)
            return np.where(other, self._column("antenna2")[index], self._column("antenna1")[index]).astype(np.float64)
        if axis in _PER_ROW:
            return self._column(axis)[index].astype(np.float64)
        return self._sky[axis][index] if axis in SKY_AXES else self._ephemeris[axis][index]

    def _column(self, axis: str) -> np.ndarray:
        name = _PER_ROW[axis]
        if name not in self._columns:
            self._columns[name] = np.asarray(self._ms.read(name, self._rows))
        return self._columns[name]

    def _uvw(self, chunk: VisChunk) -> np.ndarray:
        """Those of the chunk where its phase centre was moved, else of the column."""
        if "UVW" in chunk.columns:
            return chunk["UVW"]
        if "UVW" not in self._columns:
            self._columns["UVW"] = np.asarray(self._ms.read("UVW", self._rows))
        return self._columns["UVW"][chunk.index]

    @cached_property
    def _sky(self) -> dict[str, np.ndarray]:
        """Angles of the fields as the first antenna sees them: degrees, and hours of hour angle."""
        times, fields = self._columns["TIME"], self._columns["FIELD_ID"]
        distinct, at = np.unique(np.stack([times, fields.astype(np.float64)], axis=1), axis=0, return_inverse=True)
        at = at.ravel()
        geometry = SkyGeometry(self._ms)
        when, which = distinct[:, 0], distinct[:, 1].astype(np.int64)
        hour, _ = geometry.hour_declination(when, which)
        return {
            "azimuth": np.degrees(geometry.azimuths(when, which)[:, 0])[at],
            "elevation": np.degrees(geometry.elevations(when, which)[:, 0])[at],
            "parang": np.degrees(geometry.zenith_angles(when, which)[:, 0])[at],
            "hourang": (np.degrees(hour) / 15.0)[at],
        }

    @cached_property
    def _ephemeris(self) -> dict[str, np.ndarray]:
        """Distances [au] and radial velocities [km/s] of the fields with an ephemeris; not a number for others."""
        times, fields = self._columns["TIME"], self._columns["FIELD_ID"]
        out = {name: np.full(len(times), np.nan) for name in EPHEMERIS_AXES}
        for number in np.unique(fields):
            found = self._ms.metadata.fields[int(number)]
            if found.ephemeris_id < 0:
                continue
            table = field_ephemeris(self._ms.path, found.ephemeris_id)
            here = np.flatnonzero(fields == number)
            day = times[here] / _DAY_S
            out["rho"][here] = np.interp(day, table.mjd, table.distance_au)
            out["radialvelocity"][here] = np.interp(day, table.mjd, table.radial_au_d) * _AU_D_KM_S
        if np.isnan(out["rho"]).all():
            raise DataError(
                f"plotms: no field selected of {self._ms.path!r} has an ephemeris, which distances and radial velocities are read from"
            )
        return out

    def frame_factors(self, chunk: VisChunk, take: np.ndarray) -> np.ndarray | None:
        """Ratios (member,) of frequencies in the frame asked for to those of the data; None where that is theirs."""
        window = self._ms.metadata.spectral_windows[chunk.spw]
        if not self._options.frame or self._options.frame == window.frame:
            return None
        index = chunk.index[take]
        times, fields = self._columns["TIME"][index], self._columns["FIELD_ID"][index]
        out, place = np.ones(len(index)), array_position(self._ms)
        for number in np.unique(fields):
            here = np.flatnonzero(fields == number)
            lon, lat, frame = phase_centres(self._ms, self._ms.metadata.fields[int(number)], times[here][:1])
            toward = Direction(float(lon[0]), float(lat[0]), frame)
            out[here] = doppler_factor(
                window.frame, self._options.frame, utc_seconds(times[here], self._ms.time_frame), toward, place
            )
        return out


def _numbers(values: np.ndarray) -> np.ndarray:
    """Numbers of the distinct values, or of the distinct rows of an array of two dimensions."""
    return np.asarray(np.unique(values, axis=0, return_inverse=True)[1]).ravel()
