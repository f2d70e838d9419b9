"""Solution intervals: what a solint says and which rows belong together. Interval times as CASA 6.7 made them for the same stamps."""

from __future__ import annotations

import numpy as np
import pytest

from casatools._base.errors import ParameterError
from casatools.calibration.solution_intervals import assign_intervals, parse_combine, parse_solint, solution_channels


@pytest.mark.parametrize(
    ("text", "time_s", "nchan", "width"),
    [("inf", np.inf, 1, 0), ("int", 0, 1, 0), ("60s", 60, 1, 0), ("2min", 120, 1, 0), (45.0, 45, 1, 0), ("inf,2ch", np.inf, 2, 0),
     ("60s,10MHz", 60, 1, 1e7), ("-1", np.inf, 1, 0), ("inf,inf", np.inf, 0, 0)],
)  # fmt: skip
def test_solint(text: object, time_s: float, nchan: int, width: float) -> None:
    got = parse_solint(text)
    assert (got.time_s, got.nchan, got.width_hz) == (time_s, nchan, width)


@pytest.mark.parametrize("text", ["x", "10 parsec", "inf,2parsec", "inf,-2ch", "inf,ch", True, None])
def test_bad_solint_is_refused(text: object) -> None:
    with pytest.raises(ParameterError, match="solint"):
        parse_solint(text)


def test_combine() -> None:
    assert parse_combine("obs, scan") == {"obs", "scan"}
    assert parse_combine("none") == frozenset()
    with pytest.raises(ParameterError, match="combine"):
        parse_combine("scans")


def test_channels() -> None:
    width = np.full(8, 4e6)
    np.testing.assert_array_equal(solution_channels(parse_solint("inf,3ch"), np.arange(8), width), [0, 0, 0, 1, 1, 1, 2, 2])
    np.testing.assert_array_equal(solution_channels(parse_solint("inf,10MHz"), np.arange(8), width), [0, 0, 1, 1, 2, 2, 3, 3])
    np.testing.assert_array_equal(solution_channels(parse_solint("inf,inf"), np.arange(4), width), [0, 0, 0, 0])


def _assign(time: list[float], length: float, combine: str = "", **keys: list[int]) -> tuple[list[int], object]:
    zero = [0] * len(time)
    got = assign_intervals(
        np.array(time),
        *(np.array(keys.get(k, zero)) for k in ("spw", "field", "scan", "observation")),
        length,
        parse_combine(combine),
    )
    return got.of_row.tolist(), got


def test_fixed_grid_from_the_first_time() -> None:
    time = [0, 30, 60, 90, 120, 150]
    assert _assign(time, 45.0)[0] == [0, 0, 1, 2, 2, 3]
    assert _assign(time, 100.0)[0] == [0, 0, 0, 0, 1, 1]
    assert _assign(time, 0.0)[0] == [0, 1, 2, 3, 4, 5]
    assert _assign(time, np.inf)[0] == [0] * 6
    # Time stamps of real data are not exact multiples: 59.996 s belongs to the next minute.
    assert _assign([0, 59.9957, 120.002], 60.0)[0] == [0, 1, 2]


def test_scans_fields_and_windows_break_unless_combined() -> None:
    scan, field, spw = [1, 1, 2, 2], [0, 0, 1, 1], [0, 1, 0, 1]
    time = [0.0, 0.0, 100.0, 100.0]
    assert _assign(time, np.inf, scan=scan, field=field, spw=spw)[0] == [0, 2, 1, 3]
    assert _assign(time, np.inf, "scan", scan=scan, field=field, spw=spw)[0] == [0, 2, 1, 3]
    assert _assign(time, np.inf, "scan,field", scan=scan, field=field, spw=spw)[0] == [0, 1, 0, 1]
    numbers, got = _assign(time, np.inf, "scan,field,spw", scan=scan, field=field, spw=spw)
    assert numbers == [0, 0, 0, 0]
    assert (got.scan[0], got.field[0], got.spw[0], got.count[0]) == (1, 0, 0, 4)


def test_another_source_in_between_begins_a_new_interval() -> None:
    time, field = np.arange(6.0) * 10, np.array([0, 0, 1, 1, 0, 0])
    none = np.zeros(6, dtype=int)
    alternating = assign_intervals(time, none, field, none, none, np.inf, frozenset({"scan"}))
    assert alternating.of_row.tolist() == [0, 0, 1, 1, 2, 2] and alternating.field.tolist() == [0, 1, 0]
    assert len(assign_intervals(time, none, field, none, none, np.inf, frozenset({"scan", "field"}))) == 1
    # Beams that see their sources at the same times.
    together = assign_intervals(np.repeat(time[:3], 2), none, np.array([0, 1] * 3), none, none, np.inf, frozenset({"scan"}))
    assert together.of_row.tolist() == [0, 1] * 3


def test_a_calibrator_seen_again_is_counted_from_there() -> None:
    """Scans 1 and 3: where the interval that is counted from has passed, as CASA 6.7 (16 integrations, solint of 4 of them, with jumps at each)."""
    time = [60.0 * k for k in range(16)]

    def lengths(scan: list[int], length: float = 240.0) -> list[int]:
        return np.bincount(_assign(time, length, "scan", scan=scan)[0]).tolist()

    def jumps(*at: int) -> list[int]:
        return [1 + 5 * sum(k >= a for a in at) for k in range(16)]

    assert lengths(jumps()) == lengths(jumps(2)) == lengths([1] * 5 + [2] * 11) == [4, 4, 4, 4]
    assert lengths(jumps(5)) == lengths(jumps(5, 6)) == lengths(jumps(2, 5)) == [4, 1, 4, 4, 3]
    assert lengths(jumps(5, 10)) == [4, 1, 4, 1, 4, 2] and lengths(jumps(9)) == [4, 4, 1, 4, 3]
    assert lengths(jumps(3), 150.0) == [3, 3, 2, 3, 2, 3] and lengths(jumps(4), 150.0) == [3, 1, 3, 2, 3, 2, 2]
    assert lengths(list(range(1, 81, 5)), 150.0) == [3, 3, 3, 3, 3, 1]


def test_sources_together_go_by_the_lowest() -> None:
    _, got = _assign([0, 30, 60, 300], 100.0, "scan,field", scan=[3, 3, 4, 5], field=[2, 2, 1, 2])
    assert got.field.tolist() == [1, 2] and got.scan.tolist() == [4, 5] and got.start_s.tolist() == [0.0, 300.0]
