// SPDX-License-Identifier: GPL-2.0
// DHCP for one client: the PDN's address is the only lease there is.
#pragma once

#include "qmi_server.h"

#include <optional>

namespace vmodem::ip {

class DhcpServer {
  public:
    static constexpr uint32_t lease_seconds = 7200;

    struct Reply {
        Bytes message;
        uint32_t destination; // IPv4, host byte order
        bool lease;           // it grants one
    };

    explicit DhcpServer(const PdnAddressing &addressing) : addressing_(addressing) {}

    // The payload of a datagram to port 67. No answer to a release, a decline, what is meant for
    // another server, and what is malformed.
    std::optional<Reply> answer(ByteView message) const;

  private:
    PdnAddressing addressing_;
};

} // namespace vmodem::ip
