"""What a killed imaging run goes on from: the models, masks and counts after each major cycle.

One file beside the images, replaced as a whole. Beams, weights and residuals are made again from the data and the model: the run goes on to the images that it would have
made. A run with other data or another kind of imaging does not take it up.
"""

from __future__ import annotations

import hashlib
import json
import os
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from casatools._base import log
from casatools.imaging.cycle_control import CycleControl
from casatools.imaging.image_fields import ImageField
from casatools.imaging.request import TcleanRequest

__all__ = ["Checkpoint"]

# What may be changed between a killed run and the one that goes on: when to stop, and what is made of the planes.
_FREE = frozenset(
    (
        "niter", "threshold", "nsigma", "cycleniter", "cyclefactor", "minpsffraction", "maxpsffraction", "nmajor", "interactive", "fullsummary", "parallel",
        "verbose", "savemodel", "pbcor", "restoration", "restoringbeam", "psfcutoff",
    )
)  # fmt: skip


class Checkpoint:
    """The checkpoint of one run.

    Parameters
    ----------
    requests : sequence of TcleanRequest
        Of all image fields.
    base : str
        Beginning of the names of the main images.
    more : mapping, optional
        What else must be the same in the run that goes on.
    """

    def __init__(self, requests: Sequence[TcleanRequest], base: str, more: Mapping[str, Any] | None = None) -> None:
        self.path = base + ".checkpoint"
        given = [{name: value for name, value in asdict(request).items() if name not in _FREE} for request in requests]
        given += [dict(more)] if more else []
        self._digest = hashlib.sha256(json.dumps(given, default=str, sort_keys=True).encode()).hexdigest()

    def save(self, images: Sequence[ImageField], control: CycleControl) -> None:
        """Keep the state after a major cycle; a disk that has no room is told and the run goes on."""
        arrays: dict[str, np.ndarray] = {}
        for k, image in enumerate(images):
            planes, automatic = image.planes, image.auto_mask
            # Channel by channel, so that cubes that do not fit into memory need not.
            arrays |= {f"model{k}.{chan}": model for chan, model in enumerate(planes.model)}
            arrays |= {f"mask{k}.{chan}": np.packbits(mask) for chan, mask in enumerate(planes.mask)}
            if automatic is not None:
                arrays |= {f"positive{k}.{chan}": np.packbits(mask) for chan, mask in enumerate(automatic.positive)}
                arrays[f"frozen{k}"] = automatic.frozen
        cycles = [image.auto_mask.cycles if image.auto_mask is not None else 0 for image in images]
        state = {"digest": self._digest, "control": control.state(), "cycles": cycles}
        part = self.path + ".part"
        try:
            with open(part, "wb") as stream:
                np.savez(stream, state=np.frombuffer(json.dumps(state).encode(), np.uint8), **arrays)  # type: ignore[arg-type]
            os.replace(part, self.path)
        except OSError as error:
            log.post(
                f"tclean: the checkpoint {self.path} cannot be written ({error.strerror}): this run could not be gone on from",
                "WARN",
            )
            if os.path.exists(part):
                os.remove(part)

    def load(self, images: Sequence[ImageField], control: CycleControl) -> bool:
        """Take up what a killed run left; False, with a line in the log, where there is nothing or it is of another run."""
        if not os.path.isfile(self.path):
            return False
        try:
            with np.load(self.path, allow_pickle=False) as found:
                state = json.loads(found["state"].tobytes())
                if state["digest"] != self._digest or any(not _fits(found, k, image) for k, image in enumerate(images)):
                    log.post(f"tclean: {self.path} is of a run with other parameters; this one begins anew")
                    return False
                for name in found.files:
                    found[name]  # a damaged file is found out before anything is taken from it
                for k, image in enumerate(images):
                    _take(found, k, image, int(state["cycles"][k]))
        except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
            log.post(f"tclean: the checkpoint {self.path} cannot be read ({error}); the run begins anew", "WARN")
            return False
        control.restore(state["control"])
        log.post(f"tclean goes on after {control.done} iterations in {control.majors} major cycles, from {self.path}")
        return True

    def remove(self) -> None:
        """The run is complete."""
        for path in (self.path, self.path + ".part"):
            if os.path.isfile(path):
                os.remove(path)


def _fits(found: Any, number: int, image: ImageField) -> bool:
    """Whether a checkpoint holds the planes of an image."""
    model, last = image.planes.model, len(image.planes.model) - 1
    names = (f"model{number}.{last}", f"model{number}.{last + 1}")
    return names[0] in found and names[1] not in found and found[names[0]].shape == model.shape[1:]


def _take(found: Any, number: int, image: ImageField, cycles: int) -> None:
    """Put the model and the masks of a checkpoint into an image."""
    planes, automatic = image.planes, image.auto_mask
    for chan, model in enumerate(planes.model):
        model[...] = found[f"model{number}.{chan}"]
    for chan, mask in enumerate(planes.mask):
        mask[...] = _unpacked(found[f"mask{number}.{chan}"], mask.shape)
    if automatic is not None and f"frozen{number}" in found:
        for chan, mask in enumerate(automatic.positive):
            mask[...] = _unpacked(found[f"positive{number}.{chan}"], mask.shape)
        automatic.frozen, automatic.cycles = found[f"frozen{number}"], cycles


def _unpacked(bits: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    return np.unpackbits(bits, count=int(np.prod(shape))).reshape(shape).astype(bool)
