"""Convolution of the sky planes of images: to a resolution, by a Gaussian, by a box, by the pixels of an image."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from casatools._base.errors import DataError, ParameterError
from casatools._base.memory import require_memory
from casatools._base.paths import staged_output
from casatools._base.progress import Progress
from casatools._base.threads import thread_count
from casatools.analysis.image_kernels import box_pixels
from casatools.analysis.plane_slabs import SlabReader, SlabWriter
from casatools.analysis.selected_pixels import SelectedPixels
from casatools.analysis.sub_images import PixelChoice, beams_of_box
from casatools.imaging.beam_fit import GaussianBeam
from casatools.imaging.restoration import (
    beam_difference,
    beam_sum,
    common_beam,
    convolve_sampled,
    convolve_to_beam,
    peak_after,
    smooth_residual,
)
from casatools.io.image import Beam, BeamSet, CasaImage

__all__ = ["SmoothOptions", "convolve_planes", "gaussian_of", "smooth_image"]

_KINDS = {"g": "gaussian", "gauss": "gaussian", "gaussian": "gaussian", "b": "boxcar", "box": "boxcar", "boxcar": "boxcar",
          "c": "commonbeam", "common": "commonbeam", "commonbeam": "commonbeam", "i": "image", "image": "image"}  # fmt: skip
# Bytes for each pixel of a padded plane that is convolved: the plane and its mask, the padded plane and its spectrum, the result.
_PLANE_BYTES = 64.0


def gaussian_of(beam: Beam) -> GaussianBeam:
    """A stored beam as a Gaussian."""
    return GaussianBeam(beam.major_rad, beam.minor_rad, beam.position_angle_rad)


@dataclass(frozen=True)
class SmoothOptions:
    """How an image is smoothed.

    Attributes
    ----------
    kind : str
        gaussian, boxcar, commonbeam or image (or their short forms).
    kernel : GaussianBeam, optional
        The Gaussian; for boxcar its axes are the widths.
    target : bool
        The Gaussian is the resolution of the result, not the kernel.
    scale : float
        Factor of the kernel's values; negative keeps intensities per beam (Gaussian) or normalizes the kernel.
    image : str
        Image of the kernel.
    """

    kind: str = "gaussian"
    kernel: GaussianBeam | None = None
    target: bool = False
    scale: float = -1.0
    image: str = ""

    def __post_init__(self) -> None:
        if self.kind not in _KINDS:
            raise ParameterError(f"parameter 'kernel' must be one of {', '.join(_KINDS)}; got {self.kind!r}")
        if _KINDS[self.kind] in ("gaussian", "boxcar") and self.kernel is None:
            raise ParameterError(f"kernel={self.kind!r} needs a major and a minor axis")
        if _KINDS[self.kind] == "image" and not self.image:
            raise ParameterError("kernel='image' needs the name of the image of the kernel")

    @property
    def name(self) -> str:
        return _KINDS[self.kind]


Plane = Callable[[np.ndarray, int, int], np.ndarray]


def convolve_planes(chosen: SelectedPixels, output: CasaImage, convolve: Plane) -> None:
    """Write each sky plane of the chosen pixels, convolved; masked pixels count as zero and stay masked.

    Parameters
    ----------
    chosen : SelectedPixels
    output : CasaImage
        Of the shape of its bounding box, with a mask where `chosen` has one.
    convolve : callable
        Takes a plane (y, x), the channel and the Stokes plane (in the box), gives the plane.

    Raises
    ------
    DataError
        The image has no direction coordinate.
    """
    image = chosen.image
    coordinates, ndim = image.coordinates, image.ndim
    if coordinates.direction is None or len(coordinates.direction_axes) != 2:
        raise DataError(f"image {image.path!r} has no direction coordinate: its planes cannot be smoothed")
    plane = [ndim - 1 - a for a in coordinates.direction_axes]
    spectral, stokes = (None if a is None else ndim - 1 - a for a in (coordinates.spectral_axis, coordinates.stokes_axis))
    box = chosen.pixels.box_shape
    others = [k for k in range(ndim) if k not in plane]
    places = list(np.ndindex(*(box[k] for k in others)))
    source = SlabReader(chosen)
    with Progress(len(places), "smoothing") as progress, SlabWriter(output, chosen.has_mask) as writer:
        for place in places:
            at = dict(zip(others, place, strict=True))
            slices = tuple(slice(at[k], at[k] + 1) if k in at else slice(0, box[k]) for k in range(ndim))
            pixels, good = source.read(slices)
            given = pixels
            if good is not None:
                pixels = np.where(good, pixels, 0)
            # The plane as (y, x), whatever the order of the axes.
            turned = np.moveaxis(pixels, (plane[1], plane[0]), (0, 1))
            shape = turned.shape
            flat = turned.reshape(shape[0], shape[1])
            smoothed = convolve(flat, at.get(spectral, 0) if spectral is not None else 0,
                                at.get(stokes, 0) if stokes is not None else 0)  # fmt: skip
            # A plane that needs no smoothing keeps its masked values.
            unchanged = smoothed is flat
            made = given if unchanged else np.moveaxis(np.asarray(smoothed).reshape(shape), (0, 1), (plane[1], plane[0]))
            writer.write(made, True if good is None else good, slices)
            progress.advance()


def smooth_image(image: CasaImage, outfile: str, options: SmoothOptions, choice: PixelChoice, overwrite: bool = False) -> None:
    """Write a smoothed image.

    Parameters
    ----------
    image : CasaImage
    outfile : str
    options : SmoothOptions
    choice : PixelChoice
    overwrite : bool

    Raises
    ------
    ParameterError
        A beam is needed and missing, or the target resolution is finer than the image's.
    CasaError
        Nothing is selected, or the output exists.

    Notes
    -----
    Intensities per beam stay so: where the image has a beam, values are scaled by the ratio of the new beam's area to the old one's. Intensities per
    pixel are convolved with a Gaussian of peak 1 and become per beam, its beam or the resolution asked for. Others, such as temperatures, are averaged.
    """
    chosen = choice.of(image)
    chosen.require_real("planes are smoothed of")
    chosen.require_good()
    direction = image.coordinates.direction
    if direction is None:
        raise DataError(f"image {image.path!r} has no direction coordinate: its planes cannot be smoothed")
    cell = (abs(float(direction.increment_rad[0])), abs(float(direction.increment_rad[1])))
    own = beams_of_box(image, chosen.pixels)
    sides = [chosen.pixels.box_shape[image.ndim - 1 - a] for a in image.coordinates.direction_axes]
    _require_room(sides, options, cell)
    convolve, beams = _plan(image, options, own, cell)
    coordinates = image.coordinates.sliced(
        [float(v) for v in chosen.pixels.first[::-1]], [1.0] * image.ndim, chosen.pixels.box_shape[::-1]
    )
    with (
        staged_output(outfile, overwrite) as staged,
        CasaImage.create(
            staged, chosen.pixels.box_shape, coordinates, image.dtype, mask="mask0" if chosen.has_mask else ""
        ) as output,
    ):
        output.copy_metadata_from(image, beams=False)
        if _per_pixel(image) and options.name in ("gaussian", "commonbeam"):
            output.unit = image.unit.rsplit("/", 1)[0] + "/beam"
        convolve_planes(chosen, output, convolve)
        if beams:
            output.beams = beams


def _require_room(sides: list[int], options: SmoothOptions, cell: tuple[float, float]) -> None:
    """Refuse planes that, with their masks, padded transforms and results, or the kernel itself, do not fit into memory."""
    # Gaussians are sampled, and planes padded, this far to each side of a pixel (see `restoration`).
    reach = 3.0 * options.kernel.major_rad / min(cell) if options.kernel and options.name == "gaussian" else 0.0
    padded = math.prod(n + reach for n in sides)
    made_by = f" with a kernel of {options.kernel.major_rad / min(cell):.0f} pixels ('major')" if reach and options.kernel else ""
    require_memory(
        _PLANE_BYTES * max(padded, 4.0 * reach**2),
        f"smoothing of planes of {math.prod(sides)} pixels{made_by} (smooth a part, chosen by 'region')",
    )


def _plan(image: CasaImage, options: SmoothOptions, own: BeamSet, cell: tuple[float, float]) -> tuple[Plane, BeamSet]:
    """The convolution of a plane, and the beams of the result."""
    if options.name == "image":
        return _by_image(options, own)
    if options.name == "boxcar":
        assert options.kernel is not None
        return _by_box(options, options.kernel, cell), own
    if options.name == "commonbeam":
        if not own:
            raise ParameterError(f"kernel='commonbeam' needs an image with restoring beams; {image.path!r} has none")
        target = common_beam([gaussian_of(b) for b in own.beams if not b.is_null])
        return _to_target(target, own, cell, image)
    assert options.kernel is not None
    if options.target:
        if not own:
            raise ParameterError(f"a target resolution needs an image with a restoring beam; {image.path!r} has none")
        return _to_target(options.kernel, own, cell, image)
    if _per_pixel(image):
        kernel = options.kernel
        beam = Beam.from_rad(kernel.major_rad, kernel.minor_rad, kernel.angle_rad)
        return lambda plane, chan, stokes: convolve_to_beam(plane, kernel, cell), BeamSet.single(beam)
    return _by_gaussian(options.kernel, options.scale, own, cell, image.unit.lower().endswith("/beam"))


def _per_pixel(image: CasaImage) -> bool:
    return image.unit.lower().endswith("/pixel")


def _to_target(target: GaussianBeam, own: BeamSet, cell: tuple[float, float], image: CasaImage) -> tuple[Plane, BeamSet]:
    for beam in own.beams:
        if not beam.is_null and gaussian_of(beam) != target and beam_difference(target, gaussian_of(beam)) is None:
            raise ParameterError(
                f"the target resolution {target.major_rad * 206264.806:.3f} x {target.minor_rad * 206264.806:.3f} arcsec cannot be reached"
                f" from the beam {beam.major_arcsec:.3f} x {beam.minor_arcsec:.3f} arcsec: it is finer in some direction"
            )

    def convolve(plane: np.ndarray, chan: int, stokes: int) -> np.ndarray:
        beam = own.at(chan, stokes)
        if beam.is_null or gaussian_of(beam) == target:
            return plane
        if image.unit.lower().endswith("/beam"):
            return smooth_residual(plane, gaussian_of(beam), target, cell)
        kernel = beam_difference(target, gaussian_of(beam))
        if kernel is None:
            return plane
        return convolve_to_beam(plane, kernel, cell) if _per_pixel(image) else convolve_sampled(plane, kernel, cell)

    return convolve, BeamSet.single(Beam.from_rad(target.major_rad, target.minor_rad, target.angle_rad))


def _by_gaussian(
    kernel: GaussianBeam, scale: float, own: BeamSet, cell: tuple[float, float], per_beam: bool
) -> tuple[Plane, BeamSet]:
    after = [beam_sum(gaussian_of(b), kernel) for b in own.beams]
    made = tuple(Beam.from_rad(b.major_rad, b.minor_rad, b.angle_rad) for b in after)

    def convolve(plane: np.ndarray, chan: int, stokes: int) -> np.ndarray:
        gain = peak_after(gaussian_of(own.at(chan, stokes)), kernel, cell) if own else 1.0
        if scale > 0:
            return convolve_to_beam(plane, kernel, cell) * (scale if per_beam else scale * gain)
        result = convolve_sampled(plane, kernel, cell)
        return result / gain if per_beam else result

    return convolve, BeamSet(made, own.nchan, own.nstokes)


def _by_box(options: SmoothOptions, kernel: GaussianBeam, cell: tuple[float, float]) -> Plane:
    """A running mean; widths are taken along x (minor) and y (major, as that of a Gaussian at position angle 0), in whole pixels."""
    widths = [box_pixels(w / c) for w, c in zip((kernel.minor_rad, kernel.major_rad), cell, strict=True)]
    factor = options.scale * widths[0] * widths[1] if options.scale > 0 else 1.0

    def convolve(plane: np.ndarray, chan: int, stokes: int) -> np.ndarray:
        from scipy.ndimage import uniform_filter

        return np.asarray(uniform_filter(plane.astype(np.float64), size=(widths[1], widths[0]), mode="constant")) * factor

    return convolve


def _by_image(options: SmoothOptions, own: BeamSet) -> tuple[Plane, BeamSet]:
    with CasaImage.open(options.image) as source:
        kernel = np.squeeze(np.asarray(source.read(), dtype=np.float64))
    if kernel.ndim != 2:
        raise ParameterError(f"the kernel {options.image!r} must be an image of one plane; its shape is {kernel.shape[::-1]}")
    total = float(kernel.sum())
    if options.scale <= 0 and total == 0:
        raise ParameterError(f"the kernel {options.image!r} cannot be normalized: its pixels add up to zero")
    factor = options.scale if options.scale > 0 else 1.0 / total

    def convolve(plane: np.ndarray, chan: int, stokes: int) -> np.ndarray:
        import ducc0

        shape = tuple(ducc0.fft.good_size(a + b - 1, True) for a, b in zip(plane.shape, kernel.shape, strict=True))
        spectra = []
        for part in (plane, kernel):
            padded = np.zeros(shape)
            padded[: part.shape[0], : part.shape[1]] = part
            spectra.append(ducc0.fft.r2c(padded, axes=(0, 1), nthreads=thread_count()))
        full = ducc0.fft.c2r(
            spectra[0] * spectra[1], axes=(0, 1), lastsize=shape[1], forward=False, inorm=2, nthreads=thread_count()
        )
        y, x = kernel.shape[0] // 2, kernel.shape[1] // 2
        return np.asarray(full[y : y + plane.shape[0], x : x + plane.shape[1]]) * factor

    return convolve, BeamSet()
