"""uvmodelfit: the component list holds the uncertainties of the fit (CASA's has zeros)."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from casatools.calibration.fit_component import ComponentFit, fit_component
from casatools.components.component_list import ComponentList
from casatools.io.ms import Selection


def test_uncertainties_are_written(shared_input: Callable[[str], str]) -> None:
    vis = shared_input("simvla.ms")
    par, error = fit_component(vis, Selection(field="1", spw="0"), ComponentFit("P", (1.0, 0.0, 0.0)), "point.cl")
    found = ComponentList.read("point.cl")[0]
    np.testing.assert_allclose(found.flux.values.real[0], par[0])
    np.testing.assert_allclose(found.flux.errors.real[0], error[0])
    arcsec = np.pi / 648000
    assert (error > 0).all()
    np.testing.assert_allclose(found.shape.lat_error.in_unit("rad"), error[2] * arcsec, rtol=1e-6)
    fit_component(vis, Selection(field="1", spw="0"), ComponentFit("G", (1.0, 0.0, 0.0, 20.0, 0.5, 10.0), niter=2), "gauss.cl")
    shape = ComponentList.read("gauss.cl")[0].shape
    assert shape.major_error.value > 0 and shape.minor_error.value > 0 and shape.angle_error.value > 0
