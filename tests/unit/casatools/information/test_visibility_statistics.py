"""Statistics against plain numpy and against CASA 6.7's own figures."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from casatools._base.errors import DataError, ParameterError, UnsupportedError
from casatools.information.visibility_statistics import Selection, VisibilityStatisticsOptions, visibility_statistics
from casatools.io.ms import MeasurementSet


@pytest.mark.shared
def test_amplitudes_equal_the_reference(shared_input: Callable[[str], str]) -> None:
    found = visibility_statistics(shared_input("simvla.ms"), Selection(), VisibilityStatisticsOptions())["DATA_DESC_ID=0"]
    # visstat(axis="amp") of CASA 6.7
    expected = {
        "firstquartile": 0.15266536176204681, "max": 26.801712036132812, "maxDatasetIndex": 4, "maxIndex": 771, "mean": 1.9904694261046492,
        "medabsdevmed": 0.6540592350065708, "median": 0.7589463889598846, "min": 0.0008484404534101486, "minDatasetIndex": 24,
        "minIndex": 794, "npts": 31536.0, "rms": 4.30329112957308, "stddev": 3.8153384650572963, "sumsq": 583993.5675183153,
        "thirdquartile": 1.9412637948989868,
    }  # fmt: skip
    assert {k: found[k] for k in expected} == pytest.approx(expected, rel=1e-7)


@pytest.mark.shared
@pytest.mark.parametrize("part", ["real", "imag", "phase", "amp"])
def test_weighted_sums_equal_numpy(shared_input: Callable[[str], str], part: str) -> None:
    path = shared_input("simvla.ms")
    options = VisibilityStatisticsOptions(complex_value=part, use_weights=True, reporting_axes=("field",), quantiles=False)
    found = visibility_statistics(path, Selection(spw="1"), options)["FIELD_ID=1"]
    with MeasurementSet(path) as ms:
        rows = Selection(spw="1", field="1").resolve(ms).rows
        data, flags, weights = (ms.read(c, rows) for c in ("DATA", "FLAG", "WEIGHT"))
        good = ~flags & ~ms.read("FLAG_ROW", rows)[:, None, None] & (weights > 0)[:, None, :]
    values = {"real": data.real, "imag": data.imag, "phase": np.angle(data), "amp": np.abs(data)}[part][good].astype(float)
    wide = np.broadcast_to(weights[:, None, :], good.shape)[good].astype(float)
    assert found["npts"] == good.sum() and found["sumOfWeights"] == pytest.approx(wide.sum())
    assert found["mean"] == pytest.approx(np.average(values, weights=wide), rel=1e-6, abs=1e-12)
    assert (found["min"], found["max"]) == (values.min(), values.max())


@pytest.mark.shared
def test_axes_are_reported_in_the_order_asked(shared_input: Callable[[str], str]) -> None:
    options = VisibilityStatisticsOptions(reporting_axes=("scan", "field", "array"), quantiles=False, use_weights=True)
    found = visibility_statistics(shared_input("simvla.ms"), Selection(), options)
    assert list(found)[:2] == ["SCAN_NUMBER=1,FIELD_ID=0,ARRAY_ID=0", "SCAN_NUMBER=2,FIELD_ID=1,ARRAY_ID=0"]
    assert found["SCAN_NUMBER=1,FIELD_ID=0,ARRAY_ID=0"]["variance"] == pytest.approx(47.40629814855146, rel=1e-7)  # CASA 6.7


@pytest.mark.shared
def test_all_flagged_gives_no_points(shared_input: Callable[[str], str]) -> None:
    found = visibility_statistics(shared_input("meerkat.ms"), Selection(), VisibilityStatisticsOptions())
    assert found["DATA_DESC_ID=0"]["npts"] == 0 and np.isnan(found["DATA_DESC_ID=0"]["mean"])


@pytest.mark.shared
def test_bad_requests_are_refused(shared_input: Callable[[str], str]) -> None:
    with pytest.raises(ParameterError, match="amplitude"):
        VisibilityStatisticsOptions(complex_value="x")
    with pytest.raises(ParameterError, match="ddid"):
        VisibilityStatisticsOptions(reporting_axes=("foo",))
    with pytest.raises(ParameterError, match="no statistics"):
        VisibilityStatisticsOptions(column="NOPE")
    path = shared_input("simvla.ms")
    with pytest.raises(DataError, match="CORRECTED_DATA"):
        visibility_statistics(path, Selection(), VisibilityStatisticsOptions(column="corrected"))
    with pytest.raises(UnsupportedError, match="weights"):
        visibility_statistics(path, Selection(), VisibilityStatisticsOptions(column="TIME", use_weights=True))
