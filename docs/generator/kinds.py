"""Kinds of parts: a page of the reference each, and how a recipe names one."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Page:
    """The page of a kind of part.

    Attributes:
        file: its name without extension.
        title: its heading.
        text: its first paragraph.
        line: how a recipe names a part: NAME, and SETTINGS that have no default.
        language: of the line.
    """

    file: str
    title: str
    text: str
    line: str
    language: str = "yaml"


PAGES = {
    "dataset": Page(
        "datasets",
        "Datasets",
        "`root` and `split` are `data.root` and the names of the splits (`data.train`, "
        "`data.validation`, `data.test`); all other settings are `data.settings`. In Python: "
        '`df.dataset("voc", root="VOC2012", split="train")`.',
        "data: {dataset: NAME, root: DIR, settings: {SETTINGS}}",
    ),
    "transform": Page(
        "transforms",
        "Transforms",
        "In the order of `training.augment`. `height` and `width` are the recipe's `input_size` "
        'where they are left out. In Python: `df.transform("random_flip", p=0.5)`. What all of '
        "them have in common: [Transforms](../transforms.md).",
        "augment: [{name: NAME, SETTINGS}]",
    ),
    "metric": Page(
        "metrics",
        "Metrics",
        "Heads choose their metrics; the wiring of a Symbol names them: "
        '`df.Route(..., metrics=["accuracy"])`. Alone: '
        "`metrics` of `densefit.metrics` makes one by name. What the numbers mean: "
        "[Scoring](../scoring.md).",
        'metrics.create("NAME", SETTINGS)',
        "python",
    ),
    "callback": Page(
        "callbacks",
        "Callbacks",
        "In the order of `training.callbacks`. `path` and `directory` lie in the run's folder. In "
        'Python: `df.fit(..., callbacks=[df.callbacks.CSVLog("log.csv")])`.',
        "callbacks: [{name: NAME, SETTINGS}]",
    ),
    "schedule": Page(
        "schedules",
        "Schedules",
        'Durations are "3ep" (epochs), "500st" (updates), "10%" of the training, or a number of '
        "updates. `show_schedule.py` draws them.",
        "schedule: {name: NAME, SETTINGS}",
    ),
    "balancer": Page(
        "balancers",
        "Balancers",
        "What shares the training among several heads: `training.balance`. Which one to choose: "
        "[Many tasks](../many-tasks.md).",
        "balance: {name: NAME, SETTINGS}",
    ),
    "sharing": Page(
        "sharings",
        "Sharings",
        "How several heads share a backbone: `model.sharing`. What each does: "
        "[Many tasks](../many-tasks.md#what-heads-share). In Python: "
        '`df.Network(..., sharing={"name": "cross_stitch"})`.',
        "sharing: {name: NAME, SETTINGS}",
    ),
    "head": Page(
        "heads",
        "Heads",
        "`model.heads` maps a name to the settings of a head; `task` says which one, and is the "
        "name by default. Class names and keypoints that are left out come from the dataset.",
        "heads: {NAME: {SETTINGS}}",
    ),
    "backbone": Page(
        "backbones",
        "Backbones",
        "`model.backbone`, with `model.settings`; `model.output_stride` is 8, 16 or 32.",
        "model: {backbone: NAME, settings: {SETTINGS}}",
    ),
    "decoder": Page(
        "decoders",
        "Decoders",
        "Segmentation, depth and normals choose one by name: `decoder`. `channels` is the head's "
        "setting of that name, all other settings are its `decoder_settings`. Which one to choose: "
        "[Decoders and losses](../decoders-and-losses.md).",
        "segmentation: {decoder: NAME, decoder_settings: {SETTINGS}}",
    ),
    "pixel loss": Page(
        "losses",
        "Losses of segmentation",
        "The setting `loss` of a segmentation head: a name, or a map of names to factors, or to "
        "settings with the factor as `weight`. Which one to choose: "
        "[Decoders and losses](../decoders-and-losses.md).",
        "loss: {NAME: {weight: 1.0, SETTINGS}}",
    ),
}
