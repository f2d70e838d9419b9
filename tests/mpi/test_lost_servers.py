"""Servers that die or hang, under both launchers: their requests are reported failed, the others go on, and the job ends with a failure."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from support.mpi_launcher import LAUNCHERS, needs_mpirun, run

pytestmark = needs_mpirun

SCRIPT = """
import casatasks, mpi_jobs
from casampi.MPICommandClient import MPICommandClient
from casampi.MPIEnvironment import MPIEnvironment
client = MPICommandClient()
MPIEnvironment.mpi_command_timeout = {limit_s}
doomed = {doomed}
ids = [client.push_command_request(getattr(mpi_jobs, name), False, server)[0] for server, name in enumerate(doomed, 1)]
good = len(doomed) + 1
assert client.push_command_request("1 + 1", True, good)[0]["ret"] == 2  # meanwhile
for record in client.get_command_response(ids, block=True, verbose=False):
    assert (record["successful"], record["status"]) == (False, "timeout"), record
    assert client.get_server_status(record["server"])["alive"] is False
    print(doomed[record["server"] - 1], record["traceback"].replace("\\n", " "))
assert [client.push_command_request("40 + 2", True)[0]["ret"] for _ in range(3)] == [42] * 3
again = client.push_command_request("1", True, 1)[0]
assert (again["successful"], again["status"]) == (False, "timeout")
from casatools._base.executor import executor
assert executor().workers == 2 and executor().map(mpi_jobs.square, range(5)) == [0, 1, 4, 9, 16]
print("went on", flush=True)
"""


def reasons(doomed: list[str], folder: Path, launcher: str, limit_s: float = 0.0) -> dict[str, str]:
    """Why each server was given up; the job must go on and fail in the end."""
    script = SCRIPT.format(doomed=doomed, limit_s=limit_s)
    code, out, err = run(len(doomed) + 2, script, folder, launcher, CASAMPI_HEARTBEAT_TIMEOUT="2")
    *lines, last = [line for line in out.splitlines() if line]
    assert code != 0 and last == "went on", (code, out, err)
    assert "do not answer; the job ends with a failure" in err
    return dict(line.split(" ", 1) for line in lines)


@pytest.mark.parametrize("launcher", LAUNCHERS)
def test_dead_servers(launcher: str, tmp_path: Path) -> None:
    why = reasons(["leave", "crash", "vanish"], tmp_path, launcher)
    assert "ended with exit code 0" in why["leave"]
    assert "ended by SIGSEGV" in why["crash"] and "in crash" in why["crash"]
    assert "ended by SIGKILL" in why["vanish"]


@pytest.mark.parametrize("launcher", LAUNCHERS)
def test_silent_servers(launcher: str, tmp_path: Path) -> None:
    why = reasons(["freeze", "block", "freeze_rank"], tmp_path, launcher)
    assert "silent for 2 s" in why["freeze"] and "in freeze" in why["freeze"]
    assert "silent for 2 s" in why["block"] and "in block" in why["block"]
    assert "the rank has been silent" in why["freeze_rank"]


@pytest.mark.parametrize("launcher", LAUNCHERS)
def test_servers_that_take_too_long(launcher: str, tmp_path: Path) -> None:
    why = reasons(["spin", "spin_in_c", "wait_for_itself"], tmp_path, launcher, limit_s=4.0)
    for name, text in why.items():
        assert "more than the 4 s it was given" in text and f"in {name}" in text, text


@pytest.mark.parametrize("launcher", LAUNCHERS)
def test_killed_rank_ends_the_job(launcher: str, tmp_path: Path) -> None:
    """The launchers end a job whose rank dies."""
    script = """
import casatasks
from casampi.MPICommandClient import MPICommandClient
MPICommandClient().push_command_request("__import__('os').kill(__import__('os').getppid(), 9)", True, 1)
MPICommandClient().push_command_request("1", True, 1)
"""
    began = time.monotonic()
    assert run(3, script, tmp_path, launcher, CASAMPI_HEARTBEAT_TIMEOUT="2")[0] != 0
    assert time.monotonic() - began < 30


@pytest.mark.parametrize("launcher", LAUNCHERS)
def test_client_that_vanishes_ends_the_servers(launcher: str, tmp_path: Path) -> None:
    script = """
import casatasks, os
from casampi.MPICommandClient import MPICommandClient
client = MPICommandClient()
pids = client.push_command_request("[__import__('os').getpid(), __import__('os').getppid()]", True, 1)[0]["ret"]
client.push_command_request("__import__('time').sleep(60)", False, 1)
open("pids", "w").write(" ".join(map(str, pids)))
os._exit(0)
"""
    run(2, script, tmp_path, launcher, CASAMPI_HEARTBEAT_TIMEOUT="2")  # what it exits with is the script's own wish
    pids = (tmp_path / "pids").read_text().split()
    deadline = time.monotonic() + 10
    while any(Path("/proc", pid).exists() for pid in pids) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not any(Path("/proc", pid).exists() for pid in pids)
