"""All methods of msmetadata on layouts as LOFAR and MeerKAT write them, against counts made from the columns that were written."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from casacore.tables import default_ms, makescacoldesc, maketabdesc, table

from casatools import msmetadata
from casatools._base.errors import CasaError, DataError, ParameterError
from support.metadata_calls import CALLS

C_M_S = 299792458.0


@dataclass(frozen=True)
class Layout:
    """What was written: the columns of the main table by name, and the sub-tables."""

    path: str
    columns: dict[str, np.ndarray]
    antennas: list[str]
    fields: list[str]
    intents: list[list[str]]
    freqs: np.ndarray
    flagged: np.ndarray

    def distinct(self, column: str, **where: int) -> list[int]:
        """Sorted values of a column where others have given values."""
        return np.unique(self.columns[column][self.rows(**where)]).tolist()

    def rows(self, **where: int) -> np.ndarray:
        mask = np.ones(len(self.columns["TIME"]), bool)
        for name, value in where.items():
            mask &= self.columns[name] == value
        return mask

    def with_intent(self, intent: str) -> np.ndarray:
        states = [k for k, found in enumerate(self.intents) if intent in found]
        return np.isin(self.columns["STATE_ID"], states)


def make_layout(path: str, kind: str) -> Layout:
    """About a thousand rows. LOFAR: autocorrelations, one scan, no states and sources, sub-tables of its own. MeerKAT: many scans, two observations."""
    lofar = kind == "lofar"
    nant, nspw, nchan, nstep, step_s = (9, 3, 4, 8, 1.0) if lofar else (7, 2, 6, 24, 8.0)
    one, two = np.triu_indices(nant, 0 if lofar else 1)
    nrow = len(one) * nspw * nstep
    row = np.arange(nrow)
    pair, tick = row % len(one), row // len(one) // nspw
    scan = np.zeros(nrow, int) if lofar else tick // 3 + 1
    field = np.zeros(nrow, int) if lofar else np.array([0, 1, 2, 1])[(scan - 1) % 4]
    columns = {
        "ANTENNA1": one[pair], "ANTENNA2": two[pair], "DATA_DESC_ID": row // len(one) % nspw, "SCAN_NUMBER": scan, "FIELD_ID": field,
        "STATE_ID": np.full(nrow, -1) if lofar else field, "OBSERVATION_ID": np.zeros(nrow, int) if lofar else (scan > 5).astype(int),
        "TIME": 5e9 + step_s * tick + 60.0 * scan, "EXPOSURE": np.full(nrow, 0.9 * step_s) + 0.1 * (row % 3), "INTERVAL": np.full(nrow, step_s),
    }  # fmt: skip
    flagged = row % 5 == 0
    ms = default_ms(path)
    ms.addrows(nrow)
    for name, values in columns.items():
        ms.putcol(name, values.astype(np.float64 if values.dtype.kind == "f" else np.int32))
    ms.putcol("FLAG_ROW", flagged)
    ms.putcol("FLAG", np.repeat(flagged, nchan * 4).reshape(nrow, nchan, 4))
    ms.close()
    antennas = [f"CS{k:03d}HBA{k % 2}" for k in range(nant)] if lofar else [f"m{k:03d}" for k in range(nant)]
    fields = ["BEAM_0"] if lofar else ["J1939-6342", "J0408-6545", "DEEP2"]
    intents = [] if lofar else [["CALIBRATE_BANDPASS", "CALIBRATE_FLUX"], ["CALIBRATE_PHASE"], ["TARGET"]]
    freqs = (134e6 if lofar else 1.28e9) + 1e5 * np.arange(nspw * nchan).reshape(nspw, nchan)
    centre = np.array([3826896.2, 460979.5, 5064658.2] if lofar else [5109360.1, 2006852.6, -3238948.1])
    subtables: dict[str, list[dict[str, Any]]] = {
        "ANTENNA": [
            {"NAME": a, "STATION": f"S{k}", "POSITION": centre + 10.0 * k, "DISH_DIAMETER": 13.5 + k} for k, a in enumerate(antennas)
        ],
        "FIELD": [
            {"NAME": f, "SOURCE_ID": -1 if lofar else k, "TIME": 5e9, **{f"{c}_DIR": np.array([[1.0 + 0.1 * k, -0.5]]) for c in ("PHASE", "DELAY", "REFERENCE")}}
            for k, f in enumerate(fields)
        ],
        "DATA_DESCRIPTION": [{"SPECTRAL_WINDOW_ID": nspw - 1 - k, "POLARIZATION_ID": 0} for k in range(nspw)],
        "SPECTRAL_WINDOW": [
            {"NAME": f"SB-{k:03d}", "NUM_CHAN": nchan, "CHAN_FREQ": freqs[k], "REF_FREQUENCY": freqs[k, 0], "TOTAL_BANDWIDTH": 1e5 * nchan,
             "MEAS_FREQ_REF": 5, "NET_SIDEBAND": 1, **dict.fromkeys(("CHAN_WIDTH", "EFFECTIVE_BW", "RESOLUTION"), np.full(nchan, 1e5))}
            for k in range(nspw)
        ],
        "POLARIZATION": [{"NUM_CORR": 4, "CORR_TYPE": np.array([9, 10, 11, 12], np.int32), "CORR_PRODUCT": np.array([[0, 0], [0, 1], [1, 0], [1, 1]], np.int32)}],
        "STATE": [{"OBS_MODE": ",".join(i)} for i in intents],
        "OBSERVATION": [
            {"TELESCOPE_NAME": "LOFAR" if lofar else "MeerKAT", "OBSERVER": f"observer {k}", "PROJECT": f"P{k}", "SCHEDULE_TYPE": "",
             "TIME_RANGE": np.array([5e9, 5.1e9 + k])} for k in range(1 if lofar else 2)
        ],
    }  # fmt: skip
    for name, rows in subtables.items():
        with table(f"{path}/{name}", readonly=False, ack=False) as sub:
            sub.addrows(len(rows) - sub.nrows())
            for k, cells in enumerate(rows):
                for column, value in cells.items():
                    sub.putcell(column, k, value)
    if lofar:
        with table(path, readonly=False, ack=False) as main:
            table(f"{path}/LOFAR_STATION", maketabdesc([makescacoldesc("NAME", "")]), nrow=2, ack=False).close()
            main.putkeyword("LOFAR_STATION", f"Table: {os.path.abspath(path)}/LOFAR_STATION")
    return Layout(path, columns, antennas, fields, intents, freqs, flagged)


@pytest.fixture(scope="module", params=["lofar", "meerkat"])
def layout(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Layout:
    return make_layout(str(tmp_path_factory.mktemp("layouts") / f"{request.param}.ms"), request.param)


@pytest.fixture
def msmd(layout: Layout) -> msmetadata:
    tool = msmetadata()
    tool.open(layout.path)
    return tool


def same(found: Any, wanted: Any) -> None:
    """Arrays of whole numbers are equal, others to rounding."""
    found, wanted = np.asarray(found), np.asarray(wanted)
    assert found.shape == wanted.shape
    assert np.array_equal(found, wanted) if wanted.dtype.kind in "iUb" else np.allclose(found, wanted, rtol=1e-12)


def same_dicts(found: dict[str, Any], wanted: dict[str, Any]) -> None:
    assert set(found) == set(wanted)
    for key, value in wanted.items():
        same(found[key], value)


def spw_of_rows(layout: Layout) -> np.ndarray:
    """Spectral window of each row: data descriptions count them backwards."""
    return len(layout.freqs) - 1 - layout.columns["DATA_DESC_ID"]


def test_counts(layout: Layout, msmd: msmetadata) -> None:
    c = layout.columns
    auto = c["ANTENNA1"] == c["ANTENNA2"]
    clean = ~layout.flagged
    pairs = {(a, b) for a, b in zip(c["ANTENNA1"], c["ANTENNA2"])}
    cross = {p for p in pairs if p[0] != p[1]}
    assert msmd.nrows() == len(auto) and msmd.nrows(autoc=False) == (~auto).sum()
    assert msmd.nrows(flagged=False) == clean.sum() and msmd.nrows(False, False) == (clean & ~auto).sum()
    assert msmd.nbaselines() == len(cross) and msmd.nbaselines(ac=True) == len(pairs)
    assert (msmd.nantennas(), msmd.nfields(), msmd.nspw(), msmd.nspw(False)) == (
        len(layout.antennas), len(layout.fields), len(layout.freqs), len(layout.freqs)
    )  # fmt: skip
    assert msmd.nscans() == len(layout.distinct("SCAN_NUMBER")) and msmd.narrays() == 1
    assert msmd.nstates() == max(1, len(layout.intents)) and msmd.nobservations() == len(layout.distinct("OBSERVATION_ID"))
    same(
        msmd.baselines(),
        np.array([[(min(i, j), max(i, j)) in pairs for j in range(msmd.nantennas())] for i in range(msmd.nantennas())]),
    )
    effective = (c["EXPOSURE"] * clean).sum() / len(cross) / len(layout.freqs)
    assert msmd.effexposuretime()["value"] == pytest.approx(effective, rel=1e-12)


def test_scans(layout: Layout, msmd: msmetadata) -> None:
    c, spws = layout.columns, spw_of_rows(layout)
    same(msmd.scannumbers(), layout.distinct("SCAN_NUMBER"))
    for o in layout.distinct("OBSERVATION_ID"):
        same(msmd.scannumbers(obsid=o), layout.distinct("SCAN_NUMBER", OBSERVATION_ID=o))
        same_dicts(
            msmd.scansforfields(o, 0),
            {str(f): layout.distinct("SCAN_NUMBER", FIELD_ID=f, OBSERVATION_ID=o) for f in range(len(layout.fields))},
        )
        in_obs = c["OBSERVATION_ID"] == o
        same_dicts(
            msmd.scansforspws(o, 0), {str(s): np.unique(c["SCAN_NUMBER"][in_obs & (spws == s)]) for s in range(len(layout.freqs))}
        )
        scans = layout.distinct("SCAN_NUMBER", OBSERVATION_ID=o)
        same_dicts(msmd.spwsforscans(o, 0), {str(s): np.unique(spws[layout.rows(SCAN_NUMBER=s)]) for s in scans})
        same_dicts(msmd.statesforscans(o, 0), {str(s): layout.distinct("STATE_ID", SCAN_NUMBER=s) for s in scans})
        ids = layout.rows(OBSERVATION_ID=o)
        present = np.unique([c["ANTENNA1"][ids], c["ANTENNA2"][ids]])
        same(msmd.antennaids(obsid=o), present)
        assert msmd.antennastations(obsid=o) == [f"S{k}" for k in present]
    for f, name in enumerate(layout.fields):
        same(msmd.scansforfield(name), layout.distinct("SCAN_NUMBER", FIELD_ID=f))
        same(msmd.scansforfield(f), layout.distinct("SCAN_NUMBER", FIELD_ID=f))
    for s in range(len(layout.freqs)):
        same(msmd.scansforspw(s), np.unique(c["SCAN_NUMBER"][spws == s]))
    for scan in layout.distinct("SCAN_NUMBER"):
        rows = layout.rows(SCAN_NUMBER=scan)
        same(msmd.fieldsforscan(scan), layout.distinct("FIELD_ID", SCAN_NUMBER=scan))
        same(msmd.fieldsforscan(scan, True), [layout.fields[f] for f in layout.distinct("FIELD_ID", SCAN_NUMBER=scan)])
        same(msmd.antennasforscan(scan), np.unique([c["ANTENNA1"][rows], c["ANTENNA2"][rows]]))
        same(msmd.spwsforscan(scan), np.unique(spws[rows]))
        same(msmd.statesforscan(scan), layout.distinct("STATE_ID", SCAN_NUMBER=scan))
        same(msmd.timesforscan(scan), np.unique(c["TIME"][rows]))
        same_dicts(
            msmd.timesforscan(scan, perspw=True),
            {str(s): np.unique(c["TIME"][rows & (spws == s)]) for s in np.unique(spws[rows])},
        )
        obs = int(c["OBSERVATION_ID"][rows][0])
        exposure = c["EXPOSURE"][rows & (spws == 1)][0]
        assert msmd.exposuretime(scan, 1, obsid=obs)["value"] == exposure and msmd.exposuretime(scan, 1, 0, obs)["unit"] == "s"
        states = [s for s in layout.distinct("STATE_ID", SCAN_NUMBER=scan) if s >= 0]
        assert msmd.intentsforscan(scan) == sorted(i for s in states for i in layout.intents[s])
    scans = layout.distinct("SCAN_NUMBER")[:3]
    same(msmd.timesforscans(scans), np.unique(c["TIME"][np.isin(c["SCAN_NUMBER"], scans)]))
    same(msmd.fieldsforscans(scans), np.unique(c["FIELD_ID"][np.isin(c["SCAN_NUMBER"], scans)]))
    for state in range(len(layout.intents)):
        same(msmd.scansforstate(state), layout.distinct("SCAN_NUMBER", STATE_ID=state))


def test_times(layout: Layout, msmd: msmetadata) -> None:
    c, spws = layout.columns, spw_of_rows(layout)
    for time, tolerance in ((c["TIME"][0], 0.0), (c["TIME"][-1], 0.5), (float(np.median(c["TIME"])), 100.0), (4e9, 1.0)):
        near = np.abs(c["TIME"] - time) <= tolerance
        same(msmd.fieldsfortimes(time, tolerance), np.unique(c["FIELD_ID"][near]))
        same(msmd.scansfortimes(time, tolerance), np.unique(c["SCAN_NUMBER"][near]))
        same(msmd.scansfortimes(time, tolerance, 0, 0), np.unique(c["SCAN_NUMBER"][near & (c["OBSERVATION_ID"] == 0)]))
    for f in range(len(layout.fields)):
        same(msmd.timesforfield(f), np.unique(c["TIME"][c["FIELD_ID"] == f]))
    same_dicts(msmd.timesforspws(), {str(s): np.unique(c["TIME"][spws == s]) for s in range(len(layout.freqs))})
    same(msmd.timesforspws([1]), np.unique(c["TIME"][spws == 1]))
    assert msmd.timerangeforobs(0)["end"]["m0"]["value"] == pytest.approx(5.1e9 / 86400.0)
    for call in (msmd.fieldsfortimes, msmd.scansfortimes):
        with pytest.raises(ParameterError, match="tol"):
            call(c["TIME"][0], -1.0)


def test_fields_and_intents(layout: Layout, msmd: msmetadata) -> None:
    c, spws = layout.columns, spw_of_rows(layout)
    everything = range(len(layout.fields))
    assert msmd.fieldnames() == layout.fields and msmd.namesforfields([0]) == layout.fields[:1]
    same(msmd.fieldsforname(layout.fields[-1]), [len(layout.fields) - 1])
    for s in range(len(layout.freqs)):
        same(msmd.fieldsforspw(s), np.unique(c["FIELD_ID"][spws == s]))
        same(msmd.fieldsforspw(s, True), sorted(layout.fields[f] for f in np.unique(c["FIELD_ID"][spws == s])))
        found = [i for k, i in enumerate(layout.intents) if k in c["STATE_ID"][spws == s]]
        assert msmd.intentsforspw(s) == sorted(x for i in found for x in i)
    same_dicts(msmd.spwsforfields(), {str(f): np.unique(spws[c["FIELD_ID"] == f]) for f in everything})
    for f in everything:
        same(msmd.spwsforfield(f), np.unique(spws[c["FIELD_ID"] == f]))
        assert msmd.intentsforfield(f) == (sorted(layout.intents[f]) if layout.intents else [])
        assert msmd.sourceidforfield(f) == (f if layout.intents else -1)
        assert msmd.phasecenter(f)["m0"]["value"] == pytest.approx(1.0 + 0.1 * f) and msmd.refdir(f)["m1"]["value"] == -0.5
    assert sorted(msmd.intents()) == sorted(i for found in layout.intents for i in found)
    for intent in msmd.intents():
        rows = layout.with_intent(intent)
        same(msmd.fieldsforintent(intent), np.unique(c["FIELD_ID"][rows]))
        same(msmd.scansforintent(intent), np.unique(c["SCAN_NUMBER"][rows]))
        same(msmd.spwsforintent(intent), np.unique(spws[rows]))
        same(msmd.timesforintent(intent), np.unique(c["TIME"][rows]))
    sources = {str(k): [k] for k in everything} if layout.intents else {"-1": [0]}
    same_dicts(msmd.fieldsforsources(), sources)
    same_dicts(msmd.fieldsforsources(True), {k: [layout.fields[f] for f in v] for k, v in sources.items()})
    same(msmd.fieldsforsource(int(next(iter(sources)))), sources[next(iter(sources))])


def test_windows_and_correlations(layout: Layout, msmd: msmetadata) -> None:
    count, nchan = layout.freqs.shape
    assert msmd.namesforspws() == [f"SB-{k:03d}" for k in range(count)]
    same_dicts(msmd.spwsfornames("SB-001"), {"SB-001": [1]})
    same(msmd.bandwidths(), np.full(count, 1e5 * nchan))
    same(msmd.bandwidths([0]), np.array([1e5 * nchan]))
    for s in range(count):
        same(msmd.chanfreqs(s, "MHz"), layout.freqs[s] / 1e6)
        for widths in (msmd.chanwidths(s), msmd.chanres(s), msmd.chaneffbws(s)):
            same(widths, np.full(nchan, 1e5))
        same(msmd.chanres(s, "km/s", True), np.full(nchan, C_M_S / 1e3 * 1e5 / layout.freqs[s].mean()))
        assert msmd.nchan(s) == nchan and msmd.bandwidths(s) == 1e5 * nchan
        assert msmd.sideband(s) == -1  # only NET_SIDEBAND 2 is the upper one
        assert msmd.meanfreq(s) == pytest.approx(layout.freqs[s].mean()) and msmd.reffreq(s)["m0"]["value"] == layout.freqs[s, 0]
        same(msmd.datadescids(spw=s), [count - 1 - s])
        assert msmd.spwfordatadesc(s) == count - 1 - s and msmd.polidfordatadesc(s) == 0
    same(msmd.datadescids(pol=0), np.arange(count))
    same(msmd.corrtypesforpol(0), [9, 10, 11, 12])
    same(msmd.corrprodsforpol(0), [[0, 0, 1, 1], [0, 1, 0, 1]])
    assert msmd.ncorrforpol(0) == 4
    same(msmd.fdmspws(), np.arange(count))  # by their numbers of channels alone
    for none in (msmd.tdmspws(), msmd.wvrspws(), msmd.chanavgspws(), msmd.almaspws(sqld=True)):
        assert len(none) == 0
    same(msmd.almaspws(wvr=True, complement=True), np.arange(count))
    same(msmd.wvrspws(complement=True), np.arange(count))
    for unknown in (lambda: msmd.baseband(0), msmd.spwsforbaseband):
        with pytest.raises(DataError, match="BBC_NO"):
            unknown()


def test_antennas_and_observations(layout: Layout, msmd: msmetadata) -> None:
    lofar = not layout.intents
    names = layout.antennas
    assert msmd.antennanames() == names and msmd.antennanames([2, 0]) == [names[2], names[0]]
    same(msmd.antennaids([names[2], names[0]]), [2, 0])
    same(msmd.antennaids(names[0][:2] + "*", mindiameter="15m", maxdiameter="17m"), [2, 3])
    assert msmd.antennadiameter(1)["value"] == 14.5 and msmd.antennastations([1]) == ["S1"]
    x = msmd.antennaposition(3)
    radius = np.linalg.norm(
        (np.array([3826896.2, 460979.5, 5064658.2]) if lofar else np.array([5109360.1, 2006852.6, -3238948.1])) + 30.0
    )
    assert x["m2"]["value"] == pytest.approx(radius, rel=1e-14)
    offsets = msmd.antennaoffset(1), msmd.antennaoffset(names[1])
    assert offsets[0] == offsets[1] and set(offsets[0]) == {"longitude offset", "latitude offset", "elevation offset"}
    count = 1 if lofar else 2
    assert msmd.observatorynames() == ["LOFAR" if lofar else "MeerKAT"] * count
    assert msmd.observers() == [f"observer {k}" for k in range(count)] and msmd.projects() == [f"P{k}" for k in range(count)]
    assert msmd.observatoryposition(0)["type"] == "position" and msmd.name() == os.path.abspath(layout.path)
    with pytest.raises(ParameterError, match="observation"):
        msmd.scansforfields(obsid=9)


def test_what_these_telescopes_do_not_write(msmd: msmetadata) -> None:
    """No SOURCE, POINTING, CORRELATOR tables: said so, not guessed."""
    assert msmd.nsources() == 0
    tables: list[Callable[[], Any]] = [
        msmd.sourcedirs,
        msmd.sourcenames,
        msmd.sourcetimes,
        msmd.sourceidsfromsourcetable,
        msmd.propermotions,
    ]
    for call in [*tables, msmd.restfreqs, msmd.transitions]:
        with pytest.raises(CasaError, match="SOURCE"):
            call()
    with pytest.raises(CasaError):
        msmd.pointingdirection()


def test_summary(layout: Layout, msmd: msmetadata) -> None:
    c = layout.columns
    found = msmd.summary()
    assert found["nrows"] == len(c["TIME"]) and found["begin time"] == c["TIME"].min() and found["end time"] == c["TIME"].max()
    for scan in layout.distinct("SCAN_NUMBER"):
        rows = layout.rows(SCAN_NUMBER=scan)
        part = found[f"observationID={c['OBSERVATION_ID'][rows][0]}"]["arrayID=0"][f"scan={scan}"]
        assert part["nrows"] == rows.sum()
        same(part["antennas"], np.unique([c["ANTENNA1"][rows], c["ANTENNA2"][rows]]))
        sub = part[f"fieldID={c['FIELD_ID'][rows][0]}"]
        same(sub["data description IDs"], np.unique(c["DATA_DESC_ID"][rows]))
        same(sub["state IDs"], np.unique(c["STATE_ID"][rows]))
        for k, time in enumerate(np.unique(c["TIME"][rows])):
            assert sub[str(k)]["time"] == time and sub[str(k)]["nrows"] == (rows & (c["TIME"] == time)).sum()


def test_columns_are_read_once(layout: Layout, monkeypatch: pytest.MonkeyPatch) -> None:
    """What has been found in a column of the main table is kept, and no visibilities are read."""
    from casatools.information.observation_index import ObservationIndex

    read: list[str] = []
    plain = ObservationIndex.columns

    def recorded(self: ObservationIndex, *names: str) -> list[np.ndarray]:
        read.extend(names)
        return plain(self, *names)

    monkeypatch.setattr(ObservationIndex, "columns", recorded)
    msmd = msmetadata()
    msmd.open(layout.path)
    scan = layout.distinct("SCAN_NUMBER")[0]
    for _ in range(3):
        (
            msmd.summary(),
            msmd.timesforscan(scan),
            msmd.fieldsfortimes(5e9, 10.0),
            msmd.scansfortimes(5e9, 10.0),
            msmd.nrows(autoc=False),
        )
        msmd.baselines(), msmd.antennasforscan(scan), msmd.antennaids(obsid=0), msmd.exposuretime(scan, 0), msmd.spwsforfields()
    assert len(read) == len(set(read)) and not set(read) & {"DATA", "FLAG", "UVW", "WEIGHT", "SIGMA"}


# What a layout does not hold is said by an error; everything else answers.
_NO_SOURCE = {"sourcedirs", "sourcenames", "sourcetimes", "sourceidsfromsourcetable", "propermotions", "restfreqs", "transitions"}
_MADE_HERE = _NO_SOURCE | {"baseband", "spwsforbaseband", "schedule", "pointingdirection"}
WITHOUT = {
    "lofar": _MADE_HERE, "meerkat": _MADE_HERE, "alma_small.ms": {"pointingdirection"}, "simvla.ms": {"baseband", "spwsforbaseband", "schedule"},
}  # fmt: skip
TYPES = {
    "m.nspw()": int,
    "m.fieldnames()": list,
    "m.baselines()": np.ndarray,
    "m.summary()": dict,
    "m.meanfreq(0)": float,
    "m.corrbit(0)": str,
}


@pytest.mark.shared
@pytest.mark.parametrize("kind", list(WITHOUT))
def test_every_method_answers_or_says_what_is_missing(kind: str, tmp_path: Path, shared_input: Callable[[str], str]) -> None:
    methods = {name for name in dir(msmetadata) if not name.startswith("_")} - {"open", "close", "done", "name"}
    assert methods == set(CALLS) and len(methods) == 99  # with these four the 103 of CASA's tool
    m = msmetadata()
    m.open(shared_input(kind) if kind.endswith(".ms") else make_layout(str(tmp_path / f"{kind}.ms"), kind).path)
    intents = m.intents()
    here = {
        "m": m, "scan": int(m.scannumbers()[0]), "field": m.fieldnames()[0], "intent": intents[0] if intents else "*",
        "time": float(m.timesforfield(0)[0]), "obs": m.nobservations() - 1,
    }  # fmt: skip
    refused = set()
    for name, texts in CALLS.items():
        for text in texts:
            try:
                found = eval(text, dict(here))
            except CasaError:
                refused.add(name)
                continue
            assert found is not None and isinstance(found, TYPES.get(text, object)), text
    assert refused == WITHOUT[kind]
    assert m.name().endswith(".ms") and m.close() and not m.done()


@pytest.mark.shared
def test_correlator_bits_receiver_bands_and_subwindows(shared_input: Callable[[str], str]) -> None:
    path = shared_input("alma_small.ms")
    m = msmetadata()
    m.open(path)
    same(m.corrbit(), ["UNKNOWN"] * 3)
    assert [int(b) for b in m.rxbands()] == [-1 if "RB_" not in n else int(n.split("RB_")[1][:2]) for n in m.namesforspws()]
    assert m.subwindows().shape == (3,) and len(m.schedule(0)) > 0
    m.close()
    with table(f"{path}/SPECTRAL_WINDOW", readonly=False, ack=False) as windows:
        windows.addcols(maketabdesc([makescacoldesc("SDM_CORR_BIT", "")]))
        windows.putcol("SDM_CORR_BIT", ["BITS_2x2", "BITS_4x4", "BITS_16x16"])
    m.open(path)  # as CASA 6.7 answers
    assert isinstance(m.corrbit(1), str) and m.corrbit(1) == "BITS_4x4"
    same(m.corrbit([0]), ["BITS_2x2"])
    same(m.corrbit(), ["BITS_2x2", "BITS_4x4", "BITS_16x16"])
