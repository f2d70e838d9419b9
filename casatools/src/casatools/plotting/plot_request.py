"""What the parameters of plotms ask for: the layers of a plot, its style, its place on the page and its files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from casatools._base import log
from casatools._base.errors import ParameterError
from casatools._base.paths import require_absent, require_present
from casatools.frames.frequencies import frequency_frame
from casatools.frames.quantities import to_unit
from casatools.io.ms import Selection
from casatools.plotting.bandpass_sky import find_oscillators
from casatools.plotting.figure import picture_format
from casatools.plotting.plot_axes import PlotOptions, data_column, normalised
from casatools.plotting.plot_listing import write_listing
from casatools.plotting.plot_page import PAGE, header_text, write_pages
from casatools.plotting.plot_style import GridStyle, SymbolStyle, plain_color
from casatools.plotting.solution_points import default_axes, doubled_receptors, drawable
from casatools.plotting.visibility_figure import LEGENDS, Layer, Plot, find_air, make_layers

__all__ = ["draw_request"]

_SELECTED = ("timerange", "uvrange", "antenna", "scan", "correlation", "array", "observation", "intent", "feed")
# Colours of vertical axes without a colour axis; the first has the plot's own.
_OTHERS = ("", "#d1495b", "#2e8b57", "#7b5ea7")
_GRID = tuple((w, n) for k in ("major", "minor") for w, n in ((f"show{k}", "grid"), (k, "width"), (k, "style"), (k, "color")))


def draw_request(given: Mapping[str, Any]) -> list[str]:
    """Put the plot that the parameters of the task describe on the page, and write the page.

    Parameters
    ----------
    given : mapping
        All parameters of `casatasks.plotms` by their names.

    Returns
    -------
    list of str
        Names of the files written.

    Raises
    ------
    ParameterError, UnsupportedError, OutputExistsError, DataError, SelectionError
    """
    vis = given["vis"]
    if not vis:
        raise ParameterError("plotms: parameter 'vis' must name a MeasurementSet or calibration table; got ''")
    require_present(vis, "MeasurementSet")
    target = given["plotfile"] or (f"{vis.rstrip('/')}.plotms.png" if given["showgui"] else "")
    if given["exprange"] not in ("", "current", "all"):
        raise ParameterError(f"plotms: parameter 'exprange' must be current or all; got {given['exprange']!r}")
    if target and not (given["exprange"] == "all" and given["iteraxis"]):
        require_absent(target, given["overwrite"] or not given["plotfile"])
    listing = bool(target) and picture_format(target, given["expformat"]) == "txt"
    with drawable(vis) as shown:
        more = {k: given[k] for k in _SELECTED} if given["selectdata"] else {}
        if more:
            more["correlation"] = doubled_receptors(shown, given["correlation"])
        chosen = Selection(field=given["field"], spw=given["spw"], taql=given["msselect"] if given["selectdata"] else "", **more)
        plot = _plot(given, shown, chosen, listing)
    PAGE.place(given["plotindex"], plot, given["gridrows"], given["gridcols"], given["clearplots"])
    if not target:
        return []
    fresh = given["overwrite"] or not given["plotfile"]
    if listing:
        write_listing(target, PAGE.plots, given["verbose"], fresh)
        return [target]
    resolution = float(given["dpi"]) if given["dpi"] > 0 else (240.0 if given["highres"] else 120.0)
    size = (
        given["width"] / resolution if given["width"] > 0 else 8.5,
        given["height"] / resolution if given["height"] > 0 else 6.0,
    )
    pages = PAGE.draw(size, given["exprange"] != "all")
    if given["exprange"] != "all":
        pages = pages[:1]
    return write_pages(target, pages, given["expformat"], resolution, fresh)


def _plot(given: Mapping[str, Any], vis: str, chosen: Selection, listing: bool) -> Plot:
    """The plot that the parameters describe, of the selected data."""
    usual = default_axes(vis)
    x = normalised(given["xaxis"] or usual[0])
    air = _air(given, x)
    layers = _layers(given, vis, chosen, (x, usual[1]), listing or bool(air))
    return Plot(
        layers,
        row=given["rowindex"],
        column=given["colindex"],
        title=given["title"],
        title_size=given["titlefont"],
        labels=(given["xlabel"], given["ylabel"]),
        label_sizes=(given["xaxisfont"], given["yaxisfont"]),
        ranges=_ranges(given["plotrange"]),
        same_x=given["xselfscale"],
        same_y=given["yselfscale"],
        inner_x=given["xsharedaxis"],
        inner_y=given["ysharedaxis"],
        legend=given["showlegend"] or bool(given["coloraxis"]),
        legend_place=given["legendposition"],
        grid=GridStyle(*(given[f"{which}{name}"] for which, name in _GRID)),
        header=header_text(vis, chosen, tuple(layer.options for layer in layers), given["headeritems"]),
        air=find_air(vis, chosen) if air else None,
        air_quantity=air,
        oscillators_hz=find_oscillators(vis) if air and given["showimage"] else {},
    )


def _air(given: Mapping[str, Any], x: str) -> str:
    """Which curve of the atmosphere is drawn: '' for none, with a warning where the horizontal axis has no frequencies, as in CASA."""
    wanted = "atm" if given["showatm"] else "tsky" if given["showtsky"] else ""
    if wanted and x not in ("frequency", "channel"):
        log.post(f"plotms: showatm and showtsky go with xaxis 'frequency' or 'channel'; with {x!r} no curve is drawn", "WARN")
        return ""
    if given["showimage"] and not wanted:
        log.post("plotms: showimage goes with showatm or showtsky; no curve is drawn", "WARN")
    return wanted


def _ranges(given: Any) -> tuple[float, ...]:
    found = tuple(float(v) for v in given) if not isinstance(given, str) else ()
    if len(found) not in (0, 4):
        raise ParameterError(f"plotms: parameter 'plotrange' must be [xmin, xmax, ymin, ymax] or empty; got {list(found)}")
    return found


def _each(value: Any, count: int, name: str) -> list[Any]:
    """One value for each vertical axis, from one for all or a list."""
    values = list(value) if isinstance(value, (list, tuple)) else [value]
    if len(values) not in (1, count):
        raise ParameterError(
            f"plotms: parameter {name!r} must hold one value, or one for each of {count} vertical axes; got {len(values)}"
        )
    return values * count if len(values) == 1 else values


def _truth(value: Any) -> bool:
    return value.strip().lower() in ("true", "1", "t") if isinstance(value, str) else bool(value)


def _symbol(given: Mapping[str, Any], prefix: str, count: int, k: int) -> SymbolStyle:
    values = {
        n: _each(given[f"{prefix}symbol{n}"], count, f"{prefix}symbol{n}")[k]
        for n in ("shape", "size", "color", "fill", "outline")
    }
    try:
        size = float(values["size"])
    except ValueError:
        raise ParameterError(f"plotms: parameter '{prefix}symbolsize' must be a number; got {values['size']!r}") from None
    color = plain_color(values["color"], f"{prefix}symbolcolor")
    return SymbolStyle(values["shape"], size, color, values["fill"], _truth(values["outline"]))


def _layers(given: Mapping[str, Any], vis: str, chosen: Selection, usual: tuple[str, str], listed: bool) -> list[Layer]:
    """Points of each vertical axis, with their symbols; `usual` are the horizontal axis, and the vertical one where none is given."""
    _require(given)
    axes: Sequence[str] = given["yaxis"] if isinstance(given["yaxis"], list) else [given["yaxis"]]
    axes = [axis or usual[1] for axis in axes] or [usual[1]]
    count = len(axes)
    columns = _each(given["ydatacolumn"] or "", count, "ydatacolumn")
    sides = _each(given["yaxislocation"] or "", count, "yaxislocation")
    lines = _each(given["xconnector"] or "", count, "xconnector")
    several, drawn = [], []
    for k, axis in enumerate(axes):
        if sides[k].lower() not in ("", "left", "right"):
            raise ParameterError(f"plotms: parameter 'yaxislocation' must be left or right; got {sides[k]!r}")
        if lines[k].lower() not in ("", "none", "line", "step"):
            raise ParameterError(f"plotms: parameter 'xconnector' must be none, line or step; got {lines[k]!r}")
        line = "" if lines[k].lower() == "none" else lines[k].lower()
        flagged = _truth(_each(given["customflaggedsymbol"], count, "customflaggedsymbol")[k])
        flagged_symbol = _symbol(given, "flagged", count, k) if flagged else None
        if flagged_symbol is not None and flagged_symbol.shape == "nosymbol":
            flagged_symbol = None
        custom = _truth(_each(given["customsymbol"], count, "customsymbol")[k])
        symbol = _symbol(given, "", count, k) if custom else SymbolStyle(color=_OTHERS[k % len(_OTHERS)])
        several.append(_options(given, (usual[0], normalised(axis)), columns[k], line, flagged_symbol is not None, listed))
        drawn.append({"symbol": symbol, "flagged_symbol": flagged_symbol, "line": line, "right": sides[k].lower() == "right"})
    return make_layers(vis, chosen, several, drawn)


def _require(given: Mapping[str, Any]) -> None:
    if given["legendposition"].lower() not in LEGENDS:
        raise ParameterError(
            f"plotms: parameter 'legendposition' must be one of {', '.join(n for n in LEGENDS if n)}; got {given['legendposition']!r}"
        )
    if given["veldef"].upper() not in ("RADIO", "OPTICAL", "TRUE"):
        raise ParameterError(f"plotms: parameter 'veldef' must be RADIO, OPTICAL or TRUE; got {given['veldef']!r}")
    for name in ("gridrows", "gridcols"):
        if given[name] < 1:
            raise ParameterError(f"plotms: parameter {name!r} must be at least 1; got {given[name]}")


def _options(given: Mapping[str, Any], axes: tuple[str, str], column: str, line: str, flagged: bool, listed: bool) -> PlotOptions:
    averaged, moved = given["averagedata"], given["transform"]
    for name in (given["xdatacolumn"], column):
        data_column(name)
    # Pointings are asked for by either axis.
    which = "y" if axes[1].startswith("ant-") else "x"
    how = given[f"{which}interp"].strip().lower()
    if how not in ("", "nearest", "cubic", "cubic spline", "spline"):
        raise ParameterError(
            f"plotms: parameter '{which}interp' must be nearest or cubic spline; got {given[f'{which}interp']!r}"
        )
    channels = given["avgchannel"].strip()
    return PlotOptions(
        x=axes[0],
        y=axes[1],
        x_column=given["xdatacolumn"] or "data",
        y_column=column or "data",
        channels=max(1, int(float(channels))) if averaged and channels else 1,
        time_s=float(to_unit(given["avgtime"], "s")) if averaged and given["avgtime"] else 0.0,
        over_scan=averaged and given["avgscan"],
        over_field=averaged and given["avgfield"],
        over_baseline=averaged and given["avgbaseline"],
        over_antenna=averaged and given["avgantenna"],
        over_spw=averaged and given["avgspw"],
        scalar=averaged and given["scalar"],
        rest_frequency_hz=float(to_unit(given["restfreq"], "Hz")) if given["restfreq"] and moved else 0.0,
        frame=frequency_frame(given["freqframe"]) if given["freqframe"] and moved else "",
        doppler=given["veldef"].upper() if moved else "RADIO",
        phase_centre=given["phasecenter"] if moved else "",
        callib=tuple(t for t in ([given["callib"]] if isinstance(given["callib"], str) else given["callib"]) if t.strip()),
        pointing_frame=(given[f"{which}frame"] or "J2000").strip().upper(),
        pointing_interpolation="nearest" if how == "nearest" else "cubic",
        color=normalised(given["coloraxis"]),
        iterate=normalised(given["iteraxis"]),
        flagged=flagged,
        ratio=given["selectdata"] and given["correlation"].strip() == "/",
        connect=("time" if given["timeconnector"] else "x") if line else "",
        listed=listed,
    )
