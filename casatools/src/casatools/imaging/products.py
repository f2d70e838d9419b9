"""The images that an imaging run writes, with the units, masks, beams and names that CASA gives them."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np

from casatools._base.errors import DataError
from casatools._base.paths import remove_output, require_writable_parent, working_folder
from casatools.imaging.beam_fit import GaussianBeam
from casatools.imaging.plane_store import PlaneStore
from casatools.io.image import Beam, BeamSet, CasaImage
from casatools.io.image.coordinates.system import Coordinates

__all__ = ["ImageWriter", "LazyPlanes", "beam_set", "mask_values", "read_into", "read_planes", "staged_images"]


@contextmanager
def staged_images(base: str) -> Iterator[str]:
    """Yield a folder beside the images to come; what is in it replaces images of the same name when the block ends well."""
    require_writable_parent(base)
    parent = os.path.dirname(os.path.abspath(base))
    with working_folder(parent, os.path.basename(base)) as folder:
        yield folder
        for name in sorted(os.listdir(folder)):
            target = os.path.join(parent, name)
            remove_output(target)
            os.rename(os.path.join(folder, name), target)


def beam_set(beams: Sequence[GaussianBeam | None], nstokes: int) -> BeamSet | None:
    """The beams of an image: one when there is one channel, else one a plane; None without any.

    Channels without data are given the beam of the nearest channel that has some, as CASA does.
    """
    present = [k for k, b in enumerate(beams) if b is not None]
    if not present:
        return None
    beams = [beams[min(present, key=lambda k: abs(k - chan))] for chan in range(len(beams))]

    def converted(beam: GaussianBeam | None) -> Beam:
        return Beam.from_rad(beam.major_rad, beam.minor_rad, beam.angle_rad) if beam is not None else Beam.from_rad(0.0, 0.0, 0.0)

    if len(beams) == 1 and nstokes == 1:
        return BeamSet.single(converted(beams[0]))
    return BeamSet.per_plane([[converted(b)] * nstokes for b in beams])


@dataclass(frozen=True)
class LazyPlanes:
    """Planes that are made when they are written.

    Attributes
    ----------
    shape : tuple of int
        (chan, pol, y, x).
    make : callable
        Gives the planes (pol, y, x) of a channel.
    """

    shape: tuple[int, ...]
    make: Callable[[int], np.ndarray]

    def __getitem__(self, chan: int) -> np.ndarray:
        return self.make(chan)


class ImageWriter:
    """Writes images of one run into a staging folder.

    Parameters
    ----------
    folder : str
        From `staged_images`.
    base : str
        Beginning of the names.
    coordinates : Coordinates
    telescope, object_name : str
    history : sequence of str
        Lines for the history of each image.
    task : str
        What wrote it.
    store : PlaneStore, optional
        Where the planes are.
    """

    def __init__(
        self,
        folder: str,
        base: str,
        coordinates: Coordinates,
        telescope: str,
        object_name: str,
        history: Sequence[str],
        task: str = "tclean",
        store: PlaneStore | None = None,
    ) -> None:
        self.folder, self.base = folder, os.path.basename(base)
        self.task, self.store = task, store or PlaneStore()
        self.coordinates, self.telescope, self.object_name, self.history = coordinates, telescope, object_name, list(history)

    def write(
        self,
        suffix: str,
        pixels: np.ndarray | LazyPlanes,
        unit: str = "",
        beams: BeamSet | None = None,
        mask: np.ndarray | None = None,
        coordinates: Coordinates | None = None,
        note: dict[str, Any] | None = None,
    ) -> None:
        """Write one image ``base.suffix``.

        Parameters
        ----------
        suffix : str
        pixels : ndarray or LazyPlanes (chan, pol, y, x)
        unit : str
        beams : BeamSet, optional
        mask : ndarray of bool (chan, pol, y, x), optional
            True where good; stored as ``mask0``.
        coordinates : Coordinates, optional
            Other ones than those of the run.
        note : dict, optional
            More values to keep with the image.
        """
        path = os.path.join(self.folder, f"{self.base}.{suffix}")
        where = coordinates if coordinates is not None else self.coordinates
        with CasaImage.create(
            path, pixels.shape, where, np.float32, unit=unit, mask="mask0" if mask is not None else ""
        ) as image:
            image.misc_info = {"INSTRUME": self.telescope, "distance": 0.0, **(note or {})}
            image.object_name = self.object_name
            for chan in self.store.each(range(pixels.shape[0])):
                image.write(pixels[chan], (slice(chan, chan + 1),))
                if mask is not None:
                    image.write_mask(mask[chan], (slice(chan, chan + 1),))
            if beams is not None:
                image.beams = beams
            image.append_history(self.history, self.task)


def read_planes(path: str, shape: tuple[int, ...], coordinates: Coordinates | None = None) -> np.ndarray:
    """Pixels of an image of an earlier run, which must have the shape of this one.

    Raises
    ------
    DataError
        Its shape is another, or it lies elsewhere on the sky or in frequency than `coordinates` say.
    """
    found = np.empty(shape, np.float32)
    read_into(path, found, coordinates)
    return found


def read_into(path: str, target: np.ndarray, coordinates: Coordinates | None = None) -> None:
    """As `read_planes` into an array, channel by channel; one of bool gets where pixels are not zero."""
    otherwise = "give another imagename or restart=False"
    with CasaImage.open(path) as image:
        if image.shape != target.shape:
            raise DataError(f"image {path!r} has the shape {image.shape[::-1]}, this run makes {target.shape[::-1]}: {otherwise}")
        if coordinates is not None and (axes := _other_axes(image, coordinates)):
            raise DataError(f"image {path!r} of an earlier run has other {axes} than this run makes: {otherwise}")
        for chan in range(len(target)):
            target[chan] = image.read((slice(chan, chan + 1),))[0]


def _other_axes(image: CasaImage, coordinates: Coordinates) -> str:
    """What of the coordinates of an image is not, to half a pixel, what is wanted; one channel stands for whatever band it was made of."""
    sky, wanted = image.coordinates.direction, coordinates.direction
    if sky is not None and wanted is not None:
        if sky.frame != wanted.frame:
            return f"directions ({sky.frame})"
        if wanted.pixels_apart(sky, image.shape[:-3:-1]) > 0.5:
            return "pixels on the sky"
    band, channels = image.coordinates.spectral, coordinates.spectral
    if band is not None and channels is not None and len(image.shape) == 4 and image.shape[0] > 1:
        ends = np.array([[0.0, image.shape[0] - 1.0]])
        if band.frame != channels.frame or np.abs(channels.to_pixel(band.to_world(ends)) - ends).max() > 0.5:
            return "channels"
    return ""


def mask_values(value: Any, coordinates: Coordinates, shape: tuple[int, ...], into: np.ndarray | None = None) -> np.ndarray:
    """A clean mask (chan, pol, y, x) of bool from an image, region text or file, or a list of these.

    With `into`, an array of False is filled and given back.

    Raises
    ------
    SelectionError, ParameterError, DataError
        It is none of these, or does not fit.
    """
    from casatools.analysis.regions import ImageSelection
    from casatools.imaging.mask_images import add_mask_image

    items = list(value) if isinstance(value, (list, tuple)) else [value]
    if items and all(isinstance(v, (int, float)) for v in items):
        items = [f"box[[{items[0]}pix,{items[1]}pix],[{items[2]}pix,{items[3]}pix]]"] if len(items) == 4 else items
    result = np.zeros(shape, dtype=bool) if into is None else into
    for item in items:
        if isinstance(item, (list, tuple)) and len(item) == 4:
            item = f"box[[{item[0]}pix,{item[1]}pix],[{item[2]}pix,{item[3]}pix]]"
        text = str(item).strip()
        if os.path.isdir(text):
            add_mask_image(text, coordinates, result)
            continue
        chosen = ImageSelection(region=text).resolve(coordinates, shape)
        block = chosen.block(chosen.slices)
        result[chosen.slices] |= True if block is None else block
    return result
