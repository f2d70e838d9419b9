"""Shared task parameters: kind and help text, once."""

from __future__ import annotations

from typing import Annotated, Any

from casatools._base import kinds

Vis = Annotated[str, kinds.InPath(), "Name of the input MeasurementSet"]
VisList = Annotated[Any, kinds.InPathList(), "Name of the input MeasurementSet, or a list of names"]
OutputVis = Annotated[str, kinds.OutPath(), "Name of the output MeasurementSet"]
CalTableOut = Annotated[str, kinds.OutPath(), "Name of the output calibration table"]
CalTableIn = Annotated[str, kinds.InPath(), "Name of the input calibration table"]
ImageName = Annotated[str, kinds.InPath(), "Name of the input image"]
OutFile = Annotated[str, kinds.OutPath(), "Name of the output image or file"]
_SELECT = kinds.Text(numbers=True)
Field = Annotated[str, _SELECT, "Select fields by name, ID or wildcard; '' is all"]
Spw = Annotated[str, _SELECT, "Select spectral windows and channels, such as '0:5~60'; '' is all"]
Intent = Annotated[str, kinds.Text(), "Select by scan intent, wildcards allowed; '' is all"]
SelectData = Annotated[bool, kinds.Bool(), "Use the further selection parameters"]
TimeRange = Annotated[str, kinds.Text(), "Select a time range, such as '09:14:00~09:54:00'; '' is all"]
UvRange = Annotated[str, _SELECT, "Select by uv distance, such as '>100m' or '0~10klambda'; '' is all"]
Antenna = Annotated[str, _SELECT, "Select antennas or baselines, such as 'VA01&VA02' or '!VA05'; '' is all"]
Scan = Annotated[str, _SELECT, "Select scan numbers, such as '1~3,5'; '' is all"]
Observation = Annotated[str, _SELECT, "Select observation IDs; '' is all"]
MsSelect = Annotated[str, kinds.Text(), "Further selection as a TaQL expression; '' is all"]
ArrayId = Annotated[str, _SELECT, "Select (sub)array IDs; '' is all"]
Correlation = Annotated[str, kinds.Text(), "Select correlations, such as 'RR,LL'; '' is all"]
Feed = Annotated[str, _SELECT, "Select by feed ID; '' is all"]
Overwrite = Annotated[bool, kinds.Bool(), "Replace an output that exists"]
Region = Annotated[
    Any,
    kinds.Variant((kinds.Text(), kinds.Record())),
    "Region: a CASA region text, file, image region name or record; '' is none",
]
Box = Annotated[str, kinds.Text(), "Rectangles in direction pixels 'blcx,blcy,trcx,trcy[,...]'; '' is all"]
Chans = Annotated[str, _SELECT, "Channels such as '3~20;30'; '' is all"]
Stokes = Annotated[str, kinds.Text(), "Stokes planes such as 'IQ'; '' is all"]
Mask = Annotated[str, kinds.Text(), "Mask: a lattice expression such as \"'im'>0.5\"; '' is none"]
Stretch = Annotated[bool, kinds.Bool(), "Stretch a mask of fewer planes over the image"]
SolInt = Annotated[
    Any,
    kinds.Text(numbers=True),
    "Solution interval: 'inf', 'int' or a time such as '60s'; channelised solutions take 'inf,2ch' or 'inf,10MHz' too",
]
Combine = Annotated[str, kinds.Text(), "Boundaries a solution may cross: '' or any of obs, scan, spw, field, joined by commas"]
RefAnt = Annotated[str, _SELECT, "Reference antenna, or a list in order of preference"]
MinBlPerAnt = Annotated[int, kinds.Int(min=1), "Least number of baselines of an antenna for a solution"]
MinSnr = Annotated[float, kinds.Float(), "Flag solutions with a signal to noise ratio below this"]
SModel = Annotated[
    list[float], kinds.FloatList(), "Stokes I, Q, U, V (Jy) of a point source model in place of the MODEL_DATA column"
]
CorrDepFlags = Annotated[
    bool, kinds.Bool(), "Use flags as they are per correlation; else a flag on one correlation leaves out all"
]
Append = Annotated[bool, kinds.Bool(), "Append the solutions to a table that is there"]
DoCalLib = Annotated[bool, kinds.Bool(), "Take the tables to pre-apply from a calibration library file instead of the lists"]
CalLib = Annotated[str, kinds.Text(), "Calibration library file"]
PriorTable = Annotated[list[str], kinds.TextList(drop_empty=True), "Calibration tables to apply on the fly"]
PriorField = Annotated[
    list[str], kinds.TextList(drop_empty=True, numbers=True), "Fields whose solutions are taken, for each table"
]
PriorInterp = Annotated[
    list[str], kinds.TextList(drop_empty=True), "Interpolation 'time,frequency' for each table, such as 'linear,nearest'"
]
PriorSpwMap = Annotated[
    list[Any],
    kinds.IntList(),
    "Spectral window of the solutions for each of the data; a list for each table when there are several",
]
Parang = Annotated[bool, kinds.Bool(), "Take out the parallactic angle on the fly"]
