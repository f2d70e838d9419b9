"""Pixels of images that tests have made."""

from __future__ import annotations

import numpy as np

from casatools import image

__all__ = ["pixels"]


def pixels(name: str) -> np.ndarray:
    """All pixels of an image in CASA's order, without axes of one pixel."""
    ia = image()
    ia.open(name)
    try:
        return np.squeeze(ia.getchunk())
    finally:
        ia.close()
