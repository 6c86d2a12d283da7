"""What is measured on faces: phantoms, change and retest, clear skin, marks that are no scars.

Each leg draws or reads every picture once and shows it to all methods. Methods other than the
package's own see fewer people. Figures come back per method, single halves beside them.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from _faces import held_out_names, measured_skin, names, people
from _peers import LEAST_DIAMETER_MM, LEAST_DIAMETER_PX
from _pictures import Half
from _scores import dice, relative_error, retest_cv_pct, share_within, spread

import scarmetrics as sm
from scarmetrics.models import SIDES
from scarmetrics.phantom import (
    Light,
    confluent_field,
    mark_field,
    recapture,
    render,
    scar_field,
    shrink,
)
from scarmetrics.pipeline import Pair, align_pair, measure_side
from scarmetrics.units import PixelScale

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from _faces import Method, Person
    from _pictures import Gallery

    from scarmetrics.models import Image, Mask, Side
    from scarmetrics.phantom import Mark, MarkKind, Phantom, Recaptured, Scar

FIELDS = ("isolated", "confluent")
MARKS: tuple[MarkKind, ...] = ("mole", "freckle", "erythema", "papule")
CHANGE_PEOPLE = 8
PEER_PEOPLE = 4  # of each leg; the package's own methods see all
SMALLEST_MM, LARGEST_MM = 1.0, 5.0  # isolated scars
MIXED_CONFLUENT = 0.6  # share of the scarred area in patches
CONFLUENT_DENSITY = 2.0  # confluent fields cover more of the skin than isolated scars do
LEAST_MARKED = 0.2  # of a mark's area, for it to count as marked
LEAST_SHOWN = 0.5  # of a mark's area inside the measured skin, for it to count at all

Rows = dict[str, list[dict[str, Any]]]


@dataclass
class Leg:
    """Figures and single cases of a leg, each by the method's name."""

    figures: dict[str, dict[str, Any]]
    rows: Rows


def shown_to(methods: Sequence[Method], index: int) -> list[Method]:
    """Who sees the person at this position."""
    return [method for method in methods if method.ours or index < PEER_PEOPLE]


# --- A: phantoms ---


def draw_light(rng: np.random.Generator) -> Light:
    """Any direction, any usual height and softness."""
    return Light(
        light_deg=float(rng.uniform(0, 360)),
        elevation_deg=float(rng.uniform(20, 50)),
        light_softness=float(rng.uniform(0.2, 0.5)),
    )


def draw_scars(mask: Mask, mm_per_px: float, field: str, rng: np.random.Generator) -> list[Scar]:
    """Isolated scars, confluent ones, or both mixed; at least four pixels wide."""
    least_mm = max(LEAST_DIAMETER_MM, LEAST_DIAMETER_PX * mm_per_px)
    seed, share = int(rng.integers(2**31)), float(rng.uniform(0.01, 0.05))
    if field == "confluent":
        dense = CONFLUENT_DENSITY * share
        drawn = confluent_field(mask, mm_per_px=mm_per_px, seed=seed, area_fraction=dense)
        return [scar for scar in drawn if scar.equivalent_diameter_mm >= least_mm]
    return scar_field(
        mask,
        mm_per_px=mm_per_px,
        seed=seed,
        area_fraction=share,
        diameter_mm=(max(SMALLEST_MM, least_mm), LARGEST_MM),
        confluent_fraction=MIXED_CONFLUENT if field == "mixed" else 0.0,
    )


def draw_both_halves(
    person: Person, field: str, rng: np.random.Generator
) -> dict[Side, list[Scar]]:
    """Scars of either half."""
    return {
        side: draw_scars(person.face.skin_mask(side), person.mm_per_px, field, rng)
        for side in SIDES
    }


def scarred(person: Person, field: str, rng: np.random.Generator) -> Phantom:
    """A person with scars on both halves, under any light."""
    scars = draw_both_halves(person, field, rng)
    return render(
        person.image,
        [scar for side in SIDES for scar in scars[side]],
        mm_per_px=person.mm_per_px,
        light=draw_light(rng),
    )


def leg_phantoms(methods: Sequence[Method], count: int | None, gallery: Gallery) -> Leg:
    """Dice and area error per half of phantoms on held-out faces."""
    rows: Rows = defaultdict(list)
    for index, person in people(held_out_names(), count):
        for number, field in enumerate(FIELDS):
            rng = np.random.default_rng((21, person.number, number))
            drawn = scarred(person, field, rng)
            for side in SIDES:
                roi = measured_skin(drawn.image, person.face, side, person.mm_per_px)
                truth = (drawn.labels > 0) & roi
                true_px = float(drawn.coverage[roi].sum(dtype=np.float64))
                for method in shown_to(methods, index):
                    labels = method.labels(drawn.image, person.mm_per_px, roi)
                    row = {
                        "person": person.name,
                        "side": side,
                        "field": field,
                        "dice": dice(labels > 0, truth),
                        "area_error": relative_error(float((labels > 0).sum()), true_px),
                    }
                    rows[method.name].append(row)
                    stem = f"{person.name}_{side}_{field}"
                    half = Half(stem, drawn.image, labels, roi, truth)
                    gallery.offer("phantom", method.name, 1 - row["dice"], half)
    return Leg({name: phantom_figures(found) for name, found in rows.items()}, rows)


