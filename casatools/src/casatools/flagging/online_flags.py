"""Flags of the online system as flag commands."""

from __future__ import annotations

from casatools.flagging.commands import make_command, parse_line
from casatools.flagging.stored_commands import StoredCommand, wanted_reason
from casatools.frames.epochs import format_epoch
from casatools.io.formats.flag_xml import OnlineFlag, read_online_flags

__all__ = ["stored_from_xml"]

# Correlations that a receptor takes part in.
_PRODUCTS = {"R": ("RR", "RL", "LR"), "L": ("RL", "LR", "LL"), "X": ("XX", "XY", "YX"), "Y": ("XY", "YX", "YY")}


def _line(flag: OnlineFlag, buffer_s: float) -> str:
    """The command: an antenna alone means its baselines with others and with itself."""
    words = []
    if flag.antennas:
        alone = "&&*" if flag.counted and len(flag.antennas) == 1 else ""
        words.append(f"antenna='{','.join(flag.antennas)}{alone}'")
    low, high = flag.start_s - buffer_s, flag.end_s + buffer_s
    words.append(f"timerange='{format_epoch(low, decimals=3)}~{format_epoch(high, decimals=3)}'")
    if flag.spectral_windows:
        quoted = ",".join(f'"{name}"' for name in flag.spectral_windows)
        words.append(f"spw='{quoted}'")
    products = dict.fromkeys(p for receptor in flag.polarizations for p in _PRODUCTS.get(receptor, ()))
    if products:
        words.append(f"correlation='{','.join(products)}'")
    return " ".join([*words, f"reason='{flag.reason}'"])


def stored_from_xml(path: str, reason: object, buffer_s: float, antennas: str) -> list[StoredCommand]:
    """Commands of the Flag.xml in a MeasurementSet.

    Parameters
    ----------
    path : str
    reason : str or list of str
        Reasons to keep; ``any`` keeps all.
    buffer_s : float [s]
        What both ends of the time ranges move outwards by.
    antennas : str
        Names separated by commas; "" keeps the flags of all.

    Raises
    ------
    PathMissingError, DataError
    """
    names = {a.strip() for a in antennas.split(",") if a.strip()}
    found = []
    for number, flag in enumerate(read_online_flags(path)):
        if not wanted_reason(flag.reason, reason) or (names and flag.antennas and not names & set(flag.antennas)):
            continue
        line = _line(flag, buffer_s)
        low, high = flag.start_s - buffer_s, flag.end_s + buffer_s
        found.append(
            StoredCommand(
                number,
                make_command(parse_line(line), line),
                line,
                flag.reason,
                False,
                flag.id,
                0.5 * (low + high),
                high - low,
                "FLAG",
            )
        )
    return found
