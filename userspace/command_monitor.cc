// SPDX-License-Identifier: GPL-2.0
// monitor [DEV]: what the driver tells of, as it happens.
#include "command.h"
#include "describe.h"
#include "json.h"
#include "select.h"
#include "text.h"

#include <fmt/ostream.h>

namespace {

std::string text_of(const Event &event) {
    const Module &module = event.module;
    if (event.kind == Event::Kind::lost)
        return "events-lost: see 'qmapctl status'";
    std::string text =
        fmt::format("{}: {} (USB {})", describe(event.kind), module.netdev, module.usb_path);
    if (module.q)
        text += fmt::format(", qmap_mode {}, {}, DL URBs of {} B", module.q->mode,
                            *aggregation_of(module), module.q->format.rx_urb_size);
    for (const Pdn &pdn : module.pdns)
        text += fmt::format(", {} {} {}", mux_id_text(pdn.mux_id), pdn.netdev,
                            pdn.carrier ? "up" : "down");
    return clean(text);
}

} // namespace

Status monitor(const Context &context) {
    std::string usb_path; // where a module is plugged in again, it is the same
    if (!context.device.empty()) {
        const Result<Module> module = select_module(context.kernel, context.device);
        if (!module)
            return tl::unexpected(module.error());
        usb_path = module->usb_path;
    }
    return context.kernel.monitor([&](const Event &event) {
        if (event.kind != Event::Kind::lost && !usb_path.empty() &&
            event.module.usb_path != usb_path)
            return true;
        context.out << (context.json ? one_line(to_json(event)) : text_of(event) + "\n");
        return static_cast<bool>(context.out.flush());
    });
}

void add_monitor(Cli &cli) {
    cli.add_device(cli.add("monitor", "Print what the driver tells of, one event a line", monitor));
}
