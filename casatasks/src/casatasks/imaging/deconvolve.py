"""deconvolve: minor cycles on images that exist."""

from __future__ import annotations

from typing import Annotated, Any

from casatasks._task import task
from casatools._base import kinds
from casatools.imaging.deconvolve_run import DeconvolveRequest, run_deconvolve

__all__ = ["deconvolve"]

_QUANTITIES = kinds.Variant((kinds.Text(), kinds.FloatList(), kinds.TextList(), kinds.Record()))


@task(group="imaging", pictures=("imagename",))
def deconvolve(
    imagename: Annotated[Any, kinds.OutPath(), "Beginning of the names of the images"] = "",
    startmodel: Annotated[Any, kinds.Variant((kinds.Text(), kinds.TextList())), "Model image to start from"] = "",
    deconvolver: Annotated[
        str,
        kinds.Choice(("hogbom", "clark", "clarkstokes", "clark_exp", "clarkstokes_exp", "multiscale", "mtmfs", "mem", "asp")),
        "Minor cycle algorithm",
    ] = "hogbom",
    scales: Annotated[Any, kinds.FloatList(), "Scale sizes in pixels for multiscale"] = [],  # noqa: B006 - copied
    nterms: Annotated[int, kinds.Int(), "Taylor terms for mtmfs"] = 2,
    smallscalebias: Annotated[float, kinds.Float(), "Bias towards small scales for multiscale"] = 0.0,
    fusedthreshold: Annotated[float, kinds.Float(), "Threshold for asp"] = 0.0,
    largestscale: Annotated[int, kinds.Int(), "Largest scale for asp"] = -1,
    restoration: Annotated[bool, kinds.Bool(), "Make restored images"] = True,
    restoringbeam: Annotated[
        Any, _QUANTITIES, 'Restoring beam: empty for each plane its own, "common", or [major, minor, angle]'
    ] = [],  # noqa: B006 - copied
    niter: Annotated[int, kinds.Int(), "Iterations; 0 makes dirty images"] = 100,
    gain: Annotated[float, kinds.Float(), "Loop gain"] = 0.1,
    threshold: Annotated[Any, kinds.Quantity("Jy"), "Stop at this peak residual; numbers are Jy"] = 0.0,
    nsigma: Annotated[float, kinds.Float(), "Stop at this many robust standard deviations"] = 0.0,
    interactive: Annotated[bool, kinds.Bool(), "Draw masks and steer by hand"] = False,
    fullsummary: Annotated[bool, kinds.Bool(), "Return more about each minor cycle"] = False,
    fastnoise: Annotated[bool, kinds.Bool(), "auto-multithresh, nsigma: simple noise of all pixels"] = True,
    usemask: Annotated[str, kinds.Choice(("user", "pb", "auto-multithresh")), "Kind of clean mask"] = "user",
    mask: Annotated[
        Any,
        kinds.Variant((kinds.Text(), kinds.TextList(), kinds.FloatList())),
        "Clean mask: image, region text or file, or a list; empty is everywhere",
    ] = "",
    pbmask: Annotated[float, kinds.Float(), 'Primary beam gain for usemask="pb"'] = 0.0,
    sidelobethreshold: Annotated[float, kinds.Float(), "auto-multithresh: sidelobe threshold"] = 3.0,
    noisethreshold: Annotated[float, kinds.Float(), "auto-multithresh: noise threshold"] = 5.0,
    lownoisethreshold: Annotated[float, kinds.Float(), "auto-multithresh: low noise threshold"] = 1.5,
    negativethreshold: Annotated[float, kinds.Float(), "auto-multithresh: threshold for negative features"] = 0.0,
    smoothfactor: Annotated[float, kinds.Float(), "auto-multithresh: smoothing"] = 1.0,
    minbeamfrac: Annotated[float, kinds.Float(), "auto-multithresh: least size in beams"] = 0.3,
    cutthreshold: Annotated[float, kinds.Float(), "auto-multithresh: cut of the smoothed mask"] = 0.01,
    growiterations: Annotated[int, kinds.Int(), "auto-multithresh: dilations"] = 75,
    dogrowprune: Annotated[bool, kinds.Bool(), "auto-multithresh: prune grown regions"] = True,
    verbose: Annotated[bool, kinds.Bool(), "auto-multithresh: log more"] = False,
) -> dict[str, Any]:
    """Deconvolve ``imagename.residual`` by ``imagename.psf``, without going back to visibilities.

    The residual image is replaced; ``imagename.model``, ``imagename.mask`` and with restoration ``imagename.image`` are written.

    Returns
    -------
    dict
        What the iterations did, as tclean returns it.

    Raises
    ------
    PathMissingError, DataError
        An image that is needed is not there, or they do not fit together; nothing is written.
    ParameterError, UnsupportedError
        A value is bad, or documented but not there yet.

    References
    ----------
    Hogbom 1974, A&AS 15, 417; Clark 1980, A&A 89, 377; Cornwell 2008, IEEE J. Sel. Top. Signal Process. 2, 793.

    Examples
    --------
    >>> deconvolve("cont", niter=200, threshold="1mJy")
    """
    return run_deconvolve(DeconvolveRequest(**locals()))
