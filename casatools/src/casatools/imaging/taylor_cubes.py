"""Cubes on disk summed to Taylor terms and back, with the primary beams of their channels: what the synthesisutils tool does for virtual cubes.

Notes
-----
With ``w`` the sums of weights of the channels, ``p`` their primary beams, ``P`` that of the whole band and ``x = (f - f0) / f0``, term k of point
spread functions and residuals is ``sum w p x^k I / (P sum w)``, of beams ``sum w p / sum w`` (the first term alone), and of the sums of weights
``sum w^2 x^k / sum w``, as in the reference (measured to 1e-7).

References
----------
Rau & Cornwell 2011, A&A 532, A71: Taylor terms and wide-band primary beams.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from casatools._base.errors import DataError, ParameterError
from casatools._base.paths import require_present, staged_output
from casatools.frames.quantities import to_unit
from casatools.io.image import CasaImage
from casatools.io.image.coordinates.spectral import SpectralCoordinate
from casatools.io.image.coordinates.system import Coordinates

__all__ = ["TaylorCube"]


@dataclass(frozen=True)
class TaylorCube:
    """A cube and the Taylor terms of it.

    Attributes
    ----------
    cube, terms : str
        Beginnings of the names of the images.
    nterms : int
    reffreq : str
        Frequency of the terms.
    pblimit : float
        Primary beam below which nothing is used.
    """

    cube: str
    terms: str
    nterms: int = 2
    reffreq: str = ""
    pblimit: float = 0.2

    def __post_init__(self) -> None:
        if not self.cube or not self.terms:
            raise ParameterError(
                "the beginnings of the names of a cube ('cubename') and of its Taylor terms ('mtname') must be given"
            )

    def _reference_hz(self) -> float:
        """The frequency of the terms.

        Raises
        ------
        ParameterError
            It is missing, or no frequency.
        """
        hz = float(to_unit(self.reffreq, "Hz")) if str(self.reffreq).strip() else 0.0
        if hz <= 0:
            raise ParameterError(f"parameter 'reffreq' must be a frequency such as '1.4GHz'; got {self.reffreq!r}")
        return hz

    def _read(self, path: str) -> np.ndarray:
        require_present(path, "image")
        with CasaImage.open(path) as image:
            return np.asarray(image.read(), np.float64)

    def _beams(self, shape: tuple[int, ...]) -> np.ndarray:
        found = self._read(f"{self.cube}.pb")
        if found.shape != shape:
            raise DataError(f"image {self.cube}.pb has the shape {found.shape[::-1]}, the cube {shape[::-1]}")
        return found

    def _whole_beam(self) -> np.ndarray:
        """The beam of the whole band (pol, y, x)."""
        return self._read(f"{self.terms}.pb.tt0")[0]

    def sum_terms(self, kind: str) -> None:
        """Write the Taylor terms of a kind of image.

        Parameters
        ----------
        kind : str
            psf, residual, pb or sumwt.

        Raises
        ------
        PathMissingError, ParameterError, DataError
            An image is not there or does not fit, or there is no reference frequency.
        """
        hz0 = self._reference_hz()
        path = f"{self.cube}.{kind}"
        planes, weights = self._read(path), self._read(f"{self.cube}.sumwt")
        if len(weights) != len(planes):
            raise DataError(f"image {self.cube}.sumwt has {len(weights)} channels, {path} has {len(planes)}")
        with CasaImage.open(path) as image:
            spectral = image.coordinates.spectral
            if spectral is None:
                raise DataError(f"image {path!r} has no spectral axis")
            x = (spectral.frequencies_hz(len(planes)) - hz0) / hz0
        total = float(weights[:, 0].sum())
        if total <= 0:
            raise DataError(f"the sums of weights in {self.cube}.sumwt are zero: there is nothing to sum")
        share, beam = weights / total, np.ones(1)
        if kind in ("psf", "residual"):
            share, beam = share * self._beams(planes.shape), self._whole_beam()
        count = {"psf": 2 * self.nterms - 1, "residual": self.nterms, "pb": 1, "sumwt": 2 * self.nterms - 1}[kind]
        for term in range(count):
            summed = np.tensordot(x**term, share * planes, 1)
            summed = np.where(beam > 0, summed / np.where(beam > 0, beam, 1.0), 0.0)
            self._write(f"{self.terms}.{kind}.tt{term}", path, summed[None].astype(np.float32), hz0)

    def _write(self, path: str, cube: str, planes: np.ndarray, hz0: float) -> None:
        """Put planes into an image, which is made with the coordinates of the cube at the reference frequency where it is not there."""
        if os.path.isdir(path):
            with CasaImage.open(path, writable=True) as image:
                if image.shape != planes.shape:
                    raise DataError(f"image {path!r} has the shape {image.shape[::-1]}, the term {planes.shape[::-1]}")
                image.write(planes)
            return
        with CasaImage.open(cube) as image:
            where, unit = _one_channel(image.coordinates, hz0, image.shape[0]), image.unit
        with staged_output(path) as staged, CasaImage.create(staged, planes.shape, where, np.float32, unit=unit) as made:
            made.write(planes)

    def evaluate(self) -> None:
        """Replace ``cube.model`` by the model of the Taylor terms in each channel.

        Raises
        ------
        PathMissingError, ParameterError, DataError
            An image is not there or does not fit, or there is no reference frequency.
        """
        hz0 = self._reference_hz()
        terms = [self._read(f"{self.terms}.model.tt{k}")[0] for k in range(self.nterms)]
        require_present(f"{self.cube}.model", "image")
        with CasaImage.open(f"{self.cube}.model", writable=True) as image:
            spectral = image.coordinates.spectral
            if spectral is None or image.shape[1:] != terms[0].shape:
                raise DataError(f"image {self.cube}.model has no spectral axis, or another shape than {self.terms}.model.tt0")
            x = (spectral.frequencies_hz(image.shape[0]) - hz0) / hz0
            for chan, power in enumerate(x):
                plane = sum(term * power**k for k, term in enumerate(terms))
                image.write(np.asarray(plane, np.float32)[None], (slice(chan, chan + 1),))

    def apply_beams(self) -> None:
        """Multiply ``cube.model`` by the beam of each channel over that of the band; 0 where a beam is below the limit.

        Raises
        ------
        PathMissingError, DataError
            An image is not there or does not fit.
        """
        self._turn("model", lambda beam, whole: _ratio(beam, whole, (beam > self.pblimit) & (whole > self.pblimit)))

    def remove_beams(self) -> None:
        """Multiply ``cube.residual`` by the beam of the band over that of each channel; 0 where the channel's is below the limit.

        Raises
        ------
        PathMissingError, DataError
            An image is not there or does not fit.
        """
        self._turn("residual", lambda beam, whole: _ratio(whole, beam, beam > self.pblimit))

    def _turn(self, kind: str, factor: Callable[[np.ndarray, np.ndarray], np.ndarray]) -> None:
        path = f"{self.cube}.{kind}"
        require_present(path, "image")
        whole = self._whole_beam()
        with CasaImage.open(path, writable=True) as image:
            beams = self._beams(image.shape)
            for chan, beam in enumerate(beams):
                where = (slice(chan, chan + 1),)
                image.write((image.read(where)[0] * factor(beam, whole)).astype(np.float32)[None], where)


def _ratio(above: np.ndarray, below: np.ndarray, good: np.ndarray) -> np.ndarray:
    return np.asarray(np.where(good, above / np.where(good, below, 1.0), 0.0))


def _one_channel(coordinates: Coordinates, hz: float, nchan: int) -> Coordinates:
    """The coordinates of a cube with one channel, as wide as all, at a frequency."""
    made = coordinates.copy()
    index, spectral = made.find("Spectral"), made.spectral
    assert index is not None and spectral is not None
    width = float(spectral.increment[0]) * nchan
    made.replace(index, SpectralCoordinate.linear(spectral.conversion_frame, hz, width, 0.0, spectral.rest_frequency_hz))
    return made
