"""What members that people write in, and members that name a card, do about card numbers (I28).

Identifiers, account codes and references are compared and never altered, whatever their digits pass for. A text is
masked as it is validated, so that neither its event nor its fingerprint knows more than the last four digits.
"""

from typing import Final

from pydantic import AfterValidator

from schemas.card_data import is_card_number, mask_member, mask_text

_GAPS: Final = str.maketrans("", "", " -")


def is_nothing_but_card(text: str) -> bool:
    """A card number with spaces and dashes or without, and no more: a token may hold digits that pass for one."""
    return text.translate(_GAPS).isdecimal() and is_card_number(text)


def _is_no_card_number(text: str) -> str:
    if is_nothing_but_card(text):
        raise ValueError("is a card number, which the ledger does not take: send the processor's token of the card")
    return text


def _holds_no_card_number(text: str) -> str:
    if mask_text(text) != text:
        raise ValueError("holds a card number, which the ledger does not take: leave it out")
    return text


def _masked_by_name(members: dict[str, str]) -> dict[str, str]:
    return {name: mask_member(name, text) for name, text in members.items()}


FREE_TEXT: Final = AfterValidator(mask_text)
"""For people, or in the words of somebody else: card numbers are masked."""
FREE_MEMBERS: Final = AfterValidator(_masked_by_name)
"""Texts under names that the publisher chooses: the name of each says whether it is an identifier, or secret."""
NO_CARD_NUMBER: Final = AfterValidator(_is_no_card_number)
"""A name of a payment instrument: refused where it is a card number and nothing else."""
WITHOUT_CARD_NUMBER: Final = AfterValidator(_holds_no_card_number)
"""A word that can't be masked and is no identifier: refused where it holds a card number."""
