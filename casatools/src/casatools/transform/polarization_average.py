"""Total intensity from the parallel hands: the stage that averages correlations, and the sub-tables.

References
----------
CASA documentation of sdpolaverage: modes "stokes" (I as half the sum of the parallel hands) and "geometric" (their weighted mean). Hamaker & Bregman 1996,
A&AS 117, 161: Stokes parameters from correlations.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

import numpy as np

from casatools._base.errors import DataError, ParameterError
from casatools.io.ms import MeasurementSet, ResolvedSelection
from casatools.io.ms.create_like import SubtableEdit, read_subtable
from casatools.transform.blocks import Block, inverse_root, mean_over_channels, mean_sigma
from casatools.transform.subtables import Renumbering

__all__ = ["POLARIZATION_AVERAGES", "average_correlations", "parallel_hands", "replace_polarizations"]

POLARIZATION_AVERAGES = ("default", "stokes", "geometric")
# casacore's codes of RR, LL, XX, YY and of Stokes I.
_PAIRS = ((5, 8), (9, 12))
_STOKES_I = 1


def parallel_hands(ms: MeasurementSet, resolved: ResolvedSelection, ddids: list[int], mode: str) -> dict[int, tuple[int, int]]:
    """Places of the two parallel hands among the correlations selected, by data description.

    Raises
    ------
    ParameterError
        The mode is unknown.
    DataError
        A data description has no such pair.
    """
    if mode not in POLARIZATION_AVERAGES:
        raise ParameterError(f"parameter 'polaveragemode' must be one of {', '.join(POLARIZATION_AVERAGES)}; got {mode!r}")
    found = {}
    for ddid in ddids:
        pol = ms.metadata.data_descriptions[ddid].pol
        types = np.asarray(ms.metadata.polarizations[pol].corr_type)
        chosen = resolved.correlations.get(pol)
        held = (types if chosen is None else types[chosen]).tolist()
        pair = next((p for p in _PAIRS if set(p) <= set(held)), None)
        if pair is None:
            raise DataError(
                f"data description {ddid} of {ms.path!r} has not both parallel hands (RR and LL, or XX and YY) to average"
            )
        found[ddid] = held.index(pair[0]), held.index(pair[1])
    return found


def average_correlations(blocks: Iterable[Block], hands: Mapping[int, tuple[int, int]], mode: str) -> Iterator[Block]:
    """The stage: one correlation, Stokes I, of the two parallel hands.

    Where one hand is flagged the other stands for both. "stokes" is half the sum, with the weight 4 / (1/w1 + 1/w2); "geometric" the mean
    weighted with the weights, which add up.
    """
    for block in blocks:
        pair = list(hands[block.ddid])
        flag = block.flag[:, :, pair]
        only = flag[:, :, ::-1] & ~flag
        corrected, data = block.corrected_weight[:, :, pair], block.data_weight[:, :, pair]
        same = block.corrected_weight is block.data_weight
        for name, values in block.data.items():
            weight = (block.weight_of(name)[:, :, pair]).astype(np.float64)
            share = np.ones_like(weight) if mode != "geometric" else weight
            use = np.where(flag, 0.0, np.broadcast_to(share, flag.shape))
            total = use.sum(axis=2, keepdims=True)
            mean = (values[:, :, pair] * use).sum(axis=2, keepdims=True) / np.where(total > 0, total, 1.0)
            block.data[name] = mean.astype(values.dtype)
        block.corrected_weight = _joined(corrected, only, mode)
        block.data_weight = block.corrected_weight if same else _joined(data, only, mode)
        block.flag = np.asarray(flag.all(axis=2, keepdims=True))
        shared = block.corrected_weight.shape[1] == 1
        block.weight = block.corrected_weight[:, 0] if shared else mean_over_channels(block.corrected_weight, block.flag)
        shared = block.data_weight.shape[1] == 1
        block.sigma = inverse_root(block.data_weight[:, 0]) if shared else mean_sigma(block.data_weight, block.flag)
        yield block


def _joined(weight: np.ndarray, only: np.ndarray, mode: str) -> np.ndarray:
    """Weight of the mean; `only` marks samples that stand alone, which count where weights are given channel by channel."""
    w = weight.astype(np.float64)
    if mode == "geometric":
        both = w.sum(axis=2, keepdims=True)
    else:
        inverse = np.where(w > 0, 1.0 / np.where(w > 0, w, 1.0), np.inf).sum(axis=2, keepdims=True)
        both = 4.0 / inverse
    if weight.shape[1] > 1:
        alone = np.where(only, w, 0.0).sum(axis=2, keepdims=True)
        both = np.where(only.any(axis=2, keepdims=True), alone, both)
    return both.astype(np.float32)


def replace_polarizations(ms: MeasurementSet, plan: Renumbering) -> None:
    """Append the polarization setup of Stokes I to the planned sub-tables; all data descriptions take it."""
    edit = plan.edits.get("POLARIZATION", SubtableEdit())
    old = {
        **read_subtable(ms, "POLARIZATION", "NUM_CORR", "CORR_TYPE", "CORR_PRODUCT"),
        **{k: list(v) for k, v in edit.columns.items()},
    }
    count = len(old["NUM_CORR"])
    columns = {
        "NUM_CORR": [*old["NUM_CORR"], 1],
        "CORR_TYPE": [*old["CORR_TYPE"], np.array([_STOKES_I], dtype=np.int32)],
        "CORR_PRODUCT": [*old["CORR_PRODUCT"], np.zeros((1, 2), dtype=np.int32)],
    }
    plan.edits["POLARIZATION"] = SubtableEdit(np.append(np.arange(count), 0), columns)
    described = plan.edits["DATA_DESCRIPTION"]
    rows = len(ms.metadata.data_descriptions) if described.rows is None else len(described.rows)
    ids = {"POLARIZATION_ID": np.full(rows, count, dtype=np.int32)}
    plan.edits["DATA_DESCRIPTION"] = SubtableEdit(described.rows, {**described.columns, **ids})
