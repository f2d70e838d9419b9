"""Finding the roles of fields."""

from __future__ import annotations

import pytest

from casatasks.spectral_line.roles import Roles, find_roles
from casatools._base.errors import ParameterError

NAMES = ["1331+30500002_0", "1445+09900002_0", "N5921_2"]
CODES, SCANS, ROWS = ["C", "A", ""], [1, 3, 2], [4509, 5000, 13000]


def test_roles_are_found() -> None:
    assert find_roles(NAMES, CODES, SCANS, ROWS) == Roles(0, 1, 2)


def test_roles_that_are_given_count() -> None:
    assert find_roles(NAMES, CODES, SCANS, ROWS, flux="1", gain="0", target="N5921_2") == Roles(1, 0, 2)


def test_flux_calibrator_serves_as_gain_calibrator() -> None:
    assert find_roles(["3C286", "T"], ["", ""], [1, 4], [10, 10]) == Roles(0, 0, 1)


@pytest.mark.parametrize(
    ("names", "given", "words"),
    [
        (["A", "B"], {}, "no field is a known flux calibrator"),
        (NAMES, {"gain": "nobody"}, "the gain calibrator 'nobody' is not a field"),
        (["3C286"], {}, "no field is left to be the target"),
    ],
)
def test_what_cannot_be_found_is_told(names: list[str], given: dict[str, str], words: str) -> None:
    count = len(names)
    with pytest.raises(ParameterError, match=words):
        find_roles(names, [""] * count, [1] * count, [1] * count, **given)
