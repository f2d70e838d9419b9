"""The one selection of image pixels: region, box, channels and polarizations of the tasks, resolved on an image.

References
----------
"CASA Region Format" and "Image selection parameters", CASA documentation: meaning of box, chans, stokes and of region text.
"""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from casatools._base.errors import DataError, ParameterError, SelectionError
from casatools._base.paths import resolve
from casatools.analysis.regions.crtf import CrtfRegion, parse_crtf, parse_crtf_file
from casatools.analysis.regions.pixels import PixelSet, Term
from casatools.analysis.regions.records import Combination, record_region
from casatools.analysis.regions.shapes import Annulus, Ellipse, PlaneShape, Polygon, Rectangle
from casatools.frames.image_frames import frequency_factor, image_frame_measures, layer_factor
from casatools.frames.quantities import parse_quantity, to_unit
from casatools.io.formats.record_file import read_record
from casatools.io.image import CasaImage
from casatools.io.image.coordinates.spectral import SpectralCoordinate, doppler_code, spectral_frame
from casatools.io.image.coordinates.system import Coordinates

__all__ = ["ImageSelection", "parse_channels"]

_STOKES = ("RR", "RL", "LR", "LL", "XX", "XY", "YX", "YY", "RX", "RY", "LX", "LY", "XR", "XL", "YR", "YL", "PP", "PQ", "QP", "QQ",
           "RCircular", "LCircular", "Linear", "Ptotal", "Plinear", "PFtotal", "PFlinear", "Pangle", "I", "Q", "U", "V")  # fmt: skip

# Directions this far to the north tell which way north is.
_STEP_RAD = 1e-6


def parse_channels(text: str, count: int) -> np.ndarray:
    """Read a channel selection of an image: ``3~8;10``, ``<5``, ``>20``, ``2,4``.

    Raises
    ------
    SelectionError
        It cannot be read, or names channels that are not there.
    """
    chosen: set[int] = set()
    for part in re.split(r"[;,]", text):
        part = part.strip()
        if not part:
            continue
        match = re.fullmatch(r"(\d+)\s*~\s*(\d+)(?:\s*\^\s*(\d+))?", part)
        bound = re.fullmatch(r"([<>]=?)\s*(\d+)", part)
        if match:
            low, high, step = int(match.group(1)), int(match.group(2)), int(match.group(3) or 1)
        elif bound:
            number, strict = int(bound.group(2)), 0 if bound.group(1).endswith("=") else 1
            low, high, step = (0, number - strict, 1) if bound.group(1)[0] == "<" else (number + strict, count - 1, 1)
        elif part.isdigit():
            low = high = int(part)
            step = 1
        else:
            raise SelectionError(f"channel selection {text!r} cannot be read at {part!r}; write such as '3~8;10', '<5' or '>20'")
        if high >= count or low > high:
            raise SelectionError(f"channel selection {text!r} asks for {part!r}, but the image has channels 0 to {count - 1}")
        chosen.update(range(low, high + 1, step))
    return np.array(sorted(chosen), dtype=np.int64)


