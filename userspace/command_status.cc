// SPDX-License-Identifier: GPL-2.0
// status [DEV]: the modules on the machine.
#include "command.h"
#include "describe.h"
#include "json.h"
#include "select.h"
#include "text.h"

#include <fmt/ostream.h>
#include <fmt/ranges.h>

namespace {

constexpr std::string_view indent = "    ";

std::string first_line(const Module &module) {
    return fmt::format("{}  {} ({:04x}:{:04x})", clean(module.netdev.empty() ? "-" : module.netdev),
                       clean(module.model.empty() ? "unnamed module" : module.model),
                       module.vendor_id, module.product_id);
}

// Where it is and who drives it.
std::string place(const Module &module) {
    std::string line = fmt::format("USB {} at {} Mbit/s", module.usb_path, module.usb_speed);
    if (!module.control.empty())
        line += ", " + module.control;
    line += module.driver.empty() ? ", no driver" : ", driver " + module.driver;
    if (module.q && !module.q->family.empty())
        line += fmt::format(" ({})", module.q->family);
    return clean(line);
}

// What is on the wire; empty if the driver does not tell.
std::string data_format(const Module &module) {
    std::vector<std::string> parts;
    if (const std::optional<uint32_t> mode = mode_of(module))
        parts.push_back(fmt::format("qmap_mode {}", *mode));
    if (module.q && module.q->format.qmap != Aggregation::disabled)
        parts.push_back(*aggregation_of(module));
    else if (const std::optional<std::string> protocol = link_protocol_of(module))
        parts.push_back(*protocol);
    if (module.files.qmap_size)
        parts.push_back(fmt::format("DL URBs of {} B", *module.files.qmap_size));
    if (module.q) {
        const DriverFormat &format = module.q->format;
        parts.push_back(fmt::format("DL URBs of {} B", format.rx_urb_size));
        if (format.dl_padding)
            parts.push_back(fmt::format("DL padding {} B", format.dl_padding));
        if (format.ul_max_datagrams > 1)
            parts.push_back(fmt::format("UL up to {} packets in {} B", format.ul_max_datagrams,
                                        format.ul_max_size));
        if (!format.agreed && module.q->mode > 0)
            parts.emplace_back("not agreed with the module yet");
    }
    return fmt::format("{}", fmt::join(parts, ", "));
}

std::string pdn_table(const std::vector<Pdn> &pdns) {
    Table table({"PDN", "MUX", "NETDEV", "STATE", "LINK", "MTU", "RX", "TX", "ADDRESSES"});
    for (const Pdn &pdn : pdns) {
        const std::optional<uint32_t> number = number_of(pdn);
        table.add(
            {number ? std::to_string(*number) : "-", mux_id_text(pdn.mux_id), pdn.netdev,
             pdn.up ? "up" : "down",
             fmt::format("{}{}", pdn.carrier ? "up" : "down", pdn.flow_off ? ", UL stopped" : ""),
             std::to_string(pdn.mtu), human_bytes(pdn.rx.bytes), human_bytes(pdn.tx.bytes),
             fmt::format("{}", fmt::join(pdn.addresses, " "))});
    }
    return table.text(indent);
}

void print(std::ostream &out, const Module &module) {
    fmt::print(out, "{}\n{}{}\n", first_line(module), indent, place(module));
    if (const std::string format = data_format(module); !format.empty())
        fmt::print(out, "{}{}\n", indent, format);
    for (const std::string &problem : problems_of(module))
        fmt::print(out, "{}! {}\n", indent, clean(problem));
    if (!module.pdns.empty())
        out << pdn_table(module.pdns);
}

// All of them, or the one that was named.
Result<std::vector<Module>> chosen(const Context &context) {
    if (context.device.empty())
        return context.kernel.modules();
    return select_module(context.kernel, context.device).map([](Module module) {
        return std::vector{std::move(module)};
    });
}

} // namespace

Status status(const Context &context) {
    const Result<std::vector<Module>> modules = chosen(context);
    if (!modules)
        return tl::unexpected(modules.error());
    if (context.json) {
        Json list = Json::array();
        for (const Module &module : *modules)
            list.push_back(to_json(module));
        context.out << pretty({{"modules", list}});
        return {};
    }
    if (modules->empty())
        fmt::print(context.out, "No module found.\n");
    for (const Module &module : *modules)
        print(context.out, module);
    return {};
}

void add_status(Cli &cli) {
    cli.set_default(status);
    cli.add_device(cli.add("status", "Show the modules, data format, PDNs and counters", status));
}
