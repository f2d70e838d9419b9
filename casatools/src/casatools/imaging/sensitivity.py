"""Noise that imaging weights leave in an image, from the weights of the data alone."""

from __future__ import annotations

import numpy as np

from casatools._base.errors import DataError, UnsupportedError
from casatools.imaging.stepwise import SynthesisRun

__all__ = ["apparent_sensitivity"]

_PARALLEL = (5, 8, 9, 12)  # CORR_TYPE of RR, LL, XX, YY
_SINGLE = ("RR", "LL", "XX", "YY", "RL", "LR", "XY", "YX")


def apparent_sensitivity(run: SynthesisRun) -> dict[str, float]:
    """Point source sensitivity of the image that a run would make.

    Parameters
    ----------
    run : SynthesisRun
        Data selected, an image defined, weights set.

    Returns
    -------
    dict
        ``effSens``: rms noise [the data's unit, Jy where weights are 1/Jy^2]; ``relToNat``: how many times that of natural weighting.

    Raises
    ------
    DataError
        All selected data are flagged or have no weight, or the weighting leaves them none.
    UnsupportedError
        A cube is asked for: its channels have sensitivities of their own.

    Notes
    -----
    With data weights ``w = 1/sigma**2`` of each sample and hand and imaging weights ``W`` the noise of ``sum(W V) / sum(W)`` is
    ``sqrt(sum(W**2 / w)) / sum(W)``; it is least, ``1 / sqrt(sum(w))``, where W is proportional to w.

    References
    ----------
    Briggs 1995, PhD thesis, New Mexico Tech, section 3.2; Thompson, Moran & Swenson, "Interferometry and Synthesis in Radio
    Astronomy", section 10.2.
    """
    if any(r.specmode not in ("mfs", "cont") for r in run.requests):
        raise UnsupportedError("the sensitivity of cubes is not there; give specmode='mfs' and the channels of one in spw")
    imager = run.weighed()
    hands = _hands(run)
    noise = total = natural = 0.0
    for block in run.data.blocks():
        given = block.weight.astype(np.float64)
        if block.cross is not None:
            given[~block.cross] = 0.0
        good = given > 0
        imaging = imager.weights.weights(block).astype(np.float64)[good]
        noise += float((imaging**2 / (hands * given[good])).sum())
        total += float(imaging.sum())
        natural += hands * float(given[good].sum())
    if total <= 0 or natural <= 0:
        raise DataError("the weighting leaves no weight to any sample: there is no sensitivity to tell; give a wider uvtaper")
    effective = float(np.sqrt(noise) / total)
    return {"effSens": effective, "relToNat": effective * float(np.sqrt(natural))}


def _hands(run: SynthesisRun) -> int:
    """Correlations that go into each sample of the image."""
    if run.requests[0].stokes.upper() in _SINGLE:
        return 1
    source = run.data.sources[0]
    return max(1, sum(c in _PARALLEL for c in source.correlation_codes(source.resolved.ddids_present[0])))
