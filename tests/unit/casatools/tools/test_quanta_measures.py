"""The quanta and measures tools against CASA 6.7's records."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import numpy as np
import pytest

from casatools._base.errors import ParameterError
from casatools.frames import arithmetic
from casatools.tools.measures import measures
from casatools.tools.quanta import quanta


def test_arithmetic_and_conversion() -> None:
    qa = quanta()
    assert qa.add("1m", "2cm") == {"unit": "m", "value": 1.02}
    assert qa.div("10km", "2h") == {"unit": "km/(h)", "value": 5.0}
    assert qa.convert("1m", "s") == {"unit": "s.m.s-1", "value": 1.0}
    assert qa.convertfreq("5cm")["value"] == pytest.approx(5995849160.0)
    assert qa.convertfreq("21cm", "m-1")["value"] == pytest.approx(29.919930034188507)  # 2 pi / wavelength, CASA's value
    assert qa.convertfreq(qa.convertfreq("21cm", "m-1"), "cm")["value"] == pytest.approx(21.0)
    assert qa.convertdop("0.1")["value"] == pytest.approx(29979.2458)
    for call in (lambda: qa.add("1m", "1s"), lambda: qa.convert("1m", "nounit"), lambda: qa.sin("1m"), lambda: qa.lt("1m", "1s")):
        with pytest.raises(ParameterError):
            call()


@pytest.mark.parametrize(
    ("angle", "options", "text"),
    [
        ("30.5deg", {"prec": 9}, "+030.30.00.000"),
        ("-0.3rad", {"form": "time"}, "22:51:15"),
        ("-0.3rad", {"form": "clean"}, "- 17.11.19"),
        ("-0.3rad", {"form": "no_dm"}, "-..19"),
        ("200deg", {"form": "dig2"}, "+**.00.00"),
        ("1deg", {"form": ["dig2", "time"]}, "+00:04:00"),
    ],
)
def test_angle_forms(angle: str, options: dict, text: str) -> None:
    assert quanta().angle(angle, **options) == [text]


@pytest.mark.parametrize(
    ("form", "text"),
    [("ymd", "2019/05/01/04:39:06"), ("dmy", "01-May-2019/04:39:06"), ("fits", "2019-05-01T04:39:06"), (["day"], "Wed-04:39:06"),
     ("iso", "2019-05-01 04:39:06Z"), (["ymd", "alpha"], "2019/05/01/04h39m06"), (["dmy", "no_time"], "01-May-2019"), ("mjd", "58604/04:39:06")],
)  # fmt: skip
def test_time_forms(form: object, text: str) -> None:
    assert quanta().time("2019/05/01/04:39:05.6", form=form) == [text]


def test_measures_frame() -> None:
    me = measures()
    me.doframe(me.epoch("UTC", "2019/05/01/04:00:00"))
    me.doframe(me.observatory("VLA"))
    source = me.direction("J2000", "13h31m08.288s", "30d30m32.96s")
    me.doframe(source)
    assert me.measure(me.frequency("TOPO", "1.42GHz"), "LSRK")["m0"]["value"] == pytest.approx(1420008096.9211397, abs=1e-3)
    assert np.allclose(me.touvw(me.baseline("ITRF", "100m", "200m", "-50m"))[1]["value"], [146.074066, 42.478751, -171.341539])
    assert me.rise(source, "10deg")["rise"]["value"] == pytest.approx(-4.463237378158844, rel=1e-6)
    assert me.rise(me.direction("J2000", "0deg", "89deg")) == {"rise": "above", "set": "above"}
    assert me.todoppler("RADIO", me.frequency("LSRK", "1.4GHz"), "1.42GHz")["m0"]["value"] == pytest.approx(4222428.985915488)
    assert (
        me.gettype(source) == "Direction" and me.getref(source) == "J2000" and me.ismeasure(source) and not me.ismeasure({"a": 1})
    )


def test_measures_refusals() -> None:
    me = measures()
    for call in (lambda: me.observatory("NOWHERE"), lambda: me.direction("FOO", "1deg", "2deg"), lambda: me.measure({"a": 1}, "J2000"),
                 lambda: me.frequency("LSRK", "5Jy"), lambda: me.rise(me.direction("J2000", "1deg", "2deg"))):  # fmt: skip
        with pytest.raises(ParameterError):
            call()


def test_offsets_are_those_of_the_reference() -> None:
    """Figures of CASA 6.7: epochs and positions lose the offset, directions and frequencies are relative to it."""
    me, qa = measures(), quanta()
    day = me.epoch("UTC", qa.quantity(50000.0, "d"))
    made = me.epoch("TAI", qa.quantity(50010.0, "d"), off=day)
    assert made["m0"]["value"] == pytest.approx(9.999664351851852, abs=1e-11) and me.getoffset(made)["refer"] == "UTC"
    assert me.measure(made, "TAI")["m0"]["value"] == pytest.approx(50010.0) and "offset" not in me.measure(made, "TAI")
    place = me.position("ITRF", "100m", "200m", "300m", off=me.position("ITRF", "10m", "20m", "30m"))
    assert place["m2"]["value"] == pytest.approx(336.7491648096547)
    turned = me.direction("J2000", "1rad", "0.5rad", off=me.direction("GALACTIC", "0.1rad", "0.05rad"))
    assert (turned["m0"]["value"], turned["m1"]["value"]) == pytest.approx((0.5131277341807203, 0.49423512057752494), abs=1e-9)
    line = me.frequency("LSRK", "1.4GHz", off=me.frequency("LSRK", "1GHz"))
    assert line["m0"]["value"] == pytest.approx(1.4e9) and me.measure(line, "LSRK")["m0"]["value"] == pytest.approx(2.4e9)
    assert me.measure(me.frequency("LSRK", "1.4GHz"), "LSRK", off=me.frequency("LSRK", "1GHz"))["m0"]["value"] == pytest.approx(
        4e8
    )
    with pytest.raises(ParameterError, match="offset of a direction"):
        me.direction("J2000", "1rad", "0.5rad", off=day)


def test_conversions_by_one_factor_equal_those_of_casacore() -> None:
    """What is multiplied here gives what casacore's quantities and measures give."""
    qa, me = quanta(), measures()
    for value in (
        "1.5km",
        "12h30m15s",
        "30d10m",
        "1.4GHz",
        {"value": np.arange(6.0).reshape(2, 3), "unit": "h"},
        {"value": 2.0, "unit": "pc"},
    ):
        for unit in ("m", "deg", "rad", "Hz", " s ", "", "10km"):
            assert repr(qa.convert(value, unit)) == repr(arithmetic.converted(value, unit))
    with pytest.raises(ParameterError, match="not a unit"):
        qa.convert("1m", "nonsense")
    lon, lat = np.linspace(-3.0, 3.0, 50), np.linspace(-1.2, 1.2, 50)
    for source, target in itertools.permutations(("J2000", "ICRS", "GALACTIC", "SUPERGAL", "ECLIPTIC"), 2):
        many = me.measure(me.direction(source, qa.quantity(lon, "rad"), qa.quantity(lat, "rad")), target)
        exact = me._frame._engine.measure(me.direction(source, qa.quantity(lon, "rad"), qa.quantity(lat, "rad")), target)
        one = me.measure(me.direction(source, qa.quantity(lon[7], "rad"), qa.quantity(lat[7], "rad")), target)
        for key in ("m0", "m1"):
            np.testing.assert_allclose(np.exp(1j * many[key]["value"]), np.exp(1j * np.asarray(exact[key]["value"])), atol=1e-14)
            assert one[key]["value"] == pytest.approx(many[key]["value"][7], abs=1e-14)


