"""uvcontsub_old, ms.continuumsub, ms.contsub: fits of averages, interpolation, windows combined, what is written."""

from __future__ import annotations

import os

import numpy as np
import pytest

import casatasks
from casatools import ms as ms_tool
from casatools._base.errors import DataError, ParameterError, SelectionError
from casatools.io.ms import MeasurementSet, Selection
from casatools.io.tables import open_table
from casatools.transform.old_continuum import OldContinuumOptions, solve_continuum

FIT = "0:0~6;24~31"
CHANNELS = np.r_[0:7, 24:32]


def read(path, *columns):
    """Columns ordered by baseline, then time."""
    with MeasurementSet(path) as ms:
        order = np.lexsort([ms.read(c) for c in ("TIME", "ANTENNA2", "ANTENNA1")])
        return [np.asarray(ms.read(c))[order] for c in columns]


def polynomial(spectra, order):
    """Least squares over the fit channels: (row, chan, corr)."""
    x = np.linspace(-1, 1, 32)
    basis = np.vander(x, order + 1)
    flat = spectra[:, CHANNELS].transpose(1, 0, 2).reshape(len(CHANNELS), -1)
    found = basis @ np.linalg.lstsq(basis[CHANNELS], flat, rcond=None)[0]
    return found.reshape(32, spectra.shape[0], spectra.shape[2]).transpose(1, 0, 2)


def binned(data, bins):
    """Means over runs of times, for each baseline; `bins` are lists of the eight times."""
    each = data.reshape(-1, 8, *data.shape[1:])
    return [each[:, b].mean(axis=1) for b in bins]


def test_each_integration(shared_input):
    path = shared_input("line.ms")
    (data,) = read(path, "DATA")
    for order in (0, 1):
        casatasks.uvcontsub_old(path, fitspw=FIT, fitorder=order, want_cont=True)
        model = polynomial(data, order)
        line, continuum = read(f"{path}.contsub", "DATA")[0], read(f"{path}.cont", "DATA")[0]
        np.testing.assert_allclose(line, data - model, atol=2e-6)
        np.testing.assert_allclose(continuum, model, atol=2e-6)
    casatasks.uvcontsub_old(path, fitspw="0:7~23", excludechans=True, fitorder=1, spw="0:5~20")
    np.testing.assert_allclose(read(f"{path}.contsub", "DATA")[0], (data - polynomial(data, 1))[:, 5:21], atol=2e-6)
    with MeasurementSet(f"{path}.contsub") as ms:
        assert ms.has("WEIGHT_SPECTRUM")


def test_intervals_and_what_lies_between(shared_input):
    path = shared_input("line.ms")
    (data,) = read(path, "DATA")
    casatasks.uvcontsub_old(path, fitspw=FIT, fitorder=1, solint="inf", combine="scan")
    model = polynomial(binned(data, [range(8)])[0], 1)
    np.testing.assert_allclose(read(f"{path}.contsub", "DATA")[0], data - np.repeat(model, 8, axis=0), atol=2e-6)
    # 30 s apart: 90 s hold three integrations and the fourth makes a second interval of each scan of four.
    casatasks.uvcontsub_old(path, fitspw=FIT, fitorder=0, solint="90s")
    found = (data - read(f"{path}.contsub", "DATA")[0]).reshape(-1, 8, 32, 2)
    first, second = (polynomial(m, 0) for m in binned(data, [[0, 1, 2], [3]]))
    np.testing.assert_allclose(found[:, 0], first, atol=2e-6)
    np.testing.assert_allclose(found[:, 3], second, atol=2e-6)
    # At 60 s, half-way between 30 s and 90 s: half-way in amplitude and phase.
    half = np.sqrt(np.abs(first) * np.abs(second)) * np.exp(0.5j * (np.angle(first) + np.angle(second)))
    np.testing.assert_allclose(found[:, 2], half, rtol=2e-3)


