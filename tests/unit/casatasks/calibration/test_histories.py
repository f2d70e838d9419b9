"""Tasks that change a MeasurementSet leave their call in its HISTORY, parameters in the order of the signature."""

from __future__ import annotations

from collections.abc import Callable

from casatasks import conjugatevis, defintent, fixvis, ft
from casatools import componentlist, table


def history(path: str) -> list[tuple[str, str]]:
    tb = table()
    tb.open(f"{path}/HISTORY")
    rows = list(zip(tb.getcol("ORIGIN"), tb.getcol("MESSAGE"), strict=True))
    tb.done()
    return [(str(o), str(m)) for o, m in rows]


def test_histories(shared_input: Callable[[str], str]) -> None:
    vis = shared_input("simvla.ms")
    tool = componentlist()
    tool.addcomponent(flux=[2.0, 0, 0, 0], dir="J2000 13h31m08s 30d30m32s", shape="point", freq="1.5GHz")
    tool.rename("one.cl")
    tool.done()
    ft(complist="one.cl", usescratch=True, vis=vis)
    found = [m for o, m in history(vis) if o == "ft"]
    assert found[0] == "taskname=ft" and found[2].startswith("vis ") and found[3].startswith("field ")
    defintent(vis, intent="CALIBRATE_PHASE#ON_SOURCE", mode="set", field="0")
    defintent(vis, intent="CALIBRATE_PHASE#ON_SOURCE", mode="set", field="0", outputvis="copy.ms")
    fixvis(vis, phasecenter="J2000 13h31m09s 30d30m33s", field="0")
    conjugatevis(vis)
    origins = [o for o, _ in history(vis)]
    assert "defintent" in origins and "fixvis" in origins
    assert [o for o, _ in history("copy.ms")].count("defintent") == 2 * origins.count("defintent")
    assert "conjugatevis" in [o for o, _ in history(f"conjugated_{vis.split('/')[-1]}")] or "conjugatevis" in [
        o for o, _ in history(vis.replace("simvla.ms", "conjugated_simvla.ms"))
    ]
