"""uvcontsub_old and the ms tool's continuumsub and contsub: what is read, where the results go."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

import numpy as np

from casatools._base import log
from casatools._base.errors import ParameterError
from casatools._base.paths import require_present, require_space, staged_output
from casatools.calibration.scratch_columns import fill_corrected, fill_model
from casatools.io.ms import MeasurementSet, Selection, VisChunk, iter_chunks, write_chunks
from casatools.transform.blocks import Block
from casatools.transform.columns import SPECTRA
from casatools.transform.old_continuum import (
    OldContinuumOptions,
    Solutions,
    fit_channels,
    model_of_rows,
    solve_continuum,
    subtract_solutions,
)
from casatools.transform.pipeline import Job, TransformOptions, needed_bytes, prepare, run

__all__ = ["continuum_columns", "uvcontsub_old"]

_MODES = ("subtract", "replace", "model")
_ROWS = ("FIELD_ID", "ANTENNA1", "ANTENNA2", "TIME")


def uvcontsub_old(
    vis: str, selection: Selection, options: OldContinuumOptions, want_cont: bool, outputvis: str = "", column: str = ""
) -> list[str]:
    """Write ``vis.contsub`` without the continuum, and ``vis.cont`` with it when wanted; what is there is replaced when the new is complete.

    Parameters
    ----------
    vis : str
    selection : Selection
        What is written.
    options : OldContinuumOptions
    want_cont : bool
    outputvis : str
        Another name for the output.
    column : str
        Data column; "" takes CORRECTED_DATA where it is, DATA otherwise.

    Returns
    -------
    list of str
        What was written.

    Raises
    ------
    PathMissingError, SelectionError
    ParameterError
        The fit would be applied to spectral windows it does not cover, and `combine` lacks spw; nothing is written then.
    """
    vis = require_present(vis, "MeasurementSet")
    targets = [(outputvis or f"{vis}.contsub", False)]
    if want_cont:
        targets.append((f"{vis}.cont", True))
    with MeasurementSet(vis) as ms:
        source = column or ("CORRECTED_DATA" if ms.has("CORRECTED_DATA") else "DATA")
        ms.require(source)
        jobs = prepare(ms, TransformOptions(selection, _COLUMN_NAMES[source], spectra=SPECTRA[:1]))
        outside = sorted(set(jobs.spws) - set(fit_channels(ms, options)))
        if outside and "spw" not in options.span:
            raise ParameterError(
                f"spectral windows {', '.join(map(str, outside))} are not in 'fitspw' ({options.fitspw!r}); give combine='spw' to apply the fit to them, or select with 'spw'"
            )
        for path, _ in targets:  # both stand beside `vis` unless one is given a place
            require_space(path, needed_bytes(jobs) * (1 if outputvis else len(targets)))
        solutions = solve_continuum(ms, selection.field, source, options)
        for path, continuum in targets:
            _write(jobs, path, solutions, continuum)
    return [path for path, _ in targets]


_COLUMN_NAMES = {"DATA": "data", "CORRECTED_DATA": "corrected", "MODEL_DATA": "model"}


def _write(job: Job, path: str, solutions: Solutions, continuum: bool) -> None:
    def stage(blocks: Iterable[Block]) -> Iterator[Block]:
        return subtract_solutions(blocks, job.ms, solutions, job.resolved.channels, continuum)

    with staged_output(path, overwrite=True) as staged:
        run(job, staged, before=[stage])
    log.post(f"Wrote {path}")


def continuum_columns(vis: str, selection: Selection, options: OldContinuumOptions, mode: str) -> int:
    """Fit the continuum of DATA and write it, or the data without it, to the columns of the MeasurementSet itself.

    Parameters
    ----------
    vis : str
    selection : Selection
        Rows and channels to write.
    options : OldContinuumOptions
    mode : {"subtract", "replace", "model"}
        ``subtract``: MODEL_DATA the continuum, CORRECTED_DATA the rest; ``replace``: CORRECTED_DATA the continuum; ``model``: MODEL_DATA the
        continuum.

    Returns
    -------
    int
        Rows written.

    Raises
    ------
    ParameterError, DataError
        The mode is unknown, or the MeasurementSet is not open for writing.
    """
    if mode not in _MODES:
        raise ParameterError(f"parameter 'mode' must be one of {', '.join(_MODES)}; got {mode!r}")
    with MeasurementSet(vis) as ms:
        ms.require("DATA")
        solutions = solve_continuum(ms, selection.field, "DATA", options, interpolate=False)
        selection.resolve(ms)
    with MeasurementSet(vis, writable=True) as ms:
        fill_model(ms)
        fill_corrected(ms)
        resolved = selection.resolve(ms)
        chunks = iter_chunks(ms, resolved, ["DATA", "FLAG", *_ROWS])
        return write_chunks(ms, (_columns(ms, solutions, chunk, mode) for chunk in chunks), ())


def _columns(ms: MeasurementSet, solutions: Solutions, chunk: VisChunk, mode: str) -> tuple[VisChunk, Mapping[str, np.ndarray]]:
    frequency = np.asarray(ms.metadata.spectral_windows[chunk.spw].chan_freq_hz)[chunk.channels]
    model = model_of_rows(solutions, {c: chunk[c] for c in _ROWS}, chunk.spw, frequency, chunk.shape[2])
    missing = np.isnan(model)
    model[missing] = 0
    out = {"FLAG": chunk["FLAG"] | missing}
    if mode != "replace":
        out["MODEL_DATA"] = model.astype(np.complex64)
    if mode == "subtract":
        out["CORRECTED_DATA"] = (chunk["DATA"] - model).astype(np.complex64)
    if mode == "replace":
        out["CORRECTED_DATA"] = model.astype(np.complex64)
    return chunk, out
