"""The two axes of a direction on the sky."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Self

import numpy as np

from casatools._base.errors import ParameterError
from casatools.io.image.coordinates.linear import linear_step, linear_step_inverse, text_list
from casatools.io.image.coordinates.many_points import BLOCK
from casatools.io.image.coordinates.one_point import PointFunctions, direction_functions
from casatools.io.image.coordinates.projections import ZENITHAL, Projector, default_poles, parameter_count, wcs_of
from casatools.io.image.coordinates.referenced import ReferencedAxes
from casatools.io.image.coordinates.units import unit_factor

__all__ = ["DIRECTION_FRAMES", "DirectionCoordinate", "default_axis_names"]

# CASA's direction reference codes in its order.
DIRECTION_FRAMES = (
    "J2000", "JMEAN", "JTRUE", "APP", "B1950", "B1950_VLA", "BMEAN", "BTRUE", "GALACTIC", "HADEC", "AZEL", "AZELSW", "AZELNE",
    "AZELGEO", "AZELSWGEO", "AZELNEGEO", "JNAT", "ECLIPTIC", "MECLIPTIC", "TECLIPTIC", "SUPERGAL", "ITRF", "TOPO", "ICRS",
    "MERCURY", "VENUS", "MARS", "JUPITER", "SATURN", "URANUS", "NEPTUNE", "PLUTO", "SUN", "MOON", "COMET",
)  # fmt: skip
_EQUATORIAL = frozenset({"J2000", "JMEAN", "JTRUE", "APP", "B1950", "B1950_VLA", "BMEAN", "BTRUE", "JNAT", "ICRS"})

Pair = tuple[np.ndarray, np.ndarray]


def default_axis_names(frame: str) -> tuple[str, str]:
    """The axis names CASA gives to a direction frame."""
    if frame in _EQUATORIAL:
        return ("Right Ascension", "Declination")
    if frame in ("HADEC", "TOPO"):
        return ("Hour Angle", "Declination")
    return ("Longitude", "Latitude")


@dataclass(frozen=True)
class DirectionCoordinate(ReferencedAxes):
    """Longitude and latitude in a frame, through a projection.

    Parameters
    ----------
    frame, conversion_frame : str
        CASA's direction code, and the code that world values are given in at the user's surface (see `frames`).
    projection : str
        Three-letter FITS code.
    parameters : ndarray float64
        Projection parameters.
    longpole, latpole : float
        [deg]
    """

    frame: str
    projection: str
    parameters: np.ndarray
    longpole: float = 180.0
    latpole: float = 999.0
    conversion_frame: str = ""

    kind = "Direction"
    record_name = "direction"
    naxes = 2

    @classmethod
    def make(
        cls,
        frame: str = "J2000",
        projection: str = "SIN",
        reference_value: Sequence[float] = (0.0, 0.0),
        reference_pixel: Sequence[float] = (0.0, 0.0),
        increment: Sequence[float] = (-1.0, 1.0),
        units: Sequence[str] = ("rad", "rad"),
        parameters: Any = None,
        matrix: Any = None,
        longpole: float | None = None,
        latpole: float | None = None,
        names: Sequence[str] = (),
    ) -> DirectionCoordinate:
        """Build with CASA's defaults.

        Parameters
        ----------
        frame, projection : str
        reference_value, increment : sequence of 2 float
            In `units`.
        reference_pixel : sequence of 2 float
            0-based.
        parameters : array-like, optional
            Projection parameters; none means zeros.
        matrix : array-like (2, 2), optional
        longpole, latpole : float, optional
            [deg]; None means the default of the projection.

        Raises
        ------
        ParameterError
            Unknown frame or projection.
        """
        code = frame.upper()
        if code not in DIRECTION_FRAMES:
            raise ParameterError(f"there is no direction frame {frame!r}; known: {', '.join(DIRECTION_FRAMES)}")
        name = projection.upper()
        count = parameter_count(name)
        given = np.zeros(2 if name in ("SIN", "AZP") else 0) if parameters is None else np.array(parameters, dtype=np.float64)
        if np.any(given[count:]):
            raise ParameterError(f"the projection {name} takes at most {count} parameters; got {len(given)}")
        value = np.array(reference_value, dtype=np.float64)
        scale = np.array([math.degrees(unit_factor(u)[0]) for u in units])
        pole_longitude, pole_latitude = 180.0 if longpole is None else longpole, 999.0 if latpole is None else latpole
        if longpole is None or latpole is None:
            longitude, latitude = (value * scale).tolist()
            defaults = default_poles(name, longitude, latitude, given)
            pole_longitude = defaults[0] if longpole is None else longpole
            pole_latitude = defaults[1] if latpole is None else latpole
        return cls(
            frame=code,
            projection=name,
            parameters=given,
            reference_value=value,
            reference_pixel=np.array(reference_pixel, dtype=np.float64),
            increment=np.array(increment, dtype=np.float64),
            matrix=np.eye(2) if matrix is None else np.array(matrix, dtype=np.float64).reshape(2, 2),
            names=tuple(names) or default_axis_names(code),
            units=tuple(units),
            longpole=pole_longitude,
            latpole=pole_latitude,
            conversion_frame=code,
        )

    @cached_property
    def _to_rad(self) -> np.ndarray:
        return np.array([unit_factor(u)[0] for u in self.units])

    @cached_property
    def projector(self) -> Projector:
        """The projection about the reference point."""
        longitude, latitude = (self.reference_value * self._to_rad).tolist()
        return Projector(self.projection, longitude, latitude, self.parameters, self.longpole, self.latpole)

    @cached_property
    def one_point(self) -> PointFunctions:
        """Functions of one point: pixel to world and back."""
        return direction_functions(self)

    def wcslib(self) -> Any:
        """wcslib's description of the axes in degrees, its pixels numbered as ours (origin 1 of ``p2s`` and ``s2p`` leaves them alone)."""
        longitude, latitude = (self.reference_value * self._to_rad).tolist()
        wcs = wcs_of(
            self.projection, math.degrees(longitude), math.degrees(latitude), self.parameters, self.longpole, self.latpole
        ).wcs
        wcs.crpix, wcs.cdelt, wcs.pc = self.reference_pixel, np.degrees(self.increment * self._to_rad), self.matrix
        wcs.set()
        return wcs

    def to_world(self, pixels: np.ndarray) -> np.ndarray:
        """Longitude and latitude (2, point) in `units` of 0-based pixels (2, point); NaN off the sky."""
        plane = linear_step(pixels, self.reference_pixel, self.increment * self._to_rad, self.matrix)
        for row, angle, unit in zip(plane, self.projector.to_sky(plane[0], plane[1]), self.unit_rad, strict=True):
            np.divide(angle, unit, out=row)
        return plane

    def to_pixel(self, world: np.ndarray) -> np.ndarray:
        """0-based pixels (2, point) of longitude and latitude (2, point) in `units`; NaN where the projection does not reach."""
        sky = world * self._to_rad[:, None]
        sky[0], sky[1] = self.projector.to_plane(sky[0], sky[1])
        plane = sky
        return linear_step_inverse(plane, self.reference_pixel, self.increment * self._to_rad, self.matrix)

    def convert_many(self, given: Pair, out: Pair, backwards: bool) -> bool:
        """What `to_world` gives (or `to_pixel`, if `backwards`), written into `out`, by compiled loops; False where there are none for it."""
        many = self.projector.many
        slopes = (self.increment * self._to_rad)[:, None] * self.matrix
        if many is None or any(row.strides != (row.itemsize,) for row in (*given, *out)) or not np.linalg.det(slopes):
            return False
        from casatools.kernels.sphere_turns import affine

        units, pixel = self.unit_rad, self.reference_pixel.tolist()
        back = np.linalg.inv(slopes).ravel().tolist()
        x, y = np.empty((2, BLOCK))
        for begin in range(0, given[0].size, BLOCK):
            (first, second), (one, other) = ([row[begin : begin + BLOCK] for row in pair] for pair in (given, out))
            plane = x[: first.size], y[: first.size]
            if backwards:
                many.to_plane(first, second, units, *plane)
                affine(*plane, 0.0, 0.0, *back, *pixel, one, other)
            else:
                affine(first, second, *pixel, *slopes.ravel().tolist(), 0.0, 0.0, *plane)
                many.to_sky(*plane, units, one, other)
        return True

    @property
    def unit_rad(self) -> tuple[float, float]:
        """The units of the axes [rad]."""
        first, second = self._to_rad.tolist()
        return first, second

    @property
    def reference_rad(self) -> tuple[float, float]:
        """The reference point [rad]."""
        longitude, latitude = (self.reference_value * self._to_rad).tolist()
        return longitude, latitude

    @property
    def increment_rad(self) -> tuple[float, float]:
        """The signed pixel sizes [rad]."""
        first, second = (self.increment * self._to_rad).tolist()
        return first, second

    def with_reference(
        self,
        value: np.ndarray | None = None,
        pixel: np.ndarray | None = None,
        increment: np.ndarray | None = None,
        matrix: np.ndarray | None = None,
    ) -> Self:
        """A copy with some of reference value, reference pixel, increment and matrix replaced; the pole follows the value."""
        if matrix is not None:  # rows of length one, the lengths going to the increments, as CASA does
            rows = np.sqrt((np.asarray(matrix, dtype=np.float64) ** 2).sum(axis=1))
            matrix = np.asarray(matrix, dtype=np.float64) / rows[:, None]
            increment = (self.increment if increment is None else np.asarray(increment, dtype=np.float64)) * rows
        changed = super().with_reference(value, pixel, increment, matrix)
        return changed if value is None else changed.with_default_poles(keep_longpole=self.projection in ZENITHAL)

    def with_default_poles(self, keep_longpole: bool = False) -> Self:
        """A copy with LATPOLE (and LONPOLE) as the projection's defaults give them."""
        longitude, latitude = (math.degrees(v) for v in self.reference_rad)
        longpole, latpole = default_poles(self.projection, longitude, latitude, self.parameters)
        return replace(self, longpole=self.longpole if keep_longpole else longpole, latpole=latpole)

    def with_projection(self, name: str, parameters: Any = None) -> DirectionCoordinate:
        """A copy in another projection, with that projection's default poles."""
        return DirectionCoordinate.make(
            self.frame, name, self.reference_value.tolist(), self.reference_pixel.tolist(), self.increment.tolist(), self.units,
            parameters, self.matrix, None, None, self.names,
        ).with_conversion(self.conversion_frame)  # fmt: skip

    def with_conversion(self, frame: str) -> DirectionCoordinate:
        """A copy with another conversion frame."""
        return replace(self, conversion_frame=frame)

    def pixels_apart(self, other: DirectionCoordinate, shape: Sequence[int]) -> float:
        """Greatest distance [pixel] from pixels of an image to those of the same numbers of another one, by the numbers of their coordinates.

        Parameters
        ----------
        other : DirectionCoordinate
        shape : sequence of 2 int
            Pixels along both axes; the corners and the middle are looked at.

        Returns
        -------
        float
            Infinity where only one of both is on the sky, or not within the reach of this projection.
        """
        (x, y) = ([0.0, n - 1.0, 0.5 * (n - 1.0)] for n in shape)
        pixels = np.array([[x[0], x[1], x[0], x[1], x[2]], [y[0], y[1], y[1], y[0], y[2]]])
        world = other.to_world(pixels) * np.divide(other.unit_rad, self.unit_rad)[:, None]
        apart = np.abs(self.to_pixel(world) - pixels)
        seen = np.isfinite(self.to_world(pixels)).all(axis=0) | np.isfinite(world).all(axis=0)
        return float(np.max(np.where(np.isfinite(apart), apart, np.inf)[:, seen], initial=0.0))

    def sliced(self, starts: Sequence[float], steps: Sequence[float], counts: Sequence[int | None]) -> DirectionCoordinate:
        """The axes as seen by pixels ``starts + steps * k``."""
        return self.moved(starts, steps)

    def to_record(self) -> dict[str, Any]:
        """CASA's record of a direction coordinate."""
        return {
            "system": self.frame,
            "projection": self.projection,
            "projection_parameters": self.parameters.copy(),
            "crval": self.reference_value.copy(),
            "crpix": self.reference_pixel.copy(),
            "cdelt": self.increment.copy(),
            "pc": self.matrix.copy(),
            "axes": list(self.names),
            "units": list(self.units),
            "conversionSystem": self.conversion_frame or self.frame,
            "longpole": self.longpole,
            "latpole": self.latpole,
        }

    @classmethod
    def from_record(cls, record: dict[str, Any]) -> DirectionCoordinate:
        """Read CASA's record; old ones lack poles and conversion frame."""
        projection = str(record["projection"])
        parameters = np.array(record.get("projection_parameters", ()), dtype=np.float64).ravel()
        if projection == "NCP":  # the old name of a slant SIN: xi = 0, eta = cot(latitude of the reference point)
            latitude = float(np.ravel(record["crval"])[1]) * unit_factor(text_list(record["units"])[1])[0]
            projection, parameters = "SIN", np.array([0.0, 1.0 / math.tan(latitude)])
        found = cls.make(
            str(record["system"]), projection, np.ravel(record["crval"]).tolist(), np.ravel(record["crpix"]).tolist(),
            np.ravel(record["cdelt"]).tolist(), text_list(record["units"]), parameters, record["pc"],
            _pole(record.get("longpole")), _pole(record.get("latpole")), text_list(record["axes"]),
        )  # fmt: skip
        return found.with_conversion(str(record.get("conversionSystem", found.frame)))


def _pole(value: Any) -> float | None:
    """A stored pole angle; 999 stands for the default, as in wcslib."""
    return None if value is None or float(value) > 900.0 else float(value)
