"""When solutions are: TIME beside the reference where channels, hands and weights of two integrations differ (needs CASA_ORACLE)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from casacore import tables as casacore_tables

import casatasks
from casatools.io.caltable import CalTable
from support.shared import oracle_python, run_python, unpack

_SCRIPT = """
import json, casatasks
for name, task, arguments in json.load(open("calls.json")):
    getattr(casatasks, task)(**{**arguments, "caltable": "theirs." + name})
"""
# Scan (from 1) of two integrations, and what is flagged in the second of all baselines: channels and correlations.
_FLAGS: dict[int, tuple[Any, Any]] = {
    2: (0, slice(None)), 3: (4, slice(None)), 4: (slice(0, 7), slice(None)), 5: (slice(0, 4), slice(None)), 6: (slice(4, 8), slice(None)),
    7: (slice(1, 8, 2), slice(None)), 8: (slice(None), 1),
}  # fmt: skip


def _two_at_a_time(folder: Path) -> str:
    """simvla.ms as scans of two integrations, with random sigmas in the later ones."""
    path = str(unpack("simvla.ms", folder))
    rng = np.random.default_rng(1)
    with casacore_tables.table(path, readonly=False, ack=False) as main:
        times, which = np.unique(main.getcol("TIME"), return_inverse=True)
        flag, sigma = np.zeros(main.getcol("FLAG").shape, bool), np.ones(main.getcol("SIGMA").shape, np.float32)
        scan, second = (which // 2 + 1).astype(np.int32), which % 2 == 1
        first = (main.getcol("ANTENNA1") == 0) & (main.getcol("ANTENNA2") == 1)
        for number, (chan, corr) in _FLAGS.items():
            part = flag[(scan == number) & second]
            part[:, chan, corr] = True
            flag[(scan == number) & second] = part
        flag[(scan == 9) & second & first, :7] = True
        for number, share in ((10, 0.02), (11, 0.04), (12, 0.0), (13, 0.03)):
            mine = scan == number
            flag[mine] = rng.random(flag[mine].shape) < share
            sigma[mine] = rng.uniform(0.6, 1.5, sigma[mine].shape)
        data = 1 + 1e-3 * (rng.normal(size=flag.shape) + 1j * rng.normal(size=flag.shape))
        for name in ("TIME", "TIME_CENTROID"):
            main.putcol(name, times[0] + 10.0 * which)
        main.putcol("FIELD_ID", np.zeros(len(scan), np.int32))
        main.putcol("SCAN_NUMBER", scan)
        main.putcol("FLAG", flag)
        main.putcol("FLAG_ROW", np.zeros(len(scan), bool))
        main.putcol("SIGMA", sigma)
        main.putcol("DATA", data.astype(np.complex64))
    return path


def _times(path: str, scan: int, spw: int) -> np.ndarray:
    table = CalTable.open(path)
    return np.unique(table.time_s[(table.scan == scan) & (table.spw_id == spw)])


def test_times(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows count by the median of their channels, or by the mean of averages of channels; priors weigh the parallel hands of gains and bandpasses."""
    python = oracle_python()
    monkeypatch.chdir(tmp_path)
    vis = _two_at_a_time(tmp_path)
    casatasks.gencal(vis, "prior.G", caltype="amp", antenna="EA01,EA02", pol="R,L", parameter=[2.0, 1.0, 3.0, 5.0])
    casatasks.bandpass(vis, "prior.B", refant="EA01", combine="scan", minsnr=0.0, smodel=[1.0, 0.0, 0.0, 0.0])
    with casacore_tables.table("prior.B", readonly=False, ack=False) as table:
        values = np.ones_like(table.getcol("CPARAM"))
        values[table.getcol("ANTENNA1") == 0, 3:, 0] = 2
        table.putcol("CPARAM", values)
        table.putcol("FLAG", np.zeros(values.shape, bool))
    one: dict[str, Any] = {
        "vis": vis,
        "refant": "EA01",
        "minsnr": 0.0,
        "smodel": [1.0, 0.0, 0.0, 0.0],
        "solint": "inf",
        "combine": "",
        "spw": "0",
        "scan": "1~13",
    }
    calls: list[tuple[str, str, dict[str, Any]]] = []
    for prior, kinds in (("", "B B3 G K T KCROSS D Df Xf MF"), ("G", "B G"), ("B", "B G KCROSS Df Xf M Mp MFp")):
        more = {**one, "gaintable": [f"prior.{prior}"], "interp": ["nearest"]} if prior else one
        crossed = {**more, "smodel": [1.0, 0.5, 0.0, 0.0]}
        given = {k: v for k, v in more.items() if k not in ("refant", "minsnr", "smodel")}
        every = {
            "B": ("bandpass", more), "B3": ("bandpass", {**more, "solint": "inf,3ch"}), "G": ("gaincal", more),
            "K": ("gaincal", {**more, "gaintype": "K", "corrdepflags": True}), "T": ("gaincal", {**more, "gaintype": "T"}),
            "KCROSS": ("gaincal", {**crossed, "gaintype": "KCROSS"}), "D": ("polcal", {**crossed, "poltype": "D"}),
            "Df": ("polcal", {**crossed, "poltype": "Df"}), "Xf": ("polcal", {**crossed, "poltype": "Xf"}),
            "M": ("blcal", given), "MF": ("blcal", {**given, "freqdep": True}), "Mp": ("blcal", {**given, "calmode": "p"}),
            "MFp": ("blcal", {**given, "freqdep": True, "calmode": "p"}),
        }  # fmt: skip
        calls += [(f"{kind}{prior or '0'}", *every[kind]) for kind in kinds.split()]
    Path("calls.json").write_text(json.dumps(calls))
    run_python(python, _SCRIPT)
    for name, task, arguments in calls:
        getattr(casatasks, task)(**{**arguments, "caltable": f"ours.{name}"})
        for scan in range(1, 14):
            ours, theirs = (_times(f"{who}.{name}", scan, 0) for who in ("ours", "theirs"))
            np.testing.assert_allclose(ours, theirs, atol=2e-3, err_msg=f"{name} scan {scan}")


def test_baselines_of_which_most_is_flagged_have_a_time_of_their_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One channel of eight is left at the second time of all baselines, none at the first: the reference gives the first time, which has no data."""
    python = oracle_python()
    monkeypatch.chdir(tmp_path)
    vis = _two_at_a_time(tmp_path)
    with casacore_tables.table(vis, readonly=False, ack=False) as main:
        flag = main.getcol("FLAG")
        mine = main.getcol("SCAN_NUMBER") == 1
        flag[mine] = True
        late = mine & (main.getcol("TIME") > main.getcol("TIME").min() + 5)
        flag[late, 3] = False
        main.putcol("FLAG", flag)
        start = float(main.getcol("TIME").min())
    call = {"vis": vis, "refant": "EA01", "minsnr": 0.0, "smodel": [1.0, 0.0, 0.0, 0.0], "scan": "1", "gaintype": "K"}
    Path("calls.json").write_text(json.dumps([("K", "gaincal", call)]))
    run_python(python, _SCRIPT)
    casatasks.gaincal(**call, caltable="ours.K")
    np.testing.assert_allclose(_times("ours.K", 1, 0) - start, 10.0, atol=1e-3)
    assert (_times("theirs.K", 1, 0) - start < 9).all()
