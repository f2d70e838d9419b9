"""Flux densities of the componentlist tool."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Any

import numpy as np

from casatools._base import kinds
from casatools._base.declare import method
from casatools.components import editing
from casatools.tools.componentlist.session import Log, SessionMethods, Which, WhichOrAll, not_there

__all__ = ["FluxMethods"]


class FluxMethods(SessionMethods):
    """Flux densities."""

    @method
    def getfluxvalue(self, which: Which) -> np.ndarray:
        """The four flux densities, real parts."""
        return self._list[which].flux.values.real.copy()

    @method
    def getfluxerror(self, which: Which) -> np.ndarray:
        """Errors of the four flux densities."""
        return self._list[which].flux.errors.real.copy()

    @method
    def getfluxunit(self, which: Which) -> str:
        """The unit of the flux densities."""
        return self._list[which].flux.unit

    @method
    def getfluxpol(self, which: Which) -> str:
        """Not implemented in CASA: ''."""
        self._list.index(which)
        return str(not_there("getfluxpol", "", "getcomponent(which)['flux']['polarisation']"))

    @method
    def setflux(
        self,
        which: WhichOrAll,
        value: Annotated[Any, kinds.Variant(), "Flux density: Stokes I, or four numbers"] = [],  # noqa: B006 - not changed
        unit: Annotated[str, kinds.Text(), "Its unit"] = "Jy",
        polarization: Annotated[str, kinds.Text(), "Stokes, Linear or Circular"] = "Stokes",
        error: Annotated[Any, kinds.Variant(), "Its error, likewise"] = [],  # noqa: B006 - not changed
        log: Log = True,
    ) -> bool:
        """Set the flux density of a component, or of all.

        Raises
        ------
        ParameterError
            There are not one or four numbers, or unit or polarization are unknown.
        """
        flux = editing.flux_from(value, unit, polarization, error)
        return self._edit_each(which, lambda component: replace(component, flux=flux))

    @method
    def convertfluxunit(self, which: WhichOrAll, unit: Annotated[str, kinds.Text(), "Unit like Jy"] = "Jy") -> bool:
        """Express the flux density in another unit."""
        return self._edit_each(which, lambda component: replace(component, flux=component.flux.to_unit(unit)))

    @method
    def convertfluxpol(
        self, which: WhichOrAll, polarization: Annotated[str, kinds.Text(), "Stokes, Linear or Circular"] = "Stokes"
    ) -> bool:
        """Express the flux density in another polarization basis."""
        return self._edit_each(which, lambda component: replace(component, flux=component.flux.to_polarization(polarization)))

    @method
    def sample(
        self,
        direction: Annotated[Any, kinds.Variant(), "Direction"] = [],  # noqa: B006 - not changed
        pixellatsize: Annotated[Any, kinds.Variant(), "Height of the pixel"] = [],  # noqa: B006 - not changed
        pixellongsize: Annotated[Any, kinds.Variant(), "Width of the pixel"] = [],  # noqa: B006 - not changed
        frequency: Annotated[Any, kinds.Variant(), "Frequency"] = [],  # noqa: B006 - not changed
    ) -> np.ndarray:
        """Not implemented in CASA: an empty array."""
        return np.asarray(not_there("sample", np.zeros(0), "image.modify with the list's record"))
