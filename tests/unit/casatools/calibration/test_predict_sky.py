"""Models predicted for fields whose coordinates are not J2000."""

from __future__ import annotations

import numpy as np
from astropy.coordinates import SkyCoord

from casatasks import ft
from casatools import componentlist, table
from casatools.frames.directions import Direction, convert_direction


def predicted(vis: str, name: str) -> np.ndarray:
    """The model of a source 10 arcmin from the first field's centre."""
    tool = componentlist()
    tool.addcomponent(flux=2.0, dir="J2000 13h31m50s 30d45m00", shape="point", freq="1.4GHz")
    tool.rename(name)
    tool.done()
    ft(vis, field="0", complist=name, usescratch=True)
    tb = table()
    tb.open(vis)
    rows = tb.getcol("FIELD_ID") == 0
    model = tb.getcol("MODEL_DATA")[..., rows]
    tb.done()
    return model


def test_uvw_of_a_field_in_b1950_point_to_its_own_north(shared_input) -> None:
    """The same observation with its coordinates in B1950: uvw turned to the north of then (by astropy) have the same model."""
    vis = shared_input("ngc_small.ms")
    expected = predicted(vis, "1.cl")
    tb = table()
    tb.open(f"{vis}/FIELD", nomodify=False)
    place = tb.getcol("PHASE_DIR")[:, 0, 0]
    here = SkyCoord(*place, unit="rad", frame="fk5")
    north = SkyCoord(place[0], place[1] + 1e-3, unit="rad", frame="fk5")
    centre = convert_direction(Direction(*place), "B1950")  # astropy's is 0.4 arcsec away, which would turn phases a little
    angle = here.fk4.position_angle(north.fk4).rad
    for name in ("PHASE_DIR", "DELAY_DIR", "REFERENCE_DIR"):
        tb.putcolkeyword(name, "MEASINFO", {"type": "direction", "Ref": "B1950"})
        values = tb.getcol(name)
        values[:, 0, 0] = centre.lon_rad, centre.lat_rad
        tb.putcol(name, values)
    tb.done()
    tb.open(vis, nomodify=False)
    u, v, w = tb.getcol("UVW")
    tb.putcol("UVW", np.array([u * np.cos(angle) + v * np.sin(angle), v * np.cos(angle) - u * np.sin(angle), w]))
    tb.done()
    found = predicted(vis, "2.cl")
    assert np.abs(found - expected).max() < 0.02 < np.abs(expected - 2).max()
