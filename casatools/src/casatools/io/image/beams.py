"""Restoring beams of an image: one, or one for each channel and Stokes plane."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from casatools._base.errors import DataError, ParameterError
from casatools.io.image.coordinates.units import unit_factor, unit_scale

__all__ = ["Beam", "BeamSet"]

_PLANE = re.compile(r"^\*(\d+)$")


@dataclass(frozen=True)
class Beam:
    """An elliptical Gaussian beam: full widths at half maximum and position angle (north through east).

    Parameters
    ----------
    major, minor, position_angle : float
        In `units`.
    units : tuple of 3 str
    """

    major: float
    minor: float
    position_angle: float
    units: tuple[str, str, str] = ("arcsec", "arcsec", "deg")

    @property
    def major_rad(self) -> float:
        return self.major * unit_factor(self.units[0])[0]

    @property
    def minor_rad(self) -> float:
        return self.minor * unit_factor(self.units[1])[0]

    @property
    def position_angle_rad(self) -> float:
        return self.position_angle * unit_factor(self.units[2])[0]

    @property
    def major_arcsec(self) -> float:
        return self.major * unit_scale(self.units[0], "arcsec")

    @property
    def minor_arcsec(self) -> float:
        return self.minor * unit_scale(self.units[1], "arcsec")

    @property
    def position_angle_deg(self) -> float:
        return self.position_angle * unit_scale(self.units[2], "deg")

    @property
    def is_null(self) -> bool:
        """True for the null beam that stands for "no beam" of a plane."""
        return not (self.major > 0 and self.minor > 0)

    @property
    def area_rad2(self) -> float:
        """Solid angle [rad2]: pi / (4 ln 2) times the product of the widths."""
        return float(np.pi / (4.0 * np.log(2.0)) * self.major_rad * self.minor_rad)

    @classmethod
    def from_rad(cls, major: float, minor: float, position_angle: float) -> Beam:
        """A beam in arcsec and degrees from values in radians."""
        arcsec = 648000.0 / np.pi
        return cls(float(major * arcsec), float(minor * arcsec), float(np.degrees(position_angle)))

    def to_record(self) -> dict[str, Any]:
        """CASA's beam record."""
        return {
            "major": {"value": self.major, "unit": self.units[0]},
            "minor": {"value": self.minor, "unit": self.units[1]},
            "positionangle": {"value": self.position_angle, "unit": self.units[2]},
        }

    @classmethod
    def from_record(cls, record: dict[str, Any]) -> Beam:
        """Read CASA's beam record (``pa`` is taken for ``positionangle``); raises DataError when a field is missing."""
        try:
            parts = (record["major"], record["minor"], record["positionangle"] if "positionangle" in record else record["pa"])
            values = [float(np.ravel(p["value"])[0]) for p in parts]
            units = [str(p["unit"]) for p in parts]
        except (KeyError, TypeError, IndexError) as error:
            raise DataError(f"the beam record lacks {error}") from error
        return cls(values[0], values[1], values[2], (units[0], units[1], units[2]))


@dataclass(frozen=True)
class BeamSet:
    """The beams of an image.

    Parameters
    ----------
    beams : tuple of Beam
        One, or ``nchan * nstokes`` of them, the channel running fastest; () when the image has none.
    nchan, nstokes : int
        0 for a single beam (or none).
    """

    beams: tuple[Beam, ...] = ()
    nchan: int = 0
    nstokes: int = 0

    @classmethod
    def single(cls, beam: Beam) -> BeamSet:
        """One beam for the whole image."""
        return cls((beam,))

    @classmethod
    def per_plane(cls, beams: Sequence[Sequence[Beam]]) -> BeamSet:
        """Beams ``[channel][stokes]``; raises ParameterError when ragged or empty."""
        if not beams or not beams[0] or len({len(row) for row in beams}) != 1:
            raise ParameterError("per-plane beams need the same number of Stokes planes for every channel, and at least one")
        nchan, nstokes = len(beams), len(beams[0])
        return cls(tuple(beams[c][s] for s in range(nstokes) for c in range(nchan)), nchan, nstokes)

    def __bool__(self) -> bool:
        return bool(self.beams)

    @property
    def is_single(self) -> bool:
        return len(self.beams) == 1 and not self.nchan

    @property
    def is_per_plane(self) -> bool:
        return self.nchan > 0

    def at(self, chan: int = 0, stokes: int = 0) -> Beam:
        """The beam of a plane; raises DataError when the image has no beam or no such plane."""
        if not self.beams:
            raise DataError("the image has no beam")
        if not self.is_per_plane:
            return self.beams[0]
        chan, stokes = (0 if self.nchan == 1 else chan), (0 if self.nstokes == 1 else stokes)
        if not (0 <= chan < self.nchan and 0 <= stokes < self.nstokes):
            raise DataError(
                f"there is no beam for channel {chan}, Stokes plane {stokes}; there are {self.nchan} x {self.nstokes}"
            )
        return self.beams[stokes * self.nchan + chan]

    def with_beam(self, beam: Beam, chan: int, stokes: int) -> BeamSet:
        """A copy with the beam of one plane replaced (negative numbers mean all channels or planes)."""
        chans = range(self.nchan) if chan < 0 else [chan]
        planes = range(self.nstokes) if stokes < 0 else [stokes]
        out = list(self.beams)
        for s in planes:
            for c in chans:
                self.at(c, s)
                out[s * self.nchan + c] = beam
        return BeamSet(tuple(out), self.nchan, self.nstokes)

    def sliced(self, chans: Sequence[int] | None, stokes: Sequence[int] | None) -> BeamSet:
        """The beams of some channels and Stokes planes (None means all); a single beam stays."""
        if not self.is_per_plane:
            return self
        chan_list = list(range(self.nchan)) if chans is None or self.nchan == 1 else list(chans)
        stokes_list = list(range(self.nstokes)) if stokes is None or self.nstokes == 1 else list(stokes)
        return BeamSet.per_plane([[self.at(c, s) for s in stokes_list] for c in chan_list])

    def to_record(self) -> dict[str, Any]:
        """The beam fields of CASA's imageinfo record."""
        if not self.beams:
            return {}
        if not self.is_per_plane:
            return {"restoringbeam": self.beams[0].to_record()}
        planes = {f"*{i}": beam.to_record() for i, beam in enumerate(self.beams)}
        return {"perplanebeams": {"nChannels": self.nchan, "nStokes": self.nstokes, **planes}}

    @classmethod
    def from_record(cls, record: dict[str, Any]) -> BeamSet:
        """Read the beam fields of CASA's imageinfo record."""
        if "perplanebeams" in record:
            planes = record["perplanebeams"]
            numbered = sorted((int(m[1]), key) for key in planes if (m := _PLANE.match(key)))
            beams = tuple(Beam.from_record(planes[key]) for _, key in numbered)
            nchan, nstokes = int(planes["nChannels"]), int(planes["nStokes"])
            if len(beams) != nchan * nstokes:
                raise DataError(f"the image says it has {nchan} x {nstokes} beams but holds {len(beams)}")
            return cls(beams, nchan, nstokes)
        if record.get("restoringbeam"):
            beam = Beam.from_record(record["restoringbeam"])
            return cls() if beam.is_null else cls.single(beam)
        return cls()
