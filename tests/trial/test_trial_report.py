"""The report says what analysis.json says, alone and the same every time."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from _trials import Truth, repeats, trial_answers, trial_halves

from scarmetrics.statistics import Analysis, analyse, repeatability
from scarmetrics.trial_report import write_report

HOSTILE = "<script>alert('x')</script> & more"
VOID = {"meta", "br", "hr", "img", "link", "input"}
# words of the page that hold digits and are no results
VOCABULARY = re.compile(r"Table \d+\.|month (?:3|6)\b|ICC\(2,1\)|MDC95", re.ASCII)


def trial() -> pd.DataFrame:
    halves = trial_halves(Truth(patients=12, effect_pct=-12, missing=0.05, review=0.15), 6)
    lost = halves["reason"] != ""
    assert lost.any()
    halves.loc[lost, "reason"] = HOSTILE
    return halves


@pytest.fixture(scope="module")
def analysis() -> Analysis:
    halves = trial()
    sides = pd.DataFrame({"procedure": ["co2_laser"], "left": [4], "p": [0.6875]})
    return analyse(
        halves,
        trial_answers(halves, 7),
        flow=pd.DataFrame({"step": ["photographs"], "count": [48]}),
        randomisation=sides,
        repeatability=repeatability(repeats(12, 8)),
    )


@pytest.fixture(scope="module")
def written(analysis: Analysis, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("linked")
    names = write_report(analysis, folder)
    files = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    assert set(names) == files
    return folder


class Reader(HTMLParser):
    """Numbers and other text of a page, pictures and styles left out."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.numbers: list[tuple[dict[str, str], str]] = []
        self.texts: list[str] = []
        self.tags: list[str] = []
        self.ids: list[str] = []
        self.unbalanced: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        named = {name: value or "" for name, value in attrs}
        self.tags.append(tag)
        if "id" in named:
            self.ids.append(named["id"])
        if tag == "data":
            self.numbers.append((named, ""))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open.pop() != tag:
            self.unbalanced.append(tag)

    def handle_data(self, data: str) -> None:
        if "svg" in self.open or "style" in self.open:
            return
        if self.open and self.open[-1] == "data":
            attributes, text = self.numbers[-1]
            self.numbers[-1] = (attributes, text + data)
        elif data.strip():
            self.texts.append(" ".join(data.split()))


def read(page: str) -> Reader:
    reader = Reader()
    reader.feed(page)
    reader.close()
    return reader


def at(document: Any, path: str) -> Any:
    for key in path.split("."):
        document = document[int(key)] if isinstance(document, list) else document[key]
    return document


def strings(value: Any) -> set[str]:
    if isinstance(value, dict):
        return set().union(*(strings(v) for v in value.values()), *(strings(k) for k in value))
    if isinstance(value, list):
        return set().union(*(strings(v) for v in value)) if value else set()
    return {" ".join(value.split())} if isinstance(value, str) else set()


def untrue(page: str, document: dict[str, Any]) -> list[str]:
    """Numbers of the page that are not in analysis.json, or are not what stands there."""
    reader = read(page)
    problems = []
    for attributes, text in reader.numbers:
        value = at(document, attributes["data-path"])
        shown = text.replace("\N{MINUS SIGN}", "-").strip()
        number = shown.removeprefix("=").removeprefix("<").strip()
        decimals = len(number.partition(".")[2])
        scaled = value * int(attributes.get("data-scale", 1))
        if shown.startswith("<"):
            true = scaled < float(number)
        else:
            true = abs(scaled - float(number)) <= 0.5000001 * 10.0**-decimals
        if not true or attributes["value"] != repr(value):
            problems.append(f"{attributes['data-path']}: {text}, is {value}")
    known = strings(document["analysis"])
    phrases = sorted((s for s in known if len(s) > 2 and not s.isdecimal()), key=len, reverse=True)
    for text in reader.texts:
        rest = VOCABULARY.sub("", text) if text not in known else ""
        for phrase in phrases:
            rest = rest.replace(phrase, "")
        if re.search(r"\d", rest, re.ASCII):
            problems.append(text)
    return problems


@pytest.fixture(scope="module")
def page(written: Path) -> str:
    return (written / "report.html").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def document(written: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((written / "analysis.json").read_text(encoding="utf-8"))
    return found


def test_every_number_of_the_page_is_in_the_json(page: str, document: dict[str, Any]) -> None:
    assert len(read(page).numbers) > 300
    assert untrue(page, document) == []


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (r"(<data [^>]*>)\d+(</data>)", r"\g<1>99999\g<2>"),
        (r"<h2 id=\"flow\">", r"<p>17 patients</p><h2 id=\"flow\">"),
        (r"data-path=\"analysis.flow.0.patients\"", 'data-path="analysis.flow.0.pairs_pass"'),
    ],
)
def test_a_number_that_is_not_in_the_json_would_be_noticed(
    page: str, document: dict[str, Any], old: str, new: str
) -> None:
    tampered = re.sub(old, new, page, count=1)
    assert tampered != page
    assert len(untrue(tampered, document)) == 1


def test_the_answer_is_the_primary_result(page: str, analysis: Analysis) -> None:
    answer = page[page.index('id="answer"') : page.index('id="flow"')]
    t = analysis.primary.paired_t
    assert t is not None
    shown = [text for _, text in read(answer).numbers]
    expected = [f"{x:.1f}".replace("-", "\N{MINUS SIGN}") for x in (t.mean, t.ci_low, t.ci_high)]
    assert shown[:3] == expected
    assert t.ci_high < 0
    assert "The whole interval is below zero" in answer


