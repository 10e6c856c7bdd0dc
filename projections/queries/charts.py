"""The chart in force of a book, for what it says of questions about the book."""

from ledger_core.domain.charts import Chart, chart_from_document
from projections.queries.errors import NotFoundError
from projections.queries.snapshot import QUERIES, Snapshot


def chart_in_force(at: Snapshot) -> Chart:
    """Raises `NotFoundError` for a book without one, such as the system book."""
    found = at.connection.execute(QUERIES["chart_in_force"], {"book_id": at.book_id}).fetchone()
    if found is None:
        raise NotFoundError("chart")
    return chart_from_document(found[1], version=found[0])
