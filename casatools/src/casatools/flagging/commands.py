"""Flagging commands: what one line such as ``mode='quack' scan='2' quackinterval=10.0`` asks for."""

from __future__ import annotations

import ast
import os
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from casatools._base.errors import ParameterError, PathMissingError
from casatools.io.ms import Selection

__all__ = ["FlagCommand", "format_command", "make_command", "parse_line", "read_commands", "wanted_reason", "without_reason"]

SELECTION_KEYS = (
    "field",
    "spw",
    "antenna",
    "timerange",
    "correlation",
    "scan",
    "intent",
    "array",
    "uvrange",
    "observation",
    "feed",
)

# What each mode takes besides the selection, with the default of the reference interface.
_CHUNKED: dict[str, Any] = {"ntime": "scan", "combinescans": False}
_AVERAGED: dict[str, Any] = {"channelavg": False, "chanbin": 1, "timeavg": False, "timebin": "0s"}
MODE_OPTIONS: dict[str, dict[str, Any]] = {
    "manual": {"autocorr": False},
    "unflag": {},
    "clip": {"datacolumn": "DATA", "clipoutside": True, **_AVERAGED, "clipzeros": False, "clipminmax": []},
    "quack": {"quackmode": "beg", "quackinterval": 1.0, "quackincrement": False},
    "shadow": {"tolerance": 0.0, "addantenna": ""},
    "elevation": {"lowerlimit": 0.0, "upperlimit": 90.0},
    "tfcrop": {
        **_CHUNKED, "datacolumn": "DATA", "timecutoff": 4.0, "freqcutoff": 3.0, "timefit": "line", "freqfit": "poly",
        "maxnpieces": 7, "flagdimension": "freqtime", "usewindowstats": "none", "halfwin": 1, "extendflags": True, **_AVERAGED,
    },
    "rflag": {
        **_CHUNKED, "datacolumn": "DATA", "winsize": 3, "timedev": "", "freqdev": "", "timedevscale": 5.0, "freqdevscale": 5.0,
        "spectralmax": 1e6, "spectralmin": 0.0, "extendflags": True, **_AVERAGED,
    },
    "sumthreshold": {
        **_CHUNKED, "datacolumn": "DATA", "strategy": "auto", "threshold": 0.0, "timesigma": 0.0, "freqsigma": 0.0, "share": -1.0,
        "extendpols": True, **_AVERAGED,
    },
    "antint": {"antint_ref_antenna": "", "minchanfrac": 0.6, "verbose": False},
    "extend": {
        **_CHUNKED, "extendpols": True, "growtime": 50.0, "growfreq": 50.0, "growaround": False, "flagneartime": False,
        "flagnearfreq": False,
    },
    "summary": {
        "minrel": 0.0, "maxrel": 1.0, "minabs": 0, "maxabs": -1, "spwchan": False, "spwcorr": False, "basecnt": False,
        "fieldcnt": False, "name": "Summary",
    },
}  # fmt: skip
# What a call does with its commands: one of them cannot say so.
_OF_THE_TASK = (
    "vis", "inpfile", "tbuff", "action", "flagbackup", "writeflags", "display", "savepars", "cmdreason", "outfile", "overwrite",
)  # fmt: skip
_ALIASES = {"manualflag": "manual"}
_EXPRESSION_MODES = frozenset({"clip", "tfcrop", "rflag", "sumthreshold"})
_PRODUCTS = frozenset({"ALL", "RR", "RL", "LR", "LL", "XX", "XY", "YX", "YY", "I", "Q", "U", "V", "WVR"})
_EXPRESSION = re.compile(r"^\s*(?:(ABS|REAL|IMAG|ARG|NORM)[_ ])?\s*(.*?)\s*$", re.IGNORECASE)


@dataclass(frozen=True)
class FlagCommand:
    """One command, checked.

    Attributes
    ----------
    mode : str
    selection : Selection
        Which rows and channels; without the correlation of the modes that take an expression of it.
    options : dict
        The mode's own parameters, defaults filled in.
    correlation : str
        The correlations as written, without the function's name.
    function : str
        ``ABS``, ``REAL``, ``IMAG``, ``ARG`` or ``NORM`` (the square of ABS) of the visibilities in modes that look at them.
    reason, text : str
        Why, and the line it came from.
    inverse : bool
        Unflag what the command would flag.
    apply : bool
        False only computes: reports are made, flags stay.
    """

    mode: str
    selection: Selection
    options: dict[str, Any] = field(default_factory=dict)
    correlation: str = ""
    function: str = "ABS"
    reason: str = ""
    text: str = ""
    inverse: bool = False
    apply: bool = True

    @property
    def whole_rows(self) -> bool:
        """True when neither channels nor correlations are selected, so that FLAG_ROW follows."""
        return not self.selection.spw.strip() and not self.selection.correlation.strip()


