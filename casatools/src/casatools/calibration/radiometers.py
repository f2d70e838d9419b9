"""Water-vapour radiometers in a MeasurementSet.

References
----------
Nikolic, Bolton, Graves, Hills, Richer 2013, A&A 552, A104 (the corrections of ALMA).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from casatools._base import log
from casatools._base.errors import UnsupportedError
from casatools.io.ms import MeasurementSet

__all__ = ["correct_from_radiometers"]

# The radiometers have four channels about the water line at 183.31 GHz.
_CHANNELS, _LOW_HZ, _HIGH_HZ = 4, 180e9, 187e9


def correct_from_radiometers(vis: str, wanted: Sequence[int] = ()) -> dict[str, Any]:
    """Corrections from radiometers: the record of a run without useful data, for a MeasurementSet that has none.

    Returns
    -------
    dict
        ``{"Name": [], ..., "rval": 1, "success": False}``, as the reference says that there are no data.

    Raises
    ------
    UnsupportedError
        There are radiometer data: corrections from them are not available.
    """
    with MeasurementSet(vis) as ms:
        found = [
            w.id for w in ms.metadata.spectral_windows
            if w.nchan == _CHANNELS and _LOW_HZ < float(w.chan_freq_hz.mean()) < _HIGH_HZ
        ]  # fmt: skip
    if not found or not set(wanted) <= set(found):
        where = f" in spectral windows {list(wanted)}" if wanted else ""
        log.post(f"{vis!r} has no water-vapour radiometer data{where}; no table is written", "SEVERE")
        return {**{n: [] for n in ("Name", "WVR", "Flag", "Frac_unflagged", "RMS_um", "Disc_um")}, "rval": 1, "success": False}
    raise UnsupportedError(f"wvrgcal: corrections from the radiometer data of {vis!r} are not available; use CASA's wvrgcal")
