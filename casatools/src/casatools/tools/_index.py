"""The map of the tools: which exist, where, and what the reference has."""

from __future__ import annotations

# Tool name: module below casatools.tools that defines it. Only what exists is listed.
TOOLS: dict[str, str] = {
    "vpmanager": "vpmanager",
    "componentlist": "componentlist",
    "linearmosaic": "linearmosaic",
    "spectralline": "spectralline",
    "imagepol": "imagepol",
    "functional": "functional",
    "image": "image",
    "calanalysis": "calanalysis",
    "regionmanager": "regionmanager",
    "calibrater": "calibrater",
    "agentflagger": "agentflagger",
    "logsink": "logsink",
    "ctsys": "system",
    "measures": "measures",
    "imagemetadata": "imagemetadata",
    "ms": "ms",
    "tablerow": "tablerow",
    "table": "table",
    "coordsys": "coordsys",
    "msmetadata": "msmetadata",
    "quanta": "quanta",
}

# The reference's own short names.
ALIASES: dict[str, str] = {
    "imtool": "imager", "cbtool": "calibrater", "mstool": "ms", "qatool": "quanta", "tbtool": "table", "metool": "measures",
    "iatool": "image", "potool": "imagepol", "smtool": "simulator", "cltool": "componentlist", "cstool": "coordsys",
    "rgtool": "regionmanager", "sltool": "spectralline", "vptool": "vpmanager", "msmdtool": "msmetadata", "fntool": "functional",
    "imdtool": "imagemetadata", "attool": "atmosphere", "catool": "calanalysis", "mttool": "mstransformer",
    "sdmstool": "singledishms", "aftool": "agentflagger", "lmtool": "linearmosaic",
}  # fmt: skip

REFERENCE: frozenset[str] = frozenset(
    {
        "agentflagger",
        "atcafiller",
        "atmosphere",
        "calanalysis",
        "calibrater",
        "componentlist",
        "coordsys",
        "ctsys",
        "functional",
        "image",
        "imagemetadata",
        "imagepol",
        "imager",
        "iterbotsink",
        "linearmosaic",
        "logsink",
        "measures",
        "miriadfiller",
        "ms",
        "msmetadata",
        "mstransformer",
        "quanta",
        "regionmanager",
        "sakura",
        "sdm",
        "sidebandseparator",
        "simulator",
        "singledishms",
        "spectralline",
        "synthesisdeconvolver",
        "synthesisimager",
        "synthesisimstore",
        "synthesismaskhandler",
        "synthesisnormalizer",
        "synthesisutils",
        "table",
        "tablerow",
        "vlafiller",
        "vpmanager",
        "wvr",
    }
)
