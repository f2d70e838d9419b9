"""Configuration: defaults, site file, ``~/.casa/config.py``, environment, explicit arguments; later ones win.

The files are executed Python, read once at import. A file that raises gives one warning with file, line and reason, and the
defaults stay: importing never fails. An environment variable ``CASA_<OPTION>`` (``CASA_LOGFILE``, ``CASA_DATAPATH`` with colons
between folders) overrides the files; what the ``casa`` command or a script gives overrides the environment.
"""

from __future__ import annotations

import difflib
import importlib.util
import os
import sys
import traceback
from typing import Any

__all__ = [
    "DEFAULTS",
    "INEFFECTIVE",
    "get_config",
    "load",
    "load_failure",
    "load_success",
    "notes",
    "set_value",
    "source",
    "value",
]

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
    "logjson": False,
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
    "telemetry_submit_url": None,
    "rcdir": "~/.casa",
    "rundata": "",
    "verbosity": 1,
    "quicklook": False,  # not an option of CASA: tasks draw the images they make into <image>.png
}
# Options of CASA that are taken but change nothing here, with the reason; using one is noted once in the log.
INEFFECTIVE = {
    "measures_auto_update": "measures data are only fetched by python -m casatools.data",
    "data_auto_update": "data are only fetched by python -m casatools.data",
    "measures_update_interval": "measures data are only fetched by python -m casatools.data",
    "data_update_interval": "data are only fetched by python -m casatools.data",
    "measures_site_interval": "measures data are only fetched by python -m casatools.data",
    "skipnetworkcheck": "the network is never probed",
    "casaconfig_verbose": "there is nothing to report at import",
    "verbosity": "use casalog.filter",
}
_CHOICES = {"colors": ("Neutral", "NoColor", "Linux", "LightBG")}
_PATHS = frozenset(
    {"measurespath", "startupfile", "cachedir", "logfile", "iplogfile", "telemetry_log_directory", "rcdir", "rundata"}
)
_NUMBERS = frozenset({"telemetry_log_limit", "telemetry_log_size_interval", "telemetry_submit_interval"})
_SWITCHES = {"1": True, "true": True, "yes": True, "on": True, "0": False, "false": False, "no": False, "off": False, "": False}
_values: dict[str, Any] = dict(DEFAULTS)
_sources: dict[str, str] = dict.fromkeys(DEFAULTS, "default")
_loaded = False
_success: list[str] = []
_failure: list[str] = []
# What the log is to say with its first message: nothing may open the log file at import.
notes: list[str] = []


def site_files() -> list[str]:
    """The site configuration files that would be read, first found wins."""
    named = os.environ.get("CASASITECONFIG")
    if named:
        return [named]
    found = ["/opt/casa/casasiteconfig.py", "/home/casa/casasiteconfig.py"]
    return found + [os.path.join(folder, "casasiteconfig.py") for folder in sys.path if folder]


def user_file() -> str:
    """The user's configuration file."""
    # The `casa` command names another one; its ranks and child processes follow.
    return os.environ.get("CASA_CONFIGFILE") or os.path.join(os.path.expanduser("~"), ".casa", "config.py")


def load() -> None:
    """Read the configuration once."""
    global _loaded
    if _loaded:
        return
    _loaded = True
    _settle_home()
    site = None if os.environ.get("CASA_NOSITECONFIG") else next((f for f in site_files() if _readable(f)), None)
    for path in (site, None if os.environ.get("CASA_NOCONFIG") else user_file()):
        if path and _readable(path):
            _read(path)
    _read_environment()
    if _sources["rcdir"] != "default":  # the older option for what cachedir and startupfile say
        for name, given in (("cachedir", _values["rcdir"]), ("startupfile", os.path.join(_values["rcdir"], "startup.py"))):
            if _sources[name] == "default":
                _values[name], _sources[name] = given, _sources["rcdir"]


def _settle_home() -> None:
    """Give casacore a home folder and settings files it can read.

    It gives up without ``HOME`` and warns again and again about one it cannot look into. Where ``AIPSPATH`` is that of another
    installation, it would not find the settings file of python-casacore that names the measures data.
    """
    if not os.environ.get("HOME"):
        found = os.path.expanduser("~")
        os.environ["HOME"] = found if os.path.isabs(found) else "/"
    home = os.environ["HOME"]
    hidden = os.path.isdir(home) and not os.access(home, os.X_OK)
    root = os.environ.get("AIPSPATH")
    if not hidden and root is None:
        return
    package = importlib.util.find_spec("casacore")
    for place in (package.submodule_search_locations or []) if package else []:
        if hidden or root != place:
            files = [] if hidden else [os.path.join(home, name) for name in (".casarc", os.path.join(".casa", "rc"), ".aipsrc")]
            os.environ.setdefault("CASARCFILES", ":".join([*files, os.path.join(place, ".aipsrc")]))


def load_success() -> list[str]:
    """The configuration files that were read."""
    load()
    return list(_success)


def load_failure() -> list[str]:
    """The configuration files that raised."""
    load()
    return list(_failure)


def get_config(default: bool = False) -> list[str]:
    """Lines ``option = value``, of the values in force or with `default` of the defaults."""
    load()
    return [f"{name} = {(DEFAULTS if default else _values)[name]!r}" for name in DEFAULTS]


