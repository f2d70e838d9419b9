"""Spreads casatasks over MPI ranks when it is started under an MPI launcher.

Importing this package imports nothing of MPI. ``import casatasks`` under ``mpirun -n N`` calls `services.start`: rank 0 goes
on with the script, the other ranks serve it until it ends.
"""

from __future__ import annotations

from casatools._base.version import VERSION as __version__

__all__ = ["__version__"]
