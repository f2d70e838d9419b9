"""Tables that are not solved for: values given, measured by the telescope, or looked up. What gencal does."""

from __future__ import annotations

from dataclasses import dataclass, field

from casatools._base import log
from casatools._base.errors import ParameterError
from casatools.calibration.given_calibration import GivenCalibration, write_given_calibration
from casatools.calibration.jy_per_kelvin import ServiceOptions
from casatools.calibration.measured_calibration import SWITCHED, write_switched_power, write_system_temperatures
from casatools.calibration.solve_session import check_output
from casatools.io.ms import MeasurementSet

__all__ = ["CALTYPES", "MEASURED", "TableRequest", "generate_table"]

CALTYPES = (
    "amp", "ph", "sbd", "mbd", "antpos", "antposvla", "tsys", "evlagain", "swpow", "swpwts", "rq", "swp/rq", "opac", "gc",
    "gceff", "eff", "tecim", "jyperk", "eop",
)  # fmt: skip
# Kinds whose values are found, not given.
MEASURED = ("tsys", "jyperk", "tecim", "eop", *SWITCHED)
_WITH_FILE = ("gc", "gceff", "antpos", "jyperk", "tecim", "eop")
# What of spw, antenna, pol and parameter a kind takes; others are told in the log, as CASA passes over them.
_TAKEN = {**dict.fromkeys(("amp", "ph", "sbd", "mbd"), ("spw", "antenna", "pol", "parameter")), "opac": ("spw", "antenna", "parameter"),
          **dict.fromkeys(("antpos", "antposvla"), ("antenna", "parameter"))}  # fmt: skip


@dataclass(frozen=True)
class TableRequest:
    """What table is wanted; parameters of gencal by their own names.

    Raises
    ------
    ParameterError
        An unknown caltype, or parameters that it does not take.
    """

    caltype: str
    spw: str = ""
    antenna: str = ""
    pol: str = ""
    parameter: tuple[float, ...] = ()
    infile: str = ""
    service: ServiceOptions = field(default_factory=ServiceOptions)
    ant_pos_time_limit: int = 0
    uniform: bool = True

    def __post_init__(self) -> None:
        if self.caltype not in CALTYPES:
            raise ParameterError(
                f"gencal: parameter 'caltype' must be one of {', '.join(map(repr, CALTYPES))}; got {self.caltype!r}"
            )
        if self.infile and self.caltype not in _WITH_FILE:
            raise ParameterError(f"gencal: caltype={self.caltype!r} takes no 'infile'; got {self.infile!r}")
        if self.infile and self.parameter and self.caltype == "antpos":
            raise ParameterError("gencal: give antenna positions in 'infile' or offsets in 'parameter', not both")
        if self.caltype == "tecim" and not self.infile.strip():
            raise ParameterError("gencal: caltype='tecim' needs 'infile', an IONEX file or an image of electron columns")
        if self.ant_pos_time_limit < 0:
            raise ParameterError(f"gencal: parameter 'ant_pos_time_limit' must not be negative; got {self.ant_pos_time_limit}")
        looked_up = self.caltype == "antpos" and not self.parameter
        if self.caltype in MEASURED or (looked_up and self.infile):
            given = {"antenna": self.antenna, "pol": self.pol, "parameter": list(self.parameter)}
            for name, value in given.items():
                if value:
                    raise ParameterError(
                        f"gencal: caltype={self.caltype!r} finds its values itself; parameter {name!r} must be empty, got {value!r}"
                    )
        if looked_up and self.antenna.strip() and not self.infile:
            raise ParameterError(
                "gencal: positions of antennas are looked up for all of them; give 'parameter' too, or no 'antenna'"
            )

    @property
    def without_use(self) -> list[str]:
        """Parameters that were given and that the kind does not take."""
        given = {"spw": self.spw, "antenna": self.antenna, "pol": self.pol, "parameter": self.parameter}
        return [name for name, value in given.items() if value and name not in _TAKEN.get(self.caltype, ())]

    def given(self) -> GivenCalibration:
        """The request as values that are given."""
        return GivenCalibration(self.caltype, self.spw, self.antenna, self.pol, self.parameter, self.infile)


def generate_table(vis: str, caltable: str, request: TableRequest) -> None:
    """Write a table.

    Raises
    ------
    PathMissingError, DataError, ParameterError, SelectionError, UnsupportedError
        Something is missing or does not fit, or a service cannot be reached. Nothing is written then.
    """
    if request.without_use:
        names = ", ".join(map(repr, request.without_use))
        log.post(f"gencal: caltype={request.caltype!r} does not take {names}; its values are of the whole MeasurementSet", "WARN")
    if request.caltype == "tsys":
        write_system_temperatures(vis, caltable, request.uniform)
    elif request.caltype in SWITCHED:
        write_switched_power(vis, caltable, request.caltype)
    elif request.caltype == "jyperk":
        _write_jansky_gains(vis, caltable, request)
    elif request.caltype == "tecim":
        from casatools.calibration.electron_columns import write_electron_columns

        write_electron_columns(vis, caltable, request.infile)
    elif request.caltype == "eop":
        from casatools.calibration.orientation_delays import write_orientation_delays

        write_orientation_delays(vis, caltable, request.infile)
    elif request.caltype == "gc" and not request.infile and _brings_curves(vis):
        from casatools.calibration.power_curves import write_power_curves

        write_power_curves(vis, caltable)
    elif request.caltype == "antpos" and not request.parameter:
        _write_positions(vis, caltable, request)
    else:
        write_given_calibration(vis, caltable, request.given())


def _brings_curves(vis: str) -> bool:
    from casatools.calibration.power_curves import has_power_curves

    with MeasurementSet(vis) as ms:
        return has_power_curves(ms)


def _write_jansky_gains(vis: str, caltable: str, request: TableRequest) -> None:
    from casatools.calibration.jy_per_kelvin import fetch_factors, jansky_gains, read_factors

    check_output(caltable, False, "G Jones")
    factors = read_factors(request.infile, vis) if request.infile else None
    given = GivenCalibration("amp", parameter=(1.0,))
    write_given_calibration(
        vis, caltable, given, lambda ms: jansky_gains(ms, factors if factors is not None else fetch_factors(ms, request.service)),
        joined=factors is None or len(factors) > 1,
    )  # fmt: skip


def _write_positions(vis: str, caltable: str, request: TableRequest) -> None:
    from casatools.calibration.antenna_positions import find_vla_offsets, read_alma_offsets

    with MeasurementSet(vis) as ms:
        offsets = read_alma_offsets(ms, request.infile) if request.infile else find_vla_offsets(ms, request.ant_pos_time_limit)
    if not offsets:
        log.post("gencal: no offsets of antenna positions were found; no table is written", "WARN")
        return
    parameter = tuple(float(v) for offset in offsets.values() for v in offset)
    write_given_calibration(vis, caltable, GivenCalibration("antpos", antenna=",".join(offsets), parameter=parameter))
