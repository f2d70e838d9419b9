"""Fitted profiles in world units: CASA's record, text and images of parameters."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from casatools.analysis.profile_fitting import FittedProfiles, ProfileSource
from casatools.analysis.profile_models import Gaussian, Lorentzian
from casatools.analysis.profile_requests import LineRequest
from casatools.frames.directions import Direction, format_direction
from casatools.frames.image_frames import layer_factor
from casatools.frames.quantities import convert_value, format_dms

__all__ = [
    "LineTable",
    "ProfileAxis",
    "base_record",
    "casa_grid",
    "component_types",
    "directions",
    "line_record",
    "line_tables",
    "measured_text",
    "profile_text",
]


class ProfileAxis:
    """World values along the axis of profiles: velocities where there is a rest frequency, else the axis' own unit."""

    def __init__(self, source: ProfileSource) -> None:
        self.source = source
        self.coordinates = source.image.coordinates
        spectral = self.coordinates.spectral
        self.spectral = spectral if source.axis == self.coordinates.spectral_axis else None
        self.is_velocity = self.spectral is not None and self.spectral.rest_frequency_hz > 0
        world_axis = self.coordinates.pixel_to_world_axis(source.axis)
        self._world_axis = world_axis
        self.unit = str(self.spectral.velocity_unit) if self.is_velocity and self.spectral else self.coordinates.units[world_axis]

    def world(self, pixels: np.ndarray) -> np.ndarray:
        """World values of pixels of the selection, of any shape; nan stays nan."""
        flat = np.ravel(pixels) + self.source.first
        if self.spectral is not None:
            hz = np.ravel(self.spectral.to_world(flat[None])) * self.spectral.hz * layer_factor(self.spectral)
            values = self.spectral.velocity(hz) if self.is_velocity else hz / self.spectral.hz
        else:
            at = np.repeat(_centre(self.source)[:, None], len(flat), axis=1)
            at[self.source.axis] = flat
            values = self.coordinates.to_world(at)[self._world_axis]
        return np.asarray(values).reshape(np.shape(pixels))

    def scale(self, pixels: np.ndarray) -> np.ndarray:
        """World units in one pixel at places along the axis."""
        return np.abs(self.world(pixels + 0.5) - self.world(pixels - 0.5))


def _centre(source: ProfileSource) -> np.ndarray:
    """The middle of the selection (CASA order), pixels of the image."""
    first, shape = source.chosen.pixels.first[::-1], source.box[::-1]
    return np.array([a + (n - 1) / 2 for a, n in zip(first, shape, strict=True)])


@dataclass(frozen=True)
class LineTable:
    """Parameters of a group of lines in world units, arrays (CASA's axes..., line); `names` are suffixes of images."""

    key: str
    description: str
    names: tuple[str, ...]
    columns: dict[str, np.ndarray]


def casa_grid(array: np.ndarray, trailing: int = 0) -> np.ndarray:
    """Grid axes turned round to CASA's order."""
    ndim = array.ndim - trailing
    return np.transpose(array, [*range(ndim - 1, -1, -1), *range(ndim, array.ndim)])


def line_tables(fitted: FittedProfiles, request: LineRequest, axis: ProfileAxis) -> list[LineTable]:
    """All lines by group: Gaussians, each multiplet, Lorentzians."""
    groups: list[tuple[str, str, tuple[str, ...], float, int]] = []
    ngaussian = request.ngaussian
    if ngaussian:
        groups.append(("gs", "Gaussian singlets results", tuple(f"_{k}" for k in range(ngaussian)), Gaussian().area, ngaussian))
    for k, multiplet in enumerate(request.multiplets):
        number = "" if len(request.multiplets) == 1 else str(k)
        count = len(multiplet.estimates)
        names = tuple(f"_gm{number}_{j}" for j in range(count))
        groups.append((f"gm{k}", f"Gaussian multiplet number {k + 1} results", names, Gaussian().area, count))
    nother = len(request.kinds) - ngaussian
    if nother:
        groups.append(("ls", "Lorentzian singlets", tuple(f"_ls_{k}" for k in range(nother)), Lorentzian().area, nother))
    tables, at = [], 0
    for key, text, names, area, count in groups:
        lines = fitted.parameters[..., at : at + 3 * count]
        errors = fitted.errors[..., at : at + 3 * count]
        tables.append(LineTable(key, text, names, _columns(lines, errors, area, axis)))
        at += 3 * count
    return tables


