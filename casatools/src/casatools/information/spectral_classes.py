"""Kinds of ALMA spectral windows: water vapour radiometer, channel average, square-law detector, time and frequency division."""

from __future__ import annotations

import re

from casatools.io.ms.metadata import MsMetadata, SpectralWindow

__all__ = ["receiver_band", "spectral_class", "spws_of_class", "subwindow"]


def spectral_class(window: SpectralWindow, ncorr: int, alma: bool = True) -> str:
    """One of wvr, chavg, sqld, fdm, tdm, or "" where it is none.

    Notes
    -----
    ALMA's naming: WVR windows carry ``WVR`` in the name; channel averages have one channel, square-law detectors carry
    ``SQLD``; time-division ones have 64, 128 or 256 channels divided by the products per baseline.
    """
    name = window.name.upper()
    if "SQLD" in name:
        return "sqld"
    if "WVR" in name:
        return "wvr"
    if "CH_AVG" in name or (alma and window.nchan == 1):
        return "chavg"
    if not alma:
        return "fdm"
    limit = {1: 256, 2: 128, 4: 64}.get(ncorr, 128)
    if window.nchan == limit or (window.nchan in (64, 128, 256) and abs(window.chan_width_hz[0]) > 5e6):
        return "tdm"
    return "fdm"


def spws_of_class(metadata: MsMetadata, wanted: set[str]) -> list[int]:
    """Spectral windows of the given classes."""
    ncorr = {d.spw: metadata.polarizations[d.pol].ncorr for d in metadata.data_descriptions}
    alma = any(o.telescope_name.upper() == "ALMA" for o in metadata.observations)
    return [w.id for w in metadata.spectral_windows if spectral_class(w, ncorr.get(w.id, 2), alma) in wanted]


def receiver_band(name: str) -> int:
    """ALMA receiver band in a spectral window's name, such as 3 of ``ALMA_RB_03#BB_1#SW-01#FULL_RES``; -1 where there is none."""
    found = re.search(r"RB_(\d+)", name)
    return int(found[1]) if found else -1


def subwindow(name: str) -> int:
    """Number of the sub-window in a spectral window's name; -1 where there is none."""
    found = re.search(r"SW-(\d+)", name)
    return int(found[1]) if found else -1
