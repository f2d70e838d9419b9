"""A map of profiles: the spectrum of each cell of a grid over the sky, drawn at its place."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from casatools._base.errors import DataError, ParameterError
from casatools._base.paths import require_absent
from casatools.analysis.sky_planes import SkyPlanes
from casatools.analysis.sub_images import PixelChoice
from casatools.frames.quantities import format_dms, format_hms, to_unit
from casatools.io.image import CasaImage
from casatools.plotting.figure import INK, new_figure, save_figure, show_in_notebook

__all__ = ["ProfileMapOptions", "draw_profile_map"]

_AXES = ("", "frequency", "channel", "velocity")
_MASKED = ("empty", "text", "zero", "none", "plot")
_SPEED_OF_LIGHT_KM_S = 299792.458


@dataclass(frozen=True)
class ProfileMapOptions:
    """How profiles are drawn.

    Attributes
    ----------
    polarization : int
        Pixel on the Stokes axis.
    panels : (int, int)
        Panels along x and y; 0 for one a pixel, as far as they can be seen.
    abscissa : {"", "frequency", "channel", "velocity"}
    rest : str
        Rest frequency of velocities; "" is the image's.
    limits : tuple of float
        Range of the abscissa, in its unit: low, high; () for all of it.
    title : str
    color, style : str
    width : float
    separate : bool
        Space between the panels.
    masked : {"empty", "text", "zero", "none", "plot"}
        Panels without good pixels: empty, with the text NO DATA, a line at zero, no panel, or the masked values.
    masked_color : str
    axis_label, ticks, tick_labels : bool
    size : (float, float)
        Of the figure [inch].
    transparent : bool
    """

    polarization: int = 0
    panels: tuple[int, int] = (0, 0)
    abscissa: str = ""
    rest: str = ""
    limits: tuple[float, ...] = ()
    title: str = ""
    color: str = "b"
    style: str = "-"
    width: float = 0.2
    separate: bool = True
    masked: str = "empty"
    masked_color: str = "gray"
    axis_label: bool = False
    ticks: bool = False
    tick_labels: bool = False
    size: tuple[float, float] = (7.0, 5.5)
    transparent: bool = False

    def __post_init__(self) -> None:
        from matplotlib.colors import is_color_like

        if self.abscissa not in _AXES:
            raise ParameterError(f"parameter 'spectralaxis' must be one of {', '.join(map(repr, _AXES))}; got {self.abscissa!r}")
        if self.masked not in _MASKED:
            raise ParameterError(f"parameter 'plotmasked' must be one of {', '.join(_MASKED)}; got {self.masked!r}")
        for name, value in (("linecolor", self.color), ("maskedcolor", self.masked_color)):
            if not is_color_like(value):
                raise ParameterError(f"parameter {name!r} must be a colour of matplotlib; got {value!r}")
        if self.style not in ("-", "--", "-.", ":", "solid", "dashed", "dashdot", "dotted"):
            raise ParameterError(f"parameter 'linestyle' must be one of - -- -. :; got {self.style!r}")
        if min(self.panels) < 0 or min(self.size) <= 0 or self.width < 0:
            raise ParameterError(
                f"panels, figure size and line width must be positive; got {self.panels}, {self.size} and {self.width}"
            )
        if self.limits and (len(self.limits) != 2 or self.limits[0] >= self.limits[1]):
            raise ParameterError(f"parameter 'plotrange' must be two rising numbers; got {self.limits}")


def draw_profile_map(imagename: str, figfile: str, options: ProfileMapOptions, overwrite: bool = False) -> Any:
    """Draw the mean profile of each cell of a grid over an image.

    Parameters
    ----------
    imagename, figfile : str
        "" writes no file.
    options : ProfileMapOptions
    overwrite : bool

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    DataError
        The image has no sky plane or no spectral axis.
    ParameterError, OutputExistsError
        There is no such polarization, or the figure exists.
    """
    if figfile:
        require_absent(figfile, overwrite, "figure")
    with CasaImage.open(imagename) as image:
        axes = SkyPlanes(image)
        if axes.channel_axis is None:
            raise DataError(f"image {image.path!r} has no spectral axis: it has no profiles")
        stokes = 1 if axes.stokes_axis is None else image.shape[axes.stokes_axis]
        if not 0 <= options.polarization < stokes:
            raise ParameterError(f"parameter 'pol' must be 0 to {stokes - 1}; got {options.polarization}")
        values, good = _cube(image, axes, options.polarization)
        if not good.any():
            raise DataError(f"image {image.path!r} has no good pixel: there is no profile to draw")
        grid = _grid(values.shape[2], values.shape[1], options.panels)
        profiles, usable, every = _means(values, good, grid)
        x, label = _abscissa(image, axes, options)
        figure = _figure(image, axes, profiles, usable, every, grid, x, label, options)
    if figfile:
        save_figure(figure, figfile, overwrite=overwrite, transparent=options.transparent)
        show_in_notebook(figfile)
    return figure


def _cube(image: CasaImage, axes: SkyPlanes, polarization: int) -> tuple[np.ndarray, np.ndarray]:
    """Values and good (chan, y, x) of a polarization."""
    block = tuple(
        slice(polarization, polarization + 1) if k == axes.stokes_axis else slice(0, n) for k, n in enumerate(image.shape)
    )
    chosen = PixelChoice().of(image)
    chosen.require_real("profiles are drawn of")
    values, good = chosen.read(block)
    order = (axes.channel_axis or 0, axes.y_axis, axes.x_axis)
    shape = [values.shape[k] for k in order]
    usable = np.ones(values.shape, bool) if good is None else good
    return np.moveaxis(values, order, (0, 1, 2)).reshape(shape), np.moveaxis(usable, order, (0, 1, 2)).reshape(shape)


def _grid(nx: int, ny: int, panels: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    """Edges of the cells in x and y [pixel], of equal size, about the middle of the image."""
    edges = []
    for count, wanted in zip((nx, ny), panels, strict=True):
        number = min(wanted or min(count, 24), count)
        width = count // number
        start = (count - width * number) // 2
        edges.append(start + width * np.arange(number + 1))
    return edges[0], edges[1]


def _means(
    values: np.ndarray, good: np.ndarray, grid: tuple[np.ndarray, np.ndarray]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Mean profiles (row, column, chan) of good pixels, where there are any, and the same of all pixels."""
    x, y = grid

    def summed(part: np.ndarray) -> np.ndarray:
        inner = part[:, y[0] : y[-1], x[0] : x[-1]]
        return inner.reshape(len(inner), len(y) - 1, y[1] - y[0], len(x) - 1, x[1] - x[0]).sum(axis=(2, 4)).transpose(1, 2, 0)

    number = summed(good.astype(np.float64))
    finite = np.where(np.isfinite(values), values, 0.0).astype(np.float64)
    total, everything = summed(np.where(good, finite, 0.0)), summed(finite)
    mean = np.divide(total, number, out=np.full(total.shape, np.nan), where=number > 0)
    return mean, number > 0, everything / float((y[1] - y[0]) * (x[1] - x[0]))


