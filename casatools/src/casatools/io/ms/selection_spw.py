"""Spectral window and channel expressions, and correlation expressions, which share their syntax.

``spw`` is a comma separated list of ``windows[:channels]``: windows by ID, range, name, pattern or frequency; channels by number,
range with ``^step``, frequency or velocity, separated by ``;``. Velocities are radio ones in the window's own frame.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from casatools._base import log
from casatools._base.constants import SPEED_OF_LIGHT_M_S
from casatools.io.ms.metadata import CORRELATION_NAMES, MsMetadata, SpectralWindow
from casatools.io.ms.selection_grammar import IdRange, Name, Refusal, match_names, parse_id, parse_name, shown, split_top

__all__ = ["CorrelationItem", "SpwItem", "parse_correlation", "parse_spw", "resolve_correlations", "resolve_spws"]

_M_S = {"m/s": 1.0, "km/s": 1e3}
_VELOCITY = re.compile(
    r"([<>])?\s*(-?\d+\.?\d*|-?\.\d+)\s*(k?m/s)?(?:\s*~\s*(-?\d+\.?\d*|-?\.\d+)\s*(k?m/s))?(?:\s*\^\s*(\d+\.?\d*|\.\d+)\s*(k?m/s)?)?",
    re.IGNORECASE,
)
_HZ = {"hz": 1.0, "khz": 1e3, "mhz": 1e6, "ghz": 1e9, "thz": 1e12}
_VALUE = r"(\d+\.?\d*(?:[eE][-+]?\d+)?|\.\d+)\s*([a-zA-Z/]*)"
_FREQUENCY = re.compile(r"([<>])?\s*" + _VALUE + r"(?:\s*~\s*" + _VALUE + r")?(?:\s*\^\s*" + _VALUE + r")?")
_CHANNELS = re.compile(r"(\d+)(?:\s*~\s*(\d+)(?:\s*\^\s*(\d+))?)?")
_ID_STEP = re.compile(r"(\d+)\s*~\s*(\d+)\s*\^\s*(\d+)")


@dataclass(frozen=True)
class FrequencyRange:
    """Frequencies in Hz, or radio velocities in m/s; `bound` is ``<`` or ``>`` for a one-sided one; a single frequency has equal ends; `step_hz` 0 is none."""

    low: float
    high: float
    bound: str = ""
    step_hz: float = 0.0
    velocity: bool = False

    def in_hz(self, rest_hz: float) -> FrequencyRange:
        """Radio velocities as the frequencies that they stand for at a rest frequency: v = c (1 - f/f0)."""
        if not self.velocity:
            return self
        low, high = sorted(rest_hz * (1.0 - v / SPEED_OF_LIGHT_M_S) for v in (self.low, self.high))
        bound = {"<": ">", ">": "<"}.get(self.bound, "")
        return FrequencyRange(low, high, bound, self.step_hz * rest_hz / SPEED_OF_LIGHT_M_S)


@dataclass(frozen=True)
class ChannelRange:
    """Channels first to last inclusive by step; `last` None is the last channel of the window."""

    first: int
    last: int | None
    step: int = 1


@dataclass(frozen=True)
class SpwItem:
    """Windows and the channels of each; no channels means all of them."""

    windows: tuple[IdRange | Name | FrequencyRange | tuple[int, ...], ...]
    channels: tuple[ChannelRange | FrequencyRange, ...]


@dataclass(frozen=True)
class CorrelationItem:
    """Correlation names for some windows; no windows means all."""

    windows: tuple[SpwItem, ...]
    names: tuple[str, ...]


def _frequency(text: str, refuse: Refusal) -> FrequencyRange | None:
    """``1.4GHz``, ``1400~1410MHz^2MHz``, ``>1.4GHz``; None when no unit is there."""
    if text.lower().rstrip().endswith("m/s"):
        return _velocity(text, refuse)
    found = _FREQUENCY.fullmatch(text)
    if found is None or not (found[3] or found[5]):
        return None
    units = [u.lower() for u in (found[3], found[5], found[7]) if u]
    if any(u not in _HZ for u in units):
        return None
    last = (found[5] or found[3]).lower()
    low = float(found[2]) * _HZ[(found[3] or last).lower()]
    high = float(found[4]) * _HZ[last] if found[4] else low
    step = float(found[6]) * _HZ[(found[7] or last).lower()] if found[6] else 0.0
    if high < low:
        raise refuse(f"the range {text!r} runs backwards")
    return FrequencyRange(low, high, found[1] or "", step)


def _velocity(text: str, refuse: Refusal) -> FrequencyRange:
    """``-5~10km/s``, ``-5~10km/s^1km/s``, ``3km/s``."""
    found = _VELOCITY.fullmatch(text.strip())
    last = (found[5] or found[3] or "").lower() if found is not None else ""
    if found is None or not last:
        raise refuse(f"{text!r} is not a range of velocities; write such as -5~10km/s")
    low = float(found[2]) * _M_S[(found[3] or last).lower()]
    high = float(found[4]) * _M_S[last] if found[4] else low
    if high < low:
        raise refuse(f"the range {text!r} runs backwards")
    step = float(found[6]) * _M_S[(found[7] or last).lower()] if found[6] else 0.0
    return FrequencyRange(low, high, found[1] or "", step, velocity=True)


def _rest_hz(window: SpectralWindow, metadata: MsMetadata, refuse: Refusal) -> float:
    """Rest frequency of a window's line, which velocities need.

    Raises
    ------
    SelectionError
        The SOURCE table has none for the window, or several.
    """
    lines = {float(f) for s in metadata.sources if s.spw_id in (window.id, -1) for f in s.rest_frequency_hz if f > 0}
    if len(lines) == 1:
        return lines.pop()
    held = shown([f"{f / 1e6:.6f} MHz" for f in sorted(lines)])
    raise refuse(
        f"velocities need one rest frequency for spectral window {window.id}",
        f"SOURCE has {held}; give frequencies instead" if lines else "SOURCE has none; give frequencies instead",
    )


def _parse_channels(text: str, refuse: Refusal) -> tuple[ChannelRange | FrequencyRange, ...]:
    out: list[ChannelRange | FrequencyRange] = []
    for item in split_top(text, ";"):
        frequency = _frequency(item, refuse)
        if frequency is not None and not frequency.bound:
            out.append(frequency)
        elif item == "-1":
            out.append(ChannelRange(0, None))
        elif step := re.fullmatch(r"\^\s*(\d+)", item):
            out.append(ChannelRange(0, None, max(1, int(step[1]))))
        elif found := _CHANNELS.fullmatch(item):
            first = int(found[1])
            last = int(found[2]) if found[2] else first
            if last < first:
                raise refuse(f"the channel range {item!r} runs backwards")
            out.append(ChannelRange(first, last, max(1, int(found[3] or 1))))
        else:
            raise refuse(
                f"{item!r} is not a channel, a range such as 3~20, 3~20^2 or ^2, or a frequency range such as 1412~1413MHz"
            )
    return tuple(out)


def _parse_window(item: str, refuse: Refusal) -> IdRange | Name | FrequencyRange | tuple[int, ...]:
    if found := _ID_STEP.fullmatch(item):
        return tuple(range(int(found[1]), int(found[2]) + 1, max(1, int(found[3]))))
    ids = parse_id(item, refuse)
    if ids is not None:
        return ids
    frequency = _frequency(item, refuse)
    if frequency is not None:
        return frequency
    if item[:1] in ("<", ">", "~", "^", "!", ":", "") or re.fullmatch(r"\d+[*?].*|\*\^.*", item):
        raise refuse(
            f"{item!r} is not a spectral window: give an ID, a range, a name or pattern, or a frequency range with its unit"
        )
    return parse_name(item, refuse)


def _split_colon(text: str) -> tuple[str, str | None]:
    """The part before and after the first colon outside of quotes."""
    parts = split_top(text, ":")
    return parts[0], (":".join(parts[1:]) if len(parts) > 1 else None)


@lru_cache(maxsize=4096)  # lists of many commands say the same again and again
def parse_spw(text: str, what: str = "spw") -> tuple[SpwItem, ...]:
    """Parse an spw expression; raise SelectionError where it cannot be read."""
    if not text.strip():
        return ()
    refuse = Refusal(what, text)
    out = []
    for item in split_top(text, ","):
        windows, channels = _split_colon(item)
        found = tuple(_parse_window(w, refuse) for w in split_top(windows, ";"))
        out.append(SpwItem(found, () if channels is None else _parse_channels(channels, refuse)))
    return tuple(out)


def _known(windows: tuple[SpectralWindow, ...]) -> str:
    rows = [f"{w.id} {w.name!r} ({_mean_hz(w) / 1e6:.6g} MHz, {w.nchan} channels)" for w in windows]
    return f"there are {len(windows)}: " + shown(rows)


def _mean_hz(window: SpectralWindow) -> float:
    return float(np.mean(window.chan_freq_hz)) if window.nchan else window.ref_frequency_hz


def _by_frequency(item: FrequencyRange, windows: tuple[SpectralWindow, ...]) -> list[int]:
    if item.bound == "<":
        return [w.id for w in windows if w.ref_frequency_hz < item.low]
    if item.bound == ">":
        return [w.id for w in windows if w.ref_frequency_hz > item.low]
    if item.low == item.high:
        return [w.id for w in windows if w.nchan and abs(_mean_hz(w) - item.low) < abs(w.chan_width_hz[0])]
    return [w.id for w in windows if item.low <= _mean_hz(w) <= item.high]


def _windows_of(item: SpwItem, metadata: MsMetadata, refuse: Refusal) -> list[int]:
    windows = metadata.spectral_windows
    names = [w.name for w in windows]
    out: list[int] = []
    for part in item.windows:
        if isinstance(part, Name):
            found = match_names(part, names)
            wrong = f"no name matches {part.text!r}"
        elif isinstance(part, FrequencyRange):
            each = [_by_frequency(part.in_hz(_rest_hz(w, metadata, refuse)), (w,)) for w in windows] if part.velocity else []
            found = [i for ids in each for i in ids] if part.velocity else _by_frequency(part, windows)
            wrong = "no spectral window is centred within these frequencies"
        elif isinstance(part, IdRange) and not part.listed:
            found = [w.id for w in windows if part.holds(w.id)]
            wrong = "no ID is within the bounds"
        else:
            wanted = part if isinstance(part, tuple) else range(part.low, (part.high or 0) + 1)
            # A number that is no ID may still be a name.
            found = [n if n < len(windows) else names.index(str(n)) for n in wanted if n < len(windows) or str(n) in names]
            wrong = f"there is no spectral window {wanted[0]}"  # ranges may end beyond what is there
        if not found:
            raise refuse(wrong, _known(windows))
        out += [w for w in found if w not in out]
    return out


def _channels_in(item: FrequencyRange, window: SpectralWindow) -> ChannelRange | None:
    """Channels whose centres lie strictly within a frequency range; where none does, the two that bracket it."""
    frequency = window.chan_freq_hz
    inside = np.flatnonzero((frequency > item.low) & (frequency < item.high))
    step = max(1, round(item.step_hz / abs(window.chan_width_hz[0]))) if item.step_hz and window.nchan else 1
    if len(inside):
        return ChannelRange(int(inside[0]), int(inside[-1]), step)
    if window.nchan < 2:
        covered = window.nchan and abs(frequency[0] - item.low) <= abs(window.chan_width_hz[0]) / 2
        return ChannelRange(0, 0) if covered else None
    rising = frequency if frequency[-1] > frequency[0] else frequency[::-1]
    half = abs(window.chan_width_hz[0]) / 2
    if not rising[0] - half <= item.low <= item.high <= rising[-1] + half:
        return None
    at = int(np.clip(np.searchsorted(rising, item.low + 1e-3, side="right") - 1, 0, window.nchan - 2))
    return (
        ChannelRange(at, at + 1, step)
        if rising is frequency
        else ChannelRange(window.nchan - 2 - at, window.nchan - 1 - at, step)
    )


def _within(item: ChannelRange, window: SpectralWindow) -> ChannelRange | None:
    """The range itself, or None where the window ends before it begins."""
    if item.first < window.nchan:
        return item
    log.post(
        f"Channel {item.first} and those after it do not exist in spectral window {window.id} (0~{window.nchan - 1})", "WARN"
    )
    return None


def _clamped(item: ChannelRange, window: SpectralWindow) -> tuple[int, int, int]:
    end = window.nchan - 1
    last = end if item.last is None else item.last
    if item.first > end or last > end:
        log.post(
            f"Channel {max(item.first, last)} is out of range for spectral window {window.id} (0~{end}); limited to it", "WARN"
        )
    return min(item.first, end), min(last, end), item.step


def resolve_spws(
    items: tuple[SpwItem, ...], metadata: MsMetadata, expression: str
) -> tuple[list[int], dict[int, list[tuple[int, int, int]]], set[int]]:
    """Resolve an spw expression.

    Returns
    -------
    spws : list of int
        Windows in the order given, each once.
    ranges : dict
        ``{spw: [(first, last, step), ...]}``, last inclusive, in the order given.
    whole : set of int
        Windows asked for without channels at least once.

    Raises
    ------
    SelectionError
        A window matches nothing, or no channel is left of all that is asked.

    Notes
    -----
    Ranges end at a window's last channel; one that begins beyond it takes nothing from that window, with a warning.
    """
    refuse = Refusal("spw", expression)
    windows = metadata.spectral_windows
    ranges: dict[int, list[tuple[int, int, int]]] = {}
    whole: set[int] = set()
    for item in items:
        matched = False
        for spw in _windows_of(item, metadata, refuse):
            window = windows[spw]
            if not item.channels:
                ranges.setdefault(spw, []).append((0, window.nchan - 1, 1))
                whole.add(spw)
                matched = True
                continue
            for part in item.channels:
                if isinstance(part, FrequencyRange) and part.velocity:
                    part = part.in_hz(_rest_hz(window, metadata, refuse))
                found = _channels_in(part, window) if isinstance(part, FrequencyRange) else _within(part, window)
                if found is not None:
                    ranges.setdefault(spw, []).append(_clamped(found, window))
                    matched = True
        if not matched and len(items) > 1:
            log.post(
                f"spw selection {expression!r}: item {items.index(item) + 1} of the list has no channel in its windows", "WARN"
            )
    if items and not ranges:
        raise refuse("no channel of these windows is selected", _known(windows))
    return list(ranges), ranges, whole


def parse_correlation(text: str) -> tuple[CorrelationItem, ...]:
    """Parse a correlation expression such as ``RR,LL`` or ``0:RR;1:LL``; raise SelectionError where it cannot be read."""
    if not text.strip():
        return ()
    refuse = Refusal("correlation", text)
    out = []
    for item in split_top(text, ";"):
        parts = item.split(":")
        if len(parts) > 2:
            raise refuse("a part has more than one ':'; separate spectral windows by ';' as in 0:RR;1:LL")
        names = tuple(n.strip().upper() for n in parts[-1].split(","))
        known = {c.upper() for c in CORRELATION_NAMES[1:]}
        # Parameters of calibration tables are Sol1, Sol2 and so on.
        unknown = [n for n in names if n not in known and not (n.startswith("SOL") and n[3:].isdigit())]
        if unknown:
            raise refuse(f"{unknown[0]!r} is not a correlation", "correlations are RR, RL, LR, LL, XX, XY, YX, YY, I, Q, U, V")
        out.append(CorrelationItem(parse_spw(parts[0], "correlation") if len(parts) == 2 else (), names))
    return tuple(out)


def resolve_correlations(
    items: tuple[CorrelationItem, ...], metadata: MsMetadata, expression: str
) -> tuple[list[int], dict[int, np.ndarray]]:
    """DATA_DESC_IDs that hold all correlations of an item, and ``{polarization: indices}`` in the order asked.

    Raises
    ------
    SelectionError
        No data description holds what is asked.
    """
    refuse = Refusal("correlation", expression)
    ddids: list[int] = []
    wanted: dict[int, list[int]] = {}
    for item in items:
        spws = None if not item.windows else set(resolve_spws(item.windows, metadata, expression)[0])
        matched = False
        for description in sorted(metadata.data_descriptions, key=lambda d: d.pol):
            names = [n.upper() for n in metadata.polarizations[description.pol].names]
            if (spws is not None and description.spw not in spws) or any(n not in names for n in item.names):
                continue
            matched = True
            ddids += [description.id] if description.id not in ddids else []
            chosen = wanted.setdefault(description.pol, [])
            chosen += [names.index(n) for n in dict.fromkeys(item.names) if names.index(n) not in chosen]
        if not matched:
            held = sorted({",".join(p.names) for p in metadata.polarizations})
            raise refuse(f"no data hold {', '.join(item.names)}", "there are " + " | ".join(held))
    return ddids, {pol: np.array(indices, dtype=np.int64) for pol, indices in wanted.items()}
