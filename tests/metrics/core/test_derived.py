"""Numbers made of a validation's scores."""

import pytest

import densefit as df
from densefit.errors import ConfigError


class Worst:
    higher_is_better = False

    def __call__(self, scores):
        return max(scores["size/mae"], 1 - scores["kind/accuracy"])


def fit(tiny, **settings):
    return df.fit(
        tiny.two_heads(), tiny.iterator(12, 4), heads=tiny.routes(), epochs=4, optimizer="adam",
        **{"validation": tiny.iterator(6, 4), **settings},
    )  # fmt: skip


def test_it_stands_among_the_scores_and_chooses_the_best(tiny, tmp_path):
    saver = df.Saver(tmp_path, keep=df.Keep(best="worst"))
    seen = tiny.Recorder("fit_started", lambda state, control: state.directions)
    history = fit(tiny, derived={"worst": Worst()}, checkpoint=saver, callbacks=[seen])
    assert seen.seen == [{"kind/accuracy": True, "size/mae": False, "worst": False}]
    values = [epoch["validation"]["worst"] for epoch in history.epochs]
    for epoch in history.epochs:
        scores = epoch["validation"]
        assert scores["worst"] == max(scores["size/mae"], 1 - scores["kind/accuracy"])
    assert saver.keep.leader.score == min(values)


def test_it_takes_no_name_of_a_score(tiny):
    with pytest.raises(ConfigError, match="has a score 'size/mae' already"):
        fit(tiny, derived={"size/mae": Worst()})


def test_a_plain_function_is_a_score_whose_followers_say_which_way_is_good(tiny, tmp_path):
    derived = {"half": lambda scores: scores["size/mae"] / 2}
    saver = df.Saver(tmp_path, keep=df.Keep(best="half", higher_is_better=False))
    history = fit(tiny, derived=derived, checkpoint=saver)
    values = [epoch["validation"]["size/mae"] / 2 for epoch in history.epochs]
    assert [epoch["validation"]["half"] for epoch in history.epochs] == values
    assert saver.keep.leader.score == min(values)


@pytest.mark.parametrize(
    "follower",
    [
        lambda: {"checkpoint": df.Saver("unused", keep=df.Keep(best="half"))},
        lambda: {"callbacks": [df.callbacks.EarlyStopping("half")]},
        lambda: {"schedule": df.schedules.Plateau(0.1, "half")},
    ],
)
def test_a_follower_that_does_not_say_it_is_told(tiny, tmp_path, monkeypatch, follower):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigError, match="high 'half' is good is not known") as error:
        fit(tiny, derived={"half": lambda scores: 0.5}, **follower())
    assert "higher_is_better=True" in error.value.fix


@pytest.mark.parametrize("other", [0.5, "mean", Worst])
def test_what_is_no_function_is_told(tiny, other):
    with pytest.raises(ConfigError, match="function of the scores"):
        fit(tiny, derived={"half": other})
