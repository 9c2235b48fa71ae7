"""An orbit: find the mass and the shape of a planet from where its moon was seen.

- Kepler's equation for an ellipse is solved by `while`, to a tolerance (J. Danby, Fundamentals of Celestial Mechanics,
  2nd ed., Willmann-Bell 1992, section 6.6). Compiled, each time takes as many steps as it needs.
- A planet that is not a sphere turns the ellipse. The path is computed by the Runge-Kutta method of J. Dormand and
  P. Prince (A family of embedded Runge-Kutta formulae, Journal of Computational and Applied Mathematics 6, 1980), which
  tries a step, and accepts it or tries a shorter one. How many steps there are is not known before.
- scipy.optimize.least_squares fits mass, shape and the first position and velocity to what was seen, with the compiled
  Jacobian of all that.

Without the planet's bulge the two must agree, which is checked. It draws demos/output/orbit.png.
"""

import time
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
from scipy.optimize import approx_fprime, least_squares

import autograd as ag

TOLERANCE = 1e-9
TRUE = np.array([1.0, 0.03, 1.0, 0.0, 0.0, 1.15])  # mass, bulge, position, velocity
TIMES = np.linspace(0.5, 30.0, 60)
NOISE = 0.02

# The method of Dormand and Prince: a row for each stage. The last is the result, of order 5; and the weights of the
# difference from a result of order 4.
STAGES = [
    [1 / 5],
    [3 / 40, 9 / 40],
    [44 / 45, -56 / 15, 32 / 9],
    [19372 / 6561, -25360 / 2187, 64448 / 6561, -212 / 729],
    [9017 / 3168, -355 / 33, 46732 / 5247, 49 / 176, -5103 / 18656],
    [35 / 384, 0.0, 500 / 1113, 125 / 192, -2187 / 6784, 11 / 84],
]
DIFFERENCE = [71 / 57600, 0.0, -71 / 16695, 71 / 1920, -17253 / 339200, 22 / 525, -1 / 40]


def kepler(mean_anomaly: Any, eccentricity: Any) -> Any:
    """The eccentric anomaly E with E - e sin E = M, by Newton's method."""
    anomaly = mean_anomaly + eccentricity * ag.sin(mean_anomaly)
    miss = anomaly - eccentricity * ag.sin(anomaly) - mean_anomaly
    while abs(miss) > 1e-13:
        anomaly = anomaly - miss / (1 - eccentricity * ag.cos(anomaly))
        miss = anomaly - eccentricity * ag.sin(anomaly) - mean_anomaly
    return anomaly


def ellipse(t: Any, mass: Any, x: Any, speed: Any) -> tuple[Any, Any]:
    """Where a moon is at time t that passes (x, 0), its closest point to a sphere, with this speed."""
    axis = 1 / (2 / x - speed**2 / mass)
    eccentricity = 1 - x / axis
    anomaly = kepler(t * ag.sqrt(mass / axis**3), eccentricity)
    return axis * (ag.cos(anomaly) - eccentricity), axis * ag.sqrt(1 - eccentricity**2) * ag.sin(anomaly)


def pull(state: list[Any], mass: Any, bulge: Any) -> list[Any]:
    """How the position and velocity (x, y, u, v) change."""
    x, y, u, v = state
    square = x * x + y * y
    force = -mass / (square * ag.sqrt(square)) * (1 + bulge / square)
    return [u, v, force * x, force * y]


def try_step(state: list[Any], h: Any, mass: Any, bulge: Any) -> tuple[list[Any], Any]:
    """The state after a step of length h, and how large its error is beside the tolerance."""
    slopes = [pull(state, mass, bulge)]
    later = state
    for row in STAGES:
        later = [s + h * sum(a * k[i] for a, k in zip(row, slopes)) for i, s in enumerate(state)]
        slopes.append(pull(later, mass, bulge))
    errors = [h * sum(w * k[i] for w, k in zip(DIFFERENCE, slopes)) for i in range(len(state))]
    return later, ag.norm(errors) / TOLERANCE


