"""What each kind of calibration table means: from its parameters to Jones matrices.

The measurement equation is ``V_ij = M_ij K_i B_i G_i T_i D_i X_i P_i V_true P_j^H X_j^H ...``; a correction undoes the terms from the
left. Parameters are per receptor: 0 is R or X, 1 is L or Y.

References
----------
Hamaker, Bregman, Sault 1996, A&AS 117, 137; Sault, Hamaker, Bregman 1996, A&AS 117, 149 (leakage to first order).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from casatools._base.errors import UnsupportedError

__all__ = ["POINTED", "JonesKind", "delay_jones", "kind_of"]


@dataclass(frozen=True)
class JonesKind:
    """How a kind of table is applied.

    Attributes
    ----------
    name : str
        Its letter: G T B K D X P M ...
    order : int
        Place in the measurement equation, from the data to the sky.
    form : {"diagonal", "delay", "leakage", "full_leakage", "position_angle", "multiplicative", ...}
    weights : bool
        Whether it can scale weights.
    channels : bool
        Whether its parameters depend on channel.
    everywhere : bool
        Whether its rows serve all spectral windows.
    """

    name: str
    order: int
    form: str
    weights: bool = False
    channels: bool = False
    everywhere: bool = False


_KINDS: dict[str, JonesKind] = {
    "M Mueller": JonesKind("M", 0, "multiplicative"),
    "Mf Mueller": JonesKind("M", 0, "multiplicative", channels=True),
    "MF Mueller": JonesKind("M", 0, "multiplicative", channels=True),
    "A Mueller": JonesKind("A", 0, "additive"),
    "K Jones": JonesKind("K", 2, "delay"),
    "KMBD Jones": JonesKind("K", 2, "delay"),
    "Kcross Jones": JonesKind("Kcross", 5, "cross_delay"),
    "KAntPos Jones": JonesKind("KAntPos", 1, "antenna_position", everywhere=True),
    "B Jones": JonesKind("B", 3, "diagonal", weights=True, channels=True),
    "B TSYS": JonesKind("TSYS", 3, "tsys", weights=True, channels=True),
    "G Jones": JonesKind("G", 4, "diagonal", weights=True),
    "Accor Jones": JonesKind("ACCOR", 4, "diagonal", weights=True),
    "G EVLASWPOW": JonesKind("G", 4, "switched_power", weights=True),
    "D Jones": JonesKind("D", 6, "leakage"),
    "Df Jones": JonesKind("D", 6, "leakage", channels=True),
    "DGEN Jones": JonesKind("D", 6, "full_leakage"),
    "Dgen Jones": JonesKind("D", 6, "full_leakage"),
    "DfGen Jones": JonesKind("D", 6, "full_leakage", channels=True),
    "DLLS Jones": JonesKind("D", 6, "full_leakage"),
    "DfLLS Jones": JonesKind("D", 6, "full_leakage", channels=True),
    "Dflls Jones": JonesKind("D", 6, "full_leakage", channels=True),
    "X Jones": JonesKind("X", 7, "cross_phase"),
    "Xf Jones": JonesKind("X", 7, "cross_phase", channels=True),
    "Xparang Jones": JonesKind("X", 7, "cross_phase"),
    "Xfparang Jones": JonesKind("X", 7, "cross_phase", channels=True),
    "PosAng Jones": JonesKind("X", 7, "position_angle", channels=True),
    "GlinXph Jones": JonesKind("G", 4, "diagonal"),
    "GlinXphf Jones": JonesKind("G", 4, "diagonal", channels=True),
    "Dfgen Jones": JonesKind("D", 6, "full_leakage", channels=True),
    "T Jones": JonesKind("T", 10, "diagonal", weights=True),
    "Tf Jones": JonesKind("T", 10, "diagonal", weights=True, channels=True),
    "EGainCurve": JonesKind("E", 9, "gain_curve", weights=True),
    "EPowerCurve": JonesKind("E", 9, "power_curve", weights=True),
    "TOpac": JonesKind("T", 11, "opacity", weights=True),
    "Fringe Jones": JonesKind("G", 2, "fringe"),
    "F Jones": JonesKind("F", 12, "ionosphere", everywhere=True),
    "GSPLINE": JonesKind("G", 4, "spline"),
    "BPOLY": JonesKind("B", 3, "polynomial", channels=True),
}
_DONE = frozenset(
    {"position_angle", "diagonal", "delay", "cross_delay", "cross_phase", "leakage", "full_leakage", "multiplicative", "tsys", "opacity", "gain_curve", "power_curve",
     "antenna_position", "switched_power", "fringe", "spline", "polynomial", "ionosphere", "additive"}
)  # fmt: skip
# Terms that depend on where and when the antennas point, beside what is in the table.
POINTED = frozenset({"opacity", "gain_curve", "power_curve", "antenna_position", "fringe"})


def kind_of(text: str, path: str) -> JonesKind:
    """The kind of a table from the sub-type in its table.info.

    Raises
    ------
    UnsupportedError
        It cannot be applied (yet).
    """
    kind = _KINDS.get(text)
    if kind is None or kind.form not in _DONE:
        known = ", ".join(sorted(k for k, v in _KINDS.items() if v.form in _DONE))
        raise UnsupportedError(
            f"calibration table {path!r} is of kind {text!r}, which cannot be applied; those that can are {known}"
        )
    return kind


def delay_jones(delay_ns: np.ndarray, frequency_hz: np.ndarray, reference_hz: float) -> np.ndarray:
    """Phase factors of delays.

    Parameters
    ----------
    delay_ns : ndarray (..., 1, par)
    frequency_hz : ndarray (chan,)
    reference_hz : float
        Where the phase is zero.

    Returns
    -------
    ndarray (..., chan, par) complex128
        ``exp(2 pi i delay (frequency - reference))``.
    """
    turns = delay_ns * ((frequency_hz - reference_hz) * 1e-9)[:, None]
    return np.exp(2j * np.pi * turns)
