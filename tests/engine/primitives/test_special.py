"""The special functions against mpmath at 40 digits: their values, and their derivatives to the third order."""

import math
import random
from collections.abc import Callable, Sequence
from typing import Any

import mpmath
import pytest
from mpmath import mp, mpf
from registry import SPECIAL

import autograd as ag

SEED = random.SystemRandom().randrange(2**31)  # fresh points in each run; every message shows it
POINTS = 60


@pytest.fixture(autouse=True)
def _forty_digits():
    with mpmath.workdps(40):
        yield


def between(low: float, high: float) -> Callable[[random.Random], float]:
    return lambda rng: rng.uniform(low, high)


def magnitude(low: float, high: float) -> Callable[[random.Random], float]:
    return lambda rng: 10.0 ** rng.uniform(low, high)


def whole(low: int, high: int) -> Callable[[random.Random], float]:
    return lambda rng: float(rng.randint(low, high))


def probability(x: Any) -> Any:
    return mp.erfc(-x / mp.sqrt(2)) / 2


def quantile(p: Any) -> Any:
    """By Newton, from the result of this package, for the tail."""
    if p > 0.5:
        return -quantile(1 - p)
    x = mpf(ag.norm_ppf(float(p)))
    for _ in range(4):
        x -= (probability(x) - p) / mp.npdf(x)
    return x


def zeta_size(n: Any, x: Any) -> Any:
    """The terms of the reflection of polygamma, which may cancel: the derivative of a cotangent, and zeta of 1 - x."""
    return abs(mp.psi(n, 1 - x)) + abs(mp.psi(n, 1 - x) * (-1) ** int(n) - mp.psi(n, x))


def amplitude(x: Any) -> Any:
    return mp.sqrt(2 / (mp.pi * max(1, abs(x))))


def reflected(x: Any) -> Any:
    """The larger term of the reflection of lgamma, which cancel near whole numbers and zeros."""
    return max(abs(mp.loggamma(1 - x).real), abs(mp.log(mp.pi / abs(mp.sin(mp.pi * x)))))


def size_of_part(n: Any, z: Any) -> Any:
    return min(1 / mp.fac2(2 * n + 1), 1 / abs(z) ** (n + 1))


ONE = lambda *args: 1  # noqa: E731
Draw = Callable[[random.Random], float]
# For each function: how its arguments are drawn, its value in mpmath, the error allowed in ulp of the larger of the
# value and a scale, and that scale. In a hundred thousand points and more of each row no error was above two thirds of
# what is allowed, and the errors thin out as those of sums of roundings do: one in a billion is a third larger than
# one in a hundred thousand. So fresh points do not fail by chance.
ROWS: list[tuple[str, Sequence[Draw], Callable[..., Any], float, Callable[..., Any] | None]] = [
    ("norm_pdf", [between(-37, 37)], mp.npdf, 7, None),
    ("norm_cdf", [between(-37, 9)], probability, 4, None),
    ("norm_ppf", [between(0, 1)], quantile, 10, None),
    ("norm_ppf", [magnitude(-300, -1)], quantile, 10, None),
    ("norm_ppf", [lambda rng: 0.5 + 10.0 ** rng.uniform(-15, -1)], quantile, 10, None),
    ("erfinv", [between(-1, 1)], mp.erfinv, 10, None),
    ("erfinv", [lambda rng: 1 - 10.0 ** rng.uniform(-15, -1)], mp.erfinv, 10, None),
    ("erfinv", [magnitude(-300, -1)], mp.erfinv, 10, None),
    ("gamma", [between(0.01, 170)], mp.gamma, 15, None),
    ("gamma", [between(-20, 0)], mp.gamma, 15, None),
    ("gamma", [magnitude(-300, 0)], mp.gamma, 15, None),
    ("lgamma", [magnitude(-300, 300)], lambda x: mp.loggamma(x).real, 12, None),
    ("lgamma", [magnitude(-2, 2)], lambda x: mp.loggamma(x).real, 12, None),
    ("lgamma", [between(-20, 0)], lambda x: mp.loggamma(x).real, 12, reflected),
    ("digamma", [magnitude(-300, 300)], mp.digamma, 6, ONE),
    ("digamma", [between(-20, 5)], mp.digamma, 10, lambda x: 1 + mp.pi * abs(mp.cot(mp.pi * x))),
    ("polygamma", [whole(1, 6), magnitude(-20, 15)], mp.psi, 12, None),
    ("polygamma", [whole(1, 6), between(-10, 0)], mp.psi, 40, zeta_size),
    ("jn", [whole(-20, 40), between(-60, 60)], mp.besselj, 30, lambda n, x: amplitude(x)),
    ("j0", [between(-1000, 1000)], lambda x: mp.besselj(0, x), 20, amplitude),
    ("j0", [between(-30, 30)], lambda x: mp.besselj(0, x), 20, amplitude),
    ("j1", [between(-1000, 1000)], lambda x: mp.besselj(1, x), 20, amplitude),
    ("j1", [magnitude(-300, 1.5)], lambda x: mp.besselj(1, x), 20, lambda x: 0 if x < 1 else amplitude(x)),
    ("sinc", [between(-3, 3)], mp.sincpi, 6, None),
    ("sinc", [between(-1e6, 1e6)], mp.sincpi, 6, None),
    ("sinc_part", [whole(0, 5), between(-30, 30)], lambda n, z: part(n, z), 15, size_of_part),
]


