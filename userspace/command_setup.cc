// SPDX-License-Identifier: GPL-2.0
// setup [DEV]: module and driver agree on the data format that suits both.
#include "command_wda.h"
#include "describe.h"
#include "format_text.h"
#include "negotiation.h"
#include "output.h"
#include "text.h"

#include <cerrno>
#include <fmt/ostream.h>

namespace {

// Boot scripts run this as soon as a module is plugged in.
constexpr Seconds default_timeout = 30;

enum class Outcome { agreed, already, would_ask, no_wda };

constexpr const char *text_of(Outcome outcome) {
    switch (outcome) {
    case Outcome::agreed:
        return "module and driver have agreed";
    case Outcome::already:
        return "module and driver agree already; nothing was sent";
    case Outcome::would_ask:
        return "would ask the module for";
    case Outcome::no_wda:
        return "the module has no WDA service and always sends 802.3 frames, as the driver expects";
    }
    return "";
}

// `format`: the module's, or in a dry run what it would be asked for.
void print(const Context &context, const Module &module, Outcome outcome, const WdaFormat &format) {
    const uint32_t rx_urb_size =
        module.q ? module.q->format.rx_urb_size : module.files.qmap_size.value_or(0);
    if (context.json) {
        const bool dry = outcome == Outcome::would_ask;
        print_change(context, module,
                     {{"agreed", !dry},
                      {"changed", outcome == Outcome::agreed},
                      {"asked", dry ? to_json(format) : Json()},
                      {"module", dry ? Json() : to_json(format)},
                      {"driver", to_json(used_format(module))},
                      {"rx_urb_size", rx_urb_size}},
                     "");
        return;
    }
    fmt::print(context.out, "{}: {}\n", clean(name_of(module)), text_of(outcome));
    if (outcome != Outcome::no_wda)
        print_summary(context.out, format, rx_urb_size);
}

// Modules that are too old for WDA know nothing but 802.3.
bool needs_no_wda(const Module &module, const Error &error) {
    return error.code == EOPNOTSUPP &&
           suitable_format(module).link_protocol == LinkProtocol::ethernet;
}

Status setup(const Context &context, Seconds timeout) {
    const Result<Module> module = select_for_questions(context, timeout);
    if (!module)
        return tl::unexpected(module.error());
    const Result<WdaFormat> has = context.modem.data_format(endpoint_of(*module));
    if (!has && needs_no_wda(*module, has.error())) {
        print(context, *module, Outcome::no_wda, {});
        return {};
    }
    if (!has)
        return tl::unexpected(has.error());

    const WdaFormat wanted = suitable_format(*module);
    if (in_agreement(*module, *has, wanted)) {
        print(context, *module, Outcome::already, *has);
        return {};
    }
    if (context.dry_run) {
        print(context, *module, Outcome::would_ask, wanted);
        return {};
    }
    const Result<WdaFormat> answered = agree(context.kernel, context.modem, *module, *has, wanted);
    if (!answered)
        return tl::unexpected(answered.error());
    print(context, refreshed(context, *module), Outcome::agreed, *answered);
    return {};
}

} // namespace

void add_setup(Cli &cli) {
    const auto timeout = std::make_shared<Seconds>(default_timeout);
    CLI::App *command =
        cli.add("setup", "Have module and driver agree on the data format that suits both",
                [timeout](const Context &context) { return setup(context, *timeout); });
    command->footer(
        "To be run once after a module was plugged in or has reset, before the first call. Asks\n"
        "for what the driver's mode and the module's family need: raw IP, QMAP and its sizes. "
        "What\n"
        "both agree on already is left alone.");
    add_timeout(command, *timeout);
    cli.add_device(command);
}
