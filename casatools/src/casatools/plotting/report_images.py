"""Figures of images for reports: channel maps and single planes, with sky coordinates, contours and beams."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.patches import Ellipse

from casatools.io.image import CasaImage
from casatools.plotting.figure import INK, new_figure, save_figure
from casatools.plotting.sky_axes import sky_wcs

__all__ = ["PlaneStyle", "draw_channel_maps", "draw_plane"]

_SPEED_OF_LIGHT_KM_S = 299792.458
_NEUTRAL = "#6b6b6b"
Box = tuple[int, int, int, int]


@dataclass(frozen=True)
class PlaneStyle:
    """How one plane is drawn.

    Attributes
    ----------
    title, label : str
        Above the plot and beside its colour bar.
    cmap : str
    scale : float
        Pixels are multiplied by this, 1000 for mJy.
    low, high : float or None
        Ends of the colour scale, after scaling; None for those of the data.
    levels : tuple of float
        Contours, after scaling.
    marks : tuple of (x, y)
        Pixels to be marked with open crosses.
    """

    title: str
    label: str
    cmap: str = "inferno"
    scale: float = 1.0
    low: float | None = None
    high: float | None = None
    levels: tuple[float, ...] = ()
    marks: tuple[tuple[float, float], ...] = ()


def _full_box(image: CasaImage) -> Box:
    return 0, 0, image.shape[-1] - 1, image.shape[-2] - 1


def _square(box: Sequence[int] | None, image: CasaImage) -> Box:
    """A box widened to a square, moved to lie within the image."""
    if box is None:
        return _full_box(image)
    nx, ny = image.shape[-1], image.shape[-2]
    side = min(max(int(box[2]) - int(box[0]), int(box[3]) - int(box[1])) + 1, nx, ny)
    x0 = min(max(0, (int(box[0]) + int(box[2]) + 1 - side) // 2), nx - side)
    y0 = min(max(0, (int(box[1]) + int(box[3]) + 1 - side) // 2), ny - side)
    return x0, y0, x0 + side - 1, y0 + side - 1


def _read_plane(image: CasaImage, chan: int, box: Box) -> np.ndarray:
    """Pixels (y, x) of a channel within a box, NaN where masked."""
    place = (slice(box[1], box[3] + 1), slice(box[0], box[2] + 1))
    where = place if image.ndim == 2 else (chan, 0, *place) if image.ndim == 4 else (chan, *place)
    values = np.asarray(image.read(where), dtype=float)
    return np.where(image.read_mask(where), values, np.nan)


def _bare_figure(width_in: float, height_in: float) -> Any:
    """A figure whose axes are placed by hand: automatic layout draws sky axes several times over, which is slow."""
    figure = new_figure(width_in, height_in)
    figure.set_layout_engine("none")
    return figure


def _draw_beam(axes: Any, image: CasaImage, chan: int, box: Box, color: str, fill: str = "none") -> None:
    """An ellipse of the beam's size in the lower left corner."""
    if not image.beams:
        return
    beam, direction = image.beams.at(chan), image.coordinates.direction
    assert direction is not None
    cell = abs(direction.increment_rad[1])
    major, minor = beam.major_rad / cell, beam.minor_rad / cell
    margin = 0.75 * major + 0.02 * (box[2] - box[0])
    # The position angle runs north through east, and east is to the left: counterclockwise from the y axis.
    axes.add_patch(
        Ellipse(
            (box[0] + margin, box[1] + margin), minor, major, angle=beam.position_angle_deg, facecolor=fill, edgecolor=color,
            linewidth=1.2, hatch="////",
        )
    )  # fmt: skip


def _finish_axes(axes: Any, box: Box, small: bool = False, shown: tuple[bool, bool] = (True, True)) -> None:
    ra, dec = axes.coords[0], axes.coords[1]
    ra.set_axislabel("Right ascension (J2000)" if shown[0] and not small else " ", fontsize=9)
    dec.set_axislabel("Declination (J2000)" if shown[1] and not small else " ", fontsize=9)
    for axis, wanted in ((ra, shown[0]), (dec, shown[1])):
        axis.set_ticklabel(size=6.5 if small else 8, exclude_overlapping=True)
        axis.set_ticklabel_visible(wanted)
        axis.set_ticks(number=3 if small else 5)
        axis.display_minor_ticks(not small)
    ra.set_major_formatter("hh:mm:ss")
    dec.set_major_formatter("dd:mm")
    axes.set_xlim(box[0] - 0.5, box[2] + 0.5)
    axes.set_ylim(box[1] - 0.5, box[3] + 0.5)


