"""The regionmanager tool: region records made, combined, read from text and kept in image tables."""

from __future__ import annotations

import os
from typing import Annotated, Any

import numpy as np

from casatools._base import kinds, log
from casatools._base.declare import method
from casatools._base.errors import DataError, OutputExistsError, ParameterError, PathMissingError
from casatools._base.paths import require_present, staged_output
from casatools.analysis.regions import ImageSelection
from casatools.analysis.regions.record_writing import (
    combined_record,
    pixel_box_record,
    selection_record,
    world_box_record,
    world_polygon_record,
)
from casatools.analysis.sub_images import PixelChoice
from casatools.frames import image_frames
from casatools.frames.quantities import parse_quantity
from casatools.io.image import CasaImage
from casatools.tools.coordsys.structure import coordinates_from_tool_record

__all__ = ["regionmanager"]

_Quantities = kinds.Variant((kinds.TextList(numbers=True), kinds.Record()))


def _values(given: Any, name: str) -> list[dict[str, Any]]:
    """Quantities of a corner: texts, a record of quantities, or one quantity."""
    if isinstance(given, dict):
        if "value" in given:
            return [{"unit": str(given["unit"]), "value": float(v)} for v in np.ravel(given["value"])]
        return [{"unit": str(q["unit"]), "value": float(q["value"])} for _, q in sorted(given.items())]
    out = []
    for text in given[0].split() if len(given) == 1 and isinstance(given[0], str) else given:
        value, unit = parse_quantity(text)
        if not unit:
            raise ParameterError(f"regionmanager: parameter {name!r} needs units ('pix' for pixels); got {text!r}")
        out.append({"unit": unit, "value": float(value)})
    return out


def _in_world(sides: list[dict[str, Any]], axes: list[int], csys: dict[str, Any]) -> list[dict[str, Any]]:
    """Vertices in pixels as world values, as CASA keeps them; those of other units as they are."""
    if any(side["unit"] != "pix" for side in sides):
        return sides
    coordinates = coordinates_from_tool_record(csys)
    pixels = np.repeat(coordinates.reference_pixel[:, None], len(sides[0]["value"]), axis=1)
    for side, axis in zip(sides, axes, strict=True):
        pixels[axis] = side["value"]
    world = image_frames.to_world(coordinates, pixels)
    found = [coordinates.pixel_to_world_axis(axis) for axis in axes]
    return [{"unit": coordinates.units[k], "value": world[k]} for k in found]


def _records(given: Any, least: int, name: str) -> list[dict[str, Any]]:
    found = (
        [given] if isinstance(given, dict) and "isRegion" in given else list(given.values() if isinstance(given, dict) else given)
    )
    if len(found) < least or not all(isinstance(r, dict) and "isRegion" in r for r in found):
        raise ParameterError(f"regionmanager.{name}: {least} region records or more are needed; got {len(found)}")
    return found


_Regions = kinds.Variant((kinds.Record(), kinds.Array()))


