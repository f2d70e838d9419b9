"""Calibration tables made from given values: what gencal writes.

References
----------
CASA 6.7 gencal, documented behaviour; layout and order of the parameters as observed in tables it wrote.
"""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from casatools._base import log
from casatools._base.errors import DataError, ParameterError
from casatools._base.paths import require_present
from casatools.calibration.gain_curves import CURVE_PARAMETERS, gain_curves
from casatools.calibration.same_array import match_antennas
from casatools.calibration.solve_session import check_output
from casatools.io.caltable import CalTable, SolutionGroup
from casatools.io.ms import MeasurementSet, Selection
from casatools.io.ms.selection_antenna import named_antennas

__all__ = ["GivenCalibration", "write_given_calibration"]


@dataclass(frozen=True)
class _Kind:
    """Sub-type of the table, parameters of an antenna, whether each spectral window has rows, value without effect, operation."""

    vis_cal: str
    npar: int
    every_window: bool = True
    neutral: float = 0.0
    multiplied: bool = False


_G = _Kind("G Jones", 2, neutral=1.0, multiplied=True)
_KINDS = {
    "amp": _G, "ph": _G, "sbd": _Kind("K Jones", 2), "mbd": _Kind("K Jones", 2), "opac": _Kind("TOpac", 1),
    "antpos": _Kind("KAntPos Jones", 3, every_window=False), "antposvla": _Kind("KAntPos Jones", 3, every_window=False),
    "gc": _Kind("EGainCurve", CURVE_PARAMETERS, neutral=1.0, multiplied=True),
    "gceff": _Kind("EGainCurve", CURVE_PARAMETERS, neutral=1.0, multiplied=True),
    "eff": _Kind("EGainCurve", CURVE_PARAMETERS, neutral=1.0, multiplied=True),
}  # fmt: skip
_RECEPTORS = {"R": 0, "X": 0, "L": 1, "Y": 1}


@dataclass(frozen=True)
class GivenCalibration:
    """Values to write; see the task gencal.

    Raises
    ------
    ParameterError
        A caltype that takes no given values, an unknown polarisation, or no values where values are needed.
    """

    caltype: str
    spw: str = ""
    antenna: str = ""
    pol: str = ""
    parameter: tuple[float, ...] = ()
    infile: str = ""

    def __post_init__(self) -> None:
        if self.caltype not in _KINDS:
            raise ParameterError(
                f"gencal: parameter 'caltype' must be one of {', '.join(map(repr, _KINDS))}; got {self.caltype!r}"
            )
        if any(p not in _RECEPTORS for p in self.pols):
            raise ParameterError(f"gencal: parameter 'pol' must list R and L, or X and Y; got {self.pol!r}")
        if not np.isfinite(self.parameter).all():
            raise ParameterError(f"gencal: parameter 'parameter' must hold finite numbers; got {list(self.parameter)}")
        if self.is_position and self.parameter and not self.antenna.strip():
            raise ParameterError("gencal: antenna positions need 'antenna', the antennas that the offsets belong to; got ''")
        if not self.is_curve and not self.parameter:
            raise ParameterError(f"gencal: caltype={self.caltype!r} needs values in 'parameter'; got []")

    @property
    def kind(self) -> _Kind:
        """Layout of the table."""
        return _KINDS[self.caltype]

    @property
    def is_curve(self) -> bool:
        """Whether values come from gain curves and efficiencies."""
        return self.kind.vis_cal == "EGainCurve"

    @property
    def is_position(self) -> bool:
        """Whether values are offsets of positions."""
        return self.kind.vis_cal == "KAntPos Jones"

    @property
    def pols(self) -> list[str]:
        """Polarisations named."""
        return [p.strip().upper() for p in self.pol.split(",") if p.strip()]


