"""imhead: list, get and put header values of an image."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from casatasks._params import ImageName
from casatasks._task import task
from casatools._base import kinds, log
from casatools._base.errors import ParameterError

__all__ = ["imhead"]


@task(group="information")
def imhead(
    imagename: ImageName = "",
    mode: Annotated[
        Literal["list", "history", "get", "put", "add", "del", "summary"],
        "Summarise, list all, get, put, add or remove a header value, or log the history",
    ] = "summary",
    hdkey: Annotated[
        str, kinds.Text(), "Keyword, such as beammajor, bunit, crval1, restfreq, object, or a name of your own"
    ] = "",
    hdvalue: Annotated[Any, kinds.Variant(), "New value (modes put and add); the mask to remove (mode del with masks)"] = "",
    verbose: Annotated[bool, kinds.Bool(), "Write the restoring beam of every plane to the log (mode summary)"] = False,
) -> Any:
    """List, get and put header values of an image.

    Returns
    -------
    dict or value or None
        The summary (mode summary), all values (mode list), one value (mode get); None for the other modes.

    Raises
    ------
    PathMissingError, DataError, ParameterError

    Examples
    --------
    >>> imhead("cube.image", mode="get", hdkey="restfreq")
    {'value': 1420405752.0, 'unit': 'Hz'}
    """
    from casatools.tools._image_files import image_history, image_summary_of
    from casatools.tools.imagemetadata import imagemetadata

    if not imagename:
        raise ParameterError("imhead: parameter 'imagename' must name an image")
    if mode in ("get", "put", "add", "del") and not hdkey:
        raise ParameterError(f"imhead: parameter 'hdkey' must name a keyword for mode {mode!r}")
    if mode == "summary":
        return image_summary_of(imagename, verbose)
    if mode == "history":
        for entry in image_history(imagename):
            log.post(f"{entry.location}: {entry.message}")
        return None
    tool = imagemetadata()
    tool.open(imagename)
    try:
        if mode == "list":
            return tool.list(verbose=True)
        if mode == "get":
            return tool.get(hdkey)
        {"put": tool.set, "add": tool.add, "del": tool.remove}[mode](hdkey, hdvalue)
    finally:
        tool.done()
    _record(imagename, mode, hdkey, hdvalue)
    return None


def _record(imagename: str, mode: str, hdkey: str, hdvalue: Any) -> None:
    from casatools.tools._image_files import append_image_history

    call = f'imhead(imagename="{imagename}", mode="{mode}", hdkey="{hdkey}", hdvalue={hdvalue!r})'
    append_image_history(imagename, [call], "::imhead")
