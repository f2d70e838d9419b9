"""mstransform with a calibration library gives what applycal and then mstransform give."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import casatasks
from casatools._base.errors import DataError, ParameterError, PathMissingError
from casatools.io.ms import MeasurementSet

Input = Callable[[str], str]
_COMPARED = ("DATA", "FLAG", "WEIGHT", "SIGMA", "TIME")


@pytest.fixture
def library(shared_input: Input, tmp_path: Path) -> str:
    lines = [f"caltable='{shared_input('cal.G')}' tinterp='linear' calwt=True", f"caltable='{shared_input('cal.B')}' calwt=False"]
    path = tmp_path / "lib.txt"
    path.write_text("\n".join(lines))
    return str(path)


def columns(path: str, names: tuple[str, ...]) -> dict[str, np.ndarray]:
    with MeasurementSet(path) as ms:
        return {n: np.asarray(ms.read(n, np.arange(ms.nrow))) for n in names if ms.has(n) or n in ("TIME",)}


@pytest.mark.parametrize(
    "options",
    [{}, {"chanaverage": True, "chanbin": 4}, {"spw": "0:2~5", "antenna": "EA01&EA03"}, {"timeaverage": True, "timebin": "60s"}],
)
def test_is_applycal_then_mstransform(shared_input: Input, library: str, tmp_path: Path, options: dict[str, Any]) -> None:
    vis, applied = shared_input("simvla.ms"), str(tmp_path / "applied.ms")
    shutil.copytree(vis, applied)
    casatasks.applycal(applied, docallib=True, callib=library, flagbackup=False)
    casatasks.mstransform(applied, str(tmp_path / "two.ms"), datacolumn="corrected", **options)
    casatasks.mstransform(vis, str(tmp_path / "one.ms"), datacolumn="corrected", docallib=True, callib=library, **options)
    two, one = (columns(str(tmp_path / n), _COMPARED) for n in ("two.ms", "one.ms"))
    for name, values in two.items():
        np.testing.assert_allclose(one[name], values, rtol=1e-6, atol=1e-6)
    with MeasurementSet(vis) as ms:
        assert not ms.has("CORRECTED_DATA")


def test_both_columns_and_weights_by_channel(shared_input: Input, library: str, tmp_path: Path) -> None:
    vis, applied = shared_input("simvla.ms"), str(tmp_path / "applied.ms")
    casatasks.initweights(vis, wtmode="weight", dowtsp=True)
    shutil.copytree(vis, applied)
    casatasks.applycal(applied, docallib=True, callib=library, flagbackup=False)
    casatasks.mstransform(vis, str(tmp_path / "both.ms"), datacolumn="all", docallib=True, callib=library)
    expected = columns(applied, ("DATA", "CORRECTED_DATA", "FLAG", "WEIGHT_SPECTRUM", "WEIGHT"))
    found = columns(str(tmp_path / "both.ms"), ("DATA", "CORRECTED_DATA", "FLAG", "WEIGHT_SPECTRUM", "WEIGHT"))
    for name, values in expected.items():
        np.testing.assert_allclose(found[name], values, rtol=1e-6, atol=1e-6)
    casatasks.mstransform(vis, str(tmp_path / "plain.ms"), datacolumn="data", docallib=True, callib=library)
    plain = columns(str(tmp_path / "plain.ms"), ("DATA", "FLAG"))
    np.testing.assert_array_equal(plain["DATA"], expected["DATA"])
    np.testing.assert_array_equal(plain["FLAG"], expected["FLAG"])


def test_bad_input_writes_nothing(shared_input: Input, tmp_path: Path) -> None:
    vis, out = shared_input("simvla.ms"), tmp_path / "out.ms"
    with pytest.raises(ParameterError, match="callib"):
        casatasks.mstransform(vis, str(out), docallib=True)
    with pytest.raises(PathMissingError, match="none"):
        casatasks.mstransform(vis, str(out), docallib=True, callib=str(tmp_path / "none"))
    library = tmp_path / "lib.txt"
    library.write_text(f"caltable='{shared_input('cal.G')}'")
    with pytest.raises(DataError):
        casatasks.mstransform(shared_input("sd.ms"), str(out), docallib=True, callib=str(library))
    assert not out.exists()
