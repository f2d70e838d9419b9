"""Work that needs more memory than there is, is refused in one sentence."""

from __future__ import annotations

import pytest

from casatools._base.errors import ParameterError
from casatools._base.memory import require_memory


def test_more_memory_than_there_is() -> None:
    require_memory(1e3, "a small image")
    with pytest.raises(
        ParameterError, match=r"an image of 10\^9 pixels a side needs 4000000000\.0 GB of memory; .* are available"
    ):
        require_memory(4e18, "an image of 10^9 pixels a side")
