import pytest

from densefit.errors import ConfigError, DataError
from densefit.metrics import MAE
from densefit.metrics.core.per_sample import PerSample
from densefit.tools.scoring.score_settings import (
    ScoreSettings,
    required_path,
    update_metrics,
    with_shared_settings,
)


class Numbers:
    """Predictions 0, 1, 2...; all true values are 0."""

    def __init__(self, length, broken=()):
        self.length, self.broken = length, broken

    def __len__(self):
        return self.length

    def id_of(self, index):
        return f"n{index}"

    def where(self, index):
        return f"file {index}"

    def read(self, index):
        if index in self.broken:
            raise DataError("broken", where=f"file {index}")
        return float(index), 0.0


@pytest.mark.parametrize("workers", [0, 3])
@pytest.mark.parametrize("together", [1, 4, 100])
def test_every_sample_counts_once(workers, together):
    metrics = [MAE(), PerSample(MAE())]
    update_metrics(metrics, Numbers(10), workers, together)
    assert [metric.compute() for metric in metrics] == [{"mae": 4.5}] * 2
    assert metrics[1].values == {f"n{index}": index for index in range(10)}


def test_what_a_metric_complains_of_is_told_with_the_files():
    class Strict(MAE):
        def update(self, predictions, targets, ids):
            if 3.0 in predictions:
                raise DataError("too large", where="sample")
            super().update(predictions, targets, ids)

    with pytest.raises(DataError, match=r"too large[\s\S]*file 3, sample"):
        update_metrics([Strict()], Numbers(10), workers=2)
    with pytest.raises(DataError, match="broken"):
        update_metrics([MAE()], Numbers(10, broken=[5]), workers=2)


@pytest.mark.parametrize("workers", [0, 3])
@pytest.mark.parametrize("together", [1, 4, 100])
def test_all_samples_that_cannot_be_read_are_told_together(workers, together):
    with pytest.raises(DataError, match="2 of 10 samples") as told:
        update_metrics([MAE()], Numbers(10, broken=[2, 9]), workers, together)
    assert "file 2: broken" in str(told.value)
    assert "file 9: broken" in str(told.value)
    with pytest.raises(DataError, match="200 of 200 samples") as told:
        update_metrics([MAE()], Numbers(200, broken=range(200)), workers, together)
    assert "and 150 more" in str(told.value)


@pytest.mark.parametrize(
    ("settings", "kept", "states"),
    [
        ({}, False, None),
        ({"worst": 5}, False, None),  # nobody would see them
        ({"out": "x"}, True, False),
        ({"out": "x", "worst": 0}, False, None),
        ({"out": "x", "worst": 0, "bootstrap": 9}, True, True),
        ({"bootstrap": 9}, True, True),
    ],
)
def test_samples_are_scored_alone_only_if_that_is_of_use(settings, kept, states):
    metric = ScoreSettings(**settings).watched(MAE())
    assert isinstance(metric, PerSample) == kept
    if kept:
        assert metric.keep_states == states


def test_settings_are_checked():
    for name in ("bootstrap", "worst", "workers"):
        with pytest.raises(ConfigError, match=f"{name} is negative"):
            ScoreSettings(**{name: -1}).check()
    with pytest.raises(ConfigError, match=r"Where are the results\?[\s\S]*--results PATH"):
        required_path(None, "--results", "results")


def test_own_settings_are_documented_before_the_shared():
    class Own:
        """Mine.

        Args:
            first: of all.
        """

    text = with_shared_settings(Own)
    assert text.index("first: of all.") < text.index("out: folder")
    assert text.count("Args:") == 1
