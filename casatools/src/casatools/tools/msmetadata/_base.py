"""What all parts of the msmetadata tool share: the open data set, and the checks of IDs and names."""

from __future__ import annotations

import fnmatch
from typing import Annotated, Any

import numpy as np

from casatools._base import kinds
from casatools._base.errors import NotOpenError, ParameterError
from casatools.information.observation_index import ObservationIndex
from casatools.io.ms.metadata import MsMetadata

ObsId = Annotated[int, kinds.Int(), "Observation ID; negative is all"]
ArrayId = Annotated[int, kinds.Int(), "(Sub)array ID; negative is all"]
AsNames = Annotated[bool, kinds.Bool(), "Give field names instead of IDs"]
Ids = Annotated[Any, kinds.Variant((kinds.IntList(),)), "IDs; nothing or a negative one is all"]
OneSpw = Annotated[int, kinds.Int(), "Spectral window ID"]
FieldRef = Annotated[Any, kinds.Variant((kinds.Int(), kinds.Text())), "Field ID or name"]
AntennaRef = Annotated[Any, kinds.Variant((kinds.Int(), kinds.Text())), "Antenna ID or name"]
Unit = Annotated[str, kinds.Text(), "Unit of the values"]


def quantity(value: float, unit: str) -> dict[str, Any]:
    """CASA's record of a quantity."""
    return {"value": float(value), "unit": unit}


def integers(values: Any) -> np.ndarray:
    """IDs as CASA returns them."""
    return np.asarray(list(values), dtype=np.int64)


def glob_match(pattern: str, names: list[str]) -> list[int]:
    """Positions of the names that match a pattern with ``*`` and ``?``."""
    return [i for i, n in enumerate(names) if fnmatch.fnmatchcase(n, pattern)]


class MsMetadataBase:
    """The open data set and its checks."""

    _open_index: ObservationIndex | None = None

    @property
    def _index(self) -> ObservationIndex:
        if self._open_index is None:
            raise NotOpenError("msmetadata: no MeasurementSet is open; call open first")
        return self._open_index

    @property
    def _meta(self) -> MsMetadata:
        return self._index.metadata

    def _refuse(self, what: str, value: Any, allowed: str) -> ParameterError:
        return ParameterError(f"msmetadata: there is no {what} {value!r}; {allowed}")

    def _in_range(self, what: str, number: int, count: int) -> int:
        if not 0 <= number < count:
            raise self._refuse(what, number, f"IDs are 0 to {count - 1}" if count else "there are none")
        return number

    def _spw(self, spw: int) -> int:
        return self._in_range("spectral window", spw, len(self._meta.spectral_windows))

    def _field(self, field: int | str) -> int:
        if isinstance(field, str):
            return self._fields_named(field)[0]
        return self._in_range("field", field, len(self._meta.fields))

    def _fields_named(self, name: str) -> list[int]:
        names = [f.name for f in self._meta.fields]
        found = [i for i, n in enumerate(names) if n == name]
        if not found:
            raise self._refuse("field", name, f"fields are {', '.join(names)}")
        return found

    def _field_list(self, field: int | str) -> list[int]:
        return self._fields_named(field) if isinstance(field, str) else [self._field(field)]

    def _antenna(self, antenna: int | str) -> int:
        if isinstance(antenna, str):
            names = [a.name for a in self._meta.antennas]
            if antenna not in names:
                raise self._refuse("antenna", antenna, f"antennas are {', '.join(names)}")
            return names.index(antenna)
        return self._in_range("antenna", antenna, len(self._meta.antennas))

    def _all_or(self, ids: Any, count: int, what: str) -> list[int]:
        """The IDs given, all of them for nothing or a lone negative one."""
        wanted = [ids] if isinstance(ids, int) else list(ids)
        if not wanted or wanted == [-1]:
            return list(range(count))
        return [self._in_range(what, i, count) for i in wanted]

    def _scan_mask(self, scan: int, obsid: int, arrayid: int) -> np.ndarray:
        mask = self._part(obsid, arrayid, scan=scan)
        if not mask.any():
            present = self._index.ids("scan", self._index.select())
            raise self._refuse("scan", scan, f"scans are {', '.join(str(s) for s in present)}")
        return mask

    def _observation(self, obsid: int) -> int:
        return self._in_range("observation", obsid, len(self._meta.observations))

    def _part(self, obsid: int, arrayid: int, **ids: int) -> np.ndarray:
        """Which combinations of IDs belong to an observation, an array (negative: to any) and to other IDs."""
        if obsid >= 0:
            self._observation(obsid)
        if arrayid >= 0:
            self._in_range("array", arrayid, 1 + int(self._index.combos[:, 1].max(initial=-1)))
        return self._index.select(observation=obsid, array=arrayid, **ids)

    def _fields_out(self, ids: list[int], asnames: bool) -> np.ndarray:
        return np.array([self._meta.fields[i].name for i in ids], dtype=str) if asnames else integers(ids)

    def _intents_matching(self, intent: str) -> list[str]:
        present = sorted({i for s in self._meta.states for i in s.intents})
        return [present[k] for k in glob_match(intent, present)]

    def _intent_mask(self, intent: str) -> np.ndarray:
        states = self._index.states_with_intent(self._intents_matching(intent))
        return np.isin(self._index.combos[:, 5], states)
