"""What the main job is told, and what it makes."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from casatasks.spectral_line.measure import Profile
from casatasks.spectral_line.roles import Roles
from casatools._base.paths import remove_output

__all__ = ["HI_REST_HZ", "Products", "ReductionOptions", "fresh"]

HI_REST_HZ = 1420405751.786  # Hellwig et al. 1970, IEEE Trans. IM-19, 200


@dataclass(frozen=True)
class ReductionOptions:
    """What the job is told; empty texts are found out from the data.

    Attributes
    ----------
    source : str
        UVFITS file or MeasurementSet; it is not changed.
    outdir : str
        Folder of the products, made when absent; products of an earlier run in it are replaced.
    flux, gain, target : str
        Field names or IDs.
    refant : str
    standard : str
        Flux density standard for setjy.
    fitspec : str
        Line-free channels such as ``0:4~6;50~59``.
    restfreq_hz : float
        Rest frequency of the line.
    niter : int
        Clean iterations for the cube, all channels together.
    """

    source: str
    outdir: str
    flux: str = ""
    gain: str = ""
    target: str = ""
    refant: str = ""
    standard: str = "Perley-Butler 2017"
    fitspec: str = ""
    restfreq_hz: float = HI_REST_HZ
    niter: int = 100_000


@dataclass
class Products:
    """What the job has made and measured."""

    outdir: str
    vis: str = ""
    roles: Roles | None = None
    field_names: list[str] = field(default_factory=list)
    refant: str = ""
    tables: dict[str, str] = field(default_factory=dict)
    images: dict[str, str] = field(default_factory=dict)
    numbers: dict[str, Any] = field(default_factory=dict)
    velocity_km_s: np.ndarray = field(default_factory=lambda: np.empty(0))
    spectrum_jy: np.ndarray = field(default_factory=lambda: np.empty(0))
    profile: Profile | None = None
    seconds: dict[str, float] = field(default_factory=dict)

    def path(self, name: str) -> str:
        """The path of a product in the output folder."""
        return os.path.join(self.outdir, name)


def fresh(products: Products, *names: str) -> list[str]:
    """Paths in the output folder with what an earlier run left there removed."""
    paths = [products.path(n) for n in names]
    for path in paths:
        remove_output(path)
        remove_output(path + ".flagversions")
    return paths
