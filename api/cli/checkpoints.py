"""`ledgerctl checkpoint`: signed checkpoints of books: made, shown, and checked against the log."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.text import Text

from api.cli.command import Json, group, state_of
from api.cli.errors import EXIT_FOUND_PROBLEMS, CliError, with_next
from api.cli.output import moment, table
from api.cli.signing_keys import KeptCheckpoints, PinnedKeys, SigningKeyFile, read_trust, signing_key
from api.cli.stores import open_store
from ledger_core.domain.outcomes import Code
from ledger_core.store.connection import Role
from ledger_core.store.proof.key_files import KeyFileError, write_key
from ledger_core.store.proof.notes import NoteError, SigningKey
from ledger_core.store.proof.signing import (
    BrokenChainError,
    StoredCheckpoint,
    books_to_sign,
    last_signed_checkpoint,
    sign_book,
    signed_checkpoints,
)
from ledger_core.store.verify import verify_checkpoints

app = group("checkpoint", "Sign what a book's log is, and check that it still is.")

Books = Annotated[list[str] | None, typer.Argument(help="Codes of books; every book when none is named.")]


@app.callback()
def checkpoints() -> None:
    """Sign what a book's log is, and check that it still is."""


@app.command()
def keygen(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="New file for the private key; FILE.pub gets the public one.")],
    name: Annotated[str, typer.Option(help="Name of the key, such as the host name of who signs.")] = "ledger",
    _json: Json = False,
) -> None:
    """Make a key pair for signing. The private key stays in FILE, readable by its owner only."""
    try:
        key = SigningKey.generate(name)
        public_path = write_key(file, key)
    except (NoteError, KeyFileError) as error:
        raise CliError("KEY_NOT_MADE", str(error), "choose another file or name") from None
    wire = {"public_key": key.public.text, "public_key_file": str(public_path), "signing_key_file": str(file)}
    state_of(context).output.data(wire, lambda console: console.print(key.public.text))
    state_of(context).output.say(f"keep {file} secret; give {public_path} to those who check")


@app.command()
def sign(
    context: typer.Context,
    book: Books = None,
    key_file: SigningKeyFile = None,
    _json: Json = False,
) -> None:
    """Sign the end of each book's log, keep the checkpoint in the log and print it."""
    state = state_of(context)
    key = signing_key(key_file)
    signed: list[StoredCheckpoint] = []
    with (
        open_store(state.database, book=book[0] if book else None, say=state.output.say) as store,
        store.connect(Role.POSTER) as connection,
    ):
        for code in book or books_to_sign(connection):
            try:
                stored, is_new = sign_book(connection, code, key)
            except LookupError as error:
                raise with_next(Code.BOOK_UNKNOWN, str(error)) from None
            except BrokenChainError as error:
                raise CliError("CHAIN_BROKEN", str(error), "nothing was signed; look with: ledgerctl verify") from None
            if stored is not None:
                signed.append(stored)
            if not is_new:
                state.output.say(f"book {code}: nothing new to sign")
    state.output.data({"checkpoints": [_wire(one) for one in signed]}, lambda _: _print_notes(signed))


@app.command()
def show(
    context: typer.Context,
    book: Annotated[str, typer.Argument(help="Code of the book.")],
    every: Annotated[bool, typer.Option("--all", help="All of them in a table, instead of the latest.")] = False,
    _json: Json = False,
) -> None:
    """Show the latest signed checkpoint of a book, as it was published."""
    state = state_of(context)
    with (
        open_store(state.database, book=book, say=state.output.say) as store,
        store.connect(Role.RECONCILER) as connection,
    ):
        last = last_signed_checkpoint(connection, book)
        found = signed_checkpoints(connection, book) if every else [last] if last else []
    if not found:
        text = f"book {book} has no signed checkpoint"
        raise CliError("CHECKPOINT_MISSING", text, f"sign one with: ledgerctl checkpoint sign {book}")
    wire = {"book": book, "checkpoints": [_wire(one) for one in found]}
    state.output.data(wire, lambda console: _draw(console, found) if every else _print_notes(found))


@app.command()
def verify(
    context: typer.Context,
    book: Books = None,
    checkpoint: KeptCheckpoints = None,
    key: PinnedKeys = None,
    _json: Json = False,
) -> None:
    """Check signatures, and that the chain of blocks still is what was signed. `ledgerctl verify` reads events, too."""
    state = state_of(context)
    trust = read_trust(key, checkpoint)
    with open_store(state.database, book=book[0] if book else None, say=state.output.say) as store:
        try:
            check = verify_checkpoints(store.dsn, books=book or None, trust=trust)
        except LookupError as error:
            raise with_next(Code.BOOK_UNKNOWN, str(error)) from error
    said = check.first_bad or f"{check.checked} checkpoints are what the log says"
    state.output.data(check, lambda console: console.print(Text(said, style="green" if check.ok else "bold red")))
    if not check.ok:
        raise typer.Exit(EXIT_FOUND_PROBLEMS)


def _print_notes(found: Sequence[StoredCheckpoint]) -> None:
    """To the byte: what is printed can be kept and checked."""
    sys.stdout.write("\n".join(one.signed.note for one in found))


def _draw(console: Console, found: Sequence[StoredCheckpoint]) -> None:
    drawn = table("block", "position", "recorded", "hash", "key", right=("block", "position"))
    for one in found:
        content = one.signed.checkpoint
        drawn.add_row(
            f"{content.block_number:,}",
            f"{content.position:,}",
            moment(content.recorded_at),
            content.block_hash.hex()[:16],
            one.signed.key.label,
        )
    console.print(drawn)


def _wire(stored: StoredCheckpoint) -> dict[str, object]:
    content = stored.signed.checkpoint
    return {
        "book": content.book, "block_number": content.block_number, "position": content.position,
        "block_hash": content.block_hash.hex(), "log_epoch": content.log_epoch, "key": stored.signed.key.text,
        "note": stored.signed.note,
    }  # fmt: skip
