"""The name under which CASA's scripts import plotms: ``from casaplotms import plotms``."""

from __future__ import annotations

from casatasks import plotms

__all__ = ["plotms"]
