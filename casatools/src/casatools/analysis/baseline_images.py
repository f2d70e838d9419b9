"""Baselines taken away from image cubes, with the cube smoothed for the fit on request: what imbaseline does."""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace

import numpy as np

from casatools._base.errors import DataError, ParameterError, PathMissingError, SelectionError
from casatools._base.paths import require_absent, require_writable_parent, staged_output
from casatools._base.progress import Progress
from casatools.analysis.baselines import Baseline, BaselineFunction, LineFinder, fit_baselines
from casatools.analysis.regions import parse_channels
from casatools.analysis.smoothing import SmoothOptions, smooth_image
from casatools.analysis.sub_images import PixelChoice
from casatools.io.image import CasaImage

__all__ = ["BaselineOptions", "parse_baseline_file", "subtract_baselines"]

_BLOCK_BYTES = 64 << 20


@dataclass(frozen=True)
class BaselineOptions:
    """How baselines of a cube are fitted.

    Attributes
    ----------
    function : BaselineFunction
        For all spectra that `each` does not name.
    channels : str
        Channels without lines, such as "0~5;18~23", also behind a window number ("0:0~5;18~23"); "" is all.
    finder : LineFinder or None
        Lines are found in each spectrum.
    each : dict
        Function, channels and finder of single spectra by their number (y + ny * x); others are left as they are when it is not empty.
    sky : SmoothOptions or None
        The planes are smoothed for the fit.
    kernel : str
        "none", "gaussian" or "boxcar": the spectra are smoothed for the fit.
    width : int
        Full width of that kernel, channels.
    """

    function: BaselineFunction = BaselineFunction()  # noqa: RUF009 - frozen
    channels: str = ""
    finder: LineFinder | None = None
    each: dict[int, tuple[BaselineFunction, str, LineFinder | None]] | None = None
    sky: SmoothOptions | None = None
    kernel: str = "none"
    width: int = 5

    def __post_init__(self) -> None:
        if self.kernel not in ("none", "gaussian", "boxcar"):
            raise ParameterError(f"parameter 'spkernel' must be none, gaussian or boxcar; got {self.kernel!r}")
        if self.kernel != "none" and self.width < 1:
            raise ParameterError(f"parameter 'kwidth' must be at least 1; got {self.width}")


def subtract_baselines(image: CasaImage, line: str, continuum: str, table: str, options: BaselineOptions) -> None:
    """Write a cube without its baselines, the baselines, and their coefficients as text.

    Parameters
    ----------
    image : CasaImage
    line, continuum : str
        Images to write; "" for no image of the baselines.
    table : str
        Text file, a line for each spectrum: x, y, window, polarization, number of the spectrum, channels used, function, order or pieces or
        waves, coefficients, rms, channels clipped; "" is none.
    options : BaselineOptions

    Raises
    ------
    DataError, ParameterError, SelectionError, OutputExistsError
        The image has no sky or no spectral axis or holds complex numbers, channels are not in it, or an output exists.
    """
    coordinates = image.coordinates
    axis = coordinates.spectral_axis
    if axis is None or len(coordinates.direction_axes) != 2:
        raise DataError(f"image {image.path!r} needs two sky axes and a spectral axis for baselines")
    if np.issubdtype(image.dtype, np.complexfloating):
        raise DataError(f"image {image.path!r} holds complex numbers; baselines are fitted to real ones")
    PixelChoice().of(image).require_good()
    for path in (line, continuum):
        if path:
            require_absent(path, what="image")
    if table:
        if os.path.isdir(table):  # a text is replaced, as in CASA
            require_absent(table, what="text file")
        require_writable_parent(table)
    k = image.ndim - 1 - axis
    _channels(options.channels, image.shape[k])
    with ExitStack() as stack:
        source = image
        if options.sky is not None:
            folder = stack.enter_context(
                tempfile.TemporaryDirectory(prefix=".imbaseline", dir=os.path.dirname(os.path.abspath(line)))
            )
            smooth_image(image, f"{folder}/smooth", options.sky, PixelChoice())
            source = stack.enter_context(CasaImage.open(f"{folder}/smooth"))
        made = {}
        for name, path in (("line", line), ("continuum", continuum)):
            if path:
                staged = stack.enter_context(staged_output(path))
                new = CasaImage.create(staged, image.shape, coordinates, image.dtype, mask="mask0" if image.has_mask else "")
                made[name] = stack.enter_context(new)
                new.copy_metadata_from(image)
        text = (
            stack.enter_context(open(stack.enter_context(staged_output(table, overwrite=True)), "w", encoding="utf-8"))
            if table
            else None
        )
        blocks = list(_blocks(image.shape, k))
        with Progress(len(blocks), "baselines") as progress:
            for block in blocks:
                values = image.read(block)
                good = image.read_mask(block) & np.isfinite(values) if image.has_mask else np.isfinite(values)
                rows = np.moveaxis(values if source is image else source.read(block), k, -1)
                usable = np.moveaxis(good, k, -1)
                numbers = _numbers(image, block, k)
                found = _fitted(rows.reshape(-1, rows.shape[-1]), usable.reshape(-1, rows.shape[-1]), numbers[:, 4], options)
                smooth = np.moveaxis(found.values.reshape(rows.shape), -1, k)
                for name, new in made.items():
                    new.write(values - smooth if name == "line" else smooth, block)
                    if image.has_mask:
                        new.write_mask(good, block)
                if text is not None:
                    text.writelines(_lines(found, numbers, usable.reshape(-1, rows.shape[-1]), options))
                progress.advance()


