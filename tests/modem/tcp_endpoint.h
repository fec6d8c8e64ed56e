// SPDX-License-Identifier: GPL-2.0
// All TCP connections of a peer: finds the one that a segment belongs to, opens and destroys
// them, and shares the room on the link out among those that have much to send.
#pragma once

#include "tcp_connection.h"

#include <deque>
#include <unordered_map>

namespace vmodem::ip {

class TcpEndpoint {
  public:
    static constexpr size_t max_connections = 256;
    static constexpr size_t reassembly_budget = size_t(16) << 20;

    TcpEndpoint(Output &output, IpPeer::Statistics &statistics, const IpPeer::Options &options);

    // A segment whose checksum is right, between unicast addresses. False if it is malformed.
    bool receive(const Packet &packet, Clock::time_point now);
    std::optional<Clock::time_point> advance(Clock::time_point now);

  private:
    struct Key {
        Path path;
        uint16_t local_port, remote_port;
        bool operator==(const Key &) const = default;
    };
    struct KeyHash {
        size_t operator()(const Key &key) const;
    };
    struct Entry {
        template <typename... Arguments>
        explicit Entry(Arguments &&...arguments)
            : connection(std::forward<Arguments>(arguments)...) {}

        TcpConnection connection;
        bool queued = false; // in waiting_
    };
    using Connections = std::unordered_map<Key, Entry, KeyHash>;

    void open(const Key &key, const TcpSegment &segment, Clock::time_point now);
    bool make_place(Clock::time_point now);
    void refuse(const Path &path, const TcpSegment &segment);
    // What there is to do after each event of a connection; destroys it if it is closed.
    void settle(Connections::iterator at, Clock::time_point now);
    void serve_waiting(Clock::time_point now);
    Connections::iterator erase(Connections::iterator at);

    Output &output_;
    TcpConnection::Context context_;
    Connections connections_;
    std::deque<Key> waiting_;                           // for room on the link, in turn
    Clock::time_point next_ = Clock::time_point::max(); // no timer is due before
    uint32_t next_initial_ = 0xfff00000;                // so that sequence numbers wrap early
};

} // namespace vmodem::ip
