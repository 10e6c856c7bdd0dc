"""Questions about the groups of a book's chart."""

from fastapi import APIRouter, Response

from api.query.answers import name_position, snapshot_for
from api.query.parameters import BookCode, OfBookQuery
from api.query.services import Served
from api.query.wire.groups import Group, GroupsAnswer, RolledUp
from projections.queries.account_tree import account_tree

router = APIRouter(prefix="/v1/books/{book}/groups", tags=["accounts"])


@router.get("", summary="List the groups of the chart with their sums")
def list_groups(services: Served, response: Response, book: BookCode, query: OfBookQuery) -> GroupsAnswer:
    """Groups of the chart in force, each with what is below it per currency, exact at the position of the answer."""
    with snapshot_for(services, book, query) as at:
        name_position(response, at.position)
        tree = account_tree(at, groups_only=True)
    return GroupsAnswer(
        book=book,
        position=at.position,
        chart_version=tree.chart_version,
        balances=[RolledUp.of(sums) for sums in tree.balances],
        groups=[Group.of(node) for node in tree.nodes],
    )
