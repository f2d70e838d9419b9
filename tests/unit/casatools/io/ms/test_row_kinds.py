"""Selections found by kinds of rows and baselines, against those found row by row."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from casatools._base.errors import SelectionError
from casatools.io.ms import MeasurementSet, Selection
from casatools.io.ms.row_kinds import RowKinds, by_kind
from support.shared import unpack

SELECTIONS = [
    Selection(antenna="EA03"), Selection(antenna="1&2;!3"), Selection(scan="2~3"), Selection(spw="1:2~4"), Selection(field="0", spw="0"),
    Selection(timerange="<2019/05/01/05:10:00"), Selection(timerange="2019/05/01/04:39:00~2019/05/01/06:11:00", antenna="2,4", scan=">1"),
    Selection(intent="*PHASE*"), Selection(observation="0"), Selection(array="0", correlation="RR"), Selection(),
]  # fmt: skip


class Columns:
    """Columns of a MeasurementSet, read when asked for."""

    def __init__(self, ms: MeasurementSet) -> None:
        self.ms, self.asked = ms, set[str]()

    def __getitem__(self, name: str) -> np.ndarray:
        self.asked.add(name)
        return np.asarray(self.ms.read(name))


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return unpack("simvla.ms", tmp_path_factory.mktemp("kinds"))


def test_rows_are_those_of_selections(path: Path) -> None:
    with MeasurementSet(str(path)) as ms:
        kinds = RowKinds.of(ms, Columns(ms), SELECTIONS)
        assert kinds.nkind < ms.nrow // 10
        for selection in SELECTIONS:
            resolved, wanted = kinds.resolve(selection)
            rows = np.flatnonzero(np.isin(kinds.kind, resolved.rows) & wanted[kinds.baseline])
            whole = selection.resolve(ms)
            np.testing.assert_array_equal(rows, whole.rows, err_msg=str(selection))
            for found, expected in ((resolved.channels, whole.channels), (resolved.correlations, whole.correlations)):
                assert list(found) == list(expected)
                assert all(np.array_equal(found[k], expected[k]) for k in found)


def test_only_columns_that_matter_are_read(path: Path) -> None:
    with MeasurementSet(str(path)) as ms:
        columns = Columns(ms)
        kinds = RowKinds.of(ms, columns, [Selection(scan="1")])
        assert columns.asked == {"DATA_DESC_ID", "SCAN_NUMBER"} and kinds.nbaseline == 1
        with pytest.raises(SelectionError, match="no name matches"):
            kinds.resolve(Selection(field="nobody"))
    assert not by_kind(Selection(uvrange="<100m")) and not by_kind(Selection(feed="0")) and by_kind(Selection(antenna="1"))
