"""The members of an event's data that hold text: where they stand, and what is done about card numbers there (I28)."""

from collections.abc import Iterator, Mapping
from functools import cache
from types import NoneType, UnionType
from typing import Annotated, Any, Final, Literal, NotRequired, Required, Union, get_args, get_origin, get_type_hints

from typing_extensions import is_typeddict

from schemas.card_data import Keeps, Path, by_name, names_an_identifier
from schemas.envelope import REQUIRED
from schemas.events.registry import EVENT_TYPES
from schemas.events.texts import FREE_MEMBERS, FREE_TEXT, NO_CARD_NUMBER, WITHOUT_CARD_NUMBER, is_nothing_but_card

ANY_NAME: Final = "*"
"""In a path: a member whose name the publisher chooses; `*name` is that name itself."""
_LOOKED_AT: Final = (FREE_TEXT, FREE_MEMBERS, NO_CARD_NUMBER, WITHOUT_CARD_NUMBER)
ATTRIBUTES: Final = frozenset({*REQUIRED, "datacontenttype", "dataschema", "partitionkey"})
"""Of an envelope: they say which event it is, and of what."""

# Any: an annotation is a class, an alias or a special form, which have no common type.
Leaf = tuple[Path, Any, bool]
"""Path, annotation, and whether its text is looked at for card numbers."""


def leaves(annotation: Any, path: Path = (), *, looked_at: bool = False) -> Iterator[Leaf]:
    """Whatever is no object and no array, in the order of the members."""
    origin, inner = get_origin(annotation), get_args(annotation)
    if is_typeddict(annotation):
        for name, member in get_type_hints(annotation, include_extras=True).items():
            yield from leaves(member, (*path, name), looked_at=looked_at)
    elif origin is Annotated:
        looked_at = looked_at or any(mark in _LOOKED_AT for mark in annotation.__metadata__)
        if get_origin(inner[0]) in (None, Literal) and not is_typeddict(inner[0]):
            yield path, annotation, looked_at
        else:
            yield from leaves(inner[0], path, looked_at=looked_at)
    elif origin is dict:
        yield from leaves(inner[0], (*path, f"{ANY_NAME}name"))
        yield from leaves(inner[1], (*path, ANY_NAME), looked_at=looked_at)
    elif origin in (NotRequired, Required, list, Union, UnionType):
        for each in inner:
            yield from leaves(each, path, looked_at=looked_at)
    elif annotation is not NoneType:
        yield path, annotation, looked_at


@cache
def _paths(event_type: str) -> tuple[frozenset[Path], frozenset[Path]]:
    """Of a type that is known: what is left as it is, and everything there is."""
    found = list(leaves(EVENT_TYPES[event_type]))
    return frozenset(path for path, _, looked_at in found if not looked_at), frozenset(path for path, _, _ in found)


@cache
def _left_everywhere() -> frozenset[str]:
    """Names that are left as they are wherever a type of ours has them."""
    names: dict[str, bool] = {}
    for event_type in EVENT_TYPES:
        for path, _, looked_at in leaves(EVENT_TYPES[event_type]):
            names[path[-1]] = names.get(path[-1], True) and not looked_at
    return frozenset(name for name, left in names.items() if left)


def keeps_of_data(event_type: str) -> Keeps:
    """What is left as it is in the data of this type: by its schema, and where that says nothing by names."""
    left, known = _paths(event_type) if event_type in EVENT_TYPES else (frozenset[Path](), frozenset[Path]())

    def keeps(path: Path) -> bool:
        if path in known:
            return path in left
        if (*path[:-1], ANY_NAME) in known:
            return by_name(path)
        return bool(path) and (path[-1] in _left_everywhere() or names_an_identifier(path[-1]))

    return keeps


def keeps_of_event(event_type: str) -> Keeps:
    """The same for a whole event with its envelope, in structured mode."""
    keeps = keeps_of_data(event_type)

    def keeps_too(path: Path) -> bool:
        if path[:1] == ("data",):
            return keeps(path[1:])
        return path[0] in ATTRIBUTES if len(path) == 1 else by_name(path)

    return keeps_too


INSTRUMENT_TYPES: Final = frozenset(
    event_type
    for event_type, schema in EVENT_TYPES.items()
    if any(NO_CARD_NUMBER in get_args(annotation) for _, annotation, _ in leaves(schema))
)
"""Types whose subject is a payment instrument, which `payment_method_id` names, too."""


def names_a_card(event_type: str, subject: str, data: object) -> bool:
    """Whether a payment instrument is named by the number of the card itself."""
    if event_type not in INSTRUMENT_TYPES:
        return False
    named = data.get("payment_method_id") if isinstance(data, Mapping) else None
    return is_nothing_but_card(subject) or (isinstance(named, str) and is_nothing_but_card(named))
