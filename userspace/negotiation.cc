// SPDX-License-Identifier: GPL-2.0
#include "negotiation.h"

#include "describe.h"
#include "format_text.h"
#include "held_signals.h"

#include <algorithm>
#include <cerrno>
#include <fmt/format.h>

namespace {

// What the driver's URBs can grow to, and the most padding that it skips.
constexpr uint32_t max_dl_size = 65536, max_padding = 255;
constexpr uint32_t max_ul_size = 65536;
// UL aggregates to ask for: larger ones only delay other traffic.
constexpr uint32_t wanted_ul_datagrams = 11, wanted_ul_size = 8192;
// Bytes of a DL aggregate for each datagram that is asked for.
constexpr uint32_t dl_bytes_per_datagram = 512;
// The vendor's driver does not tell the version of QMAP; modules with URBs of this size have v5.
constexpr uint32_t v5_urb_size = 31744;
constexpr uint32_t off = uint32_t(Aggregation::disabled);

bool is_qmap(uint32_t aggregation) {
    return aggregation == uint32_t(Aggregation::qmap) ||
           aggregation == uint32_t(Aggregation::qmap_v5);
}

tl::unexpected<Error> unusable(std::string reason) {
    return failure(std::move(reason));
}

// Limits are the module's and the driver's own; 0 says nothing.
std::optional<uint32_t> said(std::optional<uint32_t> limit) {
    return limit == 0 ? std::nullopt : limit;
}

uint32_t lesser(std::optional<uint32_t> asked, uint32_t answered) {
    return std::min(asked.value_or(answered), answered);
}

Result<WdaFormat> for_qmap(uint32_t mode, const WdaFormat &asked, const WdaFormat &answered) {
    const uint32_t dl = answered.dl_aggregation.value_or(asked.dl_aggregation.value_or(off));
    const uint32_t ul = answered.ul_aggregation.value_or(asked.ul_aggregation.value_or(off));
    if (dl == off || ul == off)
        return unusable(fmt::format("{} aggregation is off, but the driver is in qmap_mode {} "
                                    "('qmapctl mode set 0' is for modules without QMAP)",
                                    dl == off ? "DL" : "UL", mode));
    if (!is_qmap(dl) || dl != ul)
        return unusable(fmt::format("DL aggregation is {} and UL aggregation {}, but the driver "
                                    "knows qmap or qmapv5, the same in both directions",
                                    aggregation_name(dl), aggregation_name(ul)));
    if (answered.link_protocol.value_or(LinkProtocol::raw_ip) != LinkProtocol::raw_ip)
        return unusable("the link protocol is 802.3, but with QMAP the driver knows raw IP only");
    const auto dl_size = said(answered.dl_max_size);
    if (dl_size > max_dl_size)
        return unusable(fmt::format("DL transfers are up to {} bytes, but the driver takes no "
                                    "more than {}",
                                    *dl_size, max_dl_size));
    const uint32_t padding = answered.dl_minimum_padding.value_or(0);
    if (padding > max_padding)
        return unusable(fmt::format("{} bytes of padding come before each DL packet, but the "
                                    "driver skips no more than {}",
                                    padding, max_padding));

    WdaFormat told;
    told.ul_aggregation = told.dl_aggregation = dl;
    told.dl_max_size = dl_size;
    told.dl_minimum_padding = padding;
    // Without both limits the driver can't know what it may send: one packet a transfer.
    told.ul_max_datagrams = 1;
    const auto ul_datagrams = said(answered.ul_max_datagrams), ul_size = said(answered.ul_max_size);
    if (ul_datagrams && ul_size && lesser(asked.ul_max_datagrams, *ul_datagrams) > 1) {
        told.ul_max_datagrams = lesser(asked.ul_max_datagrams, *ul_datagrams);
        told.ul_max_size = std::min(lesser(asked.ul_max_size, *ul_size), max_ul_size);
    }
    return told;
}

bool is_aggregated(const WdaFormat &format) {
    return format.dl_aggregation.value_or(off) != off || format.ul_aggregation.value_or(off) != off;
}

// Asks for what the module has told of itself.
WdaFormat request_for(const WdaFormat &has) {
    WdaFormat request = has;
    for (auto limit : {&WdaFormat::dl_max_datagrams, &WdaFormat::dl_max_size,
                       &WdaFormat::ul_max_datagrams, &WdaFormat::ul_max_size})
        request.*limit = said(request.*limit);
    // Only for those who ask for them: not every module knows these.
    request.ndp_signature.reset();
    request.flow_control.reset();
    return request;
}

bool same_protocols(const WdaFormat &a, const WdaFormat &b) {
    return a.link_protocol == b.link_protocol && a.ul_aggregation == b.ul_aggregation &&
           a.dl_aggregation == b.dl_aggregation;
}

// How a message that names a failure goes on.
std::string set_back(Modem &modem, const Module &module, const WdaFormat &before,
                     const WdaFormat &asked) {
    WdaFormat request = request_for(before);
    if (asked.flow_control)
        request.flow_control = before.flow_control;
    if (asked.ndp_signature)
        request.ndp_signature = before.ndp_signature;
    const Result<WdaFormat> undone = modem.set_data_format(endpoint_of(module), request);
    if (undone && same_protocols(*undone, before))
        return "the module was set back to what it had";
    return fmt::format("setting the module back failed too ({}): module and driver differ now; "
                       "reset the module, or try 'qmapctl setup {}'",
                       undone ? "it answers with something else" : undone.error().message,
                       module.netdev);
}

// The module's answer to the request. Where none comes in time, what it has then is the answer.
Result<WdaFormat> ask(Modem &modem, const Module &module, const WdaFormat &before,
                      const WdaFormat &asked) {
    Result<WdaFormat> answered = modem.set_data_format(endpoint_of(module), asked);
    if (answered)
        return answered;
    Error error = answered.error();
    if (error.code == ETIMEDOUT) {
        Result<WdaFormat> has = modem.data_format(endpoint_of(module));
        if (has && (*has != before || same_protocols(before, asked)))
            return has;
        error.message += has ? "; the module has not taken it: nothing was changed"
                             : "; whether the module took it is not known: try again";
    } else if (error.code == 0) {
        error.message += "; nothing was changed";
    }
    return tl::unexpected(error);
}

} // namespace