def test_channels_count_by_their_weights(shared_input):
    """CASA 6.7 takes WEIGHT for all channels, also where they have weights of their own."""
    path = shared_input("line.ms")
    casatasks.initweights(path, wtmode="nyq", dowtsp=True)
    with MeasurementSet(path, writable=True) as ms:
        weight = np.ones_like(ms.read("WEIGHT_SPECTRUM"))
        weight[:, 3:7] = 0
        ms.write("WEIGHT_SPECTRUM", weight, np.arange(ms.nrow))
    (data,) = read(path, "DATA")
    for spectrum in (FIT, "0:0~2;24~31"):
        casatasks.uvcontsub_old(path, fitspw=spectrum, fitorder=1)
        found = data - read(f"{path}.contsub", "DATA")[0]
        chosen = np.r_[0:3, 24:32]
        line = np.polynomial.polynomial.polyfit(chosen, data[0, chosen, 0], 1)
        np.testing.assert_allclose(found[0, :, 0], np.polynomial.polynomial.polyval(np.arange(32), line), atol=2e-6)


def test_a_continuum_is_found_whatever_is_flagged(shared_input):
    """A tilted continuum, constant in time, is taken off to rounding; CASA 6.7 leaves up to 4.3 of 2.2 where the integrations of an interval lack different channels."""
    path = shared_input("line.ms")
    rng = np.random.default_rng(1)
    with MeasurementSet(path, writable=True) as ms:
        shape, rows = ms.read("DATA").shape, np.arange(ms.nrow)
        flag = np.broadcast_to((rng.random(shape[:2]) < 0.6 * rng.random(shape[:1])[:, None])[..., None], shape)
        continuum = (1 + 0.2 * ms.read("ANTENNA1"))[:, None, None] * (1 + 0.02 * np.arange(32))[None, :, None] * np.exp(0.3j)
        ms.write("FLAG", flag, rows)
        ms.write("DATA", np.where(flag, 50, np.broadcast_to(continuum, shape)).astype(np.complex64), rows)
    for interval in ("inf", "60s"):
        casatasks.uvcontsub_old(path, fitspw=FIT, fitorder=1, solint=interval)
        left, flag = read(f"{path}.contsub", "DATA", "FLAG")
        assert np.abs(left[~flag]).max() < 5e-6 and flag.mean() < 0.4


def test_times_of_solutions_are_weighted_and_of_all_baselines(shared_input):
    """As in CASA: between intervals the fits are interpolated from these times (values agree to 1.4e-6 then; with plain means they were 6e-4 off)."""
    path = shared_input("line.ms")
    with MeasurementSet(path, writable=True) as ms:
        time, scan, weight = ms.read("TIME"), ms.read("SCAN_NUMBER"), ms.read("WEIGHT")
        weight = weight * np.random.default_rng(3).uniform(0.2, 2.0, len(weight))[:, None].astype(np.float32)
        ms.write("WEIGHT", weight, np.arange(ms.nrow))
    with MeasurementSet(path) as ms:
        found = solve_continuum(ms, "", "DATA", OldContinuumOptions(FIT, solint="inf"))
    expected = [np.average(time[scan == s], weights=weight[scan == s].sum(axis=1)) for s in np.unique(scan)]
    assert np.unique(np.round(found.time_s, 3)) == pytest.approx(expected, abs=2e-3)


def test_solutions_of_other_fields_are_not_interpolated(shared_input):
    """Scans of two fields alternate; each field comes out as it does alone. CASA 6.7 goes from one field's fit to the other's."""
    path = shared_input("simvla.ms")
    how = {"fitspw": "0:0~3,1:4~7", "fitorder": 1, "solint": "inf"}
    casatasks.uvcontsub_old(path, field="1,2", **how)
    with MeasurementSet(f"{path}.contsub") as ms:
        both = ms.read("DATA")[ms.read("FIELD_ID") == 0]
    casatasks.uvcontsub_old(path, field="1", **how)
    with MeasurementSet(f"{path}.contsub") as ms:
        np.testing.assert_array_equal(ms.read("DATA"), both)


