"""One small MeasurementSet with seeded spikes, zeros and flags, for the tests of flagging."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from casacore.tables import table

from support.shared import unpack


@pytest.fixture(scope="session")
def altered(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = unpack("simvla.ms", tmp_path_factory.mktemp("flag"))
    t = table(str(path), readonly=False, ack=False)
    data = t.getcol("DATA").T.copy()
    data[:, 3, 5:400:17] += 200
    data[0, :, 7:300:53] += 150
    data[1, 2, 100:110] = 0
    random = np.random.RandomState(1)
    data[random.rand(*data.shape) < 0.003] *= 3
    t.putcol("DATA", data.T)
    flags = t.getcol("FLAG").T | (random.rand(*data.shape) < 0.02)
    t.putcol("FLAG", flags.T)
    t.close()
    return path


@pytest.fixture
def copied(altered: Path, tmp_path: Path) -> str:
    return str(shutil.copytree(altered, tmp_path / "v.ms"))
