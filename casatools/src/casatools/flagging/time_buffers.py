"""Time ranges of flag commands widened by a buffer."""

from __future__ import annotations

import dataclasses

from casatools._base.errors import ParameterError
from casatools.flagging.commands import FlagCommand
from casatools.frames.epochs import format_epoch, parse_epoch

__all__ = ["widen_command", "widen_times"]


def widen_times(timerange: str, buffer_s: float) -> str:
    """Widen each dated range ``a~b`` of a time selection, and make each dated time a range.

    Parameters
    ----------
    timerange : str
        Ranges or times with dates, separated by commas.
    buffer_s : float [s]
        What both ends move outwards by.

    Returns
    -------
    str

    Raises
    ------
    ParameterError
        A range has no dates, is open, or relative.
    """
    out = []
    for item in timerange.split(","):
        ends = [e.strip() for e in item.split("~")]
        if len(ends) > 2 or any(e.count("/") != 3 for e in ends):
            raise ParameterError(
                f"flagging: parameter 'tbuff' widens ranges such as 2012/04/01/10:00:00~2012/04/01/10:05:00; got timerange {item!r}"
            )
        low, high = parse_epoch(ends[0]) - buffer_s, parse_epoch(ends[-1]) + buffer_s
        out.append(f"{format_epoch(low, decimals=3)}~{format_epoch(high, decimals=3)}")
    return ",".join(out)


def widen_command(command: FlagCommand, buffer_s: float) -> FlagCommand:
    """The command with its time range widened; one without a time range stays as it is."""
    timerange = command.selection.timerange
    if not timerange.strip() or buffer_s == 0:
        return command
    selection = dataclasses.replace(command.selection, timerange=widen_times(timerange, buffer_s))
    return dataclasses.replace(command, selection=selection)
