"""The prolate spheroidal wave function of gridding and of the scales of multi-scale clean."""

from __future__ import annotations

import numpy as np

__all__ = ["spheroidal"]

_TOP = np.array(
    [
        [8.203343e-2, -3.644705e-1, 6.278660e-1, -5.335581e-1, 2.312756e-1],
        [4.028559e-3, -3.697768e-2, 1.021332e-1, -1.201436e-1, 6.412774e-2],
    ]
)
_BOTTOM = np.array([[1.0, 8.212018e-1, 2.078043e-1], [1.0, 9.599102e-1, 2.918724e-1]])


def spheroidal(nu: np.ndarray) -> np.ndarray:
    """The prolate spheroidal wave function of m = 6 and alpha = 1 for nu from 0 to 1.

    References
    ----------
    Schwab 1984, in "Indirect Imaging", ed. Roberts, p. 333: rational approximation, table of coefficients.
    """
    part = (nu >= 0.75).astype(int)
    offset = nu**2 - np.where(part, 1.0, 0.5625)
    above = sum(_TOP[part, k] * offset**k for k in range(5))
    return np.asarray(above / sum(_BOTTOM[part, k] * offset**k for k in range(3)))
