"""Which caltype takes which parameters; what each writes is tested beside its own module."""

from __future__ import annotations

from pathlib import Path

import pytest

from casatools._base.errors import ParameterError
from casatools.calibration.generate_table import CALTYPES, TableRequest, generate_table
from casatools.io.caltable import CalTable
from support.shared import unpack


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"caltype": "nonsense"}, "caltype"), ({"caltype": "amp", "infile": "a"}, "infile"), ({"caltype": "tsys", "pol": "R"}, "pol"),
        ({"caltype": "swpow", "parameter": (1.0,)}, "parameter"), ({"caltype": "antpos", "ant_pos_time_limit": -1}, "ant_pos_time_limit"),
        ({"caltype": "antpos", "antenna": "EA01"}, "parameter"), ({"caltype": "antpos", "antenna": "EA01", "infile": "a"}, "antenna"),
    ],
)  # fmt: skip
def test_parameters_that_do_not_fit(values: dict[str, object], message: str) -> None:
    with pytest.raises(ParameterError, match=message):
        TableRequest(**values)  # type: ignore[arg-type]


def test_what_is_not_done() -> None:
    assert "amp" in CALTYPES


def test_dispatch(tmp_path: Path) -> None:
    vis = str(unpack("evla_simple.ms", tmp_path))
    for caltype, kind in (("rq", "G EVLASWPOW"), ("opac", "TOpac")):
        generate_table(vis, str(tmp_path / caltype), TableRequest(caltype, parameter=(0.1,) if caltype == "opac" else ()))
        assert CalTable.open(str(tmp_path / caltype)).vis_cal == kind
    alma = str(unpack("alma_small.ms", tmp_path))
    generate_table(alma, str(tmp_path / "tsys"), TableRequest("tsys"))
    assert CalTable.open(str(tmp_path / "tsys")).vis_cal == "B TSYS"
