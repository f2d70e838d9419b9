"""A page on calibration tables: their solutions, signal to noise, flagged fractions, and what they leave of the data."""

from __future__ import annotations

import html
import os
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import numpy as np

from casatools._base.errors import ParameterError
from casatools._base.paths import staged_output
from casatools.calibration.residuals import Residuals, TableQuality, measure_residuals, table_quality
from casatools.calibration.solve_session import PriorTables
from casatools.io.caltable import CalTable
from casatools.io.ms import MeasurementSet, Selection
from casatools.plotting.axis_labels import receptor_names
from casatools.plotting.figure import GRID, INK, new_figure, save_figure
from casatools.plotting.report_solutions import draw_solutions
from casatools.plotting.solution_points import drawable

__all__ = ["report_on", "write_calibration_report"]


@dataclass(frozen=True)
class _Shown:
    """Parameters of a real table in one panel: label of the axis, names and places of the parameters, and the unit they are drawn in."""

    label: str
    names: tuple[str, ...]
    places: tuple[int, ...]
    scale: float = 1.0


_FIRST, _SECOND, _THIRD = "#1f6fb4", "#d1495b", "#2e8b57"
# Above this solutions have no noise that was measured.
_NO_NOISE = 1e8
_STYLE = (
    "body{font-family:sans-serif;max-width:72em;margin:2em auto;padding:0 1em;color:#222;line-height:1.4}td,th{text-align:right;padding:.15em .8em}"
    "td:first-child,th:first-child{text-align:left}tr:nth-child(even){background:#f4f4f4}img{max-width:100%}.bad{color:#c0392b}"
)


def report_on(
    output: str, caltables: Sequence[str], vis: str, expressions: Mapping[str, str], smodel: tuple[float, ...], parang: bool
) -> None:
    """Write the page for tables that are there, with residuals where a MeasurementSet is named.

    Raises
    ------
    ParameterError
        No output or no tables.
    """
    if not output.strip() or not caltables:
        raise ParameterError("a calibration report needs an output folder and at least one calibration table")
    before = after = None
    if vis:
        with MeasurementSet(vis) as ms:
            selected = Selection(**expressions).resolve(ms)
            before = measure_residuals(ms, selected, PriorTables(parang=parang).open(ms), smodel)
            after = measure_residuals(ms, selected, PriorTables(list(caltables), parang=parang).open(ms), smodel)
    write_calibration_report(output, caltables, before, after)


def write_calibration_report(
    output: str, caltables: Sequence[str], before: Residuals | None = None, after: Residuals | None = None
) -> None:
    """Write ``index.html`` and its PNG figures into a folder, which replaces one that is there.

    Parameters
    ----------
    output : str
    caltables : sequence of str
        Curves are shown as the gains that they are.
    before, after : Residuals, optional
        Of the data without and with the tables.
    """
    with ExitStack() as drawn, staged_output(output, overwrite=True) as folder:
        os.mkdir(folder)
        parts = [
            f"<!doctype html><html><head><meta charset='utf-8'><title>Calibration</title><style>{_STYLE}</style></head><body>"
        ]
        parts.append("<h1>Calibration</h1>")
        shown = [drawn.enter_context(drawable(path)) for path in caltables]
        tables = [(path, CalTable.open(path)) for path in shown]
        found = [table_quality(table, os.path.basename(path.rstrip("/"))) for path, table in tables]
        origins = dict.fromkeys(os.path.basename(table.ms_name) for _, table in tables if table.ms_name)
        if origins:
            parts.append(f"<p>Made from {html.escape(', '.join(origins))}.</p>")
        parts.append(_overview(found))
        if after is not None:
            parts += _residual_part(folder, before, after)
        for number, ((path, table), quality) in enumerate(zip(tables, found, strict=True)):
            parts += _table_part(folder, number, path, table, quality)
        parts.append("</body></html>\n")
        with open(os.path.join(folder, "index.html"), "w", encoding="utf-8") as stream:
            stream.write("".join(parts))


