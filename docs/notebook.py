"""Executes ``docs/tutorial.py`` cell by cell and writes it with its outputs as the notebook ``docs/tutorial.ipynb``.

Cells begin with ``# %%``, text cells with ``# %% [markdown]``. Jupyter is not needed to make the notebook, only to open it. Figures
that a cell makes with matplotlib, and the value of its last line, are kept as outputs.
"""

from __future__ import annotations

import ast
import base64
import contextlib
import io
import json
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

DOCS = Path(__file__).resolve().parent


def cells(source: str) -> list[tuple[str, str]]:
    """(kind, text) of the cells of a script: ``markdown`` or ``code``."""
    found = []
    for part in source.split("# %%")[1:]:
        head, _, body = part.partition("\n")
        if "[markdown]" in head:
            body = "\n".join(line[2:] if line.startswith("# ") else line.removeprefix("#") for line in body.strip().splitlines())
            found.append(("markdown", body))
        else:
            found.append(("code", body.strip()))
    return found


def run_cell(text: str, names: dict[str, Any]) -> list[dict[str, Any]]:
    """Execute a cell in `names`; gives its outputs as Jupyter keeps them."""
    import matplotlib.pyplot as plt

    tree = ast.parse(text)
    last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
    printed, value = io.StringIO(), None
    with contextlib.redirect_stdout(printed):
        exec(compile(tree, "<cell>", "exec"), names)
        if isinstance(last, ast.Expr):
            value = eval(compile(ast.Expression(last.value), "<cell>", "eval"), names)
    outputs: list[dict[str, Any]] = []
    if printed.getvalue():
        outputs.append({"output_type": "stream", "name": "stdout", "text": printed.getvalue().splitlines(keepends=True)})
    for number in plt.get_fignums():
        picture = io.BytesIO()
        plt.figure(number).savefig(picture, format="png", dpi=70)
        data = {"image/png": base64.b64encode(picture.getvalue()).decode(), "text/plain": ["<Figure>"]}
        outputs.append({"output_type": "display_data", "data": data, "metadata": {}})
    plt.close("all")
    if value is not None:
        outputs.append(
            {"output_type": "execute_result", "data": {"text/plain": repr(value).splitlines(keepends=True)}, "metadata": {}}
        )
    return outputs


def make_notebook(source: str) -> dict[str, Any]:
    """Execute the cells in an empty folder; gives the notebook (format 4.5)."""
    os.environ["MPLBACKEND"] = "Agg"
    names: dict[str, Any] = {"__name__": "__main__"}
    made: list[dict[str, Any]] = []
    here = os.getcwd()
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        try:
            for count, (kind, text) in enumerate(cells(source)):
                cell: dict[str, Any] = {
                    "cell_type": kind,
                    "id": f"cell-{count}",
                    "metadata": {},
                    "source": text.splitlines(keepends=True),
                }
                if kind == "code":
                    outputs = run_cell(text, names)
                    cell["execution_count"] = sum(c["cell_type"] == "code" for c in made) + 1
                    for output in outputs:
                        if output["output_type"] == "execute_result":
                            output["execution_count"] = cell["execution_count"]
                    cell["outputs"] = outputs
                made.append(cell)
        finally:
            os.chdir(here)
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    return {
        "cells": made,
        "metadata": {"kernelspec": kernel, "language_info": {"name": "python"}},
        "nbformat": 4,
        "nbformat_minor": 5,
    }


def main() -> int:
    """Write the notebook."""
    notebook = make_notebook((DOCS / "tutorial.py").read_text(encoding="utf-8"))
    (DOCS / "tutorial.ipynb").write_text(json.dumps(notebook, indent=1) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
