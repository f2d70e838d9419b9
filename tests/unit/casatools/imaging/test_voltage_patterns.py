"""Voltage patterns at angles and frequencies, and the beams of telescopes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from casatasks import tclean
from casatools import image, vpmanager
from casatools._base.errors import DataError, PathMissingError, UnsupportedError
from casatools.imaging.antenna_beams import antenna_beams
from casatools.imaging.primary_beam import airy_power, antenna_power, beam_radius_rad, blocked_power, dish_power
from casatools.imaging.telescope_beams import telescope_pattern
from casatools.imaging.voltage_patterns import VoltagePatternList, pattern_power, pattern_reach_rad
from casatools.simulation.demo import DemoOptions, make_demo

ARCMIN = np.pi / 180 / 60
# Arcmin that flat images were multiplied at by CASA 6.7 (im.pb) at 1.4 GHz.
AT = np.array([0.0, 5.0, 10.0, 20.0])


@pytest.fixture(autouse=True)
def patterns() -> Any:
    """A tool whose list is empty."""
    tool = vpmanager()
    tool.reset()
    yield tool
    tool.reset()


@pytest.fixture(scope="module")
def demo_ms(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A small simulated observation."""
    path = str(tmp_path_factory.mktemp("sim") / "demo.ms")
    make_demo(path, DemoOptions(antennas_per_arm=2, cycles=1, nchan=4))
    return path


@pytest.mark.parametrize(
    ("method", "given", "expected"),
    [
        ("setpbgauss", {"halfwidth": "30arcmin", "maxrad": "1deg", "reffreq": "1.4GHz"}, [1, 0.925918, 0.735003, 0.291632]),
        ("setpbgauss", {"halfwidth": "30arcmin", "maxrad": "1deg", "reffreq": "1.4GHz", "isthispb": "VP"}, [1, 0.962246, 0.857323, 0.540030]),
        ("setpbgauss", {"halfwidth": "30arcmin", "maxrad": "1deg"}, [1, 0.860011, 0.546754, 0.089365]),
        ("setpbpoly", {"coeff": [1, -1e-3, 2e-7], "maxrad": "40arcmin"}, [1, 0.951525, 0.811750, 0.338977]),
        ("setpbpoly", {"coeff": [1, -1e-3, 2e-7], "maxrad": "40arcmin", "isthispb": "VP"}, [1, 0.905401, 0.658939, 0.114906]),
        ("setpbinvpoly", {"coeff": [1, 1e-3, 2e-7], "maxrad": "40arcmin"}, [1, 0.952895, 0.830838, 0.524427]),
        ("setpbcospoly", {"coeff": [0, 0, 0, 1.0], "scale": [0.02] * 4, "maxrad": "1deg"}, [1, 0.961470, 0.853100, 0.515327]),
        ("setpbcospoly", {"coeff": [0.5, 0.5], "scale": [0.01, 0.02], "maxrad": "1deg"}, [1, 0.989050, 0.956925, 0.839461]),
        ("setpbnumeric", {"vect": np.linspace(1, 0, 41), "maxrad": "40arcmin"}, [1, 0.825107, 0.650096, 0.300095]),
    ],
)  # fmt: skip
def test_forms_as_the_reference(patterns: Any, method: str, given: dict[str, Any], expected: list[float]) -> None:
    record = getattr(patterns, method)(telescope="VLA", **given)
    assert pattern_power(record, AT * ARCMIN, 1.4e9) == pytest.approx(expected, abs=2e-4)
    reach = pattern_reach_rad(record, 1.4e9)
    assert pattern_power(record, np.array([1.01 * reach]), 1.4e9)[0] == 0.0


def test_airy_pattern_is_analytic(patterns: Any) -> None:
    radius = np.linspace(0, 30, 40) * ARCMIN
    x = np.pi * 25.0 * radius * 1.4e9 / 299792458.0
    blocked = patterns.setpbairy(telescope="VLA", dishdiam="25m", blockagediam="2.5m", maxrad="2deg")
    assert pattern_power(blocked, radius, 1.4e9) == pytest.approx(blocked_power(x, 0.1))
    whole = patterns.setpbairy(telescope="VLA", dishdiam="25m", blockagediam="0m", maxrad="2deg")
    assert pattern_power(whole, radius, 1.4e9) == pytest.approx(airy_power(x))


def test_patterns_that_cannot_be_evaluated(patterns: Any) -> None:
    with pytest.raises(UnsupportedError, match="IMAGE"):
        pattern_power(patterns.setpbimage(telescope="MeerKAT", realimage="a.im"), np.zeros(1), 1e9)


