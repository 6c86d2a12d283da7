"""What the pictures say in words and numbers."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

from scarmetrics.flags import FLAGS
from scarmetrics.overlay.left_out import OTHER_VISIT
from scarmetrics.overlay.text import FAINT, Colour, Paragraph

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Mapping

    from scarmetrics.flags import QcStatus
    from scarmetrics.measure import AreaMeasurement
    from scarmetrics.models import Fate
    from scarmetrics.overlay.left_out import LeftOut
    from scarmetrics.pipeline import HalfResult, VisitResult

_STATUS: Mapping[QcStatus, tuple[str, str, Colour]] = MappingProxyType(
    {
        "pass": ("●", "quality: pass", (0, 178, 130)),
        "review": ("▲", "quality: review", (230, 159, 0)),
        "fail": ("■", "quality: fail", (240, 110, 20)),
    }
)

_REASON_WORDS: Mapping[str, str] = MappingProxyType(
    {
        "print": "under a marker or chart",
        "glasses": "behind spectacles",
        "tilt": "turned away from the camera",
        "shadow": "in deep shadow or under hair",
        "highlight": "blown out by light",
        "hair": "strands of hair",
        "beard": "dense beard",
        "not_aligned": "could not be aligned",
        "other_visit": "not shown by the other visit",
    }
)


@dataclass(frozen=True)
class Captions:
    """What the pictures of a half say besides its result; nothing about treatment.

    Attributes
    ----------
    subject_id : str
        The subject.
    baseline_visit, follow_up_visit : str
        Names of the visits.
    baseline_date, follow_up_date : datetime.date or None
        When the photographs were taken.
    tool_version : str
        Version of scarmetrics.
    short_hash : str or None
        Start of a hash that identifies the run or the inputs.
    """

    subject_id: str
    baseline_visit: str
    follow_up_visit: str
    baseline_date: dt.date | None
    follow_up_date: dt.date | None
    tool_version: str
    short_hash: str | None = None

    @property
    def visits(self) -> tuple[str, str]:
        """Names of the two visits."""
        return self.baseline_visit, self.follow_up_visit

    @property
    def dates(self) -> tuple[dt.date | None, dt.date | None]:
        """Days of the two visits."""
        return self.baseline_date, self.follow_up_date


def half_paragraphs(captions: Captions, result: HalfResult, em_px: int) -> list[Paragraph]:
    """Subject, side, quality status and flags."""
    mark, status, colour = _STATUS[result.qc_status]
    warnings, notes = _flag_words(captions, result)
    title = f"{captions.subject_id} · patient's {result.side.upper()} side"
    paragraphs = [
        Paragraph(title, round(1.5 * em_px), bold=True),
        Paragraph(f"{mark} {status}", round(1.1 * em_px), bold=True, colour=colour),
        *(Paragraph(f"{mark} {words}", em_px, colour=colour) for words in warnings),
    ]
    if notes:
        paragraphs.append(Paragraph(f"note: {'; '.join(notes)}", _small(em_px), colour=FAINT))
    return paragraphs


def change_paragraph(result: HalfResult, em_px: int) -> Paragraph:
    """What changed between the visits."""
    change = result.change
    if change.change_mm2 is not None:
        words = f"{_with_sd(change.change_mm2, change.change_sd_mm2, signed=True)} mm²"
    else:
        points = _signed(100 * change.change_fraction, 2)
        words = f"{points} percentage points of the measured skin (no scale)"
    if change.change_pct is not None:
        words += f", {_signed(change.change_pct, 1)} % of baseline"
    return Paragraph(f"Change of scar area: {words}", em_px, bold=True)


def alignment_paragraph(result: HalfResult, em_px: int) -> Paragraph:
    """How well the two photographs could be laid on each other."""
    if result.residual_mm is None:
        error = f"{result.residual_px:.1f} px"
    else:
        error = f"{result.residual_mm:.2f} mm"
    words = f"{100 * result.registered_fraction:.0f} % of the skin that both visits show"
    return Paragraph(f"Alignment: {words}, to about {error}", em_px)


def visit_paragraphs(
    captions: Captions, result: HalfResult, index: int, em_px: int, note: str = ""
) -> list[Paragraph]:
    """One visit's name, day and numbers; `index` is 0 for the baseline, 1 for the follow-up."""
    visit = (result.baseline, result.follow_up)[index]
    date = captions.dates[index]
    name = f"{captions.visits[index]} · {date.isoformat() if date else 'no date'}"
    paragraphs = [
        Paragraph(name, round(1.25 * em_px), bold=True),
        Paragraph(_area_words(visit.measurement), round(1.25 * em_px), bold=True),
        Paragraph(_extent_words(visit), em_px),
        Paragraph(f"{captions.subject_id} · {result.side} side", em_px, colour=FAINT),
    ]
    return [*paragraphs, Paragraph(note, em_px, colour=FAINT)] if note else paragraphs


