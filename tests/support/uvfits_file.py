"""A small UVFITS file written from numpy arrays, for tests of the importer."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

Table = tuple[str, dict[str, Any], list[tuple[str, str, Any]]]


def _header(cards: dict[str, Any], extra: tuple[str, ...] = ()) -> bytes:
    lines = []
    for key, value in cards.items():
        text = (
            f"'{value:<8}'"
            if isinstance(value, str)
            else ("T" if value else "F")
            if isinstance(value, bool)
            else repr(value).upper()
        )
        lines.append(f"{key:<8}= {text:>20}"[:80].ljust(80))
    lines += [line.ljust(80) for line in extra] + ["END".ljust(80)]
    raw = "".join(lines).encode("latin-1")
    return raw + b" " * (-len(raw) % 2880)


def _binary_table(name: str, header: dict[str, Any], columns: list[tuple[str, str, Any]]) -> bytes:
    kinds = {"J": ">i4", "D": ">f8", "E": ">f4"}
    fields = []
    for title, form, _ in columns:
        count, letter = int(form[:-1] or 1), form[-1]
        fields.append(
            (title, f"S{count}") if letter == "A" else (title, kinds[letter], (count,)) if count != 1 else (title, kinds[letter])
        )
    record = np.zeros(len(columns[0][2]), dtype=np.dtype(fields))
    for title, _, values in columns:
        record[title] = values
    cards: dict[str, Any] = {"XTENSION": "BINTABLE", "BITPIX": 8, "NAXIS": 2, "NAXIS1": record.dtype.itemsize, "NAXIS2": len(record),
             "PCOUNT": 0, "GCOUNT": 1, "TFIELDS": len(columns), "EXTNAME": name}  # fmt: skip
    for k, (title, form, _) in enumerate(columns, start=1):
        cards[f"TTYPE{k}"], cards[f"TFORM{k}"] = title, form
    raw = record.tobytes()
    return _header({**cards, **header}) + raw + b"\0" * (-len(raw) % 2880)


def write_uvfits(
    path: Path,
    parameters: list[tuple[str, float, float, Any]],
    data: np.ndarray,
    tables: list[Table],
    stokes: tuple[float, float] = (-1.0, -1.0),
    header: dict[str, Any] | None = None,
    extra: tuple[str, ...] = (),
) -> str:
    """Write groups ``data`` (group, if, chan, stokes, 3) with random parameters (name, scale, zero, raw values)."""
    ngroup, nif, nchan, nstokes, _ = data.shape
    cards: dict[str, Any] = {"SIMPLE": True, "BITPIX": -32, "NAXIS": 7, "NAXIS1": 0, "NAXIS2": 3, "NAXIS3": nstokes, "NAXIS4": nchan,
             "NAXIS5": nif, "NAXIS6": 1, "NAXIS7": 1, "EXTEND": True, "GROUPS": True, "PCOUNT": len(parameters), "GCOUNT": ngroup,
             "OBJECT": "TARGET", "TELESCOP": "VLA", "OBSERVER": "me", "DATE-OBS": "2010-01-02", "EPOCH": 2000.0}  # fmt: skip
    axes = (
        ("COMPLEX", 1.0, 1.0),
        ("STOKES", *stokes),
        ("FREQ", 1.4e9, 1e6),
        ("IF", 1.0, 1.0),
        ("RA", 200.0, 1.0),
        ("DEC", 20.0, 1.0),
    )
    for k, (name, value, step) in enumerate(axes, start=2):
        cards |= {f"CTYPE{k}": name, f"CRVAL{k}": value, f"CDELT{k}": step, f"CRPIX{k}": 1.0}
    for k, (name, scale, zero, _) in enumerate(parameters, start=1):
        cards |= {f"PTYPE{k}": name, f"PSCAL{k}": scale, f"PZERO{k}": zero}
    raw = (
        np.concatenate([np.stack([np.asarray(p[3], dtype=">f4") for p in parameters], axis=1), data.reshape(ngroup, -1)], axis=1)
        .astype(">f4")
        .tobytes()
    )
    content = _header({**cards, **(header or {})}, extra) + raw + b"\0" * (-len(raw) % 2880)
    content += b"".join(_binary_table(*t) for t in tables)
    path.write_bytes(content)
    return str(path)


def antenna_table(numbers: list[int], header: dict[str, Any] | None = None, positions: np.ndarray | None = None) -> Table:
    """An AN table of antennas at ``positions`` (ant, 3)."""
    n = len(numbers)
    where = np.arange(3.0 * n).reshape(n, 3) if positions is None else positions
    cards = {
        "ARRAYX": 0.0,
        "ARRAYY": 0.0,
        "ARRAYZ": 0.0,
        "GSTIA0": 90.0,
        "DEGPDY": 360.98,
        "RDATE": "2010-01-02",
        "TIMSYS": "UTC",
        "ARRNAM": "VLA",
    }
    columns = [("ANNAME", "8A", [f"ST{k}" for k in numbers]), ("STABXYZ", "3D", where), ("NOSTA", "1J", numbers), ("MNTSTA", "1J", [0] * n),
               ("STAXOF", "1E", [0.5] * n), ("POLTYA", "1A", ["R"] * n), ("POLAA", "1E", [0.0] * n), ("POLTYB", "1A", ["L"] * n),
               ("POLAB", "1E", [90.0] * n)]  # fmt: skip
    return ("AIPS AN", {**cards, **(header or {})}, columns)
