import json
import re

import pytest

from densefit.tools.page.render import MOST, render
from densefit.tools.page.run_files import RunFiles
from tests.tools.page.run_folder import HOSTILE, write_run


def page(folder):
    return render(RunFiles.read(folder))


def test_every_section_is_there_in_order(tmp_path):
    text = page(write_run(tmp_path / "run"))
    assert re.findall(r"<h2>([^<]*)</h2>", text) == [
        *("Decisions and settings", "Curves", "boxes", "Timing", "Data check"),
        *("Environment", "Config"),
    ]
    linked = re.findall(r'<li><a href="#(\w+)">', text)
    assert linked == re.findall(r'<section id="(\w+)">', text)


def test_names_are_never_markup(tmp_path):
    text = page(write_run(tmp_path / "run"))
    assert HOSTILE not in text
    assert text.count("&lt;img src=x onerror=alert(1)&gt;") > 10


def test_nothing_is_loaded_from_elsewhere(tmp_path):
    text = page(write_run(tmp_path / "run"))
    assert not re.findall(r'(?:src|href)="(?!data:|#)[^"]*"', text)
    assert "http:" not in text
    assert "https:" not in text


def test_a_page_has_10_mib_at_most(tmp_path):
    folder = write_run(tmp_path / "run", samples=60, side=400)
    assert sum(path.stat().st_size for path in folder.rglob("*.jpg")) > MOST * 0.6
    text = page(folder)
    assert len(text.encode()) <= MOST
    assert "drawings are left out" in text


@pytest.mark.parametrize(
    "left", [["config.yaml"], ["scores.json"], ["scalars.jsonl"], ["config.yaml", "scalars.jsonl"]]
)
def test_a_run_that_lacks_files_has_a_page(tmp_path, left):
    folder = write_run(tmp_path / "run")
    for path in folder.iterdir():
        if path.is_file() and path.name not in left:
            path.unlink()
    assert "</html>" in page(folder)


def test_a_data_check_of_another_version_is_left_out(tmp_path):
    folder = write_run(tmp_path / "run")
    (folder / "data_check.json").write_text(json.dumps({"splits": {"train": 3}}))
    assert "Data check" not in page(folder)


def test_several_datasets_have_a_section_each(tmp_path):
    folder = write_run(tmp_path / "run")
    scores = {"cells/boxes/AP": 0.5, "streets/seg/mIoU": 0.25, "streets/seg/IoU/a/b": None}
    (folder / "scores.json").write_text(json.dumps(scores))
    scored = {"samples": {"cells": 3, "streets": 4}, "primary": {}}
    (folder / "scored.json").write_text(json.dumps(scored))
    text = page(folder)
    assert "<h2>cells/boxes</h2>" in text
    assert "<h2>streets/seg</h2>" in text
    assert '<th scope="row">a/b</th><td>-</td>' in text
