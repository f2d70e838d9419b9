"""Columns taken over from file to file and written straight into files: the same bytes as through casacore."""

from __future__ import annotations

import os
import shutil
from typing import Any

import numpy as np
import pytest

from casatools._base.errors import DataError
from casatools.io.ms import MeasurementSet, Selection, spare_space
from casatools.io.ms.create_like import MsWriter
from casatools.io.tables import open_table
from casatools.transform import pipeline
from casatools.transform.pipeline import TimeAverage, TransformOptions, transform


@pytest.fixture
def source(shared_input) -> str:
    """simvla.ms with random flags and weights, and all columns."""
    path = shared_input("simvla.ms")
    rng = np.random.default_rng(5)
    with MeasurementSet(path, writable=True) as ms:
        ms.add_scratch_columns(model=True, corrected=True)
    table = open_table(path, writable=True)
    flag, sigma, data = table.getcol("FLAG"), table.getcol("SIGMA"), table.getcol("DATA")
    flag |= rng.random(flag.shape) < 0.2
    flag[rng.random(len(flag)) < 0.1] = True
    for name, values in (
        ("FLAG", flag), ("FLAG_ROW", flag.all(axis=(1, 2))), ("SIGMA", rng.uniform(0.5, 2.0, sigma.shape).astype(np.float32)),
        ("WEIGHT", rng.uniform(0.5, 2.0, sigma.shape).astype(np.float32)), ("CORRECTED_DATA", data * 2), ("MODEL_DATA", data * 3),
    ):  # fmt: skip
        table.putcol(name, values)
    table.close()
    return path


def _both(source: str, monkeypatch: pytest.MonkeyPatch, options: TransformOptions, carries: set[str]) -> None:
    seen: list[set[str]] = []
    found = pipeline.carried_columns

    def carried(job: Any) -> Any:
        seen.append(set(found(job)))
        return found(job)

    monkeypatch.setattr(pipeline, "carried_columns", carried)
    transform(source, "files.ms", options)
    assert seen == [carries]
    # A tile asked for goes the way through casacore.
    monkeypatch.setattr(pipeline, "_tile", lambda job, ncorr, nchan: (ncorr, nchan, 64))
    transform(source, "casacore.ms", options)
    assert len(seen) == 1
    with MeasurementSet("files.ms") as one, MeasurementSet("casacore.ms") as other:
        assert one.column_names == other.column_names
        for ddid in np.unique(other.read("DATA_DESC_ID")):
            rows = np.flatnonzero(other.read("DATA_DESC_ID") == ddid)
            for name in one.column_names:
                if name != "FLAG_CATEGORY":
                    a, b = one.read(name, rows), other.read(name, rows)
                    assert a.dtype == b.dtype and a.tobytes() == b.tobytes(), name


CARRIED = {
    "one column": (TransformOptions(Selection(), "corrected"), {"CORRECTED_DATA", "FLAG"}),
    "all": (TransformOptions(Selection(), "all"), {"DATA", "MODEL_DATA", "CORRECTED_DATA", "FLAG"}),
    "some rows": (TransformOptions(Selection(field="TARGET", antenna="!3"), "data"), {"DATA", "FLAG"}),
    "a window": (TransformOptions(Selection(spw="1"), "data"), {"DATA", "FLAG"}),
    "flagged rows left out": (TransformOptions(Selection(), "data", keepflags=False), {"DATA", "FLAG"}),
    "weights per channel made": (TransformOptions(Selection(), "data", spectra=("WEIGHT_SPECTRUM", "SIGMA_SPECTRUM")), {"DATA", "FLAG"}),
    "channels": (TransformOptions(Selection(spw="0:2~5"), "data"), set()),
    "correlations": (TransformOptions(Selection(correlation="LL,RR"), "data"), set()),
    "averaged": (TransformOptions(Selection(), "data", chanbin=(2,), time_average=TimeAverage(30.0)), set()),
}  # fmt: skip


