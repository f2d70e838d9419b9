"""Virtual models: records that stand for MODEL_DATA, in the SOURCE table or in the keywords of a MeasurementSet."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from casacore import tables

from casatools.io.image.table_image import clean_record
from casatools.io.ms.measurement_set import MeasurementSet
from casatools.io.tables import is_table

__all__ = [
    "VirtualModel",
    "new_transform_path",
    "read_virtual_models",
    "remove_model_keywords",
    "thin_virtual_models",
    "virtual_model_fields",
    "write_virtual_models",
]

_FIELD = "definedmodel_field_"
_MODEL = "model_"
_COLUMN = "SOURCE_MODEL"
_VERSION = 2


@dataclass(frozen=True)
class VirtualModel:
    """A recipe for the model of some data.

    Attributes
    ----------
    where : ndarray (combination, 4) int
        Field, spectral window, scan and state that it is for.
    components : mapping, optional
        Record of a component list; None for models that are images.
    images : tuple of str
        Paths of the image's transforms, one a Taylor term; none for component lists.
    scale_hz, scale : ndarray
        Factors for the image at frequencies; empty for none.
    machine : mapping
        Record of the gridder that is to predict from the image, as the reference keeps it.
    """

    where: np.ndarray
    components: Mapping[str, Any] | None
    images: tuple[str, ...] = ()
    scale_hz: np.ndarray = field(default_factory=lambda: np.zeros(0))
    scale: np.ndarray = field(default_factory=lambda: np.zeros(0))
    machine: Mapping[str, Any] = field(default_factory=dict)


def _parts(record: Mapping[str, Any]) -> list[str]:
    """Names of the recipes in a record."""
    return sorted(n for n in record if n.startswith(("cl_", "ft_")) and isinstance(record[n], Mapping))


def _combinations(part: Mapping[str, Any]) -> np.ndarray:
    # On disk the combinations run fastest: python-casacore gives such arrays transposed.
    found = np.asarray(part.get("indexcombination", np.zeros((4, 0))), dtype=np.int64)
    return found.reshape(4, -1).T


def _source_records(ms: MeasurementSet) -> Iterator[tuple[int, dict[str, Any]]]:
    """Rows of the SOURCE table that hold recipes, with them."""
    if not is_table(f"{ms.path}/SOURCE"):
        return
    table = ms.subtable("SOURCE")
    try:
        if _COLUMN in table.colnames():
            for row in range(table.nrows()):
                record = table.getcell(_COLUMN, row) if table.iscelldefined(_COLUMN, row) else {}
                if isinstance(record, dict) and _parts(record):
                    yield row, record
    finally:
        table.close()


def _keyword_records(ms: MeasurementSet) -> Iterator[tuple[int, dict[str, Any]]]:
    """Fields with a recipe in the keywords, with it."""
    names = set(ms.table.keywordnames())
    for name in names:
        number = name.removeprefix(_FIELD)
        if name.startswith(_FIELD) and number.isdigit():
            value = ms.table.getkeyword(name)
            record = ms.table.getkeyword(value) if isinstance(value, str) and value in names else {}
            yield int(number), record if isinstance(record, dict) else {}


def virtual_model_fields(ms: MeasurementSet) -> list[int]:
    """Fields that have a virtual model."""
    found = {number for number, _ in _keyword_records(ms)}
    for _, record in _source_records(ms):
        found |= _fields_of(record)
    return sorted(found)


def _fields_of(record: Mapping[str, Any]) -> set[int]:
    return {int(f) for name in _parts(record) for f in _combinations(record[name])[:, 0]}


def read_virtual_models(ms: MeasurementSet) -> list[VirtualModel]:
    """The recipes of a MeasurementSet; those of one field and spectral window add up."""
    seen: list[VirtualModel] = []
    records = [r for _, r in _source_records(ms)] + [r for _, r in _keyword_records(ms)]
    for record in records:
        for name in _parts(record):
            part = record[name]
            container = part.get("container")
            if name.startswith("cl_"):
                seen.append(VirtualModel(_combinations(part), container))
            else:
                seen.append(_image_model(ms, _combinations(part), container if isinstance(container, Mapping) else {}))
    return seen


def _image_model(ms: MeasurementSet, where: np.ndarray, container: Mapping[str, Any]) -> VirtualModel:
    """The recipe of an image, whose transforms lie beside the table that names them, also after the MeasurementSet was moved."""
    hz, scale = (np.ravel(np.asarray(container.get(n, ()), dtype=np.float64)) for n in ("freqscale", "scaleamp"))
    used = min(len(hz), len(scale))
    paths = tuple(_found_transform(ms, written) for written in _transforms(container))
    return VirtualModel(where, None, paths, hz[:used], scale[:used], container)


def _transforms(container: Mapping[str, Any]) -> list[str]:
    """Paths of an image's transforms as written, one a Taylor term."""
    terms = [container[f"subftm_{k}"] for k in range(int(container.get("numfts", 0))) if f"subftm_{k}" in container]
    return [str(c.get("diskimage", "")) for c in (terms or [container])]


