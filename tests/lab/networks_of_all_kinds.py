"""Networks of the kinds that people bring, each as a task of its own: ``networks_of_all_kinds.py:lstm``."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional
from torch.nn.utils.rnn import pack_padded_sequence

import slalom

N = 90
DRAWN = torch.Generator().manual_seed(0)
X = torch.randn(N, 6, generator=DRAWN)
LABELS = (X[:, 0] + 0.5 * torch.randn(N, generator=DRAWN) > 0).long()
REAL = X[:, :1] - 2 * X[:, 1:2] + 0.1 * torch.randn(N, 1, generator=DRAWN)
SEQUENCES = X.reshape(N, 3, 2)
TOKENS = torch.randint(0, 5, (N, 7), generator=DRAWN)
LENGTHS = torch.randint(1, 4, (N,), generator=DRAWN)


def r2(outputs, target):
    o, t = outputs.numpy(), target.numpy()
    return 1 - ((o - t) ** 2).sum() / ((t - t.mean()) ** 2).sum()


def f1(outputs, target):
    chosen, right = outputs.argmax(1), target
    hits = ((chosen == 1) & (right == 1)).sum().item()
    return 2 * hits / max(1, (chosen == 1).sum().item() + (right == 1).sum().item())


class Lstm(nn.Module):
    def __init__(self):
        super().__init__()
        self.memory, self.head = nn.LSTM(2, 5, batch_first=True), nn.Linear(5, 1)

    def forward(self, x):
        return self.head(self.memory(x)[0][:, -1])


class Packed(nn.Module):
    def __init__(self):
        super().__init__()
        self.memory, self.head = nn.GRU(2, 5, batch_first=True), nn.Linear(5, 2)

    def forward(self, x, lengths):
        packed = pack_padded_sequence(x, lengths, batch_first=True, enforce_sorted=False)
        return self.head(self.memory(packed)[1][0])


class Masked(nn.Module):
    """Attention with a mask that Python code makes from the values."""

    def __init__(self):
        super().__init__()
        self.embedding, self.mix = nn.Embedding(5, 8), nn.MultiheadAttention(8, 2, batch_first=True)
        self.head = nn.Linear(8, 2)

    def forward(self, tokens):
        x, padding = self.embedding(tokens), tokens == 0
        if padding.all(dim=1).any():
            padding = None
        return self.head(self.mix(x, x, x, key_padding_mask=padding)[0].mean(dim=1))


class Vae(nn.Module):
    """Draws in training and in evaluation; returns a tuple with a number that belongs to no example."""

    def __init__(self):
        super().__init__()
        self.encode, self.decode = nn.Linear(6, 4), nn.Linear(2, 6)

    def forward(self, x):
        mean, log_variance = self.encode(x).chunk(2, dim=1)
        z = mean + torch.randn_like(mean) * (0.5 * log_variance).exp()
        divergence = -0.5 * (1 + log_variance - mean**2 - log_variance.exp()).sum(1).mean()
        return self.decode(z), divergence


def vae_loss(outputs, target):
    return functional.mse_loss(outputs[0], target) + 0.1 * outputs[1]


class Tied(nn.Module):
    def __init__(self):
        super().__init__()
        self.first, self.second, self.head = nn.Linear(6, 6), nn.Linear(6, 6), nn.Linear(6, 2)
        self.second.weight = self.first.weight

    def forward(self, x):
        return self.head(torch.tanh(self.second(torch.tanh(self.first(x)))))


class Sparse(nn.Module):
    def __init__(self):
        super().__init__()
        self.embedding, self.head = nn.Embedding(5, 4, sparse=True), nn.Linear(4, 2)

    def forward(self, tokens):
        return self.head(self.embedding(tokens).mean(1))


class TwoInputs(nn.Module):
    def __init__(self):
        super().__init__()
        self.left, self.right = nn.Linear(6, 2), nn.Embedding(5, 2)

    def forward(self, x, tokens):
        return self.left(x) + self.right(tokens).mean(1)


class Heads(nn.Module):
    """Two outputs in a dictionary, for two targets that are columns of one."""

    def __init__(self):
        super().__init__()
        self.one, self.other = nn.Linear(6, 1), nn.Linear(6, 1)

    def forward(self, x):
        return {"one": self.one(x), "other": self.other(x)}


def heads_loss(outputs, target):
    return functional.mse_loss(outputs["one"][:, 0], target[:, 0]) + functional.l1_loss(
        outputs["other"][:, 0], target[:, 1]
    )


class Scalar(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer, self.scale = nn.Linear(6, 1), nn.Parameter(torch.tensor(0.5))

    def forward(self, x):
        return self.layer(x) * self.scale


class Complex(nn.Module):
    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(6, 2, dtype=torch.complex64))

    def forward(self, x):
        return (x.to(torch.complex64) @ self.weight).abs()


class SequenceFirst(nn.Module):
    """Returns [steps, examples, classes]."""

    def __init__(self):
        super().__init__()
        self.memory = nn.RNN(2, 2)

    def forward(self, x):
        return self.memory(x.transpose(0, 1))[0]


class Pretrained(nn.Module):
    """A backbone with weights from elsewhere: frozen, its batch normalisation too."""

    def __init__(self):
        super().__init__()
        self.backbone = nn.Sequential(nn.Linear(6, 8), nn.BatchNorm1d(8), nn.ReLU())
        drawn = torch.Generator().manual_seed(5)
        self.backbone[0].load_state_dict(
            {"weight": torch.randn(8, 6, generator=drawn), "bias": torch.randn(8, generator=drawn)}
        )
        self.backbone.requires_grad_(False)
        self.head = nn.Linear(8, 2)

    def train(self, mode=True):
        super().train(mode)
        self.backbone.eval()
        return self

    def forward(self, x):
        return self.head(self.backbone(x))


def layers(*between):
    return nn.Sequential(nn.Linear(6, 8), *between, nn.ReLU(), nn.Linear(8, 2))


def make(model, data, **given):
    return slalom.Task(model, data, test=20, validation=20, batch_size=16, epochs=1, **given)


WEIGHTED = nn.CrossEntropyLoss(weight=torch.tensor([0.2, 1.0]))
lstm = make(Lstm, (SEQUENCES, REAL), metrics={"r2": r2})
packed = make(Packed, (SEQUENCES, LENGTHS, LABELS), metrics={"f1": f1})
masked = make(Masked, (TOKENS, LABELS), metrics={"f1": f1})
vae = make(Vae, X, loss=vae_loss, metrics={})
tied = make(Tied, (X, LABELS), loss=WEIGHTED, metrics={"f1": f1, "accuracy": "accuracy"})
batch_norm = make(lambda: layers(nn.BatchNorm1d(8)), (X, LABELS))
dropout = make(lambda: layers(nn.Dropout(0.3)), (X, LABELS))
sparse = make(Sparse, (TOKENS, LABELS))
two_inputs = make(TwoInputs, (X, TOKENS, LABELS))
heads = make(Heads, (X, torch.cat([REAL, 2 * REAL], dim=1)), loss=heads_loss)
scalar = make(Scalar, (X, REAL), metrics={"r2": r2})
complex_ = make(Complex, (X, LABELS))
sequence_first = make(
    SequenceFirst, (SEQUENCES, LABELS), loss=lambda o, t: functional.cross_entropy(o[-1], t), metrics={}
)
pretrained = make(Pretrained, (X, LABELS))
large = slalom.Task(
    lambda: nn.Sequential(nn.Linear(6, 5_000), nn.ReLU(), nn.Linear(5_000, 5_000), nn.ReLU(), nn.Linear(5_000, 2)),
    (X, LABELS), validation=20, test=20, batch_size=16, epochs=1,
)  # fmt: skip
KINDS = (
    "lstm", "packed", "masked", "vae", "tied", "batch_norm", "dropout", "sparse", "two_inputs", "heads", "scalar",
    "complex_", "sequence_first", "pretrained",
)  # fmt: skip
