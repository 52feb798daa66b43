# A network for the functions without a way out, for accounts whose rules ask for one: they reach S3 through a gateway and
# the other services that they call through interface endpoints.

locals {
  own_network      = var.own_network == null ? 0 : 1
  function_network = var.own_network == null ? var.network : { subnets = aws_subnet.functions[*].id, security_groups = aws_security_group.functions[*].id }
  endpoints        = var.own_network == null ? [] : ["kinesis-streams", "events", "sqs", "logs", "kms"]
}

data "aws_availability_zones" "here" {
  # checkov:skip=CKV_AWS_394: the first two by name; a new one changes nothing
  count = local.own_network
  state = "available"
}

resource "aws_vpc" "functions" {
  # checkov:skip=CKV2_AWS_11: nothing leaves it but calls to AWS, which CloudTrail has
  # checkov:skip=CKV2_AWS_12: nothing is in its default group
  count                = local.own_network
  cidr_block           = var.own_network
  enable_dns_support   = true
  enable_dns_hostnames = true
  tags                 = { Name = local.stack_name }
}

resource "aws_subnet" "functions" {
  count             = 2 * local.own_network
  vpc_id            = aws_vpc.functions[0].id
  cidr_block        = cidrsubnet(var.own_network, 1, count.index)
  availability_zone = data.aws_availability_zones.here[0].names[count.index]
}

resource "aws_security_group" "functions" {
  count       = local.own_network
  name        = "${local.stack_name}-functions"
  description = "The functions: nobody calls them here, and they call AWS over TLS."
  vpc_id      = aws_vpc.functions[0].id
}

resource "aws_vpc_security_group_egress_rule" "functions" {
  count             = local.own_network
  security_group_id = aws_security_group.functions[0].id
  description       = "TLS to the endpoints and to S3; no route leads further"
  cidr_ipv4         = "0.0.0.0/0"
  ip_protocol       = "tcp"
  from_port         = 443
  to_port           = 443
}

resource "aws_security_group" "endpoints" {
  count       = local.own_network
  name        = "${local.stack_name}-endpoints"
  description = "The endpoints: the functions call them over TLS."
  vpc_id      = aws_vpc.functions[0].id
}

resource "aws_vpc_security_group_ingress_rule" "endpoints" {
  count                        = local.own_network
  security_group_id            = aws_security_group.endpoints[0].id
  description                  = "TLS from the functions"
  referenced_security_group_id = aws_security_group.functions[0].id
  ip_protocol                  = "tcp"
  from_port                    = 443
  to_port                      = 443
}

resource "aws_route_table" "functions" {
  count  = local.own_network
  vpc_id = aws_vpc.functions[0].id
}

resource "aws_route_table_association" "functions" {
  count          = 2 * local.own_network
  subnet_id      = aws_subnet.functions[count.index].id
  route_table_id = aws_route_table.functions[0].id
}

resource "aws_vpc_endpoint" "s3" {
  count             = local.own_network
  vpc_id            = aws_vpc.functions[0].id
  service_name      = "com.amazonaws.${local.region}.s3"
  vpc_endpoint_type = "Gateway"
  route_table_ids   = aws_route_table.functions[*].id
}

resource "aws_vpc_endpoint" "services" {
  for_each            = toset(local.endpoints)
  vpc_id              = aws_vpc.functions[0].id
  service_name        = "com.amazonaws.${local.region}.${each.value}"
  vpc_endpoint_type   = "Interface"
  private_dns_enabled = true
  subnet_ids          = aws_subnet.functions[*].id
  security_group_ids  = aws_security_group.endpoints[*].id
}
