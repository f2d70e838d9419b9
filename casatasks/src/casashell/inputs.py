"""``inp go default tget tput saveinputs``: parameters of a task kept as names of the session."""

from __future__ import annotations

import ast
import difflib
import os
import shutil
import sys
import textwrap
from collections.abc import Callable
from typing import Any

from casatools._base.errors import DataError, ParameterError, PathMissingError

__all__ = ["Inputs", "in_columns"]


class Inputs:
    """The task that is being set up, and its parameters among the names of the session.

    Parameters
    ----------
    names : dict
        The session's names; parameters are read from and set in it.
    tasks : dict
        Task functions by name.
    """

    def __init__(self, names: dict[str, Any], tasks: dict[str, Callable[..., Any]]) -> None:
        self._names, self._tasks = names, tasks
        # A tool that has the name of a parameter is not a value of it.
        self._given = {name: id(value) for name, value in names.items()}
        self.current = ""

    def functions(self) -> dict[str, Callable[..., Any]]:
        """The functions of the prompt."""
        return {name: getattr(self, name) for name in ("inp", "go", "default", "tget", "tput", "saveinputs")}

    def inp(self, taskname: Any = None) -> None:
        """Make a task the current one and list its parameters with the values they have; other than default ones are marked."""
        name = self._choose(taskname)
        lines = [f"# {name} -- {(self._tasks[name].__doc__ or '').partition(chr(10))[0]}\n"]
        for parameter in self._parameters(name):
            value = self._value(parameter)
            mark = " " if _same(value, parameter.default) else "*"
            try:
                parameter.kind.convert(value)
                note = ""
            except ValueError as refusal:
                note = "" if _same(value, parameter.default) else f"must be {refusal}"
            lines.append(in_columns(f"{mark}{parameter.name:<20} = {value!r:<24} # ", parameter.help, "# "))
            if note:
                lines.append(in_columns("    <-- ", note))
        sys.stdout.write("".join(lines))

    def go(self, taskname: Any = None) -> Any:
        """Run the current task, or another, with the parameters as they are; they are saved as ``<task>.last``."""
        name = self._choose(taskname)
        values = {p.name: self._value(p) for p in self._parameters(name)}
        self.saveinputs(name, f"{name}.last")
        return self._tasks[name](**values)

    def default(self, taskname: Any = None) -> None:
        """Make a task the current one and set all of its parameters to their defaults."""
        for parameter in self._parameters(self._choose(taskname)):
            value = parameter.default
            self._names[parameter.name] = value.copy() if isinstance(value, (list, dict)) else value

    def tget(self, taskname: Any = None, savefile: str = "") -> None:
        """Set the parameters of a task to those saved in ``<task>.last``, or in `savefile`."""
        name = self._choose(taskname)
        path = savefile or f"{name}.last"
        if not os.path.isfile(path):
            raise PathMissingError(f"there are no saved inputs {path!r}")
        known = {p.name for p in self._parameters(name)}
        found = read_inputs(path)
        self.default(name)
        self._names.update({key: value for key, value in found.items() if key in known})

    def tput(self, taskname: Any = None, savefile: str = "") -> None:
        """Save the parameters of a task in ``<task>.last``, or in `savefile`."""
        name = self._choose(taskname)
        self.saveinputs(name, savefile or f"{name}.last")

    def saveinputs(self, taskname: Any = None, outfile: str = "") -> None:
        """Save the parameters of a task in ``<task>.saved``, or in `outfile`, as Python that `tget` and `execfile` read."""
        name = self._choose(taskname)
        values = {p.name: self._value(p) for p in self._parameters(name)}
        call = ", ".join(f"{key}={value!r}" for key, value in values.items())
        lines = [
            f"{'taskname':<20} = {name!r}\n",
            *(f"{key:<20} = {value!r}\n" for key, value in values.items()),
            f"#{name}({call})\n",
        ]
        try:
            with open(outfile or f"{name}.saved", "w", encoding="utf-8") as stream:
                stream.writelines(lines)
        except OSError as error:
            raise DataError(f"the inputs cannot be saved in {outfile or name + '.saved'!r}: {error.strerror}") from error

    def _choose(self, task: Any) -> str:
        """The name of a task given as name or function; the current one when none is given."""
        name = getattr(task, "__name__", task) or self.current or self._names.get("taskname", "")
        if name not in self._tasks:
            if not name:
                raise ParameterError("there is no current task; name one, as in inp('tclean')")
            near = difflib.get_close_matches(str(name), self._tasks, n=1)
            raise ParameterError(
                f"there is no task {name!r}" + (f"; did you mean {near[0]!r}?" if near else "; taskhelp() lists them")
            )
        self.current = self._names["taskname"] = str(name)
        return self.current

    def _parameters(self, name: str) -> Any:
        return self._tasks[name].__declaration__.parameters  # type: ignore[attr-defined]

    def _value(self, parameter: Any) -> Any:
        value = self._names.get(parameter.name, parameter.default)
        return parameter.default if id(value) == self._given.get(parameter.name) else value


def in_columns(head: str, text: str, mark: str = "") -> str:
    """A line of a head and text, the text broken at the width of the terminal and kept in its column, which `mark` begins."""
    room = shutil.get_terminal_size((130, 24)).columns - len(head) - 1
    if room < 30:  # a long value, or a narrow terminal, which may break lines as it likes
        return f"{head}{text}\n"
    margin = " " * (len(head) - len(mark)) + mark
    return head + f"\n{margin}".join(textwrap.wrap(text, room)) + "\n"


def _same(one: Any, other: Any) -> bool:
    return type(one) is type(other) and bool(one == other)


def read_inputs(path: str) -> dict[str, Any]:
    """Values of the lines ``name = literal`` of a file; nothing in it is executed.

    Raises
    ------
    DataError
        A line is something else.
    """
    with open(path, encoding="utf-8") as stream:
        try:
            tree = ast.parse(stream.read(), path)
            return {node.targets[0].id: ast.literal_eval(node.value) for node in tree.body}  # type: ignore[attr-defined]
        except (SyntaxError, ValueError, AttributeError) as error:
            raise DataError(f"{path!r} does not hold saved inputs, lines of 'name = value': {error}") from error
