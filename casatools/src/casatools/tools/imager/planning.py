"""What the data can give, how cycles run, and changes of the data themselves."""

from __future__ import annotations

from typing import Annotated, Any

import numpy as np

from casatools._base import kinds, log
from casatools._base.declare import method
from casatools._base.errors import ParameterError, UnsupportedError
from casatools.imaging.flux_scale import FluxScale
from casatools.imaging.request import jansky
from casatools.tools.imager.setup import Anything, Setup, given, names_of

__all__ = ["Planning"]


class Planning(Setup):
    """Methods about sensitivity, sampling and cycles, and those that change the data."""

    @method
    def apparentsens(self) -> tuple[bool, float, float]:
        """The noise that the weights of the data leave in the image.

        Returns
        -------
        (bool, float, float)
            True, the point source sensitivity, and its ratio to that of natural weighting.

        Raises
        ------
        NotOpenError, DataError
            None is open or defined, or all is flagged.
        """
        from casatools.imaging.sensitivity import apparent_sensitivity

        run = self._open().run()
        try:
            found = apparent_sensitivity(run)
        finally:
            run.close()
        return True, found["effSens"], found["relToNat"]

    @method
    def sensitivity(self) -> tuple[bool, dict[str, Any], float, float, dict[str, Any]]:
        """The noise that receivers leave in the image, for a system temperature over an effective area of 1 K/m2.

        Returns
        -------
        (bool, dict, float, float, dict)
            True, the noise of a point source [Jy m2/K], its ratio to that of natural weighting, the sum of the imaging weights, and where these come from:
            effectivebandwidth [Hz], effectiveintegration [s], nbaselines, spwid, sumwt.

        Raises
        ------
        NotOpenError, DataError
            None is open or defined, or all is flagged.
        """
        from casatools.imaging.sensitivity import receiver_sensitivity

        run = self._open().run()
        try:
            found = receiver_sensitivity(run)
        finally:
            run.close()
        names = ("effectivebandwidth", "effectiveintegration", "nbaselines", "spwid", "sumwt")
        noise = {"unit": "Jy.m2/K", "value": found["noise"]}
        return True, noise, found["relative"], found["sumwt"], {name: found[name] for name in names}

    @method
    def ssoflux(self) -> None:
        """Flux densities of solar-system objects; setjy knows them.

        Raises
        ------
        UnsupportedError
            Always.
        """
        raise UnsupportedError(
            "imager.ssoflux does nothing in CASA 6.7 but say so, and is not there; setjy with standard='Butler-JPL-Horizons 2012' knows the objects"
        )

    @method
    def pointingsampling(
        self,
        pattern: Annotated[str, kinds.Text(), "Only raster"] = "raster",
        ref: Annotated[str, kinds.Text(), "Frame of the directions"] = "J2000",
        movingsource: Annotated[str, kinds.Text(), "Object that is followed: planet, table of an ephemeris, or TRACKFIELD"] = "",
        pointingcolumntouse: Annotated[str, kinds.Choice(("DIRECTION", "TARGET", "ENCODER")), "Column of POINTING"] = "DIRECTION",
        antenna: Annotated[str, kinds.Text(), "Antenna, such as '0&&&'"] = "",
    ) -> dict[str, Any]:
        """How densely a map was sampled along rows and between them.

        Returns
        -------
        dict
            ``sampling`` [rad], two numbers, and ``angle`` [rad] of the rows. Without an antenna there is no sampling, as in CASA.

        Raises
        ------
        NotOpenError, ParameterError, DataError, SelectionError
            None is open, the pattern is no raster, POINTING holds too little, or there is no such antenna or object.
        """
        from casatools.information.pointing_sampling import pointing_sampling

        state = self._open()
        if pattern != "raster":
            raise ParameterError(f"imager.pointingsampling: parameter 'pattern' must be 'raster'; got {pattern!r}")
        if not antenna:
            log.post("imager.pointingsampling: no antenna is named, there is no sampling", "WARN")
            return {"sampling": {"value": np.zeros(0), "unit": ""}, "angle": {"value": 0.0, "unit": "rad"}}
        sampling, angle = pointing_sampling(state.path, ref, pointingcolumntouse, antenna, movingsource)
        return {"sampling": {"value": sampling, "unit": "rad"}, "angle": {"value": angle, "unit": "rad"}}

    @method
    def setmfcontrol(
        self,
        cyclefactor: Annotated[float, kinds.Float(min=0.0), "Depth of minor cycles over the sidelobes"] = 1.5,
        cyclespeedup: Annotated[
            float,
            kinds.Float(),
            "Components after which the threshold of a minor cycle has doubled; not positive for one that stays",
        ] = -1.0,
        cyclemaxpsffraction: Annotated[float, kinds.Float(min=0.0), "Greatest depth"] = 0.8,
        stoplargenegatives: Annotated[int, kinds.Int(), "Only 2: components may be negative"] = 2,
        stoppointmode: Annotated[
            int, kinds.Int(), "Of multiscale: cleaning ends before so many points in a row; not positive for never"
        ] = -1,
        minpb: Annotated[
            float,
            kinds.Float(0.0, 1.0),
            "Of mosaics: where the beam is below this, or below setoptions' 'pblimit', images are blank",
        ] = 0.1,
        scaletype: Annotated[
            str, kinds.Choice(("NONE", "PBCOR", "SAULT")), "Flux scale of restored and residual images where antennas have beams"
        ] = "NONE",
        constpb: Annotated[float, kinds.Float(0.0, 1.0), "Of SAULT: beam down to which the noise is the same"] = 0.4,
        fluxscale: Annotated[Any, Anything, "Image of the flux scale to write, one for each model"] = [],  # noqa: B006 - not changed
        flatnoise: Annotated[
            bool,
            kinds.Bool(),
            "Of mosaics: components are searched where the noise is the same; False: where signal over noise squared is",
        ] = True,
    ) -> bool:
        """Choose how deep minor cycles of `clean` go, and the flux scale of its images.

        Notes
        -----
        With `cyclespeedup` the threshold of a minor cycle is raised by ``2 ** (components / cyclespeedup)``, so that the residual is computed anew after fewer
        components; `mem` and `asp` do without. A plane that `stoppointmode` ends is not cleaned in later cycles either.

        The scale is what flux densities on the sky are multiplied with in restored and residual images; dividing by the image that `fluxscale` names gives flux
        densities. NONE leaves images as tclean makes them: the scale is the beam of a mosaic (its square where `flatnoise` is False), and 1 without beams (where
        `setvp` was not told to use them, the beam is told by the scale of mosaics only). SAULT: the beam down to `constpb`, so that the noise is the same there; below it falls
        with the square of the beam. PBCOR: 1 where images are not blank.

        References
        ----------
        Sault, Staveley-Smith & Brouw 1996, A&AS 120, 375: mosaics whose noise is kept from growing at the edges.

        Raises
        ------
        NotOpenError, ParameterError, UnsupportedError
            None is open, a value is wrong, or negative components are to stop a minor cycle.
        """
        state = self._open()
        if stoplargenegatives != 2:
            raise UnsupportedError(
                f"imager.setmfcontrol: stoplargenegatives={stoplargenegatives} is not there, as CASA 6.7 does nothing with it; use a mask"
            )
        if scaletype == "SAULT" and constpb <= 0:
            raise ParameterError(f"imager.setmfcontrol: parameter 'constpb' must be above 0 for scaletype='SAULT'; got {constpb}")
        state.minor = {"speedup": cyclespeedup, "most_points": stoppointmode}
        state.cycles = {"cyclefactor": cyclefactor, "maxpsffraction": cyclemaxpsffraction}
        state.scale = FluxScale(scaletype, constpb, minpb, flatnoise, tuple(names_of(fluxscale)))
        return True

    @method
    def clipvis(self, threshold: Annotated[Any, Anything, "Flux density [Jy]"] = []) -> bool:  # noqa: B006 - not changed
        """Flag the data selected whose residual (corrected data less the model) exceeds a threshold; the flags are saved before.

        Raises
        ------
        NotOpenError, ParameterError, DataError
            None is open, no threshold is given, or there is no model.
        """
        from casatools.flagging.commands import make_command
        from casatools.flagging.session import flag

        state = self._open()
        limit = jansky(threshold) if given(threshold) else 0.0
        if limit <= 0:
            raise ParameterError(f"imager.clipvis: parameter 'threshold' must be above 0 Jy; got {threshold!r}")
        chosen = state.field_selection()
        command = make_command(
            {**chosen, "mode": "clip", "datacolumn": "residual", "clipminmax": [0.0, limit], "correlation": "ABS_ALL"}
        )
        flag(state.path, [command], write=True, backup="imager_clipvis")
        return True

    @method
    def fixvis(
        self,
        fields: Annotated[list[int], kinds.IntList(), "Fields; -1 for all"] = [-1],  # noqa: B006 - copied
        phasedirs: Annotated[Any, Anything, "New phase centre of each field, or one for all"] = [],  # noqa: B006 - not changed
        refcode: Annotated[str, kinds.Text(), "Frame of directions and uvw; as it is when empty"] = "",
        distances: Annotated[list[float], kinds.FloatList(), "Distances [m] of near sources; 0 for none"] = [0.0],  # noqa: B006 - copied
        datacolumn: Annotated[str, kinds.Text(), "'all' or names of columns"] = "all",
    ) -> bool:
        """Move phase centres of fields in the MeasurementSet itself; see the task fixvis.

        Raises
        ------
        NotOpenError, ParameterError, DataError
            None is open, there is not one phase centre for each field, or a value is wrong.
        """
        from casatools.transform.fixing import FixOptions
        from casatools.transform.fixing import fixvis as run

        state = self._open()
        where = list(phasedirs) if isinstance(phasedirs, (list, tuple)) else [phasedirs] if given(phasedirs) else []
        far = tuple(d for d in distances if d > 0)
        everything = list(fields) in ([], [-1])
        if len(where) > 1 and (everything or len(where) != len(fields)):
            raise ParameterError(
                f"imager.fixvis: there must be one phase centre, or one for each field; got {len(where)} for {list(fields)}"
            )
        groups = (
            [(",".join(map(str, fields)), where[0] if where else "")]
            if len(where) < 2
            else [(str(f), w) for f, w in zip(fields, where, strict=True)]
        )
        for names, direction in groups:
            run(state.path, "", "" if everything else names, FixOptions(direction, refcode, True, datacolumn, far))
        return True

    @method
    def calcuvw(
        self,
        fields: Annotated[list[int], kinds.IntList(), "Fields; -1 for all"] = [-1],  # noqa: B006 - copied
        refcode: Annotated[str, kinds.Text(), "Frame of the coordinates"] = "",
        reuse: Annotated[bool, kinds.Bool(), "Turn the coordinates that are there instead of computing them"] = True,
    ) -> bool:
        """Bring uvw coordinates of fields to another frame, or compute them anew, in the MeasurementSet itself.

        Raises
        ------
        NotOpenError, ParameterError, DataError
            None is open, there is no such frame, or the data do not allow it.
        """
        from casatools.transform.fixing import FixOptions
        from casatools.transform.fixing import fixvis as run

        names = "" if list(fields) in ([], [-1]) else ",".join(map(str, fields))
        run(self._open().path, "", names, FixOptions("", refcode, reuse))
        return True

    @method
    def predictcomp(
        self,
        objname: Annotated[str, kinds.Text(), "Object"] = "",
        standard: Annotated[str, kinds.Text(), "Flux density scale"] = "",
        epoch: Annotated[Any, Anything, "Time"] = [],  # noqa: B006 - not changed
        freqs: Annotated[list[float], kinds.FloatList(), "Frequencies [Hz], evenly spaced"] = [1e11],  # noqa: B006 - copied
        pfx: Annotated[str, kinds.Text(), "Beginning of the component list's name"] = "predictcomp",
    ) -> str:
        """Write the component list of a calibrator; see the task predictcomp.

        Returns
        -------
        str
            Name of the component list.

        Raises
        ------
        ParameterError, DataError
            No object or time is named, frequencies are not evenly spaced, or the object is not known.
        """
        from casatools.calibration.predict_component import PredictionOptions, predict_component
        from casatools.frames.epochs import parse_epoch

        for name, value in (("objname", objname), ("epoch", epoch)):
            if not given(value):
                raise ParameterError(f"imager.predictcomp: parameter {name!r} must be given; got {value!r}")
        hz = np.asarray(freqs, dtype=np.float64)
        if not len(hz) or np.any(np.abs(np.linspace(hz[0], hz[-1], len(hz)) - hz) > 1e-6 * np.abs(hz[-1])):
            raise ParameterError(f"imager.predictcomp: parameter 'freqs' must be evenly spaced frequencies; got {list(freqs)}")
        mjd = parse_epoch(epoch) / 86400.0
        low, high = float(hz[0]), float(hz[-1])
        scale = standard or "Butler-JPL-Horizons 2012"
        return predict_component(PredictionOptions(objname, scale, mjd, low, high, len(hz), pfx))[0]

    @method
    def getweightgrid(
        self,
        type: Annotated[str, kinds.Choice(("imaging", "ftweight")), "Density of samples, or gridded weights"] = "imaging",
        wgtimages: Annotated[Any, Anything, "Image that gridded weights are written to"] = [],  # noqa: B006 - not changed
    ) -> np.ndarray:
        """The density of uv samples that uniform and robust weights are made of: ``(x, y, plane)``, sums of weights; empty for natural ones.

        Of mosaics whose fields are weighted apart (`weight` with mosaic=True) planes are those of one field after the other. With ``type="ftweight"`` nothing is
        returned: the image named holds the weights that residuals of several parts of the data are averaged with, sums over the data of weights times,
        for mosaics, the squares of the beams.

        Raises
        ------
        NotOpenError, ParameterError, DataError
            None is open or defined, no image is named for gridded weights, or all is flagged.
        """
        names = names_of(wgtimages)
        if type == "imaging" and names:
            raise ParameterError(f"imager.getweightgrid: parameter 'wgtimages' is for type='ftweight'; got {names}")
        if type == "ftweight":
            if len(names) != 1:
                raise ParameterError(
                    f"imager.getweightgrid: parameter 'wgtimages' must name one image for type='ftweight'; got {names}"
                )
            self._open().write_weight(names[0])
            return np.zeros((0, 0, 0))
        run = self._open().run()
        try:
            return np.moveaxis(run.density(), 0, -1)
        finally:
            run.close()

    @method
    def setweightgrid(
        self,
        weight: Annotated[Any, kinds.Array(), "The grid, as getweightgrid gives it"] = [],  # noqa: B006 - not changed
        type: Annotated[str, kinds.Choice(("imaging", "ftweight")), "Density of samples, or gridded weights"] = "imaging",
    ) -> bool:
        """Weight with a density of uv samples, such as the sum of those of several parts of the data; until `weight` is called.

        Raises
        ------
        NotOpenError, ParameterError
            None is open, or the grid has other than two or three axes.
        UnsupportedError
            Gridded weights are given.
        """
        if type != "imaging":
            raise UnsupportedError(
                f"imager.setweightgrid: type={type!r} is not there: gridded weights are sums that images are divided by, not weights of the data; use type='imaging'"
            )
        grid = np.asarray(weight, dtype=np.float64)
        if grid.ndim not in (2, 3) or not grid.size:
            raise ParameterError(
                f"imager.setweightgrid: parameter 'weight' must be an array of two or three axes, as getweightgrid gives it; got the shape {grid.shape}"
            )
        self._open().given_density = np.ascontiguousarray(np.moveaxis(grid.reshape(*grid.shape[:2], -1), -1, 0))
        return True
