"""What is said when something behind a pipe cannot be meant."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from slalom.core import InputError
from slalom.optimizers import SpecifiedOptimizer, format_spec, parse, schedulers
from slalom.optimizers.grammar import split_stages

SENTENCES = {
    "adam |": "`adam |`: after a `|` comes a stage, as in `adam:lr=0.01 | cosine`.",
    "| cosine": "`| cosine`: before the first `|` comes an optimizer, as in `adam:lr=0.01 | cosine`.",
    "adam || cosine": "`adam || cosine`: after a `|` comes a stage, as in `adam:lr=0.01 | cosine`.",
    "adam | cosin": "`cosin`: there is no stage `cosin`. Did you mean `cosine`?",
    "adam | 5": "`5`: a stage begins with its name, such as `cosine` or `warmup:steps=100`, not with `5`.",
    "adam | cosine:": "`cosine:`: after the colon comes `key=value`; without options write `cosine`.",
    "adam | zzz": "`zzz`: there is no stage `zzz`. Known are constant, cosine, cyclic, exponential, linear, multistep, "
    "onecycle, polynomial, restarts, step, warmup, nodecay, or an import path such as "
    "`torch.optim.lr_scheduler.StepLR`.",
    "adam | step": "`step`: StepLR needs a value for step_size: `step:step_size=10`.",
    "adam | step:step_size=0": "`step:step_size=0`: step_size must be at least 1, got 0.",
    "adam | step:step_size=(1,2)": "`step:step_size=(1,2)`: step_size must be a whole number, got `(1, 2)`.",
    "adam | step:step_size=1.5": "`step:step_size=1.5`: step_size must be a whole number, got `1.5`.",
    "adam | step:step_size=3,gamma=x": "`step:step_size=3,gamma=x`: gamma must be a number, got `x`. StepLR's default "
    "is gamma=0.1.",
    "adam | exponential:gamma=-1": "`exponential:gamma=-1`: gamma must be at least 0, got -1.",
    "adam | multistep:milestones=5": "`multistep:milestones=5`: milestones must be whole numbers in brackets, as in "
    "milestones=(50,80).",
    "adam | cosine:tmax=3": "`cosine:tmax=3`: CosineAnnealingLR has no hyperparameter `tmax`. Did you mean `T_max`?",
    "adam | cosine:last_epoch=3": "`cosine:last_epoch=3`: CosineAnnealingLR has no hyperparameter `last_epoch`. It has "
    "T_max, eta_min.",
    "adam | cosine:per=week": "`cosine:per=week`: per must be step or epoch, got `week`.",
    "adam | cosine:T_max=3,T_max=4": "`cosine:T_max=3,T_max=4`: T_max is given twice. Keep one of them.",
    "adam | linear:start_factor=0": "`linear:start_factor=0`: LinearLR refuses this: Starting multiplicative factor "
    "expected to be greater than 0 and less or equal to 1.",
    "adagrad | onecycle": "`onecycle`: OneCycleLR refuses this: optimizer must support momentum or beta1 with "
    "`cycle_momentum` option enabled. Write cycle_momentum=False.",
    "adam | onecycle:epochs=4": "`onecycle:epochs=4`: epochs and steps_per_epoch belong together; or leave both out.",
    "adam | onecycle | cosine": "`onecycle`: OneCycleLR sets the whole course of the learning rate, so it is the only "
    "scheduler of a spec.",
    "adam | restarts:T_0=4 | cosine": "`restarts:T_0=4`: CosineAnnealingWarmRestarts sets the learning rate whatever "
    "another scheduler makes of it: let one follow the other, as in `warmup:steps=100 | restarts:T_0=50`.",
    "adam | warmup": "`warmup`: warmup needs the number of its steps: `warmup:steps=100`.",
    "adam | warmup:steps=0": "`warmup:steps=0`: steps must be at least 1, got 0.",
    "adam | constant:steps=4": "`constant:steps=4`: after 4 steps a next stage would take over, and none follows: "
    "leave `steps=4` out, or add a stage, as in `warmup:steps=100 | cosine`.",
    "adam | cosine | warmup:steps=4": "`cosine`: where stages follow one another, each but the last needs the number "
    "of its steps: `cosine:steps=100`.",
    "adam | warmup:steps=4 | cosine:per=epoch": "`cosine:per=epoch`: stages that follow one another are stepped alike: "
    "write per=epoch in each of them, or in none.",
    "adam | ReduceLROnPlateau": "`ReduceLROnPlateau`: ReduceLROnPlateau cannot be a stage, for it waits for a metric, "
    "and a schedule here is fixed before the race: choose another, such as `cosine`, or bring a Python training loop "
    "of your own.",
    "adam | lambda": "`lambda`: LambdaLR cannot be a stage, for it takes a function, which cannot be typed: bring a "
    "Python training loop of your own, or choose another, such as `cosine`.",
    "adam | MultiplicativeLR": "`MultiplicativeLR`: MultiplicativeLR cannot be a stage, for it takes a function, which "
    "cannot be typed: bring a Python training loop of your own, or choose `exponential:gamma=0.99`.",
    "adam | SequentialLR": "`SequentialLR`: SequentialLR cannot be a stage, for stages that follow one another are "
    "written `warmup:steps=100 | cosine`.",
    "adam | os.getcwd": "`os.getcwd`: `os` belongs to Python's standard library, which is never imported for a "
    "spec. An import path names a subclass of torch.optim.lr_scheduler.LRScheduler in an installed package; anything "
    "else is named by its file, as in `my_file.py:MyScheduler`.",
    "adam | nowhere.Scheduler": "`nowhere.Scheduler`: there is no installed package `nowhere`. Install it, or name a "
    "file of your own, as in `my_file.py:MyScheduler`.",
    "adamw | nodecay:foo=1": "`nodecay:foo=1`: nodecay has one option, match, and no `foo`.",
    "adamw | nodecay:match=3": "`nodecay:match=3`: match must be parts of parameters' names, as in "
    "match=('bias','norm').",
    "adamw | nodecay | nodecay": "`nodecay`: nodecay is given twice. Keep one of them.",
    "lbfgs | nodecay": "`lbfgs | nodecay`: LBFGS has no weight decay that could be left off some parameters.",
    "adam:rest_lr=1": "`adam:rest_lr=1`: Adam moves every parameter itself, so `rest_lr` has no part; only an "
    "optimizer of matrices, such as `muon`, leaves a rest to AdamW.",
    "muon:rest_lr=-1": "`muon:rest_lr=-1`: lr must be at least 0, got -1. AdamW's default is lr=0.001.",
}


@pytest.mark.parametrize("spec", SENTENCES)
def test_an_error_quotes_states_the_rule_and_the_way_out(spec: str) -> None:
    with pytest.raises(InputError) as error:
        parse(spec)
    assert str(error.value) == SENTENCES[spec]


def test_a_pipe_inside_quotation_marks_is_no_pipe() -> None:
    assert split_stages('adam:a=\'x|y\' | cosine:b="|\\"|"') == ["adam:a='x|y'", 'cosine:b="|\\"|"']


WORDS = st.sampled_from(["adam", "sgd:lr=0.1", "cosine", "warmup:steps=3", "nodecay", "step:step_size=2", "|", "||",
                         "linear", "onecycle", "nodecay:match=bias", ":", "steps=2", "per=epoch", "zzz"])  # fmt: skip


@settings(max_examples=200)
@given(st.one_of(st.text(max_size=40).map(lambda text: f"adam | {text}"), st.lists(WORDS, max_size=6).map(" ".join),
                 st.lists(WORDS, max_size=4).map(" | ".join)))  # fmt: skip
def test_any_stages_are_parsed_or_refused_in_one_sentence(text: str) -> None:
    returns_or_refuses(text)


@settings(max_examples=200)
@given(
    st.sampled_from(sorted(schedulers())),
    st.sampled_from(["T_max", "gamma", "factor", "total_iters", "steps", "per", "power", "T_0", "step_size", "base_lr",
                     "max_lr", "milestones", "start_factor", "div_factor", "pct_start"]),
    st.one_of(st.integers(), st.floats(), st.booleans(), st.none(), st.text(max_size=5),
              st.tuples(st.integers(0, 9), st.integers(0, 9))),
)  # fmt: skip
def test_any_options_of_a_scheduler_are_parsed_or_refused(name: str, option: str, value: object) -> None:
    returns_or_refuses(f"adam | {format_spec(name, {option: value})}")


def returns_or_refuses(spec: str) -> None:
    try:
        optimizer = parse(spec)
    except InputError as refusal:
        sentence = str(refusal)
    else:
        assert isinstance(optimizer, SpecifiedOptimizer)
        again = parse(format_spec(optimizer.head, optimizer.typed, optimizer.stages))
        assert (again.schedulers, again.nodecay) == (optimizer.schedulers, optimizer.nodecay)
        return
    assert 20 < len(sentence) < 700
    assert "\n" not in sentence
