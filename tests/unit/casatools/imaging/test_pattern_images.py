"""Voltage patterns that are images: their powers, how they turn and stretch, and mosaics through them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from casacore import tables

from casatasks import tclean
from casatools import image, vpmanager
from casatools._base.errors import DataError, PathMissingError
from casatools.frames.directions import Direction
from casatools.imaging.antenna_beams import antenna_beams
from casatools.imaging.beam_groups import BeamGroup
from casatools.imaging.pattern_images import PatternImage, read_pattern_image
from support.wide_band import make_wide_band

SIZE, STEP = 65, np.deg2rad(2.0 / 60)
WIDTHS = (np.deg2rad(20.0 / 60), np.deg2rad(30.0 / 60))  # of the voltage, 1 / e, in x and y


def gaussian(scale: float = 1.0) -> np.ndarray:
    """A voltage pattern (x, y) that is narrower in x."""
    offset = (np.arange(SIZE) - SIZE // 2) * STEP * scale
    return np.exp(-np.square(offset / WIDTHS[0])[:, None] - np.square(offset / WIDTHS[1])[None, :])


def write(name: str, pixels: np.ndarray, freqs: tuple[float, ...] = (1.2e9,), frame: str = "J2000", stokes: str = "I") -> str:
    ia = image()
    ia.fromarray(name, pixels[:, :, None, None] if pixels.ndim == 2 else pixels)
    system = ia.coordsys()
    system.setincrement(["-2arcmin", "2arcmin"], "direction")
    system.setreferencepixel([SIZE // 2, SIZE // 2], "direction")
    system.setreferencecode(frame, "direction")
    system.setreferencevalue(freqs[0], "spectral")
    system.setincrement(freqs[1] - freqs[0] if len(freqs) > 1 else 1e6, "spectral")
    system.setreferencepixel(0, "spectral")
    system.setstokes(stokes)
    ia.setcoordsys(system.torecord())
    ia.close()
    return name


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_the_power_of_the_two_parts() -> None:
    phase = np.exp(0.7j)
    write("re.im", (2.0 * gaussian() * phase).real)
    write("im.im", (2.0 * gaussian() * phase).imag)
    found = read_pattern_image({"name": "IMAGE", "realimage": "re.im", "imagimage": "im.im"})
    line = np.linspace(-0.004, 0.004, 9)
    exact = np.exp(-2 * np.square(line / WIDTHS[0])[None, :] - 2 * np.square(line / WIDTHS[1])[:, None])
    assert found.values(line, line, 1.2e9) == pytest.approx(exact, abs=2e-4)
    stretched = np.exp(-2 * np.square(2 * line / WIDTHS[0])[None, :] - 2 * np.square(2 * line / WIDTHS[1])[:, None])
    assert found.values(line, line, 2.4e9) == pytest.approx(stretched, abs=2e-4)
    assert found.reach_rad(1.2e9) == pytest.approx(WIDTHS[1] * np.sqrt(0.5 * np.log(1e4)), rel=0.05)
    assert found.reach_rad(2.4e9) == pytest.approx(found.reach_rad(1.2e9) / 2) and not found.turns


def test_channels_hands_and_turning() -> None:
    cube = np.stack(
        [np.stack([gaussian(s), np.zeros((SIZE, SIZE)), np.zeros((SIZE, SIZE)), gaussian(s)], -1) for s in (1.0, 1.5)], -1
    )
    write("c.im", cube, (1.0e9, 1.5e9), "AZELGEO", "XX XY YX YY")
    found = read_pattern_image({"name": "IMAGE", "compleximage": "c.im"})
    assert found.turns and list(found.freq_hz) == [1.0e9, 1.5e9]
    line, zero = np.linspace(-0.006, 0.006, 13), np.zeros(1)
    wide, narrow = (np.exp(-2 * np.square(line * 1.2 / w)) for w in (WIDTHS[1], WIDTHS[0]))
    # At a parallactic angle of zero elevation is north; at 90 degrees it is east.
    assert found.values(zero, line, 1.2e9)[:, 0] == pytest.approx(wide, abs=1e-3)
    assert found.values(line, zero, 1.2e9)[0] == pytest.approx(narrow, abs=1e-3)
    assert found.values(line, zero, 1.2e9, np.pi / 2)[0] == pytest.approx(wide, abs=1e-3)
    assert isinstance(found, PatternImage)


def table(telescope: str, **named: Any) -> str:
    patterns = vpmanager()
    patterns.reset()
    patterns.setpbimage(telescope=telescope, **named)
    patterns.saveastable("p.vp")
    patterns.reset()
    return "p.vp"


def test_pairs_of_antennas() -> None:
    write("v.im", gaussian())
    patterns = vpmanager()
    patterns.reset()
    patterns.setpbgauss(telescope="MeerKAT", halfwidth="40arcmin", maxrad="3deg")
    patterns.setpbimage(telescope="MeerKAT", realimage="v.im")
    patterns.setuserdefault(0, "MeerKAT", "")
    patterns.setuserdefault(1, "MeerKAT", "m0")
    patterns.saveastable("p.vp")
    patterns.reset()
    beams = antenna_beams("MeerKAT", "p.vp")
    there = Direction(1.0, 0.5, "J2000")
    line = np.linspace(-0.005, 0.005, 7)
    pairs = [(kinds, BeamGroup((there, there), beams, (13.5, 13.5), kinds)) for kinds in (("m0", "m0"), ("m0", ""), ("", ""))]
    one, mixed, other = (group.values([line] * 2, [line] * 2, 1.2e9) for _, group in pairs)
    assert mixed == pytest.approx(np.sqrt(one * other)) and not np.allclose(one, other, atol=0.05)
    assert pairs[1][1].reach_rad(1.2e9) <= pairs[0][1].reach_rad(1.2e9)


def test_images_for_some_antennas() -> None:
    write("v.im", gaussian())
    beams = antenna_beams("EVLA", table("EVLA", realimage="v.im", antnames=["ea01", "ea2"]))
    assert [beams.kind(name) for name in ("ea01", "ea25", "ea11")] == ["ea01", "ea2", ""]
    assert beams.image("ea2") is not None and beams.image("") is None
    everyone = antenna_beams("EVLA", table("EVLA", realimage="v.im"))
    assert everyone.kind("ea01") == "" and everyone.image("") is not None


def test_mosaics_and_primary_beams() -> None:
    write("v.im", gaussian())
    vptable = table("EVLA", realimage="v.im")
    make_wide_band(Path("w.ms"), np.array([1.2e9, 1.201e9]), 10 * np.deg2rad(20.0 / 3600))
    common: dict[str, Any] = {
        "vis": "w.ms",
        "imsize": 64,
        "cell": "40arcsec",
        "niter": 0,
        "datacolumn": "data",
        "pblimit": 0.1,
        "vptable": vptable,
    }
    found = {}
    for gridder in ("standard", "mosaic"):
        tclean(imagename=gridder, gridder=gridder, **common)
        ia = image()
        ia.open(f"{gridder}.pb")
        found[gridder] = np.squeeze(ia.getchunk())
        ia.close()
    cell = np.deg2rad(40.0 / 3600)
    for x, y in ((32 + 12, 32), (32, 32 + 12), (32 + 7, 32 - 9)):
        exact = np.exp(-2 * ((x - 32) * cell / WIDTHS[0]) ** 2 - 2 * ((y - 32) * cell / WIDTHS[1]) ** 2)
        assert found["standard"][x, y] == pytest.approx(exact, abs=2e-3) and found["mosaic"][x, y] == pytest.approx(
            exact, abs=2e-3
        )


def test_patterns_in_azimuth_and_elevation_turn_in_mosaics() -> None:
    write("v.im", gaussian(), frame="AZELGEO")
    vptable = table("EVLA", realimage="v.im")
    make_wide_band(Path("w.ms"), np.array([1.2e9, 1.201e9]), 10 * np.deg2rad(20.0 / 3600))
    for gridder in ("standard", "mosaic"):
        tclean(
            vis="w.ms",
            imagename=gridder,
            gridder=gridder,
            imsize=48,
            cell="40arcsec",
            niter=0,
            datacolumn="data",
            pblimit=0.1,
            vptable=vptable,
        )
        ia = image()
        ia.open(f"{gridder}.pb")
        power = np.squeeze(ia.getchunk())
        ia.close()
        east_west, north_south = power[24 + 14, 24], power[24, 24 + 14]
        assert east_west != pytest.approx(north_south, abs=1e-3)
        # A pattern at rest would have the Gaussians of its two widths along the axes.
        assert north_south != pytest.approx(np.exp(-2 * (14 * np.deg2rad(40.0 / 3600) / WIDTHS[1]) ** 2), abs=5e-3)


def test_the_beam_of_unlike_mounts_is_that_of_all_pairs() -> None:
    write("v.im", gaussian(), frame="AZELGEO")
    vptable = table("EVLA", realimage="v.im")
    make_wide_band(Path("w.ms"), np.array([1.2e9, 1.201e9]), 10 * np.deg2rad(20.0 / 3600))
    with tables.table("w.ms/ANTENNA", readonly=False, ack=False) as antennas:
        total = antennas.nrows()
        kinds = {
            "turned": ["ALT-AZ"] * total,
            "still": ["EQUATORIAL"] * total,
            "both": ["ALT-AZ"] * 3 + ["EQUATORIAL"] * (total - 3),
        }
    beams = {}
    for name, mounts in kinds.items():
        with tables.table("w.ms/ANTENNA", readonly=False, ack=False) as antennas:
            antennas.putcol("MOUNT", mounts)
        tclean(
            vis="w.ms", imagename=name, imsize=48, cell="40arcsec", niter=0, datacolumn="data", pblimit=-1e-6, vptable=vptable, restoration=False,
        )  # fmt: skip
        ia = image()
        ia.open(f"{name}.pb")
        beams[name] = np.squeeze(ia.getchunk())
        ia.close()
    # All products of two antennas, one by one.
    voltages = [np.sqrt(beams["turned" if k < 3 else "still"]) for k in range(total)]
    wanted = np.mean([voltages[a] * voltages[b] for a in range(total) for b in range(a + 1, total)], axis=0)
    np.testing.assert_allclose(beams["both"], wanted, atol=2e-6)
    assert np.abs(beams["both"] - beams["turned"]).max() > 0.02


def test_refused() -> None:
    with pytest.raises(PathMissingError):
        read_pattern_image({"name": "IMAGE", "realimage": "none.im"})
    write("a.im", gaussian())
    write("b.im", gaussian()[:-1])
    with pytest.raises(DataError, match="differ in shape"):
        read_pattern_image({"name": "IMAGE", "realimage": "a.im", "imagimage": "b.im"})
    write("q.im", gaussian(), stokes="Q")
    with pytest.raises(DataError, match="parallel hand"):
        read_pattern_image({"name": "IMAGE", "realimage": "q.im"})
    write("z.im", 0.0 * gaussian())
    with pytest.raises(DataError, match="blank"):
        read_pattern_image({"name": "IMAGE", "realimage": "z.im"})
