"""Axes and data columns of plots of visibilities and solutions: their names, their labels and what they are made of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from casatools._base.errors import ParameterError

__all__ = [
    "ANTENNA_AXES", "AXES", "CHANNEL_AXES", "DATA_AXES", "EPHEMERIS_AXES", "LISTED_AXES", "OF_TABLES", "SKY_AXES", "DataColumn", "PlotOptions",
    "data_column", "normalised", "require_axes",
]  # fmt: skip

AXES: dict[str, str] = {
    "amp": "Amplitude", "phase": "Phase [deg]", "real": "Real", "imag": "Imaginary", "wtamp": "Weight x amplitude", "wt": "Weight",
    "wtsp": "Weight of channels", "sigma": "Sigma", "sigmasp": "Sigma of channels", "flag": "Flag", "flagrow": "Flag of rows",
    "uvdist": "UV distance [m]", "uvwave": "UV distance [wavelengths]", "u": "u [m]", "v": "v [m]", "w": "w [m]", "uwave": "u [wavelengths]",
    "vwave": "v [wavelengths]", "wwave": "w [wavelengths]", "time": "Time", "channel": "Channel", "frequency": "Frequency [GHz]",
    "velocity": "Velocity [km/s]", "antenna1": "Antenna 1", "antenna2": "Antenna 2", "baseline": "Baseline", "scan": "Scan", "field": "Field",
    "spw": "Spectral window", "corr": "Correlation", "row": "Row", "interval": "Interval [s]", "observation": "Observation", "intent": "Intent",
    "feed1": "Feed 1", "feed2": "Feed 2", "azimuth": "Azimuth [deg]", "elevation": "Elevation [deg]", "hourang": "Hour angle [h]",
    "parang": "Parallactic angle [deg]", "ant": "Antenna", "ant-azimuth": "Azimuth of antennas [deg]",
    "ant-elevation": "Elevation of antennas [deg]", "ant-parang": "Parallactic angle of antennas [deg]", "ant-ra": "Pointing, longitude [deg]",
    "ant-dec": "Pointing, latitude [deg]", "rho": "Distance [au]", "radialvelocity": "Radial velocity [km/s]", "snr": "Signal to noise",
    "delay": "Delay [ns]", "rate": "Delay rate [ps/s]", "disp": "Dispersive delay [mTEC]", "tsys": "System temperature [K]", "opac": "Opacity",
    "swpow": "Switched power", "tec": "Electron column [TECU]", "antpos": "Offset of antennas [m]",
}  # fmt: skip
# What only calibration tables have.
OF_TABLES = ("snr", "delay", "rate", "disp", "tsys", "opac", "swpow", "tec", "antpos")
# What is made of the values of one data column, of the field's place in the sky, of single antennas, of the channels, of ephemerides.
DATA_AXES = ("amp", "phase", "real", "imag", "wtamp")
SKY_AXES = ("azimuth", "elevation", "hourang", "parang")
ANTENNA_AXES = ("ant", "ant-azimuth", "ant-elevation", "ant-parang", "ant-ra", "ant-dec")
CHANNEL_AXES = ("channel", "frequency", "velocity")
EPHEMERIS_AXES = ("rho", "radialvelocity")
# What is written of each point into a listing.
LISTED_AXES = ("channel", "scan", "field", "antenna1", "antenna2", "time", "frequency", "spw", "corr", "observation")
_ALIASES = {
    "amplitude": "amp", "freq": "frequency", "vel": "velocity", "chan": "channel", "imaginary": "imag", "antenna": "antenna1",
    "weight": "wt", "wt*amp": "wtamp", "wtxamp": "wtamp", "weightspectrum": "wtsp", "weight_spectrum": "wtsp", "sigmaspectrum": "sigmasp",
    "flag_row": "flagrow", "correlation": "corr", "gainamp": "amp", "gamp": "amp", "gainphase": "phase", "gphase": "phase",
    "gainreal": "real", "greal": "real", "gainimag": "imag", "gimag": "imag", "del": "delay", "delayrate": "rate", "dispdelay": "disp",
    "dispersive": "disp", "opacity": "opac", "swpower": "swpow", "swp": "swpow", "spgain": "swpow", "ant1": "antenna1", "ant2": "antenna2", "poln": "corr",
    "polarization": "corr", "timeint": "interval", "timeinterval": "interval", "time_interval": "interval", "obs": "observation",
    "uvdistl": "uvwave", "uvdist_l": "uvwave", "azi": "azimuth", "az": "azimuth", "ele": "elevation", "el": "elevation",
    "hourangle": "hourang", "ha": "hourang", "parangle": "parang", "pa": "parang", "ant-parangle": "ant-parang", "ant-pa": "ant-parang",
    "ant-az": "ant-azimuth", "ant-el": "ant-elevation", "distance": "rho", "radvel": "radialvelocity", "radial velocity": "radialvelocity",
    "signal to noise": "snr", "antenna positions": "antpos", "positions": "antpos",
}  # fmt: skip
_COLUMNS = {"data": "DATA", "corrected": "CORRECTED_DATA", "model": "MODEL_DATA", "float": "FLOAT_DATA"}


@dataclass(frozen=True)
class DataColumn:
    """A data column, or two compared.

    Attributes
    ----------
    first, second : str
        Columns of the MeasurementSet; `second` is '' where nothing is compared.
    ratio : bool
        The first divided by the second instead of less the second.
    scalar : bool
        Compare amplitudes and phases instead of complex values.
    """

    first: str
    second: str = ""
    ratio: bool = False
    scalar: bool = False

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns to read."""
        return (self.first, self.second) if self.second else (self.first,)


