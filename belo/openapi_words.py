"""What the fields of an answer and of a problem mean, for a stranger: units, and when they are there."""

KINDS = {
    "Answer": "The price of a home, what it was made of, and by what; on request also why.",
    "Interval": "Two amounts that the price lies between, as often as `coverage` says.",
    "ModelVersion": "The model that made the price.",
    "Features": "What the model has read of the home. What is not known is not there.",
    "Breakdown": (
        "The price taken apart: what a typical home costs, and by what each group of inputs multiplies that. "
        "`typical_price` times all `factors` is the price, but for rounding."
    ),
    "Comparable": (
        "A home that the model has learnt, and finds to be like this one: it has much the same reasons for its price."
    ),
    "Problem": "Why there are no prices (RFC 9457). Either all listings of a request are priced, or none.",
    "WrongField": "What is wrong with one listing. The first thing that is wrong is told.",
}

FIELDS = {
    "Answer.listing_id": "The listing's name, as it was given; L-1, L-2 and so on where it was not.",
    "Answer.predicted_price": "The price that the home would be offered at, in `currency`, rounded to cents.",
    "Answer.interval": "Where the price lies, with what probability.",
    "Answer.currency": "The currency of all amounts, by its code in ISO 4217.",
    "Answer.model": "Which model made the price.",
    "Answer.features": "What the model has read of the home. Look here first where a price surprises you.",
    "Answer.confidence": (
        "How far off the model expects the price to be, from A (little) to E (much). Each letter is a fifth of homes "
        "like those that it has learnt. Absent where the model does not say."
    ),
    "Answer.warnings": (
        "Where the price means little; absent where there is nothing to warn of. `unknown_neighborhood`: the model has "
        "seen no home there. `outside_area`: the place is off the market's map. `outside_city`: the listing names "
        "another city. `outside_population`: smaller or larger, by itself or for its rooms, than what the model has "
        "learnt. `price_extrapolated`: below or above the prices that it has learnt."
    ),
    "Answer.against_neighborhood": "Against a typical home of its neighbourhood. With explain=1 only.",
    "Answer.against_city": "Against the city's typical home. With explain=1 only.",
    "Answer.comparables": (
        "Up to five homes that were offered and are most like this one, the most alike first. With explain=1 only, and "
        "absent where the model keeps none."
    ),
    "Interval.low": "The lower amount, in `currency`.",
    "Interval.high": "The upper amount, in `currency`.",
    "Interval.coverage": "The share of homes whose price lies between the two: 0.9 is nine in ten.",
    "ModelVersion.name": "The model's name.",
    "ModelVersion.version": "Its version, a whole number as text.",
    "Features.neighborhood": "The neighbourhood.",
    "Features.street": "The street: the address before its first comma.",
    "Features.area_m2": "The living area in m².",
    "Features.rooms": "How many bedrooms.",
    "Features.garage_places": "How many parking places.",
    "Features.adm_fees": "The fee for the building's upkeep, a month, in `currency`.",
    "Features.latitude": "Degrees north (WGS 84).",
    "Features.longitude": "Degrees east (WGS 84).",
    "Features.more": "Columns that the market has beyond these, by their names.",
    "Breakdown.typical_price": "What the model asks for the typical home, in `currency`.",
    "Breakdown.factors": (
        "What each group of inputs multiplies the typical home's price by: 1.2 makes a home a fifth dearer. The groups "
        "are `place`, `size`, `rooms`, `garage`, `fee`, `street`, and `more` where the market has columns of its own. "
        "They are Shapley values of the price's logarithm."
    ),
    "Comparable.home": "What the model knows of the other home.",
    "Comparable.price": "What it was offered at, in `currency`.",
    "Comparable.adjusted_price": "Its price, adjusted by the model to what is different here, in `currency`.",
    "Comparable.distance": (
        "How differently the two homes come to their prices, in log price: 0.1 is about a tenth of the price. Each "
        "kilometre between them adds 0.02, up to ten kilometres."
    ),
    "Comparable.km": "Kilometres between the two, as the crow flies; absent where a place is not known.",
    "Problem.type": "Always about:blank: the status says what kind of problem it is.",
    "Problem.title": "The status in words.",
    "Problem.status": "The status, as in the reply's first line.",
    "Problem.detail": "What is wrong, in a sentence for people. It may be worded differently tomorrow.",
    "Problem.errors": "What is wrong with which listing, one entry for each that is wrong; only with status 422.",
    "WrongField.index": "The listing's place in the request, counted from 0.",
    "WrongField.field": "The field, by its canonical name; `listing` where it is no single one.",
    "WrongField.error": "A sentence with the field, what was expected and what was given.",
}

SERVICE = """\
The price of a home for sale, while you wait: what it would be offered at, between which amounts that price lies, and \
on request why.

Ask for one home, or for up to a hundred at once. Nothing that you send is kept. On the stream of listings the same \
home gets the same price: the model and the rules for a listing are the same.

Amounts are in the market's currency, areas in m², places in degrees. Replies may gain fields: ignore those that you \
do not know. After 29 seconds the gateway answers 504, and 502 where the function fails, in words of its own."""

ASKED = "One listing, or a list of 1 to 100. At most 1 MiB of JSON in UTF-8."
EXPLAIN = (
    "Whether to say why: 1 or true adds the reasons and the most similar homes, and takes about ten times as long. "
    "Capitals do not matter."
)
REPLIES = {
    200: "The price: an answer for a listing alone, and for a list an object with all answers, in the list's order.",
    400: (
        "The request cannot be read: it is no JSON or no UTF-8, nested too deeply, holds a number too large to read, "
        "or `explain` is neither yes nor no."
    ),
    403: "The gateway does not know you: the signature or the key is missing or wrong.",
    413: "Too much at once: more than 100 listings, or more than 1,048,576 bytes.",
    415: "The content type is not application/json, or it names another encoding than UTF-8.",
    422: (
        "It is JSON, but no list of homes that can be priced. `errors` tells what is wrong with which listing; none of "
        "them is priced. Also where explain=1 is asked of a model that keeps no reasons."
    ),
    429: "Too many requests, for the moment or for today. Come again later, and more slowly each time.",
    503: "No model serves yet. Come again after as many seconds as `retry-after` says.",
}
