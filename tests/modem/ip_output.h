// SPDX-License-Identifier: GPL-2.0
// The way out of the peer: packets larger than the MTU leave in fragments.
#pragma once

#include "ip_packet.h"

#include <functional>

namespace vmodem::ip {

class Output {
  public:
    Output(size_t mtu, std::function<void(Bytes)> emit, uint64_t &packets_out)
        : mtu_(mtu), emit_(std::move(emit)), packets_out_(packets_out) {}

    // A packet of make_packet with its payload filled in, but for the payload's checksum.
    void send(Bytes packet, size_t checksum_offset);
    size_t mtu() const { return mtu_; }
    void set_room(std::function<size_t()> room) { room_ = std::move(room); }
    // Whether the link takes another packet. What answers the host does not ask.
    bool has_room() const { return !room_ || room_() > 0; }

  private:
    void emit(Bytes packet);
    void send_fragments(Bytes &packet);

    size_t mtu_;
    std::function<void(Bytes)> emit_;
    std::function<size_t()> room_;
    uint64_t &packets_out_;
    uint32_t next_id_ = 1;
};

} // namespace vmodem::ip
