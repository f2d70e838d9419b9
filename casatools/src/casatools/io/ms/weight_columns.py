"""The optional columns of weights by channel: made and removed."""

from __future__ import annotations

import numpy as np
from casacore import tables as _tables

from casatools._base.paths import require_space
from casatools.io.ms.measurement_set import MeasurementSet

__all__ = ["add_sigma_spectrum", "add_weight_spectrum"]


def add_weight_spectrum(ms: MeasurementSet) -> bool:
    """Make WEIGHT_SPECTRUM, tiled as DATA, where it is missing; its cells are not yet filled. True when it was made."""
    return _add(ms, "WEIGHT_SPECTRUM", "TiledWgtSpectrum", "Weight for each data point")


def add_sigma_spectrum(ms: MeasurementSet) -> bool:
    """Make SIGMA_SPECTRUM, tiled as DATA, where it is missing; its cells are not yet filled. True when it was made."""
    return _add(ms, "SIGMA_SPECTRUM", "TiledSigmaSpectrum", "Sigma for each data point")


def _add(ms: MeasurementSet, name: str, manager_name: str, comment: str) -> bool:
    if name in ms.column_names:
        return False
    nchan, ncorr = ms.cell_shape(0) if ms.nrow else (1, 1)
    require_space(ms.path, ms.nrow * float(nchan * ncorr) * 4 + 1e6)
    tile = np.array([ncorr, min(nchan, 4096), max(1, 262144 // max(1, nchan * ncorr))], dtype=np.int32)
    description = _tables.makearrcoldesc(name, 0.0, ndim=2, valuetype="float", comment=comment)
    manager = {
        "TYPE": "TiledShapeStMan",
        "NAME": manager_name,
        "SEQNR": 0,
        "SPEC": {"DEFAULTTILESHAPE": tile, "MAXIMUMCACHESIZE": 0},
    }
    ms.table.addcols(_tables.maketabdesc([description]), manager)
    return True
