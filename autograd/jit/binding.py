"""Calls with keywords and with static arguments, as calls of a function of traced arguments by position.

At the end: what the name of a function stands for, by which decorated programs are pickled.
"""

from __future__ import annotations

import dataclasses
import inspect
import operator
import sys
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from types import FunctionType
from typing import Any

from ..primitive import describe
from ..transforms.containers import typed_key

Axes = int | None | Sequence[int | None]
Place = int | str  # where a call has an argument: its position, or its keyword


@dataclasses.dataclass
class Plan:
    """Where the arguments of f are in calls with so many arguments by position and with these keywords.

    Attributes:
        traced, static: the places of the arguments of each kind, in the order of the signature.
        names: for each traced argument its name in messages.
        axes: for each traced argument its batch axis.
        parameters: from the position of a parameter in the signature to the place of its argument.
        order: all places, in the order of the signature.
        positional, by_name: which arguments f gets by position and by keyword, as numbers among all traced and static.
    """

    traced: list[Place]
    static: list[Place]
    names: list[Place]
    axes: tuple[int | None, ...]
    parameters: dict[int, Place]
    order: list[Place]
    positional: tuple[int, ...]
    by_name: tuple[tuple[str, int], ...]

    @property
    def plain(self) -> bool:
        """Whether f gets exactly the traced arguments, all by position."""
        return not self.static and not self.by_name


