"""`ledgerctl proof`: that a voucher stands in the log, as a file that anyone can check without the ledger."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated

import orjson
import typer
from psycopg import IsolationLevel
from rich.console import Console
from rich.text import Text

from api.cli.command import Json, State, group, state_of
from api.cli.errors import EXIT_FOUND_PROBLEMS, CliError, missing_code
from api.cli.output import details
from api.cli.signing_keys import PinnedKeys, pinned_keys
from api.cli.stores import open_store
from ledger_core.store.connection import Role
from ledger_core.store.proof.checkpoint import Checkpoint
from ledger_core.store.proof.creating import (
    CheckpointMissingError,
    NotInLogError,
    create_proof,
    position_of_upstream_event,
    position_of_voucher,
)
from ledger_core.store.proof.files import check_file, write_proof
from ledger_core.store.proof.inclusion import InclusionProof, ProofError

app = group("proof", "Prove that a voucher stands in the log, to someone without access to it.")
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@app.callback()
def proofs() -> None:
    """Prove that a voucher stands in the log, to someone without access to it."""


@app.command()
def create(
    context: typer.Context,
    book: Annotated[str, typer.Argument(help="Code of the book.")],
    voucher: Annotated[int | None, typer.Argument(min=1, help="Number of the voucher.")] = None,
    position: Annotated[int | None, typer.Option(min=1, help="Any event, by its position instead.")] = None,
    event: Annotated[str | None, typer.Option(help="Id of the upstream event instead, with --source.")] = None,
    source: Annotated[str, typer.Option(help="Source of the upstream event.")] = "",
    out: Annotated[Path | None, typer.Option(help="File to write, instead of stdout.")] = None,
    _json: Json = False,
) -> None:
    """Write the proof of one voucher: its content, the way to a signed checkpoint, and that checkpoint."""
    state = state_of(context)
    if [voucher, position, event].count(None) != 2 or (event is None) == bool(source):
        raise typer.BadParameter("name one voucher: by its number, by --position, or by --event with --source")
    with (
        open_store(state.database, book=book, say=state.output.say) as store,
        store.connect(Role.RECONCILER) as connection,
    ):
        connection.isolation_level = IsolationLevel.REPEATABLE_READ
        connection.read_only = True
        try:
            with connection.transaction():
                if voucher is not None:
                    position = position_of_voucher(connection, book, voucher)
                elif event is not None:
                    position = position_of_upstream_event(connection, book, source, event)
                proof = create_proof(connection, book, position or 0)
        except NotInLogError as error:
            raise CliError(missing_code(error.what), str(error), "look for it with: ledgerctl event show") from None
        except CheckpointMissingError as error:
            text = f"sign one with: ledgerctl checkpoint sign {book}"
            raise CliError("CHECKPOINT_MISSING", str(error), text) from None
        except ProofError as error:
            raise CliError("LOG_DIFFERS", str(error), "the log is not what was signed: ledgerctl verify") from None
    _hand_out(state, proof, out)


def _hand_out(state: State, proof: InclusionProof, out: Path | None) -> None:
    text = write_proof(proof)
    if out is None:
        typer.echo(text, nl=False)
        return
    try:
        out.write_text(text, "utf-8")
    except OSError as error:
        raise CliError("FILE_UNWRITABLE", f"{out} can't be written: {error.strerror}", "choose another --out") from None
    wire = {"file": str(out), "book": proof.book, "position": proof.position, "public_key": proof.public_key.text}
    state.output.data(wire, lambda console: console.print(f"{out}: position {proof.position} of book {proof.book}"))


@app.command()
def check(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="The proof.")],
    key: PinnedKeys = None,
    _json: Json = False,
) -> None:
    """Check a proof, offline. Exit 3 says what does not hold. Without --key it shows that it is whole, not by whom."""
    state = state_of(context)
    pinned = pinned_keys(key)
    try:
        proof, checkpoint = check_file(file, pinned)
    except OSError as error:
        text = f"{file} can't be read: {error.strerror}"
        raise CliError("FILE_UNREADABLE", text, "give a file that proof create wrote") from None
    except ProofError as error:
        verdict = Text(f"THE PROOF DOES NOT HOLD  {error}", style="bold red")
        state.output.data({"ok": False, "reason": str(error)}, lambda console: console.print(verdict))
        raise typer.Exit(EXIT_FOUND_PROBLEMS) from None
    wire = {
        "ok": True, "pinned": bool(pinned), "public_key": proof.public_key.text, "book": proof.book,
        "position": proof.position, "type": proof.event.type, "order_key": proof.event.order_key,
        "recorded_at": _recorded_at(proof), "block_number": proof.block.number,
        "checkpoint": {"block_number": checkpoint.block_number, "position": checkpoint.position},
        "state": _state(proof),
    }  # fmt: skip
    state.output.data(wire, lambda console: _draw(console, proof, checkpoint, pinned=bool(pinned)))


def _draw(console: Console, proof: InclusionProof, checkpoint: Checkpoint, *, pinned: bool) -> None:
    console.print(Text("the proof holds", style="green"))
    signed_by = proof.public_key.label
    console.print(
        details({
            "book": proof.book, "position": proof.position, "event": proof.event.type,
            "order key": proof.event.order_key, "recorded": f"{_recorded_at(proof):%Y-%m-%d %H:%M:%S.%fZ}",
            "signed": f"at block {checkpoint.block_number}, position {checkpoint.position}",
            "by": signed_by if pinned else f"{signed_by} (NOT PINNED: anyone can sign; check again with --key)",
            "content": orjson.dumps(_state(proof), option=orjson.OPT_INDENT_2).decode(),
        })
    )  # fmt: skip


def _recorded_at(proof: InclusionProof) -> datetime:
    return EPOCH + timedelta(microseconds=proof.block.recorded_at_us)


def _state(proof: InclusionProof) -> object:
    """What the event says: JSON, as our log writes it; as text where a stranger's proof holds something else."""
    try:
        return orjson.loads(proof.event.state)
    except orjson.JSONDecodeError:
        return proof.event.state.decode("utf-8", "replace")
