"""Axes of plots on the sky: the coordinates of images as astropy knows them, beams, labels."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from matplotlib.patches import Ellipse
from matplotlib.patheffects import withStroke

from casatools._base.errors import DataError
from casatools.io.image import CasaImage

__all__ = ["axis_labels", "beam_patch", "label_inside", "leaves_sky", "sky_wcs"]

# Letters of the axes' types, RADESYS and EQUINOX of frames that astropy draws.
_FRAMES = {
    "J2000": ("RA---", "DEC--", "FK5", 2000.0), "ICRS": ("RA---", "DEC--", "ICRS", np.nan), "B1950": ("RA---", "DEC--", "FK4", 1950.0),
    "GALACTIC": ("GLON-", "GLAT-", "", np.nan), "SUPERGAL": ("SLON-", "SLAT-", "", np.nan), "ECLIPTIC": ("ELON-", "ELAT-", "", np.nan),
}  # fmt: skip
_LABELS = {
    "J2000": ("Right ascension (J2000)", "Declination (J2000)"), "ICRS": ("Right ascension (ICRS)", "Declination (ICRS)"),
    "B1950": ("Right ascension (B1950)", "Declination (B1950)"), "GALACTIC": ("Galactic longitude", "Galactic latitude"),
}  # fmt: skip


def sky_wcs(image: CasaImage) -> Any:
    """The sky axes of an image as an `astropy.wcs.WCS` of two axes.

    Raises
    ------
    DataError
        The image has no sky axes.
    """
    from astropy.wcs import WCS

    direction = image.coordinates.direction
    if direction is None or len(image.coordinates.direction_axes) != 2:
        raise DataError(f"image {image.path!r} has no sky axes to be drawn on")
    first, second, system, equinox = _FRAMES.get(direction.frame, _FRAMES["ICRS"])
    wcs = WCS(naxis=2)
    wcs.wcs.ctype = [first + direction.projection, second + direction.projection]
    wcs.wcs.crval = np.degrees(direction.reference_rad)
    wcs.wcs.cdelt = np.degrees(direction.increment_rad)
    wcs.wcs.crpix = np.asarray(direction.reference_pixel) + 1.0
    wcs.wcs.pc = direction.matrix
    wcs.wcs.lonpole = direction.longpole
    if direction.latpole < 900.0:
        wcs.wcs.latpole = direction.latpole
    if direction.projection != "ZPN" and np.any(direction.parameters):
        wcs.wcs.set_pv([(2, 1 + k, float(v)) for k, v in enumerate(direction.parameters)])
    if system:
        wcs.wcs.radesys = system
    if np.isfinite(equinox):
        wcs.wcs.equinox = equinox
    return wcs


def axis_labels(image: CasaImage) -> tuple[str, str]:
    """What is written at the two sky axes."""
    direction = image.coordinates.direction
    assert direction is not None
    first, second = direction.names
    return _LABELS.get(direction.frame, (f"{first} ({direction.frame})", f"{second} ({direction.frame})"))


def beam_patch(image: CasaImage, chan: int, stokes: int, box: tuple[int, int, int, int], color: str, fill: str = "none") -> Any:
    """An ellipse of the size of the beam in the lower left corner of a box; None without a beam."""
    beams, direction = image.beams, image.coordinates.direction
    if not beams or direction is None:
        return None
    beam = beams.at(chan, stokes)
    if beam.is_null:
        return None
    cell = abs(direction.increment_rad[1])
    major, minor = beam.major_rad / cell, beam.minor_rad / cell
    margin = 0.6 * major + 0.03 * (box[2] - box[0])
    # From north through east, as the pixels run: east is to the left in most images, but not in mirrored or turned ones.
    pa = np.radians(beam.position_angle_deg)
    x, y = np.linalg.solve(np.diag(direction.increment_rad) @ direction.matrix, [np.sin(pa), np.cos(pa)])
    return Ellipse(
        (box[0] + margin, box[1] + margin), minor, major, angle=float(np.degrees(np.arctan2(-x, y))), facecolor=fill, edgecolor=color,
        linewidth=1.2, hatch="////",
    )  # fmt: skip


Box = tuple[int, int, int, int]


def _seen(wcs: Any, box: Box, longitude: float, latitude: float) -> tuple[float, float] | None:
    """The pixel of a direction [deg]; None where it lies outside of the box or behind the plane."""
    x, y = (float(v) for v in wcs.wcs_world2pix(longitude, latitude, 0))
    if not (box[0] <= x <= box[2] and box[1] <= y <= box[3]):
        return None
    back = [float(v) for v in wcs.wcs_pix2world(x, y, 0)]
    turn = (back[0] - longitude + 180.0) % 360.0 - 180.0
    return (x, y) if abs(turn) < 1e-3 and abs(back[1] - latitude) < 1e-3 else None


def leaves_sky(wcs: Any, box: Box) -> bool:
    """True when corners of a box's pixels stand for no direction, so that ticks at the edges would be few or none."""
    for x in (box[0] - 0.5, box[2] + 0.5):
        for y in (box[1] - 0.5, box[3] + 0.5):
            longitude, latitude = (float(v) for v in wcs.wcs_pix2world(x, y, 0))
            if not abs(latitude) <= 90.0:
                return True
            back = np.array([float(v) for v in wcs.wcs_world2pix(longitude, latitude, 0)])
            if not np.abs(back - [x, y]).max() < 1e-3 * (box[2] - box[0] + 1):
                return True
    return False


def label_inside(axes: Any, wcs: Any, box: Box) -> None:
    """Meridians and parallels of a field as wide as the sky, with their names along the equator and the middle meridian."""
    from astropy import units

    for coordinate, side in zip((axes.coords[0], axes.coords[1]), "bl", strict=True):
        coordinate.set_ticks(spacing=30 * units.deg)
        coordinate.set_ticks_visible(False)
        coordinate.set_ticklabel_visible(False)
        coordinate.grid(color="white", alpha=0.4, linewidth=0.6)
        coordinate.set_axislabel_position(side)
        coordinate.set_axislabel_visibility_rule("always")
    shade = [withStroke(linewidth=1.5, foreground="black")]
    for place, text in _grid_names(wcs, box):
        axes.annotate(text, place, (2, 2), textcoords="offset points", color="white", fontsize=7, path_effects=shade)


def _grid_names(wcs: Any, box: Box) -> Iterator[tuple[tuple[float, float], str]]:
    """Pixels where the grid of a wide field is named, and the names."""
    hours, middle = wcs.wcs.ctype[0].startswith("RA"), float(wcs.wcs.crval[0])
    for longitude in range(0, 360, 60):
        place = _seen(wcs, box, float(longitude), 0.0)
        if place is not None:
            yield place, f"{longitude // 15}$^h$" if hours else f"{longitude}°"
    for latitude in (-60, -30, 30, 60):
        place = _seen(wcs, box, middle, float(latitude))
        if place is not None:
            yield place, f"{latitude:+d}°"
