"""A code host as far as the kits need one: lists, creates and changes comments, and writes down what it was asked.

host.py PORT_FILE REQUESTS_FILE
"""

import http.server
import json
import sys

port_file, requests_file = sys.argv[1:]
comments = [{"id": 1, "body": "Please have a look."}]


class Host(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        first = "page=1" in self.path.split("&")[-1]
        self.answer(comments if first else [])

    def do_POST(self):
        comments.append({"id": len(comments) + 1, "body": self.read()})
        self.answer(comments[-1])

    def do_PUT(self):
        comment = next(comment for comment in comments if comment["id"] == int(self.path.rsplit("/", 1)[1]))
        comment["body"] = self.read()
        self.answer(comment)

    do_PATCH = do_PUT

    def read(self):
        assert "secret" in (self.headers.get("PRIVATE-TOKEN") or self.headers.get("Authorization")), "a token"
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["body"]
        with open(requests_file, "a", encoding="utf-8") as log:
            print(json.dumps({"method": self.command, "path": self.path, "body": body}), file=log)
        return body

    def answer(self, value):
        text = json.dumps(value).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *_):
        pass


server = http.server.HTTPServer(("127.0.0.1", 0), Host)
with open(port_file, "w", encoding="utf-8") as file:
    print(server.server_port, file=file)
server.serve_forever()
