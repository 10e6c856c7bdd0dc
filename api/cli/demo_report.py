"""What a demo prints at its end: for a person who sees this ledger for the first time, and for a program."""

from dataclasses import asdict

from rich.console import Console
from rich.text import Text

from api.cli.demo_result import Result
from api.cli.output import program, table

SECOND_DIGITS = 3


def wire_of(result: Result) -> dict[str, object]:
    """The one object of `--json`."""
    report = result.verify
    checks = [asdict(check) for check in report.checks] if report else []
    wire: dict[str, object] = {
        "events": result.events,
        "outcomes": result.outcomes,
        "vouchers": result.vouchers,
        "entries": result.entries,
        "trial_balance": result.trial_balance,
        "findings": result.findings,
        "verify": {"ok": bool(report and report.ok), "checks": checks},
        "seconds": round(result.seconds, SECOND_DIGITS),
        "events_per_second": round(result.events / result.seconds) if result.seconds else 0,
        "broker": result.broker,
        "postgres": result.postgres,
        "book": result.book,
        "database": result.database,
        "findings_by_code": result.findings_by_code,
        "suspense_minor": result.suspense_minor,
        "refused": [{"outcome": outcome, "code": code, "events": count} for outcome, code, count in result.codes],
        "healed": result.healed,
        "captured_minor": result.captured_minor,
        "stages": {name: round(seconds, SECOND_DIGITS) for name, seconds in result.stages.items()},
        **result.facts,
    }
    if result.replay is not None:
        wire["replay"] = result.replay
    return wire


def draw_report(console: Console, result: Result) -> None:
    """The report for people."""
    console.print()
    console.print(
        Text(
            f"{result.events:,} payment events became {result.vouchers:,} vouchers with {result.entries:,} entries",
            style="bold",
        )
    )
    speed = result.events / result.seconds if result.seconds else 0.0
    console.print(
        f"in {result.seconds:.1f} s ({speed:,.0f} events/s) from the first event read to the last read model, "
        f"on PostgreSQL {result.postgres} and {_BROKERS[result.broker]}, every commit durable"
    )
    console.print()
    _draw_outcomes(console, result)
    _draw_refusals(console, result)
    _draw_proof(console, result)
    _draw_next_steps(console, result)


_BROKERS = {"embedded": "the embedded log", "kafka": "Apache Kafka"}
_MEANINGS = {
    "posted": "one voucher each",
    "recorded": "a fact without entries, such as an authorisation",
    "replayed": "decided before: a repeat changes nothing",
    "skipped": "not for this ledger",
    "rejected": "can never be right; kept with bytes and code",
    "parked": "came too early or wants something; posted as soon as it can be",
}


def _draw_outcomes(console: Console, result: Result) -> None:
    console.print(Text("What became of every event", style="bold"))
    drawn = table("outcome", "events", "", right=("events",))
    for name, count in result.outcomes.items():
        drawn.add_row(name, f"{count:,}", Text(_MEANINGS[name], style="dim"))
    adds_up = sum(result.outcomes.values()) == result.events
    verdict = (
        Text("adds up: none lost, none skipped in silence", style="green")
        if adds_up
        else Text("DOES NOT ADD UP", style="bold red")
    )
    drawn.add_row("together", f"{sum(result.outcomes.values()):,}", verdict)
    console.print(drawn)
    if result.healed:
        console.print(Text(f"{result.healed:,} parked events were decided later, in their order", style="dim"))
    if result.replay is not None:
        console.print(
            f"the topic consumed once more: {result.replay['replayed']:,} replayed, {result.replay['posted']:,} posted"
        )
    console.print()


def _draw_refusals(console: Console, result: Result) -> None:
    if not result.codes:
        return
    console.print(Text("Refused, and kept with bytes, coordinates and code", style="bold"))
    drawn = table("code", "outcome", "events", right=("events",))
    for outcome, code, count in result.codes:
        drawn.add_row(code, outcome, f"{count:,}")
    console.print(drawn)
    console.print()


def _draw_proof(console: Console, result: Result) -> None:
    console.print(Text("Are the books right?", style="bold"))
    drawn = table("proof", "")
    for currency, difference in result.trial_balance.items():
        style = "green" if difference == 0 else "bold red"
        drawn.add_row(f"trial balance {currency}", Text(f"debits - credits = {difference}", style=style))
    if result.verify is not None:
        broken = [check for check in result.verify.checks if not check.ok]
        text = f"all {len(result.verify.checks)} checks hold over {result.verify.events:,} events"
        if broken:
            text = "; ".join(f"{check.name}: {check.first_bad}" for check in broken)
        drawn.add_row("verify", Text(text, style="bold red" if broken else "green"))
    for code, count in result.findings_by_code.items():
        drawn.add_row("findings", f"{count:,} {code}")
    if not result.findings:
        drawn.add_row("findings", "none")
    console.print(drawn)
    console.print()


def _draw_next_steps(console: Console, result: Result) -> None:
    console.print(Text("Where to look further (the data stay until the next demo)", style="bold"))
    ours = program()
    for command, what in (
        (f"trial-balance --book {result.book}", "sums per currency and account type"),
        (f"findings --book {result.book}", "orders whose payments differ from their items, and more"),
        (f"voucher show 1 --book {result.book}", "a voucher with its lines and its cause"),
        (f"account list --book {result.book}", "accounts with their balances"),
        ("verify", "prove everything again"),
        (f"--database {result.database} up", "the query API over these data"),
    ):
        console.print(f"  {ours} {command:<38} {what}", style="dim")
