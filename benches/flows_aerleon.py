#!/usr/bin/env python3
"""The flows of `FOLDER/*.csv` as Aerleon compiles them to nftables: `FOLDER/*.aerleon.nft`, for `benches/load.py`.

Needs Aerleon (Apache-2.0) outside of this repository:

    python3 -m venv /tmp/aerleon && /tmp/aerleon/bin/pip install aerleon==1.18.0
    /tmp/aerleon/bin/python benches/flows_aerleon.py FOLDER [LARGEST]

One term per flow, as a policy repository would have it. Files with more than LARGEST flows (default 10000) are left out:
Aerleon takes minutes for them.
"""
import csv
import pathlib
import sys
import time

from aerleon import api
from aerleon.lib import naming


def policy(rows):
    definitions = naming.Naming()
    networks = {row[end] for row in rows for end in ("source", "destination")}
    ports = {row["port"] for row in rows}
    definitions.ParseDefinitionsObject(
        {
            "networks": {f"H{n.replace('.', '_')}": {"values": [{"address": f"{n}/32"}]} for n in sorted(networks)},
            "services": {f"P{p}": [{"protocol": "tcp", "port": int(p)}] for p in sorted(ports)},
        },
        "flows",
    )
    terms = [
        {
            "name": row["flow"],
            "source-address": f"H{row['source'].replace('.', '_')}",
            "destination-address": f"H{row['destination'].replace('.', '_')}",
            "destination-port": f"P{row['port']}",
            "protocol": "tcp",
            "action": "accept",
        }
        for row in rows
    ]
    header = {"targets": {"nftables": "inet forward"}}
    return {"filename": "flows", "filters": [{"header": header, "terms": terms}]}, definitions


def main():
    folder = pathlib.Path(sys.argv[1])
    largest = int(sys.argv[2]) if len(sys.argv) > 2 else 10_000
    for file in sorted(folder.glob("*.csv"), key=lambda file: int(file.stem)):
        if int(file.stem) > largest:
            print(f"{file.stem}: left out")
            continue
        rows = list(csv.DictReader(file.open()))
        start = time.monotonic()
        made, definitions = policy(rows)
        files = api.Generate([made], definitions)
        text = "\n".join(files.values())
        (folder / f"{file.stem}.aerleon.nft").write_text(text)
        print(f"{file.stem}: {time.monotonic() - start:.1f} s, {text.count(chr(10))} lines")


main()
