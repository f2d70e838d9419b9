"""Random calls of the tasks of images beside the reference: regions in world coordinates, pixel types, headers, lattice expressions, fits, grids.

Where both differ on purpose (docs/quirks.md) no call is made.
"""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest

from support.image_calls import assert_same_calls

SHAPES = (
    "circle[[30.0001deg,-24.9995deg],{r:.2f}arcsec]", "circle[[02h00m00.1s,-25.00.01.5],{r:.2f}arcsec]", "box[[30.003deg,-25.004deg],[29.998deg,-24.997deg]]",
    "centerbox[[02h00m00s,-25d00m00s],[{w:.1f}arcsec,{h:.1f}arcsec]]", "rotbox[[02h00m00s,-25d00m00s],[{w:.1f}arcsec,{h:.1f}arcsec],{p:.1f}deg]",
    "ellipse[[30deg,-25deg],[{r:.2f}arcsec,{q:.2f}arcsec],{p:.1f}deg]", "annulus[[30deg,-25deg],[3arcsec,{r:.2f}arcsec]]",
    "poly[[30.004deg,-25.003deg],[29.997deg,-25.002deg],[30.000deg,-24.996deg]]", "rotbox[[9.3pix,8.1pix],[{s:.2f}pix,6.3pix],{p:.1f}deg]",
    "ellipse[[9.3pix,8.1pix],[{s:.2f}pix,3.2pix],{p:.1f}deg]", "annulus[[9.3pix,8.1pix],[1.3pix,{s:.2f}pix]]", "box[[2.3pix,3.4pix],[12.6pix,11.2pix]]",
    "circle[[30.0001deg,-24.9995deg],{r:.2f}arcsec], coord=ICRS", "circle[[29.4242deg,-25.2419deg],0.004deg], coord=B1950",
)  # fmt: skip
RANGES = (
    "", ", range=[2chan,7chan]", ", range=[1.4202GHz,1.4207GHz]", ", range=[-40km/s,60km/s], veltype=radio, restfreq=1.4204GHz", ", corr=[I]",
    ", range=[1420.1MHz,1420.5MHz], frame=LSRK",
)  # fmt: skip


def regions(r: random.Random) -> list[str]:
    tasks = (
        "R = t.imstat('{i}', region='{q}')", "R = t.imsubimage('{i}', 'O/x', region='{q}')", "R = t.imcollapse('{i}', 'mean', axes=[0,1], outfile='O/x', region='{q}')",
        "R = t.imstat('{i}', region='{q}', axes=[0,1])", "R = t.immath('{i}', 'evalexpr', 'O/x', 'IM0*2', region='{q}')",
        "R = t.specflux('{i}', region='{q}', logfile='O/l', unit='km/s')", "R = t.immoments('{i}', [0], outfile='O/x', region='{q}')",
        "ia = opened('{i}'); b = ia.boundingbox('{q}'); R = [b['blc'], b['trc']]; ia.done()",
    )  # fmt: skip
    out = []
    for shape in SHAPES:
        sizes = {"r": (5, 12), "q": (4, 9), "w": (9, 22), "h": (8, 18), "p": (0, 180), "s": (2.5, 6)}
        text = shape.format(**{k: r.uniform(*v) for k, v in sizes.items()}) + r.choice(RANGES)
        cut = r.random() < 0.3
        text += "\\n-circle[[10pix,9pix],2.1pix]" if cut else ""
        # moments of planes with beams of their own are those of the smoothed image here, of the smoothed box there
        task, image = r.choice(tasks), r.choice(("c.im", "m.im", "f.fits", "k.im"))
        out.append(task.format(i="c.im" if "moments" in task else image, q=text))
    return out


