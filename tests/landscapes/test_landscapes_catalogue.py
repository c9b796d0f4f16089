"""The catalogue against published constants, torch's autograd, SymPy and SciPy's global search."""

import math
import pickle

import numpy as np
import pytest
import sympy
import torch
from scipy import optimize

from slalom.core import InputError
from slalom.landscapes import NAMES, find
from slalom.landscapes.catalogue import CATALOGUE
from slalom.landscapes.expressions import parse

PUBLISHED = {  # value and one place of the global minimum, as the literature prints them
    "sphere": (0, (0, 0)),
    "ellipse": (0, (0, 0)),
    "rosenbrock": (0, (1, 1)),
    "rastrigin": (0, (0, 0)),
    "ackley": (0, (0, 0)),
    "beale": (0, (3, 0.5)),
    "booth": (0, (1, 3)),
    "matyas": (0, (0, 0)),
    "himmelblau": (0, (-3.779310, -3.283186)),
    "three-hump-camel": (0, (0, 0)),
    "six-hump-camel": (-1.0316284535, (0.0898, -0.7126)),
    "goldstein-price": (3, (0, -1)),
    "styblinski-tang": (-39.16616570377142 * 2, (-2.903534, -2.903534)),
    "mccormick": (-1.9132229550, (-0.54719755, -1.54719755)),
    "levy": (0, (1, 1)),
    "easom": (-1, (math.pi, math.pi)),
    "eggholder": (-959.6406627, (512, 404.2319)),
    "cross-in-tray": (-2.06261187, (1.3494, -1.3494)),
    "holder-table": (-19.2085025679, (8.05502, 9.66459)),
    "bukin6": (0, (-10, 1)),
    "schaffer2": (0, (0, 0)),
    "griewank": (0, (0, 0)),
    "drop-wave": (-1, (0, 0)),
    "michalewicz": (-1.801303410, (2.20290552, 1.57079633)),
    "schwefel": (0, (420.9687, 420.9687)),
    "branin": (0.3978873577, (9.42478, 2.475)),
    "bohachevsky": (0, (0, 0)),
    "powell": (0, (0, 0, 0, 0)),
    "zakharov": (0, (0, 0)),
}
UNBOUNDED = ("saddle", "monkey-saddle")
# No gradient at the minimum: a kink, a cusp or a root of 0; the eggholder's lies on the edge of its domain.
ROUGH = ("absolute", "bukin6", "ackley", "drop-wave", "eggholder")
IN_ANY_DIMENSION = tuple(name for name in NAMES if CATALOGUE[name].any_dim)


def gradient(landscape, point):
    x = torch.tensor(point, dtype=torch.float64, requires_grad=True)
    landscape.function(*x.unbind()).backward()
    return x.grad.numpy()


def inside(landscape, count, seed=0):
    low, high = np.array(landscape.domain).T
    return np.random.default_rng(seed).uniform(low, high, size=(count, landscape.dim))


def test_the_catalogue_is_as_large_as_promised():
    """At least 28 landscapes, those named in the plan among them."""
    assert len(NAMES) >= 28
    assert len(set(NAMES)) == len(NAMES)
    assert {*PUBLISHED, *UNBOUNDED, "ravine", "plateau", "narrow-valley"} <= set(NAMES)


@pytest.mark.parametrize("name", PUBLISHED)
def test_minima_are_the_published_ones(name):
    """Value and place agree with the literature to the digits it prints."""
    value, place = PUBLISHED[name]
    landscape = find(name)
    distances = [np.abs(np.subtract(minimum.point, place)).max() for minimum in landscape.minima]
    assert min(distances) < 1e-4
    assert all(minimum.value == pytest.approx(value, rel=1e-8, abs=1e-12) for minimum in landscape.minima)


@pytest.mark.parametrize("name", NAMES)
def test_values_at_the_minima_are_exact(name):
    """The function gives the stated value at the stated place, to rounding."""
    landscape = find(name)
    assert bool(landscape.minima) == (name not in UNBOUNDED)
    for minimum in landscape.minima:
        scale = 1 + abs(landscape.values(landscape.starts[0]))
        assert abs(float(landscape.values(minimum.point)) - minimum.value) <= 1e-14 * scale


