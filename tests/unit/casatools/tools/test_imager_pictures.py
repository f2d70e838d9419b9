"""Pictures of the imager tool, and the samples that they are drawn of."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from casatools import imager, table
from casatools._base.errors import DataError, NotOpenError, ParameterError
from casatools.imaging import classic_samples
from casatools.imaging.classic_imager import ClassicImager
from casatools.imaging.classic_samples import read_samples
from casatools.simulation.demo import DemoOptions, make_demo

C = 299792458.0


def column(name: str, sub: str = "") -> np.ndarray:
    """A column of the MeasurementSet or of a sub-table."""
    tb = table()
    tb.open("sim.ms" + sub)
    try:
        return np.asarray(tb.getcol(name))
    finally:
        tb.close()


@pytest.fixture
def im(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> imager:
    monkeypatch.chdir(tmp_path)
    make_demo("sim.ms", DemoOptions(antennas_per_arm=2, cycles=1, nchan=2))
    tool = imager()
    tool.open("sim.ms")
    tool.selectvis(field=0)
    tool.defineimage(nx=32, cellx="12arcsec", phasecenter=0)
    return tool


def test_pictures_are_written(im: imager) -> None:
    im.weight("uniform")
    calls = {"plotuv": [{}, {"rotate": True}], "plotvis": [{}, {"type": "observed", "increment": 2}], "plotweights": [{}, {"gridded": True}],
             "plotsummary": [{}]}  # fmt: skip
    for name, each in calls.items():
        for given in each:
            assert getattr(im, name)(**given) is True
            assert os.path.getsize(f"sim.ms.{name}.png") > 5000
            os.remove(f"sim.ms.{name}.png")


def test_samples_are_those_selected(im: imager) -> None:
    del im
    state = ClassicImager("sim.ms")
    state.selection["field"] = "0"
    found = read_samples(state, 1, ("observed",))
    rows = np.flatnonzero((column("FIELD_ID") == 0) & ~column("FLAG_ROW"))
    data, good, weight = column("DATA")[..., rows], ~column("FLAG")[..., rows], column("WEIGHT")[:, rows]
    hz = column("CHAN_FREQ", "/SPECTRAL_WINDOW")[:, 0]
    seen = good.any(axis=0).T
    np.testing.assert_allclose(found.u, (column("UVW")[0, rows][:, None] * hz / C)[seen], rtol=1e-9)
    mean = (np.where(good, data, 0).sum(axis=0) / np.maximum(good.sum(axis=0), 1)).T[seen]
    np.testing.assert_allclose(found.amplitude["observed"], np.abs(mean), rtol=1e-5)
    wanted = (good * weight[:, None]).sum(axis=0) / np.maximum(good.sum(axis=0), 1)
    np.testing.assert_allclose(found.weight, wanted.T[seen], rtol=1e-6)


def test_fewer_rows_where_they_are_many(im: imager, monkeypatch: pytest.MonkeyPatch) -> None:
    del im
    state = ClassicImager("sim.ms")
    whole = read_samples(state)
    third = read_samples(state, 3)
    assert 0 < len(third.u) <= len(whole.u) // 3 + 2 and np.isin(third.u, whole.u).all()
    monkeypatch.setattr(classic_samples, "_MOST", len(whole.u) // 4)
    assert 0 < len(read_samples(state).u) <= len(whole.u) // 4 + 2


def test_coordinates_are_turned_to_the_image(im: imager) -> None:
    lon, lat = column("PHASE_DIR", "/FIELD")[:, 0, 0]
    im.defineimage(nx=32, cellx="12arcsec", phasecenter=f"J2000 {lon}rad {lat + 0.1}rad")
    state = im._state
    assert state is not None
    plain, turned = read_samples(state), read_samples(state, rotate=True)
    np.testing.assert_allclose(plain.u, turned.u, rtol=1e-6)  # the centre is on the meridian of the field
    assert np.abs(plain.v - turned.v).max() > 0.01 * np.abs(plain.v).max()


def test_what_cannot_be_drawn(im: imager) -> None:
    with pytest.raises(ParameterError, match="all or of"):
        im.plotvis(type="other")
    with pytest.raises(DataError):
        im.plotvis(type="model")
    with pytest.raises(ParameterError, match="needs uniform"):
        im.plotweights(gridded=True)
    tb = table()
    tb.open("sim.ms", nomodify=False)
    tb.putcol("FLAG_ROW", np.ones(tb.nrows(), bool))
    tb.close()
    with pytest.raises(DataError, match="all flagged"):
        im.plotuv()
    with pytest.raises(NotOpenError):
        imager().plotsummary()
    assert not os.path.exists("sim.ms.plotuv.png")
