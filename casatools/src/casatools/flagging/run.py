"""One pass over a MeasurementSet for any number of flagging commands."""

from __future__ import annotations

import contextlib
import dataclasses
import itertools
import os
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from casatools._base import log
from casatools._base.buffers import empty_array
from casatools._base.errors import ParameterError, SelectionError
from casatools._base.memory import memory_budget_bytes
from casatools._base.progress import Progress
from casatools.flagging.agents import (
    Agent,
    ClipAgent,
    ElevationAgent,
    FlagChunk,
    ManualAgent,
    QuackAgent,
    RowColumns,
    ShadowAgent,
)
from casatools.flagging.commands import FlagCommand, make_command
from casatools.flagging.merged import MergedAgent, can_merge
from casatools.flagging.summary import SummaryAgent
from casatools.flagging.timefreq import AntintAgent, ExtendAgent
from casatools.io.caltable import is_caltable
from casatools.io.ms import (
    ChunkPlan,
    MeasurementSet,
    Piece,
    ResolvedSelection,
    Selection,
    VisChunk,
    iter_chunks,
    open_piece,
    plan_chunks,
    split_plans,
    spread,
    spreads,
    write_chunks,
)
from casatools.io.ms.exclusive import exclusive_access
from casatools.io.ms.flag_journal import FlagJournal, open_journal
from casatools.io.ms.solution_rows import SolutionRows

__all__ = ["expand_commands", "run_commands"]

# A chunk, what changes in it, and its flags and row flags before.
_Change = tuple[VisChunk, dict[str, np.ndarray], np.ndarray, np.ndarray]
# What extendflags=True of tfcrop and rflag adds.
_EXTENSION = {"mode": "extend", "extendpols": True, "growtime": 50.0, "growfreq": 80.0}
# Chunks of what comes in parts: of some planes, and in runs of the file that are not too short at each time.
_PART_BYTES, _RUN_BYTES = 16 << 20, 64 << 10
_EXTENDED_OVER = ("ntime", "combinescans", "channelavg", "chanbin", "timeavg", "timebin")


def expand_commands(commands: Sequence[FlagCommand]) -> list[FlagCommand]:
    """Follow each tfcrop and rflag command with the extension it asks for, and number unnamed summaries."""
    out: list[FlagCommand] = []
    for command in commands:
        out.append(command)
        if command.mode in ("tfcrop", "rflag") and command.options["extendflags"]:
            extension = make_command(_EXTENSION)
            options = {**extension.options, **{k: command.options[k] for k in _EXTENDED_OVER}}
            out.append(dataclasses.replace(extension, selection=command.selection, options=options, apply=command.apply))
    return out


def _make_agent(command: FlagCommand, ms: MeasurementSet, columns: RowColumns) -> Agent:
    simple: dict[str, type[Agent]] = {
        "manual": ManualAgent, "unflag": ManualAgent, "quack": QuackAgent, "elevation": ElevationAgent, "shadow": ShadowAgent,
        "clip": ClipAgent, "summary": SummaryAgent,
    }  # fmt: skip
    if command.mode in simple:
        return simple[command.mode](command, ms, columns)
    if command.mode == "tfcrop":
        from casatools.flagging.tfcrop import TfcropAgent

        return TfcropAgent(command, ms, columns)
    if command.mode == "rflag":
        from casatools.flagging.rflag import RflagAgent

        return RflagAgent(command, ms, columns)
    if command.mode == "sumthreshold":
        from casatools.flagging.sumthreshold import SumThresholdAgent

        return SumThresholdAgent(command, ms, columns)
    return {"extend": ExtendAgent, "antint": AntintAgent}[command.mode](command, ms, columns)


def _groups(agents: Sequence[Agent], rows: np.ndarray) -> np.ndarray | None:
    """Group numbers such that what any agent must see together comes in one chunk; None when no agent needs that."""
    found = [a.group for a in agents if a.group is not None]
    if not found:
        return None
    unique = {g.tobytes(): g for g in found}
    if len(unique) == 1:
        return found[0][rows]
    # Rows that share a group of one agent or of another belong together: connected components.
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components

    edges = []
    for group in unique.values():
        _, first, inverse = np.unique(group[rows], return_index=True, return_inverse=True)
        edges.append(np.stack([np.arange(len(rows)), first[inverse.ravel()]]))
    joined = np.concatenate(edges, axis=1)
    graph = coo_matrix((np.ones(joined.shape[1], np.int8), (joined[0], joined[1])), shape=(len(rows), len(rows)))
    return np.asarray(connected_components(graph, directed=False)[1], dtype=np.int64)


def _group_bytes() -> int:
    """Bytes of a chunk that cannot be read in smaller ones without passing over the data more often: some are held, each with copies."""
    return memory_budget_bytes() // 16


