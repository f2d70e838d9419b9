"""Sessions: ``nox -s lint``, ``tests``, ``bench``, ``docs``, ``wheels``."""

from __future__ import annotations

import os
import shutil

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


def _dp3(session: nox.Session) -> dict[str, str]:
    """The environment in which DP3's published wheel runs: one of its own, since its libraries are of other versions, and our measures data."""
    folder = os.path.abspath(session.create_tmp())
    programs = os.path.join(folder, "bin")
    session.run("python", "-m", "venv", folder)
    session.run(os.path.join(programs, "pip"), "install", "-q", "dp3", "numpy", external=True)
    tell = "from casatools.frames.measures_tables import choose_folder; print(choose_folder())"
    settings = os.path.join(folder, "casarc")
    with open(settings, "w") as file:
        file.write(f"measures.directory: {str(session.run('python', '-c', tell, silent=True)).strip()}\n")
    path = os.pathsep.join((os.environ["PATH"], programs))
    return {"DP3": os.path.join(programs, "DP3.py"), "PATH": path, "CASARCFILES": settings}


@nox.session
def bench(session: nox.Session) -> None:
    """Times everything beside the reference, whose interpreter CASA_ORACLE names, and beside DP3 and WSClean; arguments go to compare.py alone.

    The sets are made once, in ``bench_sets`` or the folder BENCH_SETS. WSClean (Debian's package) is used where it is installed.
    """
    _install(session)
    if session.posargs:
        session.run("python", "benchmarks/compare.py", *session.posargs)
        return
    session.run("python", "benchmarks/compare.py")
    session.run("python", "benchmarks/images.py")
    session.run("python", "benchmarks/images.py", "--memory", "200", env={"CASA_ORACLE": ""})
    folder = os.path.abspath(os.environ.get("BENCH_SETS", "bench_sets"))
    session.run("python", "benchmarks/sets.py", folder)
    work = os.path.join(os.path.abspath(session.create_tmp()), "work")
    beside = _dp3(session)
    ms, warm = os.path.join(folder, "bench.ms"), os.path.join(folder, "warm.ms")
    session.run("python", "benchmarks/information.py", "--ms", ms)
    session.run("python", "benchmarks/solving.py", ms, env=beside)
    session.run("python", "benchmarks/applying.py", ms, warm, "--work", os.path.join(work, "applying"))
    session.run("python", "benchmarks/transform.py", "--ms", ms, env=beside)
    session.run("python", "benchmarks/imaging.py", ms, "--reference-for-all", "--work", os.path.join(work, "imaging"))
    shutil.rmtree(work)


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
