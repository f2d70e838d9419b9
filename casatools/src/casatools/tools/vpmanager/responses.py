"""Tables of antenna responses."""

from __future__ import annotations

from typing import Annotated, Any

import numpy as np

from casatools._base import kinds, log
from casatools._base.declare import method
from casatools._base.errors import DataError, ParameterError
from casatools.frames.epochs import parse_epoch
from casatools.frames.quantities import to_unit
from casatools.imaging.antenna_responses import AntennaResponses, Band, SkyPlace, make_responses, open_responses
from casatools.tools.vpmanager.setup import (
    PATTERNS,
    AntennaType,
    Anything,
    DoPb,
    OtherTelescope,
    begin,
    hertz,
    quantity,
    telescope_name,
)

__all__ = ["Responses"]


class Responses:
    """Methods about tables that hold the patterns of antennas by type, time, frequency and direction."""

    @method
    def setpbantresptable(
        self,
        telescope: Annotated[str, kinds.Text(), "Telescope"] = "",
        othertelescope: OtherTelescope = "",
        dopb: DoPb = True,
        antresppath: Annotated[str, kinds.InPath(), "Table of antenna responses, which `createantresp` makes"] = "",
    ) -> bool:
        """Take the patterns of a telescope from a table of antenna responses.

        Raises
        ------
        ParameterError, PathMissingError, DataError
            No table is named, it is not there, or has nothing of this telescope.
        """
        name = telescope_name(telescope, othertelescope)
        if not antresppath:
            raise ParameterError("vpmanager.setpbantresptable: parameter 'antresppath' must name a table of antenna responses")
        open_responses(antresppath, name)
        PATTERNS.add(begin(0, "REFERENCE", telescope, othertelescope, dopb) | {"antresppath": antresppath})
        return True

    @method
    def createantresp(
        self,
        imdir: Annotated[str, kinds.InPath(), "Folder of response images"] = "",
        starttime: Annotated[Any, Anything, "Time from which they are valid"] = "",
        bandnames: Annotated[list[str], kinds.TextList(), "Names of the bands"] = [],  # noqa: B006 - copied
        bandminfreq: Annotated[Any, Anything, "Lowest frequency of each band"] = [],  # noqa: B006 - not changed
        bandmaxfreq: Annotated[Any, Anything, "Highest frequency of each band"] = [],  # noqa: B006 - not changed
    ) -> bool:
        """Make the table ``AntennaResponses`` of the response images in a folder.

        Images are named ``obsname_beamnum_anttype_rectype_azmin_aznom_azmax_elmin_elnom_elmax_freqmin_freqnom_freqmax_frequnit_comment_functype.im``: angles
        in degrees, the kind VP (real voltage patterns), EFP (complex electric fields) or AIF (aperture illumination, which imaging does not use). Others in the
        folder are left out.

        Raises
        ------
        ParameterError, PathMissingError, DataError
            A parameter is missing, the bands' lists are of different lengths, the folder is not there, or a name does not say what it must.
        """
        for name, value in (("imdir", imdir), ("starttime", starttime)):
            if not value:
                raise ParameterError(f"vpmanager.createantresp: parameter {name!r} must be given; got {value!r}")
        limits = [list(v) if isinstance(v, (list, tuple, np.ndarray)) else [v] for v in (bandminfreq, bandmaxfreq)]
        if not bandnames or {len(v) for v in limits} != {len(bandnames)}:
            raise ParameterError(
                f"vpmanager.createantresp: parameters 'bandnames', 'bandminfreq' and 'bandmaxfreq' must be as many; got {len(bandnames)}, {len(limits[0])} and {len(limits[1])}"
            )
        bands = [Band(n, hertz("bandminfreq", a), hertz("bandmaxfreq", b)) for n, a, b in zip(bandnames, *limits, strict=True)]
        for band in bands:
            if not 0 < band.low_hz < band.high_hz:
                raise ParameterError(
                    f"vpmanager.createantresp: band {band.name!r} must have a lowest frequency below its highest; got {band.low_hz} and {band.high_hz} Hz"
                )
        path, rows = make_responses(imdir, parse_epoch(starttime), bands)
        log.post(f"vpmanager.createantresp: wrote {path} with {rows} rows")
        return True

    @method
    def getrespimagename(
        self,
        telescope: Annotated[str, kinds.Text(), "Telescope, whose table `setpbantresptable` named"] = "",
        starttime: Annotated[Any, Anything, "Time"] = "",
        frequency: Annotated[Any, Anything, "Frequency"] = "",
        functype: Annotated[str, kinds.Choice(("ANY", "AIF", "EFP", "VP", "VPMAN", "INTERNAL")), "Kind of response"] = "ANY",
        anttype: AntennaType = "",
        azimuth: Annotated[Any, Anything, "Azimuth"] = "0deg",
        elevation: Annotated[Any, Anything, "Elevation"] = "45deg",
        rectype: Annotated[str, kinds.Text(), "Receiver"] = "",
        beamnumber: Annotated[int, kinds.Int(), "Beam of a multi-beam receiver"] = 0,
    ) -> str:
        """Name of the image with an antenna's response.

        Raises
        ------
        ParameterError, DataError
            Time or frequency is missing, the telescope has no table of responses, or none of its responses fits.
        """
        for name, value in (("starttime", starttime), ("frequency", frequency)):
            if not value:
                raise ParameterError(f"vpmanager.getrespimagename: parameter {name!r} must be given; got {value!r}")
        table = self._responses(telescope)
        if table is None:
            raise DataError(
                f"vpmanager.getrespimagename: {telescope!r} has no table of antenna responses; setpbantresptable names one"
            )
        angles = [quantity(n, v, "0deg", "rad") for n, v in (("azimuth", azimuth), ("elevation", elevation))]
        place = SkyPlace(parse_epoch(starttime), *(float(to_unit(v, "rad")) for v in angles))
        return table.image_path(table.find(place, hertz("frequency", frequency), functype, anttype, rectype, beamnumber))

    def _responses(self, telescope: str) -> AntennaResponses | None:
        """The table of antenna responses that a telescope's patterns are taken from, if they are."""
        number = PATTERNS.default_number(telescope)
        record = PATTERNS.records[number] if number >= 0 else {"name": ""}
        return open_responses(str(record["antresppath"]), telescope) if record["name"] == "REFERENCE" else None
