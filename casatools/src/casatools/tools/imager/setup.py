"""Opening, selecting, and what is asked of the image."""

from __future__ import annotations

import os
from typing import Annotated, Any

import numpy as np

from casatools._base import kinds, log
from casatools._base.declare import method
from casatools._base.errors import NotOpenError, ParameterError, UnsupportedError
from casatools.calibration.scratch_columns import fill_corrected, fill_model
from casatools.frames.observatories import as_position
from casatools.frames.quantities import parse_quantity, to_unit
from casatools.imaging.beam_fit import GaussianBeam
from casatools.imaging.classic_imager import ClassicImager
from casatools.imaging.primary_beam import nominal_dish_m
from casatools.imaging.telescope_beams import telescope_pattern
from casatools.io.ms import MeasurementSet

__all__ = ["Setup", "given", "joined", "names_of", "radians"]

Anything = kinds.Variant()
Fixed = "Accepted for scripts of CASA: it says how CASA computes, the result does not depend on it here"


def given(value: Any) -> bool:
    """False for what stands for nothing: None, empty text, lists and records."""
    return not (value is None or (isinstance(value, (str, list, tuple, dict, np.ndarray)) and len(value) == 0))


def names_of(value: Any) -> list[str]:
    """Names of images: one, or several as a list; empty ones are left out."""
    return [str(v) for v in (value if isinstance(value, (list, tuple, np.ndarray)) else [value]) if v is not None and str(v)]


def joined(value: Any) -> str:
    """A selection as text: numbers and lists become lists of the selection syntax; [-1] is everything."""
    if not given(value):
        return ""
    items = [str(v) for v in (value if isinstance(value, (list, tuple, np.ndarray)) else [value])]
    return "" if items in (["-1"], [""]) else ",".join(items)


def radians(value: Any, name: str) -> float:
    """An angle; bare numbers are arcsec.

    Raises
    ------
    ParameterError
        It is no angle.
    """
    number, unit = parse_quantity(value)
    if not unit:
        return float(np.deg2rad(float(number) / 3600.0))
    try:
        return float(to_unit(value, "rad"))
    except ParameterError as error:
        raise ParameterError(f"imager: parameter {name!r} must be an angle; got {value!r}") from error


