"""Loading of weights from files of other systems into a network."""

from __future__ import annotations

import dataclasses
import logging
from pathlib import Path
from typing import Any

from densefit.checkpoint.storage import store
from densefit.checkpoint.weights.converting import converted, with_channels_turned
from densefit.checkpoint.weights.file_arrays import check_numbers, in_shape
from densefit.checkpoint.weights.files.weight_file import WeightFile, read
from densefit.checkpoint.weights.head_weights import FileClasses, HeadWeights, head_weights
from densefit.checkpoint.weights.library.search import IMAGENET, find_imagenet
from densefit.checkpoint.weights.library.table import TABLE, by_sha256
from densefit.checkpoint.weights.loaded_weights import LoadedWeights, listed
from densefit.checkpoint.weights.matching import match_names
from densefit.checkpoint.weights.normalising import follow
from densefit.checkpoint.weights.transfer import transfer
from densefit.errors import BindError, ConfigError
from densefit.model.backbones.input_normalization import InputNormalization
from densefit.model.moving_variances import moving_variances
from densefit.model.network import Network
from densefit.model.parameters import SIZE, backbone_parameters, owners

_log = logging.getLogger("densefit")


def load_weights(
    network: Network,
    path: str | Path,
    *,
    sha256: str | None = None,
    prefix: str | None = None,
    input_normalization: InputNormalization | None = None,
    classes: FileClasses | None = None,
) -> LoadedWeights:
    """Load pretrained weights into the backbone of a network, and into heads that the file has.

    Names are translated by tables (`densefit.checkpoint.weights.maps`): those of torchvision, timm,
    GluonCV and MXNet's model zoo, and densefit's own. The network normalises its input as the
    weights expect, unless the settings of its backbone state a `mean` or `std`.

    Of a whole segmenter or detector the heads are loaded, too, where a table has their names: each
    whole, or not at all. Rows of classes are matched by class name; classes that the file does not
    have begin at random.

        network = df.Network("mobilenetv2", [df.head("detection", classes=VOC)])
        print(df.load_weights(network, "mobilenet_v2-b0353104.pth"))

    Args:
        network: a network of a backbone and heads, not in training.
        path: a file (safetensors, `.pth`, `.params`, ONNX), a checkpoint or run of densefit, or
            "imagenet" for a file of the table that is on the search path.
        sha256: what the sha256 of the file must begin with. Files of the table are always checked.
        prefix: what precedes the backbone's names in the file; by default the usual ones are tried.
        input_normalization: what the weights expect; by default as the table says of the
            file, else as of the system whose names it has.
        classes: class names of the file, by row, of a whole model; or head -> class names. By
            default those of the published weights with as many rows: VOC's 21, COCO's 91.

    Returns:
        A report, which is logged, too; `print` shows it.

    Raises:
        CheckpointError: there is no such file, it is damaged, refused, or another one.
        BindError: the file lacks parameters of the backbone, has others, or of other shapes.
        ConfigError: the network has no backbone, or is in training; `classes` has another number of
            names than the file has rows.
    """
    if not network.heads:
        raise ConfigError(
            "Weights are loaded into a network of a backbone and heads",
            received="the network of a symbol",
            fix="df.surgery.transfer(df.surgery.read_weights(path), network, rename={...})",
        )
    if path == IMAGENET:
        path = find_imagenet(network.backbone)
    if _is_checkpoint(Path(path)):
        report = _of_checkpoint(network, path)
    elif network.copies:
        return _with_copies(
            network,
            path,
            sha256=sha256,
            prefix=prefix,
            input_normalization=input_normalization,
            classes=classes,
        )
    else:
        file = read(path, sha256 or _stated_sha256(Path(path)))
        report = _of_file(network, file, prefix, input_normalization, classes)
    _log.info("%s", report)
    return report


