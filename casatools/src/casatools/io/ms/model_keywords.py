"""Virtual models: records in the keywords of a MeasurementSet that stand for MODEL_DATA."""

from __future__ import annotations

from casatools.io.ms.measurement_set import MeasurementSet

__all__ = ["remove_model_keywords", "virtual_model_fields"]

_FIELD = "definedmodel_field_"
_MODEL = "model_"


def virtual_model_fields(ms: MeasurementSet) -> list[int]:
    """Fields that have a virtual model."""
    names = [n[len(_FIELD) :] for n in ms.table.keywordnames() if n.startswith(_FIELD)]
    return sorted(int(n) for n in names if n.isdigit())


def remove_model_keywords(ms: MeasurementSet, fields: list[int] | None = None) -> list[int]:
    """Remove the virtual models of some fields (None: of all); returns the fields that had one."""
    present = virtual_model_fields(ms)
    gone = [f for f in present if fields is None or f in fields]
    for number in gone:
        value = ms.table.getkeyword(f"{_FIELD}{number}")
        ms.table.removekeyword(f"{_FIELD}{number}")
        if isinstance(value, str) and value in ms.table.keywordnames():
            others = [ms.table.getkeyword(f"{_FIELD}{f}") for f in virtual_model_fields(ms)]
            if value not in others:
                ms.table.removekeyword(value)
    if fields is None:
        for name in [n for n in ms.table.keywordnames() if n.startswith(_MODEL)]:
            ms.table.removekeyword(name)
    return gone
