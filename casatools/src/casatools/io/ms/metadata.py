"""What the small sub-tables of a MeasurementSet say, as cached frozen rows.

Nothing is read before it is asked for, and the main table is never touched.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from casatools._base.errors import DataError
from casatools.io.tables import is_table, open_table, subtable_path

__all__ = [
    "Antenna",
    "DataDescription",
    "Feed",
    "Field",
    "MsMetadata",
    "Observation",
    "Polarization",
    "Source",
    "SpectralWindow",
    "State",
    "correlation_codes",
    "correlation_names",
]

# Stokes::StokesTypes of the MeasurementSet definition: CORR_TYPE code -> name.
CORRELATION_NAMES: tuple[str, ...] = (
    "Undefined", "I", "Q", "U", "V", "RR", "RL", "LR", "LL", "XX", "XY", "YX", "YY", "RX", "RY", "LX", "LY",
    "XR", "XL", "YR", "YL", "PP", "PQ", "QP", "QQ", "RCircular", "LCircular", "Linear", "Ptotal", "Plinear",
    "PFtotal", "PFlinear", "Pangle",
)  # fmt: skip
_CODES = {name.upper(): code for code, name in enumerate(CORRELATION_NAMES)}

# MFrequency::Types, the codes of SPECTRAL_WINDOW/MEAS_FREQ_REF.
FREQUENCY_FRAMES: dict[int, str] = {
    0: "REST", 1: "LSRK", 2: "LSRD", 3: "BARY", 4: "GEO", 5: "TOPO", 6: "GALACTO", 7: "LGROUP", 8: "CMB", 64: "Undefined",
}  # fmt: skip

# MDirection::Types, the codes of a variable reference column (TabRefCodes) where the table does not say otherwise.
DIRECTION_FRAMES: dict[int, str] = {
    0: "J2000", 1: "JMEAN", 2: "JTRUE", 3: "APP", 4: "B1950", 5: "B1950_VLA", 6: "BMEAN", 7: "BTRUE", 8: "GALACTIC",
    9: "HADEC", 10: "AZEL", 11: "AZELSW", 12: "AZELGEO", 13: "AZELSWGEO", 14: "JNAT", 15: "ECLIPTIC", 16: "MECLIPTIC",
    17: "TECLIPTIC", 18: "SUPERGAL", 19: "ITRF", 20: "TOPO", 21: "ICRS",
    32: "MERCURY", 33: "VENUS", 34: "MARS", 35: "JUPITER", 36: "SATURN", 37: "URANUS", 38: "NEPTUNE", 39: "PLUTO",
    40: "SUN", 41: "MOON", 42: "COMET",
}  # fmt: skip


def correlation_names(codes: Any) -> list[str]:
    """Names such as ``["RR", "LL"]`` of CORR_TYPE codes; unknown codes give ``Undefined``."""
    return [CORRELATION_NAMES[c] if 0 <= c < len(CORRELATION_NAMES) else "Undefined" for c in np.ravel(codes).tolist()]


def correlation_codes(names: list[str]) -> list[int]:
    """CORR_TYPE codes of names, without regard to case; raise DataError for an unknown name."""
    unknown = [n for n in names if n.upper() not in _CODES]
    if unknown:
        raise DataError(f"{unknown[0]!r} is not the name of a correlation; known are {', '.join(CORRELATION_NAMES[1:])}")
    return [_CODES[n.upper()] for n in names]


@dataclass(frozen=True)
class Antenna:
    """A row of ANTENNA; position and offset in metres (ITRF as a rule, see `MsMetadata.antenna_frame`)."""

    id: int
    name: str
    station: str
    position_m: np.ndarray
    offset_m: np.ndarray
    diameter_m: float
    mount: str
    type: str
    flag_row: bool


@dataclass(frozen=True)
class Field:
    """A row of FIELD; directions are (npoly + 1, 2) polynomials in radian about `time_s` (MJD seconds)."""

    id: int
    name: str
    code: str
    source_id: int
    time_s: float
    phase_dir: np.ndarray
    delay_dir: np.ndarray
    reference_dir: np.ndarray
    phase_frame: str
    delay_frame: str
    reference_frame: str
    ephemeris_id: int
    flag_row: bool

    @property
    def num_poly(self) -> int:
        return self.phase_dir.shape[0] - 1


@dataclass(frozen=True)
class SpectralWindow:
    """A row of SPECTRAL_WINDOW; frequencies and widths in Hz, one per channel."""

    id: int
    name: str
    nchan: int
    chan_freq_hz: np.ndarray
    chan_width_hz: np.ndarray
    effective_bw_hz: np.ndarray
    resolution_hz: np.ndarray
    ref_frequency_hz: float
    total_bandwidth_hz: float
    frame_code: int
    net_sideband: int
    freq_group: int
    freq_group_name: str
    bbc_no: int | None
    doppler_id: int | None
    flag_row: bool
    corr_bit: str

    @property
    def frame(self) -> str:
        return FREQUENCY_FRAMES.get(self.frame_code, "Undefined")


@dataclass(frozen=True)
class Polarization:
    """A row of POLARIZATION; `corr_product` has shape (ncorr, 2): the receptors of the two antennas."""

    id: int
    corr_type: np.ndarray
    corr_product: np.ndarray
    flag_row: bool

    @property
    def ncorr(self) -> int:
        return len(self.corr_type)

    @property
    def names(self) -> list[str]:
        return correlation_names(self.corr_type)


@dataclass(frozen=True)
class DataDescription:
    """A row of DATA_DESCRIPTION: which spectral window with which polarization setup."""

    id: int
    spw: int
    pol: int
    flag_row: bool


@dataclass(frozen=True)
class Observation:
    """A row of OBSERVATION; times in MJD seconds."""

    id: int
    telescope_name: str
    observer: str
    project: str
    time_range_s: tuple[float, float]
    schedule: tuple[str, ...]
    schedule_type: str
    release_date_s: float
    log: tuple[str, ...]
    flag_row: bool


@dataclass(frozen=True)
class State:
    """A row of STATE; `obs_mode` holds the intents, comma separated."""

    id: int
    obs_mode: str
    sub_scan: int
    sig: bool
    ref: bool
    cal_k: float
    load_k: float
    flag_row: bool

    @property
    def intents(self) -> tuple[str, ...]:
        return tuple(s.strip() for s in self.obs_mode.split(",") if s.strip())


@dataclass(frozen=True)
class Feed:
    """A row of FEED; angles in radian, times in MJD seconds."""

    row: int
    antenna_id: int
    feed_id: int
    spw_id: int
    beam_id: int
    time_s: float
    interval_s: float
    num_receptors: int
    polarization_type: tuple[str, ...]
    receptor_angle_rad: np.ndarray


@dataclass(frozen=True)
class Source:
    """A row of SOURCE; `direction` (2,) radian, `proper_motion` (2,) rad/s, `rest_frequency_hz` and `sysvel_m_s` one per line."""

    row: int
    source_id: int
    name: str
    code: str
    spw_id: int
    time_s: float
    interval_s: float
    direction: np.ndarray
    proper_motion: np.ndarray
    num_lines: int
    calibration_group: int
    transition: tuple[str, ...]
    rest_frequency_hz: np.ndarray
    sysvel_m_s: np.ndarray
    has_sysvel: bool


class SubTable:
    """All columns asked for of one small table, each read once; undefined cells become the default."""

    def __init__(self, path: str) -> None:
        self.table = open_table(path)
        self.nrow: int = self.table.nrows()
        self.names = set(self.table.colnames())

    def close(self) -> None:
        self.table.close()

    def scalars(self, column: str, default: Any) -> list[Any]:
        """One Python value a row; `default` everywhere when the column is absent."""
        if column not in self.names or not self.nrow:
            return [default] * self.nrow
        values = self.table.getcol(column)
        return values if isinstance(values, list) else values.tolist()

    def arrays(self, column: str, default: Any = ()) -> list[np.ndarray]:
        """One array a row."""
        if column not in self.names:
            return [np.asarray(default)] * self.nrow
        defined = self.table.iscelldefined
        return [
            np.asarray(self.table.getcell(column, r)) if defined(column, r) else np.asarray(default) for r in range(self.nrow)
        ]

    def texts(self, column: str) -> list[tuple[str, ...]]:
        """One tuple of strings a row."""
        out: list[tuple[str, ...]] = []
        for row in range(self.nrow):
            if column not in self.names or not self.table.iscelldefined(column, row):
                out.append(())
                continue
            cell = self.table.getcell(column, row)
            if isinstance(cell, dict):  # casacore's form of an array of strings with more than one axis
                cell = cell.get("array", [])
            out.append(tuple(cell) if not isinstance(cell, str) else (cell,))
        return out

    def frames(self, column: str, default: str) -> list[str]:
        """Reference frame of a measures column, row by row, from its MEASINFO keyword."""
        if column not in self.names:
            return [default] * self.nrow
        info = self.table.getcolkeywords(column).get("MEASINFO", {})
        code_column = info.get("VarRefCol")
        if not code_column or code_column not in self.names:
            return [str(info.get("Ref", default))] * self.nrow
        codes = self.scalars(code_column, 0)
        if codes and isinstance(codes[0], str):
            return codes
        named = dict(zip(np.ravel(info.get("TabRefCodes", [])).tolist(), info.get("TabRefTypes", [])))
        return [named.get(c, DIRECTION_FRAMES.get(c, default)) for c in codes]


class MsMetadata:
    """The sub-tables of one MeasurementSet, read lazily and kept.

    Parameters
    ----------
    path : str
        The MeasurementSet.

    Raises
    ------
    DataError
        A required sub-table is missing or is not a table.
    """

    def __init__(self, path: str) -> None:
        self.path = path.rstrip("/")

    def has_subtable(self, name: str) -> bool:
        """True when the sub-table exists."""
        return is_table(subtable_path(self.path, name))

    def _open(self, name: str) -> SubTable:
        if not self.has_subtable(name):
            raise DataError(f"the MeasurementSet {self.path!r} has no sub-table {name}")
        return SubTable(subtable_path(self.path, name))

    @cached_property
    def antennas(self) -> tuple[Antenna, ...]:
        """Rows of ANTENNA."""
        t = self._open("ANTENNA")
        columns = zip(
            t.scalars("NAME", ""), t.scalars("STATION", ""), t.arrays("POSITION", np.zeros(3)), t.arrays("OFFSET", np.zeros(3)),
            t.scalars("DISH_DIAMETER", 0.0), t.scalars("MOUNT", ""), t.scalars("TYPE", ""), t.scalars("FLAG_ROW", False),
        )  # fmt: skip
        out = tuple(Antenna(i, *row) for i, row in enumerate(columns))
        t.close()
        return out

    @cached_property
    def antenna_frame(self) -> str:
        """Reference frame of the antenna positions."""
        t = self._open("ANTENNA")
        frame = t.table.getcolkeywords("POSITION").get("MEASINFO", {}).get("Ref", "ITRF")
        t.close()
        return str(frame)

    @cached_property
    def fields(self) -> tuple[Field, ...]:
        """Rows of FIELD."""
        t = self._open("FIELD")
        names = ("PHASE_DIR", "DELAY_DIR", "REFERENCE_DIR")
        directions = [[np.asarray(v, float).reshape(-1, 2) for v in t.arrays(n, np.zeros((1, 2)))] for n in names]
        frames = [t.frames(n, "J2000") for n in names]
        columns = zip(
            t.scalars("NAME", ""), t.scalars("CODE", ""), t.scalars("SOURCE_ID", -1), t.scalars("TIME", 0.0), *directions,
            *frames, t.scalars("EPHEMERIS_ID", -1), t.scalars("FLAG_ROW", False),
        )  # fmt: skip
        out = tuple(Field(i, *row) for i, row in enumerate(columns))
        t.close()
        return out

    @cached_property
    def spectral_windows(self) -> tuple[SpectralWindow, ...]:
        """Rows of SPECTRAL_WINDOW."""
        t = self._open("SPECTRAL_WINDOW")
        columns = zip(
            t.scalars("NAME", ""), t.scalars("NUM_CHAN", 0), t.arrays("CHAN_FREQ"), t.arrays("CHAN_WIDTH"),
            t.arrays("EFFECTIVE_BW"), t.arrays("RESOLUTION"), t.scalars("REF_FREQUENCY", 0.0), t.scalars("TOTAL_BANDWIDTH", 0.0),
            t.scalars("MEAS_FREQ_REF", 5), t.scalars("NET_SIDEBAND", 0), t.scalars("FREQ_GROUP", 0),
            t.scalars("FREQ_GROUP_NAME", ""), t.scalars("BBC_NO", None), t.scalars("DOPPLER_ID", None),
            t.scalars("FLAG_ROW", False), t.scalars("SDM_CORR_BIT", "UNKNOWN"),
        )  # fmt: skip
        out = tuple(SpectralWindow(i, *row) for i, row in enumerate(columns))
        t.close()
        return out

    @cached_property
    def polarizations(self) -> tuple[Polarization, ...]:
        """Rows of POLARIZATION."""
        t = self._open("POLARIZATION")
        products = [np.asarray(p).reshape(-1, 2) for p in t.arrays("CORR_PRODUCT", np.zeros((0, 2), int))]
        columns = zip(t.arrays("CORR_TYPE"), products, t.scalars("FLAG_ROW", False))
        out = tuple(Polarization(i, *row) for i, row in enumerate(columns))
        t.close()
        return out

    @cached_property
    def data_descriptions(self) -> tuple[DataDescription, ...]:
        """Rows of DATA_DESCRIPTION."""
        t = self._open("DATA_DESCRIPTION")
        columns = zip(t.scalars("SPECTRAL_WINDOW_ID", 0), t.scalars("POLARIZATION_ID", 0), t.scalars("FLAG_ROW", False))
        out = tuple(DataDescription(i, *row) for i, row in enumerate(columns))
        t.close()
        return out

    @cached_property
    def observations(self) -> tuple[Observation, ...]:
        """Rows of OBSERVATION."""
        t = self._open("OBSERVATION")
        ranges = [tuple(np.ravel(r).tolist()) for r in t.arrays("TIME_RANGE", np.zeros(2))]
        columns = zip(
            t.scalars("TELESCOPE_NAME", ""), t.scalars("OBSERVER", ""), t.scalars("PROJECT", ""), ranges, t.texts("SCHEDULE"),
            t.scalars("SCHEDULE_TYPE", ""), t.scalars("RELEASE_DATE", 0.0), t.texts("LOG"), t.scalars("FLAG_ROW", False),
        )  # fmt: skip
        out = tuple(Observation(i, *row) for i, row in enumerate(columns))
        t.close()
        return out

    @cached_property
    def states(self) -> tuple[State, ...]:
        """Rows of STATE; empty when the sub-table is absent."""
        if not self.has_subtable("STATE"):
            return ()
        t = self._open("STATE")
        columns = zip(
            t.scalars("OBS_MODE", ""), t.scalars("SUB_SCAN", 0), t.scalars("SIG", True), t.scalars("REF", False),
            t.scalars("CAL", 0.0), t.scalars("LOAD", 0.0), t.scalars("FLAG_ROW", False),
        )  # fmt: skip
        out = tuple(State(i, *row) for i, row in enumerate(columns))
        t.close()
        return out

    @cached_property
    def feeds(self) -> tuple[Feed, ...]:
        """Rows of FEED."""
        t = self._open("FEED")
        columns = zip(
            t.scalars("ANTENNA_ID", 0), t.scalars("FEED_ID", 0), t.scalars("SPECTRAL_WINDOW_ID", -1), t.scalars("BEAM_ID", -1),
            t.scalars("TIME", 0.0), t.scalars("INTERVAL", 0.0), t.scalars("NUM_RECEPTORS", 0), t.texts("POLARIZATION_TYPE"),
            t.arrays("RECEPTOR_ANGLE"),
        )  # fmt: skip
        out = tuple(Feed(i, *row) for i, row in enumerate(columns))
        t.close()
        return out

    @cached_property
    def sources(self) -> tuple[Source, ...]:
        """Rows of SOURCE; empty when the optional sub-table is absent."""
        if not self.has_subtable("SOURCE"):
            return ()
        t = self._open("SOURCE")
        columns = zip(
            t.scalars("SOURCE_ID", 0), t.scalars("NAME", ""), t.scalars("CODE", ""), t.scalars("SPECTRAL_WINDOW_ID", -1),
            t.scalars("TIME", 0.0), t.scalars("INTERVAL", 0.0), t.arrays("DIRECTION", np.zeros(2)),
            t.arrays("PROPER_MOTION", np.zeros(2)), t.scalars("NUM_LINES", 0), t.scalars("CALIBRATION_GROUP", 0),
            t.texts("TRANSITION"), t.arrays("REST_FREQUENCY"), t.arrays("SYSVEL"), ["SYSVEL" in t.names] * t.nrow,
        )  # fmt: skip
        out = tuple(Source(i, *row) for i, row in enumerate(columns))
        t.close()
        return out

    @cached_property
    def source_frame(self) -> str:
        """Direction frame of SOURCE."""
        if not self.has_subtable("SOURCE"):
            return "J2000"
        t = self._open("SOURCE")
        frames = t.frames("DIRECTION", "J2000")
        t.close()
        return frames[0] if frames else "J2000"

    def ddids_of_spw(self, spw_id: int) -> list[int]:
        """DATA_DESC_IDs that use a spectral window."""
        return [d.id for d in self.data_descriptions if d.spw == spw_id]
