"""From a UVFITS file to a MeasurementSet.

Notes
-----
What the reference does and this does too: baselines keep their UVFITS order of antennas, uvw keep their sign; a weight of zero or
below flags its visibility and its absolute value is kept; WEIGHT is the sum of the channel weights and SIGMA = WEIGHT^-1/2;
correlations are put into the order RR RL LR LL (XX XY YX YY); a scan ends where the source or the frequency
setup changes or 300 s pass without data.

References
----------
Greisen, "AIPS FITS File Format", AIPS Memo 117 (NRAO, 2016 revision): random parameters, baseline codes, AN, FQ and SU tables.
Kemball & Wieringa, "MeasurementSet definition version 2.0", AIPS++ Note 229 (2000).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from casatools._base.constants import SPEED_OF_LIGHT_M_S
from casatools._base.errors import DataError
from casatools._base.memory import CHUNK_BYTES
from casatools._base.paths import require_space, staged_output
from casatools._base.progress import Progress
from casatools.io.formats.random_groups import RandomGroups, read_random_groups
from casatools.io.formats.uvfits_tables import fill_subtables, read_dates
from casatools.io.ms.create import MsLayout, closing, create_ms, tile_rows
from casatools.io.tables import Table

__all__ = ["import_uvfits"]

_MJD_0 = 2400000.5
_DAY_S = 86400.0
# A pause longer than this begins a new scan.
_SCAN_GAP_S = 300.0
# FITS Stokes codes to the MeasurementSet's: RR LL RL LR, XX YY XY YX.
_STOKES = {-1: 5, -2: 8, -3: 6, -4: 7, -5: 9, -6: 12, -7: 10, -8: 11}
# AIPS Memo 117: baselines of more than 255 antennas are 65536 + 2048 a1 + a2.
_LARGE_ARRAY_CODE = 65536


@dataclass(frozen=True)
class Rows:
    """What the random parameters say of each group: arrays ``(group,)``."""

    time_s: np.ndarray
    interval_s: np.ndarray
    antenna1: np.ndarray
    antenna2: np.ndarray
    array: np.ndarray
    field: np.ndarray
    setup: np.ndarray
    scan: np.ndarray


def import_uvfits(path: str, vis: str, new_names: bool = False) -> int:
    """Write the MeasurementSet `vis` from the UVFITS file `path`; it appears only when complete.

    Parameters
    ----------
    path, vis : str
    new_names : bool
        Name VLA and EVLA antennas VA01, EA01, ... instead of by their bare number.

    Returns
    -------
    int
        Rows written.

    Raises
    ------
    PathMissingError, OutputExistsError
    DataError
        Not UVFITS, truncated, without an antenna table, or with correlations that a MeasurementSet cannot hold.
    """
    groups = read_random_groups(path)
    corr_type, order = _correlations(groups)
    rows = _read_rows(groups)
    dates = read_dates(groups)
    nif, nchan = groups.axis("IF")[0], groups.axis("FREQ")[0]
    layout = MsLayout(
        ncorr=len(corr_type),
        nchan=nchan,
        columns=("DATA", "WEIGHT_SPECTRUM"),
        time_reference=dates.scale,
        direction_reference=dates.frame,
        kind="UVFITS",
        varying=_varying(rows),
    )
    # DATA 8, WEIGHT_SPECTRUM 4 and FLAG 1/8 bytes an element, about 150 for the rest of a row, 1 MB of sub-tables.
    require_space(vis, groups.ngroup * nif * (nchan * len(corr_type) * 12.125 + 150) + 1e6)
    with staged_output(vis) as temporary:
        table = create_ms(temporary, layout)
        with closing(table):
            table.addrows(groups.ngroup * nif)
            _write_scalars(table, rows, nif)
            _write_visibilities(table, groups, order, nif)
        fill_subtables(
            temporary, groups, corr_type, dates, new_names, _sources_seen(rows, nif), int(rows.antenna2.max(initial=0))
        )
    return groups.ngroup * nif


def _correlations(groups: RandomGroups) -> tuple[np.ndarray, np.ndarray]:
    """MeasurementSet correlation codes, ascending, and where each stands on the file's STOKES axis."""
    count, value, step, pixel = groups.axis("STOKES")
    codes = [round(value + (k + 1 - pixel) * step) for k in range(count)]
    unknown = [c for c in codes if c not in _STOKES]
    if unknown:
        names = {1: "I", 2: "Q", 3: "U", 4: "V"}
        raise DataError(
            f"UVFITS file {groups.path!r} holds Stokes {names.get(unknown[0], unknown[0])}, which cannot be taken apart into"
            " correlations; only RR, LL, RL, LR and XX, YY, XY, YX can be imported"
        )
    types = np.array([_STOKES[c] for c in codes], dtype=np.int32)
    order = np.argsort(types)
    return types[order], order


