"""The text of an observation's summary, in the columns that users of CASA know."""

from __future__ import annotations

import datetime
import os

import numpy as np

from casatools._base.errors import CasaError
from casatools.frames.observatories import observatory_position
from casatools.information.observation_summary import ObservationSummary, ScanSummary
from casatools.io.ms.metadata import MsMetadata

__all__ = ["antenna_offsets", "summary_lines"]

_RULE = "=" * 80
_ORIGIN = datetime.datetime(1858, 11, 17)


def _stamp(mjd_s: float) -> tuple[str, str]:
    """``("13-Apr-1995", "09:18:45.0")``."""
    when = _ORIGIN + datetime.timedelta(seconds=round(mjd_s, 1))
    return when.strftime("%d-%b-%Y"), when.strftime("%H:%M:%S.") + str(round(when.microsecond / 1e5) % 10)


def _sexagesimal(value: float, digits: int, separator: str, width: int, sign: bool) -> str:
    scale = 10**digits
    total = round(abs(value) * 3600 * scale)
    whole, fraction = divmod(total, scale)
    head = ("-" if value < 0 else "+") if sign else ""
    return f"{head}{whole // 3600:0{width}d}{separator}{whole // 60 % 60:02d}{separator}{whole % 60:02d}.{fraction:0{digits}d}"


def summary_lines(
    path: str, summary: ObservationSummary, metadata: MsMetadata, verbose: bool = True, unflagged: bool = False
) -> list[str]:
    """Lines of the listing.

    Parameters
    ----------
    path : str
        Name of the MeasurementSet.
    summary : ObservationSummary
    metadata : MsMetadata
    verbose : bool
        List scans, sources and antenna positions too.
    unflagged : bool
        Show the counts of unflagged rows.
    """
    lines = _header(path, summary, metadata, verbose)
    if verbose:
        lines += _scans(summary, metadata, unflagged)
    lines += _fields(summary, metadata, unflagged)
    lines += _windows(summary, metadata)
    if verbose:
        lines += _sources(metadata, summary) + _antennas(summary, metadata)
    else:
        if not metadata.has_subtable("SOURCE"):
            lines += _sources(metadata, summary)
        lines += _antenna_names(summary, metadata)
    return lines


def _header(path: str, summary: ObservationSummary, metadata: MsMetadata, verbose: bool) -> list[str]:
    used = sorted({s.observation for s in summary.scans})
    observations = [metadata.observations[o] for o in used if 0 <= o < len(metadata.observations)]
    lines = [_RULE, f"           MeasurementSet Name:  {os.path.abspath(path)}      MS Version 2", _RULE]
    first = observations[0] if observations else None
    lines.append(f"   Observer: {first.observer if first else ''}     Project: {first.project if first else ''}  ")
    extra = "" if verbose else f"({len(metadata.antennas)} antennas)"
    lines.append(f"Observation: {first.telescope_name if first else ''}{extra}")
    start, end = _stamp(summary.begin_s), _stamp(summary.end_s)
    if summary.nrow:
        lines.append(f"Data records: {summary.nrow}       Total elapsed time = {summary.end_s - summary.begin_s:.6g} seconds")
    lines.append(f"   Observed from   {start[0]}/{start[1]}   to   {end[0]}/{end[1]} ({summary.time_frame})")
    return [*lines, ""]


def _scans(summary: ObservationSummary, metadata: MsMetadata, unflagged: bool) -> list[str]:
    lines: list[str] = []
    group: tuple[int, int] | None = None
    day = ""
    extra = "  nUnflRows " if unflagged else ""
    for scan in summary.scans:
        if (scan.observation, scan.array) != group:
            group = (scan.observation, scan.array)
            day = ""
            lines.append(f"   ObservationID = {scan.observation:<10}ArrayID = {scan.array}")
            head = f"  Date        Timerange ({summary.time_frame})          Scan  FldId FieldName             nRows   "
            lines.append(f"{head}{extra}  SpwIds   Average Interval(s)    ScanIntent")
        line, day = _scan_line(scan, metadata, day, unflagged)
        lines.append(line)
    return [*lines, "           (nRows = Total number of rows per scan) "]