@pytest.mark.parametrize(
    ("telescope", "freq_hz", "arcmin_ghz", "expected", "tolerance"),
    [
        # Measured on CASA 6.7's beams at multiples of 20/3 arcmin GHz.
        ("EVLA", 0.48e9, [0, 6.6667, 20, 40], [1, 0.9561, 0.6671, 0.2437], 1e-3),
        ("EVLA", 1.4e9, [0, 6.6667, 20, 33.3333], [1, 0.9367, 0.5354, 0.1406], 1e-3),
        ("JVLA", 4.6e9, [0, 6.6667, 20, 40], [1, 0.9407, 0.5565, 0.0510], 1e-3),
        ("EVLA", 39e9, [0, 6.6667, 20, 40], [1, 0.9388, 0.5451, 0.0476], 1e-3),
        # Every 6 arcmin GHz; of bands whose beams change, of those with one beam, and between the bands.
        ("ATCA", 1.2e9, [0, 6, 18, 30, 48], [1, 0.9617, 0.6825, 0.3225, 0.0331], 1e-3),
        ("ATCA", 2.25e9, [0, 6, 18, 30, 48], [1, 0.9644, 0.7145, 0.3738, 0.0669], 1e-3),
        ("ATCA", 2.1e9, [0, 6, 18, 30, 48], [1, 0.9652, 0.7191, 0.3818, 0.0682], 1e-3),
        ("ATCA", 3.0e9, [0, 6, 18, 30, 48], [1, 0.9611, 0.6979, 0.3457, 0.0634], 1e-3),
        ("ATCA", 5.5e9, [0, 6, 18, 30, 48], [1, 0.9615, 0.6892, 0.3530, 0.0412], 1e-3),
        ("ATCA", 7.6e9, [0, 6, 18, 30, 48], [1, 0.9625, 0.7011, 0.3707, 0.0513], 2e-3),
        ("ATCA", 10e9, [0, 6, 18, 30, 48], [1, 0.9630, 0.7069, 0.3799, 0.0568], 1e-3),
        ("ATCA", 22e9, [0, 6, 18, 30, 48], [1, 0.9646, 0.7026, 0.3503, 0.0454], 1e-3),
        ("ATCA", 45e9, [0, 6, 18, 30, 48], [1, 0.9646, 0.7026, 0.3503, 0.0454], 1e-3),
        ("ATCA", 95e9, [0, 6, 18, 30, 48], [1, 0.9566, 0.7005, 0.3419, 0.0511], 1e-3),
        ("ATCA", 13e9, [0, 6, 18, 30, 48], [1, 0.9662, 0.6859, 0.3393, 0.0321], 1e-3),
        ("WSRT", 1.4e9, [0, 6.6667, 20, 53.3333], [1, 0.9382, 0.5564, 0.0065], 1e-3),
        ("BIMA", 100e9, [0, 6.6667, 66.6667], [1, 0.99666, 0.71507], 1e-3),
    ],
)
def test_beams_of_telescopes(
    telescope: str, freq_hz: float, arcmin_ghz: list[float], expected: list[float], tolerance: float
) -> None:
    record = telescope_pattern(telescope, freq_hz)
    assert record is not None
    radius = np.array(arcmin_ghz) / (freq_hz / 1e9) * ARCMIN
    assert pattern_power(record, radius, freq_hz) == pytest.approx(expected, abs=tolerance)
    beams = antenna_beams(telescope)
    assert beams.power((25.0, 25.0), radius, freq_hz) == pytest.approx(beams.single(25.0, radius, freq_hz))
    assert beams.reach_rad((25.0, 25.0), freq_hz) == pytest.approx(pattern_reach_rad(record, freq_hz))


def test_other_telescopes_have_the_beams_of_their_dishes(patterns: Any, tmp_path: Path) -> None:
    assert telescope_pattern("VLA", 1.4e9) is None
    radius = np.linspace(0, 15, 8) * ARCMIN
    assert antenna_beams("VLA").single(25.0, radius, 1.4e9) == pytest.approx(dish_power(radius, 25.0, 1.4e9))
    table = str(tmp_path / "a.vp")
    patterns.setcannedpb(telescope="MYTEL", commonpb="EVLA")
    patterns.setpbgauss(telescope="VLA", halfwidth="30arcmin", dopb=False)
    patterns.setpbgauss(telescope="MeerKAT", halfwidth="30arcmin")
    patterns.setuserdefault(2, "MeerKAT", "m0")
    patterns.setpbimage(telescope="ASKAP", realimage="a.im")
    patterns.saveastable(table)
    assert antenna_beams("MYTEL", table).telescope == "EVLA"
    assert antenna_beams("VLA", table).given == {} and antenna_beams("ALMA", table).given == {}
    # A pattern for one type of antenna serves those whose names begin with it; a pair's beam is the product of both voltages.
    dishes = antenna_beams("MeerKAT", table)
    assert dishes.kind("m012") == "m0" and dishes.kind("s0") == ""
    one, mixed, other = (dishes.power((13.5, 13.5), radius, 1.4e9, k) for k in (("m0", "m0"), ("m0", ""), ("", "")))
    assert mixed == pytest.approx(np.sqrt(one * other))
    with pytest.raises(PathMissingError, match=r"a\.im"):
        antenna_beams("ASKAP", table)


