"""Write docs/images/: pictures of real runs on generated data.

python -m docs.generator.pictures [NAME ...]    # or: make pictures

A NAME is a picture, or a task. Trainings are made in build/pictures/ and used again.
"""

from __future__ import annotations

import contextlib
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from PIL import Image

import densefit as df
from densefit.tools.report.pictures import write_image
from docs.generator.task_pictures import task_picture, write_jpeg
from docs.generator.terminal import Terminal, write_svg
from docs.generator.trainings import TRAININGS
from docs.generator.web_pages import browser, picture_of, top_of, write

ROOT = Path(__file__).resolve().parents[2]
IMAGES, WORK = ROOT / "docs" / "images", ROOT / "build" / "pictures"
RUN = "runs/shapes"
_TRAIN = ["train", "--config", "ssd_resnet18_shapes", "--epochs", "6", "--out", RUN]
_SMALLER = [*_TRAIN[:-2], "--image-size", "64", "--out", "runs/smaller"]
_COLUMNS = 110
_PHONE = (390, 844)  # CSS pixels
_PORT = 8766


def terminal() -> None:
    """A training in a terminal, with the live line, after its second validation."""
    shutil.rmtree(WORK / RUN, ignore_errors=True)
    screen = Terminal(_COLUMNS, 50)
    screen.type(f"densefit {' '.join(_TRAIN)}")

    def is_late(text: str) -> bool:
        return text.count("worst classes") == 2 and bool(re.search(r"update 2[1-9]\d/300", text))

    training = screen.run(_TRAIN, WORK, is_late)
    if training is None:
        raise RuntimeError("the training never showed its second validation")
    write_svg(training, IMAGES / "terminal.svg", "densefit train", _COLUMNS)


def curves() -> None:
    """Curves and predictions of that training, as they lie in its folder."""
    run = _trained()
    write(Image.open(run / "curves.png").convert("RGB"), IMAGES / "curves.png")
    write_jpeg(Image.open(run / "predictions.png").convert("RGB"), IMAGES / "predictions.jpg")


def predict() -> None:
    """`densefit predict` on three pictures: its output, and a drawing."""
    _trained()
    photos, drawn = WORK / "photos", WORK / "drawn"
    for folder in (photos, drawn):
        shutil.rmtree(folder, ignore_errors=True)
    data = df.dataset("shapes", split="photos", length=3, size=(240, 320), empty=0.0)
    for index in range(3):
        write_image(photos / f"{'abc'[index]}.png", data[index].image)
    arguments = ["predict", "--checkpoint", RUN, "photos", "--out", "drawn"]
    screen = Terminal(_COLUMNS, 30)
    screen.type(f"densefit {' '.join(arguments)}")
    screen.run(arguments, WORK)
    write_svg(screen.screen(), IMAGES / "predict.svg", "densefit predict", _COLUMNS)
    pictures = [Image.open(path).convert("RGB") for path in sorted(drawn.glob("*.png"))]
    write_jpeg(_beside(pictures, 8), IMAGES / "predict.jpg")


def report() -> None:
    """report.html of that training: two parts at 1280 pixels, and on a phone."""
    address = (_trained() / "report.html").as_uri()
    with browser() as page:
        page.open(address, width=1280)
        write(picture_of(page, height=top_of(page, "#head0")), IMAGES / "report.png")
        start, end = (top_of(page, f"#head0 {part}") for part in (".matrix", ".gallery"))
        write(picture_of(page, start - 100, end - start + 420), IMAGES / "report_errors.png")
        width, height = _PHONE
        page.open(address, width=width)
        tops = [0, top_of(page, "#curves"), top_of(page, ".matrix") - 190]
        tops.append(top_of(page, ".gallery-of") - 125)
        screens = [picture_of(page, top, height) for top in tops]
        write(_beside(screens, 24), IMAGES / "phone.png")


def watch() -> None:
    """The page of `densefit watch`, of that training and of one at a smaller image size."""
    _trained()
    if not (WORK / _SMALLER[-1] / "report.html").is_file():
        shutil.rmtree(WORK / _SMALLER[-1], ignore_errors=True)
        Terminal(_COLUMNS, 50).run(_SMALLER, WORK)
    command = [sys.executable, "-m", "densefit", "watch", "runs", "--port", str(_PORT)]
    server = subprocess.Popen(command, cwd=WORK)
    try:
        _wait_for(_PORT)
        with browser() as page:
            page.open(f"http://127.0.0.1:{_PORT}/", width=1280)
            page.wait("return document.querySelectorAll('svg path').length > 4")
            write(picture_of(page, height=top_of(page, "#curves") + 330), IMAGES / "watch.png")
    finally:
        server.send_signal(signal.SIGINT)
        server.wait()


#: Name -> what writes it. Tasks come behind them.
PICTURES: dict[str, Callable[[], None]] = {
    "terminal": terminal,
    "curves": curves,
    "predict": predict,
    "report": report,
    "watch": watch,
}


def _wait_for(port: int, seconds: float = 60.0) -> None:
    """Wait until a server listens on a port of this machine."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port)):
            return
        time.sleep(0.2)
    raise RuntimeError(f"nothing listens on port {port}")


def _trained() -> Path:
    """The folder of the training that most pictures are of."""
    if not (WORK / RUN / "report.html").is_file():
        terminal()
    return WORK / RUN


def _beside(images: list[Image.Image], gap: int) -> Image.Image:
    """Pictures of one height beside each other."""
    width = sum(image.width for image in images) + gap * (len(images) - 1)
    result = Image.new("RGB", (width, max(image.height for image in images)), "white")
    left = 0
    for image in images:
        result.paste(image, (left, 0))
        left += image.width + gap
    return result


def main(names: list[str]) -> None:
    """Write the pictures of these names, or all."""
    unknown = set(names) - {*PICTURES, *TRAININGS}
    if unknown:
        raise SystemExit(f"no such picture: {', '.join(sorted(unknown))}")
    WORK.mkdir(parents=True, exist_ok=True)
    for name in names or [*PICTURES, *TRAININGS]:
        if name in PICTURES:
            PICTURES[name]()
        else:
            task_picture(name, WORK / "tasks", IMAGES / "tasks" / f"{name}.jpg")
        print(f"wrote {name}", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
