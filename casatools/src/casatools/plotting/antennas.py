"""The plan of the antennas of an array."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from casatools._base.errors import ParameterError
from casatools.frames.observatories import itrf_to_geodetic, observatory_names, observatory_position
from casatools.io.ms import MeasurementSet
from casatools.plotting.figure import GRID, INK, new_figure, save_figure

__all__ = ["AntennaPlanOptions", "local_plan", "plot_antennas"]


@dataclass(frozen=True)
class AntennaPlanOptions:
    """How to plot the antennas."""

    index: bool = False
    log_radius: bool = False
    exclude: tuple[str, ...] = ()
    only_with_baselines: bool = False
    title: str = ""


def local_plan(positions_m: np.ndarray, centre_m: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """East and north of a centre [m].

    Parameters
    ----------
    positions_m : ndarray (ant, 3) [m]
        ITRF.
    centre_m : ndarray (3,) [m]
    """
    lon, lat, _ = (float(np.ravel(v)[0]) for v in itrf_to_geodetic(np.asarray(centre_m, dtype=np.float64)))
    offset = positions_m - centre_m
    east = -np.sin(lon) * offset[:, 0] + np.cos(lon) * offset[:, 1]
    north = -np.sin(lat) * (np.cos(lon) * offset[:, 0] + np.sin(lon) * offset[:, 1]) + np.cos(lat) * offset[:, 2]
    return east, north


def _excluded(names: Sequence[str], wanted: Sequence[str]) -> set[int]:
    found: set[int] = set()
    for text in wanted:
        if text in names:
            found.add(list(names).index(text))
        elif text.isdigit() and int(text) < len(names):
            found.add(int(text))
        else:
            raise ParameterError(f"plotants: parameter 'exclude' must name antennas out of {', '.join(names)}; got {text!r}")
    return found


def plot_antennas(path: str, figfile: str, options: AntennaPlanOptions) -> None:
    """Plot the antennas of a MeasurementSet.

    Parameters
    ----------
    path, figfile : str
        The data, and the file to write; "" only checks.
    options : AntennaPlanOptions
    """
    with MeasurementSet(path) as ms:
        antennas = ms.metadata.antennas
        telescope = ms.metadata.observations[0].telescope_name if ms.metadata.observations else ""
        used = (
            set(np.unique(np.concatenate([ms.read("ANTENNA1"), ms.read("ANTENNA2")])).tolist())
            if options.only_with_baselines
            else None
        )
    skip = _excluded([a.name for a in antennas], options.exclude)
    chosen = [a for a in antennas if a.id not in skip and (used is None or a.id in used)]
    if not chosen:
        raise ParameterError("plotants: no antenna is left to plot")
    positions = np.stack([a.position_m for a in chosen])
    known = {n.upper() for n in observatory_names()}
    centre = observatory_position(telescope).itrf_m if telescope.upper() in known else positions.mean(axis=0)
    east, north = local_plan(positions, np.asarray(centre))
    labels = [f"{a.name} ({a.id})" if options.index else a.name for a in chosen]
    figure = new_figure(8.5, 8.0)
    axes = figure.add_subplot(projection="polar" if options.log_radius else None)
    if options.log_radius:
        radius = np.log10(np.maximum(np.hypot(east, north), 1.0))
        x, y = np.arctan2(north, east), radius
        low = max(0.0, float(np.floor(radius.min())) - 0.2)
        axes.set_ylim(low, float(radius.max()) + 0.1)
        ticks = [t for t in range(int(np.ceil(low)), int(radius.max()) + 2) if low < t < radius.max() + 0.1]
        axes.set_yticks(ticks, [f"{10.0**t:g} m" for t in ticks], fontsize=8, color="#777777")
        axes.set_xticks(np.radians([0, 90, 180, 270]), ["E", "N", "W", "S"])
    else:
        x, y = east, north
        axes.set_aspect("equal", adjustable="datalim")
        axes.margins(0.12)
        axes.set_xlabel("East [m]")
        axes.set_ylabel("North [m]")
    axes.grid(color=GRID, linewidth=0.6)
    axes.set_axisbelow(True)
    axes.plot(x, y, "o", color="#1f6fb4", markersize=6, markeredgecolor="white", markeredgewidth=0.6)
    for label, px, py in zip(labels, x, y, strict=True):
        axes.annotate(label, (px, py), xytext=(5, 4), textcoords="offset points", fontsize=8, color=INK)
    axes.set_title(
        options.title or f"Antenna positions: {path.rstrip('/').split('/')[-1]}" + (f" ({telescope})" if telescope else ""),
        fontsize=11,
    )
    if figfile:
        save_figure(figure, figfile)
