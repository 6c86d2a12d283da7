"""Records -> the halves that can be measured, and why the others cannot."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from scarmetrics.ingest.listing import failed
from scarmetrics.ingest.words import natural_key
from scarmetrics.models import SIDES, HalfPlan, StudyPlan

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from scarmetrics.config import StudyConfig
    from scarmetrics.ingest.listing import Listing
    from scarmetrics.models import FailureRecord, PhotoRecord, Side

ViewKind = Literal["side", "frontal"]


def plan_study(listing: Listing, config: StudyConfig) -> StudyPlan:
    """Pair the photographs of a study into halves.

    Each half is measured on one kind of view, the same at both visits: the first of
    ``pairing.view_preference`` that both visits have. Nothing is chosen silently: where two
    photographs could stand for the same thing, that view is listed as a failure and not used.

    Parameters
    ----------
    listing : Listing
        What a reader found.
    config : StudyConfig
        Visits to compare, order of views, and kind of light.

    Returns
    -------
    StudyPlan
        Halves in natural order of subject, left before right. Failures of files come first, then
        those of halves.
    """
    by_subject: dict[str, list[PhotoRecord]] = defaultdict(list)
    lost_by_subject: dict[str, list[FailureRecord]] = defaultdict(list)
    for record in listing.records:
        by_subject[record.subject_id].append(record)
    for failure in listing.failures:
        lost_by_subject[failure.subject_id].append(failure)
    any_light = any(record.light for record in listing.records)
    halves: list[HalfPlan] = []
    failures = list(listing.failures)
    for subject_id in sorted(by_subject, key=natural_key):
        subject = _Subject(
            subject_id,
            tuple(by_subject[subject_id]),
            tuple(lost_by_subject[subject_id]),
            config,
            any_light,
        )
        for side in subject.expected_sides():
            half, problems = _pair_half(subject, side)
            failures.extend(problems)
            if half is not None:
                halves.append(half)
    used = {id(record) for half in halves for record in (half.baseline, half.follow_up)}
    unused = tuple(record for record in listing.records if id(record) not in used)
    return StudyPlan(tuple(halves), tuple(failures), listing.records, unused, listing.unlisted)


@dataclass(frozen=True)
class _Subject:
    """Everything known about one subject."""

    subject_id: str
    records: tuple[PhotoRecord, ...]
    lost: tuple[FailureRecord, ...]
    config: StudyConfig
    study_has_lights: bool

    @property
    def visits(self) -> tuple[str, str]:
        pairing = self.config.pairing
        return pairing.baseline_visit, pairing.follow_up_visit

    def expected_sides(self) -> tuple[Side, ...]:
        """Sides that some photograph shows, whatever its visit or light."""
        return tuple(
            side
            for side in SIDES
            if any(_shows(r, side, "side") or _shows(r, side, "frontal") for r in self.records)
        )

    def has_light(self, record: PhotoRecord) -> bool:
        """Tell whether the photograph was taken under the light to measure."""
        wanted = self.config.ingest.light
        if wanted is None:
            return True
        if record.light is None:
            return not self.study_has_lights
        return record.light.casefold() == wanted.casefold()

    def showing(
        self, side: Side, visit: str, kinds: Sequence[ViewKind], *, lit: bool = True
    ) -> list[PhotoRecord]:
        """Photographs of a side at a visit, under the right light or under the wrong one."""
        return [
            record
            for record in self.records
            if record.visit == visit
            and self.has_light(record) == lit
            and any(_shows(record, side, kind) for kind in kinds)
        ]


def _shows(record: PhotoRecord, side: Side, kind: ViewKind) -> bool:
    view = side if kind == "side" else "frontal"
    return record.view == view and record.side in {None, side}


def _pair_half(subject: _Subject, side: Side) -> tuple[HalfPlan | None, list[FailureRecord]]:
    """Find the half's two photographs; also everything that stood in the way."""
    failures: list[FailureRecord] = []
    seen_at_both = False
    for kind in subject.config.pairing.view_preference:
        groups = [subject.showing(side, visit, [kind]) for visit in subject.visits]
        conflicts = [
            conflict
            for visit, group in zip(subject.visits, groups, strict=True)
            if (conflict := _conflict(subject.subject_id, side, visit, group))
        ]
        failures.extend(conflicts)
        if not all(groups):
            continue
        seen_at_both = True
        if conflicts:
            continue
        half = HalfPlan(subject.subject_id, side, groups[0][0], groups[1][0])
        mismatch = _mismatch(half)
        if mismatch is None:
            return half, failures
        failures.append(mismatch)
    if not seen_at_both:
        failures.append(_missing_visit(subject, side))
    return None, failures


