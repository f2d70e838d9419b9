"""Regridding stage of the pipeline: visibilities onto new channels, in another frame if wanted, with the frame's motion followed in time."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from casatools._base.errors import ParameterError
from casatools.frames.epochs import utc_seconds
from casatools.frames.frequencies import doppler_factor
from casatools.frames.observatories import observatory_position
from casatools.io.ms import MeasurementSet
from casatools.transform.blocks import Block, mean_over_channels, mean_sigma
from casatools.transform.channel_operators import ChannelMap, TapTable
from casatools.transform.moving_sources import ephemeris_field, moving_factor, source_factor
from casatools.transform.regridding import conversion_direction
from casatools.transform.spectral_grid import GridRequest, InputChannels, spectral_grid
from casatools.transform.subtables import ChannelAxis

__all__ = ["FrameFactor", "Regrid", "RegridRequest", "channels_of_axis", "frame_factor", "plan_regrid", "regrid_blocks"]

FrameFactor = Callable[[np.ndarray], np.ndarray]
# Codes of MEAS_FREQ_REF (casacore MFrequency).
FRAME_CODES = {"REST": 0, "LSRK": 1, "LSRD": 2, "BARY": 3, "GEO": 4, "TOPO": 5, "GALACTO": 6, "LGROUP": 7, "CMB": 8}


@dataclass(frozen=True)
class RegridRequest:
    """What the new channels are to be, and how to get to them.

    Attributes
    ----------
    grid : GridRequest
    frame : str
        Spectral frame of the new channels; "" is that of the data.
    interpolation : str
    centre : object
        Direction (or field number) for which the frame's motion is taken; "" is that of the first field.
    preaverage : bool
        Where new channels are at least twice as wide, average whole channels before.
    """

    grid: GridRequest
    frame: str = ""
    interpolation: str = "linear"
    centre: Any = ""
    preaverage: bool = False


@dataclass(frozen=True)
class Regrid:
    """A regridding worked out for one spectral window.

    Attributes
    ----------
    map : ChannelMap
    falling : bool
        Old channels come by falling frequency, and so do the new ones.
    factor : callable, optional
        Times [s] to frequencies in the new frame over those in the old; None where the frame stays.
    reference : float
        This factor at the time that defines the new channels.
    average : ndarray (run + 1,) int64, optional
        Runs of old channels, by rising frequency, averaged before.
    axis : ChannelAxis
    """

    map: ChannelMap
    falling: bool
    factor: FrameFactor | None
    reference: float
    average: np.ndarray | None
    axis: ChannelAxis

    @property
    def weight_scale(self) -> float:
        """What weights are multiplied with. As in the reference this is the ratio of widths where the frame changes, else 1."""
        return 1.0 if self.factor is None else self.map.ratio


def frame_factor(ms: MeasurementSet, own: str, frame: str, fields: list[int], centre: Any) -> FrameFactor | None:
    """The function of time that takes frequencies from the frame of the data to another; None where they are the same.

    Raises
    ------
    ParameterError
        A frame is unknown, or the place of the observatory, which it needs, is.
    SelectionError
        The field that is to give the direction does not exist.
    """
    target = frame.upper()
    if not target or target == own.upper():
        return None
    name = ms.metadata.observations[0].telescope_name if ms.metadata.observations else ""
    position = observatory_position(name)
    moving = ephemeris_field(ms, fields, centre)
    if target == "SOURCE":
        return source_factor(ms, own, moving, position)
    if moving is not None:
        return moving_factor(ms, own, target, moving, position)
    direction = conversion_direction(ms, fields, centre)
    doppler_factor(own, target, 0.0 + 4.8e9, direction, position)
    scale = ms.time_frame
    return lambda times: np.asarray(doppler_factor(own, target, utc_seconds(times, scale), direction, position))


def plan_regrid(
    data: InputChannels, request: RegridRequest, factor: FrameFactor | None, time_s: float, numbered: InputChannels | None = None
) -> Regrid:
    """Work out the new channels.

    Parameters
    ----------
    data : InputChannels
        Old channels in their own frame.
    request : RegridRequest
    factor : callable, optional
        See `Regrid`.
    time_s : float
        Time at which the new channels are defined.
    numbered : InputChannels, optional
        What channel numbers of the request count, where that is not `data`.

    Raises
    ------
    ParameterError
        As `spectral_grid`.
    """
    reference = 1.0 if factor is None else float(factor(np.array([time_s]))[0])
    moved = _moved(data, reference)
    low, high = spectral_grid(moved if numbered is None else _moved(numbered, reference), request.grid)
    width = float(moved.high_hz[0] - moved.low_hz[0])
    run = int(np.floor(float(high[0] - low[0]) / width + 1e-4))
    edges = None
    if request.preaverage and run > 1:
        edges = np.arange(len(data.low_hz) // run + 1, dtype=np.int64) * run
        data = InputChannels(data.low_hz[edges[:-1]], data.high_hz[edges[1:] - 1], data.descending)
        width *= run
    centre = 0.5 * (data.low_hz + data.high_hz)
    found = ChannelMap(centre, low, high, request.interpolation.lower(), width, not request.preaverage)
    sign = -1.0 if data.descending else 1.0
    order = slice(None, None, -1) if data.descending else slice(None)
    middle, size = (0.5 * (low + high))[order], (high - low)[order]
    code = FRAME_CODES.get("REST" if request.frame.upper() == "SOURCE" else request.frame.upper()) if factor is not None else None
    axis = ChannelAxis(middle, sign * size, size, size, code)
    return Regrid(found, data.descending, factor, reference, edges, axis)


def _moved(data: InputChannels, factor: float) -> InputChannels:
    return InputChannels(data.low_hz * factor, data.high_hz * factor, data.descending)


def regrid_blocks(blocks: Iterable[Block], regrids: Mapping[int, Regrid]) -> Iterator[Block]:
    """The stage: put visibilities and weights onto the new channels; a channel is flagged where one that it is made of is, or is missing.

    Parameters
    ----------
    blocks : iterable of Block
    regrids : mapping
        Spectral window to its regridding; blocks of others pass.
    """
    for block in blocks:
        regrid = regrids.get(block.spw)
        if regrid is not None:
            _regrid(block, regrid)
        yield block


def _regrid(block: Block, regrid: Regrid) -> None:
    nrow, _, ncorr = block.flag.shape
    shape = (nrow, len(regrid.map.low_hz), ncorr)
    data = {name: np.empty(shape, dtype=values.dtype) for name, values in block.data.items()}
    flag = np.empty(shape, dtype=bool)
    same = block.corrected_weight is block.data_weight
    kinds = [block.corrected_weight] if same else [block.corrected_weight, block.data_weight]
    weights = [np.empty(shape, dtype=np.float32) if k.shape[1] > 1 else k * np.float32(regrid.weight_scale) for k in kinds]
    for rows, factor in _times(block, regrid):
        function, table, drift = regrid.map.mapper(factor, regrid.reference)
        for name, values in block.data.items():
            data[name][rows] = _ordered(function(_ordered(values[rows], regrid)), regrid)
        flag[rows] = _ordered(_flags(table, _ordered(block.flag[rows], regrid), drift), regrid)
        for old, new in zip(kinds, weights, strict=True):
            if old.shape[1] > 1:
                # As the data, in the reference too; what overshoots below zero is no weight.
                on_grid = np.maximum(_ordered(function(_ordered(old[rows], regrid)), regrid), 0)
                new[rows] = on_grid * np.float32(regrid.weight_scale)
    block.data, block.flag = data, flag
    _settle(block, weights[0], weights[-1], regrid.weight_scale)


def _times(block: Block, regrid: Regrid) -> Iterator[tuple[slice | np.ndarray, float]]:
    """Rows that share a factor."""
    if regrid.factor is None or block.nrow == 0:
        yield slice(None), 1.0
        return
    times, inverse = np.unique(block.rows["TIME"], return_inverse=True)
    factors = regrid.factor(times)
    # Blocks come by time as a rule, so that rows of one time are a slice.
    sorted_rows = bool(np.all(np.diff(inverse) >= 0))
    edges = np.searchsorted(inverse, np.arange(len(times) + 1)) if sorted_rows else None
    for k, factor in enumerate(factors):
        yield slice(int(edges[k]), int(edges[k + 1])) if edges is not None else np.flatnonzero(inverse == k), float(factor)


def _ordered(values: np.ndarray, regrid: Regrid) -> np.ndarray:
    """Channels by rising frequency, or back."""
    return values[:, ::-1] if regrid.falling else values


def _flags(table: TapTable, flag: np.ndarray, drift: float) -> np.ndarray:
    out = table.apply_flags(flag)
    if drift != 0.0:
        # A shift in the Fourier plane wraps around: the channels that it reaches from the other end are of no use.
        lost = min(out.shape[1], int(np.ceil(abs(drift))))
        out[:, :lost] |= drift < 0
        out[:, out.shape[1] - lost :] |= drift > 0
    return out


def _settle(block: Block, corrected: np.ndarray, data: np.ndarray, scale: float) -> None:
    """Weights of the rows after those of the channels have changed."""
    block.corrected_weight, block.data_weight = corrected, data
    if corrected.shape[1] > 1:
        block.weight = mean_over_channels(corrected, block.flag)
    elif scale != 1.0:
        block.weight = block.weight * np.float32(scale)
    if data.shape[1] > 1:
        block.sigma = mean_sigma(data, block.flag)
    elif scale != 1.0:
        # Without a weight there is no sigma.
        block.sigma = np.where(block.sigma > 0, block.sigma / np.float32(np.sqrt(scale)), np.float32(-1.0))


def channels_of_axis(axis: ChannelAxis) -> InputChannels:
    """The channels of a frequency axis, by rising frequency.

    Raises
    ------
    ParameterError
        They are not in order.
    """
    half = 0.5 * np.abs(axis.width_hz)
    centre = np.asarray(axis.frequency_hz, dtype=np.float64)
    steps = np.diff(centre)
    if len(steps) and not (np.all(steps > 0) or np.all(steps < 0)):
        raise ParameterError("channels that are not in order of frequency cannot be regridded; select them in order")
    falls = bool(len(steps) and steps[0] < 0)
    order = slice(None, None, -1) if falls else slice(None)
    return InputChannels((centre - half)[order].copy(), (centre + half)[order].copy(), falls)
