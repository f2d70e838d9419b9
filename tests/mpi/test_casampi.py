"""casampi under a real launcher: commands, errors, silent servers, interrupts, and the executor of the tasks."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import pytest

from support.mpi_launcher import needs_mpirun, run, start

pytestmark = needs_mpirun


def test_sanity_check_of_the_guide(tmp_path: Path) -> None:
    script = "from casampi.MPIEnvironment import MPIEnvironment; print('working?', MPIEnvironment.is_mpi_enabled)"
    assert run(2, script, tmp_path)[:2] == (0, "working? True\nworking? True\n")


@pytest.mark.parametrize("ranks", [2, 3])
def test_commands(ranks: int, tmp_path: Path) -> None:
    script = f"""
import casatasks, mpi_jobs
from casampi.MPICommandClient import MPICommandClient
from casampi.MPIEnvironment import MPIEnvironment as E
from casampi.MPIInterface import MPIInterface
assert E.is_mpi_client and E.mpi_world_size == {ranks} and E.mpi_execution_role == "MPIClient"
assert E.mpi_server_rank_list() == list(range(1, {ranks}))
client = MPICommandClient()
servers = E.mpi_server_rank_list()
assert [r["ret"] for r in client.push_command_request("a * 2", True, servers, {{"a": 21}})] == [42] * len(servers)
assert client.push_command_request("b = a + 1", True, 1)[0]["ret"] is None
answer = client.push_command_request("b", True, 1)[0]
assert (answer["ret"], answer["successful"], answer["status"], answer["server"]) == (22, True, "response received", 1)
ratio = client.push_command_request(mpi_jobs.divide, True, 1, {{"a": 1.0, "b": 4.0}})[0]
assert ratio["ret"] == 0.25
bad = client.push_command_request(mpi_jobs.divide, True, 1, {{"a": 1.0, "b": 0.0}})[0]
assert not bad["successful"] and "ZeroDivisionError" in bad["traceback"] and "mpi_jobs.py" in bad["traceback"]
left = client.push_command_request("exit(3)", True, 1)[0]
assert not left["successful"] and "SystemExit" in left["traceback"]
ids = [client.push_command_request("7")[0] for _ in range(6)]
assert [r["ret"] for r in client.get_command_response(ids, block=True)] == [7] * 6
cluster = MPIInterface.getCluster()
cluster.push({{"z": 5}})
assert cluster.pull("z") == dict.fromkeys(servers, 5)
assert cluster.isClusterRunning() and len(cluster.get_nodes()) == 1
event = client.get_command_response_event(client.push_command_request("__import__('time').sleep(0.3)", False, 1))
assert not event.is_set() and not event.wait(0.01) and event.wait() and event.is_set()
assert [r["ret"] for r in client.setMemoryTotal(2048)] == [0] * len(servers)
assert [r["ret"] for r in client.getMemoryTotal()] == [2048 * 1024] * len(servers)
assert client.setNumCPUs(1, 1)[0]["successful"] and client.getNumCPUs(True, 1)[0]["ret"] == 1
assert client.setMemoryFraction(50)[0]["successful"] and client.set_omp_num_threads(1)[0]["ret"] is True
assert cluster.init_cluster() and cluster.do_and_record("1/0", 1, "bad") and cluster.do_and_record("2", 1, "good")
client.get_command_response(client.push_command_request("3", False, 1), block=True)
assert [(j["jobname"], j["status"]) for j in cluster.get_status()] == [("bad", "broken"), ("good", "done")]
assert cluster.get_engine_store(1)["alive"] and len(cluster.get_engine_store(1)["jobs"]) == 2
cluster.print_table()
client.set_log_mode("separated")
client.push_command_request("casalog.post('apart')", True, 1)
client.set_log_mode("unified")
client.set_log_level("INFO1")
client.push_command_request("casalog.post('from afar')", True, 1)
assert "@" in open(casatasks.casalog.logfile()).read()
print("client", E.mpi_processor_rank)
"""
    code, out, err = run(ranks, script, tmp_path)
    assert (code, out) == (0, "client 0\n"), err
    logs = list(tmp_path.glob("casa-*.log"))
    assert len(logs) == 1 and "apart" not in logs[0].read_text() and "broken" in logs[0].read_text()
    (own,) = tmp_path.glob("casa-*.log-server-1-host-*-pid-*")
    assert own.read_text().split("\t")[-1] == "apart\n"
    line = next(x for x in logs[0].read_text().splitlines() if "from afar" in x)
    assert line.split("\t")[2].endswith("MPIServer-1")


@pytest.mark.parametrize("ranks", [2, 3, 5])
def test_executor_equals_serial(ranks: int, tmp_path: Path) -> None:
    script = f"""
import casatasks, mpi_jobs
from casatools._base.executor import executor
from casatools._base.errors import DataError, WorkerError
over = executor()
assert over.workers == {ranks}
assert over.map(mpi_jobs.square, range(20)) == [x * x for x in range(20)]
assert set(over.map(mpi_jobs.where, range(2 * {ranks}))) == set(range({ranks}))
try:
    over.map(mpi_jobs.fail_on_two, range(9))
except DataError as error:
    assert str(error) == "piece is bad" and isinstance(error.__cause__, WorkerError) and "Traceback" in str(error.__cause__)
else:
    raise SystemExit("no error")
