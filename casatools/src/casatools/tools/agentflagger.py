"""agentflagger: flagging agents, run together in one pass, and flag versions."""

from __future__ import annotations

import dataclasses
import functools
import inspect
import os
from collections.abc import Callable
from typing import Annotated, Any

from casatools._base import kinds, log
from casatools._base.declare import method
from casatools._base.errors import NotOpenError
from casatools.flagging.commands import MODE_OPTIONS, FlagCommand, make_command
from casatools.flagging.run import run_commands
from casatools.flagging.session import delete_version, list_versions, record_of_reports, restore_version, save_version
from casatools.io.caltable import is_caltable
from casatools.io.ms import MeasurementSet, Selection
from casatools.io.ms.solution_rows import SolutionRows

__all__ = ["agentflagger"]

_Select = Annotated[str, kinds.Text(numbers=True), "Selection expression; '' is all"]
_Apply = Annotated[bool, kinds.Bool(), "Write the flags of this agent"]


_SELECTION = ("field", "spw", "array", "feed", "scan", "antenna", "uvrange", "time", "correlation", "intent", "observation")


def _given(values: dict[str, Any]) -> dict[str, Any]:
    """The parameters of a parse method, without what was not given."""
    kept = {k: v for k, v in values.items() if not (isinstance(v, str) and v == "")}
    if kept.get("ntime") == 0.0:
        kept["ntime"] = "scan"
    return kept


def _agent(own: Callable[..., Any]) -> Callable[..., bool]:
    """A method that adds an agent: the selection, which all agents take, before the parameters of its own."""
    mode = own.__name__.removeprefix("parse").removesuffix("parameters")

    def parse(self: agentflagger, **given: Any) -> bool:
        return self._add({"mode": mode, **_given(given)})

    functools.update_wrapper(parse, own)
    first, *others = inspect.signature(own).parameters.values()
    selection = [first.replace(name=name, default="", annotation=_Select) for name in _SELECTION]
    parse.__annotations__ = {**dict.fromkeys(_SELECTION, _Select), **own.__annotations__}
    parse.__signature__ = inspect.Signature([first, *selection, *others])  # type: ignore[attr-defined]
    return method(parse)


def _names(given: Any) -> list[str]:
    return [given] if isinstance(given, str) else list(given)


def _opened(path: str) -> MeasurementSet:
    return SolutionRows(path) if is_caltable(path) else MeasurementSet(path)


