"""Flux bootstrapping."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import casatasks
from casatools._base.errors import DataError, OutputExistsError, ParameterError, PathMissingError, SelectionError
from casatools.calibration.fluxscale import FluxScaleOptions, _Gains, fit_spectrum, scale_fluxes
from casatools.io.caltable import CalTable

Input = Callable[[str], str]


def test_fit_numbers_of_the_reference() -> None:
    # CASA 6.7 fluxscale on cal.G and on a table of three scattered windows.
    frequency = np.array([1.414e9, 1.614e9])
    fit = fit_spectrum(frequency, np.array([2.294478600854, 2.339776236465]), np.array([0.003910508203, 0.003510954641]), 1)
    assert np.isclose(fit.flux_jy, 2.3170167253)
    assert np.isclose(fit.reference_hz, 1510693880.308)
    assert np.allclose(fit.coefficients, [0.364929168741, 0.147775547256])
    assert np.allclose(fit.covariance, [[1.289083810633e-06, -5.683020482754e-06], [-5.683020482754e-06, 1.562063833516e-03]])
    flat = fit_spectrum(frequency, np.array([2.353825452708, 2.208659427571]), np.array([0.044475461771, 0.071493365167]), 2)
    assert np.allclose(flat.coefficients, [0.36474839393, 0, 0])
    assert np.allclose(flat.errors, [0.012036225481, 0, 0])


def test_record_and_table(shared_input: Input, tmp_path: Path) -> None:
    gains = shared_input("cal.G")
    record = scale_fluxes(shared_input("simvla.ms"), gains, "f.G", FluxScaleOptions("1331+305", "J1335+2700"), "list.txt")
    assert np.isclose(record["1"]["0"]["fluxd"][0], 2.294478600854, rtol=1e-6)
    assert np.isclose(record["1"]["1"]["fluxdErr"][0], 0.003510954641, rtol=1e-4)
    assert record["1"]["0"]["numSol"].tolist() == [16, 0, 0, 0]
    assert record["spwName"].tolist() == ["SPW0", "SPW1"]
    before, after = CalTable.open(gains), CalTable.open("f.G")
    ratio = np.abs(after.param / before.param)[:, 0, 0]
    assert np.allclose(ratio[before.field_id == 0], 1)
    assert np.allclose(ratio[(before.field_id == 1) & (before.spw_id == 0)], 1 / np.sqrt(2.294478600854))
    assert (
        (tmp_path / "list.txt")
        .read_text()
        .startswith("# Flux density for J1335+2700 in SpW=0 (freq=1.414e+09 Hz) is: 2.29448 +/-")
    )


def test_incremental_and_append(shared_input: Input) -> None:
    vis, gains = shared_input("simvla.ms"), shared_input("cal.G")
    scale_fluxes(vis, gains, "inc.G", FluxScaleOptions("0", incremental=True))
    table = CalTable.open("inc.G")
    assert table.nrow == 2 * 8 * 2
    assert np.allclose(np.unique(np.abs(table.param)), [1 / np.sqrt(2.33977624), 1 / np.sqrt(2.2944786), 1.0], rtol=1e-5)
    scale_fluxes(vis, gains, "inc.G", FluxScaleOptions("0", incremental=True, append=True))
    assert CalTable.open("inc.G").nrow == 64


def test_selection_of_solutions(shared_input: Input) -> None:
    vis, gains = shared_input("simvla.ms"), shared_input("cal.G")
    few = scale_fluxes(vis, gains, "", FluxScaleOptions("0", antenna="EA01,EA02", scan="1~2", gainthreshold=0.5))
    assert few["1"]["0"]["numSol"][0] == 4
    same = scale_fluxes(vis, gains, "", FluxScaleOptions("0", timerange=">2000/01/01"))
    assert same["1"]["0"]["numSol"][0] == 16
    with pytest.raises(DataError, match="no unflagged gain"):
        scale_fluxes(vis, gains, "", FluxScaleOptions("0", scan="77"))


def test_windows_mapped_and_absent_gains(shared_input: Input) -> None:
    vis, gains = shared_input("simvla.ms"), shared_input("cal.G")
    table = CalTable.open(gains)
    table.select(~((table.field_id == 0) & (table.spw_id == 1))).write(gains)
    record = scale_fluxes(vis, gains, "", FluxScaleOptions("0"))
    assert all((record["1"]["1"][k] == -1).all() for k in ("fluxd", "fluxdErr", "numSol"))  # as CASA 6.7
    assert np.isclose(record["1"]["fitFluxd"], record["1"]["0"]["fluxd"][0])
    for windows in ((0, 0), (0,)):  # a single one serves all, as in CASA 6.7
        mapped = scale_fluxes(vis, gains, "", FluxScaleOptions("0", refspwmap=windows), "list.txt")
        assert mapped["1"]["1"]["numSol"][0] == 16
    assert "SpW=1 (freq=1.614e+09 Hz) (ref SpW=0) is: " in Path("list.txt").read_text()
    with pytest.raises(DataError, match="no unflagged gains by which"):
        scale_fluxes(vis, gains, "x.G", FluxScaleOptions("0", scan="2,4"))
    assert not Path("x.G").exists()


def test_threshold_about_the_median() -> None:
    """Of more than 100 gains the lower of the two in the middle stands for the median, as CASA 6.7's numbers show."""
    gains = np.concatenate([np.full(60, 1.0), np.full(60, 1.2)])[:, None]
    antenna, zero = np.arange(120) % 2, np.zeros(120, dtype=int)
    assert _Gains(gains, gains, antenna, zero, zero).mean_by_antenna(0, 0, 2, 0.05).tolist() == [[1.0], [1.0]]
    few = _Gains(gains[30:90], gains[30:90], antenna[:60], zero[:60], zero[:60])
    assert np.isnan(few.mean_by_antenna(0, 0, 2, 0.05)).all()


