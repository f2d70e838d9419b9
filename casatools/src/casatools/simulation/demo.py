"""The embedded example of the main job: a small HI observation of a gas disk beside a continuum source, and the truth behind it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from casatools.calibration.flux_standards import find_calibrator, flux_density
from casatools.frames.directions import Direction
from casatools.frames.epochs import parse_epoch
from casatools.frames.frequencies import doppler_factor, velocity_to_frequency
from casatools.simulation.arrays import AntennaArray, y_array
from casatools.simulation.corruption import Corruption
from casatools.simulation.observe import Observation, ObservedField, Scan, SpectralSetup, observe
from casatools.simulation.sky import LineDisk, PointSource, SkyModel

__all__ = ["DemoOptions", "DemoTruth", "demo_observation", "make_demo"]

_ARCMIN_RAD = np.deg2rad(1.0 / 60.0)
_HI_REST_HZ = 1420405751.786  # Hellwig et al. 1970, IEEE Trans. IM-19, 200
_FLUX_NAME, _GAIN_NAME, _TARGET_NAME = "1331+305=3C286", "1340+333", "DISK"


@dataclass(frozen=True)
class DemoOptions:
    """Size of the example; the defaults make about 68 800 rows of 40 channels and two correlations.

    Attributes
    ----------
    antennas_per_arm : int
    cycles : int
        How often the gain calibrator and the target alternate.
    target_integrations : int
        Integrations of one target scan.
    nchan : int
    width_hz : float
        Channel width.
    corruption : Corruption or None
    cross_hands : bool
        All four correlations, the crossed hands without signal.
    """

    antennas_per_arm: int = 9
    cycles: int = 8
    target_integrations: int = 18
    nchan: int = 40
    width_hz: float = 24414.0625
    corruption: Corruption | None = None
    cross_hands: bool = False


@dataclass(frozen=True)
class DemoTruth:
    """What was put into the example; the report compares with it.

    Attributes
    ----------
    flux_name, gain_name, target_name : str
        Fields.
    flux_jy, gain_jy : float
        Flux densities of the two calibrators at the middle of the band.
    continuum_jy : float
        Flux density of the continuum source at the middle of the band.
    continuum_offset_arcsec : (float, float)
        Its place east and north of the phase centre (direction cosines in arcsec).
    line_jy_km_s : float
        Integrated flux of the line.
    systemic_km_s, width_km_s : float
        LSRK radio velocity of the disk's centre and the width of its profile at half of the peak.
    noise_jy : float
        Noise of the real and the imaginary part of one visibility, before calibration.
    bad_integrations : int
        First integrations of scans that were damaged.
    """

    flux_name: str
    gain_name: str
    target_name: str
    flux_jy: float
    gain_jy: float
    continuum_jy: float
    continuum_offset_arcsec: tuple[float, float]
    line_jy_km_s: float
    systemic_km_s: float
    width_km_s: float
    noise_jy: float
    bad_integrations: int


def _sources() -> tuple[LineDisk, PointSource, PointSource]:
    """The disk, the continuum source beside it, and the gain calibrator."""
    disk = LineDisk(
        flux_jy_km_s=20.0, scale_rad=0.9 * _ARCMIN_RAD, inclination_rad=np.deg2rad(50.0), position_angle_rad=np.deg2rad(35.0),
        systemic_m_s=1480e3, rotation_m_s=50e3, dispersion_m_s=7e3, rest_hz=_HI_REST_HZ,
    )  # fmt: skip
    beside = PointSource(east_rad=4.6 * _ARCMIN_RAD, north_rad=-3.4 * _ARCMIN_RAD, flux_jy=0.060, spectral_index=-0.7)
    calibrator = PointSource(east_rad=0.0, north_rad=0.0, flux_jy=2.3, spectral_index=-0.6)
    return disk, beside, calibrator


def _schedule(options: DemoOptions, start_s: float, integration_s: float, slew_s: float = 60.0) -> tuple[Scan, ...]:
    """Flux calibrator, then gain calibrator and target in turn, both calibrators again at the end."""
    plan = [(0, 8)]
    for _ in range(options.cycles):
        plan += [(1, 4), (2, options.target_integrations)]
    plan += [(1, 4), (0, 8)]
    scans, at = [], start_s
    for field_id, integrations in plan:
        scans.append(Scan(field_id, at, integrations))
        at += integrations * integration_s + slew_s
    return tuple(scans)


def _standard_flux(freq_hz: np.ndarray) -> tuple[np.ndarray, Direction]:
    """Flux density (chan,) [Jy] and direction of 3C286, Perley & Butler 2017."""
    found = find_calibrator("3C286", 0.0, 0.0)
    flux = flux_density("Perley-Butler 2017", "3C286", freq_hz, 2017.0)
    assert found is not None and flux is not None
    return flux, Direction(found.ra_rad, found.dec_rad)


def half_width_km_s(disk: LineDisk) -> float:
    """Width of a disk's profile between the outermost places at half of the peak, unsmoothed by channels."""
    span = 2.0 * (disk.rotation_m_s + 5 * disk.dispersion_m_s)
    velocity = disk.systemic_m_s + np.linspace(-0.5, 0.5, 4001) * span
    profile = disk.components(velocity_to_frequency(velocity, disk.rest_hz))[2].sum(axis=0)
    above = np.flatnonzero(profile >= 0.5 * profile.max())
    return float(velocity[above[-1]] - velocity[above[0]]) / 1e3


