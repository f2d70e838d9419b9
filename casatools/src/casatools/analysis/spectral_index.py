"""Spectral indices: power laws, curved ones too, fitted to profiles of images.

Notes
-----
With r the frequency over a divisor D, the power logarithmic polynomial is ``c0 r^(c1 + c2 ln r + c3 (ln r)^2 ...)``, fitted to the intensities; the
logarithmic transformed polynomial is ``ln I = c0 + c1 ln r + c2 (ln r)^2 ...``, fitted to their logarithms (only positive intensities count).
"""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from typing import Any

import numpy as np

from casatools._base.errors import DataError, ParameterError
from casatools._base.paths import require_absent
from casatools.analysis.line_fit import ProfileFitOptions, ProfileOutputs, model_images, write_grid, write_sigma, write_text
from casatools.analysis.profile_fitting import FittedProfiles, ProfileSource, read_sigma, sigma_rows
from casatools.analysis.profile_models import LogPolynomial, Model, PowerLaw
from casatools.analysis.profile_records import ProfileAxis, base_record, casa_grid, directions, measured_text
from casatools.analysis.profile_solver import solve_profiles
from casatools.analysis.sub_images import PixelChoice
from casatools.frames.quantities import parse_quantity, to_unit
from casatools.io.image import CasaImage

__all__ = ["SpectralIndexRequest", "fit_spectral_indices"]

_KINDS: dict[str, type[PowerLaw] | type[LogPolynomial]] = {"plp": PowerLaw, "ltp": LogPolynomial}


@dataclass(frozen=True)
class SpectralIndexRequest:
    """What is fitted.

    Attributes
    ----------
    kind : {"plp", "ltp"}
    estimates : tuple of float
        c0, c1, ...
    fixed : tuple of bool
        What is held; () is nothing.
    divisor : Any
        A frequency (or a number in the unit of the axis); "" or [] for the power of ten below the middle of the band.
    solution, error : str
        Beginnings of the names of images of the coefficients and of their errors; "" is none.
    """

    kind: str = "plp"
    estimates: tuple[float, ...] = ()
    fixed: tuple[bool, ...] = ()
    divisor: Any = ""
    solution: str = ""
    error: str = ""

    def __post_init__(self) -> None:
        if self.kind not in _KINDS:
            raise ParameterError(f"parameter 'spxtype' must be one of {', '.join(_KINDS)}; got {self.kind!r}")
        if not self.estimates or not np.all(np.isfinite(self.estimates)):
            raise ParameterError("parameter 'spxest' must hold an estimate of each coefficient, such as [1.0, -0.7]")
        if self.fixed and len(self.fixed) != len(self.estimates):
            raise ParameterError(
                f"parameter 'spxfix' must have {len(self.estimates)} items, one for each estimate; got {len(self.fixed)}"
            )
        if self.kind == "plp" and self.estimates[0] == 0:
            raise ParameterError("the first estimate of a power law must not be 0: the other coefficients would mean nothing")


def fit_spectral_indices(
    image: CasaImage, choice: PixelChoice, request: SpectralIndexRequest, options: ProfileFitOptions, outputs: ProfileOutputs
) -> dict[str, Any]:
    """Fit power laws to the profiles of an image, write what is asked for and return CASA's record.

    Raises
    ------
    DataError, ParameterError, SelectionError, OutputExistsError
        The image has no such axis or no positive frequencies, the divisor cannot be read, nothing is selected, or an output exists.
    """
    outputs.check()
    count = len(request.estimates)
    for path in (request.solution, request.error):
        for k in range(count if path else 0):
            require_absent(f"{path}_{k}", what="image")
    source = ProfileSource(image, choice, options.axis, options.each, options.points)
    sigma = read_sigma(options.sigma, source)
    x, unit = _abscissa(source)
    divisor = _divisor(request.divisor, x, unit)
    line = _KINDS[request.kind](count, x / divisor)
    with model_images(source, outputs) if outputs.model or outputs.residual else contextlib.nullcontext() as keep:
        fitted = _fit(source, request, line, options.minpts, sigma, keep)
    types = casa_grid(np.where(fitted.nline[..., None] == 1, line.kind, "UNDEF"), 1)
    record = {**base_record(fitted, source, ProfileAxis(source), types), "xUnit": unit}
    record[request.kind] = {
        "solution": casa_grid(fitted.parameters, 1).copy(), "error": casa_grid(fitted.errors, 1).copy(),
    }  # fmt: skip
    if outputs.logresults or outputs.logfile:
        write_text([_text(fitted, source, request, line, divisor, unit)], outputs)
    for path, values in ((request.solution, fitted.parameters), (request.error, fitted.errors)):
        for k in range(count if path else 0):
            write_grid(f"{path}_{k}", source, casa_grid(values[..., k]), "")
    if outputs.outsigma and sigma is not None:
        write_sigma(outputs.outsigma, source, sigma)
    return dict(sorted(record.items()))


