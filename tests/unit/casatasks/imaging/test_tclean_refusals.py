"""What tclean and deconvolve refuse: the error, its sentence, and that no image is written."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from casatasks import apparentsens, deconvolve, flagdata, tclean
from casatools import image, table
from casatools._base.errors import CasaError, DataError, ParameterError, SelectionError, UnsupportedError
from casatools._base.executor import SerialExecutor, register
from casatools.simulation.demo import DemoOptions, make_demo
from support.images import pixels

FIELD = {"vis": "sim.ms", "imagename": "img", "imsize": 16, "cell": "12arcsec", "niter": 0}


@pytest.fixture(scope="module")
def _simulated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("refusals") / "sim.ms"
    make_demo(str(path), DemoOptions(antennas_per_arm=2, cycles=1, nchan=3))
    return path


@pytest.fixture
def simulated(_simulated: Path, tmp_path: Path) -> str:
    return str(shutil.copytree(_simulated, tmp_path / "sim.ms"))


def written(folder: Path) -> list[str]:
    return sorted(p.name for p in folder.glob("img*"))


@pytest.mark.parametrize(
    ("changes", "error", "words"),
    [
        ({"vis": ["sim.ms", "b.ms", "c.ms"], "field": ["0", "1"]}, ParameterError, "'field' holds 2 items for 3"),
        ({"restoringbeam": "-1arcsec"}, ParameterError, "'restoringbeam' must be"),
        ({"restoringbeam": ["1arcsec"] * 4}, ParameterError, "'restoringbeam' must be"),
        ({"restoringbeam": ["1arcsec", "2arcsec"]}, ParameterError, "major axis, minor axis"),
        ({"vis": ""}, ParameterError, "'vis' must name"),
        ({"imagename": ""}, ParameterError, "'imagename' must be given"),
        ({"niter": -1}, ParameterError, "'niter' must not be negative; got -1"),
        ({"nchan": 0}, ParameterError, "'nchan' must be positive"),
        ({"nchan": -2}, ParameterError, "'nchan' must be positive"),
        ({"psfcutoff": 0.0}, ParameterError, "'psfcutoff' must be between"),
        ({"psfcutoff": 1.0}, ParameterError, "'psfcutoff' must be between"),
        ({"projection": "FOO"}, ParameterError, "'projection' must be"),
        ({"weighting": "briggsbwtaper"}, ParameterError, "briggsbwtaper"),
        ({"outframe": "FOO"}, ParameterError, "'outframe' must be a spectral frame"),
        ({"projection": "TAN", "imsize": 2048, "cell": "60arcsec"}, UnsupportedError, "tenth of a pixel"),
        ({"cell": ""}, ParameterError, "'cell' must be given"),
        ({"cell": []}, ParameterError, "'cell' must be given"),
        ({"cell": "-1arcsec"}, ParameterError, "'cell' must be one or two positive"),
        ({"cell": ["1arcsec"] * 3}, ParameterError, "'cell' must be one or two positive"),
        ({"pblimit": np.inf}, ParameterError, "'pblimit' must be a number"),
        ({"usemask": "pb", "pbmask": 3.0}, ParameterError, "'pbmask' must be below 1"),
        ({"gridder": "wproject", "wprojplanes": 0}, ParameterError, "'wprojplanes' must be positive, or -1"),
        ({"reffreq": "-1GHz"}, ParameterError, "'reffreq': a frequency is positive; got '-1GHz'"),
        ({"reffreq": "junk"}, ParameterError, "'reffreq'.*'junk'"),
        ({"specmode": "cube", "restfreq": "-1GHz"}, ParameterError, "'restfreq': a frequency is positive"),
        ({"specmode": "cube", "start": "junk"}, ParameterError, "'start': 'junk' is not a quantity"),
        ({"niter": 1, "threshold": np.nan}, ParameterError, "'threshold' must be a number"),
        ({"niter": 1, "nmajor": -2}, ParameterError, "'nmajor' must be -1 for no limit"),
        ({"weighting": "superuniform", "npixels": -3}, ParameterError, "npixels must not be negative"),
        ({"niter": 1, "deconvolver": "multiscale", "scales": [np.nan]}, ParameterError, "'scales' must hold"),
    ],
)
def test_a_bad_parameter_is_refused_before_any_data_are_opened(
    tmp_path: Path, changes: dict[str, Any], error: type[CasaError], words: str
) -> None:
    with pytest.raises(error, match=words):
        tclean(**{**FIELD, **changes})
    assert written(tmp_path) == []


@pytest.mark.parametrize(
    ("changes", "error", "words"),
    [
        ({"phasecenter": 99}, SelectionError, "99 is not a field; there are fields 0 to 2"),
        ({"phasecenter": "hello"}, ParameterError, "'phasecenter': 'hello' is not a direction"),
        ({"specmode": "cube", "start": "1.4GHz", "width": "3km/s"}, ParameterError, "'width': '3km/s' cannot be converted to Hz"),
        ({"phasecenter": "J2000 0deg -89deg"}, ParameterError, "more than 90 degrees"),
        ({"projection": "NCP", "imsize": 512, "cell": "12arcsec"}, UnsupportedError, "tenth of a pixel"),
    ],
)
def test_a_centre_that_does_not_fit_the_data_is_refused(
    simulated: str, tmp_path: Path, changes: dict[str, Any], error: type[CasaError], words: str
) -> None:
    with pytest.raises(error, match=words):
        tclean(**{**FIELD, **changes})
    assert written(tmp_path) == []


def test_data_all_flagged_are_refused(simulated: str, tmp_path: Path) -> None:
    flagdata(simulated, mode="manual", flagbackup=False)
    with pytest.raises(DataError, match="flagged"):
        tclean(**FIELD)
    assert written(tmp_path) == []


@pytest.mark.parametrize("more", [{}, {"weighting": "briggs"}, {"specmode": "cube"}])
def test_autocorrelations_alone_are_nothing_to_image(simulated: str, tmp_path: Path, more: dict[str, Any]) -> None:
    """The cross-correlations are flagged, the autocorrelations between them are not."""
    tb = table()
    tb.open(simulated, nomodify=False)
    first, second, flags = tb.getcol("ANTENNA1"), tb.getcol("ANTENNA2"), tb.getcol("FLAG")
    second[::2] = first[::2]
    flags[..., 1::2] = True
    tb.putcol("ANTENNA2", second)
    tb.putcol("FLAG", flags)
    tb.close()
    with pytest.raises(DataError, match="nothing to image"):
        tclean(**FIELD, **more)
    with pytest.raises(DataError, match="nothing to image"):
        apparentsens(simulated, field="0", spw="0", imsize=[16], cell="12arcsec")
    assert written(tmp_path) == []


@pytest.mark.parametrize(
    "more",
    [
        {},
        {"weighting": "briggs"},
        {"specmode": "cube"},
        {"deconvolver": "mtmfs"},
        {"gridder": "mosaic"},
        {"specmode": "mvc", "deconvolver": "mtmfs"},
    ],
)
def test_a_taper_that_leaves_nothing_is_refused(simulated: str, tmp_path: Path, more: dict[str, Any]) -> None:
    with pytest.raises(DataError, match="leaves no weight to any sample"):
        tclean(**FIELD, uvtaper=["1e-6lambda"], **more)
    assert written(tmp_path) == []


class TwoHere(SerialExecutor):
    """Two workers, both of this process."""

    @property
    def workers(self) -> int:
        return 2

    def each(self, function: Callable[[Any], Any], items: Sequence[Any]) -> list[Any]:
        return [function(item) for item in items]


def test_cells_too_large_for_every_baseline_are_refused(simulated: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="smaller cells"):
        tclean(**{**FIELD, "cell": "20000arcsec"})
    assert written(tmp_path) == []


def test_data_all_flagged_are_refused_by_ranks_too(simulated: str, tmp_path: Path) -> None:
    flagdata(simulated, mode="manual", flagbackup=False)
    register(TwoHere())
    try:
        with pytest.raises(DataError, match="flagged"):
            tclean(**FIELD, parallel=True)
    finally:
        register(None)
    assert written(tmp_path) == []


def add_row(path: str, **cells: Any) -> None:
    """A copy of the last row with other cells."""
    tb = table()
    tb.open(path, nomodify=False)
    last = tb.nrows() - 1
    tb.copyrows(path, startrowin=last, nrow=1)
    for name, value in cells.items():
        tb.putcell(name, last + 1, value)
    tb.close()


def test_windows_of_other_correlations_are_not_imaged_together(simulated: str, tmp_path: Path) -> None:
    add_row(f"{simulated}/POLARIZATION", CORR_TYPE=[8, 5])
    add_row(f"{simulated}/SPECTRAL_WINDOW")
    add_row(f"{simulated}/DATA_DESCRIPTION", SPECTRAL_WINDOW_ID=1, POLARIZATION_ID=1)
    tb = table()
    tb.open(simulated, nomodify=False)
    numbers = tb.getcol("DATA_DESC_ID")
    numbers[::2] = 1
    tb.putcol("DATA_DESC_ID", numbers)
    tb.close()
    with pytest.raises(DataError, match="differ in correlations; image them apart"):
        tclean(**FIELD, stokes="RR")
    assert written(tmp_path) == []


def test_a_mask_that_does_not_fit_is_refused(simulated: str) -> None:
    """Other pixels of the sky would be resampled; these are elsewhere, of several channels, or of no sky."""
    given = {**FIELD, "niter": 5, "usemask": "user", "mask": "mask.im"}
    for shape, linear, words in (
        ((8, 8, 1, 1), False, "does not overlap"),
        ((16, 16, 1, 3), False, r"has the shape \(16, 16, 1, 3\), this run makes \(16, 16, 1, 1\)"),
        ((8, 8, 1, 1), True, "has no sky plane"),
    ):
        _image("mask.im", shape, linear=linear)
        with pytest.raises(DataError, match=words):
            tclean(**given)
        shutil.rmtree("mask.im")


def _image(name: str, shape: tuple[int, ...], value: float = 0.0, linear: bool = False) -> None:
    ia = image()
    ia.fromshape(name, list(shape), linear=linear)
    if value:
        ia.putchunk(np.full(shape, value))
    ia.close()


@pytest.mark.parametrize(
    ("changes", "words"), [({"imagename": ""}, "'imagename' must be given"), ({"niter": -1}, "'niter' must not be negative")]
)
def test_deconvolve_refuses_a_bad_parameter(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(ParameterError, match=words):
        deconvolve(**{"imagename": "img", "niter": 1, **changes})


@pytest.mark.parametrize(
    ("shape", "linear", "value", "words"),
    [
        ((16, 16, 1), False, 1.0, "has 3 axes; deconvolve needs"),
        ((16, 16, 1, 1), True, 1.0, "no direction coordinate"),
        ((16, 16, 1, 1), False, 0.0, "psf is blank"),
    ],
)
def test_deconvolve_refuses_images_that_are_no_sky(
    tmp_path: Path, shape: tuple[int, ...], linear: bool, value: float, words: str
) -> None:
    for suffix in ("psf", "residual"):
        _image(f"img.{suffix}", shape, value, linear)
    with pytest.raises(DataError, match=words):
        deconvolve("img", niter=1)
    assert written(tmp_path) == ["img.psf", "img.residual"]


def test_deconvolve_refuses_a_start_model_beside_a_model() -> None:
    for suffix in ("psf", "residual", "model"):
        _image(f"img.{suffix}", (16, 16, 1, 1), 1.0)
    with pytest.raises(ParameterError, match=r"img\.model exists already"):
        deconvolve("img", niter=1, startmodel="other.im")


def test_selections_that_are_switched_off(simulated: str, tmp_path: Path) -> None:
    """selectdata=False: nothing is selected by what it switches, field and spw stay."""
    off = {"timerange": ">2030/01/01", "uvrange": "<1m", "antenna": "nobody", "scan": "99", "observation": "7"}
    tclean(**FIELD)
    tclean(**{**FIELD, "imagename": "off"}, selectdata=False, **off)
    np.testing.assert_array_equal(pixels("img.residual"), pixels("off.residual"))
    with pytest.raises(SelectionError):
        tclean(**{**FIELD, "imagename": "on"}, **off)
