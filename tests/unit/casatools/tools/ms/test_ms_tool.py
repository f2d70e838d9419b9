"""The ms tool: selection, reading, writing and iterating keep CASA's records and array order."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from casatools import ms, table
from casatools._base.errors import DataError, NotOpenError, ParameterError, SelectionError


@pytest.fixture
def tool(shared_input: Callable[[str], str]) -> ms:
    found = ms()
    found.open(shared_input("simvla.ms"), nomodify=False)
    return found


def test_nothing_works_before_open() -> None:
    with pytest.raises(NotOpenError):
        ms().nrow()
    assert ms().close() is False


@pytest.mark.shared
def test_items_have_correlation_first_and_row_last(tool: ms) -> None:
    assert tool.selectinit(0) and tool.nrow(True) == 1008 and not tool.selectinit(7)
    found = tool.getdata(["data", "amplitude", "uvw", "weight", "ifr_number", "nosuch"])
    assert found["data"].shape == (4, 8, 1008) and found["uvw"].shape == (3, 1008) and "nosuch" not in found
    np.testing.assert_allclose(found["amplitude"], np.abs(found["data"]), rtol=1e-6)
    grid = tool.getdata(["data", "flag", "axis_info"], ifraxis=True)
    assert grid["data"].shape == (4, 8, 28, 36)
    assert grid["axis_info"]["ifr_axis"]["ifr_name"][0] == "EA01-EA02"
    assert grid["data"][1, 2, 0, 0] == found["data"][1, 2, 0]
    spaced = tool.getdata(["data", "flag", "flag_sum", "ifr_number", "antenna1", "scan_number"], ifraxis=True, ifraxisgap=2)
    assert spaced["data"].shape == (4, 8, 40, 36) and spaced["ifr_number"][6:9].tolist() == [7, -1, -1]
    assert spaced["flag"].sum() == 720 == spaced["flag_sum"].sum() and spaced["flag_sum"].shape == (4, 8, 40)
    assert spaced["antenna1"][-1] == 6 and spaced["scan_number"].shape == (36,)


@pytest.mark.shared
def test_averages_are_those_of_the_reference(tool: ms) -> None:
    tool.selectinit(0)
    found = tool.getdata(["amplitude", "flag", "flag_row", "ifr_number", "sigma"], average=True)
    assert found["amplitude"].sum() == pytest.approx(16.60101680085063, rel=1e-6) and found["flag"].shape == (4, 8, 1)
    assert found["flag_row"].shape == (1008,) and found["ifr_number"].tolist() == [-1] and found["avgweight"].shape == (4, 1008)
    assert found["sigma"] == pytest.approx(1008**-0.5)
    over_times = tool.getdata(["amplitude", "flag", "sigma"], ifraxis=True, average=True)
    assert over_times["amplitude"].sum() == pytest.approx(1537.2683362420648, rel=1e-6)
    assert over_times["flag"].sum() == 20 and over_times["sigma"] == pytest.approx(1 / 6)
    assert tool.getdata(["ratio_data", "corrected_amplitude"])["ratio_data"].size == 0
    tool.selectpolarization(["XX", "XY"])
    linear = tool.getdata(["data"])["data"].sum(axis=(1, 2))
    assert linear == pytest.approx([7169.271099841222 + 104.54198053386062j, 1398.9424486737698 - 1561.0409806631505j], rel=1e-5)


@pytest.mark.shared
def test_sigma_of_a_mean_counts_what_went_into_it(tool: ms) -> None:
    tool.selectinit(0)
    flag = tool.getdata(["flag"])["flag"]
    flag[:] = False
    flag[0, :, :252] = True  # the first correlation of a quarter of the rows, and one baseline of the second at all times
    flag[1, :, 0::28] = True
    tool.putdata({"flag": flag})
    sigma = tool.getdata(["sigma"], average=True)["sigma"]
    assert sigma == pytest.approx([756**-0.5, 972**-0.5, 1008**-0.5, 1008**-0.5])
    of_ifr = tool.getdata(["sigma"], ifraxis=True, average=True)["sigma"]
    assert of_ifr.shape == (4, 28) and of_ifr[0] == pytest.approx(27**-0.5) and of_ifr[2:] == pytest.approx(1 / 6)
    assert of_ifr[1, 0] == 0.0 and of_ifr[1, 1:] == pytest.approx(1 / 6)


@pytest.mark.shared
def test_rows_do_not_hide_each_other_on_the_interferometer_axis(tool: ms) -> None:
    tool.open(tool.name())
    with pytest.raises(DataError, match=r"several of the 2016 selected rows share one; select one data description"):
        tool.getdata(["u", "weight"], ifraxis=True)


@pytest.mark.shared
def test_observations_are_named_where_no_row_is_left(tool: ms) -> None:
    assert not tool.msselect({"observation": "0", "uvdist": ">1e9m"})
    assert tool.msselectedindices()["observationid"].tolist() == [0]
    assert not tool.msselect({"observation": "7"})
    assert tool.msselectedindices()["observationid"].tolist() == []


@pytest.mark.shared
def test_rows_of_several_shapes_are_refused_not_read(shared_input: Callable[[str], str]) -> None:
    # casacore's tiled storage manager writes beyond the end of the array where cells differ in shape.
    path = shared_input("evla_simple.ms")
    tool = ms()
    tool.open(path)
    with pytest.raises(DataError, match="one DATA_DESC_ID"):
        tool.range(["amplitude"])
    tool.close()
    tb = table()
    tb.open(path)
    for call in (
        lambda: tb.getcol("DATA"),
        lambda: tb.statistics("DATA"),
        lambda: tb.getcolslice("DATA", [0, 0], [1, 1], [1, 1]),
    ):
        with pytest.raises(DataError, match="shapes"):
            call()
    assert tb.getcol("DATA", 0, 10).shape == (2, 2, 10)
    tb.close()


@pytest.mark.shared
def test_scans_are_told_by_field_and_state(shared_input: Callable[[str], str]) -> None:
    tool = ms()
    tool.open(shared_input("alma_small.ms"))
    assert [(k, v["StateId"], v["nRow"]) for k, v in tool.getscansummary()["1"].items()] == [
        ("0", 1, 138),
        ("1", 3, 92),
        ("2", 5, 92),
    ]
    assert sorted(tool.getspectralwindowinfo()) == ["1", "2"]
    tool.close()


@pytest.mark.shared
def test_flags_are_written_back(tool: ms) -> None:
    tool.selectinit(1)
    before = tool.getdata(["flag"])["flag"]
    tool.putdata({"flag": ~before})
    assert np.array_equal(tool.getdata(["flag"])["flag"], ~before)
    with pytest.raises(ParameterError, match="shape"):
        tool.putdata({"flag": before[:2]})
    with pytest.raises(ParameterError, match="no item"):
        tool.putdata({"nosuch": before})


@pytest.mark.shared
def test_read_only_is_not_written(shared_input: Callable[[str], str]) -> None:
    found = ms()
    found.open(shared_input("simvla.ms"))
    found.selectinit(0)
    with pytest.raises(DataError, match="read-only"):
        found.putdata({"flag": np.zeros((4, 8, 1008), bool)})


@pytest.mark.shared
def test_channels_and_polarizations_are_converted(tool: ms) -> None:
    tool.selectinit(0)
    full = tool.getdata(["data"])["data"]
    assert tool.selectchannel(2, 1, 3, 3) and not tool.selectchannel(9, 0, 1, 1)
    assert tool.getdata(["data"])["data"].shape == (4, 2, 1008)
    tool.selectinit(0)
    tool.selectpolarization(["I", "V"])
    stokes = tool.getdata(["data"])["data"]
    np.testing.assert_allclose(stokes[0], (full[0] + full[3]) / 2, rtol=1e-5)
    np.testing.assert_allclose(stokes[1], (full[0] - full[3]) / 2, rtol=1e-5, atol=1e-7)
    with pytest.raises(ParameterError, match="PP"):
        tool.selectpolarization(["PP"])


@pytest.mark.shared
def test_iteration_covers_every_row_once(tool: ms) -> None:
    with pytest.raises(ParameterError, match="iterinit"):
        tool.iterorigin()
    tool.selectinit(0)
    tool.iterinit(["SCAN_NUMBER"], maxrows=100)
    rows, more = [], tool.iterorigin()
    while more:
        rows += tool.range(["rows"])["rows"].tolist()
        more = tool.iternext()
    assert sorted(rows) == sorted(tool._selected.tolist()) and len(set(rows)) == 1008
    assert tool.niterend() and tool.iterend()


@pytest.mark.shared
@pytest.mark.parametrize(
    ("columns", "interval", "defaults", "sizes"),
    [
        (["TIME"], 0.0, False, [1008]),
        (["TIME"], 0.0, True, [168, 504, 336]),
        (["FIELD_ID"], 0.0, True, [168] * 6),
        ([], 600.0, False, [168] * 6),
        (["SCAN_NUMBER"], 60.0, False, [56] * 18),
        (["ANTENNA1"], 1e9, False, [36 * n for n in range(7, 0, -1)]),
    ],
)
def test_steps_are_those_of_the_reference(
    tool: ms, columns: list[str], interval: float, defaults: bool, sizes: list[int]
) -> None:
    tool.selectinit(0)
    tool.iterinit(columns, interval, 0, defaults)
    found, more = [], tool.iterorigin()
    while more:
        found.append(len(tool.getdata(["time"])["time"]))
        more = tool.iternext()
    assert found == sizes


@pytest.mark.shared
def test_a_step_has_one_interferometer_for_each_row(tool: ms) -> None:
    tool.selectinit(0)
    assert tool.getdata(["ifr_number"])["ifr_number"].shape == (28,)
    tool.iterinit(["SCAN_NUMBER"])
    assert tool.iterorigin()
    found = tool.getdata(["ifr_number", "antenna1", "antenna2"])
    assert len(found["antenna1"]) > 28
    assert np.array_equal(found["ifr_number"], 1000 * found["antenna1"] + found["antenna2"])
    assert tool.range(["ifr_number"])["ifr_number"].shape == (28,)
    assert tool.getdata(["ifr_number"], ifraxis=True)["ifr_number"].shape == (28,)


@pytest.mark.shared
def test_averages_of_channels_weigh_what_went_into_them(tool: ms) -> None:
    """Weights count unflagged channels, as CASA's do; ranges are those of the averages, as getdata gives them."""
    tool.selectinit(0)
    data, flag = (tool.getdata([name])[name] for name in ("data", "flag"))
    data[:] = np.arange(1, 9)[:, None]
    flag[:] = False
    flag[:, 3] = flag[0, 4:, 0] = True  # one channel of all, and the second half of one spectrum
    data[:, :, 1], flag[:, :, 1] = 100, True
    tool.putdata({"data": data, "flag": flag})
    tool.selectchannel(2, 0, 4, 4)
    found = tool.getdata(["weight", "sigma", "amplitude"])
    assert found["weight"][:, :3].tolist() == [[3.0, 4.0, 3.5]] + [[3.5, 4.0, 3.5]] * 3
    assert found["sigma"][1, :3] == pytest.approx([(3**-0.5 + 0.5) / 2, 0.5, (3**-0.5 + 0.5) / 2])
    assert tool.getdata(["amplitude"], average=True)["avgweight"][1, :3].tolist() == [3.5, 4.0, 3.5]
    assert found["amplitude"][1, :, 1:3].T.tolist() == [[100.0, 100.0], [2.0, 6.5]]
    assert [tool.range(["amplitude"], useflags=used)["amplitude"].tolist() for used in (True, False)] == [
        [2.0, 6.5],
        [2.0, 100.0],
    ]
    tool.selectchannel(4, 0, 1, 2)
    assert tool.getdata(["weight"])["weight"][:, :2].tolist() == [[1.0, 1.0]] * 4
    assert tool.range(["amplitude"])["amplitude"].tolist() == [1.0, 7.0]


