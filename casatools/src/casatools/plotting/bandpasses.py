"""Figures of bandpasses: a panel for each antenna and spectral window."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from casatools._base import log
from casatools._base.errors import DataError, ParameterError
from casatools._base.paths import require_writable_parent
from casatools.calibration.curve_samples import sampled_curves
from casatools.calibration.solution_series import numbers_of
from casatools.frames.epochs import format_epoch
from casatools.frames.frequencies import FREQUENCY_FRAMES
from casatools.io.caltable import CalTable
from casatools.io.caltable.curves import is_curve_table
from casatools.plotting.axis_labels import receptor_names
from casatools.plotting.figure import GRID, new_figure, save_figure, widen_phases

if TYPE_CHECKING:
    from casatools.plotting.bandpass_sky import Atmosphere

__all__ = ["BandpassExtras", "BandpassPlot", "plot_bandpasses"]

_COLOURS = (
    "#1f6fb4", "#d1495b", "#3b8e5a", "#8a5fb0", "#c98a2b", "#4d4d4d", "#4fb3bf", "#8c564b", "#c678b5", "#a5a13b", "#7fb2e5", "#e99aa5", "#9ed3b0",
    "#c3aede", "#e8c98f", "#a6a6a6",
)  # fmt: skip
_QUANTITIES = {
    "amp": ("amp",), "ampdb": ("ampdb",), "phase": ("phase",), "tsys": ("amp",), "both": ("amp", "phase"), "ap": ("amp", "phase"),
    "bothdb": ("ampdb", "phase"), "apdb": ("ampdb", "phase"),
}  # fmt: skip
_LABELS = {"amp": "Amplitude", "ampdb": "Amplitude [dB]", "phase": "Phase [deg]"}
_SKY, _IMAGE_SKY = "#a0489b", "#333333"
# More lines in a panel than this have no legend.
_MOST_KEYS = 32
_SKY_PLACES = 1000
_LONG_LEGEND = 8
_HANDS = {"R": 0, "X": 0, "L": 1, "Y": 1, "RR": 0, "XX": 0, "LL": 1, "YY": 1}


@dataclass(frozen=True)
class BandpassExtras:
    """What is drawn beside the solutions of one table; see the task plotbandpass.

    Attributes
    ----------
    tables : tuple of str
        Further tables, over the first.
    sky : {"", "atm", "tsky"}
        Transmission or temperature of the sky.

    Raises
    ------
    ParameterError
        A range of channels or phases, or a size, that cannot be used.
    """

    tables: tuple[str, ...] = ()
    zoom: str = ""
    chanrange: Any = ""
    set_x_range: bool = False
    phase: tuple[float, ...] = ()
    basebands: Any = ""
    show_baseband: bool = False
    channel_difference: float = 0.0
    edge: int = 8
    resample: int = 1
    platforming_threshold: float = 10.0
    platforming_sigma: float = 10.0
    sky: str = ""
    pwv: Any = "auto"
    vis: str = ""
    sky_field: Any = ""
    lo1_ghz: float = 0.0
    image_sideband: bool = False
    sky_points: bool = False
    fdm: bool = False

    def __post_init__(self) -> None:
        if len(self.phase) not in (0, 2):
            raise ParameterError(f"plotbandpass: parameter 'phase' must be two limits in degrees; got {list(self.phase)}")
        if self.resample < 1 or self.edge < 0:
            raise ParameterError(
                f"plotbandpass: 'resample' must be at least 1 and 'edge' not negative; got {self.resample} and {self.edge}"
            )
        if self.zoom and not self.tables:
            raise ParameterError(f"plotbandpass: zoom={self.zoom!r} needs another table (caltable2)")
        self.channels(100)

    @property
    def baseband_list(self) -> list[Any]:
        """Basebands named: text, a number, or a list of these."""
        given = self.basebands
        if isinstance(given, str):
            return [b for b in given.split(",") if b.strip()]
        return list(given) if isinstance(given, (list, tuple, np.ndarray)) else [given]

    def channels(self, nchan: int) -> slice:
        """The channels that set the limits of an axis: all, 'a~b', or the inner part such as '80%'.

        Raises
        ------
        ParameterError
            It is none of these.
        """
        text = str(self.chanrange).strip()
        if not text:
            return slice(0, nchan)
        share = re.fullmatch(r"(\d+(?:\.\d+)?)%", text)
        span = re.fullmatch(r"(\d+)~(\d+)", text)
        if share and 0 < float(share[1]) <= 100:
            skipped = int(nchan * (1 - float(share[1]) / 100) / 2)
            return slice(skipped, nchan - skipped)
        if span and int(span[1]) < int(span[2]):
            return slice(int(span[1]), int(span[2]) + 1)
        raise ParameterError(f"plotbandpass: parameter 'chanrange' must be such as '5~100' or '80%'; got {text!r}")


_NO_EXTRAS = BandpassExtras()


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
    more: BandpassExtras = _NO_EXTRAS

    def __post_init__(self) -> None:
        if len(self.subplot) != 2 or not self.subplot.isdigit() or "0" in self.subplot:
            raise ParameterError(f"plotbandpass: parameter 'subplot' must be rows and columns such as '22'; got {self.subplot!r}")
        if len(self.plotrange) != 4:
            raise ParameterError(f"plotbandpass: parameter 'plotrange' must have four values; got {list(self.plotrange)}")
        if any(h not in _HANDS for h in self.named_hands):
            raise ParameterError(f"plotbandpass: parameter 'poln' must name polarisations such as 'X,Y'; got {self.poln!r}")

    @property
    def layout(self) -> tuple[int, int, int]:
        """Rows and columns of a page, and of how many solutions it is: amplitude and phase stand beside each other, as in CASA."""
        rows, columns, kinds = int(self.subplot[0]), int(self.subplot[1]), len(_QUANTITIES[self.yaxis])
        rows = max(rows, -(-kinds // columns))
        return rows, columns, rows * columns // kinds

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
    frequency_hz: np.ndarray
    source: int = 0
    title: str = ""
    spw: int = 0
    hand: int = 0
    owner: str = ""


def plot_bandpasses(
    caltable: str, figfile: str, choice: BandpassPlot, *, by_number: bool = False, say_more: bool = False, pdf: bool = False
) -> list[str]:
    """Draw the solutions of a table; returns the names of the files.

    Raises
    ------
    PathMissingError, DataError, SelectionError
        The table is missing, has no solutions for the selection, or there is no such antenna, field or spectral window.
    """
    more = choice.more
    names = [caltable, *more.tables]
    tables = [sampled_curves(name, more.vis) if is_curve_table(name) else CalTable.open(name) for name in names]
    lines = []
    for source, (name, table) in enumerate(zip(names, tables, strict=True)):
        found = list(_lines(name, table, choice, source))
        if not found:
            raise DataError(f"calibration table {name!r} has no unflagged solutions for the selection")
        lines += found
    drawn = _Drawn(choice, lines, *_surroundings(caltable, tables[0], more), frame=_frame(tables[0]))
    if not figfile:
        log.post("plotbandpass: there is no window to draw in; give figfile", "WARN")
        return []
    require_writable_parent(figfile)
    panels = list(dict.fromkeys(line.panel for line in lines))
    rows, columns, size = choice.layout
    pages = [panels[k : k + size] for k in range(0, len(panels), size)]
    root, ending = os.path.splitext(figfile if os.path.splitext(figfile)[1] else figfile + ".png")
    if pdf and ending != ".pdf":
        _join_pages(f"{root}.pdf", [(page, drawn, (rows, columns)) for page in pages])
    title = " and ".join(os.path.basename(n.rstrip("/")) for n in names)
    observed = [tables[0].ms_name, format_epoch(float(np.min(tables[0].time_s)), "date")]
    title += f" ({', '.join(filter(None, observed))})"
    written = []
    for number, page in enumerate(pages):
        path = f"{root}{_page_name(page[0], number if by_number else -1, len(pages))}{ending}"
        _draw_page(page, drawn, (rows, columns), title, path)
        log.post(f"{path}: {len(page)} panels", "INFO" if say_more else "INFO2")
        written.append(path)
    log.post(f"plotbandpass: {len(written)} files, {len(panels)} panels")
    return written


def _page_name(first: tuple[str, ...], number: int, count: int) -> str:
    """What the reference puts before the ending of a page's file: antenna, window and time of its first panel, or the page's number."""
    if number >= 0:
        return f".{number:03d}" if count > 1 else ""
    words = [text.split() for text in first if text != "all"]
    short = {"spw": "spw", "time": "t", "baseband": "bb"}
    return "".join("." + (short[w[0]] + w[1].split(",")[0].zfill(2) if w[0] in short and len(w) > 1 else w[0]) for w in words)


def _picked(given: Any) -> str | list[str]:
    return given if isinstance(given, str) else [str(g) for g in given]


def _lines(path: str, table: CalTable, choice: BandpassPlot, source: int) -> Iterator[_Line]:
    spws = tuple(str(n) for n in table.subtables["SPECTRAL_WINDOW"].columns["NAME"])
    keep = np.isin(table.antenna1, numbers_of(table.antenna_names, _picked(choice.antenna), "antenna"))
    keep &= np.isin(table.spw_id, numbers_of(spws, _picked(choice.spw), "spectral window"))
    wanted = {str(w).strip() for w in choice.more.baseband_list}
    if wanted:
        keep &= np.array([_baseband(spws[s]) in wanted for s in table.spw_id], dtype=bool)
    if len(choice.field):
        keep &= np.isin(table.field_id, numbers_of(table.field_names, _picked(choice.field), "field"))
    if len(choice.scans):
        scans = tuple(str(s) for s in range(int(table.scan.max(initial=0)) + 1))
        keep &= np.isin(table.scan, numbers_of(scans, _picked(choice.scans), "scan"))
    receptors = receptor_names(path, table)
    number = _time_numbers(table.time_s, choice.time_threshold_s)
    if choice.timeranges.strip():
        keep &= np.isin(number, _ranges(choice.timeranges))
    # Windows whose names tell no baseband share one, as in CASA.
    nameless = ",".join(str(s) for s in np.unique(table.spw_id[keep]).tolist() if not _baseband(spws[s]))
    whose = [(number, k) for number, group in enumerate(table.groups) for k in range(len(group.rows))]
    rows = np.concatenate([group.rows for group in table.groups]) if table.groups else np.zeros(0, np.int64)
    for place in np.lexsort((table.time_s[rows], table.spw_id[rows], table.antenna1[rows])).tolist():
        group, k = table.groups[whose[place][0]], whose[place][1]
        row = int(rows[place])
        if keep[row]:
            name, spw = table.antenna_names[table.antenna1[row]], int(table.spw_id[row])
            x = np.arange(group.param.shape[1]) if choice.xaxis == "chan" else table.frequencies_hz[spw] / 1e9
            band = f" (BB {_baseband(spws[spw])})" if choice.more.show_baseband and _baseband(spws[spw]) else ""
            named = (("antenna", name), ("spw", f"spw {spw}{band}"), ("time", f"time {number[row]}"))
            over = choice.overlay.split(",")
            panel = tuple(text for kind, text in named if kind not in over)
            beside = [
                text if kind != "time" else format_epoch(table.time_s[row], "time", 0) for kind, text in named if kind in over
            ]
            if over == ["baseband"]:
                together = f"baseband {_baseband(spws[spw])}" if _baseband(spws[spw]) else f"spw {nameless}"
                panel = (name, together, f"time {number[row]}")
                beside = [f"spw {spw}"]
            for hand in [h for h in choice.hands if h < group.param.shape[2]]:
                flag = group.flag[k, :, hand]
                if choice.showflagged or not flag.all():
                    shown = flag & (not choice.showflagged)
                    label = receptors[hand]
                    label = " ".join([*beside, f"{label} ({source + 1})" if choice.more.tables else label])
                    title = ", ".join(text if text != named[-1][1] else _when(table, row) for text in panel)
                    line = _Line(
                        panel or ("all",),
                        label,
                        x,
                        group.param[k, :, hand],
                        shown,
                        table.frequencies_hz[spw],
                        source,
                        title or "all",
                        spw,
                        hand,
                        " ".join(beside),
                    )
                    yield _differences(line, choice.more)


def _when(table: CalTable, row: int) -> str:
    """Field, scan and time (UT) of a solution."""
    field = int(table.field_id[row])
    words = [f"field {field}: {table.field_names[field]}"] if 0 <= field < len(table.field_names) else []
    words += [f"scan {table.scan[row]}"] if table.scan[row] >= 0 else []
    return ", ".join([*words, format_epoch(table.time_s[row], "time", 0)])


def _baseband(name: str) -> str:
    """Baseband in a spectral window's name, such as 1 in ALMA_RB_03#BB_1#SW-01#FULL_RES or A0C0 in EVLA_L#A0C0#3; '' if there is none."""
    found = re.search(r"#BB_(\d+)|^EVLA_\w+#([A-D]\d[A-D]\d)#", name)
    return (found[1] or found[2]) if found else ""


