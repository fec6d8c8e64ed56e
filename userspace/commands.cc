// SPDX-License-Identifier: GPL-2.0
// The table of commands, in the order of --help.
#include "command.h"

void add_commands(Cli &cli) {
    add_status(cli);
    add_setup(cli);
    add_mode(cli);
    add_mux(cli);
    add_link(cli);
    add_wda(cli);
    add_monitor(cli);
    add_stats(cli);
}
