"""What a cleaned frame must look like before anything is learned from it."""

import pandas as pd

from pricing.listing import TEXT_LIMIT
from pricing.market import Market
from terminal.errors import Failure


def check_schema(frame: pd.DataFrame, market: Market) -> None:
    """Raise `Failure` naming column and value where a cleaned frame is not what the learners expect."""
    import pandera.pandas as pa  # slow to import, and needed in training only

    def number(low: float, high: float, *more: pa.Check, dtype: str = "float32", known: bool = False) -> pa.Column:
        return pa.Column(dtype, [pa.Check.in_range(low, high), *more], nullable=not known)

    whole = pa.Check(lambda values: values % 1 == 0, error="whole numbers")
    schema = pa.DataFrameSchema(
        {
            "neighborhood": pa.Column(str, pa.Check.str_length(1, TEXT_LIMIT)),
            "written_neighborhood": pa.Column(str, pa.Check.str_length(1, TEXT_LIMIT)),
            "street": pa.Column(str),
            "written_street": pa.Column(str, pa.Check.str_length(0, TEXT_LIMIT)),
            "area_m2": number(*market.population.area_m2, known=True),
            "rooms": number(0, 1_000, whole),
            "garage_places": number(0, 1_000, whole),
            "adm_fees": number(0, 10_000_000),
            "latitude": number(-90, 90),
            "longitude": number(-180, 180),
            "price": number(*market.population.price, dtype="float64", known=True),
            **{name: number(*market.columns[name].limits) for name in market.numbers},
            **{name: pa.Column(str) for name in market.texts},
        },
        strict=True,
    )
    try:
        schema.validate(frame)
    except pa.errors.SchemaError as error:
        raise Failure(f"the cleaned listings are not as they should be: {error}") from None