def test_windows_combined(shared_input):
    path = shared_input("simvla.ms")
    with pytest.raises(ParameterError, match="combine='spw'"):
        casatasks.uvcontsub_old(path, fitspw="0", field="2")
    casatasks.uvcontsub_old(path, fitspw="0", fitorder=1, combine="spw", spw="1", field="2")
    with MeasurementSet(path) as ms, MeasurementSet(f"{path}.contsub") as out:
        rows, target = Selection(field="2", spw="0").resolve(ms).rows[40], Selection(field="2", spw="1").resolve(ms).rows[40]
        frequency = [w.chan_freq_hz for w in ms.metadata.spectral_windows]
        fitted = np.polynomial.Polynomial.fit(frequency[0], ms.read("DATA", np.array([rows]))[0, :, 3], 1)
        assert not ms.read("FLAG", np.array([rows]))[0, :, 3].any()
        expected = ms.read("DATA", np.array([target]))[0, :, 3] - fitted(frequency[1])
        same = (out.read("TIME") == ms.read("TIME", np.array([target]))[0]) & (
            out.read("ANTENNA1") == ms.read("ANTENNA1", np.array([target]))[0]
        )
        row = np.flatnonzero(same & (out.read("ANTENNA2") == ms.read("ANTENNA2", np.array([target]))[0]))
        np.testing.assert_allclose(out.read("DATA", row)[0, :, 3], expected, atol=1e-5)


def test_order_falls_and_data_without_a_fit_are_flagged(shared_input):
    path = shared_input("line.ms")
    with MeasurementSet(path, writable=True) as ms:
        flag = ms.read("FLAG")
        flag[0, :7], flag[0, 25:] = True, True  # one channel is left
        flag[1] = True
        ms.write("FLAG", flag, np.arange(ms.nrow))
    with MeasurementSet(path) as ms:
        found = solve_continuum(ms, "", "DATA", OldContinuumOptions(FIT, fitorder=2))
        key = [0, int(ms.read("ANTENNA1")[0]), int(ms.read("ANTENNA2")[0]), 0]
        group = np.flatnonzero((found.keys == key).all(axis=1))[0]
        value = ms.read("DATA", np.array([0]))[0, 24]
        np.testing.assert_allclose(found.coefficients[group], np.stack([value, 0 * value, 0 * value], axis=1), rtol=1e-6)
    casatasks.uvcontsub_old(path, fitspw="0:0~6", fitorder=1)
    with MeasurementSet(path) as old, MeasurementSet(f"{path}.contsub") as new:
        when = (new.read("TIME") == old.read("TIME")[0]) & (new.read("ANTENNA1") == old.read("ANTENNA1")[0])
        row = np.flatnonzero(when & (new.read("ANTENNA2") == old.read("ANTENNA2")[0]))
        assert new.read("FLAG", row).all()


@pytest.mark.parametrize(
    ("mode", "model", "corrected"), [("subtract", "fit", "rest"), ("model", "fit", "data"), ("replace", "one", "fit")]
)
def test_columns_of_the_tool(shared_input, mode, model, corrected):
    path = shared_input("line.ms")
    (data,) = read(path, "DATA")
    fit = polynomial(data, 1)
    tool = ms_tool()
    tool.open(path)
    with pytest.raises(DataError, match="nomodify=False"):
        tool.continuumsub(fitspw=FIT)
    tool.open(path, nomodify=False)
    assert tool.continuumsubold(field=0, fitspw=FIT, spw="0", solint="int", fitorder=1, mode=mode)
    tool.close()
    expected = {"fit": fit, "rest": data - fit, "data": data, "one": np.ones_like(data)}
    found = read(path, "MODEL_DATA", "CORRECTED_DATA")
    np.testing.assert_allclose(found[0], expected[model], atol=2e-6)
    np.testing.assert_allclose(found[1], expected[corrected], atol=2e-6)