def _differences(line: _Line, more: BandpassExtras) -> _Line:
    """The line itself, or its change from channel to channel; jumps are told in the log."""
    if not more.channel_difference:
        return line
    amplitude, phase = np.abs(line.value), np.unwrap(np.angle(line.value))
    fine = np.linspace(0, len(amplitude) - 1, (len(amplitude) - 1) * more.resample + 1)
    whole = np.arange(len(amplitude))
    x, frequency, amplitude, phase = (np.interp(fine, whole, v) for v in (line.x, line.frequency_hz, amplitude, phase))
    flag = line.flag[np.round(fine).astype(int)]
    change, turn = np.diff(amplitude), np.diff(phase)
    bad = flag[1:] | flag[:-1]
    inner = slice(more.edge, len(change) - more.edge) if len(change) > 2 * more.edge else slice(None)
    good = change[inner][~bad[inner]]
    if len(good):
        middle = float(np.median(good))
        spread = 1.4826 * float(np.median(np.abs(good - middle)))
        limit = (
            more.platforming_sigma * spread
            if more.platforming_sigma
            else more.platforming_threshold / 100 * float(np.median(amplitude))
        )
        far = np.flatnonzero((np.abs(change - middle) > limit) & ~bad)
        far = far[(far >= (inner.start or 0)) & (far < (inner.stop or len(change)))]
        if limit > 0 and len(far):
            log.post(
                f"plotbandpass: platforming in {', '.join(line.panel)} {line.label} at channels {', '.join(f'{x[k]:g}' for k in far[:10])}"
            )
    # The change of the amplitude is the real part, that of the phase (rad) the imaginary one.
    return replace(line, x=x[1:], value=change + 1j * turn, flag=bad, frequency_hz=frequency[1:])


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


