"""Calibration tables handled by the calibrater tool."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from casatools._base import kinds
from casatools._base.declare import method
from casatools._base.errors import UnsupportedError
from casatools.tools.calibrater._setup import Items, Unused, expression

__all__ = ["TableMethods"]

InTable = Annotated[str, kinds.InPath(), "Input calibration table"]
OutTable = Annotated[str, kinds.OutPath(), "Output calibration table; '' replaces the input"]


class TableMethods:
    """Making tables, and tables from tables."""

    if TYPE_CHECKING:

        def _path(self) -> str: ...

    @method
    def createcaltable(
        self,
        caltable: Annotated[str, kinds.OutPath(), "The new table"],
        partype: Annotated[str, kinds.Choice(("Complex", "Float")), "Kind of its parameters"],
        caltype: Annotated[str, kinds.Text(empty=False), "What it holds, such as 'G Jones'"],
        singlechan: Annotated[bool, kinds.Bool(), "One channel in each spectral window"],
    ) -> bool:
        """Make a calibration table without rows for the open MeasurementSet.

        Raises
        ------
        NotOpenError, DataError
            No MeasurementSet is open; something that is no calibration table is in the way.
        """
        from casatools.calibration.solve_session import create_table

        create_table(self._path(), caltable, partype, caltype, singlechan)
        return True

    @method
    def fluxscale(
        self,
        tablein: InTable,
        reference: Items = [],  # noqa: B006
        tableout: Annotated[str, kinds.OutPath(), "Output calibration table"] = "",
        transfer: Items = [],  # noqa: B006
        listfile: Annotated[str, kinds.OutPath(), "Text file for the flux densities"] = "",
        append: Annotated[bool, kinds.Bool(), "Add to the output if it exists"] = False,
        refspwmap: Annotated[
            list[int], kinds.IntList(), "Spectral window of the reference gains for each one; [-1] is the same"
        ] = [-1],  # noqa: B006
        gainthreshold: Annotated[float, kinds.Float(), "Leave out gains further than this fraction from the median"] = -1.0,
        antenna: Annotated[str, kinds.Text(numbers=True), "Antennas to use"] = "",
        timerange: Annotated[str, kinds.Text(), "Times to use"] = "",
        scan: Annotated[str, kinds.Text(numbers=True), "Scans to use"] = "",
        incremental: Annotated[bool, kinds.Bool(), "Write the corrections alone"] = False,
        fitorder: Annotated[int, kinds.Int(min=0), "Order of the spectral fit"] = 1,
        display: Annotated[bool, kinds.Bool(), "Draw the flux densities and fits into a figure beside the table"] = False,
    ) -> dict:
        """Find flux densities of calibrators from their gains; see the task fluxscale."""
        from casatools.calibration.fluxscale import FluxScaleOptions, scale_fluxes

        options = FluxScaleOptions(
            expression(reference), expression(transfer), tuple(refspwmap), gainthreshold, antenna, scan, timerange, incremental,
            append, fitorder,
        )  # fmt: skip
        record = scale_fluxes(self._path(), tablein, tableout, options, listfile)
        if display:
            from casatools.plotting.flux_fits import plot_flux_fits

            plot_flux_fits(record, f"{(tableout or tablein).rstrip('/')}.png")
        return record

    @method
    def rerefant(
        self,
        tablein: InTable,
        tableout: OutTable,
        refantmode: Annotated[
            str, kinds.Choice(("flexible", "flex", "strict")), "When the reference antenna is missing"
        ] = "flexible",
        refant: Items = [],  # noqa: B006
    ) -> bool:
        """Refer the phases of a table to another antenna; see the task rerefant."""
        from casatools.calibration.solve_session import edit_table

        mode = "strict" if refantmode == "strict" else "flex"
        edit_table("rerefant", self._path(), tablein, tableout, refant=expression(refant), refantmode=mode)
        return True

    @method
    def smooth(
        self,
        tablein: InTable,
        tableout: OutTable,
        field: Items = [],  # noqa: B006
        smoothtype: Annotated[str, kinds.Choice(("median", "mean"), fold=True), "Running median or mean"] = "median",
        smoothtime: Annotated[Any, kinds.Quantity("s"), "Width of the window"] = 60.0,
        ratesmooth: Annotated[bool, kinds.Bool(), "Kept for CASA's signature: rates are smoothed with either value"] = False,
    ) -> bool:
        """Smooth a table in time; see the task smoothcal."""
        from casatools.calibration.solve_session import edit_table

        edit_table(
            "smooth", self._path(), tablein, tableout, field=expression(field), smoothtype=smoothtype, smoothtime=smoothtime
        )  # fmt: skip
        return True

    @method
    def specifycal(
        self,
        caltable: OutTable = "",
        time: Annotated[str, kinds.Text(), "Time of the solutions, where one is wanted: values serve all times"] = "",
        spw: Annotated[str, kinds.Text(numbers=True), "Spectral windows; '' is all"] = "",
        antenna: Annotated[str, kinds.Text(numbers=True), "Antennas; '' is all"] = "",
        pol: Annotated[str, kinds.Text(), "Polarisations; '' is all"] = "",
        caltype: Annotated[str, kinds.Text(), "Kind: amp, ph, sbd, mbd, ..."] = "",
        parameter: Annotated[list[float], kinds.FloatList(), "Values"] = [1.0],  # noqa: B006
        infile: Annotated[str, kinds.Text(), "File of values"] = "",
        uniform: Annotated[bool, kinds.Bool(), "Tsys: one value for all channels; for caltype='tsys' only"] = True,
    ) -> bool:
        """Write given values as a calibration table; see the task gencal."""
        from casatools.calibration.generate_table import MEASURED, TableRequest, generate_table
        from casatools.calibration.solve_session import set_solution_time
        from casatools.frames.epochs import parse_epoch

        time_s = parse_epoch(time) if time.strip() else None
        values = () if caltype in MEASURED else tuple(parameter)
        generate_table(self._path(), caltable, TableRequest(caltype, spw, antenna, pol, values, infile))
        if time_s is not None:
            set_solution_time(caltable, time_s)
        return True

    @method
    def listcal(
        self,
        caltable: InTable,
        field: Items = [],  # noqa: B006
        antenna: Items = [],  # noqa: B006
        spw: Items = [],  # noqa: B006
        listfile: Annotated[str, kinds.OutPath(), "Text file; '' is the log"] = "",
        pagerows: Annotated[int, kinds.Int(), "Rows between headings"] = 50,
    ) -> bool:
        """List the solutions of a table; see the task listcal."""
        from casatools.calibration.solution_listing import ListingOptions, list_solutions

        options = ListingOptions(expression(field), expression(antenna), expression(spw), pagerows)
        list_solutions(self._path(), caltable, options, listfile)
        return True

    @method
    def accumulate(
        self,
        tablein: Unused = "",
        incrtable: Unused = "",
        tableout: Unused = "",
        field: Unused = [],  # noqa: B006
        calfield: Unused = [],  # noqa: B006
        interp: Unused = "linear",
        t: Unused = -1.0,
        spwmap: Unused = [-1],  # noqa: B006
    ) -> bool:
        """Join incremental tables; not available here."""
        raise UnsupportedError("calibrater.accumulate is not available, in CASA neither; apply the tables together")

    @method
    def linpolcor(self, tablein: InTable = "", tableout: OutTable = "", fields: Items = []) -> bool:  # noqa: B006
        """Take the linear polarisation of calibrators out of gains of linear feeds, which CASA's tool no longer does; see the task polfromgain.

        Raises
        ------
        NotOpenError, DataError, ParameterError, SelectionError
            No MeasurementSet is open; the table holds no such gains; the parallactic angles cover nothing; there is no such field.
        """
        from casatools.calibration.gain_polarization import polarization_from_gains
        from casatools.calibration.solve_session import field_numbers

        wanted = field_numbers(tablein, expression(fields))
        polarization_from_gains(self._path(), tablein, tableout, 0.0, 0.0, wanted)
        return True

    @method
    def posangcal(
        self,
        posangcor: Annotated[
            list[float], kinds.FloatList(), "What the position angle rises by (deg), for each spectral window or one"
        ],
        tablein: InTable,
        tableout: OutTable = "",
    ) -> bool:
        """Turn the position angle of linear polarisation by the phases of gains of circular feeds (CASA's tool ends the process).

        Raises
        ------
        NotOpenError, DataError, ParameterError
            No MeasurementSet is open, the table holds no gains of two receptors, the feeds are not circular, or there are too few angles.
        """
        from casatools.calibration.solve_session import edit_table

        edit_table("posang", self._path(), tablein, tableout, posangcor=list(posangcor))
        return True

    @method
    def plotcal(
        self,
        antennas: Annotated[list[int], kinds.IntList(), "Antennas; [] is all"],
        fields: Annotated[list[int], kinds.IntList(), "Fields; [] is all"],
        spwids: Annotated[list[int], kinds.IntList(), "Spectral windows; [] is all"],
        plottype: Annotated[str, kinds.Choice(("AMP", "PHASE"), fold=True), "What is drawn against the time"] = "AMP",
        tablename: InTable = "",
        polarization: Annotated[int, kinds.Choice((1, 2)), "The first or the second receptor"] = 1,
        multiplot: Annotated[bool, kinds.Bool(), "A panel for each antenna"] = False,
        nx: Unused = 1,
        ny: Unused = 1,
        psfile: Annotated[str, kinds.OutPath(), "The figure; '' is the table's name and .png"] = "",
    ) -> bool:
        """Draw solutions into a file, which CASA's tool does not do; see the task plotms.

        Raises
        ------
        NotOpenError, PathMissingError, DataError, SelectionError, OutputExistsError, UnsupportedError
            No MeasurementSet is open, there is no such table or nothing to draw, the figure exists, or `nx` or `ny` are given.
        """
        from casatools.plotting.plot_axes import PlotOptions
        from casatools.plotting.visibility_figure import plot_receptor

        self._path()
        if (nx, ny) != (1, 1):
            raise UnsupportedError(
                f"calibrater.plotcal: nx={nx}, ny={ny} are not available; multiplot=True lays the panels out itself"
            )
        options = PlotOptions(y=plottype.lower(), color="antenna1", iterate="antenna1" if multiplot else "")
        chosen = {"antenna": expression(antennas), "field": expression(fields), "spw": expression(spwids)}
        plot_receptor(tablename, psfile or f"{tablename.rstrip('/')}.png", chosen, options, polarization)
        return True

    @method
    def updatecaltable(self, caltable: InTable) -> bool:
        """Bring a table of an older CASA up to date: present tables are as they should be."""
        from casatools.calibration.solve_session import require_table

        require_table(caltable)
        return True

    @method
    def parsecallibfile(self, filein: Annotated[str, kinds.InPath(), "A calibration library file"]) -> dict:
        """Read a calibration library file.

        Returns
        -------
        dict
            For each table ``calwt`` and, by number, its rules.

        Raises
        ------
        PathMissingError, ParameterError
            There is no such file, or a line cannot be read.
        """
        from casatools.calibration.callib import library_record, read_library

        return library_record(read_library(filein), filein)

    @method
    def validatecallib(
        self,
        callib: Annotated[dict[str, Any], kinds.Record(), "A calibration library as parsecallibfile gives"] = {},  # noqa: B006
    ) -> bool:
        """Check that a calibration library can be applied to the MeasurementSet that is open.

        Raises
        ------
        NotOpenError, PathMissingError, DataError, ParameterError, SelectionError
            No MeasurementSet is open, or a table or rule cannot be used.
        """
        from casatools.calibration.callib import library_text
        from casatools.calibration.correct import LibraryOptions
        from casatools.io.ms import MeasurementSet

        with MeasurementSet(self._path()) as ms:
            LibraryOptions(lines=library_text(callib)).load(ms)
        return True
