"""Models set into MODEL_DATA, scratch columns, starting weights."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import casatasks
from casatools._base.errors import DataError, ParameterError
from casatools.calibration import scratch_columns
from casatools.calibration.correct import LibraryOptions
from casatools.calibration.generate_table import TableRequest, generate_table
from casatools.calibration.initial_weights import InitialWeightOptions, initialise_weights
from casatools.calibration.measured_calibration import write_system_temperatures
from casatools.calibration.scratch_columns import clear_calibration, delete_models, subtract_model
from casatools.calibration.set_model import SetModelOptions, find_model_images, manual_spectrum, set_model
from casatools.io.caltable import CalTable
from casatools.io.ms import MeasurementSet, chunks
from support.shared import unpack

Input = Callable[[str], str]


def column(path: str, name: str) -> np.ndarray:
    with MeasurementSet(path) as ms:
        return ms.read(name)


@pytest.fixture
def vis(shared_input: Input) -> str:
    return shared_input("simvla.ms")


def manual(*fluxes: float, spix: float = 0.0) -> SetModelOptions:
    return SetModelOptions("manual", manual=manual_spectrum(list(fluxes), spix, "1.5GHz", [], [], 0.0))


def test_manual(vis: str) -> None:
    record = set_model(vis, {"field": "0"}, manual(10.0, 1.0, 0.5, 0.1, spix=-0.7))
    # CASA 6.7: 10.494749437488242 in window 0.
    assert np.allclose(record["0"]["0"]["fluxd"], np.array([10, 1, 0.5, 0.1]) * 1.0494749437, rtol=1e-5)
    assert record["0"]["fieldName"] == "1331+305"
    model, field, ddid = (column(vis, c) for c in ("MODEL_DATA", "FIELD_ID", "DATA_DESC_ID"))
    scale = (1.428 / 1.5) ** -0.7
    assert np.allclose(model[(field == 0) & (ddid == 0)][:, 7], scale * np.array([10.1, 1 + 0.5j, 1 - 0.5j, 9.9]))
    assert np.allclose(model[field == 1], [1, 0, 0, 1])


def test_polarization_of_given_q_and_u() -> None:
    """CASA 6.7: Q and U are those at the reference; the polynomials say how fraction and angle change."""
    found = manual_spectrum([5.0, 0.1, 0.2, 0.0], [-0.5, 0.1], "1.4GHz", [0.1, 0.02], [0.3], 20.0)
    assert found is not None
    expected = [[5, 0.1, 0.2, 0], [4.95082203, 0.1138676, 0.19218816, 0], [4.64126315, 0.18001493, 0.13107779, 0]]
    np.testing.assert_allclose(found.stokes(np.array([1.4e9, 1.428e9, 1.628e9])), expected, atol=1e-7)


def test_windows_without_data_of_the_field_are_in_the_record(shared_input: Input) -> None:
    """As CASA 6.7 has them: the phase calibrator was observed in the second and the third window."""
    record = set_model(shared_input("alma_small.ms"), {"field": "0"}, manual(3.0))
    assert sorted(record["0"]) == ["0", "1", "2", "fieldName"]


def test_standard_per_window(vis: str) -> None:
    record = set_model(vis, {"field": "0"}, SetModelOptions("Perley-Taylor 99", scale_by_channel=False))
    assert np.isclose(record["0"]["0"]["fluxd"][0], 14.75787597, rtol=1e-6)  # CASA 6.7
    model, field, ddid = (column(vis, c) for c in ("MODEL_DATA", "FIELD_ID", "DATA_DESC_ID"))
    assert np.allclose(model[(field == 0) & (ddid == 1)][..., 0], 13.84365961)


@pytest.mark.parametrize(
    ("spix", "polindex", "flat"), [([-0.7], [0.1], False), ([-0.7, -0.1], [], True), ([-0.7], [0.1, 0.05], True)]
)
def test_manual_without_a_flux_for_each_channel(vis: str, spix: list[float], polindex: list[float], flat: bool) -> None:
    """CASA 6.7: the record is of the window's middle; curved models are constant, plain power laws follow the channels."""
    spectrum = manual_spectrum([3.0, 0, 0, 0], spix, "1GHz", polindex, [0.3] if polindex else [], 0.0)
    record = set_model(vis, {"field": "0"}, SetModelOptions("manual", manual=spectrum, scale_by_channel=False))
    curve = spix[1] if len(spix) > 1 else 0.0
    middle, first = (3.0 * x ** (-0.7 + curve * np.log10(x)) for x in (1.4140, 1.4))
    np.testing.assert_allclose(record["0"]["0"]["fluxd"][0], middle, rtol=2e-6)
    model, field, ddid = (column(vis, c) for c in ("MODEL_DATA", "FIELD_ID", "DATA_DESC_ID"))
    here = model[(field == 0) & (ddid == 0)][:, :, 0]
    np.testing.assert_allclose(here[:, 0], middle if flat else first, rtol=2e-6)
    assert (here[:, -1] == here[:, 0]).all() == flat


