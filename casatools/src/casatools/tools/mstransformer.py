"""mstransformer: transforms a MeasurementSet into another, as the task mstransform does."""

from __future__ import annotations

from typing import Annotated, Any

from casatools._base import kinds, log
from casatools._base.declare import method
from casatools._base.errors import NotOpenError, ParameterError, UnsupportedError
from casatools._base.paths import require_present
from casatools.io.ms import MeasurementSet

__all__ = ["mstransformer"]

_SELECTION = (
    "field", "spw", "scan", "antenna", "correlation", "timerange", "intent", "array", "uvrange", "observation", "feed", "taql",
)  # fmt: skip
_OPTIONS = (
    "datacolumn", "keepflags", "chanaverage", "chanbin", "hanning", "combinespws", "nspw", "timeaverage", "timebin", "timespan",
    "maxuvwdistance", "reindex", "usewtspectrum", "realmodelcol", "tileshape", "ddistart",
)  # fmt: skip
_GRID = {
    "mode": "channel", "nchan": -1, "start": 0, "width": 1, "interpolation": "linear", "phasecenter": "", "restfreq": "", "outframe": "",
    "veltype": "radio", "preaverage": False,
}  # fmt: skip
_CONTINUUM = ("uvcontsub", "fitspw", "fitorder", "want_cont", "niter", "nthreads")
# Keys that the tasks of the reference pass on and that say how it computes, not what.
_FREE = ("denoising_lib", "monolithic_processing", "disableparallel")
_AVERAGE = ("polaverage", "polaveragemode")
_SHIFT = ("phaseshift",)
_LIBRARY = ("docallib", "callib")
_LATER = ("pointingsaverage",)


class mstransformer:
    """Transformation of a MeasurementSet: config, open, run, done."""

    def __init__(self) -> None:
        self._given: dict[str, Any] = {}
        self._ready = False

    @method
    def config(
        self,
        pars: Annotated[dict[str, Any], kinds.Record(), "Parameters of the task mstransform, with inputms and outputms"] = {},  # noqa: B006
    ) -> bool:
        """Take the parameters: those of the task mstransform, ``inputms``, ``outputms``, and ``uvcontsub`` for its douvcontsub; ``polaverage`` with ``polaveragemode`` (stokes,
        geometric) averages the parallel hands to Stokes I, and ``phaseshift`` moves the phase centre of all fields to ``phasecenter`` before any average.

        Raises
        ------
        ParameterError
            A key is unknown, or one that another needs is missing.
        UnsupportedError
            pointingsaverage.
        """
        known = {
            "inputms",
            "outputms",
            "regridms",
            *_SELECTION,
            *_OPTIONS,
            *_GRID,
            *_CONTINUUM,
            *_AVERAGE,
            *_FREE,
            *_LATER,
            *_SHIFT,
            *_LIBRARY,
        }
        unknown = sorted(set(pars) - known)
        if unknown:
            raise ParameterError(
                f"mstransformer: parameter 'pars' has the unknown key {unknown[0]!r}; known are {', '.join(sorted(known))}"
            )
        later = [k for k in _LATER if pars.get(k)]
        if pars.get("phaseshift") and not pars.get("phasecenter"):
            raise ParameterError("mstransformer: phaseshift needs 'phasecenter', the direction to shift to")
        if pars.get("docallib") and not str(pars.get("callib", "")).strip():
            raise ParameterError("mstransformer: docallib needs 'callib', the name of a calibration library file")
        if later:
            raise UnsupportedError(f"mstransformer: {later[0]}={pars[later[0]]!r} is not supported yet")
        self._given, self._ready = dict(pars), False
        return bool(pars.get("inputms")) and bool(pars.get("outputms"))

    @method
    def open(self) -> bool:
        """Check the input; False without a configuration.

        Raises
        ------
        PathMissingError, DataError
            The input is missing or no MeasurementSet.
        """
        if not self._given.get("inputms") or not self._given.get("outputms"):
            log.post("mstransformer: inputms and outputms are needed; call config first", "SEVERE")
            return False
        MeasurementSet(require_present(str(self._given["inputms"]), "MeasurementSet")).close()
        self._ready = True
        return True

    @method
    def run(self) -> dict[str, Any]:
        """Write the output; the record is empty.

        Raises
        ------
        NotOpenError
            open has not been called.
        """
        from casatools.transform.parameters import selection_of
        from casatools.transform.transforming import MsTransformOptions, mstransform, regrid_request

        if not self._ready:
            raise NotOpenError("mstransformer: there is nothing to run; call config and open first")
        given = self._given
        selection = selection_of(**{k: given[k] for k in _SELECTION if k in given})
        options: dict[str, Any] = {k: given[k] for k in _OPTIONS if k in given}
        options["datacolumn"] = _columns(options.get("datacolumn", "corrected"))
        if "tileshape" in options:
            options["tileshape"] = tuple(int(n) for n in options["tileshape"])
        if given.get("regridms"):
            grid = {**_GRID, **{k: given[k] for k in _GRID if k in given}}
            options["regrid"] = regrid_request(**grid)
        if given.get("uvcontsub"):
            options["douvcontsub"] = True
            options.update({k: given[k] for k in _CONTINUUM if k in given and k != "uvcontsub"})
            options["niter"] = max(1, int(options.get("niter", 1)))  # 0 is the reference's word for one pass
        if given.get("phaseshift"):
            options["phase_centre"] = given["phasecenter"]
        if given.get("realmodelcol") or given.get("docallib"):
            from casatools.calibration.on_the_fly import ChunkModel, LibraryFile

            options["model"] = ChunkModel
            options["calibrator"] = LibraryFile(str(given["callib"])) if given.get("docallib") else None
        if given.get("polaverage"):
            options["polaverage"] = str(given.get("polaveragemode") or "default")
        mstransform(str(given["inputms"]), str(given["outputms"]), selection, MsTransformOptions(**options))
        return {}

    @method
    def done(self) -> bool:
        """Forget the configuration."""
        self._given, self._ready = {}, False
        return True

    @method
    def mergespwtables(
        self,
        filenames: Annotated[list[str], kinds.TextList(), "MeasurementSets of one multi-MS, cut by spectral window"] = [],  # noqa: B006
    ) -> bool:
        """Give all of several MeasurementSets the spectral windows and data descriptions of all: those of each follow those before it.

        Raises
        ------
        PathMissingError, DataError
            One is missing or no MeasurementSet; nothing has been written then.
        """
        from casatools.transform.output_windows import merge_window_tables

        merge_window_tables([require_present(n, "MeasurementSet") for n in filenames])
        return True


def _columns(text: Any) -> str:
    """CORRECTED, DATA,MODEL,CORRECTED and so on as the task writes them."""
    words = [w.strip().lower() for w in str(text).split(",")]
    return ",".join(w if w in ("float_data", "lag_data") else w.removesuffix("_data") for w in words)
