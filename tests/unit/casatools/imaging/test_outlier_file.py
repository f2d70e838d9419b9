"""Outlier files: what they may say, and how they are refused."""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import Any

import pytest

import casatasks
from casatools._base.errors import ParameterError, PathMissingError, UnsupportedError
from casatools.imaging.outlier_file import outlier_requests
from casatools.imaging.request import TcleanRequest


def request(**given: Any) -> TcleanRequest:
    defaults = {name: p.default for name, p in inspect.signature(casatasks.tclean).parameters.items()}
    return TcleanRequest(**{**defaults, "vis": "a.ms", "imagename": "main", "cell": "2arcsec", "imsize": [64], **given})


def of(tmp_path: Path, text: str, **given: Any) -> list[TcleanRequest]:
    path = tmp_path / "o.txt"
    path.write_text(text, encoding="utf-8")
    return outlier_requests(request(outlierfile=str(path), **given))


def test_two_images(tmp_path: Path) -> None:
    first, second = of(
        tmp_path,
        "# two outliers\nimagename=o1\nimsize=[40,50]\ncell=[8arcsec,'9arcsec']\nphasecenter=J2000 13h36m20s 28d00m00s\n\n"
        "imagename = o2   # the second\nphasecenter=3\nmask=box[[5pix,5pix],[30pix,30pix]]\ndeconvolver=mtmfs\nnterms=3\nspecmode=mfs\n",
        niter=5, mask="main.mask", threshold="1mJy",
    )  # fmt: skip
    assert first.imagename == "o1" and first.grid_options.shape == (40, 50) and first.cell == ["8arcsec", "9arcsec"]
    assert first.phasecenter == "J2000 13h36m20s 28d00m00s" and first.mask == "" and first.threshold == "1mJy"
    assert second.phasecenter == 3 and second.mask == "box[[5pix,5pix],[30pix,30pix]]"
    assert second.terms == 3 and first.terms == 0 and second.grid_options.shape == (64, 64)


def test_none_without_a_file() -> None:
    assert outlier_requests(request()) == []


@pytest.mark.parametrize(
    ("text", "error", "words"),
    [
        ("imagename=o\nimsize 40\n", ParameterError, "line 2.*name=value"),
        ("imagename=o\nimsiz=40\n", ParameterError, "line 2"),
        ("imsize=40\nimagename=o\n", ParameterError, "line 1.*before the first"),
        ("imagename=o\n", ParameterError, "phasecenter must be given"),
        ("# nothing\n", ParameterError, "names no image"),
        ("imagename=main\nphasecenter=1\n", ParameterError, "used twice"),
        ("imagename=o\nphasecenter=1\nimagename=o\nphasecenter=2\n", ParameterError, "line 3.*used twice"),
        ("imagename=o\nphasecenter=1\nimsize=-4\n", ParameterError, "imsize"),
        ("imagename=o\nphasecenter=1\nspecmode=cube\n", UnsupportedError, "specmode='cube' differs"),
    ],
)
def test_refused(tmp_path: Path, text: str, error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        of(tmp_path, text)


def test_a_missing_file() -> None:
    with pytest.raises(PathMissingError, match=r"nowhere\.txt"):
        outlier_requests(request(outlierfile="nowhere.txt"))
