"""The ``casa`` command in fresh processes: options and their precedence, startup script, scripts, exit codes."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from casashell.command import exit_code


def casa(home: Path, *words: str, text: str = "", **extra: str) -> tuple[int, str, str]:
    environment = {**os.environ, "HOME": str(home), **extra}
    done = subprocess.run(
        [sys.executable, "-m", "casashell", *words],
        cwd=home,
        env=environment,
        input=text,
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout, done.stderr


def rc(home: Path, config: str, startup: str = "") -> None:
    (home / ".casa").mkdir()
    (home / ".casa" / "config.py").write_text(config)
    (home / ".casa" / "startup.py").write_text(startup)


def test_expression_and_names(tmp_path: Path) -> None:
    code, out, err = casa(
        tmp_path, "--nologfile", "-c", "print(type(tb).__name__, imtool if 'imtool' in dir() else '', qa.unit('1Jy')['value'])"
    )
    assert (code, err) == (0, "") and out.startswith("table") and out.endswith("1.0\n")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("text", "code", "told"),
    [
        ("import sys; sys.exit(7)", 7, ""),
        ("1/0", 1, "ZeroDivisionError"),
        ("exit('no data')", 1, "no data"),
        ("raise KeyboardInterrupt", 130, ""),
    ],
)
def test_exit_codes(tmp_path: Path, text: str, code: int, told: str) -> None:
    found = casa(tmp_path, "--nologfile", "-c", text)
    assert found[0] == code and told in found[2]


def test_exit_code_of_nothing() -> None:
    assert exit_code(SystemExit()) == 0


def test_script_with_arguments(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(
        "import sys, beside\nprint(sys.argv, beside.x, __file__)\nexecfile('other.py')\nprint(y, flag)\n"
    )
    (tmp_path / "beside.py").write_text("x = 5\n")
    (tmp_path / "other.py").write_text("y = 6\n")
    rc(tmp_path, "", "flag = 'started'\n")
    code, out, err = casa(tmp_path, "--nologfile", "-c", "mine.py", "--agg", "b")
    assert (code, err) == (0, "") and out == "['mine.py', '--agg', 'b'] 5 mine.py\n6 started\n"
    assert casa(tmp_path, "-c", "absent.py")[0] == 2


def test_command_line_wins_over_the_files(tmp_path: Path) -> None:
    rc(tmp_path, "logfile = 'config.log'\ntelemetry_enabled = True\ndatapath = ['/a']\n")
    show = "from casatools import config as c; import os; print(c.logfile, c.telemetry_enabled, c.datapath, c.agg, c.nologger, c.colors, os.environ.get('MPLBACKEND'))"
    plain = casa(tmp_path, "-c", show)[1]
    assert plain.startswith(f"{tmp_path}/config.log True ['/a'] False False Neutral")
    words = ("--logfile", "own.log", "--notelemetry", "--datapath", "/b:/c", "--pipeline", "--nogui", "--colors", "Linux")
    (tmp_path / "pipeline.py").write_text("print('pipeline here')\n")
    told = casa(tmp_path, *words, "-c", show, PYTHONPATH=os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")]))
    assert told[1] == f"pipeline here\n{tmp_path}/own.log False ['/b', '/c'] True True Linux Agg\n", told
    assert casa(tmp_path, "--noconfig", "-c", show)[1].startswith(" False []")
    (tmp_path / "rc").mkdir()
    (tmp_path / "rc" / "config.py").write_text("logfile = 'rc.log'\n")
    (tmp_path / "rc" / "startup.py").write_text("print('rc startup')\n")
    assert casa(tmp_path, "--rcdir", "rc", "-c", show)[1].startswith(f"rc startup\n{tmp_path}/rc.log")
    assert casa(tmp_path, "--configfile", "rc/config.py", "--nostartupfile", "-c", show)[1].startswith(f"{tmp_path}/rc.log")
    assert casa(tmp_path, "--norc", "--nologfile", "--log2term", "-c", "casalog.post('told')")[2].endswith("told\n")


def test_startup_script_that_fails_or_leaves(tmp_path: Path) -> None:
    rc(tmp_path, "", "raise ValueError('oh')\n")
    code, out, err = casa(tmp_path, "--nologfile", "-c", "print('on')")
    assert (code, out) == (0, "on\n") and "oh" in err and "the session goes on" in err


@pytest.mark.parametrize(
    ("words", "told"),
    [(["-c"], "needs a script"), (["--configfile", "no.py"], "no configuration file"), (["--colors", "Red"], "choice")],
)
def test_refusals(tmp_path: Path, words: list[str], told: str) -> None:
    code, _, err = casa(tmp_path, *words)
    assert code == 2 and told in err


def test_version_and_help(tmp_path: Path) -> None:
    assert "interface of CASA 6.7.0.31" in casa(tmp_path, "-v")[1]
    code, out, _ = casa(tmp_path, "-h")
    assert code == 0 and all(word in out for word in ("--nologfile", "--rcdir", "--pipeline", "--user-site", "--iplog"))


def test_prompt_without_ipython(tmp_path: Path) -> None:
    (tmp_path / "IPython.py").write_text("raise ModuleNotFoundError('no', name='IPython')\n")
    path = os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")])
    code, out, err = casa(tmp_path, "--nologfile", text="print(6 * 7)\n", PYTHONPATH=path)
    assert code == 0 and "42" in out and "IPython is not installed" in err


def test_prompt_of_ipython(tmp_path: Path) -> None:
    pytest.importorskip("IPython")
    typed = "inp split\nvis = 'day.ms'\ntput\ndefault\nvis\ntget\nvis\ngo\n6 * 7\nexecfile('own.py')\n%tb\nexit\n"
    (tmp_path / "own.py").write_text("\n\nsplit('night.ms', 'x.ms')\n")
    code, out, err = casa(tmp_path, "--nologfile", "--colors", "NoColor", text=typed)
    assert code == 0 and "CASA <1>: " in out and (tmp_path / ".casa" / "ipython").is_dir()
    assert "# split -- " in out and "Out[5]: ''" in out and "Out[7]: 'day.ms'" in out and "Out[9]: 42" in out
    told, _, script = (out + err).partition("Out[9]: 42")
    assert "PathMissingError: MeasurementSet 'day.ms' does not exist" in out + err  # go has run the task
    assert "Traceback" not in told and "(%tb shows where)" in err  # a sentence is enough for what was typed
    assert "own.py" in script and "Traceback" in script  # but not for a script
    assert "'day.ms'" in (tmp_path / "split.last").read_text()
