"""The JSON Schemas of what others read and write, made from the very types that the code uses.

`python -m topology.schemas` writes them to `deploy/`; a test says when that is due.
"""

from __future__ import annotations

import ast
import inspect
import itertools
import sys
import textwrap
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from streams.policy.document import PolicyDocument
from streams.risk.document import RiskDocument
from streams.watch.alarm import Alarm

SCHEMAS: dict[str, type[Struct]] = {"alarm": Alarm, "policy": PolicyDocument, "risk": RiskDocument}
"""Name -> type; written to `deploy/<name>.schema.json`."""
_WRITTEN_BY_US = {"alarm", "risk"}
"""Documents in which nothing is left out, so that a reader may rely on every field."""
_DIALECT = "https://json-schema.org/draft/2020-12/schema"


def schema(name: str) -> dict[str, Any]:
    """The JSON Schema of one of `SCHEMAS`; the lines under the fields are its descriptions."""
    kind = SCHEMAS[name]
    made = msgspec.json.schema(kind)
    structs = _structs(kind)
    for title, definition in made["$defs"].items():
        if title in structs:
            _describe(definition, structs[title])
        if name in _WRITTEN_BY_US and "properties" in definition:
            definition["required"] = list(definition["properties"])
            for described in definition["properties"].values():
                described.pop("default", None)
    return {"$schema": _DIALECT, "$id": f"urn:serinus:{name}:1", "title": f"Serinus {name}", **made}


def text(name: str) -> str:
    """The same as it stands in the file."""
    return msgspec.json.format(msgspec.json.encode(schema(name), order="deterministic"), indent=2).decode() + "\n"


def path(name: str, folder: Path | None = None) -> Path:
    """Where it is kept in the repository."""
    return (folder or Path(__file__).parents[1] / "deploy") / f"{name}.schema.json"


def _describe(definition: dict[str, Any], kind: type[Struct]) -> None:
    """The lines under the fields become their descriptions."""
    named = definition.get("properties") or dict(
        zip(kind.__struct_fields__, definition.get("prefixItems", ()), strict=False)
    )
    fields = {field.encode_name: field.name for field in msgspec.structs.fields(kind)}
    lines = _field_lines(kind)
    for encoded, described in named.items():
        line = lines.get(fields.get(encoded, encoded))
        if line is not None:
            described["description"] = _joined(line, described.get("description"))


def _structs(kind: type[Struct]) -> dict[str, type[Struct]]:
    """Every struct that a type is made of, by name."""
    found: dict[str, type[Struct]] = {}

    def visit(node: msgspec.inspect.Type | msgspec.inspect.Field) -> None:
        if isinstance(node, msgspec.inspect.StructType):
            if node.cls.__name__ in found:
                return
            found[node.cls.__name__] = node.cls
        for name in node.__struct_fields__:
            value = getattr(node, name)
            for each in value if isinstance(value, tuple) else (value,):
                if isinstance(each, msgspec.inspect.Type | msgspec.inspect.Field):
                    visit(each)

    visit(msgspec.inspect.type_info(kind))
    return found


def _field_lines(kind: type[Struct]) -> dict[str, str]:
    """The docstring line under each field, those inherited included."""
    lines: dict[str, str] = {}
    for owner in reversed(kind.__mro__):
        if owner in {object, Struct} or not issubclass(owner, Struct):
            continue
        (definition,) = ast.parse(textwrap.dedent(inspect.getsource(owner))).body
        body = definition.body if isinstance(definition, ast.ClassDef) else []
        for field, below in itertools.pairwise(body):
            if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name) and isinstance(below, ast.Expr):
                lines[field.target.id] = ast.literal_eval(below.value)
    return lines


def _joined(line: str, allowed: str | None) -> str:
    """What a field is, and what is allowed."""
    line = " ".join(line.split())
    return line if allowed is None else f"{line} {allowed[0].upper()}{allowed[1:]}."


def main() -> None:
    """Write all of them."""
    for name in SCHEMAS:
        path(name).write_text(text(name), encoding="utf-8")
        sys.stdout.write(f"{path(name)}\n")


if __name__ == "__main__":
    main()
