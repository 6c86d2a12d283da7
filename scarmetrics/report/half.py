"""What the page of one half says."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from scarmetrics.report.outlines import path_data
from scarmetrics.report.scars import ScarLine, scar_lines
from scarmetrics.report.words import (
    SCALE_SOURCES,
    STATUS_MARKS,
    FlagWords,
    explained_flags,
    number,
    percent,
    shown,
    with_sd,
)

if TYPE_CHECKING:
    from scarmetrics.report.folder import HalfKey, Row, RunFolder
    from scarmetrics.viewfile import HalfView, Which

VISITS: tuple[Which, Which] = ("baseline", "follow_up")
_CAUSES = {
    "print": "under a marker or chart",
    "glasses": "behind spectacles",
    "tilt": "turned away",
    "shadow": "shadow or hair",
    "highlight": "blown out",
    "hair": "strands of hair",
    "beard": "beard",
    "not_aligned": "not aligned",
}
_DEFAULT_NAMES = ("baseline", "month3")


@dataclass(frozen=True)
class Shape:
    """A path of the picture.

    Attributes
    ----------
    data : str
        Its ``d``.
    label : str
        What it is.
    fate : str
        Of a scar; empty for skin.
    scar_id : int
        Of a scar; 0 for skin.
    """

    data: str
    label: str
    fate: str = ""
    scar_id: int = 0


@dataclass(frozen=True)
class VisitPane:
    """One visit's picture with what is drawn on it; `picture` is empty where there is none."""

    which: Which
    name: str
    date: str
    area: str
    picture: str
    scars: tuple[Shape, ...]
    excluded: tuple[Shape, ...]


@dataclass(frozen=True)
class Half:
    """Everything that the page of one half shows.

    Attributes
    ----------
    key : HalfKey
        Subject and side.
    status, mark : str
        ``qc_status`` and its sign; empty status where there is no change.
    panes : tuple of VisitPane
        Baseline and follow-up.
    view : HalfView or None
        The pictures' frame.
    region, outside : str
        Path of the measured skin, and of what lies outside it.
    residual : str
        The residual's picture; empty where there is none.
    change, change_pct : str
        With signs and standard deviation.
    change_unit : str
        Of `change`.
    numbers : list of (str, str, str, str)
        What, baseline, follow-up, unit.
    pair_numbers : list of (str, str, str)
        What, value, unit.
    flags : list of FlagWords
        Explained.
    scars : list of ScarLine
        One line for each scar, at both visits.
    causes : list of str
        Why skin was left out, at either visit.
    files : list of (str, str)
        Words and names of the files to open.
    missing : list of str
        What is not there.
    """

    key: HalfKey
    status: str
    mark: str
    panes: tuple[VisitPane, VisitPane]
    view: HalfView | None
    region: str
    outside: str
    residual: str
    change: str
    change_unit: str
    change_pct: str
    numbers: list[tuple[str, str, str, str]]
    pair_numbers: list[tuple[str, str, str]]
    flags: list[FlagWords]
    scars: list[ScarLine]
    causes: list[str]
    files: list[tuple[str, str]]
    missing: list[str]


def describe_half(folder: RunFolder, key: HalfKey) -> Half:
    """Gather what there is of one half, and say what is not there."""
    missing: list[str] = []
    view = folder.views.get(key)
    change, rows = _rows(folder, key, missing)
    names = _visit_names(folder, view, change, rows)
    if view is None:
        missing.append(f"no usable view of this half in {_views_word(folder, key)}")
    panes = tuple(
        _pane(folder, view, (which, name), rows.get(name), missing)
        for which, name in zip(VISITS, names, strict=True)
    )
    region = path_data(view.regions) if view else ""
    frame = f"M-.5-.5H{view.width_px - 0.5}V{view.height_px - 0.5}H-.5Z" if view else ""
    status = (change or {}).get("qc_status", "")
    pair = [rows.get(name) for name in names]
    return Half(
        key=key,
        status=status,
        mark=STATUS_MARKS.get(status, "○"),
        panes=(panes[0], panes[1]),
        view=view,
        region=region,
        outside=frame + region if region else "",
        residual=_picture(folder, view.residual_picture if view else "", "", missing),
        **_change_words(change),
        numbers=_numbers(pair),
        pair_numbers=_pair_numbers(change),
        flags=explained_flags(folder, change, rows),
        scars=scar_lines(folder.rows_of("scars", key), names),
        causes=list(dict.fromkeys(cause_words(part.cause) for part in view.excluded))
        if view
        else [],
        files=_files(folder, key, names, missing),
        missing=missing,
    )


def cause_words(cause: str) -> str:
    """Why skin was not measured, for people."""
    return _CAUSES.get(cause, cause.replace("_", " "))


def _rows(folder: RunFolder, key: HalfKey, missing: list[str]) -> tuple[Row | None, dict[str, Row]]:
    changes = folder.rows_of("changes", key)
    if not changes:
        missing.append("no row in changes.csv: this half has no change")
    if len(changes) > 1:
        missing.append(f"{len(changes)} rows in changes.csv; the first is shown")
    rows: dict[str, Row] = {}
    for row in folder.rows_of("measurements", key):
        rows.setdefault(row.get("visit", ""), row)
    if not rows:
        missing.append("no rows in measurements.csv")
    return (changes[0] if changes else None), rows


def _visit_names(
    folder: RunFolder, view: HalfView | None, change: Row | None, rows: dict[str, Row]
) -> tuple[str, str]:
    if change and change.get("baseline_visit") and change.get("follow_up_visit"):
        return change["baseline_visit"], change["follow_up_visit"]
    if view:
        return view.baseline_visit, view.follow_up_visit
    pairing = (
        folder.setting("pairing.baseline_visit"),
        folder.setting("pairing.follow_up_visit"),
    )
    before, after = (str(name or default)
                     for name, default in zip(pairing, _DEFAULT_NAMES, strict=True))  # fmt: skip
    return before, after


