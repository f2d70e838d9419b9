"""Changing images in place, regions of pixels, locks, records, names."""

from __future__ import annotations

import inspect
import math
import os
from collections.abc import Callable, Sequence
from typing import Annotated, Any

import numpy as np

from casatools._base import kinds
from casatools._base import log as _log
from casatools._base.declare import method
from casatools._base.errors import OutputExistsError, ParameterError
from casatools._base.memory import require_memory
from casatools._base.paths import remove_output, require_absent, require_present
from casatools.analysis.expressions import Expression, MaskExpression
from casatools.analysis.regions import ImageSelection
from casatools.analysis.sub_images import PixelChoice
from casatools.frames.quantities import parse_quantity, to_unit
from casatools.io.image import Beam, BeamSet, CasaImage, casa_order
from casatools.tools.coordsys.structure import tool_record
from casatools.tools.image.making import MakingMethods
from casatools.tools.image.pixels import axes_to_average, given_pixels
from casatools.tools.image.recording import recorded

__all__ = ["EditingMethods"]

Region = Annotated[Any, kinds.Variant((kinds.Text(), kinds.Record())), "Region: text, file or record; '' is all"]
Mask = Annotated[str, kinds.Text(), "Lattice expression, true where pixels are used"]
Stretch = Annotated[bool, kinds.Bool(), "Stretch a mask of fewer planes over the image"]
_Any = kinds.Variant(())
# Distributions of addnoise: the rule of their parameters, whose number is that of the rule's arguments.
_DISTRIBUTIONS: dict[str, Callable[..., bool]] = {
    "normal": lambda mean, variance: variance > 0,
    "binomial": lambda trials, share: trials >= 1 and 0 <= share <= 1,
    "discreteuniform": lambda low, high: low <= high,
    "erlang": lambda mean, variance: mean > 0 and variance > 0,
    "geometric": lambda share: 0 <= share < 1,
    "hypergeometric": lambda mean, variance: mean > 0 and variance >= mean**2,
    "lognormal": lambda mean, variance: mean > 0 and variance > 0,
    "negativeexponential": lambda mean: mean > 0,
    "poisson": lambda mean: mean >= 0,
    "uniform": lambda low, high: low < high,
    "weibull": lambda shape, scale: shape > 0 and scale > 0,
}


def _beginning(slices: Any, part: Sequence[slice]) -> tuple[slice, ...]:
    """The first pixels of a box, as many as a part of it has."""
    return tuple(slice(s.start, s.start + p.stop) for s, p in zip(slices, part, strict=True))


