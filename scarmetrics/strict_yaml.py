"""YAML text to a strict model, with the line and column of everything that is wrong."""

from __future__ import annotations

import difflib
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ValidationError

from scarmetrics.errors import ConfigError

ModelT = TypeVar("ModelT", bound=BaseModel)
KeyPath = tuple[str, ...]

# PyYAML lets these through for values such as 2024-13-45, '!!bool maybe' or 5000 digits.
_VALUE_ERRORS = (ValueError, LookupError, AttributeError, OverflowError)

_PLAIN_MESSAGES = {
    "model_type": "must hold 'key: value' lines; to use the defaults, remove the key",
    "dict_type": "must hold 'key: value' lines",
    "tuple_type": "must be a list, such as [first, second]",
    "string_type": "must be text; put it in quotes",
}


def parse_model(text: str, name: str, model: type[ModelT]) -> ModelT:
    """Read a model from YAML text.

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
        If the text is not YAML, writes a key twice, or holds an unknown key or a wrong value; the
        message names every problem with line and column.
    """
    data, marks = _load(text, name)
    if not isinstance(data, dict):
        raise ConfigError(
            f"{name}: holds no 'key: value' lines", "start from configs/visioface.yaml"
        )
    try:
        return model.model_validate(data)
    except ValidationError as error:
        lines = [name + _explain(problem, marks, model) for problem in error.errors()]
        raise ConfigError("\n".join(lines), "correct the config; nothing was measured") from error


def _load(text: str, name: str) -> tuple[Any, dict[KeyPath, yaml.Mark]]:
    """Values of the text, and where each key and list item stands."""
    marks: dict[KeyPath, yaml.Mark] = {}
    try:
        loader = yaml.SafeLoader(text)
        node = loader.get_single_node()
        if node is None:
            return {}, marks
        _collect_marks(node, (), marks, name, set())
        data = loader.construct_document(node)
    except (yaml.YAMLError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        problem = getattr(error, "problem", None) or "the text is not YAML"
        raise ConfigError(f"{name}{_place(mark)}: {problem}", "correct the YAML") from error
    except _VALUE_ERRORS as error:
        raise ConfigError(f"{name}: a value cannot be read ({error})", "correct it") from error
    return ({} if data is None else data), marks


def _collect_marks(
    node: yaml.Node, path: KeyPath, marks: dict[KeyPath, yaml.Mark], name: str, seen: set[int]
) -> None:
    """Remember where each key stands; refuse a key that is written twice."""
    if id(node) in seen:  # an alias; it may even hold itself
        return
    seen.add(id(node))
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            here = (*path, str(key.value))
            if here in marks:
                raise ConfigError(
                    f"{name}{_place(key.start_mark)}: the key {'.'.join(here)} stands twice",
                    "keep one of them",
                )
            marks[here] = key.start_mark
            _collect_marks(value, here, marks, name, seen)
    elif isinstance(node, yaml.SequenceNode):
        for index, value in enumerate(node.value):
            here = (*path, str(index))
            marks[here] = value.start_mark
            _collect_marks(value, here, marks, name, seen)


def _place(mark: yaml.Mark | None) -> str:
    return f", line {mark.line + 1}, column {mark.column + 1}" if mark else ""


def _explain(problem: Any, marks: dict[KeyPath, yaml.Mark], model: type[BaseModel]) -> str:
    """One validation problem as ', line 3, column 5: key: what is wrong'."""
    path = tuple(str(part) for part in problem["loc"] if part != "[key]")
    known = path
    while known and known not in marks:
        known = known[:-1]
    message = _PLAIN_MESSAGES.get(
        problem["type"], str(problem["msg"]).removeprefix("Value error, ")
    )
    if problem["type"] == "extra_forbidden":
        message = "unknown key" + _suggest(path, model)
    return f"{_place(marks.get(known))}: {'.'.join(path) + ': ' if path else ''}{message}"


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
