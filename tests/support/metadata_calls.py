"""One call or more of each method of msmetadata, in words that both our tool and the reference's understand."""

from __future__ import annotations

__all__ = ["CALLS", "SCRIPT"]

# Expressions; `m` is the tool, `scan` the first scan, `field` the first field's name, `intent` an intent or "*", `time` the first time, `obs` the last observation.
CALLS: dict[str, tuple[str, ...]] = {
    "almaspws": ("m.almaspws(fdm=True)", "m.almaspws(tdm=True, chavg=True)", "m.almaspws(wvr=True, complement=True)"),
    "antennadiameter": ("m.antennadiameter(0)", "m.antennadiameter()"), "antennaids": ("m.antennaids()", "m.antennaids('*', '5m', '30m')", "m.antennaids(obsid=0)"),
    "antennanames": ("m.antennanames()", "m.antennanames([1, 0])"), "antennaoffset": ("m.antennaoffset(1)",), "antennaposition": ("m.antennaposition(1)",),
    "antennasforscan": ("m.antennasforscan(scan)", "m.antennasforscan(scan, 0, 0)"), "antennastations": ("m.antennastations()", "m.antennastations([1])"),
    "bandwidths": ("m.bandwidths()", "m.bandwidths(0)", "m.bandwidths([0])"), "baseband": ("m.baseband(0)",), "baselines": ("m.baselines()",),
    "chanavgspws": ("m.chanavgspws()",), "chaneffbws": ("m.chaneffbws(0)", "m.chaneffbws(0, 'kHz')", "m.chaneffbws(0, 'm/s', True)"),
    "chanfreqs": ("m.chanfreqs(0)", "m.chanfreqs(0, 'GHz')"), "chanres": ("m.chanres(0)", "m.chanres(0, 'km/s', True)"), "chanwidths": ("m.chanwidths(0, 'MHz')",),
    "corrbit": ("m.corrbit()", "m.corrbit(0)", "m.corrbit([0])"), "corrprodsforpol": ("m.corrprodsforpol(0)",), "corrtypesforpol": ("m.corrtypesforpol(0)",),
    "datadescids": ("m.datadescids()", "m.datadescids(0)", "m.datadescids(pol=0)"), "effexposuretime": ("m.effexposuretime()['unit']",),
    "exposuretime": ("m.exposuretime(scan, int(m.spwsforscan(scan)[0]))",), "fdmspws": ("m.fdmspws()",), "fieldnames": ("m.fieldnames()",),
    "fieldsforintent": ("m.fieldsforintent(intent)", "m.fieldsforintent(intent, True)"), "fieldsforname": ("m.fieldsforname(field)", "m.fieldsforname()"),
    "fieldsforscan": ("m.fieldsforscan(scan)", "m.fieldsforscan(scan, True)"),
    "fieldsforscans": ("m.fieldsforscans([scan])", "m.fieldsforscans()", "m.fieldsforscans([scan], False, 0, 0, True)"),
    "fieldsforsource": ("m.fieldsforsource(0)", "m.fieldsforsource(0, True)"), "fieldsforsources": ("m.fieldsforsources()", "m.fieldsforsources(True)"),
    "fieldsforspw": ("m.fieldsforspw(0)", "m.fieldsforspw(0, True)"), "fieldsfortimes": ("m.fieldsfortimes(time, 5.0)",), "intents": ("m.intents()",),
    "intentsforfield": ("m.intentsforfield(0)", "m.intentsforfield(field)"), "intentsforscan": ("m.intentsforscan(scan)",), "intentsforspw": ("m.intentsforspw(0)",),
    "meanfreq": ("m.meanfreq(0)", "m.meanfreq(0, 'GHz')"), "namesforfields": ("m.namesforfields()", "m.namesforfields(0)"),
    "namesforspws": ("m.namesforspws()", "m.namesforspws([0])"), "nantennas": ("m.nantennas()",), "narrays": ("m.narrays()",),
    "nbaselines": ("m.nbaselines()", "m.nbaselines(True)"), "nchan": ("m.nchan(0)",), "ncorrforpol": ("m.ncorrforpol(0)", "m.ncorrforpol()"),
    "nfields": ("m.nfields()",), "nobservations": ("m.nobservations()",), "nrows": ("m.nrows()",), "nscans": ("m.nscans()",), "nsources": ("m.nsources()",),
    "nspw": ("m.nspw()", "m.nspw(False)"), "nstates": ("m.nstates()",), "observatorynames": ("m.observatorynames()",),
    "observatoryposition": ("m.observatoryposition(0)",), "observers": ("m.observers()",), "phasecenter": ("m.phasecenter(0)",),
    "pointingdirection": ("m.pointingdirection(0)", "m.pointingdirection(1, True)"), "polidfordatadesc": ("m.polidfordatadesc(0)", "m.polidfordatadesc()"),
    "projects": ("m.projects()",), "propermotions": ("m.propermotions()",), "refdir": ("m.refdir(0)", "m.refdir(field)"), "reffreq": ("m.reffreq(0)",),
    "restfreqs": ("m.restfreqs(0, 0)",), "rxbands": ("m.rxbands()", "m.rxbands([0])"), "scannumbers": ("m.scannumbers()", "m.scannumbers(obs)"),
    "scansforfield": ("m.scansforfield(0)", "m.scansforfield(field)"), "scansforfields": ("m.scansforfields(0, 0)",),
    "scansforintent": ("m.scansforintent(intent)",), "scansforspw": ("m.scansforspw(0)",), "scansforspws": ("m.scansforspws(0, 0)",),
    "scansforstate": ("m.scansforstate(0)",), "scansfortimes": ("m.scansfortimes(time, 5.0)",), "schedule": ("m.schedule(0)",), "sideband": ("m.sideband(0)",),
    "sourcedirs": ("m.sourcedirs()",), "sourceidforfield": ("m.sourceidforfield(0)",), "sourceidsfromsourcetable": ("m.sourceidsfromsourcetable()",),
    "sourcenames": ("m.sourcenames()",), "sourcetimes": ("m.sourcetimes()",), "spwfordatadesc": ("m.spwfordatadesc(0)", "m.spwfordatadesc()"),
    "spwsforbaseband": ("m.spwsforbaseband()", "m.spwsforbaseband(1)"), "spwsforfield": ("m.spwsforfield(0)", "m.spwsforfield(field)"),
    "spwsforfields": ("m.spwsforfields()",), "spwsforintent": ("m.spwsforintent(intent)",), "spwsfornames": ("m.spwsfornames()",),
    "spwsforscan": ("m.spwsforscan(scan)",), "spwsforscans": ("m.spwsforscans(0, 0)",), "statesforscan": ("m.statesforscan(scan)",),
    "statesforscans": ("m.statesforscans(0, 0)",), "subwindows": ("m.subwindows()", "m.subwindows([0])"), "summary": ("m.summary()",), "tdmspws": ("m.tdmspws()",),
    "timerangeforobs": ("m.timerangeforobs(0)",), "timesforfield": ("m.timesforfield(0)",), "timesforintent": ("m.timesforintent(intent)",),
    "timesforscan": ("m.timesforscan(scan)", "m.timesforscan(scan, perspw=True)"), "timesforscans": ("m.timesforscans([scan])",),
    "timesforspws": ("m.timesforspws()", "m.timesforspws(0)"), "transitions": ("m.transitions(0, 0)",), "wvrspws": ("m.wvrspws()", "m.wvrspws(True)"),
}  # fmt: skip

# Run by an interpreter of ours or of the reference: the file of paths, the file of results.
SCRIPT = """
import json, sys
import numpy as np
from casatools import msmetadata
calls, paths = json.load(open(sys.argv[1]))


def plain(value):
    if isinstance(value, dict):
        return {str(k): plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple, np.ndarray)):
        return [plain(v) for v in np.asarray(value).tolist()] if isinstance(value, np.ndarray) else [plain(v) for v in value]
    return value.item() if isinstance(value, np.generic) else value


out = {}
for path in paths:
    m = msmetadata()
    m.open(path)
    intents = m.intents()
    here = {"m": m, "scan": int(m.scannumbers()[0]), "field": m.fieldnames()[0], "intent": str(intents[0]) if len(intents) else "*",
            "time": float(m.timesforfield(0)[0]), "obs": m.nobservations() - 1}
    for name, texts in calls.items():
        for text in texts:
            try:
                found = plain(eval(text, here))
            except Exception as error:
                found = {"error": type(error).__name__}
            out[path + "|" + text] = found
    m.close()
json.dump(out, open(sys.argv[2], "w"))
"""
