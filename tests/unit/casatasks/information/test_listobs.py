"""listobs and vishead: the listing's lines as CASA 6.7 writes them, the record, and header values."""

from __future__ import annotations

import os
from collections.abc import Callable

import numpy as np
import pytest

from casatasks import listhistory, listobs, rmtables, vishead
from casatools._base.errors import OutputExistsError, ParameterError, PathMissingError
from casatools.io.ms import MeasurementSet
from casatools.io.tables import open_table

LINES = (
    "Data records: 1058       Total elapsed time = 124.992 seconds",
    "              10:37:33.1 - 10:38:03.8     3      1 J1423-7829                 736       689.99  [1,2]  [1.92, 1.92] "
    "[CALIBRATE_DELAY#ON_SOURCE,CALIBRATE_PHASE#ON_SOURCE]",
    "  0    none J1617-7717          16:17:49.276404 -77.17.18.46749 J2000   0            322         0.00",
    "  2      ALMA_RB_03#BB_1#SW-01#CH_AVG        1   TOPO   85290.305   1812500.000   1812500.0  85290.3050        1  XX  XY  YX  YY",
    "  0    DA41  S301      12.0 m   -067.44.16.4  -22.54.54.3       1749.4592    -3372.6829        2.9906  2226265.186516 -5438432.824281 "
    "-2484137.883931",
)


@pytest.mark.shared
def test_lines_equal_the_reference(shared_input: Callable[[str], str]) -> None:
    path = shared_input("alma_small.ms")
    record = listobs(path, listunfl=True, listfile="l.txt")
    with open("l.txt", encoding="utf-8") as stream:
        written = stream.read().splitlines()
    assert [line for line in LINES if line not in written] == []
    assert len(written) == 45
    assert record["numrecords"] == 1058 and record["scan_3"]["0"]["StateId"] == 7
    with pytest.raises(OutputExistsError):
        listobs(path, listfile="l.txt")
    listobs(path, verbose=False, scan="3", listfile="l.txt", overwrite=True)


@pytest.mark.shared
def test_headers_are_read_and_changed(shared_input: Callable[[str], str]) -> None:
    path = shared_input("simvla.ms")
    assert vishead(path, mode="get", hdkey="telescope")[0].tolist() == ["VLA"]
    vishead(path, mode="put", hdkey="field", hdindex="2", hdvalue="NEW")
    assert vishead(path, mode="get", hdkey="field", hdindex="2")[0] == "NEW"
    assert sorted(vishead(path, mode="list"))[:2] == ["field", "freq_group_name"]
    assert vishead(path) is None
    for bad in ({"hdkey": "nope"}, {"hdkey": "field", "hdindex": "9"}):
        with pytest.raises(ParameterError):
            vishead(path, mode="get", **bad)
    with pytest.raises(ParameterError):
        vishead(path, mode="list", listitems=["nope"])
    with pytest.raises(ParameterError):
        vishead(path, mode="put", hdkey="field", hdvalue=["a", "b"])
    assert listhistory(path) is None  # CASA's has no result either


@pytest.mark.shared
def test_history_is_listed_with_its_own_times(shared_input: Callable[[str], str]) -> None:
    """CASA stamps the log's lines with the times of the history, so that the log runs backwards; ours say them beside the message."""
    path = shared_input("simvla.ms")
    with open_table(path + "/HISTORY", writable=True) as table:
        table.removerows(range(table.nrows()))
    assert listhistory(path) is None
    with open("casa.log", encoding="utf-8") as stream:
        assert "No entry in HISTORY" in stream.read()
    with MeasurementSet(path, writable=True) as ms:
        ms.append_history("here", ["first", "second"], "app", "")
    with open_table(path + "/HISTORY", writable=True) as table:
        table.putcol("TIME", np.array([5019908599.5, 5019908660.0]))
    listhistory(path)
    with open("casa.log", encoding="utf-8") as stream:
        written = [line.split("\t")[-1].rstrip() for line in stream]
    at = written.index("History table entries: 2")
    assert written[at + 1 : at + 3] == ["13-Dec-2017/19:03:19.5 app::here: first", "13-Dec-2017/19:04:20.0 app::here: second"]


@pytest.mark.shared
def test_tables_are_removed_and_other_things_left_alone(shared_input: Callable[[str], str]) -> None:
    path = shared_input("cal.G")
    with open("text.txt", "w", encoding="utf-8") as stream:
        stream.write("x")
    rmtables([path, "text.txt", "nothere"])
    assert not os.path.exists(path) and os.path.exists("text.txt")


def test_a_missing_path_is_refused() -> None:
    with pytest.raises(PathMissingError):
        listobs("nosuch.ms")
