"""No card number and no verification value gets past the masking (I28); nothing else is touched."""

import json

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from schemas.card_data import is_card_number, mask_bytes, mask_document, mask_member, mask_text, nothing

CARDS = [
    "4111111111111111", "4222222222222", "5555555555554444", "2223003122003222", "378282246310005", "30569309025904",
    "6011111111111117", "3530111333300000", "6212345678901232", "6759649826438453",
]  # fmt: skip


@pytest.mark.parametrize("card", CARDS)
@pytest.mark.parametrize("template", ["{}", "paid with {} today", "card{}", "({})", "{}."])
def test_a_card_number_is_masked_wherever_it_stands(card: str, template: str) -> None:
    for document in (
        {"anything": template.format(card)},
        {"deep": [{"list": ["x", template.format(card)]}]},
        {template.format(card): 1},
        [template.format(card)],
    ):
        masked = mask_document(json.dumps(document).encode())
        assert masked.values == 1
        assert card not in masked.document.decode()
        assert card[-4:] in masked.document.decode()
        json.loads(masked.document)


def test_spaces_and_dashes_hide_no_card_number() -> None:
    masked = mask_document(b'{"a":"4111 1111 1111 1111","b":"4111-1111-1111-1111"}')
    assert masked.document == b'{"a":"**** **** **** 1111","b":"****-****-****-1111"}'


def test_escapes_hide_no_card_number_and_no_name() -> None:
    digits = "".join(f"\\u{ord(digit):04x}" for digit in CARDS[0])
    assert mask_document(b'{"x":"%s"}' % digits.encode()).document == b'{"x":"************1111"}'
    assert mask_document(b'{"\\u0063vc":"9876"}').document == b'{"\\u0063vc":"***"}'


def test_a_number_is_masked_as_a_text_would_be() -> None:
    assert mask_document(b'{"n": 4111111111111111}').document == b'{"n": "************1111"}'


@pytest.mark.parametrize(
    "member",
    [
        '"cvc":"123"', '"card_cvc":"9876"', '"cvv": 123', '"securityCode":"737"', '"card.cvc":"123"', '"CVV2":"999"',
        '"pin":"123456"', '"track2":"whatever it is"', '"encryptedSecurityCode":"adyenjs_0"', '"cvvCode":"123"',
    ],
)  # fmt: skip
def test_a_verification_value_is_masked_by_its_name(member: str) -> None:
    name = json.loads("{" + member + "}")
    masked = mask_document(b'{"card":{%s,"brand":"visa"}}' % member.encode())
    assert json.loads(masked.document)["card"] == {**dict.fromkeys(name, "***"), "brand": "visa"}


def test_what_stands_inside_a_verification_value_is_masked_with_it() -> None:
    masked = mask_document(b'{"cvc":{"value":"737","of":[{"n":12},"a"]},"n":12}')
    assert json.loads(masked.document) == {"cvc": {"value": "***", "of": [{"n": "**"}, "*"]}, "n": 12}


def test_the_digits_of_a_named_card_number_need_not_convince() -> None:
    document = b'{"cardNumber":"4111111111111112","pan":"1234567890123456","primary_account_number":"99"}'
    assert mask_document(document).document == (
        b'{"cardNumber":"************1112","pan":"************3456","primary_account_number":"**"}'
    )


@pytest.mark.parametrize(
    "document",
    [
        '{"cvc_check":"pass","cvvCode":"M","address_zip_check":null}',
        '{"pspReference":"4111111111111111","originalReference":"4111111111111111","id":"4111111111111111"}',
        '{"pspReference":"9913140798220028","reason":"1234:7777:12/2012"}',
        '{"created":1648320024,"value":10000,"ms":1648320024123}',
        '{"reason":"Payment.TxId=300000000524534724 dispute"}',
        '{"iban":"DE89370400440532013000","last4":"4242","exp":"12\\/2012"}',
        '{"key":"28a1c0f2-1234-4123-8123-123456789012"}',
        '{"n":4111111111111112,"s":"4111111111111112"}',
        '{"long":"00004111111111111111000000"}',
        ' { "spaces" : [ 1 , 2.50, -3e5, true, null ] } ',
    ],
)
def test_what_is_no_secret_stays_byte_for_byte(document: str) -> None:
    masked = mask_document(document.encode())
    assert (masked.document, masked.values) == (document.encode(), 0)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=30) | st.sampled_from(CARDS),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)


@given(document=JSON, ascii_only=st.booleans(), indent=st.sampled_from([None, 2]))
def test_any_document_stays_json_of_the_same_shape(document: object, ascii_only: bool, indent: int | None) -> None:
    text = json.dumps(document, ensure_ascii=ascii_only, indent=indent)
    masked = mask_document(text.encode("utf-8", "surrogatepass"))
    again = json.loads(masked.document.decode("utf-8", "surrogatepass"))
    assert type(again) is type(document) or masked.values
    if not masked.values:
        assert again == document
    assert mask_document(masked.document).values == 0


