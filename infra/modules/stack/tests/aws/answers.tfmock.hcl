# What AWS answers where a provider talks to nobody: the shapes that other resources look at.

mock_data "aws_caller_identity" {
  defaults = { account_id = "123456789012" }
}

mock_data "aws_iam_policy_document" {
  defaults = { json = "{}" }
}

mock_data "aws_partition" {
  defaults = { partition = "aws" }
}

mock_data "aws_region" {
  defaults = { name = "sa-east-1" }
}

mock_data "aws_availability_zones" {
  defaults = { names = ["sa-east-1a", "sa-east-1b"] }
}

mock_resource "aws_api_gateway_rest_api" {
  defaults = { execution_arn = "arn:aws:execute-api:sa-east-1:123456789012:api" }
}

mock_resource "aws_api_gateway_stage" {
  defaults = { invoke_url = "https://api.execute-api.sa-east-1.amazonaws.com/v1" }
}

mock_resource "aws_kinesis_stream_consumer" {
  defaults = { arn = "arn:aws:kinesis:sa-east-1:123456789012:stream/some-stream/consumer/score:1" }
}

mock_resource "aws_kms_key" {
  defaults = { arn = "arn:aws:kms:sa-east-1:123456789012:key/some-key" }
}

mock_resource "aws_lambda_alias" {
  defaults = {
    arn        = "arn:aws:lambda:sa-east-1:123456789012:function:some-function:live"
    invoke_arn = "arn:aws:apigateway:sa-east-1:lambda:path/2015-03-31/functions/arn:aws:lambda:sa-east-1:123456789012:function:some-function:live/invocations"
  }
}

mock_resource "aws_iam_policy" {
  defaults = { arn = "arn:aws:iam::123456789012:policy/some-policy" }
}

mock_resource "aws_cloudwatch_log_group" {
  defaults = { arn = "arn:aws:logs:sa-east-1:123456789012:log-group:some-group" }
}

mock_resource "aws_ecs_cluster" {
  defaults = { arn = "arn:aws:ecs:sa-east-1:123456789012:cluster/training" }
}

mock_resource "aws_ecs_task_definition" {
  defaults = { arn = "arn:aws:ecs:sa-east-1:123456789012:task-definition/train-worker:1" }
}

mock_resource "aws_iam_role" {
  defaults = { arn = "arn:aws:iam::123456789012:role/some-role" }
}

mock_resource "aws_kinesis_stream" {
  defaults = { arn = "arn:aws:kinesis:sa-east-1:123456789012:stream/some-stream" }
}

mock_resource "aws_lambda_function" {
  defaults = { arn = "arn:aws:lambda:sa-east-1:123456789012:function:some-function" }
}

mock_resource "aws_s3_bucket" {
  defaults = { arn = "arn:aws:s3:::some-bucket" }
}

mock_resource "aws_sns_topic" {
  defaults = { arn = "arn:aws:sns:sa-east-1:123456789012:some-topic" }
}

mock_resource "aws_sqs_queue" {
  defaults = { arn = "arn:aws:sqs:sa-east-1:123456789012:some-queue" }
}
