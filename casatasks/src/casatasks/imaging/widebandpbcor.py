"""widebandpbcor: Taylor-term images corrected for the primary beam."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from casatasks._params import Field, Vis
from casatasks._task import task
from casatools._base import kinds
from casatools._base.errors import ParameterError
from casatools.imaging.wideband_beam import WidebandBeamOptions, correct_wideband, write_spectral_indices

__all__ = ["widebandpbcor"]


@task(group="imaging", pictures=("imagename",))
def widebandpbcor(
    vis: Vis = "",
    imagename: Annotated[str, kinds.Text(), "Beginning of the names of the images of a tclean run with deconvolver='mtmfs'"] = "",
    nterms: Annotated[int, kinds.Int(), "Taylor terms"] = 2,
    threshold: Annotated[
        Any, kinds.Quantity("Jy"), "Least intensity for a spectral index; '' is a tenth of the residual's peak"
    ] = "",
    action: Annotated[Literal["pbcor", "calcalpha"], "Correct for the primary beam, or only compute spectral indices"] = "pbcor",
    reffreq: Annotated[Any, kinds.Quantity("Hz"), "Reference frequency of the terms; '' is that of the images"] = "",
    pbmin: Annotated[float, kinds.Float(min=0.0), "Pixels of less primary beam are masked"] = 0.2,
    field: Field = "",
    spwlist: Annotated[list[int], kinds.IntList(), "Spectral windows where the beam is computed, pairwise with chanlist"] = [0],  # noqa: B006 - copied
    chanlist: Annotated[list[int], kinds.IntList(), "Channels where the beam is computed"] = [0],  # noqa: B006 - copied
    weightlist: Annotated[list[float], kinds.FloatList(), "Weights of these in the fit of the beam's terms"] = [0.0],  # noqa: B006 - copied
) -> None:
    """Correct Taylor-term images for the primary beam and its change with frequency.

    Raises
    ------
    ParameterError, SelectionError, PathMissingError, DataError
        Lists do not fit each other or the data, or an image or the MeasurementSet is missing or unfit; nothing is written then.

    Notes
    -----
    ``imagename.image.tt*`` divided, as a power series, by the Taylor terms of the beam give ``imagename.pbcor.image.tt*`` and, above the threshold,
    ``imagename.pbcor.image.alpha``, ``.alpha.error`` and ``.beta``; the beams stay in ``imagename.pbcor.workdirectory``. With action="calcalpha" the
    spectral indices of the images themselves are made anew: ``imagename.image.alpha``, ``.alpha.error`` and ``.beta``. The images may be in any folder.

    References
    ----------
    Rau & Cornwell 2011, A&A 532, A71.

    Examples
    --------
    >>> widebandpbcor("day1.ms", "wide", nterms=2, threshold="1mJy", spwlist=[0, 1], chanlist=[32, 32], weightlist=[1.0, 1.0])
    """
    options = WidebandBeamOptions(
        vis, imagename, nterms, threshold, reffreq, pbmin, field, tuple(spwlist), tuple(chanlist), tuple(weightlist)
    )
    if action == "calcalpha":
        write_spectral_indices(options)
        return
    if not vis:
        raise ParameterError("widebandpbcor: parameter 'vis' must name the MeasurementSet that the images were made from")
    correct_wideband(options)