def test_field_off_the_scale_and_negative_flux(vis: str) -> None:
    record = set_model(vis, {"field": "1"}, SetModelOptions())
    assert record["1"]["0"]["fluxd"].tolist() == [1, 0, 0, 0]
    assert manual_spectrum(-1, 0.0, "1GHz", [], [], 0.0) is None
    record = set_model(vis, {"field": "0"}, SetModelOptions("manual"))
    assert np.isclose(record["0"]["0"]["fluxd"][0], 14.85608522)  # Perley-Butler 2010


def test_fluxscale_record(vis: str) -> None:
    entry = {"fieldName": "J1335+2700", "fitFluxd": 2.0, "fitRefFreq": 1.4e9, "spidx": [0.3, -0.5]}
    record = set_model(vis, {}, SetModelOptions("fluxscale", fluxdict={"9": entry, "freq": [1e9]}))
    assert sorted(record) == ["1", "format"]
    assert np.isclose(record["1"]["0"]["fluxd"][0], 2.0)
    with pytest.raises(ParameterError, match="none of the selected fields"):
        set_model(vis, {"field": "0"}, SetModelOptions("fluxscale", fluxdict={"1": entry}))


def test_refusals() -> None:
    with pytest.raises(ParameterError, match="'standard'"):
        SetModelOptions("silly")
    with pytest.raises(ParameterError, match="'fluxdict'"):
        SetModelOptions("fluxscale")
    with pytest.raises(ParameterError, match="model="):
        SetModelOptions("Butler-JPL-Horizons 2012", model="x.im")
    with pytest.raises(ParameterError, match="'spix'"):
        manual_spectrum([1.0], "steep", "1GHz", [], [], 0.0)
    with pytest.raises(ParameterError, match="at most I, Q, U, V"):
        manual_spectrum([1.0] * 5, 0.0, "1GHz", [], [], 0.0)
    with pytest.raises(ParameterError, match="positive frequency"):
        manual_spectrum([1.0], "", "0GHz", [], [], 0.0)
    for reffreq in ("1m", "abc", "", "nanGHz"):
        with pytest.raises(ParameterError, match="'reffreq' must be a positive frequency"):
            manual_spectrum([1.0], "", reffreq, [], [], 0.0)
    nan = float("nan")
    for name, values in {"fluxdensity": ([nan], 0.0, [], [], 0.0), "spix": ([1.0], nan, [], [], 0.0), "polindex": ([1.0], 0.0, [nan], [], 0.0),
                         "polangle": ([1.0], 0.0, [], [nan], 0.0), "rotmeas": ([1.0], 0.0, [], [], np.inf)}.items():  # fmt: skip
        with pytest.raises(ParameterError, match=f"'{name}' must hold finite numbers"):
            manual_spectrum(values[0], values[1], "1GHz", *values[2:])
    assert isinstance(find_model_images(), list)


def test_manual_parameters_beside_a_scale_are_told(vis: str, tmp_path: Path) -> None:
    casatasks.setjy(vis, field="0", fluxdensity=[3.0, 0, 0, 0], rotmeas=2.0)
    told = (tmp_path / "casa.log").read_text()
    assert "fluxdensity, rotmeas count with standard='manual' only, not with 'Perley-Butler 2017'" in told
    casatasks.setjy(vis, field="0", fluxdensity=-1, spix=[], polindex=[], standard="Baars")
    assert (tmp_path / "casa.log").read_text().count("count with standard='manual'") == 1


def test_scratch_columns(vis: str) -> None:
    clear_calibration(vis, {}, model=False)
    assert np.array_equal(column(vis, "CORRECTED_DATA"), column(vis, "DATA"))
    with pytest.raises(DataError, match="MODEL_DATA"):
        subtract_model(vis)
    clear_calibration(vis, {"field": "0"}, model=True)
    assert np.allclose(column(vis, "MODEL_DATA"), [1, 0, 0, 1])
    subtract_model(vis)
    assert np.allclose(column(vis, "CORRECTED_DATA"), column(vis, "DATA") - [1, 0, 0, 1])
    subtract_model(vis, reverse=True)
    assert np.allclose(column(vis, "CORRECTED_DATA"), column(vis, "DATA"), atol=1e-5)
    delete_models(vis, virtual=True, field="0", column=True)
    with MeasurementSet(vis) as ms:
        assert not ms.has("MODEL_DATA")


