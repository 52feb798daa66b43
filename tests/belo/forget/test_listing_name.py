"""An id is found however it is spelt, and another one that looks like it is not."""

import gzip
import json

import pytest

from belo.forget.contents import cut, rows
from belo.forget.listing_name import ListingName
from pricing.aggregation import join
from terminal.errors import UsageFailure
from tests.events import payload

ID = "Ação-1"


def spelt(text: str, escape: str = "") -> bytes:
    return f'{{ "data" : {{"listing_id"  :\t"{escape or text}" }} }}'.encode()


@pytest.mark.parametrize(
    "content",
    [
        spelt(ID),
        spelt(ID, r"A\u00e7\u00e3o-1"),
        spelt(ID, r"\u0041\u00E7ão\u002d\u0031"),
        spelt(ID).replace("Ação".encode(), "Ação".encode("latin-1")),
        *(spelt(ID).decode().encode(each) for each in ("utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-8-sig")),
        spelt(ID)[:-4],
        spelt(ID, r"A\u00e7\u00e3o-1")[:-4],
        b"[" * 100_000 + spelt(ID, r"A\u00e7\u00e3o-1"),
        json.dumps({"listingId": f" {ID}\n"}).encode(),
        json.dumps({"Listing ID": ID, "data": {"listing_id": "L-2"}}).encode(),
        b'{"listing_id":"L-2","listing_id":"%s"}' % ID.encode(),
        b'{"listing_id":"%s","listing_id":"L-2"}' % ID.encode(),
        json.dumps({"listing_id": [ID]}).encode(),
        f"id;area\n{ID};80".encode(),
        join([("k", payload("L-2")), ("k", payload(ID))])[:-1],
    ],
)
def test_a_payload_that_names_it_is_found_under_any_key(content):
    assert ListingName(ID).in_record("key", content)


@pytest.mark.parametrize("other", ["Ação-10", "XAção-1", "Ação-1-2", "ação-1", "Acao-1", "Ação"])
def test_another_id_is_another_listing(other):
    for content in (spelt(other), spelt(other)[:-4], json.dumps({"listing_id": other}).encode("utf-16")):
        assert not ListingName(ID).in_record("key", content)


def test_a_payload_that_names_another_listing_is_that_ones_whatever_its_key_and_other_fields_say():
    listing = ListingName("7")
    assert not listing.in_record("7", payload("L-2", neighborhood="7"))
    assert not listing.in_record("7", b'{"subject":"L-2","data":{"model":{"version":"7"}}}')
    assert listing.in_record("7", b'{"area_m2":80}')
    assert listing.in_record("7", b"\xff\xfe nothing")
    assert not listing.in_record("8", b'{"area_m2":77}')


def test_an_id_that_was_sent_as_a_number_is_found():
    assert ListingName("1042").in_record("key", b'{"data":{"listing_id":1042}}')
    assert not ListingName("104").in_record("key", b'{"data":{"listing_id":1042}}')


def test_a_partition_key_that_was_cut_is_the_listings():
    long = "é" * 200
    assert ListingName(long).in_record("é" * 128, b"no JSON")


def test_rows_are_found_by_their_listing_alone():
    listing = ListingName("7")
    mine = b'{"id":"a", "listing_id" : "\\u0037","model_version":"7"}\n'
    others = b'{"id":"b","listing_id":"8","model_version":"7","street":"7"}\r\n{"listing_id":"77"}'
    found = cut(rows, gzip.compress(mine + others), listing)
    assert found is not None
    assert (found.found, gzip.decompress(found.body)) == (1, others)
    assert cut(rows, others, listing) is None


@pytest.mark.parametrize("text", ["", "x" * 257, "L-\udcff"])
def test_what_can_be_no_id_is_refused(text):
    with pytest.raises(UsageFailure, match="LISTING_ID: expected"):
        ListingName(text)
