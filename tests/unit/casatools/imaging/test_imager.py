"""How often visibilities are read, what is kept of them, and that threads change nothing."""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from casatasks import tclean
from casatools import image, table
from casatools._base.threads import set_thread_count
from casatools.imaging import imager, tclean_images, tclean_run, visibilities
from casatools.imaging.frequency_grid import SpectralAxis
from casatools.imaging.image_fields import ImageField
from casatools.imaging.imager import Imager, channel_mixing
from casatools.imaging.minor_cycle import MinorOptions
from casatools.imaging.stepwise import tclean_request
from casatools.imaging.tclean_data import prepare_data
from casatools.imaging.visibilities import open_sources
from casatools.imaging.weighting import WeightingOptions
from casatools.simulation.demo import DemoOptions, make_demo

RUN: dict[str, Any] = {
    "vis": "sim.ms",
    "field": "0",
    "imsize": 64,
    "cell": "12arcsec",
    "datacolumn": "data",
    "niter": 60,
    "cycleniter": 20,
}
KINDS: dict[str, dict[str, Any]] = {
    "one plane": {"weighting": "briggs"},
    "two hands": {"stokes": "RRLL"},
    "three terms": {"deconvolver": "mtmfs", "nterms": 3, "spw": "0:0~5"},
    "outlier": {"outlierfile": "outlier.txt"},
    "cube": {"specmode": "cube", "interpolation": "nearest"},
    "mosaic of terms": {"gridder": "mosaic", "pblimit": 0.1, "deconvolver": "mtmfs", "nterms": 2, "spw": "0:0~5"},
    "mosaic cube": {"gridder": "mosaic", "pblimit": 0.1, "specmode": "cube", "stokes": "RRLL"},
}


