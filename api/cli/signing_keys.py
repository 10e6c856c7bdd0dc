"""Key files that commands are told of, by option or by LEDGER_SIGNING_KEY_FILE."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Final

import typer

from api.cli.errors import CliError
from ledger_core.store.proof.key_files import KeyFileError, read_public_keys, read_signing_key
from ledger_core.store.proof.notes import PublicKey, SigningKey

SIGNING_KEY_VARIABLE: Final = "LEDGER_SIGNING_KEY_FILE"

PinnedKeys = Annotated[
    list[Path] | None, typer.Option("--key", help="File with the public keys that count (may be repeated).")
]
SigningKeyFile = Annotated[
    Path | None, typer.Option("--signing-key", envvar=SIGNING_KEY_VARIABLE, help="File with the private key.")
]


def pinned_keys(paths: Sequence[Path] | None) -> list[PublicKey]:
    """The public keys in these files."""
    try:
        return [key for path in paths or () for key in read_public_keys(path)]
    except KeyFileError as error:
        raise CliError("KEY_UNUSABLE", str(error), "make keys with: ledgerctl checkpoint keygen FILE") from None


def signing_key(path: Path | None) -> SigningKey:
    """The private key in this file."""
    if path is None:
        raise CliError(
            "SIGNING_KEY_MISSING", "no signing key is set", f"give --signing-key FILE, or set {SIGNING_KEY_VARIABLE}"
        )
    try:
        return read_signing_key(path)
    except KeyFileError as error:
        raise CliError("KEY_UNUSABLE", str(error), "make keys with: ledgerctl checkpoint keygen FILE") from None
