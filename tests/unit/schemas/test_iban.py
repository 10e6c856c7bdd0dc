"""Bank account numbers: their check digits, and how much of one is kept."""

import pytest

from schemas.iban import is_iban, masked

GOOD = ["GE29NB0000000101904917", "DE89370400440532013000", "GB82WEST12345698765432", "NO9386011117947"]


@pytest.mark.parametrize("iban", GOOD)
def test_good_ones_pass_and_any_changed_digit_is_found(iban: str) -> None:
    assert is_iban(iban)
    for place in range(2, len(iban)):
        if iban[place].isdigit():
            other = iban[:place] + str((int(iban[place]) + 1) % 10) + iban[place + 1 :]
            assert not is_iban(other), other


@pytest.mark.parametrize(
    "text", ["", "GE29", "ge29nb0000000101904917", "GE29 NB00 0000 0101 9049 17", "GE29NB" + "0" * 40]
)
def test_what_has_not_the_form_is_none(text: str) -> None:
    assert not is_iban(text)


def test_only_the_ends_are_kept() -> None:
    assert masked("GE29NB0000000101904917") == "GE29**************4917"
