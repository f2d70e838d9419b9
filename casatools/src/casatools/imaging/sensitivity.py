"""Noise that imaging weights leave in an image, from the weights of the data alone."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from casatools._base.errors import DataError
from casatools.imaging.stepwise import SynthesisRun
from casatools.imaging.visibilities import VisibilityBlock
from casatools.io.ms.metadata import correlation_names

__all__ = ["apparent_sensitivity", "receiver_sensitivity"]

_BOLTZMANN_J_K = 1.380649e-23
_PARALLEL = (5, 8, 9, 12)  # CORR_TYPE of RR, LL, XX, YY
# What an image of one plane has none of.
_SPECTRAL = frozenset(("specmode", "nchan", "start", "width", "outframe", "veltype", "interpolation", "perchanweightdensity"))
_SINGLE = ("RR", "LL", "XX", "YY", "RL", "LR", "XY", "YX")


def apparent_sensitivity(run: SynthesisRun) -> dict[str, Any]:
    """Point source sensitivity of the image that a run would make.

    Parameters
    ----------
    run : SynthesisRun
        Data selected, an image defined, weights set.

    Returns
    -------
    dict
        ``effSens``: rms noise [the data's unit, Jy where weights are 1/Jy^2]; ``relToNat``: how many times that of natural weighting.
        Of a cube these are those of all its data together, as if imaged into one plane; ``chanSens`` and ``chanRelToNat`` (chan,)
        are those of its channels, NaN where there are no data.

    Raises
    ------
    DataError
        All selected data are flagged or have no weight, or the weighting leaves them none.

    Notes
    -----
    With data weights ``w = 1/sigma**2`` of each sample and hand and imaging weights ``W`` the noise of ``sum(W V) / sum(W)`` is
    ``sqrt(sum(W**2 / w)) / sum(W)``; it is least, ``1 / sqrt(sum(w))``, where W is proportional to w. Samples that are interpolated
    between channels are taken for independent.

    References
    ----------
    Briggs 1995, PhD thesis, New Mexico Tech, section 3.2; Thompson, Moran & Swenson, "Interferometry and Synthesis in Radio
    Astronomy", section 10.2.
    """
    if all(r.specmode in ("mfs", "cont") for r in run.requests):
        effective, ratio = _sensitivities(run, None)
        return {"effSens": float(effective), "relToNat": float(ratio)}
    with _flat(run) as flat:
        whole = apparent_sensitivity(flat)
    effective, ratio = _sensitivities(run, int(run.data.axis.nchan))
    return {**whole, "chanSens": effective, "chanRelToNat": ratio}


@contextmanager
def _flat(run: SynthesisRun) -> Iterator[SynthesisRun]:
    """The same run with all its data in one plane."""
    flat = SynthesisRun()
    flat.selections, flat.weighting, flat.normalizing = run.selections, run.weighting, run.normalizing
    flat.images = [{name: value for name, value in image.items() if name not in _SPECTRAL} for image in run.images]
    flat.prepare, flat.given_density = run.prepare, run.given_density
    try:
        yield flat
    finally:
        flat.close()


def receiver_sensitivity(run: SynthesisRun) -> dict[str, Any]:
    """Noise that receivers leave in a continuum image, whatever the weights of the data say of it; of a cube in all its data together.

    Returns
    -------
    dict
        noise [Jy m^2/K]: to be multiplied with the system temperature over the effective area of an antenna; relative: its ratio to that of natural weighting;
        sumwt: sum of the imaging weights; effectivebandwidth [Hz] and effectiveintegration [s] of a baseline in the mean; nbaselines; spwid.

    Raises
    ------
    DataError
        All selected data are flagged or have no weight, or the weighting leaves them none.

    Notes
    -----
    The radiometer equation of a baseline: ``2 k T / (A sqrt(2 B t))`` for one polarization, divided by the root of their number.

    References
    ----------
    Thompson, Moran & Swenson, "Interferometry and Synthesis in Radio Astronomy", section 6.2.
    """
    if not all(r.specmode in ("mfs", "cont") for r in run.requests):
        with _flat(run) as flat:
            return receiver_sensitivity(flat)
    relative = apparent_sensitivity(run)["relToNat"]
    imager, product, weight_sum = run.weighed(), 0.0, 0.0
    seconds: dict[tuple[int, int, int], float] = {}
    for block in run.data.blocks():
        source = run.data.sources[block.source]
        good = block.weight > 0
        if block.cross is not None:
            good &= block.cross[:, None]
        columns = {name: np.asarray(source.ms.read(name, block.rows)) for name in ("EXPOSURE", "ANTENNA1", "ANTENNA2")}
        bands = good @ np.abs(np.broadcast_to(source.channels(block.ddid)[1], good.shape[1:])).astype(np.float64)
        product += float(bands @ columns["EXPOSURE"])
        weight_sum += float(imager.weights.weights(block)[good].sum(dtype=np.float64))
        for row in np.flatnonzero(bands > 0):
            pair = (block.source, int(columns["ANTENNA1"][row]), int(columns["ANTENNA2"][row]))
            seconds[pair] = seconds.get(pair, 0.0) + float(columns["EXPOSURE"][row])
    total = sum(seconds.values())
    if product <= 0:
        raise DataError("the data selected have no exposure: there is no sensitivity to tell")
    windows = {run.data.sources[0].ms.metadata.data_descriptions[int(d)].spw for d in run.data.sources[0].ddids}
    return {
        "noise": 2.0 * _BOLTZMANN_J_K / 1e-26 / float(np.sqrt(2.0 * _hands(run) * product)) * float(relative), "relative": float(relative),
        "sumwt": weight_sum, "effectivebandwidth": product / total, "effectiveintegration": total / len(seconds), "nbaselines": len(seconds),
        "spwid": np.array(sorted(windows)),
    }  # fmt: skip


def _sensitivities(run: SynthesisRun, nchan: int | None) -> tuple[np.ndarray, np.ndarray]:
    """Noise and its ratio to that of natural weighting, of one plane or (chan,)."""
    imager = run.weighed()
    hands = _hands(run)
    noise, total, natural = (np.zeros(nchan or 1) for _ in range(3))
    for block in run.data.blocks():
        given = block.weight.astype(np.float64) * _share_of_hand(run, block)
        if block.cross is not None:
            given[~block.cross] = 0.0
        if nchan is None:
            parts = [(0, given, imager.weights.weights(block))]
        else:
            channels = range(block.first, block.first + given.shape[1])
            parts = [(c, given[:, c - block.first : c - block.first + 1], imager.weights.weights(block, c)) for c in channels]
        for plane, weight, found in parts:
            good = weight > 0
            imaging = found.astype(np.float64)[good]
            noise[plane] += float((imaging**2 / (hands * weight[good])).sum())
            total[plane] += float(imaging.sum())
            natural[plane] += hands * float(weight[good].sum())
    some = (total > 0) & (natural > 0)
    if not some.any():
        raise DataError("the weighting leaves no weight to any sample: there is no sensitivity to tell; give a wider uvtaper")
    effective = np.where(some, np.sqrt(noise) / np.where(some, total, 1.0), np.nan)
    ratio = effective * np.sqrt(natural)
    return (effective[0], ratio[0]) if nchan is None else (effective, ratio)


def _share_of_hand(run: SynthesisRun, block: VisibilityBlock) -> np.ndarray:
    """Weight of the one correlation that is imaged, relative to that of the block, the mean of the parallel hands: (row, 1).

    Of WEIGHT_SPECTRUM it is that of all channels together, as those of a block may be others than those of the data.
    """
    stokes = run.requests[0].stokes.upper()
    if stokes not in _SINGLE:
        return np.ones((1, 1))
    source = run.data.sources[block.source]
    codes = source.correlation_codes(block.ddid)
    weight = np.asarray(
        source.ms.read("WEIGHT_SPECTRUM" if source.ms.has("WEIGHT_SPECTRUM") else "WEIGHT", block.rows), np.float64
    )
    weight = weight.sum(axis=1) if weight.ndim == 3 else weight
    mean = weight[:, [k for k, code in enumerate(codes) if code in _PARALLEL] or list(range(len(codes)))].mean(axis=1)
    one = weight[:, correlation_names(codes).index(stokes)]
    return np.where(mean > 0, one / np.where(mean > 0, mean, 1.0), 1.0)[:, None]


def _hands(run: SynthesisRun) -> int:
    """Correlations that go into each sample of the image."""
    if run.requests[0].stokes.upper() in _SINGLE:
        return 1
    source = run.data.sources[0]
    return max(1, sum(c in _PARALLEL for c in source.correlation_codes(source.resolved.ddids_present[0])))
