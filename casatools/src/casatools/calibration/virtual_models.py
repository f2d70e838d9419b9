"""Models kept as recipes (component lists and images in the SOURCE table, as CASA's setjy and ft write them with usescratch=False) made into visibilities."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from casatools._base import log
from casatools._base.errors import ParameterError
from casatools.components.component_list import ComponentList
from casatools.frames.directions import parse_direction
from casatools.frames.engine import direction_record
from casatools.io.ms import Selection
from casatools.io.ms.model_keywords import (
    VirtualModel,
    new_transform_path,
    read_virtual_models,
    thin_virtual_models,
    write_virtual_models,
)

# Machines whose model depends on more than the image: see `imaging.imaged_models`.
_GRIDDERS = ("ImagedFT", "MosaicFTNew")
# The reference's word for when phase centres are taken; ours for near sources, whose distances it writes but predicts otherwise, and for centres that move.
_TIME, _NEAR, _FOLLOWS = "phasecentertime", "nearsource", "followscentre"

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from casatools.calibration.predict_sky import SkyModel
    from casatools.imaging.imaged_models import ImagedModel
    from casatools.io.ms import MeasurementSet, ResolvedSelection, VisChunk

__all__ = ["VirtualColumn", "are_whole", "keep_sky", "places_of", "sky_recipes", "write_recipes"]


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

    columns = ("FIELD_ID", "SCAN_NUMBER", "STATE_ID", "TIME", "UVW", "ANTENNA1", "ANTENNA2")

    def __init__(self, ms: MeasurementSet, image: str = "") -> None:
        from casatools.calibration.predict_sky import SkyModel, open_sky_model

        self._ms = ms
        self._models: list[tuple[VirtualModel, SkyModel]] = []
        self._imaged: list[tuple[VirtualModel, ImagedModel]] = []
        if image:
            self._models.append((VirtualModel(places_of(ms, Selection().resolve(ms)), None, (image,)), open_sky_model([image])))
            return
        for model in read_virtual_models(ms):
            if model.components is not None:
                self._models.append(
                    (model, SkyModel(ComponentList.from_record(model.components), **_place_and_time(model.components)))
                )
            elif model.machine.get("name") in _GRIDDERS:
                # Imaging stands on calibration: it is called where there is such a model only.
                from casatools.imaging.imaged_models import ImagedModel

                self._imaged.append((model, ImagedModel(ms, model)))
            else:
                from casatools.calibration.virtual_transforms import read_recipe

                self._models.append((model, replace(read_recipe(model), **_place_and_time(model.machine))))

    def __bool__(self) -> bool:
        return bool(self._models or self._imaged)

    def fill(self, chunk: VisChunk, model: np.ndarray) -> np.ndarray:
        """Put the models into the rows of an array (row, chan, corr) that have one; the others stay as they are."""
        from casatools.calibration.predict_sky import chunk_model

        metadata = self._ms.metadata
        frequency = np.asarray(metadata.spectral_windows[chunk.spw].chan_freq_hz)[chunk.channels]
        places = np.stack([chunk["FIELD_ID"], chunk["SCAN_NUMBER"], chunk["STATE_ID"]], axis=1)
        for place in np.unique(places, axis=0):
            number = int(place[0])
            here = (number, chunk.spw, int(place[1]), int(place[2]))
            own = [(m, s) for m, s in self._models if _serves(m, *here)]
            imaged = [i for m, i in self._imaged if _serves(m, *here)]
            if not (own or imaged):
                continue
            rows = (places == place).all(axis=1)
            seen = [i.visibilities(chunk, rows) for i in imaged]
            seen += [chunk_model(self._ms, chunk, s, np.flatnonzero(rows), _scales(m, frequency)) for m, s in own]
            model[rows] = sum(seen)
        return model

    def add_model(self, chunk: VisChunk) -> None:
        """Give a chunk its MODEL_DATA: that of the recipes, else what it holds, else points of 1 Jy at the phase centre."""
        from casatools.calibration.scratch_columns import unit_model

        held = chunk.columns.pop("MODEL_DATA", None)
        chunk.columns["MODEL_DATA"] = self.fill(chunk, unit_model(self._ms, chunk) if held is None else held)


def _place_and_time(record: Mapping[str, Any]) -> dict[str, Any]:
    """What a recipe says of a near source and of phase centres that move: fields of `SkyModel`."""
    time, near = float(record.get(_TIME, -1.0)), record.get(_NEAR, {})
    return {
        "phase_time_s": time if time >= 0 else None,
        "distance_m": float(near.get("distance", 0.0)),
        "focus": parse_direction(near["direction"]) if near else None,
        "follows": bool(record.get(_FOLLOWS, False)),
    }


def _said_of(ms: MeasurementSet, field: int, sky: SkyModel) -> dict[str, Any]:
    """The same as it is written into a recipe of a field; nothing where the source is far and the phase centre at rest."""
    from casatools.calibration.predict_sky import moves

    said: dict[str, Any] = {}
    if sky.distance_m and sky.focus is not None:
        there = direction_record(sky.focus.lon_rad, sky.focus.lat_rad, sky.focus.frame)
        said[_NEAR] = {"distance": float(sky.distance_m), "direction": there}
    if sky.follows and moves(ms.metadata.fields[field]):
        said |= {_FOLLOWS: True, _TIME: -1.0 if sky.phase_time_s is None else float(sky.phase_time_s)}
    return said


def _scales(model: VirtualModel, frequency_hz: np.ndarray) -> np.ndarray:
    """Factors (chan,) of an image's flux, interpolated in frequency."""
    if not len(model.scale):
        return np.ones(len(frequency_hz))
    order = np.argsort(model.scale_hz)
    return np.asarray(np.interp(frequency_hz, model.scale_hz[order], model.scale[order]))


