// SPDX-License-Identifier: GPL-2.0
#include "output.h"

#include "text.h"

#include <fmt/ostream.h>

void print_change(const Context &context, const Module &module, const Json &what,
                  const std::string &deed) {
    if (context.json) {
        Json json = {{"usb_path", module.usb_path},
                     {"netdev", or_null(module.netdev)},
                     {"dry_run", context.dry_run}};
        json.update(what);
        context.out << pretty(json);
    } else if (context.dry_run) {
        fmt::print(context.out, "would {}\n", clean(deed));
    }
}
