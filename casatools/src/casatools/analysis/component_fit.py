"""Component fits of images from parameters to record: what imfit and the image tool's fitcomponents share."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any

from casatools._base import log
from casatools._base.paths import require_absent, require_writable_parent, staged_output
from casatools.analysis.source_estimates import estimate_line
from casatools.analysis.source_fitting import FitOptions, fit_image
from casatools.analysis.source_records import component_list, fit_record, log_text, summary_text
from casatools.analysis.sub_images import PixelChoice
from casatools.io.image import CasaImage

__all__ = ["FitTexts", "fit_components"]


@dataclass(frozen=True)
class FitTexts:
    """What is written beside images.

    Attributes
    ----------
    logfile : str
    append : bool
        Add to the log file.
    newestimates : str
        Estimates file made of the last plane's components.
    complist : str
        Component list table.
    overwrite : bool
        Replace a component list that exists.
    summary : str
        Table of all components.
    """

    logfile: str = ""
    append: bool = True
    newestimates: str = ""
    complist: str = ""
    overwrite: bool = False
    summary: str = ""

    def check(self) -> None:
        """Refuse what cannot be written, before the fit."""
        if self.complist:
            require_absent(self.complist, self.overwrite, "component list")
        for path in (self.logfile, self.newestimates, self.complist, self.summary):
            if path:
                require_writable_parent(path)


def fit_components(image: CasaImage, choice: PixelChoice, options: FitOptions, texts: FitTexts = FitTexts()) -> dict[str, Any]:
    """Fit Gaussian components to the planes of an image and write what is asked for.

    Returns
    -------
    dict
        The record of `source_records.fit_record`.

    Raises
    ------
    ParameterError, SelectionError, PathMissingError, OutputExistsError, DataError
        See `source_fitting.fit_image`.
    """
    texts.check()
    fit = fit_image(image, choice, options)
    selection = choice.selection
    inputs = {
        "imagename": image.path, "region": selection.region or selection.box, "channel": selection.chans,
        "stokes": fit.planes[0].stokes, "mask": choice.mask, "pixel range": options.pixel_range if options.pixel_range.active else "",
    }  # fmt: skip
    text = log_text(fit, os.path.basename(image.path), inputs)
    log.post(text)
    if texts.logfile:
        with open(texts.logfile, "a" if texts.append else "w", encoding="utf-8") as stream:
            stream.write(text)
    components = component_list(fit)
    if texts.newestimates and fit.planes[-1].sources:
        lines = "".join(estimate_line(found.source) + "\n" for found in fit.planes[-1].sources)
        _write(texts.newestimates, lines)
    if texts.complist and len(components):
        components.write(texts.complist, texts.overwrite)
    if texts.summary:
        _write(texts.summary, summary_text(fit))
    return fit_record(fit, options.fit_offset)


def _write(path: str, text: str) -> None:
    with staged_output(path, overwrite=True) as staged, open(staged, "w", encoding="utf-8") as stream:
        stream.write(text)
