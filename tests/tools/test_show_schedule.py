from pathlib import Path

import cv2
import pytest

from densefit.errors import ConfigError
from densefit.tools import show_schedule
from densefit.tools.recipes.words.schedule_text import from_text
from densefit.train.schedules import Constant, Cosine, CosineRestarts, Joined, Linear, Poly, Step


@pytest.fixture(autouse=True)
def _no_drawing():
    """Plots are drawn."""


RECIPE = """
data: {dataset: shapes, settings: {length: 20, size: [64, 80]}}
model: {heads: {detection: {strides: [8, 16]}}}
training: {epochs: 3, batch_size: 4, schedule: {name: linear, lr: 0.5}}
"""


@pytest.fixture
def show(tmp_path, capsys):
    """Run the tool: exit code, standard output, standard error and the picture."""

    def run(*arguments):
        png = tmp_path / "made" / "rates.png"
        png.unlink(missing_ok=True)
        code = show_schedule.main([*arguments, "--png", str(png)])
        said = capsys.readouterr()
        return code, said.out, said.err, cv2.imread(str(png)) if png.exists() else None

    return run


@pytest.fixture
def recipe(tmp_path):
    path = tmp_path / "recipe.yaml"
    path.write_text(RECIPE)
    return str(path)


def cells(table):
    """The rows of a printed table, as lists of texts."""
    return [
        [cell.strip() for cell in line.split("│")[1:-1]]
        for line in table.splitlines()
        if line.startswith("│")
    ]


def test_a_schedule_is_told_and_drawn(show):
    code, out, err, picture = show("step lr=0.1 at=[50%] warmup=10", "--updates", "200")
    assert (code, err) == (0, "")
    assert "200 updates, 2 epochs of 100" in out
    assert cells(out) == [
        ["0", "0", "0.01", "first"],
        ["10", "0.1", "0.1", "warm-up ends"],
        ["50", "0.5", "0.1", "25 %"],
        ["100", "1", "0.01", "50 %, drops"],
        ["150", "1.5", "0.01", "75 %"],
        ["199", "1.99", "0.01", "last"],
        ["200", "2", "0.01", "after the end"],
    ]
    assert picture.shape[0] > 300
    assert (picture != 255).any()


def test_several_are_told_beside_each_other(show):
    code, out, _, picture = show("linear", "constant lr=0.5", "--epochs", "4")
    assert code == 0
    assert "1  linear\n" in out
    assert "2  constant lr=0.5\n" in out
    assert "400 updates, 4 epochs of 100" in out
    assert ["200", "2", "0.5", "0.5", "50 %"] in cells(out)
    assert picture is not None


def test_a_recipe_s_own_comes_first_with_its_length(show, recipe):
    code, out, _, _ = show("--config", recipe, "constant")
    assert code == 0
    assert out.startswith("1  recipe: linear lr=0.5\n")
    assert "15 updates, 3 epochs of 5" in out
    assert cells(out)[-1] == ["15", "3", "0", "1", "after the end"]


def test_a_recipe_is_overridden(show, recipe):
    code, out, _, _ = show(
        f"--config={recipe}", "--training.schedule.lr", "1.0", "--training.batch_size", "10",
        "--training.epochs", "5",
    )  # fmt: skip
    assert code == 0
    assert "10 updates, 5 epochs of 2" in out
    assert cells(out)[0][2] == "1"
    assert "4 updates, 2 epochs of 2" in show(
        "--config", recipe, "--epochs", "2", "--updates_per_epoch", "2"
    )[1]  # fmt: skip


@pytest.mark.parametrize("epochs", ["0", "-1"])
def test_a_training_has_an_epoch(show, recipe, epochs):
    code, _, error, _ = show("--config", recipe, f"--training.epochs={epochs}")
    assert code == 2
    assert "--training.epochs is at least 1" in error


def test_without_anything_it_is_the_default_recipe_s(show):
    code, out, _, _ = show()
    assert code == 0
    assert "recipe: cosine lr=0.01 warmup=5%" in out


def test_one_that_follows_scores_is_shown_without_any(show):
    code, out, _, _ = show("plateau metric=a/mIoU lr=0.1", "--updates", "10")
    assert code == 0
    assert "(while scores improve)" in out
    assert {row[2] for row in cells(out)} == {"0.1"}


