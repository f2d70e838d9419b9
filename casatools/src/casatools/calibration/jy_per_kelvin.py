"""Factors from kelvin to jansky: read from a file, or asked of ALMA's service.

References
----------
CASA 6.7 gencal: the columns of the file and gains ``factor ** -1/2``, as observed in tables it wrote; of ALMA's service what it asks of a server of
our own, and which replies it understands. The service could not be reached when this was written.
"""

from __future__ import annotations

import json
import re
import time
import urllib.error
import urllib.parse
import urllib.request
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from casatools._base import log
from casatools._base.errors import DataError, ParameterError, SelectionError
from casatools._base.paths import require_present

if TYPE_CHECKING:
    from casatools.io.ms import MeasurementSet

__all__ = ["JY_PER_K_SERVICE", "ServiceOptions", "fetch_factors", "jansky_gains", "read_factors"]

JY_PER_K_SERVICE = "https://asa.alma.cl/science/jy-kelvins"
_COLUMNS = 5
_SCIENCE = "OBSERVE_TARGET#ON_SOURCE"
_RECEPTORS = {"XX": (0,), "X": (0,), "YY": (1,), "Y": (1,), "RR": (0,), "R": (0,), "LL": (1,), "L": (1,), "I": (0, 1)}


@dataclass(frozen=True)
class ServiceOptions:
    """How the service is asked: endpoint, seconds to wait for a reply, tries, seconds between tries."""

    endpoint: str = "asdm"
    timeout_s: int = 180
    retry: int = 3
    wait_s: int = 5
    address: str = ""

    def __post_init__(self) -> None:
        for name, value, least in (("timeout", self.timeout_s, 1), ("retry", self.retry, 1), ("retry_wait_time", self.wait_s, 0)):
            if value < least:
                raise ParameterError(f"gencal: parameter {name!r} must be at least {least}; got {value}")


@dataclass(frozen=True)
class Factor:
    """One factor [Jy/K]."""

    antenna: str
    spw: int
    polarization: str
    value: float


def read_factors(infile: str, vis: str) -> list[Factor]:
    """Read a file with the columns MS, Antenna, Spwid, Polarization, Factor, separated by commas, keeping the lines of one MeasurementSet.

    Raises
    ------
    PathMissingError, DataError
        The file is missing, a line cannot be read, or none is of the MeasurementSet.
    """
    require_present(infile, "file of Jy/K factors")
    name = vis.rstrip("/").rsplit("/", 1)[-1]
    found = []
    with open(infile, encoding="utf-8") as stream:
        for number, line in enumerate(stream, 1):
            words = [w.strip() for w in line.split("#", 1)[0].split(",")]
            if len(words) < _COLUMNS or words[0].upper() == "MS":
                if any(words) and words[0].upper() != "MS":
                    raise DataError(
                        f"gencal: {infile!r}, line {number}: expected MS, Antenna, Spwid, Polarization, Factor; got {line!r}"
                    )
                continue
            if words[0].rstrip("/").rsplit("/", 1)[-1] == name:
                found.append(_factor(words, f"{infile!r}, line {number}"))
    if not found:
        raise DataError(f"gencal: {infile!r} has no factors for {name!r}")
    return found


def _factor(words: list[str], where: str) -> Factor:
    try:
        factor = Factor(words[1], int(words[2]), words[3].upper(), float(words[4]))
    except ValueError as error:
        raise DataError(f"gencal: {where}: {error}") from error
    if factor.polarization not in _RECEPTORS or not factor.value > 0:
        raise DataError(
            f"gencal: {where}: polarization must be one of {', '.join(_RECEPTORS)} and the factor positive; got {', '.join(words[3:5])}"
        )
    return factor


def jansky_gains(ms: MeasurementSet, factors: list[Factor]) -> np.ndarray:
    """Gains (spw, ant, 2), ``factor ** -1/2``; one where there is no factor.

    Raises
    ------
    DataError
        A factor is for an antenna or a spectral window that the MeasurementSet does not have.
    """
    names = [a.name for a in ms.metadata.antennas]
    nspw = len(ms.metadata.spectral_windows)
    out = np.ones((nspw, len(names), 2))
    for f in factors:
        if f.antenna not in names or not 0 <= f.spw < nspw:
            raise DataError(f"gencal: a Jy/K factor is for antenna {f.antenna!r}, spw {f.spw}, which {ms.path!r} does not have")
        out[f.spw, names.index(f.antenna), list(_RECEPTORS[f.polarization])] = f.value**-0.5
    return out


def fetch_factors(ms: MeasurementSet, options: ServiceOptions) -> list[Factor]:
    """Ask ALMA's service for the factors of a MeasurementSet.

    Raises
    ------
    DataError
        It is not of ALMA, the service cannot be reached or has no factors.
    """
    telescope = ms.metadata.observations[0].telescope_name if ms.metadata.observations else ""
    if telescope != "ALMA":
        raise DataError(
            f"gencal: Jy/K factors can be asked for ALMA only; {ms.path!r} is of {telescope or 'an unknown telescope'}"
        )
    if options.endpoint == "asdm":
        return _of_execution(ms, options)
    found = []
    for antenna, spw, query in _conditions(ms, options.endpoint):
        data = _ask(query, options)
        found.append(Factor(antenna, spw, "I", _value(data.get("factor"), query)))
    return found