@pytest.fixture(autouse=True)
def _data() -> None:
    make_demo("sim.ms", DemoOptions(antennas_per_arm=5, cycles=1, nchan=6))
    with open("outlier.txt", "w") as stream:
        stream.write("imagename=outer\nimsize=[32,32]\ncell=12arcsec\nphasecenter=J2000 13h31m20s +30d30m33s\n")


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Samples of each chunk that is read."""
    counts: list[int] = []
    plain = visibilities.iter_chunks

    def counted(*given: Any, **named: Any) -> Iterator[Any]:
        for chunk in plain(*given, **named):
            counts.append(chunk["DATA"].size)
            yield chunk

    monkeypatch.setattr(visibilities, "iter_chunks", counted)
    return counts


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_visibilities_are_read_once(kind: str, read: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    """In all where they fit into memory; else once for the weights, once for the beams and once per major cycle, the first of which goes with the beams."""
    tclean(imagename="held", **RUN | KINDS[kind])
    once = sum(read)
    read.clear()
    monkeypatch.setattr(imager, "memory_budget_bytes", lambda: 2000)
    if kind.endswith("cube"):
        monkeypatch.setattr(imager.ImagingData, "plan_parts", lambda *given: None)
    done = tclean(imagename="streamed", **RUN | KINDS[kind])
    assert done["nmajordone"] > 1
    # Mosaics' beams are gridded apart from the data; the outlier of the first run has a model already.
    apart = "gridder" in KINDS[kind] or kind == "outlier"
    assert once > 0 and sum(read) == once * (1 + apart + done["nmajordone"])


def opened(cube: bool = False, chosen: dict[str, Any] | None = None, per_channel: bool = True, **more: Any) -> Imager:
    chosen = {"specmode": "cube", **(chosen or {})} if cube else {}
    request = tclean_request(
        [{"msname": "sim.ms", "field": "0", "datacolumn": "data"}], {"imagename": "x", "imsize": 64, "cell": "12arcsec", **chosen}
    )
    sources = open_sources(request.paths, request.selections, request.datacolumn)
    data = prepare_data(request, sources)
    image = ImageField(request.grid_options, data.centre, data.centre, (data.axis.nchan, 1), MinorOptions())
    return Imager(data, [image], WeightingOptions(**{"scheme": "briggs", **more}), per_channel)


@pytest.mark.parametrize("cube", [False, True])
def test_weights_in_memory_become_imaging_weights_and_are_gathered_anew(cube: bool) -> None:
    made = opened(cube)
    made.make_psf()
    image = made.fields[0]
    made.major_cycle()
    first = [image.planes.psf.copy(), image.planes.sumwt.copy(), image.planes.residual.copy()]
    assert made.data.is_held and made.weights.sums()[None][0].size == 0
    image.forget_psf()
    made.make_psf()
    made.major_cycle()
    for before, after in zip(first, (image.planes.psf, image.planes.sumwt, image.planes.residual), strict=True):
        np.testing.assert_allclose(after, before, rtol=0, atol=1e-6 * np.abs(before).max())
    block = next(made.data.blocks())
    assert (block.vis.strides[2] > block.vis.strides[1]) is cube  # cubes: channel after channel
    for source in made.data.sources:
        source.close()


def test_uniform_weights_of_a_cube_add_up_to_its_cells_whatever_is_flagged() -> None:
    """Densities are of the samples that are gridded: between a good channel and a flagged one there is none."""
    tb = table()
    tb.open("sim.ms", nomodify=False)
    flags = tb.getcol("FLAG")
    flags[:] = np.random.default_rng(3).random(flags.shape[1:]) < 0.05
    tb.putcol("FLAG", flags)
    tb.done()
    made = opened(cube=True, scheme="uniform")
    made.make_psf()
    sums = made.fields[0].planes.sumwt
    # The first channel of the default grid is within the data at few times.
    assert made.data.axis.frame == "LSRK" and sums[1:].min() > 20
    # A cell that holds samples and others mirrored counts half.
    np.testing.assert_allclose(2 * sums, np.round(2 * sums), atol=1e-4)
    for source in made.data.sources:
        source.close()


@pytest.mark.parametrize("cube", [False, True])
def test_any_number_of_threads(cube: bool) -> None:
    found = []
    for count in (1, 3):
        set_thread_count(count)
        try:
            made = opened(cube)
            made.make_psf()
            made.fields[0].planes.model[:, 0, 30, 34] = 0.5
            made.major_cycle()
            found.append((made.fields[0].planes.psf, made.fields[0].planes.residual))
        finally:
            set_thread_count(None)
        for source in made.data.sources:
            source.close()
    for one, three in zip(*found, strict=True):
        np.testing.assert_allclose(three, one, rtol=0, atol=1e-6 * np.abs(one).max())


def test_channels_without_data_are_blank() -> None:
    """The residual of an earlier cycle does not stay where nothing is gridded."""
    made = opened(cube=True)
    image = made.fields[0]
    image.planes.residual[...] = 7.0
    made.make_psf()
    for block in made.data.blocks():
        block.weight[:, 2] = 0
    made.major_cycle()
    assert not image.planes.residual[2].any() and image.planes.residual[1].any() and image.planes.residual.max() < 7.0
    for source in made.data.sources:
        source.close()


@pytest.mark.parametrize(
    ("more", "cube", "planes"),
    [
        ({"weighting": "natural"}, True, 0),
        ({"weighting": "briggs"}, False, 0),
        ({"weighting": "briggs"}, True, 4),
        ({"weighting": "briggs", "perchanweightdensity": False}, True, 1),
        ({"weighting": "briggs", "gridder": "mosaic", "mosweight": True}, False, 50),
        ({"weighting": "briggs", "gridder": "mosaic", "mosweight": True}, True, 200),
        ({"weighting": "briggs", "gridder": "mosaic", "mosweight": False}, False, 0),
    ],
)
def test_densities_count_for_the_memory(more: dict[str, Any], cube: bool, planes: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Those of each channel and each pointing, where they are weighted apart."""
    asked: list[float] = []
    monkeypatch.setattr(tclean_run, "require_memory", lambda nbytes, what: asked.append(nbytes))
    selection = {"msname": "sim.ms", "field": "0", "datacolumn": "data"}
    data: Any = SimpleNamespace(
        axis=SimpleNamespace(nchan=4 if cube else 1), labels=["I"], is_cube=cube, sources=[SimpleNamespace(field_ids=range(50))]
    )
    for chosen in (more | {"weighting": "natural"}, more):
        mode = {"specmode": "cube"} if cube else {}
        request = tclean_request([selection], {"imagename": "x", "imsize": 100, "cell": "12arcsec", **mode, **chosen})
        tclean_run._make_room([request], data)
    assert asked[1] - asked[0] == pytest.approx(planes * 8 * 100 * 100)


@pytest.mark.parametrize(
    ("more", "size", "measured_mb"),
    [
        ({"niter": 0}, 4096, 705), ({"niter": 20}, 4096, 846), ({"niter": 20, "weighting": "briggs"}, 4096, 846), ({"niter": 5, "stokes": "IV"}, 3000, 873),
        ({"niter": 5, "deconvolver": "multiscale", "scales": [0, 5]}, 2048, 459), ({"niter": 5, "deconvolver": "mem"}, 2048, 479),
        ({"niter": 5, "deconvolver": "multiscale", "scales": [0, 5, 15]}, 3000, 1240), ({"niter": 5, "gridder": "wproject"}, 3000, 466),
        ({"niter": 5, "deconvolver": "mtmfs", "nterms": 2}, 2048, 460), ({"niter": 5, "deconvolver": "mtmfs", "nterms": 3}, 2048, 595),
        ({"niter": 5, "deconvolver": "clark"}, 2048, 219), ({"niter": 5, "gridder": "mosaic"}, 2048, 384), ({"niter": 5, "gridder": "mosaic"}, 3000, 682),
        ({"niter": 10, "specmode": "cube", "nchan": 8}, 1500, 421),
    ],
)  # fmt: skip
def test_estimates_of_memory(more: dict[str, Any], size: int, measured_mb: float, monkeypatch: pytest.MonkeyPatch) -> None:
    """Within a fifth of what images of few data took at their peak (resident memory, less that of the libraries)."""
    asked: list[float] = []
    monkeypatch.setattr(tclean_run, "require_memory", lambda nbytes, what: asked.append(nbytes))
    monkeypatch.setattr(tclean_run, "require_space", lambda path, nbytes: None)
    data: Any = SimpleNamespace(
        axis=SimpleNamespace(nchan=int(more.get("nchan", 1))), labels=list(more.get("stokes", "I")), is_cube="nchan" in more,
        sources=[SimpleNamespace(field_ids=range(1))],
    )  # fmt: skip
    request = tclean_request(
        [{"msname": "sim.ms"}], {"imagename": "x", "imsize": size, "cell": "1arcsec", "mosweight": False, **more}
    )
    tclean_run._make_room([request], data)
    assert asked[0] / 1e6 == pytest.approx(measured_mb, rel=0.2)