def pixel_types(r: random.Random) -> list[str]:
    every = (
        "R = t.imsubimage('{i}', 'O/x', chans='1~4')", "R = t.immath('{i}', 'evalexpr', 'O/x', 'IM0*2+1')", "R = t.immath('{i}', 'evalexpr', 'O/x', 'abs(IM0)')",
    )  # fmt: skip
    floats = (
        "R = t.imtrans('{i}', 'O/x', '3012')", "R = t.imrebin('{i}', 'O/x', [2,2,1,1])", "R = t.imcollapse('{i}', 'mean', axes=[3], outfile='O/x')",
        "R = t.imcollapse('{i}', 'sum', axes=[0,1], outfile='O/x')", "R = t.imstat('{i}')", "R = t.imval('{i}', box='3,4,3,4')",
        "R = t.immoments('{i}', [1], outfile='O/x', includepix=[.2,9])", "R = t.imcontsub('{i}', 'O/l', 'O/c', fitorder=1, chans='0~1;4~5')",
        "R = t.imsmooth('{i}', 'gauss', '9arcsec', '7arcsec', '30deg', targetres=True, outfile='O/x')", "ia = opened('{i}'); R = ia.getprofile(3); ia.done()",
        "t.exportfits('{i}', 'O/x.fits', velocity=True, bitpix=16); t.importfits('O/x.fits', 'O/x'); R = None",
        "t.exportfits('{i}', 'O/x.fits', dropdeg=True, stokeslast=False, optical=True, velocity=True); "
        "t.importfits('O/x.fits', 'O/x', defaultaxes=True, defaultaxesvalues=['', '', '', 'I']); R = None",
        "R = t.imsmooth('{i}', 'commonbeam', outfile='O/x')",
    )  # fmt: skip
    out = [call.format(i=i) for call in every for i in ("z.im", "d.im")]
    return out + [call.format(i=r.choice(("k.im", "f.fits", "c.im"))) for call in floats]


def headers(r: random.Random) -> list[str]:
    keys = (
        "beammajor", "bunit", "cdelt1", "cdelt3", "crpix1", "crpix4", "crval1", "crval4", "ctype1", "ctype4", "cunit1", "cunit4", "datamax", "datamin",
        "date-obs", "equinox", "imtype", "masks", "maxpixpos", "maxpos", "minpixpos", "minpos", "object", "observer", "projection", "reffreqtype",
        "restfreq", "shape", "telescope", "nonsuch",
    )  # fmt: skip
    values = {
        "beammajor": "'7arcsec'", "beampa": "'33deg'", "bunit": "'K'", "cdelt1": "'-3arcsec'", "crpix1": "5.5", "crval1": "'1.9rad'", "crval4": "'1.3GHz'",
        "cunit1": "'deg'", "date-obs": "'2015/03/04/05:06:07'", "equinox": "'B1950'", "imtype": "'Velocity'", "object": "'M51'", "projection": "'TAN'",
        "reffreqtype": "'BARY'", "restfreq": "'1.41GHz'", "telescope": "'VLA'", "mine": "3.5", "yours": "'text'",
    }  # fmt: skip
    told = "ia = opened('w.im'); c = ia.coordsys(); R = [a, b, c.referencevalue('n')['numeric'], c.increment('n')['numeric'], ia.restoringbeam()]; ia.done()"
    out = [f"R = {{'v': t.imhead('{r.choice(('c.im', 'k.im', 'q.im'))}', 'get', '{key}')}}" for key in keys]
    out += [f"R = t.imhead('{i}', '{mode}')" for i in ("c.im", "k.im", "q.im") for mode in ("list", "summary")]
    for key, value in values.items():
        i = r.choice(("c.im", "q.im"))
        put = f"a = t.imhead('w.im', 'put', '{key}', {value}); b = {{'b': t.imhead('w.im', 'get', '{key}')}}"
        out.append(f"shutil.copytree('{i}', 'w.im'); {put}; {told}")
    for key in ("beammajor", "bunit", "object", "observer", "restfreq", "telescope", "masks", "mine", "date-obs", "imtype"):
        out.append(
            f"shutil.copytree('c.im', 'w.im'); t.imhead('w.im', 'add', 'mine', 2); a = t.imhead('w.im', 'del', '{key}'); R = [a, t.imhead('w.im', 'list')]"
        )
    return out