def phantom_figures(rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Medians over halves, by kind of field, and the spread of the area error."""
    figures: dict[str, Any] = {"n": len(rows)}
    for field in FIELDS:
        part = [row for row in rows if row["field"] == field]
        low, middle, _ = spread([row["dice"] for row in part])
        figures |= {f"dice_{field}": middle, f"dice_{field}_p10": low}
        figures |= named_spread(f"area_error_{field}", [100 * r["area_error"] for r in part])
    return figures | named_spread("area_error", [100 * row["area_error"] for row in rows])


def named_spread(name: str, values: Sequence[float]) -> dict[str, float]:
    """p10, median and p90 under names of their own; percent or percentage points."""
    low, middle, high = spread(values)
    return {f"{name}_p10": low, f"{name}_median": middle, f"{name}_p90": high}


# --- B: change and retest, through the pipeline ---


def leg_change(methods: Sequence[Method], count: int | None) -> Leg:
    """Error of the change between visits, and repeatability of unchanged scars."""
    rows: Rows = defaultdict(list)
    for index, person in people(held_out_names()[:CHANGE_PEOPLE], count):
        shots = three_photographs(person)
        taken = {name: (shot.image, shot.mm_per_px) for name, shot in shots.items()}
        pairs = {name: aligned(taken["first"], taken[name]) for name in ("again", "later")}
        for method in shown_to(methods, index):
            for name, pair in pairs.items():
                for side in SIDES:
                    found = measure_side(pair, side, method.config(person.mm_per_px))
                    if not found:
                        raise SystemExit(f"{person.name} {side}: {found.reason}")
                    rows[method.name].append(
                        {
                            "person": person.name,
                            "side": side,
                            "pair": name,
                            **areas(found, shots["first"], shots[name]),
                        }
                    )
    return Leg({name: change_figures(found) for name, found in rows.items()}, rows)


def three_photographs(person: Person) -> dict[str, Recaptured]:
    """A face with scars twice, and once more after the scars have shrunk."""
    rng = np.random.default_rng((22, person.number))
    before = draw_both_halves(person, "mixed", rng)
    light = draw_light(rng)
    after = {
        side: shrink(
            before[side],
            float(rng.uniform(0.4, 0.9)),
            float(rng.uniform(0.7, 1.0)),
            healed_fraction=float(rng.uniform(0, 0.2)),
            spread=0.15,
            seed=int(rng.integers(2**31)),
        )
        for side in SIDES
    }

    def shot(scars: dict[Side, list[Scar]]) -> Recaptured:
        turned = light.light_deg + float(rng.normal(0, 8))
        return recapture(
            person.image,
            seed=int(rng.integers(2**31)),
            mm_per_px=person.mm_per_px,
            scars=[scar for side in SIDES for scar in scars[side]],
            light=Light(turned, light.elevation_deg, light.light_softness),
        )

    return {"first": shot(before), "again": shot(before), "later": shot(after)}


def aligned(first: tuple[Image, float], second: tuple[Image, float]) -> Pair:
    """Both faces found and aligned, from photographs with their scales; for all methods."""
    scales = (PixelScale(first[1], 0.0, "api"), PixelScale(second[1], 0.0, "api"))
    pair = align_pair(first[0], second[0], scales=scales, config=sm.StudyConfig())
    if not isinstance(pair, Pair):
        raise SystemExit(f"a phantom's photographs could not be aligned: {pair.reason}")
    return pair


def areas(found: sm.HalfResult, first: Recaptured, second: Recaptured) -> dict[str, Any]:
    """Measured and true area on the measured skin of both visits."""
    visits = (("first", found.baseline, first), ("second", found.follow_up, second))
    row: dict[str, Any] = {}
    for name, visit, shot in visits:
        row[f"{name}_mm2"] = visit.measurement.area_mm2
        row[f"true_{name}_mm2"] = shot.truth.area_within_mm2(visit.roi)
    row["change_pct"] = found.change.change_pct
    row["true_change_pct"] = 100 * relative_error(row["true_second_mm2"], row["true_first_mm2"])
    return row


def change_figures(rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Error of the change in percentage points; CV of one measurement in percent."""
    changed = [row for row in rows if row["pair"] == "later" and row["change_pct"] is not None]
    again = [row for row in rows if row["pair"] == "again"]
    errors = [row["change_pct"] - row["true_change_pct"] for row in changed]
    measured = [[row[f"{visit}_mm2"] for row in again] for visit in ("first", "second")]
    over_truth = [
        [row[f"{visit}_mm2"] / row[f"true_{visit}_mm2"] for row in again]
        for visit in ("first", "second")
    ]
    return {
        "n": len(errors),
        "n_retest": len(again),
        **named_spread("change_error", errors),
        "retest_cv_pct": retest_cv_pct(*measured),
        "retest_cv_over_truth_pct": retest_cv_pct(*over_truth),
    }


# --- C: clear skin ---


def leg_clear(methods: Sequence[Method], count: int | None, gallery: Gallery) -> Leg:
    """Scar area found on faces as published, as a share of the measured skin."""
    rows: Rows = defaultdict(list)
    for index, person in people(names(), count):
        for side in SIDES:
            roi = measured_skin(person.image, person.face, side, person.mm_per_px)
            for method in shown_to(methods, index):
                labels = method.labels(person.image, person.mm_per_px, roi)
                share = float((labels > 0).sum() / roi.sum())
                rows[method.name].append(
                    {
                        "person": person.name,
                        "side": side,
                        "held_out": person.held_out,
                        "fraction": share,
                    }
                )
                half = Half(f"{person.name}_{side}", person.image, labels, roi)
                gallery.offer("clear", method.name, share, half)
    return Leg({name: clear_figures(found) for name, found in rows.items()}, rows)


def clear_figures(rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """False area in percent of the measured skin."""
    share = [100 * row["fraction"] for row in rows]
    held_out = [100 * row["fraction"] for row in rows if row["held_out"]]
    _, middle, high = spread(share)
    return {
        "n": len(rows),
        "false_area_median": middle,
        "false_area_mean": float(np.mean(share)),
        "false_area_p90": high,
        "false_area_max": float(np.max(share)),
        "false_area_held_out_median": spread(held_out)[1],
        "n_held_out": len(held_out),
    }


# --- E: marks that are no scars ---


def leg_marks(methods: Sequence[Method], count: int | None) -> Leg:
    """Share of drawn moles, freckles, red spots and papules that are taken for scars."""
    rows: Rows = defaultdict(list)
    for index, person in people(held_out_names(), count):
        rng = np.random.default_rng((23, person.number))
        marks = [
            mark
            for side in SIDES
            for mark in mark_field(
                person.face.skin_mask(side),
                mm_per_px=person.mm_per_px,
                seed=int(rng.integers(2**31)),
                kinds=MARKS,
            )
        ]
        light = draw_light(rng)
        drawn = render(person.image, [], mm_per_px=person.mm_per_px, light=light, marks=marks)
        for side in SIDES:
            roi = measured_skin(person.image, person.face, side, person.mm_per_px)
            here = list(marks_within(marks, roi, person.mm_per_px))
            for method in shown_to(methods, index):
                found = [
                    method.labels(image, person.mm_per_px, roi) > 0
                    for image in (drawn.image, person.image)
                ]
                rows[method.name] += [
                    {
                        "person": person.name,
                        "kind": kind,
                        "marked": share_within(found[0][window], mask),
                        "marked_without": share_within(found[1][window], mask),
                    }
                    for kind, window, mask in here
                ]
    return Leg({name: mark_figures(found) for name, found in rows.items()}, rows)


def marks_within(
    marks: Sequence[Mark], roi: Mask, mm_per_px: float
) -> Iterator[tuple[str, tuple[slice, slice], Mask]]:
    """Each mark's kind, window, and inside of its outline, where the measured skin shows it."""
    for mark in marks:
        outline = mark.outline()
        reach = int(np.ceil(outline.reach_mm / mm_per_px)) + 1
        window = (
            slice(max(0, int(mark.y_px) - reach), int(mark.y_px) + reach + 1),
            slice(max(0, int(mark.x_px) - reach), int(mark.x_px) + reach + 1),
        )
        rows, cols = (
            np.arange(span.start, min(span.stop, length), dtype=np.float32)
            for span, length in zip(window, roi.shape, strict=True)
        )
        depth = outline.depth_at(cols[None, :], rows[:, None], mm_per_px)
        mask = depth >= outline.depth_mm / 2
        if mask.any() and roi[window][mask].mean() >= LEAST_SHOWN:
            yield mark.kind, window, mask


def mark_figures(rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Percent of marks taken for scars, less what is marked there without the mark."""
    figures: dict[str, Any] = {"n": len(rows)}
    for kind in (*MARKS, None):
        part = [row for row in rows if kind in (None, row["kind"])]
        if part:
            excess = [
                float(row["marked"] > LEAST_MARKED) - float(row["marked_without"] > LEAST_MARKED)
                for row in part
            ]
            figures[f"marked_{kind or 'all'}"] = 100 * float(np.mean(excess))
            figures[f"n_{kind or 'all'}"] = len(part)
    return figures
