"""A quick look at an image: one plane with sky axes, contours, the beam and a colour bar."""

from __future__ import annotations

import os
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from casatools._base.errors import DataError, ParameterError
from casatools._base.paths import require_absent
from casatools.analysis.regions import ImageSelection
from casatools.analysis.sub_images import PixelChoice
from casatools.io.image import CasaImage
from casatools.plotting.figure import INK, new_figure, save_figure, show_in_notebook
from casatools.plotting.sky_axes import axis_labels, beam_patch, label_inside, leaves_sky, sky_wcs

__all__ = ["QuickLookStyle", "quick_look"]

# No sky is as bright in any unit: what is greater are fits that ran away.
_MOST_BRIGHTNESS = 1e10
# Nor is any spectrum so steep: what is greater are ratios of noise.
_STEEPEST_SPECTRUM = 5.0
_STRETCHES = ("linear", "sqrt", "log", "asinh")
_SPEED_OF_LIGHT_KM_S = 299792.458
# Beyond, the rest frequency is not that of a line in the image: continuum images have some default.
_MOST_SPEED_KM_S = 30000.0


@dataclass(frozen=True)
class QuickLookStyle:
    """How a plane is drawn.

    Attributes
    ----------
    cmap : str
        Colour map of matplotlib; "" for inferno, or blue to red about zero where values have a sign of their own (Stokes Q, U and V), or a circle of
        colours for position angles that go all round.
    low, high : float or None
        Ends of the colour scale; None for the 0.5th percentile (the least value where that is by far the greatest in size) and the greatest value of the plane,
        or as far on either side of zero.
    stretch : {"linear", "sqrt", "log", "asinh"}
    levels : tuple of float
        Contours in the unit of the image; () for 3, 6, 12, ... times the noise (median absolute deviation), with the first also negative.
    contours : bool
    title : str
        "" for the name of the image with channel, frequency or velocity, and polarization.
    """

    cmap: str = ""
    low: float | None = None
    high: float | None = None
    stretch: str = "linear"
    levels: tuple[float, ...] = ()
    contours: bool = True
    title: str = ""

    def __post_init__(self) -> None:
        import matplotlib

        if self.stretch not in _STRETCHES:
            raise ParameterError(f"quick_look: parameter 'stretch' must be one of {', '.join(_STRETCHES)}; got {self.stretch!r}")
        if self.cmap and self.cmap not in matplotlib.colormaps:
            raise ParameterError(f"quick_look: there is no colour map {self.cmap!r}")


def quick_look(
    imagename: str,
    figfile: str = "",
    channel: int | None = None,
    stokes: str = "",
    region: Any = "",
    style: QuickLookStyle = QuickLookStyle(),
    contours_of: str = "",
    overwrite: bool = True,
) -> Any:
    """Draw a plane of an image with sky axes, contours, the beam and a colour bar.

    An image without sky, such as the slice of `impv`, is drawn along its first two axes of more than one pixel, a spectrum as a line.

    Parameters
    ----------
    imagename : str
        Paged image or FITS file with two sky axes.
    figfile : str
        PNG, PDF or SVG to write; "" writes none.
    channel : int, optional
        Channel; None takes that of the greatest pixel.
    stokes : str
        Polarization; "" takes the first.
    region : str or dict
        Region text, file or record: its box is drawn, pixels outside of it are blank.
    style : QuickLookStyle
    contours_of : str
        Image of the same grid whose contours are drawn instead.
    overwrite : bool

    Returns
    -------
    matplotlib.figure.Figure
        A notebook shows it when it is the last value of a cell; with `figfile` the file is shown.

    Raises
    ------
    DataError
        The image has no plane, or no good pixel in it, or no sky where contours of another image are wanted.
    ParameterError, SelectionError, PathMissingError, OutputExistsError
        A channel or polarization is not there, an image is missing, or the figure exists and may not be replaced.

    Examples
    --------
    >>> quick_look("cube.image", "peak.png")  # doctest: +SKIP
    """
    if figfile:
        require_absent(figfile, overwrite, "figure")
    with warnings.catch_warnings(), CasaImage.open(imagename) as image:
        # astropy tells of every header that it would have written otherwise
        warnings.simplefilter("ignore")
        if not contours_of and channel is None and not _has_sky(image):
            values, ends = _flat_plane(image, _stokes(image, stokes), region)
            figure = (_drawn_flat if values.ndim == 2 else _drawn_profile)(image, values, ends, style)
            return _kept(figure, figfile, overwrite)
        wcs = sky_wcs(image)
        chan, plane_stokes = _channel(image, channel), _stokes(image, stokes)
        values, box = _plane(image, chan, plane_stokes, region)
        figure = _drawn(
            image, wcs, values, box, chan, plane_stokes, style, _contoured(contours_of, chan, plane_stokes, region, values)
        )
    return _kept(figure, figfile, overwrite)