def write_given_calibration(
    vis: str, caltable: str, given: GivenCalibration, make: Callable[[MeasurementSet], np.ndarray] | None = None,
    joined: bool = False,
) -> None:  # fmt: skip
    """Write given values as a calibration table, or join them with what the table holds.

    Parameters
    ----------
    vis : str
    caltable : str
        Gains are multiplied by the new ones, delays, opacities and offsets added to, where the table exists.
    given : GivenCalibration
    make : callable, optional
        Makes the values (spw, ant, par) from the MeasurementSet, instead of those in `given`.
    joined : bool, optional
        These are several sets of values, joined.

    Raises
    ------
    PathMissingError, DataError, ParameterError, SelectionError
        The MeasurementSet or what the values are for is missing, their number is wrong, or the table is of another kind or has no solutions
        that some of them could be joined with. Nothing is written then.
    """
    kind = given.kind
    exists = os.path.lexists(caltable.rstrip("/"))
    check_output(caltable, exists, kind.vis_cal)
    if given.infile:
        require_present(given.infile, "table of gain curves")
    with MeasurementSet(vis) as ms:
        windows = [w.id for w in ms.metadata.spectral_windows] if kind.every_window else [0]
        values = make(ms) if make is not None else _values(ms, given, windows)
        table = CalTable.open(caltable) if exists else _new_table(ms, kind, windows)
        log.post(f"{kind.vis_cal}: values for {len(windows)} spectral windows, {values.shape[1]} antennas", "INFO2")
        ids = match_antennas(ms, caltable, table.antenna_names, table.antenna_positions_m, table.antenna1)
        if exists:
            _require_places(caltable, table, kind, values, ids, [a.name for a in ms.metadata.antennas])
        _join(table, kind, values, ids)
        if exists or joined:  # as the reference has it: joined values are of no observation
            table.observation = np.full_like(table.observation, -1)
        table.write(caltable, overwrite=True)


def _new_table(ms: MeasurementSet, kind: _Kind, windows: list[int]) -> CalTable:
    table = CalTable.for_ms(ms, kind.vis_cal, "Complex" if kind.vis_cal == "G Jones" else "Float")
    table.set_single_channel(ms)
    middle = table.frequencies_hz
    widths = {w.id: np.array([w.chan_width_hz.sum()]) for w in ms.metadata.spectral_windows}
    table.set_frequencies({s: (middle[s], widths[s]) for s in windows if s in middle})
    nant = len(ms.metadata.antennas)
    shape = (len(windows) * nant, 1, kind.npar)
    start = np.full(shape, kind.neutral, dtype=np.complex64 if table.is_complex else np.float32)
    if kind.npar == CURVE_PARAMETERS:
        start[..., 1:4] = start[..., 5:8] = 0.0
    ones = np.ones(shape, dtype=np.float32)
    cells = SolutionGroup(
        np.zeros(0, dtype=np.int64), start, 0 * ones, np.zeros(shape, dtype=bool), ones * (kind.npar != CURVE_PARAMETERS)
    )
    # Without times, fields and scans the values serve everything.
    table.add_rows(
        cells, field_id=-1, scan=-1, antenna2=-1, observation=-1 if kind.npar == CURVE_PARAMETERS else 0, spw_id=np.repeat(windows, nant), antenna1=np.tile(np.arange(nant), len(windows))
    )  # fmt: skip
    return table


