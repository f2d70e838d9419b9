"""The imagemetadata tool: header values of an image by keyword."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Any

import numpy as np

from casatools._base import kinds, log
from casatools._base.declare import method
from casatools._base.errors import DataError, NotOpenError, ParameterError
from casatools.analysis.world_text import world_text
from casatools.frames.epochs import parse_epoch
from casatools.frames.quantities import convert_value, is_unit, parse_quantity
from casatools.io.image import Beam, BeamSet, CasaImage
from casatools.io.image.coordinates import Coordinate, SpectralCoordinate, StokesCoordinate
from casatools.tools.coordsys import coordsys

__all__ = ["imagemetadata"]

Key = Annotated[str, kinds.Text(), "Keyword, such as beammajor, bunit, crval1, restfreq, object, or a name of your own"]
Value = Annotated[Any, kinds.Variant(), "Value: text, number, quantity or list, as the keyword asks"]

_ALIASES = {"bmaj": "beammajor", "bmin": "beamminor", "bpa": "beampa", "epoch": "date-obs"}
_STATISTICS = ("datamax", "datamin", "maxpixpos", "maxpos", "minpixpos", "minpos")
_FIXED = {"masks": "masks are changed with the image tool", "shape": "the shape belongs to the pixels"} | dict.fromkeys(
    _STATISTICS, "it is computed from the pixels"
)
_BEAM = ("beammajor", "beamminor", "beampa")
_IMAGE_TYPES = (
    "Intensity", "Beam", "Column Density", "Depolarization Ratio", "Kinetic Temperature", "Magnetic Field", "Optical Depth",
    "Rotation Measure", "Rotational Temperature", "Spectral Index", "Velocity", "Velocity Dispersion",
)  # fmt: skip
_TEXTS = ("bunit", "date-obs", "equinox", "imtype", "object", "observer", "projection", "reffreqtype", "telescope")
_AXIS_WORDS = ("cdelt", "crpix", "crval", "ctype", "cunit")


class imagemetadata:
    """Header values of an image: get, set, add and remove them by keyword."""

    def __init__(self) -> None:
        self._image: CasaImage | None = None
        self._extremes: dict[str, Any] | None = None
        # Quantities are given back in the unit they were set in, until the image is closed.
        self._as_set: dict[str, dict[str, Any]] = {}

    @property
    def _open(self) -> CasaImage:
        if self._image is None:
            raise NotOpenError("imagemetadata: no image is open; call open first")
        return self._image

    @method
    def open(self, infile: Annotated[str, kinds.InPath(), "Name of the image"]) -> bool:
        """Open an image."""
        self.close()
        import os

        self._image = CasaImage.open(
            infile, writable=os.path.isdir(infile) and os.access(os.path.join(infile, "table.dat"), os.W_OK)
        )
        return True

    @method
    def close(self) -> bool:
        """Close the image."""
        if self._image is not None:
            self._image.close()
        self._image, self._extremes, self._as_set = None, None, {}
        return True

    @method
    def done(self) -> bool:
        """Close the image."""
        return bool(self.close())

    # ---- reading

    @method
    def list(self, verbose: Annotated[bool, kinds.Bool(), "Write the values to the log as well"] = True) -> dict[str, Any]:
        """All header values that CASA defines; values of your own are had with `get`."""
        image = self._open
        out: dict[str, Any] = {}
        beams = image.beams
        if beams.is_single:
            out |= {key: self._beam_value(key) for key in _BEAM}
        elif beams:
            middle = sorted(beams.beams, key=lambda b: b.area_rad2)[len(beams.beams) // 2]
            out["perplanebeams"] = {**beams.to_record()["perplanebeams"], "median area beam": middle.to_record()}
        for key in (*_TEXTS, "masks", "shape"):
            if self._has(key):
                out[key] = self._value(key)
        for number in range(1, image.coordinates.n_pixel_axes + 1):
            out |= {f"{word}{number}": self._axis_value(word, number, plain=True) for word in _AXIS_WORDS}
        if self._has("restfreq"):
            spectral = image.coordinates.spectral
            assert spectral is not None
            out["restfreq"] = np.array(spectral.rest_frequencies)
        out |= self._statistics()
        if verbose:
            for key in sorted(out):
                log.post(f"{key}: {out[key]}", origin="imagemetadata.list")
        return {key: out[key] for key in sorted(out)}

    @method
    def get(self, key: Key = "") -> Any:
        """A header value; a quantity that was set since the image was opened has the unit it was set in."""
        known = self._known(key)
        return dict(self._as_set[known]) if known in self._as_set else self._value(known)

    def _known(self, key: str) -> str:
        """The canonical form of a keyword that exists; raises ParameterError for one that does not."""
        folded = _ALIASES.get(key.strip().lower(), key.strip().lower())
        axis = self._axis_key(folded)
        if axis is not None or folded in (*_TEXTS, *_BEAM, *_FIXED, "restfreq"):
            return folded
        misc = self._open.misc_info
        for name in (key.strip(), folded):
            if name in misc:
                return name
        raise ParameterError(f"unknown keyword {key!r}: the image has no such header value (imhead mode 'list' shows all)")

    def _axis_key(self, key: str) -> tuple[str, int] | None:
        word, digits = key[:5], key[5:]
        if word not in _AXIS_WORDS or not digits.isdigit():
            return None
        number = int(digits)
        count = self._open.coordinates.n_world_axes
        if not 1 <= number <= count:
            raise ParameterError(f"{key!r}: the image has axes 1 to {count}")
        return word, number

    def _has(self, key: str) -> bool:
        coordinates = self._open.coordinates
        if key in ("equinox", "projection"):
            return coordinates.direction is not None
        if key in ("reffreqtype", "restfreq"):
            return coordinates.spectral is not None
        return True

    def _value(self, key: str) -> Any:
        image = self._open
        coordinates = image.coordinates
        if key in _BEAM:
            return self._beam_value(key)
        axis = self._axis_key(key)
        if axis is not None:
            return self._axis_value(*axis)
        if key in _STATISTICS:
            return self._statistics()[key]
        if not self._has(key):
            raise ParameterError(
                f"the image has no {'direction' if key in ('equinox', 'projection') else 'spectral'} axis, so no {key!r}"
            )
        direction, spectral = coordinates.direction, coordinates.spectral
        if key == "restfreq" and spectral is not None:
            return {"value": spectral.rest_frequency_hz / spectral.hz, "unit": spectral.units[0]}
        masks = image.mask_names
        simple = {
            "bunit": image.unit,
            "date-obs": coordinates.observation.date_text,
            "equinox": direction.frame if direction is not None else "",
            "imtype": image.image_type,
            "masks": np.array(masks) if masks else np.array([], dtype="<U5"),
            "object": image.object_name,
            "observer": coordinates.observation.observer,
            "projection": direction.projection if direction is not None else "",
            "reffreqtype": spectral.frame if spectral is not None else "",
            "shape": np.array(image.shape[::-1], dtype=np.int64),
            "telescope": coordinates.observation.telescope,
        }
        return simple[key] if key in simple else image.misc_info[key]

    def _beam_value(self, key: str) -> dict[str, Any]:
        beams = self._open.beams
        if not beams:
            raise DataError("the image has no beam")
        if not beams.is_single:
            raise DataError(
                f"the image has a beam for each plane, so there is no single {key!r}; see perplanebeams in imhead mode 'list'"
            )
        record = beams.at().to_record()
        return dict(record[{"beammajor": "major", "beamminor": "minor", "beampa": "positionangle"}[key]])

    def _member(self, number: int) -> tuple[int, int, Coordinate]:
        index, row = self._open.coordinates.member_of_world_axis(number - 1)
        return index, row, self._open.coordinates.members[index]

    def _axis_value(self, word: str, number: int, plain: bool = False) -> Any:
        _, row, member = self._member(number)
        if word == "ctype":
            return member.names[row]
        if word == "cunit":
            return member.units[row]
        if word == "crpix":
            return float(member.reference_pixel[row])
        if word == "crval" and isinstance(member, StokesCoordinate) and not plain:
            return np.array(member.labels)
        value = float(member.reference_value[row] if word == "crval" else member.increment[row])
        return value if plain else {"value": value, "unit": member.units[row]}

    # ---- extremes of the pixels

    def _statistics(self) -> dict[str, Any]:
        if self._extremes is None:
            self._extremes = self._find_extremes()
        return self._extremes

    def _find_extremes(self) -> dict[str, Any]:
        image = self._open
        if image.dtype.kind == "c":
            return {}
        found: dict[str, tuple[float, tuple[int, ...]]] = {}
        for slices, pixels, mask in image.iter_planes():
            good = np.isfinite(pixels) if mask is None else mask & np.isfinite(pixels)
            if not good.any():
                continue
            for name, fill, pick in (("min", np.inf, np.argmin), ("max", -np.inf, np.argmax)):
                at = np.unravel_index(int(pick(np.where(good, pixels, fill))), pixels.shape)
                value = float(pixels[at])
                if name not in found or (value < found[name][0] if name == "min" else value > found[name][0]):
                    found[name] = (value, tuple(int(s.start + k) for s, k in zip(slices, at, strict=True)))
        out: dict[str, Any] = {}
        for name, (value, place) in found.items():
            pixel = place[::-1]
            out[f"data{name}"] = value
            out[f"{name}pixpos"] = np.array(pixel, dtype=np.int64)
            out[f"{name}pos"] = self._place_text(pixel)
        return out

    def _place_text(self, pixel: tuple[int, ...]) -> str:
        return " ".join(part.removesuffix("deg") for part in world_text(self._open.coordinates, pixel).split(", "))

    # ---- writing

    @method
    def set(self, key: Key = "", value: Value = []) -> bool:  # noqa: B006
        """Set a header value; a keyword of your own is made when it is not there."""
        folded = _ALIASES.get(key.strip().lower(), key.strip().lower())
        self._refuse_fixed(folded, "modified")
        self._extremes = None  # their places are told in world coordinates
        axis = self._axis_key(folded)
        if axis is not None:
            self._set_axis(*axis, value)
        elif folded in _BEAM:
            self._set_beam(folded, value)
        elif folded in _TEXTS or folded == "restfreq":
            self._set_known(folded, value)
        else:
            self._set_misc(key.strip(), value)
        return True

    @staticmethod
    def _refuse_fixed(key: str, verb: str) -> None:
        if not key:
            raise ParameterError("a keyword is needed")
        if key in _FIXED:
            raise ParameterError(f"{key!r} may not be {verb}: {_FIXED[key]}")

    def _set_misc(self, key: str, value: Any) -> None:
        misc = self._open.misc_info
        if key in misc and isinstance(misc[key], str) != isinstance(value, str):
            raise ParameterError(
                f"{key!r} holds a {type(misc[key]).__name__}; {value!r} is of another kind: remove the keyword first"
            )
        self._open.misc_info = {**misc, key: value}

    def _keep_unit(self, key: str, value: Any) -> None:
        """Remember a quantity that has just been set."""
        number, unit = parse_quantity(value, "")
        self._as_set[key] = {"value": float(np.ravel(number)[0]), "unit": unit}

    @staticmethod
    def _quantity(value: Any, key: str, unit: str) -> float:
        """A quantity given as text or record, in `unit`; plain numbers are refused because their unit would be a guess."""
        if not isinstance(value, (str, dict)):
            raise ParameterError(f"{key!r} must be a quantity with a unit, such as '10{unit or 'arcsec'}'; got {value!r}")
        number, given = parse_quantity(value, unit)
        return float(np.ravel(convert_value(number, given, unit))[0])

    def _set_beam(self, key: str, value: Any) -> None:
        beams = self._open.beams
        if not beams.is_single and (beams or key == "beampa"):
            raise DataError("the image has no single beam to modify" + ("" if beams else ": give it an axis first"))
        number, unit = parse_quantity(value, "") if isinstance(value, (str, dict)) else (None, "")
        if number is None or not unit:
            raise ParameterError(f"{key!r} must be an angle with a unit, such as '10arcsec'; got {value!r}")
        convert_value(number, unit, "rad")
        length = float(np.ravel(number)[0])
        beam = beams.at() if beams else Beam(length, length, 0.0, (unit, unit, "deg"))  # the first axis makes a round beam
        units = [*beam.units]
        place = _BEAM.index(key)
        units[place] = unit
        fields = {"beammajor": "major", "beamminor": "minor", "beampa": "position_angle"}
        changed = replace(beam, **{fields[key]: length}, units=(units[0], units[1], units[2]))
        if not changed.major_rad >= changed.minor_rad > 0:
            raise ParameterError(f"{key!r} = {value!r}: the beam's major axis must be at least its minor axis, both above 0")
        self._open.beams = BeamSet.single(changed)

    def _set_axis(self, word: str, number: int, value: Any) -> None:
        coordinates = self._open.coordinates.copy()
        index, row, member = self._member(number)
        key = f"{word}{number}"
        if isinstance(member, StokesCoordinate) and word in ("crval", "cdelt", "crpix", "cunit"):
            labels = value.split() if isinstance(value, str) else value
            if (
                word != "crval"
                or not isinstance(labels, (list, tuple, np.ndarray))
                or not all(isinstance(v, str) for v in labels)
            ):
                raise ParameterError(
                    f"{key!r}: a Stokes axis takes labels as its crval, such as ['I', 'Q'], and nothing else; got {value!r}"
                )
            if len(labels) != len(member.labels):
                raise ParameterError(f"{key!r}: the Stokes axis has {len(member.labels)} planes; got {len(labels)} labels")
            coordinates.members[index] = replace(StokesCoordinate.make(list(labels)), names=member.names)
        elif word == "ctype":
            coordinates.members[index] = member.with_names([str(value) if k == row else n for k, n in enumerate(member.names)])
        elif word == "cunit":
            coordinates.members[index] = member.with_units([str(value) if k == row else u for k, u in enumerate(member.units)])
        elif word == "crpix":
            pixel = np.array(member.reference_pixel)
            pixel[row] = self._number(value, key)
            coordinates.members[index] = member.with_reference(pixel=pixel)
        else:
            numbers = np.array(member.reference_value if word == "crval" else member.increment)
            numbers[row] = self._quantity(value, key, member.units[row])
            changed = member.with_reference(value=numbers) if word == "crval" else member.with_reference(increment=numbers)
            coordinates.members[index] = changed
        self._open.coordinates = coordinates
        if word in ("crval", "cdelt") and not isinstance(member, StokesCoordinate):
            self._keep_unit(key, value)

    @staticmethod
    def _number(value: Any, key: str) -> float:
        try:
            return float(value)
        except (TypeError, ValueError):
            raise ParameterError(f"{key!r} must be a number; got {value!r}") from None

    def _set_known(self, key: str, value: Any) -> None:
        image = self._open
        if key == "restfreq":
            self._set_rest(value)
            return
        if key == "date-obs" and isinstance(value, dict):
            self._set_coordinate_text(key, value)
            return
        if not isinstance(value, str):
            raise ParameterError(f"{key!r} must be a text; got {value!r}")
        if key == "bunit":
            if value and not is_unit(value):
                raise ParameterError(f"{value!r} is not a unit")
            image.unit = value
        elif key == "imtype":
            image.image_type = next((t for t in _IMAGE_TYPES if t.lower() == value.strip().lower()), "Intensity")
        elif key == "object":
            image.object_name = value
        else:
            self._set_coordinate_text(key, value)

    def _set_coordinate_text(self, key: str, value: Any) -> None:
        if not self._has(key):
            raise ParameterError(
                f"the image has no {'direction' if key in ('equinox', 'projection') else 'spectral'} axis, so no {key!r}"
            )
        tool = coordsys.from_coordinates(self._open.coordinates)
        if key == "telescope":
            tool.settelescope(value)
        elif key == "observer":
            tool.setobserver(value)
        elif key == "date-obs":
            tool.setepoch(
                value
                if isinstance(value, dict)
                else {"type": "epoch", "refer": "UTC", "m0": {"value": parse_epoch(value) / 86400, "unit": "d"}}
            )
        elif key == "projection":
            tool.setprojection(value)
        elif key == "reffreqtype":
            tool.setreferencecode(value, "spectral", False)
        else:
            units = tool.units("direction")
            tool.setreferencecode(value, "direction", False)
            tool.setunits(units, "direction")
        self._open.coordinates = tool.coordinates

    def _set_rest(self, value: Any) -> None:
        coordinates = self._open.coordinates.copy()
        index = coordinates.find("Spectral")
        if index is None:
            raise ParameterError("the image has no spectral axis, so no 'restfreq'")
        member = coordinates.members[index]
        assert isinstance(member, SpectralCoordinate)
        rest = self._quantity(value, "restfreq", member.units[0])
        coordinates.members[index] = replace(member, rest_frequencies=np.array([rest]), rest_index=0)
        self._open.coordinates = coordinates
        self._keep_unit("restfreq", value)

    # ---- adding and removing

    @method
    def add(self, key: Key = "", value: Value = []) -> bool:  # noqa: B006
        """Add a header value that is not there yet."""
        folded = _ALIASES.get(key.strip().lower(), key.strip().lower())
        self._refuse_fixed(folded, "added")
        if folded in _BEAM:
            if self._open.beams:
                raise ParameterError(f"{key!r}: the image has a beam already; it may be modified but not added")
            size = self._quantity(value, folded, "arcsec")
            self._open.beams = BeamSet.single(Beam(size, size, 0.0))
            return True
        if self._axis_key(folded) is not None or folded == "restfreq" or (folded in _TEXTS and self._value(folded)):
            raise ParameterError(f"{key!r} is there already; it may be modified but not added")
        if folded not in _TEXTS and key.strip() in self._open.misc_info:
            raise ParameterError(f"the keyword {key!r} exists already, so it cannot be added")
        return bool(self.set(key, value))

    @method
    def remove(self, key: Key = "", value: Value = []) -> bool:  # noqa: B006
        """Remove a header value; for ``masks``, `value` names one of them and '' is all."""
        folded = _ALIASES.get(key.strip().lower(), key.strip().lower())
        image = self._open
        if folded == "masks":
            chosen = [value] if isinstance(value, str) and value else image.mask_names
            for name in chosen:
                image.remove_mask(name)
        elif folded in _BEAM:
            image.beams = BeamSet()
        elif folded == "bunit":
            image.unit = ""
        elif folded == "object":
            image.object_name = ""
        elif folded in ("telescope", "observer"):
            coordinates = image.coordinates.copy()
            changes: dict[str, Any] = {"telescope": "", "position": None} if folded == "telescope" else {"observer": ""}
            coordinates.observation = replace(coordinates.observation, **changes)
            image.coordinates = coordinates
        elif self._known(key) in image.misc_info:
            name = self._known(key)
            image.misc_info = {k: v for k, v in image.misc_info.items() if k != name}
        else:
            raise ParameterError(f"{key!r} may be modified, but it may not be removed")
        return True
