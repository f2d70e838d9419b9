"""Agents that look at whole time-frequency planes: tfcrop, rflag, extend and antint."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from casatools._base import log
from casatools._base.errors import ParameterError
from casatools.flagging.agents import Agent, FlagChunk, columns_needed, time_groups
from casatools.flagging.averaged import time_bins
from casatools.frames.quantities import to_unit

__all__ = ["AntintAgent", "ExtendAgent", "PlaneAgent"]


class PlaneAgent(Agent):
    """Base of the agents that need all times of a baseline together."""

    def prepare(self) -> None:
        if "datacolumn" in self.options:
            self.needed = columns_needed(str(self.options["datacolumn"]), self.ms)
        self.piece_of_row = time_groups(self.columns, self.rows, self.options)
        self.number = -1  # of the piece looked at
        self.group = self.piece_of_row
        self.chanbin = int(self.options.get("chanbin", 1)) if self.options.get("channelavg") else 1
        self.timebin_s = float(to_unit(self.options["timebin"], "s")) if self.options.get("timeavg") else 0.0
        self.slots: tuple[np.ndarray, np.ndarray] | None = None

    def _slots_of(self, rows: np.ndarray) -> tuple[np.ndarray, int]:
        """Numbers of the times of rows, or of bins of them, and how many the piece has, whichever of its baselines are looked at together."""
        if self.slots is None:
            chosen = np.flatnonzero(self.rows)
            time_s, piece = self.columns["TIME"][chosen], self.piece_of_row[chosen]
            if self.timebin_s > 0:
                found = time_bins(time_s, self.timebin_s, piece)
            else:
                times, rank = np.unique(time_s, return_inverse=True)
                found = np.unique(piece * len(times) + rank.ravel(), return_inverse=True)[1].ravel()
            npiece = int(self.piece_of_row.max()) + 1
            first, high = np.full(npiece, np.iinfo(np.int64).max), np.zeros(npiece, np.int64)
            np.minimum.at(first, piece, found)
            np.maximum.at(high, piece, found - first[piece] + 1)
            slots = np.zeros(len(self.rows), np.int64)
            slots[chosen] = found - first[piece]
            self.slots = slots, high
        return self.slots[0][rows], int(self.slots[1][self.number])

    def _bins(self, piece: FlagChunk, rows: np.ndarray, nchan: int) -> tuple[np.ndarray, np.ndarray, np.ndarray] | None:
        """The averages that rows and channels go into, and the first row of each; None where nothing is averaged."""
        if self.chanbin <= 1 and self.timebin_s <= 0:
            return None
        pair = piece.row_values("ANTENNA1")[rows].astype(np.int64) * 65536 + piece.row_values("ANTENNA2")[rows]
        slot, _ = self._slots_of(piece.chunk.rows[rows])
        _, first, inverse = np.unique(pair * (slot.max() + 1) + slot, return_index=True, return_inverse=True)
        return inverse.ravel(), np.arange(nchan) // self.chanbin, first

    def apply(self, piece: FlagChunk) -> None:
        for rows, channels, correlations in self._looked_at(piece):
            self._apply_group(piece, rows, channels, correlations)

    def _looked_at(self, piece: FlagChunk) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
        """Rows that are looked at together, with the channels and correlations, after their number is noted."""
        rows, channels, correlations = self.part(piece.chunk)
        if not len(rows) or not len(channels):
            return
        group = self.piece_of_row[piece.chunk.rows[rows]]
        for number in np.unique(group):
            self.number = int(number)
            yield rows[group == number], channels, correlations

    def _apply_group(self, piece: FlagChunk, rows: np.ndarray, channels: np.ndarray, correlations: np.ndarray) -> None:
        """Set flags in rows of the piece that are looked at together."""
        raise NotImplementedError


class ExtendAgent(PlaneAgent):
    """Extends flags over correlations, time and frequency."""

    by_baseline = True

    def _apply_group(self, piece: FlagChunk, rows: np.ndarray, channels: np.ndarray, correlations: np.ndarray) -> None:
        from casatools.flagging.detecting import all_hidden, lay_out, packed, spread
        from casatools.kernels.flag_extension import extend_baselines

        o = self.options
        whole = (len(rows), len(channels), len(correlations)) == piece.flags.shape
        index = np.ix_(rows, channels, correlations)
        start = piece.flags if whole else piece.flags[index]
        # After a detector of averages the averages' flags are extended, as in the reference.
        bins = self._bins(piece, rows, len(channels))
        looked_at = rows
        if bins is not None:
            start, looked_at = all_hidden(start, bins[0], bins[1]), rows[bins[2]]
        out = start.copy()
        layout = packed(lay_out(*(piece.row_values(c)[looked_at] for c in ("ANTENNA1", "ANTENNA2", "TIME"))))
        grow = float(o["growtime"]), float(o["growfreq"])
        rules = bool(o["growaround"]), bool(o["flagneartime"]), bool(o["flagnearfreq"])
        # The correlations are joined last.
        spread(lambda span: extend_baselines(start, layout, span, grow[0], grow[1], rules, out), layout.shape[0])
        if o["extendpols"]:
            joined = out[:, :, 0].copy()
            for k in range(1, out.shape[2]):
                joined |= out[:, :, k]
            out[...] = joined[:, :, None]
        if bins is not None:
            out = out[bins[0]][:, bins[1]]
        if whole:
            piece.flags[...] |= out
        else:
            piece.flags[index] |= out


@dataclass(frozen=True)
class _Counts:
    """Of each time: how many baselines to the antenna are there, and how many of them are free of flags in each channel.

    Attributes
    ----------
    times : ndarray (time,) float64 [s]
    present : ndarray (time,) int64
    free : ndarray (time, chan) int64
    """

    times: np.ndarray
    present: np.ndarray
    free: np.ndarray

    def __add__(self, other: _Counts) -> _Counts:
        times = np.union1d(self.times, other.times)
        present, free = np.zeros(len(times), np.int64), np.zeros((len(times), self.free.shape[1]), np.int64)
        for part in (self, other):
            at = np.searchsorted(times, part.times)
            present[at] += part.present
            free[at] += part.free
        return _Counts(times, present, free)


class AntintAgent(PlaneAgent):
    """Flags integrations in which too large a part of the channels of the baselines to one antenna are flagged.

    A channel counts when every baseline to the reference antenna is there and has a flag in it, in any correlation. Where more than `minchanfrac`
    of the channels count, all of the integration is flagged, also in the spectral windows that come after, as in the reference.
    """

    ordered = True
    by_baseline = of_whole_groups = True  # after the survey has counted those to the reference antenna

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
        self.surveyed: dict[int, _Counts] = {}  # by number of the piece
        self.decided: dict[int, np.ndarray] = {}

    def survey(self, piece: FlagChunk) -> None:
        """Count a part of a piece before the flags of any part are set."""
        for rows, channels, correlations in self._looked_at(piece):
            counts = self._counts(piece, rows, channels, correlations)
            before = self.surveyed.get(self.number)
            self.surveyed[self.number] = counts if before is None else before + counts

    def _counts(self, piece: FlagChunk, rows: np.ndarray, channels: np.ndarray, correlations: np.ndarray) -> _Counts:
        one, two = piece.row_values("ANTENNA1")[rows], piece.row_values("ANTENNA2")[rows]
        times, at = np.unique(piece.row_values("TIME")[rows], return_inverse=True)
        at = at.ravel()
        seen = ((one == self.antenna) | (two == self.antenna)) & (one != two)
        with_flags = piece.flags[np.ix_(rows[seen], channels, correlations)].any(axis=2)
        free = np.zeros((len(times), len(channels)), np.int64)
        np.add.at(free, at[seen], ~with_flags)
        return _Counts(times, np.bincount(at[seen], minlength=len(times)), free)

    def _apply_group(self, piece: FlagChunk, rows: np.ndarray, channels: np.ndarray, correlations: np.ndarray) -> None:
        if self.number not in self.decided:
            counts = self.surveyed.get(self.number) or self._counts(piece, rows, channels, correlations)
            flagged = (counts.free == 0).mean(axis=1) > float(self.options["minchanfrac"])
            bad = (counts.present >= self.nbaseline) & flagged
            self.found[0] += int(bad.sum())
            self.found[1] += len(bad)
            self.times.update(counts.times[bad].tolist())
            # Parts that come later must not see what pieces after this one have found.
            self.decided[self.number] = np.array(sorted(self.times), dtype=np.float64)
        chosen = rows[np.isin(piece.row_values("TIME")[rows], self.decided[self.number])]
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
