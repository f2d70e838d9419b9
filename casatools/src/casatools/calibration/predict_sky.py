"""Visibilities of sky models - component lists and images, also of Taylor terms - written into MODEL_DATA.

References
----------
Thompson, Moran & Swenson 2017, Interferometry and Synthesis in Radio Astronomy, table 10.2: transforms of Gaussians and disks.
Rau & Cornwell 2011, A&A 532, A71: Taylor terms in ``(f - f0) / f0``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from casatools._base.constants import SPEED_OF_LIGHT_M_S
from casatools._base.errors import DataError, ParameterError
from casatools._base.memory import CHUNK_BYTES
from casatools._base.paths import require_present
from casatools.calibration.fit_component import component_visibility
from casatools.calibration.model_image import ModelImage, image_axes, tangent_axes
from casatools.calibration.scratch_columns import fill_model, forget_recipes
from casatools.calibration.source_spectra import stokes_to_correlations
from casatools.components.component_list import ComponentList, components_from
from casatools.components.model import Component
from casatools.frames.directions import Direction, convert_direction, frame_turn
from casatools.frames.epochs import utc_seconds
from casatools.frames.frequencies import doppler_factor
from casatools.frames.quantities import to_unit
from casatools.io.image import CasaImage
from casatools.io.ms import MeasurementSet, ResolvedSelection, Selection, VisChunk, iter_chunks, write_chunks
from casatools.io.ms.metadata import Field
from casatools.transform.field_directions import array_position, phase_centres
from casatools.transform.near_field import near_field_path

__all__ = ["STOKES", "ImagePlanes", "SkyModel", "chunk_model", "moves", "open_sky_model", "predict_sky"]

_ARCSEC = np.pi / 648000.0
# Bytes of the arrays that a model visibility passes through, over its own.
_MADE = 16
STOKES = ("I", "Q", "U", "V")
_ANTENNAS = ("ANTENNA1", "ANTENNA2")
_KINDS = {"Point": "P", "Gaussian": "G", "Disk": "D"}


@dataclass(frozen=True)
class ImagePlanes:
    """The planes of a model image.

    Attributes
    ----------
    planes : dict of (Stokes parameter, channel) to ModelImage
        Those with flux.
    frequency_hz : ndarray (chan,)
        Of the image's channels.
    frame : str
        Of these frequencies; "" where they are those of the data.
    curved : bool
        The sky is curved; a flat one is what gridders without w terms made the image for.
    """

    planes: Mapping[tuple[str, int], ModelImage]
    frequency_hz: np.ndarray
    frame: str = ""
    curved: bool = True

    @classmethod
    def read(cls, path: str) -> ImagePlanes:
        """Read an image.

        Raises
        ------
        PathMissingError, DataError
            There is none, it has no direction axes, or planes that are no Stokes parameters.
        """
        require_present(path, "model image")
        with CasaImage.open(path) as image:
            coordinates = image.coordinates
            direction = coordinates.direction
            if (
                direction is None
                or coordinates.direction_axes != (0, 1)
                or image.ndim != 4
                or coordinates.stokes_axis not in (None, 2)
            ):
                raise DataError(f"model image {path!r} must have the axes right ascension, declination, Stokes and frequency")
            labels = list(coordinates.stokes.labels) if coordinates.stokes is not None else ["I"]
            if not set(labels) <= set(STOKES):
                raise DataError(f"model image {path!r} has the planes {', '.join(labels)}; allowed are Stokes I, Q, U and V")
            reference, turn = image_axes(direction, path)
            planes = {}
            for chan in range(image.shape[0]):
                for pol, label in enumerate(labels):
                    pixels = np.nan_to_num(np.asarray(image.read((chan, pol)), np.float64))
                    pixels = pixels.reshape(pixels.shape[-2:])
                    if pixels.any():
                        planes[label, chan] = ModelImage(
                            pixels.T,
                            reference,
                            tuple(direction.reference_pixel.tolist()),
                            direction.increment_rad,
                            turn,
                        )
            spectral = coordinates.spectral
            hz = spectral.frequencies_hz(image.shape[0]) if spectral is not None else np.ones(image.shape[0])
        return cls(planes, np.asarray(hz, np.float64), spectral.frame if spectral is not None else "")

    def nearest(self, frequency_hz: np.ndarray) -> np.ndarray:
        """The image's channel for each frequency in its frame; -1 beyond the ends of a cube, where the reference's gridders give nothing either."""
        away = np.abs(self.frequency_hz[None, :] - np.asarray(frequency_hz)[:, None])
        own = away.argmin(axis=1)
        if len(self.frequency_hz) == 1:
            return own
        width = np.abs(np.diff(self.frequency_hz)).max()
        return np.where(away.min(axis=1) <= 0.5001 * width, own, -1)


@dataclass(frozen=True)
class SkyModel:
    """Components and images, which are added up.

    Attributes
    ----------
    components : ComponentList
    terms : sequence of ImagePlanes
        One image, or one a Taylor term.
    reference_hz : float
        Of the terms.
    phase_time_s : float, optional
        Time [MJD s] at which phase centres that move are taken; each row's own when not given.
    distance_m : float
        Of a near source, whose waves are curved; 0 for far ones.
    focus : Direction, optional
        Where the near source is.
    follows : bool
        Phase centres that move are followed; else a field's is where the FIELD table has it, and the model moves with it.
    """

    components: ComponentList = field(default_factory=ComponentList)
    terms: Sequence[ImagePlanes] = ()
    reference_hz: float = 0.0
    phase_time_s: float | None = None
    distance_m: float = 0.0
    focus: Direction | None = None
    follows: bool = True

    def visibilities(
        self, uvw_m: np.ndarray, frequency_hz: np.ndarray, phase_centre: Direction, factor: Callable[[str], float] | None = None
    ) -> np.ndarray:
        """Stokes visibilities (row, chan, 4) complex128 [Jy]; `factor` gives what frequencies of the data are multiplied with for a frame of images."""
        out = np.zeros((len(uvw_m), len(frequency_hz), 4), np.complex128)
        for component in self.components:
            out += _component(component, uvw_m, frequency_hz, phase_centre)
        where = np.array([phase_centre.lon_rad, phase_centre.lat_rad])
        for order, image in enumerate(self.terms):
            scale = ((frequency_hz - self.reference_hz) / self.reference_hz) ** order if order else np.ones(len(frequency_hz))
            moves = factor is not None and image.frame and len(image.frequency_hz) > 1
            own = image.nearest(frequency_hz * factor(image.frame) if moves and factor is not None else frequency_hz)
            for (label, chan), plane in image.planes.items():
                mine = np.flatnonzero(own == chan)
                if len(mine):
                    out[:, mine, STOKES.index(label)] += (
                        plane.visibilities(uvw_m, frequency_hz[mine], where, image.curved) * scale[mine]
                    )
        return out


def _component(component: Component, uvw_m: np.ndarray, frequency_hz: np.ndarray, phase_centre: Direction) -> np.ndarray:
    shape = component.shape
    place = convert_direction(Direction(shape.lon_rad, shape.lat_rad, shape.frame), "J2000")
    here, there = tangent_axes(phase_centre.lon_rad, phase_centre.lat_rad), tangent_axes(place.lon_rad, place.lat_rad)
    wavenumber = np.asarray(frequency_hz) / SPEED_OF_LIGHT_M_S
    phase = np.multiply.outer(uvw_m @ (here @ (there[2] - here[2])), wavenumber)
    values = np.exp(2j * np.pi * phase) if phase.any() else np.ones(phase.shape, np.complex128)
    if shape.major is not None and shape.minor is not None and shape.angle is not None:
        major = shape.major.in_unit("rad")
        # The size of the source is seen from where it is.
        turned = uvw_m @ (here @ there.T)
        parameters = np.array([1.0, 0.0, 0.0, major / _ARCSEC, shape.minor.in_unit("rad") / major, shape.angle.in_unit("deg")])
        u, v = np.multiply.outer(turned[:, 0], wavenumber), np.multiply.outer(turned[:, 1], wavenumber)
        values = values * component_visibility(_KINDS[shape.kind], parameters, u, v)
    return np.asarray(values[:, :, None] * component.stokes_at(frequency_hz).T[None])


def open_sky_model(images: Sequence[str], components: str = "", reference: str = "", in_frame: bool = False) -> SkyModel:
    """Read a sky model.

    Parameters
    ----------
    images : sequence of str
        Model images [Jy/pixel]: one, or one a Taylor term.
    components : str
        Component list; '' for none.
    reference : str
        Reference frequency of Taylor terms; '' is that of the first image.
    in_frame : bool
        Cubes serve data at the frequencies of their own frame, as tclean made them; without, at those of the data whatever the frame, as the
        reference's ft has it.

    Raises
    ------
    PathMissingError, DataError, ParameterError
        Something is missing or cannot be used, or nothing is given.
    """
    if not images and not components:
        raise ParameterError("a sky model needs an image (parameter 'model') or a component list (parameter 'complist')")
    if components:
        require_present(components, "component list")
    terms = [ImagePlanes.read(path) for path in images]
    if not in_frame:
        terms = [replace(t, frame="") for t in terms]
    hz = float(to_unit(reference, "Hz")) if reference.strip() else float(terms[0].frequency_hz[0]) if terms else 0.0
    return SkyModel(components_from(components) if components else ComponentList(), terms, hz)


def frame_factors(ms: MeasurementSet, field_number: int, spw: int, time_s: float) -> Callable[[str], float]:
    """What frequencies of a spectral window are multiplied with for other frames, towards a field at a time."""

    def factor(frame: str) -> float:
        own = ms.metadata.spectral_windows[spw].frame
        if {own, frame} & {"REST", "Undefined", ""} or own == frame:
            return 1.0
        found = ms.metadata.fields[field_number]
        lon, lat = (float(v) for v in np.ravel(found.phase_dir[0])[:2])
        position = np.asarray(ms.metadata.antennas[0].position_m)
        return float(
            doppler_factor(own, frame, utc_seconds(time_s, ms.time_frame), Direction(lon, lat, found.phase_frame), position)
        )

    return factor


def predict_sky(
    vis: str, expressions: Mapping[str, str], sky: SkyModel, incremental: bool = False, virtual: bool = False
) -> None:
    """Write the visibilities of a sky model into MODEL_DATA, or keep it as a recipe, which serves whole spectral windows.

    Parameters
    ----------
    vis : str
    expressions : mapping of str
        Keywords of `Selection`.
    sky : SkyModel
    incremental : bool
        Add to the model that is there.
    virtual : bool
        Keep the components and the images' transforms, not visibilities.

    Raises
    ------
    PathMissingError, SelectionError, DataError
        The MeasurementSet is missing, nothing matches, or there is no model to add to.
    """
    from casatools.calibration.virtual_models import keep_sky

    selection = Selection(**expressions)
    with MeasurementSet(vis, writable=True) as ms:
        selected = selection.resolve(ms)
        selected = replace(selected, correlations=dict.fromkeys(selected.correlations))
        if virtual:
            keep_sky(ms, replace(selected, channels=dict.fromkeys(selected.channels)), sky, incremental)
            return
        if incremental and "MODEL_DATA" not in ms.column_names:
            raise DataError(f"{vis!r} has no MODEL_DATA to add to; give incremental=False")
        fill_model(ms, selected)
        forget_recipes(ms, selected)
        write_chunks(ms, _model_chunks(ms, selected, sky, incremental), [])


def chunk_model(
    ms: MeasurementSet, chunk: VisChunk, sky: SkyModel, rows: np.ndarray | None = None, scale: np.ndarray | float = 1.0
) -> np.ndarray:
    """Visibilities (row, chan, corr) complex64 [Jy] of a sky model for a chunk, which holds FIELD_ID, UVW and TIME, and antennas for a near source.

    Of some rows where their numbers are given; `scale` is factors (chan,) for all of the model.
    """
    columns = {name: np.asarray(chunk[name]) for name in ("FIELD_ID", "UVW", "TIME", *(_ANTENNAS if sky.distance_m else ()))}
    if rows is not None:
        columns = {name: values[rows] for name, values in columns.items()}
    frequency = np.asarray(ms.metadata.spectral_windows[chunk.spw].chan_freq_hz)[chunk.channels]
    names = [ms.metadata.polarizations[chunk.pol].names[c] for c in chunk.correlations]
    model = np.zeros((len(columns["TIME"]), *chunk.shape[1:]), np.complex64)
    for number in np.unique(columns["FIELD_ID"]).tolist():
        mine = np.flatnonzero(columns["FIELD_ID"] == number)
        factor = frame_factors(ms, number, chunk.spw, float(np.median(columns["TIME"][mine])))
        for here, phase_centre in _centres(ms, number, mine, columns["TIME"][mine], sky):
            centre, turn = frame_turn(phase_centre, "J2000")
            uvw = np.asarray(columns["UVW"], np.float64)[here] @ turn.T
            stokes = sky.visibilities(uvw, frequency, centre, factor) * np.reshape(scale, (-1, 1))
            model[here] = stokes_to_correlations(stokes, names)
    if sky.distance_m and sky.focus is not None:
        model *= _curved(ms, columns, frequency, sky.focus, sky.distance_m)
    return model


def moves(found: Field) -> bool:
    """Whether a field's phase centre is along an ephemeris or a polynomial."""
    return found.ephemeris_id >= 0 or len(np.atleast_2d(found.phase_dir)) > 1


