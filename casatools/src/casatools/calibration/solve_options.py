"""What to solve for and how."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from casatools._base.errors import ParameterError
from casatools.calibration.solution_intervals import SolutionInterval, parse_combine, parse_solint

__all__ = ["DEFAULT_RMS_THRESHOLDS", "SOLVE_KINDS", "FringeOptions", "SolveKind", "SolveOptions"]

# Thresholds of successive outlier excisions in units of the rms; the documented default of gaincal's rmsthresh.
DEFAULT_RMS_THRESHOLDS = (7.0, 5.0, 4.0, 3.5, 3.0, 2.8, 2.6, 2.4, 2.2, 2.5)


@dataclass(frozen=True)
class SolveKind:
    """A solvable term of the measurement equation.

    Attributes
    ----------
    vis_cal : str
        Name in the table, such as ``"G Jones"``.
    order : int
        Place in the measurement equation from the data to the sky: terms before it correct the data, those after corrupt
        the model.
    npar : int
        Parameters of an antenna or baseline in one channel.
    channels : bool
        Whether there is a solution for each channel.
    form : {"gain", "delay", "cross_delay", "cross_phase", "cross_source", "position_angle", "leakage", "baseline", "offset", "auto", "fringe"}
    is_complex : bool
    source : {"", "QU", "X"}
        What is solved of the source beside it: linear polarisation, position angle.
    full : bool
        Leakages in all orders and correlations.
    """

    vis_cal: str
    order: int
    npar: int
    channels: bool = False
    form: str = "gain"
    is_complex: bool = True
    source: str = ""
    full: bool = False


def _leakage_kinds() -> dict[str, SolveKind]:
    """Leakages: of first order or full (gen), for each channel (f), with the source's polarisation (QU) or position angle (X)."""
    return {
        f"D{f}{gen}{tail}": SolveKind(
            f"D{f.lower()}{gen.lower()} Jones", 6, 2, channels=bool(f), form="leakage", source=tail[1:], full=bool(gen)
        )
        for f in ("", "F") for gen in ("", "GEN") for tail in ("", "+QU", "+X")
    }  # fmt: skip


SOLVE_KINDS: dict[str, SolveKind] = {
    "G": SolveKind("G Jones", 4, 2),
    "T": SolveKind("T Jones", 10, 1),
    "B": SolveKind("B Jones", 3, 2, channels=True),
    "K": SolveKind("K Jones", 2, 2, form="delay", is_complex=False),
    "KCROSS": SolveKind("Kcross Jones", 5, 2, form="cross_delay", is_complex=False),
    **_leakage_kinds(),
    "DLLS": SolveKind("DLLS Jones", 6, 2, form="leakage"),
    "DFLLS": SolveKind("DfLLS Jones", 6, 2, channels=True, form="leakage"),
    "X": SolveKind("X Jones", 7, 1, form="cross_phase"),
    "XF": SolveKind("Xf Jones", 7, 1, channels=True, form="cross_phase"),
    "XJ": SolveKind("X Jones", 7, 1, form="cross_phase"),
    "POSANG": SolveKind("PosAng Jones", 7, 1, channels=True, form="position_angle", is_complex=False),
    "XY+QU": SolveKind("GlinXph Jones", 4, 2, form="cross_source", source="QU"),
    "XYF+QU": SolveKind("GlinXphf Jones", 4, 2, channels=True, form="cross_source", source="QU"),
    "XPARANG+QU": SolveKind("Xparang Jones", 7, 1, form="cross_source", source="QU"),
    "XFPARANG+QU": SolveKind("Xfparang Jones", 7, 1, channels=True, form="cross_source", source="QU"),
    "M": SolveKind("M Mueller", 0, 2, form="baseline"),
    "MF": SolveKind("Mf Mueller", 0, 2, channels=True, form="baseline"),
    "A": SolveKind("A Mueller", 0, 4, form="offset"),
    "FRINGE": SolveKind("Fringe Jones", 2, 8, form="fringe", is_complex=False),
    "ACCOR": SolveKind("Accor Jones", 4, 2, form="auto"),
}


