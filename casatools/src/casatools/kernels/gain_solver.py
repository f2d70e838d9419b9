"""Kernels that average visibilities for a solve and solve antenna gains from them.

The model of a baseline is ``r_ij = g_i conj(g_j)`` with r the visibility divided by its model, weighted by
``w = weight |model|^2``. The least-squares gains are found antenna by antenna, holding the others (alternating direction
implicit), with the mean of old and new values in every second step, and extrapolated where steps shrink steadily.

References
----------
Salvini & Wijnholds 2014, A&A 571, A97 (StefCal); Faddeev & Faddeeva 1963, Computational Methods of Linear Algebra (extrapolation);
Thompson & D'Addario 1982, Radio Science 17, 357 (gain solutions);
Schwab 1981, VLA Scientific Memorandum 136 (robust solutions).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from casatools.kernels._kernel import kernel, reordering_kernel

__all__ = [
    "accumulate_dark",
    "accumulate_normalized",
    "accumulate_visibilities",
    "dead_correlations",
    "join_flags",
    "solve_gain",
    "solve_gains",
]


@kernel
def dead_correlations(flag: Any, dead: Any) -> None:
    """Which correlations of `flag` (row, chan, corr) bool are flagged throughout, into `dead` (corr,) bool."""
    nrow, nchan, ncorr = flag.shape
    dead[:] = True
    left = ncorr
    for row in range(nrow):
        if left == 0:
            break
        for chan in range(nchan):
            for c in range(ncorr):
                if dead[c] and not flag[row, chan, c]:
                    dead[c] = False
                    left -= 1


@kernel
def join_flags(flag: Any, dead: Any) -> None:
    """Flag all correlations where one is flagged; those that are `dead` (corr,) bool leave the others as they are.

    `flag` (row, chan, corr) bool is changed in place.
    """
    nrow, nchan, ncorr = flag.shape
    for row in range(nrow):
        for chan in range(nchan):
            spoilt = False
            for c in range(ncorr):
                spoilt |= flag[row, chan, c] and not dead[c]
            if spoilt:
                flag[row, chan, :] = True


@kernel
def _middle(values: Any, work: Any) -> float:
    """Median of `values` (n,) float64, none of them negative; `work` (n,) is scratch."""
    n, zeros, alike, some = len(values), 0, 0, 0.0
    for k in range(n):
        if values[k] > 0:
            some = values[k]
            break
    for k in range(n):
        zeros += values[k] == 0
        alike += abs(values[k] - some) <= 1e-9 * some
    if zeros + alike >= n:  # all that are not zero are alike
        return 0.0 if 2 * zeros > n else 0.5 * some if 2 * zeros == n else some
    work[:] = values
    k, first, last = n // 2, 0, n - 1
    while first < last:  # Hoare's selection
        pivot, i, j = work[(first + last) // 2], first, last
        while i <= j:
            while work[i] < pivot:
                i += 1
            while work[j] > pivot:
                j -= 1
            if i <= j:
                work[i], work[j] = work[j], work[i]
                i, j = i + 1, j - 1
        if k <= j:
            last = j
        elif k >= i:
            first = i
        else:
            break
    return work[k] if n % 2 else 0.5 * (work[k] + work[:k].max())


@kernel
def _row_weight(load: Any, place: Any, work: Any, middle: bool) -> float:
    """Weight of a row in the time of its baseline, from the weights of its samples `load` (corr, chan), zero where flagged.

    Summed over correlations: the mean over solution channels that have data or, with `middle` and where each channel has its own, the median over all.
    Rows of which more than half is flagged count by what they have, but next to nothing beside others. `work` (chan,) is scratch.
    """
    ncorr, nchan = load.shape
    first = max(place.min(), 0)
    total, nout = 0.0, place.max() + 1 - first
    for c in range(ncorr):
        if middle and nout == nchan:
            total += _middle(load[c], work)
            continue
        work[:nout] = 0.0
        for chan in range(nchan):
            if place[chan] >= 0:
                work[place[chan] - first] += load[c, chan]
        some = 0
        for o in range(nout):
            some += work[o] > 0
        total += work[:nout].sum() / max(some, 1)
    return total if total > 0 else 1e-9 * load.sum()


@kernel
def _add_row(data: Any, model: Any, flag: Any, weight: Any, place: Any, which: Any, vis: Any, wgt: Any, load: Any) -> None:
    """Add a row (chan, corr) to its slot (out, par). `load` (corr, chan) is set to ``weight |model|^2``, to the weight alone where the model is zero."""
    wide, broad = weight.shape[0] > 1, model.shape[0] > 1
    load[:] = 0.0
    for chan in range(data.shape[0]):
        o = place[chan]
        if o < 0:
            continue
        for c in range(data.shape[1]):
            if flag[chan, c]:
                continue
            m, w = model[chan if broad else 0, c], np.float64(weight[chan if wide else 0, c])
            re, im = np.float64(m.real), np.float64(m.imag)
            power = re * re + im * im
            load[c, chan] = w * (power if power > 0 else 1.0)
            par = which[c]
            if par >= 0:
                x, y = np.float64(data[chan, c].real), np.float64(data[chan, c].imag)
                vis[o, par] += w * complex(x * re + y * im, y * re - x * im)
                wgt[o, par] += w * power


@kernel
def _add_row_whole(data: Any, model: Any, flag: Any, weight: Any, place: Any, first: int, second: int, part: Any) -> float:
    """As `_add_row` for one output and correlations `first` and `second`: sums (real, imaginary, weight of each) into `part` (6,), kept in registers."""
    wide, broad = weight.shape[0] > 1, model.shape[0] > 1
    total, a, b, wa, c, d, wc = 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0
    for chan in range(data.shape[0]):
        if place[chan] < 0:
            continue
        for k in range(data.shape[1]):
            if flag[chan, k]:
                continue
            m, w = model[chan if broad else 0, k], np.float64(weight[chan if wide else 0, k])
            re, im = np.float64(m.real), np.float64(m.imag)
            power = re * re + im * im
            total += w * (power if power > 0 else 1.0)
            if k in (first, second):
                x, y = np.float64(data[chan, k].real), np.float64(data[chan, k].imag)
                if k == first:
                    a += w * (x * re + y * im)
                    b += w * (y * re - x * im)
                    wa += w * power
                else:
                    c += w * (x * re + y * im)
                    d += w * (y * re - x * im)
                    wc += w * power
    part[0], part[1], part[2], part[3], part[4], part[5] = a, b, wa, c, d, wc
    return total


@kernel
def accumulate_normalized(
    data: Any, model: Any, flag: Any, weight: Any, slot: Any, place: Any, corr: Any, time: Any, vis: Any, wgt: Any, when: Any, seen: Any,
    low: int, high: int,
) -> None:  # fmt: skip
    """Add visibilities divided by their model, weighted by weight |model|^2, to their slots.

    Parameters
    ----------
    data : ndarray (row, chan, corr) complex64
    model : ndarray (row or 1, chan or 1, corr) complex64
    flag : ndarray (row, chan, corr) bool
    weight : ndarray (row, chan or 1, corr) float32
    slot : ndarray (row,) int
        Interval times baseline; negative leaves a row out.
    place : ndarray (chan,) int
        Solution channel of each channel; negative leaves it out.
    corr : ndarray (par,) int
        Correlation of each parameter; negative where the data have none.
    time : ndarray (row,) float64
        [s] from the reference time.
    vis : ndarray (slot, out, par) complex128
        Sum of ``w V / M = weight V conj(M)``; added to.
    wgt : ndarray (slot, out, par) float64
        Sum of w; added to.
    when : ndarray (slot,) float64
        Sum of weight times time of rows; the weight is that of `_row_weight`. Added to.
    seen : ndarray (slot,) float64
        Sum of these weights; added to.
    low, high : int
        Only slots from `low` to before `high`: threads share out the slots.
    """
    varies = model.shape[0] > 1
    which = np.full(data.shape[2], -1)
    for par in range(len(corr)):
        if corr[par] >= 0:
            which[corr[par]] = par
    whole, part = wgt.shape[1] == 1 and len(corr) == 2 and data.shape[1] > 1, np.zeros(6)
    load, work = np.zeros((data.shape[2], data.shape[1])), np.zeros(data.shape[1])
    for row in range(data.shape[0]):
        s = slot[row]
        if s < low or s >= high:
            continue
        source = model[row if varies else 0]
        if whole:
            total = _add_row_whole(data[row], source, flag[row], weight[row], place, corr[0], corr[1], part)
            for par in range(2):
                vis[s, 0, par] += complex(part[3 * par], part[3 * par + 1])
                wgt[s, 0, par] += part[3 * par + 2]
        else:
            _add_row(data[row], source, flag[row], weight[row], place, which, vis[s], wgt[s], load)
            total = _row_weight(load, place, work, True)
        when[s] += total * time[row]
        seen[s] += total


@kernel
def accumulate_dark(data: Any, model: Any, flag: Any, weight: Any, slot: Any, place: Any, vis: Any, wgt: Any) -> None:
    """Add visibilities of correlations in which the model is zero to their slots: no gain can change them, but they hold noise.

    As `accumulate_normalized`; `vis` (slot, out, corr) complex128 and `wgt` float64 take ``weight V`` and ``weight``.
    """
    wide, varies, broad = weight.shape[1] > 1, model.shape[0] > 1, model.shape[1] > 1
    for row in range(data.shape[0]):
        s = slot[row]
        if s < 0:
            continue
        for c in range(data.shape[2]):
            for chan in range(data.shape[1]):
                o = place[chan]
                if o < 0 or flag[row, chan, c] or model[row if varies else 0, chan if broad else 0, c] != 0:
                    continue
                w = np.float64(weight[row, chan if wide else 0, c])
                vis[s, o, c] += w * np.complex128(data[row, chan, c])
                wgt[s, o, c] += w


@kernel
def accumulate_visibilities(
    data: Any, model: Any, flag: Any, weight: Any, slot: Any, place: Any, time: Any, vis: Any, mod: Any, wgt: Any, when: Any, seen: Any, base: Any,
    plain: bool,
) -> None:  # fmt: skip
    """Add all correlations of visibilities and of their model to their slots, without dividing.

    As `accumulate_normalized`; `vis` and `mod` (slot, out, corr) complex128 take ``weight V`` and ``weight M``. Times are weighed by `base`, which is like
    `weight`; where they are `plain` neither by the model, nor by how many channels are flagged.
    """
    wide, varies, broad = weight.shape[1] > 1, model.shape[0] > 1, model.shape[1] > 1
    load, work = np.zeros((data.shape[2], data.shape[1])), np.zeros(data.shape[1])
    for row in range(data.shape[0]):
        s = slot[row]
        if s < 0:
            continue
        source = model[row if varies else 0]
        load[:] = 0.0
        for chan in range(data.shape[1]):
            o = place[chan]
            if o < 0:
                continue
            for c in range(data.shape[2]):
                w = np.float64(weight[row, chan if wide else 0, c])
                if flag[row, chan, c] or not w > 0:
                    continue
                m = np.complex128(source[chan if broad else 0, c])
                power = m.real * m.real + m.imag * m.imag
                load[c, chan] = np.float64(base[row, chan if base.shape[1] > 1 else 0, c]) * (
                    1.0 if plain or power == 0 else power
                )
                vis[s, o, c] += w * np.complex128(data[row, chan, c])
                mod[s, o, c] += w * m
                wgt[s, o, c] += w
        total = _row_weight(load, place, work, not plain)
        when[s] += total * time[row]
        seen[s] += total


@kernel
def _gather(ant1: Any, ant2: Any, vis: Any, wgt: Any, real: Any, imag: Any, weight: Any) -> None:
    """Sums of ``w r_ij`` and of w over the samples of each pair of antennas (ant, ant or more), which is all that the normal equations have of the data."""
    for k in range(len(vis)):
        w = wgt[k]
        if w > 0:
            i, j, x, y = ant1[k], ant2[k], w * vis[k].real, w * vis[k].imag
            real[i, j] += x
            real[j, i] += x
            imag[i, j] += y
            imag[j, i] -= y
            weight[i, j] += w
            weight[j, i] += w


@reordering_kernel
def _products(real: Any, imag: Any, weight: Any, x: Any, y: Any, power: Any, top: Any, bottom: Any) -> None:
    """Normal products of each antenna holding the others: ``top_i = sum w r_ij g_j``, ``bottom_i = sum w |g_j|^2``, of ``g = x + i y``."""
    n = len(x)
    for i in range(n):
        a, b, c = 0.0, 0.0, 0.0
        for j in range(n):
            a += real[i, j] * x[j] - imag[i, j] * y[j]
            b += real[i, j] * y[j] + imag[i, j] * x[j]
            c += weight[i, j] * power[j]
        top[i] = complex(a, b)
        bottom[i] = c


@kernel
def _split(gain: Any, x: Any, y: Any, power: Any) -> None:
    """Real and imaginary parts and squares of gains."""
    for a in range(len(gain)):
        x[a], y[a] = gain[a].real, gain[a].imag
        power[a] = x[a] * x[a] + y[a] * y[a]


@kernel
def _extrapolate(gain: Any, last: Any, move: Any, pairs: int, before: float) -> float:
    """Go to where steps that shrink by a steady ratio end (Lyusternik 1947); returns the ratio, 0 after such a jump.

    `last` and `move` (ant,) complex128 are the gains after the pair of steps before and how far that went.
    """
    product, square = 0.0, 0.0
    for a in range(len(gain)):
        d = gain[a] - last[a]
        product += d.real * move[a].real + d.imag * move[a].imag
        square += move[a].real ** 2 + move[a].imag ** 2
        move[a] = d
        last[a] = gain[a]
    ratio = product / square if square > 0 else 0.0
    # A long jump, where antennas hang on one or two others, needs a ratio that is known the better.
    if pairs < 3 or not 0.2 < ratio < 0.9999 or abs(ratio - before) > (0.1 if ratio < 0.98 else 0.05 * (1 - ratio)):
        return ratio
    for a in range(len(gain)):
        gain[a] += ratio / (1 - ratio) * move[a]
        last[a] = gain[a]
        move[a] = 0
    return 0.0


@kernel
def solve_gain(ant1: Any, ant2: Any, vis: Any, wgt: Any, tolerance: float, most: int, gain: Any, information: Any) -> bool:
    """Solve one set of gains.

    Parameters
    ----------
    ant1, ant2 : ndarray (n,) int
    vis : ndarray (n,) complex128
        Visibility over model.
    wgt : ndarray (n,) float64
        Zero leaves a sample out.
    tolerance : float
        Largest relative change of a gain at which to stop.
    most : int
        Steps at most.
    gain : ndarray (ant,) complex128
        In: the first guess; out: the solution, zero where there are no data.
    information : ndarray (ant,) float64
        Out: ``sum w |g_j|^2``, the inverse variance for unit weight.

    Returns
    -------
    bool
        Whether the steps converged.
    """
    n = len(gain)
    # Rows are longer than they need to be: columns of a power of two apart would share few places of the cache.
    wide = n + 8
    real, imag, weight = np.zeros((n, wide)), np.zeros((n, wide)), np.zeros((n, wide))
    _gather(ant1, ant2, vis, wgt, real, imag, weight)
    x, y, power, top = np.empty(n), np.empty(n), np.empty(n), np.zeros_like(gain)
    last, move, ratio, pairs, done = gain.copy(), np.zeros_like(gain), 0.0, 0, False
    for step in range(most):
        _split(gain, x, y, power)
        _products(real, imag, weight, x, y, power, top, information)
        change, scale = 0.0, 0.0
        for a in range(n):
            new = top[a] / information[a] if information[a] > 0 else 0.0 * top[a]
            if step % 2 == 1:
                new = 0.5 * (new + gain[a])
            change = max(change, abs(new - gain[a]))
            scale = max(scale, abs(new))
            gain[a] = new
        if step % 2 == 1:
            pairs += 1
            ratio = _extrapolate(gain, last, move, pairs, ratio)
            pairs = pairs if ratio != 0 else 0
        elif change <= tolerance * scale:
            done = True
            break
    _split(gain, x, y, power)
    _products(real, imag, weight, x, y, power, top, information)
    return done


@kernel
def first_guess(ant1: Any, ant2: Any, vis: Any, wgt: Any, gain: Any) -> None:
    """A first guess: amplitudes from the mean baseline, phases along baselines from the best connected antenna."""
    nant = len(gain)
    level, total = 0.0, 0.0
    strength = np.zeros(nant)
    for k in range(len(vis)):
        if wgt[k] > 0:
            # Not `abs`, which guards against overflow and takes longer than the whole solve.
            level += wgt[k] * np.sqrt(vis[k].real ** 2 + vis[k].imag ** 2)
            total += wgt[k]
            strength[ant1[k]] += wgt[k]
            strength[ant2[k]] += wgt[k]
    amplitude = np.sqrt(level / total) if total > 0 else 1.0
    centre = np.argmax(strength)
    gain[:] = amplitude
    for k in range(len(vis)):
        i, j = ant1[k], ant2[k]
        if (i == centre or j == centre) and wgt[k] > 0 and abs(vis[k]) > 0:
            if j == centre:
                gain[i] = amplitude * vis[k] / abs(vis[k])
            else:
                gain[j] = amplitude * np.conj(vis[k]) / abs(vis[k])


@kernel
def residual_power(ant1: Any, ant2: Any, vis: Any, wgt: Any, gain: Any) -> float:
    """Sum of ``w |r_ij - g_i conj(g_j)|^2``."""
    total = 0.0
    for k in range(len(vis)):
        left = vis[k] - gain[ant1[k]] * np.conj(gain[ant2[k]])
        total += wgt[k] * (left.real**2 + left.imag**2)
    return total


@kernel
def solve_gains(
    ant1: Any,
    ant2: Any,
    vis: Any,
    wgt: Any,
    tolerance: float,
    most: int,
    gain: Any,
    information: Any,
    chi2: Any,
    done: Any,
) -> None:
    """Solve many independent sets of gains at once.

    `vis` (set, n) complex128, `wgt` (set, n) float64, `gain` (set, ant) complex128 and `information` (set, ant) float64,
    `chi2` (set,) float64 and `done` (set,) bool are set. The rest is as for `solve_gain`.
    """
    for k in range(vis.shape[0]):
        first_guess(ant1, ant2, vis[k], wgt[k], gain[k])
        done[k] = solve_gain(ant1, ant2, vis[k], wgt[k], tolerance, most, gain[k], information[k])
        chi2[k] = residual_power(ant1, ant2, vis[k], wgt[k], gain[k])
