"""Solution: numbers x with F(x, p) = 0, as nodes whose derivatives are those of the implicit function theorem."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

import numpy as np

from .. import ops
from ..chain import any_in, times
from ..linalg.matrices import is_zero, one_or_nan, products
from ..linalg.solving import identity, solve_columns
from ..node import Node, is_traced, walk
from ..primitive import Primitive, primitive
from ..transforms.sweep import ActiveNodes, pull_back, pull_back_each
from ..value import Value, number_of


@primitive(None, native=lambda x: x)
def hold(x: float) -> float:
    """x, as a new variable: no derivative passes through it."""
    return x


class Solution:
    """Solutions x of F(x, p) = 0, with the graph of F.

    F was recorded once, on variables that stand for x. Expressions of these variables and of the inputs p are *held*:
    x does not move in them. A node of this class stands for a held expression e, of which x is a function of p. Its
    value is that of e, and its derivative with respect to p is the node that stands for the total derivative

        de/dp = ∂e/∂p + ∂e/∂x · dx/dp,    dx/dp = -(∂F/∂x)⁻¹ ∂F/∂p,

    which is a held expression again. So there are derivatives of any order. The nodes of x itself stand for the
    variables. (A. Griewank, A. Walther, Evaluating Derivatives, 2nd ed., SIAM 2008, chapter 15.)

    While jit traces, a node has the variables among its operands, too. The derivative of a loop records the nodes of
    its body once more, from other variables and inputs; then there is a solution of these, and what is held is
    recorded from them.

    Args:
        variables: the variables, one for each number of x.
        residuals: the numbers of F.
        inputs: p: the Values outside of what depends on x, from which F was computed; see inputs_of.

    Attributes:
        residuals, inputs: as given.
    """

    def __init__(self, variables: Sequence[Value], residuals: Sequence[Any], inputs: Sequence[Any]) -> None:
        self._variables = list(variables)
        self.residuals = list(residuals)
        self.inputs = tuple(inputs)
        self._expressions: list[Any] = []
        self._slopes: dict[Any, list[tuple[int | None, Any]]] = {}
        self._float_slopes: dict[int, list[float]] = {}
        self._factor: Any = None
        self._elsewhere: dict[Any, tuple[Solution, Primitive, dict[Any, Any]]] = {}  # by the first variable there

    # Whether x solves the equations

    def newton_step(self) -> list[Any]:
        """What a step of Newton's method would change x by, an estimate of its error; 0 where F is."""
        inverse = self._inverse if self.traced else self._float_inverse
        numbers = self.residuals if self.traced else list(map(number_of, self.residuals))
        solved = largest(numbers) == 0
        steps = [-products(row, numbers) for row in inverse]
        if isinstance(solved, Node):
            return [ops.where(solved, 0.0, step) for step in steps]
        return [0.0] * len(steps) if solved else steps

    def spoil_unless(self, condition: Any) -> None:
        """Make x and all its derivatives nan where a traced condition does not hold."""
        self._spoil(hold.apply((one_or_nan(condition),)))

    def _spoil(self, factor: Any) -> None:
        self._factor = factor
        self._inverse = [[x * self._factor for x in row] for row in self._inverse]

    @property
    def traced(self) -> bool:
        """Whether jit is tracing F, so that there are no numbers yet."""
        return any(map(is_traced, self._variables))

    # The nodes

    def nodes(self, numbers: Sequence[Any]) -> list[Any]:
        """The numbers of x as nodes; as they are if F depends on nothing else."""
        if not self.inputs and self._factor is None:
            return list(numbers)
        numbers = [x if self._factor is None else x * self._factor for x in numbers]
        op = self._make_primitive()
        return [self._node(op, *self._keep(x, v)) for x, v in zip(numbers, self._variables)]

    def _make_primitive(self) -> Primitive:
        def root(place: float, value: float, inputs: Sequence[float]) -> float:
            """A number of the solution of equations, as a function of what is in them."""
            return value

        made = primitive(None, None, self._rule, native=lambda place, value, inputs: value, sequences=["inputs"])
        return made(root)

    def _keep(self, number: Any, expression: Any) -> tuple[int | None, Any]:
        """The place at which a held expression with this number is kept, None if it is constant; the number."""
        if not self.inputs or not isinstance(expression, Node):
            return None, number
        self._expressions.append(expression)
        return len(self._expressions) - 1, number

    @functools.cached_property
    def _operands(self) -> tuple[Any, ...]:
        """The inputs, and what else is needed to record all that is held once more; that is treated as constant."""
        if not self.traced:
            return self.inputs
        return (*self.inputs, *self._variables, *([] if self._factor is None else [self._factor]))

    def _node(self, op: Any, place: int | None, number: Any) -> Any:
        """The node that stands for a kept expression; the number of one that is constant."""
        return number if place is None else op.apply((float(place), number, self._operands))

    def _rule(self, out: Any, place: Any, value: Any, operands: Sequence[Any]) -> list[Any]:
        """The derivatives with respect to the operands of the node that stands for the expression at a place."""
        k = int(place)
        if not isinstance(out, Node):
            if k not in self._float_slopes:
                self._float_slopes[k] = self._float_derivatives(self._expressions[k])
            return self._float_slopes[k]
        here, op, expression = self, out.op, self._expressions[k]  # type: ignore[attr-defined]
        count = len(self.inputs)
        if self.traced and operands[count] is not self._variables[0]:
            here, op, known = self._find_elsewhere(out, operands)
            expression = _record_again(out, expression, known)
        return [*here._nodes_of_slopes(op, expression), *[0.0] * (len(operands) - count)]

    def _nodes_of_slopes(self, op: Any, expression: Any) -> list[Any]:
        if expression not in self._slopes:
            found = self._derivatives(expression)
            self._slopes[expression] = [self._keep(x if is_traced(x) else number_of(x), x) for x in found]
        return [self._node(op, *kept) for kept in self._slopes[expression]]

    def _find_elsewhere(self, out: Any, operands: Sequence[Any]) -> tuple[Solution, Primitive, dict[Any, Any]]:
        """The solution for other operands, the primitive of its nodes, and what stands there for nodes of this one."""
        start = len(self.inputs)
        end = start + len(self._variables)
        if operands[start] not in self._elsewhere:
            known = dict(zip(self._operands, operands))
            residuals = [_record_again(out, x, known) for x in self.residuals]
            found = Solution(operands[start:end], residuals, operands[:start])
            if self._factor is not None:
                found._spoil(operands[end])
            self._elsewhere[operands[start]] = found, found._make_primitive(), known
        return self._elsewhere[operands[start]]

    # Total derivatives, as held expressions

    def _derivatives(self, expression: Any) -> list[Any]:
        both = [*self._variables, *self.inputs]
        slopes = pull_back([expression], [1.0], both, True)
        by_x, by_inputs = slopes[: len(self._variables)], slopes[len(self._variables) :]
        through_x = [products(by_x, column) for column in zip(*self._sensitivities)]
        return [b if is_zero(a) else a if is_zero(b) else a + b for a, b in zip(by_inputs, through_x)]

    @functools.cached_property
    def _sensitivities(self) -> list[list[Any]]:
        """dx/dp: a row for each number of x."""
        active = ActiveNodes(self.residuals, self.inputs, self._variables)
        columns = list(zip(*[pull_back([r], [1.0], self.inputs, True, active) for r in self.residuals]))
        return [[-products(row, column) for column in columns] for row in self._inverse]

    @functools.cached_property
    def _inverse(self) -> list[list[Any]]:
        """(∂F/∂x)⁻¹."""
        active = ActiveNodes(self.residuals, self._variables, self.inputs)
        return _invert([pull_back([r], [1.0], self._variables, True, active) for r in self.residuals])

    # The same on floats, for the first derivatives

    def _float_derivatives(self, expression: Any) -> list[float]:
        both = [*self._variables, *self.inputs]
        slopes = np.array(pull_back([expression], [1.0], both, False))
        by_x, by_inputs = slopes[: len(self._variables)], slopes[len(self._variables) :]
        with np.errstate(all="ignore"):
            return (by_inputs + by_x @ self._float_sensitivities).tolist()  # type: ignore[no-any-return]

    @functools.cached_property
    def _float_sensitivities(self) -> Any:
        with np.errstate(all="ignore"):
            return -(np.array(self._float_inverse) @ np.array(self._float_rows)[:, len(self._variables) :])

    @functools.cached_property
    def _float_inverse(self) -> list[list[float]]:
        return _invert([row[: len(self._variables)] for row in self._float_rows])

    @functools.cached_property
    def _float_rows(self) -> list[list[float]]:
        """The derivatives of each residual with respect to the variables and the inputs."""
        return pull_back_each(self.residuals, [*self._variables, *self.inputs], False)


