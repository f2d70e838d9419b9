"""The tutorial notebook is what its script says, was executed, and the executor keeps outputs as Jupyter does."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from types import ModuleType

import pytest

DOCS = Path(__file__).resolve().parents[3] / "docs"


@pytest.fixture(scope="module")
def maker() -> ModuleType:
    spec = importlib.util.spec_from_file_location("docs_notebook", DOCS / "notebook.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_committed_notebook_is_the_script_executed(maker: ModuleType) -> None:
    notebook = json.loads((DOCS / "tutorial.ipynb").read_text())
    source = maker.cells((DOCS / "tutorial.py").read_text())
    assert [(c["cell_type"], "".join(c["source"])) for c in notebook["cells"]] == source
    code = [c for c in notebook["cells"] if c["cell_type"] == "code"]
    assert [c["execution_count"] for c in code] == list(range(1, len(code) + 1))
    kinds = [o["output_type"] for c in code for o in c["outputs"]]
    assert kinds.count("display_data") == 2 and "error" not in kinds


def test_outputs(maker: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("MPLBACKEND", "Agg")
    monkeypatch.chdir(tmp_path)
    text = "# %% [markdown]\n# # Title\n#\n# words\n# %%\nx = 3\nprint('told')\nx * 2\n# %%\nimport matplotlib.pyplot as plt\n_ = plt.plot([1, 2])\n"
    made = maker.make_notebook(text)
    assert made["nbformat"] == 4 and made["cells"][0]["source"] == ["# Title\n", "\n", "words"]
    stream, value = made["cells"][1]["outputs"]
    assert stream["text"] == ["told\n"] and value["data"]["text/plain"] == ["6"] and value["execution_count"] == 1
    (figure,) = made["cells"][2]["outputs"]
    assert figure["data"]["image/png"].startswith("iVBOR") and list(tmp_path.iterdir()) == []
