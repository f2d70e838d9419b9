"""Listing calibration solutions as text: four antennas a page, one line a time and channel."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from casatools._base import log
from casatools._base.errors import DataError
from casatools._base.paths import staged_output
from casatools.calibration.reference_antenna import antenna_ids
from casatools.frames.epochs import format_epoch
from casatools.io.caltable import CalTable, SolutionGroup
from casatools.io.ms import MeasurementSet, Selection

__all__ = ["ListingOptions", "list_solutions"]

_ANTENNAS_A_PAGE = 4
_CELL = "--------------|"


@dataclass(frozen=True)
class ListingOptions:
    """What to list; see the task listcal."""

    field: str = ""
    antenna: str = ""
    spw: str = ""
    pagerows: int = 50


def list_solutions(vis: str, caltable: str, options: ListingOptions, listfile: str = "") -> None:
    """List the solutions of a table into a file, or the log.

    Raises
    ------
    PathMissingError, DataError, SelectionError, OutputExistsError
        An input is missing, nothing is selected, or the file exists.
    """
    with MeasurementSet(vis) as ms:
        chosen = Selection(field=options.field, spw=options.spw).resolve(ms, allow_empty=True)
        fields = {int(f) for f in chosen.fields} if options.field.strip() else None
        spws = {int(s) for s in chosen.spws} if options.spw.strip() else None
    table = CalTable.open(caltable)
    names = table.antenna_names
    antennas = antenna_ids(names, options.antenna) if options.antenna.strip() else list(range(len(names)))
    keep = np.isin(table.antenna1, antennas)
    if fields is not None:
        keep &= np.isin(table.field_id, list(fields))
    if spws is not None:
        keep &= np.isin(table.spw_id, list(spws))
    if not keep.any():
        raise DataError(f"calibration table {caltable!r} has no solutions for the selection")
    lines = list(_lines(table.select(keep), caltable, vis, antennas, options.pagerows))
    if not listfile:
        for line in lines:
            log.post(line)
        return
    with staged_output(listfile) as path, open(path, "w", encoding="utf-8") as file:
        file.write("\n".join(lines) + "\n")


def _lines(table: CalTable, name: str, vis: str, antennas: list[int], pagerows: int) -> Iterator[str]:
    for group in table.groups:
        for spw in np.unique(table.spw_id[group.rows]).tolist():
            mine = np.flatnonzero(table.spw_id[group.rows] == spw)
            first = float(table.time_s[group.rows[mine]].min())
            date = format_epoch(first, "date").split("/")
            yield f"SpwID = {spw}, Date = {'/'.join(date[:3])},  CalTable = {name} ({table.vis_cal}), MS name = {vis}"
            for start in range(0, len(antennas), _ANTENNAS_A_PAGE):
                yield from _page(table, group, mine, antennas[start : start + _ANTENNAS_A_PAGE], pagerows)


def _heading(table: CalTable, page: list[int], npar: int) -> list[str]:
    names = table.antenna_names
    width = npar * 15 - 1
    return [
        " " * 25 + "|" + "".join(f" Ant = {names[a]}".ljust(width) + "|" for a in page),
        "Time       Field      Chn|" + "".join((" Amp    Phs  F " * npar)[:width] + "|" for _ in page),
        "----------|----------|---|" + _CELL * (npar * len(page)),
    ]


def _page(table: CalTable, group: SolutionGroup, mine: np.ndarray, page: list[int], pagerows: int) -> Iterator[str]:
    rows = group.rows[mine]
    keys = np.stack([table.time_s[rows], table.field_id[rows]])
    distinct, which = np.unique(keys, axis=1, return_inverse=True)
    which = which.reshape(-1)
    heading = _heading(table, page, group.param.shape[2])
    yield from heading
    count = 0
    for k in range(distinct.shape[1]):
        at = {int(table.antenna1[rows[i]]): int(mine[i]) for i in np.flatnonzero(which == k)}
        clock = format_epoch(float(distinct[0, k]), "time")
        field = int(distinct[1, k])
        label = table.field_names[field] if field >= 0 else "any"
        for chan in range(group.param.shape[1]):
            if pagerows > 0 and count and count % pagerows == 0:
                yield from heading
            count += 1
            yield f"{clock:10} {label[:10]:>10} {chan:3d}|" + "".join(_cell(group, at.get(a), chan) for a in page)


def _cell(group: SolutionGroup, index: int | None, chan: int) -> str:
    """Amplitude, phase (deg) and flag of each parameter of an antenna; real parameters as they are."""
    text = ""
    for par in range(group.param.shape[2]):
        if index is None:
            text += " " * 15
            continue
        value, flag = group.param[index, chan, par], "F" if group.flag[index, chan, par] else " "
        if np.iscomplexobj(group.param):
            text += f"{abs(value):5.3f} {np.angle(value, deg=True):6.1f} {flag} "
        else:
            text += f"{float(value):12.5g} {flag} "
    return text
