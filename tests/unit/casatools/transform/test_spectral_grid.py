"""Grids of channels against hand calculation and numbers of the reference."""

from __future__ import annotations

import numpy as np
import pytest

from casatools import ms
from casatools._base.errors import ParameterError, SelectionError
from casatools.transform.spectral_grid import GridRequest, InputChannels, joined_channels, spectral_grid
from support.shared import unpack

C = 299792458.0
EDGES = 1.398e9 + 4e6 * np.arange(9)
DATA = InputChannels(EDGES[:-1], EDGES[1:])


def grid(**given: object) -> tuple[np.ndarray, np.ndarray]:
    low, high = spectral_grid(DATA, GridRequest(**given))  # type: ignore[arg-type]
    return 0.5 * (low + high), high - low


def test_channels() -> None:
    assert grid()[0] == pytest.approx(1.4e9 + 4e6 * np.arange(8))
    centre, width = grid(start=2, width=2, nchan=5)
    # Channels beyond the data are made when asked for.
    assert centre == pytest.approx(1.410e9 + 8e6 * np.arange(5)) and width == pytest.approx(8e6)
    # Negative widths go down, as do channel numbers of data by falling frequency.
    assert grid(start=6, width=-2)[0] == pytest.approx([1.406e9, 1.414e9, 1.422e9])
    falling = InputChannels(EDGES[:-1], EDGES[1:], True)
    for mode in ("channel", "channel_b"):
        low, high = spectral_grid(falling, GridRequest(mode, start=1, width=2, nchan=3))
        assert 0.5 * (low + high) == pytest.approx([1.406e9, 1.414e9, 1.422e9])
    uneven = InputChannels(np.array([0.0, 1, 3]) + 10, np.array([1.0, 3, 4]) + 10)
    low, high = spectral_grid(uneven, GridRequest("channel"))
    assert low == pytest.approx(10 + np.arange(3) * 4 / 3) and high[-1] == 14
    low, high = spectral_grid(uneven, GridRequest("channel_b", width=[2]))
    assert low.tolist() == [10] and high.tolist() == [13]


def test_frequencies() -> None:
    centre, width = grid(mode="frequency", nchan=4, start="1.402GHz", width="5MHz")
    assert centre == pytest.approx([1.402e9, 1.407e9, 1.412e9, 1.417e9]) and width == pytest.approx(5e6)
    # A grid that begins below the data is moved up to them.
    assert grid(mode="frequency", nchan=4, start="1.401GHz", width="8MHz")[0][0] == pytest.approx(1.402e9)
    assert grid(mode="frequency", width={"value": 8, "unit": "MHz"})[0] == pytest.approx(1.402e9 + 8e6 * np.arange(4))
    assert len(grid(mode="frequency", start="1.42GHz")[0]) == 3


@pytest.mark.parametrize("veltype", ["radio", "optical"])
def test_velocities(veltype: str) -> None:
    """Centres are means of the edges, which are at equal steps of velocity."""
    rest = 1.41e9
    for sign in (1, -1):
        centre, _ = grid(mode="velocity", nchan=2, start="0km/s", width=f"{sign * 1000}km/s", rest_hz=rest, veltype=veltype)
        v = sign * (np.arange(3) - 0.5) * 1e6
        edges = rest * (1 - v / C) if veltype == "radio" else rest / (1 + v / C)
        assert centre == pytest.approx(np.sort(0.5 * (edges[1:] + edges[:-1])), rel=1e-12)
    centre, _ = grid(mode="velocity", rest_hz=rest, veltype="radio")
    assert centre == pytest.approx(1.4e9 + 4e6 * np.arange(8))
    centre, _ = grid(mode="velocity", rest_hz=rest, veltype="radio", width="1000km/s")
    step = rest * 1e6 / C
    assert centre == pytest.approx(1.398e9 + step * (np.arange(6) + 0.5))


def test_velocities_that_lie_mostly_beyond_the_data_stay() -> None:
    """CASA 6.7 moves the middle of the grid to the data's edge, to a start that nobody asked for."""
    rest, step = 1.41e9, 1.41e9 * 1e6 / C
    start = C * (1 - 1.403e9 / rest)
    for veltype in ("radio", "optical"):
        centre, _ = grid(mode="velocity", nchan=6, start=f"{start}m/s", width="1000km/s", rest_hz=rest, veltype=veltype)
        assert len(centre) == 6 and centre[2] < 1.398e9
        assert centre[-1] == pytest.approx(1.403e9, abs=1 if veltype == "radio" else 0.05 * step)


