"""mstransform: the history was lost with spw and chanaverage."""

from __future__ import annotations

from collections.abc import Callable

from casatasks import flagcmd, flagdata, mstransform
from casatools import table


def messages(vis: str) -> list[str]:
    tb = table()
    tb.open(f"{vis}/HISTORY")
    found = [str(m) for m in tb.getcol("MESSAGE")] if tb.nrows() else []
    tb.done()
    return found


def test_history_is_kept_and_added_to(shared_input: Callable[[str], str]) -> None:
    vis = shared_input("simvla.ms")
    flagdata(vis, mode="manual", scan="1", antenna="EA01", flagbackup=False)
    before = messages(vis)
    assert before[0] == "taskname=flagdata" and 'antenna     = "EA01"' in before
    mstransform(vis, "o.ms", datacolumn="data", spw="1", chanaverage=True, chanbin=2)
    after = messages("o.ms")
    assert after[: len(before)] == before
    assert after[len(before)] == "taskname=mstransform" and "chanbin     = 2" in after[len(before) :]


def test_what_only_looks_leaves_no_history(shared_input: Callable[[str], str]) -> None:
    vis = shared_input("simvla.ms")
    flagdata(vis, mode="summary")
    flagdata(vis, mode="manual", scan="1", action="calculate")
    flagcmd(vis, inpmode="list", inpfile=["scan='1'"], action="list")
    assert not messages(vis)
    flagcmd(vis, inpmode="list", inpfile=["scan='1'"], action="apply", flagbackup=False)
    assert messages(vis)[0] == "taskname=flagcmd"
