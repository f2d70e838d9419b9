"""Paths: looking up data files, and outputs that appear only when complete."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import hashlib
import importlib.util
import os
import secrets
import shutil
import socket
from collections.abc import Callable, Iterator

from casatools._base import config
from casatools._base.errors import DataError, OutputExistsError, ParameterError, PathMissingError

__all__ = [
    "casadata_folders",
    "data_paths",
    "folder_bytes",
    "remove_folder",
    "remove_output",
    "require_absent",
    "require_outside",
    "require_present",
    "require_space",
    "require_writable_parent",
    "resolve",
    "staged_output",
    "working_folder",
]

# What a script has set in the place of the configuration's folders; None when nothing.
_extra: list[str] | None = None


def data_paths() -> list[str]:
    """The folders searched by `resolve`, in order: just those that a script has set, or ``datapath``, or measurespath; then casadata's."""
    if _extra is not None:
        return [p for p in _extra if os.path.isdir(p)]
    named = config.value("datapath") or [config.value("measurespath")]
    configured = [os.path.abspath(os.path.expanduser(p)) for p in named]
    return [p for p in dict.fromkeys([*configured, *casadata_folders()]) if os.path.isdir(p)]


def casadata_folders() -> list[str]:
    """The data of an installed casadata package, which has ephemerides, spectral lines, models and beams; none without it."""
    package = importlib.util.find_spec("casadata")
    places = (package.submodule_search_locations or []) if package else []
    return [os.path.join(place, "__data__") for place in places]


def set_data_paths(folders: list[str] | None) -> None:
    """Replace the folders searched by `resolve`; an empty list searches none, None goes back to the configuration."""
    global _extra
    _extra = folders


def resolve(name: str) -> str:
    """The absolute path of `name`: itself when it exists, else the first hit over the data paths, else `name` unchanged."""
    if os.path.exists(name):
        return os.path.abspath(name)
    for folder in data_paths():
        candidate = os.path.join(folder, name)
        if os.path.exists(candidate):
            return candidate
    return name


def require_present(path: str, what: str = "path") -> str:
    """Return `path` without a trailing slash; raise PathMissingError when nothing is there."""
    trimmed = path.rstrip("/") or path
    if not trimmed or not os.path.exists(trimmed):
        raise PathMissingError(f"{what} {path!r} does not exist" + ("" if os.path.isabs(path) else f" in {os.getcwd()}"))
    return trimmed


def require_absent(path: str, overwrite: bool = False, what: str = "output") -> None:
    """Raise OutputExistsError when `path` exists and `overwrite` is False."""
    if not overwrite and os.path.lexists(path.rstrip("/")):
        raise OutputExistsError(f"{what} {path!r} already exists; remove it, give another name or ask to overwrite it")


def require_outside(output: str, source: str) -> None:
    """Raise ParameterError when `output` would lie inside the folder `source`."""
    target, folder = os.path.realpath(output), os.path.realpath(source)
    if os.path.commonpath([target, folder]) == folder:
        raise ParameterError(f"the output {output!r} must not lie inside the input {source!r}; give another name")


def require_writable_parent(path: str) -> None:
    """Raise DataError when the folder that is to hold `path` is missing or cannot be written, ParameterError when no output is named."""
    if not path.strip("/"):
        raise ParameterError(f"the output must have a name; got {path!r}")
    parent = os.path.dirname(os.path.abspath(path.rstrip("/")))
    if not os.path.isdir(parent):
        raise PathMissingError(f"the folder {parent!r} that is to hold the output {path!r} does not exist")
    if not os.access(parent, os.W_OK | os.X_OK):
        raise DataError(f"there is no permission to write the output {path!r} into the folder {parent!r}")


def require_space(path: str, nbytes: float, whole: float | None = None) -> None:
    """Raise DataError where the disk that holds `path`, or is to hold it, has less than `nbytes` free.

    casacore ends the process when a disk runs full under an open table, so this is asked beforehand, and while `nbytes` of the `whole` are still to
    be written.
    """
    folder = os.path.abspath(path.rstrip("/"))
    while not os.path.isdir(folder):
        folder = os.path.dirname(folder)
    free = shutil.disk_usage(folder).free
    if free < nbytes and whole is not None:
        raise DataError(
            f"the disk has become full: {path!r} needs {whole / 1e6:.1f} MB, of which {nbytes / 1e6:.1f} MB are still to be written, "
            f"but {free / 1e6:.1f} MB are left in {folder!r}"
        )
    if free < nbytes:
        raise DataError(f"the disk is full: {path!r} needs {nbytes / 1e6:.1f} MB, but {free / 1e6:.1f} MB are free in {folder!r}")


