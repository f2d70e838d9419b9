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