def test_optical_channels_without_a_width() -> None:
    """A width that is the data's own is never refused as narrower than them, and `nchan` is that many, also beyond the data's end."""
    rest = 1.42e9
    data = InputChannels(1.418e9 + 1e5 * np.arange(32), 1.418e9 + 1e5 * np.arange(1, 33))
    velocity = C * (rest / 1.41825e9 - 1)
    low, high = spectral_grid(data, GridRequest("velocity", 9, f"{velocity}m/s", "", rest, "optical"))
    assert len(low) == 9 and low[0] < 1.418e9 and high - low == pytest.approx(1e5, rel=1e-2)
    assert 0.5 * (low[-1] + high[-1]) == pytest.approx(1.41825e9, abs=10)


def test_the_start_of_whole_channels_counts_once() -> None:
    """CASA 6.7's mstransform begins `channel_b` at twice the channel asked for."""
    assert grid(mode="channel_b", start=1, width=2)[0] == pytest.approx([1.406e9, 1.414e9, 1.422e9])
    assert grid(mode="channel_b", start=2, width=1)[0] == pytest.approx(1.408e9 + 4e6 * np.arange(6))


def test_windows_are_joined() -> None:
    other = InputChannels(DATA.low_hz + 4.8e7, DATA.high_hz + 4.8e7)
    joined = joined_channels([other, DATA])
    assert joined.low_hz == pytest.approx(1.398e9 + 4e6 * np.arange(20))  # four channels fill the gap
    overlapping = joined_channels([DATA, InputChannels(DATA.low_hz + 1.6e7, DATA.high_hz + 1.6e7)])
    assert overlapping.low_hz == pytest.approx(1.398e9 + 4e6 * np.arange(12))


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"mode": "wave"}, "'mode'"), ({"veltype": "z"}, "'veltype'"), ({"mode": "velocity"}, "'restfreq'"),
        ({"start": "1GHz"}, "channel number"), ({"start": 8}, "'start' must be a channel"), ({"width": 0}, "'width' must be at least"),
        ({"start": 6, "width": 4}, "no new channel"), ({"mode": "frequency", "start": 3}, "unit like Hz"),
        ({"mode": "frequency", "start": "2GHz"}, "frequency of the data"), ({"mode": "frequency", "width": "2MHz"}, "must not be smaller"),
        ({"mode": "velocity", "rest_hz": 1.41e9, "start": "9000km/s"}, "velocity of the data"),
    ],
)  # fmt: skip
def test_refused(given: dict, words: str) -> None:
    with pytest.raises(ParameterError, match=words):
        grid(**given)


@pytest.mark.shared
def test_the_reference_numbers(tmp_path) -> None:
    """ms.cvelfreqs of CASA 6.7.0."""
    tool = ms()
    tool.open(str(unpack("simvla.ms", tmp_path)))
    when = "2019/05/01/04:39:00"
    found = tool.cvelfreqs([0], [0], obstime=when, mode="channel", nchan=3, start=2, width=1, outframe="BARY")
    assert found == pytest.approx([1.40805821e9, 1.41205838e9, 1.41605854e9], rel=1e-8)
    given = {"mode": "velocity", "nchan": 3, "start": "0km/s", "width": "1000km/s", "restfreq": "1.410GHz", "outframe": "BARY"}
    assert tool.cvelfreqs([0], [0], obstime=when, veltype="radio", **given) == pytest.approx(
        [1.40059349e9, 1.40529675e9, 1.41e9], rel=1e-8
    )
    assert len(tool.cvelfreqs([0, 1], [0], outframe="LSRK")) == 58
    # A width of -1 is none given, as in the reference; -2 goes backwards.
    assert tool.cvelfreqs([0], [0], width=-1) == pytest.approx(tool.cvelfreqs([0], [0]))
    backwards = tool.cvelfreqs([0], [0], nchan=2, start=5, width=-2)
    assert backwards[-1] < tool.cvelfreqs([0], [0])[5]
    assert len(tool.cvelfreqs([0], [0], mode="frequency", width="2MHz")) == 0
    direction = tool.cvelfreqs([0], obstime=when, outframe="LSRK", phasec="J2000 13h31m08s 30d30m33s")
    assert direction == pytest.approx(tool.cvelfreqs([0], obstime=when, outframe="LSRK", phasec=0), rel=1e-6)
    for words, arguments in {"no field 9": ([0], [9]), "window 7": ([7], [0])}.items():
        with pytest.raises(SelectionError, match=words):
            tool.cvelfreqs(*arguments)
    with pytest.raises(SelectionError, match="give obstime"):
        tool.cvelfreqs([0], [77], phasec=0)
    with pytest.raises(ParameterError):
        tool.cvelfreqs([0], [0], mode="channel", start="x")
    tool.close()