def _serves(model: VirtualModel, field: int, spw: int, scan: int, state: int) -> bool:
    where = model.where
    seen = (where[:, 0] == field) & (where[:, 1] == spw)
    for column, number in ((2, scan), (3, state)):
        seen &= (where[:, column] == number) | (where[:, column] < 0)
    return bool(np.any(seen))


def keep_sky(ms: MeasurementSet, selected: ResolvedSelection, sky: SkyModel, incremental: bool = False) -> None:
    """Keep a sky model, components and images, as the recipe of selected data.

    Parameters
    ----------
    ms : MeasurementSet
        Writable.
    selected : ResolvedSelection
    sky : SkyModel
    incremental : bool
        Add to the recipes that are there.

    Raises
    ------
    ParameterError
        The selection cuts through scans.
    DataError
        Images without any flux.
    """
    places = places_of(ms, selected)
    write_recipes(ms, places, sky_recipes(ms, places, sky), incremental)


def sky_recipes(
    ms: MeasurementSet, places: np.ndarray, sky: SkyModel, scale: tuple[np.ndarray, np.ndarray] | None = None
) -> list[VirtualModel]:
    """Recipes of a sky model for combinations (combination, 4): one a field for each kind of feeds, for its images have files of their own.

    `scale` is frequencies [Hz] and factors of the images' flux there.
    """
    made = []
    kinds = {d.spw: ms.metadata.polarizations[d.pol].names[0] for d in ms.metadata.data_descriptions}
    feeds = np.array([kinds[int(s)] for s in places[:, 1]])
    for number in np.unique(places[:, 0]).tolist():
        own = places[:, 0] == number
        said = _said_of(ms, int(number), sky)
        if len(sky.components):
            made.append(VirtualModel(places[own], sky.components.to_record() | said))
        for feed in np.unique(feeds[own]) if sky.terms else ():
            from casatools.calibration.virtual_transforms import write_transforms

            where = places[own & (feeds == feed)]
            path = new_transform_path(ms)
            machine = write_transforms(ms, path, sky, np.unique(where[:, 1]).tolist(), scale)
            made.append(VirtualModel(where, None, machine=machine | said))
    return made


def write_recipes(ms: MeasurementSet, places: np.ndarray, models: Sequence[VirtualModel], incremental: bool = False) -> None:
    """Put recipes in place of those that combinations (combination, 4) of `places_of` have, or add them."""
    if not incremental:
        keys = {tuple(p) for p in places.tolist()}
        thin_virtual_models(ms, lambda where: np.array([_overwritten(w, keys) for w in where.tolist()], dtype=bool))
    write_virtual_models(ms, models)
    if ms.has("MODEL_DATA"):
        log.post("The virtual model takes the place of MODEL_DATA for its fields; delmod(otf=True) gives the column back")


def _overwritten(where: list[int], keys: set[tuple[int, ...]]) -> bool:
    """Whether a combination of an old recipe is among the new ones; -1 stands for all scans or states."""
    return tuple(where) in keys or (
        min(where) < 0 and any(all(w in (-1, k) for w, k in zip(where, key, strict=True)) for key in keys)
    )


def places_of(ms: MeasurementSet, selected: ResolvedSelection, whole: bool = True) -> np.ndarray:
    """The combinations (combination, 4) of field, spectral window, scan and state that a selection holds.

    Raises
    ------
    ParameterError
        It must be `whole` and does not hold all rows of one: a virtual model has no place for less.
    """
    found, counts, every = _counted_places(ms, selected)
    if whole and not _are_all(found, counts, every):
        raise ParameterError(
            "a model kept as a recipe serves whole scans; select by field, spw, scan or intent only, or give usescratch=True"
        )
    return found


def are_whole(ms: MeasurementSet, selected: ResolvedSelection) -> bool:
    """Whether a selection holds all rows of each combination of field, spectral window, scan and state that it holds some of."""
    return _are_all(*_counted_places(ms, selected))


def _are_all(found: np.ndarray, counts: np.ndarray, every: np.ndarray) -> bool:
    names, totals = np.unique(every, axis=0, return_counts=True)
    rows = dict(zip(map(tuple, names.tolist()), totals.tolist(), strict=True))
    return all(rows[tuple(f)] == c for f, c in zip(found.tolist(), counts.tolist(), strict=True))


def _counted_places(ms: MeasurementSet, selected: ResolvedSelection) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Combinations that a selection holds, how many rows of each, and that of every row of the MeasurementSet."""
    columns = [np.asarray(ms.read(c)) for c in ("FIELD_ID", "DATA_DESC_ID", "SCAN_NUMBER", "STATE_ID")]
    spws = np.array([d.spw for d in ms.metadata.data_descriptions])
    every = np.stack([columns[0], spws[columns[1]], *columns[2:]], axis=1)
    found, counts = np.unique(every[selected.rows], axis=0, return_counts=True)
    return found, counts, every
