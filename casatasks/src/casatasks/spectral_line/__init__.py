"""The main job: a spectral-line reduction from a UVFITS file or MeasurementSet to calibrated images and a report.

``python -m casatasks.spectral_line`` runs it on an embedded simulated observation, ``python -m casatasks.spectral_line FILE`` on data.
"""

from __future__ import annotations

__all__: list[str] = []
