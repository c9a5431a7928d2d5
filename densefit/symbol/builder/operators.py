"""MXNet's operators: parameters, and names of inputs, auxiliary states and outputs."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, cached_property, lru_cache
from pathlib import Path
from typing import Any

TABLE = Path(__file__).with_name("operators.json")
_DEFAULT = re.compile(r"default='?(.*?)'?$")
#: Settings that decide on the form of an operator beside those that its entry names.
_DECIDING = ("indices", "kernel", "bin_cnt")
_FLAGS = {"true": "True", "1": "True", "false": "False", "0": "False"}


@dataclass(frozen=True)
class Form:
    """Inputs and outputs of an operator for some of its settings.

    Attributes:
        inputs: names of the inputs, auxiliary states among them.
        states: positions of the auxiliary states.
        outputs: names of the outputs that other nodes can read.
        computed: number of outputs, with those that no node can read.
        starts: position of an input -> initializer of a variable there.
    """

    inputs: Sequence[str]
    states: Sequence[int] = ()
    outputs: Sequence[str] = ("output",)
    computed: int = 1
    starts: Mapping[int, str] = field(default_factory=dict)


class Operator:
    """An operator of the table.

    Attributes:
        name: its name in the JSON, which its aliases share.
        parameters: name -> type and default in MXNet's words.
        listed: inputs in the order of the function's arguments.
        takes_many: whether the function takes any number of inputs.
        counter: parameter that counts the inputs, or "".
        is_open: whether the table does not tell the inputs and outputs.
    """

    def __init__(self, name: str, entry: Mapping[str, Any]) -> None:
        self.name = name
        self.parameters: Mapping[str, str] = entry["parameters"]
        self.listed: Sequence[str] = entry.get("listed", entry["inputs"])
        self.takes_many: bool = entry.get("many", False)
        self.counter: str = entry.get("counter", "")
        self.is_open: bool = entry.get("open", False)
        self._entry = entry
        named = (*entry.get("by", ()), self.counter, entry.get("counts_outputs", ""))
        self._deciding = [name for name in (*named, *_DECIDING) if name]
        self._forms_of_settings: dict[tuple[str | None, ...], Form] = {}
        self._defaults: dict[str, str] = {}

    def default(self, parameter: str) -> str:
        """Text of a parameter's default; "" for a required one."""
        if parameter not in self._defaults:
            self._defaults[parameter] = self._default(parameter)
        return self._defaults[parameter]

    def _default(self, parameter: str) -> str:
        kind = self.parameters.get(parameter, "")
        match = _DEFAULT.search(kind)
        text = match[1] if match else ""
        return _FLAGS.get(text, text) if kind.startswith("boolean") else text

    def form(self, attrs: Mapping[str, str]) -> Form:
        """Inputs and outputs for the settings of a node."""
        key = tuple([attrs.get(name) for name in self._deciding])
        if key not in self._forms_of_settings:
            self._forms_of_settings[key] = self._form_of(attrs)
        return self._forms_of_settings[key]

    def _form_of(self, attrs: Mapping[str, str]) -> Form:
        values = []
        for name in self._entry.get("by", ()):
            value = attrs.get(name, self.default(name))
            values.append(_FLAGS.get(value.lower(), value) if self._is_flag(name) else value)
        form = self._form(",".join(values))
        if self.counter and len(form.inputs) == 1 and form.inputs[0].endswith("0"):
            count = int(attrs.get(self.counter, "1"))
            names = [f"{form.inputs[0][:-1]}{number}" for number in range(count)]
            form = Form(names, (), form.outputs, form.computed, form.starts)
        if "counts_outputs" in self._entry:
            form = _counted(form, attrs, self._entry["counts_outputs"])
        if self.name == "Pooling" and not attrs.get("kernel", "").strip("()[] "):
            form = Form(form.inputs)  # a global one needs no workspace
        if self.name == "_histogram" and "bin_cnt" in attrs:
            form = Form(["data"], (), form.outputs, form.computed)  # no edges of bins
        return form

    def _is_flag(self, parameter: str) -> bool:
        return self.parameters[parameter].startswith("boolean")

    @cached_property
    def _forms(self) -> dict[str, Form]:
        return {}

    def _form(self, key: str) -> Form:
        if key not in self._forms:
            entry = self._entry.get("variants", {}).get(key, self._entry)
            outputs = entry.get("outputs", ["output"])
            starts = entry.get("starts", self._entry.get("starts", {}))
            self._forms[key] = Form(
                entry["inputs"],
                entry.get("mutated", entry.get("states", ())),
                outputs,
                entry.get("computed", len(outputs)),
                {int(at): text for at, text in starts.items()},
            )
        return self._forms[key]


def _counted(form: Form, attrs: Mapping[str, str], parameter: str) -> Form:
    """A form with as many outputs as a setting says."""
    count = int(attrs.get(parameter, "0"))
    if not count:  # _split_v2
        count = len([text for text in attrs.get("indices", "").strip("()[] ").split(",") if text])
    names = [f"output{number}" for number in range(count)] if count > 1 else ["output"]
    if parameter == "num_outputs" and form.outputs[0] == "output0":
        names = [f"output{number}" for number in range(count)]
    return Form(form.inputs, form.states, names, max(count, 1), form.starts)


@lru_cache(maxsize=1)
def table() -> dict[str, dict[str, Any]]:
    """The table as it is written: name of an operator or alias -> entry."""
    entries: dict[str, dict[str, Any]] = json.loads(TABLE.read_text())
    return entries


@cache
def operator(alias: str) -> Operator | None:
    """The operator of a name or alias; None if MXNet 1.9.1 has none."""
    entry = table().get(alias)
    if entry is None:
        return None
    if entry["op"] != alias and entry["op"] in table():
        return operator(entry["op"])
    return Operator(entry["op"], entry)
