"""The synthesismaskhandler tool: clean masks."""

from __future__ import annotations

from typing import Annotated, Any

from casatools._base import kinds
from casatools._base.declare import method
from casatools._base.errors import ParameterError
from casatools.imaging.mask_regions import prune_image

__all__ = ["synthesismaskhandler"]


class synthesismaskhandler:
    """Works on clean masks."""

    @method
    def pruneregions(
        self,
        inmaskname: Annotated[str, kinds.InPath(), "Mask image"] = "",
        prunesize: Annotated[float, kinds.Float(min=0), "Pixels of the smallest region that stays"] = 0.0,
        chanflag: Annotated[list[bool], kinds.BoolList(), "Channels to leave out, which come out blank"] = [],  # noqa: B006 - copied
        outmaskname: Annotated[str, kinds.OutPath(), "Mask image to write"] = "",
    ) -> dict[str, Any]:
        """Write a mask without its small regions.

        Returns
        -------
        dict
            N_reg and N_reg_pruned, regions found and removed in each channel (-1 where left out), and prunesize.

        Raises
        ------
        ParameterError, PathMissingError, OutputExistsError, DataError
            No output is named or it exists, the mask is not there, or `chanflag` is not as long as it has channels.
        """
        if not outmaskname:
            raise ParameterError("synthesismaskhandler.pruneregions: parameter 'outmaskname' must be a name")
        found, removed = prune_image(inmaskname, prunesize, chanflag, outmaskname)
        return {"N_reg": found, "N_reg_pruned": removed, "prunesize": prunesize}

    @method
    def done(self) -> bool:
        """Nothing is held."""
        return True
