"""Kernels that count the baselines that antennas have, in a time proportional to the number of baselines."""

from __future__ import annotations

from typing import Any

from casatools.kernels._kernel import kernel

__all__ = ["count_links", "drop_weakly_linked"]


@kernel
def count_links(ant1: Any, ant2: Any, used: Any, count: Any) -> None:
    """Add to `count` (ant, value) int64 how many baselines with `used` (baseline, value) bool each antenna has.

    Parameters
    ----------
    ant1, ant2 : ndarray (baseline,) int
    used : ndarray (baseline, value) bool
    count : ndarray (ant, value) int64
        Added to.
    """
    for k in range(len(ant1)):
        first, second = count[ant1[k]], count[ant2[k]]
        for v in range(used.shape[1]):
            if used[k, v]:
                first[v] += 1
                second[v] += 1


@kernel
def drop_weakly_linked(ant1: Any, ant2: Any, weight: Any, least: int, count: Any) -> None:
    """Leave only antennas with at least `least` baselines to others of that kind.

    Parameters
    ----------
    ant1, ant2 : ndarray (baseline,) int
    weight : ndarray (set, baseline) float64
        Changed in place: zero on baselines of antennas with fewer.
    least : int
    count : ndarray (set, ant) int64
        Out: the baselines that each antenna has then: none, or `least` and more.
    """
    for one in range(len(weight)):
        dropped = True
        while dropped:
            dropped = False
            count[one] = 0
            for k in range(len(ant1)):
                if weight[one, k] > 0:
                    count[one, ant1[k]] += 1
                    count[one, ant2[k]] += 1
            for k in range(len(ant1)):
                if weight[one, k] > 0 and min(count[one, ant1[k]], count[one, ant2[k]]) < least:
                    weight[one, k] = 0.0
                    dropped = True
