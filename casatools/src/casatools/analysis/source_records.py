"""Fitted components as CASA's records, component lists and texts."""

from __future__ import annotations

import time
from typing import Any

import numpy as np

from casatools.analysis.source_errors import Deconvolved
from casatools.analysis.source_fitting import FittedSource, PlaneResult, SourceFit
from casatools.components.component_list import ComponentList
from casatools.components.model import Amount, Component, Flux, Shape, Spectrum
from casatools.frames.quantities import format_dms, format_hms

__all__ = ["component_list", "fit_record", "log_text", "plane_text", "summary_text"]

_ARCSEC = 180.0 * 3600.0 / np.pi
_STOKES = ("I", "Q", "U", "V")
_NO_SIZE_ARCSEC = 1e-60


def _flux(fit: SourceFit, plane: PlaneResult, found: FittedSource) -> Flux:
    at = _STOKES.index(plane.stokes) if plane.stokes in _STOKES else 0
    values, errors = np.zeros(4, complex), np.zeros(4, complex)
    values[at] = found.flux
    errors[at] = abs(found.flux) * found.errors.flux_fraction
    return Flux(values, errors, fit.flux_unit)


def _place(fit: SourceFit, found: FittedSource) -> Shape:
    return Shape(
        "Point", found.longitude_rad, found.latitude_rad, fit.direction_frame,
        _arcsec(found.errors.longitude_rad), _arcsec(found.errors.latitude_rad),
    )  # fmt: skip


def _arcsec(angle_rad: float) -> Amount:
    return Amount(angle_rad * _ARCSEC, "arcsec")


def _degrees(angle_rad: float) -> Amount:
    return Amount(float(np.degrees(angle_rad)), "deg")


def _gaussian(place: Shape, sizes: tuple[float, float, float], errors: tuple[float, float, float]) -> Shape:
    return Shape(
        "Gaussian", place.lon_rad, place.lat_rad, place.frame, place.lon_error, place.lat_error,
        _arcsec(sizes[0]), _arcsec(sizes[1]), _degrees(sizes[2]), _arcsec(errors[0]), _arcsec(errors[1]), _degrees(errors[2]),
    )  # fmt: skip


def _component(fit: SourceFit, plane: PlaneResult, found: FittedSource) -> Component:
    source, errors = found.source, found.errors
    shape = _gaussian(
        _place(fit, found), (source.major_rad, source.minor_rad, source.angle_rad),
        (errors.major_rad, errors.minor_rad, errors.angle_rad),
    )  # fmt: skip
    frequency = Amount(plane.frequency_hz * 1e-9 if plane.frequency_hz else 1.0, "GHz")  # 1 GHz stands for none, as in CASA
    return Component(_flux(fit, plane, found), shape, Spectrum(frequency=frequency, frame=fit.frequency_frame))


def component_list(fit: SourceFit) -> ComponentList:
    """All components, with the sizes that the beam gives them."""
    return ComponentList([_component(fit, plane, found) for plane in fit.planes for found in plane.sources])


def _beam(plane: PlaneResult, fit: SourceFit) -> dict[str, Any]:
    if plane.beam is None:
        return {}
    beam = plane.beam
    return {
        "beam": {
            "beamarcsec": {
                "major": {"unit": "arcsec", "value": beam.major_arcsec},
                "minor": {"unit": "arcsec", "value": beam.minor_arcsec},
                "positionangle": {"unit": "deg", "value": beam.position_angle_deg},
            },
            "beampixels": beam.area_rad2 / fit.geometry.pixel_area_rad2,
            "beamster": beam.area_rad2,
        }
    }


def _record(fit: SourceFit, plane: PlaneResult, found: FittedSource) -> dict[str, Any]:
    record = _component(fit, plane, found).record()
    record["spectrum"] = {"channel": plane.channel, **record["spectrum"]}
    if found.deconvolved is not None:
        record["ispoint"] = found.deconvolved.kind != "resolved"
    record["peak"] = {"error": found.errors.peak, "unit": fit.unit, "value": found.source.peak}
    record["pixelcoords"] = np.array([found.source.x, found.source.y])
    record["sum"] = {"unit": fit.unit, "value": found.sum}
    return dict(sorted({**_beam(plane, fit), **record}.items()))


def _deconvolved_record(fit: SourceFit, plane: PlaneResult, found: FittedSource, inner: Deconvolved) -> dict[str, Any]:
    record = _record(fit, plane, found)
    del record["pixelcoords"]
    place = _place(fit, found)
    if inner.kind == "resolved":
        record["shape"] = _gaussian(
            place, (inner.major_rad, inner.minor_rad, inner.angle_rad),
            (inner.major_error_rad, inner.minor_error_rad, inner.angle_error_rad),
        ).record()  # fmt: skip
        grown = found.source.major_rad * found.source.minor_rad / (inner.major_rad * inner.minor_rad)
        assert plane.beam is not None
        peak = found.flux * plane.beam.area_rad2 / (np.pi / (4 * np.log(2)) * inner.major_rad * inner.minor_rad)
        if not fit.unit.endswith("/beam"):
            peak = found.source.peak * grown
        record["peak"] = {
            "error": float(abs(found.errors.peak * peak / found.source.peak)),
            "unit": fit.unit,
            "value": float(peak),
        }
        return record
    del record["peak"]
    if inner.kind == "limit":
        none = _NO_SIZE_ARCSEC / _ARCSEC
        record["shape"] = _gaussian(place, (none, none, 0.0), (inner.major_rad, inner.minor_rad, 0.0)).record()
        return record
    del record["beam"]
    record["shape"] = place.record()
    return record


