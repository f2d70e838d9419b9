"""alma_small.ms with what its radiometers would have seen through a known layer of water, in place of its visibilities."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from support.shared import unpack

NANT, STEP_S = 13, 1.152
# Zenith column (mm), temperature (K) and pressure (hPa) of the water; elevations (deg) of both fields.
WATER_MM, TEMPERATURE_K, PRESSURE_HPA, ELEVATIONS_DEG = 1.0, 265.0, 430.0, (60.0, 45.0)


def columns_mm(times_s: np.ndarray, field: np.ndarray) -> np.ndarray:
    """Water (time, ant) [mm] along the lines of sight: waves of 20 um that differ between antennas."""
    airmass = 1.0 / np.sin(np.radians(np.asarray(ELEVATIONS_DEG)[field]))
    return WATER_MM * airmass[:, None] + 0.02 * np.sin(2 * np.pi * times_s[:, None] / 40.0 + 0.7 * np.arange(NANT))


def make_radiometer_ms(folder: Path, count: int = 90, noise_k: float = 0.0, layer: object = None) -> str:
    """Write the MeasurementSet; fields are 0, 1, 0 in thirds of the time, the last two states are ON_SOURCE and calibration of the atmosphere."""
    from casacore.tables import table

    from casatools.calibration.water_retrieval import ThinLayer
    from casatools.kernels.air_absorption import CMB_K, water_opacity_per_mm

    path = str(unpack("alma_small.ms", folder))
    layer = layer or ThinLayer()
    with table(path, readonly=False, ack=False) as main:
        for name in list(main.getkeywords()):
            if name.startswith("ASDM_"):
                main.removekeyword(name)
        start, main_rows = float(main.getcol("TIME").min()), main.nrows()
        times = STEP_S * np.arange(count)
        field = np.where((times > times[-1] / 3) & (times < 2 * times[-1] / 3), 1, 0)
        column = columns_mm(times, field)
        parts = (np.arange(6) + 0.5) / 6 - 0.5
        brightness = np.empty((count, NANT, 4))
        for k, (offset, width) in enumerate(((1.24, 1.5), (3.24, 2.5), (5.49, 2.0), (7.24, 1.5))):
            sides = np.concatenate([183.31 + offset + parts * width, 183.31 - offset + parts * width])
            opacity = water_opacity_per_mm(sides, np.array(TEMPERATURE_K), np.array(PRESSURE_HPA), layer.continuum)  # type: ignore[attr-defined]
            sky = TEMPERATURE_K - (TEMPERATURE_K - CMB_K) * np.exp(-column[..., None] * opacity).mean(axis=-1)
            brightness[..., k] = layer.coupling * sky + (1 - layer.coupling) * layer.surroundings_k  # type: ignore[attr-defined]
        brightness += np.random.default_rng(3).normal(0, noise_k, brightness.shape) if noise_k else 0.0
        rows = count * NANT
        main.addrows(rows)
        fixed = {
            "DATA_DESC_ID": 0,
            "PROCESSOR_ID": 1,
            "STATE_ID": 7,
            "ARRAY_ID": 0,
            "FEED1": 0,
            "FEED2": 0,
            "OBSERVATION_ID": 0,
            "SCAN_NUMBER": 1,
        }
        antenna = np.tile(np.arange(NANT, dtype=np.int32), count)
        values = {
            "TIME": np.repeat(start + times, NANT), "TIME_CENTROID": np.repeat(start + times, NANT), "ANTENNA1": antenna, "ANTENNA2": antenna,
            "FIELD_ID": np.repeat(field, NANT).astype(np.int32), "INTERVAL": np.full(rows, STEP_S), "EXPOSURE": np.full(rows, STEP_S),
            "FLAG_ROW": np.zeros(rows, bool), "UVW": np.zeros((rows, 3)), "DATA": brightness.reshape(rows, 4, 1).astype(np.complex64),
            "FLAG": np.zeros((rows, 4, 1), bool), "WEIGHT": np.ones((rows, 1), np.float32), "SIGMA": np.ones((rows, 1), np.float32),
            "WEIGHT_SPECTRUM": np.ones((rows, 4, 1), np.float32), "SIGMA_SPECTRUM": np.ones((rows, 4, 1), np.float32),
            **{name: np.full(rows, value, np.int32) for name, value in fixed.items()},
        }  # fmt: skip
        for name, cells in values.items():
            main.putcol(name, cells, main_rows, rows)
    with table(f"{path}/STATE", readonly=False, ack=False) as states:
        states.putcell("OBS_MODE", 7, "OBSERVE_TARGET#ON_SOURCE,CALIBRATE_WVR#ON_SOURCE")
        states.putcell("OBS_MODE", 6, "CALIBRATE_ATMOSPHERE#ON_SOURCE,CALIBRATE_WVR#ON_SOURCE")
    with table(f"{path}/POINTING", readonly=False, ack=False) as pointing:
        pointing.addrows(count)
        toward = np.stack([np.full(count, 0.3), np.radians(np.asarray(ELEVATIONS_DEG)[field])], axis=1)[:, None, :]
        for name in ("DIRECTION", "TARGET"):
            pointing.putcol(name, toward)
            pointing.putcolkeyword(name, "MEASINFO", {**pointing.getcolkeyword(name, "MEASINFO"), "Ref": "AZELGEO"})
        pointing.putcol("TIME", start + times)
    return path
