"""Cubes whose planes are in files, gridded in pieces by several workers (of one process here; tests/mpi has ranks)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from casatasks import tclean
from casatools._base import executor
from casatools._base.errors import DataError
from casatools.imaging import plane_store, shares
from casatools.simulation.demo import DemoOptions, make_demo
from support.images import pixels


class Workers(executor.SerialExecutor):
    """Two workers that take turns."""

    streamed = 0

    @property
    def workers(self) -> int:
        return 2

    def stream(self, function: Callable[[Any], Any], items: Iterable[Any]) -> Iterator[Any]:
        for item in items:
            type(self).streamed += 1
            yield function(item)

    def each(self, function: Callable[[Any], Any], items: Sequence[Any]) -> list[Any]:
        return self.map(function, items)


@pytest.fixture
def workers(monkeypatch: pytest.MonkeyPatch) -> Iterator[type[Workers]]:
    monkeypatch.setattr(plane_store, "memory_budget_bytes", lambda: 0)
    monkeypatch.setattr(Workers, "streamed", 0)
    executor.register(Workers())
    yield Workers
    executor.register(None)


@pytest.fixture(scope="module")
def demo_ms(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = str(tmp_path_factory.mktemp("sim") / "demo.ms")
    make_demo(path, DemoOptions(antennas_per_arm=2, cycles=1, nchan=5))
    return path


@pytest.mark.parametrize("apart", [True, False])
def test_pieces_make_the_same_cube(
    demo_ms: str, workers: type[Workers], apart: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    given: dict[str, Any] = {
        "vis": demo_ms, "imsize": 32, "cell": "40arcsec", "specmode": "cube", "field": "0", "datacolumn": "data", "niter": 8, "cycleniter": 4,
        "weighting": "briggs", "perchanweightdensity": apart, "interactive": False,
    }  # fmt: skip
    tclean(imagename="pieces", **given)
    # Three passes at the least (densities, beams, residuals), each in pieces of three and two channels.
    assert workers.streamed >= 6
    executor.register(None)
    tclean(imagename="one", **given)
    for kind in ("psf", "residual", "image", "model", "sumwt"):
        wanted = pixels(f"one.{kind}")
        np.testing.assert_allclose(
            pixels(f"pieces.{kind}"), wanted, rtol=0, atol=1e-6 * float(np.abs(wanted).max()), err_msg=kind
        )


def test_nothing_is_left_of_a_piece_that_fails(
    demo_ms: str, workers: type[Workers], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)

    def fail(key: str) -> None:
        raise DataError(f"nothing of {key}")

    monkeypatch.setattr(shares, "_gather", fail)
    with pytest.raises(DataError, match="nothing of"):
        tclean(demo_ms, imagename="x", imsize=32, cell="40arcsec", specmode="cube", field="0", datacolumn="data", niter=0)
    assert not shares._held
