"""The report of the main job: figures, what was measured beside what was put in, times."""

from __future__ import annotations

import html
import os
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from casatasks.spectral_line.products import Products, ReductionOptions
from casatools._base.paths import remove_output, staged_output
from casatools._base.version import version_string
from casatools.simulation.demo import DemoTruth

__all__ = ["Row", "result_rows", "write_report"]

_FIGURES = "figures"
_SIGMA_LIMIT = 3.0


@dataclass(frozen=True)
class Row:
    """One measured number.

    Attributes
    ----------
    name, unit : str
    value, error : float
        The error is one standard deviation.
    truth : float or None
        What the simulation put in.
    """

    name: str
    unit: str
    value: float
    error: float
    truth: float | None = None

    @property
    def deviation(self) -> float | None:
        """Value less truth in units of the error."""
        if self.truth is None or self.error <= 0:
            return None
        return (self.value - self.truth) / self.error

    @property
    def decimals(self) -> int:
        """Digits after the point that the error warrants."""
        return int(np.clip(1 - np.floor(np.log10(self.error)), 0, 6)) if self.error > 0 else 4


def result_rows(products: Products, truth: DemoTruth | None = None) -> list[Row]:
    """The measured numbers with their uncertainties, beside the truth where it is known.

    Parameters
    ----------
    products : Products
        After `reduce_data`.
    truth : DemoTruth, optional

    Returns
    -------
    list of Row
    """
    n, profile = products.numbers, products.profile
    assert profile is not None

    def known(name: str, which: int | None = None) -> float | None:
        value = getattr(truth, name, None)
        return value if which is None or value is None else value[which]

    east, north = n["continuum offset"]
    place = float(n["continuum offset error"])
    millijansky = None if truth is None else truth.continuum_jy * 1e3
    return [
        Row("Flux calibrator, corrected data", "Jy", n["flux corrected"], n["flux corrected error"], known("flux_jy")),
        Row("Gain calibrator, fluxscale", "Jy", n["gain calibrator flux"], n["gain calibrator flux error"], known("gain_jy")),
        Row("Continuum peak", "mJy", n["continuum flux"] * 1e3, n["continuum flux error"] * 1e3, millijansky),
        Row("Continuum peak, east", "arcsec", float(east), place, known("continuum_offset_arcsec", 0)),
        Row("Continuum peak, north", "arcsec", float(north), place, known("continuum_offset_arcsec", 1)),
        Row("Integrated line flux", "Jy km/s", profile.flux, profile.flux_error, known("line_jy_km_s")),
        Row("Systemic velocity, LSRK radio", "km/s", profile.systemic, profile.systemic_error, known("systemic_km_s")),
        Row("Line width at half of the peak", "km/s", profile.width, profile.width_error, known("width_km_s")),
    ]


def write_report(
    options: ReductionOptions, products: Products, truth: DemoTruth | None = None, tell: Callable[[str], object] | None = None
) -> str:
    """Draw the figures and write ``report.html`` into the output folder.

    Parameters
    ----------
    options : ReductionOptions
    products : Products
    truth : DemoTruth, optional
    tell : callable, optional
        Called with the name of each figure as it is begun.

    Returns
    -------
    str
        Path of the report; its figures are in a folder beside it.
    """
    folder = products.path(_FIGURES)
    remove_output(folder)
    with staged_output(folder) as temporary:
        os.mkdir(temporary)
        shown = _draw(options, products, temporary, tell or (lambda name: None))
    path = products.path("report.html")
    with staged_output(path, overwrite=True) as temporary, open(temporary, "w", encoding="utf-8") as stream:
        stream.write(_page(options, products, truth, shown))
    return path


