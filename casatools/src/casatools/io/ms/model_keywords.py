"""Virtual models: records that stand for MODEL_DATA, in the SOURCE table or in the keywords of a MeasurementSet."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from casatools.io.ms.measurement_set import MeasurementSet
from casatools.io.tables import is_table

__all__ = ["VirtualModel", "read_virtual_models", "remove_model_keywords", "virtual_model_fields"]

_FIELD = "definedmodel_field_"
_MODEL = "model_"
_COLUMN = "SOURCE_MODEL"


@dataclass(frozen=True)
class VirtualModel:
    """A recipe for the model of some data.

    Attributes
    ----------
    where : ndarray (combination, 4) int
        Field, spectral window, scan and state that it is for.
    components : mapping, optional
        Record of a component list; None for models that are images.
    image : str
        Path of the image's transform; '' for component lists.
    scale_hz, scale : ndarray
        Factors for the image at frequencies; empty for none.
    """

    where: np.ndarray
    components: Mapping[str, Any] | None
    image: str = ""
    scale_hz: np.ndarray = field(default_factory=lambda: np.zeros(0))
    scale: np.ndarray = field(default_factory=lambda: np.zeros(0))


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
        for name in _parts(record):
            found |= {int(f) for f in _combinations(record[name])[:, 0]}
    return sorted(found)


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
    """The recipe of an image, whose transform lies in the SOURCE table, also after the MeasurementSet was moved."""
    written = str(container.get("diskimage", ""))
    own = os.path.join(ms.path, "SOURCE", os.path.basename(written.rstrip("/")))
    hz, scale = (np.ravel(np.asarray(container.get(n, ()), dtype=np.float64)) for n in ("freqscale", "scaleamp"))
    used = min(len(hz), len(scale))
    return VirtualModel(where, None, own if written and os.path.isdir(own) else written, hz[:used], scale[:used])


def remove_model_keywords(ms: MeasurementSet, fields: list[int] | None = None) -> list[int]:
    """Remove the virtual models of some fields (None: of all); returns the fields that had one."""
    present = virtual_model_fields(ms)
    gone = [f for f in present if fields is None or f in fields]
    for number in gone:
        if f"{_FIELD}{number}" not in ms.table.keywordnames():
            continue
        value = ms.table.getkeyword(f"{_FIELD}{number}")
        ms.table.removekeyword(f"{_FIELD}{number}")
        if isinstance(value, str) and value in ms.table.keywordnames():
            others = [ms.table.getkeyword(n) for n in ms.table.keywordnames() if n.startswith(_FIELD)]
            if value not in others:
                ms.table.removekeyword(value)
    if fields is None:
        for name in [n for n in ms.table.keywordnames() if n.startswith(_MODEL)]:
            ms.table.removekeyword(name)
    _thin_sources(ms, set(gone))
    return gone


def _thin_sources(ms: MeasurementSet, gone: set[int]) -> None:
    """Take fields out of the recipes in the SOURCE table."""
    changed = {}
    for row, record in _source_records(ms):
        kept: dict[str, Any] = {}
        for name in _parts(record):
            where = _combinations(record[name])
            left = where[~np.isin(where[:, 0], list(gone))]
            if len(left):
                prefix = name[:3]
                kept[f"{prefix}{sum(k.startswith(prefix) for k in kept)}"] = {
                    **record[name],
                    "indexcombination": np.ascontiguousarray(left.T, dtype=np.int32),
                }
        if kept:
            kept |= {"numcl": sum(n.startswith("cl_") for n in kept), "version": record.get("version", 2)}
        changed[row] = kept
    if changed:
        table = ms.subtable("SOURCE", writable=True)
        try:
            for row, record in changed.items():
                table.putcell(_COLUMN, row, record)
        finally:
            table.close()