def _read_rows(groups: RandomGroups) -> Rows:
    raw = groups.raw()
    parts = groups.parts("DATE")
    baseline = groups.parameter(raw, "BASELINE")
    if not parts or groups.ngroup == 0:
        raise DataError(f"UVFITS file {groups.path!r} has no {'DATE parameter' if groups.ngroup else 'visibilities'}")
    # Day number first: it takes up the large offset, so that the fraction keeps its digits.
    days = raw[:, parts[0]].astype(np.float64) * groups.scales[parts[0]] + groups.zeros[parts[0]] - _MJD_0
    for part in parts[1:]:
        days = days + (raw[:, part].astype(np.float64) * groups.scales[part] + groups.zeros[part])
    time_s = days * _DAY_S
    antenna1, antenna2, array = _antennas(groups, raw, baseline)
    source = groups.parameter(raw, "SOURCE")
    setup = groups.parameter(raw, "FREQSEL")
    interval = groups.parameter(raw, "INTTIM")
    field = np.zeros(groups.ngroup, dtype=np.int32) if source is None else np.rint(source).astype(np.int32) - 1
    return Rows(
        time_s=time_s,
        interval_s=np.full(groups.ngroup, _usual_step(time_s)) if interval is None else interval,
        antenna1=antenna1,
        antenna2=antenna2,
        array=array,
        field=field,
        setup=_setups(groups, setup),
        scan=_scans(time_s, field, _setups(groups, setup)),
    )


