"""Expressions without a name: computed where they are read, until they or their images change."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from casatools import image, regionmanager
from casatools._base.errors import DataError, OutputExistsError, ParameterError
from casatools.io.image import CasaImage, computed_image

SHAPE = (12, 10, 1, 5)


@pytest.fixture(autouse=True)
def values(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> np.ndarray:
    monkeypatch.chdir(tmp_path)
    made = np.random.default_rng(1).normal(size=SHAPE).astype(np.float32)
    for name, pixels in (("a.im", made), ("b.im", made + 3)):
        ia = image()
        ia.fromarray(name, pixels)
        ia.setbrightnessunit("Jy/beam")
        ia.setrestoringbeam("3arcsec", "2arcsec", "10deg")
        ia.done()
    return made


def opened(name: str) -> image:
    ia = image()
    ia.open(name)
    return ia


def is_virtual(ia: image) -> bool:
    return os.path.exists(os.path.join(ia.name(), "expression.json"))


def test_blocks_are_computed_where_they_are_read(values: np.ndarray, monkeypatch: pytest.MonkeyPatch) -> None:
    ia = image().imagecalc("", "'a.im'*2 + b.im[a.im > 0]")
    assert is_virtual(ia) and not ia.ispersistent()
    assert os.path.getsize(os.path.join(ia.name(), "table.f0")) < 20000  # no pixels of its own
    expected = values * 2 + (values + 3)
    np.testing.assert_allclose(ia.getchunk(), expected, rtol=1e-6)
    assert np.array_equal(ia.getchunk(getmask=True), values > 0)
    np.testing.assert_allclose(ia.getchunk([1, 0, 0, 0], [7, 6, 0, 4], [2, 3, 1, 2]), expected[1:8:2, 0:7:3, :, 0:5:2], rtol=1e-6)
    assert ia.brightnessunit() == "Jy/beam" and ia.restoringbeam()["minor"]["value"] == 2 and ia.pixeltype() == "float"
    assert ia.maskhandler("get") == ["mask0"] and ia.maskhandler("default") == ["mask0"]
    assert np.isclose(ia.statistics()["sum"][0], expected[values > 0].sum(), rtol=1e-6)
    part = ia.subimage("", region=regionmanager().box([2, 3, 0, 1], [8, 9, 0, 3]))
    ia.done()
    np.testing.assert_allclose(part.getchunk(), expected[2:9, 3:10, :, 1:4], rtol=1e-6)
    assert image().imagecalc("", "'a.im'*1i").pixeltype() == "complex"
    assert image().imagecalc("", "pi()*'a.im'", prec="double").pixeltype() == "double"


def test_only_blocks_are_in_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    ia = image()
    ia.fromshape("large.im", [256, 256, 1, 128])
    ia.done()
    read: list[int] = []
    whole = CasaImage.read
    monkeypatch.setattr(CasaImage, "read", lambda self, s=None: read.append((r := whole(self, s)).size) or r)
    made = image().imagecalc("", "'large.im' + 1")
    assert made.statistics()["mean"][0] == 1.0
    assert max(read) <= 256 * 256 * 64


def test_it_stays_what_it_was_when_an_image_changes(values: np.ndarray) -> None:
    made = image().imagecalc("", "'a.im' + 'b.im'[a.im > 0]")
    other = image().imagecalc("", "'b.im' * 2")
    ia = opened("a.im")
    ia.putchunk(values * 0)
    assert not is_virtual(made) and is_virtual(other)
    np.testing.assert_allclose(made.getchunk(), values * 2 + 3, rtol=1e-6)
    assert np.array_equal(made.getchunk(getmask=True), values > 0)
    opened("b.im").remove()
    np.testing.assert_allclose(other.getchunk(), values * 2 + 6, rtol=1e-6)


def test_it_can_be_changed(values: np.ndarray) -> None:
    made = image().imagecalc("", "'a.im'['a.im' > 0]")
    made.setbrightnessunit("K")
    assert is_virtual(made) and made.brightnessunit() == "K"
    made.putchunk(values * 5)
    assert not is_virtual(made) and np.array_equal(made.getchunk(), values * 5)
    assert np.array_equal(made.getchunk(getmask=True), values > 0)
    assert np.array_equal(opened("a.im").getchunk(), values)
    for change in ("'rename', ['mask0', 'm']", "'delete', 'mask0'", "'set', ''", "'copy', ['mask0', 'n']"):
        fresh = image().imagecalc("", "'a.im'['a.im' > 0]")
        eval(f"fresh.maskhandler({change})", {"fresh": fresh})
        assert not is_virtual(fresh) and np.array_equal(fresh.getchunk(), values)
    fresh = image().imagecalc("", "'a.im'['a.im' > 0]")
    fresh.calcmask("'b.im' > 3.5")
    assert np.array_equal(fresh.getchunk(getmask=True), values > 0.5)


def test_temporary_images_of_an_expression_are_kept(values: np.ndarray) -> None:
    first = image().imagecalc("", "'a.im' * 2")
    second = image().imagecalc("", f"'{first.name()}' + 1")
    first.done()
    del first
    np.testing.assert_allclose(second.getchunk(), values * 2 + 1, rtol=1e-6)


def test_refusals(values: np.ndarray, monkeypatch: pytest.MonkeyPatch) -> None:
    for text, told in (
        ("'a.im' > 0", "truth values"),
        ("3", "holds no image"),
        ("log(-1 - 'a.im'^2)", "finite number"),
        ("'a.im' +", "expression"),
    ):
        with pytest.raises((ParameterError, DataError), match=told):
            image().imagecalc("", text)
    ia = image()
    ia.fromshape("other.im", [3, 4, 1, 5])
    ia.done()
    with pytest.raises(DataError, match="do not fit the shape"):
        image().imagecalc("", "'a.im'", imagemd="other.im")
    with pytest.raises(OutputExistsError):
        image().imagecalc("b.im", "'a.im'")
    made = image().imagecalc("", "'a.im' * 2")
    place = made.name()
    with monkeypatch.context() as patch:
        patch.setattr(computed_image, "evaluators", [])
        with pytest.raises(DataError, match="another process"):
            CasaImage.open(place)
    note = json.loads((Path(place) / "expression.json").read_text())
    (Path(place) / "expression.json").write_text(json.dumps({**note, "shape": [1, 2, 3, 4]}))
    with pytest.raises(DataError, match="whose shape is now"):
        CasaImage.open(place)


def test_a_failure_leaves_it_virtual(monkeypatch: pytest.MonkeyPatch) -> None:
    made = image().imagecalc("", "'a.im' * 2")

    def fail(*given: Any) -> Any:
        raise OSError("no space left")

    with monkeypatch.context() as patch:
        patch.setattr("casatools.io.image.table_image.TableImage.write", fail)
        with pytest.raises(OSError, match="no space"):
            made.putchunk(np.ones(SHAPE))
    assert is_virtual(made) and not os.path.exists(f"{made.name()}.whole")
