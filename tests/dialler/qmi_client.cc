// SPDX-License-Identifier: GPL-2.0
#include "qmi_client.h"

#include <algorithm>

namespace dialler {

namespace {

constexpr ClientId ctl{Service::ctl, 0};
constexpr uint16_t ctl_allocate = 0x22, ctl_release = 0x23, ctl_sync = 0x27;
constexpr size_t max_indications = 64;
constexpr auto farewell_timeout = std::chrono::seconds(1);

using Clock = std::chrono::steady_clock;

std::chrono::milliseconds until(Clock::time_point deadline) {
    const auto left =
        std::chrono::duration_cast<std::chrono::milliseconds>(deadline - Clock::now());
    return std::max(left, std::chrono::milliseconds(0));
}

std::string name_of(const QmiMessage &request) {
    return std::to_string(static_cast<unsigned>(request.service)) + "." +
           std::to_string(request.id);
}

} // namespace

QmiRefused::QmiRefused(const std::string &what, QmiError error)
    : std::runtime_error(what + ": QMI error " + std::to_string(static_cast<unsigned>(error))),
      error(error) {}

QmiClient::QmiClient(QmiChannel &channel, std::chrono::milliseconds timeout)
    : channel_(channel), timeout_(timeout) {}

QmiClient::~QmiClient() {
    timeout_ = std::min<std::chrono::milliseconds>(timeout_, farewell_timeout);
    try {
        while (!clients_.empty())
            release(clients_.back());
    } catch (const std::exception &) {
        // The module is gone or deaf, and its clients with it.
    }
}

void QmiClient::sync() {
    require(request(ctl, ctl_sync), "CTL sync");
    clients_.clear();
    indications_.clear();
}

ClientId QmiClient::allocate(Service service) {
    QmiMessage message = request(ctl, ctl_allocate);
    message.put_u8(0x01, static_cast<uint8_t>(service));
    const QmiMessage response = require(message, "CTL allocate client");
    const auto allocated = response.find(0x01);
    if (!allocated || allocated->size() < 2 || (*allocated)[0] != static_cast<uint8_t>(service))
        throw QmiRefused("CTL allocate client", QmiError::malformed_message);
    return clients_.emplace_back(ClientId{service, (*allocated)[1]});
}

void QmiClient::release(ClientId client) {
    std::erase(clients_, client);
    QmiMessage message = request(ctl, ctl_release);
    const uint8_t value[] = {static_cast<uint8_t>(client.service), client.id};
    message.put(0x01, value);
    transact(message);
}

QmiMessage QmiClient::request(ClientId client, uint16_t id) {
    QmiMessage message;
    message.service = client.service;
    message.client = client.id;
    message.id = id;
    return message;
}

QmiMessage QmiClient::transact(QmiMessage request) {
    // One byte is all that CTL has for it; 0 is left to indications.
    transaction_ = transaction_ < 255 ? transaction_ + 1 : 1;
    request.transaction = transaction_;
    channel_.write(encode(request));
    const auto deadline = Clock::now() + timeout_;
    do {
        const auto response = read_response(until(deadline));
        if (response && response->service == request.service &&
            response->client == request.client && response->id == request.id &&
            response->transaction == request.transaction)
            return *response;
    } while (Clock::now() < deadline);
    throw QmiTimeout("no answer to QMI message " + name_of(request));
}

QmiMessage QmiClient::require(QmiMessage request, const std::string &what) {
    QmiMessage response = transact(std::move(request));
    const QmiError error = response.result().value_or(QmiError::malformed_message);
    if (error != QmiError::none)
        throw QmiRefused(what, error);
    return response;
}

std::optional<QmiMessage> QmiClient::read_response(std::chrono::milliseconds timeout) {
    const auto frame = channel_.read(timeout);
    auto message = frame ? vmodem::decode(*frame) : std::nullopt;
    if (!message || !message->from_modem)
        return std::nullopt;
    if (message->kind == QmiKind::response)
        return message;
    if (message->kind == QmiKind::indication) {
        if (indications_.size() == max_indications)
            indications_.pop_front();
        indications_.push_back(std::move(*message));
    }
    return std::nullopt;
}

std::optional<QmiMessage> QmiClient::take_indication(ClientId client, uint16_t id) {
    const auto found =
        std::find_if(indications_.begin(), indications_.end(), [&](const QmiMessage &m) {
            // Client 255 is everybody.
            return m.service == client.service && m.id == id &&
                   (m.client == client.id || m.client == 0xff);
        });
    if (found == indications_.end())
        return std::nullopt;
    QmiMessage indication = std::move(*found);
    indications_.erase(found);
    return indication;
}

std::optional<QmiMessage> QmiClient::wait_indication(ClientId client, uint16_t id,
                                                     std::chrono::milliseconds timeout) {
    const auto deadline = Clock::now() + timeout;
    do {
        if (auto indication = take_indication(client, id))
            return indication;
        read_response(until(deadline)); // a late answer is of no use to anybody
    } while (Clock::now() < deadline);
    return take_indication(client, id);
}

} // namespace dialler
