"""The stack of compiled code: where Python or the C library do it otherwise, nothing is changed (the rest: test_crash_report.py)."""

from __future__ import annotations

import sys

import pytest

from casatools.native_stack import add_native_stack


def test_left_to_python_where_it_does_it_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "other")
    assert not add_native_stack(2)
