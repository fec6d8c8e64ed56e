// SPDX-License-Identifier: GPL-2.0
#include "tcp_endpoint.h"

#include <algorithm>
#include <cstring>

namespace vmodem::ip {

using namespace std::chrono_literals;

static constexpr size_t turn = 16; // segments that a connection sends when others wait too
// How soon to look for room again, should nobody call before.
static constexpr auto room_poll = 1ms;

TcpEndpoint::TcpEndpoint(Output &output, IpPeer::Statistics &statistics,
                         const IpPeer::Options &options)
    : output_(output), context_{output, statistics, std::max(options.tcp_segments_in_flight, 1u),
                                options.tcp_segments_per_ack, reassembly_budget} {}

size_t TcpEndpoint::KeyHash::operator()(const Key &key) const {
    uint64_t hash = uint64_t(key.local_port) << 16 | key.remote_port;
    for (const Address *address : {&key.path.local, &key.path.remote})
        for (size_t i = 0; i < 16; i += 8) {
            uint64_t word;
            std::memcpy(&word, &address->bytes[i], 8);
            hash = (hash ^ word) * 0x9e3779b97f4a7c15;
            hash ^= hash >> 32;
        }
    return hash;
}

bool TcpEndpoint::receive(const Packet &packet, Clock::time_point now) {
    std::optional<TcpSegment> segment = parse_tcp(packet.payload);
    if (!segment || segment->remote_port == 0)
        return false;
    Key key{packet.path, segment->local_port, segment->remote_port};
    bool opening = (segment->flags & (syn | ack | rst | fin)) == syn;
    auto at = connections_.find(key);
    if (at != connections_.end() && opening && at->second.connection.lingering()) {
        erase(at);
        at = connections_.end();
    }
    if (at == connections_.end()) {
        if (opening)
            open(key, *segment, now);
        else
            refuse(packet.path, *segment);
        return true;
    }
    at->second.connection.receive(*segment, now);
    settle(at, now);
    return true;
}

void TcpEndpoint::open(const Key &key, const TcpSegment &segment, Clock::time_point now) {
    std::unique_ptr<TcpService> service = make_tcp_service(key.local_port, context_.statistics);
    if (!service || !make_place(now))
        return refuse(key.path, segment);
    next_initial_ += 0x01234567;
    auto [at, inserted] = connections_.try_emplace(key, context_, key.path, segment,
                                                   std::move(service), next_initial_, now);
    next_ = std::min(next_, at->second.connection.deadline());
}

bool TcpEndpoint::make_place(Clock::time_point now) {
    if (connections_.size() < max_connections)
        return true;
    auto victim = std::find_if(connections_.begin(), connections_.end(), [&](const auto &entry) {
        return entry.second.connection.expendable(now);
    });
    if (victim == connections_.end())
        return false;
    erase(victim);
    return true;
}

void TcpEndpoint::refuse(const Path &path, const TcpSegment &segment) {
    if (segment.flags & rst)
        return;
    TcpHeader header{segment.local_port, segment.remote_port, 0, 0, rst, 0, {}, {}};
    if (segment.flags & ack) {
        header.sequence = segment.acknowledgement;
    } else {
        header.acknowledgement = segment.sequence + segment.length();
        header.flags |= ack;
    }
    output_.send(make_tcp(path, header, 0), tcp_checksum_offset);
}

TcpEndpoint::Connections::iterator TcpEndpoint::erase(Connections::iterator at) {
    if (at->second.queued)
        std::erase(waiting_, at->first);
    return connections_.erase(at);
}

void TcpEndpoint::settle(Connections::iterator at, Clock::time_point now) {
    Entry &entry = at->second;
    if (!entry.queued && entry.connection.pump(waiting_.empty() ? SIZE_MAX : turn, now)) {
        entry.queued = true;
        waiting_.push_back(at->first);
    }
    entry.connection.flush(now);
    next_ = std::min(next_, entry.connection.deadline());
    if (entry.connection.closed())
        erase(at);
}

void TcpEndpoint::serve_waiting(Clock::time_point now) {
    while (!waiting_.empty() && output_.has_room()) {
        auto at = connections_.find(waiting_.front());
        waiting_.pop_front();
        Entry &entry = at->second;
        entry.queued = entry.connection.pump(turn, now);
        if (entry.queued)
            waiting_.push_back(at->first);
        next_ = std::min(next_, entry.connection.deadline());
    }
}

std::optional<Clock::time_point> TcpEndpoint::advance(Clock::time_point now) {
    if (now >= next_) {
        next_ = Clock::time_point::max();
        for (auto at = connections_.begin(); at != connections_.end();) {
            auto current = at++;
            current->second.connection.run_timers(now);
            settle(current, now);
        }
    }
    serve_waiting(now);
    Clock::time_point next = waiting_.empty() ? next_ : std::min(next_, now + room_poll);
    return next == Clock::time_point::max() ? std::nullopt : std::optional(next);
}

} // namespace vmodem::ip
