"""What the numbers on axes of plots stand for: names of antennas, fields, correlations, intents; baselines and times."""

from __future__ import annotations

import os

import numpy as np

from casatools.frames.epochs import format_epoch
from casatools.io.caltable import CalTable
from casatools.io.ms import MeasurementSet
from casatools.io.ms.metadata import correlation_names

__all__ = ["AxisLabels", "receptor_names"]

# Arrays with linear feeds, for tables that neither say what their feeds are nor lie beside their data.
_LINEAR = ("ALMA", "ACA", "ASKAP", "ATCA", "HERA", "LOFAR", "MEERKAT", "MWA", "SMA", "WSRT")


def receptor_names(path: str, table: CalTable) -> tuple[str, str]:
    """Names of both receptors of a calibration table: most tables do not say, but the data they were made from, or the name of the array, do."""
    from casatools.plotting.bandpass_sky import find_vis

    kind = table.pol_basis.lower()[:1]
    if kind in ("l", "c"):
        return ("X", "Y") if kind == "l" else ("R", "L")
    vis = find_vis(path, table, "")
    if vis:
        with MeasurementSet(vis) as ms:
            feeds = {name.upper() for feed in ms.metadata.feeds for name in feed.polarization_type}
        if feeds:
            return ("X", "Y") if feeds & {"X", "Y"} else ("R", "L")
    arrays = table.subtables["OBSERVATION"].columns.get("TELESCOPE_NAME", ()) if "OBSERVATION" in table.subtables else ()
    return ("X", "Y") if any(str(name).upper().startswith(_LINEAR) for name in arrays) else ("R", "L")


class AxisLabels:
    """Names in a MeasurementSet or a calibration table."""

    def __init__(self, path: str, source: MeasurementSet | CalTable) -> None:
        self.data_name = os.path.basename(path.rstrip("/"))
        self._receptors = receptor_names(path, source) if isinstance(source, CalTable) else ()
        self._names: dict[str, tuple[str, ...]] = {}
        if isinstance(source, CalTable):
            antennas, fields = source.antenna_names, source.field_names
        else:
            antennas = tuple(a.name for a in source.metadata.antennas)
            fields = tuple(f.name for f in source.metadata.fields)
            self._names["intent"] = tuple(s.obs_mode for s in source.metadata.states)
        self._names.update(dict.fromkeys(("antenna1", "antenna2", "ant"), antennas))
        self._names["field"] = fields

    def named(self, axis: str) -> bool:
        """Whether the values of an axis have names."""
        return axis in self._names or axis in ("corr", "baseline")

    def name(self, axis: str, value: float) -> str:
        """What a value of an axis is called; its number where it has no name."""
        number = round(value)
        if axis == "time":
            return format_epoch(value, "ymd", 0)
        if not self.named(axis) or abs(number - value) > 1e-6:  # means over antennas are no antenna
            return f"{value:g}"
        if axis == "baseline":
            return " & ".join(self.name("antenna1", n) for n in divmod(number, 1000))
        if axis == "corr":
            return (
                correlation_names([number])[0] if not self._receptors else self._receptors[number] if number < 2 else str(number)
            )
        names = self._names[axis]
        return names[number] if 0 <= number < len(names) and names[number] else str(number)

    def span(self, axis: str, values: np.ndarray) -> str:
        """An axis and its first and last value, for the name of a file, such as ``Scan1-4`` or ``Antenna1@ea01``."""
        ends = [self.name(axis, float(v)) for v in ([values[0]] if len(values) == 1 else [values[0], values[-1]])]
        text = f"{axis.capitalize()}{'@' if self.named(axis) else ''}{'-'.join(ends)}"
        return "".join("_" if c in "/ :" else c for c in text)
