"""Profiles of images: a statistic of all other axes for each pixel of one axis."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from casatools._base.constants import SPEED_OF_LIGHT_M_S
from casatools._base.errors import ParameterError
from casatools.analysis.collapsed_images import COLLAPSE_FUNCTIONS, collapse_function, collapse_scale
from casatools.analysis.plane_slabs import SlabReader
from casatools.analysis.sub_images import PixelChoice
from casatools.frames.image_frames import frequency_factor, image_frame_measures, layer_factor
from casatools.frames.quantities import conforms, to_unit
from casatools.io.formats.fits_cards import air_wavelength
from casatools.io.image import CasaImage
from casatools.io.image.coordinates.spectral import spectral_frame

__all__ = ["ProfileOptions", "image_profile"]

_KINDS = ("default", "frequency", "radio velocity", "optical velocity", "relativistic velocity", "wavelength", "air wavelength")


@dataclass(frozen=True)
class ProfileOptions:
    """What a profile shows.

    Attributes
    ----------
    axis : int
        Pixel axis in CASA order; -1 is the spectral one.
    function : str
        A statistic of `collapsed_images`.
    unit : str
        Unit of the coordinate; "" is that of the axis.
    kind : str
        Spectral coordinate: default, frequency, radio velocity, optical velocity, relativistic velocity or wavelength.
    rest : str
        Rest frequency in the place of the image's.
    frame : str
        Spectral frame of the coordinate; "" is the image's.
    """

    axis: int = -1
    function: str = "mean"
    unit: str = ""
    kind: str = "default"
    rest: str = ""
    frame: str = ""

    def __post_init__(self) -> None:
        given = self.kind.strip().lower()
        kind = next((k for k in _KINDS if given and k.startswith(given)), None)
        if kind is None:
            raise ParameterError(
                f"parameter 'spectype' must be one of {', '.join(_KINDS)} or the beginning of one; got {self.kind!r}"
            )
        object.__setattr__(self, "kind", kind)


def image_profile(image: CasaImage, choice: PixelChoice, options: ProfileOptions) -> dict[str, Any]:
    """A profile along one axis.

    Returns
    -------
    dict
        ``coords values mask npix planes xUnit yUnit``; arrays (pixel of the axis,).

    Raises
    ------
    ParameterError
        The image has no such axis, or the unit does not fit it.
    """
    ndim = image.ndim
    spectral = image.coordinates.spectral_axis
    if options.axis < 0 and spectral is None:
        raise ParameterError("the image has no spectral axis; parameter 'axis' must name the axis of the profile")
    axis = spectral if options.axis < 0 and spectral is not None else options.axis
    if axis >= ndim:
        raise ParameterError(f"axis {axis} is not in the image; its axes are 0 to {ndim - 1}")
    name = collapse_function(options.function)
    others = [a for a in range(ndim) if a != axis]
    scale, unit = collapse_scale(image, name, [a for a in others if a in image.coordinates.direction_axes] or others)
    chosen = choice.of(image)
    array_axis = ndim - 1 - axis
    count = chosen.pixels.box_shape[array_axis]
    if name not in ("mean", "sum"):
        chosen.require_real(f"the {name} is one of")
    values = np.zeros(count, np.result_type(image.dtype, np.float64))
    mask, number = np.zeros(count, bool), np.zeros(count, np.uint64)
    planes = SlabReader(chosen)
    for k in range(count):
        block = tuple(slice(k, k + 1) if a == array_axis else slice(0, n) for a, n in enumerate(chosen.pixels.box_shape))
        plane, good = planes.read(block)
        number[k] = plane.size if good is None else np.count_nonzero(good)
        mask[k] = number[k] > 0
        if mask[k]:
            chan = chosen.pixels.first[array_axis] + k if axis == spectral else 0
            values[k] = np.asarray(COLLAPSE_FUNCTIONS[name](plane, good, tuple(range(ndim)))).item() * scale.of(chan)
    at = np.arange(count) + chosen.pixels.first[array_axis]
    coords, x_unit = _coordinates(image, axis, at, options)
    return {
        "coords": coords, "mask": mask, "npix": number, "planes": at.astype(np.float64), "values": values, "xUnit": x_unit,
        "yUnit": image.unit if unit is None else unit,
    }  # fmt: skip


def _coordinates(image: CasaImage, axis: int, pixels: np.ndarray, options: ProfileOptions) -> tuple[np.ndarray, str]:
    coordinates = image.coordinates
    if options.unit == "pixel":
        return pixels.astype(np.float64), "pixel"
    position = np.repeat(coordinates.reference_pixel[:, None], len(pixels), axis=1)
    position[axis] = pixels
    world_axis = coordinates.pixel_to_world_axis(axis)
    world, own = coordinates.to_world(position)[world_axis], coordinates.units[world_axis]
    spectral = coordinates.spectral
    if axis != coordinates.spectral_axis or spectral is None:
        return _in_unit(world, own, options.unit), options.unit or own
    hz = world * float(spectral.hz)
    if not options.frame:
        hz = hz * layer_factor(spectral)
    elif spectral_frame(options.frame) != spectral.frame:
        measures = image_frame_measures(coordinates.observation, coordinates.direction)
        hz = hz * frequency_factor(spectral.frame, spectral_frame(options.frame), measures)
    kind = options.kind
    if kind == "default":  # the unit tells, as in CASA
        kinds = {"m/s": "relativistic velocity", "m": "wavelength"}
        kind = next((k for base, k in kinds.items() if options.unit and conforms(options.unit, base)), "frequency")
    if kind == "frequency":
        return _in_unit(hz, "Hz", options.unit or own), options.unit or own
    if kind.endswith("wavelength"):
        waves = SPEED_OF_LIGHT_M_S / hz
        if kind.startswith("air"):
            waves = air_wavelength(waves)
        return _in_unit(waves, "m", options.unit or "mm"), options.unit or "mm"
    rest = float(to_unit(options.rest, "Hz")) if options.rest else float(spectral.rest_frequency_hz)
    if rest <= 0:
        raise ParameterError("velocities need a rest frequency; the image has none, give restfreq")
    ratio = hz / rest
    velocity = {
        "radio velocity": 1.0 - ratio, "optical velocity": 1.0 / ratio - 1.0,
        "relativistic velocity": (1.0 - ratio**2) / (1.0 + ratio**2),
    }[kind] * SPEED_OF_LIGHT_M_S  # fmt: skip
    return _in_unit(velocity, "m/s", options.unit or "km/s"), options.unit or "km/s"


def _in_unit(values: np.ndarray, own: str, wanted: str) -> np.ndarray:
    if not wanted or wanted == own:
        return values
    return values * float(to_unit({"value": 1.0, "unit": own}, wanted))