def folder_bytes(path: str) -> int:
    """Bytes of all files in a folder."""
    return sum(os.path.getsize(os.path.join(folder, name)) for folder, _, names in os.walk(path) for name in names)


# Called with the path of an output before it is removed or replaced: what still reads it takes what it needs.
before_removal: list[Callable[[str], None]] = []


def _tell(path: str) -> None:
    for told in before_removal:
        told(path)


def remove_output(path: str) -> None:
    """Remove a file, a link or a whole table folder; nothing happens when it is absent."""
    _tell(path)
    if os.path.isdir(path) and not os.path.islink(path):
        shutil.rmtree(path)
    elif os.path.lexists(path):
        os.remove(path)


@contextlib.contextmanager
def staged_output(path: str, overwrite: bool = False, nbytes: float = 0.0) -> Iterator[str]:
    """Yield a name beside `path` to write to; rename it to `path` when the block ends well, remove it when not.

    An interrupted block (also by Ctrl-C) leaves nothing at `path`, or what was there before. With `overwrite` the old
    output is replaced only after the new one is complete. A disk that has less than `nbytes` free, or runs full, raises DataError.
    """
    if nbytes:
        require_space(path, nbytes)
    require_writable_parent(path)
    path = path.rstrip("/")
    require_absent(path, overwrite)
    parent, name = os.path.split(os.path.abspath(path))
    try:
        with working_folder(parent, name) as workdir:
            temporary = os.path.join(workdir, name)
            yield temporary
            if not os.path.lexists(temporary):
                raise DataError(f"nothing was written for the output {path!r}")
            if overwrite and os.path.lexists(path):
                previous = os.path.join(workdir, name + ".previous")
                _tell(path)
                os.rename(path, previous)
            os.rename(temporary, path)
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            needed = f" (it needs {nbytes / 1e6:.1f} MB)" if nbytes else ""
            raise DataError(f"the disk is full: the output {path!r} cannot be written into {parent!r}{needed}") from error
        raise


@contextlib.contextmanager
def working_folder(parent: str, name: str) -> Iterator[str]:
    """Yield a new hidden folder beside an output that is being made; it is removed when the block ends, however it does.

    Folders that killed runs have left for the same output are removed first. Whoever works in a folder holds a lock of it (flock), which the system gives
    up with the process; names tell the host, so that only its own folders are judged.
    """
    prefix = f".{name}.part-{hashlib.blake2s(socket.gethostname().encode(), digest_size=3).hexdigest()}"
    _remove_left_behind(parent, prefix)
    folder, lock = "", None
    try:
        # Within the block that removes it: Ctrl-C may come while the folder is being made.
        while lock is None:
            folder = os.path.join(parent, prefix + secrets.token_hex(4))
            os.mkdir(folder)
            lock = _locked(folder)
        yield folder
    finally:
        if folder:
            remove_folder(folder)
        if lock is not None:
            os.close(lock)


def _locked(folder: str) -> int | None:
    """An open descriptor that holds the lock of a folder; None where another process holds it or has removed the folder meanwhile."""
    try:
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    except FileNotFoundError:
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        held = os.path.isdir(folder)
    except BlockingIOError:
        held = False
    except OSError:
        held = True  # a file system without locks: nobody is able to take it away either
    if not held:
        os.close(descriptor)
        return None
    return descriptor


def _remove_left_behind(parent: str, prefix: str) -> None:
    """Remove the working folders of processes of this host that are no more."""
    try:
        names = [name for name in os.listdir(parent) if name.startswith(prefix)]
    except PermissionError:
        return  # a folder that may be written but not listed
    for found in names:
        folder = os.path.join(parent, found)
        try:
            descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        except OSError:
            continue
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            continue  # somebody works in it, or the file system has no locks
        else:
            remove_folder(folder)
        finally:
            os.close(descriptor)


def remove_folder(folder: str) -> None:
    """Remove a working folder, if it is there; Ctrl-C meanwhile is heeded when it is gone."""
    try:
        shutil.rmtree(folder, ignore_errors=True)
    except KeyboardInterrupt:
        shutil.rmtree(folder, ignore_errors=True)
        raise
