"""Random calls of the tools of images beside the reference: componentlist, regionmanager, imagepol, linearmosaic, image, and the tasks spxfit and rmfit.

The calls are made here from a seed, and one script runs them under both implementations. Where they differ on purpose (docs/quirks.md) no call is made.
"""

from __future__ import annotations

import random
import sys
from pathlib import Path
from typing import Any

import pytest

from support.image_calls import assert_same_calls
from support.shared import oracle_python, run_python


def components(r: random.Random) -> list[str]:
    steps = (
        "cl.setflux({i}, [3, .1, .2, .3], 'Jy', 'Stokes', [.1, .1, .1, .1])", "cl.setlabel({i}, 'z')", "cl.setrefdir({i}, '11:00:00.5', '-10.20.30.4')",
        "cl.setrefdirframe({i}, 'B1950')", "cl.setshape({i}, 'disk', '4arcsec', '2arcsec', '-20deg')", "cl.setshape({i}, 'point')",
        "cl.setshape({i}, 'Gaussian', '4arcsec', '2arcsec', '-20deg', '0.1arcsec', '0.2arcsec', '3deg')", "cl.setspectrum({i}, 'constant')",
        "cl.setspectrum({i}, 'spectral index', [-0.5])", "cl.setfreq({i}, 900., 'MHz')", "cl.setfreqframe({i}, 'BARY')", "cl.remove([0]); cl.recover()",
        "cl.setspectrum({i}, 'tabular', tabularfreqs=[1e9, 2e9, 3e9], tabularflux=[1., 2., 1.5], tabularframe='LSRK')", "cl.convertfluxunit({i}, 'mJy')",
        "cl.setspectrum({i}, 'plp', [-0.5, 0.1])", "cl.convertfluxpol({i}, 'linear')", "cl.convertfluxpol({i}, 'circular')", "cl.convertfrequnit({i}, 'MHz')",
        "cl.convertrefdir({i}, 'GALACTIC')", "cl.sort('position')", "cl.sort('Flux')", "cl.remove([0])", "cl.remove([0]); cl.purge()", "cl.select([{i}])",
        "cl.setstokesspectrum({i}, 'spectral index', [-0.7, .1, .2, .3], reffreq='1.4GHz', frame='LSRK')", "cl.rename('O/k.cl'); cl.close(); cl.open('O/k.cl')",
        "cl.add(d.getcomponent(0, True))", "cl.fromrecord(d.torecord())", "cl.simulate(2, False)",
    )  # fmt: skip
    asked = (
        "cl.getcomponent({i})", "cl.getfluxvalue({i})", "cl.getfluxerror({i})", "cl.getfluxunit({i})", "cl.getfluxpol({i})", "cl.getlabel({i})",
        "cl.getrefdir({i})", "cl.getrefdirframe({i})", "cl.getshape({i})", "cl.getspectrum({i})", "cl.isphysical([{i}])", "cl.selected()",
        "cl.shapetype({i})", "cl.spectrumtype({i})", "cl.length()",
    )  # fmt: skip
    out = []
    for step in steps:
        made = "d = componentlist(); d.addcomponent(flux=4.0, dir='J2000 1h0m0s 2d0m0s', shape='gaussian', majoraxis='3arcsec', minoraxis='2arcsec', "
        made += "positionangle='10deg', label='d0'); cl = componentlist(); "
        for _ in range(2):
            given = {
                "flux": r.choice((1.5, [2.0, 0.1, 0.2, 0.3])),
                "dir": r.choice(("J2000 10h0m0s 20d0m0s", "B1950 11h0m0s -30d0m0s", "ICRS 2.1rad -0.3rad")),
                "shape": r.choice(("point", "gaussian", "disk")),
                "majoraxis": "12arcsec",
                "minoraxis": "6arcsec",
                "positionangle": r.choice(("30deg", "-45deg", "0.3rad")),
                **r.choice(
                    ({}, {"freq": "LSRK 1.4GHz"}, {"freq": "LSRK 230GHz", "spectrumtype": "spectral index", "index": -0.7})
                ),
                "label": r.choice(("one", "")),
            }
            made += f"cl.addcomponent({', '.join(f'{k}={v!r}' for k, v in given.items())}); "
        at = 0 if "remove" in step or "fromrecord" in step else r.randrange(2)
        out.append(
            f"{made}{step.format(i=at)}; R = [{r.choice(asked).format(i=at)}, cl.torecord(), cl.length()]; cl.done(); d.done()"
        )
    return out


