"""Detection and false-alarm rates of the automatic flagging modes on injected interference, and their speed.

    python benchmarks/flagging.py [--rates BENCH.ms] [--speed BENCH.ms] [--turns 3]

Rates come from the detectors themselves on made-up data: 30 baselines, 120 times, 64 channels, one product, a smooth bandpass, noise of
1, and interference of four kinds at a given strength. With ``--rates`` the same data in four products, each with noise of its own, are
written into a copy of part of a MeasurementSet (at least 30 baselines, 120 times, 64 channels, 4 products) and Debian's aoflagger runs
beside the modes where it is installed. With ``--speed`` the modes are timed on a MeasurementSet (whose flags are changed), with
CASA_ORACLE by a reference too, and aoflagger where it is installed: turn by turn, and a table of the best of the turns.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from types import SimpleNamespace
from typing import Any

import numpy as np

from casatools.flagging.commands import make_command
from casatools.flagging.detecting import DetectingAgent, Layout
from casatools.flagging.rflag import RflagAgent
from casatools.flagging.sumthreshold import SumThresholdAgent
from casatools.flagging.tfcrop import TfcropAgent

NBASELINE, NTIME, NCHAN = 30, 120, 64
AGENTS: dict[str, type[DetectingAgent]] = {"tfcrop": TfcropAgent, "rflag": RflagAgent, "sumthreshold": SumThresholdAgent}


def injected(strength: float, seed: int = 1, product: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Values and truth (row, chan, 1), and the layout's index: noise of 1 on a bandpass of 20, and interference.

    Products of one seed have the same interference, and noise and phases of their own.
    """
    rng = np.random.default_rng(seed)
    shape = (NTIME, NBASELINE, NCHAN)
    noise = (rng.normal(size=shape) + 1j * rng.normal(size=shape)) / np.sqrt(2)
    truth = np.zeros(shape, bool)
    for baseline in range(NBASELINE):
        truth[:, baseline, rng.integers(4, 60)] = True  # a carrier
        t, chan = rng.integers(0, NTIME - 4), rng.integers(0, 30)
        truth[t : t + 2, baseline, chan : chan + 25] = True  # a burst
        t, chan = rng.integers(0, NTIME - 30), rng.integers(0, 60)
        truth[t : t + 25, baseline, chan : chan + 3] = True  # a transmission
        truth[rng.integers(0, NTIME, 20), baseline, rng.integers(0, NCHAN, 20)] = True  # impulses
    if product:
        rng = np.random.default_rng([seed, product])
        noise = (rng.normal(size=shape) + 1j * rng.normal(size=shape)) / np.sqrt(2)
    bandpass = 20 * (1 - 0.3 * ((np.arange(NCHAN) - 31.5) / 32) ** 2)
    values = bandpass + noise + strength * truth * np.exp(2j * np.pi * rng.random(shape))
    index = np.arange(NTIME * NBASELINE).reshape(NTIME, NBASELINE).T.copy()
    return values.reshape(-1, NCHAN, 1).astype(np.complex64), truth.reshape(-1, NCHAN, 1), index


def bare_agent(mode: str, **options: Any) -> DetectingAgent:
    """A detector without a MeasurementSet."""
    agent = object.__new__(AGENTS[mode])
    agent.command = make_command({"mode": mode, **options})
    agent.options = agent.command.options
    window = SimpleNamespace(chan_freq_hz=np.array([1.4e9]))
    agent.ms = SimpleNamespace(metadata=SimpleNamespace(spectral_windows=[window]), require=lambda column: None)  # type: ignore[assignment]
    agent.columns = {c: np.zeros(1) for c in ("ARRAY_ID", "OBSERVATION_ID", "FIELD_ID", "DATA_DESC_ID", "SCAN_NUMBER", "TIME")}  # type: ignore[assignment]
    agent.rows = np.ones(1, bool)
    agent.prepare()
    return agent


