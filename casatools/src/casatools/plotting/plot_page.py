"""The page of plots that calls of plotms add to, and its files."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from casatools._base import log
from casatools._base.errors import ParameterError, UnsupportedError
from casatools._base.paths import require_absent
from casatools.frames.epochs import format_epoch
from casatools.io.caltable import CalTable
from casatools.io.ms import MeasurementSet, Selection
from casatools.io.tables import table_kind
from casatools.plotting.figure import save_figure
from casatools.plotting.plot_axes import PlotOptions
from casatools.plotting.visibility_figure import Plot, draw_pages

__all__ = ["HEADER_ITEMS", "PAGE", "Page", "header_text", "write_pages"]

HEADER_ITEMS = ("filename", "ycolumn", "obsdate", "obstime", "observer", "projid", "telescope", "targname", "targdir")


@dataclass
class Page:
    """Plots by their numbers, and the grid of panels they stand in."""

    plots: dict[int, Plot] = field(default_factory=dict)
    rows: int = 1
    columns: int = 1

    def place(self, number: int, plot: Plot, rows: int, columns: int, clear: bool) -> None:
        """Put a plot on the page, in the place of the one of its number.

        Raises
        ------
        ParameterError
            Its panel is outside of the grid, or its number is negative.
        UnsupportedError
            Two plots have an iteration axis, or one shares a page of others.
        """
        if plot.row >= rows or plot.column >= columns or plot.row < 0 or plot.column < 0:
            raise ParameterError(
                f"plotms: panel (rowindex={plot.row}, colindex={plot.column}) is not in a grid of {rows} x {columns}"
            )
        kept = {} if clear else {k: v for k, v in self.plots.items() if k != number}
        if number < 0:
            raise ParameterError(f"plotms: parameter 'plotindex' must be 0 or more; got {number}")
        if number > len(kept):
            log.post(f"plotms: plotindex {number} follows no plot; {len(kept)} is taken", "WARN")
            number = len(kept)
        both = [*kept.values(), plot]
        if sum(bool(p.layers[0].options.iterate) for p in both) > 1:
            raise UnsupportedError("plotms: two plots with an iteration axis on one page are not supported; use clearplots=True")
        self.plots = {**kept, number: plot}
        self.rows, self.columns = rows, columns

    def draw(self, size_in: tuple[float, float], every_panel: bool) -> list[tuple[str, Any]]:
        """Pages: their part of the iteration axis, and their figures."""
        plots = [self.plots[k] for k in sorted(self.plots)]
        return draw_pages(plots, self.rows, self.columns, size_in, every_panel)


PAGE = Page()


def page_files(target: str, pages: list[tuple[str, Any]]) -> list[str]:
    """Names of the files of pages: the name given, with the part of the iteration axis where there are several."""
    if len(pages) == 1:
        return [target]
    root, ending = os.path.splitext(target)
    return [f"{root}_{name}{ending}" for name, _ in pages]


def write_pages(target: str, pages: list[tuple[str, Any]], file_format: str, dpi: float, overwrite: bool) -> list[str]:
    """Write pages into files and give their names; OutputExistsError before any is written."""
    names = page_files(target, pages)
    for name in names:
        require_absent(name, overwrite)
    for name, (_, figure) in zip(names, pages, strict=True):
        save_figure(figure, name, file_format, dpi, overwrite)
    return names


def header_text(path: str, selection: Selection, options: tuple[PlotOptions, ...], items: str) -> str:
    """Lines about the data, for the top of a page; a calibration table has only its file and columns.

    Raises
    ------
    ParameterError
        An item is not known.
    """
    wanted = [w.strip().lower() for w in items.split(",") if w.strip()]
    unknown = [w for w in wanted if w not in HEADER_ITEMS]
    if unknown:
        raise ParameterError(f"plotms: parameter 'headeritems' has {unknown[0]!r}; there are {', '.join(HEADER_ITEMS)}")
    if not wanted:
        return ""
    found = {"filename": os.path.basename(path.rstrip("/")), "ycolumn": ", ".join(o.y_column for o in options)}
    if table_kind(path) == "Calibration":
        found["ycolumn"] = CalTable.open(path).vis_cal
    else:
        found |= _about(path, selection)
    return "\n".join(f"{w:10s} {found[w]}" for w in wanted if w in found)


def _about(path: str, selection: Selection) -> dict[str, str]:
    """What a MeasurementSet says of the data selected."""
    with MeasurementSet(path) as ms:
        rows = selection.resolve(ms).rows
        times, fields = np.asarray(ms.read("TIME", rows)), np.unique(ms.read("FIELD_ID", rows))
        numbers = np.unique(ms.read("OBSERVATION_ID", rows))
        known = [o for o in ms.metadata.observations if o.id in numbers]
        first, last = float(times.min()), float(times.max())
        shown = [ms.metadata.fields[int(f)] for f in fields[:3]]
        more = " ..." if len(fields) > 3 else ""
        return {
            "obsdate": format_epoch(first, "date"), "obstime": f"{format_epoch(first, 'time', 0)} to {format_epoch(last, 'time', 0)} UTC",
            "observer": ", ".join(dict.fromkeys(o.observer for o in known)), "projid": ", ".join(dict.fromkeys(o.project for o in known)),
            "telescope": ", ".join(dict.fromkeys(o.telescope_name for o in known)),
            "targname": ", ".join(f.name for f in shown) + more,
            "targdir": ", ".join(f"{np.degrees(f.phase_dir[0, 0]) % 360:.5f} {np.degrees(f.phase_dir[0, 1]):+.5f} deg {f.phase_frame}" for f in shown) + more,
        }  # fmt: skip