def _kept(figure: Any, figfile: str, overwrite: bool) -> Any:
    if figfile:
        save_figure(figure, figfile, overwrite=overwrite)
        show_in_notebook(figfile)
    return figure


def _channel(image: CasaImage, channel: int | None) -> int:
    axis = image.coordinates.spectral_axis
    count = 1 if axis is None else image.shape[image.ndim - 1 - axis]
    if channel is not None:
        if not 0 <= channel < count:
            raise ParameterError(f"quick_look: channel {channel} is not in the image; it has channels 0 to {count - 1}")
        return channel
    if axis is None or count == 1:
        return 0
    k, best, place = image.ndim - 1 - axis, -np.inf, 0
    for block, values, good in PixelChoice().of(image).iter_blocks():
        size = np.where(True if good is None else good, values, -np.inf)
        peaks = np.asarray(size.real if np.iscomplexobj(size) else size).max(axis=tuple(a for a in range(image.ndim) if a != k))
        if peaks.max() > best:
            best, place = float(peaks.max()), int(block[k].start + np.argmax(peaks))
    return place


def _stokes(image: CasaImage, stokes: str) -> int:
    member = image.coordinates.stokes
    names = [] if member is None else [str(n) for n in member.labels]
    if not stokes:
        return 0
    if stokes.upper() not in [n.upper() for n in names]:
        raise ParameterError(f"quick_look: polarization {stokes!r} is not in the image; it has {', '.join(names) or 'none'}")
    return [n.upper() for n in names].index(stokes.upper())


def _plane(image: CasaImage, chan: int, stokes: int, region: Any) -> tuple[np.ndarray, tuple[int, int, int, int]]:
    """Values (y, x), NaN where not good, and the box ``x0, y0, x1, y1``."""
    coordinates, ndim = image.coordinates, image.ndim
    x_axis, y_axis = (ndim - 1 - a for a in coordinates.direction_axes)
    chosen = PixelChoice(ImageSelection(region)).of(image)
    at = {}
    for axis, place in ((coordinates.spectral_axis, chan), (coordinates.stokes_axis, stokes)):
        if axis is not None:
            k = ndim - 1 - axis
            at[k] = min(max(place - chosen.pixels.first[k], 0), chosen.pixels.box_shape[k] - 1)
    block = tuple(
        slice(0, n) if k in (x_axis, y_axis) else slice(at.get(k, 0), at.get(k, 0) + 1)
        for k, n in enumerate(chosen.pixels.box_shape)
    )
    values, good = chosen.read(block)
    plain = np.abs(values) if np.iscomplexobj(values) else values.astype(np.float64)
    flat = np.where(True if good is None else good, plain, np.nan)
    flat = np.squeeze(flat, tuple(k for k in range(ndim) if k not in (x_axis, y_axis)))
    flat = flat if y_axis < x_axis else flat.T
    if not np.isfinite(flat).any():
        raise DataError(f"image {image.path!r} has no good pixel in channel {chan} of what is chosen: there is nothing to draw")
    first = chosen.pixels.first
    return flat, (first[x_axis], first[y_axis], first[x_axis] + flat.shape[1] - 1, first[y_axis] + flat.shape[0] - 1)


