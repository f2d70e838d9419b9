"""The flux scale of the older imager tool's images: what flux densities on the sky are multiplied with in them.

References
----------
Sault, Staveley-Smith & Brouw 1996, A&AS 120, 375: mosaics whose noise is kept from growing at the edges.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from casatools._base.errors import ParameterError
from casatools._base.paths import staged_output
from casatools.io.image import CasaImage

__all__ = ["FluxScale"]

_WITH_BEAMS = ("mosaic", "awproject")


@dataclass(frozen=True)
class FluxScale:
    """How restored and residual images are scaled where antennas have beams.

    Attributes
    ----------
    kind : str
        NONE: as they are made; SAULT: the noise is the same down to a beam of `even_above`, and falls below; PBCOR: flux densities.
    even_above : float
    least_beam : float
        Where the beam of a mosaic is below, images are blank.
    flat_noise : bool
        Residuals are searched where the noise is the same everywhere; without, multiplied with the square of the beam.
    names : sequence of str
        Images of the scale to write, one a field.
    """

    kind: str = "NONE"
    even_above: float = 0.4
    least_beam: float = 0.0
    flat_noise: bool = True
    names: Sequence[str] = ()

    def require(self, fields: int, has_beams: bool) -> None:
        """Refuse what does not go together.

        Raises
        ------
        ParameterError
            There is not one image of the scale for each field, or there are no beams to scale with.
        """
        if self.names and len(self.names) != fields:
            raise ParameterError(
                f"imager.clean: parameter 'fluxscale' of setmfcontrol must name one image for each of {fields} models; got {list(self.names)}"
            )
        if self.kind != "NONE" and not has_beams:
            raise ParameterError(
                f"imager.clean: scaletype={self.kind!r} of setmfcontrol needs primary beams; call setvp(dovp=True) or setoptions(ftmachine='mosaic')"
            )

    def parameters(self, gridding: dict[str, Any]) -> dict[str, Any]:
        """What tclean is told of it."""
        if gridding["gridder"] not in _WITH_BEAMS:
            return {}
        limit = max(float(gridding.get("pblimit", 0.0)), self.least_beam)
        return {"normtype": "flatnoise" if self.flat_noise else "pbsquare", "pblimit": limit}

    def is_plain(self) -> bool:
        """Nothing is to be done to images."""
        return self.kind == "NONE" and not self.names

    def wanted(self, beam: np.ndarray, own: np.ndarray) -> np.ndarray:
        """The scale that is asked for, of the beam and the scale that images are made with."""
        if self.kind == "PBCOR":
            return np.where(own > 0, np.float32(1.0), np.float32(0.0))
        if self.kind == "SAULT":
            return np.where(beam >= self.even_above, beam, beam * beam / np.float32(self.even_above))
        return own

    def apply(self, base: str, suffix: str, number: int, gridder: str, has_beams: bool) -> None:
        """Scale the images of a field, and write the image of the scale.

        Parameters
        ----------
        base, suffix : str
            Beginning and end of tclean's names of them.
        number : int
            Of the field.
        gridder : str
        has_beams : bool
        """
        if self.is_plain():
            return
        with CasaImage.open(f"{base}.pb{suffix}") as image:
            beam = np.asarray(image.read(), dtype=np.float32)
            coordinates = image.coordinates
        own = beam if has_beams else np.ones_like(beam)
        if gridder in _WITH_BEAMS and not self.flat_noise:
            own = beam * beam
        wanted = self.wanted(beam, own)
        factor = np.divide(wanted, own, out=np.zeros_like(own), where=own > 0)
        for kind in ("image", "residual") if self.kind != "NONE" else ():
            if os.path.isdir(name := f"{base}.{kind}{suffix}"):
                with CasaImage.open(name, writable=True) as image:
                    image.write(np.asarray(image.read()) * factor)
        if self.names:
            with (
                staged_output(self.names[number], overwrite=True) as staged,
                CasaImage.create(staged, wanted.shape, coordinates, np.float32) as made,
            ):
                made.write(wanted.astype(np.float32))
