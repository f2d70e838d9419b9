"""What is fitted to a profile: singlets, multiplets, a polynomial, with estimates, and what is held or tied."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from casatools._base.errors import ParameterError, PathMissingError
from casatools.analysis.profile_models import Gaussian, Line, Lorentzian, Model, Polynomial

__all__ = ["Estimate", "LineRequest", "Multiplet", "make_request", "read_profile_estimates"]

_LETTERS = "pcf"


@dataclass(frozen=True)
class Estimate:
    """Amplitude, centre and full width [pixel] of a line, and the letters p, c, f of what is held."""

    amplitude: float
    centre: float
    fwhm: float
    fixed: str = ""


@dataclass(frozen=True)
class Multiplet:
    """Gaussians whose amplitudes, centres or widths are tied to those of the first.

    Attributes
    ----------
    estimates : tuple of Estimate
    amplitude_ratios, centre_offsets, width_ratios : tuple of float
        For all but the first, nan for what is free; offsets in pixels.
    """

    estimates: tuple[Estimate, ...]
    amplitude_ratios: tuple[float, ...]
    centre_offsets: tuple[float, ...]
    width_ratios: tuple[float, ...]


@dataclass(frozen=True)
class LineRequest:
    """What is fitted to each profile.

    Attributes
    ----------
    kinds : tuple of str
        "gaussian" or "lorentzian" for each singlet.
    estimates : tuple of Estimate
        Of the singlets; empty to find them in the data.
    multiplets : tuple of Multiplet
    order : int
        Of the polynomial; negative for none.
    """

    kinds: tuple[str, ...] = ("gaussian",)
    estimates: tuple[Estimate, ...] = ()
    multiplets: tuple[Multiplet, ...] = ()
    order: int = -1

    def __post_init__(self) -> None:
        if not self.kinds and not self.multiplets and self.order < 0:
            raise ParameterError(
                "there is nothing to fit: ask for Gaussians (ngauss), other lines (pfunc) or a polynomial (poly)"
            )

    def model(self, npoint: int) -> Model:
        """The components in CASA's order: Gaussians, multiplets, Lorentzians, polynomial."""
        lines: list[Line] = [Gaussian() for _ in range(self.ngaussian + self.nmultiplet_lines)]
        lines += [Lorentzian() for k in self.kinds if k == "lorentzian"]
        if self.order >= 0:
            lines.append(Polynomial(self.order, float(max(npoint - 1, 1))))
        return Model(lines)

    def ordered(self) -> list[Estimate]:
        """Estimates of the singlets, Gaussians first."""
        pairs = list(zip(self.kinds, self.estimates, strict=True))
        return [e for k, e in pairs if k == "gaussian"] + [e for k, e in pairs if k == "lorentzian"]

    @property
    def ngaussian(self) -> int:
        return self.kinds.count("gaussian")

    @property
    def nmultiplet_lines(self) -> int:
        return sum(len(m.estimates) for m in self.multiplets)

    def freedom(self, size: int) -> np.ndarray:
        """The matrix of `solve_profiles`: columns for free parameters, rows of tied ones filled in."""
        matrix = np.eye(size)
        drop: set[int] = set()

        def hold(estimate: Estimate, at: int) -> None:
            drop.update(at + k for k, letter in enumerate(_LETTERS) if letter in estimate.fixed)

        ordered = self.ordered() if self.estimates else []
        for k, estimate in enumerate(ordered[: self.ngaussian]):
            hold(estimate, 3 * k)
        at = 3 * self.ngaussian
        for multiplet in self.multiplets:
            first = at
            ties = zip(multiplet.amplitude_ratios, multiplet.centre_offsets, multiplet.width_ratios, strict=True)
            hold(multiplet.estimates[0], first)
            for estimate, tied in zip(multiplet.estimates[1:], ties, strict=True):
                at += 3
                for k, value in enumerate(tied):
                    if np.isnan(value):
                        continue
                    matrix[at + k] = 0.0
                    matrix[at + k, first + k] = 1.0 if k == 1 else value
                    drop.add(at + k)
                hold(estimate, at)
            at += 3
        for k, estimate in enumerate(ordered[self.ngaussian :]):
            hold(estimate, at + 3 * k)
        return matrix[:, [k for k in range(size) if k not in drop]]

    def start(self, size: int, singlets: Sequence[Estimate], level: float) -> np.ndarray:
        """Estimates as one row of parameters; tied ones follow from what they are tied to."""
        row = np.zeros(size)
        gaussians, others = list(singlets[: self.ngaussian]), list(singlets[self.ngaussian :])
        lines: list[Estimate] = [*gaussians]
        for multiplet in self.multiplets:
            first = multiplet.estimates[0]
            lines.append(first)
            ties = zip(multiplet.amplitude_ratios, multiplet.centre_offsets, multiplet.width_ratios, strict=True)
            for estimate, (ratio, offset, width) in zip(multiplet.estimates[1:], ties, strict=True):
                lines.append(
                    Estimate(
                        estimate.amplitude if np.isnan(ratio) else ratio * first.amplitude,
                        estimate.centre if np.isnan(offset) else offset + first.centre,
                        estimate.fwhm if np.isnan(width) else width * first.fwhm,
                    )
                )
        lines += others
        for k, line in enumerate(lines):
            row[3 * k : 3 * k + 3] = line.amplitude, line.centre, line.fwhm
        if self.order >= 0:
            row[3 * len(lines)] = level
        return row


