"""Writing the model visibilities of an image into MODEL_DATA."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from casatools._base.constants import SPEED_OF_LIGHT_M_S
from casatools._base.memory import CHUNK_BYTES, memory_budget_bytes
from casatools.calibration.scratch_columns import forget_recipes
from casatools.imaging.image_fields import ImageField
from casatools.imaging.imager import ImagingData
from casatools.imaging.plane_mixing import CORRELATION_NAMES, sum_of_planes
from casatools.imaging.visibilities import DataSource, rotate_phase_centre
from casatools.io.ms import VisChunk, iter_chunks, write_chunks

__all__ = ["predict_rows", "save_model_column"]

_NAMES = {code: CORRELATION_NAMES[code] for code in (5, 8, 9, 12)}


def save_model_column(data: ImagingData, fields: Sequence[ImageField], incremental: bool = False) -> None:
    """Predict all correlations of the selected data from the models of all fields and write MODEL_DATA, or add to it.

    The column is made when missing, filled with 1 for parallel and 0 for crossed hands outside the selection. Recipes of the fields go.
    """
    for source in data.sources:
        made = source.ms.add_scratch_columns(model=True)
        if made:
            _fill(source)
        forget_recipes(source.ms, source.resolved)
        # Each chunk takes a Fourier transform of every plane: few large ones.
        columns, size = ["UVW", "FIELD_ID", "TIME", "ANTENNA1", "ANTENNA2"], max(CHUNK_BYTES, memory_budget_bytes() // 8)
        before = incremental and not made
        columns, made_here = (columns + ["MODEL_DATA"], []) if before else (columns, ["MODEL_DATA"])
        chunks = iter_chunks(source.ms, source.resolved, columns, chunk_bytes=size, made=made_here)
        predicted = (
            (c, {"MODEL_DATA": _predict(data, source, c, fields) + (c["MODEL_DATA"] if before else np.complex64(0))})
            for c in chunks
        )
        write_chunks(source.ms, predicted, ["MODEL_DATA"])


def _fill(source: DataSource) -> None:
    from casatools.io.ms import Selection

    def defaults() -> Iterator[tuple[VisChunk, dict[str, np.ndarray]]]:
        for chunk in iter_chunks(source.ms, Selection().resolve(source.ms), ["TIME"], made=["MODEL_DATA"]):
            codes = source.correlation_codes(chunk.ddid)
            values = np.zeros(chunk.shape, dtype=np.complex64)
            values[..., [k for k, c in enumerate(codes) if c in _NAMES or c == 1]] = 1.0
            yield chunk, {"MODEL_DATA": values}

    write_chunks(source.ms, defaults(), ["MODEL_DATA"])


def _predict(data: ImagingData, source: DataSource, chunk: VisChunk, fields: Sequence[ImageField]) -> np.ndarray:
    return predict_rows(data, source, chunk.columns, chunk.ddid, source.channels(chunk.ddid)[0], chunk.correlations, fields)


def predict_rows(
    data: ImagingData,
    source: DataSource,
    columns: Mapping[str, np.ndarray],
    ddid: int,
    freq: np.ndarray,
    correlations: np.ndarray,
    fields: Sequence[ImageField],
) -> np.ndarray:
    """Visibilities (row, chan, corr) complex64 [Jy] of the models of all fields.

    Parameters
    ----------
    data : ImagingData
    source : DataSource
    columns : mapping of ndarray (row, ...)
        UVW, FIELD_ID, TIME, ANTENNA1 and ANTENNA2.
    ddid : int
    freq : ndarray (chan,) float64 [Hz]
        Of the data, in their own frame.
    correlations : ndarray (corr,) int64
        Numbers in the polarization row.
    fields : sequence of ImageField
    """
    image_chan = data.image_channels(source, ddid, freq, columns["TIME"])
    codes = source.correlation_codes(ddid)
    out = np.zeros((len(columns["UVW"]), len(freq), len(correlations)), dtype=np.complex64)
    # Beams of rows; those of each hand where samples of one hand are seen through its own.
    seen = [CORRELATION_NAMES.get(codes[int(corr)], "")[:1] if source.hands else "" for corr in correlations]
    groups: dict[str, np.ndarray] = {}
    if source.groups is not None:
        antennas = columns["ANTENNA1"], columns["ANTENNA2"]
        groups = {
            name: source.groups.rows(source.number, columns["FIELD_ID"], *antennas, columns["TIME"], name) for name in set(seen)
        }
    for image in fields:
        uvw, shift = _recentred(data, source, columns, image)
        planes: dict[tuple[str, int, str], np.ndarray] = {}
        turn = np.exp(2j * np.pi * shift[:, None] * (freq / SPEED_OF_LIGHT_M_S)[None, :]) if np.abs(shift).max() > 1e-6 else 1.0
        for k, corr in enumerate(correlations):
            hand = image.beam_of(codes[int(corr)])
            for label, factor in sum_of_planes(codes[int(corr)], data.labels).items():
                if (label, hand, seen[k]) not in planes:
                    number, group = data.labels.index(label), groups.get(seen[k])
                    planes[label, hand, seen[k]] = image.native_model(number, uvw, freq, image_chan, group, hand)
                out[..., k] += factor * planes[label, hand, seen[k]] * turn
    return out


def _recentred(
    data: ImagingData, source: DataSource, columns: Mapping[str, np.ndarray], image: ImageField
) -> tuple[np.ndarray, np.ndarray]:
    """uvw for the phase centre of a field, and the paths to it."""
    uvw = np.asarray(columns["UVW"], dtype=np.float64).copy()
    shift = np.zeros(len(uvw))
    for rows, own, target, turn in source.phase_rows(columns["FIELD_ID"], columns["TIME"], data.centre):
        if turn is not None:
            uvw[rows] = uvw[rows] @ turn.T
        if target == data.centre:
            uvw[rows], shift[rows] = rotate_phase_centre(uvw[rows], own, image.centre)
            continue
        # The image's centre moves: to where it is first, then to this field of the image.
        moved, path = rotate_phase_centre(uvw[rows], own, target)
        uvw[rows], more = rotate_phase_centre(moved, data.centre, image.centre)
        shift[rows] = path + more
    return uvw, shift