def _abscissa(image: CasaImage, axes: SkyPlanes, options: ProfileMapOptions) -> tuple[np.ndarray, str]:
    spectral = image.coordinates.spectral
    assert spectral is not None and axes.channel_axis is not None
    channels = np.arange(image.shape[axes.channel_axis], dtype=np.float64)
    if options.abscissa == "channel":
        return channels, "Channel"
    hz = np.ravel(spectral.to_world(channels[None])) * float(spectral.hz)
    if options.abscissa == "velocity":
        rest = float(to_unit(options.rest, "Hz")) if options.rest else float(spectral.rest_frequency_hz)
        if rest <= 0:
            raise ParameterError("velocities need a rest frequency: the image has none, so give 'restfreq'")
        return _SPEED_OF_LIGHT_KM_S * (1.0 - hz / rest), "Velocity [km/s]"
    return hz / 1e9, "Frequency [GHz]"


def _figure(
    image: CasaImage, sky: SkyPlanes, profiles: np.ndarray, usable: np.ndarray, every: np.ndarray, grid: tuple[np.ndarray, np.ndarray],
    x: np.ndarray, label: str, options: ProfileMapOptions,
) -> Any:  # fmt: skip
    nrow, ncol = profiles.shape[:2]
    figure = new_figure(*options.size)
    figure.set_layout_engine("none")
    crowded = options.axis_label or options.tick_labels
    left, bottom = (0.24, 0.18) if crowded else (0.19, 0.13)
    right, top = 0.98, 0.93 if options.title else 0.97
    gap = 0.12 if options.separate else 0.0
    width, height = (right - left) / ncol, (top - bottom) / nrow
    across = options.limits or (min(x[0], x[-1]), max(x[0], x[-1]) if len(x) > 1 else x[0] + 1)
    low, high = _limits(profiles[..., (x >= across[0]) & (x <= across[1])])
    for row in range(nrow):
        for column in range(ncol):
            there = usable[row, column]
            if options.masked == "none" and not there.any():
                continue
            place = (left + (column + gap / 2) * width, bottom + (row + gap / 2) * height, width * (1 - gap), height * (1 - gap))
            panel = figure.add_axes(place)
            _panel(panel, x, profiles[row, column], there, every[row, column], options)
            panel.set_xlim(*across)
            panel.set_ylim(low, high)
            corner = row == 0 and column == 0
            panel.tick_params(
                left=options.ticks, bottom=options.ticks, labelleft=options.ticks and options.tick_labels and corner,
                labelbottom=options.ticks and options.tick_labels and corner, labelsize=5, direction="in", length=2,
            )  # fmt: skip
            panel.ticklabel_format(useOffset=False)  # an offset would lie over the label
            if corner and options.ticks and options.tick_labels:
                panel.xaxis.set_major_locator(_few_ticks())
            if options.axis_label and corner:
                panel.set_xlabel(label, fontsize=6, labelpad=1)
                panel.set_ylabel(f"Intensity [{image.unit}]" if image.unit else "Intensity", fontsize=6, labelpad=1)
    _sky_labels(figure, sky, grid, (left, bottom, width, height), 0.05 if crowded else 0.0)
    if options.title:
        figure.text(0.5 * (left + right), 0.955, options.title, ha="center", fontsize=11, color=INK)
    return figure


