"""vishead: list, read and change header values of a MeasurementSet."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from casatasks._params import Vis
from casatasks._task import task
from casatools._base import kinds, log
from casatools._base.errors import DataError, ParameterError
from casatools.information.headers import HEADER_KEYS, Selection, list_observation, read_header, write_header

__all__ = ["vishead"]

_LISTED = [
    "telescope",
    "observer",
    "project",
    "field",
    "freq_group_name",
    "spw_name",
    "schedule",
    "schedule_type",
    "release_date",
]


@task(group="information")
def vishead(
    vis: Vis = "",
    mode: Annotated[Literal["list", "summary", "get", "put", ""], "What to do"] = "summary",
    listitems: Annotated[list[str], kinds.TextList(drop_empty=True), "Items to list; none means all"] = _LISTED,
    hdkey: Annotated[str, kinds.Text(), "Item to get or put"] = "",
    hdindex: Annotated[str, kinds.Text(numbers=True), "Row of the item; '' is all rows"] = "",
    hdvalue: Annotated[Any, kinds.Variant(), "New value"] = "",
) -> Any:
    """List, read and change header values (telescope, observer, field names, ...).

    Returns
    -------
    dict, tuple or None
        ``list``: ``{item: (value, keywords)}``; ``get``: ``(value, keywords)``; ``put`` and ``summary``: None.

    Raises
    ------
    ParameterError
        There is no such item or row, or the value does not fit.
    """
    if mode == "summary":
        list_observation(vis, Selection(), verbose=False)
        return None
    if mode in ("get", "put") and hdkey.lower() not in HEADER_KEYS:
        raise ParameterError(f"vishead: parameter 'hdkey' must be one of {', '.join(HEADER_KEYS)}; got {hdkey!r}")
    if mode == "get":
        return read_header(vis, hdkey, hdindex)
    if mode == "put":
        write_header(vis, hdkey, hdindex, hdvalue)
        return None
    unknown = [k for k in listitems if k not in HEADER_KEYS]
    if unknown:
        raise ParameterError(f"vishead: parameter 'listitems' must be out of {', '.join(HEADER_KEYS)}; got {unknown[0]!r}")
    out: dict[str, Any] = {}
    for key in listitems or HEADER_KEYS:
        try:
            out[key] = read_header(vis, key)
        except DataError as error:
            log.post(f"{key}: {error}", "WARN")
            continue
        log.post(f"{key}: {out[key][0]}")
    return out
