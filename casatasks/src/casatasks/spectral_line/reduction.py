"""The steps of the main job, each a call of a task; what a user would write in a script."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from casatasks.spectral_line.emission import line_box
from casatasks.spectral_line.findings import measure_products
from casatasks.spectral_line.line_free import channel_ranges, find_line_free
from casatasks.spectral_line.products import Products, ReductionOptions, fresh
from casatasks.spectral_line.roles import find_roles
from casatools._base import log
from casatools._base.constants import SPEED_OF_LIGHT_M_S
from casatools._base.errors import DataError
from casatools._base.paths import remove_output, require_present

__all__ = ["Products", "ReductionOptions", "reduce_data"]


@contextmanager
def _step(products: Products, name: str, tell: Callable[[str], object]) -> Iterator[None]:
    tell(name)
    started = time.perf_counter()
    yield
    products.seconds[name] = time.perf_counter() - started


def reduce_data(options: ReductionOptions, tell: Callable[[str], object] = log.post) -> Products:
    """Flag, calibrate, subtract the continuum and image a spectral-line observation.

    Parameters
    ----------
    options : ReductionOptions
    tell : callable
        Called with the name of each step as it begins.

    Returns
    -------
    Products

    Raises
    ------
    CasaError
        The data cannot be read, or a field of a role cannot be found.
    """
    require_present(options.source, "input")
    os.makedirs(options.outdir, exist_ok=True)
    products = Products(os.path.abspath(options.outdir))
    with _step(products, "import", tell):
        _import(options, products)
    with _step(products, "list", tell):
        _list(options, products)
    with _step(products, "flag", tell):
        _flag(products)
    with _step(products, "calibrate", tell):
        _calibrate(options, products)
    with _step(products, "apply", tell):
        _apply(products)
    with _step(products, "subtract continuum", tell):
        _subtract(options, products)
    with _step(products, "image line", tell):
        _image_line(options, products)
    with _step(products, "image continuum", tell):
        _image_continuum(options, products)
    with _step(products, "measure", tell):
        measure_products(options, products)
    return products


def _import(options: ReductionOptions, products: Products) -> None:
    from casatasks import importuvfits

    (products.vis,) = fresh(products, "data.ms")
    if os.path.isdir(options.source):
        shutil.copytree(options.source, products.vis, symlinks=True)
    else:
        importuvfits(fitsfile=options.source, vis=products.vis, antnamescheme="new")


def _list(options: ReductionOptions, products: Products) -> None:
    from casatasks import listobs
    from casatools import msmetadata, table

    (listing,) = fresh(products, "listobs.txt")
    listobs(vis=products.vis, listfile=listing, overwrite=True)
    msmd, tb = msmetadata(), table()
    msmd.open(products.vis)
    try:
        names = [str(n) for n in msmd.fieldnames()]
        scans = [len(msmd.scansforfield(k)) for k in range(len(names))]
        antennas = [str(n) for n in msmd.antennanames()]
        positions = [msmd.antennaposition(k) for k in range(len(antennas))]
    finally:
        msmd.done()
    tb.open(products.vis)
    ids = tb.getcol("FIELD_ID")
    used = set(tb.getcol("ANTENNA1").tolist()) | set(tb.getcol("ANTENNA2").tolist())
    tb.close()
    tb.open(products.vis + "/FIELD")
    codes = [str(c) for c in tb.getcol("CODE")]
    tb.close()
    rows = np.bincount(ids, minlength=len(names)).tolist()
    products.roles = find_roles(names, codes, scans, rows, options.flux, options.gain, options.target)
    products.field_names = names
    products.refant = options.refant or _central_antenna(antennas, positions, sorted(used))


def _central_antenna(names: list[str], positions: list[dict[str, Any]], used: list[int]) -> str:
    """Names of the antennas in order of distance from the array's middle, as a fallback list for refant."""

    def xyz(p: dict[str, Any]) -> np.ndarray:
        lon, lat, radius = (float(p[m]["value"]) for m in ("m0", "m1", "m2"))
        return radius * np.array([np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)])

    places = np.array([xyz(positions[k]) for k in used])
    order = np.argsort(np.linalg.norm(places - np.median(places, axis=0), axis=1))
    return ",".join(names[used[k]] for k in order[:5])