class Binding:
    """The arguments of a function: which are static, and which batch axis each has.

    Args:
        f: the function.
        in_axes, static_argnums, static_argnames: as given to `jit`.
        who: how messages begin.

    Attributes:
        static: the names of the static parameters, and the positions of static arguments of *args.
    """

    def __init__(self, f: Callable[..., Any], in_axes: Axes, argnums: Any, argnames: Any, who: str) -> None:
        self._f, self._in_axes, self._who = f, in_axes, who
        self._plans: dict[Any, Plan] = {}
        self._signature: inspect.Signature | None = None
        self.static: frozenset[Place] = frozenset()
        if argnums is not None or argnames is not None:
            self.static = frozenset([*self._from_numbers(argnums), *self._from_names(argnames)])

    @property
    def signature(self) -> inspect.Signature:
        """The signature of the function, read when it is needed."""
        if self._signature is None:
            try:
                self._signature = inspect.signature(self._f)
            except (TypeError, ValueError):
                raise TypeError(
                    f"{self._who} the parameters of this function are unknown. Pass its arguments by position"
                ) from None
        return self._signature

    @property
    def _positional(self) -> list[inspect.Parameter]:
        return [p for p in self.signature.parameters.values() if p.kind <= p.POSITIONAL_OR_KEYWORD]

    def _takes(self, kind: Any) -> bool:
        return any(p.kind is kind for p in self.signature.parameters.values())

    def _from_numbers(self, argnums: Any) -> Iterable[Place]:
        numbers = [] if argnums is None else list(argnums) if isinstance(argnums, (tuple, list)) else [argnums]
        names = [p.name for p in self._positional]
        for i in numbers:
            if isinstance(i, bool) or not hasattr(i, "__index__"):
                raise TypeError(
                    f"{self._who} static_argnums must be an int or a tuple of ints, got {describe(argnums)}"
                )
            k = operator.index(i)
            if not -len(names) <= k < len(names) and not (k >= 0 and self._takes(inspect.Parameter.VAR_POSITIONAL)):
                raise ValueError(f"{self._who} static_argnums must name some of the parameters {names}, got {argnums}")
            yield names[k] if k < len(names) else k

    def _from_names(self, argnames: Any) -> Iterable[Place]:
        given = [] if argnames is None else [argnames] if isinstance(argnames, str) else argnames
        if not isinstance(given, (tuple, list)) or not all(isinstance(name, str) for name in given):
            raise TypeError(f"{self._who} static_argnames must be a name or a tuple of names, got {describe(argnames)}")
        names = [p.name for p in self.signature.parameters.values() if p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)]
        for name in given:
            if name not in names and not self._takes(inspect.Parameter.VAR_KEYWORD):
                raise ValueError(f"{self._who} static_argnames must name some of the parameters {names}, got {name!r}")
        return given

    def axes(self, count: int) -> tuple[int | None, ...]:
        """The batch axes of so many arguments passed by position. Entries for defaults that are left out are unused."""
        axes = self._in_axes
        if axes is None or isinstance(axes, int):
            return (axes,) * count
        if len(axes) < count or (len(axes) > count and not self._have_defaults(count, len(axes))):
            if isinstance(self._f, FunctionType):
                self._bind(count, ())  # says which argument is missing, if one is
            raise TypeError(f"{self._who} in_axes must have an entry for each argument ({count} here), got {len(axes)}")
        return tuple(axes[:count])

    def _have_defaults(self, start: int, stop: int) -> bool:
        left_out = list(self.signature.parameters.values())[start:stop]
        return len(left_out) == stop - start and all(p.default is not p.empty for p in left_out)

    def plan(self, count: int, keywords: Iterable[str]) -> Plan:
        """The plan of such calls.

        Raises:
            TypeError: if f cannot be called so, or in_axes does not fit.
        """
        key = count, *keywords
        plan = self._plans.get(key)
        if plan is None:
            plan = self._plans[key] = self._make_plan(count, keywords)
        return plan

    def _bind(self, count: int, keywords: Iterable[str]) -> inspect.BoundArguments:
        """The parameters of a call, with the places of its arguments."""
        try:
            return self.signature.bind(*range(count), **{name: name for name in keywords})
        except TypeError as error:
            raise TypeError(f"{self._who} {error}") from None

    def _make_plan(self, count: int, keywords: Iterable[str]) -> Plan:
        bound = self._bind(count, keywords)
        names = list(self.signature.parameters)
        entries: list[tuple[Place, Place, int | None]] = []  # label, place, position in the signature
        named = [p.name for p in self._positional]
        for k, place in enumerate(bound.args):
            entries.append((named[k] if k < len(named) else k, place, k))
        several = self._takes(inspect.Parameter.VAR_POSITIONAL)
        for name, place in bound.kwargs.items():
            entries.append((name, place, names.index(name) if name in names and not several else None))
        traced = [e for e in entries if e[0] not in self.static]
        static = [e for e in entries if e[0] in self.static]
        for label, _, position in static:
            if isinstance(self._in_axes, (tuple, list)) and self._axis(label, position) is not None:
                raise TypeError(
                    f"{self._who} in_axes must be None for the static argument {label}, got {self._in_axes}"
                )
        number = {place: k for k, (_, place, _) in enumerate([*traced, *static])}
        return Plan(
            [place for _, place, _ in traced],
            [place for _, place, _ in static],
            [label for label, _, _ in traced],
            tuple([self._axis(label, position) for label, _, position in traced]),
            {position: place for _, place, position in entries if position is not None},
            [place for _, place, _ in entries],
            tuple([number[place] for place in bound.args]),
            tuple(sorted([(name, number[place]) for name, place in bound.kwargs.items()])),
        )

    def _axis(self, label: Place, position: int | None) -> int | None:
        axes = self._in_axes
        if axes is None or isinstance(axes, int):
            return axes
        if position is None or position >= len(axes):
            raise TypeError(
                f"{self._who} in_axes must have an entry for each argument, in the order of the signature, and has "
                f"none for {label}, got {axes}"
            )
        return axes[position]

    def fix(self, plan: Plan, statics: tuple[Any, ...]) -> Callable[..., Any]:
        """The function of the traced arguments alone, by position."""
        f, positional, by_name = self._f, plan.positional, plan.by_name

        def function(*traced: Any) -> Any:
            every = (*traced, *statics)
            return f(*[every[k] for k in positional], **{name: every[k] for name, k in by_name})

        return function

    def key(self, plan: Plan, statics: tuple[Any, ...]) -> Hashable:
        """A key that differs where the function of the traced arguments differs.

        Raises:
            TypeError: if a static argument cannot be hashed.
        """
        for place, x in zip(plan.static, statics):
            if not _is_hashable(x):
                raise TypeError(
                    f"{self._who} the static argument {self._label(place)} must be hashable, got {describe(x)}. Pass a "
                    "tuple in place of a list or array, or leave it out of static_argnums and static_argnames"
                )
        return plan.positional, plan.by_name, typed_key(statics)

    def _label(self, place: Place) -> Place:
        named = self._positional
        return place if isinstance(place, str) or place >= len(named) else named[place].name

    def numbers(self, plan: Plan, argnums: int | Sequence[int]) -> int | tuple[int, ...]:
        """argnums, which count the parameters of f, as positions among the traced arguments."""
        if not isinstance(argnums, int):
            return tuple([self._number(plan, i) for i in argnums])
        return self._number(plan, argnums)

    def _number(self, plan: Plan, i: int) -> int:
        place = plan.parameters.get(i) if i >= 0 else plan.order[i] if -i <= len(plan.order) else None
        if place in plan.traced:
            return plan.traced.index(place)
        what = "a static argument" if place in plan.static else "no argument of this call"
        raise ValueError(
            f"{self._who} argnums must name some of the arguments, each once, got {i}, which is {what}. It counts the "
            "parameters in the signature from 0; those that are not passed keep their defaults, as constants"
        )


def pick(places: Sequence[Place], args: Sequence[Any], keywords: Mapping[str, Any]) -> tuple[Any, ...]:
    """The arguments of a call at these places."""
    return tuple([keywords[place] if isinstance(place, str) else args[place] for place in places])


def _is_hashable(x: Any) -> bool:
    try:
        hash(x)
    except TypeError:
        return False
    return True


def find_named(f: Any) -> Any:
    """What the name of a function stands for in its module: after @jit, its program."""
    found: Any = sys.modules.get(getattr(f, "__module__", None) or "")
    for name in getattr(f, "__qualname__", "").removesuffix(".__wrapped__").split("."):
        found = getattr(found, name, None)
    return found
