"""Primary beams of the imager tool: as images, and put into images and components or taken out of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import numpy as np

from casatools._base.errors import DataError
from casatools._base.paths import require_absent, require_present, staged_output
from casatools.components.component_list import ComponentList, components_from
from casatools.components.model import Component
from casatools.frames.directions import Direction
from casatools.imaging.classic_imager import ClassicImager
from casatools.imaging.pointed_beams import beam_planes
from casatools.imaging.stepwise import SynthesisRun
from casatools.io.image import CasaImage
from casatools.io.image.coordinates.make import make_image_coordinates

__all__ = ["apply_beam", "apply_beam_to_components", "beam_image"]

# Below this a primary beam counts as zero.
_LEAST_BEAM = 1e-3


def beam_image(state: ClassicImager, source: str, output: str) -> None:
    """Write the primary beam of the field selected on the grid of an image."""
    _with_beam(state, source, output, lambda pixels, beam: np.broadcast_to(beam, pixels.shape))


def apply_beam(
    state: ClassicImager, source: str, output: str, divide: bool, pointed: Any = None, angle_rad: float | None = None
) -> None:
    """Multiply an image by the primary beam, or divide it by that.

    Parameters
    ----------
    source, output : str
    divide : bool
    pointed : optional
        Where the antennas point, as tclean has phase centres; where the field selected was pointed at when not given.
    angle_rad : float, optional
        Parallactic angle, which beams that are images turn with; that of the data when not given.
    """
    made = _divided if divide else np.multiply
    _with_beam(state, source, output, made, pointed, angle_rad)


def apply_beam_to_components(
    state: ClassicImager, source: str, output: str, divide: bool, pointed: Any = None, angle_rad: float | None = None
) -> None:
    """Multiply the flux densities of components by the primary beam at their places and frequencies, or divide them by that; see `apply_beam`.

    Raises
    ------
    DataError
        A component is to be divided where the beam is zero.
    """
    require_absent(output, what="component list")
    components = components_from(require_present(source, "component list"))
    found: list[Component] = []
    with _opened_run(state, pointed) as run:
        for component in components:
            place = Direction(component.shape.lon_rad, component.shape.lat_rad, component.shape.frame)
            hz = component.spectrum.reference_hz
            grid = make_image_coordinates((1, 1), (1e-6, 1e-6), (place.lon_rad, place.lat_rad), [hz], direction_frame=place.frame)
            towards = run.data.centre if pointed is not None else None
            beam = float(
                beam_planes(run.data.sources[0], grid, (1, 1), [hz], state.vptable, towards, angle_rad, state.squint)[0, 0, 0]
            )
            if divide and beam <= _LEAST_BEAM:
                raise DataError(f"imager.pb: the primary beam is zero where component {len(found)} of {source!r} is")
            flux = component.flux
            factor = 1.0 / beam if divide else beam
            found.append(replace(component, flux=replace(flux, values=flux.values * factor, errors=flux.errors * factor)))
    ComponentList(found).write(output)


@contextmanager
def _opened_run(state: ClassicImager, centre: Any = None) -> Iterator[SynthesisRun]:
    """The parts that make images, with another phase centre where one is given."""
    run = state.run()
    if centre is not None:
        run.images[0] |= {"phasecenter": centre}
    try:
        yield run
    finally:
        run.close()


def _with_beam(
    state: ClassicImager,
    source: str,
    output: str,
    made: Callable[[np.ndarray, np.ndarray], np.ndarray],
    pointed: Any = None,
    angle_rad: float | None = None,
) -> None:
    """Write what is made of the pixels of an image and the primary beam (chan, 1, y, x)."""
    require_absent(output, what="image")
    with _opened_run(state, pointed) as run, CasaImage.open(source) as image:
        spectral = image.coordinates.spectral
        if image.coordinates.direction is None or spectral is None or image.ndim != 4:
            raise DataError(f"imager.pb: image {source!r} must have a sky plane, polarization and frequency")
        hz = np.ravel(spectral.to_world(np.arange(image.shape[0], dtype=np.float64)[None])) * spectral.hz
        towards = run.data.centre if pointed is not None else None
        size = (image.shape[2], image.shape[3])
        beams = beam_planes(run.data.sources[0], image.coordinates, size, hz, state.vptable, towards, angle_rad, state.squint)
        pixels = np.asarray(image.read())
        with staged_output(output) as staged, CasaImage.create(staged, image.shape, image.coordinates, np.float32) as out:
            out.copy_metadata_from(image)
            out.write(made(pixels, beams[:, None]))


def _divided(pixels: np.ndarray, beam: np.ndarray) -> np.ndarray:
    return np.divide(pixels, beam, out=np.zeros_like(pixels), where=beam > _LEAST_BEAM)
