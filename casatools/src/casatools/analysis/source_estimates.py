"""Files of initial estimates of Gaussian sources: ``peak, x, y, major, minor, position angle[, fixed]`` on each line."""

from __future__ import annotations

import os

from casatools._base.errors import ParameterError, PathMissingError
from casatools.analysis.gaussian_sources import Source
from casatools.frames.quantities import to_unit

__all__ = ["estimate_line", "read_estimates"]


def read_estimates(path: str) -> tuple[list[Source], str]:
    """Read a file of estimates.

    Returns
    -------
    sources : list of Source
    text : str
        The file.

    Raises
    ------
    PathMissingError
        There is no such file.
    ParameterError
        A line cannot be read, or there is none.
    """
    if not os.path.isfile(path):
        raise PathMissingError(f"the file of estimates {path!r} does not exist")
    with open(path, encoding="utf-8") as stream:
        text = stream.read()
    lines = [line.strip() for line in text.splitlines()]
    sources = [_source(line) for line in lines if line and not line.startswith("#")]
    if not sources:
        raise ParameterError(f"the file of estimates {path!r} holds no estimate")
    return sources, text


def _source(line: str) -> Source:
    words = [w.strip() for w in line.split(",")]
    if len(words) not in (6, 7):
        raise ParameterError(
            f"the estimate {line!r} cannot be read; write peak, x, y, major axis, minor axis, position angle[, fixed parameters]"
        )
    fixed = words[6].lower() if len(words) == 7 else ""
    if set(fixed) - set("fxyabp"):
        raise ParameterError(f"the estimate {line!r} fixes {fixed!r}; what can be fixed is f, x, y, a, b and p")
    try:
        peak, x, y = (float(w) for w in words[:3])
    except ValueError:
        raise ParameterError(f"the estimate {line!r} must begin with three numbers: peak, x, y") from None
    major, minor, angle = (float(to_unit(w, "rad")) for w in words[3:6])
    if not major >= minor > 0:
        raise ParameterError(f"the estimate {line!r} must have a major axis not below its minor axis, both above 0")
    return Source(peak, x, y, major, minor, angle, fixed)


def estimate_line(source: Source) -> str:
    """A line of a file of estimates, without what was fixed."""
    arcsec = float(to_unit("1rad", "arcsec"))
    numbers = ", ".join(f"{v:.6g}" for v in (source.peak, source.x, source.y))
    angle = float(to_unit({"value": source.angle_rad, "unit": "rad"}, "deg"))
    return f"{numbers}, {source.major_rad * arcsec:.6g} arcsec, {source.minor_rad * arcsec:.6g} arcsec, {angle:.6g} deg"
