"""The examples of the documentation run, and its links lead somewhere."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
MADE = ("tasks.md", "reference_tools.md")  # written by the build


WITH_EXAMPLES = sorted(page.stem for page in (ROOT / "docs").glob("*.md") if "```python" in page.read_text(encoding="utf-8"))


@pytest.mark.parametrize("page", WITH_EXAMPLES)
def test_examples_run(page: str) -> None:
    run = subprocess.run(
        [sys.executable, str(ROOT / "docs" / "build.py"), "--check", page], capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stderr


@pytest.mark.parametrize("page", [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))], ids=lambda p: p.name)
def test_links(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#:]+)\)", page.read_text(encoding="utf-8")):
        assert target in MADE or (page.parent / target).exists(), target


def test_the_test_named_for_a_quirk_is_there() -> None:
    text = (ROOT / "docs" / "quirks.md").read_text(encoding="utf-8")
    for name, test in re.findall(r"(tests/[\w/]+\.py)(?:::(\w+))?", text):
        file = ROOT / name
        assert file.is_file(), name
        assert not test or f"def {test}" in file.read_text(encoding="utf-8"), f"{name}::{test}"
