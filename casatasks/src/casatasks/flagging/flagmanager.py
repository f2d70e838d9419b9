"""flagmanager: list, save, restore, delete and rename versions of the flags."""

from __future__ import annotations

import os
from typing import Annotated, Any, Literal

from casatasks._params import Vis
from casatasks._task import task
from casatools._base import kinds, log
from casatools._base.errors import OutputExistsError, ParameterError
from casatools._base.paths import require_present
from casatools.flagging.session import delete_version, list_versions, rename_version, restore_version, save_version, set_aside

__all__ = ["flagmanager"]


@task(group="flagging")
def flagmanager(
    vis: Vis = "",
    mode: Annotated[Literal["list", "save", "restore", "delete", "rename"], "What to do"] = "list",
    versionname: Annotated[Any, kinds.Variant((kinds.Text(), kinds.TextList())), "Name of the version; several to delete"] = "",
    oldname: Annotated[str, kinds.Text(), "Name to change"] = "",
    comment: Annotated[str, kinds.Text(), "Text kept with the version"] = "",
    merge: Annotated[Literal["replace", "and", "or"], "How saved and current flags combine"] = "replace",
) -> Any:
    """Manage saved versions of the flags of a MeasurementSet.

    A version that is saved under a name there is already does not replace the older one, which becomes ``<name>.old.<seconds>``;
    with `merge` ``and`` or ``or`` the flags are combined with it.

    Returns
    -------
    dict or None
        ``list``: ``{0: {"name": ..., "comment": ...}, ..., "MS": path}``; else None.

    Raises
    ------
    PathMissingError, OutputExistsError, ParameterError
        There is no such version; there is one already; the name is empty.
    """
    if not vis:
        raise ParameterError("flagmanager: parameter 'vis' must name a MeasurementSet; got ''")
    require_present(vis, "MeasurementSet")
    if mode == "list":
        versions = list_versions(vis)
        record: dict[Any, Any] = {k: {"name": n, "comment": c} for k, (n, c) in enumerate(versions)}
        record["MS"] = os.path.abspath(vis.rstrip("/"))
        for name, text in versions:
            log.post(f"{name} : {text}")
        return record
    names = [versionname] if isinstance(versionname, str) else list(versionname)
    if not names or not all(names):
        raise ParameterError(f"flagmanager: parameter 'versionname' must name a version; got {versionname!r}")
    if mode == "delete":
        for name in names:
            delete_version(vis, name)
        return None
    if len(names) > 1:
        raise ParameterError(f"flagmanager: parameter 'versionname' must be one name with mode={mode!r}; got {versionname!r}")
    if mode == "save":
        older = set_aside(vis, names[0]) if merge == "replace" else ""
        if older:
            log.post(f"There was a version {names[0]} already; it is called {older} now", "WARN")
        save_version(vis, names[0], comment, merge)
    elif mode == "restore":
        restore_version(vis, names[0], merge)
    else:
        if any(n == names[0] for n, _ in list_versions(vis)):
            raise OutputExistsError(f"flagmanager: the version {names[0]!r} exists already")
        rename_version(vis, oldname, names[0], comment)
    return None
