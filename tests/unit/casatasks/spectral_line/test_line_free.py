"""Channels without line."""

from __future__ import annotations

import numpy as np

from casatasks.spectral_line.line_free import channel_ranges, find_line_free


def test_a_line_on_a_sloping_base_is_left_out() -> None:
    rng = np.random.default_rng(3)
    level = 1.0 + 0.002 * np.arange(60) + rng.normal(0, 0.02, 60)
    level[22:38] += 0.8
    free = find_line_free(level)
    assert not free[20:40].any() and not free[:3].any() and not free[-3:].any()
    assert free[3:19].sum() > 13 and free[41:57].sum() > 13


def test_a_single_bright_channel_is_noise() -> None:
    level = np.ones(40) + np.random.default_rng(4).normal(0, 0.01, 40)
    level[17] = 1.5
    free = find_line_free(level)
    # The channel itself is kept or not, its neighbours stay.
    assert free[12:16].all() and free[19:24].all()


def test_a_line_that_fills_the_band_leaves_the_outer_fifths() -> None:
    level = np.ones(40)
    level[3:37] = 1.0 + np.linspace(1, 5, 34) ** 3
    free = find_line_free(level)
    assert free.any()


def test_ranges_are_written() -> None:
    chosen = np.zeros(20, dtype=bool)
    chosen[[4, 5, 6, 12, 18, 19]] = True
    assert channel_ranges(chosen) == "4~6;12~12;18~19"


def test_line_with_a_flat_middle_over_half_of_the_band() -> None:
    # Rms [mJy] of the dirty channel maps of NGC 5921: the plateau between the horns is as even as the noise floor.
    level = np.array(
        [31.1, 5.5, 5.0, 5.0, 4.8, 5.0, 4.8, 4.9, 4.9, 4.9, 5.1, 5.4, 6.7, 8.0, 9.2, 9.1, 8.3, 8.0, 7.3, 6.8, 6.6, 6.3, 6.28, 6.2]
        + [6.15, 6.09, 6.09, 6.02, 6.0, 6.02, 5.8, 5.77, 5.83, 5.85, 6.05, 6.08, 6.15, 6.5, 6.7, 6.9, 7.7, 8.6, 9.6, 9.6, 8.0, 6.2, 4.98]
        + [4.95, 4.98, 4.79, 4.95, 4.83, 4.88, 4.88, 4.79, 4.69, 5.0, 4.87, 4.88, 5.19, 6.2, 7.3, 12.2]
    )  # fmt: skip
    assert channel_ranges(find_line_free(level)) == "3~8;48~59"