@dataclass(frozen=True)
class ImageSelection:
    """What part of an image is meant.

    Attributes
    ----------
    region : str or dict
        CRTF text, the name of a file of such text or of a region record, ``image:name`` of a region kept in an image, or a record; empty for all.
    box : str
        ``blcx,blcy,trcx,trcy`` in direction pixels, several in a row for a union.
    chans : str
        Channels, or a CRTF range such as ``range=[1GHz,2GHz]``.
    stokes : str
        Polarizations such as ``IQ`` or ``RR,LL``.
    """

    region: Any = ""
    box: str = ""
    chans: str = ""
    stokes: str = ""

    def resolve(self, coordinates: Coordinates, shape: Sequence[int]) -> PixelSet:
        """Find the pixels of an image of the given shape (array order).

        Raises
        ------
        ParameterError, SelectionError
            An expression cannot be read, or nothing of the image is chosen.
        """
        place = _Place(coordinates, tuple(shape))
        others = self._others(place)
        what = ", ".join(f"{n}={v!r}" for n, v in vars(self).items() if v) or "the image"
        kept = self._kept_record() if isinstance(self.region, str) else self.region
        if isinstance(kept, dict) and kept and "crtf" not in kept:
            chosen: Any = record_region(kept, coordinates, shape)
            if others:
                chosen = Combination("intersection", (chosen, Term(None, others, plane_axes=place.plane)))
            return PixelSet(shape, [chosen], what)
        if self.region:
            terms = [t for r in self._regions() if (t := place.term(r, others)) is not None]
            if not terms:
                raise SelectionError(f"region {self.region!r} holds only annotations, no pixels")
            return PixelSet(shape, terms, what)
        if self.box:
            return PixelSet(shape, [Term(r, others, plane_axes=place.plane) for r in self._boxes(place)], what)
        return PixelSet(shape, [Term(None, others, plane_axes=place.plane)], what)

    def on(self, image: CasaImage) -> PixelSet:
        """What `resolve` gives for an image, whose own regions may be named without it."""
        own = image.regions if isinstance(self.region, str) and re.fullmatch(r"\w+", self.region) else {}
        return replace(self, region=own[self.region] if own and self.region in own else self.region).resolve(
            image.coordinates, image.shape
        )

    def channels(self, coordinates: Coordinates, shape: Sequence[int]) -> np.ndarray:
        """The channels that are chosen of an image of the given shape (array order); raises as `resolve`."""
        place = _Place(coordinates, tuple(shape))
        return self._others(place)[place.spectral if place.spectral is not None else -1]

    def _others(self, place: _Place) -> dict[int, np.ndarray]:
        found: dict[int, np.ndarray] = {}
        if self.chans:
            text = self.chans.strip()
            axis = place.spectral
            if axis is None:
                raise SelectionError(f"chans={self.chans!r} was given, but the image has no spectral axis")
            if text.startswith("range"):
                match = re.fullmatch(r"range\s*=\s*\[([^\[\],]+),([^\[\],]+)\]", text)
                if match is None:
                    raise SelectionError(f"chans={self.chans!r} cannot be read; a range is written 'range=[1.40GHz,1.41GHz]'")
                found[axis] = place.channel_range([v.strip() for v in match.groups()], {})
            else:
                found[axis] = parse_channels(text, place.shape[axis])
        if self.stokes:
            if place.stokes is None:
                raise SelectionError(f"stokes={self.stokes!r} was given, but the image has no polarization axis")
            found[place.stokes] = place.polarizations(self.stokes)
        return found

    def _kept_record(self) -> dict[str, Any] | None:
        """The record that a file of `regionmanager.tofile` or a region of an image (``image:name``) holds; None for text and files of text."""
        text = self.region.strip()
        if not text or _is_text(text):
            return None
        path = resolve(text)
        if os.path.isfile(path):
            with open(path, "rb") as stream:
                if stream.read(64).lstrip().startswith(b"#CRTF"):
                    return None
            try:
                return read_record(path)
            except DataError:
                return None  # read as text, whose reader says what it should begin with
        folder, colon, name = text.rpartition(":")
        if not colon or not os.path.isdir(resolve(folder)):
            return None
        with CasaImage.open(folder) as image:
            regions = image.regions
        if name not in regions:
            raise SelectionError(
                f"image {folder!r} keeps no region {name!r}; its regions: {', '.join(sorted(regions)) or 'none'}"
            )
        return dict(regions[name])

    def _regions(self) -> list[CrtfRegion]:
        text = self.region
        if isinstance(text, dict):
            text = text["crtf"]
        stripped = str(text).strip()
        if _is_text(stripped):
            return parse_crtf(stripped)
        path = resolve(stripped)
        if os.path.isfile(path):
            return parse_crtf_file(path)
        raise SelectionError(f"region {stripped!r} is neither region text nor a region file")

    def _boxes(self, place: _Place) -> list[Rectangle]:
        try:
            numbers = [float(v) for v in self.box.split(",")]
        except ValueError:
            raise SelectionError(f"box {self.box!r} must be numbers 'blcx,blcy,trcx,trcy'") from None
        if not numbers or len(numbers) % 4:
            raise SelectionError(f"box {self.box!r} must hold four numbers a rectangle: blcx,blcy,trcx,trcy")
        nx, ny = (place.shape[a] for a in place.plane)
        found = []
        for k in range(0, len(numbers), 4):
            x0, y0, x1, y1 = numbers[k : k + 4]
            if x0 > x1 or y0 > y1:
                raise SelectionError(
                    f"box {self.box!r}: the first corner {x0:g},{y0:g} must not lie beyond the second {x1:g},{y1:g}"
                )
            if x0 < 0 or y0 < 0 or x1 >= nx or y1 >= ny:
                raise SelectionError(f"box {self.box!r} reaches outside the image plane of {nx} by {ny} pixels")
            found.append(Rectangle(x0, y0, x1, y1))
        return found


