"""Writing calibration tables of curves in CASA's older format.

References
----------
Layout as observed in tables that CASA 6.7 wrote.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from casacore import tables as _tables

from casatools._base.paths import staged_output
from casatools.io.caltable.curves import CurveRows
from casatools.io.caltable.subtables import standard_manager

__all__ = ["write_curves"]

_UNSET = (
    "FEED1", "ARRAY_ID", "OBSERVATION_ID", "SCAN_NUMBER", "PROCESSOR_ID", "STATE_ID", "PHASE_ID", "PULSAR_BIN", "PULSAR_GATE_ID",
    "FREQ_GROUP", "CALIBRATION_GROUP", "CAL_HISTORY_ID",
)  # fmt: skip
_TEXTS = ("FREQ_GROUP_NAME", "FIELD_NAME", "FIELD_CODE", "SOURCE_NAME", "SOURCE_CODE")
# Values that say nothing, in the shape (1, 1, 1[, 1]) of one spectral window, solution, receptor and so on.
_NOTHING: dict[str, tuple[str, Any]] = {
    "GAIN": ("complex", np.zeros((1, 1, 1, 1), np.complex64)), "SOLUTION_OK": ("boolean", np.zeros((1, 1, 1, 1), bool)),
    "FIT": ("float", np.zeros((1, 1, 1, 1), np.float32)), "FIT_WEIGHT": ("float", np.zeros((1, 1, 1, 1), np.float32)),
    "FLAG": ("boolean", np.ones((1, 1, 1, 1), bool)), "SNR": ("float", np.zeros((1, 1, 1, 1), np.float32)),
    "REF_FEED": ("int", np.zeros((1, 1, 1), np.int32)), "REF_RECEPTOR": ("int", np.zeros((1, 1, 1), np.int32)),
    "REF_DIRECTION": ("double", np.array([[[[0.0, np.pi / 2]]]])),
}  # fmt: skip
_DESCRIBED = {
    "NUM_SPW": ("int", 0), "NUM_CHAN": ("int", 1), "NUM_RECEPTORS": ("int", 0), "N_JONES": ("int", 0), "SPECTRAL_WINDOW_ID": ("int", 1),
    "CHAN_FREQ": ("double", 1), "MEAS_FREQ_REF": ("int", 0), "CHAN_WIDTH": ("double", 1), "CHAN_RANGE": ("int", 1),
    "POLARIZATION_TYPE": ("string", 1), "JONES_TYPE": ("string", 0), "MS_NAME": ("string", 0),
}  # fmt: skip


_FREQUENCY = {
    "QuantumUnits": ["Hz"],
    "MEASINFO": {
        "type": "frequency", "VarRefCol": "MEAS_FREQ_REF",
        "TabRefTypes": ["REST", "LSRK", "LSRD", "BARY", "GEO", "TOPO", "GALACTO", "LGROUP", "CMB", "Undefined"],
        "TabRefCodes": np.array([0, 1, 2, 3, 4, 5, 6, 7, 8, 64], dtype=np.uint32),
    },
}  # fmt: skip
_DIRECTION = {
    "QuantumUnits": ["rad", "rad"],
    "MEASINFO": {
        "type": "direction", "VarRefCol": "MEAS_DIR_REF",
        "TabRefTypes": ["J2000", "JMEAN", "JTRUE", "APP", "B1950", "ICRS"], "TabRefCodes": np.array([0, 1, 2, 3, 4, 21], dtype=np.uint32),
    },
}  # fmt: skip


def _column(kind: str, array: bool, **keywords: Any) -> dict[str, Any]:
    shape = {"ndim": -1, "_c_order": True} if array else {}
    base = {
        "dataManagerType": "StandardStMan",
        "dataManagerGroup": "MSMTAB",
        "option": 0 if array else 5,
        "maxlen": 0,
        "comment": "",
    }
    return {"valueType": kind, **base, **shape, "keywords": keywords}


def _description(kind: str) -> dict[str, Any]:
    epoch = {"QuantumUnits": ["s"], "MEASINFO": {"type": "epoch", "Ref": "UTC"}}
    out = {"TIME": _column("double", False, **epoch), "TIME_EXTRA_PREC": _column("double", False, QuantumUnits=["s"])}
    out["INTERVAL"] = _column("double", False, QuantumUnits=["s"])
    whole = ("ANTENNA1", "FIELD_ID", "N_POLY_AMP", "N_POLY_PHASE", "MEAS_FREQ_REF", "MEAS_DIR_REF", "CAL_DESC_ID", *_UNSET)
    out.update({name: _column("int", False) for name in whole})
    out.update({name: _column("string", False) for name in (*_TEXTS, "POLY_TYPE", "POLY_MODE", "PHASE_UNITS")})
    out.update({name: _column("complex", False) for name in ("SCALE_FACTOR",)})
    out.update({name: _column("double", True) for name in ("VALID_DOMAIN", "POLY_COEFF_AMP", "POLY_COEFF_PHASE")})
    out.update({name: _column("float", False) for name in ("TOTAL_FIT", "TOTAL_FIT_WEIGHT")})
    out["TOTAL_SOLUTION_OK"], out["REF_ANT"] = _column("boolean", False), _column("int", True)
    out.update({name: _column(value, True) for name, (value, _) in _NOTHING.items()})
    out["REF_DIRECTION"], out["REF_FREQUENCY"] = _column("double", True, **_DIRECTION), _column("double", True, **_FREQUENCY)
    if kind == "GSPLINE":
        out.update({name: _column("int", False) for name in ("N_KNOTS_AMP", "N_KNOTS_PHASE")})
        out.update({name: _column("double", True) for name in ("SPLINE_KNOTS_AMP", "SPLINE_KNOTS_PHASE")})
    else:
        out["SIDEBAND_REF"] = _column("complex", False)
    return out


def write_curves(path: str, curves: CurveRows, mode: str, refant: int, ms_name: str) -> None:
    """Write a table of curves; it appears when complete and replaces one that is there.

    Parameters
    ----------
    path : str
    curves : CurveRows
        Coefficients of splines are as many as knots, the last four zero.
    mode : str
        What was solved, in the words of the format: A&P, PHASAMP, PHAS, AMP.
    refant : int
    ms_name : str
    """
    windows = np.unique(curves.spw)
    with staged_output(path.rstrip("/"), overwrite=True) as folder:
        description = _description(curves.kind)
        table = _tables.table(
            folder, description, nrow=len(curves.antenna), dminfo=standard_manager(list(description)), ack=False
        )
        try:
            table.putinfo({"type": "Calibration", "subType": curves.kind, "readme": ""})
            _put(table, curves, windows, mode, refant)
            described = {n: _column(k, bool(a)) for n, (k, a) in _DESCRIBED.items()}
            described["CHAN_FREQ"] = _column("double", True, **_FREQUENCY)
            described["CHAN_WIDTH"] = _column("double", True, QuantumUnits=["Hz"])
            _sub_table(table, folder, "CAL_DESC", described, len(windows))
            history = {n: _column("string", False) for n in ("CAL_PARMS", "CAL_TABLES", "CAL_SELECT", "CAL_NOTES")}
            _sub_table(table, folder, "CAL_HISTORY", history, 0)
            windows_table = _tables.table(f"{folder}/CAL_DESC", readonly=False, ack=False)
            for row, spw in enumerate(windows.tolist()):
                windows_table.putcell("SPECTRAL_WINDOW_ID", row, np.array([spw], dtype=np.int32))
                windows_table.putcell("MS_NAME", row, ms_name)
            windows_table.close()
        finally:
            table.close()


def _sub_table(table: Any, folder: str, name: str, description: dict[str, Any], nrow: int) -> None:
    sub = _tables.table(f"{folder}/{name}", description, nrow=nrow, dminfo=standard_manager(list(description)), ack=False)
    table.putkeyword(name, f"Table: {folder}/{name}")
    sub.close()


def _put(table: Any, curves: CurveRows, windows: np.ndarray, mode: str, refant: int) -> None:
    count = len(curves.antenna)
    spline = curves.kind == "GSPLINE"
    whole = {
        "TIME": curves.time_s, "ANTENNA1": curves.antenna, "FIELD_ID": curves.field, "CAL_DESC_ID": np.searchsorted(windows, curves.spw),
        "MEAS_FREQ_REF": np.ones(count), **{name: np.full(count, -1) for name in _UNSET},
    }  # fmt: skip
    for name, values in whole.items():
        table.putcol(name, np.asarray(values, dtype=np.float64 if name == "TIME" else np.int32))
    for name, text in (("POLY_TYPE", "SPLINE" if spline else "CHEBYSHEV"), ("POLY_MODE", mode), ("PHASE_UNITS", "RADIANS")):
        table.putcol(name, [text] * count)
    for name in ("SCALE_FACTOR", *(() if spline else ("SIDEBAND_REF",))):
        table.putcol(name, np.ones(count, dtype=np.complex64))
    for row in range(count):
        for name, (_, value) in _NOTHING.items():
            table.putcell(name, row, value)
        table.putcell("REF_ANT", row, np.full((1, 1, 1), refant, dtype=np.int32))
        table.putcell("REF_FREQUENCY", row, np.full((1, 1, 1), curves.reference_hz[row]))
        for name, parts in (("AMP", curves.amplitude), ("PHASE", curves.phase)):
            table.putcell(f"N_POLY_{name}", row, parts[row].shape[1])
            table.putcell(f"POLY_COEFF_{name}", row, parts[row].reshape(-1, 1, 1, 1))
            if spline:
                table.putcell(f"N_KNOTS_{name}", row, len(curves.domain[row]))
                table.putcell(f"SPLINE_KNOTS_{name}", row, curves.domain[row].reshape(-1, 1, 1, 1))
        if not spline:
            table.putcell("VALID_DOMAIN", row, curves.domain[row])