def _contoured(path: str, chan: int, stokes: int, region: Any, own: np.ndarray) -> np.ndarray:
    if not path:
        return own
    with CasaImage.open(path) as other:
        axis = other.coordinates.spectral_axis
        one = axis is None or other.shape[other.ndim - 1 - axis] == 1
        values = _plane(other, 0 if one else chan, stokes, region)[0]
    if values.shape != own.shape:
        raise ParameterError(
            f"quick_look: the planes of {path!r} have {values.shape[::-1]} pixels, those drawn {own.shape[::-1]}"
        )
    return values


@dataclass(frozen=True)
class _Scale:
    """Colours of a plane: map, colour of contours over it, ends of the scale, and whether contours can count from the scatter of the values."""

    cmap: str
    line: str
    low: float
    high: float
    contours: bool


def _scale(values: np.ndarray, image: CasaImage, stokes: int = 0) -> _Scale:
    """Colours that suit what a plane holds."""
    least, highest = float(np.nanmin(values)), float(np.nanmax(values))
    member, real = image.coordinates.stokes, image.dtype.kind != "c"
    kind = str(member.labels[stokes]) if member is not None and real else ""
    if kind == "Pangle" and highest - least > 120.0:  # both ends are the same angle
        low = 0.0 if least >= 0 else -90.0
        return _Scale("twilight", "#404040", low, low + 180.0, False)
    if _is_spectral_index(image.path):
        return _Scale("inferno", "#d8d8d8", max(least, -_STEEPEST_SPECTRUM), min(highest, _STEEPEST_SPECTRUM), False)
    middle = float(np.nanmedian(values))
    reach = 20.0 * float(np.nanmedian(np.abs(values - middle))) or np.inf
    ran_away = max(highest, -least) > _MOST_BRIGHTNESS
    lowest = least if -least > 1.5 * highest else float(np.nanpercentile(values, 0.5))
    if _is_no_brightness(image.unit) or ran_away:  # a few fits that ran away would leave all others one colour
        return _Scale("inferno", "#d8d8d8", max(lowest, middle - reach), min(highest, middle + reach), False)
    if kind in ("Q", "U", "V"):
        size = max(highest, -least)
        return _Scale("RdBu_r", "#404040", -size, size, True)
    return _Scale("inferno", "#d8d8d8", lowest, highest, True)


def _norm(scale: _Scale, style: QuickLookStyle) -> Any:
    from matplotlib import colors

    lowest, highest = scale.low, scale.high
    low = lowest if style.low is None else style.low
    high = highest if style.high is None else style.high
    if not high > low:  # all the same: the middle of the scale
        low, high = low - (0.5 * abs(low) or 0.5), low + (0.5 * abs(low) or 0.5)
    if style.stretch == "sqrt":
        return colors.PowerNorm(0.5, low, high)
    if style.stretch == "log":
        return colors.LogNorm(max(low, high * 1e-4), high) if high > 0 else colors.Normalize(low, high)
    if style.stretch == "asinh":
        return colors.AsinhNorm((high - low) / 50.0, low, high)
    return colors.Normalize(low, high)


def _shown(values: np.ndarray, norm: Any) -> np.ndarray:
    """Values to draw: those of zero and less, which have no logarithm, are the least of the scale and not blank."""
    from matplotlib import colors

    return np.maximum(values, float(norm.vmin or 0.0)) if isinstance(norm, colors.LogNorm) else values


