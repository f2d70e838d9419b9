"""Pictures of the images that a task has made, beside them: what a person would look at next."""

from __future__ import annotations

import glob
import os
from collections.abc import Sequence

from casatools._base import log
from casatools._base.errors import CasaError
from casatools.plotting.quick_look import quick_look

__all__ = ["draw_made_images", "made_images"]


def made_images(name: str, since: float) -> list[str]:
    """Images that an output name stands for.

    Parameters
    ----------
    name : str
        Of an image, or the beginning of the names of several (``name.image``, ``name.integrated``, ``name_0``).
    since : float
        Only those written after this time [s since 1970].

    Returns
    -------
    list of str
        The image itself; else those whose names begin with it, of which only ``.image`` and what belongs to it where there are such.
    """
    if not name:
        return []
    found = (
        [name]
        if _is_image(name)
        else sorted(p for e in (".*", "_[0-9]*") for p in glob.glob(glob.escape(name) + e) if _is_image(p))
    )
    restored = [p for p in found if ".image" in p[len(name) :]]
    return [p for p in restored or found if os.path.getmtime(os.path.join(p, "table.dat")) >= since - 1.0]


def _is_image(path: str) -> bool:
    return os.path.isfile(os.path.join(path, "table.dat")) and os.path.isdir(os.path.join(path, "logtable"))


def draw_made_images(names: Sequence[str], since: float) -> list[str]:
    """Draw a quick look of each image that output names stand for into ``<image>.png``, tell the log, and show it in a notebook.

    Images that have no sky plane or no good pixel get none. Gives the names of the pictures.
    """
    pictures = []
    for path in [p for name in names for p in made_images(name.rstrip("/"), since)]:
        try:
            quick_look(path, f"{path}.png")
        except CasaError as error:
            log.post(f"No picture of {path}: {error}")
            continue
        log.post(f"Picture of {path}: {path}.png")
        pictures.append(f"{path}.png")
    return pictures
