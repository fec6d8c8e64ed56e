// SPDX-License-Identifier: GPL-2.0
// stats [-w[=SECONDS]] [DEV]: how much has gone through, or how much goes through each second.
#include "command.h"
#include "describe.h"
#include "json.h"
#include "select.h"
#include "text.h"

#include <cctype>
#include <charconv>
#include <fmt/ostream.h>

namespace {

// One direction of a module: URBs and the packets in them.
struct Transfers {
    uint64_t transfers = 0;
    uint64_t datagrams = 0;
};

struct Sample {
    Module module;
    std::optional<Transfers> rx, tx; // nullopt: the driver does not count them
};

using Samples = std::vector<Sample>;
using Named = std::map<std::string, uint64_t>;

std::optional<Transfers> transfers(const Named &counters, const std::string &direction) {
    const auto urbs = counters.find(direction + "_transfers");
    const auto datagrams = counters.find(direction + "_datagrams");
    if (urbs == counters.end() || datagrams == counters.end())
        return std::nullopt;
    return Transfers{urbs->second, datagrams->second};
}

// Of all modules, or of the one at a USB path: none if it is not there.
Result<Samples> take(Kernel &kernel, const std::string &usb_path) {
    Result<std::vector<Module>> modules = kernel.modules();
    if (!modules)
        return tl::unexpected(modules.error());
    Samples samples;
    for (Module &module : *modules) {
        if (module.netdev.empty() || (!usb_path.empty() && module.usb_path != usb_path))
            continue;
        // Of a driver that has no such counters, or a module that has just gone: none.
        const auto counters = kernel.counters(module).value_or(Named{});
        samples.push_back(
            {std::move(module), transfers(counters, "rx"), transfers(counters, "tx")});
    }
    return samples;
}

// What has been added; a counter that went back has begun again.
uint64_t since(uint64_t now, uint64_t before) {
    return now >= before ? now - before : now;
}

void subtract(Counters &counters, const Counters &before) {
    counters.packets = since(counters.packets, before.packets);
    counters.bytes = since(counters.bytes, before.bytes);
    counters.errors = since(counters.errors, before.errors);
    counters.dropped = since(counters.dropped, before.dropped);
}

void subtract(std::optional<Transfers> &counters, const std::optional<Transfers> &before) {
    if (!counters || !before)
        return;
    counters->transfers = since(counters->transfers, before->transfers);
    counters->datagrams = since(counters->datagrams, before->datagrams);
}

// What happened between two samples, in the shape of the second. A netdev that was not there
// before has counted from zero.
Samples difference(const Samples &before, Samples now) {
    for (Sample &sample : now)
        for (const Sample &old : before) {
            if (old.module.ifindex != sample.module.ifindex)
                continue;
            subtract(sample.rx, old.rx);
            subtract(sample.tx, old.tx);
            for (Pdn &pdn : sample.module.pdns)
                for (const Pdn &old_pdn : old.module.pdns)
                    if (old_pdn.ifindex == pdn.ifindex) {
                        subtract(pdn.rx, old_pdn.rx);
                        subtract(pdn.tx, old_pdn.tx);
                    }
        }
    return now;
}

std::optional<double> datagrams_per_urb(const std::optional<Transfers> &transfers) {
    if (!transfers || transfers->transfers == 0)
        return std::nullopt;
    return static_cast<double>(transfers->datagrams) / transfers->transfers;
}

Json transfers_json(const std::optional<Transfers> &transfers) {
    return {{"transfers", transfers ? Json(transfers->transfers) : Json()},
            {"datagrams", transfers ? Json(transfers->datagrams) : Json()},
            {"datagrams_per_transfer", or_null(datagrams_per_urb(transfers))}};
}

Json to_json(const Sample &sample) {
    Json pdns = Json::array();
    for (const Pdn &pdn : sample.module.pdns)
        pdns.push_back({{"pdn", or_null(number_of(pdn))},
                        {"mux_id", pdn.mux_id},
                        {"netdev", pdn.netdev},
                        {"rx", to_json(pdn.rx)},
                        {"tx", to_json(pdn.tx)}});
    return {{"usb_path", sample.module.usb_path},
            {"netdev", sample.module.netdev},
            {"rx", transfers_json(sample.rx)},
            {"tx", transfers_json(sample.tx)},
            {"pdns", pdns}};
}

// `seconds` is the time in which it was counted; 0: since the netdevs are there.
Json to_json(const Samples &samples, double seconds) {
    Json modules = Json::array();
    for (const Sample &sample : samples)
        modules.push_back(to_json(sample));
    return {{"seconds", seconds > 0 ? Json(seconds) : Json()}, {"modules", modules}};
}

std::string per_urb_text(const std::optional<Transfers> &transfers) {
    const std::optional<double> ratio = datagrams_per_urb(transfers);
    return ratio ? fmt::format("{:.1f}", *ratio) : "-";
}

constexpr const char *nothing_to_count = "No module with a netdev found.\n";

std::string totals_text(const Samples &samples) {
    if (samples.empty())
        return nothing_to_count;
    Table table(
        {"NETDEV", "RX PACKETS", "RX BYTES", "RX DROPPED", "TX PACKETS", "TX BYTES", "TX DROPPED"});
    std::string urbs;
    for (const Sample &sample : samples) {
        for (const Pdn &pdn : sample.module.pdns)
            table.add({pdn.netdev, std::to_string(pdn.rx.packets), human_bytes(pdn.rx.bytes),
                       std::to_string(pdn.rx.dropped), std::to_string(pdn.tx.packets),
                       human_bytes(pdn.tx.bytes), std::to_string(pdn.tx.dropped)});
        if (sample.rx && sample.tx)
            urbs +=
                fmt::format("{}: {} URBs received with {} packets each, {} sent with {}\n",
                            clean(sample.module.netdev), sample.rx->transfers,
                            per_urb_text(sample.rx), sample.tx->transfers, per_urb_text(sample.tx));
    }
    return table.text() + urbs;
}

std::string rates_text(const Samples &samples, double seconds) {
    if (samples.empty())
        return nothing_to_count;
    Table table({"NETDEV", "RX PACKETS/S", "RX MBIT/S", "RX PACKETS/URB", "TX PACKETS/S",
                 "TX MBIT/S", "TX PACKETS/URB"});
    const auto packets = [&](const Counters &counters) {
        return fmt::format("{:.0f}", counters.packets / seconds);
    };
    const auto megabits = [&](const Counters &counters) {
        return fmt::format("{:.2f}", counters.bytes * 8 / 1e6 / seconds);
    };
    for (const Sample &sample : samples)
        for (const Pdn &pdn : sample.module.pdns)
            // URBs are the module's, with packets of all PDNs.
            table.add({pdn.netdev, packets(pdn.rx), megabits(pdn.rx), per_urb_text(sample.rx),
                       packets(pdn.tx), megabits(pdn.tx), per_urb_text(sample.tx)});
    return table.text();
}

// The argument of -w, which may be left out.
Result<double> parse_interval(std::string_view text) {
    constexpr double shortest = 0.1, longest = 86400;
    if (text.empty())
        return 1.0;
    if (text.front() == '=')
        text.remove_prefix(1);
    double seconds = 0;
    const char *end = text.data() + text.size();
    const auto [stop, error] = std::from_chars(text.data(), end, seconds);
    if (error != std::errc() || stop != end || !(seconds >= shortest && seconds <= longest))
        return usage_error(
            fmt::format("'{}' is no interval: -w=SECONDS, {} to {}", text, shortest, longest));
    return seconds;
}

} // namespace

