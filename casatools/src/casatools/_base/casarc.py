"""The settings files of casacore, ``~/.casarc`` and ``~/.casa/rc``: lines ``name: value``; the first file wins.

``system.resources.memory`` (MB), ``system.resources.memfrac`` (per cent) and ``system.resources.cores`` limit what computations plan with.
"""

from __future__ import annotations

import functools
import os

__all__ = ["limit", "setting"]


@functools.lru_cache(maxsize=4)
def _read(home: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for name in (os.path.join(home, ".casa", "rc"), os.path.join(home, ".casarc")):  # later ones win
        try:
            with open(name, encoding="utf-8", errors="replace") as stream:
                for line in stream:
                    key, colon, value = line.partition(":")
                    if colon and not key.lstrip().startswith("#"):
                        found[key.strip()] = value.strip()
        except OSError:
            continue
    return found


@functools.lru_cache(maxsize=4)
def _home(_said: str | None) -> str:
    """The home folder, looked up again only where the environment says another: blocks of images ask for limits."""
    return os.path.expanduser("~")


def setting(name: str) -> str | None:
    """The value of a setting as text; None when no file has it."""
    return _read(_home(os.environ.get("HOME"))).get(name)


def limit(name: str) -> float:
    """A number above 0 of the settings ``system.resources.<name>``; 0 when there is none that can be used."""
    text = setting(f"system.resources.{name}") or ""
    try:
        return max(0.0, float(text))
    except ValueError:
        return 0.0
