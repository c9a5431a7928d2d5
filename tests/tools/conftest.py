"""One small training of all three tasks, which the tools' tests share."""

import pytest

from densefit.tools import train_det

TINY = {
    "--data.settings": "{length: 8, size: [64, 80]}",
    "--data.workers": "1",
    "--model.settings.width": "8",
    "--training.epochs": "2",
    "--training.batch_size": "4",
    "--training.schedule": "{name: cosine, lr: 0.005}",
    "--input_size": "[64, 64]",
    "--score_batch_size": "4",
}
HEADS = (
    "{detection: {strides: [8, 16], channels: 16, draw_threshold: 0.1, max_detections: 10}, "
    "segmentation: {decoder: fcn, channels: 8}, kind: {task: classification}}"
)


@pytest.fixture(scope="session")
def tiny():
    """Arguments of a training that takes seconds; settings given again win."""

    def arguments(**changes):
        named = {key.replace("__", "."): value for key, value in changes.items()}
        chosen = {**TINY, **{f"--{key}": str(value) for key, value in named.items()}}
        return [text for pair in chosen.items() for text in pair]

    return arguments


@pytest.fixture(scope="session")
def trained(tiny, tmp_path_factory):
    """The folder of a finished run."""
    out = tmp_path_factory.mktemp("runs") / "all"
    assert train_det.main(tiny(model__heads=HEADS, out=out)) == 0
    return out