def _is_text(text: str) -> bool:
    """Whether a region is written out rather than named."""
    return bool(re.match(r"[+-]?\s*(ann\s+)?[a-z]+\s*\[|global\s", text)) or text.startswith("#CRTF")


class _Place:
    """The axes and coordinates of the image that regions are resolved on."""

    def __init__(self, coordinates: Coordinates, shape: tuple[int, ...]) -> None:
        self.coordinates, self.shape = coordinates, shape
        ndim = len(shape)
        direction = [ndim - 1 - a for a in coordinates.direction_axes if a >= 0]
        self.has_direction = len(direction) == 2
        # Without a sky, boxes stand on the first two pixel axes.
        self.plane: tuple[int, int] = (direction[0], direction[1]) if self.has_direction else (ndim - 1, max(ndim - 2, 0))
        spectral, stokes = coordinates.spectral_axis, coordinates.stokes_axis
        self.spectral = None if spectral is None or spectral < 0 else ndim - 1 - spectral
        self.stokes = None if stokes is None or stokes < 0 else ndim - 1 - stokes

    def polarizations(self, text: str) -> np.ndarray:
        """Pixels on the Stokes axis of names such as ``IQ``, ``RR,LL``."""
        member = self.coordinates.stokes
        assert member is not None and self.stokes is not None
        have = [str(v) for v in member.labels]
        text = text.replace(";", ",")
        names = [p.strip() for p in text.split(",")] if "," in text else _split_stokes(text.strip())
        missing = [n for n in names if n.upper() not in [h.upper() for h in have]]
        if missing:
            raise SelectionError(f"stokes={text!r} asks for {missing[0]!r}, but the image has {', '.join(have)}")
        return np.array(sorted([h.upper() for h in have].index(n.upper()) for n in names), dtype=np.int64)

    def channel_range(self, limits: Sequence[str], keys: dict[str, str]) -> np.ndarray:
        """Channels between two limits in channels, frequency or velocity."""
        assert self.spectral is not None
        count = self.shape[self.spectral]
        if len(limits) != 2:
            raise ParameterError(f"a region's range must have two limits; got {list(limits)}")
        ends = [self._channel(text, keys) for text in limits]
        low, high = min(ends), max(ends)
        first, last = max(0, int(np.floor(low + 0.5 + 1e-6))), min(count - 1, int(np.floor(high + 0.5 + 1e-6)))
        return np.arange(first, last + 1, dtype=np.int64)

    def _channel(self, text: str, keys: dict[str, str]) -> float:
        value, unit = parse_quantity(text)
        spectral = self.coordinates.spectral
        if unit in ("", "pix", "chan", "channel") or spectral is None:
            return float(value)
        if unit.endswith("m/s"):
            doppler = keys.get("veltype", "RADIO")
            if "restfreq" in keys:
                rest = float(to_unit(keys["restfreq"], "Hz")) / float(spectral.hz)
                spectral = replace(spectral, rest_frequencies=np.array([rest]), rest_index=0)
            hz = float(np.ravel(spectral.frequency_hz_of(np.array([to_unit(text, "m/s")]), doppler, "m/s"))[0])
        else:
            hz = float(to_unit(text, "Hz"))
        native = hz * self._to_own_frame(spectral, keys.get("frame", "")) / float(spectral.hz)
        return float(np.ravel(spectral.to_pixel(np.array([[native]])))[0])

    def _to_own_frame(self, spectral: SpectralCoordinate, frame: str) -> float:
        """The factor from frequencies of a frame, or of the one that the image was asked to be given in, to its own."""
        if not frame:
            return 1.0 / layer_factor(spectral)
        measures = image_frame_measures(self.coordinates.observation, self.coordinates.direction)
        return frequency_factor(spectral_frame(frame), spectral.frame, measures)

    def term(self, region: CrtfRegion, others: dict[int, np.ndarray]) -> Term | None:
        """The pixels of one region line, with the selection of the task on the other axes."""
        if region.annotation:
            return None
        chosen = dict(others)
        limits = region.key_list("range")
        for key, known in (("frame", spectral_frame), ("veltype", doppler_code)):
            if key in region.keys:
                known(region.keys[key])
        if limits and self.spectral is not None:
            own = self.channel_range(limits, region.keys)
            chosen[self.spectral] = np.intersect1d(chosen[self.spectral], own) if self.spectral in chosen else own
        names = region.key_list("corr")
        if names and self.stokes is not None:
            own = self.polarizations(",".join(names))
            chosen[self.stokes] = np.intersect1d(chosen[self.stokes], own) if self.stokes in chosen else own
        return Term(self.plane_shape(region), chosen, region.exclude, self.plane)

    def plane_shape(self, region: CrtfRegion) -> PlaneShape:
        """A region line's shape in pixels."""
        arguments = region.arguments
        frame = region.keys.get("coord", "")
        if region.shape == "poly":
            points = [self._position(p, frame) for p in arguments]
            return Polygon(tuple(p[0] for p in points), tuple(p[1] for p in points))
        if region.shape == "box":
            return self._box(arguments, frame)
        x, y = self._position(arguments[0], frame)
        turn = self._turn(arguments[0], frame)
        if region.shape in ("centerbox", "rotbox"):
            half_x, half_y = (0.5 * v for v in self._pixel_sizes(arguments[1]))
            if region.shape == "centerbox" and not turn:
                corners = self._sky_corners(_rotated(x, y, half_x, half_y, 0.0), x, y)
                return Rectangle(x - half_x, y - half_y, x + half_x, y + half_y, corners)
            angle = 0.0 if region.shape == "centerbox" else float(to_unit(str(arguments[2]), "rad"))
            flat = _rotated(x, y, half_x, half_y, angle + turn)
            return replace(flat, on_sky=self._sky_corners(flat, x, y))
        if region.shape == "circle":
            return self._ellipse(x, y, str(arguments[1]), str(arguments[1]), 0.0)
        if region.shape == "annulus":
            inner, outer = tuple(arguments[1])
            return Annulus(self._ellipse(x, y, inner, inner, 0.0), self._ellipse(x, y, outer, outer, 0.0))
        first, second = tuple(arguments[1])
        return self._ellipse(x, y, first, second, float(to_unit(str(arguments[2]), "rad")) + turn)

    def _box(self, corners: Sequence[tuple[str, ...] | str], frame: str) -> PlaneShape:
        """A box between two corners; one of another frame has its sides along the meridians and parallels of that frame."""
        (x0, y0), (x1, y1) = (self._position(p, frame) for p in corners)
        if not self._is_foreign(corners[0], frame):
            return Rectangle(x0, y0, x1, y1)
        first, second = corners
        (x2, y2), (x3, y3) = self._position((second[0], first[1]), frame), self._position((first[0], second[1]), frame)
        return Polygon((x0, x2, x1, x3), (y0, y2, y1, y3))

    def _is_foreign(self, position: tuple[str, ...] | str, frame: str) -> bool:
        """Whether a position is on the sky and in another frame than the image's own."""
        direction = self.coordinates.direction
        return bool(frame) and direction is not None and frame.upper() != direction.frame and not str(position[0]).endswith("pix")

    def _turn(self, position: tuple[str, ...] | str, frame: str) -> float:
        """Angle on the picture, counter-clockwise, from the north of the image's own frame to that of a region's, at a position."""
        if not self._is_foreign(position, frame):
            return 0.0
        scale = np.array(self._cell_rad()) * (-1.0, 1.0)
        longitude, latitude = (float(to_unit(text, "rad")) for text in position)
        own = self._own_direction(longitude, latitude, frame)
        angles = []
        for at, name in (((longitude, latitude), frame), (own, "")):
            step = -_STEP_RAD if at[1] > 0 else _STEP_RAD
            ends = [np.array(self._pixel(*self._own_direction(at[0], at[1] + d, name))) for d in (0.0, step)]
            angles.append(np.arctan2(*((ends[1] - ends[0]) * np.sign(step) * scale)))
        return float(angles[0] - angles[1])

    def _sky_corners(self, flat: Polygon, x: float, y: float) -> tuple[tuple[float, ...], tuple[float, ...]] | None:
        """Corners of a rectangle about a place with its sides along and across the meridian there; None where that is not defined."""
        direction = self.coordinates.direction
        if direction is None or np.any(direction.matrix != np.eye(2)):
            return None
        first, second = direction.increment_rad
        east, north = (np.array(flat.xs) - x) * first, (np.array(flat.ys) - y) * second
        centre = direction.to_world(np.array([[x], [y]])) * direction._to_rad[:, None]
        longitude, latitude = float(centre[0, 0]), float(centre[1, 0])
        distance = np.hypot(east, north)
        # the point at a distance and position angle from the centre (spherical triangle with the pole)
        sine, cosine = np.sin(distance), np.cos(distance)
        along, across = (np.divide(v, distance, out=np.zeros(4), where=distance > 0) for v in (north, east))
        lat = np.arcsin(np.sin(latitude) * cosine + np.cos(latitude) * sine * along)
        lon = longitude + np.arctan2(sine * across, np.cos(latitude) * cosine - np.sin(latitude) * sine * along)
        pixels = direction.to_pixel(np.array([lon, lat]) / direction._to_rad[:, None])
        return (tuple(pixels[0].tolist()), tuple(pixels[1].tolist())) if np.all(np.isfinite(pixels)) else None

    def _ellipse(self, x: float, y: float, first: str, second: str, angle: float) -> Ellipse:
        value, unit = parse_quantity(first)
        other, other_unit = parse_quantity(second)
        if unit in ("", "pix") and other_unit in ("", "pix"):
            return Ellipse(x, y, float(value), float(other), angle)
        scale_x, scale_y = self._cell_rad()
        return Ellipse(x, y, float(to_unit(first, "rad")), float(to_unit(second, "rad")), angle, scale_x, scale_y)

    def _cell_rad(self) -> tuple[float, float]:
        direction = self.coordinates.direction
        if direction is None:
            raise ParameterError("a region in angles was given, but the image has no direction coordinate; give it in pix")
        first, second = direction.increment_rad
        return abs(first), abs(second)

    def _pixel_sizes(self, pair: tuple[str, ...] | str) -> tuple[float, float]:
        found = []
        for k, text in enumerate(pair):
            value, unit = parse_quantity(text)
            found.append(float(value) if unit in ("", "pix") else float(to_unit(text, "rad")) / self._cell_rad()[k])
        return found[0], found[1]

    def _position(self, pair: tuple[str, ...] | str, frame: str) -> tuple[float, float]:
        """0-based pixel of a position in pixels or on the sky."""
        if isinstance(pair, str) or len(pair) != 2:
            raise ParameterError(f"a position in a region must be a pair in brackets; got {pair!r}")
        if all(text.strip().endswith("pix") for text in pair):
            return float(pair[0].strip()[:-3]), float(pair[1].strip()[:-3])
        if self.coordinates.direction is None:
            raise ParameterError(
                f"the region position {pair!r} is on the sky, but the image has no direction coordinate; give it in pix"
            )
        longitude, latitude = (float(to_unit(text, "rad")) for text in pair)
        pixel = self._pixel(*self._own_direction(longitude, latitude, frame))
        if not np.all(np.isfinite(pixel)):
            raise SelectionError(f"the region position {pair!r} is not on the image's projection")
        return pixel

    def _own_direction(self, longitude: float, latitude: float, frame: str) -> tuple[float, float]:
        """A direction [rad] of a frame in the frame of the image."""
        direction = self.coordinates.direction
        assert direction is not None
        if not frame or frame.upper() == direction.frame:
            return longitude, latitude
        from casatools.frames.directions import convert_directions

        lon, lat = convert_directions(np.array([longitude]), np.array([latitude]), frame.upper(), direction.frame)
        return float(lon[0]), float(lat[0])

    def _pixel(self, longitude: float, latitude: float) -> tuple[float, float]:
        """0-based pixel of a direction [rad] in the frame of the image."""
        direction = self.coordinates.direction
        assert direction is not None
        pixel = direction.to_pixel(np.array([[longitude], [latitude]]) / direction._to_rad[:, None])
        return float(pixel[0, 0]), float(pixel[1, 0])


def _rotated(x: float, y: float, half_x: float, half_y: float, angle: float) -> Polygon:
    """A rectangle turned counter-clockwise as seen on the picture."""
    corners = np.array([[-half_x, -half_y], [half_x, -half_y], [half_x, half_y], [-half_x, half_y]])
    cos, sin = np.cos(angle), np.sin(angle)
    turned = corners @ np.array([[cos, sin], [-sin, cos]])
    return Polygon(tuple((x + turned[:, 0]).tolist()), tuple((y + turned[:, 1]).tolist()))


def _split_stokes(text: str) -> list[str]:
    """Names written one after the other, such as ``IQUV`` or ``RRLL``."""
    names, rest = [], text
    while rest:
        match = next((s for s in sorted(_STOKES, key=len, reverse=True) if rest.upper().startswith(s.upper())), None)
        if match is None:
            raise SelectionError(f"stokes={text!r} cannot be read at {rest!r}; write such as 'IQUV' or 'RR,LL'")
        names.append(match)
        rest = rest[len(match) :].lstrip()
    return names
