"""Runs the Python blocks of the documentation and writes it as HTML into docs/_build.

``python docs/build.py`` runs and writes all; ``python docs/build.py --check PAGE`` only runs the blocks of one page.
"""

from __future__ import annotations

import argparse
import html
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

DOCS = Path(__file__).resolve().parent
# Every page in this folder but those that the build writes.
_WRITTEN = ("tasks", "reference_tools")
PAGES = tuple(sorted(page.stem for page in DOCS.glob("*.md") if page.stem not in _WRITTEN))
_BLOCK = re.compile(r"^```python\n(.*?)^```$", re.DOTALL | re.MULTILINE)
_STYLE = "body{max-width:60em;margin:2em auto;padding:0 1em;font-family:sans-serif;line-height:1.5}pre{background:#f4f4f4;padding:.8em;overflow:auto}table{border-collapse:collapse}td,th{border:1px solid #ccc;padding:.2em .6em}"


def example(page: Path) -> str:
    """All Python blocks of a page as one script."""
    return "\n".join(_BLOCK.findall(page.read_text(encoding="utf-8")))


def run_example(page: Path) -> str:
    """Run the blocks of a page in an empty folder with warnings as errors; give what they print."""
    source = example(page)
    if not source:
        return ""
    with tempfile.TemporaryDirectory() as folder:
        run = subprocess.run(
            [sys.executable, "-W", "error", "-c", source], cwd=folder, capture_output=True, text=True, check=False
        )
    if run.returncode:
        raise SystemExit(f"{page.name}: the example failed\n{run.stdout}{run.stderr}")
    return run.stdout


def reference_tasks() -> str:
    """A page of all tasks from their docstrings."""
    import inspect

    import casatasks
    from casatasks._index import TASKS

    parts = ["# Tasks", ""]
    for name in sorted(TASKS):
        function = getattr(casatasks, name)
        parts += [f"## {name}", "", f"<pre>{html.escape(name + str(inspect.signature(function)))}</pre>", ""]
        parts += [f"<pre>{html.escape(inspect.getdoc(function) or '')}</pre>", ""]
    return "\n".join(parts)


def reference_tools() -> str:
    """A page of all tools and their methods from their docstrings."""
    import inspect

    import casatools
    from casatools.tools._index import TOOLS

    parts = ["# Tools", ""]
    for name in sorted(TOOLS):
        tool = getattr(casatools, name)
        tool = tool if inspect.isclass(tool) else type(tool)
        parts += [f"## {name}", "", f"<pre>{html.escape(inspect.getdoc(tool) or '')}</pre>", ""]
        for method, function in sorted(inspect.getmembers(tool, lambda f: hasattr(f, "__declaration__"))):
            text = f"{method}{inspect.signature(function)}\n\n{inspect.getdoc(function) or ''}"
            parts += [f"<pre>{html.escape(text.strip())}</pre>", ""]
    return "\n".join(parts)


def write_page(name: str, text: str, folder: Path) -> None:
    """Write one page of Markdown as HTML."""
    import markdown

    body = markdown.markdown(re.sub(r"\]\((\w+)\.md\)", r"](\1.html)", text), extensions=["tables", "fenced_code"])
    title = text.lstrip("# ").partition("\n")[0]
    page = f"<!doctype html><html lang='en'><head><meta charset='utf-8'><title>{html.escape(title)}</title><style>{_STYLE}</style></head><body>{body}</body></html>"
    (folder / f"{name}.html").write_text(page, encoding="utf-8")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", metavar="PAGE", help="only run the blocks of this page")
    options = parser.parse_args()
    if options.check:
        sys.stdout.write(run_example(DOCS / f"{options.check}.md"))
        return 0
    folder = DOCS / "_build"
    folder.mkdir(exist_ok=True)
    for name in PAGES:
        page = DOCS / f"{name}.md"
        run_example(page)
        write_page(name, page.read_text(encoding="utf-8"), folder)
    shutil.copy(DOCS / "tutorial.ipynb", folder)  # the pages lead to it
    write_page("tasks", reference_tasks(), folder)
    write_page("reference_tools", reference_tools(), folder)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