def fit_record(fit: SourceFit, with_offset: bool) -> dict[str, Any]:
    """CASA's record of fitted components.

    Returns
    -------
    dict
        ``results``, ``deconvolved`` (where there are a beam and components), ``converged`` and ``zerooff`` for each plane,
        ``pixelsperarcsec``.
    """
    found = [(plane, source) for plane in fit.planes for source in plane.sources]
    record: dict[str, Any] = {
        "converged": np.array([plane.fit.converged for plane in fit.planes]),
        "pixelsperarcsec": 1.0 / (np.linalg.norm(fit.geometry.matrix, axis=0) * _ARCSEC),
        "results": {f"component{k}": _record(fit, *pair) for k, pair in enumerate(found)},
    }
    record["results"]["nelements"] = len(found)
    inner = [(plane, source, source.deconvolved) for plane, source in found if source.deconvolved is not None]
    if inner:
        record["deconvolved"] = {f"component{k}": _deconvolved_record(fit, *three) for k, three in enumerate(inner)}
        record["deconvolved"]["nelements"] = len(inner)
    if with_offset:
        record["zerooff"] = {"unit": fit.unit, "value": np.array([plane.fit.offset for plane in fit.planes])}
        record["zeroofferr"] = {"unit": fit.unit, "value": np.array([plane.fit.offset_error for plane in fit.planes])}
    return dict(sorted(record.items()))


# ---- texts


def _measured(value: float, error: float, unit: str) -> str:
    """A value with its error, rounded to two figures of the error."""
    if error <= 0:
        return f"{value:.6g} {unit} (fixed)"
    places = max(0, 1 - int(np.floor(np.log10(error))))
    return f"{value:.{places}f} +/- {error:.{places}f} {unit}"


def plane_text(fit: SourceFit, plane: PlaneResult, name: str) -> str:
    """A plane's fit in words."""
    unit = fit.flux_unit
    lines = [
        f"*** Details of fit for channel number {plane.channel}",
        f"Number of pixels used in fit: {plane.npix}",
    ]
    if not plane.fit.converged:
        return "\n".join([*lines, "*** FIT FAILED ***", ""])
    lines += [
        "Input and residual image statistics (to be used as a rough guide only as to goodness of fit)",
        f"       --- Standard deviation of input image: {plane.input_scatter[0]:.6g} {fit.unit}",
        f"       --- Standard deviation of residual image: {plane.residual_scatter[0]:.6g} {fit.unit}",
        f"       --- RMS of input image: {plane.input_scatter[1]:.6g} {fit.unit}",
        f"       --- RMS of residual image: {plane.residual_scatter[1]:.6g} {fit.unit}",
    ]
    for k, found in enumerate(plane.sources):
        source, errors = found.source, found.errors
        lon, lat = errors.longitude_rad * _ARCSEC, errors.latitude_rad * _ARCSEC
        lines += [
            "",
            f"Fit on {name} component {k}",
            "Position ---",
            f"       --- longitude: {format_hms(found.longitude_rad % (2 * np.pi), 5)} +/- {lon:.4g} arcsec along great circle",
            f"       --- latitude:  {format_dms(found.latitude_rad, 4)} +/- {lat:.4g} arcsec",
            f"       --- x: {_measured(source.x, errors.x, 'pixels')}",
            f"       --- y: {_measured(source.y, errors.y, 'pixels')}",
            "",
            f"Image component size{' (convolved with beam)' if plane.beam is not None else ''} ---",
            *_size_lines(
                (source.major_rad, source.minor_rad, source.angle_rad), (errors.major_rad, errors.minor_rad, errors.angle_rad)
            ),
            *_beam_lines(plane, found.deconvolved),
            "",
            "Flux ---",
            f"       --- Integrated:   {_measured(found.flux, abs(found.flux) * errors.flux_fraction, unit)}",
            f"       --- Peak:         {_measured(source.peak, errors.peak, fit.unit)}",
            f"       --- Polarization: {plane.stokes}",
        ]
    if plane.frequency_hz:
        lines += ["", "Spectrum ---", f"      --- frequency:        {plane.frequency_hz / 1e9:.6f} GHz"]
    if plane.fit.offset or plane.fit.offset_error:
        lines += ["", f"Zero level offset: {_measured(plane.fit.offset, plane.fit.offset_error, fit.unit)}"]
    return "\n".join([*lines, ""])