def test_texts():
    assert from_text("cosine") == Cosine(1.0)
    assert from_text("cosine lr=1e-3 warmup=5%") == Cosine(0.001, warmup="5%")
    assert from_text("step lr=1 at=[60%,80]") == Step(1, at=["60%", 80])
    assert from_text("cosine_restarts period='3 ep'") == CosineRestarts(1.0, period="3 ep")
    assert from_text("{name: poly, lr: 0.1, power: 2}") == Poly(0.1, power=2)
    pieces = "[{name: constant, lr: 0.1}, {name: linear, lr: 0.2}]"
    expected = Joined([Constant(0.1), Linear(0.2)], at=["2ep"])
    assert from_text(f"{{name: joined, at: [2ep], pieces: {pieces}}}") == expected


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("cosine lr", "cannot be read"),
        ("", "cannot be read"),
        ("{name: [", "cannot be read"),
        ("cosine 'lr=1", "cannot be read"),
        ("cosin", "did you mean 'cosine'"),
        ("cosine fina=0", "did you mean 'final'"),
        ("{lr: 1}", "has no name"),
        ("cosine lr=-1", "above 0"),
    ],
)
def test_texts_that_are_not_a_schedule(text, said):
    with pytest.raises(ConfigError, match=said):
        from_text(text)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--updates", "5", "--epochs", "1"], "expected: one of the two"),
        (["--updates", "0"], "--updates is at least 1"),
        (["--updates_per_epoch", "-1"], "--updates_per_epoch is at least 1"),
        (["constant warmup=50", "--updates", "50"], "where:    constant warmup=50, Constant(warm"),
        (["--updats", "5"], "did you mean --updates?"),
        (["--config", "{}/configs/deeplab_resnet18_camvid.yaml"], "--updates_per_epoch N, or --d"),
    ],
)
def test_errors_are_messages(show, arguments, said):
    root = Path(__file__).parents[2]
    code, _, err, picture = show(*(argument.format(root) for argument in arguments))
    assert code == 2
    assert said in err
    assert picture is None


def test_without_matplotlib_there_is_the_table(show, monkeypatch):
    monkeypatch.setattr(show_schedule, "is_available", lambda: False)
    code, out, _, picture = show("cosine")
    assert code == 0
    assert "pip install densefit[plot]" in out
    assert "50 %" in out
    assert picture is None


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ((), "12 updates, 3 epochs of 4"),
        (("--mixture.length", "20"), "15 updates, 3 epochs of 5"),
        (("--training.accumulate", "3"), "6 updates, 3 epochs of 2"),
    ],
)
def test_the_updates_of_several_datasets_are_counted(show, partly, tmp_path, more, said):
    path = tmp_path / "both.yaml"
    path.write_text(
        "datasets: {cells: {dataset: boxes_train}, streets: {dataset: masks_train}}\n"
        "training: {epochs: 3, batch_size: 4}\n"
    )
    code, out, err, _ = show("--config", str(path), *more)
    assert (code, err) == (0, "")
    assert said in out


def test_what_is_wrong_with_several_datasets_is_told(show, partly, tmp_path):
    path = tmp_path / "both.yaml"
    path.write_text("datasets: {cells: {dataset: boxes}}\nmixture: {rename: {cell: {}}}\n")
    code, _, err, _ = show("--config", str(path))
    assert code == 2
    assert "--updates_per_epoch N, or did you mean 'cells'?" in err


@pytest.mark.parametrize(
    ("arguments", "picture"),
    [
        ([], "schedule.png"),
        (["--out", "folder"], "folder/schedule.png"),
        (["--out=folder/rates.png"], "folder/rates.png"),
        (["--out", "folder", "--png", "own.png"], "own.png"),
    ],
)
@pytest.mark.parametrize("config", [False, True])
def test_the_picture_lies_where_out_says(
    tmp_path, monkeypatch, capsys, recipe, config, arguments, picture
):
    monkeypatch.chdir(tmp_path)
    own = ["--config", recipe] if config else ["cosine"]
    assert show_schedule.main([*own, "--updates", "50", *arguments]) == 0
    assert f"wrote {picture}\n" in capsys.readouterr().out
    assert [str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*.png")] == [picture]
