"""Weights of single spectra from the scatter of their channels, as ms.oldstatwt sets them.

Notes
-----
The variance of n unflagged channels is the sum of squared moduli of the differences from their mean, over 2 n - 1; about zero the sum of
squared moduli over 2 n - 1. So the reference has it (seen in its results).
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from casatools.io.ms import MeasurementSet, Selection, VisChunk, iter_chunks, write_chunks
from casatools.transform.blocks import inverse_root

__all__ = ["set_weights_from_spectra"]


def set_weights_from_spectra(vis: str, selection: Selection, column: str, fitspw: str, about_zero: bool, least: int) -> int:
    """Set WEIGHT and SIGMA (and WEIGHT_SPECTRUM where it exists); returns the number of rows.

    Parameters
    ----------
    vis : str
    selection : Selection
    column : str
        Data column.
    fitspw : str
        Channels that count; "" for all.
    about_zero : bool
        Scatter about zero.
    least : int
        Unflagged channels that a spectrum needs; those with fewer are flagged.
    """
    with MeasurementSet(vis, writable=True) as ms:
        ms.require(column)
        resolved = selection.resolve(ms)
        fits = Selection(spw=fitspw).resolve(ms, allow_empty=True).channels if fitspw else {}
        spectrum = ms.has("WEIGHT_SPECTRUM")

        def weighted() -> Iterator[tuple[VisChunk, dict[str, np.ndarray]]]:
            for chunk in iter_chunks(ms, resolved, [column, "FLAG", "WEIGHT"]):
                chosen = fits.get(chunk.spw) if fitspw else None
                counts = np.ones(len(chunk.channels), dtype=bool) if chosen is None else np.isin(chunk.channels, chosen)
                weight, enough = _weights(chunk[column], chunk["FLAG"] | ~counts[None, :, None], about_zero, least)
                out = {"WEIGHT": weight, "SIGMA": inverse_root(weight), "FLAG": chunk["FLAG"] | ~enough[:, None, :]}
                if spectrum:
                    out["WEIGHT_SPECTRUM"] = np.broadcast_to(weight[:, None, :], chunk["FLAG"].shape).copy()
                yield chunk, out

        return write_chunks(ms, weighted(), ())


def _weights(data: np.ndarray, flag: np.ndarray, about_zero: bool, least: int) -> tuple[np.ndarray, np.ndarray]:
    """Inverse variances (row, corr), 0 where there are too few channels or no scatter, and where there are enough."""
    good = ~flag
    count = good.sum(axis=1)
    values = np.where(good, data, 0).astype(np.complex128)
    mean = 0.0 if about_zero else values.sum(axis=1) / np.maximum(count, 1)
    squares = (
        np.abs(np.where(good, values - np.reshape(mean, (-1, 1, data.shape[2])) if not about_zero else values, 0)) ** 2
    ).sum(axis=1)
    enough = count >= least
    weight = np.zeros(count.shape)
    np.divide(2.0 * count - 1.0, squares, out=weight, where=enough & (squares > 0))
    return weight.astype(np.float32), enough
