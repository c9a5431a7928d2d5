"""A picture of each task: samples of its short training, truth beside prediction."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

from PIL import Image

import densefit as df
from densefit.tools.predicting.drawing_thresholds import set_thresholds
from densefit.tools.report.panels import write_panels
from docs.generator.trainings import recipe, trained

#: Pictures that are drawn, and the seed that they are made with: none was trained on.
COUNT, SEED = 4, 1
_WIDTH = 1200  # pixels


def task_picture(task: str, runs: Path, path: Path) -> None:
    """Train a task unless it is trained, and write `COUNT` samples with truth and prediction.

    Args:
        task: name of the task.
        runs: folder of the trainings.
        path: JPEG file.
    """
    run = trained(task, runs)
    network = df.load(str(run))
    set_thresholds(network, run / "checkpoints" / "best", None)
    settings = {**recipe(task)["data"]["settings"], "length": 40, "empty": 0.0}
    data = df.dataset("shapes", split="picture", seed=SEED, **settings)
    height, width = recipe(task)["input_size"]
    transform = df.transform("letterbox", height=height, width=width)
    loader = df.Loader(data, batch_size=8, transform=transform, heads=network.heads, workers=0)
    with TemporaryDirectory() as folder:
        drawn = Path(folder) / "panels.png"
        write_panels(network, loader, drawn, COUNT)
        write_jpeg(Image.open(drawn).convert("RGB"), path)


def write_jpeg(image: Image.Image, path: Path, width: int = _WIDTH) -> None:
    """Write a JPEG of at most `width` pixels."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if image.width > width:
        size = (width, round(image.height * width / image.width))
        image = image.resize(size, Image.Resampling.LANCZOS)
    image.save(path, quality=82, optimize=True, progressive=True)
