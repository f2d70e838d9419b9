"""Connected regions of clean masks.

References
----------
Kepley et al. 2020, PASP 132, 024505: pruning of small regions in automatic masks.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from casatools._base.errors import DataError
from casatools._base.paths import require_absent, staged_output
from casatools.io.image import CasaImage

__all__ = ["prune_image", "prune_plane"]


def prune_plane(mask: np.ndarray, least: float) -> tuple[np.ndarray, int, int]:
    """Remove regions of fewer than `least` pixels; pixels that touch at corners only are apart.

    Returns
    -------
    ndarray of bool (y, x)
    int, int
        Regions that were there, and that were removed.
    """
    from scipy.ndimage import label

    labels, count = label(mask)
    sizes = np.bincount(labels.ravel(), minlength=count + 1)
    keep = sizes >= least
    keep[0] = False
    return keep[labels], int(count), int(count - keep.sum())


def prune_image(path: str, least: float, skip: Sequence[bool], output: str) -> tuple[np.ndarray, np.ndarray]:
    """Prune all planes of a mask image into another.

    Parameters
    ----------
    path : str
    least : float
        Pixels of the smallest region that stays.
    skip : sequence of bool
        Channels that come out blank, uncounted.
    output : str

    Returns
    -------
    ndarray of int64 (chan,), ndarray of int64 (chan,)
        Regions found and removed, summed over polarizations; -1 for channels that were skipped.

    Raises
    ------
    PathMissingError, OutputExistsError, DataError
        The image is not there or the output is, or `skip` is not as long as the image has channels.
    """
    require_absent(output, what="output")
    with CasaImage.open(path) as image:
        nchan = image.shape[0]
        if len(skip) != nchan:
            raise DataError(f"mask {path!r} has {nchan} channels; chanflag has {len(skip)}")
        found, removed = np.full(nchan, -1, np.int64), np.full(nchan, -1, np.int64)
        with staged_output(output) as staged, CasaImage.create(staged, image.shape, image.coordinates, np.float32) as pruned:
            for chan in range(nchan):
                where = (slice(chan, chan + 1),)
                planes = np.asarray(image.read(where)) != 0
                result = np.zeros(planes.shape, np.float32)
                if not skip[chan]:
                    counts = [prune_plane(plane, least) for plane in planes[0]]
                    result[0] = np.array([kept for kept, _, _ in counts])
                    found[chan], removed[chan] = sum(c[1] for c in counts), sum(c[2] for c in counts)
                pruned.write(result, where)
    return found, removed