def _centres(
    ms: MeasurementSet, number: int, rows: np.ndarray, times_s: np.ndarray, sky: SkyModel
) -> Iterator[tuple[np.ndarray, Direction]]:
    """Rows of a field that share a phase centre, and where it is: along an ephemeris or a polynomial it is another one at each time."""
    found = ms.metadata.fields[number]
    if not (sky.follows and moves(found)):
        lon, lat = (float(v) for v in np.ravel(found.phase_dir)[:2])
        yield rows, Direction(lon, lat, found.phase_frame)
        return
    at, which = (
        (np.array([sky.phase_time_s]), np.zeros(len(rows), int))
        if sky.phase_time_s is not None
        else np.unique(times_s, return_inverse=True)
    )
    lons, lats, frame = phase_centres(ms, found, at)
    for k in range(len(at)):
        yield rows[np.ravel(which) == k], Direction(float(lons[k]), float(lats[k]), frame)


def _curved(
    ms: MeasurementSet, columns: Mapping[str, np.ndarray], frequency_hz: np.ndarray, focus: Direction, distance_m: float
) -> np.ndarray:
    """What the curved waves of a near source turn visibilities by: (row, chan, 1) complex64."""
    there = convert_direction(focus, "J2000", float(utc_seconds(columns["TIME"][0], ms.time_frame)), array_position(ms))
    extra = near_field_path(ms, columns["ANTENNA1"], columns["ANTENNA2"], columns["TIME"], [there], distance_m)
    turn = np.exp((2j * np.pi / SPEED_OF_LIGHT_M_S) * np.multiply.outer(extra, frequency_hz))
    return np.asarray(turn.astype(np.complex64)[:, :, None])


def _model_chunks(
    ms: MeasurementSet, selected: ResolvedSelection, sky: SkyModel, incremental: bool
) -> Iterator[tuple[VisChunk, dict[str, np.ndarray]]]:
    columns = ["FIELD_ID", "UVW", "TIME", *(_ANTENNAS if sky.distance_m else ()), *(["MODEL_DATA"] if incremental else [])]
    for chunk in iter_chunks(ms, selected, columns, chunk_bytes=CHUNK_BYTES // _MADE, made=["MODEL_DATA"]):
        model = chunk_model(ms, chunk, sky)
        yield chunk, {"MODEL_DATA": model + chunk["MODEL_DATA"] if incremental else model}