def _columns(lines: np.ndarray, errors: np.ndarray, area: float, axis: ProfileAxis) -> dict[str, np.ndarray]:
    amplitude, centre, fwhm = (lines[..., k::3] for k in range(3))
    amplitude_error, centre_error, fwhm_error = (errors[..., k::3] for k in range(3))
    scale = axis.scale(centre)
    integral = area * amplitude * fwhm * scale
    with np.errstate(divide="ignore", invalid="ignore"):
        relative = np.hypot(amplitude_error / amplitude, fwhm_error / fwhm)
    columns = {
        "amp": amplitude, "ampErr": amplitude_error, "center": axis.world(centre), "centerErr": centre_error * scale,
        "fwhm": fwhm * scale, "fwhmErr": fwhm_error * scale, "integral": integral, "integralErr": np.abs(integral) * relative,
    }  # fmt: skip
    return {name: casa_grid(value, 1).copy() for name, value in columns.items()}


def component_types(request: LineRequest, count: int) -> list[str]:
    """Names of the components that were fitted, of `count` asked for; UNDEF for what is missing.

    Notes
    -----
    Multiplets come first, then single lines in the order of the request, then the polynomial, as in CASA.
    """
    last = ["POLYNOMIAL"] if request.order >= 0 else []
    missing = len(request.multiplets) + len(request.kinds) + len(last) - count
    # Only Gaussians are searched for, so only they can be fewer.
    lines = [kind.upper() for kind in request.kinds[missing:]]
    return ["GAUSSIAN MULTIPLET"] * len(request.multiplets) + lines + last + ["UNDEF"] * missing


def _types(fitted: FittedProfiles, request: LineRequest) -> np.ndarray:
    total = len(request.kinds) + len(request.multiplets) + (request.order >= 0)
    out = np.empty((*fitted.nline.shape, total), dtype=object)
    for number in np.unique(fitted.nline):
        names = ["UNDEF"] * total if number < 0 else component_types(request, int(number))
        out[fitted.nline == number] = names
    return casa_grid(out, 1).astype(str)


def directions(source: ProfileSource) -> np.ndarray:
    """Directions of the profiles as text (CASA's axes...); empty texts without a sky."""
    grid = source.grid
    coordinates = source.image.coordinates
    direction, axes = coordinates.direction, coordinates.direction_axes
    places = np.stack([g.ravel() for g in np.meshgrid(*(np.arange(n, dtype=float) for n in grid), indexing="ij")])
    first = np.array(source.chosen.pixels.first, dtype=float)[:, None]
    pixels = (places + first)[::-1] if source.each else _centre(source)[:, None]
    if direction is None or min(axes) < 0:
        return casa_grid(np.full(grid, ""))
    world = direction.to_world(pixels[list(axes)])
    lon, lat = (np.asarray(convert_value(w, u, "rad")) for w, u in zip(world, direction.units, strict=True))
    texts = (_place(Direction(float(a), float(b), direction.frame)) for a, b in zip(lon, lat, strict=True))
    return casa_grid(np.fromiter(texts, "<U32", lon.size).reshape(grid)).copy()


def _place(direction: Direction) -> str:
    text = format_direction(direction, 3)
    # CASA shows three decimals of declinations here too.
    return text if text.endswith("deg") else f"{text.rsplit(' ', 1)[0]} {format_dms(direction.lat_rad, 3)}"


def base_record(fitted: FittedProfiles, source: ProfileSource, axis: ProfileAxis, types: np.ndarray) -> dict[str, Any]:
    """What every record of profile fits holds."""
    image = source.image
    return {
        "attempted": casa_grid(fitted.attempted).copy(), "converged": casa_grid(fitted.converged).copy(), "direction": directions(source),
        "ncomps": casa_grid(fitted.nline).copy(), "niter": casa_grid(fitted.iterations).copy(), "succeeded": casa_grid(fitted.attempted).copy(),
        "type": types, "valid": casa_grid(fitted.valid).copy(), "xUnit": axis.unit, "yUnit": image.unit,
    }  # fmt: skip


