"""`ledgerctl webhook`: what processors have sent, what became of it, and publishing it again."""

import getpass
from collections import Counter
from collections.abc import Sequence
from typing import Annotated

import orjson
import typer
from rich.console import Console

from api.cli.command import Book, Json, Reason, group, state_of
from api.cli.errors import CliError
from api.cli.output import details, moment, table
from api.cli.stores import Store, open_store
from consumers.settings import PAYMENTS_TOPIC, MappingSettings, WebhookMappings, load_settings
from consumers.webhooks.mapping import WebhookMapper
from consumers.webhooks.messages import source_of
from consumers.webhooks.running import mapping_of
from consumers.webhooks.stored import Feed, StoredWebhook, read_scales
from ledger_core.operations.webhooks.replay import request_replay
from ledger_core.operations.webhooks.retention import MOST_AT_ONCE as MOST_FORGOTTEN
from ledger_core.operations.webhooks.retention import Retention, forget, old_webhooks
from ledger_core.store.connection import Role
from projections.queries import webhooks as queries
from projections.queries.webhooks import Wanted, Webhook

app = group("webhook", "What payment processors have sent.")
Endpoint = Annotated[str, typer.Argument(help="Name of the endpoint, such as stripe.")]
OfEndpoint = Annotated[str | None, typer.Option("--endpoint", help="Of this endpoint only.")]
OfType = Annotated[str | None, typer.Option("--type", help="Of this type only, such as charge.dispute.created.")]
OfOutcome = Annotated[
    str | None, typer.Option("--outcome", help="WAITING, PUBLISHED, RECORDED or UNMAPPABLE.", metavar="OUTCOME")
]
OfCode = Annotated[str | None, typer.Option("--code", help="With this code only, such as NO_EVENT_TYPE.")]
MOST_AT_ONCE = 10_000


@app.command(name="list")
def list_webhooks(
    context: typer.Context,
    book: Book,
    endpoint: OfEndpoint = None,
    type_: OfType = None,
    outcome: OfOutcome = None,
    code: OfCode = None,
    event_id: Annotated[str | None, typer.Option("--id", help="The processor's own id of it.")] = None,
    after: Annotated[int, typer.Option(min=0, help="Start after this number; with --endpoint.")] = 0,
    limit: Annotated[int, typer.Option(min=1, max=MOST_AT_ONCE, help="At most this many rows.")] = 100,
    _json: Json = False,
) -> None:
    """List webhooks with what became of each, and how their endpoints do."""
    state = state_of(context)
    wanted = Wanted(endpoint, None, event_id, type_, outcome, code)
    with open_store(state.database, book=book, say=state.output.say) as store, store.reading(book) as at:
        found = queries.webhooks(at, wanted, after=(endpoint or "", after), limit=limit)
        feeds = queries.feeds(at)

    def render(console: Console) -> None:
        drawn = table("endpoint", "no", "received", "type", "outcome", "code", "again", right=("no", "again"))
        for one in found:
            drawn.add_row(
                one.endpoint, str(one.number), moment(one.received_at), one.type, one.outcome, one.code,
                str(one.duplicates or ""),
            )  # fmt: skip
        console.print(drawn)
        for feed in feeds:
            unwell = f"; unwell: {', '.join(feed.unwell)}" if feed.unwell else ""
            console.print(f"{feed.endpoint}: {feed.published:,} of {feed.received:,} processed{unwell}")

    state.output.data({"book": book, "webhooks": found, "endpoints": feeds}, render)


@app.command()
def show(
    context: typer.Context,
    endpoint: Endpoint,
    number: Annotated[int, typer.Argument(min=1, help="Its number at this endpoint.")],
    book: Book,
    _json: Json = False,
) -> None:
    """Show a webhook: what it says, card data masked, and everything that happened to it."""
    state = state_of(context)
    with open_store(state.database, book=book, say=state.output.say) as store, store.reading(book) as at:
        found = queries.webhook(at, endpoint, number)
        body = orjson.loads(queries.body(at, endpoint, number) or b"null")
        happened = queries.timeline(at, endpoint, number)

    def render(console: Console) -> None:
        console.print(
            details(
                {
                    "webhook": f"{found.endpoint}/{found.number} ({found.processor})", "id": found.event_id,
                    "type": found.type, "outcome": f"{found.outcome} {found.code} {found.detail}".strip(),
                    **{f"event {n}": f"{each['type']} {each['id']}" for n, each in enumerate(found.events, 1)},
                    "masked values": found.masked,
                }
            )
        )  # fmt: skip
        for event in happened:
            console.print(f"{moment(event.at)}  {event.type}")
        console.print(
            "its body is forgotten" if body is None else orjson.dumps(body, option=orjson.OPT_INDENT_2).decode()
        )

    state.output.data({"book": book, "webhook": found, "events": happened, "body": body}, render)


