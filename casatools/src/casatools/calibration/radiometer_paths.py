"""Excess paths from radiometers, and the table of phase corrections that wvrgcal writes.

References
----------
Nikolic, Graves, Bolton, Richer 2012, ALMA Memo 593 (the program; its options); Nikolic, Bolton, Graves, Hills, Richer 2013, A&A 552, A104,
equation 3: the path is the sum over channels of their brightness divided by their coefficients, weighted by their noise in path.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from casatools._base import log
from casatools._base.errors import DataError, ParameterError
from casatools.calibration.edit_tables import smooth_table
from casatools.calibration.radiometers import RadiometerData, find_radiometer_windows, read_radiometers, subtract_offsets
from casatools.calibration.solve_session import check_output
from casatools.calibration.water_retrieval import CHANNEL_NOISE_K, WaterColumn, retrieve_water
from casatools.io.caltable import CalTable, SolutionGroup
from casatools.io.ms import MeasurementSet

__all__ = ["RadiometerOptions", "correct_from_radiometers"]

_SPEED_MM_GHZ = 299.792458
_NEAREST = 3
# Brightest cloud (K) that cont looks for.
_CLOUD_K = 40.0
_COLUMNS = ("Name", "WVR", "Flag", "Frac_unflagged", "RMS_um", "Disc_um")
# Dispersion is taken at this temperature (K) and pressure (hPa), where most of the vapour above the array is.
_VAPOUR_K, _VAPOUR_HPA = 265.0, 480.0


@dataclass(frozen=True)
class RadiometerOptions:
    """Parameters of wvrgcal by their own names.

    Raises
    ------
    ParameterError
        Options that exclude each other, or are out of range.
    """

    toffset: float = 0.0
    segsource: bool = True
    sourceflag: tuple[str, ...] = ()
    tie: tuple[str, ...] = ()
    nsol: int = 1
    disperse: bool = False
    wvrflag: tuple[str, ...] = ()
    statfield: str = ""
    statsource: str = ""
    smooth_s: float = 0.0
    scale: float = 1.0
    spw: tuple[int, ...] = ()
    wvrspw: tuple[int, ...] = ()
    reversespw: tuple[int, ...] = ()
    cont: bool = False
    maxdistm: float = 500.0
    minnumants: int = 2
    mingoodfrac: float = 0.8
    usefieldtab: bool = False
    refant: tuple[str, ...] = ()
    offsetstable: str = ""

    def __post_init__(self) -> None:
        if self.nsol > 1 and self.segsource:
            raise ParameterError(
                f"wvrgcal: nsol={self.nsol} needs segsource=False; coefficients are found for each source otherwise"
            )
        for name, value in (("tie", self.tie), ("sourceflag", self.sourceflag)):
            if value and not self.segsource:
                raise ParameterError(f"wvrgcal: parameter {name!r} needs segsource=True; got {list(value)}")
        if self.statfield and self.statsource:
            raise ParameterError("wvrgcal: give 'statfield' or 'statsource', not both")
        if self.maxdistm < 0:
            raise ParameterError(f"wvrgcal: parameter 'maxdistm' must not be negative; got {self.maxdistm}")
        if not 0 <= self.mingoodfrac <= 1:
            raise ParameterError(f"wvrgcal: parameter 'mingoodfrac' must be from 0 to 1; got {self.mingoodfrac}")
        if self.smooth_s < 0:
            raise ParameterError(f"wvrgcal: parameter 'smooth' must not be negative; got {self.smooth_s} s")


@dataclass
class _Names:
    """Numbers of what parameters name."""

    antennas: list[str]
    bad: list[int]
    reference: list[int]
    flagged_sources: set[int]
    ties: list[set[int]]
    statistics: np.ndarray | None = field(default=None)


def _numbers(ms: MeasurementSet, options: RadiometerOptions, data: RadiometerData) -> _Names:
    antennas = [a.name for a in ms.metadata.antennas]
    fields = [f.name for f in ms.metadata.fields]
    sources: dict[str, int] = {s.name: s.source_id for s in ms.metadata.sources}
    sources.update({f.name: f.source_id for f in ms.metadata.fields if f.name not in sources})

    def find(names: Sequence[str], known: dict[str, int], what: str) -> list[int]:
        out = []
        for name in names:
            text = name.strip()
            if text in known:
                out.append(known[text])
            elif text.isdigit() and int(text) in known.values():
                out.append(int(text))
            else:
                raise ParameterError(f"wvrgcal: there is no {what} {text!r}; there are {', '.join(map(repr, known))}")
        return out

    by_antenna = {n: i for i, n in enumerate(antennas)}
    out = _Names(
        antennas, find(options.wvrflag, by_antenna, "antenna"), find(options.refant, by_antenna, "antenna"),
        set(find(options.sourceflag, sources, "source")),
        [set(find(t.split(","), sources, "source")) for t in options.tie],
    )  # fmt: skip
    if options.statfield:
        number = find([options.statfield], {n: i for i, n in reversed(list(enumerate(fields)))}, "field")[0]
        out.statistics = data.field == number
    elif options.statsource:
        out.statistics = data.source == find([options.statsource], sources, "source")[0]
    return out


def _segments(data: RadiometerData, options: RadiometerOptions, names: _Names) -> np.ndarray:
    """Number (time,) of the set of coefficients; runs of one source, tied sources with the run before, or equal parts in time."""
    if not options.segsource:
        span = max(float(np.ptp(data.time_s)), 1e-9)
        return np.minimum(((data.time_s - data.time_s[0]) / span * options.nsol).astype(int), options.nsol - 1)
    group = data.source.copy()
    for number, tied in enumerate(names.ties):
        group[np.isin(data.source, list(tied))] = -1 - number
    change = np.diff(group, prepend=group[0]) != 0
    out = np.cumsum(change)
    for number in range(len(names.ties)):
        # What is tied shares one set of coefficients, so that no step of coefficients is between its phases.
        mine = group == -1 - number
        out[mine] = out[mine][0] if mine.any() else 0
    return out


def _reference(data: RadiometerData, names: _Names, good: np.ndarray) -> int:
    for antenna in names.reference or range(len(good)):
        if good[antenna]:
            return antenna
    chosen = [names.antennas[a] for a in names.reference] or names.antennas
    raise DataError(f"wvrgcal: none of the antennas {', '.join(chosen)} has good radiometer data for the coefficients")


def _coefficients(
    data: RadiometerData, segment: np.ndarray, reference: int, names: _Names, cont: bool
) -> tuple[np.ndarray, list[WaterColumn]]:
    """Path for brightness (time, 4) [mm/K] of each time, NaN where a segment has no solution, and what was retrieved."""
    weights, columns = np.full((len(segment), len(CHANNEL_NOISE_K)), np.nan), []
    for number in np.unique(segment):
        at = np.flatnonzero(segment == number)
        at = at[~np.isin(data.source[at], list(names.flagged_sources))]
        seen = at[np.isfinite(data.brightness_k[at, reference]).all(axis=1)]
        if not len(seen):
            continue
        observed = data.brightness_k[seen[len(seen) // 2], reference]
        found = _retrieve(observed, data, cont)
        if found.evidence > 0:
            weights[segment == number] = found.path_per_kelvin
        else:
            log.post(
                f"wvrgcal: no layer of water gives the brightness {np.round(observed, 2).tolist()} K of {names.antennas[reference]}",
                "WARN",
            )
        columns.append(found)
    return weights, columns


def _retrieve(observed_k: np.ndarray, data: RadiometerData, cont: bool) -> WaterColumn:
    """The water in a brightness; with `cont` a mean over brightness that all channels have in common, as clouds give."""
    common = np.arange(0.0, _CLOUD_K) if cont else np.zeros(1)
    found = [retrieve_water(observed_k - c, data.offsets_ghz, data.widths_ghz) for c in common]
    likely = [f for f in found if f.evidence > 0]
    if len(likely) < 2:
        return likely[0] if likely else found[0]
    share = np.array([f.evidence for f in likely])
    evidence = float(share.mean())
    share /= share.sum()
    water, coefficient = (share @ np.array([getattr(f, n) for f in likely]) for n in ("water_mm", "kelvin_per_mm"))
    spread = share @ np.array([f.water_error_mm**2 + (f.water_mm - water) ** 2 for f in likely])
    error = share @ np.array([f.kelvin_per_mm_error**2 + (f.kelvin_per_mm - coefficient) ** 2 for f in likely])
    return WaterColumn(evidence, float(water), float(np.sqrt(spread)), coefficient, np.sqrt(error))


def _fill_from_neighbours(
    path: np.ndarray, bad: np.ndarray, positions_m: np.ndarray, options: RadiometerOptions, names: list[str]
) -> tuple[np.ndarray, np.ndarray]:
    """Paths (time, ant) of bad antennas from their nearest good ones, and which antennas (ant,) have no path at all."""
    path, lost = path.copy(), np.zeros(len(bad), dtype=bool)
    for antenna in np.flatnonzero(bad):
        distance = np.linalg.norm(positions_m - positions_m[antenna], axis=1)
        near = [int(a) for a in np.argsort(distance, kind="stable") if not bad[a] and distance[a] <= options.maxdistm][:_NEAREST]
        if len(near) < max(options.minnumants, 1):
            lost[antenna], path[:, antenna] = True, np.nan
            log.post(
                f"wvrgcal: {names[antenna]} has no good radiometer and only {len(near)} good antennas within {options.maxdistm:g} m,"
                f" of {options.minnumants} that are needed; its solutions are flagged", "WARN",
            )  # fmt: skip
            continue
        weight = 1.0 / np.maximum(distance[near], 1.0)
        path[:, antenna] = path[:, near] @ (weight / weight.sum())
    return path, lost


def _dispersion(frequency_hz: float, disperse: bool) -> float:
    """How much longer the wet path is at a frequency than without dispersion."""
    if not disperse:
        return 1.0
    from casatools.kernels.air_absorption import wet_path_per_mm

    plain, more = wet_path_per_mm(np.array([frequency_hz * 1e-9]), _VAPOUR_K, _VAPOUR_HPA)
    return 1.0 + float(more[0]) / plain


def _make_table(
    ms: MeasurementSet, data: RadiometerData, path_mm: np.ndarray, flag: np.ndarray, options: RadiometerOptions
) -> CalTable:
    windows = ms.metadata.spectral_windows
    wanted = list(options.spw) or [w.id for w in windows if w.nchan]
    table = CalTable.for_ms(ms, "T Jones")
    table.set_single_channel(ms)
    ntime, nant = path_mm.shape
    for spw in sorted(set(wanted)):
        frequency = float(windows[spw].chan_freq_hz.mean())
        sign = 1.0 if spw in options.reversespw else -1.0
        turn = sign * 2.0 * np.pi * frequency * 1e-9 / _SPEED_MM_GHZ * _dispersion(frequency, options.disperse) * options.scale
        gain = np.where(flag, 1.0, np.exp(1j * turn * np.where(flag, 0.0, path_mm))).astype(np.complex64)
        cells = gain.reshape(-1, 1, 1)
        group = SolutionGroup(
            np.zeros(0, np.int64), cells, np.zeros(cells.shape, np.float32), flag.reshape(-1, 1, 1).copy(),
            np.full(cells.shape, 3.0, np.float32),
        )  # fmt: skip
        table.add_rows(
            group, time_s=np.repeat(data.time_s + options.toffset, nant), field_id=np.repeat(data.field, nant), scan=-1, observation=0,
            spw_id=spw, antenna1=np.tile(np.arange(nant), ntime), antenna2=-1, interval_s=np.repeat(data.interval_s, nant),
        )  # fmt: skip
    return table


def correct_from_radiometers(vis: str, caltable: str, options: RadiometerOptions) -> dict[str, Any]:
    """Write a table of phases that correct for the water above each antenna.

    Parameters
    ----------
    vis, caltable : str
    options : RadiometerOptions

    Returns
    -------
    dict
        For each antenna ``Name``, ``WVR`` (it has a radiometer), ``Flag`` (its data are not used), ``Frac_unflagged``, ``RMS_um`` (of its path,
        brought to the zenith) and ``Disc_um`` (of the difference of paths from two channels). ``rval`` is 1 and ``success`` False, and no table
        is written, without useful data.

    Raises
    ------
    PathMissingError, ParameterError
        There is no MeasurementSet, or something is named that is not there.
    """
    check_output(caltable, False, "T Jones")
    with MeasurementSet(vis) as ms:
        nspw = len(ms.metadata.spectral_windows)
        for name, numbers in (("spw", options.spw), ("wvrspw", options.wvrspw), ("reversespw", options.reversespw)):
            if outside := [s for s in numbers if not 0 <= s < nspw]:
                raise ParameterError(f"wvrgcal: parameter {name!r}={outside}: {vis!r} has spectral windows 0 to {nspw - 1}")
        windows = find_radiometer_windows(ms, options.wvrspw)
        if not windows:
            where = f" in spectral windows {list(options.wvrspw)}" if options.wvrspw else ""
            return _nothing(f"{vis!r} has no water-vapour radiometer data{where}; no table is written")
        try:
            data = read_radiometers(ms, windows, options.usefieldtab)
        except DataError as error:
            return _nothing(f"{error}; no table is written")
        if options.offsetstable:
            subtract_offsets(data, options.offsetstable)
        names = _numbers(ms, options, data)
        return _correct(ms, data, names, caltable, options)


def _nothing(why: str) -> dict[str, Any]:
    log.post(why, "SEVERE")
    return {**{n: [] for n in _COLUMNS}, "rval": 1, "success": False}


def _correct(
    ms: MeasurementSet, data: RadiometerData, names: _Names, caltable: str, options: RadiometerOptions
) -> dict[str, Any]:
    measured = np.isfinite(data.brightness_k).all(axis=2)
    used = ~np.isin(data.source, list(names.flagged_sources))
    fraction = measured.mean(axis=0)
    bad = ~data.expected | (fraction < options.mingoodfrac) | (fraction == 0)
    bad[names.bad] = True
    if bad.all() or not used.any():
        return _nothing("wvrgcal: no antenna has enough good radiometer data; no table is written")
    segment = _segments(data, options, names)
    reference = _reference(data, names, ~bad)
    weights, columns = _coefficients(data, segment, reference, names, options.cont)
    if not np.isfinite(weights).any():
        return _nothing("wvrgcal: no coefficients could be found; no table is written")
    path = np.einsum("tak,tk->ta", data.brightness_k, weights)
    positions = np.array([a.position_m for a in ms.metadata.antennas])
    path, lost = _fill_from_neighbours(path, bad, positions, options, names.antennas)
    flag = ~np.isfinite(path) | ~used[:, None]
    table = _make_table(ms, data, path, flag, options)
    if options.smooth_s > 0:
        table = smooth_table(table, "mean", options.smooth_s)
    table.write(caltable, overwrite=True)
    _report(columns, names.antennas[reference])
    return _statistics(data, names, np.where(flag, np.nan, path), bad, fraction, lost, columns)


def _report(columns: list[WaterColumn], reference: str) -> None:
    for column in columns:
        log.post(
            f"wvrgcal: {column.water_mm:.3f} +- {column.water_error_mm:.3f} mm of water along the line of sight of {reference}; coefficients "
            f"{', '.join(f'{c:.3f}' for c in column.kelvin_per_mm)} K/mm", "INFO",
        )  # fmt: skip


def _statistics(
    data: RadiometerData, names: _Names, path_mm: np.ndarray, bad: np.ndarray, fraction: np.ndarray, lost: np.ndarray,
    columns: list[WaterColumn],
) -> dict[str, Any]:  # fmt: skip
    chosen = names.statistics if names.statistics is not None else np.ones(len(path_mm), dtype=bool)
    rms, discrepancy = np.zeros(len(bad)), np.zeros(len(bad))
    slope = np.mean([c.kelvin_per_mm for c in columns if c.evidence > 0], axis=0)
    for antenna in range(len(bad)):
        good = chosen & np.isfinite(path_mm[:, antenna])
        if lost[antenna] or not good.any():
            continue
        rms[antenna] = np.std(path_mm[good, antenna] * np.sin(data.elevation_rad[good])) * 1e3
        both = data.brightness_k[good, antenna, 1] / slope[1] - data.brightness_k[good, antenna, 3] / slope[3]
        discrepancy[antenna] = np.nanstd(both) * 1e3 if np.isfinite(both).any() else 0.0
    return {
        "Name": names.antennas, "WVR": [bool(e) for e in data.expected], "Flag": [bool(b) for b in bad],
        "Frac_unflagged": [float(f) for f in fraction], "RMS_um": [_three_digits(v) for v in rms],
        "Disc_um": [_three_digits(v) for v in discrepancy], "rval": 0, "success": True,
    }  # fmt: skip


def _three_digits(value: float) -> float:
    return float(f"{value:.3g}")
