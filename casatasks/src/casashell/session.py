"""The names of a session: tasks, tools and their old instances, and the functions of the prompt."""

from __future__ import annotations

import inspect
import sys
from typing import Any

from casashell.inputs import Inputs, in_columns

__all__ = ["INSTANCES", "make_names"]

# The old instance names and the tools they are of.
INSTANCES = {
    "im": "imager", "cb": "calibrater", "ms": "ms", "qa": "quanta", "tb": "table", "af": "agentflagger", "me": "measures", "ia": "image",
    "po": "imagepol", "sm": "simulator", "cl": "componentlist", "cs": "coordsys", "rg": "regionmanager", "sl": "spectralline",
    "vp": "vpmanager", "msmd": "msmetadata", "fn": "functional", "imd": "imagemetadata", "at": "atmosphere", "ca": "calanalysis",
    "mt": "mstransformer", "sdms": "singledishms",
}  # fmt: skip


def make_names() -> dict[str, Any]:
    """What a session can name."""
    import casatasks
    import casatools
    from casatasks._index import TASKS
    from casatools.tools._index import ALIASES, TOOLS

    names: dict[str, Any] = {"__name__": "__main__", "casatasks": casatasks, "casatools": casatools}
    tasks = {name: getattr(casatasks, name) for name in sorted(TASKS)}
    tools = {name: getattr(casatools, name) for name in sorted(TOOLS)}
    names |= tools
    names |= {short: tools[full] for short, full in ALIASES.items() if full in tools}
    names |= {short: tools[full]() for short, full in INSTANCES.items() if full in tools}
    names |= tasks
    names["casalog"] = casatasks.casalog

    def execfile(filename: str, globals: dict[str, Any] | None = None, locals: dict[str, Any] | None = None) -> None:
        """Execute a Python script in the session."""
        space = names if globals is None else globals
        with open(filename, encoding="utf-8") as stream:
            code = compile(stream.read(), filename, "exec")
        before = space.get("__file__")
        space["__file__"] = filename
        try:
            exec(code, space, space if locals is None else locals)
        finally:
            space["__file__"] = before

    def taskhelp() -> None:
        """List the tasks by group, a line each."""
        groups: dict[str, list[str]] = {}
        for name, function in tasks.items():
            groups.setdefault(TASKS[name], []).append(in_columns(f"  {name:<18} ", _summary(function)))
        sys.stdout.write("".join(f"{group}\n{''.join(lines)}" for group, lines in sorted(groups.items())))

    def toolhelp() -> None:
        """List the tools, a line each, with the name of their instance."""
        short = {full: name for name, full in INSTANCES.items()}
        for name, tool in tools.items():
            kind = tool if inspect.isclass(tool) else type(tool)
            sys.stdout.write(in_columns(f"  {short.get(name, ''):<6} {name:<18} ", _summary(kind)))

    names |= {"execfile": execfile, "taskhelp": taskhelp, "toolhelp": toolhelp}
    names |= Inputs(names, tasks).functions()
    return names


def _summary(documented: Any) -> str:
    return (inspect.getdoc(documented) or "").partition("\n")[0]
