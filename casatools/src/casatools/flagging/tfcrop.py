"""TFCrop: flags outliers from smooth bases along frequency and time.

References
----------
CASA documentation of flagdata mode='tfcrop'; U. Rau, "TFCrop", NRAO.
"""

from __future__ import annotations

import numpy as np

from casatools.flagging.detecting import DetectingAgent, Layout, packed, spread

__all__ = ["PARTS", "TfcropAgent"]

# How the kernels number the parts of a visibility.
PARTS = {"ABS": 0, "REAL": 1, "IMAG": 2, "ARG": 3, "NORM": 4}


class TfcropAgent(DetectingAgent):
    """Flags samples that depart from a smooth spectrum and a smooth time series.

    Notes
    -----
    For each baseline and product of a piece (`ntime`), along each axis of `flagdimension` in turn: the mean over the other axis of
    what is not flagged; a robust base under it in five fits, a line, or polynomials of order 1, 1, 2, 3, 3 in 1, 3, 5, 7, 9 pieces
    (`maxnpieces` at most), each without what was 3, 3, 2, 2 times the rms above the one before; data divided by the base; in each
    profile, samples further from 1 than the cut-off times the rms about 1 are flagged, again until the rms changes by less than 0.1,
    five times at most. `usewindowstats` flags samples too whose window of ``2 halfwin + 1`` exceeds that limit in the mean (``sum``)
    or rms (``std``) distance from 1; samples that were flagged before the step count as 0 there. A piece with fewer than two
    samples has no fit, and the step then flags nothing.
    """

    def prepare(self) -> None:
        super().prepare()
        o = self.options
        self.steps = np.array({"freqtime": [0, 1], "timefreq": [1, 0], "freq": [0], "time": [1]}[str(o["flagdimension"])])
        self.cutoffs = np.array([float(o["freqcutoff"]), float(o["timecutoff"])])
        self.window = ({"none": 0, "sum": 1, "std": 2, "both": 3}[str(o["usewindowstats"])], int(o["halfwin"]))
        self.polys = np.array([o["freqfit"] == "poly", o["timefit"] == "poly"])

    def detect(self, values: np.ndarray, hidden: np.ndarray, layout: Layout) -> np.ndarray:
        from casatools.kernels.tfcrop import crop_baselines

        values = np.ascontiguousarray(values, dtype=np.complex64)
        bad = np.zeros(values.shape, bool)
        index = packed(layout.index)
        part, pieces = PARTS[self.command.function], int(self.options["maxnpieces"])

        def work(span: tuple[int, int]) -> None:
            crop_baselines(values, hidden, index, span, part, self.steps, self.cutoffs, self.polys, pieces, self.window, bad)

        spread(work, layout.index.shape[0])
        return bad
