"""Statistics as a table, and the page before and after."""

from __future__ import annotations

from pathlib import Path

from casatasks import flagdata
from casatools.flagging.report import flag_table, table_text


def test_table_holds_every_count(copied: str) -> None:
    record = flagdata(copied, mode="summary", spwchan=True)
    rows = flag_table(record)
    assert rows[0][:4] == ("all", "", record["flagged"], record["total"])
    by_label = {(a, b): (f, t) for a, b, f, t, _ in rows}
    counts = record["antenna"]["EA02"]
    assert by_label["antenna", "EA02"] == (counts["flagged"], counts["total"])
    text = table_text(record).splitlines()
    assert text[0] == "axis,label,flagged,total,percent" and len(text) == len(rows) + 1
    assert text[1] == f"all,,{int(record['flagged'])},{int(record['total'])},{100 * record['flagged'] / record['total']:.4f}"


def test_table_of_fields(copied: str) -> None:
    record = flagdata(copied, mode="summary", fieldcnt=True)
    name = next(k for k in record if isinstance(record[k], dict))
    assert (f"{name}:all", "") in {r[:2] for r in flag_table(record)}
    assert flag_table({"x": {"y": {"flagged": 0.0, "total": 0.0}}}) == [("x", "y", 0.0, 0.0, 0.0)]


def test_page_before_and_after(copied: str) -> None:
    before = flagdata(copied, mode="summary")
    assert flagdata(copied, mode="manual", scan="2", display="report", flagbackup=False) == {}
    after = flagdata(copied, mode="summary")
    page = Path(f"{copied}.flags.html").read_text(encoding="utf-8")
    share = [100 * r["flagged"] / r["total"] for r in (before, after)]
    assert f"{share[0]:.2f} % before, {share[1]:.2f} % after" in page
    for axis in ("field", "scan", "spw", "correlation", "antenna", "spw:channel", "time"):
        assert f"<h2>{axis}</h2>" in page
    assert page.count("<svg") == 2 and page.count("<polyline") == 4  # occupancy of frequency and time, before and after
    scan = 100 * before["scan"]["2"]["flagged"] / before["scan"]["2"]["total"]
    assert f"<tr><td>2<td>{scan:.2f} %<td>100.00 %" in page


def test_page_of_a_trial_changes_nothing(copied: str) -> None:
    before = flagdata(copied, mode="summary")
    flagdata(copied, mode="clip", clipminmax=[0.0, 1.0], action="calculate", display="both")
    assert flagdata(copied, mode="summary") == before
    assert Path(f"{copied}.flags.html").exists()