def _blocks(shape: tuple[int, ...], axis: int) -> Iterator[tuple[slice, ...]]:
    """Blocks that hold the spectral axis whole, a few rows at a time."""
    y = len(shape) - 2 if axis != len(shape) - 2 else len(shape) - 3
    each = int(np.prod([n for a, n in enumerate(shape) if a != y])) * 40
    step = max(1, _BLOCK_BYTES // max(1, each))
    for start in range(0, shape[y], step):
        yield tuple(slice(start, min(start + step, n)) if a == y else slice(0, n) for a, n in enumerate(shape))


def _numbers(image: CasaImage, block: tuple[slice, ...], axis: int) -> np.ndarray:
    """x, y, 0, polarization and y + ny x of the spectra of a block."""
    extent = [1 if a == axis else s.stop - s.start for a, s in enumerate(block)]
    at = [
        g.ravel() + (0 if a == axis else block[a].start)
        for a, g in enumerate(np.meshgrid(*(np.arange(n) for n in extent), indexing="ij"))
    ]
    x_axis, y_axis = (image.ndim - 1 - a for a in image.coordinates.direction_axes)
    stokes = image.coordinates.stokes_axis
    polarization = at[image.ndim - 1 - stokes] if stokes is not None else np.zeros_like(at[0])
    x, y = at[x_axis], at[y_axis]
    return np.stack([x, y, np.zeros_like(x), polarization, y + image.shape[y_axis] * x], axis=1)


def _channels(text: str, count: int) -> np.ndarray:
    """True (channel,) for the channels of a selection."""
    out = np.ones(count, bool)
    words = text.strip()
    if words:
        window, colon, rest = words.partition(":")
        if colon and window.strip() not in ("0", "*"):
            raise SelectionError(f"chans={text!r} names the window {window!r}; an image has window 0 only")
        out[:] = False
        out[parse_channels(rest if colon else words, count)] = True
    return out


def _fitted(values: np.ndarray, good: np.ndarray, numbers: np.ndarray, options: BaselineOptions) -> Baseline:
    if options.kernel != "none":
        values, good = _smoothed(values, good, options.kernel, options.width)
    if options.each is None:
        return fit_baselines(values, _free(values, good, options.channels, options.finder), options.function)
    empty = Baseline(
        np.zeros(values.shape),
        np.zeros(values.shape, bool),
        np.zeros(len(values), bool),
        np.zeros(len(values)),
        [()] * len(values),
    )
    for row, number in enumerate(numbers.tolist()):
        if number in options.each:
            function, channels, finder = options.each[number]
            own = fit_baselines(
                values[row : row + 1], _free(values[row : row + 1], good[row : row + 1], channels, finder), function
            )
            empty.values[row], empty.used[row], empty.fitted[row] = own.values[0], own.used[0], own.fitted[0]
            empty.rms[row], empty.waves[row] = own.rms[0], own.waves[0]
    return empty


def _free(values: np.ndarray, good: np.ndarray, channels: str, finder: LineFinder | None) -> np.ndarray:
    usable = good & _channels(channels, values.shape[1])
    if finder is not None:
        usable = np.array([finder.free(v, g) for v, g in zip(values, usable, strict=True)])
    return usable


def _smoothed(values: np.ndarray, good: np.ndarray, kernel: str, width: int) -> tuple[np.ndarray, np.ndarray]:
    """Smoothed spectra; channels that the kernel reaches beyond the edge for are not good, as in CASA."""
    count = values.shape[1]
    offsets = np.arange(count)[None, :] - np.arange(count)[:, None]
    if kernel == "boxcar":
        weight = ((offsets >= -(width // 2)) & (offsets <= (width - 1) // 2)).astype(np.float64)
    else:
        weight = np.exp(-4 * np.log(2) * (offsets / width) ** 2)
    # what lies beyond the edge counts as zero, what is masked does not count
    beyond = (
        2 * np.exp(-4 * np.log(2) * (np.arange(1, 50 * width) / width) ** 2).sum() + 1.0 if kernel == "gaussian" else float(width)
    )
    weights = (good.astype(np.float64) @ weight.T) * (beyond / weight.sum(axis=1))
    total = np.where(good, values, 0.0) @ weight.T
    usable = good.copy()
    half = width // 2
    usable[:, :half] = False
    usable[:, count - half :] = False
    return np.divide(total, weights, out=np.zeros(values.shape), where=weights > 0), usable


def _lines(found: Baseline, numbers: np.ndarray, good: np.ndarray, options: BaselineOptions) -> Iterator[str]:
    for row, number in enumerate(numbers.tolist()):
        if options.each is not None and number[4] not in options.each:
            continue
        function = options.function if options.each is None else options.each[number[4]][0]
        used = found.used[row]
        edges = np.flatnonzero(np.diff(np.concatenate([[0], used.astype(np.int8), [0]])))
        runs = ";".join(f"[{a};{b - 1}]" for a, b in zip(edges[::2], edges[1::2], strict=True))
        size = {"cspline": str(function.pieces), "sinusoid": ";".join(map(str, found.waves[row]))}.get(
            function.kind, str(function.order)
        )
        coefficients = function.reported(found.values[row], found.waves[row])
        clipped = int((good[row] & ~used).sum()) if function.clip_rounds else 0
        yield (
            ",".join(
                [
                    *map(str, number),
                    f"[{runs}]",
                    function.kind,
                    size,
                    *(f"{c:.8g}" for c in coefficients),
                    f"{found.rms[row]:.8g}",
                    str(clipped),
                ]
            )
            + "\n"
        )


def parse_baseline_file(path: str, function: BaselineFunction) -> dict[int, tuple[BaselineFunction, str, LineFinder | None]]:
    """Read a file of baselines of single spectra.

    Parameters
    ----------
    path : str
        Lines ``number, polarization, channels, clip rounds, clip level, find lines, threshold, left edge, right edge, widest mean, function, order,
        pieces, waves``; empty fields are those of `function`. ``#`` begins a remark.
    function : BaselineFunction

    Raises
    ------
    PathMissingError, ParameterError
        There is no such file, or a line cannot be read.
    """
    if not os.path.isfile(path):
        raise PathMissingError(f"the file of baselines {path!r} does not exist")
    found: dict[int, tuple[BaselineFunction, str, LineFinder | None]] = {}
    with open(path, encoding="utf-8") as stream:
        for number, raw in enumerate(stream, start=1):
            text = raw.split("#")[0].strip()
            if not text:
                continue
            words = [w.strip() for w in text.split(",")]
            try:
                words += [""] * (14 - len(words))
                waves = tuple(int(v) for v in re.split(r"[;\s]+", words[13]) if v) or function.waves
                own = replace(
                    function, kind=words[10] or function.kind, order=int(words[11] or function.order), pieces=int(words[12] or function.pieces),
                    waves=waves, transform=False, clip_rounds=int(words[3] or 0), clip_level=float(words[4] or function.clip_level),
                )  # fmt: skip
                finder = None
                if words[5].lower() in ("true", "1", "t"):
                    finder = LineFinder(float(words[6] or 5.0), int(words[9] or 4), 4, (int(words[7] or 0), int(words[8] or 0)))
                found[int(words[0])] = own, words[2], finder
            except ValueError as error:
                raise ParameterError(f"line {number} of {path!r} cannot be read: {error}") from None
    return found
