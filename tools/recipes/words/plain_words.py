"""Plain words of the command line, `--epochs 20`, for dotted settings, `--training.epochs 20`."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from difflib import get_close_matches
from typing import Any, get_type_hints

from densefit.errors import ConfigError
from densefit.yaml_files.document import load
from densefit.yaml_files.sizes import height_and_width

#: Plain word -> the settings that it may stand for; the first that a program has counts.
PLAIN_WORDS: dict[str, tuple[str, ...]] = {
    "data": ("data.root",),
    "weights": ("model.weights",),
    "backbone": ("model.backbone",),
    "image_size": ("input_size",),
    "epochs": ("training.epochs",),
    "batch_size": ("training.batch_size", "score_batch_size"),
    "lr": ("training.schedule.lr",),
    "freeze": ("training.freeze",),
    "device": ("devices",),
    "workers": ("data.workers",),
}
#: Words of other programs -> the plain word here.
OTHER_WORDS = {
    **dict.fromkeys(("imgsz", "img", "img_size", "imsize", "size", "resolution"), "image_size"),
    **dict.fromkeys(("bs", "batch", "batchsize", "train_batch_size"), "batch_size"),
    **dict.fromkeys(("learning_rate", "lr0", "base_lr", "max_lr"), "lr"),
    **dict.fromkeys(("num_epochs", "max_epochs", "n_epochs", "epoch"), "epochs"),
    **dict.fromkeys(("gpu", "gpus", "cuda", "ctx"), "device"),
    **dict.fromkeys(("num_workers", "nw", "threads"), "workers"),
    **dict.fromkeys(("output", "output_dir", "save_dir", "logdir", "project", "name"), "out"),
    **dict.fromkeys(("pretrained", "init", "load"), "weights"),
    **dict.fromkeys(("dataset", "data_dir", "dataset_dir", "root", "data_path"), "data"),
    **dict.fromkeys(("arch", "model_name", "network", "encoder"), "backbone"),
    **dict.fromkeys(("cfg", "recipe", "conf"), "config"),
    **dict.fromkeys(("ckpt", "run"), "checkpoint"),
    **dict.fromkeys(("max_time", "budget"), "time"),
}
_OF_EVERY_PROGRAM = ("config", "print_config", "help")


def with_dotted(words: Sequence[str], kind: type, more: Sequence[str] = ()) -> list[str]:
    """Replace plain words by the settings that they stand for.

    >>> from densefit.tools.recipes.recipe import Recipe
    >>> with_dotted(["--lr", "0.1", "--image_size=128,96", "--resume"], Recipe)
    ['--training.schedule.lr', '0.1', '--input_size', '[128, 96]', '--resume', 'auto']

    Args:
        words: arguments of a program, with underscores in names.
        kind: dataclass of its settings.
        more: other options of the program, for the hint of an unknown one.

    Raises:
        ConfigError: an unknown option, or a setting that both names state differently.
    """
    fields = {field.name for field in dataclasses.fields(kind)}
    dotted = {plain: key for plain in PLAIN_WORDS if (key := _setting(kind, plain, fields))}
    result: list[str] = []
    stated: dict[str, tuple[str, str]] = {}
    freezes: list[Any] = []
    rest = list(words)
    while rest:
        word = rest.pop(0)
        if not word.startswith("--"):
            result.append(word)
            continue
        name, equals, value = word[2:].partition("=")
        plain = name.replace("-", "_")
        key = dotted.get(plain, name)
        if plain in fields and plain not in dotted:
            key = plain
        elif "." not in name and plain not in dotted and plain not in (*_OF_EVERY_PROGRAM, *more):
            if name.rstrip("+") not in fields:
                raise unknown(plain, {*fields, *dotted, *more, "config"})
        if name in ("print_config", "help"):
            result.append(word)
            continue
        if not equals and rest and not rest[0].startswith("--"):
            equals, value = "=", rest.pop(0)
        if not equals and key == "resume":
            equals, value = "=", "auto"
        if plain == "data" and _is_text_of_settings(value):
            key = name
        if key == "input_size":
            value = _size(value)
        if key == "training.freeze" and plain == "freeze":
            freezes += _listed(value)
            value = f"[{', '.join(map(_quoted, freezes))}]"
        if equals:
            _check_once(stated, key, name, value, plain == "freeze")
        result += [f"--{key}", value] if equals else [f"--{key}"]
    return result


def unknown(name: str, names: set[str]) -> ConfigError:
    """The error of an unknown option, with the one that was probably meant."""
    meant = OTHER_WORDS.get(name)
    if meant not in names:
        meant = next(iter(get_close_matches(name, names, n=1)), None)
    option = name.replace("_", "-")
    if meant is None:
        return ConfigError(f"There is no option --{option}", fix="--help lists the options")
    return ConfigError(
        f"There is no option --{option}", fix=f"did you mean --{meant.replace('_', '-')}?"
    )


def _setting(kind: type, plain: str, fields: set[str]) -> str | None:
    """The dotted setting of a program that a plain word stands for; None if it has none."""
    if plain in fields and plain != "data":
        return None
    return next((key for key in PLAIN_WORDS[plain] if _has(kind, key)), None)


def _has(kind: type, key: str) -> bool:
    """Whether a dataclass has a dotted setting, as far as it consists of dataclasses."""
    hint: Any = kind
    for name in key.split("."):
        if not dataclasses.is_dataclass(hint):
            return hint is not None and "dict" in str(hint)
        hints = get_type_hints(hint)
        if name not in hints:
            return False
        hint = hints[name]
    return True


def _check_once(
    stated: dict[str, tuple[str, str]], key: str, name: str, value: str, repeats: bool
) -> None:
    """Raise ConfigError if a setting is stated under two names with different values."""
    before = stated.setdefault(key, (name, value))
    if before[0] != name and _meaning(before[1]) != _meaning(value):
        raise ConfigError(
            f"--{before[0]} and --{name} are the same setting, with two values",
            received=f"--{before[0]} {before[1]} --{name} {value}",
            fix="leave one of them out",
        )
    if repeats:
        stated[key] = (name, value)


def _meaning(text: str) -> Any:
    try:
        return load(text)
    except ConfigError:
        return text


def _is_text_of_settings(value: str) -> bool:
    """Whether the value of `--data` is settings, `{root: DIR}`, or a file of them."""
    return value.lstrip().startswith("{") or value.endswith((".yaml", ".yml"))


def _size(text: str) -> str:
    """Height and width as a list.

    >>> _size("128"), _size("128x96"), _size("[128, 96]")
    ('[128, 128]', '[128, 96]', '[128, 96]')
    """
    size = height_and_width(text)
    return text if size is None else str(size)


def _listed(text: str) -> list[Any]:
    value = _meaning(text) if text.startswith("[") else text
    return list(value) if isinstance(value, list) else [value]


def _quoted(value: Any) -> str:
    return f"'{value}'"
