"""MeasurementSets changed where they lie: smoothed, or replaced by what they become on other channels."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from casatools._base.errors import ParameterError
from casatools._base.paths import staged_output
from casatools.io.ms import MeasurementSet, Selection, VisChunk, iter_chunks, write_chunks
from casatools.kernels.hanning import smooth_flags, smooth_values
from casatools.transform.frame_regridding import RegridRequest, frame_factor
from casatools.transform.regridding import scaled_channels
from casatools.transform.spectral_grid import GridRequest
from casatools.transform.transforming import MsTransformOptions, mstransform

__all__ = ["WindowPart", "replace_on_grid", "smooth_in_place", "window_request"]

# Weight of the mean of three channels of weight 1.
_GAIN = np.float32(8.0 / 3.0)


def smooth_in_place(ms: MeasurementSet, columns: list[str]) -> None:
    """Hanning smooth columns of a MeasurementSet opened for writing; FLAG takes in the neighbours' flags, WEIGHT grows by 8/3.

    The edge channels become the mean of themselves and their neighbour, and are flagged. Spectra of fewer than three channels stay.
    """
    has_spectrum = ms.has("WEIGHT_SPECTRUM")
    read = [*columns, "FLAG", "WEIGHT", *(["WEIGHT_SPECTRUM"] if has_spectrum else [])]

    def changed() -> Iterator[tuple[VisChunk, dict[str, np.ndarray]]]:
        for chunk in iter_chunks(ms, Selection().resolve(ms), read):
            if chunk.shape[1] < 3:
                continue
            values: dict[str, np.ndarray] = {name: _smoothed(chunk[name]) for name in columns}
            values["FLAG"] = np.empty_like(chunk["FLAG"])
            smooth_flags(np.ascontiguousarray(chunk["FLAG"]), values["FLAG"])
            values["WEIGHT"] = chunk["WEIGHT"] * _GAIN
            if has_spectrum:
                values["WEIGHT_SPECTRUM"] = chunk["WEIGHT_SPECTRUM"] * _GAIN
            yield chunk, values

    write_chunks(ms, changed(), [])


def _smoothed(values: np.ndarray) -> np.ndarray:
    out = np.empty_like(values)
    smooth_values(np.ascontiguousarray(values), out)
    half = np.float32(0.5)
    out[:, 0] = half * (values[:, 0] + values[:, 1])
    out[:, -1] = half * (values[:, -1] + values[:, -2])
    return out


def replace_on_grid(path: str, request: RegridRequest, hanning: bool, combine: bool) -> None:
    """Put all visibility columns of a MeasurementSet onto other channels; it is replaced when the new one is complete.

    Parameters
    ----------
    path : str
    request : RegridRequest
    hanning : bool
        Smooth before.
    combine : bool
        Make one spectral window of all; else each keeps its own.
    """
    with staged_output(path, overwrite=True) as temporary:
        options = MsTransformOptions("all", hanning=hanning, combinespws=combine, regrid=request, reindex=False)
        mstransform(path, temporary, Selection(), options)


@dataclass(frozen=True)
class WindowPart:
    """Part of a spectral window, in channels, Hz or m/s; None stands for what the data give.

    Attributes
    ----------
    start : float, optional
        Its lower edge (in "chan" the first channel).
    center, bandwidth, chanwidth : float, optional
    """

    start: float | None = None
    center: float | None = None
    bandwidth: float | None = None
    chanwidth: float | None = None

    def edges(self, low: float, high: float, width: float) -> tuple[float, float, int]:
        """Lower edge, channel width and number of channels within data from `low` to `high` whose channels are `width` wide."""
        step = self.chanwidth if self.chanwidth is not None else width
        extent = self.bandwidth
        if extent is None:
            middle = self.center
            extent = high - (self.start if self.start is not None else low)
            if middle is not None:
                extent = 2 * min(middle - low, high - middle)
        if self.start is not None:
            begin = self.start
        else:
            begin = (self.center if self.center is not None else 0.5 * (low + high)) - 0.5 * extent
        count = int(np.floor(extent / step + 1e-6))
        if count < 1:
            raise ParameterError(
                f"a part of {extent:g} has no room for a channel of {step:g}; the data reach from {low:g} to {high:g}"
            )
        return begin, step, count


def window_request(
    ms: MeasurementSet, outframe: str, mode: str, rest_hz: float, interpolation: str, part: WindowPart
) -> RegridRequest:
    """What ms.regridspw asks for, by the first spectral window.

    Raises
    ------
    ParameterError
        The mode is unknown, velocities lack a rest frequency, or no channel fits.
    """
    if mode not in ("chan", "freq", "vrad", "vopt"):
        raise ParameterError(f"parameter 'mode' must be one of chan, freq, vrad, vopt; got {mode!r}")
    if mode == "chan":
        total = ms.metadata.spectral_windows[0].nchan
        begin, step, count = part.edges(0, total, 1)
        return RegridRequest(GridRequest("channel", count, round(begin), round(step)), outframe, interpolation)
    factor = frame_factor(ms, str(ms.metadata.spectral_windows[0].frame), outframe, [0], "")
    time_s = float(np.asarray(ms.read("TIME")).min())
    data = scaled_channels(ms, 0, 1.0 if factor is None else float(factor(np.array([time_s]))[0]))
    low, high, width = float(data.low_hz[0]), float(data.high_hz[-1]), float(data.high_hz[0] - data.low_hz[0])
    if mode == "freq":
        begin, step, count = part.edges(low, high, width)
        return RegridRequest(GridRequest("frequency", count, f"{begin + 0.5 * step!r}Hz", f"{step!r}Hz"), outframe, interpolation)
    probe = GridRequest("velocity", -1, "", "", rest_hz, "radio" if mode == "vrad" else "optical")
    slow, fast = probe.velocity_of(high), probe.velocity_of(low)
    begin, step, count = part.edges(slow, fast, probe.velocity_of(high - width) - slow)
    first, size = f"{begin + 0.5 * step!r}m/s", f"{step!r}m/s"
    return RegridRequest(GridRequest("velocity", count, first, size, rest_hz, probe.veltype), outframe, interpolation)