def _flag(products: Products) -> None:
    from casatasks import flagdata, visstat

    assert products.roles is not None
    # The brightest calibrator sets the scale: what is many times brighter than it cannot be sky.
    level = visstat(vis=products.vis, field=str(products.roles.flux), axis="amplitude", datacolumn="data", reportingaxes="field")
    median = float(next(iter(level.values()))["median"])
    commands = [
        "mode='manual' autocorr=True",
        "mode='quack' quackinterval=10.0 quackmode='beg'",
        f"mode='clip' clipminmax=[0.0,{10.0 * median:.6g}] clipzeros=True",
    ]
    flagdata(vis=products.vis, mode="list", inpfile=commands, flagbackup=True)
    summary = flagdata(vis=products.vis, mode="summary")
    products.numbers["flagged"] = float(summary["flagged"]) / float(summary["total"])


def _calibrate(options: ReductionOptions, products: Products) -> None:
    from casatasks import bandpass, fluxscale, gaincal, setjy

    assert products.roles is not None
    flux, gain = str(products.roles.flux), str(products.roles.gain)
    both = ",".join(dict.fromkeys([flux, gain]))
    phase, band, gains, scaled = fresh(products, "phase.gcal", "band.bcal", "gain.gcal", "flux.gcal")
    setjy(vis=products.vis, field=flux, standard=options.standard, usescratch=True)
    refant = products.refant
    # Phases are taken out integration by integration so that the bandpass is averaged coherently.
    gaincal(vis=products.vis, caltable=phase, field=flux, gaintype="G", calmode="p", solint="int", refant=refant)
    bandpass(vis=products.vis, caltable=band, field=flux, solint="inf", combine="scan", refant=refant, gaintable=[phase])
    gaincal(
        vis=products.vis, caltable=gains, field=both, gaintype="G", calmode="ap", solint="inf", refant=refant,
        gaintable=[band], interp=["nearest"],
    )  # fmt: skip
    names = products.field_names
    result = fluxscale(
        vis=products.vis, caltable=gains, fluxtable=scaled, reference=[names[int(flux)]], transfer=[names[int(gain)]]
    )
    products.tables = {"phase": phase, "bandpass": band, "gain": gains, "flux": scaled}
    entry = result[gain]
    spw = next(k for k in sorted(entry) if k.isdigit())
    products.numbers["gain calibrator flux"] = float(entry[spw]["fluxd"][0])
    products.numbers["gain calibrator flux error"] = float(entry[spw]["fluxdErr"][0])


def _apply(products: Products) -> None:
    from casatasks import applycal

    assert products.roles is not None
    flux, gain, target = (str(k) for k in (products.roles.flux, products.roles.gain, products.roles.target))
    tables = [products.tables["flux"], products.tables["bandpass"]]
    for fields, source in ((f"{target},{gain}", gain), (flux, flux)):
        applycal(
            vis=products.vis, field=fields, gaintable=tables, gainfield=[source, flux], interp=["linear", "nearest"],
            parang=False, flagbackup=False,
        )  # fmt: skip


def _subtract(options: ReductionOptions, products: Products) -> None:
    from casatasks import split, uvcontsub

    assert products.roles is not None
    source, line = fresh(products, "target.ms", "line.ms")
    split(vis=products.vis, outputvis=source, field=str(products.roles.target), datacolumn="corrected")
    fitspec = options.fitspec or _line_free_channels(products, source)
    uvcontsub(vis=source, outputvis=line, fitspec=fitspec, fitorder=0)
    products.numbers["fitspec"] = fitspec


def _geometry(vis: str) -> tuple[int, float, np.ndarray]:
    """Image size [pixel], cell [arcsec] and channel frequencies [Hz]: four cells a beam, one and a half primary beams wide."""
    from casatools import table

    tb = table()
    tb.open(vis)
    uvw = tb.getcol("UVW")
    tb.close()
    tb.open(vis + "/SPECTRAL_WINDOW")
    freq = np.asarray(tb.getcell("CHAN_FREQ", 0), dtype=float)
    tb.close()
    tb.open(vis + "/ANTENNA")
    dish = float(np.median(tb.getcol("DISH_DIAMETER")))
    tb.close()
    longest = float(np.sqrt((uvw[:2] ** 2).sum(axis=0)).max())
    if longest <= 0:
        raise DataError(f"all baselines of {vis!r} have zero length: it cannot be imaged")
    wavelength = SPEED_OF_LIGHT_M_S / float(freq.mean())
    cell = np.degrees(wavelength / longest) * 3600.0 / 4.0
    cell = float(f"{cell:.1g}") if cell < 10 else round(cell)
    width = 1.5 * np.degrees(1.15 * wavelength / dish) * 3600.0 / cell
    size = next((n for n in (64, 80, 96, 128, 160, 192, 240, 256, 320, 384, 480, 512) if n >= width), 512)
    return size, cell, freq


