#!/bin/bash
# test_control_and_node.sh BIN [TEST]: control plane and node together (control_and_node.c).
exec "$1/../tests/integration/control_and_node" "$@"
