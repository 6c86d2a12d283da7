"""Write the report: the analysis as JSON, the page, the figures."""

from __future__ import annotations

import json
from functools import partial
from typing import TYPE_CHECKING, Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from scarmetrics.provenance import atomic_path, write_json, write_text
from scarmetrics.statistics import as_json
from scarmetrics.trial_report import tracked
from scarmetrics.trial_report.forest import forest
from scarmetrics.trial_report.plots import bland_altman, paired_lines
from scarmetrics.trial_report.style import as_png, as_svg, drawing, for_page

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from matplotlib.figure import Figure

    from scarmetrics.statistics import Analysis

    Draw = Callable[[Mapping[str, Any]], Figure | None]

JSON_NAME, PAGE_NAME, FIGURES_FOLDER = "analysis.json", "report.html", "figures"

FIGURES: dict[str, Draw] = {
    "forest_mm2": partial(forest, outcome="change_mm2"),
    "forest_pct": partial(forest, outcome="change_pct"),
    "forest_fraction": partial(forest, outcome="change_fraction"),
    "pairs_mm2": partial(paired_lines, measure="mm2"),
    "pairs_pct": partial(paired_lines, measure="pct"),
    "bland_altman": bland_altman,
}


def write_report(analysis: Analysis, folder: Path) -> list[str]:
    """Write ``analysis.json``, ``report.html`` and ``figures/`` into a folder.

    The page and the figures are made from the text of analysis.json and from nothing else. The
    same analysis gives the same bytes. Figures of an earlier report that this one does not have
    are removed.

    Parameters
    ----------
    analysis : Analysis
        What `scarmetrics.statistics.analyse` returned.
    folder : pathlib.Path
        Made when it is missing.

    Returns
    -------
    list of str
        Names of the files written, below the folder, with ``/``.
    """
    write_json(folder / JSON_NAME, as_json(analysis))
    document = json.loads((folder / JSON_NAME).read_text(encoding="utf-8"))
    written = [JSON_NAME]
    pictures: dict[str, str] = {}
    for name, draw in FIGURES.items():
        files = [f"{FIGURES_FOLDER}/{name}{suffix}" for suffix in (".svg", ".png")]
        with drawing():
            figure = draw(document["analysis"])
            if figure is None:
                for file in files:
                    (folder / file).unlink(missing_ok=True)
                continue
            pictures[name] = as_svg(figure)
            png = as_png(figure)
        write_text(folder / files[0], pictures[name])
        with atomic_path(folder / files[1]) as part:
            part.write_bytes(png)
        written += files
    write_text(folder / PAGE_NAME, page(document, pictures))
    return [*written, PAGE_NAME]


def page(document: Mapping[str, Any], pictures: Mapping[str, str]) -> str:
    """The page as HTML.

    Parameters
    ----------
    document : mapping
        analysis.json, parsed.
    pictures : mapping of str to str
        Name of each figure to its SVG.

    Returns
    -------
    str
    """
    environment = Environment(
        loader=PackageLoader("scarmetrics.trial_report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    show = tracked.Printer(document["definitions"])
    environment.filters |= {
        "num": show.number,
        "qty": show.quantity,
        "p": show.p_value,
        "pcell": show.p_cell,
        "cell": show.cell,
    }
    environment.globals |= {"pick": tracked.pick, "select": tracked.select}
    figures = {name: Markup(for_page(svg, name)) for name, svg in pictures.items()}
    template = environment.get_template("report.html.j2")
    return template.render(
        a=tracked.Node(document["analysis"], "analysis"),
        figures=figures,
    )