def _scan_line(scan: ScanSummary, metadata: MsMetadata, day: str, unflagged: bool) -> tuple[str, str]:
    date, begin = _stamp(scan.begin_s)
    _, end = _stamp(scan.end_s)
    where = f"  {date}/" if date != day else " " * 14
    intents = sorted({i for s in scan.states if 0 <= s < len(metadata.states) for i in metadata.states[s].intents})
    count = f"{scan.nrow:10d}" + (f"{scan.unflagged:13.2f}" if unflagged else "")
    spws = ",".join(str(s) for s in scan.spws)
    intervals = ", ".join(f"{t:.3g}" for t in scan.intervals_s)
    name = metadata.fields[scan.field].name
    text = f"{where}{begin} - {end}{scan.scan:6d}{scan.field:7d} {name:<20}{count}  [{spws}]  [{intervals}] "
    return text + (f"[{','.join(intents)}]" if intents else ""), date


def _fields(summary: ObservationSummary, metadata: MsMetadata, unflagged: bool) -> list[str]:
    has_source = metadata.has_subtable("SOURCE")
    lines = [f"Fields: {len(summary.rows_of_field)}"]
    source = "SrcId " if has_source else ""
    lines.append(
        f"  ID   Code Name                RA               Decl           Epoch   {source}     nRows"
        + ("    nUnflRows" if unflagged else "")
    )
    for f in sorted(summary.rows_of_field):
        row = metadata.fields[f]
        longitude, latitude = np.degrees(row.phase_dir[0])
        right = _sexagesimal(longitude % 360 / 15, 6, ":", 2, False)
        declination = _sexagesimal(latitude, 5, ".", 2, True)
        source = f"{row.source_id:<6}" if has_source else ""
        count = f"{summary.rows_of_field[f]:10d}" + (f"{summary.unflagged_of_field[f]:13.2f}" if unflagged else "")
        lines.append(f"  {f:<5}{row.code:<5}{row.name:<20}{right} {declination} {row.phase_frame:<8}{source}{count}")
    return lines


def _windows(summary: ObservationSummary, metadata: MsMetadata) -> list[str]:
    pols = {metadata.data_descriptions[d].pol for d in summary.ddids}
    windows = [metadata.spectral_windows[s] for s in summary.spws]
    width = max([len(w.name) for w in windows] + [5])
    baseband = any(w.bbc_no is not None for w in metadata.spectral_windows)
    ncorr = max(metadata.polarizations[p].ncorr for p in pols)
    head = f"  SpwID  {'Name':<{max(width + 1, 7)}}#Chans   Frame   Ch0(MHz)  ChanWid(kHz)  TotBW(kHz) CtrFreq(MHz){' BBC Num ' if baseband else ' '}"
    lines = [f"Spectral Windows:  ({len(windows)} unique spectral windows and {len(pols)} unique polarization setups)"]
    lines.append(head + f" {'Corrs':<{4 * ncorr - 1}}")
    for d in summary.ddids:
        description = metadata.data_descriptions[d]
        w = metadata.spectral_windows[description.spw]
        corrs = "".join(f"  {n}" for n in metadata.polarizations[description.pol].names)
        bbc = f"{w.bbc_no:8d}" if baseband and w.bbc_no is not None else ""
        centre = float(np.mean(w.chan_freq_hz)) / 1e6
        lines.append(
            f"  {w.id:<7}{w.name:<{width}}{w.nchan:7d}   {w.frame:<5}{w.chan_freq_hz[0] / 1e6:11.3f}{w.chan_width_hz[0] / 1e3:14.3f}"
            f"{w.total_bandwidth_hz / 1e3:12.1f}{centre:12.4f} {bbc}{corrs}"
        )
    return lines


