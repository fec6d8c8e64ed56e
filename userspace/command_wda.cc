// SPDX-License-Identifier: GPL-2.0
// wda get|set [DEV]: the data format, as the module has it and as the driver uses it.
#include "command_wda.h"

#include "describe.h"
#include "format_text.h"
#include "negotiation.h"
#include "output.h"
#include "select.h"
#include "text.h"

#include <fmt/ostream.h>
#include <fmt/ranges.h>

namespace {

const std::map<std::string, LinkProtocol> link_protocols{{"raw-ip", LinkProtocol::raw_ip},
                                                         {"802.3", LinkProtocol::ethernet}};
const std::map<std::string, uint32_t> aggregations{
    {"off", uint32_t(Aggregation::disabled)},
    {"qmap", uint32_t(Aggregation::qmap)},
    {"qmapv5", uint32_t(Aggregation::qmap_v5)},
};

const std::map<std::string, bool> switches{{"off", false}, {"on", true}};

struct Options {
    Seconds timeout = Modem::default_timeout.count();
    WdaFormat changes;
};

std::string remedy_for(const Module &module) {
    return fmt::format("qmapctl setup {}", module.netdev);
}

void print_json(const Context &context, const Module &module, const WdaFormat &has,
                const std::vector<Mismatch> &found) {
    Json list = Json::array();
    for (const Mismatch &mismatch : found)
        list.push_back({{"field", mismatch.field}, {"problem", mismatch.problem}});
    context.out << pretty({{"usb_path", module.usb_path},
                           {"netdev", or_null(module.netdev)},
                           {"control", module.control},
                           {"module", to_json(has)},
                           {"driver", to_json(used_format(module))},
                           {"mismatches", list},
                           {"remedy", found.empty() ? Json() : Json(remedy_for(module))}});
}

void print_text(const Context &context, const Module &module, const WdaFormat &has,
                const std::vector<Mismatch> &found) {
    std::set<std::string> marked;
    for (const Mismatch &mismatch : found)
        marked.insert(mismatch.field);
    fmt::print(context.out, "{}\n", clean(name_of(module)));
    print_table(context.out, {{"module", has}, {"driver", used_format(module)}}, marked);
    for (const Mismatch &mismatch : found)
        fmt::print(context.out, "! {}\n", mismatch.problem);
    if (!found.empty())
        fmt::print(context.out, "Remedy: {}\n", remedy_for(module));
}

Status get(const Context &context, const Options &options) {
    const Result<Module> module = select_for_questions(context, options.timeout);
    if (!module)
        return tl::unexpected(module.error());
    const Result<WdaFormat> has = context.modem.data_format(endpoint_of(*module));
    if (!has)
        return tl::unexpected(has.error());
    const auto print = context.json ? print_json : print_text;
    print(context, *module, *has, mismatches(*module, *has));
    return {};
}

// Of a dry run there is no answer.
void print_outcome(const Context &context, const Module &module, const WdaFormat &asked,
                   const std::optional<WdaFormat> &answered) {
    print_change(context, module,
                 {{"asked", to_json(asked)},
                  {"answered", answered ? to_json(*answered) : Json()},
                  {"driver", to_json(used_format(module))}},
                 fmt::format("ask {} for", name_of(module)));
    if (context.json)
        return;
    std::vector<Column> columns{{"asked", asked}};
    if (answered)
        columns.push_back({"answered", *answered});
    columns.push_back({"driver", used_format(module)});
    print_table(context.out, columns);
}

Status set(const Context &context, const Options &options) {
    if (options.changes == WdaFormat{})
        return usage_error("nothing to set; see 'qmapctl wda set --help'");
    const Result<Module> module = select_for_questions(context, options.timeout);
    if (!module)
        return tl::unexpected(module.error());
    const Result<WdaFormat> has = context.modem.data_format(endpoint_of(*module));
    if (!has)
        return tl::unexpected(has.error());
    const WdaFormat asked = changed_format(*has, options.changes);
    // The module isn't even asked for what the driver can't work with.
    if (const auto told = format_for_driver(*module, asked, asked); !told)
        return failure(fmt::format("{}: {}", name_of(*module), told.error().message));
    if (context.dry_run) {
        print_outcome(context, *module, asked, std::nullopt);
        return {};
    }
    const Result<WdaFormat> answered = agree(context.kernel, context.modem, *module, *has, asked);
    if (!answered)
        return tl::unexpected(answered.error());
    print_outcome(context, refreshed(context, *module), asked, *answered);
    return {};
}

// An option whose values have names.
template <typename Value>
void add_choice(CLI::App *command, const std::string &name, std::optional<Value> &target,
                const std::map<std::string, Value> &choices, const std::string &description) {
    const auto choose = [&](const std::string &chosen) { target = choices.at(chosen); };
    std::vector<std::string> names;
    for (const auto &choice : choices)
        names.push_back(choice.first);
    command->add_option_function<std::string>(name, choose, description)
        ->type_name(fmt::format("{}", fmt::join(names, "|")))
        ->check(CLI::IsMember(names).description(""));
}

void add_changes(CLI::App *command, WdaFormat &changes) {
    add_choice(command, "--link-protocol", changes.link_protocol, link_protocols,
               "How packets are framed without QMAP");
    add_choice(command, "--ul-aggregation", changes.ul_aggregation, aggregations,
               "Protocol of transfers to the module");
    add_choice(command, "--dl-aggregation", changes.dl_aggregation, aggregations,
               "Protocol of transfers from the module");
    const auto add_number = [&](const char *name, std::optional<uint32_t> &target,
                                const char *description) {
        command->add_option(name, target, description)
            ->type_name("N")
            ->check(CLI::Range(0u, UINT32_MAX).description(""));
    };
    add_number("--ul-max-datagrams", changes.ul_max_datagrams, "Packets in an UL transfer");
    add_number("--ul-max-size", changes.ul_max_size, "Bytes of an UL transfer");
    add_number("--dl-max-datagrams", changes.dl_max_datagrams, "Packets in a DL transfer");
    add_number("--dl-max-size", changes.dl_max_size, "Bytes of a DL transfer");
    add_number("--dl-min-padding", changes.dl_minimum_padding,
               "Bytes before each DL packet (QMAP v5)");
    add_number("--ndp-signature", changes.ndp_signature, "Of NCM and MBIM aggregation");
    add_choice(command, "--qos-header", changes.qos_header, switches,
               "A QoS header before each packet");
    add_choice(command, "--flow-control", changes.flow_control, switches,
               "QMAP flow control by the host");
}

} // namespace

