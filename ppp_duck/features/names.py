"""What the name of a column suggests. Names only break ties: no rule asks them where the content is clear."""

from __future__ import annotations

import re


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


# Tokens that say "this tells which one", anywhere in the name: in the languages most schemas are written in.
KEYS_ANYWHERE = _words(
    """
    id ids uuid guid key pk fk sku isbn iban ean upc imei ssn vin barcode serial zip zipcode postcode postal
    plz phone telephone fax rowid rownum url email mail hash token uid oid identifier username login
    """
)
# The same, only as the last token: `invoice_number` is a key, `number_of_rooms` and `no_claims` are not.
KEYS_LAST = _words("no nr num number code ref reference index idx seq sequence row record line")
# Glued names: `PassengerId` splits at the capital, `customerid` does not.
GLUED = re.compile(
    r"(cust(omer)?|user|client|order|session|product|prod|item|account|acct|emp(loyee)?|patient|passenger|household|"
    r"invoice|store|shop|device|sensor|player|team|match|game|listing|host|booking|trans(action)?|visit(or)?|row|record|"
    r"person|student|member|ticket|case|doc(ument)?|file|page|post|event|request|trip|ride|order)"
    r"(id|no|nr|num|number|key|code)"
)
# Things that have ids, where the whole name, or its last token, is one: `customer`, `sales_rep`.
THINGS = _words(
    """
    customer client user member subscriber patient person respondent participant subject student teacher
    employee manager driver rider agent rep supplier vendor seller buyer merchant borrower debtor creditor
    guest visitor player account order invoice booking ticket loan policy claim contract parcel shipment
    listing household family device sensor machine vehicle product item article session request transaction
    org organization company firm station store shop branch office warehouse outlet terminal depot batch lot parent
    municipality kommune tract fips nace naics sic
    """
)
# Of these, those that an amount is called after, too: `loan`, `account` (its balance), `claim`.
MAY_BE_AMOUNTS = _words("account order invoice booking ticket loan policy claim contract")
# Tokens of quantities: a whole number that is called so may be spread as evenly as an id.
MEASURES = _words(
    """
    day days date hour hours minute minutes min mins second seconds sec secs ms week weeks month months year
    years age time duration percent pct percentage share rate ratio score rating points rank level amount
    price cost fee total sum mean avg average count counts qty quantity units size length width height depth
    weight area sqft sqm volume distance km miles m cm mm kg g lat latitude lon lng longitude angle degrees
    bearing direction temperature temp humidity pressure speed power voltage load cpu memory balance salary
    income wage revenue profit spend budget value limit mileage population elevation altitude capacity
    visits orders purchases clicks pages sessions minutes_played bytes
    """
)
# Tokens of moments at which something was written down.
WRITTEN = _words(
    """
    created updated inserted modified logged loaded ingested recorded written timestamp ts datetime
    createdat updatedat at time event
    """
)
YEARS = _words("year yr jahr annee ano anno")


def tokens(name: str) -> tuple[str, ...]:
    """The words of a column's name, folded.

    >>> tokens("customerID"), tokens("Order No."), tokens("HTTPStatus"), tokens("q12")
    (('customer', 'id'), ('order', 'no'), ('http', 'status'), ('q',))
    """
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", " ", name)
    return tuple(word for word in re.findall(r"[^\W\d_]+", spaced.casefold()) if word)


def sounds_like_key(name: str) -> bool:
    """Whether a name suggests that the column says which one, not how much.

    >>> [sounds_like_key(n) for n in ("customer_id", "InvoiceNo", "no_of_rooms", "userid", "paid", "branch", "area")]
    [True, True, False, True, False, True, False]
    """
    words = tokens(name)
    if not words:
        return False
    if KEYS_ANYWHERE & set(words):
        return not (set(words[:1]) & {"n", "num", "count", "mean", "avg"})
    return words[-1] in KEYS_LAST | THINGS or any(GLUED.fullmatch(word) for word in words)


def may_be_amount(name: str) -> bool:
    """Whether a column may be called after what its amounts belong to.

    >>> [may_be_amount(n) for n in ("loan", "first_claim", "loan_id", "LoanNo", "customer")]
    [True, True, False, False, False]
    """
    return bool(MAY_BE_AMOUNTS & set(tokens(name)[-1:]))


def sounds_like_measure(name: str) -> bool:
    """Whether a name suggests a quantity.

    >>> [sounds_like_measure(n) for n in ("day_of_year", "household", "total", "user_id", "score_id")]
    [True, False, True, False, False]
    """
    words = tokens(name)
    if sounds_like_key(name):
        return False
    return bool(MEASURES & set(words)) or words[:1] in (("n",), ("num",), ("number",), ("no",))


def sounds_written(name: str) -> bool:
    """Whether a name suggests the moment at which a row was written.

    >>> [sounds_written(n) for n in ("created_at", "birth_date", "ts")]
    [True, False, True]
    """
    return bool(WRITTEN & set(tokens(name)))


def sounds_like_year(name: str) -> bool:
    return bool(YEARS & set(tokens(name)))
