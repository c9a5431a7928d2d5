"""Names of a head's parameters in files of whole models: a table for each kind of head.

A file of a whole segmenter or detector has a backbone, whose names the backbone's own table has
behind a prefix, and the layers of a head. A task registers the tables of its heads, in its folder:

    from densefit.checkpoint.weights.maps.head_map import HeadMap, head_layouts_of
    from densefit.checkpoint.weights.maps.class_lists import COCO

    @head_layouts_of.register
    def _(head: RetinaHead, parameters: Sequence[str]) -> dict[str, HeadMap]:
        anchors = range(head.anchors_per_cell)
        return {
            "torchvision's RetinaNet": HeadMap(
                rows={
                    "level{stride}_lateral": ("backbone.fpn.inner_blocks...", None),
                    "class_conv{n}": ("head.classification_head.conv.{n}.0", None),
                    "class": ("head.classification_head.cls_logits", None),
                },
                backbone="backbone.body.",
                class_lists=(COCO,),
                class_rows=lambda names: {"class": [(k, n) for k in anchors for n in names]},
            )
        }

`{n+1}` is a number one larger than ours; a table may be computed where numbers differ otherwise (a
stride and the index of a level). Older files of a system with other names are a further entry of
the dict: the entry with the most names in the file counts.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import singledispatch
from typing import TypeAlias

from densefit.checkpoint.weights.maps.name_map import TORCH, Convert, Rows
from densefit.model.heads.head import Head

#: Class names of a file -> layer of the head -> row (axis 0) of its weight and bias -> its class.
ClassRows: TypeAlias = Callable[[Sequence[str]], Mapping[str, Sequence[Hashable]]]


@dataclass(frozen=True)
class HeadMap:
    """Names of a head's parameters in the files of whole models of one system.

    A head's layers are loaded all together or not at all: each parameter that a row names must be
    in the file, in the head's shape. The layers of `Head.class_rows` are the exception: rows of
    classes that the file has are loaded, and the other rows are drawn by the layer's initializer.

    Attributes:
        rows: layer of the head, without the head's name -> (its convolution, its norm) in the file;
            names from the beginning of the model. Layers that are in no row stay new.
        backbone: what precedes the backbone's names in the same files.
        ends: TORCH or GLUON, or another table of ends.
        class_lists: class lists of the published files, the background among them where the file
            has a row for it. The list that has the file's number of rows counts, unless the user
            states `classes=`.
        class_rows: class names of the file -> layer of the head -> class of each row, named as the
            head's `class_rows` names its rows. None: one row per class, in every such layer.
        convert: parameter of the head, without the head's name -> what makes its value of the
            file's array, such as another order of the axes.
        zeros: layers that no file has, and that begin at zero, so that the outputs are those of
            the file's model.
        unused: patterns of names in the file that densefit has no use for.
    """

    rows: Rows
    backbone: str
    ends: Mapping[str, tuple[int, str]] = field(default_factory=lambda: TORCH)
    class_lists: tuple[Sequence[str], ...] = ()
    class_rows: ClassRows | None = None
    convert: Mapping[str, Convert] = field(default_factory=dict)
    zeros: tuple[str, ...] = ()
    unused: tuple[str, ...] = ()


@singledispatch
def head_layouts_of(head: Head, parameters: Sequence[str]) -> dict[str, HeadMap]:
    """Return layout -> names of a head's parameters in it.

    A task registers its own for the class of its head: `@head_layouts_of.register` above a function
    of it. Other heads are loaded from files with densefit's names alone.

    Args:
        head: the head.
        parameters: its parameters and moving statistics, without its name: "logits_weight". Layers
            may depend on the network, e.g. on its output stride.
    """
    return {}
