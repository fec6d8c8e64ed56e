// SPDX-License-Identifier: GPL-2.0
#include "pdn.h"

#include <algorithm>

namespace vmodem {

namespace {

void add(IpPeer::Statistics &sum, const IpPeer::Statistics &more) {
    sum.packets_in += more.packets_in;
    sum.packets_out += more.packets_out;
    sum.bad_packets += more.bad_packets;
    sum.dhcp_leases += more.dhcp_leases;
    sum.router_advertisements += more.router_advertisements;
    sum.echo_replies += more.echo_replies;
    sum.udp_sunk_packets += more.udp_sunk_packets;
    sum.udp_sunk_bytes += more.udp_sunk_bytes;
    sum.tcp_sunk_bytes += more.tcp_sunk_bytes;
    sum.tcp_sink_mismatches += more.tcp_sink_mismatches;
    sum.tcp_sourced_bytes += more.tcp_sourced_bytes;
    sum.tcp_retransmits += more.tcp_retransmits;
    sum.tcp_out_of_order += more.tcp_out_of_order;
}

} // namespace

Pdn::Pdn(PdnAddressing addressing, Hooks hooks)
    : addressing_(addressing), hooks_(std::move(hooks)) {}

void Pdn::call_up(IpFamily family) {
    if (peer(family))
        return;
    IpPeer::Options options;
    options.addressing = addressing_;
    options.ipv4 = family == IpFamily::v4;
    options.ipv6 = family == IpFamily::v6;
    peer(family) = std::make_unique<IpPeer>(options, hooks_.emit);
    peer(family)->set_room(hooks_.room);
    if (family == IpFamily::v6)
        peer(family)->advertise();
}

void Pdn::call_down(IpFamily family) {
    if (peer(family))
        add(ended_, peer(family)->statistics());
    peer(family).reset();
}

void Pdn::receive(ByteView packet, Clock::time_point now) {
    auto &to = peer(packet[0] >> 4 == 6 ? IpFamily::v6 : IpFamily::v4);
    if (to)
        to->receive(packet, now);
}

std::optional<Clock::time_point> Pdn::advance(Clock::time_point now) {
    std::optional<Clock::time_point> next;
    for (IpPeer *p : {v4_.get(), v6_.get()}) {
        auto wanted = p ? p->advance(now) : std::nullopt;
        if (wanted)
            next = next ? std::min(*next, *wanted) : *wanted;
    }
    return next;
}

IpPeer::Statistics Pdn::statistics() const {
    IpPeer::Statistics sum = ended_;
    for (IpPeer *p : {v4_.get(), v6_.get()})
        if (p)
            add(sum, p->statistics());
    return sum;
}

} // namespace vmodem
