"""The synthesisutils tool: advice and checks for imaging loops."""

from __future__ import annotations

import itertools
from typing import Annotated, Any

import numpy as np

from casatools._base import kinds
from casatools._base.declare import method
from casatools._base.errors import ParameterError
from casatools.frames.quantities import parse_quantity, to_unit
from casatools.imaging.channel_advice import channels_for_range, frequency_range, hertz
from casatools.imaging.normalization import Normalization
from casatools.imaging.partitions import CHECKED_SELECTION, band_of, channel_parts, row_parts, share_out
from casatools.imaging.stepwise import tclean_request
from casatools.imaging.taylor_cubes import TaylorCube
from casatools.tools.coordsys.structure import coordinates_from_tool_record

__all__ = ["synthesisutils"]

_Any = kinds.Variant()
Frame = Annotated[str, kinds.Text(), "Spectral frame of the frequencies"]
_FRAMES = ("REST", "LSRK", "LSRD", "BARY", "GEO", "TOPO", "GALACTO", "LGROUP", "CMB")
Cube = Annotated[str, kinds.Text(), "Beginning of the names of the cube"]
Terms = Annotated[str, kinds.Text(), "Beginning of the names of the Taylor terms"]
Limit = Annotated[float, kinds.Float(), "Primary beam below which nothing is used"]
Selections = Annotated[dict[str, Any], kinds.Record(), "Selections as for synthesisimager.selectdata, named ms0, ms1, ..."]
Images = Annotated[dict[str, Any], kinds.Record(), "Image parameters as for synthesisimager.defineimage"]


def advise_channels(
    tool: str,
    freqstart: Any,
    freqend: Any,
    freqstep: Any,
    freqframe: str,
    msname: str,
    fieldid: int,
    getfreqrange: bool,
    spwselection: str,
    ephemtable: str = "",
) -> dict[str, Any]:
    """What advisechansel of synthesisutils and imager give.

    Raises
    ------
    ParameterError
        No MeasurementSet is named, a frequency is missing or wrong, or the frame is unknown.
    """
    if not msname:
        raise ParameterError(f"{tool}.advisechansel: parameter 'msname' must name a MeasurementSet")
    frame = "SOURCE" if ephemtable else freqframe.upper()
    if frame not in (*_FRAMES, "SOURCE"):
        raise ParameterError(
            f"{tool}.advisechansel: parameter 'freqframe' must be one of {', '.join(_FRAMES)}; got {freqframe!r}"
        )
    if getfreqrange:
        low, high = frequency_range(msname, fieldid, spwselection, frame, ephemtable)
        return {"freqstart": {"unit": "Hz", "value": low}, "freqend": {"unit": "Hz", "value": high}}
    edges = [hertz(freqstart, f"{tool}.advisechansel: freqstart"), hertz(freqend, f"{tool}.advisechansel: freqend")]
    # The first and the last channel of the image reach half a step beyond their centres.
    bare = isinstance(freqstep, (list, dict, str)) and not freqstep
    half = 0.0 if bare else 0.5 * abs(hertz(freqstep))
    chosen = channels_for_range(msname, fieldid, min(edges) - half, max(edges) + half, frame, ephemtable)
    columns = np.array(chosen, np.int64).reshape(-1, 3)
    return {"spw": columns[:, 0], "start": columns[:, 1], "nchan": columns[:, 2]}