def _conflict(
    subject_id: str, side: Side, visit: str, group: Sequence[PhotoRecord]
) -> FailureRecord | None:
    """More than one photograph for the same purpose."""
    if len(group) < 2:
        return None
    lights = {(record.light or "").casefold() for record in group}
    if len(lights) > 1:
        named = ", ".join(f"{_quoted(r)} ({r.light or 'no light given'})" for r in group)
        reason_code, detail = "ambiguous_light", f"several kinds of light and none chosen: {named}"
    else:
        named = ", ".join(_quoted(record) for record in group)
        reason_code = "duplicate_photograph"
        detail = f"the same subject, visit and view is there {len(group)} times: {named}"
    return failed(
        reason_code,
        detail,
        path_relative=group[0].path_relative,
        subject_id=subject_id,
        visit=visit,
        side=side,
    )


def _mismatch(half: HalfPlan) -> FailureRecord | None:
    """Two photographs that must not be compared."""
    before, after = half.baseline, half.follow_up
    reason_code = detail = ""
    if before.light and after.light and before.light.casefold() != after.light.casefold():
        reason_code = "ambiguous_light"
        detail = (
            f"the visits were photographed under different light: {_quoted(before)} "
            f"({before.light}), {_quoted(after)} ({after.light})"
        )
    elif before.captured_on and after.captured_on and after.captured_on < before.captured_on:
        reason_code = "visit_order"
        detail = (
            f"{after.visit} ({_quoted(after)}, {after.captured_on}) was captured before "
            f"{before.visit} ({_quoted(before)}, {before.captured_on})"
        )
    if not reason_code:
        return None
    return failed(
        reason_code,
        detail,
        path_relative=after.path_relative,
        subject_id=half.subject_id,
        visit=after.visit,
        side=half.side,
    )


def _missing_visit(subject: _Subject, side: Side) -> FailureRecord:
    """Say which visit is missing, what is there, and what became of the file if it failed."""
    kinds = subject.config.pairing.view_preference
    there = {visit: subject.showing(side, visit, kinds) for visit in subject.visits}
    missing = [visit for visit in subject.visits if not there[visit]]
    present = [record for visit in subject.visits for record in there[visit]]
    found = ", ".join(f"{r.visit} {r.view} ({_quoted(r)})" for r in present)
    if not missing:
        detail = f"the {side} side was not photographed in the same view at both visits: {found}"
    elif present:
        detail = f"{missing[0]} is missing for the {side} side; there is {found}"
    else:
        detail = f"both {' and '.join(missing)} are missing for the {side} side"
    for visit in missing:
        wrong_light = subject.showing(side, visit, kinds, lit=False)
        detail += "".join(
            f"; {_quoted(r)} was taken under {_light_name(r)}, not under "
            f"{subject.config.ingest.light!r}"
            for r in wrong_light
        )
    detail += "".join(
        f"; {failure.path_relative!r} could not be used: {failure.reason}"
        for failure in _relevant(subject.lost, side, missing)
    )
    return failed(
        "missing_visit",
        detail,
        path_relative=present[0].path_relative if present else "",
        subject_id=subject.subject_id,
        visit=missing[0] if len(missing) == 1 else "",
        side=side,
    )


def _relevant(
    lost: Iterable[FailureRecord], side: Side, visits: Sequence[str]
) -> list[FailureRecord]:
    """Failed files that may be the missing photograph."""
    return [f for f in lost if f.side in {"", side} and f.visit in {"", *visits}]


def _light_name(record: PhotoRecord) -> str:
    return repr(record.light) if record.light else "a light that is not given"


def _quoted(record: PhotoRecord) -> str:
    return repr(record.path_relative)
