"""Mosaics: pointings with their primary beams gridded into one image.

Notes
-----
The visibilities of each group of rows (one pointing, one pair of kinds of antennas) are gridded into a window about the pointing and multiplied by
its primary beam; that is the same as gridding with the beam's transform as convolution function. With ``P_g`` the beams, ``w_g`` the sums of
weights and ``D_g`` the sums of weighted data, the weight image is ``W = sum w_g P_g^2 / sum w_g`` and the residual ``sum P_g D_g / sum w_g``
divided by ``sqrt(W max W)`` (flatnoise: flux densities times the mosaic's beam ``sqrt(W / max W)``), by ``W`` (flatsky) or by ``max W``
(pbsquare). The point spread function is that of all data times the mean of the beams, as CASA's is. Beams change with frequency in steps of at most
two per cent within a continuum image.

References
----------
Cornwell 1988, A&A 202, 316: mosaics deconvolved jointly; Sault, Staveley-Smith & Brouw 1996, A&AS 120, 375; "Mosaicking", CASA documentation of
tclean, for the normalizations.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from casatools.frames.directions import Direction, convert_direction
from casatools.imaging.antenna_beams import AntennaBeams, antenna_beams
from casatools.imaging.gridding import GridOptions, degrid, grid
from casatools.imaging.image_fields import BlockView, ImageField
from casatools.imaging.minor_cycle import MinorOptions
from casatools.imaging.visibilities import DataSource
from casatools.io.image.coordinates.direction import DirectionCoordinate
from casatools.io.image.coordinates.units import unit_factor

__all__ = ["NORMALIZATIONS", "BeamGroup", "BeamGroups", "MosaicField"]

NORMALIZATIONS = ("flatnoise", "flatsky", "pbsquare")
_BAND_STEP = 0.02
_LEAST_PIXELS = 24
# Part of its greatest value that the mean beam must have in the middle of the image to taper the point spread function.
_LEAST_MIDDLE = 0.1
# Below this part of its greatest value the weight image divides nothing.
_LEAST_WEIGHT = 1e-6


@dataclass(frozen=True)
class BeamGroup:
    """Rows that are seen through one primary beam.

    Attributes
    ----------
    pointing : Direction
    beams : AntennaBeams
    diameters_m : (float, float)
        Of the two antennas of a baseline, the smaller first.
    """

    pointing: Direction
    beams: AntennaBeams
    diameters_m: tuple[float, float]


class BeamGroups:
    """The groups of all data sources of a run.

    Parameters
    ----------
    sources : sequence of DataSource
    frame : str
        Direction frame of the image, which pointings are converted to.
    patterns : str
        Table of voltage patterns to take beams from.
    """

    def __init__(self, sources: Sequence[DataSource], frame: str, patterns: str = "") -> None:
        self.groups: list[BeamGroup] = []
        numbers: dict[tuple[float, float, str, tuple[float, float]], int] = {}
        self._lookup: dict[int, np.ndarray] = {}
        self._kind: dict[int, np.ndarray] = {}
        for source in sources:
            beams = antenna_beams(source.telescope, patterns)
            antennas = source.ms.metadata.antennas
            usual = float(np.median([a.diameter_m for a in antennas if a.diameter_m > 0] or [25.0]))
            diameters = [round(a.diameter_m, 2) if a.diameter_m > 0 else usual for a in antennas]
            kinds = sorted(set(diameters))
            self._kind[source.number] = np.array([kinds.index(d) for d in diameters], dtype=np.int64)
            nfield = len(source.ms.metadata.fields)
            table = np.full((nfield, len(kinds), len(kinds)), -1, dtype=np.int32)
            for field_id in source.field_ids.tolist():
                there = convert_direction(
                    source.field_direction(int(field_id)), frame, float(source.times_s[0]), source.position_m
                )
                for a in range(len(kinds)):
                    for b in range(a, len(kinds)):
                        pair = (kinds[a], kinds[b])
                        key = (round(there.lon_rad, 10), round(there.lat_rad, 10), source.telescope, pair)
                        if key not in numbers:
                            numbers[key] = len(self.groups)
                            self.groups.append(BeamGroup(there, beams, pair))
                        table[int(field_id), a, b] = table[int(field_id), b, a] = numbers[key]
            self._lookup[source.number] = table

    def rows(self, source: int, field_id: np.ndarray, antenna1: np.ndarray, antenna2: np.ndarray) -> np.ndarray:
        """The group (row,) int32 of each row of a data source."""
        kind = self._kind[source]
        return self._lookup[source][np.asarray(field_id), kind[np.asarray(antenna1)], kind[np.asarray(antenna2)]]


@dataclass(frozen=True)
class _Window:
    """The part of an image that a beam covers, and the beam there."""

    rows: slice
    columns: slice
    options: GridOptions
    beam: np.ndarray


class MosaicField(ImageField):
    """An image of several pointings.

    Parameters
    ----------
    groups : BeamGroups
    direction : DirectionCoordinate
        Of the image.
    normtype : str
        One of `NORMALIZATIONS`.
    weights_apart : bool
        Count the density of uv samples for each pointing apart.
    blank_below : float
        Value of the mosaic's beam below which residuals that are divided by it are left blank.

    Attributes
    ----------
    weight_image : ndarray (chan, y, x) float32
        W, once the point spread functions are made.
    """

    is_shareable = False

    def __init__(
        self,
        options: GridOptions,
        centre: Direction,
        main_centre: Direction,
        shape: tuple[int, int],
        minor: MinorOptions,
        groups: BeamGroups,
        direction: DirectionCoordinate,
        normtype: str = "flatnoise",
        weights_apart: bool = True,
        blank_below: float = 0.0,
        number: int = 0,
        mixing: np.ndarray | None = None,
    ) -> None:
        super().__init__(options, centre, main_centre, shape, minor, number, mixing)
        self.groups, self.direction, self.normtype, self.weights_apart = groups, direction, normtype, weights_apart
        self.blank_below = blank_below
        nx, ny = options.shape
        self.weight_image = np.zeros((shape[0], ny, nx), np.float32)
        self._windows: dict[tuple[int, float], _Window | None] = {}
        self._sums: dict[tuple[int, int, float], float] = {}
        self._psf_hz = np.zeros((shape[0], 2))

    def _bands(self, freq_hz: np.ndarray) -> Iterator[tuple[slice, float]]:
        """Runs of channels that share a beam, and its frequency."""
        low = 0
        for k in range(1, len(freq_hz) + 1):
            if k == len(freq_hz) or abs(freq_hz[k] - freq_hz[low]) > _BAND_STEP * freq_hz[low]:
                # Two digits below the steps: beams of a cube's Doppler-shifted channels are shared.
                yield slice(low, k), float(f"{freq_hz[low:k].mean():.5g}")
                low = k

    def _parts(self, view: BlockView, freq_hz: np.ndarray) -> Iterator[tuple[np.ndarray, slice, _Window, tuple[int, float]]]:
        """Rows, channels, and window of each group and band of a block; those that do not see the image are left out."""
        group = view.block.group
        assert group is not None
        for number in np.unique(group).tolist():
            rows = np.flatnonzero(group == number)
            for channels, hz in self._bands(freq_hz):
                window = self._window(int(number), hz)
                if window is not None:
                    yield rows, channels, window, (int(number), hz)

    def _window(self, number: int, hz: float) -> _Window | None:
        key = (number, hz)
        if key not in self._windows:
            self._windows[key] = self._make_window(self.groups.groups[number], hz)
        return self._windows[key]

    def _make_window(self, group: BeamGroup, hz: float) -> _Window | None:
        direction, (nx, ny) = self.direction, self.options.shape
        scale = np.array([[unit_factor(u)[0]] for u in direction.units])
        x0, y0 = (
            float(v) for v in direction.to_pixel(np.array([[group.pointing.lon_rad], [group.pointing.lat_rad]]) / scale)[:, 0]
        )
        if not np.isfinite(x0 + y0):
            return None
        # The gridder wants windows of some size.
        reach = max(group.beams.reach_rad(group.diameters_m, hz), _LEAST_PIXELS * max(self.options.cell_rad))
        (left, right), (bottom, top) = (
            _span(c, reach / cell, n) for c, cell, n in ((x0, self.options.cell_rad[0], nx), (y0, self.options.cell_rad[1], ny))
        )
        if right <= left or top <= bottom:
            return None
        x = (np.arange(left, right) - x0) * self.options.cell_rad[0]
        y = (np.arange(bottom, top) - y0) * self.options.cell_rad[1]
        beam = group.beams.power(group.diameters_m, np.hypot(x[None, :], y[:, None]), hz).astype(np.float32)
        offset = ((left + right) // 2 - nx // 2, (bottom + top) // 2 - ny // 2)
        options = replace(self.options, shape=(right - left, top - bottom), offset=offset)
        return _Window(slice(bottom, top), slice(left, right), options, beam)

    def add_psf(self, view: BlockView, chan: int, freq_hz: np.ndarray, weight: np.ndarray) -> None:
        """Grid ones, and count the weights of each beam."""
        super().add_psf(view, chan, freq_hz, weight)
        total = float(weight.sum(dtype=np.float64))
        self._psf_hz[chan] += total * float(freq_hz.mean()), total
        for rows, channels, _, key in self._parts(view, freq_hz):
            place = (chan, *key)
            self._sums[place] = self._sums.get(place, 0.0) + float(weight[rows, channels].sum(dtype=np.float64))

    def finish_psf(self, cutoff: float) -> None:
        """Make the weight image; taper the point spread functions with the beam of one pointing."""
        planes = self.planes
        for (chan, number, hz), total in self._sums.items():
            window = self._window(number, hz)
            if window is not None and planes.sumwt[chan] > 0:
                share = np.float32(total / planes.sumwt[chan])
                self.weight_image[chan, window.rows, window.columns] += share * np.square(window.beam)
        for chan in range(len(planes.psf)):
            if planes.sumwt[chan] > 0:
                planes.psf[chan] *= self._taper(chan)
        super().finish_psf(cutoff)

    def _taper(self, chan: int) -> np.ndarray:
        """What the point spread function of all data is multiplied by: the mean of all beams, 1 in the middle of the image.

        Where no pointing sees the middle it is the beam of one pointing there.
        """
        nx, ny = self.options.shape
        mean = np.zeros((ny, nx), np.float32)
        for (own, number, hz), total in self._sums.items():
            window = self._window(number, hz)
            if own == chan and window is not None:
                mean[window.rows, window.columns] += np.float32(total / self.planes.sumwt[chan]) * window.beam
        middle = float(mean[ny // 2, nx // 2])
        if middle > _LEAST_MIDDLE * float(mean.max()):
            return mean / np.float32(middle)
        x = (np.arange(nx) - nx // 2) * self.options.cell_rad[0]
        y = (np.arange(ny) - ny // 2) * self.options.cell_rad[1]
        one = self.groups.groups[0]
        hz = float(self._psf_hz[chan, 0] / self._psf_hz[chan, 1])
        return one.beams.power(one.diameters_m, np.hypot(x[None, :], y[:, None]), hz).astype(np.float32)

    def beam_power(self) -> np.ndarray:
        """The mosaic's beam (chan, y, x): the root of the weight image over its greatest value in each channel."""
        greatest = self.weight_image.max(axis=(1, 2), keepdims=True)
        return np.sqrt(self.weight_image / np.where(greatest > 0, greatest, 1.0)).astype(np.float32)

    def _divisor(self, chan: int) -> np.ndarray:
        """What sums over pointings are divided by to be of the normalization asked for; infinite where nothing was seen."""
        weight = self.weight_image[chan]
        greatest = float(weight.max())
        if self.normtype == "pbsquare":
            divisor = np.full_like(weight, greatest)
        else:
            divisor = weight if self.normtype == "flatsky" else np.sqrt(weight * greatest)
        least = _LEAST_WEIGHT if self.normtype == "pbsquare" else max(_LEAST_WEIGHT, self.blank_below**2)
        return np.where(weight > least * greatest, divisor, np.inf) if greatest > 0 else np.full_like(weight, np.inf)

    def _sky(self, plane: np.ndarray, chan: int) -> np.ndarray:
        """A model of this field as flux densities on the sky."""
        if self.normtype == "flatsky":
            return plane
        weight = self.weight_image[chan]
        greatest = float(weight.max())
        ratio = weight / greatest if greatest > 0 else weight
        part = np.where(ratio > _LEAST_WEIGHT, ratio if self.normtype == "pbsquare" else np.sqrt(ratio), np.inf)
        return np.asarray(plane / part, dtype=np.float32)

    def predict(self, view: BlockView, chan: int, pol: int, freq_hz: np.ndarray, used: np.ndarray) -> np.ndarray | None:
        """Visibilities of the sky seen through each group's beam."""
        if not self._has_model[chan, pol]:
            return None
        sky = self._sky(self._model[chan, pol], chan)
        out = np.zeros((len(view.uvw_m), len(freq_hz)), dtype=np.complex64)
        for rows, channels, window, _ in self._parts(view, freq_hz):
            seen = sky[window.rows, window.columns] * window.beam
            if seen.any():
                mask = np.ascontiguousarray(used[rows, channels])
                out[rows, channels] = degrid(view.uvw_m[rows], freq_hz[channels], seen, mask, window.options)
        return out

    def add(self, view: BlockView, chan: int, pol: int, freq_hz: np.ndarray, vis: np.ndarray, weight: np.ndarray) -> None:
        """Grid each group's visibilities through its beam into the residual."""
        target = self.planes.residual[chan, pol]
        for rows, channels, window, _ in self._parts(view, freq_hz):
            part = grid(
                view.uvw_m[rows], freq_hz[channels], np.ascontiguousarray(vis[rows, channels]),
                np.ascontiguousarray(weight[rows, channels]), window.options,
            )  # fmt: skip
            target[window.rows, window.columns] += part * window.beam

    def finish_residual(self) -> None:
        """Normalize the residual."""
        super().finish_residual()
        for chan in range(len(self.weight_image)):
            self.planes.residual[chan] /= self._divisor(chan)

    def native_model(
        self, pol: int, uvw_m: np.ndarray, freq_hz: np.ndarray, image_chan: np.ndarray, group: np.ndarray | None = None
    ) -> np.ndarray:
        """Model visibilities of data channels, each group's through its beam."""
        assert group is not None
        out = np.zeros((len(uvw_m), len(freq_hz)), dtype=np.complex64)
        for chan in np.unique(image_chan[image_chan >= 0]).tolist():
            mine = np.flatnonzero(image_chan == chan)
            plane = self.planes.model[chan, pol]
            if not plane.any():
                continue
            sky = self._sky(plane, chan)
            for number in np.unique(group).tolist():
                rows = np.flatnonzero(group == number)
                for channels, hz in self._bands(freq_hz[mine]):
                    window = self._window(int(number), hz)
                    if window is not None:
                        seen = sky[window.rows, window.columns] * window.beam
                        found = degrid(uvw_m[rows], np.ascontiguousarray(freq_hz[mine][channels]), seen, None, window.options)
                        out[np.ix_(rows, mine[channels])] = found
        return out


def _span(centre: float, reach: float, count: int) -> tuple[int, int]:
    """First and last-plus-one pixel of a window about a place, an even number of them, inside of an axis."""
    low, high = max(0, int(np.floor(centre - reach))), min(count, int(np.ceil(centre + reach)) + 1)
    if high <= low:
        return 0, 0
    # A window at an edge keeps a size that the gridder takes.
    least = min(count, 2 * _LEAST_PIXELS)
    if high - low < least:
        low, high = (0, least) if low == 0 else (count - least, count)
    if (high - low) % 2:
        low, high = (low, high + 1) if high < count else (low - 1, high)
    return low, high
