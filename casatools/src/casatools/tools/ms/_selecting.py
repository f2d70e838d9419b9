"""Selection methods of the ms tool."""

# ruff: noqa: B006 - the defaults are the reference's, and the declaration hands out copies

from __future__ import annotations

from typing import Annotated, Any

import numpy as np

from casatools._base import kinds, log
from casatools._base.declare import method
from casatools._base.errors import ParameterError, SelectionError
from casatools.information.item_access import polarization_matrix
from casatools.io.ms import MeasurementSet, ResolvedSelection, Selection
from casatools.io.ms.metadata import correlation_names
from casatools.tools.ms._state import MsState

_Items = Annotated[dict[str, Any], kinds.Record(), "Items and the values or ranges wanted"]
_Expression = Annotated[
    Any, kinds.Variant((kinds.Text(numbers=True), kinds.TextList(numbers=True))), "Selection expression; nothing is all"
]
_RANGES = ("uvdist", "u", "v", "w", "time")
_KEYS = {
    "field": "field", "spw": "spw", "baseline": "antenna", "time": "timerange", "scan": "scan", "scanintent": "intent",
    "polarization": "correlation", "uvdist": "uvrange", "observation": "observation", "array": "array", "taql": "taql", "feed": "feed",
}  # fmt: skip


def joined(value: Any) -> str:
    """One expression out of a string or a list of them."""
    return ",".join(str(v) for v in value) if isinstance(value, (list, tuple)) else str(value)


def selected_indices(resolved: ResolvedSelection | None, antenna_names: bool = False) -> dict[str, Any]:
    """CASA's record of the IDs that a selection named."""
    empty = np.zeros(0, dtype=np.int64)
    if resolved is None:
        named: frozenset[str] = frozenset()
    else:
        named = resolved.named
    base = resolved.baselines if resolved is not None and "antenna" in named else None
    spws = list(resolved.spws) if resolved is not None and "spw" in named else []
    channel = [[s, *r] for s in spws for r in resolved.channel_ranges[s]] if resolved is not None else []
    by_correlation = list(resolved.correlation_ddids) if resolved is not None else []
    spw_ddids = [d.id for s in spws for d in resolved.ms.metadata.data_descriptions if d.spw == s] if resolved is not None else []
    scans = _numbers(resolved) if resolved is not None and "scan" in named else []
    pairs = np.zeros((0, 2), dtype=np.int64) if base is None else base.pairs
    out: dict[str, Any] = {
        "antenna1": empty if base is None else base.antenna1, "antenna2": empty if base is None else base.antenna2,
        "baselines": np.asfortranarray(pairs) if len(pairs) else np.zeros((0, 0), dtype=np.int64),
        "channel": np.array(channel, dtype=np.int64, order="F") if channel else np.zeros((0, 0), dtype=np.int64),
        "dd": np.array(sorted(set(spw_ddids) & set(by_correlation), key=spw_ddids.index) if spws and by_correlation else spw_ddids or by_correlation,
                       dtype=np.int64),
        "field": np.array(sorted(resolved.fields) if resolved is not None and "field" in named else [], dtype=np.int64),
        "poldd": np.array(by_correlation, dtype=np.int64), "scan": np.array(scans, dtype=np.int64), "spw": np.array(spws, dtype=np.int64),
        "spwdd": np.array(spw_ddids, dtype=np.int64),
    }  # fmt: skip
    return out


def _numbers(resolved: ResolvedSelection) -> list[int]:
    present = resolved.scans
    top = max([r.high if r.high is not None else 0 for r in resolved.scan_ranges] + list(present), default=0)
    out: list[int] = []
    for r in resolved.scan_ranges:
        out += [n for n in range(r.low, (r.high if r.high is not None else top) + 1) if n not in out]
    return out


def _observations(resolved: ResolvedSelection | None) -> np.ndarray:
    """IDs of the sub-table that an expression of observations stands for, whether rows are left or not."""
    ranges = resolved.observation_ranges if resolved is not None else ()
    number = len(resolved.ms.metadata.observations) if resolved is not None else 0
    return np.array([i for i in range(number) if any(r.holds(i) for r in ranges)], dtype=np.int64)


