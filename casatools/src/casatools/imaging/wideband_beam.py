"""Taylor-term images corrected for the change of the primary beam with frequency.

References
----------
Rau & Cornwell 2011, A&A 532, A71, sec. 3.3: the beam's own Taylor terms divide those of the image.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from casatools._base.errors import DataError, ParameterError
from casatools._base.paths import require_present, staged_output
from casatools.frames.quantities import to_unit
from casatools.imaging.multi_term import spectral_images
from casatools.imaging.pointed_beams import beam_planes
from casatools.imaging.products import ImageWriter, read_planes, staged_images
from casatools.imaging.request import jansky
from casatools.imaging.visibilities import DataSource, open_sources
from casatools.io.image import CasaImage
from casatools.io.image.coordinates import SpectralCoordinate
from casatools.io.ms import Selection

__all__ = ["WidebandBeamOptions", "correct_wideband", "divide_taylor_terms", "fit_taylor_terms", "write_spectral_indices"]


@dataclass(frozen=True)
class WidebandBeamOptions:
    """What widebandpbcor is asked for.

    Attributes
    ----------
    vis, base : str
        MeasurementSet and beginning of the images' names.
    nterms : int
    threshold : str or float
        Least intensity for a spectral index; empty for a tenth of the residual's peak.
    reference : str or float
        Reference frequency; empty for that of the images.
    least_beam : float
        Pixels of less primary beam are masked.
    field : str
    spws, channels : tuple of int
        Where the beam is computed, pairwise.
    weights : tuple of float
        Of these in the fit of the beam's terms.
    """

    vis: str
    base: str
    nterms: int = 2
    threshold: Any = ""
    reference: Any = ""
    least_beam: float = 0.2
    field: str = ""
    spws: tuple[int, ...] = ()
    channels: tuple[int, ...] = ()
    weights: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        if not self.base:
            raise ParameterError("widebandpbcor: parameter 'imagename' must be given; it is the beginning of the images' names")
        if self.nterms < 1:
            raise ParameterError(f"widebandpbcor: parameter 'nterms' must be at least 1; got {self.nterms}")

    def require_beams(self) -> None:
        """Refuse lists that do not say where the beam is to be computed.

        Raises
        ------
        ParameterError
            They are of different lengths, too short, or all weights are zero.
        """
        lengths = (len(self.spws), len(self.channels), len(self.weights))
        if len(set(lengths)) != 1 or not lengths[0]:
            raise ParameterError(
                "widebandpbcor: parameters 'spwlist', 'chanlist' and 'weightlist' must be of the same length, at least 1; got "
                + ", ".join(str(n) for n in lengths)
            )
        if sum(w > 0 for w in self.weights) < self.nterms or min(self.weights) < 0:
            raise ParameterError(
                f"widebandpbcor: parameter 'weightlist' must hold at least {self.nterms} positive weights and no negative ones; got {list(self.weights)}"
            )

    @property
    def threshold_jy(self) -> float | None:
        """Least intensity; None for the default."""
        return None if self.threshold in ("", None) else jansky(self.threshold)

    def names(self, kind: str) -> list[str]:
        """Images of Taylor terms."""
        return [f"{self.base}.{kind}.tt{k}" for k in range(self.nterms)]


def fit_taylor_terms(values: np.ndarray, weights: np.ndarray, x: np.ndarray, nterms: int) -> np.ndarray:
    """Weighted least-squares polynomials.

    Parameters
    ----------
    values : ndarray (sample, ...)
    weights, x : ndarray (sample,)
    nterms : int

    Returns
    -------
    ndarray (term, ...) float64

    Raises
    ------
    DataError
        There are fewer different places than terms.
    """
    if len(np.unique(x[weights > 0])) < nterms:
        raise DataError(f"widebandpbcor: {nterms} terms need as many different frequencies; 'spwlist' and 'chanlist' hold fewer")
    design = x[:, None] ** np.arange(nterms)
    root = np.sqrt(weights)[:, None]
    solve = np.linalg.pinv(design * root) * root[:, 0]
    return np.tensordot(solve, values.astype(np.float64), axes=(1, 0))


def divide_taylor_terms(image: np.ndarray, beam: np.ndarray) -> np.ndarray:
    """The Taylor terms of an image divided by those of a beam: the power series of their ratio, term by term.

    Parameters
    ----------
    image : ndarray (term, pol, y, x)
    beam : ndarray (term, y, x)
        Its first term is nowhere zero.
    """
    out = np.zeros(image.shape, dtype=np.float64)
    for term in range(len(image)):
        rest = image[term].astype(np.float64)
        for lower in range(term):
            rest = rest - out[lower] * beam[term - lower]
        out[term] = rest / beam[0]
    return out


def _read_terms(options: WidebandBeamOptions, kind: str, shape: tuple[int, ...]) -> np.ndarray:
    return np.concatenate([read_planes(name, shape) for name in options.names(kind)])


def _frequencies(source: DataSource, options: WidebandBeamOptions, frame: str) -> np.ndarray:
    """Frequencies [Hz] of the places where the beam is computed, in a frame."""
    by_spw = {source.ms.metadata.data_descriptions[int(d)].spw: int(d) for d in source.ddids}
    found = []
    for spw, channel in zip(options.spws, options.channels, strict=True):
        if spw not in by_spw:
            raise ParameterError(f"widebandpbcor: parameter 'spwlist' holds {spw}; the field has {sorted(by_spw)}")
        hz = source.all_channels(by_spw[spw])[0]
        if not 0 <= channel < len(hz):
            raise ParameterError(
                f"widebandpbcor: parameter 'chanlist' holds {channel}; spectral window {spw} has {len(hz)} channels"
            )
        found.append(float(hz[channel]) * float(source.factors(by_spw[spw], frame, source.times_s[:1])[0]))
    return np.array(found)


def correct_wideband(options: WidebandBeamOptions) -> None:
    """Write ``base.pbcor.image.tt*`` and spectral indices, and the beams into ``base.pbcor.workdirectory``.

    Raises
    ------
    ParameterError, SelectionError, PathMissingError, DataError
        Lists do not fit, the field is not there, or an image is missing or has another shape.
    """
    options.require_beams()
    for name in (*options.names("image"), *options.names("residual")):
        require_present(name, "image")
    (source,) = open_sources([options.vis], [Selection(field=options.field)], "data")
    try:
        with CasaImage.open(options.names("image")[0]) as first:
            coordinates, shape, beams = first.coordinates, first.shape, first.beams
            telescope, title = str(first.misc_info.get("INSTRUME", source.telescope)), first.object_name
        spectral = coordinates.spectral
        if coordinates.direction is None or spectral is None or len(shape) != 4:
            raise DataError(f"widebandpbcor: image {options.names('image')[0]!r} has no sky plane or no frequency")
        places = _frequencies(source, options, spectral.frame)
        planes = beam_planes(source, coordinates, (shape[2], shape[3]), places)
    finally:
        source.close()
    own = float(np.ravel(spectral.to_world(np.zeros((1, 1))))[0] * spectral.hz)
    reference = float(to_unit(options.reference, "Hz")) if options.reference not in ("", None) else own
    terms = fit_taylor_terms(planes, np.array(options.weights), (places - reference) / reference, options.nterms)
    seen = terms[0] > max(options.least_beam, 1e-6)
    # Where the beam is masked the image is left as it is.
    safe = np.where(seen, terms, np.eye(options.nterms, 1)[:, :, None])
    image, residual = _read_terms(options, "image", shape), _read_terms(options, "residual", shape)
    corrected = divide_taylor_terms(image, safe).astype(np.float32)
    valid = np.broadcast_to(seen, shape)
    unit_names = [f"image.tt{k}" for k in range(options.nterms)]
    with staged_output(f"{options.base}.pbcor.workdirectory", overwrite=True) as folder:
        os.mkdir(folder)
        _write_beams(options, folder, coordinates, (planes, terms, shape), places, (telescope, title))
        with staged_images(options.base) as stage:
            writer = ImageWriter(
                stage,
                f"{os.path.basename(options.base)}.pbcor",
                coordinates,
                telescope,
                title,
                ["taskname=widebandpbcor"],
                "widebandpbcor",
            )
            for name, plane in zip(unit_names, corrected, strict=True):
                writer.write(name, plane[None], "Jy/beam", beams, valid)
            # Errors take the residuals as they are, as the reference does.
            _write_indices(writer, options, corrected, residual, valid, "image.")


def _write_beams(
    options: WidebandBeamOptions, folder: str, coordinates: Any, beams: tuple[np.ndarray, np.ndarray, tuple[int, ...]], places: np.ndarray,
    about: tuple[str, str],
) -> None:  # fmt: skip
    planes, terms, shape = beams
    writer = ImageWriter(
        folder, os.path.basename(options.base), coordinates, about[0], about[1], ["taskname=widebandpbcor"], "widebandpbcor"
    )
    for k, term in enumerate(terms):
        writer.write(f"pb.tt{k}", np.broadcast_to(term, shape).astype(np.float32))
    if len(terms) > 1:
        slope = np.divide(terms[1], terms[0], out=np.zeros_like(terms[1]), where=terms[0] > 1e-6)
        writer.write("pb.alpha", np.broadcast_to(slope, shape).astype(np.float32))
    cube = coordinates.copy()
    cube.replace(cube.find("Spectral"), SpectralCoordinate.tabulated(coordinates.spectral.frame, np.sort(places), 0.0))
    order = np.argsort(places, kind="stable")
    stacked = np.broadcast_to(planes[order][:, None], (len(places), shape[1], shape[2], shape[3]))
    if len(np.unique(places)) == len(places) > 1:
        writer.write("pb.cube", stacked, coordinates=cube)


def _write_indices(
    writer: ImageWriter, options: WidebandBeamOptions, image: np.ndarray, residual: np.ndarray, valid: np.ndarray, prefix: str
) -> None:
    if options.nterms < 2:
        return
    found = spectral_images(image, residual, options.threshold_jy)
    good = found.valid[None] & valid
    writer.write(f"{prefix}alpha", found.alpha[None], mask=good)
    writer.write(f"{prefix}alpha.error", found.error[None], mask=good)
    if found.beta is not None:
        writer.write(f"{prefix}beta", found.beta[None], mask=good)


def write_spectral_indices(options: WidebandBeamOptions) -> None:
    """Write ``base.image.alpha``, ``base.image.alpha.error`` (and ``base.image.beta``) with a threshold; those that tclean wrote stay.

    Raises
    ------
    ParameterError, PathMissingError, DataError
        There are less than two terms, or an image is missing or has another shape.
    """
    if options.nterms < 2:
        raise ParameterError("widebandpbcor: parameter 'nterms' must be at least 2 with action='calcalpha'")
    for name in (*options.names("image"), *options.names("residual")):
        require_present(name, "image")
    with CasaImage.open(options.names("image")[0]) as first:
        coordinates, shape = first.coordinates, first.shape
        telescope, title = str(first.misc_info.get("INSTRUME", "")), first.object_name
        valid: Sequence[Any] | np.ndarray = first.read_mask() if first.has_mask else np.ones(shape, bool)
    image, residual = _read_terms(options, "image", shape), _read_terms(options, "residual", shape)
    with staged_images(options.base) as stage:
        writer = ImageWriter(
            stage, os.path.basename(options.base), coordinates, telescope, title, ["taskname=widebandpbcor"], "widebandpbcor"
        )
        _write_indices(writer, options, image, residual, np.asarray(valid), "image.")