def _record_again(out: Any, x: Any, known: dict[Any, Any]) -> Any:
    """Record a traced number in the trace of `out`; `known` has what stands for operands there, and gets all others."""
    if not isinstance(x, Node):
        return x

    def stand_in(p: Any) -> Any:
        return tuple(map(stand_in, p)) if type(p) is tuple else known.get(p, p) if isinstance(p, Node) else p

    def unknown(node: Any) -> list[Any]:
        return [p for p in node.parents if isinstance(p, Node) and p not in known]

    for node in walk([x] if x not in known else [], unknown):
        if node.op is not None:
            known[node] = out._record(node.op, tuple(map(stand_in, node.args)))
    return stand_in(x)


def inputs_of(variables: Sequence[Value], residuals: Sequence[Any], nodes: Sequence[Value]) -> list[Value]:
    """The Values that do not depend on the variables, and from which those that do were computed, or are residuals."""
    moving = set(variables)
    found: dict[Any, None] = {}
    for node in nodes:
        if any_in(moving, (node._a, node._b, node._c)):
            moving.add(node)
            found.update(dict.fromkeys([p for p in node.parents if isinstance(p, Node)]))
    found.update(dict.fromkeys([r for r in residuals if isinstance(r, Node)]))
    return [x for x in found if x not in moving]


def _invert(rows: list[list[Any]]) -> list[list[Any]]:
    """The inverse of a matrix; if it is singular, inf for a single number, otherwise nan."""
    columns, pivot = solve_columns(rows, identity(len(rows)))
    factor = one_or_nan(pivot != 0)
    return [[times(x, factor) for x in row] if len(rows) > 1 else list(row) for row in zip(*columns)]


def largest(numbers: Sequence[Any]) -> Any:
    """The largest absolute value; nan if there is one among them, 0 if they are none."""
    return functools.reduce(ops.maximum, map(ops.abs, numbers), 0.0)
