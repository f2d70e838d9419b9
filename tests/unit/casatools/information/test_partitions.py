"""listpartition: the dict and the table, of a multi-MS and of a plain MeasurementSet."""

from __future__ import annotations

import os

import pytest

import casatasks
from casatools._base.errors import OutputExistsError, PathMissingError


def test_parts_are_described(shared_input):
    path = shared_input("simvla.ms")
    casatasks.partition(path, "o.mms", separationaxis="spw", numsubms=2, datacolumn="data", flagbackup=False)
    found = casatasks.listpartition("o.mms", createdict=True, listfile="l.txt")
    assert [found[k]["MS"] for k in (0, 1)] == ["o.mms.0000.ms", "o.mms.0001.ms"] and found[0]["size"].endswith("M")
    scan = found[1]["scanId"][3]
    assert scan["nrows"] == 168 and scan["spwIds"].tolist() == [1] and scan["nchans"].tolist() == [8]
    with open("l.txt") as stream:
        lines = stream.read().split("\n")
    assert lines[0] == "Sub-MS         Scan  Spw    Nchan  Nrows   Size  " and len(lines) == 14
    assert lines[7].startswith("o.mms.0001.ms  1     [1]    [8]    168     ") and lines[8].startswith(" " * 15 + "2")
    with pytest.raises(OutputExistsError):
        casatasks.listpartition("o.mms", listfile="l.txt")


def test_a_plain_one_is_one_part(shared_input):
    path = shared_input("simvla.ms")
    found = casatasks.listpartition(path, createdict=True)
    assert list(found) == [0] and found[0]["MS"] == os.path.basename(path)
    assert found[0]["scanId"][1]["spwIds"].tolist() == [0, 1]
    assert casatasks.listpartition(path) == {}
    with pytest.raises(PathMissingError):
        casatasks.listpartition("no.ms")
