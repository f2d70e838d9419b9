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
        *(
            f"mode='manual' scan='1' {name}='x'"
            for name in (
                "vis",
                "inpfile",
                "tbuff",
                "action",
                "flagbackup",
                "writeflags",
                "display",
                "savepars",
                "cmdreason",
                "outfile",
                "overwrite",
            )
        ),
    ],
)
def test_bad_lines(line: str) -> None:
    with pytest.raises(ParameterError):
        read_commands([line])


def test_missing_file() -> None:
    with pytest.raises(PathMissingError):
        read_commands("nosuchfile.txt")
