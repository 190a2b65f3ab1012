"""Makes freischaltungen.xlsx: a matrix as administrations keep them, for docs/import.md and tests/import.rs.

Needs openpyxl; run by hand when the matrix changes. The workbook stands in the repository, so that no test needs Python.
"""

import datetime
import pathlib

from openpyxl import Workbook
from openpyxl.comments import Comment
from openpyxl.styles import Alignment, Font, PatternFill

book = Workbook()
sheet = book.active
sheet.title = "Freischaltungen"
sheet["A1"] = "Kommunikationsmatrix Rechenzentrum Musterau"
sheet["A1"].font = Font(bold=True, size=14)
sheet.merge_cells("A1:N1")
sheet["A2"] = "Pflege: Netzbetrieb. Bitte keine Zeilen löschen, sondern durchstreichen."

groups = {"A4:A5": "lfd.\nNr.", "B4:C4": "Quelle", "D4:E4": "Ziel", "F4:G4": "Dienst", "H4:H5": "Zweck der\nVerbindung",
          "I4:I5": "Verantwortlich", "J4:L4": "Freigabe", "M4:M5": "Gültig bis", "N4:N5": "Aktion", "O4:O5": "Bemerkung"}
for cells, text in groups.items():
    sheet[cells.split(":")[0]] = text
    sheet.merge_cells(cells)
for column, text in zip("BCDEFGJKL", ["System", "IP-Adresse", "System", "IP-Adresse", "Protokoll", "Port(s)", "Nr.", "durch", "Datum"]):
    sheet[f"{column}5"] = text
for row in sheet["A4:O5"]:
    for cell in row:
        cell.font = Font(bold=True)
        cell.fill = PatternFill("solid", fgColor="DDE6EF")
        cell.alignment = Alignment(wrap_text=True)

