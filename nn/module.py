"""Module: parameters, which are found in its attributes, and a forward pass. Buffer: numbers that are not trained."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from reprlib import recursive_repr
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from autograd import Value
from autograd.jit.trace.state import TracingError, is_tracing
from autograd.primitive import check_flag
from autograd.transforms import containers
from autograd.user_line import Missing, user_line

from .attributes import (
    ModuleClass,
    check_attribute,
    check_class,
    list_in_order,
    note_replaced,
    refuse_hidden,
    unsearched,
)
from .conversions import as_floats, check_state, set_numbers

Self = TypeVar("Self", bound="Module")


class Buffer(list[Value]):
    """Numbers that a Module keeps, replaces in its forward pass, and saves, but does not train.

    Its items are leaf Values, so that compiled programs read them at each call.

    Args:
        numbers: what they are at first.

    >>> count = Buffer([0.0])
    >>> count.replace([count[0] + 1])
    >>> count[0].data
    1.0
    """

    def __init__(self, numbers: Iterable[float]) -> None:
        super().__init__([Value(x) for x in list_in_order(numbers, "the numbers of a Buffer")])

    def replace(self, numbers: Sequence[Any]) -> None:
        """Take new numbers, as many as there are now.

        Gradients do not flow through them. To compute with an item in a forward pass, use `buffer[k].detach()`,
        because backward() would read the data of the item itself when it may already be replaced.

        Raises:
            TracingError: in a function that ag.jit compiles, because its program would not replace them at each call.
            ValueError: for more or fewer numbers.
        """
        if len(numbers) != len(self):
            raise ValueError(f"Buffer.replace: there must be {len(self)} numbers, as there are now, got {len(numbers)}")
        if any(type(x) is not Value for x in self):
            self[:] = [x.detach() if isinstance(x, Value) else x for x in numbers]
            return
        if is_tracing():
            raise TracingError(
                f"{user_line()}: a Module in training replaces the numbers in its Buffers, but a program of ag.jit "
                "does not. Train with nn.compile_step, or call model.eval() before the first call"
            )
        for holder, x in zip(self, [x.data if isinstance(x, Value) else Value(x).data for x in numbers]):
            holder.data = x


class Module(metaclass=ModuleClass):
    """The base of everything that has parameters.

    Keep leaf Values, other Modules, and lists, tuples, dicts, dataclasses, NumPy arrays and registered containers
    (see ag.register_container) of them as attributes: all Values among them are the parameters. Keep a number that
    should not be trained as a float. NumPy arrays of numbers are saved with the parameters, but not trained, and a
    compiled program reads them only once. Keep numbers that the forward pass replaces, such as running statistics, in
    a Buffer. Draw random numbers by `self.rng.random(n)`, where rng is a NumPy Generator. What would lose a parameter
    is refused with a TypeError: plain numbers in its place, a Value in a set, in a function's default or in another
    object, in the class itself, or computed while the Module is constructed.

    Attributes:
        training: whether the Module is being trained, which some layers (dropout) must know; see train() and eval().
        follows: whether it belongs to the layer before it, as normalisation, activations and dropout do. Then
            gradient_flow counts it in that layer's row, and drawings write its heading below that layer's.
        smallest_batch: how many examples a batch needs in training. If it is more than 1, the examples of a
            batch depend on each other, and its `batch` is compiled for all of them at once. 2 for BatchNorm.
        is_neuron: whether nn.draw draws it as a neuron. It must then have what a Neuron has: `w` (for ag.dot), `b`,
            `nin`, `activation` and `activation_name`.
        is_one_block: whether gradient_flow measures it as a whole, as it does a Residual, and not the layers inside.

    >>> class Line(Module):
    ...     def __init__(self):
    ...         self.slope, self.offset = Value(2.0), Value(1.0)
    ...     def __call__(self, x):
    ...         return self.slope * x + self.offset
    >>> line = Line()
    >>> line(3.0).data, len(line.parameters())
    (7.0, 2)
    >>> line
    Line(2 parameters)
    """

    training = True
    follows = False
    smallest_batch = 1
    is_neuron = is_one_block = False
    forward: Any = Missing("forward", "Call the model itself, model(x), and define its forward pass as __call__")

    def __call__(self, x: Any) -> Any:
        """The output for one example. A subclass defines this."""
        raise NotImplementedError(f"{type(self).__name__} has no forward pass. Define __call__(self, x)")

    def batch(self, xs: Iterable[Any]) -> list[Any]:
        """The outputs for each of a list of examples.

        By default they are independent. A Module with layers that need all examples at once (BatchNorm in
        training) calls the `batch` of its layers here, as Sequential, Residual and MLP do.
        """
        return [self(x) for x in list_in_order(xs, "a batch")]

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        check_class(cls, (Value, Module))
        if "__call__" in vars(cls) and "batch" not in vars(cls):
            cls.batch = Module.batch  # type: ignore[method-assign]  # an inherited one would not call the new __call__

    def __setattr__(self, name: str, x: Any) -> None:
        place, old = f"{type(self).__name__}.{name}", self.__dict__.get(name)
        check_attribute(place, old, x)
        object.__setattr__(self, name, x)
        note_replaced(place, old, x)

    def named_modules(self) -> Iterator[tuple[str, Module]]:
        """Each Module inside with its path, once and at any depth; first this Module itself, with the path ""."""
        yield "", self
        for path, x in walk(self, "", {id(self): self}):
            if isinstance(x, Module):
                yield path, x

    def modules(self) -> Iterator[Module]:
        """This Module and each Module inside it, once, in the order of named_modules()."""
        return (module for _, module in self.named_modules())

    def named_parameters(self) -> Iterator[tuple[str, Value]]:
        """Each parameter once, with its path ("layers.0.neurons.3.w.1"), in the order of assignment."""
        for path, x in walk(self, "", {}):
            if isinstance(x, Value) and x.op is None:
                yield path, x

    def parameters(self) -> list[Value]:
        """Each parameter once, in the order of named_parameters()."""
        return [value for _, value in self.named_parameters()]

    def buffers(self, recurse: bool = True) -> list[Buffer]:
        """Each Buffer once; with recurse=False only its own, without those of the Modules inside."""
        check_flag(recurse, "buffers: recurse")
        seen = {} if recurse else {id(module): module for module in self.modules()}
        return [x for _, x in _walk(self, "", seen, []) if isinstance(x, Buffer)]

    def zero_grad(self) -> None:
        """Set every parameter's grad to 0. Call this before each backward pass, because gradients accumulate."""
        for p in self.parameters():
            p.grad = 0.0

    def train(self: Self, mode: bool = True) -> Self:
        """Set this Module and all inside it to training, or with mode=False to evaluation; return it."""
        mode = check_flag(mode, "train: mode")
        for module in self.modules():
            module.training = mode
        return self

    def eval(self: Self) -> Self:
        """Set this Module and all inside it to evaluation; return it."""
        return self.train(False)

    def state_dict(self) -> dict[str, NDArray[np.float64]]:
        """The numbers of parameters, Buffers and arrays, by path. A list, tuple or array of Values is one array.

        >>> from nn import Neuron
        >>> Neuron(2, init="ones").state_dict()
        {'w': array([1., 1.]), 'b': array(0.)}
        """
        state: dict[str, NDArray[np.float64]] = {}
        self.parameters()  # refuses what it would miss
        for path, holder in _holders(self, "", {}):
            if path in state:
                raise ValueError(f"two parameters of {type(self).__name__} have the path {path!r}. Rename one of them")
            state[path] = as_floats(holder, path)
        return state

    def load_state_dict(self, state: Mapping[str, Any], strict: bool = True) -> None:
        """Set the numbers of all parameters, Buffers and arrays to those of state_dict().

        Args:
            state: arrays by path.
            strict: whether the paths must be exactly those of this Module.

        Raises:
            TypeError: if the state is not a dict, or strict is not a bool.
            RuntimeError: if paths are missing or unexpected, shapes differ, an entry is not an array of real
                numbers, or a parameter that is in two places has two numbers. Then nothing changes.
        """
        check_flag(strict, "load_state_dict: strict")
        self.parameters()  # refuses what would be missing
        holders = dict(_holders(self, "", {}))
        for path, x in check_state(type(self).__name__, holders, state, strict).items():
            set_numbers(holders[path], x)

    def extra_repr(self) -> str:
        """What repr() shows of this Module in addition to its name and parameter count."""
        return ""

    def heading(self) -> str:
        """What a drawing calls a Module that follows a layer."""
        return type(self).__name__

    @recursive_repr("... (itself)")
    def __repr__(self) -> str:
        count = len(self.parameters())
        facts = [self.extra_repr()] if self.extra_repr() else []
        head = f"{type(self).__name__}({', '.join([*facts, f'{count:,} parameter' + 's' * (count != 1)])})"
        lines = [head]
        inside = [(path, repr(child)) for path, child in children(self)]
        for text, group in groupby(inside, key=lambda child: child[1]):
            paths = [path for path, _ in group]
            alike = f"{paths[0]} to {paths[-1]}: each " if len(paths) > 1 else f"{paths[0]}: "
            lines.append("  " + alike + text.replace("\n", "\n  "))
        return "\n".join(lines)


