"""Images derived from the Stokes parameters of an image: polarized intensity, angle, fractions, their errors.

References
----------
Hamaker & Bregman 1996, A&AS 117, 161: Stokes parameters; Wardle & Kronberg 1974, ApJ 194, 249: bias of polarized intensity.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from casatools._base.errors import DataError, ParameterError
from casatools._base.paths import staged_output
from casatools.analysis.selected_pixels import SelectedPixels
from casatools.analysis.sub_images import PixelChoice, beams_of_box
from casatools.io.image import BeamSet, CasaImage
from casatools.io.image.coordinates import Coordinates, StokesCoordinate

__all__ = [
    "Derived", "PolarizedImage", "angle", "angle_error", "complex_fraction", "complex_linear", "depolarization",
    "depolarization_error", "fraction", "fraction_error", "intensity", "make_complex", "stokes_plane",
]  # fmt: skip

Planes = dict[str, np.ndarray]
_ALL = PixelChoice()


@dataclass(frozen=True)
class Derived:
    """How an image is made of Stokes planes.

    Attributes
    ----------
    label : str
        Polarization code of the result.
    unit : str or None
        None keeps that of the image.
    needs : tuple of str
        Stokes parameters that are read.
    compute : callable
        Takes a dict of arrays, gives values; nan where there is none.
    dtype : type
    beam : bool
        The image's beam is kept.
    """

    label: str
    unit: str | None
    needs: tuple[str, ...]
    compute: Callable[[Planes], np.ndarray]
    dtype: type = np.float32
    beam: bool = False


class PolarizedImage:
    """An image with several Stokes parameters.

    Raises
    ------
    DataError
        It has no Stokes axis, or none of Q, U and V on it.
    """

    def __init__(self, image: CasaImage) -> None:
        stokes, axis = image.coordinates.stokes, image.coordinates.stokes_axis
        if stokes is None or axis is None or axis < 0 or not set(stokes.labels) & {"Q", "U", "V"}:
            raise DataError(f"image {image.path!r} has no Stokes Q, U or V, so there is no polarization to work on")
        self.image, self.labels, self.axis = image, list(stokes.labels), image.ndim - 1 - axis

    def require(self, names: Sequence[str]) -> None:
        """Raise DataError when a Stokes parameter is missing."""
        missing = [n for n in names if n not in self.labels]
        if missing:
            raise DataError(f"image {self.image.path!r} has no Stokes {', '.join(missing)}; it has {', '.join(self.labels)}")

    @property
    def total_terms(self) -> tuple[str, ...]:
        """The Stokes parameters that make up the total polarization."""
        return tuple(n for n in "QUV" if n in self.labels)

    def _whole(self, choice: PixelChoice) -> SelectedPixels:
        return choice.of(self.image)

    def read(self, chosen: SelectedPixels, block: tuple[slice, ...], names: Sequence[str]) -> tuple[Planes, np.ndarray]:
        """Stokes planes of a block of the bounding box (its Stokes axis is not looked at), and where all of them are good."""
        planes, usable = {}, np.array(True)
        first = chosen.pixels.first[self.axis]
        for name in names:
            at = self.labels.index(name) - first
            values, good = chosen.read(tuple(slice(at, at + 1) if k == self.axis else s for k, s in enumerate(block)))
            planes[name] = values.astype(np.float64)
            if good is not None:
                usable = usable & good
        shape = next(iter(planes.values())).shape
        return planes, np.broadcast_to(usable, shape)

    def _blocks(self, chosen: SelectedPixels, max_bytes: int = 32 * 1024 * 1024) -> list[tuple[slice, ...]]:
        box = chosen.pixels.box_shape
        slow = max((k for k in range(len(box)) if k != self.axis), key=lambda k: (box[k] > 1, -k))
        row = 8 * int(np.prod([n for k, n in enumerate(box) if k not in (slow, self.axis)]))
        step = max(1, max_bytes // max(row, 1))
        return [
            tuple(slice(s, min(s + step, n)) if k == slow else slice(0, 1 if k == self.axis else n) for k, n in enumerate(box))
            for s in range(0, box[slow], step)
        ]

    def sigma(self, name: str, clip: float) -> float:
        """Standard deviation of a Stokes parameter, once more of what lies within `clip` of them of the mean; clip <= 0 takes all."""
        self.require([name])
        chosen = self._whole(_ALL)
        mean, deviation = self._moments(chosen, name, -np.inf, np.inf)
        if clip > 0:
            _, deviation = self._moments(chosen, name, mean - clip * deviation, mean + clip * deviation)
        return float(np.float32(deviation))

    def _moments(self, chosen: SelectedPixels, name: str, low: float, high: float) -> tuple[float, float]:
        count, total, squares = 0, 0.0, 0.0
        for block in self._blocks(chosen):
            planes, usable = self.read(chosen, block, [name])
            values = planes[name][usable & (planes[name] >= low) & (planes[name] <= high)]
            if values.size:
                own, spread = float(values.mean()), float(((values - values.mean()) ** 2).sum())
                step = own - total
                squares += spread + step**2 * count * values.size / (count + values.size)
                total += step * values.size / (count + values.size)
                count += values.size
        return total, float(np.sqrt(squares / (count - 1))) if count > 1 else 0.0

    def noise(self, clip: float) -> float:
        """The noise of a Stokes parameter: from V where there is one, else from Q and U, else from I."""
        if "V" in self.labels:
            return self.sigma("V", clip)
        return self.linear_noise(clip) if {"Q", "U"} <= set(self.labels) else self.sigma(self.labels[0], clip)

    def linear_noise(self, clip: float) -> float:
        """The mean of the noise of Q and of U."""
        return float(np.float32(0.5 * (self.sigma("Q", clip) + self.sigma("U", clip))))

    def coordinates(self, chosen: SelectedPixels, label: str) -> tuple[Coordinates, tuple[int, ...]]:
        """Coordinates and shape of a derived image: one plane on the Stokes axis."""
        box = tuple(1 if k == self.axis else n for k, n in enumerate(chosen.pixels.box_shape))
        first = [float(v) for v in chosen.pixels.first[::-1]]
        stokes_axis = self.image.ndim - 1 - self.axis
        first[stokes_axis] = 0.0
        made = self.image.coordinates.sliced(first, None, list(box[::-1]))
        return _relabelled(made, label), box

    def derive(self, outfile: str, what: Derived, choice: PixelChoice = _ALL, other: PolarizedImage | None = None) -> None:
        """Write a derived image; pixels without a value are masked.

        Parameters
        ----------
        outfile : str
        what : Derived
            Stokes parameters of a second image are named with a trailing 2.
        choice : PixelChoice
        other : PolarizedImage, optional
            The second image, of the same shape.

        Raises
        ------
        DataError, SelectionError, OutputExistsError
            A Stokes parameter is missing, nothing is selected, or the output exists.
        """
        own = [n for n in what.needs if not n.endswith("2")]
        second = [n[:-1] for n in what.needs if n.endswith("2")]
        self.require(own)
        if other is not None:
            other.require(second)
        chosen = self._whole(PixelChoice(choice.selection, choice.mask, choice.stretch))
        coordinates, shape = self.coordinates(chosen, what.label)
        with (
            staged_output(outfile) as staged,
            CasaImage.create(staged, shape, coordinates, what.dtype) as output,
        ):
            output.copy_metadata_from(self.image, beams=False)
            output.unit = self.image.unit if what.unit is None else what.unit
            if what.beam:
                self._copy_beams(output, chosen)
            for block in self._blocks(chosen):
                planes, usable = self.read(chosen, block, own)
                if other is not None:
                    more, also = other.read(PixelChoice().of(other.image), block, second)
                    planes.update({f"{n}2": v for n, v in more.items()})
                    usable = usable & also
                with np.errstate(invalid="ignore", divide="ignore"):
                    values = what.compute(planes)
                good = usable & np.isfinite(values)
                output.write(np.where(np.isfinite(values), values, 0.0), block)
                if not good.all():  # only then there is a mask, as in CASA
                    output.write_mask(good, block)

    def _copy_beams(self, output: CasaImage, chosen: SelectedPixels) -> None:
        beams = beams_of_box(self.image, chosen.pixels)
        if beams.is_per_plane and beams.nstokes > 1:
            beams = beams.sliced(None, [0])
        if beams:
            output.beams = BeamSet.single(beams.beams[0]) if beams.is_per_plane and len(beams.beams) == 1 else beams


def _power(planes: Planes, names: Sequence[str], bias: float) -> np.ndarray:
    total = sum(planes[n] ** 2 for n in names) - bias**2
    return np.sqrt(np.where(total >= 0, total, np.nan))


def stokes_plane(name: str) -> Derived:
    """One Stokes parameter."""
    return Derived(name, None, (name,), lambda p: p[name], beam=True)


def intensity(names: Sequence[str], bias: float = 0.0) -> Derived:
    """Linear (of Q, U) or total (of Q, U, V) polarized intensity; `bias` is the noise that is taken out."""
    used = tuple(names)
    return Derived("Ptotal" if "V" in used else "Plinear", None, used, lambda p: _power(p, used, bias), beam=True)


def fraction(names: Sequence[str], bias: float = 0.0) -> Derived:
    """Linear or total fractional polarization."""
    used = tuple(names)
    return Derived("PFtotal" if "V" in used else "PFlinear", "", (*used, "I"), lambda p: _power(p, used, bias) / p["I"])


def fraction_error(names: Sequence[str], sigma: float) -> Derived:
    """Error of the fractional polarization: relative errors of intensities added in squares."""
    used = tuple(names)

    def compute(p: Planes) -> np.ndarray:
        polarized = _power(p, used, 0.0)
        return np.asarray(np.abs(polarized / p["I"]) * np.hypot(sigma / polarized, sigma / p["I"]))

    return Derived("PFtotal" if "V" in used else "PFlinear", "", (*used, "I"), compute)


def angle() -> Derived:
    """Position angle of the linear polarization [deg]: half the argument of Q + iU."""
    return Derived("Pangle", "deg", ("Q", "U"), lambda p: np.degrees(0.5 * np.arctan2(p["U"], p["Q"])), beam=True)


def angle_error(sigma: float) -> Derived:
    """Error of the position angle [deg]: half the noise over the polarized intensity."""
    return Derived("Pangle", "deg", ("Q", "U"), lambda p: np.degrees(0.5 * sigma / _power(p, ("Q", "U"), 0.0)))


def complex_linear() -> Derived:
    """Q + iU."""
    return Derived("Plinear", "", ("Q", "U"), lambda p: p["Q"] + 1j * p["U"], np.complex64)


def complex_fraction() -> Derived:
    """(Q + iU) / I."""
    return Derived("PFlinear", "", ("Q", "U", "I"), lambda p: (p["Q"] + 1j * p["U"]) / p["I"], np.complex64)


def _two_fractions(p: Planes, bias: tuple[float, float]) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    second = {n[:-1]: v for n, v in p.items() if n.endswith("2")}
    one, two = _power(p, ("Q", "U"), bias[0]), _power(second, ("Q", "U"), bias[1])
    return one, p["I"], two, second["I"]


_BOTH = ("Q", "U", "I", "Q2", "U2", "I2")


def depolarization(bias: tuple[float, float]) -> Derived:
    """The ratio of the linear fractional polarizations of two images."""

    def compute(p: Planes) -> np.ndarray:
        one, total, two, other = _two_fractions(p, bias)
        return np.asarray(one / total / (two / other))

    return Derived("PFlinear", "", _BOTH, compute)


def depolarization_error(bias: tuple[float, float], sigma: tuple[float, float]) -> Derived:
    """The error of the ratio of the linear fractional polarizations of two images."""

    def compute(p: Planes) -> np.ndarray:
        one, total, two, other = _two_fractions(p, bias)
        relative2 = (sigma[0] / one) ** 2 + (sigma[0] / total) ** 2 + (sigma[1] / two) ** 2 + (sigma[1] / other) ** 2
        return np.asarray(np.abs(one / total / (two / other)) * np.sqrt(relative2))

    return Derived("PFlinear", "", _BOTH, compute)


def _relabelled(coordinates: Coordinates, label: str) -> Coordinates:
    """Coordinates whose Stokes axis has one plane of that name; they are changed."""
    member = next(k for k, m in enumerate(coordinates.members) if m.kind == "Stokes")
    coordinates.replace(member, StokesCoordinate.make([label]))
    return coordinates


def _linear(first: CasaImage, second: CasaImage) -> Coordinates:
    """Coordinates of the complex image of two: a plane of Q and one of U, or of intensities and angles, are one of linear polarization."""
    made = first.coordinates.sliced([0.0] * first.ndim, None, list(first.shape[::-1]))
    planes = [image.coordinates.stokes for image in (first, second)]
    names = tuple(p.labels if p is not None else () for p in planes)
    return _relabelled(made, "Plinear") if names in ((("Q",), ("U",)), (("Plinear",), ("Pangle",))) else made


def make_complex(outfile: str, first: str, second: str, polar: bool) -> None:
    """Write a complex image of real and imaginary parts, or of amplitudes and phases.

    Raises
    ------
    ParameterError, PathMissingError, OutputExistsError, DataError
        The shapes differ, an image is missing, the output exists, or phases have no angular unit.
    """
    from casatools.frames.quantities import conforms, convert_value, is_unit

    with CasaImage.open(first) as one, CasaImage.open(second) as two:
        if one.shape != two.shape:
            raise ParameterError(
                f"images {first!r} and {second!r} have different shapes: {one.shape[::-1]} and {two.shape[::-1]}"
            )
        scale = 1.0
        if polar:
            if not two.unit or not is_unit(two.unit) or not conforms(two.unit, "rad"):
                raise DataError(f"the phases of {second!r} need an angular unit; it has {two.unit!r}")
            scale = float(convert_value(1.0, two.unit, "rad"))
        masked = one.has_mask or two.has_mask
        with (
            staged_output(outfile) as staged,
            CasaImage.create(staged, one.shape, _linear(one, two), np.complex64, mask="mask0" if masked else "") as output,
        ):
            output.copy_metadata_from(one)
            for slices in one.iter_slices():
                a, b = one.read(slices), two.read(slices)
                output.write(a * np.exp(1j * scale * b) if polar else a + 1j * b, slices)
                if masked:
                    output.write_mask(one.read_mask(slices) & two.read_mask(slices), slices)
