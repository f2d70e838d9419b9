"""Bootstrapping flux densities: from a calibrator of known flux to others, through their gains."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from casatools._base import log
from casatools._base.errors import DataError, OutputExistsError, ParameterError
from casatools._base.paths import require_absent, require_writable_parent
from casatools.calibration.callib import select_fields
from casatools.calibration.same_array import match_antennas
from casatools.io.caltable import CalTable
from casatools.io.ms import MeasurementSet
from casatools.io.ms.selection_antenna import named_antennas

__all__ = ["FluxScaleOptions", "FluxScaleResult", "SpectralFit", "bootstrap_fluxes", "fit_spectrum", "scale_fluxes"]


@dataclass(frozen=True)
class FluxScaleOptions:
    """What is bootstrapped.

    Attributes
    ----------
    reference, transfer : str
        Field selections; an empty transfer is every field that is no reference.
    refspwmap : tuple of int
        Spectral window of the reference gains for each one, or a single one for all; empty or -1 is itself.
    gainthreshold : float
        Gains further than this fraction from the median of their field and window are left out; negative keeps all.
    antenna, scan, timerange : str
        Solutions to use; '' is all.
    incremental : bool
        Write the corrections alone.
    append : bool
        Add to an output that exists.
    fitorder : int
        Order of the fit of log flux density by log frequency.
    """

    reference: str
    transfer: str = ""
    refspwmap: tuple[int, ...] = ()
    gainthreshold: float = -1.0
    antenna: str = ""
    scan: str = ""
    timerange: str = ""
    incremental: bool = False
    append: bool = False
    fitorder: int = 1

    def __post_init__(self) -> None:
        if not self.reference.strip():
            raise ParameterError("parameter 'reference' must name at least one field")
        if self.fitorder < 0:
            raise ParameterError(f"parameter 'fitorder' must be an int of at least 0; got {self.fitorder}")
        if any(s < -1 for s in self.refspwmap):
            raise ParameterError(
                f"parameter 'refspwmap' must hold numbers of spectral windows, or -1 for the same; got {list(self.refspwmap)}"
            )

    def reference_window(self, spw: int) -> int:
        """Spectral window of the reference gains for one of the transfer fields."""
        mapped = self.refspwmap * (spw + 1) if len(self.refspwmap) == 1 else self.refspwmap
        return mapped[spw] if spw < len(mapped) and mapped[spw] >= 0 else spw


@dataclass(frozen=True)
class SpectralFit:
    """``log10 S = sum coefficients[k] log10(f / reference) ** k``, with its covariance (for errors ``dS / S``)."""

    reference_hz: float
    coefficients: np.ndarray
    errors: np.ndarray
    covariance: np.ndarray

    @property
    def flux_jy(self) -> float:
        """Flux density at the reference frequency."""
        return float(10.0 ** self.coefficients[0])


@dataclass
class FluxScaleResult:
    """Flux densities of transfer fields: ``{field: {spw: (flux_jy, error_jy, count)}}``."""

    fluxes: dict[int, dict[int, tuple[float, float, int]]] = field(default_factory=dict)


def fit_spectrum(frequency_hz: np.ndarray, flux_jy: np.ndarray, error_jy: np.ndarray, order: int) -> SpectralFit:
    """Fit a polynomial to log flux density by log frequency, weighted by the relative errors.

    Parameters
    ----------
    frequency_hz, flux_jy, error_jy : ndarray (spw,) float64
        At least two.
    order : int
        With too few points for it, a constant is fitted and the other coefficients are zero.

    Notes
    -----
    The reference frequency is the geometric mean. The covariance holds for errors ``dS / S`` of log10 S; the errors of the
    coefficients are scaled by the reduced chi squared, so they are zero where the curve passes through every point.
    """
    reference = float(np.exp(np.mean(np.log(frequency_hz))))
    used = order if len(flux_jy) > order else 0
    x, y = np.log10(frequency_hz / reference), np.log10(flux_jy)
    weight = np.where(error_jy > 0, flux_jy / np.where(error_jy > 0, error_jy, 1.0), 1.0)
    design = np.vander(x, used + 1, increasing=True)
    covariance = np.linalg.inv((design * weight[:, None]).T @ (design * weight[:, None]))
    coefficients = covariance @ (design.T @ (weight**2 * y))
    left = len(y) - used - 1
    chi_squared = float(np.sum((weight * (y - design @ coefficients)) ** 2)) / left if left > 0 else 0.0
    padded, errors = np.zeros(order + 1), np.zeros(order + 1)
    padded[: used + 1] = coefficients
    errors[: used + 1] = np.sqrt(np.diag(covariance) * chi_squared)
    return SpectralFit(reference, padded, errors, covariance)


@dataclass(frozen=True)
class _Gains:
    """Amplitudes (row, par) of a table with its keys; unusable ones are NaN, and those that are not selected; ``every`` is what the median is of."""

    amplitude: np.ndarray
    every: np.ndarray
    antenna: np.ndarray
    field: np.ndarray
    spw: np.ndarray

    def mean_by_antenna(self, field_id: int, spw: int, nant: int, threshold: float) -> np.ndarray:
        """Mean amplitude (ant, par) of a field; NaN where there is none."""
        rows = (self.field == field_id) & (self.spw == spw)
        values = self.amplitude[rows].copy()
        if threshold >= 0 and np.isfinite(values).any():
            with np.errstate(invalid="ignore", divide="ignore"):
                # About the median of all times and scans, selected or not, unless antennas are selected: as the reference does.
                every = self.every[rows]
                values[np.abs(values / _middle(every[np.isfinite(every)]) - 1) > threshold] = np.nan
        total, count = np.zeros((nant, values.shape[1])), np.zeros((nant, values.shape[1]))
        np.add.at(total, self.antenna[rows], np.nan_to_num(values))
        np.add.at(count, self.antenna[rows], np.isfinite(values))
        return np.where(count > 0, total / np.maximum(count, 1), np.nan)


def _middle(values: np.ndarray) -> float:
    """The median; of more than 100 values the lower of two in the middle, as the reference takes it."""
    if len(values) <= 100:
        return float(np.median(values))
    return float(np.partition(values, (len(values) - 1) // 2)[(len(values) - 1) // 2])


def _mean_present(stack: list[np.ndarray]) -> np.ndarray:
    values = np.stack(stack)
    count = np.isfinite(values).sum(axis=0)
    return np.where(count > 0, np.nansum(values, axis=0) / np.maximum(count, 1), np.nan)


def bootstrap_fluxes(
    gains: _Gains, references: Sequence[int], transfers: Sequence[int], options: FluxScaleOptions
) -> FluxScaleResult:
    """Flux densities of the transfer fields from ratios of gain amplitudes.

    Notes
    -----
    The ratio r of mean amplitudes, transfer over reference, is taken for each antenna and polarization. The flux density is the
    square of the median ratio, its error ``2 sqrt(sum (r - mean r)^2) / (n - 1)``, the reference's estimate.
    """
    nant = int(gains.antenna.max()) + 1
    result = FluxScaleResult()
    for transfer in transfers:
        for spw in np.unique(gains.spw[gains.field == transfer]).tolist():
            source = options.reference_window(spw)
            known = _mean_present([gains.mean_by_antenna(f, source, nant, options.gainthreshold) for f in references])
            found = gains.mean_by_antenna(transfer, spw, nant, options.gainthreshold)
            ratio = found / known
            ratio = ratio[np.isfinite(ratio) & (ratio > 0)]
            n = len(ratio)
            if n == 0:
                log.post(
                    f"no antenna has gains for both field {transfer} in spectral window {spw} and the reference fields", "WARN"
                )
                result.fluxes.setdefault(transfer, {})[spw] = (-1.0, -1.0, 0)
                continue
            error = 2 * float(np.sqrt(np.sum((ratio - ratio.mean()) ** 2))) / (n - 1) if n > 1 else 0.0
            result.fluxes.setdefault(transfer, {})[spw] = (float(np.median(ratio)) ** 2, error, n)
    return result


def scale_fluxes(vis: str, caltable: str, fluxtable: str, options: FluxScaleOptions, listfile: str = "") -> dict[str, Any]:
    """Bootstrap flux densities and write the scaled gains.

    Returns
    -------
    dict
        CASA's record: per field the flux densities by window, their errors and counts, and the spectral fit.

    Raises
    ------
    PathMissingError, DataError, SelectionError, OutputExistsError, ParameterError
        An input is missing, of another kind or of another array, a field has no gains, an output exists; nothing is written then.
    """
    table = CalTable.open(caltable)
    with MeasurementSet(vis) as ms:
        match_antennas(ms, caltable, table.antenna_names, table.antenna_positions_m, table.antenna1)
    if table.vis_cal not in ("G Jones", "T Jones", "GSPLINE"):
        raise DataError(f"{caltable!r} holds {table.vis_cal!r}; fluxscale needs a gain table (G or T)")
    if listfile:
        require_writable_parent(listfile)
    if not options.append and fluxtable:
        try:
            require_absent(fluxtable)
        except OutputExistsError:
            raise OutputExistsError(f"fluxtable {fluxtable!r} already exists; give another name or set append=True") from None
    references, transfers = _fields(table, caltable, options)
    gains = _gains(table, options)
    result = bootstrap_fluxes(gains, references, transfers, options)
    if not any(v[2] for by_spw in result.fluxes.values() for v in by_spw.values()):
        raise DataError(
            f"{caltable!r} has no unflagged gains by which fields {transfers} could be compared with reference fields {references}; nothing is written"
        )
    record, lines = _record(table, result, options)
    for line in lines:
        log.post(line)
    if fluxtable:
        _write(table, result, fluxtable, options, references)
    if listfile:
        with open(listfile, "w", encoding="utf-8") as stream:
            stream.write("\n".join(f"# {line}" for line in lines) + "\n")
    return record


def _fields(table: CalTable, caltable: str, options: FluxScaleOptions) -> tuple[list[int], list[int]]:
    present = {int(f) for f in np.unique(table.field_id)}
    references = sorted(select_fields(options.reference, table.field_names) & present)
    if not references:
        raise ParameterError(
            f"parameter 'reference': {caltable!r} has no gains of {options.reference!r}; it has fields {sorted(present)}"
        )
    if options.transfer.strip():
        wanted = select_fields(options.transfer, table.field_names) - set(references)
        transfers = sorted(wanted & present)
        if not transfers:
            raise ParameterError(
                f"parameter 'transfer': {caltable!r} has no gains of {options.transfer!r} beside those of the reference; it has fields {sorted(present)}"
            )
        if wanted - present:
            log.post(f"fluxscale: {caltable!r} has no gains of the transfer fields {sorted(wanted - present)}", "WARN")
    else:
        transfers = sorted(present - set(references))
    if not transfers:
        raise ParameterError(f"{caltable!r} has gains of the reference fields only; there is nothing to transfer to")
    return references, transfers


def _gains(table: CalTable, options: FluxScaleOptions) -> _Gains:
    amplitude = np.abs(table.param[:, 0, :]).astype(np.float64)
    amplitude[table.flag[:, 0, :] | (amplitude == 0)] = np.nan
    keep = np.ones(table.nrow, dtype=bool)
    if options.antenna:
        keep &= np.isin(table.antenna1, named_antennas(options.antenna, table.antenna_names))
    if options.scan:
        from casatools.io.ms.selection_grammar import parse_ids

        ranges = parse_ids(options.scan, "scan")
        keep &= np.array([any(r.holds(int(s)) for r in ranges) for s in table.scan], dtype=bool)
    if options.timerange:
        from casatools.io.ms.selection_time import parse_time, time_bounds

        inside = np.zeros(table.nrow, dtype=bool)
        start = float(table.time_s.min()) if table.nrow else 0.0
        for low, high, _ in time_bounds(parse_time(options.timerange), start, 0.0, options.timerange):
            inside |= (table.time_s >= low) & (table.time_s <= high)
        keep &= inside
    every = amplitude.copy()
    amplitude[~keep] = np.nan
    if not np.isfinite(amplitude).any():
        raise DataError("no unflagged gain is left by the selection")
    return _Gains(
        amplitude, amplitude if options.antenna else every, table.antenna1.astype(np.int64), table.field_id, table.spw_id
    )


def _record(table: CalTable, result: FluxScaleResult, options: FluxScaleOptions) -> tuple[dict[str, Any], list[str]]:
    """The task's record and the lines of its list file."""
    frequencies = {s: float(np.mean(f)) for s, f in table.frequencies_hz.items()}
    record: dict[str, Any] = {}
    lines: list[str] = []
    for number, by_spw in result.fluxes.items():
        name = table.field_names[number]
        entry: dict[str, Any] = {}
        good = {s: v for s, v in by_spw.items() if v[2] > 0}
        for spw, (flux, error, count) in by_spw.items():
            others = 0.0 if count else -1.0
            entry[str(spw)] = {
                k: np.array([v, others, others, others])
                for k, v in (("fluxd", flux), ("fluxdErr", error), ("numSol", float(count) if count else -1.0))
            }
            snr, source = flux / error if error > 0 else 0.0, options.reference_window(spw)
            by = f" (ref SpW={source})" if source != spw else ""
            lines.append(
                f"Flux density for {name} in SpW={spw} (freq={frequencies[spw]:g} Hz){by} is: "
                + (f"{flux:g} +/- {error:g} (SNR = {snr:g}, N = {count})" if count else "INSUFFICIENT DATA")
            )
        entry["fieldName"] = name
        entry |= _fit_entry(name, good, frequencies, options.fitorder, lines)
        record[str(number)] = entry
    windows = sorted(frequencies)
    names = table.subtables["SPECTRAL_WINDOW"].columns.get("NAME") or [""] * len(windows)
    record["freq"] = np.array([frequencies[s] for s in windows])
    record["spwID"] = np.array(windows, dtype=np.int64)
    record["spwName"] = np.array([str(names[s]) for s in windows])
    return record, lines


