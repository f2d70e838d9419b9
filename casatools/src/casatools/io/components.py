"""Component list tables: CASA's records of sky components on disk.

The columns are those that CASA's component lists have; ``Spectral_Record`` holds the whole record of the spectrum, the columns before it
what older versions read.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from casatools._base.errors import DataError, PathMissingError
from casatools.io.image.coordinates.units import unit_scale
from casatools.io.table_access import create_table, table_errors, to_casa, to_casacore
from casatools.io.tables import Table, is_table, open_table, table_kind

__all__ = [
    "is_component_table", "move_components", "put_component_keyword", "read_component_keyword", "read_component_keywords",
    "read_components", "write_components",
]  # fmt: skip


_README = "This is a ComponentList Table containing parameterised representations\nof the sky brightness."
_DIRECTION = {"MEASINFO": {"type": "direction", "VarRefCol": "Direction_Frame"}, "QuantumUnits": ["rad", "rad"]}
_FREQUENCY = {"MEASINFO": {"type": "frequency", "VarRefCol": "Frequency_Frame"}, "QuantumUnits": ["Hz"]}
# name: (type, shape (None is scalar, () is free), comment, keywords)
_COLUMNS: dict[str, tuple[str, tuple[int, ...] | None, str, dict[str, Any]]] = {
    "Flux": ("dcomplex", (4,), "Flux values", {}),
    "Flux_Unit": ("string", None, "Flux units", {}),
    "Flux_Polarisation": ("string", None, "Flux polarisation representation", {}),
    "Flux_Error": ("dcomplex", (4,), "Flux errors", {}),
    "Shape": ("string", None, "Shape of the Component", {}),
    "Reference_Direction": ("double", (2,), "Reference direction values", _DIRECTION),
    "Direction_Frame": ("string", None, "The reference direction frame", {}),
    "Direction_Error": (
        "double", (2,), "Error in the reference direction values", {"VariableUnits": "Direction_Error_Units"}),
    "Direction_Error_Units": ("string", (2,), "Units of the direction error", {}),
    "Shape_Parameters": ("double", (), "Parameters specific to the component shape", {}),
    "Shape_Error": ("double", (), "Error in the shape parameters", {}),
    "Spectrum_Shape": ("string", None, "Shape of the spectrum", {}),
    "Reference_Frequency": ("double", None, "The reference frequency values", _FREQUENCY),
    "Frequency_Frame": ("string", None, "The reference frequency frame", {}),
    "Frequency_Error": ("double", None, "Error in the reference frequency", {"VariableUnits": "Frequency_Error_Units"}),
    "Frequency_Error_Units": ("string", None, "Units of the frequency error", {}),
    "Spectral_Parameters": ("double", (), "Parameters specific to the components spectrum", {}),
    "Spectral_Error": ("double", (), "Errors in the spectral parameters", {}),
    "Label": ("string", None, "An arbitrary label for the user", {}),
    "Spectral_Record": ("record", None, "", {}),
}  # fmt: skip
_WIDTHS = ("majoraxis", "minoraxis", "positionangle")
_DISPLAY_UNITS = ("arcmin", "arcmin", "deg")


def is_component_table(path: str) -> bool:
    """True when `path` is a component list table."""
    return is_table(path) and table_kind(path).lower().startswith("component")


def _open(path: str, writable: bool = False) -> Table:
    if not os.path.exists(path):
        raise PathMissingError(f"component list {path!r} does not exist")
    if not is_component_table(path):
        raise DataError(f"{path!r} is not a component list table")
    return open_table(path, writable, "component list")


def read_components(path: str) -> list[dict[str, Any]]:
    """All components of a table as CASA's component records.

    Raises
    ------
    PathMissingError, DataError
        Nothing is there, or it is no component list or a damaged one.
    """
    table = _open(path)
    try:
        with table_errors(f"component list {path!r} cannot be read"):
            return [_read_row(table, row) for row in range(table.nrows())]
    finally:
        table.close()


def _read_row(table: Table, row: int) -> dict[str, Any]:
    def cell(name: str) -> Any:
        return table.getcell(name, row) if name in table.colnames() and table.iscelldefined(name, row) else None

    polarization = str(cell("Flux_Polarisation"))
    values, errors = np.asarray(cell("Flux")), np.asarray(cell("Flux_Error"))
    real = polarization.lower() == "stokes"
    flux = {
        "value": values.real if real else values, "error": errors.real if real else errors, "unit": str(cell("Flux_Unit")),
        "polarisation": polarization,
    }  # fmt: skip
    angles = [float(v) for v in cell("Reference_Direction")]
    error, units = cell("Direction_Error"), cell("Direction_Error_Units")
    direction = {
        "type": "direction", "refer": str(cell("Direction_Frame")), "m0": {"value": angles[0], "unit": "rad"},
        "m1": {"value": angles[1], "unit": "rad"},
        "error": {"longitude": {"value": float(error[0]), "unit": str(units[0])},
                  "latitude": {"value": float(error[1]), "unit": str(units[1])}},
    }  # fmt: skip
    shape: dict[str, Any] = {"type": str(cell("Shape")), "direction": direction}
    parameters = np.ravel(cell("Shape_Parameters"))
    parameter_errors = np.ravel(cell("Shape_Error"))
    if len(parameters) >= 3:
        for k, (name, unit) in enumerate(zip(_WIDTHS, _DISPLAY_UNITS, strict=True)):
            shape[name] = {"value": float(parameters[k]) * unit_scale("rad", unit), "unit": unit}
            shape[name + "error"] = {"value": float(parameter_errors[k]) if len(parameter_errors) > k else 0.0, "unit": "rad"}
    return {"flux": flux, "shape": shape, "spectrum": _read_spectrum(cell), "label": str(cell("Label") or "")}


def _read_spectrum(cell: Any) -> dict[str, Any]:
    record = cell("Spectral_Record")
    if isinstance(record, Mapping) and record.get("type"):
        return {k: to_casa(v) for k, v in record.items()}
    kind = str(cell("Spectrum_Shape"))
    frequency = {
        "type": "frequency", "refer": str(cell("Frequency_Frame")),
        "m0": {"value": float(cell("Reference_Frequency")) * 1e-9, "unit": "GHz"},
    }  # fmt: skip
    record = {"type": kind, "frequency": frequency}
    parameters, errors = cell("Spectral_Parameters"), cell("Spectral_Error")
    if kind == "Spectral Index":
        record["index"] = float(np.ravel(parameters)[0])
        record["error"] = float(np.ravel(errors)[0]) if errors is not None and len(errors) else 0.0
    elif kind != "Constant":
        record["coeffs"], record["error"] = np.ravel(parameters), np.ravel(errors)
    return record


def write_components(path: str, records: Sequence[Mapping[str, Any]], keywords: Mapping[str, Any] | None = None) -> None:
    """Make a component list table of CASA's component records, normally below a name that `staged_output` yields."""
    description: dict[str, Any] = {}
    for name, (kind, shape, comment, words) in _COLUMNS.items():
        column: dict[str, Any] = {"valueType": kind, "comment": comment, "keywords": words, "option": 0}
        if shape is None:
            column["option"] = 0 if kind == "record" else 5
        elif shape:
            column.update(option=5, shape=list(shape), ndim=len(shape))
        else:
            column["ndim"] = 1
        description[name] = column
    table = create_table(path, description, len(records))
    try:
        with table_errors(f"component list {path!r} cannot be written"):
            for row, record in enumerate(records):
                for name, value in _row_cells(record).items():
                    table.putcell(name, row, value)
            for name, value in (keywords or {}).items():
                table.putkeyword(name, to_casacore(value))
            table.putinfo({"type": "Component List", "subType": "", "readme": _README})
    finally:
        table.close()


