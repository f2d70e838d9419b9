"""Simulated observations: a MeasurementSet of a known sky seen by an array through a known instrument.

Notes
-----
A row's UVW is ANTENNA1 less ANTENNA2 and its data follow ``V = sum I exp(+2 pi i (u l + v m + w (n - 1)))``. Channels are topocentric;
the sky is given in LSRK, so each scan sees the lines at the shift of its own middle. Both hands see the same total intensity.

References
----------
Thompson, Moran & Swenson, "Interferometry and Synthesis in Radio Astronomy", 3rd ed., chapters 3 and 4.
Kemball & Wieringa, "MeasurementSet definition version 2.0", AIPS++ Note 229 (2000).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from casatools._base.errors import ParameterError
from casatools._base.paths import require_space, staged_output
from casatools._base.progress import Progress
from casatools.frames.baselines import azimuth_elevation, baseline_uvw
from casatools.frames.directions import Direction
from casatools.frames.frequencies import doppler_factor
from casatools.imaging.primary_beam import dish_power
from casatools.io.ms.create import MsLayout, closing, create_ms
from casatools.io.tables import Table
from casatools.kernels.predict_points import add_points
from casatools.simulation.arrays import AntennaArray
from casatools.simulation.corruption import Corruption
from casatools.simulation.sky import SkyModel
from casatools.simulation.subtables import fill_subtables

__all__ = ["Observation", "ObservedField", "Scan", "SpectralSetup", "observe"]

# Integrations of one block: what is predicted, corrupted and written at a time.
# Streams of noise of the crossed hands begin here.
_CROSS = 1 << 20
_BLOCK_INTEGRATIONS = 8


@dataclass(frozen=True)
class ObservedField:
    """A pointing of the array.

    Attributes
    ----------
    name : str
    direction : Direction
        Phase and pointing centre, J2000.
    sky : SkyModel
        What is seen, before the primary beam.
    code : str
        Calibrator code; empty for a target.
    intent : str
        Intent of its scans, such as ``OBSERVE_TARGET#ON_SOURCE``.
    """

    name: str
    direction: Direction
    sky: SkyModel
    code: str = ""
    intent: str = "OBSERVE_TARGET#ON_SOURCE"


@dataclass(frozen=True)
class Scan:
    """A number of integrations on one field, beginning at a time [MJD s, UTC]."""

    field_id: int
    start_s: float
    integrations: int


@dataclass(frozen=True)
class SpectralSetup:
    """An evenly spaced topocentric spectral window.

    Attributes
    ----------
    first_hz, width_hz : float
        Centre of the first channel and the (signed) step to the next.
    nchan : int
    rest_hz : float
        Rest frequency of the line, written to SOURCE.
    """

    first_hz: float
    width_hz: float
    nchan: int
    rest_hz: float

    @property
    def freq_hz(self) -> np.ndarray:
        """Channel centres (chan,) [Hz]."""
        return self.first_hz + self.width_hz * np.arange(self.nchan)


@dataclass(frozen=True)
class Observation:
    """Everything that `observe` needs.

    Attributes
    ----------
    array : AntennaArray
    fields : tuple of ObservedField
    scans : tuple of Scan
        In order of time.
    spectral : SpectralSetup
    corruption : Corruption or None
        None for perfect data without noise.
    integration_s : float
    lowest_elevation_rad : float
        Scans below this are refused.
    observer, project : str
    cross_hands : bool
        Observe RL and LR too, which hold noise alone: nothing is polarised and nothing leaks.
    """

    array: AntennaArray
    fields: tuple[ObservedField, ...]
    scans: tuple[Scan, ...]
    spectral: SpectralSetup
    corruption: Corruption | None = field(default_factory=Corruption)
    integration_s: float = 30.0
    lowest_elevation_rad: float = np.deg2rad(8.0)
    observer: str = "casatools"
    project: str = "simulation"
    cross_hands: bool = False

    @property
    def ncorr(self) -> int:
        """Correlations: RR and LL, or all four."""
        return 4 if self.cross_hands else 2

    def __post_init__(self) -> None:
        if len(self.array.names) < 2:
            raise ParameterError(f"an observation needs two antennas or more; got {len(self.array.names)}")
        if not self.scans or any(s.integrations < 1 for s in self.scans):
            raise ParameterError("an observation needs at least one scan, each with an integration or more")
        if self.spectral.nchan < 1 or self.integration_s <= 0:
            raise ParameterError("an observation needs a channel or more and a positive integration time")
        wrong = [s.field_id for s in self.scans if not 0 <= s.field_id < len(self.fields)]
        if wrong:
            raise ParameterError(f"a scan is of field {wrong[0]}, but fields are 0 to {len(self.fields) - 1}")
        ends = [s.start_s + s.integrations * self.integration_s for s in self.scans]
        if any(later.start_s < end - 1e-3 for later, end in zip(self.scans[1:], ends, strict=False)):
            raise ParameterError("the scans of an observation must follow each other in time without overlap")

    def times_s(self, scan: Scan) -> np.ndarray:
        """Midpoints of a scan's integrations (time,) [MJD s]."""
        return scan.start_s + (np.arange(scan.integrations) + 0.5) * self.integration_s

    @property
    def time_range_s(self) -> tuple[float, float]:
        """Begin and end of the observation [MJD s]."""
        last = self.scans[-1]
        return self.scans[0].start_s, last.start_s + last.integrations * self.integration_s

    @property
    def nrow(self) -> int:
        """Rows of the MeasurementSet: cross-correlations only."""
        nant = len(self.array.names)
        return nant * (nant - 1) // 2 * sum(s.integrations for s in self.scans)


