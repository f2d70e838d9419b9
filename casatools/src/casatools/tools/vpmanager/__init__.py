"""The vpmanager tool: voltage patterns and primary beams of antennas."""

from __future__ import annotations

from casatools.tools.vpmanager.choosing import Choosing
from casatools.tools.vpmanager.shapes import Shapes

__all__ = ["vpmanager"]


class vpmanager(Shapes, Choosing):
    """Voltage patterns of antennas: defined, chosen for telescopes, kept in tables that imaging reads."""
