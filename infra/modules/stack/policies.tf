# What people and programs around the stack may do, to be attached to roles of the account: publish, consume, operate and
# look. The functions' own policies stand beside the functions.

locals {
  # Who reads decrypts; who writes asks for a data key, too. Whoever asks for a price does neither.
  key_use = {
    publisher = ["kms:Decrypt", "kms:GenerateDataKey"]
    consumer  = ["kms:Decrypt"]
    operator  = ["kms:Decrypt", "kms:GenerateDataKey"]
    auditor   = ["kms:Decrypt"]
  }
  kms_use = { for name, actions in local.key_use : name => [{ sid = "UseTheKey", actions = actions, resources = [local.kms_key_arn] }] if var.own_kms_key }

  log_groups = [for name in ["/aws/lambda/${local.names.score}", "/aws/lambda/${local.names.archive}", "/aws/lambda/${local.names.monitor}", "/aws/lambda/${local.names.price_api}", "/ecs/${local.names.train_worker}"] : "arn:${local.partition}:logs:${local.region}:${local.account}:log-group:${name}"]

  reading_a_stream = ["kinesis:DescribeStream", "kinesis:DescribeStreamSummary", "kinesis:GetRecords", "kinesis:GetShardIterator", "kinesis:ListShards"]

  people = {
    publisher = [
      { sid = "PublishListings", actions = ["kinesis:DescribeStreamSummary", "kinesis:ListShards", "kinesis:PutRecord", "kinesis:PutRecords"], resources = [local.listings_arn] },
      { sid = "ReportSales", actions = ["s3:PutObject"], resources = ["${module.archive.arn}/sales/dt=*"] },
    ]

    consumer = [
      { sid = "ReadPredictions", actions = local.reading_a_stream, resources = [local.predictions_arn] },
    ]

    pricer = [
      { sid = "AskForPrices", actions = ["execute-api:Invoke"], resources = var.price_api ? ["${aws_api_gateway_rest_api.price[0].execution_arn}/v1/POST/price"] : [] },
    ]

    operator = [
      { sid = "ReadStreams", actions = local.reading_a_stream, resources = [local.listings_arn, local.predictions_arn] },
      { sid = "Redrive", actions = ["kinesis:PutRecords"], resources = [local.listings_arn] },
      { sid = "ReadBuckets", actions = ["s3:GetObject", "s3:GetObjectVersion"], resources = ["${module.models.arn}/*", "${module.dead_letters.arn}/*", "${module.archive.arn}/*"] },
      { sid = "ListBuckets", actions = ["s3:ListBucket", "s3:ListBucketVersions"], resources = [module.models.arn, module.dead_letters.arn, module.archive.arn] },
      { sid = "PromoteAndRollBack", actions = ["s3:PutObject"], resources = ["${module.models.arn}/house-price/*"] },
      { sid = "EndAShadow", actions = ["s3:DeleteObject"], resources = ["${module.models.arn}/house-price/challenger.json"] },
      { sid = "TakeOut", actions = ["s3:DeleteObject"], resources = ["${module.dead_letters.arn}/*"] },
      { sid = "Forget", actions = ["s3:PutObject", "s3:DeleteObject", "s3:DeleteObjectVersion"], resources = ["${module.archive.arn}/*", "${module.dead_letters.arn}/*"] },
      { sid = "AskForRetraining", actions = ["events:PutEvents"], resources = [local.event_bus_arn] },
      { sid = "EmptyQueues", actions = ["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:PurgeQueue"], resources = ["${local.requests_arn}-dead", local.undelivered_arn] },
      { sid = "ReadLogs", actions = ["logs:FilterLogEvents", "logs:GetLogEvents"], resources = flatten([for name in local.log_groups : [name, "${name}:*"]]) },
      { sid = "SeeQueues", actions = ["sqs:GetQueueAttributes", "sqs:GetQueueUrl"], resources = [local.requests_arn, "${local.requests_arn}-dead", local.undelivered_arn] },
      { sid = "MoveLive", actions = ["lambda:GetAlias", "lambda:UpdateAlias", "lambda:ListVersionsByFunction"], resources = [for name in [local.names.score, local.names.archive, local.names.monitor, local.names.price_api] : "arn:${local.partition}:lambda:${local.region}:${local.account}:function:${name}"] },
      { sid = "Watch", actions = ["cloudwatch:DescribeAlarms", "cloudwatch:GetMetricData", "cloudwatch:GetMetricStatistics"], resources = ["*"] },
    ]

    # Of models not what they have learnt, and of verdicts the contests': those of the monitor and the rest of the ledger
    # name listings.
    auditor = [
      { sid = "SeeStreams", actions = ["kinesis:DescribeStreamSummary", "kinesis:ListShards"], resources = [local.listings_arn, local.predictions_arn] },
      { sid = "ListBuckets", actions = ["s3:GetBucketVersioning", "s3:GetEncryptionConfiguration", "s3:GetLifecycleConfiguration", "s3:ListBucket"], resources = [module.models.arn, module.dead_letters.arn, module.archive.arn] },
      { sid = "ReadPointers", actions = ["s3:GetObject"], resources = ["${module.models.arn}/house-price/champion.json", "${module.models.arn}/house-price/challenger.json"] },
      { sid = "ReadModels", actions = ["s3:GetObject"], resources = [for file in ["manifest.json", "model.onnx"] : "${module.models.arn}/house-price/versions/*/${file}"] },
      { sid = "ReadVerdicts", actions = ["s3:GetObject"], resources = ["${module.archive.arn}/retraining/verdicts/*"] },
      { sid = "Watch", actions = ["cloudwatch:DescribeAlarms", "cloudwatch:GetMetricData", "cloudwatch:GetMetricStatistics"], resources = ["*"] },
    ]
  }
}

data "aws_iam_policy_document" "people" {
  for_each = { for name, statements in local.people : name => concat(statements, lookup(local.kms_use, name, [])) if length(flatten(statements[*].resources)) > 0 }

  dynamic "statement" {
    for_each = each.value
    content {
      sid       = statement.value.sid
      actions   = statement.value.actions
      resources = statement.value.resources

      # The bus is the account's: whoever asks for a retraining speaks as nobody else. As for the monitor, all events of a
      # request must say so, and there must be one.
      dynamic "condition" {
        for_each = statement.value.sid != "AskForRetraining" || contains(var.leave_out, "event_source_key") ? {} : { "ForAllValues:StringEquals" = "belo.cli", "Null" = "false" }
        content {
          test     = condition.key
          variable = "events:source"
          values   = [condition.value]
        }
      }
    }
  }
}

resource "aws_iam_policy" "people" {
  # checkov:skip=CKV_AWS_356: CloudWatch knows no narrower resource for looking
  for_each    = data.aws_iam_policy_document.people
  name        = "${local.stack_name}-${each.key}-${local.region}"
  description = "What a ${each.key} of ${local.stack_name} may do."
  policy      = each.value.json
}

output "policies" {
  description = "ARNs of the policies for people and programs around the stack: publisher, consumer, pricer, operator, auditor."
  value       = { for name, policy in aws_iam_policy.people : name => policy.arn }
}