@pytest.mark.shared
def test_chosen_polarizations_are_among_the_indices(tool: ms) -> None:
    assert len(tool.msselectedindices()["poldd"]) == 0
    tool.selectpolarization(["RR", "LL"])
    found = tool.msselectedindices()
    assert found["poldd"].tolist() == found["dd"].tolist() == [0, 1]
    tool.msselect({"spw": "1"})
    found = tool.msselectedindices()
    assert (found["poldd"].tolist(), found["dd"].tolist()) == ([0, 1], [1])


@pytest.mark.shared
def test_iteration_over_nothing(tool: ms) -> None:
    with pytest.raises(ParameterError, match="NOPE"):
        tool.iterinit(["NOPE"])


@pytest.mark.shared
def test_selection_by_items_and_expressions(tool: ms) -> None:
    tool.selectinit(0)
    assert tool.select({"u": [0.0, 200.0], "scan_number": [1, 2], "ifr_number": [1002]}) and tool.nrow(True) == 12
    tool.reset()
    assert tool.msselect({"field": "1331*", "spw": "0:2~5"}) and tool.nrow(True) == 168
    assert tool.msselectedindices()["channel"].tolist() == [[0, 2, 5, 1]]
    assert not tool.msselect({"field": "TARGET"}) and not tool.msselect({})


