"""Tables of electron columns along the lines of sight, from maps of the ionosphere."""

from __future__ import annotations

import os

import numpy as np

from casatools._base import log
from casatools._base.errors import DataError
from casatools._base.paths import require_present
from casatools.calibration.ionosphere import HEIGHT_M, TECU, column_at, pierce_points
from casatools.calibration.sky_geometry import SkyGeometry
from casatools.calibration.solve_session import check_output
from casatools.io.caltable import CalTable, SolutionGroup
from casatools.io.formats.ionex import ElectronMaps, is_ionex, read_ionex
from casatools.io.ms import MeasurementSet

__all__ = ["write_electron_columns"]


def write_electron_columns(vis: str, caltable: str, infile: str) -> None:
    """Write the electron columns of all antennas at all times as a table ``F Jones``.

    Parameters
    ----------
    vis, caltable : str
    infile : str
        An IONEX file, or an image of vertical columns [TECU] with the axes longitude, latitude, time [s].

    Raises
    ------
    PathMissingError, DataError
        The maps are missing, cannot be read or do not cover the data. Nothing is written then.
    """
    check_output(caltable, False, "F Jones")
    require_present(infile, "map of the ionosphere")
    maps = read_ionex(infile) if os.path.isfile(infile) and is_ionex(infile) else _maps_of_image(infile)
    with MeasurementSet(vis) as ms:
        every = np.arange(ms.nrow)
        keys = [np.asarray(ms.read(c, every)) for c in ("TIME", "FIELD_ID", "SCAN_NUMBER", "OBSERVATION_ID")]
        _, first = np.unique(np.stack(keys[:2], axis=1), axis=0, return_index=True)
        times, fields, scans, observations = (k[first] for k in keys)
        sky = SkyGeometry(ms)
        place, _, elevation = pierce_points(sky, times, fields)
        column = column_at(maps, times, place) / np.sin(np.maximum(elevation, np.deg2rad(5.0)))
        nant = len(ms.metadata.antennas)
        table = CalTable.for_ms(ms, "F Jones", "Float")
        table.set_single_channel(ms)
        middle = table.frequencies_hz
        table.set_frequencies({0: (middle[0], np.array([np.abs(ms.metadata.spectral_windows[0].chan_width_hz).sum()]))})
        table.keywords["IonosphereHeight(km)"] = HEIGHT_M / 1e3
        values = column.reshape(-1, 1, 1).astype(np.float32)
        group = SolutionGroup(np.zeros(0, np.int64), values, 0 * values, np.zeros(values.shape, bool), np.ones_like(values))
        table.add_rows(
            group, time_s=np.repeat(times, nant), field_id=np.repeat(fields, nant), scan=np.repeat(scans, nant),
            observation=np.repeat(observations, nant), spw_id=0, antenna1=np.tile(np.arange(nant), len(times)), antenna2=-1,
        )  # fmt: skip
        log.post(f"ionosphere: columns of {column.min() / TECU:.1f} to {column.max() / TECU:.1f} TECU along the lines of sight")
        table.write(caltable, overwrite=True)


def _maps_of_image(path: str) -> ElectronMaps:
    """Maps from an image whose third axis is time [s]."""
    from casatools.io.image import CasaImage

    with CasaImage.open(path) as image:
        direction, spectral = image.coordinates.direction, image.coordinates.spectral
        if direction is None or spectral is None or image.ndim != 3 or image.coordinates.direction_axes != (0, 1):
            raise DataError(f"{path!r} is no IONEX file and no image with the axes longitude, latitude and time")
        cube = np.asarray(image.read((slice(None),) * 3), dtype=np.float64)
        times = np.asarray(spectral.frequencies_hz(image.shape[0]))
        lon, lat = (
            np.rad2deg(direction.reference_rad[k] + (np.arange(n) - direction.reference_pixel[k]) * direction.increment_rad[k])
            for k, n in ((0, cube.shape[2]), (1, cube.shape[1]))
        )
    order = [np.argsort(axis) for axis in (times, lat, lon)]
    return ElectronMaps(times[order[0]], lat[order[1]], lon[order[2]], cube[np.ix_(*order)])
