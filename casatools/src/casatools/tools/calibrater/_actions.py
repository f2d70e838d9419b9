"""What the calibrater tool does with the data: solve, correct, corrupt."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from casatools._base import kinds
from casatools._base.declare import method
from casatools._base.errors import ParameterError
from casatools.tools.calibrater._setup import expression

if TYPE_CHECKING:
    from casatools.calibration.correct import LibraryOptions
    from casatools.tools.calibrater._setup import _State

__all__ = ["ActionMethods"]


class ActionMethods:
    """Solving and applying."""

    if TYPE_CHECKING:
        _state: _State

        def _path(self) -> str: ...

    def _library(self) -> LibraryOptions:
        from casatools.calibration.correct import LibraryOptions

        if self._state.callib:
            return LibraryOptions(lines=self._state.callib)
        applied = self._state.applied
        maps = tuple(list(a.spwmap) for a in applied)
        return LibraryOptions(
            tuple(a.table for a in applied), tuple(a.field for a in applied), tuple(a.interp for a in applied),
            maps if any(maps) else (), tuple(a.calwt for a in applied) or (True,),
        )  # fmt: skip

    @method
    def solve(self) -> bool:
        """Solve as set by setsolve, with the tables of setapply applied, and write the table.

        Returns
        -------
        bool
            True; `returndict` and `activityrec` give the counts of solutions.

        Raises
        ------
        NotOpenError, ParameterError, DataError, SelectionError
            No MeasurementSet is open, nothing is set, or nothing can be solved. Nothing is written then.
        """
        from dataclasses import replace

        from casatools.calibration.solve_session import PriorTables, solve_to_table
        from casatools.io.ms import Selection

        path, state = self._path(), self._state
        if state.solve is None:
            raise ParameterError("calibrater.solve: nothing to solve for is set; call setsolve first")
        state.record = {}
        smodel = state.stokes if any(state.stokes) else ()
        options = replace(state.solve, smodel=smodel, corrdepflags=state.corrdepflags)
        tables = self._library()
        priors = PriorTables(
            tables.gaintable, tables.gainfield, tables.interp, tables.spwmap, state.parang, calwt=tables.calwt, lines=tables.lines
        )
        selection = Selection(**state.selection)
        if state.curves is not None:
            from casatools.calibration.solve_curves import solve_curves

            state.record = solve_curves(path, state.solve_table, selection, options, priors, state.curves, state.solve_append)
        else:
            state.record = solve_to_table(path, state.solve_table, selection, options, priors, state.solve_append)
        return True

    @method
    def correct(
        self,
        applymode: Annotated[
            str,
            kinds.Choice(("", "calflag", "calflagstrict", "trial", "flagonly", "flagonlystrict", "calonly")),
            "What is done: calibrate and flag ('' or 'calflag'), also flag what has no solutions, only count, flag or calibrate",
        ] = "",
    ) -> bool:
        """Apply the tables of setapply to the selected data."""
        from casatools.calibration.correct import ApplyOptions, correct_visibilities

        correct_visibilities(self._path(), self._state.selection, self._library(), ApplyOptions(applymode, self._state.parang))
        return True

    @method
    def corrupt(self) -> bool:
        """Put the effects in the tables of setapply into MODEL_DATA of the selected data."""
        from casatools.calibration.corrupt import corrupt_model

        corrupt_model(self._path(), self._state.selection, self._library(), self._state.parang)
        return True

    @method
    def returndict(self) -> dict:
        """What is applied and selected; after a solve what it applied, selected, wrote and counted, as the solve tasks return it.

        Raises
        ------
        NotOpenError
            No MeasurementSet is open.
        """
        from casatools.calibration.solve_session import PriorTables, activity_record

        path, state = self._path(), self._state
        tables = tuple(a.table for a in state.applied)
        return dict(state.record or activity_record(path, state.selection, PriorTables(tables)))

    @method
    def activityrec(self) -> dict:
        """Counts of the last solve by spectral window; {} before any.

        Returns
        -------
        dict
            ``nExpected``, ``nAttempt`` (with data) and ``nSucceed`` (with enough baselines) intervals (spw,), and ``origin``.
        """
        from casatools.calibration.solve_statistics import window_counts

        counts = window_counts(self._state.record.get("solvestats", {}))
        return {**counts, "origin": "calibrater.solve"} if counts else {}

    @method
    def initcalset(self, calset: Annotated[int, kinds.Int(), "Kept for CASA's signature: there is one set"] = 0) -> bool:
        """Reset CORRECTED_DATA to DATA and, where it exists, MODEL_DATA to a unit point, which CASA's tool no longer does; see the task clearcal."""
        from casatools.calibration.scratch_columns import clear_calibration

        clear_calibration(self._path(), {}, False)
        return True

    @method
    def delmod(
        self,
        otf: Annotated[bool, kinds.Bool(), "Remove virtual models"] = False,
        field: Annotated[Any, kinds.Variant(), "Fields whose virtual models are removed; [] is all"] = [],  # noqa: B006
        spw: Annotated[Any, kinds.Variant(), "Spectral windows whose virtual models are removed; [] is all"] = [],  # noqa: B006
        scr: Annotated[bool, kinds.Bool(), "Remove MODEL_DATA"] = False,
    ) -> bool:
        """Remove models."""
        from casatools.calibration.scratch_columns import delete_models

        delete_models(self._path(), otf, expression(field), scr, expression(spw))
        return True

    @method
    def initweights(
        self,
        wtmode: Annotated[str, kinds.Text(), "nyq, sigma, weight, ones, tsys, tinttsys, delwtsp or delsigsp"] = "nyq",
        dowtsp: Annotated[bool, kinds.Bool(), "Make WEIGHT_SPECTRUM and SIGMA_SPECTRUM too"] = False,
        tsystable: Annotated[str, kinds.Text(), "Table of system temperatures"] = "",
        gainfield: Annotated[str, kinds.Text(), "Fields of it"] = "",
        interp: Annotated[str, kinds.Text(), "Its interpolation"] = "",
        spwmap: Annotated[list[int], kinds.IntList(), "Its spectral windows"] = [],  # noqa: B006
    ) -> bool:
        """Set weights from scratch."""
        from casatools.calibration.correct import LibraryOptions
        from casatools.calibration.initial_weights import InitialWeightOptions, initialise_weights

        given = bool(tsystable or gainfield or interp or spwmap)
        tables = (tsystable,) if tsystable else ()
        library = LibraryOptions(tables, (gainfield,), (interp,), tuple(spwmap)) if given else LibraryOptions()
        initialise_weights(self._path(), InitialWeightOptions(wtmode, dowtsp, library))
        return True

    @method
    def modelfit(
        self,
        vary: Annotated[list[bool], kinds.BoolList(), "Which parameters are fitted; [] is all"],
        niter: Annotated[int, kinds.Int(min=0), "Steps of the fit"] = 0,
        compshape: Annotated[str, kinds.Choice(("P", "G", "D")), "Point (P), Gaussian (G) or disk (D)"] = "P",
        par: Annotated[list[float], kinds.FloatList(), "First guess, as in the task uvmodelfit"] = [1.0, 0.0, 0.0],  # noqa: B006
        file: Annotated[str, kinds.OutPath(), "Name of the component list; '' writes none"] = "",
    ) -> dict:
        """Fit a component to the selected visibilities, which CASA's tool no longer does; see the task uvmodelfit.

        Returns
        -------
        dict
            ``par`` and ``err``: flux density [Jy], offsets east and north [arcsec], and for G and D major axis [arcsec], axis ratio, angle [deg].

        Raises
        ------
        NotOpenError, DataError, ParameterError, OutputExistsError
            No MeasurementSet is open, all data are flagged, parameters are too few, or the output exists.
        """
        from casatools.calibration.fit_component import ComponentFit, fit_component
        from casatools.io.ms import Selection

        fit = ComponentFit(compshape, tuple(par), tuple(vary), niter)
        found, error = fit_component(self._path(), Selection(**self._state.selection), fit, file)
        return {"par": found, "err": error}
