"""Statistics after a time average, against CASA 6.7's own figures, plain numpy and the average that is written."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from casatools._base.errors import ParameterError
from casatools.information.averaged_statistics import TimeAveraging, averaged_statistics
from casatools.information.visibility_statistics import Selection, VisibilityStatisticsOptions, visibility_statistics
from casatools.io.ms import MeasurementSet
from casatools.transform.pipeline import TimeAverage, TransformOptions, transform

OPTIONS = VisibilityStatisticsOptions()


@pytest.mark.shared
def test_bins_and_values_equal_the_reference(shared_input: Callable[[str], str]) -> None:
    path = shared_input("ngc_small.ms")
    found = visibility_statistics(path, Selection(), OPTIONS, TimeAveraging("60s"))
    # visstat(axis="amp", timeaverage=True, timebin="60s") of CASA 6.7
    one = found["DATA_DESC_ID=0,SCAN_NUMBER=2,STATE_ID=-1,TIME=4304482034.998856"]
    assert one["npts"] == 47628 and one["max"] == pytest.approx(73.65635681152344, rel=1e-6)
    assert one["mean"] == pytest.approx(4.431647184576453, rel=1e-7)
    long = visibility_statistics(path, Selection(), OPTIONS, TimeAveraging("1000s", "scan,state"))
    assert list(long) == ["DATA_DESC_ID=0,TIME=4304481524.999771"]
    assert long["DATA_DESC_ID=0,TIME=4304481524.999771"]["npts"] == 142884


@pytest.mark.shared
def test_a_bin_of_no_length_averages_nothing(shared_input: Callable[[str], str]) -> None:
    path = shared_input("ngc_small.ms")
    plain = visibility_statistics(path, Selection(), VisibilityStatisticsOptions(reporting_axes=("integration",)))
    options = VisibilityStatisticsOptions(reporting_axes=("integration",), use_weights=True, quantiles=False)
    found = visibility_statistics(path, Selection(), options, TimeAveraging())
    assert [k.split("TIME=")[1] for k in found] == [k.split("TIME=")[1] for k in plain]
    assert [v["npts"] for v in found.values()] == [v["npts"] for v in plain.values()]
    assert [v["max"] for v in found.values()] == pytest.approx([v["max"] for v in plain.values()], rel=1e-6)


@pytest.mark.shared
@pytest.mark.parametrize("column", ["DATA", "FLAG", "UVRANGE", "WEIGHT", "ANTENNA1", "UVW"])
def test_columns_are_those_of_the_written_average(shared_input: Callable[[str], str], tmp_path: Path, column: str) -> None:
    """Flagged visibilities are left out, which the reference counts after an average."""
    path, output = shared_input("simvla.ms"), str(tmp_path / "averaged.ms")
    transform(path, output, TransformOptions(Selection(spw="1"), "data", time_average=TimeAverage(100.0), reindex=False))
    with MeasurementSet(path) as ms, MeasurementSet(output) as written:
        options = VisibilityStatisticsOptions(column, quantiles=False)
        found = averaged_statistics(ms, Selection(spw="1"), options, TimeAveraging("100s"))
        flag = written.read("FLAG")
        values = written.read({"UVRANGE": "UVW"}.get(column, column))
    values = np.hypot(values[:, 0], values[:, 1]) if column == "UVRANGE" else np.abs(values) if column == "DATA" else values
    good = ~flag if values.shape == flag.shape else np.broadcast_to(~flag.all(axis=(1, 2)), values.T.shape).T
    assert sum(r["npts"] for r in found.values()) == good.sum()
    assert sum(r["sum"] for r in found.values()) == pytest.approx(float(values[good].sum()), rel=1e-6)


@pytest.mark.shared
def test_weights_of_channels_are_summed(shared_input: Callable[[str], str]) -> None:
    path = shared_input("hera.ms")
    weight, sigma = (
        visibility_statistics(path, Selection(), VisibilityStatisticsOptions(c, use_flags=False), TimeAveraging("0s"))
        for c in ("WEIGHT_SPECTRUM", "SIGMA_SPECTRUM")
    )
    key = next(iter(weight))
    assert weight[key]["npts"] == sigma[key]["npts"] > 0
    assert weight[key]["max"] == pytest.approx(sigma[key]["min"] ** -2, rel=1e-5)


def test_bad_requests_are_refused() -> None:
    for bad in ({"timebin": "fast"}, {"timespan": "field"}):
        with pytest.raises(ParameterError):
            averaging = TimeAveraging(**bad)  # type: ignore[arg-type]
            assert averaging.bin_s and averaging.span
    with pytest.raises(ParameterError, match="maxuvwdistance"):
        TimeAveraging("10s", "", -1.0)


@pytest.mark.shared
def test_weights_belong_to_visibilities(shared_input: Callable[[str], str]) -> None:
    options = VisibilityStatisticsOptions("UVRANGE", use_weights=True)
    with pytest.raises(ParameterError, match="useweights"):
        visibility_statistics(shared_input("ngc_small.ms"), Selection(), options, TimeAveraging("60s"))


@pytest.mark.shared
def test_bins_cross_only_what_was_said_also_of_alma(shared_input: Callable[[str], str]) -> None:
    """Where an average is written long bins of ALMA's data go across states by themselves; statistics keep what `timespan` says, as CASA 6.7's."""
    path = shared_input("alma_small.ms")
    options = VisibilityStatisticsOptions(use_flags=False, quantiles=False)
    found = visibility_statistics(path, Selection(field="J*", antenna="DV*"), options, TimeAveraging("60s", "scan"))
    one = found["DATA_DESC_ID=1,STATE_ID=1,TIME=4917926158.848000"]
    assert one["npts"] == 5888 and one["sum"] == pytest.approx(9.545989056776762, rel=1e-6)
    assert one["min"] == pytest.approx(1.4344382179842796e-06, rel=1e-5)
