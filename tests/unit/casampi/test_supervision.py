"""A worker process and its watch, without MPI: what it answers, and why it is given up."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from casampi import packing
from casampi.commands import Command, Response, packed_answer
from casampi.MPICommandServer import MPICommandServer
from casampi.MPIEnvironment import MPIEnvironment
from casampi.supervision import Worker
from casatools._base.errors import UnsupportedError

JOBS = str(Path(__file__).resolve().parents[2] / "mpi")


@pytest.fixture
def worker(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Worker]:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(MPIEnvironment, "mpi_monitor_status_service_heartbeat", 0.2)
    monkeypatch.setattr(MPIEnvironment, "mpi_monitor_status_service_timeout", 1.0)
    monkeypatch.setattr(sys, "path", [JOBS, *sys.path])
    made = Worker()
    yield made
    made.end()


def until(worker: Worker, ready: Callable[[], Any], limit_s: float = 20.0) -> Any:
    end = time.monotonic() + limit_s
    while not (found := ready()):
        assert time.monotonic() < end, "nothing came"
        worker.look(0.01)
    return found


def ask(worker: Worker, command: Any, parameters: dict[str, Any] | None = None, limit_s: float = 0.0) -> Response:
    worker.give(3, limit_s, packing.flat(packing.pack(Command(3, command, parameters))))
    message = until(worker, worker.take_answer)
    answer: Response = packing.unpack(message.data, copy=True)
    worker.answered()
    assert message.number == 3
    return answer


def test_answers(worker: Worker) -> None:
    assert ask(worker, "1 + 1").ret == 2
    assert ask(worker, "v.sum()", {"v": np.ones(300_000)}).ret == 300_000
    assert ask(worker, "v * 2").ret.sum() == 600_000  # names stay
    assert "ZeroDivisionError" in ask(worker, "1 / 0").traceback
    assert ask(worker, "__import__('sys').argv").ret == sys.argv
    command = worker.room(1000)
    assert isinstance(command, memoryview)
    parts = packing.pack(Command(3, "6 * 7"))
    command = worker.room(packing.offsets(packing.table(parts))[1])
    packing.write(parts, memoryview(command))
    worker.give(3, 0.0, command)
    assert packing.unpack(until(worker, worker.take_answer).data, copy=True).ret == 42
    assert worker.end() and not worker.lost


@pytest.mark.parametrize(
    ("job", "limit_s", "why"),
    [
        ("leave", 0.0, "ended with exit code 0"),
        ("crash", 0.0, "ended by SIGSEGV; it was at"),
        ("freeze", 0.0, "silent for 1 s; it was at"),
        ("spin", 1.5, "took more than the 1.5 s it was given; it was at"),
    ],
)
def test_given_up(worker: Worker, job: str, limit_s: float, why: str) -> None:
    ask(worker, "import mpi_jobs")
    worker.give(4, limit_s, packing.flat(packing.pack(Command(4, f"mpi_jobs.{job}()"))))
    lost = until(worker, lambda: worker.lost)
    assert why in lost and worker.command_id == 4
    assert job == "leave" or f" in {job}" in lost
    assert "_beat" not in lost
    worker.look(0.0)
    assert isinstance(worker.room(10), bytearray)
    assert not worker.end()


@pytest.mark.skipif(not Path("/proc/self/schedstat").exists(), reason="this system keeps no account of waiting")
def test_waiting_for_a_core_is_no_silence(worker: Worker) -> None:
    """On a busy machine a command that compiles (and so keeps the interpreter's lock) has next to nothing of a core, for longer than a silence may last."""
    pid = worker._process.pid
    ask(worker, "import re")
    core = {min(os.sched_getaffinity(0))}
    for thread in Path(f"/proc/{pid}/task").iterdir():
        os.sched_setaffinity(int(thread.name), core)
        # Not less than this: Linux counts the waiting of a thread when it gets a core again.
        os.setpriority(os.PRIO_PROCESS, int(thread.name), 19)
    script = f"import os, time; os.sched_setaffinity(0, {core}); end = time.monotonic() + 2.5\nwhile time.monotonic() < end: pass"
    with subprocess.Popen([sys.executable, "-c", script]):
        # The regular expression takes ages, without ever giving the lock away.
        worker.give(3, 0.0, packing.flat(packing.pack(Command(3, "re.match('(a+)+$', 'a' * 60 + 'b')"))))
        end = time.monotonic() + 2.2
        while time.monotonic() < end:
            worker.look(0.05)
    assert not worker.lost
    worker._kill()


def test_abort_of_a_command(worker: Worker) -> None:
    ask(worker, "from casampi.MPIEnvironment import MPIEnvironment as E; E.is_mpi_enabled = True")
    ask(worker, "E.abort_mpi_environment()")
    assert until(worker, lambda: worker.aborts) == 1
    assert "UnsupportedError" in ask(worker, "E.mpi_comm_world_factory()").traceback


def test_end_of_the_rank_ends_the_process(worker: Worker) -> None:
    pid = ask(worker, "__import__('os').getpid()").ret
    worker._wire._end.close()
    worker._process.wait(10)
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_commands_that_cannot_be_read() -> None:
    answer = packing.unpack(packing.flat(packed_answer(5, bytearray(packing.flat([b"junk"])))), copy=True)
    assert answer.id == 5 and not answer.successful and "UnpicklingError" in answer.traceback


def test_no_virtual_frame_buffer() -> None:
    server = MPICommandServer()
    assert server.start_services() is False
    server.signal_stop_service_request()
    with pytest.raises(UnsupportedError, match="virtual frame buffer"):
        server.start_virtual_frame_buffer()
    server.stop_virtual_frame_buffer()
