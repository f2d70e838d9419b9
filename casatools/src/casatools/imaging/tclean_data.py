"""What a tclean run images: visibilities, phase centres and the axes of the images."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace

import numpy as np

from casatools._base import log
from casatools._base.errors import DataError, ParameterError, SelectionError, naming
from casatools.frames.directions import Direction, angular_separation, convert_direction, parse_direction
from casatools.imaging.antenna_beams import antenna_beams
from casatools.imaging.frequency_grid import SpectralAxis, continuum_axis, cube_axis
from casatools.imaging.imager import ImagingData
from casatools.imaging.plane_mixing import CORRELATION_NAMES, correlation_planes
from casatools.imaging.request import TcleanRequest
from casatools.imaging.tracking import track_of
from casatools.imaging.visibilities import DataSource, open_sources, stokes_planes
from casatools.io.ms import Selection

__all__ = ["hold_apart", "imaged_sources", "phase_centre", "prepare_data", "spectral_axis"]


@contextmanager
def imaged_sources(
    request: TcleanRequest, writable: bool = False, selections: Sequence[Selection] | None = None
) -> Iterator[list[DataSource]]:
    """Open what a request images, and close it when the block ends; a column that stands in for the one asked for is told.

    Other selections may be given than those of the request.
    """
    sources = open_sources(request.paths, selections or request.selections, request.datacolumn, writable)
    try:
        for source in sources:
            if source.fell_back:
                log.post(f"{source.ms.path} has no CORRECTED_DATA column; the DATA column is imaged", "WARN")
        yield sources
    finally:
        for source in sources:
            source.close()


def prepare_data(request: TcleanRequest, sources: list[DataSource], sees_fields: bool = True) -> ImagingData:
    """The visibilities that are imaged, and the axes of the images.

    Without `sees_fields` the image may be anywhere: where the antennas pointed counts, not the fields.

    Raises
    ------
    CasaError
        The phase centre is on the other side of the sky, spectral windows differ in correlations, or an axis cannot be made.
    """
    for source in sources:
        source.track = track_of(request.centre_text(), int(source.field_ids[0]))
    centre = phase_centre(request, sources)
    if sees_fields:
        _require_near(centre, sources)
    for source in sources:
        # The band of a continuum image is converted towards its first field, as in CASA.
        source.toward = None if request.is_continuum else centre
    if request.conjbeams and not request.is_continuum:
        log.post(
            "tclean: conjbeams=True changes nothing in a cube: the beam conjugate to a channel's about its own frequency is the channel's",
            "WARN",
        )
    planes = [stokes_planes(request.stokes, s.correlation_codes(int(s.ddids[0]))) for s in sources]
    for source, own in zip(sources, planes, strict=True):
        if any(stokes_planes(request.stokes, source.correlation_codes(int(d))) != own for d in source.ddids):
            raise DataError(f"the selected spectral windows of {source.ms.path!r} differ in correlations; image them apart")
    # The channels of a virtual cube hold data of many, each at its own frequency.
    is_cube = not request.is_continuum and request.specmode != "mvc"
    axis = spectral_axis(request, sources)
    data = ImagingData(sources, planes, centre, axis, is_cube, request.interpolation, request.stokes == "pseudoI")
    data.is_split = request.specmode == "mvc"
    return hold_apart(request, data) if request.is_aperture else data


def hold_apart(request: TcleanRequest, data: ImagingData) -> ImagingData:
    """Hold the correlations of circular feeds themselves, where their hands have beams of their own; of pseudo-I each hand's samples.

    Raises
    ------
    DataError
        MeasurementSets with and without such beams, or with other correlations, are to be imaged together.
    """
    codes = [s.correlation_codes(int(s.ddids[0])) for s in data.sources]
    apart = [
        antenna_beams(s.beam_telescope, request.vptable, measured=True).is_squinted and any(c in (5, 6, 7, 8) for c in own)
        for s, own in zip(data.sources, codes, strict=True)
    ]
    if not any(apart):
        return data
    if not all(apart) or any(own != codes[0] for own in codes):
        raise DataError(
            f"gridder={request.gridder!r}: the MeasurementSets differ in correlations, or only some have beams with squint; image them apart"
        )
    if data.pseudo:
        # A sample of either hand is I seen through that hand's beam, whether the other one is there or not.
        names = tuple(CORRELATION_NAMES[codes[0][k]][0] for k in sorted(data.planes[0][0][1]))
        for source in data.sources:
            source.hands = names
        return data
    labels = data.labels
    planes, mixing = correlation_planes(data.planes[0], codes[0])
    return replace(data, planes=[planes] * len(data.sources), image_labels=labels, plane_mixing=mixing)


def phase_centre(request: TcleanRequest, sources: list[DataSource], name: str = "phasecenter") -> Direction:
    """The phase centre asked for in a parameter, or that of the first field.

    Raises
    ------
    SelectionError, ParameterError
        There is no such field, or the direction cannot be read.
    """
    first = sources[0]
    asked = request.centre_text(name)
    if asked is None:
        return first.field_direction(int(first.field_ids[0]))
    if isinstance(asked, int):
        if asked >= len(first.ms.metadata.fields):
            raise SelectionError(f"{name}={asked} is not a field; there are fields 0 to {len(first.ms.metadata.fields) - 1}")
        return first.field_direction(asked)
    track = track_of(asked, int(first.field_ids[0]))
    if track is not None:
        return track.direction(first.ms, float(first.times_s[0]), first.position_m)
    with naming("tclean", name):
        found = parse_direction(asked)
    if found.frame in ("J2000", "ICRS", "B1950", "GALACTIC"):
        return found
    return convert_direction(found, "J2000", float(first.times_s[0]), first.position_m)


def _require_near(centre: Direction, sources: list[DataSource]) -> None:
    """Refuse a phase centre of which no selected field sees the half of the sky."""
    for source in sources:
        for field_id in source.field_ids:
            there = convert_direction(
                source.field_direction(int(field_id)), centre.frame, float(source.times_s[0]), source.position_m
            )
            if angular_separation(centre.lon_rad, centre.lat_rad, there.lon_rad, there.lat_rad) < 0.5 * np.pi:
                return
    raise ParameterError(
        "tclean: parameter 'phasecenter' is more than 90 degrees from the phase centre of each selected field; "
        f"got {float(np.rad2deg(centre.lon_rad)):.4f} {float(np.rad2deg(centre.lat_rad)):.4f} deg {centre.frame}"
    )


def _rest_frequency(request: TcleanRequest, source: DataSource) -> float:
    """The rest frequency given, or that of the source; 0 when neither is known."""
    if request.rest_hz > 0:
        return request.rest_hz
    metadata = source.ms.metadata
    spw = metadata.data_descriptions[int(source.ddids[0])].spw
    wanted = metadata.fields[int(source.field_ids[0])].source_id
    for row in metadata.sources:
        rest = np.ravel(row.rest_frequency_hz) if row.rest_frequency_hz is not None else np.zeros(0)
        if row.source_id == wanted and row.spw_id in (spw, -1) and rest.size and rest[0] > 0:
            return float(rest[0])
    return 0.0


def _band_edges(source: DataSource, frame: str) -> list[tuple[float, float]]:
    """The band of each data description in a frame, over all fields at the times that each is observed."""
    edges = []
    spans = source.field_times()
    for ddid in source.ddids:
        hz, width, _ = source.channels(int(ddid))
        factors = np.concatenate([source.factors(int(ddid), frame, np.array(span), number) for number, span in spans.items()])
        low, high = float((hz - 0.5 * width).min()), float((hz + 0.5 * width).max())
        edges.append((low * float(factors.min()), high * float(factors.max())))
    return edges


def spectral_axis(request: TcleanRequest, sources: list[DataSource]) -> SpectralAxis:
    """The channels of the image, or the one channel of a continuum image."""
    first = sources[0]
    rest = _rest_frequency(request, first)
    native = request.specmode == "cubedata"
    frame = "" if native else request.spectral_frame
    if request.is_continuum:
        edges = [band for source in sources for band in _band_edges(source, frame)]
        return continuum_axis(edges, frame, rest, str(request.reffreq or ""))
    if rest <= 0:
        # Without any other the middle of the selected channels, as they are in the data.
        selected = np.concatenate([first.channels(int(ddid))[0] for ddid in first.ddids])
        rest = 0.5 * float(selected.min() + selected.max())
    hz_parts, width_parts = [], []
    for ddid in first.ddids:
        hz, width, _ = first.channels(int(ddid))
        factor = float(first.factors(int(ddid), frame, first.times_s[:1])[0])
        hz_parts.append(hz * factor)
        width_parts.append(width * factor)
    hz, width = np.concatenate(hz_parts), np.concatenate(width_parts)
    if not request.start_is_frequency and str(request.start).strip():
        # A channel number counts all channels of the spectral window, whatever is selected of it.
        factor = float(first.factors(int(first.ddids[0]), frame, first.times_s[:1])[0])
        hz, width = (v * factor for v in first.all_channels(int(first.ddids[0])))
    step = request.width
    if request.specmode == "mvc" and request.nchan > 0 and not str(request.start).strip() and not str(step).strip():
        # A virtual cube of some channels is one of the whole band.
        half = 0.5 * np.abs(width)
        step = f"{float((hz + half).max() - (hz - half).min()) / request.nchan!r}Hz"
    axis = cube_axis(hz, width, request.nchan, request.start, step, frame, rest, request.veltype)
    return replace(axis, frame="") if native else axis
