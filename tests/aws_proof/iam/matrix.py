"""Who may do what, and who may not: questions to the policies of a stack, each with the answer that is right."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from tests.aws_proof.iam.collected import Collected
from tests.aws_proof.iam.simulator import Simulator, Unknown, Value

# who, may or may not, the action, on what, and what is known of the request. Columns are two spaces apart at least.
# Without more said, requests come over TLS.
TABLE = """
# Scoring publishes predictions and parks what it cannot price; listings are read, never written.
score  may      kinesis:PutRecords       stream predictions
score  may not  kinesis:PutRecords       stream listings
score  may      kinesis:GetRecords       stream listings
score  may not  kinesis:GetRecords       stream predictions
score  may      s3:GetObject             models/house-price/champion.json
score  may      s3:GetObject             models/house-price/versions/7/model.onnx
score  may not  s3:GetObject             models/bundles/belo.zip
score  may not  s3:PutObject             models/house-price/champion.json
score  may not  s3:DeleteObject          models/house-price/versions/7/model.onnx
score  may      s3:PutObject             dead-letters/dead-letters/dt=2026-01-01/a.jsonl.gz
score  may      s3:PutObject             dead-letters/aws/lambda/a
score  may not  s3:GetObject             dead-letters/dead-letters/dt=2026-01-01/a.jsonl.gz
score  may not  s3:DeleteObject          dead-letters/dead-letters/dt=2026-01-01/a.jsonl.gz
score  may not  s3:GetObject             archive/predictions/dt=2026-01-01/a.jsonl.gz
score  may not  s3:PutObject             archive/predictions/dt=2026-01-01/a.jsonl.gz
score  may not  s3:ListBucket            archive
score  may not  events:PutEvents         bus default  events:source=belo.monitor
score  may not  sqs:SendMessage          queue retraining-requests
score  may      logs:PutLogEvents        log /aws/lambda/score
score  may not  logs:PutLogEvents        log /aws/lambda/monitor
score  may not  logs:CreateLogGroup      log /aws/lambda/score
score  may      kms:GenerateDataKey      key
score  may not  kms:ScheduleKeyDeletion  key

# The archive writes, and reads nothing but its stream.
archive  may      s3:PutObject        archive/predictions/dt=2026-01-01/a.jsonl.gz
archive  may      s3:PutObject        archive/foreign/a
archive  may      s3:PutObject        archive/aws/lambda/a
archive  may not  s3:PutObject        archive/sales/dt=2026-01-01/a.ndjson
archive  may not  s3:PutObject        archive/retraining/a.json
archive  may not  s3:GetObject        archive/predictions/dt=2026-01-01/a.jsonl.gz
archive  may not  s3:PutObject        dead-letters/aws/lambda/a
archive  may      kinesis:GetRecords  stream predictions
archive  may not  kinesis:GetRecords  stream listings
archive  may not  kinesis:PutRecords  stream predictions
archive  may not  s3:GetObject        models/house-price/champion.json

# The monitor looks at everything, writes verdicts, and speaks for itself alone.
monitor  may      s3:GetObject        archive/sales/dt=2026-01-01/a.ndjson
monitor  may      s3:GetObject        dead-letters/dead-letters/dt=2026-01-01/a.jsonl.gz
monitor  may not  s3:GetObject        dead-letters/redriven/a
monitor  may      s3:PutObject        archive/monitor/latest.json
monitor  may      s3:PutObject        archive/index/a
monitor  may not  s3:PutObject        archive/sales/dt=2026-01-01/a.ndjson
monitor  may not  s3:GetObject        archive/retraining/data/a.json.gz
monitor  may not  s3:PutObject        models/house-price/champion.json
monitor  may not  s3:DeleteObject     archive/monitor/latest.json
monitor  may      events:PutEvents    bus default                                         events:source=[belo.monitor]
monitor  may      events:PutEvents    bus default  events:source=[belo.monitor,belo.monitor]
monitor  may not  events:PutEvents    bus default  events:source=[belo.monitor,belo.cli]
monitor  may not  events:PutEvents    bus default                                         events:source=[belo.cli]
monitor  may not  events:PutEvents    bus default
monitor  may not  events:PutEvents    bus another                                         events:source=[belo.monitor]
monitor  may      sqs:SendMessage     queue undelivered
monitor  may not  sqs:SendMessage     queue retraining-requests
monitor  may not  sqs:ReceiveMessage  queue undelivered
monitor  may not  kinesis:GetRecords  stream listings

