"""Fitting one component to visibilities by least squares.

The Fourier transform of a point at (l, m) is ``exp(2 pi i (u l + v m))``; a Gaussian of full width w dampens it by
``exp(-(pi w q)^2 / (4 ln 2))`` and a disk of diameter w by ``2 J1(pi w q) / (pi w q)``, q the uv distance along its turned axes.

References
----------
Thompson, Moran & Swenson 2017, Interferometry and Synthesis in Radio Astronomy, table 10.2.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from casatools._base import log
from casatools._base.constants import SPEED_OF_LIGHT_M_S
from casatools._base.errors import DataError, ParameterError
from casatools._base.paths import require_absent, require_writable_parent
from casatools.io.ms import MeasurementSet, ResolvedSelection, Selection, iter_chunks

__all__ = ["ComponentFit", "component_visibility", "fit_component"]

_ARCSEC = np.pi / 648000.0
_COUNT = {"P": 3, "G": 6, "D": 6}
_SHAPES = {"G": "Gaussian", "D": "Disk"}


@dataclass(frozen=True)
class ComponentFit:
    """First guess and what is fitted; see the task uvmodelfit.

    Raises
    ------
    ParameterError
        There are too few or too many parameters.
    """

    kind: str
    start: tuple[float, ...]
    vary: tuple[bool, ...] = ()
    niter: int = 5

    def __post_init__(self) -> None:
        need = _COUNT[self.kind]
        if len(self.start) != need:
            raise ParameterError(f"uvmodelfit: comptype={self.kind!r} needs {need} values in 'sourcepar'; got {list(self.start)}")
        if self.vary and len(self.vary) != need:
            raise ParameterError(f"uvmodelfit: parameter 'varypar' must have {need} values or none; got {list(self.vary)}")
        if not np.isfinite(self.start).all():
            raise ParameterError(f"uvmodelfit: parameter 'sourcepar' must hold finite numbers; got {list(self.start)}")
        if need == 6 and (self.start[3] <= 0 or not 0 < self.start[4] <= 1):
            raise ParameterError("uvmodelfit: the major axis in 'sourcepar' must be positive and the axis ratio within 0 and 1")

    @property
    def varied(self) -> np.ndarray:
        """Numbers of the parameters that are fitted."""
        return np.flatnonzero(self.vary) if self.vary else np.arange(len(self.start))


def component_visibility(kind: str, par: np.ndarray, u: np.ndarray, v: np.ndarray) -> np.ndarray:
    """Visibilities of a component.

    Parameters
    ----------
    kind : {"P", "G", "D"}
    par : ndarray
        Flux density (Jy), offsets east and north (arcsec), major axis (arcsec), axis ratio, position angle (deg).
    u, v : ndarray [wavelengths]
    """
    out = par[0] * np.exp(2j * np.pi * _ARCSEC * (u * par[1] + v * par[2]))
    if kind == "P":
        return np.asarray(out)
    angle, major = np.deg2rad(par[5]), par[3] * _ARCSEC
    along, across = u * np.sin(angle) + v * np.cos(angle), u * np.cos(angle) - v * np.sin(angle)
    size = np.pi * major * np.hypot(along, across * par[4])
    if kind == "G":
        return np.asarray(out * np.exp(-(size**2) / (4 * np.log(2))))
    from scipy.special import j1

    return np.asarray(out * np.where(size > 1e-9, 2 * j1(size) / np.where(size > 1e-9, size, 1.0), 1.0))


def fit_component(vis: str, selection: Selection, fit: ComponentFit, outfile: str = "") -> tuple[np.ndarray, np.ndarray]:
    """Fit a component; returns parameters and errors, and writes a component list where `outfile` names one.

    Raises
    ------
    PathMissingError, SelectionError, OutputExistsError
        The MeasurementSet is missing, the selection matches nothing, or the output exists.
    DataError
        All data are flagged, or the selection is of several fields.
    """
    if outfile.strip():
        require_writable_parent(outfile)
        require_absent(outfile)
    with MeasurementSet(vis) as ms:
        selected = selection.resolve(ms)
        if len(selected.fields_present) > 1:
            raise DataError("uvmodelfit: the selection has several fields; select one with 'field'")
        place = ms.metadata.fields[int(selected.fields_present[0])]
        u, v, data, weight = _samples(ms, selected)
    par, error, chi2 = _minimise(fit, u, v, data, weight)
    par, error = _longer_axis_first(par, error)
    names = ("I [Jy]", "east [arcsec]", "north [arcsec]", "major axis [arcsec]", "axis ratio", "position angle [deg]")
    for name, value, sigma in zip(names, par, error, strict=False):
        log.post(f"{name} = {value:.6g} +/- {sigma:.2g}")
    log.post(f"reduced chi2 = {chi2:.4g}")
    if outfile.strip():
        _write(outfile, fit.kind, par, error, place)
    return par, error


def _samples(ms: MeasurementSet, selected: ResolvedSelection) -> tuple[np.ndarray, ...]:
    """u, v [wavelengths], Stokes I visibilities and weights, flat; channels are averaged where they are few in uv."""
    column = "CORRECTED_DATA" if ms.has("CORRECTED_DATA") else "DATA"
    ms.require(column)
    parts: list[list[np.ndarray]] = [[], [], [], []]
    lost = 0
    for chunk in iter_chunks(ms, selected, [column, "FLAG", "FLAG_ROW", "WEIGHT", "UVW", "ANTENNA1", "ANTENNA2"]):
        names = ms.metadata.polarizations[chunk.pol].names
        hands = [k for k, c in enumerate(chunk.correlations) if names[c] in ("RR", "LL", "XX", "YY", "I")]
        good = ~chunk["FLAG"][:, :, hands].any(axis=2) & ~chunk["FLAG_ROW"][:, None]
        good &= (chunk["ANTENNA1"] != chunk["ANTENNA2"])[:, None]
        value = chunk[column][:, :, hands].astype(np.complex128).mean(axis=2)
        wrong = good & ~np.isfinite(value)
        lost += int(np.count_nonzero(wrong))
        good &= ~wrong
        scale = ms.metadata.spectral_windows[chunk.spw].chan_freq_hz[chunk.channels] / SPEED_OF_LIGHT_M_S
        weight = np.broadcast_to(chunk["WEIGHT"][:, hands].astype(np.float64).sum(axis=1)[:, None], good.shape)
        uvw = chunk["UVW"]
        for part, array in zip(parts, (uvw[:, :1] * scale, uvw[:, 1:2] * scale, value, weight), strict=True):
            part.append(array[good])
    if lost:
        log.post(f"uvmodelfit: {lost} visibilities are NaN or infinite though not flagged: they are left out", "WARN")
    u, v, data, weight = (np.concatenate(p) if p else np.zeros(0) for p in parts)
    if not np.any(weight > 0):
        raise DataError(f"uvmodelfit: all selected data of {ms.path!r} are flagged or have weight zero")
    return u, v, data, weight


def _minimise(
    fit: ComponentFit, u: np.ndarray, v: np.ndarray, data: np.ndarray, weight: np.ndarray
) -> tuple[np.ndarray, np.ndarray, float]:
    """Levenberg-Marquardt steps with derivatives from small differences; parameters, errors, reduced chi square."""
    par, vary = np.array(fit.start, dtype=np.float64), fit.varied
    step = np.array([1e-6, 1e-4, 1e-4, 1e-4, 1e-6, 1e-4])[: len(par)]

    def chi_square(p: np.ndarray) -> float:
        return float((weight * np.abs(data - component_visibility(fit.kind, p, u, v)) ** 2).sum())

    def equations(p: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        left = data - component_visibility(fit.kind, p, u, v)
        slope = []
        for k in vary:
            ahead, behind = p.copy(), p.copy()
            ahead[k] += step[k]
            behind[k] -= step[k]
            slope.append(
                (component_visibility(fit.kind, ahead, u, v) - component_visibility(fit.kind, behind, u, v)) / (2 * step[k])
            )
        normal = np.array([[(weight * (a.conj() * b).real).sum() for b in slope] for a in slope])
        return normal, np.array([(weight * (a.conj() * left).real).sum() for a in slope])

    damping, best, error = 1e-3, chi_square(par), np.zeros(len(par))
    for _ in range(fit.niter if len(vary) else 0):
        normal, right = equations(par)
        for _ in range(10):
            trial = par.copy()
            trial[vary] += np.linalg.lstsq(normal + damping * np.diag(normal.diagonal()), right, rcond=None)[0]
            now = chi_square(trial)
            if now <= best:
                par, best, damping = trial, now, damping / 10
                break
            damping *= 10
    if len(vary):
        normal, right = equations(par)
        error[vary] = np.sqrt(np.maximum(np.linalg.pinv(normal).diagonal(), 0.0))
        _tell_unfinished(fit.niter, np.linalg.lstsq(normal, right, rcond=None)[0], error[vary])
    return par, error, best / max(2 * len(data) - len(vary), 1)


def _tell_unfinished(niter: int, step: np.ndarray, error: np.ndarray) -> None:
    """Warn where the next step would still move a parameter by more than a tenth of its error."""
    left = np.abs(step) / np.where(error > 0, error, np.inf)
    if left.max() > 0.1:
        log.post(
            f"uvmodelfit: the fit has not converged in {niter} iterations (the next step is {left.max():.2g} of a parameter's error); "
            "give more of them, or another 'sourcepar' to start from",
            "WARN",
        )


def _longer_axis_first(par: np.ndarray, error: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The same component with a positive major axis that is the longer one, and a position angle within half a turn."""
    if len(par) < 6:
        return par, error
    par, error = par.copy(), error.copy()
    par[3:5] = np.abs(par[3:5])
    if par[4] > 1:
        ratio = par[4]
        error[3] = float(np.hypot(error[3] * ratio, par[3] * error[4]))
        par[3], par[4], par[5] = par[3] * ratio, 1 / ratio, par[5] + 90.0
        error[4] /= ratio**2
    par[5] = (par[5] + 90.0) % 180.0 - 90.0
    return par, error


