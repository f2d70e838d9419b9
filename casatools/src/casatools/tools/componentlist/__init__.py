"""The componentlist tool."""

from __future__ import annotations

from casatools.tools.componentlist.fluxes import FluxMethods
from casatools.tools.componentlist.places import PlaceMethods
from casatools.tools.componentlist.spectra import SpectrumMethods

__all__ = ["componentlist"]


class componentlist(FluxMethods, PlaceMethods, SpectrumMethods):
    """Lists of sky components: flux densities, places, shapes and spectra of sources."""