# The price API reads models.
price-api  may      s3:GetObject           models/house-price/versions/7/model.onnx
price-api  may not  s3:PutObject           models/house-price/champion.json
price-api  may not  s3:GetObject           archive/sales/dt=2026-01-01/a.ndjson
price-api  may not  kinesis:PutRecords     stream predictions
price-api  may not  lambda:InvokeFunction  function score:live

# The worker promotes, and unmakes nothing but a shadow.
train-worker  may      sqs:ReceiveMessage      queue retraining-requests
train-worker  may      sqs:DeleteMessage       queue retraining-requests
train-worker  may not  sqs:SendMessage         queue retraining-requests
train-worker  may not  sqs:DeleteMessage       queue undelivered
train-worker  may      s3:PutObject            models/house-price/versions/8/model.onnx
train-worker  may      s3:PutObject            models/house-price/champion.json
train-worker  may not  s3:DeleteObject         models/house-price/champion.json
train-worker  may not  s3:DeleteObject         models/house-price/versions/7/model.onnx
train-worker  may not  s3:DeleteObjectVersion  models/house-price/champion.json
train-worker  may      s3:DeleteObject         models/house-price/challenger.json
train-worker  may      s3:ListBucketVersions   models
train-worker  may      s3:GetObjectVersion     models/house-price/champion.json
train-worker  may not  s3:GetObjectVersion     archive/sales/dt=2026-01-01/a.ndjson
train-worker  may not  s3:PutObject            models/bundles/belo.zip
train-worker  may      s3:PutObject            archive/retraining/a.json
train-worker  may not  s3:DeleteObject         archive/retraining/a.json
train-worker  may not  s3:PutObject            archive/sales/dt=2026-01-01/a.ndjson
train-worker  may not  s3:GetObject            dead-letters/dead-letters/dt=2026-01-01/a.jsonl.gz
train-worker  may not  kinesis:GetRecords      stream listings
train-worker  may      sns:Publish             topic tickets
train-worker  may not  sns:Publish             topic pages
train-worker  may not  iam:PassRole            role train-worker  iam:PassedToService=ecs-tasks.amazonaws.com

# What starts the worker reads an image and writes a log.
train-worker-start  may      ecr:BatchGetImage              repository belo
train-worker-start  may      logs:PutLogEvents              log /ecs/train-worker
train-worker-start  may not  logs:PutLogEvents              log /aws/lambda/score
train-worker-start  may not  s3:GetObject                   models/house-price/champion.json
train-worker-start  may not  secretsmanager:GetSecretValue  secret somebody-elses

# What wakes it runs this one task, here, with these roles.
train-worker-waker  may      sqs:ReceiveMessage  queue retraining-wake-ups
train-worker-waker  may not  sqs:ReceiveMessage  queue retraining-requests
train-worker-waker  may      ecs:RunTask         task train-worker:1        ecs:cluster=cluster training
train-worker-waker  may not  ecs:RunTask         task train-worker:1        ecs:cluster=cluster another
train-worker-waker  may not  ecs:RunTask         task train-worker:1
train-worker-waker  may not  ecs:RunTask         task another:1             ecs:cluster=cluster training
train-worker-waker  may      iam:PassRole        role train-worker  iam:PassedToService=ecs-tasks.amazonaws.com
train-worker-waker  may not  iam:PassRole        role train-worker          iam:PassedToService=lambda.amazonaws.com
train-worker-waker  may not  iam:PassRole        role score  iam:PassedToService=ecs-tasks.amazonaws.com

