"""Lists of sky components: reading, writing, ordering, selecting; and finding a place for each on disk."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from casatools._base.errors import DataError, ParameterError
from casatools._base.paths import staged_output
from casatools.components.model import Component
from casatools.io import components as tables

__all__ = ["ComponentList", "components_from", "is_component_list"]


class ComponentList:
    """Components in order.

    Parameters
    ----------
    items : sequence of Component
    """

    def __init__(self, items: Sequence[Component] = ()) -> None:
        self.items: list[Component] = list(items)

    def __len__(self) -> int:
        return len(self.items)

    def __iter__(self) -> Iterator[Component]:
        return iter(self.items)

    def __getitem__(self, which: int) -> Component:
        return self.items[self.index(which)]

    def index(self, which: int) -> int:
        """`which` itself when there is such a component; raises ParameterError otherwise."""
        if not 0 <= which < len(self.items):
            bound = f"0 to {len(self.items) - 1}" if self.items else "none: the list is empty"
            raise ParameterError(f"there is no component {which}; the component numbers are {bound}")
        return which

    def indices(self, which: Sequence[int] | int) -> list[int]:
        """Numbers of components; a negative one stands for all of them."""
        given = [which] if isinstance(which, int) else list(which)
        if any(w < 0 for w in given):
            return list(range(len(self.items)))
        return [self.index(w) for w in given]

    def sort(self, criteria: str) -> None:
        """Order the components.

        Parameters
        ----------
        criteria : str
            "flux" (strongest first), "position" (nearest to longitude and latitude 0 first) or
            "polarization" (most polarized first).

        Raises
        ------
        ParameterError
            There is no such criterion.
        """
        keys: dict[str, Any] = {"flux": _intensity, "position": _place, "polarization": _polarized_fraction}
        key = keys.get(criteria.strip().lower())
        if key is None:
            raise ParameterError(f"components cannot be sorted by {criteria!r}; allowed are {', '.join(keys)}")
        self.items.sort(key=key)

    def to_record(self) -> dict[str, Any]:
        """CASA's record of the list; {} for an empty one."""
        if not self.items:
            return {}
        record: dict[str, Any] = {f"component{k}": c.record() for k, c in enumerate(self.items)}
        record["nelements"] = len(self.items)
        return record

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> ComponentList:
        """Read CASA's record; raises DataError when it is none."""
        if not record:
            return cls()
        if "nelements" not in record:
            raise DataError("the record is none of a component list: it lacks nelements")
        try:
            return cls([Component.from_record(record[f"component{k}"]) for k in range(int(record["nelements"]))])
        except KeyError as error:
            raise DataError(f"the record of a component list lacks {error}") from error

    @classmethod
    def read(cls, path: str) -> ComponentList:
        """Read a component list table."""
        return cls([Component.from_record(record) for record in tables.read_components(path)])

    def write(self, path: str, overwrite: bool = False, keywords: Mapping[str, Any] | None = None) -> None:
        """Write a component list table with keywords, without any with those of the one that is replaced."""
        kept = keywords or (tables.read_component_keywords(path) if overwrite and tables.is_component_table(path) else {})
        with staged_output(path, overwrite) as staged:
            tables.write_components(staged, [c.record() for c in self.items], kept)


def is_component_list(path: str) -> bool:
    """True when `path` is a component list table."""
    return tables.is_component_table(path)


def components_from(source: str | Mapping[str, Any]) -> ComponentList:
    """A list from a table's name or a record."""
    return ComponentList.read(source) if isinstance(source, str) else ComponentList.from_record(source)


def _intensity(component: Component) -> float:
    return -abs(float(component.flux.to_unit("Jy").to_polarization("Stokes").values[0].real))


def _place(component: Component) -> float:
    """Minus the cosine of the distance from longitude and latitude 0: CASA sorts by that distance."""
    return -math.cos(component.shape.lon_rad) * math.cos(component.shape.lat_rad)


def _polarized_fraction(component: Component) -> float:
    values = component.flux.to_polarization("Stokes").values.real
    total = abs(float(values[0]))
    return -float((values[1:] ** 2).sum() ** 0.5) / total if total else 0.0