def _of_execution(ms: MeasurementSet, options: ServiceOptions) -> list[Factor]:
    """All factors of an execution block, by its uid."""
    name = ms.path.rstrip("/").rsplit("/", 1)[-1]
    if not name.startswith("uid___"):
        raise DataError(f"gencal: the name of {ms.path!r} is not that of an ALMA execution block (uid___A002_X1_X2.ms)")
    uid = name.split(".", 1)[0].replace("___", "://").replace("_", "/")
    data = _ask({"uid": uid}, options)
    items = [i for i in data.get("factors", []) if str(i.get("MS", name)) == name]
    # A factor alone for its antenna and window is for both receptors, whatever the service names it, as the reference takes it.
    alone = Counter((i.get("Antenna"), i.get("Spwid")) for i in items)
    found = []
    for item in items:
        both = alone[item.get("Antenna"), item.get("Spwid")] == 1
        words = [
            name,
            str(item.get("Antenna", "")),
            str(item.get("Spwid", "")),
            "I" if both else str(item.get("Polarization", "")),
        ]
        found.append(_factor([*words, str(_value(item.get("factor"), {"uid": uid}))], "reply of the Jy/K service"))
    if not found:
        raise DataError(f"gencal: the Jy/K service has no factors for {uid}")
    return found


def _value(value: Any, query: dict[str, str]) -> float:
    """A factor: a positive number, or a record with the mean of several."""
    try:
        factor = float(value["mean"] if isinstance(value, dict) else value)
    except (KeyError, TypeError, ValueError):
        factor = np.nan
    if not 0 < factor < np.inf:
        raise DataError(f"gencal: the Jy/K service gave no factor for {query}; got {value!r}")
    return factor


def _conditions(ms: MeasurementSet, endpoint: str) -> Iterator[tuple[str, int, dict[str, str]]]:
    """What the service is asked for each antenna and window of the science target: date, air temperature [K], band, frequency [Hz], elevation [deg]."""
    from casatools.calibration.sky_geometry import SkyGeometry
    from casatools.io.ms import Selection

    try:
        science = Selection(intent=_SCIENCE).resolve(ms).rows
    except SelectionError as error:
        raise DataError(f"gencal: Jy/K factors are asked for the conditions of the intent {_SCIENCE}: {error}") from error
    times, fields, ddids = (np.asarray(ms.read(c, science)) for c in ("TIME", "FIELD_ID", "DATA_DESC_ID"))
    sky = SkyGeometry(ms)
    middle = len(science) // 2
    elevation = sky.elevations(times[[middle]], fields[[middle]])[0]
    common = {"date": time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(round(_start_s(ms)) - 40587 * 86400)), **_temperature(ms)}
    if endpoint == "interpolation":
        common["delta_days"] = "1000"
    for spw in sorted({ms.metadata.data_descriptions[int(d)].spw for d in np.unique(ddids)}):
        window = ms.metadata.spectral_windows[spw]
        if "WVR" in window.name:
            continue
        for antenna in ms.metadata.antennas:
            yield antenna.name, spw, {
                **common, "antenna": antenna.name, "elevation": f"{np.rad2deg(elevation[antenna.id]):.3f}", **_receiver(window.name),
                "frequency": repr(float(window.chan_freq_hz.mean())),
            }  # fmt: skip


def _start_s(ms: MeasurementSet) -> float:
    return ms.metadata.observations[0].time_range_s[0]


def _temperature(ms: MeasurementSet) -> dict[str, str]:
    """Mean temperature of the air, where it was measured."""
    if not ms.metadata.has_subtable("WEATHER"):
        return {}
    with closing(ms.subtable("WEATHER")) as table:
        kelvin = np.asarray(table.getcol("TEMPERATURE"), dtype=np.float64) if table.nrows() else np.zeros(0)
    return {"temperature": str(kelvin.mean())} if len(kelvin) else {}


def _receiver(window: str) -> dict[str, str]:
    """Band and baseband, which ALMA's names of windows hold (ALMA_RB_03#BB_1#SW-01#FULL_RES)."""
    band, baseband = re.search(r"ALMA_RB_(\d+)", window), re.search(r"BB_(\d+)", window)
    return {"band": str(int(band[1])) if band else "3", "baseband": str(int(baseband[1])) if baseband else "1"}


def _ask(query: dict[str, str], options: ServiceOptions) -> dict[str, Any]:
    """The data part of a reply, after as many tries as are allowed."""
    address = f"{options.address or JY_PER_K_SERVICE}/{options.endpoint}/?{urllib.parse.urlencode(query)}"
    reason = ""
    for attempt in range(options.retry):
        if attempt:
            log.post(f"asking the Jy/K service again: {reason}", "WARN")
            time.sleep(options.wait_s)
        try:
            with urllib.request.urlopen(address, timeout=options.timeout_s) as reply:
                content = json.loads(reply.read())
        except (OSError, urllib.error.URLError, ValueError) as error:
            reason = f"{address}: {error}"
            continue
        if isinstance(content, dict) and content.get("success") and isinstance(content.get("data"), dict):
            return dict(content["data"])
        raise DataError(
            f"gencal: the Jy/K service refused {query}: {content.get('error') if isinstance(content, dict) else content}"
        )
    raise DataError(f"gencal: the Jy/K service could not be reached ({reason}); give the factors in 'infile'")
