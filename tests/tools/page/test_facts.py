from densefit.tools.page.facts import environment, recipe_facts, tiles, timing
from densefit.tools.page.run_files import RunFiles
from tests.tools.page.run_folder import write_run


def test_facts_of_a_run(tmp_path):
    run = RunFiles.read(write_run(tmp_path / "run"))
    assert tiles(run) == [
        ("boxes/AP", "0.2500"),
        ("training time", "1:01"),
        ("updates", "40"),
        ("parameters", "0.12 M"),
    ]
    assert ("one epoch, with its validation", "0:05") in timing(run)
    assert dict(recipe_facts(run.recipe))["head boxes"] == "metric coco"
    assert dict(environment(run)[0])["engine"] == "torch"


def test_an_empty_run_has_none(tmp_path):
    run = RunFiles(tmp_path)
    assert (tiles(run), timing(run), environment(run)) == ([], [], [])
    assert recipe_facts({"model": None, "training": [], "heads": 3}) == [
        ("initial weights", "random")
    ]
