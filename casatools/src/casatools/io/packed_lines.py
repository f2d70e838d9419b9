"""Lists of spectral lines in one small file: the list that is part of the wheel, and the way it is made of a table.

A packed list is a zip file of xz streams, one or two a column, with rows grouped by species and list and sorted by frequency inside
a group, which is what makes neighbours alike. Every number of Splatalogue's exports has five decimals, so it is kept as an integer;
frequencies as differences, upper energies as what they are above the lower one and the photon's energy. Names are numbers in a
dictionary. Reading gives back every value bit by bit, in the order of the table.

References
----------
Remijan, A. J. et al. 2007, BAAS 39, 132: Splatalogue, whose list of 2010 is the one in the wheel. It compiles Müller, H. S. P. et al.
2005, J. Mol. Struct. 742, 215 (CDMS); Pickett, H. M. et al. 1998, JQSRT 60, 883 (JPL); Lovas, F. J. 2004, J. Phys. Chem. Ref. Data
33, 177 (SLAIM and the NIST list); and recombination lines by Lilley, A. E. and Palmer, P. 1968, ApJS 16, 143.
"""

from __future__ import annotations

import functools
import json
import lzma
import os
import zipfile
from collections.abc import Callable

import numpy as np

from casatools._base.errors import DataError
from casatools._base.paths import staged_output

__all__ = ["SHIPPED_LINES", "PackedLines", "is_packed", "open_packed", "pack_lines"]

SHIPPED_LINES = os.path.join(os.path.dirname(__file__), "spectral_lines.zip")
_HEAD = "lines.json"
_SCALE = 100000
# Photon energy over Boltzmann's constant [K], of an integer of 1e-5 GHz to one of 1e-5 K: h / k * 1e9 = 0.0479924307 K/GHz.
_PHOTON, _PHOTON_SCALE = 479924307, 10**10
_NAMES = ("SPECIES", "CHEMICAL_NAME", "LINELIST", "RECOMMENDED")
_NUMBERS = ("INTENSITY", "SMU2", "LOGA", "EL")
_WIDE = "<i8"
_STAMP = (2010, 9, 13, 16, 4, 0)


def _packed(data: bytes, width: int) -> bytes:
    """An xz stream; `width` is that of the numbers in bytes, whose places help the coder."""
    lp = {1: 0, 2: 1, 4: 2, 8: 3}[width]
    filters = [
        {"id": lzma.FILTER_LZMA2, "preset": 9 | lzma.PRESET_EXTREME, "dict_size": min(max(len(data), 4096), 1 << 24),
         "lc": 4 if width == 1 else 0, "lp": lp, "pb": lp}
    ]  # fmt: skip
    return lzma.compress(data, format=lzma.FORMAT_XZ, check=lzma.CHECK_CRC32, filters=filters)


