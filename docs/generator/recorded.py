"""Pictures of a recorded training on photographs, which are not part of the project.

python -m docs.generator.recorded runs/bccd bccd    # bccd_curves.png and bccd_predictions.jpg
"""

from __future__ import annotations

import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import yaml
from PIL import Image

import densefit as df
from densefit.tools import plot_run
from densefit.tools.predicting.drawing_thresholds import set_thresholds
from densefit.tools.report.panels import write_panels
from docs.generator.task_pictures import write_jpeg
from docs.generator.web_pages import write

IMAGES = Path(__file__).resolve().parents[1] / "images"
COUNT = 4  # test images, evenly spread


def main(run: Path, name: str) -> None:
    """Write the curves of a run, and truth beside prediction of some test images."""
    recipe = yaml.safe_load((run / "config.yaml").read_text(encoding="utf-8"))
    data, (height, width) = recipe["data"], recipe["input_size"]
    dataset = df.dataset(data["dataset"], root=data["root"], split=data["test"], **data["settings"])
    transform = df.transform(
        "letterbox" if recipe["resize"] == "letterbox" else "resize", height=height, width=width
    )
    network = df.load(str(run / "checkpoints" / "best"))
    set_thresholds(network, run / "checkpoints" / "best", None)
    loader = df.Loader(dataset, batch_size=COUNT, transform=transform, heads=network.heads)
    with TemporaryDirectory() as folder:
        drawn, curves = Path(folder) / "panels.png", Path(folder) / "curves.png"
        write_panels(network, loader, drawn, COUNT)
        write_jpeg(Image.open(drawn).convert("RGB"), IMAGES / f"{name}_predictions.jpg")
        if plot_run.main([str(run), "--out", str(curves)]):
            raise SystemExit(1)
        write(Image.open(curves).convert("RGB"), IMAGES / f"{name}_curves.png")


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
