// SPDX-License-Identifier: GPL-2.0
// What the QMI services of one module share: clients, calls, the data format in force. Each
// service is a table of commands, in a file of its own (qmi_ctl.cc, qmi_wds.cc, ...).
#pragma once

#include "qmi_server.h"

#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <vector>

namespace vmodem {

struct QmiClientRecord {
    Service service;
    uint8_t id;
    uint8_t mux_id = 0;             // WDS bind mux data port; 0: not bound
    std::optional<IpFamily> family; // WDS set IP family
};

// Clients that are not bound to a mux use the same link as those of the first one.
constexpr uint8_t link_of(uint8_t mux_id) {
    return mux_id ? mux_id : 0x81;
}

struct Call {
    uint32_t handle;
    uint8_t owner; // WDS client id
    uint8_t mux_id;
    IpFamily family;
};

// Why a call is not up, as WDS puts it in TLVs 10 and 11.
struct CallEnd {
    uint16_t reason;
    uint16_t verbose_type, verbose_reason;
    void put(QmiMessage &message) const;
};
inline constexpr CallEnd ended_by_client{2, 2, 2000};    // internal: client end
inline constexpr CallEnd ended_by_network{1, 6, 36};     // 3GPP: regular deactivation
inline constexpr CallEnd ended_by_power_off{3, 3, 2001}; // call manager: no service

struct Endpoint {
    uint32_t type;
    uint32_t interface;
};

class QmiCore {
  public:
    QmiCore(const Profile &profile, QmiServer::Hooks hooks);

    const Profile profile;
    const QmiServer::Hooks hooks;
    QmiServer::Faults faults;
    DataFormat format;
    uint8_t operating_mode; // as DMS codes it; 0: online

    QmiClientRecord *find_client(Service service, uint8_t id);
    // The new client's id; nullopt if the module has no room for it.
    std::optional<uint8_t> allocate_client(Service service);
    // Hangs up what the client had started. False if there is no such client.
    bool release_client(Service service, uint8_t id);
    void release_all_clients();
    unsigned client_count() const { return clients_.size(); }

    // nullptr if such a call is up on that link already.
    const Call *start_call(const QmiClientRecord &client, IpFamily family);
    const Call *find_call(uint8_t mux_id, IpFamily family) const;
    bool has_call(const std::function<bool(const Call &)> &which) const;
    // The call that the client's questions are about: of its family if it has set one.
    const Call *call_of(const QmiClientRecord &client) const;
    void end_calls(const std::function<bool(const Call &)> &which, const CallEnd &why);
    // Tells the WDS clients of that call's mux that it is up, or why it is not.
    void indicate_status(const Call &call, const CallEnd *why_down = nullptr);

    bool is_data_endpoint(Endpoint endpoint) const;
    void send(const QmiMessage &message);
    // As after power-up; what was still to be sent is lost.
    void lose_all_state();
    // Like Hooks::after, unless the server is gone or reset by then.
    void after(std::chrono::milliseconds delay, std::function<void()> work);

  private:
    std::vector<QmiClientRecord> clients_;
    std::vector<Call> calls_;
    std::array<uint8_t, 256> last_client_id_;
    uint32_t last_handle_;
    std::shared_ptr<void> powered_; // deferred work holds it weakly
};

// Reads the TLVs of a request and remembers the first thing wrong with them.
class Arguments {
  public:
    explicit Arguments(const QmiMessage &request) : request_(request) {}

    uint8_t u8(uint8_t type);
    uint32_t u32(uint8_t type);
    std::optional<uint8_t> optional_u8(uint8_t type);
    std::optional<uint16_t> optional_u16(uint8_t type);
    std::optional<uint32_t> optional_u32(uint8_t type);
    std::optional<Endpoint> optional_endpoint(uint8_t type);
    // Mandatory, at least that long; zeros if it is not.
    ByteView bytes(uint8_t type, size_t length);
    QmiError error() const { return error_; }

  private:
    std::optional<ByteView> optional_bytes(uint8_t type, size_t length);
    template <typename Integer> Integer mandatory(std::optional<Integer> value);

    const QmiMessage &request_;
    QmiError error_ = QmiError::none;
};

struct QmiReply {
    QmiMessage message;         // TLVs that follow the result
    std::function<void()> then; // once the answer is on its way
};

// Carries out a request of an existing client; the error goes into the result TLV.
using QmiHandler = QmiError (*)(QmiCore &core, const QmiMessage &request, QmiReply &reply);

struct QmiCommand {
    uint16_t id;
    QmiHandler handler;
};

struct QmiService {
    Service service;
    uint16_t major, minor; // CTL get version
    std::span<const QmiCommand> commands;
};

extern const QmiService qmi_ctl, qmi_wds, qmi_dms, qmi_nas, qmi_uim, qmi_wda;
std::span<const QmiService *const> qmi_services();
// nullptr if the module has no such service.
const QmiService *find_qmi_service(Service service);

} // namespace vmodem
