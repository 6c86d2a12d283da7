"""The analysis as the page's template sees it: every value knows where in analysis.json it stands.

A number cannot be printed except with the path it came from, so no number gets into the page that
is not in the file.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from markupsafe import Markup, escape

from scarmetrics.trial_report.numbers import DASH, decimals_of, fixed, p_text

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


class Node:
    """A value of analysis.json with its path.

    Parameters
    ----------
    value : object
        What stands there.
    path : str
        Keys and positions, joined by dots.
    """

    __slots__ = ("_path", "_value")

    def __init__(self, value: Any, path: str = "") -> None:
        self._value = value
        self._path = path

    def __getattr__(self, name: str) -> Node:
        if name.startswith("__") or not isinstance(self._value, dict):
            raise AttributeError(name)
        try:
            return self._at(name)
        except KeyError:
            raise AttributeError(name) from None

    def __getitem__(self, key: str | int) -> Node:
        return self._at(key)

    def _at(self, key: str | int) -> Node:
        return Node(self._value[key], f"{self._path}.{key}" if self._path else str(key))

    def __iter__(self) -> Iterator[Node]:
        """Members of a list, or keys of a mapping as text."""
        if isinstance(self._value, dict):
            return iter([Node(key, f"{self._path}.{key}") for key in self._value])
        return iter([self._at(index) for index in range(len(self._value))])

    def __len__(self) -> int:
        return len(self._value)

    def __bool__(self) -> bool:
        """Whether it is there: a number always is, an empty text or list is not."""
        if isinstance(self._value, bool):
            return self._value
        return self._value is not None and self._value not in ("", [], {})

    def __eq__(self, other: object) -> bool:
        return bool(self._value == (other._value if isinstance(other, Node) else other))

    def __lt__(self, other: float) -> bool:
        return bool(self._value < other)

    def __gt__(self, other: float) -> bool:
        return bool(self._value > other)

    def __hash__(self) -> int:
        return hash(self._path)

    def __html__(self) -> str:
        if isinstance(self._value, str):
            return str(escape(self._value))
        raise TypeError(f"{self._path} is no text: print it with num")

    __str__ = __html__


class Printer:
    """The template's filters: numbers as text, each with its path and its definition.

    Parameters
    ----------
    definitions : mapping of str to str
        By path, ``[]`` for the members of a list.
    """

    def __init__(self, definitions: Mapping[str, str]) -> None:
        self._definitions = definitions

    def number(
        self, node: Node, decimals: int | None = None, *, sign: bool = False, scale: int = 1
    ) -> Markup:
        """A number of the analysis; a dash where there is none."""
        value = raw(node)
        if value is None:
            return Markup('<span class="none">{}</span>').format(DASH)
        if decimals is None:
            decimals = 0 if float(value).is_integer() else 2
        return self._data(node, fixed(scale * value, decimals, sign=sign), scale)

    def quantity(self, node: Node, unit: Node, *, sign: bool = False) -> Markup:
        """A number with as many decimals as its unit has."""
        return self.number(node, decimals_of(str(unit)), sign=sign)

    def p_value(self, node: Node, *, equals: bool = True) -> Markup:
        """A p value with its sign of equality, as text has it."""
        value = raw(node)
        if value is None:
            return self.number(node)
        return self._data(node, p_text(value) if equals else p_text(value).removeprefix("= "))

    def p_cell(self, node: Node) -> Markup:
        """A p value as a table has it."""
        return self.p_value(node, equals=False)

    def cell(self, node: Node, names: Mapping[str, str]) -> Markup:
        """A cell of a table from outside: words by their names, text as text, numbers as such."""
        value = raw(node)
        if isinstance(value, bool):
            return Markup("yes" if value else "no")
        if value is None or isinstance(value, int):
            return self.number(node, 0)
        if isinstance(value, float):
            return self.number(node, 0 if value.is_integer() else 3)
        return Markup(escape(names.get(str(value), value)))

    def _data(self, node: Node, text: str, scale: int = 1) -> Markup:
        path = path_of(node)
        title = self._definitions.get(re.sub(r"\.\d+", "[]", path.removeprefix("analysis.")), "")
        return Markup('<data value="{}" data-path="{}"{}{}>{}</data>').format(
            repr(raw(node)),
            path,
            Markup(' data-scale="{}"').format(scale) if scale != 1 else "",
            Markup(' title="{}"').format(title) if title else "",
            text,
        )


def raw(node: Node) -> Any:
    """The value itself."""
    return node._value


def path_of(node: Node) -> str:
    """Where it stands."""
    return node._path


def select(nodes: Node, **keys: object) -> list[Node]:
    """Members of a list whose fields have these values."""
    return [node for node in nodes if all(getattr(node, k) == v for k, v in keys.items())]


def pick(nodes: Node, **keys: object) -> Node:
    """The first such member; an empty one where there is none."""
    found = select(nodes, **keys)
    return found[0] if found else Node(None)
