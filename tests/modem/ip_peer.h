// SPDX-License-Identifier: GPL-2.0
// The network behind one PDN: DHCP, router advertisements, ping, UDP and TCP services.
// IP packets in, IP packets out; knows nothing of QMAP or USB.
//
// Single-threaded: every call, and every hook it makes, is on the modem's loop thread.
// Any destination address is answered for (the peer is 'the internet'), except where noted.
// Services, on IPv4 and IPv6:
//   UDP/TCP  7  echo
//   UDP/TCP  9  sink. TCP: each byte is compared with pattern_byte(offset); on FIN it sends one
//               text line "<bytes> <mismatches>\n" and closes
//   TCP     19  source: reads one text line, the number of bytes wanted, sends that many
//               pattern_byte(offset) and closes
//   UDP     19  source: a datagram "<count> <payload bytes> <packets a second, 0 = at once>"
//               starts a flow back to its sender; payloads as pattern_byte, the first 8 bytes
//               the sequence number, big endian. (The flow is one stream of the pattern: byte i
//               of payload n is pattern_byte(n * payload bytes + i). 8 to 65507 payload bytes.)
//   UDP     20  the same, but the flow is of TCP segments that nobody acknowledges: what a host
//               that forwards sees of a download. Their sequence numbers tell where they belong
// ICMP and ICMPv6 echo; neighbour solicitation; router solicitation -> advertisement with the
// PDN's prefix, MTU and RDNSS; DHCP discover/request/renew/release -> the PDN's address.
#pragma once

#include "bytes.h"
#include "qmi_server.h"

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>

namespace vmodem {

// The byte at that offset of every checked stream: no period shorter than 64 KiB, so that a
// lost, doubled or moved block never compares equal.
uint8_t pattern_byte(uint64_t offset);

class IpPeer {
  public:
    struct Options {
        PdnAddressing addressing;
        bool ipv4 = true;
        bool ipv6 = true;
        unsigned tcp_segments_in_flight = 400;
        unsigned tcp_segments_per_ack = 16; // fewer when 'push' or 5 ms pass
    };
    struct Statistics {
        uint64_t packets_in, packets_out;
        uint64_t bad_packets; // wrong checksum, length or version: what a router would drop
        uint64_t dhcp_leases, router_advertisements, echo_replies;
        uint64_t udp_sunk_packets, udp_sunk_bytes;
        uint64_t tcp_sunk_bytes, tcp_sink_mismatches, tcp_sourced_bytes, tcp_retransmits;
        uint64_t tcp_out_of_order; // segments that arrived before one that precedes them
    };

    // emit: one IP packet for the host.
    IpPeer(Options options, std::function<void(Bytes packet)> emit);
    ~IpPeer();

    // One IP packet from the host. Hostile input: never throws.
    void receive(ByteView packet, Clock::time_point now);
    // Runs timers; returns when it next wants to be called, if at all.
    std::optional<Clock::time_point> advance(Clock::time_point now);
    // How many packets the link can take at once; sources stop when 0 is left and go on when it
    // grows (UDP/TCP sources call it before each packet). Default: unlimited.
    void set_room(std::function<size_t()> room);
    // Sends a router advertisement unasked, as a network does when a call comes up.
    void advertise();
    Statistics statistics() const;

  private:
    struct State;
    std::unique_ptr<State> state_;
};

} // namespace vmodem
