// SPDX-License-Identifier: GPL-2.0
#include "ip_peer.h"
#include "dhcp_server.h"
#include "ip_output.h"
#include "ip_packet.h"
#include "ip_reassembly.h"
#include "ip_wire.h"
#include "router_advertiser.h"
#include "tcp_endpoint.h"
#include "udp_services.h"

#include <algorithm>

namespace vmodem {

using namespace ip;

static constexpr uint16_t dhcp_server_port = 67, dhcp_client_port = 68;
static constexpr uint32_t smallest_mtu = 576, largest_mtu = 65535;

static IpPeer::Options with_sane_mtu(IpPeer::Options options) {
    options.addressing.mtu = std::clamp(options.addressing.mtu, smallest_mtu, largest_mtu);
    return options;
}

struct IpPeer::State {
    Options options;
    Statistics statistics{};
    Output output;
    Reassembly reassembly;
    DhcpServer dhcp;
    RouterAdvertiser router;
    UdpServices udp;
    TcpEndpoint tcp;

    State(const Options &given, std::function<void(Bytes)> emit)
        : options(with_sane_mtu(given)),
          output(options.addressing.mtu, std::move(emit), statistics.packets_out),
          dhcp(options.addressing), router(options.addressing, output), udp(output, statistics),
          tcp(output, statistics, options) {}

    void receive(ByteView bytes, Clock::time_point now);
    void advertise();
    // False if the packet is one to be counted as bad.
    bool dispatch(const Packet &packet, Clock::time_point now);
    bool receive_icmp(const Packet &packet);
    bool receive_icmpv6(const Packet &packet);
    void echo(const Packet &packet, const Address &source, uint8_t type);
    bool receive_udp(const Packet &packet, Clock::time_point now);
    void receive_dhcp(const Packet &packet);
};

void IpPeer::State::receive(ByteView bytes, Clock::time_point now) {
    ++statistics.packets_in;
    std::optional<Packet> packet = parse(bytes);
    if (!packet) {
        ++statistics.bad_packets;
        return;
    }
    if (!(packet->path.v6 ? options.ipv6 : options.ipv4))
        return;
    if (packet->fragment) {
        auto result = reassembly.add(*packet, now);
        statistics.bad_packets += result == Reassembly::Result::bad;
        if (result != Reassembly::Result::complete)
            return;
    }
    if (!dispatch(*packet, now))
        ++statistics.bad_packets;
}

bool IpPeer::State::dispatch(const Packet &packet, Clock::time_point now) {
    const Path &path = packet.path;
    switch (Protocol(packet.protocol)) {
    case Protocol::icmp:
        return path.v6 || receive_icmp(packet);
    case Protocol::icmpv6:
        return !path.v6 || receive_icmpv6(packet);
    case Protocol::udp:
        return receive_udp(packet, now);
    case Protocol::tcp:
        if (!payload_checksum_right(packet))
            return false;
        if (!path.unicast(path.local) || !path.unicast(path.remote))
            return true;
        return tcp.receive(packet, now);
    }
    return true;
}

bool IpPeer::State::receive_icmp(const Packet &packet) {
    static constexpr uint8_t request = 8, reply = 0;
    if (packet.payload.size() < 8 || !payload_checksum_right(packet))
        return false;
    const Path &path = packet.path;
    if (packet.payload[0] == request && packet.payload[1] == 0 && path.unicast(path.local) &&
        path.unicast(path.remote))
        echo(packet, path.local, reply);
    return true;
}

bool IpPeer::State::receive_icmpv6(const Packet &packet) {
    static constexpr uint8_t request = 128, reply = 129, router_solicitation = 133,
                             neighbour_solicitation = 135;
    if (packet.payload.size() < 4 || !payload_checksum_right(packet))
        return false;
    const Path &path = packet.path;
    switch (packet.payload[0]) {
    case request:
        if (packet.payload.size() >= 8 && packet.payload[1] == 0 && path.unicast(path.remote))
            echo(packet, path.unicast(path.local) ? path.local : router.link_local(), reply);
        break;
    case router_solicitation:
        statistics.router_advertisements += router.receive_router_solicitation(packet);
        break;
    case neighbour_solicitation:
        router.receive_neighbour_solicitation(packet);
        break;
    }
    return true;
}

void IpPeer::State::echo(const Packet &packet, const Address &source, uint8_t type) {
    Path path{packet.path.v6, source, packet.path.remote};
    Bytes reply = make_packet(path, Protocol(packet.protocol), packet.payload.size());
    std::span<uint8_t> payload = payload_of(reply);
    std::copy(packet.payload.begin(), packet.payload.end(), payload.begin());
    payload[0] = type;
    store16(&payload[2], 0);
    output.send(std::move(reply), 2);
    ++statistics.echo_replies;
}

bool IpPeer::State::receive_udp(const Packet &packet, Clock::time_point now) {
    if (packet.payload.size() < 8 || load16(&packet.payload[4]) != packet.payload.size())
        return false;
    bool unchecked = !packet.path.v6 && load16(&packet.payload[6]) == 0;
    if (!unchecked && !payload_checksum_right(packet))
        return false;
    const Path &path = packet.path;
    if (!path.v6 && load16(&packet.payload[2]) == dhcp_server_port)
        receive_dhcp(packet);
    else if (path.unicast(path.local) && path.unicast(path.remote))
        udp.receive(packet, now);
    return true;
}

void IpPeer::State::receive_dhcp(const Packet &packet) {
    Address server = ipv4_address(options.addressing.ipv4_gateway);
    const Address &to = packet.path.local;
    if (load16(&packet.payload[0]) != dhcp_client_port ||
        (to != server && to != ipv4_address(0xffffffff)))
        return;
    auto reply = dhcp.answer(packet.payload.subspan(8));
    if (!reply)
        return;
    Path path{false, server, ipv4_address(reply->destination)};
    Bytes datagram = make_packet(path, Protocol::udp, 8 + reply->message.size());
    std::span<uint8_t> payload = payload_of(datagram);
    store16(&payload[0], dhcp_server_port);
    store16(&payload[2], dhcp_client_port);
    store16(&payload[4], uint32_t(payload.size()));
    std::copy(reply->message.begin(), reply->message.end(), &payload[8]);
    output.send(std::move(datagram), 6);
    statistics.dhcp_leases += reply->lease;
}

void IpPeer::State::advertise() {
    if (!options.ipv6)
        return;
    router.advertise();
    ++statistics.router_advertisements;
}

IpPeer::IpPeer(Options options, std::function<void(Bytes packet)> emit)
    : state_(std::make_unique<State>(options, std::move(emit))) {}

IpPeer::~IpPeer() = default;

void IpPeer::receive(ByteView packet, Clock::time_point now) {
    state_->receive(packet, now);
}

std::optional<Clock::time_point> IpPeer::advance(Clock::time_point now) {
    auto tcp = state_->tcp.advance(now);
    auto udp = state_->udp.advance(now);
    return tcp && udp ? std::min(tcp, udp) : tcp ? tcp : udp;
}

void IpPeer::set_room(std::function<size_t()> room) {
    state_->output.set_room(std::move(room));
}

void IpPeer::advertise() {
    state_->advertise();
}

IpPeer::Statistics IpPeer::statistics() const {
    return state_->statistics;
}

} // namespace vmodem
