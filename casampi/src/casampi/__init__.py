"""Spreads casatasks over MPI ranks when it is started under an MPI launcher."""

from __future__ import annotations

from casatools._base.version import VERSION as __version__

__all__ = ["__version__"]
