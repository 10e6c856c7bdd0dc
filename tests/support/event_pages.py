"""One page of documentation for each event type, made of its schema, its example, its posting rule and real decisions.

    python -m tests.support.event_pages

writes docs/reference/events/ anew; a test says whether it is up to date. Read the difference before you commit it.
"""

import inspect
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import cast

from consumers.facts import FACTS
from ledger_core.domain.facts import Fact
from ledger_core.domain.outcomes import Code
from ledger_core.domain.vouchers import Draft, Line, Purpose
from ledger_core.rules.catalogue import RULES, propose
from ledger_core.rules.recorded import recorded
from schemas.events.registry import EVENT_TYPES, WEBHOOK_TYPES
from schemas.generate import data_schema
from tests.support.event_lives import Life, life_of
from tests.support.story_desk import CHART
from tests.support.told_again import told_again

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "docs" / "reference" / "events"
EXAMPLES = ROOT / "schemas" / "examples"
INDEX = "README.md"
MADE = "This page is made of the code, by `python -m tests.support.event_pages`."
PUBLISHED = (
    "The ledger publishes it on `webhooks.events.v1` and takes it from nobody: "
    "[receive webhooks](../../how-to/receive-webhooks.md#follow-them).\n"
)
TYPES = {**EVENT_TYPES, **WEBHOOK_TYPES}

Schema = Mapping[str, object]


def pages() -> dict[str, str]:
    """The text of every page by the name of its file; the index among them."""
    return {INDEX: _index(), **{f"{event_type}.md": page(event_type) for event_type in (*EVENT_TYPES, *WEBHOOK_TYPES)}}


def page(event_type: str) -> str:
    example = json.loads((EXAMPLES / f"{event_type}.json").read_text("utf-8"))
    if event_type in WEBHOOK_TYPES:
        ending = [PUBLISHED]
    else:
        fact = FACTS[event_type](example["data"])
        codes = "Every code, in the one order in which refusals are found: [outcomes](../outcomes.md).\n"
        again = f"## Told again under another event id\n\n{told_again(event_type)}\n"
        ending = [*_rule(fact), *_entries_and_states(event_type, fact), again, codes]
    parts = [*_said(event_type, data_schema(event_type), example), *ending]
    return "\n".join(part.rstrip("\n") + "\n" for part in parts if part)


def _said(event_type: str, schema: Schema, example: object) -> list[str]:
    """What every page begins with."""
    return [
        f"# `{event_type}`\n",
        inspect.getdoc(TYPES[event_type]) or "",
        f"{MADE} All types: [events]({INDEX}); what they have in common: [CloudEvents](../events.md).\n",
        "## Members of `data`\n",
        _members(schema),
        *_definitions(schema),
        "## Example\n",
        f"```json\n{json.dumps(example, indent=2, ensure_ascii=False)}\n```\n",
    ]


def _index() -> str:
    rows = [f"| [`{name}`]({name}.md) | {_cell(_summary(name))} |\n" for name in EVENT_TYPES]
    head = f"# Events, one by one\n\n{MADE} What they have in common: [events](../events.md).\n\n"
    told = [f"| [`{name}`]({name}.md) | {_cell(_summary(name))} |\n" for name in WEBHOOK_TYPES]
    table = "| type | says |\n|---|---|\n"
    return f"{head}{table}{''.join(rows)}\n## What the ledger tells of webhooks\n\n{table}{''.join(told)}"


def _summary(event_type: str) -> str:
    return (inspect.getdoc(TYPES[event_type]) or "").partition("\n\n")[0].replace("\n", " ")


# What it says -------------------------------------------------------------------------------------


def _members(schema: Schema) -> str:
    required = cast("Sequence[str]", schema.get("required", ()))
    properties = cast("Mapping[str, Schema]", schema.get("properties", {}))
    rows = []
    for name, member in sorted(properties.items(), key=lambda item: (item[0] not in required, item[0])):
        means = _cell(_description(member))
        rows.append(f"| `{name}` | {'yes' if name in required else ''} | {_kind(member)} | {means} |\n")
    return "| member | needed | is | means |\n|---|---|---|---|\n" + "".join(rows)


def _definitions(schema: Schema) -> list[str]:
    made = []
    for name, definition in cast("Mapping[str, Schema]", schema.get("$defs", {})).items():
        if "properties" in definition:
            made += [f"**{_words(name)}**: {definition.get('description', '')}\n", _members(definition)]
    return made


def _description(member: Schema) -> str:
    """Its own, or of what it may be besides null."""
    said = (one.get("description", "") for one in (member, *cast("Sequence[Schema]", member.get("anyOf", ()))))
    return str(next(filter(None, said), ""))