def read_profile_estimates(path: str) -> tuple[Estimate, ...]:
    """Read a file of lines ``amplitude, centre [pixel], fwhm [pixel][, fixed]``.

    Raises
    ------
    PathMissingError, ParameterError
        There is no such file, or a line cannot be read.
    """
    if not os.path.isfile(path):
        raise PathMissingError(f"the file of estimates {path!r} does not exist")
    with open(path, encoding="utf-8") as stream:
        lines = [line.strip() for line in stream]
    made = []
    for line in lines:
        if not line or line.startswith("#"):
            continue
        words = [w.strip() for w in line.split(",")]
        try:
            if len(words) not in (3, 4):
                raise ValueError
            amplitude, centre, fwhm = (float(w) for w in words[:3])
            made.append(Estimate(amplitude, centre, fwhm, _fixed(words[3] if len(words) == 4 else "")))
        except ValueError as error:
            if isinstance(error, ParameterError):
                raise
            raise ParameterError(f"the estimate {line!r} cannot be read; write amplitude, centre, fwhm[, fixed]") from None
    if not made:
        raise ParameterError(f"the file of estimates {path!r} holds no estimate")
    return tuple(made)


def _fixed(text: str) -> str:
    letters = text.strip().lower()
    if set(letters) - set(_LETTERS):
        raise ParameterError(f"{text!r} cannot be held fixed; letters are p (amplitude), c (centre) and f (width)")
    return letters


def _texts(value: Any, count: int, name: str) -> list[str]:
    items = [value] if isinstance(value, str) else [str(v) for v in np.ravel(value)] if value is not None else []
    items = items if any(items) else []
    if items and len(items) != count:
        raise ParameterError(f"parameter {name!r} must have {count} items, one for each line; got {len(items)}")
    return [_fixed(i) for i in items] or [""] * count


def _numbers(value: Any, name: str) -> list[float]:
    if value is None or (isinstance(value, str) and not value.strip()):
        return []
    try:
        return [float(v) for v in np.ravel(value)]
    except (TypeError, ValueError):
        raise ParameterError(f"parameter {name!r} must be numbers; got {value!r}") from None


