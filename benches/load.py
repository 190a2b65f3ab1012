#!/usr/bin/env python3
"""How much CPU time `nft -f` takes for each ruleset of a folder, how much memory it takes, and what the kernel keeps.

    cargo test --release --test kernel figures -- --ignored --nocapture    # writes the rulesets, names the folder
    python3 benches/flows_aerleon.py FOLDER                                      # adds Aerleon's, see there
    sudo python3 benches/load.py FOLDER [ROUNDS]

Needs root (a network namespace per load), nft and GNU time. Every round loads each file once, in an empty namespace; the
table shows the median. What the kernel keeps is the growth of its slabs, which other work on the machine disturbs.
"""
import pathlib
import re
import statistics
import subprocess
import sys
import time


def slab_mib():
    text = pathlib.Path("/proc/meminfo").read_text()
    return int(re.search(r"^Slab:\s+(\d+)", text, re.M)[1]) / 1024


def load(file):
    """CPU seconds of nft with the kernel's part, MiB of nft, MiB of slabs."""
    inner = f'/usr/bin/time -f "%M %U %S" nft -f "{file}" && grep ^Slab: /proc/meminfo'
    before = slab_mib()
    run = subprocess.run(["unshare", "-n", "sh", "-c", inner], capture_output=True, text=True)
    if run.returncode != 0:
        sys.exit(f"{file}: {run.stderr}")
    memory, user, system = run.stderr.split()[-3:]
    after = int(run.stdout.split()[1]) / 1024
    time.sleep(1.0)  # the namespace is taken down meanwhile
    return float(user) + float(system), int(memory) / 1024, after - before


def main():
    folder = pathlib.Path(sys.argv[1])
    rounds = int(sys.argv[2]) if len(sys.argv) > 2 else 5
    files = sorted(folder.glob("*.nft"), key=lambda file: (int(file.name.split(".")[0]), file.name))
    found = {file: [] for file in files}
    for _ in range(rounds):
        for file in files:
            found[file].append(load(file))
    print(f"{'ruleset':<24}{'CPU s':>8}{'nft MiB':>9}{'kernel MiB':>12}{'file MiB':>10}")
    for file, rows in found.items():
        seconds, memory, kernel = (statistics.median(column) for column in zip(*rows))
        size = file.stat().st_size / 2**20
        print(f"{file.stem:<24}{seconds:>8.2f}{memory:>9.0f}{kernel:>12.1f}{size:>10.1f}")


main()