def _size_lines(sizes: tuple[float, float, float], errors: tuple[float, float, float]) -> list[str]:
    names = ("major axis FWHM:    ", "minor axis FWHM:    ", "position angle:")
    scale = (_ARCSEC, _ARCSEC, 180 / np.pi)
    return [
        f"       --- {n} {_measured(v * s, e * s, u)}"
        for n, v, e, s, u in zip(names, sizes, errors, scale, ("arcsec", "arcsec", "deg"), strict=True)
    ]


def _beam_lines(plane: PlaneResult, inner: Deconvolved | None) -> list[str]:
    if plane.beam is None or inner is None:
        return []
    beam = plane.beam
    lines = [
        "",
        "Clean beam size ---",
        f"       --- major axis FWHM: {beam.major_arcsec:.2f} arcsec",
        f"       --- minor axis FWHM: {beam.minor_arcsec:.2f} arcsec",
        f"       --- position angle: {beam.position_angle_deg:.2f} deg",
        "Image component size (deconvolved from beam) ---",
    ]
    if inner.kind == "resolved":
        errors = (inner.major_error_rad, inner.minor_error_rad, inner.angle_error_rad)
        return lines + _size_lines((inner.major_rad, inner.minor_rad, inner.angle_rad), errors)
    if inner.kind == "none":
        return [
            *lines,
            "    Could not deconvolve source from beam. Source may be (only marginally) resolved in only one direction.",
        ]
    lines.append("    Component is a point source")
    if inner.kind == "limit":
        major, minor = inner.major_rad * _ARCSEC, inner.minor_rad * _ARCSEC
        return [*lines, f"    It may be as large as {major:.2g} arcsec x {minor:.2g} arcsec"]
    return [*lines, "    An upper limit on its size cannot be determined"]


def log_text(fit: SourceFit, name: str, inputs: dict[str, Any]) -> str:
    """The whole fit in words, as it is added to a log file."""
    lines = [f"****** Fit performed at {time.ctime()} ******", "", "Input parameters ---"]
    lines += [f"       --- {key + ':':<21}{value}" for key, value in inputs.items()]
    if fit.estimates_text:
        lines += ["       --- initial estimates:   Peak, X, Y, a, b, PA", fit.estimates_text]
    return "\n".join(lines + [plane_text(fit, plane, name) for plane in fit.planes]) + "\n"


_COLUMNS = (
    ("Plane", ""), ("I", "flux"), ("Ierr", "flux"), ("Peak", "peak"), ("PeakErr", "peak"), ("RAJ2000", "deg"), ("DecJ2000", "deg"),
    ("RAJ2000err", "arcsec"), ("DecJ2000err", "arcsec"), ("ConMaj", "arcsec"), ("ConMin", "arcsec"), ("ConPA", "deg"),
    ("ConMajErr", "arcsec"), ("ConMinErr", "arcsec"), ("ConPAErr", "deg"), ("DeconMaj", "arcsec"), ("DeconMin", "arcsec"),
    ("DeconPA", "deg"), ("DeconMajErr", "arcsec"), ("DeconMinErr", "arcsec"), ("DeconPAErr", "deg"), ("Freq", "Hz"),
)  # fmt: skip


def summary_text(fit: SourceFit) -> str:
    """A table of all components, one a line, with a line of units and one of names before it."""
    units = {"flux": fit.flux_unit, "peak": fit.unit}
    lines = ["#" + " ".join(f"{units.get(u, u):>16}" for _, u in _COLUMNS), "#" + " ".join(f"{n:>16}" for n, _ in _COLUMNS)]
    for plane in fit.planes:
        for found in plane.sources:
            source, errors = found.source, found.errors
            inner = found.deconvolved if found.deconvolved is not None else Deconvolved("none")
            numbers = [
                found.flux, abs(found.flux) * errors.flux_fraction, source.peak, errors.peak, np.degrees(found.longitude_rad),
                np.degrees(found.latitude_rad), errors.longitude_rad * _ARCSEC, errors.latitude_rad * _ARCSEC,
                *_sizes(source.major_rad, source.minor_rad, source.angle_rad),
                *_sizes(errors.major_rad, errors.minor_rad, errors.angle_rad),
                *_sizes(inner.major_rad, inner.minor_rad, inner.angle_rad),
                *_sizes(inner.major_error_rad, inner.minor_error_rad, inner.angle_error_rad), plane.frequency_hz or 0.0,
            ]  # fmt: skip
            lines.append(" " + " ".join([f"{plane.channel:>16}", *(f"{v:>16.9e}" for v in numbers)]))
    return "\n".join(lines) + "\n"


def _sizes(major_rad: float, minor_rad: float, angle_rad: float) -> list[float]:
    return [major_rad * _ARCSEC, minor_rad * _ARCSEC, float(np.degrees(angle_rad))]
