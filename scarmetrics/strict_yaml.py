"""YAML text to a strict model, with the line and column of everything that is wrong."""

from __future__ import annotations

import difflib
from dataclasses import dataclass, field
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, PrivateAttr, ValidationError
from pydantic_core import InitErrorDetails, PydanticCustomError

from scarmetrics.errors import ConfigError

ModelT = TypeVar("ModelT", bound=BaseModel)
KeyPath = tuple[str, ...]

_MAX_CHARACTERS = 1_000_000
_MAX_NODES = 100_000  # with every alias written out

# PyYAML lets these through for values such as 2024-13-45, '!!bool maybe' or 5000 digits.
_VALUE_ERRORS = (ValueError, LookupError, AttributeError, OverflowError)

_PLAIN_MESSAGES = {
    "model_type": "must hold 'key: value' lines; to use the defaults, remove the key",
    "dict_type": "must hold 'key: value' lines",
    "tuple_type": "must be a list, such as [first, second]",
    "string_type": "must be text; put it in quotes",
}


@dataclass(frozen=True)
class Origin:
    """Where a model's values were written; no part of what they say, so all origins are equal.

    Attributes
    ----------
    name : str
        What messages call the text; empty for a model that was made in Python.
    places : dict
        Line and column of each key and list item, by its path.
    """

    name: str = field(default="", compare=False)
    places: dict[KeyPath, str] = field(default_factory=dict, compare=False)

    def locate(self, path: KeyPath) -> str:
        """Text, line and column of a key, or of the nearest one around it that was written."""
        while path and path not in self.places:
            path = path[:-1]
        return f"{self.name}, {self.places[path]}" if path else self.name


