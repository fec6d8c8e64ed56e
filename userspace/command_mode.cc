// SPDX-License-Identifier: GPL-2.0
// mode get [DEV], mode set N [DEV]: qmap_mode.
#include "command.h"
#include "describe.h"
#include "output.h"
#include "select.h"
#include "text.h"

#include <fmt/ostream.h>

namespace {

constexpr uint32_t highest_mode = 8;

} // namespace

Status mode_get(const Context &context) {
    const Result<Module> module = select_module(context.kernel, context.device);
    if (!module)
        return tl::unexpected(module.error());
    const std::optional<uint32_t> mode = mode_of(*module);
    if (!mode)
        return failure(fmt::format("{} has no qmap_mode: its driver is {}", name_of(*module),
                                   module->driver.empty() ? "none" : module->driver));
    if (context.json)
        context.out << pretty(
            {{"usb_path", module->usb_path}, {"netdev", or_null(module->netdev)}, {"mode", *mode}});
    else
        fmt::print(context.out, "{}\n", *mode);
    return {};
}

Status mode_set(const Context &context, uint32_t mode) {
    const Result<Module> module = select_settable(context.kernel, context.device);
    if (!module)
        return tl::unexpected(module.error());
    if (!context.dry_run)
        if (Status done = context.kernel.set_mode(*module, mode); !done)
            return done;
    print_change(context, *module, {{"mode", mode}},
                 fmt::format("set qmap_mode of {} to {}", name_of(*module), mode));
    return {};
}

void add_mode(Cli &cli) {
    CLI::App *mode = cli.add_object("mode", "qmap_mode: how many PDNs there are, and whether QMAP");
    cli.add_device(cli.add("get", "Print it", mode_get, mode));

    auto text = std::make_shared<std::string>();
    CLI::App *set = cli.add(
        "set", "Set it; all netdevs of the module must be down",
        [text](const Context &context) {
            return parse_argument(*text, "qmap_mode", 0, highest_mode).and_then([&](uint32_t mode) {
                return mode_set(context, mode);
            });
        },
        mode);
    set->add_option("N", *text, "0 no QMAP, 1 QMAP with one PDN, 2 to 8 QMAP with as many PDNs")
        ->required()
        ->type_name("");
    cli.add_device(set);
}
