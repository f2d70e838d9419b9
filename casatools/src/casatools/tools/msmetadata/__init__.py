"""The msmetadata tool: quick answers about what a MeasurementSet holds."""

from __future__ import annotations

from typing import Annotated

from casatools._base import kinds
from casatools._base.declare import method
from casatools.information.observation_index import ObservationIndex
from casatools.tools.msmetadata._antennas import AntennaMethods
from casatools.tools.msmetadata._fields import FieldMethods
from casatools.tools.msmetadata._observation import ObservationMethods
from casatools.tools.msmetadata._scans import ScanMethods
from casatools.tools.msmetadata._sources import SourceMethods
from casatools.tools.msmetadata._spectral import SpectralMethods

__all__ = ["msmetadata"]


class msmetadata(  # CASA's name
    AntennaMethods, FieldMethods, ObservationMethods, ScanMethods, SourceMethods, SpectralMethods
):
    """Metadata of one MeasurementSet: antennas, fields, scans, spectral windows, intents, sources.

    Examples
    --------
    >>> from casatools import msmetadata
    >>> md = msmetadata()
    >>> md.open("ngc5921.ms")  # doctest: +SKIP
    >>> md.scansforfield("N5921_2")  # doctest: +SKIP
    """

    @method
    def open(
        self,
        msfile: Annotated[str, kinds.InPath(), "The MeasurementSet"] = "",
        maxcache: Annotated[float, kinds.Float(), "Accepted for compatibility: what is kept is small"] = 50.0,
    ) -> bool:
        """Open a MeasurementSet; the one open before is closed."""
        self._open_index = ObservationIndex(msfile)
        return True

    @method
    def close(self) -> bool:
        """Forget the MeasurementSet."""
        was_open = self._open_index is not None
        self._open_index = None
        return was_open

    @method
    def done(self) -> bool:
        """Forget the MeasurementSet."""
        was_open = self._open_index is not None
        self._open_index = None
        return was_open

    @method
    def name(self) -> str:
        """Absolute path of the MeasurementSet."""
        import os

        return os.path.abspath(self._index.path)
