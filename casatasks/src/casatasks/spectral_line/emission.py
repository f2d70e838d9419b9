"""Where the line is: its channels, and the part of the sky that it comes from."""

from __future__ import annotations

import numpy as np

from casatasks.spectral_line.measure import fitted_channels, island_box, masked_plane
from casatasks.spectral_line.products import Products, fresh

__all__ = ["image_plane", "line_box", "line_channels"]


def line_channels(products: Products) -> np.ndarray:
    """Channels (chan,) of the cube that hold line: those between the ones the continuum was fitted to."""
    nchan, first = int(products.numbers["data channels"]), int(products.numbers["first channel"])
    free = fitted_channels(str(products.numbers["fitspec"]), nchan)
    used = np.flatnonzero(free)
    lines = ~free
    if len(used) > 1:
        lines[: used[0]] = lines[used[-1] :] = False
    lines = lines[first : nchan - first]
    return lines if lines.any() else np.ones_like(lines)


def image_plane(image: str) -> np.ndarray:
    """The first plane (x, y) of an image, NaN where masked."""
    from casatasks import imhead, imval

    shape = imhead(image, mode="get", hdkey="shape")
    return masked_plane(imval(image, box=f"0,0,{int(shape[0]) - 1},{int(shape[1]) - 1}"))


def line_box(products: Products, cube: str, beam_pixels: float) -> tuple[int, int, int, int]:
    """The box ``x0, y0, x1, y1`` around the line emission of a cube, a beam wider than what stands out.

    All line channels are summed without a threshold: the noise of that sum is even over the field, so that it shows where
    there is line.
    """
    from casatasks import immoments, imstat

    where = np.flatnonzero(line_channels(products))
    (found,) = fresh(products, "line.detection")
    immoments(cube, moments=[0], chans=f"{where[0]}~{where[-1]}", outfile=found)
    spread = 1.4826 * float(imstat(found)["medabsdevmed"][0])
    return island_box(image_plane(found), 4.0 * spread, round(beam_pixels))
