"""Components fitted to visibilities of known sources."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from casatools._base.errors import DataError, OutputExistsError, ParameterError
from casatools.calibration.fit_component import ComponentFit, component_visibility, fit_component
from casatools.components.component_list import ComponentList
from casatools.io.ms import MeasurementSet, Selection
from support.shared import unpack


@pytest.mark.parametrize(("kind", "rest"), [("P", []), ("G", [40.0, 0.6, 30.0]), ("D", [60.0, 0.8, 20.0])])
def test_component_comes_back(tmp_path: Path, kind: str, rest: list[float]) -> None:
    vis = str(unpack("simvla.ms", tmp_path))
    truth = np.array([2.0, 12.0, -7.0, *rest])
    with MeasurementSet(vis, writable=True) as ms:
        rows = np.asarray(Selection(field="2", spw="0").resolve(ms).rows)
        uvw, window = ms.read("UVW", rows), ms.metadata.spectral_windows[0]
        scale = window.chan_freq_hz / 299792458.0
        model = component_visibility(kind, truth, uvw[:, :1] * scale, uvw[:, 1:2] * scale)
        ms.write("DATA", np.repeat(model[:, :, None], 4, axis=2).astype(np.complex64), rows)
    start = truth * 0.9 + 0.02
    out = str(tmp_path / "c.cl")
    par, error = fit_component(vis, Selection(field="2", spw="0"), ComponentFit(kind, tuple(start), niter=30), out)
    np.testing.assert_allclose(par, truth, rtol=1e-3)
    assert (error > 0).all()
    component = ComponentList.read(out)[0]
    assert component.flux.values.real[0] == pytest.approx(2.0, rel=1e-3)
    with pytest.raises(OutputExistsError):
        fit_component(vis, Selection(field="2"), ComponentFit(kind, tuple(start)), out)
    held = fit_component(vis, Selection(field="2", spw="0"), ComponentFit("P", (1.5, 12.0, -7.0), (False, True, True), 3))
    assert held[0][0] == 1.5 and held[1][0] == 0


def test_refusals(tmp_path: Path) -> None:
    for wrong in (("P", (1.0,)), ("P", (1.0, 0.0, 0.0), (True,)), ("G", (1.0, 0.0, 0.0, 0.0, 1.0, 0.0))):
        with pytest.raises(ParameterError):
            ComponentFit(*wrong)  # type: ignore[arg-type]
    vis = str(unpack("simvla.ms", tmp_path))
    with pytest.raises(DataError, match="several fields"):
        fit_component(vis, Selection(), ComponentFit("P", (1.0, 0.0, 0.0)))
    with MeasurementSet(vis, writable=True) as ms:
        rows = np.arange(ms.nrow)
        flag = ms.read("FLAG", rows[:1])
        ms.write("FLAG", np.ones((len(rows), *flag.shape[1:]), dtype=bool), rows)
    with pytest.raises(DataError, match="flagged"):
        fit_component(vis, Selection(field="2"), ComponentFit("P", (1.0, 0.0, 0.0)))


@pytest.mark.parametrize("kind", ["G", "D"])
def test_visibilities_are_the_transform_of_the_brightness(kind: str) -> None:
    """Beside a sum over 400 x 400 points of the sky, turned and flattened; CASA's Bessel function of disks is off by up to 1e-3."""
    par = np.array([2.0, 10.0, -5.0, 40.0, 0.6, 30.0])
    edge = (np.arange(400) + 0.5) / 400 * 2 - 1
    edge = edge * (1.0 if kind == "D" else 4.5)
    along, across = np.meshgrid(edge, edge)
    radius2 = along**2 + across**2
    bright = (radius2 < 1).astype(float) if kind == "D" else np.exp(-np.log(2) * radius2)
    angle, arcsec = np.deg2rad(par[5]), np.pi / 648000
    major, minor = along * par[3] / 2, across * par[3] * par[4] / 2
    east = (par[1] + major * np.sin(angle) + minor * np.cos(angle)) * arcsec
    north = (par[2] + major * np.cos(angle) - minor * np.sin(angle)) * arcsec
    u, v = np.random.default_rng(2).uniform(-6000, 6000, (2, 20))
    expected = [(bright * np.exp(2j * np.pi * (a * east + b * north))).sum() for a, b in zip(u, v, strict=True)]
    found = component_visibility(kind, par, u, v)
    np.testing.assert_allclose(found, par[0] * np.array(expected) / bright.sum(), atol=1e-3)
