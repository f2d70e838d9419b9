"""Tasks spread over 2, 3 and 5 ranks give what they give serially: flags and selections exactly, numbers to 1e-6."""

from __future__ import annotations

import pickle
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from casatools import table
from casatools.transform.multi_ms import make_multi_ms
from support.mpi_launcher import HERE, needs_mpirun, run
from support.shared import unpack

pytestmark = needs_mpirun
RELATIVE = 1e-6


def assert_equal(found: Any, wanted: Any, where: str = "") -> None:
    if isinstance(wanted, dict):
        assert list(found) == list(wanted), where
        for key in wanted:
            assert_equal(found[key], wanted[key], f"{where}/{key}")
    elif isinstance(wanted, np.ndarray) and wanted.dtype.kind in "fc":
        scale = float(np.nanmax(np.abs(wanted))) if wanted.size else 1.0
        assert found.shape == wanted.shape, where
        np.testing.assert_allclose(found, wanted, rtol=0, atol=RELATIVE * scale, err_msg=where)
    elif isinstance(wanted, float):
        assert found == pytest.approx(wanted, rel=RELATIVE, abs=1e-12), where
    else:
        assert np.array_equal(found, wanted), where


def made_by(ranks: int, job: str, folder: Path, *words: str) -> Any:
    folder.mkdir()
    program = HERE / "mpi_tasks.py"
    if ranks == 1:
        subprocess.run([sys.executable, str(program), job, str(folder), *words], check=True, cwd=folder, capture_output=True)
    else:
        script = f"import runpy, sys; sys.argv = {[str(program), job, str(folder), *words]!r}; import mpi_tasks; mpi_tasks.main()"
        code, out, err = run(ranks, script, folder)
        assert code == 0, out + err
    made = pickle.loads((folder / "made.pickle").read_bytes())
    shutil.rmtree(folder)
    return made


@pytest.fixture(scope="module")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    folder = tmp_path_factory.mktemp("inputs")
    return [str(unpack(name, folder)) for name in ("simvla.ms", "cal.G")]


@pytest.fixture(scope="module")
def serial_calibration(inputs: list[str], tmp_path_factory: pytest.TempPathFactory) -> Any:
    return made_by(1, "calibration", tmp_path_factory.mktemp("serial") / "r", *inputs)


@pytest.mark.parametrize("ranks", [2, 3, 5])
def test_setjy_applycal_flagdata_split_clearcal(ranks: int, inputs: list[str], serial_calibration: Any, tmp_path: Path) -> None:
    assert_equal(made_by(ranks, "calibration", tmp_path / "r", *inputs), serial_calibration)


@pytest.fixture(scope="module")
def serial_flagging(inputs: list[str], tmp_path_factory: pytest.TempPathFactory) -> Any:
    return made_by(1, "flagging", tmp_path_factory.mktemp("serial") / "r", inputs[0])


@pytest.mark.parametrize("limit", ["", "30000"], ids=["whole", "parts"])
@pytest.mark.parametrize("ranks", [2, 3])
def test_flagging(ranks: int, limit: str, inputs: list[str], serial_flagging: Any, tmp_path: Path) -> None:
    """Also where scans are larger than the memory setting and come in parts of their baselines."""
    counts = [int(serial_flagging[f"flags{k}"].sum()) for k in range(3)]
    assert 0 < counts[0] < counts[1] < counts[2] and len(serial_flagging["versions"]) == 3
    assert_equal(made_by(ranks, "flagging", tmp_path / "r", inputs[0], *([limit] if limit else [])), serial_flagging)


@pytest.fixture(scope="module")
def multi_ms(inputs: list[str], tmp_path_factory: pytest.TempPathFactory) -> str:
    """simvla.ms by pairs of scans, joined to a multi-MS."""
    folder = tmp_path_factory.mktemp("multi")
    tb = table()
    tb.open(inputs[0])
    parts = []
    for first in (1, 3, 5):
        parts.append(str(folder / f"part{first}.ms"))
        tb.query(f"SCAN_NUMBER in [{first}, {first + 1}]").copy(parts[-1], deep=True).close()
    tb.close()
    make_multi_ms(str(folder / "joined.mms"), parts)
    return str(folder / "joined.mms")


@pytest.mark.parametrize("ranks", [2, 3, 5])
def test_multi_ms(ranks: int, inputs: list[str], multi_ms: str, serial_calibration: Any, tmp_path: Path) -> None:
    """The same rows in several MeasurementSets give what one gives."""
    assert_equal(made_by(ranks, "calibration", tmp_path / "r", multi_ms, inputs[1]), serial_calibration)


@pytest.fixture(scope="module")
def serial_parts(inputs: list[str], tmp_path_factory: pytest.TempPathFactory) -> Any:
    return made_by(1, "parts", tmp_path_factory.mktemp("serial") / "r", inputs[0])


@pytest.mark.parametrize("ranks", [2, 3, 5])
def test_parts_are_made_by_all_ranks(ranks: int, inputs: list[str], serial_parts: Any, tmp_path: Path) -> None:
    assert serial_parts["count"] == 3
    assert_equal(made_by(ranks, "parts", tmp_path / "r", inputs[0]), serial_parts)


@pytest.fixture(scope="module")
def serial_imaging(inputs: list[str], tmp_path_factory: pytest.TempPathFactory) -> Any:
    return made_by(1, "imaging", tmp_path_factory.mktemp("serial") / "r", inputs[0])


@pytest.mark.parametrize("ranks", [2, 3, 5])
def test_tclean(ranks: int, inputs: list[str], serial_imaging: Any, tmp_path: Path) -> None:
    assert_same_images(made_by(ranks, "imaging", tmp_path / "r", inputs[0]), serial_imaging)


@pytest.mark.parametrize("ranks", [2, 3, 5])
def test_tclean_of_a_multi_ms(ranks: int, multi_ms: str, serial_imaging: Any, tmp_path: Path) -> None:
    names = ["mfs", "cube"]
    assert_same_images(made_by(ranks, "imaging", tmp_path / "r", multi_ms, *names), {n: serial_imaging[n] for n in names})


def assert_same_images(made: Any, serial_imaging: Any) -> None:
    """Residuals are compared on the scale of the restored image: their own peak is what cleaning left."""
    for name, wanted in serial_imaging.items():
        scale = float(np.abs(wanted.get("image", wanted.get("image.tt0"))).max())
        for kind, values in wanted.items():
            found = made[name][kind]
            if kind.startswith(("residual", "model")):
                np.testing.assert_allclose(found, values, rtol=0, atol=RELATIVE * scale, err_msg=f"{name}.{kind}")
            else:
                assert_equal(found, values, f"{name}.{kind}")
