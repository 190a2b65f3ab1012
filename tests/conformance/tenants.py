"""What tenants may do on a real API server, and whether dumps of it are judged rightly."""

import json
import pathlib
import subprocess
import time

import objects

# Namespaces that no site describes.
NAMESPACES = ("kube-system", "nobody-described-it")


def policy(namespace: str, name: str, spec: dict) -> dict:
    metadata = {"name": name, "namespace": namespace}
    body = {"podSelector": {}, "policyTypes": ["Ingress", "Egress"], **spec}
    return {"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": metadata, "spec": body}


OWN = {"ingress": [{"from": [{"podSelector": {}}]}], "egress": [{"to": [{"podSelector": {"matchLabels": {"a": "b"}}}]}]}
CLOSED = {"ingress": [], "egress": []}
CROSSING = {
    "everybody": {"ingress": [{}]},
    "everywhere": {"egress": [{}]},
    "all-ports": {"ingress": [{"ports": [{"port": 80, "protocol": "TCP"}]}]},
    "all-namespaces": {"ingress": [{"from": [{"namespaceSelector": {}}]}]},
    "one-namespace": {"egress": [{"to": [{"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "kube-system"}}, "podSelector": {}}]}]},
    "outside": {"ingress": [{"from": [{"ipBlock": {"cidr": "0.0.0.0/0"}}]}]},
    "to-outside": {"egress": [{"to": [{"podSelector": {}}, {"ipBlock": {"cidr": "192.0.2.0/24"}}]}]},
    "second-rule": {"ingress": [{"from": [{"podSelector": {}}]}, {}]},
}


def prepare(client):
    """Lets the user `tenant` edit NetworkPolicies in every namespace but the platform's."""
    rules = [{"apiGroups": ["networking.k8s.io"], "resources": ["networkpolicies"], "verbs": ["*"]}]
    role = {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole", "metadata": {"name": "tenant"}, "rules": rules}
    must(client.apply(role))


def may_edit(client, namespace: str):
    binding = {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "RoleBinding",
        "metadata": {"name": "tenant", "namespace": namespace},
        "subjects": [{"kind": "Group", "name": "tenants", "apiGroup": "rbac.authorization.k8s.io"}],
        "roleRef": {"kind": "ClusterRole", "name": "tenant", "apiGroup": "rbac.authorization.k8s.io"},
    }
    must(client.apply(binding))


def must(answer):
    status, body = answer
    if status not in (200, 201):
        raise SystemExit(f"the API server refuses a fixture: {json.loads(body).get('message', body)}")


def try_everything(client, folder: pathlib.Path, documents: list[dict]) -> list[str]:
    """Asks as a tenant what admission has to refuse, and what it must not refuse."""
    guards = [d for d in documents if d["kind"] == "ValidatingAdmissionPolicy"]
    if not guards:
        return []
    (expression,) = guards[0]["spec"]["matchConstraints"]["namespaceSelector"]["matchExpressions"]
    guarded = expression["values"]
    for namespace in guarded:
        client.create_namespace(namespace)
        may_edit(client, namespace)
    may_edit(client, "nobody-described-it")
    # The server takes up a new admission policy a moment after it was stored.
    probe = policy(guarded[0], "probe", CROSSING["everybody"])
    end = time.monotonic() + 60
    while client.apply(probe, tenant=True)[0] in (200, 201):
        client.delete(probe)
        if time.monotonic() > end:
            return [f"{folder}: the server enforces no admission policy after 60 s"]
        time.sleep(0.2)
    failures, asked = [], 0

    def expect(what: str, status: int, allowed: bool):
        nonlocal asked
        asked += 1
        # A refusal has to be the policy's (422 or 403 with its name), not some other mistake.
        if status not in ((200, 201) if allowed else (403, 422)):
            failures.append(f"{folder}: tenant: {what}: status {status}, which should be {'accepted' if allowed else 'refused'}")

    for namespace in guarded:
        for name, spec in CROSSING.items():
            expect(f"create {name} in {namespace}", client.apply(policy(namespace, name, spec), tenant=True)[0], False)
        for name, spec in (("own", OWN), ("closed", CLOSED)):
            expect(f"create {name} in {namespace}", client.apply(policy(namespace, name, spec), tenant=True)[0], True)
        # A policy that stays inside must not become one that crosses.
        expect(f"widen own in {namespace}", client.apply(policy(namespace, "own", CROSSING["outside"]), tenant=True)[0], False)
        expect(f"delete closed in {namespace}", client.delete(policy(namespace, "closed", {}), tenant=True), True)
    released = [d for d in documents if d["kind"] == "NetworkPolicy" and d["metadata"]["namespace"] in guarded]
    for document in released[:20]:
        expect(f"delete {objects.name(document)}", client.delete(document, tenant=True), False)
        narrowed = policy(document["metadata"]["namespace"], document["metadata"]["name"], CLOSED)
        expect(f"change {objects.name(document)}", client.apply(narrowed, tenant=True)[0], False)
    open_elsewhere = policy("nobody-described-it", "everybody", CROSSING["everybody"])
    expect("create everybody where nothing is guarded", client.apply(open_elsewhere, tenant=True)[0], True)
    client.delete(open_elsewhere)
    print(f"kube-apiserver: {folder.name}: {asked} requests of a tenant, {len(failures)} wrong answers")
    return failures


KINDS = (
    ("networking.k8s.io/v1", "networkpolicies"),
    ("cilium.io/v2", "ciliumnetworkpolicies"),
    ("cilium.io/v2", "ciliumclusterwidenetworkpolicies"),
    ("cilium.io/v2", "ciliumcidrgroups"),
    ("cilium.io/v2", "ciliumegressgatewaypolicies"),
    ("policy.networking.k8s.io/v1alpha2", "clusternetworkpolicies"),
    ("admissionregistration.k8s.io/v1", "validatingadmissionpolicies"),
    ("v1", "namespaces"),
)


def dump(client) -> dict:
    """What `kubectl get … -A -o json` prints: one List of everything."""
    items = []
    for api, plural in KINDS:
        root = f"/apis/{api}" if "/" in api else f"/api/{api}"
        status, body = client.server.ask("GET", f"{root}/{plural}")
        if status != 200:
            raise SystemExit(f"the API server does not list {plural}: {body!r}")
        found = json.loads(body)
        kind = found["kind"].removesuffix("List")
        items += [{"apiVersion": api, "kind": kind, **item} for item in found["items"]]
    return {"apiVersion": "v1", "kind": "List", "items": items}


def verify_dump(client, folder: pathlib.Path, namespaces: list[str], scratch: pathlib.Path, zonec: list[str]) -> list[str]:
    """The dump is inside the envelope; without a guardrail of the cluster it is not once a namespace is opened."""
    program, site = zonec
    failures = []
    guarded = any("zc-guard" in path.read_text(encoding="utf-8") for path in (folder / "00-guardrails").glob("*.yaml"))
    admission = (folder / "00-guardrails" / "tenants.yaml").exists()

    def judge(what: str, expected: int):
        file = scratch / "dump.json"
        file.write_text(json.dumps(dump(client)), encoding="utf-8")
        run = subprocess.run(
            [program, "verify", site, "--cluster", f"{folder.name}={file}"], capture_output=True, text=True, check=False
        )
        if run.returncode != expected:
            failures.append(f"{folder}: {what}: verify ended with {run.returncode}, not {expected}:\n{run.stdout}{run.stderr}")
        print(f"kube-apiserver: {folder.name}: dump {what}: {(run.stdout.splitlines() or ['nothing'])[0].split()[-1]}")

    judge("as it is", 0)
    # The platform may do what admission refuses tenants.
    opened = [policy(namespace, "opened", {"ingress": [{}], "egress": [{}]}) for namespace in namespaces]
    for document in opened:
        must(client.apply(document))
    judge("with every namespace opened", 0 if guarded and not admission else 1)
    for document in opened:
        client.delete(document)
    judge("closed again", 0)
    return failures