def legend_words(captions: Captions, result: HalfResult) -> dict[Fate, str]:
    """Each fate with its count and what it means."""
    # scars, not matches: one that fell into pieces counts once
    fates = {match.baseline_id: match.fate for match in result.matches if match.baseline_id}
    count = Counter(fates.values())
    count["new"] = sum(match.baseline_id is None for match in result.matches)
    before, after = captions.visits
    meaning: dict[Fate, str] = {
        "persisted": "size the same within its uncertainty",
        "shrunk": f"smaller at {after}",
        "grown": f"larger at {after}",
        "healed": f"not found at {after}",
        "new": f"not found at {before}",
    }
    return {fate: f"{count[fate]} {fate}: {words}" for fate, words in meaning.items()}


def left_out_words(
    captions: Captions, skipped: tuple[LeftOut | None, LeftOut | None], visits: tuple[int, ...]
) -> dict[str, str]:
    """For each reason why skin of the shown visits was left out, how much and what it means."""
    shares = [{} if part is None else part.shares() for part in (skipped[i] for i in visits)]
    words = {}
    for reason, meaning in _REASON_WORDS.items():
        if any(reason in share for share in shares):
            amounts = " and ".join(_percent(share.get(reason, 0.0)) for share in shares)
            words[reason] = f"{amounts} of the half's skin: {meaning}"
    if len(visits) == 1 and OTHER_VISIT in words:
        other = captions.visits[1 - visits[0]]
        words[OTHER_VISIT] = words[OTHER_VISIT].replace("the other visit", other)
    return words


def small_print(captions: Captions, em_px: int) -> Paragraph:
    """Which program and run made the picture."""
    words = f"scarmetrics {captions.tool_version}"
    if captions.short_hash:
        words += f" · {captions.short_hash}"
    words += " · after ±: one standard deviation"
    return Paragraph(words, _small(em_px), colour=FAINT)


def _small(em_px: int) -> int:
    return max(10, round(0.8 * em_px))


def _flag_words(captions: Captions, result: HalfResult) -> tuple[list[str], list[str]]:
    """Descriptions of flags that call for action, and of the others."""
    warnings, notes = [], []
    for name in result.flags:
        at = [
            visit
            for visit, part in zip(
                captions.visits, (result.baseline, result.follow_up), strict=True
            )
            if name in part.flags
        ]
        where = at[0] if len(at) == 1 else ""
        if FLAGS[name].severity == "info":
            notes.append(f"{where}: {FLAGS[name].description}".removeprefix(": "))
        else:
            warnings.append(f"{where}: {FLAGS[name].description}".removeprefix(": "))
    return warnings, notes


def _area_words(measured: AreaMeasurement) -> str:
    if measured.area_mm2 is None:
        return f"scar area {100 * measured.area_fraction:.2f} % of the skin (no scale)"
    return f"scar area {_with_sd(measured.area_mm2, measured.area_sd_mm2)} mm²"


def _extent_words(visit: VisitResult) -> str:
    count = visit.measurement.scar_count
    scars = "no scar found" if count == 0 else f"{count} scar{'s' * (count > 1)}"
    if visit.measurement.roi_area_mm2 is None:
        return f"{scars} · measured skin {int(visit.roi.sum())} px"
    return f"{scars} · measured skin {visit.measurement.roi_area_mm2:.0f} mm²"


def _percent(share: float) -> str:
    percent = 100 * share
    return f"{percent:.0f} %" if percent >= 1 or percent == 0 else "below 1 %"


def _with_sd(value: float, sd: float | None, *, signed: bool = False) -> str:
    """A value to the decimals that its standard deviation supports."""
    if value == 0 and not sd:
        return "0"
    decimals = 2 if (sd or 0) < 1 else 1 if (sd or 0) < 10 else 0
    number = _signed(value, decimals) if signed else f"{value:.{decimals}f}"
    return number if sd is None else f"{number} ± {sd:.{decimals}f}"


def _signed(value: float, decimals: int) -> str:
    return f"{value:+.{decimals}f}".replace("-", "\N{MINUS SIGN}")
