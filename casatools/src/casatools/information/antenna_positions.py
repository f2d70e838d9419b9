"""Positions of ALMA's antennas from the observatory's service."""

from __future__ import annotations

import datetime
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from casatools._base import log
from casatools._base.errors import DataError, ParameterError
from casatools._base.paths import require_absent, staged_output
from casatools._base.web import ask
from casatools.frames.epochs import parse_epoch

__all__ = ["AlmaPositionRequest", "write_alma_positions"]

_SEARCHES = ("both_latest", "both_closest")


@dataclass(frozen=True)
class AlmaPositionRequest:
    """What is asked for.

    Attributes
    ----------
    asdm : str
        UID of the execution block, such as ``uid://A002/X10ac6bc/Xc408``.
    time_window : str
        ``start,end`` in which the positions were measured; "" is all.
    snr : float
        Least signal to noise of a position; 0 is all.
    search : str
        both_latest or both_closest: which of several positions counts.
    hosts : sequence of str
        Addresses that are tried in turn.
    """

    asdm: str
    time_window: str = ""
    snr: float = 0.0
    search: str = "both_latest"
    hosts: Sequence[str] = field(default_factory=tuple)

    def __post_init__(self) -> None:
        if not self.asdm.strip():
            raise ParameterError(
                "getantposalma: parameter 'asdm' must be the UID of an execution block, such as uid://A002/X10ac6bc/Xc408"
            )
        if not any(h.strip() for h in self.hosts):
            raise ParameterError("getantposalma: parameter 'hosts' must hold an address at least")
        if self.snr < 0:
            raise ParameterError(f"getantposalma: parameter 'snr' must not be negative; got {self.snr}")
        if self.search not in _SEARCHES:
            raise ParameterError(f"getantposalma: parameter 'search' must be one of {', '.join(_SEARCHES)}; got {self.search!r}")
        if self.time_window:
            times = self.time_window.split(",")
            if len(times) != 2:
                raise ParameterError(
                    f"getantposalma: parameter 'tw' must be two times with a comma between them; got {self.time_window!r}"
                )
            if parse_epoch(times[0].strip()) >= parse_epoch(times[1].strip()):
                raise ParameterError(f"getantposalma: parameter 'tw' = {self.time_window!r} ends before it starts")

    def query(self) -> dict[str, Any]:
        """Parameters of the request."""
        out: dict[str, Any] = {"asdm": self.asdm}
        if self.time_window:
            out["tw"] = self.time_window
        if self.snr > 0:
            out["snr"] = self.snr
        return out | {"search": self.search}


def write_alma_positions(request: AlmaPositionRequest, outfile: str, overwrite: bool = False) -> None:
    """Ask for the positions and write them as JSON: ``{"data": {antenna: [x, y, z]}, "metadata": {...}}``, ITRF metres.

    Raises
    ------
    ParameterError, OutputExistsError
        No file is named, or it exists.
    DataError
        No host answers, or not with positions; nothing is written then.
    """
    if not outfile:
        raise ParameterError("getantposalma: parameter 'outfile' must name the file to write")
    require_absent(outfile, overwrite)
    positions, address = _asked(request)
    about = {
        "caltype": "ALMA antenna positions",
        "description": "ALMA ITRF antenna positions in meters",
        "product_code": "antposalma",
        "outfile": outfile,
        "hosts": list(request.hosts),
        **request.query(),
        "successful_url": address,
        "timestamp": str(datetime.datetime.now()),
    }
    with staged_output(outfile, overwrite) as path, open(path, "w", encoding="utf-8") as file:
        json.dump({"data": positions, "metadata": about}, file)


def _asked(request: AlmaPositionRequest) -> tuple[dict[str, list[float]], str]:
    """The first good answer of a host, and its address."""
    failures = []
    for host in request.hosts:
        try:
            text, address = ask(host, request.query(), "the service of ALMA's antenna positions")
            return _positions(text, host), address
        except DataError as error:
            log.post(str(error), "WARN")
            failures.append(str(error))
    raise DataError("getantposalma: no positions were got: " + "; ".join(failures))


def _positions(text: str, host: str) -> dict[str, list[float]]:
    try:
        found = json.loads(text)
        return {str(name): [float(v) for v in place] for name, place in found.items() if _three(place)}
    except (ValueError, AttributeError, TypeError):
        raise DataError(f"the answer of {host} is not a list of antenna positions: {text[:80]!r}") from None


def _three(place: Any) -> bool:
    if len(place) != 3:
        raise ValueError("a position has three coordinates")
    return True