void add_timeout(CLI::App *command, Seconds &timeout) {
    command
        ->add_option("--timeout", timeout,
                     "How long the module may take to answer; after power-up it needs seconds")
        ->type_name("SECONDS")
        ->check(CLI::Range(1u, 3600u).description(""))
        ->capture_default_str();
}

Result<Module> select_for_questions(const Context &context, Seconds timeout) {
    context.modem.set_timeout(std::chrono::seconds(timeout));
    return select_with_control(context.kernel, context.device);
}

Module refreshed(const Context &context, const Module &module) {
    return select_module(context.kernel, module.usb_path).value_or(module);
}

void add_wda(Cli &cli) {
    CLI::App *wda = cli.add_object("wda", "The data format, as the module's WDA service has it");
    const auto options = std::make_shared<Options>();
    CLI::App *verb = cli.add(
        "get", "Show what the module has, beside what the driver uses",
        [options](const Context &context) { return get(context, *options); }, wda);
    add_timeout(verb, options->timeout);
    cli.add_device(verb);

    verb = cli.add(
        "set", "Ask the module for another data format, and hand its answer to the driver",
        [options](const Context &context) { return set(context, *options); }, wda);
    verb->footer("What is not named stays as the module has it. The module is set back if the\n"
                 "driver can't work with its answer. 'qmapctl setup' picks what suits the driver.");
    add_changes(verb, options->changes);
    add_timeout(verb, options->timeout);
    cli.add_device(verb);
}
