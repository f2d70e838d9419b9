"""Correlations and the planes of an image: which is a sum of which, where each correlation is seen through a beam of its own.

References
----------
Hamaker & Bregman 1996, A&AS 117, 161: Stokes parameters and correlations of circular and linear feeds.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

__all__ = ["CORRELATION_NAMES", "CORRELATION_SUMS", "PlaneMixing", "correlation_planes", "sum_of_planes"]

# Correlations as sums over Stokes parameters, by the codes of the MeasurementSet.
CORRELATION_SUMS: dict[int, dict[str, complex]] = {
    5: {"I": 1.0, "V": 1.0}, 6: {"Q": 1.0, "U": 1j}, 7: {"Q": 1.0, "U": -1j}, 8: {"I": 1.0, "V": -1.0},
    9: {"I": 1.0, "Q": 1.0}, 10: {"U": 1.0, "V": 1j}, 11: {"U": 1.0, "V": -1j}, 12: {"I": 1.0, "Q": -1.0},
}  # fmt: skip
CORRELATION_NAMES = {5: "RR", 6: "RL", 7: "LR", 8: "LL", 9: "XX", 10: "XY", 11: "YX", 12: "YY"}


def sum_of_planes(code: int, labels: Sequence[str]) -> dict[str, complex]:
    """A correlation as a sum over those planes of an image that it is made of."""
    if CORRELATION_NAMES.get(code) in labels:
        return {CORRELATION_NAMES[code]: 1.0}
    return {name: factor for name, factor in CORRELATION_SUMS.get(code, {"I": 1.0}).items() if name in labels}


@dataclass(frozen=True)
class PlaneMixing:
    """Planes of the data (correlations) and planes of the image.

    Attributes
    ----------
    hands : tuple of (str, str)
        Receptors of the two antennas, for each plane of the data.
    forward : ndarray (data, image) complex128
        Correlations as sums over the planes of the image.
    inverse : ndarray (image, data) complex128
        Planes of the image as sums over correlations.
    codes : tuple of int
        Correlation types of the planes of the data.
    """

    hands: tuple[tuple[str, str], ...]
    forward: np.ndarray
    inverse: np.ndarray
    codes: tuple[int, ...]

    @property
    def shares(self) -> np.ndarray:
        """How much the square of each correlation's beam counts in the weight image of each plane: (image, data) float64."""
        return np.abs(self.inverse * self.forward.T)


def correlation_planes(
    planes: Sequence[tuple[str, dict[int, complex]]], codes: Sequence[int]
) -> tuple[list[tuple[str, dict[int, complex]]], PlaneMixing]:
    """Take the correlations that planes are made of as planes of the data.

    Parameters
    ----------
    planes : sequence of (str, {correlation index: factor})
        From `visibilities.stokes_planes`.
    codes : sequence of int
        Correlation types of the data.

    Returns
    -------
    list of (str, {correlation index: factor})
        One for each correlation.
    PlaneMixing
    """
    used = sorted({k for _, parts in planes for k in parts})
    labels = [name for name, _ in planes]
    inverse = np.array([[parts.get(k, 0.0) for k in used] for _, parts in planes], dtype=np.complex128)
    sums = [sum_of_planes(int(codes[k]), labels) for k in used]
    forward = np.array([[found.get(name, 0.0) for name in labels] for found in sums], dtype=np.complex128)
    names = [CORRELATION_NAMES[int(codes[k])] for k in used]
    mixing = PlaneMixing(tuple((n[0], n[1]) for n in names), forward, inverse, tuple(int(codes[k]) for k in used))
    return [(name, {k: complex(1.0)}) for name, k in zip(names, used, strict=True)], mixing
