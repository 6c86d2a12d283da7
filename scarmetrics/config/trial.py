"""Words of the randomisation list and the questionnaires; only ``scarmetrics link`` reads them."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, field_validator, model_validator

from scarmetrics.config.values import Spellings, unique_spellings
from scarmetrics.strict_yaml import Section, wrong_at

Procedure = Literal["co2_laser", "microneedling"]
Treatment = Literal["adsc_cm", "saline"]

NO_EVENT = "none"
"""The event that says: asked, and there was nothing."""


def _as_word(text: str) -> str:
    """A word that stands in tables; a number would be taken for a score."""
    if not text.strip() or text.strip().isdecimal():
        raise ValueError("must be a word, not empty and not a number")
    return text


Word = Annotated[str, AfterValidator(_as_word)]


def _procedures() -> dict[Procedure, Spellings]:
    return {
        "co2_laser": ("co2", "co₂", "fractional co2", "fractional co2 laser", "laser", "لیزر"),
        "microneedling": ("micro needling", "needling", "mn", "میکرونیدلینگ"),
    }


def _treatments() -> dict[Treatment, Spellings]:
    return {
        "adsc_cm": ("adsc", "cm", "conditioned medium", "active", "محیط کشت"),
        "saline": ("normal saline", "ns", "placebo", "control", "سالین"),
    }


def _events() -> dict[str, Spellings]:
    return {
        NO_EVENT: ("no event", "nothing", "هیچ"),
        "erythema": ("redness", "قرمزی"),
        "oedema": ("edema", "swelling", "تورم"),
        "pain": ("درد",),
        "burning": ("سوزش",),
        "itching": ("pruritus", "خارش"),
        "crusting": ("crust", "scab", "دلمه"),
        "hyperpigmentation": ("pih", "darkening"),
        "hypopigmentation": (),
        "acne": ("acne flare", "acneiform eruption", "آکنه"),
        "infection": ("عفونت",),
        "other": ("سایر",),
    }


def _severities() -> dict[str, Spellings]:
    return {
        "absent": ("none", "no", "ندارد"),
        "mild": ("خفیف",),
        "moderate": ("متوسط",),
        "severe": ("شدید",),
    }


def _satisfactions() -> dict[str, Spellings]:
    return {
        "very_dissatisfied": ("خیلی ناراضی",),
        "dissatisfied": ("ناراضی",),
        "neutral": ("neither",),
        "satisfied": ("راضی",),
        "very_satisfied": ("خیلی راضی",),
    }


class TrialConfig(Section):
    """Words of the randomisation list and the questionnaires.

    Nothing that measures reads them. Each is a canonical word with the spellings that mean it, as
    ``ingest.visits`` is.

    Attributes
    ----------
    procedures : dict
        What the whole face gets: ``co2_laser`` or ``microneedling``.
    treatments : dict
        What one half gets: ``adsc_cm`` (active) or ``saline`` (control).
    events : dict
        Side effects that are asked for. ``none`` is the answer that there was nothing.
    severities : dict
        Answers from the lowest to the highest; their scores are 0, 1, 2, ...
    satisfactions : dict
        The same for satisfaction; their scores are 1, 2, 3, ...
    """

    procedures: dict[Procedure, Spellings] = Field(default_factory=_procedures, min_length=1)
    treatments: dict[Treatment, Spellings] = Field(default_factory=_treatments)
    events: dict[Word, Spellings] = Field(default_factory=_events, min_length=1)
    severities: dict[Word, Spellings] = Field(default_factory=_severities, min_length=2)
    satisfactions: dict[Word, Spellings] = Field(default_factory=_satisfactions, min_length=2)

    @field_validator("procedures", "treatments", "events", "severities", "satisfactions")
    @classmethod
    def _spellings_are_unique(cls, table: dict[str, Spellings]) -> dict[str, Spellings]:
        return unique_spellings(table)

    @model_validator(mode="after")
    def _both_treatments(self) -> Self:
        if len(self.treatments) != 2:
            raise wrong_at((("treatments",), "must hold both adsc_cm and saline"))
        return self
