"""A full disk and a folder that may not be written: a typed error, nothing half-made, and the input unharmed."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import casatasks
from casatools._base.errors import DataError
from casatools.simulation.demo import DemoOptions, make_demo

MEGABYTES = 6
# What writes, as (task, arguments); the small observation of 2.4 MB, its image and its gains lie on the small disk.
WRITERS: list[tuple[str, dict[str, Any]]] = [
    ("split", {"vis": "in.ms", "outputvis": "out.ms", "datacolumn": "data"}),
    ("uvcontsub", {"vis": "in.ms", "outputvis": "out.ms"}),
    ("mstransform", {"vis": "in.ms", "outputvis": "out.ms", "datacolumn": "data", "hanning": True}),
    ("hanningsmooth", {"vis": "in.ms", "outputvis": "out.ms", "datacolumn": "data"}),
    ("cvel", {"vis": "in.ms", "outputvis": "out.ms", "field": "0", "passall": True}),
    ("concat", {"vis": ["in.ms", "second.ms"], "concatvis": "out.ms", "timesort": True}),
    ("statwt", {"vis": "in.ms", "datacolumn": "data"}),
    ("importuvfits", {"fitsfile": "in.uvfits", "vis": "out.ms"}),
    ("cvel2", {"vis": "in.ms", "outputvis": "out.ms", "datacolumn": "data"}),
    ("phaseshift", {"vis": "in.ms", "outputvis": "out.ms", "datacolumn": "data", "phasecenter": "J2000 13h31m00 30d00m00"}),
    ("fixvis", {"vis": "in.ms", "outputvis": "out.ms", "datacolumn": "DATA", "phasecenter": "J2000 13h31m00 30d00m00"}),
    ("conjugatevis", {"vis": "in.ms", "outputvis": "out.ms"}),
    ("partition", {"vis": "in.ms", "outputvis": "out.ms", "datacolumn": "data"}),
    (
        "msuvbin",
        {"vis": "in.ms", "outputvis": "out.ms", "nchan": 2, "start": "1GHz", "width": "1GHz", "imsize": 64, "cell": "10arcsec"},
    ),
    ("uvcontsub_old", {"vis": "in.ms", "fitspw": "0:0~5"}),
    ("exportuvfits", {"vis": "in.ms", "fitsfile": "out.uvfits", "datacolumn": "data"}),
    ("gaincal", {"vis": "in.ms", "caltable": "out.cal", "field": "0"}),
    ("bandpass", {"vis": "in.ms", "caltable": "out.cal", "field": "0"}),
    ("applycal", {"vis": "in.ms", "gaintable": [], "parang": True, "flagbackup": False}),
    ("clearcal", {"vis": "in.ms"}),
    ("setjy", {"vis": "in.ms", "field": "0", "standard": "manual", "fluxdensity": [1, 0, 0, 0], "usescratch": True}),
    ("flagmanager", {"vis": "in.ms", "mode": "save", "versionname": "before"}),
    ("flagdata", {"vis": "in.ms", "mode": "clip"}),
    ("tclean", {"vis": "in.ms", "imagename": "out", "field": "0", "imsize": 128, "cell": "9arcsec", "niter": 0}),
    ("immoments", {"imagename": "in.im", "moments": [0], "outfile": "out.mom"}),
    ("exportfits", {"imagename": "in.im", "fitsimage": "out.fits"}),
    ("plotants", {"vis": "in.ms", "figfile": "out.png"}),
    ("plotms", {"vis": "in.ms", "plotfile": "out.png", "showgui": False}),
    ("listobs", {"vis": "in.ms", "listfile": "out.txt"}),
]


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("original")
    here = os.getcwd()
    os.chdir(folder)
    try:
        make_demo("in.ms", DemoOptions(antennas_per_arm=3, cycles=1))
        casatasks.tclean(vis="in.ms", imagename="sky", field="0", imsize=64, cell="10arcsec", niter=0, specmode="cube", nchan=4)
        os.rename("sky.image", "in.im")
        casatasks.exportuvfits(vis="in.ms", fitsfile="in.uvfits", datacolumn="data")
        casatasks.split(vis="in.ms", outputvis="second.ms", datacolumn="data", spw="0")
    finally:
        os.chdir(here)
    return folder


@pytest.fixture
def small_disk(original: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A file system of a few megabytes with the inputs on it and no room for more."""
    disk = tmp_path / "disk"
    disk.mkdir()
    made = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={MEGABYTES}m", "tmpfs", str(disk)], capture_output=True, check=False
    )
    if made.returncode:
        pytest.skip("a small file system cannot be mounted here (no privilege)")
    try:
        shutil.copy(original / "in.uvfits", disk)
        for name in ("in.ms", "in.im", "second.ms"):
            shutil.copytree(original / name, disk / name)
        with open(disk / "filler", "wb") as stream:
            stream.write(b"\0" * (shutil.disk_usage(disk).free))
        monkeypatch.chdir(disk)
        yield disk
    finally:
        monkeypatch.chdir(tmp_path)
        subprocess.run(["umount", "-l", str(disk)], check=True)


def _listing(folder: Path) -> list[str]:
    return sorted(str(p.relative_to(folder)) for p in folder.rglob("*"))


@pytest.mark.parametrize(("task", "arguments"), WRITERS, ids=[w[0] for w in WRITERS])
def test_full_disk(small_disk: Path, task: str, arguments: dict[str, Any]) -> None:
    before = _listing(small_disk)
    told = r"the disk is full: .* needs \d+\.\d MB, but" if "ms" in arguments.get("outputvis", "") else r"disk is full|No space"
    with pytest.raises(DataError, match=told):
        getattr(casatasks, task)(**arguments)
    assert [p for p in _listing(small_disk) if not p.endswith("flagversions")] == before
    # With room again the same call succeeds.
    (small_disk / "filler").unlink()
    subprocess.run(["mount", "-o", "remount,size=60m", str(small_disk)], check=True)
    getattr(casatasks, task)(**arguments)


@pytest.mark.parametrize(("task", "arguments"), WRITERS, ids=[w[0] for w in WRITERS])
def test_no_write_permission(small_disk: Path, task: str, arguments: dict[str, Any]) -> None:
    """A disk mounted for reading only: that holds for root too, unlike the permissions of a folder."""
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    with pytest.raises(DataError, match="permission"):
        getattr(casatasks, task)(**arguments)


@pytest.mark.skipif(os.getuid() == 0, reason="root may write everywhere")
def test_no_permission_to_the_folder(original: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "mine"
    folder.mkdir()
    shutil.copytree(original / "in.ms", folder / "in.ms")
    monkeypatch.chdir(folder)
    folder.chmod(0o555)
    try:
        with pytest.raises(DataError, match="permission"):
            casatasks.split(vis="in.ms", outputvis="out.ms", datacolumn="data")
    finally:
        folder.chmod(0o755)
