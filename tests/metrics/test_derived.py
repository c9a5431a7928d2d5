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
