"""Samples of the data that the imager tool selects, few enough to be drawn."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

from casatools._base.constants import SPEED_OF_LIGHT_M_S
from casatools._base.errors import DataError, ParameterError
from casatools.imaging.classic_imager import ClassicImager
from casatools.imaging.visibilities import DataSource, rotate_phase_centre
from casatools.io.ms import MeasurementSet, Selection, iter_chunks

__all__ = ["KINDS", "Samples", "read_samples"]

# More points than this cannot be told apart in a picture.
_MOST = 400_000
_COLUMNS = {"observed": "DATA", "corrected": "CORRECTED_DATA", "model": "MODEL_DATA"}
KINDS = (*_COLUMNS, "residual")


@dataclass
class Samples:
    """Samples that are not flagged, of some of the rows.

    Attributes
    ----------
    u, v : ndarray (n,) [wavelengths]
    weight : ndarray (n,)
        Of the data, the mean of the correlations that are good.
    amplitude : dict of ndarray (n,)
        Of the mean of the good correlations, by the kind of the data.
    """

    u: np.ndarray
    v: np.ndarray
    weight: np.ndarray
    amplitude: dict[str, np.ndarray] = field(default_factory=dict)


def read_samples(state: ClassicImager, increment: int = 1, kinds: tuple[str, ...] = (), rotate: bool = False) -> Samples:
    """Samples of every so many rows of what is selected; of fewer rows where these would be too many.

    Parameters
    ----------
    state : ClassicImager
    increment : int
    kinds : tuple of str
        Data whose amplitudes are wanted: observed, corrected, model, residual.
    rotate : bool
        The coordinates are those about the centre of the image.

    Raises
    ------
    NotOpenError, ParameterError, DataError
        No image is defined to turn to, there is no such kind, a column is missing, or all is flagged.
    """
    if any(k not in KINDS for k in kinds):
        raise ParameterError(f"imager: parameter 'type' must be all or of {', '.join(KINDS)}; got {', '.join(kinds)}")
    centre = state.centre() if rotate else None
    wanted = sorted({c for k in kinds for c in (("corrected", "model") if k == "residual" else (k,))})
    with MeasurementSet(state.path) as ms:
        for name in wanted:
            ms.require(_COLUMNS[name])
        chosen = Selection(**state.field_selection())
        source = DataSource(state.path, chosen, "data", ms=ms) if rotate else None
        resolved = chosen.resolve(ms)
        widest = max(len(w.chan_freq_hz) for w in ms.metadata.spectral_windows)
        step = max(increment, -(-len(resolved.rows) * widest // _MOST))
        chosen_rows = replace(resolved, rows=resolved.rows[::step])
        columns = ["UVW", "FLAG", "FLAG_ROW", "WEIGHT", "FIELD_ID", "TIME", *(_COLUMNS[n] for n in wanted)]
        parts: list[list[np.ndarray]] = []
        for chunk in iter_chunks(ms, chosen_rows, columns):
            window = ms.metadata.spectral_windows[ms.metadata.data_descriptions[chunk.ddid].spw]
            hz = np.asarray(window.chan_freq_hz)[chunk.channels]
            uvw = np.array(chunk["UVW"], dtype=np.float64)
            if source is not None and centre is not None:
                for mine, own, target, turn in source.phase_rows(chunk["FIELD_ID"], chunk["TIME"], centre):
                    turned = uvw[mine] if turn is None else uvw[mine] @ turn.T
                    uvw[mine] = rotate_phase_centre(turned, own, target)[0]
            good = ~(chunk["FLAG"] | chunk["FLAG_ROW"][:, None, None])
            count = good.sum(axis=2)
            seen = count > 0
            scaled = uvw[:, None, :2] * (hz / SPEED_OF_LIGHT_M_S)[None, :, None]
            weight = np.where(good, chunk["WEIGHT"][:, None, :], 0.0).sum(axis=2)[seen] / count[seen]
            found = [scaled[..., 0][seen], scaled[..., 1][seen], weight]
            means = {n: np.where(good, chunk[_COLUMNS[n]], 0.0).sum(axis=2)[seen] / count[seen] for n in wanted}
            found += [np.abs(means["corrected"] - means["model"]) if k == "residual" else np.abs(means[k]) for k in kinds]
            parts.append(found)
    joined = [np.concatenate(p) for p in zip(*parts, strict=True)]
    if not joined[0].size:
        raise DataError("the selected data are all flagged; there is nothing to draw")
    return Samples(joined[0], joined[1], joined[2], dict(zip(kinds, joined[3:], strict=True)))
