"""casampi in a process that no MPI launcher started: the same script runs serially."""

from __future__ import annotations

import pytest

from casampi.executor import offered
from casampi.MPICommandClient import MPICommandClient, _require_sendable
from casampi.MPIEnvironment import MPIEnvironment
from casampi.MPIInterface import MPIInterface
from casatools._base.errors import ParameterError, UnsupportedError, WorkerError


def test_environment() -> None:
    assert MPIEnvironment.is_mpi_enabled is False
    assert MPIEnvironment.is_mpi_disabled_or_client()
    assert MPIEnvironment.mpi_server_rank_list() == []
    assert MPIEnvironment.mpi_comm_world_factory() is None
    MPIEnvironment.finalize_mpi_environment()
    MPIEnvironment.abort_mpi_environment()
    assert offered() is None


def test_commands_run_here() -> None:
    client = MPICommandClient()
    assert client.start_services() is False
    record = client.push_command_request("x + 1", block=True, parameters={"x": 2})[0]
    assert (record["ret"], record["successful"], record["server"]) == (3, True, 0)
    assert client.push_command_request(max, block=True)[0]["successful"] is False
    bad = client.push_command_request("1 / 0", block=True)[0]
    assert "ZeroDivisionError" in bad["traceback"]
    assert client.push_command_request("casatasks.version() == casatools.version()", block=True)[0]["ret"] is True
    assert "NameError" in client.push_command_request("no_such_name", block=True)[0]["traceback"]
    ids = client.push_command_request("5")
    client.wait_for_command_request_sent(ids)
    assert client.get_command_response(ids[0])[0]["ret"] == 5
    assert ids[0] in client.get_command_request_list() and ids[0] in client.get_command_response_list()
    assert client.get_lifecyle_state() == 0
    assert client.get_server_status() == {}
    assert client.stop_services()


def test_refusals() -> None:
    client = MPICommandClient()
    with pytest.raises(ParameterError, match="a string or a callable; got 3"):
        client.push_command_request(3)  # type: ignore[arg-type]
    with pytest.raises(ParameterError, match="no command request 987654"):
        client.get_command_response(987654)
    with pytest.raises(ParameterError, match="server must be one of"):
        client.get_server_status(4)
    with pytest.raises(ParameterError, match="importable module"):
        _require_sendable(lambda: 1)


def test_interface() -> None:
    cluster = MPIInterface.getCluster()
    assert cluster is MPIInterface.getCluster()
    assert not cluster.isClusterRunning() and not cluster.start_cluster()
    assert cluster.get_engines() == [] and cluster.get_nodes() == []
    cluster.push({"q": 4})
    assert cluster.pull("q") == {0: 4}
    assert cluster.pgc("q * 2")[0]["ret"] == 8
    assert cluster.check_job(cluster.odo("1", 0))
    assert cluster.execute("2", 0)[0]["ret"] == 2
    with pytest.raises(WorkerError, match="failed on 'nothing_here'"):
        cluster.pull("nothing_here")
    assert cluster.init_cluster() is False
    with pytest.raises(UnsupportedError, match="clusterfile='nodes'"):
        cluster.init_cluster("nodes")
    cluster.do_and_record("1 / 0", 0)
    assert cluster.get_status()[-1]["status"] == "broken"
    cluster.print_table()
    cluster.set_log_level("INFO")


def test_events_log_modes_and_limits() -> None:
    client = MPICommandClient()
    event = client.get_command_response_event(client.push_command_request("5"))
    assert event.is_set() and event.wait(1.0)
    with pytest.raises(ParameterError, match="no command request 987654"):
        client.get_command_response_event(987654)
    with pytest.raises(ParameterError, match="logmode must be unified"):
        client.set_log_mode("loud")
    client.set_log_mode("separated")  # there is one log here
    before = client.getMemoryTotal()[0]["ret"]
    client.setMemoryTotal(1024)
    assert client.getMemoryTotal()[0]["ret"] == 1024 * 1024
    client.setMemoryTotal(0)
    assert client.getMemoryTotal()[0]["ret"] == before and client.getNumCPUs()[0]["ret"] >= 1


def test_serial_executor() -> None:
    from casatools._base.executor import SerialExecutor

    over = SerialExecutor()
    assert over.workers == 1 and list(over.stream(abs, [-1, -2])) == [1, 2] and over.each(abs, [-3]) == [3]
    with pytest.raises(ParameterError, match="one worker for 2 items"):
        over.each(abs, [1, 2])