def test_errors_show_the_beginning_of_long_values() -> None:
    with pytest.raises(ParameterError) as caught:
        quanta().convert(["x" * 1000, "y" * 1000], "m")
    assert len(str(caught.value)) < 400


@pytest.mark.parametrize("source", ["UTC", "TAI", "IAT", "TDT"])
@pytest.mark.parametrize("mjd", [58604.1666, 57753.99999, 57754.0, 41400.3, 20000.5])
def test_atomic_times_equal_those_of_casacore(source: str, mjd: float) -> None:
    """Also beside a leap second, and before 1972, when UTC drifted."""
    me = measures()
    epoch = me.epoch(source, {"value": mjd, "unit": "d"})
    for target in ("TAI", "TDT", "TT", "UTC"):
        found, exact = me.measure(epoch, target), me._frame._engine.measure(dict(epoch), target)
        assert found["refer"] == exact["refer"] and found["m0"]["unit"] == exact["m0"]["unit"]
        assert found["m0"]["value"] == pytest.approx(exact["m0"]["value"], abs=2e-11)


def test_the_frame_is_shown_as_the_reference_shows_it() -> None:
    me = measures()
    # CASA 6.7
    assert me.showframe() == (
        "Frame: Epoch: 0::00:00:00.0000 (TDB = -0.000170546, UT1 = 0, TT = -0.000170532)\n       Position: [0, 0, 0]\n"
        "        (Longitude = 0 Latitude = 0)\n       Direction: [0, 0, 1]\n        (J2000 = [0, 90] deg)"
    )
    me.doframe(me.epoch("UTC", "2019/05/01/04:00:00"))
    me.doframe(me.direction("J2000", "-157.215deg", "30.5092deg"))
    lines = me.showframe().split("\n")
    assert lines[0] == "Frame: Epoch: 58604::04:00:00.0000 (TDB = 58604.2, UT1 = 58604.2, TT = 58604.2)"
    assert lines[4].strip() == "(J2000 = [-157.215, 30.5092] deg)"


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda qa: qa.define("5x", "1m"), "must begin with a letter; got '5x'"),
        (lambda qa: qa.define("m", "2m"), "'m' exists already"),
        (lambda qa: qa.quantity(1.0, "nounit"), "'1.0 nounit' is not a quantity"),
        (lambda qa: qa.quantity("five metres"), "'five metres' is not a quantity"),
        (lambda qa: qa.convert({"value": 1.0}, "m"), "needs the keys 'value' and 'unit'"),
        (lambda qa: qa.quantity(["a", "b"], "m"), "is not a quantity"),
        (lambda qa: qa.quantity(None, "m"), "None is not a number or a text"),
        (lambda qa: qa.add({"value": [1.0, 2.0], "unit": "m"}, "1m"), "not a vector"),
        (lambda qa: qa.pow("1mm/s", 10**6), "power 1000000 of '1mm/s' is not possible"),
        (lambda qa: qa.pow("2m", 10**12), "power 1000000000000 of '2m' is not possible"),
        (lambda qa: qa.norm("1m"), "'1m' does not fit here"),
        (lambda qa: qa.convertfreq("5K", "Hz"), "cannot be converted to 'Hz' as a frequency"),
        (lambda qa: qa.convertfreq("0s", "Hz"), "'0s' has no frequency"),
        (lambda qa: qa.convertdop("5m", "km/s"), "cannot be converted to 'km/s' as a velocity"),
        (lambda qa: qa.map("nope"), "must be one of all, prefix"),
        (lambda qa: qa.angle("1deg", form="nope"), "form 'nope' is unknown; allowed are"),
        (lambda qa: qa.time("1e9d", form="ymd"), "no calendar date"),
        (lambda qa: qa.time({"value": float("inf"), "unit": "d"}), "MJD inf has no calendar date"),
        (lambda qa: qa.splitdate({"value": 1e12, "unit": "d"}), "no calendar date"),
        (lambda qa: qa.angle({"value": float("nan"), "unit": "deg"}), "angle nan deg cannot be written"),
        (lambda qa: qa.quantity([[1, 2], [3]]), "is not a quantity"),
    ],
)
def test_quanta_refuses_what_it_cannot_use(call: Callable[[quanta], object], said: str) -> None:
    with pytest.raises(ParameterError, match=said):
        call(quanta())
    assert "5x" not in quanta().map("user")


