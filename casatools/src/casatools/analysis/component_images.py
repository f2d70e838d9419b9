"""Sky components added to the pixels of an image.

Notes
-----
A component is sampled at the centres of the pixels [Jy/pixel]; in an image per beam the value is that of as many pixels as a beam covers. It is
not convolved with the beam, as in CASA: give it the beam's shape to add what the beam would see. A point is put into the nearest pixel.
Frequencies of spectra are taken in the frame of the image.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from casatools._base import log
from casatools._base.errors import DataError, ParameterError
from casatools._base.paths import staged_output
from casatools.analysis.gaussian_sources import Source, sky_offsets, source_values
from casatools.analysis.sky_planes import SkyPlanes
from casatools.analysis.sub_images import PixelChoice
from casatools.components.component_list import ComponentList
from casatools.components.model import Amount, Component, Shape
from casatools.frames.directions import convert_directions
from casatools.frames.quantities import convert_value
from casatools.imaging.beam_fit import GaussianBeam
from casatools.imaging.restoration import beam_difference
from casatools.io.image import CasaImage
from casatools.io.image.coordinates import Coordinates

__all__ = ["add_components", "deconvolve_components", "write_component_image"]


def add_components(image: CasaImage, components: ComponentList, choice: PixelChoice, sign: float = 1.0) -> None:
    """Add (sign 1) or subtract (-1) components in the chosen pixels of a writable image, plane by plane.

    Raises
    ------
    DataError
        The image has no sky plane, is per beam and has no beam, or the list is empty.
    SelectionError
        Nothing is selected.
    """
    if not len(components):
        raise DataError("the component list is empty: there is nothing to add to the image")
    axes = SkyPlanes(image)
    per_beam = image.unit.partition("/")[2].startswith("beam")
    if per_beam and not image.beams:
        raise DataError(
            f"image {image.path!r} is in {image.unit} but has no restoring beam: flux densities cannot be put into its pixels"
        )
    if not per_beam and not image.unit.endswith("/pixel"):
        log.post(f"the unit of {image.path} is {image.unit!r}; it is taken as Jy/pixel", "WARN")
    chosen = choice.of(image)
    first, box = chosen.pixels.first, chosen.pixels.box_shape
    templates = [(c, _template(image, axes, c)) for c in components]
    stokes_names = image.coordinates.stokes.labels if image.coordinates.stokes is not None else ["I"]
    for at in np.ndindex(*(1 if k in (axes.x_axis, axes.y_axis) else n for k, n in enumerate(box))):
        block = tuple(slice(0, box[k]) if k in (axes.x_axis, axes.y_axis) else slice(at[k], at[k] + 1) for k in range(len(box)))
        values, _ = chosen.read(block)
        there = tuple(slice(f + s.start, f + s.stop) for f, s in zip(first, block, strict=True))
        good = chosen.chosen(there)  # of region and expression; what is masked in the image holds the components too
        channel = first[axes.channel_axis] + at[axes.channel_axis] if axes.channel_axis is not None else 0
        plane = first[axes.stokes_axis] + at[axes.stokes_axis] if axes.stokes_axis is not None else 0
        added = _plane(axes, templates, channel, stokes_names[plane])
        if per_beam:
            added *= image.beams.at(channel, plane).area_rad2 / axes.geometry.pixel_area_rad2
        window = added[
            first[axes.y_axis] : first[axes.y_axis] + box[axes.y_axis], first[axes.x_axis] : first[axes.x_axis] + box[axes.x_axis]
        ]
        changed = values + sign * axes.block(window)
        if good is not None:
            changed = np.where(good, changed, values)
        image.write(changed.astype(image.dtype), there)


def write_component_image(
    path: str, shape: tuple[int, ...], coordinates: Coordinates, components: ComponentList, overwrite: bool = False
) -> None:
    """Write an image [Jy/pixel] of sky components.

    Parameters
    ----------
    path : str
    shape : tuple of int
        Array order.
    coordinates : Coordinates
    components : ComponentList
    overwrite : bool

    Raises
    ------
    DataError
        The list is empty, or the coordinates have no sky plane.
    ParameterError, OutputExistsError
        Shape and coordinates do not fit, or the output exists.
    """
    if not len(components):
        raise DataError("the component list is empty: there is nothing to make an image of")
    with staged_output(path, overwrite) as staged, CasaImage.create(staged, shape, coordinates, unit="Jy/pixel") as made:
        for block in made.iter_slices():
            made.write(np.zeros([s.stop - s.start for s in block], np.float32), block)
        add_components(made, components, PixelChoice())


def deconvolve_components(image: CasaImage, components: ComponentList, channel: int = -1, stokes: int = -1) -> ComponentList:
    """Components with the beam of an image taken out of their shapes; those no larger than the beam become points.

    Parameters
    ----------
    image : CasaImage
    components : ComponentList
    channel, stokes : int
        Plane of the beam; negative where there is one for all.

    Raises
    ------
    DataError
        The image has no beam.
    ParameterError
        It has a beam for each plane and no plane is named, or there is no such plane.
    """
    beams = image.beams
    if not beams:
        raise DataError(f"image {image.path!r} has no restoring beam to be taken out")
    if beams.is_per_plane and ((channel < 0 and beams.nchan > 1) or (stokes < 0 and beams.nstokes > 1)):
        raise ParameterError(f"image {image.path!r} has a beam for each plane; name the channel and the polarization")
    if (channel >= max(beams.nchan, 1) and beams.is_per_plane) or (stokes >= max(beams.nstokes, 1) and beams.is_per_plane):
        raise ParameterError(f"image {image.path!r} has {beams.nchan} channels and {beams.nstokes} polarizations with beams")
    beam = beams.at(max(channel, 0), max(stokes, 0))
    inner = GaussianBeam(beam.major_rad, beam.minor_rad, beam.position_angle_rad)
    made = []
    for component in components:
        shape = component.shape
        if shape.kind != "Point":
            assert shape.major is not None and shape.minor is not None and shape.angle is not None
            outer = GaussianBeam(shape.major.in_unit("rad"), shape.minor.in_unit("rad"), shape.angle.in_unit("rad"))
            left = beam_difference(outer, inner)
            if left is None or left.major_rad <= 0:
                shape = Shape("Point", shape.lon_rad, shape.lat_rad, shape.frame)
            else:
                sizes = (Amount(float(np.degrees(v)) * 3600.0, "arcsec") for v in (left.major_rad, left.minor_rad))
                major, minor = sizes
                shape = replace(shape, major=major, minor=minor, angle=Amount(float(np.degrees(left.angle_rad)) % 180.0, "deg"))
        made.append(replace(component, shape=shape))
    return ComponentList(made)


def _template(image: CasaImage, axes: SkyPlanes, component: Component) -> np.ndarray:
    """A component of 1 Jy on the pixels (y, x) [Jy/pixel]."""
    shape = component.shape
    direction = axes.direction
    lon, lat = convert_directions(shape.lon_rad, shape.lat_rad, shape.frame, direction.frame)
    world = np.array([[float(np.ravel(lon)[0])], [float(np.ravel(lat)[0])]])
    scale = np.array([[float(convert_value(1.0, "rad", u))] for u in direction.units])
    x0, y0 = (float(v) for v in direction.to_pixel(world * scale)[:, 0])
    ny, nx = image.shape[axes.y_axis], image.shape[axes.x_axis]
    plane = np.zeros((ny, nx))
    if not np.isfinite(x0 + y0):
        return plane
    if shape.kind == "Point":
        column, row = int(np.rint(x0)), int(np.rint(y0))
        if 0 <= column < nx and 0 <= row < ny:
            plane[row, column] = 1.0
        return plane
    assert shape.major is not None and shape.minor is not None and shape.angle is not None
    source = Source(1.0, x0, y0, shape.major.in_unit("rad"), shape.minor.in_unit("rad"), shape.angle.in_unit("rad"))
    y, x = np.mgrid[:ny, :nx].astype(np.float64)
    area = np.pi / 4.0 * source.major_rad * source.minor_rad / axes.geometry.pixel_area_rad2
    if shape.kind == "Gaussian":
        return source_values(source, axes.geometry, x, y) * np.log(2.0) / area
    along, across = sky_offsets(source, axes.geometry, x, y)
    inside = (2.0 * along / source.major_rad) ** 2 + (2.0 * across / source.minor_rad) ** 2 <= 1.0
    return np.where(inside, 1.0 / area, 0.0)


def _plane(axes: SkyPlanes, templates: list[tuple[Component, np.ndarray]], channel: int, stokes: str) -> np.ndarray:
    """All components on one plane (y, x) [Jy/pixel]."""
    hz = axes.frequency_hz(channel)
    total = np.zeros_like(templates[0][1])
    for component, template in templates:
        values = component.stokes_at(np.array([component.spectrum.reference_hz if hz is None else hz]))[:, 0]
        if stokes in ("I", "Q", "U", "V"):
            flux = float(values["IQUV".index(stokes)])
        else:
            polarized = component.flux.to_polarization("Circular" if stokes[0] in "RL" else "Linear")
            names = ("RR", "RL", "LR", "LL") if stokes[0] in "RL" else ("XX", "XY", "YX", "YY")
            if stokes not in names:
                continue
            flux = float(polarized.to_unit("Jy").values[names.index(stokes)].real)
        total += flux * template
    return total