def _antennas(groups: RandomGroups, raw: np.ndarray, baseline: np.ndarray | None) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """0-based antennas and subarray of each group."""
    if baseline is not None:
        code = np.floor(baseline + 1e-5).astype(np.int64)
        array = np.rint((baseline - code) * 100).astype(np.int32)
        large = code >= _LARGE_ARRAY_CODE
        first = np.where(large, (code - _LARGE_ARRAY_CODE) // 2048, code // 256)
        second = np.where(large, (code - _LARGE_ARRAY_CODE) % 2048, code % 256)
    else:
        one, two, sub = (groups.parameter(raw, n) for n in ("ANTENNA1", "ANTENNA2", "SUBARRAY"))
        if one is None or two is None:
            raise DataError(f"UVFITS file {groups.path!r} has neither a BASELINE nor ANTENNA1 and ANTENNA2 parameters")
        first, second = np.rint(one).astype(np.int64), np.rint(two).astype(np.int64)
        array = np.zeros(len(first), dtype=np.int32) if sub is None else np.rint(sub).astype(np.int32) - 1
    return (first - 1).astype(np.int32), (second - 1).astype(np.int32), array


def _usual_step(time_s: np.ndarray) -> float:
    """The integration time to assume where the file does not say: the shortest step in time, to 0.01 s."""
    steps = np.diff(np.unique(time_s))
    return float(np.round(steps.min(), 2)) if steps.size else 0.0


def _setups(groups: RandomGroups, value: np.ndarray | None) -> np.ndarray:
    """Row of the FQ table for each group."""
    table = groups.table("AIPS FQ")
    numbers = table.get("FRQSEL") if table is not None else None
    if value is None or numbers is None:
        return np.zeros(groups.ngroup, dtype=np.int32)
    wanted = np.rint(value).astype(np.int64)
    place = np.full(int(max(numbers.max(), wanted.max())) + 1, -1, dtype=np.int32)
    place[numbers] = np.arange(len(numbers))
    found = place[np.clip(wanted, 0, None)]
    if np.any(found < 0):
        raise DataError(
            f"UVFITS file {groups.path!r} uses frequency setup {int(wanted[found < 0][0])}, which its FQ table does not have"
        )
    return found


def _scans(time_s: np.ndarray, field: np.ndarray, setup: np.ndarray) -> np.ndarray:
    begins = (np.diff(field) != 0) | (np.diff(setup) != 0) | (np.diff(time_s) > _SCAN_GAP_S)
    return np.concatenate([[1], 1 + np.cumsum(begins)]).astype(np.int32)


def _sources_seen(rows: Rows, nif: int) -> list[tuple[int, int, float]]:
    """(field, spectral window, first time) in the order in which they occur."""
    pairs = rows.field.astype(np.int64) << 32 | rows.setup.astype(np.int64)
    _, first = np.unique(pairs, return_index=True)
    seen = []
    for at in np.sort(first):
        setup = int(rows.setup[at])
        seen += [(int(rows.field[at]), setup * nif + k, float(rows.time_s[at])) for k in range(nif)]
    return seen


def _varying(rows: Rows) -> tuple[str, ...]:
    """Columns that change too often for incremental storage."""
    columns = {"TIME": rows.time_s, "TIME_CENTROID": rows.time_s, "INTERVAL": rows.interval_s, "EXPOSURE": rows.interval_s,
               "FIELD_ID": rows.field, "SCAN_NUMBER": rows.scan, "ARRAY_ID": rows.array}  # fmt: skip
    return tuple(name for name, values in columns.items() if np.count_nonzero(np.diff(values)) > max(1000, len(values) // 8))


def _write_scalars(table: Table, rows: Rows, nif: int) -> None:
    """Every column that holds one value a row; each group makes `nif` rows."""
    nrow = len(rows.time_s) * nif
    spread = {"TIME": rows.time_s, "TIME_CENTROID": rows.time_s, "INTERVAL": rows.interval_s, "EXPOSURE": rows.interval_s,
              "ANTENNA1": rows.antenna1, "ANTENNA2": rows.antenna2, "ARRAY_ID": rows.array, "FIELD_ID": rows.field,
              "SCAN_NUMBER": rows.scan}  # fmt: skip
    for name, values in spread.items():
        table.putcol(name, np.repeat(values, nif) if nif > 1 else values)
    table.putcol("DATA_DESC_ID", (rows.setup[:, None] * nif + np.arange(nif, dtype=np.int32)).ravel())
    for name, value in {"FEED1": 0, "FEED2": 0, "OBSERVATION_ID": 0, "PROCESSOR_ID": -1, "STATE_ID": -1}.items():
        table.putcol(name, np.full(nrow, value, dtype=np.int32))


def _write_visibilities(table: Table, groups: RandomGroups, order: np.ndarray, nif: int) -> None:
    """UVW, DATA, FLAG and the weights, block by block of whole tiles."""
    raw = groups.raw()
    nchan, ncorr = groups.axis("FREQ")[0], len(order)
    per_tile = tile_rows(ncorr, nchan)
    bytes_per_row = nchan * ncorr * 40
    block = max(1, CHUNK_BYTES // (bytes_per_row * per_tile)) * per_tile
    block = max(1, min(block, groups.ngroup * nif) // nif)
    flag_row = np.empty(groups.ngroup * nif, dtype=bool)
    with Progress(groups.ngroup, "reading visibilities") as progress:
        for start in range(0, groups.ngroup, block):
            part = raw[start : start + block]
            row, nrow = start * nif, len(part) * nif
            visibilities, weights = _decode(groups, part, order, nif)
            flags = ~(weights > 0)  # also where the weight is not a number
            weights = np.abs(weights)
            summed = weights.sum(axis=1, dtype=np.float32)
            table.putcol("UVW", _uvw(groups, part, nif), row, nrow)
            table.putcol("DATA", visibilities, row, nrow)
            table.putcol("FLAG", flags, row, nrow)
            table.putcol("WEIGHT_SPECTRUM", weights, row, nrow)
            table.putcol("WEIGHT", summed, row, nrow)
            sigma = np.zeros_like(summed)
            np.divide(1.0, np.sqrt(summed, dtype=np.float64), out=sigma, where=summed > 0, casting="same_kind")
            table.putcol("SIGMA", sigma, row, nrow)
            flag_row[row : row + nrow] = flags.reshape(nrow, -1).all(axis=1)
            progress.advance(len(part))
    table.putcol("FLAG_ROW", flag_row)


def _uvw(groups: RandomGroups, raw: np.ndarray, nif: int) -> np.ndarray:
    """Baselines in metres, ``(row, 3)``."""
    parts: list[Any] = [groups.parameter(raw, name) for name in ("UU", "VV", "WW")]
    if any(p is None for p in parts):
        raise DataError(f"UVFITS file {groups.path!r} has no UU, VV, WW parameters")
    uvw = np.stack(parts, axis=1) * SPEED_OF_LIGHT_M_S
    return np.repeat(uvw, nif, axis=0) if nif > 1 else uvw


def _decode(groups: RandomGroups, raw: np.ndarray, order: np.ndarray, nif: int) -> tuple[np.ndarray, np.ndarray]:
    """Visibilities complex64 and weights float32 of some groups, both ``(row, chan, corr)``."""
    values = groups.data(raw)
    known = [groups.axes.index(name) for name in ("IF", "FREQ", "STOKES", "COMPLEX") if name in groups.axes]
    rest = [k for k in range(len(groups.axes)) if k not in known]
    values = values.transpose(0, *(k + 1 for k in (*rest, *known)))
    nchan, ncorr = groups.axis("FREQ")[0], len(order)
    ncomplex = groups.axis("COMPLEX")[0]
    if int(np.prod([groups.shape[k] for k in rest], dtype=int)) != 1 or ncomplex not in (2, 3):
        raise DataError(f"UVFITS file {groups.path!r} has axes {groups.axes} of lengths {groups.shape}, which cannot be imported")
    values = values.reshape(len(raw) * nif, nchan, ncorr, ncomplex)
    if np.any(order != np.arange(ncorr)):
        values = values[:, :, order]
    visibilities = np.empty(values.shape[:-1], dtype=np.complex64)
    visibilities.real, visibilities.imag = values[..., 0], values[..., 1]
    weights = np.ascontiguousarray(values[..., 2]) if ncomplex == 3 else np.ones(visibilities.shape, dtype=np.float32)
    return visibilities, weights
