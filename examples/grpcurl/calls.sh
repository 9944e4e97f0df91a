#!/bin/sh
# Everything that applications ask of a daemon, as grpcurl lines, each to be copied as it is. The
# daemon has server reflection, so no .proto is needed; in order they run from top to bottom.
set -eu

# What there is.
grpcurl -plaintext 127.0.0.1:7948 list
grpcurl -plaintext 127.0.0.1:7948 describe disco.v1.Discovery
grpcurl -plaintext 127.0.0.1:7948 grpc.health.v1.Health/Check

# Register. With the port alone, the address is the one at which others reach this host. It stays
# until it is taken back, also when the daemon is restarted; registering it again is an update.
grpcurl -plaintext -d '{"group": "math", "name": "add", "port": 5001}' \
  127.0.0.1:7948 disco.v1.Discovery/Register
grpcurl -plaintext -d '{"group": "math", "name": "sub", "ip": "10.0.0.5", "port": 5002,
    "instanceId": "sub-1", "tags": ["blue"], "metadata": {"rack": "7"}, "version": "1.2.0",
    "weight": 10, "zone": "eu-1", "endpoints": [{"name": "metrics", "port": 9100}]}' \
  127.0.0.1:7948 disco.v1.Discovery/Register

# With a ttl it turns critical unless a heartbeat comes in time, and is deregistered later.
grpcurl -plaintext -d '{"group": "math", "name": "mul", "ip": "10.0.0.5", "port": 5003,
    "ttlMs": 60000, "deregisterAfterMs": 60000}' \
  127.0.0.1:7948 disco.v1.Discovery/Register
grpcurl -plaintext -d '{"group": "math", "name": "mul", "instanceId": "10.0.0.5:5003"}' \
  127.0.0.1:7948 disco.v1.Discovery/Heartbeat

# With checks it is critical until they pass.
grpcurl -plaintext -d '{"group": "math", "name": "div", "port": 5004,
    "checks": [{"kind": "HTTP", "path": "/healthz", "intervalMs": 5000}]}' \
  127.0.0.1:7948 disco.v1.Discovery/Register

# One instance, and lists.
grpcurl -plaintext -d '{"group": "math", "name": "add", "policy": "NEAREST"}' \
  127.0.0.1:7948 disco.v1.Discovery/Get
grpcurl -plaintext 127.0.0.1:7948 disco.v1.Discovery/List
grpcurl -plaintext -d '{"group": "math", "tags": ["blue"], "zone": "eu-1",
    "healths": ["HEALTH_PASSING", "HEALTH_WARNING"]}' \
  127.0.0.1:7948 disco.v1.Discovery/ListByGroup

# All there is, an end mark, then each change; -max-time ends it after some seconds. An event's
# cursor, sent in the next request, goes on from there.
grpcurl -plaintext -max-time 10 -d '{"group": "math"}' \
  127.0.0.1:7948 disco.v1.Discovery/Watch || true

# Out of use for a while, and back.
grpcurl -plaintext -d '{"group": "math", "name": "sub", "on": true, "reason": "new disk"}' \
  127.0.0.1:7948 disco.v1.Discovery/SetMaintenance
grpcurl -plaintext -d '{"group": "math", "name": "sub", "on": false}' \
  127.0.0.1:7948 disco.v1.Discovery/SetMaintenance

# Who else is there, and how this daemon is.
grpcurl -plaintext 127.0.0.1:7948 disco.v1.Discovery/Members
grpcurl -plaintext 127.0.0.1:7948 disco.v1.Discovery/Status

# Take it back: by the id, or without one when it is the only instance here.
grpcurl -plaintext -d '{"group": "math", "name": "sub", "instanceId": "sub-1"}' \
  127.0.0.1:7948 disco.v1.Discovery/Deregister
grpcurl -plaintext -d '{"group": "math", "name": "add"}' 127.0.0.1:7948 disco.v1.Discovery/Deregister
grpcurl -plaintext -d '{"group": "math", "name": "mul"}' 127.0.0.1:7948 disco.v1.Discovery/Deregister
grpcurl -plaintext -d '{"group": "math", "name": "div"}' 127.0.0.1:7948 disco.v1.Discovery/Deregister