def test_unit_models_are_written_in_bounded_chunks(vis: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Chunks of which nothing is read were once as large as the data."""
    written: list[int] = []
    make = scratch_columns.unit_model
    monkeypatch.setattr(chunks.memory, "chunk_bytes", lambda: 200_000)
    monkeypatch.setattr(
        scratch_columns, "unit_model", lambda ms, chunk: written.append(int(np.prod(chunk.shape)) * 8) or make(ms, chunk)
    )
    set_model(vis, {"field": "0"}, manual(1.0))
    assert len(written) > 2 and max(written) <= 250_000


def test_initial_weights(vis: str) -> None:
    initialise_weights(vis, InitialWeightOptions("nyq", spectrum=True))
    assert np.allclose(column(vis, "WEIGHT"), 2 * 4e6 * 30)
    assert np.allclose(column(vis, "WEIGHT_SPECTRUM"), 2 * 4e6 * 30)
    assert np.allclose(column(vis, "SIGMA"), (2 * 4e6 * 30) ** -0.5)
    initialise_weights(vis, InitialWeightOptions("ones"))
    assert np.allclose(column(vis, "WEIGHT_SPECTRUM"), 1)
    initialise_weights(vis, InitialWeightOptions("sigma"))
    initialise_weights(vis, InitialWeightOptions("weight", spectrum=True))
    assert np.allclose(column(vis, "WEIGHT"), 1)
    initialise_weights(vis, InitialWeightOptions("delwtsp"))
    with MeasurementSet(vis) as ms:
        assert not ms.has("WEIGHT_SPECTRUM")
    with pytest.raises(ParameterError, match="wtmode"):
        InitialWeightOptions("silly")
    with pytest.raises(ParameterError, match="dowtsp=True"):
        InitialWeightOptions("weight")
    with pytest.raises(ParameterError, match="tsystable"):
        InitialWeightOptions("tsys")
    with pytest.raises(ParameterError, match="Tsys modes"):
        InitialWeightOptions("nyq", library=LibraryOptions(("x",)))


@pytest.mark.parametrize("mode", ["tsys", "tinttsys"])
def test_weights_from_system_temperatures(tmp_path: Path, mode: str) -> None:
    vis = str(unpack("alma_small.ms", tmp_path))
    write_system_temperatures(vis, str(tmp_path / "t"))
    library = LibraryOptions((str(tmp_path / "t"),), ("",), ("nearest,linear",), (1, 1, 1))
    initialise_weights(vis, InitialWeightOptions(mode, library=library))
    table = CalTable.open(str(tmp_path / "t"))
    with MeasurementSet(vis) as ms:
        rows = np.flatnonzero(ms.read("DATA_DESC_ID") == 1)
        spectrum, weight, sigma, one, two, time = (
            ms.read(c, rows) for c in ("WEIGHT_SPECTRUM", "WEIGHT", "SIGMA", "ANTENNA1", "ANTENNA2", "EXPOSURE")
        )
    hot = table.param[one][..., [0, 0, 1, 1]] * table.param[two][..., [0, 1, 0, 1]]
    seconds = time if mode == "tinttsys" else np.ones(len(rows))
    expected = np.where(one == two, 1, 2)[:, None, None] * 31.25e6 * seconds[:, None, None] / hot
    np.testing.assert_allclose(spectrum, expected, rtol=1e-5)
    np.testing.assert_allclose(weight, np.sort(expected, axis=1)[:, 31], rtol=1e-5)
    np.testing.assert_allclose(sigma, np.sort(expected**-0.5, axis=1)[:, 31], rtol=1e-5)
    with pytest.raises(DataError, match="spwmap"):
        initialise_weights(vis, InitialWeightOptions(mode, library=LibraryOptions((str(tmp_path / "t"),))))
    generate_table(vis, str(tmp_path / "a"), TableRequest("amp", parameter=(2.0,)))
    with pytest.raises(DataError, match="B TSYS"):
        initialise_weights(vis, InitialWeightOptions(mode, library=LibraryOptions((str(tmp_path / "a"),))))


def test_image_scaled_to_a_given_flux_density(vis: str, shared_input: Input) -> None:
    image = shared_input("3c286_C.model")
    options = SetModelOptions("manual", model=image, manual=manual_spectrum([10.0, 1.0, 0.0, 0.0], 0.0, "1.5GHz", [], [], 0.0))
    record = set_model(vis, {"field": "0"}, options)
    with MeasurementSet(vis) as ms:
        rows = np.flatnonzero((ms.read("FIELD_ID") == 0) & (ms.read("DATA_DESC_ID") == 0))
        model = ms.read("MODEL_DATA", rows)
    assert record["0"]["0"]["fluxd"].tolist() == [10.0, 1.0, 0.0, 0.0]
    # The image is small against the beams of these baselines: nearly all of the flux density is seen, never more.
    assert 9.0 < np.abs(model[..., 0]).min() <= np.abs(model[..., 0]).max() < 10.01
    np.testing.assert_allclose(model[..., 1], 0.1 * model[..., 0], rtol=1e-4)
