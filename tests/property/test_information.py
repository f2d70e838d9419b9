"""Properties of the information layer: expressions are read as they were written, selections equal TaQL, conversions invert, tables keep
what was put into them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import casacore.tables as reference_tables
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from casatools import measures, quanta, table
from casatools.io.ms import MeasurementSet, Selection
from casatools.io.ms.selection_grammar import IdRange, Name, parse_list
from casatools.io.ms.selection_spw import ChannelRange, parse_spw
from casatools.simulation.demo import DemoOptions, make_demo

few = settings(max_examples=40, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture])

numbers = st.integers(0, 40)
ranges = st.tuples(numbers, numbers).map(lambda p: IdRange(min(p), max(p)))
names = st.text("ABCXYZ_+abc019", min_size=1, max_size=8).filter(lambda t: not t.isdigit()).map(lambda t: Name(t, None))


def written(item: IdRange | Name) -> str:
    """An item of a list as an expression."""
    if isinstance(item, Name):
        return item.text
    return str(item.low) if item.single else f"{item.low}~{item.high}"


@few
@given(st.lists(st.one_of(ranges, names), min_size=1, max_size=6), st.sampled_from([",", ", ", " ,  "]))
def test_lists_are_read_as_written(items: list[IdRange | Name], comma: str) -> None:
    assert list(parse_list(comma.join(written(i) for i in items), "field")) == items


channels = st.tuples(numbers, numbers, st.integers(1, 5)).map(
    lambda c: ChannelRange(min(c[:2]), max(c[:2]), c[2] if c[0] != c[1] else 1)
)


@few
@given(st.lists(st.tuples(ranges, st.lists(channels, max_size=4)), min_size=1, max_size=4))
def test_windows_and_channels_are_read_as_written(items: list[tuple[IdRange, list[ChannelRange]]]) -> None:
    def chan(c: ChannelRange) -> str:
        return str(c.first) if c.first == c.last else f"{c.first}~{c.last}" + (f"^{c.step}" if c.step > 1 else "")

    text = ",".join(written(w) + (":" + ";".join(map(chan, cs)) if cs else "") for w, cs in items)
    found = parse_spw(text)
    assert [(f.windows, f.channels) for f in found] == [((w,), tuple(cs)) for w, cs in items]


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = str(tmp_path_factory.mktemp("demo") / "demo.ms")
    make_demo(path, DemoOptions(antennas_per_arm=3, cycles=1))
    return path


def taql_rows(path: str, condition: str) -> list[int]:
    whole = reference_tables.table(path, ack=False)
    part = whole.query(condition)
    rows = [int(r) for r in part.rownumbers()]
    part.close()
    whole.close()
    return rows


@few
@given(st.lists(st.tuples(st.integers(0, 8), st.integers(0, 8), st.booleans()), min_size=1, max_size=5))
def test_baselines_equal_taql(demo: str, parts: list[tuple[int, int, bool]]) -> None:
    """Parts take effect from left to right; a first one with ! takes away from everything."""
    with MeasurementSet(demo) as ms:
        antennas = [a.name for a in ms.metadata.antennas]
        parts = [(a % len(antennas), b % len(antennas), minus) for a, b, minus in parts]
        text = ";".join(
            ("!" if minus else "") + (antennas[a] if a == b else f"{antennas[a]}&{antennas[b]}") for a, b, minus in parts
        )
        condition = "True" if parts[0][2] else "False"
        for a, b, minus in parts:
            one = f"((ANTENNA1=={a}&&ANTENNA2=={b})||(ANTENNA1=={b}&&ANTENNA2=={a}))"
            one = one if a != b else f"((ANTENNA1=={a}||ANTENNA2=={a})&&ANTENNA1!=ANTENNA2)"
            condition = f"({condition} && !{one})" if minus else f"({condition} || {one})"
        assert Selection(antenna=text).resolve(ms, allow_empty=True).rows.tolist() == taql_rows(demo, condition)


@few
@given(st.integers(0, 5), st.integers(0, 5), st.integers(0, 3), st.floats(0.0, 900.0), st.floats(0.0, 900.0))
def test_scans_fields_and_lengths_equal_taql(demo: str, first: int, last: int, field: int, near: float, far: float) -> None:
    low, high = sorted((first, last))
    near, far = sorted((round(near, 2), round(far, 2)))
    with MeasurementSet(demo) as ms:
        field %= len(ms.metadata.fields)
        found = Selection(scan=f"{low}~{high}", field=f">={field}", uvrange=f"{near}~{far}m").resolve(ms, allow_empty=True)
        condition = (
            f"SCAN_NUMBER>={low} && SCAN_NUMBER<={high} && FIELD_ID>={field} && sqrt(sumsqr(UVW[0:2])) between {near} and {far}"
        )
        assert found.rows.tolist() == taql_rows(demo, condition)


UNITS = [("m", ("km", "pc", "AU", "cm", "mile")), ("rad", ("deg", "arcsec", "arcmin", "mas")), ("Hz", ("GHz", "kHz")), ("s", ("h", "d", "yr")),
         ("Jy", ("mJy", "W.m-2.Hz-1")), ("K", ("mK",)), ("m/s", ("km/s", "km/h"))]  # fmt: skip


@few
@given(st.floats(-1e6, 1e6), st.sampled_from(UNITS), st.integers(0, 4))
def test_conversions_of_quantities_invert(value: float, units: tuple[str, tuple[str, ...]], which: int) -> None:
    qa = quanta()
    start, others = units
    there = qa.convert({"value": value, "unit": start}, others[which % len(others)])
    assert qa.convert(there, start)["value"] == pytest.approx(value, rel=1e-12, abs=1e-12)
    assert qa.convert({"value": np.array([value, 2 * value]), "unit": start}, there["unit"])["value"][0] == pytest.approx(
        there["value"], rel=1e-14
    )


@few
@given(st.floats(50000.0, 60000.0), st.sampled_from(["ymd", "dmy", "fits"]))
def test_times_are_read_as_written(mjd: float, form: str) -> None:
    qa = quanta()
    text = qa.time({"value": mjd, "unit": "d"}, prec=12, form=form)[0]
    assert qa.convert(qa.quantity(text), "d")["value"] == pytest.approx(mjd, abs=1e-10)


@few
@given(
    st.floats(0.0, 6.28),
    st.floats(-1.5, 1.5),
    st.sampled_from(["GALACTIC", "B1950", "ICRS", "AZEL", "HADEC", "APP", "ECLIPTIC", "SUPERGAL"]),
)
def test_conversions_of_directions_invert(lon: float, lat: float, frame: str) -> None:
    me = measures()
    me.doframe(me.epoch("UTC", "2019/05/01/04:00:00"))
    me.doframe(me.observatory("VLA"))
    start = me.direction("J2000", {"value": lon, "unit": "rad"}, {"value": lat, "unit": "rad"})
    back = me.measure(me.measure(start, frame), "J2000")
    assert me.separation(start, back)["value"] < 1e-6


@few
@given(
    st.floats(1e8, 1e12),
    st.sampled_from(["LSRK", "BARY", "GEO", "TOPO", "GALACTO", "CMB"]),
    st.sampled_from(["LSRK", "TOPO", "LSRD"]),
)
def test_conversions_of_frequencies_invert_and_equal_vectors(hz: float, start: str, end: str) -> None:
    me = measures()
    me.doframe(me.epoch("UTC", "2019/05/01/04:00:00"))
    me.doframe(me.observatory("VLA"))
    me.doframe(me.direction("J2000", "13h31m08.3s", "30d30m33s"))
    there = me.measure(me.frequency(start, {"value": hz, "unit": "Hz"}), end)
    assert me.measure(there, start)["m0"]["value"] == pytest.approx(hz, rel=1e-12)
    both = me.measure(me.frequency(start, {"value": np.array([hz, 2 * hz]), "unit": "Hz"}), end)["m0"]["value"]
    assert both == pytest.approx([there["m0"]["value"], 2 * there["m0"]["value"]], rel=1e-13)


cells = {
    "I": st.integers(-(2**31), 2**31 - 1), "D": st.floats(allow_nan=False), "B": st.booleans(),
    "S": st.text(st.characters(codec="ascii", exclude_categories=("C",)), max_size=12),
}  # fmt: skip


@settings(max_examples=25, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data(), st.integers(1, 6))
def test_tables_keep_what_was_put_into_them(tmp_path_factory: pytest.TempPathFactory, data: Any, nrow: int) -> None:
    path = str(Path(tmp_path_factory.mktemp("t")) / "t.tab")
    kinds = {"I": "int", "D": "double", "B": "boolean", "S": "string"}
    values = {c: data.draw(st.lists(cells[c], min_size=nrow, max_size=nrow)) for c in cells}
    cube = np.arange(6 * nrow).reshape(2, 3, nrow) * (1 + 0.5j)
    tb = table()
    tb.create(path, {c: {"valueType": k} for c, k in kinds.items()} | {"A": {"valueType": "dcomplex", "ndim": 2}}, nrow=nrow)
    for c, v in values.items():
        tb.putcol(c, v)
    tb.putcol("A", cube)
    tb.putkeyword("K", {"a": 1, "b": [1.5, 2.5]})
    tb.close()
    other = reference_tables.table(path, ack=False)
    for c, v in values.items():
        assert list(other.getcol(c)) == v
    assert np.array_equal(other.getcol("A").T, cube) and other.getkeyword("K")["a"] == 1
    other.close()
    tb.open(path)
    assert np.array_equal(tb.getcol("A"), cube) and list(tb.getcol("S")) == values["S"] and list(tb.getcol("I")) == values["I"]
    tb.close()


@few
@given(st.floats(41500.0, 60000.0), st.sampled_from(["TAI", "TDT", "TDB", "TCB", "UT1"]))
def test_conversions_of_times_invert(mjd: float, scale: str) -> None:
    me = measures()
    start = me.epoch("UTC", f"{mjd!r}d")
    there = me.measure(start, scale)
    back = me.measure(there, "UTC")
    assert back["m0"]["value"] == pytest.approx(start["m0"]["value"], abs=2e-5)  # a second: a leap second may lie between them
    assert there["refer"] == scale and abs(there["m0"]["value"] - mjd) < 0.01


@few
@given(st.floats(-3.1, 3.1), st.floats(-1.5, 1.5), st.floats(1.0, 9000.0))
def test_conversions_of_positions_invert(lon: float, lat: float, height_m: float) -> None:
    me = measures()
    start = me.position("WGS84", f"{lon!r}rad", f"{lat!r}rad", f"{height_m!r}m")
    there = me.measure(start, "ITRF")
    back = me.measure(there, "WGS84")
    assert back["m0"]["value"] == pytest.approx(lon, abs=1e-9) and back["m1"]["value"] == pytest.approx(lat, abs=1e-9)
    assert back["m2"]["value"] == pytest.approx(height_m, abs=1e-3) and 6.3e6 < there["m2"]["value"] < 6.4e6