def _draw(
    options: ReductionOptions, products: Products, folder: str, tell: Callable[[str], object]
) -> list[tuple[str, str, str]]:
    """Draw every figure; returns (section, file name, caption) of each in order."""
    from casatools.plotting.report_array import draw_layout, draw_uv_coverage
    from casatools.plotting.report_solutions import draw_solutions

    shown: list[tuple[str, str, str]] = []

    def figure(section: str, name: str, caption: str) -> str:
        tell(name)
        shown.append((section, f"{name}.png", caption))
        return os.path.join(folder, f"{name}.png")

    target = products.field_names[products.roles.target] if products.roles else ""
    draw_layout(products.vis, figure("Array", "antennas", "Antennas that took part, relative to their middle."))
    draw_uv_coverage(
        products.path("line.ms"),
        figure("Array", "uv_coverage", f"uv coverage of {target} at the middle frequency."),
        f"uv coverage, {target}",
    )
    for table, against, what in (("flux", "time", "Gain"), ("bandpass", "channel", "Bandpass")):
        for part in ("amplitude", "phase"):
            caption = f"{what} {part} of each antenna against {against}, one colour a hand of polarization."
            path = figure("Calibration", f"{what.lower()}_{part}", caption)
            draw_solutions(products.tables[table], path, part, against, f"{what} {part}")  # type: ignore[arg-type]
    _draw_images(options, products, figure)
    return shown


def _draw_images(options: ReductionOptions, products: Products, figure: Callable[[str, str, str], str]) -> None:
    from casatools.plotting.report_images import PlaneStyle, draw_channel_maps, draw_plane
    from casatools.plotting.report_spectrum import draw_spectrum

    n, profile = products.numbers, products.profile
    assert profile is not None
    box, noise = n["line box"], float(n["cube noise"])
    first, last = n["line channels"]
    step = max(1, int(np.ceil((last - first + 1) / 25)))
    caption = (
        f"Line emission in every {'channel' if step == 1 else f'{step}th channel'}; contours at -3, 3, 6, 12, ... times the noise"
        f" of {noise * 1e3:.2f} mJy/beam."
    )
    path = figure("Line", "channel_maps", caption)
    draw_channel_maps(
        products.images["cube"], path, range(first, last + 1, step), noise, options.restfreq_hz, box, "Channel maps"
    )
    edges = (profile.systemic - 0.5 * profile.width, profile.systemic + 0.5 * profile.width)
    velocity = products.velocity_km_s
    count = len(velocity)
    is_line = np.zeros(count, dtype=bool)
    # The cube's channels may run against velocity.
    is_line[first : last + 1] = True
    is_line = is_line if n["velocity ascends"] else is_line[::-1]
    path = figure("Line", "spectrum", "Flux density in the box around the line emission, corrected for the primary beam.")
    draw_spectrum(path, velocity, products.spectrum_jy, is_line, float(n["spectrum noise"]), edges, "Spectrum")
    total = figure("Line", "moment0", "Integrated line flux (pixels above 3 times the channel noise).")
    draw_plane(products.images["moment 0"], total, PlaneStyle("Moment 0", "Jy/beam km/s", "viridis"), box)
    spread = 0.65 * profile.width
    style = PlaneStyle(
        "Moment 1", "Radio velocity, LSRK [km/s]", "RdBu_r", low=profile.systemic - spread, high=profile.systemic + spread,
        levels=tuple(profile.systemic + spread * k / 4 for k in range(-4, 5)),
    )  # fmt: skip
    draw_plane(
        products.images["moment 1"],
        figure("Line", "moment1", "Mean velocity (pixels above 4 times the channel noise)."),
        style,
        box,
    )
    faint = float(n["continuum noise"]) * 1e3
    style = PlaneStyle(
        "Continuum", "mJy/beam", "inferno", scale=1e3, low=-4 * faint, high=15 * faint,
        levels=tuple(faint * k for k in (-5, 5, 10, 20, 40, 80, 160)), marks=(tuple(n["continuum pixel"]),),
    )  # fmt: skip
    caption = (
        f"Continuum of the channels {n['fitspec']}, noise {faint:.2f} mJy/beam; contours at -5, 5, 10, 20, ... times the noise."
    )
    draw_plane(products.images["continuum"], figure("Continuum", "continuum", caption), style)


_STYLE = """
body{font:15px/1.5 system-ui,sans-serif;color:#222;max-width:1080px;margin:2em auto;padding:0 1em}
h1{font-size:1.6em;margin-bottom:.2em}h2{border-bottom:1px solid #ccc;margin-top:2em}p.note{color:#666}
table{border-collapse:collapse;margin:1em 0}th,td{padding:.3em .9em;text-align:right;border-bottom:1px solid #e5e5e5}
th:first-child,td:first-child{text-align:left}th{background:#f5f5f5}
.good{color:#1a7f37}.bad{color:#b3261e;font-weight:600}
.figures{display:flex;flex-wrap:wrap;gap:1.2em}figure{margin:0;flex:1 1 480px;max-width:100%}
figure img{width:100%;border:1px solid #e5e5e5}figcaption{color:#555;font-size:.9em}
"""