def _add_bar(figure: Any, drawn: Any, place: tuple[float, float, float, float], image: CasaImage) -> None:
    """The colour bar; where the scale is stretched its numbers are spread evenly along it, zero among them."""
    from matplotlib import colors

    bar = figure.colorbar(drawn, cax=figure.add_axes(place))
    bar.set_label(image.unit or "", fontsize=9)
    norm: Any = drawn.norm
    if type(norm) is not colors.Normalize:
        even = [float(f"{v:.0e}") for v in norm.inverse(np.linspace(0.0, 1.0, 9))]
        ticks: list[float] = []
        for value in [0.0, *even]:
            inside = norm.vmin <= value <= norm.vmax
            if inside and all(abs(float(norm(value)) - float(norm(t))) > 0.06 for t in ticks):
                ticks.append(value)
        bar.set_ticks(sorted(ticks), labels=[f"{t:g}" for t in sorted(ticks)])
        bar.minorticks_off()
    bar.ax.tick_params(labelsize=8)


def _levels(values: np.ndarray, style: QuickLookStyle) -> list[float]:
    fine = values[np.isfinite(values)]
    noise = 1.4826 * float(np.median(np.abs(fine - np.median(fine))))
    wanted: Sequence[float] = style.levels or ((-3 * noise, *(3 * noise * 2.0 ** np.arange(12))) if noise > 0 else ())
    return sorted({float(v) for v in wanted if fine.min() < v < fine.max()})


def _drawn(
    image: CasaImage,
    wcs: Any,
    values: np.ndarray,
    box: tuple[int, int, int, int],
    chan: int,
    stokes: int,
    style: QuickLookStyle,
    other: np.ndarray,
) -> Any:
    ny, nx = values.shape
    figure, place, bar_place = _sheet(nx / ny)
    axes: Any = figure.add_axes(place, projection=wcs)
    axes.set_facecolor("#eeeeee")
    extent = (box[0] - 0.5, box[2] + 0.5, box[1] - 0.5, box[3] + 0.5)
    scale = _scale(values, image, stokes)
    cmap, norm = style.cmap or scale.cmap, _norm(scale, style)
    drawn = axes.imshow(_shown(values, norm), origin="lower", extent=extent, cmap=cmap, norm=norm, interpolation="nearest")
    levels = _levels(other, style) if style.contours and (style.levels or scale.contours) else []
    if levels:
        x, y = np.arange(box[0], box[2] + 1), np.arange(box[1], box[3] + 1)
        styles = ["dashed" if v < 0 else "solid" for v in levels]
        axes.contour(x, y, np.ma.masked_invalid(other), levels=levels, colors=scale.line, linewidths=0.7, linestyles=styles)
    patch = beam_patch(image, chan, stokes, box, INK, "white")
    if patch is not None:
        axes.add_patch(patch)
    _add_bar(figure, drawn, bar_place, image)
    axes.set_title(style.title or _title(image, chan, stokes), fontsize=10)
    _name_sky(axes, image, _has_pole(wcs, box))
    if leaves_sky(wcs, box):
        label_inside(axes, wcs, box)
    axes.set_xlim(extent[0], extent[1])
    axes.set_ylim(extent[2], extent[3])
    return figure


def _name_sky(axes: Any, image: CasaImage, pole: bool) -> None:
    """Ticks and names of the sky axes; about a pole the meridians and parallels too."""
    for coordinate, label, side in zip((axes.coords[0], axes.coords[1]), axis_labels(image), "bl", strict=True):
        coordinate.set_axislabel(label, fontsize=9)
        coordinate.set_ticklabel(size=8, exclude_overlapping=True)
        coordinate.set_ticks(number=12 if pole and side == "b" else 5)
        coordinate.display_minor_ticks(not pole)
        if pole:  # ticks at the edges do not tell how meridians run there, and left alone they stand above and in the colour bar
            coordinate.grid(color="white", alpha=0.4, linewidth=0.6)
            coordinate.set_ticks_position(side)
            coordinate.set_ticklabel_position(side)
            coordinate.set_axislabel_position(side)


def _has_sky(image: CasaImage) -> bool:
    """False where there is no direction, or one of a single pixel in an image that has more along another axis."""
    axes = image.coordinates.direction_axes
    long = [a for a in range(image.ndim) if image.shape[image.ndim - 1 - a] > 1]
    return image.coordinates.direction is not None and (not long or any(a in axes for a in long))


