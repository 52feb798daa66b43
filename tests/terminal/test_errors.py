from botocore.exceptions import ClientError, NoCredentialsError, ParamValidationError

from terminal.errors import one_line


def test_an_answer_of_aws_is_told_with_its_call_and_code():
    denied = {"Error": {"Code": "AccessDenied", "Message": "not you"}}
    assert one_line(ClientError(denied, "GetObject")) == "GetObject: not you (AccessDenied)"
    assert one_line(ClientError({"Error": {"Code": "404"}}, "HeadObject")) == "HeadObject: 404 (404)"


def test_what_the_client_says_in_several_lines_is_told_in_one():
    assert one_line(NoCredentialsError()) == "Unable to locate credentials"
    told = one_line(ParamValidationError(report='Invalid bucket name "A b":\n  it must match'))
    assert told == 'Parameter validation failed: Invalid bucket name "A b": it must match'
