"""The policies of an applied stack, proved: AWS understands each statement, and those may who should, nobody else."""

from dataclasses import dataclass

from tests.aws_proof.iam.collected import ClientOf, Collected, collected
from tests.aws_proof.iam.known_to_aws import complaints
from tests.aws_proof.iam.matrix import Account, wrong_answers
from tests.aws_proof.iam.planted import FAULTS


@dataclass(frozen=True, slots=True)
class Counts:
    """How much was looked at."""

    policies: int
    statements: int
    questions: int
    faults: int  # that were planted, each of which was caught unless `Proof.wrong` says otherwise

    def __str__(self) -> str:
        """Return the counts as they are printed."""
        return (
            f"{self.policies} policies, {self.statements} statements known to AWS, {self.questions} questions, "
            f"{self.faults} planted faults"
        )


class Wrong(list[str]):
    """What is wrong, in sentences; nothing, if all is well. `counts` says what was looked at."""

    def __init__(self, found: list[str], counts: Counts) -> None:
        super().__init__(found)
        self.counts = counts


def prove(client_of: ClientOf) -> Wrong:
    """Return what is wrong with the policies of a stack that was applied whole, and what the checks failed to notice.

    `client_of` makes the client of a service, like `boto3.Session().client`. There must be one stack in its
    region, with a key of its own, the worker, the price API and topics.
    """
    policies = collected(client_of)
    counts = Counts(
        len(policies),
        sum(len(policy.statements) for policy in policies),
        len(Account.of(policies).questions()),
        len(FAULTS),
    )
    return Wrong([*found(policies), *unnoticed(policies)], counts)


def found(policies: list[Collected]) -> list[str]:
    """Return what is wrong with the policies themselves."""
    return [*complaints(policies), *wrong_answers(policies)]


def unnoticed(policies: list[Collected]) -> list[str]:
    """Return the planted faults of which is not said what must be, or had been said without them."""
    before = set(found(policies))
    missed = []
    for fault in FAULTS:
        try:
            said = set(found(fault.into(policies))) - before
        except LookupError as error:
            missed.append(f"not planted: {error}")
            continue
        if not any(fault.said in sentence for sentence in said):
            missed.append(f"not noticed: {fault.name}")
    return missed
