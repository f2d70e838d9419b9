"""Fields: names, directions, and what goes with them."""

# ruff: noqa: B006 - the defaults are the reference's, and the declaration hands out copies

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

import numpy as np

from casatools._base import kinds
from casatools._base.declare import method
from casatools.tools.msmetadata._base import ArrayId, AsNames, FieldRef, Ids, MsMetadataBase, ObsId, OneSpw, integers, quantity

_Epoch = Annotated[dict[str, Any], kinds.Record(), "Epoch measure to evaluate moving directions at"]
_Intent = Annotated[str, kinds.Text(), "Intent, wildcards allowed"]


def direction(angles: Sequence[float] | np.ndarray, frame: str) -> dict[str, Any]:
    """CASA's record of a direction given as longitude and latitude in radian."""
    longitude, latitude = (float(a) for a in angles)
    wrapped = (longitude + np.pi) % (2 * np.pi) - np.pi
    return {"type": "direction", "refer": frame, "m0": quantity(wrapped, "rad"), "m1": quantity(latitude, "rad")}


def evaluate(polynomial: np.ndarray, time_s: float, origin_s: float) -> np.ndarray:
    """A direction polynomial at a time; (2,) radian."""
    powers = (time_s - origin_s) ** np.arange(len(polynomial))
    return np.asarray(powers @ polynomial) if time_s else polynomial[0]


