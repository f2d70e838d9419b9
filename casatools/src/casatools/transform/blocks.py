"""The unit of the transformation pipeline: a block of rows of one output data description, and reading blocks from a MeasurementSet.

Weights. Two kinds exist: that of CORRECTED_DATA and of MODEL_DATA beside it (WEIGHT_SPECTRUM, or WEIGHT in every channel) and that of the other
columns (SIGMA_SPECTRUM^-2, or SIGMA^-2). Where one kind is enough, for a single output column and where CORRECTED_DATA is not written, it rules both
WEIGHT and SIGMA, so that afterwards WEIGHT_SPECTRUM = SIGMA_SPECTRUM^-2 and, before averaging, WEIGHT = SIGMA^-2; else the two are kept apart.
Averages are weighted with the kind of the column averaged, sum the weights of the unflagged samples, and set WEIGHT to their mean
over the unflagged output channels.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from casatools.io.ms import ChunkPlan, KnownRows, MeasurementSet, ResolvedSelection, VisChunk, iter_chunks
from casatools.kernels.average import mean_channels
from casatools.transform.columns import ColumnPlan
from casatools.transform.on_the_fly import Calibrator

__all__ = [
    "ROW_COLUMNS",
    "Block",
    "inverse_root",
    "inverse_square",
    "mean_over_channels",
    "mean_sigma",
    "read_blocks",
    "settle_means",
    "settle_row_flags",
    "settle_row_weights",
]

ROW_COLUMNS = (
    "UVW", "ANTENNA1", "ANTENNA2", "ARRAY_ID", "EXPOSURE", "FEED1", "FEED2", "FIELD_ID", "INTERVAL", "OBSERVATION_ID",
    "PROCESSOR_ID", "SCAN_NUMBER", "STATE_ID", "TIME", "TIME_CENTROID", "FLAG_ROW",
)  # fmt: skip


@dataclass
class Block:
    """Some rows on their way through the pipeline.

    Attributes
    ----------
    ddid : int
        DATA_DESC_ID in the input; `spw` its spectral window.
    start : int
        For a time average: the first output row of the block.
    rows : dict
        Row columns, ``(row, ...)``.
    data : dict
        Output column to ``(row, chan, corr)``.
    flag : ndarray (row, chan, corr) bool
    corrected_weight, data_weight : ndarray (row, chan or 1, corr) float32
        The two kinds of weights; the same object where one kind rules.
    weight, sigma : ndarray (row, corr) float32
    part, parts : int
        Each input row gives `parts` output rows, one for each spectral window that its channels are cut into; the block holds one of them.
    """

    ddid: int
    spw: int
    start: int
    rows: dict[str, np.ndarray]
    data: dict[str, np.ndarray]
    flag: np.ndarray
    corrected_weight: np.ndarray
    data_weight: np.ndarray
    weight: np.ndarray
    sigma: np.ndarray
    part: int = 0
    parts: int = 1

    def weight_of(self, column: str) -> np.ndarray:
        """The weight that belongs to an output column; a model is averaged as the data that it is compared with."""
        return self.corrected_weight if column in ("CORRECTED_DATA", "MODEL_DATA") else self.data_weight

    @property
    def nrow(self) -> int:
        return len(self.flag)


def inverse_square(sigma: np.ndarray) -> np.ndarray:
    """1/sigma^2 in float32; 0 where sigma is not positive."""
    out = np.zeros(sigma.shape, dtype=np.float32)
    np.divide(1.0, np.square(sigma, dtype=np.float64), out=out, where=sigma > 0, casting="same_kind")
    return out


def inverse_root(weight: np.ndarray) -> np.ndarray:
    """weight^-1/2 in float32; -1 where the weight is not positive, which says that there is no sigma."""
    out = np.full(weight.shape, -1.0, dtype=np.float32)
    np.divide(1.0, np.sqrt(np.maximum(weight, 0), dtype=np.float64), out=out, where=weight > 0, casting="same_kind")
    return out


def settle_row_weights(blocks: Iterable[Block], columns: ColumnPlan) -> Iterator[Block]:
    """The stage: make WEIGHT and SIGMA follow from weights per channel, as means over the unflagged channels.

    The reference does this after continuum subtraction where weights per channel exist: the mean weight for CORRECTED_DATA
    (SIGMA = WEIGHT^-1/2), the mean sigma otherwise (WEIGHT = SIGMA^-2).
    """
    # Windows of one channel have weights per channel as well where the columns are there.
    weights, sigmas = (name in columns.reads for name in ("WEIGHT_SPECTRUM", "SIGMA_SPECTRUM"))
    for block in blocks:
        if (weights or block.corrected_weight.shape[1] > 1) and (columns.from_corrected or not columns.one_kind):
            block.weight = mean_over_channels(block.corrected_weight, block.flag)
            if columns.one_kind:
                block.sigma = inverse_root(block.weight)
        if (sigmas or block.data_weight.shape[1] > 1) and not columns.from_corrected:
            block.sigma = mean_sigma(block.data_weight, block.flag)
            if columns.one_kind:
                block.weight = inverse_square(block.sigma)
        yield block


def settle_means(block: Block) -> None:
    """Make WEIGHT and SIGMA the means of weights per channel, where each channel has its own: whatever a stage leaves of the values themselves."""
    if block.corrected_weight.shape[1] == block.data_weight.shape[1] == block.flag.shape[1]:
        block.weight = mean_over_channels(block.corrected_weight, block.flag)
        block.sigma = mean_sigma(block.data_weight, block.flag)


def settle_row_flags(blocks: Iterable[Block]) -> Iterator[Block]:
    """The stage: FLAG_ROW also where every visibility of a row is flagged, as the reference's uvcontsub and phaseshift set it."""
    for block in blocks:
        block.rows["FLAG_ROW"] = np.asarray(block.rows["FLAG_ROW"]) | wholly_flagged(block.flag)
        yield block