def _quantity(line: _Line, what: str, difference: bool) -> np.ndarray:
    value = line.value
    amplitude = np.abs(value)
    if difference:
        out = np.degrees(value.imag) if what == "phase" else value.real
    elif what == "phase":
        out = np.degrees(np.angle(value))
    elif what == "ampdb":
        out = 10 * np.log10(np.maximum(amplitude, 1e-30))
    else:
        out = amplitude
    return np.where(line.flag, np.nan, out)


@dataclass
class _Drawn:
    """Everything that the pages show."""

    choice: BandpassPlot
    lines: list[_Line]
    sky: Atmosphere | None = None
    fdm: Sequence[tuple[int, float, float]] = ()
    oscillators_hz: Mapping[int, float] = field(default_factory=dict)
    frame: str = ""


def _frame(table: CalTable) -> str:
    """Frame of a table's frequencies, where all of its spectral windows are of one."""
    codes = {int(c) for c in table.subtables["SPECTRAL_WINDOW"].columns.get("MEAS_FREQ_REF", ())}
    known = [FREQUENCY_FRAMES[c] for c in codes if 0 <= c < len(FREQUENCY_FRAMES)]
    return known[0] if len(codes) == len(known) == 1 else ""


def _surroundings(
    caltable: str, table: CalTable, more: BandpassExtras
) -> tuple[Atmosphere | None, Sequence[tuple[int, float, float]], Mapping[int, float]]:
    """The sky, the windows in frequency division mode, and the first local oscillators of windows for the image sideband."""
    if not more.sky and not more.fdm:
        return None, (), {}
    from casatools.plotting.bandpass_sky import fdm_windows, find_atmosphere, find_oscillators, find_vis

    vis = find_vis(caltable, table, more.vis)
    if more.fdm and not vis:
        raise DataError("plotbandpass: showfdm=True needs 'vis', the MeasurementSet of the spectral windows")
    oscillators: Mapping[int, float] = {}
    if more.image_sideband:
        given = dict.fromkeys(range(len(table.frequencies_hz)), more.lo1_ghz * 1e9) if more.lo1_ghz > 0 else {}
        oscillators = given or (find_oscillators(vis) if vis else {})
        if not oscillators:
            raise ParameterError(
                "plotbandpass: showimage=True needs 'lo1', the frequency (GHz) of the first local oscillator, or data with an ASDM_RECEIVER table"
            )
    sky = find_atmosphere(vis, table, more.pwv, more.sky_field) if more.sky else None
    return sky, (fdm_windows(vis) if more.fdm else ()), oscillators


