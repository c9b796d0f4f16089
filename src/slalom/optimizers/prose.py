"""What is said about each optimizer beside its formula: where PyTorch differs from popular descriptions, and
the
algorithms of those classes whose update is no element-wise rule."""

from __future__ import annotations

from collections.abc import Mapping

_EPSILON_OUTSIDE = "ε is added outside the root, to √v̂; many descriptions write √(v̂ + ε)."
_BIAS = "The bias correction divides by 1 − βᵗ, with the power of β and the number t of steps made so far."
_COUPLED = (
    "weight_decay adds λ·θ to the gradient (an L2 penalty), so it passes through the moments and is scaled "
    "like any "
    "gradient; the decoupled decay of AdamW does not."
)
_SUM_DECAY = "weight_decay adds λ·θ to the gradient, an L2 penalty of λ/2·θ²."

REMARKS: Mapping[str, tuple[str, ...]] = {
    "torch.optim.SGD": (
        "The momentum sums gradients, without the learning rate inside: m ← μ·m + g, then θ ← θ − η·m. "
        "Textbooks "
        "often write m ← μ·m − η·g, then θ ← θ + m. The two agree until the learning rate changes.",
        "With momentum, the first step sets m to the whole gradient; dampening acts from the second step on.",
        "Nesterov's form evaluates no gradient ahead: it steps by g + μ·m, the same idea after a change of variable.",
        _SUM_DECAY,
    ),
    "torch.optim.Adagrad": (
        "ε is added outside the root, to √v; many descriptions write √(v + ε).",
        "v sums from initial_accumulator_value, 0 in PyTorch and 0.1 in some other libraries.",
    ),
    "torch.optim.RMSprop": (
        "ε is added outside the root, to √v; some libraries write √(v + ε).",
        "v starts at zero and is not corrected for it, so the first step is about η/√(1 − α), ten times η by default.",
        "With momentum, m sums gradients that have been scaled already; the learning rate stays outside.",
        "centered=True subtracts the squared mean. Where gradients hardly vary, v − ḡ² cancels to rounding errors.",
    ),
    "torch.optim.Adadelta": (
        "There is a learning rate, 1 by default; the paper has none.",
        "ε stands inside both roots and sets the size of the first step: about √(ε / (1 − ρ)), 0.003 by default.",
    ),
    "torch.optim.Adam": (
        _BIAS,
        _EPSILON_OUTSIDE,
        _COUPLED,
        "amsgrad=True keeps the maximum of v itself and corrects it afterwards; the paper has no bias correction.",
    ),
    "torch.optim.AdamW": (
        "The decay is scaled by the learning rate: θ shrinks by η·λ each step. In the paper only the "
        "schedule's factor "
        "scales it, so the paper's λ is η·λ here.",
        "λ is 0.01 unless it is set: an AdamW at its defaults does decay.",
        _BIAS,
        _EPSILON_OUTSIDE,
    ),
    "torch.optim.Adamax": (
        "ε is added to the gradient's size inside the maximum; the paper has no ε.",
        "The bias of m is corrected with the power of β₁; u needs no correction.",
    ),
    "torch.optim.NAdam": (
        "The momentum warms up: μ rises from β₁/2 to β₁ as 0.96 to the power t·ψ fades (ψ = 0.004 is t/250).",
        "PyTorch keeps the product of the momenta in single precision, also for float64 parameters.",
        _EPSILON_OUTSIDE,
    ),
    "torch.optim.RAdam": (
        "The rectified step begins at ρ > 5, as in the authors' code; the paper has ρ > 4. Before that, θ "
        "moves by "
        "η·m̂, unscaled.",
        "ε is added to √v before the bias of v is corrected; in Adam it is added afterwards.",
    ),
    "torch.optim.Rprop": (
        "After a change of sign the step is skipped, not taken back as the paper does.",
        "The learning rate is only the size of the first step; afterwards each coordinate keeps its own.",
    ),
    "lion_pytorch.Lion": (
        "Two averages: β₁ mixes the gradient into the step, β₂ into the memory. Every coordinate moves by "
        "exactly η, or by nothing where the mix is 0.",
        "The decay is scaled by the learning rate, as in AdamW; decoupled_weight_decay=True divides λ by "
        "the initial "
        "learning rate first.",
    ),
    "torch.optim.ASGD": (
        "The optimizer moves θ as SGD does; the average ā lies in its state under `ax`, and nothing uses it "
        "unless you "
        "do. Averaging begins after t0 steps, a million by default.",
    ),
    "torch.optim.Adafactor": (
        "The step is relative: it is scaled by the root mean square of θ itself, so lr is a share, and an upper bound.",
        "The paper's first moment is left out.",
    ),
    "torch.optim.LBFGS": (
        "One step() makes up to max_iter inner iterations, each with at least one evaluation of the loss and gradient.",
        "Without line_search_fn='strong_wolfe' the step is simply η (the first one min(1, 1/‖g‖₁)·η): it "
        "may overshoot.",
    ),
    "torch.optim.Muon": (
        "Takes matrices only: slalom hands it a point of n coordinates as a 1×n matrix, for which "
        "orthogonalizing is "
        "nearly dividing by the length.",
        "m is a running mean, (1 − μ)·g entering; the original sums g whole. The orthogonalization runs in bfloat16.",
        "The decay is scaled by the learning rate, and is 0.1 unless it is set.",
        "On a network it moves the matrices of hidden layers; embeddings (by their names), the last matrix of several, "
        "convolutions and biases are moved by AdamW, at its defaults or at rest_lr=… and the like.",
    ),
    "torch.optim.SparseAdam": (
        "Where a gradient has no entry, nothing happens: no decay of the moments, no movement.",
        "Takes sparse gradients only: slalom hands it sparse copies.",
    ),
}
"""What PyTorch (for Lion, lion-pytorch) does, by import path."""

