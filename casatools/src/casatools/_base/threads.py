"""How many threads a computation may use."""

from __future__ import annotations

import functools
import itertools
import os
import re
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

from casatools._base import casarc, control_group

__all__ = [
    "in_order",
    "launched_ranks",
    "mark_rank",
    "over_rows",
    "ranks_on_host",
    "set_thread_count",
    "single_thread",
    "thread_count",
    "under_launcher",
]

_chosen: int | None = None
_within = threading.local()
_MARK = "CASAMPI_RANK_PROCESS"


def ranks_on_host() -> int:
    """MPI ranks sharing this host, as the launcher's environment says; 1 outside MPI."""
    for name in ("OMPI_COMM_WORLD_LOCAL_SIZE", "MPI_LOCALNRANKS"):
        text = os.environ.get(name, "")
        if text.isdigit() and int(text) > 0:
            return int(text)
    return _slurm_tasks_here()


def _slurm_tasks_here() -> int:
    """Tasks of a Slurm step on this node, from the list of all nodes, such as ``8(x3),2``."""
    nodes = []
    for text in os.environ.get("SLURM_STEP_TASKS_PER_NODE", "").split(","):
        found = re.fullmatch(r"(\d+)(?:\(x(\d+)\))?", text)
        if found:
            nodes += [int(found[1])] * int(found[2] or 1)
    here = os.environ.get("SLURM_NODEID", "")
    return max(1, nodes[int(here)]) if here.isdigit() and int(here) < len(nodes) else 1


def launched_ranks() -> int:
    """Ranks of the job, as the launcher's environment says; 1 where it does not."""
    for name in ("OMPI_COMM_WORLD_SIZE", "PMI_SIZE", "SLURM_STEP_NUM_TASKS"):
        text = os.environ.get(name, "")
        if text.isdigit() and int(text) > 0:
            return int(text)
    return 1


def under_launcher() -> bool:
    """True in a process that an MPI launcher started (OpenMPI, MPICH and others by PMI, Slurm's PMI), false in the children of a rank."""
    process, _, world = os.environ.get(_MARK, "").partition(" ")
    if process and process != str(os.getpid()) and world == _world():
        return False
    return any(name in os.environ for name in ("OMPI_COMM_WORLD_RANK", "PMI_RANK", "PMIX_RANK"))


def _world() -> str:
    return " ".join(
        f"{name}={os.environ[name]}"
        for name in ("PMIX_NAMESPACE", "PMIX_RANK", "PMI_FD", "PMI_PORT", "PMI_RANK")
        if name in os.environ
    )


def mark_rank() -> None:
    """Say in the environment that this process is the rank: what it starts inherits the launcher's variables and is none."""
    os.environ[_MARK] = f"{os.getpid()} {_world()}"


def thread_count() -> int:
    """Threads a computation should use: the cores of the affinity mask (and of the container) divided by the ranks on the host, or as set.

    Setting: `set_thread_count`, ``OMP_NUM_THREADS``, ``SLURM_CPUS_PER_TASK``, ``system.resources.cores`` in ``~/.casarc``, in this order.
    """
    if getattr(_within, "single", False):
        return 1
    if _chosen is not None:
        return _chosen
    for name in ("OMP_NUM_THREADS", "SLURM_CPUS_PER_TASK"):  # the second is each rank's own share already
        wanted = os.environ.get(name, "")
        if wanted.isdigit() and int(wanted) > 0:
            return int(wanted)
    cores = int(casarc.limit("cores"))
    if cores:
        return max(1, cores // ranks_on_host())
    return max(1, _cores() // ranks_on_host())


@functools.lru_cache(maxsize=1)
def _allowed() -> int | None:
    return control_group.allowed_cores()


def _cores() -> int:
    """Cores of the affinity mask, or fewer where a container or a job has less time."""
    mask = len(os.sched_getaffinity(0))
    return min(mask, _allowed() or mask)


def over_rows(function: Callable[[int, int], object], nrow: int, least: int = 2048) -> None:
    """Call a function that releases the interpreter's lock on ranges of rows, in threads.

    Parameters
    ----------
    function : callable
        Of the first row and the one after the last; writes its results into arrays of the caller's.
    nrow : int
    least : int
        Rows of a range at the least.
    """
    count = max(1, min(thread_count(), nrow // max(least, 1)))
    if count == 1:
        function(0, nrow)
        return
    edges = [nrow * k // count for k in range(count + 1)]
    with ThreadPoolExecutor(count - 1, thread_name_prefix="rows") as pool:
        others = [pool.submit(function, a, b) for a, b in itertools.pairwise(edges[1:])]
        function(0, edges[1])  # a new thread costs as much as a small share
        for waited in others:
            waited.result()


_Item = TypeVar("_Item")
_Result = TypeVar("_Result")


def in_order(function: Callable[[_Item], _Result], items: Iterable[_Item]) -> Iterator[_Result]:
    """Results of a function that releases the interpreter's lock, computed in threads, in the order of the items.

    Parameters
    ----------
    function : callable
        Of one item; may run in several threads at once.
    items : iterable
        Taken as they are needed: at most one more than there are threads is in hand.
    """
    count = thread_count()
    if count == 1:
        yield from map(function, items)
        return
    waiting: deque[Future[_Result]] = deque()
    with ThreadPoolExecutor(count, thread_name_prefix="items") as pool:
        try:
            for item in items:
                waiting.append(pool.submit(function, item))
                if len(waiting) > count:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for left in waiting:
                left.cancel()


@contextmanager
def single_thread() -> Iterator[None]:
    """Computations of this thread use no others while the block runs: it is one of many that work side by side."""
    before = getattr(_within, "single", False)
    _within.single = True
    try:
        yield
    finally:
        _within.single = before


def set_thread_count(count: int | None) -> None:
    """Fix the number of threads for this process; None goes back to the default."""
    global _chosen
    _chosen = count
