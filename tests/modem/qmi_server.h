// SPDX-License-Identifier: GPL-2.0
// The module's QMI side: CTL, WDA, WDS, DMS, NAS, UIM. Bytes in, bytes out; knows nothing of USB.
//
// Single-threaded: every call, and every hook it makes, is on the modem's loop thread.
#pragma once

#include "bytes.h"
#include "data_format.h"
#include "profile.h"
#include "qmux.h"

#include <array>
#include <functional>
#include <memory>
#include <string>

namespace vmodem {

enum class IpFamily : uint8_t { v4 = 4, v6 = 6 };

// What WDS Get Current Settings reports for a PDN; the IP peer of that PDN uses the same.
struct PdnAddressing {
    uint32_t ipv4_host = 0;    // host byte order
    uint32_t ipv4_gateway = 0; // host byte order
    uint32_t ipv4_netmask = 0; // host byte order
    uint32_t ipv4_dns1 = 0, ipv4_dns2 = 0;
    std::array<uint8_t, 16> ipv6_host{}, ipv6_gateway{}, ipv6_dns1{}, ipv6_dns2{};
    uint8_t ipv6_prefix_length = 64;
    uint32_t mtu = 1500;
};

// The addressing plan: for PDN n (= mux id & 0x7f, so 1.. ; 0 when no mux was bound)
// IPv4 10.(100+n).0.2/30 with gateway and DNS 10.(100+n).0.1, DNS 2 the same;
// IPv6 2001:db8:n::2/64 with gateway and DNS 2001:db8:n::1.
PdnAddressing addressing_of(unsigned pdn);

class QmiServer {
  public:
    struct Hooks {
        // One QMUX frame to the host.
        std::function<void(Bytes frame)> send;
        // WDA agreed a format.
        std::function<void(const DataFormat &)> format_changed;
        // A call came up or went down. mux_id is what WDS A2 bound the client to; 0 if it was not
        // bound (RawIP, or the default mux 0x81 when the format is QMAP: the link decides).
        std::function<void(uint8_t mux_id, IpFamily, bool up)> call_changed;
        // DMS operating mode 'reset': the module re-enumerates, all state lost.
        std::function<void()> reset;
        // Deferred work on the loop thread (delayed answers, indications).
        std::function<void(std::chrono::milliseconds, std::function<void()>)> after;
    };
    // Ways to misbehave; all off by default.
    struct Faults {
        std::chrono::milliseconds answer_delay{0}; // before each answer
        // Return true to leave this request unanswered.
        std::function<bool(const QmiMessage &request)> swallow;
        // Return an error to refuse this request with; none to treat it normally.
        std::function<QmiError(const QmiMessage &request)> refuse;
        // May change the answer to anything.
        std::function<void(const QmiMessage &request, QmiMessage &answer)> bend;
        // WDA answers this link protocol whatever was asked (802.3-only firmware).
        LinkProtocol forced_link_protocol = LinkProtocol::raw_ip;
        bool force_link_protocol = false;
    };

    QmiServer(const Profile &profile, Hooks hooks);
    ~QmiServer();

    // One QMUX frame from the host (an encapsulated command). Hostile input: never throws.
    void receive(ByteView frame);
    void set_faults(Faults faults);
    // The network drops the call on that mux (all families): indication to its clients.
    void drop_call(uint8_t mux_id);
    const DataFormat &format() const;
    // Clients allocated at present, CTL's own not counted.
    unsigned client_count() const;

  private:
    struct State;
    std::unique_ptr<State> state_;
};

} // namespace vmodem
