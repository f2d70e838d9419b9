"""Weights of each row from the scatter of its own channels (oldstatwt)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from casatools._base.errors import ParameterError
from casatools.io.ms import MeasurementSet, Selection, iter_chunks, write_chunks
from casatools.io.ms.chunks import VisChunk

__all__ = ["RowWeightOptions", "set_row_weights"]

_COLUMNS = {"data": "DATA", "corrected": "CORRECTED_DATA", "model": "MODEL_DATA", "float": "FLOAT_DATA"}


@dataclass(frozen=True)
class RowWeightOptions:
    """What the scatter is taken of.

    Attributes
    ----------
    selection : Selection
        Rows that get new weights.
    datacolumn : str
        data, corrected or model, with or without ``_data``.
    fit_channels : str
        spw expression of the channels that count; "" is all.
    rms : bool
        Scatter about zero instead of the mean.
    min_samples : int
        Rows and correlations with fewer good channels get the weight 0.
    """

    selection: Selection = field(default_factory=Selection)
    datacolumn: str = "corrected"
    fit_channels: str = ""
    rms: bool = False
    min_samples: int = 2

    def __post_init__(self) -> None:
        if self.datacolumn.lower().removesuffix("_data") not in _COLUMNS:
            raise ParameterError(f"datacolumn must be data, corrected or model; got {self.datacolumn!r}")

    @property
    def column(self) -> str:
        """The column's name on disk."""
        return _COLUMNS[self.datacolumn.lower().removesuffix("_data")]


def set_row_weights(path: str, options: RowWeightOptions) -> int:
    """Set WEIGHT (and WEIGHT_SPECTRUM, SIGMA, SIGMA_SPECTRUM) of each row to the inverse variance of its visibilities.

    Parameters
    ----------
    path : str
    options : RowWeightOptions

    Returns
    -------
    int
        Rows that got new weights.

    Raises
    ------
    DataError, SelectionError
        A column is missing or nothing is selected; nothing is written then.

    Notes
    -----
    Real and imaginary parts are two samples each of the same variance, so ``w = (2 n - 1) / sum |V - <V>|**2``.
    """
    with MeasurementSet(path, writable=True) as ms:
        ms.require(options.column)
        resolved = options.selection.resolve(ms)
        counted = {w.id: np.ones(w.nchan, bool) for w in ms.metadata.spectral_windows}
        if options.fit_channels.strip():
            chosen = Selection(spw=options.fit_channels).resolve(ms, allow_empty=True)
            for spw, mask in counted.items():
                channels = chosen.channels.get(spw, np.zeros(0, dtype=np.int64))
                if channels is not None:
                    mask[:] = False
                    mask[channels] = True
        spectra = [
            c for c in ("WEIGHT_SPECTRUM", "SIGMA_SPECTRUM") if ms.has(c) and ms.table.iscelldefined(c, int(resolved.rows[0]))
        ]

        def changed() -> Iterator[tuple[VisChunk, dict[str, np.ndarray]]]:
            for chunk in iter_chunks(ms, resolved, [options.column, "FLAG", "FLAG_ROW"]):
                weight = _weights(chunk, counted[chunk.spw][chunk.channels], options)
                out = {"WEIGHT": weight, "SIGMA": np.where(weight > 0, weight, 1.0) ** -0.5 * (weight > 0)}
                wide = {"WEIGHT_SPECTRUM": out["WEIGHT"], "SIGMA_SPECTRUM": out["SIGMA"]}
                for name in spectra:
                    out[name] = np.broadcast_to(wide[name][:, None, :], chunk["FLAG"].shape)
                yield chunk, {k: v.astype(np.float32) for k, v in out.items()}

        write_chunks(ms, changed(), ["WEIGHT", "SIGMA", *spectra])
        return int(resolved.nrow)


def _weights(chunk: VisChunk, counted: np.ndarray, options: RowWeightOptions) -> np.ndarray:
    """(row, corr) weights of a chunk."""
    good = ~chunk["FLAG"] & ~chunk["FLAG_ROW"][:, None, None] & counted[None, :, None]
    values = np.where(good, chunk[options.column], 0).astype(np.complex128)
    number = good.sum(axis=1)
    if not options.rms:
        mean = values.sum(axis=1) / np.maximum(number, 1)
        values = np.where(good, values - mean[:, None, :], 0)
    power = np.square(np.abs(values)).sum(axis=1)
    usable = (number >= options.min_samples) & (power > 0)
    return np.where(usable, (2 * number - 1) / np.where(power > 0, power, 1.0), 0.0)
