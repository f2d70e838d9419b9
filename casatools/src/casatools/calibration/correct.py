"""Correcting a MeasurementSet: CORRECTED_DATA, FLAG and WEIGHT from DATA and calibration tables, in place, chunk by chunk."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from casatools._base import log
from casatools._base.errors import ParameterError
from casatools._base.progress import Progress
from casatools.calibration.apply import PriorCalibration, middle_weight
from casatools.calibration.callib import CalibrationLibrary
from casatools.calibration.coverage import gaps
from casatools.calibration.scratch_columns import fill_corrected
from casatools.io.ms import (
    MeasurementSet,
    Piece,
    Selection,
    VisChunk,
    iter_chunks,
    open_piece,
    plan_chunks,
    split_plans,
    spread,
    spreads,
    write_chunks,
)
from casatools.io.ms.write_journal import forget_write_journal

if TYPE_CHECKING:
    from casatools.io.ms import ResolvedSelection

__all__ = ["ApplyOptions", "LibraryOptions", "apply_calibration", "correct_visibilities", "start_weight"]

_COUNTS = ("rows", "flagged_before", "flagged_after", "total")
MODES = ("", "calflag", "calflagstrict", "trial", "flagonly", "flagonlystrict", "calonly")


@dataclass(frozen=True)
class ApplyOptions:
    """How calibration is applied.

    Attributes
    ----------
    mode : {"", "calflag", "calflagstrict", "trial", "flagonly", "flagonlystrict", "calonly"}
        Whether data are calibrated, flags written, both or neither. The strict modes also flag spectral windows that a table has
        no solutions for.
    parang : bool
        Correct for parallactic angle.
    """

    mode: str = "calflag"
    parang: bool = False

    def __post_init__(self) -> None:
        if self.mode not in MODES:
            raise ParameterError(f"parameter 'applymode' must be one of {', '.join(map(repr, MODES))}; got {self.mode!r}")

    @property
    def calibrates(self) -> bool:
        """Whether CORRECTED_DATA is written."""
        return self.mode in ("", "calflag", "calflagstrict", "calonly")

    @property
    def flags(self) -> bool:
        """Whether FLAG is written."""
        return self.mode not in ("trial", "calonly")

    @property
    def strict(self) -> bool:
        """Whether data without solutions are flagged."""
        return self.mode.endswith("strict")


@dataclass(frozen=True)
class LibraryOptions:
    """Which tables are applied: lists, a library file where `callib` names one, or the `lines` of one."""

    gaintable: tuple[str, ...] = ()
    gainfield: tuple[str, ...] = ()
    interp: tuple[str, ...] = ()
    spwmap: tuple[Any, ...] = ()
    calwt: tuple[bool, ...] = (True,)
    callib: str = ""
    lines: str = ""

    def load(self, ms: MeasurementSet) -> CalibrationLibrary:
        """Read and check the tables."""
        if self.lines:
            return CalibrationLibrary.from_text(ms, self.lines)
        if self.callib:
            return CalibrationLibrary.from_callib(ms, self.callib)
        return CalibrationLibrary.from_lists(ms, self.gaintable, self.gainfield, self.interp, self.spwmap, self.calwt)


def correct_visibilities(
    vis: str, expressions: Mapping[str, str], library: LibraryOptions, options: ApplyOptions, flag_backup: str = ""
) -> dict[str, int]:
    """Check everything, back up the flags, then correct the selected data of a MeasurementSet.

    Parameters
    ----------
    vis : str
    expressions : mapping of str
        Keywords of `Selection`.
    library : LibraryOptions
    options : ApplyOptions
    flag_backup : str
        Save the flags first, on behalf of the task of this name; '' does not.

    Returns
    -------
    dict
        As `apply_calibration`.

    Raises
    ------
    ParameterError
        There is nothing to apply; and as `LibraryOptions.load` and `Selection` raise.
    """
    selection = Selection(**expressions)
    with MeasurementSet(vis) as ms:
        selection.resolve(ms)
        loaded = library.load(ms)
        if not loaded.entries and not options.parang:
            raise ParameterError(
                "there is nothing to apply: name calibration tables or a calibration library, or set parang=True"
            )
        PriorCalibration(ms, loaded, options.parang)
        ms.require("DATA")
    with MeasurementSet(vis, writable=options.mode != "trial") as ms:
        if flag_backup and options.flags:
            _back_up_flags(vis, flag_backup)
        return apply_calibration(ms, selection.resolve(ms), loaded, options)


def _back_up_flags(vis: str, task: str) -> None:
    from casatools.io.ms.flag_versions import next_version_name, save_version

    stamp = time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime())
    save_version(vis, next_version_name(vis, task), f"Flags autosave on {stamp}")


def apply_calibration(
    ms: MeasurementSet, selected: ResolvedSelection, library: CalibrationLibrary, options: ApplyOptions
) -> dict[str, int]:
    """Correct the selected data.

    Parameters
    ----------
    ms : MeasurementSet
        Writable, unless the mode is trial.
    selected : ResolvedSelection
    library : CalibrationLibrary
    options : ApplyOptions

    Returns
    -------
    dict
        ``{"rows": …, "flagged_before": …, "flagged_after": …, "total": …}``, counts of visibilities.

    Raises
    ------
    DataError
        There is no DATA column.

    Notes
    -----
    Every value written depends only on DATA, SIGMA, FLAG and the tables, so a run that was interrupted can be repeated.
    """
    calibration = PriorCalibration(ms, library, options.parang, strict=options.strict)
    ms.require("DATA")
    for sentence in gaps(ms, selected, library, options.strict):
        log.post(sentence, "WARN")
    tally = dict.fromkeys(_COUNTS, 0)
    columns = ["FLAG", *calibration.columns]
    if options.calibrates:
        columns.append("DATA")
        forget_write_journal(ms, "CORRECTED_DATA")
        fill_corrected(ms, selected)
    reweight = options.calibrates and calibration.scales_weights
    spectrum = reweight and ms.has("WEIGHT_SPECTRUM")
    if reweight:
        columns.append("SIGMA")
        if spectrum and ms.has("SIGMA_SPECTRUM"):
            columns.append("SIGMA_SPECTRUM")
    plans = plan_chunks(ms, selected, columns)
    with Progress(sum(len(p.rows) for p in plans), "applying calibration") as progress:

        def corrected() -> Iterator[tuple[VisChunk, dict[str, np.ndarray]]]:
            if spreads():
                job = _Job(calibration, options, selected, tuple(columns), reweight, spectrum)
                for part, counts in spread(_correct_piece, ms, job, split_plans(plans)):
                    for name in _COUNTS:
                        tally[name] += counts[name]
                    progress.advance(sum(len(chunk.rows) for chunk, _ in part))
                    yield from (item for item in part if item[1])
                return
            # Rows are read before they are written, and chunks share none.
            for chunk in iter_chunks(ms, selected, columns, plans=plans, straight=True):
                values = _correct_chunk(calibration, options, chunk, reweight, spectrum, tally)
                progress.advance(len(chunk.rows))
                if values:
                    yield chunk, values

        if options.mode == "trial":
            for _ in corrected():
                pass
        else:
            write_chunks(ms, corrected(), [])
    _report(tally, options)
    return tally


@dataclass(frozen=True)
class _Job:
    """What the ranks of an MPI job need to correct their pieces."""

    calibration: PriorCalibration
    options: ApplyOptions
    selected: ResolvedSelection
    columns: tuple[str, ...]
    reweight: bool
    spectrum: bool


def _correct_piece(piece: Piece) -> tuple[list[tuple[VisChunk, dict[str, np.ndarray]]], dict[str, int]]:
    tally = dict.fromkeys(_COUNTS, 0)
    out = []
    with open_piece(piece):
        job: _Job = piece.job
        for chunk in iter_chunks(piece.ms, job.selected, job.columns, plans=piece.plans):
            values = _correct_chunk(job.calibration, job.options, chunk, job.reweight, job.spectrum, tally)
            chunk.columns.clear()
            out.append((chunk, values))
    return out, tally


def _correct_chunk(
    calibration: PriorCalibration, options: ApplyOptions, chunk: VisChunk, reweight: bool, spectrum: bool, tally: dict[str, int]
) -> dict[str, np.ndarray]:
    """What is to be written for a chunk."""
    flag = chunk["FLAG"]
    before = int(np.count_nonzero(flag))
    can = calibration.calibrates(chunk.spw)
    # Without data to correct, unit visibilities carry the flags through the same code.
    data = chunk["DATA"] if options.calibrates else np.ones(chunk.shape, dtype=np.complex64)
    weight = start_weight(calibration, chunk, spectrum) if reweight and can else None
    data, flag, weight = calibration.correct(chunk, data, flag, weight)
    if options.strict and not can:
        flag[...] = True
    after = int(np.count_nonzero(flag))
    tally["rows"] += len(chunk.rows)
    tally["total"] += flag.size
    tally["flagged_before"] += before
    tally["flagged_after"] += after
    values: dict[str, np.ndarray] = {}
    if options.calibrates:
        values["CORRECTED_DATA"] = data
    if options.flags and after != before:
        values["FLAG"] = flag
    if weight is not None:
        if spectrum:
            values["WEIGHT_SPECTRUM"] = weight
            weight = middle_weight(weight)
        values["WEIGHT"] = weight
    return values


def start_weight(calibration: PriorCalibration, chunk: VisChunk, spectrum: bool) -> np.ndarray:
    """Weights of a chunk before calibration, by channel where `spectrum` asks for them."""
    if spectrum and "SIGMA_SPECTRUM" in chunk.columns:
        return calibration.base_weight(chunk["SIGMA_SPECTRUM"])
    weight = calibration.base_weight(chunk["SIGMA"])
    return np.repeat(weight[:, None, :], len(chunk.channels), axis=1) if spectrum else weight


def _report(tally: dict[str, int], options: ApplyOptions) -> None:
    total = max(tally["total"], 1)
    before, after = 100.0 * tally["flagged_before"] / total, 100.0 * tally["flagged_after"] / total
    verb = "would be" if options.mode in ("trial", "calonly") else "are"
    log.post(f"{tally['rows']} rows: flagged {before:.3f} % before; {after:.3f} % {verb} flagged with these calibration tables")