PLAIN = (
    "fmod({b}, .7)", "max({a}, .3)", "{b}^2", "{a}%.4", "complex({a}, {b})", "'z.im'*2", "real('z.im')*imag('z.im')", "'d.im'+{b}", "sqrt('z.im')", "exp('z.im'/9)",
    "'z.im'/c.im", "iif({a}>.1, 1, 0)", "iif(mean({a})>.1, {a}, {b})", "{b}[{a}>.1 && {b}<2]", "{b}[!({a}>.1)]", "{b}[{a}>.1 || {a}<-.1]", "replace({a}, {b})",
    "replace({a}[{b}>0], -1)", "{b}[indexin(0, [2:5])]", "{a}[mask({a})]", "{b}[!mask({a})]", "value({a})[{b}>0]", "2^-{b}", "-{b}^2", "iif({b}>0, {a}, {b}[{b}<1])",
    "mean({a}[{b}>1])*{b}", "median({b}[{a}>0])+{b}", "ntrue({a}>0)+{b}*0", "1e-1*{b}+.5E+1", "{b}*1i", "{b}*0+length({b}, 2)", "iif(any({a}>9), 1, {b})",
    "variance({b}[{a}>0])+0*{b}", "iif(isnan(sqrt({b})), 0, sqrt({b}))", "fractile({a}, .3)+0*{b}", "fractilerange({a}, .2, .7)+0*{b}", "pa({a}, {b})", "amp({a}, {b})",
    "spectralindex({b}, {a})", "{a}>{b}", "{a}+", "({a}", "{a}[", "foo({a})", "{a} {b}", "{b}**2", "min()", "max({a}, {b}, 1)", "floor('z.im')", "min('z.im', {a})",
    "pa('z.im', {a})", "sign({a}>0)", "{a}+'s.im'", "all({a}>-9)",
)  # fmt: skip


def expressions(r: random.Random) -> list[str]:
    a, b = "'c.im'", "'m.im'"
    texts = [text.format(a=a, b=b) for text in PLAIN]
    operands = (
        a,
        b,
        "2.5",
        ".5",
        "mean('c.im')",
        f"abs({b})",
        f"{a}[{b}>0]",
        f"max({a},{b})",
        f"replace({a},.5)",
        f"iif({a}>{b},{a},{b})",
        "'d.im'",
        "real('z.im')",
    )
    for _ in range(16):
        text = r.choice((a, b))
        for _ in range(r.randint(2, 5)):
            text = f"({text}{r.choice('+-*/')}{r.choice(operands)})"
            if r.random() < 0.3:
                text = f"{r.choice(('sin', 'abs', 'floor', 'tanh'))}({text})"
            if r.random() < 0.2:
                text = f"{text}[{r.choice((a, b))}>{r.uniform(-0.2, 0.3):.2f}]"
        texts.append(text)
    return [f"R = image().imagecalc('O/x', {text!r}, overwrite=True)" for text in texts]


def fits(r: random.Random) -> list[str]:
    out = []
    for more in (
        "",
        "dooff=True, offset=.1",
        "dooff=True, offset=.05, fixoffset=True",
        "includepix=[.2, 100]",
        "noisefwhm='5arcsec'",
    ):
        found = "f = t.imfit('{i}', box='3,3,17,15', rms=.2{c}{m}); c = f['results']['component0']; del f['deconvolved']; R = f"
        out.append(found.format(i="p.im", c="", m=", " * bool(more) + more))
        out.append(found.format(i="c.im", c=", chans='5'", m=", " * bool(more) + more))
    one = "f = t.specfit('m.im', box='10,9,10,9', model='O/m', residual='O/r', wantreturn=True, {m}); del f['niter']; R = f"
    single = (
        "ngauss=1", "ngauss=1, poly=0", "poly=2, ngauss=0", "pfunc='l', pampest=[4], pcenterest=[5], pfwhmest=[4], ngauss=0",
        "ngauss=0, gmncomps=[2], gmampest=[4, .5], gmcenterest=[5, 7], gmfwhmest=[4, 3], gmampcon=[.1]",
    )  # fmt: skip
    many = (
        "f = t.specfit('c.im', box='8,7,11,10', multifit=True, amp='O/amp', center='O/cen', fwhm='O/fwhm', amperr='O/ampe', "
        "wantreturn=True, {m}); del f['niter']; R = f"
    )
    pixels = ("goodamprange=[1, 10]", "goodcenterrange=[3, 7], goodfwhmrange=[1, 6]", "sigma=.3*np.ones(12)")
    rotation = "t.rmfit('q.im', rm='O/rm', rmerr='O/rme', pa0='O/pa', pa0err='O/pae', nturns='O/n', {m}); R = None"
    return [
        *out, *(one.format(m=m) for m in single), *(many.format(m="ngauss=1, " + m) for m in pixels), many.format(m="poly=1, ngauss=0"),
        *(rotation.format(m=m) for m in ("sigma=.01, rmmax=200, rmfg=5", "sigma=.3, maxpaerr=12", "sigma=.005, rmmax=500")),
    ]  # fmt: skip