def test_text_in_a_unit_defined_here_needs_a_number() -> None:
    qa = quanta()
    qa.define("refusedbeam", "2arcsec")
    assert qa.convert("3refusedbeam", "arcsec")["value"] == pytest.approx(6.0)
    with pytest.raises(ParameterError, match="'threerefusedbeam' is not a quantity"):
        qa.quantity("threerefusedbeam")
    with pytest.raises(ParameterError, match=r"cannot be converted to 'refusedbeam', which is 2\.0 arcsec"):
        qa.convert({"value": [1.0, 2.0], "unit": "Jy"}, "refusedbeam")


def test_conversion_to_a_unit_defined_here_is_named_by_it() -> None:
    qa = quanta()
    qa.define("halfbeam", "2arcsec")
    assert qa.convert("6arcsec", "halfbeam") == {"unit": "halfbeam", "value": pytest.approx(3.0)}  # CASA's record
    many = qa.convert({"value": [1.0, 2.0], "unit": "arcsec"}, "halfbeam")
    assert many["unit"] == "halfbeam" and many["value"].tolist() == pytest.approx([0.5, 1.0])
    assert qa.convert(many, "arcsec")["value"].tolist() == pytest.approx([1.0, 2.0])


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda me: me.source([]), "'name' must be the name of a source"),
        (lambda me: me.source(me.epoch("UTC", "58000.0d")), "kind direction is wanted; got an epoch"),
        (lambda me: me.todoppler("RADIO", me.frequency("LSRK", "1GHz"), ""), "rest frequency is needed"),
        (lambda me: me.epoch("UTC", "5m"), "a value of an epoch cannot have the unit"),
        (
            lambda me: me.doframe({"type": "epoch", "refer": "UTC", "m0": {"value": 1.0, "unit": "m"}}),
            "cannot be part of a frame",
        ),
    ],
)
def test_measures_refuses_what_it_cannot_use(call: Callable[[measures], object], said: str) -> None:
    with pytest.raises(ParameterError, match=said):
        call(measures())


