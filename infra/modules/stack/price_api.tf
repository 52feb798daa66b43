# POST /price: the price of one listing, or of up to a hundred, while somebody waits. The same decode, champion and answer
# as on the stream. Callers sign with IAM credentials, or send a key with a usage plan.

locals {
  price_api = var.price_api ? 1 : 0
  with_keys = var.price_api && var.price_api_auth == "key" ? 1 : 0

  snap_start = var.price_api_snap_start && !contains(var.leave_out, "snap_start")
}

module "price_api" {
  count           = local.price_api
  source          = "../function"
  name            = local.names.price_api
  role_name       = local.roles["price-api"]
  handler         = "lambdas.price_api.handler"
  memory_mb       = 1769 # a whole core: reasons run the model on 128 coalitions of a listing
  timeout_seconds = 29   # API Gateway waits no longer
  snap_start      = local.snap_start
  settings        = local.function_settings
  policy          = data.aws_iam_policy_document.price_api.json

  environment = {
    BELO_MODELS_BUCKET         = module.models.name
    BELO_CHAMPION_POLL_SECONDS = var.champion_poll_seconds
  }
}

data "aws_iam_policy_document" "price_api" {
  statement {
    sid       = "LoadModels"
    actions   = ["s3:GetObject"]
    resources = ["${module.models.arn}/house-price/*"]
  }

  statement {
    sid       = "TellMissingFromForbidden"
    actions   = ["s3:ListBucket"] # without it a missing pointer reads as forbidden
    resources = [module.models.arn]
  }
}

resource "aws_api_gateway_rest_api" "price" {
  count       = local.price_api
  name        = local.names.price_api
  description = "Prices of homes; docs/openapi.json describes it."

  endpoint_configuration {
    types = ["REGIONAL"]
  }

  lifecycle {
    create_before_destroy = true
  }
}

resource "aws_api_gateway_resource" "price" {
  count       = local.price_api
  rest_api_id = aws_api_gateway_rest_api.price[0].id
  parent_id   = aws_api_gateway_rest_api.price[0].root_resource_id
  path_part   = "price"
}

resource "aws_api_gateway_method" "price" {
  # checkov:skip=CKV_AWS_59: a key is needed where it is not IAM
  # checkov:skip=CKV2_AWS_53: the function itself validates, with the words of the stream's dead letters
  count            = local.price_api
  rest_api_id      = aws_api_gateway_rest_api.price[0].id
  resource_id      = aws_api_gateway_resource.price[0].id
  http_method      = "POST"
  authorization    = var.price_api_auth == "iam" ? "AWS_IAM" : "NONE"
  api_key_required = var.price_api_auth == "key"

  request_parameters = {
    "method.request.querystring.explain" = false # may be left out
  }
}

resource "aws_api_gateway_integration" "price" {
  count                   = local.price_api
  rest_api_id             = aws_api_gateway_rest_api.price[0].id
  resource_id             = aws_api_gateway_resource.price[0].id
  http_method             = aws_api_gateway_method.price[0].http_method
  type                    = "AWS_PROXY"
  integration_http_method = "POST"
  uri                     = module.price_api[0].live_invoke_arn
}

resource "aws_lambda_permission" "price_api" {
  count         = local.price_api
  statement_id  = "api-gateway"
  action        = "lambda:InvokeFunction"
  function_name = module.price_api[0].name
  qualifier     = module.price_api[0].live
  principal     = "apigateway.amazonaws.com"
  source_arn    = "${aws_api_gateway_rest_api.price[0].execution_arn}/*/POST/price"
}

resource "aws_api_gateway_deployment" "price" {
  count       = local.price_api
  rest_api_id = aws_api_gateway_rest_api.price[0].id

  # A deployment is a snapshot: a new one where anything in it changes.
  triggers = {
    method = sha256(jsonencode([
      aws_api_gateway_method.price[0].authorization,
      aws_api_gateway_method.price[0].api_key_required,
      aws_api_gateway_integration.price[0].uri,
    ]))
  }

  lifecycle {
    create_before_destroy = true
  }
}

resource "aws_api_gateway_stage" "v1" {
  # checkov:skip=CKV_AWS_73: X-Ray is on where `tracing` is set
  # checkov:skip=CKV_AWS_76: the function's log has a line a call; access logs want a role for the whole account
  # checkov:skip=CKV_AWS_120: prices are not cached: the next champion counts at once
  # checkov:skip=CKV2_AWS_4: as for access logs
  # checkov:skip=CKV2_AWS_29: callers have credentials or a key; a web ACL belongs to the account that wants one
  # checkov:skip=CKV2_AWS_51: callers are known by their credentials
  count                = local.price_api
  rest_api_id          = aws_api_gateway_rest_api.price[0].id
  deployment_id        = aws_api_gateway_deployment.price[0].id
  stage_name           = "v1"
  xray_tracing_enabled = var.tracing

  lifecycle {
    ignore_changes = [access_log_settings] # an account that keeps access logs sets them itself
  }
}

resource "aws_api_gateway_method_settings" "price" {
  # checkov:skip=CKV_AWS_225: prices are not cached
  count       = local.price_api
  rest_api_id = aws_api_gateway_rest_api.price[0].id
  stage_name  = aws_api_gateway_stage.v1[0].stage_name
  method_path = "*/*"

  settings {
    metrics_enabled        = true
    throttling_rate_limit  = var.price_api_rate
    throttling_burst_limit = 2 * var.price_api_rate
  }
}

resource "aws_api_gateway_usage_plan" "price" {
  count = local.with_keys
  name  = local.names.price_api

  api_stages {
    api_id = aws_api_gateway_rest_api.price[0].id
    stage  = aws_api_gateway_stage.v1[0].stage_name
  }

  throttle_settings {
    rate_limit  = var.price_api_rate
    burst_limit = 2 * var.price_api_rate
  }

  quota_settings {
    limit  = 86400 * var.price_api_rate
    period = "DAY"
  }
}

resource "aws_api_gateway_api_key" "price" {
  count = local.with_keys
  name  = local.names.price_api
}

resource "aws_api_gateway_usage_plan_key" "price" {
  count         = local.with_keys
  key_id        = aws_api_gateway_api_key.price[0].id
  key_type      = "API_KEY"
  usage_plan_id = aws_api_gateway_usage_plan.price[0].id
}

output "price_api_id" {
  description = "Id of the API; null without one."
  value       = one(aws_api_gateway_rest_api.price[*].id)
  depends_on  = [aws_api_gateway_stage.v1]
}

output "price_url" {
  description = "Where POST /price is; null without one."
  value       = local.price_url
}

locals {
  price_url = var.price_api ? "${aws_api_gateway_stage.v1[0].invoke_url}/price" : null
}
