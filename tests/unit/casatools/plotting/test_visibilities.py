"""Points of visibility plots: what averages, compared columns, moved centres and axes of rows come to, against plain sums over the columns."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import casatasks
from casatools._base.errors import DataError, ParameterError
from casatools.frames.baselines import azimuth_elevation, parallactic_angle
from casatools.frames.directions import Direction
from casatools.frames.frequencies import doppler_factor, frequency_to_velocity
from casatools.io.ms import MeasurementSet, Selection, iter_chunks
from casatools.plotting import visibilities, visibility_figure
from casatools.plotting.plot_axes import PlotOptions
from casatools.plotting.visibilities import collect_points
from casatools.transform.field_directions import array_position

Input = Callable[[str], str]
ONE = {"field": "0", "spw": "0", "correlation": "RR"}


def read(path: str, *columns: str, field: int = 0, ddid: int = 0) -> dict[str, np.ndarray]:
    """Columns of the rows of a field and window."""
    with MeasurementSet(path) as ms:
        rows = np.flatnonzero((ms.read("FIELD_ID") == field) & (ms.read("DATA_DESC_ID") == ddid))
        return {c: np.asarray(ms.read(c, rows)) for c in ("FLAG", *columns)}


def points(path: str, selected: dict[str, str] | None = None, **options: Any) -> dict[str, np.ndarray]:
    with MeasurementSet(path) as ms:
        return collect_points(ms, Selection(**(ONE if selected is None else selected)), [PlotOptions(**options)])[0]


def test_means_are_weighted_and_flags_left_out(shared_input: Input) -> None:
    path = shared_input("simvla.ms")
    found = read(path, "DATA", "WEIGHT", "TIME", "ANTENNA1", "ANTENNA2")
    good, data = ~found["FLAG"][..., 0], found["DATA"][..., 0]
    weight = np.where(good, found["WEIGHT"][:, None, 0], 0.0)
    here = (found["ANTENNA1"] == 1) & (found["ANTENNA2"] == 4)
    mean = np.average(data[here], weights=weight[here], axis=0)
    one = dict(ONE, antenna="1&4")
    got = points(path, one, x="channel", y="real", time_s=1e9, over_scan=True)
    order = np.argsort(got["x"])
    np.testing.assert_allclose(got["y"][order], mean.real, rtol=1e-5)
    amplitude = points(path, one, x="channel", y="amp", time_s=1e9, over_scan=True, scalar=True)["y"][order]
    np.testing.assert_allclose(amplitude, np.average(np.abs(data[here]), weights=weight[here], axis=0), rtol=1e-5)
    every = points(path, x="channel", y="imag", time_s=1e9, over_scan=True, over_baseline=True, channels=4)
    bins = [np.average(data[:, k : k + 4], weights=weight[:, k : k + 4]).imag for k in (0, 4)]
    np.testing.assert_allclose(np.sort(every["y"]), np.sort(bins), rtol=1e-4)
    weights = points(path, one, x="channel", y="wt", time_s=1e9, over_scan=True)["y"][order]
    np.testing.assert_allclose(weights, weight[here].sum(axis=0), rtol=1e-6)
    sigma = points(path, one, x="channel", y="sigmasp", time_s=1e9, over_scan=True)["y"][order]
    np.testing.assert_allclose(sigma, good[here].sum(axis=0) ** -0.5, rtol=1e-6)


def test_antennas_are_means_over_their_baselines(shared_input: Input) -> None:
    path = shared_input("simvla.ms")
    found = read(path, "DATA", "WEIGHT", "ANTENNA1", "ANTENNA2")
    got = points(path, x="antenna1", y="real", time_s=1e9, over_scan=True, over_antenna=True, channels=64)
    weight = np.where(found["FLAG"][..., 0], 0.0, found["WEIGHT"][:, None, 0])
    for antenna, value in zip(got["x"], got["y"], strict=True):
        rows = (found["ANTENNA1"] == antenna) | (found["ANTENNA2"] == antenna)
        assert value == pytest.approx(np.average(found["DATA"][rows, :, 0].real, weights=weight[rows]), rel=1e-4)
    phases = points(path, x="antenna1", y="imag", time_s=1e9, over_scan=True, over_antenna=True, channels=64)["y"]
    # Each baseline is seen from both ends.
    counts = [weight[(found["ANTENNA1"] == a) | (found["ANTENNA2"] == a)].sum() for a in got["x"]]
    assert abs(np.dot(phases, counts)) < 1e-3 * np.abs(phases).max() * sum(counts)


def test_windows_are_averaged_channel_by_channel(shared_input: Input) -> None:
    path = shared_input("simvla.ms")
    both = {"field": "0", "correlation": "RR"}
    got = points(path, both, x="channel", y="real", time_s=1e9, over_scan=True, over_baseline=True, over_spw=True)
    sums = 0.0
    weights = 0.0
    for ddid in (0, 1):
        found = read(path, "DATA", "WEIGHT", ddid=ddid)
        weight = np.where(found["FLAG"][..., 0], 0.0, found["WEIGHT"][:, None, 0])
        sums, weights = sums + (found["DATA"][..., 0].real * weight).sum(axis=0), weights + weight.sum(axis=0)
    np.testing.assert_allclose(got["y"][np.argsort(got["x"])], sums / weights, rtol=1e-4)
    with pytest.raises(ParameterError, match="same number of channels"):
        points(path, dict(both, spw="0:0~3,1"), x="channel", over_spw=True, time_s=1e9)


@pytest.mark.parametrize("name", ["residual", "corrected-model_scalar", "data/model_vector", "corrected/model_scalar"])
@pytest.mark.parametrize("axis", ["amp", "phase"])
def test_columns_compared(shared_input: Input, name: str, axis: str) -> None:
    path = shared_input("simvla.ms")
    casatasks.clearcal(path, addmodel=True)
    casatasks.setjy(path, field="0", standard="manual", fluxdensity=[3.0, 0.1, 0.2, 0.05], usescratch=True)
    found = read(path, "DATA", "MODEL_DATA", "WEIGHT")
    good = ~found["FLAG"]
    one, two = found["DATA"][good].astype(complex), found["MODEL_DATA"][good].astype(complex)
    got = points(path, {"field": "0", "spw": "0"}, x="row", y=axis, y_column=name)["y"]
    vector = one - two if "-" in name or name == "residual" else one / two
    wanted = np.abs(vector) if axis == "amp" else np.degrees(np.angle(vector))
    if "scalar" in name:
        apart = np.degrees(np.angle(one * np.conj(two)))
        wanted = apart if axis == "phase" else np.abs(one) - np.abs(two) if "-" in name else np.abs(one) / np.abs(two)
    np.testing.assert_allclose(np.sort(got), np.sort(wanted), rtol=2e-4, atol=1e-4)


def test_bins_of_flagged_data(shared_input: Input) -> None:
    path = shared_input("simvla.ms")
    casatasks.flagdata(path, mode="manual", spw="0:3", field="0", flagbackup=False)
    assert 3.0 not in set(points(path, x="channel")["x"])
    got = points(path, x="channel", y="flag", flagged=True)
    assert set(got["x"][got["flagged"]]) >= {3.0}
    np.testing.assert_array_equal(got["y"], got["flagged"])
    mean = points(path, x="channel", y="amp", flagged=True, channels=8)
    some = points(path, x="channel", y="amp", channels=8)
    np.testing.assert_allclose(mean["y"][~mean["flagged"]], some["y"])  # flagged data do not enter means of others


def test_centres_are_moved_as_phaseshift_moves_them(shared_input: Input, tmp_path: Path) -> None:
    path, moved = shared_input("simvla.ms"), str(tmp_path / "moved.ms")
    centre = "J2000 13h31m20s 30d31m00s"
    casatasks.phaseshift(path, moved, field="0", phasecenter=centre)
    got = points(path, x="w", y="phase", phase_centre=centre)
    wanted = points(moved, {"spw": "0", "correlation": "RR"}, x="w", y="phase")
    np.testing.assert_allclose(got["x"], wanted["x"], atol=1e-6)
    assert np.abs(np.angle(np.exp(1j * np.radians(got["y"] - wanted["y"])), deg=True)).max() < 1e-3
    offset = points(path, x="w", y="phase", phase_centre="[0arcsec, 20arcsec]")
    with MeasurementSet(path) as ms:
        lon, lat = ms.metadata.fields[0].phase_dir[0]
    there = points(path, x="w", y="phase", phase_centre=f"J2000 {lon}rad {lat + np.radians(20 / 3600)}rad")
    np.testing.assert_allclose(offset["y"], there["y"], atol=1e-6)


def test_calibration_on_the_way_is_that_of_applycal(shared_input: Input) -> None:
    path, gains, band = (shared_input(n) for n in ("simvla.ms", "cal.G", "cal.B"))
    library = (f"caltable='{gains}' calwt=F", f"caltable='{band}' calwt=F")
    got = points(path, x="row", y="real", y_column="corrected", callib=library)
    casatasks.applycal(path, field="0", gaintable=[gains, band], calwt=False, flagbackup=False)
    np.testing.assert_allclose(got["y"], points(path, x="row", y="real", y_column="corrected")["y"], rtol=1e-5)
    Path("all.lib").write_text("\n".join(library), encoding="utf-8")
    again = points(path, x="row", y="real", y_column="corrected", callib=("all.lib",))
    np.testing.assert_array_equal(again["y"], got["y"])


def test_frequencies_and_velocities_in_frames(shared_input: Input) -> None:
    path = shared_input("simvla.ms")
    got = points(
        path,
        dict(ONE, antenna="0&1"),
        x="frequency",
        y="velocity",
        frame="LSRK",
        doppler="OPTICAL",
        rest_frequency_hz=1.42e9,
        color="time",
    )
    with MeasurementSet(path) as ms:
        window, field, place = ms.metadata.spectral_windows[0], ms.metadata.fields[0], array_position(ms)
    toward = Direction(*(float(v) for v in field.phase_dir[0]), field.phase_frame)
    factor = doppler_factor(window.frame, "LSRK", got["color"], toward, place)
    channels = points(path, dict(ONE, antenna="0&1"), x="channel")["x"].astype(int)
    frequency = window.chan_freq_hz[channels] * factor
    np.testing.assert_allclose(got["x"], frequency / 1e9, rtol=1e-12)
    np.testing.assert_allclose(got["y"], frequency_to_velocity(frequency, 1.42e9, "OPTICAL") / 1e3, rtol=1e-9)


def test_axes_of_rows(shared_input: Input) -> None:
    path = shared_input("simvla.ms")
    got = {
        a: points(path, x=a, channels=64)["x"]
        for a in (
            "time",
            "elevation",
            "azimuth",
            "parang",
            "hourang",
            "uwave",
            "wwave",
            "u",
            "w",
            "feed1",
            "intent",
            "flagrow",
            "baseline",
            "interval",
            "observation",
            "antenna2",
        )
    }
    with MeasurementSet(path) as ms:
        field, place = ms.metadata.fields[0], ms.metadata.antennas[0].position_m
    toward = Direction(*(float(v) for v in field.phase_dir[0]), field.phase_frame)
    azimuth, elevation = azimuth_elevation(got["time"], toward, place)
    np.testing.assert_allclose(got["elevation"], np.degrees(elevation), atol=1e-6)
    np.testing.assert_allclose(got["azimuth"], np.degrees(azimuth), atol=1e-6)
    np.testing.assert_allclose(got["parang"], np.degrees(parallactic_angle(got["time"], toward, place)), atol=1e-6)
    assert np.abs(got["hourang"]).max() < 12.0
    np.testing.assert_allclose(got["uwave"] * got["w"], got["wwave"] * got["u"], rtol=1e-9)
    np.testing.assert_allclose(got["baseline"] % 1000, got["antenna2"])
    assert set(got["feed1"]) == {0.0} and set(got["flagrow"]) == {0.0} and set(got["observation"]) == {0.0}
    with pytest.raises(DataError, match="ephemeris"):
        points(path, x="rho")


def test_axes_of_antennas(shared_input: Input) -> None:
    path = shared_input("simvla.ms")
    got = points(path, x="time", y="ant-elevation", color="ant")
    with MeasurementSet(path) as ms:
        field, places = ms.metadata.fields[0], [a.position_m for a in ms.metadata.antennas]
    toward = Direction(*(float(v) for v in field.phase_dir[0]), field.phase_frame)
    for antenna in (0, len(places) - 1):
        mine = got["color"] == antenna
        np.testing.assert_allclose(
            got["y"][mine], np.degrees(azimuth_elevation(got["x"][mine], toward, places[antenna])[1]), atol=0.01
        )
    pointed = points(path, x="ant-ra", y="ant-dec")
    assert pointed["y"] == pytest.approx(np.full(len(pointed["y"]), np.degrees(field.phase_dir[0, 1])), abs=1e-6)
    for frame in ("ICRS", "GALACTIC"):
        turned = points(path, x="ant-ra", y="ant-dec", pointing_frame=frame, pointing_interpolation="nearest")
        assert (np.abs(turned["y"] - pointed["y"]).max() > 1.0) == (frame == "GALACTIC")
    with pytest.raises(ParameterError, match="go with one another"):
        points(path, x="ant-azimuth", y="amp")
    with pytest.raises(ParameterError, match="not averaged"):
        points(path, x="ant-azimuth", y="ant-elevation", channels=4)


def test_lines_join_points_of_one_series(shared_input: Input) -> None:
    path = shared_input("simvla.ms")
    along = points(path, x="channel", connect="x")
    assert len(np.unique(along["series"])) == len(read(path)["FLAG"])
    in_time = points(path, x="channel", connect="time", over_baseline=True, time_s=1.0)
    assert len(np.unique(in_time["series"])) == 8
    assert (in_time["order"] > 4e9).all()


def test_vertical_axes_are_made_in_one_pass(shared_input: Input, monkeypatch: pytest.MonkeyPatch) -> None:
    """Data are read once for all of them, and the MeasurementSet is opened once."""
    path = shared_input("simvla.ms")
    several = [
        PlotOptions(y="amp", flagged=True), PlotOptions(y="phase", connect="x"), PlotOptions(y="wtsp", color="corr"), PlotOptions(y="elevation"),
    ]  # fmt: skip
    with MeasurementSet(path) as ms:
        alone = [collect_points(ms, Selection(**ONE), [options])[0] for options in several]
    opened, passes = [], []
    monkeypatch.setattr(visibility_figure, "MeasurementSet", lambda p: opened.append(p) or MeasurementSet(p))
    monkeypatch.setattr(visibilities, "iter_chunks", lambda *a, **k: passes.append(a[2]) or iter_chunks(*a, **k))
    layers = visibility_figure.make_layers(path, Selection(**ONE), several)
    assert len(opened) == len(passes) == 1 and len(set(passes[0])) == len(passes[0])
    for layer, points_alone in zip(layers, alone, strict=True):
        for name, values in points_alone.items():
            np.testing.assert_array_equal(layer.points[name], values, err_msg=f"{name} of {layer.options.y}")
    mixed = [PlotOptions(x="time", y="ant-elevation"), PlotOptions(x="time", y="amp")]
    of_antennas, of_data = visibility_figure.make_layers(path, Selection(**ONE), mixed)
    assert 0 < len(of_antennas.points["y"]) < len(of_data.points["y"])


@pytest.mark.parametrize(
    ("given", "text"), [({"y_column": "best"}, "data column"), ({"x": "snr"}, "axis"), ({"color": "hue"}, "axis")]
)
def test_what_is_not_known(shared_input: Input, given: dict[str, str], text: str) -> None:
    with pytest.raises(ParameterError, match=text):
        points(shared_input("simvla.ms"), **given)