@app.command()
def replay(
    context: typer.Context,
    endpoint: Endpoint,
    book: Book,
    reason: Reason,
    numbers: Annotated[list[int] | None, typer.Argument(help="Numbers of webhooks; else what the options say.")] = None,
    type_: OfType = None,
    outcome: OfOutcome = None,
    code: OfCode = None,
    apply: Annotated[bool, typer.Option("--apply", help="Do it; without it nothing is changed.")] = False,
    _json: Json = False,
) -> None:
    """Publish webhooks again; nothing is posted twice. Shows what each would become now, unless --apply."""
    state = state_of(context)
    if not reason.strip():
        raise CliError("REASON_MISSING", "the reason is empty", "say why, with --reason")
    if not (numbers or type_ or outcome or code):
        raise CliError("NOTHING_CHOSEN", "no webhook is chosen", "give numbers, or --type, --outcome or --code")
    wanted = Wanted(endpoint, numbers or None, None, type_, outcome, code)
    with open_store(state.database, book=book, say=state.output.say) as store:
        with store.reading(book) as at:
            tried = [one for one in queries.webhooks(at, wanted, limit=MOST_AT_ONCE) if one.attempt]
            read = [(one, queries.body(at, endpoint, one.number)) for one in tried]
            found = [one for one, body in read if body]
            now = _mapped_now(store, book, found, [body for _, body in read if body])
        requested: list[int] = []
        if apply and found:
            with store.connect(Role.POSTER) as connection:
                chosen = [one.number for one in found]
                requested = request_replay(
                    connection, book, endpoint, chosen, reason=reason, requested_by=getpass.getuser()
                )

    def render(console: Console) -> None:
        drawn = table("no", "type", "was", "", "would be", "", right=("no",))
        for one, (becomes, why) in zip(found, now, strict=True):
            drawn.add_row(str(one.number), one.type, one.outcome, one.code, becomes, why)
        console.print(drawn)
        if apply:
            console.print(f"{len(requested)} webhooks will be published again")
        else:
            console.print(f"{len(found)} webhooks would be published again; with --apply they are")

    changes = [
        {"number": one.number, "type": one.type, "was": [one.outcome, one.code], "would_be": list(becomes)}
        for one, becomes in zip(found, now, strict=True)
    ]
    said = {"book": book, "endpoint": endpoint, "applied": apply, "webhooks": changes, "requested": requested}
    state.output.data(said, render)


@app.command(name="forget")
def forget_bodies(
    context: typer.Context,
    endpoint: Endpoint,
    book: Book,
    reason: Reason,
    older_than: Annotated[
        int | None,
        typer.Option(min=1, max=36_500, metavar="DAYS", help="Published so long ago; else what the settings declare."),
    ] = None,
    apply: Annotated[bool, typer.Option("--apply", help="Do it; without it nothing is changed.")] = False,
    _json: Json = False,
) -> None:
    """Drop the bodies of old webhooks, never of one that may still become something. Shows how many, unless --apply."""
    state = state_of(context)
    if not reason.strip():
        raise CliError("REASON_MISSING", "the reason is empty", "say why, with --reason")
    settings = load_settings(WebhookMappings).webhooks.get(endpoint, MappingSettings())
    days = older_than or settings.retention_days
    if not days:
        raise CliError("RETENTION_UNDECLARED", "nobody has said how long bodies are kept", "give --older-than DAYS")
    with open_store(state.database, book=book, say=state.output.say) as store:
        with store.reading(book) as at:
            feeds = {feed.endpoint: feed for feed in queries.feeds(at)}
        if endpoint not in feeds:
            raise CliError("ENDPOINT_NOT_FOUND", f"book {book} has no webhooks of {endpoint}", "see webhook list")
        retention = Retention(book, endpoint, source_of(feeds[endpoint].processor, endpoint), days)
        with store.connect(Role.POSTER) as connection:
            found = (
                forget(connection, retention, reason=reason, requested_by=getpass.getuser())
                if apply
                else old_webhooks(connection, retention)
            )
    gone = [one for one in found if not one.kept]
    kept = Counter(one.kept for one in found if one.kept)

    def render(console: Console) -> None:
        size = sum(one.body_bytes for one in gone)
        said = "forgotten" if apply else "would be forgotten; with --apply they are"
        console.print(f"{len(gone):,} webhooks older than {days} days ({size:,} bytes) {said}")
        of_more = ", of the oldest ones" if kept.total() == MOST_FORGOTTEN else ""
        for name, count in sorted(kept.items()):
            console.print(f"{count:,} kept: {name}{of_more}")
        if len(gone) == MOST_FORGOTTEN:
            console.print("there may be more: run it again")

    numbers = [one.number for one in gone]
    said = {"book": book, "endpoint": endpoint, "days": days, "applied": apply, "forgotten": numbers, "kept": kept}
    state.output.data(said, render)


def _mapped_now(store: Store, book: str, found: Sequence[Webhook], bodies: Sequence[bytes]) -> list[tuple[str, str]]:
    """What the adapters of this release say, with the endpoint's settings as they are here."""
    with store.connect(Role.PUBLISHER) as connection:
        scales = read_scales(connection)
    settings = load_settings(WebhookMappings).webhooks
    endpoints = {name: mapping_of(mapping) for name, mapping in settings.items()}
    mapper = WebhookMapper(PAYMENTS_TOPIC, lambda: scales, endpoints)
    results: list[tuple[str, str]] = []
    for one, body in zip(found, bodies, strict=True):
        feed = Feed(0, book, one.endpoint, one.processor)
        processed = mapper.process(feed, StoredWebhook(one.number, one.attempt + 1, body))
        results.append((processed.outcome, processed.code or ", ".join(each["type"] for each in processed.events)))
    return results