@given(prefix=st.sampled_from(["4", "51", "37", "6011"]), rest=st.text("0123456789", min_size=14, max_size=14))
def test_every_number_with_a_schemes_beginning_and_a_check_digit_is_one(prefix: str, rest: str) -> None:
    length = 15 if prefix == "37" else 16
    number = (prefix + rest)[: length - 1]
    candidates = [number + digit for digit in "0123456789"]
    cards = [candidate for candidate in candidates if is_card_number(candidate)]
    assume(cards)
    assert len(cards) == 1
    assert cards[0].encode() not in mask_document(json.dumps([cards[0]]).encode()).document


TEXTS = [
    ("what stands before and behind is left", "100 4111111111111111 12/27 no", "100 ************1111 12/27 no"),
    ("digits beside it, a space apart", "7 4111 1111 1111 1111 05 06 2027", "7 **** **** **** 1111 05 06 2027"),
    ("two of them", "4111111111111111 5555555555554444", "************1111 ************4444"),
    ("dashes of a word processor", "4111\u20131111\u20131111\u20131111", "****\u2013****\u2013****\u20131111"),
    ("spaces that do not break", "4111\u00a01111\u00a01111\u00a01111", "****\u00a0****\u00a0****\u00a01111"),
    ("digits of another script", "\uff14\uff11\uff11\uff11111111111111", "************1111"),
    ("a long number that only holds one", "99994111111111111111000", "99994111111111111111000"),
    ("no check digit", "4111111111111112", "4111111111111112"),
    ("a telephone number", "+49 30 1234 5678 90", "+49 30 1234 5678 90"),
    ("nothing", "", ""),
]  # fmt: skip


@pytest.mark.parametrize(("text", "masked"), [row[1:] for row in TEXTS], ids=[row[0] for row in TEXTS])
def test_card_numbers_are_masked_as_people_write_them(text: str, masked: str) -> None:
    assert mask_text(text) == masked


DIGITS_AND_GAPS = st.text("0123456789 -x", max_size=60) | st.lists(
    st.sampled_from([*CARDS, " ", "-", "12", "x"]), max_size=8
).map("".join)


@given(text=DIGITS_AND_GAPS)
def test_a_masked_text_is_as_long_and_masking_it_again_changes_nothing(text: str) -> None:
    masked = mask_text(text)
    assert len(masked) == len(text)
    assert mask_text(masked) == masked


def test_texts_without_card_numbers_are_not_even_copied() -> None:
    text = "insufficient funds on account 12345678901"
    assert mask_text(text) is text


@pytest.mark.parametrize(
    ("name", "text", "masked"),
    [
        ("cvv", "737", "***"), ("pin", "9", "*"), ("card_cvc", "7371", "***"), ("cvc_check", "pass", "pass"),
        ("order_id", CARDS[0], CARDS[0]), ("orderId", CARDS[0], CARDS[0]), ("amount_minor", CARDS[0], CARDS[0]),
        ("card_id", CARDS[0], "************1111"), ("paymentMethodId", CARDS[0], "************1111"),
        ("paid", CARDS[0], "************1111"), ("note", CARDS[0], "************1111"),
        ("pan", "1234567890123456", "************3456"),
    ],
)  # fmt: skip
def test_the_name_of_a_member_says_what_its_text_is(name: str, text: str, masked: str) -> None:
    assert mask_member(name, text) == masked
    assert mask_member(name, masked) == masked


def test_where_nothing_is_compared_identifiers_are_masked_as_well() -> None:
    document = b'{"id":"4111111111111111","order_id":"4111111111111111"}'
    assert mask_document(document).values == 0
    assert json.loads(mask_document(document, nothing).document) == {
        "id": "************1111", "order_id": "************1111",
    }  # fmt: skip


@pytest.mark.parametrize("encoding", ["ascii", "utf-8-sig", "utf-16", "utf-16-be", "utf-16-le"])
def test_bytes_that_are_no_document_are_masked_in_any_encoding_of_the_web(encoding: str) -> None:
    value = '{"pan": "4111 1111 1111 1111", "id": "5555555555554444", '.encode(encoding)
    masked = mask_bytes(value)
    assert masked == '{"pan": "**** **** **** 1111", "id": "************4444", '.encode(encoding)
    assert mask_bytes(masked) == masked


def test_a_verification_value_is_masked_in_bytes_that_are_no_document() -> None:
    assert mask_bytes(b'{\'cvv\': 737, cvc=1234 "security_code":"999"') == (
        b'{\'cvv\': ***, cvc=**** "security_code":"***"'
    )
    assert mask_bytes(b'\xff{"amount_minor": "4111", "pinned": 123}') == b'\xff{"amount_minor": "4111", "pinned": 123}'