@pytest.mark.shared
def test_messages_of_the_history_and_their_command(tool: ms) -> None:
    assert tool.writehistory("hello", "p=1, q=2", "here") and tool.writehistory_batch(["a", "b"], "x=1", "me")
    tb = table()
    tb.open(tool.name() + "/HISTORY")
    commands = [str(c.ravel()[0]) for c in tb.getvarcol("CLI_COMMAND", tb.nrows() - 3, 3).values()]
    assert tb.getcol("MESSAGE")[-3:].tolist() == ["hello", "a", "b"] and commands == ["p=1, q=2", "x=1", "x=1"]
    tb.close()


@pytest.mark.shared
def test_old_statistics_of_vectors_are_by_component_and_of_all_rows(tool: ms) -> None:
    found = tool.statisticsold("UVW")
    assert list(found) == ["UVW_0", "UVW_1", "UVW_2"] and {r["npts"] for r in found.values()} == {2016.0}
    assert found["UVW_0"]["sum"] == pytest.approx(-102188.81963, rel=1e-6)  # CASA 6.7


@pytest.mark.shared
def test_tables_of_selected_ids_are_in_the_order_of_the_reference(tool: ms) -> None:
    tool.msselect({"baseline": "0&1;2&3", "spw": "0:1~2,1:3"})
    found = tool.msselectedindices()
    assert found["baselines"].flags.f_contiguous and found["baselines"].tolist() == [[0, 1], [2, 3]]
    assert found["channel"].flags.f_contiguous and found["channel"].tolist() == [[0, 1, 2, 1], [1, 3, 3, 1]]


@pytest.mark.shared
def test_statistics_are_of_the_rows_selected_before(tool: ms) -> None:
    flags = tool.statistics("FLAG", useflags=False)[""]
    assert (flags["npts"], flags["sum"], flags["max"]) == (64512.0, 2592, 1) and isinstance(flags["sum"], int)
    assert flags["mean"] == pytest.approx(2592 / 64512)  # CASA 6.7 cuts it to 0
    tool.selectinit(0)
    tool.select({"antenna1": 0, "antenna2": [1, 2]})
    assert tool.statistics("ANTENNA1")[""]["npts"] == 72.0 == tool.statistics("ANTENNA1", spw="0")[""]["npts"]
    assert tool.statisticsold("UVW")["UVW_0"]["npts"] == 72.0
    with pytest.raises(SelectionError, match="no row in common"):
        tool.statistics("DATA", "amp", spw="1")
    averaged = tool.statistics("DATA", "amp", timeaverage=True, timebin="60s")
    tool.reset()
    same = tool.statistics("DATA", "amp", spw="0", baseline="0&1;0&2", timeaverage=True, timebin="60s")
    assert list(averaged) == list(same) and len(same) > 1
    for name, record in same.items():
        assert averaged[name] == pytest.approx(record, rel=1e-12)
