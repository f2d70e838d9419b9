"""Axes with a reference: copies with parts replaced are of the same kind and leave the given axes alone."""

from __future__ import annotations

import numpy as np
import pytest

from casatools._base.errors import ParameterError
from casatools.io.image.coordinates.direction import DirectionCoordinate
from casatools.io.image.coordinates.linear import LinearCoordinate
from casatools.io.image.coordinates.referenced import ReferencedAxes
from casatools.io.image.coordinates.tabular import TabularCoordinate

_AXES = [
    LinearCoordinate.make(["a", "b"], ["deg", "deg"], [1.0, 2.0], [3.0, 4.0], [0.1, 0.2]),
    TabularCoordinate.make("a", "deg", 1.0, 3.0, 0.1),
    TabularCoordinate.from_table([0.0, 1.0, 4.0], [1.0, 2.0, 7.0], "deg", "a"),
    DirectionCoordinate.make("J2000", "SIN", (1.0, 2.0), (3.0, 4.0), (-0.1, 0.1), ("deg", "deg")),
]
_KINDS = [type(axes).__name__ for axes in _AXES]


@pytest.mark.parametrize("axes", _AXES, ids=_KINDS)
def test_units_change_numbers_and_not_the_sky(axes: ReferencedAxes) -> None:
    changed = axes.with_units(["arcsec"] * len(axes.names))
    assert type(changed) is type(axes) and changed.units == ("arcsec",) * len(axes.names)
    np.testing.assert_allclose(changed.reference_value, 3600.0 * axes.reference_value, rtol=1e-14)
    np.testing.assert_allclose(changed.increment, 3600.0 * axes.increment, rtol=1e-14)
    assert axes.units == ("deg",) * len(axes.names)
    with pytest.raises(ParameterError, match="Hz"):
        axes.with_units(["Hz"] * len(axes.names))


@pytest.mark.parametrize("axes", _AXES, ids=_KINDS)
def test_references_are_replaced_one_by_one(axes: ReferencedAxes) -> None:
    pixel = np.full(len(axes.names), 7.0)
    changed = axes.with_reference(pixel=pixel)
    np.testing.assert_array_equal(changed.reference_pixel, pixel)
    np.testing.assert_array_equal(changed.reference_value, axes.reference_value)
    assert changed.with_names(["x"] * len(axes.names)).names == ("x",) * len(axes.names)


@pytest.mark.parametrize("axes", [_AXES[0], _AXES[1], _AXES[3]], ids=[_KINDS[k] for k in (0, 1, 3)])
def test_pixels_of_a_part_are_at_the_same_world_values(axes: LinearCoordinate | TabularCoordinate | DirectionCoordinate) -> None:
    naxes = len(axes.names)
    part = axes.moved([2.0] * naxes, [3.0] * naxes)
    k = np.arange(5.0) * np.ones((naxes, 1))
    np.testing.assert_allclose(part.to_world(k), axes.to_world(2.0 + 3.0 * k), rtol=1e-13)


def test_pixels_apart_of_skies() -> None:
    """The same pixels are nothing apart, also where corners are beyond the sphere; far places are infinitely far from a plane that does not reach them."""
    wide = DirectionCoordinate.make("J2000", "SIN", (10.0, 20.0), (50.0, 50.0), (-1.5, 1.5), ("deg", "deg"))
    assert wide.pixels_apart(wide, (101, 101)) < 1e-9
    shifted = wide.with_reference(pixel=np.array([50.0, 52.0]))
    assert wide.pixels_apart(shifted, (101, 101)) == pytest.approx(2.0, rel=1e-3)
    assert wide.pixels_apart(wide.with_reference(value=np.array([190.0, -20.0])), (101, 101)) == np.inf
