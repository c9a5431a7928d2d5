"""Write the results of a pipeline by all writers, with a line of text for each image."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from densefit.tools.predicting.formats import Writer
from densefit.tools.predicting.frames import Frames
from densefit.tools.predicting.pipeline import Item, Predicts, Result, results
from densefit.tools.predicting.selection import Selection
from densefit.tools.predicting.summary_line import summary_line


@dataclass
class Written:
    """What was written: number of images, and files of several images."""

    count: int = 0
    files: list[str] = field(default_factory=list)


def write_results(
    items: Iterable[Item],
    predictor: Predicts,
    writers: Sequence[Writer],
    selection: Selection,
    *,
    workers: int,
    together: int,
    videos: Mapping[str, Frames],
) -> Written:
    """Predict on items, and write and describe each.

    Ctrl-C ends a camera, and the files are finished; without a camera it is an interruption.

    Args:
        items: what to predict.
        predictor: predicts.
        writers: write.
        selection: objects that are written.
        workers: threads that read.
        together: images that are predicted at once.
        videos: videos and cameras that are stopped by Ctrl-C.
    """
    written = Written()
    heads = writers[0].network.heads
    try:
        try:
            for result in results(items, predictor, workers, together):
                chosen = {
                    head.name: selection(head, result.predictions[head.name]) for head in heads
                }
                result = replace(result, predictions=chosen)
                start = time.perf_counter()
                for writer in writers:
                    writer.add(result)
                result.milliseconds["after"] += 1000 * (time.perf_counter() - start)
                written.count += 1
                print(summary_line(result, heads, _label(result)), flush=True)
        except KeyboardInterrupt:
            if not any(isinstance(frames.source, int) for frames in videos.values()):
                raise
        for writer in writers:
            written.files += writer.finish()
    except BaseException:
        for writer in writers:
            writer.abort()
        raise
    return written


def _label(result: Result) -> str:
    item = result.item
    return str(item.path) if item.video is None else f"{item.path} frame {item.frame}"
