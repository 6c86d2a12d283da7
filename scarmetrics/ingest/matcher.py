"""Matches a path with a template in time that is bounded whatever the path holds.

A regular expression with several free placeholders tries every way of sharing a name out among
them: a name of 250 underscores keeps it busy for years. It is used where the name is too short
for that. A longer name is searched here, where each pair of a place in the template and a place
in the name is tried once; the answer is the one that the regular expression would give.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

MAX_STEPS = 200_000
"""Only placeholders that stand twice can need so many; then the path counts as not matching."""

_REGEX_WAYS = 50_000  # ways to share a name out that a regular expression tries at once
_OUTSIDE = -1


@dataclass(frozen=True, slots=True)
class Literal:
    """Text that has to stand there, in any case."""

    text: str
    name: str = ""


@dataclass(frozen=True, slots=True)
class Words:
    """One of several spellings, the earlier preferred; each fits in one way or not at all.

    Attributes
    ----------
    name : str
        Placeholder.
    spellings : tuple of str
        Regular expressions, to be matched ignoring case.
    """

    name: str
    spellings: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Free:
    """Any text within one folder or file name; without a name, it may be empty and is not kept.

    Attributes
    ----------
    name : str
        Placeholder, or empty.
    greedy : bool
        Whether the longest text is preferred rather than the shortest.
    """

    name: str = ""
    greedy: bool = False


@dataclass(frozen=True, slots=True)
class Again:
    """The text of an earlier placeholder once more, in any case."""

    name: str


Part = Literal | Words | Free | Again

# Part, place in the text, where a free part began (outside of one: -1), and the spans of the
# placeholders that stand twice, on which depends what may follow.
_State = tuple[int, int, int, tuple[tuple[str, int, int], ...]]


@dataclass(frozen=True)
class TemplateMatcher:
    """A template's parts in order.

    Attributes
    ----------
    parts : tuple of Part
        What has to stand one after another; a name is taken by one part and any `Again`.
    """

    parts: tuple[Part, ...]

    def fullmatch(self, text: str) -> dict[str, str] | None:
        """Read a whole text.

        Parameters
        ----------
        text : str
            Folded path without extension.

        Returns
        -------
        dict of str to str, or None
            Text of each placeholder, by the first way to read it in order of preference.
        """
        free = sum(isinstance(part, Free) for part in self.parts)
        if max(len(text), 1) ** free > _REGEX_WAYS:
            return self.search(text)
        match = self._regex.fullmatch(text)
        return match.groupdict() if match else None

    def search(self, text: str) -> dict[str, str] | None:
        """The same as `fullmatch` without its regular expression."""
        stack: list[tuple[_State, _State | None]] = [((0, 0, _OUTSIDE, ()), None)]
        came_from: dict[_State, _State | None] = {}
        while stack and len(came_from) < MAX_STEPS:
            state, previous = stack.pop()
            if state in came_from:  # led nowhere
                continue
            came_from[state] = previous
            if state[0] == len(self.parts):
                if state[1] == len(text):
                    return self._read(text, state, came_from)
                continue
            ways = list(self._ways(text, state))
            stack += [(way, state) for way in reversed(ways)]
        return None

    def _ways(self, text: str, state: _State) -> Iterator[_State]:
        """What may come next, the preferred first."""
        index, place, _, kept = state
        part = self.parts[index]
        if isinstance(part, Free):
            yield from self._free_ways(text, state, part)
            return
        for pattern in self._patterns(part, text, kept):
            match = pattern.match(text, place)
            if match:
                yield self._after(index, place, match.end(), kept)

    def _free_ways(self, text: str, state: _State, part: Free) -> Iterator[_State]:
        index, place, began, kept = state
        start = place if began == _OUTSIDE else began
        ways = []
        if began != _OUTSIDE or not part.name:
            ways.append(self._after(index, start, place, kept))
        if place < len(text) and text[place] != "/":
            # where it began matters only to a placeholder that stands twice
            ways.append((index, place + 1, start if part.name in self._twice else 0, kept))
        yield from reversed(ways) if part.greedy else ways

    def _after(
        self, index: int, start: int, end: int, kept: tuple[tuple[str, int, int], ...]
    ) -> _State:
        part = self.parts[index]
        if part.name in self._twice and not isinstance(part, Again):
            kept = (*kept, (part.name, start, end))
        return index + 1, end, _OUTSIDE, kept

    def _patterns(
        self, part: Part, text: str, kept: tuple[tuple[str, int, int], ...]
    ) -> Sequence[re.Pattern[str]]:
        if isinstance(part, Again):
            start, end = next(span[1:] for span in kept if span[0] == part.name)
            return (re.compile(re.escape(text[start:end]), re.IGNORECASE),)
        return self._compiled[part]

    def _read(
        self, text: str, state: _State | None, came_from: dict[_State, _State | None]
    ) -> dict[str, str]:
        starts: dict[int, int] = {}
        while state is not None:  # backwards, so that a part's first place stays
            starts[state[0]] = state[1]
            state = came_from[state]
        return {
            part.name: text[starts[index] : starts[index + 1]]
            for index, part in enumerate(self.parts)
            if part.name and not isinstance(part, Again)
        }

    @cached_property
    def _twice(self) -> frozenset[str]:
        return frozenset(part.name for part in self.parts if isinstance(part, Again))

    @cached_property
    def _compiled(self) -> dict[Part, tuple[re.Pattern[str], ...]]:
        sources: dict[Part, tuple[str, ...]] = {}
        for part in self.parts:
            if isinstance(part, Literal):
                sources[part] = (re.escape(part.text),)
            elif isinstance(part, Words):
                sources[part] = part.spellings
        return {
            part: tuple(re.compile(source, re.IGNORECASE) for source in texts)
            for part, texts in sources.items()
        }

    @cached_property
    def _regex(self) -> re.Pattern[str]:
        return re.compile("".join(_source(part) for part in self.parts), re.IGNORECASE)


def _source(part: Part) -> str:
    if isinstance(part, Literal):
        return re.escape(part.text)
    if isinstance(part, Words):
        return f"(?P<{part.name}>{'|'.join(part.spellings)})"
    if isinstance(part, Again):
        return f"(?P={part.name})"
    if not part.name:
        return "[^/]*?"
    return f"(?P<{part.name}>[^/]+{'' if part.greedy else '?'})"
