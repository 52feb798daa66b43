"""Requests as they came over the wire, read back into operations and parameters by botocore's models of AWS."""

import json
import re
import xml.etree.ElementTree as ET
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any
from urllib.parse import parse_qs, unquote

from botocore.loaders import Loader
from botocore.model import OperationModel, ServiceModel, Shape

from tests.aws_proof.moto_cloud import Sent

SIGNED_AS = {"monitoring": "cloudwatch"}  # elsewhere botocore's name is the one in the signature


@dataclass(frozen=True)
class Call:
    """An operation of AWS with its parameters, named as botocore names them."""

    service: str
    operation: str
    parameters: dict[str, Any]


class Unknown(Exception):
    """A request that is no operation of its service, or has parameters that the operation does not know."""


@cache
def model(service: str) -> ServiceModel:
    """Return botocore's model of a service."""
    return ServiceModel(Loader().load_service_model(service, "service-2"), service)


def read(sent: Sent) -> Call:
    """Return the call that a request is; raises `Unknown`."""
    service = SIGNED_AS.get(sent.service, sent.service)
    headers = {name.lower(): value for name, value in sent.headers.items()}
    described = model(service)
    if target := headers.get("x-amz-target"):
        operation = described.operation_model(target.rpartition(".")[2])
        return Call(service, operation.name, json.loads(sent.body or b"{}"))
    if "x-www-form-urlencoded" in headers.get("content-type", ""):
        form = {name: values[0] for name, values in parse_qs(sent.body.decode(), keep_blank_values=True).items()}
        operation = described.operation_model(form.pop("Action"))
        form.pop("Version", None)
        taken: set[str] = set()
        ec2 = described.protocol == "ec2"
        parameters = _from_form(operation.input_shape, "", form, taken, ec2=ec2) if operation.input_shape else {}
        if left := sorted(set(form) - taken):
            raise Unknown(f"{service}.{operation.name}: unknown parameters {', '.join(left)}")
        return Call(service, operation.name, parameters)
    return _of_rest(service, described, sent, headers)


# --- query and ec2: a form, flattened --------------------------------------------------------


def _from_form(shape: Shape, prefix: str, form: Mapping[str, str], taken: set[str], *, ec2: bool) -> Any:
    if shape.type_name == "structure":
        found = {}
        for name, member in shape.members.items():
            key = f"{prefix}.{_form_name(name, member, ec2=ec2)}".lstrip(".")
            if any(each == key or each.startswith(f"{key}.") for each in form):
                found[name] = _from_form(member, key, form, taken, ec2=ec2)
        return found
    if shape.type_name == "list":
        return list(_form_items(shape, prefix, form, taken, ec2=ec2))
    if shape.type_name == "map":
        base = prefix if shape.serialization.get("flattened") else f"{prefix}.entry"
        keys = _numbers(base, form)
        return {
            _from_form(shape.key, f"{base}.{n}.key", form, taken, ec2=ec2): _from_form(
                shape.value, f"{base}.{n}.value", form, taken, ec2=ec2
            )
            for n in keys
        }
    taken.add(prefix)
    return _scalar(shape, form[prefix])


def _form_items(shape: Shape, prefix: str, form: Mapping[str, str], taken: set[str], *, ec2: bool) -> Iterator[Any]:
    if form.get(prefix) == "":  # an empty list
        taken.add(prefix)
        return
    base = prefix
    if not ec2 and not shape.serialization.get("flattened"):
        base = f"{prefix}.{shape.member.serialization.get('name', 'member')}"
    for n in _numbers(base, form):
        yield _from_form(shape.member, f"{base}.{n}", form, taken, ec2=ec2)


def _numbers(base: str, form: Mapping[str, str]) -> list[int]:
    found = {re.match(rf"{re.escape(base)}\.(\d+)(\.|$)", each) for each in form}
    return sorted({int(each[1]) for each in found if each})


def _form_name(name: str, member: Shape, *, ec2: bool) -> str:
    said = member.serialization
    if ec2:
        named = str(said.get("queryName") or said.get("name") or name)
        return named[0].upper() + named[1:]
    if member.type_name == "list" and said.get("flattened") and "name" in member.member.serialization:
        return str(member.member.serialization["name"])
    return str(said.get("name", name))


# --- REST: method, path, query, headers and body ---------------------------------------------------


