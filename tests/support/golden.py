"""Compares the numbers of a reduction with those of the reference, key by key, each with the tolerance it is held to.

``python tests/support/golden.py RESULT.json GOLDEN.json`` prints every difference and exits 1 when there are any.
"""

from __future__ import annotations

import fnmatch
import json
import math
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Rule:
    """How numbers at the paths of a pattern are compared.

    Attributes
    ----------
    pattern : str
        A glob over the path of keys joined by dots.
    relative, absolute : float
        Allowed difference: ``relative * scale + absolute``; the scale is the larger of the value and, among statistics, what the
        spread of the data makes of it.
    angle : bool
        Degrees, compared on the circle.
    ignored : bool
    """

    pattern: str
    relative: float = 0.0
    absolute: float = 0.0
    angle: bool = False
    ignored: bool = False


# The first that matches counts. Tolerances are those of the main job's specification; where it names none, numbers are metadata and exact.
RULES: tuple[Rule, ...] = (
    # Where in an image of noise the extremes lie follows from the last digits.
    Rule("*.minpos*", ignored=True), Rule("*residual_imstat.maxpos*", ignored=True), Rule("cont_model_imstat.m*pos*", ignored=True),
    Rule("cube_model_imstat.m*pos*", ignored=True), Rule("mom1_imstat.m*pos*", ignored=True),
    # The reference's goodness of fit is that of the last spectrum of each integration, here an autocorrelation flagged throughout.
    Rule("uvcontsub.goodness_of_fit.*.chi_squared.*", ignored=True),
    # Solutions: amplitudes within 0.2 per cent, phases within 0.3 deg; signal to noise is an estimate of an estimate.
    Rule("?cal.per_antenna.*.amp", relative=2e-3), Rule("?cal.per_antenna.*.phase_deg", absolute=0.3, angle=True),
    Rule("?cal.amp_*", relative=2e-3), Rule("?cal.snr_median", relative=0.02),
    # The flux scale.
    Rule("fluxscale.*.numSol", relative=0.0), Rule("fluxscale.*Err", relative=0.05, absolute=1e-3), Rule("fluxscale.*.spidx*", relative=0.01, absolute=1e-6),
    Rule("fluxscale.*", relative=2e-3), Rule("setjy_*.[0-9]*", relative=2e-3), Rule("setjy_*", relative=2e-3),
    # Visibilities after calibration.
    Rule("visstat_corrected_*", relative=1e-3), Rule("split_visstat.*", relative=1e-3), Rule("uvcontsub_visstat.*", relative=1e-3),
    Rule("applycal_weight_sum", relative=1e-3), Rule("corrected_sum_unflagged*", relative=1e-3), Rule("split.weight_sum", relative=1e-3),
    Rule("split.sigma_sum", relative=1e-3), Rule("uvcontsub.*", relative=1e-2, absolute=1e-4),
    # Images: peak, rms and beam within one per cent, integrated flux and moments within two.
    Rule("*_beam.shape*"), Rule("*_beam.*", relative=0.01), Rule("*tclean.iterdone", relative=0.1), Rule("*tclean.nmajordone", absolute=1),
    Rule("*tclean.*", relative=0.01), Rule("mom?_imstat.npts", relative=0.02), Rule("mom?_imstat.*", relative=0.02),
    Rule("*imstat*.npts"), Rule("*imstat*.blc"), Rule("*imstat*.trc"), Rule("*imstat*.maxpos"), Rule("*imstat*.min", relative=0.03), Rule("*imstat*.flux", relative=0.02),
    Rule("*imstat*.sum*", relative=0.02), Rule("*model_imstat*", relative=0.02), Rule("*imstat*", relative=0.01), Rule("*sumwt", relative=0.01),
    Rule("fits_*.header.BPA", absolute=0.5), Rule("fits_mom0.header.B*", relative=0.01), Rule("fits_*.header.B[MP]*", relative=0.01), Rule("fits_mom0.*", relative=0.02),
    Rule("fits_*.sum", relative=0.02), Rule("fits_*.max", relative=0.01),
    # Floating sums over columns are exact but for the order of addition.
    Rule("*", relative=1e-9),
)  # fmt: skip


