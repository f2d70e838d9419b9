"""Taylor terms by way of a cube: major cycles channel by channel, each with its own primary beam, minor cycles on the terms (specmode='mvc').

Notes
-----
The residual of each channel, sky times the channel's beam, is brought to the beam of the whole band, the mean of all channels' by their weights, before the
Taylor-weighted sums are taken; the model of the terms is taken back to each channel's beam before it is predicted. The change of the primary beam with
frequency so stays out of the spectral index, which it is part of with specmode='mfs'.

References
----------
Rau & Cornwell 2011, A&A 532, A71: Taylor terms and wide-band primary beams; Rau, Naik & Braun 2019, AJ 158, 3: Taylor-weighted sums of cubes.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from casatools.analysis.feathering import FeatherOptions
from casatools.frames.directions import Direction
from casatools.imaging.frequency_grid import band_axis
from casatools.imaging.image_fields import ImageField, TermField
from casatools.imaging.imager import ImagingData
from casatools.imaging.joint_fields import JointSource, JointTerms
from casatools.imaging.mosaic import MosaicField
from casatools.imaging.plane_store import PlaneStore
from casatools.imaging.request import TcleanRequest
from casatools.imaging.tclean_images import FieldImages, plan_images

__all__ = ["VirtualTerms", "plan_virtual_cube"]

# How often the primary beam is in the residual of a channel.
_BEAMS = {"flatnoise": 1, "flatsky": 0, "pbsquare": 2}
# Where a channel's beam is below this it says nothing about the sky.
_LEAST_BEAM = 0.01


class VirtualTerms(JointTerms):
    """Taylor terms of a cube whose channels have primary beams of their own.

    Parameters
    ----------
    source : JointSource
        Of the cube, without a single dish; its beams are those of a standard gridder's cube, mosaics know their own.
    target : TermField
        Says how many terms.
    reference_hz : float
        The frequency f0 of the terms, in the frame of the cube.
    normtype : str
        Of the cube's residuals.
    limit : float
        Value of a channel's beam below which the channel does not count.
    """

    def __init__(self, source: JointSource, target: TermField, reference_hz: float, normtype: str, limit: float = 0.0) -> None:
        super().__init__(source, target, reference_hz)
        self._least = max(limit, _LEAST_BEAM)
        self._count = _BEAMS[normtype] if isinstance(source.cube, MosaicField) else 1
        self._mean = np.ones(source.beam_power.shape[1:], np.float32)

    def finish_psf(self, cutoff: float) -> None:
        """As `JointTerms.finish_psf`, and take the mean of the channels' beams."""
        super().finish_psf(cutoff)
        self._mean = self.source.mean(self.source.beam_power)

    is_shareable = True

    @property
    def gridded(self) -> ImageField:
        """The cube."""
        return self.source.cube

    def beam_power(self, chan: int) -> np.ndarray:
        """The beam of the whole band (pol, y, x)."""
        return self._mean

    def _ratio(self, chan: int) -> np.ndarray:
        """What the residual of a channel is multiplied by (pol, y, x); 0 where the channel sees nothing."""
        beam = self.source.beam_power[chan]
        good = beam > self._least
        return np.asarray(np.where(good, self._mean / np.where(good, beam, 1.0), 0.0) ** self._count, dtype=np.float32)

    def _take_residual(self) -> None:
        cube = self.source.residual
        for chan in range(len(cube)):
            cube[chan] *= self._ratio(chan)
        super()._take_residual()

    def _model_cube(self) -> np.ndarray:
        model = super()._model_cube()
        for chan in range(len(model)):
            if model[chan].any():
                ratio = self._ratio(chan)
                model[chan] = np.where(ratio > 0, model[chan] / np.where(ratio > 0, ratio, 1.0), 0.0)
        return model

    def model_on_sky(self) -> np.ndarray:
        """That of the cube."""
        self.source.cube.planes.model[...] = self._model_cube()
        return self.source.cube.model_on_sky()

    def beam_of(self, code: int) -> int:
        """As the cube."""
        return self.source.cube.beam_of(code)

    def native_model(
        self,
        pol: int,
        uvw_m: np.ndarray,
        freq_hz: np.ndarray,
        image_chan: np.ndarray,
        group: np.ndarray | None = None,
        hand: int = 0,
    ) -> np.ndarray:
        """Model visibilities of the cube's channels."""
        self.source.cube.planes.model[...] = self._model_cube()
        return self.source.cube.native_model(pol, uvw_m, freq_hz, image_chan, group, hand)


def plan_virtual_cube(
    request: TcleanRequest, data: ImagingData, centre: Direction, number: int, store: PlaneStore | None = None
) -> FieldImages:
    """The Taylor terms of a field and the cube they are made of, which is neither masked nor started from a model."""
    # Masks and models of an earlier run are the terms' (restart).
    cube = plan_images(
        replace(request, specmode="cube", deconvolver="multiscale", reffreq="", startmodel="", usemask="user", mask="", niter=0, restoration=False, restart=False),
        data, centre, number, store,
    )  # fmt: skip
    whole = band_axis(data.axis, str(request.reffreq or ""))
    # The terms are made of the cube: they have no gridder.
    plain = replace(request, specmode="mfs", gridder="standard", facets=1, usepointing=False, conjbeams=False)
    plan = plan_images(plain, replace(data, axis=whole, is_cube=False, plane_mixing=None), centre, number)
    target = plan.image
    assert isinstance(target, TermField)
    source = JointSource(cube.image, None, FeatherOptions(), data.axis.frequencies_hz, cube.beam_power, cube.seen)
    terms = VirtualTerms(source, target, float(whole.frequencies_hz[0]), request.normtype, abs(request.pblimit))
    plan.image, plan.cube = terms, cube
    return plan
