"""Memory limits of control groups, both versions, in a tree of files like the kernel's."""

from __future__ import annotations

from pathlib import Path

import pytest

from casatools._base import control_group, memory


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
