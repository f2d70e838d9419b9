"""The name that scripts import plotms from."""

from __future__ import annotations

import casaplotms
import casatasks


def test_plotms_is_the_task() -> None:
    from casaplotms import plotms

    assert plotms is casatasks.plotms
    assert casaplotms.__all__ == ["plotms"]
