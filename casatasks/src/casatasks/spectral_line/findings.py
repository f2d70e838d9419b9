"""The last step of the main job: moment maps, the continuum source, the spectrum and what it says."""

from __future__ import annotations

import numpy as np

from casatasks.spectral_line.emission import image_plane, line_box, line_channels
from casatasks.spectral_line.measure import brightest_point, channel_velocities, line_profile
from casatasks.spectral_line.products import Products, ReductionOptions, fresh

__all__ = ["measure_products"]

# What is left uncleaned is summed in units of the dirty beam, whose area is another: one per cent of the flux of the simulated
# disk, however little noise it has.
_CLEAN_ERROR = 0.01


def measure_products(options: ReductionOptions, products: Products) -> None:
    """Measure everything the report shows, with tasks only; results go to the products."""
    _measure_calibrators(products)
    _measure_continuum(products)
    lines = line_channels(products)
    box = _make_moments(products, lines)
    _measure_spectrum(options, products, lines, box)


def _measure_calibrators(products: Products) -> None:
    from casatasks import visstat

    assert products.roles is not None
    for role in ("flux", "gain"):
        # A calibrator is a point at the phase centre: its real part is its flux density, without the bias of amplitudes.
        which = str(getattr(products.roles, role))
        found = visstat(vis=products.vis, field=which, axis="real", datacolumn="corrected", reportingaxes="field")
        entry = next(iter(found.values()))
        products.numbers[f"{role} corrected"] = float(entry["mean"])
        products.numbers[f"{role} corrected error"] = float(entry["stddev"]) / max(1.0, float(entry["npts"])) ** 0.5


def _scale_error(products: Products) -> float:
    """Relative uncertainty of the flux scale that the target inherits from the gain calibrator."""
    return float(products.numbers["gain calibrator flux error"]) / float(products.numbers["gain calibrator flux"])


def _measure_continuum(products: Products) -> None:
    from casatasks import imhead

    image = products.images["continuum pbcor"]
    header = imhead(image, mode="list")
    x, y, height = brightest_point(image_plane(products.images["continuum"]))
    beam = float(image_plane(products.images["continuum pb"])[round(x), round(y)])
    cell = np.degrees([float(header["cdelt1"]), float(header["cdelt2"])]) * 3600.0
    noise = float(products.numbers["continuum noise"])
    size = float(np.sqrt(header["beammajor"]["value"] * header["beamminor"]["value"]))
    products.numbers.update(
        {
            "continuum flux": height / beam,
            "continuum flux error": float(np.hypot(noise / beam, _scale_error(products) * height / beam)),
            "continuum offset": ((x - float(header["crpix1"])) * cell[0], (y - float(header["crpix2"])) * cell[1]),
            # Condon 1997, PASP 109, 166: half a beam over the signal-to-noise ratio, on each axis.
            "continuum offset error": 0.5 * size * noise / height,
            "continuum pixel": (x, y),
        }
    )


def _make_moments(products: Products, lines: np.ndarray) -> tuple[int, int, int, int]:
    """Make the moment images; return the box around the line emission."""
    from casatasks import exportfits, imhead, immoments

    cube, noise = products.images["cube"], float(products.numbers["cube noise"])
    where = np.flatnonzero(lines)
    chans = f"{where[0]}~{where[-1]}"
    made = fresh(products, "moment0", "moment1", "moment8")
    header = imhead(cube, mode="list")
    beam_pixels = float(header["beammajor"]["value"]) / float(products.numbers["cell"])
    box = line_box(products, cube, beam_pixels)
    corrected = products.images["cube pbcor"]
    # Thresholds go by the cube before the primary beam correction, whose noise is even.
    for path, moment, clip in ((made[0], 0, 3.0), (made[1], 1, 4.0)):
        immoments(corrected, moments=[moment], chans=chans, mask=f'"{cube}">{clip * noise:.6g}', outfile=path)
    immoments(cube, moments=[8], chans=chans, outfile=made[2])
    products.images.update({"moment 0": made[0], "moment 1": made[1], "moment 8": made[2]})
    exportfits(made[0], made[0] + ".fits", dropdeg=True, overwrite=True)
    products.numbers.update({"line box": box, "line channels": (int(where[0]), int(where[-1])), "beam pixels": beam_pixels})
    return box


def _measure_spectrum(options: ReductionOptions, products: Products, lines: np.ndarray, box: tuple[int, int, int, int]) -> None:
    from casatasks import imstat, imval

    cube = products.images["cube pbcor"]
    text = ",".join(str(k) for k in box)
    flux = np.asarray(imstat(cube, box=text, axes=[0, 1])["flux"], dtype=float)
    freq = np.asarray(imval(cube, box=f"{box[0]},{box[1]}")["coords"], dtype=float)[..., -1].ravel()
    velocity = channel_velocities(freq, options.restfreq_hz)
    order = np.argsort(velocity)
    velocity, flux, lines = velocity[order], flux[order], lines[order]
    off = flux[~lines]
    area = (box[2] - box[0] + 1) * (box[3] - box[1] + 1)
    beams = area / (1.1331 * float(products.numbers["beam pixels"]) ** 2)
    # From the channels without line where there are enough of them, never below what independent beams would give.
    expected = float(products.numbers["cube noise"]) * np.sqrt(max(beams, 1.0))
    noise = max(float(np.sqrt(np.mean(off**2))), expected) if len(off) > 5 else expected
    products.velocity_km_s, products.spectrum_jy = velocity, flux
    scale_error = float(np.hypot(_scale_error(products), _CLEAN_ERROR))
    products.profile = line_profile(velocity, flux, lines, noise, scale_error)
    products.numbers.update({"spectrum noise": noise, "velocity ascends": bool(order[0] == 0)})
