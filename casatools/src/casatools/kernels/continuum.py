"""Polynomial fits to spectra of visibilities."""

from __future__ import annotations

import numpy as np

from casatools.kernels._kernel import kernel

__all__ = ["bisquare_weights", "fit_continuum"]


@kernel
def fit_continuum(
    data: np.ndarray,
    weight: np.ndarray,
    flag: np.ndarray,
    fit: np.ndarray,
    x: np.ndarray,
    order: int,
    model: np.ndarray,
    chi2: np.ndarray,
) -> None:
    """Weighted least squares fit of a polynomial to each spectrum, real and imaginary part alike.

    The basis is made orthogonal over the weights of each spectrum by its three-term recurrence (Forsythe 1957), so that high orders
    stay well conditioned. The order falls to one below the number of channels with data; spectra without any get a zero model.

    Parameters
    ----------
    data : ndarray (row, chan, corr) complex64
    weight : ndarray (row, chan or 1, corr) float32
    flag : ndarray (row, chan, corr) bool
    fit : ndarray (chan,) bool
        Channels to fit to.
    x : ndarray (chan,) float64
        Abscissa, best within [-1, 1].
    order : int
    model : ndarray (row, chan, corr) complex64
        Out: the polynomial in every channel.
    chi2 : ndarray (row, corr, 2) float64
        Out: sum of weight times residual squared, of the real and the imaginary part; NaN where nothing was fitted.

    References
    ----------
    Forsythe, "Generation and use of orthogonal polynomials for data-fitting with a digital computer", J. SIAM 5 (1957), 74.
    """
    nrow, nchan, ncorr = data.shape
    one = weight.shape[1] == 1
    w, p, before = np.empty(nchan), np.empty(nchan), np.empty(nchan)
    rest, sum_ = np.empty(nchan, dtype=np.complex128), np.empty(nchan, dtype=np.complex128)
    for row in range(nrow):
        for corr in range(ncorr):
            count = 0
            for k in range(nchan):
                w[k] = np.float64(weight[row, 0 if one else k, corr]) if fit[k] and not flag[row, k, corr] else 0.0
                count += w[k] > 0.0
                p[k], before[k], sum_[k] = 1.0, 0.0, 0.0
                rest[k] = data[row, k, corr]
            last = 1.0
            for degree in range(min(order, count - 1) + 1):
                norm, shift, amount = 0.0, 0.0, 0.0j
                for k in range(nchan):
                    norm += w[k] * p[k] * p[k]
                    shift += w[k] * x[k] * p[k] * p[k]
                    amount += w[k] * p[k] * rest[k]
                amount /= norm
                shift /= norm
                ratio = norm / last if degree > 0 else 0.0
                last = norm
                for k in range(nchan):
                    sum_[k] += amount * p[k]
                    rest[k] -= amount * p[k]
                    p[k], before[k] = (x[k] - shift) * p[k] - ratio * before[k], p[k]
            real, imag = 0.0, 0.0
            for k in range(nchan):
                model[row, k, corr] = sum_[k]
                real += w[k] * rest[k].real ** 2
                imag += w[k] * rest[k].imag ** 2
            chi2[row, corr, 0] = real if count else np.nan
            chi2[row, corr, 1] = imag if count else np.nan


@kernel
def bisquare_weights(
    data: np.ndarray, weight: np.ndarray, flag: np.ndarray, fit: np.ndarray, model: np.ndarray, tuning: float, out: np.ndarray
) -> None:
    """Weights of the next pass of a robust fit: those given times Tukey's bisquare of the residuals, ``(1 - (r / (tuning s))**2)**2``.

    r is the weighted length of the complex residual, sqrt(w) abs(V - m), and s its scale in the spectrum: the median of r over that of the
    Rayleigh distribution with unit sigma, sqrt(2 ln 2). Spectra whose residuals are all the same keep their weights.

    Parameters
    ----------
    data, model : ndarray (row, chan, corr) complex64
    weight : ndarray (row, chan or 1, corr) float32
    flag : ndarray (row, chan, corr) bool
    fit : ndarray (chan,) bool
    tuning : float
        4.685 keeps 95 % of the efficiency on Gaussian noise.
    out : ndarray (row, chan, corr) float32
        Out.

    References
    ----------
    Beaton & Tukey, "The fitting of power series, meaning polynomials, illustrated on band-spectroscopic data", Technometrics 16 (1974), 147;
    Holland & Welsch, "Robust regression using iteratively reweighted least-squares", Commun. Statist. A6 (1977), 813.
    """
    nrow, nchan, ncorr = data.shape
    one = weight.shape[1] == 1
    size, used = np.empty(nchan), np.empty(nchan)
    for row in range(nrow):
        for corr in range(ncorr):
            count = 0
            for k in range(nchan):
                w = weight[row, 0 if one else k, corr]
                out[row, k, corr] = w
                size[k] = np.sqrt(max(np.float64(w), 0.0)) * abs(data[row, k, corr] - model[row, k, corr])
                if fit[k] and not flag[row, k, corr] and w > 0:
                    used[count] = size[k]
                    count += 1
            scale = np.median(used[:count]) / 1.1774100225154747 if count else 0.0
            if scale > 0.0:
                for k in range(nchan):
                    u = size[k] / (tuning * scale)
                    out[row, k, corr] *= (1.0 - u * u) ** 2 if u < 1.0 else 0.0