def observe(observation: Observation, path: str) -> int:
    """Write the MeasurementSet of an observation; it appears only when complete.

    Parameters
    ----------
    observation : Observation
    path : str

    Returns
    -------
    int
        Rows written.

    Raises
    ------
    ParameterError
        A field is too low in the sky during a scan.
    OutputExistsError, DataError
        The output exists, or there is no room for it.
    """
    _require_up(observation)
    nchan = observation.spectral.nchan
    require_space(path, observation.nrow * (nchan * observation.ncorr * 8.125 + 150) + 1e6)
    layout = MsLayout(ncorr=observation.ncorr, nchan=nchan, columns=("DATA",))
    with staged_output(path) as temporary:
        table = create_ms(temporary, layout)
        with closing(table), Progress(observation.nrow, "simulating") as progress:
            table.addrows(observation.nrow)
            _write_constants(table, observation.nrow, observation.integration_s)
            at = 0
            for columns in _blocks(observation):
                count = len(columns["TIME"])
                for name, values in columns.items():
                    table.putcol(name, values, at, count)
                at += count
                progress.advance(count)
        fill_subtables(temporary, observation)
    return observation.nrow


def _require_up(observation: Observation) -> None:
    for number, scan in enumerate(observation.scans, start=1):
        place = observation.array.centre_m
        elevation = azimuth_elevation(observation.times_s(scan), observation.fields[scan.field_id].direction, place)[1]
        if elevation.min() < observation.lowest_elevation_rad:
            name = observation.fields[scan.field_id].name
            raise ParameterError(
                f"field {name!r} is {np.degrees(elevation.min()):.1f} deg high in scan {number}, below the limit of"
                f" {np.degrees(observation.lowest_elevation_rad):.1f} deg"
            )


def _write_constants(table: Table, nrow: int, integration_s: float) -> None:
    """Columns that are the same in every row."""
    for name in ("ARRAY_ID", "DATA_DESC_ID", "FEED1", "FEED2", "OBSERVATION_ID", "PROCESSOR_ID"):
        table.putcol(name, np.zeros(nrow, dtype=np.int32))
    for name in ("INTERVAL", "EXPOSURE"):
        table.putcol(name, np.full(nrow, integration_s))
    table.putcol("FLAG_ROW", np.zeros(nrow, dtype=bool))


