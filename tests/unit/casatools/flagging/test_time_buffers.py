"""Time ranges of commands widened by tbuff."""

from __future__ import annotations

import numpy as np
import pytest
from casacore.tables import table

from casatasks import flagdata
from casatools._base.errors import ParameterError
from casatools.flagging.commands import make_command
from casatools.flagging.time_buffers import widen_command, widen_times
from casatools.frames.epochs import format_epoch


def test_ends_move_outwards() -> None:
    given = "2012/04/01/10:00:00~2012/04/01/10:05:00.5,2012/04/01/23:59:59"
    expected = "2012/04/01/09:59:58.000~2012/04/01/10:05:02.500,2012/04/01/23:59:57.000~2012/04/02/00:00:01.000"
    assert widen_times(given, 2.0) == expected
    command = make_command({"mode": "manual", "scan": "1"})
    assert widen_command(command, 5.0) is command


@pytest.mark.parametrize("given", ["10:00:00~11:00:00", "2012/04/01/10:00:00~10:05:00", ">2012/04/01/10:00:00~1~2"])
def test_what_has_no_dates_is_refused(given: str) -> None:
    with pytest.raises(ParameterError, match="tbuff"):
        widen_times(given, 1.0)


def test_neighbours_are_flagged_too(copied: str) -> None:
    t = table(copied, readonly=False, ack=False)
    time_s = t.getcol("TIME")
    t.putcol("FLAG", np.zeros_like(t.getcol("FLAG")))
    t.close()
    moment = np.unique(time_s)[2]
    line = f"mode='manual' timerange='{format_epoch(moment - 1)}~{format_epoch(moment + 1)}'"
    flagdata(copied, mode="list", inpfile=[line], tbuff=31.0, flagbackup=False)
    t = table(copied, ack=False)
    flagged = t.getcol("FLAG").all(axis=(1, 2))
    t.close()
    np.testing.assert_array_equal(flagged, np.abs(time_s - moment) < 35)
    with pytest.raises(ParameterError, match="tbuff"):
        flagdata(copied, mode="manual", tbuff=1.0)
