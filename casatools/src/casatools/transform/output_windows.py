"""Spectral windows that several others become, or that one is cut into: the stage that cuts, and the sub-tables."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from casatools._base.errors import ParameterError
from casatools.io.ms import MeasurementSet
from casatools.io.ms.appending import append_subtable
from casatools.io.ms.create_like import SubtableEdit, read_subtable
from casatools.transform.blocks import Block, mean_over_channels, mean_sigma
from casatools.transform.subtables import ChannelAxis, Renumbering, spectral_edit

__all__ = ["OutputWindows", "cut_axis", "merge_window_tables", "replace_windows", "separate_blocks"]

# Sub-tables whose rows belong to spectral windows.
_BY_WINDOW = ("SOURCE", "FEED", "SYSCAL", "FREQ_OFFSET", "CALDEVICE", "SYSPOWER")


@dataclass(frozen=True)
class OutputWindows:
    """The spectral windows of the output, in place of all of the input.

    Attributes
    ----------
    ddid : int
        Input data description whose polarization setup they take.
    spw : int
        Input spectral window whose name and further attributes they take.
    axes : tuple of ChannelAxis
        One for each.
    combined : bool
        They are made of several input windows.
    """

    ddid: int
    spw: int
    axes: tuple[ChannelAxis, ...]
    combined: bool = False

    @property
    def edges(self) -> np.ndarray:
        """Where each begins among all channels, and the end."""
        return np.concatenate([[0], np.cumsum([axis.nchan for axis in self.axes])]).astype(np.int64)


def cut_axis(axis: ChannelAxis, parts: int) -> tuple[ChannelAxis, ...]:
    """An axis cut into parts of equal numbers of channels; the last one has fewer where they do not divide.

    As in the reference; where that would leave nothing for the last one, numbers differ by one at most, the larger ones first.

    Raises
    ------
    ParameterError
        There are fewer channels than parts.
    """
    if parts > axis.nchan:
        raise ParameterError(f"parameter 'nspw' must not be more than the channels of the output, {axis.nchan}; got {parts}")
    most = -(-axis.nchan // parts)
    cuts = parts if most * (parts - 1) >= axis.nchan else np.arange(1, parts) * most
    columns = (axis.frequency_hz, axis.width_hz, axis.resolution_hz, axis.effective_bw_hz)
    pieces = [np.array_split(values, cuts) for values in columns]
    return tuple(
        ChannelAxis(frequency, width, resolution, bandwidth, axis.frame_code, axis.name)
        for frequency, width, resolution, bandwidth in zip(*pieces, strict=True)
    )


def separate_blocks(blocks: Iterable[Block], windows: OutputWindows) -> Iterator[Block]:
    """The stage: cut the channels of each block to those of the output's spectral windows, one block for each."""
    edges = windows.edges.tolist()
    for block in blocks:
        for part, (low, high) in enumerate(pairwise(edges)):
            yield _cut(block, low, high, part, len(windows.axes))


def _cut(block: Block, low: int, high: int, part: int, parts: int) -> Block:
    def some(values: np.ndarray) -> np.ndarray:
        return values[:, low:high] if values.shape[1] > 1 else values

    flag, corrected, data = some(block.flag), some(block.corrected_weight), some(block.data_weight)
    return Block(
        ddid=block.ddid, spw=block.spw, start=block.start, rows=block.rows, data={n: some(v) for n, v in block.data.items()}, flag=flag,
        corrected_weight=corrected, data_weight=data,
        weight=mean_over_channels(corrected, flag) if corrected.shape[1] > 1 else block.weight,
        sigma=mean_sigma(data, flag) if data.shape[1] > 1 else block.sigma, part=part, parts=parts,
    )  # fmt: skip


def replace_windows(ms: MeasurementSet, plan: Renumbering, windows: OutputWindows) -> None:
    """Put the new spectral windows into planned sub-tables: every data description becomes the first of them."""
    count = len(windows.axes)
    plan.edits["SPECTRAL_WINDOW"] = spectral_edit(ms, np.full(count, windows.spw, dtype=np.int64), windows.axes)
    plan.edits["DATA_DESCRIPTION"] = SubtableEdit(
        np.full(count, windows.ddid, dtype=np.int64), {"SPECTRAL_WINDOW_ID": np.arange(count, dtype=np.int32)}
    )
    plan.ddids = np.zeros(len(ms.metadata.data_descriptions), dtype=np.int32)
    for name in _BY_WINDOW:
        _repeat(ms, plan, name, windows)


def _repeat(ms: MeasurementSet, plan: Renumbering, name: str, windows: OutputWindows) -> None:
    """Rows of the window that the new ones are made after, once for each of them; rows for all windows stay, or count as its own."""
    found = read_subtable(ms, name, "SPECTRAL_WINDOW_ID")
    if not found or not found["SPECTRAL_WINDOW_ID"]:
        return
    old = np.array(found["SPECTRAL_WINDOW_ID"], dtype=np.int64)
    edit = plan.edits.get(name, SubtableEdit())
    rows = np.arange(len(old)) if edit.rows is None else np.asarray(edit.rows)
    count = len(windows.axes)
    own = np.flatnonzero(np.isin(old[rows], (windows.spw, -1) if windows.combined else (windows.spw,)))
    free = np.flatnonzero(old[rows] == -1) if not windows.combined else own[:0]
    order = np.concatenate([free, np.tile(own, count)])
    columns: dict[str, Sequence[object] | np.ndarray] = {}
    for column, values in edit.columns.items():
        columns[column] = values[order] if isinstance(values, np.ndarray) else [values[int(k)] for k in order]
    numbers = np.repeat(np.arange(count, dtype=np.int32), len(own))
    columns["SPECTRAL_WINDOW_ID"] = np.concatenate([np.full(len(free), -1, dtype=np.int32), numbers])
    plan.edits[name] = SubtableEdit(rows[order], columns)


def merge_window_tables(paths: Sequence[str]) -> None:
    """Append the spectral windows and data descriptions of MeasurementSets to those of the first.

    Parts of a multi-MS that was cut by spectral window have these sub-tables each for itself; the first one's serve the whole.

    Raises
    ------
    PathMissingError, DataError
        One is missing or no MeasurementSet; nothing has been written then.
    """
    counts = []
    for path in paths:
        with MeasurementSet(path) as ms:
            counts.append((len(ms.metadata.spectral_windows), [d.spw for d in ms.metadata.data_descriptions]))
    before = counts[0][0] if counts else 0
    for path, (count, spws) in list(zip(paths, counts, strict=True))[1:]:
        append_subtable(f"{paths[0]}/SPECTRAL_WINDOW", f"{path}/SPECTRAL_WINDOW", np.arange(count), {})
        changes = {"SPECTRAL_WINDOW_ID": np.array(spws, dtype=np.int32) + before}
        append_subtable(f"{paths[0]}/DATA_DESCRIPTION", f"{path}/DATA_DESCRIPTION", np.arange(len(spws)), changes)
        before += count
