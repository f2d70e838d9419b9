"""Random calls of quanta, measures, table and msmetadata beside the reference (needs CASA_ORACLE): values, types, shapes and orders."""

from __future__ import annotations

import json
import random
import sys
from collections.abc import Callable

import numpy as np
import pytest

from support.shared import oracle_python, run_python

# Run by an interpreter of ours or of the reference: the file of calls, the file of results.
SCRIPT = """
import json, sys
import numpy as np
from casatools import measures, msmetadata, quanta, table


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
tools = {"qa": qa, "me": me, "m": m, "t": t, "np": np}
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


FAMILIES = {"quanta": (_quanta, 60), "measures": (_measures, 60), "table": (_table, 40), "metadata": (_metadata, 30)}


def _difference(ours: object, theirs: object, tolerance: float) -> bool:
    """Whether two results differ by more than rounding, in their keys, or in the type or shape of arrays."""
    if isinstance(ours, dict) and isinstance(theirs, dict):
        return set(ours) != set(theirs) or any(_difference(v, theirs[k], tolerance) for k, v in ours.items())
    if isinstance(ours, list) and isinstance(theirs, list):
        return len(ours) != len(theirs) or any(_difference(a, b, tolerance) for a, b in zip(ours, theirs))
    if isinstance(ours, float) and isinstance(theirs, float):
        return not np.isclose(ours, theirs, rtol=tolerance, atol=tolerance, equal_nan=True)
    return ours != theirs


@pytest.mark.oracle
@pytest.mark.shared
@pytest.mark.parametrize("family", list(FAMILIES))
def test_calls_give_what_the_reference_gives(family: str, shared_input: Callable[[str], str]) -> None:
    """What either refuses is left out: errors of ours for answers of nothing are in docs/quirks.md."""
    python, path = oracle_python(), shared_input("simvla.ms")
    make, count = FAMILIES[family]
    r = random.Random(7)
    calls = list(dict.fromkeys(make(r) for _ in range(count)))
    with open("calls.json", "w", encoding="ascii") as file:
        json.dump([calls, path], file)
    found = []
    for number, interpreter in enumerate((sys.executable, python)):
        run_python(interpreter, SCRIPT, "calls.json", f"{number}.json")
        with open(f"{number}.json", encoding="ascii") as file:
            found.append(json.load(file))
    differ = [
        (call, ours, theirs)
        for call, ours, theirs in zip(calls, *found)
        if _difference(ours, theirs, 1e-8) and not (isinstance(ours, dict) and "error" in ours)
    ]
    refused = sum(isinstance(f, dict) and "error" in f for f in found[0])
    assert not differ and refused < count / 2, (differ[:5], refused)
