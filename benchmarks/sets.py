"""Makes the MeasurementSets of the benchmarks: ``python benchmarks/sets.py FOLDER`` writes bench.ms and, a small one of its kind, warm.ms.

They are simulated by ``bench/make_bench_ms.py`` of the shared folder under the reference that CASA_ORACLE names (there is no simulator tool here yet).
Its antennas are in ``vla.b.cfg`` of CASA's data: the file that BENCH_ANTENNAS names, or the one of the reference's data package. CASA_ORACLE_HOME is the
reference's home folder.
"""

from __future__ import annotations

import argparse
import os
import subprocess
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[1]
SETS = {"bench.ms": "360", "warm.ms": "12"}  # and the number of their integrations
_CONFIGURATION = Path("__data__", "alma", "simmos", "vla.b.cfg")
_FIND = "import importlib.util as u; s = u.find_spec('casadata'); print(*(s.submodule_search_locations if s else ()), sep='\\n')"


def shared_folder() -> Path:
    return Path(os.environ.get("CASA_SHARED", CHECKOUT.parent / "shared"))


def reference_environment() -> dict[str, str]:
    """The environment of the reference: its own home, and none of our modules."""
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
    return {**environment, "HOME": os.environ.get("CASA_ORACLE_HOME", environment.get("HOME", ""))}


def antennas(python: str) -> str:
    """The file of antenna positions."""
    if given := os.environ.get("BENCH_ANTENNAS"):
        return given
    found = subprocess.run([python, "-c", _FIND], env=reference_environment(), capture_output=True, text=True, check=True)
    for folder in found.stdout.split("\n"):
        if folder and (path := Path(folder) / _CONFIGURATION).is_file():
            return str(path)
    raise SystemExit("no vla.b.cfg: set BENCH_ANTENNAS to the file of CASA's data (alma/simmos)")


def make_sets(folder: Path) -> tuple[Path, Path]:
    """The benchmark MeasurementSet and the small one, made where they are not there yet."""
    folder.mkdir(parents=True, exist_ok=True)
    oracle = os.environ.get("CASA_ORACLE", "")
    for name, count in SETS.items():
        if (folder / name).is_dir():
            continue
        if not oracle:
            raise SystemExit(
                f"{folder / name} is not there, and a reference must simulate it: set CASA_ORACLE to its interpreter"
            )
        script, making = shared_folder() / "bench" / "make_bench_ms.py", f"making-{name}"
        arguments = [str(script), making, count, "64", antennas(oracle), "20"]
        with open(folder / "making.log", "a") as log:
            subprocess.run([oracle, *arguments], cwd=folder, env=reference_environment(), stdout=log, stderr=log, check=True)
        (folder / making).rename(folder / name)
    return folder / "bench.ms", folder / "warm.ms"


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    make_sets(parser.parse_args().folder)
