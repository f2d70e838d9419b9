"""Values of tclean's parameters that no other test sets: synonyms, pairs of Stokes planes, frames, projections, the ends of the robustness, and no ranks."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from astropy import units
from astropy.coordinates import SkyCoord

from casatasks import casalog, tclean
from casatools import image, table
from casatools.simulation.demo import DemoOptions, make_demo
from support.images import pixels

C_KM_S = 299792.458
STOKES = {"I": 2.0, "Q": 0.3, "U": -0.2, "V": 0.1}
WAYS: dict[str, Any] = {
    "vis": "sim.ms", "field": "0", "imsize": 32, "cell": "12arcsec", "datacolumn": "data", "niter": 0, "weighting": "natural", "restoration": False,
}  # fmt: skip


def put_centre_source(path: str, codes: list[int], seen: list[complex]) -> None:
    """The same visibilities everywhere: a source at the phase centre, with all four correlations."""
    tb = table()
    tb.open(path, nomodify=False)
    nrow, nchan = tb.nrows(), tb.getcell("DATA", 0).shape[1]
    for name in ("DATA", "FLAG", "WEIGHT", "SIGMA"):
        tb.removecols(name)
    tb.addcols({"DATA": {"valueType": "complex", "ndim": 2}, "FLAG": {"valueType": "boolean", "ndim": 2}})
    tb.addcols({name: {"valueType": "float", "ndim": 1} for name in ("WEIGHT", "SIGMA")})
    tb.putcol("DATA", np.broadcast_to(np.array(seen, np.complex64)[:, None, None], (4, nchan, nrow)).copy())
    tb.putcol("FLAG", np.zeros((4, nchan, nrow), bool))
    for name in ("WEIGHT", "SIGMA"):
        tb.putcol(name, np.ones((4, nrow), np.float32))
    tb.open(f"{path}/POLARIZATION", nomodify=False)
    tb.putcell("NUM_CORR", 0, 4)
    tb.putcell("CORR_TYPE", 0, np.array(codes))
    tb.putcell("CORR_PRODUCT", 0, np.array([[0, 0, 1, 1], [0, 1, 0, 1]]))
    tb.close()


@pytest.fixture(scope="module")
def simulated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Observations of one source with both kinds of feeds (Hamaker & Bregman 1996, A&AS 117, 161)."""
    path = tmp_path_factory.mktemp("values")
    make_demo(str(path / "sim.ms"), DemoOptions(antennas_per_arm=3, cycles=1, nchan=2))
    shutil.copytree(path / "sim.ms", path / "linear.ms")
    i, q, u, v = STOKES.values()
    put_centre_source(str(path / "sim.ms"), [5, 6, 7, 8], [i + v, q + 1j * u, q - 1j * u, i - v])
    put_centre_source(str(path / "linear.ms"), [9, 10, 11, 12], [i + q, u + 1j * v, u - 1j * v, i - q])
    return path


