"""The gates on the tree hold, and each still bites when a violation is planted."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from support import gates


def test_tree_is_clean() -> None:
    assert gates.all_violations() == []


@pytest.mark.parametrize(
    ("text", "where", "expected"),
    [
        ("import casacore.tables\n", "casatools/tools/x.py", "imports casacore.tables"),
        ("from casacore import tables\n", "casatools/frames/x.py", "imports casacore.tables"),
        ("from casacore.measures import measures\n", "casatools/io/x.py", "imports casacore.measures"),
        ("def f():\n    import matplotlib.pyplot\n", "casatasks/imaging/x.py", "imports matplotlib"),
        ("import mpi4py\n", "casatools/_base/x.py", "imports mpi4py"),
        ("x = 1\n", "casatools/io/utils.py", "says nothing"),
        ("x = 1\n" * 801, "casatools/io/x.py", "801 lines"),
        ("def f():\n" + "    x = 1\n" * 121, "casatools/io/x.py", "f has 121 lines"),
        ("@kernel\ndef f():\n" + "    x = 1\n" * 61, "casatools/kernels/x.py", "f has 61 lines"),
        ("try:\n    x = 1\nexcept:\n    raise\n", "casatools/io/x.py", "bare except"),
        ("print(1)\n", "casatools/io/x.py", "prints"),
        ("x = 299792458.0\n", "casatools/io/x.py", "anew"),
    ],
)
def test_planted_violation(text: str, where: str, expected: str) -> None:
    assert any(expected in found for found in gates.violations(text, where))


def test_allowed_places_are_allowed() -> None:
    assert gates.violations("import casacore.tables\n", "casatools/io/ms/x.py") == []


def test_public_name_equal_to_a_submodule_is_found(tmp_path: Path) -> None:
    for wheel, index, constant in (("casatasks", "_index.py", "TASKS"), ("casatools", "tools/_index.py", "TOOLS")):
        package = tmp_path / wheel / "src" / wheel
        (package / index).parent.mkdir(parents=True)
        (package / index).write_text(f'{constant}: dict[str, str] = {{"imaging": "imaging", "split": "manipulation"}}\n')
        (package / "imaging").mkdir()
    assert gates.name_clashes(tmp_path) == [
        "casatasks.imaging is both a public name and a submodule",
        "casatools.imaging is both a public name and a submodule",
    ]


def _lint_imports(root: Path) -> subprocess.CompletedProcess[str]:
    paths = os.pathsep.join(str(root / wheel / "src") for wheel in ("casatools", "casatasks", "casampi"))
    code = (
        f"import sys; sys.path[:0] = {paths.split(os.pathsep)!r}; "
        "from importlinter.cli import lint_imports; sys.exit(lint_imports(config_filename='pyproject.toml', no_cache=True))"
    )
    environment = {**os.environ, "PYTHONPATH": paths}
    return subprocess.run([sys.executable, "-c", code], cwd=root, env=environment, capture_output=True, text=True, check=False)


@pytest.mark.parametrize(
    ("where", "text"),
    [
        ("casatools/src/casatools/_base/planted.py", "import casatools.io\n"),
        ("casatools/src/casatools/kernels/planted.py", "import casatools.io\n"),
        ("casatools/src/casatools/io/planted.py", "import casatools.frames\n"),
        ("casatools/src/casatools/frames/planted.py", "import casatools.calibration\n"),
        ("casatools/src/casatools/calibration/planted.py", "import casatools.tools\n"),
        ("casatools/src/casatools/tools/planted.py", "import casatasks\n"),
        ("casatasks/src/casatasks/planted.py", "import casatools.io\n"),
    ],
)
def test_planted_layer_violation(tmp_path: Path, where: str, text: str) -> None:
    pytest.importorskip("importlinter")
    shutil.copy(gates.CHECKOUT / "pyproject.toml", tmp_path)
    # Only the packages' skeletons are needed for the contracts to be read.
    for path in gates.source_files():
        if path.name == "__init__.py":
            target = tmp_path / path.relative_to(gates.CHECKOUT)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text("")
    assert _lint_imports(tmp_path).returncode == 0
    (tmp_path / where).write_text(text)
    result = _lint_imports(tmp_path)
    assert result.returncode == 1, result.stdout + result.stderr
    assert "BROKEN" in result.stdout
