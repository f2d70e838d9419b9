"""The imagepol tool: polarized intensities, angles, fractions, their errors and rotation measures."""

from __future__ import annotations

from typing import Annotated, Any

from casatools._base import kinds, log
from casatools._base.declare import method
from casatools._base.errors import NotOpenError, ParameterError, UnsupportedError
from casatools._base.paths import require_present
from casatools.analysis import polarimetry
from casatools.analysis.polarimetry import Derived, PolarizedImage
from casatools.analysis.polarized_demo import DemoImage, write_demo_image
from casatools.analysis.regions import ImageSelection
from casatools.analysis.rotation_measure import RotationOptions, fit_rotation_measure, fourier_rotation_measure
from casatools.analysis.sub_images import PixelChoice
from casatools.io.image import CasaImage
from casatools.tools.image import image

__all__ = ["imagepol"]

_LINEAR = ("Q", "U")
_ALL = PixelChoice()
_CODES = {
    "lpi": "linpolint", "tpi": "totpolint", "lppa": "linpolposang", "flp": "fraclinpol", "ftp": "fractotpol",
}  # fmt: skip

Out = Annotated[str, kinds.OutPath(), "Image to write; '' is a temporary one"]
OutNeeded = Annotated[str, kinds.OutPath(), "Image to write"]
OutNone = Annotated[str, kinds.OutPath(), "Image to write; '' is none"]
In = Annotated[str, kinds.InPath(), "Image"]
Debias = Annotated[bool, kinds.Bool(), "Take the noise out of intensities"]
Clip = Annotated[float, kinds.Float(), "Noise is measured within so many standard deviations of the mean; 0 takes all"]
Sigma = Annotated[float, kinds.Float(), "Noise; 0 or less measures it"]
Which = Annotated[str, kinds.Text(), "Stokes parameter: I, Q, U or V"]
Region = Annotated[Any, kinds.Variant((kinds.Text(), kinds.Record())), "Region; '' is all"]
Mask = Annotated[str, kinds.Text(), "Lattice expression, true where pixels are used"]
Stretch = Annotated[bool, kinds.Bool(), "Stretch a mask of fewer planes over the image"]