# People and programs. Whoever publishes reads nothing; whoever consumes writes nothing.
publisher  may      kinesis:PutRecords         stream listings
publisher  may not  kinesis:GetRecords         stream listings
publisher  may not  kinesis:GetRecords         stream predictions
publisher  may not  kinesis:PutRecords         stream predictions
publisher  may      s3:PutObject               archive/sales/dt=2026-01-01/a.ndjson
publisher  may not  s3:GetObject               archive/sales/dt=2026-01-01/a.ndjson
publisher  may not  s3:PutObject               archive/sales/decisions/dt=2026-01-01/a.ndjson
publisher  may not  s3:PutObject               archive/predictions/a
publisher  may      kms:GenerateDataKey        key
consumer   may      kinesis:GetRecords         stream predictions
consumer   may      kms:Decrypt                key
consumer   may not  kms:GenerateDataKey        key
consumer   may not  kinesis:PutRecords         stream predictions
consumer   may not  kinesis:GetRecords         stream listings
consumer   may not  s3:GetObject               archive/predictions/dt=2026-01-01/a.jsonl.gz
pricer     may      execute-api:Invoke         api v1/POST/price
pricer     may not  execute-api:Invoke         api v1/GET/price
pricer     may not  execute-api:Invoke         api test/POST/price
pricer     may not  lambda:InvokeFunction      function price-api:live
pricer     may not  s3:GetObject               models/house-price/champion.json
pricer     may not  kms:Decrypt                key
operator   may      kinesis:PutRecords         stream listings
operator   may not  kinesis:PutRecords         stream predictions
operator   may      s3:GetObject               dead-letters/dead-letters/dt=2026-01-01/a.jsonl.gz
operator   may      s3:DeleteObject            dead-letters/dead-letters/dt=2026-01-01/a.jsonl.gz
operator   may      s3:PutObject               models/house-price/champion.json
operator   may not  s3:DeleteObject            models/house-price/champion.json
operator   may not  s3:PutObject               models/bundles/belo.zip
operator   may      s3:DeleteObject            models/house-price/challenger.json
operator   may      s3:DeleteObjectVersion     archive/sales/dt=2026-01-01/a.ndjson
operator   may not  s3:DeleteObjectVersion     models/house-price/champion.json
operator   may not  s3:DeleteBucket            archive
operator   may      lambda:UpdateAlias         function score
operator   may not  lambda:UpdateFunctionCode  function score
operator   may not  lambda:UpdateAlias         function somebody-elses
operator   may not  sqs:DeleteMessage          queue retraining-requests

# Whoever asks for a retraining speaks as himself: the bus is the account's, and others listen there.
operator  may      events:PutEvents  bus default  events:source=[belo.cli]
operator  may not  events:PutEvents  bus default  events:source=[belo.monitor]
operator  may not  events:PutEvents  bus default  events:source=[belo.cli,another.application]
operator  may not  events:PutEvents  bus default

# The auditor looks at how it runs: pointers, models and verdicts, and no listing.
auditor  may      kinesis:DescribeStreamSummary  stream listings
auditor  may not  kinesis:GetRecords             stream listings
auditor  may not  kinesis:GetRecords             stream predictions
auditor  may      s3:GetObject                   models/house-price/champion.json
auditor  may      s3:GetObject                   models/house-price/versions/7/manifest.json
auditor  may      s3:GetObject                   models/house-price/versions/7/model.onnx
auditor  may not  s3:GetObject                   models/house-price/versions/7/comparables.json.gz
auditor  may not  s3:GetObject                   models/house-price/versions/7/homes.npz
auditor  may      s3:GetObject                   archive/retraining/verdicts/a.json
auditor  may not  s3:GetObject                   archive/retraining/data/a.json.gz
auditor  may not  s3:GetObject                   archive/retraining/a.json
auditor  may not  s3:GetObject                   archive/monitor/latest.json
auditor  may not  s3:GetObject                   archive/monitor/alarms/a.json
auditor  may not  s3:GetObject                   archive/sales/dt=2026-01-01/a.ndjson
auditor  may not  s3:GetObject                   archive/predictions/dt=2026-01-01/a.jsonl.gz
auditor  may not  s3:GetObject                   dead-letters/dead-letters/dt=2026-01-01/a.jsonl.gz
auditor  may not  s3:PutObject                   models/house-price/champion.json
auditor  may not  s3:PutObject                   archive/retraining/a.json
auditor  may not  s3:DeleteObject                archive/monitor/latest.json
auditor  may not  kinesis:PutRecords             stream listings
auditor  may not  events:PutEvents               bus default  events:source=[belo.cli]
auditor  may not  lambda:UpdateAlias             function score
auditor  may      kms:Decrypt                    key
auditor  may not  kms:GenerateDataKey            key

# Nobody speaks to a bucket without TLS.
score     may not  s3:GetObject   models/house-price/champion.json      aws:SecureTransport=false
monitor   may not  s3:GetObject   archive/sales/dt=2026-01-01/a.ndjson  aws:SecureTransport=false
operator  may not  s3:GetObject   dead-letters/dead-letters/a           aws:SecureTransport=false
operator  may not  s3:ListBucket  archive                               aws:SecureTransport=false

