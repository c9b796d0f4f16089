"""How the quantities of the update rules are written and what they are: (text, LaTeX, meaning)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Sign:
    """One quantity: how it looks in a terminal and in LaTeX, and what it is."""

    text: str
    latex: str
    meaning: str = ""


QUANTITIES: dict[str, Sign] = {
    "p": Sign("θ", r"\theta", "the decay acts on the parameter alone"),
    "g": Sign("g", "g", "the decay joins the gradient"),
    "t": Sign("t", "t", "the step, from 1"),
    "m": Sign("m", "m", "running mean of the gradients"),
    "m_hat": Sign("m̂", r"\hat m", "corrected for its start at zero"),
    "v": Sign("v", "v", "running mean of the squared gradients"),
    "v_hat": Sign("v̂", r"\hat v", "corrected for its start at zero"),
    "v_max": Sign("vₘₐₓ", r"v_{\max}", "the largest v so far"),
    "u": Sign("u", "u", "running mean of the squared steps"),
    "d": Sign("d", "d", "the direction of the step"),
    "lr_t": Sign("ηₜ", r"\eta_t", "the learning rate at this step"),
    "mean": Sign("ḡ", r"\bar g", "running mean of the gradients"),
    "variance": Sign("σ²", r"\sigma^2", "their variance"),
    "mu": Sign("μ", r"\mu", "the momentum at this step"),
    "mu_next": Sign("μ₊", r"\mu_+", "the momentum at the next step"),
    "mu_product": Sign("Πμ", r"\Pi_\mu", "the product of the momenta so far"),
    "rho": Sign("ρ", r"\rho", "how many gradients v has averaged over"),
    "rho_inf": Sign("ρ∞", r"\rho_\infty", "the limit of ρ"),
    "r": Sign("r", "r", "the rectification"),
    "c": Sign("c", "c", "positive while the gradient keeps its sign"),
    "size": Sign("Δ", r"\Delta", "the size of the step"),
    "decay": Sign("λ′", r"\lambda'", "the decay freed from the learning rate"),
    "s.g": Sign("g₋", "g_-", "the gradient to compare with at the next step"),
}
"""What the rules compute, by its name in :mod:`slalom.optimizers.rules`."""

PARTICULAR: dict[str, dict[str, Sign]] = {
    "sgd": {"m": Sign("m", "m", "decaying sum of the gradients")},
    "adagrad": {"v": Sign("v", "v", "sum of the squared gradients")},
    "rmsprop": {"m": Sign("m", "m", "decaying sum of the scaled gradients")},
    "adadelta": {"d": Sign("d", "d", "gradient, in units of past steps")},
    "adamax": {"u": Sign("u", "u", "decaying maximum of the gradients' sizes")},
    "nadam": {"m_hat": Sign("m̂", r"\hat m", "looks one step ahead")},
    "radam": {"d": Sign("d", "d", "the scaling, once v can be trusted")},
    "rprop": {
        "h.lr": Sign("Δ₀", r"\Delta_0", "size of the first step"),
        "g": Sign("g", "g", "skips the step after a change of sign"),
    },
}
"""Where a rule uses a name in its own sense."""

HYPERPARAMETERS: dict[str, Sign] = {
    "lr": Sign("η", r"\eta", "learning rate"),
    "momentum": Sign("μ", r"\mu", "share of the last step's momentum that is kept"),
    "dampening": Sign("τ", r"\tau", "how much less of a new gradient enters the momentum"),
    "weight_decay": Sign("λ", r"\lambda", "pull of the parameters towards zero"),
    "beta1": Sign("β₁", r"\beta_1"),
    "beta2": Sign("β₂", r"\beta_2"),
    "betas": Sign("β₁, β₂", r"\beta_1, \beta_2", "memory of the running means of gradients and of their squares"),
    "eps": Sign("ε", r"\varepsilon", "keeps the division away from zero"),
    "alpha": Sign("α", r"\alpha", "memory of the running mean of squared gradients"),
    "rho": Sign("ρ", r"\rho", "memory of both running means"),
    "lr_decay": Sign("κ", r"\kappa", "how fast the learning rate falls"),
    "initial_accumulator_value": Sign("v₀", "v_0", "what the sum of squares begins with"),
    "momentum_decay": Sign("ψ", r"\psi", "how fast the momentum warms up"),
    "eta_minus": Sign("η⁻", r"\eta^-"),
    "eta_plus": Sign("η⁺", r"\eta^+"),
    "etas": Sign("η⁻, η⁺", r"\eta^-, \eta^+", "factors by which a step shrinks and grows"),
    "step_size_min": Sign("Δₘᵢₙ", r"\Delta_{\min}"),
    "step_size_max": Sign("Δₘₐₓ", r"\Delta_{\max}"),
    "step_sizes": Sign("Δₘᵢₙ, Δₘₐₓ", r"\Delta_{\min}, \Delta_{\max}", "smallest and largest step"),
    "nesterov": Sign("", "", "look ahead: use the momentum as it will be after this gradient"),
    "amsgrad": Sign("", "", "divide by the largest second moment so far"),
    "centered": Sign("", "", "divide by the standard deviation of the gradients, not their root mean square"),
    "decoupled_weight_decay": Sign("", "", "let the decay act on the parameters alone, as in AdamW"),
    "maximize": Sign("", "", "climb instead: the gradient's sign is turned first"),
}
"""The hyperparameters of the rules, by the name their classes use (of pairs, also the names in the rules)."""

_ADAPTIVE_BETAS = Sign("β₁, β₂", r"\beta_1, \beta_2", "weights of old and new gradient: in the step, in the memory")
PARTICULAR_HYPERPARAMETERS: dict[str, dict[str, Sign]] = {
    "rprop": {"lr": Sign("Δ₀", r"\Delta_0", "size of the first step")},
    "adadelta": {"lr": Sign("η", r"\eta", "scales the step; 1 in the paper, which has none")},
    "lion": {"betas": _ADAPTIVE_BETAS},
    "adamax": {"betas": Sign("β₁, β₂", r"\beta_1, \beta_2", "memory of the mean and of the maximum of gradients")},
}


def signs(rule: str) -> Mapping[str, Sign]:
    """Return how each symbol of a traced rule is written: ``p``, ``m``, ``s.m`` (the old m), ``h.lr`` …"""
    quantities = {**QUANTITIES, **PARTICULAR.get(rule, {})}
    own = PARTICULAR_HYPERPARAMETERS.get(rule, {})
    table = {f"h.{name}": sign for name, sign in {**HYPERPARAMETERS, **own}.items()}
    return {
        **{f"s.{name}": sign for name, sign in quantities.items() if name[1:2] != "."},
        **table,
        **quantities,
    }
