// SPDX-License-Identifier: GPL-2.0
#include "ip_reassembly.h"

#include <algorithm>

namespace vmodem::ip {

Reassembly::Datagram &Reassembly::find(const Packet &packet, Clock::time_point now) {
    while (!datagrams_.empty() && now - datagrams_.front().started > max_age)
        datagrams_.pop_front();
    for (Datagram &datagram : datagrams_)
        // The protocol is part of IPv4's key only; in IPv6 the first fragment's counts.
        if (datagram.id == packet.fragment->id && datagram.path == packet.path &&
            (packet.path.v6 || datagram.protocol == packet.protocol))
            return datagram;
    if (datagrams_.size() == max_datagrams)
        datagrams_.pop_front();
    return datagrams_.emplace_back(
        Datagram{packet.path, packet.protocol, packet.fragment->id, now, {}, {}, 0});
}

// False if the fragment contradicts those before it.
bool Reassembly::insert(Datagram &datagram, const Packet &packet) {
    Range range{packet.fragment->offset, packet.fragment->offset + packet.payload.size()};
    if (!packet.fragment->more) {
        if ((datagram.end && datagram.end != range.end) ||
            (!datagram.ranges.empty() && datagram.ranges.back().end > range.end))
            return false;
        datagram.end = range.end;
    } else if (datagram.end && range.end > datagram.end) {
        return false;
    }
    auto after = std::find_if(datagram.ranges.begin(), datagram.ranges.end(),
                              [&](const Range &r) { return r.end > range.begin; });
    if (after != datagram.ranges.end() && after->begin < range.end)
        return after->begin <= range.begin && range.end <= after->end; // a duplicate is harmless
    if (datagram.bytes.size() < range.end)
        datagram.bytes.resize(range.end);
    std::copy(packet.payload.begin(), packet.payload.end(),
              datagram.bytes.begin() + ptrdiff_t(range.begin));
    if (range.begin == 0)
        datagram.protocol = packet.protocol;

    after = datagram.ranges.insert(after, range);
    if (auto next = after + 1; next != datagram.ranges.end() && next->begin == after->end) {
        after->end = next->end;
        datagram.ranges.erase(next);
    }
    if (after != datagram.ranges.begin() && (after - 1)->end == after->begin) {
        (after - 1)->end = after->end;
        datagram.ranges.erase(after);
    }
    return true;
}

Reassembly::Result Reassembly::add(Packet &packet, Clock::time_point now) {
    size_t length = packet.payload.size();
    size_t max_datagram = packet.path.v6 ? 65535 : 65535 - 20;
    if (length == 0 || (packet.fragment->more && length % 8) ||
        packet.fragment->offset + length > max_datagram)
        return Result::bad;
    Datagram &datagram = find(packet, now);
    auto self = std::find_if(datagrams_.begin(), datagrams_.end(),
                             [&](const Datagram &d) { return &d == &datagram; });
    if (!insert(datagram, packet)) {
        datagrams_.erase(self);
        return Result::bad;
    }
    if (!datagram.end || datagram.ranges.front().begin != 0 ||
        datagram.ranges.front().end != datagram.end)
        return Result::incomplete;

    complete_ = std::move(datagram.bytes);
    packet.protocol = datagram.protocol;
    packet.payload = complete_;
    packet.fragment.reset();
    datagrams_.erase(self);
    if (packet.path.v6 && !skip_extension_headers(packet))
        return Result::bad;
    return Result::complete;
}

} // namespace vmodem::ip