def make_command(given: Mapping[str, Any], text: str = "") -> FlagCommand:
    """Check the parameters of one command and fill in defaults.

    Parameters
    ----------
    given : mapping
        Parameter names and values; names of other modes are refused.
    text : str
        The line it came from.

    Raises
    ------
    ParameterError
        The mode, a name or a value is not known.
    """
    values = dict(given)
    mode = str(values.pop("mode", "manual") or "manual")
    mode = _ALIASES.get(mode, mode)
    if mode not in MODE_OPTIONS:
        raise ParameterError(f"flagging: mode must be one of {', '.join(MODE_OPTIONS)}; got {mode!r}")
    reason = str(values.pop("reason", ""))
    apply = values.pop("apply", True)
    foreign = next((name for name in _OF_THE_TASK if name in values), "")
    if foreign:
        raise ParameterError(
            f"flagging: {foreign!r} is a parameter of a whole call, such as flagdata's, not of one command; got {values[foreign]!r}"
        )
    if "time" in values:
        values["timerange"] = values.pop("time")
    chosen = {k: str(values.pop(k)) for k in SELECTION_KEYS if k in values}
    options = dict(MODE_OPTIONS[mode])
    unknown = sorted(set(values) - set(options))
    if unknown:
        raise ParameterError(
            f"flagging: mode={mode!r} has no parameter {unknown[0]!r}; it takes {', '.join(options) or 'a selection'}"
        )
    options.update({name: _typed(mode, name, value) for name, value in values.items()})
    correlation, function = chosen.get("correlation", ""), "ABS"
    if mode in _EXPRESSION_MODES:
        matched = _EXPRESSION.match(chosen.pop("correlation", ""))
        function, correlation = ((matched.group(1) or "ABS").upper(), matched.group(2)) if matched else ("ABS", "")
        _check_products(mode, correlation)
    _check(mode, options)
    line = text or format_command({"mode": mode, **given})
    return FlagCommand(mode, Selection(**chosen), options, correlation, function, reason, line, apply=bool(apply))


def _check_products(mode: str, correlation: str) -> None:
    """Raise for what is never a correlation of visibilities, a Stokes parameter or a parameter of solutions."""
    for name in correlation.replace(" ", "").upper().split(",") if correlation else ():
        if name not in _PRODUCTS and not re.fullmatch(r"SOL[1-9]", name):
            raise ParameterError(
                f"flagging: mode={mode!r}: parameter 'correlation' must be ABS, REAL, IMAG, ARG or NORM and correlations of"
                f" {', '.join(sorted(_PRODUCTS))}, Sol1 ..., such as 'ABS_RR,LL'; got {correlation!r}"
            )


def _typed(mode: str, name: str, value: Any) -> Any:
    """A mode's own parameter in the type of its default; those that may be several things are looked at where they are used."""
    default = MODE_OPTIONS[mode][name]
    number = isinstance(value, (int, float, np.number)) and not isinstance(value, bool)
    if isinstance(default, bool):
        if isinstance(value, (bool, np.bool_)) or (number and value in (0, 1)):
            return bool(value)
        wanted = "True or False"
    elif isinstance(default, int):
        if number and float(value).is_integer():
            return int(value)
        wanted = "an int"
    elif isinstance(default, float):
        if number:
            return float(value)
        wanted = "a number"
    elif name == "clipminmax":
        if all(isinstance(v, (int, float, np.number)) for v in np.ravel(np.asarray(value, dtype=object))):
            return value
        wanted = "[min, max] or empty"
    elif name == "ntime":
        if not number or value > 0:
            return value
        wanted = "positive or 'scan'"
    elif isinstance(value, str) or name in ("timedev", "freqdev", "addantenna", "timebin"):
        return value
    else:
        wanted = "text"
    raise ParameterError(f"flagging: mode={mode!r}: parameter {name!r} must be {wanted}; got {value!r}")