def _flat_plane(image: CasaImage, stokes: int, region: Any) -> tuple[np.ndarray, list[tuple[str, float, float]]]:
    """Values (second axis, first axis) of an image without sky, or (axis,), NaN where not good, and of the axes the label and the values at the ends."""
    chosen = PixelChoice(ImageSelection(region)).of(image)
    coordinates, ndim, box = image.coordinates, image.ndim, chosen.pixels.box_shape
    drawn = [a for a in range(ndim) if box[ndim - 1 - a] > 1][:2]
    if not drawn:
        raise DataError(f"what is chosen of the image {image.path!r} is one pixel: there is nothing to draw")
    at = {} if coordinates.stokes_axis is None else {ndim - 1 - coordinates.stokes_axis: stokes}
    rows = [ndim - 1 - a for a in drawn]
    starts = [min(max(at.get(k, 0) - a, 0), n - 1) for k, (a, n) in enumerate(zip(chosen.pixels.first, box, strict=True))]
    values, good = chosen.read(
        tuple(slice(0, n) if k in rows else slice(s, s + 1) for k, (s, n) in enumerate(zip(starts, box, strict=True)))
    )
    plain = np.abs(values) if np.iscomplexobj(values) else values.astype(np.float64)
    flat = np.squeeze(np.where(True if good is None else good, plain, np.nan), tuple(k for k in range(ndim) if k not in rows))
    if not np.isfinite(flat).any():
        raise DataError(f"image {image.path!r} has no good pixel in what is chosen: there is nothing to draw")
    axes = []
    for axis, row in zip(drawn, rows, strict=True):
        pixels = np.repeat(np.array(chosen.pixels.first[::-1], dtype=np.float64)[:, None], 2, axis=1)
        pixels[axis] += [-0.5, box[row] - 0.5]
        world = coordinates.pixel_to_world_axis(axis)
        ends = coordinates.to_world(pixels)[world]
        label = f"{coordinates.names[world]} [{coordinates.units[world]}]".removesuffix(" []")
        spectral = coordinates.spectral
        if spectral is not None and axis == coordinates.spectral_axis:
            moving = spectral.rest_frequency_hz > 0
            ends = spectral.velocity(ends * spectral.hz, "radio", "km/s") if moving else ends * spectral.hz / 1e9
            label = "Radio velocity [km/s]" if moving else "Frequency [GHz]"
        axes.append((label, float(ends[0]), float(ends[1])))
    return flat, axes


def _drawn_profile(image: CasaImage, values: np.ndarray, ends: list[tuple[str, float, float]], style: QuickLookStyle) -> Any:
    label, left, right = ends[0]
    figure = new_figure(6.4, 4.2)
    axes: Any = figure.add_subplot()
    places = left + (np.arange(len(values)) + 0.5) * (right - left) / len(values)
    axes.plot(places, values, color=INK, linewidth=1.0, drawstyle="steps-mid")
    axes.axhline(0.0, color="#999999", linewidth=0.6, zorder=0)
    axes.set_title(style.title or os.path.basename(image.path.rstrip("/")), fontsize=10)
    axes.set_xlabel(label, fontsize=9)
    axes.set_ylabel(image.unit or "", fontsize=9)
    axes.tick_params(labelsize=8)
    axes.ticklabel_format(useOffset=False)
    axes.set_xlim(min(left, right), max(left, right))
    return figure


