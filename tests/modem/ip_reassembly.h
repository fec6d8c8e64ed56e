// SPDX-License-Identifier: GPL-2.0
// Fragments -> datagrams, in bounded memory and time.
#pragma once

#include "ip_packet.h"

#include <list>
#include <vector>

namespace vmodem::ip {

class Reassembly {
  public:
    static constexpr size_t max_datagrams = 32; // under way at once, the oldest makes room
    static constexpr std::chrono::seconds max_age{10};

    enum class Result { incomplete, complete, bad };
    // Takes a packet that is a fragment. When it completes its datagram the packet becomes that
    // datagram; its payload is valid until the next call.
    Result add(Packet &packet, Clock::time_point now);

  private:
    struct Range {
        size_t begin, end;
    };
    struct Datagram {
        Path path;
        uint8_t protocol; // of the first fragment
        uint32_t id;
        Clock::time_point started;
        Bytes bytes;
        std::vector<Range> ranges; // received, in order, apart from each other
        size_t end = 0;            // of the datagram; 0: not known yet
    };

    Datagram &find(const Packet &packet, Clock::time_point now);
    static bool insert(Datagram &datagram, const Packet &packet);

    std::list<Datagram> datagrams_; // oldest first
    Bytes complete_;
};

} // namespace vmodem::ip
