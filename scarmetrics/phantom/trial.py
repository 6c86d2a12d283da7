"""What a made-up study holds besides photographs: the randomisation list and the answers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np

from scarmetrics.models import SIDES, Side

if TYPE_CHECKING:
    from collections.abc import Mapping

Treatment = Literal["adsc_cm", "saline"]
Procedure = Literal["co2_laser", "microneedling"]

PROCEDURES: tuple[Procedure, Procedure] = ("co2_laser", "microneedling")
SESSIONS = (1, 2, 3, 4)
MONTHS = (3, 6)
_EVENTS = ("erythema", "oedema", "pain")
_MILD, _FADING = 0.15, 0.04  # less likely a side effect with ADSC-CM, and from session to session
_NOT_ANSWERED = 0.03


def assign(n_subjects: int, seed: int) -> list[tuple[Procedure, Side]]:
    """Procedure and treated side of each subject: procedures in turn, sides balanced by lot.

    Parameters
    ----------
    n_subjects : int
        How many.
    seed : int
        Of the lot.
    """
    treated: list[Side] = [SIDES[number % 2] for number in range(n_subjects)]
    order = np.random.default_rng(seed).permutation(n_subjects)
    return [(PROCEDURES[number // 2 % 2], treated[i]) for number, i in enumerate(order)]


def answers(
    subjects: Mapping[str, tuple[Procedure, Side]], seed: int
) -> list[dict[str, str | int]]:
    """Questionnaires of all subjects: side effects by half and session, satisfaction by half.

    Parameters
    ----------
    subjects : mapping of str to (procedure, treated side)
        By subject id.
    seed : int
        Of everything that is random.

    Returns
    -------
    list of dict
        Rows as ``scarmetrics link --questionnaires`` takes them. Few are not answered.
    """
    rng = np.random.default_rng((seed, 7))
    rows: list[dict[str, str | int]] = []
    for subject, (_, treated) in subjects.items():
        for side in SIDES:
            who = {"subject_id": subject, "side": side}
            better = float(side == treated)
            for session in SESSIONS:
                chance = 0.45 - _MILD * better - _FADING * session
                rows += [
                    {**who, "kind": "side_effect", "event": event, "session": session, "month": "",
                     "score": _score(rng, 0, 3, chance)}
                    for event in _EVENTS
                ]  # fmt: skip
            rows += [
                {**who, "kind": "satisfaction", "event": "", "session": "", "month": month,
                 "score": _score(rng, 1, 4, 0.5 + _MILD * better)}
                for month in MONTHS
            ]  # fmt: skip
    return rows


def _score(rng: np.random.Generator, lowest: int, steps: int, chance: float) -> str | int:
    score = lowest + int(rng.binomial(steps, chance))
    return "" if rng.random() < _NOT_ANSWERED else score
