"""Functions beside CASA's tasks: what the reference does not have.

``from casatasks.extensions import solve_chain``
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from casatasks import _params as P
from casatasks._task import task
from casatools._base import kinds
from casatools._base.errors import ParameterError

__all__ = ["calibration_report", "quick_look", "solve_chain"]

_NOT_OPTIONS = ("kind", "caltable", "interp", "smodel", "fringe")


@task(group="calibration")
def solve_chain(
    vis: P.Vis = "",
    terms: Annotated[list[Any], kinds.Variant(), "One dict a term: kind, caltable and options of the solve"] = [],  # noqa: B006
    field: P.Field = "",
    spw: P.Spw = "",
    intent: P.Intent = "",
    selectdata: P.SelectData = True,
    timerange: P.TimeRange = "",
    uvrange: P.UvRange = "",
    antenna: P.Antenna = "",
    scan: P.Scan = "",
    observation: P.Observation = "",
    msselect: P.MsSelect = "",
    smodel: P.SModel = [],  # noqa: B006
    gaintable: P.PriorTable = [],  # noqa: B006
    gainfield: P.PriorField = [],  # noqa: B006
    interp: P.PriorInterp = [],  # noqa: B006
    spwmap: P.PriorSpwMap = [],  # noqa: B006
    parang: P.Parang = False,
    cycles: Annotated[int, kinds.Int(min=1), "Most rounds over all terms"] = 6,
    tolerance: Annotated[float, kinds.Float(), "Largest relative change of solutions at which to stop"] = 1e-3,
    weights: Annotated[bool, kinds.Bool(), "Set WEIGHT and SIGMA of the selection from the residuals"] = False,
    report: Annotated[str, kinds.Text(), "Folder for a page with plots and quality; '' makes none"] = "",
) -> dict[str, Any]:
    """Solve for several terms against one model jointly, in one call.

    Each term is solved with the others applied, round after round until none changes. A bandpass beside a gain is normalised, so that
    the gain carries amplitude and phase.

    Returns
    -------
    dict
        ``caltables``, ``cycles``, ``converged``, ``changes`` of the rounds, ``solvestats`` by table, ``rms_before``, ``rms_after`` and
        ``reduced_chi2`` of the residuals, and ``quality`` by table: ``solutions``, ``flagged`` (fraction), ``snr`` (median).

    Raises
    ------
    PathMissingError, DataError, ParameterError, SelectionError, UnsupportedError
        As gaincal raises. Nothing is written then.

    Notes
    -----
    A term is a dict with ``kind`` (G, T, B, K, D, Df, ...), ``caltable`` and any of the options solint, combine, preavg, refant,
    refantmode, minblperant, minsnr, solnorm, normtype, calmode, solmode, rmsthresh, corrdepflags, fillgaps, which mean what they mean in
    gaincal, bandpass and polcal; ``interp`` is how its solutions are interpolated for the other terms.

    Examples
    --------
    >>> solve_chain("day2.ms", [  # doctest: +SKIP
    ...     {"kind": "K", "caltable": "day2.K", "refant": "EA01", "combine": "scan"},
    ...     {"kind": "G", "caltable": "day2.G", "refant": "EA01", "solint": "60s"},
    ...     {"kind": "B", "caltable": "day2.B", "refant": "EA01", "combine": "scan"}], field="3C286", report="day2.report")
    """
    from casatools.calibration.chain import ChainOptions, ChainTerm
    from casatools.calibration.chain import solve_chain as solve
    from casatools.calibration.solve_session import priors_from, selection_from

    given = {**locals(), "docallib": False}
    wanted = [_term(ChainTerm, entry, tuple(smodel)) for entry in terms]
    options = ChainOptions(cycles, tolerance, weights)
    found = solve(vis, wanted, selection_from(given), priors_from(given), options)
    if report:
        from casatools.plotting.calibration_report import write_calibration_report

        write_calibration_report(report, found.caltables, found.before, found.after)
    assert found.before is not None and found.after is not None
    return {
        "caltables": found.caltables,
        "cycles": found.cycles,
        "converged": found.converged,
        "changes": found.changes,
        "solvestats": found.statistics,
        "rms_before": found.before.rms,
        "rms_after": found.after.rms,
        "reduced_chi2": found.after.reduced_chi2,
        "quality": {
            q.name: {"solutions": q.count, "flagged": q.flagged / max(q.count, 1), "snr": q.snr[1]} for q in found.quality
        },
    }


def _term(kind: Any, entry: Any, smodel: tuple[float, ...]) -> Any:
    from casatools.calibration.solve_options import SolveOptions

    if not isinstance(entry, Mapping) or not {"kind", "caltable"} <= set(entry):
        raise ParameterError(f"solve_chain: each of 'terms' must be a dict with 'kind' and 'caltable'; got {entry!r}")
    allowed = [name for name in SolveOptions.__dataclass_fields__ if name not in _NOT_OPTIONS]
    unknown = sorted(set(entry) - {*allowed, "kind", "caltable", "interp"})
    if unknown:
        raise ParameterError(f"solve_chain: a term has no option {', '.join(unknown)}; there are {', '.join(allowed)}")
    values: dict[str, Any] = {name: tuple(v) if isinstance(v := entry[name], list) else v for name in allowed if name in entry}
    return kind(
        SolveOptions(kind=str(entry["kind"]), smodel=smodel, **values), str(entry["caltable"]), str(entry.get("interp", ""))
    )


@task(group="calibration")
def calibration_report(
    output: Annotated[str, kinds.OutPath(), "Folder of the page and its figures"] = "",
    caltable: Annotated[list[str], kinds.TextList(), "Calibration tables"] = [],  # noqa: B006
    vis: Annotated[str, kinds.Text(), "The MeasurementSet they were solved from, to show what they leave; '' does not"] = "",
    field: P.Field = "",
    spw: P.Spw = "",
    smodel: P.SModel = [],  # noqa: B006
    parang: P.Parang = False,
) -> None:
    """Write a page on calibration tables: solutions, signal to noise, flagged fractions and, with data, closure residuals.

    Raises
    ------
    PathMissingError, DataError, ParameterError, SelectionError
        A table or the MeasurementSet is missing or unfit. Nothing is written then.
    """
    from casatools.plotting.calibration_report import report_on

    report_on(output, caltable, vis, {"field": field, "spw": spw}, tuple(smodel), parang)


@task(group="visualization")
def quick_look(
    imagename: P.ImageName = "",
    figfile: Annotated[str, kinds.OutPath(), "PNG, PDF or SVG to write; '' writes none"] = "",
    channel: Annotated[int, kinds.Int(min=-1), "Channel; -1 is that of the greatest pixel"] = -1,
    stokes: P.Stokes = "",
    region: P.Region = "",
    contourimage: Annotated[str, kinds.Text(), "Image of the same grid whose contours are drawn; '' is the image itself"] = "",
    levels: Annotated[
        list[float], kinds.FloatList(), "Contours in the unit of the image; [] is 3, 6, 12 ... times the noise"
    ] = [],  # noqa: B006
    contours: Annotated[bool, kinds.Bool(), "Draw contours"] = True,
    stretch: Annotated[str, kinds.Text(), "Of the colours: linear, sqrt, log or asinh"] = "linear",
    cmap: Annotated[str, kinds.Text(), "Colour map; '' is inferno, or blue to red about zero for Stokes Q, U and V"] = "",
    datarange: Annotated[list[float], kinds.FloatList(), "Values at the ends of the colours; [] is from the plane"] = [],  # noqa: B006
    overwrite: Annotated[bool, kinds.Bool(), "Replace a figure that exists"] = True,
) -> Any:
    """Draw a plane of an image with sky axes, contours, the beam and a colour bar.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    DataError, ParameterError, SelectionError, PathMissingError, OutputExistsError
        The image has no sky axes or no good pixel, a channel or polarization is not there, or the figure exists. Nothing is written then.

    Notes
    -----
    With the option ``quicklook`` (``~/.casa/config.py``: ``quicklook = True``, or ``CASA_QUICKLOOK=1``) tasks draw the images they make by themselves, into
    ``<image>.png``, and notebooks show them.

    Examples
    --------
    >>> quick_look("cube.image", "peak.png", stretch="asinh")  # doctest: +SKIP
    """
    from casatools.plotting.quick_look import QuickLookStyle
    from casatools.plotting.quick_look import quick_look as draw

    if len(datarange) not in (0, 2):
        raise ParameterError(f"quick_look: parameter 'datarange' must be two values or none; got {datarange}")
    low, high = datarange or (None, None)
    style = QuickLookStyle(cmap, low, high, stretch, tuple(levels), contours)
    return draw(imagename, figfile, None if channel < 0 else channel, stokes, region, style, contourimage, overwrite)
