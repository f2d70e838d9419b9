"""Command line of the main job: ``python -m casatasks.spectral_line [SOURCE] [--out DIR] ...``."""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Sequence

from casatools._base import log
from casatools._base.errors import CasaError
from casatools._base.paths import remove_output

__all__ = ["main"]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m casatasks.spectral_line",
        description="Flag, calibrate, subtract the continuum and image a spectral-line observation, and write a report.",
    )
    parser.add_argument(
        "source", nargs="?", default="", help="UVFITS file or MeasurementSet; a simulated observation when not given"
    )
    parser.add_argument("--out", default="spectral_line", help="folder for everything that is made (default: %(default)s)")
    parser.add_argument("--flux", default="", help="flux calibrator, name or number of its field (found by name)")
    parser.add_argument("--gain", default="", help="gain calibrator (the field with most scans of those left)")
    parser.add_argument("--target", default="", help="target (the field without calibrator code that has most data)")
    parser.add_argument("--refant", default="", help="reference antennas, a comma between them (those nearest to the middle)")
    parser.add_argument("--standard", default="Perley-Butler 2017", help="flux density standard (default: %(default)s)")
    parser.add_argument("--fitspec", default="", help="line-free channels such as 0:4~6;50~59 (found from the data)")
    parser.add_argument("--restfreq", type=float, default=1420405751.786, help="rest frequency of the line in Hz (default: HI)")
    parser.add_argument("--niter", type=int, default=100_000, help="clean iterations for the cube (default: %(default)s)")
    return parser


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def _run(arguments: argparse.Namespace) -> str:
    """Run the job and return the path of its report."""
    from casatasks.spectral_line.reduction import ReductionOptions, reduce_data
    from casatasks.spectral_line.report import result_rows, write_report

    began = time.perf_counter()

    def tell(step: str) -> None:
        _say(f"{time.perf_counter() - began:7.1f} s  {step}")

    outdir = os.path.abspath(arguments.out)
    os.makedirs(outdir, exist_ok=True)
    # The log belongs to the products.
    log.sink.set_path(os.path.join(outdir, "casa.log"))
    source, truth, simulated = arguments.source, None, 0.0
    if not source:
        from casatools.simulation.demo import make_demo

        tell("simulate")
        source = os.path.join(outdir, "simulated.ms")
        remove_output(source)
        truth = make_demo(source)
        simulated = time.perf_counter() - began
    options = ReductionOptions(
        source, outdir, arguments.flux, arguments.gain, arguments.target, arguments.refant, arguments.standard, arguments.fitspec,
        arguments.restfreq, arguments.niter,
    )  # fmt: skip
    products = reduce_data(options, tell)
    if simulated:
        products.seconds = {"simulate": simulated, **products.seconds}
    tell("report")
    path = write_report(options, products, truth)
    tell("done")
    for row in result_rows(products, truth):
        truth_text = "" if row.truth is None else f"   truth {row.truth:.{row.decimals}f}"
        _say(f"  {row.name:<34}{row.value:>12.{row.decimals}f} +- {row.error:.{row.decimals}f} {row.unit}{truth_text}")
    return path


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit code: 0, or 2 after an error that is told in one sentence."""
    arguments = _parser().parse_args(argv)
    if arguments.niter < 0 or arguments.restfreq <= 0:
        sys.stderr.write("--niter must not be negative and --restfreq must be above zero\n")
        return 2
    try:
        path = _run(arguments)
    except CasaError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    except OSError as error:
        sys.stderr.write(f"{arguments.out!r} cannot be used as the output folder: {error.strerror}\n")
        return 2
    _say(f"The report is {path}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
