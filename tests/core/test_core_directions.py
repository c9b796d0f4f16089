"""Which way a metric is better, by its name or as stated."""

import pytest

from slalom.core import known_direction, split_direction


@pytest.mark.parametrize(
    ("name", "higher"),
    [
        ("accuracy", True), ("val_acc", True), ("test_psnr", True), ("validationF1", True), ("top5_accuracy", True),
        ("acc@5", True), ("r2", True), ("mIoU", True), ("val_loss", False), ("accuracy_loss", False),
        ("loss_accuracy", True), ("error_rate", False), ("bits_per_character", False), ("cross_entropy", False),
        ("valPerplexity", False), ("neg_mean_squared_error", True), ("negative_log_likelihood", False), ("wer", False),
        ("foo", None), ("", None), ("step", None), ("classy", None),
    ],
)  # fmt: skip
def test_the_last_known_word_of_a_name_says_which_way_is_better(name: str, higher: bool | None) -> None:
    assert known_direction(name) is higher


def test_a_direction_that_is_stated_is_taken_off_the_name() -> None:
    assert split_direction("val_foo:max") == ("val_foo", True)
    assert split_direction("a:b:min") == ("a:b", False)
    assert split_direction("val_foo") == ("val_foo", None)
    assert split_direction("val_foo:up") == ("val_foo:up", None)
    assert split_direction(":max") == (":max", None)
