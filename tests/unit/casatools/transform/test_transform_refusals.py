"""What the transformations refuse: the sentence, and that nothing is written."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from casatasks import mstransform, split
from casatools import ms, table
from casatools._base.errors import DataError, ParameterError
from casatools.io.ms import Selection
from casatools.simulation.demo import DemoOptions, make_demo
from casatools.transform.old_continuum import OldContinuumOptions
from casatools.transform.transforming import MsTransformOptions
from casatools.transform.uvcontsub_old import continuum_columns


@pytest.fixture
def vis() -> str:
    make_demo("sim.ms", DemoOptions(antennas_per_arm=1, cycles=1, nchan=3))
    return "sim.ms"


@pytest.mark.parametrize("task", [split, mstransform])
def test_a_measurement_set_without_visibilities(vis: str, task: Callable[..., object]) -> None:
    tb = table()
    tb.open(vis, nomodify=False)
    tb.removecols([c for c in ("DATA", "MODEL_DATA", "CORRECTED_DATA") if c in tb.colnames()])
    tb.close()
    with pytest.raises(DataError, match="has no visibility column"):
        task(vis, "out.ms", datacolumn="all")
    assert not Path("out.ms").exists()


def test_more_windows_than_channels(vis: str) -> None:
    with pytest.raises(ParameterError, match="'nspw' must not be more than the channels of the output, 3; got 99"):
        mstransform(vis, "out.ms", nspw=99, regridms=True, datacolumn="data")
    assert not Path("out.ms").exists()


@pytest.mark.parametrize(
    ("given", "name"), [({"statalg": "foo"}, "statalg"), ({"center": "foo"}, "center"), ({"datacolumn": "foo"}, "datacolumn")]
)
def test_weights_of_unknown_statistics(vis: str, given: dict[str, str], name: str) -> None:
    tool = ms()
    tool.open(vis, nomodify=False)
    with pytest.raises(ParameterError, match=f"'{name}' must be one of .*; got 'foo'"):
        tool.statwt(**given)
    tool.done()


def test_no_pass_of_the_continuum_fit() -> None:
    with pytest.raises(ParameterError, match="'niter' must be at least 1; got 0"):
        MsTransformOptions(niter=0)


def test_an_unknown_use_of_the_continuum(vis: str) -> None:
    with pytest.raises(ParameterError, match="'mode' must be one of subtract, replace, model; got 'foo'"):
        continuum_columns(vis, Selection(), OldContinuumOptions(), "foo")
