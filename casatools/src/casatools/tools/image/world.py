"""World coordinates of the image tool: conversions, single pixels, profiles, fluxes."""

from __future__ import annotations

import math
from typing import Annotated, Any

import numpy as np

from casatools._base import kinds
from casatools._base.declare import method
from casatools._base.errors import ParameterError
from casatools._base.paths import require_writable_parent
from casatools.analysis.profiles import ProfileOptions, image_profile
from casatools.analysis.regions import ImageSelection
from casatools.analysis.sub_images import PixelChoice
from casatools.frames.quantities import parse_quantity, to_unit
from casatools.imaging.beam_fit import GaussianBeam
from casatools.imaging.restoration import beam_difference, common_beam
from casatools.tools.coordsys import coordsys as _coordsys
from casatools.tools.image.session import SessionMethods

__all__ = ["WorldMethods"]

_Region = kinds.Variant((kinds.Text(), kinds.Record()))
_Value = kinds.Variant(())
_Angle = kinds.Variant(())


def _beam(given: Any, name: str) -> GaussianBeam:
    """Major axis, minor axis and position angle from a list of quantities or a record."""
    if isinstance(given, dict):
        given = [given[k] for k in ("major", "minor")] + [given.get("pa", given.get("positionangle", "0deg"))]
    elif isinstance(given, str):
        given = [given]
    if not isinstance(given, (list, tuple)) or not 1 <= len(given) <= 3:
        raise ParameterError(f"image: parameter {name!r} must be [major, minor, position angle]; got {given!r}")
    major = float(to_unit(given[0], "rad"))
    minor = float(to_unit(given[1], "rad")) if len(given) > 1 else major
    angle = float(to_unit(given[2], "rad")) if len(given) > 2 else 0.0
    if not major >= minor > 0:
        raise ParameterError(
            f"image: parameter {name!r} must have a major axis not below the minor axis, both positive; got {given!r}"
        )
    return GaussianBeam(major, minor, angle)


def _quantities(beam: GaussianBeam) -> dict[str, Any]:
    arcsec = 206264.80624709636
    return {
        "major": {"unit": "arcsec", "value": beam.major_rad * arcsec},
        "minor": {"unit": "arcsec", "value": beam.minor_rad * arcsec},
        "pa": {"unit": "deg", "value": float(np.rad2deg(beam.angle_rad))},
    }


