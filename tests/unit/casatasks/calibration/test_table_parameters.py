"""Parameters of the tasks that change tables and models: each does what it says, through the task."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import casatasks
from casatools.calibration.flux_standards import STANDARDS, flux_density
from casatools.io.caltable import CalTable
from casatools.io.ms import MeasurementSet
from casatools.io.tables import open_table

Input = Callable[[str], str]
Given = dict[str, Any]
_LIGHT_M_S = 299792458.0


@pytest.fixture
def vis(shared_input: Input) -> str:
    return shared_input("simvla.ms")


@pytest.fixture
def gains(shared_input: Input) -> str:
    """Of field 0 amplitudes of 1, of field 1 those of 4 and 9 Jy in the two windows; antenna 3 is 1.5 times off in the sixth scan."""
    path = shared_input("cal.G")
    table = CalTable.open(path)
    for group in table.groups:
        rows = group.rows
        flux = np.where(table.field_id[rows] == 0, 1.0, np.where(table.spw_id[rows] == 0, 4.0, 9.0))
        off = np.where((table.antenna1[rows] == 3) & (table.scan[rows] == table.scan.max()), 1.5, 1.0)
        group.param[...] = (np.sqrt(flux) * off)[:, None, None]
        group.flag[...] = False
    table.write(path)
    return path


def fluxes(record: Given) -> list[float]:
    return [float(record["1"][s]["fluxd"][0]) for s in ("0", "1")]


def test_scales_of_fluxes(vis: str, gains: str, tmp_path: Path) -> None:
    def run(**given: Any) -> Given:
        found: Given = casatasks.fluxscale(vis, gains, **{"fluxtable": "f", "reference": ["0"], **given})
        return found

    last = int(CalTable.open(gains).scan.max())
    assert fluxes(run(transfer=["1"], listfile="list.txt")) == pytest.approx([4.0, 9.0], rel=0.1)
    assert "J1335+2700" in Path("list.txt").read_text()
    table, before = CalTable.open("f"), CalTable.open(gains)
    ratio = np.abs(table.param / before.param)[:, 0, 0]
    assert ratio[table.field_id == 0] == pytest.approx(1.0) and ratio[table.field_id == 1].max() < 0.51
    # What leaves antenna 3's last scan out gives the fluxes exactly.
    for n, exact in enumerate(
        (
            {"antenna": "!EA04"},
            {"scan": f"<{last}", "antenna": "0~7"},
            {"gainthreshold": 0.2},
            {"timerange": "<2019/05/01/07:05:00", "antenna": "0~7"},
        )
    ):
        assert fluxes(run(fluxtable=f"e{n}", transfer="1", **exact)) == pytest.approx([4.0, 9.0], rel=1e-6), exact
    mapped = fluxes(run(fluxtable="m", refspwmap=[1, 1], antenna="!EA04"))
    assert mapped == pytest.approx([4.0, 9.0], rel=1e-6)
    fits = [run(fluxtable=f"o{order}", fitorder=order, antenna="!EA04")["1"] for order in (0, 1)]
    assert fits[0]["spidx"].shape == (1,) and fits[1]["spidx"][1] == pytest.approx(
        np.log(9 / 4) / np.log(1.614 / 1.414), rel=0.02
    )
    run(fluxtable="inc", incremental=True, antenna="!EA04")
    factors = CalTable.open("inc")
    assert sorted({round(float(abs(v)), 5) for v in factors.param[factors.field_id == 1].ravel()}) == [0.33333, 0.5]
    run(fluxtable="f", append=True)
    assert CalTable.open("f").nrow == 2 * table.nrow


def test_reference_antennas(vis: str, shared_input: Input) -> None:
    """Phases of the new reference are zero, differences stay; where it is flagged 'strict' flags all and 'flex' takes the next."""
    path = shared_input("cal.G")
    table = CalTable.open(path)
    first = table.time_s == table.time_s.min()
    for group in table.groups:
        group.flag[(table.antenna1[group.rows] == 2) & first[group.rows]] = True
    table.write(path)
    found = {}
    for mode in ("flex", "strict"):
        casatasks.rerefant(vis, path, f"{mode}.G", mode, "EA03,EA05")
        found[mode] = CalTable.open(f"{mode}.G")
        phase = np.angle(found[mode].param[(found[mode].antenna1 == 2) & ~first & (found[mode].spw_id == 0), 0])
        # Where another antenna stood in before, the phases go on from what they were.
        np.testing.assert_allclose(phase, np.broadcast_to(phase[0] if mode == "flex" else 0.0, phase.shape), atol=1e-6)
        np.testing.assert_allclose(np.abs(found[mode].param), np.abs(table.param), rtol=1e-6)
    assert found["strict"].flag[first].all() and not found["flex"].flag[first & (table.antenna1 != 2)].any()
    assert not found["strict"].flag[~first].any()


def test_smoothing(vis: str, shared_input: Input) -> None:
    path = shared_input("cal.G")
    table = CalTable.open(path)
    rng = np.random.default_rng(1)
    for group in table.groups:
        group.param[...] = rng.uniform(1, 2, group.param.shape)
    table.write(path)
    for field, kind, function in (("", "mean", np.mean), ("1", "median", np.median), ("0,1", "mean", np.mean)):
        casatasks.smoothcal(vis, path, "s.G", field, kind, 1e6)
        smooth = CalTable.open("s.G")
        for number in (0, 1):
            at = (table.field_id == number) & (table.antenna1 == 4) & (table.spw_id == 0)
            if field and str(number) not in field:
                np.testing.assert_array_equal(smooth.param[at], table.param[at])
            else:
                expected = np.broadcast_to(function(table.param[at].real, axis=0), table.param[at].shape)
                np.testing.assert_allclose(smooth.param[at].real, expected, rtol=1e-5)


def test_models_subtracted_and_added(vis: str) -> None:
    casatasks.setjy(vis, standard="manual", fluxdensity=[2.0, 0.5, 0.0, 0.0])
    with MeasurementSet(vis) as ms:
        data, model = ms.read("DATA"), ms.read("MODEL_DATA")
    for reverse, sign in ((False, -1), (True, 0)):
        casatasks.uvsub(vis, reverse)
        with MeasurementSet(vis) as ms:
            np.testing.assert_allclose(ms.read("CORRECTED_DATA"), data + sign * model, atol=1e-5)


SELECTIONS: tuple[tuple[Given, str, Callable[[np.ndarray], np.ndarray]], ...] = (
    ({"scan": "2"}, "SCAN_NUMBER", lambda c: c == 2), ({"intent": "*PHASE*"}, "FIELD_ID", lambda c: c == 1), ({"observation": "1"}, "OBSERVATION_ID", lambda c: c == 1),
    ({"timerange": "<2019/05/01/05:00:00"}, "SCAN_NUMBER", lambda c: c == 1), ({"scan": "2", "selectdata": False}, "SCAN_NUMBER", lambda c: c > 0),
)  # fmt: skip


@pytest.mark.parametrize(("given", "column", "chosen"), SELECTIONS)
def test_models_of_a_selection(vis: str, given: Given, column: str, chosen: Callable[[np.ndarray], np.ndarray]) -> None:
    with open_table(f"{vis}/OBSERVATION", writable=True) as table:
        table.copyrows(table)
    with MeasurementSet(vis, writable=True) as ms:
        ms.write("OBSERVATION_ID", (ms.read("SCAN_NUMBER") > 3).astype(np.int32), np.arange(ms.nrow))
    casatasks.setjy(vis, **{"selectdata": True, "standard": "manual", "fluxdensity": 3.0, **given})
    with MeasurementSet(vis) as ms:
        inside = chosen(ms.read(column))
        first = ms.read("MODEL_DATA")[:, 0, 0]
    assert inside.any()
    np.testing.assert_allclose(first, np.where(inside, 3.0, 1.0))


@pytest.mark.parametrize("standard", STANDARDS)
def test_every_standard(vis: str, standard: str) -> None:
    """Each channel has the flux density of its frequency, or with scalebychan=False the window's middle one."""
    name = "1934-638" if standard.startswith("Stevens") else "3C147"
    with open_table(f"{vis}/FIELD", writable=True) as fields:
        fields.putcell("NAME", 0, name)
    for by_channel in (True, False):
        casatasks.setjy(vis, field="0", spw="1", standard=standard, scalebychan=by_channel)
        with MeasurementSet(vis) as ms:
            hz = ms.metadata.spectral_windows[1].chan_freq_hz
            row = np.flatnonzero((ms.read("DATA_DESC_ID") == 1) & (ms.read("FIELD_ID") == 0))[0]
            model = ms.read("MODEL_DATA")[row, :, 0].real
        expected = flux_density(standard, name, hz if by_channel else np.full(8, hz.mean()), 2019.33)
        assert expected is not None
        np.testing.assert_allclose(model, expected, rtol=1e-5)