class imagepol:
    """Polarimetry of an image with Stokes Q, U or V. Methods that make an image return it as an image tool."""

    def __init__(self) -> None:
        self._held: PolarizedImage | None = None
        # The tool that holds the temporary image made of a record.
        self._source: image | None = None

    def _open(self, opened: CasaImage) -> None:
        try:
            held = PolarizedImage(opened)
        except BaseException:
            opened.close()
            raise
        self._release()
        self._held = held

    def _open_record(self, record: dict[str, Any]) -> None:
        source = image()
        source.fromrecord(record)
        try:
            self._open(CasaImage.open(source.name()))
        except BaseException:
            source.done()
            raise
        self._source = source

    def _release(self) -> None:
        if self._held is not None:
            self._held.image.close()
        if self._source is not None:
            self._source.done()
        self._held = self._source = None

    @property
    def _image(self) -> PolarizedImage:
        if self._held is None:
            raise NotOpenError("no image is open; call open first")
        return self._held

    def _make(self, outfile: str, what: Derived, choice: PixelChoice = _ALL, other: PolarizedImage | None = None) -> Any:
        held = self._image
        path, temporary = image._place(outfile)
        made = image()
        try:
            held.derive(path, what, choice, other)
            made._hold(path, temporary)
        except BaseException:
            made._temporary = temporary
            made._release()
            raise
        return made

    def _noise(self, sigma: float, clip: float, linear: bool = False) -> float:
        if sigma > 0:
            return sigma
        return self._image.linear_noise(clip) if linear else self._image.noise(clip)

    def _bias(self, debias: bool, sigma: float, clip: float) -> float:
        return self._noise(sigma, clip) if debias else 0.0

    # ---- opening

    @method
    def open(
        self,
        image: Annotated[Any, kinds.Variant((kinds.InPath(), kinds.Record())), "Image with Stokes Q, U or V, or its record"] = {},  # noqa: B006
    ) -> bool:
        """Open an image, or a temporary one made of the record that ``image.torecord`` gives.

        Raises
        ------
        ParameterError, PathMissingError, DataError
            Neither a name nor the record of an image was given, nothing is there, or the image has no Stokes Q, U or V.
        """
        if isinstance(image, dict) and "imagearray" in image:
            self._open_record(image)
            return True
        if not isinstance(image, str) or not image:
            raise ParameterError("imagepol.open: parameter 'image' must name an image or be the record of one")
        self._open(CasaImage.open(image))
        return True

    @method
    def close(self) -> bool:
        """Close the image."""
        self._release()
        return True

    @method
    def done(self) -> bool:
        """The same as close."""
        self._release()
        return True

    @method
    def summary(self) -> bool:
        """Write what the image is to the log."""
        held = self._image
        log.post(
            f"Image {held.image.path}: shape {held.image.shape[::-1]}, Stokes {', '.join(held.labels)}, unit {held.image.unit!r}"
        )
        return True

    # ---- Stokes parameters

    @method
    def stokes(self, which: Which, outfile: Out = "") -> Any:
        """One Stokes parameter."""
        return self._make(outfile, polarimetry.stokes_plane(_stokes(which)))

    @method
    def stokesi(self, outfile: Out = "") -> Any:
        """Stokes I."""
        return self._make(outfile, polarimetry.stokes_plane("I"))

    @method
    def stokesq(self, outfile: Out = "") -> Any:
        """Stokes Q."""
        return self._make(outfile, polarimetry.stokes_plane("Q"))

    @method
    def stokesu(self, outfile: Out = "") -> Any:
        """Stokes U."""
        return self._make(outfile, polarimetry.stokes_plane("U"))

    @method
    def stokesv(self, outfile: Out = "") -> Any:
        """Stokes V."""
        return self._make(outfile, polarimetry.stokes_plane("V"))

    @method
    def sigmastokes(self, which: Which, clip: Clip = 10.0) -> float:
        """Standard deviation of a Stokes parameter."""
        return self._image.sigma(_stokes(which), clip)

    @method
    def sigmastokesi(self, clip: Clip = 10.0) -> float:
        """Standard deviation of Stokes I."""
        return self._image.sigma("I", clip)

    @method
    def sigmastokesq(self, clip: Clip = 10.0) -> float:
        """Standard deviation of Stokes Q."""
        return self._image.sigma("Q", clip)

    @method
    def sigmastokesu(self, clip: Clip = 10.0) -> float:
        """Standard deviation of Stokes U."""
        return self._image.sigma("U", clip)

    @method
    def sigmastokesv(self, clip: Clip = 10.0) -> float:
        """Standard deviation of Stokes V."""
        return self._image.sigma("V", clip)

    @method
    def sigma(self, clip: Clip = 10.0) -> float:
        """The noise of the image: of Stokes V where there is one, else of Q and U."""
        return self._image.noise(clip)

    # ---- intensities, angles, fractions

    @method
    def linpolint(
        self, debias: Debias = False, clip: Clip = 10.0, sigma: Sigma = -1.0, outfile: Out = "", region: Region = "", mask: Mask = "",
        stretch: Stretch = False,
    ) -> Any:  # fmt: skip
        """Linearly polarized intensity."""
        bias = self._bias(debias, sigma, clip)
        return self._make(outfile, polarimetry.intensity(_LINEAR, bias), PixelChoice(ImageSelection(region), mask, stretch))

    @method
    def totpolint(
        self, debias: Debias = False, clip: Clip = 10.0, sigma: Sigma = -1.0, outfile: Out = "", region: Region = "", mask: Mask = "",
        stretch: Stretch = False,
    ) -> Any:  # fmt: skip
        """Total polarized intensity."""
        bias = self._bias(debias, sigma, clip)
        terms = self._image.total_terms
        return self._make(outfile, polarimetry.intensity(terms, bias), PixelChoice(ImageSelection(region), mask, stretch))

    @method
    def linpolposang(self, outfile: Out = "", region: Region = "", mask: Mask = "", stretch: Stretch = False) -> Any:
        """Position angle of the linear polarization."""
        return self._make(outfile, polarimetry.angle(), PixelChoice(ImageSelection(region), mask, stretch))

    @method
    def fraclinpol(self, debias: Debias = False, clip: Clip = 10.0, sigma: Sigma = -1.0, outfile: Out = "") -> Any:
        """Fractional linear polarization."""
        return self._make(outfile, polarimetry.fraction(_LINEAR, self._bias(debias, sigma, clip)))

    @method
    def fractotpol(self, debias: Debias = False, clip: Clip = 10.0, sigma: Sigma = -1.0, outfile: Out = "") -> Any:
        """Fractional total polarization."""
        return self._make(outfile, polarimetry.fraction(self._image.total_terms, self._bias(debias, sigma, clip)))

    @method
    def pol(
        self,
        which: Annotated[str, kinds.Text(), "lpi, tpi, lppa, flp or ftp"],
        debias: Debias = False,
        clip: Clip = 10.0,
        sigma: Sigma = -1.0,
        outfile: Out = "",
    ) -> Any:
        """Polarized intensity (lpi, tpi), position angle (lppa) or fractional polarization (flp, ftp).

        Raises
        ------
        ParameterError
            The code is none of these.
        """
        name = _CODES.get(which.strip().lower())
        if name is None:
            raise ParameterError(f"imagepol.pol: parameter 'which' must be one of {', '.join(_CODES)}; got {which!r}")
        if name == "linpolposang":
            return self.linpolposang(outfile=outfile)
        return getattr(self, name)(debias=debias, clip=clip, sigma=sigma, outfile=outfile)

    # ---- errors

    @method
    def sigmalinpolint(self, clip: Clip = 10.0, sigma: Sigma = -1.0, outfile: OutNone = "") -> float:
        """Error of the linearly polarized intensity, one number; an image of it when a name is given."""
        value = _float32(self._noise(sigma, clip, linear=True))
        self._constant(outfile, "Plinear", value)
        return value

    @method
    def sigmatotpolint(self, clip: Clip = 10.0, sigma: Sigma = -1.0) -> float:
        """Error of the total polarized intensity, one number."""
        return _float32(self._noise(sigma, clip))

    def _constant(self, outfile: str, label: str, value: float) -> None:
        if outfile:
            terms = ("Q", "U") if label == "Plinear" else self._image.total_terms
            self._image.derive(outfile, Derived(label, None, terms, lambda p: 0.0 * p[terms[0]] + value))

    @method
    def sigmalinpolposang(self, clip: Clip = 10.0, sigma: Sigma = -1.0, outfile: Out = "") -> Any:
        """Error of the position angle."""
        return self._make(outfile, polarimetry.angle_error(self._noise(sigma, clip)))

    @method
    def sigmafraclinpol(self, clip: Clip = 10.0, sigma: Sigma = -1.0, outfile: Out = "") -> Any:
        """Error of the fractional linear polarization."""
        return self._make(outfile, polarimetry.fraction_error(_LINEAR, self._noise(sigma, clip, linear=True)))

    @method
    def sigmafractotpol(self, clip: Clip = 10.0, sigma: Sigma = -1.0, outfile: Out = "") -> Any:
        """Error of the fractional total polarization."""
        return self._make(outfile, polarimetry.fraction_error(self._image.total_terms, self._noise(sigma, clip)))

    @method
    def depolratio(self, infile: In, debias: Debias = False, clip: Clip = 10.0, sigma: Sigma = -1.0, outfile: Out = "") -> Any:
        """The ratio of this image's fractional linear polarization to that of another image.

        Raises
        ------
        ParameterError
            The images' shapes differ.
        """
        with self._second(infile) as opened:
            other = PolarizedImage(opened)
            noise = sigma if sigma > 0 else other.noise(clip)
            bias = (self._bias(debias, sigma, clip), noise if debias else 0.0)
            return self._make(outfile, polarimetry.depolarization(bias), other=other)

    @method
    def sigmadepolratio(
        self, infile: In, debias: Debias = False, clip: Clip = 10.0, sigma: Sigma = -1.0, outfile: Out = ""
    ) -> Any:
        """The error of `depolratio`.

        Raises
        ------
        ParameterError
            The images' shapes differ.
        """
        with self._second(infile) as opened:
            other = PolarizedImage(opened)
            noise = sigma if sigma > 0 else other.noise(clip)
            bias = (self._bias(debias, sigma, clip), noise if debias else 0.0)
            errors = (self._noise(sigma, clip, linear=True), sigma if sigma > 0 else other.linear_noise(clip))
            return self._make(outfile, polarimetry.depolarization_error(bias, errors), other=other)

    def _second(self, infile: str) -> CasaImage:
        held = self._image.image
        opened = CasaImage.open(require_present(infile, "image"))
        if opened.shape != held.shape:
            shape = opened.shape
            opened.close()
            raise ParameterError(f"image {infile!r} has the shape {shape[::-1]}, but the open one {held.shape[::-1]}")
        return opened

    # ---- complex images

    @method
    def complexlinpol(self, outfile: OutNeeded) -> bool:
        """Write the complex linear polarization Q + iU."""
        self._image.derive(_named(outfile, "complexlinpol"), polarimetry.complex_linear())
        return True

    @method
    def complexfraclinpol(self, outfile: OutNeeded) -> bool:
        """Write the complex fractional linear polarization (Q + iU) / I."""
        self._image.derive(_named(outfile, "complexfraclinpol"), polarimetry.complex_fraction())
        return True

    @method
    def makecomplex(
        self,
        complex: OutNeeded,
        real: Annotated[str, kinds.InPath(), "Image of real parts"] = "",
        imag: Annotated[str, kinds.InPath(), "Image of imaginary parts"] = "",
        amp: Annotated[str, kinds.InPath(), "Image of amplitudes"] = "",
        phase: Annotated[str, kinds.InPath(), "Image of phases"] = "",
    ) -> bool:
        """Write a complex image of real and imaginary parts, or of amplitudes and phases.

        Raises
        ------
        ParameterError
            Neither pair is given, or both are.
        """
        pairs = [pair for pair in ((real, imag), (amp, phase)) if any(pair)]
        if len(pairs) != 1 or not all(pairs[0]):
            raise ParameterError("imagepol.makecomplex: give either real and imag, or amp and phase")
        polarimetry.make_complex(_named(complex, "makecomplex"), *pairs[0], polar=bool(amp))
        return True

    # ---- rotation measures

    @method
    def rotationmeasure(
        self,
        rm: OutNone = "",
        rmerr: OutNone = "",
        pa0: OutNone = "",
        pa0err: OutNone = "",
        nturns: OutNone = "",
        chisq: OutNone = "",
        sigma: Sigma = -1.0,
        rmfg: Annotated[float, kinds.Float(), "Foreground rotation measure [rad/m2]"] = 0.0,
        rmmax: Annotated[
            float, kinds.Float(), "Largest rotation measure beyond the foreground [rad/m2]; 0 looks for no turns"
        ] = 0.0,
        maxpaerr: Annotated[float, kinds.Float(), "Largest error of an angle that is used [deg]"] = 1e30,
        plotter: Annotated[str, kinds.Text(), "Plots are not made; ''"] = "",
        nx: Annotated[int, kinds.Int(), "Plots along x; without effect"] = 5,
        ny: Annotated[int, kinds.Int(), "Plots along y; without effect"] = 5,
    ) -> bool:
        """Fit rotation measures to all pixels and write images of the results.

        Raises
        ------
        ParameterError, DataError, OutputExistsError, UnsupportedError
            No output is named, Q, U or channels are missing, an output exists, or a plotter is named.
        """
        if plotter:
            raise UnsupportedError(
                f"imagepol.rotationmeasure: plotter={plotter!r}: no plots are made; write chisq and look at it"
            )
        options = RotationOptions(rm, rmerr, pa0, pa0err, nturns, chisq, sigma, rmfg, rmmax, maxpaerr)
        fit_rotation_measure(self._image.image, options)
        return True

    @method
    def fourierrotationmeasure(
        self,
        complex: OutNone = "",
        amp: OutNone = "",
        pa: OutNone = "",
        real: OutNone = "",
        imag: OutNone = "",
        zerolag0: Annotated[bool, kinds.Bool(), "Set the lag without rotation to zero"] = False,
    ) -> bool:
        """Write the Fourier transform of Q + iU along frequency, whose lags are rotation measures."""
        outputs = {"complex": complex, "amp": amp, "pa": pa, "real": real, "imag": imag}
        fourier_rotation_measure(self._image.image, outputs, zerolag0)
        return True

    @method
    def imagepoltestimage(
        self,
        outfile: Annotated[str, kinds.OutPath(), "Image to write"] = "imagepol.iquv",
        rm: Annotated[list[float], kinds.FloatList(), "Rotation measures [rad/m2]; 0 is one without turns"] = [0.0],  # noqa: B006 - copied
        pa0: Annotated[float, kinds.Float(), "Position angle at wavelength zero [deg]"] = 0.0,
        sigma: Annotated[float, kinds.Float(), "Noise"] = 0.01,
        nx: Annotated[int, kinds.Int(min=1), "Pixels along x"] = 32,
        ny: Annotated[int, kinds.Int(min=1), "Pixels along y"] = 32,
        nf: Annotated[int, kinds.Int(min=1), "Channels"] = 32,
        f0: Annotated[float, kinds.Float(), "Reference frequency [Hz]"] = 1.4e9,
        bw: Annotated[float, kinds.Float(), "Bandwidth [Hz]"] = 128e6,
    ) -> bool:
        """Write an image of polarized sources with known rotation measures, and open it."""
        write_demo_image(_named(outfile, "imagepoltestimage"), DemoImage(tuple(rm), pa0, sigma, nx, ny, nf, f0, bw))
        self._open(CasaImage.open(outfile))
        return True


def _float32(value: float) -> float:
    """A number as CASA keeps it, in single precision."""
    import numpy as np

    return float(np.float32(value))


def _stokes(which: str) -> str:
    name = which.strip().upper()
    if name not in ("I", "Q", "U", "V"):
        raise ParameterError(f"parameter 'which' must be I, Q, U or V; got {which!r}")
    return name


def _named(path: str, name: str) -> str:
    if not path:
        raise ParameterError(f"imagepol.{name}: the output must be named")
    return path
