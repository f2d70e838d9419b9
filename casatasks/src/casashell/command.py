"""What the ``casa`` command does: configuration, names, startup script, then a script or the prompt."""

from __future__ import annotations

import os
import sys
import time
import traceback
from collections.abc import Sequence
from typing import Any

from casashell import options as command_line

__all__ = ["main", "run_code"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; gives the exit code: 0, that of ``sys.exit`` in a script, 1 after an error, 130 after Ctrl-C."""
    options = command_line.parse(arguments)
    command_line.prepare_environment(options)
    import casatasks
    from casatools._base import config
    from casatools._base.version import VERSION

    if options.version:
        sys.stdout.write(f"casatasks {VERSION}, interface of CASA {casatasks.version_string()}\n")
        return 0
    _configure(command_line.settings(options))
    from casashell.session import make_names

    names = make_names()
    if config.value("pipeline"):
        __import__("pipeline")
    code = _run_startup(str(config.value("startupfile")), names)
    if options.c is not None:
        return run_code(options.c, names)
    return code or _interact(names)


def _configure(given: dict[str, Any]) -> None:
    from casatools._base import config

    for name, value in given.items():
        config.set_value(name, config.checked(name, value), "command line")
    if config.value("nogui"):
        config.set_value("nologger", True, config.source("nogui"))
    if config.value("pipeline"):
        config.set_value("agg", True, config.source("pipeline"))
    if config.value("agg"):
        os.environ["MPLBACKEND"] = "Agg"
    if config.value("user_site"):
        import site

        site.addsitedir(site.getusersitepackages())


def _run_startup(path: str, names: dict[str, Any]) -> int:
    """Execute the startup script in the session's names; an error in it is shown and the session goes on."""
    if not path or not os.path.isfile(path):
        return 0
    try:
        names["execfile"](path)
    except SystemExit as leaving:
        return exit_code(leaving)
    except Exception:  # noqa: BLE001 - the user's own program may raise anything
        traceback.print_exc()
        sys.stderr.write(f"the startup script {path} failed; the session goes on\n")
    return 0


def run_code(words: Sequence[str], names: dict[str, Any]) -> int:
    """Run a script with its arguments, or text as statements; gives the exit code."""
    first = words[0]
    try:
        if os.path.isfile(first):
            sys.argv = list(words)
            sys.path.insert(0, os.path.dirname(os.path.abspath(first)))
            names["execfile"](first)
        elif first.endswith(".py"):
            sys.stderr.write(f"casa: there is no script {first!r}\n")
            return 2
        else:
            sys.argv = ["-c", *words[1:]]
            exec(compile(first, "<casa -c>", "exec"), names)
    except SystemExit as leaving:
        return exit_code(leaving)
    except KeyboardInterrupt:
        sys.stderr.write("interrupted\n")
        return 130
    except BaseException as error:  # noqa: BLE001 - whatever ends the script: its traceback is shown, with the script on top
        from casatools._base.crash_report import report_exception

        traceback.print_exc()
        report_exception(error, "casa -c")
        return 1
    return 0


def exit_code(leaving: SystemExit) -> int:
    """The exit code that ``sys.exit`` asks for; text is shown and counts as a failure."""
    if leaving.code is None:
        return 0
    if isinstance(leaving.code, int):
        return leaving.code
    sys.stderr.write(f"{leaving.code}\n")
    return 1


def _interact(names: dict[str, Any]) -> int:
    from casatools._base import config

    try:
        import IPython
        from traitlets.config import Config
    except ModuleNotFoundError as missing:
        import code

        sys.stderr.write(f"{missing.name} is not installed (pip install ipython); this is the plain Python prompt\n")
        code.interact(banner="", local=names, exitmsg="")
        return 0
    from casashell import prompt

    setting = Config()
    prompt.configure(setting)
    prompt.call_bare(names)
    colors = str(config.value("colors"))
    setting.InteractiveShell.colors = colors if IPython.version_info[0] < 9 else colors.lower()
    folder = os.path.join(str(config.value("cachedir")), "ipython")
    try:
        os.makedirs(folder, exist_ok=True)
    except OSError:  # no history where it cannot be kept
        setting.HistoryAccessor.enabled = False
    else:
        setting.BaseIPythonApplication.ipython_dir = folder
    if config.value("iplog"):
        name = str(config.value("iplogfile")) or time.strftime("ipython-%Y%m%d-%H%M%S.log", time.gmtime())
        setting.TerminalInteractiveShell.logfile = name
        setting.TerminalInteractiveShell.logstart = True
    IPython.start_ipython(argv=[], user_ns=names, config=setting)
    return 0