def _found_transform(ms: MeasurementSet, written: str) -> str:
    name = os.path.basename(written.rstrip("/"))
    for folder in (os.path.join(ms.path, "SOURCE"), ms.path):
        if name and os.path.isdir(os.path.join(folder, name)):
            return os.path.join(folder, name)
    return written


def new_transform_path(ms: MeasurementSet) -> str:
    """A name that is not in use for the transform of an image, where the reference puts it; Taylor terms put ``_term_<k>`` behind."""
    folder = os.path.abspath(os.path.join(ms.path, "SOURCE"))
    if not is_table(folder):
        folder = os.path.abspath(ms.path)
    used = [int(m[1]) for m in (re.match(r"FT_MODEL(\d+)", n) for n in os.listdir(folder)) if m]
    return os.path.join(folder, f"FT_MODEL{max(used, default=0) + 1}")


def write_virtual_models(ms: MeasurementSet, models: Sequence[VirtualModel]) -> None:
    """Add component lists and images as recipes, which are put where the reference looks for them.

    Those of a field go into its row of the SOURCE table or, where it has none, into keywords of the MeasurementSet.
    """
    by_field: dict[int, list[VirtualModel]] = {}
    for model in models:
        for number in np.unique(model.where[:, 0]).tolist():
            by_field.setdefault(int(number), []).append(replace(model, where=model.where[model.where[:, 0] == number]))
    for number, own in sorted(by_field.items()):
        row = _source_row(ms, number)
        record = _joined(ms, _record_of(ms, number, row), own)
        if row is not None:
            _put_source_record(ms, row, record)
            _name_source_row(ms, number, row)
        else:
            ms.table.putkeyword(f"{_MODEL}{number}", record)
            ms.table.putkeyword(f"{_FIELD}{number}", f"{_MODEL}{number}")


def _source_row(ms: MeasurementSet, number: int) -> int | None:
    """The first row of the SOURCE table that a field refers to."""
    if not is_table(f"{ms.path}/SOURCE"):
        return None
    source = ms.subtable("SOURCE")
    try:
        found = np.flatnonzero(np.asarray(source.getcol("SOURCE_ID")) == ms.metadata.fields[number].source_id)
    finally:
        source.close()
    return int(found[0]) if len(found) else None


def _record_of(ms: MeasurementSet, number: int, row: int | None) -> dict[str, Any]:
    """The recipes that a field has so far."""
    kept = dict(_source_records(ms)).get(row, {}) if row is not None else dict(_keyword_records(ms)).get(number, {})
    return {name: kept[name] for name in _parts(kept)}


def _joined(ms: MeasurementSet, kept: Mapping[str, Any], models: Sequence[VirtualModel]) -> dict[str, Any]:
    record = dict(kept)
    for model in models:
        windows = np.unique(model.where[:, 1])
        channels = [[spw, 0, ms.metadata.spectral_windows[int(spw)].nchan, 1] for spw in windows]
        image = model.components is None
        prefix = "ft_" if image else "cl_"
        record[f"{prefix}{sum(name.startswith(prefix) for name in record)}"] = {
            "channelselection": _on_disk(channels), "container": clean_record(dict(model.machine)) if image else model.components,
            "indexcombination": _on_disk(model.where), "type": "ftmachine" if image else "componentlist", "version": _VERSION,
        }  # fmt: skip
    return record | _counts(record)