def _check(mode: str, options: Mapping[str, Any]) -> None:
    allowed = {
        "quackmode": ("beg", "endb", "end", "tail"),
        "timefit": ("line", "poly"),
        "freqfit": ("line", "poly"),
        "flagdimension": ("freqtime", "timefreq", "freq", "time"),
        "usewindowstats": ("none", "sum", "std", "both"),
    }
    for name, choices in allowed.items():
        if name in options and options[name] not in choices:
            raise ParameterError(f"flagging: parameter {name!r} must be one of {', '.join(choices)}; got {options[name]!r}")
    for name in ("winsize", "chanbin"):
        if name in options and int(options[name]) < 1:
            raise ParameterError(f"flagging: parameter {name!r} must be at least 1; got {options[name]!r}")
    for name, most in (("maxnpieces", 9), ("halfwin", 3)):
        if name in options and not 1 <= int(options[name]) <= most:
            raise ParameterError(f"flagging: parameter {name!r} must be 1 to {most}; got {options[name]!r}")
    if mode == "quack" and not float(options["quackinterval"]) > 0:
        raise ParameterError(f"flagging: parameter 'quackinterval' must be positive; got {options['quackinterval']!r}")
    limits = options.get("clipminmax")
    if mode == "clip" and limits is not None and len(limits) not in (0, 2):
        raise ParameterError(f"flagging: parameter 'clipminmax' must be [min, max] or empty; got {limits!r}")


def _value(text: str) -> Any:
    lowered = text.lower()
    if lowered in ("true", "false"):
        return lowered == "true"
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return text.strip("'\"")


def parse_line(line: str) -> dict[str, Any]:
    """Read ``name=value`` pairs separated by blanks; values may be quoted strings, numbers, booleans or lists.

    Raises
    ------
    ParameterError
        The line cannot be read.
    """
    out: dict[str, Any] = {}
    text, at = line.strip(), 0
    while at < len(text):
        matched = re.compile(r"\s*,?\s*([A-Za-z_]\w*)\s*=\s*").match(text, at)
        if matched is None:
            raise ParameterError(f"flagging: the command {line!r} must be name=value pairs; cannot read {text[at:]!r}")
        at, end = matched.end(), _value_end(text, matched.end())
        out[matched.group(1)] = _value(text[at:end].strip())
        while end < len(text) and text[end] == " ":
            end += 1
        at = end
    return out


def _value_end(text: str, at: int) -> int:
    """Where the value that begins at `at` ends: the closing quote or bracket, else the next blank."""
    depth, quote, k = 0, "", at
    while k < len(text):
        c = text[k]
        if quote:
            if c == quote:
                quote = ""
        elif c in "'\"":
            quote = c
        elif c in "[{(":
            depth += 1
        elif c in "]})":
            depth -= 1
        elif c == " " and depth == 0:
            return k
        k += 1
    if quote or depth:
        raise ParameterError(f"flagging: the command {text!r} has a quote or bracket that is not closed")
    return k


def read_commands(source: Any, reason: Any = "any") -> list[FlagCommand]:
    """Commands of a file, of several files, or of a list of lines or records; comments and blank lines are left out.

    Parameters
    ----------
    source : str, list of str, or list of dict
        A name of a file, or lines. Strings without ``=`` in a list are names of files.
    reason : str or list of str
        Keep only commands with this reason; ``any`` keeps all.

    Raises
    ------
    PathMissingError, ParameterError
    """
    items: Sequence[Any] = [source] if isinstance(source, (str, dict)) else list(source)
    found: list[FlagCommand] = []
    for item in items:
        if isinstance(item, Mapping):
            found.append(make_command(item))
            continue
        for number, line in _lines(str(item)):
            try:
                values = parse_line(line)
                if values:
                    found.append(make_command(values, line))
            except ParameterError as error:
                if not os.path.isfile(str(item)):
                    raise
                raise ParameterError(f"{item}, line {number}: {error}") from error
    return [c for c in found if wanted_reason(c.reason, reason)]


def _lines(item: str) -> Iterable[tuple[int, str]]:
    if os.path.isfile(item):
        with open(item, encoding="utf-8") as stream:
            content = stream.read()
    elif "=" in item:
        content = item
    else:
        raise PathMissingError(f"the file of flag commands {item!r} does not exist")
    for number, line in enumerate(content.splitlines(), 1):
        if line.strip() and not line.strip().startswith("#"):
            yield number, line.strip()


def wanted_reason(reason: str, wanted: Any) -> bool:
    """Whether a command with this reason is among those asked for; ``any`` or nothing asks for all."""
    names = [wanted] if isinstance(wanted, str) else list(wanted)
    return not names or names == [""] or "any" in names or reason in names


def without_reason(line: str) -> str:
    """A command's line without its reason."""
    return format_command({k: v for k, v in parse_line(line).items() if k != "reason"})


def format_command(values: Mapping[str, Any]) -> str:
    """The line of a command: ``scan='1' mode='manual'``."""
    return " ".join(f"{k}={v!r}" for k, v in values.items() if not (isinstance(v, (str, list)) and len(v) == 0))
