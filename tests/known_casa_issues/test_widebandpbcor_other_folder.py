"""widebandpbcor fails in CASA when the images are in another directory than the MeasurementSet."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from casatasks import tclean, widebandpbcor
from casatools.simulation.demo import DemoOptions, make_demo


def test_images_and_data_in_folders_of_their_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("data", "images", "run"):
        os.mkdir(name)
    make_demo("data/sim.ms", DemoOptions(antennas_per_arm=3, cycles=1, nchan=4))
    tclean(
        "data/sim.ms",
        imagename="images/t",
        field="0",
        imsize=32,
        cell="30arcsec",
        deconvolver="mtmfs",
        nterms=2,
        niter=5,
        datacolumn="data",
    )
    os.chdir("run")
    widebandpbcor("../data/sim.ms", "../images/t", field="0", spwlist=[0, 0], chanlist=[0, 3], weightlist=[1.0, 1.0])
    assert os.listdir(".") == [] or all(n.startswith("casa-") for n in os.listdir("."))
    assert {"t.pbcor.image.tt0", "t.pbcor.image.tt1", "t.pbcor.workdirectory"} <= set(os.listdir("../images"))
