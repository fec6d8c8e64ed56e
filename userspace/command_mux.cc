// SPDX-License-Identifier: GPL-2.0
// mux list [DEV], mux add ID [DEV], mux del ID [DEV]: the mux netdevs.
#include "command.h"
#include "describe.h"
#include "output.h"
#include "select.h"
#include "text.h"

#include <fmt/ostream.h>

namespace {

constexpr uint32_t highest_mux_id = 254;

} // namespace

Status mux_list(const Context &context) {
    const Result<Module> module = select_module(context.kernel, context.device);
    if (!module)
        return tl::unexpected(module.error());
    if (context.json) {
        Json pdns = Json::array();
        for (const Pdn &pdn : module->pdns)
            pdns.push_back(to_json(pdn));
        context.out << pretty(
            {{"usb_path", module->usb_path}, {"netdev", or_null(module->netdev)}, {"pdns", pdns}});
        return {};
    }
    Table table({"MUX", "NETDEV", "LINK"});
    for (const Pdn &pdn : module->pdns)
        table.add({mux_id_text(pdn.mux_id), pdn.netdev, pdn.carrier ? "up" : "down"});
    context.out << table.text();
    return {};
}

Status mux_add(const Context &context, uint32_t mux_id) {
    const Result<Module> module = select_settable(context.kernel, context.device);
    if (!module)
        return tl::unexpected(module.error());
    std::optional<std::string> netdev;
    if (!context.dry_run) {
        const Result<Pdn> made = context.kernel.add_mux(*module, mux_id);
        if (!made)
            return tl::unexpected(made.error());
        netdev = made->netdev;
        if (!context.json)
            fmt::print(context.out, "{}\n", clean(*netdev));
    }
    print_change(
        context, *module, {{"mux_id", mux_id}, {"mux_netdev", or_null(netdev)}},
        fmt::format("add a netdev with mux id {} to {}", mux_id_text(mux_id), name_of(*module)));
    return {};
}

Status mux_delete(const Context &context, uint32_t mux_id) {
    const Result<Module> module = select_settable(context.kernel, context.device);
    if (!module)
        return tl::unexpected(module.error());
    if (!context.dry_run)
        if (Status done = context.kernel.delete_mux(*module, mux_id); !done)
            return done;
    print_change(context, *module, {{"mux_id", mux_id}},
                 fmt::format("remove the netdev with mux id {} from {}", mux_id_text(mux_id),
                             name_of(*module)));
    return {};
}

void add_mux(Cli &cli) {
    CLI::App *mux = cli.add_object("mux", "The netdevs of PDNs");
    cli.add_device(cli.add("list", "List them", mux_list, mux));

    const auto add_verb = [&](const std::string &name, const std::string &description,
                              Status (*command)(const Context &, uint32_t)) {
        auto text = std::make_shared<std::string>();
        CLI::App *verb = cli.add(
            name, description,
            [text, command](const Context &context) {
                return parse_argument(*text, "mux id", 1, highest_mux_id)
                    .and_then([&](uint32_t mux_id) { return command(context, mux_id); });
            },
            mux);
        verb->add_option("ID", *text, "Mux id, 1 to 254; 0x81 for PDN 1, and so on")
            ->required()
            ->type_name("");
        cli.add_device(verb);
    };
    add_verb("add", "Make one, and print its name", mux_add);
    add_verb("del", "Remove one", mux_delete);
}
