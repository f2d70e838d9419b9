"""The cluster interface of older scripts, on top of `MPICommandClient`: engines are the server ranks."""

from __future__ import annotations

import time
from typing import Any, ClassVar

from casampi.MPICommandClient import MPICommandClient
from casampi.MPIEnvironment import MPIEnvironment
from casatools._base import log
from casatools._base.errors import UnsupportedError, WorkerError

__all__ = ["MPIInterface", "MPIInterfaceCore"]


class MPIInterface:
    """Runs text on engines, pushes variables to them and pulls their values."""

    _cluster: ClassVar[MPIInterface | None] = None

    def __init__(self) -> None:
        self.client = MPICommandClient()
        self._jobs: list[dict[str, Any]] = []
        MPIInterface._cluster = self

    @staticmethod
    def getCluster() -> MPIInterface:
        """The interface of this process; made when there is none."""
        return MPIInterface._cluster or MPIInterface()

    def isClusterRunning(self) -> bool:
        """True when there are engines."""
        return self.client.get_lifecyle_state() == 1

    def start_cluster(self) -> bool:
        """Begin the service; True when there are engines."""
        return self.client.start_services()

    def stop_cluster(self) -> None:
        """Stop the engines."""
        self.client.stop_services()

    def get_engines(self) -> list[int]:
        """Ranks of the engines."""
        return MPIEnvironment.mpi_server_rank_list()

    def get_nodes(self) -> list[str]:
        """Host names of the engines."""
        engines = self.get_engines()
        responses = self.client.push_command_request("__import__('socket').gethostname()", True, engines) if engines else []
        return sorted({response["ret"] for response in responses})

    def pgc(self, commands: str | dict[int, str], block: bool = True) -> list[Any]:
        """Run text on all engines, or other text on each with a dict by engine; responses, or ids when not blocking."""
        if isinstance(commands, str):
            commands = dict.fromkeys(self.get_engines() or [0], commands)
        ids = [number for rank, text in commands.items() for number in self.client.push_command_request(text, False, rank)]
        return self.client.get_command_response(ids, block=True) if block else ids

    def execute(self, job: str, nodes: int | list[int]) -> list[Any]:
        """Run text on engines and wait for the responses."""
        return self.client.push_command_request(job, True, nodes)

    def odo(self, job: str, nodes: int | list[int]) -> list[Any]:
        """Begin text on engines; gives the request ids."""
        return self.client.push_command_request(job, False, nodes)

    def check_job(self, job_id: int | list[int]) -> bool:
        """True once all requests are answered."""
        ids = [job_id] if isinstance(job_id, int) else list(job_id)
        return len(self.client.get_command_response(ids, verbose=False)) == len(ids)

    def push(self, variables: dict[str, Any], targets: int | list[int] | None = None) -> None:
        """Set variables on engines, on all by default."""
        self._answers("None", targets, variables)

    def pull(self, varname: str, targets: int | list[int] | None = None) -> dict[int, Any]:
        """Values of a variable by engine.

        Raises
        ------
        WorkerError
            An engine does not have it.
        """
        return self._answers(varname, targets, None)

    def init_cluster(self, clusterfile: str = "", project: str = "") -> bool:
        """Begin the service; the engines are the ranks of the job, so neither a file nor a project can be given.

        Raises
        ------
        UnsupportedError
            One is.
        """
        if clusterfile or project:
            raise UnsupportedError(f"clusterfile={clusterfile!r}, project={project!r}: the engines are the ranks of the MPI job")
        return self.start_cluster()

    def do_and_record(self, cmd: str, id: int, group: str = "", subMS: str = "") -> list[Any]:
        """Begin text on one engine and keep a record of it, which `get_status` and `get_engine_store` show; gives the request ids."""
        ids = self.client.push_command_request(cmd, False, id)
        now = time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime())
        self._jobs += [
            {"jobname": group or cmd[:20], "command": cmd, "engine": id, "subMS": subMS, "start": now, "id": n} for n in ids
        ]
        return ids

    def get_status(self) -> list[dict[str, Any]]:
        """The recorded jobs with their status: scheduled, running, done or broken."""
        requests = self.client.get_command_request_list()
        words = {"holding queue": "scheduled", "request sent": "running", "response received": "done", "timeout": "broken"}
        found = []
        for job in self._jobs:
            request = requests[job["id"]]
            status = words[request["status"]]
            if status == "done" and not request["successful"]:
                status = "broken"
            found.append({**job, "status": status})
        return found

    def get_engine_store(self, id: int) -> dict[str, Any]:
        """What is known of an engine: rank, alive, the request in hand, and its recorded jobs."""
        state = self.client.get_server_status(id)
        return {**state, "jobs": [job for job in self.get_status() if job["engine"] == id]}

    def print_table(self) -> None:
        """The recorded jobs as lines in the log."""
        for job in self.get_status():
            log.post(f"engine {job['engine']:<4} {job['status']:<10} {job['start']} {job['jobname']}")

    def set_log_level(self, log_level: str) -> None:
        """Let through messages of this priority and above on every rank."""
        self.client.set_log_level(log_level)

    def _answers(self, text: str, targets: int | list[int] | None, variables: dict[str, Any] | None) -> dict[int, Any]:
        asked = (self.get_engines() or None) if targets is None else targets
        found = {}
        for response in self.client.push_command_request(text, True, asked, variables):
            if not response["successful"]:
                raise WorkerError(f"engine {response['server']} failed on {text!r}:\n{response['traceback']}")
            found[response["server"]] = response["ret"]
        return found


# The reference's name of the class without its singleton.
MPIInterfaceCore = MPIInterface
