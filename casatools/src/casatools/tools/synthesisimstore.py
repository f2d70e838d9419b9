"""The synthesisimstore tool: stands for the images of a field."""

from __future__ import annotations

from casatools._base.declare import method

__all__ = ["synthesisimstore"]


class synthesisimstore:
    """The images of a field, by the beginning of their names; other tools give it and take it."""

    def __init__(self) -> None:
        self._base = ""

    @staticmethod
    def _of(base: str) -> synthesisimstore:
        made = synthesisimstore()
        made._base = base
        return made

    @method
    def done(self) -> bool:
        """Let go of the images: none is held open. Gives False, as in the reference."""
        self._base = ""
        return False
