// SPDX-License-Identifier: GPL-2.0
// WDS: calls, and what a client has to know about its own.
#include "qmi_core.h"

#include <string>

namespace vmodem {

namespace {

constexpr uint8_t profile_count = 8;
constexpr uint32_t unknown = 0xffffffff;

// Handlers run only for clients that exist.
QmiClientRecord &client_of(QmiCore &core, const QmiMessage &request) {
    return *core.find_client(Service::wds, request.client);
}

std::optional<IpFamily> ip_family(uint8_t value) {
    if (value == 4 || value == 6)
        return static_cast<IpFamily>(value);
    return std::nullopt;
}

// APN of a profile; the others leave the choice to the network.
std::string apn_of(uint8_t profile) {
    return profile == 1 ? "internet" : "";
}

QmiError start_network(QmiCore &core, const QmiMessage &request, QmiReply &reply) {
    const QmiClientRecord &client = client_of(core, request);
    Arguments in(request);
    in.optional_u8(0x16);
    const auto asked_family = in.optional_u8(0x19);
    const uint8_t profile = in.optional_u8(0x31).value_or(1);
    if (in.error() != QmiError::none)
        return in.error();
    if (const auto apn = request.find(0x14); apn && apn->size() > 100)
        return QmiError::argument_too_long;
    if (profile < 1 || profile > profile_count)
        return QmiError::invalid_profile;
    IpFamily family = client.family.value_or(IpFamily::v4);
    if (asked_family) {
        if (!ip_family(*asked_family))
            return QmiError::invalid_argument;
        family = *ip_family(*asked_family);
    }
    if (core.operating_mode != 0) {
        ended_by_power_off.put(reply.message);
        return QmiError::call_failed;
    }
    const Call *call = core.start_call(client, family);
    if (!call)
        return QmiError::no_effect;
    reply.message.put_u32(0x01, call->handle);
    reply.then = [&core, call = *call] { core.indicate_status(call); };
    return QmiError::none;
}

QmiError stop_network(QmiCore &core, const QmiMessage &request, QmiReply &reply) {
    Arguments in(request);
    const uint32_t handle = in.u32(0x01);
    if (in.error() != QmiError::none)
        return in.error();
    const auto ours = [handle, id = request.client](const Call &call) {
        return call.owner == id && call.handle == handle;
    };
    if (!core.has_call(ours))
        return QmiError::invalid_handle;
    reply.then = [&core, ours] { core.end_calls(ours, ended_by_client); };
    return QmiError::none;
}

QmiError get_packet_service_status(QmiCore &core, const QmiMessage &request, QmiReply &reply) {
    reply.message.put_u8(0x01, core.call_of(client_of(core, request)) ? 2 : 1);
    return QmiError::none;
}

// The QMI server does not see the data: it says 'unknown' for each counter, as modules do for
// those that they don't keep.
QmiError get_packet_statistics(QmiCore &core, const QmiMessage &request, QmiReply &reply) {
    Arguments in(request);
    const uint32_t mask = in.u32(0x01);
    if (in.error() != QmiError::none)
        return in.error();
    if (!core.call_of(client_of(core, request)))
        return QmiError::out_of_call;
    for (uint8_t bit = 0; bit < 6; bit++) {
        if (mask & 1u << bit)
            reply.message.put_u32(0x10 + bit, unknown);
    }
    return QmiError::none;
}

QmiError get_profile_list(QmiCore &, const QmiMessage &, QmiReply &reply) {
    Bytes list{profile_count};
    for (uint8_t index = 1; index <= profile_count; index++) {
        const std::string name = "profile" + std::to_string(index);
        list.insert(list.end(), {0, index, static_cast<uint8_t>(name.size())}); // 0: 3GPP
        list.insert(list.end(), name.begin(), name.end());
    }
    reply.message.put(0x01, list);
    return QmiError::none;
}

QmiError get_profile_settings(QmiCore &, const QmiMessage &request, QmiReply &reply) {
    Arguments in(request);
    const ByteView profile = in.bytes(0x01, 2);
    if (in.error() != QmiError::none)
        return in.error();
    if (profile[0] != 0 || profile[1] < 1 || profile[1] > profile_count)
        return QmiError::invalid_profile;
    reply.message.put_string(0x10, "profile" + std::to_string(profile[1]));
    reply.message.put_u8(0x11, 3); // IPv4v6
    reply.message.put_string(0x14, apn_of(profile[1]));
    reply.message.put_string(0x1b, "");
    reply.message.put_string(0x1c, "");
    reply.message.put_u8(0x1d, 0);
    return QmiError::none;
}

struct SettingsMask {
    static constexpr uint32_t dns = 1 << 4, address = 1 << 8, gateway = 1 << 9, mtu = 1 << 13,
                              family = 1 << 15;
};

void put_settings_v4(QmiMessage &message, const PdnAddressing &pdn, uint32_t mask) {
    if (mask & SettingsMask::dns) {
        message.put_u32(0x15, pdn.ipv4_dns1);
        message.put_u32(0x16, pdn.ipv4_dns2);
    }
    if (mask & SettingsMask::address)
        message.put_u32(0x1e, pdn.ipv4_host);
    if (mask & SettingsMask::gateway) {
        message.put_u32(0x20, pdn.ipv4_gateway);
        message.put_u32(0x21, pdn.ipv4_netmask);
    }
}

void put_settings_v6(QmiMessage &message, const PdnAddressing &pdn, uint32_t mask) {
    const auto with_prefix = [&pdn](const std::array<uint8_t, 16> &address) {
        Bytes value(address.begin(), address.end());
        value.push_back(pdn.ipv6_prefix_length);
        return value;
    };
    if (mask & SettingsMask::address)
        message.put(0x25, with_prefix(pdn.ipv6_host));
    if (mask & SettingsMask::gateway)
        message.put(0x26, with_prefix(pdn.ipv6_gateway));
    if (mask & SettingsMask::dns) {
        message.put(0x27, pdn.ipv6_dns1);
        message.put(0x28, pdn.ipv6_dns2);
    }
}

QmiError get_current_settings(QmiCore &core, const QmiMessage &request, QmiReply &reply) {
    const QmiClientRecord &client = client_of(core, request);
    Arguments in(request);
    const uint32_t mask = in.optional_u32(0x10).value_or(~0u);
    if (in.error() != QmiError::none)
        return in.error();
    const Call *call = core.call_of(client);
    if (!call)
        return QmiError::out_of_call;
    const PdnAddressing pdn = addressing_of(call->mux_id & 0x7f);
    if (call->family == IpFamily::v4)
        put_settings_v4(reply.message, pdn, mask);
    else
        put_settings_v6(reply.message, pdn, mask);
    if (mask & SettingsMask::mtu)
        reply.message.put_u32(0x29, pdn.mtu);
    if (mask & SettingsMask::family)
        reply.message.put_u8(0x2b, static_cast<uint8_t>(call->family));
    return QmiError::none;
}

QmiError set_ip_family(QmiCore &core, const QmiMessage &request, QmiReply &) {
    Arguments in(request);
    const uint8_t value = in.u8(0x01);
    if (in.error() != QmiError::none)
        return in.error();
    if (!ip_family(value))
        return QmiError::invalid_argument;
    client_of(core, request).family = ip_family(value);
    return QmiError::none;
}

// Calls are the host's business here: nothing dials by itself, whatever was set.
QmiError set_autoconnect(QmiCore &, const QmiMessage &request, QmiReply &) {
    Arguments in(request);
    const uint8_t setting = in.u8(0x01);
    if (in.error() == QmiError::none && setting > 2)
        return QmiError::invalid_argument;
    return in.error();
}

QmiError bind_mux_data_port(QmiCore &core, const QmiMessage &request, QmiReply &) {
    Arguments in(request);
    const auto endpoint = in.optional_endpoint(0x10);
    const auto mux_id = in.optional_u8(0x11);
    in.optional_u32(0x13);
    if (in.error() != QmiError::none)
        return in.error();
    if (!endpoint && !mux_id)
        return QmiError::missing_argument;
    if (mux_id.value_or(0) == 0xff || (endpoint && !core.is_data_endpoint(*endpoint)))
        return QmiError::invalid_argument;
    if (mux_id)
        client_of(core, request).mux_id = *mux_id;
    return QmiError::none;
}

// The port numbers of SMD/BAM links: there is but one data port on USB.
QmiError bind_data_port(QmiCore &, const QmiMessage &request, QmiReply &) {
    Arguments in(request);
    const auto port = in.optional_u16(0x01);
    if (in.error() != QmiError::none)
        return in.error();
    return port ? QmiError::none : QmiError::missing_argument;
}

constexpr QmiCommand commands[] = {
    {0x20, start_network},         {0x21, stop_network},       {0x22, get_packet_service_status},
    {0x24, get_packet_statistics}, {0x2a, get_profile_list},   {0x2b, get_profile_settings},
    {0x2d, get_current_settings},  {0x4d, set_ip_family},      {0x51, set_autoconnect},
    {0x89, bind_data_port},        {0xa2, bind_mux_data_port},
};

} // namespace

const QmiService qmi_wds{Service::wds, 1, 67, commands};

} // namespace vmodem