BOXES = (
    "rg.box([1, 2, 0, 1], [5, 6, 0, 8])", "rg.box([.1, .2, 0, .1], [.5, .6, 0, .8], frac=True)", "rg.box([-2, -2], [2, 2], absrel='relcen')",
    "rg.box([-2, -2], [2, 2], absrel='relref')",
)  # fmt: skip
WORLD = (
    "rg.wbox(['108012arcsec', '-90012arcsec'], ['107988arcsec', '-89988arcsec'], [0, 1])", "rg.wbox('2pix 3pix', '8pix 9pix', [0, 1])",
    "rg.wbox(['1.4201GHz'], ['1.4206GHz'], [3])", "rg.wpolygon(['2pix', '12pix', '8pix'], ['3pix', '4pix', '14pix'], [0, 1])",
    "rg.fromtext('circle[[8pix,8pix],3pix]', ia.shape(), cs)", "rg.fromtext('ellipse[[8pix,8pix],[3pix,2pix],20deg]', ia.shape(), cs)",
    "rg.fromtext('poly[[2pix,2pix],[9pix,3pix],[5pix,9pix]]', ia.shape(), cs)", "rg.frombcs(cs, ia.shape(), '2,2,8,8', '1~4', 'I')",
    "rg.frombcs(cs, ia.shape(), chans='1~2;5~7')", "rg.frombcs(cs, ia.shape(), box='2,2,8,8,10,10,12,12')",
    "rg.fromtext('rotbox[[8pix,8pix],[6pix,4pix],30deg]', ia.shape(), cs)",
)  # fmt: skip


def regions(r: random.Random) -> list[str]:
    begin = "rg = regionmanager(); ia = opened('c.im'); cs = ia.coordsys().torecord(); rg.setcoordinates(cs); "
    end = "; s = ia.statistics(region=q); R = [ia.boundingbox(q), s['npts'], s['sum'], rg.isworldregion(q){more}]; ia.done()"
    out = [begin + f"q = {text}" + end.format(more="") for text in BOXES]
    told = ", {k: v for k, v in q.items() if k in ('x', 'y', 'center', 'radius', 'radii', 'blc', 'trc', 'absrel', 'pixelAxes', 'name')}"
    out += [begin + f"q = {text}" + end.format(more=told) for text in WORLD]
    for _ in range(8):
        a, b = r.choice(WORLD), r.choice(WORLD)
        joined = r.choice(
            (
                "rg.makeunion({'x': a, 'y': b})",
                "rg.intersection({'x': a, 'y': rg.complement(b)})",
                "rg.difference(a, b)",
                "rg.complement(a)",
            )
        )
        out.append(begin + f"a = {a}; b = {b}; q = {joined}; R = [ia.statistics(region=q, axes=[0, 1, 2, 3])['npts']]; ia.done()")
    out.append(
        begin + "R = [rg.selectedchannels(c, ia.shape()) for c in ('1~3;5', '>8', 'range=[1.4201GHz,1.4205GHz]')]; ia.done()"
    )
    return out


def polarization(r: random.Random) -> list[str]:
    calls = (
        "po.complexlinpol('O/x')", "po.fraclinpol(True, sigma=.01)", "po.fractotpol(False, sigma=.02)", "po.linpolint(True, sigma=.01)", "po.linpolposang()",
        "po.sigmalinpolint(sigma=.3)", "po.sigma(3.)", "po.sigmalinpolposang(sigma=.1)", "po.sigmafraclinpol(sigma=.1)", "po.sigmatotpolint(sigma=.1)",
        "po.stokes('Q')", "po.stokesv()", "po.totpolint(True, sigma=.01)", "po.pol('lppa')", "po.pol('lpi', True, 3., .1)", "po.depolratio('q.im', sigma=.01)",
        "po.sigmastokes('Q')", "po.sigmastokesi(3.)", "po.fourierrotationmeasure(real='O/r', imag='O/i')",
        "po.rotationmeasure(rm='O/rm', rmerr='O/rme', sigma=.01, rmmax=300.)",
    )  # fmt: skip
    out = [f"po = imagepol(); po.open('q.im'); R = {call}; po.done()" for call in calls]
    return out + [
        f"R = t.rmfit('q.im', rm='O/rm', pa0='O/pa0', rmerr='O/rme', nturns='O/n', sigma=.005, {m})"
        for m in ("rmmax=0.", "rmmax=200.", "rmfg=5.")
    ]


