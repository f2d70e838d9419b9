"""Frequency frame and rest frequency of images changed: what imreframe does.

Notes
-----
As in CASA the axis itself stays linear in its own frame and world values are given in the new one through the conversion layer, with the image's own
date, place and direction. With a date for TOPO or GEO the reference value itself is brought to the new frame at that date.
"""

from __future__ import annotations

import os
import shutil
from dataclasses import replace

from casatools._base.errors import DataError, ParameterError
from casatools._base.paths import staged_output
from casatools.analysis.sub_images import sub_image
from casatools.frames import image_frames
from casatools.frames.epochs import parse_epoch
from casatools.frames.quantities import to_unit
from casatools.io.image import CasaImage
from casatools.io.image.coordinates import Coordinates
from casatools.io.image.coordinates.observation import ObservationInfo
from casatools.io.image.coordinates.spectral import make_conversion, spectral_frame

__all__ = ["reframe_image", "reframed"]


def reframed(coordinates: Coordinates, frame: str, epoch: str = "", rest_frequency: object = "") -> Coordinates:
    """Coordinates whose world frequencies are in another frame.

    Parameters
    ----------
    coordinates : Coordinates
    frame : str
        "" leaves the frame.
    epoch : str
        Date for TOPO and GEO; "" for the image's own.
    rest_frequency : quantity
        "" leaves it.

    Raises
    ------
    DataError
        There is no spectral axis.
    ParameterError
        Frame, date or rest frequency cannot be read, or the image has no direction or telescope to convert with.
    """
    index = coordinates.find("Spectral")
    spectral = coordinates.spectral
    if index is None or spectral is None:
        raise DataError("the image has no spectral axis whose frame could be changed")
    result = coordinates.copy()
    if not (isinstance(rest_frequency, str) and not rest_frequency.strip()):
        hz = float(to_unit(rest_frequency, "Hz"))
        if hz <= 0:
            raise ParameterError(f"parameter 'restfreq' must be a frequency above 0; got {rest_frequency!r}")
        frequencies = spectral.rest_frequencies.copy()
        frequencies[spectral.rest_index] = hz / float(spectral.hz)
        spectral = replace(spectral, rest_frequencies=frequencies)
    code = spectral_frame(frame) if frame.strip() else spectral.frame
    if epoch.strip():
        if code not in ("TOPO", "GEO"):
            raise ParameterError(f"parameter 'epoch' is only used with outframe='topo' or 'geo'; got outframe={frame!r}")
        date = {"type": "epoch", "refer": "UTC", "m0": {"value": parse_epoch(epoch) / 86400.0, "unit": "d"}}
        observation: ObservationInfo = replace(result.observation, date=date)
        result.observation = observation
        if code != spectral.frame:
            measures = image_frames.image_frame_measures(observation, result.direction)
            factor = image_frames.frequency_factor(spectral.frame, code, measures)
            spectral = spectral.with_frame(code).with_reference(value=spectral.reference_value * factor)
        spectral = replace(spectral, conversion=make_conversion(code))
    elif frame.strip():
        own = code == spectral.frame
        spectral = replace(spectral, conversion=make_conversion(code) if own else image_frames.conversion_record(result, code))
    result.replace(index, spectral)
    return result


def reframe_image(path: str, output: str, frame: str, epoch: str = "", rest_frequency: object = "") -> None:
    """Give an image, or a copy of it, frequencies in another frame.

    Parameters
    ----------
    path : str
    output : str
        "" changes the image itself.
    frame, epoch, rest_frequency
        See `reframed`.

    Raises
    ------
    OutputExistsError, PathMissingError, DataError, ParameterError
        The output exists, the image is missing or has no spectral axis, or an option cannot be read.
    """
    with CasaImage.open(path, writable=not output) as image:
        coordinates = reframed(image.coordinates, frame, epoch, rest_frequency)
        if not output:
            image.coordinates = coordinates
            return
        with staged_output(output) as staged:
            if os.path.isdir(image.path):
                shutil.copytree(image.path, staged)
            else:
                sub_image(image, staged)
            with CasaImage.open(staged, writable=True) as made:
                made.coordinates = coordinates
