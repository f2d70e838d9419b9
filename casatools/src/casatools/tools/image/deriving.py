"""New images from the open one: parts, collapsed, binned, transposed, smoothed, corrected, transformed, exported."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Annotated, Any

import numpy as np

from casatools._base import kinds
from casatools._base import log as _log
from casatools._base.declare import method
from casatools._base.errors import ParameterError
from casatools.analysis.collapsed_images import collapse_image
from casatools.analysis.concatenation import MODES, concatenate_images
from casatools.analysis.continuum_images import subtract_continuum
from casatools.analysis.image_kernels import convolve_array, plane_kernel
from casatools.analysis.image_math import MathOutput, scale_by_image
from casatools.analysis.image_moments import MomentOptions, MomentWindows, make_moment_images, moment_axis, moment_names
from casatools.analysis.image_transforms import TransformOutputs, transform_image
from casatools.analysis.pixel_ranges import PixelRange
from casatools.analysis.regions import ImageSelection
from casatools.analysis.regridding import RegridOptions, regrid_image
from casatools.analysis.smoothing import SmoothOptions, smooth_image
from casatools.analysis.sub_images import PixelChoice, axis_order, rebin_image, sub_image, transpose_image
from casatools.frames.quantities import parse_quantity, to_unit
from casatools.imaging.beam_fit import GaussianBeam
from casatools.io.formats.fits_image import ImportOptions, import_fits
from casatools.io.image import CasaImage
from casatools.io.image.coordinates import Coordinates
from casatools.tools._history import record_task
from casatools.tools._image_files import ExportOptions, export_image
from casatools.tools.coordsys.structure import coordinates_from_tool_record
from casatools.tools.image.recording import recorded
from casatools.tools.image.session import SessionMethods

__all__ = ["DerivingMethods"]

Region = Annotated[Any, kinds.Variant((kinds.Text(), kinds.Record())), "Region: text, file or record; '' is all"]
Mask = Annotated[str, kinds.Text(), "Lattice expression, true where pixels are used"]
OutFile = Annotated[str, kinds.OutPath(), "Image to write; '' is a temporary one"]
Overwrite = Annotated[bool, kinds.Bool(), "Replace an image that exists"]
Stretch = Annotated[bool, kinds.Bool(), "Stretch a mask of fewer planes over the image"]
Box = Annotated[str, kinds.Text(), "Rectangles in direction pixels"]
Chans = Annotated[str, kinds.Text(numbers=True), "Channels"]
Stokes = Annotated[str, kinds.Text(), "Polarizations"]
_Quantity = kinds.Variant((kinds.Text(), kinds.Record(), kinds.Float()))


class DerivingMethods(SessionMethods):
    """Images made from the open image; each is returned as a new image tool."""

    def _made(self, outfile: str, write: Callable[[str], None]) -> Any:
        """Write an image (temporary when it has no name) and hold it in a new tool."""
        path, temporary = self._place(outfile)
        source = self._held.path if self._held is not None else ""
        write(path)
        if self._tells_history and source:
            record_task(path, "image", [f"made of {os.path.abspath(source)}"])
        made = type(self)()
        made._hold(path, temporary)
        return made

    def _make(self, write: Callable[..., None], outfile: str, *arguments: Any) -> Any:
        """The image that ``write(image, path, *arguments)`` makes of the open one, in a new tool."""
        return self._made(outfile, lambda path: write(self._image, path, *arguments))

    def _regridded(
        self,
        outfile: str,
        target: Coordinates,
        shape: list[int],
        options: RegridOptions,
        choice: PixelChoice,
        drop: bool,
        overwrite: bool,
    ) -> Any:
        """The image on other coordinates; a length that is -1 or not given is the image's own."""
        own = self._image.shape[::-1]
        size = [n if given < 0 else given for n, given in zip(own, [*shape, *[-1] * len(own)], strict=False)]
        made = self._make(regrid_image, "" if drop else outfile, target, size, options, choice, overwrite)
        if not drop:
            return made
        try:
            return made.subimage(outfile, dropdeg=True, overwrite=overwrite, list=False)
        finally:
            made.done()

    @recorded("outfile")
    def subimage(
        self,
        outfile: OutFile = "",
        region: Region = "",
        mask: Mask = "",
        dropdeg: Annotated[bool, kinds.Bool(), "Leave out axes of one pixel"] = False,
        overwrite: Overwrite = False,
        list: Annotated[bool, kinds.Bool(), "Tell the log"] = True,
        stretch: Stretch = False,
        wantreturn: Annotated[bool, kinds.Bool(), "Return the new image as a tool, else None"] = True,
        keepaxes: Annotated[list[int], kinds.IntList(), "With dropdeg: axes that stay"] = [],  # noqa: B006 - copied
    ) -> Any:
        """Part of the image as a new image."""
        choice = PixelChoice(ImageSelection(region), mask, stretch)
        # Without a name it is virtual: a copy, as in CASA, whose pixels stay in this image until one of the two is changed.
        made = self._make(sub_image, outfile, choice, dropdeg, tuple(keepaxes), overwrite, not outfile)
        made._lend(self)
        if list:
            _log.post(f"The selected part of {self._image.path} is in {made.name()}")
        if wantreturn:
            return made
        made.done()
        return None

    @recorded("outfile")
    def collapse(
        self,
        function: Annotated[str, kinds.Text(), "Statistic, as of the task imcollapse"] = "",
        axes: Annotated[Any, kinds.Variant((kinds.IntList(), kinds.TextList())), "Axes to collapse: numbers or names"] = [],  # noqa: B006 - copied
        outfile: OutFile = "",
        region: Region = "",
        box: Box = "",
        chans: Chans = "",
        stokes: Stokes = "",
        mask: Mask = "",
        overwrite: Overwrite = False,
        stretch: Stretch = False,
    ) -> Any:
        """The image with axes reduced to one pixel by a statistic."""
        along = [moment_axis(self._image, a) for a in axes]
        choice = PixelChoice(ImageSelection(region, box, chans, stokes), mask, stretch)
        return self._make(collapse_image, outfile, function, along, choice, overwrite)

    @recorded("outfile")
    def rebin(
        self,
        outfile: OutFile,
        bin: Annotated[list[int], kinds.IntList(), "Pixels of a bin along each axis"],
        region: Region = "",
        mask: Mask = "",
        dropdeg: Annotated[bool, kinds.Bool(), "Leave out axes of one pixel"] = False,
        overwrite: Overwrite = False,
        stretch: Stretch = False,
        crop: Annotated[bool, kinds.Bool(), "Leave out a last bin that is not full"] = False,
    ) -> Any:
        """The image averaged over bins."""
        choice = PixelChoice(ImageSelection(region), mask, stretch)
        return self._make(rebin_image, outfile, bin, choice, dropdeg, crop, overwrite)

    @recorded("outfile")
    def transpose(
        self,
        outfile: OutFile = "",
        order: Annotated[Any, kinds.Variant((kinds.Int(), kinds.Text(), kinds.TextList())), "New order of the axes"] = [],  # noqa: B006 - copied
    ) -> Any:
        """The image with its axes in another order."""
        wanted = axis_order(self._image, order)
        return self._make(transpose_image, outfile, wanted)

    @recorded(lambda given: moment_names(given["outfile"], given["moments"]) if given["outfile"] else [])
    def moments(
        self,
        moments: Annotated[list[int], kinds.IntList(), "Moments, -1 to 11"] = [0],  # noqa: B006 - copied
        axis: Annotated[int, kinds.Int(), "Axis; negative is the spectral one"] = -10,
        region: Region = {},  # noqa: B006 - copied
        mask: Mask = "",
        method: Annotated[
            list[str], kinds.TextList(drop_empty=True), "Which channels count: window, fit or both; [] is all"
        ] = [],  # noqa: B006 - copied
        smoothaxes: Annotated[list[int], kinds.IntList(), "Axes to smooth for ranges of intensities; -1 is none"] = [-1],  # noqa: B006 - copied
        smoothtypes: Annotated[Any, kinds.Variant(()), "Kernels: gaussian, boxcar or hanning"] = [],  # noqa: B006 - copied
        smoothwidths: Annotated[Any, kinds.Variant(()), "Their full widths, pixels"] = [0.0],  # noqa: B006 - copied
        includepix: Annotated[list[float], kinds.FloatList(), "Intensities to use: [low, high]; -1 is all"] = [-1.0],  # noqa: B006 - copied
        excludepix: Annotated[list[float], kinds.FloatList(), "Intensities to leave out; -1 is none"] = [-1.0],  # noqa: B006 - copied
        peaksnr: Annotated[float, kinds.Float(), "window, fit: least peak of a spectrum, times the noise"] = 3.0,
        stddev: Annotated[float, kinds.Float(), "window, fit: the noise; 0 is that of the image"] = 0.0,
        doppler: Annotated[str, kinds.Text(), "Definition of velocities: radio, optical, true, z, ..."] = "RADIO",
        outfile: OutFile = "",
        smoothout: Annotated[str, kinds.OutPath(), "Name to keep the smoothed image by"] = "",
        overwrite: Overwrite = False,
        drop: Annotated[bool, kinds.Bool(), "Leave out the axis of the moments"] = True,
        stretch: Stretch = False,
    ) -> Any:
        """Moment images; the tool returned holds the first of them.

        Raises
        ------
        ParameterError, SelectionError, OutputExistsError, DataError
            A moment, a method or a kernel is not known, nothing is selected, or an output exists.
        """
        along = moment_axis(self._image, -1 if axis < 0 else axis)
        pixels = PixelRange.from_parameters(includepix, excludepix)
        smooth = tuple(a for a in smoothaxes if a >= 0)
        types = (smoothtypes,) if isinstance(smoothtypes, str) and smoothtypes else tuple(smoothtypes or ())
        widths = smoothwidths if isinstance(smoothwidths, (list, tuple)) else np.atleast_1d(smoothwidths).tolist()
        windows = MomentWindows(
            tuple(dict.fromkeys(m.lower() for m in sorted(method, reverse=True))), peaksnr, stddev, smooth, types if smooth else (),
            tuple(widths) if smooth else (), smoothout,
        )  # fmt: skip
        options = MomentOptions(
            tuple(moments), along, ImageSelection(region), mask, stretch, pixels, drop, overwrite, windows, doppler.upper()
        )
        path, temporary = self._place(outfile)
        make_moment_images(self._image.path, path, options)
        made = type(self)()
        made._hold(moment_names(path, options.moments)[0], temporary)
        return made

    @recorded("outfile")
    def pbcor(
        self,
        pbimage: Annotated[Any, kinds.Variant((kinds.Text(), kinds.Array())), "Primary beam: image or array"] = "",
        outfile: OutFile = "",
        overwrite: Overwrite = False,
        box: Box = "",
        region: Region = {},  # noqa: B006 - copied
        chans: Chans = "",
        stokes: Stokes = "",
        mask: Mask = "",
        mode: Annotated[str, kinds.Text(), "divide or multiply; the first letter is enough"] = "divide",
        cutoff: Annotated[
            float, kinds.Float(), "Mask pixels of less (divide) or more (multiply) primary beam; negative is none"
        ] = -1.0,
        stretch: Stretch = False,
    ) -> Any:
        """The image corrected for a primary beam."""
        if not mode or not any(w.startswith(mode.lower()) for w in ("divide", "multiply")):
            raise ParameterError(f"image.pbcor: parameter 'mode' must be 'divide' or 'multiply'; got {mode!r}")
        if np.size(pbimage) == 0 or (isinstance(pbimage, str) and not pbimage):
            raise ParameterError("image.pbcor: parameter 'pbimage' must name an image or be an array")
        beam = pbimage if isinstance(pbimage, str) else np.asarray(pbimage).T
        choice = PixelChoice(ImageSelection(region, box, chans, stokes), mask, stretch)
        divide = mode.lower().startswith("d")
        return self._made(
            outfile, lambda path: scale_by_image(self._image.path, beam, divide, cutoff, choice, MathOutput(path, overwrite))
        )

    @recorded("outfile")
    def convolve2d(
        self,
        outfile: OutFile = "",
        axes: Annotated[list[int], kinds.IntList(), "Two axes, usually those of the sky"] = [0, 1],  # noqa: B006 - copied
        type: Annotated[str, kinds.Text(), "gaussian; on other axes than the sky's boxcar too"] = "gaussian",
        major: Annotated[Any, _Quantity, "Full width along the major axis"] = "0deg",
        minor: Annotated[Any, _Quantity, "Full width along the minor axis"] = "0deg",
        pa: Annotated[Any, _Quantity, "Position angle"] = "0deg",
        scale: Annotated[float, kinds.Float(), "Factor of the kernel's values; negative keeps intensities per beam"] = -1.0,
        region: Region = {},  # noqa: B006 - copied
        mask: Mask = "",
        overwrite: Overwrite = False,
        stretch: Stretch = False,
        targetres: Annotated[bool, kinds.Bool(), "The Gaussian is the resolution of the result"] = False,
        beam: Annotated[dict, kinds.Record(), "Record of major, minor and pa in place of the three"] = {},  # noqa: B006 - copied
    ) -> Any:
        """The image convolved in planes of two axes; widths along other axes than the sky's are pixels or in the unit of the axis."""
        if beam:
            major, minor, pa = beam.get("major"), beam.get("minor"), beam.get("pa", beam.get("positionangle", "0deg"))
        if sorted(axes) != sorted(self._image.coordinates.direction_axes):
            if targetres:
                raise ParameterError("image.convolve2d: a target resolution is one of the sky axes")
            values = plane_kernel(self._image, axes, type, (major, minor), float(to_unit(pa, "rad")))
            choice = PixelChoice(ImageSelection(region), mask, stretch)
            return self._make(convolve_array, outfile, values, scale, choice, overwrite)
        if not type or not "gaussian".startswith(type.lower()):
            raise ParameterError(
                f"image.convolve2d: parameter 'type' must be 'gaussian' on the sky; got {type!r}; sepconvolve has boxcars and Hanning kernels"
            )
        widths = [self._sky_width(v) for v in (major, minor)]
        if not widths[0] >= widths[1] > 0:
            raise ParameterError(
                f"image.convolve2d: the widths must be positive, the major one not below the minor one; got {major!r} and {minor!r}"
            )
        kernel = GaussianBeam(widths[0], widths[1], float(to_unit(pa, "rad")))
        options = SmoothOptions(type.lower(), kernel, targetres, scale)
        choice = PixelChoice(ImageSelection(region), mask, stretch)
        return self._make(smooth_image, outfile, options, choice, overwrite)

    def _sky_width(self, width: Any) -> float:
        """A width on the sky [rad], given as an angle or in pixels of the first sky axis."""
        number, unit = parse_quantity(width)
        direction = self._image.coordinates.direction
        if unit in ("pix", "pixel") and direction is not None:
            return float(number) * abs(float(direction.increment_rad[0]))
        if not unit:
            raise ParameterError(
                f"image.convolve2d: a width on the sky needs a unit, such as '10arcsec' or '3pix'; got {width!r}"
            )
        return float(to_unit(width, "rad"))

    @recorded("outfile")
    def regrid(
        self,
        outfile: OutFile = "",
        shape: Annotated[list[int], kinds.IntList(), "Shape wanted; -1 is that of the image"] = [-1],  # noqa: B006 - copied
        csys: Annotated[dict, kinds.Record(), "Record of the coordinates wanted; {} is those of the image"] = {},  # noqa: B006 - copied
        axes: Annotated[list[int], kinds.IntList(), "Axes to regrid; -1 is all that can be"] = [-1],  # noqa: B006 - copied
        region: Region = {},  # noqa: B006 - copied
        mask: Mask = "",
        method: Annotated[str, kinds.Text(), "nearest, linear or cubic"] = "linear",
        decimate: Annotated[
            int, kinds.Int(), "Pixels between those that decide about the very edge as CASA does; all places are exact"
        ] = 10,
        replicate: Annotated[bool, kinds.Bool(), "Match the sky's pixels by number instead of coordinates"] = False,
        doref: Annotated[bool, kinds.Bool(), "Convert reference frames that differ"] = True,
        dropdeg: Annotated[bool, kinds.Bool(), "Leave out axes of one pixel of the result"] = False,
        overwrite: Overwrite = False,
        force: Annotated[bool, kinds.Bool(), "Accepted for compatibility: axes are always interpolated"] = False,
        asvelocity: Annotated[bool, kinds.Bool(), "Match the spectral axes by velocity"] = False,
        stretch: Stretch = False,
    ) -> Any:
        """The image on other coordinates."""
        target = coordinates_from_tool_record(csys) if csys else self._image.coordinates
        options = RegridOptions(tuple(a for a in axes if a >= 0), method.lower(), asvelocity, decimate, replicate, doref)
        return self._regridded(
            outfile, target, shape, options, PixelChoice(ImageSelection(region), mask, stretch), dropdeg, overwrite
        )

    @recorded("outline", "outcont")
    def continuumsub(
        self,
        outline: Annotated[str, kinds.OutPath(), "Image of the line to write; '' writes none"] = "",
        outcont: Annotated[str, kinds.OutPath(), "Image of the continuum to write"] = "continuumsub.im",
        region: Region = {},  # noqa: B006 - copied
        channels: Annotated[list[int], kinds.IntList(), "Channels to fit; -1 is all"] = [-1],  # noqa: B006 - copied
        pol: Stokes = "",
        fitorder: Annotated[int, kinds.Int(), "Order of the polynomial"] = 0,
        overwrite: Overwrite = False,
    ) -> Any:
        """Fit the continuum along the spectral axis and take it away; gives the line as a new tool."""
        chans = [c for c in channels if c >= 0]
        choice = PixelChoice(ImageSelection(region, "", "", pol))
        path, temporary = self._place(outline)
        subtract_continuum(self._image, path, outcont, chans, fitorder, choice, overwrite)
        made = type(self)()
        made._hold(path, temporary)
        return made

    @recorded("real", "imag", "amp", "phase", "complex")
    def fft(
        self,
        real: Annotated[str, kinds.OutPath(), "Image of the real part"] = "",
        imag: Annotated[str, kinds.OutPath(), "Image of the imaginary part"] = "",
        amp: Annotated[str, kinds.OutPath(), "Image of the amplitude"] = "",
        phase: Annotated[str, kinds.OutPath(), "Image of the phase [rad]"] = "",
        axes: Annotated[list[int], kinds.IntList(), "Axes to transform; -1 is the sky"] = [-1],  # noqa: B006 - copied
        region: Region = {},  # noqa: B006 - copied
        mask: Mask = "",
        stretch: Stretch = False,
        complex: Annotated[str, kinds.OutPath(), "Complex image"] = "",
    ) -> bool:
        """Write the Fourier transform of the image along axes."""
        along = tuple(self._image.coordinates.direction_axes) if axes == [-1] else tuple(axes)
        outputs = TransformOutputs(real, imag, amp, phase, complex)
        transform_image(self._image, outputs, along, PixelChoice(ImageSelection(region), mask, stretch))
        return True

    @recorded("outfile")
    def imageconcat(
        self,
        outfile: OutFile = "",
        infiles: Annotated[list[str], kinds.TextList(), "Images to put one behind the other"] = [],  # noqa: B006 - copied
        axis: Annotated[int, kinds.Int(), "Axis along which; -1 is the spectral one"] = -1,
        relax: Annotated[bool, kinds.Bool(), "Accept images whose coordinates do not follow each other"] = False,
        tempclose: Annotated[bool, kinds.Bool(), "Accepted for compatibility; files are not kept open"] = True,
        overwrite: Overwrite = False,
        reorder: Annotated[bool, kinds.Bool(), "Put the images into the order of their coordinates"] = False,
        mode: Annotated[
            str,
            kinds.Text(),
            "paged: one image; copyvirtual, movevirtual: a folder that lists the images and holds them; nomovevirtual: one that names them",
        ] = "paged",
    ) -> Any:
        """Images joined along an axis."""
        modes = [m for m in MODES if mode and m.startswith(mode.lower())]
        if len(modes) != 1:
            raise ParameterError(
                f"image.imageconcat: parameter 'mode' must be paged, movevirtual, nomovevirtual or copyvirtual; got {mode!r}"
            )
        names = infiles[0].split() if len(infiles) == 1 else list(infiles)
        return self._made(outfile, lambda path: concatenate_images(names, path, axis, relax, reorder, overwrite, modes[0]))

    @method
    def tofits(
        self,
        outfile: Annotated[str, kinds.OutPath(), "FITS file to write"] = "",
        velocity: Annotated[bool, kinds.Bool(), "Write velocities on the spectral axis"] = False,
        optical: Annotated[bool, kinds.Bool(), "Optical velocities instead of radio ones"] = True,
        bitpix: Annotated[int, kinds.Int(), "-32 for floats, 16 for scaled integers"] = -32,
        minpix: Annotated[float, kinds.Float(), "Least value of the integers"] = 1.0,
        maxpix: Annotated[float, kinds.Float(), "Greatest value of the integers"] = -1.0,
        region: Region = {},  # noqa: B006 - copied
        mask: Mask = "",
        overwrite: Overwrite = False,
        dropdeg: Annotated[bool, kinds.Bool(), "Leave out axes of one pixel"] = False,
        deglast: Annotated[bool, kinds.Bool(), "Put axes of one pixel last"] = False,
        dropstokes: Annotated[bool, kinds.Bool(), "Leave out a Stokes axis of one plane"] = False,
        stokeslast: Annotated[bool, kinds.Bool(), "Put the Stokes axis last"] = True,
        wavelength: Annotated[bool, kinds.Bool(), "Write wavelengths on the spectral axis"] = False,
        airwavelength: Annotated[bool, kinds.Bool(), "Write wavelengths in air"] = False,
        stretch: Stretch = False,
        history: Annotated[bool, kinds.Bool(), "Write the history"] = True,
    ) -> bool:
        """Write the image, or part of it, as a FITS file."""
        if not outfile:
            raise ParameterError("image.tofits: parameter 'outfile' must name the FITS file")
        options = ExportOptions(
            velocity=velocity, optical=optical, bitpix=bitpix, min_pixel=minpix, max_pixel=maxpix, drop_stokes=dropstokes,
            stokes_last=stokeslast, history=history, drop_degenerate=dropdeg, degenerate_last=deglast,
            wavelength="air" if airwavelength else "vacuum" if wavelength else "",
        )  # fmt: skip
        if not region and not mask:
            export_image(self._image.path, outfile, options, overwrite)
            return True
        choice = PixelChoice(ImageSelection(region), mask, stretch)
        part = self._make(sub_image, "", choice)
        try:
            export_image(part.name(), outfile, options, overwrite)
        finally:
            part.done()
        return True

    @recorded("outfile")
    def fromfits(
        self,
        outfile: OutFile = "",
        infile: Annotated[str, kinds.InPath(), "FITS file"] = "",
        whichrep: Annotated[int, kinds.Int(), "System of coordinates of the file; 0 is the primary one"] = 0,
        whichhdu: Annotated[int, kinds.Int(), "Header-data unit; -1 is the first that holds an image"] = 0,
        zeroblanks: Annotated[bool, kinds.Bool(), "Set blanked pixels to zero"] = False,
        overwrite: Overwrite = False,
    ) -> bool:
        """Import a FITS image and open it."""
        path, temporary = self._place(outfile)
        import_fits(infile, path, ImportOptions(hdu=whichhdu, zero_blanks=zeroblanks, representation=whichrep), overwrite)
        self._hold(path, temporary)
        return True

    @recorded("outfile")
    def newimagefromfits(
        self,
        outfile: OutFile = "",
        infile: Annotated[str, kinds.InPath(), "FITS file"] = "",
        whichrep: Annotated[int, kinds.Int(), "System of coordinates of the file; 0 is the primary one"] = 0,
        whichhdu: Annotated[int, kinds.Int(), "Header-data unit; -1 is the first that holds an image"] = 0,
        zeroblanks: Annotated[bool, kinds.Bool(), "Set blanked pixels to zero"] = False,
        overwrite: Overwrite = False,
    ) -> Any:
        """Import a FITS image and return it as a new tool."""
        made = type(self)()
        made.fromfits(outfile, infile, whichrep, whichhdu, zeroblanks, overwrite)
        return made

    @recorded("outfile")
    def fromimage(
        self,
        outfile: OutFile = "",
        infile: Annotated[str, kinds.InPath(), "Image"] = "",
        region: Region = [],  # noqa: B006 - copied
        mask: Mask = "",
        dropdeg: Annotated[bool, kinds.Bool(), "Leave out axes of one pixel"] = False,
        overwrite: Overwrite = False,
    ) -> bool:
        """Copy an image, or part of it, and open the copy."""
        path, temporary = self._place(outfile)
        with CasaImage.open(infile) as image:
            sub_image(image, path, PixelChoice(ImageSelection(region or ""), mask), dropdeg, (), overwrite)
        self._hold(path, temporary)
        return True

    @recorded("outfile")
    def newimagefromimage(
        self,
        infile: Annotated[str, kinds.InPath(), "Image"] = "",
        outfile: OutFile = "",
        region: Region = {},  # noqa: B006 - copied
        mask: Mask = "",
        dropdeg: Annotated[bool, kinds.Bool(), "Leave out axes of one pixel"] = False,
        overwrite: Overwrite = False,
    ) -> Any:
        """Copy an image, or part of it, and return the copy as a new tool."""
        made = type(self)()
        made.fromimage(outfile, infile, region, mask, dropdeg, overwrite)
        return made

    @method
    def newimage(self, infile: Annotated[str, kinds.InPath(), "Image"]) -> Any:
        """Open an image in a new tool."""
        made = type(self)()
        made.open(infile)
        return made

    @method
    def newimagefromfile(self, infile: Annotated[str, kinds.InPath(), "Image"]) -> Any:
        """Open an image in a new tool."""
        made = type(self)()
        made.open(infile)
        return made

    @method
    def isconform(self, other: Annotated[str, kinds.InPath(), "Another image"]) -> bool:
        """True when another image has the same shape and, to a thousandth of a pixel, the same coordinates."""
        image = self._image
        with CasaImage.open(other) as second:
            if second.shape != image.shape:
                return False
            ends = np.array([[0.0] * image.ndim, [n - 1.0 for n in image.shape[::-1]]]).T
            try:
                places = image.coordinates.to_pixel(second.coordinates.to_world(ends))
            except ParameterError:
                return False
        return bool(np.allclose(places, ends, atol=1e-3))
