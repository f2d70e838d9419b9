"""What a solve reads: averages of baselines before it."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from casatools.calibration.solve_data import make_solve_input
from casatools.calibration.solve_options import SolveOptions
from casatools.io.ms import MeasurementSet, Selection
from support.shared import unpack


def test_each_baseline_has_averages_of_its_own(tmp_path: Path) -> None:
    """A baseline that is late begins its averages with its own first time; those of a turning source are of the same times for all."""
    path = str(unpack("simvla.ms", tmp_path))
    with MeasurementSet(path, writable=True) as ms:
        rows = np.arange(ms.nrow)
        first, second, scan, time = (ms.read(c) for c in ("ANTENNA1", "ANTENNA2", "SCAN_NUMBER", "TIME"))
        late = (first == 0) & (second == 1)
        times = np.unique(time[scan == 1])
        step = float(times[1] - times[0])
        new = time.copy()
        for k, t in enumerate(times):  # rounded by a quarter of a thousandth to and fro, as times of real data are
            new[(scan == 1) & (time == t)] += 2.5e-4 * step * (-1) ** k
        new[late] += 1.5 * step
        ms.write("TIME", new, rows)
    with MeasurementSet(path) as ms:
        selected = Selection(scan="1", spw="0").resolve(ms)

        def averages(**options: object) -> tuple[list[int], list[int]]:
            given = make_solve_input(ms, selected, SolveOptions(**{"preavg": 2 * step, **options}), None)
            here = late[selected.rows]
            return given.sub[here].tolist(), given.sub[(first == 2)[selected.rows] & (second == 3)[selected.rows]].tolist()

        count = len(times)
        assert averages() == ([k // 2 for k in range(count)],) * 2
        assert averages(preavg=1.0003 * step)[1] == list(range(count))  # a thousandth is left
        one, other = averages(kind="D+QU")
        assert one != other and other == [k // 2 for k in range(count)]