WdaFormat used_format(const Module &module) {
    WdaFormat used;
    const auto mode = mode_of(module);
    if (module.q && module.q->format.link_protocol != LinkProtocol::unknown)
        used.link_protocol = module.q->format.link_protocol;
    else if (module.files.raw_ip)
        used.link_protocol = *module.files.raw_ip ? LinkProtocol::raw_ip : LinkProtocol::ethernet;
    if (mode == 0)
        used.ul_aggregation = used.dl_aggregation = off;
    if (mode.value_or(0) == 0)
        return used;
    if (!module.q) {
        used.dl_max_size = module.files.qmap_size;
        return used;
    }
    const DriverFormat &format = module.q->format;
    used.ul_aggregation = used.dl_aggregation = uint32_t(format.qmap);
    used.dl_max_size = format.rx_urb_size;
    used.dl_minimum_padding = format.dl_padding;
    used.ul_max_datagrams = format.ul_max_datagrams;
    if (format.ul_max_datagrams > 1)
        used.ul_max_size = format.ul_max_size;
    return used;
}

WdaFormat suitable_format(const Module &module) {
    WdaFormat format;
    format.qos_header = false;
    format.link_protocol = LinkProtocol::raw_ip;
    format.ul_aggregation = format.dl_aggregation = off;
    if (mode_of(module).value_or(0) == 0) {
        if (module.q && module.q->format.link_protocol == LinkProtocol::ethernet)
            format.link_protocol = LinkProtocol::ethernet;
        return format;
    }
    const uint32_t size = used_format(module).dl_max_size.value_or(0);
    const Aggregation guess = size >= v5_urb_size ? Aggregation::qmap_v5 : Aggregation::qmap;
    format.ul_aggregation = format.dl_aggregation =
        uint32_t(module.q ? module.q->format.qmap : guess);
    format.dl_max_datagrams = size / dl_bytes_per_datagram;
    format.dl_max_size = size;
    format.dl_minimum_padding = 0;
    format.ul_max_datagrams = wanted_ul_datagrams;
    format.ul_max_size = wanted_ul_size;
    return format;
}

WdaFormat changed_format(const WdaFormat &has, const WdaFormat &changes) {
    WdaFormat format = request_for(has);
    const auto change = [&](auto field) {
        if (changes.*field)
            format.*field = changes.*field;
    };
    change(&WdaFormat::qos_header);
    change(&WdaFormat::link_protocol);
    change(&WdaFormat::flow_control);
    for (auto field :
         {&WdaFormat::ul_aggregation, &WdaFormat::dl_aggregation, &WdaFormat::ndp_signature,
          &WdaFormat::dl_max_datagrams, &WdaFormat::dl_max_size, &WdaFormat::dl_minimum_padding,
          &WdaFormat::ul_max_datagrams, &WdaFormat::ul_max_size})
        change(field);
    return format;
}

