"""Models kept as recipes (component lists and images in the SOURCE table, as CASA's setjy and ft write them with usescratch=False) made into visibilities."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from casatools._base import log
from casatools._base.errors import DataError, ParameterError
from casatools._base.paths import require_present
from casatools.calibration.source_spectra import stokes_to_correlations
from casatools.components.component_list import ComponentList
from casatools.frames.directions import Direction, frame_turn
from casatools.io.ms import Selection
from casatools.io.ms.model_keywords import VirtualModel, read_virtual_models, thin_virtual_models, write_virtual_models
from casatools.kernels.spheroidal import spheroidal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from casatools.calibration.predict_sky import ImagePlanes, SkyModel
    from casatools.io.ms import MeasurementSet, ResolvedSelection, VisChunk

__all__ = ["VirtualColumn", "places_of", "read_transform", "write_recipes"]


class VirtualColumn:
    """The model visibilities that the recipes of a MeasurementSet stand for, or those of an image for all fields.

    Attributes
    ----------
    columns : tuple of str
        What a chunk must hold.

    Raises
    ------
    PathMissingError, DataError
        The image of a recipe is gone, or cannot be used.
    """

    columns = ("FIELD_ID", "SCAN_NUMBER", "STATE_ID", "UVW")

    def __init__(self, ms: MeasurementSet, image: str = "") -> None:
        from casatools.calibration.predict_sky import SkyModel, open_sky_model

        self._ms = ms
        self._models: list[tuple[VirtualModel, SkyModel]] = []
        if image:
            self._models.append((VirtualModel(places_of(ms, Selection().resolve(ms)), None, image), open_sky_model([image])))
            return
        for model in read_virtual_models(ms):
            if model.components is not None:
                self._models.append((model, SkyModel(ComponentList.from_record(model.components))))
            else:
                self._models.append((model, SkyModel(terms=[read_transform(model.image)])))

    def __bool__(self) -> bool:
        return bool(self._models)

    def fill(self, chunk: VisChunk, model: np.ndarray) -> np.ndarray:
        """Put the models into the rows of an array (row, chan, corr) that have one; the others stay as they are."""
        metadata = self._ms.metadata
        names = [metadata.polarizations[chunk.pol].names[c] for c in chunk.correlations]
        frequency = np.asarray(metadata.spectral_windows[chunk.spw].chan_freq_hz)[chunk.channels]
        places = np.stack([chunk["FIELD_ID"], chunk["SCAN_NUMBER"], chunk["STATE_ID"]], axis=1)
        for place in np.unique(places, axis=0):
            number = int(place[0])
            own = [(m, s) for m, s in self._models if _serves(m, number, chunk.spw, int(place[1]), int(place[2]))]
            if not own:
                continue
            rows = (places == place).all(axis=1)
            field = metadata.fields[number]
            lon, lat = (float(v) for v in np.ravel(field.phase_dir[0])[:2])
            centre, turn = frame_turn(Direction(lon, lat, field.phase_frame), "J2000")
            uvw = np.asarray(chunk["UVW"], np.float64)[rows] @ turn.T
            stokes = sum(s.visibilities(uvw, frequency, centre) * _scales(m, frequency)[:, None] for m, s in own)
            model[rows] = stokes_to_correlations(np.asarray(stokes), names)
        return model


def _scales(model: VirtualModel, frequency_hz: np.ndarray) -> np.ndarray:
    """Factors (chan,) of an image's flux, interpolated in frequency."""
    if not len(model.scale):
        return np.ones(len(frequency_hz))
    order = np.argsort(model.scale_hz)
    return np.asarray(np.interp(frequency_hz, model.scale_hz[order], model.scale[order]))


