"""The plot of flag commands."""

from __future__ import annotations

from pathlib import Path

import pytest

from casatools._base.errors import ParameterError
from casatools.flagging.stored_commands import stored_from_input
from casatools.frames.epochs import parse_epoch
from casatools.plotting.flag_commands import command_bars, plot_flag_commands


def test_bars() -> None:
    stored = stored_from_input(
        [
            "antenna='1' timerange='2010/01/02/10:00:00~2010/01/02/11:00:00,2010/01/03/00:00:00' reason='a'",
            "scan='2'",
            "antenna='1' timerange='10:00:00~11:00:00'",
            "antenna='2' timerange='2010/13/02/10:00:00~2010/01/02/11:00:00'",
        ],
        "any",
    )
    bars = command_bars(stored, (5.0, 6.0))
    start = parse_epoch("2010/01/02/10:00:00")
    assert bars["1"][0] == ("a", [(start, start + 3600), (start + 14 * 3600, start + 14 * 3600)])
    assert bars["1"][1] == ("no reason", [(5.0, 6.0)]) and bars["2"] == bars["all"] == [("no reason", [(5.0, 6.0)])]


def test_a_file_is_written(shared_input, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    path = shared_input("simvla.ms")
    plot_flag_commands(path, stored_from_input(["antenna='EA01' reason='x'", "scan='1'"], "any"), "p.png")
    assert Path("p.png").read_bytes()[:4] == b"\x89PNG"
    with pytest.raises(ParameterError, match="no command"):
        plot_flag_commands(path, [], "q.png")
