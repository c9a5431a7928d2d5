"""MXNet's ImageDetIter over BCCD, with the augmentation of its SSD examples; by data_speed.py."""

from __future__ import annotations

import argparse
import time

from data_cases import Case
from side_by_side import serve

from densefit.backend import mx


def main() -> None:
    """Serve epochs."""
    parser = argparse.ArgumentParser()
    parser.add_argument("root")
    options = parser.parse_args()
    case = Case.of("bccd", options.root)
    height, width = case.transform.output_size
    rows = []
    for index, path in enumerate(case.pictures()):
        sample = case.dataset[index]
        high, wide = sample.image.shape[:2]
        label = [2.0, 5.0]  # width of the header, width of an object
        for box, number in zip(sample.targets["boxes"], sample.targets["classes"]):
            label += [float(number), *(box / (wide, high, wide, high)).tolist()]
        if len(label) > 2:
            rows.append([label, str(path)])
    batch_size = case.recipe.training.batch_size
    iterator = mx.image.ImageDetIter(
        batch_size=batch_size,
        data_shape=(3, height, width),
        imglist=rows,
        path_root="",
        shuffle=True,
        aug_list=mx.image.CreateDetAugmenter(
            (3, height, width),
            rand_crop=1,
            rand_mirror=True,
            brightness=0.2,
            contrast=0.2,
            saturation=0.2,
            hue=0.02,
        ),
        last_batch_handle="discard",
    )

    def work(count: int) -> float:
        begun = time.perf_counter()
        for _ in range(count):
            iterator.reset()
            for _ in iterator:
                pass
        mx.nd.waitall()
        return time.perf_counter() - begun

    work(1)
    serve({"images": len(rows) // batch_size * batch_size}, work)


if __name__ == "__main__":
    main()
