"""The products of the main job, read by the reference and the reverse: MeasurementSets, calibration tables, flag versions, images.

The same script runs under both implementations; each then reads what the other wrote and says the same of it.
"""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from support.shared import oracle_python, run_python, unpack

MAKE = """
import sys
from casatasks import applycal, bandpass, flagmanager, flagdata, gaincal, importuvfits, setjy, split, tclean, exportfits
where = sys.argv[1]
importuvfits(fitsfile="ngc_small.uvfits", vis=where + ".ms", antnamescheme="new")
flagdata(vis=where + ".ms", mode="quack", quackinterval=30.0, flagbackup=False)
flagmanager(vis=where + ".ms", mode="save", versionname="mine", comment="kept")
setjy(vis=where + ".ms", field="0", standard="Perley-Butler 2017", usescratch=True)
bandpass(vis=where + ".ms", caltable=where + ".B", field="0", refant="15", solint="inf", combine="scan")
gaincal(vis=where + ".ms", caltable=where + ".G", field="0,1", refant="15", gaintable=[where + ".B"], minblperant=3)
applycal(vis=where + ".ms", gaintable=[where + ".B", where + ".G"], flagbackup=True, calwt=[False])
split(vis=where + ".ms", outputvis=where + ".split.ms", field="2", datacolumn="corrected")
tclean(vis=where + ".split.ms", imagename=where + ".cube", datacolumn="data", specmode="cube", nchan=6, start=20, imsize=64, cell="30arcsec", niter=60,
       restoringbeam="common", pbcor=True)
exportfits(imagename=where + ".cube.image", fitsimage=where + ".fits", overwrite=True)
"""

READ = """
import json, sys
import numpy as np
from casatasks import applycal, flagmanager, imstat, importfits, tclean
from casatools import image, msmetadata, table
where, out = sys.argv[1:3]
found = {}
md = msmetadata()
md.open(where + ".ms")
found["fields"] = [str(n) for n in md.fieldnames()]
found["antennas"] = [str(n) for n in md.antennanames()]
found["scans"] = [int(n) for n in md.scannumbers()]
found["chan"] = [float(v) for v in md.chanfreqs(0)[:3]]
md.done()
tb = table()
tb.open(where + ".ms")
before = tb.getcol("CORRECTED_DATA")
flags = tb.getcol("FLAG")
found["flags"] = int(flags.sum())
tb.close()
versions = flagmanager(vis=where + ".ms", mode="list")
found["versions"] = sorted(v["name"] for k, v in versions.items() if isinstance(v, dict))
applycal(vis=where + ".ms", gaintable=[where + ".B", where + ".G"], flagbackup=False, calwt=[False])
tb.open(where + ".ms")
after = tb.getcol("CORRECTED_DATA")
again = tb.getcol("FLAG")
tb.close()
good = ~(flags | again)
found["apply"] = float(np.abs(after - before)[good].max() / np.abs(before[good]).mean())
found["apply_flags"] = int((again != flags).sum())
flagmanager(vis=where + ".ms", mode="restore", versionname="mine")
tb.open(where + ".ms")
found["restored"] = int(tb.getcol("FLAG").sum())
tb.close()
for name in (".B", ".G"):
    tb.open(where + name)
    gains = tb.getcol("CPARAM")
    found["gain" + name] = [float(np.abs(gains[~tb.getcol("FLAG")]).mean()), int(tb.getcol("FLAG").sum()), tb.getkeyword("VisCal")]
    tb.close()
ia = image()
for kind in ("image", "psf", "residual", "model", "pb", "mask", "sumwt", "image.pbcor"):
    ia.open(where + ".cube." + kind)
    s = ia.statistics()
    beam = ia.restoringbeam()
    found[kind] = {
        "shape": [int(n) for n in ia.shape()], "max": float(np.ravel(s["max"])[0]), "rms": float(np.ravel(s["rms"])[0]), "npts": int(np.ravel(s["npts"])[0]),
        "unit": ia.brightnessunit(), "masks": [str(m) for m in np.ravel(ia.maskhandler("get"))], "beam": beam.get("major", {}).get("value", 0.0),
        "history": len(ia.history(list=False)) > 0,
    }
    ia.done()
importfits(fitsimage=where + ".fits", imagename=where + ".back", overwrite=True)
found["fits"] = float(np.ravel(imstat(where + ".back")["max"])[0])
record = tclean(vis=where + ".split.ms", imagename=where + ".cube", datacolumn="data", specmode="cube", nchan=6, start=20, imsize=64, cell="30arcsec", niter=20,
                restoringbeam="common")
found["restart"] = int(record["iterdone"])
json.dump(found, open(out, "w"))
"""


def told(python: str, where: str) -> dict[str, Any]:
    out = f"{where}.{Path(python).parts[-3]}.json"
    run_python(python, READ, where, out)
    return dict(json.loads(Path(out).read_text()))


@pytest.mark.oracle
@pytest.mark.shared
@pytest.mark.parametrize("writer", ["ours", "reference"])
def test_each_reads_what_the_other_wrote(writer: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    oracle = oracle_python()
    unpack("ngc_small.uvfits", tmp_path)
    monkeypatch.chdir(tmp_path)
    run_python(sys.executable if writer == "ours" else oracle, MAKE, "x")
    shutil.copytree(".", tmp_path.parent / f"{writer}_copy")
    mine = told(sys.executable, "x")
    monkeypatch.chdir(tmp_path.parent / f"{writer}_copy")
    theirs = told(oracle, "x")
    for key in ("fields", "antennas", "scans", "flags", "restored", "apply_flags"):
        assert mine[key] == theirs[key], key
    assert "mine" in mine["versions"] and mine["versions"] == theirs["versions"]
    assert mine["chan"] == pytest.approx(theirs["chan"], rel=1e-12)
    for found in (mine, theirs):
        assert found["apply"] < 1e-4
        assert found["restart"] > 0
    for name in (".B", ".G"):
        assert mine["gain" + name][:2] == pytest.approx(theirs["gain" + name][:2], rel=1e-6)
        assert mine["gain" + name][2] == theirs["gain" + name][2]
    for kind in ("image", "psf", "residual", "model", "pb", "mask", "sumwt", "image.pbcor"):
        one, other = mine[kind], theirs[kind]
        for key in ("shape", "npts", "unit", "masks", "history"):
            assert one[key] == other[key], (kind, key)
        for key in ("max", "rms", "beam"):
            assert one[key] == pytest.approx(other[key], rel=1e-6, abs=1e-12), (kind, key)
    assert mine["fits"] == pytest.approx(theirs["fits"], rel=1e-6)
    assert np.isfinite(mine["fits"])
