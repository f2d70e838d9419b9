"""The coordsys tool: numbers and records of CASA 6.7's coordsys for the same calls."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from casatools import coordsys
from casatools._base.errors import ParameterError


def plain() -> Any:
    cs = coordsys().newcoordsys(direction=True, spectral=True, stokes=["I", "Q", "U", "V"])
    cs.setunits(["deg", "deg"], type="direction")
    cs.setreferencevalue([180.0, 30.0], type="direction")
    cs.setincrement([-0.001, 0.001], type="direction")
    cs.setreferencepixel([50, 40], type="direction")
    cs.setreferencevalue(1.42e9, type="spectral")
    cs.setincrement(1e5, type="spectral")
    cs.setrestfrequency(1.420405752e9)
    return cs


def full() -> Any:
    cs = coordsys().newcoordsys(direction=True, spectral=True, stokes="I Q", linear=2, tabular=True)
    cs.settelescope("VLA")
    cs.setepoch({"type": "epoch", "refer": "UTC", "m0": {"value": 55000.25, "unit": "d"}})
    return cs


def test_structure() -> None:
    cs = full()
    assert (cs.naxes(), cs.naxes(False), cs.ncoordinates(), cs.type()) == (7, 7, 5, "coordsys")
    assert cs.coordinatetype() == ["Direction", "Stokes", "Spectral", "Linear", "Tabular"]
    assert cs.axiscoordinatetypes()[3:5] == ["Spectral", "Linear"]
    assert cs.names("direction") == ["Right Ascension"]
    assert cs.units() == ["'", "'", "", "Hz", "km", "km", "km"]
    assert cs.findaxis(True, 5) == {"coordinate": 3, "axisincoordinate": 1}
    assert cs.findcoordinate("linear")["pixel"].tolist() == [4, 5]
    assert cs.findcoordinate("linear", 1)["return"] is False
    assert (cs.findaxisbyname("ra"), cs.findaxisbyname("FREQ"), cs.findaxisbyname("spectral"), cs.findaxisbyname("spec")) == (
        0,
        3,
        3,
        3,
    )
    assert cs.axesmap().tolist() == cs.axesmap(False).tolist() == list(range(7))
    cs.setnames(["x", "y"], "linear")
    assert cs.names()[4:6] == ["x", "y"]
    cs.addcoordinate(linear=1)
    assert cs.naxes() == 8
    assert coordsys().naxes() == 0 and cs.done() and cs.naxes() == 0


def test_formats() -> None:
    cs = plain()
    record = cs.toworld([52, 41, 1, 3], "nqms")
    np.testing.assert_allclose(record["numeric"], [179.99769057565146, 30.000999979846526, 2.0, 1420300000.0], rtol=1e-13)
    assert record["quantity"]["*3"] == {"value": 2.0, "unit": ""}
    assert record["string"].tolist() == ["11:59:59.44573816", "+30.00.03.59992745", "Q", "1.42030000e+09 Hz"]
    assert record["measure"]["direction"]["m0"]["value"] == pytest.approx(3.1415523465310855, rel=1e-13)
    assert record["measure"]["spectral"]["opticalvelocity"]["m0"]["value"] == pytest.approx(22321.799632788367, rel=1e-9)
    for form in "qms":
        pixel = cs.topixel(cs.toworld([52, 41, 1, 3], form))["numeric"]
        np.testing.assert_allclose(pixel, [52, 41, 1, 3], atol=2e-8)
    assert cs.increment("s")["string"].tolist() == ["-3.60000000e+00 arcsec", "3.60000000e+00 arcsec", "I", "1.00000000e+05 Hz"]
    assert cs.topixel(["12:00:00", "30.00.00", "Q", "1.42GHz"])["numeric"][2] == 1.0
    with pytest.raises(ParameterError, match="cannot be given as measures"):
        cs.increment("m")
    with pytest.raises(ParameterError, match="no world value"):
        cs.toworld([1e6, 0, 0, 0])
    with pytest.raises(ParameterError, match="no world value"):
        cs.toworld([0, 0, 9, 0])
    with pytest.raises(ParameterError, match="any pixel"):
        cs.topixel([180.0, 30.0, 7.0, 1.42e9])
    for bad in (lambda: cs.topixel({"pw_type": "pixel"}), lambda: cs.toworld({"pw_type": "world"}), lambda: cs.topixel({"a": 1})):
        with pytest.raises(ParameterError):
            bad()


def test_relative() -> None:
    cs = plain()
    relative = cs.torel(cs.toworld([55.0, 45, 1, 5], "n"))
    np.testing.assert_allclose(relative["numeric"], [-0.005000000006317823, 0.005000000006355428, 2.0, 500000.0], rtol=1e-9)
    np.testing.assert_allclose(cs.toabs(relative)["numeric"], [179.99422620638083, 30.00499987404171, 2.0, 1420500000.0])
    assert cs.torel([55.0, 45, 1, 5], False)["numeric"].tolist() == [5, 5, 1, 5]
    many = cs.torelmany(np.array([[180.0, 181], [30, 31], [1, 1], [1.42e9, 1.43e9]]), True)["numeric"]
    np.testing.assert_allclose(many[:2, 1], [0.8571557657583267, 1.0037405748101031], rtol=1e-12)
    for bad in (lambda: cs.torel([1.0, 2, 0, 0]), lambda: cs.toabs(cs.toworld([5.0, 5, 1, 5])), lambda: cs.torel(relative)):
        with pytest.raises(ParameterError):
            bad()
    with pytest.raises(ParameterError, match="axes by points"):
        cs.toworldmany(np.zeros((2, 3)))


def test_convert() -> None:
    cs = plain()
    every, pix = [True] * 4, ["pix"] * 4
    world = cs.convert([60.0, 70, 0, 3], every, "radio", pix, every, "radio", ["deg", "deg", "", "km/s"])
    np.testing.assert_allclose(world, [179.98844950129885, 30.029999497385134, 1.0, 22.320137730903305], rtol=1e-10)
    relative = cs.convert([5.0, 5, 0, 3], [False] * 4, "radio", pix, [False] * 4, "radio", ["arcsec", "arcsec", "", "kHz"])
    np.testing.assert_allclose(relative, [-18.00000002274416, 18.000000022879536, 1.0, 300.0], rtol=1e-9)
    back = cs.convert([180.1, 30.1, 1.0, 100.0], every, "optical", ["deg", "deg", "", "km/s"], every, "radio", pix)
    np.testing.assert_allclose(back, [-36.515098133599594, 140.03769857288427, 0.0, -0.6788637072563172], rtol=1e-10, atol=1e-12)
    for bad in (
        lambda: cs.convert([1.0]),
        lambda: cs.convert([1.0] * 4, every, "radio", ["pix"]),
        lambda: cs.convert([1.0] * 4, [True] * 2),
    ):
        with pytest.raises(ParameterError):
            bad()
    with pytest.raises(ParameterError, match="'shape'"):
        cs.convert([1.0] * 4, shape=[1, 2])
    with pytest.raises(ParameterError, match="no place"):
        cs.convert([180.0, 30.0, 9.0, 1.42e9], unitsout=pix)


def test_frames() -> None:
    cs = plain()
    cs.setreferencecode("GALACTIC", "direction", True)
    np.testing.assert_allclose(
        cs.referencevalue("n", "direction")["numeric"], [-2.8686341026283655, 1.3675340427677545], rtol=1e-12
    )
    assert (cs.names()[0], cs.units()[0]) == ("Longitude", "rad")
    cs = plain()
    assert cs.convertdirection("GALACTIC")["value"] == pytest.approx(1.764912691266237, rel=1e-8)
    assert cs.convertdirection("GALACTIC") == {"value": 0.0, "unit": "rad"}
    cs = full()
    cs.setincrement([-1.0, 1.0], "direction")
    cs.setreferencevalue([60.0, -30.0], "direction")
    for frame, expected in (("BARY", 1414999530.3323197), ("LSRD", 1415004064.8961174), ("CMB", 1416686989.0588183)):
        again = cs.copy()
        again.setreferencecode(frame, "spectral")
        assert again.referencevalue("n", "spectral")["numeric"][0] == pytest.approx(expected, rel=1e-11)
        assert again.getconversiontype("spectral") == frame
    cs.setconversiontype(direction="SUPERGAL", spectral="BARY")
    assert (cs.conversiontype(), cs.getconversiontype("direction", False)) == ("SUPERGAL", "J2000")
    assert cs.toworld([6, 7, 0, 3, 0, 0, 0])["numeric"][3] == pytest.approx(1415002530.3313239, rel=1e-11)
    world = cs.toworld([6, 7, 0, 3, 0, 0, 0], "m")
    np.testing.assert_allclose(cs.topixel(world)["numeric"][:4], [6, 7, 0, 3], atol=1e-4)
    for bad in (
        lambda: cs.setreferencecode("NOPE"), lambda: cs.setreferencecode("NOPE", "spectral"), lambda: cs.setreferencecode("J2000", "stokes"),
        lambda: cs.setconversiontype("NOPE"), lambda: cs.setconversiontype("AZEL"), lambda: cs.convertdirection("AZEL"),
        lambda: cs.convertdirection("NOPE"),
    ):  # fmt: skip
        with pytest.raises(ParameterError):
            bad()
    assert "J2000" in cs.referencecode("direction", True) and "LSRK" in cs.referencecode("spectral", True)


def test_projection_and_direction() -> None:
    cs = plain()
    assert cs.projection("all")["types"][2] == "TAN" and cs.projection("SIN") == {"nparameters": 2}
    cs.setprojection("CAR")
    np.testing.assert_allclose(cs.toworld([500, 400, 0, 0])["numeric"][:2], [179.47849653439368, 30.35897603385517], rtol=1e-12)
    cs.setprojection("SIN", [0.1, 0.2])
    np.testing.assert_allclose(cs.toworld([500, 400, 0, 0])["numeric"][:2], [179.4781482316389, 30.35839765075886], rtol=1e-12)
    cs.setdirection(
        refcode="J2000",
        proj="ARC",
        refpix=[10, 12],
        refval="10h00m00s -20d00m00s",
        incr="-2arcsec 2arcsec",
        poles=["180deg", "-20deg"],
    )
    record = cs.torecord()["direction0"]
    cs.setdirection(poles="180deg -20deg")  # the only form that the reference takes
    assert cs.torecord()["direction0"]["latpole"] == record["latpole"]
    np.testing.assert_allclose(cs.referencevalue("n", "direction")["numeric"], np.radians([150.0, -20.0]))
    assert cs.referencepixel("direction")["numeric"].tolist() == [10, 12]
    for bad in (lambda: cs.setprojection("NOPE"), lambda: cs.setprojection("COE"), lambda: cs.setprojection("TAN", [1.0]),
                lambda: cs.setdirection(refpix=[1.0]), lambda: cs.setdirection(poles='1deg'), lambda: coordsys().projection()):  # fmt: skip
        with pytest.raises(ParameterError):
            bad()


def test_linear_transform_is_given_transposed() -> None:
    """CASA turns matrices round on their way through Python; the world values show which way is meant."""
    cs = coordsys().newcoordsys(direction=True, linear=2)
    cs.setlineartransform("linear", np.array([[1.0, 0.5], [0.25, 1.0]]))
    np.testing.assert_allclose(cs.toworld([0, 0, 3, 4])["numeric"][2:], [4.0, 5.5])
    np.testing.assert_array_equal(cs.torecord()["linear1"]["pc"], [[1.0, 0.5], [0.25, 1.0]])
    again = coordsys()
    again.fromrecord(cs.torecord())
    np.testing.assert_array_equal(again.lineartransform("linear"), [[1.0, 0.5], [0.25, 1.0]])
    cs.setlineartransform("direction", np.array([[1.0, 0.5], [0.25, 1.0]]))
    np.testing.assert_allclose(cs.lineartransform("direction"), [[0.9701425, 0.4472136], [0.24253563, 0.89442719]], rtol=1e-7)
    for bad in (np.eye(3), np.ones((2, 2))):
        with pytest.raises(ParameterError):
            cs.setlineartransform("linear", bad)


def test_spectral() -> None:
    cs = plain()
    np.testing.assert_allclose(
        cs.frequencytovelocity([1.42e9, 1.419e9], "Hz"), [85.63847988304755, 296.6996203901618], rtol=1e-12
    )
    np.testing.assert_allclose(cs.velocitytofrequency([100.0, 200.0], "GHz", "optical"), [1.4199321136292744, 1.419458791025401])
    np.testing.assert_allclose(cs.frequencytofrequency([1.42], "GHz", "20km/s"), [1.419905270956679], rtol=1e-14)
    assert cs.frequencytofrequency([1.4e9]).tolist() == [1.4e9]
    cs.setrestfrequency([1.4e9, 1.5e9], 1)
    assert cs.restfrequency()["value"].tolist() == [1.5e9, 1.4e9]
    cs.setrestfrequency("1.6GHz", 2, True)
    assert cs.restfrequency()["value"].tolist() == [1.6e9, 1.4e9, 1.5e9]
    velocities = {"value": np.array([100.0, 150, 200]), "unit": "km/s"}
    cs.setspectral(refcode="BARY", restfreq="1.42GHz", doppler="optical", velocities=velocities)
    record = cs.torecord()["spectral2"]
    assert (record["velType"], record["nativeType"], record["system"]) == (1, 2, "BARY")
    np.testing.assert_allclose(record["tabular"]["worldvalues"], [1.4195265e9, 1.41928986e9, 1.41905331e9], rtol=1e-8)
    cs.setspectral(frequencies="1GHz 1.5GHz 2.5GHz")
    assert cs.toworld([50, 40, 0, 1.5])["numeric"][3] == pytest.approx(2e9)
    for bad in (lambda: cs.setrestfrequency("1.4m"), lambda: cs.setrestfrequency(-1.0), lambda: cs.toworld("3pix 4pix"), lambda: cs.toabs("1pix", 0), lambda: cs.setrestfrequency(1e9, 5), lambda: cs.frequencytovelocity(1.0, "K"),
                lambda: cs.velocitytofrequency(1.0, "Hz", "radio", "Hz"), lambda: cs.setspectral(frequencies="1GHz 2GHz", velocities=velocities)):  # fmt: skip
        with pytest.raises(ParameterError):
            bad()


def test_setting_values() -> None:
    cs = plain()
    for value, expected in (
        ("12h10m 31d", [182.5, 31.0]),
        (["13:00:00", "31.00.00"], [195.0, 31.0]),
        (["12h", "31deg"], [180.0, 31.0]),
    ):
        cs.setreferencevalue(value, "direction")
        np.testing.assert_allclose(cs.referencevalue("n", "direction")["numeric"], expected)
    cs.setincrement("10kHz", "spectral")
    assert cs.increment("n", "spectral")["numeric"][0] == pytest.approx(1e4)
    cs = plain()
    cs.setreferencelocation([60, 60, 0, 10], [181.0, 31.0, 1, 1.43e9], [True, True, False, True])
    np.testing.assert_allclose(cs.referencevalue()["numeric"], [181, 31, 1, 1.43e9])
    cs = plain()
    before = cs.toworld([10, 20, 0, 5])["numeric"]
    cs.setreferencelocation([60, 60, 0, 10])
    np.testing.assert_allclose(cs.toworld([10, 20, 0, 5])["numeric"], before, rtol=1e-6)
    cs.setunits(["rad", "arcmin", "_", "GHz"])
    np.testing.assert_allclose(cs.restfrequency()["value"], [1.420405752])
    for bad in (lambda: cs.setunits(["Jy", "K"], type="direction"), lambda: cs.setunits(["deg"], type="direction"), lambda: cs.setunits(["furlong"] * 4),
                lambda: cs.setreferencevalue([1.0] * 3, "direction"), lambda: cs.setreferencepixel([1.0] * 5), lambda: cs.setincrement([0.0], "spectral"),
                lambda: cs.setreferencelocation([1.0]), lambda: cs.setreferencelocation([1.0] * 4, mask=[True, False]), lambda: cs.names("foo"),
                lambda: cs.setnames(["a"], "direction"), lambda: cs.findaxisbyname("xx"), lambda: cs.coordinatetype(9), lambda: cs.reorder([0, 1]),
                lambda: cs.transpose([0, 1]), lambda: cs.subimage([1.0]), lambda: cs.lineartransform("tabular"), lambda: cs.setstokes("foo"),
                lambda: cs.setstokes([]), lambda: cs.setepoch({"type": "direction", "m0": {"value": 1.0, "unit": "d"}}), lambda: cs.summary("nope")):  # fmt: skip
        with pytest.raises(ParameterError):
            bad()


def test_members_and_order() -> None:
    cs = plain()
    assert cs.replace(coordsys().newcoordsys(linear=1).torecord(), 0, 2)
    assert cs.coordinatetype() == ["Direction", "Stokes", "Linear"]
    with pytest.raises(ParameterError, match="there are 1 coordinates"):
        cs.replace(coordsys().newcoordsys(linear=1).torecord(), 1, 2)
    cs = plain()
    cs.transpose([3, 0, 1, 2])
    np.testing.assert_allclose(cs.toworld([0, 50, 40, 0])["numeric"], [1.42e9, 180, 30, 1])
    cs = full()
    cs.reorder([4, 3, 2, 1, 0])
    assert cs.names()[:2] == ["TabAxis1", "LinAxis0"]
    cs.settabular([0, 1, 3, 5], [10, 20, 25, 27.0])
    cs.settabular(world=[20, 30, 35, 37.0])
    assert cs.toworld([4.5])["numeric"][0] == pytest.approx(36.5)
    part = plain().subimage([10, 5, 1, 3], [5, 6, 2, 4])
    assert part["stokes1"]["stokes"].tolist() == ["Q", "U"] and part["direction0"]["crpix"].tolist() == [40, 35]
    cs = plain()
    cs.setstokes("RR LL")
    assert cs.stokes() == ["RR", "LL"]


def test_observation_and_summary() -> None:
    cs = full()
    assert (cs.telescope(), cs.observer(), cs.epoch()["m0"]["value"]) == ("VLA", "Karl Jansky", 55000.25)
    assert cs.settelescope("NOSUCH") is False and cs.setobserver("me") and cs.setparentname("im") and cs.parentname() == "im"
    cs = full()
    cs.setobserver("me")
    cs.setreferencevalue([60.0, -30.0], "direction")
    lines = cs.summary(list=False)[0].splitlines()
    assert lines[7] == "Date observation    : 2009/06/18/06:00:00.000000"
    assert lines[10] == "Axis Coord Type      Name             Proj   Coord value at pixel    Coord incr Units"
    assert lines[13] == "1    0     Direction Declination       SIN -00.30.00.000     0.00  6.000000e+01 arcsec"
    assert lines[16] == "                     Velocity                    1140.94     0.00 -2.110611e-01 km/s"
    assert cs.summary("OPTICAL")[0].splitlines()[16].split()[-2] == "-2.126769e-01"


def test_lists_and_arrays_of_frequencies_are_alike() -> None:
    cs = coordsys()
    own = cs.newcoordsys(spectral=True)
    own.setrestfrequency("1.42GHz")
    values = [1.41e9, 1.43e9]
    wanted = own.frequencytovelocity(values, "Hz")
    for given in (np.array(values), list(np.array(values)), tuple(values)):
        assert np.array_equal(own.frequencytovelocity(given, "Hz"), wanted)
    with pytest.raises(ParameterError, match="value"):
        own.frequencytovelocity(["x"], "Hz")


def test_single_points_are_those_of_many() -> None:
    cs = plain()
    every, native, pix = [True] * 4, list(cs.units()), ["pix"] * 4
    pixels = np.array([[55.25, 45.5, 1.0, 5.0], [-30.0, 12.0, 0.0, 9.5]]).T
    world = cs.toworldmany(pixels)["numeric"]
    relative = cs.torelmany(world, True)["numeric"]
    for k in range(2):
        pixel, at = pixels[:, k].tolist(), world[:, k].tolist()
        np.testing.assert_allclose(cs.convert(pixel, every, "radio", pix, every, "radio", native), at, rtol=1e-14)
        np.testing.assert_allclose(cs.convert(at, every, "radio", native, every, "radio", pix), pixel, atol=1e-9)
        np.testing.assert_allclose(cs.torel(at, True)["numeric"], relative[:, k], rtol=1e-9, atol=1e-12)
        np.testing.assert_allclose(cs.topixel(at)["numeric"], pixel, atol=1e-9)
    # another member in the place of one that was used
    cs.setreferencevalue([1.5e9], type="spectral")
    assert cs.toworld(pixels[:, 0].tolist(), "n")["numeric"][3] == cs.toworldmany(pixels)["numeric"][3, 0] != world[3, 0]
    with pytest.raises(ParameterError, match="place"):
        cs.convert([float("nan"), 0.0, 1.0, 0.0], every, "radio", pix, every, "radio", native)


def test_reference_of_a_system_without_one_pixel_axis() -> None:
    tool = coordsys().newcoordsys(direction=True, spectral=True)
    record = tool.torecord()
    record["pixelmap1"] = np.array([-1])
    record["pixelreplace1"] = np.array([0.0])
    less = coordsys()
    less.fromrecord(record)
    assert (less.naxes(world=True), less.naxes(world=False)) == (3, 2)
    with pytest.raises(ParameterError, match="some axes were removed"):
        less.setreferencelocation([1.0, 2.0])
    assert less.referencepixel()["numeric"].tolist() == tool.referencepixel()["numeric"].tolist()[:2]


def test_frames_of_frequencies_know_the_direction_whatever_its_conversion() -> None:
    """The frequency is that for the image's own direction, also where directions are converted; CASA takes the galactic numbers for J2000."""
    cs = coordsys().newcoordsys(direction=True, spectral=True)
    cs.setreferencevalue([0.5, -0.4], "direction")
    cs.settelescope("ATCA")
    plain, both = cs.copy(), cs.copy()
    plain.setconversiontype(spectral="BARY")
    both.setconversiontype(direction="GALACTIC", spectral="BARY")
    pixel = [3.0, 4.0, 5.0]
    expected, found = plain.toworld(pixel)["numeric"], both.toworld(pixel)["numeric"]
    assert found[2] == pytest.approx(expected[2], rel=1e-12) and abs(found[2] / cs.toworld(pixel)["numeric"][2] - 1) > 1e-7
    assert np.abs(found[:2] - expected[:2]).max() > 0.1
