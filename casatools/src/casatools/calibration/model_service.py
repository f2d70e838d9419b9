"""Client of the service that hands out calibrator models of the VLA.

References
----------
What CASA 6.7's getcalmodvla asks of a server of our own, and what it makes of the replies: a component list as a JSON object, such as
``componentlist.torecord`` gives. The real service could not be reached when this was written.
"""

from __future__ import annotations

import datetime
import json
import re
import urllib.parse
from dataclasses import dataclass
from typing import Any

from casatools._base.constants import MJD_ORDINAL
from casatools._base.errors import DataError, ParameterError
from casatools._base.paths import require_absent, require_writable_parent
from casatools._base.web import ask
from casatools.components.component_list import ComponentList
from casatools.frames.epochs import parse_epoch

__all__ = ["ModelRequest", "fetch_model"]

_BANDS = ("P", "L", "S", "C", "X", "U", "K", "A", "Q")
_TIMEOUT_S = 30.0


@dataclass(frozen=True)
class ModelRequest:
    """What is asked for; see the task getcalmodvla.

    Raises
    ------
    ParameterError
        The band or a date cannot be used, or not exactly one of source and direction is given.
    """

    source: str
    direction: str
    band: str
    obsdate: Any = 0
    refdate: Any = 0

    def __post_init__(self) -> None:
        if bool(self.source.strip()) == bool(self.direction.strip()):
            raise ParameterError("getcalmodvla: give either 'source' or 'direction', the calibrator whose model is wanted")
        if self.band.upper() not in _BANDS:
            raise ParameterError(f"getcalmodvla: parameter 'band' must be one of {', '.join(_BANDS)}; got {self.band!r}")
        for name in ("obsdate", "refdate"):
            _whole_day(getattr(self, name), name)

    @property
    def query(self) -> dict[str, object]:
        """The request as the service takes it: dates are whole days (MJD), 0 where none is given."""
        place = {"source": self.source.strip().upper()} if self.source.strip() else {"position": self.direction}
        day = _whole_day(self.obsdate, "obsdate")
        asked: dict[str, object] = {"type": "setjy", **place, "band": self.band.upper(), "obsdate": day}
        reference = _whole_day(self.refdate, "refdate")
        return asked | ({"refdate": reference} if reference else {})

    @property
    def given(self) -> dict[str, Any]:
        """The parameters that were given, by their own names."""
        names = ("source", "direction", "band", "obsdate", "refdate")
        return {n: v for n in names if (v := getattr(self, n)) not in ("", 0)}


def _whole_day(given: Any, name: str) -> int:
    """A date as MJD: a number is one already, a text is a date such as 2020-01-01."""
    if not isinstance(given, str):
        return int(given)
    if not given.strip():
        return 0
    if not re.match(r"\s*\d{4}[-/]\d{1,2}[-/]\d{1,2}", given):
        raise ParameterError(f"getcalmodvla: parameter {name!r} must be an MJD or a date such as '2020-01-01'; got {given!r}")
    return int(parse_epoch(given) // 86400)


def fetch_model(outfile: str, request: ModelRequest, hosts: list[str], overwrite: bool = False) -> None:
    """Ask the hosts in turn and write the first model that comes as a component list.

    The table's keyword ``web_service`` tells what was asked, when, and the answer.

    Raises
    ------
    ParameterError
        No output name or no usable host.
    OutputExistsError
        The output is there.
    DataError
        No host gave a model.
    """
    if not outfile.strip():
        raise ParameterError("getcalmodvla: parameter 'outfile' must be the name of the output; got ''")
    bad = [h for h in hosts if urllib.parse.urlparse(h).scheme not in ("http", "https")]
    if bad or not hosts:
        raise ParameterError(f"getcalmodvla: parameter 'hosts' must list addresses such as 'https://host/path'; got {hosts!r}")
    require_writable_parent(outfile)
    require_absent(outfile, overwrite)
    reasons = []
    for host in hosts:
        try:
            text, address = ask(host, request.query, "the service of VLA models", _TIMEOUT_S)
            record, components = _components(text, host)
        except DataError as error:
            reasons.append(str(error))
            continue
        day = datetime.date.today()
        about = {
            "hosts": list(hosts), **request.given, "run_date": day.isoformat(), "run_mjd": day.toordinal() - MJD_ORDINAL, "url": address,
            "response": record,
        }  # fmt: skip
        components.write(outfile, overwrite, {"web_service": about})
        return
    raise DataError(
        f"no calibrator model could be fetched ({'; '.join(reasons)}); give a model image to ft, or a flux density to setjy"
    )


def _components(text: str, host: str) -> tuple[dict[str, Any], ComponentList]:
    """The reply and the components in it."""
    try:
        record = json.loads(text)
        components = ComponentList.from_record(record)
    except (ValueError, TypeError, KeyError, AttributeError, DataError) as error:
        raise DataError(f"the answer of {host} is no component list ({error}): {text[:80]!r}") from error
    if not len(components):
        raise DataError(f"the answer of {host} has no components: {text[:80]!r}")
    return record, components