class SelectionMethods(MsState):
    """Choosing rows, channels and polarizations."""

    @method
    def reset(self) -> bool:
        """Undo all selections."""
        self._ms.nrow  # noqa: B018 - raises when nothing is open
        self._forget()
        return True

    @method
    def selectinit(
        self,
        datadescid: Annotated[int, kinds.Int(), "Data description to select; negative is all"] = 0,
        reset: Annotated[bool, kinds.Bool(), "Go back to the whole MeasurementSet first"] = False,
    ) -> bool:
        """Start a selection with the rows of one data description; False when it has none."""
        ms = self._ms
        if reset:
            self._forget()
            return True
        if datadescid >= len(ms.metadata.data_descriptions):
            log.post(f"ms.selectinit: there is no data description {datadescid}", "WARN")
            return False
        self._channels, self._polarizations, self._pieces = None, (), None
        return True if datadescid < 0 else self._narrow(ms.read("DATA_DESC_ID", self._selected) == datadescid)

    @method
    def selectinitold(
        self,
        datadescid: Annotated[int, kinds.Int(), "Data description to select"] = 0,
        reset: Annotated[bool, kinds.Bool(), "Go back to the whole MeasurementSet first"] = False,
    ) -> bool:
        """The same as selectinit."""
        return bool(self.selectinit(datadescid, reset))

    @method
    def select(self, items: _Items = {}) -> bool:
        """Keep the rows with given IDs (lists) or within ranges (uvdist, u, v, w, time); False when none is left."""
        ok = True
        for name, value in items.items():
            mask = self._item_mask(name.lower(), np.atleast_1d(np.asarray(value)))
            if mask is None:
                log.post(f"ms.select: {name!r} cannot be selected on; it is ignored", "WARN")
                continue
            ok = self._narrow(mask) and ok
        return ok

    def _item_mask(self, name: str, wanted: np.ndarray) -> np.ndarray | None:
        from casatools.information.item_access import DataView, read_item

        rows = self._selected
        if wanted.dtype.kind not in "biuf":
            raise ParameterError(f"ms.select: {name!r} is selected by numbers; got {wanted.tolist()}")
        if name == "rows":
            return np.isin(rows, wanted)
        if name == "times":
            return np.isin(self._ms.read("TIME", rows), wanted)
        if name == "ifr_number":
            one, two = (self._ms.read(c, rows).astype(np.int64) for c in ("ANTENNA1", "ANTENNA2"))
            return np.isin(one * 1000 + two, wanted)
        ids = ("antenna1", "antenna2", "array_id", "data_desc_id", "feed1", "feed2", "field_id", "scan_number")
        if name not in ids and name not in _RANGES:
            return None
        values = read_item(self._ms, DataView(rows), name)
        if name in ids:
            return np.isin(values, wanted)
        if len(wanted) != 2:
            raise ParameterError(f"ms.select: the range of {name!r} must be [low, high]; got {wanted.tolist()}")
        return (values >= wanted[0]) & (values <= wanted[1])

    @method
    def selectold(self, items: _Items = {}) -> bool:
        """The same as select."""
        return bool(self.select(items))

    @method
    def selecttaql(self, msselect: Annotated[str, kinds.Text(), "TaQL condition"] = "") -> bool:
        """Keep the rows that fulfil a TaQL condition."""
        return self._narrow(np.isin(self._selected, Selection(taql=msselect).resolve(self._ms, allow_empty=True).rows))

    @method
    def selecttaqlold(self, msselect: Annotated[str, kinds.Text(), "TaQL condition"] = "") -> bool:
        """The same as selecttaql."""
        return bool(self.selecttaql(msselect))

    @method
    def selectchannel(
        self,
        nchan: Annotated[int, kinds.Int(), "Output channels"] = 1,
        start: Annotated[int, kinds.Int(), "First input channel"] = 0,
        width: Annotated[int, kinds.Int(), "Input channels averaged into one"] = 1,
        inc: Annotated[int, kinds.Int(), "Input channels from one output channel to the next"] = 1,
    ) -> bool:
        """Choose and average channels; False when they do not fit."""
        ddid = int(self._ms.read("DATA_DESC_ID", self._selected[:1])[0])
        total = self._ms.metadata.spectral_windows[self._ms.metadata.data_descriptions[ddid].spw].nchan
        if nchan < 1 or width < 1 or start < 0 or start + (nchan - 1) * inc + width > total or (nchan > 1 and inc < 1):
            log.post(f"ms.selectchannel: {nchan} channels from {start} by {inc}, {width} wide, do not fit into {total}", "WARN")
            return False
        self._channels = start + np.arange(nchan)[:, None] * inc + np.arange(width)[None, :]
        return True

    @method
    def selectchannelold(
        self,
        nchan: Annotated[int, kinds.Int(), "Output channels"] = 1,
        start: Annotated[int, kinds.Int(), "First input channel"] = 0,
        width: Annotated[int, kinds.Int(), "Input channels averaged into one"] = 1,
        inc: Annotated[int, kinds.Int(), "Input channels from one output channel to the next"] = 1,
    ) -> bool:
        """The same as selectchannel."""
        return bool(self.selectchannel(nchan, start, width, inc))

    @method
    def selectpolarization(
        self, wantedpol: Annotated[list[str], kinds.TextList(drop_empty=True), "Correlations or Stokes parameters"] = []
    ) -> bool:
        """Choose correlations, or convert to Stokes parameters."""
        names = tuple(w.upper() for w in wantedpol)
        ddid = int(self._ms.read("DATA_DESC_ID", self._selected[:1])[0])
        codes = self._ms.metadata.polarizations[self._ms.metadata.data_descriptions[ddid].pol].corr_type
        polarization_matrix(correlation_names(codes), names)
        self._polarizations = names
        return True

    @method
    def selectpolarizationold(
        self, wantedpol: Annotated[list[str], kinds.TextList(drop_empty=True), "Correlations or Stokes parameters"] = []
    ) -> bool:
        """The same as selectpolarization."""
        return bool(self.selectpolarization(wantedpol))

    @method
    def msselect(
        self,
        items: _Items = {},
        onlyparse: Annotated[bool, kinds.Bool(), "Find the IDs, but leave the rows as they are"] = False,
    ) -> bool:
        """Select with expressions: field, spw, baseline, time, scan, scanintent, polarization, uvdist, observation, array, feed, taql.

        Returns
        -------
        bool
            False when no row is left.

        Raises
        ------
        SelectionError
            An expression cannot be read or names what does not exist.
        """
        unknown = [k for k in items if k not in _KEYS]
        if unknown:
            log.post(f"ms.msselect: there is no item {unknown[0]!r}; items are {', '.join(_KEYS)}", "WARN")
        given = {_KEYS[k]: joined(v) for k, v in items.items() if k in _KEYS and joined(v).strip()}
        if not given:
            return False
        resolved = Selection(**given).resolve(self._ms, allow_empty=True)
        self._resolved = resolved
        if onlyparse:
            return True
        if self._rows is None:
            self._rows = resolved.rows
        else:
            wanted = np.zeros(self._ms.nrow, bool)
            wanted[resolved.rows] = True
            self._rows = self._rows[wanted[self._rows]]
        return len(self._rows) > 0

    @method
    def msselectedindices(self) -> dict[str, Any]:
        """IDs that the expressions of msselect stand for."""
        resolved = self._resolved
        out = selected_indices(resolved)
        named = resolved.named if resolved is not None else frozenset()
        pairs = resolved.feed_pairs if resolved is not None else np.zeros((0, 2), dtype=np.int64)
        out["feedpairs"] = pairs if len(pairs) else np.zeros(0, dtype=np.int64)
        out["feed1"], out["feed2"] = np.unique(pairs[:, 0]), np.unique(pairs[:, 1])
        out["stateid"] = np.array(resolved.states if resolved is not None and "intent" in named else [], dtype=np.int64)
        out["observationid"] = _observations(resolved)
        if self._polarizations and not len(out["poldd"]):
            out["poldd"] = self._holding_polarizations()
            out["dd"] = (
                np.array([d for d in out["dd"] if d in out["poldd"]], dtype=np.int64) if len(out["dd"]) else out["poldd"].copy()
            )
        return out

    def _holding_polarizations(self) -> np.ndarray:
        """Data descriptions that what selectpolarization chose can be made from."""
        meta = self._ms.metadata
        out: list[int] = []
        for description in meta.data_descriptions:
            try:
                polarization_matrix(correlation_names(meta.polarizations[description.pol].corr_type), self._polarizations)
            except ParameterError:
                continue
            out.append(description.id)
        return np.array(out, dtype=np.int64)

    @method
    def msseltoindex(
        self,
        vis: Annotated[str, kinds.InPath(), "The MeasurementSet"] = "",
        spw: _Expression = [],
        field: _Expression = [],
        baseline: _Expression = [],
        time: _Expression = [],
        scan: _Expression = [],
        uvrange: _Expression = [],
        observation: _Expression = [],
        polarization: _Expression = [],
        taql: Annotated[str, kinds.Text(), "TaQL condition"] = "",
    ) -> dict[str, Any]:
        """IDs that selection expressions stand for in a MeasurementSet that need not be open."""
        selection = Selection(
            spw=joined(spw), field=joined(field), antenna=joined(baseline), timerange=joined(time), scan=joined(scan), uvrange=joined(uvrange),
            observation=joined(observation), correlation=joined(polarization), taql=taql,
        )  # fmt: skip
        with MeasurementSet(vis) as ms:
            resolved = selection.resolve(ms, allow_empty=True)
            out = selected_indices(resolved)
            out["obsids"] = _observations(resolved)
            return out

    @method
    def nrow(self, selected: Annotated[bool, kinds.Bool(), "Count the selected rows"] = False) -> int:
        """Number of rows."""
        return len(self._selected) if selected else self._ms.nrow

    @method
    def nrowold(self, selected: Annotated[bool, kinds.Bool(), "Count the selected rows"] = False) -> int:
        """The same as nrow."""
        return int(self.nrow(selected))


__all__ = ["SelectionError", "SelectionMethods", "joined", "selected_indices"]