def part(n: Any, z: Any) -> Any:
    return mp.sqrt(mp.pi / (2 * abs(z))) * mp.besselj(n + mpf(1) / 2, abs(z)) / abs(z) ** int(n)


def draw(name: str, draws: Sequence[Draw]) -> list[list[float]]:
    rng = random.Random(f"{SEED} {name}")
    return [[each(rng) for each in draws] for _ in range(POINTS)]


@pytest.mark.parametrize(("name", "draws", "exact", "allowed", "scale"), ROWS)
def test_values(name: str, draws: Sequence[Draw], exact: Any, allowed: float, scale: Any) -> None:
    for point in draw(name, draws):
        wanted = exact(*map(mpf, point))
        unit = math.ulp(float(max(abs(wanted), scale(*map(mpf, point)) if scale else 0)))
        error = abs(mpf(getattr(ag, name)(*point)) - wanted) / unit
        assert error <= allowed, f"{name}{point} is {float(error):.1f} ulp off (seed {SEED})"


def test_probabilities_of_the_gamma_and_beta_distributions() -> None:
    """Relative to the logarithm of the density, whose exponential is a factor."""
    rng = random.Random(SEED)
    for _ in range(POINTS):
        a, b, x = 10.0 ** rng.uniform(-1, 2.5), 10.0 ** rng.uniform(-1, 2), rng.random()
        y = a * 10.0 ** rng.uniform(-0.5, 0.5)
        lower, upper = mp.gammainc(a, 0, y, regularized=True), mp.gammainc(a, y, mp.inf, regularized=True)
        density = y ** mpf(a - 1) * mp.exp(-mpf(y)) / mp.gamma(a)
        unit = 2.0**-52 * (120 + 4 * abs(float(mp.log(density))) + 4 * math.sqrt(a))
        for found, wanted in ((ag.gammainc(a, y), lower), (ag.gammaincc(a, y), upper)):
            scale = wanted if wanted < 0.5 or y < a + 1 else 1
            assert abs(found - wanted) <= unit * scale + 1e-300, f"a = {a}, x = {y} (seed {SEED})"
        assert abs(ag.grad(ag.gammainc, 1)(a, y) - density) <= unit * density + 1e-300
        assert abs(ag.grad(ag.gammaincc, 1)(a, y) + density) <= unit * density + 1e-300
        beta = mp.betainc(a, b, 0, x, regularized=True)
        density = mpf(x) ** (a - 1) * (1 - mpf(x)) ** (b - 1) / mp.beta(a, b)
        unit = 2.0**-52 * (
            300 + 4 * (abs(a * math.log(x)) + abs(b * math.log1p(-x)) + abs(float(mp.log(mp.beta(a, b)))))
        )
        assert abs(ag.betainc(a, b, x) - beta) <= unit * (beta if x < (a + 1) / (a + b + 2) else 1) + 1e-300, (
            f"{a, b, x} (seed {SEED})"
        )
        assert abs(ag.grad(ag.betainc, 2)(a, b, x) - density) <= unit * density + 1e-300


DERIVATIVES = {
    "norm_pdf": (mp.npdf, 0.7), "norm_cdf": (probability, -1.3), "erfinv": (mp.erfinv, 0.4),
    "norm_ppf": (lambda p: mp.sqrt(2) * mp.erfinv(2 * p - 1), 0.3), "gamma": (mp.gamma, 2.3),
    "lgamma": (mp.loggamma, 2.3), "digamma": (mp.digamma, 2.3), "j0": (lambda x: mp.besselj(0, x), 1.1),
    "j1": (lambda x: mp.besselj(1, x), 0.9),
    "sinc": (mp.sincpi, 0.3), "gelu": (lambda x: x * probability(x), -0.8),
    "log_sigmoid": (lambda x: -mp.log1p(mp.exp(-x)), 0.4), "mish": (lambda x: x * mp.tanh(mp.log1p(mp.exp(x))), 0.4),
    "softsign": (lambda x: x / (1 + x), 0.4), "logaddexp": (lambda x: mp.log(mp.exp(x) + mp.exp(0.5)), 0.4),
    "polygamma": (lambda x: mp.psi(2, x), 1.7), "jn": (lambda x: mp.besselj(3, x), 2.7),
    "gammainc": (lambda x: mp.gammainc(2.5, 0, x, regularized=True), 1.7),
    "gammaincc": (lambda x: mp.gammainc(2.5, x, mp.inf, regularized=True), 1.7),
    "betainc": (lambda x: mp.betainc(2.5, 1.5, 0, x, regularized=True), 0.3),
    "sinc_part": (lambda x: part(1, x), 0.9),
}  # fmt: skip
BEFORE = {"polygamma": (2.0,), "jn": (3.0,), "gammainc": (2.5,), "gammaincc": (2.5,), "betainc": (2.5, 1.5)}
AFTER = {"logaddexp": (0.5,)}


