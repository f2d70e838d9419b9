"""Images of the data, cleaned images, residuals and restored images."""

from __future__ import annotations

from typing import Annotated, Any

import numpy as np

from casatools._base import kinds
from casatools._base.declare import method
from casatools._base.errors import ParameterError, UnsupportedError
from casatools._base.paths import require_present
from casatools.analysis.feathering import FeatherOptions, feather_images
from casatools.frames.quantities import parse_quantity, to_unit
from casatools.imaging.classic_imager import fit_psf_image, restore_image
from casatools.imaging.mask_shapes import write_blank
from casatools.tools.imager.setup import Anything, Fixed, Setup, beam_of, given, radians

__all__ = ["Making"]

ImageIn = Annotated[str, kinds.InPath(), "Image"]
ImageOut = Annotated[str, kinds.OutPath(), "Name of the new image"]
Names = Annotated[Any, kinds.TextList(drop_empty=True), "One name"]


def single(value: Any, name: str) -> str:
    """The one name of a list that CASA has for several image fields.

    Raises
    ------
    UnsupportedError
        There are more.
    """
    names = [str(v) for v in (value if isinstance(value, (list, tuple)) else [value]) if str(v)]
    if len(names) > 1:
        raise UnsupportedError(f"imager: {name}={names} holds several image fields; use tclean with an outlier file")
    return names[0] if names else ""


def no_components(complist: str, what: str) -> None:
    """Refuse a component list where only images are subtracted.

    Raises
    ------
    UnsupportedError
        One is named.
    """
    if complist:
        raise UnsupportedError(
            f"imager.{what}: complist={complist!r} is not there yet; write it into MODEL_DATA with ft, then use uvsub"
        )


def _flux(value: Any) -> Any:
    return value if given(value) else 0.0


