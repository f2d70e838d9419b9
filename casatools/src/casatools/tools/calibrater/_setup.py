"""State of the calibrater tool: what is open, selected, applied and solved for."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Annotated, Any

from casatools._base import kinds, log
from casatools._base.declare import method
from casatools._base.errors import NotOpenError, ParameterError, UnsupportedError
from casatools.calibration.solve_options import FringeOptions, SolveOptions

__all__ = ["Applied", "SetupMethods", "expression"]

Items = Annotated[
    Any, kinds.Variant((kinds.Text(numbers=True), kinds.TextList(numbers=True))), "An expression, or a list of items"
]
Time = Annotated[
    Any, kinds.Variant((kinds.Text(numbers=True), kinds.TextList(numbers=True))), "Solution interval: 'inf', 'int' or a time"
]
RefAnt = Annotated[
    Any, kinds.Variant((kinds.Text(numbers=True), kinds.TextList(numbers=True))), "Reference antennas in order of preference"
]
Unused = Annotated[Any, kinds.Variant(), "Must keep its default: this form of solve is not available"]


def expression(given: Any) -> str:
    """A selection as one text; lists are joined by commas."""
    return ",".join(str(g) for g in given) if isinstance(given, (list, tuple)) else str(given)


@dataclass
class Applied:
    """One table to apply."""

    table: str
    field: str
    interp: str
    calwt: bool
    spwmap: tuple[int, ...]


@dataclass
class _State:
    path: str = ""
    selection: dict[str, str] = field(default_factory=dict)
    applied: list[Applied] = field(default_factory=list)
    parang: bool = False
    callib: str = ""
    solve: SolveOptions | None = None
    solve_table: str = ""
    solve_append: bool = False
    curves: Any = None
    stokes: tuple[float, ...] = ()
    corrdepflags: bool = False
    record: dict[str, Any] = field(default_factory=dict)


class SetupMethods:
    """Opening, selecting, choosing what to apply and solve."""

    def __init__(self) -> None:
        self._state = _State()

    def _path(self) -> str:
        if not self._state.path:
            raise NotOpenError("no MeasurementSet is open; call open first")
        return self._state.path

    @method
    def open(
        self,
        filename: Annotated[str, kinds.InPath(), "The MeasurementSet"],
        compress: Annotated[bool, kinds.Bool(), "Compress the scratch columns; must be False"] = False,
        addcorr: Annotated[bool, kinds.Bool(), "Add CORRECTED_DATA where it is missing"] = True,
        addmodel: Annotated[bool, kinds.Bool(), "Add MODEL_DATA where it is missing"] = True,
    ) -> bool:
        """Open a MeasurementSet; the one open before is closed.

        Raises
        ------
        PathMissingError, DataError, UnsupportedError
            It is missing or is no MeasurementSet; compressed columns were asked for.
        """
        from casatools.calibration.scratch_columns import fill_corrected, fill_model
        from casatools.io.ms import MeasurementSet

        if compress:
            raise UnsupportedError("calibrater.open: compress=True is not available; use False")
        with MeasurementSet(filename) as ms:
            missing = (addcorr and not ms.has("CORRECTED_DATA")) or (addmodel and not ms.has("MODEL_DATA"))
        if missing:
            with MeasurementSet(filename, writable=True) as ms:
                if addcorr:
                    fill_corrected(ms)
                if addmodel:
                    fill_model(ms)
        self._state = _State(path=filename)
        return True

    @method
    def close(self) -> bool:
        """Forget the MeasurementSet and all settings."""
        self._state = _State()
        return True

    @method
    def done(self) -> bool:
        """Forget the MeasurementSet and all settings."""
        self._state = _State()
        return True

    @method
    def setvi(
        self,
        old: Annotated[bool, kinds.Bool(), "The reference's old reader; there is one, and the log says so"] = False,
        quiet: Annotated[bool, kinds.Bool(), "Kept for CASA's signature: nothing is said in either case"] = False,
    ) -> bool:
        """Choose how data are read; there is one way."""
        if old:
            log.post("calibrater.setvi: old=True: there is one reader, which gives what the old one gave", "WARN")
        return True

    @method
    def selectvis(
        self,
        time: Items = [],  # noqa: B006
        spw: Items = [],  # noqa: B006
        scan: Items = [],  # noqa: B006
        field: Items = [],  # noqa: B006
        intent: Items = [],  # noqa: B006
        observation: Items = [],  # noqa: B006
        baseline: Items = [],  # noqa: B006
        uvrange: Items = [],  # noqa: B006
        chanmode: Annotated[str, kinds.Text(), "Channel selection of old; must be 'none': put channels into spw"] = "none",
        nchan: Annotated[int, kinds.Int(), "Of chanmode"] = 1,
        start: Annotated[int, kinds.Int(), "Of chanmode"] = 0,
        step: Annotated[int, kinds.Int(), "Of chanmode"] = 1,
        mstart: Annotated[Any, kinds.Quantity("km/s"), "Of chanmode"] = {"value": 0.0, "unit": "km/s"},  # noqa: B006
        mstep: Annotated[Any, kinds.Quantity("km/s"), "Of chanmode"] = {"value": 0.0, "unit": "km/s"},  # noqa: B006
        msselect: Annotated[str, kinds.Text(), "Further selection as a TaQL expression"] = "",
    ) -> bool:
        """Select the data to use in what follows; nothing given selects all.

        Raises
        ------
        NotOpenError, SelectionError, UnsupportedError
            No MeasurementSet is open; the selection cannot be read or matches nothing.
        """
        from casatools.io.ms import MeasurementSet, Selection

        if chanmode not in ("none", "") or (nchan, start, step) != (1, 0, 1) or mstart["value"] or mstep["value"]:
            raise ParameterError("calibrater.selectvis: chanmode is no longer known; put channels into spw, such as spw='0:5~60'")
        chosen = {
            "timerange": time, "spw": spw, "scan": scan, "field": field, "intent": intent, "observation": observation,
            "antenna": baseline, "uvrange": uvrange, "taql": msselect,
        }  # fmt: skip
        selection = {name: expression(value) for name, value in chosen.items()}
        with MeasurementSet(self._path()) as ms:
            Selection(**selection).resolve(ms)
        self._state.selection = selection
        return True

    @method
    def setptmodel(
        self,
        stokes: Annotated[list[float], kinds.FloatList(), "Stokes I, Q, U, V (Jy)"] = [0.0, 0.0, 0.0, 0.0],  # noqa: B006
    ) -> bool:
        """Use a point source at the phase centre as the model of solves."""
        self._path()
        self._state.stokes = tuple(stokes)
        return True

    @method
    def setmodel(self, modelimage: Annotated[str, kinds.InPath(), "An image [Jy/pixel]"]) -> bool:
        """Use an image as the model of what setsolve chose, in place of what the MeasurementSet has.

        Raises
        ------
        NotOpenError, ParameterError, PathMissingError, DataError
            No MeasurementSet is open, setsolve was not called yet, or the image is missing or no model.
        """
        from casatools.calibration.predict_sky import ImagePlanes

        self._path()
        if self._state.solve is None:
            raise ParameterError("calibrater.setmodel: nothing to solve for is set; call setsolve first")
        ImagePlanes.read(modelimage)
        self._state.solve = replace(self._state.solve, model_image=modelimage)
        return True

    @method
    def setcorrdepflags(self, corrdepflags: Annotated[bool, kinds.Bool(), "Use flags as they are per correlation"]) -> bool:
        """Choose how flags of single correlations count in solves."""
        self._path()
        self._state.corrdepflags = corrdepflags
        return True

    @method
    def setapply(
        self,
        type: Annotated[
            str, kinds.Text(), "Kind of table; only 'P' (parallactic angle) is needed, tables say what they are"
        ] = "",
        t: Annotated[
            Any, kinds.Variant((kinds.Float(), kinds.Text())), "Kept for CASA's signature: solutions are interpolated"
        ] = 0.0,
        table: Annotated[str, kinds.InPath(), "The calibration table"] = "",
        field: Items = [],  # noqa: B006
        interp: Annotated[str, kinds.Text(), "Interpolation 'time,frequency'"] = "linear",
        select: Annotated[str, kinds.Text(), "Selection of solutions; must be ''"] = "",
        calwt: Annotated[bool, kinds.Bool(), "Scale the weights too"] = False,
        spwmap: Annotated[
            list[int], kinds.IntList(), "Spectral window of the solutions for each of the data; [-1] is the same"
        ] = [-1],  # noqa: B006
        opacity: Annotated[list[float], kinds.FloatList(), "Zenith opacity; must be 0: use an opacity table"] = [0.0],  # noqa: B006
    ) -> bool:
        """Add a calibration table to those applied by correct, corrupt and solve.

        Raises
        ------
        NotOpenError, PathMissingError, DataError, ParameterError, UnsupportedError
            No MeasurementSet is open; the table cannot be applied.
        """
        from casatools.calibration.correct import LibraryOptions
        from casatools.io.ms import MeasurementSet

        path = self._path()
        if select or any(opacity):
            raise UnsupportedError(
                "calibrater.setapply: select and opacity are not available; use field, or an opacity table of gencal"
            )
        if type.upper() in ("P", "P JONES") and not table:
            self._state.parang = True
            return True
        if not table:
            raise ParameterError("calibrater.setapply: parameter 'table' must name a calibration table; got ''")
        mapping = () if list(spwmap) == [-1] else tuple(spwmap)
        applied = Applied(table, expression(field), interp, calwt, mapping)
        with MeasurementSet(path) as ms:
            LibraryOptions((table,), (applied.field,), (interp,), (list(mapping),) if mapping else (), (calwt,)).load(ms)
        self._state.applied.append(applied)
        self._state.callib = ""
        return True

    @method
    def setcallib(
        self,
        callib: Annotated[dict[str, Any], kinds.Record(), "A calibration library as parsecallibfile gives"] = {},  # noqa: B006
    ) -> bool:
        """Apply a calibration library in place of what setapply named; {} applies nothing.

        Raises
        ------
        NotOpenError, PathMissingError, DataError, ParameterError, SelectionError
            No MeasurementSet is open, or a table or rule cannot be used.
        """
        from casatools.calibration.callib import library_text
        from casatools.calibration.correct import LibraryOptions
        from casatools.io.ms import MeasurementSet

        lines = library_text(callib)
        with MeasurementSet(self._path()) as ms:
            LibraryOptions(lines=lines).load(ms)
        self._state.applied, self._state.callib = [], lines
        return True

    @method
    def setsolve(
        self,
        type: Annotated[str, kinds.Text(), "What to solve for: G, T, B, K, ..."] = "MF",
        t: Time = [],  # noqa: B006
        table: Annotated[str, kinds.OutPath(), "Output calibration table"] = "",
        append: Annotated[bool, kinds.Bool(), "Append to a table that is there"] = False,
        preavg: Annotated[float, kinds.Float(), "Average to this time (s) before solving"] = -1.0,
        phaseonly: Annotated[bool, kinds.Bool(), "Solve for phase only"] = False,
        apmode: Annotated[str, kinds.Choice(("AP", "A", "P"), fold=True), "Amplitude, phase or both"] = "AP",
        refant: RefAnt = [],  # noqa: B006
        refantmode: Annotated[str, kinds.Choice(("flex", "strict")), "When the reference antenna is missing"] = "flex",
        minblperant: Annotated[int, kinds.Int(min=1), "Least number of baselines of an antenna"] = 4,
        solnorm: Annotated[bool, kinds.Bool(), "Normalise the solutions"] = False,
        normtype: Annotated[str, kinds.Choice(("mean", "median"), fold=True), "What is normalised to one"] = "mean",
        minsnr: Annotated[float, kinds.Float(), "Flag solutions with less signal to noise"] = 0.0,
        combine: Annotated[str, kinds.Text(), "Boundaries a solution may cross"] = "",
        fillgaps: Annotated[int, kinds.Int(min=0), "Fill gaps of flagged channels up to this many"] = 0,
        cfcache: Unused = "",
        painc: Unused = 360.0,
        fitorder: Unused = 0,
        fraction: Unused = 0.1,
        numedge: Unused = -1,
        radius: Unused = "",
        smooth: Unused = True,
        zerorates: Annotated[bool, kinds.Bool(), "Fringe fits: write zero rates"] = False,
        globalsolve: Annotated[bool, kinds.Bool(), "Fringe fits: refine with least squares over all baselines"] = True,
        niter: Annotated[int, kinds.Int(min=0), "Fringe fits: steps of the least squares"] = 100,
        corrcomb: Annotated[
            str, kinds.Choice(("none", "stokes", "parallel")), "Fringe fits: combine correlations first"
        ] = "none",
        delaywindow: Annotated[list[float], kinds.FloatList(), "Fringe fits: limits (ns) of the search for delays"] = [],  # noqa: B006
        ratewindow: Annotated[list[float], kinds.FloatList(), "Fringe fits: limits (s/s) of the search for rates"] = [],  # noqa: B006
        paramactive: Annotated[
            list[bool], kinds.BoolList(), "Fringe fits: fit delay, rate, dispersion; [] is delay and rate"
        ] = [],  # noqa: B006
        concatspws: Annotated[bool, kinds.Bool(), "Fringe fits: one transform of all spectral windows"] = True,
        solmode: Annotated[str, kinds.Choice(("", "L1", "R", "L1R")), "Robust solving"] = "",
        rmsthresh: Annotated[list[float], kinds.FloatList(), "Thresholds of outlier excisions, in rms"] = [],  # noqa: B006
    ) -> bool:
        """Choose what solve solves for.

        Raises
        ------
        NotOpenError, ParameterError, UnsupportedError
            No MeasurementSet is open; a value cannot be read or is not available.
        """
        self._path()
        given = {k: v for k, v in locals().items() if k != "self"}
        declared = {p.name: p.default for p in SetupMethods.setsolve.__declaration__.parameters}  # type: ignore[attr-defined]
        for name in ("cfcache", "painc", "fitorder", "fraction", "numedge", "radius", "smooth"):
            if given[name] != declared[name]:
                raise UnsupportedError(f"calibrater.setsolve: {name}={given[name]!r} is not available; leave {declared[name]!r}")
        fringe = FringeOptions(
            zerorates, globalsolve, niter, tuple(delaywindow), tuple(ratewindow), tuple(paramactive) or (True, True, False),
            corrcomb, concatspws,
        )  # fmt: skip
        self._state.solve = SolveOptions(
            fringe=fringe, kind=type.split(" ")[0], solint=expression(t) or "inf", combine=combine, preavg=preavg, refant=expression(refant),
            refantmode=refantmode, minblperant=minblperant, minsnr=minsnr, solnorm=solnorm, normtype=normtype,
            calmode="p" if phaseonly else apmode.lower(), solmode=solmode, rmsthresh=tuple(rmsthresh), fillgaps=fillgaps,
        )  # fmt: skip
        self._state.solve_table, self._state.solve_append, self._state.curves = table, append, None
        return True

    @method
    def setsolvebandpoly(
        self,
        table: Annotated[str, kinds.OutPath(), "Output calibration table"] = "",
        append: Annotated[bool, kinds.Bool(), "Append to a table that is there; must be False"] = False,
        t: Time = [],  # noqa: B006
        combine: Annotated[str, kinds.Text(), "Boundaries a solution may cross"] = "",
        degamp: Annotated[int, kinds.Int(min=0), "Degree of the amplitude"] = 3,
        degphase: Annotated[int, kinds.Int(min=0), "Degree of the phase"] = 3,
        visnorm: Annotated[bool, kinds.Bool(), "Divide each visibility by its mean over the channels first"] = False,
        solnorm: Annotated[bool, kinds.Bool(), "Normalise to a mean power of one and a mean phase of zero"] = True,
        maskcenter: Annotated[int, kinds.Int(min=0), "Channels left out in the middle"] = 0,
        maskedge: Annotated[float, kinds.Float(), "Per cent of the channels left out at each edge"] = 5.0,
        refant: RefAnt = [],  # noqa: B006
    ) -> bool:
        """Solve for bandpass polynomials.

        Raises
        ------
        NotOpenError, ParameterError, UnsupportedError
            No MeasurementSet is open; a value cannot be read; append is True.
        """
        from casatools.calibration.solve_curves import PolynomialOptions

        self._path()
        curves = PolynomialOptions(degamp, degphase, solnorm, maskcenter, int(maskedge))
        options = SolveOptions(
            kind="B", solint=expression(t) or "inf", combine=combine, refant=expression(refant), minsnr=0.0, flatten=visnorm
        )
        self._state.solve, self._state.curves = options, curves
        self._state.solve_table, self._state.solve_append = table, append
        return True

    @method
    def setsolvegainspline(
        self,
        table: Annotated[str, kinds.OutPath(), "Output calibration table"] = "",
        append: Annotated[bool, kinds.Bool(), "Append to a table that is there; must be False"] = False,
        mode: Annotated[
            str, kinds.Choice(("PHAS", "AMP", "PHASAMP", "AMPPHAS", "P", "A", "AP"), fold=True), "Phase, amplitude or both"
        ] = "PHAS",
        splinetime: Annotated[float, kinds.Float(), "Time between knots (s)"] = 10800.0,
        preavg: Annotated[float, kinds.Float(), "Average to this time (s) before the fit; 0 is each integration"] = 0.0,
        npointaver: Annotated[int, kinds.Int(min=1), "Points whose mean phase the next one is compared with"] = 10,
        phasewrap: Annotated[float, kinds.Float(), "A phase jump above this (deg) is a wrap"] = 250.0,
        refant: RefAnt = [],  # noqa: B006
    ) -> bool:
        """Solve for gains that are splines in time.

        Raises
        ------
        NotOpenError, ParameterError
            No MeasurementSet is open; a value cannot be read.
        """
        from casatools.calibration.solve_curves import SplineOptions

        self._path()
        calmode = ("a" if "A" in mode.replace("PHAS", "P") else "") + ("p" if "P" in mode.replace("AMP", "A") else "")
        options = SolveOptions(
            kind="G", solint=f"{preavg}s" if preavg > 0 else "int", calmode=calmode, refant=expression(refant), minsnr=0.0
        )  # fmt: skip
        self._state.solve, self._state.curves = options, SplineOptions(splinetime, npointaver, phasewrap)
        self._state.solve_table, self._state.solve_append = table, append
        return True

    @method
    def reset(
        self,
        apply: Annotated[bool, kinds.Bool(), "Forget the tables to apply"] = True,
        solve: Annotated[bool, kinds.Bool(), "Forget what to solve for"] = True,
    ) -> bool:
        """Forget settings."""
        if apply:
            self._state.applied, self._state.callib, self._state.parang = [], "", False
        if solve:
            self._state.solve = None
        return True

    @method
    def state(self) -> bool:
        """Write the settings to the log."""
        log.post(
            f"calibrater: {self._path()}; selected {self._state.selection}; applied {self._state.applied}; solve {self._state.solve}"
        )
        return True
