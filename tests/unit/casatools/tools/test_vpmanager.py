"""The vpmanager tool and its tables."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from casatools import table, vpmanager
from casatools._base.errors import DataError, ParameterError, PathMissingError


@pytest.fixture
def vp(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A tool whose list is empty, in an empty folder."""
    monkeypatch.chdir(tmp_path)
    tool = vpmanager()
    tool.reset()
    yield tool
    tool.reset()


def test_defaults_of_known_telescopes(vp: Any) -> None:
    assert [vp.numvps(t) for t in ("VLA", "ALMA", "ATCA", "NOWHERE")] == [1, 1, 1, 0]
    assert vp.getvp("ATCA")["commonpb"] == "ATCA" and vp.getvp("ATCA")["paincrement"] == {"unit": "deg", "value": 10.0}
    with pytest.raises(DataError, match="NOWHERE"):
        vp.getvp("NOWHERE")


def test_choice_by_antenna_type(vp: Any) -> None:
    vp.setpbairy(telescope="ALMA", dishdiam="10.7m", blockagediam="0.75m", maxrad="1.784deg", reffreq="1GHz")
    vp.setpbairy(telescope="ALMA", dishdiam="6m", blockagediam="0.75m", maxrad="1.784deg", reffreq="1GHz")
    assert vp.setuserdefault(0, "ALMA", "DV") and vp.numvps("ALMA") == 2 and vp.getanttypes("ALMA") == ["", "DV"]
    assert vp.getvp("ALMA", "DV")["dishdiam"]["value"] == 10.7 and vp.getvp("ALMA", "CM")["dishdiam"]["value"] == 6.0
    beams = vp.getvps("ALMA", ["DV01", "DV02"])
    assert beams["beamindex"].tolist() == [[0, 0], [0, 0]] and beams["uniquebeam_0"]["dishdiam"]["value"] == 10.7
    beams = vp.getvps("ALMA", ["CM01", "DV01", "CM02"])
    assert beams["beamindex"].tolist() == [[0, 0], [1, 1], [0, 0]]
    assert [beams[f"uniquebeam_{k}"]["dishdiam"]["value"] for k in (0, 1)] == [6.0, 10.7]
    with pytest.raises(ParameterError, match="antennas"):
        vp.getvps("ALMA")
    vp.setuserdefault(-2, "ALMA")
    assert vp.getuserdefault("ALMA") == -2 and vp.numvps("ALMA") == 1


def test_tables_round_trip(vp: Any, capsys: pytest.CaptureFixture[str]) -> None:
    squint = {"type": "direction", "refer": "AZEL", "m0": {"value": 0.01, "unit": "rad"}, "m1": {"value": 0.0, "unit": "rad"}}
    given = [
        vp.setpbairy(telescope="OTHER", othertelescope="MYTEL", squintdir=squint, dosquint=True, paincrement="5deg", usesymmetricbeam=True),
        vp.setpbpoly(telescope="WSRT", coeff=[1, -1e-3, 1e-6]), vp.setcannedpb(telescope="VLA"), vp.setpbimage(telescope="MeerKAT", compleximage="c.im"),
    ]  # fmt: skip
    vp.setuserdefault(-2, "ATCA", "CA01")
    assert vp.saveastable("a.vp") and vp.summarizevps(True) and capsys.readouterr().out == ""
    vp.reset()
    assert vp.numvps("MYTEL") == 0
    vp.setpbgauss(telescope="GMRT")
    assert vp.loadfromtable("a.vp") and vp.getuserdefault("ATCA", "CA01") == -2 and vp.getuserdefault("GMRT") == -1
    for record, telescope in zip(given, ("MYTEL", "WSRT", "VLA", "MeerKAT"), strict=True):
        found = vp.getvp(telescope)
        assert {k: np.array(v).tolist() for k, v in found.items()} == {k: np.array(v).tolist() for k, v in record.items()}
    assert given[0]["squintdir"]["m0"] == {"unit": "rad", "value": 0.01}
    assert vp.saveastable("a.vp"), "a table that is there is replaced"


def test_tables_without_defaults(vp: Any) -> None:
    vp.setpbgauss(telescope="GMRT")
    vp.saveastable("a.vp")
    tb = table()
    tb.open("a.vp", nomodify=False)
    tb.removekeyword("VPLIST_DEFAULTS")
    tb.close()
    vp.reset()
    vp.loadfromtable("a.vp")
    assert vp.getuserdefault("GMRT") == 0
    tb.fromascii("b.tab", _ascii())
    tb.close()
    with pytest.raises(DataError, match="pbdescription"):
        vp.loadfromtable("b.tab")


def _ascii() -> str:
    Path("b.txt").write_text("A\nI\n1\n")
    return "b.txt"


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda v: v.setcannedpb(commonpb="NOPE"), "commonpb"), (lambda v: v.setpbairy(dishdiam="10Hz"), "dishdiam"),
        (lambda v: v.setpbairy(dishdiam="2m", blockagediam="3m"), "blockagediam"), (lambda v: v.setpbgauss(halfwidth="3m"), "halfwidth"),
        (lambda v: v.setpbgauss(halfwidth="-3deg"), "positive"), (lambda v: v.setpbgauss(isthispb="XX"), "isthispb"),
        (lambda v: v.setpbpoly(), "coeff"), (lambda v: v.setpbcospoly(coeff=[1.0], scale=[1.0, 2.0]), "as many"),
        (lambda v: v.setpbnumeric(vect=[1.0]), "vect"), (lambda v: v.setpbimage(), "realimage"), (lambda v: v.saveastable(), "tablename"),
        (lambda v: v.setpbairy(telescope="OTHER"), "othertelescope"), (lambda v: v.setpbairy(telescope=""), "telescope"),
    ],
)  # fmt: skip
def test_refused(vp: Any, call: Callable[[Any], Any], words: str) -> None:
    with pytest.raises(ParameterError, match=words):
        call(vp)
    assert vp.numvps("VLA") == 1 and vp.getuserdefault("VLA") == -1, "nothing is defined by a call that is refused"


def test_missing_table(vp: Any) -> None:
    with pytest.raises(PathMissingError, match=r"no\.tab"):
        vp.loadfromtable("no.tab")
