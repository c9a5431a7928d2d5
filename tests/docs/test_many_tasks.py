"""What docs/many-tasks.md says runs as it stands, and names what there is."""

import math
import re
from pathlib import Path

import yaml

from densefit.config import read
from densefit.tools.recipes.multi_recipe import MultiRecipe
from densefit.train.balance import GradientBalancer, balancers

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs" / "many-tasks.md").read_text()


def test_the_first_screen(capsys):
    (code,) = re.findall(r"```python\n(.*?)```", TEXT, re.S)
    found: dict = {}
    exec(compile(code, "many-tasks.md", "exec"), found)
    composite, cosine = map(float, capsys.readouterr().out.split())
    assert 0 <= composite <= 1
    assert -1 <= cosine <= 1
    assert not math.isnan(cosine)


def test_recipes_are_some(tmp_path):
    texts = re.findall(r"```yaml\n(.*?)```", TEXT, re.S)
    for text in texts:
        (tmp_path / "a.yaml").write_text(text)
        recipe = read(MultiRecipe, tmp_path / "a.yaml")
        assert list(recipe.datasets) == list(yaml.safe_load(text).get("datasets", {}))
    assert sum("share_until" in text for text in texts) == 2


def test_each_balancer_is_in_the_table_of_what_is_refused():
    """As its class states; see test_every_split_update.py for what happens."""
    table = TEXT.split("| | `at: parameters` | `at: features` |")[1].split("\n\n")[0]
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in table.splitlines()[2:]]
    listed = [name for row in rows for name in row[0].split(", ")]
    assert sorted(listed) == balancers.names()
    for names, _, features, every, accumulated, ranks in rows:
        for name in names.split(", "):
            of = balancers.get(name)
            if not issubclass(of, GradientBalancer):
                assert features == every == "no such setting"
                assert accumulated == ranks == "yes"
                continue
            assert ("refused" in features) == ("at" in of.refused), name
            assert ("refused" in every) == ("every" in of.refused), name
            assert ("needed" in accumulated) == of.is_independent, name
            assert ranks.startswith("refused") == of.is_independent, name


def test_every_balance_and_every_recipe_is_named():
    rows = re.findall(r"^\| `(\w+)` \|", TEXT, re.M)
    assert set(balancers.names()) <= set(rows)
    recipes = {path.stem for path in (ROOT / "configs").glob("multi_*.yaml")}
    assert recipes == {row for row in rows if row.startswith("multi_")}
