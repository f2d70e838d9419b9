"""What the parts of the ms tool share: the open MeasurementSet and the selection in force."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from casatools._base.errors import DataError, NotOpenError, ParameterError
from casatools.information.item_access import DataView
from casatools.io.ms import MeasurementSet, ResolvedSelection


class MsState:
    """The open MeasurementSet, the rows selected, and the channels and polarizations wanted."""

    _opened: MeasurementSet | None = None
    _rows: np.ndarray | None = None
    _resolved: ResolvedSelection | None = None
    _channels: np.ndarray | None = None
    _polarizations: tuple[str, ...] = ()
    _pieces: list[np.ndarray] | None = None
    _piece: int = 0

    @property
    def _ms(self) -> MeasurementSet:
        if self._opened is None:
            raise NotOpenError("ms: no MeasurementSet is open; call open first")
        return self._opened

    @property
    def _selected(self) -> np.ndarray:
        return np.arange(self._ms.nrow, dtype=np.int64) if self._rows is None else self._rows

    def _writable_path(self, name: str) -> str:
        """Path of the open MeasurementSet for the method `name`, which changes it.

        Raises
        ------
        DataError
            It was opened for reading only.
        """
        if not self._ms.writable:
            raise DataError(f"ms.{name}: MeasurementSet {self._ms.path!r} was opened read-only; open it with nomodify=False")
        return self._ms.path

    @contextmanager
    def _being_replaced(self, name: str) -> Iterator[str]:
        """Path of the open MeasurementSet for the method `name`, which changes it as a whole: closed meanwhile, open again afterwards.

        Raises
        ------
        DataError
            It was opened for reading only.
        """
        path = self._writable_path(name)
        self.close()  # type: ignore[attr-defined]
        try:
            yield path
        finally:
            self.open(path, nomodify=False)  # type: ignore[attr-defined]

    def _current(self) -> DataView:
        """The rows of the selection, or of the iteration's piece, and what to read of them."""
        rows = self._selected if self._pieces is None else self._pieces[self._piece]
        return DataView(rows, self._channels, self._polarizations)

    def _forget(self) -> None:
        self._rows = self._resolved = self._channels = self._pieces = None
        self._polarizations = ()
        self._piece = 0

    def _narrow(self, mask: np.ndarray) -> bool:
        """Keep the selected rows in a mask; False, and nothing changed, when none is left."""
        kept = self._selected[mask]
        if not len(kept):
            return False
        self._rows = kept
        return True

    def _one_shape(self) -> None:
        """Refuse data of several shapes."""
        ddids = np.unique(self._ms.read("DATA_DESC_ID", self._current().rows))
        shapes = set()
        meta: Any = self._ms.metadata
        for d in ddids.tolist():
            row = meta.data_descriptions[d]
            shapes.add((meta.spectral_windows[row.spw].nchan, meta.polarizations[row.pol].ncorr))
        if len(shapes) > 1:
            raise ParameterError(
                f"ms: the selected rows have data of the shapes {sorted(shapes)}; select one with selectinit(datadescid)"
            )
