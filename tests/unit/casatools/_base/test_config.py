"""Configuration files in fresh interpreters: precedence, misspellings, broken files, homes that cannot be read."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path


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
    assert options["logfile"] == ["'user.log'", user]
    assert options["colors"] == ["'Linux'", str(site)]
    assert errors == ""


def test_misspelt_option_is_named(tmp_path: Path) -> None:
    path = written(tmp_path, "logfil = 'x.log'\nmy_own = 3\n")
    assert listed(tmp_path)[1] == f"configuration file {path}: there is no option 'logfil'; did you mean 'logfile'?\n"


def test_broken_file_warns_with_line_and_reason(tmp_path: Path) -> None:
    path = written(tmp_path, "logfile = 'x.log'\nraise RuntimeError('no luck')\n")
    options, errors = listed(tmp_path)
    assert errors == f"configuration file {path}, line 2: RuntimeError: no luck; the defaults are used\n"
    assert options["logfile"] == ["''", "default"]


def test_deleted_option_and_no_home(tmp_path: Path) -> None:
    written(tmp_path, "del nogui\n")
    assert listed(tmp_path)[1] == ""
    assert listed(Path("/nonexistent"))[0]["nogui"] == ["False", "default"]
