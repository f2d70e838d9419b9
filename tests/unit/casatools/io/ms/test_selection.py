"""Selection against row counts that CASA 6.7's msselect gives for the same expressions, and refusals of bad ones."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from casatools._base.errors import SelectionError
from casatools.io.ms import MeasurementSet, Selection
from casatools.io.ms.selection import distinct
from casatools.io.ms.selection_antenna import parse_antenna, resolve_feed
from casatools.io.ms.selection_time import parse_time, time_bounds, time_mask

# (expressions, rows, sum of row numbers where it was recorded)
SIMVLA = [
    ({"field": "0"}, 336, 56280),
    ({"field": "T*,0"}, 1008, 846216),
    ({"field": ">0&<2"}, 1008, 1184904),
    ({"field": '"1331+305"'}, 336, 56280),
    ({"field": "/T.*/"}, 672, 789936),
    ({"spw": "1"}, 1008, None),
    ({"spw": "1400~1500MHz"}, 1008, None),
    ({"spw": ">1.40GHz"}, 1008, None),
    ({"antenna": "EA01,EA02"}, 936, 936000),
    ({"antenna": "0&1;2&3"}, 144, 144072),
    ({"antenna": "!0"}, 1512, 1528632),
    ({"antenna": "0~1;!0&1"}, 864, 864432),
    ({"antenna": "EA0[1-3]"}, 1296, 1299240),
    ({"antenna": "EA01@*"}, 504, 502488),
    ({"antenna": "!0;1;2"}, 1656, None),
    ({"antenna": "0;!1;2"}, 864, None),
    ({"antenna": "*;!3;3"}, 2016, None),
    ({"antenna": "<100m"}, 216, 215280),
    ({"antenna": "!2;0&3"}, 1512, None),
    ({"antenna": "!2;1"}, 1584, None),
    ({"field": "0~99"}, 2016, None),
    ({"spw": "1~99:2"}, 1008, None),
    ({"antenna": "!0.2~0.3km"}, 1656, 1667808),
    ({"timerange": "04:39:00~04:45:00"}, 280, 50820),
    ({"timerange": "04:40:00"}, 56, 8596),
    ({"uvrange": ">100m"}, 1752, 1783680),
    ({"uvrange": "1~3klambda"}, 1008, 1019808),
    ({"uvrange": "100~200:10%"}, 792, 796032),
    ({"scan": ">1&<4"}, 672, 451248),
    ({"intent": "CAL*&*PHASE*"}, 1008, 1184904),
    ({"intent": "*PHASE*,0"}, 1344, 1241184),
    ({"correlation": "0:RR"}, 1008, 930888),
    ({"array": "<1"}, 2016, 2031120),
    ({"taql": "sumsqr(UVW[1:2])>1e4"}, 1752, 1783680),
    ({"field": "T*", "scan": ">1", "uvrange": ">100m"}, None, None),
]


@pytest.fixture
def simvla(shared_input: Callable[[str], str]) -> MeasurementSet:
    return MeasurementSet(shared_input("simvla.ms"))


@pytest.mark.shared
@pytest.mark.parametrize(("given", "rows", "total"), SIMVLA)
def test_rows_equal_the_reference(simvla: MeasurementSet, given: dict[str, str], rows: int | None, total: int | None) -> None:
    found = Selection(**given).resolve(simvla)
    assert np.all(np.diff(found.rows) > 0)
    if rows is not None:
        assert len(found.rows) == rows
    if total is not None:
        assert int(found.rows.sum()) == total
    parts = [set(Selection(**{k: v}).resolve(simvla).rows.tolist()) for k, v in given.items()]
    assert set(found.rows.tolist()) == set.intersection(*parts)


@pytest.mark.shared
@pytest.mark.parametrize(
    ("spw", "ranges"),
    [
        ("0:1;3;5~6", {0: [(1, 1, 1), (3, 3, 1), (5, 6, 1)]}),
        ("*:^3", {0: [(0, 7, 3)], 1: [(0, 7, 3)]}),
        ("1:2,0:3", {1: [(2, 2, 1)], 0: [(3, 3, 1)]}),
        ("0:5~50", {0: [(5, 7, 1)]}),
        ("0:1399~1403MHz", {0: [(0, 0, 1)]}),
        ("0:1405MHz", {0: [(1, 2, 1)]}),
        ("0:1400~1410MHz^2MHz", {0: [(1, 2, 1)]}),
        ("0;1:2", {0: [(2, 2, 1)], 1: [(2, 2, 1)]}),
        ("0~1^2", {0: [(0, 7, 1)]}),
        ("SPW1:3", {1: [(3, 3, 1)]}),
    ],
)
def test_channel_ranges_equal_the_reference(
    simvla: MeasurementSet, spw: str, ranges: dict[int, list[tuple[int, int, int]]]
) -> None:
    found = Selection(spw=spw).resolve(simvla)
    assert found.channel_ranges == ranges
    assert list(found.spws) == list(ranges)
    for window, parts in ranges.items():
        expected = sorted({c for a, b, s in parts for c in range(a, b + 1, s)})
        chosen = found.channels[window]
        assert expected == (list(range(8)) if chosen is None else chosen.tolist())


@pytest.mark.shared
@pytest.mark.parametrize(
    ("spw", "channels"),
    [
        ("*:4~20", {1: [(4, 20, 1)]}),
        ("*:0~20", {0: [(0, 3, 1)], 1: [(0, 20, 1)], 2: [(0, 0, 1)]}),
        ("*:2~70^2", {0: [(2, 3, 2)], 1: [(2, 63, 2)]}),
        ("2:0~20", {2: [(0, 0, 1)]}),
        ("2:4~20,1:2~3", {1: [(2, 3, 1)]}),
        ("2:4~20;0", {2: [(0, 0, 1)]}),
        ("2:4~20,1", {1: [(0, 63, 1)]}),
        ("0:5~6GHz,2", {2: [(0, 0, 1)]}),
    ],
)
def test_channels_that_a_window_does_not_have_are_left_out(
    shared_input: Callable[[str], str], spw: str, channels: dict[int, list[tuple[int, int, int]]], tmp_path: Path
) -> None:
    """Windows of 4, 64 and 1 channels: CASA gives the last channel for ranges that begin beyond it, and keeps the rows for such frequencies."""
    with MeasurementSet(shared_input("alma_small.ms")) as ms:
        found = Selection(spw=spw).resolve(ms, allow_empty=True)
        assert found.channel_ranges == channels and list(found.spws) == list(channels)
    beside = "," in spw
    assert ("of the list has no channel in its windows" in (tmp_path / "casa.log").read_text()) == beside


@pytest.mark.shared
@pytest.mark.parametrize("spw", ["2:4~20", "0:4", "*:64~80", "0:4~20,2:1", "0:5~6GHz,2:1"])
def test_no_channel_at_all_is_refused(shared_input: Callable[[str], str], spw: str) -> None:
    with (
        MeasurementSet(shared_input("alma_small.ms")) as ms,
        pytest.raises(SelectionError, match=r"no channel of these windows.*4 channels"),
    ):
        Selection(spw=spw).resolve(ms, allow_empty=True)


@pytest.mark.shared
@pytest.mark.parametrize(
    ("intent", "rows", "states"),
    [
        ("CALIBRATE_WVR#ON_SOURCE", 184, [2, 3, 4, 5]),
        ("CALIBRATE_WVR*", 322, [0, 1, 2, 3, 4, 5]),
        ("CALIBRATE_PHASE#ON_SOURCE", 736, [6, 7]),
        ("*PHASE*,*WVR*", 1058, [0, 1, 2, 3, 4, 5, 6, 7]),
    ],
)
def test_an_intent_among_several_of_a_state_is_found(
    shared_input: Callable[[str], str], intent: str, rows: int, states: list[int]
) -> None:
    with MeasurementSet(shared_input("alma_small.ms")) as ms:
        found = Selection(intent=intent).resolve(ms)
        assert (found.nrow, list(found.states)) == (rows, states)


@pytest.mark.shared
def test_the_order_of_correlations_is_kept(simvla: MeasurementSet) -> None:
    assert Selection(correlation="LL,RR").resolve(simvla).correlations[0].tolist() == [3, 0]
    assert Selection(correlation="RR,RL,LR,LL").resolve(simvla).correlations[0] is None


@pytest.mark.shared
def test_baselines_are_reported_as_the_reference_does(simvla: MeasurementSet) -> None:
    found = Selection(antenna="!0&1;!2&3").resolve(simvla).baselines
    assert found is not None and found.pairs.tolist() == [[0, -1], [-2, -3]]
    found = Selection(antenna="0&1,2").resolve(simvla).baselines
    assert found is not None and found.antenna1.tolist() == [0] and found.antenna2.tolist() == [1, 2]


@pytest.mark.shared
def test_ids_follow_from_the_rows(simvla: MeasurementSet) -> None:
    found = Selection(scan="1,3", antenna="0&1").resolve(simvla)
    assert (found.scans, found.fields_present, found.antennas, found.observations, found.arrays, found.ddids_present, found.nrow) == (
        (1, 3), (0, 2), (0, 1), (0,), (0,), (0, 1), 24,
    )  # fmt: skip
    assert Selection(feed="0").resolve(simvla).nrow == 2016
    assert Selection().empty and not Selection(scan="1").empty


FEEDS = [
    ("0", [0, 1, 3]),
    ("0&1", [1, 3]),
    ("0&0", [0]),
    ("1&&&", [4]),
    ("0~1&2", [5]),
    ("!0", [2, 4, 5]),
    ("0&1;!0", []),
    ("*", [0, 1, 2, 3, 4, 5]),
]


@pytest.mark.parametrize(("expression", "rows"), FEEDS)
def test_feeds_count_as_they_stand_in_the_rows(expression: str, rows: list[int]) -> None:
    one, two = np.array([0, 0, 2, 1, 1, 1]), np.array([0, 1, 2, 0, 1, 2])
    matrix, _ = resolve_feed(parse_antenna(expression, "feed"), [0, 1, 2], expression)
    assert np.flatnonzero(matrix[one, two]).tolist() == rows


@pytest.mark.parametrize(
    ("expression", "said"),
    [("3", "no feed 3; there are 3: 0, 1, 2"), ("<1", "not a feed"), ("&1", "no feed before"), ("a", "no feed matches")],
)
def test_feeds_that_are_not_there_are_called_feeds(expression: str, said: str) -> None:
    with pytest.raises(SelectionError, match=said):
        resolve_feed(parse_antenna(expression, "feed"), [0, 1, 2], expression)


@pytest.mark.shared
def test_a_selection_without_rows_says_what_is_there(simvla: MeasurementSet) -> None:
    with pytest.raises(SelectionError, match=r"scan='99'.*scans 1, 2, 3, 4, 5, 6"):
        Selection(scan="99").resolve(simvla)
    assert Selection(scan="99").resolve(simvla, allow_empty=True).nrow == 0


@pytest.mark.shared
@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"field": "NOPE"}, "TARGET"), ({"field": "0,7"}, "no ID 7"), ({"field": ">5"}, "within the bounds"), ({"spw": "9"}, "SPW0"),
        ({"spw": "SPW9"}, "no name matches"), ({"spw": "1.45GHz"}, "centred"), ({"spw": "1:1.5GHz"}, "no channel"),
        ({"spw": "1:8"}, "no channel"), ({"spw": "1:100~120"}, "no channel"),
        ({"antenna": "NOPE"}, "EA01@P01"), ({"antenna": "9"}, "no antenna 9"), ({"antenna": "EA01@N01"}, "station"),
        ({"intent": "NOPE"}, "CALIBRATE_FLUX"), ({"intent": "*TARGET*&*PHASE*"}, "no state has all"), ({"intent": ">9"}, "within the bounds|no such state"), ({"correlation": "XX"}, "RR,RL,LR,LL"),
        ({"taql": "NOSUCH==1"}, "cannot evaluate"), ({"timerange": "10:00:00~09:00:00"}, "ends before"),
        ({"timerange": "2019/13/01/00:00:00"}, "does not exist"),
    ],
)  # fmt: skip
def test_what_does_not_exist_is_refused(simvla: MeasurementSet, given: dict[str, str], says: str) -> None:
    with pytest.raises(SelectionError, match=says):
        Selection(**given).resolve(simvla)


@pytest.mark.shared
def test_channels_that_are_not_there_are_dropped(simvla: MeasurementSet) -> None:
    """The reference takes the last channel in their place."""
    found = Selection(spw="1:6~100;120").resolve(simvla).channels[1]
    assert found is not None and found.tolist() == [6, 7]


@pytest.mark.parametrize(
    "given",
    [
        {"field": "TARGET,"}, {"field": "~"}, {"field": "1~0"}, {"field": "/(/"}, {"spw": "0:"}, {"spw": ":2"}, {"spw": "!0"},
        {"spw": "0:7~2"}, {"spw": "0:2~3GHz^2"}, {"spw": "0:1410~1400MHz"}, {"antenna": "0&1&2"}, {"antenna": "0-1"},
        {"antenna": "&1"}, {"antenna": "0&&&1"}, {"antenna": "0;;1"}, {"antenna": "<1klambda"}, {"antenna": "{A,B}"},
        {"timerange": "nope"}, {"timerange": "95/04/13/1:2:3"}, {"timerange": "1995/04/09:00:00"}, {"timerange": "1~2~3"},
        {"timerange": "1:0:0,"}, {"uvrange": "nope"}, {"uvrange": "100ft"}, {"uvrange": "300~100m"}, {"scan": "*"}, {"scan": "1~"},
        {"scan": "3~1"}, {"array": "!0"}, {"intent": "~*"}, {"correlation": "QQQ"}, {"correlation": "0:RR:LL"}, {"field": 3},
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_refused_when_the_selection_is_made(given: dict[str, str]) -> None:
    if given.get("spw") == "0:2~3GHz^2":
        Selection(**given)  # a step without a unit takes that of the range
        return
    with pytest.raises(SelectionError):
        Selection(**given)


@pytest.mark.shared
def test_velocities_are_radio_ones_of_the_line_in_the_source_table(shared_input: Callable[[str], str]) -> None:
    with MeasurementSet(shared_input("line.ms")) as ms:
        window, rest = ms.metadata.spectral_windows[0], float(ms.metadata.sources[0].rest_frequency_hz[0])
        velocity = 299792.458 * (1.0 - window.chan_freq_hz / rest)
        half = abs(velocity[1] - velocity[0]) / 2
        low, high = sorted((velocity[2], velocity[5]))
        found = Selection(spw=f"0:{low - half:.6f}~{high + half:.6f}km/s").resolve(ms)
        assert found.channel_ranges == {0: [(2, 5, 1)]}
        stepped = Selection(spw=f"0:{1e3 * (low - half):.3f}~{1e3 * (high + half):.3f}m/s^{4e3 * half:.3f}m/s").resolve(ms)
        assert stepped.channel_ranges == {0: [(2, 5, 2)]}
        middle = float(np.mean(velocity))
        for text in (f"{middle - 1:.3f}~{middle + 1:.3f}km/s", f">{middle - 1e4:.3f}km/s", f"{middle:.3f}km/s"):
            assert 0 in Selection(spw=text).resolve(ms).spws
        for text in ("fast~10km/s", "10~5km/s", "10 20km/s"):
            with pytest.raises(SelectionError):
                Selection(spw=f"0:{text}")


@pytest.mark.shared
def test_velocities_need_a_rest_frequency(shared_input: Callable[[str], str]) -> None:
    with MeasurementSet(shared_input("lofar.ms")) as ms, pytest.raises(SelectionError, match="rest frequency"):
        Selection(spw="0:1~2km/s").resolve(ms)


@pytest.mark.shared
@pytest.mark.parametrize(
    ("given", "rows"),
    [
        ({"timerange": "09:30:00~10:00:00"}, 6804), ({"timerange": ">10:00:00"}, 9450), ({"timerange": "1995/04/13"}, 351),
        ({"timerange": "[09:19:00~09:19:30]"}, 729), ({"timerange": "09:30:00+10:00"}, 2646), ({"timerange": "09:19:14.9"}, 351),
        ({"timerange": "<09:19:30"}, 351), ({"antenna": "!VA05"}, 21094), ({"antenna": "<500m"}, 16189), ({"antenna": "*&*"}, 21034),
        ({"uvrange": "0~1000lambda"}, 8295), ({"spw": "1413.4MHz"}, 22653),
    ],
)  # fmt: skip
def test_rows_of_real_data_equal_the_reference(shared_input: Callable[[str], str], given: dict[str, str], rows: int) -> None:
    with MeasurementSet(shared_input("ngc5921.ms")) as ms:
        assert Selection(**given).resolve(ms).nrow == rows


@pytest.mark.shared
def test_conditions_read_only_what_others_left(shared_input: Callable[[str], str], monkeypatch: pytest.MonkeyPatch) -> None:
    """The rows are the same whatever the size of the blocks, whether little or much is left, and with columns that are shared."""
    path = shared_input("ngc5921.ms")
    chosen = (
        {"scan": "1", "uvrange": "100~400m"}, {"scan": "2~3", "antenna": "VA01", "uvrange": ">1klambda"}, {"field": "0", "antenna": "!VA05"},
        {"timerange": ">10:00:00", "field": "2", "spw": "0"}, {"antenna": "VA01&VA02", "uvrange": "<5000m"},
    )  # fmt: skip
    with MeasurementSet(path) as ms:
        whole = [Selection(**one).resolve(ms, held={}).rows for one in chosen]
        monkeypatch.setattr("casatools.io.ms.selection._BLOCK", 100)
        for one, expected in zip(chosen, whole, strict=True):
            np.testing.assert_array_equal(Selection(**one).resolve(ms).rows, expected)
            assert len(expected)
        with pytest.raises(SelectionError, match="its rows hold the fields"):
            Selection(scan="1", field="2", uvrange=">0m").resolve(ms)


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("{2}~{5}", [2, 3, 4, 5]), ("2020/01/01/{2}~{5}", [2, 3, 4, 5]), ("{2}+00:00:09.9", [2, 3, 4, 5]), ("{2}+9.9", [2, 3, 4, 5]),
        (">{2}", [3, 4, 5, 6, 7, 8, 9]), ("<{2}", [0, 1]), (">{2},{2}", [2, 3, 4, 5, 6, 7, 8, 9]), ("{2}", [2]), ("[{2}~{5}]", [2, 3, 4, 5]),
    ],
)  # fmt: skip
def test_integrations_at_the_ends_of_times(expression: str, expected: list[int]) -> None:
    """Wherever rounding puts them: of steps of 3.3 s CASA drops some at the ends of ranges, and keeps most at those of > and <."""
    first = 58849 * 86400.0 + 36000.0
    for begin in range(30):
        time_s = first + np.cumsum(np.full(40, 3.3))[begin : begin + 10]
        names = [f"10:{t // 60:02.0f}:{t % 60:04.1f}" for t in np.round(time_s - first, 1)]
        items = parse_time(expression.format(*names))
        found = np.flatnonzero(time_mask(time_bounds(items, first, 3.2, expression), time_s))
        assert found.tolist() == expected


def test_ids_in_runs_and_at_random_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("casatools.io.ms.selection._BLOCK", 10)
    rng = np.random.default_rng(1)
    for values in (
        np.repeat(rng.integers(-1, 9, 20), 30),
        rng.integers(-1, 9, 600),
        np.zeros(0, int),
        np.array([2**30, 1, 2**30]),
    ):
        assert distinct(values.astype(np.int32)) == tuple(np.unique(values).tolist())


@pytest.mark.shared
@pytest.mark.parametrize(
    ("taql", "rows"),
    [
        ("ANTENNA1==3", 288), ("rowid() < 10", 10), ("ANTENNA1==3 orderby TIME limit 5", 5), ("True", 2016), ("any(FLAG)", None),
        ("NAME_OF_NONE==1", None), ("TIME", None),
    ],
)  # fmt: skip
def test_conditions_of_taql_with_and_without_more(simvla: MeasurementSet, taql: str, rows: int | None) -> None:
    """What is no more than a condition is calculated row by row; the rest is a query: the rows are the same."""
    try:
        expected = simvla.table.query(taql, style="glish").rownumbers()
    except RuntimeError:
        with pytest.raises(SelectionError, match="casacore cannot evaluate it"):
            Selection(taql=taql).resolve(simvla)
        return
    found = Selection(taql=taql).resolve(simvla, allow_empty=True).rows
    assert found.tolist() == sorted(expected)
    assert rows is None or len(found) == rows