def _blocks(observation: Observation) -> Iterator[dict[str, np.ndarray]]:
    """Columns of a few integrations at a time, in order of time and baseline."""
    array, corruption = observation.array, observation.corruption
    nant = len(array.names)
    first, second = (a.astype(np.int32) for a in np.triu_indices(nant, 1))
    all_times = np.concatenate([observation.times_s(s) for s in observation.scans])
    effects = None
    if corruption is not None:
        effects = corruption.gains(all_times, nant, 2), corruption.bandpass(observation.spectral.nchan, nant, 2)
    intents = sorted({f.intent for f in observation.fields})
    done, block = 0, 0
    for number, scan in enumerate(observation.scans, start=1):
        where = observation.fields[scan.field_id]
        sources = _seen_sources(observation, scan)
        times = observation.times_s(scan)
        for start in range(0, scan.integrations, _BLOCK_INTEGRATIONS):
            part = times[start : start + _BLOCK_INTEGRATIONS]
            time = np.repeat(part, len(first))
            ant1, ant2 = np.tile(first, len(part)), np.tile(second, len(part))
            uvw = baseline_uvw(array.positions_m, ant1, ant2, time, where.direction, array.centre_m)
            total = _predict(observation.spectral, uvw, sources)
            data = np.repeat(total[:, :, None], 2, axis=2).astype(np.complex64)
            if corruption is not None and effects is not None:
                index = np.repeat(np.arange(done, done + len(part)), len(first))
                _corrupt(data, corruption, effects, (index, ant1, ant2), block, begins=start == 0)
            if observation.cross_hands:
                parallel, data = data, np.zeros((*data.shape[:2], 4), np.complex64)
                if corruption is not None:
                    data += corruption.noise(data.shape, _CROSS + block)  # a stream of its own
                data[..., [0, 3]] = parallel
            done, block = done + len(part), block + 1
            ones = np.ones((len(time), observation.ncorr), dtype=np.float32)
            yield {
                "TIME": time, "TIME_CENTROID": time, "ANTENNA1": ant1, "ANTENNA2": ant2, "UVW": uvw, "DATA": data,
                "FLAG": np.zeros(data.shape, dtype=bool), "WEIGHT": ones, "SIGMA": ones,
                "FIELD_ID": np.full(len(time), scan.field_id, dtype=np.int32),
                "SCAN_NUMBER": np.full(len(time), number, dtype=np.int32),
                "STATE_ID": np.full(len(time), intents.index(where.intent), dtype=np.int32),
            }  # fmt: skip


def _seen_sources(observation: Observation, scan: Scan) -> tuple[np.ndarray, np.ndarray]:
    """Direction cosines ``l m n-1`` (src, 3) and flux densities (src, chan) [Jy] behind the primary beam, as one scan sees them."""
    where = observation.fields[scan.field_id]
    middle = scan.start_s + 0.5 * scan.integrations * observation.integration_s
    factor = doppler_factor("TOPO", "LSRK", middle, where.direction, observation.array.centre_m)
    freq_hz = observation.spectral.freq_hz
    east, north, flux = where.sky.components(freq_hz * factor)
    n_less_1 = -(east**2 + north**2) / (1.0 + np.sqrt(1.0 - east**2 - north**2))
    radius = np.arcsin(np.hypot(east, north))
    beam = dish_power(radius[:, None], float(np.mean(observation.array.diameters_m)), freq_hz[None, :])
    return np.column_stack([east, north, n_less_1]), np.ascontiguousarray(flux * beam)


def _predict(spectral: SpectralSetup, uvw_m: np.ndarray, sources: tuple[np.ndarray, np.ndarray]) -> np.ndarray:
    """Visibilities (row, chan) complex128 [Jy], rows shared out to the threads."""
    from concurrent.futures import ThreadPoolExecutor

    from casatools._base.threads import thread_count

    result = np.zeros((len(uvw_m), spectral.nchan), dtype=np.complex128)
    parts = np.array_split(np.arange(len(uvw_m)), thread_count())

    def work(rows: np.ndarray) -> None:
        if rows.size:
            chosen = slice(int(rows[0]), int(rows[-1]) + 1)
            add_points(uvw_m[chosen], spectral.first_hz, spectral.width_hz, *sources, result[chosen])

    with ThreadPoolExecutor(len(parts)) as pool:
        list(pool.map(work, parts))
    return result


def _corrupt(
    data: np.ndarray,
    corruption: Corruption,
    effects: tuple[np.ndarray, np.ndarray],
    rows: tuple[np.ndarray, np.ndarray, np.ndarray],
    block: int,
    begins: bool,
) -> None:
    """Put the instrument into data ``(row, chan, corr)`` in place; `rows` are integration, antenna 1 and antenna 2 of each row."""
    gains, bandpass = effects
    index, ant1, ant2 = rows
    data += corruption.noise(data.shape, block)
    hit = corruption.interference(data.shape, block)
    phase = np.random.default_rng([corruption.seed, 4, block]).uniform(0, 2 * np.pi, int(hit.sum()))
    data[hit] += (corruption.interference_jy * np.exp(1j * phase)).astype(np.complex64)
    data *= (gains[index, ant1] * gains[index, ant2].conj()).astype(np.complex64)[:, None, :]
    per_baseline = np.moveaxis(bandpass, 0, 1).astype(np.complex64)
    data *= per_baseline[ant1] * per_baseline[ant2].conj()
    if begins:
        data[index == index[0]] *= np.float32(corruption.bad_start_factor)
