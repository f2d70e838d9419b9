"""sdintimaging: joint deconvolution of single dish and interferometer."""

from __future__ import annotations

from typing import Annotated, Any

from casatasks._params import SelectData, VisList
from casatasks._task import task
from casatools._base import kinds
from casatools.imaging.joint_run import JointRequest, run_joint
from casatools.imaging.request import TcleanRequest

__all__ = ["sdintimaging"]

_SELECT = kinds.Variant((kinds.Text(numbers=True), kinds.TextList(numbers=True)))
_QUANTITIES = kinds.Variant((kinds.Text(), kinds.FloatList(), kinds.TextList(), kinds.Record()))
_PLACE = kinds.Variant((kinds.Int(), kinds.Text(), kinds.Record(), kinds.Variant()))
_AXIS = kinds.Variant((kinds.Int(), kinds.Text(), kinds.Record()))
_OWN = ("usedata", "sdimage", "sdpsf", "sdgain", "dishdia")


@task(group="imaging", pictures=("imagename",))
def sdintimaging(
    usedata: Annotated[
        str, kinds.Choice(("sdint", "sd", "int")), "Data to deconvolve: both, the single dish alone, or the interferometer alone"
    ] = "sdint",
    sdimage: Annotated[str, kinds.InPath(), "Cube of the single dish in Jy/beam"] = "",
    sdpsf: Annotated[str, kinds.InPath(), "Point spread function of the single dish; empty is a Gaussian of its beam"] = "",
    sdgain: Annotated[float, kinds.Float(), "Factor of the single dish's intensities"] = 1.0,
    dishdia: Annotated[float, kinds.Float(), "Effective diameter of the single dish [m]; 0 is that of its beam"] = 0.0,
    vis: VisList = "",
    selectdata: SelectData = True,
    field: Annotated[Any, _SELECT, "Select fields by name, ID or wildcard; a list holds one text for each MeasurementSet"] = "",
    spw: Annotated[Any, _SELECT, "Select spectral windows and channels; a list holds one text for each MeasurementSet"] = "",
    timerange: Annotated[Any, _SELECT, "Select a time range"] = "",
    uvrange: Annotated[Any, _SELECT, "Select by uv distance"] = "",
    antenna: Annotated[Any, _SELECT, "Select antennas or baselines"] = "",
    scan: Annotated[Any, _SELECT, "Select scans"] = "",
    observation: Annotated[Any, _SELECT, "Select observation IDs"] = "",
    intent: Annotated[Any, _SELECT, "Select by scan intent"] = "",
    datacolumn: Annotated[str, kinds.Text(), "Data column: corrected (falls back to data), data or model"] = "corrected",
    imagename: Annotated[Any, kinds.OutPath(), "Beginning of the names of the images"] = "",
    imsize: Annotated[Any, kinds.IntList(), "Pixels in x and y, or one number for both"] = [],  # noqa: B006 - copied
    cell: Annotated[Any, _QUANTITIES, 'Pixel size in x and y, such as "15arcsec"; numbers are arcsec'] = [],  # noqa: B006 - copied
    phasecenter: Annotated[
        Any, _PLACE, 'Phase centre: a direction such as "J2000 15h22m00 +05d04m00", a field ID, or empty for the first field'
    ] = "",
    stokes: Annotated[
        str,
        kinds.Choice(("I", "Q", "U", "V", "IV", "QU", "IQ", "UV", "IQUV", "RR", "LL", "XX", "YY", "RRLL", "XXYY", "pseudoI")),
        "Polarization planes to make",
    ] = "I",
    projection: Annotated[str, kinds.Text(), "Coordinate projection"] = "SIN",
    startmodel: Annotated[Any, kinds.Variant((kinds.Text(), kinds.TextList())), "Model image to start from"] = "",
    specmode: Annotated[
        str,
        kinds.Choice(("mfs", "cont", "cube", "cubedata", "cubesource")),
        "mfs makes one continuum image, cube channels in a spectral frame, cubedata channels as observed",
    ] = "mfs",
    reffreq: Annotated[
        Any, kinds.Quantity("Hz"), "Reference frequency of a continuum image; empty is the middle of the band"
    ] = "",
    nchan: Annotated[int, kinds.Int(), "Channels of a cube; -1 is as many as the data fill"] = -1,
    start: Annotated[Any, _AXIS, "First channel of a cube: channel number, frequency or velocity"] = "",
    width: Annotated[Any, _AXIS, "Channel width of a cube: channels, frequency or velocity"] = "",
    outframe: Annotated[str, kinds.Text(), "Spectral frame of the image"] = "LSRK",
    veltype: Annotated[str, kinds.Text(), "Velocity convention of start and width: radio or optical"] = "radio",
    restfreq: Annotated[Any, _QUANTITIES, "Rest frequency"] = [],  # noqa: B006 - copied
    interpolation: Annotated[
        str, kinds.Choice(("nearest", "linear", "cubic")), "Spectral interpolation of the visibilities"
    ] = "linear",
    perchanweightdensity: Annotated[bool, kinds.Bool(), "Weight each channel of a cube by its own uv density"] = True,
    gridder: Annotated[
        str,
        kinds.Choice(
            (
                "standard",
                "ft",
                "gridft",
                "widefield",
                "wproject",
                "wprojectft",
                "mosaic",
                "ftmosaic",
                "mosaicft",
                "imagemosaic",
                "awproject",
                "awprojectft",
            )
        ),
        "Gridding algorithm",
    ] = "standard",
    facets: Annotated[int, kinds.Int(), "Facets on a side"] = 1,
    psfphasecenter: Annotated[Any, _PLACE, "Phase centre of the point spread function of mosaics"] = "",
    wprojplanes: Annotated[int, kinds.Int(), "w planes; the w term is exact here, the number is accepted"] = 1,
    vptable: Annotated[str, kinds.Text(), "Voltage pattern table"] = "",
    mosweight: Annotated[bool, kinds.Bool(), "Weight each field of a mosaic apart"] = True,
    aterm: Annotated[bool, kinds.Bool(), "A-projection: use aperture illumination"] = True,
    psterm: Annotated[bool, kinds.Bool(), "A-projection: use the prolate spheroidal"] = False,
    wbawp: Annotated[bool, kinds.Bool(), "A-projection: wide-band"] = True,
    cfcache: Annotated[str, kinds.Text(), "A-projection: folder of convolution functions"] = "",
    usepointing: Annotated[bool, kinds.Bool(), "Use the POINTING table"] = False,
    computepastep: Annotated[float, kinds.Float(), "A-projection: parallactic angle step [deg]"] = 360.0,
    rotatepastep: Annotated[float, kinds.Float(), "A-projection: rotation step [deg]"] = 360.0,
    pointingoffsetsigdev: Annotated[Any, _QUANTITIES, "A-projection: pointing offset tolerance"] = [],  # noqa: B006 - copied
    pblimit: Annotated[
        float, kinds.Float(), "Primary beam gain below which pixels are masked; negative makes the beam without masking"
    ] = 0.2,
    deconvolver: Annotated[
        str,
        kinds.Choice(("hogbom", "clark", "clarkstokes", "clark_exp", "clarkstokes_exp", "multiscale", "mtmfs", "mem", "asp")),
        "Minor cycle algorithm",
    ] = "hogbom",
    scales: Annotated[Any, kinds.FloatList(), "Scale sizes in pixels for multiscale"] = [],  # noqa: B006 - copied
    nterms: Annotated[int, kinds.Int(), "Taylor terms for mtmfs"] = 2,
    smallscalebias: Annotated[float, kinds.Float(), "Bias towards small scales for multiscale"] = 0.0,
    restoration: Annotated[bool, kinds.Bool(), "Make restored images"] = True,
    restoringbeam: Annotated[
        Any, _QUANTITIES, 'Restoring beam: empty for each plane its own, "common", or [major, minor, angle]'
    ] = [],  # noqa: B006 - copied
    pbcor: Annotated[bool, kinds.Bool(), "Write an image divided by the primary beam"] = False,
    weighting: Annotated[
        str,
        kinds.Choice(("natural", "uniform", "briggs", "briggsabs", "radial", "superuniform", "briggsbwtaper")),
        "Weighting scheme",
    ] = "natural",
    robust: Annotated[float, kinds.Float(-2.0, 2.0), "Briggs robustness, -2 to 2"] = 0.5,
    noise: Annotated[Any, kinds.Quantity("Jy"), "Noise for briggsabs"] = "1.0Jy",
    npixels: Annotated[
        int,
        kinds.Int(),
        "superuniform: uv cells on either side that densities are summed over; others: pixels of the field of view that uv cells are for",
    ] = 0,
    uvtaper: Annotated[list[str], kinds.TextList(), 'Gaussian taper: angle on the sky or length such as "5klambda"'] = [""],  # noqa: B006 - copied
    niter: Annotated[int, kinds.Int(), "Iterations; 0 makes dirty images"] = 0,
    gain: Annotated[float, kinds.Float(), "Loop gain"] = 0.1,
    threshold: Annotated[Any, kinds.Quantity("Jy"), "Stop at this peak residual; numbers are Jy"] = 0.0,
    nsigma: Annotated[float, kinds.Float(), "Stop at this many robust standard deviations"] = 0.0,
    cycleniter: Annotated[int, kinds.Int(), "Iterations of a plane in one minor cycle; -1 is no limit"] = -1,
    cyclefactor: Annotated[float, kinds.Float(), "Factor on the sidelobe level that sets the depth of a minor cycle"] = 1.0,
    minpsffraction: Annotated[float, kinds.Float(), "Least depth of a minor cycle"] = 0.05,
    maxpsffraction: Annotated[float, kinds.Float(), "Greatest depth of a minor cycle"] = 0.8,
    interactive: Annotated[bool, kinds.Bool(), "Draw masks and steer by hand"] = False,
    fullsummary: Annotated[bool, kinds.Bool(), "Return more about each minor cycle"] = False,
    nmajor: Annotated[int, kinds.Int(), "Most major cycles; -1 is no limit"] = -1,
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
    minpercentchange: Annotated[float, kinds.Float(), "auto-multithresh: least change"] = -1.0,
    verbose: Annotated[bool, kinds.Bool(), "auto-multithresh: log more"] = False,
    fastnoise: Annotated[bool, kinds.Bool(), "auto-multithresh, nsigma: simple noise of all pixels"] = True,
    restart: Annotated[bool, kinds.Bool(), "Go on from images of the same name"] = True,
    calcres: Annotated[bool, kinds.Bool(), "Make the residual before the first minor cycle"] = True,
    calcpsf: Annotated[bool, kinds.Bool(), "Make the point spread function"] = True,
) -> dict[str, Any]:
    """Deconvolve the images of a single dish and of an interferometer together.

    Cubes ``imagename.int.cube.*`` and ``imagename.sd.cube.*`` of either and ``imagename.joint.cube.*`` of both are written when the run is complete; with
    specmode="mfs" the images of Taylor terms are ``imagename.joint.multiterm.*``, those of another deconvolver, which CASA does not take here,
    ``imagename.joint.cont.*``. A killed run is gone on from by the same call.

    Returns
    -------
    dict
        What the iterations did, as tclean returns it.

    Raises
    ------
    ParameterError, UnsupportedError
        A value is bad, or documented but not there yet; nothing is written.
    PathMissingError, SelectionError, DataError
        An image or MeasurementSet is missing, the selection matches nothing, or the single dish's image does not fit the cube.

    Notes
    -----
    Images and point spread functions are joined by feathering in each channel. The joint point spread function is scaled to a peak of 1, and the joint
    residual with it. The single dish's image is multiplied by the interferometer's primary beam, by which the model is, too.

    References
    ----------
    Rau, Naik & Braun 2019, AJ 158, 3.

    Examples
    --------
    >>> sdintimaging(sdimage="gbt.cube", vis="vla.ms", imagename="both", specmode="cube", imsize=256, cell="10arcsec", deconvolver="multiscale", niter=1000)
    """
    shared: dict[str, Any] = {name: value for name, value in locals().items() if name not in _OWN}
    fixed: dict[str, Any] = {
        "conjbeams": False, "normtype": "flatnoise", "fusedthreshold": 0.0, "largestscale": -1, "outlierfile": "", "savemodel": "none", "psfcutoff": 0.35,
        "parallel": False,
    }  # fmt: skip
    return run_joint(JointRequest(TcleanRequest(**shared, **fixed), usedata, sdimage, sdpsf, sdgain, dishdia))