@pytest.mark.parametrize("name", [name for name in NAMES if name not in (*ROUGH, *UNBOUNDED)])
def test_gradients_vanish_at_the_minima(name):
    """Autograd's gradient at each minimum is 0, beside the curvature times the place's rounding."""
    landscape = find(name)
    for minimum in landscape.minima:
        near = np.add(minimum.point, 1e-6)
        curvature = np.abs(gradient(landscape, near)).max() / 1e-6
        rounding = 4e-16 * (1 + np.abs(minimum.point).max())
        assert np.abs(gradient(landscape, minimum.point)).max() <= max(8 * curvature * rounding, 1e-12)


@pytest.mark.parametrize("name", [name for name in NAMES if name not in UNBOUNDED])
@pytest.mark.parametrize("scale", [1e-4, 1e-2, 1.0])
def test_no_point_nearby_is_lower(name, scale):
    """Points drawn around a minimum, inside the domain, do not fall below it."""
    landscape = find(name)
    low, high = np.array(landscape.domain).T
    generator = np.random.default_rng(1)
    for minimum in landscape.minima:
        points = minimum.point + scale * generator.normal(size=(400, landscape.dim))
        values = landscape.values(np.clip(points, low, high))
        assert values.min() >= minimum.value - 1e-12 * (1 + abs(minimum.value))


@pytest.mark.parametrize("name", [name for name in NAMES if name not in UNBOUNDED])
def test_no_point_of_the_domain_is_lower(name):
    """A fine grid or a large sample of the whole domain stays above the minimum, and comes near it."""
    landscape = find(name)
    values = landscape.values(inside(landscape, 200_000))
    best = landscape.minima[0].value
    assert values.min() >= best - 1e-12 * (1 + abs(best))


@pytest.mark.parametrize(
    "name",
    ["eggholder", "holder-table", "cross-in-tray", "schwefel", "six-hump-camel", "levy", "michalewicz"],
)
def test_a_global_search_finds_the_same_minimum(name):
    """SciPy's differential evolution, which knows nothing of the catalogue, ends at the stated value."""
    landscape = find(name)
    found = optimize.differential_evolution(
        lambda points: landscape.values(points.T),
        landscape.domain,
        seed=3,
        popsize=100,
        strategy="rand1bin",  # slower than the default, and harder to trap
        maxiter=500,
        vectorized=True,
        updating="deferred",
    )
    assert found.fun == pytest.approx(landscape.minima[0].value, rel=1e-8, abs=1e-6)


@pytest.mark.parametrize("name", NAMES)
def test_starts_are_inside_and_lead_somewhere(name):
    """Every customary start lies in the domain, has a finite gradient, and is no stationary point."""
    landscape = find(name)
    for start in landscape.starts:
        assert len(start) == landscape.dim
        assert all(low < x < high for x, (low, high) in zip(start, landscape.domain, strict=True))
        slope = gradient(landscape, start)
        assert np.isfinite(slope).all()
        assert np.abs(slope).max() > 1e-6
        for minimum in landscape.minima:
            assert landscape.values(start) > minimum.value


@pytest.mark.parametrize("name", NAMES)
def test_numbers_arrays_tensors_and_symbols_agree(name):
    """One text, many lives: each kind of argument gives the same value."""
    landscape = find(name)
    points = inside(landscape, 5, seed=2)
    values = landscape.values(points)
    tensors = landscape.function(*torch.tensor(points).T).numpy()
    floats = [landscape.function(*map(float, point)) for point in points]
    np.testing.assert_allclose(tensors, values, rtol=1e-11, atol=1e-12)
    np.testing.assert_allclose(floats, values, rtol=1e-11, atol=1e-12)
    symbols = sympy.symbols(f"x:{landscape.dim}", real=True)
    symbolic = landscape.function(*symbols).subs(dict(zip(symbols, points[0], strict=True)))
    assert float(symbolic) == pytest.approx(values[0], rel=1e-9, abs=1e-9)


