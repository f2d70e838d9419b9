"""The options of the ``casa`` command, and the configuration that they win over."""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence
from typing import Any

__all__ = ["make_parser", "prepare_environment", "settings"]


def make_parser() -> argparse.ArgumentParser:
    """The parser of the command line."""
    parser = argparse.ArgumentParser(prog="casa", description="CASA's tasks and tools at a prompt, or a script run with them.")
    add = parser.add_argument
    add("-v", "--version", action="store_true", help="print the versions and stop")
    add("--configfile", metavar="FILE", help="configuration file instead of ~/.casa/config.py")
    add("--noconfig", action="store_true", help="read no user configuration file")
    add("--nositeconfig", action="store_true", help="read no site configuration file")
    add("--startupfile", metavar="FILE", help="script to run before the prompt instead of ~/.casa/startup.py")
    add("--nostartupfile", action="store_true", help="run no startup script")
    add("--rcdir", metavar="FOLDER", help="folder of config.py and startup.py instead of ~/.casa")
    add("--norc", action="store_true", help="read neither config.py nor startup.py")
    add("--logfile", metavar="FILE", help="log file")
    add("--nologfile", action="store_true", help="write no log file; wins over --logfile")
    add("--log2term", action="store_true", help="write the log to the terminal too")
    add("--nologger", action="store_true", help="no log window; none is opened unasked")
    add("--nogui", action="store_true", help="no graphical programs; implies --nologger")
    add("--agg", action="store_true", help="plots never open a window")
    add("--pipeline", action="store_true", help="import the pipeline; implies --agg")
    add("--colors", choices=("Neutral", "NoColor", "Linux", "LightBG"), help="colours of the prompt")
    add("--cachedir", metavar="FOLDER", help="folder of the prompt's history")
    add("--datapath", metavar="FOLDERS", help="folders of data, with colons between them")
    add("--iplog", action="store_true", help="write what is typed to a file")
    add("--user-site", action="store_true", help="use Python packages of your home folder")
    add("--notelemetry", action="store_true", help="write no telemetry, whatever the configuration says")
    add("--nocrashreport", action="store_true", help="write no crash reports, whatever the configuration says")
    add("--no-auto-update", action="store_true", help="fetch no data; nothing is fetched unasked anyway")
    add("-c", nargs=argparse.REMAINDER, metavar="SCRIPT", help="a script with its arguments, or an expression, to run instead")
    return parser


def prepare_environment(options: argparse.Namespace) -> None:
    """Say which configuration files are read, before casatasks is imported; ranks and child processes inherit it."""
    if options.noconfig or options.norc:
        os.environ["CASA_NOCONFIG"] = "1"
    if options.nositeconfig:
        os.environ["CASA_NOSITECONFIG"] = "1"
    named = options.configfile or (os.path.join(options.rcdir, "config.py") if options.rcdir else "")
    if named:
        os.environ["CASA_CONFIGFILE"] = os.path.abspath(os.path.expanduser(named))


def settings(options: argparse.Namespace) -> dict[str, Any]:
    """The configuration options that the command line sets, by name; the rules between them applied."""
    found: dict[str, Any] = {}
    for name in ("nologfile", "log2term", "nologger", "nogui", "agg", "pipeline", "iplog", "user_site"):
        if getattr(options, name):
            found[name] = True
    for name in ("logfile", "colors", "cachedir", "startupfile"):
        if getattr(options, name):
            found[name] = getattr(options, name)
    if options.datapath:
        found["datapath"] = [part for part in options.datapath.split(":") if part]
    if options.rcdir:
        found["rcdir"] = options.rcdir
        found.setdefault("cachedir", options.rcdir)
        found.setdefault("startupfile", os.path.join(options.rcdir, "startup.py"))
    if options.nostartupfile or options.norc:
        found["startupfile"] = ""
    if options.notelemetry:
        found["telemetry_enabled"] = False
    if options.nocrashreport:
        found["crashreporter_enabled"] = False
    return found


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Read the command line; a configuration file that is named must be there."""
    parser = make_parser()
    options = parser.parse_args(arguments)
    if options.configfile and not os.path.isfile(os.path.expanduser(options.configfile)):
        parser.error(f"there is no configuration file {options.configfile!r}")
    if options.c is not None and not options.c:
        parser.error("-c needs a script or an expression")
    return options