@pytest.mark.parametrize(
    ("more", "order"),
    [
        ({"niter": 0}, ["cycle", "beam"]),
        ({"niter": 0, "mask": "circle[[32pix,32pix],9pix]"}, ["beam", "cycle"]),
        ({"niter": 1}, ["beam", "cycle", "cycle"]),
    ],
)
def test_the_beam_of_a_dirty_image_takes_no_memory_while_it_is_gridded(
    more: dict[str, Any], order: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    done: list[str] = []

    def told(owner: Any, name: str, what: str) -> None:
        plain = getattr(owner, name)

        def call(*given: Any) -> Any:
            done.append(what)
            return plain(*given)

        monkeypatch.setattr(owner, name, call)

    told(tclean_images, "_primary_beams", "beam")
    told(Imager, "major_cycle", "cycle")
    tclean(imagename="d", **RUN | more)
    assert done == order


@pytest.mark.parametrize("scheme", ["uniform", "briggs", "superuniform"])
def test_one_density_of_a_cube_is_of_all_selected_channels(scheme: str) -> None:
    """Of two channels imaged it is the density of all six, which a continuum image has; channel by channel it is of these two."""
    found = {}
    for name, cube, apart in (("all", False, False), ("one", True, False), ("apart", True, True)):
        made = opened(cube, {"nchan": 2, "start": 1}, apart, scheme=scheme)
        assert made.gather() > 0
        found[name] = made.weights.sums()[None]
        for source in made.data.sources:
            source.close()
    np.testing.assert_allclose(found["one"][0], found["all"][0], rtol=1e-6)
    np.testing.assert_allclose(found["one"][1], found["all"][1], rtol=1e-6)
    # Channel by channel both hands count.
    assert found["apart"][1].sum() == pytest.approx(2 * found["all"][1].sum() / 3, rel=1e-6)


def test_superuniform_weights_are_never_counted_channel_by_channel() -> None:
    """A cube of one channel has other weights than where that channel alone is selected; those of other weightings are its own."""
    run = {**RUN, "niter": 0, "specmode": "cube", "nchan": 1, "outframe": "TOPO", "restoration": False}
    sums = {}
    for scheme, apart in (("superuniform", True), ("uniform", True), ("uniform", False)):
        for name, chosen in (("all", {"start": 2}), ("one", {"spw": "0:2"})):
            tclean(imagename=f"{scheme}{apart}{name}", weighting=scheme, perchanweightdensity=apart, **run | chosen)
            ia = image()
            ia.open(f"{scheme}{apart}{name}.sumwt")
            sums[scheme, apart, name] = float(ia.getchunk().ravel()[0])
            ia.done()
    assert sums["uniform", True, "all"] == pytest.approx(sums["uniform", True, "one"], rel=1e-6)
    for scheme, apart in (("superuniform", True), ("uniform", False)):
        assert sums[scheme, apart, "all"] < 0.5 * sums[scheme, apart, "one"], (scheme, apart)


def test_channels_that_see_each_other_are_few() -> None:
    """The matrix is that of two interpolations written out, and stays small for any number of channels."""
    axis = SpectralAxis(1e9 + 1e6 * np.arange(40), 1e6, "LSRK", 1e9)
    data = 1e9 + 1e6 * (np.arange(42) - 0.7)
    found = channel_mixing(axis, data, nearest=False)
    assert found is not None
    values = np.random.default_rng(1).normal(size=40)
    there = np.interp(data, axis.frequencies_hz, values)
    np.testing.assert_allclose(found @ values, np.interp(axis.frequencies_hz, data, there), atol=1e-7)
    many = SpectralAxis(1e9 + 1e3 * np.arange(60_000), 1e3, "LSRK", 1e9)
    wide = channel_mixing(many, 1e9 + 1e3 * (np.arange(60_000) + 0.4), nearest=False)
    assert wide is not None and wide.nnz < 4 * 60_000
    assert channel_mixing(axis, axis.frequencies_hz, nearest=False) is None