def _most_bytes(agents: Sequence[Agent], parts: np.ndarray | None) -> int:
    """Bytes of a chunk of groups: small ones where groups may come in `parts` and are not passed over more often for it.

    Memory that a chunk before has left is faster than new memory, and the next chunk is read while one is computed on.
    """
    most = _group_bytes()
    if parts is None or any(a.of_whole_groups for a in agents):
        return most
    times = -(-len(parts) // max(1, len(np.unique(parts))))
    return min(most, max(_PART_BYTES, times * _RUN_BYTES))


def _baselines(agents: Sequence[Agent], columns: RowColumns, rows: np.ndarray) -> np.ndarray | None:
    """Numbers of the rows' baselines; None when an agent must see all baselines of a group together."""
    if not all(a.by_baseline for a in agents if a.group is not None):
        return None
    return np.asarray(columns["ANTENNA1"][rows].astype(np.int64) * 65536 + columns["ANTENNA2"][rows])


def _survey(job: _Job, groups: np.ndarray | None, plans: Sequence[ChunkPlan], ms: MeasurementSet) -> None:
    """Passes before the first flag is set, for each agent that must have seen all chunks as the agents before it leave them."""
    in_parts = False
    if groups is not None and plans:
        owners = np.concatenate([np.unique(groups[p.index] * 65536 + p.ddid) for p in plans])
        in_parts = len(np.unique(owners)) < len(owners)
    agents = job.agents
    for k, agent in enumerate(agents):
        if not agent.surveys(in_parts):
            continue
        before = [a.fresh() for a in agents[:k] if a.command.apply and a.command.mode != "summary"]
        for chunk in iter_chunks(ms, job.resolved, job.needed, plans=plans, straight=job.straight):
            piece = FlagChunk(chunk, chunk["FLAG"].copy(), job.flag_rows[chunk.rows], job.columns)
            for earlier in before:
                earlier.apply(piece)
            agent.survey(piece)
            chunk.columns.clear()
        agent.settle()


def run_commands(
    path: str,
    commands: Sequence[FlagCommand],
    write: bool = True,
    skip_empty: bool = False,
    before_write: Callable[[], object] | None = None,
) -> list[dict[str, Any]]:
    """Apply commands in order to every chunk of a MeasurementSet, in one pass.

    Parameters
    ----------
    path : str
        The MeasurementSet.
    commands : sequence of FlagCommand
    write : bool
        False only computes: nothing is changed on disk.
    skip_empty : bool
        Leave commands out whose selection matches nothing, as long as one matches.
    before_write : callable, optional
        Called once when all commands are known to be good and flags will be written: the backup.

    Returns
    -------
    list of dict
        The reports of the commands that give one, in order.

    Raises
    ------
    SelectionError, DataError, ParameterError
        Before anything is written.
    """
    todo = expand_commands(commands)
    write = write and any(c.mode != "summary" for c in todo)
    with contextlib.ExitStack() as held:
        if write and os.path.isdir(path):
            held.enter_context(exclusive_access(path))
        solutions = is_caltable(path)
        if solutions:
            _refuse_for_solutions(todo)
        ms = held.enter_context(SolutionRows(path, writable=write) if solutions else MeasurementSet(path, writable=write))
        journal = _journal_of(ms, todo) if write else None
        columns = RowColumns(ms)
        agents = _make_agents(todo, ms, columns, skip_empty)
        if not agents:
            return []
        rows = np.flatnonzero(np.logical_or.reduce([a.rows for a in agents]))
        needed = list(dict.fromkeys(["FLAG", *(c for a in agents for c in a.needed)]))
        resolved = dataclasses.replace(Selection().resolve(ms), rows=rows)
        groups = _groups(agents, rows)
        if write and before_write is not None:
            before_write()
        flag_rows = columns["FLAG_ROW"].copy()
        with Progress(max(1, len(rows)), "flagging") as progress:
            parts = _baselines(agents, columns, rows) if groups is not None else None
            most = _most_bytes(agents, parts)
            plans = plan_chunks(ms, resolved, needed, min(most, 1 << 20 if groups is not None else 16 << 20), groups, parts, most)
            job = _Job(agents, columns, flag_rows, resolved, needed, straight=not solutions)
            _survey(job, groups, plans, ms)
            alone = solutions or any(a.ordered for a in agents)
            if not alone and spreads() and (write or all(isinstance(a, SummaryAgent) for a in agents)):
                pieces = spread(_flag_piece, ms, job, plans if groups is not None else split_plans(plans))
                changed = _gathered(pieces, agents, progress)
            else:
                chunks = iter_chunks(ms, resolved, needed, plans=plans, straight=job.straight)
                changed = _changed(chunks, agents, columns, flag_rows, progress)
            if journal is not None:
                held.callback(journal.close)
                write_chunks(ms, _noted(changed, journal), [])
                journal.finished()
            else:
                for _ in changed:
                    pass
        return [r for r in (a.finish() for a in agents) if r]


def _journal_of(ms: MeasurementSet, todo: Sequence[FlagCommand]) -> FlagJournal:
    """The journal of these commands: detectors look at flags, and would flag more of half-flagged data."""
    wanted = [(c.mode, c.selection, sorted(c.options.items()), c.correlation, c.function, c.inverse, c.apply) for c in todo]
    return open_journal(ms, wanted)


def _noted(changes: Iterator[_Change], journal: FlagJournal) -> Iterator[tuple[VisChunk, dict[str, np.ndarray]]]:
    """Changes, each noted before it is handed on to be written."""
    for chunk, values, flags, flag_row in changes:
        journal.note(chunk.rows, flags, flag_row, values.get("FLAG", flags))
        yield chunk, values


def _make_agents(todo: Sequence[FlagCommand], ms: MeasurementSet, columns: RowColumns, skip_empty: bool) -> list[Agent]:
    """Bind the commands to the MeasurementSet; nothing, when there are none."""
    agents: list[Agent] = []
    refusals: list[SelectionError] = []
    for together, commands in itertools.groupby(todo, can_merge):
        if together and len(alike := list(commands)) > 1:
            merged = MergedAgent(alike, ms, columns, skip_empty)
            refusals += merged.refusals
            agents += [merged] if len(merged.refusals) < len(alike) else []
            continue
        for command in alike if together else commands:
            try:
                agents.append(_make_agent(command, ms, columns))
            except SelectionError as refusal:
                if not skip_empty:
                    raise
                refusals.append(refusal)
    if not agents and refusals:
        raise refusals[0]
    if refusals:
        log.post(f"{len(refusals)} of {len(todo)} commands match nothing and are left out; the first: {refusals[0]}", "WARN")
    return agents


def _refuse_for_solutions(todo: Sequence[FlagCommand]) -> None:
    """Raise for what has no meaning in a calibration table."""
    for command in todo:
        if command.mode in ("shadow", "elevation", "antint"):
            raise ParameterError(f"flagging: mode={command.mode!r} needs a MeasurementSet; a calibration table was given")


@dataclasses.dataclass(frozen=True)
class _Job:
    """What the ranks of an MPI job need to flag their pieces."""

    agents: Sequence[Agent]
    columns: RowColumns
    flag_rows: np.ndarray
    resolved: ResolvedSelection
    needed: Sequence[str]
    # No row is read after its flags were written.
    straight: bool


_Part = tuple[list[_Change], list[Any], int]


def _flag_piece(piece: Piece) -> _Part:
    """What has changed in a piece, what each agent has counted, and the number of rows."""
    job: _Job = piece.job
    with open_piece(piece):
        agents = [a.fresh() for a in job.agents]
        nrow = sum(len(p.rows) for p in piece.plans)
        with Progress(nrow, "flagging") as progress:
            chunks = iter_chunks(piece.ms, job.resolved, job.needed, plans=piece.plans, straight=job.straight)
            out = list(_changed(chunks, agents, job.columns, job.flag_rows, progress))
    return out, [a.counted() for a in agents], nrow


def _gathered(parts: Iterator[_Part], agents: Sequence[Agent], progress: Progress) -> Iterator[_Change]:
    for out, counted, nrow in parts:
        for agent, counts in zip(agents, counted, strict=True):
            agent.absorb(counts)
        progress.advance(nrow)
        yield from out


def _equal_flags(one: np.ndarray, two: np.ndarray) -> bool:
    """Whether flags are equal; eight are compared at once where they lie together."""
    if one.flags.c_contiguous and two.flags.c_contiguous and one.size % 8 == 0:
        one, two = one.reshape(-1).view(np.int64), two.reshape(-1).view(np.int64)
    return np.array_equal(one, two)


def _changed(
    chunks: Iterator[VisChunk], agents: Sequence[Agent], columns: RowColumns, flag_rows: np.ndarray, progress: Progress
) -> Iterator[_Change]:
    """Run the agents over the chunks; yield what has changed in each, and the flags before."""
    for chunk in chunks:
        before = chunk["FLAG"]
        flags = empty_array(before.shape, before.dtype)
        flags[...] = before
        piece = FlagChunk(chunk, flags, flag_rows[chunk.rows], columns)
        for agent in agents:
            if agent.command.apply:
                agent.apply(piece)
            else:
                agent.apply(dataclasses.replace(piece, flags=piece.flags.copy(), flag_row=piece.flag_row.copy()))
        values: dict[str, np.ndarray] = {}
        if not _equal_flags(piece.flags, before):
            values["FLAG"] = piece.flags
        if not np.array_equal(piece.flag_row, flag_rows[chunk.rows]):
            values["FLAG_ROW"] = piece.flag_row
        progress.advance(len(chunk.rows))
        chunk.columns.clear()
        if values:
            yield chunk, values, before, flag_rows[chunk.rows]