@dataclass(frozen=True)
class FringeOptions:
    """What a fringe fit may find.

    Attributes
    ----------
    zero_rates : bool
        Set the rates to zero once they are found.
    least_squares : bool
        Refine the peaks of the transforms with all baselines.
    niter : int
        Steps of that.
    delay_window_ns, rate_window : (float, float) or ()
        Where the peaks are looked for; rates are s/s.
    active : (bool, bool, bool)
        Whether delay, rate and dispersion are fitted.
    hands : {"none", "stokes", "parallel"}
        Average the parallel hands before the fit: where both have data (stokes), or whichever has (parallel).
    one_transform : bool
        Of several spectral windows: search the transform of all; else the sum of those of each.
    """

    zero_rates: bool = False
    least_squares: bool = True
    niter: int = 100
    delay_window_ns: tuple[float, ...] = ()
    rate_window: tuple[float, ...] = ()
    active: tuple[bool, ...] = (True, True, False)
    hands: str = "none"
    one_transform: bool = True

    def __post_init__(self) -> None:
        for name, window in (("delaywindow", self.delay_window_ns), ("ratewindow", self.rate_window)):
            if len(window) not in (0, 2) or (len(window) == 2 and not window[0] < window[1]):
                raise ParameterError(f"parameter {name!r} must be a lower and an upper limit, or []; got {list(window)}")
        if len(self.active) != 3:
            raise ParameterError(
                f"parameter 'paramactive' must have three values, for delay, rate and dispersion; got {list(self.active)}"
            )


@dataclass(frozen=True)
class SolveOptions:
    """Options of a solve; see the tasks' parameters of the same names. With `flatten` visibilities are divided by their mean over channels first;
    `model_image` is an image that is the model.

    Raises
    ------
    ParameterError, UnsupportedError
        A value is not allowed, or not done yet.
    """

    kind: str = "G"
    solint: Any = "inf"
    combine: str = ""
    preavg: float = -1.0
    refant: str = ""
    refantmode: str = "flex"
    minblperant: int = 4
    minsnr: float = 3.0
    solnorm: bool = False
    normtype: str = "mean"
    calmode: str = "ap"
    solmode: str = ""
    rmsthresh: tuple[float, ...] = ()
    smodel: tuple[float, ...] = ()
    corrdepflags: bool = False
    fillgaps: int = 0
    flatten: bool = False
    model_image: str = ""
    fringe: FringeOptions = FringeOptions()

    def __post_init__(self) -> None:
        if self.kind.upper() not in SOLVE_KINDS:
            known = ", ".join(SOLVE_KINDS)
            raise ParameterError(f"there is nothing called {self.kind!r} to solve for; there are {known}")
        for name, value, allowed in (
            ("refantmode", self.refantmode, ("flex", "strict")),
            ("normtype", self.normtype, ("mean", "median")),
            ("calmode", self.calmode, ("a", "p", "ap")),
            ("solmode", self.solmode, ("", "L1", "R", "L1R")),
        ):
            if value not in allowed:
                raise ParameterError(f"parameter {name!r} must be one of {', '.join(map(repr, allowed))}; got {value!r}")
        if len(self.smodel) not in (0, 4):
            raise ParameterError(f"parameter 'smodel' must have four values, Stokes I Q U V in Jy; got {list(self.smodel)}")
        if not all(math.isfinite(v) for v in self.smodel):
            raise ParameterError(f"parameter 'smodel' must hold finite numbers; got {list(self.smodel)}")
        if not all(t > 0 for t in self.rmsthresh):
            raise ParameterError(f"parameter 'rmsthresh' must hold positive numbers; got {list(self.rmsthresh)}")
        if self.solved.source == "QU" and "field" in parse_combine(self.combine):
            raise ParameterError(f"combine='field' would join sources of different polarisation; solve {self.kind!r} for each")
        object.__setattr__(self, "interval", parse_solint(self.solint))
        object.__setattr__(self, "combined", parse_combine(self.combine))

    @property
    def solved(self) -> SolveKind:
        """The term solved for."""
        return SOLVE_KINDS[self.kind.upper()]

    @property
    def intervals(self) -> SolutionInterval:
        """The solint as read."""
        return self.__dict__["interval"]  # type: ignore[no-any-return]

    @property
    def combine_set(self) -> frozenset[str]:
        """The combine as read."""
        return self.__dict__["combined"]  # type: ignore[no-any-return]

    @property
    def thresholds(self) -> tuple[float, ...]:
        """Outlier thresholds in rms; empty without excision."""
        return () if "R" not in self.solmode else self.rmsthresh or DEFAULT_RMS_THRESHOLDS
