"""Which caltype takes which parameters; what each writes is tested beside its own module."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import casatasks
from casatools._base.errors import ParameterError
from casatools.calibration.generate_table import CALTYPES, TableRequest, generate_table
from casatools.io.caltable import CalTable
from support.shared import unpack


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"caltype": "nonsense"}, "caltype"), ({"caltype": "amp", "infile": "a"}, "infile"), ({"caltype": "tsys", "pol": "R"}, "pol"),
        ({"caltype": "swpow", "parameter": (1.0,)}, "parameter"), ({"caltype": "antpos", "ant_pos_time_limit": -1}, "ant_pos_time_limit"),
        ({"caltype": "eff", "infile": "a"}, "infile"), ({"caltype": "antpos", "antenna": "a", "infile": "a", "parameter": (1.0,) * 3}, "not both"),
        ({"caltype": "antpos", "antenna": "EA01"}, "parameter"), ({"caltype": "antpos", "antenna": "EA01", "infile": "a"}, "antenna"),
    ],
)  # fmt: skip
def test_parameters_that_do_not_fit(values: dict[str, object], message: str) -> None:
    with pytest.raises(ParameterError, match=message):
        TableRequest(**values)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("values", "names"),
    [
        ({"caltype": "opac", "parameter": (0.1,), "pol": "R"}, "'pol'"), ({"caltype": "gceff", "parameter": (2.0,), "spw": "0"}, "'spw', 'parameter'"),
        ({"caltype": "antpos", "parameter": (0.1,) * 3, "antenna": "EA02", "spw": "0", "pol": "L"}, "'spw', 'pol'"), ({"caltype": "amp", "parameter": (2.0,), "pol": "R"}, ""),
    ],
)  # fmt: skip
def test_parameters_without_use_are_told(tmp_path: Path, values: dict[str, object], names: str) -> None:
    """CASA passes over them: what is written is of all."""
    vis = str(unpack("simvla.ms", tmp_path))
    found = []
    for name, given in (("all", values), ("bare", {k: v for k, v in values.items() if f"'{k}'" not in names})):
        generate_table(vis, str(tmp_path / name), TableRequest(**given))  # type: ignore[arg-type]
        found.append(CalTable.open(str(tmp_path / name)).param)
    np.testing.assert_array_equal(*found)
    assert told(tmp_path).count(f"does not take {names}; its values are of the whole") == (
        1 if names else told(tmp_path).count("does not take")
    )


def told(folder: Path) -> str:
    path = folder / "casa.log"
    return path.read_text() if path.exists() else ""


def test_every_caltype_of_the_interface_is_known() -> None:
    assert set(CALTYPES) == set(casatasks.gencal.__declaration__.parameters[2].kind.values) - {""}


def test_dispatch(tmp_path: Path) -> None:
    vis = str(unpack("evla_simple.ms", tmp_path))
    for caltype, kind in (("rq", "G EVLASWPOW"), ("opac", "TOpac")):
        generate_table(vis, str(tmp_path / caltype), TableRequest(caltype, parameter=(0.1,) if caltype == "opac" else ()))
        assert CalTable.open(str(tmp_path / caltype)).vis_cal == kind
    alma = str(unpack("alma_small.ms", tmp_path))
    generate_table(alma, str(tmp_path / "tsys"), TableRequest("tsys"))
    assert CalTable.open(str(tmp_path / "tsys")).vis_cal == "B TSYS"
