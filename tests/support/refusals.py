"""Calls that must be refused, with nothing written."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import casatasks
from support.digest import digest

__all__ = ["refused_call"]


def refused_call(folder: Path, task: str, kind: type[Exception], **arguments: Any) -> str:
    """Call a task that must raise one of our own errors, of one sentence, while no file or folder changes, comes or goes; gives the sentence."""
    before = digest(folder)
    with pytest.raises(kind) as caught:
        getattr(casatasks, task)(**arguments)
    assert type(caught.value).__module__ == "casatools._base.errors"
    assert digest(folder) == before
    text = str(caught.value)
    assert "\n" not in text and len(text) > 15
    return text
