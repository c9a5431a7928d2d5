"""Every task has a page with a picture, its main score and Python that runs."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from densefit.model.heads.head import heads
from docs.generator.trainings import TRAININGS, recipe

FOLDER = Path(__file__).parents[2] / "docs" / "tasks"
TASKS = [name for name in heads.names() if heads.get(name).__module__.startswith("densefit.")]
SMALL = {
    "length=200": "length=4",
    "size=(128, 128)": "size=(64, 64)",
    "batch_size=8": "batch_size=4",
    "epochs=10": "updates=1",
    '"width": 16': '"width": 8',
}


def page(task: str) -> str:
    return (FOLDER / f"{task}.md").read_text()


def test_every_task_has_a_page_and_a_training():
    assert len(TASKS) >= 14
    assert sorted(path.stem for path in FOLDER.glob("*.md")) == sorted([*TASKS, "index"])
    assert sorted(TRAININGS) == sorted(TASKS)
    assert [task for task in TASKS if f"({task}.md)" not in page("index")] == []


@pytest.mark.parametrize("task", TASKS)
def test_a_page_is_short_and_has_a_picture_that_the_script_makes(task):
    text = page(task)
    assert len(text.splitlines()) <= 60
    assert f"](../images/tasks/{task}.jpg)" in text
    picture = FOLDER.parent / "images" / "tasks" / f"{task}.jpg"
    assert 10_000 < picture.stat().st_size < 200_000
    assert recipe(task)["model"]["heads"][task]["task"] == task
    assert f"(../reference/heads.md#{task})" in text
    assert f"densefit train {task} --data" in text


@pytest.mark.parametrize("task", TASKS)
def test_the_python_of_a_page_runs_and_the_main_score_is_named(task):
    (code,) = re.findall(r"```python\n(.*?)```", page(task), re.S)
    for whole, small in SMALL.items():
        assert whole in code
        code = code.replace(whole, small)
    names: dict = {}
    exec(compile(code, f"{task}.md", "exec"), names)
    (head,) = names["network"].heads
    assert head.spec["task"] == task
    assert f"| main score | [`{head.metrics()[0].primary}`]" in page(task)
