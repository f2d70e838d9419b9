"""Sessions: ``nox -s lint``, ``tests``, ``bench``, ``docs``, ``wheels``."""

from __future__ import annotations

import os

import nox

nox.options.sessions = ["lint", "tests"]
WHEELS = ("./casatools", "./casatasks", "./casampi")


def _install(session: nox.Session) -> None:
    session.install(*WHEELS, "-r", "tests/requirements.txt")


@nox.session
def lint(session: nox.Session) -> None:
    """Style, types, layers, sizes."""
    _install(session)
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")
    session.run("mypy", "casatools/src", "casatasks/src", "casampi/src")
    session.run("lint-imports", "--no-cache")
    session.run("python", "tests/support/gates.py")


@nox.session
def tests(session: nox.Session) -> None:
    """All tests; arguments go to pytest."""
    _install(session)
    session.run("python", "-m", "pytest", *session.posargs)


@nox.session
def bench(session: nox.Session) -> None:
    """Times the job and the benchmark rows beside the reference's when CASA_ORACLE names its interpreter."""
    _install(session)
    oracle = os.environ.get("CASA_ORACLE", "")
    session.run("python", "benchmarks/compare.py", *session.posargs, env={"CASA_ORACLE": oracle})
    if oracle and not session.posargs:
        session.run("python", "benchmarks/transform.py", env={"CASA_ORACLE": oracle})
    if not session.posargs:
        session.run("python", "benchmarks/information.py", env={"CASA_ORACLE": oracle})
        session.run("python", "benchmarks/images.py", env={"CASA_ORACLE": oracle})
        session.run("python", "benchmarks/images.py", "--memory", "200", env={"CASA_ORACLE": ""})


@nox.session
def docs(session: nox.Session) -> None:
    """Runs the examples of the documentation."""
    _install(session)
    session.run("python", "docs/build.py", *session.posargs)
    if not session.posargs:
        session.run("python", "docs/notebook.py")


@nox.session
def wheels(session: nox.Session) -> None:
    """Builds the three wheels into dist/."""
    session.install("build")
    for wheel in WHEELS:
        session.run("python", "-m", "build", "--wheel", "--outdir", "dist", wheel)
