import pytest

from densefit.config import read
from densefit.errors import ConfigError
from densefit.tools.recipes.multi_recipe import MultiRecipe
from densefit.tools.recipes.several_scores import described, with_named_scores

RECIPE = """
training:
  best: {detection/AP: 1, segmentation/mIoU: 2}
  schedule: {name: plateau, lr: 0.1, metric: [detection, depth]}
  callbacks:
    - csv
    - {name: early_stopping, metric: {detection/AP: 1, segmentation/mIoU: 2}, patience: 2}
"""


def test_each_setting_follows_the_mean_of_its_scores(tmp_path):
    (tmp_path / "a.yaml").write_text(RECIPE)
    recipe = read(MultiRecipe, tmp_path / "a.yaml")
    training, means = with_named_scores(recipe.training)
    assert training.best == "weighted"
    assert training.schedule["metric"] == "weighted_2"
    *_, stopping = training.callbacks
    assert stopping["metric"] == "weighted"
    assert {name: mean.weights for name, mean in means.items()} == {
        "weighted": {"detection/AP": 1, "segmentation/mIoU": 2},
        "weighted_2": {"detection": 1, "depth": 1},
    }
    assert recipe.training.best == {"detection/AP": 1, "segmentation/mIoU": 2}
    assert "segmentation/mIoU (2 times)" in described("weighted", means)


def test_one_score_stays(tmp_path):
    (tmp_path / "a.yaml").write_text("training: {best: detection/AP}")
    recipe = read(MultiRecipe, tmp_path / "a.yaml")
    training, means = with_named_scores(recipe.training)
    assert (training.best, means) == ("detection/AP", {})


@pytest.mark.parametrize("best", ["[a/AP, a/AP]", "[]", "{a/AP: 0}", "{}"])
def test_mistakes_say_the_setting(tmp_path, best):
    (tmp_path / "a.yaml").write_text(f"training: {{best: {best}}}")
    with pytest.raises(ConfigError, match=r"training\.best|weighed"):
        with_named_scores(read(MultiRecipe, tmp_path / "a.yaml").training)
