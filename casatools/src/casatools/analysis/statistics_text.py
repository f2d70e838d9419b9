"""Statistics of images as lines of text, in the layout of CASA's imstat."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any

import numpy as np

from casatools._base import log
from casatools.analysis.regions import ImageSelection
from casatools.analysis.world_text import axis_texts
from casatools.io.image import CasaImage

__all__ = ["MOST_LOGGED", "statistics_lines", "tell_statistics"]

_HEADER = 6  # lines that tell what was asked
MOST_LOGGED = 2000  # rows of a table: one for each pixel of a plane would bury the log; files get all of them

_VALUES = (
    ("flux", "flux [flux]", "flux"), ("npts", "number of points [npts]", ""), ("max", "maximum value [max]", "unit"),
    ("min", "minimum value [min]", "unit"), ("maxpos", "position of max value (pixel) [maxpos]", ""),
    ("minpos", "position of min value (pixel) [minpos]", ""), ("maxposf", "position of max value (world) [maxposf]", ""),
    ("minposf", "position of min value (world) [minposf]", ""), ("sum", "Sum of pixel values [sum]", "unit"),
    ("sumsq", "Sum of squared pixel values [sumsq]", "square"),
)  # fmt: skip
_STATISTICS = (
    ("mean", "Mean of the pixel values [mean]"), ("sigma", "Standard deviation of the Mean [sigma]"), ("rms", "Root mean square [rms]"),
    ("median", "Median of the pixel values [median]"), ("medabsdevmed", "Median of the deviations [medabsdevmed]"),
    ("quartile", "IQR [quartile]"), ("q1", "First quartile [q1]"), ("q3", "Third quartile [q3]"),
)  # fmt: skip
_COLUMNS = {"Npts": "npts", "Sum": "sum", "Mean": "mean", "Rms": "rms", "Std_dev": "sigma", "Minimum": "min", "Maximum": "max"}


def statistics_lines(
    image: CasaImage,
    selection: ImageSelection,
    summed: Sequence[int],
    record: dict[str, Any],
    algorithm: str,
    most: int | None = None,
) -> tuple[list[str], list[str]]:
    """A record of statistics as lines: what was asked and each value, and a table of one row for each position that is left.

    Parameters
    ----------
    image : CasaImage
    selection : ImageSelection
    summed : sequence of int
        Pixel axes (CASA order) that were summed over; empty for all.
    record : dict
        What `image_statistics` gave.
    algorithm : str
    most : int, optional
        Rows of the table that are wanted; all without it.

    Returns
    -------
    told, table : list of str
    """
    told = [
        f"# Statistics calculated using {algorithm.capitalize()} algorithm",
        f"# Regions --- {image.path}",
        f"#          -- bottom-left corner (pixel) [blc]:  {record['blc'].tolist()}",
        f"#          -- top-right corner (pixel) [trc]:    {record['trc'].tolist()}",
        f"#          -- bottom-left corner (world) [blcf]: {record['blcf']}",
        f"#          -- top-right corner (world) [trcf]:   {record['trcf']}",
    ]
    unit = image.unit
    columns = {title: np.ravel(record[name].T) for title, name in _COLUMNS.items() if name in record}
    if not any(len(v) for v in columns.values()):
        return [*told, "# No pixels are usable"], []
    if all(len(v) == 1 for v in columns.values()):
        told += _single_lines(record, unit, _flux_unit(image, selection, summed))
    units = [f"#{title} column unit = {unit}" for title in columns if title != "Npts" and unit]
    heads, rows = _places(image, selection, summed)
    count = max(map(len, columns.values()))
    shown = islice(enumerate(rows), count if most is None else min(count, most))
    texts = [[*place, *(f"{values[k]:.6e}" for values in columns.values())] for k, place in shown]
    widths = [max(len(t) for t in column) for column in zip([*heads, *columns], *texts, strict=True)]
    lines = ["  ".join(t.rjust(w) for t, w in zip(row, widths, strict=True)) for row in ([*heads, *columns], *texts)]
    more = [f"# ... and {count - len(texts)} rows more"] if count > len(texts) else []
    return told, [*units, f"# {lines[0]}", *(f"  {line}" for line in lines[1:]), *more]


def tell_statistics(lines: tuple[list[str], list[str]], listit: bool, verbose: bool, logfile: str, append: bool) -> None:
    """Send lines to the log, all of them or the table alone, and write them to a file, of which the log gets the first rows.

    What was asked is told to the log if `verbose`.
    """
    told, table = lines
    if listit:
        more = [f"# ... and {len(table) - MOST_LOGGED} lines more"] if len(table) > MOST_LOGGED + 8 else []
        log.post("\n".join([*(told if verbose else told[_HEADER:]), *(table[:MOST_LOGGED] if more else table), *more]))
    if logfile:
        with open(logfile, "a" if append else "w", encoding="utf-8") as stream:
            stream.write("\n".join([*(told if listit else ()), *table]) + "\n\n")


def _single_lines(record: dict[str, Any], unit: str, flux_unit: str) -> list[str]:
    units = {"unit": unit, "square": f"{unit}.{unit}" if unit else "", "flux": flux_unit, "": ""}

    def shown(name: str) -> str:
        value = record[name]
        if isinstance(value, str):
            return value
        return str(value.tolist()) if "pos" in name else f"{float(np.ravel(value)[0]):g}"

    lines = ["# Values ---"]
    lines += [
        f"#          -- {text + ':':<40} {shown(name)} {units[kind]}".rstrip() for name, text, kind in _VALUES if name in record
    ]
    lines.append("# Statistics ---")
    lines += [f"#          -- {text + ':':<40} {shown(name)} {unit}".rstrip() for name, text in _STATISTICS if name in record]
    return lines


def _flux_unit(image: CasaImage, selection: ImageSelection, summed: Sequence[int]) -> str:
    """Unit of the flux density: times a velocity where several channels were summed."""
    base = "K.arcsec2" if image.unit.startswith("K") else image.unit.replace("/beam", "")
    axis, spectral = image.coordinates.spectral_axis, image.coordinates.spectral
    if axis is None or spectral is None or (summed and axis not in summed) or spectral.rest_frequency_hz <= 0:
        return base
    several = len(selection.resolve(image.coordinates, image.shape).chosen_on(image.ndim - 1 - axis)) > 1
    return f"{base}.km/s" if several and not base.endswith("km/s") else base


def _places(image: CasaImage, selection: ImageSelection, summed: Sequence[int]) -> tuple[list[str], Iterator[list[str]]]:
    """Heads of columns that tell the place of each row, and the places, the first axis fastest; no heads for a single row."""
    pixels = selection.resolve(image.coordinates, image.shape)
    counts = [pixels.chosen_on(image.ndim - 1 - a) for a in range(image.ndim)]
    left = [a for a in range(image.ndim) if summed and a not in summed and len(counts[a]) > 1]
    heads = [h for a in left for h in (axis_texts(image.coordinates, a, np.array([]))[0], "(Plane)")]
    shown = [axis_texts(image.coordinates, a, counts[a])[1] for a in left]

    def rows() -> Iterator[list[str]]:
        for at in np.ndindex(*(len(counts[a]) for a in reversed(left))):
            yield [t for a, texts, k in zip(left, shown, reversed(at), strict=True) for t in (texts[k], str(int(counts[a][k])))]

    return heads, rows()
