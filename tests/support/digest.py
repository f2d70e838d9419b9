"""Content of a folder, to see that nothing in it changed."""

from __future__ import annotations

import hashlib
from pathlib import Path

__all__ = ["digest"]


def digest(folder: Path) -> dict[str, str]:
    """Content of all files but locks and logs, by name; folders stand with no content."""
    return {
        str(p.relative_to(folder)): hashlib.sha1(p.read_bytes()).hexdigest() if p.is_file() else ""
        for p in sorted(folder.rglob("*"))
        if p.name != "table.lock" and p.suffix != ".log"
    }
