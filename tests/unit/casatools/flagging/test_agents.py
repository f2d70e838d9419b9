"""Columns, averages and mixtures of modes in one pass; agents that only compute; what is refused, with its place."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from casacore.tables import makearrcoldesc, table

from casatools._base import log
from casatools._base.errors import DataError, ParameterError, PathMissingError, SelectionError
from casatools.flagging.commands import make_command, read_commands
from casatools.flagging.run import run_commands
from casatools.frames.epochs import format_epoch
from casatools.tools.agentflagger import agentflagger


def read(path: str, column: str = "FLAG") -> np.ndarray:
    t = table(path, ack=False)
    try:
        return np.asarray(t.getcol(column))
    finally:
        t.close()


def write(path: str, column: str, values: np.ndarray) -> None:
    t = table(path, readonly=False, ack=False)
    t.putcol(column, values)
    t.close()


def test_real_columns_are_clipped_as_they_are(copied: str) -> None:
    t = table(copied, readonly=False, ack=False)
    real = t.getcol("DATA").real.astype(np.float32)
    t.addcols(makearrcoldesc("FLOAT_DATA", 0.0, ndim=2, valuetype="float"))
    t.putcol("FLOAT_DATA", real)
    t.putcol("FLAG", np.zeros(real.shape, bool))
    t.close()
    # CASA 6.7.0 takes the values themselves whatever the expression: 9726 flags here, 4264 were it the amplitudes.
    run_commands(
        copied, [make_command({"mode": "clip", "datacolumn": "FLOAT_DATA", "clipminmax": [-1.0, 5.0], "correlation": "ABS_ALL"})]
    )
    np.testing.assert_array_equal(read(copied), (real < -1) | (real > 5))
    assert read(copied).sum() == 9726


def test_weights_are_clipped(copied: str) -> None:
    weight = np.random.default_rng(1).random(read(copied, "WEIGHT").shape).astype(np.float32)
    write(copied, "WEIGHT", weight)
    write(copied, "FLAG", np.zeros_like(read(copied)))
    run_commands(
        copied, [make_command({"mode": "clip", "datacolumn": "WEIGHT", "clipminmax": [0.2, 1.0], "correlation": "RR,LL"})]
    )
    expected = np.zeros_like(read(copied))
    expected[..., [0, 3]] = (weight < 0.2)[:, None, [0, 3]]
    np.testing.assert_array_equal(read(copied), expected)


def test_expressions(copied: str) -> None:
    data = read(copied, "DATA")
    write(copied, "FLAG", np.zeros(data.shape, bool))
    run_commands(copied, [make_command({"mode": "clip", "clipminmax": [-1.0, 1.0], "correlation": "IMAG_ALL"})])
    np.testing.assert_array_equal(read(copied), np.abs(data.imag) > 1)
    write(copied, "FLAG", np.zeros(data.shape, bool))
    run_commands(copied, [make_command({"mode": "clip", "clipminmax": [0.0, 0.05], "correlation": "ABS Q"})])
    expected = np.zeros(data.shape, bool)
    expected[..., 1:3] = (np.abs(0.5 * (data[..., 1] + data[..., 2])) > np.float32(0.05))[..., None]
    np.testing.assert_array_equal(read(copied), expected)
    # Of circular feeds U is (RL - LR) / 2i.
    write(copied, "FLAG", np.zeros(data.shape, bool))
    run_commands(copied, [make_command({"mode": "clip", "clipminmax": [-0.05, 0.02], "correlation": "REAL U"})])
    value = (-0.5j * (data[..., 1] - data[..., 2])).real
    expected[..., 1:3] = ~((value >= np.float32(-0.05)) & (value <= np.float32(0.02)))[..., None]
    np.testing.assert_array_equal(read(copied), expected)
    # NORM is the square of the amplitude.
    write(copied, "FLAG", np.zeros(data.shape, bool))
    run_commands(copied, [make_command({"mode": "clip", "clipminmax": [0.0, 4.0], "correlation": "NORM_RR"})])
    np.testing.assert_array_equal(read(copied)[..., 0], np.abs(data[..., 0]) > 2)
    assert not read(copied)[..., 1:].any()
    with pytest.raises(ParameterError, match="quackinterval"):
        make_command({"mode": "quack", "quackinterval": 0.0})


def test_weights_by_channel_take_the_place_of_weights(copied: str) -> None:
    """As the reference describes datacolumn='WEIGHT'."""
    shape = read(copied).shape
    with table(copied, readonly=False, ack=False) as t:
        t.addcols(makearrcoldesc("WEIGHT_SPECTRUM", 0.0, ndim=2, valuetype="float"))
    write(copied, "FLAG", np.zeros(shape, bool))
    command = {"mode": "clip", "clipminmax": [0.0, 0.5]}
    # Cells that hold nothing: one weight for all channels.
    run_commands(copied, [make_command({**command, "datacolumn": "WEIGHT_SPECTRUM"})])
    assert read(copied).all() == bool((read(copied, "WEIGHT") > 0.5).all())
    spectrum = np.random.default_rng(2).random(shape).astype(np.float32)
    write(copied, "WEIGHT_SPECTRUM", spectrum)
    write(copied, "FLAG", np.zeros(shape, bool))
    run_commands(copied, [make_command({**command, "datacolumn": "WEIGHT"})])
    np.testing.assert_array_equal(read(copied), spectrum > 0.5)


def test_agents_that_only_compute_change_nothing(copied: str) -> None:
    before = read(copied)
    commands = [make_command({"mode": "manual", "apply": False}), make_command({"mode": "summary"})]
    assert run_commands(copied, commands)[0]["flagged"] == before.sum()
    np.testing.assert_array_equal(read(copied), before)


def test_the_tool_gives_its_interval_to_agents_without_one(copied: str) -> None:
    tool = agentflagger()
    tool.open(copied, 90.0)
    tool.parseagentparameters({"mode": "rflag", "extendflags": False})
    tool.init()
    tool.run(True, False)
    tool.done()
    by_tool = read(copied)
    write(copied, "FLAG", np.zeros_like(by_tool))
    run_commands(copied, [make_command({"mode": "rflag", "extendflags": False, "ntime": 90.0})])
    assert by_tool.sum() > 0 and (read(copied) & ~by_tool).mean() < 0.02


def test_antint_tells_what_it_found(copied: str, monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []
    monkeypatch.setattr(log, "post", lambda message, *rest, **named: said.append(message))
    commands = [
        make_command({"mode": "manual", "antenna": "EA01", "scan": "1"}),
        make_command({"mode": "antint", "antint_ref_antenna": "EA01", "minchanfrac": 0.5, "verbose": True}),
    ]
    run_commands(copied, commands)
    assert any(m.startswith("antint: flagged 12 of 72") for m in said)


def test_modes_of_different_pieces_in_one_pass(copied: str, tmp_path: Path) -> None:
    lines = [
        "mode='rflag' ntime='60s' extendflags=False", "mode='tfcrop' combinescans=True extendflags=False freqcutoff=2.5 maxnpieces=1",
        "mode='extend' growtime=40.0", "mode='manual' antenna='EA02' scan='2'",
    ]  # fmt: skip
    start = read(copied)
    run_commands(copied, read_commands(lines))
    together = read(copied)
    write(copied, "FLAG", start)
    for line in lines:
        run_commands(copied, read_commands([line]))
    np.testing.assert_array_equal(together, read(copied))


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("mode='clip' clipminmax=[0,1", "line 2"),
        ("mode='zap'", "line 2"),
        ("mode='quack' clipminmax=[0,1]", "line 2.*no parameter 'clipminmax'"),
        ("mode='rflag' winsize=0", "line 2.*winsize"),
    ],
)
def test_bad_lines_are_named_with_their_file(tmp_path: Path, line: str, message: str) -> None:
    path = tmp_path / "commands.txt"
    path.write_text(f"mode='manual' scan='1'\n{line}\n")
    with pytest.raises(ParameterError, match=f"commands.txt, {message}"):
        read_commands(str(path))
    with pytest.raises(ParameterError):
        read_commands([line])
    with pytest.raises(PathMissingError):
        read_commands(["nofile.txt"])


@pytest.mark.parametrize(
    ("command", "error"),
    [
        ({"mode": "clip", "clipminmax": [0, 1], "correlation": "ABS_XX"}, SelectionError),
        ({"mode": "tfcrop", "datacolumn": "RESIDUAL"}, DataError),
        ({"mode": "shadow", "addantenna": "nofile"}, PathMissingError),
    ],
)
def test_nothing_changes_after_a_refusal(copied: str, command: dict[str, Any], error: type[Exception]) -> None:
    before = read(copied)
    with pytest.raises(error):
        run_commands(copied, [make_command({"mode": "manual", "scan": "1"}), make_command(command)])
    np.testing.assert_array_equal(read(copied), before)


def test_averages_of_stokes_parameters_are_those_of_averaged_correlations(copied: str) -> None:
    """Each correlation with its own flags, as in the reference; one that is flagged altogether is averaged nevertheless."""
    data, flags = read(copied, "DATA"), read(copied)
    flags[:, 0, 0], flags[5, 2:4, 3] = True, True
    write(copied, "FLAG", flags)
    command = {"mode": "clip", "clipminmax": [0.0, 2.0], "correlation": "ABS_I", "channelavg": True, "chanbin": 2}
    run_commands(copied, [make_command(command)])
    values, good = data.astype(np.complex128).reshape(len(data), -1, 2, 4), ~flags.reshape(len(data), -1, 2, 4)
    good |= ~good.any(axis=2, keepdims=True)
    mean = (values * good).sum(axis=2) / good.sum(axis=2)
    bad = np.abs(0.5 * (mean[..., 0] + mean[..., 3])) > 2
    expected = flags.copy()
    expected[..., 0] |= np.repeat(bad, 2, axis=1)
    expected[..., 3] |= np.repeat(bad, 2, axis=1)
    np.testing.assert_array_equal(read(copied), expected)
    assert bad.any() and not bad.all()


def test_scans_of_quack_are_what_is_selected(copied: str) -> None:
    """As in the reference: without its first time a scan begins with the second."""
    time_s, scan = read(copied, "TIME"), read(copied, "SCAN_NUMBER")
    write(copied, "FLAG", np.zeros(read(copied).shape, bool))
    times = np.unique(time_s[scan == 2])
    start = format_epoch(float(times[1]) - 1, decimals=2)
    run_commands(copied, [make_command({"mode": "quack", "quackinterval": 31.0, "timerange": f">{start}", "scan": "2"})])
    np.testing.assert_array_equal(read(copied).all(axis=(1, 2)), np.isin(time_s, times[1:3]))


def test_correlations_that_are_not_there(copied: str) -> None:
    for correlation in ("ABS_FOO", "FOO", "ABS_RR,FOO"):
        with pytest.raises(ParameterError, match="must be ABS, REAL"):
            make_command({"mode": "tfcrop", "correlation": correlation})
    with pytest.raises(SelectionError, match="no data hold XX; there are RR, RL, LR, LL"):
        run_commands(copied, [make_command({"mode": "rflag", "correlation": "ABS_RR,XX"})])


def test_flags_of_averages_are_extended_as_averages(copied: str) -> None:
    """As in the reference: of pairs of channels of which one is flagged none is, and there is nothing to extend."""
    flags = np.zeros(read(copied).shape, bool)
    flags[:, ::2, 0] = True
    command = {"mode": "tfcrop", "freqcutoff": 1e6, "timecutoff": 1e6, "channelavg": True, "chanbin": 2}
    write(copied, "FLAG", flags)
    run_commands(copied, [make_command(command)])
    np.testing.assert_array_equal(read(copied), flags)
    flags[:, :2, 0] = True  # a whole pair: the other correlations follow
    write(copied, "FLAG", flags)
    run_commands(copied, [make_command(command)])
    flags[:, :2] = True
    np.testing.assert_array_equal(read(copied), flags)
