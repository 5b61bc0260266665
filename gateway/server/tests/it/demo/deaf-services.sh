#!/bin/sh
# Stands in for the product services: says it is ready where nobody listens (port 1 of this machine is reserved).
echo '{"listen":"127.0.0.1:1"}'
exec cat >/dev/null
