"""How figures look, and how they become SVG and PNG with the same bytes every time."""

from __future__ import annotations

import io
import re
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

INK = "#1b1f24"
MUTED = "#5b6471"
RULE = "#c9d0d8"
PAPER = "#fefefe"
ACTIVE = "#0b6a94"
CONTROL = "#b4530a"
SENSITIVITY = "#5c4b8a"
_VARIABLES = {
    INK: "--ink",
    MUTED: "--muted",
    RULE: "--rule",
    PAPER: "--paper",
    ACTIVE: "--active",
    CONTROL: "--control",
    SENSITIVITY: "--sensitivity",
}
_PNG_DPI = 200
_ID = re.compile(r'\b(id="|xlink:href="#|url\(#)')


@contextmanager
def drawing() -> Iterator[None]:
    """Settings that a figure is drawn and saved under."""
    import matplotlib as mpl

    settings: Any = {
        "font.family": "DejaVu Sans",
        "font.size": 9,
        "text.color": INK,
        "axes.edgecolor": MUTED,
        "axes.labelcolor": INK,
        "axes.facecolor": PAPER,
        "figure.facecolor": PAPER,
        "axes.linewidth": 0.8,
        "axes.unicode_minus": True,
        "xtick.color": MUTED,
        "ytick.color": MUTED,
        "svg.fonttype": "none",
        "svg.hashsalt": "scarmetrics",
        "path.simplify": False,
    }
    with mpl.rc_context():
        mpl.rcdefaults()
        mpl.rcParams.update(settings)
        yield


def new_figure(width_in: float, height_in: float, columns: int = 1) -> tuple[Figure, list[Axes]]:
    """A figure of its own, outside pyplot's global state, with axes side by side."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width_in, height_in))
    axes = figure.subplots(1, columns, sharey=True, squeeze=False)
    for ax in axes[0]:
        ax.spines[["top", "right"]].set_visible(False)
    return figure, list(axes[0])


def as_svg(figure: Figure) -> str:
    """The figure as SVG with text as text; no date, no random ids."""
    import matplotlib as mpl

    buffer = io.StringIO()
    # default facecolors would be the global ones
    with mpl.rc_context({"savefig.facecolor": "auto"}):
        figure.savefig(
            buffer, format="svg", metadata={"Date": None, "Creator": None}, bbox_inches=None
        )
    return "\n".join(line.rstrip() for line in buffer.getvalue().splitlines()) + "\n"


def as_png(figure: Figure) -> bytes:
    """The figure as PNG, without the version of the library that drew it."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=_PNG_DPI, metadata={"Software": None})
    return buffer.getvalue()


def for_page(svg: str, name: str) -> str:
    """An SVG as part of a page: colours follow the page, ids are the figure's own.

    Parameters
    ----------
    svg : str
        As `as_svg` gives it.
    name : str
        Of the figure, unique in the page.

    Returns
    -------
    str
        The ``svg`` element alone.
    """
    element = svg[svg.index("<svg") :]
    element = re.sub(r"<metadata>.*?</metadata>", "", element, flags=re.DOTALL)
    element = _ID.sub(rf"\g<1>{name}-", element)
    element = element.replace("<svg ", '<svg aria-hidden="true" ', 1)
    for colour, variable in _VARIABLES.items():
        element = element.replace(colour, f"var({variable})")
    return element
