"""Figures of bandpasses: a panel for each antenna and spectral window."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from casatools._base import log
from casatools._base.errors import DataError, ParameterError
from casatools._base.paths import require_writable_parent
from casatools.calibration.solution_series import numbers_of
from casatools.io.caltable import CalTable
from casatools.plotting.figure import GRID, new_figure, save_figure

__all__ = ["BandpassPlot", "plot_bandpasses"]

_COLOURS = ("#1f6fb4", "#d1495b", "#3b8e5a", "#8a5fb0", "#c98a2b", "#4d4d4d")
_QUANTITIES = {
    "amp": ("amp",), "ampdb": ("ampdb",), "phase": ("phase",), "tsys": ("amp",), "both": ("amp", "phase"), "ap": ("amp", "phase"),
    "bothdb": ("ampdb", "phase"), "apdb": ("ampdb", "phase"),
}  # fmt: skip
_LABELS = {"amp": "Amplitude", "ampdb": "Amplitude [dB]", "phase": "Phase [deg]"}
_HANDS = {"R": 0, "X": 0, "L": 1, "Y": 1, "RR": 0, "XX": 0, "LL": 1, "YY": 1}


@dataclass(frozen=True)
class BandpassPlot:
    """What is drawn; see the task plotbandpass.

    Raises
    ------
    ParameterError
        A layout, polarisation or range that cannot be used.
    """

    antenna: Any = ""
    field: Any = ""
    spw: Any = ""
    scans: Any = ""
    timeranges: str = ""
    poln: Any = ""
    yaxis: str = "amp"
    xaxis: str = "chan"
    plotrange: tuple[float, ...] = (0.0, 0.0, 0.0, 0.0)
    overlay: str = ""
    showflagged: bool = False
    showpoints: Any = "auto"
    showlines: Any = "auto"
    subplot: str = "22"
    markersize: int = 3
    density: int = 108
    time_threshold_s: float = 30.0

    def __post_init__(self) -> None:
        if len(self.subplot) != 2 or not self.subplot.isdigit() or "0" in self.subplot:
            raise ParameterError(f"plotbandpass: parameter 'subplot' must be rows and columns such as '22'; got {self.subplot!r}")
        if len(self.plotrange) != 4:
            raise ParameterError(f"plotbandpass: parameter 'plotrange' must have four values; got {list(self.plotrange)}")
        if any(h not in _HANDS for h in self.named_hands):
            raise ParameterError(f"plotbandpass: parameter 'poln' must name polarisations such as 'X,Y'; got {self.poln!r}")

    @property
    def named_hands(self) -> list[str]:
        """Polarisations named."""
        items = self.poln.split(",") if isinstance(self.poln, str) else list(self.poln)
        return [str(i).strip().upper() for i in items if str(i).strip()]

    @property
    def hands(self) -> list[int]:
        """Receptors drawn."""
        return sorted({_HANDS[h] for h in self.named_hands}) or [0, 1]


@dataclass
class _Line:
    """Solutions of one antenna, spectral window, time and receptor against channel."""

    panel: tuple[str, ...]
    label: str
    x: np.ndarray
    value: np.ndarray
    flag: np.ndarray


def plot_bandpasses(
    caltable: str, figfile: str, choice: BandpassPlot, *, by_number: bool = False, say_more: bool = False
) -> list[str]:
    """Draw the solutions of a table; returns the names of the files.

    Raises
    ------
    PathMissingError, DataError, SelectionError
        The table is missing, has no solutions for the selection, or there is no such antenna, field or spectral window.
    """
    table = CalTable.open(caltable)
    lines = list(_lines(table, choice))
    if not lines:
        raise DataError(f"calibration table {caltable!r} has no unflagged solutions for the selection")
    if not figfile:
        log.post("plotbandpass: there is no window to draw in; give figfile", "WARN")
        return []
    require_writable_parent(figfile)
    panels = list(dict.fromkeys(line.panel for line in lines))
    rows, columns = int(choice.subplot[0]), int(choice.subplot[1])
    size = rows * columns
    pages = [panels[k : k + size] for k in range(0, len(panels), size)]
    root, ending = os.path.splitext(figfile if os.path.splitext(figfile)[1] else figfile + ".png")
    written = []
    for number, page in enumerate(pages):
        name = f"{number:03d}" if by_number else f"{page[0][0].split()[0]}.{number:03d}"
        path = f"{root}{ending}" if len(pages) == 1 else f"{root}.{name}{ending}"
        _draw_page(page, lines, choice, (rows, columns), os.path.basename(caltable.rstrip("/")), path)
        log.post(f"{path}: {len(page)} panels", "INFO" if say_more else "INFO2")
        written.append(path)
    log.post(f"plotbandpass: {len(written)} files, {len(panels)} panels")
    return written


def _picked(given: Any) -> str | list[str]:
    return given if isinstance(given, str) else [str(g) for g in given]


def _lines(table: CalTable, choice: BandpassPlot) -> Iterator[_Line]:
    spws = tuple(str(n) for n in table.subtables["SPECTRAL_WINDOW"].columns["NAME"])
    keep = np.isin(table.antenna1, numbers_of(table.antenna_names, _picked(choice.antenna), "antenna"))
    keep &= np.isin(table.spw_id, numbers_of(spws, _picked(choice.spw), "spectral window"))
    if len(choice.field):
        keep &= np.isin(table.field_id, numbers_of(table.field_names, _picked(choice.field), "field"))
    if len(choice.scans):
        scans = tuple(str(s) for s in range(int(table.scan.max(initial=0)) + 1))
        keep &= np.isin(table.scan, numbers_of(scans, _picked(choice.scans), "scan"))
    number = _time_numbers(table.time_s, choice.time_threshold_s)
    if choice.timeranges.strip():
        keep &= np.isin(number, _ranges(choice.timeranges))
    for group in table.groups:
        order = np.lexsort((table.time_s[group.rows], table.spw_id[group.rows], table.antenna1[group.rows]))
        for k in order[keep[group.rows[order]]].tolist():
            row = int(group.rows[k])
            name, spw = table.antenna_names[table.antenna1[row]], int(table.spw_id[row])
            x = np.arange(group.param.shape[1]) if choice.xaxis == "chan" else table.frequencies_hz[spw] / 1e9
            panel = tuple(
                text for kind, text in (("antenna", name), ("spw", f"spw {spw}"), ("time", f"time {number[row]}")) if kind not in choice.overlay
            )  # fmt: skip
            for hand in [h for h in choice.hands if h < group.param.shape[2]]:
                flag = group.flag[k, :, hand]
                if choice.showflagged or not flag.all():
                    shown = flag & (not choice.showflagged)
                    label = f"{'XY'[hand] if table.pol_basis.lower().startswith('l') else 'RL'[hand]}"
                    yield _Line(panel or ("all",), label, x, group.param[k, :, hand], shown)


def _time_numbers(time_s: np.ndarray, threshold_s: float) -> np.ndarray:
    """Number of the time of each row; times closer than the threshold to the one before count as one."""
    distinct, which = np.unique(time_s, return_inverse=True)
    return np.asarray(np.append(0, np.cumsum(np.diff(distinct) > threshold_s))[which])


def _ranges(text: str) -> list[int]:
    out: list[int] = []
    for item in text.split(","):
        low, _, high = item.strip().partition("~")
        if not low.isdigit() or (high and not high.isdigit()):
            raise ParameterError(f"plotbandpass: parameter 'timeranges' must be numbers such as '0,2~3'; got {text!r}")
        out += range(int(low), int(high or low) + 1)
    return out


def _quantity(line: _Line, what: str) -> np.ndarray:
    value = line.value
    amplitude = np.abs(value)
    if what == "phase":
        out = np.degrees(np.angle(value))
    elif what == "ampdb":
        out = 10 * np.log10(np.maximum(amplitude, 1e-30))
    else:
        out = amplitude
    return np.where(line.flag, np.nan, out)


def _draw_page(
    page: list[tuple[str, ...]], lines: list[_Line], choice: BandpassPlot, layout: tuple[int, int], title: str, path: str
) -> None:
    kinds = _QUANTITIES[choice.yaxis]
    figure = new_figure(4.2 * layout[1], 2.6 * layout[0] * len(kinds) + 0.6)
    grid = figure.subplots(layout[0] * len(kinds), layout[1], squeeze=False)
    marker = "" if choice.showpoints in (False, "False") else "."
    style = "" if choice.showlines in (False, "False") or (choice.showlines == "auto" and "phase" in kinds) else "-"
    for place, panel in enumerate(page):
        row, column = divmod(place, layout[1])
        for k, what in enumerate(kinds):
            axes = grid[row * len(kinds) + k, column]
            mine = [line for line in lines if line.panel == panel]
            for n, line in enumerate(mine):
                axes.plot(
                    line.x, _quantity(line, what), marker=marker, linestyle=style, markersize=choice.markersize, linewidth=0.8,
                    color=_COLOURS[n % len(_COLOURS)], label=line.label,
                )  # fmt: skip
            axes.set_title(", ".join(panel), fontsize=8)
            axes.set_ylabel(_LABELS[what], fontsize=8)
            axes.set_xlabel("Channel" if choice.xaxis == "chan" else "Frequency [GHz]", fontsize=8)
            axes.grid(color=GRID, linewidth=0.5)
            axes.tick_params(labelsize=7)
            low_x, high_x, low_y, high_y = choice.plotrange
            if high_x > low_x:
                axes.set_xlim(low_x, high_x)
            if high_y > low_y and what != "phase":
                axes.set_ylim(low_y, high_y)
    for cell in grid.ravel():
        cell.set_visible(bool(cell.lines))
    figure.suptitle(title, fontsize=10)
    save_figure(figure, path, dpi=float(choice.density))
