"""Kinds of values that a config holds."""

from __future__ import annotations

import datetime as dt
import re
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field

from scarmetrics.strict_yaml import KeyPath, wrong_at

_VISIT_NAME = re.compile(r"[a-z0-9][a-z0-9_.-]{0,31}", re.IGNORECASE | re.ASCII)


def refuse_bool(value: object) -> object:
    """Keep YAML's ``yes`` and ``on`` from passing as the number 1."""
    if isinstance(value, bool):
        raise ValueError("must be a number, not yes or no")  # noqa: TRY004 - pydantic's protocol
    return value


def _as_word(value: object) -> object:
    """YAML reads the spellings 0 and 1400-04-01 as a number and a date; both are words here."""
    plain_number = isinstance(value, int) and not isinstance(value, bool)
    return str(value) if plain_number or isinstance(value, dt.date) else value


def unique_spellings(table: dict[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
    """Refuse a table in which one spelling stands for two words."""
    problems: list[tuple[KeyPath, str]] = []
    meanings = {word.casefold(): word for word in reversed(table)}
    for word, aliases in table.items():
        places: list[tuple[KeyPath, str]] = [((word,), word)]
        places += [((word, str(index)), text) for index, text in enumerate(aliases)]
        for path, spelling in places:
            meant = meanings.setdefault(spelling.casefold(), word)
            if meant != word:
                both = f"{spelling!r} stands for both {meant!r} and {word!r}"
                problems.append((path, f"{both}; remove it from one"))
    if problems:
        raise wrong_at(*problems)
    return table


def _as_visit_name(name: str) -> str:
    """Names of visits become parts of file names."""
    if not _VISIT_NAME.fullmatch(name):
        raise ValueError(
            "the name of a visit becomes part of file names: use letters a-z, digits, '_', '.' and "
            "'-', 32 at most, a letter or digit first, and list other spellings behind it"
        )
    return name


Number = Annotated[float, BeforeValidator(refuse_bool)]
Spellings = tuple[Annotated[str, BeforeValidator(_as_word)], ...]
VisitName = Annotated[str, AfterValidator(_as_visit_name)]
Positive = Annotated[Number, Field(gt=0, allow_inf_nan=False)]
NotNegative = Annotated[Number, Field(ge=0, allow_inf_nan=False)]
Fraction = Annotated[Number, Field(ge=0, le=1, allow_inf_nan=False)]