Result<WdaFormat> format_for_driver(const Module &module, const WdaFormat &asked,
                                    const WdaFormat &answered) {
    if (answered.qos_header.value_or(false))
        return unusable("packets carry a QoS header, which no driver knows");
    const auto mode = mode_of(module);
    if (mode.value_or(0) > 0)
        return for_qmap(*mode, asked, answered);
    if (is_aggregated(answered) && (mode || !is_aggregated(asked)))
        return unusable(fmt::format("aggregation stays on, but {}; 5G modules can't do without, "
                                    "and need qmi_wwan_q in qmap_mode 1 or more",
                                    mode ? "the driver is in qmap_mode 0"
                                         : module.driver + " is not set up for it"));
    // In mode 0 the driver follows what it hears.
    return mode ? WdaFormat{} : answered;
}

bool in_agreement(const Module &module, const WdaFormat &has, const WdaFormat &wanted) {
    if (!same_protocols(has, wanted))
        return false;
    const auto told = format_for_driver(module, wanted, has);
    if (!told)
        return false;
    const WdaFormat used = used_format(module);
    if (mode_of(module).value_or(0) == 0)
        return used.link_protocol == has.link_protocol;
    return module.q && module.q->format.agreed && told->dl_aggregation == used.dl_aggregation &&
           told->dl_max_size <= used.dl_max_size &&
           told->dl_minimum_padding == used.dl_minimum_padding &&
           told->ul_max_datagrams == used.ul_max_datagrams && told->ul_max_size == used.ul_max_size;
}

Result<WdaFormat> agree(Kernel &kernel, Modem &modem, const Module &module, const WdaFormat &before,
                        const WdaFormat &asked) {
    // One of the two would know of the change, and the other not.
    const HeldSignals held;
    Result<WdaFormat> answered = ask(modem, module, before, asked);
    if (!answered)
        return answered;
    const Result<WdaFormat> told = format_for_driver(module, asked, *answered);
    if (!told)
        return failure(fmt::format("{}: the module's answer is of no use: {}; {}", name_of(module),
                                   told.error().message, set_back(modem, module, before, asked)));
    if (*told == WdaFormat{})
        return answered;
    if (const Status done = kernel.set_format(module, *told); !done)
        return failure(
            fmt::format("{}; {}", done.error().message, set_back(modem, module, before, asked)),
            done.error().code);
    return answered;
}

std::vector<Mismatch> mismatches(const Module &module, const WdaFormat &has) {
    const WdaFormat used = used_format(module);
    std::vector<Mismatch> found;
    const auto report = [&](const char *field, bool wrong, const char *problem) {
        if (wrong)
            found.push_back({field, problem});
    };
    const auto both = [&](auto field) { return has.*field && used.*field; };
    const auto differ = [&](auto field) { return both(field) && has.*field != used.*field; };
    const auto less = [&](auto field) { return both(field) && has.*field < used.*field; };
    const auto more = [&](auto field) { return both(field) && has.*field > used.*field; };
    const bool one_by_one = used.ul_max_datagrams.value_or(2) <= 1;

    report("link_protocol", differ(&WdaFormat::link_protocol),
           "driver and module frame packets differently");
    report("ul_aggregation", differ(&WdaFormat::ul_aggregation),
           "the module does not understand what the driver sends");
    report("dl_aggregation", differ(&WdaFormat::dl_aggregation),
           "the driver does not understand what the module sends");
    report("ul_max_datagrams", !one_by_one && less(&WdaFormat::ul_max_datagrams),
           "the driver sends more packets at once than the module takes");
    report("ul_max_datagrams", one_by_one && more(&WdaFormat::ul_max_datagrams),
           "the driver sends packets one by one, which is slow");
    report("ul_max_size", less(&WdaFormat::ul_max_size),
           "the driver sends more bytes at once than the module takes");
    report("dl_max_size", more(&WdaFormat::dl_max_size),
           "what the module sends is too large for the driver's URBs, and lost");
    report("dl_minimum_padding", differ(&WdaFormat::dl_minimum_padding),
           "the driver looks for packets in the wrong place");
    return found;
}
