"""Images as clean masks, on whatever pixels they are."""

from __future__ import annotations

import numpy as np

from casatools._base.errors import DataError
from casatools.analysis.regrid_places import SkyPlaces, axis_places, sky_places
from casatools.imaging.start_model import same_sky
from casatools.io.image import CasaImage
from casatools.io.image.coordinates.system import Coordinates

__all__ = ["add_mask_image"]


def add_mask_image(path: str, coordinates: Coordinates, into: np.ndarray) -> None:
    """Set a mask where an image is neither zero nor blank.

    Parameters
    ----------
    path : str
        Image with a sky plane, polarization and frequency. Each pixel of the mask takes the one of the image that it is nearest to, on the sky and in
        frequency; one channel, or one polarization, is that of all.
    coordinates : Coordinates
        Of the mask.
    into : ndarray (chan, pol, y, x) bool
        Changed in place.

    Raises
    ------
    DataError
        The image has other axes, or several channels or polarizations where the mask has not, or nothing in common with the mask.
    """
    shape = into.shape
    with CasaImage.open(path) as image:
        own, given = image.coordinates, image.shape
        if len(given) != 4 or (given[0] != 1 and shape[0] == 1) or given[1] not in (1, shape[1]):
            raise DataError(
                f"mask image {path!r} has the shape {given[::-1]}, this run makes {shape[::-1]}; it may have other pixels of the sky, and one channel or "
                "polarization for all"
            )
        places = _places(path, own, given, coordinates, shape)
        channels = _channels(path, own, given[0], coordinates, shape[0])
        for chan, source in enumerate(channels):
            if source < 0:
                continue
            pixels = image.read((slice(source, source + 1),))[0]
            found = (pixels != 0) & np.isfinite(pixels)
            if places is not None:
                rows, columns = (
                    np.clip(np.rint(v), 0, n - 1).astype(np.int64) for v, n in ((places.y, given[2]), (places.x, given[3]))
                )
                found = found[:, rows, columns] & places.inside
            into[chan] |= np.broadcast_to(found, shape[1:])


def _channels(path: str, own: Coordinates, count: int, coordinates: Coordinates, wanted: int) -> list[int]:
    """The channel of the image for each one of the mask; -1 where there is none."""
    if count == 1:
        return [0] * wanted
    axis = own.spectral_axis
    if axis is None or axis != coordinates.spectral_axis:
        if count != wanted:
            raise DataError(f"mask image {path!r} has {count} channels and no frequencies, this run makes {wanted} channels")
        return list(range(wanted))
    where = np.rint(axis_places(own, coordinates, axis, wanted, False, True) + 1e-6)
    found = [int(v) if np.isfinite(v) and 0 <= v < count else -1 for v in where]
    if max(found) < 0:
        raise DataError(f"mask image {path!r} has none of the frequencies of this run")
    return found


def _places(
    path: str, own: Coordinates, given: tuple[int, ...], coordinates: Coordinates, shape: tuple[int, ...]
) -> SkyPlaces | None:
    """Where the pixels of the mask are in the image; None where both have the same ones."""
    if own.direction is None or own.direction_axes != coordinates.direction_axes:
        if given[2:] != shape[2:]:
            raise DataError(f"mask image {path!r} has no sky plane and the shape {given[::-1]}, this run makes {shape[::-1]}")
        return None
    if same_sky(own, coordinates, given, shape):
        return None
    places = sky_places(own, coordinates, shape[::-1], (given[3], given[2]), "nearest", 10, True)
    if not places.inside.any():
        raise DataError(f"mask image {path!r} does not overlap with the images of this run")
    return places
