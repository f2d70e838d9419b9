"""ft: models of components and images as visibilities, against direct sums."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from casatasks import ft
from casatools import componentlist, coordsys, image, table
from casatools._base.errors import DataError, ParameterError, PathMissingError, SelectionError
from casatools.simulation.demo import DemoOptions, make_demo

C = 299792458.0
CELL = np.pi / 648000 * 5


@pytest.fixture
def vis(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A small simulated observation."""
    monkeypatch.chdir(tmp_path)
    make_demo("demo.ms", DemoOptions(antennas_per_arm=2, cycles=1, nchan=3))
    return "demo.ms"


def column(path: str, name: str, field: int = 2) -> np.ndarray:
    tb = table()
    tb.open(path)
    chosen = tb.query(f"FIELD_ID == {field}")
    values = np.asarray(chosen.getcol(name))
    chosen.close()
    tb.close()
    return values


def frequencies(path: str) -> np.ndarray:
    tb = table()
    tb.open(path + "/SPECTRAL_WINDOW")
    values = np.asarray(tb.getcell("CHAN_FREQ", 0))
    tb.close()
    return values


def centre(path: str) -> np.ndarray:
    tb = table()
    tb.open(path + "/FIELD")
    values = np.asarray(tb.getcell("PHASE_DIR", 2)).ravel()
    tb.close()
    return values


def phases(path: str, l: float, m: float) -> np.ndarray:
    """``exp(2 pi i (ul + vm + w(n - 1)) f / c)`` (chan, row)."""
    uvw, n = column(path, "UVW"), np.sqrt(1 - l * l - m * m)
    return np.exp(2j * np.pi * np.outer(frequencies(path), l * uvw[0] + m * uvw[1] + (n - 1) * uvw[2]) / C)


def components(path: str, **more: Any) -> tuple[float, float]:
    """A component list with one component 40 arcsec north of the third field."""
    lon, lat = centre(path)
    tool = componentlist()
    tool.addcomponent(
        flux=[2.0, 0.3, 0.1, 0.2], dir=f"J2000 {lon}rad {lat + 40 * np.pi / 648000}rad", freq=f"{frequencies(path)[0]}Hz",
        spectrumtype="spectral index", index=-0.7, **{"shape": "point", **more},
    )  # fmt: skip
    tool.rename("one.cl")
    tool.done()
    return 0.0, float(np.sin(40 * np.pi / 648000))


def test_point_component(vis: str) -> None:
    l, m = components(vis)
    ft(vis, field="2", complist="one.cl", usescratch=True)
    model, hz = column(vis, "MODEL_DATA"), frequencies(vis)
    spectrum = ((hz / hz[0]) ** -0.7)[:, None] * phases(vis, l, m)
    for k, flux in enumerate((2.2, 1.8)):  # RR, LL = I + V, I - V
        assert model[k] == pytest.approx(flux * spectrum, rel=1e-5)
    assert column(vis, "MODEL_DATA", 0) == pytest.approx(np.ones_like(column(vis, "MODEL_DATA", 0)))
    ft(vis, field="2", complist="one.cl", incremental=True, usescratch=True)
    assert column(vis, "MODEL_DATA") == pytest.approx(2 * model, rel=1e-5)


def test_gaussian_component(vis: str) -> None:
    l, m = components(vis, shape="gaussian", majoraxis="30arcsec", minoraxis="30arcsec", positionangle="0deg")
    ft(vis, field="2", complist="one.cl", usescratch=True)
    model, hz, uvw = column(vis, "MODEL_DATA"), frequencies(vis), column(vis, "UVW")
    q = np.outer(hz / C, np.hypot(uvw[0], uvw[1]))
    damping = np.exp(-((np.pi * q * 30 * np.pi / 648000) ** 2) / (4 * np.log(2)))
    expected = 2.2 * ((hz / hz[0]) ** -0.7)[:, None] * damping * phases(vis, l, m)
    assert model[0] == pytest.approx(expected, abs=2e-3)


