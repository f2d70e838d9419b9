"""Flags of every mode against counts that CASA 6.7 gave for the same data (seeded changes to simvla.ms)."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from casacore.tables import table

from casatools._base.errors import DataError, ParameterError, SelectionError
from casatools.flagging.commands import make_command, read_commands
from casatools.flagging.run import run_commands

# Name: (command, flags set, FLAG_ROW set) as counted by the reference.
REFERENCE: dict[str, tuple[dict[str, Any], int, int]] = {
    "manual": ({"antenna": "EA04", "spw": "0:2~4"}, 6792, 36),
    "clip": ({"mode": "clip", "clipminmax": [0.0, 14.0], "correlation": "ABS_RR,LL"}, 6402, 36),
    "clip real": ({"mode": "clip", "clipminmax": [-1.0, 5.0], "correlation": "REAL_RL"}, 4285, 36),
    "clip arg": ({"mode": "clip", "clipminmax": [-1.0, 1.0], "correlation": "ARG_LL"}, 12242, 36),
    "clip inside": ({"mode": "clip", "clipminmax": [0.0, 1.0], "clipoutside": False, "correlation": "ABS_RR"}, 6260, 36),
    "clip stokes": ({"mode": "clip", "clipminmax": [0.0, 10.0], "correlation": "ABS_I"}, 7082, 36),
    "clip nothing": ({"mode": "clip"}, 3831, 36),
    "clip zeros": ({"mode": "clip", "clipzeros": True}, 3841, 36),
    "clip channels": ({"mode": "clip", "clipminmax": [0.0, 10.0], "channelavg": True, "chanbin": 2}, 8577, 36),
    "clip time": (
        {"mode": "clip", "clipminmax": [0.0, 1.0], "timeavg": True, "timebin": "60s", "correlation": "ABS_RR"}, 16558, 36,
    ),
    "quack beg": ({"mode": "quack", "quackinterval": 25.0}, 13945, 366),
    "quack endb": ({"mode": "quack", "quackinterval": 60.0, "quackmode": "endb"}, 34179, 1026),
    "quack end": ({"mode": "quack", "quackinterval": 30.0, "quackmode": "end"}, 44289, 1356),
    "quack tail": ({"mode": "quack", "quackinterval": 30.0, "quackmode": "tail"}, 44290, 1356),
    "elevation": ({"mode": "elevation", "upperlimit": 70.0}, 64512, 2016),
    "shadow": ({"mode": "shadow"}, 3831, 36),
    "extend": ({"mode": "extend", "growtime": 10.0, "growfreq": 20.0}, 29860, 36),
    "extend around": ({"mode": "extend", "growtime": 0.0, "growfreq": 0.0, "growaround": True, "extendpols": False}, 3839, 36),
    "extend near": (
        {"mode": "extend", "growtime": 0.0, "growfreq": 0.0, "flagneartime": True, "flagnearfreq": True, "extendpols": False},
        9214, 36,
    ),
    "unflag": ({"mode": "unflag", "scan": "1"}, 3202, 30),
    "tfcrop": ({"mode": "tfcrop", "field": "0"}, 4386, 36),
}  # fmt: skip


def counts(path: str) -> tuple[int, int]:
    t = table(path, ack=False)
    try:
        return int(t.getcol("FLAG").sum()), int(t.getcol("FLAG_ROW").sum())
    finally:
        t.close()


@pytest.mark.parametrize("name", REFERENCE)
def test_counts_equal_the_reference(copied: str, name: str) -> None:
    command, flags, flag_rows = REFERENCE[name]
    run_commands(copied, [make_command(command)])
    assert counts(copied) == (flags, flag_rows)


def test_list_in_one_pass(copied: str) -> None:
    lines = ["mode='manual' scan='2'", "mode='manual' antenna='EA02' spw='1'", "mode='clip' clipminmax=[0,12]", "mode='summary'"]
    reports = run_commands(copied, read_commands(lines))
    assert counts(copied) == (23118, 366)
    assert reports[0]["flagged"] == 23118.0 and reports[0]["total"] == 64512.0


def test_empty_selection_in_a_list_is_left_out(copied: str) -> None:
    run_commands(
        copied, read_commands(["scan='77'", "scan='1' reason='r1'", "scan='3' reason='r2'"], reason=["r1", ""]), skip_empty=True
    )
    assert counts(copied)[1] == 366
    with pytest.raises(SelectionError):
        run_commands(copied, read_commands(["scan='77'"]), skip_empty=True)


@pytest.mark.parametrize(
    ("command", "error"),
    [
        ({"scan": "77"}, SelectionError),
        ({"mode": "clip", "datacolumn": "CORRECTED", "clipminmax": [0, 1]}, DataError),
        ({"mode": "clip", "datacolumn": "nonsense", "clipminmax": [0, 1]}, ParameterError),
        ({"mode": "rflag", "channelavg": True, "chanbin": 0}, ParameterError),
        ({"mode": "rflag", "timedev": "nofile"}, ParameterError),
        ({"mode": "antint", "antint_ref_antenna": "nobody"}, ParameterError),
    ],
)
def test_refused_before_anything_changes(copied: str, command: dict[str, Any], error: type[Exception]) -> None:
    before = counts(copied)
    with pytest.raises(error):
        run_commands(copied, [make_command({"scan": "1"}), make_command(command)])
    assert counts(copied) == before


def test_commands_before_one_that_groups_rows_flag_the_same_rows(copied: str, tmp_path: Path) -> None:
    """Fields that take turns within a scan: the rows of their groups come in one chunk, and do not ascend."""
    one_window = str(tmp_path / "one.ms")
    with table(copied, ack=False) as t, t.query("DATA_DESC_ID == 0") as found:
        found.copy(one_window, deep=True, valuecopy=True).close()
    with table(one_window, readonly=False, ack=False) as t:
        number = np.unique(t.getcol("TIME"), return_inverse=True)[1].ravel()
        t.putcol("FIELD_ID", ((number.max() + 1 - number) % 2).astype(np.int32))
    apart = str(shutil.copytree(one_window, tmp_path / "apart.ms"))
    commands = [
        make_command(c)
        for c in (
            {"mode": "quack", "quackinterval": 25.0},
            {"mode": "manual", "antenna": "EA04"},
            {"mode": "clip", "clipminmax": [0.0, 14.0]},
            {"mode": "extend", "growtime": 30.0},
        )
    ]
    run_commands(one_window, commands)
    for command in commands:
        run_commands(apart, [command])
    with table(one_window, ack=False) as one, table(apart, ack=False) as two:
        np.testing.assert_array_equal(one.getcol("FLAG"), two.getcol("FLAG"))
        np.testing.assert_array_equal(one.getcol("FLAG_ROW"), two.getcol("FLAG_ROW"))


def test_limits_of_counts_by_field_are_those_of_whole_fields(copied: str) -> None:
    """As in the reference, which lists all of a field whose own count is within the limits, or nothing of it."""
    (every,) = run_commands(copied, [make_command({"mode": "summary", "fieldcnt": True})])
    names = [n for n in every if n not in ("name", "type")]
    least = sorted(every[n]["flagged"] for n in names)[1]
    (some,) = run_commands(copied, [make_command({"mode": "summary", "fieldcnt": True, "minabs": int(least)})])
    kept = [n for n in names if every[n]["flagged"] >= least]
    assert 0 < len(kept) < len(names) and [n for n in some if n not in ("name", "type")] == kept
    assert all(some[n] == every[n] for n in kept)
    assert list(every[kept[0]]) == sorted(every[kept[0]])  # in the reference's order


def test_an_interval_from_what_is_not_flagged_sees_the_commands_before_it(copied: str, tmp_path: Path) -> None:
    """In a list as one after the other; the reference flags nothing where quack with increments is not the first."""
    apart = str(shutil.copytree(copied, tmp_path / "apart.ms"))
    lines = ["mode='manual' timerange='<2019/05/01/05:10:00' scan='2'", "mode='quack' quackinterval=31.0 quackincrement=True"]
    run_commands(copied, read_commands(lines))
    for line in lines:
        run_commands(apart, read_commands([line]))
    assert counts(copied) == counts(apart)
    with table(copied, ack=False) as one, table(apart, ack=False) as two:
        np.testing.assert_array_equal(one.getcol("FLAG"), two.getcol("FLAG"))


def test_selected_channels_of_counts(copied: str) -> None:
    """Channels keep their numbers and count once; steps leave channels out (the reference does neither)."""
    (found,) = run_commands(copied, [make_command({"mode": "summary", "spw": "1:3~7^2;3", "spwchan": True})])
    assert list(found["spw:channel"]) == ["1:3", "1:5", "1:7"]
    with table(copied, ack=False) as t:
        flags = t.getcol("FLAG")[t.getcol("DATA_DESC_ID") == 1]
    assert found["spw:channel"]["1:5"] == {"flagged": float(flags[:, 5].sum()), "total": float(flags[:, 5].size)}
    assert found["total"] == 3 * flags[:, 5].size