class agentflagger:
    """Flagging agents on one MeasurementSet."""

    def __init__(self) -> None:
        self._path = ""
        self._ntime: Any = 0.0
        self._agents: list[FlagCommand] = []
        self._selection: dict[str, str] = {}

    def _require(self) -> str:
        if not self._path:
            raise NotOpenError("agentflagger: no MeasurementSet is open; call open first")
        return self._path

    def _add(self, values: dict[str, Any]) -> bool:
        self._require()
        if values.get("ntime", "scan") == "scan" and "ntime" in MODE_OPTIONS.get(str(values.get("mode")), {}) and self._ntime:
            values = {**values, "ntime": self._ntime}
        self._agents.append(make_command(values))
        return True

    def _limited(self) -> list[FlagCommand]:
        """The agents, each within the data selected: what an agent does not select itself is taken from the common selection."""
        out = []
        for command in self._agents:
            missing = {k: v for k, v in self._selection.items() if not getattr(command.selection, k)}
            out.append(dataclasses.replace(command, selection=dataclasses.replace(command.selection, **missing)))
        return out

    @method
    def deleteflagversion(
        self,
        versionname: Annotated[Any, kinds.Variant((kinds.Text(), kinds.TextList())), "Names of versions"] = [],  # noqa: B006
    ) -> bool:
        """Remove flag versions."""
        for name in _names(versionname):
            delete_version(self._require(), name)
        return True

    @method
    def done(self) -> bool:
        """Close the tool and forget its agents."""
        self._path, self._agents, self._selection = "", [], {}
        return True

    @method
    def getflagversionlist(
        self,
        printflags: Annotated[bool, kinds.Bool(), "List them in the log"] = True,
    ) -> list[str]:
        """List the flag versions as text."""
        path = self._require()
        lines = [f"\nMS : {os.path.abspath(path.rstrip('/'))}\n", "main : working copy in main table"]
        lines += [f"{name} : {comment}" for name, comment in list_versions(path)]
        if printflags:
            for line in lines:
                log.post(line)
        return lines

    @method
    def init(self) -> bool:
        """Prepare the run; False when there is no agent."""
        self._require()
        return bool(self._agents)

    @method
    def open(
        self,
        msname: Annotated[str, kinds.InPath(), "Name of the MeasurementSet"] = "",
        ntime: Annotated[
            Any, kinds.Variant((kinds.Float(), kinds.Text())), "Length of the pieces looked at [s]; 0 is a scan"
        ] = 0.0,
    ) -> bool:
        """Open a MeasurementSet."""
        _opened(msname).close()
        self._path, self._ntime, self._agents, self._selection = msname, ntime, [], {}
        return True

    @method
    def parseagentparameters(
        self,
        aparams: Annotated[dict[str, Any], kinds.Record(), "Parameters of the agent, such as {'mode': 'manual'}"],
    ) -> bool:
        """Add an agent from a record of its parameters."""
        return self._add(dict(aparams))

    @_agent
    def parseantintparameters(
        self,
        antint_ref_antenna: Annotated[str, kinds.Text(), "Antenna whose baselines are looked at"] = "",
        minchanfrac: Annotated[float, kinds.Float(), "Fraction of flagged channels that flags an integration"] = 0.6,
        verbose: Annotated[bool, kinds.Bool(), "Say more in the log"] = False,
        apply: _Apply = True,
    ) -> Any:
        """Add an agent of mode antint."""

    @_agent
    def parseclipparameters(
        self,
        datacolumn: Annotated[str, kinds.Text(), "Column to look at"] = "DATA",
        clipminmax: Annotated[list[float], kinds.FloatList(), "Range [min, max] of good values"] = [],  # noqa: B006
        clipoutside: Annotated[bool, kinds.Bool(), "Flag outside the range"] = True,
        channelavg: Annotated[bool, kinds.Bool(), "Average channels before"] = False,
        chanbin: Annotated[int, kinds.Int(), "Channels to average"] = 1,
        timeavg: Annotated[bool, kinds.Bool(), "Average in time before"] = False,
        timebin: Annotated[str, kinds.Text(), "Interval to average over"] = "",
        clipzeros: Annotated[bool, kinds.Bool(), "Flag zeros"] = False,
        apply: _Apply = True,
    ) -> Any:
        """Add an agent of mode clip."""

    @_agent
    def parseelevationparameters(
        self,
        lowerlimit: Annotated[float, kinds.Float(), "Lowest elevation [deg]"] = 0.0,
        upperlimit: Annotated[float, kinds.Float(), "Highest elevation [deg]"] = 90.0,
        apply: _Apply = True,
    ) -> Any:
        """Add an agent of mode elevation."""

    @_agent
    def parseextendparameters(
        self,
        ntime: Annotated[
            Any, kinds.Variant((kinds.Float(), kinds.Text())), "Length of the pieces looked at [s]; 0 is a scan"
        ] = 0.0,
        combinescans: Annotated[bool, kinds.Bool(), "Let pieces go over scans"] = False,
        extendpols: Annotated[bool, kinds.Bool(), "Flag all correlations"] = True,
        growtime: Annotated[float, kinds.Float(), "Percentage of times flagged"] = 50.0,
        growfreq: Annotated[float, kinds.Float(), "Percentage of channels flagged"] = 50.0,
        growaround: Annotated[bool, kinds.Bool(), "Flag surrounded points"] = False,
        flagneartime: Annotated[bool, kinds.Bool(), "Flag neighbours in time"] = False,
        flagnearfreq: Annotated[bool, kinds.Bool(), "Flag neighbours in frequency"] = False,
        apply: _Apply = True,
    ) -> Any:
        """Add an agent of mode extend."""

    @_agent
    def parsemanualparameters(
        self,
        autocorr: Annotated[bool, kinds.Bool(), "Only autocorrelations"] = False,
        apply: _Apply = True,
    ) -> Any:
        """Add an agent of mode manual."""

    @_agent
    def parsequackparameters(
        self,
        quackmode: Annotated[str, kinds.Text(), "Part of the scans"] = "beg",
        quackinterval: Annotated[float, kinds.Float(), "Length [s]"] = 1.0,
        quackincrement: Annotated[bool, kinds.Bool(), "Count from unflagged data"] = False,
        apply: _Apply = True,
    ) -> Any:
        """Add an agent of mode quack."""

    @_agent
    def parsesummaryparameters(
        self,
        spwchan: Annotated[bool, kinds.Bool(), "Count per channel"] = False,
        spwcorr: Annotated[bool, kinds.Bool(), "Count per correlation"] = False,
        basecnt: Annotated[bool, kinds.Bool(), "Count per baseline"] = False,
        fieldcnt: Annotated[bool, kinds.Bool(), "Split by field"] = False,
        name: Annotated[str, kinds.Text(), "Name of the summary"] = "",
    ) -> Any:
        """Add an agent of mode summary."""

    @_agent
    def parsetfcropparameters(
        self,
        ntime: Annotated[
            Any, kinds.Variant((kinds.Float(), kinds.Text())), "Length of the pieces looked at [s]; 0 is a scan"
        ] = 0.0,
        combinescans: Annotated[bool, kinds.Bool(), "Let pieces go over scans"] = False,
        datacolumn: Annotated[str, kinds.Text(), "Column to look at"] = "DATA",
        timecutoff: Annotated[float, kinds.Float(), "Cut-off along time"] = 4.0,
        freqcutoff: Annotated[float, kinds.Float(), "Cut-off along frequency"] = 3.0,
        timefit: Annotated[str, kinds.Text(), "Fit along time"] = "line",
        freqfit: Annotated[str, kinds.Text(), "Fit along frequency"] = "poly",
        maxnpieces: Annotated[int, kinds.Int(), "Most pieces of a fit"] = 7,
        flagdimension: Annotated[str, kinds.Text(), "Order of the dimensions"] = "freqtime",
        usewindowstats: Annotated[str, kinds.Text(), "Statistics in a window"] = "none",
        halfwin: Annotated[int, kinds.Int(), "Half width of the window"] = 1,
        extendflags: Annotated[bool, kinds.Bool(), "Extend flags found"] = True,
        apply: _Apply = True,
        channelavg: Annotated[bool, kinds.Bool(), "Average channels before"] = False,
        chanbin: Annotated[int, kinds.Int(), "Channels to average"] = 1,
        timeavg: Annotated[bool, kinds.Bool(), "Average in time before"] = False,
        timebin: Annotated[str, kinds.Text(), "Interval to average over"] = "",
    ) -> Any:
        """Add an agent of mode tfcrop."""

    @method
    def printflagselection(self) -> bool:
        """Write the agents that are waiting to the log."""
        for command in self._agents:
            log.post(command.text)
        return True

    @method
    def restoreflagversion(
        self,
        versionname: Annotated[Any, kinds.Variant((kinds.Text(), kinds.TextList())), "Names of versions"] = [],  # noqa: B006
        merge: Annotated[str, kinds.Text(), "How flags combine: replace, and, or"] = "",
    ) -> bool:
        """Put flags of versions back."""
        for name in _names(versionname):
            restore_version(self._require(), name, merge or "replace")
        return True

    @method
    def run(
        self,
        writeflags: Annotated[bool, kinds.Bool(), "Write the flags"] = True,
        sequential: Annotated[
            bool, kinds.Bool(), "Run in the order given; False leaves the order open, and they run so too"
        ] = True,
    ) -> dict[str, Any]:
        """Run all agents in one pass; without agents there is no report."""
        if not self._agents:
            self._require()
            return {}
        reports = run_commands(self._require(), self._limited(), write=writeflags, skip_empty=True)
        return record_of_reports(reports)

    @method
    def saveflagversion(
        self,
        versionname: Annotated[str, kinds.Text(), "Name of the version"] = "",
        comment: Annotated[str, kinds.Text(), "Text kept with the version"] = "",
        merge: Annotated[str, kinds.Text(), "How flags combine: replace, and, or"] = "",
    ) -> bool:
        """Save the flags as a version."""
        save_version(self._require(), versionname, comment, merge or "replace")
        return True

    @method
    def selectdata(
        self,
        config: Annotated[dict[str, Any], kinds.Record(), "Parameters of the agent, such as {'mode': 'manual'}"] = {},  # noqa: B006
        field: _Select = "",
        spw: _Select = "",
        array: _Select = "",
        feed: _Select = "",
        scan: _Select = "",
        antenna: _Select = "",
        uvrange: _Select = "",
        timerange: _Select = "",
        correlation: _Select = "",
        intent: _Select = "",
        observation: _Select = "",
    ) -> bool:
        """Select the data that all agents work on."""
        given = {k: v for k, v in locals().items() if k not in ("self", "config")}
        chosen = {k: v for k, v in {**given, **config}.items() if v not in ("", None)}
        if "time" in chosen:
            chosen["timerange"] = chosen.pop("time")
        self._selection = {k: str(v) for k, v in chosen.items()}
        with _opened(self._require()) as ms:
            Selection(**self._selection).resolve(ms)
        return True
