import pytest

import densefit as df
from densefit.callbacks import EarlyStopping
from densefit.errors import ConfigError
from densefit.metrics.core.weighted_scores import WeightedScores

HIGH = {
    "cells/boxes/AP": True,
    "cells/boxes/AP50": True,
    "streets/boxes/AP": True,
    "depth/abs_rel": False,
    "depth/RMSE": False,
    "odd/number": None,
}


def test_scores_and_errors_by_their_weights():
    mean = WeightedScores({"cells/boxes/AP50": 3, "depth/RMSE": 1})
    mean.check(HIGH)
    scores = {**dict.fromkeys(HIGH, 9.0), "cells/boxes/AP50": 0.8, "depth/RMSE": 3.0}
    assert mean(scores) == pytest.approx((3 * 0.8 + 1 / (1 + 3.0)) / 4)
    assert mean.higher_is_better
    better = mean({**scores, "depth/RMSE": 2.0})
    assert better > mean(scores) > mean({**scores, "cells/boxes/AP50": 0.7})


def test_a_head_counts_with_its_first_score_on_each_dataset():
    mean = WeightedScores({"boxes": 1, "depth": 1})
    mean.check(HIGH)
    scores = {"cells/boxes/AP": 0.2, "streets/boxes/AP": 0.6, "depth/abs_rel": 1.0}
    assert mean({**scores, "depth/RMSE": 7.0, "cells/boxes/AP50": 1.0}) == pytest.approx(0.45)


def test_a_dataset_may_be_called_as_a_head_is():
    """The heads of the dataset `cells` that stand before the head `cells` are others."""
    high = {
        "cells/masks/mIoU": True,
        "cells/depth/AbsRel": False,
        "cells/cells/AP": True,
        "cells/cells/AP50/round": True,
        "streets/cells/AP": True,
    }
    mean = WeightedScores({"cells": 1})
    mean.check(high)
    scores = {**dict.fromkeys(high, 0.9), "cells/cells/AP": 0.2, "streets/cells/AP": 0.4}
    assert mean(scores) == pytest.approx(0.3)
    with pytest.raises(ConfigError, match="no score 'streets'"):  # a dataset alone is no head
        WeightedScores({"streets": 1}).check(high)


@pytest.mark.parametrize(
    ("weights", "said"),
    [
        ({"boxes/AP51": 1}, "no score 'boxes/AP51'"),
        ({"depht": 1}, "known: cells"),
        ({"odd/number": 1}, "is not known"),
    ],
)
def test_scores_that_do_not_exist_are_refused_with_the_nearest(weights, said):
    with pytest.raises(ConfigError) as error:
        WeightedScores(weights).check(HIGH, "training.best")
    assert said in str(error.value)
    assert "training.best" in str(error.value)


@pytest.mark.parametrize("weights", [{}, {"a/AP": 0}, {"a/AP": -1}, {"a/AP": "2"}, {"a/AP": True}])
def test_weights_are_numbers_above_zero(weights):
    with pytest.raises(ConfigError, match="weighed by numbers above 0"):
        WeightedScores(weights)


def test_a_training_stops_by_it_and_refuses_unknown_scores_before_it_begins(tiny):
    network = tiny.network()
    data = {"validation": tiny.loader(network, 4), "epochs": 4, "schedule": df.Constant(1e-9)}
    train = tiny.loader(network, 4)
    with pytest.raises(ConfigError, match="no score 'bright/mea'"):
        df.fit(network, train, derived={"both": WeightedScores({"bright/mea": 1})}, **data)
    history = df.fit(
        network,
        train,
        derived={"both": WeightedScores({"bright": 2})},
        callbacks=[EarlyStopping("both", patience=1, min_delta=0.01)],
        **data,
    )
    scores = history.last_validation
    assert scores["both"] == pytest.approx(1 / (1 + scores["bright/mae"]))
    assert "both has not improved" in history.stop_reason
