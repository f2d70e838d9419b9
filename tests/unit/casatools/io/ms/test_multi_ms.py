"""Multi-MSs on disk: the parts, what they share, columns taken away."""

from __future__ import annotations

import os
import shutil

import numpy as np

from casatools.io.ms import MeasurementSet, Selection
from casatools.io.ms.multi_ms import axis_of, join_parts
from casatools.io.ms.parts import is_multi_ms, part_paths
from casatools.transform.splitting import split


def make(path: str) -> str:
    for name, scan in (("a.ms", "1,2"), ("b.ms", "4")):
        split(path, name, Selection(scan=scan), "data")
    join_parts("j.mms", ["a.ms", "b.ms"], "scan")
    return "j.mms"


def test_parts_share_the_sub_tables_and_can_be_moved(shared_input):
    path = shared_input("simvla.ms")
    joined = make(path)
    assert is_multi_ms(joined) and not is_multi_ms(path)
    assert part_paths(joined) == ["j.mms/SUBMSS/a.ms", "j.mms/SUBMSS/b.ms"] and part_paths(path + "/") == [path]
    assert axis_of(joined) == "scan" and axis_of(path) == ""
    assert os.readlink("j.mms/FIELD") == "SUBMSS/a.ms/FIELD" and os.readlink("j.mms/SUBMSS/b.ms/FIELD") == "../a.ms/FIELD"
    assert not os.path.islink("j.mms/SUBMSS/b.ms/SOURCE") and not os.path.islink("j.mms/SUBMSS/b.ms/HISTORY")
    with open("j.mms/table.info") as stream:
        text = stream.read()
    assert "  SUBMSS/b.ms\n" in text and os.getcwd() not in text
    os.mkdir("elsewhere")
    shutil.move(joined, "elsewhere/m.mms")
    with MeasurementSet("elsewhere/m.mms", writable=True) as several, MeasurementSet(path) as one:
        wanted = one.read("DATA")[np.isin(one.read("SCAN_NUMBER"), [1, 2, 4])]
        assert several.nrow == len(wanted) and len(several.metadata.fields) == 3
        # What is written through the whole is in the parts.
        several.write("FLAG", np.ones((1, 8, 4), bool), np.array([several.nrow - 1]))
        assert several.add_scratch_columns(model=True, corrected=True) == ["MODEL_DATA", "CORRECTED_DATA"]
        several.write("MODEL_DATA", np.full((1, 8, 4), 2, np.complex64), np.array([several.nrow - 1]))
    with MeasurementSet("elsewhere/m.mms/SUBMSS/b.ms") as part:
        last = np.array([part.nrow - 1])
        assert part.read("FLAG", last).all() and (part.read("MODEL_DATA", last) == 2).all()


def test_columns_are_removed_from_every_part(shared_input):
    joined = make(shared_input("simvla.ms"))
    with MeasurementSet(joined, writable=True) as ms:
        ms.add_scratch_columns(corrected=True)
        ms.remove_columns(["CORRECTED_DATA", "NOTHING"])
        assert "CORRECTED_DATA" not in ms.column_names and ms.writable
        ms.write("FLAG_ROW", np.ones(1, bool), np.array([0]))
    for part in part_paths(joined):
        with MeasurementSet(part) as ms:
            assert "CORRECTED_DATA" not in ms.column_names
