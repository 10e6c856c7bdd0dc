"""What a verification may take as known: keys that count, checkpoints kept elsewhere, and what was verified before."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from ledger_core.store.proof.checkpoint import Checkpoint
from ledger_core.store.proof.notes import PublicKey
from ledger_core.store.proof.signing import StoredCheckpoint


@dataclass(slots=True, frozen=True)
class Trust:
    """What stands outside the database. Without `keys` every key that signed is taken at its word."""

    keys: Sequence[PublicKey] = ()
    kept: Sequence[Checkpoint] = ()
    """Checkpoints from elsewhere, whose signatures were checked."""

    def accepts(self, stored: StoredCheckpoint) -> bool:
        """Whether a checkpoint in the database is signed by a key that counts."""
        return stored.signed.is_genuine and (not self.keys or stored.signed.key in self.keys)


TRUST_NOTHING: Final = Trust()


@dataclass(slots=True, frozen=True)
class Since:
    """What to verify: from the last signed checkpoint of each book on, or from the block of a position on, or all."""

    position: int = 1
    checkpoint: bool = False

    @property
    def is_everything(self) -> bool:
        return not self.checkpoint and self.position <= 1


EVERYTHING: Final = Since()
