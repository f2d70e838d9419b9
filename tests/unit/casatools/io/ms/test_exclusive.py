"""Two programs that flag one MeasurementSet at once lose nothing."""

from __future__ import annotations

import errno
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from casacore.tables import table

from casatools.io.ms import exclusive
from casatools.io.ms.exclusive import exclusive_access
from support.shared import unpack

FLAGGER = """
import sys
from casatools.flagging.commands import make_command
from casatools.flagging.run import run_commands
for name in sys.argv[2:]:
    run_commands(sys.argv[1], [make_command({"mode": "manual", "antenna": name, "spw": "0:0~3"})])
"""


def test_two_processes_lose_nothing(tmp_path: Path) -> None:
    path = str(unpack("simvla.ms", tmp_path))
    t = table(f"{path}::ANTENNA", ack=False)
    names = list(t.getcol("NAME"))
    t.close()
    runs = [subprocess.Popen([sys.executable, "-c", FLAGGER, path, *names[k::2]]) for k in range(2)]
    assert [r.wait() for r in runs] == [0, 0]
    t = table(path, ack=False)
    flags = t.getcol("FLAG")[t.getcol("DATA_DESC_ID") == 0]
    t.close()
    assert flags[:, :4].all() and not flags[:, 4:].all()


def test_threads_wait_for_one_another(tmp_path: Path) -> None:
    order = []

    def hold() -> None:
        with exclusive_access(str(tmp_path)):
            order.append("second")

    with exclusive_access(str(tmp_path)):
        waiting = threading.Thread(target=hold)
        waiting.start()
        time.sleep(0.05)
        order.append("first")
    waiting.join()
    assert order == ["first", "second"]


def test_without_locks_the_work_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    said = []

    def refuse(descriptor: int, operation: int) -> None:
        raise OSError(errno.ENOLCK, "no locks available")

    monkeypatch.setattr(exclusive.fcntl, "flock", refuse)
    monkeypatch.setattr(exclusive.log, "post", lambda message, priority="INFO": said.append(priority))
    with exclusive_access(str(tmp_path)):
        pass
    assert said == ["WARN"] and np.ndim(said) == 1
