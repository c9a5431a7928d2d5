"""df.score over CamVid or COCO's pictures at their own sizes; run by score_speed.py."""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import numpy as np
from score_cases import Case
from side_by_side import serve

import densefit as df
from densefit.data.loader.original_size_loader import OriginalSizeLoader


def main() -> None:
    """Serve whole scores."""
    parser = argparse.ArgumentParser()
    parser.add_argument("case")
    parser.add_argument("root")
    parser.add_argument("--images", type=int, required=True)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--export", type=Path)
    parser.add_argument("--engine", default="mxnet", choices=["mxnet", "torch"])
    options = parser.parse_args()
    case = Case.of(options.case, options.root, options.images)
    if options.export is not None:
        values = [*case.network.parameters.items(), *case.network.statistics.items()]
        np.savez(options.export, **dict(values))
    if options.case == "camvid":
        loader = df.Loader(case.dataset, batch_size=4, workers=options.workers)
    else:
        loader = OriginalSizeLoader(case.dataset, batch_size=4, workers=options.workers)
    with loader:
        scores = df.score(case.network, loader, engine=options.engine)

        def work(count: int) -> float:
            begun = time.perf_counter()
            for _ in range(count):
                df.score(case.network, loader, engine=options.engine)
            return time.perf_counter() - begun

        work(1)
        serve({"images": len(case.dataset), "mIoU": scores["segmentation/mIoU"]}, work)


if __name__ == "__main__":
    main()