assert over.map(mpi_jobs.square, [3]) == [9]
import os
own = os.getcwd()
os.mkdir("below")
os.chdir("below")
os.mkdir("a.ms")
assert all(over.map(os.path.isdir, ["a.ms"] * 6)) and all(over.each(os.path.isdir, ["a.ms"] * {ranks}))
os.chdir(own)
assert not any(over.map(os.path.isdir, ["a.ms"] * 6))
stream = over.stream(mpi_jobs.square, range(50))
assert [next(stream) for _ in range(3)] == [0, 1, 4]
stream.close()
assert list(over.stream(mpi_jobs.square, iter(range(7)))) == [x * x for x in range(7)]
assert over.each(mpi_jobs.where, range({ranks})) == list(range({ranks}))
assert over.each(mpi_jobs.square, [2]) == [4] and over.each(mpi_jobs.square, []) == []
try:
    over.each(mpi_jobs.square, range({ranks} + 1))
except ValueError as error:
    assert "workers for" in str(error)
else:
    raise SystemExit("no error")
try:
    over.each(mpi_jobs.fail_on_two, [5, 1])
except DataError:
    pass
else:
    raise SystemExit("no error")
print("fine")
"""
    code, out, err = run(ranks, script, tmp_path)
    assert (code, out) == (0, "fine\n"), err


def test_error_of_the_script_ends_every_rank(tmp_path: Path) -> None:
    code, _, err = run(3, "import casatasks\nraise ValueError('oh dear')", tmp_path)
    assert code != 0
    assert "oh dear" in err
    assert run(2, "import sys, casatasks\nsys.exit(3)", tmp_path)[0] == 3


def test_interrupt_ends_all_ranks(tmp_path: Path) -> None:
    script = """
import casatasks, os, time
from casampi.MPICommandClient import MPICommandClient
pids = [r["ret"] for r in MPICommandClient().push_command_request("__import__('os').getpid()", True, [1, 2])]
print(os.getpid(), *pids, flush=True)
MPICommandClient().push_command_request("__import__('time').sleep(60)", True, 1)
"""
    process = start(3, script, tmp_path)
    assert process.stdout is not None
    pids = [int(text) for text in process.stdout.readline().split()]
    assert len(pids) == 3
    os.kill(pids[0], signal.SIGINT)
    process.communicate(timeout=60)
    assert process.returncode != 0
    deadline = time.monotonic() + 5
    while any(Path(f"/proc/{pid}").exists() for pid in pids) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not any(Path(f"/proc/{pid}").exists() for pid in pids)


def test_what_travels(tmp_path: Path) -> None:
    """Long messages both ways; what cannot be sent or read is a failed request and no more."""
    script = """
import casatasks, mpi_jobs, os
from casampi.MPICommandClient import MPICommandClient
from casampi.MPIEnvironment import MPIEnvironment as E
client = MPICommandClient()
push = lambda command, **p: client.push_command_request(command, True, 1, p)[0]
assert push(mpi_jobs.many_bytes)["ret"] == mpi_jobs.many_bytes()
assert push("len(v)", v=bytes(3_000_000))["ret"] == 3_000_000
assert "pickle" in push(mpi_jobs.no_pickle)["traceback"]
assert "cannot be read here: ZeroDivisionError" in push(mpi_jobs.strange)["traceback"]
assert "ZeroDivisionError" in push("v", v=mpi_jobs.Strange())["traceback"]
assert "MPI itself cannot be used" in push("from mpi4py import MPI")["traceback"]
facts = push("(E.mpi_processor_rank, E.mpi_pid == os.getpid(), E.is_mpi_client)", E=E, os=None)
assert "NoneType" in facts["traceback"]
push("from casampi.MPIEnvironment import MPIEnvironment as E; import os")
assert push("(E.mpi_processor_rank, E.mpi_pid == os.getpid(), E.is_mpi_client)")["ret"] == (1, True, False)
assert "have no communicator" in push("E.mpi_comm_world_factory()")["traceback"]
push("__import__('casampi.MPICommandClient').MPICommandClient.MPICommandClient()")
# Children of ranks inherit the launcher's variables and are no ranks.
child = [os.sys.executable, "-c", "import casatasks; from casampi.MPIEnvironment import MPIEnvironment as E; print(E.is_mpi_enabled)"]
import subprocess
assert subprocess.check_output(child, text=True) == "False\\n"
assert push("__import__('subprocess').check_output(child, text=True)", child=child)["ret"] == "False\\n"
for k in range(3):
    client.push_command_request(f"__import__('time').sleep(0.1); open('left{k}', 'w').close()", False, 1)
"""
    code, out, err = run(2, script, tmp_path)
    assert (code, out) == (0, ""), err
    assert all((tmp_path / f"left{k}").exists() for k in range(3)), "requests under way at the end of the script are finished"


def test_command_that_ends_the_job(tmp_path: Path) -> None:
    script = """
import casatasks
from casampi.MPICommandClient import MPICommandClient
MPICommandClient().push_command_request("from casampi.MPIEnvironment import MPIEnvironment as E; E.abort_mpi_environment()", True, 1)
"""
    assert run(2, script, tmp_path)[0] != 0


def test_no_mpi_library(tmp_path: Path) -> None:
    """Ranks that cannot find each other do not all run the script."""
    (tmp_path / "mpi4py").mkdir()
    (tmp_path / "mpi4py" / "__init__.py").write_text("raise ImportError('no library')\n")
    code, out, err = run(2, "import casatasks\nprint('ran')", tmp_path, CASAMPI_HEARTBEAT_TIMEOUT="soon")
    assert code != 0 and "ran" not in out
    assert "mpi4py cannot be used: no library; each rank would run the whole script" in err
