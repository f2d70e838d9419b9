"""sdintimaging: from a request to joint images of a single dish and an interferometer."""

from __future__ import annotations

import os
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from casatools._base import log
from casatools._base.errors import ParameterError
from casatools._base.memory import require_memory
from casatools._base.paths import require_present
from casatools.analysis.feathering import FeatherOptions
from casatools.imaging.checkpoint import Checkpoint
from casatools.imaging.clean_page import require_person
from casatools.imaging.cycle_control import CycleControl
from casatools.imaging.frequency_grid import band_axis
from casatools.imaging.image_fields import TermField
from casatools.imaging.imager import Imager, ImagingData
from casatools.imaging.joint_fields import JointContinuum, JointCube, JointSource, JointTerms, SingleDish, read_single_dish
from casatools.imaging.plane_deconvolver import PlaneDeconvolver
from casatools.imaging.products import ImageWriter, beam_set, read_into, staged_images
from casatools.imaging.request import TcleanRequest
from casatools.imaging.tclean_data import imaged_sources, prepare_data
from casatools.imaging.tclean_images import FieldImages, begin_images, next_name, plan_images, write_images
from casatools.imaging.tclean_run import clean_fields
from casatools.imaging.visibilities import DataSource

__all__ = ["JointRequest", "run_joint"]


@dataclass(frozen=True)
class JointRequest:
    """What sdintimaging is asked for beside what it shares with tclean.

    Attributes
    ----------
    imaging : TcleanRequest
    usedata : str
        ``sdint``, ``sd`` or ``int``.
    sdimage, sdpsf : str
    sdgain : float
        Factor of the single dish's intensities.
    dishdia : float
        Effective diameter [m]; 0 takes the single dish's beam as it is.
    """

    imaging: TcleanRequest
    usedata: str
    sdimage: str
    sdpsf: str
    sdgain: float
    dishdia: float

    def __post_init__(self) -> None:
        if not np.isfinite(self.sdgain) or self.sdgain <= 0:
            raise ParameterError(f"sdintimaging: parameter 'sdgain' must be positive; got {self.sdgain}")
        if not np.isfinite(self.dishdia) or self.dishdia < 0:
            raise ParameterError(f"sdintimaging: parameter 'dishdia' must be a diameter in m, or 0; got {self.dishdia}")
        if self.usedata == "int":
            return
        if not self.sdimage:
            raise ParameterError(
                f"sdintimaging: parameter 'sdimage' must name the single dish's image with usedata={self.usedata!r}"
            )
        require_present(self.sdimage, "image (parameter 'sdimage')")
        if self.sdpsf:
            require_present(self.sdpsf, "image (parameter 'sdpsf')")

    def own(self) -> dict[str, Any]:
        """What is asked for beside what is shared with tclean."""
        return {name: value for name, value in asdict(self).items() if name != "imaging"}

    @property
    def kind(self) -> str:
        """Middle of the names of the images that are deconvolved."""
        if self.imaging.terms:
            return "joint.multiterm"
        return "joint.cont" if self.imaging.is_continuum else "joint.cube"

    def base(self) -> str:
        """Beginning of the names: with restart=False the first of ``imagename``, ``imagename_2``, ... that is free."""
        name = str(self.imaging.imagename)
        kinds = ("joint.cube.psf", "joint.multiterm.psf.tt0", "joint.cont.psf", "int.cube.psf")
        return name if self.imaging.restart else next_name(name, kinds)


def run_joint(request: JointRequest) -> dict[str, Any]:
    """Make and deconvolve the images that are asked for.

    Returns
    -------
    dict
        The record of the iterations.

    Raises
    ------
    CasaError
        Data or images do not allow it; no image is changed then.
    """
    if request.imaging.interactive:
        require_person("sdintimaging")
    with imaged_sources(request.imaging) as sources:
        return _image(request, sources)


def _plans(request: JointRequest, base: str, data: ImagingData) -> tuple[FieldImages, FieldImages]:
    """The interferometer's cube, and the images to deconvolve; nothing is computed from visibilities yet."""
    imaging = replace(request.imaging, imagename=f"{base}.{request.kind}", restart=True)
    # The cube itself is neither masked nor started from a model.
    cube = plan_images(
        replace(_as_cube(imaging), imagename=f"{base}.int.cube", startmodel="", usemask="user", mask=""), data, data.centre, 0
    )
    # What is deconvolved is made of the cube, and has no gridder of its own.
    imaging = replace(imaging, gridder="standard", facets=1, usepointing=False, conjbeams=False)
    if not imaging.is_continuum:
        return cube, plan_images(imaging, replace(data, plane_mixing=None), data.centre, 0)
    whole = band_axis(data.axis, str(imaging.reffreq or ""))
    return cube, plan_images(imaging, replace(data, axis=whole, is_cube=False, plane_mixing=None), data.centre, 0)


def _as_cube(imaging: TcleanRequest) -> TcleanRequest:
    """The request for the cube that a continuum image is made of."""
    if not imaging.is_continuum:
        return imaging
    return replace(imaging, specmode="cube", deconvolver="multiscale", reffreq="")


