"""Reference frames of the measures columns of a MeasurementSet: of uvw, and of the directions of fields."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing

import numpy as np

from casatools.io.ms.parts import part_paths
from casatools.io.tables import open_table, subtable_path

__all__ = ["FIELD_DIRECTIONS", "field_frames_vary", "set_field_frames", "set_uvw_frame"]

FIELD_DIRECTIONS = ("PHASE_DIR", "DELAY_DIR", "REFERENCE_DIR")


def set_uvw_frame(path: str, frame: str) -> None:
    """Name the frame of UVW, in every part of a multi-MS."""
    for part in part_paths(path):
        with closing(open_table(part, writable=True)) as table:
            keyword = dict(table.getcolkeywords("UVW").get("MEASINFO", {}))
            table.putcolkeyword("UVW", "MEASINFO", {**keyword, "type": "uvw", "Ref": frame})


def field_frames_vary(path: str) -> bool:
    """True when each field has a frame of its own, rather than the column one for all."""
    with closing(open_table(subtable_path(path, "FIELD"))) as table:
        return "VarRefCol" in table.getcolkeywords("PHASE_DIR").get("MEASINFO", {})


def set_field_frames(path: str, fields: Sequence[int], frame: str) -> None:
    """Name the frame of the directions of some fields; where a column has one frame, it is changed for all."""
    with closing(open_table(subtable_path(path, "FIELD"), writable=True)) as table:
        for name in FIELD_DIRECTIONS:
            keyword = dict(table.getcolkeywords(name).get("MEASINFO", {}))
            variable = keyword.get("VarRefCol")
            if not variable:
                table.putcolkeyword(name, "MEASINFO", {**keyword, "type": "direction", "Ref": frame})
                continue
            names, codes = list(keyword.get("TabRefTypes", [])), np.ravel(keyword.get("TabRefCodes", [])).tolist()
            for number in fields:
                table.putcell(variable, number, codes[names.index(frame)] if frame in names else frame)