@pytest.mark.parametrize("name", NAMES)
def test_many_points_give_the_bits_of_one(name):
    """Values and gradients of a stack of points are bit-identical to those of each point alone."""
    landscape = find(name)
    points = torch.tensor(inside(landscape, 101, seed=4), requires_grad=True)
    values = landscape.function(*points.unbind(-1))
    (gradients,) = torch.autograd.grad(values.sum(), points)
    for index, point in enumerate(points.detach()):
        single = point.clone().requires_grad_()
        value = landscape.function(*single.unbind())
        assert value.item() == values[index].item()
        assert torch.equal(torch.autograd.grad(value, single)[0], gradients[index])


@pytest.mark.parametrize("name", [name for name in NAMES if name not in IN_ANY_DIMENSION])
def test_the_printed_formula_is_the_function(name):
    """What a person reads, typed as an expression, computes what the catalogue computes."""
    landscape = find(name)
    points = inside(landscape, 50, seed=5)
    typed = parse(CATALOGUE[name].formula)
    assert typed.dim == landscape.dim
    np.testing.assert_allclose(typed(*points.T), landscape.values(points), rtol=1e-11, atol=1e-11)


@pytest.mark.parametrize("name", IN_ANY_DIMENSION)
@pytest.mark.parametrize("dim", [1, 3, 10])
def test_any_number_of_dimensions(name, dim):
    """Minima, starts and domain follow ``dim``; one variable fewer than a landscape needs is refused."""
    if dim < CATALOGUE[name].dims[0]:
        with pytest.raises(InputError, match=r"dim must be from 2 to 1000, got `1`\."):
            find(name, dim=dim)
        return
    landscape = find(name, dim=dim)
    assert landscape.dim == len(landscape.domain) == len(landscape.starts[0]) == dim
    assert find(f"{name}:dim={dim}") == landscape
    (minimum,) = landscape.minima
    assert float(landscape.values(minimum.point)) == pytest.approx(minimum.value, abs=1e-12 * 10 * 420)
    low, high = np.array(landscape.domain).T
    near = minimum.point + 0.01 * np.random.default_rng(6).normal(size=(200, dim))
    assert landscape.values(np.clip(near, low, high)).min() >= minimum.value - 1e-11
    assert landscape.values(inside(landscape, 20_000)).min() > minimum.value


@pytest.mark.parametrize(("dim", "value"), [(5, -4.687658), (10, -9.66015)])
def test_michalewicz_in_more_dimensions(dim, value):
    """The published minima of the five- and ten-dimensional function."""
    assert find("michalewicz", dim=dim).minima[0].value == pytest.approx(value, abs=1e-5)


def test_the_ellipse_has_a_condition_number():
    """The largest curvature over the smallest is κ, in any number of dimensions."""
    for dim in (2, 5):
        ellipse = find(f"ellipse:dim={dim},condition=100")
        axes = ellipse.values(np.eye(dim))
        assert axes.max() / axes.min() == pytest.approx(100)
    assert find("ellipse:condition=100").title == "x² + 100y²"
    assert find("ellipse:condition=10").name == "ellipse"


@pytest.mark.parametrize("name", [*NAMES, "ellipse:dim=3,condition=0.001", "rastrigin:dim=7"])
def test_the_name_and_a_pickle_rebuild_the_landscape(name):
    """A worker process gets the same landscape by pickle or by its own name."""
    landscape = find(name)
    rebuilt = find(landscape.name)
    copy = pickle.loads(pickle.dumps(landscape))
    points = inside(landscape, 5)
    for other in (rebuilt, copy):
        assert (other.name, other.domain, other.starts) == (
            landscape.name,
            landscape.domain,
            landscape.starts,
        )
        np.testing.assert_array_equal(other.values(points), landscape.values(points))


def test_values_keep_the_leading_shape():
    """Points of shape [..., dim] give values of shape [...], float64, whatever was handed in."""
    sphere = find("sphere")
    assert sphere.values(np.ones((2, 3, 4, 2), dtype=np.float32)).shape == (2, 3, 4)
    assert sphere.values([[1, 2], [3, 4]]).tolist() == [5.0, 25.0]
    assert sphere.values((3, 4)).shape == ()
    assert sphere.values(np.empty((0, 2))).shape == (0,)
    assert sphere.values((3, 4)).dtype == np.float64