def test_riseset_without_an_epoch_is_refused() -> None:
    me = measures()
    me.doframe(me.observatory("VLA"))
    with pytest.raises(ParameterError, match="epoch"):
        me.riseset(me.direction("J2000", "1h", "30deg"))
    me.doframe(me.epoch("UTC", "58000.0d"))
    assert "utc" in me.riseset(me.direction("J2000", "1h", "30deg"))["rise"]


# CASA 6.7: (value, precision, forms, what angle gives)
_ANGLES = [
    ("308.861472deg", 6, "no_h", "+308.51.41"), ("-82.9878deg", 8, "no_hm", "-082.59.16.08"), ("-0.5deg", 6, "clean", "-  0.30.00"),
    ("0deg", 6, ["clean", "angle"], "   0.00.00"), ("5.2deg", 9, ["dig2", "clean"], "+ 5.12.00.000"), ("21.7h", 6, ["clean", "dig2"], "+**.30.00"),
    ("99.99deg", 7, ["time", "no_d", "clean"], "39:57.6"), ("50000.75d", 2, ["dig2", "lat", "time"], "-06::"), ("-0.5deg", 2, ["clean", "long"], "-  1"),
]  # fmt: skip
_TIMES = [
    ("308.861472deg", 8, "dig2", "-03:24:33.25"), ("-13.2h", 6, ["clean", "no_h", "dig2"], "+48:00"), ("99.99deg", 7, ["no_hm", "clean"], "57.6"),
    ("5.2deg", 9, ["no_d", "clean"], "20:48.000"), ("-82.9878deg", 4, ["clean", "no_dm"], ""), ("50000.75d", 7, ["time", "dig2"], "-06:00:00.0"),
]  # fmt: skip


def test_forms_of_angles_and_times_are_those_of_the_reference() -> None:
    qa = quanta()
    for value, precision, form, text in _ANGLES:
        assert qa.angle(value, prec=precision, form=form) == [text], (value, form)
    for value, precision, form, text in _TIMES:
        assert qa.time(value, prec=precision, form=form) == [text], (value, form)
    assert [qa.formxxx(v, "dms", 1) for v in ("330.2387deg", "180deg", "-4.724286007274337rad")] == [
        "-029.45.40.68",
        "-180.00.00.00",
        "+089.19.06.06",
    ]
    assert [qa.formxxx("287.75934deg", f) for f in ("deg", "+deg", "rad")] == ["-72.2407", "287.759", "-1.26084"]
    for form, text in {
        "DMS": "-159.30.00.0000",
        "HMS": "13:22:00.000",
        "Deg": "-159.5",
        "+DEG": "200.5",
        "RAD": "-2.7838",
    }.items():
        assert qa.formxxx("200.5deg", form, 3) == qa.formxxx("200.5deg", form.lower(), 3) == text
    with pytest.raises(ParameterError, match="not a quantity"):
        qa.getvalue(["-1m", "2m"])


@pytest.fixture
def at_alma() -> measures:
    me = measures()
    me.doframe(me.epoch("UTC", "2012/07/01/12:30:15"))
    me.doframe(me.observatory("ALMA"))
    return me


