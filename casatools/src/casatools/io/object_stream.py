"""Reads the streams of objects in the files of casacore's data managers: each object begins with its length, which counts itself, its type and a version.

References
----------
casacore note 222 (AipsIO); the layout of the files themselves.
"""

from __future__ import annotations

import struct

import numpy as np

__all__ = ["ObjectStream"]


class ObjectStream:
    """Reads values one after the other; ValueError or struct.error where the stream does not hold what is asked for.

    Parameters
    ----------
    content : bytes or bytearray
    at : int
        Where to begin, behind the magic number.
    order : {">", "<"}
        Byte order.
    """

    def __init__(self, content: bytes | bytearray, at: int = 0, order: str = ">") -> None:
        self.content, self.at, self.order = content, at, order

    def take(self, form: str = "I") -> int:
        """The number that stands here, by its letter in `struct`."""
        value = struct.unpack_from(self.order + form, self.content, self.at)[0]
        self.at += struct.calcsize(self.order + form)
        return int(value)

    def text(self) -> str:
        """A text behind its length."""
        length = self.take()
        self.at += length
        return bytes(self.content[self.at - length : self.at]).decode("latin-1")

    def begin(self, kind: str) -> int:
        """The version of an object of some type that begins here."""
        self.take()
        if self.text() != kind:
            raise ValueError(kind)
        return self.take()

    def skip(self, kind: str = "") -> None:
        """Leave out the object that begins here, of a type where one is named."""
        start, length = self.at, self.take()
        if kind and self.text() != kind:
            raise ValueError(kind)
        self.at = start + length

    def position(self) -> tuple[int, ...]:
        """A shape, the fastest axis first."""
        if self.begin("IPosition") != 1:
            raise ValueError("IPosition")
        return tuple(self.take("i") for _ in range(self.take()))

    def block(self) -> np.ndarray:
        """An array of words: ndarray (word,) int64."""
        if self.begin("Block") != 1:
            raise ValueError("Block")
        count, start = self.take(), self.at
        self.at += 4 * count
        if self.at > len(self.content):
            raise ValueError("Block")
        return np.frombuffer(self.content, f"{self.order}u4", count, start).astype(np.int64)
