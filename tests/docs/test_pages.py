"""No page shows code that no test runs, and the contents name what there is."""

from __future__ import annotations

import re
from pathlib import Path

from densefit.callbacks import callbacks
from densefit.data.sample import datasets
from densefit.data.transforms import transforms
from densefit.model.backbones import backbones
from densefit.tools.recipes.recipe import Model, Training
from densefit.train.schedules import schedules

ROOT = Path(__file__).parents[2]
CONTENTS = (ROOT / "docs" / "contents.md").read_text()
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
# Page -> its blocks of Python, each of which is run by the test of the same name beside this file.
RUN = {
    "README.md": 1,
    "adding-a-task.md": 3,
    "changing-heads.md": 1,
    "decoders-and-losses.md": 1,
    "depth-normals-labels.md": 1,
    "export.md": 1,
    "from-module-fit.md": 2,
    "loading.md": 1,
    "many-tasks.md": 1,
    "own-data.md": 1,
    "plugins.md": 6,
    "predicting.md": 1,
    "pretrained-weights.md": 1,
    "python.md": 2,
    "transforms.md": 1,
}


def test_every_block_of_python_is_run():
    found = {}
    for page in PAGES:
        text = page.read_text()
        fenced = re.findall(r"^```python$", text, re.M)
        bare = re.sub(r"```.*?```", "", text, flags=re.S)
        indented = re.findall(r"^    (?:import|from) \w+.*\n(?:    .*\n|\n(?=    ))*", bare, re.M)
        found[page.name] = len(fenced) + len(indented)
    assert {page: count for page, count in found.items() if count} == RUN
    for page in RUN:
        name = f"test_{Path(page).stem.replace('-', '_').lower()}.py"
        assert (Path(__file__).parent / name).is_file()


def row(kind: str) -> str:
    """The row of one kind of thing."""
    return re.findall(rf"^\| {kind} \| (.*) \|$", CONTENTS, re.M)[0]


def ours(registry) -> list[str]:
    """What is registered, without what tests and plugins add."""
    return [n for n in registry.names() if registry.get(n).__module__.startswith("densefit.")]


def test_the_contents_name_all_backbones_datasets_and_tasks():
    names = {
        "backbone": [name for name in ours(backbones) if "_" not in name],
        "dataset": ours(datasets),
    }
    for kind in ("backbone", "dataset"):
        assert [name for name in names[kind] if name not in row(f"{kind}s")] == []
    built_in = [own.name for own in (ROOT / "tasks").iterdir() if (own / "head.py").is_file()]
    assert len(built_in) == 9
    assert [name for name in built_in if name not in row("tasks")] == []


def test_the_help_of_a_recipe_names_all_that_may_be_named():
    said = {name: str(kind.__doc__) for name, kind in (("training", Training), ("model", Model))}
    for registry, where in ((schedules, "training"), (callbacks, "training"), (backbones, "model")):
        own = ours(registry)
        words = re.findall(r"\w+", said[where])
        assert own
        assert [name for name in own if name not in words] == []


def test_the_contents_count_the_transforms():
    own = len(ours(transforms))
    assert re.findall(r"\[(\d+) of them\]\(transforms.md\)", CONTENTS) == [str(own)]
