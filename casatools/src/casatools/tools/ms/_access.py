"""Reading, writing and iterating: getdata, putdata, range, iteration."""

# ruff: noqa: B006 - the defaults are the reference's, and the declaration hands out copies

from __future__ import annotations

from typing import Annotated, Any

import numpy as np

from casatools._base import kinds, log
from casatools._base.declare import method
from casatools._base.errors import DataError, ParameterError
from casatools.information.item_access import DATA_ITEMS, DataView, complex_item, interferometer_axis, read_item
from casatools.information.items import get_items
from casatools.information.iteration import iteration_steps
from casatools.tools.ms._state import MsState

_ItemNames = Annotated[list[str], kinds.TextList(drop_empty=True), "Items wanted"]
_IfrAxis = Annotated[bool, kinds.Bool(), "Spread the rows over an interferometer and a time axis"]
_Gap = Annotated[int, kinds.Int(min=0), "Empty places between the interferometers of one first antenna and the next"]
_Increment = Annotated[int, kinds.Int(min=1), "Take every n-th row"]
_Average = Annotated[bool, kinds.Bool(), "Average over the rows"]
_Columns = Annotated[list[str], kinds.TextList(drop_empty=True), "Columns to iterate over, the slowest first"]
_Interval = Annotated[float, kinds.Float(min=0), "Longest step in time, seconds; 0: times do not end a step"]
_MaxRows = Annotated[int, kinds.Int(min=0), "Largest number of rows of a step; 0 is no bound"]
_Defaults = Annotated[bool, kinds.Bool(), "Add the usual columns to iterate over"]
_PUT = {"data": "DATA", "corrected_data": "CORRECTED_DATA", "model_data": "MODEL_DATA", "float_data": "FLOAT_DATA", "flag": "FLAG",
        "flag_row": "FLAG_ROW", "weight": "WEIGHT", "sigma": "SIGMA", "weight_spectrum": "WEIGHT_SPECTRUM"}  # fmt: skip
_RANGE_IDS = ("antenna1", "antenna2", "array_id", "data_desc_id", "feed1", "feed2", "field_id", "scan_number")