def rates(mode: str, strength: float, **options: Any) -> tuple[float, float]:
    """Parts of the interference found, and of the good samples flagged."""
    values, truth, index = injected(strength)
    bad = bare_agent(mode, **options).detect(values, np.zeros(values.shape, bool), Layout(index, 0, 0))
    return float(bad[truth].mean()), float(bad[~truth].mean())


SPEED = """
import sys, time
from casatasks import flagdata
many = ["mode='manual' antenna='%d' spw='0:%d~%d'" % (k % 20, k % 60, k % 60 + 2) for k in range(100)]
calls = {
    "manual": dict(mode="manual", antenna="3"), "summary": dict(mode="summary"), "clip": dict(mode="clip", clipminmax=[0.0, 5.0]),
    "list of 1": dict(mode="list", inpfile=["mode='manual' antenna='0~19' spw='0:0~61'"]), "list of 100": dict(mode="list", inpfile=many),
    "tfcrop": dict(mode="tfcrop"), "rflag": dict(mode="rflag"), "sumthreshold": dict(mode="sumthreshold"),
}
for name in sys.argv[2].split(","):
    flagdata(sys.argv[1], mode="unflag", flagbackup=False)
    begin = time.perf_counter()
    flagdata(sys.argv[1], flagbackup=False, **calls[name])
    print("SECONDS", name.replace(" ", "_"), time.perf_counter() - begin, flush=True)
"""
# The lists touch the same rows.
MODES = "manual,summary,clip,list of 1,list of 100,tfcrop,rflag"
ASKED = {"tfcrop": 5.0, "rflag": 5.0}


