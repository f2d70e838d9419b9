"""Setting the models of calibrators: which field gets which spectrum, and MODEL_DATA written from it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from casatools._base import log
from casatools._base.buffers import empty_array
from casatools._base.errors import DataError, ParameterError
from casatools.calibration.flux_standards import STANDARDS, find_calibrator, flux_density, last_epoch
from casatools.calibration.predict_sky import STOKES, ImagePlanes, SkyModel
from casatools.calibration.scratch_columns import fill_model, forget_recipes
from casatools.calibration.solar_system import BODIES, find_body, find_disk
from casatools.calibration.solar_system_2010 import BODIES_2010, find_disk_2010
from casatools.calibration.source_spectra import (
    BodySpectrum,
    ManualSpectrum,
    SourceSpectrum,
    StandardSpectrum,
    source_component,
    spectrum_of_fluxscale,
    stokes_to_correlations,
)
from casatools.calibration.virtual_models import places_of, sky_recipes, write_recipes
from casatools.components.component_list import ComponentList
from casatools.io.ms import (
    ChunkPlan,
    MeasurementSet,
    Piece,
    Selection,
    VisChunk,
    iter_chunks,
    open_piece,
    plan_chunks,
    split_plans,
    spread,
    spreads,
    write_chunks,
)
from casatools.io.ms.selection import distinct

if TYPE_CHECKING:
    from casatools.calibration.model_image import ModelImage
    from casatools.io.ms import ResolvedSelection
    from casatools.io.ms.model_keywords import VirtualModel

__all__ = ["SetModelOptions", "find_model_images", "manual_spectrum", "set_model"]

SOLAR_SYSTEM = "Butler-JPL-Horizons 2012"
SOLAR_SYSTEM_2010 = "Butler-JPL-Horizons 2010"
_FORMAT = "{field Id: {spw Id: {fluxd: [I,Q,U,V] in Jy}, 'fieldName':field name }}"


@dataclass(frozen=True)
class SetModelOptions:
    """What model is set.

    Attributes
    ----------
    standard : str
        One of `flux_standards.STANDARDS`, "manual" or "fluxscale".
    model : str
        An image that gives the shape of the source.
    manual : ManualSpectrum, optional
        For the standard "manual"; without one "manual" is the scale Perley-Butler 2010, as the reference has it.
    fluxdict : mapping
        What fluxscale returned, for the standard "fluxscale".
    scale_by_channel : bool
        A flux for each channel rather than one for a spectral window.
    interpolation : str
        Between the epochs of variable calibrators.
    at_ephemeris : bool
        Bodies of the solar system lie where the ephemeris has them, instead of at the phase centre.
    """

    standard: str = "Perley-Butler 2017"
    model: str = ""
    manual: ManualSpectrum | None = None
    fluxdict: Mapping[str, Any] = field(default_factory=dict)
    scale_by_channel: bool = True
    interpolation: str = "nearest"
    at_ephemeris: bool = False

    def __post_init__(self) -> None:
        if self.at_ephemeris and not self.of_bodies:
            raise ParameterError(
                f"parameter 'useephemdir' is for standards {SOLAR_SYSTEM!r} and {SOLAR_SYSTEM_2010!r} only; got standard={self.standard!r}"
            )
        if self.standard not in (*STANDARDS, SOLAR_SYSTEM, SOLAR_SYSTEM_2010, "manual", "fluxscale"):
            raise ParameterError(
                f"parameter 'standard' must be one of {', '.join(STANDARDS)}, {SOLAR_SYSTEM}, {SOLAR_SYSTEM_2010}, manual, fluxscale; "
                f"got {self.standard!r}"
            )
        if self.standard == "fluxscale" and not self.fluxdict:
            raise ParameterError("parameter 'fluxdict' must hold what fluxscale returned when standard is 'fluxscale'")
        if self.model and self.of_bodies:
            raise ParameterError(
                f"parameter model={self.model!r} does not go with standard={self.standard!r}, whose bodies are disks"
            )

    @property
    def of_bodies(self) -> bool:
        """Whether the standard is one of bodies of the solar system."""
        return self.standard in (SOLAR_SYSTEM, SOLAR_SYSTEM_2010)


def set_model(vis: str, expressions: Mapping[str, str], options: SetModelOptions, virtual: bool = False) -> dict[str, Any]:
    """Write the models of the selected fields into MODEL_DATA, or keep them as recipes.

    Parameters
    ----------
    vis : str
    expressions : mapping of str
        Keywords of `Selection`.
    options : SetModelOptions
    virtual : bool
        Keep components, or the transform of the image, not visibilities.

    Returns
    -------
    dict
        ``{field ID: {spw ID: {"fluxd": [I, Q, U, V]}, "fieldName": name}, "format": text}``, flux densities [Jy] at the first
        channel, or in the middle of the window where one flux is asked for.

    Raises
    ------
    SelectionError, PathMissingError, DataError
        Nothing matches; the MeasurementSet or the model image is missing.
    ParameterError
        A virtual model is asked for parts of scans.

    Notes
    -----
    A field that the standard does not have becomes a point of 1 Jy, with a warning.
    """
    selection = Selection(**expressions)
    with MeasurementSet(vis) as ms:
        selected = _whole_windows(selection.resolve(ms))
        sources = _sources(ms, selected, options)
        image = _open_image(options.model)
    with MeasurementSet(vis, writable=True) as ms:
        selected = _whole_windows(selection.resolve(ms))
        if options.standard == "fluxscale":
            inside = np.isin(ms.read("FIELD_ID", selected.rows), list(sources))
            selected = replace(selected, rows=selected.rows[inside])
        if virtual:
            places = places_of(ms, selected)
            write_recipes(ms, places, _recipes(ms, places, sources, options, image))
            return _record(ms, selected, sources, options)
        fill_model(ms, selected)
        forget_recipes(ms, selected)
        # MODEL_DATA is not read but sets the size of a chunk.
        plans = plan_chunks(ms, selected, ["FIELD_ID", "UVW", "MODEL_DATA"])
        if spreads():
            parts = spread(_model_piece, ms, (selected, sources, options, image), split_plans(plans))
            write_chunks(ms, (item for part in parts for item in part), [])
        else:
            write_chunks(ms, _model_chunks(ms, selected, sources, options, image, plans), [])
        return _record(ms, selected, sources, options)


def _recipes(
    ms: MeasurementSet,
    places: np.ndarray,
    sources: Mapping[int, SourceSpectrum],
    options: SetModelOptions,
    image: ModelImage | None,
) -> list[VirtualModel]:
    """What each selected field and spectral window keeps: a component, or the image with a factor for each channel."""
    made: list[VirtualModel] = []
    for number, spw in np.unique(places[:, :2], axis=0).tolist():
        window, row = ms.metadata.spectral_windows[spw], ms.metadata.fields[number]
        where = places[(places[:, 0] == number) & (places[:, 1] == spw)]
        frequency = np.asarray(window.chan_freq_hz)
        stokes = _spectrum(sources[number], frequency, options)
        if image is None:
            direction = np.ravel(row.phase_dir[0])[:2]
            component = source_component(sources[number], stokes, frequency, window.frame, direction, row.phase_frame)
            made += sky_recipes(ms, where, SkyModel(ComponentList([component]), follows=False))
            continue
        for k, label in enumerate(STOKES):
            if stokes[:, k].any():  # the parameters have spectra of their own
                term = ImagePlanes({(label, 0): image}, np.array([frequency.mean()]))
                made += sky_recipes(
                    ms, where, SkyModel(terms=[term], follows=False), (frequency, stokes[:, k] / image.total_flux)
                )
    return made


def _whole_windows(selected: ResolvedSelection) -> ResolvedSelection:
    """The selection without its channels: models are set for whole spectral windows."""
    return replace(selected, channels=dict.fromkeys(selected.channels), correlations=dict.fromkeys(selected.correlations))


def _open_image(name: str) -> ModelImage | None:
    if not name:
        return None
    from casatools.calibration.model_image import open_model_image

    return open_model_image(name)


def _sources(ms: MeasurementSet, selected: ResolvedSelection, options: SetModelOptions) -> dict[int, SourceSpectrum]:
    """The spectrum of each selected field."""
    numbers = list(distinct(ms.read("FIELD_ID", selected.rows)))
    if options.standard == "fluxscale":
        return _fluxscale_sources(ms, numbers, options.fluxdict)
    if options.standard == "manual" and options.manual is not None:
        return dict.fromkeys(numbers, options.manual)
    if options.of_bodies:
        return _bodies(ms, selected, numbers, options)
    standard = "Perley-Butler 2010" if options.standard == "manual" else options.standard
    year = _year(float(ms.read("TIME", selected.rows[:1])[0]))
    found: dict[int, SourceSpectrum] = {}
    for number in numbers:
        row = ms.metadata.fields[number]
        calibrator = find_calibrator(row.name, float(row.phase_dir[0][0]), float(row.phase_dir[0][1]))
        if calibrator is None or flux_density(standard, calibrator.name, np.array([1e9]), year) is None:
            log.post(f"field {row.name!r} is not on the scale {standard}; it becomes a point of 1 Jy", "WARN")
            found[number] = ManualSpectrum((1.0, 0.0, 0.0, 0.0))
        else:
            log.post(f"field {row.name!r} is {calibrator.name} on the scale {standard}")
            _warn_of_extrapolation(standard, calibrator.name, year, options.interpolation)
            found[number] = StandardSpectrum(standard, calibrator.name, year, options.interpolation)
    return found


def _bodies(
    ms: MeasurementSet, selected: ResolvedSelection, numbers: list[int], options: SetModelOptions
) -> dict[int, SourceSpectrum]:
    """Disks of the bodies that the fields are named after, at the middle of their observation."""
    fields, times = (np.asarray(ms.read(c, selected.rows)) for c in ("FIELD_ID", "TIME"))
    found: dict[int, SourceSpectrum] = {}
    of_2010 = options.standard == SOLAR_SYSTEM_2010
    bodies, find = (BODIES_2010, find_disk_2010) if of_2010 else (BODIES, find_disk)
    for number in numbers:
        name = ms.metadata.fields[number].name
        body = find_body(name, bodies)
        if body is None:
            raise DataError(f"field {name!r} is none of the bodies of {options.standard!r}: {', '.join(bodies)}")
        own = times[fields == number]
        mjd = 0.5 * float(own.min() + own.max()) / 86400.0
        source = BodySpectrum(find(body, mjd), mjd, options.at_ephemeris, of_2010)
        ddids = np.unique(np.asarray(ms.read("DATA_DESC_ID", selected.rows))[fields == number])
        for ddid in ddids:  # what there is no model for is told before anything is written
            source.stokes(ms.metadata.spectral_windows[ms.metadata.data_descriptions[int(ddid)].spw].chan_freq_hz)
        log.post(f"field {name!r} is {body}, {np.rad2deg(source.disk.major_rad) * 3600:.3f} arcsec wide")
        found[number] = source
    return found


def _fluxscale_sources(ms: MeasurementSet, numbers: list[int], fluxdict: Mapping[str, Any]) -> dict[int, SourceSpectrum]:
    found: dict[int, SourceSpectrum] = {}
    for number in numbers:
        name = ms.metadata.fields[number].name
        entry = fluxdict.get(str(number))
        if not isinstance(entry, Mapping):
            entry = next((e for e in fluxdict.values() if isinstance(e, Mapping) and e.get("fieldName") == name), None)
        if entry is not None:
            found[number] = spectrum_of_fluxscale(entry)
    if not found:
        raise ParameterError("parameter 'fluxdict' holds none of the selected fields")
    return found


def _warn_of_extrapolation(standard: str, calibrator: str, year: float, interpolation: str) -> None:
    end = last_epoch(standard, calibrator)
    if end is not None and year > end and interpolation not in ("nearest", ""):
        log.post(
            f"setjy: {standard} has flux densities of {calibrator} until {end:.1f}; those of {year:.1f} are extrapolated "
            f"(interpolation={interpolation!r}), 'nearest' takes the last ones",
            "WARN",
        )


def _year(time_s: float) -> float:
    """Julian year of a modified Julian date in seconds."""
    return 2000.0 + (time_s / 86400.0 - 51544.5) / 365.25


def _spectrum(source: SourceSpectrum, frequency_hz: np.ndarray, options: SetModelOptions) -> np.ndarray:
    """Stokes (chan, 4): by channel, or of the window's middle where one flux is asked for.

    Plain power laws follow the channels whatever is asked for, as the reference's do.
    """
    if options.scale_by_channel or (isinstance(source, ManualSpectrum) and not source.is_curved):
        return source.stokes(frequency_hz)
    return np.repeat(_middle(source, frequency_hz), len(frequency_hz), axis=0)


def _middle(source: SourceSpectrum, frequency_hz: np.ndarray) -> np.ndarray:
    """Stokes (1, 4) of the middle of a spectral window."""
    return source.stokes(np.array([np.mean(frequency_hz)]))


def _model_chunks(
    ms: MeasurementSet,
    selected: ResolvedSelection,
    sources: Mapping[int, SourceSpectrum],
    options: SetModelOptions,
    image: ModelImage | None,
    plans: Sequence[ChunkPlan],
) -> Iterator[tuple[VisChunk, dict[str, np.ndarray]]]:
    lines: dict[tuple[int, int], np.ndarray] = {}
    made: tuple[list[int], int, tuple[int, ...]] | None = None
    model = np.zeros(0, dtype=np.complex64)
    extended = image is not None or any(isinstance(s, BodySpectrum) for s in sources.values())
    columns = ["FIELD_ID", "UVW"] if extended else ["FIELD_ID"]
    for chunk in iter_chunks(ms, selected, columns, plans=plans):
        frequency = ms.metadata.spectral_windows[chunk.spw].chan_freq_hz
        names = ms.metadata.polarizations[chunk.pol].names
        numbers = list(distinct(chunk["FIELD_ID"]))
        same = (numbers, chunk.ddid, chunk.shape)
        if not extended and len(numbers) == 1 and same == made:
            yield chunk, {"MODEL_DATA": model}  # as of the chunk before
            continue
        made, model = same, empty_array(chunk.shape, np.complex64)
        for number in numbers:
            key = (number, chunk.ddid)
            if key not in lines:
                lines[key] = stokes_to_correlations(_spectrum(sources[number], frequency, options), names).astype(np.complex64)
            rows, source = chunk["FIELD_ID"] == number, sources[number]
            direction = ms.metadata.fields[number].phase_dir[0]
            if isinstance(source, BodySpectrum):
                model[rows] = source.shape(chunk["UVW"][rows], frequency, direction)[:, :, None] * lines[key]
            elif image is None:
                model[slice(None) if rows.all() else rows] = lines[key]
            else:
                shape = image.visibilities(chunk["UVW"][rows], frequency, direction) / image.total_flux
                model[rows] = shape[:, :, None] * lines[key]
        yield chunk, {"MODEL_DATA": model}


def _model_piece(piece: Piece) -> list[tuple[VisChunk, dict[str, np.ndarray]]]:
    with open_piece(piece):
        selected, sources, options, image = piece.job
        return list(_model_chunks(piece.ms, selected, sources, options, image, piece.plans))


def _record(
    ms: MeasurementSet, selected: ResolvedSelection, sources: Mapping[int, SourceSpectrum], options: SetModelOptions
) -> dict[str, Any]:
    fields = ms.read("FIELD_ID", selected.rows)
    ddids = ms.read("DATA_DESC_ID", selected.rows)
    out: dict[str, Any] = {}
    chosen = {int(s) for s in selected.spws}
    for number, source in sorted(sources.items()):
        entry: dict[str, Any] = {}
        windows = {ms.metadata.data_descriptions[int(d)].spw for d in distinct(ddids[fields == number])}
        if not isinstance(source, BodySpectrum):  # whose model may not reach windows that were not observed
            windows |= chosen
        for window in sorted(windows):
            frequency = ms.metadata.spectral_windows[window].chan_freq_hz
            stokes = source.stokes(frequency[:1]) if options.scale_by_channel else _middle(source, frequency)
            entry[str(window)] = {"fluxd": stokes[0].astype(np.float64)}
        entry["fieldName"] = ms.metadata.fields[number].name
        out[str(number)] = entry
    out["format"] = _FORMAT
    return out


def _numbers(value: Any, name: str) -> list[float]:
    if isinstance(value, str):
        if value.strip():
            raise ParameterError(f"parameter {name!r} must be a number or a list of numbers; got {value!r}")
        return []
    return [float(v) for v in np.atleast_1d(value)]


def manual_spectrum(
    fluxdensity: Any, spix: Any, reffreq: Any, polindex: list[float], polangle: list[float], rotmeas: float
) -> ManualSpectrum | None:
    """The spectrum that setjy's manual parameters ask for; None when fluxdensity is negative (take a published scale)."""
    from casatools.frames.quantities import convert_value, parse_quantity

    fluxes = _numbers(fluxdensity, "fluxdensity")
    if not fluxes or fluxes[0] < 0:
        return None
    if len(fluxes) > 4:
        raise ParameterError(f"parameter 'fluxdensity' must hold at most I, Q, U, V; got {fluxes}")
    try:
        reference = float(convert_value(*parse_quantity(reffreq, "GHz"), "Hz"))
    except ParameterError:
        reference = 0.0
    if not 0 < reference < np.inf:
        raise ParameterError(f"parameter 'reffreq' must be a positive frequency such as '1.4GHz'; got {reffreq!r}")
    numbers = {
        "fluxdensity": fluxes,
        "spix": _numbers(spix, "spix"),
        "polindex": polindex,
        "polangle": polangle,
        "rotmeas": [rotmeas],
    }
    for name, values in numbers.items():
        if not np.isfinite(values).all():
            raise ParameterError(f"parameter {name!r} must hold finite numbers; got {values}")
    i, q, u, v = (*fluxes, 0.0, 0.0, 0.0)[:4]
    return ManualSpectrum((i, q, u, v), tuple(numbers["spix"]), reference, tuple(polindex), tuple(polangle), rotmeas)


def find_model_images() -> list[str]:
    """Names of calibrator images in the current folder and over the data paths."""
    import glob
    import os

    from casatools._base.paths import data_paths

    folders = [os.getcwd(), *(os.path.join(p, "nrao", "VLA", "CalModels") for p in data_paths())]
    return [p for f in folders for p in sorted(glob.glob(os.path.join(f, "*.im")) + glob.glob(os.path.join(f, "*.mod*")))]