def _sources(metadata: MsMetadata, summary: ObservationSummary) -> list[str]:
    if not metadata.has_subtable("SOURCE"):
        return ["The SOURCE table is absent: see the FIELD table"]
    sources = metadata.sources
    if not sources:
        return ["The SOURCE table is empty: see the FIELD table"]
    velocity = any(s.has_sysvel for s in sources)
    lines = [
        f"Sources: {len(sources)}",
        "  ID   Name                SpwId RestFreq(MHz)  " + ("SysVel(km/s) " if velocity else ""),
    ]
    for s in sources:
        rest = f"{s.rest_frequency_hz.flat[0] / 1e6:.10g}" if s.num_lines > 0 and s.rest_frequency_hz.size else "-"
        speed = f"{s.sysvel_m_s.flat[0] / 1e3:.6g}" if s.num_lines > 0 and s.sysvel_m_s.size else "-"
        spw = "any" if s.spw_id < 0 else str(s.spw_id)
        lines.append(f"  {s.source_id:<5}{s.name:<20}{spw:<6}{rest:<15}" + (f"{speed:<13}" if velocity else ""))
    if not velocity:
        lines.append("  NB: No systemic velocity information found in SOURCE table.")
    return lines


def antenna_offsets(metadata: MsMetadata) -> np.ndarray | None:
    """East, north and up offsets of the antennas from the array's reference position; ndarray (ant, 3) [m], None when it is unknown.

    Notes
    -----
    Differences of geocentric longitude and latitude times the radius, and of the radius itself, as CASA lists them.
    """
    try:
        centre = observatory_position(metadata.observations[0].telescope_name).itrf_m
    except (CasaError, IndexError):
        return None
    positions = np.array([a.position_m for a in metadata.antennas])
    radius = np.linalg.norm(positions, axis=1)
    reference = float(np.linalg.norm(centre))
    if not reference:
        return None
    longitude, latitude = (
        np.arctan2(positions[:, 1], positions[:, 0]),
        np.arcsin(np.clip(positions[:, 2] / np.maximum(radius, 1e-9), -1, 1)),
    )
    longitude0, latitude0 = np.arctan2(centre[1], centre[0]), np.arcsin(centre[2] / reference)
    east = (longitude - longitude0) * reference * np.cos(latitude0)
    return np.stack([east, (latitude - latitude0) * reference, radius - reference], axis=1)


def _antennas(summary: ObservationSummary, metadata: MsMetadata) -> list[str]:
    lines = [f"Antennas: {len(summary.antennas)}:"]
    lines.append(
        "  ID   Name  Station   Diam.    Long.         Lat.                Offset from array center (m)                "
        "ITRF Geocentric coordinates (m)        "
    )
    lines.append(" " * 69 + "East         North     Elevation               x               y               z")
    offsets = antenna_offsets(metadata)
    positions = np.array([a.position_m for a in metadata.antennas])
    longitude = np.arctan2(positions[:, 1], positions[:, 0])
    latitude = np.arctan2(positions[:, 2], np.hypot(positions[:, 0], positions[:, 1]))  # geocentric
    for i in summary.antennas:
        a = metadata.antennas[i]
        place = (
            _sexagesimal(float(np.degrees(longitude[i])), 1, ".", 3, True)
            + "  "
            + _sexagesimal(float(np.degrees(latitude[i])), 1, ".", 2, True)
        )
        east, north, up = offsets[i] if offsets is not None else (0.0, 0.0, 0.0)
        x, y, z = a.position_m
        lines.append(
            f"  {i:<5}{a.name:<6}{a.station:<10}{f'{a.diameter_m:.1f} m':<9}{place}{east:16.4f}{north:14.4f}{up:14.4f}{x:16.6f}{y:16.6f}{z:16.6f}"
        )
    return lines


def _antenna_names(summary: ObservationSummary, metadata: MsMetadata) -> list[str]:
    lines = [f"Antennas: {len(summary.antennas)} 'name'='station' "]
    groups: list[list[int]] = [[]]
    room = 0
    for i in summary.antennas:
        entry = len(metadata.antennas[i].name) + len(metadata.antennas[i].station) + 7
        if groups[-1] and room + entry > 82:
            groups.append([])
        room = entry + (room if groups[-1] else 14)
        groups[-1].append(i)
    start = summary.antennas[0] if summary.antennas else 0
    for part in groups:
        names = ", ".join(f"'{metadata.antennas[i].name}'='{metadata.antennas[i].station}'" for i in part)
        span = f"{start}-{part[-1]}"
        lines.append(f"   ID={span:>6}: {names}" + ("" if part is groups[-1] else ", "))
        start = part[-1] + 1
    return lines