# Parameters in which a sweep over all of them once found differences.
FOUND_BY_SWEEPS = (
    "getchunk(axes=[3])", "getchunk(axes=[0, 1], getmask=True)", "coordmeasures([3.4, 4.6, 0, 2.2])", "coordsys([3, 1, 0]).names()",
    "coordsys([3, 0]).referencepixel()", "getprofile(3, unit='mm')", "getprofile(3, spectype='optical', unit='km/s')",
    "deconvolvefrombeam('20arcsec', ['6arcsec', '4arcsec', '20deg'])",
)  # fmt: skip


def methods(r: random.Random) -> list[str]:
    copied = "shutil.copytree('{im}', 'w.im', dirs_exist_ok=False); ia = opened('w.im'); v = ia.{call}; R = [{told}]; ia.done(); shutil.rmtree('w.im')"
    pixels = "ia.getchunk(), ia.getchunk(getmask=True)"
    changed = (
        "set(pixels=2.5, region=regionmanager().box([2, 3], [9, 8]))", "set(pixels='min(m.im)', pixelmask=True)", "calcmask('m.im > 0.1 && m.im < 1', 'new')",
        "putregion(pixels=np.ones([8, 6]), region=regionmanager().box([2, 3], [9, 8]), usemask=False)", "putregion(pixelmask=np.zeros([22, 18], bool))",
        "putchunk(np.arange(99.).reshape(11, 9), [0, 0], replicate=True)", "putchunk(np.ones([3, 4, 1, 2]), [1, 2, 0, 1], [2, 2, 1, 3])",
        "calc('m.im * 2 + 1')", "replacemaskedpixels(-2.5)", "insert('p.im', locate=[2, 2, 0, 1])", "setrestoringbeam('3arcsec', '2arcsec', '10deg')",
        "rotatebeam('20deg')",
    )  # fmt: skip
    out = [copied.format(im="c.im", call=call, told=pixels + ", ia.restoringbeam()") for call in changed]
    asked = (
        "adddegaxes('O/x', linear=True)", "continuumsub('O/l', 'O/c', channels=[0, 1, 9, 10, 11], fitorder=1)", "pixelvalue([3.7, 4.2])", "pixelvalue([-1, 2])",
        "getprofile(3, 'sum', unit='km/s')", "getprofile(0, 'max')", "getprofile(3, 'median', region='circle[[9pix,9pix],3pix]')", "isconform('m.im')",
        "getslice([1, 9], [5, 14], npts=6)", "histograms(nbins=5, axes=[0, 1])", "commonbeam()", "beamarea(0, 0)", "convertflux('3Jy', '20arcsec', '10arcsec')",
        "deconvolvefrombeam(['20arcsec', '10arcsec', '30deg'], ['6arcsec', '4arcsec', '20deg'])", "coordmeasures([3, 4])['intensity']",
        "beamforconvolvedsize(['6arcsec', '4arcsec', '20deg'], ['20arcsec', '10arcsec', '30deg'])", "crop('O/x')", "makecomplex('O/x', imag='m.im')",
        "pv('O/x', start=[3, 4], end=[11, 10], width=3)",
        "getprofile(3, 'mean', unit='km/s', restfreq='1.41GHz')", "collapse('max', [3], 'O/x')",
    )  # fmt: skip
    for call in asked:
        image = r.choice(("m.im", "c.im"))
        out.append(f"ia = opened({image!r}); R = ia.{call}; ia.done()")
    out += [f"ia = opened('c.im'); R = ia.{call}; ia.done()" for call in FOUND_BY_SWEEPS]
    out.append(
        "ia = opened('m.im'); R = ia.hanning('O/x', axis=3, region=regionmanager().box([2, 2, 0, 1], [3, 3, 0, 9])); ia.done()"
    )
    told = "ia.getprofile(3, unit='km/s')['coords'], ia.fitprofile(ngauss=1, box='10,9,10,9')['gs']['center'], t.imval('w.im')['coords']"
    out.append(
        f"shutil.copytree('m.im', 'w.im'); t.imreframe('w.im', '', 'bary'); ia = opened('w.im'); R = [{told}]; ia.done(); shutil.rmtree('w.im')"
    )
    return [*out, "R = image().imagecalc('O/x', \"round('m.im' * 2) / 2 + median('p.im'['p.im' > 1])\")"]


