"""Detection and false-alarm rates of the automatic flagging modes on injected interference, and their speed.

    python benchmarks/flagging.py [--speed BENCH.ms]

Rates come from the detectors themselves on made-up data: 30 baselines, 120 times, 64 channels, one product, a smooth bandpass, noise of
1, and interference of four kinds at a given strength. With ``--speed`` the modes are timed on a MeasurementSet (whose flags are
changed), with CASA_ORACLE by a reference too.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
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


def injected(strength: float, seed: int = 1) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Values and truth (row, chan, 1), and the layout's index: noise of 1 on a bandpass of 20, and interference."""
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
for mode in sys.argv[2].split(","):
    best = 1e9
    for turn in range(3):
        flagdata(sys.argv[1], mode="unflag", flagbackup=False)
        begin = time.perf_counter()
        if mode == "sumthreshold":
            flagdata(sys.argv[1], mode="list", inpfile=["mode='sumthreshold'"], flagbackup=False)
        elif mode == "summary":
            flagdata(sys.argv[1], mode=mode)
        else:
            flagdata(sys.argv[1], mode=mode, flagbackup=False, **({"antenna": "3"} if mode == "manual" else {}))
        best = min(best, time.perf_counter() - begin)
    print("SECONDS", mode, best)
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--speed", default="")
    chosen = parser.parse_args()
    sys.stdout.write("strength [sigma]   mode          found   false alarms\n")
    for strength in (3.0, 5.0, 10.0, 30.0):
        for mode in AGENTS:
            begin = time.perf_counter()
            found, wrong = rates(mode, strength)
            sys.stdout.write(
                f"{strength:16.0f}   {mode:12s}  {100 * found:5.1f} %  {100 * wrong:6.3f} %   ({time.perf_counter() - begin:.2f} s)\n"
            )
    if chosen.speed:
        for python, modes in (
            (sys.executable, "manual,tfcrop,rflag,summary,sumthreshold"),
            (os.environ.get("CASA_ORACLE", ""), "manual,tfcrop,rflag,summary"),
        ):
            if python:
                environment = {k: v for k, v in os.environ.items() if python == sys.executable or k != "PYTHONPATH"}
                done = subprocess.run(
                    [python, "-c", SPEED, chosen.speed, modes], env=environment, capture_output=True, text=True, check=False
                )
                lines = [line for line in done.stdout.splitlines() if line.startswith("SECONDS")]
                sys.stdout.write(f"{python}\n" + "\n".join(lines or [done.stderr[-500:]]) + "\n")


if __name__ == "__main__":
    main()