def _few_ticks() -> Any:
    """Ticks so few that numbers of many digits, as those of frequencies, stand side by side."""
    from matplotlib.ticker import MaxNLocator

    return MaxNLocator(2)


def _limits(profiles: np.ndarray) -> tuple[float, float]:
    fine = profiles[np.isfinite(profiles)]
    if not fine.size:
        return 0.0, 1.0
    low, high = float(fine.min()), float(fine.max())
    margin = 0.1 * ((high - low) or abs(high) or 1.0)
    return low - margin, high + margin


def _panel(
    panel: Any, x: np.ndarray, profile: np.ndarray, there: np.ndarray, every: np.ndarray, options: ProfileMapOptions
) -> None:
    width = max(options.width, 0.3)
    if there.any():
        panel.plot(x, profile, color=options.color, linestyle=options.style, linewidth=width)
    if options.masked == "plot" and not there.all():
        panel.plot(x, np.where(there, np.nan, every), color=options.masked_color, linestyle=options.style, linewidth=width)
    if there.any():
        return
    if options.masked == "text":
        panel.text(0.5, 0.5, "NO DATA", transform=panel.transAxes, ha="center", va="center", fontsize=5)
    elif options.masked == "zero":
        panel.plot(x, np.zeros(len(x)), color=options.masked_color, linestyle=options.style, linewidth=width)


def _sky_labels(
    figure: Any, sky: SkyPlanes, grid: tuple[np.ndarray, np.ndarray], frame: tuple[float, float, float, float], away: float
) -> None:
    """Longitudes below the columns, latitudes beside the rows."""
    left, bottom, width, height = frame
    x, y = ((edges[1:] + edges[:-1] - 1) / 2.0 for edges in grid)
    equatorial = sky.direction.frame in ("J2000", "ICRS", "B1950")
    every_x, every_y = max(1, -(-len(x) // 6)), max(1, -(-len(y) // 10))
    for column in range(0, len(x), every_x):
        lon, _ = sky.place(float(x[column]), float(y[len(y) // 2]))
        text = format_hms(lon % (2 * np.pi), 2) if equatorial else f"{np.degrees(lon) % 360:.3f}"
        figure.text(left + (column + 0.5) * width, bottom - 0.035 - away, text, ha="center", va="center", fontsize=7)
    for row in range(0, len(y), every_y):
        _, lat = sky.place(float(x[len(x) // 2]), float(y[row]))
        text = format_dms(lat, 1, ("\N{DEGREE SIGN}", "'", '"')) if equatorial else f"{np.degrees(lat):.3f}"
        figure.text(left - 0.01 - away, bottom + (row + 0.5) * height, text, ha="right", va="center", fontsize=7)
    names = [f"{n} ({sky.direction.frame})" for n in sky.direction.names]
    figure.text(left + 0.5 * len(x) * width, 0.025, names[0], ha="center", va="center", fontsize=9)
    figure.text(0.02, bottom + 0.5 * len(y) * height, names[1], ha="center", va="center", rotation=90, fontsize=9)