def test_threshold_about_all_times(shared_input: Input) -> None:
    """The median is of all scans, also of those that are not selected, as CASA 6.7's numbers show; not so where antennas are selected."""
    vis, gains = shared_input("simvla.ms"), shared_input("cal.G")
    table = CalTable.open(gains)
    for group in table.groups:
        group.param[(table.field_id[group.rows] == 1) & (table.scan[group.rows] > 2)] *= 3.0
    table.write("three.G")
    with pytest.raises(DataError, match="no unflagged gains by which"):
        scale_fluxes(vis, "three.G", "", FluxScaleOptions("0", scan="1~2", gainthreshold=0.4))
    named = scale_fluxes(vis, "three.G", "", FluxScaleOptions("0", scan="1~2", antenna="0~7", gainthreshold=0.4))
    assert named["1"]["0"]["numSol"][0] == 16


def test_refusals(shared_input: Input) -> None:
    vis, gains = shared_input("simvla.ms"), shared_input("cal.G")
    with pytest.raises(ParameterError, match="reference"):
        FluxScaleOptions("")
    with pytest.raises(ParameterError, match="fitorder"):
        FluxScaleOptions("0", fitorder=-1)
    for antenna, match in (("EA01&EA02", "baselines"), ("!0~7", "leaves no antenna"), ("EA99", "EA99")):
        with pytest.raises(SelectionError, match=match):
            scale_fluxes(vis, gains, "x.G", FluxScaleOptions("0", antenna=antenna))
    with pytest.raises(SelectionError, match="NOPE"):
        scale_fluxes(vis, gains, "x.G", FluxScaleOptions("NOPE"))
    with pytest.raises(ParameterError, match="has no gains"):
        scale_fluxes(vis, gains, "x.G", FluxScaleOptions("2"))
    with pytest.raises(ParameterError, match="nothing to transfer"):
        scale_fluxes(vis, gains, "x.G", FluxScaleOptions("0,1"))
    with pytest.raises(OutputExistsError, match="append=True"):
        scale_fluxes(vis, gains, gains, FluxScaleOptions("0"))
    with pytest.raises(DataError, match="needs a gain table"):
        scale_fluxes(vis, shared_input("cal.B"), "x.G", FluxScaleOptions("0"))
    for transfer in ("2", "0"):
        with pytest.raises(ParameterError, match=r"'transfer': .* has no gains of"):
            scale_fluxes(vis, gains, "x.G", FluxScaleOptions("0", transfer))
    with pytest.raises(PathMissingError, match=r"no/list\.txt"):
        scale_fluxes(vis, gains, "x.G", FluxScaleOptions("0"), "no/list.txt")
    with pytest.raises(DataError, match="is of other antennas"):
        scale_fluxes(shared_input("hera.ms"), gains, "x.G", FluxScaleOptions("0"))
    with pytest.raises(ParameterError, match="'fluxtable' must be the name"):
        casatasks.fluxscale(vis, gains, "", "0")
    assert not Path("x.G").exists()


def test_transfer_fields_without_gains_are_told(shared_input: Input, tmp_path: Path) -> None:
    """As in CASA, which ends the process where none is left."""
    record = casatasks.fluxscale(shared_input("simvla.ms"), shared_input("cal.G"), "f.G", ["0"], ["1", "TARGET"])
    assert record["1"]["0"]["fluxd"][0] > 0 and "no gains of the transfer fields [2]" in (tmp_path / "casa.log").read_text()