class FieldMethods(MsMetadataBase):
    """Fields."""

    @method
    def fieldnames(self) -> list[str]:
        """Names of all fields."""
        return [f.name for f in self._meta.fields]

    @method
    def nfields(self) -> int:
        """Number of fields."""
        return len(self._meta.fields)

    @method
    def namesforfields(self, fieldids: Ids = "") -> list[str]:
        """Names of fields."""
        if fieldids in (-1, [-1]):
            raise self._refuse("field", -1, "IDs are not negative")
        return [self._meta.fields[i].name for i in self._all_or(fieldids, len(self._meta.fields), "field")]

    @method
    def fieldsforname(self, name: Annotated[str, kinds.Text(), "Field name; '' is all"] = "") -> np.ndarray:
        """IDs of the fields with a name."""
        return integers(self._fields_named(name) if name else self._index.ids("field", self._index.select()))

    @method
    def fieldsforintent(self, intent: _Intent = "", asnames: AsNames = False) -> np.ndarray:
        """Fields observed with an intent; ``*`` is every field, also where there are no intents."""
        mask = self._index.select() if intent == "*" else self._intent_mask(intent)
        return self._fields_out(self._index.ids("field", mask), asnames)

    @method
    def fieldsforscan(
        self,
        scan: Annotated[int, kinds.Int(), "Scan number"] = -1,
        asnames: AsNames = False,
        obsid: ObsId = -1,
        arrayid: ArrayId = -1,
    ) -> np.ndarray:
        """Fields in a scan."""
        return self._fields_out(self._index.ids("field", self._scan_mask(scan, obsid, arrayid)), asnames)

    @method
    def fieldsforscans(
        self,
        scans: Annotated[list[int], kinds.IntList(), "Scan numbers; none is all"] = [],
        asnames: AsNames = False,
        obsid: ObsId = -1,
        arrayid: ArrayId = -1,
        asmap: Annotated[bool, kinds.Bool(), "Give a dict by scan; needs obsid and arrayid"] = False,
    ) -> Any:
        """Fields in scans, together or by scan."""
        index = self._index
        if asmap and (obsid < 0 or arrayid < 0):
            raise self._refuse("map over all observations and arrays", (obsid, arrayid), "give obsid and arrayid of at least 0")
        base = self._part(obsid, arrayid)
        present = index.ids("scan", base)
        wanted = [s for s in (scans or present) if s in present]
        if not wanted and not asmap:
            raise self._refuse("scan", scans, f"scans are {', '.join(str(s) for s in present)}")
        if asmap:
            return {str(s): self._fields_out(index.ids("field", base & index.select(scan=s)), asnames) for s in wanted}
        return self._fields_out(index.ids("field", base & np.isin(index.combos[:, 2], wanted)), asnames)

    @method
    def fieldsforsource(self, source: Annotated[int, kinds.Int(), "Source ID"] = -1, asnames: AsNames = False) -> np.ndarray:
        """Fields of a source."""
        return self._fields_out([f.id for f in self._meta.fields if f.source_id == source], asnames)

    @method
    def fieldsforsources(self, asnames: AsNames = False) -> dict[str, np.ndarray]:
        """Fields of each source."""
        sources = sorted({f.source_id for f in self._meta.fields})
        return {str(s): self._fields_out([f.id for f in self._meta.fields if f.source_id == s], asnames) for s in sources}

    @method
    def fieldsforspw(self, spw: OneSpw = -1, asnames: AsNames = False) -> np.ndarray:
        """Fields observed with a spectral window."""
        found = self._fields_out(self._index.ids("field", self._index.select(spw=self._spw(spw))), asnames)
        return np.sort(found)

    @method
    def fieldsfortimes(
        self,
        time: Annotated[float, kinds.Float(), "Time, MJD seconds"] = -1.0,
        tol: Annotated[float, kinds.Float(min=0), "Tolerance in seconds"] = 0.0,
    ) -> np.ndarray:
        """Fields observed about a time."""
        return integers(self._index.ids("field", self._index.near(time, tol)))

    @method
    def intentsforfield(self, field: FieldRef = 0) -> list[str]:
        """Intents of a field; an unknown name has none."""
        if isinstance(field, str):
            found = [f.id for f in self._meta.fields if f.name == field]
        else:
            found = [self._field(field)]
        return self._index.intents(np.isin(self._index.combos[:, 3], found))

    @method
    def spwsforfield(self, field: FieldRef = "") -> np.ndarray:
        """Spectral windows observed with a field."""
        if field == -1:
            return integers([])
        return integers(self._index.ids("spw", np.isin(self._index.combos[:, 3], self._field_list(field))))

    @method
    def spwsforfields(self) -> dict[str, np.ndarray]:
        """Spectral windows observed with each field."""
        index = self._index
        return {
            str(f): np.asarray(index.ids("spw", index.select(field=f)), dtype=np.uint64)
            for f in index.ids("field", index.select())
        }

    @method
    def timesforfield(self, field: Annotated[int, kinds.Int(), "Field ID"] = -1) -> np.ndarray:
        """Times of a field, MJD seconds."""
        return self._index.times(self._index.select(field=self._field(field)))

    @method
    def phasecenter(self, fieldid: Annotated[int, kinds.Int(), "Field ID"] = 0, epoch: _Epoch = {}) -> dict[str, Any]:
        """Phase centre of a field."""
        row = self._meta.fields[self._field(fieldid)]
        return direction(evaluate(row.phase_dir, _epoch_s(epoch), row.time_s), row.phase_frame)

    @method
    def refdir(self, field: FieldRef = 0, epoch: _Epoch = {}) -> dict[str, Any]:
        """Reference direction of a field."""
        row = self._meta.fields[self._field(field)]
        return direction(evaluate(row.reference_dir, _epoch_s(epoch), row.time_s), row.reference_frame)

    @method
    def sourceidforfield(self, field: Annotated[int, kinds.Int(), "Field ID"] = -1) -> int:
        """Source ID of a field."""
        return self._meta.fields[self._field(field)].source_id


def _epoch_s(epoch: dict[str, Any]) -> float:
    """MJD seconds of an epoch measure; 0 when none is given."""
    if not epoch:
        return 0.0
    from casatools.frames.measure_records import require_measure
    from casatools.frames.quantities import to_unit

    require_measure(epoch, ("epoch",))
    return float(to_unit(epoch["m0"], "s"))
