"""`serinus policy` and `serinus schema`: what an operator asks before a policy file goes anywhere."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
import msgspec

from streams.errors import BadPolicy
from streams.policy.effective import effective
from streams.policy.explanation import Explained, explain
from streams.policy.fault import BadPolicyFile
from streams.policy.policy_file import Entry, PolicyFile
from streams.policy.unfollowed import unfollowed
from streams.records.identity import Workload
from streams.shippers.names import is_cluster_name, is_namespace, is_object_name
from topology import options, policy_file, schemas

_FILE = click.Path(dir_okay=False, path_type=Path)
_JSON = click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")


@click.group()
def policy() -> None:
    """Check and explain policy files."""


@policy.command()
@click.argument("file", type=_FILE)
@_JSON
@click.pass_context
def check(context: click.Context, file: Path, as_json: bool) -> None:
    """Say whether the policy in FILE can be followed.

    Shows what it matches, or all that is wrong, by line.

    Exit status 0 if it can, 2 if not.
    """
    name = click.format_filename(file)
    try:
        found = policy_file.load(file)
    except BadPolicyFile as error:
        faults = [fault.text(error.source) for fault in error.faults]
        listed = [msgspec.to_builtins(fault) for fault in error.faults]
        _print(as_json, {"ok": False, "file": name, "faults": listed}, faults)
        context.exit(2)
    entries = list(found.entries)
    lines = [f"{name}: OK, {len(entries)} {'entry' if len(entries) == 1 else 'entries'}"]
    lines += [f"  line {entry.line:<5}{_who(entry)}" for entry in entries]
    lines += [f"  line {line:<5}{path}: read, not followed: {why}" for line, path, why in unfollowed(found)]
    matched = [{"line": entry.line, **msgspec.to_builtins(entry.match)} for entry in entries]
    skipped = [{"line": line, "field": path, "why": why} for line, path, why in unfollowed(found)]
    _print(as_json, {"ok": True, "file": name, "entries": matched, "unfollowed": skipped}, lines)


@policy.command("explain")
@click.option("--workload", required=True, metavar="[CLUSTER/]NAMESPACE/NAME", help="Whose policy.")
@options.policy_option
@_JSON
def explain_(workload: str, policy: Path | None, as_json: bool) -> None:
    """Print what holds for a workload.

    Each value with where it comes from. Without a policy file: the defaults.
    """
    found = PolicyFile() if policy is None else policy_file.load(policy)
    whose = _workload(workload)
    rows = explain(found, whose)
    document = {
        "workload": whose.key,
        "entries": [entry.line for entry in found.holding(whose)],
        "values": [msgspec.to_builtins(row) for row in rows],
        "effective": msgspec.to_builtins(effective(found, whose)),
    }
    _print(as_json, document, _table(rows))


@click.command("schema")
@click.argument("name", type=click.Choice(sorted(schemas.SCHEMAS)))
def print_schema(name: str) -> None:
    """Print the JSON Schema of a document."""
    click.echo(schemas.text(name), nl=False)


def _workload(text: str) -> Workload:
    parts = text.split("/")
    cluster, namespace, name = ["", "", *parts][-3:]
    are_names = is_cluster_name(cluster) and is_namespace(namespace) and is_object_name(name)
    if len(parts) not in {2, 3} or not are_names:
        raise BadPolicy("workload", text, "write [CLUSTER/]NAMESPACE/NAME, each a name as Kubernetes takes it")
    return Workload(cluster, namespace, name)


def _who(entry: Entry) -> str:
    if entry.path == "defaults":
        return "every workload (defaults)"
    match = entry.match
    cluster = "" if match.cluster == "*" else f"{match.cluster}/"
    return f"{cluster}{match.namespace}/{match.workload}"


def _table(rows: list[Explained]) -> list[str]:
    """Aligned columns: field, value, origin."""
    cells = [(row.field, _cell(row.value), row.origin) for row in rows]
    first, second = (min(max(len(each[column]) for each in cells), 40) for column in (0, 1))
    return [f"{field:<{first}}  {value:<{second}}  {origin}" for field, value, origin in cells]


def _cell(value: Any) -> str:
    if value is None:
        return "-"
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()


def _print(as_json: bool, document: dict[str, Any], lines: list[str]) -> None:
    click.echo(msgspec.json.encode(document).decode() if as_json else "\n".join(lines))
