"""What calibration leaves: residuals and closure errors, quality of solutions, and weights from the scatter.

The residual is ``V - J M J^H``, data less the corrupted model, in units of the data. What antenna-based terms cannot fit shows as a closure
error of a baseline: the mean of data over corrupted model less one.

References
----------
Thompson, Moran & Swenson 2017, Interferometry and Synthesis in Radio Astronomy, ch. 10.3 (closure relations).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from casatools.calibration.solve_data import make_solve_input, parallel_hands
from casatools.calibration.solve_fringes import REFERENCE_SNR
from casatools.calibration.solve_options import SolveOptions
from casatools.io.ms import VisChunk, iter_chunks, write_chunks
from casatools.kernels.residuals import add_residuals

if TYPE_CHECKING:
    from casatools.calibration.apply import PriorCalibration
    from casatools.io.caltable import CalTable
    from casatools.io.ms import MeasurementSet, ResolvedSelection

__all__ = ["Residuals", "TableQuality", "measure_residuals", "table_quality", "write_residual_weights"]


@dataclass
class Residuals:
    """Sums of residuals of a selection.

    Attributes
    ----------
    antennas : tuple of str
    ant1, ant2 : ndarray (baseline,) int
    scans : ndarray (scan,) int
    times_s : ndarray (time,)
    by_baseline : dict
        ``{spw: (scan, baseline, hand, 6)}``, see `kernels.residuals.add_residuals`.
    by_time, by_chan : dict
        ``{spw: (time, 2)}`` and ``{spw: (chan, 2)}``.
    """

    antennas: tuple[str, ...]
    ant1: np.ndarray
    ant2: np.ndarray
    scans: np.ndarray
    times_s: np.ndarray
    by_baseline: dict[int, np.ndarray] = field(default_factory=dict)
    by_time: dict[int, np.ndarray] = field(default_factory=dict)
    by_chan: dict[int, np.ndarray] = field(default_factory=dict)

    def total(self) -> np.ndarray:
        """Sums (baseline, hand, 6) over spectral windows and scans."""
        return np.sum([b.sum(axis=0) for b in self.by_baseline.values()], axis=0)  # type: ignore[no-any-return]

    @property
    def reduced_chi2(self) -> float:
        """Weighted mean square of a real residual: one where SIGMA is the noise of a real or imaginary part."""
        sums = self.total().sum(axis=(0, 1))
        return float(sums[2] / (2 * sums[0])) if sums[0] else float("nan")

    @property
    def rms(self) -> float:
        """Root mean square of the real and imaginary parts of residuals."""
        sums = self.total().sum(axis=(0, 1))
        return float(np.sqrt(sums[1] / (2 * sums[0]))) if sums[0] else float("nan")

    def closure_errors(self) -> np.ndarray:
        """Mean of data over corrupted model less one (baseline, hand) complex; NaN without data."""
        sums = self.total()
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.asarray((sums[..., 3] + 1j * sums[..., 4]) / sums[..., 5] - 1.0)

    def closure_noise(self) -> np.ndarray:
        """Expected size (baseline, hand) of those errors from the scatter of single samples."""
        sums = self.total()
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.asarray(np.sqrt(sums[..., 1] / sums[..., 5] / sums[..., 0]))

    def antenna_rms(self) -> np.ndarray:
        """Root mean square residual (ant, hand) of the baselines of each antenna."""
        out = np.zeros((len(self.antennas), self.total().shape[1], 2))
        np.add.at(out, self.ant1, self.total()[..., :2])
        np.add.at(out, self.ant2, self.total()[..., :2])
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.asarray(np.sqrt(out[..., 1] / (2 * out[..., 0])))


@dataclass(frozen=True)
class TableQuality:
    """Quality of the solutions of a table.

    Attributes
    ----------
    name, kind : str
    count, flagged : int
    snr : (float, float, float)
        Tenth, fiftieth and ninetieth percentile of the signal to noise of unflagged solutions; NaN where the kind has none.
    antennas : dict
        ``{name: (solutions, flagged fraction, median signal to noise)}``.
    """

    name: str
    kind: str
    count: int
    flagged: int
    snr: tuple[float, float, float]
    antennas: dict[str, tuple[int, float, float]]

    def line(self) -> str:
        """One line for the log."""
        share = 100.0 * self.flagged / max(self.count, 1)
        snr = f", median SNR {self.snr[1]:.1f}" if np.isfinite(self.snr[1]) else ""
        return f"{self.kind} in {self.name}: {self.count} solutions of {len(self.antennas)} antennas, {share:.1f} % flagged{snr}"


def table_quality(table: CalTable, name: str) -> TableQuality:
    """Signal to noise and flagged fraction of a table's solutions, in total and by antenna.

    Factors of baselines count for both antennas, those of autocorrelations for none; the reference antenna of a fringe fit has no signal to noise.
    """
    flags = [(group.rows, group.flag, group.snr) for group in table.groups]

    def summary(rows: np.ndarray) -> tuple[int, int, np.ndarray]:
        count, flagged, ratios = 0, 0, [np.zeros(0)]
        for own, flag, snr in flags:
            mine = rows[own]
            count += flag[mine].size
            flagged += int(flag[mine].sum())
            ratios.append(snr[mine][~flag[mine]])
        found = np.concatenate(ratios)
        told = (found > 0) & ((found != REFERENCE_SNR) | (table.vis_cal != "Fringe Jones"))
        return count, flagged, found[told]

    def median(ratios: np.ndarray) -> float:
        return float(np.median(ratios)) if len(ratios) else float("nan")

    antennas = {}
    ends = (table.antenna1, table.antenna2) if table.of_baselines else (table.antenna1,)
    for number in np.unique(np.concatenate(ends)).tolist():
        mine = np.any([end == number for end in ends], axis=0)
        count, flagged, ratios = summary(mine & (table.antenna1 != table.antenna2) if table.of_baselines else mine)
        antennas[table.antenna_names[number]] = (count, flagged / max(count, 1), median(ratios))
    count, flagged, ratios = summary(np.ones(table.nrow, dtype=bool))
    low, middle, high = np.percentile(ratios, [10, 50, 90]).tolist() if len(ratios) else (float("nan"),) * 3
    return TableQuality(name, table.vis_cal, count, flagged, (low, middle, high), antennas)


def measure_residuals(
    ms: MeasurementSet, selected: ResolvedSelection, prior: PriorCalibration | None, smodel: tuple[float, ...] = ()
) -> Residuals:
    """Sum residuals of the parallel hands in one pass over the data.

    Parameters
    ----------
    ms : MeasurementSet
    selected : ResolvedSelection
    prior : PriorCalibration, optional
        The calibration to judge.
    smodel : tuple of float
        As in a solve.

    Raises
    ------
    DataError
        As `make_solve_input` raises.
    """
    # Baseline factors come first in the measurement equation: all other terms corrupt the model.
    given = make_solve_input(ms, selected, SolveOptions(kind="M", smodel=smodel), prior)
    times = np.unique(ms.read("TIME", selected.rows))
    scans = np.unique(ms.read("SCAN_NUMBER", selected.rows))
    found = Residuals(
        tuple(a.name for a in ms.metadata.antennas), given.baselines.ant1, given.baselines.ant2, scans.astype(np.int64), times
    )
    nbl = len(given.baselines)
    for chunk in iter_chunks(ms, given.selected, given.columns):
        data, model, flag, weight = given.prepared(chunk)
        model = np.ascontiguousarray(np.broadcast_to(model, chunk.shape))
        # What is no number the solutions left out, too, with the other correlations of the sample.
        flag = flag | ~(np.isfinite(data) & np.isfinite(model)).all(axis=2, keepdims=True)
        if chunk.spw not in found.by_baseline:
            found.by_baseline[chunk.spw] = np.zeros((len(scans), nbl, 2, 6))
            found.by_time[chunk.spw] = np.zeros((len(times), 2))
            found.by_chan[chunk.spw] = np.zeros((chunk.shape[1], 2))
        place = np.searchsorted(scans, chunk["SCAN_NUMBER"]) * nbl + given.baselines.number[chunk["ANTENNA1"], chunk["ANTENNA2"]]
        place = np.where(chunk["FLAG_ROW"], -1, place)
        flat = found.by_baseline[chunk.spw].reshape(-1, 2, 6)
        add_residuals(
            data, model, flag, weight, place, np.searchsorted(times, chunk["TIME"]), parallel_hands(ms, chunk), flat,
            found.by_time[chunk.spw], found.by_chan[chunk.spw],
        )  # fmt: skip
    return found


def write_residual_weights(ms: MeasurementSet, selected: ResolvedSelection, found: Residuals) -> int:
    """Set WEIGHT and SIGMA from the scatter of the residuals of each baseline, scan, spectral window and receptor.

    Parameters
    ----------
    ms : MeasurementSet
        Writable.
    selected : ResolvedSelection
    found : Residuals
        Of the same selection.

    Returns
    -------
    int
        Rows written; rows without residuals keep their weights.

    Notes
    -----
    ``SIGMA`` is the root mean square of real and imaginary parts in units of the data, ``WEIGHT = 1 / SIGMA**2``; a crossed hand has
    the geometric mean of its receptors' variances.
    """
    nant = len(found.antennas)
    number = np.full((nant, nant), -1, dtype=np.int64)
    number[found.ant1, found.ant2] = np.arange(len(found.ant1))

    def changed() -> Iterator[tuple[VisChunk, dict[str, np.ndarray]]]:
        columns = ["ANTENNA1", "ANTENNA2", "SCAN_NUMBER", "SIGMA", "WEIGHT"]
        for chunk in iter_chunks(ms, selected, columns):
            if chunk.spw not in found.by_baseline:
                continue
            sums = found.by_baseline[chunk.spw]
            line = number[chunk["ANTENNA1"], chunk["ANTENNA2"]]
            part = sums[np.searchsorted(found.scans, chunk["SCAN_NUMBER"]), np.maximum(line, 0)]
            variance = np.where(part[..., 0] > 1, part[..., 1] / (2 * np.maximum(part[..., 0], 1)), 0.0)
            first, second = _hands(ms, chunk)
            product = np.sqrt(variance[:, first] * variance[:, second])
            good = (product > 0) & (line >= 0)[:, None]
            safe = np.where(good, product, 1.0)
            yield (
                chunk,
                {
                    "SIGMA": np.where(good, np.sqrt(safe), chunk["SIGMA"]).astype(np.float32),
                    "WEIGHT": np.where(good, 1.0 / safe, chunk["WEIGHT"]).astype(np.float32),
                },
            )

    return write_chunks(ms, changed(), [])


def _hands(ms: MeasurementSet, chunk: VisChunk) -> tuple[np.ndarray, np.ndarray]:
    """Receptors (0 or 1) of the correlations of a chunk."""
    names: list[Any] = [ms.metadata.polarizations[chunk.pol].names[c] for c in chunk.correlations]
    receptor = {"R": 0, "L": 1, "X": 0, "Y": 1}
    return (
        np.array([receptor.get(n[0], 0) for n in names], dtype=np.int64),
        np.array([receptor.get(n[-1], 0) for n in names], dtype=np.int64),
    )
