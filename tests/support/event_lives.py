"""What becomes of an event wherever its order key may stand: by playing it after every short story that is accepted."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache

from ledger_core.domain.cases import Ruling
from ledger_core.domain.outcomes import Outcome
from ledger_core.domain.parts import STEPS, Part, PartKind, State, state_of
from ledger_core.domain.payment_state import payment_state
from ledger_core.domain.subjects import Subject
from ledger_core.domain.vouchers import Line
from tests.support.cases import BOOK
from tests.support.story_desk import BEGUN, KEY, STORIES, StoryDesk, types_of

BEFORE = 2
"""Events before the one that is asked about; and as many after what its story begins with."""
Story = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Step:
    """One way to come: where its order key stands before, what becomes of it, and where that leads."""

    before: tuple[str, ...]
    word: str
    after: tuple[str, ...]


@dataclass(slots=True)
class Life:
    """`subject` says whose states `steps` tell; `posted` are the different entries, each with the story before."""

    subject: str
    steps: list[Step] = field(default_factory=list)
    posted: list[tuple[Story, Sequence[Line]]] = field(default_factory=list)


def life_of(event_type: str) -> Life | None:
    """None of a type that has no story."""
    story = next((name for name in STORIES if event_type in types_of(name)), None)
    if story is None:
        return None
    kind = _part_kind(event_type)
    life = Life(story if kind in (None, story) else f"{story} and {kind}")
    for before in _accepted(story):
        desk = StoryDesk()
        for name in before:
            desk.decide(desk.event(name))
        states = _states(desk, event_type, story)
        ruling = desk.decide(desk.event(event_type)).arrivals[0]
        step = Step(states, _word(ruling), _states(desk, event_type, story))
        if step not in life.steps:
            life.steps.append(step)
        lines = [movement.line for movement in ruling.movements] if ruling.outcome is Outcome.POSTED else []
        if lines and lines not in [known for _, known in life.posted]:
            life.posted.append((before, lines))
    life.steps.sort(key=lambda step: (step.before, step.word))
    return life


@cache
def _accepted(story: str) -> Sequence[Story]:
    """Stories in which every event is accepted, short ones first."""
    found: list[Story] = [(), (BEGUN[story],)] if story in BEGUN else [()]
    last = found
    for _ in range(BEFORE):
        last = [(*one, name) for one in last for name in types_of(story) if _is_accepted((*one, name))]
        found = [*found, *(one for one in last if one not in found)]
    return found


def _is_accepted(story: Story) -> bool:
    desk = StoryDesk()
    rulings = [desk.decide(desk.event(name)).arrivals[0] for name in story]
    return all(ruling.refusal is None for ruling in rulings)


def _word(ruling: Ruling) -> str:
    if ruling.refusal is None:
        return ruling.outcome.value
    code = ruling.refusal.code.value
    return f"parked: {code}" if ruling.outcome is Outcome.PARKED else code


def _part_kind(event_type: str) -> str | None:
    return next((step.kind.value for step in STEPS.values() if f"{step.name}.v1" == event_type), None)


def _states(desk: StoryDesk, event_type: str, story: str) -> tuple[str, ...]:
    """Of the payment or transfer, and of the refund, deposit … that it is a step of; NONE where nothing is known."""
    states: list[str] = []
    if story == "payment":
        state = payment_state(desk.subjects.get((BOOK, KEY)) or Subject())
        states.append(state.value if state else State.NONE.value)
    elif story == PartKind.TRANSFER and _part_kind(event_type) != PartKind.TRANSFER:
        states.append(_part_state(desk, PartKind.TRANSFER))
    states += [_part_state(desk, step.kind) for step in STEPS.values() if f"{step.name}.v1" == event_type]
    return tuple(states)


def _part_state(desk: StoryDesk, of_kind: PartKind) -> str:
    part = next((part for (*_, kind, _), part in desk.parts.items() if kind == of_kind.value), Part())
    return state_of(of_kind, part).value
