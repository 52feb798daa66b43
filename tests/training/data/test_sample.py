import pandas as pd

from training.data.sample import COLUMNS, write_sample


def test_the_same_rows_and_seed_give_the_same_file(tmp_path):
    one, again, other = (write_sample(tmp_path / f"{i}.csv", 300, seed) for i, seed in enumerate((1, 1, 2)))
    assert one.read_bytes() == again.read_bytes() != other.read_bytes()


def test_the_sample_has_the_real_header_and_says_that_it_is_generated(sample):
    frame = pd.read_csv(sample, dtype=str, keep_default_na=False)
    assert tuple(frame.columns) == COLUMNS
    assert frame["address"].str.startswith("Rua Gerada ").all()


def test_the_sample_has_the_mess_of_the_real_file(tmp_path):
    frame = pd.read_csv(write_sample(tmp_path / "sample.csv", 6_000), dtype=str, keep_default_na=False)
    price = pd.to_numeric(frame["price"], errors="coerce")
    latitude = frame["latitude"].astype(float)
    shares = {
        "fee empty": frame["adm-fees"].eq("").mean(),
        "fee placeholder": frame["adm-fees"].isin(["1.0", "10.0"]).mean(),
        "rooms --": frame["rooms"].eq("--").mean(),
        "garage --": frame["garage-places"].eq("--").mean(),
        "area range": frame["square-foot"].str.match(r"\d+-\d+").mean(),
        "rents": (price < 20_000).mean(),
        "price empty": price.isna().mean(),
        "another city": frame["city"].str.strip().ne("Belo Horizonte").mean(),
        "bad geocode": (~latitude.between(-20.06, -19.77)).mean(),
        "no neighbourhood": frame["neighborhood"].eq("").mean(),
    }
    expected = {
        "fee empty": (0.25, 0.4),
        "fee placeholder": (0.03, 0.08),
        "rooms --": (0.06, 0.11),
        "garage --": (0.06, 0.12),
        "area range": (0.005, 0.02),
        "rents": (0.01, 0.03),
        "price empty": (0.002, 0.01),
        "another city": (0.003, 0.01),
        "bad geocode": (0.008, 0.04),
        "no neighbourhood": (0.001, 0.01),
    }
    assert {name for name, (low, high) in expected.items() if not low <= shares[name] <= high} == set()
    assert frame["neighborhood"].loc[frame["neighborhood"] != ""].str.startswith(" ").all()


def test_the_sample_repeats_homes_as_agencies_do(data):
    rows, groups = len(data.frame), len(set(data.groups))
    assert 0.03 < 1 - groups / rows < 0.3


def test_most_of_the_sample_belongs_to_the_population(data):
    assert data.report.rows_out > 0.9 * data.report.rows_in
