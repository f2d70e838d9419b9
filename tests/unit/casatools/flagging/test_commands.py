"""Reading of flag commands."""

from __future__ import annotations

from pathlib import Path

import pytest

from casatools._base.errors import ParameterError, PathMissingError
from casatools.flagging.commands import make_command, parse_line, read_commands


def test_values_keep_their_types() -> None:
    found = parse_line("mode='clip' clipminmax=[0.0, 12] clipzeros=True antenna=EA01 timerange='10:00:00~11:00:00'")
    assert found == {
        "mode": "clip",
        "clipminmax": [0.0, 12],
        "clipzeros": True,
        "antenna": "EA01",
        "timerange": "10:00:00~11:00:00",
    }


def test_correlation_expression_is_taken_apart() -> None:
    command = make_command({"mode": "clip", "correlation": "REAL_RR,LL"})
    assert (command.function, command.correlation) == ("REAL", "RR,LL")


def test_file_with_comments_and_reasons(tmp_path: Path) -> None:
    file = tmp_path / "c.txt"
    file.write_text("# note\nscan='1' reason='a'\n\nscan='2' reason='b'\n")
    assert [c.selection.scan for c in read_commands(str(file), "b")] == ["2"]


@pytest.mark.parametrize(
    "line",
    [
        "mode='nonsense'",
        "mode='quack' growtime=1",
        "quackmode='odd' mode='quack'",
        "mode='clip' clipminmax=[1]",
        "mode='tfcrop' halfwin=4",
        "mode='tfcrop' maxnpieces=10",
        "scan='1",
        "= 3",
    ],
)
def test_bad_lines(line: str) -> None:
    with pytest.raises(ParameterError):
        read_commands([line])


@pytest.mark.parametrize(
    ("line", "wanted"),
    [
        ("mode='clip' clipzeros='maybe'", "'clipzeros' must be True or False; got 'maybe'"),
        ("mode='rflag' winsize=2.5", "'winsize' must be an int; got 2.5"),
        ("mode='quack' quackinterval='abc'", "'quackinterval' must be a number; got 'abc'"),
        ("mode='extend' growtime=True", "'growtime' must be a number; got True"),
        ("mode='clip' clipminmax=['a', 'b']", "must be \\[min, max\\] or empty"),
        ("mode='tfcrop' ntime=-3", "'ntime' must be positive or 'scan'"),
        ("mode='tfcrop' timefit=3", "'timefit' must be text; got 3"),
        ("antenna='3' action='calculate'", "'action' is one of the whole call"),
        ("antenna='3' flagbackup=False", "'flagbackup' is one of the whole call"),
    ],
)
def test_values_of_the_wrong_type_and_parameters_of_the_whole_call(line: str, wanted: str) -> None:
    with pytest.raises(ParameterError, match=wanted):
        read_commands([line])


def test_numbers_come_in_the_type_of_the_default() -> None:
    (command,) = read_commands(["mode='extend' growtime=20 extendpols=0 ntime=30"])
    assert command.options["growtime"] == 20.0 and isinstance(command.options["growtime"], float)
    assert command.options["extendpols"] is False and command.options["ntime"] == 30


def test_missing_file() -> None:
    with pytest.raises(PathMissingError):
        read_commands("nosuchfile.txt")