class Setup:
    """State of the tool."""

    def __init__(self) -> None:
        self._state: ClassicImager | None = None

    def _open(self) -> ClassicImager:
        if self._state is None:
            raise NotOpenError("no MeasurementSet is open; call open first")
        return self._state

    @method
    def open(
        self,
        thems: Annotated[str, kinds.InPath(), "MeasurementSet"] = "",
        compress: Annotated[bool, kinds.Bool(), Fixed] = False,
        usescratch: Annotated[
            bool, kinds.Bool(), "Add the columns MODEL_DATA and CORRECTED_DATA, and write models there"
        ] = False,
    ) -> bool:
        """Open a MeasurementSet.

        Without `usescratch` no column is added: `ft` and `setjy` keep their models as recipes, as the tasks do.

        Raises
        ------
        ParameterError, PathMissingError, DataError
            None is named, it is not there, or is no MeasurementSet.
        """
        del compress
        if not thems:
            raise ParameterError("imager.open: parameter 'thems' must name a MeasurementSet")
        with MeasurementSet(thems, writable=usescratch) as ms:
            if usescratch:
                fill_model(ms)
                fill_corrected(ms)
        self._state = ClassicImager(os.path.abspath(thems), usescratch)
        return True

    @method
    def close(self) -> bool:
        """Forget the MeasurementSet and all settings."""
        self._state = None
        return True

    @method
    def done(self) -> bool:
        """Forget the MeasurementSet and all settings."""
        self._state = None
        return True

    @method
    def selectvis(
        self,
        vis: Annotated[str, kinds.Text(), "MeasurementSet in the place of the open one"] = "",
        nchan: Annotated[Any, kinds.IntList(), "Channels of each spectral window; -1 for all"] = [-1],  # noqa: B006 - copied
        start: Annotated[Any, kinds.IntList(), "First channel of each"] = [0],  # noqa: B006 - copied
        step: Annotated[Any, kinds.IntList(), "Step between channels of each"] = [1],  # noqa: B006 - copied
        spw: Annotated[Any, Anything, "Spectral windows"] = [],  # noqa: B006 - not changed
        field: Annotated[Any, Anything, "Fields"] = [],  # noqa: B006 - not changed
        baseline: Annotated[Any, Anything, "Antennas and baselines"] = [],  # noqa: B006 - not changed
        time: Annotated[Any, Anything, "Time range"] = [],  # noqa: B006 - not changed
        scan: Annotated[Any, Anything, "Scans"] = [],  # noqa: B006 - not changed
        intent: Annotated[str, kinds.Text(), "Intents"] = "",
        observation: Annotated[Any, Anything, "Observation IDs"] = [],  # noqa: B006 - not changed
        uvrange: Annotated[Any, Anything, "uv range"] = [],  # noqa: B006 - not changed
        taql: Annotated[str, kinds.Text(), "TaQL expression"] = "",
        usescratch: Annotated[bool, kinds.Bool(), "Add the columns MODEL_DATA and CORRECTED_DATA"] = False,
        datainmemory: Annotated[bool, kinds.Bool(), Fixed] = False,
        writeaccess: Annotated[bool, kinds.Bool(), "Models may be written to the MeasurementSet"] = True,
    ) -> bool:
        """Select the data that are imaged.

        Raises
        ------
        NotOpenError, ParameterError, SelectionError
            None is open, a list has the wrong length, or nothing matches.
        """
        del datainmemory, writeaccess
        if vis:
            self.open(vis, usescratch=usescratch)
        state = self._open()
        chosen = {
            "msname": state.path, "spw": _channels(joined(spw), nchan, start, step), "field": joined(field), "antenna": joined(baseline),
            "timestr": joined(time), "scan": joined(scan), "state": intent, "obs": joined(observation), "uvdist": joined(uvrange), "taql": taql,
        }  # fmt: skip
        state.selection = {name: value for name, value in chosen.items() if value}
        from casatools.io.ms import Selection

        with MeasurementSet(state.path, writable=usescratch) as ms:
            Selection(**state.field_selection()).resolve(ms)
            if usescratch and not vis:
                fill_model(ms)
                fill_corrected(ms)
                state.scratch = True
        return True

    @method
    def defineimage(
        self,
        nx: Annotated[int, kinds.Int(min=4), "Pixels in x"] = 128,
        ny: Annotated[int, kinds.Int(), "Pixels in y; -1 for as many as in x"] = -1,
        cellx: Annotated[Any, Anything, "Pixel size in x"] = [],  # noqa: B006 - not changed
        celly: Annotated[Any, Anything, "Pixel size in y"] = [],  # noqa: B006 - not changed
        stokes: Annotated[str, kinds.Text(), "Polarizations"] = "I",
        phasecenter: Annotated[Any, Anything, "Direction, or number of a field"] = [],  # noqa: B006 - not changed
        mode: Annotated[str, kinds.Text(), "mfs, or channel, velocity, frequency for cubes"] = "mfs",
        nchan: Annotated[int, kinds.Int(), "Channels of a cube"] = -1,
        start: Annotated[Any, Anything, "First channel of a cube"] = [],  # noqa: B006 - not changed
        step: Annotated[Any, Anything, "Channel width of a cube"] = [],  # noqa: B006 - not changed
        spw: Annotated[Any, kinds.IntList(), "Spectral windows, where selectvis names none"] = [0],  # noqa: B006 - copied
        restfreq: Annotated[Any, Anything, "Rest frequency"] = [],  # noqa: B006 - not changed
        outframe: Annotated[str, kinds.Text(), "Frame of a cube"] = "LSRK",
        veltype: Annotated[str, kinds.Text(), "radio or optical"] = "radio",
        facets: Annotated[int, kinds.Int(min=1), "Facets of a wide field; the gridder is exact without"] = 1,
        movingsource: Annotated[
            Any, Anything, "Moving source that the image follows: its name, or a table of its ephemeris"
        ] = [],  # noqa: B006 - not changed
        distance: Annotated[
            Any,
            Anything,
            "Distance [m] of a near source, whose data are focused on the middle of the image; 0 for one that is far",
        ] = [],  # noqa: B006 - not changed
        projection: Annotated[str, kinds.Text(), "Projection"] = "SIN",
    ) -> bool:
        """Define the image.

        Raises
        ------
        NotOpenError, ParameterError
            None is open, or a value is wrong.
        """
        state = self._open()
        away = float(parse_quantity(distance)[0]) if given(distance) else 0.0
        if away < 0:
            raise ParameterError(f"imager.defineimage: parameter 'distance' must not be negative; got {distance!r}")
        away = float(to_unit(distance, "m")) if away and parse_quantity(distance)[1] else away
        modes = {"mfs": "mfs", "channel": "cube", "velocity": "cube", "frequency": "cube", "opticalvelocity": "cube"}
        if mode not in modes:
            raise ParameterError(f"imager.defineimage: parameter 'mode' must be one of {', '.join(modes)}; got {mode!r}")
        if not given(cellx):
            raise ParameterError("imager.defineimage: parameter 'cellx' must be given; it is the size of a pixel")
        cells = [np.rad2deg(radians(c, n)) * 3600.0 for c, n in ((cellx, "cellx"), (celly if given(celly) else cellx, "celly"))]
        found: dict[str, Any] = {
            "imsize": [nx, ny if ny > 0 else nx], "cell": [f"{c!r}arcsec" for c in map(float, cells)], "stokes": stokes, "specmode": modes[mode],
            "phasecenter": movingsource if given(movingsource) else phasecenter if given(phasecenter) else "", "outframe": outframe, "veltype": veltype, "projection": projection,
        }  # fmt: skip
        if modes[mode] == "cube":
            found |= {"nchan": nchan, "start": start if given(start) else "", "width": step if given(step) else ""}
        if given(restfreq):
            found["restfreq"] = restfreq
        if facets > 1:
            log.post("imager.defineimage: the gridder for wide fields is exact without facets")
        if "spw" not in state.selection and spw:
            state.selection["spw"] = joined(spw)
        state.image, state.distance_m = found, away
        return True

    @method
    def weight(
        self,
        type: Annotated[
            str, kinds.Choice(("natural", "uniform", "superuniform", "briggs", "radial")), "Weighting scheme"
        ] = "natural",
        rmode: Annotated[str, kinds.Choice(("none", "norm", "abs")), "Kind of robust weighting"] = "none",
        noise: Annotated[Any, Anything, "Noise for rmode='abs'"] = [],  # noqa: B006 - not changed
        robust: Annotated[float, kinds.Float(), "Robustness"] = 0.0,
        fieldofview: Annotated[Any, Anything, "Field of view of uniform weights; that of the image"] = [],  # noqa: B006 - not changed
        npixels: Annotated[int, kinds.Int(), "uv cells on either side to count over"] = 0,
        mosaic: Annotated[bool, kinds.Bool(), "Weight each pointing apart"] = False,
    ) -> bool:
        """Choose how visibilities are weighted in images.

        Samples of uniform and robust weights are counted in cells of the inverse of ``fieldofview``. Weights that `setweightgrid` gave are forgotten.

        Raises
        ------
        NotOpenError, ParameterError
            None is open, or the field of view is no angle.
        """
        state = self._open()
        state.given_density = None
        taper = state.weighting.get("uvtaper")
        state.weighting = {"weighting": "briggsabs" if type == "briggs" and rmode == "abs" else type, "robust": robust, "npixels": npixels, "mosweight": mosaic}  # fmt: skip
        if given(noise):
            number, unit = parse_quantity(noise)
            state.weighting["noise"] = f"{number}{unit}"
        if given(fieldofview) and float(parse_quantity(fieldofview)[0]) > 0:
            number, unit = parse_quantity(fieldofview)
            to_unit({"value": number, "unit": unit}, "rad")
            state.weighting["fieldofview"] = f"{number}{unit}"
        if taper:
            state.weighting["uvtaper"] = taper
        return True

    @method
    def filter(
        self,
        type: Annotated[str, kinds.Choice(("gaussian",)), "Shape of the taper"] = "gaussian",
        bmaj: Annotated[Any, Anything, "Major axis on the sky"] = [],  # noqa: B006 - not changed
        bmin: Annotated[Any, Anything, "Minor axis on the sky"] = [],  # noqa: B006 - not changed
        bpa: Annotated[Any, Anything, "Position angle"] = [],  # noqa: B006 - not changed
    ) -> bool:
        """Taper the uv plane.

        Raises
        ------
        NotOpenError, ParameterError
            None is open, or an axis is missing.
        """
        del type
        state = self._open()
        if not given(bmaj):
            raise ParameterError("imager.filter: parameter 'bmaj' must be given; it is the width of the taper on the sky")
        axes = [radians(bmaj, "bmaj"), radians(bmin if given(bmin) else bmaj, "bmin")]
        angle = float(to_unit(bpa, "deg")) if given(bpa) else 0.0
        state.weighting["uvtaper"] = [*(f"{float(np.rad2deg(a) * 3600)!r}arcsec" for a in axes), f"{angle}deg"]
        return True

    @method
    def uvrange(
        self,
        uvmin: Annotated[float, kinds.Float(min=0.0), "Shortest baseline [wavelengths]"] = 0.0,
        uvmax: Annotated[float, kinds.Float(min=0.0), "Longest baseline [wavelengths]; 0 for no limit"] = 0.0,
    ) -> bool:
        """Select by the length of baselines."""
        state = self._open()
        if uvmax > 0:
            state.selection["uvdist"] = f"{uvmin}~{uvmax}lambda"
        elif uvmin > 0:
            state.selection["uvdist"] = f">{uvmin}lambda"
        else:
            state.selection.pop("uvdist", None)
        return True

    @method
    def setoptions(
        self,
        ftmachine: Annotated[
            str,
            kinds.Text(),
            "ft, wproject, mosaic or awproject; sd for single dishes, both where these are beside interferometers",
        ] = "ft",
        cache: Annotated[int, kinds.Int(), Fixed] = -1,
        tile: Annotated[int, kinds.Int(), Fixed] = 16,
        gridfunction: Annotated[
            str, kinds.Choice(("SF", "BOX", "PB", "GAUSS", "GJINC")), "Of single dishes: how spectra are spread over pixels"
        ] = "SF",
        location: Annotated[
            Any, Anything, "Position of the array, a measure or the name of an observatory; that of its telescope"
        ] = [],  # noqa: B006 - not changed
        padding: Annotated[float, kinds.Float(), Fixed] = 1.0,
        freqinterp: Annotated[
            str, kinds.Choice(("nearest", "linear", "cubic")), "Interpolation between channels of cubes"
        ] = "nearest",
        wprojplanes: Annotated[int, kinds.Int(), Fixed] = -1,
        epjtablename: Annotated[str, kinds.Text(), "Table of pointing errors"] = "",
        applypointingoffsets: Annotated[bool, kinds.Bool(), "Correct pointing errors"] = False,
        dopbgriddingcorrections: Annotated[bool, kinds.Bool(), Fixed] = True,
        cfcachedirname: Annotated[str, kinds.Text(), Fixed] = "",
        rotpastep: Annotated[float, kinds.Float(), Fixed] = 5.0,
        pastep: Annotated[float, kinds.Float(), Fixed] = 360.0,
        pblimit: Annotated[float, kinds.Float(), "Of mosaics and A-projection: where the beam is below, images are blank"] = 0.05,
        imagetilevol: Annotated[int, kinds.Int(), Fixed] = 0,
        singleprecisiononly: Annotated[bool, kinds.Bool(), Fixed] = False,
        numthreads: Annotated[int, kinds.Int(), Fixed] = -1,
        psterm: Annotated[bool, kinds.Bool(), "As in tclean, for awproject"] = True,
        aterm: Annotated[bool, kinds.Bool(), "As in tclean, for awproject"] = True,
        mterm: Annotated[bool, kinds.Bool(), Fixed] = True,
        wbawp: Annotated[bool, kinds.Bool(), "As in tclean, for awproject"] = False,
        conjbeams: Annotated[bool, kinds.Bool(), "As in tclean, for awproject"] = True,
    ) -> bool:
        """Choose the gridder.

        Raises
        ------
        NotOpenError, UnsupportedError
            None is open, or the gridder or a correction is not there.
        """
        state = self._open()
        machines = {
            "ft": "standard", "gridft": "standard", "wproject": "wproject", "wprojectft": "wproject", "mosaic": "mosaic", "awproject": "awproject",
            "sd": "standard", "both": "standard",
        }  # fmt: skip
        if ftmachine not in machines:
            raise UnsupportedError(
                f"imager.setoptions: ftmachine={ftmachine!r} is not there, as CASA 6.7 fails on it; use one of {', '.join(machines)}"
            )
        for name, value in (
            ("epjtablename", epjtablename),
            ("applypointingoffsets", applypointingoffsets),
        ):
            if value:
                raise UnsupportedError(
                    f"imager.setoptions: {name}={value!r} is not there: it is of the gridder pbwproject, which CASA 6.7 fails on; usepointing of tclean takes the POINTING table"
                )
        state.single_dish, state.sky_function = ftmachine if ftmachine in ("sd", "both") else "", gridfunction
        state.place_m = as_position(location).itrf_m if given(location) else None
        state.gridding = {"gridder": machines[ftmachine], "interpolation": freqinterp}
        if machines[ftmachine] in ("mosaic", "awproject"):
            state.gridding |= {"pblimit": pblimit}
        if machines[ftmachine] == "awproject":
            state.gridding |= {"aterm": aterm, "psterm": psterm, "wbawp": wbawp, "conjbeams": conjbeams and aterm}
        return True

    @method
    def setvp(
        self,
        dovp: Annotated[bool, kinds.Bool(), "Primary beams may be used"] = False,
        usedefaultvp: Annotated[bool, kinds.Bool(), "Take the telescope's own beam"] = True,
        vptable: Annotated[str, kinds.Text(), "Table of vpmanager"] = "",
        dosquint: Annotated[bool, kinds.Bool(), "The beams of the two hands of circular feeds point to different places"] = False,
        parangleinc: Annotated[
            Any, Anything, "Of dosquint and mosaics: parallactic angle after which beams are turned anew"
        ] = [],  # noqa: B006 - not changed
        skyposthreshold: Annotated[Any, Anything, Fixed] = [],  # noqa: B006 - not changed
        telescope: Annotated[str, kinds.Text(), "Telescope whose beam is taken; that of the data"] = "",
        verbose: Annotated[bool, kinds.Bool(), Fixed] = True,
    ) -> bool:
        """Choose the primary beam.

        With `dosquint` beams on images are the mean of those of both hands, and mosaics are made by A-projection, which has the beam of each hand. The VLA
        and the EVLA are squinted, and patterns of a table that say so.

        Raises
        ------
        NotOpenError, ParameterError
            None is open, the telescope's beams are not known, or the step is no positive angle.
        """
        state = self._open()
        if telescope and telescope_pattern(telescope, 1.4e9) is None and not nominal_dish_m(telescope):
            raise ParameterError(
                f"imager.setvp: parameter 'telescope' must be one whose beams are known; got {telescope!r}; name a table of vpmanager as 'vptable'"
            )
        state.beam_telescope = telescope
        step = float(np.rad2deg(radians(parangleinc, "parangleinc"))) if given(parangleinc) else 360.0
        if step <= 0:
            raise ParameterError(f"imager.setvp: parameter 'parangleinc' must be a positive angle; got {parangleinc!r}")
        state.squint, state.turn_deg = dosquint, step
        state.uses_beam, state.vptable = dovp, "" if usedefaultvp else vptable
        return True

    @method
    def setbeam(
        self,
        bmaj: Annotated[Any, Anything, "Major axis"] = [],  # noqa: B006 - not changed
        bmin: Annotated[Any, Anything, "Minor axis"] = [],  # noqa: B006 - not changed
        bpa: Annotated[Any, Anything, "Position angle"] = [],  # noqa: B006 - not changed
    ) -> bool:
        """Set the beam of restored images.

        Raises
        ------
        NotOpenError, ParameterError
            None is open, or an axis is missing.
        """
        self._open().beam = beam_of(bmaj, bmin, bpa, "imager.setbeam")
        return True

    @method
    def setscales(
        self,
        scalemethod: Annotated[str, kinds.Choice(("nscales", "uservector")), "How scales are given"] = "nscales",
        nscales: Annotated[int, kinds.Int(min=1), "Number of scales, each about three times the one before"] = 5,
        uservector: Annotated[list[float], kinds.FloatList(), "Scales [pixels]"] = [0.0, 3.0, 10.0],  # noqa: B006 - copied
    ) -> bool:
        """Set the scales of multi-scale cleans."""
        state = self._open()
        state.scales = (
            [float(v) for v in uservector] if scalemethod == "uservector" else [0.0, *(3.0**k for k in range(1, nscales))]
        )
        return True

    @method
    def setsmallscalebias(self, inbias: Annotated[float, kinds.Float(), "Bias towards small scales"] = 0.6) -> bool:
        """Set the bias of multi-scale cleans."""
        self._open().bias = inbias
        return True

    @method
    def settaylorterms(
        self,
        ntaylorterms: Annotated[int, kinds.Int(min=1), "Taylor terms"] = 2,
        reffreq: Annotated[float, kinds.Float(min=0.0), "Reference frequency [Hz]; 0 for the middle of the band"] = 0.0,
    ) -> bool:
        """Set the Taylor terms of the algorithm "msmfs"."""
        state = self._open()
        state.terms = ntaylorterms
        if reffreq > 0:
            state.reference = f"{reffreq}Hz"
        else:
            state.reference = ""
        return True

    @method
    def summary(self) -> bool:
        """Log what is open, selected and defined."""
        state = self._open()
        log.post(f"imager: {state.path}; selected {state.field_selection() or 'everything'}")
        log.post(f"imager: image {state.image or 'not defined'}; weights {state.weighting}; gridder {state.gridding}")
        return True


