"""What tclean is asked for: its parameters checked together, before anything is read or written."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from casatools._base.errors import ParameterError, UnsupportedError, naming
from casatools.frames.directions import Direction
from casatools.frames.quantities import parse_quantity, to_unit
from casatools.imaging.auto_mask import AutoMaskOptions
from casatools.imaging.beam_groups import BeamOptions
from casatools.imaging.cycle_control import CycleOptions
from casatools.imaging.frequency_grid import counts_channels
from casatools.imaging.gridding import GridOptions
from casatools.imaging.minor_cycle import MinorOptions
from casatools.imaging.mosaic_windows import BeamUse
from casatools.imaging.weighting import WeightingOptions, parse_taper
from casatools.io.ms import Selection
from casatools.io.tables import require_table

__all__ = ["TcleanRequest", "jansky", "parse_restoring_beam"]

_STANDARD = ("standard", "ft", "gridft")
_WIDE = ("wproject", "widefield", "wprojectft")
_MOSAIC = ("mosaic", "ftmosaic", "mosaicft", "imagemosaic")
_APERTURE = ("awproject", "awprojectft", "awp2", "awphpg")


def _texts(value: Any, count: int, name: str) -> list[str]:
    """One selection text for each MeasurementSet."""
    given = [str(v) for v in value] if isinstance(value, (list, tuple)) else [str(value)]
    if len(given) == 1:
        return given * count
    if len(given) != count:
        raise ParameterError(
            f"tclean: parameter {name!r} holds {len(given)} items for {count} MeasurementSets; give one, or one each"
        )
    return given


def _angle(value: Any) -> float:
    """An angle [rad]; bare numbers are arcsec."""
    bare = isinstance(value, (int, float)) or (isinstance(value, str) and parse_quantity(value)[1] == "")
    return float(to_unit(f"{float(value)}arcsec" if bare else value, "rad"))


def jansky(value: Any) -> float:
    """A flux density [Jy]; bare numbers are Jy, and so is ``"0.1Jy/beam"``."""
    number, unit = parse_quantity(value)
    name = unit.replace("/beam", "")
    return float(to_unit(f"{float(number)!r}{name}", "Jy")) if name else float(number)


def _positive_hz(value: Any) -> float:
    """A frequency [Hz], which is positive."""
    found = float(to_unit(value, "Hz"))
    if not found > 0.0:
        raise ParameterError(f"a frequency is positive; got {value!r}")
    return found


def parse_restoring_beam(value: Any, task: str) -> list[float] | str:
    """A restoring beam: ``[]`` for each plane its own, ``"common"``, or [major, minor, angle] in radians; bare numbers are arcsec and degrees."""
    given = value if isinstance(value, (list, tuple)) else [value]
    found = [v for v in given if str(v).strip()]
    if not found:
        return []
    if len(found) == 1 and str(found[0]).lower() == "common":
        return "common"
    axes: Sequence[float] = [_angle(v) for v in found[:2]]
    angle = (
        float(np.deg2rad(float(found[2])) if isinstance(found[2], (int, float)) else to_unit(found[2], "rad"))
        if len(found) > 2
        else 0.0
    )
    if len(found) > 3 or not 0 < axes[-1] <= axes[0]:
        raise ParameterError(
            f"{task}: parameter 'restoringbeam' must be 'common' or one to three angles: major axis, minor axis, position angle; got {value!r}"
        )
    return [axes[0], axes[-1], angle]


@dataclass(frozen=True)
class TcleanRequest:
    """All parameters of tclean, by their own names; see the task for their meaning."""

    vis: Any
    selectdata: bool
    field: Any
    spw: Any
    timerange: Any
    uvrange: Any
    antenna: Any
    scan: Any
    observation: Any
    intent: Any
    datacolumn: str
    imagename: Any
    imsize: Any
    cell: Any
    phasecenter: Any
    stokes: str
    projection: str
    startmodel: Any
    specmode: str
    reffreq: Any
    nchan: int
    start: Any
    width: Any
    outframe: str
    veltype: str
    restfreq: Any
    interpolation: str
    perchanweightdensity: bool
    gridder: str
    facets: int
    psfphasecenter: Any
    wprojplanes: int
    vptable: str
    mosweight: bool
    aterm: bool
    psterm: bool
    wbawp: bool
    conjbeams: bool
    cfcache: str
    usepointing: bool
    computepastep: float
    rotatepastep: float
    pointingoffsetsigdev: Any
    pblimit: float
    normtype: str
    deconvolver: str
    scales: Any
    nterms: int
    smallscalebias: float
    fusedthreshold: float
    largestscale: int
    restoration: bool
    restoringbeam: Any
    pbcor: bool
    outlierfile: str
    weighting: str
    robust: float
    noise: Any
    npixels: int
    uvtaper: Any
    niter: int
    gain: float
    threshold: Any
    nsigma: float
    cycleniter: int
    cyclefactor: float
    minpsffraction: float
    maxpsffraction: float
    interactive: Any
    nmajor: int
    fullsummary: bool
    usemask: str
    mask: Any
    pbmask: float
    sidelobethreshold: float
    noisethreshold: float
    lownoisethreshold: float
    negativethreshold: float
    smoothfactor: float
    minbeamfrac: float
    cutthreshold: float
    growiterations: int
    dogrowprune: bool
    minpercentchange: float
    verbose: bool
    fastnoise: bool
    restart: bool
    savemodel: str
    calcres: bool
    calcpsf: bool
    psfcutoff: float
    parallel: bool

    def __post_init__(self) -> None:
        if not self.paths or not all(self.paths):
            raise ParameterError("tclean: parameter 'vis' must name a MeasurementSet")
        if not isinstance(self.imagename, str) or not self.imagename:
            raise ParameterError("tclean: parameter 'imagename' must be given; it is the beginning of the names of all images")
        if self.niter < 0:
            raise ParameterError(f"tclean: parameter 'niter' must not be negative; got {self.niter}")
        if self.nchan == 0 or self.nchan < -1:
            raise ParameterError(f"tclean: parameter 'nchan' must be positive, or -1 for all channels; got {self.nchan}")
        if not np.isfinite(self.pblimit):
            raise ParameterError(f"tclean: parameter 'pblimit' must be a number; got {self.pblimit}")
        if not self.pbmask < 1.0:
            raise ParameterError(f"tclean: parameter 'pbmask' must be below 1, the beam's peak; got {self.pbmask}")
        if self.gridder in _WIDE and (self.wprojplanes == 0 or self.wprojplanes < -1):
            raise ParameterError(f"tclean: parameter 'wprojplanes' must be positive, or -1; got {self.wprojplanes}")
        if not 0.0 < self.psfcutoff < 1.0:
            raise ParameterError(f"tclean: parameter 'psfcutoff' must be between 0 and 1; got {self.psfcutoff}")
        if self.projection.upper() not in ("SIN", "TAN", "NCP", "ARC", "STG", "ZEA"):
            raise ParameterError(f"tclean: parameter 'projection' must be SIN, TAN, ...; got {self.projection!r}")
        if self.normtype not in ("flatnoise", "flatsky", "pbsquare"):
            raise ParameterError(f"tclean: parameter 'normtype' must be flatnoise, flatsky or pbsquare; got {self.normtype!r}")
        if self.facets < 1 or (self.facets > 1 and self.gridder not in _WIDE):
            raise ParameterError(
                f"tclean: parameter 'facets' must be 1, or more with gridder='widefield'; got {self.facets} with gridder={self.gridder!r}"
            )
        if self.nterms < 1:
            raise ParameterError(f"tclean: parameter 'nterms' must be at least 1; got {self.nterms}")
        if self.deconvolver == "mtmfs" and not (self.is_continuum or self.specmode == "mvc"):
            raise ParameterError(
                f"tclean: deconvolver='mtmfs' makes continuum images, specmode='mfs' or 'mvc'; got specmode={self.specmode!r}"
            )
        if self.specmode == "mvc" and self.deconvolver != "mtmfs":
            raise ParameterError(f"tclean: specmode='mvc' needs deconvolver='mtmfs'; got {self.deconvolver!r}")
        if self.weighting == "briggsbwtaper" and not (self.perchanweightdensity and self.specmode == "cube"):
            raise ParameterError("tclean: weighting='briggsbwtaper' needs specmode='cube' and perchanweightdensity=True")
        self._refuse_missing()
        self._require_beams()
        if self.vptable:
            require_table(self.vptable, what="table of voltage patterns")
        # Made once here so that a bad value is refused before any data are read.
        _ = (
            self.grid_options,
            self.weighting_options,
            self.minor_options,
            self.cycle_options,
            self.selections,
            self.auto_mask_options,
            self.beam_given(),
            self.rest_hz,
            self.start_is_frequency,
        )
        if str(self.reffreq or "").strip():
            with naming("tclean", "reffreq"):
                _positive_hz(self.reffreq)

    def _require_beams(self) -> None:
        """Refuse values of the parameters of gridders with beams that say nothing."""
        if self.gridder in _APERTURE and not (self.aterm or self.psterm):
            raise ParameterError(
                f"tclean: gridder={self.gridder!r} needs parameter 'aterm' or 'psterm' to be True; without both there is no convolution function"
            )
        if self.gridder in _APERTURE and min(self.computepastep, self.rotatepastep) <= 0:
            raise ParameterError(
                "tclean: parameters 'computepastep' and 'rotatepastep' must be positive angles in degrees; "
                f"got {self.computepastep} and {self.rotatepastep}"
            )
        if self.usepointing and not self.is_mosaic:
            raise ParameterError(f"tclean: usepointing=True needs a mosaic or awproject gridder; got gridder={self.gridder!r}")
        if self.conjbeams and not self.is_mosaic:
            raise ParameterError(f"tclean: conjbeams=True needs a mosaic or awproject gridder; got gridder={self.gridder!r}")
        if len(self._pointing_steps()) > 2 or any(v <= 0 for v in self._pointing_steps()):
            raise ParameterError(
                f"tclean: parameter 'pointingoffsetsigdev' must be up to two positive numbers [arcsec]; got {self.pointingoffsetsigdev!r}"
            )

    def _pointing_steps(self) -> list[float]:
        given = self.pointingoffsetsigdev
        found = list(given) if isinstance(given, (list, tuple, np.ndarray)) else [given]
        return [float(v) for v in found if str(v).strip()]

    def _refuse_missing(self) -> None:
        """Refuse values that are not among those of `specmode`, `gridder`, `outframe` and `projection`."""
        missing = {
            "specmode": (self.specmode, ("mfs", "cont", "cube", "cubedata", "cubesource", "mvc")),
            "gridder": (self.gridder, (*_STANDARD, *_WIDE, *_MOSAIC, *_APERTURE)),
        }
        for name, (value, there) in missing.items():
            if value not in there:
                raise ParameterError(f"tclean: parameter {name!r} must be one of {', '.join(there)}; got {value!r}")
        if self.outframe.upper() not in ("LSRK", "LSRD", "BARY", "GEO", "TOPO", "GALACTO", "LGROUP", "CMB", "REST", "SOURCE", ""):
            raise ParameterError(f"tclean: parameter 'outframe' must be a spectral frame such as 'LSRK'; got {self.outframe!r}")
        if self.projection.upper() not in ("SIN", "NCP"):
            edge = self._edge_rad
            self._require_near_sin(float(np.tan(edge) - np.sin(edge)))

    @property
    def _edge_rad(self) -> float:
        options = self.grid_options
        return max(n * c for n, c in zip(options.shape, options.cell_rad, strict=True)) / 2.0

    def _require_near_sin(self, error_rad: float) -> None:
        """Refuse a projection whose plane differs from SIN by this much at the edge of the image."""
        if error_rad > 0.1 * min(self.grid_options.cell_rad):
            raise UnsupportedError(
                f"tclean: projection={self.projection!r} differs from the SIN projection of the gridder by more than a tenth of a pixel at the edges; use projection='SIN'"
            )

    def projection_about(self, latitude_rad: float) -> tuple[str, tuple[float, float] | None]:
        """Name and parameters of the projection of images about a latitude: NCP is SIN along the pole instead of the line of sight."""
        name = self.projection.upper()
        if name != "NCP":
            return name, None
        slant = 1.0 / float(np.tan(latitude_rad or 1e-30))
        self._require_near_sin((1.0 - float(np.cos(self._edge_rad))) * abs(slant))
        return "SIN", (0.0, slant)

    @property
    def paths(self) -> list[str]:
        """The MeasurementSets."""
        return [str(v) for v in self.vis] if isinstance(self.vis, (list, tuple)) else [str(self.vis)]

    @property
    def selections(self) -> list[Selection]:
        """A selection for each MeasurementSet."""
        count = len(self.paths)
        names = {"field": self.field, "spw": self.spw, "intent": self.intent}
        if self.selectdata:
            names |= {
                "timerange": self.timerange,
                "uvrange": self.uvrange,
                "antenna": self.antenna,
                "scan": self.scan,
                "observation": self.observation,
            }
        texts = {name: _texts(value, count, name) for name, value in names.items()}
        return [Selection(**{name: values[k] for name, values in texts.items()}) for k in range(count)]

    @property
    def grid_options(self) -> GridOptions:
        """Image size, pixel size and gridder."""
        sizes = [int(v) for v in (self.imsize if isinstance(self.imsize, (list, tuple)) else [self.imsize])]
        if len(sizes) not in (1, 2) or min(sizes) < 4:
            raise ParameterError(f"tclean: parameter 'imsize' must be one or two sizes of at least 4 pixels; got {self.imsize!r}")
        given = self.cell if isinstance(self.cell, (list, tuple)) else [self.cell]
        cells = [c for c in given if str(c).strip()]
        if not cells:
            raise ParameterError(
                f"tclean: parameter 'cell' must be given, the size of a pixel such as '2arcsec'; got {self.cell!r}"
            )
        with naming("tclean", "cell"):
            radians = [_angle(c) for c in cells]
        if len(radians) > 2 or min(radians) <= 0:
            raise ParameterError(f"tclean: parameter 'cell' must be one or two positive angles; got {self.cell!r}")
        if max(sizes[0] * radians[0], sizes[-1] * radians[-1]) > 2.0 * np.pi:
            raise ParameterError(
                f"tclean: parameters 'imsize' and 'cell' make an image wider than the sky; got {self.imsize!r} and {self.cell!r}"
            )
        planes = self.wprojplanes != 1 and self.gridder in (*_APERTURE, "imagemosaic")
        return GridOptions((sizes[0], sizes[-1]), (radians[0], radians[-1]), self.gridder in _WIDE or planes)

    @property
    def weighting_options(self) -> WeightingOptions:
        """The weighting scheme."""
        tapers = self.uvtaper if isinstance(self.uvtaper, (list, tuple)) else [self.uvtaper]
        with naming("tclean", "noise"):
            noise = jansky(self.noise) if self.weighting == "briggsabs" else 1.0
        return WeightingOptions(self.weighting, self.robust, noise, self.npixels, parse_taper(tapers))

    @property
    def minor_options(self) -> MinorOptions:
        """The deconvolver."""
        scales = tuple(
            float(s) for s in (self.scales if isinstance(self.scales, (list, tuple)) else [self.scales]) if str(s) != ""
        )
        return MinorOptions(
            self.deconvolver, self.gain, scales, self.smallscalebias, self.fusedthreshold, float(self.largestscale)
        )

    @property
    def cycle_options(self) -> CycleOptions:
        """Limits of the iterations."""
        with naming("tclean", "threshold"):
            threshold_jy = jansky(self.threshold)
        return CycleOptions(
            self.niter, self.cycleniter, threshold_jy, self.nsigma, self.cyclefactor, self.minpsffraction, self.maxpsffraction,
            self.nmajor, self.gain, self.fullsummary,
        )  # fmt: skip

    @property
    def auto_mask_options(self) -> AutoMaskOptions | None:
        """How masks are made from the residuals; None where they are given."""
        return AutoMaskOptions.of(self) if self.usemask == "auto-multithresh" else None

    @property
    def saves_model(self) -> bool:
        """True when the MeasurementSets are to hold the model."""
        return self.savemodel != "none"

    @property
    def is_continuum(self) -> bool:
        """True when all channels go into one image."""
        return self.specmode in ("mfs", "cont")

    @property
    def weighs_by_channel(self) -> bool:
        """Whether densities of uv samples are counted channel by channel; superuniform ones never are, as in CASA."""
        return self.perchanweightdensity and self.weighting != "superuniform"

    @property
    def spectral_frame(self) -> str:
        """Frame of the spectral axis; SOURCE is that of an object whose radial velocity is taken out."""
        frame = self.outframe.upper() or "LSRK"
        return "SOURCE" if self.specmode == "cubesource" or frame == "REST" else frame

    @property
    def is_mosaic(self) -> bool:
        """True when pointings are gridded with their primary beams."""
        return self.gridder in _MOSAIC or self.is_aperture

    @property
    def is_aperture(self) -> bool:
        """True for A-projection."""
        return self.gridder in _APERTURE and self.aterm

    @property
    def beam_options(self) -> BeamOptions:
        """How primary beams are told apart."""
        step = min(self._pointing_steps(), default=0.0)
        # An A-term is computed, and turned, whenever the parallactic angle has changed by one of these.
        turn = float(np.deg2rad(min(self.computepastep, self.rotatepastep)))
        return BeamOptions(self.vptable, self.usepointing, float(np.deg2rad(step / 3600.0)), self.is_aperture, turn)

    def beam_use(self, reference_hz: float, psf_centre: Direction | None = None) -> BeamUse:
        """What the image does with its beams.

        Parameters
        ----------
        reference_hz : float
            The image's frequency, the middle of a cube.
        psf_centre : Direction, optional
        """
        conjugate = reference_hz if self.conjbeams and self.is_continuum else 0.0
        fixed = reference_hz if self.is_aperture and not self.wbawp else 0.0
        step = 0.01 if self.is_aperture else 0.02
        return BeamUse(self.normtype, self.mosweight, abs(self.pblimit), step, conjugate, fixed, psf_centre)

    @property
    def terms(self) -> int:
        """Taylor terms; 0 when the deconvolver does not make them."""
        return self.nterms if self.deconvolver == "mtmfs" else 0

    def model_names(self) -> list[str]:
        """Images to start from, one a Taylor term."""
        given = self.startmodel if isinstance(self.startmodel, (list, tuple)) else [self.startmodel]
        return [str(n) for n in given if str(n)]

    @property
    def rest_hz(self) -> float:
        """Rest frequency that was given; 0 when none was."""
        given = self.restfreq if isinstance(self.restfreq, (list, tuple)) else [self.restfreq]
        found = [v for v in given if str(v).strip()]
        with naming("tclean", "restfreq"):
            return _positive_hz(found[0]) if found else 0.0

    def beam_given(self) -> list[float] | str:
        """The restoring beam: ``[]`` for each plane its own, ``"common"``, or [major, minor, angle] in radians."""
        return parse_restoring_beam(self.restoringbeam, "tclean")

    @property
    def start_is_frequency(self) -> bool:
        """True when start or width are not channel numbers."""
        found = False
        for name, value in (("start", self.start), ("width", self.width)):
            with naming("tclean", name):
                found |= not counts_channels(value) and bool(parse_quantity(value)[1])
        return found

    def centre_text(self, name: str = "phasecenter") -> Any:
        """A phase centre as given: a direction, a field number or None."""
        value = getattr(self, name)
        if value is None or value == "" or (isinstance(value, (int, np.integer)) and value < 0):
            return None
        if isinstance(value, (int, np.integer)) or (isinstance(value, str) and value.strip().isdigit()):
            return int(value)
        return value
