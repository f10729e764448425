#include "controlplane/cli/tables.h"
const struct command demo_commands[] = {{0}};
