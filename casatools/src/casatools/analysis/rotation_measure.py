"""Rotation measures of polarized images: fits of the position angle against the squared wavelength, and Fourier spectra.

References
----------
Leahy 1987, "A catalogue of rotation measures": turns of the angle are told apart by the fit that is best over all channels.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from casatools._base.constants import SPEED_OF_LIGHT_M_S
from casatools._base.errors import DataError, ParameterError
from casatools._base.paths import require_absent, require_writable_parent, staged_output
from casatools.analysis.polarimetry import PolarizedImage
from casatools.analysis.sub_images import PixelChoice
from casatools.io.image import BeamSet, CasaImage
from casatools.io.image.coordinates import Coordinates, LinearCoordinate, StokesCoordinate

__all__ = ["RotationFit", "RotationOptions", "fit_angles", "fit_rotation_measure", "fourier_rotation_measure"]


@dataclass(frozen=True)
class RotationFit:
    """Fits of many pixels, arrays (pixel,); nan where there is none.

    Attributes
    ----------
    rm, rm_error : ndarray [rad/m2]
    angle, angle_error : ndarray [rad]
        Extrapolated to wavelength zero, between 0 and pi.
    turns : ndarray
        Half turns between the first and the last channel that the measured angles do not show.
    chi2 : ndarray
        Over degrees of freedom.
    """

    rm: np.ndarray
    rm_error: np.ndarray
    angle: np.ndarray
    angle_error: np.ndarray
    turns: np.ndarray
    chi2: np.ndarray


def fit_angles(
    wavelength2: np.ndarray, angles: np.ndarray, errors: np.ndarray, rm_max: float = 0.0, foreground: float = 0.0
) -> RotationFit:
    """Fit ``angle = angle0 + rm wavelength2`` to angles that are known up to half turns.

    Parameters
    ----------
    wavelength2 : ndarray (chan,) [m2]
    angles, errors : ndarray (pixel, chan) [rad]
        nan in `errors` leaves a channel out.
    rm_max : float [rad/m2]
        Differences of the angles of the first and the last channel are tried that lie within half a half turn of what measures up to it give;
        0 or less takes the least difference.
    foreground : float [rad/m2]
        Taken out before turns are looked for.
    """
    order = np.argsort(wavelength2)
    x = wavelength2[order]
    y = angles[:, order] - foreground * x
    weights = np.nan_to_num(1.0 / errors[:, order] ** 2, nan=0.0, posinf=0.0)
    good = weights > 0
    count = good.sum(axis=1)
    rows = np.arange(len(y))
    first, last = np.argmax(good, axis=1), good.shape[1] - 1 - np.argmax(good[:, ::-1], axis=1)
    span = np.where(last > first, x[last] - x[first], np.nan)
    raw = angles[:, order][rows, last] - angles[:, order][rows, first]
    difference = y[rows, last] - y[rows, first]
    difference = difference - np.pi * np.round(difference / np.pi)
    least, most = (np.nan_to_num(np.round((s * max(rm_max, 0.0) * span - difference) / np.pi)).astype(np.int64) for s in (-1, 1))
    best = RotationFit(*(np.full(len(y), np.nan) for _ in range(6)))
    for turn in range(int(least.min(initial=0)), int(most.max(initial=0)) + 1):
        slope = (difference + turn * np.pi) / span
        origin = y[rows, first] - slope * x[first]
        whole = y + np.pi * np.round((origin[:, None] + slope[:, None] * x - y) / np.pi)
        fit = _line(x, whole, weights, count)
        better = (least <= turn) & (turn <= most) & (count > 1) & ~(fit.chi2 >= best.chi2) & np.isfinite(fit.rm)
        for name, value in vars(fit).items():
            getattr(best, name)[better] = value[better]
    rm = best.rm + foreground
    turns = np.round((rm * span - raw) / np.pi) + 0.0
    return RotationFit(rm, best.rm_error, best.angle % np.pi, best.angle_error, turns, best.chi2)


def _line(x: np.ndarray, y: np.ndarray, weights: np.ndarray, count: np.ndarray) -> RotationFit:
    with np.errstate(invalid="ignore", divide="ignore"):
        total = weights.sum(axis=1)
        mean = (weights * x).sum(axis=1) / total
        middle = (weights * y).sum(axis=1) / total
        step = x - mean[:, None]
        spread = (weights * step**2).sum(axis=1)
        slope = (weights * step * (y - middle[:, None])).sum(axis=1) / spread
        residual = y - middle[:, None] - slope[:, None] * step
        chi2 = (weights * residual**2).sum(axis=1) / np.maximum(count - 2, 1)
        return RotationFit(
            slope, 1 / np.sqrt(spread), middle - slope * mean, np.sqrt(1 / total + mean**2 / spread), np.zeros(len(y)), chi2
        )  # fmt: skip


@dataclass(frozen=True)
class RotationOptions:
    """Outputs ("" is none) and how the fit is made; `max_angle_error_deg` leaves out channels whose angle is less certain."""

    rm: str = ""
    rm_error: str = ""
    angle: str = ""
    angle_error: str = ""
    turns: str = ""
    chi2: str = ""
    sigma: float = -1.0
    foreground: float = 0.0
    rm_max: float = 0.0
    max_angle_error_deg: float = 1e30

    @property
    def outputs(self) -> dict[str, tuple[str, str]]:
        """Names of the outputs that are wanted, with their units."""
        named = {
            "rm": (self.rm, "rad/m/m"), "rm_error": (self.rm_error, "rad/m/m"), "angle": (self.angle, "deg"),
            "angle_error": (self.angle_error, "deg"), "turns": (self.turns, ""), "chi2": (self.chi2, ""),
        }  # fmt: skip
        return {name: value for name, value in named.items() if value[0]}


def _spectral(polarized: PolarizedImage) -> tuple[int, np.ndarray]:
    image = polarized.image
    spectral, axis = image.coordinates.spectral, image.coordinates.spectral_axis
    if spectral is None or axis is None or axis < 0:
        raise DataError(f"image {image.path!r} has no spectral axis, which rotation measures need")
    at = image.ndim - 1 - axis
    if image.shape[at] < 2:
        raise DataError(f"image {image.path!r} has one channel; rotation measures need two or more")
    return at, spectral.frequencies_hz(image.shape[at])


def fit_rotation_measure(image: CasaImage, options: RotationOptions) -> None:
    """Fit rotation measures to all pixels and write images of what is wanted.

    Raises
    ------
    ParameterError, DataError, OutputExistsError
        No output is named, the image has no Q and U or too few channels, or an output exists.
    """
    if not options.outputs:
        raise ParameterError("no output is named; give rm, rmerr, pa0, pa0err, nturns or chisq")
    for path, _ in options.outputs.values():
        require_absent(path, what="image")
        require_writable_parent(path)
    polarized = PolarizedImage(image)
    polarized.require(["Q", "U"])
    axis, frequencies = _spectral(polarized)
    if min(frequencies) <= 0:
        raise DataError("the spectral axis holds frequencies that are not positive")
    chosen = PixelChoice().of(image)
    chosen.require_real("rotation measures are of")
    sigma = options.sigma if options.sigma > 0 else polarized.noise(10.0)
    shape = tuple(1 if k in (axis, polarized.axis) else n for k, n in enumerate(image.shape))
    found = {name: np.full(shape, np.nan) for name in options.outputs}
    chosen.require_good()
    slow = max((k for k in range(image.ndim) if k not in (axis, polarized.axis)), key=lambda k: image.shape[k])
    rows = int(np.prod([n for k, n in enumerate(image.shape) if k not in (axis, polarized.axis, slow)]))
    step = max(1, 4_000_000 // max(rows * len(frequencies), 1))
    for start in range(0, image.shape[slow], step):
        block = tuple(
            slice(start, min(start + step, n)) if k == slow else slice(0, 1 if k == polarized.axis else n)
            for k, n in enumerate(image.shape)
        )
        planes, usable = polarized.read(chosen, block, ["Q", "U"])
        q, u, good = (np.moveaxis(a, axis, -1) for a in (planes["Q"], planes["U"], usable))
        extent = q.shape[:-1]
        angles = 0.5 * np.arctan2(u, q).reshape(-1, len(frequencies))
        with np.errstate(divide="ignore"):
            errors = 0.5 * sigma / np.hypot(q, u).reshape(angles.shape)
        bad = ~good.reshape(angles.shape) | (np.degrees(errors) > options.max_angle_error_deg)
        errors = np.where(bad, np.nan, errors)
        fit = fit_angles((SPEED_OF_LIGHT_M_S / frequencies) ** 2, angles, errors, options.rm_max, options.foreground)
        target = tuple(slice(0, 1) if k == axis else s for k, s in enumerate(block))
        for name, array in found.items():
            values = getattr(fit, name).reshape(extent)
            array[target] = np.expand_dims(np.degrees(values) if name.startswith("angle") else values, axis)
    _write_fits(polarized, axis, options, found)


def _write_fits(polarized: PolarizedImage, axis: int, options: RotationOptions, found: dict[str, np.ndarray]) -> None:
    image = polarized.image
    spectral_axis, stokes_axis = image.ndim - 1 - axis, image.ndim - 1 - polarized.axis
    for name, (path, unit) in options.outputs.items():
        coordinates, values = image.coordinates.copy(), found[name]
        if name.startswith("angle"):
            member = next(k for k, m in enumerate(coordinates.members) if m.kind == "Stokes")
            coordinates.replace(member, StokesCoordinate.make(["Pangle"]))
            coordinates = coordinates.without_pixel_axes([spectral_axis])
            values = np.squeeze(values, axis=axis)
        else:
            coordinates = coordinates.without_pixel_axes(sorted((spectral_axis, stokes_axis)))
            values = np.squeeze(values, axis=(axis, polarized.axis))
        with (
            staged_output(path) as staged,
            CasaImage.create(staged, values.shape, coordinates, np.float32, unit=unit, mask="mask0") as output,
        ):
            good = np.isfinite(values)
            output.misc_info = image.misc_info
            output.write(np.where(good, values, 0.0))
            output.write_mask(good)


def _rotation_axis(image: CasaImage, axis: int, frequencies: np.ndarray) -> Coordinates:
    count = len(frequencies)
    step = float(frequencies[1] - frequencies[0])
    if not np.allclose(np.diff(frequencies), step, rtol=1e-6):
        raise DataError("the Fourier rotation measure needs channels that are evenly spaced")
    centre = float(frequencies.mean())
    increment = -np.pi * centre**3 / (2.0 * SPEED_OF_LIGHT_M_S**2 * count * step)
    coordinates = image.coordinates.copy()
    stokes = next(k for k, m in enumerate(coordinates.members) if m.kind == "Stokes")
    coordinates.replace(stokes, StokesCoordinate.make(["Plinear"]))
    spectral = next(k for k, m in enumerate(coordinates.members) if m.kind == "Spectral")
    line = LinearCoordinate.make(["RotationMeasure"], ["rad/m/m"], [0.0], [float(count // 2)], [increment])
    coordinates.replace(spectral, line)
    return coordinates


def fourier_rotation_measure(image: CasaImage, outputs: dict[str, str], without_zero: bool = False) -> None:
    """Write Fourier transforms of Q + iU along frequency.

    Parameters
    ----------
    image : CasaImage
    outputs : dict
        Names ("" is none) of ``complex amp pa real imag``.
    without_zero : bool
        Set what does not rotate to zero.

    Raises
    ------
    ParameterError, DataError, OutputExistsError
        No output is named, the image has no Q and U, or uneven or too few channels, or an output exists.

    Notes
    -----
    ``F_m = sum of (Q + iU)_k exp(-2 pi i (k - n/2)(m - n/2) / n)``; a lag stands for a rotation measure of
    ``-pi f^3 / (2 c^2 n df)`` in the middle of the band.
    """
    wanted = {name: path for name, path in outputs.items() if path}
    if not wanted:
        raise ParameterError("no output is named; give complex, amp, pa, real or imag")
    for path in wanted.values():
        require_absent(path, what="image")
    polarized = PolarizedImage(image)
    polarized.require(["Q", "U"])
    axis, frequencies = _spectral(polarized)
    coordinates = _rotation_axis(image, axis, frequencies)
    PixelChoice().of(image).require_good()
    shape = tuple(1 if k == polarized.axis else n for k, n in enumerate(image.shape))
    planes, usable = polarized.read(PixelChoice().of(image), tuple(slice(0, n) for n in shape), ["Q", "U"])
    signal = np.where(usable, planes["Q"] + 1j * planes["U"], 0.0)
    spectrum = np.fft.fftshift(np.fft.fft(np.fft.ifftshift(signal, axes=axis), axis=axis), axes=axis)
    if without_zero:
        np.moveaxis(spectrum, axis, 0)[len(frequencies) // 2] = 0.0
    results = {
        "complex": spectrum, "amp": np.abs(spectrum), "pa": np.degrees(0.5 * np.angle(spectrum)), "real": spectrum.real,
        "imag": spectrum.imag,
    }  # fmt: skip
    for name, path in wanted.items():
        dtype = np.complex64 if name == "complex" else np.float32
        own = coordinates.copy()
        if name == "pa":
            own.replace(next(k for k, m in enumerate(own.members) if m.kind == "Stokes"), StokesCoordinate.make(["Pangle"]))
        mask = "mask0" if image.has_mask else ""
        with staged_output(path) as staged, CasaImage.create(staged, shape, own, dtype, mask=mask) as output:
            output.copy_metadata_from(image, beams=False)
            output.unit = "deg" if name == "pa" else image.unit
            output.beams = BeamSet() if image.beams.is_per_plane else image.beams  # there are lags instead of channels
            output.write(results[name])
            if mask:
                output.write_mask(usable)
