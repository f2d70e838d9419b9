"""What the prompt of IPython looks like, and which names work there without parentheses; needs IPython."""

from __future__ import annotations

import sys
import traceback
from collections.abc import Callable
from typing import Any

from IPython.core.autocall import IPyAutocall
from IPython.terminal.interactiveshell import TerminalInteractiveShell
from IPython.terminal.prompts import Prompts
from pygments.token import Token

from casatools._base.errors import CasaError

__all__ = ["CasaPrompts", "call_bare", "configure"]

_OURS = ("IPython", "casashell", "casatasks", "casatools", "casampi")
_BARE = ("inp", "go", "default", "tget", "tput", "saveinputs", "taskhelp", "toolhelp")


class CasaPrompts(Prompts):  # type: ignore[misc]
    """``CASA <1>:``, as scripts and tutorials show it."""

    def in_prompt_tokens(self) -> list[tuple[Any, str]]:
        """The prompt of input."""
        return [(Token.Prompt, "CASA <"), (Token.PromptNum, str(self.shell.execution_count)), (Token.Prompt, ">: ")]


class _Bare(IPyAutocall):  # type: ignore[misc]
    """A function that a line with nothing but its name calls."""

    rewrite = False

    def __init__(self, function: Callable[..., Any]) -> None:
        super().__init__()
        self._function = function
        self.__doc__, self.__name__ = function.__doc__, function.__name__

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self._function(*args, **kwargs)


def call_bare(names: dict[str, Any]) -> None:
    """Let ``inp``, ``go`` and their like work without parentheses."""
    names |= {name: _Bare(names[name]) for name in _BARE}


def load_ipython_extension(shell: Any) -> None:
    """Called by IPython: the suite's own errors say in a sentence what is wrong, so at the prompt they are that sentence."""
    shell.set_custom_exc((CasaError,), _show_refusal)


def _show_refusal(shell: Any, kind: type[BaseException], value: BaseException, trace: Any, tb_offset: Any = None) -> None:
    sys.last_type, sys.last_value, sys.last_traceback = kind, value, trace
    frames = [str(frame.f_globals.get("__name__")).partition(".")[0] for frame, _ in traceback.walk_tb(trace)]
    if sum(package not in _OURS for package in frames) > 1:  # not from the line typed: from a script or a function of the user's
        shell.showtraceback((kind, value, trace), tb_offset=tb_offset)
        return
    sys.stderr.write(f"{kind.__name__}: {value}\n(%tb shows where)\n")


def configure(setting: Any) -> None:
    """Set the prompt in a configuration of IPython."""
    setting.InteractiveShellApp.extensions = [__name__]
    setting.TerminalInteractiveShell.prompts_class = CasaPrompts
    setting.TerminalInteractiveShell.autocall = 1  # inp tclean
    setting.TerminalInteractiveShell.banner1 = "taskhelp() lists the tasks, toolhelp() the tools, help(tclean) tells about one.\n"
    if TerminalInteractiveShell.class_traits().get("enable_tip") is not None:
        setting.TerminalInteractiveShell.enable_tip = False