def _drawn_flat(image: CasaImage, values: np.ndarray, ends: list[tuple[str, float, float]], style: QuickLookStyle) -> Any:
    (x_label, left, right), (y_label, low, high) = ends
    figure, place, bar_place = _sheet(1.2)
    axes: Any = figure.add_axes(place)
    axes.set_facecolor("#eeeeee")
    extent = (left, right, low, high)
    scale = _scale(values, image)
    cmap, norm = style.cmap or scale.cmap, _norm(scale, style)
    drawn = axes.imshow(
        _shown(values, norm), origin="lower", extent=extent, cmap=cmap, norm=norm, interpolation="nearest", aspect="auto"
    )
    levels = _levels(values, style) if style.contours and min(values.shape) > 1 and (style.levels or scale.contours) else []
    if levels:
        x, y = (a + (np.arange(n) + 0.5) * (b - a) / n for (_, a, b), n in zip(ends, values.shape[::-1], strict=True))
        styles = ["dashed" if v < 0 else "solid" for v in levels]
        axes.contour(x, y, np.ma.masked_invalid(values), levels=levels, colors=scale.line, linewidths=0.7, linestyles=styles)
    _add_bar(figure, drawn, bar_place, image)
    axes.set_title(style.title or os.path.basename(image.path.rstrip("/")), fontsize=10)
    axes.set_xlabel(x_label, fontsize=9)
    axes.set_ylabel(y_label, fontsize=9)
    axes.tick_params(labelsize=8)
    axes.ticklabel_format(useOffset=False)
    axes.set_xlim(left, right)
    axes.set_ylim(low, high)
    return figure


def _sheet(wide: float) -> tuple[Any, tuple[float, float, float, float], tuple[float, float, float, float]]:
    """A figure whose axes have the shape of the image (width over height), and the places of axes and colour bar beside them."""
    wide = float(np.clip(wide, 0.125, 8.0))
    width = 5.2 * min(wide, 1.4)
    height = width / wide
    left, right, bottom, top, gap, bar = 1.15, 0.85, 0.65, 0.4, 0.12, 0.2  # inches
    size = (left + width + gap + bar + right, bottom + height + top)
    figure = new_figure(*size)
    figure.set_layout_engine("none")
    across, up = 1.0 / size[0], 1.0 / size[1]
    place = (left * across, bottom * up, width * across, height * up)
    return figure, place, ((left + width + gap) * across, bottom * up, bar * across, height * up)


def _is_spectral_index(path: str) -> bool:
    """True for ``name.alpha`` and ``name.alpha.error``, as tclean and widebandpbcor call them."""
    return ".alpha" in os.path.basename(path.rstrip("/"))


def _is_no_brightness(unit: str) -> bool:
    """True for units of moments and angles, whose scatter over the image is no noise that contours could count from."""
    return unit in ("km/s", "m/s", "Hz", "MHz", "GHz", "deg", "rad", "rad/m/m", "rad/m2")


def _has_pole(wcs: Any, box: tuple[int, int, int, int]) -> bool:
    """True when a pole of the coordinates lies in the box."""
    for latitude in (-90.0, 90.0):
        x, y = (float(v) for v in wcs.wcs_world2pix(0.0, latitude, 0))
        if box[0] <= x <= box[2] and box[1] <= y <= box[3]:
            return True
    return False


def _title(image: CasaImage, chan: int, stokes: int) -> str:
    words = [os.path.basename(image.path.rstrip("/"))]
    spectral, axis = image.coordinates.spectral, image.coordinates.spectral_axis
    if spectral is not None and axis is not None:
        hz = float(np.ravel(spectral.to_world(np.array([[float(chan)]])))[0] * spectral.hz)
        if image.shape[image.ndim - 1 - axis] > 1:
            words.append(f"channel {chan}")
        words.append(f"{hz / 1e9:.6g} GHz")
        speed = _SPEED_OF_LIGHT_KM_S * (1 - hz / spectral.rest_frequency_hz) if spectral.rest_frequency_hz > 0 else np.inf
        if abs(speed) < _MOST_SPEED_KM_S and image.shape[image.ndim - 1 - axis] > 1:
            words.append(f"{speed:.4g} km/s")
    if image.coordinates.stokes is not None:
        words.append(f"Stokes {image.coordinates.stokes.labels[stokes]}")
    return ", ".join(words)
