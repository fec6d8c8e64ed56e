// SPDX-License-Identifier: GPL-2.0
// status [DEV]: every module on the machine.
#include "command.h"
#include "select.h"

#include <fmt/ostream.h>

Status status(const Context &context) {
    const Result<std::vector<Module>> modules = context.kernel.modules();
    if (!modules)
        return tl::unexpected(modules.error());
    for (const Module &module : *modules)
        fmt::print(context.out, "{}\n", name_of(module));
    return {};
}

void add_status(Cli &cli) {
    cli.set_default(status);
    cli.add_device(cli.add("status", "Show modules, data format, links and counters", status));
}
