"""Listing calibration solutions as text: eight parameters beside one another, one line a time and channel."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from casatools._base import log
from casatools._base.errors import DataError
from casatools._base.paths import staged_output
from casatools.calibration.curve_samples import sampled_curves
from casatools.frames.epochs import format_epoch
from casatools.io.caltable import CalTable, SolutionGroup
from casatools.io.caltable.curves import is_curve_table
from casatools.io.ms import MeasurementSet, Selection
from casatools.io.ms.selection_antenna import named_antennas

__all__ = ["ListingOptions", "list_solutions"]

_CELLS_A_PAGE, _LEAST_FIELD_WIDTH = 8, 5
_CELL = "--------------|"
# Lines of the window and of a heading; a page begins with one, as the reference counts.
_WINDOW_LINES, _HEADING_LINES, _PAGE_BEGINS = 2, 3, 1
_LABELS: dict[str, tuple[str, ...]] = {
    "KAntPos": ("dX m", "dY m", "dZ m"), "K": ("Delay",), "TOpac": ("Opac",), "B TSYS": ("Tsys",), "G EVLASWPOW": ("Gain", "Tsys"),
    "Fringe": ("Phase", "Delay", "Rate", "Disp"), "F Jones": ("TEC",),
}  # fmt: skip


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
    table = sampled_curves(caltable, vis) if is_curve_table(caltable) else CalTable.open(caltable)
    names = table.antenna_names
    antennas = named_antennas(options.antenna, names) if options.antenna.strip() else list(range(len(names)))
    keep = np.isin(table.antenna1, antennas)
    if table.of_baselines:
        keep |= np.isin(table.antenna2, antennas)
    if fields is not None:
        keep &= np.isin(table.field_id, list(fields))
    if spws is not None:
        keep &= np.isin(table.spw_id, list(spws))
    if not keep.any():
        raise DataError(f"calibration table {caltable!r} has no solutions for the selection")
    channels = {} if spws is None else {s: c for s, c in chosen.channels.items() if c is not None}
    # Names of all the fields in the table give the column its width, whatever is listed of them.
    width = max([_LEAST_FIELD_WIDTH, *(len(table.field_names[max(f, 0)]) for f in np.unique(table.field_id).tolist())])
    lines = list(_lines(table.select(keep), (caltable, vis), antennas, options.pagerows, channels, width))
    if not listfile:
        for line in lines:
            log.post(line)
        return
    with staged_output(listfile) as path, open(path, "w", encoding="utf-8") as file:
        file.write("\n".join(lines) + "\n")


@dataclass
class _Pages:
    """How far the page is filled, through groups of antennas and spectral windows; `length` 0 is endless."""

    length: int
    lines: int = _PAGE_BEGINS

    @property
    def full(self) -> bool:
        return 0 < self.length <= self.lines


def _lines(
    table: CalTable, names: tuple[str, str], antennas: list[int], pagerows: int, channels: dict[int, np.ndarray], width: int
) -> Iterator[str]:
    """The lines of a listing; `names` are those of the table and of the MeasurementSet."""
    name, vis = names
    count, pages = 0, _Pages(pagerows)
    for group in table.groups:
        layout = _Layout(table.vis_cal, table.is_complex, group.param.shape[2], width)
        for spw in np.unique(table.spw_id[group.rows]).tolist():
            mine = np.flatnonzero(table.spw_id[group.rows] == spw)
            # Solutions without channels are those of all channels.
            chosen = [int(c) for c in channels.get(spw, ()) if c < group.param.shape[1]] or list(range(group.param.shape[1]))
            first = float(table.time_s[group.rows[mine]].min())
            date = format_epoch(first, "date").split("/")
            yield (
                f"SpwID = {spw}, Date = {'/'.join(date[:3])},  CalTable = {name} ({table.vis_cal}), MS name = {os.path.abspath(vis)}"
            )
            yield "-" * (layout.margin + 1 + 15 * layout.cells)
            pages.lines += _WINDOW_LINES
            columns = _columns(table, group.rows[mine], antennas)
            for start in range(0, len(columns), layout.antennas):
                page = columns[start : start + layout.antennas]
                yield from _page(table, group, mine, page, layout, pages, chosen)
            count += len(mine) * len(chosen)
    yield from ("", f"Listed {count} antenna solutions.", "")


def _key(table: CalTable, row: int) -> tuple[int, int]:
    """Antenna of a solution and -1, or both antennas of its baseline."""
    return int(table.antenna1[row]), int(table.antenna2[row]) if table.of_baselines else -1


def _columns(table: CalTable, rows: np.ndarray, antennas: list[int]) -> list[tuple[int, int]]:
    """What stands beside one another: the antennas, or the baselines with solutions."""
    return sorted({_key(table, int(row)) for row in rows}) if table.of_baselines else [(a, -1) for a in antennas]


@dataclass(frozen=True)
class _Layout:
    """Columns of a listing."""

    vis_cal: str
    is_complex: bool
    npar: int
    width: int

    @property
    def antennas(self) -> int:
        """Antennas beside one another."""
        return max(1, _CELLS_A_PAGE // self.npar)

    @property
    def cells(self) -> int:
        return self.antennas * self.npar

    @property
    def margin(self) -> int:
        """Characters before the first bar."""
        return 15 + self.width

    def heading(self, names: list[str]) -> list[str]:
        """The three lines above the solutions of some antennas."""
        labels = " ".join(self._label(par) for par in range(self.npar))
        return [
            " " * self.margin + "|" + "".join(f" Ant = {name}".ljust(15 * self.npar - 1) + "|" for name in names),
            f"{'Time':11}{'Field':{self.width}} Chn|" + "".join(labels + "|" for _ in names),
            "----------|" + "-" * self.width + "|---|" + _CELL * self.cells,
        ]

    def _label(self, par: int) -> str:
        if self.is_complex:
            return " Amp    Phs  F"
        kind = self.vis_cal
        names: tuple[str, ...] = next((n for k, n in _LABELS.items() if kind.startswith(k)), ("Value",))
        if kind.startswith(("EGainCurve", "EPowerCurve")):
            names = tuple(f"c[{k}]" for k in range(max(1, self.npar // 2)))
        name = names[par % len(names)]
        return f"{name:>9}    F" if kind.startswith(("K ", "KMBD", "Kcross", "TOpac")) else f"{name:>10}   F"

    def cell(self, group: SolutionGroup, index: int | None, chan: int) -> str:
        """Amplitude, phase (deg) and flag of each parameter of an antenna; real parameters as they are."""
        text = ""
        for par in range(self.npar):
            if index is None:
                text += " " * 15
                continue
            value, flag = group.param[index, chan, par], "F" if group.flag[index, chan, par] else " "
            if self.is_complex:
                text += f"{abs(value):5.3f} {np.angle(value, deg=True):6.1f} {flag} "
            elif value != 0 and abs(value) < 1e-3:
                text += f"{float(value):10.2e}   {flag} "
            else:
                text += f"{float(value):10.5f}   {flag} "
        return text


def _page(
    table: CalTable,
    group: SolutionGroup,
    mine: np.ndarray,
    page: list[tuple[int, int]],
    layout: _Layout,
    pages: _Pages,
    channels: list[int],
) -> Iterator[str]:
    """The solutions of some antennas; a heading is repeated where a page is full, but not twice in a row."""
    rows = group.rows[mine]
    keys = np.stack([table.time_s[rows], table.field_id[rows]])
    distinct, which = np.unique(keys, axis=1, return_inverse=True)
    which = which.reshape(-1)
    names = table.antenna_names
    heading = layout.heading([names[a] if b < 0 else f"{names[a]} & {names[b]}" for a, b in page])
    yield from heading
    pages.lines += _HEADING_LINES
    for k in range(distinct.shape[1]):
        at = {_key(table, int(rows[i])): int(mine[i]) for i in np.flatnonzero(which == k)}
        clock = format_epoch(float(distinct[0, k]), "time")
        field = int(distinct[1, k])
        label = table.field_names[field] if field >= 0 else ""
        for place, chan in enumerate(channels):
            if pages.full and (k or place):
                yield from heading
                pages.lines = _PAGE_BEGINS + _HEADING_LINES
            pages.lines += 1
            yield f"{clock:10} {label:>{layout.width}} {chan:3d}|" + "".join(layout.cell(group, at.get(a), chan) for a in page)
