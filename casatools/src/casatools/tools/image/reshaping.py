"""Images with other edges or axes, smoothed along axes, rotated, correlated; each is returned as a new image tool."""

# ruff: noqa: B006 - the defaults are the reference's, and the declaration hands out copies

from __future__ import annotations

from typing import Annotated, Any

import numpy as np

from casatools._base import kinds
from casatools._base.errors import ParameterError
from casatools.analysis.axis_smoothing import AxisSmoothing, smooth_axis
from casatools.analysis.image_kernels import axis_kernels, convolve_array, convolve_axes
from casatools.analysis.image_profiles import structure_function
from casatools.analysis.regions import ImageSelection
from casatools.analysis.regridding import RegridOptions, turned_coordinates
from casatools.analysis.reshaped_images import (
    add_degenerate_axes,
    crop_image,
    decimate_image,
    insert_image,
    make_complex,
    pad_image,
)
from casatools.analysis.sub_images import PixelChoice
from casatools.frames.quantities import to_unit
from casatools.io.image import CasaImage
from casatools.io.image.coordinates import TabularCoordinate
from casatools.tools.coordsys.structure import new_members
from casatools.tools.image.deriving import Box, Chans, DerivingMethods, Mask, OutFile, Overwrite, Region, Stokes, Stretch
from casatools.tools.image.recording import recorded

__all__ = ["ReshapingMethods"]

_AnyMask = Annotated[Any, kinds.Variant((kinds.Text(), kinds.TextList())), "Lattice expression, true where pixels are used"]
_Drop = Annotated[bool, kinds.Bool(), "Leave out pixels that the kernel makes alike"]
_Return = Annotated[bool, kinds.Bool(), "Return the new image as a tool, else None"]
_Axis = Annotated[int, kinds.Int(), "Axis to smooth; negative is the spectral one"]
_Method = Annotated[str, kinds.Text(), "With drop: 'copy' every n-th pixel, or 'mean'"]


def _mask(given: Any) -> str:
    """A mask parameter that may be a list, as CASA declares some."""
    return given if isinstance(given, str) else next((str(v) for v in given or () if str(v).strip()), "")