def _values(ms: MeasurementSet, given: GivenCalibration, windows: list[int]) -> np.ndarray:
    """Values (spw, ant, par) to multiply by or to add."""
    antennas = ms.metadata.antennas
    if given.is_curve:
        return gain_curves(ms, given.caltype, given.infile)
    kind = given.kind
    names = [a.name for a in antennas]
    chosen_ants = named_antennas(given.antenna, names, [a.station for a in antennas]) if given.antenna.strip() else []
    chosen_spws = _windows(ms, given.spw) if given.spw.strip() and kind.every_window else []
    chosen_pols = [_RECEPTORS[p] for p in given.pols] if kind.npar == 2 else []
    axes: list[list[Any]] = [chosen_spws or [slice(None)], chosen_ants or [slice(None)], chosen_pols or [slice(None)]]
    count = len(axes[0]) * len(axes[1]) * len(axes[2])
    each = 3 if given.is_position else 1
    if len(given.parameter) not in (each, count * each):
        needed = f"{each} or {count * each}" if count > 1 else f"{each}"
        raise ParameterError(
            f"gencal: {len(given.parameter)} values in 'parameter' do not fit: spw, antenna and pol name {count} of these, "
            f"which need {needed}"
        )
    numbers = np.array(given.parameter).reshape(-1, each)
    out = np.full((len(windows), len(antennas), kind.npar), kind.neutral, dtype=np.complex128)
    # Polarisations run fastest, then antennas, then spectral windows.
    for k, place in enumerate(itertools.product(*axes)):
        value = numbers[k if len(numbers) > 1 else 0]
        if given.caltype == "antposvla":
            value = _itrf_offset(value, np.mean([a.position_m for a in antennas], axis=0))
        out[place] = np.exp(1j * np.deg2rad(value[0])) if given.caltype == "ph" else value if given.is_position else value[0]
    return out if kind.multiplied else out.real


def _windows(ms: MeasurementSet, expression: str) -> list[int]:
    """Spectral windows in the order given."""
    found = []
    for item in expression.split(","):
        found += [int(s) for s in Selection(spw=item.strip()).resolve(ms, allow_empty=True).spws]
    return found


def _itrf_offset(offset_m: np.ndarray, array_m: np.ndarray) -> np.ndarray:
    """An offset in the VLA's local frame, whose x axis lies in the array's meridian, in the ITRF."""
    longitude = np.arctan2(array_m[1], array_m[0])
    # The VLA's catalogued longitude, which CASA 6.7 names in its log and uses.
    longitude = np.deg2rad(-107.6183) if abs(np.rad2deg(longitude) + 107.6183) < 1.0 else longitude
    c, s = np.cos(longitude), np.sin(longitude)
    x, y, z = offset_m
    return np.array([x * c - y * s, x * s + y * c, z])


def _require_places(path: str, table: CalTable, kind: _Kind, values: np.ndarray, ids: np.ndarray, names: list[str]) -> None:
    """Refuse values of spectral windows or antennas that the table to join them with has no solutions of: they would be lost without a word."""
    place = table.spw_id if kind.every_window else np.zeros_like(table.spw_id)
    if place.max(initial=0) >= len(values):
        raise DataError(f"gencal: {path!r} has other spectral windows than the MeasurementSet; nothing can be joined with it")
    have = np.zeros(values.shape[:2], dtype=bool)
    known = ids[table.antenna1] >= 0
    have[place[known], ids[table.antenna1][known]] = True
    start = np.full(kind.npar, kind.neutral)
    lost = np.argwhere((values != start).any(axis=2) & ~have)
    if len(lost):
        spws, antennas = (sorted(set(k.tolist())) for k in lost.T)
        windows = f"spectral windows {', '.join(map(str, spws))}, " if kind.every_window else ""
        raise DataError(
            f"gencal: {path!r} has no solutions of {windows}antennas {', '.join(names[a] for a in antennas)} that these values could be joined "
            "with; write them to a table of their own"
        )


def _join(table: CalTable, kind: _Kind, values: np.ndarray, ids: np.ndarray) -> None:
    """Multiply solutions by values (spw, ant, par), or add them; `ids` are the numbers of the table's antennas among those of the values."""
    for group in table.groups:
        spw, antenna = table.spw_id[group.rows], ids[table.antenna1[group.rows]]
        place = spw if kind.every_window else np.zeros_like(spw)
        new = values[place, antenna][:, None, :]
        if kind.npar == CURVE_PARAMETERS:
            joined = new.real
        else:
            joined = group.param * new if kind.multiplied else group.param + new
        known = (antenna >= 0)[:, None, None]
        group.param = np.where(known, joined, group.param).astype(group.param.dtype)
