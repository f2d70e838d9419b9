"""Outlier files: what tclean's further image fields are."""

from __future__ import annotations

import ast
import os
from collections.abc import Iterator
from dataclasses import fields, replace
from typing import Any

from casatools._base.errors import ParameterError, UnsupportedError
from casatools._base.paths import require_present
from casatools.imaging.request import TcleanRequest

__all__ = ["outlier_requests"]

# What an outlier may have of its own; all else is shared with the main image.
_OWN = (
    "imagename", "imsize", "cell", "phasecenter", "startmodel", "mask", "usemask", "pbmask", "nterms", "reffreq", "deconvolver", "scales", "gridder", "wprojplanes",
)  # fmt: skip


def outlier_requests(request: TcleanRequest) -> list[TcleanRequest]:
    """The requests of the outlier fields of a run, in the order of the file.

    Raises
    ------
    PathMissingError
        There is no such file.
    ParameterError
        A line is not ``name=value``, a name is unknown, a value is bad, or two images have one name; the line is named.
    UnsupportedError
        An outlier is to differ from the main image in something that is shared.
    """
    if not request.outlierfile:
        return []
    require_present(request.outlierfile, "outlier file")
    found: list[TcleanRequest] = []
    for number, changes in _blocks(request.outlierfile):
        one = _request(request, changes, f"{request.outlierfile!r}, image of line {number}")
        if os.path.abspath(one.imagename) in {os.path.abspath(r.imagename) for r in (request, *found)}:
            raise ParameterError(
                f"outlier file {request.outlierfile!r}, line {number}: imagename={one.imagename!r} is used twice"
            )
        found.append(one)
    if not found:
        raise ParameterError(f"outlier file {request.outlierfile!r} names no image; each begins with a line imagename=...")
    return found


def _request(request: TcleanRequest, changes: dict[str, Any], where: str) -> TcleanRequest:
    if "phasecenter" not in changes:
        raise ParameterError(f"outlier file {where}: phasecenter must be given")
    for name in [n for n in changes if n not in _OWN]:
        shared = getattr(request, name)
        if str(shared) != str(changes[name]) and str([shared]) != str(changes[name]):
            raise UnsupportedError(
                f"outlier file {where}: {name}={changes[name]!r} differs from the main image's {shared!r}; outliers may have their own {', '.join(_OWN)}"
            )
        del changes[name]
    own = {"startmodel": "", "mask": "", "outlierfile": ""} | changes
    return replace(request, **own)


def _blocks(path: str) -> Iterator[tuple[int, dict[str, Any]]]:
    """Line numbers and settings of the images in a file."""
    known = {f.name for f in fields(TcleanRequest)}
    first = 0
    block: dict[str, Any] = {}
    with open(path, encoding="utf-8") as stream:
        for number, line in enumerate(stream, 1):
            text = line.split("#", 1)[0].strip()
            if not text:
                continue
            name, equals, value = (part.strip() for part in text.partition("="))
            if not equals or name not in known:
                raise ParameterError(
                    f"outlier file {path!r}, line {number}: {text!r} is not name=value with the name of a parameter of tclean"
                )
            if name == "imagename":
                if block:
                    yield first, block
                first, block = number, {}
            elif not block:
                raise ParameterError(f"outlier file {path!r}, line {number}: {text!r} comes before the first imagename=...")
            block[name] = _value(value)
    if block:
        yield first, block


def _value(text: str) -> Any:
    """A number, a list, or text with or without quotes; items of a list may be unquoted."""
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError):
        if text.startswith("[") and text.endswith("]"):
            return [_value(part.strip()) for part in text[1:-1].split(",") if part.strip()]
        return text
