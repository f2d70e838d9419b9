"""Continuum subtraction in the uv plane: polynomials fitted to line-free channels of each spectrum.

References
----------
Cornwell, Uson & Haddad, "Radio-interferometric imaging of spectral lines: the problem of continuum subtraction", A&A 258 (1992), 583.
Sault, "An analysis of visibility-based continuum subtraction", A&AS 107 (1994), 55.
Holland & Welsch, "Robust regression using iteratively reweighted least-squares", Commun. Statist. A6 (1977), 813.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from casatools._base.errors import ParameterError
from casatools._base.paths import require_absent, require_present
from casatools._base.threads import over_rows
from casatools.io.ms import MeasurementSet, Selection
from casatools.kernels.continuum import bisquare_weights, fit_continuum
from casatools.transform.blocks import Block, settle_row_flags, settle_row_weights
from casatools.transform.pipeline import TransformOptions, prepare, run

__all__ = ["ContinuumFit", "FitQuality", "parse_fitspec", "subtract_blocks", "uvcontsub"]


@dataclass(frozen=True)
class ContinuumFit:
    """What to fit in one field and spectral window: channels of the input window, and the order of the polynomial."""

    channels: np.ndarray
    order: int


Fits = Mapping[tuple[int, int], ContinuumFit]
# Tukey's bisquare with this constant is 95 % efficient on Gaussian noise (Holland & Welsch 1977).
_BISQUARE = 4.685


@dataclass
class FitQuality:
    """Goodness of fit gathered while streaming: chi-squared of the last spectrum of each integration, as the reference reports.

    `values` maps (field, scan, spw, correlation) to a list of (real, imaginary).
    """

    values: dict[tuple[int, int, int, int], list[tuple[float, float]]] = field(default_factory=dict)
    # The integration that the block before ended in, when a spectrum of it was noted.
    _open: tuple[int, int, int, float] | None = None

    def add(self, block: Block, chi2: np.ndarray, fitted: np.ndarray) -> None:
        """Take note of a block; `fitted` marks its rows that had a fit."""
        rows = block.rows
        keys = np.stack([rows["FIELD_ID"], rows["SCAN_NUMBER"], rows["TIME"]])
        last = np.append(np.any(np.diff(keys, axis=1) != 0, axis=0), True) & fitted
        ends = [(block.spw, int(keys[0, k]), int(keys[1, k]), float(keys[2, k])) for k in (0, -1)]
        if self._open == ends[0] and fitted[0]:
            # Blocks end within integrations: what was noted was not the last spectrum.
            for corr in range(chi2.shape[1]):
                self.values[ends[0][1], ends[0][2], block.spw, corr].pop()
        self._open = ends[1] if last[-1] else None
        for row in np.flatnonzero(last):
            for corr in range(chi2.shape[1]):
                key = (int(rows["FIELD_ID"][row]), int(rows["SCAN_NUMBER"][row]), block.spw, corr)
                self.values.setdefault(key, []).append((float(chi2[row, corr, 0]), float(chi2[row, corr, 1])))

    def record(self) -> dict[str, Any]:
        """The dict that the task returns."""
        tree: dict[str, Any] = {}
        for (field_id, scan, spw, corr), pairs in sorted(self.values.items()):
            values = np.array(pairs)
            good = values[np.isfinite(values).all(axis=1)]
            size = np.hypot(good[:, 0], good[:, 1])
            none = np.full(2, np.nan)
            average, high, low = (
                (good.mean(axis=0), good[size.argmax()], good[size.argmin()]) if len(good) else (none, none, none)
            )
            summary = {
                "chi_squared": {
                    name: {"real": float(pair[0]), "imag": float(pair[1])}
                    for name, pair in (("average", average), ("max", high), ("min", low))
                },
                "count": len(pairs),
            }
            node = tree.setdefault(str(field_id), {"scan": {}})["scan"].setdefault(str(scan), {"spw": {}})["spw"]
            node.setdefault(str(spw), {"polarization": {}})["polarization"][str(corr)] = summary
        return {"description": "summary of data fitting results in uv-continuum subtraction", "goodness_of_fit": {"field": tree}}


def parse_fitspec(ms: MeasurementSet, fitspec: Any, fitorder: int) -> Fits:
    """Read a `fitspec`.

    Parameters
    ----------
    ms : MeasurementSet
    fitspec : str or dict
        A selection of spectral windows and channels, such as ``"0:4~6;50~59"``, "" for all; or
        ``{fields: {spws: {"chan": "4~6;50~59", "fitorder": 1}}}``, where ``"NONE"`` in place of an inner dict leaves data as they are.
    fitorder : int
        The order where a dict does not say.

    Returns
    -------
    dict
        (field, spw) to ContinuumFit; what has no entry is not touched.

    Raises
    ------
    SelectionError, ParameterError
    """
    if fitorder < 0:
        raise ParameterError(f"parameter 'fitorder' must be at least 0; got {fitorder}")
    every = [f.id for f in ms.metadata.fields]
    if not isinstance(fitspec, Mapping):
        found = _channels(ms, str(fitspec or ""))
        return {(f, spw): ContinuumFit(channels, fitorder) for f in every for spw, channels in found.items()}
    fits: dict[tuple[int, int], ContinuumFit] = {}
    for field_text, inner in fitspec.items():
        fields = Selection(field=str(field_text)).resolve(ms, allow_empty=True).fields if str(field_text) else every
        if _is_none(inner):
            continue
        if not isinstance(inner, Mapping):
            raise ParameterError(f"fitspec for field {field_text!r} must be a dict of spectral windows or 'NONE'; got {inner!r}")
        for spw_text, how in inner.items():
            order, chan = _how(how, field_text, spw_text, fitorder)
            if chan is None:
                continue
            for part in str(spw_text).split(","):
                found = _channels(ms, f"{part.strip()}:{chan}" if chan else part.strip())
                fits.update({(int(f), spw): ContinuumFit(channels, order) for f in fields for spw, channels in found.items()})
    return fits


def _is_none(value: Any) -> bool:
    return isinstance(value, str) and value.strip().upper() == "NONE"


def _how(how: Any, field_text: Any, spw_text: Any, fitorder: int) -> tuple[int, str | None]:
    """Order and channel text of an innermost dict; None for channels that are not to be fitted."""
    if _is_none(how):
        return 0, None
    if not isinstance(how, Mapping):
        raise ParameterError(
            f"fitspec for field {field_text!r}, spw {spw_text!r} must be a dict with 'chan' and 'fitorder'; got {how!r}"
        )
    unknown = sorted(set(how) - {"chan", "fitorder"})
    if unknown:
        raise ParameterError(
            f"fitspec for field {field_text!r}, spw {spw_text!r} has the unknown key {unknown[0]!r}; allowed are chan, fitorder"
        )
    order = how.get("fitorder", fitorder)
    if isinstance(order, bool) or int(order) != order or order < 0:
        raise ParameterError(
            f"fitspec for field {field_text!r}, spw {spw_text!r}: fitorder must be an int of at least 0; got {order!r}"
        )
    chan = str(how.get("chan", ""))
    return int(order), None if _is_none(chan) else chan.strip()


def _channels(ms: MeasurementSet, spw: str) -> dict[int, np.ndarray]:
    found = Selection(spw=spw).resolve(ms, allow_empty=True).channels
    windows = ms.metadata.spectral_windows
    return {s: np.arange(windows[s].nchan) if c is None else np.asarray(c) for s, c in found.items()}


def subtract_blocks(
    blocks: Iterable[Block],
    fits: Fits,
    channels: Mapping[int, np.ndarray | None],
    *,
    keep_model: bool = False,
    want_continuum: bool = False,
    flat: bool = False,
    quality: FitQuality | None = None,
    passes: int = 1,
    nthreads: int | None = None,
) -> Iterator[Block]:
    """The stage: subtract the fitted continuum from every column.

    Parameters
    ----------
    blocks : iterable of Block
    fits : mapping
    channels : mapping
        Spectral window to the input channels that the blocks hold; None for all.
    keep_model : bool
        Add the fit as MODEL_DATA.
    want_continuum : bool
        Keep the continuum instead of what is left.
    flat : bool
        Weight all channels alike.
    quality : FitQuality, optional
    passes : int
        Fits made: each after the first weights the channels down that lie off the one before (Tukey's bisquare).
    nthreads : int, optional
        Threads at most; all cores when absent.
    """
    for block in blocks:
        nrow, _, ncorr = block.flag.shape
        models = {}
        for name, values in block.data.items():
            kind = np.ones((nrow, 1, ncorr), dtype=np.float32) if flat else block.weight_of(name)
            model, chi2, fitted = _fit(block, values, kind, fits, channels.get(block.spw), passes, nthreads)
            if quality is not None:
                quality.add(block, chi2, fitted)
            models[name] = model
            own = model if np.iscomplexobj(values) else model.real
            block.data[name] = np.where(fitted[:, None, None], own, values) if want_continuum else values - own
        if keep_model:
            block.data["MODEL_DATA"] = next(iter(models.values()))
        yield block


def _fit(
    block: Block,
    values: np.ndarray,
    kind: np.ndarray,
    fits: Fits,
    held: np.ndarray | None,
    passes: int,
    nthreads: int | None,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Model, chi-squared and which rows were fitted."""
    nrow, nchan, ncorr = block.flag.shape
    model = np.zeros(values.shape, dtype=np.complex64)
    chi2 = np.full((nrow, ncorr, 2), np.nan)
    fitted = np.zeros(nrow, dtype=bool)
    index = np.arange(nchan) if held is None else np.asarray(held)
    x = np.linspace(-1.0, 1.0, nchan) if held is None else 2.0 * (index - index[0]) / max(1, index[-1] - index[0]) - 1.0
    data = np.ascontiguousarray(values.astype(np.complex64, copy=False))
    for number in np.unique(block.rows["FIELD_ID"]):
        how = fits.get((int(number), block.spw))
        if how is None:
            continue
        rows = np.flatnonzero(block.rows["FIELD_ID"] == number)
        part: Any = slice(None) if len(rows) == nrow else rows
        fit = np.isin(index, how.channels)
        some, spread = np.zeros((len(rows), nchan, ncorr), dtype=np.complex64), np.empty((len(rows), ncorr, 2))
        _fit_rows(data[part], kind[part], block.flag[part], fit, x, how.order, some, spread, passes, nthreads)
        model[part], chi2[part], fitted[part] = some, spread, True
    return model, chi2, fitted


def _fit_rows(
    data: np.ndarray, weight: np.ndarray, flag: np.ndarray, fit: np.ndarray, x: np.ndarray, order: int, model: np.ndarray,
    chi2: np.ndarray, passes: int, nthreads: int | None,
) -> None:  # fmt: skip
    """Fit to rows, in threads; see `fit_continuum` for the arrays."""

    def some(low: int, high: int) -> None:
        part = slice(low, high)
        fit_continuum(data[part], weight[part], flag[part], fit, x, order, model[part], chi2[part])
        for _ in range(passes - 1):
            robust = np.empty(model[part].shape, dtype=np.float32)
            bisquare_weights(data[part], weight[part], flag[part], fit, model[part], _BISQUARE, robust)
            fit_continuum(data[part], robust, flag[part], fit, x, order, model[part], chi2[part])

    nrow = len(data)
    over_rows(some, nrow, max(2048, -(-nrow // nthreads) if nthreads else 1))


def uvcontsub(
    vis: str, outputvis: str, selection: Selection, datacolumn: str, fitspec: Any, fitorder: int, writemodel: bool
) -> dict[str, Any]:
    """Write `vis` with its continuum subtracted to `outputvis`; returns the goodness of fit.

    Parameters
    ----------
    vis, outputvis : str
    selection : Selection
    datacolumn : str
    fitspec, fitorder
        See `parse_fitspec`.
    writemodel : bool
        Write the fitted continuum to MODEL_DATA of the output.
    """
    vis = require_present(vis, "MeasurementSet")
    require_absent(outputvis)
    with MeasurementSet(vis) as ms:
        fits = parse_fitspec(ms, fitspec, fitorder)
        job = prepare(ms, TransformOptions(selection, datacolumn, reindex=False))
        quality = FitQuality()

        def stage(blocks: Iterable[Block]) -> Iterator[Block]:
            flat = job.columns.of_model
            done = subtract_blocks(blocks, fits, job.resolved.channels, keep_model=writemodel, flat=flat, quality=quality)
            return settle_row_flags(settle_row_weights(done, job.columns))

        run(job, outputvis, [stage], extra_columns=("MODEL_DATA",) if writemodel else ())
    return quality.record()
