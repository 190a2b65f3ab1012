"""Runs the steps of a composite action that are scripts, in order, as the runner does.

action.py ACTION.yml INPUT=VALUE... -- CONTEXT=VALUE...
Steps that use another action are named and left out; their condition has to be false. The status is that of the step that fails.
"""

import os
import re
import subprocess
import sys

import yaml

path, *rest = sys.argv[1:]
cut = rest.index("--")
pairs = lambda words: dict(word.split("=", 1) for word in words)
with open(path, encoding="utf-8") as file:
    action = yaml.safe_load(file)
values = {f"inputs.{name}": str(entry.get("default", "")) for name, entry in action["inputs"].items()}
given = pairs(rest[:cut])
assert given.keys() <= action["inputs"].keys(), "an input that the action does not have"
values |= {f"inputs.{name}": value for name, value in given.items()} | pairs(rest[cut + 1 :])


def fill(text):
    return re.sub(r"\$\{\{\s*([\w.]+)\s*\}\}", lambda match: values[match.group(1)], str(text))


def holds(condition):
    name, wanted = re.fullmatch(r"([\w.]+) == '([^']*)'", condition).groups()
    return values[name] == wanted


for step in action["runs"]["steps"]:
    if not holds(step.get("if", "inputs.site == '%s'" % values["inputs.site"])):
        continue
    assert "run" in step, f"{step['uses']} is not here"
    environment = os.environ | {name: fill(value) for name, value in step.get("env", {}).items()}
    done = subprocess.run(["bash", "-euo", "pipefail", "-c", step["run"]], env=environment)
    if done.returncode:
        sys.exit(done.returncode)
    with open(os.environ["GITHUB_OUTPUT"], encoding="utf-8") as file:
        values |= {f"steps.{step.get('id')}.outputs.{name}": value for name, value in pairs(file.read().split("\n")[:-1]).items()}