def _fit_entry(
    name: str, good: Mapping[int, tuple[float, float, int]], frequencies: Mapping[int, float], order: int, lines: list[str]
) -> dict[str, Any]:
    zeros = np.zeros(order + 1)
    if len(good) < 2:
        flux, reference = next(((v[0], frequencies[s]) for s, v in good.items()), (0.0, 0.0))
        return {
            "covarMat": np.array([]),
            "fitFluxd": flux,
            "fitFluxdErr": 0.0,
            "fitRefFreq": reference,
            "spidx": zeros,
            "spidxerr": zeros.copy(),
        }
    fit = fit_spectrum(
        np.array([frequencies[s] for s in good]),
        np.array([v[0] for v in good.values()]),
        np.array([v[1] for v in good.values()]),
        order,
    )
    error = float(fit.errors[0] * np.log(10) * fit.flux_jy)
    kinds = ("spectral index", "curvature")
    terms = " ".join(
        f"a_{k} ({kinds[k - 1] if k <= 2 else 'higher'}) ={fit.coefficients[k]:g} +/- {fit.errors[k]:g}"
        for k in range(1, order + 1)
    )
    n = len(fit.covariance)
    covariance = " ".join(f"covar({i},{j})={fit.covariance[i, j]:g}" for i in range(n) for j in range(n))
    # As the reference's list: no matrix of a constant.
    matrix = f"{terms} covariance matrix for the fit:  {covariance}" if order else ""
    lines.append(
        f"Fitted spectrum for {name} with fitorder={order}: Flux density = {fit.flux_jy:g} +/- {error:g} "
        f"(freq={fit.reference_hz / 1e9:g} GHz) spidx: {matrix}"
    )
    return {
        "covarMat": fit.covariance, "fitFluxd": fit.flux_jy, "fitFluxdErr": error, "fitRefFreq": fit.reference_hz,
        "spidx": fit.coefficients, "spidxerr": fit.errors,
    }  # fmt: skip


