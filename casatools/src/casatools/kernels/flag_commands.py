"""Loops that set what many selections of rows, channels and correlations say, row by row."""

from __future__ import annotations

import numpy as np

from casatools.kernels._kernel import kernel

__all__ = ["matched_commands", "set_selected"]


@kernel
def matched_commands(
    kind: np.ndarray, baseline: np.ndarray, of_kind: np.ndarray, of_baseline: np.ndarray, found: np.ndarray, rows: np.ndarray
) -> None:
    """Set the bits in `found` (word,) uint64 of commands that select any row, and `rows` (row,) bool where any command does.

    Bit k of ``of_kind[kind[row]]`` (kind, word) and of ``of_baseline[baseline[row]]`` (baseline, word), both uint64, says that command k
    selects the row.
    """
    for row in range(len(kind)):
        for word in range(len(found)):
            bits = of_kind[kind[row], word] & of_baseline[baseline[row], word]
            if bits:
                found[word] |= bits
                rows[row] = True


@kernel
def _set_row(flags: np.ndarray, ncorr: int, ranges: np.ndarray, chosen: np.ndarray, whole: bool, value: bool) -> None:
    """Set ranges (range, 2) of channels of the `chosen` (corr,) correlations, `whole` if all, in the flags (chan * corr,) of one row."""
    for number in range(len(ranges)):
        first, last = ranges[number, 0] * ncorr, ranges[number, 1] * ncorr
        if whole:
            for cell in range(first, last):
                flags[cell] = value
            continue
        for cell in range(first, last, ncorr):
            for corr in range(ncorr):
                if chosen[corr]:
                    flags[cell + corr] = value


@kernel
def set_selected(
    span: tuple[int, int],
    bits: tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray],
    ranges: np.ndarray,
    first: np.ndarray,
    chosen: np.ndarray,
    whole: np.ndarray,
    values: np.ndarray,
    whole_rows: np.ndarray,
    flags: np.ndarray,
    flag_row: np.ndarray,
) -> None:
    """Set flags (row, chan * corr) and flag_row (row,) of the rows of `span` as each command in turn says.

    `bits` are kind, baseline, of_kind and of_baseline as of `matched_commands`; command k sets the channels ``ranges[first[k]:first[k + 1]]``
    (first and after the last) of the correlations ``chosen[k]`` (``whole[k]`` when these are all) to ``values[k]``, and the row's own flag
    where ``whole_rows[k]``.
    """
    kind, baseline, of_kind, of_baseline = bits
    one, byte, eight = np.uint64(1), np.uint64(255), np.uint64(8)
    for row in range(span[0], span[1]):
        for word in range(of_kind.shape[1]):
            left = of_kind[kind[row], word] & of_baseline[baseline[row], word]
            k = 64 * word
            while left:
                if not left & byte:
                    left >>= eight
                    k += 8
                    continue
                if left & one:
                    _set_row(flags[row], chosen.shape[1], ranges[first[k] : first[k + 1]], chosen[k], whole[k], values[k])
                    if whole_rows[k]:
                        flag_row[row] = values[k]
                left >>= one
                k += 1