def _photons(frequency: np.ndarray) -> np.ndarray:
    """Photon energies [1e-5 K] of frequencies [1e-5 GHz], in integers: the same everywhere."""
    whole, rest = np.divmod(frequency, _PHOTON_SCALE)
    return whole * _PHOTON + (rest * _PHOTON + _PHOTON_SCALE // 2) // _PHOTON_SCALE


def _integers(name: str, values: np.ndarray) -> np.ndarray:
    whole = np.rint(values.astype(np.float64) * _SCALE).astype(np.int64)
    if not np.array_equal((whole / _SCALE).astype(values.dtype), values):
        raise DataError(f"spectral lines cannot be packed: column {name} has numbers of more than five decimals")
    return whole


def pack_lines(path: str, lines: dict[str, np.ndarray], source: str) -> None:
    """Write a packed list.

    Parameters
    ----------
    path : str
        File to write.
    lines : dict
        Columns of a table of spectral lines, as `line_tables.read_lines` gives them.
    source : str
        Where the lines are from.

    Raises
    ------
    DataError
        A number has more than five decimals, or a text more than one line.
    """
    count = len(lines["FREQUENCY"])
    frequency = _integers("FREQUENCY", lines["FREQUENCY"])
    groups = np.unique(np.stack([lines["SPECIES"], lines["LINELIST"]]).astype(str), axis=1, return_inverse=True)[1].reshape(-1)
    order = np.lexsort((np.arange(count), frequency, groups))
    by_frequency = np.argsort(frequency[order], kind="stable")
    members = {"ORDER": ((order[by_frequency] - np.arange(count)).astype("<i4").tobytes(), 4)}
    members["FREQUENCY"] = (np.diff(frequency[order], prepend=0).astype(_WIDE).tobytes(), 8)
    numbers = {name: _integers(name, lines[name]) for name in (*_NUMBERS, "EU")}
    numbers["EU"] = numbers["EU"] - numbers["EL"] - _photons(frequency)
    for name, whole in numbers.items():
        members[name] = (whole[order].astype(_WIDE).tobytes(), 8)
    dictionaries = {}
    for name in _NAMES:
        values, codes = np.unique(lines[name], return_inverse=True)
        dictionaries[name] = values.tolist()
        members[name] = (codes.reshape(-1)[order].astype("<u2").tobytes(), 2)
    texts = [str(t) for t in lines["QUANTUM_NUMBERS"][order]]
    if any("\n" in t for t in texts):
        raise DataError("spectral lines cannot be packed: quantum numbers have more than one line")
    members["QUANTUM_NUMBERS"] = ("".join(t + "\n" for t in texts).encode(), 1)
    head = json.dumps({"lines": count, "source": source, "values": dictionaries}, sort_keys=True, ensure_ascii=False)
    with staged_output(path) as staged, zipfile.ZipFile(staged, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr(zipfile.ZipInfo(_HEAD, _STAMP), head)
        for name, (data, width) in members.items():
            archive.writestr(zipfile.ZipInfo(f"{name}.xz", _STAMP), _packed(data, width))


class PackedLines:
    """The columns of a packed list, each unpacked when it is first asked for.

    Raises
    ------
    DataError
        The file is no packed list of spectral lines, or it is damaged.
    """

    def __init__(self, path: str) -> None:
        self._path = path
        self._kept: dict[str, np.ndarray] = {}
        head = json.loads(self._member(_HEAD))
        self.count: int = head["lines"]
        self.source: str = head["source"]
        self._values: dict[str, list[str]] = head["values"]

    def _member(self, name: str) -> bytes:
        try:
            with zipfile.ZipFile(self._path) as archive:
                data = archive.read(name)
            return lzma.decompress(data) if name.endswith(".xz") else data
        except (OSError, KeyError, zipfile.BadZipFile, lzma.LZMAError) as failure:
            raise DataError(f"{self._path!r} is no packed list of spectral lines, or it is damaged: {failure}") from failure

    def _stored(self, name: str, kind: str) -> np.ndarray:
        return np.frombuffer(self._member(f"{name}.xz"), kind)

    def _column(self, name: str) -> np.ndarray:
        """Integers of a column in the order of the table; for quantum numbers, the packed row of each."""
        if name not in self._kept:
            self._kept[name] = self._unpacked(name)
        return self._kept[name]

    def _unpacked(self, name: str) -> np.ndarray:
        if name == "packed FREQUENCY":
            return np.cumsum(self._stored("FREQUENCY", _WIDE))
        if name == "place":
            by_frequency = np.argsort(self._column("packed FREQUENCY"), kind="stable")
            place = np.empty(self.count, np.int64)
            place[np.arange(self.count) + self._stored("ORDER", "<i4")] = by_frequency
            return place
        place = self._column("place")
        if name == "FREQUENCY":
            return self._column("packed FREQUENCY")[place]
        if name == "EU":
            above = self._stored("EU", _WIDE)[place]
            return above + self._column("EL") + _photons(self._column("FREQUENCY"))
        if name in _NAMES:
            return self._stored(name, "<u2")[place]
        return self._stored(name, _WIDE)[place]

    @functools.cached_property
    def _texts(self) -> tuple[bytes, np.ndarray]:
        """All quantum numbers and where each begins."""
        data = self._member("QUANTUM_NUMBERS.xz")
        return data, np.concatenate([[0], np.flatnonzero(np.frombuffer(data, np.uint8) == ord("\n")) + 1])

    def _quantum_numbers(self, rows: np.ndarray) -> list[str]:
        data, begins = self._texts
        place = self._column("place")[rows]
        return [data[a : b - 1].decode() for a, b in zip(begins[place].tolist(), begins[place + 1].tolist(), strict=True)]

    def numbers(self, name: str, rows: np.ndarray) -> np.ndarray:
        """Values of a column of numbers at rows."""
        return (self._column(name)[rows] / _SCALE).astype(np.float64 if name == "FREQUENCY" else np.float32)

    def flags(self, name: str, rows: np.ndarray) -> np.ndarray:
        """Values of a column of flags at rows."""
        return np.array(self._values[name], bool)[self._column(name)[rows]]

    def texts(self, name: str, rows: np.ndarray) -> np.ndarray:
        """Values of a column of texts at rows."""
        if name == "QUANTUM_NUMBERS":
            return np.array(self._quantum_numbers(rows), dtype=str)
        return np.array(self._values[name], dtype=str)[self._column(name)[rows]]

    def matching(self, name: str, test: Callable[[str], bool], rows: np.ndarray) -> np.ndarray:
        """Of which rows the text in a column passes a test."""
        if name == "QUANTUM_NUMBERS":
            return np.fromiter(map(test, self._quantum_numbers(rows)), bool, len(rows))
        return np.array([test(v) for v in self._values[name]], bool)[self._column(name)[rows]]

    def distinct(self, name: str) -> list[str]:
        """The texts that occur in a column of names, in alphabetical order."""
        return list(self._values[name])

    def close(self) -> None:
        """Nothing is held open."""


def is_packed(path: str) -> bool:
    """Whether a path is that of a file, which only packed lists are; tables are folders."""
    return os.path.isfile(path)


def open_packed(path: str) -> PackedLines:
    """A packed list; the last one stays in memory (about 30 MB once all columns were asked for)."""
    known = os.stat(path)
    return _opened(path, known.st_size, known.st_mtime_ns)


@functools.lru_cache(maxsize=1)
def _opened(path: str, size: int, changed: int) -> PackedLines:
    return PackedLines(path)