def test_the_tool_takes_scans_one_by_one_and_contsub(shared_input):
    path = shared_input("line.ms")
    (data,) = read(path, "DATA")
    tool = ms_tool()
    tool.open(path, nomodify=False)
    tool.continuumsub(fitspw=FIT, fitorder=0)
    means = [np.repeat(polynomial(m, 0)[:, None], 4, axis=1) for m in binned(data, [range(4), range(4, 8)])]
    np.testing.assert_allclose(read(path, "MODEL_DATA")[0], np.concatenate(means, axis=1).reshape(data.shape), atol=2e-6)
    assert tool.contsub(outputms="o.ms", fitspw=FIT, fitorder=1, spw="0:3~9", whichcol="DATA")
    np.testing.assert_allclose(read("o.ms", "DATA")[0], (data - polynomial(data, 1))[:, 3:10], atol=2e-6)
    with pytest.raises(ParameterError, match="whichcol"):
        tool.contsub(outputms="p.ms", whichcol="FLOAT_DATA")
    tool.close()


def test_refusals(shared_input):
    path = shared_input("line.ms")
    for error, changes in (
        (ParameterError, {"combine": "field"}), (ParameterError, {"solint": "often"}), (SelectionError, {"fitspw": "9"}), (SelectionError, {"field": "NONE"}),
        (ParameterError, {"fitspw": "0:0~31", "excludechans": True}), (ParameterError, {"fitorder": -1}),
    ):  # fmt: skip
        with pytest.raises(error):
            casatasks.uvcontsub_old(path, **changes)
    with pytest.raises(ParameterError, match="fitorder"):
        OldContinuumOptions(fitorder=-1)
    assert not os.path.exists(f"{path}.contsub")


def test_corrected_data_come_first(shared_input):
    path = shared_input("line.ms")
    with MeasurementSet(path, writable=True) as ms:
        ms.add_scratch_columns(corrected=True)
        ms.write("CORRECTED_DATA", 2 * ms.read("DATA"), np.arange(ms.nrow))
    casatasks.uvcontsub_old(path, fitspw=FIT)
    table = open_table(f"{path}.contsub")
    assert "CORRECTED_DATA" not in table.colnames()
    table.close()
    (data,) = read(path, "DATA")
    np.testing.assert_allclose(read(f"{path}.contsub", "DATA")[0], 2 * (data - polynomial(data, 0)), atol=4e-6)


def test_contsub_needs_what_is_fitted_and_written(shared_input):
    tool = ms_tool()
    tool.open(shared_input("simvla.ms"))
    for given in ({"fitspw": "1:0~3", "spw": "1"}, {"fitspw": "0:0~3", "spw": "0,1"}):
        with pytest.raises(ParameterError, match="lacks spectral window 1"):
            tool.contsub("o.ms", unionspw="0", whichcol="DATA", **given)
    assert not os.path.exists("o.ms")
    assert tool.contsub("o.ms", fitspw="0:0~3", spw="0", unionspw="0,1", whichcol="DATA")
    tool.close()


def test_each_correlation_keeps_its_own_channels(shared_input):
    """A channel that is flagged in one correlation serves the fit of the other; CASA 6.7 leaves it out of both."""
    path = shared_input("line.ms")
    with MeasurementSet(path, writable=True) as ms:
        flag = ms.read("FLAG")
        flag[:, 2, 0] = True
        ms.write("FLAG", flag, np.arange(ms.nrow))
    (data,) = read(path, "DATA")
    casatasks.uvcontsub_old(path, fitspw=FIT, fitorder=1)
    np.testing.assert_allclose(read(f"{path}.contsub", "DATA")[0][..., 1], (data - polynomial(data, 1))[..., 1], atol=2e-6)
