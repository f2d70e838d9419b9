"""Seeded random calls of all methods of msmetadata, with every parameter, in words that our tool and the reference's understand.

The names in the calls are what a MeasurementSet has: ``scans fields spws names intents times``.
"""

from __future__ import annotations

import random

__all__ = ["random_call"]

_IDS = ("0", "1", "[0]", "[0, 1]", "[1, 0]", "-1", "[]", "[0, 0]")
_SCAN = ("scans[0]", "scans[-1]", "scans[len(scans) // 2]", "99")
_FIELD = ("0", "1", "fields[0]", "fields[-1]", "'nope'", "2")
_SPW = ("0", "1", "2", "99")
_INTENT = ("intents[0] if len(intents) else ''", "'*'", "'*PHASE*'", "'CALIBRATE*'", "'*#ON*'")
_TIME = ("times[0]", "times[-1] + 3.0", "times[len(times) // 2] - 1.0")
_BOOL = ("True", "False")
_OBS, _ARRAY = ("-1", "0", "5"), ("-1", "0", "3")
_UNIT = ("'Hz'", "'GHz'", "'kHz'")
_ONE = ("0", "1", "9")
# The values that each parameter of each method may take; where CASA is known to be wrong (docs/quirks.md) there are none.
_PARAMETERS: dict[str, tuple[tuple[str, ...], ...]] = {
    "almaspws": (_BOOL,) * 6, "antennadiameter": (("0", "-1", "names[1]"),), "antennaids": (("''", "names[0]", "'*'", "'*0*'", "[names[1], names[0]]"), ("'0m'", "'5m'", "'12m'"), ("'1pc'", "'12m'", "'11.9m'"), ("-1", "0")),
    "antennanames": (_IDS,), "antennaoffset": (("0", "1", "names[1]"),), "antennaposition": (("0", "1", "names[1]"),), "antennasforscan": (_SCAN, _OBS, _ARRAY),
    "antennastations": ((*_IDS, "names[0]"), ("-1", "0")), "bandwidths": (_IDS,), "baseband": (_SPW,), "baselines": (), "chanavgspws": (), "chaneffbws": (_SPW, (*_UNIT, "'m/s'"), _BOOL),
    "chanfreqs": (_SPW, (*_UNIT, "'m'", "'cm'")), "chanres": (_SPW, (*_UNIT, "'km/s'"), _BOOL), "chanwidths": (_SPW, _UNIT), "corrbit": (_IDS,), "corrprodsforpol": (_ONE,), "corrtypesforpol": (_ONE,),
    "datadescids": (("-1", "0", "1"), ("-1", "0", "1")), "exposuretime": (_SCAN, _SPW, ("-1", "0", "1"), ("0",), ("0",)), "fdmspws": (), "fieldnames": (), "fieldsforintent": (_INTENT, _BOOL),
    "fieldsforname": (("''", "fields[0]"),), "fieldsforscan": (_SCAN, _BOOL, _OBS, _ARRAY), "fieldsforscans": (("[]", "[scans[0]]", "[scans[0], scans[-1]]", "scans[:3]", "[99]"), _BOOL, ("0",), ("0",), _BOOL),
    "fieldsforsource": (("0", "1", "9"), _BOOL), "fieldsforsources": (_BOOL,), "fieldsforspw": (_SPW, _BOOL), "intents": (), "intentsforfield": (_FIELD,), "intentsforscan": (_SCAN, _OBS, _ARRAY),
    "intentsforspw": (_SPW,), "meanfreq": (_SPW, (*_UNIT, "'m'")), "namesforfields": (_IDS,), "namesforspws": (_IDS,), "nantennas": (), "narrays": (), "nbaselines": (_BOOL,), "nchan": (_SPW,), "ncorrforpol": ((*_ONE, "-1"),),
    "nfields": (), "nobservations": (), "nscans": (), "nspw": (_BOOL,), "nstates": (), "observatorynames": (), "observatoryposition": (("0", "9"),), "observers": (), "phasecenter": (_ONE,),
    "pointingdirection": (("0", "1"), _BOOL, ("0",)), "polidfordatadesc": ((*_ONE, "-1"),), "projects": (), "propermotions": (), "refdir": (_FIELD,), "reffreq": (_SPW,), "rxbands": (_IDS,),
    "scannumbers": (_OBS, _ARRAY), "scansforfield": (_FIELD, _OBS, _ARRAY), "scansforfields": (("0",), ("0",)), "scansforintent": (_INTENT, _OBS, _ARRAY), "scansforspw": (_SPW, _OBS, _ARRAY),
    "scansforspws": (("0",), ("0",)), "scansforstate": (("0", "1", "2", "40"), _OBS, _ARRAY), "scansfortimes": (_TIME, ("0.0", "1.0", "30.0"), _OBS, _ARRAY), "schedule": (("0", "9"),), "sideband": (_SPW,),
    "sourceidforfield": (_ONE,), "sourcedirs": (), "sourceidsfromsourcetable": (), "sourcenames": (), "sourcetimes": (), "spwfordatadesc": ((*_ONE, "-1"),),
    "spwsforbaseband": (("-1", "1", "2"), ("'include'", "'exclude'", "'only'")), "spwsforfield": (_FIELD,), "spwsforfields": (), "spwsforintent": (_INTENT,), "spwsfornames": (("''", "spws[0]", "[spws[-1], spws[0]]"),),
    "spwsforscan": (_SCAN, _OBS, _ARRAY), "spwsforscans": (("0",), ("0",)), "statesforscan": (_SCAN, _OBS, _ARRAY), "statesforscans": (("0",), ("0",)), "subwindows": (_IDS,), "summary": (), "tdmspws": (), "timerangeforobs": (("0", "9"),),
    "timesforfield": (_ONE,), "timesforintent": (_INTENT,), "timesforscan": (_SCAN, _OBS, _ARRAY, _BOOL), "timesforscans": (("scans[0]", "[scans[0]]", "[scans[0], scans[-1]]", "[99]"), ("-1",), ("-1",)), "timesforspws": (_IDS,), "wvrspws": (_BOOL,),
}  # fmt: skip


def random_call(r: random.Random) -> str:
    """A call of any method."""
    name = r.choice(list(_PARAMETERS))
    return f"m.{name}({', '.join(r.choice(values) for values in _PARAMETERS[name])})"