# Angles that cross the limit of half a turn between the channels, from -900 to 900 rad/m2.
TURNS = (
    "cs = coordsys().newcoordsys(direction=True, stokes=['I', 'Q', 'U', 'V'], spectral=True); cs.setreferencepixel([0], 'spectral'); "
    "cs.setreferencevalue([1.2e9], 'spectral'); cs.setincrement([1e7], 'spectral'); q = np.zeros((24, 3, 4, 8)); q[:, :, 0] = 1; "
    "angle = .3 + .7 * np.arange(3)[:, None] + np.linspace(-900, 900, 24)[:, None, None] * (299792458 / (1.2e9 + 1e7 * np.arange(8))) ** 2; "
    "q[:, :, 1] = .4 * np.cos(2 * angle); q[:, :, 2] = .4 * np.sin(2 * angle); ia = image(); ia.fromarray('w.im', q, csys=cs.torecord(), overwrite=True); "
    "ia.done(); t.rmfit('w.im', rm='O/rm', pa0='O/pa0', rmerr='O/rme', nturns='O/n', sigma=.01, {given}); R = None"
)


def fits_and_mosaics(r: random.Random) -> list[str]:
    given = (
        "spxtype='plp', spxest=[3., -.5]", "spxtype='plp', spxest=[3., -.5, .1], spxfix=[False, False, True]", "spxtype='ltp', spxest=[1., -.5, .1]",
        "spxtype='plp', spxest=[3., -.7], div='1.2GHz'", "spxtype='plp', spxest=[3., -.7], mask='s.im>2.5'",
    )  # fmt: skip
    fits = "f = t.spxfit('s.im', multifit=True, wantreturn=True, spxsol='O/sol', {given}); R = [f['{kind}'], f['converged']]"
    out = [fits.format(given=one, kind=one[9:12]) for one in given]
    out += [TURNS.format(given=one) for one in ("rmmax=0.", "rmmax=0., rmfg=50.", "rmmax=40.", "rmmax=300.")]
    for image_type, weight_type, cell in ((0, 1, 2), (1, 1, 2), (2, 2, 2), (1, 1, 3), (0, 2, 1.3)):
        out.append(
            f"lm = linearmosaic(); lm.setlinmostype('optimal'); lm.defineoutputimage(nx=64, ny=60, cellx='{cell}arcsec', celly='{cell}arcsec', "
            "imagecenter=measures().direction('J2000', '108000arcsec', '-90000arcsec'), outputimage='O/x', outputweight='O/w'); "
            f"R = lm.makemosaic(['l0.im'], ['l0.pb'], {image_type}, {weight_type}); del lm"
        )
    return out


@pytest.mark.oracle
@pytest.mark.parametrize("family", [components, regions, polarization, methods, fits_and_mosaics])
def test_random_calls_give_the_same(family: Any, tmp_path: Path) -> None:
    assert_same_calls(family(random.Random(3)), tmp_path)


REGION_FILES = """
import os, sys
import numpy as np
from casatools import image, regionmanager
here, there, done = sys.argv[1:4]
rg, ia = regionmanager(), image()
ia.fromarray("", np.arange(400.0).reshape(20, 20))
cs = ia.coordsys().torecord()
regions = {"box": rg.box([1, 2], [5, 7]), "poly": rg.wpolygon(["2pix", "12pix", "8pix"], ["3pix", "4pix", "14pix"], csys=cs)}
regions["union"] = rg.makeunion({"a": regions["poly"], "b": rg.wbox(["2pix", "3pix"], ["7pix", "6pix"], csys=cs)})
regions["circle"] = rg.fromtext("circle[[8pix,9pix],4pix]", ia.shape(), cs)
for name, region in regions.items():
    if done == "write":
        rg.tofile(os.path.join(here, name), region)
    else:
        read = rg.fromfiletorecord(os.path.join(there, name))
        assert ia.statistics(region=read)["sum"] == ia.statistics(region=region)["sum"], name
"""


@pytest.mark.oracle
def test_files_of_regions_go_both_ways(tmp_path: Path) -> None:
    ours, theirs = tmp_path / "ours", tmp_path / "theirs"
    ours.mkdir()
    theirs.mkdir()
    places = {sys.executable: (str(ours), str(theirs)), oracle_python(): (str(theirs), str(ours))}
    for done in ("write", "read"):
        for python, folders in places.items():
            run_python(python, REGION_FILES, *folders, done, cwd=tmp_path)
