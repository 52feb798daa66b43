"""What a section of the benchmarks finds, and the ratios that are promised."""

from typing import Literal

from msgspec import Struct

Cell = str | float | int


class Ratio(Struct, frozen=True):
    """A promised ratio: whether more of it is better, where it should be, and what it says."""

    better: Literal["more", "less"]
    target: float
    meaning: str


RATIOS = {
    "scoring_vs_floor": Ratio("less", 1.2, "our CPU over that of base64, decode, a bare run, ids and encode; 6,000"),
    "scoring_vs_floor_1000": Ratio("less", 1.2, "the same, 1,000 records"),
    "scoring_vs_floor_100": Ratio("less", 1.3, "the same, 100 records"),
    "scoring_vs_seed_style": Ratio("more", 600, "times faster than MLflow pyfunc, a DataFrame and a predict a record"),
    "scoring_vs_course_reference": Ratio("more", 40, "times faster than pyfunc on a dict, a predict a record"),
    "put_vs_prebuilt": Ratio("less", 2.2, "our PutRecords over a body built beforehand, signed, over urllib3"),
    "put_vs_course_reference": Ratio("more", 80, "event to answered PutRecords: times faster than put_record a record"),
    "cold_start_vs_mlflow": Ratio("less", 0.1, "CPU until the first prediction, over MLflow pyfunc's"),
    "publish_cpu_vs_bare_boto3": Ratio("less", 1.5, "`belo publish` over put_records(500) of the same bytes"),
    "consume_cpu_vs_bare_boto3": Ratio("less", 1.5, "`belo consume` over get_records and json.loads"),
    "score_file_vs_floor": Ratio(
        "less", 1.67, "`belo score` of a Parquet file, a row, over the scoring floor, a record"
    ),
    "drain_vs_echo_lambda": Ratio("more", 0.8, "records a second through the stack over those of an echo function"),
    "training_vs_one_core": Ratio("less", 0.6, "seconds of a training with 14 trials, all cores over one core"),
    "champion_vs_boosting_350x24": Ratio("less", 1.0, "the champion's graph over a boosting of 350 trees, 24 leaves"),
}


class Section(Struct, frozen=True):
    """What a section found.

    `ratios`: those of `RATIOS` that it measures; `tables`: rows by the table's title, all rows of a table with the
    same keys, units in the keys; `notes`: sentences that a reader of the tables needs.
    """

    title: str
    ratios: dict[str, float]
    tables: dict[str, list[dict[str, Cell]]]
    notes: tuple[str, ...] = ()
