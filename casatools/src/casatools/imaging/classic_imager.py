"""Imaging as the older imager tool does it: one MeasurementSet, one image, each step on request.

`ClassicImager` holds what was asked for and runs the parts that tclean is made of; images that it makes are those of tclean.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from casatools._base.constants import SPEED_OF_LIGHT_M_S
from casatools._base.errors import DataError, NotOpenError, ParameterError, UnsupportedError
from casatools._base.paths import remove_output, require_absent, require_present, staged_output
from casatools.analysis.component_images import write_component_image
from casatools.calibration.predict_sky import SkyModel, open_sky_model
from casatools.components.component_list import ComponentList, components_from
from casatools.components.model import Component
from casatools.frames.directions import Direction
from casatools.frames.quantities import format_dms, format_hms
from casatools.imaging.beam_fit import GaussianBeam, fit_beam
from casatools.imaging.flux_scale import FluxScale
from casatools.imaging.mask_shapes import write_blank
from casatools.imaging.minor_cycle import MinorCycle
from casatools.imaging.pointed_beams import beam_planes
from casatools.imaging.primary_beam import nominal_dish_m
from casatools.imaging.restoration import restore
from casatools.imaging.start_model import start_model
from casatools.imaging.stepwise import SynthesisRun, tclean_request
from casatools.imaging.tclean_images import FieldImages
from casatools.imaging.tclean_run import RunInput, run_tclean
from casatools.imaging.visibilities import DataSource
from casatools.io.image import Beam, BeamSet, CasaImage
from casatools.io.image.coordinates.make import make_image_coordinates
from casatools.io.image.coordinates.units import unit_factor

__all__ = ["ClassicImager", "EntropyGoal", "FieldNames", "fit_psf_image", "restore_image"]

# Names of the older tool for the deconvolvers that tclean has; "mf" and "cs" ones alternate minor and major cycles, as all of ours do.
_ALGORITHMS = {
    "clark": "clark", "mfclark": "clark", "csclean": "clark", "wfclark": "clark", "hogbom": "hogbom", "mfhogbom": "hogbom", "wfhogbom": "hogbom",
    "cs": "clark", "multiscale": "multiscale", "mfmultiscale": "multiscale", "msmfs": "mtmfs", "clarkstokes": "clarkstokes",
    "mfclarkstokes": "clarkstokes", "mem": "mem", "asp": "asp",
}  # fmt: skip
# Below this a primary beam counts as zero.
_LEAST_BEAM = 1e-3


@dataclass(frozen=True)
class FieldNames:
    """Names of the images of an image field.

    Attributes
    ----------
    model, image, residual, psf : str
        Where they are to be; empty ones are not kept. A model that is there is started from.
    mask : str
        Image or region.
    is_fixed : bool
        The model stays as it is.
    """

    model: str = ""
    image: str = ""
    residual: str = ""
    psf: str = ""
    mask: str = ""
    is_fixed: bool = False


@dataclass(frozen=True)
class EntropyGoal:
    """What maximum entropy is told beforehand.

    Attributes
    ----------
    flux_jy : float
        Expected of the model; 0 for nothing.
    is_held : bool
        The model must have this flux.
    prior : str
        Image [Jy/pixel] that the model is like where the data do not say otherwise.
    """

    flux_jy: float = 0.0
    is_held: bool = False
    prior: str = ""

    def tune(self, plans: list[FieldImages]) -> None:
        """Change the options of images that are about to be deconvolved.

        Raises
        ------
        PathMissingError, DataError
            The prior is not there, or cannot be put on the grid of the image.
        """
        for plan in plans:
            prior = None
            if self.prior:
                prior = start_model(
                    require_present(self.prior, "prior image"), plan.coordinates, (1, *plan.image.planes.model.shape[1:])
                )[0, 0]
            options = plan.request.minor_options
            plan.image.cycle = MinorCycle(replace(options, flux_jy=self.flux_jy, holds_flux=self.is_held, prior=prior))


class ClassicImager:
    """A MeasurementSet, what is selected of it, and the image that is made of that.

    Parameters
    ----------
    path : str
        The MeasurementSet.
    scratch : bool
        Models are written into MODEL_DATA; they are kept as recipes otherwise.
    """

    def __init__(self, path: str, scratch: bool = False) -> None:
        self.path, self.scratch = path, scratch
        self.selection: dict[str, Any] = {"msname": path}
        self.image: dict[str, Any] = {}
        self.weighting: dict[str, Any] = {"weighting": "natural"}
        self.gridding: dict[str, Any] = {"gridder": "standard"}
        self.scales: list[float] = []
        self.bias = 0.6
        self.terms = 2
        self.reference = ""
        self.beam: GaussianBeam | None = None
        self.vptable = ""
        self.uses_beam = False
        # Beams of the two hands point to different places, turned in steps of parallactic angle.
        self.squint = False
        self.turn_deg = 360.0
        self.cycles: dict[str, Any] = {}
        self.scale = FluxScale()
        self.given_density: np.ndarray | None = None
        # Of another telescope whose beams are taken, of the array where it is said, and of a source that is near.
        self.beam_telescope = ""
        self.place_m: np.ndarray | None = None
        self.distance_m = 0.0

        # Images are of single dishes ("sd", or "both" where these are beside interferometers), their gridding function and what more is asked of them.
        self.single_dish = ""
        self.sky_function = "SF"
        self.sky: dict[str, Any] = {}

    def _require_baselines(self) -> None:
        """Refuse what needs visibilities, where images are of single dishes alone."""
        if self.single_dish == "sd":
            raise UnsupportedError(
                "imager: setoptions(ftmachine='sd') is for makeimage alone, as CASA's process ends in all else; use deconvolve for images of single dishes"
            )

    def run(self) -> SynthesisRun:
        """The parts that make images; to be closed by the caller.

        Raises
        ------
        NotOpenError
            No image is defined.
        """
        if not self.image:
            raise NotOpenError("no image is defined; call defineimage first")
        made = SynthesisRun()
        made.selections = [{"datacolumn": "corrected", **self.selection}]
        made.images = [self._image_record()]
        made.weighting = dict(self.weighting)
        made.given_density = self.given_density
        made.prepare = self._prepare
        return made

    def _prepare(self, sources: list[DataSource]) -> None:
        """Tell the data sources what `setvp`, `setoptions` and `defineimage` said of them."""
        for source in sources:
            source.distance_m = self.distance_m
            if self.beam_telescope:
                source.beam_telescope, source.beam_dish_m = self.beam_telescope, nominal_dish_m(self.beam_telescope)
            if self.place_m is not None:
                source.position_m = self.place_m

    def _image_record(self) -> dict[str, Any]:
        return {
            "imagename": "image",
            "pblimit": -0.1,
            "reffreq": self.reference,
            **self.image,
            **self.gridding,
            **self.scale.parameters(self.gridding),
            **(
                {"gridder": "awproject", "computepastep": self.turn_deg}
                if self.squint and self.gridding["gridder"] == "mosaic"
                else {}
            ),
            "vptable": self.vptable,
        }

    def field_selection(self) -> dict[str, str]:
        """What `Selection` takes of the selection."""
        names = {"field": "field", "spw": "spw", "antenna": "antenna", "timestr": "timerange", "scan": "scan", "uvdist": "uvrange", "state": "intent",
                 "obs": "observation", "taql": "taql_of_selected"}  # fmt: skip
        return {target: str(self.selection[name]) for name, target in names.items() if self.selection.get(name)}

    def make_image(self, kind: str, path: str, complex_path: str = "") -> None:
        """Write an image of the data; see `SynthesisRun.make_image`, or the primary beam for the kind "pb".

        Raises
        ------
        ParameterError, OutputExistsError, CasaError
            There is no such kind, an image is there, or the data do not allow it.
        """
        self._require_baselines()
        if complex_path:
            require_absent(complex_path, what="image")
        if not path:
            raise ParameterError("imager.makeimage: parameter 'image' must be given; it names the new image")
        require_absent(path, what="image")
        run = self.run()
        try:
            if kind.strip().lower() == "pb":
                plan = run.plans[0]
                beam = plan.beam_power
                if self.squint and self.gridding["gridder"] != "mosaic":
                    spectral = plan.coordinates.spectral
                    assert spectral is not None
                    hz = spectral.frequencies_hz(beam.shape[0])
                    planes = beam_planes(run.data.sources[0], plan.coordinates, beam.shape[-2:], hz, self.vptable, squint=True)
                    beam = np.broadcast_to(planes[:, None], beam.shape)
                self.write_like(path, plan.coordinates, beam)
            else:
                run.make_image(kind, path, complex_path=complex_path)
        finally:
            run.close()

    def write_weight(self, path: str) -> None:
        """Write the sums of weights that residuals are divided by; in mosaics times the squares of the beams.

        Raises
        ------
        OutputExistsError, CasaError
            The image is there, or the data do not allow it.
        """
        require_absent(path, what="image")
        with self.cleaned({"niter": 0}) as (base, _):
            with CasaImage.open(f"{base}.sumwt") as image:
                sums = np.asarray(image.read(), dtype=np.float32)
            seen = f"{base}.weight" if os.path.isdir(f"{base}.weight") else f"{base}.residual"
            with CasaImage.open(seen) as image:
                weight = np.asarray(image.read()) if seen.endswith("weight") else np.ones(image.shape, np.float32)
                self.write_like(path, image.coordinates, (weight * sums).astype(np.float32))

    def write_like(
        self, path: str, coordinates: Any, pixels: np.ndarray, unit: str = "", beam: GaussianBeam | None = None
    ) -> None:
        """Write an image (chan, pol, y, x) with coordinates of this image."""
        with staged_output(path) as staged, CasaImage.create(staged, pixels.shape, coordinates, np.float32, unit=unit) as image:
            image.write(pixels)
            if beam is not None:
                image.beams = BeamSet.single(Beam.from_rad(beam.major_rad, beam.minor_rad, beam.angle_rad))

    def centre(self) -> Any:
        """Phase centre of the image."""
        run = self.run()
        try:
            return run.data.centre
        finally:
            run.close()

    def blank(self) -> tuple[Any, tuple[int, ...]]:
        """Coordinates and shape of the image."""
        run = self.run()
        try:
            plan = run.plans[0]
            return plan.coordinates, plan.beam_power.shape
        finally:
            run.close()

    @contextmanager
    def cleaned(
        self,
        changes: Mapping[str, Any],
        components: str = "",
        more: Sequence[Mapping[str, Any]] = (),
        tune: Callable[[list[FieldImages]], None] | None = None,
    ) -> Iterator[tuple[str, dict[str, Any]]]:
        """Images of a tclean run of this image with further parameters, in a folder that is removed afterwards.

        Parameters
        ----------
        changes : mapping
        components : str
            List of components that are taken away from the data first.
        more : sequence of mapping
            Parameters of further image fields; the names of their images begin with that of the main ones and ``-1``, ``-2``, ...
        tune : callable, optional
            As in `RunInput`.

        Yields
        ------
        str, dict
            Beginning of the images' names, and the record of the iterations.
        """
        self._require_baselines()
        sky = open_sky_model([], components) if components else None

        def prepare(sources: list[DataSource]) -> None:
            self._prepare(sources)
            if sky is not None:
                _take_away(sky, sources)

        folder = tempfile.mkdtemp(prefix=".imager-", dir=os.getcwd())
        base = os.path.join(folder, "image")
        try:
            run = self.run()
            record = run.images[0] | {"imagename": base, **changes}
            if more:
                record["outlierfile"] = _outlier_file(os.path.join(folder, "fields"), base, more)
            request = tclean_request(run.selections, record, run.weighting)
            yield base, run_tclean(request, ["taskname=imager"], RunInput(run.chosen(), prepare, self.given_density, tune))
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def clean(
        self,
        algorithm: str,
        niter: int,
        gain: float,
        threshold: Any,
        fields: Sequence[FieldNames],
        per_cycle: int = -1,
        interactive: bool = False,
        components: str = "",
        entropy: EntropyGoal | None = None,
    ) -> dict[str, Any]:
        """Clean the image, and others with it.

        Parameters
        ----------
        algorithm : str
        niter, gain, threshold
            As in tclean.
        fields : sequence of FieldNames
            The image that is defined, whose model is gone on from where there is one. With several ones each has the pixels of its model, which is there.
        per_cycle : int
            Iterations of a minor cycle; -1 for no limit.
        interactive : bool
            A person draws the mask and steers.
        components : str
            List of components that are taken away from the data, and are in the restored images.
        entropy : EntropyGoal, optional
            For maximum entropy.

        Returns
        -------
        dict
            iterations, maxresidual [Jy/beam] and whether it converged.

        Raises
        ------
        ParameterError, PathMissingError
            There is no such algorithm, or a model that is fixed or one of several ones is not there.
        """
        name = _ALGORITHMS.get(algorithm.lower())
        if name is None:
            raise ParameterError(
                f"imager.clean: parameter 'algorithm' must be one of {', '.join(_ALGORITHMS)}; got {algorithm!r}"
            )
        self.scale.require(len(fields), self.has_beams)
        for one in fields:
            if one.is_fixed or len(fields) > 1:
                require_present(one.model, "model image")
        changes: dict[str, Any] = {
            "deconvolver": name, "niter": 0 if all(f.is_fixed for f in fields) else niter, "gain": gain, "threshold": threshold, "cycleniter": per_cycle,
            "scales": self.scales, "smallscalebias": self.bias, "nterms": self.terms, "interactive": interactive,
        }  # fmt: skip
        changes |= self.cycles
        with tempfile.TemporaryDirectory(prefix=".masks-", dir=os.getcwd()) as masks:
            grids = [self._field(one, k, len(fields) > 1, masks) for k, one in enumerate(fields)]
            tune = entropy.tune if entropy is not None else None
            with self.cleaned(changes | grids[0], components, grids[1:], tune) as (base, record):
                peak = 0.0
                for number, one in enumerate(fields):
                    own = f"{base}-{number}" if number else base
                    peak = max(
                        peak, self._take(one, number, own, ".tt0" if name == "mtmfs" else "", changes["niter"] > 0, components)
                    )
        return {"converged": record["stopcode"] in (2, 8), "iterations": int(record["iterdone"]), "maxresidual": peak}

    def _field(self, one: FieldNames, number: int, is_several: bool, folder: str) -> dict[str, Any]:
        """tclean's parameters of a field."""
        found: dict[str, Any] = {"mask": one.mask}
        if one.model and os.path.isdir(one.model):
            found["startmodel"] = one.model
            if is_several:
                found |= _grid_of(one.model)
        if one.is_fixed and is_several:
            # Nothing is cleaned where the mask is blank.
            found["mask"] = os.path.join(folder, f"blank-{number}")
            with CasaImage.open(one.model) as image:
                write_blank(found["mask"], image.coordinates, image.shape)
        return found

    @property
    def has_beams(self) -> bool:
        """Images are of the sky times primary beams."""
        return self.uses_beam or self.gridding["gridder"] in ("mosaic", "awproject")

    def _take(self, one: FieldNames, number: int, base: str, suffix: str, is_restored: bool, components: str) -> float:
        """Put the images of a field where they are wanted; the peak of its residual [Jy/beam]."""
        with CasaImage.open(f"{base}.residual{suffix}") as image:
            peak = float(np.abs(image.read()).max())
        if one.image and (components or not is_restored):
            beam = fit_psf_image(f"{base}.psf{suffix}")
            remove_output(f"{base}.image{suffix}")
            restore_image(f"{base}.model{suffix}", f"{base}.residual{suffix}", f"{base}.image{suffix}", beam, components)
        self.scale.apply(base, suffix, number, self.gridding["gridder"], self.has_beams)
        for kind, target in (("model", one.model), ("image", one.image), ("residual", one.residual), ("psf", one.psf)):
            if target and not (kind == "model" and one.is_fixed):
                remove_output(target)
                os.rename(f"{base}.{kind}{suffix}", target)
        return peak

    def residual(self, model: str, outputs: list[str], components: str = "") -> None:
        """Write the residual image of the data less a model image and components to all of the names given."""
        if model or not components:
            require_present(model, "model image")
        for name in outputs:
            require_absent(name, what="image")
        with self.cleaned({"startmodel": model, "niter": 0}, components) as (base, _):
            for name in outputs:
                with staged_output(name) as staged:
                    shutil.copytree(base + ".residual", staged)

    def advise(self, amplitude_loss: float, field_of_view_rad: float) -> tuple[int, float, int, str]:
        """Pixels, cell [rad], facets and phase centre for the data selected.

        Notes
        -----
        Cells are half of the inverse of the greatest u or v in wavelengths. Facets are as many as keep the phase of what a plane through all (u, v, w)
        leaves of w below what loses so much amplitude at a facet's edge.
        """
        run = SynthesisRun()
        run.selections = [{"datacolumn": "data", **self.selection}]
        run.images = [{"imagename": "image", "imsize": [64], "cell": ["1arcsec"], "pblimit": -0.1}]
        try:
            data = run.data
            uvw = np.concatenate([block.uvw_m * (block.freq_hz.max() / SPEED_OF_LIGHT_M_S) for block in data.blocks()])
            centre = data.centre
        finally:
            run.close()
        longest = float(np.abs(uvw[:, :2]).max())
        if longest <= 0:
            raise DataError("imager.advise: the data selected have no baselines")
        cell = 0.5 / longest
        pixels = max(64, _composite(field_of_view_rad / cell))
        solved = np.linalg.lstsq(uvw[:, :2], uvw[:, 2], rcond=None)[0]
        left = float(np.sqrt(np.mean(np.square(uvw[:, 2] - uvw[:, :2] @ solved))))
        reach = np.sqrt(np.arccos(1.0 - min(amplitude_loss, 1.0)) / (np.pi * left)) if left > 0 else np.inf
        facets = max(1, int(np.ceil(0.5 * pixels * cell / reach)))
        return pixels, cell, facets, f"{centre.frame} {format_hms(centre.lon_rad, 2)} {format_dms(centre.lat_rad, 3, degrees=3)}"

    def beam_image(self, source: str, output: str) -> None:
        """Write the primary beam of the field selected on the grid of an image."""
        self._with_beam(source, output, lambda pixels, beam: np.broadcast_to(beam, pixels.shape))

    def apply_beam(self, source: str, output: str, divide: bool, pointed: Any = None, angle_rad: float | None = None) -> None:
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
        self._with_beam(source, output, made, pointed, angle_rad)

    def apply_beam_to_components(
        self, source: str, output: str, divide: bool, pointed: Any = None, angle_rad: float | None = None
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
        with self._opened_run(pointed) as run:
            for component in components:
                place = Direction(component.shape.lon_rad, component.shape.lat_rad, component.shape.frame)
                hz = component.spectrum.reference_hz
                grid = make_image_coordinates(
                    (1, 1), (1e-6, 1e-6), (place.lon_rad, place.lat_rad), [hz], direction_frame=place.frame
                )
                towards = run.data.centre if pointed is not None else None
                beam = float(
                    beam_planes(run.data.sources[0], grid, (1, 1), [hz], self.vptable, towards, angle_rad, self.squint)[0, 0, 0]
                )
                if divide and beam <= _LEAST_BEAM:
                    raise DataError(f"imager.pb: the primary beam is zero where component {len(found)} of {source!r} is")
                flux = component.flux
                factor = 1.0 / beam if divide else beam
                found.append(replace(component, flux=replace(flux, values=flux.values * factor, errors=flux.errors * factor)))
        ComponentList(found).write(output)

    @contextmanager
    def _opened_run(self, centre: Any = None) -> Iterator[SynthesisRun]:
        """The parts that make images, with another phase centre where one is given."""
        run = self.run()
        if centre is not None:
            run.images[0] |= {"phasecenter": centre}
        try:
            yield run
        finally:
            run.close()

    def _with_beam(
        self,
        source: str,
        output: str,
        made: Callable[[np.ndarray, np.ndarray], np.ndarray],
        pointed: Any = None,
        angle_rad: float | None = None,
    ) -> None:
        """Write what is made of the pixels of an image and the primary beam (chan, 1, y, x)."""
        require_absent(output, what="image")
        with self._opened_run(pointed) as run, CasaImage.open(source) as image:
            spectral = image.coordinates.spectral
            if image.coordinates.direction is None or spectral is None or image.ndim != 4:
                raise DataError(f"imager.pb: image {source!r} must have a sky plane, polarization and frequency")
            hz = np.ravel(spectral.to_world(np.arange(image.shape[0], dtype=np.float64)[None])) * spectral.hz
            towards = run.data.centre if pointed is not None else None
            size = (image.shape[2], image.shape[3])
            beams = beam_planes(run.data.sources[0], image.coordinates, size, hz, self.vptable, towards, angle_rad, self.squint)
            pixels = np.asarray(image.read())
            with staged_output(output) as staged, CasaImage.create(staged, image.shape, image.coordinates, np.float32) as out:
                out.copy_metadata_from(image)
                out.write(made(pixels, beams[:, None]))


def _divided(pixels: np.ndarray, beam: np.ndarray) -> np.ndarray:
    return np.divide(pixels, beam, out=np.zeros_like(pixels), where=beam > _LEAST_BEAM)


def _take_away(sky: SkyModel, sources: list[DataSource]) -> None:
    for source in sources:
        source.less = sky


def _outlier_file(path: str, base: str, fields: Sequence[Mapping[str, Any]]) -> str:
    """Write tclean's file of further image fields; gives its name."""
    with open(path, "w", encoding="utf-8") as stream:
        for number, own in enumerate(fields, 1):
            stream.writelines(f"{name}={value!r}\n" for name, value in {"imagename": f"{base}-{number}", **own}.items())
    return path


def _grid_of(path: str) -> dict[str, Any]:
    """tclean's parameters of the pixels of an image."""
    with CasaImage.open(path) as image:
        direction = image.coordinates.direction
        if direction is None or image.ndim != 4:
            raise DataError(f"image {path!r} must have a sky plane, polarization and frequency")
        ny, nx = image.shape[-2:]
        world = direction.to_world(np.array([[nx // 2], [ny // 2]], dtype=np.float64)).ravel()
        lon, lat = (float(v) * unit_factor(u)[0] for v, u in zip(world, direction.units, strict=True))
        cells = [f"{abs(float(c))!r}rad" for c in direction.increment_rad]
    return {"imsize": [int(nx), int(ny)], "cell": cells, "phasecenter": f"{direction.frame} {lon!r}rad {lat!r}rad"}


def _composite(least: float) -> int:
    """The next even number of factors 2, 3 and 5."""
    size = int(np.ceil(least))
    size += size % 2
    while True:
        left = size
        for factor in (2, 3, 5):
            while left > 1 and left % factor == 0:
                left //= factor
        if left <= 1:
            return size
        size += 2


def _component_pixels(components: str, like: CasaImage) -> np.ndarray:
    """Flux densities [Jy/pixel] of a list of components in the pixels of an image."""
    with tempfile.TemporaryDirectory(prefix=".components-", dir=os.getcwd()) as folder:
        path = os.path.join(folder, "sky")
        write_component_image(path, like.shape, like.coordinates, components_from(components))
        with CasaImage.open(path) as image:
            return np.asarray(image.read(), dtype=np.float32)


def fit_psf_image(path: str) -> GaussianBeam:
    """The Gaussian fitted to the first plane of a point spread function.

    Raises
    ------
    PathMissingError, DataError
        The image is not there, or has no sky plane or no main lobe.
    """
    with CasaImage.open(path) as image:
        direction = image.coordinates.direction
        if direction is None or image.ndim != 4:
            raise DataError(f"image {path!r} must have a sky plane, polarization and frequency")
        plane = np.asarray(image.read((slice(0, 1), slice(0, 1))))[0, 0]
        cell = (abs(float(direction.increment_rad[0])), abs(float(direction.increment_rad[1])))
    if not plane.any():
        raise DataError(f"the point spread function {path!r} is blank")
    return fit_beam((plane / plane.max()).astype(np.float32), cell)


def restore_image(
    model: str, residual: str, output: str, beam: GaussianBeam, components: str = "", is_normalized: bool = True
) -> None:
    """Write a model [Jy/pixel] and a list of components convolved with a beam, and a residual added where one is named.

    The beam has a peak of 1, or a sum of 1 without `is_normalized`.

    Raises
    ------
    PathMissingError, OutputExistsError, DataError
        An image is missing or the output is there, or the images do not fit.
    """
    require_absent(output, what="image")
    with CasaImage.open(model) as image:
        direction = image.coordinates.direction
        if direction is None or image.ndim != 4:
            raise DataError(f"image {model!r} must have a sky plane, polarization and frequency")
        cell = (abs(float(direction.increment_rad[0])), abs(float(direction.increment_rad[1])))
        sky = np.asarray(image.read(), dtype=np.float32)
        if components:
            sky = sky + _component_pixels(components, image)
        left = np.zeros_like(sky)
        if residual:
            with CasaImage.open(residual) as other:
                if other.shape != image.shape:
                    raise DataError(
                        f"residual {residual!r} of shape {other.shape[::-1]} does not fit model {model!r} of shape {image.shape[::-1]}"
                    )
                left = np.asarray(other.read(), dtype=np.float32)
        scale = np.float32(1.0 if is_normalized else cell[0] * cell[1] / beam.area_rad2)
        with (
            staged_output(output) as staged,
            CasaImage.create(
                staged, sky.shape, image.coordinates, np.float32, unit="Jy/beam" if is_normalized else "Jy/pixel"
            ) as made,
        ):
            for chan in range(sky.shape[0]):
                planes = [scale * restore(sky[chan, p], left[chan, p], beam, beam, cell) for p in range(sky.shape[1])]
                made.write(np.stack(planes), (slice(chan, chan + 1),))
            made.beams = BeamSet.single(Beam.from_rad(beam.major_rad, beam.minor_rad, beam.angle_rad))
