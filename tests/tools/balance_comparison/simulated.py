"""Trainings whose scores are known: they write the files of a run, and train nothing."""

import json

import numpy as np
import yaml

SCORES = {"boxes": ("boxes/AP", True, 0.5), "depth": ("depth/RMSE", False, 4.0)}


def parsed(words):
    """Options of a training by name."""
    return {key.removeprefix("--"): value for key, value in zip(words[::2], words[1::2])}


class Simulated:
    """A trainer: `gains` of a method are relative changes of all heads, with noise by seed."""

    def __init__(self, gains=None, noise=0.002, fails=()):
        self.gains, self.noise, self.fails = gains or {}, noise, fails
        self.calls = []

    def __call__(self, folder, words):
        options = parsed(words)
        self.calls.append((folder.parent.name, int(options["seed"])))
        folder.mkdir(parents=True, exist_ok=True)
        if folder.parent.name in self.fails:
            (folder / "training.log").write_text("DataError: no such picture\n\n")
            return 2
        write_run(folder, options, self.gain(options), self.noise)
        return 0

    def gain(self, options):
        balance = yaml.safe_load(options.get("training.balance", "null"))
        return self.gains.get(balance["name"] if balance else "equal", 0.0)


def write_run(folder, options, gain, noise=0.0, validations=2):
    """Write what a training of these options leaves behind."""
    seed = int(options["seed"])
    only = yaml.safe_load(options["only"]) if "only" in options else list(SCORES)
    crc = sum(map(ord, folder.parent.name))
    rng = np.random.default_rng((seed, crc))
    scores, lines = {}, []
    for head in only:
        name, higher, base = SCORES[head]
        change = (gain if len(only) > 1 else 0.0) + noise * rng.standard_normal()
        scores[name] = base * (1 + change if higher else 1 - change)
    for number in range(1, validations + 1):
        worse = 1 - 0.1 * (validations - number)
        line = {
            name: value * worse if SCORES[name.split("/")[0]][1] else value / worse
            for name, value in scores.items()
        }
        about = {"kind": "validation", "update": number, "epoch": 0, "seconds": 1.0, "lr": 0.1}
        lines.append({**about, **line})
    (folder / "scalars.jsonl").write_text("".join(f"{json.dumps(line)}\n" for line in lines))
    primary = {SCORES[head][0]: SCORES[head][1] for head in only}
    recipe = {key: value for key, value in options.items() if key not in ("seed", "out", "resume")}
    files = {
        "scores.json": scores,
        "scored.json": {"primary": primary},
        "cost.json": {"parameters": 1000, "ms_per_update": 20.0 if gain == 0 else 30.0},
    }
    for name, content in files.items():
        (folder / name).write_text(json.dumps(content))
    (folder / "config.yaml").write_text(yaml.safe_dump({**recipe, "seed": seed}))
