"""Which visibility columns a transformation reads and writes, and which weights belong to them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from casatools._base.errors import DataError, ParameterError
from casatools.io.ms import MeasurementSet

__all__ = ["SPECTRA", "ColumnPlan", "plan_columns"]

SPECTRA = ("WEIGHT_SPECTRUM", "SIGMA_SPECTRUM")

_NAMES = {
    "data": "DATA",
    "model": "MODEL_DATA",
    "corrected": "CORRECTED_DATA",
    "float_data": "FLOAT_DATA",
    "lag_data": "LAG_DATA",
}


@dataclass(frozen=True)
class ColumnPlan:
    """Input columns with the output column each becomes, and where weights come from.

    Attributes
    ----------
    pairs : tuple of (input, output)
    single : bool
        One column was asked for: it becomes DATA (FLOAT_DATA and LAG_DATA stay).
    from_corrected : bool
        The one column is CORRECTED_DATA, so that WEIGHT rules; otherwise SIGMA does.
    weight_spectrum, sigma_spectrum : bool
        The input has WEIGHT_SPECTRUM, SIGMA_SPECTRUM.
    made : tuple of str
        Which of WEIGHT_SPECTRUM and SIGMA_SPECTRUM are written also where the input has none.
    computed : mapping
        Columns that are made while reading, with what each is made from.
    """

    pairs: tuple[tuple[str, str], ...]
    single: bool
    weight_spectrum: bool
    sigma_spectrum: bool
    made: tuple[str, ...] = ()
    computed: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def from_corrected(self) -> bool:
        return self.single and self.pairs[0][0] == "CORRECTED_DATA"

    @property
    def one_kind(self) -> bool:
        """One kind of weights rules all columns: only one is written, or none of them is CORRECTED_DATA."""
        return self.single or all(name != "CORRECTED_DATA" for name, _ in self.pairs)

    @property
    def of_model(self) -> bool:
        """The one column is MODEL_DATA, which has no noise."""
        return self.single and self.pairs[0][0] == "MODEL_DATA"

    @property
    def spectra(self) -> tuple[str, ...]:
        """Columns of weights per channel that are written."""
        return SPECTRA if self.weight_spectrum else self.made

    @property
    def reads(self) -> list[str]:
        """Columns with a channel axis to read."""
        out = [c for c, _ in self.pairs] + ["FLAG"]
        if self.weight_spectrum and (self.from_corrected or not self.one_kind):
            out.append("WEIGHT_SPECTRUM")
        if self.sigma_spectrum and not self.from_corrected:
            out.append("SIGMA_SPECTRUM")
        out = [c for c in out if c not in self.computed]
        # What rows are known by is read anyway.
        more = [c for sources in self.computed.values() for c in sources]
        return out + [c for c in dict.fromkeys(more) if c not in out]

    @property
    def writes(self) -> list[str]:
        """Optional columns of the output."""
        return [*(c for _, c in self.pairs), *self.spectra]


def plan_columns(
    ms: MeasurementSet, datacolumn: str, made: tuple[str, ...] = (), computed: Mapping[str, tuple[str, ...]] | None = None
) -> ColumnPlan:
    """Work out the columns for a `datacolumn` parameter such as "corrected", "all" or "data,model,corrected".

    Weights per channel in `made` are written also where the input has none; columns in `computed` are made from those named.

    Raises
    ------
    ParameterError
        An unknown name.
    DataError
        The MeasurementSet lacks a column asked for by name.
    """
    computed = computed or {}
    text = datacolumn.strip().lower()
    if text == "all":
        found = [c for c in _NAMES.values() if ms.has(c) or c in computed]
        if not found:
            raise DataError(f"MeasurementSet {ms.path!r} has no visibility column")
    else:
        words = [w.strip() for w in text.split(",")]
        unknown = [w for w in words if w not in _NAMES]
        if unknown:
            raise ParameterError(f"datacolumn {unknown[0]!r} is unknown; allowed are {', '.join(_NAMES)}, all")
        found = [_NAMES[w] for w in words]
        for column in found:
            if column not in computed:
                ms.require(column)
    single = len(found) == 1
    pairs = tuple((c, "DATA" if single and c in ("MODEL_DATA", "CORRECTED_DATA") else c) for c in found)
    spectrum = ms.has("WEIGHT_SPECTRUM")
    return ColumnPlan(pairs, single, spectrum, ms.has("SIGMA_SPECTRUM"), made, computed)
