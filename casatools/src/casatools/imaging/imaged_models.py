"""Models that are predicted as tclean does: images on the sky, kept beside the MeasurementSet with what its gridder has to know.

What a virtual model of the reference cannot hold, since it is one for all baselines and times of a scan: beams of unlike antennas, pointing tables, beams that
turn, images that follow an object. The records have a machine of their own, at which the reference stops with an error rather than predict something else.
Those that the reference writes for its mosaics are predicted from too.
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from threading import Lock
from typing import TYPE_CHECKING, Any

import numpy as np

from casatools._base.paths import require_present
from casatools.frames.directions import Direction
from casatools.imaging.frequency_grid import SpectralAxis
from casatools.imaging.image_fields import ImageField
from casatools.imaging.imager import ImagingData
from casatools.imaging.model_column import predict_rows
from casatools.imaging.request import TcleanRequest
from casatools.imaging.stepwise import image_parameters, tclean_request
from casatools.imaging.tclean_data import hold_apart
from casatools.imaging.tclean_images import FieldImages, make_field
from casatools.imaging.tracking import track_of
from casatools.imaging.visibilities import DataSource, stokes_planes
from casatools.io.image import CasaImage
from casatools.io.ms import Selection
from casatools.io.ms.model_keywords import VirtualModel, new_transform_path

if TYPE_CHECKING:
    from casatools.io.image.coordinates import Coordinates
    from casatools.io.ms import MeasurementSet, VisChunk

__all__ = ["IMAGED", "MOSAIC", "ImagedModel", "imaged_model"]

IMAGED, MOSAIC = "ImagedFT", "MosaicFTNew"
# Parameters of tclean that say how an image is predicted from.
_KEPT = (
    "imsize", "cell", "gridder", "wprojplanes", "vptable", "usepointing", "pointingoffsetsigdev", "computepastep", "rotatepastep", "aterm", "psterm", "wbawp",
    "pblimit", "deconvolver", "nterms", "specmode", "stokes", "interpolation", "phasecenter",
)  # fmt: skip


@dataclass(frozen=True)
class _Recipe:
    """What is kept of a run, beside the images.

    Attributes
    ----------
    request : TcleanRequest
    axis : SpectralAxis
        Of the images; of Taylor terms their reference frequency.
    main, centre : Direction
        Phase centres of the run's main image and of this one.
    is_split : bool
        The image has channels that many of the data belong to (a virtual cube).
    """

    request: TcleanRequest
    axis: SpectralAxis
    main: Direction
    centre: Direction
    is_split: bool = False


def imaged_model(
    ms: MeasurementSet, where: np.ndarray, data: ImagingData, plan: FieldImages, followed: object = ""
) -> VirtualModel:
    """Keep the model of an image field beside a MeasurementSet, for combinations (combination, 4) of field, window, scan and state.

    Parameters
    ----------
    ms : MeasurementSet
    where : ndarray (combination, 4) int
    data : ImagingData
    plan : FieldImages
        Of the virtual cube's terms, or of any other image.
    followed : object
        Phase centre of the main image, where it is something that moves.
    """
    sky, own = plan.image.model_on_sky(), plan.cube or plan
    path, count = new_transform_path(ms), own.request.terms
    names = [f"{path}_term_{k}" for k in range(count)] if count else [path]
    for k, name in enumerate(names):
        planes = sky[k : k + 1] if count else sky
        with CasaImage.create(name, planes.shape, own.coordinates, np.float32, unit="Jy/pixel") as image:
            for chan, plane in enumerate(planes):
                image.write(plane, (chan,))
    machine: dict[str, Any] = {
        "name": IMAGED,
        "machinename": IMAGED,
        "imaging": _written(own.request, data, plan.image, followed),
    }
    if count:
        machine |= {"numfts": count, **{f"subftm_{k}": {"diskimage": name} for k, name in enumerate(names)}}
    else:
        machine["diskimage"] = path
    return VirtualModel(where, None, tuple(names), machine=machine)


def _written(request: TcleanRequest, data: ImagingData, image: ImageField, followed: object) -> str:
    """A `_Recipe` as text."""
    values: dict[str, Any] = {name: getattr(request, name) for name in _KEPT}
    values["phasecenter"] = followed if data.sources[0].track is not None else ""
    for name in ("vptable", "phasecenter"):
        if isinstance(values[name], str) and os.path.isdir(values[name]):
            values[name] = os.path.abspath(values[name])
    axis = data.axis
    return json.dumps(
        {
            "request": values, "hz": axis.frequencies_hz.tolist(), "width": axis.width_hz, "frame": axis.frame, "rest": axis.rest_hz,
            "tabular": axis.tabular, "split": data.is_split, "main": _place(data.centre), "centre": _place(image.gridded.centre),
        },
        default=lambda v: v.tolist() if isinstance(v, (np.ndarray, np.generic)) else str(v),
    )  # fmt: skip


def _place(there: Direction) -> list[Any]:
    return [there.lon_rad, there.lat_rad, there.frame]


def _read(text: str) -> _Recipe:
    found = json.loads(text)
    axis = SpectralAxis(np.array(found["hz"]), found["width"], found["frame"], found["rest"], found["tabular"])
    request = tclean_request([{"msname": "kept"}], {"imagename": "kept", "normtype": "flatsky"}, found["request"])
    return _Recipe(request, axis, Direction(*found["main"]), Direction(*found["centre"]), found["split"])


def _of_reference(machine: dict[str, Any], coordinates: Coordinates, shape: Sequence[int]) -> _Recipe:
    """What the reference's record of its mosaic gridder says."""
    direction, spectral, stokes = coordinates.direction, coordinates.spectral, coordinates.stokes
    assert direction is not None and spectral is not None
    hz = spectral.frequencies_hz(shape[0])
    width = float(hz[1] - hz[0]) if shape[0] > 1 else float(abs(hz[0]))
    labels = "".join(stokes.labels) if stokes is not None else "I"
    request = tclean_request(
        [{"msname": "kept"}],
        {
            "imagename": "kept", "normtype": "flatsky", "gridder": "mosaic", "imsize": [shape[3], shape[2]], "cell": image_parameters(coordinates)["cell"],
            "stokes": labels, "specmode": "cube" if shape[0] > 1 else "mfs", "usepointing": bool(machine.get("usepointingtable", False)),
        },
    )  # fmt: skip
    centre = Direction(*direction.reference_rad, direction.frame)
    return _Recipe(request, SpectralAxis(np.asarray(hz), width, spectral.frame, 0.0), centre, centre)


