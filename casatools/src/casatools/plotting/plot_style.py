"""How points and grids of plots look: plotms' words for symbols, fills, colours and line styles, and matplotlib's."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from matplotlib.colors import is_color_like

from casatools._base.errors import ParameterError
from casatools.plotting.figure import GRID

__all__ = ["GridStyle", "SymbolStyle", "plain_color"]

_SHAPES = {"autoscaling": ".", "circle": "o", "square": "s", "diamond": "D", "pixel": ",", "nosymbol": "", "": "."}
_FILLS = {"fill": 1.0, "": 1.0, "mesh1": 0.75, "mesh2": 0.5, "mesh3": 0.25, "nofill": 0.0, "no fill": 0.0}
_LINES = {"solid": "-", "": "-", "dash": "--", "dot": ":", "none": ""}


def plain_color(text: str, what: str) -> str:
    """matplotlib's colour for a name or for hexadecimal digits without a sign; raise ParameterError for anything else."""
    for candidate in (f"#{text.strip()}", text.strip()):
        if is_color_like(candidate):
            return candidate
    raise ParameterError(
        f"plotms: parameter {what!r} must be a colour's name or six hexadecimal digits such as 0000ff; got {text!r}"
    )


def _word(text: str, known: dict[str, Any], what: str) -> Any:
    if text.strip().lower() not in known:
        raise ParameterError(f"plotms: parameter {what!r} must be one of {', '.join(k for k in known if k)}; got {text!r}")
    return known[text.strip().lower()]


@dataclass(frozen=True)
class SymbolStyle:
    """A symbol.

    Attributes
    ----------
    shape : str
        ``autoscaling`` (points, larger where there are few), ``circle``, ``square``, ``diamond``, ``pixel`` or ``nosymbol``.
    size : float [point]
    color : str
        '' is the first of the plot's own.
    fill : str
        ``fill``, ``mesh1``, ``mesh2``, ``mesh3`` (of falling density) or ``nofill``.
    outline : bool
        Draw the edge in black.
    """

    shape: str = "autoscaling"
    size: float = 2.0
    color: str = ""
    fill: str = "fill"
    outline: bool = False

    def __post_init__(self) -> None:
        _word(self.shape, _SHAPES, "symbolshape")
        _word(self.fill, _FILLS, "symbolfill")
        if not self.size > 0:
            raise ParameterError(f"plotms: parameter 'symbolsize' must be positive; got {self.size:g}")

    def drawn(self, color: str, few: float) -> dict[str, Any]:
        """Keywords of matplotlib's `plot`; `few` is how much larger points are that scale themselves."""
        shape, density = _word(self.shape, _SHAPES, "symbolshape"), _word(self.fill, _FILLS, "symbolfill")
        grows = few if shape == "." else 1.0
        edge = "#000000" if self.outline else color if density == 0.0 else "none"
        return {
            "linestyle": "", "marker": shape, "markersize": max(self.size, 1.0) * 1.4 * grows, "color": self.color or color,
            "markerfacecolor": "none" if density == 0.0 else (self.color or color), "markeredgecolor": edge,
            "markeredgewidth": 0.0 if edge == "none" else 0.6, "alpha": density if 0.0 < density < 1.0 else 1.0,
        }  # fmt: skip


@dataclass(frozen=True)
class GridStyle:
    """Lines of the grid: widths, styles (``solid``, ``dash``, ``dot``, ``none``) and colours of the major and the minor ones.

    Without `major` faint lines are drawn, which CASA leaves out.
    """

    major: bool = False
    major_width: float = 1.0
    major_style: str = ""
    major_color: str = "B0B0B0"
    minor: bool = False
    minor_width: float = 1.0
    minor_style: str = ""
    minor_color: str = "D0D0D0"

    def __post_init__(self) -> None:
        for name in ("major", "minor"):
            _word(getattr(self, f"{name}_style"), _LINES, f"{name}style")
            plain_color(getattr(self, f"{name}_color"), f"{name}color")
            if getattr(self, f"{name}_width") < 0:
                raise ParameterError(
                    f"plotms: parameter '{name}width' must not be negative; got {getattr(self, f'{name}_width')}"
                )

    def draw(self, axes: Any) -> None:
        """Draw the grid of axes, below the points."""
        axes.set_axisbelow(True)
        if not self.major:
            axes.grid(color=GRID, linewidth=0.6)
        elif _LINES[self.major_style]:
            axes.grid(
                which="major",
                color=plain_color(self.major_color, "majorcolor"),
                linewidth=0.6 * self.major_width,
                ls=_LINES[self.major_style],
            )
        else:
            axes.grid(visible=False)
        if self.minor and _LINES[self.minor_style]:
            axes.minorticks_on()
            axes.grid(
                which="minor",
                color=plain_color(self.minor_color, "minorcolor"),
                linewidth=0.4 * self.minor_width,
                ls=_LINES[self.minor_style],
            )
