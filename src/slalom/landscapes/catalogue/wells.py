"""Functions of two variables with several wells, some of them rough."""

from __future__ import annotations

from typing import Any

from slalom.formula import absolute, cos, exp, log, pi, sin, sqrt
from slalom.landscapes.catalogue.entry import Entry, at, corners


def himmelblau(x: Any, y: Any) -> Any:
    return (x**2 + y - 11) ** 2 + (x + y**2 - 7) ** 2


def three_hump_camel(x: Any, y: Any) -> Any:
    return 2 * x**2 - 1.05 * (x**2) ** 2 + (x**2) ** 3 / 6 + x * y + y**2


def six_hump_camel(x: Any, y: Any) -> Any:
    return (4 - 2.1 * x**2 + (x**2) ** 2 / 3) * x**2 + x * y + (4 * y**2 - 4) * y**2


def goldstein_price(x: Any, y: Any) -> Any:
    a = 19 - 14 * x + 3 * x**2 - 14 * y + 6 * x * y + 3 * y**2
    b = 18 - 32 * x + 12 * x**2 + 48 * y - 36 * x * y + 27 * y**2
    return (1 + (x + y + 1) ** 2 * a) * (30 + (2 * x - 3 * y) ** 2 * b)


def mccormick(x: Any, y: Any) -> Any:
    return sin(x + y) + (x - y) ** 2 - 1.5 * x + 2.5 * y + 1


def branin(x: Any, y: Any) -> Any:
    return (y - 5.1 / (4 * pi**2) * x**2 + 5 / pi * x - 6) ** 2 + 10 * (1 - 1 / (8 * pi)) * cos(x) + 10


def bohachevsky(x: Any, y: Any) -> Any:
    return x**2 + 2 * y**2 - 0.3 * cos(3 * pi * x) - 0.4 * cos(4 * pi * y) + 0.7


def easom(x: Any, y: Any) -> Any:
    return -cos(x) * cos(y) * exp(-((x - pi) ** 2) - (y - pi) ** 2)


def drop_wave(x: Any, y: Any) -> Any:
    # At the minimum itself the root has no gradient: torch gives nan there.
    r2 = x**2 + y**2
    return -(1 + cos(12 * sqrt(r2))) / (r2 / 2 + 2)


def schaffer2(x: Any, y: Any) -> Any:
    return 0.5 + (sin(x**2 - y**2) ** 2 - 0.5) / (1 + 0.001 * (x**2 + y**2)) ** 2


def eggholder(x: Any, y: Any) -> Any:
    return -(y + 47) * sin(sqrt(absolute(x / 2 + y + 47))) - x * sin(sqrt(absolute(x - y - 47)))


def cross_in_tray(x: Any, y: Any) -> Any:
    # Reaches exp(100) on the way: in single precision it is infinite.
    peak = absolute(sin(x) * sin(y) * exp(absolute(100 - sqrt(x**2 + y**2) / pi)))
    return -0.0001 * exp(0.1 * log(peak + 1))


def holder_table(x: Any, y: Any) -> Any:
    return -absolute(sin(x) * cos(y) * exp(absolute(1 - sqrt(x**2 + y**2) / pi)))


