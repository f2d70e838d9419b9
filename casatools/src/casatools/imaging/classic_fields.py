"""What the imager tool is told of each image field, and how tclean is told of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from casatools._base.paths import require_present
from casatools.imaging.classic_images import sky_direction
from casatools.imaging.start_model import start_model
from casatools.imaging.tclean_images import FieldImages
from casatools.io.image import CasaImage
from casatools.io.image.coordinates.units import unit_factor

__all__ = ["EntropyGoal", "FieldNames", "grid_of", "write_outliers"]


@dataclass(frozen=True)
class FieldNames:
    """Names of the images of an image field.

    Attributes
    ----------
    model, image, residual, psf : str
        Where they are to be; empty ones are not kept. A model that is there is started from.
    mask : str
        Image or region.
    is_fixed : bool
        The model stays as it is.
    """

    model: str = ""
    image: str = ""
    residual: str = ""
    psf: str = ""
    mask: str = ""
    is_fixed: bool = False


@dataclass(frozen=True)
class EntropyGoal:
    """What maximum entropy is told beforehand.

    Attributes
    ----------
    flux_jy : float
        Expected of the model; 0 for nothing.
    is_held : bool
        The model must have this flux.
    prior : str
        Image [Jy/pixel] that the model is like where the data do not say otherwise.
    """

    flux_jy: float = 0.0
    is_held: bool = False
    prior: str = ""

    def options(self, plan: FieldImages) -> dict[str, Any]:
        """What `MinorOptions` takes of it for an image that is about to be deconvolved.

        Raises
        ------
        PathMissingError, DataError
            The prior is not there, or cannot be put on the grid of the image.
        """
        prior = None
        if self.prior:
            path = require_present(self.prior, "prior image")
            prior = start_model(path, plan.coordinates, (1, *plan.image.planes.model.shape[1:]))[0, 0]
        return {"flux_jy": self.flux_jy, "holds_flux": self.is_held, "prior": prior}


def write_outliers(path: str, base: str, fields: Sequence[Mapping[str, Any]]) -> str:
    """Write tclean's file of further image fields; gives its name."""
    with open(path, "w", encoding="utf-8") as stream:
        for number, own in enumerate(fields, 1):
            stream.writelines(f"{name}={value!r}\n" for name, value in {"imagename": f"{base}-{number}", **own}.items())
    return path


def grid_of(path: str) -> dict[str, Any]:
    """tclean's parameters of the pixels of an image."""
    with CasaImage.open(path) as image:
        direction = sky_direction(image, path)
        ny, nx = image.shape[-2:]
        world = direction.to_world(np.array([[nx // 2], [ny // 2]], dtype=np.float64)).ravel()
        lon, lat = (float(v) * unit_factor(u)[0] for v, u in zip(world, direction.units, strict=True))
        cells = [f"{abs(float(c))!r}rad" for c in direction.increment_rad]
    return {"imsize": [int(nx), int(ny)], "cell": cells, "phasecenter": f"{direction.frame} {lon!r}rad {lat!r}rad"}