def derived(r: random.Random) -> list[str]:
    out = []
    for i in ("m.im", "q.im"):
        grid = f"T = t.imregrid('{i}', 'get'); T['csys']['spectral2']['wcs']['cdelt'] *= 1.4; T['csys']['spectral2']['wcs']['crpix'] += .7"
        out += [
            f"{grid}; R = t.imregrid('{i}', T, 'O/x', axes=[3], {w})"
            for w in ("interpolation='linear'", "interpolation='nearest'", "asvelocity=False")
        ]
        out += [
            f"R = t.imreframe('{i}', 'O/x', {w})"
            for w in ("outframe='bary'", "outframe='lsrd'", "outframe='geo'", "restfreq='1.41GHz'")
        ]
        out += [
            f"R = t.specsmooth('{i}', 'O/x', axis=3, {w})"
            for w in ("function='boxcar', width=4, dmethod=''", "function='hanning', dmethod='copy'")
        ]
        out.append(f"R = t.imrebin('{i}', 'O/x', [{r.randint(2, 3)}, {r.randint(2, 4)}, 1, 3], crop={r.choice((True, False))})")
    for i in ("c.im", "k.im"):
        out += [
            f"t.impbcor('{i}', '{i}', 'O/x', {w}); R = None"
            for w in ("mode='multiply'", "cutoff=.5", "mode='multiply', cutoff=.2, box='2,2,12,12', chans='1~3'")
        ]
        out += [
            f"R = t.imcollapse('{i}', {w}, outfile='O/x')"
            for w in ("'variance', axes=[3]", "'flux', axes=[0, 1]", "'madm', axes=[3], stretch=True")
        ]
        out += [
            f"R = t.specflux('{i}', logfile='O/l', {w})"
            for w in ("function='mean', unit='GHz'", "function='flux density', major='9arcsec', minor='5arcsec'")
        ]
        out += [
            f"R = t.immath('{i}', 'evalexpr', 'O/x', 'IM0', {w})"
            for w in (f"mask='{i}>0.1'", "box='2,2,9,9', chans='2~4'", "prec='double'", "stokes='I'")
        ]
    out += [f"R = t.impv('m.im', 'O/x', {w})" for w in (
        "start=[4, 4], end=[14, 4]", "mode='length', center=[9, 8], length=8, pa='30deg'", "start=[4, 4], end=[14, 4], width=5, unit='arcmin', chans='1~3'",
        "mode='length', center=['02:00:00.0', '-25.00.00'], length='14arcsec', pa='120deg', width='6arcsec'",
    )]  # fmt: skip
    # cubes with planes of them, numbers of images of any shape, and parameters that once were read otherwise
    out += [
        f"R = t.immath(['c.im', 'p.im', 's.im'], outfile='O/x', expr={e!r})"
        for e in ("IM0-IM1", "IM1*2+IM0*mean(IM2)", "IM0+median(IM2[IM2>1])")
    ]
    out += [
        f"t.imcontsub('m.im', {w}); R = None"
        for w in ("linefile='O/l', fitorder=1", "contfile='O/c', chans='range=[1.4201GHz,1.4206GHz]'")
    ]
    out += [
        f"t.impbcor('c.im', {w}); R = None" for w in ("'m.im', 'O/x', cutoff=0", "opened('p.im').getchunk()[:, :, 0, 0], 'O/x'")
    ]
    out += [
        "R = t.imsmooth('m.im', 'gauss', 9, 7, 0, outfile='O/x')",
        "R = t.imval('c.im', box='-1,-1')",
        "R = t.imval('z.im', box='3,4,5,6')",
    ]
    told = "L = [x.split() for x in open('O/l') if x[:1] != '#']; R = np.array([[float(v) for v in x] for x in L if x])"
    out += [
        f"t.{w}; {told}" for w in ("specflux('c.im', logfile='O/l', unit='m/s')", "imstat('c.im', axes=[0, 1], logfile='O/l')")
    ]
    modes = ("'poli', sigma='100mJy/beam'", "'pola'", "'lpoli', sigma='50mJy/beam'", "'tpoli'")
    return out + [
        f"R = t.immath('q.im', mode={mode.split(',')[0]}, outfile='O/x'{',' * (',' in mode)}{mode.partition(',')[2]})"
        for mode in modes
    ]


@pytest.mark.oracle
@pytest.mark.parametrize("family", [regions, pixel_types, headers, expressions, fits, derived])
def test_random_calls_give_the_same(family: Any, tmp_path: Path) -> None:
    assert_same_calls(family(random.Random(11)), tmp_path)
