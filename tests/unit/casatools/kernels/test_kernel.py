"""Compiling kernels where no cache can be written."""

from __future__ import annotations

from typing import Any

import numba
import pytest

from casatools.kernels._kernel import kernel, reordering_kernel


@pytest.mark.parametrize("make", [kernel, reordering_kernel])
def test_without_a_place_for_the_cache(make: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[bool] = []

    def njit(cache: bool = False, **options: Any) -> Any:
        asked.append(cache)
        if cache:
            raise RuntimeError("cannot cache function: no locator available")
        return lambda function: function

    monkeypatch.setattr(numba, "njit", njit)
    assert make(abs) is abs and asked == [True, False]