def draw_plane(imagename: str, figfile: str, style: PlaneStyle, box: Sequence[int] | None = None, contours_of: str = "") -> None:
    """Plot the first plane of an image with sky axes and a colour bar.

    Parameters
    ----------
    imagename, figfile : str
        An existing file is replaced.
    style : PlaneStyle
    box : sequence of int, optional
        Pixels ``x0, y0, x1, y1``, inclusive, widened to a square; the whole image when not given.
    contours_of : str
        Image of the same grid whose contours at style.levels are drawn; the image itself when empty.
    """
    with warnings.catch_warnings(), CasaImage.open(imagename) as image:
        # astropy tells of every header it would have written otherwise.
        warnings.simplefilter("ignore")
        where = _square(box, image)
        plane = _read_plane(image, 0, where) * style.scale
        figure = _bare_figure(7.0, 5.9)
        axes = figure.add_axes((0.125, 0.1, 0.72, 0.83), projection=sky_wcs(image))
        axes.set_facecolor("#f1f1f1")
        extent = (where[0] - 0.5, where[2] + 0.5, where[1] - 0.5, where[3] + 0.5)
        drawn = axes.imshow(
            plane, origin="lower", extent=extent, cmap=style.cmap, vmin=style.low, vmax=style.high, interpolation="nearest"
        )
        _draw_contours(axes, contours_of, plane, style, where)
        _draw_beam(axes, image, 0, where, INK, fill="white")
        for x, y in style.marks:
            axes.plot([x], [y], marker="o", markersize=16, markerfacecolor="none", markeredgecolor="#4fb3bf", markeredgewidth=1.5)
        bar = figure.colorbar(drawn, cax=figure.add_axes((0.865, 0.1, 0.03, 0.83)))
        bar.set_label(style.label, fontsize=9)
        bar.ax.tick_params(labelsize=8)
        axes.set_title(style.title, fontsize=11)
        _finish_axes(axes, where)
        save_figure(figure, figfile)


def _draw_contours(axes: Any, contours_of: str, plane: np.ndarray, style: PlaneStyle, box: Box) -> None:
    values = plane
    if contours_of:
        with CasaImage.open(contours_of) as other:
            values = _read_plane(other, 0, box)
    if not style.levels or not np.isfinite(values).any():
        return
    levels = [v for v in sorted(style.levels) if np.nanmin(values) < v < np.nanmax(values)]
    if levels:
        x, y = np.arange(box[0], box[2] + 1), np.arange(box[1], box[3] + 1)
        axes.contour(
            x, y, np.ma.masked_invalid(values), levels=levels, colors=_NEUTRAL if not contours_of else INK, linewidths=0.7
        )


def draw_channel_maps(
    imagename: str,
    figfile: str,
    channels: Sequence[int],
    noise: float,
    rest_hz: float,
    box: Sequence[int] | None = None,
    title: str = "",
) -> None:
    """Plot channel maps on a grid of panels with one colour scale.

    Parameters
    ----------
    imagename, figfile : str
        A cube in Jy/beam; an existing file is replaced.
    channels : sequence of int
    noise : float
        Noise of a channel [Jy/beam]; contours are at -3, 3, 6, 12, 24, ... times it.
    rest_hz : float
        Rest frequency for the radio velocities in the panels.
    box : sequence of int, optional
        Pixels ``x0, y0, x1, y1``, inclusive.
    title : str
    """
    with warnings.catch_warnings(), CasaImage.open(imagename) as image:
        warnings.simplefilter("ignore")
        where = _square(box, image)
        spectral = image.coordinates.spectral
        assert spectral is not None
        freq_hz = spectral.frequencies_hz(image.shape[0])
        planes = [_read_plane(image, int(c), where) * 1e3 for c in channels]
        top = max(float(np.nanmax(p)) for p in planes)
        ncol = int(np.ceil(np.sqrt(1.2 * len(planes))))
        nrow = int(np.ceil(len(planes) / ncol))
        size, gap = 1.75, 0.06
        width, height = ncol * (size + gap) + 1.75, nrow * (size + gap) + 0.95
        figure = _bare_figure(width, height)
        wcs = sky_wcs(image)
        levels = [v for v in (-3e3 * noise, *(3e3 * noise * 2.0 ** np.arange(10))) if v < top]
        extent = (where[0] - 0.5, where[2] + 0.5, where[1] - 0.5, where[3] + 0.5)
        x, y = np.arange(where[0], where[2] + 1), np.arange(where[1], where[3] + 1)
        drawn = None
        for k, (channel, plane) in enumerate(zip(channels, planes, strict=True)):
            column, row = k % ncol, k // ncol
            left, bottom = 0.85 + column * (size + gap), 0.55 + (nrow - 1 - row) * (size + gap)
            axes = figure.add_axes((left / width, bottom / height, size / width, size / height), projection=wcs)
            drawn = axes.imshow(
                plane,
                origin="lower",
                extent=extent,
                cmap="inferno",
                vmin=-2e3 * noise,
                vmax=top,
                interpolation="nearest",
                aspect="auto",
            )
            axes.contour(x, y, np.ma.masked_invalid(plane), levels=levels, colors="white", linewidths=0.5, alpha=0.75)
            velocity = _SPEED_OF_LIGHT_KM_S * (1.0 - freq_hz[channel] / rest_hz)
            axes.text(0.05, 0.92, f"{velocity:.1f} km/s", transform=axes.transAxes, color="white", fontsize=8, va="center")
            labelled = row == nrow - 1 and column == 0
            _finish_axes(axes, where, small=True, shown=(labelled, labelled))
            _draw_beam(axes, image, int(channel), where, "white")
        bar = figure.colorbar(
            drawn, cax=figure.add_axes(((width - 0.78) / width, 0.55 / height, 0.14 / width, (height - 1.0) / height))
        )
        bar.set_label("mJy/beam", fontsize=9)
        bar.ax.tick_params(labelsize=8)
        figure.text(0.85 / width, 1.0 - 0.25 / height, title or "Channel maps", fontsize=11, va="center")
        save_figure(figure, figfile)