def mean_over_channels(values: np.ndarray, flag: np.ndarray) -> np.ndarray:
    """Mean over the unflagged channels, over all where every one is flagged: ``(row, chan or 1, corr)`` to ``(row, corr)`` float32."""
    out = np.empty((flag.shape[0], flag.shape[2]), dtype=np.float32)
    mean_channels(np.ascontiguousarray(values), np.ascontiguousarray(flag), out)
    return out


def mean_sigma(weight: np.ndarray, flag: np.ndarray) -> np.ndarray:
    """Mean of weight^-1/2 over the unflagged channels that have a weight: ``(row, chan or 1, corr)`` to ``(row, corr)`` float32."""
    sigma = inverse_root(weight)
    none = sigma <= 0
    return mean_over_channels(sigma, flag | none if none.any() else flag)


def wholly_flagged(flag: np.ndarray) -> np.ndarray:
    """Rows of which every visibility is flagged: ``(row, chan, corr)`` to ``(row,)`` bool."""
    return np.asarray(np.ascontiguousarray(flag).reshape(len(flag), -1).all(axis=1))


def read_blocks(
    ms: MeasurementSet,
    resolved: ResolvedSelection,
    columns: ColumnPlan,
    plans: Sequence[ChunkPlan],
    calibrators: Sequence[Calibrator] = (),
    left: frozenset[str] = frozenset(),
    known: KnownRows | None = None,
) -> Iterator[Block]:
    """Read the planned chunks as blocks, calibrated on the way where there are calibrators.

    Columns that are `left` are not read: blocks do not hold them, and have no flag set where FLAG is among them.
    """
    wanted = [*(c for c in columns.reads if c not in left), "WEIGHT", "SIGMA", *ROW_COLUMNS]
    starts = iter(plans)
    for chunk in iter_chunks(ms, resolved, wanted, plans=plans, straight=not ms.writable, known=known):
        plan = next(starts)
        for calibrator in calibrators:
            calibrator.correct_chunk(chunk)
        yield _block(chunk, columns, int(plan.index[0]) if len(plan.index) else 0)


def _block(chunk: VisChunk, columns: ColumnPlan, start: int) -> Block:
    c = chunk.columns
    weight, sigma = c["WEIGHT"], c["SIGMA"]
    from_weight = c["WEIGHT_SPECTRUM"] if "WEIGHT_SPECTRUM" in c else weight[:, None, :]
    if columns.one_kind:
        if columns.from_corrected:
            kind, sigma = from_weight, inverse_root(weight)
        else:
            weight = inverse_square(sigma)
            kind = inverse_square(c["SIGMA_SPECTRUM"]) if "SIGMA_SPECTRUM" in c else weight[:, None, :]
        corrected_weight = data_weight = np.ascontiguousarray(kind)
    else:
        corrected_weight = np.ascontiguousarray(from_weight)
        data_weight = inverse_square(c["SIGMA_SPECTRUM"] if "SIGMA_SPECTRUM" in c else sigma[:, None, :])
    return Block(
        ddid=chunk.ddid,
        spw=chunk.spw,
        start=start,
        rows={name: c[name] for name in ROW_COLUMNS},
        data={out: c[name] for name, out in columns.pairs if name in c},
        flag=c["FLAG"] if "FLAG" in c else np.broadcast_to(np.False_, chunk.shape),
        corrected_weight=corrected_weight,
        data_weight=data_weight,
        weight=weight,
        sigma=sigma,
    )
