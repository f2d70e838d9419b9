"""Figures without a display: the Agg canvas and the object interface of matplotlib, no pyplot."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from casatools._base.errors import UnsupportedError
from casatools._base.paths import staged_output
from casatools._base.progress import in_notebook

__all__ = ["FORMATS", "new_figure", "picture_format", "save_figure", "save_pages", "show_in_notebook", "widen_phases"]

FORMATS = frozenset({"png", "pdf", "svg", "ps", "eps", "jpg", "jpeg", "tif", "tiff"})
INK, GRID = "#222222", "#d9d9d9"


def new_figure(width_in: float, height_in: float) -> Figure:
    """A white figure of a size in inches with an Agg canvas."""
    figure = Figure(figsize=(width_in, height_in), dpi=120, facecolor="white", layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def picture_format(path: str, file_format: str = "") -> str:
    """The format asked for, else the ending of a name, else png."""
    return (file_format or os.path.splitext(path)[1].lstrip(".") or "png").lower()


def save_figure(
    figure: Any, path: str, file_format: str = "", dpi: float = 120.0, overwrite: bool = True, transparent: bool = False
) -> None:
    """Write a figure; the format is that asked for, else the ending of the name, else PNG.

    Raises
    ------
    UnsupportedError, OutputExistsError, DataError
    """
    kind = picture_format(path, file_format)
    if kind not in FORMATS:
        raise UnsupportedError(f"plot: the file format {kind!r} is not supported; use one of {', '.join(sorted(FORMATS))}")
    with staged_output(path, overwrite=overwrite) as temporary:
        figure.savefig(temporary, format=kind, dpi=dpi, transparent=transparent)


def save_pages(figures: Sequence[Any], path: str) -> None:
    """Write figures as the pages of one PDF."""
    from matplotlib.backends.backend_pdf import PdfPages

    with staged_output(path, overwrite=True) as temporary, PdfPages(temporary) as pages:
        for figure in figures:
            pages.savefig(figure)


def widen_phases(axes: Any) -> None:
    """Give an axis of phases [deg] that are all but equal, such as those of a reference antenna, two degrees instead of its rounding errors."""
    low, high = axes.get_ylim()
    if high - low < 0.01:
        axes.set_ylim(0.5 * (low + high) - 1.0, 0.5 * (low + high) + 1.0)


def show_in_notebook(path: str) -> None:
    """Show a picture file below the cell of a notebook; elsewhere, and for formats that browsers do not draw, nothing happens."""
    if not in_notebook() or not path:
        return
    from IPython.display import SVG, Image, display

    if path.endswith(".svg"):
        display(SVG(filename=path))
    elif path.endswith((".png", ".jpg", ".jpeg")):
        display(Image(filename=path))
