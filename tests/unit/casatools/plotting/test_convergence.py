"""The course of a deconvolution."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from casatools._base.errors import ParameterError, UnsupportedError
from casatools.plotting.convergence import convergence, plot_convergence


def _plane(done: list[float], peak: list[float], flux: list[float]) -> dict[str, list[float]]:
    return {"iterDone": done, "peakRes": peak, "modelFlux": flux, "cycleThresh": [0.5 * p for p in peak]}


RECORD: dict[str, Any] = {
    "summaryminor": {0: {0: {0: _plane([10, 20], [1.0, 0.2], [3.0, 4.0])}, 1: {0: _plane([5], [0.5], [1.0])}}, 1: {0: {0: {}}}},
    "summarymajor": np.array([0, 15, 35]),
    "threshold": 0.1,
    "stopDescription": "iteration limit",
}


def test_planes_are_put_together() -> None:
    course = convergence(RECORD)
    assert course.iterations.tolist() == [15, 35]
    assert course.peak_jy.tolist() == [1.0, 0.5]
    assert course.flux_jy.tolist() == [4.0, 5.0]
    assert course.threshold_jy.tolist() == [0.5, 0.25]


def test_a_picture_is_written(tmp_path: Path) -> None:
    plot_convergence(RECORD, str(tmp_path / "c.png"), title="both")
    assert (tmp_path / "c.png").read_bytes()[:4] == b"\x89PNG"
    with pytest.raises(UnsupportedError, match="format"):
        plot_convergence(RECORD, str(tmp_path / "c.xyz"))


def test_a_peak_of_zero_is_drawn_on_a_linear_scale(tmp_path: Path) -> None:
    record = {"summaryminor": {0: {0: {0: _plane([3], [0.0], [1.0])}}}}
    plot_convergence(record, str(tmp_path / "z.svg"))
    assert "<svg" in (tmp_path / "z.svg").read_text()


def test_records_without_iterations_are_refused() -> None:
    with pytest.raises(ParameterError, match="no 'summaryminor'"):
        convergence({"summaryminor": np.zeros((6, 0))})
    with pytest.raises(ParameterError, match="images 0, 1; got image=2"):
        convergence(RECORD, 2)
    with pytest.raises(ParameterError, match="no minor cycle"):
        convergence(RECORD, 1)
