"""The ctsys tool: versions, data paths, the machine and removal of tables; one instance, ``ctsys``."""

from __future__ import annotations

import operator
import os
import shutil
import socket
import sys
import time
from typing import Annotated, Any

import numpy as np

from casatools._base import casarc, config, kinds, paths
from casatools._base.declare import method
from casatools._base.errors import DataError, ParameterError, PathMissingError, UnsupportedError
from casatools._base.memory import available_bytes, machine_bytes
from casatools._base.version import INTERFACE, VERSION
from casatools.frames.engine import data_folder, set_data_folder

__all__ = ["ctsys", "utils"]

PathText = Annotated[str, kinds.Text(), "A path"]
_COMPARATORS = {
    ">": operator.gt,
    ">=": operator.ge,
    "<": operator.lt,
    "<=": operator.le,
    "=": operator.eq,
    "==": operator.eq,
    "!=": operator.ne,
}
_VARIANT = f"CASAtools:v{VERSION}"


class utils:
    """System functions of the suite; use the instance ``casatools.ctsys``."""

    def __init__(self) -> None:
        self._measures_path = ""
        self._run_data = ""

    # -- numbers and versions -----------------------------------------------------------------------------------------

    @method
    def maxint(self) -> int:
        """Largest 32-bit integer."""
        return 2**31 - 1

    @method
    def minint(self) -> int:
        """Smallest 32-bit integer."""
        return -(2**31)

    @method
    def maxlong(self) -> int:
        """Largest 64-bit integer."""
        return 2**63 - 1

    @method
    def minlong(self) -> int:
        """Most negative 64-bit integer."""
        return -(2**63)

    @method
    def version(self) -> np.ndarray:
        """Interface level as ``[major, minor, patch, build]``."""
        return np.array(INTERFACE)

    @method
    def version_desc(self) -> str:
        """Name and version of this suite."""
        return _VARIANT

    @method
    def version_variant(self) -> str:
        """Variant of the release; there is none."""
        return ""

    @method
    def version_string(self) -> str:
        """Interface level as a text such as ``6.7.0-31``."""
        return "{}.{}.{}-{}".format(*INTERFACE)

    @method
    def version_info(self) -> str:
        """Interface level and version of this suite."""
        return f"{self.version_string()} {_VARIANT}"

    @method
    def compare_version(
        self,
        comparitor: Annotated[str, kinds.Text(), "One of > >= < <= = == !="],
        vec: Annotated[list, kinds.IntList(), "Version, such as [6, 5]"],
    ) -> bool:
        """Compare the interface level with a version; missing numbers count as 0."""
        if comparitor not in _COMPARATORS:
            raise ParameterError(
                f"ctsys.compare_version: parameter 'comparitor' must be one of {', '.join(_COMPARATORS)}; got {comparitor!r}"
            )
        size = max(len(INTERFACE), len(vec))
        ours = (*INTERFACE, *[0] * (size - len(INTERFACE)))
        theirs = (*vec, *[0] * (size - len(vec)))
        return bool(_COMPARATORS[comparitor](ours, theirs))

    # -- paths --------------------------------------------------------------------------------------------------------

    @method
    def defaultpath(self) -> list:
        """Folders searched when no path is set."""
        return [self.measurespath()]

    @method
    def getpath(self) -> list:
        """Folders searched for data."""
        return paths.data_paths()

    @method
    def setpath(self, dirs: Annotated[list, kinds.TextList(drop_empty=True), "Folders"] = []) -> bool:  # noqa: B006
        """Set the folders searched for data; False when one of them does not exist, which is left out."""
        folders = [os.path.abspath(os.path.expanduser(d)) for d in dirs]
        present = [f for f in folders if os.path.isdir(f)]
        paths.set_data_paths(present)
        return len(present) == len(folders)

    @method
    def clearpath(self) -> None:
        """Search no folders, until `setpath` sets some."""
        paths.set_data_paths([])

    @method
    def resolve(self, path: PathText = "") -> str:
        """Absolute path of data by name over the data paths; the name itself when nothing is found."""
        return paths.resolve(path) if path else ""

    @method
    def measurespath(self) -> str:
        """Folder of the measures data."""
        return self._measures_path or data_folder()

    @method
    def setmeasurespath(self, path: PathText = "") -> None:
        """Say where the measures data are; it holds for tables of data that have not been read yet."""
        folder = os.path.abspath(os.path.expanduser(path)) if path else ""
        if folder and not os.path.isdir(folder):
            raise PathMissingError(f"the folder {path!r} of the measures data does not exist")
        set_data_folder(folder)
        self._measures_path = folder

    @method
    def measuresinfo(self) -> dict:
        """Which measures tables are in use, and how old: ``{"path": folder, name: {"date", "last_mjd", "age_days"}}``.

        Not in CASA. ``python -m casatools.data`` prints the same.
        """
        from casatools.frames.measures_tables import describe

        folder = self.measurespath()
        today = 40587.0 + time.time() / 86400.0
        found: dict[str, Any] = {"path": folder}
        for table in describe(folder):
            age = today - table.made_mjd if table.made else -1.0
            found[table.name] = {"date": table.made, "last_mjd": table.last_mjd, "age_days": age}
        return found

    @method
    def rundata(self) -> str:
        """Folder of the data of a run."""
        return self._run_data or str(config.value("rundata")) or self.measurespath()

    @method
    def setrundata(self, path: PathText = "") -> None:
        """Set the folder of the data of a run."""
        self._run_data = os.path.abspath(os.path.expanduser(path)) if path else ""

    @method
    def getcachedir(self) -> str:
        """Folder of the user's configuration and cache."""
        return os.path.expanduser(str(config.value("cachedir")))

    @method
    def getpython(self) -> str:
        """The Python interpreter."""
        return sys.executable

    @method
    def getrc(self, rcvar: Annotated[str, kinds.Text(), "Name of a setting; empty gives the folder of the settings"] = "") -> str:
        """A value of ``~/.casarc`` or ``~/.casa/rc``, or a configuration option, as a text."""
        if not rcvar:
            return os.path.expanduser("~")
        found = casarc.setting(rcvar)
        if found is not None:
            return found
        return str(config.value(rcvar)) if rcvar in config.DEFAULTS else "Unknown value"

    @method
    def getagg(self) -> bool:
        """True when plots never open a window."""
        return bool(config.value("agg"))

    @method
    def getnogui(self) -> bool:
        """True when no graphical program may start."""
        return bool(config.value("nogui"))

    @method
    def getpipeline(self) -> bool:
        """True in a pipeline session."""
        return bool(config.value("pipeline"))

    # -- tables and the machine ---------------------------------------------------------------------------------------

    @method
    def tableinfo(self, tablename: PathText = "") -> dict:
        """How another process holds a table: lockstatus (write, read, open or not in use), lockpid, lockperm."""
        if not os.path.isfile(os.path.join(tablename, "table.dat")):
            raise PathMissingError(f"table {tablename!r} does not exist")
        from casatools.io.tables import lock_holder

        status, pid, permanent = lock_holder(tablename)
        return {"lockperm": permanent, "lockpid": pid, "lockstatus": status}

    @method
    def lockedtables(self) -> list:
        """Tables that table tools of this process hold locked."""
        opened = sys.modules.get("casatools.tools.table")
        return [] if opened is None else opened.locked_tables()

    @method
    def removetable(self, tablenames: Annotated[list, kinds.TextList(), "Paths of tables"] = []) -> bool:  # noqa: B006
        """Remove tables; False when one of them is not there."""
        every = True
        for name in tablenames:
            if not name or not os.path.isfile(os.path.join(name, "table.dat")):
                every = False
                continue
            try:
                shutil.rmtree(name)
            except OSError as error:
                raise DataError(f"table {name!r} cannot be removed: {error.strerror}") from error
        return every

    @method
    def hostinfo(self) -> dict:
        """The machine: cpus, memory and swap in kB, name, byte order, process and time."""
        total = machine_bytes() // 1024
        free = available_bytes() // 1024
        return {
            "cpus": {"available": len(os.sched_getaffinity(0)), "total": os.cpu_count() or 1},
            "endian": sys.byteorder,
            "hostname": socket.gethostname(),
            "memory": {"available": total, "free": free, "total": total, "used": total - free},
            "pid": os.getpid(),
            "seconds": int(time.time()),
            "swap": {"free": 0, "total": 0, "used": 0},
        }

    # -- services and errors ------------------------------------------------------------------------------------------

    @method
    def registry(self) -> dict:
        """The service registry; this suite opens no socket and has none."""
        return {"uri": ""}

    @method
    def services(self) -> dict:
        """Running services; there are none."""
        return {}

    @method
    def remove_service(self, uri: Annotated[str, kinds.Text(), "Address of the service"] = "") -> bool:
        """Remove a service; False, as there are none."""
        return False

    @method
    def initialize(
        self,
        python_path: Annotated[str, kinds.Text(), "The Python interpreter"],
        distro_data_path: Annotated[str, kinds.Text(), "Folder of the run's data"],
        default_path: Annotated[list, kinds.TextList(drop_empty=True), "Folders searched for data"],
        nogui: Annotated[bool, kinds.Bool(), "No graphical programs"],
        agg: Annotated[bool, kinds.Bool(), "No plot windows"],
        pipeline: Annotated[bool, kinds.Bool(), "Pipeline session"],
        cachedir: Annotated[str, kinds.Text(), "Folder of the cache"],
    ) -> bool:
        """Set the session's options at once."""
        if python_path and python_path != sys.executable:
            raise UnsupportedError(f"ctsys.initialize: parameter 'python_path' must be this interpreter; got {python_path!r}")
        self.setrundata(distro_data_path)
        self.setpath(default_path)
        for name, value in (("nogui", nogui), ("agg", agg), ("pipeline", pipeline), ("cachedir", cachedir)):
            config.set_value(name, value)
        return True

    @method
    def shutdown(self) -> None:
        """End the session; there is nothing to end."""

    @method
    def c_exception(self) -> str:
        """The last error of compiled code; errors are Python exceptions here, so it is empty."""
        return "\n"

    @method
    def c_exception_clear(self) -> None:
        """Forget the last error of compiled code."""

    @method
    def tryit(self, input: Annotated[Any, kinds.Variant(), "Any value"]) -> Any:
        """Give the value back; CASA's test of value passing."""
        return input


ctsys = utils()
