"""Curved valleys, saddles and plateaus: the way down is hard to follow or hard to feel."""

from __future__ import annotations

from typing import Any

from slalom.formula import absolute, sin, sqrt
from slalom.landscapes.catalogue.entry import MOST_DIM, Entry, at, everywhere, nowhere, total


def rosenbrock(*x: Any) -> Any:
    return total(100 * (x[i + 1] - x[i] ** 2) ** 2 + (1 - x[i]) ** 2 for i in range(len(x) - 1))


def narrow_valley(x: Any, y: Any) -> Any:
    return x**2 / 20 + 50 * (y - sin(x)) ** 2


def beale(x: Any, y: Any) -> Any:
    return (1.5 - x + x * y) ** 2 + (2.25 - x + x * y**2) ** 2 + (2.625 - x + x * y**3) ** 2


def bukin6(x: Any, y: Any) -> Any:
    return 100 * sqrt(absolute(y - 0.01 * x**2)) + 0.01 * absolute(x + 10)


def powell(x0: Any, x1: Any, x2: Any, x3: Any) -> Any:
    return (x0 + 10 * x1) ** 2 + 5 * (x2 - x3) ** 2 + ((x1 - 2 * x2) ** 2) ** 2 + 10 * ((x0 - x3) ** 2) ** 2


def saddle(x: Any, y: Any) -> Any:
    return x**2 - y**2


def monkey_saddle(x: Any, y: Any) -> Any:
    return x**3 - 3 * x * y**2


def plateau(*x: Any) -> Any:
    r2 = total(xi**2 for xi in x)
    return r2 / (1 + r2)


VALLEYS = {
    "rosenbrock": Entry(
        rosenbrock,
        formula="Σᵢ 100 (xᵢ₊₁ − xᵢ²)² + (1 − xᵢ)²",
        latex=r"\sum_{i=1}^{n-1} 100\,(x_{i+1} - x_i^2)^2 + (1 - x_i)^2",
        title="100(y − x²)² + (1 − x)²",
        dims=(2, MOST_DIM),
        domain=((-2.0, 2.0), (-1.0, 3.0)),
        starts=((-1.2, 1.0), (0.0, 2.5)),
        minima=everywhere(1.0),
        source="Rosenbrock (1960), The Computer Journal 3(3)",
        teaches="A curved valley with steep walls: finding it is easy, following it is not.",
    ),
    "narrow-valley": Entry(
        narrow_valley,
        formula="x**2/20 + 50*(y - sin(x))**2",
        domain=((-8.0, 8.0), (-4.0, 4.0)),
        starts=((-7.0, 3.0), (5.0, 2.0)),
        minima=at((0.0, 0.0)),
        source="slalom's own, after Rosenbrock's valley",
        teaches="A narrow valley that winds like a slalom course: momentum must be unlearned at every bend.",
    ),
    "beale": Entry(
        beale,
        formula="(1.5 - x + x*y)**2 + (2.25 - x + x*y**2)**2 + (2.625 - x + x*y**3)**2",
        domain=(-4.5, 4.5),
        starts=((1.0, 1.0), (-1.0, 1.5)),
        minima=at((3.0, 0.5)),
        source="Beale (1958), On an iterative method for finding a local minimum of a function",
        teaches="A flat floor between walls of sixth order: fast in the corners, slow at the end.",
    ),
    "bukin6": Entry(
        bukin6,
        formula="100*sqrt(abs(y - 0.01*x**2)) + 0.01*abs(x + 10)",
        domain=((-15.0, -5.0), (-3.0, 3.0)),
        starts=((-6.0, 2.0), (-13.0, 0.0)),
        minima=at((-10.0, 1.0)),
        source="Bukin (1997), New minimization strategy for non-smooth functions, no. 6",
        teaches="A valley with a sharp edge for a floor, where the gradient grows without bound.",
    ),
    "powell": Entry(
        powell,
        formula="(x0 + 10*x1)**2 + 5*(x2 - x3)**2 + (x1 - 2*x2)**4 + 10*(x0 - x3)**4",
        dims=(4, 4),
        domain=(-4.0, 5.0),
        starts=((3.0, -1.0, 0.0, 1.0),),
        minima=at((0.0, 0.0, 0.0, 0.0)),
        source="Powell (1962), The Computer Journal 5(2)",
        teaches="Four variables and a singular curvature at the minimum: the last stretch is ever slower.",
    ),
    "saddle": Entry(
        saddle,
        formula="x**2 - y**2",
        domain=(-3.0, 3.0),
        starts=((-2.0, 0.01), (1.5, -0.001)),
        minima=nowhere,
        source="Dauphin et al. (2014), Identifying and attacking the saddle point problem",
        teaches="The gradient leads to the saddle point first: who notices the way out, and when?",
    ),
    "monkey-saddle": Entry(
        monkey_saddle,
        formula="x**3 - 3*x*y**2",
        domain=(-2.0, 2.0),
        starts=((1.5, 0.05), (1.0, -0.2)),
        minima=nowhere,
        source="Hilbert & Cohn-Vossen (1932), Anschauliche Geometrie",
        teaches="Three ways down that meet where gradient and curvature both vanish.",
    ),
    "plateau": Entry(
        plateau,
        formula="r²/(1 + r²), r² = Σᵢ xᵢ²",
        latex=r"\frac{r^2}{1 + r^2}, \quad r^2 = \sum_{i=1}^{n} x_i^2",
        title="(x² + y²)/(1 + x² + y²)",
        dims=(1, MOST_DIM),
        domain=(-8.0, 8.0),
        starts=((-6.0, 4.0), (3.0, 5.0)),
        minima=everywhere(0.0),
        source="Geman & McClure (1985), Bayesian image analysis: the shape of their robust loss",
        teaches="Gradients fade with the distance: normalised steps cross it, plain ones stand still.",
    ),
}
