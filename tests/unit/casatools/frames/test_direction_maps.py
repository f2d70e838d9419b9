"""Maps between direction frames: the directions of casacore, and casacore itself where there is no map."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from casatools import measures
from casatools.frames import direction_maps
from casatools.frames.measure_records import BODIES

FRAMES = ["J2000", "B1950", "GALACTIC", "APP", "AZEL", "HADEC", "ECLIPTIC", "SUPERGAL", "ICRS", "ITRF", "JMEAN", "JTRUE", "BMEAN", "BTRUE", "AZELSW",
          "AZELNE", "AZELGEO", "JNAT", "MECLIPTIC", "TECLIPTIC", "TOPO"]  # fmt: skip


def tool(epoch: str = "2019/05/01/04:00:00", place: str = "VLA") -> Any:
    me = measures()
    me.doframe(me.epoch("UTC", epoch))
    me.doframe(me.observatory(place))
    return me


def directions(me: Any, frame: str, number: int) -> list[dict[str, Any]]:
    r = np.random.default_rng(3)
    return [
        me.direction(frame, {"value": float(lon), "unit": "rad"}, {"value": float(lat), "unit": "rad"})
        for lon, lat in zip(r.uniform(-np.pi, np.pi, number), np.arcsin(r.uniform(-1, 1, number)))
    ]


def vector(measure: dict[str, Any]) -> np.ndarray:
    lon, lat = measure["m0"]["value"], measure["m1"]["value"]
    return np.array([np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)])


@pytest.mark.parametrize("start", FRAMES)
def test_the_directions_of_casacore(start: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(direction_maps, "_AFTER", 10**9)
    me = tool()
    sky = directions(me, start, 12)
    slow = {end: [me.measure(d, end) for d in sky] for end in FRAMES if end != start}
    monkeypatch.setattr(direction_maps, "_AFTER", 1)
    me = tool()
    for end, expected in slow.items():
        for one, there in zip(sky, expected):
            found = me.measure(one, end)
            assert found["refer"] == there["refer"] and found["type"] == "direction" and list(found) == list(there)
            assert np.abs(vector(found) - vector(there)).max() < 2e-12, (start, end)


def test_maps_are_found_for_what_is_asked_often() -> None:
    me = tool()
    maps = me._frame._maps
    one = directions(me, "J2000", 1)[0]
    for frame in ("APP", "AZEL", "HADEC", "TOPO", "JMEAN"):
        for _ in range(direction_maps._AFTER + 1):
            me.measure(one, frame)
        assert maps._found["J2000", frame] is not None
    me.doframe(me.epoch("UTC", "2019/05/01/05:00:00"))  # another frame: none of them holds
    assert not maps._found and not maps._asked


def test_near_the_sun_casacore_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(direction_maps, "_AFTER", 1)
    me = tool()
    sun = me.measure(me.direction("SUN"), "J2000")
    beside = me.shift(sun, "20arcmin", "30deg")
    there = me.measure(beside, "APP")
    assert me._frame._maps._found["J2000", "APP"].apply(beside["m0"]["value"], beside["m1"]["value"]) is None
    back = me.measure(there, "J2000")
    assert me.separation(back, beside)["value"] < 1e-8 and me._frame._maps._found["APP", "J2000"] is not None
    for body in sorted(BODIES - {"COMET"}):
        assert me.measure(me.direction(body), "APP")["refer"] == "APP"


def test_conversions_of_another_kind_have_no_map() -> None:
    def curved(lon: np.ndarray, lat: np.ndarray, start: str, end: str) -> tuple[np.ndarray, np.ndarray]:
        return lon + 1e-6 * np.sin(5 * lon), lat

    assert direction_maps.find_map(curved, "J2000", "APP") is None
    maps = direction_maps.DirectionMaps(curved)
    for _ in range(direction_maps._AFTER + 3):
        assert maps.turned(1.0, 0.5, "J2000", "APP") is None
    assert direction_maps.find_map(lambda lon, lat, start, end: (lon * np.nan, lat), "J2000", "APP") is None

    def without_sun(lon: np.ndarray, lat: np.ndarray, start: str, end: str) -> tuple[np.ndarray, np.ndarray]:
        if start == "SUN":
            return lon * np.nan, lat
        return curved(lon, lat, start, end)

    assert direction_maps.find_map(without_sun, "J2000", "APP") is None


def test_an_unknown_sun_is_no_error() -> None:
    from casatools._base.errors import ParameterError

    def refused(lon: np.ndarray, lat: np.ndarray, start: str, end: str) -> tuple[np.ndarray, np.ndarray]:
        if start == "SUN":
            raise ParameterError("there is no Sun")
        return lon + 1e-6 * np.sin(5 * lon), lat

    maps = direction_maps.DirectionMaps(refused)
    assert [maps.turned(1.0, 0.5, "J2000", "APP") for _ in range(direction_maps._AFTER + 2)] == [None] * (
        direction_maps._AFTER + 2
    )
