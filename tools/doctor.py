"""Look at the installation, the machine and the data: `densefit doctor [RECIPE.yaml]`."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass

import densefit
from densefit.errors import ConfigError, DataError
from densefit.registry import nearest
from densefit.tools.diagnosis.finding import NOTE, PROBLEM, Finding
from densefit.tools.diagnosis.installation import packages, python
from densefit.tools.recipes.program import program

USAGE = """usage: densefit doctor [RECIPE.yaml] [--data.root DIR] [--quick] [--json]

Python, packages, engines, CPUs and threads, memory, disks, GPU, pretrained weights, and the
datasets of a recipe; with what to do about each problem. The exit code is 1 if there is one.

  RECIPE.yaml      also open the recipe's datasets
  --data.root DIR  folder of its dataset
  --quick          import no engine
  --json           one JSON object"""
_FLAGS = ("--quick", "--json")
_VALUES = ("--config", "--data.root")


@dataclass
class Examination:
    """What is to be looked at."""

    recipe: str | None = None
    root: str | None = None
    is_quick: bool = False
    is_json: bool = False


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the program."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    return program(lambda: run(words))


def run(words: Sequence[str]) -> None:
    """Print all findings, each as soon as it is there.

    Raises:
        ConfigError: an unknown option.
        DataError: there are problems.
    """
    if "-h" in words or "--help" in words:
        print(USAGE)
        return
    chosen = parse(words)
    if not chosen.is_json:
        print(
            f"densefit {densefit.__version__}, {densefit.__file__.rpartition('/')[0]}", flush=True
        )
    checks = []
    for finding in findings(chosen):
        checks.append(finding)
        if not chosen.is_json:
            print(finding.line(), flush=True)
    counts = {status: sum(f.status == status for f in checks) for status in (NOTE, PROBLEM)}
    if chosen.is_json:
        print(
            json.dumps({"densefit": densefit.__version__, "findings": [asdict(f) for f in checks]})
        )
    else:
        print(f"{counts[PROBLEM]} problems (x), {counts[NOTE]} notes (!)")
    if counts[PROBLEM]:
        names = [finding.name for finding in checks if finding.status == PROBLEM]
        raise DataError("There are problems", received=", ".join(names))


def parse(words: Sequence[str]) -> Examination:
    """Parse the command line, without the libraries that settings take: it is about these, too.

    Raises:
        ConfigError: an unknown option, or a second recipe.
    """
    chosen, rest = Examination(), iter(words)
    for word in rest:
        option, equals, value = word.partition("=")
        if word in _FLAGS:
            setattr(chosen, {"--quick": "is_quick", "--json": "is_json"}[word], True)
        elif option in _VALUES or not word.startswith("-"):
            if option in _VALUES and not equals:
                value = next(rest, "")
            value = value if option in _VALUES else word
            name = "root" if option == "--data.root" else "recipe"
            if not value or getattr(chosen, name) is not None:
                raise ConfigError(f"densefit doctor takes one {name}", received=word, fix=USAGE)
            setattr(chosen, name, value)
        else:
            raise ConfigError(
                f"densefit doctor has no option {option}", fix=nearest(option, [*_FLAGS, *_VALUES])
            )
    return chosen


def findings(chosen: Examination) -> Iterator[Finding]:
    """All findings; engines are imported in processes of their own, the while."""
    from densefit.tools.diagnosis.engines import EngineProbes

    yield python()
    probes = None if chosen.is_quick else EngineProbes()
    from densefit.tools.diagnosis.machine import disks, memory, shared_memory, threads

    yield threads()
    yield memory()
    shared = shared_memory()
    if shared is not None:
        yield shared
    yield from disks()
    yield from packages()
    if probes is not None:
        yield from probes.findings()
        from densefit.tools.diagnosis.weights import weights

        yield weights()
    if chosen.recipe is not None:
        from densefit.tools.diagnosis.datasets import datasets

        yield from datasets(chosen.recipe, chosen.root)


if __name__ == "__main__":
    sys.exit(main())
