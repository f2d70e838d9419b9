"""The quanta and measures tools against CASA 6.7's records."""

from __future__ import annotations

import numpy as np
import pytest

from casatools._base.errors import ParameterError
from casatools.tools.measures import measures
from casatools.tools.quanta import quanta


def test_arithmetic_and_conversion() -> None:
    qa = quanta()
    assert qa.add("1m", "2cm") == {"unit": "m", "value": 1.02}
    assert qa.div("10km", "2h") == {"unit": "km/(h)", "value": 5.0}
    assert qa.convert("1m", "s") == {"unit": "s.m.s-1", "value": 1.0}
    assert qa.convertfreq("5cm")["value"] == pytest.approx(5995849160.0)
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
