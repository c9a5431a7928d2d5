import sys

import pytest

import densefit as df
from densefit.callbacks import MLflow
from densefit.errors import ConfigError
from tests.callbacks.test_run_tracker import Die, train


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    """Folder of a store: to make its tables takes longer than the trainings."""
    pytest.importorskip("mlflow")
    pytest.importorskip("sqlalchemy")
    return tmp_path_factory.mktemp("mlflow")


@pytest.fixture
def client(store):
    from mlflow.tracking import MlflowClient

    return MlflowClient(f"sqlite:///{store / 'mlflow.db'}")


def test_a_run_that_fails_is_continued_with_its_points_once(tiny, store, client, tmp_path):
    def tracker(**params):
        return MLflow(store, every=1, run_name="first", params={"training.lr": 0.1, **params})

    saved = {"checkpoint": tmp_path / "saved", "resume": "auto"}
    begun = tracker(epochs=2)
    with pytest.raises(RuntimeError):
        train(tiny, begun, [Die(5)], **saved)
    run = client.get_run(begun.run_id)
    assert (run.info.status, run.info.run_name) == ("FAILED", "first")
    assert run.data.params == {"training.lr": "0.1", "epochs": "2"}
    continued = tracker(epochs=3, seed=1)
    continued.waits_for_results = True
    history = train(tiny, continued, **saved)
    assert continued.run_id == begun.run_id
    assert client.get_run(begun.run_id).info.status == "RUNNING"
    page = tmp_path / "report.html"
    page.write_text("<p>done</p>")
    continued.log_results({"a/AP": 0.5}, [page])
    run = client.get_run(begun.run_id)
    assert run.info.status == "FINISHED"
    assert run.data.params == {"training.lr": "0.1", "epochs": "2", "seed": "1"}
    assert run.data.tags["resumed.epochs"] == "3"
    assert run.data.metrics["test/a/AP"] == 0.5
    score = history.epochs[-1]["validation"]["bright/mae"]
    assert run.data.metrics["validation/bright/mae"] == pytest.approx(score, rel=1e-12)
    points = client.get_metric_history(begun.run_id, "optimizer/lr")
    assert sorted(point.step for point in points) == [1, 2, 3, 4, 5, 6]
    assert [file.path for file in client.list_artifacts(begun.run_id)] == ["report.html"]
    assert [path.read_text() for path in store.rglob("report.html")] == ["<p>done</p>"]


def test_ctrl_c_is_no_failure(tiny, store, client):
    class Interrupt(df.Callback):
        def update_ended(self, state, control):
            raise KeyboardInterrupt

    tracker = MLflow(store)
    with pytest.raises(KeyboardInterrupt):
        train(tiny, tracker, [Interrupt()])
    assert client.get_run(tracker.run_id).info.status == "KILLED"


def test_names_have_the_characters_that_mlflow_allows():
    assert MLflow._name("validation/a/AP/light (red), é") == "validation/a/AP/light _red__ _"


def test_without_mlflow_it_says_what_to_install(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "mlflow.tracking", None)
    with pytest.raises(ConfigError, match=r"pip install densefit\[mlflow\]"):
        MLflow(tmp_path)
