"""What the automatic detectors share: the values they look at, averaged first where asked, and how their finds get back to the rows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from casatools._base.threads import thread_count
from casatools.flagging.agents import FlagChunk, Product, products_of, require_products
from casatools.flagging.timefreq import PlaneAgent

__all__ = ["DetectingAgent", "Layout", "all_hidden", "average_rows", "combined", "lay_out", "packed", "spread"]


@dataclass(frozen=True)
class Layout:
    """Where rows are in time and on which baseline.

    Attributes
    ----------
    index : ndarray (baseline, time) int64
        Row of each baseline and time; -1 where there is none.
    field, spw : int
    """

    index: np.ndarray
    field: int
    spw: int


def lay_out(antenna1: np.ndarray, antenna2: np.ndarray, time_s: np.ndarray, ntime: int | None = None) -> np.ndarray:
    """Rows of each baseline and time.

    Parameters
    ----------
    antenna1, antenna2 : ndarray (row,) int
    time_s : ndarray (row,) float64 [s]
    ntime : int, optional
        With it `time_s` holds numbers below it instead of times.

    Returns
    -------
    ndarray (baseline, time) int64
        -1 where there is no row.
    """
    pair = antenna1.astype(np.int64) * 65536 + antenna2
    _, baseline = np.unique(pair, return_inverse=True)
    baseline = baseline.ravel()
    time = np.unique(time_s, return_inverse=True)[1].ravel() if ntime is None else time_s
    index = np.full((int(baseline.max()) + 1, ntime or int(time.max()) + 1), -1, np.int64)
    index[baseline, time] = np.arange(len(pair))
    return index


def packed(index: np.ndarray) -> np.ndarray:
    """Rows of each baseline in order of time without gaps, as the reference puts them side by side.

    Parameters
    ----------
    index : ndarray (baseline, time) int64
        As of `lay_out`.

    Returns
    -------
    ndarray (baseline, time) int64
        -1 only at the end.
    """
    if (index >= 0).all():
        return index
    return np.ascontiguousarray(np.take_along_axis(index, np.argsort(index < 0, axis=1, kind="stable"), axis=1))


def spread(work: Callable[[tuple[int, int]], None], count: int) -> None:
    """Call `work` with spans (start, stop) that cover ``range(count)``, on all cores; `work` must release the GIL to gain by it."""
    threads = min(thread_count(), count)
    if threads <= 1:
        work((0, count))
        return
    parts = min(count, 4 * threads)
    spans = [(k * count // parts, (k + 1) * count // parts) for k in range(parts)]
    with ThreadPoolExecutor(threads) as pool:
        for _ in pool.map(work, spans):
            pass


def average_rows(
    values: np.ndarray, hidden: np.ndarray, row_bin: np.ndarray, chan_bin: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Average unhidden values over bins of rows and channels.

    Parameters
    ----------
    values : ndarray (row, chan, product) complex64 or float32
    hidden : ndarray (row, chan, product) bool
    row_bin : ndarray (row,) int
    chan_bin : ndarray (chan,) int

    Returns
    -------
    means : ndarray (rowbin, chanbin, product), dtype of `values`
    hidden : ndarray (rowbin, chanbin, product) bool
        True where nothing went in.
    """
    shape = (int(row_bin.max()) + 1, int(chan_bin.max()) + 1, values.shape[2])
    total = np.zeros(shape, np.complex128 if np.iscomplexobj(values) else np.float64)
    count = np.zeros(shape, np.int64)
    starts = np.flatnonzero(np.diff(chan_bin, prepend=-1))
    used = np.where(hidden, values.dtype.type(0), values)
    np.add.at(total, row_bin, np.add.reduceat(used, starts, axis=1))
    np.add.at(count, row_bin, np.add.reduceat((~hidden).astype(np.int64), starts, axis=1))
    return (total / np.maximum(count, 1)).astype(values.dtype), count == 0


def all_hidden(hidden: np.ndarray, row_bin: np.ndarray, chan_bin: np.ndarray) -> np.ndarray:
    """Flags (rowbin, chanbin, product) of averages of which everything was hidden; arguments as of `average_rows`."""
    some = np.zeros((int(row_bin.max()) + 1, int(chan_bin.max()) + 1, hidden.shape[2]), bool)
    np.logical_or.at(some, row_bin, np.logical_or.reduceat(~hidden, np.flatnonzero(np.diff(chan_bin, prepend=-1)), axis=1))
    return ~some


def _each_alone(products: Sequence[Product], ncorr: int) -> bool:
    """Whether products are all correlations in their order, each alone."""
    return [p.indices for p in products] == [(k,) for k in range(ncorr)]


def combined(data: np.ndarray, flags: np.ndarray, products: Sequence[Product]) -> tuple[np.ndarray, np.ndarray]:
    """Values and flags (row, chan, product) of products of correlations; the arrays given where these are all, each alone."""
    if _each_alone(products, data.shape[2]):
        return np.ascontiguousarray(data), flags
    values = np.empty((*data.shape[:2], len(products)), data.dtype)
    hidden = np.empty(values.shape, bool)
    for number, product in enumerate(products):
        values[:, :, number] = product.of(data)
        hidden[:, :, number] = flags[:, :, list(product.indices)].any(axis=2)
    return values, hidden


class DetectingAgent(PlaneAgent):
    """Base of tfcrop, rflag and sumthreshold: a detector of (row, chan, product) arrays."""

    by_baseline = True

    def prepare(self) -> None:
        super().prepare()
        require_products(self)

    def detect(self, values: np.ndarray, hidden: np.ndarray, layout: Layout) -> np.ndarray:
        """Find what is bad.

        Parameters
        ----------
        values : ndarray (row, chan, product) complex64 or float32
        hidden : ndarray (row, chan, product) bool
            Flagged already.
        layout : Layout

        Returns
        -------
        ndarray (row, chan, product) bool
        """
        raise NotImplementedError

    def _apply_group(self, piece: FlagChunk, rows: np.ndarray, channels: np.ndarray, correlations: np.ndarray) -> None:
        products = products_of(self, piece.chunk.pol)
        if not products:
            return
        data, flags = piece.visibilities(str(self.options["datacolumn"])), piece.flags
        whole = len(rows) == data.shape[0] and len(channels) == data.shape[1]
        if not whole:
            data, flags = data[np.ix_(rows, channels)], flags[np.ix_(rows, channels)]
        slot, nslot = self._slots_of(piece.chunk.rows[rows])
        field = int(piece.row_values("FIELD_ID")[rows[0]])
        bins = self._bins(piece, rows, len(channels))
        looked_at = rows
        if bins is not None:
            # Correlations are averaged before they are combined.
            data, flags = average_rows(data, flags, bins[0], bins[1])
            looked_at, slot = rows[bins[2]], slot[bins[2]]
        one, two = (piece.row_values(c)[looked_at] for c in ("ANTENNA1", "ANTENNA2"))
        bad = self.detect(*combined(data, flags, products), Layout(lay_out(one, two, slot, nslot), field, piece.chunk.spw))
        if bins is not None:
            bad = bad[bins[0]][:, bins[1]]
        if whole and _each_alone(products, data.shape[2]):
            piece.flags[...] |= bad
            return
        for number, product in enumerate(products):
            for k in product.indices:
                if whole:
                    piece.flags[:, :, k] |= bad[:, :, number]
                else:
                    piece.flags[np.ix_(rows, channels, np.array([k]))] |= bad[:, :, number : number + 1]
