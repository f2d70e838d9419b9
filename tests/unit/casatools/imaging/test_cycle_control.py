"""Stopping rules and thresholds; numbers of the record from a run of CASA 6.7 on line.ms."""

from __future__ import annotations

import numpy as np
import pytest

from casatools.imaging.cycle_control import CycleControl, CycleOptions


def test_cycle_threshold_follows_sidelobes() -> None:
    control = CycleControl(CycleOptions(niter=60), sidelobe=0.3260595202445984)
    assert control.begin_minor(2.694970) == pytest.approx(0.878720760345459, rel=1e-6)
    assert CycleControl(CycleOptions(niter=9, cyclefactor=9.0), sidelobe=0.3).begin_minor(1.0) == 0.8
    assert CycleControl(CycleOptions(niter=9), sidelobe=0.001).begin_minor(1.0) == 0.05
    assert CycleControl(CycleOptions(niter=9, threshold_jy=0.5), sidelobe=0.1).begin_minor(1.0) == 0.5


def test_iterations_left() -> None:
    control = CycleControl(CycleOptions(niter=60, cycleniter=40))
    assert control.cycle_niter == 40
    control.after_minor(30)
    assert control.cycle_niter == 30
    assert CycleControl(CycleOptions(niter=60)).cycle_niter == 60


@pytest.mark.parametrize(
    ("options", "peak", "nsigma", "empty", "code"),
    [
        (CycleOptions(niter=10), 1.0, False, True, 7),
        (CycleOptions(niter=0), 1.0, False, False, 1),
        (CycleOptions(niter=10, threshold_jy=1.0), 1.005, False, False, 2),
        (CycleOptions(niter=10, nsigma=3.0), 1.0, True, False, 8),
        (CycleOptions(niter=10, nmajor=0), 1.0, False, False, 9),
        (CycleOptions(niter=10), 1.0, False, False, 0),
    ],
)
def test_stop_codes(options: CycleOptions, peak: float, nsigma: bool, empty: bool, code: int) -> None:
    control = CycleControl(options)
    assert control.stops(peak, nsigma, empty) is (code != 0)
    assert control.stop_code == code


@pytest.mark.parametrize(("peaks", "count", "code"), [((1.0, 1.0), 0, 4), ((1.0, 3.5), 5, 5), ((1.0, 2.5, 4.0), 5, 6)])
def test_divergence(peaks: tuple[float, ...], count: int, code: int) -> None:
    control = CycleControl(CycleOptions(niter=1000))
    for peak in peaks[:-1]:
        assert not control.stops(peak, False, False)
        control.after_minor(count)
    assert control.stops(peaks[-1], False, False)
    assert control.stop_code == code


def test_record() -> None:
    control = CycleControl(CycleOptions(niter=60), sidelobe=0.32)
    control.after_major()
    control.begin_minor(1.0)
    for chan, count in ((0, 9), (1, 10)):
        control.add_plane(chan, 0, {"iterDone": count, "peakRes": 0.1, "modelFlux": 1.0, "cycleThresh": 0.3})
    control.after_minor(19)
    control.after_major()
    record = control.record()
    assert record["iterdone"] == 19
    assert record["nmajordone"] == 2
    assert record["interactiveiterdone"] == 10
    np.testing.assert_array_equal(record["summarymajor"], [0, 19])
    assert record["summaryminor"][0][1][0]["iterDone"] == [10.0]
    dirty = CycleControl(CycleOptions(niter=0)).record()
    assert (dirty["stopcode"], dirty["stopDescription"]) == (3, "Zero iterations performed")


def test_depth_without_the_threshold() -> None:
    """CASA's record tells the depth of the next cycle, which the threshold does not limit."""
    control = CycleControl(CycleOptions(niter=9, threshold_jy=0.5), sidelobe=0.1)
    assert control.note_depth(1.0) == control.cycle_threshold == pytest.approx(0.1)
    assert control.begin_minor(1.0) == control.cycle_threshold == 0.5


def test_cycles_of_no_length_are_not_limited() -> None:
    for cycleniter in (0, -1):
        control = CycleControl(CycleOptions(niter=50, cycleniter=cycleniter))
        assert control.cycle_niter == 50
        assert control.record()["cycleniter"] == 50
    assert CycleControl(CycleOptions(niter=5, threshold_jy=-1.0)).record()["threshold"] == 0.0


def test_polarizations_follow_as_channels_without_a_full_summary() -> None:
    for full, keys in ((False, {0: [0], 1: [0], 2: [0], 3: [0]}), (True, {0: [0, 1], 1: [0, 1]})):
        control = CycleControl(CycleOptions(niter=60, full_summary=full))
        for chan in range(2):
            for pol in range(2):
                control.add_plane(chan, pol, {"iterDone": 10 * chan + pol, "peakRes": 0.1, "modelFlux": 1.0, "cycleThresh": 0.3})
        control.after_minor(22)
        minor = control.record()["summaryminor"][0]
        assert {chan: list(pols) for chan, pols in minor.items()} == keys
        assert minor[3][0]["iterDone"] == [11.0] if not full else minor[1][1]["iterDone"] == [11.0]


def test_kinds_of_a_record_without_iterations() -> None:
    control = CycleControl(CycleOptions(niter=0))
    control.add_plane(0, 0, {"iterDone": 0.0, "peakRes": 0.5, "modelFlux": 0.0, "cycleThresh": 0.0})
    entry = control.record()["summaryminor"][0][0][0]
    assert {name: type(values[0]) for name, values in entry.items()} == {
        "iterDone": float, "peakRes": np.float64, "modelFlux": int, "cycleThresh": float,
    }  # fmt: skip


def test_whether_the_last_minor_cycle_went_down_to_the_threshold() -> None:
    control = CycleControl(CycleOptions(niter=100, threshold_jy=0.1), sidelobe=0.2)
    assert not control.at_threshold
    control.begin_minor(1.0)
    control.note_depth(0.3)  # what a next one would have does not count
    assert not control.at_threshold
    control.begin_minor(0.3)
    assert control.at_threshold
    again = CycleControl(CycleOptions(niter=100, threshold_jy=0.1))
    again.restore(control.state())
    assert again.at_threshold