def _data_columns() -> dict[str, DataColumn]:
    known = {"": DataColumn("DATA"), **{name: DataColumn(column) for name, column in _COLUMNS.items()}}
    for name in ("corrected", "data"):
        for sign in "-/":
            for ending in ("", "_vector", "_scalar"):
                known[f"{name}{sign}model{ending}"] = DataColumn(_COLUMNS[name], "MODEL_DATA", sign == "/", ending == "_scalar")
    known["residual"] = known["corrected-model"]
    return known


_DATA_COLUMNS = _data_columns()


def data_column(name: str) -> DataColumn:
    """The data column of a name such as ``corrected`` or ``data/model_scalar``; raise ParameterError for an unknown one."""
    found = _DATA_COLUMNS.get(name.strip().lower())
    if found is None:
        known = ", ".join(n for n in _DATA_COLUMNS if n)
        raise ParameterError(f"plotms: there is no data column {name!r}; there are {known}")
    return found


def normalised(name: str) -> str:
    """The axis that a name stands for."""
    lowered = name.strip().lower()
    return _ALIASES.get(lowered, lowered)


@dataclass(frozen=True)
class PlotOptions:
    """What to plot.

    Attributes
    ----------
    x, y : str
        Names out of `AXES`.
    x_column, y_column : str
        ``data``, ``corrected``, ``model``, ``float``, ``residual``, or two compared: see `data_column`.
    channels : int
        Channels averaged; 1 is none.
    time_s : float [s]
        Time averaged; 0 is none.
    over_scan, over_field, over_baseline, over_antenna, over_spw : bool
        Average over these too; over an antenna are all baselines of each antenna.
    scalar : bool
        Average amplitudes and phases rather than complex values.
    rest_frequency_hz : float
        For velocities; 0 takes the middle of the window.
    frame : str
        Frame of frequencies and velocities; '' leaves that of the data.
    doppler : str
        RADIO, OPTICAL or TRUE velocities.
    phase_centre : str
        Direction that the phases are turned to, or offsets in longitude and latitude; '' leaves them.
    callib : tuple of str
        Lines of a calibration library, or a file's name, with which CORRECTED_DATA are made on the way.
    pointing_frame, pointing_interpolation : str
        Frame, and ``nearest`` or ``cubic``, of ant-ra and ant-dec.
    color, iterate : str
        Axes that give colours, and panels.
    flagged : bool
        Give flagged points too.
    connect : str
        ``x`` or ``time``: say which points a line joins, along the horizontal axis or in time; '' does not.
    ratio : bool
        Of a calibration table: the solutions of the first receptor divided by those of the second.
    listed : bool
        Give what `LISTED_AXES` names of each point too.
    """

    x: str = "time"
    y: str = "amp"
    x_column: str = "data"
    y_column: str = "data"
    channels: int = 1
    time_s: float = 0.0
    over_scan: bool = False
    over_field: bool = False
    over_baseline: bool = False
    over_antenna: bool = False
    over_spw: bool = False
    scalar: bool = False
    rest_frequency_hz: float = 0.0
    frame: str = ""
    doppler: str = "RADIO"
    phase_centre: str = ""
    callib: tuple[str, ...] = ()
    pointing_frame: str = "J2000"
    pointing_interpolation: str = "cubic"
    color: str = ""
    iterate: str = ""
    flagged: bool = False
    connect: str = ""
    ratio: bool = False
    listed: bool = False

    @property
    def axes(self) -> dict[str, str]:
        """What is asked for by its use: x, y, and color and panel where there are any."""
        uses = {"x": self.x, "y": self.y, "color": self.color, "panel": self.iterate}
        return {use: axis for use, axis in uses.items() if axis}

    @property
    def averages(self) -> bool:
        """Whether anything is averaged."""
        over = self.over_scan or self.over_field or self.over_baseline or self.over_antenna or self.over_spw
        return over or self.channels > 1 or self.time_s > 0


def require_axes(options: PlotOptions, known: Any) -> None:
    """Raise ParameterError for an axis that is not among those known."""
    for name in options.axes.values():
        if name not in known:
            raise ParameterError(f"plotms: there is no axis {name!r}; there are {', '.join(known)}")
