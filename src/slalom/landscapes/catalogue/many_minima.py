"""Many minima in a regular pattern, defined in any number of dimensions."""

from __future__ import annotations

import functools
import math
from typing import Any

from slalom.core import Minimum
from slalom.formula import E, absolute, cos, exp, pi, sin, sqrt
from slalom.landscapes.catalogue.entry import MOST_DIM, Entry, everywhere, product, total


def rastrigin(*x: Any) -> Any:
    return 10 * len(x) + total(xi**2 - 10 * cos(2 * pi * xi) for xi in x)


def ackley(*x: Any) -> Any:
    # At the minimum itself the root has no gradient (torch gives nan): it is a cone there.
    n = len(x)
    radius = sqrt(total(xi**2 for xi in x) / n)
    waves = total(cos(2 * pi * xi) for xi in x) / n
    return 20 * (1 - exp(-0.2 * radius)) + E - exp(waves)


def griewank(*x: Any) -> Any:
    return 1 + total(xi**2 for xi in x) / 4000 - product(cos(x[i] / math.sqrt(i + 1)) for i in range(len(x)))


def levy(*x: Any) -> Any:
    w = [1 + (xi - 1) / 4 for xi in x]
    first, last = sin(pi * w[0]) ** 2, (w[-1] - 1) ** 2 * (1 + sin(2 * pi * w[-1]) ** 2)
    return total([first, *((wi - 1) ** 2 * (1 + 10 * sin(pi * wi + 1) ** 2) for wi in w[:-1]), last])


def styblinski_tang(*x: Any) -> Any:
    return total((xi**2) ** 2 - 16 * xi**2 + 5 * xi for xi in x) / 2


def schwefel(*x: Any) -> Any:
    return 418.9828872724337 * len(x) - total(xi * sin(sqrt(absolute(xi))) for xi in x)


def michalewicz(*x: Any) -> Any:
    # sin²ᵐ with the customary m = 10
    fourth = [(sin((i + 1) * x[i] ** 2 / pi) ** 2) ** 2 for i in range(len(x))]
    return -total(sin(xi) * (crest**3 * crest**2) for xi, crest in zip(x, fourth, strict=True))


@functools.cache
def _michalewicz_coordinate(i: int) -> float:
    """Return the best place in [0, π] of the i-th coordinate, from 1: the coordinates do not interact."""

    def slope(x: float) -> float:  # of log(sin x · sin²ᵐ(i x²/π)), times the sines
        angle = i * x**2 / math.pi
        gain = 40 * i * x / math.pi
        return math.cos(x) * math.sin(angle) + gain * math.sin(x) * math.cos(angle)

    # Each crest lies near a place where the inner sine is ±1; the outer one is largest at π/2.
    crests = [math.pi * math.sqrt((k + 0.5) / i) for k in range(i)]
    nearest_crest = max(crests, key=lambda x: math.sin(x) * math.sin(i * x**2 / math.pi) ** 20)
    low, high = nearest_crest - 0.4 / i, nearest_crest + 0.4 / i
    rising = slope(low) > 0
    for _ in range(80):
        middle = (low + high) / 2
        if (slope(middle) > 0) == rising:
            low = middle
        else:
            high = middle
    return (low + high) / 2


def _michalewicz_minima(dim: int) -> tuple[Minimum, ...]:
    point = tuple(_michalewicz_coordinate(i + 1) for i in range(dim))
    return (Minimum(point, michalewicz(*point)),)


def _styblinski_tang_minima(dim: int) -> tuple[Minimum, ...]:
    return (Minimum((-2.903534027771177,) * dim, -39.16616570377141 * dim),)


