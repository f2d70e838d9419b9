"""The calanalysis tool: reading calibration tables as series, and fitting them."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np

from casatools._base import kinds
from casatools._base.declare import method
from casatools._base.errors import NotOpenError, ParameterError, SelectionError

if TYPE_CHECKING:
    from casatools.calibration.solution_series import SeriesOptions
    from casatools.io.caltable import CalTable

__all__ = ["calanalysis"]

Names = Annotated[bool, kinds.Bool(), "Names rather than numbers"]
Some = Annotated[
    Any, kinds.Variant((kinds.Text(numbers=True), kinds.TextList(numbers=True))), "Names or numbers; [] or '' is all"
]
Times = Annotated[
    Any, kinds.Variant((kinds.TextList(), kinds.FloatList())), "First and last time: MJD seconds or dates; [] is all"
]
Axis = Annotated[str, kinds.Text(), "What is iterated over, 'TIME' or 'FREQ'; values run along the other"]
Part = Annotated[str, kinds.Text(), "'AMPLITUDE' or 'PHASE'"]
Norm = Annotated[bool, kinds.Bool(), "Divide amplitudes by the largest of each series"]
Unwrap = Annotated[bool, kinds.Bool(), "Follow phases over turns"]
Jump = Annotated[
    float,
    kinds.Float(),
    "How near (rad) to half a turn both ends of a jump must be to be a turn; 0 follows the delay of a spectrum",
]


class calanalysis:  # CASA's name
    """A calibration table as series of solutions.

    Examples
    --------
    >>> from casatools import calanalysis
    >>> ca = calanalysis()
    >>> ca.open("day1.B")  # doctest: +SKIP
    >>> ca.get(antenna=["EA02"], axis="TIME", ap="AMPLITUDE")  # doctest: +SKIP
    """

    def __init__(self) -> None:
        self._open: CalTable | None = None
        self._path = ""

    @property
    def _table(self) -> CalTable:
        if self._open is None:
            raise NotOpenError("no calibration table is open; call open first")
        return self._open

    @method
    def open(self, caltable: Annotated[str, kinds.InPath(), "The calibration table"] = "") -> bool:
        """Open a calibration table; the one open before is closed.

        Raises
        ------
        PathMissingError, DataError
            It is missing or no calibration table.
        """
        from casatools.io.caltable import CalTable

        self._open, self._path = CalTable.open(caltable), caltable
        return True

    @method
    def close(self) -> bool:
        """Forget the table."""
        self._open, self._path = None, ""
        return True

    @method
    def calname(self) -> str:
        """Path of the table."""
        return self._path if self._open is not None else str(self._table)

    @method
    def msname(self) -> str:
        """Name of the MeasurementSet that the table was made from."""
        return os.path.basename(self._table.ms_name)

    @method
    def viscal(self) -> str:
        """What the table holds, such as 'G Jones'."""
        return self._table.vis_cal

    @method
    def partype(self) -> str:
        """Kind of the parameters: 'Complex' or 'Float'."""
        return self._table.par_type

    @method
    def polbasis(self) -> str:
        """Basis of polarisation: 'L' linear, 'C' circular, 'U' unknown."""
        return {"linear": "L", "circular": "C", "l": "L", "c": "C"}.get(self._table.pol_basis.lower(), "U")

    def _fields(self) -> list[int]:
        return [int(f) for f in np.unique(self._table.field_id)]

    def _windows(self) -> list[int]:
        return [int(s) for s in np.unique(self._table.spw_id)]

    def _named(self, numbers: list[int], names: tuple[str, ...], by_name: bool) -> list[str]:
        """Names or numbers; solutions without a reference antenna have the number -1, and the name that the reference gives it."""
        return [(names[n] if 0 <= n < len(names) else "NoName") if by_name else str(n) for n in numbers]

    @method
    def field(self, name: Names = True) -> list[str]:
        """Fields with solutions."""
        return self._named(self._fields(), self._table.field_names, name)

    @method
    def numfield(self) -> int:
        """Number of fields with solutions."""
        return len(self._fields())

    @method
    def antenna(self, name: Names = True) -> list[str]:
        """Antennas with solutions."""
        return self.antenna1(name)  # type: ignore[no-any-return]

    @method
    def numantenna(self) -> int:
        """Number of antennas with solutions."""
        return len(np.unique(self._table.antenna1))

    @method
    def antenna1(self, name: Names = True) -> list[str]:
        """Antennas with solutions."""
        return self._named([int(a) for a in np.unique(self._table.antenna1)], self._table.antenna_names, name)

    @method
    def numantenna1(self) -> int:
        """Number of antennas with solutions."""
        return len(np.unique(self._table.antenna1))

    @method
    def antenna2(self, name: Names = True) -> list[str]:
        """Reference antennas."""
        return self._named([int(a) for a in np.unique(self._table.antenna2)], self._table.antenna_names, name)

    @method
    def numantenna2(self) -> int:
        """Number of reference antennas."""
        return len(np.unique(self._table.antenna2))

    @method
    def feed(self) -> list[str]:
        """Feeds, counted from 1; 'S' for one solution for both."""
        count = self._nfeed()
        return ["S"] if count == 1 else [str(f + 1) for f in range(count)]

    @method
    def numfeed(self) -> int:
        """Number of feeds."""
        return self._nfeed()

    def _nfeed(self) -> int:
        return int(self._table.groups[0].param.shape[2]) if self._table.groups else 0

    @method
    def spw(self, name: Names = True) -> list[str]:
        """Spectral windows with solutions."""
        names = tuple(str(n) for n in self._table.subtables["SPECTRAL_WINDOW"].columns["NAME"])
        return self._named(self._windows(), names, name)

    @method
    def numspw(self) -> int:
        """Number of spectral windows with solutions."""
        return len(self._windows())

    @method
    def time(self) -> np.ndarray:
        """Times of the solutions, MJD seconds."""
        return np.unique(self._table.time_s)

    @method
    def numtime(self) -> int:
        """Number of times with solutions."""
        return len(np.unique(self._table.time_s))

    @method
    def freq(self) -> dict:
        """Frequencies (Hz) of each spectral window."""
        return {str(k): self._table.frequencies_hz[s] for k, s in enumerate(self._windows())}

    @method
    def numchannel(self) -> np.ndarray:
        """Number of channels of each spectral window."""
        return np.array([len(self._table.frequencies_hz[s]) for s in self._windows()], dtype=np.int64)

    def _series(
        self, chosen: dict[str, Any], timerange: Any, axis: str, ap: str, norm: bool, unwrap: bool, jumpmax: float
    ) -> SeriesOptions:
        from casatools.calibration.solution_series import SeriesOptions, numbers_of

        table = self._table
        names = tuple(str(n) for n in table.subtables["SPECTRAL_WINDOW"].columns["NAME"])
        fields = _solved(numbers_of(table.field_names, chosen["field"], "field"), self._fields(), "fields")
        windows = _solved(numbers_of(names, chosen["spw"], "spectral window"), self._windows(), "spectral windows")
        return SeriesOptions(
            fields, numbers_of(table.antenna_names, chosen["antenna"], "antenna"), windows,
            _feeds(self.feed(), chosen["feed"]), _time_limits(timerange), axis.upper(), ap.upper(), norm, unwrap, jumpmax,
        )  # fmt: skip

    @method
    def get(
        self,
        field: Some = [],  # noqa: B006
        antenna: Some = [],  # noqa: B006
        timerange: Times = [],  # noqa: B006
        spw: Some = [],  # noqa: B006
        feed: Some = [],  # noqa: B006
        axis: Axis = "TIME",
        ap: Part = "AMPLITUDE",
        norm: Norm = False,
        unwrap: Unwrap = False,
        jumpmax: Jump = 0.0,
    ) -> dict:
        """Series of solutions, one record for each field, antenna, feed and time (or frequency).

        Raises
        ------
        NotOpenError, SelectionError, ParameterError
            No table is open, there is no such antenna, or a choice is unknown.
        """
        from casatools.calibration.solution_series import iter_series

        chosen = {"field": field, "antenna": antenna, "spw": spw, "feed": feed}
        options = self._series(chosen, timerange, axis, ap, norm, unwrap, jumpmax)
        return {str(k): record for k, record in enumerate(iter_series(self._table, options))}

    @method
    def fit(
        self,
        field: Some = [],  # noqa: B006
        antenna: Some = [],  # noqa: B006
        timerange: Times = [],  # noqa: B006
        spw: Some = [],  # noqa: B006
        feed: Some = [],  # noqa: B006
        axis: Axis = "TIME",
        ap: Part = "AMPLITUDE",
        norm: Norm = False,
        unwrap: Unwrap = False,
        jumpmax: Jump = 0.0,
        order: Annotated[str, kinds.Text(), "'AVERAGE', 'LINEAR' or 'QUADRATIC'"] = "AVERAGE",
        type: Annotated[str, kinds.Text(), "Least squares 'LSQ', or least absolute deviations 'ROBUST'"] = "LSQ",
        weight: Annotated[bool, kinds.Bool(), "Weigh by the errors"] = False,
    ) -> dict:
        """Series of solutions with polynomials through them.

        Raises
        ------
        NotOpenError, SelectionError, ParameterError
            No table is open, there is no such antenna, or a choice is unknown.
        """
        from casatools.calibration.solution_series import FitOptions, fit_series, iter_series

        chosen = {"field": field, "antenna": antenna, "spw": spw, "feed": feed}
        options = self._series(chosen, timerange, axis, ap, norm, unwrap, jumpmax)
        how = FitOptions(order.upper(), type.upper(), weight)
        return {str(k): fit_series(record, how) for k, record in enumerate(iter_series(self._table, options))}


def _solved(wanted: list[int], there: list[int], what: str) -> list[int]:
    """Those of the numbers that have solutions."""
    found = [number for number in wanted if number in there]
    if there and not found:
        raise SelectionError(f"the calibration table has no solutions of the {what} {wanted}; there are {there}")
    return found


def _feeds(names: list[str], wanted: Any) -> list[int]:
    items = [str(i).strip() for i in (wanted.split(",") if isinstance(wanted, str) else wanted)]
    for item in filter(None, items):
        if item not in names:
            raise ParameterError(f"parameter 'feed' must be among {', '.join(names)}; got {item!r}")
    chosen = [k for k, n in enumerate(names) if n in items]
    return chosen or list(range(len(names)))


def _time_limits(given: Any) -> tuple[float, float]:
    from casatools.frames.epochs import parse_epoch

    if len(given) == 0:
        return -np.inf, np.inf
    if len(given) != 2:
        raise ParameterError(f"parameter 'timerange' must hold a first and a last time; got {given!r}")
    first, last = (float(g) if not isinstance(g, str) else parse_epoch(g) for g in given)
    return first, last
