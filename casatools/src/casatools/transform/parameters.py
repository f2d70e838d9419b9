"""Parameters of the manipulation tasks: text and lists as users write them, to the options of the pipeline."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from casatools._base.errors import ParameterError
from casatools.frames.quantities import convert_value, parse_quantity
from casatools.io.ms import Selection

__all__ = ["parse_distance_m", "parse_span", "parse_spw_list", "parse_timebin_s", "parse_widths", "selection_of"]


def parse_timebin_s(value: Any, name: str = "timebin") -> float:
    """A duration in seconds: ``"90s"``, ``"1min"``, ``"30"``, 30; 0 for none."""
    text = value.strip() if isinstance(value, str) else value
    if text in ("", "-1", "-1s", 0):
        return 0.0
    try:
        seconds = float(convert_value(*parse_quantity(text, "s"), "s"))
    except (ParameterError, ValueError) as error:
        raise ParameterError(f"parameter {name!r} must be a duration such as '30s'; got {value!r}") from error
    if seconds < 0:
        raise ParameterError(f"parameter {name!r} must not be negative; got {value!r}")
    return seconds


def parse_distance_m(value: Any, name: str = "distances") -> float:
    """A distance in metres: ``"400000km"``, ``"1AU"``, 4e8."""
    try:
        return float(convert_value(*parse_quantity(value, "m"), "m"))
    except (ParameterError, ValueError) as error:
        raise ParameterError(f"parameter {name!r} must be a distance such as '400000km'; got {value!r}") from error


def parse_widths(value: Any, name: str) -> tuple[int, ...]:
    """Channels to average: an int, a text of one, or one for each spectral window; () where nothing is averaged."""
    if isinstance(value, str):
        value = [v for v in value.replace("[", "").replace("]", "").split(",") if v.strip()]
    items = list(value) if isinstance(value, (list, tuple)) else [value]
    widths = []
    for item in items:
        try:
            number = int(item)
        except (TypeError, ValueError):
            number = 0
        if number < 1 or (not isinstance(item, str) and number != item):
            raise ParameterError(
                f"parameter {name!r} must be a number of channels of at least 1, or a list of such; got {item!r}"
            )
        widths.append(number)
    return () if all(w == 1 for w in widths) and len(widths) <= 1 else tuple(widths)


def parse_span(value: Any, name: str, allowed: Sequence[str]) -> frozenset[str]:
    """Names joined by commas, or a list of them."""
    words = value.split(",") if isinstance(value, str) else list(value)
    found = {str(w).strip().lower() for w in words} - {""}
    unknown = sorted(found - set(allowed))
    if unknown:
        raise ParameterError(f"parameter {name!r} must be made of {', '.join(allowed)}; got {unknown[0]!r}")
    return frozenset(found)


def selection_of(**expressions: Any) -> Selection:
    """A Selection from task parameters; lists are joined by commas."""
    texts = {}
    for name, value in expressions.items():
        texts[name] = ",".join(str(v) for v in value) if isinstance(value, (list, tuple)) else str(value)
    return Selection(**texts)


def parse_spw_list(value: Any) -> list[int]:
    """Spectral window numbers: a list, or text such as ``"0,2~4"``; [] and "" are all."""
    items = value.split(",") if isinstance(value, str) else list(value)
    found: list[int] = []
    for item in items:
        low, _, high = str(item).strip().partition("~")
        if not low:
            continue
        if not low.isdigit() or (high and not high.isdigit()):
            raise ParameterError(f"parameter 'spwlist' must be spectral window numbers; got {item!r}")
        found += range(int(low), int(high or low) + 1)
    return found