def _of_rest(service: str, described: ServiceModel, sent: Sent, headers: Mapping[str, str]) -> Call:
    operation, in_path = _matched(described, sent)
    parameters: dict[str, Any] = {}
    shape = operation.input_shape
    for name, member in (shape.members if shape else {}).items():
        said = member.serialization
        wire = said.get("name", name)
        match said.get("location"):
            case "uri" if wire in in_path:
                parameters[name] = in_path[wire]
            case "querystring" if wire in sent.query:
                values = [_scalar(member, value) for value in sent.query[wire]]
                parameters[name] = values if member.type_name == "list" else values[0]
            case "header" if wire.lower() in headers:
                parameters[name] = _scalar(member, headers[wire.lower()])
    if shape and sent.body:
        payload = shape.serialization.get("payload")
        if payload and shape.members[payload].type_name in {"blob", "string"}:
            parameters[payload] = sent.body.decode(errors="replace")
        elif described.protocol == "rest-xml":
            target = shape.members[payload] if payload else shape
            found = _from_xml(target, ET.fromstring(sent.body))
            parameters |= {payload: found} if payload else found
        else:
            target = shape.members[payload] if payload else shape
            found = _renamed(target, json.loads(sent.body))
            parameters |= {payload: found} if payload else found
    return Call(service, operation.name, parameters)


def _matched(described: ServiceModel, sent: Sent) -> tuple[OperationModel, dict[str, str]]:
    best: tuple[int, OperationModel, dict[str, str]] | None = None
    named = sent.query.get("x-id", [None])[0]  # S3's clients say which operation they mean
    for route in _routes(described.service_name):
        found = route.pattern.fullmatch(sent.path.rstrip("/") or "/")
        if found and route.takes(sent) and named in {None, route.operation.name}:
            score = 10 * len(route.query) - len(found.groupdict())
            if best is None or score > best[0]:
                in_path = {name.replace("__", "-"): unquote(value) for name, value in found.groupdict().items()}
                best = score, route.operation, in_path
    if best is None:
        raise Unknown(f"{sent.service}: no operation is {sent.method} {sent.path} {sorted(sent.query)}")
    return best[1], best[2]


@dataclass(frozen=True)
class _Route:
    pattern: re.Pattern[str]
    method: str
    query: dict[str, str]  # what must stand in it, with a value or with any
    operation: OperationModel

    def takes(self, sent: Sent) -> bool:
        shape = self.operation.input_shape
        required = [
            shape.members[name].serialization.get("name", name)
            for name in (shape.required_members if shape else [])
            if shape.members[name].serialization.get("location") == "querystring"
        ]
        given = all(name in sent.query for name in (*self.query, *required))
        return (
            self.method == sent.method
            and given
            and all(not value or sent.query[name] == [value] for name, value in self.query.items())
        )


@cache
def _routes(service: str) -> list[_Route]:
    described = model(service)
    operations = [described.operation_model(name) for name in described.operation_names]
    routes = []
    for operation in operations:
        path, _, query = operation.http["requestUri"].partition("?")
        pattern = re.sub(
            r"\\\{(\w[\w\\-]*?)(\\\+)?\\\}",
            lambda each: f"(?P<{each[1].replace(chr(92), '').replace('-', '__')}>{'.+' if each[2] else '[^/]+'})",
            re.escape(path.rstrip("/") or "/"),
        )
        wanted = {part.partition("=")[0]: part.partition("=")[2] for part in query.split("&") if part}
        if not operation.deprecated:
            routes.append(_Route(re.compile(pattern), operation.http["method"], wanted, operation))
    return routes


def _renamed(shape: Shape, value: Any) -> Any:
    """Return a JSON body with the members' names in the place of those on the wire."""
    if shape.type_name == "structure" and isinstance(value, dict):
        names = {member.serialization.get("name", name): (name, member) for name, member in shape.members.items()}
        return {
            names[wire][0] if wire in names else wire: _renamed(names[wire][1], each) if wire in names else each
            for wire, each in value.items()
        }
    if shape.type_name == "list" and isinstance(value, list):
        return [_renamed(shape.member, each) for each in value]
    if shape.type_name == "map" and isinstance(value, dict):
        return {name: _renamed(shape.value, each) for name, each in value.items()}
    return value


def _from_xml(shape: Shape, node: ET.Element) -> Any:
    if shape.type_name == "structure":
        found: dict[str, Any] = {}
        names = {}
        for name, member in shape.members.items():
            wire = member.serialization.get("name", name)
            if member.type_name == "list" and member.serialization.get("flattened"):
                wire = member.serialization.get("name") or member.member.serialization.get("name", wire)
            names[wire.rpartition(":")[2]] = name, member
        for child in node:
            wire = child.tag.rpartition("}")[2]
            name, member = names.get(wire, (wire, None))
            if member is None:
                found[name] = child.text
            elif member.type_name == "list" and member.serialization.get("flattened"):
                found.setdefault(name, []).append(_from_xml(member.member, child))
            else:
                found[name] = _from_xml(member, child)
        return found
    if shape.type_name == "list":
        return [_from_xml(shape.member, child) for child in node]
    return _scalar(shape, node.text or "")


def _scalar(shape: Shape, text: str) -> Any:
    if shape.type_name == "list":
        return text.split(",")
    if shape.type_name == "boolean":
        return {"true": True, "false": False}.get(text, text)
    if shape.type_name in {"integer", "long"}:
        return int(text) if re.fullmatch(r"-?\d+", text) else text
    if shape.type_name in {"float", "double"}:
        return float(text)
    return text
