"""Predictions as JSON lines, with maps in files beside."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from densefit.errors import writing
from densefit.tools.predicting.pipeline import Result
from densefit.tools.report.predictions_json import map_files, prediction_to_json

from .writer import Context, Writer

NAME = "predictions.jsonl"


class JsonLines(Writer):
    """`predictions.jsonl`: an object for each image; see `prediction_to_json`."""

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self._file = open(self.out / NAME, "w", encoding="utf-8")

    @staticmethod
    def names(key: str, heads: Sequence[str]) -> list[str]:
        return [name for head in heads for name in map_files(key, head)]

    def add(self, result: Result) -> None:
        item = result.item
        line: dict[str, Any] = {"image": str(item.path), "drawn": item.key}
        if item.video is not None:
            line = {"image": str(item.path), "frame": item.frame, "seconds": item.seconds}
        line["size"] = list(result.image.shape[:2])
        (self.out / item.key).parent.mkdir(parents=True, exist_ok=True)
        for head in self.network.heads:
            prediction = result.predictions[head.name]
            line[head.name] = prediction_to_json(prediction, head, self.out, item.key)
        with writing(self.out / NAME):
            self._file.write(json.dumps(line) + "\n")

    def finish(self) -> list[str]:
        with writing(self.out / NAME):
            self._file.close()
        return [NAME]

    def abort(self) -> None:
        self._file.close()
