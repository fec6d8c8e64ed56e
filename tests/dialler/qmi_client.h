// SPDX-License-Identifier: GPL-2.0
// QMI transactions, one at a time, and the indications that come in between.
#pragma once

#include "../modem/qmux.h"
#include "qmi_channel.h"

#include <chrono>
#include <deque>
#include <stdexcept>
#include <vector>

namespace dialler {

using vmodem::QmiError;
using vmodem::QmiKind;
using vmodem::QmiMessage;
using vmodem::Service;

struct QmiTimeout : std::runtime_error {
    using std::runtime_error::runtime_error;
};

// The module refused a request that could not do without an answer.
struct QmiRefused : std::runtime_error {
    QmiRefused(const std::string &what, QmiError error);
    QmiError error;
};

struct ClientId {
    Service service;
    uint8_t id;
    bool operator==(const ClientId &) const = default;
};

class QmiClient {
  public:
    // Modules take seconds for their first answer after power-up.
    explicit QmiClient(QmiChannel &channel,
                       std::chrono::milliseconds timeout = std::chrono::seconds(10));
    ~QmiClient(); // releases the clients that are left
    QmiClient(const QmiClient &) = delete;
    QmiClient &operator=(const QmiClient &) = delete;

    // Makes the module forget whatever earlier programs have left behind.
    void sync();
    ClientId allocate(Service service);
    void release(ClientId client);

    // An empty request of that client; TLVs are put into it before it goes to transact().
    static QmiMessage request(ClientId client, uint16_t id);
    // The response, whatever its result. Throws QmiTimeout.
    QmiMessage transact(QmiMessage request);
    // Throws QmiRefused unless the result is success.
    QmiMessage require(QmiMessage request, const std::string &what);

    // The oldest such indication that nobody has taken yet; nullopt after the time-out.
    std::optional<QmiMessage> wait_indication(ClientId client, uint16_t id,
                                              std::chrono::milliseconds timeout);

  private:
    // Reads one frame; keeps it if it is an indication, returns it if it is a response.
    std::optional<QmiMessage> read_response(std::chrono::milliseconds timeout);
    std::optional<QmiMessage> take_indication(ClientId client, uint16_t id);

    QmiChannel &channel_;
    std::chrono::milliseconds timeout_;
    uint16_t transaction_ = 0;
    std::vector<ClientId> clients_;
    std::deque<QmiMessage> indications_;
};

} // namespace dialler
