"""Pricing: three options with all their Greeks, compiled from plain Python.

- An American put on a tree, with the better of waiting and exercising at each node (J. Cox, S. Ross, M. Rubinstein,
  Option pricing: a simplified approach, Journal of Financial Economics 7, 1979). The last step is the formula of Black
  and Scholes, which makes the price smoother (M. Broadie, J. Detemple, American option valuation, Review of Financial
  Studies 9, 1996).
- A call that dies when the price touches a barrier, on random paths; a path ends when it does. Between two steps it
  survives with the probability of a Brownian bridge (P. Glasserman, Monte Carlo Methods in Financial Engineering,
  Springer 2004, section 6.4), so that the mean has a slope, and that of the formula of Merton (1973).
- The volatility that an observed price implies, by Newton's method with a tolerance.

Prices and Greeks are checked by finite differences or closed forms. It draws demos/output/pricing.png.
"""

import itertools
import math
import time
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np

import autograd as ag

STRIKE, RATE, VOLATILITY, YEARS = 100.0, 0.05, 0.2, 1.0
TREE, STEPS, PATHS, BARRIER = 50, 12, 200_000, 85.0
GREEKS = ("delta", "rho", "vega", "theta")


def black_scholes(spot: Any, rate: Any, volatility: Any, years: Any, sign: int) -> Any:
    """The price of a European call (sign 1) or put (sign -1)."""
    deviation = volatility * ag.sqrt(years)
    d1 = (ag.log(spot / STRIKE) + (rate + 0.5 * volatility**2) * years) / deviation
    later = STRIKE * ag.exp(-rate * years)
    return sign * (spot * ag.norm_cdf(sign * d1) - later * ag.norm_cdf(sign * (d1 - deviation)))


def american_put(spot: Any, rate: Any, volatility: Any, years: Any) -> Any:
    """The price of an American put, on a tree."""
    step = years / TREE
    up = ag.exp(volatility * ag.sqrt(step))
    discount = ag.exp(-rate * step)
    p = (1 / discount - 1 / up) / (up - 1 / up)
    spots = [spot * up ** (2 * k - TREE + 1) for k in range(TREE)]
    values = [ag.maximum(STRIKE - s, black_scholes(s, rate, volatility, step, -1)) for s in spots]
    while len(values) > 1:
        spots = [s * up for s in spots[:-1]]
        waiting = [discount * (p * high + (1 - p) * low) for low, high in itertools.pairwise(values)]
        values = [ag.maximum(STRIKE - s, v) for s, v in zip(spots, waiting)]
    return values[0]


def barrier_path(spot: Any, rate: Any, volatility: Any, years: Any, draws: Any) -> Any:
    """What a call is worth on one random path, today. It dies below the barrier."""
    step = years / STEPS
    drift, deviation = (rate - 0.5 * volatility**2) * step, volatility * ag.sqrt(step)
    distance = ag.log(spot / BARRIER)
    survival = 1.0
    for z in draws:
        later = distance + drift + deviation * z
        if later <= 0:
            return 0.0
        survival = survival * -ag.expm1(-2 * distance * later / deviation**2)
        distance = later
    payoff = ag.relu(BARRIER * ag.exp(distance) - STRIKE)
    return ag.exp(-rate * years) * survival * payoff


def barrier_formula(spot: Any, rate: Any, volatility: Any, years: Any) -> Any:
    """The price of that call, by reflection."""
    reflected = (spot / BARRIER) ** (1 - 2 * rate / volatility**2)
    return black_scholes(spot, rate, volatility, years, 1) - reflected * black_scholes(
        BARRIER**2 / spot, rate, volatility, years, 1
    )


def implied_volatility(price: Any, spot: Any) -> Any:
    """The volatility at which a European call has this price, by Newton's method."""

    def excess(volatility: Any) -> Any:
        return black_scholes(spot, RATE, volatility, YEARS, 1) - price

    volatility = ag.sqrt(2 * abs(ag.log(spot / STRIKE) + RATE * YEARS) / YEARS)  # where it bends (Manaster, Koehler)
    while True:
        error, slope = ag.value_and_grad(excess)(volatility)
        volatility = volatility - error / slope
        if abs(error) <= 1e-10:
            return volatility


def differences(f: Any, at: list[float]) -> list[float]:
    """Derivatives by central differences."""
    found = []
    for k, x in enumerate(at):
        h = 1e-5 * x
        moved = [[*at[:k], x + sign * h, *at[k + 1 :]] for sign in (1, -1)]
        found.append((f(*moved[0]) - f(*moved[1])) / (2 * h))
    return found


