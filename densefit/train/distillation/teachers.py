"""The teachers of a training: their outputs become labels of its batches."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from densefit.data.batch import ArraySpec, Batch
from densefit.engine.batch_reader import BatchReader
from densefit.errors import ConfigError
from densefit.model.complexity import multiply_adds
from densefit.model.distillation.teaching import LABEL_SHARE, TEACHER_SHARE, TERM, Teaching
from densefit.model.heads.head import Head
from densefit.model.network import Network
from densefit.model.network_graph import build_teacher
from densefit.train.distillation.distill import Distill
from densefit.train.distillation.matching import students_of, teacher_head
from densefit.train.distillation.teacher import Teacher, output_shapes, read_teacher

_SIZE = (64, 64)  # at which a head's outputs are named


class Teachers:
    """Teachers of heads: they add their outputs to the batches that a reader yields.

    Args:
        network: the network that is trained.
        distill: head -> its teacher and settings.
        engine: name of the engine.
        devices: devices of the engine.

    Raises:
        ConfigError: a head has no such teacher: of another task, of other classes.
        CheckpointError: a teacher cannot be read.
    """

    def __init__(
        self,
        network: Network,
        distill: Mapping[str, Distill],
        engine: str,
        devices: Sequence[Any] | None = None,
    ) -> None:
        self._network, self._distill = network, distill
        self._students = students_of(network, distill)
        self._total: int | None = None  # batches of the training
        self._size: tuple[int, int] | None = None  # of its input
        self._shapes: dict[str, tuple[int, ...]] = {}  # of the teachers' labels, for one sample
        networks: dict[Any, Network] = {}
        heads: dict[Any, list[Head]] = {}
        lessons: dict[str, tuple[Any, Head]] = {}
        for name, each in distill.items():
            key = id(each.teacher) if isinstance(each.teacher, Network) else str(each.teacher)
            if key not in networks:
                networks[key] = read_teacher(each.teacher, f"distill, head {name!r}")
            head = teacher_head(self._students[name].head, networks[key].heads, each)
            lessons[name] = key, head
            if head not in heads.setdefault(key, []):
                heads[key].append(head)
        self.teachers = {
            key: Teacher(each, heads[key], engine, devices) for key, each in networks.items()
        }
        self._lessons = {name: (self.teachers[key], head) for name, (key, head) in lessons.items()}

    def attach(self) -> None:
        """Give the train graph the teachers' loss terms."""
        features = self._network.build_trunk(_SIZE).features
        for name, adapter in self._students.items():
            outputs = tuple(adapter.head.teacher_outputs(features[name]))
            settings = self._distill[name]
            terms = tuple(adapter.terms)
            adapter.teach(Teaching(outputs, terms, settings.weight, settings.temperature))
        self._network.forget_graphs()

    def detach(self) -> None:
        """Take the teachers' loss terms out of the train graph."""
        for adapter in self._students.values():
            adapter.teach(None)
        self._network.forget_graphs()
        if self._size is not None:
            self._network.graph("train", self._size)  # `Network.symbol` is the latest

    def anneal(self, reader: BatchReader, total: int | None) -> None:
        """Let the shares of teachers and labels follow the course of the training.

        Args:
            reader: reader of the training data.
            total: number of batches of the training; None if unknown.

        Raises:
            ConfigError: annealing needs a length that is unknown.
        """
        annealed = [name for name, each in self._distill.items() if each.annealed]
        if annealed and (total is None or reader.per_epoch is None):
            raise ConfigError(
                "Annealing from the teacher to the labels needs the length of the training",
                expected="data of a known length, or updates_per_epoch",
                where=f"distill, head {annealed[0]!r}",
                fix="df.Distill(..., annealed=False)",
            )
        self._total, self._size = total, reader.input_size

    def serve(self, reader: BatchReader) -> None:
        """Add the teachers' outputs to the labels of all batches of a reader.

        Args:
            reader: reader of batches for the train graph.

        Raises:
            ConfigError: outputs of a teacher and a student differ in shape, or the input is no
                image.
        """
        size = reader.input_size
        if size is None:
            raise ConfigError("Teachers read images (B, 3, H, W)", where="distill")
        rows, features = reader.batch_size, self._network.build_trunk(size).features
        specs = []
        for name, adapter in self._students.items():
            teacher, head = self._lessons[name]
            expected = output_shapes(build_teacher(features[name], adapter.head), size)
            taught = teacher.shapes(size)
            for output in adapter.teaching.outputs if adapter.teaching else ():
                shape = expected[f"{name}_{output}"]
                self._check_shape(name, output, shape, taught[f"{head.name}_{output}"], size)
                self._shapes[f"{name}_teacher_{output}"] = shape
                specs.append(ArraySpec(f"{name}_teacher_{output}", (rows, *shape)))
            specs += [ArraySpec(f"{name}_{key}", (rows,)) for key in (TEACHER_SHARE, LABEL_SHARE)]
        reader.extend(specs, lambda batch, done: self._taught(batch, done, reader.data_specs))

    def _check_shape(
        self, name: str, output: str, expected: Sequence[int], received: Sequence[int], size: Any
    ) -> None:
        if tuple(expected) != tuple(received):
            raise ConfigError(
                f"The teacher's {output} are of another size",
                expected=f"{tuple(expected)} for an input of {size[0]}x{size[1]}, as the student's",
                received=str(tuple(received)),
                where=f"distill, head {name!r}, teacher {self._distill[name].source}",
                fix="train teacher and student with the same settings of the head",
            )

    def _taught(self, batch: Batch, done: int, specs: Sequence[ArraySpec]) -> Batch:
        """A batch with the teachers' outputs and the shares of the loss.

        Args:
            batch: a checked batch.
            done: number of batches of the training before it.
            specs: specs of the inputs.
        """
        computed = {
            id(teacher): teacher(batch, specs) if batch.real else {}
            for teacher in self.teachers.values()
        }
        labels, labelled = dict(batch.labels), dict(batch.labelled)
        for name, adapter in self._students.items():
            teacher, head = self._lessons[name]
            for output in adapter.teaching.outputs if adapter.teaching else ():
                label = f"{name}_teacher_{output}"
                values = computed[id(teacher)].get(f"{head.name}_{output}")
                labels[label] = _filled(values, batch.rows, self._shapes[label])
            share, has_labels = self._progress(name, done), np.zeros(batch.rows, bool)
            has_labels[: batch.real] = batch.labelled[name]
            of_teacher = np.where(has_labels, 1.0 if share is None else 1.0 - share, 1.0)
            of_labels = np.full(batch.rows, 1.0 if share is None else share)
            labels[f"{name}_{TEACHER_SHARE}"] = of_teacher.astype(np.float32)
            labels[f"{name}_{LABEL_SHARE}"] = of_labels.astype(np.float32)
            labelled[f"{name}/{TERM}"] = labelled[name] = np.ones(batch.real, bool)
        return replace(batch, labels=labels, labelled=labelled)

    def _progress(self, name: str, done: int) -> float | None:
        """Share of the training that is done; None without annealing."""
        if not self._distill[name].annealed or self._total is None:
            return None
        return min(1.0, done / self._total)

    def describe(self, size: tuple[int, int] | None) -> list[str]:
        """A line for each head: what it learns from, and the work of one forward pass of that.

        Args:
            size: (height, width) of the input.
        """
        shape = (1, 3, *(size or _SIZE))
        work = {
            id(teacher): sum(multiply_adds(teacher.graph(shape[2:]), data=shape).values())
            for teacher in self.teachers.values()
        }
        lines = []
        for name, (teacher, head) in self._lessons.items():
            each, shared = self._distill[name], len(teacher.heads)
            how = "annealed to the labels" if each.annealed else "throughout"
            together = f" for {shared} heads together" if shared > 1 else ""
            cost = f"{work[id(teacher)] / 1e9:.2f} G multiply-adds an image{together}"
            lines.append(f"{name} from {head.name} of {each.source}, {how}; {cost}")
        return lines

    def identity(self) -> dict[str, str]:
        """Head -> its teacher and settings, as text for checkpoints."""
        prints = {id(teacher): teacher.fingerprint for teacher in self.teachers.values()}
        texts = {}
        for name, (teacher, head) in self._lessons.items():
            each = self._distill[name]
            texts[name] = (
                f"{head.name} of {prints[id(teacher)]}, weight {each.weight}, temperature "
                f"{each.temperature}, {'annealed' if each.annealed else 'throughout'}"
            )
        return texts


def _filled(values: np.ndarray | None, rows: int, shape: Sequence[int]) -> np.ndarray:
    """Float32 values with rows of zeros behind them."""
    if values is None:
        return np.zeros((rows, *shape), np.float32)
    filled = np.zeros((rows, *values.shape[1:]), np.float32)
    filled[: len(values)] = values
    return filled
