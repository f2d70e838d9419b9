"""Plots of tasks appear in notebooks, and only there."""

from __future__ import annotations

import io
import sys
import types
from pathlib import Path

import pytest

from casatools.plotting.figure import new_figure, save_figure, show_in_notebook


def test_only_in_a_notebook(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("IPython")
    import IPython.display

    class OutStream(io.StringIO):
        pass

    shown: list[str] = []
    monkeypatch.setattr(IPython.display, "display", lambda picture: shown.append(type(picture).__name__))
    for kind in ("png", "svg", "pdf"):
        save_figure(new_figure(2, 1), str(tmp_path / f"a.{kind}"))
    show_in_notebook(str(tmp_path / "a.png"))
    assert shown == []
    monkeypatch.setitem(sys.modules, "ipykernel.iostream", types.SimpleNamespace(OutStream=OutStream))
    monkeypatch.setattr(sys, "stderr", OutStream())
    for name in ("a.png", "a.svg", "a.pdf"):
        show_in_notebook(str(tmp_path / name))
    show_in_notebook("")
    assert shown == ["Image", "SVG"]
