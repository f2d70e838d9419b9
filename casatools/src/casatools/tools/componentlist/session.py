"""The components of a componentlist tool: files, records, adding, removing, ordering, selecting."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Annotated, Any

import numpy as np

from casatools._base import kinds, log
from casatools._base.declare import method
from casatools._base.errors import DataError, NotOpenError, ParameterError, PathMissingError, UnsupportedError
from casatools._base.paths import require_absent
from casatools.components import editing
from casatools.components.component_list import ComponentList, is_component_list
from casatools.components.model import Amount, Component, Shape, Spectrum
from casatools.io import components as tables

__all__ = ["SessionMethods", "Which", "WhichMany", "WhichOrAll", "not_there"]

Which = Annotated[int, kinds.Int(), "Number of the component, from 0"]
WhichOrAll = Annotated[int, kinds.Int(), "Number of the component, from 0; -1 is all"]
WhichMany = Annotated[list[int], kinds.IntList(), "Numbers of components; -1 is all"]
Log = Annotated[bool, kinds.Bool(), "Accepted for compatibility"]
_PLAIN = Component(spectrum=Spectrum(frequency=Amount(1.0, "GHz")))  # CASA's component of which nothing is said
_Any = kinds.Variant()
_List = kinds.Variant((kinds.Text(), kinds.Record(), kinds.Kind()))


def not_there(name: str, empty: Any, instead: str) -> Any:
    """What CASA's own tool gives back for a method that it does not implement, said in the log together with what to use."""
    log.post(f"componentlist.{name} gives no value, as in CASA; use {instead}", "WARN")
    return empty