# Services bring messages to queues: only our rules.
events.amazonaws.com  may      sqs:SendMessage     queue retraining-requests  aws:SourceArn=rule retraining
events.amazonaws.com  may      sqs:SendMessage     queue retraining-requests  aws:SourceArn=rule retraining-schedule
events.amazonaws.com  may not  sqs:SendMessage     queue retraining-requests  aws:SourceArn=rule another
events.amazonaws.com  may not  sqs:SendMessage     queue retraining-requests
events.amazonaws.com  may not  sqs:ReceiveMessage  queue retraining-requests  aws:SourceArn=rule retraining
events.amazonaws.com  may      sqs:SendMessage     queue retraining-wake-ups  aws:SourceArn=rule retraining
events.amazonaws.com  may not  sqs:SendMessage     queue retraining-wake-ups  aws:SourceArn=rule another
events.amazonaws.com  may      sqs:SendMessage     queue undelivered          aws:SourceArn=rule monitor
events.amazonaws.com  may not  sqs:SendMessage     queue undelivered          aws:SourceArn=rule another
sns.amazonaws.com     may not  sqs:SendMessage     queue retraining-requests  aws:SourceArn=rule retraining

# And functions: only our rule, and our API.
events.amazonaws.com      may      lambda:InvokeFunction  function monitor:live    aws:SourceArn=rule monitor
events.amazonaws.com      may not  lambda:InvokeFunction  function monitor:live    aws:SourceArn=rule another
apigateway.amazonaws.com  may      lambda:InvokeFunction  function price-api:live  aws:SourceArn=api v1/POST/price
apigateway.amazonaws.com  may not  lambda:InvokeFunction  function price-api:live  aws:SourceArn=api v1/GET/price
apigateway.amazonaws.com  may not  lambda:InvokeFunction  function price-api:live  aws:SourceArn=foreign v1/POST/price
apigateway.amazonaws.com  may not  lambda:InvokeFunction  function score:live      aws:SourceArn=api v1/POST/price

# Roles are taken on by the services they are for; and the account's services use the key.
lambda.amazonaws.com     may      sts:AssumeRole           role score
ecs-tasks.amazonaws.com  may not  sts:AssumeRole           role score
ecs-tasks.amazonaws.com  may      sts:AssumeRole           role train-worker  aws:SourceAccount=ours
ecs-tasks.amazonaws.com  may not  sts:AssumeRole           role train-worker  aws:SourceAccount=theirs
ecs-tasks.amazonaws.com  may not  sts:AssumeRole           role train-worker-waker  aws:SourceAccount=ours
pipes.amazonaws.com      may      sts:AssumeRole           role train-worker-waker  aws:SourceAccount=ours
operator                 may not  sts:AssumeRole           role train-worker
stranger                 may not  sts:AssumeRole           role score
stranger                 may not  sqs:SendMessage          queue retraining-requests  aws:SourceArn=rule retraining
stranger                 may not  s3:GetObject             archive/sales/dt=2026-01-01/a.ndjson
stranger                 may not  kms:Decrypt              key
events.amazonaws.com     may      kms:GenerateDataKey      key  aws:SourceAccount=ours
events.amazonaws.com     may not  kms:GenerateDataKey      key  aws:SourceAccount=theirs
events.amazonaws.com     may not  kms:ScheduleKeyDeletion  key  aws:SourceAccount=ours
"""

THEIRS = "999999999999"
PEOPLE = ("publisher", "consumer", "pricer", "operator", "auditor")


@dataclass(frozen=True, slots=True)
class Question:
    """May `who` do `action` on `resource`, where the request says `context`? `line` is the table's."""

    who: str
    action: str
    resource: str
    context: Mapping[str, Value]
    allowed: bool
    line: str


