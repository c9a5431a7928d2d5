import math

import pytest

import densefit as df
from densefit.errors import ConfigError
from densefit.model.loss_weights import class_weights

BAD = [-1, -1e-9, math.nan, math.inf, "1", None, True, [1.0]]
SMALL = {"channels": 8}
#: What puts factors on losses: task, settings, and the setting of the factor.
FACTORS = [
    ("detection", {"classes": 2, "strides": (8, 16), **SMALL}, "box_weight"),
    ("instance", {"classes": 2, **SMALL}, "mask_weight"),
    ("keypoints", {"keypoints": 2, **SMALL}, "size_weight"),
]


@pytest.mark.parametrize("weight", BAD)
def test_a_factor_on_a_loss_is_a_number_of_0_or_more(tiny, weight):
    with pytest.raises(ConfigError, match="(?s)weight.*head 'bright'"):
        tiny.network(weight=weight)
    for task, settings, setting in FACTORS:
        with pytest.raises(ConfigError, match=f"(?s){setting}.*head '{task}'"):
            df.head(task, **settings, **{setting: weight})


@pytest.mark.parametrize("weight", [0, 0.0, 1, 2.5])
def test_zero_and_more_are_taken(tiny, weight):
    assert tiny.network(weight=weight).heads[0].weight == weight
    for task, settings, setting in FACTORS:
        assert getattr(df.head(task, **settings, **{setting: weight}), setting) == weight


@pytest.mark.parametrize("weights", [[1.0], [1.0, -1.0], [0, 0], [1, math.nan], [1, math.inf]])
def test_each_class_has_a_weight_and_one_counts(weights):
    with pytest.raises(ConfigError, match="(?s)Class weights must be.*head 'a'"):
        class_weights(weights, 2, "head 'a'")
    for task in ("segmentation", "multilabel"):
        with pytest.raises(ConfigError, match=f"(?s)Class weights must be.*head '{task}'"):
            df.head(task, classes=2, class_weights=weights)


def test_classes_count_alike_by_default():
    assert class_weights(None, 3, "") == [1.0, 1.0, 1.0]
    assert class_weights((0, 2), 2, "") == [0.0, 2.0]
