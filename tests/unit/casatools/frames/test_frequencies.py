"""Velocities and frequencies against a rest frequency."""

from __future__ import annotations

import numpy as np
import pytest

from casatools._base.errors import ParameterError
from casatools.frames.frequencies import frequency_to_velocity, velocity_to_frequency

REST = 1.42e9


@pytest.mark.parametrize("kind", ["RADIO", "OPTICAL", "Z", "BETA", "TRUE", "RATIO", "opt"])
def test_there_and_back(kind: str) -> None:
    given = np.array([1.3e9, 1.4e9, 1.5e9])
    np.testing.assert_allclose(velocity_to_frequency(frequency_to_velocity(given, REST, kind), REST, kind), given, rtol=1e-12)


@pytest.mark.parametrize("function", [frequency_to_velocity, velocity_to_frequency])
def test_refused(function: object) -> None:
    assert callable(function)
    with pytest.raises(ParameterError, match="rest frequency must be positive; got 0"):
        function(1.0e9, 0.0)
    with pytest.raises(ParameterError, match="doppler type 'PARALLAX' is unknown; allowed are RADIO"):
        function(1.0e9, REST, "PARALLAX")
