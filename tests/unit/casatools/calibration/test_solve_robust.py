"""First guesses of gains."""

from __future__ import annotations

import numpy as np

from casatools.calibration.solve_robust import first_guess


def test_guesses_come_from_the_baselines_to_one_antenna() -> None:
    """Of amplitude 4, both receptors together; an antenna without that baseline gets the amplitude of the reference, no phase."""
    ant1, ant2 = np.triu_indices(4, 1)
    phase = np.exp(1j * np.array([0.3, 1.0, -0.5, 2.0]))
    vis = np.stack([amplitude * phase[ant1] * phase[ant2].conj() for amplitude in (2.0, 6.0)])
    weight = np.ones(vis.shape)
    weight[:, (ant1 == 0) & (ant2 == 3)] = 0
    turned = phase * phase[0].conj()
    guess = first_guess(ant1, ant2, vis, weight, 4, 2, 0)
    np.testing.assert_allclose(guess[:, 1:3], np.array([[1.0], [3.0]]) * turned[1:3])
    np.testing.assert_allclose(guess[:, [0, 3]], 2.0)
    # The reference is flagged: the first antenna with data stands in; one that is not named does not count.
    weight[:, (ant1 == 0) | (ant2 == 0)] = 0
    for reference in (0, -1):
        guess = first_guess(ant1, ant2, vis, weight, 4, 2, reference)
        np.testing.assert_allclose(guess[0, 2:], phase[2:] * phase[1].conj())
        np.testing.assert_allclose(guess[:, :2], 2.0)
    np.testing.assert_array_equal(first_guess(ant1, ant2, vis, 0 * weight, 4, 2, 0), 1.0)