class regionmanager:
    """Regions of images as records."""

    def __init__(self) -> None:
        self._csys: dict[str, Any] = {}

    def _system(self, csys: dict[str, Any]) -> dict[str, Any]:
        found = csys or self._csys
        if not found:
            raise ParameterError("regionmanager: no coordinate system was given; pass csys or call setcoordinates first")
        return found

    @method
    def setcoordinates(self, csys: Annotated[dict, kinds.Record(), "Record of a coordinate system"] = {}) -> bool:  # noqa: B006 - copied
        """Set the coordinate system that methods use when none is passed to them."""
        if not len(coordinates_from_tool_record(csys)):
            raise ParameterError(
                "regionmanager.setcoordinates: parameter 'csys' holds no coordinates; give the record of a coordsys tool"
            )
        self._csys = csys
        return True

    @method
    def absreltype(
        self, absrelvalue: Annotated[int, kinds.Int(), "1 absolute, 2 relative to the reference, 3 to the centre"] = 0
    ) -> str:
        """The name of a code for absolute or relative positions."""
        names = {1: "abs", 2: "relref", 3: "relcen"}
        if absrelvalue not in names:
            raise ParameterError(f"regionmanager.absreltype: parameter 'absrelvalue' must be 1, 2 or 3; got {absrelvalue}")
        return names[absrelvalue]

    @method
    def box(
        self,
        blc: Annotated[list[float], kinds.FloatList(), "First pixel of each axis"] = [0.0],  # noqa: B006 - copied
        trc: Annotated[list[float], kinds.FloatList(), "Last pixel of each axis; -1 is the end"] = [-1.0],  # noqa: B006 - copied
        inc: Annotated[list[float], kinds.FloatList(), "Step on each axis"] = [1.0],  # noqa: B006 - copied
        absrel: Annotated[str, kinds.Text(), "abs, relref (from the reference pixel) or relcen (from the centre)"] = "abs",
        frac: Annotated[bool, kinds.Bool(), "Corners are fractions of the axes"] = False,
        comment: Annotated[str, kinds.Text(), "Text kept in the record"] = "",
    ) -> dict[str, Any]:
        """A box of pixels; axes not given are whole."""
        return pixel_box_record(blc, trc, inc, frac, comment, absrel)

    @method
    def wbox(
        self,
        blc: Annotated[Any, _Quantities, "First corner: quantities with units, 'pix' for pixels"] = [],  # noqa: B006 - copied
        trc: Annotated[Any, _Quantities, "Last corner"] = [],  # noqa: B006 - copied
        pixelaxes: Annotated[list[int], kinds.IntList(), "Axes that the corners stand on; -1 is the first ones"] = [-1],  # noqa: B006 - copied
        csys: Annotated[dict, kinds.Record(), "Record of the coordinate system; {} is the one that was set"] = {},  # noqa: B006 - copied
        absrel: Annotated[str, kinds.Text(), "abs, relref (from the reference pixel) or relcen (from the centre)"] = "abs",
        comment: Annotated[str, kinds.Text(), "Text kept in the record"] = "",
    ) -> dict[str, Any]:
        """A box between world positions."""
        corners = [_values(blc, "blc"), _values(trc, "trc")]
        axes = list(range(len(corners[0]))) if list(pixelaxes) == [-1] else [int(a) for a in pixelaxes]
        if not axes or any(len(c) != len(axes) for c in corners):
            raise ParameterError(
                f"regionmanager.wbox: {len(axes)} axes need as many values in blc and trc; got {blc!r} and {trc!r}"
            )
        return world_box_record(axes, corners[0], corners[1], self._system(csys), comment, absrel)

    @method
    def wpolygon(
        self,
        x: Annotated[Any, _Quantities, "x of the vertices, with units"] = [],  # noqa: B006 - copied
        y: Annotated[Any, _Quantities, "y of the vertices"] = [],  # noqa: B006 - copied
        pixelaxes: Annotated[list[int], kinds.IntList(), "The two axes; -1 is the first two"] = [-1],  # noqa: B006 - copied
        csys: Annotated[dict, kinds.Record(), "Record of the coordinate system; {} is the one that was set"] = {},  # noqa: B006 - copied
        absrel: Annotated[str, kinds.Text(), "abs, relref (from the reference pixel) or relcen (from the centre)"] = "abs",
        comment: Annotated[str, kinds.Text(), "Text kept in the record"] = "",
    ) -> dict[str, Any]:
        """A polygon of world positions."""
        sides = [_values(x, "x"), _values(y, "y")]
        axes = [0, 1] if list(pixelaxes) == [-1] else [int(a) for a in pixelaxes]
        if len(sides[0]) != len(sides[1]) or len(sides[0]) < 3 or len(axes) != 2:
            raise ParameterError("regionmanager.wpolygon: three vertices or more are needed, with an x and a y each, on two axes")
        packed = []
        for side in sides:
            unit = side[0]["unit"]
            if any(v["unit"] != unit for v in side):
                raise ParameterError(
                    f"regionmanager.wpolygon: the vertices of one axis must have one unit; got {[v['unit'] for v in side]}"
                )
            packed.append({"unit": unit, "value": np.array([v["value"] for v in side])})
        system = self._system(csys)
        if absrel in ("", "abs"):
            packed = _in_world(packed, axes, system)
        return world_polygon_record(axes, packed[0], packed[1], system, comment, absrel)

    @method
    def makeunion(
        self,
        regions: Annotated[Any, _Regions, "Region records, by any names"] = [],  # noqa: B006 - copied
        comment: Annotated[str, kinds.Text(), "Text kept in the record"] = "",
    ) -> dict[str, Any]:
        """The union of regions."""
        return combined_record("WCUnion", _records(regions, 2, "makeunion"), comment or "Union of regions")

    @method
    def intersection(
        self,
        regions: Annotated[Any, _Regions, "Region records, by any names"] = [],  # noqa: B006 - copied
        comment: Annotated[str, kinds.Text(), "Text kept in the record"] = "",
    ) -> dict[str, Any]:
        """The intersection of regions."""
        return combined_record("WCIntersection", _records(regions, 2, "intersection"), comment or "Intersection of regions")

    @method
    def difference(
        self,
        region1: Annotated[dict, kinds.Record(), "Region"] = {},  # noqa: B006 - copied
        region2: Annotated[dict, kinds.Record(), "Region that is taken away from it"] = {},  # noqa: B006 - copied
        comment: Annotated[str, kinds.Text(), "Text kept in the record"] = "",
    ) -> dict[str, Any]:
        """The pixels of a first region that are not in a second."""
        return combined_record("WCDifference", _records([region1, region2], 2, "difference"), comment or "Difference of regions")

    @method
    def complement(
        self,
        region: Annotated[Any, _Regions, "Region"] = [],  # noqa: B006 - copied
        comment: Annotated[str, kinds.Text(), "Text kept in the record"] = "",
    ) -> dict[str, Any]:
        """The pixels that are not in a region."""
        return combined_record("WCComplement", _records(region, 1, "complement")[:1], comment or "Complement of a region")

    @method
    def concatenation(
        self,
        box: Annotated[Any, _Regions, "Box that extends the regions to further axes"] = [],  # noqa: B006 - copied
        regions: Annotated[Any, _Regions, "Region records"] = [],  # noqa: B006 - copied
        comment: Annotated[str, kinds.Text(), "Text kept in the record"] = "",
    ) -> dict[str, Any]:
        """Regions along a further axis: those of the planes of a box, joined to one region of all their axes.

        Raises
        ------
        ParameterError
            The box or the regions are no region records.
        """
        extent = _records(box, 1, "concatenation")[0]
        parts = [combined_record("WCIntersection", [r, extent], "") for r in _records(regions, 1, "concatenation")]
        return parts[0] if len(parts) == 1 else combined_record("WCUnion", parts, comment or "Concatenation of regions")

    @method
    def frombcs(
        self,
        csys: Annotated[dict, kinds.Record(), "Record of the coordinate system"] = {},  # noqa: B006 - copied
        shape: Annotated[list[int], kinds.IntList(), "Shape of the image"] = [0],  # noqa: B006 - copied
        box: Annotated[str, kinds.Text(), "Rectangles in direction pixels"] = "",
        chans: Annotated[str, kinds.Text(numbers=True), "Channels"] = "",
        stokes: Annotated[str, kinds.Text(), "Polarizations"] = "",
        stokescontrol: Annotated[str, kinds.Text(), "Without polarizations: 'a' for all, 'f' for the first"] = "a",
        region: Annotated[Any, kinds.Variant((kinds.Text(), kinds.Record())), "Region instead of a box"] = [],  # noqa: B006 - copied
    ) -> dict[str, Any]:
        """The region of a box, channel and polarization selection."""
        if stokescontrol not in ("a", "f"):
            raise ParameterError(f"regionmanager.frombcs: parameter 'stokescontrol' must be 'a' or 'f'; got {stokescontrol!r}")
        record = self._system(csys)
        coordinates = coordinates_from_tool_record(record)
        member = coordinates.stokes
        if stokescontrol == "f" and not stokes and member is not None:
            stokes = str(member.labels[0])
        if region and (box or chans):
            raise ParameterError("regionmanager.frombcs: give either a region or box and chans, not both")
        return selection_record(ImageSelection(region or "", box, chans, stokes), coordinates, tuple(shape)[::-1], record)

    @method
    def fromtext(
        self,
        text: Annotated[str, kinds.Text(), "Region text"] = "",
        shape: Annotated[list[int], kinds.IntList(), "Shape of the image"] = [1],  # noqa: B006 - copied
        csys: Annotated[dict, kinds.Record(), "Record of the coordinate system"] = {},  # noqa: B006 - copied
    ) -> dict[str, Any]:
        """The region of CASA region text."""
        if not text.strip():
            raise ParameterError("regionmanager.fromtext: parameter 'text' holds no region")
        record = self._system(csys)
        return selection_record(ImageSelection(text), coordinates_from_tool_record(record), tuple(shape)[::-1], record)

    @method
    def fromtextfile(
        self,
        filename: Annotated[str, kinds.InPath(), "File of region text"] = "",
        shape: Annotated[list[int], kinds.IntList(), "Shape of the image"] = [0],  # noqa: B006 - copied
        csys: Annotated[dict, kinds.Record(), "Record of the coordinate system"] = {},  # noqa: B006 - copied
    ) -> dict[str, Any]:
        """The region of a file of CASA region text."""
        path = require_present(filename, "region file")
        record = self._system(csys)
        return selection_record(ImageSelection(path), coordinates_from_tool_record(record), tuple(shape)[::-1], record)

    @method
    def selectedchannels(
        self,
        specification: Annotated[str, kinds.Text(), "Channels such as '0~3,7' or '>8', or 'range=[1GHz,2GHz]'; '' is all"] = "",
        shape: Annotated[list[int], kinds.IntList(), "Shape of the image"] = [0],  # noqa: B006 - copied
    ) -> Any:
        """The channel numbers of a channel selection, by the coordinates that were set."""
        coordinates = coordinates_from_tool_record(self._system({}))
        axis = coordinates.spectral_axis
        if axis is None or axis >= len(shape):
            raise ParameterError("regionmanager.selectedchannels: the coordinates or the shape have no spectral axis")
        if not specification.strip():
            return np.arange(int(shape[axis]))
        return ImageSelection(chans=specification).channels(coordinates, tuple(shape)[::-1])

    @method
    def ispixelregion(self, region: Annotated[dict, kinds.Record(), "Region"] = {}) -> bool:  # noqa: B006 - copied
        """True for a region of pixels; False, as in CASA, for a box of `box`, whose corners may be fractions of an image."""
        return int(region.get("isRegion", 0)) == 1

    @method
    def isworldregion(self, region: Annotated[dict, kinds.Record(), "Region"] = {}) -> bool:  # noqa: B006 - copied
        """True for a region in world coordinates."""
        return int(region.get("isRegion", 0)) == 2

    @method
    def fromrecordtotable(
        self,
        tablename: Annotated[str, kinds.InPath(), "Image to keep the region in"] = "",
        regionname: Annotated[Any, kinds.Variant((kinds.Text(), kinds.TextList())), "Name to keep it by"] = [],  # noqa: B006 - copied
        regionrec: Annotated[dict, kinds.Record(), "Region"] = {},  # noqa: B006 - copied
        asmask: Annotated[bool, kinds.Bool(), "Keep it as a mask, True in the region"] = False,
        verbose: Annotated[bool, kinds.Bool(), "Tell the log"] = True,
    ) -> str:
        """Keep a region in an image; gives the name it is kept by.

        Raises
        ------
        OutputExistsError
            The image has a region of this name.
        """
        name = regionname if isinstance(regionname, str) else (regionname or [""])[0]
        if not name or "isRegion" not in regionrec:
            raise ParameterError("regionmanager.fromrecordtotable: a name and a region record are needed")
        with CasaImage.open(tablename, writable=True) as image:
            kept = image.regions
            if asmask:
                if name in image.mask_names:
                    raise OutputExistsError(f"image {tablename!r} has a mask {name!r} already")
                chosen = PixelChoice(ImageSelection(regionrec)).of(image)
                image.add_mask(name, False)
                for block, values, _ in chosen.iter_blocks():
                    there = tuple(slice(f + s.start, f + s.stop) for f, s in zip(chosen.pixels.first, block, strict=True))
                    good = chosen.chosen(there)
                    image.write_mask(np.ones(values.shape, bool) if good is None else good, there, name)
                return name
            if name in kept:
                raise OutputExistsError(f"image {tablename!r} has a region {name!r} already")
            image.regions = {**kept, name: regionrec}
        if verbose:
            log.post(f"Region {name} is kept in {tablename}")
        return name

    @method
    def fromtabletorecord(
        self,
        tablename: Annotated[str, kinds.InPath(), "Image"] = "",
        regionname: Annotated[Any, kinds.Variant((kinds.Text(), kinds.TextList())), "Name of the region"] = [],  # noqa: B006 - copied
        verbose: Annotated[bool, kinds.Bool(), "Tell the log"] = True,
    ) -> dict[str, Any]:
        """A region that is kept in an image."""
        name = regionname if isinstance(regionname, str) else (regionname or [""])[0]
        found = self._kept(tablename)
        if name not in found:
            raise PathMissingError(f"image {tablename!r} has no region {name!r}; it has {', '.join(found) or 'none'}")
        if verbose:
            log.post(f"region {name!r} of {tablename}")
        return found[name]

    @staticmethod
    def _kept(tablename: str) -> dict[str, Any]:
        with CasaImage.open(tablename) as image:
            return image.regions

    @method
    def namesintable(self, tablename: Annotated[str, kinds.InPath(), "Image"] = "") -> list[str]:
        """Names of the regions, and of the masks, that are kept in an image."""
        kept = list(self._kept(tablename))
        with CasaImage.open(tablename) as image:
            return kept + [name for name in image.mask_names if name not in kept]

    @method
    def deletefromtable(
        self,
        tablename: Annotated[str, kinds.InPath(), "Image"] = "",
        regionname: Annotated[Any, kinds.Variant((kinds.Text(), kinds.TextList())), "Name of the region"] = "",
    ) -> bool:
        """Delete a region that is kept in an image."""
        name = regionname if isinstance(regionname, str) else (regionname or [""])[0]
        with CasaImage.open(tablename, writable=True) as image:
            kept = image.regions
            if name not in kept:
                raise PathMissingError(f"image {tablename!r} has no region {name!r}; it has {', '.join(kept) or 'none'}")
            del kept[name]
            image.regions = kept
        return True

    @method
    def tofile(
        self,
        filename: Annotated[str, kinds.OutPath(), "File to write"] = "",
        region: Annotated[dict, kinds.Record(), "Region"] = {},  # noqa: B006 - copied
    ) -> bool:
        """Write a region record to a file that `fromfiletorecord`, here and in CASA, reads."""
        from casatools.io.formats.record_file import write_record

        if "isRegion" not in region:
            raise ParameterError("regionmanager.tofile: parameter 'region' is not a region record")
        with staged_output(filename) as temporary:
            write_record(temporary, region)
        return True

    @method
    def fromfiletorecord(
        self,
        filename: Annotated[str, kinds.InPath(), "File that tofile wrote"] = "",
        verbose: Annotated[bool, kinds.Bool(), "Tell the log"] = True,
        regionname: Annotated[str, kinds.Text(), "Accepted for compatibility; a file holds one region"] = "",
    ) -> dict[str, Any]:
        """Read a region record from a file.

        Raises
        ------
        ParameterError
            The file holds no region record.
        """
        from casatools.io.formats.record_file import read_record

        path = require_present(filename, "region file")
        if os.path.isdir(path):
            raise ParameterError(f"{filename!r} is a folder; regions in tables are read by fromtabletorecord")
        try:
            found = read_record(path)
        except DataError:
            raise ParameterError(f"{filename!r} holds no region record; region text is read by fromtextfile") from None
        if "isRegion" not in found:
            raise ParameterError(f"{filename!r} holds a record that is no region")
        if verbose:
            log.post(f"region of the file {filename}")
        return found

    @method
    def done(self) -> bool:
        """Forget the coordinate system."""
        self._csys = {}
        return True