# The frequency of a constant spectrum says nothing; the reference writes this one.
_SPECTRUM = {"type": "Constant", "frequency": {"type": "frequency", "refer": "LSRK", "m0": {"value": 1.0, "unit": "GHz"}}}


def _write(outfile: str, kind: str, par: np.ndarray, error: np.ndarray, field: object) -> None:
    """The component with its uncertainties."""
    from casatools.components.component_list import ComponentList
    from casatools.components.model import Component

    def amount(value: float, unit: str) -> dict[str, object]:
        return {"value": abs(float(value)), "unit": unit}

    direction = field.phase_dir[0]  # type: ignore[attr-defined]
    # The offsets are direction cosines.
    east, north = float(par[1]) * _ARCSEC, float(par[2]) * _ARCSEC
    up, sine, cosine = np.sqrt(1.0 - east**2 - north**2), np.sin(float(direction[1])), np.cos(float(direction[1]))
    latitude = float(np.arcsin(north * cosine + up * sine))
    longitude = float(direction[0]) + float(np.arctan2(east, up * cosine - north * sine))
    place = {
        "type": "direction", "refer": field.phase_frame, "m0": {"value": longitude, "unit": "rad"},  # type: ignore[attr-defined]
        "m1": {"value": latitude, "unit": "rad"},
        "error": {
            "longitude": amount(error[1] * _ARCSEC / np.cos(latitude), "rad"), "latitude": amount(error[2] * _ARCSEC, "rad"),
        },
    }  # fmt: skip
    shape: dict[str, object] = {"type": _SHAPES.get(kind, "Point"), "direction": place}
    if kind != "P":
        shape["majoraxis"], shape["majoraxiserror"] = amount(par[3], "arcsec"), amount(error[3], "arcsec")
        shape["minoraxis"] = amount(par[3] * par[4], "arcsec")
        shape["minoraxiserror"] = amount(np.hypot(error[3] * par[4], par[3] * error[4]), "arcsec")
        shape["positionangle"] = {"value": float(par[5]), "unit": "deg"}
        shape["positionangleerror"] = amount(error[5], "deg")
    flux = {
        "value": np.array([par[0], 0.0, 0.0, 0.0]), "error": np.array([error[0], 0.0, 0.0, 0.0]), "unit": "Jy", "polarisation": "Stokes",
    }  # fmt: skip
    ComponentList([Component.from_record({"flux": flux, "shape": shape, "spectrum": _SPECTRUM})]).write(outfile)
