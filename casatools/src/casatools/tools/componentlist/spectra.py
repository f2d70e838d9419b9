"""Frequencies and spectra of the componentlist tool."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Any

from casatools._base import kinds
from casatools._base.declare import method
from casatools._base.errors import ParameterError
from casatools.components import editing
from casatools.frames.frequencies import frequency_frame
from casatools.frames.quantities import conforms, is_unit
from casatools.tools.componentlist.session import Log, SessionMethods, Which, not_there

__all__ = ["SpectrumMethods"]

_Frame = Annotated[str, kinds.Text(), "Frequency frame"]
_Column = kinds.FloatList()


class SpectrumMethods(SessionMethods):
    """Frequencies and spectra."""

    @method
    def getfreq(self, which: Which) -> dict[str, Any]:
        """Not implemented in CASA: {}."""
        self._list.index(which)
        return dict(not_there("getfreq", {}, "getspectrum(which)['frequency']"))

    @method
    def getfreqvalue(self, which: Which) -> float:
        """Not implemented in CASA: 0."""
        self._list.index(which)
        return float(not_there("getfreqvalue", 0.0, "getspectrum(which)['frequency']['m0']['value']"))

    @method
    def getfrequnit(self, which: Which) -> str:
        """Not implemented in CASA: ''."""
        self._list.index(which)
        return str(not_there("getfrequnit", "", "getspectrum(which)['frequency']['m0']['unit']"))

    @method
    def getfreqframe(self, which: Which) -> str:
        """Not implemented in CASA: ''."""
        self._list.index(which)
        return str(not_there("getfreqframe", "", "getspectrum(which)['frequency']['refer']"))

    @method
    def setfreq(
        self,
        which: Which,
        value: Annotated[float, kinds.Float(), "Reference frequency"],
        unit: Annotated[str, kinds.Text(), "Its unit"] = "GHz",
        log: Log = True,
    ) -> bool:
        """Set the reference frequency of a component."""
        return self._edit(which, spectrum=editing.with_frequency(self._list[which].spectrum, value, unit))

    @method
    def setfreqframe(self, which: Which, frame: _Frame = "LSRK", log: Log = True) -> bool:
        """Give the reference frequency another frame; the number stays."""
        return self._edit(which, spectrum=replace(self._list[which].spectrum, frame=frequency_frame(frame)))

    @method
    def convertfrequnit(self, which: Which, unit: Annotated[str, kinds.Text(), "Unit like Hz"] = "GHz") -> bool:
        """Express the reference frequency in another unit."""
        if not is_unit(unit) or not conforms(unit, "Hz"):
            raise ParameterError(f"the unit of a frequency must be like Hz; got {unit!r}")
        spectrum = self._list[which].spectrum
        return self._edit(which, spectrum=replace(spectrum, frequency=spectrum.frequency.to(unit)))

    @method
    def spectrumtype(self, which: Which) -> str:
        """Constant, Spectral Index, Power Logarithmic Polynomial or Tabular Spectrum."""
        return self._list[which].spectrum.kind

    @method
    def getspectrum(self, which: Which) -> dict[str, Any]:
        """The spectrum of a component as a record."""
        return self._list[which].spectrum.record()

    @method
    def setspectrum(
        self,
        which: Which,
        type: Annotated[str, kinds.Text(), "constant, 'spectral index', plp or tabular"] = "spectral index",
        index: Annotated[Any, kinds.Variant(), "Spectral index, or coefficients of the polynomial"] = [],  # noqa: B006 - not changed
        tabularfreqs: Annotated[list[float], _Column, "Frequencies [Hz] of a table"] = [1.0e11],  # noqa: B006 - copied
        tabularflux: Annotated[list[float], _Column, "Stokes I [Jy] at them"] = [1.0],  # noqa: B006 - copied
        tabularframe: _Frame = "LSRK",
    ) -> bool:
        """Set the spectrum of a component; the reference frequency stays.

        Raises
        ------
        ParameterError
            The type is unknown, or its numbers are missing or do not fit.
        """
        values = editing.SpectrumValues(index, tabularfreqs, (tabularflux,), tabularframe)
        return self._edit(which, spectrum=editing.spectrum_from(self._list[which].spectrum, type, values))

    @method
    def setstokesspectrum(
        self,
        which: Which,
        type: Annotated[str, kinds.Text(), "constant, 'spectral index' or tabular"] = "spectral index",
        index: Annotated[list[float], _Column, "Spectral index of I, of the linear fraction, rotation measure, spectral index of the"
                         " circular fraction"] = [0.0],  # noqa: B006 - copied
        tabularfreqs: Annotated[list[float], _Column, "Frequencies [Hz] of a table"] = [1.0e11],  # noqa: B006 - copied
        tabulari: Annotated[list[float], _Column, "Stokes I [Jy] at them"] = [1.0],  # noqa: B006 - copied
        tabularq: Annotated[list[float], _Column, "Stokes Q [Jy] at them"] = [0.0],  # noqa: B006 - copied
        tabularu: Annotated[list[float], _Column, "Stokes U [Jy] at them"] = [0.0],  # noqa: B006 - copied
        tabularv: Annotated[list[float], _Column, "Stokes V [Jy] at them"] = [0.0],  # noqa: B006 - copied
        reffreq: Annotated[Any, kinds.Variant(), "Reference frequency; [] leaves it"] = [],  # noqa: B006 - not changed
        frame: _Frame = "LSRK",
    ) -> bool:  # fmt: skip
        """Set the spectrum of all Stokes parameters of a component.

        Raises
        ------
        ParameterError
            The type is unknown, or its numbers are missing or do not fit.
        """
        spectrum = self._list[which].spectrum
        if editing.given(reffreq):
            frequency, _ = editing.frequency_from(reffreq)
            spectrum = replace(spectrum, frequency=frequency, frame=frequency_frame(frame))
        values = editing.SpectrumValues(index, tabularfreqs, (tabulari, tabularq, tabularu, tabularv), frame, many=True)
        return self._edit(which, spectrum=editing.spectrum_from(spectrum, type, values))
