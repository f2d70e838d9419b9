"""Images that the older imager tool makes of other images: mosaics, models of single dishes, non-negative solutions, drawn masks."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import closing
from typing import Any

import numpy as np

from casatools._base.errors import DataError, ParameterError
from casatools._base.paths import remove_output, require_absent, require_present
from casatools.analysis.linear_mosaic import MosaicGrid, MosaicInput, make_mosaic
from casatools.analysis.regridding import RegridOptions, regrid_image
from casatools.analysis.sub_images import PixelChoice
from casatools.imaging.beam_fit import GaussianBeam
from casatools.imaging.classic_beams import beam_image
from casatools.imaging.classic_imager import ClassicImager
from casatools.imaging.classic_images import fit_psf_image, restore_image
from casatools.imaging.clean_page import PageImage, require_person, steering
from casatools.imaging.cycle_control import CycleControl, CycleOptions
from casatools.imaging.mask_shapes import write_blank
from casatools.imaging.nonnegative import solve_nonnegative
from casatools.imaging.plane_deconvolver import PlaneDeconvolver, Planes
from casatools.io.image import CasaImage

__all__ = ["draw_mask", "mosaic_of_fields", "nonnegative_image", "single_dish_model"]


def mosaic_of_fields(
    state: ClassicImager, images: Sequence[str], fields: Sequence[int], output: str, scale: str = "", sensitivity: str = ""
) -> None:
    """Write the linear mosaic of images of fields, weighted with the square of their primary beams.

    `scale` names an image of what the flux densities were multiplied with, 1 on a flat sky, and `sensitivity` one of the sum of the squared
    primary beams over its greatest value.

    Raises
    ------
    ParameterError, PathMissingError, OutputExistsError, DataError
        There is not one field for each image, an image is missing or the mosaic exists, or images do not fit.
    """
    if not images or len(fields) != len(images):
        raise ParameterError(
            f"imager.linearmosaic: there must be a field for each image; got {len(fields)} fields and {len(images)} images"
        )
    for name in images:
        require_present(name, "image")
    for name in filter(None, (output, scale, sensitivity)):
        require_absent(name, what="image")
    folder = tempfile.mkdtemp(prefix=".mosaic-", dir=os.getcwd())
    selection = state.selection
    try:
        inputs = []
        for number, (name, field) in enumerate(zip(images, fields, strict=True)):
            state.selection = {**selection, "field": str(field)}
            beam = os.path.join(folder, f"beam{number}")
            beam_image(state, name, beam)
            inputs.append(MosaicInput(name, beam, 0, 1))
        nx, ny = state.image["imsize"]
        centre = state.centre()
        cells = np.deg2rad(np.array([float(c.removesuffix("arcsec")) for c in state.image["cell"]]) / 3600.0)
        grid = MosaicGrid(nx, ny, (float(cells[0]), float(cells[1])), centre)
        weight = os.path.join(folder, "weight")
        make_mosaic(inputs, grid, MosaicInput(output, weight, 0, 2))
        with CasaImage.open(weight) as image:
            squares = np.asarray(image.read(), np.float32)
            for name, pixels in ((scale, np.ones_like(squares)), (sensitivity, squares / max(float(squares.max()), 1e-30))):
                if name:
                    state.write_like(name, image.coordinates, pixels, "")
    finally:
        state.selection = selection
        shutil.rmtree(folder, ignore_errors=True)


def single_dish_model(state: ClassicImager, source: str, output: str, psf: str = "", mask: str = "") -> None:
    """Write a single dish image [Jy/beam] as a model [Jy/pixel] on the grid of the image that is defined, and where it is positive as a mask.

    Raises
    ------
    PathMissingError, OutputExistsError, DataError
        An image is missing or exists, has no beam, or does not overlap.
    """
    require_present(source, "single dish image")
    for name in filter(None, (output, mask)):
        require_absent(name, what="image")
    beam = fit_psf_image(psf) if psf else None
    coordinates, shape = state.blank()
    direction = coordinates.direction
    folder = tempfile.mkdtemp(prefix=".model-", dir=os.getcwd())
    try:
        with CasaImage.open(source) as image:
            if beam is None:
                if not image.beams:
                    raise DataError(f"single dish image {source!r} has no beam; name its point spread function in 'sdpsf'")
                own = image.beams.at(0, 0)
                beam = GaussianBeam(own.major_rad, own.minor_rad, own.position_angle_rad)
            made = os.path.join(folder, "regridded")
            axes = (*image.coordinates.direction_axes,)
            regrid_image(image, made, coordinates, shape[::-1], RegridOptions(axes, "linear"), PixelChoice())
        with CasaImage.open(made) as image:
            if image.ndim != 4 or image.shape[0] not in (1, shape[0]) or image.shape[1] != shape[1]:
                raise DataError(
                    f"single dish image {source!r} has {image.shape[0]} channels and {image.shape[1]} polarizations; the image has {shape[:2]}"
                )
            values = np.where(image.read_mask(), np.asarray(image.read()), 0.0)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    pixel = abs(float(direction.increment_rad[0] * direction.increment_rad[1]))
    pixels = np.broadcast_to(values * pixel / beam.area_rad2, shape).astype(np.float32)
    state.write_like(output, coordinates, pixels, "Jy/pixel")
    if mask:
        state.write_like(mask, coordinates, (pixels > 0).astype(np.float32), "")


def nonnegative_image(
    state: ClassicImager, masks: tuple[str, str], names: Mapping[str, str], niter: int, tolerance: float, components: str = ""
) -> None:
    """Solve the dirty image for non-negative fluxes in a mask, and write model, residual and restored image where names are given.

    A list of components is taken away from the data, and is in the restored image.
    """
    for path in masks:
        require_present(path, "mask image")
    with (
        state.cleaned({"niter": 0}, components) as (base, _),
        CasaImage.open(base + ".residual") as dirty,
        CasaImage.open(base + ".psf") as psf,
    ):
        shape = dirty.shape
        chosen = []
        for path in masks:
            with CasaImage.open(path) as image:
                if image.shape[-2:] != shape[-2:]:
                    raise DataError(f"mask {path!r} of shape {image.shape[::-1]} does not fit the image of shape {shape[::-1]}")
                chosen.append(np.asarray(image.read()).reshape(-1, *shape[-2:])[0] != 0)
        planes, beams = np.asarray(dirty.read()), np.asarray(psf.read())
        model = np.zeros(shape, np.float32)
        for chan, pol in np.ndindex(*shape[:2]):
            model[chan, pol] = solve_nonnegative(planes[chan, pol], beams[chan, pol], chosen[0], chosen[1], niter, tolerance)
        coordinates, beam = dirty.coordinates, fit_psf_image(base + ".psf")
    folder = tempfile.mkdtemp(prefix=".nnls-", dir=os.getcwd())
    try:
        path = os.path.join(folder, "model")
        state.write_like(path, coordinates, model, "Jy/pixel")
        left = os.path.join(folder, "residual")
        state.residual(path, [left], components)
        if names.get("image"):
            remove_output(names["image"])
            restore_image(path, left, names["image"], beam, components)
        for kind, made in (("model", path), ("residual", left)):
            if names.get(kind):
                remove_output(names[kind])
                os.rename(made, names[kind])
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def draw_mask(source: str, output: str, niter: int, per_cycle: int, threshold_jy: float) -> dict[str, Any]:
    """Let a person draw a mask on an image in the browser; a mask that is there is begun with.

    Returns
    -------
    dict
        niter, npercycle and threshold [Jy], as the person left them.

    Raises
    ------
    UnsupportedError
        Nobody looks.
    PathMissingError, DataError
        The image is missing, or has other axes, or the mask another shape.
    """
    require_person("imager.drawmask")
    with CasaImage.open(require_present(source, "image")) as image:
        coordinates, shape = image.coordinates, image.shape
        if len(shape) != 4 or coordinates.direction is None or coordinates.stokes is None:
            raise DataError(f"image {source!r} must have a sky plane, polarization and frequency")
        pixels, good = np.asarray(image.read(), np.float32), image.read_mask()
    mask = np.zeros(shape, bool)
    if os.path.isdir(output):
        with CasaImage.open(output) as earlier:
            if earlier.shape != shape:
                raise DataError(
                    f"mask {output!r} of shape {earlier.shape[::-1]} does not fit image {source!r} of shape {shape[::-1]}"
                )
            mask = np.asarray(earlier.read()) != 0
    deconvolver = PlaneDeconvolver()
    blank = np.zeros((shape[0], *shape[2:]), np.float32)
    deconvolver.planes = Planes(blank, pixels, np.zeros_like(pixels), mask, np.ones(shape[0]), [None] * shape[0])
    control = CycleControl(CycleOptions(niter, per_cycle, threshold_jy), interactive=True)
    page_image = PageImage(
        os.path.basename(source.rstrip("/")), deconvolver, coordinates, coordinates.stokes.labels, np.asarray(good)
    )
    with closing(steering([page_image])) as page:
        page.steer(control, "")
    if not os.path.isdir(output):
        write_blank(output, coordinates, shape)
    with CasaImage.open(output, writable=True) as written:
        written.write(deconvolver.planes.mask.astype(np.float32))
    options = control.options
    return {"niter": options.niter, "npercycle": options.cycleniter, "threshold": options.threshold_jy}