@pytest.fixture(autouse=True)
def _here(simulated: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("sim.ms", "linear.ms"):
        (tmp_path / name).symlink_to(simulated / name)


def planes(name: str) -> list[str]:
    ia = image()
    ia.open(name)
    axes = ia.coordsys()
    ia.done()
    return list(axes.stokes())


@pytest.mark.parametrize("vis", ["sim.ms", "linear.ms"])
@pytest.mark.parametrize("stokes", ["QU", "UV", "IV", "IQ", "I", "Q", "U", "V", "pseudoI"])
def test_planes_hold_the_flux_densities_of_their_stokes_parameters(vis: str, stokes: str) -> None:
    tclean(imagename="s", stokes=stokes, **WAYS | {"vis": vis})
    wanted = ["I"] if stokes == "pseudoI" else list(stokes)
    assert planes("s.residual") == wanted
    assert pixels("s.residual")[16, 16].ravel() == pytest.approx([STOKES[s] for s in wanted], abs=1e-5)


@pytest.mark.parametrize(
    ("vis", "stokes", "wanted"),
    [
        ("sim.ms", "RR", [2.1]),
        ("sim.ms", "LL", [1.9]),
        ("sim.ms", "RRLL", [2.1, 1.9]),
        ("linear.ms", "XX", [2.3]),
        ("linear.ms", "YY", [1.7]),
        ("linear.ms", "XXYY", [2.3, 1.7]),
    ],
)
def test_planes_of_the_feeds(vis: str, stokes: str, wanted: list[float]) -> None:
    tclean(imagename="s", stokes=stokes, **WAYS | {"vis": vis})
    assert "".join(planes("s.residual")) == stokes
    assert pixels("s.residual")[16, 16].ravel() == pytest.approx(wanted, abs=1e-5)


@pytest.mark.parametrize(
    ("known", "others"),
    [
        ("standard", ["ft", "gridft"]),
        ("wproject", ["wprojectft", "widefield"]),
        ("mosaic", ["ftmosaic", "mosaicft", "imagemosaic"]),
        ("awproject", ["awprojectft", "awphpg", "awp2"]),
    ],
)
def test_names_of_gridders_that_are_one(known: str, others: list[str]) -> None:
    for name in (known, *others):
        tclean(imagename=name, gridder=name, **WAYS)
        for kind in ("residual", "psf", "pb", "sumwt"):
            np.testing.assert_allclose(pixels(f"{name}.{kind}"), pixels(f"{known}.{kind}"), atol=1e-6)


def test_names_of_deconvolvers_that_are_one() -> None:
    for name in ("clarkstokes", "clarkstokes_exp"):
        tclean(imagename=name, stokes="IQUV", deconvolver=name, **WAYS | {"niter": 20})
    np.testing.assert_allclose(pixels("clarkstokes.model"), pixels("clarkstokes_exp.model"), atol=1e-6)
    assert pixels("clarkstokes.model").any()


def test_the_ends_of_robustness_are_natural_and_uniform_weights() -> None:
    for name, more in {
        "natural": {},
        "uniform": {"weighting": "uniform"},
        "high": {"weighting": "briggs", "robust": 2.0},
        "low": {"weighting": "briggs", "robust": -2.0},
    }.items():
        tclean(imagename=name, **WAYS | more)
    psf = {name: pixels(f"{name}.psf") for name in ("natural", "uniform", "high", "low")}
    apart = np.abs(psf["natural"] - psf["uniform"]).max()
    assert np.abs(psf["high"] - psf["natural"]).max() < 0.05 * apart > 0
    assert np.abs(psf["low"] - psf["uniform"]).max() < 0.05 * apart


def velocity_km_s(frame: str, place: SkyCoord) -> float:
    """How fast the barycentre of the solar system approaches a place, as a frame has it.

    The local standards of rest 20 km/s to 18h +30 (1900) and (9, 12, 7) km/s in galactic coordinates; 220 km/s of the Galaxy's turn on top of the latter;
    the Local Group 308 km/s to l = 105, b = -7 (Yahil et al. 1977); the cosmic background 369.5 km/s to l = 264.4, b = 48.4 (Kogut et al. 1993).
    """
    towards = place.galactic.cartesian.xyz.value
    if frame == "LSRK":
        apex = SkyCoord("18h +30d", frame="fk4", equinox="B1900").galactic.cartesian.xyz.value
        return float(20.0 * apex @ towards)
    turns = {"LSRD": np.array([9.0, 12.0, 7.0]), "GALACTO": np.array([9.0, 232.0, 7.0])}
    if frame in turns:
        return float(turns[frame] @ towards)
    lon, lat, speed = {"LGROUP": (105.0, -7.0, 308.0), "CMB": (264.4, 48.4, 369.5)}[frame]
    return float(speed * SkyCoord(lon * units.deg, lat * units.deg, frame="galactic").cartesian.xyz.value @ towards)


def first_frequency_hz(name: str) -> float:
    ia = image()
    ia.open(name)
    axes = ia.coordsys()
    ia.done()
    return float(axes.toworld([0, 0, 0, 0])["numeric"][3])


def test_channels_of_each_spectral_frame() -> None:
    tb = table()
    tb.open("sim.ms/FIELD")
    lon, lat = tb.getcol("PHASE_DIR")[:, 0, 0]
    tb.close()
    place = SkyCoord(lon * units.rad, lat * units.rad, frame="fk5")
    found = {}
    for frame in ("BARY", "LSRK", "LSRD", "GALACTO", "LGROUP", "CMB", "GEO", "TOPO"):
        tclean(imagename=frame, specmode="cube", outframe=frame, nchan=1, start=0, interpolation="nearest", **WAYS)
        found[frame] = first_frequency_hz(f"{frame}.residual")
    for frame in ("LSRK", "LSRD", "GALACTO", "LGROUP", "CMB"):
        speed = (found["BARY"] / found[frame] - 1.0) * C_KM_S
        assert speed == pytest.approx(velocity_km_s(frame, place), abs=0.5), frame
    # The Earth's centre moves with 30 km/s at most, its surface with 0.47 km/s about it.
    assert abs(found["GEO"] / found["BARY"] - 1.0) * C_KM_S < 31.0
    assert 0.0 < abs(found["TOPO"] / found["GEO"] - 1.0) * C_KM_S < 0.48


@pytest.mark.parametrize("projection", ["SIN", "TAN", "ARC", "STG", "ZEA"])
def test_projections_of_small_images(projection: str) -> None:
    tclean(imagename="p", projection=projection, **WAYS)
    ia = image()
    ia.open("p.residual")
    assert ia.coordsys().projection()["type"] == projection
    ia.done()
    assert pixels("p.residual")[16, 16].ravel()[0] == pytest.approx(STOKES["I"], abs=1e-5)


def test_no_ranks_are_said_and_the_images_are_those_of_one_process() -> None:
    tclean(imagename="one", parallel=False, **WAYS)
    tclean(imagename="asked", parallel=True, **WAYS)
    np.testing.assert_array_equal(pixels("asked.residual"), pixels("one.residual"))
    assert "there are no MPI ranks" in Path(casalog.logfile()).read_text()


def test_the_psf_of_a_mosaic_is_for_the_place_that_is_asked_for() -> None:
    """A source at the place is seen through the beam about it: the point spread function has the beam's slope there."""
    away, cell = 24, np.deg2rad(20.0 / 3600)
    tb = table()
    tb.open("sim.ms/FIELD")
    lon, lat = tb.getcol("PHASE_DIR")[:, 0, 0]
    tb.close()
    ways: dict[str, Any] = {**WAYS, "gridder": "mosaic", "imsize": 96, "cell": "20arcsec", "pblimit": -0.01}
    tclean(imagename="middle", **ways)
    tclean(imagename="north", psfphasecenter=f"J2000 {lon}rad {lat + away * cell}rad", **ways)
    middle, north, beam = (pixels(name) for name in ("middle.psf", "north.psf", "middle.pb"))
    assert beam[48, 48 + away] < 0.9
    wanted = middle[:, :-away] / beam[:, :-away] * beam[:, away:] / beam[48, 48 + away]
    np.testing.assert_allclose(north[:, :-away], wanted, atol=2e-3)
    assert np.abs(north - middle).max() > 0.02