def _views_word(folder: RunFolder, key: HalfKey) -> str:
    name = f"views/{key.subject_id}_{key.side}.json"
    damaged = folder.view_problems.get(name)
    return f"{name} (it {damaged})" if damaged else "views"


def _pane(
    folder: RunFolder,
    view: HalfView | None,
    visit: tuple[Which, str],
    row: Row | None,
    missing: list[str],
) -> VisitPane:
    which, name = visit
    if row is None:
        missing.append(f"no measurement of {name}")
    date = (row or {}).get("captured_on", "")
    picture = ""
    scars: tuple[Shape, ...] = ()
    excluded: tuple[Shape, ...] = ()
    if view:
        date = date or str(getattr(view, f"{which}_date") or "")
        picture = _picture(folder, getattr(view, f"{which}_picture"), name, missing)
        scars = tuple(
            Shape(path_data(scar.rings), f"scar {scar.scar_id}, {scar.fate}, {name}", scar.fate,
                  scar.scar_id)
            for scar in view.scars if scar.visit == which
        )  # fmt: skip
        excluded = tuple(
            Shape(path_data(part.rings), f"not measured: {cause_words(part.cause)}, {name}")
            for part in view.excluded if part.visit == which
        )  # fmt: skip
    return VisitPane(which, name, date, _area(row), picture, scars, excluded)


def _picture(folder: RunFolder, name: str, what: str, missing: list[str]) -> str:
    if not name or folder.holds(name):
        return name
    missing.append(f"the picture {name} is missing" + (f" ({what})" if what else ""))
    return ""


def _area(row: Row | None) -> str:
    if row is None:
        return "not measured"
    area = number(row.get("area_mm2"))
    if area is None:
        fraction = number(row.get("area_fraction"))
        return f"{percent(fraction)} % of the skin" if fraction is not None else "no area"
    return f"{with_sd(area, number(row.get('area_sd_mm2')))} mm²"


def _change_words(change: Row | None) -> dict[str, str]:
    row = change or {}
    value = number(row.get("change_mm2"))
    pct = number(row.get("change_pct"))
    words = {"change_pct": f"{shown(pct, 1, signed=True)} %" if pct is not None else ""}
    if value is not None:
        sd = number(row.get("change_sd_mm2"))
        return words | {"change": with_sd(value, sd, signed=True), "change_unit": "mm²"}
    fraction = percent(number(row.get("change_fraction")), signed=True)
    return words | {"change": fraction, "change_unit": "points of the skin (no scale)"}


def _numbers(pair: list[Row | None]) -> list[tuple[str, str, str, str]]:
    """The visits' numbers side by side."""

    def cells(column: str, digits: int, factor: float = 1.0) -> list[str]:
        values = [number((row or {}).get(column)) for row in pair]
        return [shown(None if v is None else v * factor, digits) for v in values]

    def areas(column: str, sd: str) -> list[str]:
        return [
            with_sd(number((row or {}).get(column)), number((row or {}).get(sd))) for row in pair
        ]

    def words(column: str) -> list[str]:
        texts = [(row or {}).get(column, "") for row in pair]
        return [SCALE_SOURCES.get(text, text) or "–" for text in texts]

    lines = [
        ("scar area ± sd", areas("area_mm2", "area_sd_mm2"), "mm²"),
        ("in the picture", cells("projected_area_mm2", 1), "mm²"),
        ("measured skin", cells("roi_area_mm2", 0), "mm²"),
        ("share of the skin", cells("area_fraction", 2, 100), "%"),
        ("scars", cells("scar_count", 0), ""),
        ("scale", cells("mm_per_px", 4), "mm/px"),
        ("scale ± sd", cells("mm_per_px_rel_sd", 1, 100), "%"),
        ("scale from", words("mm_per_px_source"), ""),
        ("blur", cells("blur_mm", 2), "mm"),
        ("exposure", cells("exposure", 2), "0–1"),
        ("not measurable", cells("not_measurable_fraction", 0, 100), "%"),
        ("view", words("view"), ""),
    ]
    return [(what, values[0], values[1], unit) for what, values, unit in lines]


def _pair_numbers(change: Row | None) -> list[tuple[str, str, str]]:
    row = change or {}
    lines = [
        ("alignment error", "registration_residual_mm", 3, 1.0, "mm"),
        ("skin aligned", "registered_fraction", 1, 100.0, "%"),
        ("head turned", "pose_difference_deg", 1, 1.0, "°"),
        ("expression", "expression_difference", 3, 1.0, ""),
        ("blur difference", "blur_difference_mm", 2, 1.0, "mm"),
    ]
    found = []
    for what, column, digits, factor, unit in lines:
        value = number(row.get(column))
        found.append((what, shown(None if value is None else value * factor, digits), unit))
    return found


def _files(
    folder: RunFolder, key: HalfKey, names: tuple[str, str], missing: list[str]
) -> list[tuple[str, str]]:
    stem = f"{key.subject_id}_{key.side}"
    wanted = [("overlay of the pair", f"overlays/{stem}.png")]
    for name in names:
        wanted += [
            (f"overlay, {name}", f"overlays/{stem}_{name}.png"),
            (f"mask, {name}", f"masks/{stem}_{name}.png"),
            (f"skin measured, {name}", f"rois/{stem}_{name}.png"),
        ]
    missing += [f"{name} is missing" for _, name in wanted if not folder.holds(name)]
    return [(words, name) for words, name in wanted if folder.holds(name)]
