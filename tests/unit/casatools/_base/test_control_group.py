"""Memory limits of control groups, both versions, in a tree of files like the kernel's."""

from __future__ import annotations

from pathlib import Path

import pytest

from casatools._base import control_group, memory, threads


def write(folder: Path, **files: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (folder / name.replace("__", ".")).write_text(text)


def test_second_version(tmp_path: Path) -> None:
    (tmp_path / "cgroup").write_text("0::/slurm/job_7\n")
    write(tmp_path / "fs" / "slurm", memory__max="5000\n", memory__current="1000\n", memory__stat="anon 5\ninactive_file 300\n")
    write(tmp_path / "fs" / "slurm" / "job_7", memory__max="max\n", memory__current="900\n")
    assert control_group.remaining_bytes(str(tmp_path / "cgroup"), str(tmp_path / "fs")) == 4300
    write(tmp_path / "fs" / "slurm" / "job_7", memory__max="800\n")
    assert control_group.remaining_bytes(str(tmp_path / "cgroup"), str(tmp_path / "fs")) == 0


def test_first_version_and_none(tmp_path: Path) -> None:
    (tmp_path / "cgroup").write_text("5:devices:/\n4:cpu,memory:/docker/ab\n0::/\n")
    listing, mounted = str(tmp_path / "cgroup"), str(tmp_path / "fs")
    assert control_group.remaining_bytes(listing, mounted) is None
    # A container's own group is mounted at the top, whatever its path on the host is.
    write(
        tmp_path / "fs" / "memory",
        memory__limit_in_bytes="2000",
        memory__usage_in_bytes="500",
        memory__stat="total_inactive_file 100",
    )
    assert control_group.remaining_bytes(listing, mounted) == 1600
    assert control_group.remaining_bytes(str(tmp_path / "absent"), mounted) is None


def test_available_memory_is_that_of_the_group(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(control_group, "remaining_bytes", lambda: 123456)
    assert memory.available_bytes() == 123456


def test_cores(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    listing, mounted = str(tmp_path / "cgroup"), str(tmp_path / "fs")
    (tmp_path / "cgroup").write_text("3:cpu,cpuacct:/docker/ab\n0::/job\n")
    assert control_group.allowed_cores(listing, mounted) is None
    write(tmp_path / "fs" / "job", cpu__max="max 100000\n")
    write(tmp_path / "fs" / "cpu", cpu__cfs_quota_us="-1\n", cpu__cfs_period_us="100000\n")
    assert control_group.allowed_cores(listing, mounted) is None
    write(tmp_path / "fs" / "job", cpu__max="250000 100000\n")
    assert control_group.allowed_cores(listing, mounted) == 3
    write(tmp_path / "fs" / "cpu", cpu__cfs_quota_us="50000\n")
    assert control_group.allowed_cores(listing, mounted) == 1


def test_threads_keep_to_the_group_and_to_slurm(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OMP_NUM_THREADS", "SLURM_CPUS_PER_TASK"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(threads, "_allowed", lambda: 1)
    assert threads.thread_count() == 1
    monkeypatch.setenv("SLURM_CPUS_PER_TASK", "7")
    assert threads.thread_count() == 7
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    assert threads.thread_count() == 3
