"""Short facts of a run: what was trained, how long it took, and where."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from densefit.callbacks.pace import duration
from densefit.tools.page.run_files import RunFiles
from densefit.tools.report.table import format_score

Facts = list[tuple[str, str]]


def tiles(run: RunFiles) -> Facts:
    """The most important numbers: primary scores, time, size."""
    primary = run.scored.get("primary")
    keys = primary if isinstance(primary, dict) else {}
    facts = [
        (key, format_score(run.scores[key]))
        for key in keys
        if isinstance(run.scores.get(key), (int, float))
    ]
    seconds = run.cost.get("seconds") or max((line["seconds"] for line in run.lines), default=None)
    if seconds is not None:
        facts.append(("training time", duration(seconds)))
    if run.lines:
        facts.append(("updates", f"{max(line['update'] for line in run.lines):,}"))
    if "parameters" in run.cost:
        facts.append(("parameters", _count(run.cost["parameters"])))
    return facts


def recipe_facts(recipe: Mapping[str, Any]) -> Facts:
    """The settings of a recipe that say most."""
    model, training = _dict(recipe, "model"), _dict(recipe, "training")
    facts = [
        ("backbone", _text(model.get("backbone"))),
        ("initial weights", _text(model.get("weights") or recipe.get("init_from") or "random")),
    ]
    heads = _dict(model, "heads") or _dict(recipe, "heads")
    facts += [(f"head {name}", _settings(settings)) for name, settings in heads.items()]
    facts += [
        ("input", _pixels(recipe.get("input_size"))),
        ("epochs", _text(training.get("epochs"))),
        ("batch size", _text(training.get("batch_size"))),
        (
            "optimizer",
            f"{training.get('optimizer', '')} {_settings(training.get('optimizer_params'))}",
        ),
        ("schedule", _settings(training.get("schedule"))),
        ("augmentation", ", ".join(_names(training.get("augment")))),
        ("best checkpoint by", _text(training.get("best"))),
        ("seed", _text(recipe.get("seed"))),
    ]
    return [(name, value.strip()) for name, value in facts if value.strip()]


def timing(run: RunFiles) -> Facts:
    """Seconds of the training, of an epoch, and of a validation; memory."""
    facts = []
    if "seconds" in run.cost:
        facts.append(("whole training", duration(run.cost["seconds"])))
    if "ms_per_update" in run.cost:
        facts.append(("one update", f"{run.cost['ms_per_update']:,.1f} ms"))
    epochs = [line["seconds"] for line in run.lines if line["kind"] == "epoch"]
    if len(epochs) > 1:
        mean = (epochs[-1] - epochs[0]) / (len(epochs) - 1)
        facts.append(("one epoch, with its validation", duration(mean)))
    if "peak_memory_mib" in run.cost:
        facts.append(("peak memory", f"{run.cost['peak_memory_mib']:,.0f} MiB"))
    return facts


def environment(run: RunFiles) -> list[Facts]:
    """Facts of each start."""
    return [list(_start(start)) for start in run.starts if isinstance(start, dict)]


def _start(start: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    yield "started", _text(start.get("started"))
    yield "command", " ".join(map(str, start.get("command") or ()))
    git = start.get("git")
    if isinstance(git, dict):
        changed = len(git.get("changed") or ())
        state = f", {changed} changed files" if changed else ""
        yield "commit", f"{str(git.get('commit'))[:12]}{state}"
    yield "engine", _text(start.get("engine"))
    versions = _dict(start, "versions")
    yield "versions", ", ".join(f"{name} {version}" for name, version in versions.items())
    yield "platform", _text(start.get("platform"))
    yield "CPUs", _text(start.get("cpus"))
    yield "GPUs", _text(start.get("gpus"))
    for split, about in _dict(start, "data").items():
        if isinstance(about, dict):
            digest = str(about.get("sha256"))[:12]
            yield f"data {split}", f"{about.get('samples')} samples, fingerprint {digest}"


def _dict(mapping: Mapping[str, Any], key: str) -> dict[str, Any]:
    value = mapping.get(key)
    return value if isinstance(value, dict) else {}


def _count(value: float) -> str:
    """
    >>> _count(2_345_678), _count(900)
    ('2.35 M', '900')
    """
    return f"{value / 1e6:.2f} M" if value >= 1e5 else f"{value:,.0f}"


def _pixels(size: Any) -> str:
    """
    >>> _pixels([96, 128]), _pixels("none")
    ('96 x 128 pixels', 'none')
    """
    is_size = isinstance(size, (list, tuple)) and len(size) == 2
    return f"{size[0]} x {size[1]} pixels" if is_size else _text(size)


def _names(entries: Any) -> list[str]:
    """Names of a list of parts."""
    parts = entries if isinstance(entries, list) else []
    return [str(part.get("name")) if isinstance(part, dict) else str(part) for part in parts]


def _settings(value: Any) -> str:
    """
    >>> _settings({"name": "cosine", "lr": 0.1, "sizes": [[1, 2]], "off": None})
    'cosine, lr 0.1, sizes 1, 2'
    """
    if not isinstance(value, dict):
        return _text(value)
    parts = [
        _text(setting) if key == "name" else f"{key} {_text(setting)}"
        for key, setting in value.items()
        if setting is not None and not (isinstance(setting, (list, dict)) and not setting)
    ]
    return ", ".join(parts)


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ", ".join(map(_text, value))
    if isinstance(value, dict):
        return f"({_settings(value)})"
    return str(value)
