"""Packed lists of spectral lines: every value comes back, damage is told, the wheel brings the list."""

from __future__ import annotations

import time
import tomllib
import zipfile
from pathlib import Path

import numpy as np
import pytest

from casatools._base.errors import DataError
from casatools.io.line_tables import lines_at, read_lines, write_lines
from casatools.io.packed_lines import SHIPPED_LINES, PackedLines, open_packed, pack_lines

Lines = dict[str, np.ndarray]


def some_lines(count: int = 200) -> Lines:
    """Lines of a few species, nearly sorted, with equal frequencies and one far beyond the others."""
    rng = np.random.default_rng(5)
    frequency = np.sort(rng.integers(100000, 110000, count))
    frequency[3], frequency[-2] = 474580400000, frequency[-1]
    species = np.array(["CO", "SiOv=0", "H&alpha;", "ÅX"])[rng.integers(0, 4, count)]
    lines = {
        "SPECIES": species, "RECOMMENDED": rng.random(count) < 0.5, "CHEMICAL_NAME": np.char.add("Name of ", species),
        "FREQUENCY": frequency / 1e5, "QUANTUM_NUMBERS": np.array([f"{k}-{k - 1},µ" if k % 7 else "" for k in range(count)]),
    }  # fmt: skip
    for name, most in (("INTENSITY", -29.0), ("SMU2", 14454.0), ("LOGA", -20.0), ("EL", 18701.0), ("EU", 18728.0)):
        lines[name] = (np.rint(rng.random(count) * most * 1e5) / 1e5).astype(np.float32)
    lines["LINELIST"] = np.array(["CDMS", "JPL"])[rng.integers(0, 2, count)]
    return lines


@pytest.mark.parametrize("count", [0, 1, 200])
def test_all_values_come_back(tmp_path: Path, count: int) -> None:
    lines = some_lines(200)
    lines = {name: values[:count] for name, values in lines.items()}
    write_lines(str(tmp_path / "lines.tbl"), lines)
    table = read_lines(str(tmp_path / "lines.tbl"))
    pack_lines(str(tmp_path / "lines.zip"), table, "made here")
    packed = read_lines(str(tmp_path / "lines.zip"))
    assert list(packed) == list(table)
    for name, values in table.items():
        np.testing.assert_array_equal(packed[name], values)
        np.testing.assert_array_equal(packed[name], lines[name])
        assert packed[name].dtype.kind == values.dtype.kind and packed[name].dtype.itemsize >= values.dtype.itemsize
    assert open_packed(str(tmp_path / "lines.zip")).source == "made here"


def test_rows_and_texts_are_found_without_the_others(tmp_path: Path) -> None:
    lines = some_lines()
    pack_lines(str(tmp_path / "lines.zip"), lines, "")
    packed = PackedLines(str(tmp_path / "lines.zip"))
    rows = np.array([150, 3, 7])
    for name, values in lines_at(packed, rows).items():
        np.testing.assert_array_equal(values, lines[name][rows])
    for name in ("SPECIES", "QUANTUM_NUMBERS"):
        wanted = str(lines[name][7])
        np.testing.assert_array_equal(packed.matching(name, wanted.__eq__, rows), lines[name][rows] == wanted)
    assert packed.distinct("LINELIST") == ["CDMS", "JPL"]


def test_the_file_is_the_same_each_time(tmp_path: Path) -> None:
    for name in ("a.zip", "b.zip"):
        pack_lines(str(tmp_path / name), some_lines(), "")
    assert (tmp_path / "a.zip").read_bytes() == (tmp_path / "b.zip").read_bytes()


def test_what_cannot_be_packed_is_refused(tmp_path: Path) -> None:
    lines = some_lines()
    path = tmp_path / "lines.zip"
    with pytest.raises(DataError, match="column EL has numbers of more than five decimals"):
        pack_lines(str(path), lines | {"EL": lines["EL"] * 0 + np.float32(1e-6)}, "")
    with pytest.raises(DataError, match="more than one line"):
        pack_lines(str(path), lines | {"QUANTUM_NUMBERS": np.array(["1\n2"] * 200)}, "")
    assert not path.exists()


def test_damage_is_told(tmp_path: Path) -> None:
    path = tmp_path / "lines.zip"
    path.write_text("no list")
    with pytest.raises(DataError, match="no packed list of spectral lines"):
        open_packed(str(path))
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("lines.json", '{"lines": 1, "source": "", "values": {"SPECIES": ["CO"]}}')
        archive.writestr("FREQUENCY.xz", b"nothing")
    with pytest.raises(DataError, match="damaged"):
        read_lines(str(path))


def test_the_shipped_list_is_whole_and_quick() -> None:
    """Sums of all columns, taken of CASA's own table; a cold search unpacks what it needs in less than two seconds."""
    begin = time.process_time()
    packed = PackedLines(SHIPPED_LINES)
    rows = np.arange(packed.count)
    frequency = packed.numbers("FREQUENCY", rows)
    lines = lines_at(packed, np.flatnonzero((frequency >= 84) & (frequency <= 90)))
    assert len(lines["EL"]) == 3756 and time.process_time() - begin < 2.0
    sums = {name: int(np.rint(packed.numbers(name, rows).astype(float) * 1e5).astype(np.int64).sum()) for name in SUMS}
    assert sums == SUMS and packed.count == 459858


SUMS = {
    "FREQUENCY": 19033407392908,
    "INTENSITY": -181245965815,
    "SMU2": 16004245895863,
    "LOGA": -197367809509,
    "EL": 24097725554454,
    "EU": 24950801443864,
}


def test_the_wheel_names_its_data() -> None:
    """What is no Python file below src is package data, so that it is in the wheel; the installed one is what the other tests read."""
    for wheel in ("casatools", "casatasks", "casampi"):
        folder = Path(__file__).parents[4] / wheel
        data = tomllib.loads((folder / "pyproject.toml").read_text())["tool"]["setuptools"]["package-data"][wheel]
        package = folder / "src" / wheel
        named = {path for pattern in data for path in package.glob(pattern)}
        others = {
            p
            for p in package.rglob("*")
            if p.is_file() and p.suffix not in (".py", ".pyc", ".nbi", ".nbc") and "__pycache__" not in p.parts
        }
        assert others == named
