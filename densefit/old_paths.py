"""Import paths of modules before they moved into folders: readable, with a DeprecationWarning."""

from __future__ import annotations

import re
import sys
import warnings
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from importlib import import_module
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

# Old folder -> new folder: modules, as old>new where the name changed too.
_MOVED = """
. -> .: discover>factory
. -> evaluation: score score_many>score
. -> process: cpus mxnet_environment>environment threads
. -> yaml_files: recipe_file>recipe yaml_document>document yaml_words>words
checkpoint -> checkpoint.storage: atomic background claim content lock manifest plain_file space
    store strict_json tensors
checkpoint -> checkpoint.training: differing identity learned_weights policy saver session
    snapshot state_fields
checkpoint -> checkpoint.weights: class_rows load naming>class_names parameters renaming
    transfer
checkpoint -> engine.mxnet.optimizers: state>states
checkpoint -> interop.files: mxnet_files mxnet_symbol
checkpoint -> checkpoint.weights.files: mxnet_params
interop.files -> checkpoint.weights.files: mxnet_params
data -> data: described>stable_repr plane>homography shown>repr_args visible>visible_area
data -> data.checks: box_check>boxes keypoint_check>keypoints keypoint_sides label_check>labels
    left_out>dropped_boxes map_check>maps object_check>objects sample_check>sample
    units>coordinate_units value_check>values
data -> data.classes: class_lists class_map known_classes mask_values>constant_masks
    match>target_mapping matched>class_matching occurring>class_occurrence
    point_map>keypoint_matching renamed_classes told_match>matching_report
data -> data.geometry: cells>strided_map cut>cropped_targets geometric>ops
    instances>instance_map keypoints move>image_ops moved>transform_targets original>to_original
    target>target_kinds warp
data -> data.io: cache deep_pictures>deep_images image jpeg>jpeg_header jpeg_decoder
    payload>array_codec picture_header>image_header picture_limits>image_limits
    pillow_picture>pillow_image regular_file white_zero>white_is_zero
data -> data.loader: buckets collate encoder>label_encoder labelled>label_check
    loader loader_settings object_counts original_size_loader
    skips>skip_limit view_loader views work>sample_task
data -> data.mixture: mixture mixture_checks>checks mixture_order>sampler portions>epoch_sizes
    target_names>renamed_targets temperature
data -> data.transforms: affine albumentations blur box_crop color copy_paste crop erase flip
    mask_crop merged>merge_samples mixup mosaic noise others>extra_samples rescale resize
    scaled_points>albumentations_keypoints transform
data -> data.workers: ahead>thread_prefetcher board>worker_status lost>errors opencv_threads
    packed>pickle_buffers picklable process_ahead>process_prefetcher processes>process_pool
    serve>worker_main slots>shared_memory worker_kind>factory workers>thread_pool
datasets -> datasets.coco: coco coco_file>annotation_file coco_ids>ids coco_join>keypoint_join
    coco_keypoints>keypoints coco_objects>objects
datasets -> datasets.objects: coco_mask>masks coco_segmentation>segmentation
datasets -> datasets.files: absent>missing_files boxes depth_maps instance_maps json_file labels
    labels_csv mask_values masks names normal_maps numbers paths picture_size pictures text_file
    xml_file
datasets.coco -> datasets.objects: masks segmentation
datasets -> datasets.record: record record_file>recordio record_labels>im2rec_labels
datasets -> datasets.voc: voc voc_checks>checks voc_list>split_list voc_xml>xml
interop -> interop.module: live_module module module_arguments>arguments module_fit>fit_callback
    module_locals>locals module_metric>metric module_wire>head_adapter
metrics -> metrics.classification: accuracy calibration f1 loss multilabel multilabel_arrays
    multilabel_f1 softmax_accuracy
metrics -> metrics.coco: coco_accumulate>accumulate coco_ap>ap coco_backends>backends
    coco_curves>curves coco_greedy>greedy coco_groups>groups coco_keypoint_ap>keypoint_ap
    coco_mask_ap>mask_ap coco_match>match coco_metric>metric coco_oks>oks coco_rle>rle
metrics -> metrics.core: additive>sparse_state arrays average bootstrap classes composite
    delta_m derived detail direction function metric one_hot operating_point per_sample
    regression state
metrics -> metrics.dense: boundary_iou confusion confusion_count depth normals
metrics -> metrics.detection: boxes detections object_columns table
metrics -> metrics.panoptic: panoptic>quality panoptic_match>match panoptic_segments>segments
metrics -> metrics.voc: voc_ap>ap voc_match>match
model -> engine: map_merger>map_averaging
model -> model: collisions>name_collisions names>head_names other_heads>surgery
    owners>parameters statistics>moving_variances weights>loss_weights
model -> model.heads: head head_wire>network_head loss_heads>loss_layers loss_terms raw_outputs
    route>routed_head wire>adapter
model -> model.tta: merger>view_merger
predict -> evaluation: predictor>predict
callbacks -> visualize: figure>plotting
predict -> visualize: drawing fitted instances letters
tools -> tools.formats: coco_columns coco_ids coco_results coco_rle coco_truth
    files>picture_files mask_files panoptic_files photographs>image_source records>json_records
    voc_results voc_truth
tools -> tools.recipes: init_from multi_recipe program recipe recipe_heads
    trained>checkpoint_settings trained_part>checkpoint_dataset
tools -> tools.recipes.run: finish out_folder progress run_record training
tools -> tools.recipes.data: by_dataset placed>paths prepared>run_data several>multi_dataset splits
    stream>mixed_stream train_batch
tools -> tools.report: coco_pictures file_names panels pictures plain>predictions_json plots
    report run_history schedule_views table task_comparison task_runs wide_table worst
tools -> tools.scoring: judging>score_settings never_true>absent_classes score_coco score_masks
    score_panoptic score_trained score_voc
train -> engine: early>prefetcher ema feed>batch_reader finite groups>param_groups model_input
    repeats source>iterator_info sources
train -> engine.training: head_gradients
train -> engine.mxnet: binding>bind gradients held>parameters initializer learner module monitoring
train -> engine.mxnet.evaluation: evaluator executors
train -> engine.evaluation: batch_numbers
train -> engine.mxnet.optimizers: absent adamax adamw optimizer>start sgd
train -> interop.iterators: prefetch>prefetching_iter
train -> engine.graph: folding>fold_batchnorm inputs rescale>rescale_grad sample_means
    symbols>symbol_info
train -> engine.mxnet.graph: fused>fuse_bn_relu gradient_probe inner>shapes layouts>onednn_layouts
    overwriting>overwriting_ops pooled>mean_to_pooling precision>bfloat16
engine.mxnet.graph -> engine.graph: fold_batchnorm frozen_statistics parameter_checks sample_means
    symbol_info
engine.mxnet -> engine.training: head_gradients
engine.mxnet -> engine.graph: inputs
engine.mxnet.evaluation -> engine.evaluation: batch_numbers graphs run
engine.mxnet.optimizers -> engine.graph: rescale_grad
train -> evaluation: label_check>labels_seen pass_rows viewer>tta
train -> train: cadence>interval conflict>gradient_conflict guard>nonfinite horizon>length
    milestones>checkpointer object_check>object_count_check rate_search>lr_search_result
train -> train.setup: arguments naming>class_names numbers>settings same_heads start>plan
train.balance -> train.balance.gradients: cagrad gradnorm gram pcgrad simplex
train.schedules -> interop: mxnet_scheduler
train.schedules -> train.schedules: awaited>deferred
"""

