"""msuvbin: visibilities averaged in the cells of a uv grid, one row a cell; and flags of the grid taken back to the visibilities.

Notes
-----
Cells are 1/(n cell) wavelengths wide, uv zero is in the middle of cell n/2; channels of the grid are in LSRK. Where the grid spans less than a twentieth of its frequency
all channels of a row go to the cell at the grid's middle frequency, as in the reference. Visibilities are moved to the grid's phase centre exactly.

References
----------
Thompson, Moran & Swenson, "Interferometry and Synthesis in Radio Astronomy", 3rd ed. (2017), section 10.2: visibilities averaged in cells.
"""

from __future__ import annotations

import time as _clock
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from casatools._base import log
from casatools._base.constants import SPEED_OF_LIGHT_M_S
from casatools._base.errors import DataError, ParameterError
from casatools._base.memory import available_bytes
from casatools._base.paths import (
    require_absent,
    require_outside,
    require_present,
    require_writable_parent,
    staged_output,
)
from casatools.frames.directions import Direction, convert_direction, parse_direction
from casatools.frames.epochs import utc_seconds
from casatools.frames.frequencies import doppler_factor
from casatools.frames.quantities import to_unit
from casatools.io.ms import MeasurementSet, ResolvedSelection, Selection, VisChunk, iter_chunks, write_chunks
from casatools.io.ms.create import tile_rows
from casatools.io.ms.create_like import MsWriter, SubtableEdit, writer_bytes
from casatools.io.ms.flag_versions import next_version_name, save_version
from casatools.io.ms.uv_grid import read_grid_keyword, write_grid_keyword
from casatools.kernels.phase_turning import turn_phases
from casatools.kernels.uv_bins import add_to_bins, flags_of_bins
from casatools.transform.blocks import inverse_root
from casatools.transform.field_directions import array_position
from casatools.transform.phasing import phase_factors, uvw_frame

__all__ = ["UvGrid", "bin_visibilities", "grid_from_parameters", "write_flags_back"]

_NARROW = 0.05
_LSRK = 1
# Correlations of the two equal receptors, and all, of each basis.
_PARALLEL = ((5, 8), (9, 12), (1,))


