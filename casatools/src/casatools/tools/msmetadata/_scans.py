"""Scans, times, intents and states."""

from __future__ import annotations

from typing import Annotated, Any

import numpy as np

from casatools._base import kinds
from casatools._base.declare import method
from casatools._base.errors import ParameterError
from casatools.tools.msmetadata._base import ArrayId, FieldRef, Ids, MsMetadataBase, ObsId, OneSpw, integers, quantity

_Scan = Annotated[int, kinds.Int(), "Scan number"]
_Intent = Annotated[str, kinds.Text(), "Intent, wildcards allowed"]
_Obs = Annotated[int, kinds.Int(), "Observation ID"]
_Array = Annotated[int, kinds.Int(), "(Sub)array ID"]


class ScanMethods(MsMetadataBase):
    """Scans, times, intents and states."""

    @method
    def scannumbers(self, obsid: ObsId = -1, arrayid: ArrayId = -1) -> np.ndarray:
        """All scan numbers."""
        return integers(self._index.ids("scan", self._part(obsid, arrayid)))

    @method
    def nscans(self) -> int:
        """Number of scans over all observations and arrays."""
        return len(np.unique(self._index.combos[:, :3], axis=0))

    @method
    def scansforfield(self, field: FieldRef = "", obsid: ObsId = -1, arrayid: ArrayId = -1) -> np.ndarray:
        """Scans of a field."""
        if field == -1:
            return integers([])
        fields = np.isin(self._index.combos[:, 3], self._field_list(field))
        return integers(self._index.ids("scan", fields & self._part(obsid, arrayid)))

    @method
    def scansforfields(self, obsid: _Obs = 0, arrayid: _Array = 0) -> dict[str, np.ndarray]:
        """Scans of each field."""
        index, base = self._index, self._part(obsid, arrayid)
        return {str(f.id): integers(index.ids("scan", base & index.select(field=f.id))) for f in self._meta.fields}

    @method
    def scansforintent(self, intent: _Intent = "", obsid: ObsId = -1, arrayid: ArrayId = -1) -> np.ndarray:
        """Scans with an intent; an intent without wildcards must exist."""
        if not any(c in intent for c in "*?") and not self._intents_matching(intent):
            raise self._refuse("intent", intent, f"intents are {', '.join(self.intents())}")
        return integers(self._index.ids("scan", self._intent_mask(intent) & self._part(obsid, arrayid)))

    @method
    def scansforspw(self, spw: OneSpw = -1, obsid: ObsId = -1, arrayid: ArrayId = -1) -> np.ndarray:
        """Scans observed with a spectral window."""
        return integers(self._index.ids("scan", self._part(obsid, arrayid, spw=self._spw(spw))))

    @method
    def scansforspws(self, obsid: _Obs = 0, arrayid: _Array = 0) -> dict[str, np.ndarray]:
        """Scans observed with each spectral window."""
        index, base = self._index, self._part(obsid, arrayid)
        return {str(w.id): integers(index.ids("scan", base & index.select(spw=w.id))) for w in self._meta.spectral_windows}

    @method
    def scansforstate(
        self, state: Annotated[int, kinds.Int(), "State ID"] = -1, obsid: ObsId = -1, arrayid: ArrayId = -1
    ) -> np.ndarray:
        """Scans with a state."""
        self._in_range("state", state, self.nstates())
        return integers(self._index.ids("scan", self._part(obsid, arrayid, state=state)))

    @method
    def scansfortimes(
        self,
        time: Annotated[float, kinds.Float(), "Time, MJD seconds"] = -1.0,
        tol: Annotated[float, kinds.Float(min=0), "Tolerance in seconds"] = 0.0,
        obsid: ObsId = -1,
        arrayid: ArrayId = -1,
    ) -> np.ndarray:
        """Scans about a time."""
        return integers(self._index.ids("scan", self._index.near(time, tol) & self._part(obsid, arrayid)))

    @method
    def intents(self) -> list[str]:
        """All intents of the STATE table, sorted."""
        return sorted({i for s in self._meta.states for i in s.intents})

    @method
    def intentsforscan(self, scan: _Scan = -1, obsid: ObsId = -1, arrayid: ArrayId = -1) -> list[str]:
        """Intents of a scan."""
        return self._index.intents(self._scan_mask(scan, obsid, arrayid))

    @method
    def intentsforspw(self, spw: OneSpw = -1) -> list[str]:
        """Intents observed with a spectral window."""
        return self._index.intents(self._index.select(spw=self._spw(spw)))

    @method
    def spwsforintent(self, intent: _Intent = "") -> np.ndarray:
        """Spectral windows observed with an intent."""
        return integers(self._index.ids("spw", self._intent_mask(intent)))

    @method
    def spwsforscan(self, scan: _Scan = -1, obsid: ObsId = -1, arrayid: ArrayId = -1) -> np.ndarray:
        """Spectral windows in a scan."""
        return integers(self._index.ids("spw", self._scan_mask(scan, obsid, arrayid)))

    @method
    def spwsforscans(self, obsid: _Obs = 0, arrayid: _Array = 0) -> dict[str, np.ndarray]:
        """Spectral windows in each scan."""
        index, base = self._index, self._part(obsid, arrayid)
        return {str(s): integers(index.ids("spw", base & index.select(scan=s))) for s in index.ids("scan", base)}

    @method
    def statesforscan(self, scan: _Scan = -1, obsid: ObsId = -1, arrayid: ArrayId = -1) -> np.ndarray:
        """States in a scan."""
        if scan < 0:
            raise ParameterError(f"msmetadata.statesforscan: parameter 'scan' must not be negative; got {scan}")
        return integers(self._index.ids("state", self._part(obsid, arrayid, scan=scan)))

    @method
    def statesforscans(self, obsid: _Obs = 0, arrayid: _Array = 0) -> dict[str, np.ndarray]:
        """States in each scan."""
        index, base = self._index, self._part(obsid, arrayid)
        return {str(s): integers(index.ids("state", base & index.select(scan=s))) for s in index.ids("scan", base)}

    @method
    def nstates(self) -> int:
        """Number of states; without a STATE table all rows count as one."""
        return max(1, len(self._meta.states))

    @method
    def timesforintent(self, intent: _Intent = "") -> np.ndarray:
        """Times with an intent (no wildcards), MJD seconds."""
        states = self._index.states_with_intent([intent])
        return self._index.times(np.isin(self._index.combos[:, 5], states))

    @method
    def timesforscan(
        self,
        scan: _Scan = -1,
        obsid: ObsId = -1,
        arrayid: ArrayId = -1,
        perspw: Annotated[bool, kinds.Bool(), "Give a dict by spectral window"] = False,
    ) -> Any:
        """Times of a scan, MJD seconds."""
        mask = self._scan_mask(scan, obsid, arrayid)
        if not perspw:
            return self._index.times(mask)
        return {str(s): self._index.times(mask & self._index.select(spw=s)) for s in self._index.ids("spw", mask)}

    @method
    def timesforscans(
        self,
        scans: Annotated[Any, kinds.IntList(), "Scan numbers"] = 0,
        obsid: ObsId = -1,
        arrayid: ArrayId = -1,
    ) -> np.ndarray:
        """Times of scans, MJD seconds."""
        wanted = scans if isinstance(scans, list) else [scans]
        if not wanted:
            raise ParameterError("msmetadata.timesforscans: parameter 'scans' must name at least one scan; got []")
        mask = np.isin(self._index.combos[:, 2], wanted) & self._part(obsid, arrayid)
        if not mask.any():
            self._scan_mask(wanted[0], obsid, arrayid)
        return self._index.times(mask)

    @method
    def timesforspws(self, spw: Ids = -1) -> Any:
        """Times of spectral windows, MJD seconds: an array for one, a dict by window for several."""
        wanted = self._all_or(spw, len(self._meta.spectral_windows), "spectral window")
        times = {str(s): self._index.times(self._index.select(spw=s)) for s in wanted}
        single = (isinstance(spw, int) and spw >= 0) or (isinstance(spw, list) and len(spw) == 1 and spw[0] >= 0)
        return times[str(wanted[0])] if single or len(wanted) == 1 else times

    @method
    def exposuretime(
        self,
        scan: _Scan = 0,
        spwid: Annotated[int, kinds.Int(), "Spectral window ID"] = 0,
        polid: Annotated[int, kinds.Int(), "Polarization ID; negative is the only one"] = -1,
        obsid: _Obs = 0,
        arrayid: _Array = 0,
    ) -> dict[str, Any]:
        """Exposure of the first row of a scan and spectral window, as a quantity."""
        mask = self._scan_mask(scan, obsid, arrayid) & self._index.select(spw=self._spw(spwid))
        if polid >= 0:
            mask &= np.array([d.pol for d in self._meta.data_descriptions])[self._index.combos[:, 4]] == polid
        row = self._index.first_row(mask)
        if row is None:
            raise ParameterError(
                f"msmetadata.exposuretime: scan {scan} has no data of spectral window {spwid} with polarization {polid}"
            )
        return quantity(self._index.column("EXPOSURE", np.array([row]))[0], "s")

    @method
    def effexposuretime(self) -> dict[str, Any]:
        """Exposure of the unflagged part of the data, summed over times and averaged over baselines and windows, as a quantity."""
        index = self._index
        total = float((index.column("EXPOSURE") * index.unflagged).sum())
        count = int(np.count_nonzero(np.triu(index.baselines, 1)))
        windows = max(1, len(index.ids("spw", index.select())))
        return quantity(total / count / windows if count else 0.0, "s")
