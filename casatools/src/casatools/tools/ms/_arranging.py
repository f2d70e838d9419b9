"""Listing, sorting, weights of rows, ephemerides."""

# ruff: noqa: B006 - the defaults are the reference's, and the declaration hands out copies

from __future__ import annotations

from typing import Annotated, Any

from casatools._base import kinds
from casatools._base.declare import method
from casatools._base.errors import DataError, UnsupportedError
from casatools.io.ms import Selection
from casatools.tools.ms._selecting import joined
from casatools.tools.ms._state import MsState

_Text = Annotated[str, kinds.Text(numbers=True), "Selection expression; '' is all"]
_Expression = Annotated[
    Any, kinds.Variant((kinds.Text(numbers=True), kinds.TextList(numbers=True))), "Selection expression; nothing is all"
]
_Sorted = Annotated[str, kinds.OutPath(), "Name of the sorted copy; '' sorts this MeasurementSet itself"]


class ArrangingMethods(MsState):
    """Listing, sorting, weights of rows, ephemerides."""

    @method
    def lister(
        self,
        options: Annotated[str, kinds.Text(), "Accepted for compatibility: amplitudes and phases are listed"] = "",
        datacolumn: Annotated[str, kinds.Text(), "data, float_data, corrected, model or residual"] = "data",
        field: _Text = "",
        spw: _Text = "",
        antenna: _Text = "",
        timerange: _Text = "",
        correlation: _Text = "",
        scan: _Text = "",
        feed: _Text = "",
        array: _Text = "",
        observation: _Text = "",
        uvrange: _Text = "",
        average: Annotated[str, kinds.Text(), "'chan' lists the mean of the channels"] = "",
        showflags: Annotated[bool, kinds.Bool(), "List also what is flagged in every correlation"] = False,
        msselect: Annotated[str, kinds.Text(), "Further selection as a TaQL expression"] = "",
        pagerows: Annotated[int, kinds.Int(min=0), "Lines between headings; 0 repeats none"] = 50,
        listfile: Annotated[str, kinds.OutPath(), "Text file for the listing; '' is the log"] = "",
    ) -> bool:
        """List visibilities as text; see the task listvis.

        Raises
        ------
        DataError, SelectionError, OutputExistsError, UnsupportedError
            A column is missing, nothing is selected, the file exists, or a mean over time is asked for.
        """
        from casatools.information.visibility_listing import VisibilityListingOptions, list_visibilities

        selection = Selection(
            field=field, spw="" if spw.strip() == "*" else spw, antenna=antenna, timerange=timerange, correlation=correlation, scan=scan,
            feed=feed, array=array, observation=observation, uvrange=uvrange, taql=msselect,
        )  # fmt: skip
        wanted = VisibilityListingOptions(selection, datacolumn.lower(), average.lower(), showflags, pagerows)
        list_visibilities(self._ms.path, wanted, listfile)
        return True

    @method
    def sort(
        self,
        newmsname: _Sorted = "",
        columns: Annotated[list[str], kinds.TextList(drop_empty=True), "Columns to sort by, the slowest first"] = [],
    ) -> bool:
        """Sort the rows by columns, into a copy or in place; rows that are equal keep their order.

        Raises
        ------
        ParameterError, OutputExistsError, DataError
            There is no such column, the copy exists, or this MeasurementSet was opened read-only.
        """
        from casatools.io.ms.sorting import write_sorted

        if newmsname:
            write_sorted(self._ms.path, newmsname, columns)
            return True
        with self._being_replaced("sort") as path:
            write_sorted(path, path, columns, overwrite=True)
        return True

    @method
    def timesort(self, newmsname: _Sorted = "") -> bool:
        """Sort the rows by TIME, into a copy or in place.

        Raises
        ------
        OutputExistsError, DataError
            The copy exists, or this MeasurementSet was opened read-only.
        """
        return bool(self.sort(newmsname, ["TIME"]))

    @method
    def oldstatwt(
        self,
        dorms: Annotated[bool, kinds.Bool(), "Scatter about zero instead of the mean"] = False,
        byantenna: Annotated[
            bool,
            kinds.Bool(),
            "Only True: each baseline has its own weights, as in CASA, where no solution by antenna was ever there",
        ] = True,
        sepacs: Annotated[bool, kinds.Bool(), "Only True: autocorrelations are apart from cross-correlations"] = True,
        fitspw: _Expression = [],
        fitcorr: _Expression = [],
        combine: Annotated[str, kinds.Text(), "Only '': use statwt to combine"] = "",
        timebin: Annotated[Any, kinds.Variant((kinds.Quantity("s"), kinds.TextList())), "Only nothing: use statwt"] = [],
        minsamp: Annotated[int, kinds.Int(min=1), "Good channels that a row needs; else its weight is 0"] = 3,
        field: _Expression = [],
        spw: _Expression = [],
        antenna: _Text = "",
        timerange: _Text = "",
        scan: _Expression = [],
        intent: _Text = "",
        array: _Expression = [],
        correlation: _Text = "",
        obs: _Text = "",
        datacolumn: Annotated[str, kinds.Text(), "data, corrected or model"] = "corrected_data",
    ) -> bool:
        """Set the weights of each row to the inverse variance over its channels; statwt does more.

        Raises
        ------
        UnsupportedError, DataError, SelectionError
            Bins are to be combined or averaged, a column is missing, or nothing is selected; nothing is written then.
        """
        from casatools.transform.row_weights import RowWeightOptions, set_row_weights

        for name, value in (
            ("fitcorr", joined(fitcorr)),
            ("combine", combine),
            ("timebin", timebin),
            ("correlation", correlation),
        ):
            if value not in ("", [], "0s", "-1s"):
                raise UnsupportedError(f"ms.oldstatwt: parameter {name!r} = {value!r} is not supported; use statwt")
        for name, apart in (("byantenna", byantenna), ("sepacs", sepacs)):
            if not apart:
                raise UnsupportedError(
                    f"ms.oldstatwt: parameter {name!r} = False is not supported; weights are by baseline, use statwt"
                )
        selection = Selection(
            field=joined(field), spw=joined(spw), antenna=antenna, timerange=timerange, scan=joined(scan), intent=intent, array=joined(array),
            observation=obs,
        )  # fmt: skip
        if not self._ms.writable:
            raise DataError(f"MeasurementSet {self._ms.path!r} was opened read-only; open it with nomodify=False")
        set_row_weights(self._ms.path, RowWeightOptions(selection, datacolumn, joined(fitspw), dorms, minsamp))
        return True

    @method
    def addephemeris(
        self,
        id: Annotated[int, kinds.Int(), "Ephemeris ID; negative takes the next that is free"] = -1,
        ephemerisname: Annotated[str, kinds.InPath(), "Table of positions, as getephemtable makes"] = "",
        comment: Annotated[str, kinds.Text(), "Part of the table's name, often the object's"] = "",
        field: _Expression = [],
    ) -> bool:
        """Copy an ephemeris into the FIELD table and let fields follow it.

        Raises
        ------
        PathMissingError, DataError, ParameterError, SelectionError
            The ephemeris is missing or is none, the ID is taken, or there is no such field.
        """
        from casatools.io.ms.ephemerides import attach_ephemeris

        path = self._writable_path("addephemeris")
        fields = Selection(field=joined(field)).resolve(self._ms, allow_empty=True).fields
        attach_ephemeris(path, ephemerisname, fields, comment, id)
        self._ms.forget_metadata()
        return True

    @method
    def asdmref(self, abspath: Annotated[str, kinds.Text(), "New place of the ASDM; '' asks"] = "") -> str:
        """Path of the ASDM that a MeasurementSet reads its visibilities from; '' when it holds them itself.

        Raises
        ------
        DataError
            A new place is given, and the MeasurementSet holds its visibilities itself.
        """
        path = self._ms.path
        if abspath:
            raise DataError(
                f"MeasurementSet {path!r} holds its visibilities itself: it refers to no ASDM that could be elsewhere"
            )
        return ""
