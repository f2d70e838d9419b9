"""Client of the service that hands out calibrator models of the VLA.

References
----------
CASA's interface of getcalmodvla: the parameters of a request. The names in the query and the reply (taken as one JSON document) are
assumptions: the service could not be reached when this was written, so this client has not been tried against it.
"""

from __future__ import annotations

import json
import urllib.error
import urllib.parse
import urllib.request
from dataclasses import dataclass
from typing import Any

from casatools._base.errors import DataError, ParameterError
from casatools._base.paths import require_absent, require_writable_parent, staged_output

__all__ = ["ModelRequest", "fetch_model"]

_BANDS = ("P", "L", "S", "C", "X", "U", "K", "A", "Q")
_TIMEOUT_S = 30.0


@dataclass(frozen=True)
class ModelRequest:
    """What is asked for; see the task getcalmodvla.

    Raises
    ------
    ParameterError
        The band or date cannot be used, or not exactly one of source and direction is given.
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

    @property
    def query(self) -> str:
        """The request as the query part of an address."""
        given = {"source": self.source, "position": self.direction, "band": self.band.upper()}
        given |= {"obsdate": str(self.obsdate or ""), "refdate": str(self.refdate or "")}
        return urllib.parse.urlencode({k: v for k, v in given.items() if v.strip()})


def fetch_model(outfile: str, request: ModelRequest, hosts: list[str], overwrite: bool = False) -> None:
    """Ask the hosts in turn and store the first model that comes.

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
            with urllib.request.urlopen(f"{host}?{request.query}", timeout=_TIMEOUT_S) as reply:
                model = json.loads(reply.read())
        except (OSError, urllib.error.URLError, ValueError) as error:
            reasons.append(f"{host}: {error}")
            continue
        with staged_output(outfile, overwrite) as path, open(path, "w", encoding="utf-8") as file:
            json.dump(model, file)
        return
    raise DataError(
        f"no calibrator model could be fetched ({'; '.join(reasons)}); give a model image to ft, or a flux density to setjy"
    )
