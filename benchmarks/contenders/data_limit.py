"""cv2.imdecode alone, of a recipe's training pictures, by threads; run by data_speed.py."""

from __future__ import annotations

import argparse
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import cv2
import numpy as np
from data_cases import RECIPES, Case
from side_by_side import serve


def decode(content: Any) -> Any:
    """As the dataset has it decoded."""
    return cv2.imdecode(content, cv2.IMREAD_COLOR)


def main() -> None:
    """Serve epochs."""
    parser = argparse.ArgumentParser()
    parser.add_argument("case", choices=RECIPES)
    parser.add_argument("root")
    parser.add_argument("--workers", type=int, default=2)
    options = parser.parse_args()
    cv2.setNumThreads(0)
    contents = [
        np.frombuffer(path.read_bytes(), np.uint8)
        for path in Case.of(options.case, options.root).pictures()
    ]
    with ThreadPoolExecutor(options.workers) as pool:

        def work(count: int) -> float:
            begun = time.perf_counter()
            for _ in range(count):
                for _ in pool.map(decode, contents):
                    pass
            return time.perf_counter() - begun

        work(1)
        serve({"images": len(contents)}, work)


if __name__ == "__main__":
    main()