def _row_cells(record: Mapping[str, Any]) -> dict[str, Any]:
    flux, shape, spectrum = record["flux"], record["shape"], record["spectrum"]
    direction, error = shape["direction"], shape["direction"]["error"]
    extended = all(name in shape for name in _WIDTHS)
    frequency = spectrum["frequency"]
    kind = str(spectrum["type"])
    parameters, spectral_errors = _spectral_columns(spectrum, kind)
    return {
        "Flux": np.asarray(flux["value"], complex), "Flux_Error": np.asarray(flux["error"], complex),
        "Flux_Unit": flux["unit"], "Flux_Polarisation": flux["polarisation"], "Shape": shape["type"],
        "Reference_Direction": np.array([direction["m0"]["value"], direction["m1"]["value"]]),
        "Direction_Frame": direction["refer"],
        "Direction_Error": np.array([error["longitude"]["value"], error["latitude"]["value"]]),
        "Direction_Error_Units": [error["longitude"]["unit"], error["latitude"]["unit"]],
        "Shape_Parameters": np.array([_rad(shape[n]) for n in _WIDTHS] if extended else [], dtype=np.float64),
        "Shape_Error": np.array([_rad(shape[n + "error"]) for n in _WIDTHS] if extended else [], dtype=np.float64),
        "Spectrum_Shape": kind, "Reference_Frequency": _hz(frequency["m0"]),
        "Frequency_Frame": frequency["refer"], "Frequency_Error": 0.0, "Frequency_Error_Units": frequency["m0"]["unit"],
        "Spectral_Parameters": parameters, "Spectral_Error": spectral_errors, "Label": record.get("label", ""),
        "Spectral_Record": {str(k): to_casacore(v) for k, v in spectrum.items()},
    }  # fmt: skip


def _spectral_columns(spectrum: Mapping[str, Any], kind: str) -> tuple[np.ndarray, np.ndarray]:
    """Parameters and errors as columns hold them; a constant spectrum has one zero error there, as CASA writes it."""
    if kind == "Spectral Index":
        return np.array([spectrum["index"]], dtype=np.float64), np.array([spectrum["error"]], dtype=np.float64)
    if kind == "Power Logarithmic Polynomial":
        return np.asarray(spectrum["coeffs"], np.float64), np.asarray(spectrum["error"], np.float64)
    return np.zeros(0), np.zeros(1 if kind == "Constant" else 0)


def _rad(quantity: Mapping[str, Any]) -> float:
    return float(quantity["value"]) * unit_scale(str(quantity["unit"]), "rad")


def _hz(quantity: Mapping[str, Any]) -> float:
    return float(quantity["value"]) * unit_scale(str(quantity["unit"]), "Hz")


def read_component_keyword(path: str, name: str) -> Any:
    """A keyword of the table; None when there is no such keyword."""
    table = _open(path)
    try:
        return to_casa(table.getkeyword(name)) if name in table.keywordnames() else None
    finally:
        table.close()


def read_component_keywords(path: str) -> dict[str, Any]:
    """All keywords of the table."""
    table = _open(path)
    try:
        return {name: to_casa(table.getkeyword(name)) for name in table.keywordnames()}
    finally:
        table.close()


def put_component_keyword(path: str, name: str, value: Any) -> None:
    """Set a keyword of the table."""
    table = _open(path, writable=True)
    try:
        if name in table.keywordnames():
            table.removekeyword(name)
        table.putkeyword(name, to_casacore(value))
    finally:
        table.close()


def move_components(path: str, new_path: str) -> None:
    """Give a component list table another name, which must be free."""
    if not is_component_table(path):
        raise DataError(f"{path!r} is not a component list table")
    os.rename(path.rstrip("/"), new_path.rstrip("/"))
