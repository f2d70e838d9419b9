"""Configuration: defaults, then the site file, then ``~/.casa/config.py``; each is executed Python read once at import.

A file that raises gives one warning with file, line and reason, and the defaults stay: importing never fails.
"""

from __future__ import annotations

import os
import sys
import traceback
from typing import Any

__all__ = ["DEFAULTS", "load", "source", "value"]

DEFAULTS: dict[str, Any] = {
    "datapath": [],
    "measurespath": "~/.casa/data",
    "measures_site": ["https://iers.astron.nl/", "https://go.nrao.edu/iers/"],
    "measures_auto_update": False,  # the reference's True would open the network at import
    "data_auto_update": False,
    "measures_update_interval": 1,
    "data_update_interval": 1,
    "measures_site_interval": 2,
    "startupfile": "~/.casa/startup.py",
    "cachedir": "~/.casa",
    "logfile": "",
    "nologfile": False,
    "log2term": False,
    "nologger": False,
    "nogui": False,
    "colors": "Neutral",
    "agg": False,
    "pipeline": False,
    "iplog": False,
    "iplogfile": "",
    "user_site": False,
    "casaconfig_verbose": 1,
    "skipnetworkcheck": False,
    "telemetry_enabled": False,
    "crashreporter_enabled": False,
    "telemetry_log_directory": None,
    "telemetry_log_limit": None,
    "telemetry_log_size_interval": None,
    "telemetry_submit_interval": None,
    "rcdir": "~/.casa",
    "rundata": "",
    "verbosity": 1,
}
_values: dict[str, Any] = dict(DEFAULTS)
_sources: dict[str, str] = dict.fromkeys(DEFAULTS, "default")
_loaded = False


def site_files() -> list[str]:
    """The site configuration files that would be read, first found wins."""
    named = os.environ.get("CASASITECONFIG")
    return [named] if named else ["/opt/casa/casasiteconfig.py", "/home/casa/casasiteconfig.py"]


def user_file() -> str:
    """The user's configuration file."""
    return os.path.join(os.path.expanduser("~"), ".casa", "config.py")


def load() -> None:
    """Read the configuration files once."""
    global _loaded
    if _loaded:
        return
    _loaded = True
    site = next((f for f in site_files() if _readable(f)), None)
    for path in (site, user_file()):
        if path and _readable(path):
            _read(path)


def _readable(path: str) -> bool:
    try:
        return os.path.isfile(path) and os.access(path, os.R_OK)
    except OSError:
        return False


def _read(path: str) -> None:
    names: dict[str, Any] = dict(_values)
    names["__file__"] = path
    try:
        with open(path, encoding="utf-8") as stream:
            exec(compile(stream.read(), path, "exec"), names)
    except Exception as error:  # noqa: BLE001 - the user's own program may raise anything, and importing must not fail for it
        line = next((f.lineno for f in reversed(traceback.extract_tb(error.__traceback__)) if f.filename == path), None)
        line = line or getattr(error, "lineno", None)
        sys.stderr.write(f"configuration file {path}, line {line}: {type(error).__name__}: {error}; the defaults are used\n")
        return
    for name in DEFAULTS:
        if name in names and names[name] is not _values[name]:
            _values[name] = names[name]
            _sources[name] = path
    _name_misspelt(path, names)


def _name_misspelt(path: str, names: dict[str, Any]) -> None:
    """Say which plain values of a file look like an option with another spelling; they have no effect."""
    import difflib

    for name, given in names.items():
        if name in DEFAULTS or name.startswith("_") or not isinstance(given, (str, int, float, list, tuple, type(None))):
            continue
        near = difflib.get_close_matches(name, list(DEFAULTS), n=1, cutoff=0.8)
        if near:
            sys.stderr.write(f"configuration file {path}: there is no option {name!r}; did you mean {near[0]!r}?\n")


def value(name: str) -> Any:
    """The value of an option."""
    load()
    return _values[name]


def source(name: str) -> str:
    """Where the value of an option came from: ``default``, a file, or ``argument``."""
    load()
    return _sources[name]


def set_value(name: str, new: Any, origin: str = "argument") -> None:
    """Override an option for this process."""
    load()
    _values[name], _sources[name] = new, origin
