"""Visibilities as text: amplitudes, phases, weights and flags, line by line."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from casatools._base import log
from casatools._base.constants import SPEED_OF_LIGHT_M_S
from casatools._base.errors import ParameterError, UnsupportedError
from casatools._base.paths import require_absent, staged_output
from casatools.frames.epochs import format_epoch
from casatools.io.ms import MeasurementSet, Selection, iter_chunks
from casatools.io.ms.chunks import VisChunk

__all__ = ["VisibilityListingOptions", "list_visibilities"]

_COLUMNS = {"data": "DATA", "float_data": "FLOAT_DATA", "corrected": "CORRECTED_DATA", "model": "MODEL_DATA", "residual": ""}
_AVERAGES = ("", "none", "chan")


@dataclass(frozen=True)
class VisibilityListingOptions:
    """What to list.

    Attributes
    ----------
    selection : Selection
    datacolumn : str
        data, float_data, corrected, model, or residual (corrected less model).
    average : str
        "chan" gives one line for the channels selected; "" or "none" each channel.
    showflags : bool
        List also what is flagged in every correlation.
    pagerows : int
        Lines between headings; 0 gives one for each field, window and day.
    """

    selection: Selection = field(default_factory=Selection)
    datacolumn: str = "data"
    average: str = ""
    showflags: bool = False
    pagerows: int = 50

    def __post_init__(self) -> None:
        if self.datacolumn not in _COLUMNS:
            raise ParameterError(f"datacolumn must be one of {', '.join(_COLUMNS)}; got {self.datacolumn!r}")
        if self.average in ("time", "both"):
            raise UnsupportedError(f"average={self.average!r} is not there; average in time with mstransform and list that")
        if self.average not in _AVERAGES:
            raise ParameterError(f"average must be chan or nothing; got {self.average!r}")

    @property
    def columns(self) -> list[str]:
        """Columns of visibilities to read."""
        return [_COLUMNS[self.datacolumn]] if self.datacolumn != "residual" else ["CORRECTED_DATA", "MODEL_DATA"]


def list_visibilities(vis: str, options: VisibilityListingOptions, listfile: str = "") -> None:
    """List visibilities into a file, or the log.

    Parameters
    ----------
    vis : str
    options : VisibilityListingOptions
    listfile : str
        "" for the log.

    Raises
    ------
    PathMissingError, DataError, SelectionError, OutputExistsError
        The MeasurementSet or column is missing, nothing is selected, or the file exists.
    """
    if listfile:
        require_absent(listfile)
    with MeasurementSet(vis) as ms:
        for column in options.columns:
            ms.require(column)
        options.selection.resolve(ms)
        if not listfile:
            for line in _lines(ms, options):
                log.post(line)
            return
        with staged_output(listfile) as path, open(path, "w", encoding="utf-8") as file:
            file.writelines(line + "\n" for line in _lines(ms, options))


def _lines(ms: MeasurementSet, options: VisibilityListingOptions) -> Iterator[str]:
    """All lines, with headings."""
    resolved = options.selection.resolve(ms)
    read = [*options.columns, "FLAG", "FLAG_ROW", "WEIGHT", "UVW", "TIME", "ANTENNA1", "ANTENNA2", "FIELD_ID"]
    under: tuple[int, int, str] | None = None
    on_page = 0
    yield "Units of columns are: Date/Time(YYMMDD/HH:MM:SS UT), UVDist(wavelength), Phase(deg), UVW(m)"
    for chunk in iter_chunks(ms, resolved, read):
        values, flags, channels = _values(chunk, options)
        names = [ms.metadata.polarizations[chunk.pol].names[c] for c in chunk.correlations]
        digits = _decimals(values)
        wavelengths = np.hypot(chunk["UVW"][:, 0], chunk["UVW"][:, 1]) * (
            ms.metadata.spectral_windows[chunk.spw].ref_frequency_hz / SPEED_OF_LIGHT_M_S
        )
        for k in range(len(chunk.rows)):
            day = format_epoch(float(chunk["TIME"][k]), "date")
            place = (int(chunk["FIELD_ID"][k]), chunk.spw, day)
            start = _row_start(ms, chunk, k, float(wavelengths[k]))
            for n in range(values.shape[1]):
                if not options.showflags and flags[k, n].all():
                    continue
                if place != under:
                    yield f"FIELD: {place[0]} {ms.metadata.fields[place[0]].name}"
                    yield f"SPW: {place[1]}"
                if place != under or (options.pagerows > 0 and on_page >= options.pagerows):
                    yield from _heading(names, day, channels is not None)
                    under, on_page = place, 0
                on_page += 1
                chan = "" if channels is None else f" {channels[n]:4d}"
                parts = _correlations(values[k, n], flags[k, n], chunk["WEIGHT"][k], digits)
                u, v, w = (float(x) for x in chunk["UVW"][k])
                yield f"{start}{chan}:{parts}{u:10.2f}{v:10.2f}{w:10.2f}"


def _values(chunk: VisChunk, options: VisibilityListingOptions) -> tuple[np.ndarray, np.ndarray, np.ndarray | None]:
    """Visibilities and flags (row, chan, corr), and the channel numbers; averaged channels have none."""
    values = chunk[options.columns[0]]
    if options.datacolumn == "residual":
        values = values - chunk["MODEL_DATA"]
    flags = chunk["FLAG"] | chunk["FLAG_ROW"][:, None, None]
    if options.average != "chan":
        return values, flags, chunk.channels
    weight = np.where(flags.all(axis=1, keepdims=True), 1.0, ~flags)
    mean = (values * weight).sum(axis=1, keepdims=True) / weight.sum(axis=1, keepdims=True)
    return mean, flags.all(axis=1, keepdims=True), None


def _decimals(values: np.ndarray) -> int:
    """Decimals that show four digits of the largest amplitude, three at least."""
    largest = float(np.abs(values[np.isfinite(values)]).max(initial=0.0))
    return 3 if largest >= 1 or largest == 0 else min(9, 3 - int(np.floor(np.log10(largest))))


def _row_start(ms: MeasurementSet, chunk: VisChunk, k: int, wavelengths: float) -> str:
    antennas = ms.metadata.antennas
    names = "-".join(antennas[int(chunk[c][k])].name for c in ("ANTENNA1", "ANTENNA2"))
    return f"  {format_epoch(float(chunk['TIME'][k]), 'time')} {names:>9} {wavelengths:6.0f}"


def _correlations(values: np.ndarray, flags: np.ndarray, weights: np.ndarray, digits: int) -> str:
    out = []
    for value, flag, weight in zip(values, flags, weights, strict=True):
        amplitude, phase = abs(value), np.degrees(np.angle(value))
        out.append(f" {amplitude:{digits + 4}.{digits}f} {phase:7.1f} {weight:4.4g} {'F' if flag else ' '}")
    return "".join(out)


def _heading(names: list[str], day: str, by_channel: bool) -> Iterator[str]:
    width = 25
    chan = "  Chn" if by_channel else ""
    yield f"Date/Time:                  {' ' * len(chan)}  " + "".join(
        f"{n + ':':>{width // 2}}{'':{width - width // 2}}" for n in names
    )
    columns = "".join(f"{'Amp':>8}{'Phs':>8}{'Wt':>5} F" for _ in names)
    yield f"{day}/      Intrf UVDist{chan}  {columns}         U         V         W"
    yield (
        "-" * 12
        + "|"
        + "-" * 9
        + "|"
        + "-" * 6
        + ("|----" if by_channel else "")
        + "|"
        + ("-" * (width - 2) + "|") * len(names)
        + ("-" * 9 + "|") * 3
    )