def rule_for(path: str) -> Rule:
    """The rule that holds for a path."""
    return next(r for r in RULES if fnmatch.fnmatchcase(path, r.pattern))


def _spread_scale(key: str, neighbours: dict[str, Any]) -> float:
    """What the spread of the data makes of a statistic: the rms for means and quantiles, that of a random walk for sums."""

    def first(name: str) -> float:
        value = neighbours.get(name)
        value = value[0] if isinstance(value, list) and value else value
        return float(value) if isinstance(value, (int, float)) else 0.0

    if {"re", "im"} <= set(neighbours):
        return math.hypot(first("re"), first("im"))
    rms, count = first("rms"), first("npts")
    if key == "variance":
        return rms**2
    if key in ("sum", "flux"):
        walk = rms * math.sqrt(count)
        total = first("sum")
        return walk * (abs(first("flux") / total) if key == "flux" and total else 1.0)
    quantiles = (
        "mean",
        "median",
        "firstquartile",
        "thirdquartile",
        "q1",
        "q3",
        "quartile",
        "medabsdevmed",
        "min",
        "max",
        "stddev",
        "sigma",
        "rms",
    )
    return rms if key in quantiles else 0.0


def _number(text: Any) -> float | None:
    if isinstance(text, bool) or not isinstance(text, (int, float, str)):
        return None
    try:
        return float(text)
    except ValueError:
        return None


def differences(
    ours: Any, reference: Any, path: str = "", neighbours: dict[str, Any] | None = None, least_scale: float = 0.0
) -> Iterator[str]:
    """A sentence for every place where `ours` is not the reference within its rule."""
    rule = rule_for(path) if path else Rule("")
    if rule.ignored:
        return
    if isinstance(reference, dict):
        if not isinstance(ours, dict):
            yield f"{path}: is {ours!r}, not a record"
            return
        for key in reference:
            below = f"{path}.{key}" if path else str(key)
            if key not in ours:
                if not rule_for(below).ignored:
                    yield f"{below}: missing"
            else:
                yield from differences(ours[key], reference[key], below, reference)
        for key in sorted(set(ours) - set(reference)):
            yield f"{path}.{key}: not in the reference"
    elif isinstance(reference, list):
        if not isinstance(ours, list) or len(ours) != len(reference):
            yield f"{path}: {ours!r:.60} has another length than {reference!r:.60}"
            return
        # Statistics by channel share the largest value as their scale: channels without line hold noise.
        largest = max((abs(float(v)) for v in reference), default=0.0) if "_perchan." in path else 0.0
        for k, (mine, theirs) in enumerate(zip(ours, reference, strict=True)):
            yield from (f.replace(f"{path}:", f"{path}[{k}]:", 1) for f in differences(mine, theirs, path, neighbours, largest))
    else:
        yield from _compare_leaf(
            ours, reference, path, rule, max(least_scale, _spread_scale(path.rpartition(".")[2], neighbours or {}))
        )


def _compare_leaf(ours: Any, reference: Any, path: str, rule: Rule, least_scale: float) -> Iterator[str]:
    mine, theirs = _number(ours), _number(reference)
    if mine is None or theirs is None or not math.isfinite(theirs):
        if ours != reference:
            yield f"{path}: {ours!r} instead of {reference!r}"
        return
    off = mine - theirs
    if rule.angle:
        off = math.remainder(off, 360.0)
    scale = max(abs(theirs), least_scale)
    if not abs(off) <= rule.relative * scale + rule.absolute:
        share = f" ({100 * off / scale:+.3g} %)" if scale and not rule.angle else ""
        yield f"{path}: {mine:.8g} instead of {theirs:.8g}{share}"


def compare_files(result: str, golden: str) -> list[str]:
    """Every difference between two files written by the golden script, failed steps first."""
    with open(result, encoding="utf-8") as a, open(golden, encoding="utf-8") as b:
        ours, reference = json.load(a), json.load(b)
    failed = [f"step {name} failed: {text}" for name, text in ours["errors"].items()]
    return failed + list(differences(ours["results"], reference["results"]))


if __name__ == "__main__":
    found = compare_files(sys.argv[1], sys.argv[2])
    sys.stdout.write("".join(f"{line}\n" for line in found) + f"{len(found)} differences\n")
    sys.exit(1 if found else 0)
