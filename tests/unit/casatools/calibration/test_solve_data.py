"""What a solve reads: averages of baselines before it."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from casatools.calibration.solve_data import _averages_within, make_solve_input
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


def test_averages_of_each_baseline_begin_at_its_own_times() -> None:
    """Beside a plain loop over the rows of each interval and baseline in time."""
    rng = np.random.default_rng(3)
    interval, baseline = rng.integers(0, 3, 400), rng.integers(0, 5, 400)
    time = 5e9 + 10.0 * rng.integers(0, 40, 400)
    wanted = np.zeros(400, dtype=np.int64)
    for group in np.unique(interval * 5 + baseline):
        mine = np.flatnonzero(interval * 5 + baseline == group)
        start, count = -np.inf, -1
        for row in mine[np.argsort(time[mine], kind="stable")]:
            if time[row] - start >= 0.999 * 70.0:
                start, count = time[row], count + 1
            wanted[row] = count
    np.testing.assert_array_equal(_averages_within(interval, baseline, time, 70.0), wanted)
