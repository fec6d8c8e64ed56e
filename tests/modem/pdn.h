// SPDX-License-Identifier: GPL-2.0
// The calls on one mux and the network behind them: a peer for each address family, since each is
// a call of its own.
#pragma once

#include "ip_peer.h"
#include "qmi_server.h"

#include <functional>
#include <memory>
#include <optional>

namespace vmodem {

class Pdn {
  public:
    struct Hooks {
        std::function<void(Bytes packet)> emit;
        std::function<size_t()> room;
    };

    Pdn(PdnAddressing addressing, Hooks hooks);

    void call_up(IpFamily family);
    void call_down(IpFamily family);
    bool up() const { return v4_ || v6_; }

    void receive(ByteView packet, Clock::time_point now);
    std::optional<Clock::time_point> advance(Clock::time_point now);
    // All calls of this PDN so far.
    IpPeer::Statistics statistics() const;

  private:
    std::unique_ptr<IpPeer> &peer(IpFamily family) { return family == IpFamily::v4 ? v4_ : v6_; }

    PdnAddressing addressing_;
    Hooks hooks_;
    std::unique_ptr<IpPeer> v4_, v6_;
    IpPeer::Statistics ended_{}; // of calls that are over
};

} // namespace vmodem
