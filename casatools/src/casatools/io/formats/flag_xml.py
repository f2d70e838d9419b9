"""Flags of the online system: Flag.xml of a science data model, which importasdm leaves in the MeasurementSet's folder.

References
----------
ALMA/EVLA Science Data Model, tables Flag, Antenna and SpectralWindow. Times are
nanoseconds of the modified Julian date; lists are written ``1 n item item …``.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from xml.etree import ElementTree

from casatools._base.errors import DataError, PathMissingError

__all__ = ["OnlineFlag", "read_online_flags"]


@dataclass(frozen=True)
class OnlineFlag:
    """One row of Flag.xml.

    Attributes
    ----------
    id, reason : str
    start_s, end_s : float [s]
        Modified Julian date.
    antennas, spectral_windows : tuple of str
        Names; empty means all.
    polarizations : tuple of str
        Receptors such as R, L, X, Y; empty means all.
    counted : bool
        True for rows of the newer kind, that say how many antennas they hold.
    """

    id: str
    reason: str
    start_s: float
    end_s: float
    antennas: tuple[str, ...]
    spectral_windows: tuple[str, ...] = ()
    polarizations: tuple[str, ...] = ()
    counted: bool = True


def _rows(folder: str, name: str) -> list[dict[str, str]]:
    path = os.path.join(folder, name)
    if not os.path.isfile(path):
        raise PathMissingError(f"there is no {name} in {folder!r}; importasdm copies it there from the science data model")
    try:
        root = ElementTree.parse(path).getroot()
    except ElementTree.ParseError as error:
        raise DataError(f"{path!r} cannot be read: {error}") from error
    return [{field.tag: (field.text or "").strip() for field in row} for row in root.iter("row")]


def _items(text: str) -> list[str]:
    """Items of ``1 n item item …``, or the one item of the older kind."""
    words = text.split()
    return words[2:] if len(words) > 1 and words[0] == "1" and words[1].isdigit() else words


def read_online_flags(folder: str) -> list[OnlineFlag]:
    """Read Flag.xml with the names that Antenna.xml and SpectralWindow.xml give.

    Parameters
    ----------
    folder : str
        A MeasurementSet or a science data model.

    Returns
    -------
    list of OnlineFlag

    Raises
    ------
    PathMissingError
        A file is missing.
    DataError
        A file or a row cannot be read.
    """
    rows = _rows(folder, "Flag.xml")
    antennas = {r.get("antennaId", ""): r.get("name", "") for r in _rows(folder, "Antenna.xml")}
    wanted = any("spectralWindowId" in r for r in rows)
    windows = {r.get("spectralWindowId", ""): r.get("name", "") for r in _rows(folder, "SpectralWindow.xml")} if wanted else {}
    found = []
    for row in rows:
        try:
            found.append(
                OnlineFlag(
                    row["flagId"], row.get("reason", ""), int(row["startTime"]) * 1e-9, int(row["endTime"]) * 1e-9,
                    tuple(antennas[k] for k in _items(row.get("antennaId", ""))),
                    tuple(windows[k] for k in _items(row.get("spectralWindowId", ""))),
                    tuple(_items(row.get("polarizationType", ""))),
                    "numAntenna" in row,
                )
            )  # fmt: skip
        except (KeyError, ValueError) as error:
            raise DataError(f"Flag.xml of {folder!r}: the row {row.get('flagId', '?')!r} cannot be read: {error}") from error
    return found