def demo_observation(options: DemoOptions | None = None) -> tuple[Observation, DemoTruth]:
    """The example's observation and its truth.

    Parameters
    ----------
    options : DemoOptions, optional

    Returns
    -------
    Observation, DemoTruth
    """
    options = options or DemoOptions()
    array: AntennaArray = y_array(options.antennas_per_arm)
    corruption = options.corruption or Corruption()
    disk, beside, calibrator = _sources()
    integration_s = 30.0
    # 3C286 culminates at the array near 07:35 UTC on this day.
    start_s = parse_epoch("2012/04/15/06:20:00")
    scans = _schedule(options, start_s, integration_s)
    target = Direction(np.deg2rad(207.5), np.deg2rad(36.0))
    middle = 0.5 * (scans[0].start_s + scans[-1].start_s)
    # The window is set so that the line stands in its middle at half time.
    factor = doppler_factor("TOPO", "LSRK", middle, target, array.centre_m)
    centre = velocity_to_frequency(disk.systemic_m_s, disk.rest_hz) / factor
    spectral = SpectralSetup(centre - 0.5 * (options.nchan - 1) * options.width_hz, options.width_hz, options.nchan, disk.rest_hz)
    flux, flux_place = _standard_flux(np.array([1.4e9, centre]))
    index = float(np.log(flux[1] / flux[0]) / np.log(centre / 1.4e9))
    standard = PointSource(0.0, 0.0, float(flux[1]), index, centre)
    fields = (
        ObservedField(
            _FLUX_NAME, flux_place, SkyModel((standard,)), "A", "CALIBRATE_FLUX#ON_SOURCE,CALIBRATE_BANDPASS#ON_SOURCE"
        ),
        ObservedField(
            _GAIN_NAME, Direction(np.deg2rad(205.0), np.deg2rad(33.3)), SkyModel((calibrator,)), "C", "CALIBRATE_PHASE#ON_SOURCE"
        ),
        ObservedField(_TARGET_NAME, target, SkyModel((disk, beside)), "", "OBSERVE_TARGET#ON_SOURCE"),
    )
    arcsec = 3600.0 * 180.0 / np.pi

    def at_centre(source: PointSource) -> float:
        return float(source.components(np.array([centre]))[2][0, 0])

    truth = DemoTruth(
        flux_name=_FLUX_NAME, gain_name=_GAIN_NAME, target_name=_TARGET_NAME, flux_jy=float(flux[1]), gain_jy=at_centre(calibrator),
        continuum_jy=at_centre(beside), continuum_offset_arcsec=(float(beside.east_rad * arcsec), float(beside.north_rad * arcsec)),
        line_jy_km_s=disk.flux_jy_km_s, systemic_km_s=disk.systemic_m_s / 1e3, width_km_s=half_width_km_s(disk),
        noise_jy=corruption.noise_jy, bad_integrations=len(scans),
    )  # fmt: skip
    observation = Observation(
        array,
        fields,
        scans,
        spectral,
        corruption,
        integration_s,
        lowest_elevation_rad=np.deg2rad(30.0),
        project="spectral line example",
        cross_hands=options.cross_hands,
    )
    return observation, truth


def make_demo(path: str, options: DemoOptions | None = None) -> DemoTruth:
    """Write the example's MeasurementSet to `path` and return what was put into it.

    Raises
    ------
    OutputExistsError, DataError
    """
    observation, truth = demo_observation(options)
    observe(observation, path)
    return truth
