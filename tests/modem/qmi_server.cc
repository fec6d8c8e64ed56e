// SPDX-License-Identifier: GPL-2.0
#include "qmi_server.h"

#include "qmi_core.h"

#include <algorithm>

namespace vmodem {

namespace {

constexpr size_t qmux_header = 6;

// A frame whose TLVs are broken still says whom to answer: the message without its TLVs.
// nullopt if the frame does not even say that.
std::optional<QmiMessage> decode_without_tlvs(ByteView frame) {
    if (frame.size() < qmux_header)
        return std::nullopt;
    const size_t header = qmux_header + (frame[4] == static_cast<uint8_t>(Service::ctl) ? 6 : 7);
    if (frame.size() < header || (frame[1] | frame[2] << 8) + 1u != frame.size())
        return std::nullopt;
    Bytes bare(frame.begin(), frame.begin() + header);
    bare[1] = header - 1;
    bare[2] = 0;
    bare[header - 2] = bare[header - 1] = 0;
    return decode(bare);
}

QmiHandler find_handler(Service service, uint16_t id) {
    const QmiService *table = find_qmi_service(service);
    if (!table)
        return nullptr;
    const auto command = std::find_if(table->commands.begin(), table->commands.end(),
                                      [id](const QmiCommand &c) { return c.id == id; });
    return command == table->commands.end() ? nullptr : command->handler;
}

std::array<uint8_t, 16> ipv6_of(unsigned pdn, uint8_t host) {
    return {0x20,
            0x01,
            0x0d,
            0xb8,
            static_cast<uint8_t>(pdn >> 8),
            static_cast<uint8_t>(pdn),
            0,
            0,
            0,
            0,
            0,
            0,
            0,
            0,
            0,
            host};
}

} // namespace

PdnAddressing addressing_of(unsigned pdn) {
    PdnAddressing a;
    const uint32_t subnet = 10u << 24 | ((100 + pdn) & 0xff) << 16;
    a.ipv4_host = subnet | 2;
    a.ipv4_gateway = a.ipv4_dns1 = a.ipv4_dns2 = subnet | 1;
    a.ipv4_netmask = 0xfffffffc;
    a.ipv6_host = ipv6_of(pdn, 2);
    a.ipv6_gateway = a.ipv6_dns1 = a.ipv6_dns2 = ipv6_of(pdn, 1);
    return a;
}

std::span<const QmiService *const> qmi_services() {
    static constexpr const QmiService *services[] = {&qmi_ctl, &qmi_wds, &qmi_dms,
                                                     &qmi_nas, &qmi_uim, &qmi_wda};
    return services;
}

const QmiService *find_qmi_service(Service service) {
    for (const QmiService *candidate : qmi_services()) {
        if (candidate->service == service)
            return candidate;
    }
    return nullptr;
}

struct QmiServer::State : QmiCore {
    using QmiCore::QmiCore;

    QmiError treat(const QmiMessage &request, QmiReply &reply) {
        if (request.service != Service::ctl && !find_client(request.service, request.client))
            return QmiError::invalid_client_id;
        if (faults.refuse) {
            if (const QmiError error = faults.refuse(request); error != QmiError::none)
                return error;
        }
        const QmiHandler handler = find_handler(request.service, request.id);
        return handler ? handler(*this, request, reply) : QmiError::invalid_qmi_command;
    }

    void answer(const QmiMessage &request, QmiError error, const QmiReply &reply) {
        QmiMessage response{.from_modem = true,
                            .service = request.service,
                            .client = request.client,
                            .kind = QmiKind::response,
                            .transaction = request.transaction,
                            .id = request.id,
                            .tlvs = {}};
        response.put_result(error);
        response.tlvs.insert(response.tlvs.end(), reply.message.tlvs.begin(),
                             reply.message.tlvs.end());
        if (faults.bend)
            faults.bend(request, response);
        send(response);
        if (reply.then)
            reply.then();
    }
};

QmiServer::QmiServer(const Profile &profile, Hooks hooks)
    : state_(std::make_unique<State>(profile, std::move(hooks))) {}

QmiServer::~QmiServer() = default;

void QmiServer::receive(ByteView frame) {
    const auto request = decode(frame);
    const auto broken = request ? std::nullopt : decode_without_tlvs(frame);
    const auto &whom = request ? request : broken;
    if (!whom || whom->from_modem || whom->kind != QmiKind::request)
        return;
    QmiReply reply;
    if (broken) {
        state_->answer(*broken, QmiError::malformed_message, reply);
        return;
    }
    if (state_->faults.swallow && state_->faults.swallow(*request))
        return;
    const QmiError error = state_->treat(*request, reply);
    state_->answer(*request, error, reply);
}

void QmiServer::set_faults(Faults faults) {
    state_->faults = std::move(faults);
}

void QmiServer::drop_call(uint8_t mux_id) {
    state_->end_calls(
        [mux_id](const Call &call) { return link_of(call.mux_id) == link_of(mux_id); },
        ended_by_network);
}

const DataFormat &QmiServer::format() const {
    return state_->format;
}

unsigned QmiServer::client_count() const {
    return state_->client_count();
}

} // namespace vmodem
