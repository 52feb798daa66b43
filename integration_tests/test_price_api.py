"""`POST /price` on a running cloud: through the gateway, and with what the stream says."""

import json
import urllib.error
import urllib.request

import pytest

from integration_tests.cloud import until

HOME = ("--neighborhood", "Buritis", "--area", "102", "--rooms", "3", "--garage", "2", "--fee", "600")


def test_the_price_is_the_streams_to_the_cent_and_says_why(cloud, tmp_path):
    file = tmp_path / "home.csv"
    file.write_text("listing_id,neighborhood,area_m2,rooms,garage_places,adm_fees\nP-1,Buritis,102,3,2,600\n")
    cloud.belo("publish", str(file))
    asked = json.loads(cloud.belo("price", *HOME, "--explain", "--json").stdout)
    streamed = until(lambda: cloud.predictions("P-1"), "the listing has a price")["P-1"]["data"]
    same = ("predicted_price", "interval", "confidence", "model")
    assert {name: asked[name] for name in same} == {name: streamed[name] for name in same}
    factors = asked["against_city"]["factors"].values()
    price = asked["against_city"]["typical_price"]
    for factor in factors:
        price *= factor
    assert price == pytest.approx(asked["predicted_price"], rel=1e-6)
    assert len(asked["comparables"]) == 5


def test_a_wrong_field_is_told_by_the_gateway_too(cloud):
    done = cloud.belo("price", "--neighborhood", "Buritis", "--area", "-3", exit_code=2)
    assert "area_m2: expected a number > 0, got -3" in done.stderr


def test_nobody_asks_without_credentials(cloud, emulator):
    if emulator != "ministack":
        pytest.skip("LocalStack's community edition does not enforce IAM")
    unsigned = urllib.request.Request(cloud.stack.price_url, b"{}", {"content-type": "application/json"})
    with pytest.raises(urllib.error.HTTPError, match="403"):
        urllib.request.urlopen(unsigned, timeout=30)
