"""Imaging step by step: the major-cycle half of the synthesis tools, whose images on disk are sums that are not normalized yet.

`SynthesisRun` is what `synthesisimager` drives. Between its steps everything is on disk, as in the reference: ``.psf``, ``.residual``, ``.weight`` and
``.sumwt`` hold sums, which the functions of `normalization` divide, and ``.model`` is read at the beginning of each major cycle: flux densities on the
sky, which `normalization` makes of those of a mosaic that the beam is still in. Cubes are normalized here, as in the reference; their images say so,
and `normalization` leaves them as they are.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from typing import Any

import numpy as np

from casatools._base.errors import DataError, NotOpenError, ParameterError, SelectionError, UnsupportedError
from casatools._base.paths import require_present, staged_output
from casatools.frames.quantities import parse_quantity, to_unit
from casatools.imaging.channel_advice import hertz
from casatools.imaging.imager import Imager, ImagingData
from casatools.imaging.model_column import save_model_column
from casatools.imaging.mosaic import MosaicField
from casatools.imaging.mosaic_terms import MosaicTermField
from casatools.imaging.normalization import NORMALIZED, Normalization
from casatools.imaging.partitions import data_selection, spw_for_range
from casatools.imaging.products import ImageWriter, beam_set, read_planes, staged_images
from casatools.imaging.request import TcleanRequest
from casatools.imaging.tclean_data import phase_centre, prepare_data
from casatools.imaging.tclean_images import FieldImages, mosaic_beams, plan_images
from casatools.imaging.visibilities import DataSource, open_sources
from casatools.imaging.weighting import counted_hands
from casatools.io.image import CasaImage
from casatools.io.image.coordinates import Coordinates
from casatools.io.image.coordinates.units import unit_factor
from casatools.io.ms import Selection

__all__ = ["SynthesisRun", "image_parameters", "tclean_request"]

_DEFAULTS: dict[str, Any] = {
    "vis": "", "selectdata": True, "field": "", "spw": "", "timerange": "", "uvrange": "", "antenna": "", "scan": "", "observation": "", "intent": "",
    "datacolumn": "corrected", "imagename": "", "imsize": [100], "cell": ["1arcsec"], "phasecenter": "", "stokes": "I", "projection": "SIN",
    "startmodel": "", "specmode": "mfs", "reffreq": "", "nchan": -1, "start": "", "width": "", "outframe": "LSRK", "veltype": "radio", "restfreq": [],
    "interpolation": "linear", "perchanweightdensity": True, "gridder": "standard", "facets": 1, "psfphasecenter": "", "wprojplanes": 1, "vptable": "",
    "mosweight": True, "aterm": True, "psterm": False, "wbawp": True, "conjbeams": False, "cfcache": "", "usepointing": False, "computepastep": 360.0,
    "rotatepastep": 360.0, "pointingoffsetsigdev": [], "pblimit": 0.2, "normtype": "flatnoise", "deconvolver": "hogbom", "scales": [], "nterms": 2,
    "smallscalebias": 0.0, "fusedthreshold": 0.0, "largestscale": -1, "restoration": True, "restoringbeam": [], "pbcor": False, "outlierfile": "",
    "weighting": "natural", "robust": 0.5, "noise": "1.0Jy", "npixels": 0, "uvtaper": [], "niter": 0, "gain": 0.1, "threshold": 0.0, "nsigma": 0.0,
    "cycleniter": -1, "cyclefactor": 1.0, "minpsffraction": 0.05, "maxpsffraction": 0.8, "interactive": False, "nmajor": -1, "fullsummary": False,
    "usemask": "user", "mask": "", "pbmask": 0.0, "sidelobethreshold": 3.0, "noisethreshold": 5.0, "lownoisethreshold": 1.5, "negativethreshold": 0.0,
    "smoothfactor": 1.0, "minbeamfrac": 0.3, "cutthreshold": 0.01, "growiterations": 75, "dogrowprune": True, "minpercentchange": -1.0, "verbose": False,
    "fastnoise": True, "restart": True, "savemodel": "none", "calcres": True, "calcpsf": True, "psfcutoff": 0.35, "parallel": False,
}  # fmt: skip
_SELECTION = {
    "msname": "vis", "field": "field", "spw": "spw", "timestr": "timerange", "uvdist": "uvrange", "antenna": "antenna", "scan": "scan",
    "obs": "observation", "state": "intent", "datacolumn": "datacolumn",
}  # fmt: skip
# Names that the reference's parts give each other and that say nothing to ours.
_NOT_HERE = frozenset(
    (
        "overwrite",
        "padding",
        "useautocorr",
        "usedoubleprec",
        "convfunc",
        "mterm",
        "chanchunks",
        "distance",  # told to the data, see SynthesisRun
        "dopbcorr",
        "ntaylorterms",
        "id",
        "cflist",
        "freqframevalid",
        "obslocation_rec",
        "phasecenterfieldid",
    )
)
# Parameters of the reference that have one value here.
_ONLY: dict[str, Any] = {
    "clipminmax": False, "convertfirst": "never", "convsupport": -1, "gwidth": "-1 ", "jwidth": "-1 ", "minweight": 0.0,
    "pointingcolumntouse": "", "skyposthreshold": 0.0, "truncate": "-1 ", "sysvel": "", "sysvelframe": "",
}  # fmt: skip


def image_parameters(coordinates: Coordinates) -> dict[str, Any]:
    """The parameters of an image that has these coordinates: cell and phasecenter, and of a cube start, width, outframe and restfreq.

    Raises
    ------
    ParameterError
        There is no direction or no frequency among them.
    """
    sky, spectral = coordinates.direction, coordinates.spectral
    if sky is None or spectral is None:
        raise ParameterError("the coordinates of an image, csys, must hold directions and frequencies")
    lon, lat = (float(v) * unit_factor(u)[0] for v, u in zip(sky.reference_value, sky.units, strict=True))
    cells = [abs(float(v)) * unit_factor(u)[0] for v, u in zip(sky.increment, sky.units, strict=True)]
    first, second = (float(v) for v in spectral.frequencies_hz(2))
    found: dict[str, Any] = {
        "phasecenter": f"{sky.frame} {lon!r}rad {lat!r}rad", "cell": [f"{c!r}rad" for c in cells],
        "start": f"{first!r}Hz", "width": f"{second - first!r}Hz", "outframe": spectral.frame,
    }  # fmt: skip
    rest = spectral.rest_frequencies
    return found | ({"restfreq": [f"{float(rest[spectral.rest_index])!r}Hz"]} if len(rest) else {})


def tclean_request(selections: Sequence[Mapping[str, Any]], *records: Mapping[str, Any]) -> TcleanRequest:
    """The request that selections (one a MeasurementSet) and records of image, gridding and weighting parameters make.

    Raises
    ------
    ParameterError, UnsupportedError
        A value is wrong, or not there yet.
    """
    found = dict(_DEFAULTS)
    for name, target in _SELECTION.items():
        values = [s[name] for s in selections if name in s]
        if values:
            found[target] = values if target != "datacolumn" else values[0]
    for record in records:
        for name, value in record.items():
            if name in _DEFAULTS or name == "fieldofview":
                found[name] = value.tolist() if isinstance(value, np.ndarray) else value
            elif name in _ONLY:
                if value != _ONLY[name]:
                    raise UnsupportedError(f"imaging parameter {name}={value!r} is not there; leave it at {_ONLY[name]!r}")
            elif name not in _NOT_HERE:
                raise ParameterError(f"there is no imaging parameter {name!r}; there are {', '.join(sorted(_DEFAULTS))}")
    if width := found.pop("fieldofview", None):
        found["npixels"] = _counted_pixels(width, found["weighting"], found["cell"])
    return TcleanRequest(**found)


def _counted_pixels(width: Any, scheme: str, cell: Any) -> int:
    """Pixels of the field of view whose inverse is the size of the cells that samples are counted in.

    Raises
    ------
    ParameterError
        It is no angle, narrower than two pixels, or superuniform weights have boxes of cells instead.
    """
    if scheme == "superuniform":
        raise ParameterError(
            "weights of type 'superuniform' count over 'npixels' cells on either side; 'fieldofview' is for uniform and briggs"
        )
    pixel = to_unit(str((cell if isinstance(cell, (list, tuple, np.ndarray)) else [cell])[0]), "rad")
    count = int(float(to_unit(width, "rad")) / float(pixel) + 1e-6)
    if count < 2:
        raise ParameterError(f"parameter 'fieldofview' must be at least two pixels wide; got {width!r}")
    return count


def _distance_m(value: Any) -> float:
    """Distance of a near source in the middle of the image; 0 for one that is far.

    Raises
    ------
    ParameterError
        It is no length, or negative.
    """
    if value is None or (isinstance(value, (str, dict, list)) and not value):
        return 0.0
    number, unit = parse_quantity(value)
    found = float(to_unit({"value": number, "unit": unit or "m"}, "m"))
    if found < 0:
        raise ParameterError(f"parameter 'distance' must not be negative; got {value!r}")
    return found


class SynthesisRun:
    """Data selected and images defined, gridded on demand.

    Attributes
    ----------
    selections : list of dict
    images : list of dict
        Image and gridding parameters of each image field, the main one first.
    weighting : dict
    normalizing : dict
        pblimit, normtype and psfcutoff, where the images do not say them.
    prepare : callable, optional
        Changes what is read of the data sources.
    """

    def __init__(self) -> None:
        self.selections: list[dict[str, Any]] = []
        self.images: list[dict[str, Any]] = []
        self.weighting: dict[str, Any] = {}
        self.normalizing: dict[str, Any] = {}
        self.prepare: Callable[[list[DataSource]], None] | None = None
        self._sources: list[DataSource] = []
        self._plans: list[FieldImages] = []
        self._imager: Imager | None = None
        self._weighed = False
        # A density of uv samples (plane, x, y) that is used in the place of the data's own.
        self.given_density: np.ndarray | None = None

    @property
    def requests(self) -> list[TcleanRequest]:
        """What is asked for, an item an image field.

        Raises
        ------
        NotOpenError
            No data are selected or no image is defined.
        """
        if not self.selections:
            raise NotOpenError("no data are selected; call selectdata or setdata first")
        if not self.images:
            raise NotOpenError("no image is defined; call defineimage or setimage first")
        return [tclean_request(self.selections, self.normalizing, image, self.weighting) for image in self.images]

    def chosen(self) -> list[Selection]:
        """What is selected of each MeasurementSet, ranges of frequencies as channels.

        Raises
        ------
        ParameterError, SelectionError
            A frequency cannot be read, or no channel has those asked for.
        """
        found = []
        for given in self.selections:
            selection = data_selection(given)
            edges = [hertz(given[name]) for name in ("freqbeg", "freqend") if given.get(name)]
            if edges:
                low, high = (edges * 2)[:2]
                spw = spw_for_range(given, min(low, high), max(low, high), str(given.get("freqframe") or "LSRK"))
                if spw == "-1":
                    raise SelectionError(
                        f"no selected channel of {given['msname']!r} is at {given.get('freqbeg')!r} to {given.get('freqend')!r}"
                    )
                selection = replace(selection, spw=spw)
            found.append(selection)
        return found

    def changed(self) -> None:
        """Data, images or weights are other ones now."""
        self.close()

    def close(self) -> None:
        """Let go of the MeasurementSets."""
        for source in self._sources:
            source.close()
        self._sources, self._plans, self._imager, self._weighed = [], [], None, False

    def _open(self, sky_models: bool = True) -> tuple[Imager, list[FieldImages]]:
        """Open the data; models of mosaics are flux densities on the sky then, unless they are cubes or that is not asked for."""
        if self._imager is None:
            requests = self.requests
            first = requests[0]
            if any(r.specmode == "mvc" for r in requests):
                raise UnsupportedError(
                    "the synthesis tools make virtual cubes in steps: image specmode='cube', and sum it with synthesisutils.cube_to_taylor_sum"
                )
            writable = any(bool(s.get("usescratch")) for s in self.selections)
            self._sources = open_sources(first.paths, self.chosen(), first.datacolumn, writable)
            try:
                for source in self._sources:
                    source.distance_m = _distance_m(self.images[0].get("distance"))
                if self.prepare is not None:
                    self.prepare(self._sources)
                data = prepare_data(first, self._sources)
                centres = [data.centre, *(phase_centre(r, self._sources) for r in requests[1:])]
                self._plans = [plan_images(r, data, c, k) for k, (r, c) in enumerate(zip(requests, centres, strict=True))]
                for plan in self._plans:
                    if sky_models and isinstance(plan.image, MosaicField) and not _is_normalized(plan):
                        plan.image.use = replace(plan.image.use, normtype="flatsky")
                self._imager = Imager(
                    data,
                    [plan.image for plan in self._plans],
                    first.weighting_options,
                    first.perchanweightdensity,
                    first.psfcutoff,
                )
            except BaseException:
                self.close()
                raise
        return self._imager, self._plans

    @property
    def data(self) -> ImagingData:
        """The visibilities."""
        return self._open()[0].data

    @property
    def plans(self) -> list[FieldImages]:
        """The image fields."""
        return self._open()[1]

    def _weigh(self, imager: Imager) -> None:
        if self._weighed:
            return
        imager.gather_some()
        imager.given_density = self.given_density
        imager.take_given_density()
        imager.weights.finish()
        self._weighed = True

    def density(self) -> np.ndarray:
        """The density of uv samples (plane, x, y) float64: sums of weights in uv cells; of no cells where the weighting has none.

        Raises
        ------
        DataError
            All selected data are flagged.

        Notes
        -----
        Where each field of a mosaic has a density of its own, those of one field come after the other's.
        """
        imager = self._open()[0]
        if not imager.weights.needs_density:
            return np.zeros((0, 0, 0))
        imager.gather_some()
        return imager.weights.grids()

    def weighed(self) -> Imager:
        """The imager with its weights ready to be asked for.

        Raises
        ------
        DataError
            All selected data are flagged.
        """
        imager = self._open()[0]
        self._weigh(imager)
        return imager

    def write_density(self) -> str:
        """Write ``.gridwt``, the density of uv samples of the main image: sums of weights in uv cells.

        Returns
        -------
        str
            Its path; empty where the weighting needs none.

        Raises
        ------
        DataError, UnsupportedError
            All selected data are flagged, or each field has a density of its own.
        """
        imager, plans = self._open()
        weights = imager.one_density()
        if weights is None:
            return ""
        weights.take_sums({None: (np.zeros_like(weights.density), np.zeros_like(weights.total))})
        imager.gather_some()
        with staged_images(plans[0].base) as folder:
            self._writer(plans[0], folder).write("gridwt", _density_planes(weights.density).astype(np.float32))
        weights.finish()
        self._weighed = True
        return os.path.abspath(plans[0].base + ".gridwt")

    def take_density(self, path: str = "") -> bool:
        """Weight with a density from an image, ``.gridwt`` of the main image when none is named; False where the weighting needs none.

        Raises
        ------
        PathMissingError, DataError, UnsupportedError
            The image is not there or does not fit, or each field has a density of its own.
        """
        imager, plans = self._open()
        weights = imager.one_density()
        if weights is None:
            return False
        path = path or plans[0].base + ".gridwt"
        require_present(path, "image")
        found = read_planes(path, _density_planes(weights.density).shape)
        imager.gather()
        total = found.sum(axis=(1, 2, 3), dtype=np.float64)
        weights.take_sums({None: (_density_planes(found[:, 0]).astype(np.float64)[:, 0], total)})
        weights.finish()
        self._weighed = True
        return True

    def make_psf(self) -> None:
        """Write ``.psf``, ``.sumwt`` and the ``.weight`` of mosaics: sums of weights, not divided by anything; cubes are normalized.

        Raises
        ------
        CasaError
            Data or parameters do not allow it; nothing is written then.
        """
        imager, plans = self._open()
        self._weigh(imager)
        for plan in plans:
            plan.image.forget_psf()
        imager.grid_psf()
        imager.require_samples()
        for plan in plans:
            if _is_normalized(plan):
                plan.image.finish_psf(imager.psf_cutoff)
            else:
                plan.image.shape_psf()
        self._write(plans, ("psf", "sumwt", "weight"))

    def major_cycle(self) -> None:
        """Write ``.residual``: the data less ``.model`` where there is one, as sums that are not divided by anything; cubes are normalized."""
        imager, plans = self._open()
        self._weigh(imager)
        cubes = [plan for plan in plans if _is_normalized(plan)]
        for plan in cubes:
            _recall_sums(plan)
        mosaic_beams(cubes)
        for plan in plans:
            self._read_model(plan)
            plan.image.begin_residual()
        imager.grid_residual()
        for plan in cubes:
            plan.image.finish_residual()
        self._write(plans, ("residual",))

    def make_pb(self) -> None:
        """Write ``.pb``, the primary beam; that of a mosaic is known once its point spread function has been made."""
        _, plans = self._open()
        for plan in plans:
            if isinstance(plan.image, MosaicField):
                _recall_sums(plan)
        mosaic_beams(plans)
        self._write(plans, ("pb",))

    def predict_model(self) -> None:
        """Fill MODEL_DATA with the visibilities of ``.model``."""
        imager, plans = self._open()
        if not all(self._read_model(plan) for plan in plans):
            raise DataError(f"there is no model image {plans[0].base}.model to predict from")
        save_model_column(imager.data, [plan.image for plan in plans], any(bool(s.get("incrmodel")) for s in self.selections))

    def _read_model(self, plan: FieldImages) -> bool:
        planes = plan.image.planes
        names = [f"{plan.base}.{suffix}" for suffix in plan.suffixes("model")]
        planes.model[...] = 0
        if not all(os.path.isdir(name) for name in names):
            return False
        if plan.request.terms:
            for term, name in enumerate(names):
                planes.model[term] = read_planes(name, (1, *planes.model.shape[1:]))[0]
        else:
            planes.model[...] = read_planes(names[0], planes.model.shape)
        return True

    def _write(self, plans: list[FieldImages], kinds: tuple[str, ...]) -> None:
        with ExitStack() as stack:
            for plan in plans:
                folder = stack.enter_context(staged_images(plan.base))
                self._write_field(plan, folder, kinds)

    def _writer(self, plan: FieldImages, folder: str) -> ImageWriter:
        source = self.data.sources[0]
        name = source.ms.metadata.fields[int(source.field_ids[0])].name
        return ImageWriter(
            folder, plan.base, plan.coordinates, source.telescope, name, ["taskname=synthesisimager"], "synthesisimager"
        )

    def _write_field(self, plan: FieldImages, folder: str, kinds: tuple[str, ...]) -> None:
        data, planes = self.data, plan.image.planes
        writer = self._writer(plan, folder)
        npol = planes.residual.shape[1]
        hands = np.float32(counted_hands(data.labels))
        sums = np.repeat((planes.sumwt * float(hands)).astype(np.float32)[:, None, None, None], npol, axis=1)
        done = _is_normalized(plan)
        factor = np.float32(1.0) if done else hands
        note = {NORMALIZED: "synthesisimager"} if done else {}
        if "psf" in kinds:
            psf = np.repeat(planes.psf[:, None], npol, axis=1) * factor
            for k, (part, suffix) in enumerate(_parts(plan, "psf", len(psf))):
                beams = beam_set(planes.beams, npol) if done and k == 0 else None
                writer.write(suffix, psf[part], beams=beams, note=note)
        if "sumwt" in kinds:
            for part, suffix in _parts(plan, "sumwt", len(sums)):
                writer.write(suffix, sums[part])
        if "weight" in kinds and isinstance(plan.image, MosaicField):
            weights = _weight_images(plan.image)
            # All terms are divided by the sum of weights of the first.
            scale = 1.0 if done else float(planes.sumwt[0]) * factor
            for part, suffix in _parts(plan, "weight", len(weights)):
                own = np.broadcast_to(weights[part], (len(weights[part]), npol, *weights.shape[2:]))
                writer.write(suffix, own * np.float32(scale), note=note)
        if "residual" in kinds:
            mask = plan.limited if done else None
            for part, suffix in _parts(plan, "residual", len(planes.residual)):
                writer.write(suffix, planes.residual[part] * factor, "Jy/beam", mask=mask, note=note)
        if "pb" in kinds:
            suffix = plan.suffixes("pb", 1)[0]
            writer.write(suffix, np.where(plan.seen, plan.beam_power, 0.0), mask=plan.seen)

    def make_image(self, kind: str, path: str, number: int = 0, complex_path: str = "") -> None:
        """Write one normalized image of the data, for a look.

        Parameters
        ----------
        kind : str
            observed, corrected, model, residual or psf. The residual is the data less the model column.
        path : str
        number : int
            Of the image field whose coordinates it gets.
        complex_path : str
            Where an image of complex numbers is to be as well, whose real part is the image: its imaginary part is that of the data's transform, in which
            each baseline is once.

        Raises
        ------
        ParameterError
            There is no such kind, or field.
        """
        if not 0 <= number < len(self.images):
            raise ParameterError(f"there is no image field {number}; there are {len(self.images)}")
        columns = {"observed": "data", "corrected": "corrected", "model": "model", "residual": "residual", "psf": "data"}
        column = columns.get(kind.strip().lower())
        if column is None:
            raise ParameterError(f"images of type {kind!r} cannot be made; allowed are {', '.join(columns)}")
        is_psf = kind.strip().lower() == "psf"
        names = ("corrected", "model") if column == "residual" else (column, "")
        made, coordinates, telescope, title = self._make_plane(names, number, is_psf)
        base, _, suffix = os.path.basename(path).rpartition(".")
        with staged_images(path) as folder:
            writer = ImageWriter(
                folder, base or "image", coordinates, telescope, title, ["taskname=synthesisimager"], "synthesisimager"
            )
            writer.write(suffix, made, "Jy/beam")
            written = os.path.join(folder, f"{base or 'image'}.{suffix}")
            target = os.path.join(folder, os.path.basename(path))
            if written != target:
                os.rename(written, target)
        if complex_path:
            # The imaginary part of a number is the real part of -i times it.
            other = self._make_plane(names, number, is_psf, -1.0j)[0]
            with (
                staged_output(complex_path) as staged,
                CasaImage.create(staged, made.shape, coordinates, np.complex64, unit="Jy/beam") as image,
            ):
                image.write((made + 1.0j * other).astype(np.complex64))

    def _make_plane(
        self, columns: tuple[str, str], number: int, is_psf: bool, factor: complex = 1.0
    ) -> tuple[np.ndarray, Coordinates, str, str]:
        """Pixels of a column of the data, less those of another where one is named; coordinates, telescope and name of the field.

        With a factor the pixels are those of the data times the factor.
        """
        run = SynthesisRun()
        run.images, run.weighting, run.normalizing = [dict(self.images[number])], self.weighting, self.normalizing
        run.given_density, run.prepare = self.given_density, self.prepare
        parts = []
        for name in filter(None, columns):
            run.selections = [{**s, "datacolumn": name} for s in self.selections]
            try:
                imager, plans = run._open(sky_models=False)
                for source in imager.data.sources:
                    source.factor, source.is_unit = complex(factor), is_psf and factor != 1.0
                run._weigh(imager)
                image = plans[0].image
                imager.grid_psf()
                image.finish_psf(imager.psf_cutoff)
                whole = is_psf and factor == 1.0
                if not whole:
                    imager.major_cycle()
                planes = image.planes
                parts.append(
                    np.repeat(planes.psf[:, None], planes.residual.shape[1], axis=1) if whole else planes.residual.copy()
                )
                first = imager.data.sources[0]
                title = first.ms.metadata.fields[int(first.field_ids[0])].name
                seen = plans[0].coordinates, first.telescope, title
            finally:
                run.close()
        return (parts[0] if len(parts) == 1 else parts[0] - parts[1]), *seen


def _parts(plan: FieldImages, name: str, count: int) -> list[tuple[slice, str]]:
    """Which planes go into which image of a kind."""
    suffixes = plan.suffixes(name, count)
    if not plan.request.terms:
        return [(slice(None), suffixes[0])]
    return [(slice(k, k + 1), suffix) for k, suffix in enumerate(suffixes)]


def _density_planes(density: np.ndarray) -> np.ndarray:
    """Densities (plane, x, y) as the planes of an image (plane, 1, y, x), or the other way round."""
    return np.ascontiguousarray(density.transpose(0, 2, 1))[:, None]


def _is_normalized(plan: FieldImages) -> bool:
    """True for images that are divided by their weights here, as cubes are in the reference."""
    return not plan.request.is_continuum


def _weight_images(image: MosaicField) -> np.ndarray:
    """Weight images (chan or term, pol or 1, y, x)."""
    return image.term_weights if isinstance(image, MosaicTermField) else image.weight_image


def _recall_sums(plan: FieldImages) -> None:
    """Take the sums of weights, and the weight images of mosaics, from the images where this process has not made them.

    Raises
    ------
    DataError
        There are no such images.
    """
    image = plan.image
    if image.planes.sumwt.any():
        return
    stored = Normalization(plan.base, plan.request.terms)
    image.planes.sumwt[...] = stored.sums_of_weights()[: len(image.planes.sumwt)] / counted_hands(image.labels)
    if isinstance(image, MosaicField):
        for k, own in enumerate(_weight_images(image)):
            own[...] = stored.weight(k)[: len(own)]
        if isinstance(image, MosaicTermField):
            image.weight_image[0] = image.term_weights[0]
