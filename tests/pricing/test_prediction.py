from pricing.prediction import prediction_id


def test_the_id_depends_on_source_and_id_alone():
    assert prediction_id("/marketplace", "5f0c") == prediction_id("/marketplace", "5f0c")
    assert len(prediction_id("/marketplace", "5f0c")) == 32


def test_source_and_id_do_not_run_into_each_other():
    ids = {
        prediction_id("ab", "c"),
        prediction_id("a", "bc"),
        prediction_id("", "abc"),
        prediction_id("1:a", "b"),
    }
    assert len(ids) == 4


def test_the_id_is_what_consumers_have_always_seen():
    # Consumers drop repeats by id across releases: the hash must never change.
    assert prediction_id("/marketplace", "5f0c") == "c42d3d7ccb2fcecd9767095643f22fbe"