def _seconds(python: str, path: str, modes: str) -> dict[str, float]:
    """Seconds of each mode in a process of its own: the better of two runs, the second one without libraries and new memory."""
    environment = {k: v for k, v in os.environ.items() if python == sys.executable or k != "PYTHONPATH"}
    if python != sys.executable:
        environment["HOME"] = os.environ.get("CASA_ORACLE_HOME", environment.get("HOME", ""))
    done = subprocess.run(
        [python, "-c", SPEED, path, f"{modes},{modes}"], env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode:
        sys.stdout.write(done.stderr[-500:])
    best: dict[str, float] = {}
    for line in done.stdout.splitlines():
        if line.startswith("SECONDS"):
            _, name, seconds = line.split()
            best[name.replace("_", " ")] = min(best.get(name.replace("_", " "), np.inf), float(seconds))
    return best


def _aoflagger_seconds(path: str) -> dict[str, float]:
    best = np.inf
    for _ in range(2):
        begin = time.perf_counter()
        subprocess.run(["aoflagger", "-j", str(os.cpu_count()), "-column", "DATA", path], capture_output=True, check=True)
        best = min(best, time.perf_counter() - begin)
    return {"sumthreshold": best}


def timed(path: str, turns: int = 3) -> None:
    """Seconds of each mode here, in the reference, and of aoflagger, turn by turn, as a table of the best of the turns."""
    runs: dict[str, Any] = {"ours": lambda: _seconds(sys.executable, path, f"{MODES},sumthreshold")}
    if os.environ.get("CASA_ORACLE"):
        runs["reference"] = lambda: _seconds(os.environ["CASA_ORACLE"], path, MODES)
    if shutil.which("aoflagger"):
        runs["aoflagger"] = lambda: _aoflagger_seconds(path)
    best: dict[tuple[str, str], float] = {}
    for turn in range(turns):
        for who, run in runs.items():
            for name, seconds in run().items():
                best[who, name] = min(best.get((who, name), np.inf), seconds)
        sys.stdout.write(f"turn {turn + 1} of {turns}\n")
        sys.stdout.flush()
    sys.stdout.write(speed_table(best))


def speed_table(best: dict[tuple[str, str], float]) -> str:
    """Wall seconds by (who, mode) as text: ours, the reference, aoflagger, how many times faster ours is, and what is asked."""
    lines = [f"{'mode':14s} {'ours [s]':>9s} {'reference':>10s} {'aoflagger':>10s} {'ratio':>7s}   asked"]
    for name in [*MODES.split(","), "sumthreshold"]:
        ours, others = best.get(("ours", name), np.nan), [best.get((who, name), np.nan) for who in ("reference", "aoflagger")]
        other = others[1] if name == "sumthreshold" else others[0]
        asked = ASKED.get(name, 1.0)
        met = "" if np.isnan(other / ours) else "met" if other / ours >= asked else "MISSED"
        cells = " ".join(f"{'-' if np.isnan(s) else format(s, '.3f'):>10s}" for s in others)
        lines.append(f"{name:14s} {ours:9.3f} {cells} {other / ours:7.2f}   {asked:.0f} {met}")
    for who in ("ours", "reference"):
        ratio = best.get((who, "list of 100"), np.nan) / best.get((who, "list of 1"), np.nan)
        lines.append(f"a list of 100 on the same rows takes {ratio:.2f} times a list of 1 ({who})")
    return "\n".join(lines) + "\n"


def whole_rates(template: str, folder: str) -> None:
    """Rates on a MeasurementSet in a folder, of our modes and of aoflagger."""
    from casacore.tables import table

    from casatasks import flagdata

    path = os.path.join(folder, "injected.ms")
    with table(template, ack=False) as t:
        pair = t.getcol("ANTENNA1").astype(int) * 1000 + t.getcol("ANTENNA2")
        kept = np.isin(t.getcol("TIME"), np.unique(t.getcol("TIME"))[:NTIME]) & np.isin(pair, np.unique(pair)[:NBASELINE])
        t.selectrows(np.flatnonzero(kept).tolist()).copy(path, deep=True).close()
    runs: dict[str, Any] = {
        "tfcrop": {"mode": "tfcrop", "extendflags": False}, "rflag": {"mode": "rflag", "extendflags": False},
        "sumthreshold": {"mode": "sumthreshold"}, "aoflagger": None,
    }  # fmt: skip
    for strength in (0.0, 3.0, 5.0, 10.0, 30.0):
        with table(path, readonly=False, ack=False) as t:
            order = np.lexsort((t.getcol("ANTENNA1").astype(int) * 1000 + t.getcol("ANTENNA2"), t.getcol("TIME")))
            data, truth = np.zeros((len(order), NCHAN, 4), np.complex64), np.zeros((len(order), NCHAN, 4), bool)
            for product in range(4):
                values, bad, _ = injected(strength, 1, product)
                data[order, :, product], truth[order, :, product] = values[:, :, 0], bad[:, :, 0]
            t.putcol("DATA", data)
        for name, call in runs.items():
            flagdata(path, mode="unflag", flagbackup=False)
            if call:
                flagdata(path, flagbackup=False, **call)
            elif shutil.which("aoflagger"):
                subprocess.run(["aoflagger", "-column", "DATA", path], capture_output=True, check=True)
            else:
                continue
            with table(path, ack=False) as t:
                flags = t.getcol("FLAG")
            found = 100 * flags[truth].mean() if truth.any() else 0.0
            sys.stdout.write(f"{strength:16.0f}   {name:12s}  {found:5.1f} %  {100 * flags[~truth].mean():6.3f} %\n")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rates", default="")
    parser.add_argument("--speed", default="")
    parser.add_argument("--turns", type=int, default=3)
    chosen = parser.parse_args()
    if chosen.speed and not chosen.rates:
        timed(chosen.speed, chosen.turns)
        return
    sys.stdout.write("strength [sigma]   mode          found   false alarms\n")
    for strength in (3.0, 5.0, 10.0, 30.0):
        for mode in AGENTS:
            begin = time.perf_counter()
            found, wrong = rates(mode, strength)
            sys.stdout.write(
                f"{strength:16.0f}   {mode:12s}  {100 * found:5.1f} %  {100 * wrong:6.3f} %   ({time.perf_counter() - begin:.2f} s)\n"
            )
    if chosen.rates:
        sys.stdout.write("the same in four products of a MeasurementSet\n")
        with tempfile.TemporaryDirectory() as folder:
            whole_rates(chosen.rates, folder)
    if chosen.speed:
        timed(chosen.speed, chosen.turns)


if __name__ == "__main__":
    main()