@dataclass(frozen=True, slots=True)
class Account:
    """Where a stack is, as its policies tell: what the words of the table mean in it."""

    number: str
    region: str
    prefix: str
    key: str
    api: str

    @classmethod
    def of(cls, policies: list[Collected]) -> "Account":
        """Return where the stack is whose policies these are: the one in the region of the queues.

        Roles and buckets of stacks in other regions may be among them. Raises LookupError unless there is one stack.
        """
        regions = {each.owner.split(":")[3] for each in policies if each.kind == "queue"}
        roles = [re.fullmatch(r"arn:aws:iam::(\d+):role/(.*)belo-score-(.+)", each.owner) for each in policies]
        stacks = {found.groups() for found in roles if found and found[3] in regions}
        if len(stacks) != 1:
            raise LookupError(f"expected one stack in {sorted(regions)}, got {len(stacks)}")
        ((number, prefix, region),) = stacks
        keys = [each.owner for each in policies if each.kind == "key"]
        pricer = f"arn:aws:iam::{number}:policy/{prefix}belo-pricer-{region}"
        apis = [each.statements[0]["Resource"] for each in policies if each.owner == pricer]
        api = apis[0].partition("/")[0].rpartition(":")[2] if apis else "no API"
        return cls(number, region, prefix, keys[0] if keys else "no key", api)

    def short(self, name: str) -> str:
        """Return a name less what is the stack's, the account's and the region's: `score` of `belo-score-us-east-1`."""
        for part in (f"{self.prefix}belo-", f"-{self.number}", f"-{self.region}"):
            name = name.replace(part, "")
        return name

    def questions(self) -> list[Question]:
        """Return all questions of the table."""
        return [self._question(line) for line in TABLE.splitlines() if line and not line.startswith("#")]

    def _question(self, line: str) -> Question:
        who, may, action, resource, *more = re.split(r"\s{2,}", line.strip())
        assert may in {"may", "may not"}, line
        context: dict[str, Value] = {"aws:SecureTransport": True} | dict(self._said(each) for each in more)
        sentence = " ".join(line.split())
        return Question(self.principal(who), action, self.arn(resource), context, may == "may", sentence)

    def _said(self, text: str) -> tuple[str, Value]:
        key, _, value = text.partition("=")
        if value.startswith("["):
            return key, value[1:-1].split(",")
        if key == "aws:SourceAccount":
            return key, self.number if value == "ours" else THEIRS
        return key, self.arn(value) if " " in value else value

    def principal(self, who: str) -> str:
        """Return who somebody of the table is: a service, a role, one of the people, or a role of another account."""
        if who == "stranger":
            return f"arn:aws:iam::{THEIRS}:role/stranger"
        if who.endswith(".amazonaws.com"):
            return who
        kind = "policy" if who in PEOPLE else "role"
        return f"arn:aws:iam::{self.number}:{kind}/{self.prefix}belo-{who}-{self.region}"

    def arn(self, words: str) -> str:
        """Return what some words of the table name: `queue undelivered`, `archive/sales/a.json`, `archive`."""
        kind, _, name = words.partition(" ")
        here, named = f"{self.region}:{self.number}", f"{self.prefix}{name}"
        known = {
            "stream": f"arn:aws:kinesis:{here}:stream/{named}",
            "queue": f"arn:aws:sqs:{here}:{named}",
            "topic": f"arn:aws:sns:{here}:{named}",
            "bus": f"arn:aws:events:{here}:event-bus/{name}",
            "rule": f"arn:aws:events:{here}:rule/{named}",
            "function": f"arn:aws:lambda:{here}:function:{named}",
            "log": f"arn:aws:logs:{here}:log-group:{self._log(name)}:log-stream:a",
            "role": f"arn:aws:iam::{self.number}:role/{self.prefix}belo-{name}-{self.region}",
            "task": f"arn:aws:ecs:{here}:task-definition/{named}",
            "cluster": f"arn:aws:ecs:{here}:cluster/{named}",
            "repository": f"arn:aws:ecr:{here}:repository/{name}",
            "secret": f"arn:aws:secretsmanager:{here}:secret:{name}",
            "api": f"arn:aws:execute-api:{here}:{self.api}/{name}",
            "foreign": f"arn:aws:execute-api:{here}:another/{name}",
            "key": self.key,
        }
        if kind in known:
            return known[kind]
        bucket, _, key = words.partition("/")
        assert bucket in {"models", "archive", "dead-letters"}, words
        whole = f"arn:aws:s3:::{self.prefix}belo-{bucket}-{self.number}-{self.region}"
        return f"{whole}/{key}" if key else whole

    def _log(self, name: str) -> str:
        folder, _, last = name.rpartition("/")
        return f"{folder}/{self.prefix}{last}"


def answers(policies: list[Collected]) -> Iterator[tuple[Question, str]]:
    """Yield each question with what the policies do: they allow it, refuse it, or cannot be weighed."""
    simulator = Simulator(policies)
    for question in Account.of(policies).questions():
        try:
            given = simulator.may(question.who, question.action, question.resource, question.context)
        except Unknown as unknown:
            yield question, f"cannot be weighed for {unknown} in"
        else:
            yield question, "allow" if given else "refuse"


def wrong_answers(policies: list[Collected]) -> list[str]:
    """Return the questions that the policies answer otherwise, and those about somebody of whom no policy speaks."""
    known = {policy.owner for policy in policies}
    found = [
        f"the policies {given} it, but: {question.line}"
        for question, given in answers(policies)
        if given != ("allow" if question.allowed else "refuse")
    ]
    ours = sorted({each.who for each in Account.of(policies).questions() if each.who.startswith("arn:")})
    missing = [who for who in ours if who not in known and f":{THEIRS}:" not in who]
    return found + [f"no policy speaks of {who}" for who in missing]
