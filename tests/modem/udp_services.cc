// SPDX-License-Identifier: GPL-2.0
#include "udp_services.h"
#include "ip_wire.h"
#include "pattern.h"
#include "tcp_segment.h"

#include <algorithm>
#include <charconv>
#include <string_view>

namespace vmodem::ip {

using namespace std::chrono_literals;

static constexpr uint16_t source_port = 19, tcp_flow_port = 20;
static constexpr size_t header = 8, checksum_offset = 6;
static constexpr size_t min_payload = 8, max_payload = 65507; // room for the sequence number
static constexpr uint64_t max_rate = 1'000'000;
// An unlimited link must not keep the caller from its other work.
static constexpr unsigned max_burst = 256;
// How soon a source that found no room looks again, should nobody call before.
static constexpr auto room_poll = 1ms;

static Bytes make_datagram(const Path &path, uint16_t local, uint16_t remote, size_t payload) {
    Bytes packet = make_packet(path, Protocol::udp, header + payload);
    uint8_t *p = payload_of(packet).data();
    store16(p, local);
    store16(p + 2, remote);
    store16(p + 4, uint32_t(header + payload));
    return packet;
}

void UdpServices::receive(const Packet &packet, Clock::time_point now) {
    Ports ports{load16(&packet.payload[2]), load16(&packet.payload[0])};
    ByteView payload = packet.payload.subspan(header);
    switch (ports.local) {
    case 7: {
        if (ports.remote == 0)
            return;
        Bytes reply = make_datagram(packet.path, ports.local, ports.remote, payload.size());
        std::copy(payload.begin(), payload.end(), payload_of(reply).begin() + header);
        output_.send(std::move(reply), checksum_offset);
        return;
    }
    case 9:
        ++statistics_.udp_sunk_packets;
        statistics_.udp_sunk_bytes += payload.size();
        return;
    case source_port:
    case tcp_flow_port:
        if (ports.remote != 0)
            start_flow(packet, ports, now);
        return;
    }
}

// "<count> <payload bytes> <packets a second>"
void UdpServices::start_flow(const Packet &packet, Ports ports, Clock::time_point now) {
    ByteView payload = packet.payload.subspan(header);
    const char *p = reinterpret_cast<const char *>(payload.data());
    const char *end = p + payload.size();
    uint64_t numbers[3];
    for (uint64_t &number : numbers) {
        while (p != end && *p == ' ')
            ++p;
        auto [next, error] = std::from_chars(p, end, number);
        if (error != std::errc())
            return;
        p = next;
    }
    if (std::any_of(p, end, [](char c) { return c != '\n' && c != '\r' && c != ' ' && c != 0; }))
        return;
    if (numbers[1] < min_payload || numbers[1] > max_payload || numbers[2] > max_rate)
        return;
    std::erase_if(
        flows_, [&](const Flow &flow) { return flow.path == packet.path && flow.ports == ports; });
    if (flows_.size() < max_flows && numbers[0] > 0)
        flows_.push_back({packet.path, ports, ports.local == tcp_flow_port, numbers[0], numbers[2],
                          size_t(numbers[1]), 0, now});
}

Clock::time_point UdpServices::Flow::due() const {
    if (rate == 0)
        return started;
    return started + std::chrono::seconds(sent / rate) +
           std::chrono::nanoseconds(sent % rate * 1'000'000'000 / rate);
}

void UdpServices::send_next(Flow &flow) {
    if (flow.tcp)
        send_segment(flow);
    else
        send_datagram(flow);
    ++flow.sent;
}

void UdpServices::send_datagram(const Flow &flow) {
    Bytes packet = make_datagram(flow.path, flow.ports.local, flow.ports.remote, flow.payload);
    std::span<uint8_t> payload = payload_of(packet).subspan(header);
    fill_pattern(flow.sent * flow.payload, payload);
    store64(payload.data(), flow.sent);
    output_.send(std::move(packet), checksum_offset);
}

void UdpServices::send_segment(const Flow &flow) {
    uint64_t position = flow.sent * flow.payload;
    TcpHeader tcp{flow.ports.local, flow.ports.remote, uint32_t(position), 1, ack, 0xffff, {}, {}};
    Bytes packet = make_tcp(flow.path, tcp, flow.payload);
    fill_pattern(position, payload_of(packet).last(flow.payload));
    output_.send(std::move(packet), tcp_checksum_offset);
}

std::optional<Clock::time_point> UdpServices::advance(Clock::time_point now) {
    // Flows take turns: the one that sent goes to the end of the line.
    size_t waiting = 0;
    for (unsigned burst = 0; waiting < flows_.size();) {
        Flow &flow = flows_.front();
        if (flow.due() <= now) {
            if (burst == max_burst)
                return now;
            if (!output_.has_room())
                return now + room_poll;
            send_next(flow);
            ++burst;
            waiting = 0;
        } else {
            ++waiting;
        }
        if (flow.sent < flow.count)
            flows_.push_back(std::move(flow));
        flows_.pop_front();
    }
    if (flows_.empty())
        return std::nullopt;
    return std::min_element(flows_.begin(), flows_.end(),
                            [](const Flow &a, const Flow &b) { return a.due() < b.due(); })
        ->due();
}

} // namespace vmodem::ip