class synthesisutils:
    """Advice on data and images, checks of parameters."""

    @method
    def advisechansel(
        self,
        freqstart: Annotated[Any, _Any, "Lowest frequency"] = [],  # noqa: B006 - not changed
        freqend: Annotated[Any, _Any, "Highest frequency"] = [],  # noqa: B006 - not changed
        freqstep: Annotated[Any, _Any, "Channel width of the image"] = [],  # noqa: B006 - not changed
        freqframe: Frame = "LSRK",
        ephemtable: Annotated[str, kinds.Text(), "Ephemeris of a moving source"] = "",
        msname: Annotated[str, kinds.Text(), "MeasurementSet"] = "",
        fieldid: Annotated[int, kinds.Int(), "Field"] = 0,
        getfreqrange: Annotated[bool, kinds.Bool(), "Give the range of selected channels instead"] = False,
        spwselection: Annotated[str, kinds.Text(), "Channels whose range is wanted"] = "",
    ) -> dict[str, Any]:
        """Which channels of the data an image needs, or which frequencies channels have in a frame.

        The frame SOURCE is that of a moving source: of the field, or of the table in ``ephemtable``, which stands for SOURCE as soon as it is given.

        Raises
        ------
        ParameterError, SelectionError, PathMissingError
            A value is missing or wrong, or field, spectral window or MeasurementSet are not there.
        """
        return advise_channels(
            "synthesisutils", freqstart, freqend, freqstep, freqframe, msname, fieldid, getfreqrange, spwselection, ephemtable
        )

    @method
    def getOptimumSize(self, size: Annotated[int, kinds.Int(), "Pixels wanted"] = 100) -> int:
        """The next even number of pixels whose factors are 2, 3 and 5, for quick Fourier transforms."""
        if size <= 0:
            return 0
        found = size + size % 2
        while True:
            left = found
            for factor in (2, 3, 5):
                while left % factor == 0:
                    left //= factor
            if left == 1:
                return found
            found += 2

    @method
    def checkselectionparams(self, selpars: Selections = {}) -> dict[str, Any]:  # noqa: B006 - copied
        """A selection with everything that is not given filled in.

        Raises
        ------
        ParameterError
            There is no such selection, or no MeasurementSet is named.
        """
        unknown = sorted(set(selpars) - set(CHECKED_SELECTION))
        if unknown or not selpars.get("msname"):
            raise ParameterError(
                f"synthesisutils.checkselectionparams: 'msname' must be given and {unknown or 'nothing else'} is unknown"
            )
        return {**CHECKED_SELECTION, **selpars}

    @method
    def checkimageparams(self, impars: Images = {}) -> dict[str, Any]:  # noqa: B006 - copied
        """Image parameters that are right, with what is not given filled in.

        Raises
        ------
        ParameterError, UnsupportedError
            One is wrong or not there yet.
        """
        request = tclean_request([{"msname": "any"}], impars)
        sizes, cells = ((v * 2)[:2] for v in (_listed(request.imsize), _listed(request.cell)))
        return {
            "deconvolver": "hogbom", "freqframevalid": True, "nchan": -1 if request.specmode.startswith("cube") else 1, "nterms": 1, "outframe": "LSRK",
            "phasecenter": "", "projection": "SIN", "reffreq": "", "restart": True, "restfreq": [], "specmode": "mfs", "start": "", "startmodel": "",
            "stokes": "I", "sysvel": "", "sysvelframe": "", "veltype": "radio", "width": "",
            **impars, "imsize": np.array(sizes), "cell": np.array([str(c) for c in cells]),
        }  # fmt: skip

    @method
    def checkgridparams(
        self,
        gridpars: Annotated[dict[str, Any], kinds.Record(), "Gridding parameters as for synthesisimager.defineimage"] = {},  # noqa: B006 - copied
    ) -> dict[str, Any]:
        """Gridding parameters that are right, with what is not given filled in.

        Raises
        ------
        ParameterError, UnsupportedError
            One is wrong or not there yet.
        """
        tclean_request([{"msname": "any"}], {k: v for k, v in gridpars.items() if k not in ("trackdir", "tracksource")})
        return {
            "aterm": True, "cfcache": "", "computepastep": 360.0, "conjbeams": False, "facets": 1, "gridder": "standard", "interpolation": "linear",
            "pointingoffsetsigdev": [], "psterm": False, "rotatepastep": 360.0, "trackdir": "", "tracksource": False, "usepointing": False, "vptable": "",
            "wbawp": True, "wprojplanes": 1, **gridpars,
        }  # fmt: skip

    @method
    def updateimpars(self, impars: Images = {}) -> dict[str, Any]:  # noqa: B006 - copied
        """Image parameters as they are: none is changed by data."""
        return dict(impars)

    @method
    def cubeimagepartition(
        self,
        impars: Annotated[dict[str, Any], kinds.Record(), "Image parameters of each field, by number"] = {},  # noqa: B006 - copied
        npart: Annotated[int, kinds.Int(min=1), "Parts"] = 1,
    ) -> dict[str, Any]:
        """Share the channels of cubes out over parts of about as many channels: for each part the image parameters, names ending in ``.nPART``.

        Raises
        ------
        ParameterError
            A cube does not say how many channels it has, or its start and width cannot be shared out.
        """
        out: dict[str, Any] = {}
        for part in range(npart):
            out[str(part)] = {}
            for number, given in impars.items():
                total = int(given.get("nchan", -1))
                if total < 1:
                    raise ParameterError("synthesisutils.cubeimagepartition: 'nchan' of each image must be given")
                edges = np.linspace(0, total, npart + 1).round().astype(int)
                first, count = int(edges[part]), int(edges[part + 1] - edges[part])
                if count:
                    out[str(part)][number] = {
                        **given, "imagename": f"{given['imagename']}.n{part}", "nchan": count, "start": _moved(given, first),
                    }  # fmt: skip
        return {part: images for part, images in out.items() if images}

    @method
    def contdatapartition(self, selpars: Selections = {}, npart: Annotated[int, kinds.Int(min=1), "Parts"] = 1) -> dict[str, Any]:  # noqa: B006 - copied
        """Share the rows of continuum data out over parts of about as many rows: for each part the selections, with a range of row numbers as TaQL.

        Raises
        ------
        ParameterError, SelectionError, PathMissingError
            A MeasurementSet is not named or not there, or its selection matches nothing.
        """
        return _numbered(row_parts(_selections(selpars, "contdatapartition"), npart))

    @method
    def cubedatapartition(
        self,
        selpars: Selections = {},  # noqa: B006 - copied
        npart: Annotated[int, kinds.Int(min=1), "Parts"] = 1,
        fstart: Annotated[Any, _Any, "Lowest frequency; [] is that of the data"] = [],  # noqa: B006 - not changed
        fend: Annotated[Any, _Any, "Highest frequency; [] is that of the data"] = [],  # noqa: B006 - not changed
        frame: Frame = "LSRK",
    ) -> dict[str, Any]:
        """Share the channels of data out over parts of equal bands: for each part the selections, ``spw`` "-1" where there are no channels.

        Raises
        ------
        ParameterError, SelectionError, PathMissingError
            A MeasurementSet is not named or not there, a frequency or frame is wrong, or a selection matches nothing.
        """
        chosen = _selections(selpars, "cubedatapartition")
        if frame.upper() not in _FRAMES:
            raise ParameterError(
                f"synthesisutils.cubedatapartition: parameter 'frame' must be one of {', '.join(_FRAMES)}; got {frame!r}"
            )
        low, high = band_of(chosen, frame.upper())
        low, high = (hertz(value) if value or value == 0 else edge for value, edge in ((fstart, low), (fend, high)))
        edges = np.linspace(low, high, npart + 1).tolist()
        return _numbered(channel_parts(chosen, list(itertools.pairwise(edges)), frame.upper(), 0))

    @method
    def cubedataimagepartition(
        self,
        selpars: Selections = {},  # noqa: B006 - copied
        incsys: Annotated[dict[str, Any], kinds.Record(), "Coordinates of the cube, as synthesisimager.getcsys gives them"] = {},  # noqa: B006 - copied
        npart: Annotated[int, kinds.Int(min=1), "Parts"] = 1,
        nchannel: Annotated[int, kinds.Int(min=1), "Channels of the cube"] = 1,
    ) -> dict[str, Any]:
        """Share the channels of a cube out: for each part ``coordsys`` and ``nchan`` for its image, and selections of the data that it needs.

        Each part has the channels of data that lie in its channels and two more on each side, for interpolation between them.

        Raises
        ------
        ParameterError, DataError, SelectionError, PathMissingError
            Coordinates without frequencies, a MeasurementSet is not named or not there, or its selection matches nothing.
        """
        chosen = _selections(selpars, "cubedataimagepartition")
        record = incsys.get("coordsys", incsys)
        spectral = coordinates_from_tool_record(record).spectral if record else None
        if spectral is None:
            raise ParameterError(
                "synthesisutils.cubedataimagepartition: parameter 'incsys' must hold coordinates with frequencies, as synthesisimager.getcsys gives them"
            )
        hz = spectral.frequencies_hz(nchannel + 1)
        half, name = 0.5 * abs(float(hz[1] - hz[0])), next(key for key in record if key.startswith("spectral"))
        found = []
        for first, count in share_out(nchannel, npart):
            own, last = {**record[name], "wcs": dict(record[name]["wcs"])}, first + count - 1
            own["wcs"]["crpix"] = float(own["wcs"]["crpix"]) - first
            data = channel_parts(chosen, [(min(hz[first], hz[last]) - half, max(hz[first], hz[last]) + half)], spectral.frame)[0]
            found.append({**data, "coordsys": {**record, name: own}, "nchan": count})
        return _numbered(found)

    @method
    def fitPsfBeam(
        self,
        imagename: Annotated[str, kinds.Text(), "Beginning of the names of the images"] = "",
        nterms: Annotated[int, kinds.Int(min=1), "Taylor terms; more than 1 for names that end in .tt0"] = 1,
        psfcutoff: Annotated[float, kinds.Float(), "Level of the point spread function that the fit uses"] = 0.35,
    ) -> bool:
        """Fit the beams of point spread functions, which are kept with the image.

        Raises
        ------
        PathMissingError, DataError
            The image is not there or is blank.
        """
        Normalization(imagename, nterms if nterms > 1 else 0, psfcutoff).fit_beams()
        return True

    @method
    def cube_to_taylor_sum(
        self,
        cubename: Cube = "",
        mtname: Terms = "",
        nterms: Annotated[int, kinds.Int(min=1), "Taylor terms"] = 2,
        reffreq: Annotated[str, kinds.Text(), "Reference frequency"] = "",
        imtype: Annotated[int, kinds.Int(min=0, max=3), "0 psf, 1 residual, 2 pb, 3 sumwt"] = 0,
        pblimit: Limit = 0.2,
    ) -> bool:
        """Sum the planes of a cube to Taylor terms, weighted with the primary beams and weights of the channels.

        Raises
        ------
        ParameterError, PathMissingError, DataError
            A name or the reference frequency is missing, or an image is not there or does not fit.
        """
        TaylorCube(cubename, mtname, nterms, reffreq, pblimit).sum_terms(("psf", "residual", "pb", "sumwt")[imtype])
        return True

    @method
    def taylor_coeffs_to_cube(
        self,
        cubename: Cube = "",
        mtname: Terms = "",
        nterms: Annotated[int, kinds.Int(min=1), "Taylor terms"] = 2,
        reffreq: Annotated[str, kinds.Text(), "Reference frequency"] = "",
    ) -> bool:
        """Replace the model of a cube by that of Taylor terms in its channels.

        Raises
        ------
        ParameterError, PathMissingError, DataError
            A name or the reference frequency is missing, or an image is not there or does not fit.
        """
        TaylorCube(cubename, mtname, nterms, reffreq).evaluate()
        return True

    @method
    def apply_freq_dep_pb(self, cubename: Cube = "", mtname: Terms = "", pblimit: Limit = 0.2) -> bool:
        """Multiply the model of a cube by the primary beams of its channels over that of the band.

        Raises
        ------
        ParameterError, PathMissingError, DataError
            A name is missing, or an image is not there or does not fit.
        """
        TaylorCube(cubename, mtname, pblimit=pblimit).apply_beams()
        return True

    @method
    def remove_freq_dep_pb(self, cubename: Cube = "", mtname: Terms = "", pblimit: Limit = 0.2) -> bool:
        """Multiply the residual of a cube by the primary beam of the band over those of its channels.

        Raises
        ------
        ParameterError, PathMissingError, DataError
            A name is missing, or an image is not there or does not fit.
        """
        TaylorCube(cubename, mtname, pblimit=pblimit).remove_beams()
        return True

    @method
    def done(self) -> bool:
        """Nothing is held. Gives False, as in the reference."""
        return False


