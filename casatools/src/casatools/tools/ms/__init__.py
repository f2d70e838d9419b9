"""The ms tool: MeasurementSets opened, selected, read, written, iterated over and described."""

from __future__ import annotations

import os
from typing import Annotated

from casatools._base import kinds
from casatools._base.declare import method
from casatools.io.ms import MeasurementSet
from casatools.io.ms.parts import is_multi_ms
from casatools.tools.ms._access import AccessMethods
from casatools.tools.ms._arranging import ArrangingMethods
from casatools.tools.ms._describing import DescriptionMethods
from casatools.tools.ms._reshaping import ReshapeMethods
from casatools.tools.ms._selecting import SelectionMethods
from casatools.tools.ms._transforming import TransformMethods

__all__ = ["ms"]


class ms(AccessMethods, ArrangingMethods, DescriptionMethods, ReshapeMethods, SelectionMethods, TransformMethods):  # CASA's name
    """One MeasurementSet.

    Examples
    --------
    >>> from casatools import ms
    >>> tool = ms()
    >>> tool.open("ngc5921.ms")  # doctest: +SKIP
    >>> tool.msselect({"field": "N5921*", "spw": "0:6~56"})  # doctest: +SKIP
    >>> tool.getdata(["amplitude", "flag"])  # doctest: +SKIP
    """

    @method
    def open(
        self,
        thems: Annotated[str, kinds.InPath(), "The MeasurementSet"] = "",
        nomodify: Annotated[bool, kinds.Bool(), "Open for reading only"] = True,
        lock: Annotated[bool, kinds.Bool(), "Accepted for compatibility: locks are taken as needed"] = False,
        check: Annotated[bool, kinds.Bool(), "Accepted for compatibility: what is needed is always checked"] = False,
    ) -> bool:
        """Open a MeasurementSet; the one open before is closed."""
        found = MeasurementSet(thems, writable=not nomodify)
        self.close()
        self._opened = found
        return True

    @method
    def close(self) -> bool:
        """Close the MeasurementSet and forget the selection."""
        was_open = self._opened is not None
        if self._opened is not None:
            self._opened.close()
        self._opened = None
        self._forget()
        return was_open

    @method
    def done(self) -> bool:
        """The same as close."""
        return bool(self.close())

    @method
    def name(self) -> str:
        """Absolute path of the MeasurementSet."""
        return os.path.abspath(self._ms.path)

    @method
    def iswritable(self) -> bool:
        """True when it may be written."""
        return self._ms.writable

    @method
    def ismultims(self) -> bool:
        """True when it is a multi-MS."""
        return is_multi_ms(self._ms.path)
