"""Beams over wide bands: interpolated between few frequencies, and what mosaics and A-projection make of them beside direct transforms."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from casatasks import tclean
from casatools import image, table
from casatools.frames.directions import Direction
from casatools.imaging.antenna_beams import AntennaBeams, antenna_beams
from casatools.imaging.beam_groups import BeamGroup
from casatools.imaging.gridding import GridOptions
from casatools.imaging.mosaic import gridded_through, seen_through
from casatools.imaging.mosaic_windows import BeamUse, BeamWindows, _runs
from casatools.io.image.coordinates.direction import DirectionCoordinate
from support.wide_band import beam_of_channels, make_wide_band

C = 299792458.0
CENTRE = Direction(1.0, 0.6, "J2000")
CELL = np.deg2rad(20.0 / 3600)
SIZE = 96
WIDE = np.linspace(1.0e9, 1.5e9, 8)


class Groups:
    """One group of rows."""

    def __init__(self, beams: AntennaBeams) -> None:
        self.groups = [BeamGroup((CENTRE, CENTRE), beams, (25.0, 25.0))]


def windows(beams: AntennaBeams, **use: Any) -> BeamWindows:
    direction = DirectionCoordinate.make("J2000", "SIN", (1.0, 0.6), (SIZE / 2, SIZE / 2), (-CELL, CELL))
    return BeamWindows(Groups(beams), direction, GridOptions((SIZE, SIZE), (CELL, CELL)), BeamUse(**use))  # type: ignore[arg-type]


@pytest.mark.parametrize(("highest", "nodes"), [(1.015e9, [1]), (1.07e9, [2]), (1.252e9, [3]), (2.0e9, [3, 3, 3])])
def test_beams_of_channels_are_interpolated(highest: float, nodes: list[int]) -> None:
    own, hz = windows(AntennaBeams("VLA")), np.linspace(1e9, highest, 40)
    bands = list(own.bands(0, hz))
    assert [len(band.nodes_hz) for band in bands] == nodes
    east = (SIZE // 2 - np.arange(SIZE)) * CELL
    rng = np.random.default_rng(1)
    for band in bands:
        window = own.window(0, band.nodes_hz)
        assert window is not None
        assert own.window(0, band.nodes_hz) is window and band.shares.sum(axis=0) == pytest.approx(1.0, abs=1e-6)
        weight = rng.uniform(size=(5, band.shares.shape[1])).astype(np.float32)
        squares, mean = np.zeros((SIZE, SIZE)), np.zeros((SIZE, SIZE))
        for k, f in enumerate(hz[band.channels]):
            exact = own.groups.groups[0].values([east] * 2, [-east] * 2, float(f), cut_hz=float(np.mean(band.nodes_hz)))
            found = np.tensordot(band.shares[:, k], window.seen[:, 0], 1)
            error = np.abs(found - exact[window.rows, window.columns]).max()
            assert error < (9e-3 if nodes == [1] else 1.5e-3)
            squares += weight[:, k].sum() * exact**2
            mean += weight[:, k].sum() * exact
        sums = band.sums(weight)
        assert sums.sum() == pytest.approx(weight.sum(dtype=float), rel=1e-6)
        scale, level = weight.sum(), 3e-3 if nodes != [1] else 9e-3
        assert np.abs(window.products(sums)[0] - squares[window.rows, window.columns]).max() < level * scale
        assert np.abs(window.mean(sums.sum(axis=1)) - mean[window.rows, window.columns]).max() < level * scale


def test_gridding_through_beams_is_adjoint_to_seeing_through_them() -> None:
    own, hz = windows(AntennaBeams("VLA")), np.linspace(1e9, 1.25e9, 6)
    own.options = replace(own.options, double=True)
    (band,) = own.bands(0, hz)
    window = own.window(0, band.nodes_hz)
    assert window is not None and len(band.nodes_hz) == 3
    rng = np.random.default_rng(3)
    uvw = rng.uniform(-400, 400, (300, 3))
    vis = rng.standard_normal((300, 6)) + 1j * rng.standard_normal((300, 6))
    weight, sky = rng.uniform(0.1, 1, (300, 6)), rng.standard_normal((SIZE, SIZE))
    image = gridded_through(window, band, uvw, hz, vis, weight, 0)
    seen = seen_through(window, band, uvw, hz, sky, None, 0)
    assert seen is not None
    left = float((image * sky[window.rows, window.columns]).sum())
    right = float((weight * np.conj(seen) * vis).sum().real)
    assert abs(left - right) < 1e-10 * np.linalg.norm(seen) * np.linalg.norm(weight * vis)
    assert seen_through(window, band, uvw, hz, np.zeros((SIZE, SIZE)), None, 0) is None


def test_beams_that_change_in_steps_are_not_interpolated(monkeypatch: pytest.MonkeyPatch) -> None:
    plain = AntennaBeams.power

    def stepped(self: AntennaBeams, diameters_m: Any, radius_rad: np.ndarray, freq_hz: float, *more: Any) -> np.ndarray:
        return plain(self, diameters_m, radius_rad, freq_hz * (1.1 if freq_hz > 1.1e9 else 1.0), *more)

    monkeypatch.setattr(AntennaBeams, "power", stepped)
    hz = np.linspace(1e9, 1.25e9, 26)
    bands = list(windows(AntennaBeams("VLA")).bands(0, hz))
    assert {len(band.nodes_hz) for band in bands} == {1} and [b.channels for b in bands] == list(_runs(hz, 0.02))
    fixed = list(windows(AntennaBeams("VLA"), fixed_hz=1.1e9).bands(0, hz))
    assert [band.nodes_hz for band in fixed] == [(1.1e9,)] and fixed[0].channels == slice(0, 26)


@pytest.fixture(scope="module")
def wide(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, float]:
    path = tmp_path_factory.mktemp("wide") / "wide.ms"
    make_wide_band(path, WIDE, 27 * CELL)
    return path, 27 * CELL


def beam(beams: AntennaBeams, l: float, m: float) -> np.ndarray:
    return beam_of_channels(beams, WIDE, l, m)


@pytest.mark.parametrize(
    ("given", "error"), [({"gridder": "mosaic"}, 1e-3), ({"gridder": "mosaic", "conjbeams": True}, 1e-3), ({"gridder": "awproject"}, 5e-3)]
)  # fmt: skip
def test_wide_bands_beside_a_direct_transform(
    wide: tuple[Path, float], tmp_path: Path, given: dict[str, Any], error: float
) -> None:
    """The residual and the weight at the source are the sums over all samples; their quotient is its flux density (A-projection: with squint)."""
    path, offset = wide
    name = str(tmp_path / "w")
    tclean(
        vis=str(path),
        imagename=name,
        imsize=SIZE,
        cell="20arcsec",
        datacolumn="data",
        niter=0,
        pblimit=0.05,
        reffreq="1.25GHz",
        **given,
    )
    place, found = (SIZE // 2 - 27, SIZE // 2 + 27), {}
    for kind in ("residual", "weight", "pb"):
        ia = image()
        ia.open(f"{name}.{kind}")
        found[kind] = np.squeeze(ia.getchunk())
        ia.close()
    tb = table()
    tb.open(str(path))
    weight, cross = tb.getcol("WEIGHT").mean(axis=0), tb.getcol("ANTENNA1") != tb.getcol("ANTENNA2")
    uvw, data = tb.getcol("UVW"), tb.getcol("DATA").mean(axis=0)
    tb.done()
    weight = weight * cross
    power = beam(antenna_beams("EVLA", measured=given["gridder"] == "awproject"), offset, offset)
    through = beam_at_conjugates(power, offset) if given.get("conjbeams") else power
    seen = (data * np.exp(-2j * np.pi * np.outer(WIDE, uvw[0] * offset + uvw[1] * offset) / C)).real
    total = weight.sum() * len(WIDE)
    residual, square = (through[:, None] * seen * weight).sum() / total, (through * power).sum() * weight.sum() / total
    assert found["weight"][place] == pytest.approx(square, rel=2 * error)
    greatest = found["weight"].max()
    assert greatest == pytest.approx(1.0, abs=error)
    assert found["residual"][place] == pytest.approx(residual / np.sqrt(square * greatest), rel=error)
    assert found["residual"][place] / found["pb"][place] == pytest.approx(1.0, rel=error)


def beam_at_conjugates(power: np.ndarray, offset: float) -> np.ndarray:
    beams = antenna_beams("EVLA")
    other = np.sqrt(2 * 1.25e9**2 - WIDE**2)
    assert other.shape == power.shape
    return np.array([beams.power((25.0, 25.0), np.array([np.hypot(offset, offset)]), f)[0] for f in other])
