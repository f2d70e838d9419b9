"""Tasks draw the images they make when the option is set."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from casatasks import imfit, immath, immoments, imsubimage, imtrans, specfit, spxfit
from casatasks.extensions import quick_look
from casatools._base import config, log
from casatools._base.errors import ParameterError
from casatools.io.image import CasaImage
from casatools.io.image.coordinates.make import make_image_coordinates
from casatools.plotting.task_pictures import draw_made_images, made_images


@pytest.fixture(autouse=True)
def cube(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    coordinates = make_image_coordinates((20, 18), (1e-5, 1e-5), (1.0, 0.5), 1.4e9 + 1e6 * np.arange(4), stokes=["I"])
    values = np.random.default_rng(1).normal(size=(4, 1, 18, 20))
    values[1, 0, 9, 10] = 30.0
    for name in ("a.im", "run.image", "run.psf"):
        with CasaImage.create(name, values.shape, coordinates, unit="Jy/beam") as made:
            made.write(values)


def test_images_that_a_task_makes_are_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    immath("a.im", expr="IM0 * 2", outfile="b.im")
    assert not os.path.exists("b.im.png")
    lines: list[str] = []
    post = log.post
    monkeypatch.setattr(log, "post", lambda message, *args, **more: (lines.append(message), post(message, *args, **more))[1])
    monkeypatch.setitem(config._values, "quicklook", True)
    immath("a.im", expr="IM0 * 2", outfile="c.im")
    immoments("a.im", moments=[0, 8], outfile="m")
    assert all(Path(f"{n}.png").read_bytes()[:4] == b"\x89PNG" for n in ("c.im", "m.integrated", "m.maximum"))
    assert "Picture of c.im: c.im.png" in lines
    # A spectrum is a line; an image without a good pixel has no picture.
    imsubimage("a.im", "line.im", box="10,9,10,9", dropdeg=True)
    assert os.path.exists("line.im.png") and "Picture of line.im: line.im.png" in lines
    with CasaImage.open("a.im", writable=True) as blank:
        blank.write_mask(False)
    imsubimage("a.im", "blank.im")
    assert not os.path.exists("blank.im.png") and any("No picture of blank.im" in line for line in lines)
    assert os.path.isdir("blank.im")
    with pytest.raises(ParameterError):
        imtrans("a.im", "t.im", "99")
    assert not os.path.exists("t.im.png")


def test_models_and_residuals_of_fits_are_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(config._values, "quicklook", True)
    with CasaImage.open("a.im", writable=True) as image:
        y, x = np.indices((18, 20))
        image.write(5.0 * np.exp(-((x - 10) ** 2 + (y - 9) ** 2) / 20.0) * np.ones((4, 1, 1, 1)))
    imfit("a.im", chans="1", model="i.model", residual="i.residual")
    specfit("a.im", box="9,8,11,10", multifit=True, ngauss=0, poly=1, model="s.model", residual="s.residual")
    spxfit(
        "a.im",
        region="box[[9pix,8pix],[11pix,10pix]]",
        spxtype="plp",
        spxest=[5.0, 0.0],
        multifit=True,
        model="x.model",
        residual="x.residual",
    )
    assert all(os.path.getsize(f"{task}.{kind}.png") > 2000 for task in "isx" for kind in ("model", "residual"))


def test_which_images_belong_to_a_name() -> None:
    assert made_images("run", 0.0) == ["run.image"] and made_images("a.im", 0.0) == ["a.im"] and made_images("", 0.0) == []
    os.rename("run.image", "run.residual")
    assert made_images("run", 0.0) == ["run.psf", "run.residual"] and made_images("run", 4e9) == []
    assert draw_made_images(["a.im/"], 0.0) == ["a.im.png"]


def test_a_quick_look_as_a_task() -> None:
    figure = quick_look("a.im", "a.png", channel=1, levels=[5.0], datarange=[-1, 20], cmap="viridis")
    assert os.path.getsize("a.png") > 2000 and len(figure.axes) == 2
    assert len(quick_look("a.im", contours=False).axes) == 2
    with pytest.raises(ParameterError, match="datarange"):
        quick_look("a.im", "b.png", datarange=[1.0])
    assert not os.path.exists("b.png")