def test_polarized_models(vis: str) -> None:
    """Seeded draws against the formula of the reference's documentation, which CASA 6.7 follows where both polynomials are given."""
    rng = np.random.default_rng(6)
    with MeasurementSet(vis) as ms:
        hz = np.array([w.chan_freq_hz for w in ms.metadata.spectral_windows])
        ddid = ms.read("DATA_DESC_ID")
        row = [np.flatnonzero((ddid == k) & (ms.read("FIELD_ID") == 0))[0] for k in (0, 1)]
    for reffreq, reference in (("1.5GHz", 1.5e9), ("1100MHz", 1.1e9), ("1.9e9Hz", 1.9e9)):
        spix, fraction, angle = rng.uniform(-1, 1, 3), rng.uniform(-0.1, 0.2, 3), rng.uniform(-1, 1, 2)
        rotation, flux = float(rng.uniform(-30, 30)), float(rng.uniform(1, 10))
        casatasks.setjy(
            vis, field="0", standard="manual", fluxdensity=[flux, 0, 0, 0], spix=spix.tolist(), reffreq=reffreq, polindex=fraction.tolist(),
            polangle=angle.tolist(), rotmeas=rotation,
        )  # fmt: skip
        x = hz / reference
        total = flux * x ** (spix[0] + spix[1] * np.log10(x) + spix[2] * np.log10(x) ** 2)
        polarized = total * (fraction[0] + fraction[1] * (x - 1) + fraction[2] * (x - 1) ** 2)
        turned = angle[0] + angle[1] * (x - 1) + rotation * _LIGHT_M_S**2 * (hz**-2.0 - reference**-2)
        with MeasurementSet(vis) as ms:
            model = ms.read("MODEL_DATA", np.array(row))
        np.testing.assert_allclose(model[..., 0], total, rtol=1e-6)
        np.testing.assert_allclose(model[..., 1], polarized * np.exp(2j * turned), atol=1e-5 * flux)


def test_curves_and_temperatures_by_the_task(vis: str, shared_input: Input, tmp_path: Path) -> None:
    """Kinds of gencal that take files or what was measured, and both values of uniform."""
    alma = shared_input("alma_small.ms")
    counts = []
    for uniform in (True, False):
        casatasks.gencal(alma, f"t{uniform}", caltype="tsys", uniform=uniform)
        counts.append(CalTable.open(f"t{uniform}").vis_cal)
    assert counts == ["B TSYS", "B TSYS"]
    for caltype in ("gc", "gceff", "eff"):
        casatasks.gencal(vis, caltype, caltype=caltype)
    product = CalTable.open("gc").param[:, 0, 0] * CalTable.open("eff").param[:, 0, 0]
    np.testing.assert_allclose(CalTable.open("gceff").param[:, 0, 0], product, rtol=1e-6)