class Making(Setup):
    """Methods that make images."""

    @method
    def makeimage(
        self,
        type: Annotated[str, kinds.Text(), "observed, corrected, model, residual, psf or pb"] = "observed",
        image: ImageOut = "",
        compleximage: Annotated[str, kinds.OutPath(), "Complex image; there is none"] = "",
        verbose: Annotated[bool, kinds.Bool(), Fixed] = True,
    ) -> bool:
        """Make an image of the data, the model, their difference, the point spread function or the primary beam.

        Raises
        ------
        NotOpenError, ParameterError, OutputExistsError, DataError, UnsupportedError
            None is open or defined, there is no such type, the image exists, the data do not allow it, or a complex image is asked for.
        """
        if compleximage:
            raise UnsupportedError(f"imager.makeimage: compleximage={compleximage!r} is not there yet; leave it out")
        if type in ("singledish", "singledish-observed", "coverage", "holography"):
            raise UnsupportedError(f"imager.makeimage: type={type!r} is not there yet; single dish images are made by sdimaging")
        state = self._open()
        if type == "pb" and not state.uses_beam:
            raise ParameterError("imager.makeimage: type='pb' needs setvp(dovp=True) before")
        state.make_image(type, image)
        return True

    @method
    def make(self, image: ImageOut = "") -> bool:
        """Make an empty image."""
        if not image:
            raise ParameterError("imager.make: parameter 'image' must be given; it names the new image")
        write_blank(image, *self._open().blank(), "Jy/pixel")
        return True

    @method
    def approximatepsf(self, psf: ImageOut = "") -> bool:
        """Make the point spread function (the exact one)."""
        self._open().make_image("psf", psf)
        return True

    @method
    def fitpsf(self, psf: ImageIn) -> tuple[bool, dict[str, Any], dict[str, Any], dict[str, Any]]:
        """Fit a Gaussian to a point spread function.

        Returns
        -------
        (bool, dict, dict, dict)
            True, the axes [arcsec] and the position angle [deg].

        Raises
        ------
        PathMissingError, DataError
            The image is not there, or there is nothing to fit.
        """
        found = fit_psf_image(psf)
        sizes = [{"unit": "arcsec", "value": float(np.rad2deg(v) * 3600.0)} for v in (found.major_rad, found.minor_rad)]
        return True, sizes[0], sizes[1], {"unit": "deg", "value": float(np.rad2deg(found.angle_rad))}

    @method
    def clean(
        self,
        algorithm: Annotated[str, kinds.Text(), "clark, hogbom, multiscale, msmfs, ..."] = "clark",
        niter: Annotated[int, kinds.Int(min=0), "Iterations"] = 1000,
        gain: Annotated[float, kinds.Float(), "Loop gain"] = 0.1,
        threshold: Annotated[Any, Anything, "Flux density to stop at"] = [],  # noqa: B006 - not changed
        displayprogress: Annotated[bool, kinds.Bool(), "Progress is shown in terminals in any case"] = False,
        model: Names = [],  # noqa: B006 - copied
        keepfixed: Annotated[list[bool], kinds.BoolList(), "Only False: a model is changed"] = [False],  # noqa: B006 - copied
        complist: Annotated[str, kinds.InPath(), "Component list"] = "",
        mask: Names = [],  # noqa: B006 - copied
        image: Names = [],  # noqa: B006 - copied
        residual: Names = [],  # noqa: B006 - copied
        psfimage: Names = [],  # noqa: B006 - copied
        interactive: Annotated[bool, kinds.Bool(), "Draw masks between cycles"] = False,
        npercycle: Annotated[int, kinds.Int(), "Iterations between two looks of interactive cleaning"] = 100,
        masktemplate: Annotated[str, kinds.Text(), "Mask that interactive cleaning begins with"] = "",
    ) -> dict[str, Any]:
        """Clean the image; the model goes on from the one that is there.

        Returns
        -------
        dict
            converged, iterations and maxresidual [Jy/beam].

        Raises
        ------
        NotOpenError, ParameterError, DataError, UnsupportedError
            None is open or defined, a value is wrong, the data do not allow it, or an option is not there.
        """
        if masktemplate and not interactive:
            raise ParameterError(f"imager.clean: masktemplate={masktemplate!r} is for interactive=True; use 'mask'")
        if any(keepfixed):
            raise UnsupportedError(
                "imager.clean: keepfixed=True is not there yet; put the fixed model into MODEL_DATA and use uvsub"
            )
        no_components(complist, "clean")
        del displayprogress
        names = {
            kind: single(value, kind)
            for kind, value in (("model", model), ("image", image), ("residual", residual), ("psf", psfimage))
        }
        chosen = single(mask, "mask") or masktemplate
        each = npercycle if interactive else -1
        return self._open().clean(algorithm, niter, gain, _flux(threshold), names, chosen, each, interactive)

    @method
    def residual(
        self,
        model: Names = [],  # noqa: B006 - copied
        complist: Annotated[str, kinds.InPath(), "Component list"] = "",
        image: Names = [],  # noqa: B006 - copied
    ) -> bool:
        """Make the residual image of the data less a model image."""
        no_components(complist, "residual")
        output = single(image, "image")
        if not output:
            raise ParameterError("imager.residual: parameter 'image' must be given; it names the new image")
        self._open().residual(single(model, "model"), [output])
        return True

    @method
    def updateresidual(
        self,
        model: Names = [],  # noqa: B006 - copied
        complist: Annotated[str, kinds.InPath(), "Component list"] = "",
        image: Names = [],  # noqa: B006 - copied
        residual: Names = [],  # noqa: B006 - copied
    ) -> bool:
        """Make the residual image of the data less a model, and the image restored with it."""
        no_components(complist, "updateresidual")
        state, left, output = self._open(), single(residual, "residual"), single(image, "image")
        if not left:
            raise ParameterError("imager.updateresidual: parameter 'residual' must be given; it names the new residual image")
        state.residual(single(model, "model"), [left])
        if output:
            restore_image(single(model, "model"), left, output, self._beam())
        return True

    def _beam(self) -> Any:
        """The beam that was set, or that of the point spread function of the data."""
        state = self._open()
        if state.beam is None:
            with state.cleaned({"niter": 0}) as (base, _):
                state.beam = fit_psf_image(base + ".psf")
        return state.beam

    @method
    def restore(
        self,
        model: Names = [],  # noqa: B006 - copied
        complist: Annotated[str, kinds.InPath(), "Component list"] = "",
        image: Names = [],  # noqa: B006 - copied
        residual: Names = [],  # noqa: B006 - copied
    ) -> bool:
        """Make the restored image of a model and a residual."""
        no_components(complist, "restore")
        output = single(image, "image")
        if not output:
            raise ParameterError("imager.restore: parameter 'image' must be given; it names the new image")
        restore_image(single(model, "model"), single(residual, "residual"), output, self._beam())
        return True

    @method
    def smooth(
        self,
        model: Names = [],  # noqa: B006 - copied
        image: Names = [],  # noqa: B006 - copied
        usefit: Annotated[bool, kinds.Bool(), "Take the beam of the data in the place of the axes"] = True,
        bmaj: Annotated[Any, Anything, "Major axis"] = [],  # noqa: B006 - not changed
        bmin: Annotated[Any, Anything, "Minor axis"] = [],  # noqa: B006 - not changed
        bpa: Annotated[Any, Anything, "Position angle"] = [],  # noqa: B006 - not changed
        normalize: Annotated[bool, kinds.Bool(), "Only True: the beam has a peak of 1"] = True,
    ) -> bool:
        """Convolve a model image with a Gaussian beam."""
        if not normalize:
            raise UnsupportedError("imager.smooth: normalize=False is not there yet; use imsmooth with a scale")
        output = single(image, "image")
        if not output:
            raise ParameterError("imager.smooth: parameter 'image' must be given; it names the new image")
        beam = self._beam() if usefit else beam_of(bmaj, bmin, bpa, "imager.smooth")
        restore_image(single(model, "model"), "", output, beam)
        return True

    @method
    def pb(
        self,
        inimage: ImageIn = "",
        outimage: ImageOut = "",
        incomps: Annotated[str, kinds.InPath(), "Component list"] = "",
        outcomps: Annotated[str, kinds.OutPath(), "Name of the new component list"] = "",
        operation: Annotated[str, kinds.Choice(("apply", "correct")), "Multiply by the primary beam, or divide by it"] = "apply",
        pointingcenter: Annotated[Any, Anything, "Only empty: where the field selected was pointed at"] = [],  # noqa: B006 - not changed
        parangle: Annotated[Any, Anything, "Only empty: beams are round"] = [],  # noqa: B006 - not changed
        pborvp: Annotated[str, kinds.Choice(("pb", "vp")), "Only 'pb'"] = "pb",
    ) -> bool:
        """Put the primary beam of the field selected into an image, or take it out."""
        for name, value in (
            ("incomps", incomps),
            ("outcomps", outcomps),
            ("pointingcenter", given(pointingcenter)),
            ("parangle", given(parangle)),
        ):
            if value:
                raise UnsupportedError(f"imager.pb: parameter {name!r} is not there yet; leave it empty")
        if pborvp != "pb":
            raise UnsupportedError(f"imager.pb: pborvp={pborvp!r} is not there yet; use 'pb'")
        if not inimage or not outimage:
            raise ParameterError("imager.pb: parameters 'inimage' and 'outimage' must be given")
        self._open().apply_beam(require_present(inimage, "image"), outimage, operation == "correct")
        return True

    @method
    def feather(
        self,
        image: ImageOut = "",
        highres: ImageIn = "",
        lowres: ImageIn = "",
        lowpsf: Annotated[
            str, kinds.InPath(), "Point spread function of the single dish, whose fitted beam is taken; that of the image without"
        ] = "",
        effdishdiam: Annotated[float, kinds.Float(), "Effective diameter [m] of the single dish"] = -1.0,
        lowpassfiltersd: Annotated[bool, kinds.Bool(), "Damp high spatial frequencies of the single dish"] = False,
    ) -> bool:
        """Join a high and a low resolution image; see the task feather.

        Raises
        ------
        ParameterError, PathMissingError, DataError
            An image is not named or not there, or does not fit.
        """
        for name, value in (("image", image), ("highres", highres), ("lowres", lowres)):
            if not value:
                raise ParameterError(f"imager.feather: parameter {name!r} must be given; it names an image")
        beam = fit_psf_image(require_present(lowpsf, "image")) if lowpsf else None
        feather_images(highres, lowres, image, FeatherOptions(1.0, effdishdiam, lowpassfiltersd), beam)
        return True

    @method
    def advise(
        self,
        takeadvice: Annotated[bool, kinds.Bool(), "Define the image so"] = True,
        amplitudeloss: Annotated[float, kinds.Float(0.0, 1.0), "Greatest loss of amplitude that facets may leave"] = 0.05,
        fieldofview: Annotated[Any, Anything, "Field of view"] = [],  # noqa: B006 - not changed
    ) -> tuple[bool, int, dict[str, Any], int, str]:
        """Advise on the size of the image.

        Returns
        -------
        (bool, int, dict, int, str)
            True, pixels, cell, facets and phase centre.

        Raises
        ------
        NotOpenError, DataError, ParameterError
            None is open, the data have no baselines, or the field of view is no angle.
        """
        view = radians(fieldofview, "fieldofview") if given(fieldofview) and parse_quantity(fieldofview)[0] else 0.0
        pixels, cell, facets, centre = self._open().advise(amplitudeloss, view)
        if takeadvice:
            self.defineimage(nx=pixels, ny=pixels, cellx={"unit": "rad", "value": cell}, phasecenter=centre, facets=facets)
        return True, pixels, {"unit": "arcsec", "value": float(to_unit({"unit": "rad", "value": cell}, "arcsec"))}, facets, centre
