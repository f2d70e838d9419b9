"""Configuration files in fresh interpreters: precedence, misspellings, broken files, homes that cannot be read."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from casatools._base import config
from casatools._base.errors import ParameterError


def listed(home: Path, **extra: str) -> tuple[dict[str, list[str]], str]:
    run = subprocess.run(
        [sys.executable, "-m", "casatools.config"],
        capture_output=True, text=True, check=True, cwd="/", env={**os.environ, "HOME": str(home), **extra},
    )  # fmt: skip
    return {line.split()[0]: line.split()[1:] for line in run.stdout.splitlines()}, run.stderr


def written(home: Path, text: str) -> str:
    (home / ".casa").mkdir()
    (home / ".casa" / "config.py").write_text(text)
    return str(home / ".casa" / "config.py")


def test_defaults(tmp_path: Path) -> None:
    options, errors = listed(tmp_path)
    assert options["nologfile"] == ["False", "default"] and errors == ""
    assert options["telemetry_enabled"] == ["False", "default"]


def test_user_file_wins_over_site_file(tmp_path: Path) -> None:
    site = tmp_path / "site.py"
    site.write_text("logfile = 'site.log'\ncolors = 'Linux'\n")
    user = written(tmp_path, "import os\nlogfile = 'us' + 'er.log'\n")
    options, errors = listed(tmp_path, CASASITECONFIG=str(site))
    assert options["logfile"] == ["'/user.log'", user]  # relative to the folder where the process started
    assert options["colors"] == ["'Linux'", str(site)]
    assert errors == ""


def test_misspelt_option_is_named(tmp_path: Path) -> None:
    path = written(tmp_path, "logfil = 'x.log'\nmy_own = 3\n")
    assert listed(tmp_path)[1] == f"configuration file {path}: there is no option 'logfil'; did you mean 'logfile'?\n"
    (tmp_path / ".casa" / "config.py").unlink()
    told = listed(tmp_path, CASA_LOGFIL="x.log", CASA_CONFIGFILE="absent", CASA_NOCONFIG="1", CASA_SHARED="x", CASA_OTHER="1")[1]
    assert told == "environment variable CASA_LOGFIL: there is no such option; did you mean CASA_LOGFILE?\n"


def test_broken_file_warns_with_line_and_reason(tmp_path: Path) -> None:
    path = written(tmp_path, "logfile = 'x.log'\nraise RuntimeError('no luck')\n")
    options, errors = listed(tmp_path)
    assert errors == f"configuration file {path}, line 2: RuntimeError: no luck; the defaults are used\n"
    assert options["logfile"] == ["''", "default"]


def test_deleted_option_and_no_home(tmp_path: Path) -> None:
    written(tmp_path, "del nogui\n")
    assert listed(tmp_path)[1] == ""
    assert listed(Path("/nonexistent"))[0]["nogui"] == ["False", "default"]


def test_environment_wins_over_the_files(tmp_path: Path) -> None:
    written(tmp_path, "logfile = 'user.log'\nnologfile = True\n")
    extra = {"CASA_LOGFILE": str(tmp_path / "own.log"), "CASA_DATAPATH": "/a:/b", "CASA_NOLOGFILE": "no", "CASA_VERBOSITY": "2"}
    options, errors = listed(tmp_path, **extra)
    assert options["logfile"] == [repr(str(tmp_path / "own.log")), "$CASA_LOGFILE"]
    assert options["datapath"] == ["['/a',", "'/b']", "$CASA_DATAPATH"]
    assert options["nologfile"] == ["False", "$CASA_NOLOGFILE"] and options["verbosity"][0] == "2" and errors == ""


def test_values_of_a_wrong_kind_are_named_and_left_out(tmp_path: Path) -> None:
    path = written(tmp_path, "datapath = '/data'\ncolors = 'Blue'\nnogui = 'yes'\ntelemetry_log_limit = -1\nlogfile = 3\n")
    options, errors = listed(tmp_path, CASA_AGG="perhaps", CASA_CASACONFIG_VERBOSE="x")
    told = errors.splitlines()
    assert told[0] == f"configuration file {path}: option datapath must be a list of texts; got '/data'; it is left at []"
    words = ("datapath", "nogui", "colors", "telemetry_log_limit", "logfile", "agg", "casaconfig_verbose")
    assert len(told) == 7 and all(any(w in line for line in told) for w in words)
    assert options["colors"] == ["'Neutral'", "default"] and options["agg"] == ["False", "default"]


def test_list_changed_in_place_and_paths_made_absolute(tmp_path: Path) -> None:
    path = written(tmp_path, "datapath.append('~/data')\nmeasures_site = 'https://here/'\ncachedir = '~/cache'\n")
    options, _ = listed(tmp_path)
    assert options["datapath"] == [f"['{tmp_path}/data']", path]
    assert options["measures_site"] == ["['https://here/']", path] and options["cachedir"][0] == repr(f"{tmp_path}/cache")


def test_older_option_of_the_folder(tmp_path: Path) -> None:
    path = written(tmp_path, "rcdir = '~/rc'\nstartupfile = '/own.py'\n")
    options, _ = listed(tmp_path)
    assert options["cachedir"] == [repr(f"{tmp_path}/rc"), path] and options["startupfile"] == ["'/own.py'", path]


def test_option_without_effect_is_noted_with_the_first_message(tmp_path: Path) -> None:
    written(tmp_path, "measures_auto_update = True\n")
    program = """