def is_container(x: Any) -> bool:
    """Whether x is a Module, or a list, tuple, dict, array, dataclass or registered container."""
    return isinstance(x, Module) or containers.is_container(x)


def members(container: Any) -> Iterable[tuple[str, Any]]:
    """What is directly inside a Module or another container, each with its name."""
    return vars(container).items() if isinstance(container, Module) else containers.members(container)


def walk(container: Any, path: str, seen: dict[int, Any]) -> Iterator[tuple[str, Any]]:
    """Every Value, Module and Buffer inside, once and at any depth, but not the Values of Buffers.

    What is in `seen`, by its id, is left out. All else that is found is added, which keeps the ids its own. A TypeError
    at the end says that another parameter or Module is in a place that is not searched.
    """
    others: list[tuple[str, Any]] = []
    seen[id(container)] = container
    yield from _walk(container, path, seen, others)
    for place, each in others:
        refuse_hidden(place, each, (Value, Module), seen)


def _walk(container: Any, path: str, seen: dict[int, Any], others: list[tuple[str, Any]]) -> Iterator[tuple[str, Any]]:
    for name, x in members(container):
        if isinstance(x, Value) or is_container(x):
            if id(x) in seen:
                continue
            seen[id(x)] = x
            if isinstance(x, (Value, Module, Buffer)):
                yield path + name, x
            if not isinstance(x, (Value, Buffer)):
                yield from _walk(x, f"{path}{name}.", seen, others)
            if not isinstance(x, (Value, Module)):
                others += [(f"{path}{name}.{key}", each) for key, each in unsearched(x).items()]
        else:
            others.append((path + name, x))


def _holders(container: Any, path: str, seen: dict[int, Any]) -> Iterator[tuple[str, Any]]:
    """What state_dict() saves, each once: leaf Values, lists, tuples and arrays of them, and arrays of numbers."""
    for name, x in members(container):
        if id(x) in seen:
            continue
        seen[id(x)] = x
        numbers = isinstance(x, np.ndarray) and x.dtype.kind in "fiubc"
        parts = x.flat if isinstance(x, np.ndarray) else x if isinstance(x, (list, tuple)) and x else [x]
        if numbers or all(isinstance(v, Value) and v.op is None for v in parts):
            yield path + name, x
        elif is_container(x):
            yield from _holders(x, f"{path}{name}.", seen)


def children(container: Any) -> Iterator[tuple[str, Module]]:
    """The Modules directly inside, in lists and dicts too, but not the Modules inside those."""
    return _children(container, "", {})


def _children(container: Any, path: str, seen: dict[int, Any]) -> Iterator[tuple[str, Module]]:
    for name, x in members(container):
        if isinstance(x, Module):
            yield path + name, x
        elif is_container(x) and id(x) not in seen:
            seen[id(x)] = x
            yield from _children(x, f"{path}{name}.", seen)
