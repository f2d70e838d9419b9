"""The synthesisimager tool: the major-cycle half of imaging, step by step."""

from __future__ import annotations

import os
from typing import Annotated, Any

import numpy as np

from casatools._base import kinds
from casatools._base.declare import method
from casatools._base.errors import ParameterError, UnsupportedError
from casatools._base.paths import require_absent
from casatools.frames.frequencies import frequency_frame
from casatools.frames.quantities import parse_quantity
from casatools.imaging.channel_advice import hertz
from casatools.imaging.model_column import save_model_column
from casatools.imaging.partitions import CHECKED_SELECTION
from casatools.imaging.stepwise import SynthesisRun, image_parameters
from casatools.tools.coordsys.structure import coordinates_from_tool_record
from casatools.tools.synthesisimstore import synthesisimstore

__all__ = ["synthesisimager"]

_Any = kinds.Variant()
Text = Annotated[str, kinds.Text(), "Selection, as in the tasks"]
Flag = Annotated[bool, kinds.Bool(), "A setting of the reference's gridders"]
_SCREENS = "the beams of A-projection are screens in the image plane, without convolution functions"
_NORMALIZING = ("pblimit", "normtype", "psfcutoff")
_IMAGES = {
    "IMAGE": "image",
    "RESIDUAL": "residual",
    "PSF": "psf",
    "MODEL": "model",
    "MASK": "mask",
    "PB": "pb",
    "SUMWT": "sumwt",
    "WEIGHT": "weight",
}


def _given(value: Any) -> bool:
    return not (value is None or (isinstance(value, (str, list, dict)) and not value))


def _text(value: Any) -> str:
    """A quantity as text."""
    if isinstance(value, str):
        return value
    number, unit = parse_quantity(value)
    return f"{number}{unit}"


