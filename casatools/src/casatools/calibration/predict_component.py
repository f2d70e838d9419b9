"""Flux calibrators predicted: spectra of planets, moons, asteroids and standard sources as components."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any

import numpy as np

from casatools._base.errors import DataError, ParameterError
from casatools._base.paths import require_writable_parent, resolve
from casatools.calibration.flux_standards import STANDARDS, find_calibrator, flux_density
from casatools.calibration.set_model import SOLAR_SYSTEM, SOLAR_SYSTEM_2010
from casatools.calibration.solar_system import BODIES, approximate_disk, approximate_flux, body_flux, find_body, find_disk
from casatools.calibration.solar_system_2010 import BODIES_2010, body_flux_2010, find_disk_2010
from casatools.components.component_list import ComponentList
from casatools.components.model import Amount, Component, Flux, Shape, Spectrum

__all__ = ["PredictionOptions", "predict_component", "read_antenna_places"]


@dataclass(frozen=True)
class PredictionOptions:
    """What is predicted.

    Attributes
    ----------
    name : str
        A body or a calibrator.
    standard : str
    mjd : float
        UTC.
    low_hz, high_hz : float
        Range of frequencies; the same for a single one.
    count : int
        Frequencies in it.
    prefix : str
        What the name of the component list begins with.
    """

    name: str
    standard: str
    mjd: float
    low_hz: float
    high_hz: float
    count: int = 2
    prefix: str = ""

    def __post_init__(self) -> None:
        if not self.name.strip():
            raise ParameterError("predictcomp: parameter 'objname' must name a body or a calibrator; got ''")
        if not 0 < self.low_hz <= self.high_hz:
            raise ParameterError(
                f"predictcomp: 'minfreq' must be positive and not above 'maxfreq'; got {self.low_hz / 1e9:g} and {self.high_hz / 1e9:g} GHz"
            )
        bodies = {SOLAR_SYSTEM: BODIES, SOLAR_SYSTEM_2010: BODIES_2010}.get(self.standard)
        if bodies and find_body(self.name, bodies) is None:
            raise ParameterError(f"predictcomp: {self.name!r} is none of the bodies of {self.standard!r}: {', '.join(bodies)}")

    @property
    def frequencies_hz(self) -> np.ndarray:
        """Evenly spaced, with both ends."""
        if self.low_hz == self.high_hz:
            return np.array([self.low_hz])
        return np.linspace(self.low_hz, self.high_hz, max(self.count, 2))


def predict_component(options: PredictionOptions) -> tuple[str, Component]:
    """Write the component list of a calibrator and give its name and the component.

    Raises
    ------
    DataError, ParameterError
        There are no data of the body for the date; the calibrator is not on the standard.
    """
    component, name = _body(options) if options.standard in (SOLAR_SYSTEM, SOLAR_SYSTEM_2010) else _calibrator(options)
    path = options.prefix + name
    require_writable_parent(path)
    ComponentList([component]).write(path, overwrite=True)
    return path, component


def _component(flux_jy: np.ndarray, hz: np.ndarray, shape: Shape, label: str, frame: str) -> Component:
    zeros = (0.0,) * len(hz)
    table = (tuple(float(f) for f in flux_jy), zeros, zeros, zeros)
    spectrum = Spectrum("Tabular Spectrum", Amount(float(hz[0]) / 1e9, "GHz"), frame, table_hz=tuple(map(float, hz)), table=table)
    return Component(Flux(np.array([flux_jy[0], 0.0, 0.0, 0.0]).astype(np.complex128)), shape, spectrum, label)


def _body(options: PredictionOptions) -> tuple[Component, str]:
    hz = options.frequencies_hz
    if options.standard == SOLAR_SYSTEM_2010:
        name = str(find_body(options.name, BODIES_2010))
        disk = find_disk_2010(name, options.mjd)
        flux = body_flux_2010(disk, hz)
    else:
        name = str(find_body(options.name))
        try:
            disk = find_disk(name, options.mjd)
            flux = body_flux(disk, hz, options.mjd)
        except DataError:
            disk = approximate_disk(name, options.mjd)
            flux = approximate_flux(disk, hz)
    arcmin = 60 * 180 / np.pi
    shape = Shape(
        "Disk", float(np.angle(np.exp(1j * disk.lon_rad))), disk.lat_rad, "J2000", major=Amount(disk.major_rad * arcmin, "arcmin"),
        minor=Amount(disk.minor_rad * arcmin, "arcmin"), angle=Amount(float(np.rad2deg(disk.angle_rad)), "deg"),
    )  # fmt: skip
    label = f"{name}_spw0_{hz[0] / 1e9:.3f}GHz_{options.mjd:.1f}d"
    return _component(flux, hz, shape, label, "TOPO"), label + ".cl"


def _calibrator(options: PredictionOptions) -> tuple[Component, str]:
    hz = options.frequencies_hz
    calibrator = find_calibrator(options.name, 0.0, 10.0)
    year = 2000.0 + (options.mjd - 51544.5) / 365.25
    flux = None if calibrator is None else flux_density(options.standard, calibrator.name, hz, year)
    if calibrator is None or flux is None:
        raise ParameterError(
            f"predictcomp: {options.name!r} is not on the scale {options.standard!r}; scales are {', '.join(STANDARDS)}"
        )
    shape = Shape("Point", float(np.angle(np.exp(1j * calibrator.ra_rad))), calibrator.dec_rad, "J2000")
    name = f"spw0_{options.name}_{hz[0] / 1e9:g}GHz{options.mjd:.0f}d.cl"
    return _component(np.asarray(flux), hz, shape, "", "LSRK"), name


def read_antenna_places(name: str) -> np.ndarray:
    """Places (ant, 3) [m] in a configuration file of antennas: lines of x, y, z, diameter and pad.

    Raises
    ------
    DataError
        There is no such file, here or over the data paths (alma/simmos), or fewer than two antennas in it.
    """
    found = [p for p in (resolve(name), resolve(os.path.join("alma", "simmos", name))) if os.path.isfile(p)]
    if not found:
        raise DataError(
            f"predictcomp: the antenna configuration {name!r} is neither a file nor over the data paths (alma/simmos)"
        )
    with open(found[0], encoding="utf-8", errors="replace") as stream:
        rows = [line.split() for line in stream if line.strip() and not line.lstrip().startswith("#")]
    try:
        places = np.array([[float(v) for v in r[:3]] for r in rows if len(r) >= 3])
    except ValueError as error:
        raise DataError(f"predictcomp: {found[0]!r} is no antenna configuration: {error}") from error
    if len(places) < 2:
        raise DataError(f"predictcomp: {found[0]!r} has fewer than two antennas")
    return places


def describe(path: str, component: Component, options: PredictionOptions, antennalist: str) -> dict[str, Any]:
    """The record that predictcomp returns, without a figure."""
    record = component.record()
    epoch = {"m0": {"unit": "d", "value": options.mjd}, "refer": "UTC", "type": "epoch"}
    return {
        "clist": path, "objname": options.name, "standard": options.standard, "epoch": epoch,
        "freqs (GHz)": options.frequencies_hz / 1e9, "antennalist": antennalist, "shape": record["shape"],
        "spectrum": record["spectrum"], "savedfig": None,
    }  # fmt: skip