def _kind(member: Schema) -> str:
    """In words; what a pattern allows is left to the JSON Schema, but for the digits of an amount."""
    if "$ref" in member:
        return _words(str(member["$ref"]).rpartition("/")[2])
    for of in ("anyOf", "oneOf", "allOf"):
        if of in member:
            return " or ".join(_kind(one) for one in cast("Sequence[Schema]", member[of]))
    if "const" in member:
        return f"`{json.dumps(member['const'])}`"
    if "enum" in member:
        return ", ".join(f"`{one}`" for one in cast("Sequence[str]", member["enum"]))
    match member.get("type"):
        case "array":
            most = f", at most {member['maxItems']}" if "maxItems" in member else ""
            return f"list of {_kind(cast('Schema', member.get('items', {})))}{most}"
        case "integer":
            return f"whole number{_between(member)}"
        case "boolean":
            return "true or false"
        case "object":
            return "names and texts"
        case "null":
            return "null"
    if str(member.get("pattern", "")).startswith("^[1-9][0-9]"):
        return "digits"
    return "RFC 3339 time" if member.get("format") == "date-time" else "text"


def _between(member: Schema) -> str:
    if "minimum" in member and "maximum" in member:
        return f" from {member['minimum']} to {member['maximum']}"
    return f" from {member['minimum']}" if "minimum" in member else ""


def _words(definition: str) -> str:
    """`BeneficiaryData` is a beneficiary."""
    name = definition.removesuffix("Data")
    return "".join(f" {letter.lower()}" if letter.isupper() else letter for letter in name).strip()


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


# What becomes of it -------------------------------------------------------------------------------


def _rule(fact: object) -> list[str]:
    """The posting rule, and what its module says of the accounts that it touches."""
    rule = RULES.get(cast("type[Fact]", type(fact)))
    if rule is None or rule.propose is None or rule.propose is recorded:
        return []
    module = inspect.getmodule(rule.propose)
    assert isinstance(module, ModuleType)
    file = Path(inspect.getfile(module)).relative_to(ROOT)
    said = (inspect.getdoc(module) or "").strip()
    return [f"## Posting rule\n\n`{rule.label}`, of [{file}](../../../{file}).\n\n{said}\n"]


def _entries_and_states(event_type: str, fact: object) -> list[str]:
    """By decisions on every story that its order key can have had; of types without stories, what the rule proposes."""
    life = life_of(event_type)
    if life is None:
        lines = _proposed(fact)
        return [f"## Entries\n\nOf the example, in minor units.\n\n{_entries(lines)}"] if lines else []
    return [*_posted(life), _steps(life)]


def _proposed(fact: object) -> Sequence[Line]:
    if type(fact) not in RULES:
        return []
    draft = propose(cast("Fact", fact), CHART)
    return draft.lines if isinstance(draft, Draft) else []


def _posted(life: Life) -> list[str]:
    if not life.posted:
        return ["## Entries\n\nNone: it is recorded.\n"]
    made = ["## Entries\n\nOf small amounts, in minor units.\n"]
    for before, lines in life.posted:
        after = "After " + ", ".join(f"`{name.removesuffix('.v1')}`" for name in before) if before else "From nothing"
        made.append(f"{after}:\n\n{_entries(lines)}")
    return made


def _entries(lines: Sequence[Line]) -> str:
    rows = [
        f"| `{line.account}` | {line.amount_minor if line.side == 'D' else ''} | "
        f"{line.amount_minor if line.side == 'C' else ''} | {Purpose(line.purpose).name.lower()} |"
        for line in lines
    ]
    return "| account | debit | credit | purpose |\n|---|---:|---:|---|\n" + "\n".join(rows) + "\n"


def _steps(life: Life) -> str:
    rows = [f"| {_state(step.before)} | {step.word} | {_state(step.after)} |" for step in life.steps]
    refused = sorted({word for step in life.steps for word in step.word.split() if word in Code.__members__})
    said = (
        f"Refused or parked by the life of its order key: {', '.join(f'`{code}`' for code in refused)}."
        if refused
        else ""
    )
    head = "## Before and after\n\nEach two events of an order key: [order](../order.md).\n\n"
    table = f"| {life.subject} before | becomes | {life.subject} after |\n|---|---|---|\n" + "\n".join(rows)
    return f"{head}{table}\n\n{said}\n"


def _state(states: Sequence[str]) -> str:
    return ", ".join(states)


def write() -> None:
    """Every page anew; those of types that are gone are removed."""
    FOLDER.mkdir(exist_ok=True)
    wanted = pages()
    for name, text in wanted.items():
        (FOLDER / name).write_text(text, encoding="utf-8")
    for path in FOLDER.glob("*.md"):
        if path.name not in wanted:
            path.unlink()


if __name__ == "__main__":
    write()