class Section(BaseModel):
    """Base of all config sections: frozen, no unknown keys, and they know where they stand."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    _origin: Origin = PrivateAttr(default_factory=Origin)

    def model_post_init(self, context: Any, /) -> None:
        """Remember where the section was written."""
        if isinstance(context, Origin):
            self._origin = context

    def error_at(self, path: KeyPath, problem: str, remedy: str) -> ConfigError:
        """An error about a value that only its user can judge, with line and column if it has any.

        Parameters
        ----------
        path : tuple of str
            The value's keys from the top of the config, such as ``("ingest", "reader")``.
        problem, remedy : str
            What is wrong, and what to do about it.
        """
        where = self._origin.locate(path)
        return ConfigError(f"{where and where + ': '}{'.'.join(path)}: {problem}", remedy)


def wrong_at(*problems: tuple[KeyPath, str]) -> ValidationError:
    """An error about single values, for validators that see several.

    Parameters
    ----------
    *problems : tuple of (tuple of str, str)
        Keys of each value from the validated model or field on, and what is wrong with it.
    """
    return ValidationError.from_exception_data(
        "config",
        [
            InitErrorDetails(
                type=PydanticCustomError("contradiction", "{problem}", {"problem": message}),
                loc=path,
                input=None,
            )
            for path, message in problems
        ],
    )


def parse_model(text: str, name: str, model: type[ModelT]) -> ModelT:
    """Read a model from YAML text.

    Those of its models that are a `Section` remember where they were written.

    Parameters
    ----------
    text : str
        YAML; an empty text means all defaults.
    name : str
        What messages call the text.
    model : type of pydantic.BaseModel
        The model; nested models are its sections.

    Returns
    -------
    pydantic.BaseModel
        An instance of `model`.

    Raises
    ------
    ConfigError
        If the text is not YAML or far too long, writes a key twice, or holds an unknown key or a
        wrong value; the message names every problem with line and column.
    """
    data, origin = _load(text, name)
    if not isinstance(data, dict):
        raise ConfigError(
            f"{name}: holds no 'key: value' lines", "start from configs/visioface.yaml"
        )
    try:
        return model.model_validate(data, context=origin)
    except ValidationError as error:
        lines = [_explain(problem, origin, model) for problem in error.errors()]
        raise ConfigError("\n".join(lines), "correct the config; nothing was measured") from error


def _load(text: str, name: str) -> tuple[Any, Origin]:
    """Values of the text, and where each key and list item stands."""
    origin = Origin(name)
    if len(text) > _MAX_CHARACTERS:
        raise ConfigError(f"{name}: the text is too long for a config", "check the file")
    try:
        loader = yaml.SafeLoader(text)
        node = loader.get_single_node()
        if node is None:
            return {}, origin
        if _size_written_out(node, {}) > _MAX_NODES:
            raise ConfigError(
                f"{name}: its aliases (*name) stand for too much", "write the values out"
            )
        _collect_places(node, (), origin, set())
        data = loader.construct_document(node)
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise ConfigError(
            f"{name}, line {line}: {error.reason}", "remove the character that cannot be seen"
        ) from error
    except (yaml.YAMLError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        problem = getattr(error, "problem", None) or "the text is not YAML"
        where = f"{name}, {_place(mark)}" if mark else name
        raise ConfigError(f"{where}: {problem}", "correct the YAML") from error
    except _VALUE_ERRORS as error:
        raise ConfigError(f"{name}: a value cannot be read ({error})", "correct it") from error
    return ({} if data is None else data), origin


def _size_written_out(node: yaml.Node, known: dict[int, int]) -> int:
    """Number of nodes if every alias were copied: ten lines of aliases can stand for billions."""
    if id(node) not in known:
        known[id(node)] = 1  # what holds itself is refused later, as a wrong value
        inner: list[yaml.Node] = []
        if isinstance(node, yaml.MappingNode):
            inner = [part for pair in node.value for part in pair]
        elif isinstance(node, yaml.SequenceNode):
            inner = node.value
        known[id(node)] = 1 + sum(_size_written_out(part, known) for part in inner)
    return known[id(node)]


def _collect_places(node: yaml.Node, path: KeyPath, origin: Origin, seen: set[int]) -> None:
    """Remember where each key stands; refuse a key that is written twice."""
    if id(node) in seen:  # an alias; it may even hold itself
        return
    seen.add(id(node))
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            here = (*path, str(key.value))
            place = _place(key.start_mark)
            if here in origin.places:
                raise ConfigError(
                    f"{origin.name}, {place}: the key {'.'.join(here)} stands twice",
                    "keep one of them",
                )
            origin.places[here] = place
            _collect_places(value, here, origin, seen)
    elif isinstance(node, yaml.SequenceNode):
        for index, value in enumerate(node.value):
            here = (*path, str(index))
            origin.places[here] = _place(value.start_mark)
            _collect_places(value, here, origin, seen)


def _place(mark: yaml.Mark) -> str:
    return f"line {mark.line + 1}, column {mark.column + 1}"


def _explain(problem: Any, origin: Origin, model: type[BaseModel]) -> str:
    """One validation problem as 'text, line 3, column 5: key: what is wrong'."""
    path = tuple(str(part) for part in problem["loc"] if part != "[key]")
    message = _PLAIN_MESSAGES.get(
        problem["type"], str(problem["msg"]).removeprefix("Value error, ")
    )
    if problem["type"] == "extra_forbidden":
        message = "unknown key" + _suggest(path, model)
    return f"{origin.locate(path)}: {'.'.join(path) + ': ' if path else ''}{message}"


def _section_of(model: type[BaseModel], key: str) -> type[BaseModel] | None:
    field = model.model_fields.get(key)
    annotation: object = field.annotation if field else None
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return None


def _suggest(path: KeyPath, model: type[BaseModel]) -> str:
    """Name the nearest known key, in the same section first, then anywhere."""
    section = model
    for part in path[:-1]:
        inner = _section_of(section, part)
        if inner is None:
            return ""
        section = inner
    near = difflib.get_close_matches(path[-1], section.model_fields, n=1, cutoff=0.5)
    if near:
        return f"; did you mean {near[0]!r}?"
    everywhere = {
        key: f"{name}.{key}"
        for name in model.model_fields
        if (inner := _section_of(model, name)) is not None
        for key in inner.model_fields
    }
    near = difflib.get_close_matches(path[-1], everywhere, n=1, cutoff=0.6)
    if near:
        return f"; did you mean {everywhere[near[0]]!r}?"
    return f"; known keys here are {', '.join(section.model_fields)}"
