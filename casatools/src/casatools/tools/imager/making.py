"""Images of the data, cleaned images, residuals and restored images."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

import numpy as np

from casatools._base import kinds
from casatools._base.declare import method
from casatools._base.errors import ParameterError, UnsupportedError
from casatools._base.paths import require_absent, require_present
from casatools.analysis.feathering import FeatherOptions, feather_images
from casatools.frames.quantities import parse_quantity, to_unit
from casatools.imaging.classic_advice import advise
from casatools.imaging.classic_beams import apply_beam, apply_beam_to_components
from casatools.imaging.classic_fields import FieldNames
from casatools.imaging.classic_images import fit_psf_image, restore_image
from casatools.imaging.mask_shapes import write_blank
from casatools.tools.imager.setup import Anything, Fixed, Setup, beam_of, given, radians
from casatools.tools.imager.single_dish import SINGLE_DISH, sky_image

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


def several(model: Any, keepfixed: Sequence[bool], mask: Any, image: Any, residual: Any, psf: Any = ()) -> list[FieldNames]:
    """The image fields that lists of names make; a list of one value holds for all of them.

    Raises
    ------
    ParameterError
        The lists are of different lengths.
    """
    lists = {
        name: [str(v) for v in (value if isinstance(value, (list, tuple)) else [value]) if str(v)]
        for name, value in (("model", model), ("image", image), ("residual", residual), ("psf", psf), ("mask", mask))
    }
    count = max(1, len(lists["model"]))
    for name, own in lists.items():
        if len(own) not in (0, count) and not (name == "mask" and count == 1):
            raise ParameterError(f"imager: {name}={own} must name as many images as model={lists['model']}")
    if len(keepfixed) not in (1, count):
        raise ParameterError(
            f"imager: keepfixed={list(keepfixed)} must hold one value, or one for each of model={lists['model']}"
        )
    if len(lists["mask"]) > count:
        raise ParameterError(f"imager: mask={lists['mask']} must name one mask for each image")
    fixed = list(keepfixed) * count if len(keepfixed) == 1 else list(keepfixed)
    return [
        FieldNames(**{name: own[k] if own else "" for name, own in lists.items()}, is_fixed=bool(fixed[k])) for k in range(count)
    ]


def _flux(value: Any) -> Any:
    return value if given(value) else 0.0


class Making(Setup):
    """Methods that make images."""

    @method
    def makeimage(
        self,
        type: Annotated[
            str,
            kinds.Text(),
            "observed, corrected, model, residual, psf, pb; singledish, singledish-observed, coverage or holography",
        ] = "observed",
        image: ImageOut = "",
        compleximage: Annotated[str, kinds.OutPath(), "Complex image to write as well, whose real part is the image"] = "",
        verbose: Annotated[bool, kinds.Bool(), Fixed] = True,
    ) -> bool:
        """Make an image of the data, the model, their difference, the point spread function or the primary beam.

        After `setoptions` with ftmachine="sd" images are of single dishes: spectra gridded where the antennas pointed (see `setsdoptions`); with "both" those of the
        types of single dishes are, whose weights are the type "coverage". The complex image of "holography" is kept as ``image.compleximage`` without a name.

        Raises
        ------
        NotOpenError, ParameterError, OutputExistsError, DataError
            None is open or defined, there is no such type, the image exists, or the data do not allow it.
        """
        state = self._open()
        if type in SINGLE_DISH and not state.single_dish:
            raise ParameterError(f"imager.makeimage: type={type!r} needs setoptions(ftmachine='sd') before")
        if type in SINGLE_DISH or (state.single_dish == "sd" and type != "pb"):
            sky_image(state, type, image, compleximage)
            return True
        if type == "pb" and not state.uses_beam:
            raise ParameterError("imager.makeimage: type='pb' needs setvp(dovp=True) before")
        if type == "pb" and compleximage:
            raise ParameterError("imager.makeimage: type='pb' has no complex image; leave 'compleximage' out")
        state.make_image(type, image, compleximage)
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
        keepfixed: Annotated[list[bool], kinds.BoolList(), "Models that stay as they are: one value, or one for each"] = [False],  # noqa: B006 - copied
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

        With several models, which `make` made each on its own pixels, all are cleaned together.

        Returns
        -------
        dict
            converged, iterations and maxresidual [Jy/beam].

        Raises
        ------
        NotOpenError, ParameterError, PathMissingError, DataError, UnsupportedError
            None is open or defined, a value is wrong, a model that is fixed or one of several ones is not there, the data do not allow it,
            or nobody looks at an interactive clean.
        """
        if masktemplate and not interactive:
            raise ParameterError(f"imager.clean: masktemplate={masktemplate!r} is for interactive=True; use 'mask'")
        del displayprogress
        fields = several(model, keepfixed, mask or masktemplate, image, residual, psfimage)
        each = npercycle if interactive else -1
        return self._open().clean(algorithm, niter, gain, _flux(threshold), fields, each, interactive, complist)

    @method
    def residual(
        self,
        model: Names = [],  # noqa: B006 - copied
        complist: Annotated[str, kinds.InPath(), "Component list"] = "",
        image: Names = [],  # noqa: B006 - copied
    ) -> bool:
        """Make the residual image of the data less a model image."""
        output = single(image, "image")
        if not output:
            raise ParameterError("imager.residual: parameter 'image' must be given; it names the new image")
        self._open().residual(single(model, "model"), [output], complist)
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
        state, left, output = self._open(), single(residual, "residual"), single(image, "image")
        if not left:
            raise ParameterError("imager.updateresidual: parameter 'residual' must be given; it names the new residual image")
        state.residual(single(model, "model"), [left], complist)
        if output:
            restore_image(single(model, "model"), left, output, self._beam(), complist)
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
        output = single(image, "image")
        if not output:
            raise ParameterError("imager.restore: parameter 'image' must be given; it names the new image")
        restore_image(single(model, "model"), single(residual, "residual"), output, self._beam(), complist)
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
        normalize: Annotated[
            bool, kinds.Bool(), "The beam has a sum of 1: fluxes stay [Jy/pixel]; else a peak of 1 [Jy/beam]"
        ] = True,
    ) -> bool:
        """Convolve a model image with a Gaussian beam."""
        output = single(image, "image")
        if not output:
            raise ParameterError("imager.smooth: parameter 'image' must be given; it names the new image")
        beam = self._beam() if usefit else beam_of(bmaj, bmin, bpa, "imager.smooth")
        restore_image(single(model, "model"), "", output, beam, is_normalized=not normalize)
        return True

    @method
    def pb(
        self,
        inimage: ImageIn = "",
        outimage: ImageOut = "",
        incomps: Annotated[str, kinds.InPath(), "Component list"] = "",
        outcomps: Annotated[str, kinds.OutPath(), "Name of the new component list"] = "",
        operation: Annotated[str, kinds.Choice(("apply", "correct")), "Multiply by the primary beam, or divide by it"] = "apply",
        pointingcenter: Annotated[
            Any, Anything, "Where the antennas point; where the field selected was pointed at when empty"
        ] = [],  # noqa: B006 - not changed
        parangle: Annotated[
            Any, Anything, "Parallactic angle, which beams that are images turn with; that of the data when empty"
        ] = [],  # noqa: B006 - not changed
        pborvp: Annotated[str, kinds.Choice(("pb", "vp")), "Only 'pb'"] = "pb",
    ) -> bool:
        """Put the primary beam into an image or the flux densities of components, or take it out.

        Raises
        ------
        NotOpenError, ParameterError, PathMissingError, OutputExistsError, DataError, UnsupportedError
            None is open or defined, a name is missing, an input is not there or an output is, an input cannot be used, or a voltage pattern is to be put in,
            which is complex.
        """
        if pborvp != "pb":
            raise UnsupportedError(f"imager.pb: pborvp={pborvp!r} is not there, as in CASA; use 'pb'")
        if bool(inimage) != bool(outimage) or bool(incomps) != bool(outcomps) or not (inimage or incomps):
            raise ParameterError("imager.pb: parameters 'inimage' and 'outimage', or 'incomps' and 'outcomps', must be given")
        state, divide = self._open(), operation == "correct"
        more = {
            "pointed": pointingcenter if given(pointingcenter) else None,
            "angle_rad": float(to_unit(parangle, "rad")) if given(parangle) else None,
        }
        if incomps:
            require_absent(outcomps, what="component list")
        if inimage:
            apply_beam(state, require_present(inimage, "image"), outimage, divide, **more)
        if incomps:
            apply_beam_to_components(state, incomps, outcomps, divide, **more)
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
        pixels, cell, facets, centre = advise(self._open(), amplitudeloss, view)
        if takeadvice:
            self.defineimage(nx=pixels, ny=pixels, cellx={"unit": "rad", "value": cell}, phasecenter=centre, facets=facets)
        return True, pixels, {"unit": "arcsec", "value": float(to_unit({"unit": "rad", "value": cell}, "arcsec"))}, facets, centre
