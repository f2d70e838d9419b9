"""Agents that look at whole time-frequency planes: tfcrop, rflag, extend and antint."""

from __future__ import annotations

from typing import Any

import numpy as np

from casatools._base import log
from casatools._base.errors import ParameterError
from casatools.flagging.agents import Agent, FlagChunk, columns_needed, time_groups

__all__ = ["AntintAgent", "ExtendAgent", "PlaneAgent"]


class PlaneAgent(Agent):
    """Base of the agents that need all times of a baseline together."""

    def prepare(self) -> None:
        if "datacolumn" in self.options:
            self.needed = columns_needed(str(self.options["datacolumn"]), self.ms)
        self.piece_of_row = time_groups(self.columns, self.rows, self.options)
        self.number = -1  # of the piece looked at
        self.group = self.piece_of_row

    def apply(self, piece: FlagChunk) -> None:
        rows, channels, correlations = self.part(piece.chunk)
        if not len(rows) or not len(channels):
            return
        group = self.piece_of_row[piece.chunk.rows[rows]]
        for number in np.unique(group):
            self.number = int(number)
            self._apply_group(piece, rows[group == number], channels, correlations)

    def _apply_group(self, piece: FlagChunk, rows: np.ndarray, channels: np.ndarray, correlations: np.ndarray) -> None:
        """Set flags in rows of the piece that are looked at together."""
        raise NotImplementedError


class ExtendAgent(PlaneAgent):
    """Extends flags over correlations, time and frequency."""

    by_baseline = True

    def _apply_group(self, piece: FlagChunk, rows: np.ndarray, channels: np.ndarray, correlations: np.ndarray) -> None:
        from casatools.flagging.detecting import lay_out, packed, spread
        from casatools.kernels.flag_extension import extend_baselines

        o = self.options
        whole = (len(rows), len(channels), len(correlations)) == piece.flags.shape
        index = np.ix_(rows, channels, correlations)
        start = piece.flags.copy() if whole else piece.flags[index]
        out = start.copy()
        layout = packed(lay_out(*(piece.row_values(c)[rows] for c in ("ANTENNA1", "ANTENNA2", "TIME"))))
        grow = float(o["growtime"]), float(o["growfreq"])
        rules = bool(o["growaround"]), bool(o["flagneartime"]), bool(o["flagnearfreq"])
        # The correlations are joined last.
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

    A channel counts when every baseline to the reference antenna is there and has a flag in it, in any correlation. Where more than `minchanfrac`
    of the channels count, all of the integration is flagged, also in the spectral windows that come after, as in the reference.
    """

    ordered = True

    def prepare(self) -> None:
        super().prepare()
        names = [a.name for a in self.ms.metadata.antennas]
        wanted = str(self.options["antint_ref_antenna"])
        if wanted not in names:
            raise ParameterError(f"flagging: parameter 'antint_ref_antenna' must be one of {', '.join(names)}; got {wanted!r}")
        self.antenna = names.index(wanted)
        used = np.union1d(self.columns["ANTENNA1"], self.columns["ANTENNA2"])
        self.nbaseline = max(1, len(used[used != self.antenna]))
        self.found = [0, 0]
        self.times: set[float] = set()

    def _apply_group(self, piece: FlagChunk, rows: np.ndarray, channels: np.ndarray, correlations: np.ndarray) -> None:
        one, two = piece.row_values("ANTENNA1")[rows], piece.row_values("ANTENNA2")[rows]
        times, at = np.unique(piece.row_values("TIME")[rows], return_inverse=True)
        at = at.ravel()
        seen = ((one == self.antenna) | (two == self.antenna)) & (one != two)
        with_flags = piece.flags[np.ix_(rows[seen], channels, correlations)].any(axis=2)
        free = np.zeros((len(times), len(channels)), np.int64)
        complete = np.bincount(at[seen], minlength=len(times)) >= self.nbaseline
        np.add.at(free, at[seen], ~with_flags)
        bad = complete & ((free == 0).mean(axis=1) > float(self.options["minchanfrac"]))
        self.found[0] += int(bad.sum())
        self.found[1] += len(bad)
        self.times.update(times[bad].tolist())
        chosen = rows[np.isin(times, list(self.times))[at]]
        piece.flags[np.ix_(chosen, channels, correlations)] = True
        if self.command.whole_rows:
            piece.flag_row[chosen] = True

    def finish(self) -> dict[str, Any]:
        """Nothing to report; with `verbose` the log tells how many integrations were flagged."""
        if self.options["verbose"]:
            log.post(
                f"antint: flagged {self.found[0]} of {self.found[1]} integrations by baselines to {self.options['antint_ref_antenna']}"
            )
        return self.report
