"""The ``casa`` command: CASA's tasks and tools at an IPython prompt, or a script run with them (``pip install casatasks[shell]``).

Nothing of casatasks is imported before the command line has been read: it says which configuration files are executed.
"""

from __future__ import annotations

from casashell.command import main

__all__ = ["main"]