def test_every_special_function_is_in_the_tables() -> None:
    assert {op.name for op in SPECIAL} <= set(DERIVATIVES)


@pytest.mark.parametrize("name", DERIVATIVES)
def test_derivatives_to_the_third_order(name: str) -> None:
    exact, x = DERIVATIVES[name]
    before = (1.0,) if name == "sinc_part" else BEFORE.get(name, ())

    def f(x: Any) -> Any:
        return getattr(ag, name)(*before, x, *AFTER.get(name, ()))

    for order in range(1, 4):
        f = ag.grad(f)
        assert f(x) == pytest.approx(float(mp.diff(exact, mpf(x), order)), rel=1e-12), order


def test_ends_of_domains_and_poles() -> None:
    inf, nan = math.inf, math.nan
    for f, args, wanted in [
        (ag.norm_cdf, (inf,), 1.0), (ag.norm_cdf, (-inf,), 0.0), (ag.norm_pdf, (inf,), 0.0), (ag.sinc, (nan,), nan),
        (ag.norm_ppf, (0.0,), -inf), (ag.norm_ppf, (1.0,), inf), (ag.norm_ppf, (-0.1,), nan),
        (ag.norm_ppf, (nan,), nan),
        (ag.erfinv, (1.0,), inf), (ag.erfinv, (-1.0,), -inf), (ag.erfinv, (1.5,), nan), (ag.norm_ppf, (5e-324,), None),
        (ag.gamma, (0.0,), inf), (ag.gamma, (-0.0,), -inf), (ag.gamma, (-1.0,), nan), (ag.gamma, (200.0,), inf),
        (ag.gamma, (-inf,), nan), (ag.lgamma, (0.0,), inf), (ag.lgamma, (-2.0,), inf), (ag.lgamma, (inf,), inf),
        (ag.digamma, (0.0,), -inf), (ag.digamma, (-1.0,), nan), (ag.digamma, (inf,), inf), (ag.digamma, (nan,), nan),
        (ag.polygamma, (1.0, 0.0), inf), (ag.polygamma, (1.0, inf), 0.0), (ag.polygamma, (0.0, 1.0), ag.digamma(1.0)),
        (ag.j0, (inf,), 0.0), (ag.j1, (nan,), nan), (ag.jn, (-3.0, 2.0), -ag.jn(3.0, 2.0)),
        (ag.jn, (1.0, 2.0), ag.j1(2.0)),
        (ag.sinc, (0.0,), 1.0), (ag.sinc, (inf,), 0.0), (ag.sinc, (5.0,), 0.0), (ag.norm_cdf, (nan,), nan),
        (ag.gammainc, (2.0, 0.0), 0.0), (ag.gammainc, (2.0, inf), 1.0), (ag.gammainc, (-1.0, 1.0), nan),
        (ag.gammaincc, (2.0, 0.0), 1.0), (ag.gammainc, (2.0, -1.0), nan), (ag.betainc, (2.0, 3.0, 0.0), 0.0),
        (ag.betainc, (2.0, 3.0, 1.0), 1.0), (ag.betainc, (2.0, 3.0, 1.5), nan), (ag.betainc, (0.0, 3.0, 0.5), nan),
    ]:  # fmt: skip
        found = f(*args)
        if wanted is None:
            assert math.isfinite(found)
        else:
            assert found == wanted or (math.isnan(found) and math.isnan(wanted)), (f, args, found)
    assert ag.grad(ag.grad(ag.sinc))(0.0) == pytest.approx(-(math.pi**2) / 3, rel=1e-15)
    assert ag.grad(ag.grad(ag.j0))(0.0) == -0.5


@pytest.mark.parametrize("x", [1e100, 1e300, 1.7e308])
def test_bessel_functions_of_huge_numbers(x: float) -> None:
    with mpmath.workdps(400):
        phase, size = mpf(x) - mp.pi / 4, mp.sqrt(2 / (mp.pi * x))  # 9.2.1
        assert abs(ag.j0(x) - size * mp.cos(phase)) < 1e-15 * size
        assert abs(ag.j1(x) - size * mp.sin(phase)) < 1e-15 * size


def test_what_has_no_derivative_is_refused() -> None:
    for f, argnum in ((ag.gammainc, 0), (ag.gammaincc, 0)):
        with pytest.raises(NotImplementedError, match=r"with respect to a is not known.*plain number"):
            ag.grad(f, argnum)(2.0, 1.0)
    with pytest.raises(NotImplementedError, match="with respect to b"):
        ag.grad(ag.betainc, 1)(2.0, 1.0, 0.5)
    with pytest.raises(ValueError, match=r"order n must be a whole number of 0 or more, got 1\.5"):
        ag.polygamma(1.5, 1.0)
    with pytest.raises(ValueError, match=r"order n must be a whole number, got 1\.5"):
        ag.jn(1.5, 1.0)
    with pytest.raises(ag.TracingError, match="the primitive digamma cannot be compiled"):
        ag.jit(ag.digamma)(1.0)
