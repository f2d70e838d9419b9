"""Starting weights from what is known of the data before calibration: bandwidth, integration time, system temperatures, SIGMA, or WEIGHT."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from casatools._base.buffers import empty_array
from casatools._base.errors import DataError, ParameterError
from casatools._base.memory import CHUNK_BYTES
from casatools.calibration.apply import PriorCalibration, middle_weight
from casatools.calibration.correct import LibraryOptions
from casatools.io.ms import MeasurementSet, Selection, VisChunk, iter_chunks, write_chunks
from casatools.io.ms.weight_columns import add_sigma_spectrum, add_weight_spectrum

__all__ = ["InitialWeightOptions", "initialise_weights"]

# Weights take several arrays of twice the precision on their way.
_PIECE_BYTES = CHUNK_BYTES // 4
MODES = ("nyq", "sigma", "weight", "ones", "delwtsp", "delsigsp", "tsys", "tinttsys")


@dataclass(frozen=True)
class InitialWeightOptions:
    """`mode` as the task's wtmode; `spectrum` fills WEIGHT_SPECTRUM too; `library` is the Tsys table of the Tsys modes."""

    mode: str = "nyq"
    spectrum: bool = False
    library: LibraryOptions = field(default_factory=LibraryOptions)

    def __post_init__(self) -> None:
        if self.mode not in MODES:
            raise ParameterError(f"parameter 'wtmode' must be one of {', '.join(MODES)}; got {self.mode!r}")
        if self.mode == "weight" and not self.spectrum:
            raise ParameterError("parameter wtmode='weight' fills WEIGHT_SPECTRUM from WEIGHT; it needs dowtsp=True")
        if self.uses_tsys and not self.library.gaintable:
            raise ParameterError(f"parameter wtmode={self.mode!r} needs 'tsystable', a table of gencal's caltype='tsys'")
        if not self.uses_tsys and self.library != LibraryOptions():
            raise ParameterError(
                f"parameters 'tsystable', 'gainfield', 'interp' and 'spwmap' are for the Tsys modes; got {self.mode!r}"
            )

    @property
    def uses_tsys(self) -> bool:
        """Whether system temperatures count."""
        return self.mode in ("tsys", "tinttsys")


def initialise_weights(vis: str, options: InitialWeightOptions) -> None:
    """Set WEIGHT and SIGMA (and WEIGHT_SPECTRUM) of a whole MeasurementSet.

    Raises
    ------
    PathMissingError, DataError
        There is no such MeasurementSet; the Tsys table is missing, of another kind, or does not cover all data. Nothing is written then.

    Notes
    -----
    ``nyq``: ``w = 2 dnu dt`` for each channel (half of that on autocorrelations) with EXPOSURE; WEIGHT is the mean over
    channels and ``sigma = w ** -1/2``. ``tsys``: ``w = 2 dnu (1 s) / (T1 T2)``, ``tinttsys``: ``w = 2 dnu dt / (T1 T2)``, both
    by channel into WEIGHT_SPECTRUM and SIGMA_SPECTRUM, WEIGHT and SIGMA being the middle ones of a row. ``sigma`` takes the weights
    from SIGMA; ``weight`` only fills WEIGHT_SPECTRUM from WEIGHT. A WEIGHT_SPECTRUM that exists is filled in any case.

    References
    ----------
    Thompson, Moran & Swenson, "Interferometry and Synthesis in Radio Astronomy", 3rd ed., eq. 6.50 (the radiometer equation).
    """
    if options.mode in ("delwtsp", "delsigsp"):
        with MeasurementSet(vis, writable=True) as ms:
            ms.remove_columns(["WEIGHT_SPECTRUM" if options.mode == "delwtsp" else "SIGMA_SPECTRUM"])
        return
    if options.uses_tsys:
        with MeasurementSet(vis) as ms:
            _require_cover(ms, options)
    with MeasurementSet(vis, writable=True) as ms:
        spectrum = options.spectrum or options.uses_tsys or "WEIGHT_SPECTRUM" in ms.column_names
        if spectrum:
            add_weight_spectrum(ms)
        if options.uses_tsys:
            add_sigma_spectrum(ms)
        elif "SIGMA_SPECTRUM" in ms.column_names:
            ms.remove_columns(["SIGMA_SPECTRUM"])
        write_chunks(ms, _tsys_chunks(ms, options) if options.uses_tsys else _weight_chunks(ms, options.mode, spectrum), [])