class ImagedModel:
    """The visibilities of a kept model.

    Parameters
    ----------
    ms : MeasurementSet
    model : VirtualModel
        Of one of the machines `IMAGED` and `MOSAIC`.

    Raises
    ------
    PathMissingError, DataError
        An image is gone or cannot be used.
    """

    def __init__(self, ms: MeasurementSet, model: VirtualModel) -> None:
        # Beams are made when they are first wanted, and threads may want them.
        self._lock = Lock()
        fields, spws, scans = (",".join(map(str, np.unique(model.where[:, k]).tolist())) for k in range(3))
        every = (model.where[:, 2] < 0).any()
        selection = Selection(field=fields, spw=spws, scan="" if every else scans)
        self._source = DataSource(ms.path, selection, "data", ms=ms)
        planes, coordinates = _planes(model)
        text = str(model.machine.get("imaging", ""))
        recipe = _read(text) if text else _of_reference(dict(model.machine), coordinates, planes.shape)
        request, source = recipe.request, self._source
        centre = request.centre_text()
        source.track = track_of(centre, int(source.field_ids[0])) if centre is not None else None
        source.toward = None if request.is_continuum else recipe.main
        is_cube = not request.is_continuum and not recipe.is_split
        own = stokes_planes(request.stokes, source.correlation_codes(int(source.ddids[0])))
        data = ImagingData([source], [own], recipe.main, recipe.axis, is_cube, request.interpolation, request.stokes == "pseudoI")
        data.is_split = recipe.is_split
        self._data = hold_apart(request, data) if request.is_aperture else data
        self._field = make_field(request, self._data, recipe.centre, coordinates, 0)
        self._field.planes.model[...] = planes

    def visibilities(self, chunk: VisChunk, rows: np.ndarray) -> np.ndarray:
        """The model (row, chan, corr) complex64 [Jy] of some rows of a chunk, which holds `VirtualColumn.columns`."""
        columns = {name: chunk[name][rows] for name in ("UVW", "FIELD_ID", "TIME", "ANTENNA1", "ANTENNA2")}
        window = self._source.ms.metadata.spectral_windows[chunk.spw]
        hz = np.asarray(window.chan_freq_hz)[chunk.channels]
        with self._lock:
            return predict_rows(self._data, self._source, columns, chunk.ddid, hz, chunk.correlations, [self._field])


def _planes(model: VirtualModel) -> tuple[np.ndarray, Coordinates]:
    """The planes (chan or term, pol, y, x) of a kept model, and its coordinates."""
    parts = []
    for path in model.images:
        require_present(path, "image of a virtual model")
        with CasaImage.open(path) as image:
            values, coordinates = np.asarray(image.read()), image.coordinates
        if np.iscomplexobj(values):
            # The reference keeps the transform of the sky, its origin in the middle.
            axes = (2, 3)
            values = np.fft.fftshift(np.fft.ifft2(np.fft.ifftshift(values, axes=axes)), axes=axes).real
        parts.append(values.astype(np.float32))
    return np.concatenate(parts), coordinates
