"""Balancers of some of a recipe's heads."""

import pytest

from densefit.config import read
from densefit.errors import ConfigError
from densefit.tools.recipes.multi_recipe import MultiRecipe
from densefit.tools.recipes.parts import make_balancer
from densefit.train.balance import CAGrad

RECIPE = """
model: {{heads: {{boxes: {{task: detection}}, depth: {{}}, normals: {{}}}}}}
training: {{balance: {{name: cagrad, c: 0.3, heads: {heads}}}}}
only: {only}
"""


def recipe(tmp_path, heads="[depth, normals]", only="[]"):
    (tmp_path / "a.yaml").write_text(RECIPE.format(heads=heads, only=only))
    return read(MultiRecipe, tmp_path / "a.yaml")


def test_the_setting_heads_names_them(tmp_path):
    made = make_balancer(recipe(tmp_path).balance_of(["boxes", "depth", "normals"]))
    assert made.members == ("depth", "normals")
    assert isinstance(made.balancer, CAGrad)
    assert made.balancer.c == 0.3


@pytest.mark.parametrize(
    ("only", "members"),
    [
        (["depth", "normals"], ("depth", "normals")),
        (["boxes", "depth"], None),
        (["depth"], None),
    ],
)
def test_of_some_heads_the_rest_leaves_the_group(tmp_path, only, members):
    balance = recipe(tmp_path, only=str(only)).balance_of(only)
    assert (balance and make_balancer(balance).members) == members


@pytest.mark.parametrize("heads", ["[depth]", "depth", "[depth, depth]"])
def test_mistakes_say_where(tmp_path, heads):
    with pytest.raises(ConfigError, match="balances some heads") as error:
        make_balancer(recipe(tmp_path, heads).balance_of(["boxes", "depth", "normals"]))
    assert "training.balance" in str(error.value)
