"""Properties of a Loader: sizes, identity, memory, and sample previews."""

from __future__ import annotations

from functools import cached_property
from typing import Any

from densefit.data.annotated import ask_once
from densefit.data.batch import ArraySpec
from densefit.data.checks.dropped_boxes import DroppedBoxes
from densefit.data.classes.class_matching import ClassMatcher
from densefit.data.classes.class_occurrence import ClassOccurrence
from densefit.data.classes.constant_masks import check_mask_values
from densefit.data.classes.target_mapping import TargetMapping
from densefit.data.fingerprint import fingerprint
from densefit.data.loader.collate import BatchLayout
from densefit.data.loader.label_check import check_labelled, stand_ins
from densefit.data.loader.label_encoder import Encoder
from densefit.data.loader.loader_settings import identity
from densefit.data.loader.original_size_loader import OriginalSizeLoader
from densefit.data.loader.sample_loader import SampleLoader
from densefit.data.loader.sample_stream import SampleStream
from densefit.data.loader.sample_task import (
    SampleTask,
    SampleTransform,
    first_transformed,
    input_size,
)
from densefit.data.loader.skip_limit import SkipLimit
from densefit.data.loader.view_loader import ViewLoader
from densefit.data.sample import Sample
from densefit.data.sampler import Order, covering_of
from densefit.data.shard import Part
from densefit.data.workers.factory import target_bytes


class LoaderFacts(SampleLoader):
    """Properties of a Loader that do not depend on its position in an epoch."""

    #: Loader of images at their own size: `df.Loader.original_size(dataset, batch_size=8)`.
    original_size = OriginalSizeLoader
    #: Loader of flipped, scaled or windowed views of each image: test-time augmentation.
    views = ViewLoader

    transform: SampleTransform | None
    heads: tuple[Encoder, ...]
    taught: tuple[str, ...]
    shuffle: bool
    seed: int
    last: str
    on_error: str
    originals: bool
    workers: int
    epoch: int
    part: Part
    _order: Order
    _layout: BatchLayout
    _matches: ClassMatcher
    _placeholders: Any
    _skips: SkipLimit
    _samples: SampleStream

    @property
    def provide_data(self) -> list[ArraySpec]:
        """[spec of "data", (batch_size, 3, H, W) uint8]."""
        return self._layout.data_specs(self.batch_size)

    @property
    def provide_label(self) -> list[ArraySpec]:
        """Spec of each label, in the order of the heads."""
        return self._layout.label_specs(self.batch_size)

    def __len__(self) -> int:
        """Batches per epoch (an upper bound if samples are skipped)."""
        whole, rest = divmod(self.epoch_samples, self.global_batch_size)
        return whole + (1 if rest and self.last == "keep" else 0)

    @property
    def global_batch_size(self) -> int:
        """Samples of all ranks' batches together; the batch size where there is one rank."""
        return self.batch_size * (self.part.size if self._is_divided else 1)

    @property
    def order(self) -> Order:
        """Order of the samples of all ranks."""
        return self._order

    @property
    def _is_divided(self) -> bool:
        """Whether each global batch is divided among ranks."""
        return self.part.size > 1 and not self.part.is_for_scoring

    @cached_property
    def fingerprint(self) -> dict[str, Any]:
        """Fingerprint of the dataset, computed once: reads all ids and some samples."""
        return fingerprint(self.dataset)

    def identity(self) -> str:
        """Settings that determine the samples, their order and their transforms."""
        return identity(self, getattr(self._order, "kind", ""))

    def identity_as_before(self) -> str:
        """The identity in the form of earlier versions, to resume from their checkpoints."""
        return identity(self, getattr(self._order, "kind", ""), as_before=True)

    @property
    def input_size(self) -> tuple[int, int]:
        """(height, width) of the network's input."""
        return self._layout.input_size

    @property
    def epoch_samples(self) -> int:
        """Samples per epoch (an upper bound if some are skipped); repetitions count."""
        return len(self._order)

    @property
    def covering(self) -> int:
        """Epochs after which every sample has been visited."""
        visited = min(len(self) * self.global_batch_size, self.epoch_samples)
        return covering_of(self._order, visited)

    @property
    def skipped(self) -> list[tuple[str, str]]:
        """(id, reason) of each sample skipped so far, with on_error="skip" or "leave_out"."""
        return list(self._skips.reasons.items())

    @property
    def unreadable(self) -> int:
        """Number of samples of this epoch that were left out, with on_error="leave_out"."""
        return self._skips.count if self.on_error == "leave_out" else 0

    @property
    def left_out(self) -> DroppedBoxes:
        """Boxes of this epoch without area, and boxes that were cut."""
        return self._samples.left_out

    @property
    def matches(self) -> dict[str, TargetMapping]:
        """Head -> mapping of the dataset's class indices to the head's, where they differ."""
        return self._matches()

    def first_samples(self, count: int) -> list[Sample]:
        """First transformed samples of this epoch, with targets, e.g. to be drawn.

        The samples are read again in the caller's thread; the position does not change. Broken
        samples are left out.

        Args:
            count: largest number of samples.
        """
        order = self._order.indices(self.seed, self.epoch)
        return first_transformed(self._task(self.epoch), order, count)

    @property
    def memory_bytes(self) -> int:
        """Largest memory of prefetched samples and the batch that is being collated, in bytes.

        Assumes targets as large as the first sample's. Returned batches do not count.
        """
        return (self._window + self.batch_size) * self._sample_bytes

    @property
    def _window(self) -> int:
        """Largest number of prefetched samples."""
        return 2 * self.batch_size + self.workers

    @cached_property
    def _sample_bytes(self) -> int:
        carried = target_bytes(self.dataset) if self.originals else 0
        return self._layout.sample_bytes + carried

    def _task(self, epoch: int, counter: ClassOccurrence | None = None) -> SampleTask:
        """The task of workers in an epoch."""
        parts = (self.dataset, self.transform, self.heads, self.seed, epoch, self._placeholders)
        skips = self.on_error != "raise"
        return SampleTask(*parts, self.originals, skips, self._matches(), counter)

    def _prepare_labels(self) -> set[str]:
        """Check that the dataset has the heads' targets, and lay out their labels.

        Returns:
            Names of the heads whose targets no probed sample has.
        """
        with ask_once():
            parts = (self.dataset, self.transform, self.heads, self.seed)
            examples = check_labelled(*parts, self.taught)
            self._matches = ClassMatcher(self.dataset, self.heads)
            matches = self._matches()
            check_mask_values(self.dataset, self.heads, examples)
        skips = self.on_error != "raise"
        size = input_size(SampleTask(self.dataset, self.transform, (), self.seed, 0, skips=skips))
        self._layout = BatchLayout(size, self.heads)
        self._placeholders = stand_ins(self.heads, examples, size, matches)
        return {head.name for head in self.heads if getattr(head, "targets", ())} - {
            *examples,
            *self.taught,
        }
