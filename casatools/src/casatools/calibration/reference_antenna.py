"""Referring phases to one antenna."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from casatools._base.errors import SelectionError

__all__ = ["antenna_ids", "fallback_order", "refer_phases", "refer_terms"]


def antenna_ids(names: Sequence[str], wanted: str | Sequence[str | int]) -> list[int]:
    """Antenna numbers of a refant list given as names or numbers.

    Raises
    ------
    SelectionError
        There is no such antenna.
    """
    items = wanted.split(",") if isinstance(wanted, str) else list(wanted)
    found: list[int] = []
    for item in (str(i).strip() for i in items):
        if not item:
            continue
        if item in names:
            number = list(names).index(item)
        elif item.isdigit() and int(item) < len(names):
            number = int(item)
        else:
            raise SelectionError(f"refant: there is no antenna {item!r}; there are {', '.join(names)}")
        if number not in found:
            found.append(number)
    return found


def fallback_order(chosen: Sequence[int], position_m: np.ndarray) -> list[int]:
    """The antennas chosen, then all others by their distance from the last of them, as in the reference."""
    if not len(chosen):
        return []
    distance = np.linalg.norm(position_m - position_m[chosen[-1]], axis=1)
    rest = [int(a) for a in np.argsort(distance, kind="stable") if int(a) not in chosen]
    return [*chosen, *rest]


def refer_phases(param: np.ndarray, flag: np.ndarray, refants: Sequence[int], mode: str = "flex") -> np.ndarray:
    """Turn the phases of solutions so that that of the reference antenna is constant.

    Parameters
    ----------
    param : ndarray (time, ant, chan, par) complex
        Changed in place; times ascending.
    flag : ndarray (time, ant, chan, par) bool
        Changed in place by mode strict: in channels where the reference antenna lacks a solution, for either parameter that any antenna
        has, all is flagged, so that one reference holds for both receptors.
    refants : sequence of int
        In order of preference.
    mode : {"flex", "strict"}
        flex: the next antenna takes over where one has no solution, holding the phase it had the time before, and stays while it has
        solutions; only the first comes back, when it has had solutions for two times running.

    Returns
    -------
    ndarray (time,) int32
        Antenna used, -1 where none was there.
    """
    used = np.full(len(param), -1, dtype=np.int32)
    if not len(refants):
        return used
    if not flag[:, refants[0]].any() and np.abs(param[:, refants[0]]).all():
        # It is there at all times: one turn for each.
        current = param[:, refants[0]].copy()
        turn = (current.conj() / np.abs(current))[:, None]
        np.copyto(param, param * turn, where=~flag)
        used[:] = refants[0]
        return used
    candidates = refants if mode == "flex" else refants[:1]
    if mode == "strict":
        dead = flag.all(axis=1)
        lost = np.asarray((flag[:, refants[0]] & ~dead).any(axis=-1))
        flag |= lost[:, None, :, None]
    nchan, npar = param.shape[2:]
    grid = np.ix_(np.arange(nchan), np.arange(npar))
    reference = np.full((nchan, npar), -1)
    for t in range(len(param)):
        reference, continues = _choose(flag[t], flag[t - 1] if t else None, candidates, reference)
        there = reference >= 0
        if not there.any():
            continue
        index = np.where(there, reference, 0)
        current = param[t][index, grid[0], grid[1]]
        before = param[t - 1][index, grid[0], grid[1]] if t else np.ones_like(current)
        held = np.where(continues & (np.abs(before) > 0), before, 1.0)
        turn = held * current.conj()
        size = np.abs(turn)
        turn = np.where(there & (size > 0), turn / np.where(size > 0, size, 1.0), 1.0)
        param[t] = np.where(flag[t], param[t], param[t] * turn)
        used[t] = np.bincount(reference[there]).argmax()
        _align_channels(param[t], flag[t], there & (reference == used[t]), there & ~continues & (reference != used[t]))
    return used


def refer_terms(param: np.ndarray, flag: np.ndarray, refants: Sequence[int], mode: str, leakages: bool) -> np.ndarray:
    """Take the terms of the reference antenna off those of all antennas, at each time and in each channel.

    Parameters
    ----------
    param : ndarray (time, ant, chan, par)
        Changed in place. Real terms that add up, such as delays and phases; or, with `leakages`, complex D of both receptors, of which those of
        the first receptor may all change by an amount, those of the second by less its conjugate, without any change of the data.
    flag : ndarray (time, ant, chan, par) bool
        Changed in place by mode strict: all is flagged where the first antenna lacks a solution.
    refants : sequence of int
        In order of preference.
    mode : {"flex", "strict"}
        As in `refer_phases`: an antenna that takes over keeps the terms it had the time before.
    leakages : bool

    Returns
    -------
    ndarray (time,) int32
        Antenna used in most channels, -1 where none was there.

    References
    ----------
    Sault, Hamaker & Bregman 1996, A&AS 117, 149 (what leakages leave open).
    """
    used = np.full(len(param), -1, dtype=np.int32)
    # An antenna is a reference where it has all parameters.
    missing = np.asarray(flag.any(axis=-1, keepdims=True))
    if mode == "strict":
        flag |= missing[:, refants[0]][:, None]
        missing = np.asarray(flag.any(axis=-1, keepdims=True))
    candidates = refants if mode == "flex" else refants[:1]
    channels = np.arange(param.shape[2])
    reference = np.full((len(channels), 1), -1)
    for t in range(len(param)):
        reference, continues = _choose(missing[t], missing[t - 1] if t else None, candidates, reference)
        there = reference[:, 0] >= 0
        if not there.any():
            continue
        antenna = np.where(there, reference[:, 0], 0)
        term = param[t, antenna, channels]
        if t:
            term = term - np.where(continues, param[t - 1, antenna, channels], 0.0)
        if leakages:
            term = np.stack([term[:, 0], -term[:, 0].conj()], axis=1)
        param[t] = np.where(flag[t] | ~there[:, None], param[t], param[t] - term)
        used[t] = np.bincount(antenna[there]).argmax()
    return used


def _align_channels(param: np.ndarray, flag: np.ndarray, fixed: np.ndarray, loose: np.ndarray) -> None:
    """Turn channels that lack the reference antenna so that all others together have the phases of the nearest channel that has it.

    Another reference would make a step between channels, which the receptors do not share: it would turn the cross hands.

    Parameters
    ----------
    param : ndarray (ant, chan, par) complex
        Changed in place.
    flag : ndarray alike, bool
    fixed, loose : ndarray (chan, par) bool
        Channels that have the reference, and those to turn.
    """
    for chan, par in np.argwhere(loose):
        firm = np.flatnonzero(fixed[:, par])
        if not len(firm):
            continue
        near = firm[np.argmin(np.abs(firm - chan))]
        both = ~flag[:, chan, par] & ~flag[:, near, par]
        turn = (param[both, near, par] * param[both, chan, par].conj()).sum()
        if np.abs(turn) > 0:
            param[~flag[:, chan, par], chan, par] *= turn / np.abs(turn)


def _lacking(flag: np.ndarray) -> np.ndarray:
    """Flags (ant, chan, par) of a reference: all parameters of an antenna that lacks some, in channels where another lacks none."""
    dead = flag.all(axis=0)
    partly = (flag & ~dead).any(axis=2, keepdims=True)
    better = ~partly.all(axis=0, keepdims=True)
    return np.asarray(flag | (partly & better))


def _choose(
    flag: np.ndarray, before: np.ndarray | None, refants: Sequence[int], current: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """The reference for each channel and parameter (-1: none), and whether it had a solution at the time before too.

    Of the antennas with a solution now and at the time before: the first of the list, the one that was the reference (`current`), the next in
    the list. Where none has, the first with a solution. One with solutions for all parameters (that have any) of a channel goes before those
    that lack some, so that both receptors have one reference.
    """
    if len(refants) > 1:
        flag = _lacking(flag)
        before = None if before is None else _lacking(before)
    out = np.full(flag.shape[1:], -1)
    continues = np.zeros(flag.shape[1:], dtype=bool)
    for antenna in reversed(refants):
        out[~flag[antenna]] = antenna
    if before is not None:
        steady = ~flag & ~before
        for antenna in reversed(refants):
            out[steady[antenna]] = antenna
            continues |= steady[antenna]
        stays = (current >= 0) & ~steady[refants[0]] & np.take_along_axis(steady, np.maximum(current, 0)[None], axis=0)[0]
        out[stays] = current[stays]
    return out, continues