class ReshapingMethods(DerivingMethods):
    """Edges, axes, kernels along axes."""

    def _kept(self, made: Any, wantreturn: bool) -> Any:
        if wantreturn:
            return made
        made.done()
        return None

    @recorded("outfile")
    def adddegaxes(
        self,
        outfile: OutFile = "",
        direction: Annotated[bool, kinds.Bool(), "Add two sky axes"] = False,
        spectral: Annotated[bool, kinds.Bool(), "Add a spectral axis"] = False,
        stokes: Annotated[str, kinds.Text(), "Polarization of a Stokes axis to add; '' adds none"] = "",
        linear: Annotated[bool, kinds.Bool(), "Add a linear axis"] = False,
        tabular: Annotated[bool, kinds.Bool(), "Add a tabular axis"] = False,
        overwrite: Overwrite = False,
        silent: Annotated[bool, kinds.Bool(), "Leave out what the image has already, instead of refusing"] = False,
    ) -> Any:
        """The image with further axes of one pixel."""
        members = []
        for wanted, kind, one in (
            (direction, "Direction", (True, False, (), 0, False)), (spectral, "Spectral", (False, True, (), 0, False)),
            (bool(stokes), "Stokes", (False, False, (stokes,), 0, False)), (linear, "Linear", (False, False, (), 1, False)),
            (tabular, "Tabular", (False, False, (), 0, True)),
        ):  # fmt: skip
            if wanted and not (silent and self._image.coordinates.find(kind) is not None):
                made = new_members(*one)
                if kind == "Linear":
                    made = [m.with_names(["Axis1"]) for m in made]
                elif kind == "Tabular":
                    made = [TabularCoordinate.make("Tabular", "")]
                members += made
        return self._make(add_degenerate_axes, outfile, members, overwrite)

    @recorded("outfile")
    def boxcar(
        self,
        outfile: OutFile = "",
        region: Region = {},
        mask: _AnyMask = [],
        axis: _Axis = -1,
        width: Annotated[int, kinds.Int(), "Pixels of the box"] = 2,
        drop: _Drop = True,
        dmethod: _Method = "copy",
        overwrite: Overwrite = False,
        stretch: Stretch = False,
    ) -> Any:
        """The image smoothed along an axis by a box; see the task specsmooth."""
        options = AxisSmoothing("boxcar", width, dmethod if drop else "", axis)
        choice = PixelChoice(ImageSelection(region), _mask(mask), stretch)
        return self._make(smooth_axis, outfile, options, choice, overwrite)

    @recorded("outfile")
    def hanning(
        self,
        outfile: OutFile = "",
        region: Region = {},
        mask: _AnyMask = "",
        axis: _Axis = -10,
        drop: _Drop = True,
        overwrite: Overwrite = False,
        stretch: Stretch = False,
        dmethod: _Method = "copy",
    ) -> Any:
        """The image smoothed along an axis by 1/4, 1/2, 1/4; see the task specsmooth."""
        options = AxisSmoothing("hanning", 2, dmethod if drop else "", axis)
        choice = PixelChoice(ImageSelection(region), _mask(mask), stretch)
        return self._make(smooth_axis, outfile, options, choice, overwrite)

    @recorded("outfile")
    def convolve(
        self,
        outfile: OutFile = "",
        kernel: Annotated[Any, kinds.Variant((kinds.Text(), kinds.Array())), "Array, or name of an image"] = [],
        scale: Annotated[float, kinds.Float(), "Factor of the kernel; negative normalizes it"] = -1.0,
        region: Region = {},
        mask: Mask = "",
        overwrite: Overwrite = False,
        stretch: Stretch = False,
    ) -> Any:
        """The image convolved with an array or another image."""
        if isinstance(kernel, str) and kernel:
            with CasaImage.open(kernel) as source:
                values = source.read()
        else:
            values = np.asarray(kernel, dtype=np.float64).transpose()
        if values.ndim == 0 or values.size == 0:
            raise ParameterError("image.convolve: parameter 'kernel' must be an array or the name of an image")
        choice = PixelChoice(ImageSelection(region), mask, stretch)
        return self._make(convolve_array, outfile, values, scale, choice, overwrite)

    @recorded("outfile")
    def sepconvolve(
        self,
        outfile: OutFile = "",
        axes: Annotated[list[int], kinds.IntList(), "Axes to convolve; -1 is as many as there are types, from the first"] = [-1],
        types: Annotated[list[str], kinds.TextList(), "gaussian, boxcar or hanning for each axis"] = [""],
        widths: Annotated[Any, kinds.Variant(()), "Full widths: pixels, or in units of the axis"] = [],
        scale: Annotated[float, kinds.Float(), "Factor of kernels of peak 1; negative normalizes them"] = -1.0,
        region: Region = {},
        mask: Mask = "",
        overwrite: Overwrite = False,
        stretch: Stretch = False,
    ) -> Any:
        """The image convolved along axes, one after the other."""
        along = list(range(len(types))) if list(axes) == [-1] else list(axes)
        given = [widths] if isinstance(widths, (str, int, float, dict)) else list(widths)
        kernels = axis_kernels(self._image, along, types, given or [3.0] * len(types), scale)
        choice = PixelChoice(ImageSelection(region), mask, stretch)
        return self._make(convolve_axes, outfile, kernels, choice, overwrite)

    @recorded("outfile")
    def crop(
        self,
        outfile: OutFile = "",
        axes: Annotated[list[int], kinds.IntList(), "Axes to crop; [] is all"] = [],
        overwrite: Overwrite = False,
        region: Region = {},
        box: Box = "",
        chans: Chans = "",
        stokes: Stokes = "",
        mask: Mask = "",
        stretch: Stretch = False,
        wantreturn: _Return = True,
    ) -> Any:
        """The image without outer slabs that hold no good pixel."""
        choice = PixelChoice(ImageSelection(region, box, chans, stokes), mask, stretch)
        made = self._make(crop_image, outfile, [a for a in axes if a != -1], choice, overwrite)
        return self._kept(made, wantreturn)

    @recorded("outfile")
    def decimate(
        self,
        outfile: OutFile = "",
        axis: Annotated[int, kinds.Int(), "Axis"] = 0,
        factor: Annotated[int, kinds.Int(), "Pixels that one pixel stands for"] = 1,
        method: Annotated[str, kinds.Text(), "copy every factor-th pixel, or their mean"] = "copy",
        region: Region = "",
        mask: Mask = "",
        overwrite: Overwrite = False,
        stretch: Stretch = False,
    ) -> Any:
        """The image with fewer pixels along an axis."""
        choice = PixelChoice(ImageSelection(region), mask, stretch)
        return self._make(decimate_image, outfile, axis, factor, method.lower(), choice, overwrite)

    @recorded("outfile")
    def pad(
        self,
        outfile: OutFile = "",
        npixels: Annotated[int, kinds.Int(), "Pixels added on each side of the sky planes"] = 1,
        value: Annotated[float, kinds.Float(), "What they hold"] = 0.0,
        padmask: Annotated[bool, kinds.Bool(), "They are good; else masked"] = False,
        overwrite: Overwrite = False,
        region: Region = {},
        box: Box = "",
        chans: Chans = "",
        stokes: Stokes = "",
        mask: Mask = "",
        stretch: Stretch = False,
        wantreturn: _Return = True,
    ) -> Any:
        """The image with pixels around its sky planes."""
        choice = PixelChoice(ImageSelection(region, box, chans, stokes), mask, stretch)
        made = self._make(pad_image, outfile, npixels, value, padmask, choice, overwrite)
        return self._kept(made, wantreturn)

    @recorded("outfile")
    def rotate(
        self,
        outfile: OutFile = "",
        shape: Annotated[list[int], kinds.IntList(), "Shape wanted; -1 is that of the image"] = [-1],
        pa: Annotated[
            Any, kinds.Variant((kinds.Text(), kinds.Float(), kinds.Record(), kinds.FloatList())), "Angle; [] is none"
        ] = [],
        region: Region = {},
        mask: Mask = "",
        method: Annotated[str, kinds.Text(), "nearest, linear or cubic"] = "cubic",
        decimate: Annotated[int, kinds.Int(), "See regrid"] = 0,
        replicate: Annotated[bool, kinds.Bool(), "Match the sky's pixels by number instead of coordinates"] = False,
        dropdeg: Annotated[bool, kinds.Bool(), "Leave out axes of one pixel of the result"] = False,
        overwrite: Overwrite = False,
        stretch: Stretch = False,
    ) -> Any:
        """The image on sky axes turned by an angle about the reference pixel, or on linear ones."""
        target, along = turned_coordinates(self._image, float(to_unit(pa, "rad")) if np.size(pa) else 0.0)
        # With a region the axes are those of the part that it bounds, as in CASA.
        first = ImageSelection(region).resolve(target, self._image.shape).first[::-1]
        target = target.sliced([float(v) for v in first], [1.0] * len(first), list(self._image.shape[::-1]))
        options = RegridOptions(along, method.lower(), False, decimate, replicate)
        return self._regridded(
            outfile, target, shape, options, PixelChoice(ImageSelection(region), mask, stretch), dropdeg, overwrite
        )

    @recorded()
    def insert(
        self,
        infile: Annotated[str, kinds.InPath(), "Image to put in"] = "",
        region: Region = {},
        locate: Annotated[list[float], kinds.FloatList(), "Pixel that its first pixel goes to; [-1] goes by coordinates"] = [
            -1.0
        ],
        verbose: Annotated[bool, kinds.Bool(), "Accepted for compatibility"] = False,
    ) -> bool:
        """Put the pixels of another image into this one."""
        place = None if len(locate) == 0 or (len(locate) == 1 and locate[0] < 0) else locate
        with CasaImage.open(infile) as source:
            insert_image(self._writable(), source, PixelChoice(ImageSelection(region)), place)
        self._image.flush()
        return True

    @recorded("outfile")
    def makecomplex(
        self,
        outfile: Annotated[str, kinds.OutPath(), "Image to write"],
        imag: Annotated[str, kinds.InPath(), "Image of the imaginary part"],
        region: Region = {},
        overwrite: Overwrite = False,
    ) -> bool:
        """Write the complex image whose real part this is."""
        if not outfile:
            raise ParameterError("image.makecomplex: parameter 'outfile' must name the image to write")
        with CasaImage.open(imag) as second:
            make_complex(self._image, second, outfile, PixelChoice(ImageSelection(region)), overwrite)
        return True

    @recorded("outfile")
    def twopointcorrelation(
        self,
        outfile: OutFile = "",
        region: Region = {},
        mask: Mask = "",
        axes: Annotated[list[int], kinds.IntList(), "Axes of the lags; -1 is the sky"] = [-1],
        method: Annotated[str, kinds.Text(), "Only structurefunction"] = "structurefunction",
        overwrite: Overwrite = False,
        stretch: Stretch = False,
    ) -> bool:
        """Write the mean squared differences of pixels by their distance along axes (structure function).

        Raises
        ------
        ParameterError, DataError, SelectionError, OutputExistsError
            Another method is asked for, axes do not fit, nothing is selected, or the output exists.
        """
        if not method or not "structurefunction".startswith(method.strip().lower()):
            raise ParameterError(f"image.twopointcorrelation: parameter 'method' must be 'structurefunction'; got {method!r}")
        if not outfile:
            raise ParameterError("image.twopointcorrelation: parameter 'outfile' must name the image to write")
        choice = PixelChoice(ImageSelection(region), mask, stretch)
        structure_function(self._image, outfile, [a for a in axes if a >= 0], choice, overwrite)
        return True
