"""flagcmd: where commands come from, what becomes of them, and what is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from casacore.tables import table

from casatasks import flagcmd, flagdata, flagmanager
from casatools._base.errors import DataError, OutputExistsError, ParameterError, PathMissingError


def flags(path: str) -> np.ndarray:
    with table(path, ack=False) as t:
        return np.asarray(t.getcol("FLAG"))


def stored(path: str) -> list[tuple[str, str, bool]]:
    with table(f"{path}/FLAG_CMD", ack=False) as t:
        return [(t.getcell("COMMAND", k), t.getcell("REASON", k), t.getcell("APPLIED", k)) for k in range(t.nrows())]


@pytest.fixture
def ms(shared_input: Any) -> str:
    return str(shared_input("simvla.ms"))


def write_xml(path: str, antenna: str = "EA02") -> None:
    times = "<startTime>4800000000000000000</startTime><endTime>5200000000000000000</endTime>"
    row = f"<row><flagId>Flag_0</flagId>{times}<reason>SLEW</reason><numAntenna>1</numAntenna><antennaId>1 1 Antenna_0</antennaId></row>"
    Path(path, "Flag.xml").write_text(f"<FlagTable>{row}</FlagTable>")
    Path(path, "Antenna.xml").write_text(f"<T><row><antennaId>Antenna_0</antennaId><name>{antenna}</name></row></T>")


def test_a_list_kept_applied_and_taken_back(ms: str) -> None:
    before = flags(ms)
    flagcmd(ms, inpmode="list", inpfile=["scan='1' mode='manual' reason='a b'", "antenna='EA07'"], action="list", savepars=True)
    assert stored(ms) == [("scan='1' mode='manual'", "a b", False), ("antenna='EA07'", "", False)]
    record = flagcmd(ms, action="extract")
    assert record[0]["command"] == "scan=1 mode=manual " and record[0]["mode"] == "manual" and record[1]["antenna"] == "EA07"
    flagcmd(ms, action="apply", reason="a b")
    assert [s[2] for s in stored(ms)] == [True, False] and flags(ms).sum() > before.sum()
    assert list(flagcmd(ms, action="extract")) == [1]
    flagcmd(ms, action="unapply", tablerows=[0])
    assert not stored(ms)[0][2]
    assert flagmanager(ms)[0]["name"] == "flagcmd_1"
    flagcmd(ms, action="clear", rowlist=[0])
    assert [s[0] for s in stored(ms)] == ["antenna='EA07'"]
    flagcmd(ms, action="clear", clearall=True)
    assert stored(ms) == []


def test_flags_of_the_online_system(ms: str) -> None:
    write_xml(ms)
    flagcmd(ms, inpmode="xml", action="list", savepars=True, outfile="cmd.txt", tbuff=1.0)
    assert Path("cmd.txt").read_text().startswith("antenna='EA02&&*' timerange='2010/12/25/13:19:59.000~")
    assert flagcmd(ms, inpmode="xml", action="extract", ants="EA01") == {}
    assert flagcmd(ms, inpmode="xml", action="extract", reason="SLEW")[0]["mode"] == "online"
    flagcmd(ms, inpmode="xml", action="apply")
    assert flagdata(ms, mode="summary", antenna="EA02")["flagged"] == flagdata(ms, mode="summary", antenna="EA02")["total"]
    write_xml(ms, "EA99")  # none of its flags touches the data: told, no error
    flagcmd(ms, inpmode="xml", action="apply")


def test_plots(ms: str) -> None:
    commands = ["antenna='EA01' reason='x'"]
    assert flagcmd(ms, inpmode="list", inpfile=commands, action="plot", plotfile="p.png") == {"plotfiles": ["p.png"]}
    assert flagcmd(ms, inpmode="list", inpfile=commands, action="plot") == {"plotfiles": [f"{ms}.flagcmd.png"]}
    assert Path("p.png").exists() and Path(f"{ms}.flagcmd.png").exists()


@pytest.mark.parametrize(
    ("given", "error"),
    [
        ({"tbuff": 1.0}, ParameterError),
        ({"inpmode": "list", "inpfile": ["scan='1'"], "action": "unapply"}, ParameterError),
        ({"inpmode": "list", "inpfile": ["scan='1'"], "plotfile": "x.png"}, ParameterError),
        ({"action": "clear"}, ParameterError),
        ({"action": "apply"}, DataError),
        ({"action": "list", "tablerows": [7]}, ParameterError),
        ({"inpmode": "xml"}, PathMissingError),
        ({"inpmode": "list", "inpfile": ["mode='clip' clipminmax=[0.0,1.0]"], "savepars": True, "outfile": "there", "overwrite": False}, OutputExistsError),
        ({"inpmode": "list", "inpfile": ["scan='99'"]}, DataError),
    ],
)  # fmt: skip
def test_refusals_change_nothing(ms: str, given: dict[str, Any], error: type[Exception]) -> None:
    Path("there").write_text("")
    before = flags(ms)
    with pytest.raises((error, RuntimeError) if error is DataError else error):
        flagcmd(ms, **given)
    np.testing.assert_array_equal(flags(ms), before)
    with pytest.raises(ParameterError):
        flagcmd("")


def test_thresholds_are_saved_with_the_command(ms: str) -> None:
    flagdata(ms, mode="rflag", action="calculate", savepars=True, outfile="r.txt", flagbackup=False)
    assert "timedev=[[0.0, 0.0, " in Path("r.txt").read_text()
    flagdata(ms, mode="list", inpfile="r.txt", flagbackup=False, savepars=True, cmdreason="why")
    assert stored(ms)[0][1:] == ("why", True)
    flagdata(ms, mode="summary", savepars=True)
    assert len(stored(ms)) == 1
