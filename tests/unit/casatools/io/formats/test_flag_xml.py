"""Flag.xml of science data models."""

from __future__ import annotations

from pathlib import Path

import pytest

from casatools._base.errors import DataError, PathMissingError
from casatools.io.formats.flag_xml import read_online_flags

TIMES = "<startTime>4979548160616181760</startTime><endTime>4979548354564829184</endTime>"
ANTENNAS = "".join(f"<row><antennaId>Antenna_{k}</antennaId><name>ea0{k + 1}</name></row>" for k in range(3))


def write(folder: Path, rows: str) -> str:
    for name, content in (("Flag", rows), ("Antenna", ANTENNAS)):
        (folder / f"{name}.xml").write_text(f"<?xml version='1.0'?>\n<{name}Table>{content}</{name}Table>\n")
    window = "<row><spectralWindowId>SpectralWindow_2</spectralWindowId><name>band#2</name></row>"
    (folder / "SpectralWindow.xml").write_text(f"<T>{window}</T>")
    return str(folder)


def test_rows_of_both_kinds(tmp_path: Path) -> None:
    rows = (
        f"<row><flagId>Flag_0</flagId>{TIMES}<reason>A</reason><numAntenna>2</numAntenna><antennaId>1 2 Antenna_2 Antenna_0</antennaId>"
        "<polarizationType>1 1 R</polarizationType><spectralWindowId>1 1 SpectralWindow_2</spectralWindowId></row>"
        f"<row><flagId>Flag_1</flagId>{TIMES}<reason>B</reason><antennaId>Antenna_1</antennaId></row>"
        f"<row><flagId>Flag_2</flagId>{TIMES}<reason>C</reason><numAntenna>0</numAntenna></row>"
    )
    found = read_online_flags(write(tmp_path, rows))
    assert found[0].antennas == ("ea03", "ea01") and found[0].polarizations == ("R",) and found[0].spectral_windows == ("band#2",)
    assert found[0].start_s == pytest.approx(4979548160.616182) and found[0].end_s - found[0].start_s == pytest.approx(
        193.9486, abs=1e-4
    )
    assert found[1].antennas == ("ea02",) and not found[1].counted and found[0].counted
    assert found[2].antennas == ()


def test_what_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(PathMissingError, match=r"Flag\.xml"):
        read_online_flags(str(tmp_path))
    folder = write(tmp_path, f"<row><flagId>F</flagId>{TIMES}<antennaId>1 1 Antenna_7</antennaId></row>")
    with pytest.raises(DataError, match="row 'F'"):
        read_online_flags(folder)
    (tmp_path / "Flag.xml").write_text("<FlagTable><row>")
    with pytest.raises(DataError, match="cannot be read"):
        read_online_flags(folder)