def show(name: str, price: float, slopes: Any, checks: list[float], by: str) -> None:
    print(f"{name}: {price:.4f}")
    for greek, slope, check in zip(GREEKS, slopes, checks):
        print(f"  {greek:6} {slope:9.4f}  {by} {check:9.4f}")


market = [STRIKE, RATE, VOLATILITY, YEARS]  # theta is the derivative by the years that are left, so its sign is turned

# The American put: every Greek in one call. The price as a function of the stock has a kink wherever one more node of
# the tree is exercised. A second derivative does not see how the slope jumps there, so gamma is a difference of deltas.
put = ag.jit(american_put)
puts = ag.jit(american_put, in_axes=(0, None, None, None))
start = time.perf_counter()
price, slopes = put.value_and_grad(*market, argnums=(0, 1, 2, 3))
first = time.perf_counter() - start
start = time.perf_counter()
for _ in range(50):
    put.value_and_grad(*market, argnums=(0, 1, 2, 3))
each = (time.perf_counter() - start) / 50
start = time.perf_counter()
ag.value_and_grad(american_put, argnums=(0, 1, 2, 3))(*market)
plain = time.perf_counter() - start
show("American put", price, slopes, differences(american_put, market), "by differences")
_, (below, above) = puts.value_and_grad(np.array([STRIKE - 1, STRIKE + 1]), *market[1:])
print(f"  gamma  {(above - below) / 2:9.4f}  from delta at {STRIKE - 1:g} and {STRIKE + 1:g}")
print(f"  with all Greeks {1e3 * plain:.0f} ms as plain Python, {1e6 * each:.0f} µs compiled (in {first:.1f} s)")

# The call with a barrier: each random path ends at its own step
draws = np.random.default_rng(1).standard_normal((PATHS, STEPS))
call = ag.jit(barrier_path, in_axes=(None, None, None, None, 0))
values, sums = call.value_and_grad(*market, draws, argnums=(0, 1, 2, 3))
error = values.std() / math.sqrt(PATHS)
exact, exact_slopes = ag.value_and_grad(barrier_formula, argnums=(0, 1, 2, 3))(*market)
show("Call with a barrier", values.mean(), [s / PATHS for s in sums], exact_slopes, "formula")
print(f"  the formula is {exact:.4f}, {abs(values.mean() - exact) / error:.1f} standard errors of {error:.4f} away")
print(f"  {PATHS:,} random paths, {len(call.paths)} ways through the program")

# Implied volatility: a price for each strike, and how it changes with the price, which is 1 / vega
quoted = np.linspace(70.0, 140.0, 200)
true = 0.15 + 0.2 * np.log(quoted / STRIKE) ** 2
quotes = ag.jit(lambda s, v: black_scholes(s, RATE, v, YEARS, 1), in_axes=0)(quoted, true)
implied = ag.jit(implied_volatility, in_axes=0)
found, slopes = implied.value_and_grad(quotes, quoted)
vega = ag.jit(ag.grad(lambda v, s: black_scholes(s, RATE, v, YEARS, 1)), in_axes=0)(true, quoted)
print(f"Implied volatility: at most {np.abs(found - true).max():.1e} from the true one at {len(quoted)} prices")
print(f"  derivative by the price at most {np.abs(slopes * vega - 1).max():.1e} from 1 / vega, relatively")

matplotlib.use("Agg")
import matplotlib.pyplot as plt  # noqa: E402

spots = np.linspace(70.0, 130.0, 241)
prices, deltas = puts.value_and_grad(spots, *market[1:])
figure, (left, middle, right) = plt.subplots(1, 3, figsize=(10, 3.2), layout="constrained")
left.plot(spots, np.maximum(STRIKE - spots, 0.0), color="0.75", label="exercised now")
left.plot(spots, prices, label="American put")
left.set(title="price", xlabel="price of the stock")
left.legend()
middle.plot(spots, deltas, color="C1")
middle.set(title="delta", xlabel="price of the stock")
right.plot(quoted, true, color="0.75", linewidth=6, label="true")
right.plot(quoted, found, color="C2", label="implied")
right.set(title="volatility", xlabel="price of the stock")
right.legend()
output = Path(__file__).parent / "output"
output.mkdir(exist_ok=True)
figure.savefig(output / "pricing.png", dpi=110)
print(f"drew {output.name}/pricing.png")
