"""``mpirun -n N python -m casampi`` says what every rank is, and whether the servers answer."""

from __future__ import annotations

import sys

from casampi.MPICommandClient import MPICommandClient
from casampi.MPIEnvironment import MPIEnvironment

sys.stdout.write(f"{MPIEnvironment.processor_origin or 'serial'}: {MPIEnvironment.mpi_info_msg}\n")
sys.stdout.flush()
_client = MPICommandClient()
for _rank in MPIEnvironment.mpi_server_rank_list():
    _answer = _client.push_command_request("6 * 7", block=True, target_server=_rank)[0]
    sys.stdout.write(f"server {_rank}: {'answers' if _answer['ret'] == 42 else 'FAILS'}\n")