class WorldMethods(SessionMethods):
    """World coordinates and what depends on them."""

    def _coordinate_tool(self) -> Any:
        return _coordsys.from_coordinates(self._image.coordinates, self._image.path)

    @method
    def toworld(
        self,
        value: Annotated[Any, _Value, "Pixel (0-based); axes not given are at the reference pixel"] = [],  # noqa: B006 - copied
        format: Annotated[str, kinds.Text(), "Of the result: any of n, q, m, s"] = "n",
        dovelocity: Annotated[bool, kinds.Bool(), "Measures hold velocities too"] = True,
    ) -> dict[str, Any]:
        """World values of a pixel."""
        record = self._coordinate_tool().toworld(value, format)
        record.pop("pw_type", None)
        record.pop("ar_type", None)
        if not dovelocity:
            spectral = record.get("measure", {}).get("spectral", {})
            for name in [k for k in spectral if k.endswith("velocity")]:
                del spectral[name]
        return record

    @method
    def topixel(
        self,
        value: Annotated[Any, _Value, "World values; axes not given are at the reference value"] = [],  # noqa: B006 - copied
    ) -> dict[str, Any]:
        """The pixel of world values."""
        given = dict(value) if isinstance(value, dict) else value
        return self._coordinate_tool().topixel(given)

    @method
    def pixelvalue(
        self,
        pixel: Annotated[
            list[float], kinds.FloatList(), "Pixel; fractions are cut off; [-1] and missing axes are the reference pixel"
        ] = [-1],  # noqa: B006 - copied
    ) -> dict[str, Any]:
        """Value, mask and unit of a pixel; empty outside the image."""
        image = self._image
        shape = image.shape[::-1]
        given = [] if list(pixel) == [-1] else [math.trunc(v) for v in pixel]
        if any(v < 0 for v in given):
            return {}
        place = self._pixel(given)
        if any(not 0 <= p < n for p, n in zip(place, shape, strict=True)):
            return {}
        slices = tuple(slice(p, p + 1) for p in place[::-1])
        value = image.read(slices).ravel()[0]
        number = complex(value) if np.iscomplexobj(value) else float(value)
        return {
            "mask": bool(image.read_mask(slices).ravel()[0]), "pixel": np.array(place, dtype=np.int64),
            "value": {"unit": image.unit, "value": number},
        }  # fmt: skip

    def _pixel(self, given: Any) -> list[int]:
        """A pixel of all axes; -1 and missing ones are the reference pixel."""
        shape = self._image.shape[::-1]
        middle = [round(float(p)) for p in self._image.coordinates.reference_pixel]
        values = [round(float(v)) for v in given]
        if len(values) > len(shape):
            raise ParameterError(f"image: a pixel has {len(values)} axes, the image has {len(shape)}")
        values += [-1] * (len(shape) - len(values))
        return [m if v == -1 else v for v, m in zip(values, middle, strict=True)]

    @method
    def coordmeasures(
        self,
        pixel: Annotated[list[float], kinds.FloatList(), "Pixel; -1 is the reference pixel of an axis"] = [-1.0],  # noqa: B006 - copied
        dframe: Annotated[str, kinds.Text(), "Frame of directions; 'cl' is the conversion layer's, 'native' the image's"] = "cl",
        sframe: Annotated[str, kinds.Text(), "Frame of frequencies, in the same way"] = "cl",
    ) -> dict[str, Any]:
        """Value and world coordinates of a pixel as measures."""
        place = self._pixel([math.trunc(p) for p in pixel])
        exact = [float(p) for p in place]
        exact[: len(pixel)] = [p if v == -1 else v for v, p in zip(pixel, exact, strict=False)]
        found = self.pixelvalue([float(p) for p in place])
        if not found:
            raise ParameterError(
                f"image.coordmeasures: pixel {place} is outside the image of shape {list(self._image.shape[::-1])}"
            )
        tool = self._coordinate_tool()
        coordinates = self._image.coordinates
        if dframe.lower() != "cl" and coordinates.direction is not None:
            tool.setconversiontype(direction=coordinates.direction.frame if dframe.lower() == "native" else dframe.upper())
        if sframe.lower() != "cl" and coordinates.spectral is not None:
            tool.setconversiontype(spectral=coordinates.spectral.frame if sframe.lower() == "native" else sframe.upper())
        return {
            "intensity": found["value"],
            "mask": found["mask"],
            "measure": tool.toworld(exact, "m")["measure"],
        }

    @method
    def convertflux(
        self,
        value: Annotated[Any, _Value, "Peak or integrated flux density with its unit"] = [],  # noqa: B006 - copied
        major: Annotated[Any, _Angle, "Full width of the source along its major axis"] = [],  # noqa: B006 - copied
        minor: Annotated[Any, _Angle, "Full width along its minor axis"] = [],  # noqa: B006 - copied
        type: Annotated[str, kinds.Text(), "Shape of the source: Gaussian or disk"] = "Gaussian",
        topeak: Annotated[bool, kinds.Bool(), "From integrated to peak flux density, else the other way"] = True,
        channel: Annotated[int, kinds.Int(), "Channel whose beam counts"] = -1,
        polarization: Annotated[int, kinds.Int(), "Polarization plane whose beam counts"] = -1,
    ) -> dict[str, Any]:
        """Convert between peak and integrated flux density of a source as seen (beam included)."""
        image = self._image
        if not image.beams:
            raise ParameterError("image.convertflux: the image has no restoring beam")
        number, unit = parse_quantity(value[0] if isinstance(value, list) and len(value) == 1 else value)
        if np.ndim(number) > 0:
            raise ParameterError(f"image.convertflux: parameter 'value' must be one quantity; got {value!r}")
        kind = type.lower()
        if not kind or not ("gaussian".startswith(kind) or "disk".startswith(kind)):
            raise ParameterError(f"image.convertflux: parameter 'type' must be Gaussian or disk; got {type!r}")
        factor = np.pi / (4.0 * np.log(2.0)) if "gaussian".startswith(kind) else np.pi / 4.0
        source = factor * float(to_unit(major, "rad")) * float(to_unit(minor, "rad"))
        area = image.beams.at(max(channel, 0), max(polarization, 0)).area_rad2
        if topeak:
            return {"unit": f"{unit}/beam", "value": float(number * area / source)}
        if not unit.endswith("/beam"):
            raise ParameterError(f"image.convertflux: a peak flux density is per beam, such as '1Jy/beam'; got {value!r}")
        return {"unit": unit.removesuffix("/beam"), "value": float(number * source / area)}

    @method
    def commonbeam(self) -> dict[str, Any]:
        """The smallest beam that all planes can be convolved to."""
        beams = self._image.beams
        if not beams:
            raise ParameterError("image.commonbeam: the image has no restoring beam")
        found = [GaussianBeam(b.major_rad, b.minor_rad, b.position_angle_rad) for b in beams.beams if not b.is_null]
        return _quantities(found[0] if len(found) == 1 else common_beam(found))

    @method
    def deconvolvefrombeam(
        self,
        source: Annotated[Any, _Value, "Beam-convolved size: [major, minor, position angle]"] = [],  # noqa: B006 - copied
        beam: Annotated[Any, _Value, "Beam, in the same way"] = [],  # noqa: B006 - copied
    ) -> dict[str, Any]:
        """The size of a Gaussian source without the beam; ``success`` False when it is a point."""
        found = beam_difference(_beam(source, "source"), _beam(beam, "beam"))
        if found is None:
            nothing = {"major": {"unit": "arcsec", "value": 0.0}, "minor": {"unit": "arcsec", "value": 0.0}}
            return {"fit": {**nothing, "pa": {"unit": "deg", "value": 0.0}, "success": False}, "return": False}
        return {"fit": {**_quantities(found), "success": True}, "return": False}

    @method
    def beamforconvolvedsize(
        self,
        source: Annotated[Any, _Value, "Size without the beam: [major, minor, position angle]"] = [],  # noqa: B006 - copied
        convolved: Annotated[Any, _Value, "Size with the beam"] = [],  # noqa: B006 - copied
    ) -> dict[str, Any]:
        """The beam that makes a Gaussian source of one size look like one of another.

        Raises
        ------
        ParameterError
            There is no such beam.
        """
        found = beam_difference(_beam(convolved, "convolved"), _beam(source, "source"))
        if found is None:
            raise ParameterError("image.beamforconvolvedsize: the convolved size is not larger than the source in all directions")
        return _quantities(found)

    @method
    def getprofile(
        self,
        axis: Annotated[int, kinds.Int(), "Axis of the profile"] = -1,
        function: Annotated[str, kinds.Text(), "Statistic over the other axes, as for collapse"] = "mean",
        region: Annotated[Any, _Region, "Region; '' is all"] = {},  # noqa: B006 - copied
        mask: Annotated[str, kinds.Text(), "Lattice expression, true where pixels are used"] = "",
        unit: Annotated[str, kinds.Text(), "Unit of the coordinate; '' is that of the axis"] = "",
        stretch: Annotated[bool, kinds.Bool(), "Stretch a mask of fewer planes over the image"] = False,
        spectype: Annotated[
            str, kinds.Text(), "Spectral coordinate: default, frequency, radio velocity, optical velocity, wavelength"
        ] = "default",
        restfreq: Annotated[str, kinds.Text(), "Rest frequency for velocities"] = "",
        frame: Annotated[str, kinds.Text(), "Only '': the frame of the image"] = "",
        logfile: Annotated[str, kinds.OutPath(), "Text file to write the profile to"] = "",
    ) -> dict[str, Any]:
        """A profile along an axis: one value a pixel, the statistic of all others.

        Returns
        -------
        dict
            ``coords values mask npix planes xUnit yUnit``.
        """
        if logfile:
            require_writable_parent(logfile)
        options = ProfileOptions(axis, function, unit, spectype, restfreq, frame)
        record = image_profile(self._image, PixelChoice(ImageSelection(region), mask, stretch), options)
        if logfile:
            with open(logfile, "w", encoding="utf-8") as stream:
                stream.write(f"# coordinate [{record['xUnit']}], value [{record['yUnit']}], pixels\n")
                for row in zip(record["coords"], record["values"], record["npix"], strict=True):
                    stream.write("{:.10g} {:.7g} {}\n".format(*row))
        return record
