"""Objects as bytes: what comes back, and where large arrays lie."""

from __future__ import annotations

import numpy as np

from casampi import packing


def test_round_trip() -> None:
    big = np.arange(20_000.0).reshape(100, 200)
    thing = {"big": big, "turned": big.T, "odd": big[::2, ::3], "small": np.arange(3), "text": "a" * 100_000, "none": None}
    parts = packing.pack(thing)
    assert len(parts) == 3  # the pickle, and the two arrays that lie in one piece
    data = packing.flat(parts)
    for copy in (True, False):
        got = packing.unpack(data, copy=copy)
        assert all(np.array_equal(got[name], thing[name]) for name in ("big", "turned", "odd", "small"))
        assert (got["text"], got["none"], got["big"].flags.writeable, got["turned"].flags.f_contiguous) == (
            "a" * 100_000,
            None,
            True,
            True,
        )
        got["big"][0, 0] = 7.0
    assert packing.unpack(data, copy=True)["big"][0, 0] == 7.0  # not copied, the second one lies in the data
    assert all(begin % 64 == 0 for begin, _ in packing.offsets(data)[0])


def test_nothing() -> None:
    assert packing.unpack(packing.flat(packing.pack(None)), copy=False) is None
    assert packing.offsets(packing.table(())) == ([], 8)
