"""Tables of other arrays than the data's are refused wherever both are given; those of part of the antennas, or of others too, are not."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import casatasks
from casatools._base.errors import DataError
from casatools.calibration.same_array import match_antennas
from casatools.calibration.solve_session import edit_table
from casatools.io.caltable import CalTable
from casatools.io.ms import MeasurementSet, Selection

Input = Callable[[str], str]


def _run(task: str, vis: str, path: str) -> None:
    if task == "fluxscale":
        casatasks.fluxscale(vis, path, "out", reference="0", transfer="1")
    elif task == "smoothcal":
        casatasks.smoothcal(vis, path, "out")
    elif task == "rerefant":
        casatasks.rerefant(vis, path, "out", refant="EA03")
    elif task == "posang":
        edit_table("posang", vis, path, "out", posangcor=[0.0])
    else:
        casatasks.applycal(vis, gaintable=[path])


TASKS = ["fluxscale", "smoothcal", "rerefant", "posang", "applycal"]


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize(
    ("spoil", "match"), [("names", "other antennas"), ("places", "another array"), ("count", "antenna numbers")]
)
def test_other_arrays_are_refused(shared_input: Input, task: str, spoil: str, match: str) -> None:
    vis, path = shared_input("simvla.ms"), shared_input("cal.G")
    table = CalTable.open(path)
    antennas = table.subtables["ANTENNA"].columns
    if spoil == "names":
        antennas["NAME"] = ["X" + n for n in antennas["NAME"]]
    elif spoil == "places":
        antennas["POSITION"] = [np.array([5.1e6, 5e5, 3.8e6]) + p * 1e-6 for p in antennas["POSITION"]]
    else:
        table.subtables["ANTENNA"].columns.update({n: list(c)[:0] for n, c in antennas.items()})
        table.antenna1[:] += 20
    table.write(path, overwrite=True)
    before = _flags(vis)
    with pytest.raises(DataError, match=match):
        _run(task, vis, path)
    assert not Path("out").exists() and (_flags(vis) == before).all()


def _flags(vis: str) -> np.ndarray:
    with MeasurementSet(vis) as ms:
        return np.asarray(ms.read("FLAG"))


@pytest.mark.parametrize("task", TASKS[:3] + TASKS[4:])
def test_renumbered_antennas_are_not_refused(shared_input: Input, task: str, tmp_path: Path) -> None:
    """A table whose antennas stand in another order, and are at places that are not known."""
    vis, path = shared_input("simvla.ms"), shared_input("cal.G")
    table = CalTable.open(path)
    antennas = table.subtables["ANTENNA"].columns
    for name in ("NAME", "POSITION"):
        antennas[name] = list(antennas[name])[::-1]
    antennas["POSITION"][2] = np.zeros(3)
    table.antenna1[:] = len(antennas["NAME"]) - 1 - table.antenna1
    table.write(path, overwrite=True)
    _run(task, vis, path)
    assert "serve no data" not in (tmp_path / "casa.log").read_text()


def test_a_subset_of_the_antennas_takes_a_table_of_all(shared_input: Input, tmp_path: Path) -> None:
    """Solutions of antennas that splitting left out are counted, and serve nothing; the others are those of the antennas of their names."""
    vis, path = shared_input("simvla.ms"), shared_input("cal.G")
    casatasks.split(vis, "some.ms", antenna="4~7&", datacolumn="data")
    for task in TASKS[:3]:
        _run(task, "some.ms", path)
        casatasks.rmtables("out")
    table = CalTable.open(path)
    with MeasurementSet("some.ms") as ms:
        ids = match_antennas(ms, path, table.antenna_names, table.antenna_positions_m, table.antenna1)
    assert ids.tolist() == [-1, -1, -1, -1, 0, 1, 2, 3]
    assert f"4 of 8 antennas of {path} are not in some.ms" in (tmp_path / "casa.log").read_text()
    corrected = []
    for name in ("some.ms", vis):
        casatasks.applycal(name, gaintable=[path])
        with MeasurementSet(name) as ms:
            rows = Selection(antenna="EA05,EA06,EA07,EA08&").resolve(ms).rows
            corrected.append(np.asarray(ms.read("CORRECTED_DATA", rows)))
    np.testing.assert_array_equal(*corrected)


def test_names_of_several_antennas_are_refused(shared_input: Input) -> None:
    vis = shared_input("simvla.ms")
    with MeasurementSet(vis) as ms:
        names = [a.name for a in ms.metadata.antennas]
        ms.metadata.antennas[1].__dict__["name"] = names[0]
        with pytest.raises(DataError, match="other antennas"):
            match_antennas(ms, "x.G", names[::-1], None, range(8))