def test_tclean_takes_the_table(patterns: Any, demo_ms: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    telescope = antenna_beams_telescope(demo_ms)
    patterns.setpbgauss(telescope=telescope, halfwidth="10arcmin", maxrad="1deg", reffreq="1.4GHz")
    patterns.saveastable("g.vp")
    with pytest.raises(PathMissingError, match=r"none\.vp"):
        tclean(vis=demo_ms, imagename="n", field="2", imsize=64, cell="20arcsec", niter=0, vptable="none.vp", datacolumn="data")
    for gridder in ("standard", "mosaic"):
        tclean(
            vis=demo_ms, imagename=gridder, field="2", imsize=64, cell="20arcsec", niter=0, vptable="g.vp", gridder=gridder, pblimit=0.01,
            datacolumn="data",
        )  # fmt: skip
        tool = image()
        tool.open(f"{gridder}.pb")
        beam = np.squeeze(tool.getchunk())
        freq = tool.coordsys().referencevalue("n")["numeric"][3]
        tool.done()
        offset = 10 * 20 / 60 * (freq / 1.4e9)
        assert beam[42, 32] == pytest.approx(np.exp(-4 * np.log(2) * (offset / 10) ** 2), rel=3e-3)


def antenna_beams_telescope(path: str) -> str:
    """The telescope's name in a MeasurementSet."""
    from casatools import msmetadata

    tool = msmetadata()
    tool.open(path)
    try:
        return str(tool.observatorynames()[0])
    finally:
        tool.done()


def test_list_of_patterns() -> None:
    known = VoltagePatternList()
    assert known.default_number("VLA") == -1 and known.default_number("NOWHERE") == -2
    with pytest.raises(DataError, match="NOWHERE"):
        known.pattern("NOWHERE")
    for number, telescope, words in ((5, "VLA", "5"), (-1, "NOWHERE", "NOWHERE")):
        with pytest.raises(DataError, match=words):
            known.choose(number, telescope)
    known.add({"telescope": "VLA", "name": "GAUSS"})
    with pytest.raises(DataError, match="'VLA'"):
        known.choose(0, "ALMA")
    known.choose(0, "VLA", "A")
    assert known.antenna_types("VLA") == ["", "A"] and known.default_number("VLA", "B") == 0


def test_patterns_of_other_telescopes_for_types_of_antennas(tmp_path: Path) -> None:
    """Antennas of type CM have the dishes of the ACA, ea the EVLA's own beam; of a name without known dishes there is nothing to take."""
    patterns = vpmanager()
    patterns.reset()
    for number, (kind, name) in enumerate((("CM", "ACA"), ("ea", "EVLA"), ("xx", "VLA_4"))):
        patterns.setcannedpb(telescope="ALMA", commonpb=name)
        patterns.setuserdefault(number, "ALMA", kind)
        patterns.setuserdefault(-1, "ALMA", "")
        if kind != "xx":
            patterns.saveastable(str(tmp_path / "known.vp"))
    patterns.saveastable(str(tmp_path / "unknown.vp"))
    patterns.reset()
    beams = antenna_beams("ALMA", str(tmp_path / "known.vp"))
    radius = np.linspace(0.0, 3e-4, 20)
    assert beams.power((12.0, 12.0), radius, 1e11, ("CM", "CM")) == pytest.approx(
        antenna_power("ACA", (7.0, 7.0), radius, 1e11), abs=1e-6
    )
    mixed = np.sqrt(antenna_power("ACA", (7.0, 7.0), radius, 1e11) * antenna_power("ALMA", (12.0, 12.0), radius, 1e11))
    assert beams.power((12.0, 12.0), radius, 1e11, ("CM", "")) == pytest.approx(mixed, abs=1e-6)
    own = telescope_pattern("EVLA", 3e9)
    assert own is not None
    wide = np.linspace(0.0, 5e-3, 20)
    assert beams.power((12.0, 12.0), wide, 3e9, ("ea", "ea")) == pytest.approx(pattern_power(own, wide, 3e9))
    assert beams.reach_rad((12.0, 12.0), 1e11, ("CM", "CM")) == pytest.approx(beam_radius_rad("ACA", (7.0, 7.0), 1e11))
    with pytest.raises(UnsupportedError, match="VLA_4"):
        antenna_beams("ALMA", str(tmp_path / "unknown.vp"))