class EditingMethods(MakingMethods):
    """Pixels by region, changes in place, names and records."""

    @method
    def getregion(
        self,
        region: Region = {},  # noqa: B006 - copied
        axes: Annotated[list[int], kinds.IntList(), "Axes to average over; -1 is none"] = [-1],  # noqa: B006 - copied
        mask: Mask = "",
        list: Annotated[bool, kinds.Bool(), "Write the box to the log"] = False,
        dropdeg: Annotated[bool, kinds.Bool(), "Drop axes of length one"] = False,
        getmask: Annotated[bool, kinds.Bool(), "Return the mask instead of the pixels"] = False,
        stretch: Stretch = False,
    ) -> Any:
        """Pixels, or the mask, of the bounding box of a region (CASA axis order)."""
        averaged = axes_to_average(axes, self._image.ndim, "image.getregion")
        chosen = PixelChoice(ImageSelection(region), mask, stretch).of(self._image)
        require_memory(
            24.0 * math.prod(chosen.pixels.box_shape), f"image.getregion of a box of {chosen.pixels.box_shape[::-1]} pixels"
        )
        values, good = chosen.read()
        if list:
            _log.post(f"Region from {chosen.pixels.first[::-1]} to {chosen.pixels.last[::-1]}")
        if getmask and good is None:
            good = np.ones(values.shape, bool)
        return given_pixels(None if getmask else values, good, averaged, dropdeg)

    @recorded()
    def putregion(
        self,
        pixels: Annotated[
            Any, kinds.Array(numbers=True), "Pixels of the region's bounding box, CASA axis order; [] leaves them"
        ] = [],  # noqa: B006 - copied
        pixelmask: Annotated[Any, kinds.Array(), "Mask of it; [] leaves it"] = [],  # noqa: B006 - copied
        region: Region = {},  # noqa: B006 - copied
        list: Annotated[bool, kinds.Bool(), "Write the box to the log"] = False,
        usemask: Annotated[bool, kinds.Bool(), "Leave masked pixels as they are"] = True,
        locking: Annotated[bool, kinds.Bool(), "Accepted for compatibility; the image is locked while it is written"] = True,
        replicate: Annotated[bool, kinds.Bool(), "Repeat the pixels over the rest of the region"] = False,
    ) -> bool:
        """Put pixels and mask into the bounding box of a region; the mask first, so that `usemask` is about the new one."""
        image = self._writable()
        chosen = PixelChoice(ImageSelection(region)).of(image)
        box, slices = chosen.pixels.box_shape, chosen.pixels.slices
        given = self._fitted(pixels, box, replicate, "pixels") if np.size(pixels) else None
        if np.size(pixelmask):
            flags = self._fitted(pixelmask, box, replicate, "pixelmask").astype(bool)
            image.write_mask(flags, _beginning(slices, tuple(slice(0, n) for n in flags.shape)))
        if given is not None:
            part = tuple(slice(0, n) for n in given.shape)
            if usemask:
                old, good = chosen.read(part)
                given = given if good is None else np.where(good, given, old)
            image.write(given, _beginning(slices, part))
        if not np.size(pixels) and not np.size(pixelmask):
            raise ParameterError("image.putregion: give pixels, a pixelmask or both")
        if list:
            _log.post(f"Region from {chosen.pixels.first[::-1]} to {chosen.pixels.last[::-1]}")
        image.flush()
        return True

    @staticmethod
    def _fitted(values: Any, box: tuple[int, ...], replicate: bool, name: str) -> np.ndarray:
        array = np.asarray(values)
        if array.ndim > len(box):
            raise ParameterError(f"image.putregion: {name} have {array.ndim} axes, the image has {len(box)}")
        missing = len(box) - array.ndim
        array = casa_order(array.reshape(array.shape + (1,) * missing))
        if not replicate and array.shape[missing:] == box[missing:]:
            return array  # of the first pixel on axes that it lacks
        fits = replicate and all(n in (m, 1) for n, m in zip(array.shape, box, strict=True))
        if not fits:
            raise ParameterError(f"image.putregion: {name} of shape {array.shape[::-1]} do not fit the region's box {box[::-1]}")
        return np.broadcast_to(array, box)

    @recorded()
    def set(
        self,
        pixels: Annotated[Any, _Any, "A number, or a lattice expression that gives one"] = [],  # noqa: B006 - copied
        pixelmask: Annotated[Any, _Any, "True or False for the mask; -1 leaves it"] = -1,
        region: Region = {},  # noqa: B006 - copied
        list: Annotated[bool, kinds.Bool(), "Write the box to the log"] = False,
    ) -> bool:
        """Set the pixels of a region to one value, or its mask."""
        image = self._writable()
        chosen = PixelChoice(ImageSelection(region)).of(image)
        value: Any = None
        if isinstance(pixels, str) and pixels.strip():
            expression = Expression(pixels, os.path.dirname(image.path))
            value = expression.read([slice(0, 1)] * len(expression.shape)).value  # a number is that of all pixels
            expression.close()
            if np.ndim(value):
                raise ParameterError(f"image.set: the expression {pixels!r} must give one number")
        elif np.ndim(pixels) == 0 and not isinstance(pixels, str):
            value = pixels
        for slices in image.iter_slices():
            inside = tuple(
                slice(max(s.start, a), min(s.stop, b + 1))
                for s, a, b in zip(slices, chosen.pixels.first, chosen.pixels.last, strict=True)
            )
            if any(s.start >= s.stop for s in inside):
                continue
            where = chosen.pixels.block(inside)
            if value is not None:
                image.write(value if where is None else np.where(where, value, image.read(inside)), inside)
            if pixelmask != -1:
                mask = bool(pixelmask)
                image.write_mask(mask if where is None else np.where(where, mask, image.read_mask(inside)), inside)
        if list:
            _log.post(f"Region from {chosen.pixels.first[::-1]} to {chosen.pixels.last[::-1]}")
        image.flush()
        return True

    @recorded()
    def calc(
        self,
        pixels: Annotated[str, kinds.Text(), "Lattice expression"],
        verbose: Annotated[bool, kinds.Bool(), "Tell the log"] = True,
    ) -> bool:
        """Replace the pixels by an expression; masked pixels of the image stay as they are."""
        image = self._writable()
        expression = Expression(pixels, os.path.dirname(image.path), image.shape)
        try:
            # Numbers that need all pixels are taken before any pixel changes.
            expression.read([slice(0, 1)] * image.ndim)
            for slices in image.iter_slices():
                part = expression.read(slices)
                shape = tuple(s.stop - s.start for s in slices)
                value = np.broadcast_to(np.asarray(part.value), shape)
                if image.has_mask:
                    value = np.where(image.read_mask(slices), value, image.read(slices))
                image.write(value, slices)
        finally:
            expression.close()
        image.flush()
        if verbose:
            _log.post(f"{image.path} = {pixels}")
        return True

    @recorded()
    def calcmask(
        self,
        mask: Mask = "",
        name: Annotated[str, kinds.Text(), "Name of the new mask; '' makes one up"] = "",
        asdefault: Annotated[bool, kinds.Bool(), "Make it the mask in force"] = True,
    ) -> bool:
        """Make a mask from an expression, in place of one of that name.

        Values count where they are masked too, as in CASA: ``mask(im) && im > 0.1`` keeps what is masked.
        """
        if not mask.strip():
            raise ParameterError("image.calcmask: parameter 'mask' must be a lattice expression")
        image = self._writable()
        expression = MaskExpression(mask, image)
        chosen = name or image.new_mask_name()
        if chosen not in image.mask_names:
            image.add_mask(chosen, None)
        for slices in image.iter_slices():
            image.write_mask(expression.read(slices, masked=False), slices, chosen)
        if asdefault:
            image.default_mask = chosen
        image.flush()
        return True

    @recorded()
    def replacemaskedpixels(
        self,
        pixels: Annotated[Any, _Any, "A number, or a lattice expression"] = [],  # noqa: B006 - copied
        region: Region = {},  # noqa: B006 - copied
        mask: Mask = "",
        update: Annotated[bool, kinds.Bool(), "Make the pixels good as well"] = False,
        list: Annotated[bool, kinds.Bool(), "Write the box to the log"] = False,
        stretch: Stretch = False,
    ) -> bool:
        """Replace the pixels that are masked, those too that `mask` leaves out."""
        image = self._writable()
        expression = Expression(str(pixels), os.path.dirname(image.path), image.shape)
        chosen = PixelChoice(ImageSelection(region), mask, stretch).of(image)
        try:
            for part in chosen.iter_slices():
                block = tuple(slice(a + s.start, a + s.stop) for a, s in zip(chosen.pixels.first, part, strict=True))
                good = image.read_mask(block)
                wanted = chosen.chosen(block)
                bad = ~good
                if wanted is not None:
                    bad = bad | ~wanted if mask else bad & wanted
                if not bad.any():
                    continue
                value = np.broadcast_to(np.asarray(expression.read(block).value), bad.shape)
                image.write(np.where(bad, value, image.read(block)), block)
                if update and image.has_mask:
                    image.write_mask(good | bad, block)
        finally:
            expression.close()
        if list:
            _log.post(f"Masked pixels of {image.path} were replaced")
        image.flush()
        return True

    @recorded()
    def addnoise(
        self,
        type: Annotated[str, kinds.Text(), "Distribution: normal, uniform, poisson, ..."] = "normal",
        pars: Annotated[list[float], kinds.FloatList(), "Its parameters; for normal mean and variance"] = [0.0, 1.0],  # noqa: B006 - copied
        region: Region = {},  # noqa: B006 - copied
        zero: Annotated[bool, kinds.Bool(), "Set the pixels to zero first"] = False,
        seeds: Annotated[list[int], kinds.IntList(), "Seeds; [] takes fresh ones"] = [],  # noqa: B006 - copied
    ) -> bool:
        """Add random numbers to the pixels; one call with given seeds always adds the same."""
        kind = type.lower()
        names = {k: tuple(inspect.signature(rule).parameters) for k, rule in _DISTRIBUTIONS.items()}
        if kind not in names or len(pars) != len(names[kind]):
            expected = ", ".join(f"{k} ({', '.join(n)})" for k, n in names.items())
            raise ParameterError(f"image.addnoise: 'type' and 'pars' must be one of {expected}; got {type!r} with {len(pars)}")
        if not _DISTRIBUTIONS[kind](*pars):
            raise ParameterError(f"image.addnoise: {kind} noise of {', '.join(names[kind])} = {list(pars)} does not exist")
        image = self._writable()
        chosen = PixelChoice(ImageSelection(region)).of(image)
        rng = np.random.default_rng([int(s) for s in seeds] or None)
        for block in image.iter_slices():
            drawn = _draw(rng, kind, pars, tuple(s.stop - s.start for s in block))
            old = image.read(block)
            where = chosen.chosen(block)
            inside = _within(block, chosen.pixels.first, chosen.pixels.last)
            new = drawn if zero else old + drawn
            usable = inside if where is None else inside & where
            image.write(np.where(usable, new, old), block)
        image.flush()
        return True

    @method
    def haslock(self) -> Any:
        """Whether the image is locked for reading and for writing."""
        image = self._image
        return np.array([True, bool(image.writable)])

    @method
    def lock(
        self,
        writelock: Annotated[bool, kinds.Bool(), "For writing"] = False,
        nattempts: Annotated[int, kinds.Int(), "Accepted for compatibility; the lock is waited for"] = 0,
    ) -> bool:
        """Lock the image."""
        if writelock:
            self._writable()
        return bool(self._image)

    @method
    def unlock(self) -> bool:
        """Release locks: the image is open for reading afterwards."""
        image = self._image
        if image.writable:
            path = image.path
            image.close()
            self._held = CasaImage.open(path)
        return True

    @method
    def torecord(self) -> dict[str, Any]:
        """The image as a record, pixels included, that `fromrecord` takes."""
        image = self._image
        info: dict[str, Any] = {"imagetype": image.image_type, "objectname": image.object_name, **image.beams.to_record()}
        record = {
            "coordsys": {"coordsys": tool_record(image.coordinates)}, "imagearray": np.asarray(casa_order(image.read())),
            "imageinfo": info, "shape": np.array(image.shape[::-1], dtype=np.int64),
        }  # fmt: skip
        if image.unit:
            record["units"] = image.unit
        if image.has_mask:
            record["maskarray"] = casa_order(image.read_mask())
        return record

    @recorded()
    def fromrecord(
        self,
        record: Annotated[dict, kinds.Record(), "Record that torecord made"],
        outfile: Annotated[str, kinds.OutPath(), "Image to write; '' is a temporary one"] = "",
    ) -> bool:
        """Make an image from a record and open it."""
        if "imagearray" not in record:
            raise ParameterError("image.fromrecord: parameter 'record' holds no 'imagearray'; give a record that torecord made")
        system = record.get("coordsys", {})
        system = system.get("coordsys", system)
        values = np.asarray(record["imagearray"])
        self._create(outfile, values.shape, system, False, False, _kind_of(values.dtype), values)
        image = self._writable()
        info = record.get("imageinfo", {})
        image.image_type, image.object_name = str(info.get("imagetype", "Intensity")), str(info.get("objectname", ""))
        beams = BeamSet.from_record(info)
        if beams:
            image.beams = beams
        if record.get("units"):
            image.unit = str(record["units"])
        if "maskarray" in record:
            image.write_mask(casa_order(np.asarray(record["maskarray"], dtype=bool)))
        image.flush()
        return True

    @recorded()
    def newimagefromarray(
        self,
        outfile: Annotated[str, kinds.OutPath(), "Image to write; '' is a temporary one"] = "",
        pixels: Annotated[Any, kinds.Array(numbers=True), "Pixels, CASA axis order"] = [],  # noqa: B006 - copied
        csys: Annotated[dict, kinds.Record(), "Record of a coordinate system; {} makes a default one"] = {},  # noqa: B006 - copied
        linear: Annotated[bool, kinds.Bool(), "Default coordinates are linear"] = False,
        overwrite: Annotated[bool, kinds.Bool(), "Replace an image that exists"] = False,
        log: Annotated[bool, kinds.Bool(), "Accepted for compatibility"] = True,
        type: Annotated[str, kinds.Text(), "Pixel type: f, d, c or cd"] = "f",
    ) -> Any:
        """Make an image from an array and return it as a new tool."""
        made = self.__class__()
        made.fromarray(outfile, pixels, csys, linear, overwrite, log, type)
        return made

    @recorded()
    def newimagefromshape(
        self,
        outfile: Annotated[str, kinds.OutPath(), "Image to write; '' is a temporary one"] = "",
        shape: Annotated[list[int], kinds.IntList(), "Pixels along each axis"] = [0],  # noqa: B006 - copied
        csys: Annotated[dict, kinds.Record(), "Record of a coordinate system; {} makes a default one"] = {},  # noqa: B006 - copied
        linear: Annotated[bool, kinds.Bool(), "Default coordinates are linear"] = False,
        overwrite: Annotated[bool, kinds.Bool(), "Replace an image that exists"] = False,
        log: Annotated[bool, kinds.Bool(), "Accepted for compatibility"] = True,
        type: Annotated[str, kinds.Text(), "Pixel type: f, d, c or cd"] = "f",
    ) -> Any:
        """Make an image of zeros and return it as a new tool."""
        made = self.__class__()
        made.fromshape(outfile, shape, csys, linear, overwrite, log, type)
        return made

    @method
    def makearray(
        self,
        v: Annotated[float, kinds.Float(), "Value"] = 0.0,
        shape: Annotated[list[int], kinds.IntList(), "Shape"] = [0],  # noqa: B006 - copied
    ) -> Any:
        """An array of one value."""
        return np.full(tuple(shape), float(v))

    @method
    def boundingbox(self, region: Region = {}) -> dict[str, Any]:  # noqa: B006 - copied
        """The bounding box of a region."""
        from casatools.analysis.world_text import world_text

        image = self._image
        pixels = ImageSelection(region).on(image)
        first, last = np.array(pixels.first[::-1]), np.array(pixels.last[::-1])
        shape = np.array(pixels.box_shape[::-1])
        return {
            "bbShape": shape, "blc": first, "blcf": world_text(image.coordinates, first.tolist()), "imageShape": np.array(image.shape[::-1]),
            "inc": np.ones(image.ndim, dtype=np.int64), "regionShape": shape.copy(), "trc": last,
            "trcf": world_text(image.coordinates, last.tolist()),
        }  # fmt: skip

    @recorded()
    def setrestoringbeam(
        self,
        major: Annotated[Any, _Any, "Major axis"] = [],  # noqa: B006 - copied
        minor: Annotated[Any, _Any, "Minor axis"] = [],  # noqa: B006 - copied
        pa: Annotated[Any, _Any, "Position angle"] = "Not specified",
        beam: Annotated[dict, kinds.Record(), "Record of the three in their place"] = {},  # noqa: B006 - copied
        remove: Annotated[bool, kinds.Bool(), "Remove the beam or beams"] = False,
        log: Annotated[bool, kinds.Bool(), "Tell the log"] = True,
        channel: Annotated[int, kinds.Int(), "Channel of a beam that differs from plane to plane; -1 is all"] = -1,
        polarization: Annotated[int, kinds.Int(), "Polarization plane; -1 is all"] = -1,
        imagename: Annotated[str, kinds.InPath(), "Image whose beams are taken"] = "",
    ) -> bool:
        """Set, replace or remove the restoring beam.

        Raises
        ------
        ParameterError
            An axis is missing, or the major axis is below the minor axis.
        """
        image = self._writable()
        if remove:
            image.beams = BeamSet()
        elif imagename:
            with CasaImage.open(require_present(imagename, "image")) as other:
                if not other.beams:
                    raise ParameterError(f"image.setrestoringbeam: {imagename!r} has no restoring beam")
                image.beams = other.beams
        else:
            image.beams = self._changed_beams(image, self._given_beam(image, major, minor, pa, beam), channel, polarization)
        if log:
            _log.post(f"The restoring beam of {image.path} was {'removed' if remove else 'set'}")
        image.flush()
        return True

    @staticmethod
    def _given_beam(image: CasaImage, major: Any, minor: Any, pa: Any, beam: dict[str, Any]) -> Beam:
        if beam:
            if not {"major", "minor"} <= set(beam):
                raise ParameterError(
                    f"image.setrestoringbeam: parameter 'beam' must have the keys major and minor; got {sorted(beam)}"
                )
            major, minor = beam["major"], beam["minor"]
            pa = beam.get("positionangle", beam.get("pa", "0deg"))
        old = image.beams.at() if image.beams else None
        values = []
        kept_axes = (None, None) if old is None else (old.major_arcsec, old.minor_arcsec)
        for name, given, kept in (("major", major, kept_axes[0]), ("minor", minor, kept_axes[1])):
            if np.size(given) == 0 or given == "":
                if kept is None:
                    raise ParameterError(f"image.setrestoringbeam: parameter {name!r} must be given; the image has no beam yet")
                values.append(float(kept))
            else:
                values.append(float(given) if isinstance(given, (int, float)) else float(to_unit(given, "arcsec")))
        if pa == "Not specified" or np.size(pa) == 0 or pa == "":
            angle = old.position_angle_deg if old is not None else 0.0
        else:
            angle = float(pa) if isinstance(pa, (int, float)) else float(to_unit(pa, "deg"))
        if not values[0] >= values[1] > 0:
            raise ParameterError(
                f"image.setrestoringbeam: the major axis must not be below the minor axis, both positive; got {values} arcsec"
            )
        return Beam(values[0], values[1], angle)

    @staticmethod
    def _changed_beams(image: CasaImage, beam: Beam, channel: int, polarization: int) -> BeamSet:
        beams = image.beams
        for name, number, count in zip(("channel", "polarization"), (channel, polarization), image.plane_counts, strict=True):
            if number >= count:
                raise ParameterError(f"image.setrestoringbeam: parameter {name!r} is {number}, but the image has {count} of them")
        if channel < 0 and polarization < 0:
            return BeamSet.single(beam) if not beams.is_per_plane else beams.with_beam(beam, -1, -1)
        if not beams.is_per_plane:
            nchan, nstokes = image.plane_counts
            start = beams.at() if beams else beam
            beams = BeamSet.per_plane([[start] * nstokes for _ in range(nchan)])
        return beams.with_beam(beam, channel, polarization)

    @recorded()
    def rotatebeam(self, angle: Annotated[Any, _Any, "Angle added to the position angles"] = []) -> bool:  # noqa: B006 - copied
        """Turn the restoring beam or beams."""
        image = self._writable()
        if not image.beams:
            raise ParameterError("image.rotatebeam: the image has no restoring beam")
        value, unit = parse_quantity(angle)
        if not unit:
            raise ParameterError(f"image.rotatebeam: parameter 'angle' needs a unit, such as '20deg'; got {angle!r}")
        turn = float(to_unit({"value": value, "unit": unit}, "deg"))
        turned = tuple(
            Beam(b.major_arcsec, b.minor_arcsec, (b.position_angle_deg + turn + 90.0) % 180.0 - 90.0) for b in image.beams.beams
        )
        image.beams = BeamSet(turned, image.beams.nchan, image.beams.nstokes)
        image.flush()
        return True

    @recorded()
    def rename(
        self,
        name: Annotated[str, kinds.OutPath(), "New name"],
        overwrite: Annotated[bool, kinds.Bool(), "Replace what has this name"] = False,
    ) -> bool:
        """Give the image another name on disk."""
        if not name:
            raise ParameterError("image.rename: parameter 'name' must be given")
        path = self._image.path
        require_absent(name, overwrite)
        temporary, self._folder = self._folder, None
        if temporary is not None:
            self._image.detach()
        self._release()
        remove_output(name)
        os.rename(path, name)
        self._hold(name)
        if temporary:
            del temporary  # the folder, empty now, goes with it
        return True

    @method
    def remove(
        self,
        done: Annotated[bool, kinds.Bool(), "Accepted for compatibility; the tool is free either way"] = False,
        verbose: Annotated[bool, kinds.Bool(), "Tell the log"] = True,
    ) -> bool:
        """Close the image and delete it from disk."""
        path = self._image.path
        self._release()
        remove_output(path)
        if verbose:
            _log.post(f"{path} was deleted")
        return True

    @method
    def removefile(self, file: Annotated[str, kinds.InPath(), "File or folder"]) -> bool:
        """Delete a file or folder."""
        if self._held is not None and os.path.abspath(file.rstrip("/")) == self._held.path:
            raise OutputExistsError(f"image.removefile: {file!r} is the open image; call remove")
        remove_output(require_present(file, "file"))
        return True