def model_image(path: str, name: str, pixels: dict[tuple[int, int, int, int], float], nchan: int = 1, stokes: str = "I") -> None:
    lon, lat = centre(path)
    tool = coordsys()
    made = tool.newcoordsys(direction=True, spectral=True, stokes=list(stokes))
    hz = frequencies(path)
    made.setreferencepixel([32, 32], "direction")
    made.setunits(["rad", "rad"], "direction")
    made.setincrement([-CELL, CELL], "direction")
    made.setreferencevalue([lon, lat], "direction")
    made.setreferencepixel(0, "spectral")
    made.setreferencevalue(f"{hz[0]}Hz", "spectral")
    made.setincrement(f"{hz[1] - hz[0]}Hz", "spectral")
    values = np.zeros((64, 64, len(stokes), nchan))
    for place, flux in pixels.items():
        values[place] = flux
    ia = image()
    ia.fromarray(name, values, csys=made.torecord())
    ia.done()


def test_images_of_planes(vis: str) -> None:
    model_image(vis, "m.im", {(40, 32, 0, 0): 1.5, (32, 32, 1, 0): 0.5, (32, 32, 0, 1): 3.0}, nchan=2, stokes="IV")
    ft(vis, field="2", model="m.im", usescratch=True)
    model = column(vis, "MODEL_DATA")
    assert model[0, 0] == pytest.approx(1.5 * phases(vis, -8 * CELL, 0.0)[0] + 0.5, abs=2e-4)
    assert model[1, 0] == pytest.approx(1.5 * phases(vis, -8 * CELL, 0.0)[0] - 0.5, abs=2e-4)
    assert model[:, 1] == pytest.approx(np.full_like(model[:, 1], 3.0), abs=2e-4), "the nearest channel of the image"
    assert not model[:, 2:].any(), "beyond the ends of the image, as in the reference"


def test_taylor_terms(vis: str) -> None:
    model_image(vis, "t0.im", {(32, 32, 0, 0): 2.0})
    model_image(vis, "t1.im", {(32, 32, 0, 0): -1.4})
    hz = frequencies(vis)
    ft(vis, field="2", model=["t0.im", "t1.im"], nterms=2, reffreq=f"{hz[2]}Hz", usescratch=True)
    expected = 2.0 - 1.4 * (hz - hz[2]) / hz[2]
    assert column(vis, "MODEL_DATA")[0] == pytest.approx(np.repeat(expected[:, None], column(vis, "UVW").shape[1], 1), abs=2e-4)


def test_refused(vis: str) -> None:
    components(vis)
    tb = table()
    tb.open(vis, nomodify=False)
    if "MODEL_DATA" in tb.colnames():
        tb.removecols("MODEL_DATA")
    tb.close()
    ia = image()
    ia.fromshape("two.im", [8, 8])
    ia.done()
    for given, error, words in (
        ({}, ParameterError, "complist"), ({"model": ["a", "b"]}, ParameterError, "nterms=1"), ({"model": "no.im"}, PathMissingError, "no.im"),
        ({"complist": "no.cl"}, PathMissingError, "no.cl"), ({"complist": "one.cl", "field": "NOPE"}, SelectionError, "NOPE"),
        ({"complist": "one.cl", "incremental": True, "usescratch": True}, DataError, "MODEL_DATA"), ({"model": "two.im"}, DataError, "axes"),
    ):  # fmt: skip
        with pytest.raises(error, match=words):
            ft(vis, **given)
    model_image(vis, "x.im", {(32, 32, 0, 0): 1.0}, stokes="I")
    tb.open(vis)
    assert "MODEL_DATA" not in tb.colnames()
    tb.close()


def test_only_the_selected_channels_are_filled(vis: str) -> None:
    components(vis)
    ft(vis, field="2", spw="0:1", complist="one.cl", usescratch=True)
    first = column(vis, "MODEL_DATA")
    assert np.array_equal(first[:, [0, 2]], np.ones_like(first[:, [0, 2]])) and np.abs(first[:, 1] - 1).min() > 0.1
    ft(vis, field="2", complist="one.cl", usescratch=True)
    whole = column(vis, "MODEL_DATA")
    assert np.array_equal(first[:, 1], whole[:, 1]) and np.abs(whole[:, [0, 2]] - 1).min() > 0.1
    ft(vis, field="2", spw="0:1", complist="one.cl", usescratch=True, incremental=True)
    found = column(vis, "MODEL_DATA")
    np.testing.assert_allclose(found[:, 1], 2 * whole[:, 1], rtol=1e-5)
    assert np.array_equal(found[:, [0, 2]], whole[:, [0, 2]])
