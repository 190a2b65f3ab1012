#!/usr/bin/env python3
"""Asks a real kube-apiserver whether it takes every emitted object.

    api_server.py PROGRAM CLUSTER-FOLDER... --crds FOLDER

Starts PROGRAM (kube-apiserver with etcd inside) on the loopback, installs the
CRDs, applies every object of each folder by server-side apply with strict field
validation, reads it back, and compares: what was sent must come back as it was
sent. Then every object is applied once more, which must change nothing. Each
folder gets a fresh set of objects: they are deleted before the next one.

While a folder is applied, a tenant with the right to edit NetworkPolicies tries
what tenants try: where an admission policy is the guardrail, the server has to
refuse whatever leaves the namespace. With --zonec PROGRAM the server is dumped
then, tenant's policies included, and `zonec verify --cluster` has to find the
dump inside the envelope, and outside of it once a policy that opens a namespace
is there.
"""

import argparse
import contextlib
import json
import pathlib
import secrets
import socket
import ssl
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

import objects
import tenants

SERVER_FIELDS = ("uid", "resourceVersion", "creationTimestamp", "generation", "managedFields")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Server:
    """A running API server and the one token that it knows."""

    def __init__(self, program: str, folder: pathlib.Path):
        self.folder = folder
        self.token, self.tenant = secrets.token_hex(16), secrets.token_hex(16)
        (folder / "tokens.csv").write_text(
            f'{self.token},conformance,conformance,"system:masters"\n{self.tenant},tenant,tenant,"tenants"\n'
        )
        key = folder / "service-account.key"
        subprocess.run(["openssl", "genrsa", "-out", key, "2048"], check=True, capture_output=True)
        port = free_port()
        self.url = f"https://127.0.0.1:{port}"
        self.log = open(folder / "log", "w", encoding="utf-8")
        self.process = subprocess.Popen(
            [
                program, folder / "etcd", str(free_port()),
                "--bind-address=127.0.0.1", f"--secure-port={port}",
                f"--cert-dir={folder / 'certs'}", f"--token-auth-file={folder / 'tokens.csv'}",
                "--authorization-mode=RBAC", "--service-cluster-ip-range=10.0.0.0/24",
                "--service-account-issuer=https://conformance.invalid",
                f"--service-account-key-file={key}", f"--service-account-signing-key-file={key}",
                # Nothing that would need a controller manager beside the server.
                "--disable-admission-plugins=ServiceAccount",
                "--watch-cache=false", "--v=0",
            ],
            stdout=self.log, stderr=subprocess.STDOUT,
        )
        self.context = None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.log.close()

    def ask(self, method: str, path: str, body: bytes | None = None, kind: str = "application/json", tenant: bool = False):
        if self.context is None:
            self.context = ssl.create_default_context(cafile=self.folder / "certs" / "apiserver.crt")
        request = urllib.request.Request(self.url + path, data=body, method=method)
        request.add_header("Authorization", f"Bearer {self.tenant if tenant else self.token}")
        request.add_header("Content-Type", kind)
        try:
            with urllib.request.urlopen(request, context=self.context, timeout=60) as reply:
                return reply.status, reply.read()
        except urllib.error.HTTPError as error:
            return error.code, error.read()

    def wait(self, seconds: float = 120):
        """Returns when the server calls itself ready."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if self.process.poll() is not None:
                break
            # Until the certificate is written and the port is open there is no one to ask.
            with contextlib.suppress(OSError):
                if self.ask("GET", "/readyz")[0] == 200:
                    return
            time.sleep(0.3)
        tail = (self.folder / "log").read_text(encoding="utf-8").splitlines()[-15:]
        sys.exit("kube-apiserver did not become ready:\n" + "\n".join(tail))


class Client:
    def __init__(self, server: Server):
        self.server = server
        self.resources: dict[str, dict[str, tuple[str, bool]]] = {}

    def path(self, document: dict) -> str:
        """The URL of an object, from what the server says about its API groups."""
        api = document["apiVersion"]
        root = f"/apis/{api}" if "/" in api else f"/api/{api}"
        for attempt in range(50):
            if document["kind"] in self.resources.get(api, {}):
                break
            status, body = self.server.ask("GET", root)
            if status == 200:
                self.resources[api] = {
                    entry["kind"]: (entry["name"], entry["namespaced"])
                    for entry in json.loads(body)["resources"] if "/" not in entry["name"]
                }
            # A CRD is served a moment after it was taken.
            time.sleep(0.1 if attempt else 0)
        else:
            sys.exit(f"the API server does not serve {api} {document['kind']}")
        plural, namespaced = self.resources[api][document["kind"]]
        metadata = document["metadata"]
        place = f"/namespaces/{metadata['namespace']}" if namespaced else ""
        return f"{root}{place}/{plural}/{metadata['name']}"

    def apply(self, document: dict, tenant: bool = False) -> tuple[int, bytes]:
        manager = "tenant" if tenant else "zonec"
        query = f"?fieldManager={manager}&fieldValidation=Strict&force=true"
        body = json.dumps(document).encode()
        return self.server.ask("PATCH", self.path(document) + query, body, "application/apply-patch+yaml", tenant)

    def delete(self, document: dict, tenant: bool = False) -> int:
        return self.server.ask("DELETE", self.path(document), tenant=tenant)[0]

    def create_namespace(self, name: str):
        self.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})


def difference(sent, got, where: str = "") -> str | None:
    """The first place at which two objects differ."""
    if isinstance(sent, dict) and isinstance(got, dict):
        for key in sorted(set(sent) | set(got)):
            if key not in sent or key not in got:
                return f"{where}.{key} only in what was {'sent' if key in sent else 'read back'}"
            if found := difference(sent[key], got[key], f"{where}.{key}"):
                return found
        return None
    if isinstance(sent, list) and isinstance(got, list) and len(sent) == len(got):
        for index, pair in enumerate(zip(sent, got)):
            if found := difference(*pair, f"{where}[{index}]"):
                return found
        return None
    return None if sent == got and type(sent) is type(got) else f"{where}: sent {sent!r}, read back {got!r}"


def without_server_fields(document: dict) -> dict:
    metadata = {k: v for k, v in document["metadata"].items() if k not in SERVER_FIELDS}
    return {**{k: v for k, v in document.items() if k != "status"}, "metadata": metadata}


def check_folder(client: Client, folder: pathlib.Path, scratch: pathlib.Path, zonec: list[str] | None) -> tuple[int, list[str]]:
    everything = [
        (path, document)
        for path in objects.files(folder)
        for document in objects.documents(path)
        if objects.is_object(document)
    ]
    # The platform owns namespaces; the folder may describe them as well.
    namespaces = {d["metadata"]["namespace"] for _, d in everything if "namespace" in d["metadata"]}
    for namespace in sorted(namespaces | set(tenants.NAMESPACES)):
        client.create_namespace(namespace)
    failures = []
    for path, document in everything:
        where = f"{path}: {objects.name(document)}"
        status, body = client.apply(document)
        if status not in (200, 201):
            failures.append(f"{where}: refused: {json.loads(body).get('message', body)}")
            continue
        status, body = client.server.ask("GET", client.path(document))
        read = json.loads(body)
        if document["kind"] != "Namespace":
            if found := difference(document, without_server_fields(read)):
                failures.append(f"{where}: {found}")
        status, body = client.apply(document)
        if json.loads(body)["metadata"]["resourceVersion"] != read["metadata"]["resourceVersion"]:
            failures.append(f"{where}: a second apply changes it")
    failures += tenants.try_everything(client, folder, [document for _, document in everything])
    if zonec:
        failures += tenants.verify_dump(client, folder, sorted(namespaces), scratch, zonec)
    for _, document in everything:
        if document["kind"] != "Namespace":
            client.delete(document)
    return len(everything), failures


def install(client: Client, folders: list[pathlib.Path]) -> int:
    count = 0
    for folder in folders:
        for path in objects.files(folder):
            for document in objects.documents(path):
                if document["kind"] != "CustomResourceDefinition":
                    continue
                status, body = client.apply(document)
                if status not in (200, 201):
                    sys.exit(f"{path}: {json.loads(body).get('message', body)}")
                count += 1
    return count


def main() -> int:
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("program")
    arguments.add_argument("folder", type=pathlib.Path, nargs="+")
    arguments.add_argument("--zonec", help="program that judges dumps; folders are then OUT/SITE/kubernetes|cilium/CLUSTER")
    arguments.add_argument("--sites", type=pathlib.Path, help="folder of the sites of the same names")
    arguments.add_argument("--crds", type=pathlib.Path, action="append", default=[])
    options = arguments.parse_args()
    with tempfile.TemporaryDirectory(prefix="zonec-api-") as scratch, Server(options.program, pathlib.Path(scratch)) as server:
        begin = time.monotonic()
        server.wait()
        client = Client(server)
        crds = install(client, options.crds)
        print(f"kube-apiserver: ready with {crds} CRDs after {time.monotonic() - begin:.1f} s")
        tenants.prepare(client)
        total, failures = 0, []
        for folder in options.folder:
            zonec = [options.zonec, str(options.sites / folder.parts[-3])] if options.zonec else None
            count, found = check_folder(client, folder, pathlib.Path(scratch), zonec)
            total += count
            failures += found
        for failure in failures:
            print(failure)
        print(f"kube-apiserver: {total} objects applied, read back and applied again, {len(failures)} errors")
        return 1 if failures or not total else 0


if __name__ == "__main__":
    sys.exit(main())
