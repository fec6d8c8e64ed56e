// SPDX-License-Identifier: GPL-2.0
// link up PDN [DEV], link down PDN [DEV]: tell the driver that a call came up or went down.
#include "command.h"
#include "describe.h"
#include "output.h"
#include "select.h"
#include "text.h"

#include <algorithm>
#include <fmt/format.h>
#include <fmt/ranges.h>

namespace {

// The PDN that the user means: by its number, netdev, or mux id.
const Pdn *find_pdn(const Module &module, const std::string &text) {
    const std::optional<uint64_t> number = parse_number(text);
    const auto found = std::ranges::find_if(module.pdns, [&](const Pdn &pdn) {
        // 1 to 8 without 0x are PDNs, whatever else has these as mux ids.
        if (number && *number <= 8 && !text.starts_with("0x"))
            return number_of(pdn) == number;
        return number ? pdn.mux_id == *number : pdn.netdev == text;
    });
    return found == module.pdns.end() ? nullptr : &*found;
}

std::string list_of(const std::vector<Pdn> &pdns) {
    std::vector<std::string> names;
    for (const Pdn &pdn : pdns) {
        const std::optional<uint32_t> number = number_of(pdn);
        names.push_back(fmt::format("{}{} ({})", number ? fmt::format("{}, ", *number) : "",
                                    mux_id_text(pdn.mux_id), pdn.netdev));
    }
    return fmt::format("{}", fmt::join(names, "; "));
}

} // namespace

Status link_set(const Context &context, const std::string &text, bool up) {
    // A netdev tells its module too.
    const bool by_netdev = context.device.empty() && !parse_number(text);
    const Result<Module> module =
        select_settable(context.kernel, by_netdev ? text : context.device);
    if (!module)
        return tl::unexpected(module.error());
    const Pdn *pdn = find_pdn(*module, text);
    if (!pdn)
        return usage_error(fmt::format("{} has no PDN '{}'; it has {}", name_of(*module), text,
                                       list_of(module->pdns)));
    if (!context.dry_run)
        if (Status done = context.kernel.set_link(*module, pdn->mux_id, up); !done)
            return done;
    const char *state = up ? "up" : "down";
    print_change(context, *module,
                 {{"mux_id", pdn->mux_id}, {"mux_netdev", pdn->netdev}, {"link", state}},
                 fmt::format("set the link of {} {}", pdn->netdev, state));
    return {};
}

void add_link(Cli &cli) {
    CLI::App *link =
        cli.add_object("link", "Tell the driver of calls, so that netdevs have a carrier");
    for (const bool up : {true, false}) {
        auto text = std::make_shared<std::string>();
        CLI::App *verb = cli.add(
            up ? "up" : "down", up ? "A call came up" : "A call went down",
            [text, up](const Context &context) { return link_set(context, *text, up); }, link);
        verb->add_option("PDN", *text, "Number of the PDN, 1 to 8; or its mux id, or its netdev")
            ->required()
            ->type_name("");
        cli.add_device(verb);
    }
}
