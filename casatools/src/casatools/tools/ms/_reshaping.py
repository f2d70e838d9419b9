"""Methods that change the open MeasurementSet's visibilities where they lie."""

# ruff: noqa: B006 - the defaults are the reference's, and the declaration hands out copies

from __future__ import annotations

from typing import Annotated, Any

from casatools._base import kinds
from casatools._base.declare import method
from casatools._base.errors import ParameterError
from casatools.tools.ms._state import MsState

_GridValue = Annotated[
    Any,
    kinds.Variant((kinds.Int(), kinds.Text(numbers=True), kinds.TextList(numbers=True), kinds.Record())),
    "Channel number, frequency or velocity, by the mode; nothing is the data's own",
]
# What the reference's defaults say for "not given".
_UNSET = -1e30


class ReshapeMethods(MsState):
    """Smoothing, subtracting and regridding in place."""

    @method
    def hanningsmooth(self, datacolumn: Annotated[str, kinds.Text(), "corrected, data, model or all"] = "corrected") -> bool:
        """Hanning smooth a column; CORRECTED_DATA is made from DATA where it is missing.

        Raises
        ------
        DataError, ParameterError
            It is open for reading only, lacks the column, or the name is unknown; nothing has been written then.
        """
        from casatools.calibration.scratch_columns import fill_corrected
        from casatools.transform.in_place import smooth_in_place

        self._writable_path("hanningsmooth")
        name = datacolumn.lower()
        known = {"corrected": "CORRECTED_DATA", "data": "DATA", "model": "MODEL_DATA"}
        if name != "all" and name not in known:
            raise ParameterError(
                f"ms.hanningsmooth: parameter 'datacolumn' must be corrected, data, model or all; got {datacolumn!r}"
            )
        if name == "corrected":
            fill_corrected(self._ms)
        columns = [c for c in known.values() if self._ms.has(c)] if name == "all" else [known[name]]
        for column in columns:
            self._ms.require(column)
        smooth_in_place(self._ms, columns)
        return True

    @method
    def uvsub(self, reverse: Annotated[bool, kinds.Bool(), "Add the model instead"] = False) -> bool:
        """Subtract MODEL_DATA from CORRECTED_DATA, which is made from DATA where it is missing.

        Raises
        ------
        DataError
            It is open for reading only, or there is no model.
        """
        from casatools.calibration.scratch_columns import subtract_model

        self._writable_path("uvsub")
        self._ms.require("MODEL_DATA")
        with self._being_replaced("uvsub") as path:
            subtract_model(path, reverse)
        return True

    @method
    def cvel(
        self,
        mode: Annotated[str, kinds.Text(), "channel, channel_b, frequency or velocity"] = "channel",
        nchan: Annotated[int, kinds.Int(), "New channels; -1 for as many as fit"] = -1,
        start: _GridValue = [],
        width: _GridValue = [],
        interp: Annotated[str, kinds.Text(), "nearest, linear, cubic, spline or fftshift"] = "linear",
        phasec: Annotated[
            Any, kinds.Variant((kinds.Text(), kinds.Int(), kinds.Record())), "Direction of the conversion, or a field"
        ] = [],
        restfreq: Annotated[Any, kinds.Variant((kinds.Quantity("Hz"), kinds.TextList())), "Rest frequency for velocities"] = [],
        outframe: Annotated[str, kinds.Text(), "Spectral frame of the new channels; '' is that of the data"] = "",
        veltype: Annotated[str, kinds.Text(), "radio or optical"] = "radio",
        hanning: Annotated[bool, kinds.Bool(), "Smooth along the channels before"] = True,
    ) -> bool:
        """Combine all spectral windows into one and regrid it; the MeasurementSet is replaced when the new one is complete.

        Raises
        ------
        DataError, ParameterError
            It is open for reading only, or a parameter cannot be used; it is untouched then.
        """
        from casatools.transform.in_place import replace_on_grid
        from casatools.transform.transforming import regrid_request

        self._writable_path("cvel")
        direction = "" if isinstance(phasec, list) and not phasec else phasec
        request = regrid_request(mode, nchan, start, width, interp, direction, restfreq, outframe, veltype)
        with self._being_replaced("cvel") as path:
            replace_on_grid(path, request, hanning, combine=True)
        return True

    @method
    def regridspw(
        self,
        outframe: Annotated[str, kinds.Text(), "Spectral frame of the new channels; '' is that of the data"] = "LSRK",
        mode: Annotated[str, kinds.Text(), "Unit of what follows: chan, freq [Hz], vrad or vopt [m/s]"] = "chan",
        restfreq: Annotated[float, kinds.Float(), "Rest frequency [Hz] for velocities"] = -3e30,
        interpolation: Annotated[str, kinds.Text(), "nearest, linear, cubic, spline or fftshift"] = "LINEAR",
        start: Annotated[float, kinds.Float(), "Lower edge of the part to keep; below -1e30 is not given"] = -3e30,
        center: Annotated[float, kinds.Float(), "Its centre, where start is not given"] = -3e30,
        bandwidth: Annotated[float, kinds.Float(), "Its extent; -1 for as much as there is"] = -1.0,
        chanwidth: Annotated[float, kinds.Float(), "Width of the new channels; -1 for the data's"] = -1.0,
        hanning: Annotated[bool, kinds.Bool(), "Smooth along the channels before"] = True,
    ) -> bool:
        """Regrid each spectral window; the MeasurementSet is replaced when the new one is complete.

        Raises
        ------
        DataError, ParameterError
            It is open for reading only, or a parameter cannot be used; it is untouched then.
        """
        from casatools.transform.in_place import WindowPart, replace_on_grid, window_request

        self._writable_path("regridspw")
        part = WindowPart(
            None if start < _UNSET else start, None if center < _UNSET else center, bandwidth if bandwidth > 0 else None,
            chanwidth if chanwidth > 0 else None,
        )  # fmt: skip
        request = window_request(self._ms, outframe, mode, restfreq, interpolation.lower(), part)
        with self._being_replaced("regridspw") as path:
            replace_on_grid(path, request, hanning, combine=False)
        return True
