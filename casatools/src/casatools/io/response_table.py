"""Tables of antenna responses in the layout that CASA's vpmanager writes: which image is the response of which antennas, where, when and at which frequencies."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from casatools._base.errors import DataError
from casatools._base.paths import staged_output
from casatools.io.image.coordinates.direction import DIRECTION_FRAMES
from casatools.io.table_access import create_table, table_errors
from casatools.io.tables import open_table

__all__ = ["FUNCTION_TYPES", "Response", "read_responses", "write_responses"]

# Kinds of responses by their numbers in tables: aperture illumination, electric field, voltage pattern.
FUNCTION_TYPES = {"NA": 0, "AIF": 1, "EFP": 2, "VP": 3, "VPMAN": 4, "INTERNAL": 5}
_KIND = {number: name for name, number in FUNCTION_TYPES.items()}
_AZEL = 10
# Numbers of the frames in such tables, in the order of `DIRECTION_FRAMES`.
_CODES = [*range(12), 10, 12, 13, 12, *range(14, 22), *range(32, 43)]


@dataclass(frozen=True)
class Response:
    """One image of a table: a sub-band of a row.

    Attributes
    ----------
    observatory, antenna_type, receiver : str
    beam : int
        Of several beams of an antenna.
    start_s : float
        UTC [s] from which it holds.
    azimuth_rad, elevation_rad : (float, float, float)
        Least, nominal and greatest.
    band : str
    band_hz : (float, float)
        Frequencies of the band.
    nominal_hz : float
        Frequency of the response.
    kind : str
        One of `FUNCTION_TYPES`.
    name : str
        Of the image, beside the table.
    channel : int
        Of the image.
    offset_deg : float
        By which the response is turned.
    """

    observatory: str
    beam: int
    antenna_type: str
    receiver: str
    start_s: float
    azimuth_rad: tuple[float, float, float]
    elevation_rad: tuple[float, float, float]
    band: str
    band_hz: tuple[float, float]
    nominal_hz: float
    kind: str
    name: str
    channel: int = 0
    offset_deg: float = 0.0

    @property
    def row(self) -> tuple[object, ...]:
        """What sub-bands of one row share."""
        return (
            self.observatory,
            self.beam,
            self.antenna_type,
            self.receiver,
            self.start_s,
            self.azimuth_rad,
            self.elevation_rad,
        )


def _column(kind: str, array: bool = False, comment: str = "", keywords: dict[str, Any] | None = None) -> dict[str, Any]:
    found: dict[str, Any] = {
        "valueType": kind, "dataManagerType": "StandardStMan", "dataManagerGroup": "StandardStMan", "option": 0, "maxlen": 0, "comment": comment,
        "keywords": keywords or {},
    }  # fmt: skip
    return found | {"ndim": -1} if array else found


def _description() -> dict[str, Any]:
    sky: dict[str, Any] = {
        "QuantumUnits": ["rad", "rad"],
        "MEASINFO": {
            "type": "direction", "VarRefCol": "CENTER_REF", "TabRefTypes": list(DIRECTION_FRAMES), "TabRefCodes": np.array(_CODES, np.uint32),
        },
    }  # fmt: skip
    hertz = {"QuantumUnits": ["Hz"]}
    return {
        "BEAM_ID": _column("int", comment="number of the row"),
        "NAME": _column("string", comment="observatory"),
        "BEAM_NUMBER": _column("int", comment="of several beams at a time, from 0"),
        "START_TIME": _column(
            "double", comment="from which the row holds", keywords={"QuantumUnits": ["s"], "MEASINFO": {"type": "epoch", "Ref": "UTC"}}
        ),
        "ANTENNA_TYPE": _column("string"), "RECEIVER_TYPE": _column("string"),
        "NUM_SUBBANDS": _column("int", comment="elements of the arrays of the row"), "BAND_NAME": _column("string", True),
        "SUBBAND_MIN_FREQ": _column("double", True, keywords=hertz), "SUBBAND_MAX_FREQ": _column("double", True, keywords=hertz),
        "CENTER": _column("double", True, "nominal place on the sky", sky), "CENTER_REF": _column("int") | {"option": 5},
        "VALID_CENTER_MIN": _column("double", True, keywords=sky), "VALID_CENTER_MAX": _column("double", True, keywords=sky),
        "FUNCTION_TYPE": _column("int", True), "FUNCTION_NAME": _column("string", True), "FUNCTION_CHANNEL": _column("uint", True),
        "NOMINAL_FREQ": _column("double", True, keywords=hertz), "RESPONSE_ROTATION_OFFSET": _column("double", True, keywords={"QuantumUnits": ["deg"]}),
    }  # fmt: skip


def write_responses(path: str, responses: Sequence[Response]) -> int:
    """Write a table, in the place of one that is there; gives its number of rows."""
    rows: dict[tuple[object, ...], list[Response]] = {}
    for response in responses:
        rows.setdefault(response.row, []).append(response)
    with staged_output(path, overwrite=True) as staged:
        table = create_table(staged, _description())
        try:
            table.addrows(len(rows))
            for number, parts in enumerate(rows.values()):
                for name, value in _cells(number, parts).items():
                    table.putcell(name, number, value)
            table.flush()
        finally:
            table.close()
    return len(rows)


def _cells(number: int, parts: Sequence[Response]) -> dict[str, Any]:
    one = parts[0]
    places = np.array([one.azimuth_rad, one.elevation_rad])
    return {
        "BEAM_ID": number, "NAME": one.observatory, "BEAM_NUMBER": one.beam, "START_TIME": one.start_s, "ANTENNA_TYPE": one.antenna_type,
        "RECEIVER_TYPE": one.receiver, "NUM_SUBBANDS": len(parts), "BAND_NAME": [p.band for p in parts],
        "SUBBAND_MIN_FREQ": np.array([p.band_hz[0] for p in parts]), "SUBBAND_MAX_FREQ": np.array([p.band_hz[1] for p in parts]),
        "VALID_CENTER_MIN": places[:, 0], "CENTER": places[:, 1], "VALID_CENTER_MAX": places[:, 2], "CENTER_REF": _AZEL,
        "FUNCTION_TYPE": np.array([FUNCTION_TYPES[p.kind] for p in parts], np.int32), "FUNCTION_NAME": [p.name for p in parts],
        "FUNCTION_CHANNEL": np.array([p.channel for p in parts], np.uint32), "NOMINAL_FREQ": np.array([p.nominal_hz for p in parts]),
        "RESPONSE_ROTATION_OFFSET": np.array([p.offset_deg for p in parts]),
    }  # fmt: skip


def read_responses(path: str) -> list[Response]:
    """The images of a table.

    Raises
    ------
    PathMissingError, DataError
        Nothing is there, or it is no table of antenna responses, or its places are not in azimuth and elevation.
    """
    table = open_table(path, what="table of antenna responses")
    try:
        if missing := sorted(set(_description()) - set(table.colnames())):
            raise DataError(f"{path!r} is no table of antenna responses: it has no column {missing[0]!r}")
        with table_errors(f"table of antenna responses {path!r} cannot be read"):
            found = []
            for row in range(table.nrows()):
                cell = {name: table.getcell(name, row) for name in table.colnames()}
                found += _row(path, cell)
    finally:
        table.close()
    return found


def _row(path: str, cell: dict[str, Any]) -> list[Response]:
    if not str(_frame(int(cell["CENTER_REF"]))).startswith("AZEL"):
        raise DataError(f"table of antenna responses {os.path.basename(path)!r} has places that are not in azimuth and elevation")
    azimuth, elevation = (
        (float(cell["VALID_CENTER_MIN"][k]), float(cell["CENTER"][k]), float(cell["VALID_CENTER_MAX"][k])) for k in (0, 1)
    )
    names, bands = (_texts(cell[name]) for name in ("FUNCTION_NAME", "BAND_NAME"))
    return [
        Response(
            str(cell["NAME"]), int(cell["BEAM_NUMBER"]), str(cell["ANTENNA_TYPE"]), str(cell["RECEIVER_TYPE"]), float(cell["START_TIME"]),
            azimuth, elevation, bands[k], (float(cell["SUBBAND_MIN_FREQ"][k]), float(cell["SUBBAND_MAX_FREQ"][k])),
            float(cell["NOMINAL_FREQ"][k]), _KIND.get(int(cell["FUNCTION_TYPE"][k]), "NA"), name, int(cell["FUNCTION_CHANNEL"][k]),
            float(cell["RESPONSE_ROTATION_OFFSET"][k]),
        )
        for k, name in enumerate(names)
    ]  # fmt: skip


def _texts(value: Any) -> list[str]:
    return [str(v) for v in (value["array"] if isinstance(value, dict) else value)]


def _frame(code: int) -> str:
    return next((name for name, number in zip(DIRECTION_FRAMES, _CODES, strict=True) if number == code), "")