@pytest.mark.parametrize(
    ("effect", "words"), [(60.0, "above zero"), (0.0, "The interval holds zero")]
)
def test_the_words_follow_the_interval(tmp_path: Path, effect: float, words: str) -> None:
    write_report(analyse(trial_halves(Truth(patients=8, effect_pct=effect), 2)), tmp_path)
    assert words in (tmp_path / "report.html").read_text(encoding="utf-8")


def test_the_page_needs_nothing_from_elsewhere(page: str) -> None:
    tags = set(read(page).tags)
    assert tags.isdisjoint({"script", "link", "img", "iframe", "object"})
    addresses = set(re.findall(r"https?://[^\s\"'<)]+", page))
    assert {a for a in addresses if not a.startswith("http://www.w3.org/")} == set()
    assert "@import" not in page


def test_the_page_is_well_formed_and_its_ids_are_unique(page: str) -> None:
    reader = read(page)
    assert reader.unbalanced == []
    assert reader.open == []
    assert len(reader.ids) == len(set(reader.ids))
    used = set(re.findall(r'(?:url\(#|href="#)([\w-]+)', page))
    assert used
    assert used <= set(reader.ids)


def test_text_from_the_tables_is_escaped(page: str) -> None:
    assert HOSTILE not in page
    assert "&lt;script&gt;alert" in page


def test_the_forest_plot_shows_the_numbers_of_the_json(
    written: Path, document: dict[str, Any]
) -> None:
    svg = (written / "figures/forest_mm2.svg").read_text(encoding="utf-8").replace("−", "-")
    shown = re.findall(r">(-?[\d.]+) \((-?[\d.]+) to (-?[\d.]+)\)<", svg)
    found = document["analysis"]
    true = [
        (c["paired_t"]["mean"], bounds["ci_low"], bounds["ci_high"])
        for c in found["comparisons"]
        if c["outcome"] == "change_mm2" and c["paired_t"]
        for bounds in (c["paired_t"], c["sign_flip"])
        if bounds["ci_low"] is not None
    ] + [
        (e["estimate"], e["ci_low"], e["ci_high"])
        for m in found["models"]
        if m["outcome"] == "change_mm2"
        for e in m["fit"]["effects"]
        if e["name"] == "treatment"
    ]
    rounded = {tuple(f"{x:.1f}" for x in row) for row in true}
    assert len(shown) >= 8
    assert set(shown) <= rounded


def test_the_same_trial_gives_the_same_bytes(written: Path, tmp_path: Path) -> None:
    halves = trial()
    again = analyse(
        halves.sample(frac=1, random_state=3),
        trial_answers(halves, 7).sample(frac=1, random_state=4),
        flow=pd.DataFrame({"step": ["photographs"], "count": [48]}),
        randomisation=pd.DataFrame({"procedure": ["co2_laser"], "left": [4], "p": [0.6875]}),
        repeatability=repeatability(repeats(12, 8)),
    )
    for name in write_report(again, tmp_path):
        assert (tmp_path / name).read_bytes() == (written / name).read_bytes(), name


def test_figures_hold_no_date_and_no_maker(written: Path) -> None:
    for svg in (written / "figures").glob("*.svg"):
        text = svg.read_text(encoding="utf-8")
        assert "dc:date" not in text
        assert "Matplotlib" not in text
    for png in (written / "figures").glob("*.png"):
        assert b"tEXt" not in png.read_bytes()


def test_colours_of_pictures_follow_the_page(page: str, written: Path) -> None:
    picture = page[page.index("<svg") : page.index("</svg>")]
    assert "var(--ink)" in picture
    assert set(re.findall(r"var\((--\w+)\)", page)) <= set(re.findall(r"(--\w+):", page))
    assert "var(" not in (written / "figures/forest_mm2.svg").read_text(encoding="utf-8")


def test_what_was_not_asked_is_not_in_the_page(written: Path, tmp_path: Path) -> None:
    """And a figure of an earlier report does not outlive it."""
    for old in (written / "figures").iterdir():
        (tmp_path / "figures").mkdir(exist_ok=True)
        (tmp_path / "figures" / old.name).write_bytes(old.read_bytes())
    names = write_report(analyse(trial_halves(Truth(patients=8), 2)), tmp_path)
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert 'id="side-effects"' not in page
    assert 'id="satisfaction"' not in page
    assert "There are no repeated photographs" in page
    assert "Every allocated half has a change" in page
    assert not (tmp_path / "figures/bland_altman.svg").exists()
    assert "figures/bland_altman.svg" not in names


@pytest.mark.parametrize("patients", [1, 2])
def test_a_trial_of_hardly_anyone_has_a_page(tmp_path: Path, patients: int) -> None:
    write_report(analyse(trial_halves(Truth(patients=patients), 2)), tmp_path)
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    document = json.loads((tmp_path / "analysis.json").read_text(encoding="utf-8"))
    assert untrue(page, document) == []
    assert ("No result" in page) == (patients == 1)


def test_a_trial_without_any_change_has_a_page(tmp_path: Path) -> None:
    names = write_report(analyse(trial_halves(Truth(patients=4, missing=1.0), 2)), tmp_path)
    assert names == ["analysis.json", "report.html"]
    assert "No result" in (tmp_path / "report.html").read_text(encoding="utf-8")
