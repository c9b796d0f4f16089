"""Callables on tensors: how they are called, what is found out about them, what is refused."""

import math

import numpy as np
import pytest
import torch

from slalom.core import InputError, Minimum
from slalom.landscapes import Landscape, find


def bowl(x, y):
    return x**2 + 3 * y**2


def test_one_parameter_for_each_coordinate():
    """f(x, y) gets one tensor per coordinate and has as many dimensions as parameters."""
    landscape = find(bowl)
    assert (landscape.dim, landscape.name, landscape.traceable, landscape.elementwise) == (
        2,
        "bowl",
        False,
        True,
    )
    assert landscape.values([[1, 2], [3, 4]]).tolist() == [13.0, 57.0]
    assert find(lambda x, y, z: x * y * z).dim == 3


@pytest.mark.parametrize(
    ("function", "elementwise"),
    [
        (lambda point: (point**2).sum(), False),
        (lambda point: (point**2).sum(-1), True),
        (lambda point: (point**2).sum(0), True),
        (lambda point: point[0] ** 2 + point[1] ** 2, True),
        (lambda point: point @ point, False),
    ],
)
def test_one_parameter_for_the_whole_point(function, elementwise):
    """f(point) gets the 1-D tensor of all coordinates; whether many points fit in one is tried."""
    landscape = find(function)
    assert landscape.dim == 2
    assert landscape.elementwise == elementwise
    assert bool(landscape.remark) != elementwise
    assert landscape.values([[1, 2], [3, 4]]).tolist() == [5.0, 25.0]
    single = landscape.function(torch.tensor(1.0), torch.tensor(2.0))
    assert single.shape == ()
    assert single == 5


def test_any_number_of_coordinates():
    """f(*x) and f(point) take their dimension from ``dim`` or from the start."""
    assert find(lambda *x: sum(xi**2 for xi in x), dim=4).dim == 4
    assert find(lambda point: (point**2).sum(), start=(1, 2, 3)).dim == 3
    assert find(lambda point: point**2, start=(3,)).values([[3.0]]).tolist() == [9.0]


def test_elementwise_means_the_same_bits():
    """The stacked call of an elementwise function gives each point's own value, bit for bit."""
    landscape = find(lambda x, y: torch.sin(x) * torch.exp(-y) + x**3)
    assert landscape.elementwise
    points = torch.tensor(np.random.default_rng(0).normal(size=(50, 2)))
    together = landscape.function(*points.T)
    assert together.tolist() == [landscape.function(*point).item() for point in points]


@pytest.mark.parametrize(
    ("function", "remark"),
    [
        (lambda x, y: x**2 if x > y else y**2, "called on many points at once it raised RuntimeError"),
        (lambda x, y: (x * y).mean(), "called on 17 points at once it returned the shape []"),
        (
            lambda x, y: x * y + 0 * x.sum() + x.numel(),
            "called on many points at once it returned other numbers",
        ),
    ],
)
def test_why_a_function_is_called_point_by_point(function, remark):
    """A function that looks at its tensor's shape or truth is not elementwise, and the reason is kept."""
    landscape = find(function)
    assert not landscape.elementwise
    assert landscape.remark.startswith(remark)
    assert landscape.values([[2.0, 1.0]]).shape == (1,)


