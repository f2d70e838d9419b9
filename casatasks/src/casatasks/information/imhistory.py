"""imhistory: read or add to the history of an image."""

from __future__ import annotations

from typing import Annotated, Any

from casatasks._params import ImageName
from casatasks._task import task
from casatools._base import kinds, log
from casatools._base.errors import ParameterError

__all__ = ["imhistory"]


@task(group="information")
def imhistory(
    imagename: ImageName = "",
    mode: Annotated[str, kinds.Choice(("list", "append"), fold=True), "Give the history, or append to it"] = "list",
    verbose: Annotated[bool, kinds.Bool(), "Write the history to the log as well (mode list)"] = True,
    origin: Annotated[str, kinds.Text(), "Origin of the message (mode append)"] = "imhistory",
    message: Annotated[str, kinds.Text(), "Message (mode append)"] = "",
) -> Any:
    """Read or add to the history of an image.

    Returns
    -------
    list of str or bool
        The messages, oldest first; True after appending.

    Raises
    ------
    PathMissingError, DataError, ParameterError
    """
    from casatools.tools._image_files import append_image_history, image_history

    if not imagename:
        raise ParameterError("imhistory: parameter 'imagename' must name an image")
    if mode == "append":
        if not message:
            raise ParameterError("imhistory: parameter 'message' must not be empty for mode 'append'")
        append_image_history(imagename, [message], origin)
        return True
    entries = image_history(imagename)
    if verbose:
        for entry in entries:
            log.post(f"{entry.location}: {entry.message}")
    return [entry.message for entry in entries]
