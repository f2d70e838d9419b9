"""The componentlist tool: components added, edited, written and read; values of the reference written here."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from casatools import componentlist
from casatools._base.errors import (
    DataError,
    NotOpenError,
    OutputExistsError,
    ParameterError,
    PathMissingError,
    UnsupportedError,
)

HERE = "J2000 15h00m00s 20d00m00s"


@pytest.fixture
def cl(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> componentlist:
    monkeypatch.chdir(tmp_path)
    tool = componentlist()
    tool.addcomponent(
        flux=2.5, dir=HERE, shape="gaussian", majoraxis="3arcsec", minoraxis="2arcsec", positionangle="10deg",
        freq="2GHz", spectrumtype="spectral index", index=-0.5, label="A",
    )  # fmt: skip
    tool.addcomponent(
        [1.0, 0.5, 0.25, 0.125], dir="GALACTIC 10deg -20deg", freq="TOPO 1GHz", spectrumtype="plp", index=[-0.7, 0.1]
    )
    tool.addcomponent(flux=4.0, dir=HERE, shape="disk", majoraxis="4arcsec", minoraxis="4arcsec", positionangle="0deg")
    return tool


def test_written_and_read_again(cl: componentlist) -> None:
    cl.setspectrum(2, "tabular", tabularfreqs=[3e9, 1e9, 2e9], tabularflux=[4.0, 1.0, 2.0])
    cl.setshape(0, "gaussian", "10arcsec", "5arcsec", "30deg", "1arcsec", "2arcsec", "3deg")
    cl.setflux(1, [1.0, 0.5, 0.25, 0.125], error=[0.1, 0.2, 0.3, 0.4])
    cl.rename("a.cl")
    cl.putkeyword("metadata", {"made": "here"})
    cl.setlabel(1, "B")
    cl.close()
    assert cl.length() == 0

    cl.open("a.cl")
    assert [cl.getlabel(k) for k in range(3)] == ["A", "B", ""]
    shape = cl.getshape(0)
    # A table keeps widths in rad; CASA shows them in arcmin and deg and their errors in rad.
    assert shape["majoraxis"] == {"unit": "arcmin", "value": pytest.approx(10 / 60)}
    assert shape["positionangle"] == {"unit": "deg", "value": pytest.approx(30)}
    assert shape["minoraxiserror"] == {"unit": "rad", "value": pytest.approx(9.69627362219072e-06)}
    assert cl.getfluxerror(1) == pytest.approx([0.1, 0.2, 0.3, 0.4])
    assert cl.getspectrum(1)["coeffs"] == pytest.approx([-0.7, 0.1])
    table = cl.getspectrum(2)
    assert table["ival"] == pytest.approx([1, 2, 4])
    assert table["tabFreqVal"] == pytest.approx([1e9, 2e9, 3e9])
    assert cl.haskeyword() and not cl.haskeyword("other")
    assert cl.getkeyword("metadata") == {"made": "here"}
    cl.rename("b.cl")
    assert os.path.isdir("b.cl") and not os.path.exists("a.cl")
    record = cl.torecord()
    other = componentlist()
    assert other.fromrecord(record) and other.length() == 3
    assert other.getcomponent(0, True)["shape"]["type"] == "Gaussian"
    cl.done()


def test_read_only_lists_stay(cl: componentlist) -> None:
    cl.rename("a.cl")
    cl.done()
    cl.open("a.cl", nomodify=True)
    with pytest.raises(DataError, match="nomodify"):
        cl.setlabel(0, "x")


def test_flux_densities(cl: componentlist) -> None:
    cl.setflux(0, [3.0, 0.5, 0.0, 0.0])
    cl.convertfluxunit(0, "mJy")
    assert cl.getfluxvalue(0) == pytest.approx([3000, 500, 0, 0])
    assert cl.getfluxunit(0) == "mJy"
    cl.convertfluxpol(0, "linear")
    assert cl.getfluxvalue(0) == pytest.approx([3500, 0, 0, 2500])  # XX = I + Q, YY = I - Q
    assert cl.getcomponent(0)["flux"]["value"].dtype == complex
    cl.convertfluxpol(0, "circular")
    assert cl.getfluxvalue(0) == pytest.approx([3000, 500, 500, 3000])
    assert cl.isphysical()
    cl.setflux(0, [1.0, 2.0, 0.0, 0.0])
    assert not cl.isphysical([0]) and cl.isphysical([1])


def test_directions_and_frames(cl: componentlist) -> None:
    # The reference's numbers, which keeps longitudes between -pi and pi.
    assert cl.getrefdir(0)["m0"]["value"] == pytest.approx(-2.3561944901923453)
    cl.setrefdir(0, "12h00m00s", "10d00m00s")
    assert cl.getrefdir(0)["m1"]["value"] == pytest.approx(0.17453292519943295)
    cl.setrefdirframe(0, "GALACTIC")
    cl.convertrefdir(0, "B1950")
    place = cl.getrefdir(0)
    assert place["refer"] == cl.getrefdirframe(0) == "B1950"
    assert (place["m0"]["value"], place["m1"]["value"]) == pytest.approx((1.6728686688134733, 0.5896927931256507), abs=2e-6)
    cl.setrefdir(0, dec={"value": 2.0, "unit": "deg"})
    assert cl.getrefdir(0)["m1"]["value"] == pytest.approx(0.03490658503988659)


def test_frequencies_and_spectra(cl: componentlist) -> None:
    assert cl.getspectrum(1)["frequency"] == {"m0": {"unit": "GHz", "value": 1.0}, "refer": "TOPO", "type": "frequency"}
    cl.setfreq(0, 1500.0, "MHz")
    cl.convertfrequnit(0, "kHz")
    cl.setfreqframe(0, "BARY")
    assert cl.getspectrum(0)["frequency"]["m0"] == {"unit": "kHz", "value": pytest.approx(1.5e6)}
    cl.setspectrum(0, "constant")
    assert cl.getspectrum(0) == {
        "frequency": {"m0": {"unit": "GHz", "value": pytest.approx(1.5)}, "refer": "BARY", "type": "frequency"},
        "type": "Constant",
    }
    cl.setstokesspectrum(1, "spectral index", [-0.7, 0.1, 3.0, 0.0], reffreq="1GHz")
    assert cl.getspectrum(1)["stokesindex"] == pytest.approx([-0.7, 0.1, 3.0, 0.0])
    cl.setspectrum(1, "spectral index", [-0.7, 0.1])
    assert cl.spectrumtype(1) == "Spectral Index"
    assert cl.getspectrum(1)["stokesindex"] == pytest.approx([-0.7])
    cl.addcomponent(1.0, freq={"type": "frequency", "refer": "LSRK", "m0": {"value": 1.0, "unit": "GHz"}})
    assert cl.getspectrum(3)["frequency"]["m0"]["value"] == pytest.approx(1.0)


def test_adding_removing_ordering(cl: componentlist) -> None:
    cl.sort("flux")
    assert [cl.getfluxvalue(k)[0] for k in range(3)] == [4.0, 2.5, 1.0]
    cl.sort("polarization")
    assert cl.getfluxvalue(0)[0] == 1.0
    cl.sort("Position")
    assert cl.getrefdirframe(0) == "GALACTIC"
    cl.remove([0])
    assert cl.length() == 2
    assert cl.recover() is False and cl.length() == 3
    cl.remove([0])
    assert cl.purge() is False and cl.recover() is False and cl.length() == 2
    cl.select([0, 1])
    cl.deselect(0)
    assert cl.selected().tolist() == [1]
    other = componentlist()
    other.simulate(2)
    other.add(cl.getcomponent(0))
    assert cl.concatenate(other) and cl.length() == 5
    cl.concatenate(other.torecord(), [2])
    assert cl.length() == 6
    other.rename("other.cl")
    cl.concatenate("other.cl", [0])
    cl.replace(0, other, [0, 1])
    assert cl.length() == 8 and cl.shapetype(0) == "Point"
    cl.add({})
    cl.setshape(0, "Disk", "4arcsec", "4arcsec", "0deg")
    assert cl.summarize() and cl.shapetype(0) == "Disk"
    cl.setshape(0)
    assert cl.getshape(0) == {}


def test_what_the_reference_leaves_out_says_so(cl: componentlist) -> None:
    assert cl.getfluxpol(0) == cl.getrefdirra(0) == cl.getrefdirdec(0) == cl.getfrequnit(0) == cl.getfreqframe(0) == ""
    assert cl.getfreq(0) == {} and cl.getfreqvalue(0) == 0.0
    assert cl.indices().size == cl.sample().size == 0
    assert cl.convertshape(0) is cl.iscomponentlist(cl) is False
    with pytest.raises(UnsupportedError, match="window"):
        cl.edit(0)
    with pytest.raises(UnsupportedError, match="addcomponent"):
        cl.asciitocomponentlist("a.cl", "a.txt")


REFUSED: dict[str, Callable[[Any], Any]] = {
    "no component 9": lambda t: t.getfluxvalue(9),
    "no component -1": lambda t: t.getfluxvalue(-1),
    "sorted by": lambda t: t.sort("length"),
    "like Hz": lambda t: t.addcomponent(1.0, freq="1m"),
    "one number or four": lambda t: t.setflux(0, "x"),
    "four numbers, or one": lambda t: t.addcomponent([1.0, 2.0]),
    "like Jy": lambda t: t.convertfluxunit(0, "K"),
    "no polarization": lambda t: t.convertfluxpol(0, "elliptic"),
    "angles with units": lambda t: t.setrefdir(0, 1.0, 2.0),
    "is unknown": lambda t: t.convertrefdir(0, "nowhere"),
    "needs a major axis": lambda t: t.addcomponent(1.0, shape="gaussian"),
    "smaller than the minor": lambda t: t.setshape(0, "gaussian", "1arcsec", "2arcsec", "0deg"),
    "not a frequency": lambda t: t.addcomponent(1.0, freq="TOPO 1 GHz"),
    "must be positive": lambda t: t.setfreq(0, 0.0),
    "number or a list": lambda t: t.setspectrum(0, "plp", "x"),
    "needs the parameter 'index'": lambda t: t.setspectrum(0, "plp"),
    "cannot be converted from TOPO": lambda t: t.setspectrum(0, "tabular", tabularfreqs=[1.0, 2.0], tabularframe="TOPO"),
    "2 frequencies and 1": lambda t: t.setspectrum(0, "tabular", tabularfreqs=[1.0, 2.0]),
    "no spectrum": lambda t: t.setspectrum(0, "curved", 1.0),
    "no shape": lambda t: t.setshape(0, "square"),
    "unit of a frequency": lambda t: t.convertfrequnit(0, "m"),
    "must name": lambda t: t.open(),
    "must be a name": lambda t: t.rename(""),
    "a record or a tool": lambda t: t.concatenate(5),
}


@pytest.mark.parametrize("words", REFUSED)
def test_refused(cl: componentlist, words: str) -> None:
    before = cl.torecord()
    with pytest.raises(ParameterError, match=words):
        REFUSED[words](cl)
    assert repr(cl.torecord()) == repr(before)


def test_bad_files_and_records(cl: componentlist) -> None:
    with pytest.raises(NotOpenError):
        cl.haskeyword()
    with pytest.raises(PathMissingError):
        cl.open("absent.cl")
    with pytest.raises(PathMissingError):
        cl.concatenate("absent.cl")
    os.mkdir("folder")
    with pytest.raises(DataError):
        cl.open("folder")
    with pytest.raises(OutputExistsError):
        cl.rename("folder")
    with pytest.raises(DataError, match="nelements"):
        cl.fromrecord({"a": 1})
    with pytest.raises(DataError, match="component0"):
        cl.fromrecord({"nelements": 1})
    with pytest.raises(DataError, match="lacks"):
        cl.add({"flux": {}})
    cl.rename("a.cl")
    with pytest.raises(DataError, match="keyword"):
        cl.getkeyword("none")
    os.rename("a.cl", "b.cl")
    with pytest.raises(DataError, match="not a component list"):
        cl.rename("c.cl")


def test_angles_of_gaussians_are_within_half_a_turn(cl: componentlist) -> None:
    # as CASA 6.7 gives them; those of disks stay
    for shape, angle, expected in (("gaussian", "-45deg", 135.0), ("gaussian", "200deg", 20.0), ("disk", "-45deg", -45.0)):
        cl.addcomponent(
            1.0, dir="J2000 10h0m0s 20d0m0s", shape=shape, majoraxis="10arcsec", minoraxis="6arcsec", positionangle=angle
        )
        assert cl.getshape(cl.length() - 1)["positionangle"]["value"] == pytest.approx(expected)


def test_minus_one_edits_all_components_where_the_reference_does(cl: componentlist) -> None:
    cl.convertfluxunit(-1, "mJy")
    assert [cl.getfluxvalue(k)[0] for k in range(3)] == pytest.approx([2500, 1000, 4000])
    cl.convertfluxpol(-1, "Linear")
    assert cl.getcomponent(1)["flux"]["value"].real == pytest.approx([1500, 250, 250, 500])
    cl.setflux(-1, [3.0])
    assert [cl.getfluxvalue(k).tolist() for k in range(3)] == [[3, 0, 0, 0]] * 3
    cl.setrefdir(-1, "2rad", "1rad")
    assert [cl.getrefdir(k)["m0"]["value"] for k in range(3)] == pytest.approx([2, 2, 2])
    assert [cl.getrefdirframe(k) for k in range(3)] == ["J2000", "GALACTIC", "J2000"]
    with pytest.raises(ParameterError, match="no component -1"):
        cl.setlabel(-1, "x")
    with pytest.raises(ParameterError, match="no component 3"):
        cl.setflux(3, [1.0])


def test_a_component_of_which_nothing_is_said_is_at_1_ghz(cl: componentlist) -> None:
    cl.add({})
    cl.simulate(1)
    assert cl.getcomponent(3)["spectrum"]["frequency"]["m0"] == {"unit": "GHz", "value": 1.0}
    assert cl.getcomponent(3)["spectrum"] == cl.getcomponent(4)["spectrum"]


def test_the_error_of_one_width_is_kept(cl: componentlist) -> None:
    cl.setshape(0, "gaussian", "10arcsec", "5arcsec", "30deg", minoraxiserror="2arcsec")
    assert cl.getshape(0)["minoraxiserror"] == {"unit": "arcsec", "value": 2.0}
    assert cl.getshape(0)["majoraxiserror"] == {"unit": "rad", "value": 0.0}
    with pytest.raises(ParameterError, match="limbdarkeneddisk"):
        cl.setshape(0, "limbdarkeneddisk", "10arcsec", "5arcsec", "30deg", optionalparms=[0.4])