def _readable(path: str) -> bool:
    try:
        return os.path.isfile(path) and os.access(path, os.R_OK)
    except OSError:
        return False


def _read(path: str) -> None:
    # Copies of the lists: datapath.append("/data") is a setting too.
    names: dict[str, Any] = {n: list(v) if isinstance(v, list) else v for n, v in _values.items()}
    names["__file__"] = path
    try:
        with open(path, encoding="utf-8") as stream:
            exec(compile(stream.read(), path, "exec"), names)
    except (Exception, SystemExit) as error:  # noqa: BLE001 - the user's own program may raise anything, and importing must not fail for it
        line = next((f.lineno for f in reversed(traceback.extract_tb(error.__traceback__)) if f.filename == path), None)
        line = line or getattr(error, "lineno", None)
        sys.stderr.write(f"configuration file {path}, line {line}: {type(error).__name__}: {error}; the defaults are used\n")
        _failure.append(path)
        return
    _success.append(path)
    for name in DEFAULTS:
        if name in names and (type(names[name]) is not type(_values[name]) or names[name] != _values[name]):
            _take(name, names[name], path, f"configuration file {path}")
    _name_misspelt(path, names)


def _read_environment() -> None:
    for variable in os.environ:
        name = variable[5:].lower()
        if not variable.startswith("CASA_"):
            continue
        if name not in DEFAULTS:
            near = difflib.get_close_matches(name, list(DEFAULTS), n=1, cutoff=0.8)
            if near:
                sys.stderr.write(
                    f"environment variable {variable}: there is no such option; did you mean CASA_{near[0].upper()}?\n"
                )
            continue
        text = os.environ[variable]
        default = DEFAULTS[name]
        given: Any = text
        if isinstance(default, bool):
            given = _SWITCHES.get(text.lower(), text)
        elif isinstance(default, list):
            given = [part for part in text.split(":" if name == "datapath" else ",") if part]
        elif isinstance(default, int) or name in _NUMBERS:
            try:
                given = int(text)
            except ValueError:
                given = text
        _take(name, given, f"${variable}", f"environment variable {variable}")


def _take(name: str, given: Any, origin: str, where: str) -> None:
    """Accept a value, or say why not and leave what was in force."""
    try:
        new = checked(name, given)
    except ValueError as error:
        sys.stderr.write(f"{where}: option {name} {error}; it is left at {_values[name]!r}\n")
        return
    if name in INEFFECTIVE and new != DEFAULTS[name]:
        notes.append(f"configuration option {name} has no effect here: {INEFFECTIVE[name]} ({origin})")
    _values[name], _sources[name] = new, origin


def checked(name: str, given: Any) -> Any:
    """A value of an option with paths made absolute; raise ValueError for one of a wrong kind."""
    default = DEFAULTS[name]
    if name in _CHOICES and given not in _CHOICES[name]:
        raise ValueError(f"must be one of {', '.join(_CHOICES[name])}; got {given!r}")
    if name == "measures_site" and isinstance(given, str):
        given = [given]
    if isinstance(default, list):
        if not isinstance(given, (list, tuple)) or not all(isinstance(g, (str, os.PathLike)) for g in given):
            raise ValueError(f"must be a list of texts; got {given!r}")
        return [absolute(os.fspath(g)) for g in given] if name == "datapath" else [str(g) for g in given]
    if given is None and default is None:
        return None
    if isinstance(default, bool):
        if not isinstance(given, (bool, int)) or given not in (0, 1):
            raise ValueError(f"must be True or False; got {given!r}")
        return bool(given)
    if isinstance(default, int) or name in _NUMBERS:
        if isinstance(given, bool) or not isinstance(given, (int, float)) or given < 0:
            raise ValueError(f"must be a number of at least 0; got {given!r}")
        return given
    if not isinstance(given, (str, os.PathLike)):
        raise ValueError(f"must be a text; got {given!r}")
    return absolute(os.fspath(given)) if name in _PATHS else str(given)


def absolute(path: str) -> str:
    """The path with ``~`` and relative parts resolved; "" stays."""
    return os.path.abspath(os.path.expanduser(path)) if path else ""


def _name_misspelt(path: str, names: dict[str, Any]) -> None:
    """Say which plain values of a file look like an option with another spelling; they have no effect."""
    for name, given in names.items():
        if name in DEFAULTS or name.startswith("_") or not isinstance(given, (str, int, float, list, tuple, type(None))):
            continue
        near = difflib.get_close_matches(name.lower(), list(DEFAULTS), n=1, cutoff=0.8)
        if near:
            sys.stderr.write(f"configuration file {path}: there is no option {name!r}; did you mean {near[0]!r}?\n")


def value(name: str) -> Any:
    """The value of an option; a path is absolute."""
    load()
    found = _values[name]
    return absolute(found) if name in _PATHS and isinstance(found, str) else found


def source(name: str) -> str:
    """Where the value of an option came from: ``default``, a file, ``$VARIABLE``, or ``argument``."""
    load()
    return _sources[name]


def set_value(name: str, new: Any, origin: str = "argument") -> None:
    """Override an option for this process."""
    load()
    _values[name], _sources[name] = new, origin
