import json

from densefit.tools.page.run_files import RunFiles
from densefit.tools.watching.comparison import compare
from densefit.tools.watching.runs import find_runs
from tests.tools.page.run_folder import write_run


def compared(root):
    return compare([(run, RunFiles.read(run.folder)) for run in find_runs(root).values()])


def test_a_row_and_a_line_for_each_run(tmp_path):
    for name in ("a", "b"):
        write_run(tmp_path / name)
    result = compared(tmp_path)
    assert sorted(row.name for row in result.rows) == ["a", "b"]
    assert result.rows[0].position == "epoch 4, update 40"
    assert result.scores == ["boxes/AP"]
    assert result.rows[0].scores == ["0.3000"]
    assert [chart.title for chart in result.charts] == ["boxes/loss", "boxes/AP on validation data"]
    assert [len(chart.lines) for chart in result.charts] == [2, 2]


def test_the_first_epoch_is_shown_by_its_updates(tmp_path):
    folder = write_run(tmp_path / "run")
    lines = [
        {
            "kind": "update",
            "update": update,
            "epoch": 0,
            "seconds": 1.0,
            "lr": 0.1,
            "boxes/loss": 1.0,
        }
        for update in (5, 10)
    ]
    (folder / "scalars.jsonl").write_text("".join(f"{json.dumps(line)}\n" for line in lines))
    (chart,) = compared(tmp_path).charts
    assert chart.lines[0].path.count("L") == 1


def test_a_run_that_has_not_begun(tmp_path):
    folder = write_run(tmp_path / "run")
    (folder / "scalars.jsonl").unlink()
    result = compared(tmp_path)
    assert (result.rows[0].position, result.charts) == ("not begun", [])
