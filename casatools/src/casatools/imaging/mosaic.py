"""Images that see the sky through primary beams: mosaics of pointings, and A-projection.

Notes
-----
The visibilities of each group of rows (one pair of pointings and kinds of antennas, one step of the parallactic angle) are gridded into a window about
the pointing and multiplied by its primary beam; that is the same as gridding with the beam's transform as convolution function, and exact: the beams
are screens in the image plane, and the gridder takes the w term in its stride. With ``P_g`` the beams, ``w_g`` the sums of
weights and ``D_g`` the sums of weighted data, the weight image is ``W = sum w_g P_g^2 / sum w_g`` and the residual ``sum P_g D_g / sum w_g``
divided by ``sqrt(W max W)`` (flatnoise: flux densities times the mosaic's beam ``sqrt(W / max W)``), by ``W`` (flatsky) or by ``max W``
(pbsquare). The point spread function is that of all data times the mean of the beams, as CASA's is. Where the hands of circular feeds have beams of
their own, correlations are gridded rather than Stokes parameters, each through its beam.

References
----------
Cornwell 1988, A&A 202, 316: mosaics deconvolved jointly; Sault, Staveley-Smith & Brouw 1996, A&AS 120, 375; "Mosaicking", CASA documentation of
tclean, for the normalizations. Bhatnagar, Cornwell, Golap & Uson 2008, A&A 487, 419: A-projection.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from casatools._base.threads import in_order, single_thread, thread_count
from casatools.frames.directions import Direction
from casatools.imaging.beam_groups import BeamGroups
from casatools.imaging.beam_weights import model_divisor, mosaic_beam, residual_divisor
from casatools.imaging.gridding import GridOptions, degrid, grid, grid_side_by_side
from casatools.imaging.image_fields import BlockView, ImageField
from casatools.imaging.minor_cycle import MinorOptions
from casatools.imaging.mosaic_windows import Band, BeamUse, BeamWindows, Window
from casatools.imaging.plane_mixing import PlaneMixing
from casatools.imaging.plane_store import PlaneStore
from casatools.io.image.coordinates.direction import DirectionCoordinate

if TYPE_CHECKING:
    from scipy.sparse import csr_array

__all__ = ["MosaicField", "gridded_through", "seen_through"]

# Factors of the weights of each channel, and the planes of the residual that data weighted so go into: channel or term, plane, factor.
_Aim = tuple[np.ndarray | None, list[tuple[int, int, complex]]]
# A window, places and real factors of its image in the residual, and what makes the image.
_Job = tuple[Window, list[tuple[int, int, float]], Callable[[], np.ndarray]]
# Part of its greatest value that the mean beam must have where the point spread function is made for, to taper it.
_LEAST_MIDDLE = 0.1


class MosaicField(ImageField):
    """An image of several pointings.

    Parameters
    ----------
    groups : BeamGroups
    direction : DirectionCoordinate
        Of the image.
    use : BeamUse
    planes : PlaneMixing, optional
        Where the data are held as correlations that have beams of their own.

    Attributes
    ----------
    weight_image : ndarray (chan, pol or 1, y, x) float32
        W, once the point spread functions are made; one for all planes unless correlations have beams of their own.
    """

    def __init__(
        self,
        options: GridOptions,
        centre: Direction,
        main_centre: Direction,
        shape: tuple[int, int],
        minor: MinorOptions,
        groups: BeamGroups,
        direction: DirectionCoordinate,
        use: BeamUse | None = None,
        planes: PlaneMixing | None = None,
        number: int = 0,
        mixing: csr_array | None = None,
        store: PlaneStore | None = None,
    ) -> None:
        super().__init__(options, centre, main_centre, shape, minor, number, mixing, store)
        self.use, self.plane_mixing = use or BeamUse(), planes
        self.weights_apart = self.use.weights_apart
        hands = (("", ""),) if planes is None else planes.hands
        self.windows = BeamWindows(groups, direction, options, self.use, hands)
        self.weight_image = self._blank_weights(shape[0])
        # Sums of weights, by channel (or power of the frequency), group and nodes, for the products of the beams of two nodes.
        self._sums: dict[tuple[int, int, tuple[float, ...]], np.ndarray] = {}
        self._psf_hz = np.zeros((shape[0], 2))

    channels_apart = False
    _grids_whole = False
    grids_pairs = False

    def clear(self) -> None:
        """Drop all arrays and beams; models are flux densities on the sky from here on, whose weights another rank knows."""
        super().clear()
        self.weight_image = np.zeros((0, 1, 0, 0), np.float32)
        self.windows = self.windows.emptied()
        self.use = replace(self.use, normtype="flatsky")
        self._sums, self._psf_hz = {}, np.zeros_like(self._psf_hz)

    def sent_model(self, part: slice) -> np.ndarray:
        """The model of some channels as flux densities on the sky (chan, pol, y, x)."""
        sky, first = super().sent_model(part), part.start or 0
        for chan, pol in np.argwhere(sky.any(axis=(2, 3))):
            sky[chan, pol] = self._sky(sky[chan, pol], self._weight_plane(first + int(chan)), int(pol))
        return sky

    def model_on_sky(self) -> np.ndarray:
        """As `ImageField.model_on_sky`."""
        sky = np.zeros_like(self.planes.model)
        for chan, pol in np.argwhere(self.planes.model.any(axis=(2, 3))):
            sky[chan, pol] = self._sky(self.planes.model[chan, pol], self._weight_plane(int(chan)), int(pol))
        return sky

    def _weight_plane(self, chan: int) -> int:
        """Which of the weight images a plane of the model has."""
        return chan

    def forget_psf(self) -> None:
        """As `ImageField.forget_psf`."""
        super().forget_psf()
        self._sums.clear()
        self._psf_hz[...] = 0

    def psf_sums(self) -> tuple[Any, ...]:
        """As `ImageField.psf_sums`, with the sums of the beams under names that all ranks share."""
        named = self.windows.groups.named()
        sums = [(place, named[number], nodes, total) for (place, number, nodes), total in self._sums.items()]
        return (*super().psf_sums(), sums, self._psf_hz[: len(self.planes.sumwt)])

    def take_psf_sums(self, part: slice, sums: tuple[Any, ...]) -> None:
        """As `ImageField.take_psf_sums`."""
        super().take_psf_sums(part, sums)
        first = part.start or 0
        for place, (name, group), nodes, total in sums[2]:
            key = (first + place, self.windows.groups.register(name, group), nodes)
            self._sums[key] = self._sums.get(key, 0.0) + total
        self._psf_hz[first : first + len(sums[3])] += sums[3]

    def _blank_weights(self, count: int) -> np.ndarray:
        nx, ny = self.options.shape
        return self.store.zeros((count, 1 if self.plane_mixing is None else len(self.plane_mixing.inverse), ny, nx))

    def _parts(self, view: BlockView, freq_hz: np.ndarray) -> Iterator[tuple[Any, Band, Window, int]]:
        """Rows (numbers or a range), band, window and number of each group of a block; those that do not see the image are left out."""
        assert view.block.group is not None
        for number, rows in view.block.group_rows():
            for band in self.windows.bands(number, freq_hz):
                window = self.windows.window(number, band.nodes_hz)
                if window is not None:
                    yield rows, band, window, number

    def _count(self, view: BlockView, place: int, freq_hz: np.ndarray, weight: np.ndarray) -> None:
        """Add the weights of a block to the sums of its beams."""
        for rows, band, _, number in self._parts(view, freq_hz):
            key = (place, number, band.nodes_hz)
            self._sums[key] = self._sums.get(key, 0.0) + band.sums(weight[rows, band.channels])

    def _hand(self, pol: int) -> int:
        """Which of the beams of a window a plane of the data has."""
        return 0 if self.plane_mixing is None else pol

    def _of_image(self, pol: int) -> list[tuple[int, complex]]:
        """Planes of the image that a plane of the data is a sum of, with factors."""
        if self.plane_mixing is None:
            return [(pol, 1.0)]
        return [(k, complex(f)) for k, f in enumerate(self.plane_mixing.forward[pol]) if f]

    def _to_image(self, pol: int) -> list[tuple[int, complex]]:
        """Planes of the image that a plane of the data goes into, with factors."""
        if self.plane_mixing is None:
            return [(pol, 1.0)]
        return [(k, complex(f)) for k, f in enumerate(self.plane_mixing.inverse[:, pol]) if f]

    def _weight_parts(self, window: Window, sums: np.ndarray) -> np.ndarray:
        """What a window adds to the weight images (pol or 1, y, x) for sums of weights (node, node)."""
        squares = window.products(sums)
        return squares if self.plane_mixing is None else np.tensordot(self.plane_mixing.shares, squares, 1).astype(np.float32)

    def add_psf(self, view: BlockView, chan: int, freq_hz: np.ndarray, weight: np.ndarray) -> None:
        """Grid ones, and count the weights of each beam."""
        super().add_psf(view, chan, freq_hz, weight)
        total = float(weight.sum(dtype=np.float64))
        self._psf_hz[chan] += total * float(freq_hz.mean()), total
        self._count(view, chan, freq_hz, weight)

    def shape_psf(self) -> None:
        """Make the weight image; taper the point spread functions."""
        self.make_weights()
        planes = self.planes
        for chan in range(len(planes.psf)):
            if planes.sumwt[chan] > 0:
                planes.psf[chan] *= self._taper(chan)

    def make_weights(self) -> None:
        """Make the weight image from the sums of weights of the beams."""
        self.weight_image[...] = 0
        for (chan, number, nodes), total in self._sums.items():
            window = self.windows.window(number, nodes)
            if window is not None and self.planes.sumwt[chan] > 0:
                self.weight_image[chan, :, window.rows, window.columns] += self._weight_parts(
                    window, total / self.planes.sumwt[chan]
                )

    def _taper(self, chan: int) -> np.ndarray:
        """What the point spread function of all data is multiplied by: the mean of all beams about the place it is for, 1 there.

        Where no pointing sees that place it is the beam of one pointing.
        """
        nx, ny = self.options.shape
        mean = np.zeros((ny, nx), np.float32)
        for (own, number, nodes), total in self._sums.items():
            window = self.windows.window(number, nodes)
            if own == chan and window is not None:
                # The shares of the second node add up to 1.
                mean[window.rows, window.columns] += window.mean(total.sum(axis=1) / self.planes.sumwt[chan])
        x0, y0 = (nx // 2, ny // 2)
        if self.use.psf_centre is not None:
            x0, y0 = (int(np.rint(v)) for v in self.windows.place(self.use.psf_centre))
        if 0 <= x0 < nx and 0 <= y0 < ny and mean[y0, x0] > _LEAST_MIDDLE * float(mean.max()):
            moved = _shifted(mean, ny // 2 - y0, nx // 2 - x0)
            return np.asarray(moved / moved[ny // 2, nx // 2])
        one = self.windows.groups.groups[0]
        hz = float(self._psf_hz[chan, 0] / self._psf_hz[chan, 1])
        east, north = (nx // 2 - np.arange(nx)) * self.options.cell_rad[0], (np.arange(ny) - ny // 2) * self.options.cell_rad[1]
        return one.values([east] * 2, [north] * 2, hz).astype(np.float32)

    def beam_power(self, chan: int) -> np.ndarray:
        """The mosaic's beam (pol or 1, y, x) in a channel: the root of the weight image over its greatest value in each plane."""
        return mosaic_beam(self.weight_image[chan])

    def _weight(self, chan: int, pol: int) -> np.ndarray:
        return np.asarray(self.weight_image[chan, min(pol, self.weight_image.shape[1] - 1)])

    def _divisor(self, chan: int, pol: int) -> np.ndarray:
        """What sums over pointings are divided by to be of the normalization asked for; infinite where nothing was seen."""
        return residual_divisor(self._weight(chan, pol), self.use.normtype, self.use.blank_below)

    def _sky(self, plane: np.ndarray, chan: int, pol: int) -> np.ndarray:
        """A model of this field as flux densities on the sky."""
        if self.use.normtype == "flatsky":
            return plane
        return np.asarray(plane / model_divisor(self._weight(chan, pol), self.use.normtype), dtype=np.float32)

    def _skies(self, pol: int, planes: list[np.ndarray], chan: int) -> list[tuple[complex, np.ndarray]]:
        """What a plane of the data sees: real images with factors 1 and i, those that are not blank; `planes` are the models of all planes."""
        real: np.ndarray | None = None
        imaginary: np.ndarray | None = None
        for k, factor in self._of_image(pol):
            if not planes[k].any():
                continue
            sky = self._sky(planes[k], chan, k)
            if factor.real:
                real = sky * np.float32(factor.real) if real is None else real + sky * np.float32(factor.real)
            if factor.imag:
                imaginary = sky * np.float32(factor.imag) if imaginary is None else imaginary + sky * np.float32(factor.imag)
        return [(unit, sky) for unit, sky in ((1.0, real), (1j, imaginary)) if sky is not None]

    def predict(self, view: BlockView, chan: int, pol: int, freq_hz: np.ndarray, used: np.ndarray) -> np.ndarray | None:
        """Visibilities of the sky seen through each group's beam."""
        if not any(self._has_model[chan, k] for k, _ in self._of_image(pol)):
            return None
        skies = self._skies(pol, list(self.seen_model(chan)), chan)
        out = np.zeros((len(view.uvw_m), len(freq_hz)), dtype=np.complex64)
        for rows, band, window, _ in self._parts(view, freq_hz):
            mask = np.ascontiguousarray(used[rows, band.channels])
            for unit, sky in skies:
                found = seen_through(window, band, view.uvw_m[rows], freq_hz, sky, mask, self._hand(pol))
                if found is not None:
                    out[rows, band.channels] += found if unit == 1.0 else unit * found
        return out

    def add(self, view: BlockView, chan: int, pol: int, freq_hz: np.ndarray, vis: np.ndarray, weight: np.ndarray) -> None:
        """Grid each group's visibilities through its beam into the residual."""
        targets = self._to_image(pol)
        self._grid_groups(view, pol, freq_hz, vis, weight, [(None, [(chan, k, f) for k, f in targets])])

    def _grid_groups(
        self, view: BlockView, pol: int, freq_hz: np.ndarray, vis: np.ndarray, weight: np.ndarray, aims: Sequence[_Aim]
    ) -> None:
        """Grid each group's visibilities through its beam, and add them, with each aim's weights, to its planes of the residual.

        Small windows are gridded side by side, each by one thread: the gridder's own threads gain little there, and add in any order, so that the last
        bits would differ from run to run. They are added in the order of the groups.
        """
        small = grid_side_by_side(self.options) and len(view.block.group_rows()) >= thread_count()

        def jobs() -> Iterator[_Job]:
            for rows, band, window, _ in self._parts(view, freq_hz):
                data, uvw_m = np.ascontiguousarray(vis[rows, band.channels]), view.uvw_m[rows]
                for unit, (power, planes) in itertools.product((1.0, 1j), aims):
                    # The real part of f z is Re(f) Re(z) + Im(f) Re(i z).
                    parts = [(place, k, f.real if unit == 1.0 else f.imag) for place, k, f in planes]
                    if any(f for _, _, f in parts):
                        scaled = (
                            weight[rows, band.channels] if power is None else weight[rows, band.channels] * power[band.channels]
                        )
                        turned = data if unit == 1.0 else data * np.complex64(unit)
                        fixed = window, band, uvw_m, freq_hz, turned, np.ascontiguousarray(scaled), self._hand(pol)
                        yield window, parts, partial(gridded_through, *fixed)

        def one(job: _Job) -> tuple[Window, list[tuple[int, int, float]], np.ndarray]:
            window, parts, work = job
            with single_thread() if small else nullcontext():
                return window, parts, work()

        for window, parts, image in in_order(one, jobs()) if small else map(one, jobs()):
            for place, k, factor in parts:
                if factor:
                    self.planes.residual[place, k][window.rows, window.columns] += np.float32(factor) * image

    def finish_residual(self) -> None:
        """Normalize the residual."""
        super().finish_residual()
        for chan in range(len(self.planes.residual)):
            for pol in range(self.planes.residual.shape[1]):
                self.planes.residual[chan, pol] /= self._divisor(chan, pol)

    def beam_of(self, code: int) -> int:
        """Which plane of the data a correlation is, where each has a beam of its own."""
        return 0 if self.plane_mixing is None or code not in self.plane_mixing.codes else self.plane_mixing.codes.index(code)

    def native_model(
        self,
        pol: int,
        uvw_m: np.ndarray,
        freq_hz: np.ndarray,
        image_chan: np.ndarray,
        group: np.ndarray | None = None,
        hand: int = 0,
    ) -> np.ndarray:
        """Model visibilities of data channels, each group's through its beam."""
        assert group is not None
        out = np.zeros((len(uvw_m), len(freq_hz)), dtype=np.complex64)
        for chan in np.unique(image_chan[image_chan >= 0]).tolist():
            mine = np.flatnonzero(image_chan == chan)
            plane = self.planes.model[chan, pol]
            if not plane.any():
                continue
            sky = self._sky(plane, chan, pol)
            for number in np.unique(group).tolist():
                rows = np.flatnonzero(group == number)
                for band in self.windows.bands(int(number), freq_hz[mine]):
                    window = self.windows.window(int(number), band.nodes_hz)
                    found = None if window is None else seen_through(window, band, uvw_m[rows], freq_hz[mine], sky, None, hand)
                    if found is not None:
                        out[np.ix_(rows, mine[band.channels])] = found
        return out