def _moved(given: dict[str, Any], channels: int) -> Any:
    """The start of a cube some channels further on."""
    start, width = given.get("start", ""), given.get("width", "")
    if channels == 0:
        return start
    if isinstance(start, int) or str(start).strip().lstrip("-").isdigit() or start == "":
        return int(start or 0) + channels * int(width or 1)
    if not width:
        raise ParameterError("synthesisutils.cubeimagepartition: 'width' must be given with a start that is no channel number")
    number, unit = parse_quantity(start)
    return f"{float(number) + channels * float(to_unit(width, unit))}{unit}"


def _listed(value: Any) -> list[Any]:
    return list(value) if isinstance(value, (list, tuple, np.ndarray)) else [value]


def _selections(given: dict[str, Any], what: str) -> dict[str, dict[str, Any]]:
    """Records of selections by name; one alone is of ms0."""
    found = {name: value for name, value in given.items() if isinstance(value, dict)} if "msname" not in given else {"ms0": given}
    if not found or not all(value.get("msname") for value in found.values()):
        raise ParameterError(f"synthesisutils.{what}: parameter 'selpars' must hold records with 'msname', named ms0, ms1, ...")
    return found


def _numbered(parts: list[dict[str, Any]]) -> dict[str, Any]:
    return {str(number): part for number, part in enumerate(parts)}
