"""No page shows code that no test runs, and README names what there is."""

from __future__ import annotations

import re
from pathlib import Path

import densefit as df
from densefit.tools.recipe import Model, Training

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
# Page -> its blocks of Python, each of which is run by the test of the same name beside this file.
RUN = {
    "README.md": 2,
    "adding-a-task.md": 3,
    "changing-heads.md": 1,
    "depth-normals-labels.md": 1,
    "from-module-fit.md": 2,
    "loading.md": 1,
    "many-tasks.md": 1,
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
    """README's row of one kind of thing."""
    return re.findall(rf"^\| {kind} \| (.*) \|$", README, re.M)[0]


def test_readme_names_all_backbones_datasets_and_tasks():
    names = {
        kind: [name for name in own if "_" not in name or kind == "dataset"]
        for kind, own in df.registered().items()
    }
    for kind in ("backbone", "dataset"):
        assert [name for name in names[kind] if name not in row(f"{kind}s")] == []
    built_in = [own.name for own in (ROOT / "tasks").iterdir() if (own / "head.py").is_file()]
    assert len(built_in) == 9
    assert [name for name in built_in if name not in row("tasks")] == []


def test_the_help_of_a_recipe_names_all_that_may_be_named():
    said = {name: str(kind.__doc__) for name, kind in (("training", Training), ("model", Model))}
    for kind, where in (("schedule", "training"), ("callback", "training"), ("backbone", "model")):
        own = df.registered()[kind]
        words = re.findall(r"\w+", said[where])
        assert own
        assert [name for name in own if name not in words] == []


def test_readme_counts_the_transforms():
    own = [
        name
        for name in df.registered()["transform"]
        if df.data.transforms.transforms.get(name).__module__.startswith("densefit.")
    ]
    assert re.findall(r"\[(\d+) of them\]\(docs/transforms.md\)", README) == [str(len(own))]
