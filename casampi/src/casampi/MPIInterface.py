"""The cluster interface of older scripts, on top of `MPICommandClient`: engines are the server ranks."""

from __future__ import annotations

from typing import Any, ClassVar

from casampi.MPICommandClient import MPICommandClient
from casampi.MPIEnvironment import MPIEnvironment
from casatools._base.errors import WorkerError

__all__ = ["MPIInterface"]


class MPIInterface:
    """Runs text on engines, pushes variables to them and pulls their values."""

    _cluster: ClassVar[MPIInterface | None] = None

    def __init__(self) -> None:
        self.client = MPICommandClient()
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

    def _answers(self, text: str, targets: int | list[int] | None, variables: dict[str, Any] | None) -> dict[int, Any]:
        asked = (self.get_engines() or None) if targets is None else targets
        found = {}
        for response in self.client.push_command_request(text, True, asked, variables):
            if not response["successful"]:
                raise WorkerError(f"engine {response['server']} failed on {text!r}:\n{response['traceback']}")
            found[response["server"]] = response["ret"]
        return found
