"""The sub-tables of a simulated MeasurementSet."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from casatools.io.ms.create import fill_subtable

if TYPE_CHECKING:
    from casatools.simulation.observe import Observation

__all__ = ["fill_subtables"]

_TOPO = 5  # MFrequency::TOPO
_RR, _RL, _LR, _LL = 5, 6, 7, 8  # Stokes codes


def fill_subtables(path: str, observation: Observation) -> None:
    """Fill every sub-table of the MeasurementSet at `path`.

    Parameters
    ----------
    path : str
        A MeasurementSet made by `create_ms`, its main table closed.
    observation : Observation
    """
    _fill_antennas(path, observation)
    _fill_spectral(path, observation)
    _fill_fields(path, observation)
    _fill_observation(path, observation)


def _fill_antennas(path: str, observation: Observation) -> None:
    array = observation.array
    count = len(array.names)
    columns: dict[str, Any] = {
        "NAME": list(array.names), "STATION": list(array.stations), "TYPE": ["GROUND-BASED"] * count, "MOUNT": [array.mount] * count,
        "POSITION": np.asarray(array.positions_m, dtype=np.float64), "OFFSET": np.zeros((count, 3)),
        "DISH_DIAMETER": np.asarray(array.diameters_m, dtype=np.float64), "FLAG_ROW": np.zeros(count, dtype=bool),
    }  # fmt: skip
    fill_subtable(path, "ANTENNA", columns)
    start, end = observation.time_range_s
    columns = {
        "ANTENNA_ID": np.arange(count, dtype=np.int32), "FEED_ID": np.zeros(count, dtype=np.int32),
        "SPECTRAL_WINDOW_ID": np.full(count, -1, dtype=np.int32), "TIME": np.full(count, 0.5 * (start + end)),
        "INTERVAL": np.zeros(count), "NUM_RECEPTORS": np.full(count, 2, dtype=np.int32), "BEAM_ID": np.full(count, -1, dtype=np.int32),
        "BEAM_OFFSET": np.zeros((count, 2, 2)), "POLARIZATION_TYPE": [["R", "L"]] * count,
        "POL_RESPONSE": np.tile(np.eye(2, dtype=np.complex64), (count, 1, 1)), "POSITION": np.zeros((count, 3)),
        "RECEPTOR_ANGLE": np.zeros((count, 2)),
    }  # fmt: skip
    fill_subtable(path, "FEED", columns)


def _fill_spectral(path: str, observation: Observation) -> None:
    spectral = observation.spectral
    widths = np.full((1, spectral.nchan), abs(spectral.width_hz))
    none = np.zeros(1, dtype=bool)
    columns: dict[str, Any] = {
        "MEAS_FREQ_REF": np.array([_TOPO], dtype=np.int32), "CHAN_FREQ": spectral.freq_hz[None],
        "REF_FREQUENCY": np.array([spectral.first_hz]), "CHAN_WIDTH": np.full((1, spectral.nchan), spectral.width_hz),
        "EFFECTIVE_BW": widths, "RESOLUTION": widths, "FLAG_ROW": none, "FREQ_GROUP": np.zeros(1, dtype=np.int32),
        "FREQ_GROUP_NAME": ["line"], "IF_CONV_CHAIN": np.zeros(1, dtype=np.int32), "NAME": ["line"],
        "NET_SIDEBAND": np.array([1 if spectral.width_hz > 0 else -1], dtype=np.int32),
        "NUM_CHAN": np.array([spectral.nchan], dtype=np.int32), "TOTAL_BANDWIDTH": np.array([abs(spectral.width_hz) * spectral.nchan]),
    }  # fmt: skip
    fill_subtable(path, "SPECTRAL_WINDOW", columns)
    codes, products = [_RR, _LL], [[0, 0], [1, 1]]
    if observation.cross_hands:
        codes, products = [_RR, _RL, _LR, _LL], [[0, 0], [0, 1], [1, 0], [1, 1]]
    columns = {
        "CORR_TYPE": np.array([codes], dtype=np.int32), "CORR_PRODUCT": np.array([products], dtype=np.int32),
        "NUM_CORR": np.array([len(codes)], dtype=np.int32), "FLAG_ROW": none,
    }  # fmt: skip
    fill_subtable(path, "POLARIZATION", columns)
    zero = np.zeros(1, dtype=np.int32)
    fill_subtable(path, "DATA_DESCRIPTION", {"FLAG_ROW": none, "POLARIZATION_ID": zero, "SPECTRAL_WINDOW_ID": zero})


def _fill_fields(path: str, observation: Observation) -> None:
    fields = observation.fields
    count = len(fields)
    start, end = observation.time_range_s
    sky = np.array([[f.direction.lon_rad, f.direction.lat_rad] for f in fields])
    ids = np.arange(count, dtype=np.int32)
    columns: dict[str, Any] = {
        "NAME": [f.name for f in fields], "CODE": [f.code for f in fields], "SOURCE_ID": ids, "NUM_POLY": np.zeros(count, dtype=np.int32),
        "TIME": np.full(count, start), "FLAG_ROW": np.zeros(count, dtype=bool),
    }  # fmt: skip
    columns |= dict.fromkeys(("DELAY_DIR", "PHASE_DIR", "REFERENCE_DIR"), sky[:, None, :])
    fill_subtable(path, "FIELD", columns)
    columns = {
        "NAME": [f.name for f in fields], "CODE": [f.code for f in fields], "SOURCE_ID": ids, "DIRECTION": sky,
        "SPECTRAL_WINDOW_ID": np.zeros(count, dtype=np.int32), "TIME": np.full(count, 0.5 * (start + end)),
        "INTERVAL": np.full(count, end - start), "NUM_LINES": np.ones(count, dtype=np.int32), "CALIBRATION_GROUP": np.zeros(count, dtype=np.int32),
        "PROPER_MOTION": np.zeros((count, 2)), "REST_FREQUENCY": np.full((count, 1), observation.spectral.rest_hz),
        "SYSVEL": np.zeros((count, 1)), "TRANSITION": [["line"]] * count,
    }  # fmt: skip
    fill_subtable(path, "SOURCE", columns)
    intents = sorted({f.intent for f in fields})
    nstate = len(intents)
    columns = {
        "OBS_MODE": intents, "SIG": np.ones(nstate, dtype=bool), "REF": np.zeros(nstate, dtype=bool), "CAL": np.zeros(nstate),
        "LOAD": np.zeros(nstate), "SUB_SCAN": np.zeros(nstate, dtype=np.int32), "FLAG_ROW": np.zeros(nstate, dtype=bool),
    }  # fmt: skip
    fill_subtable(path, "STATE", columns)


def _fill_observation(path: str, observation: Observation) -> None:
    start, end = observation.time_range_s
    none = np.zeros(1, dtype=bool)
    columns: dict[str, Any] = {
        "TELESCOPE_NAME": [observation.array.telescope], "OBSERVER": [observation.observer], "PROJECT": [observation.project],
        "TIME_RANGE": np.array([[start, end]]), "RELEASE_DATE": np.array([end]), "SCHEDULE_TYPE": [""], "FLAG_ROW": none,
    }  # fmt: skip
    fill_subtable(path, "OBSERVATION", columns)
    zero = np.zeros(1, dtype=np.int32)
    columns = {"TYPE": ["CORRELATOR"], "SUB_TYPE": ["simulated"], "TYPE_ID": zero, "MODE_ID": zero, "FLAG_ROW": none}
    fill_subtable(path, "PROCESSOR", columns)
    columns = {
        "TIME": np.array([end]), "OBSERVATION_ID": zero, "MESSAGE": ["simulated by casatools"], "PRIORITY": ["INFO"],
        "ORIGIN": ["simulation.observe"], "OBJECT_ID": zero, "APPLICATION": ["casatools"], "CLI_COMMAND": [[""]], "APP_PARAMS": [[""]],
    }  # fmt: skip
    fill_subtable(path, "HISTORY", columns)