ALGORITHMS: Mapping[str, tuple[tuple[str, str], ...]] = {
    "torch.optim.ASGD": (
        ("g ← g + λ_w·θ", r"g \leftarrow g + \lambda_w \, \theta"),
        ("θ ← (1 − λ·ηₜ)·θ − ηₜ·g", r"\theta \leftarrow (1 - \lambda \eta_t) \, \theta - \eta_t \, g"),
        ("ā ← ā + μₜ·(θ − ā)", r"\bar a \leftarrow \bar a + \mu_t \, (\theta - \bar a)"),
        ("ηₜ₊₁ ← η / (1 + λ·η·t)^α", r"\eta_{t+1} \leftarrow \frac{\eta}{(1 + \lambda \eta t)^\alpha}"),
        ("μₜ₊₁ ← 1 / max(1, t − t₀)", r"\mu_{t+1} \leftarrow \frac{1}{\max(1, t - t_0)}"),
    ),
    "torch.optim.Adafactor": (
        ("ηₜ ← max(ε₂, rms(θ))·min(η, 1/√t)",
         r"\eta_t \leftarrow \max(\varepsilon_2, \operatorname{rms}(\theta)) \, \min(\eta, 1/\sqrt t)"),
        ("θ ← θ·(1 − η·λ)", r"\theta \leftarrow \theta \, (1 - \eta \lambda)"),
        ("v ← (1 − t^c)·v + t^c·g²   (a matrix: its row and column means instead)",
         r"v \leftarrow (1 - t^c) \, v + t^c g^2"),
        ("u ← g / √max(v, ε₁²)", r"u \leftarrow \frac{g}{\sqrt{\max(v, \varepsilon_1^2)}}"),
        ("θ ← θ − ηₜ·u / max(1, rms(u) / d)",
         r"\theta \leftarrow \theta - \eta_t \, \frac{u}{\max(1, \operatorname{rms}(u) / d)}"),
    ),
    "torch.optim.LBFGS": (
        ("repeat up to max_iter times:", r"\text{repeat up to max\_iter times:}"),
        ("  s, y ← the last change of θ, of g   (up to history_size pairs are kept)",
         r"s, y \leftarrow \text{the last change of } \theta, \text{ of } g"),
        ("  d ← −H·g   with H ≈ (∇²f)⁻¹ from these pairs, by the two-loop recursion",
         r"d \leftarrow -H g, \quad H \approx (\nabla^2 f)^{-1}"),
        ("  θ ← θ + η·d   or as far as a line search goes along d",
         r"\theta \leftarrow \theta + \eta \, d"),
        ("  g ← ∇f(θ)", r"g \leftarrow \nabla f(\theta)"),
    ),
    "torch.optim.Muon": (
        ("m ← μ·m + (1 − μ)·g", r"m \leftarrow \mu m + (1 - \mu) g"),
        ("d ← (1 − μ)·g + μ·m   (nesterov; otherwise m)", r"d \leftarrow (1 - \mu) g + \mu m"),
        ("X ← d / ‖d‖", r"X \leftarrow d / \lVert d \rVert"),
        ("X ← a·X + b·(XXᵀ)X + c·(XXᵀ)²X   ns_steps times: its singular values go to about 1",
         r"X \leftarrow a X + b \, (X X^\top) X + c \, (X X^\top)^2 X \quad \text{(ns\_steps times)}"),
        ("θ ← θ·(1 − η·λ) − η·√max(1, rows/columns)·X",
         r"\theta \leftarrow \theta (1 - \eta \lambda) - "
         r"\eta \sqrt{\max(1, \text{rows}/\text{columns})} \, X"),
    ),
    "torch.optim.SparseAdam": (
        ("only where g has an entry:", r"\text{only where } g \text{ has an entry:}"),
        ("  m ← β₁·m + (1 − β₁)·g", r"m \leftarrow \beta_1 m + (1 - \beta_1) g"),
        ("  v ← β₂·v + (1 − β₂)·g²", r"v \leftarrow \beta_2 v + (1 - \beta_2) g^2"),
        ("  θ ← θ − η·√(1 − β₂ᵗ) / (1 − β₁ᵗ)·m / (√v + ε)",
         r"\theta \leftarrow \theta - \eta \, \frac{\sqrt{1 - \beta_2^t}}{1 - \beta_1^t} \, "
         r"\frac{m}{\sqrt v + \varepsilon}"),
    ),
}  # fmt: skip
"""Hand-written descriptions, as (text, LaTeX) lines, of classes that have no traced rule."""