WELLS = {
    "himmelblau": Entry(
        himmelblau,
        formula="(x**2 + y - 11)**2 + (x + y**2 - 7)**2",
        domain=(-6.0, 6.0),
        starts=((0.0, 0.0), (-0.5, -1.0)),
        minima=at(
            (3.0, 2.0),
            (-2.805118086952745, 3.131312518250573),
            (-3.779310253377747, -3.2831859912861696),
            (3.5844283403304917, -1.8481265269644036),
        ),
        source="Himmelblau (1972), Applied nonlinear programming",
        teaches="Four equal minima: where a path ends tells which basin it fell into.",
    ),
    "three-hump-camel": Entry(
        three_hump_camel,
        formula="2*x**2 - 1.05*x**4 + x**6/6 + x*y + y**2",
        domain=(-2.5, 2.5),
        starts=((2.0, 1.5), (-1.0, 2.0)),
        minima=at((0.0, 0.0)),
        source="Jamil & Yang (2013), A literature survey of benchmark functions, no. 29",
        teaches="A deep well between two shallow ones: momentum may carry a runner over the ridge.",
    ),
    "six-hump-camel": Entry(
        six_hump_camel,
        formula="(4 - 2.1*x**2 + x**4/3)*x**2 + x*y + (4*y**2 - 4)*y**2",
        domain=((-2.0, 2.0), (-1.2, 1.2)),
        starts=((1.6, 0.8), (-0.9, -0.2)),
        minima=at(
            (0.08984201310031806, -0.7126564030207396),
            (-0.08984201310031806, 0.7126564030207396),
            value=-1.0316284534898774,
        ),
        source="Dixon & Szegö (1978), Towards global optimisation 2",
        teaches="Six wells in three pairs: symmetric starts reach symmetric ends.",
    ),
    "goldstein-price": Entry(
        goldstein_price,
        formula="(1 + (x + y + 1)**2*(19 - 14*x + 3*x**2 - 14*y + 6*x*y + 3*y**2))"
        "*(30 + (2*x - 3*y)**2*(18 - 32*x + 12*x**2 + 48*y - 36*x*y + 27*y**2))",
        label="Goldstein–Price",
        domain=(-2.0, 2.0),
        starts=((-1.5, 0.5), (1.5, 0.5)),
        minima=at((0.0, -1.0), value=3.0),
        source="Goldstein & Price (1971), Mathematics of Computation 25(115)",
        teaches="Values from 3 to a million within four units: no fixed learning rate suits both.",
    ),
    "mccormick": Entry(
        mccormick,
        formula="sin(x + y) + (x - y)**2 - 1.5*x + 2.5*y + 1",
        domain=((-1.5, 4.0), (-3.0, 4.0)),
        starts=((3.5, -2.0), (-1.0, 3.5)),
        minima=at((-0.5471975511965977, -1.5471975511965979), value=-1.9132229549810367),
        source="McCormick (1976), Mathematical Programming 10",
        teaches="A tilted washboard: each trough along the diagonal is lower than the last.",
    ),
    "branin": Entry(
        branin,
        formula="(y - 5.1/(4*pi**2)*x**2 + 5/pi*x - 6)**2 + 10*(1 - 1/(8*pi))*cos(x) + 10",
        label="Branin",
        domain=((-5.0, 10.0), (0.0, 15.0)),
        starts=((0.5, 13.0), (6.0, 12.0)),
        minima=at(
            (-3.141592653589793, 12.275),
            (3.141592653589793, 2.275),
            (9.42477796076938, 2.475),
            value=0.3978873577297383,
        ),
        source="Branin (1972), IBM Journal of Research and Development 16(5)",
        teaches="Three equal minima along one curved valley.",
    ),
    "bohachevsky": Entry(
        bohachevsky,
        formula="x**2 + 2*y**2 - 0.3*cos(3*pi*x) - 0.4*cos(4*pi*y) + 0.7",
        domain=(-2.0, 2.0),
        starts=((-1.6, 1.2), (1.5, 0.7)),
        minima=at((0.0, 0.0)),
        source="Bohachevsky, Johnson & Stein (1986), Technometrics 28(3)",
        teaches="Ripples on an ellipse: how large a dent can an optimizer roll through?",
    ),
    "easom": Entry(
        easom,
        formula="-cos(x)*cos(y)*exp(-(x - pi)**2 - (y - pi)**2)",
        domain=(-2.0, 8.0),
        starts=((2.0, 4.2), (4.4, 4.0)),
        minima=at((3.141592653589793, 3.141592653589793), value=-1.0),
        source="Easom (1990), A survey of global optimization techniques",
        teaches="A needle's eye in a plain: a little farther out there is nothing to go by.",
    ),
    "drop-wave": Entry(
        drop_wave,
        formula="-(1 + cos(12*sqrt(x**2 + y**2)))/((x**2 + y**2)/2 + 2)",
        domain=(-2.0, 2.0),
        starts=((-1.5, 0.9), (0.4, 0.1)),
        minima=at((0.0, 0.0), value=-1.0),
        source="Molga & Smutnicki (2005), Test functions for optimization needs",
        teaches="Rings around the minimum: every ring is a trap, in all directions at once.",
    ),
    "schaffer2": Entry(
        schaffer2,
        formula="0.5 + (sin(x**2 - y**2)**2 - 0.5)/(1 + 0.001*(x**2 + y**2))**2",
        label="Schaffer no. 2",
        domain=(-10.0, 10.0),
        starts=((-6.0, 3.0), (1.0, 1.5)),
        minima=at((0.0, 0.0)),
        source="Schaffer (1985); Jamil & Yang (2013), A literature survey of benchmark functions, no. 113",
        teaches="Ripples that grow finer with the distance: far out the gradient points anywhere.",
    ),
    "eggholder": Entry(
        eggholder,
        formula="-(y + 47)*sin(sqrt(abs(x/2 + y + 47))) - x*sin(sqrt(abs(x - y - 47)))",
        domain=(-512.0, 512.0),
        starts=((100.0, -300.0), (-200.0, 100.0)),
        minima=at((512.0, 404.2318051137578), value=-959.6406627208509),
        source="Jamil & Yang (2013), A literature survey of benchmark functions, no. 53",
        teaches="The minimum lies on the edge of the domain: outside it the function falls further.",
    ),
    "cross-in-tray": Entry(
        cross_in_tray,
        label="Cross-in-tray",
        formula="-0.0001*(abs(sin(x)*sin(y)*exp(abs(100 - sqrt(x**2 + y**2)/pi))) + 1)**0.1",
        domain=(-10.0, 10.0),
        starts=((-3.8, 5.0), (2.5, 0.5)),
        minima=at(
            *corners(1.3494066171539107, 1.3494066171539107),
            value=-2.062611870822737,
        ),
        source="Mishra (2006), Some new test functions for global optimization",
        teaches="A tray whose walls are cracks: the gradient jumps wherever a path crosses one.",
    ),
    "holder-table": Entry(
        holder_table,
        formula="-abs(sin(x)*cos(y)*exp(abs(1 - sqrt(x**2 + y**2)/pi)))",
        domain=(-10.0, 10.0),
        starts=((5.0, 5.0), (-2.0, 7.5)),
        minima=at(
            *corners(8.055023475736563, 9.664590019241272),
            value=-19.208502567886732,
        ),
        source="Mishra (2006), Some new test functions for global optimization",
        teaches="Four legs in the corners and creases between the wells.",
    ),
}
