"""What the parts of a multi-MS hold."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import numpy as np

from casatools.io.ms import MeasurementSet
from casatools.io.ms.parts import is_multi_ms, part_paths

__all__ = ["list_partition", "partition_text"]

# Least widths of the columns of the list.
_WIDTHS = {"Scan": 4, "Spw": 5, "Nchan": 5, "Nrows": 6, "Size": 4}


def list_partition(vis: str) -> dict[int, dict[str, Any]]:
    """The parts of a multi-MS by number, a plain MeasurementSet being one part.

    Returns
    -------
    dict
        ``{0: {"MS": name, "size": "4.3M", "scanId": {1: {"nrows": 336, "spwIds": array([0, 1]), "nchans": array([8, 8])}}}}``

    Raises
    ------
    PathMissingError, DataError
    """
    with MeasurementSet(vis):  # a plain table is refused here
        found = part_paths(vis)
    return {k: _describe(path) for k, path in enumerate(found)}


def _describe(path: str) -> dict[str, Any]:
    with MeasurementSet(path) as ms:
        scan, ddid = (np.asarray(ms.read(c)) for c in ("SCAN_NUMBER", "DATA_DESC_ID"))
        descriptions, windows = ms.metadata.data_descriptions, ms.metadata.spectral_windows
        scans: dict[int, dict[str, Any]] = {}
        for number in np.unique(scan):
            inside = scan == number
            spws = np.unique([descriptions[int(d)].spw for d in np.unique(ddid[inside])])
            nchan = np.array([windows[int(s)].nchan for s in spws])
            scans[int(number)] = {"nrows": int(inside.sum()), "spwIds": spws, "nchans": nchan}
    return {"MS": os.path.basename(os.path.abspath(path)), "size": _size(path), "scanId": scans}


def _size(path: str) -> str:
    """Disk space as ``du -h`` writes it; what is linked from elsewhere does not count."""
    blocks = os.lstat(path).st_blocks
    for folder, folders, files in os.walk(path):
        blocks += sum(os.lstat(os.path.join(folder, name)).st_blocks for name in (*folders, *files))
    number = blocks * 512.0
    unit = 0
    while number >= 1024 and unit < 4:
        number /= 1024
        unit += 1
    text = f"{np.ceil(number * 10) / 10:.1f}" if number < 9.95 and unit else f"{np.ceil(number):.0f}"
    return text + "BKMGT"[unit]


def partition_text(vis: str) -> str:
    """The parts of a multi-MS as a table with one line a scan."""
    head = ("Sub-MS" if is_multi_ms(vis) else "MS", *_WIDTHS)
    lines = [head, *_lines(list_partition(vis))]
    widths = [max(len(line[k]) for line in lines) for k in range(len(head))]
    widths = [max(width, _WIDTHS.get(name, 0)) + 2 for width, name in zip(widths, head, strict=True)]
    return "\n".join("".join(cell.ljust(w) for cell, w in zip(line, widths, strict=True)) for line in lines) + "\n"


def _lines(parts: dict[int, dict[str, Any]]) -> Iterator[tuple[str, ...]]:
    for part in parts.values():
        for k, (scan, what) in enumerate(part["scanId"].items()):
            values = (str(scan), str(what["spwIds"]), str(what["nchans"]), str(what["nrows"]))
            yield (part["MS"] if k == 0 else "", *values, part["size"] if k == 0 else "")
