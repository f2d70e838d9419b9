"""Images joined along an axis."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import replace

import numpy as np

from casatools._base.errors import DataError, ParameterError
from casatools._base.paths import staged_output
from casatools.analysis.image_moments import moment_axis
from casatools.io.image import BeamSet, CasaImage
from casatools.io.image.coordinates import Coordinates, SpectralCoordinate
from casatools.io.image.coordinates.stokes import StokesCoordinate
from casatools.io.image.coordinates.tabular import TabularCoordinate

__all__ = ["concatenate_images"]

# Coordinates that follow each other to this part of a pixel make one regular axis.
_TOLERANCE = 0.05


def concatenate_images(
    paths: Sequence[str], outfile: str, axis: int = -1, relax: bool = False, reorder: bool = False, overwrite: bool = False
) -> None:
    """Write images one behind the other along an axis.

    Parameters
    ----------
    paths : sequence of str
    outfile : str
    axis : int
        Pixel axis (CASA order); -1 is the spectral one.
    relax : bool
        Accept coordinates that do not follow each other: a spectral axis that rises or falls is then tabulated, others go on as the first
        image's.
    reorder : bool
        Put the images into the order of their coordinates.
    overwrite : bool

    Raises
    ------
    ParameterError, DataError
        There are fewer than two images, their shapes or types differ, or their coordinates do not follow each other.
    """
    if len(paths) < 2:
        raise ParameterError(f"two images or more are needed to join them; got {len(paths)}")
    with ExitStack() as stack:
        images = [stack.enter_context(CasaImage.open(p)) for p in paths]
        along = moment_axis(images[0], axis)
        for image in images[1:]:
            _require_fit(images[0], image, along)
        if reorder:
            up = images[0].coordinates.increment[images[0].coordinates.pixel_to_world_axis(along)] > 0
            images.sort(key=lambda i: _values(i, along)[0], reverse=not up)
        k = images[0].ndim - 1 - along
        counts = [i.shape[k] for i in images]
        shape = list(images[0].shape)
        shape[k] = sum(counts)
        coordinates = _joined(images, along, relax)
        masked = any(i.has_mask for i in images)
        with (
            staged_output(outfile, overwrite) as staged,
            CasaImage.create(staged, shape, coordinates, images[0].dtype, mask="mask0" if masked else "") as output,
        ):
            output.copy_metadata_from(images[0], beams=False)
            output.beams = _beams(images, along)
            at = 0
            for image, count in zip(images, counts, strict=True):
                for slices in image.iter_slices():
                    there = tuple(slice(s.start + at, s.stop + at) if a == k else s for a, s in enumerate(slices))
                    output.write(image.read(slices), there)
                    if masked:
                        output.write_mask(image.read_mask(slices), there)
                at += count


def _require_fit(first: CasaImage, other: CasaImage, axis: int) -> None:
    k = first.ndim - 1 - axis
    same = other.ndim == first.ndim and all(
        a == b for d, (a, b) in enumerate(zip(first.shape, other.shape, strict=False)) if d != k
    )
    if not same:
        raise DataError(f"images of shapes {first.shape[::-1]} and {other.shape[::-1]} cannot be joined along axis {axis}")
    if other.dtype != first.dtype:
        raise DataError(f"images of {first.dtype} and {other.dtype} pixels cannot be joined")
    if other.unit != first.unit:
        raise DataError(f"images in {first.unit!r} and {other.unit!r} cannot be joined")


def _values(image: CasaImage, axis: int) -> np.ndarray:
    """World values along an axis."""
    coordinates = image.coordinates
    count = image.shape[image.ndim - 1 - axis]
    pixels = np.repeat(coordinates.reference_pixel[:, None], count, axis=1)
    pixels[axis] = np.arange(count)
    return coordinates.to_world(pixels)[coordinates.pixel_to_world_axis(axis)]


def _joined(images: Sequence[CasaImage], axis: int, relax: bool) -> Coordinates:
    first = images[0].coordinates
    member, _ = first.member_of_pixel_axis(axis)
    if first.members[member].kind == "Stokes":
        labels = [str(v) for i in images if i.coordinates.stokes is not None for v in i.coordinates.stokes.labels]
        if len(set(labels)) != len(labels):
            raise DataError(
                f"images joined along the polarization axis must differ in Stokes parameters; got {', '.join(labels)}"
            )
        out = first.copy()
        out.replace(member, StokesCoordinate.make(labels))
        return out
    values = np.concatenate([_values(i, axis) for i in images])
    step = float(first.increment[first.pixel_to_world_axis(axis)])
    regular = np.allclose(values, values[0] + step * np.arange(len(values)), rtol=0, atol=_TOLERANCE * abs(step))
    if regular:
        return first
    steps = np.diff(values)
    if not relax and not (np.all(steps > 0) or np.all(steps < 0)):
        raise DataError(
            f"the coordinates of the images do not follow each other along axis {axis}; use relax=True or reorder=True"
        )
    if not relax and not np.isclose(abs(steps).min(), abs(steps).max(), rtol=_TOLERANCE):
        raise DataError(
            f"the coordinates of the images leave gaps or overlap along axis {axis}; use relax=True to join them anyway"
        )
    found = first.members[member]
    if isinstance(found, SpectralCoordinate) and (np.all(steps > 0) or np.all(steps < 0)):
        out = first.copy()
        table = TabularCoordinate.from_table(np.arange(len(values)), values, found.axis.units[0], found.axis.names[0])
        out.replace(member, replace(found, axis=table))
        return out
    return first


def _beams(images: Sequence[CasaImage], axis: int) -> BeamSet:
    sets = [i.beams for i in images]
    if not all(sets):
        return BeamSet()
    if all(b.is_single for b in sets) and all(b.at() == sets[0].at() for b in sets):
        return sets[0]
    along_spectral = axis == images[0].coordinates.spectral_axis
    along_stokes = axis == images[0].coordinates.stokes_axis
    if not along_spectral and not along_stokes:
        return sets[0]
    planes = [
        [[b.at(c, s) for s in range(i.plane_counts[1])] for c in range(i.plane_counts[0])]
        for i, b in zip(images, sets, strict=True)
    ]
    if along_spectral:
        return BeamSet.per_plane([row for image in planes for row in image])
    return BeamSet.per_plane([[b for image in planes for b in image[c]] for c in range(len(planes[0]))])