def test_trying_a_function_draws_no_random_numbers():
    """torch's generator is where it was, so a seeded program goes on as if nothing had happened."""
    torch.manual_seed(0)
    expected = torch.rand(3)
    torch.manual_seed(0)
    landscape = find(lambda x, y: x + y + torch.rand(()))
    assert torch.equal(torch.rand(3), expected)
    assert landscape.dim == 2


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (
            lambda x, y: torch.stack([x, y]),
            "must return one number, got a tensor of shape [2]: sum it, for instance.",
        ),
        (lambda point: point**2, "must return one number, got a tensor of shape [2]: sum it, for instance."),
        (lambda x, y: 3.0, "must return a tensor, got `float`: compute with torch only."),
        (lambda x, y: None, "must return a tensor, got `NoneType`: compute with torch only."),
        (lambda x, y: x * math.nan, "is nan at the start (1.5, 1): start where its value is finite."),
        (lambda x, y: x / 0, "is inf at the start (1.5, 1): start where its value is finite."),
        (
            lambda x, y: (x * y).detach(),
            "has no gradient: its value must come from its coordinates by differentiable torch operations "
            "(no .item(), .detach() or NumPy).",
        ),
        (lambda x, y: math.sin(x) * y, "turns a coordinate into a plain number: compute with torch only."),
        (lambda x, y: (x * y).long(), "must return a real number, got the type `torch.int64`."),
        (lambda x, y: x * 1j, "must return a real number, got the type `torch.complex128`."),
        (
            lambda x, y: 1 / 0,
            "cannot be evaluated at (1.5, 1): it raised `ZeroDivisionError: division by zero (test_",
        ),
        (lambda: 3, "takes no coordinates: a landscape is a function f(x, y) or f(point)."),
        (lambda x, *, key: x, "needs the keyword `key`: give it a default value."),
    ],
)
def test_what_cannot_be_descended_is_refused_in_one_sentence(function, message):
    """A vector, a plain number, NaN, no gradient, an exception: each has its sentence."""
    with pytest.raises(InputError) as problem:
        find(function)
    text = str(problem.value)
    assert text.startswith("`function` ")
    assert message in text
    assert "\n" not in text


def test_the_start_is_where_a_function_is_tried():
    """A function undefined at (1.5, 1) is accepted with a start where it is defined."""

    def arc(x, y):
        return torch.asin(x) ** 2 + y**2

    with pytest.raises(InputError, match=r"`arc` is nan at the start \(1\.5, 1\)"):
        find(arc)
    assert find(arc, start=(0.5, 1)).starts == ((0.5, 1.0),)
    with pytest.raises(InputError, match=r"`arc` takes 2 coordinates, but the start has 3\."):
        find(arc, start=(0.5, 1, 2))


def test_a_landscape_of_ones_own():
    """Everything but the function may be left out; what is given is kept."""
    landscape = Landscape(
        bowl, name="my bowl", domain=(-2, 2), minima=[((0, 0), 0)], starts=[(1, 1), np.array([2, -1])]
    )
    assert landscape.title == landscape.name == "my bowl"
    assert landscape.domain == ((-2.0, 2.0), (-2.0, 2.0))
    assert landscape.minima == (Minimum((0.0, 0.0), 0.0),)
    assert landscape.starts == ((1.0, 1.0), (2.0, -1.0))
    assert find(landscape) is landscape


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        (
            {"domain": (1, 0)},
            "a domain is (low, high) for each of its 2 coordinates, low below high, got `(1, 0)`.",
        ),
        ({"domain": ((0, 1),) * 3}, "a domain is (low, high) for each of its 2 coordinates"),
        ({"minima": [3]}, "`3` is not a minimum: give (point, value), as in ((0, 0), 0)."),
        ({"minima": [((0, 0, 0), 1)]}, "`bowl` takes 2 coordinates, 3 were given: (0, 0, 0)."),
        ({"dim": 0.5}, "dim must be a whole number from 1 to 1000, got `0.5`."),
        ({"dim": 3}, "`bowl` takes 2 coordinates, but the start has 3."),
        ({"starts": [(1, 2), (1,)]}, "`bowl` takes 2 coordinates, 1 was given: (1)."),
        ({"starts": [(1, math.inf)]}, "`(1, inf)` is not a start: every coordinate must be finite."),
    ],
)
def test_wrong_fields_are_refused(fields, message):
    """A landscape checks what it is given."""
    with pytest.raises(InputError) as problem:
        Landscape(bowl, **fields)
    assert message in str(problem.value)


def test_traceable_is_checked():
    """A function of torch's own cannot be called with symbols."""
    with pytest.raises(InputError, match=r"^`function` cannot be traced .*or leave traceable=True out\.$"):
        Landscape(lambda x, y: torch.sin(x) + y, traceable=True)
    assert Landscape(bowl, traceable=True).elementwise


def test_only_functions_and_texts_are_courses():
    """A number, None or a class is refused."""
    for course, what in [(None, "None"), (3, "3"), ([1], "[1]")]:
        with pytest.raises(InputError, match="is not a landscape: give a name") as problem:
            find(course)
        assert f"`{what}`" in str(problem.value)
    with pytest.raises(InputError, match="is a class: give an instance"):
        find(torch.nn.Linear)