#: Modules with the name of a function of the package, or of a folder that is gone: an import would
#: put them in the function's place, if they were not there from the start.
_IN_THE_WAY = ("discover", "predict", "score", "score_many")

_NAME = re.compile(r"(?<![\w.])densefit(?:\.\w+)+")


@cache
def moved() -> dict[str, str]:
    """Old module -> new module, by their full names."""
    modules = {}
    for line in re.sub(r"\n +", " ", _MOVED.strip()).split("\n"):
        folders, _, names = line.partition(": ")
        old, _, new = (_full(folder) for folder in folders.partition(" -> "))
        for name in names.split():
            before, _, after = name.partition(">")
            modules[f"{old}.{before}"] = f"{new}.{after or before}"
    return modules


@cache
def _present() -> frozenset[str]:
    return frozenset(moved().values())


def _full(folder: str) -> str:
    return "densefit" if folder == "." else f"densefit.{folder}"


def in_new_paths(text: str) -> str:
    """A text in which names below old modules are below the new ones.

    Checkpoints hold the settings of a training as texts, with functions by their full names.

    >>> in_new_paths("{fill: densefit.data.move.crop}")
    '{fill: densefit.data.geometry.image_ops.crop}'
    """
    return _NAME.sub(_renamed, text) if "densefit." in text else text


def _renamed(match: re.Match[str]) -> str:
    parts = match.group().split(".")
    for length in range(len(parts), 1, -1):
        module = ".".join(parts[:length])
        if module in _present():
            break
        if module in moved():
            return ".".join([moved()[module], *parts[length:]])
    return match.group()


def attributes_of(package: str) -> Callable[[str], Any]:
    """`__getattr__` of a package that has the name of a module that moved into it."""

    def get(name: str) -> Any:
        return _attribute(package, name)

    return get


def _attribute(old: str, name: str) -> Any:
    """An attribute of an old module, from where that is now."""
    module = moved().get(old)
    if module is None or name.startswith("__") or not hasattr(import_module(module), name):
        raise AttributeError(f"module {old!r} has no attribute {name!r}")
    _warn(f"{old}.{name}", f"{module}.{name}", 4)
    return getattr(import_module(module), name)


def former_names(module: str, names: Mapping[str, str]) -> Callable[[str], Any]:
    """`__getattr__` of a module whose functions or classes have other names now.

    Args:
        module: its `__name__`.
        names: former name -> present one, with its module where it is in another.
    """

    def get(name: str) -> Any:
        if name not in names:
            raise AttributeError(f"module {module!r} has no attribute {name!r}")
        home, _, present = names[name].rpartition(".")
        _warn(f"{module}.{name}", f"{home or module}.{present}", 3)
        return getattr(import_module(home or module), present)

    return get


def install() -> None:
    """Let the old paths be imported."""
    sys.meta_path.append(_Finder())  # type: ignore[arg-type]
    for name in _IN_THE_WAY:
        sys.modules[f"densefit.{name}"] = _Stub(f"densefit.{name}")


class _Finder:
    """Asked last, for names that no folder has."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if not fullname.startswith("densefit.") or fullname not in moved():
            return None
        return ModuleSpec(fullname, _Alias())  # type: ignore[arg-type]


class _Alias:
    """Puts the new module under the old name too, so that there is one of each class."""

    def create_module(self, spec: ModuleSpec) -> None:
        return None

    def exec_module(self, module: ModuleType) -> None:
        old = module.__name__
        _warn(old, moved()[old], 3)
        sys.modules[old] = import_module(moved()[old])


class _Stub(ModuleType):
    """An old module that is looked up when a name of it is wanted."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.__path__: list[str] = []

    def __getattr__(self, name: str) -> Any:
        return _attribute(self.__name__, name)


def _warn(old: str, new: str, level: int) -> None:
    warnings.warn(f"{old} is {new} now", DeprecationWarning, stacklevel=level)