def line_record(fitted: FittedProfiles, source: ProfileSource, request: LineRequest) -> dict[str, Any]:
    """CASA's record of line fits: ``gs``, ``gm0``, ..., ``ls`` hold parameters, the rest says how the fits went."""
    axis = ProfileAxis(source)
    record = base_record(fitted, source, axis, _types(fitted, request))
    for table in line_tables(fitted, request, axis):
        record[table.key] = {**table.columns, "description": table.description}
    return dict(sorted(record.items()))


# ---- text


def measured_text(value: float, error: float, unit: str) -> str:
    """A value with its error, as many digits as the error has a meaning for."""
    if not np.isfinite(error) or error <= 0:
        return f"{value:.4g} (fixed) {unit}"
    places = max(0, 1 - int(np.floor(np.log10(error))))
    return f"{value:.{places}f} +/- {error:.{places}f} {unit}"


# Profiles in one piece of the text.
_PIECE = 4096


def profile_text(fitted: FittedProfiles, source: ProfileSource, request: LineRequest, inputs: dict[str, Any]) -> Iterator[str]:
    """All fits in words, in pieces of some thousand profiles."""
    axis = ProfileAxis(source)
    count = {name: int(np.count_nonzero(getattr(fitted, name))) for name in ("attempted", "converged", "valid")}
    lines = [
        f"Number of profiles       = {fitted.valid.size}", f"Number of fits attempted = {count['attempted']}",
        f"Number succeeded         = {count['attempted']}", f"Number converged         = {count['converged']}",
        f"Number valid             = {count['valid']}", "", "Input parameters ---",
    ]  # fmt: skip
    lines += [f"       --- {key + ':':<21}{value}" for key, value in inputs.items()]
    tables = line_tables(fitted, request, axis)
    where = directions(source)
    for number, place in enumerate(np.ndindex(*where.shape), 1):
        lines += _one_fit(fitted, source, request, axis, tables, place, str(where[place]))
        if number % _PIECE == 0:
            yield "\n".join(lines) + "\n"
            lines = []
    if lines:
        yield "\n".join(lines) + "\n"


def _one_fit(
    fitted: FittedProfiles, source: ProfileSource, request: LineRequest, axis: ProfileAxis, tables: list[LineTable],
    place: tuple[int, ...], where: str,
) -> Iterator[str]:  # fmt: skip
    inner = place[::-1]

    def yes(flag: Any) -> str:
        return "YES" if flag else "NO"

    yield "Fit   :"
    yield f"    Direction    : {where}"
    yield f"    Attempted    : {yes(fitted.attempted[inner])}"
    if not fitted.attempted[inner]:
        yield ""
        return
    yield f"    Converged    : {yes(fitted.converged[inner])}"
    yield f"    Iterations   : {fitted.iterations[inner]}"
    yield f"    Valid        : {yes(fitted.valid[inner])}"
    if not fitted.valid[inner]:
        yield ""
        return
    unit, number = source.image.unit, 0
    for table in tables:
        for k in range(len(table.names)):
            column = {name: float(value[place][k]) for name, value in table.columns.items()}
            yield f"    Results for component {number}:"
            yield f"        Type     : {'LORENTZIAN' if table.key == 'ls' else 'GAUSSIAN'}"
            yield f"        Peak     : {measured_text(column['amp'], column['ampErr'], unit)}"
            yield f"        Center   : {measured_text(column['center'], column['centerErr'], axis.unit)}"
            yield f"        FWHM     : {measured_text(column['fwhm'], column['fwhmErr'], axis.unit)}"
            yield f"        Integral : {measured_text(column['integral'], column['integralErr'], f'{unit}.{axis.unit}')}"
            number += 1
    if request.order >= 0:
        yield f"    Results for component {number}:"
        yield "        Type: POLYNOMIAL"
        scale = float(max(source.npoint - 1, 1))
        for k in range(request.order + 1):
            at = k - request.order - 1
            value, error = (float(a[inner][at]) / scale**k for a in (fitted.parameters, fitted.errors))
            per = f"/pixel{k if k > 1 else ''}" if k else ""
            yield f"         c{k} : {measured_text(value, error, unit + per)}"
    yield ""
