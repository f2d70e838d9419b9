"""What calibration tables do not cover of the data they are applied to, in sentences for the log."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from casatools.calibration.callib import LibraryEntry
from casatools.io.ms.selection import distinct

if TYPE_CHECKING:
    from collections.abc import Sequence

    from casatools.calibration.callib import CalibrationLibrary
    from casatools.io.ms import MeasurementSet, ResolvedSelection

__all__ = ["gaps"]

# Data farther from any solution than this (s) are told.
_FAR_S = 3600.0


def gaps(
    ms: MeasurementSet, selected: ResolvedSelection, library: CalibrationLibrary, strict: bool, solving: bool = False
) -> list[str]:
    """Sentences on spectral windows, fields, antennas and times of the selected data that tables do not cover, and what is done with them.

    Parameters
    ----------
    ms : MeasurementSet
    selected : ResolvedSelection
    library : CalibrationLibrary
    strict : bool
        Data without solutions are flagged.
    solving : bool
        They are left out of a solution instead.

    Returns
    -------
    list of str
    """
    found = []
    spws = sorted({ms.metadata.data_descriptions[int(d)].spw for d in distinct(ms.read("DATA_DESC_ID", selected.rows))})
    names = [a.name for a in ms.metadata.antennas]
    times = np.asarray(ms.read("TIME", selected.rows)) if len(selected.rows) else np.zeros(0)
    used = sorted({a for c in ("ANTENNA1", "ANTENNA2") for a in distinct(ms.read(c, selected.rows))})
    for entry in library.entries:
        missing = [s for s in spws if not entry.has_spw(s)]
        if missing and not entry.lenient:
            does = (
                "left out"
                if solving
                else "flagged"
                if strict
                else "left as they are; applymode='calflagstrict' flags them, 'spwmap' gives them others"
            )
            found.append(f"{entry.path} has no solutions for spectral windows {_listed(missing)}: their data are {does}")
        lost = _lost_fields(entry, selected.fields_present)
        if lost:
            does = "left out" if solving else "flagged" if strict or not entry.lenient else "calibrated by the other tables only"
            found.append(
                f"{entry.path} has no solutions for the fields that fldmap maps {_listed([ms.metadata.fields[f].name for f in lost])} to: "
                f"their data are {does}"
            )
        if entry.table.values and not any(
            _usable(entry, v, f) for v, f in zip(entry.table.values, entry.table.flags, strict=True)
        ):
            found.append(
                f"no solution of {entry.path} is good: all data that it serves are {'left out' if solving else 'flagged'}"
            )
        if entry.kind.form in ("multiplicative", "additive"):
            continue
        have = _antennas(entry, solving)
        absent = [names[a] for a in used if a not in have]
        if absent:
            found.append(
                f"{entry.path} has no solutions for antennas {_listed(absent)}: their data are {'left out' if solving else 'flagged'}"
            )
        text = _times(entry, times)
        if text:
            found.append(text)
    return found


def _usable(entry: LibraryEntry, values: np.ndarray, flags: np.ndarray) -> bool:
    """Whether a solution has a value that calibrates: nothing can be divided by a gain of zero."""
    good = np.isfinite(values) & ~flags
    return bool((good & (values != 0) if entry.kind.name in ("G", "T", "B") else good).any())


def _listed(items: Sequence[object]) -> str:
    shown = ", ".join(str(i) for i in items[:12])
    return shown + (f" and {len(items) - 12} more" if len(items) > 12 else "")


def _lost_fields(entry: LibraryEntry, fields: Sequence[int]) -> list[int]:
    """Fields of the data that a rule maps to a field of which the table has no solution."""
    have, lost = {int(f) for f in np.unique(entry.table.field)}, []
    for field in fields:
        rule = next((r for r in entry.rules if r.fields is None or field in r.fields), None)
        if rule is None or not isinstance(rule.field_map, tuple) or -1 in have:
            continue
        wanted = rule.field_map[field] if field < len(rule.field_map) else field
        if wanted >= 0 and wanted not in have:
            lost.append(int(field))
    return lost


def _antennas(entry: LibraryEntry, unflagged: bool) -> set[int]:
    """Antennas of the MeasurementSet that the table has solutions for, where `unflagged` is asked such that are not flagged throughout."""
    if any(r.antenna_map for r in entry.rules):
        return set(range(len(entry.antenna_ids))) | {a for r in entry.rules for a in range(len(r.antenna_map))}
    ant1 = entry.table.ant1
    if unflagged and entry.table.flags:
        ant1 = ant1[[not f.all() for f in entry.table.flags]]
    return {int(entry.antenna_ids[a]) for a in np.unique(ant1)}


def _times(entry: LibraryEntry, times_s: np.ndarray) -> str:
    """A sentence on data long before the first or after the last solution; none for tables that hold no times."""
    curves, own = entry.table.curves, entry.table.time_s
    if curves is not None:  # the times of curves are their knots, and polynomials in frequency have none
        own = np.concatenate(curves.domain) if curves.kind == "GSPLINE" and curves.domain else np.zeros(0)
    if not len(own) or not len(times_s) or own.max() <= 0:
        return ""
    if own.min() == own.max():
        return _single(entry, np.abs(times_s - own[0]).max())
    early, late = own.min() - times_s.min(), times_s.max() - own.max()
    if max(early, late) < _FAR_S:
        return ""
    where = "before the first" if early > late else "after the last"
    return f"data up to {max(early, late) / 3600:.1f} h {where} solution of {entry.path} take the nearest one"


def _single(entry: LibraryEntry, far_s: float) -> str:
    """A sentence on the one time of a table of gains, between which nothing is interpolated; bandpasses and delays are meant to have one."""
    if entry.kind.name not in ("G", "T") or far_s < _FAR_S:
        return ""
    return f"{entry.path} has solutions of one time, which nothing is interpolated from: data up to {far_s / 3600:.1f} h away take them"
