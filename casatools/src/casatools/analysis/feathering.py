"""An interferometer's image and a single dish's joined in the plane of spatial frequencies.

References
----------
Cotton 2017, PASP 129, 094501: feathering. Vogel, Wright, Plambeck & Welch 1984, ApJ 283, 655, for weights from the single dish's beam.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from casatools._base.constants import SPEED_OF_LIGHT_M_S
from casatools._base.errors import DataError, ParameterError
from casatools._base.paths import staged_output
from casatools._base.progress import Progress
from casatools._base.threads import thread_count
from casatools.analysis.linear_mosaic import regridded
from casatools.analysis.sky_planes import SkyPlanes
from casatools.analysis.smoothing import gaussian_of
from casatools.analysis.sub_images import PixelChoice
from casatools.imaging.beam_fit import GaussianBeam
from casatools.io.image import Beam, BeamSet, CasaImage

__all__ = ["FeatherOptions", "beam_transform", "feather_images", "feather_plane"]


@dataclass(frozen=True)
class FeatherOptions:
    """How two images are joined.

    Attributes
    ----------
    scale : float
        Factor of the single dish's intensities.
    diameter_m : float
        Effective diameter of the single dish: its image is convolved to the beam of such a dish first. Not positive: as it is.
    low_pass : bool
        Damp the single dish's image at high spatial frequencies with its beam's transform once more.
    """

    scale: float = 1.0
    diameter_m: float = -1.0
    low_pass: bool = False

    def __post_init__(self) -> None:
        if not np.isfinite(self.scale) or self.scale <= 0:
            raise ParameterError(f"feather: parameter 'sdfactor' must be positive; got {self.scale}")


def beam_transform(beam: GaussianBeam, shape: tuple[int, int], cell_rad: tuple[float, float]) -> np.ndarray:
    """The transform (y, half of x) float64 of a Gaussian of unit integral, at the spatial frequencies of `numpy.fft.rfft2`."""
    u = np.fft.rfftfreq(shape[1], cell_rad[0])[None, :]
    v = np.fft.fftfreq(shape[0], cell_rad[1])[:, None]
    sin, cos = np.sin(beam.angle_rad), np.cos(beam.angle_rad)
    # x grows to the west.
    along, across = (-u * sin + v * cos) * beam.major_rad, (u * cos + v * sin) * beam.minor_rad
    return np.asarray(np.exp(-(np.pi**2) / (4.0 * np.log(2.0)) * (along**2 + across**2)))


def feather_plane(
    high: np.ndarray,
    low: np.ndarray,
    high_beam: GaussianBeam,
    low_beam: GaussianBeam,
    cell_rad: tuple[float, float],
    options: FeatherOptions,
    wavelength_m: float = 0.0,
) -> np.ndarray:
    """Join two planes.

    Parameters
    ----------
    high, low : ndarray (y, x) [Jy/beam]
        Of the interferometer and of the single dish, on the same pixels.
    high_beam, low_beam : GaussianBeam
    cell_rad : (float, float)
        Pixel sizes, positive.
    options : FeatherOptions
    wavelength_m : float
        Needed with an effective diameter.

    Returns
    -------
    ndarray (y, x) float32 [Jy/beam]
        Per beam of the interferometer.

    Raises
    ------
    ParameterError
        A dish of the effective diameter has a smaller beam than the image.

    Notes
    -----
    ``H (1 - W) + s L A_high / A_low`` with the transforms H and L, the transform W of the single dish's beam (1 at zero), and the areas A of the
    beams. An effective diameter multiplies L by W of that dish over the image's own, and takes the former in (1 - W): the total flux density stays
    the single dish's. The planes repeat beyond their edges.
    """
    import ducc0

    shape = (high.shape[0], high.shape[1])
    threads = thread_count()
    own = beam_transform(low_beam, shape, cell_rad)
    weight, change = own, np.ones_like(own)
    if options.diameter_m > 0:
        width = 1.22 * wavelength_m / options.diameter_m
        if width < low_beam.major_rad:
            raise ParameterError(
                f"feather: parameter 'effdishdiam' must be a diameter whose beam is not below the low resolution image's; {options.diameter_m} m has"
                f" {np.rad2deg(width) * 3600:.4g} arcsec, the image {np.rad2deg(low_beam.major_rad) * 3600:.4g} arcsec"
            )
        wanted = GaussianBeam(width, width, 0.0)
        weight = beam_transform(wanted, shape, cell_rad)
        # Where both are nothing the ratio is, too: the wanted beam falls off faster.
        change = np.divide(weight, own, out=np.zeros_like(own), where=own > 1e-30)
    elif options.low_pass:
        change = own
    first = ducc0.fft.r2c(np.asarray(high, dtype=np.float64), axes=(0, 1), nthreads=threads)
    second = ducc0.fft.r2c(np.asarray(low, dtype=np.float64), axes=(0, 1), nthreads=threads)
    total = first * (1.0 - weight) + second * (change * (options.scale * high_beam.area_rad2 / low_beam.area_rad2))
    result = ducc0.fft.c2r(total, axes=(0, 1), lastsize=shape[1], forward=False, inorm=2, nthreads=threads)
    return np.asarray(result, dtype=np.float32)


def feather_images(
    highres: str, lowres: str, outfile: str, options: FeatherOptions, low_beam: GaussianBeam | None = None
) -> None:
    """Write the image joined of an interferometer's and a single dish's.

    Parameters
    ----------
    highres, lowres : str
        Both in Jy/beam with beams; the second is put onto the pixels of the first.
    outfile : str
    options : FeatherOptions
    low_beam : GaussianBeam, optional
        Of the second, in the place of its own.

    Raises
    ------
    PathMissingError, OutputExistsError
        An image is missing, or the output exists.
    DataError
        An image has no beam or no sky plane, their units differ, they do not overlap, or planes do not fit.
    """
    with CasaImage.open(highres) as high, CasaImage.open(lowres) as low:
        planes = SkyPlanes(high)
        for image in (high, low) if low_beam is None else (high,):
            if not image.beams.beams:
                raise DataError(f"feather: image {image.path!r} has no restoring beam")
        for image in (high, low):
            PixelChoice().of(image).require_real("feathering is of")
            PixelChoice().of(image).require_good()
        if high.unit.lower() != low.unit.lower():
            raise DataError(
                f"feather: image {highres!r} is in {high.unit!r} and {lowres!r} in {low.unit!r}; both must be in the same unit"
            )
        if low.ndim != high.ndim:
            raise DataError(f"feather: image {lowres!r} has {low.ndim} axes, {highres!r} has {high.ndim}")
        low_beams = (
            low.beams
            if low_beam is None
            else BeamSet.single(Beam(low_beam.major_rad, low_beam.minor_rad, low_beam.angle_rad, ("rad", "rad", "rad")))
        )
        axes = tuple(high.coordinates.direction_axes)
        shape = list(high.shape[::-1])
        others = [n for k, n in enumerate(low.shape[::-1]) if k not in axes]
        if others != [n for k, n in enumerate(shape) if k not in axes]:
            raise DataError(
                f"feather: images {highres!r} of shape {high.shape[::-1]} and {lowres!r} of shape {low.shape[::-1]} must have the same channels and"
                " polarizations; imregrid puts one onto the channels of the other"
            )
        with (
            regridded(lowres, high.coordinates, shape, (axes[0], axes[1])) as moved,
            staged_output(outfile) as staged,
            CasaImage.create(staged, high.shape, high.coordinates, np.float32, mask="mask0" if high.has_mask else "") as output,
        ):
            output.copy_metadata_from(high)
            _join(planes, high, moved, low_beams, output, options)


def _join(
    planes: SkyPlanes, high: CasaImage, low: CasaImage, low_beams: BeamSet, output: CasaImage, options: FeatherOptions
) -> None:
    increments = planes.direction.increment_rad
    cell = (abs(increments[0]), abs(increments[1]))
    nchan, nstokes = high.plane_counts
    with Progress(nchan * nstokes, "feathering") as progress:
        for chan in range(nchan):
            frequency = planes.frequency_hz(chan)
            if options.diameter_m > 0 and not frequency:
                raise DataError(f"feather: image {high.path!r} has no frequency, which parameter 'effdishdiam' needs")
            for stokes in range(nstokes):
                slices = planes.plane_slices(high.shape, chan, stokes)
                good = high.read_mask(slices)
                there = low.read_mask(slices)
                first = np.where(good, high.read(slices), 0.0)
                second = np.where(there, low.read(slices), 0.0)
                joined = feather_plane(
                    planes.flat(first), planes.flat(second), gaussian_of(high.beams.at(chan, stokes)), gaussian_of(low_beams.at(chan, stokes)),
                    cell, options, SPEED_OF_LIGHT_M_S / frequency if frequency else 0.0,
                )  # fmt: skip
                output.write(planes.block(joined), slices)
                if high.has_mask:
                    output.write_mask(good, slices)
                progress.advance()