def beam_of(bmaj: Any, bmin: Any, bpa: Any, what: str) -> GaussianBeam:
    """A beam from its axes.

    Raises
    ------
    ParameterError
        An axis is missing, or the minor one is the larger.
    """
    if not given(bmaj) or not given(bmin):
        raise ParameterError(f"{what}: parameters 'bmaj' and 'bmin' must be given")
    major, minor = radians(bmaj, "bmaj"), radians(bmin, "bmin")
    if not major >= minor > 0:
        raise ParameterError(f"{what}: the major axis must not be below the minor axis, both positive; got {bmaj!r} and {bmin!r}")
    return GaussianBeam(major, minor, float(to_unit(bpa, "rad")) if given(bpa) else 0.0)


def _channels(spw: str, nchan: list[int], start: list[int], step: list[int]) -> str:
    """Spectral windows with their channels."""
    windows = spw.split(",") if spw else []
    if not windows or all(n < 1 for n in nchan) or ":" in spw:
        return spw
    lists = [list(v) * len(windows) if len(v) == 1 else list(v) for v in (nchan, start, step)]
    if any(len(v) != len(windows) for v in lists):
        raise ParameterError(
            f"imager.selectvis: parameters 'nchan', 'start' and 'step' must hold one number for each of {len(windows)} spectral windows"
        )
    parts = []
    for window, count, first, stride in zip(windows, *lists, strict=True):
        parts.append(window if count < 1 else f"{window}:{first}~{first + (count - 1) * stride}^{stride}")
    return ",".join(parts)