def track(parameters: Any, times: Any) -> Any:
    """Where the moon is at each of the times: a row for each."""
    mass, bulge, *start = parameters

    def advance(carry: Any, end: Any) -> Any:
        """From one time to the next, in as many steps as it takes."""

        def step(now: Any) -> Any:
            t, h, state = now
            tried = ag.minimum(h, end - t)
            later, error = try_step(state, tried, mass, bulge)
            accepted = error <= 1
            factor = ag.clip(0.9 * ag.maximum(error, 1e-10) ** -0.2, 0.2, 5.0)
            t = ag.where(accepted, ag.where(tried < h, end, t + tried), t)
            h = ag.where(accepted & (tried < h), h, tried * factor)
            return t, h, [ag.where(accepted, b, a) for a, b in zip(state, later)]

        carry = ag.while_loop(lambda now: now[0] < end, step, carry)
        return carry, carry[2][:2]

    _, places = ag.scan(advance, (0.0, 0.1, start), times)
    return np.stack(places, axis=1)


# Without the bulge, the path is Kepler's ellipse
sphere = np.array([TRUE[0], 0.0, *TRUE[2:]])
closed = ag.jit(ellipse, in_axes=(0, None, None, None))
xs, ys = closed(TIMES, TRUE[0], TRUE[2], TRUE[5])
path = ag.jit(track)
miss = np.abs(path(sphere, TIMES) - np.stack([xs, ys], axis=1)).max()
print(f"Around a sphere, Runge-Kutta is at most {miss:.1e} from Kepler's ellipse at {len(TIMES)} times")
print(f"  Kepler's equation took {len(closed.paths)} different numbers of steps")

# The observations, and the fit
rng = np.random.default_rng(1)
seen = path(TRUE, TIMES) + rng.normal(0.0, NOISE, (len(TIMES), 2))


def residuals(parameters: Any) -> Any:
    return (track(parameters, TIMES) - seen).ravel() / NOISE


program = ag.jit(residuals)
slopes = ag.jit(ag.jacobian(residuals))
guess = np.array([0.97, 0.0, 1.02, 0.02, 0.0, 1.13])
start = time.perf_counter()
found = slopes(guess)
first = time.perf_counter() - start
start = time.perf_counter()
slopes(guess)
each = time.perf_counter() - start
start = time.perf_counter()
ag.jacobian(residuals)(guess)
plain = time.perf_counter() - start
numeric = approx_fprime(guess, program, 1e-6)
print(f"Jacobian, {found.shape[0]} × {found.shape[1]}: {plain:.1f} s as plain Python, {1e3 * each:.1f} ms compiled")
away = (np.abs(found - numeric).max(axis=0) / np.abs(found).max(axis=0)).max()
print(f"  compiling took {first:.1f} s; finite differences are at most {away:.0e} of a column's largest number away")

fit = least_squares(program, guess, jac=slopes, x_scale=0.1)
error = np.sqrt(np.diag(np.linalg.inv(fit.jac.T @ fit.jac)))
before, after = np.mean(program(guess) ** 2), np.mean(fit.fun**2)
print(f"After {fit.nfev} steps the mean square of the residuals is {after:.2f}, from {before:.0f}")
for name, x, e, true in zip(["mass", "bulge"], fit.x, error, TRUE):
    print(f"  {name:5} {x:.4f} ± {e:.4f}, true {true}")

matplotlib.use("Agg")
import matplotlib.pyplot as plt  # noqa: E402

fine = np.linspace(0.0, TIMES[-1], 1500)[1:]
figure, (left, right) = plt.subplots(1, 2, figsize=(9, 4.4), layout="constrained")
left.plot(*path(guess, fine).T, color="0.8", linewidth=0.8, label="first guess")
left.plot(*path(fit.x, fine).T, color="C0", linewidth=0.8, label="fit")
left.plot(*seen.T, "o", color="C1", markersize=3, label="seen")
left.plot(0, 0, "o", color="0.3", label="the planet")
left.set(title="the moon's path", aspect="equal")
left.legend(loc="center", bbox_to_anchor=(0.4, 0.5))
right.plot(TIMES, fit.fun.reshape(-1, 2), "o", markersize=3, label=["x", "y"])
right.axhline(0.0, color="0.7", linewidth=0.8)
right.set(title="residuals of the fit, in standard deviations", xlabel="time")
right.legend()
output = Path(__file__).parent / "output"
output.mkdir(exist_ok=True)
figure.savefig(output / "orbit.png", dpi=110)
print(f"drew {output.name}/orbit.png")