def _result_table(rows: list[Row]) -> str:
    with_truth = any(r.truth is not None for r in rows)
    head = (
        "<th>Quantity</th><th>Measured</th><th>Uncertainty</th>"
        + ("<th>Truth</th><th>Difference / σ</th>" if with_truth else "")
        + "<th>Unit</th>"
    )
    lines = [f"<table><tr>{head}</tr>"]
    for row in rows:
        cells = [html.escape(row.name), f"{row.value:.{row.decimals}f}", f"{row.error:.{row.decimals}f}"]
        if with_truth:
            off = row.deviation
            cells.append("" if row.truth is None else f"{row.truth:.{row.decimals}f}")
            kind = "good" if off is not None and abs(off) <= _SIGMA_LIMIT else "bad"
            cells.append("" if off is None else f'<span class="{kind}">{off:+.1f}</span>')
        cells.append(html.escape(row.unit))
        lines.append("<tr>" + "".join(f"<td>{c}</td>" for c in cells) + "</tr>")
    return "\n".join([*lines, "</table>"])


def _facts_table(options: ReductionOptions, products: Products, truth: DemoTruth | None) -> str:
    names, roles, n = products.field_names, products.roles, products.numbers
    assert roles is not None
    facts = [
        ("Data", os.path.basename(options.source.rstrip("/")) if truth is None else "simulated by casatools.simulation.demo"),
        ("Flux calibrator", f"{names[roles.flux]} ({options.standard})"),
        ("Gain calibrator", names[roles.gain]),
        ("Target", names[roles.target]),
        ("Reference antennas", products.refant.replace(",", ", ")),
        ("Flagged before calibration", f"{100 * n['flagged']:.2f} %"),
        ("Line-free channels", str(n["fitspec"])),
        ("Image", f"{n['imsize']} x {n['imsize']} pixels of {n['cell']} arcsec"),
        ("Noise of a channel map", f"{1e3 * n['cube noise']:.2f} mJy/beam"),
        ("Noise of the continuum image", f"{1e3 * n['continuum noise']:.2f} mJy/beam"),
        ("Clean iterations of the cube", str(n["cube iterations"])),
    ]
    return "<table>" + "".join(f"<tr><td>{a}</td><td>{html.escape(str(b))}</td></tr>" for a, b in facts) + "</table>"


def _page(options: ReductionOptions, products: Products, truth: DemoTruth | None, shown: list[tuple[str, str, str]]) -> str:
    assert products.roles is not None
    title = f"Spectral-line reduction of {products.field_names[products.roles.target]}"
    note = (
        "The observation is simulated, so every number stands beside what was put in. Differences beyond 3 σ are marked."
        if truth is not None
        else "Uncertainties are one standard deviation from the noise and the flux scale of the gain calibrator."
    )
    seconds = "".join(f"<tr><td>{html.escape(k)}</td><td>{v:.2f}</td></tr>" for k, v in products.seconds.items())
    total = sum(products.seconds.values())
    body = [
        f'<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"><title>{html.escape(title)}</title><style>{_STYLE}</style></head><body>',
        f"<h1>{html.escape(title)}</h1><p class='note'>{note}</p>",
        "<h2>Results</h2>", _result_table(result_rows(products, truth)), _facts_table(options, products, truth),
    ]  # fmt: skip
    for section in dict.fromkeys(s for s, _, _ in shown):
        body.append(f"<h2>{section}</h2><div class='figures'>")
        for _, name, caption in (f for f in shown if f[0] == section):
            body.append(f"<figure><img src='{_FIGURES}/{name}' alt='{name[:-4]}'><figcaption>{caption}</figcaption></figure>")
        body.append("</div>")
    body.append(
        f"<h2>Times</h2><table><tr><th>Step</th><th>s</th></tr>{seconds}<tr><th>Sum</th><th>{total:.2f}</th></tr></table>"
    )
    body.append(
        f"<p class='note'>casatasks {version_string()}. The listing of the observation is in listobs.txt.</p></body></html>\n"
    )
    return "\n".join(body)
