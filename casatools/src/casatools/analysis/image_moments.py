"""Moment images: the moments of an image along one axis, written as images."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import numpy as np

from casatools._base.errors import ParameterError
from casatools._base.paths import require_absent, staged_output
from casatools._base.progress import Progress
from casatools._base.threads import in_order
from casatools.analysis.common_resolution import smooth_to_common_beam
from casatools.analysis.image_kernels import axis_kernels, convolve_axes
from casatools.analysis.moment_windows import fitted_lines, grown_windows
from casatools.analysis.moments import MOMENT_SUFFIXES, compute_moments, is_velocity_moment
from casatools.analysis.pixel_ranges import PixelRange
from casatools.analysis.regions import ImageSelection, PixelSet
from casatools.analysis.selected_pixels import SelectedPixels
from casatools.analysis.statistics import StatisticsOptions, compute_statistics
from casatools.analysis.sub_images import PixelChoice
from casatools.analysis.value_stream import ValueStream
from casatools.frames import image_frames
from casatools.frames.quantities import convert_value
from casatools.io.image import BeamSet, CasaImage

__all__ = ["MomentOptions", "MomentWindows", "make_moment_images", "moment_axis", "moment_names"]


@dataclass(frozen=True)
class MomentWindows:
    """How the channels of the line are found.

    Attributes
    ----------
    methods : tuple of str
        "window": windows that grow about the peak (Bosma 1981); "fit": moments of fitted Gaussians and levels; both: of the channels
        that the Gaussians reach over.
    snr : float
        Least peak of a spectrum, times the noise.
    noise : float
        0 for that of the image (median absolute deviation).
    axes, types, widths : tuples
        Kernels as of `image_kernels.axis_kernels`: ranges of intensities and windows are those of the smoothed image then.
    smoothed : str
        Name to keep the smoothed image by; "" keeps it not.
    """

    methods: tuple[str, ...] = ()
    snr: float = 3.0
    noise: float = 0.0
    axes: tuple[int, ...] = ()
    types: tuple[str, ...] = ()
    widths: tuple[Any, ...] = ()
    smoothed: str = ""

    def __post_init__(self) -> None:
        wrong = [m for m in self.methods if m not in ("window", "fit")]
        if wrong:
            raise ParameterError(f"parameter 'method' must hold 'window' or 'fit' or both; got {wrong[0]!r}")
        if self.snr < 0 or self.noise < 0:
            raise ParameterError(f"parameters 'peaksnr' and 'stddev' must not be negative; got {self.snr} and {self.noise}")
        if self.smoothed and not self.axes:
            raise ParameterError("parameter 'smoothout' needs 'smoothaxes', 'smoothtypes' and 'smoothwidths'")
        if self.axes and self.methods == ("fit",):
            raise ParameterError("method 'fit' alone has no use for a smoothed image; leave out 'smoothaxes' or add 'window'")

    def channels(
        self, values: np.ndarray, good: np.ndarray | None, noise: float, ranged: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray | None]:
        """Values and mask (channel, ...) that moments are made of; `ranged` are those that tell where the line is."""
        if not self.methods:
            return values, good
        rows = np.moveaxis(ranged, 0, -1).reshape(-1, len(values))
        usable = np.ones(rows.shape, bool) if good is None else np.moveaxis(good, 0, -1).reshape(rows.shape)

        def back(part: np.ndarray) -> np.ndarray:
            return np.moveaxis(part.reshape(*values.shape[1:], len(values)), -1, 0)

        if self.methods == ("window",):
            return values, back(grown_windows(rows, usable, noise, self.snr))
        models, reached = fitted_lines(rows, usable, noise, self.snr)
        if "window" in self.methods:
            return values, back(reached)
        return back(models).astype(values.dtype), back(usable & reached.any(axis=1, keepdims=True))


@dataclass(frozen=True)
class MomentOptions:
    """Which moments of which pixels.

    Attributes
    ----------
    moments : tuple of int
    axis : int
        Pixel axis in CASA order (0 is x).
    selection : ImageSelection
    mask : str
        Lattice expression.
    stretch : bool
        A mask of fewer planes is stretched over the image.
    pixels : PixelRange
        Intensities that are used.
    drop : bool
        Leave the axis out of the result.
    overwrite : bool
        Replace images that exist.
    windows : MomentWindows
    doppler : str
        Definition of velocities.
    """

    moments: tuple[int, ...]
    axis: int
    selection: ImageSelection = ImageSelection()  # noqa: RUF009 - frozen
    mask: str = ""
    stretch: bool = False
    pixels: PixelRange = PixelRange()  # noqa: RUF009 - frozen
    drop: bool = False
    overwrite: bool = False
    windows: MomentWindows = MomentWindows()
    doppler: str = "RADIO"

    def __post_init__(self) -> None:
        if not self.moments:
            raise ParameterError("no moments were asked for; give numbers from -1 to 11")
        for m in self.moments:
            if m not in MOMENT_SUFFIXES:
                raise ParameterError(f"there is no moment {m}; moments are -1 to 11")
        if self.windows.axes and not self.windows.methods and not self.pixels.active:
            raise ParameterError(
                "a smoothed image tells where the line is: give a range in 'includepix' or 'excludepix', or method 'window'"
            )
        if 4 in self.moments and (self.windows.methods or self.windows.axes or not self.pixels.one_sign):
            raise ParameterError(
                "moment 4 (median coordinate) needs parameter 'includepix' with a range of one sign, and no smoothing, window or fit"
            )


def moment_axis(image: CasaImage, axis: Any) -> int:
    """The pixel axis (CASA order) meant by a number or by ``spectral``, ``stokes``, ``ra``, ``dec`` and the like.

    Raises
    ------
    ParameterError
        The image has no such axis.
    """
    coordinates = image.coordinates
    names = [n.lower() for n in coordinates.names]
    if isinstance(axis, (int, float)) and not isinstance(axis, bool) and float(axis).is_integer():
        if -1 <= int(axis) < image.ndim:
            spectral = coordinates.spectral_axis
            if axis == -1 and spectral is None:
                raise ParameterError("the image has no spectral axis; name the axis of the moments")
            return spectral if axis == -1 and spectral is not None else int(axis)
        raise ParameterError(f"axis {axis} is outside the image's axes 0 to {image.ndim - 1}")
    text = str(axis).strip().lower()
    if text.lstrip("-").isdigit():
        return moment_axis(image, int(text))
    special = {"spec": coordinates.spectral_axis, "freq": coordinates.spectral_axis, "stok": coordinates.stokes_axis}
    short = {"ra": "right", "dec": "decl", "lat": "lati", "lon": "long"}.get(text, text)
    found = special.get(text[:4])
    if found is None:
        meant = [k for k, n in enumerate(names) if short and n.startswith(short)]
        found = meant[0] if len(meant) == 1 else None
    if found is None:
        raise ParameterError(f"axis {axis!r} is not in the image; its axes are {', '.join(coordinates.names)}")
    return found


def moment_names(outfile: str, moments: Sequence[int]) -> list[str]:
    """Names of the moment images: `outfile` itself for one moment, with a suffix each for several."""
    return [outfile] if len(moments) == 1 else [f"{outfile}.{MOMENT_SUFFIXES[m]}" for m in moments]


def _axis_values(image: CasaImage, pixels: PixelSet, axis: int, doppler: str) -> tuple[np.ndarray, float, str]:
    """Coordinate of each pixel along the axis, its increment and unit: km/s on a spectral axis with a rest frequency.

    Directions are those through the reference pixel of the other axis, within half a turn of the reference value.
    """
    array_axis = image.ndim - 1 - axis
    at = np.arange(pixels.first[array_axis], pixels.last[array_axis] + 1, dtype=np.float64)
    coordinates = image.coordinates
    position = np.repeat(coordinates.reference_pixel[:, None], len(at) + 2, axis=1)
    # Two points about the reference pixel give the increment that CASA multiplies moment 0 by.
    middle = coordinates.reference_pixel[axis]
    position[axis] = np.concatenate([at, [middle, middle + 1.0]])
    world_axis = coordinates.pixel_to_world_axis(axis)
    if axis == coordinates.spectral_axis:
        spectral = coordinates.spectral
        assert spectral is not None
        hz = image_frames.to_world(coordinates, position)[world_axis] * float(spectral.hz)
        if spectral.rest_frequency_hz > 0:
            velocity = np.ravel(spectral.velocity(hz, doppler, "km/s"))
            return velocity[:-2], abs(float(velocity[-1] - velocity[-2])), "km/s"
        return hz[:-2], abs(float(hz[-1] - hz[-2])), "Hz"
    member, _ = coordinates.member_of_pixel_axis(axis)
    unit = coordinates.units[world_axis]
    if coordinates.members[member].kind == "Stokes":  # there is no pixel between two polarizations, nor beside one
        return coordinates.to_world(position[:, :-2])[world_axis], 1.0, unit
    world = coordinates.to_world(position)[world_axis]
    if coordinates.members[member].kind == "Direction":
        circle = float(convert_value(360.0, "deg", unit))
        world -= circle * np.round(
            (world - float(coordinates.reference_value[world_axis])) / circle
        )  # no jump inside of the image
        return world[:-2], abs(float(coordinates.increment[world_axis])), unit
    return world[:-2], abs(float(world[-1] - world[-2])), unit


def make_moment_images(path: str, outfile: str, options: MomentOptions) -> list[str]:
    """Write the moment images of an image.

    Parameters
    ----------
    path : str
        Input image.
    outfile : str
        Name of the output, or beginning of the names when there are several moments.
    options : MomentOptions

    Returns
    -------
    list of str
        The images written; each appears only when all are complete.

    Raises
    ------
    CasaError
        The image cannot be read, nothing is selected, or an output exists.
    """
    names = moment_names(outfile, options.moments)
    for name in names:
        require_absent(name, options.overwrite)
    with ExitStack() as stack:
        image = stack.enter_context(CasaImage.open(path))
        if image.beams.is_per_plane and options.axis == image.coordinates.spectral_axis:
            # Intensities per beam can only be added when the beam is one and the same.
            folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="casa-moments-"))
            counted = SelectedPixels(image, options.selection, options.mask, options.stretch)
            image = stack.enter_context(smooth_to_common_beam(image, os.path.join(folder, "smoothed.im"), counted))
            image.object_name = ""  # the reference's moments of smoothed planes do not carry it on
        chosen = SelectedPixels(image, options.selection, options.mask, options.stretch)
        chosen.require_real("moments are of")
        chosen.require_good()
        coordinate, step, unit = _axis_values(image, chosen.pixels, options.axis, options.doppler)
        array_axis = image.ndim - 1 - options.axis
        shape = [n if k != array_axis else 1 for k, n in enumerate(chosen.pixels.box_shape)]
        drop = options.axis if options.drop else None
        outputs = []
        for name, moment in zip(names, options.moments, strict=True):
            staged = stack.enter_context(staged_output(name, options.overwrite))
            outputs.append(stack.enter_context(_output_image(staged, image, chosen.pixels, shape, moment, unit, drop)))
        ranged = chosen if not options.windows.axes else _smoothed(stack, image, options)
        noise = _noise(ranged, options.windows)
        lines = chosen.line_blocks([array_axis])

        def compute(block: tuple[slice, ...]) -> tuple[tuple[slice, ...], list[tuple[np.ndarray, np.ndarray]]]:
            values, good = chosen.read(block)
            telling = values if ranged is chosen else ranged.read(block)[0]
            good = options.pixels.narrow(telling, good)
            moved, used = options.windows.channels(
                np.moveaxis(values, array_axis, 0), None if good is None else np.moveaxis(good, array_axis, 0), noise,
                np.moveaxis(telling, array_axis, 0),
            )  # fmt: skip
            found = compute_moments(moved, used, coordinate, step, options.moments)
            made = [(np.where(found[m][1], found[m][0], 0.0).astype(np.float32), found[m][1]) for m in options.moments]
            if options.drop:
                return tuple(s for k, s in enumerate(block) if k != array_axis), made
            whole = [(np.expand_dims(a, array_axis), np.expand_dims(b, array_axis)) for a, b in made]
            return tuple(s if k != array_axis else slice(0, 1) for k, s in enumerate(block)), whole

        with Progress(len(lines), "moments") as progress:
            for inside, made in in_order(compute, lines):
                for output, (kept, defined) in zip(outputs, made, strict=True):
                    output.write(kept, inside)
                    output.write_mask(defined, inside)
                progress.advance()
    return names


def _smoothed(stack: ExitStack, image: CasaImage, options: MomentOptions) -> SelectedPixels:
    """The same selection of the smoothed image."""
    windows = options.windows
    kernels = axis_kernels(image, windows.axes, windows.types, windows.widths, -1.0)
    path = windows.smoothed or os.path.join(stack.enter_context(tempfile.TemporaryDirectory(prefix="casa-moments-")), "ranged.im")
    convolve_axes(image, path, kernels, PixelChoice(), options.overwrite)
    smooth = stack.enter_context(CasaImage.open(path))
    return SelectedPixels(smooth, options.selection, "", options.stretch)


def _noise(chosen: SelectedPixels, windows: MomentWindows) -> float:
    if not windows.methods or windows.noise > 0:
        return windows.noise

    stream = ValueStream.of_arrays(lambda: (v.ravel() if good is None else v[good] for _, v, good in chosen.iter_blocks()))
    return 1.4826 * compute_statistics(stream, StatisticsOptions(robust=True)).get("medabsdevmed", 0.0)


def _output_image(
    path: str, image: CasaImage, pixels: PixelSet, shape: Sequence[int], moment: int, unit: str, drop: int | None
) -> CasaImage:
    starts = [float(v) for v in pixels.first[::-1]]
    coordinates = image.coordinates.sliced(starts, [1.0] * image.ndim, list(shape)[::-1])
    if drop is not None:
        coordinates = coordinates.without_pixel_axes([drop])
        shape = [n for k, n in enumerate(shape) if k != image.ndim - 1 - drop]
    output = CasaImage.create(path, shape, coordinates, np.float32, mask="mask0")
    output.copy_metadata_from(image, beams=False)
    beams = image.beams
    if beams and beams.is_single:
        output.beams = BeamSet.single(beams.at(0, 0))
    own = image.unit
    if is_velocity_moment(moment):
        output.unit = unit
    elif moment == 0:
        output.unit = f"{own}.{unit}" if own and unit else own or unit
    return output
