"""Cubes whose planes are kept in files, made part by part, are those made in memory."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from casatasks import tclean
from casatools import image, table
from casatools._base import log, row_arrays
from casatools._base.errors import DataError
from casatools.imaging import imager, plane_deconvolver, plane_store, shares
from casatools.imaging.imager import ImagingData
from casatools.imaging.plane_store import PlaneStore
from casatools.simulation.demo import DemoOptions, make_demo

CUBE: dict[str, Any] = {
    "vis": "sim.ms", "field": "0", "imsize": 64, "cell": "12arcsec", "specmode": "cube", "niter": 60, "cycleniter": 20, "pblimit": 0.05,
}  # fmt: skip
KINDS: dict[str, dict[str, Any]] = {
    "densities apart, all Stokes planes": {"weighting": "briggs", "stokes": "RRLL", "pbcor": True},
    "one density": {"weighting": "uniform", "perchanweightdensity": False},
    "wide channels": {"width": 2, "nchan": 2, "interpolation": "linear", "weighting": "natural"},
    "shifted channels": {
        "start": "1480km/s",
        "width": "-4km/s",
        "nchan": 3,
        "restfreq": "1420.40575MHz",
        "outframe": "BARY",
        "interpolation": "cubic",
    },
    "automatic masks": {"usemask": "auto-multithresh", "sidelobethreshold": 1.0, "noisethreshold": 3.0, "nsigma": 2.0},
    "mosaic": {"gridder": "mosaic", "weighting": "briggs", "restoringbeam": "common"},
}


@pytest.fixture(autouse=True)
def _data() -> None:
    make_demo("sim.ms", DemoOptions(antennas_per_arm=5, cycles=1, nchan=6))


@pytest.fixture
def mapped(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Keep planes in files, and take two channels at a time."""
    said: list[str] = []
    monkeypatch.setattr(log, "post", lambda message, *more: said.append(message))

    def plan(self: ImagingData, plane_bytes: float, is_mapped: bool) -> None:
        self.channels_at_once = 2 if self.is_cube and is_mapped else 0

    monkeypatch.setattr(plane_store, "memory_budget_bytes", lambda: 1000)
    monkeypatch.setattr(ImagingData, "plan_parts", plan)
    return said


def pixels(name: str) -> tuple[np.ndarray, np.ndarray]:
    ia = image()
    ia.open(name)
    try:
        return ia.getchunk(), ia.getchunk(getmask=True)
    finally:
        ia.close()


def made(base: str) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    return {p.name.removeprefix(base): pixels(p.name) for p in sorted(Path().glob(f"{base}.*"))}


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_parts_in_files_give_the_images_made_in_memory(kind: str, request: pytest.FixtureRequest) -> None:
    whole = tclean(imagename="whole", **CUBE | KINDS[kind])
    said = request.getfixturevalue("mapped")
    parts = tclean(imagename="parts", **CUBE | KINDS[kind])
    assert any("are kept in files" in line for line in said)
    expected, found = made("whole"), made("parts")
    assert found.keys() == expected.keys() and ".image" in found
    for name, (values, mask) in expected.items():
        np.testing.assert_array_equal(found[name][1], mask, err_msg=name)
        np.testing.assert_allclose(found[name][0], values, rtol=0, atol=1e-6 * np.abs(values).max(), err_msg=name)
    assert parts["iterdone"] == whole["iterdone"] > 0 and parts["nmajordone"] == whole["nmajordone"]
    assert not [p.name for p in Path().iterdir() if p.name.startswith((".", "tmp"))]


def model_column() -> np.ndarray:
    tb = table()
    tb.open("sim.ms")
    try:
        return tb.getcol("MODEL_DATA")
    finally:
        tb.close()


def test_model_column_and_restart_from_files(request: pytest.FixtureRequest) -> None:
    tclean(imagename="whole", savemodel="modelcolumn", weighting="natural", **CUBE)
    expected = model_column()
    request.getfixturevalue("mapped")
    tclean(imagename="parts", savemodel="modelcolumn", weighting="natural", **CUBE)
    np.testing.assert_allclose(model_column(), expected, rtol=0, atol=1e-6 * np.abs(expected).max())
    record = tclean(imagename="parts", calcres=False, calcpsf=False, weighting="natural", **CUBE | {"niter": 80})
    assert record["iterdone"] > 0 and record["stopcode"] > 0


class _Ranks:
    workers = 2
    stream = staticmethod(map)


def test_ranks_grid_and_deconvolve_planes_that_are_in_files(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    tclean(imagename="whole", weighting="natural", **CUBE)
    said = request.getfixturevalue("mapped")
    for module in (shares, plane_deconvolver):
        monkeypatch.setattr(module, "executor", _Ranks)
    tclean(imagename="parts", weighting="natural", **CUBE)
    assert any("2 MPI ranks grid them" in line for line in said)
    values = pixels("whole.image")[0]
    np.testing.assert_allclose(pixels("parts.image")[0], values, rtol=0, atol=1e-6 * np.abs(values).max())


def test_one_channel_of_visibilities_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    tclean(imagename="whole", weighting="briggs", **CUBE)
    monkeypatch.setattr(imager, "memory_budget_bytes", lambda: 4 * 64 * 64 * 25)
    tclean(imagename="parts", weighting="briggs", **CUBE)
    values = pixels("whole.image")[0]
    np.testing.assert_allclose(pixels("parts.image")[0], values, rtol=0, atol=1e-6 * np.abs(values).max())


def test_arrays_in_files() -> None:
    assert not PlaneStore(".", 10.0).is_mapped and not PlaneStore(None, 1e15).is_mapped
    store = PlaneStore(".", 1e15)
    ones = store.full((3, 4, 5), bool, True)
    assert ones.all() and ones.flags.writeable and os.listdir() == ["sim.ms"]
    zeros = store.zeros((2, 3))
    zeros[1] = 2.5
    store.let_go()
    copied = store.copy(zeros)
    zeros[...] = 0
    np.testing.assert_array_equal(copied, [[0, 0, 0], [2.5, 2.5, 2.5]])
    assert store.zeros((0, 3)).shape == (0, 3)


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EIO])
def test_full_disk_is_told_before_pages_are_written(number: int, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: Any) -> None:
        raise OSError(number, "no")

    monkeypatch.setattr(row_arrays.os, "posix_fallocate", full)
    expected, text = (DataError, "the disk is full: the planes") if number == errno.ENOSPC else (OSError, "no")
    with pytest.raises(expected, match=text):
        PlaneStore(".", 1e15).zeros((4, 4))
