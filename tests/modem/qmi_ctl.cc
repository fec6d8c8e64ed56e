// SPDX-License-Identifier: GPL-2.0
// CTL: the clients of all services.
#include "qmi_core.h"

namespace vmodem {

namespace {

QmiError set_instance(QmiCore &, const QmiMessage &request, QmiReply &reply) {
    Arguments in(request);
    const uint8_t instance = in.u8(0x01);
    if (in.error() == QmiError::none)
        reply.message.put_u16(0x01, instance);
    return in.error();
}

QmiError get_version(QmiCore &, const QmiMessage &, QmiReply &reply) {
    Bytes list{static_cast<uint8_t>(qmi_services().size())};
    for (const QmiService *s : qmi_services()) {
        list.push_back(static_cast<uint8_t>(s->service));
        append_u16(list, s->major);
        append_u16(list, s->minor);
    }
    reply.message.put(0x01, list);
    return QmiError::none;
}

QmiError allocate_client(QmiCore &core, const QmiMessage &request, QmiReply &reply) {
    Arguments in(request);
    const auto service = static_cast<Service>(in.u8(0x01));
    if (in.error() != QmiError::none)
        return in.error();
    if (service == Service::ctl || !find_qmi_service(service))
        return QmiError::invalid_service;
    const auto id = core.allocate_client(service);
    if (!id)
        return QmiError::client_ids_exhausted;
    const uint8_t allocated[] = {static_cast<uint8_t>(service), *id};
    reply.message.put(0x01, allocated);
    return QmiError::none;
}

QmiError release_client(QmiCore &core, const QmiMessage &request, QmiReply &reply) {
    Arguments in(request);
    const ByteView client = in.bytes(0x01, 2);
    if (in.error() != QmiError::none)
        return in.error();
    if (!core.release_client(static_cast<Service>(client[0]), client[1]))
        return QmiError::invalid_client_id;
    reply.message.put(0x01, client.first(2));
    return QmiError::none;
}

// The link protocol of old modules without WDA; accepted and of no effect where there is WDA.
QmiError set_data_format(QmiCore &, const QmiMessage &request, QmiReply &reply) {
    Arguments in(request);
    in.u8(0x01);
    const auto link_protocol = in.optional_u16(0x10);
    if (in.error() == QmiError::none && link_protocol)
        reply.message.put_u16(0x10, *link_protocol);
    return in.error();
}

QmiError sync(QmiCore &core, const QmiMessage &, QmiReply &) {
    core.release_all_clients();
    return QmiError::none;
}

constexpr QmiCommand commands[] = {
    {0x20, set_instance},   {0x21, get_version},     {0x22, allocate_client},
    {0x23, release_client}, {0x26, set_data_format}, {0x27, sync},
};

} // namespace

const QmiService qmi_ctl{Service::ctl, 1, 5, commands};

} // namespace vmodem
