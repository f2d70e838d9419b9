"""Starting weights from what is known of the data before calibration: bandwidth and integration time, or SIGMA, or WEIGHT."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from casatools._base.errors import ParameterError, UnsupportedError
from casatools.io.ms import MeasurementSet, Selection, VisChunk, iter_chunks, write_chunks
from casatools.io.ms.weight_columns import add_weight_spectrum

__all__ = ["InitialWeightOptions", "initialise_weights"]

MODES = ("nyq", "sigma", "weight", "ones", "delwtsp", "delsigsp", "tsys", "tinttsys")


@dataclass(frozen=True)
class InitialWeightOptions:
    """`mode` as the task's wtmode; `spectrum` fills WEIGHT_SPECTRUM too."""

    mode: str = "nyq"
    spectrum: bool = False

    def __post_init__(self) -> None:
        if self.mode not in MODES:
            raise ParameterError(f"parameter 'wtmode' must be one of {', '.join(MODES)}; got {self.mode!r}")
        if self.mode == "weight" and not self.spectrum:
            raise ParameterError("parameter wtmode='weight' fills WEIGHT_SPECTRUM from WEIGHT; it needs dowtsp=True")
        if self.mode in ("tsys", "tinttsys"):
            raise UnsupportedError(
                f"parameter wtmode={self.mode!r} is not supported yet; use 'nyq' and apply the Tsys table with calwt=True"
            )


def initialise_weights(vis: str, options: InitialWeightOptions) -> None:
    """Set WEIGHT and SIGMA (and WEIGHT_SPECTRUM) of a whole MeasurementSet.

    Notes
    -----
    ``nyq``: ``w = 2 dnu dt`` for each channel (half of that on autocorrelations) with EXPOSURE; WEIGHT is the mean over
    channels and ``sigma = w ** -1/2``. ``sigma`` takes the weights from SIGMA; ``weight`` only fills WEIGHT_SPECTRUM from WEIGHT.
    A WEIGHT_SPECTRUM that exists is filled in any case.

    References
    ----------
    Thompson, Moran & Swenson, "Interferometry and Synthesis in Radio Astronomy", 3rd ed., eq. 6.50 (the radiometer equation).
    """
    if options.mode in ("delwtsp", "delsigsp"):
        with MeasurementSet(vis, writable=True) as ms:
            ms.remove_columns(["WEIGHT_SPECTRUM" if options.mode == "delwtsp" else "SIGMA_SPECTRUM"])
        return
    with MeasurementSet(vis, writable=True) as ms:
        spectrum = options.spectrum or ms.has("WEIGHT_SPECTRUM")
        if spectrum:
            add_weight_spectrum(ms)
        if ms.has("SIGMA_SPECTRUM"):
            ms.remove_columns(["SIGMA_SPECTRUM"])
        columns = ["WEIGHT", "SIGMA", "EXPOSURE", "ANTENNA1", "ANTENNA2"]
        write_chunks(ms, _weight_chunks(ms, columns, options.mode, spectrum), [])


def _weight_chunks(
    ms: MeasurementSet, columns: list[str], mode: str, spectrum: bool
) -> Iterator[tuple[VisChunk, dict[str, np.ndarray]]]:
    for chunk in iter_chunks(ms, Selection().resolve(ms), columns):
        nrow, nchan, ncorr = chunk.shape
        if mode == "nyq":
            width = np.abs(ms.metadata.spectral_windows[chunk.spw].chan_width_hz)
            factor = np.where(chunk["ANTENNA1"] == chunk["ANTENNA2"], 1.0, 2.0) * chunk["EXPOSURE"]
            by_channel = np.multiply.outer(factor, width)
            weight = np.repeat(by_channel.mean(axis=1)[:, None], ncorr, axis=1)
        elif mode == "ones":
            weight = np.ones((nrow, ncorr))
            by_channel = np.ones((nrow, nchan))
        elif mode == "sigma":
            sigma = chunk["SIGMA"].astype(np.float64)
            weight = np.where(sigma > 0, 1.0 / np.where(sigma > 0, sigma, 1.0) ** 2, 0.0)
            by_channel = None
        else:
            weight = chunk["WEIGHT"].astype(np.float64)
            by_channel = None
        sigma = np.where(weight > 0, 1.0 / np.sqrt(np.where(weight > 0, weight, 1.0)), -1.0)
        out = {} if mode == "weight" else {"WEIGHT": weight.astype(np.float32), "SIGMA": sigma.astype(np.float32)}
        if spectrum:
            lines = (
                np.repeat(weight[:, None, :], nchan, axis=1)
                if by_channel is None
                else np.repeat(by_channel[:, :, None], ncorr, axis=2)
            )
            out["WEIGHT_SPECTRUM"] = lines.astype(np.float32)
        yield chunk, out
