"""`python -m ledger_core.store.proof FILE [--key KEYS]`: checks proofs where there is no ledger, and no ledgerctl.

Needs these few modules and `cryptography`; it opens the files that it is given, and nothing else.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from ledger_core.store.proof.files import check_file
from ledger_core.store.proof.inclusion import ProofError
from ledger_core.store.proof.key_files import KeyFileError, read_public_keys

EXIT_FAILED: Final = 1
EXIT_DOES_NOT_HOLD: Final = 3


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit code: 0 the proof holds, 3 it does not, 1 a key or the file can't be read."""
    parser = argparse.ArgumentParser(prog="python -m ledger_core.store.proof", description="Check a proof, offline.")
    parser.add_argument("file", type=Path, help="the proof")
    parser.add_argument("--key", type=Path, action="append", default=[], help="file with the public keys that count")
    given = parser.parse_args(arguments)
    try:
        pinned = [key for path in given.key for key in read_public_keys(path)]
        proof, checkpoint = check_file(given.file, pinned)
    except KeyFileError as error:
        sys.stderr.write(f"KEY_UNUSABLE  {error}\n")
        return EXIT_FAILED
    except OSError as error:
        sys.stderr.write(f"FILE_UNREADABLE  {given.file} can't be read: {error.strerror}\n")
        return EXIT_FAILED
    except ProofError as error:
        sys.stderr.write(f"PROOF_DOES_NOT_HOLD  {error}\n")
        return EXIT_DOES_NOT_HOLD
    what = _shown(f"{proof.event.type} {proof.event.order_key}")
    signed_by = f"signed by {proof.public_key.label}{'' if pinned else ' (NOT PINNED)'}"
    sys.stdout.write(
        f"proven: book {proof.book}, position {proof.position}: {what}\n"
        f"{signed_by} at block {checkpoint.block_number}, position {checkpoint.position}\n"
        f"{_shown(proof.event.state.decode('utf-8', 'replace'))}\n"
    )
    return 0


def _shown(text: str) -> str:
    """A stranger's text without what a terminal would take for a command."""
    return "".join(character if character.isprintable() else "\ufffd" for character in text)


if __name__ == "__main__":
    sys.exit(main())
