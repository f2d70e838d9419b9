"""importfits: CASA's clashes with HEASoft's CFITSIO; ours loads no C library of FITS into the process."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
from astropy.io import fits


def test_no_library_of_fits_is_loaded(tmp_path: Path) -> None:
    unit = fits.PrimaryHDU(np.ones((4, 5), np.float32))
    unit.header.update(
        {"CTYPE1": "RA---SIN", "CTYPE2": "DEC--SIN", "CDELT1": -1e-3, "CDELT2": 1e-3, "CRVAL1": 10.0, "CRVAL2": 20.0}
    )
    unit.writeto(tmp_path / "a.fits")
    script = (
        "from casatasks import importfits\nimportfits('a.fits', 'a.im')\n"
        "maps = open('/proc/self/maps').read()\n"
        "libraries = {line.split('/')[-1] for line in maps.splitlines() if '.so' in line}\n"
        "print(sorted(n for n in libraries if n.startswith('libcfitsio.so')))\n"
    )
    run = subprocess.run([sys.executable, "-c", script], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    assert (tmp_path / "a.im").is_dir() and "libcfitsio.so" not in run.stdout