def _number(value: float, form: str = ".1f") -> str:
    return format(value, form) if np.isfinite(value) else "&ndash;"


def _signal(value: float) -> str:
    """A signal to noise; of solutions that go through the data exactly, such as those of a single baseline, there is none."""
    return _number(value if value < _NO_NOISE else np.nan)


def _overview(found: Sequence[TableQuality]) -> str:
    rows = "".join(
        f"<tr><td>{html.escape(q.name)}<td>{html.escape(q.kind)}<td>{q.count}<td>{100 * q.flagged / max(q.count, 1):.1f} %"
        f"<td>{_signal(q.snr[0])}<td>{_signal(q.snr[1])}<td>{_signal(q.snr[2])}</tr>"
        for q in found
    )
    return (
        "<table><tr><th>Table<th>Kind<th>Solutions<th>Flagged<th>SNR, 10 % below<th>SNR, median<th>SNR, 90 % below</tr>"
        f"{rows}</table>"
    )


def _table_part(folder: str, number: int, path: str, table: CalTable, quality: TableQuality) -> list[str]:
    parts = [f"<h2>{html.escape(quality.name)}: {html.escape(quality.kind)}</h2>"]
    if quality.flagged == quality.count:
        return [*parts, "<p class='bad'>All solutions are flagged.</p>"]
    if table.is_complex:
        channels = max((g.param.shape[1] for g in table.groups), default=1)
        against = "baseline" if table.of_baselines else "channel" if channels > 1 else "time"
        for part in ("amplitude", "phase"):
            name = f"table{number}_{part}.png"
            draw_solutions(path, os.path.join(folder, name), part, against, f"{quality.name}: {part}")  # type: ignore[arg-type]
            parts.append(f"<p><img src='{name}' alt='{part} of the solutions of {html.escape(quality.name)}'></p>")
    else:
        name = f"table{number}_values.png"
        _draw_values(path, table, quality.name, os.path.join(folder, name))
        parts.append(f"<p><img src='{name}' alt='values of {html.escape(quality.name)}'></p>")
    name = f"table{number}_quality.png"
    _draw_quality(quality, os.path.join(folder, name))
    parts.append(f"<p><img src='{name}' alt='signal to noise and flagged fraction by antenna'></p>")
    return parts


