"""Mosaics of Taylor terms: pointings with their primary beams, and the spectrum of the sky, in one image.

Notes
-----
As `MosaicField` for each term, with the weights of the data times powers of ``x = (f - f0) / f0``; all terms are divided by what the first is. The change of
the primary beams with frequency stays in the terms of the image: spectral indices away from the pointings' centres are those of sky times beam.

References
----------
Rau & Cornwell 2011, A&A 532, A71: Taylor terms and wide-band primary beams.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from casatools.imaging.gridding import grid
from casatools.imaging.image_fields import BlockView, TaylorTerms
from casatools.imaging.mosaic import MosaicField, seen_through
from casatools.imaging.multi_term import hessian_peak

__all__ = ["MosaicTermField"]


class MosaicTermField(TaylorTerms, MosaicField):
    """A continuum mosaic of Taylor terms.

    Parameters
    ----------
    nterms : int
    reference_hz : float
    npol : int
    *parts, **named
        As of `MosaicField`, without the shape.

    Attributes
    ----------
    weight_image : ndarray (1, pol or 1, y, x) float32
    term_weights : ndarray (2 term - 1, pol or 1, y, x) float32
        Weight images of the spectral beams.
    """

    def __init__(self, nterms: int, reference_hz: float, npol: int, **named: Any) -> None:
        self.nterms, self.reference_hz = nterms, reference_hz
        super().__init__(shape=(nterms, npol), **named)
        self._make_terms(npol)
        self.weight_image = self._blank_weights(1)
        self.term_weights = self._blank_weights(2 * nterms - 1)

    def clear(self) -> None:
        """As `MosaicField.clear`."""
        super().clear()
        self.term_weights = self.weight_image

    def _weight_plane(self, chan: int) -> int:
        """All terms have the weights of the first."""
        return 0

    def add_psf(self, view: BlockView, chan: int, freq_hz: np.ndarray, weight: np.ndarray) -> None:
        """Grid the spectral beams, and count the weights of each primary beam."""
        self._psf_hz[0] += float(weight.sum(dtype=np.float64)) * float(freq_hz.mean()), float(weight.sum(dtype=np.float64))
        for term in range(2 * self.nterms - 1):
            scaled = weight * self._power(freq_hz, term)
            self.planes.sumwt[term] += float(scaled.sum(dtype=np.float64))
            self.planes.psf[term] += grid(view.uvw_m, freq_hz, None, scaled, self.options)
            self._count(view, term, freq_hz, scaled)

    def make_weights(self) -> None:
        """Make the weight images of the spectral beams; the first is that of the residuals."""
        self.term_weights[...] = 0
        for (term, number, nodes), total in self._sums.items():
            window = self.windows.window(number, nodes)
            if window is not None:
                self.term_weights[term, :, window.rows, window.columns] += self._weight_parts(
                    window, total / self.planes.sumwt[0]
                )
        self.weight_image[0] = self.term_weights[0]

    def shape_psf(self) -> None:
        """Make the weight images; taper the spectral beams."""
        self.make_weights()
        self.planes.psf *= self._taper(0)

    def finish_psf(self, cutoff: float) -> None:
        """Make the weight images; taper and normalize the spectral beams."""
        self.shape_psf()
        planes = self.planes
        planes.psf /= planes.psf[0].max()
        hessian_peak(planes.psf, self.nterms)  # refuses terms that the data do not tell apart
        self.fit_beams(cutoff)

    def _term_skies(self, pol: int, model: np.ndarray) -> list[tuple[int, complex, np.ndarray]]:
        """What a plane of the data sees of each term: real images with factors 1 and i."""
        return [(term, unit, sky) for term in range(self.nterms) for unit, sky in self._skies(pol, list(model[term]), 0)]

    def predict(self, view: BlockView, chan: int, pol: int, freq_hz: np.ndarray, used: np.ndarray) -> np.ndarray | None:
        """Visibilities of the sum over terms, each group's through its beam."""
        skies = self._term_skies(pol, self.planes.model)
        if not skies:
            return None
        out = np.zeros((len(view.uvw_m), len(freq_hz)), dtype=np.complex64)
        for rows, band, window, _ in self._parts(view, freq_hz):
            mask = np.ascontiguousarray(used[rows, band.channels])
            power = [self._power(freq_hz[band.channels], term) for term in range(self.nterms)]
            for term, unit, sky in skies:
                found = seen_through(window, band, view.uvw_m[rows], freq_hz, sky, mask, self._hand(pol))
                if found is not None:
                    found *= power[term]
                    out[rows, band.channels] += found if unit == 1.0 else unit * found
        return out

    def add(self, view: BlockView, chan: int, pol: int, freq_hz: np.ndarray, vis: np.ndarray, weight: np.ndarray) -> None:
        """Grid each group's visibilities through its beam into the residuals of all terms."""
        targets = self._to_image(pol)
        aims = [(self._power(freq_hz, term), [(term, k, f) for k, f in targets]) for term in range(self.nterms)]
        self._grid_groups(view, pol, freq_hz, vis, weight, aims)

    def finish_residual(self) -> None:
        """Normalize the residuals of all terms as the first."""
        self.planes.residual /= np.float32(self.planes.sumwt[0])
        for pol in range(self.planes.residual.shape[1]):
            self.planes.residual[:, pol] /= self._divisor(0, pol)

    def native_model(
        self,
        pol: int,
        uvw_m: np.ndarray,
        freq_hz: np.ndarray,
        image_chan: np.ndarray,
        group: np.ndarray | None = None,
        hand: int = 0,
    ) -> np.ndarray:
        """Model visibilities of data channels: the sum over terms, each group's through its beam."""
        assert group is not None
        out = np.zeros((len(uvw_m), len(freq_hz)), dtype=np.complex64)
        model = self.planes.model
        skies = [(term, self._sky(model[term, pol], 0, pol)) for term in range(self.nterms) if model[term, pol].any()]
        for number in np.unique(group).tolist() if skies else []:
            rows = np.flatnonzero(group == number)
            for band in self.windows.bands(int(number), freq_hz):
                window = self.windows.window(int(number), band.nodes_hz)
                if window is None:
                    continue
                for term, sky in skies:
                    found = seen_through(window, band, uvw_m[rows], freq_hz, sky, None, hand)
                    if found is not None:
                        out[np.ix_(rows, np.arange(len(freq_hz))[band.channels])] += found * self._power(
                            freq_hz[band.channels], term
                        )
        return out
