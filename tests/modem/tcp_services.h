// SPDX-License-Identifier: GPL-2.0
// What TCP connections are for: echo, sink and source (see ip_peer.h). A service is the
// application at the peer's end of one connection; it knows nothing of segments.
#pragma once

#include "bytes.h"
#include "ip_peer.h"

#include <memory>

namespace vmodem::ip {

// In a connection's stream, of either direction: 0 is the first byte.
using Position = int64_t;

class TcpService {
  public:
    virtual ~TcpService() = default;
    // How many bytes it takes at present. Shrinks only by what it is given.
    virtual size_t room() const = 0;
    // The next bytes of the stream, no more than room(). False: nonsense, reset the connection.
    virtual bool receive(ByteView bytes) = 0;
    virtual void end_of_input() = 0;

    // Its own stream: how long it is so far, whether that is all, bytes from anywhere in it that
    // is not acknowledged. Grows until it is complete.
    virtual Position output_end() const = 0;
    virtual bool output_complete() const = 0;
    virtual void read(Position from, std::span<uint8_t> into) const = 0;
    virtual void acknowledged(Position end) = 0;
};

// nullptr if nothing listens on the port.
std::unique_ptr<TcpService> make_tcp_service(uint16_t port, IpPeer::Statistics &statistics);

} // namespace vmodem::ip
