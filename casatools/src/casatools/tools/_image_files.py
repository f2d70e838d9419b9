"""What the image tasks and tools share about files: FITS import and export, listing, history."""

from __future__ import annotations

from typing import Any

from casatools._base import log
from casatools._base.errors import ParameterError
from casatools._base.paths import require_absent, require_present
from casatools.frames.image_frames import as_asked
from casatools.frames.quantities import to_unit
from casatools.io.formats.fits_export import ExportOptions, export_fits
from casatools.io.formats.fits_image import ImportOptions, import_fits
from casatools.io.image import Beam, CasaImage, HistoryEntry
from casatools.tools._image_summary import image_summary, image_summary_text

__all__ = [
    "ExportOptions",
    "append_image_history",
    "export_image",
    "image_history",
    "image_summary_of",
    "import_image",
    "parse_beam",
]


def parse_beam(beam: list[Any]) -> Beam | None:
    """A beam from major axis, minor axis and position angle, numbers being arcsec and deg; None for an empty list.

    Raises
    ------
    ParameterError
        There are not three values, or they are no angles, or the minor axis is the longer one.
    """
    if not beam or all(part == "" for part in beam):
        return None
    if len(beam) != 3:
        raise ParameterError(f"parameter 'beam' needs major axis, minor axis and position angle; got {len(beam)} values")
    major, minor = (float(to_unit(part, "arcsec")) for part in beam[:2])
    angle = float(to_unit(beam[2], "deg"))
    if not major >= minor > 0:
        raise ParameterError(f"parameter 'beam': the major axis must be at least the minor axis, both above 0; got {beam}")
    return Beam(major, minor, angle)


def import_image(
    fits: str, image: str, *, hdu: int = -1, zero_blanks: bool = True, overwrite: bool = False, default_axes: bool = False,
    default_values: list[Any] | None = None, beam: Beam | None = None, representation: int = 0,
) -> None:  # fmt: skip
    """Import a FITS image as an image table.

    `default_values` are right ascension, declination, frequency and Stokes of axes that are added.
    """
    require_present(fits, "FITS file")
    require_absent(image, overwrite)
    values = tuple(_default_values(default_values or [])) if default_axes else ()
    import_fits(fits, image, ImportOptions(hdu, zero_blanks, default_axes, values, beam, representation), overwrite)


def _default_values(values: list[Any]) -> list[Any]:
    if values and len(values) != 4:
        raise ParameterError(
            f"parameter 'defaultaxesvalues' needs right ascension, declination, frequency and Stokes; got {len(values)} values"
        )
    out: list[Any] = []
    for value, unit in zip(values, ("rad", "rad", "Hz"), strict=False):
        out.append("" if value == "" else float(to_unit(value, unit)))
    return [*out, *(str(v) for v in values[3:])]


def export_image(image: str, fits: str, options: ExportOptions, overwrite: bool = False) -> None:
    """Write an image as a FITS file."""
    require_present(image, "image")
    require_absent(fits, overwrite)
    with CasaImage.open(image) as opened:
        export_fits(opened, fits, options, overwrite, as_asked(opened.coordinates))


def image_history(path: str) -> list[HistoryEntry]:
    """The history of an image."""
    with CasaImage.open(path) as image:
        return image.history()


def append_image_history(path: str, messages: list[str], origin: str) -> None:
    """Add lines to the history of an image."""
    with CasaImage.open(path, writable=True) as image:
        image.append_history(messages, origin)


def image_summary_of(path: str, verbose: bool = False) -> dict[str, Any]:
    """The summary record of an image, which is written to the log as text too; `verbose` adds the beam of every plane."""
    with CasaImage.open(path) as image:
        log.post(image_summary_text(image))
        if verbose and image.beams.is_per_plane:
            for chan in range(image.beams.nchan):
                for stokes in range(image.beams.nstokes):
                    beam = image.beams.at(chan, stokes)
                    size = f"{beam.major_arcsec:g} x {beam.minor_arcsec:g} arcsec, {beam.position_angle_deg:g} deg"
                    log.post(f"channel {chan}, Stokes plane {stokes}: {size}")
        return image_summary(image)
