"""Partitions that do not tell the whole story: stopped ones, and ones that we came too late for."""

from projections.reconciliation.checks.check import Check, Scope

SOURCE_STOPPED = Check(
    code="SOURCE_STOPPED",
    title="A partition is stopped",
    what_to_do="Nothing of this partition is posted until a person has looked and started it again.",
    scope=Scope.SYSTEM,
    observations="""
        SELECT topic || '/' || partition AS subject,
               NULL::bigint AS amount_minor, NULL::smallint AS asset_id, NULL::"char" AS side,
               jsonb_build_object('reason', stopped_code, 'detail', stopped_detail,
                                  'next_offset', next_offset, 'incarnation', incarnation) AS detail
        FROM ledger.source_position
        WHERE stopped_code <> '' AND %(book_id)s = 0
    """,
)

SOURCE_HISTORY_MISSING = Check(
    code="SOURCE_HISTORY_MISSING",
    title="A partition did not begin at its first record",
    what_to_do="Records were gone when we first read the partition: publish them again, or accept it.",
    scope=Scope.SYSTEM,
    observations="""
        SELECT topic || '/' || partition AS subject,
               NULL::bigint AS amount_minor, NULL::smallint AS asset_id, NULL::"char" AS side,
               jsonb_build_object('beginning', beginning, 'incarnation', incarnation) AS detail
        FROM ledger.source_position
        WHERE beginning > 0 AND %(book_id)s = 0
    """,
)
