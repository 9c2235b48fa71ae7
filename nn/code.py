"""describe_code: a function or class by its name and by what it computes, the same in every process.

A run that goes on must not go on with another function of the same name: another lambda, another constant in a closure,
another argument of a functools.partial, another method.
"""

from __future__ import annotations

import dis
import functools
import hashlib
import os
import re
import sys
import sysconfig
import types
from collections.abc import Iterator
from typing import Any

import numpy as np

from autograd.primitive import Primitive

HASH = "[0-9a-f]{12}"
VARIABLE = rf"; the (?:global|closure|attribute) \w+ {HASH}(?=[;\]])"  # in what describe_code() returns
_PATHS = sysconfig.get_paths()
_INSTALLED = tuple({_PATHS[name] + os.sep for name in ("stdlib", "platstdlib", "purelib", "platlib")})
_OWN = ("autograd", "nn")
_OF_EVERY_CLASS = (
    "__module__",
    "__qualname__",
    "__doc__",
    "__dict__",
    "__weakref__",
    "__annotations__",
    "_abc_impl",
    "__abstractmethods__",
)
_OF_THE_SOURCE = (
    "_abc_impl",
    "__abstractmethods__",
    "__firstlineno__",
    "__static_attributes__",
    "__annotate_func__",
    "__annotations_cache__",
)


def describe_code(x: Any, data: bool = True) -> str:
    """The name of a function, class or object; in brackets a fingerprint of its code, if that is the user's own.

    Args:
        x: the function, class or object.
        data: whether the numbers, strings and arrays count that it takes from outside: closures, globals, defaults and
            the attributes of a callable object. What its code holds always counts.
    """
    facts = list(_facts(x, data, {}))
    name = name_of(x)
    if facts == [name]:
        return name
    code = [fact for fact in facts if not isinstance(fact, Variable)]
    return f"{name} [{_hash(code)}{''.join([f'; {each}' for each in facts if isinstance(each, Variable)])}]"


class Variable(str):
    """One of the facts: the name of a variable that code reads, and a fingerprint of what it holds."""

    __slots__ = ()


def describe_difference(saved: Any, given: Any) -> tuple[str, str]:
    """Two different settings in words: without what describe_code() has in brackets, if that is not the difference."""
    one, other = (re.sub(rf" \[{HASH}[^]]*\]", "", repr(x)) for x in (saved, given))
    if one != other:
        return one, other
    here, there = (set(re.findall(VARIABLE, repr(x))) for x in (saved, given))
    names = dict.fromkeys(variable[2:].rpartition(" ")[0] for variable in sorted(here ^ there))
    what = f"another value of {', '.join(names)}" if names else "other code or numbers in it"
    return f"{one} with {what}", other


def drop_memories(before: Any, after: Any) -> Any:
    """Descriptions before the functions in them were called, without the variables that the calls have changed."""
    if type(before) is not type(after):
        return before
    if isinstance(before, str):
        return re.sub(VARIABLE, lambda found: found[0] if found[0] in after else "", before)
    if isinstance(before, list):
        return [drop_memories(x, y) for x, y in zip(before, after)]
    if isinstance(before, dict):
        return {name: drop_memories(x, after.get(name)) for name, x in before.items()}
    return before


def name_of(x: Any) -> str:
    """The name of a function or class, or the name of another object's class."""
    return str(getattr(x, "__qualname__", getattr(x, "__name__", type(x).__qualname__)))  # a ufunc has a name only


def _facts(x: Any, data: bool, seen: dict[int, Any]) -> Iterator[Any]:
    """What x computes, as strings and numbers."""
    if id(x) in seen:
        yield "again"
        return
    seen[id(x)] = x  # which also keeps it alive, so that its id stays its own
    yield name_of(x)
    if isinstance(x, types.FunctionType):
        yield from _of_function(x, data, seen)
    elif isinstance(x, functools.partial):
        for part in (x.func, *([x.args, x.keywords] if data else [])):
            yield from _of_data(part, data, seen)
    elif isinstance(x, types.MethodType):
        yield from _facts(x.__func__, data, seen)
        yield from _facts(x.__self__, data, seen)
    elif isinstance(x, Primitive):
        if x.__module__.split(".")[0] not in _OWN:
            yield from _of_data((x.function, x.partials), data, seen)
    elif isinstance(x, (staticmethod, classmethod)):
        yield from _facts(x.__func__, data, seen)
    elif isinstance(x, property):
        yield from _of_data((x.fget, x.fset), data, seen)
    elif isinstance(x, type):
        if not _is_library(x):
            yield from _of_class(x, seen)
    elif not _is_library(type(x)):
        yield from _of_class(type(x), seen)
        if data and callable(x) and not hasattr(x, "state_dict"):  # what that holds changes in training
            for name, held in getattr(x, "__dict__", {}).items():
                yield from _of_variable(f"the attribute {name}", held, seen)


