// SPDX-License-Identifier: GPL-2.0
// DMS: what the module is, and whether it is on.
#include "qmi_core.h"

namespace vmodem {

namespace {

constexpr uint8_t mode_online = 0, mode_low_power = 1, mode_offline = 3, mode_reset = 4;
// Long enough for the host to fetch the answer before the device goes away.
constexpr std::chrono::milliseconds reset_delay{100};

QmiError get_capabilities(QmiCore &core, const QmiMessage &, QmiReply &reply) {
    const bool nr = core.profile.nr;
    Bytes value;
    append_u32(value, nr ? 900'000'000 : 50'000'000); // bit/s up, then down
    append_u32(value, nr ? 2'500'000'000 : 150'000'000);
    value.insert(value.end(), {3, 2}); // data: CS and PS at once; SIM supported
    if (nr)
        value.insert(value.end(), {3, 5, 8, 10}); // UMTS, LTE, NR
    else
        value.insert(value.end(), {2, 5, 8});
    reply.message.put(0x01, value);
    return QmiError::none;
}

QmiError get_manufacturer(QmiCore &core, const QmiMessage &, QmiReply &reply) {
    reply.message.put_string(0x01, core.profile.manufacturer);
    return QmiError::none;
}

QmiError get_model(QmiCore &core, const QmiMessage &, QmiReply &reply) {
    reply.message.put_string(0x01, core.profile.product);
    return QmiError::none;
}

QmiError get_revision(QmiCore &core, const QmiMessage &, QmiReply &reply) {
    reply.message.put_string(0x01, core.profile.revision);
    return QmiError::none;
}

QmiError get_ids(QmiCore &, const QmiMessage &, QmiReply &reply) {
    reply.message.put_string(0x10, "0");
    reply.message.put_string(0x11, "490154203237518"); // the IMEI of textbooks
    return QmiError::none;
}

QmiError get_operating_mode(QmiCore &core, const QmiMessage &, QmiReply &reply) {
    reply.message.put_u8(0x01, core.operating_mode);
    return QmiError::none;
}

QmiError set_operating_mode(QmiCore &core, const QmiMessage &request, QmiReply &reply) {
    Arguments in(request);
    const uint8_t mode = in.u8(0x01);
    if (in.error() != QmiError::none)
        return in.error();
    switch (mode) {
    case mode_online:
        core.operating_mode = mode;
        return QmiError::none;
    case mode_low_power:
    case mode_offline:
        core.operating_mode = mode;
        reply.then = [&core] {
            core.end_calls([](const Call &) { return true; }, ended_by_power_off);
        };
        return QmiError::none;
    case mode_reset:
        reply.then = [&core] {
            core.after(core.faults.answer_delay + reset_delay, [&core] {
                const auto reset = core.hooks.reset; // it may take the server down with it
                core.lose_all_state();
                reset();
            });
        };
        return QmiError::none;
    default:
        return QmiError::invalid_argument;
    }
}

constexpr QmiCommand commands[] = {
    {0x20, get_capabilities},   {0x21, get_manufacturer}, {0x22, get_model},
    {0x23, get_revision},       {0x25, get_ids},          {0x2d, get_operating_mode},
    {0x2e, set_operating_mode},
};

} // namespace

const QmiService qmi_dms{Service::dms, 1, 14, commands};

} // namespace vmodem
