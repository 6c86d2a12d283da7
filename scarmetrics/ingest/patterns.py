"""Path templates such as ``{subject_id}/{visit}_{view}`` -> what matches paths with them."""

from __future__ import annotations

import string
from dataclasses import dataclass
from typing import TYPE_CHECKING

from scarmetrics.ingest.matcher import Again, Free, Literal, Part, TemplateMatcher, Words
from scarmetrics.ingest.walk import IMAGE_SUFFIXES
from scarmetrics.ingest.words import Vocabulary, fold

if TYPE_CHECKING:
    from collections.abc import Mapping

    from scarmetrics.config import IngestConfig

REQUIRED_PLACEHOLDERS = ("subject_id", "visit", "view")
PLACEHOLDERS = (*REQUIRED_PLACEHOLDERS, "light", "captured_on", "side")
_ANYTHING = "*"


@dataclass(frozen=True)
class PathPattern:
    """A compiled path template.

    Attributes
    ----------
    template : str
        As written in the config.
    strict : TemplateMatcher
        Accepts known visits and views only.
    loose : tuple of TemplateMatcher
        The same with an unknown visit, an unknown view, or both; to tell what is wrong.
    """

    template: str
    strict: TemplateMatcher
    loose: tuple[TemplateMatcher, ...]

    def match(self, stem: str) -> dict[str, str] | None:
        """Read a path below the exports folder, without extension.

        Parameters
        ----------
        stem : str
            Folded path, see `scarmetrics.ingest.words.fold`.

        Returns
        -------
        dict of str to str, or None
            Text of each placeholder; None when the template does not fit.
        """
        return self.strict.fullmatch(stem)

    def match_loosely(self, stem: str) -> list[dict[str, str]]:
        """All ways to read the same path when the visit, the view or both are unknown words."""
        matches = [pattern.fullmatch(stem) for pattern in self.loose]
        return [fields for fields in matches if fields is not None]


def compile_patterns(config: IngestConfig) -> tuple[PathPattern, ...]:
    """Compile all path templates of a configuration.

    Raises
    ------
    ConfigError
        If there is none, or one cannot work; the message says which and where it stands.
    """
    remedy = "write patterns such as '{subject_id}/{visit}_{view}'"
    if not config.patterns:
        raise config.error_at(("ingest", "patterns"), "the list is empty", remedy)
    words = Vocabulary.from_config(config)
    compiled = []
    for index, template in enumerate(config.patterns):
        try:
            compiled.append(compile_template(template, words))
        except ValueError as error:
            path = ("ingest", "patterns", str(index))
            raise config.error_at(path, f"{template!r}: {error}", remedy) from None
    return tuple(compiled)


def compile_template(template: str, words: Vocabulary) -> PathPattern:
    """Compile a path template.

    Parameters
    ----------
    template : str
        Path below the exports folder, without extension. ``{subject_id}``, ``{visit}`` and
        ``{view}`` are required, ``{light}``, ``{captured_on}`` and ``{side}`` optional, ``{*}``
        is anything within one folder or file name. A placeholder that stands twice must read
        the same both times.
    words : Vocabulary
        The known visits and views.

    Returns
    -------
    PathPattern

    Raises
    ------
    ValueError
        If the template cannot work.
    """
    parts = _parse(template)
    known = {
        "visit": Words("visit", words.visits.fragments),
        "view": Words("view", words.views.fragments),
    }
    loose = [{"view": known["view"]}, {"visit": known["visit"]}, {}]
    return PathPattern(
        template,
        _matcher(parts, known, greedy_subject=False),
        # The longest subject, so that of P_01_befor_L only 'befor' is taken for the visit.
        tuple(_matcher(parts, some, greedy_subject=True) for some in loose),
    )


def _parse(template: str) -> list[tuple[str, str | None]]:
    """Split into pairs of literal text and the placeholder after it."""
    try:
        parsed = list(string.Formatter().parse(template))
    except ValueError as error:
        raise ValueError(f"a brace is missing or too many ({error})") from None
    for _, name, spec, conversion in parsed:
        if name is None:
            continue
        if name not in {*PLACEHOLDERS, _ANYTHING} or spec or conversion:
            known = ", ".join(f"{{{word}}}" for word in (*PLACEHOLDERS, _ANYTHING))
            raise ValueError(f"{{{name}}} is no placeholder; known are {known}")
    names = [name for _, name, _, _ in parsed]
    for required in REQUIRED_PLACEHOLDERS:
        if required not in names:
            raise ValueError(f"{{{required}}} is missing")
    if template.startswith("/") or template.lower().endswith(tuple(IMAGE_SUFFIXES)):
        raise ValueError("write it below the exports folder and without extension")
    return [(literal, name) for literal, name, _, _ in parsed]


def _matcher(
    parts: list[tuple[str, str | None]], words: Mapping[str, Words], *, greedy_subject: bool
) -> TemplateMatcher:
    seen: set[str] = set()
    wanted: list[Part] = []
    for literal, name in parts:
        if literal:
            wanted.append(Literal(fold(literal)))
        if name is None:
            continue
        if name in seen:
            wanted.append(Again(name))
        elif name == _ANYTHING:
            wanted.append(Free())
        else:
            seen.add(name)
            greedy = greedy_subject and name == "subject_id"
            wanted.append(words.get(name) or Free(name, greedy))
    return TemplateMatcher(tuple(wanted))