def gridded_through(
    window: Window, band: Band, uvw_m: np.ndarray, freq_hz: np.ndarray, vis: np.ndarray, weight: np.ndarray, hand: int
) -> np.ndarray:
    """Visibilities (row, chan) of a band gridded through its beams: an image (y, x) of the window."""
    hz = np.ascontiguousarray(freq_hz[band.channels])
    total: np.ndarray | None = None
    for share, beams in zip(band.shares, window.gridded, strict=True):
        seen = grid(uvw_m, hz, vis, weight if len(band.nodes_hz) == 1 else weight * share, window.options)
        seen *= beams[hand]
        total = seen if total is None else np.add(total, seen, out=total)
    assert total is not None
    return total


def seen_through(
    window: Window, band: Band, uvw_m: np.ndarray, freq_hz: np.ndarray, sky: np.ndarray, mask: np.ndarray | None, hand: int
) -> np.ndarray | None:
    """Visibilities (row, chan) of a band of the sky seen through its beams; the adjoint of `gridded_through` for beams that are not conjugate."""
    hz = np.ascontiguousarray(freq_hz[band.channels])
    here = sky[window.rows, window.columns]
    if not here.any():
        return None
    total: np.ndarray | None = None
    for share, beams in zip(band.shares, window.seen, strict=True):
        found = degrid(uvw_m, hz, here * beams[hand], mask, window.options)
        if len(band.nodes_hz) > 1:
            found *= share
        total = found if total is None else np.add(total, found, out=total)
    return total


def _shifted(plane: np.ndarray, down: int, right: int) -> np.ndarray:
    """An image moved by whole pixels; zero where nothing comes from."""
    out = np.zeros_like(plane)
    ny, nx = plane.shape
    out[max(down, 0) : ny + min(down, 0), max(right, 0) : nx + min(right, 0)] = plane[
        max(-down, 0) : ny - max(down, 0), max(-right, 0) : nx - max(right, 0)
    ]
    return out
