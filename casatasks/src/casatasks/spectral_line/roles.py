"""Which field is the flux calibrator, which the gain calibrator, which the target."""

from __future__ import annotations

from dataclasses import dataclass

from casatools._base.errors import ParameterError

__all__ = ["FLUX_CALIBRATOR_NAMES", "Roles", "find_roles"]

# Names under which the primary flux density calibrators are observed (VLA calibrator manual; J2000, B1950 and catalogue names).
FLUX_CALIBRATOR_NAMES: tuple[str, ...] = (
    "3C286", "1331+305", "1328+307", "J1331+3030", "3C48", "0137+331", "0134+329", "J0137+3309", "3C147", "0542+498", "0538+498",
    "J0542+4951", "3C138", "0521+166", "0518+165", "J0521+1638", "1934-638", "J1939-6342",
)  # fmt: skip


@dataclass(frozen=True)
class Roles:
    """Field IDs by role."""

    flux: int
    gain: int
    target: int


def _named(wanted: str, names: list[str], role: str) -> int:
    matches = [k for k, name in enumerate(names) if name == wanted or str(k) == wanted]
    if not matches:
        raise ParameterError(f"the {role} {wanted!r} is not a field; fields are {', '.join(names)}")
    return matches[0]


def find_roles(
    names: list[str], codes: list[str], scans: list[int], rows: list[int], flux: str = "", gain: str = "", target: str = ""
) -> Roles:
    """Choose the fields of the three roles.

    Parameters
    ----------
    names, codes : list of str
        Field names and calibrator codes, one a field.
    scans, rows : list of int
        Number of scans and of rows of each field.
    flux, gain, target : str
        Names or IDs that the user gave; empty ones are found: the flux calibrator by name, the target as the field with no
        calibrator code that has most rows, the gain calibrator as what is left with most scans.

    Returns
    -------
    Roles

    Raises
    ------
    ParameterError
        A given name is not a field, or a role cannot be found.
    """
    left = set(range(len(names)))
    if flux:
        flux_id = _named(flux, names, "flux calibrator")
    else:
        known = [k for k in sorted(left) if any(n.lower() in names[k].lower() for n in FLUX_CALIBRATOR_NAMES)]
        if not known:
            raise ParameterError(f"no field is a known flux calibrator; name it with --flux; fields are {', '.join(names)}")
        flux_id = known[0]
    left.discard(flux_id)
    target_id = _named(target, names, "target") if target else -1
    gain_id = _named(gain, names, "gain calibrator") if gain else -1
    left -= {target_id, gain_id}
    if target_id < 0:
        candidates = sorted(left, key=lambda k: (bool(codes[k].strip()), -rows[k]))
        target_id = candidates[0] if candidates else -1
        left.discard(target_id)
    if gain_id < 0:
        gain_id = max(left, key=lambda k: scans[k], default=flux_id)
    if target_id < 0:
        raise ParameterError(f"no field is left to be the target; fields are {', '.join(names)}")
    return Roles(flux_id, gain_id, target_id)