def _kind_of(dtype: np.dtype) -> str:
    return {"f8": "d", "c8": "c", "c16": "cd"}.get(np.dtype(dtype).str[1:], "f")


def _within(block: tuple[slice, ...], first: list[int], last: list[int]) -> np.ndarray:
    """True for pixels of a block that lie in a box."""
    result = np.ones((1,) * len(block), dtype=bool)
    for axis, (s, a, b) in enumerate(zip(block, first, last, strict=True)):
        at = np.arange(s.start, s.stop)
        result = result & ((at >= a) & (at <= b)).reshape([-1 if k == axis else 1 for k in range(len(block))])
    return result


def _draw(rng: np.random.Generator, kind: str, pars: list[float], shape: tuple[int, ...]) -> np.ndarray:
    """Random numbers; parameters as CASA's random tool takes them (variances, not deviations)."""
    a, b = pars[0], pars[1] if len(pars) > 1 else 0.0
    if kind == "normal":
        return rng.normal(a, np.sqrt(b), shape)
    if kind == "uniform":
        return rng.uniform(a, b, shape)
    if kind == "poisson":
        return rng.poisson(a, shape).astype(np.float64)
    if kind == "binomial":
        return rng.binomial(round(a), b, shape).astype(np.float64)
    if kind == "discreteuniform":
        return rng.integers(round(a), round(b) + 1, shape).astype(np.float64)
    if kind == "erlang":  # mean and variance
        return rng.gamma(a * a / b, b / a, shape)
    if kind == "geometric":
        return rng.geometric(1.0 - a, shape).astype(np.float64) - 1.0
    if kind == "negativeexponential":
        return rng.exponential(a, shape)
    if kind == "lognormal":  # mean and variance of the numbers themselves
        spread = np.log1p(b / a**2)
        return rng.lognormal(np.log(a) - 0.5 * spread, np.sqrt(spread), shape)
    if kind == "weibull":
        return b * rng.weibull(a, shape)
    # hypergeometric, as CASA calls a mixture of two exponentials of this mean and variance
    spread = np.sqrt(max((b - a * a) / (b + a * a), 0.0))
    part = 0.5 * (1.0 - spread)
    chosen = np.where(rng.uniform(size=shape) > part, 1.0 - part, part)
    return np.asarray(rng.exponential(a, shape) / (2.0 * chosen))