def _require_room(data: ImagingData, imaging: TcleanRequest) -> None:
    nx, ny = imaging.grid_options.shape
    planes = data.axis.nchan * len(data.labels)
    # Cubes of the interferometer, the single dish and both: residuals, models, point spread functions, beams and masks.
    require_memory(60.0 * nx * ny * planes, f"sdintimaging: cubes of {nx} x {ny} pixels with {planes} planes")


def _image(request: JointRequest, sources: list[DataSource]) -> dict[str, Any]:
    imaging, base = request.imaging, request.base()
    data = prepare_data(_as_cube(imaging), sources)
    _require_room(data, imaging)
    cube, plan = _plans(request, base, data)
    shape: tuple[int, ...] = cube.beam_power.shape
    cell = imaging.grid_options.cell_rad
    dish = None
    if request.usedata != "int":
        axis = (data.axis.frequencies_hz, data.axis.width_hz)
        dish = read_single_dish(request.sdimage, request.sdpsf, cube.coordinates, shape, cell, axis)
    options = FeatherOptions(request.sdgain, request.dishdia)
    joint = JointSource(cube.image, dish, options, data.axis.frequencies_hz, cube.beam_power, cube.seen, request.usedata == "sd")
    target = plan.image
    reference_hz = float(band_axis(data.axis, str(imaging.reffreq or "")).frequencies_hz[0])
    plan.image = _joint_field(joint, target, imaging.is_continuum, reference_hz)
    plan.cube = cube
    control = CycleControl(imaging.cycle_options, interactive=bool(imaging.interactive))
    imager = Imager(data, [plan.image], imaging.weighting_options, imaging.perchanweightdensity, imaging.psfcutoff)
    checkpoint = Checkpoint([imaging], f"{base}.{request.kind}", request.own())
    resumes = imaging.niter > 0 and imaging.restart
    resumed = begin_images([plan], imager, (lambda: checkpoint.load([plan.image], control)) if resumes else None)
    if not resumed and (imaging.calcres or imaging.niter == 0):
        control.after_major()
    if imaging.niter > 0:
        clean_fields([plan], data, imager, control, checkpoint)
        log.post(f"sdintimaging: {control.done} iterations; stopped by {control.record()['stopDescription']}")
    else:
        plan.image.record_unclean(control)
    if imaging.niter == 0 and not imaging.calcres:
        _earlier_residuals(base, cube, joint)
    _write(base, request, data, cube, plan, joint)
    checkpoint.remove()
    return control.record()


def _joint_field(
    joint: JointSource, target: PlaneDeconvolver, is_continuum: bool, reference_hz: float
) -> JointCube | JointTerms | JointContinuum:
    if isinstance(target, TermField):
        return JointTerms(joint, target, reference_hz)
    return JointContinuum(joint, target) if is_continuum else JointCube(joint, target)


def _earlier_residuals(base: str, cube: FieldImages, joint: JointSource) -> None:
    """Take the residuals of both from the images of an earlier run, where they are not made."""
    kinds = {"int.cube": cube.image.planes.residual, "sd.cube": joint.dish_residual, "joint.cube": joint.residual}
    for kind, planes in kinds.items():
        path = f"{base}.{kind}.residual"
        if os.path.isdir(path):
            read_into(path, planes, cube.coordinates)


def _write(base: str, request: JointRequest, data: ImagingData, cube: FieldImages, plan: FieldImages, joint: JointSource) -> None:
    first = data.sources[0]
    field = first.ms.metadata.fields[int(first.field_ids[0])]

    def writer(kind: str, coordinates: Any) -> ImageWriter:
        return ImageWriter(
            folder, f"{base}.{kind}", coordinates, first.telescope, field.name, ["taskname=sdintimaging"], "sdintimaging"
        )

    with staged_images(base) as folder:
        quiet = replace(cube.request, niter=0, restoration=False)
        write_images(replace(cube, request=quiet), writer("int.cube", cube.coordinates), data.labels)
        if joint.dish is not None:
            _write_dish(joint.dish, cube, joint, writer("sd.cube", cube.coordinates))
        write_images(plan, writer(request.kind, plan.coordinates), data.labels)
        if request.imaging.is_continuum:
            out = writer("joint.cube", cube.coordinates)
            npol = len(data.labels)
            out.write("psf", np.repeat(joint.psf[:, None], npol, axis=1))
            out.write("residual", joint.residual, mask=cube.limited)
            out.write("model", joint.cube.planes.model, "Jy/pixel")


def _write_dish(dish: SingleDish, cube: FieldImages, joint: JointSource, out: ImageWriter) -> None:
    npol = len(dish.image[0])
    beams = beam_set(dish.beams, npol)
    out.write("image", dish.image, "Jy/beam", beams)
    out.write("psf", np.repeat(dish.psf[:, None], npol, axis=1), "Jy/beam", beams)
    out.write("residual", joint.dish_residual, "Jy/beam", beams)
    out.write("model", cube.image.planes.model, "Jy/pixel")
