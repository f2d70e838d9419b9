"""Many selections that flag or unflag, done together: the rows are gone over once, not once for each command."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from casatools._base.errors import SelectionError
from casatools.flagging.agents import Agent, FlagChunk, RowColumns
from casatools.flagging.commands import FlagCommand
from casatools.flagging.detecting import spread
from casatools.io.ms import MeasurementSet, ResolvedSelection
from casatools.io.ms.row_kinds import RowKinds, by_kind

__all__ = ["MergedAgent", "can_merge"]


def can_merge(command: FlagCommand) -> bool:
    """Whether a command does nothing but set or take away the flags of rows that are known by their kind and baseline."""
    return (
        command.mode in ("manual", "unflag")
        and command.apply
        and not command.options.get("autocorr")
        and by_kind(command.selection)
    )


def _stretches(channels: np.ndarray | None, nchan: int) -> list[tuple[int, int]]:
    """Channels as ranges, first and after the last."""
    if channels is None:
        return [(0, nchan)]
    if not len(channels):
        return []
    edges = np.flatnonzero(np.diff(channels) != 1)
    return list(zip(channels[np.append(0, edges + 1)].tolist(), (channels[np.append(edges, -1)] + 1).tolist(), strict=True))


class MergedAgent(Agent):
    """Consecutive ``manual`` and ``unflag`` commands.

    Parameters
    ----------
    commands : sequence of FlagCommand
        All of them `can_merge`.
    ms : MeasurementSet
    columns : RowColumns
    skip_empty : bool
        Leave out commands that select nothing; they are in `refusals` then.

    Raises
    ------
    SelectionError

    Notes
    -----
    What a row gets depends on no other row, so that all commands in turn on one row after the other are all rows by one command after the
    other. A row is selected by a command when its kind and its baseline are; both are bits of small tables.
    """

    def __init__(self, commands: Sequence[FlagCommand], ms: MeasurementSet, columns: RowColumns, skip_empty: bool) -> None:
        from casatools.kernels.flag_commands import matched_commands

        self.command, self.ms, self.columns = commands[0], ms, columns
        self.options: dict[str, Any] = {}
        self.needed, self.report, self.group = [], {}, None
        self.refusals: list[SelectionError] = []
        self.commands: list[FlagCommand] = []
        self.resolved: list[ResolvedSelection] = []
        self.kinds = RowKinds.of(ms, columns, [c.selection for c in commands])
        nword = (len(commands) + 63) // 64
        self.of_kind = np.zeros((self.kinds.nkind, nword), np.uint64)
        self.of_baseline = np.zeros((self.kinds.nbaseline, nword), np.uint64)
        for command in commands:
            self._add(command, skip_empty)
        found, self.rows = np.zeros(nword, np.uint64), np.zeros(ms.nrow, bool)
        matched_commands(self.kinds.kind, self.kinds.baseline, self.of_kind, self.of_baseline, found, self.rows)
        for k, command in enumerate(self.commands):
            if not int(found[k // 64]) >> k % 64 & 1:
                self._refuse(command, skip_empty)
        self.tables: dict[tuple[int, int], tuple[np.ndarray, ...]] = {}

    def _add(self, command: FlagCommand, skip_empty: bool) -> None:
        try:
            resolved, wanted = self.kinds.resolve(command.selection)
        except SelectionError as refusal:
            if not skip_empty:
                raise
            self.refusals.append(refusal)
            return
        word, bit = divmod(len(self.commands), 64)
        self.of_kind[resolved.rows, word] |= np.uint64(1 << bit)
        self.of_baseline[wanted, word] |= np.uint64(1 << bit)
        self.commands.append(command)
        self.resolved.append(resolved)

    def _refuse(self, command: FlagCommand, skip_empty: bool) -> None:
        try:
            command.selection.resolve(self.ms, held=self.columns.held)
        except SelectionError as refusal:
            if not skip_empty:
                raise
            self.refusals.append(refusal)

    def _table(self, spw: int, pol: int, nchan: int, ncorr: int) -> tuple[np.ndarray, ...]:
        """Of a window and its correlations: ranges of channels, each command's first, its correlations, whether these are all, its value, whether FLAG_ROW follows."""
        if (spw, pol) not in self.tables:
            ranges: list[tuple[int, int]] = []
            first = [0]
            chosen = np.zeros((len(self.commands), ncorr), bool)
            for k, resolved in enumerate(self.resolved):
                ranges += _stretches(resolved.channels.get(spw, np.zeros(0, np.int64)), nchan)
                first.append(len(ranges))
                correlations = resolved.correlations.get(pol)
                chosen[k, slice(None) if correlations is None else correlations] = True
            values = np.array([c.mode != "unflag" and not c.inverse for c in self.commands])
            rows = np.array([c.whole_rows for c in self.commands])
            stretches = np.array(ranges, np.int64).reshape(-1, 2)
            self.tables[spw, pol] = stretches, np.array(first), chosen, np.asarray(chosen.all(axis=1)), values, rows
        return self.tables[spw, pol]

    def apply(self, piece: FlagChunk) -> None:
        """Set flags in the piece."""
        from casatools.kernels.flag_commands import set_selected

        rows = piece.chunk.rows
        nrow, nchan, ncorr = piece.flags.shape
        table = self._table(piece.chunk.spw, piece.chunk.pol, nchan, ncorr)
        flags = piece.flags.reshape(nrow, -1)
        bits = self.kinds.kind[rows], self.kinds.baseline[rows], self.of_kind, self.of_baseline
        spread(lambda span: set_selected(span, bits, *table, flags, piece.flag_row), nrow)
