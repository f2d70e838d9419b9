"""Products of blocks against those of the whole matrix."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from casatools.kernels.linked_blocks import linked_product


@pytest.mark.parametrize("function", [linked_product, linked_product.py_func])
@pytest.mark.parametrize("shared", [0, 2])
def test_products_are_those_of_the_whole_matrix(function: Any, shared: int) -> None:
    rng, nant = np.random.default_rng(1), 5
    ant1, ant2 = np.triu_indices(nant, 1)
    own, link = rng.normal(size=(nant, 4, 4)), rng.normal(size=(len(ant1), 4, 4))
    own += own.transpose(0, 2, 1)
    border, corner = rng.normal(size=(shared, 4 * nant)), rng.normal(size=(shared, shared))
    corner += corner.T
    whole = np.zeros((4 * nant + shared, 4 * nant + shared))
    for i in range(nant):
        whole[4 * i : 4 * i + 4, 4 * i : 4 * i + 4] = own[i]
    for b, (i, j) in enumerate(zip(ant1, ant2, strict=True)):
        whole[4 * i : 4 * i + 4, 4 * j : 4 * j + 4] = link[b]
        whole[4 * j : 4 * j + 4, 4 * i : 4 * i + 4] = link[b].T
    whole[4 * nant :, : 4 * nant], whole[: 4 * nant, 4 * nant :], whole[4 * nant :, 4 * nant :] = border, border.T, corner
    x, out = rng.normal(size=len(whole)), np.full(len(whole), np.nan)
    function(ant1, ant2, own, link, border, corner, x, out)
    np.testing.assert_allclose(out, whole @ x, atol=1e-12)
