"""The open image of an image tool: opening, closing, naming."""

from __future__ import annotations

import atexit
import io
import os
import shutil
import tempfile
import weakref
from typing import Annotated, Any

from casatools._base import kinds
from casatools._base.declare import method
from casatools._base.errors import NotOpenError, ParameterError
from casatools._base.paths import remove_output
from casatools.io.image import CasaImage

__all__ = ["SessionMethods"]

_alive: weakref.WeakSet[SessionMethods] = weakref.WeakSet()


@atexit.register
def _close_all() -> None:
    """Close what is open at the end, and remove temporary images, while all that this needs is still there."""
    for tool in list(_alive):
        tool._release()


_TYPES = {"float32": "float", "float64": "double", "complex64": "complex", "complex128": "dcomplex"}


class TemporaryFolder:
    """A folder that is there as long as an image tool needs it."""

    def __init__(self, path: str) -> None:
        self.path = path

    def __del__(self) -> None:
        if self.path:
            shutil.rmtree(self.path, ignore_errors=True)


class SessionMethods:
    """Opening and closing. The tool holds one image; images without a name live in a temporary folder until the tool is done."""

    # A call that will be told in histories is at work: those that it makes itself are not told.
    recording = False

    def __init__(self) -> None:
        _alive.add(self)
        self._held: CasaImage | None = None
        self._folder: TemporaryFolder | None = None
        self._lenders: list[TemporaryFolder] = []
        self._tells_history = True

    @property
    def _image(self) -> CasaImage:
        if self._held is None:
            raise NotOpenError("no image is open; call open first")
        return self._held

    def _writable(self) -> CasaImage:
        """The open image, reopened for writing where that is needed."""
        image = self._image
        if not image.writable:
            path = image.path
            image.close()
            try:
                self._held = CasaImage.open(path, writable=True)
            except BaseException:
                self._held = CasaImage.open(path)
                raise
        return self._image

    @property
    def _temporary(self) -> str:
        """The folder of an image without a name of its own; "" for others."""
        return self._folder.path if self._folder is not None else ""

    @_temporary.setter
    def _temporary(self, path: str) -> None:
        self._folder = TemporaryFolder(path) if path else None

    def _lend(self, other: SessionMethods) -> None:
        """Keep the temporary folders of another image, whose pixels this one reads."""
        self._lenders = [f for f in (other._folder, *other._lenders) if f is not None]

    def _borrow(self, sources: list[str]) -> None:
        """Keep the temporary folders that images which this one reads are in."""
        for other in list(_alive):
            if other._folder is not None and any(s.startswith(other._folder.path + os.sep) for s in sources):
                self._lenders += [other._folder, *other._lenders]

    def _hold(self, path: str, temporary: str = "", writable: bool = False) -> None:
        self._release()
        self._held = CasaImage.open(path, writable=writable)
        self._temporary = temporary

    def _release(self) -> None:
        if self._held is not None:
            self._held.close()
        self._held = None
        self._folder = None
        self._lenders = []

    @staticmethod
    def _place(outfile: str) -> tuple[str, str]:
        """Where an output goes: its own name, or a temporary folder when it has none (returned to be removed later)."""
        if outfile:
            return outfile, ""
        folder = tempfile.mkdtemp(prefix="casa-image-")
        return os.path.join(folder, "temporary.im"), folder

    def _repr_png_(self) -> bytes | None:
        """A quick look at the plane of the greatest pixel, which a notebook shows for a tool that is the last value of a cell; None without one."""
        if self._held is None:
            return None
        from casatools._base.errors import CasaError
        from casatools.plotting.quick_look import quick_look

        try:
            figure = quick_look(self._held.path)
        except CasaError:
            return None  # no sky plane, or no good pixel: the notebook shows the plain text
        stream = io.BytesIO()
        figure.savefig(stream, format="png")
        return stream.getvalue()

    def __del__(self) -> None:
        # A table whose files are gone would end the interpreter when it is closed: closing comes first.
        if getattr(self, "_temporary", ""):
            self._release()

    @method
    def open(
        self,
        infile: Annotated[str, kinds.InPath(), "Image table or FITS file"],
        cache: Annotated[bool, kinds.Bool(), "Accepted for compatibility; opening costs nothing worth caching"] = True,
    ) -> bool:
        """Open an image; one that is open is closed first.

        Raises
        ------
        PathMissingError, DataError
            Nothing is there, or it is not an image.
        """
        if not infile:
            raise ParameterError("image.open: parameter 'infile' must name an image")
        self._hold(infile)
        return True

    @method
    def close(self) -> bool:
        """Close the image; the tool may be used for another one."""
        self._release()
        return True

    @method
    def done(
        self,
        remove: Annotated[bool, kinds.Bool(), "Delete the image from disk"] = False,
        verbose: Annotated[bool, kinds.Bool(), "Accepted for compatibility"] = True,
    ) -> bool:
        """Close the image, and delete it when asked to."""
        path = self._held.path if self._held is not None else ""
        self._release()
        if remove and path:
            remove_output(path)
        return True

    @method
    def isopen(self) -> bool:
        """True when an image is open."""
        return self._held is not None

    @method
    def ispersistent(self) -> bool:
        """True when the image has a name of its own on disk."""
        self._image  # noqa: B018 - raises when closed
        return not self._temporary

    @method
    def name(self, strippath: Annotated[bool, kinds.Bool(), "Without the folder"] = False) -> str:
        """The name of the image."""
        path = os.path.abspath(self._image.path)
        return os.path.basename(path) if strippath else path

    @method
    def type(self) -> str:
        """The name of the tool."""
        return "image"

    @method
    def pixeltype(self) -> str:
        """The type of the pixels: float, double, complex or dcomplex."""
        return _TYPES[str(self._image.dtype)]

    @method
    def shape(self) -> Any:
        """The number of pixels along each axis (CASA order)."""
        import numpy as np

        return np.array(self._image.shape[::-1], dtype=np.int64)