@pytest.mark.parametrize("case", CARRIED)
def test_the_same_as_through_casacore(source, monkeypatch, case: str) -> None:
    _both(source, monkeypatch, *CARRIED[case])


def test_flags_that_do_not_fill_bytes(shared_input, monkeypatch) -> None:
    """Three channels of four correlations: their flags go through casacore."""
    transform(shared_input("simvla.ms"), "cut.ms", TransformOptions(Selection(spw="0:0~2"), "data"))
    _both("cut.ms", monkeypatch, TransformOptions(Selection(), "data"), {"DATA"})


def test_windows_of_unequal_shapes(shared_input, monkeypatch) -> None:
    """One window is cut to other channels, so that rows of two shapes alternate."""
    path = shared_input("simvla.ms")
    transform(path, "cut.ms", TransformOptions(Selection(spw="0:0~1,1"), "data"))
    with MeasurementSet("cut.ms") as ms:
        assert len({w.nchan for w in ms.metadata.spectral_windows}) == 2
    with monkeypatch.context() as patched:
        _both("cut.ms", patched, TransformOptions(Selection(), "data"), {"DATA", "FLAG"})
    # WEIGHT_SPECTRUM is taken over where the kinds of weights are kept apart
    transform("cut.ms", "spectra.ms", TransformOptions(Selection(), "data", spectra=("WEIGHT_SPECTRUM", "SIGMA_SPECTRUM")))
    with MeasurementSet("spectra.ms", writable=True) as ms:
        ms.add_scratch_columns(corrected=True)
        rows = np.arange(ms.nrow)
        for ddid in (0, 1):
            here = rows[ms.read("DATA_DESC_ID") == ddid]
            ms.write("CORRECTED_DATA", ms.read("DATA", here), here)
    for name in ("files.ms", "casacore.ms"):
        shutil.rmtree(name)
    _both("spectra.ms", monkeypatch, TransformOptions(Selection(), "all"), {"DATA", "CORRECTED_DATA", "FLAG", "WEIGHT_SPECTRUM"})


def test_a_disk_that_fills_meanwhile(source: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Told before casacore, which would end the process, meets it; nothing is left."""
    free = iter([1 << 40, 1 << 40])
    usage = shutil.disk_usage(".")
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: usage._replace(free=next(free, 1000)))
    monkeypatch.setattr("casatools.transform.planning.chunk_bytes", lambda: 20000)
    with pytest.raises(DataError, match=r"has become full: .*needs \d+\.\d MB, of which \d+\.\d MB are still to be written"):
        transform(source, "o.ms", TransformOptions(Selection(), "data", chanbin=(2,), tileshape=(2, 2, 10)))
    assert not [name for name in os.listdir() if "o.ms" in name]


def test_a_disk_on_which_casacore_cannot_write(source: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: Any) -> None:
        raise RuntimeError("FilebufIO: write error for file x: No space left on device")

    monkeypatch.setattr(MsWriter, "_put", full)
    with pytest.raises(DataError, match=r"the disk is full: the output 'o.ms' cannot be written .*needs \d+\.\d MB"):
        transform(source, "o.ms", TransformOptions(Selection(), "data"))
    assert not [name for name in os.listdir() if "o.ms" in name]


def test_space_is_kept_until_the_end(source: str, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[int] = []
    put = MsWriter._put

    def watched(self: MsWriter, *given: Any) -> None:
        seen.append(os.stat(f"{self.path}.spare").st_size)
        put(self, *given)

    monkeypatch.setattr(MsWriter, "_put", watched)
    with MeasurementSet(source) as ms:
        nrow = ms.nrow
    transform(source, "o.ms", TransformOptions(Selection(), "data"))
    assert seen and min(seen) >= 100 * nrow and not [name for name in os.listdir() if "spare" in name]

    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(spare_space, "reserve_file", full)
    with pytest.raises(DataError, match="disk is full"):
        transform(source, "p.ms", TransformOptions(Selection(), "data"))