class SessionMethods:
    """Files, records, adding, removing, ordering, selecting."""

    def __init__(self) -> None:
        self._forget()

    def _forget(self) -> None:
        self._list = ComponentList()
        self._removed: list[Component] = []
        self._chosen: set[int] = set()
        self._path = ""
        self._readonly = False
        self._changed = False

    def _edit(self, which: int, **fields: Any) -> bool:
        self._touch()
        self._list.items[self._list.index(which)] = replace(self._list[which], **fields)
        return True

    def _edit_each(self, which: int, changed: Callable[[Component], Component]) -> bool:
        """Change one component, or all of them for -1; none is when one of them cannot be."""
        made = {k: changed(self._list[k]) for k in self._list.indices(which)}
        self._touch()
        for k, component in made.items():
            self._list.items[k] = component
        return True

    def _touch(self) -> None:
        if self._readonly:
            raise DataError(f"component list {self._path!r} was opened with nomodify=True and cannot be changed")
        self._changed = True

    def _save(self) -> None:
        if self._path and self._changed:
            self._list.write(self._path, overwrite=True)
            self._changed = False

    # ---- files and records

    @method
    def open(
        self,
        filename: Annotated[str, kinds.InPath(), "Component list table"] = "",
        nomodify: Annotated[bool, kinds.Bool(), "Refuse changes"] = False,
        log: Log = True,
    ) -> bool:
        """Open a component list; changes are written when the tool is closed.

        Raises
        ------
        ParameterError, PathMissingError, DataError
            No name was given, nothing is there, or it is no component list.
        """
        if not filename:
            raise ParameterError("componentlist.open: parameter 'filename' must name a component list")
        opened = ComponentList.read(filename)
        self._save()
        self._forget()
        self._list, self._path, self._readonly = opened, filename, nomodify
        return True

    @method
    def close(self, log: Log = True) -> bool:
        """Write what was changed and forget the components."""
        self._save()
        self._forget()
        return True

    @method
    def done(self) -> bool:
        """The same as close."""
        self._save()
        self._forget()
        return True

    @method
    def rename(self, filename: Annotated[str, kinds.OutPath(), "New name"], log: Log = True) -> bool:
        """Give the list a name on disk: write it when it has none yet, move it when it has one.

        Raises
        ------
        OutputExistsError
            Something has the name.
        """
        if not filename:
            raise ParameterError("componentlist.rename: parameter 'filename' must be a name")
        require_absent(filename, what="component list")
        if self._path:
            self._save()
            tables.move_components(self._path, filename)
        else:
            self._list.write(filename)
        self._path, self._changed = filename, False
        return True

    @method
    def torecord(self) -> dict[str, Any]:
        """All components as a record."""
        return self._list.to_record()

    @method
    def fromrecord(self, record: Annotated[dict, kinds.Record(), "Record of `torecord`"] = {}) -> bool:  # noqa: B006 - copied
        """Replace the components by those of a record."""
        made = ComponentList.from_record(record)
        self._touch()
        self._list = made
        return True

    @method
    def asciitocomponentlist(
        self,
        filename: Annotated[str, kinds.OutPath(), "Component list to make"],
        asciifile: Annotated[str, kinds.InPath(), "Text file"],
        refer: Annotated[str, kinds.Text(), "Frame of the directions"] = "J2000",
        format: Annotated[str, kinds.Text(), "Kind of the text file"] = "ST",
        direction: Annotated[dict, kinds.Record(), "Columns of the direction"] = {},  # noqa: B006 - copied
        spectrum: Annotated[dict, kinds.Record(), "Columns of the spectrum"] = {},  # noqa: B006 - copied
        flux: Annotated[dict, kinds.Record(), "Columns of the flux density"] = {},  # noqa: B006 - copied
        log: Log = True,
    ) -> bool:
        """Make a component list of a text file: neither CASA nor this suite reads one.

        Raises
        ------
        UnsupportedError
            Always.
        """
        raise UnsupportedError(
            f"componentlist.asciitocomponentlist: format={format!r} is not read, as in CASA; call addcomponent for each line"
        )

    @method
    def iscomponentlist(self, tool: Annotated[Any, kinds.Variant((kinds.Text(), kinds.Kind())), "Anything"] = []) -> bool:  # noqa: B006 - not changed
        """Not implemented in CASA: False."""
        return bool(not_there("iscomponentlist", False, "isinstance"))

    # ---- keywords

    def _table_path(self) -> str:
        if not self._path:
            raise NotOpenError("no component list table is attached; call open or rename first")
        return self._path

    @method
    def haskeyword(self, keyword: Annotated[str, kinds.Text(), "Name"] = "metadata") -> bool:
        """True when the table has a keyword."""
        return tables.read_component_keyword(self._table_path(), keyword) is not None

    @method
    def getkeyword(self, keyword: Annotated[str, kinds.Text(), "Name"] = "metadata") -> Any:
        """A keyword of the table.

        Raises
        ------
        DataError
            There is no such keyword.
        """
        found = tables.read_component_keyword(self._table_path(), keyword)
        if found is None:
            raise DataError(f"component list {self._path!r} has no keyword {keyword!r}")
        return found

    @method
    def putkeyword(
        self,
        keyword: Annotated[str, kinds.Text(empty=False), "Name"] = "metadata",
        value: Annotated[Any, _Any, "Value"] = [],  # noqa: B006 - not changed
    ) -> None:
        """Set a keyword of the table."""
        path = self._table_path()
        self._touch()
        tables.put_component_keyword(path, keyword, value)

    # ---- adding and removing

    @method
    def addcomponent(
        self,
        flux: Annotated[Any, _Any, "Flux density: Stokes I, or four numbers"] = [],  # noqa: B006 - not changed
        fluxunit: Annotated[str, kinds.Text(), "Its unit"] = "Jy",
        polarization: Annotated[str, kinds.Text(), "Stokes, Linear or Circular"] = "Stokes",
        dir: Annotated[Any, _Any, "Direction such as 'J2000 12h00m00 30d00m00'"] = [],  # noqa: B006 - not changed
        shape: Annotated[str, kinds.Text(), "point, gaussian or disk"] = "point",
        majoraxis: Annotated[Any, _Any, "Major axis, full width"] = [],  # noqa: B006 - not changed
        minoraxis: Annotated[Any, _Any, "Minor axis, full width"] = [],  # noqa: B006 - not changed
        positionangle: Annotated[Any, _Any, "Position angle, north through east"] = [],  # noqa: B006 - not changed
        freq: Annotated[Any, _Any, "Reference frequency such as '1.4GHz' or 'TOPO 1.4GHz'"] = [],  # noqa: B006 - not changed
        spectrumtype: Annotated[str, kinds.Text(), "constant, 'spectral index' or plp"] = "constant",
        index: Annotated[Any, _Any, "Spectral index, or coefficients of the logarithmic polynomial"] = [],  # noqa: B006
        optionalparms: Annotated[list[float], kinds.FloatList(), "Accepted for compatibility; no shape has any"] = [0.0],  # noqa: B006
        label: Annotated[str, kinds.Text(), "Text kept with the component"] = "",
    ) -> bool:
        """Add a component.

        Raises
        ------
        ParameterError
            A value cannot be read or is not possible; nothing is added then.
        """
        place = editing.with_place(Shape(), dir) if editing.given(dir) else Shape()
        spectrum = Spectrum()
        if editing.given(freq):
            frequency, frame = editing.frequency_from(freq)
            spectrum = Spectrum(frequency=frequency, frame=frame)
        made = Component(
            editing.flux_from(flux, fluxunit, polarization),
            editing.shape_from(place, shape, (majoraxis, minoraxis, positionangle)),
            editing.spectrum_from(spectrum, spectrumtype, editing.SpectrumValues(index)),
            label,
        )
        self._touch()
        self._list.items.append(made)
        return True

    @method
    def add(
        self,
        thecomponent: Annotated[dict, kinds.Record(), "Record of `getcomponent`"],
        iknow: Annotated[bool, kinds.Bool(), "Accepted for compatibility"] = True,
    ) -> bool:
        """Add a component given as a record; 1 Jy at the pole for {}."""
        made = Component.from_record(thecomponent) if thecomponent else _PLAIN
        self._touch()
        self._list.items.append(made)
        return True

    @method
    def simulate(self, howmany: Annotated[int, kinds.Int(min=0), "Number of components"] = 1, log: Log = True) -> bool:
        """Add components of 1 Jy at the pole."""
        self._touch()
        self._list.items.extend([_PLAIN] * howmany)
        return True

    @method
    def concatenate(
        self,
        list: Annotated[Any, _List, "Component list: a name, a record or a tool"] = [],  # noqa: B006 - not changed
        which: WhichMany = [-1],  # noqa: B006 - copied
        log: Log = True,
    ) -> bool:
        """Add components of another list."""
        added = _components_of(list)
        self._touch()
        self._list.items.extend(added[k] for k in added.indices(which))
        return True

    @method
    def replace(
        self,
        which: Which,
        list: Annotated[Any, _List, "Component list: a name, a record or a tool"],
        whichones: WhichMany = [-1],  # noqa: B006 - copied
    ) -> bool:
        """Put components of another list in the place of one."""
        added = _components_of(list)
        at = self._list.index(which)
        self._touch()
        self._list.items[at : at + 1] = [added[k] for k in added.indices(whichones)]
        return True

    @method
    def remove(self, which: WhichMany = [-1], log: Log = True) -> bool:  # noqa: B006 - copied
        """Take components out; `recover` brings them back until `purge`."""
        taken = set(self._list.indices(which))
        self._touch()
        self._removed += [c for k, c in enumerate(self._list) if k in taken]
        self._list = ComponentList([c for k, c in enumerate(self._list) if k not in taken])
        self._chosen.clear()
        return True

    @method
    def purge(self) -> bool:
        """Forget removed components; False as CASA returns."""
        self._removed.clear()
        return False

    @method
    def recover(self, log: Log = True) -> bool:
        """Bring removed components back, at the end of the list; False as CASA returns."""
        if self._removed:
            self._touch()
        self._list.items.extend(self._removed)
        self._removed.clear()
        return False

    # ---- counting, ordering, selecting

    @method
    def length(self) -> int:
        """The number of components."""
        return len(self._list)

    @method
    def indices(self) -> np.ndarray:
        """Not implemented in CASA: an empty array."""
        return np.asarray(not_there("indices", np.zeros(0, np.int64), "range(length())"))

    @method
    def sort(self, criteria: Annotated[str, kinds.Text(), "flux, position or polarization"] = "Flux", log: Log = True) -> bool:
        """Order the components: strongest, nearest to longitude and latitude 0, or most polarized first."""
        self._touch()
        self._list.sort(criteria)
        return True

    @method
    def select(self, which: WhichMany) -> bool:
        """Mark components; marks add up."""
        self._chosen.update(self._list.indices(which))
        return True

    @method
    def deselect(self, which: WhichMany) -> bool:
        """Take the marks off components."""
        self._chosen.difference_update(self._list.indices(which))
        return True

    @method
    def selected(self) -> np.ndarray:
        """Numbers of the components that are marked."""
        return np.array(sorted(self._chosen), dtype=np.int64)

    @method
    def isphysical(self, which: WhichMany = [-1]) -> bool:  # noqa: B006 - copied
        """True when no component is more polarized than bright."""
        return all(self._list[k].is_physical for k in self._list.indices(which))

    @method
    def getcomponent(
        self, which: Which, iknow: Annotated[bool, kinds.Bool(), "Accepted for compatibility"] = False
    ) -> dict[str, Any]:
        """A component as a record."""
        return self._list[which].record()

    @method
    def edit(self, which: Which, log: Log = True) -> bool:
        """Edit a component in a window: there is none.

        Raises
        ------
        UnsupportedError
            Always.
        """
        self._list.index(which)
        raise UnsupportedError(f"componentlist.edit: which={which}: there is no window to edit in; call setflux, setshape, ...")

    @method
    def summarize(self, which: Annotated[int, kinds.Int(), "Number of the component; -1 is all"] = -1) -> bool:
        """Write components to the log in words."""
        for k in self._list.indices(which):
            log.post(editing.describe(self._list[k]))
        return True

    @method
    def getlabel(self, which: Which) -> str:
        """The text kept with a component."""
        return self._list[which].label

    @method
    def setlabel(self, which: Which, value: Annotated[str, kinds.Text(), "Text"], log: Log = True) -> bool:
        """Set the text kept with a component."""
        return self._edit(which, label=value)


def _components_of(source: Any) -> ComponentList:
    if isinstance(source, SessionMethods):
        return ComponentList(source._list.items)
    if isinstance(source, Mapping):
        return ComponentList.from_record(source)
    if isinstance(source, str) and source:
        if not is_component_list(source):
            raise PathMissingError(f"component list {source!r} does not exist or is none")
        return ComponentList.read(source)
    raise ParameterError(f"a component list is given as a name, a record or a tool; got {source!r}")