@dataclass(frozen=True)
class UvGrid:
    """The grid.

    Attributes
    ----------
    shape : (int, int)
        Cells in u and v.
    cell_rad : float
        Pixel of the image the grid is for.
    start_hz, width_hz : float
        Lower edge of the first channel, LSRK, and width.
    nchan : int
    ncorr : int
        1 (the mean of the parallel hands), 2 or 4.
    centre : Direction
    """

    shape: tuple[int, int]
    cell_rad: float
    start_hz: float
    width_hz: float
    nchan: int
    ncorr: int
    centre: Direction

    def __post_init__(self) -> None:
        if min(self.shape) < 2 or self.cell_rad <= 0 or self.nchan < 1 or self.width_hz <= 0:
            raise ParameterError(
                "a uv grid needs an imsize of at least 2, a cell above 0, at least one channel and a width above 0; got"
                f" imsize {list(self.shape)}, cell {self.cell_rad} rad, nchan {self.nchan}, width {self.width_hz} Hz"
            )
        if self.ncorr not in (1, 2, 4):
            raise ParameterError(f"parameter 'ncorr' must be 1, 2 or 4; got {self.ncorr}")

    @property
    def frequencies_hz(self) -> np.ndarray:
        return self.start_hz + self.width_hz * (np.arange(self.nchan) + 0.5)

    @property
    def middle_hz(self) -> float:
        return float(self.frequencies_hz[self.nchan // 2])

    @property
    def is_narrow(self) -> bool:
        return self.nchan * self.width_hz < _NARROW * self.middle_hz

    def uv_m(self) -> np.ndarray:
        """u and v of the cells at the middle frequency: ndarray (cell, 2) [m]."""
        nx, ny = self.shape
        wave = SPEED_OF_LIGHT_M_S / self.middle_hz
        u = (np.arange(nx) - nx // 2) * wave / (nx * self.cell_rad)
        v = (np.arange(ny) - ny // 2) * wave / (ny * self.cell_rad)
        return np.stack([np.tile(u, ny), np.repeat(v, nx)], axis=1)

    def cells(self, uvw_m: np.ndarray, frequency_hz: np.ndarray) -> np.ndarray:
        """Cell of each row and channel (of each row, where all channels go to one), -1 outside: ndarray (row, chan or 1)."""
        nx, ny = self.shape
        scale = np.full((len(uvw_m), 1), self.middle_hz) if self.is_narrow else frequency_hz
        scale = scale * (self.cell_rad / SPEED_OF_LIGHT_M_S)
        x = np.rint(uvw_m[:, :1] * scale * nx).astype(np.int64) + nx // 2
        y = np.rint(uvw_m[:, 1:2] * scale * ny).astype(np.int64) + ny // 2
        inside = (x >= 0) & (x < nx) & (y >= 0) & (y < ny)
        return np.where(inside, y * nx + x, -1)

    def channels(self, frequency_hz: np.ndarray) -> np.ndarray:
        """Channel of the grid, -1 outside."""
        number = np.floor((frequency_hz - self.start_hz) / self.width_hz).astype(np.int64)
        return np.where((number >= 0) & (number < self.nchan), number, -1)


def grid_from_parameters(
    vis: str, selection: Selection, imsize: Any, cell: Any, nchan: int, ncorr: int, start: str, width: str, phasecenter: Any
) -> UvGrid:
    """The grid that the parameters of msuvbin describe.

    Raises
    ------
    ParameterError, SelectionError, DataError
    """
    sizes = [int(n) for n in (imsize if isinstance(imsize, (list, tuple)) else [imsize])]
    if len(sizes) not in (1, 2):
        raise ParameterError(f"parameter 'imsize' must be one number or two; got {imsize!r}")
    with MeasurementSet(require_present(vis, "MeasurementSet")) as ms:
        resolved = selection.resolve(ms)
        first = ms.metadata.fields[int(ms.read("FIELD_ID", np.asarray(resolved.rows)[:1])[0])]
        own = Direction(float(first.phase_dir[0][0]), float(first.phase_dir[0][1]), first.phase_frame)
        centre = convert_direction(parse_direction(phasecenter), first.phase_frame) if phasecenter else own
        low, high = _selected_range(ms, resolved, centre)
    step = to_unit(width, "Hz") if width else (high - low) / max(nchan - 1, 1) or 1.0
    begin = float(to_unit(start, "Hz")) if start else low - float(step) / 2
    return UvGrid((sizes[0], sizes[-1]), float(to_unit(cell, "rad")), begin, float(step), nchan, ncorr, centre)


def _selected_range(ms: MeasurementSet, resolved: ResolvedSelection, centre: Direction) -> tuple[float, float]:
    """Lowest and highest LSRK frequency of the channels selected, over all times."""
    times = np.unique(np.asarray(ms.read("TIME", np.asarray(resolved.rows))))[[0, -1]]
    low, high = np.inf, 0.0
    for ddid in resolved.ddids:
        spw = ms.metadata.data_descriptions[int(ddid)].spw
        window = ms.metadata.spectral_windows[spw]
        chosen = resolved.channels.get(spw)
        frequency = np.asarray(window.chan_freq_hz) if chosen is None else np.asarray(window.chan_freq_hz)[np.asarray(chosen)]
        factor = doppler_factor(window.frame, "LSRK", utc_seconds(times, ms.time_frame), centre, array_position(ms))
        low, high = min(low, float(frequency.min() * factor.min())), max(high, float(frequency.max() * factor.max()))
    return low, high


def bin_visibilities(vis: str, outputvis: str, selection: Selection, grid: UvGrid, memory_fraction: float = 0.5) -> float:
    """Write the grid as a MeasurementSet; it appears only when complete.

    Parameters
    ----------
    vis, outputvis : str
    selection : Selection
    grid : UvGrid
    memory_fraction : float
        Of the memory that is free, for the sums; more channels than fit are done in several passes.

    Returns
    -------
    float
        Sum of the weights gridded.

    Raises
    ------
    OutputExistsError, DataError, ParameterError
        Nothing is written then.
    """
    require_absent(outputvis)
    require_outside(outputvis, vis)
    require_writable_parent(outputvis)
    ncell = grid.shape[0] * grid.shape[1]
    with MeasurementSet(require_present(vis, "MeasurementSet")) as ms:
        column = "CORRECTED_DATA" if ms.has("CORRECTED_DATA") else "DATA"
        ms.require(column)
        resolved = selection.resolve(ms)
        _ = _planes(ms, resolved, grid)
        part = int(max(1, memory_fraction * available_bytes() // (ncell * grid.ncorr * 24)))
        rows = tile_rows(grid.ncorr, grid.nchan)
        cells = -(-ncell // rows) * rows * grid.nchan * grid.ncorr  # whole tiles
        with staged_output(outputvis, nbytes=cells * 17.0 + writer_bytes(ms, ncell)) as staged:
            weight = _write(ms, staged, resolved, column, grid, min(part, grid.nchan))
            write_grid_keyword(staged, _described(grid))
    log.post(
        f"Gridded a weight of {weight:g} onto {grid.shape[0]} x {grid.shape[1]} cells of {grid.nchan} channels in {outputvis}"
    )
    return weight


def _described(grid: UvGrid) -> dict[str, Any]:
    return {
        "nx": grid.shape[0], "ny": grid.shape[1], "nchan": grid.nchan, "npol": grid.ncorr, "cell": grid.cell_rad, "start": grid.start_hz,
        "width": grid.width_hz, "longitude": grid.centre.lon_rad, "latitude": grid.centre.lat_rad, "frame": grid.centre.frame,
    }  # fmt: skip


def _planes(ms: MeasurementSet, resolved: ResolvedSelection, grid: UvGrid) -> dict[int, np.ndarray]:
    """Correlation of the grid for each correlation of a polarization setup."""
    out = {}
    for ddid in resolved.ddids:
        pol = ms.metadata.data_descriptions[int(ddid)].pol
        types = [int(c) for c in ms.metadata.polarizations[pol].corr_type]
        wanted = list(types) if grid.ncorr == 4 else next((list(p) for p in _PARALLEL if set(p) & set(types)), [])
        if len(wanted) < grid.ncorr or not set(wanted) <= set(types):
            names = ", ".join(ms.metadata.polarizations[pol].names)
            raise DataError(f"{ms.path!r} has the correlations {names}, which do not give the {grid.ncorr} asked for by 'ncorr'")
        out[pol] = np.array([(0 if grid.ncorr == 1 else wanted.index(t)) if t in wanted else -1 for t in types], dtype=np.int64)
    return out


def _placed(ms: MeasurementSet, chunk: VisChunk, grid: UvGrid) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """uvw about the grid's centre, phase path [m], and cell and channel of each row and channel."""
    old = np.asarray(chunk["UVW"])
    new = np.empty_like(old)
    for number in np.unique(chunk["FIELD_ID"]):
        rows = chunk["FIELD_ID"] == number
        field = ms.metadata.fields[int(number)]
        centre = convert_direction(grid.centre, field.phase_frame)
        turn = uvw_frame(centre.lon_rad, centre.lat_rad) @ uvw_frame(*field.phase_dir[0]).T
        # A turn by rounding errors only would move phases by nothing, slowly.
        new[rows] = old[rows] if np.allclose(turn, np.eye(3), rtol=0, atol=1e-15) else old[rows] @ turn.T
    window = ms.metadata.spectral_windows[chunk.spw]
    factor = doppler_factor(window.frame, "LSRK", utc_seconds(chunk["TIME"], ms.time_frame), grid.centre, array_position(ms))
    frequency = np.asarray(factor)[:, None] * np.asarray(window.chan_freq_hz)[chunk.channels]
    return new, new[:, 2] - old[:, 2], grid.cells(new, frequency), grid.channels(frequency)


def _write(ms: MeasurementSet, path: str, resolved: ResolvedSelection, column: str, grid: UvGrid, part: int) -> float:
    ncell, planes = grid.shape[0] * grid.shape[1], _planes(ms, resolved, grid)
    spectrum = ms.has("WEIGHT_SPECTRUM")
    wanted = [
        column,
        "FLAG",
        "FLAG_ROW",
        "UVW",
        "TIME",
        "FIELD_ID",
        "ANTENNA1",
        "ANTENNA2",
        "WEIGHT",
        *(["WEIGHT_SPECTRUM"] if spectrum else []),
    ]
    data = np.zeros((ncell, grid.nchan, grid.ncorr), dtype=np.complex64)
    weight = np.zeros(data.shape, dtype=np.float32)
    rows, first, nant = np.zeros((ncell, 3)), np.full(ncell, -1, dtype=np.int64), max(1, len(ms.metadata.antennas))
    start = float(ms.read("TIME", np.asarray(resolved.rows)[:1])[0])
    for low in range(0, grid.nchan, part):
        count = min(part, grid.nchan - low)
        sums, weights = np.zeros((ncell, count, grid.ncorr), dtype=np.complex128), np.zeros((ncell, count, grid.ncorr))
        for chunk in iter_chunks(ms, resolved, wanted):
            uvw, path_m, cell, channel = _placed(ms, chunk, grid)
            channel = np.where((channel >= low) & (channel < low + count), channel - low, -1)
            values = chunk[column]
            if path_m.any():
                frequency = np.asarray(ms.metadata.spectral_windows[chunk.spw].chan_freq_hz)[chunk.channels]
                values = np.ascontiguousarray(values)
                turn_phases(values, phase_factors(path_m, frequency), values)
            own = chunk["WEIGHT_SPECTRUM"] if spectrum else chunk["WEIGHT"][:, None, :]
            flag = chunk["FLAG"] | chunk["FLAG_ROW"][:, None, None]
            plane = planes[chunk.pol][chunk.correlations]
            add_to_bins(
                values,
                np.ascontiguousarray(own),
                flag,
                cell,
                channel,
                plane,
                sums,
                weights,
                rows,
                uvw[:, 2].copy(),
                chunk["TIME"] - start,
                chunk["ANTENNA1"].astype(np.int64) * nant + chunk["ANTENNA2"],
                first,
            )
        good = weights > 0
        data[:, low : low + count][good] = (sums[good] / weights[good]).astype(np.complex64)
        weight[:, low : low + count] = weights
    # A cell is of many baselines; antennas that differ keep it from being taken for an autocorrelation.
    pairs = np.stack(np.divmod(np.maximum(first, 0), nant), axis=1).astype(np.int32)
    _write_rows(ms, path, resolved, grid, data, weight, (rows, pairs), start)
    return float(rows[:, 0].sum())


def _write_rows(
    ms: MeasurementSet,
    path: str,
    resolved: ResolvedSelection,
    grid: UvGrid,
    data: np.ndarray,
    weight: np.ndarray,
    cells: tuple[np.ndarray, np.ndarray],
    start_s: float,
) -> None:
    rows, pairs = cells
    total = np.where(rows[:, 0] > 0, rows[:, 0], 1.0)
    columns = ["DATA", "WEIGHT_SPECTRUM", "SIGMA_SPECTRUM"]
    with MsWriter(ms, path, columns, grid.ncorr, grid.nchan, len(data), _edits(ms, resolved, grid)) as writer:
        uv = grid.uv_m()
        for low, high in _pieces(len(data)):
            part = slice(low, high)
            count = high - low
            row_weight = weight[part].sum(axis=1) / np.maximum((weight[part] > 0).sum(axis=1), 1)
            when = start_s + rows[part, 2] / total[part]
            zero = np.zeros(count, dtype=np.int32)
            scalars = (
                "ARRAY_ID",
                "DATA_DESC_ID",
                "FEED1",
                "FEED2",
                "FIELD_ID",
                "OBSERVATION_ID",
                "PROCESSOR_ID",
                "SCAN_NUMBER",
            )
            writer.append({
                "UVW": np.concatenate([uv[part], (rows[part, 1] / total[part])[:, None]], axis=1), "TIME": when, "TIME_CENTROID": when,
                "EXPOSURE": np.zeros(count), "INTERVAL": np.zeros(count), "STATE_ID": zero - 1,
                "ANTENNA1": pairs[part, 0], "ANTENNA2": pairs[part, 1], **dict.fromkeys(scalars, zero),
                "DATA": data[part], "WEIGHT_SPECTRUM": weight[part], "SIGMA_SPECTRUM": inverse_root(weight[part]),
                "WEIGHT": row_weight, "SIGMA": inverse_root(row_weight), "FLAG": ~(weight[part] > 0), "FLAG_ROW": rows[part, 0] <= 0,
            })  # fmt: skip


def _pieces(count: int, step: int = 65536) -> Iterator[tuple[int, int]]:
    for low in range(0, count, step):
        yield low, min(low + step, count)


def _edits(ms: MeasurementSet, resolved: ResolvedSelection, grid: UvGrid) -> dict[str, SubtableEdit]:
    """The sub-tables of the grid: one field, window, polarization and data description."""
    ddid = int(resolved.ddids[0])
    description = ms.metadata.data_descriptions[ddid]
    field = int(ms.read("FIELD_ID", np.asarray(resolved.rows)[:1])[0])
    centre = np.array([(grid.centre.lon_rad + np.pi) % (2 * np.pi) - np.pi, grid.centre.lat_rad]).reshape(1, 1, 2)
    types = [int(c) for c in ms.metadata.polarizations[description.pol].corr_type]
    order = _planes(ms, resolved, grid)[description.pol]
    kept = [1] if grid.ncorr == 1 else [types[int(np.flatnonzero(order == k)[0])] for k in range(grid.ncorr)]
    products = (
        [[0, 0]]
        if grid.ncorr == 1
        else [list(ms.metadata.polarizations[description.pol].corr_product[types.index(t)]) for t in kept]
    )
    widths = np.full(grid.nchan, grid.width_hz)
    none, one = np.zeros(0, dtype=np.int64), np.zeros(1, dtype=np.int32)
    feeds = len(ms.metadata.feeds)
    return {
        "FIELD": SubtableEdit(np.array([field]), {**dict.fromkeys(("PHASE_DIR", "DELAY_DIR", "REFERENCE_DIR"), centre), "SOURCE_ID": one}),
        "SPECTRAL_WINDOW": SubtableEdit(np.array([description.spw]), {
            "NUM_CHAN": np.array([grid.nchan], dtype=np.int32), "CHAN_FREQ": [grid.frequencies_hz], "MEAS_FREQ_REF": np.array([_LSRK], dtype=np.int32),
            **{key: [widths] for key in ("CHAN_WIDTH", "EFFECTIVE_BW", "RESOLUTION")}, "REF_FREQUENCY": np.array([grid.frequencies_hz[0]]),
            "TOTAL_BANDWIDTH": np.array([widths.sum()]),
        }),
        "POLARIZATION": SubtableEdit(np.array([description.pol]), {
            "NUM_CORR": np.array([grid.ncorr], dtype=np.int32), "CORR_TYPE": [np.array(kept, dtype=np.int32)],
            "CORR_PRODUCT": [np.array(products, dtype=np.int32)],
        }),
        "DATA_DESCRIPTION": SubtableEdit(np.array([ddid]), {"SPECTRAL_WINDOW_ID": one, "POLARIZATION_ID": one}),
        "FEED": SubtableEdit(None, {"SPECTRAL_WINDOW_ID": np.full(feeds, -1, dtype=np.int32)}),
        **dict.fromkeys(("STATE", "SOURCE", "POINTING", "SYSCAL", "WEATHER"), SubtableEdit(none)),
    }  # fmt: skip


def write_flags_back(vis: str, gridvis: str, selection: Selection, flagbackup: bool) -> int:
    """Flag the visibilities whose cells of a grid are flagged; returns how many are flagged afterwards.

    Raises
    ------
    PathMissingError, DataError, SelectionError
        `gridvis` is not a grid that msuvbin has made; nothing is flagged then.
    """
    record = read_grid_keyword(require_present(gridvis, "uv grid"))
    missing = [k for k in ("nx", "ny", "cell", "start", "width", "longitude", "latitude", "frame") if k not in record]
    if missing:
        raise DataError(f"the keyword MSUVBIN of {gridvis!r} has no {missing[0]!r}, so flags cannot be taken back from it")
    centre = Direction(float(record["longitude"]), float(record["latitude"]), str(record["frame"]))
    grid = UvGrid((int(record["nx"]), int(record["ny"])), float(record["cell"]), float(record["start"]), float(record["width"]),
                  int(record["nchan"]), int(record["npol"]), centre)  # fmt: skip
    with MeasurementSet(gridvis) as made:
        flags = np.ascontiguousarray(made.read("FLAG")) | np.asarray(made.read("FLAG_ROW"))[:, None, None]
    with MeasurementSet(require_present(vis, "MeasurementSet")) as ms:
        planes = _planes(ms, selection.resolve(ms), grid)
    if flagbackup:
        save_version(vis, next_version_name(vis, "msuvbin"), f"Flags autosave on {_clock.strftime('%Y-%m-%d %H:%M:%S')}")
    flagged = 0
    with MeasurementSet(vis, writable=True) as ms:
        resolved = selection.resolve(ms)

        def changed() -> Iterator[tuple[VisChunk, dict[str, np.ndarray]]]:
            nonlocal flagged
            for chunk in iter_chunks(ms, resolved, ["FLAG", "UVW", "TIME", "FIELD_ID"]):
                flag = np.ascontiguousarray(chunk["FLAG"]).copy()
                _, _, cell, channel = _placed(ms, chunk, grid)
                flags_of_bins(cell, channel, planes[chunk.pol][chunk.correlations], flags, flag)
                flagged += int(flag.sum())
                yield chunk, {"FLAG": flag}

        write_chunks(ms, changed(), ())
    return flagged