day = datetime.date(2026, 3, 2)
chg = ["CHG-5101", "ISB Musterau", day]
rows = [
    [1, "Internet", None, "Web Application Firewall", "203.0.113.4", "HTTPS", 443, "Bürgerportal", "Team Portal", *chg, None, "erlauben"],
    [2, "WAF-1", "10.10.2.4", "Ingress Formulare", "10.10.16.40", "TCP", 8443, "Geprüfte Anfragen an die Formulare: Anträge,\nTermine", "Team Formulare", *chg, None, "erlauben"],
    [3, "Ingress", "10.10.16.40\n10.10.16.41", "Datenbank", "10.10.32.10", "TCP", 5432, "Fachdaten", "Team Formulare", *chg, datetime.date(2027, 6, 30), "erlauben", "läuft mit dem Projekt aus"],
    [4, "Sprungserver (Konsole im Serverraum)", None, "pf-out", None, "SSH", None, "Pflege des Filters", "Netzbetrieb", "CHG-5102", "ISB Musterau", "02.03.2026", "unbefristet", "erlauben"],
    [5, "Betriebsüberwachung", "10.10.240.228", "postgres", "10.10.240.132", "TCP", "443, 8443-8445", "Messwerte abholen", "Netzbetrieb", "CHG-5103", None, None, None, "erlauben"],
    "Betrieb und Verwaltung",
    [6, "monitoring", None, "siem", "10.10.240.164", None, "TCP/6514", "Meldungen", "Netzbetrieb", None, None, None, None, "erlauben"],
    [7, "formulare.musterau.example", None, "bezahlen.land.example", "192.0.2.120", "HTTPS", None, "Gebühren bezahlen", "Team Formulare", *chg, None, "erlauben"],
    [8, "bastion", None, "konten", None, "TCP/UDP", "88; 464", "Anmeldung", "Netzbetrieb", None, None, None, None, "erlauben"],
    [9, "bastion", None, "registry", None, None, 443, "Pakete", "Netzbetrieb", None, None, None, None, "erlauben"],
    [10, "any", None, "WAF-1", None, "HTTPS", None, "Test", "Netzbetrieb", None, None, None, None, "erlauben"],
    [11, "bastion", None, "siem", None, "any", "any", "alles für die Fehlersuche", "Netzbetrieb", None, None, None, None, "erlauben"],
    [12, "Internet", None, "postgres", None, "TCP", 5432, "Sperre", "Netzbetrieb", None, None, None, None, "verbieten"],
    [13, "bastion", None, "postgres", None, "TCP", "8445-8443", "Oberfläche", "Netzbetrieb", None, None, None, None, "erlauben"],
    [14, "bastion", "10.10.240.0/29", "registry", None, "SSH", None, "Pflege", "Netzbetrieb", None, None, None, None, "erlauben"],
    [15, "bastion", None, "monitoring", None, "Fachverfahren X", None, "Auskunft", "Netzbetrieb", None, None, None, None, "erlauben"],
    [16, "bastion", None, "ntp", "=E6", "SSH", None, "Pflege", "Netzbetrieb", None, None, None, None, "erlauben"],
    [17, "resolver", None, "dns-proxy", None, "DNS", None, "Namensauflösung", "Netzbetrieb", None, None, None, None, "erlauben"],
    [18, None, None, "ntp", None, "NTP", None, None, None, None, None, None, None, "erlauben"],
    [19, "bastion", None, "audit-system", None, "SSH", None, "Altes Verfahren", "Netzbetrieb", None, None, None, None, "erlauben"],
    [20, "WAF-1", "10.10.2.4", "Ingress Formulare", "10.10.16.40", "TCP", 8443, "noch einmal", "Team Formulare", *chg, None, "erlauben"],
    [21, "web-proxy", None, "Paketquelle", None, "HTTPS", None, "Pakete", "Netzbetrieb", None, None, None, "31.02.2027", "erlauben"],
    [22, "smtp-relay", None, "Internet", None, "SMTP", None, "Ausgehende Post", "Netzbetrieb", None, None, None, None, "erlauben"],
    [23, "#REF!", None, "Internet", None, "SMTP", None, "Post", "Netzbetrieb", None, None, None, None, "erlauben"],
    [24, "monitoring", None, None, None, "SSH", None, "Abfrage", "Netzbetrieb", None, None, None, None, "erlauben"],
    [25, "monitoring", "10.10.240.228", "resolver", "fd3a:91c4:7e20:f7::4", "ICMP", None, "Erreichbarkeit", "Netzbetrieb", None, None, None, None, "erlauben"],
    [26, "portal-api", None, "Cloud Service Portal", "192.0.2.80", "https", 443, "=HYPERLINK(\"http://x\") # kein Link", "Team Formulare", None, None, None, None, "beantragt"],
]
for number, row in enumerate(rows, start=6):
    if isinstance(row, str):
        sheet.cell(number, 1, row).font = Font(bold=True)
        sheet.merge_cells(start_row=number, start_column=1, end_row=number, end_column=15)
        continue
    for column, value in enumerate(row, start=1):
        cell = sheet.cell(number, column, value)
        if isinstance(value, datetime.date):
            cell.number_format = "DD.MM.YYYY"
        if isinstance(value, str) and value.startswith("=H"):
            cell.data_type = "s"
        if value == "#REF!":
            cell.data_type = "e"
# Two rows share source and purpose.
sheet.merge_cells("B23:B24")
sheet.merge_cells("H23:H24")
for cell in sheet[25]:
    cell.font = Font(strike=True)
sheet.row_dimensions[28].hidden = True
sheet["G10"].comment = Comment("Bereich gilt nur bis zur Umstellung", "Netzbetrieb")
sheet.freeze_panes = "A6"
sheet.auto_filter.ref = "A5:O31"

notes = book.create_sheet("Hinweise")
notes["A1"] = "Status: erlauben, verbieten, beantragt"
old = book.create_sheet("Archiv 2019")
old["A1"] = "nicht mehr gültig"
old.sheet_state = "hidden"
book.properties.created = book.properties.modified = datetime.datetime(2026, 11, 24)
book.save(pathlib.Path(__file__).with_name("freischaltungen.xlsx"))
