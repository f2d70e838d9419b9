"""Random calls of quanta, measures, table and msmetadata beside the reference (needs CASA_ORACLE): values, types, shapes and orders."""

from __future__ import annotations

import json
import random
import sys
from collections.abc import Callable

import numpy as np
import pytest

from support.metadata_random import random_call
from support.shared import oracle_python, run_python

# Run by an interpreter of ours or of the reference: the file of calls, the file of results.
SCRIPT = """
import json, sys
import numpy as np
from casatools import functional, measures, msmetadata, quanta, table


def plain(value):
    if isinstance(value, dict):
        return {str(k): plain(v) for k, v in value.items()}
    if isinstance(value, np.ndarray):
        parts = [value.real, value.imag] if value.dtype.kind == "c" else [value]
        kind = value.dtype.kind if value.dtype.kind == "U" else value.dtype.str
        return {"kind": kind, "shape": list(value.shape), "values": [p.ravel().tolist() for p in parts]}
    if isinstance(value, (list, tuple)):
        return {type(value).__name__: [plain(v) for v in value]}
    return value.item() if isinstance(value, np.generic) else value


calls, path = json.load(open(sys.argv[1]))
qa, me, m, t = quanta(), measures(), msmetadata(), table()
me.doframe(me.epoch("UTC", "2012/07/01/12:30:15"))
me.doframe(me.observatory("VLA"))
me.doframe(me.direction("J2000", "13h31m08.3s", "30d30m33s"))
m.open(path)
t.open(path)
names = {"scans": [int(s) for s in m.scannumbers()], "fields": list(m.fieldnames()), "spws": list(m.namesforspws()), "names": list(m.antennanames()),
         "intents": list(m.intents()), "times": m.timesforfield(int(m.fieldsforname()[0])).tolist()}
tools = {"qa": qa, "me": me, "m": m, "t": t, "np": np, "fn": functional(), **names}
out = []
for call in calls:
    try:
        out.append(plain(eval(call, tools)))
    except Exception as error:
        out.append({"error": type(error).__name__})
json.dump(out, open(sys.argv[2], "w"))
"""
_FRAMES = ["J2000", "B1950", "GALACTIC", "APP", "AZEL", "HADEC", "ECLIPTIC", "SUPERGAL", "ICRS", "ITRF", "JMEAN"]
_UNITS = [["m", "km", "AU", "in"], ["rad", "deg", "arcsec"], ["Hz", "GHz"], ["s", "h", "d"], ["Jy", "mJy"], ["km/s", "m/s"]]


def _direction(r: random.Random) -> str:
    return f"me.direction({r.choice(_FRAMES)!r}, '{r.uniform(-180, 180):.4f}deg', '{r.uniform(-85, 85):.4f}deg')"


def _quanta(r: random.Random) -> str:
    units = r.choice(_UNITS)
    one, two = (f"'{r.uniform(-50, 50):.3f}{r.choice(units)}'" for _ in range(2))
    value = f"'{r.uniform(-400, 400):.5f}deg'"
    forms = r.sample(["time", "clean", "no_d", "no_dm", "dig2", "no_h"], r.choice([1, 2]))
    return r.choice([
        f"qa.{r.choice(['add', 'sub', 'mul', 'div', 'lt', 'ge', 'compare'])}({one}, {two})", f"qa.convert({one}, {r.choice(units)!r})",
        f"qa.angle({value}, prec={r.choice([5, 6, 7, 9])}, form={forms!r})", f"qa.time({value}, prec={r.choice([5, 6, 7, 9])}, form={forms!r})",
        f"qa.time('{r.uniform(4e4, 6e4):.6f}d', prec=9, form={r.choice(['ymd', 'dmy', 'fits', 'boost', 'day'])!r})",
        f"qa.formxxx({value}, {r.choice(['dms', 'hms', 'deg', '+deg', 'rad'])!r}, {r.choice([1, 2, 4])})", f"qa.canonical({one})", f"qa.quantity('{r.randrange(24)}h{r.randrange(60)}m{r.uniform(0, 59):.3f}s')",
    ])  # fmt: skip


def _measures(r: random.Random) -> str:
    frequency = f"me.frequency({r.choice(['LSRK', 'BARY', 'TOPO', 'GEO'])!r}, '{r.uniform(1, 300):.4f}GHz')"
    epoch = f"me.epoch('UTC', '{r.uniform(42000, 58000):.5f}d')"
    return r.choice([
        f"me.measure({_direction(r)}, {r.choice(_FRAMES)!r})", f"me.{r.choice(['separation', 'posangle'])}({_direction(r)}, {_direction(r)})",
        f"me.measure({frequency}, {r.choice(['LSRK', 'BARY', 'TOPO', 'CMB'])!r})", f"me.measure({epoch}, {r.choice(['TAI', 'TDB', 'UT1', 'LAST'])!r})",
        f"me.dirshow({r.choice([frequency, epoch, _direction(r)])})", f"me.touvw(me.baseline('ITRF', '{r.uniform(-900, 900):.2f}m', '20m', '-3m'))",
        f"me.expand(me.uvw('ITRF', '{r.uniform(-900, 900):.2f}m', '20m', '-3m'))", f"me.shift({_direction(r)}, '1deg', '{r.uniform(-180, 180):.2f}deg')",
        f"me.rise(me.direction('J2000', '{r.uniform(0, 360):.2f}deg', '{r.uniform(-60, 60):.2f}deg'), '5deg')",
    ])  # fmt: skip


