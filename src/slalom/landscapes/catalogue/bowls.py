"""Convex bowls and gentle basins: one minimum, nothing to be trapped by."""

from __future__ import annotations

from typing import Any

from slalom.formula import absolute
from slalom.landscapes.catalogue.entry import MOST_DIM, Entry, at, everywhere, total


def sphere(*x: Any) -> Any:
    return total(xi**2 for xi in x)


def ellipse(*x: Any, condition: float = 10.0) -> Any:
    last = max(len(x) - 1, 1)
    return x[0] ** 2 + total(condition ** (i / last) * x[i] ** 2 for i in range(1, len(x)))


def ravine(x: Any, y: Any) -> Any:
    return x**2 / 20 + y**2


def booth(x: Any, y: Any) -> Any:
    return (x + 2 * y - 7) ** 2 + (2 * x + y - 5) ** 2


def matyas(x: Any, y: Any) -> Any:
    return 0.26 * (x**2 + y**2) - 0.48 * x * y


def zakharov(*x: Any) -> Any:
    weighted = total(0.5 * (i + 1) * x[i] for i in range(len(x)))
    return total(xi**2 for xi in x) + weighted**2 + (weighted**2) ** 2


def absolute_value(*x: Any) -> Any:
    return total(absolute(xi) for xi in x)


BOWLS = {
    "sphere": Entry(
        sphere,
        formula="Σᵢ xᵢ²",
        latex=r"\sum_{i=1}^{n} x_i^2",
        title="x² + y²",
        dims=(1, MOST_DIM),
        domain=(-100.0, 100.0),
        starts=((-75.0, -10.0), (60.0, 80.0)),
        minima=everywhere(0.0),
        source="De Jong (1975), An analysis of the behavior of a class of genetic adaptive systems, F1",
        teaches="The same curvature everywhere: what an optimizer does when nothing stands in its way.",
    ),
    "ellipse": Entry(
        ellipse,
        formula="Σᵢ κ^((i−1)/(n−1)) xᵢ², condition number κ",
        latex=r"\sum_{i=1}^{n} \kappa^{\frac{i-1}{n-1}} x_i^2",
        parameters={"condition": 10.0},
        dims=(2, MOST_DIM),
        domain=(-10.0, 10.0),
        starts=((-8.0, 3.0), (6.0, -6.0)),
        minima=everywhere(0.0),
        source="Hansen & Ostermeier (2001), Evolutionary Computation 9(2)",
        teaches="Curvatures that differ by the condition number: one learning rate cannot fit both axes.",
    ),
    "ravine": Entry(
        ravine,
        formula="x**2/20 + y**2",
        domain=(-10.0, 10.0),
        starts=((-7.0, 2.0), (9.0, 1.0)),
        minima=at((0.0, 0.0)),
        source="Saito (2016), Deep learning from scratch, chapter 6",
        teaches="A long shallow valley: steps across it are large, steps along it small.",
    ),
    "booth": Entry(
        booth,
        formula="(x + 2*y - 7)**2 + (2*x + y - 5)**2",
        domain=(-10.0, 10.0),
        starts=((-8.0, -5.0), (8.0, 9.0)),
        minima=at((1.0, 3.0)),
        source="Jamil & Yang (2013), A literature survey of benchmark functions, no. 17",
        teaches="A tilted quadratic: methods that scale each coordinate gain little when the axes are mixed.",
    ),
    "matyas": Entry(
        matyas,
        formula="0.26*(x**2 + y**2) - 0.48*x*y",
        domain=(-10.0, 10.0),
        starts=((-8.0, 5.0), (9.0, 2.0)),
        minima=at((0.0, 0.0)),
        source="Jamil & Yang (2013), A literature survey of benchmark functions, no. 71",
        teaches="A valley along the diagonal, 25 times flatter than it is steep: the far end is slow.",
    ),
    "zakharov": Entry(
        zakharov,
        formula="Σᵢ xᵢ² + (Σᵢ i xᵢ/2)² + (Σᵢ i xᵢ/2)⁴",
        latex=r"\sum_{i=1}^{n} x_i^2 + \Bigl(\sum_{i=1}^{n} \tfrac{i}{2} x_i\Bigr)^2"
        r" + \Bigl(\sum_{i=1}^{n} \tfrac{i}{2} x_i\Bigr)^4",
        dims=(1, MOST_DIM),
        domain=(-10.0, 10.0),
        starts=((-6.0, 5.0), (7.0, 2.0)),
        minima=everywhere(0.0),
        source="Jamil & Yang (2013), A literature survey of benchmark functions, no. 173",
        teaches="Walls of fourth order around a flat floor: gradients span many orders of magnitude.",
    ),
    "absolute": Entry(
        absolute_value,
        label="Absolute value",
        formula="Σᵢ |xᵢ|",
        latex=r"\sum_{i=1}^{n} \lvert x_i \rvert",
        title="|x| + |y|",
        dims=(1, MOST_DIM),
        domain=(-10.0, 10.0),
        starts=((-7.0, 3.0), (5.5, -8.0)),
        minima=everywhere(0.0),
        source="Schwefel (1981), Numerical optimization of computer models",
        teaches="The gradient never shrinks: a constant step cannot settle, only a decaying one can.",
    ),
}
