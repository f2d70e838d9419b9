# ruff: noqa: E402, B018 - the cells of a notebook, made by docs/notebook.py
# %% [markdown]
# # From data to an image
#
# The suite brings a small observation with it: an HI disk (field 2) with a flux calibrator (0) and a gain calibrator (1), seen by a
# VLA-like array. Gains, bandpass, noise and bad integrations are put in. We flag, calibrate, subtract the continuum and image the line.
#
# `pip install ./casatools ./casatasks` in a checkout is all that is needed; run the cells in any folder.
# %%
from casatools.simulation.demo import DemoOptions, make_demo

truth = make_demo("demo.ms", DemoOptions(antennas_per_arm=5, cycles=2))
truth
# %% [markdown]
# What was observed? `listobs` gives a record and writes a text.
# %%
from pathlib import Path

from casatasks import listobs

summary = listobs(vis="demo.ms", listfile="demo.txt")
print(*Path("demo.txt").read_text().splitlines()[:28], sep="\n")
# %% [markdown]
# Flag the beginnings of scans, autocorrelations and absurd amplitudes, in one pass over the data.
# %%
from casatasks import flagdata

commands = ["mode='manual' autocorr=True", "mode='quack' quackinterval=10.0", "mode='clip' clipminmax=[0,10] clipzeros=True"]
flagdata(vis="demo.ms", mode="list", inpfile=commands)
counts = flagdata(vis="demo.ms", mode="summary")
print(f"{100 * counts['flagged'] / counts['total']:.1f} % of the visibilities are flagged")
# %% [markdown]
# Calibrate: the model of the flux calibrator, its bandpass, gains, and the flux density of the gain calibrator.
# %%
from casatasks import applycal, bandpass, fluxscale, gaincal, setjy

setjy(vis="demo.ms", field="0", standard="Perley-Butler 2017", usescratch=True)
gaincal(vis="demo.ms", caltable="phase.cal", field="0", solint="int", calmode="p", refant="VA01")
bandpass(vis="demo.ms", caltable="band.cal", field="0", solint="inf", combine="scan", refant="VA01", gaintable=["phase.cal"])
gaincal(vis="demo.ms", caltable="gain.cal", field="0,1", solint="inf", refant="VA01", gaintable=["band.cal"])
fluxes = fluxscale(vis="demo.ms", caltable="gain.cal", fluxtable="flux.cal", reference="0", transfer="1")
print(f"gain calibrator: {fluxes['1']['0']['fluxd'][0]:.3f} Jy found, {truth.gain_jy:.3f} Jy put in")
# %% [markdown]
# The gains that were found, drawn with matplotlib from the table itself.
# %%
import matplotlib.pyplot as plt
import numpy as np

from casatools import table

tb = table()
tb.open("gain.cal")
time_min = (tb.getcol("TIME") - tb.getcol("TIME").min()) / 60
gain, antenna = tb.getcol("CPARAM")[0, 0], tb.getcol("ANTENNA1")
tb.close()
figure, axes = plt.subplots(figsize=(8, 3.2), layout="constrained")
for number in np.unique(antenna):
    mine = antenna == number
    axes.plot(time_min[mine], np.rad2deg(np.angle(gain[mine])), ".-", lw=0.8)
_ = axes.set(xlabel="time [min]", ylabel="gain phase [deg]", title="One line an antenna")
# %% [markdown]
# Correct the target, take it out, and subtract the continuum fitted to channels without line.
# %%
from casatasks import split, uvcontsub

applycal(vis="demo.ms", field="1,2", gaintable=["flux.cal", "band.cal"], gainfield=["1", "0"], interp=["linear", "nearest"])
split(vis="demo.ms", outputvis="target.ms", field="2", datacolumn="corrected")
fit = uvcontsub(vis="target.ms", outputvis="line.ms", fitspec="0:2~7;32~37", fitorder=0)
# %% [markdown]
# Image the line. Started under `mpirun`, this call uses all ranks: the channels of a cube are shared out.
# %%
from casatasks import tclean

result = tclean(
    vis="line.ms",
    imagename="line",
    specmode="cube",
    imsize=128,
    cell="15arcsec",
    weighting="briggs",
    robust=0.5,
    restfreq="1.420405751786GHz",
    niter=500,
    threshold="20mJy",
    pbcor=True,
)
print(result["stopDescription"], "after", result["iterdone"], "iterations")
# %% [markdown]
# Total intensity and mean velocity of the gas.
# %%
from casatasks import immoments
from casatools import image

immoments(imagename="line.image", moments=[0], outfile="line.mom0")
immoments(imagename="line.image", moments=[1], outfile="line.mom1", includepix=[0.03, 100])
ia = image()
figure, axes = plt.subplots(1, 2, figsize=(10, 4.2), layout="constrained")
for panel, name, unit, colours, parts in zip(
    axes, ("line.mom0", "line.mom1"), ("Jy/beam km/s", "km/s"), ("inferno", "RdBu_r"), ([0, 100], [1, 99]), strict=True
):
    ia.open(name)
    pixels, good = np.squeeze(ia.getchunk()), np.squeeze(ia.getchunk(getmask=True))
    ia.close()
    low, high = np.percentile(pixels[good], parts)
    shown = panel.imshow(np.where(good, pixels, np.nan).T, origin="lower", cmap=colours, vmin=low, vmax=high)
    figure.colorbar(shown, ax=panel, label=unit)
    panel.set_title(name)
# %% [markdown]
# Numbers of the image, and the image as FITS for other programs.
# %%
from casatasks import exportfits, imstat

exportfits(imagename="line.image", fitsimage="line.fits", velocity=True)
statistics = imstat("line.image")
print(f"peak {statistics['max'][0]:.3f} Jy/beam, rms {statistics['rms'][0] * 1000:.1f} mJy/beam")
