#!/usr/bin/env python3
"""A service and its callers in plain Python, by the daemon's HTTP API: the standard library only.

python3 client.py serve shop web   a web server that registers itself, until Ctrl-C
python3 client.py list shop        the instances of a group
python3 client.py watch shop       the same, and then every change
"""

import argparse
import json
import os
import signal
import sys
import threading
import time
from http.client import HTTPException
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.error import HTTPError
from urllib.parse import quote, urlencode
from urllib.request import Request, urlopen

DAEMON = os.environ.get("DISCO_URL", "http://127.0.0.1:7949")
TTL_MS = 10_000


class Refused(Exception):
    """What the daemon says no to: `reason` is for programs, the text for people."""

    def __init__(self, problem):
        super().__init__(problem["detail"])
        self.reason = problem.get("reason")


def ask(path, body=None, timeout=5, headers=None):
    """GETs a path of the daemon, or POSTs JSON to it, and returns the open answer."""
    request = Request(DAEMON + path, headers=headers or {})
    if body is not None:
        request.add_header("content-type", "application/json")
        request.data = json.dumps(body).encode()
    try:
        return urlopen(request, timeout=timeout)
    except HTTPError as error:
        with error:
            raise Refused(json.load(error)) from None


def call(path, body=None):
    with ask(path, body) as answer:
        return json.load(answer)


def instances(group):
    return call(f"/v1/services/{quote(group)}")["instances"]


class Registration:
    """Registers an instance for the time of a `with` block; it expires when the process dies."""

    def __init__(self, group, name, port):
        self.wish = {"group": group, "name": name, "port": port}
        self.wish |= {"ttlMs": TTL_MS, "deregisterAfterMs": 6 * TTL_MS}
        self.over = threading.Event()
        self.heart = threading.Thread(target=self.beat)

    def __enter__(self):
        self.register()
        self.heart.start()
        return self

    def __exit__(self, *_):
        self.over.set()
        self.heart.join()
        call("/v1/deregister", self.id)

    def register(self):
        answer = call("/v1/register", self.wish)
        self.address = f"{answer['ip']}:{answer['port']}"
        self.id = {key: self.wish[key] for key in ("group", "name")}
        self.id["instanceId"] = answer["instanceId"]

    def beat(self):
        while not self.over.wait(TTL_MS / 3_000):
            try:
                self.renew()
            except (Refused, OSError, HTTPException) as error:
                print(f"{error}; trying again", file=sys.stderr)

    def renew(self):
        try:
            call("/v1/heartbeat", self.id)
        except Refused:
            self.register()  # it was away for too long


def watch(group):
    """Yields (kind, instance or None) for ever, and goes on where it was when the daemon restarts."""
    headers = {}
    while True:
        try:
            # The daemon speaks every now and then: a longer silence means that it is gone.
            with ask(f"/v1/watch?{urlencode({'group': group})}", None, 60, headers) as lines:
                for event in events(lines):
                    if "id" in event:
                        headers = {"last-event-id": event["id"]}
                    yield event["event"], json.loads(event["data"]).get("instance")
        except (Refused, OSError, HTTPException) as error:
            print(f"{error}; trying again", file=sys.stderr)
        time.sleep(1)


def events(lines):
    """Reads Server-Sent Events, as the daemon writes them: each field on one line."""
    fields = {}
    for line in lines:
        key, _, value = line.decode().rstrip("\n").partition(": ")
        if key:
            fields[key] = value
        elif fields.get("event") == "end":
            raise Refused(json.loads(fields["data"]))
        elif "data" in fields:
            yield fields
        if not key:
            fields = {}


class Hello(BaseHTTPRequestHandler):
    def do_GET(self):
        body = b"hello from Python\n"
        self.send_response(200)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def serve(group, name):
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with ThreadingHTTPServer(("0.0.0.0", 0), Hello) as server:
        with Registration(group, name, server.server_port) as registration:
            print(f"{group}/{name} is registered at {registration.address}", flush=True)
            server.serve_forever()


def show(instance, *words):
    print(f"{instance['group']}/{instance['name']}", f"{instance['ip']}:{instance['port']}", *words)


def main():
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("verb", choices=["serve", "list", "watch"])
    parser.add_argument("group")
    parser.add_argument("name", nargs="?", default="web")
    asked = parser.parse_args()
    if asked.verb == "serve":
        serve(asked.group, asked.name)
    elif asked.verb == "list":
        for instance in instances(asked.group):
            show(instance, instance["health"])
    else:
        for kind, instance in watch(asked.group):
            print(kind, end=" " if instance else "\n")
            if instance:
                show(instance)
            sys.stdout.flush()


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        pass
    except (Refused, OSError) as error:
        sys.exit(str(error))
