"""Listings, events and dicts as records of the input stream, or refused by name."""

import msgspec
import pytest

from pricing.listing import Listing, ListingEvent, decode
from pricing.refusal import InvalidRecord
from stream_producer.listing_records import Records

LISTING = {"listing_id": "L-1", "neighborhood": "Savassi", "area_m2": 80.0}
EVENT = {"specversion": "1.0", "id": "e-1", "source": "/shop", "type": "listing.submitted", "data": LISTING}


@pytest.mark.parametrize("submission", [LISTING, msgspec.convert(LISTING, Listing)])
def test_a_listing_becomes_an_event_of_the_source_under_an_identity_of_its_own(submission):
    one, other = (Records("/shop").of(submission) for _ in range(2))

    events = [decode(each.data) for each in (one, other)]
    assert one.partition_key == "L-1"
    assert [each.source for each in events] == ["/shop", "/shop"]
    assert events[0].id != events[1].id
    assert events[0].data == msgspec.convert(LISTING, Listing)


@pytest.mark.parametrize("submission", [EVENT, msgspec.convert(EVENT, ListingEvent)])
def test_an_event_keeps_its_identity(submission):
    event = decode(Records("/other").of(submission).data)

    assert (event.source, event.id) == ("/shop", "e-1")


@pytest.mark.parametrize(
    ("submission", "error"),
    [
        (LISTING | {"area_m2": -5}, "area_m2: expected a number > 0, got -5"),
        ({"neighborhood": "Savassi", "area_m2": 80.0}, "listing_id: required, but missing"),
        (
            Listing(listing_id="L-1", neighborhood="", area_m2=80.0),
            "neighborhood: expected text of 1 to 256 characters",
        ),
        (EVENT | {"id": ""}, "id: expected text of 1 to 256 characters"),
        (LISTING | {"address": "x" * 2_000_000}, "event: 2000"),
    ],
)
def test_what_is_no_valid_listing_is_refused_by_field_and_value(submission, error):
    with pytest.raises(InvalidRecord, match=error):
        Records("/shop").of(submission)
