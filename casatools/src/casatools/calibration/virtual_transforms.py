"""Images as recipes of a model: their Fourier transforms beside the SOURCE table, with the record of the gridder that CASA predicts with.

The reference keeps, for each image, the transform of the image divided by the gridding function's own transform (a spheroidal function), in an image of
complex numbers, and a record with what its gridder has to know. Ours predict from the image that the transform stands for, without gridding errors.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from casatools._base.errors import DataError, UnsupportedError
from casatools._base.paths import require_present
from casatools.calibration.model_image import ModelImage, image_axes
from casatools.calibration.predict_sky import STOKES, ImagePlanes, SkyModel
from casatools.calibration.source_spectra import correlations_to_stokes, stokes_to_correlations
from casatools.io.image import CasaImage
from casatools.io.image.coordinates import Coordinates, DirectionCoordinate, SpectralCoordinate, StokesCoordinate
from casatools.io.image.coordinates.stokes import STOKES_CODES
from casatools.kernels.spheroidal import spheroidal

if TYPE_CHECKING:
    from casatools.io.ms import MeasurementSet
    from casatools.io.ms.model_keywords import VirtualModel

__all__ = ["read_recipe", "read_transform", "write_transforms"]

# Machines of the reference that predict from the transform of an image alone; those of mosaics and A-projection need its beams.
_PLAIN, _WIDE, _SCALED, _TERMS = "GridFT", "WProjectFT", "SetJyGridFT", "MultiTermFTNew"
_READ = (_PLAIN, _WIDE, _SCALED, _TERMS)
# As the reference pads images before it transforms them, which keeps sources off the edges of the gridding function's transform.
_PADDING = 1.2
_CIRCULAR, _LINEAR = ("RR", "RL", "LR", "LL"), ("XX", "XY", "YX", "YY")
# Ours: whether the sky is curved for this model (baselines of any w), which the reference's machine of flat images has no word for.
_CURVED = "curvedsky"


def read_recipe(model: VirtualModel) -> SkyModel:
    """The sky that the recipe of an image stands for.

    Raises
    ------
    UnsupportedError
        It is for a gridder with beams.
    PathMissingError, DataError
        A transform is gone or cannot be used.
    """
    machine = model.machine
    name = str(machine.get("name", _PLAIN))
    if name not in _READ:
        raise UnsupportedError(
            f"a virtual model is for the gridder {name!r}; models of {', '.join(_READ)} can be predicted from: make this one again with "
            "savemodel='modelcolumn'"
        )
    first = machine.get("subftm_0", machine) if name == _TERMS else machine
    curved = bool(machine.get(_CURVED, name == _WIDE))
    in_frame = bool(first.get("freqframevalid", False))
    terms = []
    sampling = int(machine.get("convsampling", 0)) if name == _WIDE else 0
    for path in model.images:
        planes = read_transform(path, sampling)
        terms.append(replace(planes, frame=planes.frame if in_frame else "", curved=curved))
    return SkyModel(terms=terms, reference_hz=float(machine.get("reffreq", 0.0)))


def read_transform(path: str, sampling: int = 0) -> ImagePlanes:
    """The model image that a gridder's transform on disk stands for.

    Parameters
    ----------
    path : str
    sampling : int
        Samples a cell of the gridding functions with w terms, whose steps the reference has taken out of the image as well; 0 for others.

    Raises
    ------
    PathMissingError, DataError
        There is no such image, or its planes are neither of Stokes I nor correlations of one kind of feeds.
    """
    require_present(path, "transform of a virtual model's image")
    with CasaImage.open(path) as image:
        coordinates, direction, spectral = image.coordinates, image.coordinates.direction, image.coordinates.spectral
        labels = list(coordinates.stokes.labels) if coordinates.stokes is not None else ["I"]
        correlations = set(labels) <= set(_CIRCULAR) or set(labels) <= set(_LINEAR)
        if direction is None or spectral is None or image.ndim != 4 or not (labels == ["I"] or correlations):
            raise DataError(
                f"virtual model {path!r} must be an image of Stokes I or correlations with directions and frequencies"
            )
        reference, turn = image_axes(direction, path)
        planes = {}
        taper = _taper(image.shape[-2:])
        if sampling:
            steps = [np.sinc((np.arange(n) - n // 2) / (n * sampling)) for n in image.shape[-2:]]
            taper = taper / np.multiply.outer(*steps)
        for chan in range(image.shape[0]):
            grids = np.asarray(image.read((chan,)), np.complex128).reshape(len(labels), *image.shape[-2:])
            # Grids and images have their origin in the middle.
            sky = np.fft.fftshift(np.fft.ifft2(np.fft.ifftshift(grids, axes=(1, 2))), axes=(1, 2)) * taper
            stokes = correlations_to_stokes(np.moveaxis(sky, 0, -1), labels) if correlations else sky.real[0, :, :, None]
            for k in range(stokes.shape[-1]):
                if np.abs(stokes[..., k]).max() > 1e-7 * np.abs(sky).max():
                    planes[STOKES[k], chan] = ModelImage(
                        stokes[..., k].T, reference, tuple(direction.reference_pixel.tolist()), direction.increment_rad, turn
                    )
        hz = spectral.frequencies_hz(image.shape[0])
    return ImagePlanes(planes, np.asarray(hz, np.float64), spectral.frame)


def _taper(shape: Sequence[int]) -> np.ndarray:
    """The gridding function's transform over the pixels of a plane, one in the middle."""
    lines = []
    for count in shape:
        place = np.abs(np.arange(count) - count // 2) / (count / 2)
        lines.append(np.asarray(spheroidal(place) / spheroidal(np.zeros(1))))
    return np.multiply.outer(*lines)


def write_transforms(
    ms: MeasurementSet, path: str, sky: SkyModel, spws: Sequence[int], scale: tuple[np.ndarray, np.ndarray] | None = None
) -> dict[str, Any]:
    """Write the transforms of a model's images and make the record of the machine that predicts from them.

    Parameters
    ----------
    ms : MeasurementSet
    path : str
        New name; Taylor terms put ``_term_<k>`` behind.
    sky : SkyModel
        Its images.
    spws : sequence of int
        Spectral windows that the model is for, of one kind of feeds.
    scale : (ndarray, ndarray), optional
        Frequencies [Hz] and factors of the image's flux there.

    Raises
    ------
    DataError
        The images have no flux at all.
    """
    shown = [plane for term in sky.terms for plane in term.planes.values()]
    if not shown:
        raise DataError("a model image without any flux cannot be kept as a virtual model")
    names = _correlations(ms, spws)
    if len(sky.terms) == 1:
        record = _machine(ms, path, sky.terms[0], shown[0], spws, names)
        if scale is not None:
            return record | {"name": _SCALED, "freqscale": scale[0], "scaleamp": scale[1]}
        return record
    subs = {f"subftm_{k}": _machine(ms, f"{path}_term_{k}", term, shown[0], spws, names) for k, term in enumerate(sky.terms)}
    count = len(sky.terms)
    curved = any(t.curved for t in sky.terms)
    return {
        "name": _TERMS, "machinename": _TERMS, "nterms": count, "psfnterms": count, "numfts": count,
        "reffreq": float(sky.reference_hz), _CURVED: curved, **subs,
    }  # fmt: skip


def _correlations(ms: MeasurementSet, spws: Sequence[int]) -> list[str]:
    """Correlations of the feeds that the windows were observed with."""
    seen = [d.pol for d in ms.metadata.data_descriptions if d.spw in spws]
    return list(_LINEAR if ms.metadata.polarizations[seen[0]].names[0][0] == "X" else _CIRCULAR)


def _machine(
    ms: MeasurementSet, path: str, term: ImagePlanes, like: ModelImage, spws: Sequence[int], names: Sequence[str]
) -> dict[str, Any]:
    """Write the transform of one image; the record of its machine."""
    from ducc0.fft import good_size

    # The reference takes sizes that are made of 2, 3 and 5 only.
    size = [2 * good_size(int(np.ceil(_PADDING * n / 2)), True) for n in like.pixels_jy.shape]
    lead = [(m - n) // 2 for m, n in zip(size, like.pixels_jy.shape, strict=True)]
    labels = ["I"] if {label for label, _ in term.planes} <= {"I"} else list(names)
    c, s = np.cos(like.turn_rad), np.sin(like.turn_rad)
    ratio = like.increment_rad[0] / like.increment_rad[1]
    direction = DirectionCoordinate.make(
        "J2000", "SIN", like.reference_rad, [p + m for p, m in zip(like.reference_pixel, lead, strict=True)], like.increment_rad,
        matrix=np.array([[c, s / ratio], [-s * ratio, c]]),
    )  # fmt: skip
    spectral = _frequencies(ms, term, spws)
    coordinates = Coordinates([direction, StokesCoordinate.make(labels), spectral])
    nchan = len(term.frequency_hz)
    with CasaImage.create(path, (nchan, len(labels), size[1], size[0]), coordinates, np.complex64) as image:
        for chan in range(nchan):
            stokes = np.zeros((size[1], size[0], len(STOKES)))
            for k, label in enumerate(STOKES):
                if (label, chan) in term.planes:
                    pixels = term.planes[label, chan].pixels_jy.T
                    stokes[lead[1] : lead[1] + pixels.shape[0], lead[0] : lead[0] + pixels.shape[1], k] = pixels
            sky = np.moveaxis(stokes_to_correlations(stokes, labels), -1, 0) / _taper((size[1], size[0]))
            grids = np.fft.fftshift(np.fft.fft2(np.fft.ifftshift(sky, axes=(1, 2))), axes=(1, 2))
            image.write(grids.astype(np.complex64), (chan,))
    return _record(ms, path, term, size, direction, spectral, spws, labels, names)


def _frequencies(ms: MeasurementSet, term: ImagePlanes, spws: Sequence[int]) -> SpectralCoordinate:
    """The frequency axis: a single channel is wide enough for all windows."""
    if len(term.frequency_hz) > 1:
        return SpectralCoordinate.tabulated(term.frame or "LSRK", term.frequency_hz)
    every = np.concatenate([np.asarray(ms.metadata.spectral_windows[s].chan_freq_hz) for s in spws])
    wide = float(np.ptp(every)) + 0.1 * float(every.mean())
    return SpectralCoordinate.linear("LSRK", float(every.min() + every.max()) / 2, wide)


def _direction(lon_rad: float, lat_rad: float) -> dict[str, Any]:
    return {
        "type": "direction", "refer": "J2000", "m0": {"value": lon_rad, "unit": "rad"}, "m1": {"value": lat_rad, "unit": "rad"},
    }  # fmt: skip


def _position(ms: MeasurementSet) -> dict[str, Any]:
    x, y, z = (float(v) for v in ms.metadata.antennas[0].position_m)
    return {
        "type": "position", "refer": "ITRF", "m0": {"value": float(np.arctan2(y, x)), "unit": "rad"},
        "m1": {"value": float(np.arctan2(z, np.hypot(x, y))), "unit": "rad"}, "m2": {"value": float(np.sqrt(x * x + y * y + z * z)), "unit": "m"},
    }  # fmt: skip


def _chosen_channels(ms: MeasurementSet, spws: Sequence[int]) -> np.ndarray:
    """One for each channel (chan, spw, 1) that the model is for, in the order that python-casacore transposes."""
    windows = ms.metadata.spectral_windows
    chosen = np.zeros((max(w.nchan for w in windows), len(windows), 1), np.int32)
    for spw in spws:
        chosen[: windows[spw].nchan, spw] = 1
    return chosen


def _record(
    ms: MeasurementSet,
    path: str,
    term: ImagePlanes,
    size: Sequence[int],
    direction: DirectionCoordinate,
    spectral: SpectralCoordinate,
    spws: Sequence[int],
    labels: Sequence[str],
    names: Sequence[str],
) -> dict[str, Any]:
    """What the reference's gridder of flat images keeps of itself, with the image's geometry."""
    nchan, npol = len(term.frequency_hz), len(labels)
    hz = np.asarray(ms.metadata.spectral_windows[spws[0]].chan_freq_hz, np.float64)
    count = len(hz)
    ends = [names[0], names[-1]]
    lon, lat = (float(v) for v in direction.to_world(np.array([[size[0] // 2], [size[1] // 2]], dtype=np.float64)).ravel())
    single = nchan == 1
    width = abs(term.frequency_hz[1] - term.frequency_hz[0]) if not single else 1.0
    near = np.zeros(count, np.int32) if single else np.rint((hz - term.frequency_hz[0]) / width).astype(np.int32)
    return {
        "name": _PLAIN, "diskimage": path, "nantenna": len(ms.metadata.antennas), "distance": 0.0, "lastfieldid": -1, "lastmsid": 0,
        "tangentspecified": False, "mtangent_rec": _direction(0.0, np.pi / 2), "mimage_rec": _direction(lon, lat),
        "nx": size[0], "ny": size[1], "npol": npol, "nchan": nchan, "nvischan": count, "nvispol": len(names),
        "mlocation_rec": _position(ms), "douvwrotation": True, "freqinterpmethod": 0,
        "spwchanselflag": _chosen_channels(ms, spws), "freqframevalid": bool(term.frame) and not single,
        "selectedspw": np.array(spws, np.int32), "doconversion": np.zeros(max(spws) + 1, bool),
        "imagefreq": spectral.frequencies_hz(nchan), "lsrfreq": hz, "interpvisfreq": hz,
        "chanmap": np.where((near >= 0) & (near < nchan), near, -1).astype(np.int32),
        "polmap": np.array([0, -1, -1, 0] if npol == 1 else [0, 1, 2, 3], np.int32), "nvischanmulti": np.array(
            [ms.metadata.spectral_windows[w].nchan if w in spws else -1 for w in range(max(spws) + 1)], np.int32
        ),
        "multichanmaprec": {
            f"*{w + 1}": np.full(ms.metadata.spectral_windows[w].nchan if w in spws else 0, 0 if single else -1, np.int32)
            for w in range(max(spws) + 1)
        },
        "spectralcoord": spectral.to_record(), "pointingdircol": "DIRECTION", "movingdir_rec": _direction(0.0, np.pi / 2),
        "fixmovingsource": False, "firstmovingdir_rec": _direction(0.0, np.pi / 2), "usedoublegrid": True,
        "cfstokes": np.array([STOKES_CODES[n] for n in (ends if npol == 1 else names)], np.int32),
        "polinuse": 2 if npol == 1 else 4, "tovis": True, "sumweight": np.zeros((1, 1)), "numthreads": -1, "phasecentertime": -1.0,
        "cachesize": 1000000000, "tilesize": 16, "convtype": "SF",
        "uvscale": np.array([size[0] * direction.increment_rad[0], size[1] * direction.increment_rad[1]]),
        "uvoffset": np.array([size[0] // 2, size[1] // 2], np.float64), "istiled": False, "maxabsdata": 0.0,
        "centerloc": np.zeros(4, np.int32), "offsetloc": np.zeros(4, np.int32), "padding": 1.0, "usezero": False, "nopadding": False,
        _CURVED: term.curved,
    }  # fmt: skip
