"""tclean: imaging and deconvolution."""

from __future__ import annotations

from typing import Annotated, Any

from casatasks._params import SelectData, VisList
from casatasks._task import task
from casatools._base import kinds
from casatools.imaging.request import TcleanRequest
from casatools.imaging.tclean_run import run_tclean

__all__ = ["tclean"]

_SELECT = kinds.Variant((kinds.Text(numbers=True), kinds.TextList(numbers=True)))
_QUANTITIES = kinds.Variant((kinds.Text(), kinds.FloatList(), kinds.TextList(), kinds.Record()))
_PLACE = kinds.Variant((kinds.Int(), kinds.Text(), kinds.Record(), kinds.Variant()))
_AXIS = kinds.Variant((kinds.Int(), kinds.Text(), kinds.Record()))


@task(group="imaging", pictures=("imagename",))
def tclean(
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
    imsize: Annotated[Any, kinds.IntList(), "Pixels in x and y, or one number for both"] = [100],  # noqa: B006 - copied
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
        kinds.Choice(("mfs", "cont", "cube", "cubedata", "cubesource", "mvc")),
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
                "awphpg",
                "awp2",
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
    conjbeams: Annotated[bool, kinds.Bool(), "A-projection: conjugate beams"] = False,
    cfcache: Annotated[str, kinds.Text(), "A-projection: folder of convolution functions"] = "",
    usepointing: Annotated[bool, kinds.Bool(), "Use the POINTING table"] = False,
    computepastep: Annotated[float, kinds.Float(), "A-projection: parallactic angle step [deg]"] = 360.0,
    rotatepastep: Annotated[float, kinds.Float(), "A-projection: rotation step [deg]"] = 360.0,
    pointingoffsetsigdev: Annotated[Any, _QUANTITIES, "A-projection: pointing offset tolerance"] = [],  # noqa: B006 - copied
    pblimit: Annotated[
        float, kinds.Float(), "Primary beam gain below which pixels are masked; negative makes the beam without masking"
    ] = 0.2,
    normtype: Annotated[str, kinds.Text(), "Normalization of mosaics"] = "flatnoise",
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
    pbcor: Annotated[bool, kinds.Bool(), "Write an image divided by the primary beam"] = False,
    outlierfile: Annotated[str, kinds.Text(), "File of outlier fields"] = "",
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
    nmajor: Annotated[int, kinds.Int(), "Most major cycles; -1 is no limit"] = -1,
    fullsummary: Annotated[bool, kinds.Bool(), "Return more about each minor cycle"] = False,
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
    savemodel: Annotated[
        str, kinds.Choice(("none", "virtual", "modelcolumn")), "Save the model for self-calibration: none, virtual or modelcolumn"
    ] = "none",
    calcres: Annotated[bool, kinds.Bool(), "Make the residual before the first minor cycle"] = True,
    calcpsf: Annotated[bool, kinds.Bool(), "Make the point spread function"] = True,
    psfcutoff: Annotated[float, kinds.Float(), "Level above which the main lobe is fitted"] = 0.35,
    parallel: Annotated[bool, kinds.Bool(), "Use MPI ranks when there are any"] = False,
) -> dict[str, Any]:
    """Make images from visibilities and deconvolve them.

    Images ``imagename.psf .residual .pb .sumwt .model``, with iterations ``.mask``, with restoration ``.image`` and with pbcor ``.image.pbcor`` are
    written when the run is complete; with restart=True images of the same name are gone on from and replaced.

    Returns
    -------
    dict
        What the iterations did: ``iterdone nmajordone stopcode stopDescription summaryminor ...``.

    Raises
    ------
    ParameterError, UnsupportedError
        A value is bad, or documented but not there yet; nothing is written.
    SelectionError, DataError, PathMissingError
        The selection matches nothing, all data are flagged, or there is no such MeasurementSet.

    Notes
    -----
    Visibilities are gridded by ducc0 to a relative accuracy of 1e-5. gridder="standard" leaves the w term out as CASA does; gridder="wproject" uses it
    exactly. Cube channels in another frame follow the Doppler shift of each integration.

    References
    ----------
    Arras et al. 2021, A&A 646, A58 (gridding); Hogbom 1974, A&AS 15, 417; Clark 1980, A&A 89, 377; Briggs 1995, PhD thesis, New Mexico Tech.

    Examples
    --------
    >>> tclean("target.ms", imagename="cube", specmode="cube", imsize=256, cell="15arcsec", weighting="briggs", niter=6000, threshold="8mJy")
    """
    return run_tclean(TcleanRequest(**locals()))
