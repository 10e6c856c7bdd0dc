"""A poster that tries out: it prepares and posts as `Poster` does, and nothing of it stays."""

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

import psycopg

from ledger_core.domain.incoming import Incoming
from ledger_core.store.batch import BatchResult, SourceAdvance
from ledger_core.store.cutting import cut, joined
from ledger_core.store.items import Prepared
from ledger_core.store.poster import Poster


class DryPoster(Poster):
    """One connection instead of four, so that accounts opened on the fly, source rows and batches are all in one
    transaction, which is rolled back. Until then it holds the locks that posting would: not for long files.

    Always the exact path, each batch once: the guards know blocks by their transaction, so there is no savepoint to
    go back to. What surprises a batch is the work of others at this moment: begin anew, on a new poster.
    """

    tries_again = False

    def open(self) -> None:
        self._use([self._connect()] * 4)
        self._exact_preparer.opens_at_once = True

    @contextmanager
    def undone(self) -> Iterator[psycopg.Connection[Any]]:
        """Everything posted inside is seen over this connection, by nobody else, and is gone at the end."""
        with self._posting.transaction(force_rollback=True):
            yield self._posting

    def prepare(self, incoming: Sequence[Incoming], advances: Sequence[SourceAdvance]) -> Prepared:
        prepared = self._try_to_lay_out(self._exact_preparer, incoming, advances, look_up=True)
        prepared.lock_every_key = True
        return prepared

    def post(self, prepared: Prepared) -> BatchResult:
        """Raises the errors of one try (surprises, holds that are due, a batch too large for what it heals, psycopg);
        then nothing more can be posted."""
        if prepared.too_large:
            pieces = cut(prepared.incoming, prepared.advances)
            return joined([self.post(self.prepare(*piece)) for piece in pieces])
        return self._post_once(prepared, exact=True)

    def _transaction(self) -> AbstractContextManager[object]:
        return nullcontext()