def _draw_page(page: list[tuple[str, ...]], drawn: _Drawn, layout: tuple[int, int], title: str, path: str) -> None:
    save_figure(_page(page, drawn, layout, title), path, dpi=float(drawn.choice.density))


def _join_pages(path: str, pages: list[tuple[list[tuple[str, ...]], _Drawn, tuple[int, int]]]) -> None:
    """Write all pages into one PDF."""
    from casatools.plotting.figure import save_pages

    save_pages([_page(*page, "") for page in pages], path)


def _page(page: list[tuple[str, ...]], drawn: _Drawn, layout: tuple[int, int], title: str) -> Any:
    choice = drawn.choice
    kinds = _QUANTITIES[choice.yaxis]
    # Few panels are larger ones, and a page that they do not fill is smaller.
    cells = len(page) * len(kinds)
    columns = min(layout[1], cells)
    layout = min(layout[0], -(-cells // columns)), columns
    figure = new_figure(4.2 * max(layout[1], 2), 2.6 * max(layout[0], 2) + 0.6)
    grid = figure.subplots(*layout, squeeze=False)
    for place, panel in enumerate(page):
        mine = [line for line in drawn.lines if line.panel == panel]
        for k, what in enumerate(kinds):
            axes = grid.flat[place * len(kinds) + k]
            _draw_panel(axes, mine, what, drawn)
            axes.set_title(mine[0].title, fontsize=8)
            if drawn.sky is not None:
                _draw_sky(axes, mine, drawn.sky, choice, drawn.oscillators_hz)
            for number, low, high in drawn.fdm:
                _draw_window(axes, mine, number, (low, high), choice)
    for cell in grid.ravel():
        cell.set_visible(bool(cell.lines))
    air = drawn.sky.words if drawn.sky is not None else ""
    figure.suptitle("\n".join(filter(None, (title, air))), fontsize=10)
    return figure


def _look(lines: list[_Line], number: int) -> tuple[str, str, str]:
    """Colour, style and marker of a line: what shares a panel has colours of its own, its second receptor is dashed."""
    line = lines[number]
    owners = list(dict.fromkeys(one.owner for one in lines))
    if line.source or any(one.source for one in lines) or len(owners) == 1:
        return _COLOURS[number % len(_COLOURS)], ("-", "--", ":")[line.source], (".", "x", "+")[line.source]
    return _COLOURS[owners.index(line.owner) % len(_COLOURS)], ("-", "--")[line.hand], (".", "x")[line.hand]


def _draw_panel(axes: Any, lines: list[_Line], what: str, drawn: _Drawn) -> None:
    choice = drawn.choice
    more, difference = choice.more, bool(choice.more.channel_difference)
    marker = "" if choice.showpoints in (False, "False") else "."
    style = "" if choice.showlines in (False, "False") or (choice.showlines == "auto" and what == "phase") else "-"
    shown = []
    for n, line in enumerate(lines):
        value = _quantity(line, what, difference)
        colour, dashes, mark = _look(lines, n)
        axes.plot(
            line.x, value, marker=marker and mark, linestyle=style and dashes, markersize=choice.markersize, linewidth=0.8, color=colour,
            label=line.label,
        )  # fmt: skip
        shown.append((line.x[more.channels(len(line.x))], value[more.channels(len(value))]))
    label = "System temperature [K]" if choice.yaxis == "tsys" else _LABELS[what]
    axes.set_ylabel(("Change of " if difference else "") + label, fontsize=8)
    frame = f", {drawn.frame}" if drawn.frame else ""
    axes.set_xlabel("Channel" if choice.xaxis == "chan" else f"Frequency [GHz]{frame}", fontsize=8)
    axes.grid(color=GRID, linewidth=0.5)
    axes.tick_params(labelsize=7)
    axes.ticklabel_format(useOffset=False)
    if _LONG_LEGEND < len(lines) <= _MOST_KEYS:  # beside the panel: within it would hide half of the lines
        beyond = 1.14 if more.sky else 1.01
        axes.legend(
            fontsize=5, loc="upper left", bbox_to_anchor=(beyond, 1.0), borderaxespad=0.0, ncols=1 + (len(lines) - 1) // 16
        )
    elif len(lines) <= _LONG_LEGEND and (more.tables or len(lines) > 1 or choice.named_hands):
        axes.legend(fontsize=6, loc="best")
    _set_limits(axes, lines, shown, what, choice)
    if what == "phase":
        widen_phases(axes)


def _set_limits(
    axes: Any, lines: list[_Line], shown: list[tuple[np.ndarray, np.ndarray]], what: str, choice: BandpassPlot
) -> None:
    more = choice.more
    if str(more.chanrange).strip():
        values = np.concatenate([v for _, v in shown])
        if np.isfinite(values).any():
            low, high = float(np.nanmin(values)), float(np.nanmax(values))
            room = 0.05 * (high - low) or 0.05 * abs(high) or 0.05
            axes.set_ylim(low - room, high + room)
        if more.set_x_range and all(len(x) for x, _ in shown):
            first, last = min(x.min() for x, _ in shown), max(x.max() for x, _ in shown)
            room = 0.03 * (last - first) or 0.5  # so that points at the ends are whole
            axes.set_xlim(first - room, last + room)
    if more.zoom == "intersect":
        spans = {n: [line.x for line in lines if line.source == n] for n in {line.source for line in lines}}
        low_x = max(min(x.min() for x in xs) for xs in spans.values())
        high_x = min(max(x.max() for x in xs) for xs in spans.values())
        if high_x > low_x:
            axes.set_xlim(low_x, high_x)
    if what == "phase" and len(more.phase) == 2 and more.phase[1] > more.phase[0]:
        axes.set_ylim(*more.phase)
    low_x, high_x, low_y, high_y = choice.plotrange
    if high_x > low_x:
        axes.set_xlim(low_x, high_x)
    if high_y > low_y and what != "phase":
        axes.set_ylim(low_y, high_y)


def _draw_sky(axes: Any, lines: list[_Line], sky: Atmosphere, choice: BandpassPlot, oscillators_hz: Mapping[int, float]) -> None:
    """The sky on an axis at the right; dashed for the image sideband."""
    more, seen = choice.more, set()
    other = axes.twinx()
    for line in lines:
        key = (float(line.frequency_hz[0]), float(line.frequency_hz[-1]), len(line.x))
        if key in seen:
            continue
        seen.add(key)
        # Lines of ozone are narrower than wide channels.
        fine = np.linspace(0.0, len(line.x) - 1.0, max(len(line.x), _SKY_PLACES)) if len(line.x) > 1 else np.zeros(1)
        x, frequency = (np.interp(fine, np.arange(len(line.x)), v) for v in (line.x, line.frequency_hz))
        # Points stand at the channels.
        point: dict[str, Any] = {}
        if more.sky_points or len(x) == 1:
            point = {"marker": ".", "markersize": 3, "markevery": max((len(x) - 1) // max(len(line.x) - 1, 1), 1)}
        other.plot(x, sky.curve(frequency, more.sky), color=_SKY, linewidth=1.0, **point)
        if line.spw in oscillators_hz:
            image = 2.0 * oscillators_hz[line.spw] - frequency
            other.plot(x, sky.curve(image, more.sky), color=_IMAGE_SKY, linewidth=1.0, linestyle="--", **point)
            other.lines[0].set_label("signal sideband")
            other.lines[1].set_label("image sideband")
            other.legend(fontsize=5, loc="lower right")
    other.set_ylabel("Transmission [%]" if more.sky == "atm" else "Sky [K]", fontsize=7, color=_SKY)
    other.tick_params(labelsize=6, colors=_SKY)
    other.ticklabel_format(useOffset=False)
    # Solutions and their legend stand before the sky.
    axes.set_zorder(other.get_zorder() + 1)
    axes.patch.set_visible(False)
    other.set_ylim(0.0, 105.0 if more.sky == "atm" else 1.05 * other.dataLim.y1)


def _draw_window(axes: Any, lines: list[_Line], number: int, ends_hz: tuple[float, float], choice: BandpassPlot) -> None:
    """A bar where a spectral window in frequency division mode lies, on an axis of frequency."""
    if choice.xaxis != "freq" or not lines:
        return
    low, high = min(line.x.min() for line in lines), max(line.x.max() for line in lines)
    first, last = max(ends_hz[0] * 1e-9, low), min(ends_hz[1] * 1e-9, high)
    if last > first:
        level = 0.04 + 0.05 * (number % 8)
        axes.plot([first, last], [level, level], color="#555555", linewidth=2, transform=axes.get_xaxis_transform())
        axes.text(first, level, f"spw {number}", fontsize=5, va="bottom", transform=axes.get_xaxis_transform())