def _of_function(f: types.FunctionType, data: bool, seen: dict[int, Any]) -> Iterator[Any]:
    code = f.__code__
    if (f.__module__ or "").split(".")[0] in _OWN or code.co_filename.startswith((*_INSTALLED, "<frozen ")):
        return
    yield from _of_code(code, f.__doc__)
    if not data:
        return
    yield from _of_data((f.__defaults__, f.__kwdefaults__), data, seen)
    stored = {i.argval for i in dis.get_instructions(code) if i.opname in ("STORE_DEREF", "STORE_GLOBAL")}
    for name, cell in zip(code.co_freevars, f.__closure__ or ()):
        if name not in stored and cell != types.CellType():  # what is stored is a memory, and not a setting
            yield from _of_variable(f"the closure {name}", cell.cell_contents, seen)
    for name in sorted(_globals_of(code) - stored):
        if name in f.__globals__:
            yield from _of_variable(f"the global {name}", f.__globals__[name], seen)


def _of_variable(name: str, x: Any, seen: dict[int, Any]) -> Iterator[Any]:
    """A variable by what it holds; of functions, classes and objects, the variables inside count for themselves."""
    facts = list(_of_data(x, True, seen))
    yield name
    yield from [fact for fact in facts if isinstance(fact, Variable)]
    own = [fact for fact in facts if not isinstance(fact, Variable)]
    if isinstance(x, (types.FunctionType, type)):
        yield from own
    else:
        yield Variable(f"{name} {_hash(own)}")


def _hash(facts: list[Any]) -> str:
    return hashlib.sha256(repr(facts).encode()).hexdigest()[:12]


def _of_code(code: types.CodeType, doc: str | None) -> Iterator[Any]:
    yield code.co_code.hex()
    yield from (code.co_names, code.co_varnames, code.co_freevars, code.co_argcount, code.co_kwonlyargcount)
    for k, constant in enumerate(code.co_consts):
        if isinstance(constant, types.CodeType):
            yield from _of_code(constant, None)
        elif k or doc is None or constant != doc:
            yield from _of_data(constant, True, {})


def _globals_of(code: types.CodeType) -> set[str]:
    """The names that code, and the functions defined in it, read from its module."""
    found = {i.argval for i in dis.get_instructions(code) if i.opname in ("LOAD_GLOBAL", "LOAD_NAME")}
    inner = [constant for constant in code.co_consts if isinstance(constant, types.CodeType)]
    return found.union(*map(_globals_of, inner))


def _of_class(cls: type, seen: dict[int, Any]) -> Iterator[Any]:
    """The methods and constants of a class and of its bases, except for those of libraries."""
    for kind in cls.__mro__:
        yield kind.__qualname__
        if not _is_library(kind):
            for name, x in sorted(vars(kind).items()):
                if name not in (*_OF_EVERY_CLASS, *_OF_THE_SOURCE):
                    yield name
                    yield from _of_data(x, True, seen)


def _is_library(kind: type) -> bool:
    """Whether a class is part of Python, of an installed package, or of these packages."""
    first = kind.__module__.split(".")[0]
    if first in _OWN or kind.__module__ == "builtins":
        return True
    file = getattr(sys.modules.get(kind.__module__), "__file__", None)
    return file is not None and file.startswith(_INSTALLED)


def _of_data(x: Any, data: bool, seen: dict[int, Any]) -> Iterator[Any]:
    """Numbers, strings, arrays and containers by what is in them, functions by their code, all else by its class."""
    if isinstance(x, int) and not isinstance(x, bool):
        yield f"{type(x).__name__} {hex(x)}"  # decimal digits are limited to 4300
    elif x is None or x is Ellipsis or isinstance(x, (bool, complex, str, bytes)) or type(x) is float:
        yield f"{type(x).__name__} {x!r}"
    elif isinstance(x, np.generic) or (isinstance(x, np.ndarray) and x.dtype != object):
        yield f"{x.dtype} {x.shape} {hashlib.sha256(x.tobytes()).hexdigest()}"
    elif isinstance(x, (list, tuple, dict, set, frozenset, np.ndarray)):
        if id(x) in seen:
            yield "again"
            return
        seen[id(x)] = x
        yield type(x).__qualname__
        for item in _items(x):
            yield from _of_data(item, data, seen)
    elif isinstance(x, types.ModuleType):
        yield x.__name__
    else:
        yield from _facts(x, data, seen)


def _items(x: Any) -> Any:
    """What is in a container, in an order that is the same in every process."""
    if isinstance(x, dict):
        return x.items()
    if isinstance(x, np.ndarray):
        return x.ravel().tolist()
    return sorted(x, key=repr) if isinstance(x, (set, frozenset)) else x
