"""What the environment says about ranks: launchers, Slurm, and children of ranks."""

from __future__ import annotations

import os

import pytest

from casatools._base import threads

NAMES = ("OMPI_COMM_WORLD_LOCAL_SIZE", "MPI_LOCALNRANKS", "OMPI_COMM_WORLD_SIZE", "PMI_SIZE", "PMI_RANK", "PMIX_RANK", "OMPI_COMM_WORLD_RANK",
         "SLURM_STEP_TASKS_PER_NODE", "SLURM_STEP_NUM_TASKS", "SLURM_NODEID", "PMI_FD", "PMIX_NAMESPACE", "CASAMPI_RANK_PROCESS")  # fmt: skip


@pytest.fixture(autouse=True)
def plain(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in NAMES:
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize(
    ("tasks", "node", "wanted"),
    [("8(x3),2", "0", 8), ("8(x3),2", "3", 2), ("2", "0", 2), ("2", "1", 1), ("", "0", 1), ("junk", "0", 1), ("0", "0", 1)],
)
def test_ranks_on_this_node_of_slurm(tasks: str, node: str, wanted: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLURM_STEP_TASKS_PER_NODE", tasks)
    monkeypatch.setenv("SLURM_NODEID", node)
    assert threads.ranks_on_host() == wanted
    monkeypatch.setenv("MPI_LOCALNRANKS", "5")
    assert threads.ranks_on_host() == 5


def test_launched_ranks(monkeypatch: pytest.MonkeyPatch) -> None:
    assert threads.launched_ranks() == 1
    monkeypatch.setenv("PMI_SIZE", "4")
    assert threads.launched_ranks() == 4


def test_children_of_ranks_are_no_ranks(monkeypatch: pytest.MonkeyPatch) -> None:
    assert not threads.under_launcher()
    monkeypatch.setenv("PMI_RANK", "1")
    monkeypatch.setenv("PMI_FD", "7")
    assert threads.under_launcher()
    monkeypatch.setenv("CASAMPI_RANK_PROCESS", "")
    threads.mark_rank()
    assert threads.under_launcher()
    mine = os.getpid()
    monkeypatch.setattr(os, "getpid", lambda: mine + 1)
    assert not threads.under_launcher()
    monkeypatch.setenv("PMI_FD", "9")  # a launcher started by a rank: its processes are ranks of another world
    assert threads.under_launcher()


def test_one_of_many_that_work_side_by_side() -> None:
    threads.set_thread_count(3)
    try:
        with threads.single_thread():
            assert threads.thread_count() == 1
            with threads.single_thread():
                pass
            assert threads.thread_count() == 1
        assert threads.thread_count() == 3

        def count(number: int) -> int:
            with threads.single_thread():
                return number * threads.thread_count()

        assert list(threads.in_order(count, range(5))) == [0, 1, 2, 3, 4] and threads.thread_count() == 3
    finally:
        threads.set_thread_count(None)
