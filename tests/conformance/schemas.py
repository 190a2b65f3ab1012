#!/usr/bin/env python3
"""Holds emitted objects against the published schemas.

    schemas.py FOLDER --crds FOLDER [--crds FOLDER]

NetworkPolicies and everything else that Kubernetes itself defines go through
kubernetes-validate --strict; objects of a custom resource go against the
OpenAPI schema of their CRD, read strictly: a field the CRD does not know is an
error, because an API server would drop it and change what the policy means.
"""

import argparse
import ipaddress
import pathlib
import sys

import jsonschema
import kubernetes_validate

import objects

# The newest Kubernetes whose schemas kubernetes-validate 1.37.0 holds.
KUBERNETES = "1.37"


def strict(schema: dict, closed: bool = True) -> dict:
    """An OpenAPI v3 schema of a CRD as a JSON Schema that forbids unknown fields.

    Branches of anyOf and its like only add conditions: the fields are listed outside of them.
    """
    if not isinstance(schema, dict):
        return schema
    result = {}
    for key, value in schema.items():
        if key == "properties":
            result[key] = {name: strict(part, closed) for name, part in value.items()}
        elif key in ("items", "additionalProperties"):
            result[key] = strict(value, closed)
        elif key == "not":
            result[key] = strict(value, closed=False)
        elif key in ("anyOf", "allOf", "oneOf"):
            result[key] = [strict(part, closed=False) for part in value]
        elif key == "pattern":
            # Go's class of everything that is no control or unassigned character.
            result[key] = value.replace(r"\PC", ".")
        elif not key.startswith("x-") and key not in ("description", "nullable", "default"):
            result[key] = value
    if schema.get("x-kubernetes-int-or-string"):
        result.pop("type", None)
    open_object = schema.get("x-kubernetes-preserve-unknown-fields")
    if closed and "properties" in result and "additionalProperties" not in result and not open_object:
        result["additionalProperties"] = False
    return result


def validators(folders: list[pathlib.Path]) -> dict:
    checker = jsonschema.FormatChecker(formats=())

    @checker.checks("cidr", raises=ValueError)
    def is_prefix(value: object) -> bool:
        return "/" in str(value) and bool(ipaddress.ip_network(str(value), strict=False))

    @checker.checks("ipv4", raises=ValueError)
    def is_ipv4(value: object) -> bool:
        return bool(ipaddress.IPv4Address(value))

    found = {}
    for folder in folders:
        for path in objects.files(folder):
            for crd in objects.documents(path):
                if crd["kind"] != "CustomResourceDefinition":
                    continue
                for version in crd["spec"]["versions"]:
                    schema = strict(version["schema"]["openAPIV3Schema"])
                    # apiVersion, kind and metadata are the API server's part.
                    schema["properties"]["metadata"] = {"type": "object"}
                    api = f"{crd['spec']['group']}/{version['name']}"
                    found[api, crd["spec"]["names"]["kind"]] = jsonschema.Draft202012Validator(
                        schema, format_checker=checker
                    )
    return found


def check(document: dict, crds: dict) -> list[str]:
    custom = crds.get((document["apiVersion"], document["kind"]))
    if custom:
        return [f"{error.json_path}: {error.message}" for error in custom.iter_errors(document)]
    if "." in document["apiVersion"].split("/")[0] and not document["apiVersion"].split("/")[0].endswith(".k8s.io"):
        return ["no CRD of this kind was given"]
    try:
        kubernetes_validate.validate(document, KUBERNETES, strict=True)
    except kubernetes_validate.ValidationError as error:
        return [error.message]
    except kubernetes_validate.SchemaNotFoundError as error:
        return [f"no schema: {error}"]
    return []


def main() -> int:
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("folder", type=pathlib.Path, nargs="+")
    arguments.add_argument("--crds", type=pathlib.Path, action="append", default=[])
    options = arguments.parse_args()
    crds = validators(options.crds)
    count = failures = 0
    for folder in options.folder:
        for path in objects.files(folder):
            for document in filter(objects.is_object, objects.documents(path)):
                count += 1
                for message in check(document, crds):
                    failures += 1
                    print(f"{path}: {objects.name(document)}: {message}")
    print(f"schemas: {count} objects held against {len(crds)} CRDs and Kubernetes {KUBERNETES}, {failures} errors")
    return 1 if failures or not count else 0


if __name__ == "__main__":
    sys.exit(main())