def _table(r: random.Random) -> str:
    column = r.choice(["TIME", "ANTENNA1", "DATA", "FLAG", "WEIGHT", "UVW", "FLAG_ROW", "SCAN_NUMBER", "SIGMA"])
    start = r.randrange(2000)
    return r.choice([
        f"t.getcol({column!r}, {start}, {r.choice([1, 3])}, {r.choice([1, 2])})", f"t.getcell({column!r}, {start})",
        f"t.getvarcol({column!r}, {start}, 2)", f"t.getcolslice('DATA', [0, 1], [1, 3], [1, {r.choice([1, 2])}], {start}, 3)",
        f"t.query('ANTENNA1=={r.randrange(8)} && SCAN_NUMBER<{r.randrange(2, 6)}').nrows()", f"t.statistics({column!r}, 'amp')" if column in ("UVW", "TIME") else "t.nrows()",
    ])  # fmt: skip


def _metadata(r: random.Random) -> str:
    which = r.choice([0, 0, -1, 5])
    return r.choice([
        f"m.scansforfield({r.randrange(3)}, obsid={which})", f"m.statesforscan({r.randrange(1, 7)}, arrayid={which})", f"m.spwsforscan({r.randrange(1, 7)})",
        f"m.scansfortimes(m.timesforscan({r.randrange(1, 7)})[0], 1.0, obsid={which})", "m.baselines()", f"m.fieldsforscan({r.randrange(1, 7)}, True)",
        f"m.timesforscan({r.randrange(1, 7)})", f"m.antennasforscan({r.randrange(1, 9)})", f"m.chanfreqs({r.randrange(3)}, 'GHz')",
    ])  # fmt: skip


def _more_quanta(r: random.Random) -> str:
    """The rest of quanta's methods."""
    units = r.choice(_UNITS)
    one = r.choice(
        [
            f"'{r.uniform(-50, 50):.3f}{r.choice(units)}'",
            f"{{'value': np.array([{r.uniform(0, 9):.3f}, 2.5]), 'unit': {r.choice(units)!r}}}",
        ]
    )
    angle = r.choice(
        [
            f"'{r.randrange(24)}h{r.randrange(60)}m{r.uniform(0, 59):.3f}s'",
            f"'{r.uniform(-400, 400):.4f}deg'",
            f"'{r.randrange(-89, 90)}.{r.randrange(60):02d}.{r.uniform(0, 59):05.2f}'",
        ]
    )
    date = r.choice(
        [
            f"'{r.randrange(1975, 2020)}/{r.randrange(1, 13):02d}/{r.randrange(1, 29):02d}/{r.randrange(24):02d}:{r.randrange(60):02d}'",
            f"'{r.uniform(41000, 60000):.6f}d'",
        ]
    )
    return r.choice([
        f"qa.{r.choice(['abs', 'ceil', 'floor', 'neg', 'canonical', 'getunit', 'getvalue', 'isangle', 'isquantity', 'quantity', 'unit'])}({r.choice([one, angle])})",
        f"qa.{r.choice(['sin', 'cos', 'tan', 'toangle', 'totime', 'isangle'])}({angle})", f"qa.{r.choice(['acos', 'asin', 'atan'])}({r.uniform(-1, 1):.3f})",
        f"qa.norm({angle}, {r.choice([-0.5, 0, 0.25])})", f"qa.pow('{r.uniform(0, 9):.3f}{r.choice(units)}', {r.choice([1, 2, 3, -1, 0])})", f"qa.splitdate({date})", f"qa.totime({date})",
        f"qa.check({r.choice(['m', 'km/s', 'foo', 'Jy.beam-1', 'mumHz', '', 'GHz2', 'pixel', 'K.km/s', 'EHz', 'daPa', 'm(', 'arcsec2', 'lm', '_2', 'Ah'])!r})",
        f"qa.checkfreq('{r.uniform(1, 9):.3f}{r.choice(['m', 'Hz', 's', 'eV', 'J', 'm-1', 'rad/s', 'Jy'])}')", f"qa.constants({r.choice(['pi', 'c', 'G', 'h', 'HI', 'NA', 'e', 'mp', 'mu0', 'k', 'me', 'a0', 'R0'])!r})",
        f"qa.convertfreq('{r.uniform(1, 9):.3f}{r.choice(['m', 'GHz', 's', 'eV', 'J', 'm-1'])}', {r.choice(['Hz', 'GHz', 'm', 'cm', 's', 'eV', 'm-1'])!r})", f"qa.convertdop('{r.uniform(0, 0.9):.3f}', {r.choice(['km/s', 'm/s'])!r})",
        f"qa.tos({one}, {r.choice([9, 3, 5, 15])})", f"qa.{r.choice(['log', 'log10', 'exp', 'sqrt'])}('{r.uniform(0.1, 9):.3f}')", f"qa.getformat({r.choice(['prec', 'long', 'dtime', 'vel'])!r})",
        f"qa.{r.choice(['eq', 'ne', 'lt', 'le', 'gt', 'ge', 'compare', 'add', 'sub', 'atan2'])}({angle}, {angle})", f"qa.sub({date}, {date})",
    ])  # fmt: skip


