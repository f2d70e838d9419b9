"""Agents that look at whole time-frequency planes: tfcrop, rflag, extend and antint."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from casatools._base import log
from casatools._base.errors import ParameterError
from casatools.flagging.agents import Agent, FlagChunk, columns_needed, products_of, time_groups

__all__ = ["AntintAgent", "ExtendAgent", "PlaneAgent", "Planes"]


@dataclass
class Planes:
    """Rows of a chunk as a grid of baselines and times.

    Attributes
    ----------
    baseline, time : ndarray (row,) int
        Position of each row.
    shape : (int, int)
        (nbaseline, ntime)
    """

    rows: np.ndarray
    baseline: np.ndarray
    time: np.ndarray
    shape: tuple[int, int]

    @classmethod
    def of(cls, piece: FlagChunk, rows: np.ndarray) -> Planes:
        """Lay out some rows of a piece."""
        pair = piece.row_values("ANTENNA1")[rows].astype(np.int64) * 65536 + piece.row_values("ANTENNA2")[rows]
        _, baseline = np.unique(pair, return_inverse=True)
        _, time = np.unique(piece.row_values("TIME")[rows], return_inverse=True)
        baseline, time = baseline.ravel(), time.ravel()
        return cls(rows, baseline, time, (int(baseline.max()) + 1, int(time.max()) + 1))

    def gather(self, values: np.ndarray, fill: object) -> np.ndarray:
        """(row, ...) to (baseline, time, ...), `fill` where there is no row."""
        out = np.full((*self.shape, *values.shape[1:]), fill, dtype=values.dtype)
        out[self.baseline, self.time] = values
        return out

    def scatter(self, grid: np.ndarray) -> np.ndarray:
        """(baseline, time, ...) back to rows."""
        return grid[self.baseline, self.time]


class PlaneAgent(Agent):
    """Base of the agents that need all times of a baseline together."""

    follows_row = False

    def prepare(self) -> None:
        if "datacolumn" in self.options:
            self.needed = columns_needed(str(self.options["datacolumn"]), self.ms)
        self.piece_of_row = time_groups(self.columns, self.rows, self.options)
        self.group = self.piece_of_row

    def products(self, pol: int) -> list[tuple[tuple[int, ...], float]]:
        """What to look at: correlations that are combined, and the sign of the second."""
        return products_of(self, pol)

    def apply(self, piece: FlagChunk) -> None:
        rows, channels, correlations = self.part(piece.chunk)
        if not len(rows) or not len(channels):
            return
        group = self.piece_of_row[piece.chunk.rows[rows]]
        for number in np.unique(group):
            self._apply_group(piece, rows[group == number], channels, correlations)

    def _apply_group(self, piece: FlagChunk, rows: np.ndarray, channels: np.ndarray, correlations: np.ndarray) -> None:
        planes = Planes.of(piece, rows)
        index = np.ix_(rows, channels)
        flags = planes.gather(piece.flags[index], True)
        present = planes.gather(np.ones(len(rows), bool), False)
        result = self.work(piece, planes, flags, present, channels, correlations)
        piece.flags[index] |= planes.scatter(result)

    def work(
        self,
        piece: FlagChunk,
        planes: Planes,
        flags: np.ndarray,
        present: np.ndarray,
        channels: np.ndarray,
        correlations: np.ndarray,
    ) -> np.ndarray:
        """Flags (baseline, time, chan, corr) after this agent."""
        raise NotImplementedError

    def values(self, piece: FlagChunk, planes: Planes, channels: np.ndarray, indices: tuple[int, ...], sign: float) -> np.ndarray:
        """The data of a product as (baseline, time, chan)."""
        data = piece.visibilities(str(self.options["datacolumn"]))
        part = data[np.ix_(planes.rows, channels)]
        plane = part[:, :, indices[0]] if len(indices) == 1 else 0.5 * (part[:, :, indices[0]] + sign * part[:, :, indices[1]])
        return planes.gather(np.ascontiguousarray(plane), 0)


class ExtendAgent(PlaneAgent):
    """Extends flags over correlations, time and frequency."""

    def _apply_group(self, piece: FlagChunk, rows: np.ndarray, channels: np.ndarray, correlations: np.ndarray) -> None:
        from casatools.flagging.detecting import lay_out, spread
        from casatools.kernels.flag_extension import extend_baselines

        o = self.options
        whole = (len(rows), len(channels), len(correlations)) == piece.flags.shape
        index = np.ix_(rows, channels, correlations)
        start = piece.flags.copy() if whole else piece.flags[index]
        out = start.copy()
        layout = lay_out(*(piece.row_values(c)[rows] for c in ("ANTENNA1", "ANTENNA2", "TIME")))
        grow = float(o["growtime"]), float(o["growfreq"])
        rules = bool(o["growaround"]), bool(o["flagneartime"]), bool(o["flagnearfreq"])
        # Each rule looks at the flags as they were; the correlations are joined last.
        spread(lambda span: extend_baselines(start, layout, span, grow[0], grow[1], rules, out), layout.shape[0])
        if o["extendpols"]:
            joined = out[:, :, 0].copy()
            for k in range(1, out.shape[2]):
                joined |= out[:, :, k]
            out[...] = joined[:, :, None]
        if whole:
            piece.flags[...] |= out
        else:
            piece.flags[index] |= out


class AntintAgent(PlaneAgent):
    """Flags integrations in which too large a part of the channels of the baselines to one antenna are flagged.

    An integration is flagged when the fraction of channels that are flagged in all correlations of every baseline to the reference
    antenna exceeds ``minchanfrac``.
    """

    def prepare(self) -> None:
        super().prepare()
        names = [a.name for a in self.ms.metadata.antennas]
        wanted = str(self.options["antint_ref_antenna"])
        if wanted not in names:
            raise ParameterError(f"flagging: parameter 'antint_ref_antenna' must be one of {', '.join(names)}; got {wanted!r}")
        self.antenna = names.index(wanted)
        self.found = [0, 0]

    def work(
        self,
        piece: FlagChunk,
        planes: Planes,
        flags: np.ndarray,
        present: np.ndarray,
        channels: np.ndarray,
        correlations: np.ndarray,
    ) -> np.ndarray:
        one, two = piece.row_values("ANTENNA1")[planes.rows], piece.row_values("ANTENNA2")[planes.rows]
        to_reference = ((one == self.antenna) | (two == self.antenna)) & (one != two)
        touched = np.zeros(planes.shape[0], bool)
        touched[planes.baseline[to_reference]] = True
        bad_channels = flags[touched].all(axis=(0, 3))  # (time, chan)
        bad_times = bad_channels.mean(axis=1) > float(self.options["minchanfrac"])
        self.found[0] += int(bad_times.sum())
        self.found[1] += len(bad_times)
        out = flags.copy()
        out[:, bad_times] = True
        return out

    def finish(self) -> dict[str, Any]:
        """Nothing to report; with `verbose` the log tells how many integrations were flagged."""
        if self.options["verbose"]:
            log.post(
                f"antint: flagged {self.found[0]} of {self.found[1]} integrations by baselines to {self.options['antint_ref_antenna']}"
            )
        return self.report
