"""Text in, a policy file out, or everything that is wrong with it."""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import UNSET

from streams.policy.agreement import disagreements, in_doubt
from streams.policy.conversion import Conversion
from streams.policy.document import PolicyDocument
from streams.policy.fault import BadPolicyFile, Faults
from streams.policy.policy_file import PolicyFile
from streams.policy.yaml_text import Located, parse, within


def read(text: str, source: str) -> PolicyFile:
    """The policy file of a text.

    Args:
        text: YAML (or JSON, which is YAML), at most `yaml_text.MAX_CHARACTERS`.
        source: its name in errors and explanations.

    Raises:
        BadPolicyFile: a BadPolicy that names the file, and of all faults line, field, value and what is allowed.

    >>> read("{version: 1, defaults: {alpha: 0.05}}", "policy.yml").document.defaults.alpha
    0.05
    >>> read("{version: 1, defaults: {alpa: 0.05}}", "policy.yml")
    Traceback (most recent call last):
    streams.policy.fault.BadPolicyFile: policy.yml:1: defaults.alpa: 'alpa' is not allowed; did you mean alpha?
    """
    faults = Faults()
    found = parse(text, faults)
    if found is None:
        raise BadPolicyFile(source, faults.found)
    data = Conversion(faults).convert(found, PolicyDocument)
    policy_file = _fitting(found, data, source)
    for fault in disagreements(policy_file, in_doubt(fault.field for fault in faults.found)):
        faults.add(fault)
    if faults.found:
        raise BadPolicyFile(source, faults.found)
    return policy_file


def _fitting(found: Located, data: Any, source: str) -> PolicyFile:
    """What of a file fits; all of it, if nothing was refused."""
    lines: dict[str, int] = {}
    _note_lines(found, "", lines)
    fitting: dict[str, Any] = {"version": 1} | ({} if data is UNSET else data)
    fitting["workloads"] = [{"match": {}} | entry for entry in fitting.get("workloads", ())]
    return PolicyFile(source, msgspec.convert(fitting, PolicyDocument), lines)


def write(document: PolicyDocument) -> str:
    """A text that `read` takes back: JSON, which is YAML."""
    return msgspec.json.format(msgspec.json.encode(document), indent=2).decode()


def _note_lines(found: Located, path: str, lines: dict[str, int]) -> None:
    lines[path] = found.line
    if isinstance(found.value, dict):
        for key, child in found.value.items():
            _note_lines(child, within(path, key), lines)
    elif isinstance(found.value, list):
        for number, child in enumerate(found.value):
            _note_lines(child, f"{path}[{number}]", lines)
