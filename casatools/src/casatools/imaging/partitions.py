"""Selections of data and images shared out over processes, for imaging loops that people spread themselves.

Rows of a continuum image are cut into equal parts, channels of a cube into parts whose data are those that the channels need. Images of parts of rows are
added (`normalization.Normalization.gather`), those of parts of channels put together with imageconcat.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from casatools._base.errors import ParameterError
from casatools.imaging.channel_advice import channels_for_range, frequency_range
from casatools.io.ms import MeasurementSet, Selection

__all__ = ["CHECKED_SELECTION", "band_of", "channel_parts", "data_selection", "row_parts", "share_out", "spw_for_range"]

# A selection of the imaging tools with nothing chosen.
CHECKED_SELECTION: dict[str, Any] = {
    "msname": "", "field": "", "spw": "", "timestr": "", "uvdist": "", "antenna": "", "scan": "", "obs": "", "state": "", "taql": "",
    "datacolumn": "corrected", "freqbeg": "", "freqend": "", "freqframe": "LSRK", "outframe": "LSRK", "incrmodel": False, "readonly": True,
    "usescratch": False,
}  # fmt: skip
# Channels beyond those of an image that interpolation between them asks for.
_NEIGHBOURS = 2
_NO_DATA = "-1"
_NAMES = {
    "field": "field", "spw": "spw", "timestr": "timerange", "uvdist": "uvrange", "antenna": "antenna", "scan": "scan", "obs": "observation",
    "state": "intent", "taql": "taql_of_selected",
}  # fmt: skip


def data_selection(given: Mapping[str, Any]) -> Selection:
    """The selection that a record of an imaging tool makes: ``msname field spw timestr uvdist antenna scan obs state taql``."""
    return Selection(**{target: str(given[name]) for name, target in _NAMES.items() if given.get(name)})


def share_out(count: int, parts: int) -> list[tuple[int, int]]:
    """First items of so many parts and how many each has; the first parts have one more where they cannot be equal, empty ones are left out."""
    edges = [k * (count // parts) + min(k, count % parts) for k in range(parts + 1)]
    return [(first, last - first) for first, last in itertools.pairwise(edges) if last > first]


def row_parts(selections: Mapping[str, Mapping[str, Any]], parts: int) -> list[dict[str, dict[str, Any]]]:
    """Selections of equal numbers of rows: each record with a TaQL condition on the number of the row among those selected.

    Parameters
    ----------
    selections : dict of dict
        Records as of synthesisimager.selectdata, by name.
    parts : int

    Returns
    -------
    list of dict of dict
        A MeasurementSet with fewer rows than parts is missing in the last ones.

    Raises
    ------
    CasaError
        A MeasurementSet is not there, or its selection matches nothing.
    """
    found: list[dict[str, dict[str, Any]]] = [{} for _ in range(parts)]
    for name, given in selections.items():
        with MeasurementSet(str(given["msname"])) as ms:
            total = len(replace(data_selection(given), taql_of_selected="").resolve(ms).rows)
        # As many rows as the reference gives each part, unless that leaves the last without any.
        step = total // parts + 1
        if (parts - 1) * step >= total:
            step = -(-total // parts)
        before = f"({given['taql']}) && " if given.get("taql") else ""
        for number, first in enumerate(range(0, total, step)):
            condition = f"ROWNUMBER() >= {first + 1} && ROWNUMBER() <= {min(first + step, total)}"
            found[number][name] = {**given, "taql": before + condition}
    return [part for part in found if part]


def spw_for_range(given: Mapping[str, Any], low_hz: float, high_hz: float, frame: str, more: int = 0) -> str:
    """The spw expression of the selected channels that a range of frequencies needs, ``-1`` when there are none.

    Parameters
    ----------
    given : dict
        A record as of synthesisimager.selectdata.
    low_hz, high_hz : float [Hz]
    frame : str
        Of the frequencies; the data's while they were taken count.
    more : int
        Channels that are taken on each side beside these.
    """
    path = str(given["msname"])
    needed: dict[int, set[int]] = {}
    with MeasurementSet(path) as ms:
        chosen = replace(data_selection(given), taql_of_selected="").resolve(ms)
        fields = [int(f) for f in np.unique(ms.read("FIELD_ID", chosen.rows))]
        for field_id in fields:
            for spw, first, count in channels_for_range(path, field_id, low_hz, high_hz, frame):
                if spw in chosen.spws:
                    needed.setdefault(spw, set()).update(range(first - more, first + count + more))
        parts = []
        for spw, channels in sorted(needed.items()):
            kept = chosen.channels.get(spw)
            there = np.arange(ms.metadata.spectral_windows[spw].nchan) if kept is None else np.sort(np.asarray(kept))
            inside = there[np.isin(there, sorted(channels))]
            runs = np.split(inside, np.flatnonzero(np.diff(inside) != 1) + 1) if len(inside) else []
            parts += [f"{spw}:{run[0]}~{run[-1]}" for run in runs]
    return ",".join(parts) or _NO_DATA


def channel_parts(
    selections: Mapping[str, Mapping[str, Any]], ranges: list[tuple[float, float]], frame: str, more: int = _NEIGHBOURS
) -> list[dict[str, dict[str, Any]]]:
    """Selections of the channels that ranges of frequencies [Hz] in a frame need, an item a range; spw is ``-1`` where there are none.

    Raises
    ------
    CasaError
        A MeasurementSet is not there, or its selection matches nothing.
    """
    return [
        {n: {**given, "spw": spw_for_range(given, min(edges), max(edges), frame, more)} for n, given in selections.items()}
        for edges in ranges
    ]


def band_of(selections: Mapping[str, Mapping[str, Any]], frame: str) -> tuple[float, float]:
    """Lowest and highest frequency [Hz] of all selected channels in a frame.

    Raises
    ------
    ParameterError
        There are no selections.
    """
    edges = []
    for given in selections.values():
        path = str(given["msname"])
        with MeasurementSet(path) as ms:
            chosen = replace(data_selection(given), taql_of_selected="").resolve(ms)
            fields = [int(f) for f in np.unique(ms.read("FIELD_ID", chosen.rows))]
        edges += [frequency_range(path, field_id, str(given.get("spw", "")), frame) for field_id in fields]
    if not edges:
        raise ParameterError("there are no selections of data; name them ms0, ms1, ...")
    return min(low for low, _ in edges), max(high for _, high in edges)
