"""casampi in a process that no MPI launcher started: the same script runs serially."""

from __future__ import annotations

import pytest

from casampi.executor import offered
from casampi.MPICommandClient import MPICommandClient, _require_sendable
from casampi.MPIEnvironment import MPIEnvironment
from casampi.MPIInterface import MPIInterface
from casatools._base.errors import ParameterError, WorkerError


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