class AccessMethods(MsState):
    """Data in and out."""

    @method
    def getdata(
        self,
        items: _ItemNames = [],
        ifraxis: _IfrAxis = False,
        ifraxisgap: _Gap = 0,
        increment: _Increment = 1,
        average: _Average = False,
    ) -> dict[str, Any]:
        """Items of the selected rows; unknown items are left out.

        Returns
        -------
        dict
            Arrays with the fastest axis first: (corr, chan, row), or (corr, chan, ifr, time) with ifraxis. ``ifr_number`` is a list of
            the interferometers that there are; within an iteration it has one for each row.
        """
        view = self._current()
        rows = view.rows[: len(view.rows) // increment * increment : increment]
        view = DataView(rows, view.channels, view.polarizations)
        names = [i.lower() for i in items]
        if any(n in DATA_ITEMS or n in ("flag", "weight", "sigma") for n in names):
            self._one_shape()
        return get_items(self._ms, view, names, ifraxisgap if ifraxis else None, average, each_row=self._pieces is not None)

    @method
    def getdataold(
        self,
        items: _ItemNames = [],
        ifraxis: _IfrAxis = False,
        ifraxisgap: _Gap = 0,
        increment: _Increment = 1,
        average: _Average = False,
    ) -> dict[str, Any]:
        """The same as getdata."""
        return dict(self.getdata(items, ifraxis, ifraxisgap, increment, average))

    @method
    def putdata(self, items: Annotated[dict[str, Any], kinds.Record(), "Items and their new values"] = {}) -> bool:
        """Write items of the selected rows: what getdata gave, changed."""
        ms, view = self._ms, self._current()
        if not ms.writable:
            raise DataError(f"MeasurementSet {ms.path!r} was opened read-only; open it with nomodify=False")
        if view.polarizations or (view.channels is not None and view.channels.shape[1] > 1):
            raise ParameterError("ms.putdata: averaged channels and converted polarizations cannot be written back")
        ready = {name.lower(): self._checked(name.lower(), value, view) for name, value in items.items()}
        channels = None if view.channels is None else view.channels[:, 0]
        for name, values in ready.items():
            wide = values.ndim == 3
            ms.write(_PUT[name], values, view.rows, channels if wide else None)
        return True

    def _checked(self, name: str, value: Any, view: DataView) -> np.ndarray:
        if name not in _PUT:
            raise ParameterError(f"ms.putdata: there is no item {name!r} to write; items are {', '.join(_PUT)}")
        self._ms.require(_PUT[name])
        current = read_item(self._ms, DataView(view.rows[:1], view.channels), name)
        values = np.asarray(value)
        if values.ndim == 4:  # (corr, chan, ifr, time), as getdata gives with ifraxis
            grid = interferometer_axis(self._ms, view)
            values = values[:, :, grid.ifr, grid.time]
        expected = (len(view.rows), *(current.shape[1:] if current is not None else ()))
        if values.T.shape != expected:
            raise ParameterError(f"ms.putdata: {name!r} must have the shape {expected[::-1]}; got {values.shape}")
        kind = {
            "flag": bool,
            "flag_row": bool,
            "data": np.complex64,
            "corrected_data": np.complex64,
            "model_data": np.complex64,
        }.get(name, np.float32)
        return values.T.astype(kind)

    @method
    def putdataold(self, items: Annotated[dict[str, Any], kinds.Record(), "Items and their new values"] = {}) -> bool:
        """The same as putdata."""
        return bool(self.putdata(items))

    @method
    def range(
        self,
        items: _ItemNames = [],
        useflags: Annotated[bool, kinds.Bool(), "Leave flagged data out"] = True,
        blocksize: Annotated[int, kinds.Int(), "Accepted for compatibility"] = 10,
    ) -> dict[str, Any]:
        """Ranges [min, max] of data and coordinates, or lists of the IDs and names in the selected rows."""
        out: dict[str, Any] = {}
        for name in (i.lower() for i in items):
            found = self._range_of(name, useflags)
            if found is not None:
                out[name] = found
        return out

    def _range_of(self, name: str, useflags: bool) -> Any:
        ms, view = self._ms, self._current()
        if name in _RANGE_IDS or name == "ifr_number":
            return np.unique(read_item(ms, view, name))
        if name == "rows":
            return view.rows
        if name == "times":
            return np.unique(ms.read("TIME", view.rows))
        if name in ("time", "u", "v", "w", "uvdist", "weight", "sigma"):
            values = read_item(ms, view, name)
            return np.array([values.min(), values.max()], dtype=np.float64) if values is not None else None
        if name in DATA_ITEMS and DATA_ITEMS[name][1] != "data":
            values = complex_item(ms, view, name)
            if values is None:
                return None
            good = values[~read_item(ms, view, "flag")] if useflags else values
            return np.array([good.min(), good.max()]) if good.size else np.zeros(0)
        return self._described(name, view)

    def _described(self, name: str, view: DataView) -> Any:
        meta = self._ms.metadata
        ddids = np.unique(self._ms.read("DATA_DESC_ID", view.rows)).tolist()
        windows = [meta.spectral_windows[meta.data_descriptions[d].spw] for d in ddids]
        pols = [meta.polarizations[meta.data_descriptions[d].pol] for d in ddids]
        if name == "antennas":
            return np.array([a.name for a in meta.antennas])
        if name == "fields":
            return np.array([f.name for f in meta.fields])
        if name == "num_corr":
            return np.array([p.ncorr for p in pols], dtype=np.int64)
        if name == "num_chan":
            return np.array([w.nchan for w in windows], dtype=np.int64)
        if name == "ref_frequency":
            return np.array([w.ref_frequency_hz for w in windows])
        if name == "phase_dir":
            used = meta.fields
            return {"direction": np.array([f.phase_dir[0] for f in used]).T, "epoch": used[0].phase_frame}
        if name in ("chan_freq", "corr_names", "corr_types"):
            columns = {"chan_freq": [w.chan_freq_hz for w in windows], "corr_names": [np.array(p.names) for p in pols],
                       "corr_types": [np.asarray(p.corr_type, dtype=np.int64) for p in pols]}[name]  # fmt: skip
            if len({len(c) for c in columns}) > 1:
                columns = columns[:1]
            return np.stack(columns, axis=1)
        return None

    @method
    def rangeold(
        self,
        items: _ItemNames = [],
        useflags: Annotated[bool, kinds.Bool(), "Leave flagged data out"] = True,
        blocksize: Annotated[int, kinds.Int(), "Accepted for compatibility"] = 10,
    ) -> dict[str, Any]:
        """The same as range."""
        return dict(self.range(items, useflags, blocksize))

    def _start(self, columns: list[str], interval: float, maxrows: int, defaults: bool) -> bool:
        self._pieces, self._piece = iteration_steps(self._ms, self._selected, columns, interval, maxrows, defaults), 0
        return True

    def _go(self, to: int) -> bool:
        if self._pieces is None:
            raise ParameterError("ms: no iteration was started; call iterinit first")
        if to >= len(self._pieces):
            return False
        self._piece = to
        return True

    @method
    def iterinit(
        self, columns: _Columns = [], interval: _Interval = 0.0, maxrows: _MaxRows = 0, adddefaultsortcolumns: _Defaults = True
    ) -> bool:
        """Set up an iteration over steps of equal column values."""
        return self._start(columns, interval, maxrows, adddefaultsortcolumns)

    @method
    def iterorigin(self) -> bool:
        """Go to the first step."""
        return self._go(0)

    @method
    def iternext(self) -> bool:
        """Go to the next step; False, and stay, when there is none."""
        return self._go(self._piece + 1)

    @method
    def iterend(self) -> bool:
        """End the iteration."""
        self._pieces, self._piece = None, 0
        return True

    @method
    def iterinitold(
        self, columns: _Columns = [], interval: _Interval = 0.0, maxrows: _MaxRows = 0, adddefaultsortcolumns: _Defaults = True
    ) -> bool:
        """The same as iterinit."""
        return self._start(columns, interval, maxrows, adddefaultsortcolumns)

    @method
    def iteroriginold(self) -> bool:
        """The same as iterorigin."""
        return self._go(0)

    @method
    def iternextold(self) -> bool:
        """The same as iternext."""
        return self._go(self._piece + 1)

    @method
    def iterendold(self) -> bool:
        """The same as iterend."""
        self._pieces, self._piece = None, 0
        return True

    @method
    def niterinit(
        self, columns: _Columns = [], interval: _Interval = 0.0, maxrows: _MaxRows = 0, adddefaultsortcolumns: _Defaults = True
    ) -> bool:
        """Set up an iteration for ngetdata."""
        return self._start(columns, interval, maxrows, adddefaultsortcolumns)

    @method
    def niterorigin(self) -> bool:
        """Go to the first step."""
        return self._go(0)

    @method
    def niternext(self) -> bool:
        """Go to the next step; False, and stay, when there is none."""
        return self._go(self._piece + 1)

    @method
    def niterend(self) -> bool:
        """True when the last step is reached."""
        return self._pieces is None or self._piece + 1 >= len(self._pieces)

    @method
    def ngetdata(
        self,
        items: _ItemNames = [],
        ifraxis: _IfrAxis = False,
        ifraxisgap: _Gap = 0,
        increment: _Increment = 1,
        average: _Average = False,
    ) -> dict[str, Any]:
        """Items of the iteration's step; the same arrays as getdata."""
        if self._pieces is None:
            log.post("ms.ngetdata: no iteration was started; all selected rows are given", "INFO")
        return dict(self.getdata(items, ifraxis, ifraxisgap, increment, average))
