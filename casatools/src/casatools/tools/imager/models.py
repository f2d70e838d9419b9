"""Models of the sky in the data, and what the data need."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Any

from casatools._base import kinds
from casatools._base.declare import method
from casatools.tools.imager.making import Names
from casatools.tools.imager.setup import Anything, Setup, given, joined
from casatools.tools.synthesisutils import advise_channels

__all__ = ["Models"]


class Models(Setup):
    """Methods about models and data."""

    @method
    def ft(
        self,
        model: Names = [],  # noqa: B006 - copied
        complist: Annotated[str, kinds.InPath(), "Component list"] = "",
        incremental: Annotated[bool, kinds.Bool(), "Add to the model that is there"] = False,
        phasecentertime: Annotated[
            float, kinds.Float(), "Time [MJD s] at which phase centres that move are taken; -1 for that of each row"
        ] = -1.0,
    ) -> bool:
        """Keep a model for the data selected: its visibilities in MODEL_DATA where `open` was told to use scratch columns, a recipe otherwise.

        Where `defineimage` was told a distance, waves are those of a source so far away in the middle of the image.

        Raises
        ------
        NotOpenError, PathMissingError, DataError
            None is open, or a model is not there or cannot be used.
        """
        from casatools.calibration.predict_sky import open_sky_model, predict_sky

        state = self._open()
        names = [str(n) for n in (model if isinstance(model, (list, tuple)) else [model]) if str(n)]
        chosen = {k: v for k, v in state.field_selection().items() if k in ("field", "spw")}
        sky = open_sky_model(names, complist, state.reference)
        if phasecentertime >= 0:
            sky = replace(sky, phase_time_s=phasecentertime)
        if state.distance_m:
            sky = replace(sky, distance_m=state.distance_m, focus=state.centre())
        predict_sky(state.path, chosen, sky, incremental, virtual=not state.scratch)
        return True

    @method
    def setjy(
        self,
        field: Annotated[Any, Anything, "Fields"] = [],  # noqa: B006 - not changed
        spw: Annotated[Any, Anything, "Spectral windows"] = [],  # noqa: B006 - not changed
        modimage: Annotated[str, kinds.Text(), "Model image"] = "",
        fluxdensity: Annotated[list[float], kinds.FloatList(), "I, Q, U, V [Jy]; I = 0: of the standard"] = [0.0, 0.0, 0.0, 0.0],  # noqa: B006
        standard: Annotated[str, kinds.Text(), "Flux density scale"] = "SOURCE",
        scalebychan: Annotated[bool, kinds.Bool(), "A flux density for each channel"] = False,
        spix: Annotated[list[float], kinds.FloatList(), "Spectral index"] = [0.0],  # noqa: B006 - copied
        reffreq: Annotated[Any, Anything, "Reference frequency"] = [],  # noqa: B006 - not changed
        polindex: Annotated[list[float], kinds.FloatList(), "Fractional polarization and its terms"] = [0.0],  # noqa: B006 - copied
        polangle: Annotated[list[float], kinds.FloatList(), "Polarization angle [rad] and its terms"] = [0.0],  # noqa: B006 - copied
        rotmeas: Annotated[float, kinds.Float(), "Rotation measure"] = 0.0,
        time: Annotated[str, kinds.Text(), "Time range"] = "",
        scan: Annotated[str, kinds.Text(), "Scans"] = "",
        intent: Annotated[str, kinds.Text(), "Intents"] = "",
        observation: Annotated[str, kinds.Text(), "Observation IDs"] = "",
        interpolation: Annotated[str, kinds.Text(), "Between epochs of variable calibrators"] = "nearest",
    ) -> dict[str, Any]:
        """Keep models of calibrators: in MODEL_DATA where `open` was told to use scratch columns, as recipes otherwise; see the task setjy.

        Returns
        -------
        dict
            As the task.
        """
        from casatools.calibration.set_model import SetModelOptions, manual_spectrum, set_model

        fluxes = [float(v) for v in fluxdensity]
        manual = None
        if fluxes and fluxes[0] > 0:
            standard = "manual"
            manual = manual_spectrum(fluxes, spix, reffreq if given(reffreq) else "1GHz", polindex, polangle, rotmeas)
        elif standard == "SOURCE":
            standard = "Perley-Butler 2017"
        chosen = {
            "field": joined(field),
            "spw": joined(spw),
            "timerange": time,
            "scan": scan,
            "intent": intent,
            "observation": observation,
        }
        options = SetModelOptions(standard, modimage, manual, {}, scalebychan, interpolation)
        state = self._open()
        return set_model(state.path, {k: v for k, v in chosen.items() if v}, options, virtual=not state.scratch)

    @method
    def advisechansel(
        self,
        freqstart: Annotated[Any, Anything, "Lowest frequency"] = 1000000.0,
        freqend: Annotated[Any, Anything, "Highest frequency"] = 1100000.0,
        freqstep: Annotated[Any, Anything, "Channel width of the image"] = 100.0,
        freqframe: Annotated[str, kinds.Text(), "Frame of the frequencies"] = "LSRK",
        msname: Annotated[str, kinds.Text(), "MeasurementSet; the open one when not given"] = "",
        fieldid: Annotated[int, kinds.Int(), "Field"] = 0,
        getfreqrange: Annotated[bool, kinds.Bool(), "Give the range of selected channels instead"] = False,
        spwselection: Annotated[str, kinds.Text(), "Channels whose range is wanted"] = "",
    ) -> dict[str, Any]:
        """Which channels of the data an image needs, or which frequencies channels have in a frame."""
        found = advise_channels(
            "imager", freqstart, freqend, freqstep, freqframe, msname or self._open().path, fieldid, getfreqrange, spwselection
        )
        if getfreqrange:
            return {name: value["value"] for name, value in found.items()}
        # What is open is the first of what could be several MeasurementSets.
        return found if msname else {"ms_0": found}

    @method
    def mapextent(
        self,
        ref: Annotated[str, kinds.Text(), "Frame of the directions"] = "J2000",
        movingsource: Annotated[str, kinds.Text(), "Object that is followed: planet, table of an ephemeris, or TRACKFIELD"] = "",
        pointingcolumntouse: Annotated[str, kinds.Choice(("DIRECTION", "TARGET", "ENCODER")), "Column of POINTING"] = "DIRECTION",
    ) -> dict[str, Any]:
        """The part of the sky that the antennas were pointed at.

        Returns
        -------
        dict
            ``center``, ``blc`` and ``trc`` [rad], ``extent`` [rad] on the sky and ``status``.

        Raises
        ------
        NotOpenError, ParameterError, DataError
            None is open, POINTING is empty or lacks the column, or there is no such object.
        """
        from casatools.information.pointing import map_extent

        state = self._open()
        found = map_extent(state.path, ref, pointingcolumntouse, movingsource)
        return {"status": True, **found}

    @method
    def stop(self) -> bool:
        """Nothing goes on in the background that could be stopped."""
        return False