Status stats(const Context &context, std::optional<double> interval) {
    std::string usb_path;
    if (!context.device.empty()) {
        const Result<Module> module = select_module(context.kernel, context.device);
        if (!module)
            return tl::unexpected(module.error());
        usb_path = module->usb_path;
    }
    Result<Samples> before = take(context.kernel, usb_path);
    if (!before)
        return tl::unexpected(before.error());
    if (!interval) {
        context.out << (context.json ? pretty(to_json(*before, 0)) : totals_text(*before));
        return {};
    }
    auto time = context.kernel.now();
    while (context.out) {
        context.kernel.sleep(std::chrono::duration_cast<Kernel::Clock::duration>(
            std::chrono::duration<double>(*interval)));
        Result<Samples> now = take(context.kernel, usb_path);
        if (!now)
            return tl::unexpected(now.error());
        if (now->empty() && !usb_path.empty())
            return failure(fmt::format("{} has gone", context.device));
        const auto end = context.kernel.now();
        const double seconds = std::chrono::duration<double>(end - time).count();
        const Samples counted = difference(*before, *now);
        context.out << (context.json ? one_line(to_json(counted, seconds))
                                     : rates_text(counted, seconds))
                    << std::flush;
        before = std::move(now);
        time = end;
    }
    return {};
}

void add_stats(Cli &cli) {
    auto interval = std::make_shared<std::string>();
    auto watch = std::make_shared<CLI::Option *>();
    CLI::App *command =
        cli.add("stats", "Show packets and bytes", [=](const Context &context) -> Status {
            if ((*watch)->empty())
                return stats(context, std::nullopt);
            // -w DEV: what follows is only taken for SECONDS if it is a number.
            Context chosen = context;
            if (!interval->empty() && !std::isdigit(static_cast<unsigned char>(interval->at(0))) &&
                interval->at(0) != '=' && chosen.device.empty())
                chosen.device = std::exchange(*interval, "");
            return parse_interval(*interval).and_then(
                [&](double seconds) { return stats(chosen, seconds); });
        });
    *watch = command
                 ->add_option("-w,--watch", *interval,
                              "Show what goes through each second, every SECONDS (default: 1)")
                 ->expected(0, 1)
                 ->type_name("[=SECONDS]");
    cli.add_device(command);
}
