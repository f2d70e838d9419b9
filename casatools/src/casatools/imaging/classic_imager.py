"""Imaging as the older imager tool does it: one MeasurementSet, one image, each step on request.

`ClassicImager` holds what was asked for and runs the parts that tclean is made of; images that it makes are those of tclean.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from casatools._base.errors import NotOpenError, ParameterError, UnsupportedError
from casatools._base.paths import remove_output, require_absent, require_present, staged_output
from casatools.calibration.predict_sky import SkyModel, open_sky_model
from casatools.imaging.beam_fit import GaussianBeam
from casatools.imaging.classic_fields import EntropyGoal, FieldNames, grid_of, write_outliers
from casatools.imaging.classic_images import fit_psf_image, restore_image
from casatools.imaging.flux_scale import FluxScale
from casatools.imaging.mask_shapes import write_blank
from casatools.imaging.pointed_beams import beam_planes
from casatools.imaging.primary_beam import nominal_dish_m
from casatools.imaging.stepwise import SynthesisRun, tclean_request
from casatools.imaging.tclean_images import FieldImages
from casatools.imaging.tclean_run import RunInput, run_tclean
from casatools.imaging.visibilities import DataSource
from casatools.io.image import Beam, BeamSet, CasaImage

__all__ = ["ClassicImager"]

# Names of the older tool for the deconvolvers that tclean has; "mf" and "cs" ones alternate minor and major cycles, as all of ours do.
_ALGORITHMS = {
    "clark": "clark", "mfclark": "clark", "csclean": "clark", "wfclark": "clark", "hogbom": "hogbom", "mfhogbom": "hogbom", "wfhogbom": "hogbom",
    "cs": "clark", "multiscale": "multiscale", "mfmultiscale": "multiscale", "msmfs": "mtmfs", "clarkstokes": "clarkstokes",
    "mfclarkstokes": "clarkstokes", "mem": "mem", "asp": "asp",
}  # fmt: skip


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
        # Of clean: what tclean has of cycles, and what only `MinorOptions` has.
        self.cycles: dict[str, Any] = {}
        self.minor: dict[str, Any] = {}
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
                record["outlierfile"] = write_outliers(os.path.join(folder, "fields"), base, more)
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

            def tune(plans: list[FieldImages]) -> None:
                for plan in plans:
                    own = entropy.options(plan) if entropy is not None else {}
                    plan.image.change_minor(**self.minor, **own)

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
                found |= grid_of(one.model)
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


def _take_away(sky: SkyModel, sources: list[DataSource]) -> None:
    for source in sources:
        source.less = sky