def _require_cover(ms: MeasurementSet, options: InitialWeightOptions) -> None:
    """Raise DataError unless the table holds system temperatures for all spectral windows with data."""
    library = options.library.load(ms)
    other = [e.path for e in library.entries if e.kind.form != "tsys"]
    if other:
        raise DataError(f"initweights: {other[0]!r} is no table of system temperatures (B TSYS)")
    used = {ms.metadata.data_descriptions[int(d)].spw for d in np.unique(ms.read("DATA_DESC_ID"))}
    missing = sorted(s for s in used if not library.calibrates(s))
    if missing:
        raise DataError(
            f"initweights: {options.library.gaintable[0]!r} has no system temperatures for spectral windows {missing} of {ms.path!r}; "
            "map them to others with 'spwmap'"
        )


def _radiometer(ms: MeasurementSet, chunk: VisChunk, seconds: np.ndarray) -> np.ndarray:
    """``2 dnu dt`` (row, chan), half of that on autocorrelations."""
    width = np.abs(ms.metadata.spectral_windows[chunk.spw].chan_width_hz)
    return np.multiply.outer(np.where(chunk["ANTENNA1"] == chunk["ANTENNA2"], 1.0, 2.0) * seconds, width)


def _inverse_root(weight: np.ndarray) -> np.ndarray:
    """``w ** -1/2``; -1 where there is no weight."""
    good = weight > 0
    return np.where(good, 1.0 / np.sqrt(np.where(good, weight, 1.0)), -1.0).astype(np.float32)


def _tsys_chunks(ms: MeasurementSet, options: InitialWeightOptions) -> Iterator[tuple[VisChunk, dict[str, np.ndarray]]]:
    prior = PriorCalibration(ms, options.library.load(ms))
    columns = ["EXPOSURE", *prior.columns]
    for chunk in iter_chunks(
        ms, Selection().resolve(ms), columns, chunk_bytes=_PIECE_BYTES, made=["WEIGHT_SPECTRUM", "SIGMA_SPECTRUM"]
    ):
        seconds = np.asarray(chunk["EXPOSURE"]) if options.mode == "tinttsys" else np.ones(len(chunk.rows))
        weight = (_radiometer(ms, chunk, seconds)[:, :, None] * prior.weight_factors(chunk)).astype(np.float32)
        sigma = _inverse_root(weight)
        yield chunk, {
            "WEIGHT_SPECTRUM": weight, "SIGMA_SPECTRUM": sigma, "WEIGHT": middle_weight(weight), "SIGMA": middle_weight(sigma),
        }  # fmt: skip


def _weight_chunks(ms: MeasurementSet, mode: str, spectrum: bool) -> Iterator[tuple[VisChunk, dict[str, np.ndarray]]]:
    columns = {"nyq": ["EXPOSURE", "ANTENNA1", "ANTENNA2"], "sigma": ["SIGMA"], "weight": ["WEIGHT"]}.get(mode, ["ANTENNA1"])
    made = ["WEIGHT_SPECTRUM"] if spectrum else []
    for chunk in iter_chunks(ms, Selection().resolve(ms), columns, chunk_bytes=_PIECE_BYTES, made=made):
        nrow, _, ncorr = chunk.shape
        by_channel = None
        if mode == "nyq":
            seconds, width = np.asarray(chunk["EXPOSURE"]), np.abs(ms.metadata.spectral_windows[chunk.spw].chan_width_hz)
            if spectrum:
                by_channel = _radiometer(ms, chunk, seconds)
            weight = (np.where(chunk["ANTENNA1"] == chunk["ANTENNA2"], 1.0, 2.0) * seconds * np.mean(width))[:, None]
        elif mode == "ones":
            weight = np.ones((nrow, 1))
        elif mode == "sigma":
            sigma = chunk["SIGMA"].astype(np.float64)
            weight = np.where(sigma > 0, 1.0 / np.where(sigma > 0, sigma, 1.0) ** 2, 0.0)
        else:
            weight = chunk["WEIGHT"].astype(np.float64)
        out = {}
        if mode != "weight":
            # All correlations have the same, but for those that come from SIGMA.
            for name, values in (("WEIGHT", weight.astype(np.float32)), ("SIGMA", _inverse_root(weight))):
                out[name] = np.ascontiguousarray(np.broadcast_to(values, (nrow, ncorr)))
        if spectrum:
            lines = empty_array(chunk.shape, np.float32)
            lines[...] = weight[:, None, :] if by_channel is None else by_channel[:, :, None]
            out["WEIGHT_SPECTRUM"] = lines
        yield chunk, out
