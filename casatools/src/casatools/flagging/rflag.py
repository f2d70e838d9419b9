"""RFlag: flags where the local scatter in time or the departure from the spectrum is large.

References
----------
E. Greisen, AIPS RFLAG (AIPS Memo and help file); CASA documentation of flagdata mode='rflag'.
"""

from __future__ import annotations

import ast
import os
import warnings
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from casatools._base.errors import ParameterError, UnsupportedError
from casatools.flagging.agents import FlagChunk
from casatools.flagging.timefreq import PlaneAgent, Planes

__all__ = ["RflagAgent", "read_thresholds"]


def read_thresholds(given: Any, name: str) -> float | dict[tuple[int, int], float] | None:
    """Thresholds as a number, as ``[[field, spw, value], ...]``, as a report, or as a file that holds one; None means automatic.

    Raises
    ------
    ParameterError
    """
    value = given
    if isinstance(value, str):
        if not value.strip():
            return None
        if not os.path.isfile(value):
            raise ParameterError(f"flagging: parameter {name!r} must be a number, a list or a file that exists; got {value!r}")
        with open(value, encoding="utf-8") as stream:
            value = ast.literal_eval(stream.read().strip())
    if isinstance(value, dict):
        value = value.get(name, [])
    if isinstance(value, (int, float)):
        return float(value) if value > 0 else None
    table = np.atleast_2d(np.asarray(value, dtype=np.float64))
    if table.size == 0:
        return None
    if table.shape == (1, 1):
        return float(table[0, 0])
    if table.shape[1] != 3:
        raise ParameterError(f"flagging: parameter {name!r} must hold rows of [field, spw, threshold]; got {given!r}")
    return {(int(f), int(s)): float(v) for f, s, v in table}


class RflagAgent(PlaneAgent):
    """Flags by local scatter in time, and by departure from the robust spectrum."""

    def prepare(self) -> None:
        super().prepare()
        for name in ("channelavg", "timeavg"):
            if self.options[name]:
                raise UnsupportedError(
                    f"flagdata: {name}=True is not there yet for mode='rflag'; use mode='clip' or average with split first"
                )
        self.timedev = read_thresholds(self.options["timedev"], "timedev")
        self.freqdev = read_thresholds(self.options["freqdev"], "freqdev")
        self.seen: dict[str, dict[tuple[int, int], list[float]]] = {"timedev": {}, "freqdev": {}}

    def work(
        self,
        piece: FlagChunk,
        planes: Planes,
        flags: np.ndarray,
        present: np.ndarray,
        channels: np.ndarray,
        correlations: np.ndarray,
    ) -> np.ndarray:
        out = flags.copy()
        key = (int(piece.row_values("FIELD_ID")[planes.rows[0]]), piece.chunk.spw)
        for indices, sign in self.products(piece.chunk.pol):
            hidden = flags[..., indices].any(axis=-1)
            data = self.values(piece, planes, channels, indices, sign)
            masked = np.where(hidden, np.complex64(np.nan), data)
            with warnings.catch_warnings():  # planes without data give nan
                warnings.simplefilter("ignore", RuntimeWarning)
                bad = self._time(masked, key) | self._frequency(masked, key)
            for k in indices:
                out[..., k] |= bad
        return out

    def _threshold(self, given: Any, name: str, found: float, key: tuple[int, int]) -> float:
        if np.isfinite(found):
            self.seen[name].setdefault(key, []).append(found)
        if isinstance(given, dict):
            return given.get(key, found)
        return found if given is None else float(given)

    def _time(self, data: np.ndarray, key: tuple[int, int]) -> np.ndarray:
        """Where the scatter in a sliding window exceeds the threshold: its central sample is flagged."""
        ntime, width = data.shape[1], int(self.options["winsize"])
        bad = np.zeros(data.shape, bool)
        if ntime < width:
            return bad
        windows = sliding_window_view(data, width, axis=1)
        scatter = np.sqrt(np.nanvar(windows.real, axis=-1) + np.nanvar(windows.imag, axis=-1))
        middle = float(np.nanmedian(scatter)) if np.isfinite(scatter).any() else np.nan
        spread = float(np.nanmedian(np.abs(scatter - middle)))
        limit = self._threshold(self.timedev, "timedev", middle + 1.4826 * spread, key) * float(self.options["timedevscale"])
        bad[:, width // 2 : width // 2 + scatter.shape[1]] = scatter > limit
        return bad

    def _frequency(self, data: np.ndarray, key: tuple[int, int]) -> np.ndarray:
        """Where a channel departs from the median over channels of its time and baseline."""
        centre = np.nanmedian(data.real, axis=2, keepdims=True) + 1j * np.nanmedian(data.imag, axis=2, keepdims=True)
        departure = np.abs(data - centre)
        spread = float(np.nanmedian(departure)) if np.isfinite(departure).any() else np.nan
        limit = self._threshold(self.freqdev, "freqdev", 1.4826 * spread, key) * float(self.options["freqdevscale"])
        level = np.sqrt(np.nanmean(np.square(departure), axis=2, keepdims=True))
        beyond = (level > float(self.options["spectralmax"])) | (level < float(self.options["spectralmin"]))
        return (departure > limit) | (beyond & np.isfinite(departure))

    def finish(self) -> dict[str, Any]:
        """Thresholds found: rows of [field, spw, threshold]."""
        record: dict[str, Any] = {"name": "Rflag", "type": "rflag"}
        for name, held in self.seen.items():
            record[name] = np.array([[f, s, float(np.median(v))] for (f, s), v in sorted(held.items())]).reshape(-1, 3)
        return record