def read_transform(path: str) -> ImagePlanes:
    """The model image that a gridder's transform on disk stands for.

    The reference keeps the Fourier transform of the image divided by the gridding function's own transform, a spheroidal function.

    Raises
    ------
    PathMissingError, DataError
        There is no such image, or it is none of Stokes I alone.
    """
    from casatools.calibration.model_image import ModelImage, image_axes
    from casatools.calibration.predict_sky import ImagePlanes
    from casatools.io.image import CasaImage

    require_present(path, "transform of a virtual model's image")
    planes = {}
    with CasaImage.open(path) as image:
        coordinates, direction, spectral = image.coordinates, image.coordinates.direction, image.coordinates.spectral
        labels = list(coordinates.stokes.labels) if coordinates.stokes is not None else ["I"]
        if direction is None or spectral is None or image.ndim != 4 or labels != ["I"]:
            raise DataError(f"virtual model {path!r} must be an image of Stokes I with directions and frequencies")
        reference, turn = image_axes(direction, path)
        for chan in range(image.shape[0]):
            grid = np.asarray(image.read((chan, 0)), np.complex128).reshape(image.shape[-2:])
            # Grids and images have their origin in the middle.
            plane = np.fft.fftshift(np.fft.ifft2(np.fft.ifftshift(grid))).real * np.multiply.outer(
                *(_taper(n) for n in grid.shape)
            )
            planes["I", chan] = ModelImage(
                plane.T, reference, tuple(direction.reference_pixel.tolist()), direction.increment_rad, turn
            )
        hz = spectral.frequencies_hz(image.shape[0])
    return ImagePlanes(planes, np.asarray(hz, np.float64))


def _taper(count: int) -> np.ndarray:
    """The gridding function's transform over the pixels of an axis, one in the middle."""
    place = np.abs(np.arange(count) - count // 2) / (count / 2)
    return np.asarray(spheroidal(place) / spheroidal(np.zeros(1)))


def _serves(model: VirtualModel, field: int, spw: int, scan: int, state: int) -> bool:
    where = model.where
    seen = (where[:, 0] == field) & (where[:, 1] == spw)
    for column, number in ((2, scan), (3, state)):
        seen &= (where[:, column] == number) | (where[:, column] < 0)
    return bool(np.any(seen))


def write_recipes(
    ms: MeasurementSet, selected: ResolvedSelection, lists: Mapping[tuple[int, int], ComponentList], incremental: bool = False
) -> None:
    """Keep component lists as the models of selected data, in place of recipes that are there.

    Parameters
    ----------
    ms : MeasurementSet
        Writable.
    selected : ResolvedSelection
    lists : mapping of (field, spw) to ComponentList
    incremental : bool
        Add to the recipes that are there.

    Raises
    ------
    ParameterError
        The selection cuts through scans.
    """
    places = places_of(ms, selected)
    if not incremental:
        keys = {tuple(p) for p in places.tolist()}
        thin_virtual_models(ms, lambda where: np.array([_overwritten(w, keys) for w in where.tolist()], dtype=bool))
    made: dict[tuple[int, int], list[np.ndarray]] = {}
    for place in places:
        made.setdefault((int(place[0]), int(place[1])), []).append(place)
    write_virtual_models(ms, [VirtualModel(np.array(where), lists[key].to_record()) for key, where in sorted(made.items())])
    if ms.has("MODEL_DATA"):
        log.post("The virtual model takes the place of MODEL_DATA for its fields; delmod(otf=True) gives the column back")


def _overwritten(where: list[int], keys: set[tuple[int, ...]]) -> bool:
    """Whether a combination of an old recipe is among the new ones; -1 stands for all scans or states."""
    return tuple(where) in keys or (
        min(where) < 0 and any(all(w in (-1, k) for w, k in zip(where, key, strict=True)) for key in keys)
    )


def places_of(ms: MeasurementSet, selected: ResolvedSelection) -> np.ndarray:
    """The combinations (combination, 4) of field, spectral window, scan and state that a selection holds.

    Raises
    ------
    ParameterError
        It does not hold all rows of one: a virtual model has no place for less.
    """
    columns = [np.asarray(ms.read(c)) for c in ("FIELD_ID", "DATA_DESC_ID", "SCAN_NUMBER", "STATE_ID")]
    spws = np.array([d.spw for d in ms.metadata.data_descriptions])
    every = np.stack([columns[0], spws[columns[1]], *columns[2:]], axis=1)
    found, counts = np.unique(every[selected.rows], axis=0, return_counts=True)
    names, totals = np.unique(every, axis=0, return_counts=True)
    whole = dict(zip(map(tuple, names.tolist()), totals.tolist(), strict=True))
    if any(whole[tuple(f)] != c for f, c in zip(found.tolist(), counts.tolist(), strict=True)):
        raise ParameterError(
            "a model kept as a recipe serves whole scans; select by field, spw, scan or intent only, or give usescratch=True"
        )
    return found
