"""Interactive cleaning: a page to look at the residuals, draw masks, set the limits, and go on or stop.

The page is served on the loopback address to those who have its token (`local_page`). The imaging run waits between its cycles until the person says what to do;
nothing is read or changed while it computes.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from casatools._base.errors import DataError, ParameterError, UnsupportedError
from casatools._base.local_page import LocalPage, Routes, has_screen, show
from casatools._base.progress import someone_looks
from casatools.frames.quantities import format_dms, format_hms
from casatools.imaging.cycle_control import STOP_DESCRIPTIONS, ZERO_MASK, CycleControl
from casatools.imaging.plane_deconvolver import PlaneDeconvolver
from casatools.io.image.coordinates.direction import default_axis_names
from casatools.io.image.coordinates.system import Coordinates

__all__ = ["CleanPage", "PageImage", "require_person", "steering"]

_MOST_PIXELS = 1024  # on a side of what is sent to the browser
_MOST_BODY = 200000
_MOST_CHANGES = 20
_SHAPES = ("box", "ellipse", "polygon", "text", "everything")
_ACTIONS = ("cycle", "finish", "stop")
_LIMITS = {"niter": int, "cycleniter": int, "nmajor": int, "threshold_jy": float, "nsigma": float, "cyclefactor": float}


@dataclass(frozen=True)
class PageImage:
    """An image field on the page.

    Attributes
    ----------
    title : str
    deconvolver : PlaneDeconvolver
    coordinates : Coordinates
        Of the image, for regions in sky coordinates.
    stokes : sequence of str
    allowed : ndarray (chan, pol, y, x) bool
        Where a mask may be.
    """

    title: str
    deconvolver: PlaneDeconvolver
    coordinates: Coordinates
    stokes: Sequence[str]
    allowed: np.ndarray

    @property
    def step(self) -> int:
        """Pixels on a side that are shown as one."""
        return -(-max(self.allowed.shape[-2:]) // _MOST_PIXELS)


def region_text(shape: str, points: Sequence[Sequence[float]]) -> str:
    """A shape drawn between or through points (x, y) [pixel] as region text (CRTF).

    Raises
    ------
    ParameterError
        There are too few points for the shape.
    """
    least = {"box": 2, "ellipse": 2, "polygon": 3}[shape]
    if len(points) < least or any(len(p) != 2 or not np.isfinite(p).all() for p in points):
        raise ParameterError(f"a {shape} needs at least {least} points of two numbers; got {list(points)!r}")
    if shape == "polygon":
        return "poly[" + ",".join(f"[{x}pix,{y}pix]" for x, y in points) + "]"
    (x0, y0), (x1, y1) = points[0], points[-1]
    if shape == "box":
        return f"box[[{min(x0, x1)}pix,{min(y0, y1)}pix],[{max(x0, x1)}pix,{max(y0, y1)}pix]]"
    half_x, half_y = max(abs(x1 - x0) / 2.0, 0.5), max(abs(y1 - y0) / 2.0, 0.5)
    return f"ellipse[[{(x0 + x1) / 2.0}pix,{(y0 + y1) / 2.0}pix],[{half_y}pix,{half_x}pix],0deg]"


def place_text(coordinates: Coordinates, pixel: Sequence[float]) -> str:
    """The direction of a pixel (x, y), 0-based, such as ``J2000 13:31:08.288 +30.30.32.96``; empty where there is none."""
    direction = coordinates.direction
    if direction is None or not np.isfinite(pixel).all():
        return ""
    lon, lat = (float(v[0]) * unit for v, unit in zip(direction.to_world(np.array([pixel]).T), direction.unit_rad, strict=True))
    if not np.isfinite([lon, lat]).all():
        return ""
    if default_axis_names(direction.frame)[0] == "Right Ascension":
        return f"{direction.frame} {format_hms(lon, 3)} {format_dms(lat, 2)}"
    return f"{direction.frame} {np.rad2deg(lon) % 360:.6f} {np.rad2deg(lat):+.6f} deg"


def channel_text(coordinates: Coordinates, chan: int) -> str:
    """The frequency of a channel and, with a rest frequency, its velocity, such as ``1.420000 GHz  85.6 km/s  LSRK``; empty where there is none."""
    axis = coordinates.spectral
    if axis is None:
        return ""
    hz = axis.frequencies_hz(chan + 1)[chan:]
    found = f"{hz[0] / 1e9:.6f} GHz"
    if axis.rest_frequency_hz > 0:
        found += f"  {float(axis.velocity(hz, unit='km/s')[0]):.2f} km/s"
    return f"{found}  {axis.conversion_frame}"


def reduced(plane: np.ndarray, step: int) -> np.ndarray:
    """Every block of ``step`` pixels by its value of greatest magnitude: nothing bright is lost in the smaller picture."""
    if step == 1:
        return plane
    ny, nx = (-(-n // step) for n in plane.shape)
    padded = np.zeros((ny * step, nx * step), plane.dtype)
    padded[: plane.shape[0], : plane.shape[1]] = plane
    blocks = padded.reshape(ny, step, nx, step).transpose(0, 2, 1, 3).reshape(ny, nx, -1)
    best = np.abs(blocks).argmax(axis=-1) if plane.dtype != bool else blocks.argmax(axis=-1)
    return np.take_along_axis(blocks, best[..., None], axis=-1)[..., 0]


@dataclass(frozen=True)
class _Change:
    """Pixels of a mask that were turned over, as bits, in some of its planes."""

    image: PageImage
    where: tuple[slice, ...]
    bits: np.ndarray


class CleanPage(LocalPage):
    """The page of one run.

    Parameters
    ----------
    images : sequence of PageImage
    """

    name = "cleaning page"

    def __init__(self, images: Sequence[PageImage]) -> None:
        self.images = list(images)
        self._turn = threading.Condition()
        self._control: CycleControl | None = None
        self._reason = ""
        self._action = ""
        self._to_the_end = False
        self._serial = 0
        self._curve: list[dict[str, float]] = []
        self._changes: list[_Change] = []
        super().__init__()

    def routes(self) -> Routes:
        """State, planes, masks and decisions."""
        return Routes(
            ("casatools.imaging", "clean_page.html"),
            {"/state": lambda query: self.state(), "/plane": self.plane, "/place": self.place, "/channel": self.channel},
            {
                "/undo": (_MOST_BODY, "what is taken back is the last change", lambda body: self._undo()),
                "/mask": (_MOST_BODY, "a mask is a record", self._post_mask),
                "/go": (_MOST_BODY, "a decision is a record", self._go),
            },
        )

    # What the run does.

    def steer(self, control: CycleControl, reason: str) -> bool:
        """Wait for the person's decision; True to do a minor cycle with the limits of `control`, which may have been changed.

        Parameters
        ----------
        control : CycleControl
        reason : str
            Why the run would end here; empty when it would go on.
        """
        with self._turn:
            self._curve.append(self._point(control))
            if self._to_the_end:
                return not reason
            self._control, self._reason, self._action = control, reason, ""
            self._serial += 1
            while not self._action:
                self._turn.wait(1.0)  # in steps, so that Ctrl-C is noticed at once everywhere
            self._control = None
            self._serial += 1
            return self._action != "stop"

    @property
    def action(self) -> str:
        """The last decision: cycle, finish or stop."""
        return self._action

    def _point(self, control: CycleControl) -> dict[str, float]:
        # Before a mask is drawn the whole image counts.
        peak = max(
            image.deconvolver.peak() or float(np.abs(image.deconvolver.planes.residual[image.deconvolver.places()[0]]).max())
            for image in self.images
        )
        flux = sum(float(i.deconvolver.planes.model[: len(i.deconvolver.planes.mask)].sum(dtype=np.float64)) for i in self.images)
        return {"iterations": control.done, "peak": peak, "flux": flux, "majors": control.majors}

    # What the page asks.

    def _waiting(self) -> CycleControl:
        if self._control is None:
            raise DataError("a cycle is being computed; wait until it is done")
        return self._control

    def state(self) -> dict[str, Any]:
        """What is there, what was done, and the limits."""
        with self._turn:
            control = self._control
            found: dict[str, Any] = {
                "waiting": control is not None, "reason": self._shown_reason() if control is not None else "", "serial": self._serial, "curve": self._curve,
                "images": [
                    {
                        "title": i.title, "ny": i.allowed.shape[2], "nx": i.allowed.shape[3], "channels": i.allowed.shape[0], "stokes": list(i.stokes),
                        "step": i.step,
                    }
                    for i in self.images
                ],
            }  # fmt: skip
            if control is not None:
                options = control.options
                found["limits"] = {name: getattr(options, name) for name in _LIMITS} | {
                    "niter": max(options.niter - control.done, 0)
                }
                found["cyclethreshold"] = control.cycle_threshold
                found["masked"] = [int(i.deconvolver.planes.mask.sum()) for i in self.images]
            return found

    def _shown_reason(self) -> str:
        """Why the run would stop; a mask that was empty may have been drawn since."""
        drawn = any(i.deconvolver.planes.mask.any() for i in self.images)
        return "" if drawn and self._reason == STOP_DESCRIPTIONS[ZERO_MASK] else self._reason

    def _image(self, given: Any) -> PageImage:
        number = _integer(given, "image")
        if not 0 <= number < len(self.images):
            raise ParameterError(f"there is no image {number}; there are 0 to {len(self.images) - 1}")
        return self.images[number]

    def plane(self, query: dict[str, str]) -> bytes:
        """One plane as float32 (y, x), little endian, reduced by the image's step.

        Raises
        ------
        ParameterError, DataError
            There is no such plane, or a cycle is being computed.
        """
        with self._turn:
            self._waiting()
            image = self._image(query.get("image", "0"))
            planes = image.deconvolver.planes
            kinds = {"residual": planes.residual, "model": planes.model, "mask": planes.mask, "psf": planes.psf[:, None]}
            kind = query.get("kind", "residual")
            if kind not in kinds:
                raise ParameterError(f"there is no picture of {kind!r}; there are {', '.join(kinds)}")
            cube = kinds[kind]
            chan, pol = (_within(query.get(k, "0"), k, n) for k, n in zip(("chan", "pol"), image.allowed.shape[:2], strict=True))
            return reduced(cube[chan, min(pol, cube.shape[1] - 1)], image.step).astype("<f4").tobytes()

    def place(self, query: dict[str, str]) -> dict[str, str]:
        """The direction of a pixel {image, x, y} as the page shows it: {text}, empty where the projection has no sky.

        Raises
        ------
        ParameterError
            There is no such image, or a pixel is not a number.
        """
        image = self._image(query.get("image", "0"))
        try:
            pixel = [float(query[axis]) for axis in "xy"]
        except (KeyError, ValueError) as error:
            raise ParameterError(f"x and y must be numbers; got {query.get('x')!r} and {query.get('y')!r}") from error
        return {"text": place_text(image.coordinates, pixel)}

    def channel(self, query: dict[str, str]) -> dict[str, str]:
        """The frequency of a channel {image, chan}: {text}."""
        image = self._image(query.get("image", "0"))
        return {"text": channel_text(image.coordinates, _within(query.get("chan", "0"), "chan", image.allowed.shape[0]))}

    def _post_mask(self, body: bytes) -> dict[str, Any]:
        """Add to a mask or take away from it: {image, chan, pol (-1 for all), shape, points, text, erase}."""
        given = _record(body)
        with self._turn:
            self._waiting()
            image = self._image(given.get("image", 0))
            shape = given.get("shape")
            if shape not in _SHAPES:
                raise ParameterError(f"there is no shape {shape!r}; there are {', '.join(_SHAPES)}")
            where = tuple(_span(given.get(k, -1), k, n) for k, n in zip(("chan", "pol"), image.allowed.shape[:2], strict=True))
            mask = image.deconvolver.planes.mask
            inside = self._inside(image, shape, given)
            drawn = np.zeros_like(mask)
            drawn[where] = np.broadcast_to(inside, mask.shape)[where]
            changed = drawn & (mask if given.get("erase") else ~mask & image.allowed[: len(mask)])
            self._changes = [*self._changes[1 - _MOST_CHANGES :], _Change(image, where, np.packbits(changed[where]))]
            return self._turn_over(image, changed)

    def _turn_over(self, image: PageImage, changed: np.ndarray) -> dict[str, Any]:
        """Turn over pixels of a mask."""
        mask = image.deconvolver.planes.mask
        mask ^= changed
        if image.deconvolver.auto_mask is not None:
            image.deconvolver.auto_mask.begin(mask)  # what was drawn stays when masks are made from the next residuals
        self._serial += 1
        return {"masked": int(mask.sum())}

    def _undo(self) -> dict[str, Any]:
        """Take back the last change of a mask since the last cycle."""
        with self._turn:
            self._waiting()
            if not self._changes:
                raise ParameterError("nothing was drawn since the last cycle that could be taken back")
            last = self._changes.pop()
            changed = np.zeros_like(last.image.deconvolver.planes.mask)
            shape = changed[last.where].shape
            changed[last.where] = np.unpackbits(last.bits, count=int(np.prod(shape))).astype(bool).reshape(shape)
            return self._turn_over(last.image, changed)

    def _inside(self, image: PageImage, shape: str, given: dict[str, Any]) -> np.ndarray:
        from casatools.imaging.products import mask_values

        whole = image.allowed.shape
        if shape == "everything":
            return np.ones((1, 1, *whole[2:]), bool)
        if shape == "text":
            return mask_values(str(given.get("text", "")), image.coordinates, whole)
        points = given.get("points")
        if not isinstance(points, list) or not all(
            isinstance(p, list) and all(isinstance(v, (int, float)) for v in p) for p in points
        ):
            raise ParameterError(f"points must be a list of [x, y]; got {points!r}")
        return mask_values(region_text(shape, points), image.coordinates, (1, 1, *whole[2:]))

    def _go(self, body: bytes) -> dict[str, Any]:
        """Decide: {action, niter, ...}."""
        given = _record(body)
        with self._turn:
            control = self._waiting()
            action = given.get("action")
            if action not in _ACTIONS:
                raise ParameterError(f"there is no action {action!r}; there are {', '.join(_ACTIONS)}")
            if action != "stop" and not any(i.deconvolver.planes.mask.any() for i in self.images):
                raise ParameterError("the mask is empty: draw where the sky is to be cleaned, or press 'everything'")
            control.options = replace(control.options, **_limits(given, control))
            self._changes = []
            self._action, self._to_the_end = action, action == "finish"
            self._reason = ""
            self._turn.notify_all()
            return {}


def _record(body: bytes) -> dict[str, Any]:
    try:
        given = json.loads(body)
    except ValueError as error:
        raise ParameterError(f"this is not a record in JSON: {error}") from error
    if not isinstance(given, dict):
        raise ParameterError(f"this is not a record in JSON; got {type(given).__name__}")
    return given


def _integer(given: Any, name: str) -> int:
    try:
        return int(given)
    except (TypeError, ValueError) as error:
        raise ParameterError(f"{name} must be a whole number; got {given!r}") from error


def _within(given: Any, name: str, count: int) -> int:
    number = _integer(given, name)
    if not 0 <= number < count:
        raise ParameterError(f"{name} must be 0 to {count - 1}; got {number}")
    return number


def _span(given: Any, name: str, count: int) -> slice:
    """One plane, or all for -1."""
    if _integer(given, name) == -1:
        return slice(None)
    number = _within(given, name, count)
    return slice(number, number + 1)


def _limits(given: dict[str, Any], control: CycleControl) -> dict[str, Any]:
    """The limits that a decision names; iterations count from now on."""
    found: dict[str, Any] = {}
    for name, kind in _LIMITS.items():
        if name not in given:
            continue
        try:
            found[name] = kind(given[name])
        except (TypeError, ValueError) as error:
            raise ParameterError(f"{name} must be a number; got {given[name]!r}") from error
        least = -1 if name in ("cycleniter", "nmajor") else 0
        if not found[name] >= least:
            raise ParameterError(f"{name} must be at least {least}; got {given[name]!r}")
    if "niter" in found:
        found["niter"] += control.done
    return found


def require_person(task: str) -> None:
    """Refuse to wait for a person where there is none: neither a terminal, nor a notebook, nor a screen.

    Raises
    ------
    UnsupportedError
        Nobody would see the page's address.
    """
    if not someone_looks() and not has_screen():
        raise UnsupportedError(
            f"{task}: interactive=True needs somebody to look: a terminal, a notebook or a screen; there is none here, use interactive=False"
        )


def steering(images: Sequence[PageImage]) -> CleanPage:
    """Serve the page and tell its address.

    Raises
    ------
    DataError
        No port can be opened.
    """
    page = CleanPage(images)
    show(page, "Clean interactively at")
    return page