def test_position_angles_and_separations_are_in_the_frame_of_the_first(at_alma: measures) -> None:
    def both(one: tuple[str, str, str], two: tuple[str, str, str]) -> tuple[float, float]:
        pair = at_alma.direction(*one), at_alma.direction(*two)
        return at_alma.posangle(*pair)["value"], at_alma.separation(*pair)["value"]

    # CASA 6.7
    assert both(("GALACTIC", "1rad", "0.5rad"), ("J2000", "1rad", "0.2rad")) == pytest.approx(
        (109.864249102, 128.620817978), abs=1e-7
    )
    assert both(("APP", "1rad", "0.5rad"), ("J2000", "1rad", "0.2rad")) == pytest.approx((179.427587608, 17.152503503), abs=1e-7)
    assert both(("AZEL", "1rad", "0.5rad"), ("HADEC", "1rad", "0.2rad")) == pytest.approx(
        (-52.536141555, 103.163464170), abs=1e-7
    )
    mars = at_alma.measure(at_alma.direction("MARS"), "J2000")
    assert at_alma.separation(at_alma.direction("MARS"), mars)["value"] == pytest.approx(0, abs=1e-6)
    assert at_alma.shift(at_alma.direction("MARS"), "1deg", "0deg")["m1"]["value"] == pytest.approx(
        mars["m1"]["value"] + np.pi / 180
    )
    with pytest.raises(ParameterError, match="direction of MARS is not known"):
        measures().shift(measures().direction("MARS"), "1deg", "0deg")


def test_texts_and_tuples_of_measures_are_those_of_the_reference(at_alma: measures) -> None:
    me = at_alma
    shown = [
        (me.epoch("UTC", "50000.5d"), "Epoch: 50000::12:00:00.0000  UTC"), (me.baseline("ITRF", "1km", "0.2km", "5m"), "Baseline: [1000, 200, 5]  ITRF"),
        (me.frequency("LSRK", "1.42040575GHz"), "Frequency: 1.42041e+09  LSRK"), (me.doppler("RADIO", "-20km/s"), "Doppler: -6.67128e-05  RADIO"),
        (me.uvw("ITRF", "1m", "2m", "3m"), "uvw: [1, 2, 3]  ITRF"), (me.earthmagnetic("IGRF"), "EarthMagnetic: [6.12323e-23, 0, 1e-06]  IGRF"),
    ]  # fmt: skip
    for measure, text in shown:
        assert me.dirshow(measure) == text and me.gettype(measure) == text.split(":")[0]
    measure, xyz = me.expand(me.uvw("ITRF", "10m", "20m", "-3m"))
    assert measure["m2"]["value"] == pytest.approx(22.561028345) and xyz["value"] == pytest.approx([10, 20, -3])
    assert isinstance(measure["m2"]["value"], float)
    strength = me.earthmagnetic("ITRF", "90deg", "30deg", "50000nT")
    assert [strength[k]["value"] for k in ("m0", "m1", "m2")] == pytest.approx([0, 50000 * 0.75**0.5, 25000], abs=1e-6)


def test_dates_before_the_first_day_and_first_weeks() -> None:
    qa = quanta()
    before = qa.splitdate("-23.825s")
    assert (before["year"], before["month"], before["monthday"], before["hour"], before["min"], before["sec"]) == (
        1858, 11, 16, 23, 59, 36,
    )  # fmt: skip
    assert qa.splitdate({"value": 45.183, "unit": "d"})["week"] == 52 and qa.splitdate("2019/01/01")["week"] == 1


def test_a_vector_of_one_quantity_serves_as_one() -> None:
    qa = quanta()
    one = {"value": np.array([1.8526]), "unit": "Hz"}
    assert qa.add(one, "-9kHz") == {"value": pytest.approx(-8998.1474), "unit": "Hz"} and qa.gt(
        "3a", {"value": np.array([0.8]), "unit": "min"}
    )
    with pytest.raises(ParameterError, match="not a vector"):
        qa.add({"value": np.array([1.0, 2.0]), "unit": "Hz"}, "1Hz")
    assert qa.map("customary") == qa.map("custom") and "kilogram" not in qa.map("all")
    assert "eps0  permittivity vac." in qa.map("const")


def test_units_defined_here_are_listed_in_si() -> None:
    qa = quanta()
    for name, size in {"listedfurlong": "220yd", "lfive": "5", "lturn": "2rad"}.items():
        assert qa.define(name, size)
    lines = qa.map("user").split("\n")
    assert "    lfive     (User defined)               5" in lines and "    lturn     (User defined)               2 rad" in lines
    assert f"    listedfurlong {'(User defined)':<29}201.168 m" in lines
    assert qa.maprec("user")["User_lfive"] == "lfive     (User defined)               5"