MANY_MINIMA = {
    "rastrigin": Entry(
        rastrigin,
        title="20 + x² + y² − 10 cos(2πx) − 10 cos(2πy)",
        formula="10n + Σᵢ xᵢ² − 10 cos(2πxᵢ)",
        latex=r"10n + \sum_{i=1}^{n} x_i^2 - 10\cos(2\pi x_i)",
        dims=(1, MOST_DIM),
        domain=(-5.12, 5.12),
        starts=((-2.0, 3.5), (4.4, -1.3)),
        minima=everywhere(0.0),
        source="Rastrigin (1974), Systems of extremal control; n dimensions: Mühlenbein et al. (1991)",
        teaches="A bowl covered with dents, one near every whole number: most paths end in the first.",
    ),
    "ackley": Entry(
        ackley,
        formula="20 (1 − exp(−√(Σᵢ xᵢ²/n)/5)) + e − exp(Σᵢ cos(2πxᵢ)/n)",
        latex=r"20\Bigl(1 - e^{-\frac{1}{5}\sqrt{\frac{1}{n}\sum_{i=1}^{n} x_i^2}}\Bigr)"
        r" + e - e^{\frac{1}{n}\sum_{i=1}^{n}\cos(2\pi x_i)}",
        dims=(1, MOST_DIM),
        domain=(-5.0, 5.0),
        starts=((-3.2, 2.3), (1.4, 4.3)),
        minima=everywhere(0.0),
        source="Ackley (1987), A connectionist machine for genetic hillclimbing",
        teaches="Small dents everywhere and a funnel in the middle, with a point for a tip.",
    ),
    "griewank": Entry(
        griewank,
        formula="1 + Σᵢ xᵢ²/4000 − Πᵢ cos(xᵢ/√i)",
        latex=r"1 + \sum_{i=1}^{n} \frac{x_i^2}{4000} - \prod_{i=1}^{n} \cos\frac{x_i}{\sqrt{i}}",
        dims=(1, MOST_DIM),
        domain=(-20.0, 20.0),
        starts=((-15.0, 12.0), (7.5, -10.5)),
        minima=everywhere(0.0),
        source="Griewank (1981), Generalized descent for global optimization",
        teaches="The dents are deep against a bowl so shallow that it can hardly be felt.",
    ),
    "levy": Entry(
        levy,
        label="Lévy",
        formula="sin²(πw₁) + Σᵢ (wᵢ − 1)² (1 + 10 sin²(πwᵢ + 1)) + (wₙ − 1)² (1 + sin²(2πwₙ)),"
        " wᵢ = 1 + (xᵢ − 1)/4, i < n",
        latex=r"\sin^2(\pi w_1) + \sum_{i=1}^{n-1} (w_i - 1)^2 \bigl(1 + 10\sin^2(\pi w_i + 1)\bigr)"
        r" + (w_n - 1)^2 \bigl(1 + \sin^2(2\pi w_n)\bigr), \quad w_i = 1 + \frac{x_i - 1}{4}",
        dims=(1, MOST_DIM),
        domain=(-10.0, 10.0),
        starts=((-6.0, 8.0), (7.0, -3.0)),
        minima=everywhere(1.0),
        source="Levy & Montalvo (1985), The tunneling algorithm for the global minimization of functions",
        teaches="Long parallel troughs: one direction is easy, the other is a row of traps.",
    ),
    "styblinski-tang": Entry(
        styblinski_tang,
        label="Styblinski–Tang",
        formula="½ Σᵢ xᵢ⁴ − 16xᵢ² + 5xᵢ",
        latex=r"\frac{1}{2}\sum_{i=1}^{n} x_i^4 - 16x_i^2 + 5x_i",
        dims=(1, MOST_DIM),
        domain=(-5.0, 5.0),
        starts=((1.0, -4.5), (0.0, 0.0)),
        minima=_styblinski_tang_minima,
        source="Styblinski & Tang (1990), Neural Networks 3(4)",
        teaches="Two wells for every coordinate, one a little deeper: the start decides, or momentum.",
    ),
    "schwefel": Entry(
        schwefel,
        formula="418.9828872724337n − Σᵢ xᵢ sin(√|xᵢ|)",
        latex=r"418.9828872724337\,n - \sum_{i=1}^{n} x_i \sin\sqrt{\lvert x_i \rvert}",
        dims=(1, MOST_DIM),
        domain=(-500.0, 500.0),
        starts=((250.0, -380.0), (-200.0, 120.0)),
        minima=everywhere(420.968746359982),
        source="Schwefel (1981), Numerical optimization of computer models",
        teaches="The best well lies far from the second best, near the edge of the domain.",
    ),
    "michalewicz": Entry(
        michalewicz,
        title="−sin(x) sin²⁰(x²/π) − sin(y) sin²⁰(2y²/π)",
        formula="−Σᵢ sin(xᵢ) sin²⁰(i xᵢ²/π)",
        latex=r"-\sum_{i=1}^{n} \sin(x_i) \sin^{20}\Bigl(\frac{i\,x_i^2}{\pi}\Bigr)",
        dims=(1, MOST_DIM),
        domain=(0.0, math.pi),
        starts=((2.6, 1.8), (1.8, 2.5)),
        minima=_michalewicz_minima,
        source="Michalewicz (1992), Genetic algorithms + data structures = evolution programs",
        teaches="Canyons in a plain: outside them the gradient is all but zero.",
    ),
}