def _abscissa(source: ProfileSource) -> tuple[np.ndarray, str]:
    """World values of the points along the axis, and their unit."""
    coordinates = source.image.coordinates
    pixels = np.repeat(coordinates.reference_pixel[:, None], source.npoint, axis=1)
    pixels[source.axis] = np.arange(source.npoint) + source.first
    axis = coordinates.pixel_to_world_axis(source.axis)
    world = np.asarray(coordinates.to_world(pixels)[axis])
    if not np.all(world > 0):
        raise DataError(
            f"axis {source.axis} of image {source.image.path!r} has values that are not positive; they have no power law"
        )
    return world, coordinates.units[axis]


def _divisor(given: Any, x: np.ndarray, unit: str) -> float:
    if given is None or (isinstance(given, (str, list, dict)) and not given) or np.size(given) == 0:
        return float(10.0 ** np.floor(np.log10(np.sqrt(x[0] * x[-1]))))
    number, own = parse_quantity(given)
    value = float(number) if not own else float(to_unit(given, unit))
    if not value > 0:
        raise ParameterError(f"parameter 'div' must be positive; got {given!r}")
    return value


def _fit(
    source: ProfileSource,
    request: SpectralIndexRequest,
    line: PowerLaw | LogPolynomial,
    minpts: int,
    sigma: np.ndarray | None,
    keep: Any,
) -> FittedProfiles:
    count = len(request.estimates)
    free = [k for k in range(count) if not (request.fixed and request.fixed[k])]
    freedom = np.eye(count)[:, free]
    fitted = FittedProfiles.empty(source.grid, count)
    model, points = Model([line]), np.arange(source.npoint, dtype=np.float64)
    for slices, values, good in source.blocks():
        extent = tuple(s.stop - s.start for s in slices)
        weights = good / sigma_rows(sigma, source, slices) ** 2 if sigma is not None else good.astype(np.float64)
        given = values
        if request.kind == "ltp":
            weights = np.where(values > 0, weights, 0.0)
            given = np.log(np.where(values > 0, values, 1.0))
        enough = np.count_nonzero(weights > 0, axis=1) >= max(minpts, 1)
        rows = np.flatnonzero(enough)
        start = np.broadcast_to(np.array(request.estimates), (len(rows), count)).copy()
        found = solve_profiles(model, points, given[rows], weights[rows], start, freedom, exact=True)
        part = FittedProfiles.empty((len(values),), count)
        part.attempted[rows], part.converged[rows], part.valid[rows] = True, found.converged, found.converged
        valid = rows[found.converged]
        part.iterations[valid], part.nline[valid] = found.iterations[found.converged], 1
        part.parameters[valid], part.errors[valid] = found.parameters[found.converged], found.errors[found.converged]
        for name, value in vars(part).items():
            getattr(fitted, name)[slices] = value.reshape(*extent, *value.shape[1:])
        if keep is not None:
            models = np.full(values.shape, np.nan)
            models[valid] = model.evaluate(part.parameters[valid], points)[0]
            keep(slices, values, good, np.exp(models) if request.kind == "ltp" else models, part.valid)
    return fitted


def _text(
    fitted: FittedProfiles,
    source: ProfileSource,
    request: SpectralIndexRequest,
    line: PowerLaw | LogPolynomial,
    divisor: float,
    unit: str,
) -> str:
    function = {
        "plp": "c0*(x/D)**(" + " + ".join(["c1", *(f"c{k}*ln(x/D)**{k - 1}" for k in range(2, line.size))]) + ")",
        "ltp": "ln(y) = " + " + ".join(["c0", *(f"c{k}*ln(x/D)**{k}" for k in range(1, line.size))]),
    }[request.kind]
    lines = [
        f"Number of profiles = {fitted.valid.size}",
        f"Number valid       = {int(fitted.valid.sum())}",
        f"Image = {source.image.path}",
    ]
    where = directions(source)
    for place in np.ndindex(*where.shape):
        inner = place[::-1]
        lines += [
            "Fit   :",
            f"    Direction    : {where[place]}",
            f"    Converged    : {'YES' if fitted.converged[inner] else 'NO'}",
        ]
        if fitted.valid[inner]:
            lines += [
                f"    Type         : {line.kind}",
                f"    Function     : {function}",
                f"    D            : {divisor:g} {unit}",
            ]
            pairs = zip(fitted.parameters[inner], fitted.errors[inner], strict=True)
            lines += [f"    c{k}           : {measured_text(float(v), float(e), '')}" for k, (v, e) in enumerate(pairs)]
    return "\n".join(lines) + "\n"