def _functions(r: random.Random) -> str:
    made = r.choice([
        f"fn.gaussian1d({r.uniform(-3, 3):.2f}, {r.uniform(-3, 3):.2f}, {r.uniform(0.1, 5):.2f})", f"fn.gaussian2d(2.0, [1.0, -1.0], [{r.uniform(3, 5):.2f}, {r.uniform(0.1, 2):.2f}], {r.choice(['20deg', '1rad', '-30deg'])!r})",
        f"fn.polynomial([{r.uniform(-3, 3):.2f}, {r.uniform(-3, 3):.2f}, 0.5])", f"fn.powerlogpoly([{r.uniform(-2, 2):.3f}, {r.uniform(-2, 2):.3f}, 0.3])",
    ])  # fmt: skip
    return r.choice([f"{made}.f({r.choice(['1.5', '[1.0, 2.0]', '[1.0, 2.0, 3.0, 4.0]', '[0.5]'])})", f"{made}.ndim()"])


FAMILIES = {
    "more quanta": (_more_quanta, 200),
    "functions": (_functions, 40),
    "quanta": (_quanta, 60),
    "measures": (_measures, 60),
    "table": (_table, 40),
    "metadata": (_metadata, 30),
}


def _difference(ours: object, theirs: object, tolerance: float) -> bool:
    """Whether two results differ by more than rounding, in their keys, or in the type or shape of arrays."""
    if isinstance(ours, dict) and isinstance(theirs, dict):
        return set(ours) != set(theirs) or any(_difference(v, theirs[k], tolerance) for k, v in ours.items())
    if isinstance(ours, list) and isinstance(theirs, list):
        return len(ours) != len(theirs) or any(_difference(a, b, tolerance) for a, b in zip(ours, theirs))
    if isinstance(ours, float) and isinstance(theirs, float):
        return not np.isclose(ours, theirs, rtol=tolerance, atol=tolerance, equal_nan=True)
    return ours != theirs


def _both(calls: list[str], path: str) -> list[list[object]]:
    """What our tools and the reference's give for calls."""
    with open("calls.json", "w", encoding="ascii") as file:
        json.dump([calls, path], file)
    found = []
    for number, interpreter in enumerate((sys.executable, oracle_python())):
        run_python(interpreter, SCRIPT, "calls.json", f"{number}.json")
        with open(f"{number}.json", encoding="ascii") as file:
            found.append(json.load(file))
    return found


@pytest.mark.oracle
@pytest.mark.shared
@pytest.mark.parametrize("name", ["simvla.ms", "alma_small.ms", "lofar.ms", "meerkat.ms", "evla_simple.ms", "hera.ms"])
def test_methods_of_msmetadata_with_all_their_parameters(name: str, shared_input: Callable[[str], str]) -> None:
    """What either refuses is left out: CASA raises for some of what we answer (docs/quirks.md)."""
    oracle_python()
    r = random.Random(name)
    calls = list(dict.fromkeys(random_call(r) for _ in range(400)))
    ours, theirs = _both(calls, shared_input(name))
    refused = [any(isinstance(f, dict) and "error" in f for f in pair) for pair in zip(ours, theirs)]
    differ = [(call, a, b) for call, a, b, left in zip(calls, ours, theirs, refused) if not left and _difference(a, b, 1e-8)]
    assert not differ and sum(refused) < 0.6 * len(calls), (differ[:5], sum(refused), len(calls))


@pytest.mark.oracle
@pytest.mark.shared
@pytest.mark.parametrize("family", list(FAMILIES))
def test_calls_give_what_the_reference_gives(family: str, shared_input: Callable[[str], str]) -> None:
    """What either refuses is left out: errors of ours for answers of nothing are in docs/quirks.md."""
    oracle_python()
    make, count = FAMILIES[family]
    r = random.Random(7)
    calls = list(dict.fromkeys(make(r) for _ in range(count)))
    found = _both(calls, shared_input("simvla.ms"))
    differ = [
        (call, ours, theirs)
        for call, ours, theirs in zip(calls, *found)
        if _difference(ours, theirs, 1e-8) and not (isinstance(ours, dict) and "error" in ours)
    ]
    refused = sum(isinstance(f, dict) and "error" in f for f in found[0])
    assert not differ and refused < count / 2, (differ[:5], refused)
