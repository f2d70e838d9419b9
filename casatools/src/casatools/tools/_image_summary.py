"""The summary of an image as a record and as text."""

from __future__ import annotations

from typing import Any

import numpy as np

from casatools.frames.quantities import to_unit
from casatools.io.image import BeamSet, CasaImage
from casatools.tools.coordsys.summary import summary_text

__all__ = ["beam_record", "image_summary", "image_summary_text"]


def beam_record(beams: BeamSet) -> dict[str, Any]:
    """The beams of a summary: ``restoringbeam``, or ``perplanebeams`` by channel and Stokes plane, or nothing."""
    if not beams:
        return {}
    if not beams.is_per_plane:
        return {"restoringbeam": beams.at().to_record()}
    planes = {f"*{c}": {f"*{s}": beams.at(c, s).to_record() for s in range(beams.nstokes)} for c in range(beams.nchan)}
    return {"perplanebeams": {"nChannels": beams.nchan, "nStokes": beams.nstokes, "beams": planes}}


def beam_matrices(beams: BeamSet) -> dict[str, Any]:
    """The beams of all planes as arrays (Stokes plane, channel) of major and minor axes and position angles."""
    grid = [[beams.at(c, s) for c in range(beams.nchan)] for s in range(beams.nstokes)]
    first = beams.at(0, 0).to_record()
    found: dict[str, Any] = {"nChannels": beams.nchan, "nStokes": beams.nstokes}
    for name, key in (("major", "major"), ("minor", "minor"), ("pa", "positionangle")):
        unit = first[key]["unit"]
        rows = [[float(to_unit(b.to_record()[key], unit)) for b in row] for row in grid]
        found[name] = {"unit": unit, "value": np.array(rows)}
    return found


def image_summary(image: CasaImage, messages: list[str] | None = None) -> dict[str, Any]:
    """CASA's summary record of an image; axes in CASA's order."""
    coordinates = image.coordinates
    masks = image.mask_names
    return {
        "axisnames": np.array(coordinates.names),
        "axisunits": np.array(coordinates.units),
        "defaultmask": image.default_mask,
        "hasmask": image.has_mask,
        "imagetype": image.image_type,
        "incr": coordinates.increment,
        "masks": np.array(masks) if masks else np.array([], dtype="<U5"),
        "messages": np.array(messages) if messages else np.array([], dtype="<U5"),
        "ndim": image.ndim,
        "refpix": coordinates.reference_pixel,
        "refval": coordinates.reference_value,
        "shape": np.array(image.shape[::-1], dtype=np.int64),
        "tileshape": np.array(image.tile_shape[::-1], dtype=np.int64),
        "unit": image.unit,
        **beam_record(image.beams),
    }


def image_summary_text(image: CasaImage, doppler: str = "RADIO") -> str:
    """A description of an image for the log."""
    lines = [
        f"Image name       : {image.path}",
        f"Object name      : {image.object_name}",
        f"Image type       : {'FITSImage' if image.is_fits else 'PagedImage'}",
        f"Image quantity   : {image.image_type}",
        f"Pixel mask(s)    : {', '.join(image.mask_names) or 'None'}",
        f"Image units      : {image.unit}",
    ]
    beams = image.beams
    if beams.is_single:
        beam = beams.at()
        lines.append(
            f"Restoring Beam   : {beam.major_arcsec:g} arcsec, {beam.minor_arcsec:g} arcsec, {beam.position_angle_deg:g} deg"
        )
    elif beams:
        lines.append(f"Restoring Beams  : {beams.nchan} channels x {beams.nstokes} Stokes planes")
    lines.append(f"Shape            : {list(image.shape[::-1])}")
    return "\n".join(lines) + "\n" + summary_text(image.coordinates, doppler)