def _line_free_channels(products: Products, vis: str) -> str:
    from casatasks import imstat, tclean

    size, cell, freq = _geometry(vis)
    (quick,) = fresh(products, "quick")
    tclean(
        vis=vis, imagename=quick, datacolumn="data", imsize=[max(64, size // 2)], cell=[f"{cell}arcsec"], specmode="cube", outframe="LSRK",
        nchan=len(freq), start=0, width=1, weighting="natural", niter=0, pblimit=-0.2, restoration=False,
    )  # fmt: skip
    level = np.asarray(imstat(quick + ".residual", axes=[0, 1])["rms"], dtype=float)
    for suffix in ("residual", "psf", "pb", "sumwt", "model", "image", "mask"):
        remove_output(f"{quick}.{suffix}")
    chosen = find_line_free(level)
    products.numbers["channel rms"] = level.tolist()
    return f"0:{channel_ranges(chosen)}"


def _image_line(options: ReductionOptions, products: Products) -> None:
    from casatasks import exportfits, imstat, tclean

    (vis,) = (products.path("line.ms"),)
    size, cell, freq = _geometry(vis)
    edge = max(1, len(freq) // 20)
    base = products.path("cube")
    _remove_images(base)
    cube: dict[str, Any] = {
        "vis": vis, "imagename": base, "datacolumn": "data", "imsize": [size, size], "cell": [f"{cell}arcsec"], "specmode": "cube", "start": edge,
        "nchan": len(freq) - 2 * edge, "width": 1, "restfreq": f"{options.restfreq_hz}Hz", "outframe": "LSRK", "interpolation": "linear",
        "gridder": "standard", "weighting": "briggs", "robust": 0.5, "deconvolver": "hogbom", "restoringbeam": "common", "pblimit": 0.1, "pbcor": True,
    }  # fmt: skip
    products.numbers.update({"cell": cell, "imsize": size, "first channel": edge, "data channels": len(freq)})
    tclean(niter=0, restoration=False, **cube)
    noise = 1.4826 * float(np.median(imstat(base + ".residual", axes=[0, 1])["medabsdevmed"]))
    # Deep, but only where there is line: emission left uncleaned would be summed in units of the dirty beam, in a bowl of its
    # sidelobes. The cells are a quarter of the beam of the longest baseline.
    x0, y0, x1, y1 = line_box(products, base + ".residual", 4.0)
    region = f"box[[{x0}pix,{y0}pix],[{x1}pix,{y1}pix]]"
    result = tclean(niter=options.niter, threshold=f"{noise}Jy", mask=region, restart=True, **cube)
    noise = 1.4826 * float(np.median(imstat(base + ".residual", axes=[0, 1])["medabsdevmed"]))
    products.numbers.update({"cube noise": noise, "cube iterations": int(result["iterdone"])})
    products.images.update({"cube": base + ".image", "cube pbcor": base + ".image.pbcor", "cube residual": base + ".residual"})
    exportfits(base + ".image.pbcor", base + ".fits", velocity=True, overwrite=True)


def _remove_images(base: str) -> None:
    for suffix in ("image", "image.pbcor", "model", "psf", "residual", "mask", "pb", "sumwt"):
        remove_output(f"{base}.{suffix}")


def _image_continuum(options: ReductionOptions, products: Products) -> None:
    from casatasks import imstat, tclean

    vis = products.path("target.ms")
    base = products.path("continuum")
    _remove_images(base)
    common: dict[str, Any] = {
        "vis": vis, "imagename": base, "datacolumn": "data", "spw": str(products.numbers["fitspec"]), "imsize": [products.numbers["imsize"]],
        "cell": [f"{products.numbers['cell']}arcsec"], "specmode": "mfs", "gridder": "standard", "weighting": "briggs", "robust": 0.0,
        "deconvolver": "hogbom", "pblimit": 0.1, "pbcor": True,
    }  # fmt: skip
    tclean(niter=0, restoration=False, **common)
    noise = 1.4826 * float(imstat(base + ".residual")["medabsdevmed"][0])
    tclean(niter=1000, threshold=f"{3.0 * noise}Jy", restart=True, **common)
    products.numbers["continuum noise"] = 1.4826 * float(imstat(base + ".residual")["medabsdevmed"][0])
    products.images.update({"continuum": base + ".image", "continuum pbcor": base + ".image.pbcor", "continuum pb": base + ".pb"})
