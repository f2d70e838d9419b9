"""Figures of the array for reports: where the antennas stand and which part of the uv plane they cover."""

from __future__ import annotations

import numpy as np

from casatools._base.constants import SPEED_OF_LIGHT_M_S
from casatools.io.ms import MeasurementSet
from casatools.plotting.antennas import local_plan
from casatools.plotting.figure import GRID, INK, new_figure, save_figure

__all__ = ["draw_layout", "draw_uv_coverage"]

_POINT, _MIRROR = "#1f6fb4", "#e39a2d"
# More points than this in a uv plot only make the file larger.
_MOST_POINTS = 60000


def draw_layout(vis: str, figfile: str) -> None:
    """Plot the antennas that took part, east and north of their middle.

    Parameters
    ----------
    vis, figfile : str
        MeasurementSet and PNG file; an existing file is replaced.
    """
    with MeasurementSet(vis) as ms:
        used = np.unique(np.concatenate([ms.read("ANTENNA1"), ms.read("ANTENNA2")]))
        antennas = [ms.metadata.antennas[int(k)] for k in used]
        telescope = ms.metadata.observations[0].telescope_name if ms.metadata.observations else ""
    positions = np.stack([a.position_m for a in antennas])
    east, north = local_plan(positions, positions.mean(axis=0))
    east, north = east - np.median(east), north - np.median(north)
    figure = new_figure(6.4, 6.0)
    axes = figure.add_subplot()
    axes.plot(east, north, "o", color=_POINT, markersize=7, markeredgecolor="white", markeredgewidth=0.7, zorder=3)
    for antenna, x, y, (right, up) in zip(antennas, east, north, _label_sides(east, north), strict=True):
        axes.annotate(
            antenna.name, (x, y), xytext=(6 * right, 6 * up), textcoords="offset points", fontsize=7, color=INK,
            ha=("right", "center", "left")[right + 1], va=("top", "center", "bottom")[up + 1],
        )  # fmt: skip
    axes.set_aspect("equal", adjustable="datalim")
    axes.margins(0.14)
    axes.grid(color=GRID, linewidth=0.6)
    axes.set_axisbelow(True)
    axes.set_xlabel("East [m]")
    axes.set_ylabel("North [m]")
    axes.set_title(f"{telescope} antennas ({len(antennas)})".strip(), fontsize=11)
    save_figure(figure, figfile)


def _label_sides(east: np.ndarray, north: np.ndarray) -> list[tuple[int, int]]:
    """On which side of each antenna its name has most room: steps right and up, -1, 0 or 1."""
    span = max(float(np.ptp(east)), float(np.ptp(north)), 1.0) * 1.3
    taken = list(zip(east / span, north / span, strict=True))
    sides = []
    for x, y in zip(east / span, north / span, strict=True):
        best, room = (1, 0), -1.0
        for right, up in ((1, 0), (-1, 0), (1, 1), (-1, 1), (1, -1), (-1, -1), (0, 1), (0, -1)):
            # Middle of the text; names are about three times as wide as high, so distances up count thrice.
            middle = x + 0.045 * right, y + (0.028 if right == 0 else 0.02) * up
            free = (
                min(np.hypot(middle[0] - a, 3.0 * (middle[1] - b)) for a, b in taken if (a, b) != (x, y))
                if len(taken) > 1
                else 1.0
            )
            if free > room + 0.01:
                best, room, place = (right, up), free, middle
        sides.append(best)
        taken.append(place)
    return sides


def draw_uv_coverage(vis: str, figfile: str, title: str = "") -> None:
    """Plot the uv points of a MeasurementSet's unflagged rows at the middle frequency, with their conjugates.

    Parameters
    ----------
    vis, figfile : str
    title : str
    """
    with MeasurementSet(vis) as ms:
        uvw = ms.read("UVW")[~ms.read("FLAG_ROW").astype(bool)]
        frequency_hz = float(np.mean(ms.metadata.spectral_windows[0].chan_freq_hz))
    uvw = uvw[np.hypot(uvw[:, 0], uvw[:, 1]) > 0]
    uvw = uvw[:: max(1, len(uvw) // _MOST_POINTS)]
    u, v = (uvw[:, :2] * (frequency_hz / SPEED_OF_LIGHT_M_S / 1e3)).T
    figure = new_figure(6.4, 6.0)
    axes = figure.add_subplot()
    for sign, color, label in ((1.0, _POINT, "baselines"), (-1.0, _MIRROR, "conjugates")):
        axes.plot(sign * u, sign * v, ".", color=color, markersize=1.4, markeredgewidth=0, rasterized=True, label=label)
    axes.set_aspect("equal", adjustable="datalim")
    axes.invert_xaxis()
    axes.grid(color=GRID, linewidth=0.6)
    axes.set_axisbelow(True)
    axes.set_xlabel("u [kλ]")
    axes.set_ylabel("v [kλ]")
    axes.legend(markerscale=8, fontsize=8, loc="upper right", framealpha=0.9)
    axes.set_title(title or "uv coverage", fontsize=11)
    save_figure(figure, figfile)
