"""Reading Kubernetes objects from emitted files and from CRD files."""

import pathlib
import sys

import yaml

LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def files(folder: pathlib.Path) -> list[pathlib.Path]:
    """Every YAML file below a folder, in a stable order."""
    return sorted(path for path in folder.rglob("*.yaml"))


def documents(path: pathlib.Path) -> list[dict]:
    """The objects of one file; a document without a kind is an error, except kustomize's own."""
    found = []
    for document in yaml.load_all(path.read_text(encoding="utf-8"), Loader=LOADER):
        if document is None or (path.name.startswith("kustom") and "kind" not in document):
            continue
        if "kind" not in document:
            sys.exit(f"{path}: a document has no kind")
        found.append(document)
    return found


def is_object(document: dict) -> bool:
    """False for what only kustomize reads."""
    return document["kind"] != "Kustomization"


def name(document: dict) -> str:
    metadata = document["metadata"]
    namespace = metadata.get("namespace")
    place = f"{namespace}/" if namespace else ""
    return f"{document['kind']} {place}{metadata['name']}"