MEANINGS: Mapping[str, Mapping[str, tuple[str, str, str]]] = {
    "torch.optim.ASGD": {
        "lambd": ("λ", r"\lambda", "how fast the learning rate falls, and a decay of θ"),
        "alpha": ("α", r"\alpha", "the power with which the learning rate falls"),
        "t0": ("t₀", "t_0", "step at which averaging begins"),
        "weight_decay": ("λ_w", r"\lambda_w", "pull of the parameters towards zero"),
    },
    "torch.optim.Adafactor": {
        "lr": ("η", r"\eta", "upper bound of the relative step"),
        "beta2_decay": ("c", "c", "power of t that weighs the new squared gradient"),
        "eps": (
            "ε₁, ε₂",
            r"\varepsilon_1, \varepsilon_2",
            "floors of √v (None: the precision's own) and of rms(θ)",
        ),
        "d": ("d", "d", "largest root mean square of an update"),
    },
    "torch.optim.LBFGS": {
        "max_iter": ("", "", "inner iterations of one step"),
        "max_eval": ("", "", "evaluations of one step; None is 1.25·max_iter"),
        "tolerance_grad": ("", "", "stop where no entry of the gradient is larger"),
        "tolerance_change": ("", "", "stop where θ or f changes by less"),
        "history_size": ("", "", "pairs (s, y) that are remembered"),
        "line_search_fn": ("", "", "None, or 'strong_wolfe'"),
    },
    "torch.optim.Muon": {
        "momentum": ("μ", r"\mu", "memory of the running mean"),
        "nesterov": ("", "", "mix the new gradient in once more"),
        "ns_coefficients": ("a, b, c", "a, b, c", "coefficients of the orthogonalizing polynomial"),
        "ns_steps": ("", "", "how often it is applied"),
        "eps": ("ε", r"\varepsilon", "smallest norm that is divided by"),
        "adjust_lr_fn": ("", "", "how η follows the matrix's shape: None, 'original' or 'match_rms_adamw'"),
    },
}
"""The hyperparameters of the classes without a rule: (text, LaTeX, meaning) by import path and name."""