def _on_disk(rows: Any) -> np.ndarray:
    """Rows of four numbers as python-casacore, which transposes, has to be given them."""
    return np.ascontiguousarray(np.asarray(rows).T, dtype=np.int32)


def _counts(record: Mapping[str, Any]) -> dict[str, Any]:
    """How many recipes of either kind a record has."""
    found = {f"num{kind}": sum(name.startswith(f"{kind}_") for name in record) for kind in ("cl", "ft")}
    return {name: count for name, count in found.items() if count} | {"version": _VERSION}


def _put_source_record(ms: MeasurementSet, row: int, record: dict[str, Any]) -> None:
    source = ms.subtable("SOURCE", writable=True)
    try:
        if _COLUMN not in source.colnames():
            source.addcols(tables.maketabdesc([tables.makescacoldesc(_COLUMN, {}, valuetype="record")]))
        source.putcell(_COLUMN, row, record)
    finally:
        source.close()


def remove_model_keywords(ms: MeasurementSet, fields: list[int] | None = None, spws: list[int] | None = None) -> list[int]:
    """Remove the virtual models of some fields and spectral windows (None: of all); returns the fields that had one."""
    gone = [f for f in virtual_model_fields(ms) if fields is None or f in fields]

    def out(where: np.ndarray) -> np.ndarray:
        chosen = np.isin(where[:, 0], gone)
        return chosen if spws is None else chosen & np.isin(where[:, 1], spws)

    thin_virtual_models(ms, out)
    if fields is None and spws is None:
        for name in [n for n in ms.table.keywordnames() if n.startswith(_MODEL)]:
            ms.table.removekeyword(name)
    return gone


def _name_source_row(ms: MeasurementSet, number: int, row: int | None) -> None:
    """Put into the SOURCE table's keywords which row has the recipes of a field, as the reference wants it; None takes them out."""
    source = ms.subtable("SOURCE", writable=True)
    try:
        if row is not None:
            source.putkeyword(f"{_MODEL}{number}", row)
            source.putkeyword(f"{_FIELD}{number}", f"{_MODEL}{number}")
            return
        for name in (f"{_MODEL}{number}", f"{_FIELD}{number}"):
            if name in source.keywordnames():
                source.removekeyword(name)
    finally:
        source.close()


def thin_virtual_models(ms: MeasurementSet, out: Callable[[np.ndarray], np.ndarray]) -> None:
    """Take what `out` marks among the combinations (combination, 4) of recipes out of them; empty recipes go, with their transforms."""
    before = _used_transforms(ms)
    for row, record in list(_source_records(ms)):
        left = _thinned(record, out)
        _put_source_record(ms, row, left)
        for number in sorted(_fields_of(record) - _fields_of(left)):
            _name_source_row(ms, number, None)
    for number, record in list(_keyword_records(ms)):
        left = _thinned(record, out)
        name = ms.table.getkeyword(f"{_FIELD}{number}")
        if left:
            ms.table.putkeyword(name, left)
            continue
        ms.table.removekeyword(f"{_FIELD}{number}")
        others = [ms.table.getkeyword(n) for n in ms.table.keywordnames() if n.startswith(_FIELD)]
        if isinstance(name, str) and name in ms.table.keywordnames() and name not in others:
            ms.table.removekeyword(name)
    inside = os.path.abspath(ms.path) + os.sep
    for path in before - _used_transforms(ms):
        if path.startswith(inside) and os.path.basename(path).startswith("FT_MODEL") and os.path.isdir(path):
            shutil.rmtree(path)


def _used_transforms(ms: MeasurementSet) -> set[str]:
    return {os.path.abspath(path) for model in read_virtual_models(ms) for path in model.images if path}


def _thinned(record: Mapping[str, Any], out: Callable[[np.ndarray], np.ndarray]) -> dict[str, Any]:
    kept: dict[str, Any] = {}
    for name in _parts(record):
        where = _combinations(record[name])
        left = where[~out(where)]
        if len(left):
            prefix = name[:3]
            kept[f"{prefix}{sum(k.startswith(prefix) for k in kept)}"] = {**record[name], "indexcombination": _on_disk(left)}
    return kept | _counts(kept) if kept else {}