class synthesisimager:
    """Grids visibilities to images on disk, for imaging loops that people write themselves.

    Images are sums that synthesisnormalizer divides. Every call reads what it needs from the disk and leaves its images there.
    """

    def __init__(self) -> None:
        self._run = SynthesisRun()

    @method
    def selectdata(self, selpars: Annotated[dict[str, Any], kinds.Record(), "msname, field, spw, ..."] = {}) -> bool:  # noqa: B006 - copied
        """Take a MeasurementSet and a selection of its data; once for each MeasurementSet.

        ``freqbeg`` and ``freqend`` select the channels that reach between them in ``freqframe`` while the fields were observed; ``taql`` is a condition
        on the rows that everything else selects, which ``ROWNUMBER()`` counts. With ``incrmodel`` `predictmodel` adds to the model that is there.

        Raises
        ------
        ParameterError
            No MeasurementSet is named, or a frequency or frame is wrong.
        """
        if not selpars.get("msname"):
            raise ParameterError("synthesisimager.selectdata: parameter 'selpars' must hold 'msname'")
        for name in ("freqbeg", "freqend"):
            if selpars.get(name):
                hertz(selpars[name], f"synthesisimager.selectdata: {name}")
        frequency_frame(str(selpars.get("freqframe") or "LSRK"))
        self._run.changed()
        self._run.selections.append(dict(selpars))
        return True

    @method
    def setdata(
        self,
        msname: Annotated[str, kinds.Text(), "MeasurementSet"] = "",
        spw: Text = "",
        freqbeg: Annotated[Any, _Any, "Lowest frequency"] = "",
        freqend: Annotated[Any, _Any, "Highest frequency"] = "",
        freqframe: Annotated[str, kinds.Text(), "Frame of the frequencies"] = "LSRK",
        field: Text = "",
        antenna: Text = "",
        timestr: Text = "",
        scan: Text = "",
        obs: Text = "",
        state: Text = "",
        uvdist: Text = "",
        taql: Text = "",
        usescratch: Annotated[bool, kinds.Bool(), "Write models into the MODEL_DATA column"] = False,
        readonly: Annotated[bool, kinds.Bool(), "Do not write to the MeasurementSet"] = False,
        incrmodel: Annotated[bool, kinds.Bool(), "Add to the model that is there"] = False,
    ) -> bool:
        """Take a MeasurementSet and a selection of its data; once for each MeasurementSet.

        Raises
        ------
        ParameterError
            No MeasurementSet is named, or a frequency or frame is wrong.
        """
        return self.selectdata({
            "msname": msname, "spw": spw, "field": field, "antenna": antenna, "timestr": timestr, "scan": scan, "obs": obs, "state": state,
            "uvdist": uvdist, "taql": taql, "usescratch": usescratch and not readonly, "incrmodel": incrmodel,
            "freqbeg": freqbeg, "freqend": freqend, "freqframe": freqframe,
        })  # fmt: skip

    @method
    def defineimage(
        self,
        impars: Annotated[dict[str, Any], kinds.Record(), "imagename, imsize, cell, ... as tclean has them"] = {},  # noqa: B006 - copied
        gridpars: Annotated[dict[str, Any], kinds.Record(), "gridder, ... as tclean has them"] = {},  # noqa: B006 - copied
    ) -> bool:
        """Define an image field: the main image first, then outliers.

        Coordinates in ``csys``, a record as getcsys and synthesisutils.cubedataimagepartition give it, say where the image is and which channels a cube has.
        With ``tracksource`` the image follows ``trackdir``, or what the first field follows.

        Raises
        ------
        ParameterError, UnsupportedError
            A parameter is wrong or not there yet.
        """
        record = impars.get("csys")
        own = image_parameters(coordinates_from_tool_record(record.get("coordsys", record))) if record else {}
        if own and not str(impars.get("specmode", "mfs")).startswith("cube"):
            own = {name: own[name] for name in ("phasecenter", "cell")}
        if gridpars.get("tracksource"):
            own["phasecenter"] = gridpars.get("trackdir") or "TRACKFIELD"
        given = {k: v for k, v in {**gridpars, **impars, **own}.items() if k not in ("csys", "trackdir", "tracksource")}
        return self._define(given)

    def _define(self, image: dict[str, Any]) -> bool:
        self._run.changed()
        self._run.images.append(image)
        if self._run.selections:
            try:
                _ = self._run.requests
            except BaseException:
                self._run.images.pop()
                raise
        return True

    @method
    def setimage(
        self,
        imagename: Annotated[str, kinds.Text(), "Beginning of the names of all images"] = "",
        nx: Annotated[int, kinds.Int(), "Pixels along x"] = 128,
        ny: Annotated[int, kinds.Int(), "Pixels along y; -1 as many as along x"] = -1,
        cellx: Annotated[Any, _Any, "Pixel size along x"] = [],  # noqa: B006 - not changed
        celly: Annotated[Any, _Any, "Pixel size along y; [] as along x"] = [],  # noqa: B006 - not changed
        stokes: Annotated[str, kinds.Text(), "Stokes planes"] = "I",
        phasecenter: Annotated[Any, _Any, "Direction or field"] = [],  # noqa: B006 - not changed
        nchan: Annotated[int, kinds.Int(), "Channels; -1 for a continuum image"] = -1,
        freqstart: Annotated[Any, _Any, "First channel, frequency or velocity of a cube"] = [],  # noqa: B006 - not changed
        freqstep: Annotated[Any, _Any, "Its step"] = [],  # noqa: B006 - not changed
        restfreq: Annotated[Any, _Any, "Rest frequency"] = [],  # noqa: B006 - not changed
        facets: Annotated[int, kinds.Int(), "Facets on a side"] = 1,
        ftmachine: Annotated[str, kinds.Text(), "Gridder"] = "gridft",
        ntaylorterms: Annotated[int, kinds.Int(), "Taylor terms"] = 1,
        reffreq: Annotated[Any, _Any, "Reference frequency of Taylor terms"] = [],  # noqa: B006 - not changed
        projection: Annotated[str, kinds.Text(), "Projection"] = "SIN",
        distance: Annotated[Any, _Any, "Distance of the source; far sources only"] = [],  # noqa: B006 - not changed
        freqframe: Annotated[str, kinds.Text(), "Frame of the cube"] = "LSRK",
        tracksource: Annotated[bool, kinds.Bool(), "Follow a moving source"] = False,
        trackdir: Annotated[Any, _Any, "Its name, or a table of its ephemeris; [] is what the first field follows"] = [],  # noqa: B006 - not changed
        overwrite: Annotated[bool, kinds.Bool(), "Replace images that are there; always done"] = True,
        padding: Annotated[
            float, kinds.Float(), "Padding of the reference's transform; the gridder chooses its own to be exact to 1e-5"
        ] = 1.0,
        useautocorr: Annotated[bool, kinds.Bool(), "Grid autocorrelations"] = False,
        usedoubleprec: Flag = True,
        wprojplanes: Annotated[int, kinds.Int(), "w planes; the w term is exact here"] = 1,
        convfunc: Annotated[str, kinds.Text(), "Convolution function of the reference"] = "SF",
        startmodel: Annotated[str, kinds.Text(), "Model to start from"] = "",
        aterm: Flag = True,
        psterm: Flag = True,
        mterm: Flag = False,
        wbawp: Flag = True,
        cfcache: Annotated[str, kinds.Text(), "Folder of convolution functions"] = "",
        usepointing: Flag = False,
        pointingoffsetsigdev: Annotated[Any, _Any, "Pointing offset tolerance"] = [],  # noqa: B006 - not changed
        dopbcorr: Flag = True,
        conjbeams: Flag = False,
        computepastep: Annotated[float, kinds.Float(), "Parallactic angle step [deg]"] = 360.0,
        rotatepastep: Annotated[float, kinds.Float(), "Rotation step [deg]"] = 5.0,
    ) -> bool:
        """Define an image field; as `defineimage`, with each parameter apart.

        Raises
        ------
        ParameterError, UnsupportedError
            A parameter is wrong or not there yet.
        """
        if useautocorr:
            raise UnsupportedError(
                "synthesisimager.setimage: useautocorr=True is not there: autocorrelations hold no fringes, and this tool makes no images of single dishes"
            )
        first = _text(cellx if _given(cellx) else "1arcsec")
        centre = phasecenter if _given(phasecenter) else ""
        if tracksource:
            centre = trackdir if _given(trackdir) else "TRACKFIELD"
        return self._define({
            "imagename": imagename, "imsize": [nx, nx if ny == -1 else ny], "cell": [first, _text(celly) if _given(celly) else first], "stokes": stokes,
            "phasecenter": centre, "specmode": "mfs" if nchan < 1 else "cube", "nchan": nchan if nchan > 0 else -1,
            "start": freqstart if _given(freqstart) else "", "width": freqstep if _given(freqstep) else "", "restfreq": restfreq if _given(restfreq) else [],
            "facets": facets, "gridder": ftmachine, "nterms": ntaylorterms, "deconvolver": "mtmfs" if ntaylorterms > 1 else "hogbom",
            "reffreq": reffreq if _given(reffreq) else "", "projection": projection, "outframe": freqframe, "wprojplanes": wprojplanes,
            "startmodel": startmodel, "usepointing": usepointing, "conjbeams": conjbeams, "cfcache": cfcache,
            "distance": distance if _given(distance) else "",
        })  # fmt: skip

    @method
    def setweighting(
        self,
        type: Annotated[str, kinds.Text(), "natural, uniform, superuniform, radial, briggs, ..."] = "natural",
        rmode: Annotated[str, kinds.Text(), "norm or abs for briggs"] = "norm",
        noise: Annotated[Any, _Any, "Noise for rmode abs"] = [],  # noqa: B006 - not changed
        robust: Annotated[float, kinds.Float(), "Robustness"] = 0.0,
        fieldofview: Annotated[Any, _Any, "Field of view for uniform weights; that of the image"] = [],  # noqa: B006 - not changed
        npixels: Annotated[int, kinds.Int(), "uv cells to count over"] = 0,
        multifield: Annotated[bool, kinds.Bool(), "Weight each field apart; for mosaics"] = False,
        usecubebriggs: Annotated[bool, kinds.Bool(), "Weight each channel apart, as perchanweightdensity"] = False,
        uvtaper: Annotated[Any, _Any, "Taper"] = [],  # noqa: B006 - not changed
    ) -> bool:
        """Set the weighting.

        Samples of uniform and robust weights are counted in cells of the inverse of ``fieldofview``.
        """
        name = "briggsabs" if type == "briggs" and rmode == "abs" else type
        found: dict[str, Any] = {"weighting": name, "robust": robust, "npixels": npixels, "mosweight": multifield}
        if _given(noise):
            found["noise"] = _text(noise)
        if _given(fieldofview) and float(parse_quantity(fieldofview)[0]) > 0:
            found["fieldofview"] = _text(fieldofview)
        if _given(uvtaper):
            found["uvtaper"] = [str(v) for v in np.atleast_1d(uvtaper)]
        if usecubebriggs:
            found["perchanweightdensity"] = True
        self._run.changed()
        self._run.weighting = found
        return True

    @method
    def makepsf(self) -> bool:
        """Write point spread functions and sums of weights.

        Raises
        ------
        CasaError
            Data or parameters do not allow it; nothing is written then.
        """
        self._run.make_psf()
        return True

    @method
    def executemajorcycle(
        self,
        controls: Annotated[dict[str, Any], kinds.Record(), "lastcycle: write the model column where that was asked for"] = {},  # noqa: B006 - copied
    ) -> bool:
        """Write the residual: the data less the model. Gives False, as in the reference.

        Raises
        ------
        CasaError
            Data or parameters do not allow it; nothing is written then.
        """
        self._run.major_cycle()
        if controls.get("lastcycle") and any(s.get("usescratch") for s in self._run.selections):
            save_model_column(self._run.data, [plan.image for plan in self._run.plans])
        return False

    @method
    def makepb(self) -> bool:
        """Write the primary beam."""
        self._run.make_pb()
        return True

    @method
    def predictmodel(self) -> bool:
        """Fill the MODEL_DATA column with the visibilities of the model images.

        Raises
        ------
        DataError
            There are none.
        """
        self._run.predict_model()
        return True

    @method
    def makeimage(
        self,
        type: Annotated[str, kinds.Text(), "observed, corrected, model, residual or psf"] = "observed",
        image: Annotated[str, kinds.OutPath(), "Image to write"] = "",
        compleximage: Annotated[str, kinds.OutPath(), "Complex image to write as well, whose real part is the image"] = "",
        model: Annotated[int, kinds.Int(), "Image field to take the coordinates of"] = 0,
    ) -> bool:
        """Write one normalized image.

        Raises
        ------
        ParameterError, OutputExistsError
            The type is unknown, no name is given, or the complex image is there.
        """
        if not image:
            raise ParameterError("synthesisimager.makeimage: parameter 'image' must be a name")
        if compleximage:
            require_absent(compleximage, what="image")
        self._run.make_image(type, image, model, compleximage)
        return True

    @method
    def getcsys(self) -> dict[str, Any]:
        """Coordinates of the main image as coordsys gives them in records, with its shape."""
        plan = self._run.plans[0]
        from casatools.tools.coordsys import coordsys

        tool = coordsys()
        tool.fromrecord(plan.coordinates.to_record())
        return {"coordsys": tool.torecord(), "shape": np.array(plan.beam_power.shape[::-1])}

    @method
    def getimstore(self, id: Annotated[int, kinds.Int(min=0), "Image field"] = 0) -> Any:
        """A tool that stands for the images of a field."""
        plans = self._run.plans
        if id >= len(plans):
            raise ParameterError(f"synthesisimager.getimstore: parameter 'id' must be less than {len(plans)}; got {id}")
        return synthesisimstore._of(plans[id].base)

    @method
    def getImageName(
        self,
        facetId: Annotated[int, kinds.Int(), "Facet"] = 0,
        imageId: Annotated[str, kinds.Text(), "IMAGE, RESIDUAL, PSF, MODEL, ..."] = "IMAGE",
        taylorTerm: Annotated[int, kinds.Int(), "Taylor term"] = 0,
    ) -> str:
        """Path of an image of the main field.

        Raises
        ------
        ParameterError
            There are no such images, or facets.
        """
        kind = _IMAGES.get(imageId.upper())
        if kind is None or facetId:
            raise ParameterError(
                f"synthesisimager.getImageName: parameter 'imageId' must be one of {', '.join(_IMAGES)} and 'facetId' 0; got {imageId!r} and {facetId}"
            )
        plan = self._run.plans[0]
        suffix = f"{kind}.tt{taylorTerm}" if plan.request.terms else kind
        return os.path.abspath(f"{plan.base}.{suffix}")

    @method
    def estimatememory(self) -> int:
        """Memory that the planes of all images take [kB]."""
        total = 0
        for plan in self._run.plans:
            planes = plan.image.planes
            total += (
                planes.psf.nbytes + planes.residual.nbytes + planes.model.nbytes + planes.mask.nbytes + plan.beam_power.nbytes
            )
        return max(1, total // 1024)

    @method
    def tuneselectdata(self) -> dict[str, Any]:
        """The selections with the frequencies that the main image needs, one and a half of its channels more on each side, in its frame.

        Nothing changes here: blocks of channels that are not needed are never read.
        """
        axis = self._run.data.axis
        hz, more = axis.frequencies_hz, 1.5 * abs(float(axis.width_hz))
        band = {
            "freqbeg": f"{float(hz.min()) - more:f}Hz", "freqend": f"{float(hz.max()) + more:f}Hz", "freqframe": axis.frame or "LSRK",
        }  # fmt: skip
        return {f"ms{k}": {**CHECKED_SELECTION, **s, **band} for k, s in enumerate(self._run.selections)}

    @method
    def updatenchan(self) -> int:
        """Channels of the main image."""
        return int(self._run.data.axis.nchan)

    @method
    def unlockimages(self, imagefieldid: Annotated[int, kinds.Int(), "Image field"] = 0) -> bool:
        """Let others open the images: none is held open between calls."""
        return True

    @method
    def done(self) -> bool:
        """Let go of everything."""
        self._run.close()
        self._run = SynthesisRun()
        return True

    @method
    def apparentsens(self) -> dict[str, Any]:
        """Noise that the imaging weights leave: ``{'effSens': Jy, 'relToNat': ratio to natural weighting}``.

        Of a cube these are those of all its data together; ``chanSens`` and ``chanRelToNat`` are those of its channels.

        Raises
        ------
        NotOpenError, DataError
            No data are selected, or all are flagged.
        """
        from casatools.imaging.sensitivity import apparent_sensitivity

        return apparent_sensitivity(self._run)

    @method
    def drygridding(self, cflist: Annotated[list[str], kinds.TextList(), "Convolution functions"] = [""]) -> bool:  # noqa: B006 - copied
        """Plan convolution functions of A-projection, of which there are none: beams are screens in the image plane.

        Raises
        ------
        UnsupportedError
            Always.
        """
        return _refuse("drygridding", _SCREENS)

    @method
    def fillcfcache(
        self,
        cflist: Annotated[list[str], kinds.TextList(), "Convolution functions"] = [""],  # noqa: B006 - copied
        ftmname: Annotated[str, kinds.Text(), "Gridder"] = "",
        cfcpath: Annotated[str, kinds.Text(), "Folder"] = "",
        pstermon: Flag = False,
        atermon: Flag = True,
        conjbeams: Flag = False,
    ) -> bool:
        """Make convolution functions of A-projection, of which there are none: beams are screens in the image plane.

        Raises
        ------
        UnsupportedError
            Always.
        """
        return _refuse("fillcfcache", _SCREENS)

    @method
    def reloadcfcache(self) -> bool:
        """Read convolution functions of A-projection, of which there are none: beams are screens in the image plane.

        Raises
        ------
        UnsupportedError
            Always.
        """
        return _refuse("reloadcfcache", _SCREENS)

    @method
    def getweightdensity(self) -> str:
        """Write the density of uv samples to the image ``.gridwt``; gives its path, empty with weightings that need none.

        Raises
        ------
        CasaError
            There are no data, or each field of a mosaic has a density of its own.
        """
        return self._run.write_density()

    @method
    def setweightdensity(self, type: Annotated[str, kinds.Text(), "Image of the density; empty is ``.gridwt``"] = "") -> bool:
        """Weight with the density of uv samples of an image, such as the sum of those of other parts of the data.

        Gives False, as in the reference.

        Raises
        ------
        CasaError
            The image is not there or does not fit, or each field of a mosaic has a density of its own.
        """
        self._run.take_density(type)
        return False

    @method
    def normalizerinfo(self, normpars: Annotated[dict[str, Any], kinds.Record(), "As for synthesisnormalizer"] = {}) -> bool:  # noqa: B006 - copied
        """Say how cubes, which are normalized here, are: pblimit, normtype and psfcutoff, where defineimage does not.

        Raises
        ------
        ParameterError, UnsupportedError
            A value is wrong.
        """
        before, self._run.normalizing = self._run.normalizing, {k: normpars[k] for k in _NORMALIZING if k in normpars}
        self._run.changed()
        if self._run.selections and self._run.images:
            try:
                _ = self._run.requests
            except BaseException:
                self._run.normalizing = before
                raise
        return True

    @method
    def hpg_enabled(self) -> bool:
        """Whether gridding on a graphics card is built in: it is not."""
        return False

    @method
    def inithpg(self) -> bool:
        """Begin gridding on a graphics card, which is not built in.

        Raises
        ------
        UnsupportedError
            Always.
        """
        return _refuse("inithpg", "gridding runs on the processor")

    @method
    def initmpi(self) -> bool:
        """Begin sharing out over ranks: tclean does that; loops of steps run on one rank.

        Raises
        ------
        UnsupportedError
            Always.
        """
        return _refuse("initmpi", "tclean shares out over ranks with parallel=True")

    @method
    def releasempi(self) -> bool:
        """End sharing out over ranks: nothing is held."""
        return True

    @method
    def makesdimage(self) -> bool:
        """Image single-dish data, which this tool does not grid.

        Raises
        ------
        UnsupportedError
            Always.
        """
        return _refuse("makesdimage", "this tool grids visibilities, not single-dish data")

    @method
    def makesdpsf(self) -> bool:
        """Make the point spread function of single-dish data, which this tool does not grid.

        Raises
        ------
        UnsupportedError
            Always.
        """
        return _refuse("makesdpsf", "this tool grids visibilities, not single-dish data")


def _refuse(name: str, why: str) -> Any:
    raise UnsupportedError(f"synthesisimager.{name} is not there, and nothing needs it: {why}")