def _shown_parameters(path: str, table: CalTable) -> list[_Shown]:
    """What is drawn of a real table, a panel each."""
    kind = table.vis_cal
    if kind.startswith("KAntPos"):
        return [_Shown("Offset [m]", ("x", "y", "z"), (0, 1, 2))]
    npar = max((group.param.shape[2] for group in table.groups), default=1)
    receptors = receptor_names(path, table)
    if kind.startswith("Fringe") and npar == 8:
        return [_Shown("Delay [ns]", receptors, (1, 5)), _Shown("Rate [ps/s]", receptors, (2, 6), 1e12)]
    label = "Delay [ns]" if kind.startswith("K") else "Opacity" if kind.startswith("TOpac") else "Value"
    if npar == 1:
        return [_Shown(label, ("",), (0,))]
    return [_Shown(label, receptors, (0, npar // 2))]


def _draw_values(caltable: str, table: CalTable, title: str, path: str) -> None:
    """Real parameters against antenna: every solution a point, spectral windows beside each other."""
    panels = _shown_parameters(caltable, table)
    names = panels[0].names
    figure = new_figure(8.0, 0.6 + 2.6 * len(panels))
    spws = np.unique(table.spw_id).tolist()
    for axes, shown in zip(figure.subplots(len(panels), 1, squeeze=False, sharex=True)[:, 0], panels, strict=True):
        _draw_parameter(axes, table, shown, spws)
        axes.set_ylabel(shown.label, fontsize=9)
        axes.set_xticks(range(len(table.antenna_names)), table.antenna_names, rotation=60, fontsize=7)
        axes.tick_params(axis="y", labelsize=8)
        axes.grid(color=GRID, linewidth=0.5)
    told = [f"{colour}: {name}" for colour, name in zip(("blue", "red", "green"), names, strict=False)] if len(names) > 1 else []
    told += [f"spw {', '.join(map(str, spws))} from left to right"] if 1 < len(spws) < 9 else []
    figure.suptitle(f"{title} ({'; '.join(told)})" if told else title, fontsize=10, x=0.02, ha="left", color=INK)
    save_figure(figure, path)


def _draw_parameter(axes: Any, table: CalTable, shown: _Shown, spws: Sequence[int]) -> None:
    """The values of one parameter of all receptors, around the place of their antenna."""
    slots = len(shown.places) * len(spws)
    for group in table.groups:
        window = np.searchsorted(spws, table.spw_id[group.rows])
        for k, place in enumerate(shown.places):
            if place < group.param.shape[2]:
                value = np.where(group.flag[:, 0, place], np.nan, group.param[:, 0, place] * shown.scale)
                aside = 0.72 * ((k + len(shown.places) * window + 0.5) / slots - 0.5)
                axes.plot(
                    table.antenna1[group.rows] + aside, value, "os^"[k], color=(_FIRST, _SECOND, _THIRD)[k], ms=3, ls="none"
                )


def _draw_quality(quality: TableQuality, path: str) -> None:
    names = list(quality.antennas)
    figure = new_figure(max(8.0, 0.32 * len(names) + 2), 3.4)
    top, bottom = figure.subplots(2, 1, sharex=True)
    snr = [found if found < _NO_NOISE else np.nan for found in (quality.antennas[n][2] for n in names)]
    if np.isfinite(snr).any():
        top.bar(range(len(names)), np.nan_to_num(snr), color=_FIRST)
    else:
        top.text(
            0.5, 0.5, "no signal to noise is known", transform=top.transAxes, ha="center", va="center", fontsize=8, color=INK
        )
    bottom.bar(range(len(names)), [100 * quality.antennas[n][1] for n in names], color=_SECOND)
    top.set_ylabel("SNR, median", fontsize=8)
    bottom.set_ylabel("Flagged [%]", fontsize=8)
    if not any(quality.antennas[n][1] for n in names):
        bottom.text(
            0.5, 0.5, "no solution is flagged", transform=bottom.transAxes, ha="center", va="center", fontsize=8, color=INK
        )
    bottom.set_ylim(0, max(5.0, 105 * max(quality.antennas[n][1] for n in names)))
    bottom.set_xticks(range(len(names)), names, rotation=60, fontsize=7)
    for axes in (top, bottom):
        axes.tick_params(axis="y", labelsize=7)
        axes.grid(color=GRID, linewidth=0.5, axis="y")
        axes.set_axisbelow(True)
    save_figure(figure, path)


def _residual_part(folder: str, before: Residuals | None, after: Residuals) -> list[str]:
    error, noise = np.abs(after.closure_errors()), after.closure_noise()
    high = error > 5 * noise
    was = f" (before: {before.rms:.4g})" if before is not None else ""
    parts = [
        "<h2>What is left</h2>",
        f"<p>Root mean square residual {after.rms:.4g} Jy{was}; reduced &chi;&sup2; {after.reduced_chi2:.3g}. Closure error of a baseline, "
        f"median {100 * np.nanmedian(error):.3g} %, where noise alone gives {100 * np.nanmedian(noise):.3g} %.</p>",
    ]
    worst = [k for k in np.argsort(-np.where(np.isfinite(error), error / noise, 0.0).max(axis=1))[:10] if high[k].any()]
    if worst:
        lines = "".join(
            f"<tr><td>{html.escape(after.antennas[after.ant1[k]])} &amp; {html.escape(after.antennas[after.ant2[k]])}"
            + "".join(f"<td>{_number(100 * error[k, h], '.3g')} %<td>{_number(error[k, h] / noise[k, h])}" for h in (0, 1))
            + "</tr>"
            for k in worst
        )
        parts.append(
            "<p class='bad'>Baselines whose closure error exceeds five times the noise:</p><table><tr><th>Baseline<th>First receptor<th>"
            f"over noise<th>Second receptor<th>over noise</tr>{lines}</table>"
        )
    _draw_closure(after, os.path.join(folder, "closure.png"))
    _draw_residuals(before, after, os.path.join(folder, "residuals.png"))
    parts.append("<p><img src='closure.png' alt='closure errors of the baselines'></p>")
    parts.append("<p><img src='residuals.png' alt='residuals by antenna, time and channel'></p>")
    return parts


def _draw_closure(after: Residuals, path: str) -> None:
    """Closure errors of baselines over their noise: first receptor below the diagonal, second above."""
    nant = len(after.antennas)
    picture = np.full((nant, nant), np.nan)
    with np.errstate(invalid="ignore"):
        ratio = np.abs(after.closure_errors()) / after.closure_noise()
    picture[after.ant2, after.ant1], picture[after.ant1, after.ant2] = ratio[:, 0], ratio[:, 1]
    figure = new_figure(5.8, 5.0)
    axes = figure.subplots()
    image = axes.imshow(picture, origin="lower", cmap="viridis", vmin=0, vmax=max(5.0, float(np.nanmax(ratio, initial=0.0))))
    figure.colorbar(image, ax=axes, label="closure error / noise")
    axes.set_xticks(range(nant), after.antennas, rotation=90, fontsize=6)
    axes.set_yticks(range(nant), after.antennas, fontsize=6)
    axes.set_title("Closure errors (below the diagonal: first receptor)", fontsize=10, loc="left", color=INK)
    save_figure(figure, path)


def _draw_residuals(before: Residuals | None, after: Residuals, path: str) -> None:
    figure = new_figure(9.0, 6.6)
    by_antenna, by_time, by_chan = figure.subplots(3, 1)
    place = np.arange(len(after.antennas))
    for hand, colour, name in ((0, _FIRST, "first receptor"), (1, _SECOND, "second receptor")):
        by_antenna.bar(place + 0.4 * hand - 0.2, np.nan_to_num(after.antenna_rms()[:, hand]), 0.38, color=colour, label=name)
    by_antenna.set_xticks(place, after.antennas, rotation=60, fontsize=7)
    start = after.times_s[0] if len(after.times_s) else 0.0
    for spw in sorted(after.by_time):
        used = after.by_time[spw][:, 0] > 0
        by_time.plot((after.times_s[used] - start) / 3600, _root(after.by_time[spw][used]), ".", ms=3, label=f"spw {spw}")
        chan = after.by_chan[spw]
        by_chan.plot(np.flatnonzero(chan[:, 0] > 0), _root(chan[chan[:, 0] > 0]), lw=1, marker=".", ms=3, label=f"spw {spw}")
    by_time.set_xlabel("Hours from the first time", fontsize=8)
    by_chan.set_xlabel("Channel", fontsize=8)
    for axes in (by_antenna, by_time, by_chan):
        axes.set_ylabel("rms residual [Jy]", fontsize=8)
        # Room for the legend above points that lie close together.
        top = float(axes.dataLim.y1)
        axes.set_ylim(0, 1.25 * top if np.isfinite(top) and top > 0 else 1.0)
        axes.tick_params(labelsize=7)
        axes.grid(color=GRID, linewidth=0.5)
        axes.set_axisbelow(True)
    by_antenna.legend(fontsize=7, frameon=False, ncols=2)
    if len(after.by_time) < 9:
        by_time.legend(fontsize=7, frameon=False, ncols=4)
    was = f" (before calibration {before.rms:.3g})" if before is not None else ""
    figure.suptitle(f"Residuals, rms {after.rms:.3g} Jy{was}", fontsize=10, x=0.02, ha="left", color=INK)
    save_figure(figure, path)


def _root(sums: np.ndarray) -> np.ndarray:
    return np.asarray(np.sqrt(sums[:, 1] / (2 * sums[:, 0])))