def make_request(parameters: dict[str, Any]) -> LineRequest:
    """Read CASA's parameters of profile fits.

    Parameters
    ----------
    parameters : dict
        ``ngauss poly estimates pfunc pampest pcenterest pfwhmest pfix gmncomps gmampcon gmcentercon gmfwhmcon gmampest gmcenterest
        gmfwhmest gmfix``.

    Raises
    ------
    ParameterError, PathMissingError
        They contradict each other, cannot be read, or the file of estimates is missing.
    """
    multiplets = _multiplets(parameters)
    order = int(parameters["poly"])
    if parameters["estimates"]:
        estimates = read_profile_estimates(parameters["estimates"])
        return LineRequest(("gaussian",) * len(estimates), estimates, multiplets, order)
    amplitudes = _numbers(parameters["pampest"], "pampest")
    centres, widths = _numbers(parameters["pcenterest"], "pcenterest"), _numbers(parameters["pfwhmest"], "pfwhmest")
    given = parameters["pfunc"]
    functions = [given] if isinstance(given, str) else [str(v) for v in np.ravel(given)] if given is not None else []
    functions = [f for f in functions if f]
    if not (amplitudes or centres or widths):
        if functions:
            raise ParameterError("parameter 'pfunc' needs estimates: give pampest, pcenterest and pfwhmest as well")
        count = int(parameters["ngauss"])
        if count < 0:
            raise ParameterError(f"parameter 'ngauss' must not be negative; got {count}")
        if multiplets and count == 1:
            count = 0
        return LineRequest(("gaussian",) * count, (), multiplets, order)
    if not len(amplitudes) == len(centres) == len(widths):
        raise ParameterError(
            "parameters 'pampest', 'pcenterest' and 'pfwhmest' must have as many items each; "
            f"got {len(amplitudes)}, {len(centres)} and {len(widths)}"
        )
    kinds = tuple(_kind(f) for f in functions) or ("gaussian",) * len(amplitudes)
    if len(kinds) != len(amplitudes):
        raise ParameterError(f"parameter 'pfunc' must have {len(amplitudes)} items, one for each estimate; got {len(kinds)}")
    fixed = _texts(parameters["pfix"], len(amplitudes), "pfix")
    made = tuple(Estimate(*four) for four in zip(amplitudes, centres, widths, fixed, strict=True))
    return LineRequest(kinds, made, multiplets, order)


def _kind(text: str) -> str:
    for name in ("gaussian", "lorentzian"):
        if text and name.startswith(text.strip().lower()):
            return name
    raise ParameterError(f"parameter 'pfunc' must hold 'gaussian' or 'lorentzian'; got {text!r}")


def _multiplets(parameters: dict[str, Any]) -> tuple[Multiplet, ...]:
    counts = [int(v) for v in _numbers(parameters["gmncomps"], "gmncomps") if v]
    if not counts:
        return ()
    if min(counts) < 2:
        raise ParameterError(f"parameter 'gmncomps' must be two lines or more for each multiplet; got {counts}")
    total, tied = sum(counts), sum(counts) - len(counts)
    numbers = [_numbers(parameters[n], n) for n in ("gmampest", "gmcenterest", "gmfwhmest")]
    for name, found in zip(("gmampest", "gmcenterest", "gmfwhmest"), numbers, strict=True):
        if len(found) != total:
            raise ParameterError(
                f"parameter {name!r} must have {total} items, one for each line of the multiplets; got {len(found)}"
            )
    ties = []
    for name in ("gmampcon", "gmcentercon", "gmfwhmcon"):
        found = _numbers(parameters[name], name)
        if found and len(found) != tied:
            raise ParameterError(
                f"parameter {name!r} must have {tied} items, one for each line after the first; got {len(found)}"
            )
        # A ratio of 0 means nothing, so it stands for a free one; an offset of 0 is a real one.
        free = name != "gmcentercon"
        ties.append([np.nan if free and not v else v for v in found] or [np.nan] * tied)
    fixed = _texts(parameters["gmfix"], total, "gmfix")
    made, line, tie = [], 0, 0
    for count in counts:
        estimates = tuple(Estimate(numbers[0][k], numbers[1][k], numbers[2][k], fixed[k]) for k in range(line, line + count))
        own = [tuple(t[tie : tie + count - 1]) for t in ties]
        made.append(Multiplet(estimates, *own))
        line, tie = line + count, tie + count - 1
    return tuple(made)