import casatools, casatools.config as c, os
assert c.load_success() == [os.path.expanduser("~/.casa/config.py")] and c.load_failure() == []
assert c.measures_auto_update is True and "nogui = False" in c.get_config() and "measures_auto_update = False" in c.get_config(True)
try:
    c.measures_autoupdate
except AttributeError as error:
    assert "no configuration option" in str(error)
else:
    raise SystemExit(1)
assert not os.listdir(".")
log = casatools.logsink()
log.post("first")
log.post("second")
lines = open(log.logfile()).read().splitlines()
assert len(lines) == 5 and "measures_auto_update has no effect here" in lines[2] and lines[3].endswith("first"), lines
"""
    folder = tmp_path / "work"
    folder.mkdir()
    environment = {**os.environ, "HOME": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_site_file_on_the_module_path(tmp_path: Path) -> None:
    (tmp_path / "casasiteconfig.py").write_text("iplog = True\n")
    path = os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")])
    assert listed(tmp_path, PYTHONPATH=path)[0]["iplog"] == ["True", str(tmp_path / "casasiteconfig.py")]


def test_home_that_cannot_be_looked_into(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("CASARCFILES", "")
    monkeypatch.delenv("CASARCFILES")
    monkeypatch.setattr(os, "access", lambda *_: False)
    config._settle_home()
    assert os.environ["CASARCFILES"].endswith("/casacore/.aipsrc") and ":" not in os.environ["CASARCFILES"]


def test_options_set_by_a_script(monkeypatch: pytest.MonkeyPatch) -> None:
    import casatools.config as options

    config.load()
    monkeypatch.setattr(config, "_values", dict(config._values))
    monkeypatch.setattr(config, "_sources", dict(config._sources))
    options.telemetry_enabled = True
    options.datapath = ["~/data"]
    assert config.value("telemetry_enabled") is True and config.source("telemetry_enabled") == "argument"
    assert options.datapath == [os.path.expanduser("~/data")]
    with pytest.raises(ParameterError, match="configuration option nogui must be True or False; got 'yes'"):
        options.nogui = "yes"
    with pytest.raises(AttributeError, match="did you mean 'logfile'"):
        options.logfil = "x.log"


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("colors", "Mauve", "colors must be one of Neutral, .*'Mauve'"),
        ("datapath", "/one/folder", "datapath must be a list of texts; got '/one/folder'"),
        ("datapath", [3], r"datapath must be a list of texts; got \[3\]"),
        ("nogui", "maybe", "nogui must be True or False; got 'maybe'"),
        ("telemetry_log_limit", -1, "telemetry_log_limit must be a number of at least 0; got -1"),
        ("logfile", 7, "logfile must be a text; got 7"),
    ],
)
def test_wrong_values_are_refused_and_the_old_one_stays(name: str, value: object, said: str) -> None:
    from casatools import config as options

    before = config.value(name)
    with pytest.raises(ParameterError, match=said):
        setattr(options, name, value)
    assert config.value(name) == before


def test_an_option_that_there_is_not() -> None:
    import casatools.config as options

    with pytest.raises(AttributeError, match="there is no configuration option 'nothing'"):
        _ = options.nothing
