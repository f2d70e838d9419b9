"""A MeasurementSet of single dishes: autocorrelations of a map, and where the antennas pointed."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from casatools.io.ms.create import MsLayout, create_ms, fill_subtable

ARCSEC = np.deg2rad(1.0 / 3600.0)
LON, LAT = 1.0, -0.4
START_S = 5.0e9
STEP_S = 1.0


@dataclass(frozen=True)
class Dishes:
    """What is observed.

    Attributes
    ----------
    offsets : ndarray (time, 2)
        Pointings [arcsec] to the east and north of the middle of the map; all antennas have the same.
    values : ndarray (time, antenna, corr, chan)
        The spectra.
    freq_hz : ndarray (chan,)
    weights : ndarray (time, antenna, corr)
    column : str
        FLOAT_DATA or DATA.
    frame : str
        Of the spectral window.
    codes : tuple of int
        Correlation types.
    telescope : str
    pointing_shift : float
        Pointings are noted so many intervals late; the antennas move along between them.
    """

    offsets: np.ndarray
    values: np.ndarray
    freq_hz: np.ndarray
    weights: np.ndarray | None = None
    column: str = "FLOAT_DATA"
    frame: str = "LSRK"
    codes: tuple[int, ...] = (9, 12)
    telescope: str = "ALMA"
    pointing_shift: float = 0.0


def directions(offsets: np.ndarray) -> np.ndarray:
    """Directions (time, 2) [rad] of offsets [arcsec] from the middle of the map, in its tangent plane (SIN)."""
    l, m = np.asarray(offsets, dtype=np.float64).T * ARCSEC
    n = np.sqrt(1.0 - l**2 - m**2)
    lat = np.arcsin(m * np.cos(LAT) + n * np.sin(LAT))
    lon = LON + np.arctan2(l, n * np.cos(LAT) - m * np.sin(LAT))
    return np.stack([lon, lat], axis=1)


def make_single_dish(path: Path | str, dishes: Dishes) -> str:
    """Write it; gives its name."""
    ntime, nant, ncorr, nchan = dishes.values.shape
    path = str(path)
    main = create_ms(path, MsLayout(ncorr, nchan, (dishes.column,)))
    rows = ntime * nant
    time = np.repeat(START_S + STEP_S * np.arange(ntime), nant)
    antenna = np.tile(np.arange(nant, dtype=np.int32), ntime)
    weights = np.ones((rows, ncorr)) if dishes.weights is None else dishes.weights.reshape(rows, ncorr)
    spectra = dishes.values.reshape(rows, ncorr, nchan).transpose(0, 2, 1)
    numbers = ("DATA_DESC_ID", "FIELD_ID", "FEED1", "FEED2", "PROCESSOR_ID", "STATE_ID", "ARRAY_ID", "OBSERVATION_ID")
    columns = {
        "TIME": time, "TIME_CENTROID": time, "ANTENNA1": antenna, "ANTENNA2": antenna, "INTERVAL": np.full(rows, STEP_S), "EXPOSURE": np.full(rows, STEP_S),
        "SCAN_NUMBER": np.ones(rows, np.int32), "FLAG_ROW": np.zeros(rows, bool), "UVW": np.zeros((rows, 3)), "FLAG": np.zeros(spectra.shape, bool),
        dishes.column: spectra.astype(np.float32 if dishes.column == "FLOAT_DATA" else np.complex64),
        "WEIGHT": weights.astype(np.float32), "SIGMA": (1.0 / np.sqrt(np.maximum(weights, 1e-9))).astype(np.float32),
        **{name: np.zeros(rows, np.int32) for name in numbers},
    }  # fmt: skip
    main.addrows(rows)
    for name, cells in columns.items():
        main.putcol(name, cells)
    main.close()
    _fill(path, dishes)
    return path


def _fill(path: str, dishes: Dishes) -> None:
    ntime, nant, ncorr, nchan = dishes.values.shape
    width = float(np.diff(dishes.freq_hz[:2])[0]) if nchan > 1 else 1e6
    frames = {"REST": 0, "LSRK": 1, "TOPO": 5}
    span = np.array([[START_S - 10.0, START_S + STEP_S * ntime + 10.0]])
    centre = np.array([[[LON, LAT]]])
    hands = ["X", "Y"] if dishes.codes[0] >= 9 else ["R", "L"]
    site = np.array([2225015.0, -5440016.0, -2481686.0])
    fill_subtable(path, "ANTENNA", {
        "NAME": [f"PM{k + 1:02d}" for k in range(nant)], "STATION": [f"T{k}" for k in range(nant)], "TYPE": ["GROUND-BASED"] * nant,
        "MOUNT": ["ALT-AZ"] * nant, "POSITION": site + 20.0 * np.arange(nant)[:, None], "OFFSET": np.zeros((nant, 3)), "DISH_DIAMETER": np.full(nant, 12.0),
        "FLAG_ROW": np.zeros(nant, bool),
    })  # fmt: skip
    fill_subtable(path, "FEED", {
        "ANTENNA_ID": np.arange(nant), "FEED_ID": np.zeros(nant, int), "SPECTRAL_WINDOW_ID": np.full(nant, -1), "TIME": np.full(nant, START_S),
        "INTERVAL": np.full(nant, 1e9), "NUM_RECEPTORS": np.full(nant, 2), "BEAM_ID": np.full(nant, -1), "BEAM_OFFSET": np.zeros((nant, 2, 2)),
        "POLARIZATION_TYPE": [np.array(hands)] * nant, "POL_RESPONSE": np.zeros((nant, 2, 2), complex), "POSITION": np.zeros((nant, 3)),
        "RECEPTOR_ANGLE": np.zeros((nant, 2)),
    })  # fmt: skip
    fill_subtable(path, "SPECTRAL_WINDOW", {
        "NAME": ["w"], "NUM_CHAN": [nchan], "CHAN_FREQ": dishes.freq_hz[None], "CHAN_WIDTH": np.full((1, nchan), width),
        "EFFECTIVE_BW": np.full((1, nchan), abs(width)), "RESOLUTION": np.full((1, nchan), abs(width)), "REF_FREQUENCY": [float(dishes.freq_hz[0])],
        "MEAS_FREQ_REF": [frames[dishes.frame]], "TOTAL_BANDWIDTH": [abs(width) * nchan], "NET_SIDEBAND": [1], "IF_CONV_CHAIN": [0], "FREQ_GROUP": [0],
        "FREQ_GROUP_NAME": [""], "FLAG_ROW": [False],
    })  # fmt: skip
    products = np.array([[[0, 0], [1, 1], [0, 1], [1, 0]][:ncorr]])
    fill_subtable(
        path,
        "POLARIZATION",
        {"NUM_CORR": [ncorr], "CORR_TYPE": np.array([dishes.codes]), "CORR_PRODUCT": products, "FLAG_ROW": [False]},
    )
    fill_subtable(path, "DATA_DESCRIPTION", {"SPECTRAL_WINDOW_ID": [0], "POLARIZATION_ID": [0], "FLAG_ROW": [False]})
    fill_subtable(path, "OBSERVATION", {
        "TELESCOPE_NAME": [dishes.telescope], "TIME_RANGE": span, "OBSERVER": ["o"], "SCHEDULE_TYPE": [""], "PROJECT": ["p"], "RELEASE_DATE": [0.0],
        "FLAG_ROW": [False], "LOG": np.array([[""]]), "SCHEDULE": np.array([[""]]),
    })  # fmt: skip
    fill_subtable(path, "FIELD", {
        "NAME": ["map"], "CODE": [""], "TIME": [START_S], "NUM_POLY": [0], "DELAY_DIR": centre, "PHASE_DIR": centre, "REFERENCE_DIR": centre,
        "SOURCE_ID": [0], "FLAG_ROW": [False],
    })  # fmt: skip
    fill_subtable(path, "STATE", {
        "SIG": [True], "REF": [False], "CAL": [0.0], "LOAD": [0.0], "SUB_SCAN": [0], "OBS_MODE": ["OBSERVE_TARGET#ON_SOURCE"], "FLAG_ROW": [False],
    })  # fmt: skip
    fill_subtable(path, "SOURCE", {
        "SOURCE_ID": [0], "TIME": [START_S], "INTERVAL": [1e9], "SPECTRAL_WINDOW_ID": [-1], "NUM_LINES": [1], "NAME": ["map"], "CALIBRATION_GROUP": [0],
        "CODE": [""], "DIRECTION": np.array([[LON, LAT]]), "PROPER_MOTION": np.zeros((1, 2)), "POSITION": np.zeros((1, 3)), "TRANSITION": np.array([["t"]]),
        "REST_FREQUENCY": np.array([[float(dishes.freq_hz[nchan // 2])]]), "SYSVEL": np.zeros((1, 1)),
    })  # fmt: skip
    toward = np.repeat(directions(dishes.offsets)[:, None, :], nant, axis=0)
    count = ntime * nant
    when = np.repeat(START_S + STEP_S * (np.arange(ntime) + dishes.pointing_shift), nant)
    fill_subtable(path, "POINTING", {
        "ANTENNA_ID": np.tile(np.arange(nant), ntime), "TIME": when, "INTERVAL": np.full(count, STEP_S), "NAME": [""] * count, "NUM_POLY": np.zeros(count, int),
        "TIME_ORIGIN": np.zeros(count), "DIRECTION": toward, "TARGET": toward + np.array([0.0, 10.0 * ARCSEC]), "TRACKING": np.ones(count, bool),
    })  # fmt: skip
