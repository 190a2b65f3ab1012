"""Reads the documents of a folder back with Python's own readers and prints what is in them as JSON.

Knows nothing of the program that wrote them: html.parser, csv, zipfile and ElementTree only.
"""

import csv
import io
import json
import re
import sys
import zipfile
from collections import Counter
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree

VOID = {"meta", "br", "wbr", "input", "link", "img", "hr", "path", "rect", "circle", "line", "polygon", "polyline"}


class Page(HTMLParser):
    """Tables by the section they stand in, ids, tags, and whatever could run."""

    def __init__(self):
        super().__init__(convert_charrefs=True)
        self.tags, self.ids, self.active, self.sections = Counter(), [], [], {}
        self.open, self.section, self.row, self.cell, self.articles = [], None, None, None, 0
        self.policy, self.svg = "", 0

    def handle_starttag(self, tag, attrs):
        attributes = dict(attrs)
        self.tags[tag] += 1
        self.ids += [attributes["id"]] if attributes.get("id") else []
        for name, value in attrs:
            outside = name in ("href", "src", "action", "data", "xlink:href") and not (value or "").startswith("#")
            if name.startswith("on") or name == "style" or outside:
                self.active.append(f"{tag} {name}={value}")
        if attributes.get("http-equiv") == "Content-Security-Policy":
            self.policy = attributes["content"]
        if tag == "section":
            self.section = attributes.get("id")
            self.sections[self.section] = []
        if tag == "article":
            self.articles += 1
        if tag == "tr":
            self.row = {"id": attributes.get("id"), "head": True, "cells": []}
        if tag in ("td", "th") and self.row is not None:
            self.cell = []
            if tag == "td" or attributes.get("scope") == "row":
                self.row["head"] = False
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        if tag in VOID:
            return
        if not self.open or self.open[-1] != tag:
            raise SystemExit(f"</{tag}> closes {self.open[-1:]}")
        self.open.pop()
        if tag in ("td", "th") and self.cell is not None:
            self.row["cells"].append("".join(self.cell).strip())
            self.cell = None
        if tag == "tr":
            if not self.row["head"] and self.section:
                self.sections[self.section].append(self.row)
            self.row = None

    def handle_startendtag(self, tag, attrs):
        self.tags[tag] += 1

    def handle_data(self, data):
        if self.cell is not None:
            self.cell.append(data)


def html(path):
    page = Page()
    page.feed(path.read_text("utf-8"))
    page.close()
    if page.open:
        raise SystemExit(f"left open: {page.open}")
    return {
        "tags": dict(page.tags), "ids": page.ids, "active": page.active, "sections": page.sections,
        "articles": page.articles, "policy": page.policy, "bytes": path.stat().st_size,
    }


def workbook(path):
    space = {"m": "http://schemas.openxmlformats.org/spreadsheetml/2006/main"}
    with zipfile.ZipFile(path) as parts:
        read = lambda name: ElementTree.fromstring(parts.read(name))
        text = lambda node: "".join(piece.text or "" for piece in node.iter("{%s}t" % space["m"]))
        # Excel writes what XML cannot hold as _xHHHH_, and a real underscore before such a group as _x005F_.
        plain = lambda value: re.sub("_x([0-9A-Fa-f]{4})_", lambda group: chr(int(group[1], 16)), value)
        shared = [plain(text(item)) for item in read("xl/sharedStrings.xml").findall("m:si", space)]
        sheets = {}
        for number, sheet in enumerate(read("xl/workbook.xml").find("m:sheets", space), start=1):
            page = read(f"xl/worksheets/sheet{number}.xml")
            rows = []
            for row in page.find("m:sheetData", space):
                cells = []
                for cell in row:
                    if cell.find("m:f", space) is not None:
                        raise SystemExit(f"a formula in {sheet.get('name')} {cell.get('r')}")
                    if cell.get("t") == "s":
                        cells.append(shared[int(cell.find("m:v", space).text)])
                    elif len(cell) == 0:
                        cells.append("")
                    else:
                        raise SystemExit(f"{sheet.get('name')} {cell.get('r')} is not text: {cell.get('t')}")
                rows.append(cells)
            frozen = page.find(".//m:pane[@state='frozen']", space) is not None
            filters = page.find("m:autoFilter", space) is not None
            sheets[sheet.get("name")] = {"rows": rows, "frozen": frozen, "filters": filters}
        return sheets


def markdown(path):
    """Rows of every table by the heading above it; escaped signs are put back."""
    tables, heading = {}, ""
    for line in path.read_text("utf-8").split("\n"):
        if line.startswith("## "):
            heading = line[3:]
        if line.startswith("|"):
            cells = re.split(r"(?<!\\)(?:\\\\)*\|", line)[1:-1]
            tables.setdefault(heading, []).append([cell.strip() for cell in cells])
    raw = path.read_text("utf-8")
    return {"tables": tables, "tags": re.findall(r"<[^>]*", raw), "code": len(re.findall(r"(?<!\\)`", raw))}


def picture(path):
    tree = ElementTree.parse(path)
    tags = Counter(node.tag.split("}")[-1] for node in tree.iter())
    active = [f"{node.tag} {name}" for node in tree.iter() for name in node.attrib
              if name.lower().startswith("on") or name.endswith("href") or name == "style"]
    return {"tags": dict(tags), "active": active, "text": "".join(tree.getroot().itertext())}


def graph(path):
    """What stands outside of strings: the structure, which no text may change."""
    text = path.read_text("utf-8")
    return {"bare": re.sub(r'"(?:\\.|[^"\\])*"', '""', text), "lines": text.count("\n")}


def main(folder):
    folder = Path(folder)
    found = {}
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if name.endswith(".html"):
            found["html"] = html(path)
        elif name.endswith(".csv"):
            text = path.read_bytes().decode("utf-8")
            found["csv"] = list(csv.reader(io.StringIO(text, newline=""), strict=True))
        elif name.endswith(".xlsx"):
            found["xlsx"] = workbook(path)
        elif name.endswith(".md"):
            found["md"] = markdown(path)
        elif name.endswith(".svg"):
            found.setdefault("svg", []).append(picture(path))
        elif name.endswith((".mmd", ".dot")):
            found[name.rsplit(".", 1)[1]] = graph(path)
        elif name.endswith(".png"):
            head = path.read_bytes()[:24]
            found["png"] = [head[:8].hex(), int.from_bytes(head[16:20], "big"), int.from_bytes(head[20:24], "big")]
    json.dump(found, sys.stdout)


main(sys.argv[1])
