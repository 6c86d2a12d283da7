import dataclasses
import doctest
import importlib
import inspect
import pkgutil
import re
import subprocess
import sys

import pytest
from pydantic import BaseModel

import scarmetrics as sm

SECTION = re.compile(r"^(Parameters|Attributes)\n-+\n(.*?)(?=^\w[\w ]*\n-+\n|\Z)", re.M | re.S)


def modules():
    return [
        found.name
        for found in pkgutil.walk_packages(sm.__path__, "scarmetrics.")
        if not found.name.endswith("__main__")
    ]


@pytest.mark.parametrize("name", sm.__all__)
def test_every_public_name_is_there(name):
    assert getattr(sm, name) is not None
    assert name in dir(sm)


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no_such_name"):
        _ = sm.no_such_name


def test_importing_the_package_loads_no_heavy_library():
    heavy = ("cv2", "skimage", "pandas", "scipy", "pyarrow")
    code = f"import sys, scarmetrics; print([m for m in {heavy} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("name", modules())
def test_examples_in_docstrings_hold(name):
    failed, _ = doctest.testmod(importlib.import_module(name), optionflags=doctest.ELLIPSIS)
    assert failed == 0


def documented(thing):
    """Names that the docstring's Parameters or Attributes explain."""
    names = set()
    for _, body in SECTION.findall(inspect.getdoc(thing) or ""):
        for line in re.findall(r"^(\S.*?) : ", body, re.M):
            names.update(part.strip().lstrip("*") for part in line.split(","))
    return names


def taken(thing):
    """Arguments of a function, or what a class is made of."""
    if dataclasses.is_dataclass(thing):
        return {field.name for field in dataclasses.fields(thing) if not field.name.startswith("_")}
    if inspect.isclass(thing) and issubclass(thing, BaseModel):
        return set()  # sections of the config: their own docstrings explain them
    return {name for name in inspect.signature(thing).parameters if name not in ("self", "cls")}


def spoken_for(thing):
    """The class whose docstring explains the arguments: the one that defines them."""
    if inspect.isclass(thing) and "__init__" not in vars(thing):
        return next(base for base in thing.__mro__ if "__init__" in vars(base))
    return thing


@pytest.mark.parametrize("name", sm.__all__)
def test_public_names_are_documented_with_their_arguments(name):
    thing = getattr(sm, name)
    summary = inspect.getdoc(thing).splitlines()[0]
    assert summary.endswith((".", "…"))
    assert vars(thing).get("__doc__") or not inspect.isclass(thing)
    missing = taken(thing) - documented(thing)
    if missing:
        missing -= documented(spoken_for(thing))
    assert not missing


@pytest.mark.parametrize("name", sm.__all__)
def test_public_functions_say_what_they_return(name):
    thing = getattr(sm, name)
    methods = (
        [
            method
            for label, method in vars(thing).items()
            if not label.startswith("_") and inspect.isfunction(method)
        ]
        if inspect.isclass(thing)
        else [thing]
    )
    for method in methods:
        text = inspect.getdoc(method)
        assert text, method.__qualname__
        arguments = set(inspect.signature(method).parameters) - {"self", "cls"}
        if len(text.splitlines()) > 1:
            assert "Returns\n-------" in text, method.__qualname__
            assert arguments <= documented(method), method.__qualname__
