"""The CASA region text format (CRTF): text to shapes.

Only the text is read here; `casatools.analysis.regions.shapes` turns shapes into pixels of an image.

References
----------
"CASA Region Format", CASA documentation (casadocs, image analysis), CRTF version 0.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace

from casatools._base.errors import ParameterError

__all__ = ["CrtfRegion", "parse_crtf", "parse_crtf_file"]

# Shape: least and greatest number of arguments.
_SHAPES: dict[str, tuple[int, int]] = {
    "box": (2, 2), "centerbox": (2, 2), "rotbox": (3, 3), "poly": (3, 100000), "polyline": (2, 100000), "circle": (2, 2), "annulus": (2, 2),
    "ellipse": (3, 3), "line": (2, 2), "vector": (2, 2), "text": (2, 2), "symbol": (2, 2),
}  # fmt: skip
# Shapes that only annotate a picture and never select pixels.
_ANNOTATIONS = frozenset({"line", "vector", "text", "symbol", "polyline"})
_KEYS = frozenset(
    {
        "coord", "range", "frame", "veltype", "restfreq", "corr", "label", "labelpos", "labelcolor", "labeloff", "color", "font",
        "fontsize", "fontstyle", "usetex", "symsize", "symthick", "linewidth", "linestyle",
    }
)  # fmt: skip


@dataclass(frozen=True)
class CrtfRegion:
    """One region line.

    Attributes
    ----------
    shape : str
        ``box centerbox rotbox poly circle annulus ellipse`` or an annotation.
    arguments : tuple of (tuple of str or str)
        As written: positions and sizes are pairs of quantities, angles and radii single ones.
    keys : dict of str
        Parameters in force on the line, global ones included: ``coord``, ``range`` (without brackets), ``corr``, ...
    exclude : bool
        The line begins with ``-``.
    annotation : bool
        It selects no pixels.
    line : int
        Line number, from 1.
    """

    shape: str
    arguments: tuple[tuple[str, ...] | str, ...]
    keys: dict[str, str] = field(default_factory=dict)
    exclude: bool = False
    annotation: bool = False
    line: int = 1

    def key_list(self, name: str) -> list[str]:
        """The items of a key whose value is a list, such as ``range`` or ``corr``; empty when not given."""
        text = self.keys.get(name, "").strip()
        if text.startswith("[") and text.endswith("]"):
            text = text[1:-1]
        return [item.strip() for item in text.split(",") if item.strip()]


def parse_crtf_file(path: str) -> list[CrtfRegion]:
    """Read the regions of a CRTF file.

    Raises
    ------
    ParameterError
        A line cannot be read, or the file does not begin with ``#CRTF``.
    """
    with open(path, encoding="utf-8", errors="replace") as stream:
        text = stream.read()
    if not text.lstrip().startswith("#CRTF"):
        raise ParameterError(f"{path!r} is not a CASA region text file: its first line must begin with #CRTF")
    return parse_crtf(text)


def parse_crtf(text: str) -> list[CrtfRegion]:
    """Read CRTF text: a whole file or bare region lines, as task parameters give them.

    Raises
    ------
    ParameterError
        A line cannot be read; says which and why.
    """
    defaults: dict[str, str] = {}
    found = []
    for number, raw in enumerate(text.splitlines(), start=1):
        line = raw.strip()
        if not line or line.startswith("#"):
            continue
        if re.match(r"global\b", line):
            defaults.update(_keys(line[6:], number))
            continue
        found.append(replace(_region(line, number, defaults), line=number))
    return found


def _region(line: str, number: int, defaults: dict[str, str]) -> CrtfRegion:
    match = re.match(r"\s*([+-]?)\s*(ann\s+)?([a-zA-Z]+)\s*\[", line)
    if not match or match.group(3).lower() not in _SHAPES:
        known = ", ".join(_SHAPES)
        raise ParameterError(f"region line {number} {line!r} does not begin with a shape and a bracket; shapes are {known}")
    shape = match.group(3).lower()
    end = _closing(line, match.end() - 1, number)
    arguments = tuple(_argument(a) for a in _split(line[match.end() : end]))
    least, most = _SHAPES[shape]
    if not least <= len(arguments) <= most:
        raise ParameterError(
            f"region line {number}: {shape} takes {least if least == most else f'at least {least}'} arguments; got {len(arguments)}"
        )
    keys = {**defaults, **_keys(line[end + 1 :].lstrip().lstrip(","), number)}
    return CrtfRegion(shape, arguments, keys, match.group(1) == "-", bool(match.group(2)) or shape in _ANNOTATIONS)


def _closing(line: str, start: int, number: int) -> int:
    """Index of the bracket that closes the one at `start`; quoted text is passed over."""
    depth, quote = 0, ""
    for k in range(start, len(line)):
        c = line[k]
        if quote:
            quote = "" if c == quote else quote
        elif c in "'\"":
            quote = c
        elif c == "[":
            depth += 1
        elif c == "]":
            depth -= 1
            if depth == 0:
                return k
    raise ParameterError(f"region line {number} {line!r} has a bracket that is not closed")


def _split(text: str) -> list[str]:
    """Split at commas outside brackets and quotes."""
    parts, depth, quote, start = [], 0, "", 0
    for k, c in enumerate(text):
        if quote:
            quote = "" if c == quote else quote
        elif c in "'\"":
            quote = c
        elif c == "[":
            depth += 1
        elif c == "]":
            depth -= 1
        elif c == "," and depth == 0:
            parts.append(text[start:k].strip())
            start = k + 1
    parts.append(text[start:].strip())
    return [p for p in parts if p]


def _argument(text: str) -> tuple[str, ...] | str:
    if text.startswith("["):
        return tuple(part for part in _split(text[1 : text.rindex("]")]))
    return text.strip("'\"")


def _keys(text: str, number: int) -> dict[str, str]:
    found = {}
    for part in _split(text):
        name, equals, value = part.partition("=")
        name = name.strip().lower()
        if not equals:
            raise ParameterError(f"region line {number}: {part!r} is not of the form key=value")
        if name not in _KEYS:
            raise ParameterError(f"region line {number}: there is no region key {name!r}; keys are {', '.join(sorted(_KEYS))}")
        found[name] = value.strip().strip("'\"")
    return found
