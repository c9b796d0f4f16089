"""The update rules, each written once, as its paper writes it and as PyTorch computes it.

A rule is a pure function of the parameter ``p``, its gradient ``g``, the state ``s``, the step ``t`` (counted
from 1) and the hyperparameters ``h``. It returns the new parameter and the new state. All of them may be
floats, tensors (``p`` of shape [dim, lanes] with hyperparameters of shape [lanes], say), SymPy expressions,
or the symbols of :mod:`slalom.formula.graph`. Options that are True or False choose the formula and are
Python values; every other choice goes through ``where``, since it may differ from lane to lane. Whoever
maximizes hands in −g.

Where a paper and PyTorch differ, PyTorch is followed: it is what people run, and what the tests hold these
against.
"""

from __future__ import annotations

from typing import Any

from slalom.formula import State, absolute, equal, float32, maximum, minimum, nonzero, sign, sqrt, where

Step = tuple[Any, State]


def decay(p: Any, g: Any, h: Any) -> tuple[Any, Any]:
    """Return the parameter and the gradient after weight decay: decoupled, it shrinks the parameter by
    itself, scaled
    by the learning rate (Loshchilov and Hutter 2017); otherwise it joins the gradient."""
    if h.decoupled_weight_decay:
        return p * (1 - h.lr * h.weight_decay), g
    return p, g + h.weight_decay * p


def sgd(p: Any, g: Any, s: State, t: Any, h: Any) -> Step:
    """Robbins and Monro 1951; momentum as Polyak 1964, in the form of Sutskever and others 2013 without the
    learning rate inside."""
    g = g + h.weight_decay * p
    m = where(equal(t, 1), g, h.momentum * s.m + (1 - h.dampening) * g)
    d = g + h.momentum * m if h.nesterov else m
    d = where(equal(h.momentum, 0), g, d)
    return p - h.lr * d, State(m=m)


def adagrad(p: Any, g: Any, s: State, t: Any, h: Any) -> Step:
    """Duchi, Hazan and Singer 2011, the diagonal form."""
    g = g + h.weight_decay * p
    v = s.v + g**2
    lr_t = h.lr / (1 + (t - 1) * h.lr_decay)
    return p - lr_t * g / (sqrt(v) + h.eps), State(v=v)


def rmsprop(p: Any, g: Any, s: State, t: Any, h: Any) -> Step:
    """Tieleman and Hinton 2012; centred as Graves 2013, with epsilon outside the root."""
    g = g + h.weight_decay * p
    v = h.alpha * s.v + (1 - h.alpha) * g**2
    variance = v
    state = State(v=v)
    if h.centered:
        mean = h.alpha * s.mean + (1 - h.alpha) * g
        variance = v - mean**2
        state["mean"] = mean
    m = h.momentum * s.m + g / (sqrt(variance) + h.eps)
    state["m"] = m
    return p - h.lr * m, state


def adadelta(p: Any, g: Any, s: State, t: Any, h: Any) -> Step:
    """Zeiler 2012, with a learning rate."""
    g = g + h.weight_decay * p
    v = h.rho * s.v + (1 - h.rho) * g**2
    d = sqrt(s.u + h.eps) / sqrt(v + h.eps) * g
    u = h.rho * s.u + (1 - h.rho) * d**2
    return p - h.lr * d, State(v=v, u=u)


def adam(p: Any, g: Any, s: State, t: Any, h: Any) -> Step:
    """Kingma and Ba 2014; AMSGrad by Reddi, Kale and Kumar 2018; with decoupled decay, AdamW."""
    p, g = decay(p, g, h)
    m = h.beta1 * s.m + (1 - h.beta1) * g
    v = h.beta2 * s.v + (1 - h.beta2) * g**2
    state = State(m=m, v=v)
    m_hat = m / (1 - h.beta1**t)
    if h.amsgrad:
        v_max = maximum(s.v_max, v)
        v_hat = v_max / (1 - h.beta2**t)
        state["v_max"] = v_max
    else:
        v_hat = v / (1 - h.beta2**t)
    return p - h.lr * m_hat / (sqrt(v_hat) + h.eps), state


def adamax(p: Any, g: Any, s: State, t: Any, h: Any) -> Step:
    """Kingma and Ba 2014, section 7.1, with epsilon inside the maximum."""
    g = g + h.weight_decay * p
    m = h.beta1 * s.m + (1 - h.beta1) * g
    u = maximum(h.beta2 * s.u, absolute(g) + h.eps)
    m_hat = m / (1 - h.beta1**t)
    return p - h.lr * m_hat / u, State(m=m, u=u)


def nadam(p: Any, g: Any, s: State, t: Any, h: Any) -> Step:
    """Dozat 2016. PyTorch keeps the product of the momenta in single precision, whatever the parameter's."""
    p, g = decay(p, g, h)
    mu = h.beta1 * (1 - 0.5 * 0.96 ** (t * h.momentum_decay))
    mu_next = h.beta1 * (1 - 0.5 * 0.96 ** ((t + 1) * h.momentum_decay))
    mu_product = float32(s.mu_product * float32(mu))
    m = h.beta1 * s.m + (1 - h.beta1) * g
    v = h.beta2 * s.v + (1 - h.beta2) * g**2
    m_hat = mu_next * m / (1 - mu_product * mu_next) + (1 - mu) * g / (1 - mu_product)
    v_hat = v / (1 - h.beta2**t)
    return p - h.lr * m_hat / (sqrt(v_hat) + h.eps), State(m=m, v=v, mu_product=mu_product)


def radam(p: Any, g: Any, s: State, t: Any, h: Any) -> Step:
    """Liu and others 2019, with the threshold at 5 where the paper has 4."""
    p, g = decay(p, g, h)
    m = h.beta1 * s.m + (1 - h.beta1) * g
    v = h.beta2 * s.v + (1 - h.beta2) * g**2
    m_hat = m / (1 - h.beta1**t)
    rho_inf = 2 / (1 - h.beta2) - 1
    rho = rho_inf - 2 * t * h.beta2**t / (1 - h.beta2**t)
    r = sqrt((rho - 4) * (rho - 2) * rho_inf / nonzero((rho_inf - 4) * (rho_inf - 2) * rho))
    d = where(rho > 5, r * sqrt(1 - h.beta2**t) / (sqrt(v) + h.eps), 1)
    return p - h.lr * m_hat * d, State(m=m, v=v)


def rprop(p: Any, g: Any, s: State, t: Any, h: Any) -> Step:
    """Riedmiller and Braun 1993, in the form that skips a step after a change of sign, taking none back."""
    c = g * s.g
    size = where(c > 0, h.eta_plus * s.size, where(c < 0, h.eta_minus * s.size, s.size))
    size = minimum(maximum(size, h.step_size_min), h.step_size_max)
    g = where(c < 0, 0, g)
    return p - sign(g) * size, State(g=g, size=size)


def lion(p: Any, g: Any, s: State, t: Any, h: Any) -> Step:
    """Chen and others 2023, algorithm 2."""
    decay = h.weight_decay / h.lr if h.decoupled_weight_decay else h.weight_decay
    p = p * (1 - h.lr * decay)
    d = sign(h.beta1 * s.m + (1 - h.beta1) * g)
    m = h.beta2 * s.m + (1 - h.beta2) * g
    return p - h.lr * d, State(m=m)
