"""Spectral windows, polarizations and data descriptions."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import numpy as np

from casatools._base import kinds
from casatools._base.constants import SPEED_OF_LIGHT_M_S
from casatools._base.declare import method
from casatools._base.errors import DataError, ParameterError
from casatools.frames.quantities import to_unit
from casatools.information.spectral_classes import receiver_band, spws_of_class, subwindow
from casatools.tools.msmetadata._base import Ids, MsMetadataBase, OneSpw, Unit, integers, quantity

_C_KM_S = 299792.458
_Flag = Annotated[bool, kinds.Bool(), "Include this class of windows"]
_Pol = Annotated[int, kinds.Int(), "Polarization ID"]
_Names = Annotated[Any, kinds.Variant((kinds.TextList(),)), "Names of spectral windows; nothing is all"]
_Ddid = Annotated[int, kinds.Int(), "Data description ID; negative is all"]
_AsVelocity = Annotated[bool, kinds.Bool(), "Give velocity widths"]


class SpectralMethods(MsMetadataBase):
    """Spectral windows, polarizations and data descriptions."""

    def _class(self, wanted: set[str], complement: bool = False) -> np.ndarray:
        found = spws_of_class(self._meta, wanted)
        return integers(w.id for w in self._meta.spectral_windows if (w.id in found) != complement)

    @method
    def almaspws(
        self,
        chavg: _Flag = False,
        fdm: _Flag = False,
        sqld: _Flag = False,
        tdm: _Flag = False,
        wvr: _Flag = False,
        complement: _Flag = False,
    ) -> np.ndarray:
        """ALMA spectral windows of some classes, or all others with complement."""
        given = {"chavg": chavg, "fdm": fdm, "sqld": sqld, "tdm": tdm, "wvr": wvr}
        return self._class({k for k, v in given.items() if v}, complement)

    @method
    def chanavgspws(self) -> np.ndarray:
        """Windows that hold channel averages."""
        return self._class({"chavg"})

    @method
    def fdmspws(self) -> np.ndarray:
        """Frequency-division windows."""
        return self._class({"fdm"})

    @method
    def tdmspws(self) -> np.ndarray:
        """Time-division windows."""
        return self._class({"tdm"})

    @method
    def wvrspws(self, complement: _Flag = False) -> np.ndarray:
        """Water vapour radiometer windows, or all others."""
        return self._class({"wvr"}, complement)

    @method
    def nspw(self, includewvr: Annotated[bool, kinds.Bool(), "Count water vapour radiometer windows too"] = True) -> int:
        """Number of spectral windows."""
        return len(self._meta.spectral_windows) - (0 if includewvr else len(self._class({"wvr"})))

    @method
    def bandwidths(
        self, spw: Annotated[Any, kinds.Variant((kinds.Int(), kinds.IntList())), "IDs; nothing or a negative one is all"] = -1
    ) -> Any:
        """Total bandwidths in Hz: a number for one window, an array otherwise."""
        windows = self._meta.spectral_windows
        values = [windows[s].total_bandwidth_hz for s in self._all_or(spw, len(windows), "spectral window")]
        return values[0] if isinstance(spw, int) and spw >= 0 else np.array(values)

    @method
    def baseband(self, spw: OneSpw) -> int:
        """Baseband number of a window."""
        return self._basebands()[self._spw(spw)]

    def _basebands(self) -> dict[int, int]:
        numbers = {w.id: w.bbc_no for w in self._meta.spectral_windows}
        if any(n is None for n in numbers.values()):
            raise DataError("msmetadata: the SPECTRAL_WINDOW table has no BBC_NO column, so basebands are not known")
        return {s: int(n) for s, n in numbers.items() if n is not None}

    def _wavelengths_or(self, values_hz: np.ndarray, unit: str, owner: str) -> np.ndarray:
        """Frequencies in a unit of frequency, or the wavelengths in one of length."""
        try:
            metre = float(to_unit({"value": 1.0, "unit": "m"}, unit or "Hz"))
        except (ParameterError, ValueError):
            return self._scaled(values_hz, unit, owner)
        return np.asarray(SPEED_OF_LIGHT_M_S / np.asarray(values_hz) * metre)

    def _scaled(self, values: np.ndarray, unit: str, owner: str) -> np.ndarray:
        try:
            return np.asarray(values) * float(to_unit({"value": 1.0, "unit": "Hz"}, unit or "Hz"))
        except (ParameterError, ValueError):
            raise ParameterError(f"msmetadata.{owner}: parameter 'unit' must be a unit of frequency; got {unit!r}") from None

    def _widths(self, spw: int, values: np.ndarray, unit: str, asvel: bool, owner: str) -> np.ndarray:
        if not asvel:
            return self._scaled(values, unit, owner)
        window = self._meta.spectral_windows[spw]
        velocity = _C_KM_S * np.abs(values) / float(np.mean(window.chan_freq_hz))
        try:
            return velocity * float(to_unit({"value": 1.0, "unit": "km/s"}, unit or "km/s"))
        except (ParameterError, ValueError):
            raise ParameterError(f"msmetadata.{owner}: parameter 'unit' must be a unit of velocity; got {unit!r}") from None

    @method
    def chaneffbws(self, spw: OneSpw, unit: Unit = "", asvel: _AsVelocity = False) -> np.ndarray:
        """Effective bandwidths of the channels of a window."""
        return self._widths(spw, self._meta.spectral_windows[self._spw(spw)].effective_bw_hz, unit, asvel, "chaneffbws")

    @method
    def chanres(self, spw: OneSpw, unit: Unit = "", asvel: _AsVelocity = False) -> np.ndarray:
        """Resolutions of the channels of a window."""
        return self._widths(spw, self._meta.spectral_windows[self._spw(spw)].resolution_hz, unit, asvel, "chanres")

    @method
    def chanfreqs(self, spw: OneSpw, unit: Unit = "Hz") -> np.ndarray:
        """Centre frequencies of the channels of a window; wavelengths in a unit of length."""
        return self._wavelengths_or(self._meta.spectral_windows[self._spw(spw)].chan_freq_hz, unit, "chanfreqs")

    @method
    def chanwidths(self, spw: OneSpw, unit: Unit = "Hz") -> np.ndarray:
        """Widths of the channels of a window."""
        return self._scaled(self._meta.spectral_windows[self._spw(spw)].chan_width_hz, unit, "chanwidths")

    @method
    def meanfreq(self, spw: OneSpw, unit: Unit = "Hz") -> float:
        """Mean frequency of a window."""
        mean = np.mean(self._meta.spectral_windows[self._spw(spw)].chan_freq_hz)
        return float(self._wavelengths_or(mean, unit, "meanfreq"))

    @method
    def reffreq(self, spw: OneSpw = -1) -> dict[str, Any]:
        """Reference frequency of a window as a measure."""
        window = self._meta.spectral_windows[self._spw(spw)]
        return {"type": "frequency", "refer": window.frame, "m0": quantity(window.ref_frequency_hz, "Hz")}

    @method
    def nchan(self, spw: OneSpw) -> int:
        """Number of channels of a window."""
        return self._meta.spectral_windows[self._spw(spw)].nchan

    @method
    def sideband(self, spw: OneSpw) -> int:
        """1 for the upper sideband, -1 otherwise."""
        return 1 if self._meta.spectral_windows[self._spw(spw)].net_sideband == 2 else -1

    @method
    def corrbit(
        self, spw: Annotated[Any, kinds.Variant((kinds.Int(), kinds.IntList())), "IDs; a negative one is all"] = -1
    ) -> Any:
        """Correlator bits of windows as ALMA's column SDM_CORR_BIT has them, UNKNOWN where there is none; a text for one ID, else an array."""
        if spw == []:
            raise ParameterError("msmetadata.corrbit: parameter 'spw' must be an ID or a list of IDs; got []")
        windows = self._meta.spectral_windows
        bits = [windows[s].corr_bit for s in self._all_or(spw, len(windows), "spectral window")]
        return bits[0] if isinstance(spw, int) and spw >= 0 else np.array(bits)

    @method
    def namesforspws(self, spwids: Ids = "") -> list[str]:
        """Names of windows."""
        windows = self._meta.spectral_windows
        if spwids in (-1, [-1]):
            raise self._refuse("spectral window", -1, "IDs are not negative")
        return [windows[s].name for s in self._all_or(spwids, len(windows), "spectral window")]

    @method
    def spwsfornames(self, spwids: _Names = "") -> dict[str, np.ndarray]:
        """Windows of each name."""
        given = [n for n in ([spwids] if isinstance(spwids, str) else spwids) if n]
        windows = self._meta.spectral_windows
        names = given or sorted({w.name for w in windows})
        found = {n: [w.id for w in windows if w.name == n] for n in names}
        return {n: np.asarray(ids, dtype=np.uint64) for n, ids in found.items() if ids}

    @method
    def rxbands(self, spwids: Ids = "") -> np.ndarray:
        """ALMA receiver bands of windows; -1 where they are not known."""
        return self._from_names(spwids, receiver_band)

    @method
    def subwindows(self, spwids: Ids = "") -> np.ndarray:
        """ALMA sub-window numbers of windows; -1 where they are not known."""
        return self._from_names(spwids, subwindow)

    def _from_names(self, spwids: Any, read: Any) -> np.ndarray:
        if spwids in (-1, [-1]):
            raise self._refuse("spectral window", -1, "IDs are not negative")
        windows = self._meta.spectral_windows
        return integers(read(windows[s].name) for s in self._all_or(spwids, len(windows), "spectral window"))

    @method
    def spwsforbaseband(
        self,
        baseband: Annotated[int, kinds.Int(), "Baseband number; negative is all"] = -1,
        sqldmode: Annotated[Literal["include", "exclude", "only"], "What to do with square-law detectors"] = "include",
    ) -> Any:
        """Windows of a baseband, or of each."""
        sqld = set(spws_of_class(self._meta, {"sqld"}))
        windows = [w for w in self._meta.spectral_windows if sqldmode == "include" or (w.id in sqld) == (sqldmode == "only")]
        of_window = self._basebands()
        numbers = {w.id: of_window[w.id] for w in windows}
        if baseband >= 0:
            return integers(s for s, b in numbers.items() if b == baseband)
        return {str(b): integers(s for s, n in numbers.items() if n == b) for b in sorted(set(of_window.values()))}

    def _pol(self, pol: int) -> int:
        return self._in_range("polarization", pol, len(self._meta.polarizations))

    @method
    def corrtypesforpol(self, pol: _Pol = -1) -> np.ndarray:
        """Codes of the correlations of a polarization setup."""
        return np.asarray(self._meta.polarizations[self._pol(pol)].corr_type, dtype=np.int64)

    @method
    def corrprodsforpol(self, pol: _Pol = -1) -> np.ndarray:
        """Receptors of the two antennas for each correlation; shape (2, ncorr)."""
        return np.asarray(self._meta.polarizations[self._pol(pol)].corr_product, dtype=np.int64).T

    @method
    def ncorrforpol(self, polid: Annotated[int, kinds.Int(), "Polarization ID; negative is all"] = -1) -> Any:
        """Number of correlations of a polarization setup, of each when negative."""
        if polid < 0:
            return integers(p.ncorr for p in self._meta.polarizations)
        return self._meta.polarizations[self._pol(polid)].ncorr

    @method
    def datadescids(
        self,
        spw: Annotated[int, kinds.Int(), "Spectral window ID; negative is all"] = -1,
        pol: Annotated[int, kinds.Int(), "Polarization ID; negative is all"] = -1,
    ) -> np.ndarray:
        """Data descriptions of a window and a polarization setup."""
        if spw >= 0:
            self._spw(spw)
        if pol >= 0:
            self._pol(pol)
        return integers(d.id for d in self._meta.data_descriptions if spw in (-1, d.spw) and pol in (-1, d.pol))

    @method
    def polidfordatadesc(self, ddid: _Ddid = -1) -> Any:
        """Polarization ID of a data description, of each when negative."""
        rows = self._meta.data_descriptions
        return (
            np.asarray([d.pol for d in rows], dtype=np.uint64)
            if ddid < 0
            else rows[self._in_range("data description", ddid, len(rows))].pol
        )

    @method
    def spwfordatadesc(self, ddid: _Ddid = -1) -> Any:
        """Spectral window of a data description, of each when negative."""
        rows = self._meta.data_descriptions
        return (
            np.asarray([d.spw for d in rows], dtype=np.uint64)
            if ddid < 0
            else rows[self._in_range("data description", ddid, len(rows))].spw
        )
