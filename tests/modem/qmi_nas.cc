// SPDX-License-Identifier: GPL-2.0
// NAS: the network that the module is registered with, always the same one: PLMN 001/01.
#include "qmi_core.h"

#include <string_view>

namespace vmodem {

namespace {

constexpr uint8_t rat_lte = 8, rat_nr = 12;
constexpr uint8_t registered = 1, not_registered = 0;
constexpr uint8_t attached = 1, detached = 2;
constexpr uint8_t service_none = 0, service_available = 2;

bool online(const QmiCore &core) {
    return core.operating_mode == 0;
}

QmiError get_serving_system(QmiCore &core, const QmiMessage &, QmiReply &reply) {
    if (!online(core)) {
        const uint8_t searching_nothing[] = {not_registered, detached, detached, 0, 0};
        reply.message.put(0x01, searching_nothing);
        return QmiError::none;
    }
    const uint8_t rat = core.profile.nr ? rat_nr : rat_lte;
    const uint8_t serving[] = {registered, detached, attached, 2 /* 3GPP */, 1, rat};
    constexpr uint8_t data_capabilities[] = {1, 0x0b}; // LTE; there is no code for NR
    constexpr std::string_view name = "Testnet";
    Bytes plmn{1, 0, 1, 0, static_cast<uint8_t>(name.size())};
    plmn.insert(plmn.end(), name.begin(), name.end());
    reply.message.put(0x01, serving);
    reply.message.put_u8(0x10, 1); // not roaming
    reply.message.put(0x11, data_capabilities);
    reply.message.put(0x12, plmn);
    return QmiError::none;
}

// Service status of one RAT: service, true service, preferred data path.
void put_service_status(QmiMessage &message, uint8_t type, bool available) {
    const uint8_t service = available ? service_available : service_none;
    const uint8_t value[] = {service, service, 0};
    message.put(type, value);
}

// System info of LTE and NR begins alike; each field is preceded by whether it is valid.
void put_system_info(QmiMessage &message, uint8_t type) {
    constexpr uint8_t value[] = {
        1, 2,                                 // domain: PS
        1, 2,                                 // service capability: PS
        1, 0,                                 // not roaming
        1, 0,                                 // not forbidden
        0, 0xff, 0xff,                        // LAC: none here
        1, 0x01, 0x02, 0x00, 0x00,            // cell id
        0, 0,    0,                           // no registration reject
        1, '0',  '0',  '1',  '0',  '1', 0xff, // PLMN
        1, 0x01, 0x00,                        // TAC
    };
    message.put(type, value);
}

QmiError get_system_info(QmiCore &core, const QmiMessage &, QmiReply &reply) {
    const bool nr = core.profile.nr;
    put_service_status(reply.message, 0x14, online(core) && !nr);
    if (nr)
        put_service_status(reply.message, 0x4a, online(core));
    if (online(core))
        put_system_info(reply.message, nr ? 0x4b : 0x19);
    return QmiError::none;
}

QmiError get_signal_info(QmiCore &core, const QmiMessage &, QmiReply &reply) {
    if (!online(core))
        return QmiError::none;
    // {i8 rssi -58, i8 rsrq -9, i16 rsrp -86, i16 snr 18.6} and {i16 rsrp -86, i16 snr 18.6}
    constexpr uint8_t lte[] = {0xc6, 0xf7, 0xaa, 0xff, 0xba, 0x00};
    constexpr uint8_t nr[] = {0xaa, 0xff, 0xba, 0x00};
    if (core.profile.nr)
        reply.message.put(0x17, nr);
    else
        reply.message.put(0x14, lte);
    return QmiError::none;
}

constexpr QmiCommand commands[] = {
    {0x24, get_serving_system}, {0x4d, get_system_info}, {0x4f, get_signal_info}};

} // namespace

const QmiService qmi_nas{Service::nas, 1, 25, commands};

} // namespace vmodem