def _with_copies(network: Network, path: str | Path, **how: Any) -> LoadedWeights:
    """Load into a network whose heads share the whole backbone, and give all heads the same."""
    plain = Network(network.backbone, network.heads, output_stride=network.output_stride)
    before = (network.backbone.mean, network.backbone.std)
    report = load_weights(plain, path, **how)
    transfer({**plain.parameters, **plain.statistics}, network)
    after = (network.backbone.mean, network.backbone.std)
    if after != before:
        network.normalise_by(*after)
    there = {*owners(network)}
    originals = {original for name, original in network.copies.items() if name in there}
    loaded = [name for name in report.loaded if name in there or name in originals]
    return dataclasses.replace(report, loaded=loaded)


def _stated_sha256(path: Path) -> str | None:
    """Return the sha256 of the file of the table that is called so; None for other names."""
    return next((entry.sha256 for entry in TABLE if entry.file == path.name), None)


def _is_checkpoint(path: Path) -> bool:
    """Whether a path is a checkpoint of densefit, or a folder that may hold one."""
    return path.is_dir() or (path.parent.is_dir() and path.name in store.names(path.parent))


def _of_file(
    network: Network,
    file: WeightFile,
    prefix: str | None,
    input_normalization: InputNormalization | None,
    classes: FileClasses | None,
) -> LoadedWeights:
    entry = by_sha256(file.sha256)
    trunk = [name for name, owner in owners(network).items() if owner is None]
    idle = [name for name in backbone_parameters(network) if name not in {*trunk}]
    match = match_names(network.backbone, trunk, file, prefix, idle)
    expects = (
        input_normalization or (entry and entry.input_normalization) or match.input_normalization
    )
    names, heads = dict(match.names), HeadWeights()
    if match.is_own:
        names.update({name: name for name in owners(network) if name in file.arrays})
    else:
        heads = head_weights(network, file, match.prefix, classes)
    arrays = {name: file.arrays[theirs] for name, theirs in names.items()}
    if match.table is not None:
        arrays = converted(arrays, match.table, network.backbone.name)
    arrays, reshaped = in_shape(network, arrays, trunk, file, match)
    sources = {names[name] for name in arrays} | heads.used
    arrays.update(heads.arrays)
    check_numbers(arrays, file, moving_variances(network.peek("train", SIZE)))
    if expects is not None and expects.order == "BGR":
        stem = "stem" if match.table is None else match.table.stem
        kernel = f"{network.backbone.name}_{stem}_weight"
        arrays[kernel] = with_channels_turned(arrays[kernel])
    otherwise = expects is not None and not follow(network, *expects.rgb, file.path)
    transfer(arrays, network)
    heads.give_names(network)
    unexpected = [name for name in match.unexpected if name not in sources | heads.unused]
    return LoadedWeights(
        str(file.path),
        file.sha256,
        match.layout,
        loaded=list(arrays),
        missing=[name for name in owners(network) if name not in arrays],
        unexpected=unexpected,
        unused=[*match.unused, *sorted(heads.unused)],
        reshaped=reshaped,
        input_normalization=None if expects is None else expects.rgb,
        is_normalised_otherwise=otherwise,
        heads=heads.layouts,
        matched_classes=heads.matched_classes,
        new_classes=heads.new_classes,
        left_out=heads.left_out,
    )


def _of_checkpoint(network: Network, path: str | Path) -> LoadedWeights:
    """Load a checkpoint of densefit; heads of other classes stay as they are."""
    before = dict(network.parameters), dict(network.statistics)
    report = transfer(path, network, mismatched="skip")
    trunk = [name for name, owner in owners(network).items() if owner is None]
    lacking = [name for name in trunk if name not in report.loaded]
    if lacking:
        network.set_params(*before)
        raise BindError(
            "The checkpoint has not all parameters of the backbone",
            expected=f"{len(trunk)} of the backbone {network.backbone.name!r}",
            received=f"{len(trunk) - len(lacking)}; not {listed(lacking)}",
            where=path,
            fix="is it of another backbone, or of another width?",
        )
    missing = [*report.kept, *report.new, *report.mismatched]
    return LoadedWeights(
        str(path), None, "densefit", loaded=report.loaded, missing=missing,
        unexpected=report.dropped,
    )  # fmt: skip
