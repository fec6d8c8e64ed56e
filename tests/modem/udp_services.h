// SPDX-License-Identifier: GPL-2.0
// UDP echo, sink and source (see ip_peer.h).
#pragma once

#include "ip_output.h"
#include "ip_peer.h"

#include <deque>

namespace vmodem::ip {

class UdpServices {
  public:
    static constexpr size_t max_flows = 64; // sources at once; more are refused

    UdpServices(Output &output, IpPeer::Statistics &statistics)
        : output_(output), statistics_(statistics) {}

    // A datagram whose checksum and length are right, between unicast addresses.
    void receive(const Packet &packet, Clock::time_point now);
    std::optional<Clock::time_point> advance(Clock::time_point now);

  private:
    struct Ports {
        uint16_t local, remote;
        bool operator==(const Ports &) const = default;
    };
    struct Flow {
        Path path;
        Ports ports;
        bool tcp;
        uint64_t count, rate; // packets; a second
        size_t payload;
        uint64_t sent = 0;
        Clock::time_point started;

        Clock::time_point due() const;
    };

    void start_flow(const Packet &packet, Ports ports, Clock::time_point now);
    void send_next(Flow &flow);
    void send_datagram(const Flow &flow);
    void send_segment(const Flow &flow);

    Output &output_;
    IpPeer::Statistics &statistics_;
    std::deque<Flow> flows_;
};

} // namespace vmodem::ip
