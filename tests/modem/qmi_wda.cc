// SPDX-License-Identifier: GPL-2.0
// WDA: the data format between module and host.
#include "qmi_core.h"

#include <algorithm>

namespace vmodem {

namespace {

// The most padding that any known module puts before a packet.
constexpr uint32_t max_dl_padding = 64;

// nullopt if the code is none that WDA knows.
std::optional<Qmap> agreed_qmap(const Profile &profile, uint32_t asked) {
    if (asked > static_cast<uint32_t>(Qmap::v5))
        return std::nullopt;
    if (asked < static_cast<uint32_t>(Qmap::v1)) // off, or nothing that these modules speak
        return profile.qmap_only ? profile.qmap : Qmap::off;
    if (profile.qmap == Qmap::off)
        return Qmap::off;
    const bool v5 = asked == static_cast<uint32_t>(Qmap::v5) && profile.qmap == Qmap::v5;
    return v5 ? Qmap::v5 : Qmap::v1;
}

// 0 asks for as much as the module can do.
uint32_t agreed_limit(std::optional<uint32_t> asked, uint32_t limit) {
    return asked.value_or(0) == 0 ? limit : std::min(*asked, limit);
}

void put_format(QmiMessage &message, const DataFormat &format) {
    message.put_u8(0x10, 0);
    message.put_u32(0x11, static_cast<uint32_t>(format.link_protocol));
    message.put_u32(0x12, static_cast<uint32_t>(format.ul));
    message.put_u32(0x13, static_cast<uint32_t>(format.dl));
    message.put_u32(0x14, 0);
    message.put_u32(0x15, format.dl_max_datagrams);
    message.put_u32(0x16, format.dl_max_size);
    message.put_u32(0x17, format.ul_max_datagrams);
    message.put_u32(0x18, format.ul_max_size);
    message.put_u32(0x1a, format.dl_minimum_padding);
    message.put_u8(0x1b, 0);
}

QmiError set_data_format(QmiCore &core, const QmiMessage &request, QmiReply &reply) {
    const Profile &profile = core.profile;
    Arguments in(request);
    const auto qos_header = in.optional_u8(0x10);
    const auto current = static_cast<uint32_t>(core.format.link_protocol);
    const uint32_t link_protocol = in.optional_u32(0x11).value_or(current);
    const auto ul = agreed_qmap(profile, in.optional_u32(0x12).value_or(0));
    const auto dl = agreed_qmap(profile, in.optional_u32(0x13).value_or(0));
    const auto dl_max_datagrams = in.optional_u32(0x15);
    const auto dl_max_size = in.optional_u32(0x16);
    const auto endpoint = in.optional_endpoint(0x17);
    const auto padding = in.optional_u32(0x19);
    const auto ul_max_datagrams = in.optional_u32(0x1b);
    const auto ul_max_size = in.optional_u32(0x1c);
    if (in.error() != QmiError::none)
        return in.error();
    if (!ul || !dl || link_protocol < 1 || link_protocol > 2 || qos_header.value_or(0) > 1 ||
        (endpoint && !core.is_data_endpoint(*endpoint)))
        return QmiError::invalid_argument;

    DataFormat format;
    format.agreed = true;
    format.link_protocol =
        profile.qmap_only ? LinkProtocol::raw_ip : static_cast<LinkProtocol>(link_protocol);
    if (profile.qmap == Qmap::off)
        format.link_protocol = LinkProtocol::ethernet_802_3;
    if (core.faults.force_link_protocol)
        format.link_protocol = core.faults.forced_link_protocol;
    format.ul = *ul;
    format.dl = *dl;
    if (format.dl != Qmap::off) {
        format.dl_max_datagrams = agreed_limit(dl_max_datagrams, profile.limits.dl_max_datagrams);
        format.dl_max_size = agreed_limit(dl_max_size, profile.limits.dl_max_size);
    }
    if (format.ul != Qmap::off) {
        format.ul_max_datagrams = agreed_limit(ul_max_datagrams, profile.limits.ul_max_datagrams);
        format.ul_max_size = agreed_limit(ul_max_size, profile.limits.ul_max_size);
    }
    if (format.dl == Qmap::v5)
        format.dl_minimum_padding = std::min(padding.value_or(0), max_dl_padding);

    core.format = format;
    core.hooks.format_changed(format);
    put_format(reply.message, format);
    return QmiError::none;
}

QmiError get_data_format(QmiCore &core, const QmiMessage &request, QmiReply &reply) {
    Arguments in(request);
    const auto endpoint = in.optional_endpoint(0x10);
    if (in.error() != QmiError::none)
        return in.error();
    if (!endpoint && core.profile.qmap_only)
        return QmiError::missing_argument;
    if (endpoint && !core.is_data_endpoint(*endpoint))
        return QmiError::invalid_argument;
    put_format(reply.message, core.format);
    return QmiError::none;
}

constexpr QmiCommand commands[] = {{0x20, set_data_format}, {0x21, get_data_format}};

} // namespace

const QmiService qmi_wda{Service::wda, 1, 16, commands};

} // namespace vmodem