def _write(table: CalTable, result: FluxScaleResult, path: str, options: FluxScaleOptions, references: Sequence[int]) -> None:
    """Write the table with the gains of transfer fields divided by the root of their flux density."""
    factor = np.ones(table.nrow)
    for number, by_spw in result.fluxes.items():
        for spw, (flux, _, count) in by_spw.items():
            if count:
                factor[(table.field_id == number) & (table.spw_id == spw)] = 1.0 / np.sqrt(flux)
    scaled = table.copy()
    if options.incremental:
        keys = np.stack([scaled.spw_id, scaled.antenna1, scaled.field_id])
        _, first = np.unique(keys, axis=1, return_index=True)
        scaled, factor = scaled.select(first), factor[first]
        scaled.interval_s = np.zeros_like(scaled.interval_s)
        scaled.scan = np.full_like(scaled.scan, -1)
        scaled.antenna2 = np.full_like(scaled.antenna2, -1)
    for group in scaled.groups:
        scale = factor[group.rows][:, None, None].astype(np.float32)
        if options.incremental:
            group.param = np.broadcast_to(scale, group.param.shape).astype(group.param.dtype)
            group.flag, group.snr, group.paramerr = (
                np.zeros_like(group.flag),
                np.zeros_like(group.snr),
                np.zeros_like(group.paramerr),
            )
        else:
            group.param = group.param * scale
    if options.append:
        scaled.append_to(path)
    else:
        scaled.write(path, overwrite=False)
